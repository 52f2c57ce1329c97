/* secp256k1.inc.h - parameters of secp256k1: y^2 = x^3 + 7 (SEC 2, section 2.4.1). Moduli: field/params.h. */
#define cv(name) k256_##name
#define fe(name) fe_k256_##name
#define sc(name) sc_k256_##name

#define CV_A            0
#define CV_BITS         256
#define CV_WORDS        4 /* of a coordinate, and of a scalar */
#define CV_SCALAR_WORDS 4
#define CV_P            {FE_K256_P}
#define CV_N            {SC_K256_P}
#define CV_B            {7, 0, 0, 0}
#define CV_GX           {0x59f2815b16f81798ULL, 0x029bfcdb2dce28d9ULL, 0x55a06295ce870b07ULL, 0x79be667ef9dcbbacULL}
#define CV_GY           {0x9c47d08ffb10d4b8ULL, 0xfd17b448a6855419ULL, 0x5da4fbfc0e1108a8ULL, 0x483ada7726a3c465ULL}

/* The endomorphism (x, y) -> (beta x, y) = lambda (x, y) (mult/glv.inc.h). */
#define CV_GLV      1
#define CV_GLV_BITS 128 /* of the halves of a scalar */
#define CV_BETA     {0xc1396c28719501eeULL, 0x9cf0497512f58995ULL, 0x6e64479eac3434e9ULL, 0x7ae96a2b657c0710ULL}
#define CV_LAMBDA   {0xdf02967c1b23bd72ULL, 0x122e22ea20816678ULL, 0xa5261c028812645aULL, 0x5363ad4cc05c30e0ULL}

/* By operation counts: a wider window of Q costs more table than it saves. 12 bits of G are 320 KiB, which still fits L2. */
#define CV_Q_WINDOW     5
#define CV_G_WINDOW     12
#define CV_COMB_WINDOW  8
#define CV_KNOWN_WINDOW 12
