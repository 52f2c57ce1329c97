/* backend.h - the seam between the dispatcher and one instruction set's build of the templates.
 *
 * A backend is one translation unit: it names its instruction set and vec header and includes all templates (all.inc.h), and
 * exports exactly one symbol, a pc_backend. Everything else in it is static, so per-file compiler flags cannot leak. */
#ifndef PC_BACKEND_H
#define PC_BACKEND_H
#include "../pycore.h"

enum {
#define PC_HASH(id, ID, name, digest, block, source) PC_HASH_##ID = id,
#include "../registry.def"
#undef PC_HASH
    PC_HASH_COUNT_UNUSED
};
enum {
#define PC_SCHEME(id, ID, ...) PC_SCHEME_##ID = id,
#include "../registry.def"
#undef PC_SCHEME
    PC_SCHEME_COUNT_UNUSED
};
/* Of each scheme: PC_KEY_FORMS_<ID>, the encodings of keys that it takes, and PC_USER_ID_LIMIT_<ID>. */
enum {
#define PC_KEYS(ID, forms, ...) PC_FORMS_##ID = forms,
#include "../registry.def"
#undef PC_KEYS
#define PC_SCHEME(id, ID, name, keys, sig, flags, pays, id_limit, id_default, source)                                       \
    PC_KEY_FORMS_##ID = PC_FORMS_##keys, PC_USER_ID_LIMIT_##ID = id_limit,
#include "../registry.def"
#undef PC_SCHEME
};
enum {
#define PC_STATUS(code, NAME, meaning) PC_##NAME = code,
#include "../status.def"
#undef PC_STATUS
    PC_STATUS_COUNT
};
enum { PC_MAX_HASHES = 16, PC_MAX_SCHEMES = 16 };

/* Header of a key set; each backend's records follow at `records_offset` (64-byte aligned). */
struct pc_keyset {
    uint64_t magic; /* PC_KEYSET_MAGIC: catches memory that was never built */
    int32_t backend;
    int32_t scheme;
    uint64_t n_keys;
    uint64_t records_offset; /* bytes from the start of this struct */
    uint64_t tables_offset;  /* the same for the tables, one after the other; 0: pc_keyset_put says where each is */
    int32_t window;          /* bits per digit of every key's table; 0: no tables */
};
#define PC_KEYSET_MAGIC 0x70796b6579736574ULL

/* Where a verification takes its keys from: an encoded column, or (column NULL) records of a set by index. */
typedef struct pc_key_source {
    const pc_column *column;
    const pc_keyset *set;
    const uint32_t *indices;
} pc_key_source;

typedef void pc_hash_fn(const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n, uint8_t *digests);
typedef void pc_merkle_level_fn(int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children, size_t count,
                                uint8_t *parents);
/* Arguments were checked by dispatch.c. scratch is aligned to 64 and has at least the size that the scheme asked for. */
typedef void pc_verify_fn(const pc_verify_params *params, const pc_key_source *keys, const pc_column *signatures,
                          const pc_column *messages, size_t n, void *scratch, uint8_t *verdicts);
/* Keys into slots of a set (NULL: slots 0 .. n - 1). With set->window, tables[i] is where key i gets its table; tables NULL: at
 * the slot's place in the set. */
typedef void pc_keyset_put_fn(const pc_column *keys, size_t n, pc_keyset *set, const uint32_t *slots, void *const *tables,
                              uint8_t *verdicts);
typedef void pc_recover_fn(int rules, const pc_column *signatures, const pc_column *digests, size_t n, void *scratch,
                           uint8_t *keys, uint8_t *verdicts);
typedef void pc_public_keys_fn(const pc_column *secrets, size_t n, uint8_t *public_keys);
typedef void pc_sign_fn(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t n,
                        uint8_t *signatures);
typedef int pc_field_probe_fn(int field, int op, const uint8_t *a, const uint8_t *b, size_t n, size_t repeat, uint8_t *r);

typedef struct pc_scheme_ops {
    pc_verify_fn *verify;  /* NULL: this backend has no kernel for the scheme; dispatch takes the next backend */
    size_t verify_scratch; /* bytes, for any n */
    pc_keyset_put_fn *keyset_put;
    size_t keyset_record;               /* bytes per key */
    size_t (*keyset_table)(int window); /* bytes of one key's table, a multiple of 64; 0: this width is not to be had */
    pc_public_keys_fn *public_keys;     /* test data only */
    pc_sign_fn *sign;                   /* test data only */
} pc_scheme_ops;

/* One message that comes in pieces. The state has no pointers: a copy of it goes on by itself. */
typedef struct pc_stream_ops {
    size_t unit;  /* bytes that absorb takes at a time */
    size_t state; /* bytes of the state */
    void (*start)(void *state);
    void (*absorb)(void *state, const uint8_t *data, size_t units); /* not the end of the message: at least a byte follows */
    void (*finish)(const void *state, const uint8_t *tail, size_t len, uint8_t *digest); /* at most a unit, and none alone */
} pc_stream_ops;

typedef struct pc_hash_ops {
    pc_hash_fn *many;
    pc_merkle_level_fn *merkle_level;
    const pc_stream_ops *stream;
} pc_hash_ops;

typedef struct pc_backend {
    const char *name;
    int lanes;
    pc_hash_ops hash[PC_MAX_HASHES];
    pc_scheme_ops scheme[PC_MAX_SCHEMES];
    pc_recover_fn *recover;
    size_t recover_scratch;
    pc_field_probe_fn *field_probe;
} pc_backend;

extern const pc_backend pc_backend_portable;
#endif
