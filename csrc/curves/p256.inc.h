/* p256.inc.h - parameters of P-256: y^2 = x^3 - 3 x + b (SP 800-186, section 3.2.1.3). Moduli: field/params.h. */
#define cv(name) p256_##name
#define fe(name) fe_p256_##name
#define sc(name) sc_p256_##name

#define CV_A            -3
#define CV_BITS         256
#define CV_WORDS        4 /* of a coordinate, and of a scalar */
#define CV_SCALAR_WORDS 4
#define CV_P            {FE_P256_P}
#define CV_N            {SC_P256_P}
#define CV_B            {0x3bce3c3e27d2604bULL, 0x651d06b0cc53b0f6ULL, 0xb3ebbd55769886bcULL, 0x5ac635d8aa3a93e7ULL}
#define CV_GX           {0xf4a13945d898c296ULL, 0x77037d812deb33a0ULL, 0xf8bce6e563a440f2ULL, 0x6b17d1f2e12c4247ULL}
#define CV_GY           {0xcbb6406837bf51f5ULL, 0x2bce33576b315eceULL, 0x8ee7eb4a7c0f9e16ULL, 0x4fe342e2fe1a7f9bULL}

#define CV_GLV 0

#define CV_Q_WINDOW     5
#define CV_G_WINDOW     13
#define CV_COMB_WINDOW  8
#define CV_KNOWN_WINDOW 12
