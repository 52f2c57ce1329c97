/* ed25519.inc.h - parameters of edwards25519: -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.1). Moduli: field/params.h. */
#define cv(name) ed25519_##name
#define fe(name) fe25519_##name
#define sc(name) sc25519_##name

#define CV_BITS         253 /* of the group order L */
#define CV_WORDS        4   /* of a coordinate, and of a scalar */
#define CV_SCALAR_WORDS 4
#define CV_P            {FE25519_P}
#define CV_N            {SC25519_P}

/* d = -121665 / 121666, and 2^((p - 1) / 4), a square root of -1 */
#define CV_D     {0x75eb4dca135978a3ULL, 0x00700a4d4141d8abULL, 0x8cc740797779e898ULL, 0x52036cee2b6ffe73ULL}
#define CV_ROOT1 {0xc4ee1b274a0ea0b0ULL, 0x2f431806ad2fe478ULL, 0x2b4d00993dfbd7a7ULL, 0x2b8324804fc1df0bULL}
/* The base point: y = 4 / 5, x even. */
#define CV_GX {0xc9562d608f25d51aULL, 0x692cc7609525a7b2ULL, 0xc0a4e231fdd6dc5cULL, 0x216936d3cd6e53feULL}
#define CV_GY {0x6666666666666658ULL, 0x6666666666666666ULL, 0x6666666666666666ULL, 0x6666666666666666ULL}
/* One of the two y (the other is its negative) of the four points of order 8; the points of order 1, 2, 4 have y = 1, -1, 0. */
#define CV_Y8 {0xb027b2c28f95e826ULL, 0xf098eff289f4c345ULL, 0x3933c6d305acdfd5ULL, 0x05fc536d880238b1ULL}

/* Of v^2 = u^3 + (e - 2) u^2 + u, to which u = (1 + y) / (1 - y), v = c u / x leads: e, c with c^2 = -e, and the slope of the
 * tangent that group/edwards_subgroup.inc.h takes. */
#define CV_SUBGROUP_E      {486664}
#define CV_SUBGROUP_C      {0xcc6e04aaff457e06ULL, 0xc5a1d3d14b7d1a82ULL, 0xd27b08dc03fc4f7eULL, 0x0f26edf460a006bbULL}
#define CV_SUBGROUP_LAMBDA {0x165db7106377bbdaULL, 0x9ca5ee38d7b56c9cULL, 0x3de05885280b5910ULL, 0x141b0b6806563d50ULL}

/* Measured: wider windows of A cost more table than they save; 8 bits of B are 16 KiB, which stays in L1. */
#define CV_A_WINDOW     5
#define CV_G_WINDOW     8
#define CV_COMB_WINDOW  5
#define CV_KNOWN_WINDOW 11
