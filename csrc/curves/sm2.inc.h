/* sm2.inc.h - parameters of sm2p256v1: y^2 = x^3 - 3 x + b (GB/T 32918.5-2017, section 3). Moduli: field/params.h. */
#define cv(name) sm2c_##name
#define fe(name) fe_sm2_##name
#define sc(name) sc_sm2_##name

#define CV_A            -3
#define CV_BITS         256
#define CV_WORDS        4 /* of a coordinate, and of a scalar */
#define CV_SCALAR_WORDS 4
#define CV_P            {FE_SM2_P}
#define CV_N            {SC_SM2_P}
#define CV_B            {0xddbcbd414d940e93ULL, 0xf39789f515ab8f92ULL, 0x4d5a9e4bcf6509a7ULL, 0x28e9fa9e9d9f5e34ULL}
#define CV_GX           {0x715a4589334c74c7ULL, 0x8fe30bbff2660be1ULL, 0x5f9904466a39c994ULL, 0x32c4ae2c1f198119ULL}
#define CV_GY           {0x02df32e52139f0a0ULL, 0xd0a9877cc62a4740ULL, 0x59bdcee36b692153ULL, 0xbc3736a2f4f6779cULL}

#define CV_GLV 0

#define CV_Q_WINDOW     5
#define CV_G_WINDOW     13
#define CV_COMB_WINDOW  8
#define CV_KNOWN_WINDOW 12
