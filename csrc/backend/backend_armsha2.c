/* backend_armsha2.c - SHA-256 with FEAT_SHA256 of ARMv8-A, and hash160 with RIPEMD-160 in lanes behind it; no other kernel. */
#include "backend.h"

#include "../hash/sha256_armsha2.inc.h"

#include "../hash/lanes_neon.h"
#include "../hash/lanes_streams.h"

#include "../hash/hash160.inc.h"

const pc_backend pc_backend_armsha2 = {
    .name = "armsha2",
    .lanes = LANES_MAX,
    .hash =
        {
            [PC_HASH_SHA256] = {sha256_many, sha256_merkle_level, &sha256_stream},
            [PC_HASH_SHA256D] = {sha256d_many, sha256d_merkle_level, &sha256d_stream},
            [PC_HASH_HASH160] = {hash160_many, hash160_merkle_level, &hash160_stream},
        },
};
