/* backend_shani.c - SHA-256 with the SHA extensions of x86; no other kernel. */
#include "backend.h"

#include "../hash/sha256_shani.inc.h"

const pc_backend pc_backend_shani = {
    .name = "shani",
    .lanes = SHA256_PAIR,
    .hash =
        {
            [PC_HASH_SHA256] = {sha256_many, sha256_merkle_level, &sha256_stream},
            [PC_HASH_SHA256D] = {sha256d_many, sha256d_merkle_level, &sha256d_stream},
        },
};
