/* all.inc.h - every template once, for the instruction set of the including backend_*.c, and the table of what came out.
 *
 * The includer sets PC_ISA (the backend's name), includes a vec header (curves) and a lanes header (hashes), then this file. With
 * PC_HASHES_ONLY it needs no vec header, and the curves are left to the next backend. The rows of registry.def decide what the table holds: a hash needs PC_HASH_OPS_<ID>, a scheme PC_SCHEME_OPS_<ID>. */
#include "backend.h"

#ifdef PC_HASHES_ONLY
#    include "../hash/hash.inc.h"
#else
#    include "../field/fields.inc.h"
#    include "../field/probe.inc.h"
#    include "../hash/hash.inc.h"
#    include "../schemes/ed25519/all.inc.h"
#    include "../schemes/short_weierstrass.inc.h"
#endif

#define HASH_OPS(name)          {.many = name##_many, .merkle_level = name##_merkle_level, .stream = &name##_stream}
#define PC_HASH_OPS_SHA256      HASH_OPS(sha256)
#define PC_HASH_OPS_SHA256D     HASH_OPS(sha256d)
#define PC_HASH_OPS_SHA512      HASH_OPS(sha512)
#define PC_HASH_OPS_SHA3_256    HASH_OPS(sha3_256)
#define PC_HASH_OPS_KECCAK256   HASH_OPS(keccak256)
#define PC_HASH_OPS_SM3         HASH_OPS(sm3)
#define PC_HASH_OPS_RIPEMD160   HASH_OPS(ripemd160)
#define PC_HASH_OPS_HASH160     HASH_OPS(hash160)
#define PC_HASH_OPS_BLAKE2B_256 HASH_OPS(blake2b_256)
#define PC_HASH_OPS_BLAKE2B_512 HASH_OPS(blake2b_512)
#define PC_HASH_OPS_BLAKE3      HASH_OPS(blake3)

#if PC_SIGNS
#    define SIGN_OPS(name) .public_keys = name##_public_keys, .sign = name##_sign
#else
#    define SIGN_OPS(name) .public_keys = NULL, .sign = NULL
#endif
#define SCHEME_OPS(name, NAME)                                                                                              \
    {.verify = name##_verify,                                                                                               \
     .verify_scratch = NAME##_VERIFY_SCRATCH,                                                                               \
     .keyset_put = name##_keyset_put,                                                                                       \
     .keyset_record = NAME##_KEYSET_RECORD,                                                                                 \
     .keyset_table = NAME##_KEYSET_TABLE,                                                                                   \
     SIGN_OPS(name)}
#define PC_SCHEME_OPS_ED25519           SCHEME_OPS(ed25519, ED25519)
#define PC_SCHEME_OPS_ECDSA_SECP256K1   SCHEME_OPS(ecdsa_secp256k1, ECDSA_SECP256K1)
#define PC_SCHEME_OPS_ECDSA_P256        SCHEME_OPS(ecdsa_p256, ECDSA_P256)
#define PC_SCHEME_OPS_SM2               SCHEME_OPS(sm2, SM2)
#define PC_SCHEME_OPS_SCHNORR_SECP256K1 SCHEME_OPS(schnorr_secp256k1, SCHNORR_SECP256K1)

#define BACKEND_SYMBOL_(isa) pc_backend_##isa
#define BACKEND_SYMBOL(isa)  BACKEND_SYMBOL_(isa)
#define BACKEND_STRING_(isa) #isa
#define BACKEND_STRING(isa)  BACKEND_STRING_(isa)

const pc_backend BACKEND_SYMBOL(PC_ISA) = {
    .name = BACKEND_STRING(PC_ISA),
    .lanes = PC_BACKEND_LANES,
    .hash =
        {
#define PC_HASH(id, ID, name, digest, block, source) [PC_HASH_##ID] = PC_HASH_OPS_##ID,
#include "../registry.def"
#undef PC_HASH
        },
#ifndef PC_HASHES_ONLY
    .scheme =
        {
#    define PC_SCHEME(id, ID, ...) [PC_SCHEME_##ID] = PC_SCHEME_OPS_##ID,
#    include "../registry.def"
#    undef PC_SCHEME
        },
    .recover = secp256k1_recover,
    .recover_scratch = RECOVER_SCRATCH,
    .field_probe = field_probe,
#endif
};
