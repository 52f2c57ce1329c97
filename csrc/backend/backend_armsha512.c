/* backend_armsha512.c - SHA-512 with FEAT_SHA512 of ARMv8.2-A; no other kernel. */
#include "backend.h"

#include "../hash/sha512_armsha512.inc.h"

const pc_backend pc_backend_armsha512 = {
    .name = "armsha512",
    .lanes = SHA512_PAIR,
    .hash = {[PC_HASH_SHA512] = {sha512_many, sha512_merkle_level, &sha512_stream}},
};
