/* fe_contract.inc.h - the one place where the ranges of field elements are checked; template, part of fe_derived.inc.h.
 *
 * Makes FE_mul and every other operation of operations.def out of the body's FE_mul_impl: in VERIFY builds a function that asserts
 * what the operation takes, calls the body, and asserts what it gives. In other builds IMPL (fe_element.inc.h) gives the bodies their
 * public names, and nothing is left of this file.
 *
 * Requires of the body FE_IS_TIGHT(a) and FE_IS_LOOSE(a): whether all lanes of an element are of this class. */
#ifdef PC_VERIFY

PC_FN int FN(_is_tight)(const FE_T *a) { return FE_IS_TIGHT(a); }
PC_FN int FN(_is_loose)(const FE_T *a) { return FE_IS_LOOSE(a); }
PC_FN int FN(_is_any)(const vec *w) { return (void)w, 1; }
PC_FN int FN(_is_canonical)(const vec *w) {
    static const uint64_t P[FE_WORDS] = PC_WORDS(FE_P);
    vec p[FE_WORDS];
    words_set1_n(p, P, FE_WORDS);
    return mbits(words_lt2_n(w, p, FE_WORDS)) == (1u << VL) - 1;
}
/* Says "fe25519_add: b is not tight", not where: a debugger or a sanitizer shows the caller. */
#    define FE_ASSERT(op, operand, class)                                                                                   \
        (FN(_is_##class)(operand)                                                                                           \
             ? (void)0                                                                                                      \
             : pc_check_failed(PC_STRING(FE) "_" #op ": " #operand " is not " #class, __FILE__, __LINE__))

#    define FE_MAKES(op, gives)                                                                                             \
        PC_FN FE_T FN(_##op)(void) {                                                                                        \
            const FE_T made = IMPL(_##op)(), *r = &made;                                                                    \
            FE_ASSERT(op, r, gives);                                                                                        \
            return made;                                                                                                    \
        }
#    define FE_READS(op, takes, gives)                                                                                      \
        PC_FN void FN(_##op)(FE_T * r, const vec *w) {                                                                      \
            FE_ASSERT(op, w, takes);                                                                                        \
            IMPL(_##op)(r, w);                                                                                              \
            FE_ASSERT(op, r, gives);                                                                                        \
        }
#    define FE_WRITES(op, takes, gives)                                                                                     \
        PC_FN void FN(_##op)(vec * w, const FE_T *a) {                                                                      \
            FE_ASSERT(op, a, takes);                                                                                        \
            IMPL(_##op)(w, a);                                                                                              \
            FE_ASSERT(op, w, gives);                                                                                        \
        }
#    define FE_ONE(op, takes_a, gives)                                                                                      \
        PC_FN void FN(_##op)(FE_T * r, const FE_T *a) {                                                                     \
            FE_ASSERT(op, a, takes_a);                                                                                      \
            IMPL(_##op)(r, a);                                                                                              \
            FE_ASSERT(op, r, gives);                                                                                        \
        }
#    define FE_TWO(op, takes_a, takes_b, gives)                                                                             \
        PC_FN void FN(_##op)(FE_T * r, const FE_T *a, const FE_T *b) {                                                      \
            FE_ASSERT(op, a, takes_a);                                                                                      \
            FE_ASSERT(op, b, takes_b);                                                                                      \
            IMPL(_##op)(r, a, b);                                                                                           \
            FE_ASSERT(op, r, gives);                                                                                        \
        }
#    define FE_THREE(op, takes_a, takes_b, takes_c, gives)                                                                  \
        PC_FN void FN(_##op)(FE_T * r, const FE_T *a, const FE_T *b, const FE_T *c) {                                       \
            FE_ASSERT(op, a, takes_a);                                                                                      \
            FE_ASSERT(op, b, takes_b);                                                                                      \
            FE_ASSERT(op, c, takes_c);                                                                                      \
            IMPL(_##op)(r, a, b, c);                                                                                        \
            FE_ASSERT(op, r, gives);                                                                                        \
        }
#    define FE_APART(op, takes_a, takes_b, gives)                                                                           \
        PC_FN void FN(_##op)(FE_T * r, FE_T * s, const FE_T *a, const FE_T *b) {                                            \
            FE_ASSERT(op, a, takes_a);                                                                                      \
            FE_ASSERT(op, b, takes_b);                                                                                      \
            IMPL(_##op)(r, s, a, b);                                                                                        \
            FE_ASSERT(op, r, gives);                                                                                        \
            FE_ASSERT(op, s, gives);                                                                                        \
        }
#    define FE_SMALL(op, takes_a, below, gives)                                                                             \
        PC_FN void FN(_##op)(FE_T * r, const FE_T *a, uint32_t k) {                                                         \
            FE_ASSERT(op, a, takes_a);                                                                                      \
            PC_CHECK(k < (below));                                                                                          \
            IMPL(_##op)(r, a, k);                                                                                           \
            FE_ASSERT(op, r, gives);                                                                                        \
        }
#    define FE_LOOKS(op, takes_a)                                                                                           \
        PC_FN vmask FN(_##op)(const FE_T *a) {                                                                              \
            FE_ASSERT(op, a, takes_a);                                                                                      \
            return IMPL(_##op)(a);                                                                                          \
        }
#    include "operations.def"
#    undef FE_ASSERT
#endif
