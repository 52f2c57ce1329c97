/* parts/encoding.inc.h - bytes to integers and back for ECDSA, SM2 and BIP-340: SEC 1 keys, compact and DER
 * signatures. Scalar code, one item at a time. Nothing here reads past the length it is given. Gives
 * int256_*, key_parse, sig_parse_compact, sig_parse_der, sig_write_compact and sig_write_der. */
#ifndef PC_SCHEMES_ENCODING_INC_H
#define PC_SCHEMES_ENCODING_INC_H
#include <string.h>

#include "../../field/words.inc.h"
#include "../../pycore.h"

/* ---- 256-bit integers as little-endian words -------------------------------------------------------------------------- */

/* a < b, a == 0, r = a + b (returns the carry), r = a - b (returns the borrow). */
PC_FN int int256_lt(const uint64_t a[4], const uint64_t b[4]) {
    for (int i = 3; i >= 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return 0;
}
PC_FN int int256_is_zero(const uint64_t a[4]) { return (a[0] | a[1] | a[2] | a[3]) == 0; }
PC_FN int int256_add(uint64_t r[4], const uint64_t a[4], const uint64_t b[4]) {
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t s = a[i] + carry, c = s < carry;
        r[i] = s + b[i];
        carry = c | (r[i] < s);
    }
    return (int)carry;
}
PC_FN int int256_sub(uint64_t r[4], const uint64_t a[4], const uint64_t b[4]) {
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t d = a[i] - b[i], c = a[i] < b[i];
        r[i] = d - borrow;
        borrow = c | (d < borrow);
    }
    return (int)borrow;
}
/* r = a + b modulo n, for a, b < n. */
PC_FN void int256_add_mod(uint64_t r[4], const uint64_t a[4], const uint64_t b[4], const uint64_t n[4]) {
    const int carry = int256_add(r, a, b);
    if (carry || !int256_lt(r, n)) int256_sub(r, r, n);
}

/* ---- public keys: SEC 1, section 2.3.4 -------------------------------------------------------------------------------- */

/* The meaning of a key's bytes for y. KEY_TRUSTED is no encoding: x and y are known to be a point of the curve. */
enum { KEY_MALFORMED = 0, KEY_Y_GIVEN = 1, KEY_Y_EVEN = 2, KEY_Y_ODD = 3, KEY_TRUSTED = 4 };

/* Reads a key in one of these forms, PC_KEY_*: 02 || x, 03 || x, 04 || x || y; with PC_KEY_XY also x || y, with PC_KEY_X_ONLY x alone (BIP-340: the even y).
 * Coordinates must be below the prime. The hybrid forms 06 and 07 and the one-byte point at infinity are refused. Whether
 * the point lies on the curve is left to the caller. y is written only for KEY_Y_GIVEN. */
PC_FN int key_parse(const uint8_t *bytes, size_t len, int forms, const uint64_t prime[4], uint64_t x[4], uint64_t y[4]) {
    int form = KEY_MALFORMED;
    if ((forms & PC_KEY_COMPRESSED) && len == 33 && (bytes[0] == 2 || bytes[0] == 3))
        form = bytes[0] == 2 ? KEY_Y_EVEN : KEY_Y_ODD;
    else if ((forms & PC_KEY_UNCOMPRESSED) && len == 65 && bytes[0] == 4)
        form = KEY_Y_GIVEN;
    if (form != KEY_MALFORMED)
        bytes++;
    else if ((forms & PC_KEY_XY) && len == 64)
        form = KEY_Y_GIVEN;
    else if ((forms & PC_KEY_X_ONLY) && len == 32)
        form = KEY_Y_EVEN;
    else
        return KEY_MALFORMED;
    pc_words_from_be(x, bytes);
    if (!int256_lt(x, prime)) return KEY_MALFORMED;
    if (form == KEY_Y_GIVEN) {
        pc_words_from_be(y, bytes + 32);
        if (!int256_lt(y, prime)) return KEY_MALFORMED;
    }
    return form;
}

/* ---- signatures ------------------------------------------------------------------------------------------------------- */

/* Well formed; well formed but an integer does not fit 256 bits; not well formed. */
enum { SIG_OK = 0, SIG_TOO_LARGE = 1, SIG_MALFORMED = 2 };

/* r || s, 32 bytes each, big-endian. Not SIG_OK: r and s are zero. */
PC_FN int sig_parse_compact(const uint8_t *bytes, size_t len, uint64_t r[4], uint64_t s[4]) {
    memset(r, 0, 32);
    memset(s, 0, 32);
    if (len != 64) return SIG_MALFORMED;
    pc_words_from_be(r, bytes);
    pc_words_from_be(s, bytes + 32);
    return SIG_OK;
}

