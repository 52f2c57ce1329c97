/* fields.inc.h - instantiates all fields for the vec header in force. Contract: field.h.
 *
 * Every field exists as a template under the prefix ref_ (the oracle of probes and tests). Where the instruction set has a
 * tuned body, field/<field>_<isa>.inc.h, that takes the plain prefix; elsewhere the template is instantiated once more.
 * PC_FIELDS_TEMPLATE_ONLY turns the tuned bodies off (tests). */
#ifndef PC_FIELDS_INC_H
#define PC_FIELDS_INC_H
#include "params.h"
#include "words.inc.h"

#if defined(VEC_PORTABLE) && !defined(PC_FIELDS_TEMPLATE_ONLY)
#    define PC_FIELDS_PORTABLE 1
#endif
#if defined(VEC_IFMA) && !defined(PC_FIELDS_TEMPLATE_ONLY)
#    define PC_FIELDS_IFMA 1
#endif
#if defined(VEC_AVX2) && !defined(PC_FIELDS_TEMPLATE_ONLY)
#    define PC_FIELDS_AVX2 1
#endif

/* --- pseudo-Mersenne. FE_SUB_P: the first even multiple of p above every tight value -------------------------------------
 */
#define FE_P     FE25519_P
#define FE_K     FE25519_K
#define FE_SUB_P 4
#define FE       ref_fe25519
#include "fe_pseudo_mersenne.inc.h"
#if defined(PC_FIELDS_PORTABLE)
#    include "fe25519_portable.inc.h"
#elif defined(PC_FIELDS_IFMA)
#    include "fe25519_avx512ifma.inc.h"
#elif defined(PC_FIELDS_AVX2)
#    include "fe25519_avx2.inc.h"
#else
#    define FE fe25519
#    include "fe_pseudo_mersenne.inc.h"
#endif
#undef FE_P
#undef FE_K
#undef FE_SUB_P

#define FE_P          FE_K256_P
#define FE_K          FE_K256_K
#define FE_SUB_P      2
#define FE_CHAIN_K256 /* fe_derived.inc.h */
#define FE            ref_fe_k256
#include "fe_pseudo_mersenne.inc.h"
#ifdef PC_FIELDS_PORTABLE
#    include "fe_k256_portable.inc.h"
#elif defined(PC_FIELDS_IFMA)
#    include "fe_k256_avx512ifma.inc.h"
#elif defined(PC_FIELDS_AVX2)
#    include "fe_k256_avx2.inc.h"
#else
#    define FE fe_k256
#    include "fe_pseudo_mersenne.inc.h"
#endif
#undef FE_P
#undef FE_K
#undef FE_CHAIN_K256
#undef FE_SUB_P

/* --- Montgomery: P-256, SM2 and the four group orders. FE_TOP: log2(p) rounded, minus 208 ------------------------- */
#define FE_P   FE_P256_P
#define FE_R   FE_P256_R
#define FE_R2  FE_P256_R2
#define FE_N0  FE_P256_N0
#define FE_TOP 48
#define FE     ref_fe_p256
#include "fe_montgomery.inc.h"
#define FE fe_p256
#if defined(PC_FIELDS_PORTABLE)
#    include "fe_p256_portable.inc.h"
#elif defined(PC_FIELDS_IFMA)
#    include "fe_p256_avx512ifma.inc.h"
#elif defined(PC_FIELDS_AVX2)
#    include "fe_p256_avx2.inc.h"
#else
#    include "fe_montgomery.inc.h"
#endif
#include "fe_undef.inc.h"

#define FE_P   FE_SM2_P
#define FE_R   FE_SM2_R
#define FE_R2  FE_SM2_R2
#define FE_N0  FE_SM2_N0
#define FE_TOP 48
#define FE     ref_fe_sm2
#include "fe_montgomery.inc.h"
#define FE fe_sm2
#if defined(PC_FIELDS_PORTABLE)
#    include "fe_sm2_portable.inc.h"
#elif defined(PC_FIELDS_IFMA)
#    include "fe_sm2_avx512ifma.inc.h"
#elif defined(PC_FIELDS_AVX2)
#    include "fe_sm2_avx2.inc.h"
#else
#    include "fe_montgomery.inc.h"
#endif
#include "fe_undef.inc.h"

#define FE_P   SC25519_P
#define FE_R   SC25519_R
#define FE_R2  SC25519_R2
#define FE_N0  SC25519_N0
#define FE_TOP 44
#define FE     ref_sc25519
#include "fe_montgomery.inc.h"
#define FE sc25519
#ifdef PC_FIELDS_PORTABLE
#    include "fe_montgomery_portable.inc.h"
#else
#    include "fe_montgomery.inc.h"
#endif
#include "fe_undef.inc.h"

#define FE_P   SC_K256_P
#define FE_R   SC_K256_R
#define FE_R2  SC_K256_R2
#define FE_N0  SC_K256_N0
#define FE_TOP 48
#define FE     ref_sc_k256
#include "fe_montgomery.inc.h"
#define FE sc_k256
#ifdef PC_FIELDS_PORTABLE
#    include "fe_montgomery_portable.inc.h"
#else
#    include "fe_montgomery.inc.h"
#endif
#include "fe_undef.inc.h"

#define FE_P   SC_P256_P
#define FE_R   SC_P256_R
#define FE_R2  SC_P256_R2
#define FE_N0  SC_P256_N0
#define FE_TOP 48
#define FE     ref_sc_p256
#include "fe_montgomery.inc.h"
#define FE sc_p256
#ifdef PC_FIELDS_PORTABLE
#    include "fe_montgomery_portable.inc.h"
#else
#    include "fe_montgomery.inc.h"
#endif
#include "fe_undef.inc.h"

#define FE_P   SC_SM2_P
#define FE_R   SC_SM2_R
#define FE_R2  SC_SM2_R2
#define FE_N0  SC_SM2_N0
#define FE_TOP 48
#define FE     ref_sc_sm2
#include "fe_montgomery.inc.h"
#define FE sc_sm2
#ifdef PC_FIELDS_PORTABLE
#    include "fe_montgomery_portable.inc.h"
#else
#    include "fe_montgomery.inc.h"
#endif
#include "fe_undef.inc.h"

#endif
