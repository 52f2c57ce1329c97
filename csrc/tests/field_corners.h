/* field_corners.h - numbers and elements at the edges of what a field takes, for field_cases.inc.h. BIG_WORDS (big.h) says how wide. */
#ifndef PC_TEST_FIELD_CORNERS_H
#define PC_TEST_FIELD_CORNERS_H
#include "big.h"

enum { BIG_LIMBS = (64 * BIG_WORDS + 4 + 51) / 52 }; /* of 52 bits, as in field/fe_element.inc.h */

/* Numbers around everything that may go wrong: 0, multiples of p, powers of two, limbs of all ones. */
static int test_edges(uint64_t (*edge)[BIG_WORDS], int most, const uint64_t p[BIG_WORDS]) {
    int n = 0;
#define PUT(...)                                                                                                            \
    do {                                                                                                                    \
        const uint64_t x_[BIG_WORDS] = {__VA_ARGS__};                                                                       \
        if (n < most) memcpy(edge[n++], x_, sizeof x_);                                                                     \
    } while (0)
#define PUT_WORDS(x)                                                                                                        \
    do {                                                                                                                    \
        if (n < most) memcpy(edge[n++], x, sizeof *edge);                                                                   \
    } while (0)
#define PUT_ALL(others, top) /* the top word, and the others */                                                             \
    do {                                                                                                                    \
        uint64_t x_[BIG_WORDS];                                                                                             \
        for (int i_ = 0; i_ < BIG_WORDS; i_++) x_[i_] = i_ < BIG_WORDS - 1 ? (others) : (top);                              \
        PUT_WORDS(x_);                                                                                                      \
    } while (0)
    const uint64_t max = ~0ULL;
    PUT(0);
    PUT(1);
    PUT(2);
    PUT(19);
    PUT_ALL(max, max);
    PUT_ALL(max, max >> 1);
    PUT_ALL(0, 1ULL << 63);
    PUT(max);
    PUT(max << 1, max, max, max); /* of the lower 256 bits */
    PUT(0xfffffffffffffULL, 0xffffffffffULL << 24, 0, max);
    for (int d = -2; d <= 2; d++) { /* p + d and, where it fits, 2 p + d */
        uint64_t step[BIG_WORDS] = {(uint64_t)(d < 0 ? -d : d)}, x[BIG_WORDS], twice[BIG_WORDS];
        if (d < 0)
            big_sub(x, p, step);
        else
            big_add(x, p, step);
        PUT_WORDS(x);
        if (!big_add(twice, x, p)) PUT_WORDS(twice);
        big_sub(x, p, x); /* around zero, from the other side */
        PUT_WORDS(x);
    }
    for (int mask = 1; mask < 32; mask += 2) { /* 52-bit limbs of all ones, the first four and all above */
        uint64_t x[BIG_WORDS] = {0};
        for (int bit = 0; bit < 64 * BIG_WORDS; bit++)
            if (mask >> (bit / 52 < 4 ? bit / 52 : 4) & 1) x[bit / 64] |= 1ULL << (bit % 64);
        PUT_WORDS(x);
    }
    for (int bit = 50; bit < 64 * BIG_WORDS; bit += 51) { /* 51-bit limbs: one bit at each border */
        uint64_t x[BIG_WORDS] = {0};
        x[bit / 64] = 1ULL << (bit % 64);
        PUT_WORDS(x);
    }
#undef PUT
#undef PUT_WORDS
#undef PUT_ALL
    return n;
}

/* r = 2^(-52 BIG_LIMBS) mod p, by the exponent p - 2. */
static void test_unshift(uint64_t r[BIG_WORDS], const uint64_t p[BIG_WORDS]) {
    uint64_t one[BIG_WORDS] = {1}, two[BIG_WORDS] = {2}, e[BIG_WORDS], base[BIG_WORDS];
    big_shlmod(base, one, 52 * BIG_LIMBS, p);
    big_sub(e, p, two);
    memcpy(r, one, sizeof one);
    for (int bit = 64 * BIG_WORDS - 1; bit >= 0; bit--) {
        big_mulmod(r, r, r, p);
        if (e[bit / 64] >> (bit % 64) & 1) big_mulmod(r, r, base, p);
    }
}
/* Value of signed limbs of `radix` bits. */
static void test_value(uint64_t r[BIG_WORDS], const int64_t limb[BIG_LIMBS], int radix, const uint64_t p[BIG_WORDS]) {
    memset(r, 0, 8 * BIG_WORDS);
    for (int i = BIG_LIMBS - 1; i >= 0; i--) {
        uint64_t size[BIG_WORDS] = {(uint64_t)(limb[i] < 0 ? -limb[i] : limb[i])};
        big_shlmod(r, r, radix, p);
        if (limb[i] < 0)
            big_submod(r, r, size, p);
        else
            big_addmod(r, r, size, p);
    }
}

