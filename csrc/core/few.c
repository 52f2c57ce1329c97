/* few.c - verification of a few items whose rows come packed: see pc_verify_few. */
#include "arguments.h"

typedef struct {
    pc_column column;
    int64_t offsets[PC_FEW + 1];
} packed_column;

static const pc_column *packed(packed_column *rows, const uint8_t *data, const uint32_t *lengths, size_t n) {
    rows->offsets[0] = 0;
    for (size_t i = 0; i < n; i++) rows->offsets[i + 1] = rows->offsets[i] + lengths[i];
    rows->column = (pc_column){data, rows->offsets, 0, 0};
    return &rows->column;
}

int pc_verify_few(int backend, const pc_verify_params *params, const pc_key_index *index, const pc_keyset *set,
                  unsigned often, const uint8_t *keys, const uint32_t *key_lengths, const uint8_t *signatures,
                  const uint32_t *signature_lengths, const uint8_t *messages, const uint32_t *message_lengths, size_t n,
                  void *scratch, size_t scratch_len, uint8_t *verdicts, uint32_t *slots, uint32_t *frequent) {
    packed_column k, s, m;
    if (n > PC_FEW || (n && (!key_lengths || !signature_lengths || !message_lengths))) return PC_ERR_ARGUMENT;
    const pc_column *key_rows = packed(&k, keys, key_lengths, n);
    const pc_column *signature_rows = packed(&s, signatures, signature_lengths, n);
    const pc_column *message_rows = packed(&m, messages, message_lengths, n);
    int64_t found = 0;
    if (index) {
        size_t hits = 0;
        if (!pc_column_ok(key_rows, n) || (n && (!slots || !frequent))) return PC_ERR_ARGUMENT;
        found = pc_key_index_find(index, key_rows, n, 0, slots, NULL, 0);
        if (found < 0) return (int)found;
        for (size_t i = 0; i < n; i++) hits += slots[i] != (uint32_t)PC_NO_SLOT;
        if (hits && hits < n) return PC_FEW_MIXED;
        if (hits) {
            return pc_verify_keyset(set, params, slots, signature_rows, message_rows, n, scratch, scratch_len, verdicts);
        }
        found = pc_key_index_find(index, key_rows, n, often, slots, frequent, n);
        if (found < 0) return (int)found;
    }
    const int result =
        pc_verify_batch(backend, params, key_rows, signature_rows, message_rows, n, scratch, scratch_len, verdicts);
    return result == PC_OK ? (int)found : result;
}
