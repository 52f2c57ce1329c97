/* largest_key.h - bytes of the longest encoding of a scheme's keys: the one that pc_testing_public_keys writes. */
#ifndef PC_LARGEST_KEY_H
#define PC_LARGEST_KEY_H
#include "../pycore.h"

static inline size_t largest_key(int scheme) {
    const size_t *size = pc_scheme_at(scheme)->key_sizes;
    while (size[1]) size++;
    return *size;
}
#endif
