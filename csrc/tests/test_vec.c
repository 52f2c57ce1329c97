/* test_vec.c - every operation of the vec vocabulary (vec/README.md) against plain integers, lane by lane. Nothing here knows a
 * lane count: -DTEST_VEC_HEADER='"../vec/vec_avx2.h"' runs the same cases over another header. */
#ifndef TEST_VEC_HEADER
#    define TEST_VEC_HEADER "../vec/vec_portable.h"
#endif
#include TEST_VEC_HEADER
#include "check_test.h"

__extension__ typedef unsigned __int128 wide;
static const uint64_t mask52 = 0xfffffffffffffULL;

/* A number that likes the corners. */
static uint64_t odd_number(void) {
    static const uint64_t corner[] = {
        0, 1, 2, ~0ULL, ~0ULL - 1, 1ULL << 63, (1ULL << 63) - 1, 0xfffffffffffffULL, 1ULL << 52, 0xffffffffULL};
    uint64_t x = test_random();
    return x % 4 ? test_random() : corner[(x >> 8) % (sizeof corner / sizeof corner[0])];
}
static void fill(uint64_t x[VL]) {
    for (int i = 0; i < VL; i++) x[i] = odd_number();
}

#define EACH(v, expected)                                                                                                   \
    do {                                                                                                                    \
        uint64_t got_[VL];                                                                                                  \
        vec v_ = (v);                                                                                                       \
        vstore(got_, v_);                                                                                                   \
        for (int i = 0; i < VL; i++) EXPECT(got_[i] == (uint64_t)(expected) && vlane(v_, i) == got_[i]);                    \
    } while (0)
#define EACH_MASK(m, expected)                                                                                              \
    do {                                                                                                                    \
        unsigned got_ = mbits(m);                                                                                           \
        EXPECT(got_ >> VL == 0);                                                                                            \
        for (int i = 0; i < VL; i++) EXPECT((got_ >> i & 1) == (unsigned)(expected));                                       \
    } while (0)

static void test_lanes(void) {
    uint64_t a[VL], b[VL], c[VL];
    for (int round = 0; round < 2000; round++) {
        fill(a), fill(b), fill(c);
        if (round % 3 == 0) memcpy(b, a, sizeof a);
        if (round % 5 == 0) b[(unsigned)round / 5 % VL] ^= 1;
        vec x = vload(a), y = vload(b);
        vmask m = mfrom_bits((unsigned)c[0] & ((1u << VL) - 1)), n = mfrom_bits((unsigned)(c[0] >> 32) & ((1u << VL) - 1));
        EACH(x, a[i]);
        EACH(vset1(a[0]), a[0]);
        EACH(vzero(), 0);
        EACH(vadd(x, y), a[i] + b[i]);
        EACH(vsub(x, y), a[i] - b[i]);
        EACH(vand(x, y), a[i] & b[i]);
        EACH(vor(x, y), a[i] | b[i]);
        EACH(vxor(x, y), a[i] ^ b[i]);
        EACH(vshl(x, 0), a[i]);
        EACH(vshl(x, 12), a[i] << 12);
        EACH(vshl(x, 63), a[i] << 63);
        EACH(vshr(x, 0), a[i]);
        EACH(vshr(x, 52), a[i] >> 52);
        EACH(vshr(x, 63), a[i] >> 63);
        EACH(vblend(m, x, y), c[0] >> i & 1 ? a[i] : b[i]);
        EACH(vblend(veq(x, y), y, x), a[i]);
        EACH(vblend(vlt(x, y), x, y), a[i] < b[i] ? a[i] : b[i]);
        EACH_MASK(m, c[0] >> i & 1);
        EACH_MASK(veq(x, y), a[i] == b[i]);
        EACH_MASK(vlt(x, y), a[i] < b[i]);
        EACH_MASK(mand(m, n), (c[0] & c[0] >> 32) >> i & 1);
        EACH_MASK(mor(m, n), (c[0] | c[0] >> 32) >> i & 1);
        EACH_MASK(mnot(m), ~(c[0] >> i) & 1);
        EACH_MASK(mnot(vlt(x, y)), a[i] >= b[i]);
    }
}

