/* field.h - the contract of every field (and scalar) element type. Read this before any file of field/.
 *
 * A field is a row of fields.def: fe25519, fe_k256, fe_p256, fe_sm2 (coordinates) and sc25519, sc_k256, sc_p256, sc_sm2 (group
 * orders). Each is made by including a template with FE set to its name, and gives one type, FE##_t, that holds one element PER
 * LANE, and the functions below with the prefix FE##_. Nothing above the field knows limbs, radix or domain (plain or
 * Montgomery): they may differ per field and per instruction set, and values cross the border only as words.
 *
 *   words      vec w[]: an unsigned integer per lane, little-endian 64-bit words, four for every field so far (FE_WORDS). The only
 *              exchange format.
 *
 * Range classes:
 *   tight      what mul, sqr and carry give. A valid input everywhere.
 *   loose      the sum or difference of two tights. A valid input for mul, sqr, carry, mul_small, to_words and the predicates.
 *              An implementation without the headroom (IFMA multiplies 52 bits only) simply returns tight from add and sub.
 *
 * What a body implements, and which class each operation takes and gives: operations.def. A body defines IMPL(_mul) and leaves the
 * checks alone; fe_contract.inc.h makes FE_mul of it, which asserts the classes in VERIFY builds and is the body itself in others.
 *
 * What fe_derived.inc.h builds on these, for every field:
 *
 *   operation                              takes          gives    note
 *   FE_set_words(r, c)                     constant       tight    the same value in every lane
 *   FE_sqr_n(r, a, n)                      loose          tight    n squarings, n >= 1
 *   FE_pow(r, a, e)                        loose          tight    a^e for a constant e > 0
 *   FE_inv(r, a)                           loose          tight    0 -> 0; one element per lane, by an addition chain or x^(p-2)
 *   FE_sqrt(r, a)                          loose          tight    p = 3 mod 4 or 5 mod 8; the caller checks the square
 *   FE_sqrt_side(r, a, n)                  loose[n]       tight[n] n <= PC_SIDE of them, in less time than one after the other
 *   FE_side_sqr_n(r, a, t, n)              loose[n]       tight[n] the same for t squarings
 *   FE_side_mul(r, a, b, n)                loose[n], .    tight[n] r[j] = a[j] b[j]
 *   FE_batch_inv(x, n, tmp)                tight[n]       tight[n] in place, Montgomery's trick; zeros stay zero; tmp: n elements
 *   FE_eq(a, b)                            loose          vmask
 *   FE_is_odd(a)                           loose          vmask    parity of the canonical value
 *   FE_select(r, m, a, b)                  same class     same     r = m ? a : b, lane by lane
 *   FE_cneg(r, m, a)                       tight          tight    m ? -a : a
 *
 * Aliasing: every output may be any of the inputs. Pointers are to single elements unless [n] is written.
 * Naming: words_lt(w, const uint64_t c[4]) -> vmask and friends for plain words live in words.inc.h.
 */
