/* backend_armsm3.c - SM3 with FEAT_SM3 of ARMv8.2-A; no other kernel. */
#include "backend.h"

#include "../hash/sm3_armsm3.inc.h"

const pc_backend pc_backend_armsm3 = {
    .name = "armsm3",
    .lanes = SM3_PAIR,
    .hash = {[PC_HASH_SM3] = {sm3_many, sm3_merkle_level, &sm3_stream}},
};
