/* params.h - the eight moduli and their Montgomery constants, as little-endian 64-bit words. No code.
 *
 *   _P    the modulus                      _R   2^260 mod p (Montgomery one)
 *   _N0   -p^-1 mod 2^52                   _R2  2^520 mod p (into the domain: a * R2 / R = a R)
 *   _TOP  log2(p) rounded, minus 208 (fe_montgomery_portable.inc.h)
 *   _K    2^256 mod p                      _SUB_P  the first even multiple of p above every tight value
 *   _CHAIN  1: powers by the chain of fe_k256_powers.inc.h
 *
 * tests/test_field.c recomputes every derived line from _P with schoolbook arithmetic. */
#ifndef PC_FIELD_PARAMS_H
#define PC_FIELD_PARAMS_H

/* 2^255 - 19 (RFC 7748). 2^256 = 38. */
#define FE25519_P     0xffffffffffffffedULL, 0xffffffffffffffffULL, 0xffffffffffffffffULL, 0x7fffffffffffffffULL
#define FE25519_K     38ULL
#define FE25519_SUB_P 4
/* 2^256 - 2^32 - 977 (SEC 2, 2.4.1). 2^256 = 0x1000003d1. */
#define FE_K256_P     0xfffffffefffffc2fULL, 0xffffffffffffffffULL, 0xffffffffffffffffULL, 0xffffffffffffffffULL
#define FE_K256_K     0x1000003d1ULL
#define FE_K256_SUB_P 2
#define FE_K256_CHAIN 1

/* 2^256 - 2^224 + 2^192 + 2^96 - 1 (FIPS 186-5 / SP 800-186, 3.2.1.3). p = -1 mod 2^96. */
#define FE_P256_P   0xffffffffffffffffULL, 0x00000000ffffffffULL, 0x0000000000000000ULL, 0xffffffff00000001ULL
#define FE_P256_R   0x0000000000000010ULL, 0xfffffff000000000ULL, 0xffffffffffffffffULL, 0x0000000fffffffefULL
#define FE_P256_R2  0x0000000000000300ULL, 0xfffffbffffffff00ULL, 0xfffffffffffffeffULL, 0x000004fffffffdffULL
#define FE_P256_N0  1ULL
#define FE_P256_TOP 48
/* 2^256 - 2^224 - 2^96 + 2^64 - 1 (GB/T 32918.5). p = -1 mod 2^64. */
#define FE_SM2_P   0xffffffffffffffffULL, 0xffffffff00000000ULL, 0xffffffffffffffffULL, 0xfffffffeffffffffULL
#define FE_SM2_R   0x0000000000000010ULL, 0x0000000ffffffff0ULL, 0x0000000000000000ULL, 0x0000001000000000ULL
#define FE_SM2_R2  0x0000020000000300ULL, 0x000002ffffffff00ULL, 0x0000010000000100ULL, 0x0000040000000200ULL
#define FE_SM2_N0  1ULL
#define FE_SM2_TOP 48

/* Group orders: Ed25519 L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032, 5.1), */
#define SC25519_P   0x5812631a5cf5d3edULL, 0x14def9dea2f79cd6ULL, 0x0000000000000000ULL, 0x1000000000000000ULL
#define SC25519_R   0x45af48bd6721e6edULL, 0x35e51b3bab5ac67eULL, 0xffffffffffffffebULL, 0x0fffffffffffffffULL
#define SC25519_R2  0x69f9d265e952d13bULL, 0x687604d63c715beaULL, 0xec73d217f5be65cbULL, 0x09411b7c309a3dceULL
#define SC25519_N0  0x51da312547e1bULL
#define SC25519_TOP 44
/* secp256k1 n (SEC 2, 2.4.1), */
#define SC_K256_P   0xbfd25e8cd0364141ULL, 0xbaaedce6af48a03bULL, 0xfffffffffffffffeULL, 0xffffffffffffffffULL
#define SC_K256_R   0x02da1732fc9bebf0ULL, 0x551231950b75fc44ULL, 0x0000000000000014ULL, 0x0000000000000000ULL
#define SC_K256_R2  0xc8ee180c268b3b23ULL, 0x97594894fd6e33e4ULL, 0x97f5e45bcd07c73bULL, 0x671cd581c69bc5e6ULL
#define SC_K256_N0  0xdff665588b13fULL
#define SC_K256_TOP 48
/* P-256 n (SP 800-186, 3.2.1.3), */
#define SC_P256_P   0xf3b9cac2fc632551ULL, 0xbce6faada7179e84ULL, 0xffffffffffffffffULL, 0xffffffff00000000ULL
#define SC_P256_R   0xc46353d039cdaaf0ULL, 0x319055258e8617b0ULL, 0x0000000000000004ULL, 0x0000000ffffffff0ULL
#define SC_P256_R2  0x0845cc0dea6dc3baULL, 0x5571bb192a067d8aULL, 0x45b2392b6bec5961ULL, 0xe12d9559d9561fc2ULL
#define SC_P256_N0  0x1c8aaee00bc4fULL
#define SC_P256_TOP 48
/* SM2 n (GB/T 32918.5). */
#define SC_SM2_P   0x53bbf40939d54123ULL, 0x7203df6b21c6052bULL, 0xffffffffffffffffULL, 0xfffffffeffffffffULL
#define SC_SM2_R   0xc440bf6c62abedd0ULL, 0xdfc2094de39fad4aULL, 0x0000000000000008ULL, 0x0000001000000000ULL
#define SC_SM2_R2  0x418c16674a517de6ULL, 0x07dc1c507a6e5f7cULL, 0x0fc84c3affe0d445ULL, 0xb5e412c02b3d3b62ULL
#define SC_SM2_N0  0xf9e8872350975ULL
#define SC_SM2_TOP 48
#endif
