/* utf8.h - characters of UTF-8 (RFC 3629). */
#ifndef PC_WIRE_UTF8_H
#define PC_WIRE_UTF8_H
#include "../core/check.h"

/* Bytes of the character that begins with `first` and has `second` behind it; 0 when there is none, or when it is ASCII. */
PC_FN int pc_utf8_character(unsigned first, unsigned second) {
    if (first < 0xc2 || first > 0xf4) return 0;
    unsigned low = 0x80, high = 0xbf;
    if (first == 0xe0) low = 0xa0;  /* overlong */
    if (first == 0xed) high = 0x9f; /* surrogates */
    if (first == 0xf0) low = 0x90;  /* overlong */
    if (first == 0xf4) high = 0x8f; /* above U+10FFFF */
    if (second < low || second > high) return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Bytes of the character at p; 0 when there is none, or when it is ASCII. */
PC_FN int pc_utf8_at(const uint8_t *p, const uint8_t *end) {
    const int n = end - p < 2 ? 0 : pc_utf8_character(p[0], p[1]);
    if (n == 0 || end - p < n) return 0;
    for (int i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return n;
}
#endif
