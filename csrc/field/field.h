/* field.h - the contract of every field (and scalar) element type. Read this before any file of field/.
 *
 * A field is instantiated by including a reducer template with FE set to its prefix, e.g. fe25519, fe_k256, fe_p256, fe_sm2
 * (coordinates) and sc25519, sc_k256, sc_p256, sc_sm2 (group orders). Each gives one type, FE##_t, that holds one element PER
 * LANE, and the functions below with the prefix FE##_. Nothing above the field knows limbs, radix or domain (plain or
 * Montgomery): they may differ per field and per instruction set, and values cross the border only as words.
 *
 *   words      vec w[4]: an integer below 2^256 per lane, little-endian 64-bit words. The only exchange format.
 *
 * Range classes (every function says what it takes and gives; check.h asserts them in VERIFY builds):
 *   tight      what mul, sqr and carry give. A valid input everywhere.
 *   loose      the sum or difference of two tights. A valid input for mul, sqr, carry, mul_small, to_words and the predicates.
 *              An implementation without the headroom (IFMA multiplies 52 bits only) simply returns tight from add and sub.
 *
 *   operation                              takes          gives    note
 *   FE_zero() FE_one()                     -              tight    returned by value
 *   FE_from_words(r, w)                    w < 2^256      tight    reduces: any 256-bit value is fine
 *   FE_to_words(w, a)                      loose          w < p    canonical
 *   FE_pack(w, a)                          tight          w < p    for tables: the domain's own representative, canonical
 *   FE_unpack(r, w)                        packed         tight    the reverse; costs shifts, never a multiplication
 *   FE_add(r, a, b)  FE_sub(r, a, b)       tight, tight   loose
 *   FE_neg(r, a)                           tight          loose
 *   FE_carry(r, a)                         loose          tight
 *   FE_addc(r, a, b)  FE_subc(r, a, b)     loose, loose   tight    sum, difference, carried once
 *   FE_mul(r, a, b)  FE_sqr(r, a)          loose, loose   tight
 *   FE_sqr_n(r, a, n)                      loose          tight    n squarings, n >= 1
 *   FE_mul_sub(r, a, b, c)                 loose, ., tight  loose    a b - c
 *   FE_mul_subc(r, a, b, c)                loose, ., tight  tight    the same, carried
 *   FE_sqr_sub2c(r, a, c)                  loose, tight   tight    a^2 - 2 c
 *   FE_sqr_sub12c(r, a, b, c)              loose, tight . tight    a^2 - b - 2 c
 *   FE_mul_small(r, a, k)                  loose          tight    k: constant below 2^17
 *   FE_half(r, a)                          loose          tight    a / 2
 *   FE_inv(r, a)                           loose          tight    0 -> 0; one element per lane, by an addition chain or x^(p-2)
 *   FE_sqrt(r, a)                          loose          tight    p = 3 mod 4 or 5 mod 8; the caller checks the square
 *   FE_sqrt_side(r, a, n)                  loose[n]       tight[n] n <= PC_SIDE of them, in less time than one after the other
 *   FE_side_sqr_n(r, a, t, n)              loose[n]       tight[n] the same for t squarings
 *   FE_side_mul(r, a, b, n)                loose[n], .    tight[n] r[j] = a[j] b[j]
 *   FE_batch_inv(x, n, tmp)                tight[n]       tight[n] in place, Montgomery's trick; zeros stay zero; tmp: n elements
 *   FE_is_zero(a)  FE_eq(a, b)             loose          vmask
 *   FE_is_odd(a)                           loose          vmask    parity of the canonical value
 *   FE_select(r, m, a, b)                  same class     same     r = m ? a : b, lane by lane
 *   FE_cneg(r, m, a)                       tight          tight    m ? -a : a
 *
 * Aliasing: every output may be any of the inputs. Pointers are to single elements unless [n] is written.
 * Naming: words_lt(w, const uint64_t c[4]) -> vmask and friends for plain 256-bit words live in words.inc.h.
 */
