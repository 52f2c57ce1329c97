/* fe_derived.inc.h - template: what a field builds from its core operations; included at the end of every reducer and of every
 * tuned body.
 *
 * First the operations that a body may leave to this file, then the public names of all of them with their checks
 * (fe_contract.inc.h), then what is built on those: FE_is_odd, eq, cneg, sqr_n, side_sqr_n, side_mul, set_words, pow, inv, sqrt,
 * sqrt_side, batch_inv. Every step of the latter goes through a checked operation.
 *
 * Requires FE, FE_P, and of the body FE_T, FE_select, FE_IS_TIGHT, FE_IS_LOOSE and IMPL of: zero, one, from_words, to_words, add, sub,
 * neg, carry, addc, subc, mul, sqr, mul_small, half, is_zero. A body that defines FE_OWN_PACK has pack and unpack, with FE_OWN_FUSED
 * the products less something, with FE_OWN_SUB2C
 * FE_sub2c, with FE_OWN_HALF3 three halves of products, with FE_OWN_APART sqr_apart. */

/* Outside of the Montgomery domain a packed element is the plain integer. */
#ifndef FE_OWN_PACK
PC_FN void IMPL(_pack)(vec w[FE_WORDS], const FE_T *a) { IMPL(_to_words)(w, a); }
PC_FN void IMPL(_unpack)(FE_T *r, const vec w[FE_WORDS]) { IMPL(_from_words)(r, w); }
#endif
/* A difference right after a product, where a reduction can take it in. */
#ifndef FE_OWN_FUSED
#    ifndef FE_OWN_SUB2C
/* r = a - 2 c, tight, where that takes less than a sum and a difference; a loose, c tight. */
PC_INLINE void FN(_sub2c)(FE_T *r, const FE_T *a, const FE_T *c) {
    FE_T u;
    IMPL(_add)(&u, c, c);
    IMPL(_subc)(r, a, &u);
}
#    endif
PC_INLINE void IMPL(_mul_sub)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *c) {
    FE_T t;
    IMPL(_mul)(&t, a, b);
    IMPL(_sub)(r, &t, c);
}
PC_INLINE void IMPL(_mul_subc)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *c) {
    FE_T t;
    IMPL(_mul)(&t, a, b);
    IMPL(_subc)(r, &t, c);
}
PC_INLINE void IMPL(_sqr_sub2c)(FE_T *r, const FE_T *a, const FE_T *c) {
    FE_T t;
    IMPL(_sqr)(&t, a);
    FN(_sub2c)(r, &t, c);
}
PC_INLINE void IMPL(_sqr_sub12c)(FE_T *r, const FE_T *a, const FE_T *b, const FE_T *c) {
    FE_T t;
    IMPL(_sqr)(&t, a);
    IMPL(_sub)(&t, &t, b);
    FN(_sub2c)(r, &t, c);
}
#endif
#ifndef FE_OWN_HALF3
/* r = 3 a / 2, a tight. */
PC_INLINE void FN(_half3)(FE_T *r, const FE_T *a) {
    FE_T t;
    IMPL(_half)(&t, a);
    IMPL(_add)(r, a, &t);
}
PC_INLINE void IMPL(_mul_half3)(FE_T *r, const FE_T *a, const FE_T *b) {
    FE_T t;
    IMPL(_mul)(&t, a, b);
    FN(_half3)(r, &t);
}
PC_INLINE void IMPL(_sqr_half3)(FE_T *r, const FE_T *a) {
    FE_T t;
    IMPL(_sqr)(&t, a);
    FN(_half3)(r, &t);
}
#endif
#ifndef FE_OWN_APART
PC_INLINE void IMPL(_sqr_apart)(FE_T *minus, FE_T *plus, const FE_T *a, const FE_T *b) {
    const FE_T x = *a;
    FE_T t;
    IMPL(_sqr)(&t, b);
    IMPL(_sub)(minus, &x, &t);
    IMPL(_add)(plus, &x, &t);
}
#endif
#include "fe_contract.inc.h"

