/* short_weierstrass.inc.h - every scheme over secp256k1, P-256 and SM2's curve, for the including backend.
 *
 * The order of the includes is the order of the layers: parameters, group, multiplication, keys, schemes. A
 * new curve is a file of parameters and one more block here. Requires the vec header, field/fields.inc.h and
 * hash/hash.inc.h. */
#ifndef PC_SCHEMES_SHORT_WEIERSTRASS_INC_H
#define PC_SCHEMES_SHORT_WEIERSTRASS_INC_H
#include <pthread.h>
#include <string.h>

#include "../mult/glv.inc.h"
#include "../mult/recode.inc.h"
#include "../mult/lane_tables.inc.h"
#include "parts/combine.inc.h"
#include "parts/encoding.inc.h"
#include "parts/messages.inc.h"

#include "../curves/secp256k1.inc.h"
#include "parts/weierstrass_layers.inc.h"
#define ecdsa(name) ecdsa_secp256k1_##name
#include "ecdsa/verify.inc.h"
#if PC_SIGNS
#    include "ecdsa/sign.inc.h"
#endif
#undef ecdsa
#include "ecdsa/recover.inc.h"
#include "../group/weierstrass_complete.inc.h"
#include "../mult/affine_pairs.inc.h"
#include "../mult/buckets.inc.h"
#include "bip340/verify.inc.h"
#if PC_SIGNS
#    include "bip340/sign.inc.h"
#endif
#include "../curves/undef.inc.h"

#include "../curves/p256.inc.h"
#include "parts/weierstrass_layers.inc.h"
#define ecdsa(name) ecdsa_p256_##name
#include "ecdsa/verify.inc.h"
#if PC_SIGNS
#    include "ecdsa/sign.inc.h"
#endif
#undef ecdsa
#include "../curves/undef.inc.h"

#include "../curves/sm2.inc.h"
#include "parts/weierstrass_layers.inc.h"
#include "sm2/verify.inc.h"
#if PC_SIGNS
#    include "sm2/sign.inc.h"
#endif
#include "../curves/undef.inc.h"

#define ECDSA_SECP256K1_VERIFY_SCRATCH   sizeof(ecdsa_secp256k1_work)
#define ECDSA_SECP256K1_KEYSET_RECORD    sizeof(k256_key_record)
#define ECDSA_SECP256K1_KEYSET_TABLE     k256_keyset_table
#define ECDSA_P256_VERIFY_SCRATCH        sizeof(ecdsa_p256_work)
#define ECDSA_P256_KEYSET_RECORD         sizeof(p256_key_record)
#define ECDSA_P256_KEYSET_TABLE          p256_keyset_table
#define SM2_VERIFY_SCRATCH               sizeof(sm2_work)
#define SM2_KEYSET_RECORD                sizeof(sm2c_key_record)
#define SM2_KEYSET_TABLE                 sm2c_keyset_table
#define SCHNORR_SECP256K1_VERIFY_SCRATCH sizeof(schnorr_secp256k1_work)
#define SCHNORR_SECP256K1_KEYSET_RECORD  sizeof(k256_key_record)
#define SCHNORR_SECP256K1_KEYSET_TABLE   k256_keyset_table
#endif