/* Corners of a class whose limbs are independent: each limb zero or the most it may be. */
#define WORST_LIMBS(most, top, radix, worst, value, n)                                                                      \
    for (int mask_ = 0; mask_ < 32; mask_++) {                                                                              \
        int64_t limb_[5];                                                                                                   \
        for (int i = 0; i < 5; i++) {                                                                                       \
            limb_[i] = mask_ >> i & 1 ? (int64_t)(i < 4 ? (most) : (top)) : 0;                                              \
            (worst)[n].l[i] = vset1((uint64_t)limb_[i]);                                                                    \
        }                                                                                                                   \
        test_value((value)[n++], limb_, radix, P);                                                                          \
    }
/* The same for signed limbs in doubles: each the most or the least it may be. */
#define WORST_DOUBLES(most, top, radix, worst, value, n)                                                                    \
    for (int mask_ = 0; mask_ < 32; mask_++) {                                                                              \
        int64_t limb_[5];                                                                                                   \
        for (int i = 0; i < 5; i++) {                                                                                       \
            limb_[i] = (int64_t)(i < 4 ? (most) : (top)) * (mask_ >> i & 1 ? 1 : -1);                                       \
            (worst)[n].l[i] = DB_I(db_set1((double)limb_[i]));                                                              \
        }                                                                                                                   \
        test_value((value)[n++], limb_, radix, P);                                                                          \
    }
/* Corners of a Montgomery class, which is a range of values: k p + d strictly between low p and high p. */
#define WORST_VALUES(low, high, worst, value, n)                                                                            \
    uint64_t unshift_[BIG_WORDS];                                                                                           \
    test_unshift(unshift_, P);                                                                                              \
    for (int k_ = (low); k_ <= (high); k_++)                                                                                \
        for (int d_ = -1; d_ <= 1; d_++) {                                                                                  \
            static const uint64_t limb_p[BIG_LIMBS] = PC_LIMBS52(FT_P);                                                     \
            int64_t limb_[BIG_LIMBS], carry_ = d_;                                                                          \
            if ((k_ == (low) && d_ <= 0 && (low) < 0) || (k_ == (low) && d_ < 0) || (k_ == (high) && d_ >= 0)) continue;    \
            for (int i = 0; i < BIG_LIMBS; i++) {                                                                           \
                carry_ += k_ * (int64_t)limb_p[i];                                                                          \
                limb_[i] = i < BIG_LIMBS - 1 ? carry_ & (int64_t)PC_MASK52 : carry_;                                        \
                carry_ >>= 52;                                                                                              \
                (worst)[n].l[i] = vset1((uint64_t)limb_[i]);                                                                \
            }                                                                                                               \
            test_value((value)[n], limb_, 52, P);                                                                           \
            big_mulmod((value)[n], (value)[n], unshift_, P);                                                                \
            n++;                                                                                                            \
        }
/* Corners of a Montgomery class in doubles: k p + d between -most p and most p with signed digits, and limbs 0..3 at their bounds
 * under a top limb that keeps the value inside. */
#define WORST_MONT_DOUBLES(most, worst, value, n)                                                                           \
    uint64_t unshift_[BIG_WORDS];                                                                                           \
    test_unshift(unshift_, P);                                                                                              \
    for (int at_ = 0; at_ < 6 * (most) + 1 + 16; at_++) {                                                                   \
        static const uint64_t limb_p[5] = PC_LIMBS52(FT_P);                                                                 \
        const int corner_ = at_ - (6 * (most) + 1), k_ = (at_ + 1) / 3 - (most);                                            \
        int64_t limb_[5], carry_ = (at_ + 1) % 3 - 1;                                                                       \
        for (int i = 0; i < 5; i++) {                                                                                       \
            carry_ += k_ * (int64_t)limb_p[i];                                                                              \
            limb_[i] = i < 4 ? ((carry_ + (1LL << 51)) & (int64_t)PC_MASK52) - (1LL << 51) : carry_;                        \
            carry_ = (carry_ - limb_[i]) >> 52;                                                                             \
            if (corner_ >= 0) limb_[i] = ((1LL << 51) + (1LL << 44)) * (corner_ >> i & 1 ? 1 : -1);                         \
            if (corner_ >= 0 && i == 4) limb_[i] = ((most) * 0xffff0000LL << 16) * (corner_ % 3 - 1) - (corner_ % 3 - 1);   \
            (worst)[n].l[i] = DB_I(db_set1((double)limb_[i]));                                                              \
        }                                                                                                                   \
        test_value((value)[n], limb_, 52, P);                                                                               \
        big_mulmod((value)[n], (value)[n], unshift_, P);                                                                    \
        n++;                                                                                                                \
    }
#define FT_WORST_MOST         32 /* LOOSE_: the same for the loose class */
#define WORST_PM52(w, v, n)   WORST_LIMBS((1LL << 52) - 1, 1LL << 48, 52, w, v, n)
#define LOOSE_PM52(w, v, n)   WORST_LIMBS((1LL << 52) - 1, (1LL << 50) - 1, 52, w, v, n)
#define WORST_MONT52(w, v, n) WORST_VALUES(0, 2, w, v, n)
#define LOOSE_MONT52(w, v, n) WORST_VALUES(0, 4, w, v, n)
#endif