PC_FN vmask FN(_is_odd)(const FE_T *a) {
    vec w[FE_WORDS];
    FN(_to_words)(w, a);
    return words_is_odd(w);
}
PC_FN vmask FN(_eq)(const FE_T *a, const FE_T *b) {
    FE_T x, y;
    FN(_carry)(&x, a);
    FN(_carry)(&y, b);
    FN(_sub)(&x, &x, &y);
    return FN(_is_zero)(&x);
}
/* r = m ? -a : a. */
PC_FN void FN(_cneg)(FE_T *r, vmask m, const FE_T *a) {
    FE_T t;
    FN(_neg)(&t, a);
    FN(_carry)(&t, &t);
    FN(_select)(r, m, &t, a);
}
PC_FN void FN(_sqr_n)(FE_T *r, const FE_T *a, int n) {
    FN(_sqr)(r, a);
    for (int i = 1; i < n; i++) FN(_sqr)(r, r);
}
/* Elements side by side: in a chain of squarings each waits for the one before, and a second chain fills the gaps. r[j] =
 * a[j]^(2^times), and r[j] = a[j] b[j], for n elements, 1 <= n <= PC_SIDE. With one lane two squarings are two calls:
 * gcc's code for both in one loop takes half again as long. */
PC_NOINLINE void FN(_side_sqr)(FE_T *r, const FE_T *a) { FN(_sqr)(r, a); }
PC_NOINLINE VEC_FLATTEN void FN(_side_sqr_n)(FE_T *r, const FE_T *a, int times, int n) {
    if (n == 1) {
        FN(_sqr_n)(r, a, times);
        return;
    }
    FE_T x = a[0], y = a[1];
    for (int i = 0; i < times && VL == 1; i++) {
        FN(_side_sqr)(&x, &x);
        FN(_side_sqr)(&y, &y);
    }
    for (int i = 0; i < times && VL > 1; i++) {
        FN(_sqr)(&x, &x);
        FN(_sqr)(&y, &y);
    }
    r[0] = x;
    r[1] = y;
}
PC_NOINLINE VEC_FLATTEN void FN(_side_mul)(FE_T *r, const FE_T *a, const FE_T *b, int n) {
    for (int j = 0; j < n; j++) FN(_mul)(&r[j], &a[j], &b[j]);
}
/* The same value in every lane. */
PC_FN void FN(_set_words)(FE_T *r, const uint64_t c[FE_WORDS]) {
    vec w[FE_WORDS];
    words_set1_n(w, c, FE_WORDS);
    FN(_from_words)(r, w);
}

/* r = a^e for a constant e > 0, little-endian words: sliding window of five bits, odd powers up to a^31. */
PC_NOINLINE void FN(_pow)(FE_T *r, const FE_T *a, const uint64_t e[FE_WORDS]) {
    FE_T odd[16], acc = FN(_one)();
    FN(_carry)(&odd[0], a);
    FN(_sqr)(&acc, &odd[0]);
    for (int i = 1; i < 16; i++) FN(_mul)(&odd[i], &odd[i - 1], &acc);
    acc = FN(_one)();
    int started = 0;
    for (int i = 64 * FE_WORDS - 1; i >= 0;) {
        if (!(e[i / 64] >> (i % 64) & 1)) {
            if (started) FN(_sqr)(&acc, &acc);
            i--;
            continue;
        }
        int low = i > 4 ? i - 4 : 0;
        while (!(e[low / 64] >> (low % 64) & 1)) low++;
        unsigned digit = 0;
        for (int j = i; j >= low; j--) digit = digit << 1 | (unsigned)(e[j / 64] >> (j % 64) & 1);
        if (started) {
            FN(_sqr_n)(&acc, &acc, i - low + 1);
            FN(_mul)(&acc, &acc, &odd[digit >> 1]);
        } else {
            acc = odd[digit >> 1];
            started = 1;
        }
        i = low - 1;
    }
    *r = acc;
}
#if FE_CHAIN
#    include "fe_k256_powers.inc.h"
#else
PC_FN void FN(_inv)(FE_T *r, const FE_T *a) {
    static const uint64_t P[FE_WORDS] = PC_WORDS(FE_P);
    uint64_t e[FE_WORDS];
    for (int i = 0; i < FE_WORDS; i++) e[i] = P[i] - (i ? 0 : 2); /* P[0] >= 2 for every modulus here */
    FN(_pow)(r, a, e);
}
/* e = (p + add) >> shift, for the exponents of roots. */
PC_FN void FN(_exponent)(uint64_t e[FE_WORDS], uint64_t add, int shift) {
    static const uint64_t P[FE_WORDS] = PC_WORDS(FE_P);
    pc_u128 carry = add;
    uint64_t t[FE_WORDS + 1];
    for (int i = 0; i < FE_WORDS; i++, carry >>= 64) t[i] = (uint64_t)(carry += P[i]);
    t[FE_WORDS] = (uint64_t)carry;
    for (int i = 0; i < FE_WORDS; i++) e[i] = t[i] >> shift | t[i + 1] << (64 - shift);
}
/* A square root of a when it has one; the caller squares to find out. p = 3 mod 4: a^((p + 1) / 4). p = 5 mod 8:
 * a^((p + 3) / 8), times the root of -1, 2^((p - 1) / 4), when that squares to -a. */
