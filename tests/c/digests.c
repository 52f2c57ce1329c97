/* digests.c - digests HASH: hashes the messages on standard input, a line of hexadecimal digits each, with every usable backend that
 * has a kernel: all in one batch and each alone, which must agree. Prints "backend index digest". */
#include "pycore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 4096, BYTES = 8 << 20 };
static uint8_t data[BYTES], digests[MESSAGES * 64];
static int64_t offsets[MESSAGES + 1];

static int value(int c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* The number of messages, or -1 when the input is no hexadecimal digits or too long. */
static int read_messages(void) {
    int n = 0, c;
    size_t used = 0;
    while ((c = getchar()) != EOF) {
        if (c == '\n') {
            if (n == MESSAGES) return -1;
            offsets[++n] = (int64_t)used;
            continue;
        }
        const int high = value(c), low = value(getchar());
        if (high < 0 || low < 0 || used == BYTES) return -1;
        data[used++] = (uint8_t)(high << 4 | low);
    }
    return n;
}

int main(int count, char **arguments) {
    const pc_hash_row *hash = NULL;
    const int n = read_messages();
    pc_backend_row row;
    for (int i = 0; count == 2 && pc_hash_at(i); i++) {
        if (strcmp(pc_hash_at(i)->name, arguments[1]) == 0) hash = pc_hash_at(i);
    }
    if (!hash || n < 1) {
        fprintf(stderr, "usage: digests HASH < messages\n");
        return 2;
    }
    for (int b = 0; pc_backend_at(b, &row) == PC_OK; b++) {
        const pc_column all = {data, offsets, 0, 0};
        const int result = row.usable ? pc_hash_batch(b, hash->id, NULL, 0, &all, (size_t)n, digests) : PC_ERR_BACKEND;
        if (result == PC_ERR_BACKEND) continue;
        if (result != PC_OK) return 1;
        for (int i = 0; i < n; i++) {
            const pc_column one = {data, offsets + i, 0, 0};
            const uint8_t *digest = digests + (size_t)i * hash->digest_size;
            uint8_t alone[64];
            if (pc_hash_batch(b, hash->id, NULL, 0, &one, 1, alone) != PC_OK) return 1;
            if (memcmp(alone, digest, hash->digest_size) != 0) {
                fprintf(stderr, "%s: message %d has another digest in the batch than alone\n", row.name, i);
                return 1;
            }
            printf("%s %d ", row.name, i);
            for (size_t k = 0; k < hash->digest_size; k++) printf("%02x", digest[k]);
            printf("\n");
        }
    }
    return 0;
}
