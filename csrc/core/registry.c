/* registry.c - registry.def and status.def as rows that other languages can read. */
#include "../pycore.h"

static const pc_hash_row hash_rows[] = {
#define PC_HASH(id, ID, name, digest, block, source) {id, name, digest, block, source},
#include "../registry.def"
#undef PC_HASH
};

enum {
#define PC_KEYS(ID, forms, ...) FORMS_##ID = forms,
#include "../registry.def"
#undef PC_KEYS
};
#define PC_KEYS(ID, forms, ...) static const size_t key_sizes_##ID[] = {__VA_ARGS__, 0};
#include "../registry.def"
#undef PC_KEYS

static const pc_scheme_row scheme_rows[] = {
#define PC_SCHEME(id, ID, name, keys, sig, flags, pays, id_limit, id_default, source)                                       \
    {id, name, FORMS_##keys, key_sizes_##keys, sig, flags, pays, id_limit, id_default, source},
#include "../registry.def"
#undef PC_SCHEME
};

enum {
#define PC_SCHEME(id, ID, ...) SCHEME_##ID = id,
#include "../registry.def"
#undef PC_SCHEME
};
static const pc_rules_row rules_rows[] = {
#define PC_RULES(ID, name, flags) {SCHEME_##ID, name, flags},
#include "../registry.def"
#undef PC_RULES
};

static const pc_status_row status_rows[] = {
#define PC_STATUS(code, NAME, meaning) {code, #NAME, meaning},
#include "../status.def"
#undef PC_STATUS
};

#define ROW_AT(rows, position)                                                                                              \
    ((position) >= 0 && (size_t)(position) < sizeof(rows) / sizeof((rows)[0]) ? &(rows)[position] : NULL)

const pc_hash_row *pc_hash_at(int position) { return ROW_AT(hash_rows, position); }
const pc_scheme_row *pc_scheme_at(int position) { return ROW_AT(scheme_rows, position); }
const pc_rules_row *pc_rules_at(int position) { return ROW_AT(rules_rows, position); }
const pc_status_row *pc_status_at(int position) { return ROW_AT(status_rows, position); }

static const char *const field_names[] = {
#define PC_FIELD(position, prefix) #prefix,
#include "../field/fields.def"
#undef PC_FIELD
};
const char *pc_field_at(int position) {
    return position >= 0 && (size_t)position < sizeof field_names / sizeof field_names[0] ? field_names[position] : NULL;
}

const char *pc_version(void) { return PC_VERSION; }

#ifndef PC_CFLAGS /* the builds give their flags */
#    define PC_CFLAGS "flags unknown"
#endif
#if defined(__clang__)
#    define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#    define COMPILER "gcc " __VERSION__
#else
#    define COMPILER "unknown compiler"
#endif
#ifdef PC_EMULATE_AVX512
#    define EMULATED "; AVX-512 is emulated: a build for tests, slow"
#else
#    define EMULATED ""
#endif
const char *pc_compiler(void) { return COMPILER ", " PC_CFLAGS EMULATED; }