PC_NOINLINE void FN(_sqrt)(FE_T *r, const FE_T *a) {
    static const uint64_t P[FE_WORDS] = PC_WORDS(FE_P);
    uint64_t e[FE_WORDS];
    FE_T x = *a;
    if ((P[0] & 3) == 3) {
        FN(_exponent)(e, 1, 2);
        FN(_pow)(r, &x, e);
        return;
    }
    PC_CHECK((P[0] & 7) == 5);
    FE_T root, i = FN(_one)(), t;
    FN(_exponent)(e, 3, 3);
    FN(_pow)(&root, &x, e);
    FN(_add)(&i, &i, &i);
    FN(_exponent)(e, 0, 2); /* (p - 1) / 4 = floor(p / 4) */
    FN(_pow)(&i, &i, e);
    FN(_mul)(&i, &i, &root);
    FN(_sqr)(&t, &root);
    FN(_select)(r, FN(_eq)(&t, &x), &root, &i);
}
PC_FN void FN(_sqrt_side)(FE_T *r, const FE_T *a, int n) {
    for (int j = 0; j < n; j++) FN(_sqrt)(&r[j], &a[j]);
}
#endif
/* x[i] = 1 / x[i] with one inversion (Montgomery's trick); zeros stay zero. tmp: n elements. Every product waits for the
 * one before it, so long arrays are worked off as four chains side by side, element i on chain i mod 4. */
PC_NOINLINE void FN(_batch_inv)(FE_T *x, size_t n, FE_T *tmp) {
    const FE_T one = FN(_one)();
    const size_t chains = n < 16 ? 1 : 4;
    FE_T acc[4] = {one, one, one, one}, y, t;
    for (size_t i = 0; i < n; i++) {
        FE_T *own = &acc[i % chains];
        PC_CHECK(FE_IS_TIGHT(&x[i]));
        FN(_select)(&y, FN(_is_zero)(&x[i]), &one, &x[i]);
        tmp[i] = *own;
        FN(_mul)(own, own, &y);
    }
    if (chains == 1) {
        FN(_inv)(&acc[0], &acc[0]);
    } else {
        FE_T low, high;
        FN(_mul)(&low, &acc[0], &acc[1]);
        FN(_mul)(&high, &acc[2], &acc[3]);
        FN(_mul)(&t, &low, &high);
        FN(_inv)(&t, &t);
        FN(_mul)(&low, &low, &t); /* 1 / high */
        FN(_mul)(&high, &high, &t);
        y = acc[0];
        FN(_mul)(&acc[0], &high, &acc[1]);
        FN(_mul)(&acc[1], &high, &y);
        y = acc[2];
        FN(_mul)(&acc[2], &low, &acc[3]);
        FN(_mul)(&acc[3], &low, &y);
    }
    for (size_t i = n; i-- > 0;) {
        FE_T *own = &acc[i % chains];
        vmask zero = FN(_is_zero)(&x[i]);
        FN(_select)(&y, zero, &one, &x[i]);
        FN(_mul)(&t, own, &tmp[i]);
        FN(_mul)(own, own, &y);
        FN(_select)(&x[i], zero, &x[i], &t);
    }
}

#undef FE_OWN_PACK
#undef FE_OWN_FUSED
#undef FE_OWN_SUB2C
#undef FE_OWN_HALF3
#undef FE_OWN_APART
#undef FN
#undef IMPL
#undef FE_T
#undef FE_LIMBS
#undef FE_WORDS
#undef FE_IS_TIGHT
#undef FE_IS_LOOSE
#undef FE_TOP_TIGHT
#undef FE_TOP_LOOSE
#undef FE
