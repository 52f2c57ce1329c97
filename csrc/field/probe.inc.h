/* probe.inc.h - template: one field operation over arrays, for tests and benchmarks (pc_field_probe_fn). Elements are
 * 32-byte little-endian integers below 2^256; results are canonical. Ops 0..6 run the backend's own field, 7 and 8 the
 * template.
 *
 * Makes <field>_probe for every row of fields.def, and field_probe. */
#include "../core/check.h"

#define PC_FIELD(position, prefix)                                                                                          \
    static void prefix##_probe(int op, const uint8_t *a, const uint8_t *b, size_t n, size_t repeat, uint8_t *r) {           \
        for (size_t at = 0; at < n; at += VL) {                                                                             \
            uint64_t wa[4][VL], wb[4][VL], wr[4][VL];                                                                       \
            size_t count = n - at < VL ? n - at : VL;                                                                       \
            for (size_t lane = 0; lane < VL; lane++) {                                                                      \
                size_t i = at + (lane < count ? lane : 0);                                                                  \
                uint64_t ta[4], tb[4];                                                                                      \
                pc_words_from_le(ta, a + 32 * i);                                                                           \
                pc_words_from_le(tb, b + 32 * i);                                                                           \
                for (int k = 0; k < 4; k++) wa[k][lane] = ta[k], wb[k][lane] = tb[k];                                       \
            }                                                                                                               \
            vec va[4], vb[4], vr[4];                                                                                        \
            words_load(va, wa[0], VL);                                                                                      \
            words_load(vb, wb[0], VL);                                                                                      \
            if (op >= 7) {                                                                                                  \
                ref_##prefix##_t x, y;                                                                                      \
                ref_##prefix##_from_words(&x, va);                                                                          \
                ref_##prefix##_from_words(&y, vb);                                                                          \
                for (size_t k = 0; k < repeat; k++) {                                                                       \
                    if (op == 7)                                                                                            \
                        ref_##prefix##_mul(&x, &x, &y);                                                                     \
                    else                                                                                                    \
                        ref_##prefix##_sqr(&x, &x);                                                                         \
                }                                                                                                           \
                ref_##prefix##_to_words(vr, &x);                                                                            \
            } else {                                                                                                        \
                prefix##_t x, y;                                                                                            \
                prefix##_from_words(&x, va);                                                                                \
                prefix##_from_words(&y, vb);                                                                                \
                for (size_t k = 0; k < repeat; k++) {                                                                       \
                    switch (op) {                                                                                           \
                    case 0:                                                                                                 \
                        prefix##_mul(&x, &x, &y);                                                                           \
                        break;                                                                                              \
                    case 1:                                                                                                 \
                        prefix##_sqr(&x, &x);                                                                               \
                        break;                                                                                              \
                    case 2:                                                                                                 \
                        prefix##_add(&x, &x, &y), prefix##_carry(&x, &x);                                                   \
                        break;                                                                                              \
                    case 3:                                                                                                 \
                        prefix##_sub(&x, &x, &y), prefix##_carry(&x, &x);                                                   \
                        break;                                                                                              \
                    case 4:                                                                                                 \
                        prefix##_neg(&x, &x), prefix##_carry(&x, &x);                                                       \
                        break;                                                                                              \
                    case 5:                                                                                                 \
                        prefix##_inv(&x, &x);                                                                               \
                        break;                                                                                              \
                    default:                                                                                                \
                        prefix##_sqrt(&x, &x);                                                                              \
                        break;                                                                                              \
                    }                                                                                                       \
                }                                                                                                           \
                prefix##_to_words(vr, &x);                                                                                  \
            }                                                                                                               \
            words_store(wr[0], VL, vr);                                                                                     \
            for (size_t lane = 0; lane < count; lane++) {                                                                   \
                uint64_t tr[4] = {wr[0][lane], wr[1][lane], wr[2][lane], wr[3][lane]};                                      \
                pc_words_to_le(r + 32 * (at + lane), tr);                                                                   \
            }                                                                                                               \
        }                                                                                                                   \
    }
#include "fields.def"
#undef PC_FIELD

static PC_UNUSED int field_probe(int field, int op, const uint8_t *a, const uint8_t *b, size_t n, size_t repeat,
                                 uint8_t *r) {
    if (op < 0 || op > 8) return PC_ERR_ARGUMENT;
    if (op == 6 && (field == 5 || field == 6)) return PC_ERR_ARGUMENT; /* these orders are 1 mod 8: no root function */
    vmode mode = vmode_enter();
    int rc = PC_OK;
    switch (field) {
#define PC_FIELD(position, prefix)                                                                                          \
    case position:                                                                                                          \
        prefix##_probe(op, a, b, n, repeat, r);                                                                             \
        break;
#include "fields.def"
#undef PC_FIELD
    default:
        rc = PC_ERR_ARGUMENT;
    }
    vmode_leave(mode);
    return rc;
}
