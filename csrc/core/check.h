/* check.h - range assertions and small preprocessor tools.
 *
 * Build with -DPC_VERIFY to turn every documented range class into an assertion (tests and CI do). Without it the checks
 * vanish, their arguments are not evaluated. A value that is right modulo p but too wide passes every value test and breaks
 * in the next 52-bit multiplication; only these checks find it. */
#ifndef PC_CHECK_H
#define PC_CHECK_H

#define PC_CAT_(a, b) a##b
#define PC_CAT(a, b)  PC_CAT_(a, b)
#define PC_STRING_(x) #x
#define PC_STRING(x)  PC_STRING_(x)

/* Signing makes test data and is not worth the code in more than one backend: portable has it, and the dispatcher finds it there. */
#define PC_SIGNS (VL == 1)

#if defined(__GNUC__)
#    define PC_RARE(cond) __builtin_expect(!!(cond), 0)
#else
#    define PC_RARE(cond) (cond)
#endif

/* Templates define more functions than one backend uses.
 *
 * PC_FLATTEN inlines whatever a function calls; vec headers say where that pays (VEC_FLATTEN). */
#if defined(__GNUC__)
#    define PC_UNUSED __attribute__((unused))
#    ifdef PC_VERIFY /* with assertions inside, inlining everything by force takes compilers minutes */
#        define PC_INLINE static inline __attribute__((unused))
#    else
#        define PC_INLINE static inline __attribute__((unused, always_inline))
#    endif
#    define PC_NOINLINE static __attribute__((unused, noinline))
#    ifdef PC_VERIFY
#        define PC_FLATTEN
#    else
#        define PC_FLATTEN __attribute__((flatten))
#    endif
#    define PC_COLD static __attribute__((unused, noinline, cold))
#else
#    define PC_UNUSED
#    define PC_INLINE   static inline
#    define PC_NOINLINE static
#    define PC_FLATTEN
#    define PC_COLD static
#endif
#define PC_FN static inline PC_UNUSED

#ifdef PC_VERIFY
#    include <stdio.h>
#    include <stdlib.h>
__attribute__((noreturn, cold)) static inline PC_UNUSED void pc_check_failed(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: VERIFY failed: %s\n", file, line, what);
    abort();
}
#    define PC_CHECK(cond) ((cond) ? (void)0 : pc_check_failed(#cond, __FILE__, __LINE__))
#else
#    define PC_CHECK(cond) ((void)0)
#endif
#endif
