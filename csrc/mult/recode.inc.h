/* recode.inc.h - signed fixed windows (radix 2^width Booth digits) of integers given as 64-bit words.
 *
 * Makes recode_bits, recode_digit.
 *
 * The digit at bit position pos is read off the width + 1 bits pos - 1 .. pos + width - 1 alone: no carry runs from window
 * to window, so every lane can take any digit at any time. With t those bits (bit -1 is zero),
 *
 *     digit = (t >> 1) + (t & 1) - 2^width * (top bit of t)      in [-2^(width-1), 2^(width-1)]
 *
 * and k = sum of digit(pos) * 2^pos over pos = 0, width, 2 width, ..., RECODE_TOP for any k < 2^bits. */
#ifndef PC_MULT_RECODE_INC_H
#define PC_MULT_RECODE_INC_H
#include "../core/check.h"

/* Position of the highest digit, and the number of digits, of a value below 2^bits. */
#define RECODE_TOP(bits, width)    ((bits) / (width) * (width))
#define RECODE_DIGITS(bits, width) ((bits) / (width) + 1)

/* Bits start .. start + count - 1 of w[n]; start may be -1, and bits past the end are zero. start and count are the same in
 * every lane. */
PC_FN vec recode_bits(const vec *w, int n, int start, int count) {
    const vec mask = vset1(((uint64_t)1 << count) - 1);
    if (start < 0) return vand(vshl(w[0], 1), mask);
    int i = start >> 6, s = start & 63;
    if (i >= n) return vzero();
    vec bits = vshr(w[i], s);
    if (s + count > 64 && i + 1 < n) bits = vor(bits, vshl(w[i + 1], 64 - s));
    return vand(bits, mask);
}

/* Magnitude of the digit at pos; *negative gets its sign. */
PC_FN vec recode_digit(const vec *w, int n, int pos, int width, vmask *negative) {
    vec t = recode_bits(w, n, pos - 1, width + 1);
    vec low = vshr(vadd(t, vset1(1)), 1);
    *negative = vlt(vset1(((uint64_t)1 << width) - 1), t);
    return vblend(*negative, vsub(vset1((uint64_t)1 << width), low), low);
}
#endif