/* The tag and the length at bytes[*at], *at <= end: moves *at behind them. X.690, section 10.1: the length in its shortest
 * form, here one byte; with `wide` also the longer forms, which no value of a signature needs but what Go lets follow it. Returns
 * 0 when the tag is another one, or the contents do not fit in what is left. */
PC_FN int der_head(const uint8_t *bytes, size_t end, size_t *at, uint8_t tag, int wide, size_t *len) {
    if (end - *at < 2 || bytes[*at] != tag) return 0;
    size_t n = bytes[*at + 1];
    *at += 2;
    if (n > 0x7f) {
        size_t more = n & 0x7f;
        if (!wide || more == 0 || more > 4 || more > end - *at || bytes[*at] == 0) return 0;
        for (n = 0; more > 0; more--) n = n << 8 | bytes[(*at)++];
        if (n < 0x80 || n >> 31 != 0) return 0; /* Go's limit */
    }
    *len = n;
    return n <= end - *at;
}
/* One INTEGER at bytes[*at]: moves *at behind it. X.690, section 8.3: at least one byte of contents, and no first nine bits all
 * equal. Negative numbers are refused. */
PC_FN int der_integer(const uint8_t *bytes, size_t end, size_t *at, int wide, uint64_t w[4]) {
    uint8_t be[32] = {0};
    size_t len;
    if (!der_head(bytes, end, at, 0x02, wide, &len) || len == 0) return SIG_MALFORMED;
    const uint8_t *value = bytes + *at;
    *at += len;
    if (value[0] & 0x80) return SIG_MALFORMED;
    if (value[0] == 0 && len > 1) {
        if (!(value[1] & 0x80)) return SIG_MALFORMED;
        value++;
        len--;
    }
    if (len > 32) return SIG_TOO_LARGE;
    memcpy(be + 32 - len, value, len);
    pc_words_from_be(w, be);
    return SIG_OK;
}

/* SEQUENCE { INTEGER r, INTEGER s } in DER. rules:
 *
 *   PC_DER_STRICT    as strictly as BIP-66 reads it: one-byte lengths, minimal non-negative integers, and no bytes left over
 *   PC_DER_TRAILING  the same, but what follows the SEQUENCE is ignored, as by callers of Go's asn1.Unmarshal that drop its rest
 *   PC_DER_GO        all that asn1.Unmarshal lets pass into a struct of two integers: it also ignores what follows s inside
 *                    the SEQUENCE ("adding elements to the end has been used in X.509"), and takes the long lengths that this needs
 *
 * An integer that is not OK is left zero. */
PC_FN int sig_parse_der(const uint8_t *bytes, size_t len, int rules, uint64_t r[4], uint64_t s[4]) {
    const int wide = rules == PC_DER_GO;
    size_t at = 0, contents;
    memset(r, 0, 32);
    memset(s, 0, 32);
    if (!der_head(bytes, len, &at, 0x30, wide, &contents)) return SIG_MALFORMED;
    const size_t end = at + contents;
    if (end != len && rules == PC_DER_STRICT) return SIG_MALFORMED;
    int got_r = der_integer(bytes, end, &at, wide, r);
    if (got_r == SIG_MALFORMED) return SIG_MALFORMED;
    int got_s = der_integer(bytes, end, &at, wide, s);
    if (got_s == SIG_MALFORMED || (at != end && rules != PC_DER_GO)) return SIG_MALFORMED;
    return got_r | got_s;
}

PC_FN size_t der_put_integer(uint8_t *out, const uint64_t w[4]) {
    uint8_t be[33] = {0};
    size_t skip = 0;
    pc_words_to_be(be + 1, w);
    while (skip < 32 && be[skip] == 0 && !(be[skip + 1] & 0x80)) skip++;
    out[0] = 0x02;
    out[1] = (uint8_t)(33 - skip);
    memcpy(out + 2, be + skip, 33 - skip);
    return 2 + 33 - skip;
}
/* The one DER encoding of (r, s); returns its length, at most 72. */
PC_FN size_t sig_write_der(uint8_t out[72], const uint64_t r[4], const uint64_t s[4]) {
    size_t len = 2;
    len += der_put_integer(out + len, r);
    len += der_put_integer(out + len, s);
    out[0] = 0x30;
    out[1] = (uint8_t)(len - 2);
    return len;
}
PC_FN void sig_write_compact(uint8_t out[64], const uint64_t r[4], const uint64_t s[4]) {
    pc_words_to_be(out, r);
    pc_words_to_be(out + 32, s);
}
#endif
