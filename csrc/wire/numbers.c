/* numbers.c - large numbers in decimal and in base 58: keys and addresses as chains write them. See pycore.h. */
#include <string.h>

#include "../core/arguments.h"

enum { WIDTH_MAX = 64, LIMBS_MAX = WIDTH_MAX / 4 };

/* ---- decimal -------------------------------------------------------------------------------------------------------- */

/* limbs = limbs * by + more, least significant limb first; whether it fits. */
static int grow(uint32_t *limbs, size_t count, uint32_t by, uint32_t more) {
    uint64_t carry = more;
    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)limbs[i] * by;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return carry == 0;
}

/* The number at p in `width` bytes; the end of its digits, or NULL. */
static const uint8_t *decimal(const uint8_t *p, const uint8_t *end, uint32_t width, uint8_t *out) {
    uint32_t limbs[LIMBS_MAX + 1] = {0};
    const size_t count = (width + 3) / 4;
    const uint8_t *const first = p;
    while (p < end && *p >= '0' && *p <= '9') {
        uint32_t group = 0, by = 1;
        for (int i = 0; i < 9 && p < end && *p >= '0' && *p <= '9'; i++, p++) {
            group = group * 10 + (*p - (uint32_t)'0');
            by *= 10;
        }
        if (!grow(limbs, count, by, group)) return NULL;
    }
    if (p == first || (*first == '0' && p - first > 1)) return NULL;
    for (size_t i = 0; i < 4 * count; i++) {
        const uint8_t byte = (uint8_t)(limbs[i / 4] >> 8 * (i % 4));
        if (i < width)
            out[width - 1 - i] = byte;
        else if (byte)
            return NULL;
    }
    return p;
}

static int text(const uint8_t *p, const uint8_t *end, const uint8_t *literals, const uint32_t *ends, uint32_t numbers,
                uint32_t width, uint8_t *out) {
    for (uint32_t k = 0;; k++) {
        const uint32_t from = k ? ends[k - 1] : 0, len = ends[k] - from;
        if ((size_t)(end - p) < len || memcmp(p, literals + from, len) != 0) return 0;
        p += len;
        if (k == numbers) return p == end;
        p = decimal(p, end, width, out + (size_t)k * width);
        if (!p) return 0;
    }
}

int64_t pc_spans_decimals(const pc_spans *in, const uint8_t *literals, const uint32_t *ends, uint32_t numbers,
                          uint32_t width, uint8_t *out, uint8_t *marks) {
    if (!in || in->n > PC_MAX_ITEMS || (in->n && !(in->start && in->end)) || (in->size && !in->data)) return PC_ERR_ARGUMENT;
    if (!literals || !ends || numbers == 0 || numbers > 16 || width == 0 || width > WIDTH_MAX) return PC_ERR_ARGUMENT;
    if (in->n && !(out && marks)) return PC_ERR_ARGUMENT;
    if (in->n > (size_t)PTRDIFF_MAX / (16 * WIDTH_MAX)) return PC_ERR_ARGUMENT;
    for (uint32_t k = 0; k < numbers; k++)
        if (ends[k + 1] < ends[k]) return PC_ERR_ARGUMENT;
    const size_t row = (size_t)numbers * width;
    int64_t count = 0;
    for (size_t i = 0; i < in->n; i++) {
        const int64_t start = in->start[i * in->stride], end = in->end[i * in->stride];
        if (start < 0 || end < start || (uint64_t)end > in->size) return PC_ERR_ARGUMENT;
        const uint8_t *p = in->size ? in->data + start : (const uint8_t *)"";
        marks[i] = (uint8_t)text(p, p + (end - start), literals, ends, numbers, width, out + i * row);
        if (!marks[i]) memset(out + i * row, 0, row);
        count += marks[i];
    }
    return count;
}

/* ---- base 58 -------------------------------------------------------------------------------------------------------- */

int64_t pc_base58(const uint8_t *numbers, size_t n, uint32_t width, const uint8_t digits[58], uint32_t room, uint8_t *out,
                  int64_t *starts) {
    enum { GROUP = 58 * 58 * 58 * 58 * 58 }; /* five digits fit a limb */
    if (n > PC_MAX_ITEMS / WIDTH_MAX || width == 0 || width > WIDTH_MAX || !digits || room > 128) return PC_ERR_ARGUMENT;
    if (room < (width * 137 + 99) / 100 || (n && !(numbers && out && starts))) return PC_ERR_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        uint32_t limbs[LIMBS_MAX] = {0}; /* most significant first */
        const size_t count = (width + 3) / 4, skip = 4 * count - width;
        for (size_t k = 0; k < width; k++)
            limbs[(skip + k) / 4] |= (uint32_t)numbers[i * width + k] << 8 * (3 - (skip + k) % 4);
        uint8_t *const row = out + i * room;
        size_t at = room, top = 0;
        for (;;) {
            while (top < count && limbs[top] == 0) top++;
            if (top == count) break;
            uint64_t rest = 0;
            for (size_t k = top; k < count; k++) {
                rest = rest << 32 | limbs[k];
                limbs[k] = (uint32_t)(rest / GROUP);
                rest %= GROUP;
            }
            for (int d = 0; d < 5 && at > 0; d++) {
                row[--at] = digits[rest % 58];
                rest /= 58;
            }
        }
        while (at < room && row[at] == digits[0]) at++; /* the last group may begin with zeros */
        memset(row, 0, at);
        starts[i] = (int64_t)at;
    }
    return (int64_t)n;
}