static void test_rows(void) {
    enum { STRIDE = 24, ROWS = 9 };
    uint64_t table[STRIDE * ROWS];
    test_fill((uint8_t *)table, sizeof table);
    for (int round = 0; round < 200; round++) {
        uint32_t row[VL];
        vec out[STRIDE];
        size_t n = 1 + test_random() % STRIDE;
        for (int i = 0; i < VL; i++) row[i] = (uint32_t)(test_random() % ROWS);
        const uint64_t *each[VL];
        for (int i = 0; i < VL; i++) each[i] = table + row[i] * STRIDE;
        vload_each(out, each, n);
        for (size_t k = 0; k < n; k++) EACH(out[k], table[row[i] * STRIDE + k]);
        vload_rows(out, table, row, STRIDE, n);
        for (size_t k = 0; k < n; k++) {
            EACH(out[k], table[row[i] * STRIDE + k]);
            EACH(vgather(table, row, STRIDE, k), table[row[i] * STRIDE + k]);
        }
        uint64_t wanted[STRIDE * ROWS]; /* back into other rows, all different: just these words change */
        memcpy(wanted, table, sizeof table);
        for (int i = 0; i < VL; i++) row[i] = (uint32_t)((row[0] + i * (round % 2 ? 1 : ROWS - 1)) % ROWS);
        for (size_t k = 0; k < n; k++)
            for (int i = 0; i < VL; i++) wanted[row[i] * STRIDE + k] = vlane(out[k], i);
        vstore_rows(table, row, STRIDE, out, n);
        EXPECT(memcmp(wanted, table, sizeof table) == 0);
    }
}

/* Three products in two columns, an addition, a doubling, and the carries: the sum as one integer. */
static void test_columns(void) {
    for (int round = 0; round < 2000; round++) {
        uint64_t x[3][VL], y[3][VL], z[VL];
        vcol c[4];
        for (int k = 0; k < 3; k++) {
            fill(x[k]), fill(y[k]);
            for (int i = 0; i < VL; i++) x[k][i] &= mask52, y[k][i] &= mask52;
        }
        fill(z);
        for (int i = 0; i < VL; i++) z[i] >>= 2;
        /* 2 (x0 y0 + x1 y1 2^52) + x2 y2 2^52 + z */
        c[0] = vcol_zero(1, 0);
        c[1] = vcol_zero(1, 1);
        c[2] = vcol_zero(0, 1);
        c[3] = vcol_zero(0, 0);
        VCOL_MAC(c, 0, vload(x[0]), vload(y[0]));
        VCOL_MAC(c, 1, vload(x[1]), vload(y[1]));
        VCOL_DOUBLE(c, 0, 0, 0);
        VCOL_DOUBLE(c, 1, 1, 0);
        VCOL_DOUBLE(c, 2, 0, 1);
        EACH(VCOL_LOW(c, 0), 2 * x[0][i] * y[0][i] & mask52); /* right before anything is carried */
        VCOL_MAC(c, 1, vload(x[2]), vload(y[2]));
        VCOL_ADD(c, 0, vload(z));
        VCOL_CARRY(c, 0);
        VCOL_CARRY(c, 1);
        vec low = VCOL_LOW(c, 0), middle = VCOL_LOW(c, 1), high;
        high = VCOL_ALL(c, 2);
#define SUM(i) (((wide)x[0][i] * y[0][i] * 2 + z[i]) >> 52) + (wide)x[1][i] * y[1][i] * 2 + (wide)x[2][i] * y[2][i]
        EACH(low, (2 * x[0][i] * y[0][i] + z[i]) & mask52);
        EACH(middle, (uint64_t)(SUM(i)) & mask52);
        EACH(high, (SUM(i)) >> 52);
    }
}

int main(void) {
    vmode mode = vmode_enter();
    test_lanes();
    test_rows();
    test_columns();
    vmode_leave(mode);
    return test_report("vec");
}
