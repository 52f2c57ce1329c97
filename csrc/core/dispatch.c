/* dispatch.c - the list of backends, start-up, and the choice of one for each call. */
#include "dispatch.h"
#include "cpu.h"
#include "tuning.h"

#ifndef PC_BACKENDS_DEF /* the tests of this file bring separate lists */
#    define PC_BACKENDS_DEF "../backend/backends.def"
#endif
#ifndef PC_PREFERENCES_DEF
#    define PC_PREFERENCES_DEF "../backend/preferences.def"
#endif
#ifndef PC_THIS_CPU
#    define PC_THIS_CPU pc_cpu_model_here()
#endif

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list -------------------------------------------------------------------------------------------------------- */

/* PC_HAVE_<name> comes from the build, which knows what the compiler could do. COMPILED(name) is &pc_backend_<name> when the
 * macro is defined as 1 and NULL when it is not: the usual trick of looking at whether a name expanded to 1. */
#define SECOND(a, b, ...)           b
#define PICK(...)                   SECOND(__VA_ARGS__, 0, 0)
#define PASTE_1                     x, 1
#define CAT(a, b)                   a##b
#define IS_ONE(value)               PICK(CAT(PASTE_, value))
#define POINTER_1(name)             &pc_backend_##name
#define POINTER_0(name)             NULL
#define CHOOSE(have, name)          CAT(POINTER_, have)(name)
#define CHOOSE_EXPANDED(have, name) CHOOSE(have, name)
#define COMPILED(name)              CHOOSE_EXPANDED(IS_ONE(PC_HAVE_##name), name)

#define PC_BACKEND(name, machines, flags, needs, kernels) extern const pc_backend pc_backend_##name;
#include PC_BACKENDS_DEF
#undef PC_BACKEND

typedef struct entry {
    const char *name, *machines;
    const pc_backend *ops; /* NULL: not compiled */
    uint32_t needs;
    int partial;
} entry;

enum { ALL = 0, SOME = 1 }; /* the last column of backends.def */
static const entry entries[] = {
#define PC_BACKEND(name, machines, flags, needs, kernels) {#name, #machines, COMPILED(name), (uint32_t)(needs), kernels},
#include PC_BACKENDS_DEF
#undef PC_BACKEND
};
enum { BACKENDS = sizeof entries / sizeof entries[0] };

/* A row of preferences.def. */
typedef struct preference {
    pc_kind kind;
    int id;
    const char *backend;
    size_t from_n;
    pc_cpu_model measured;
    int here_only;
} preference;

static const preference preferences[] = {
#define PC_PREFER(kind, id, backend, from_n, measured)                                                                      \
    {PC_KIND_##kind, PC_##kind##_##id, #backend, from_n, PC_CPU_MODEL_##measured, 0},
#define PC_PREFER_THERE(kind, id, backend, from_n, measured)                                                                \
    {PC_KIND_##kind, PC_##kind##_##id, #backend, from_n, PC_CPU_MODEL_##measured, 1},
#include PC_PREFERENCES_DEF
#undef PC_PREFER
#undef PC_PREFER_THERE
};
enum { PREFERENCES = sizeof preferences / sizeof preferences[0] };

/* ---- start-up -------------------------------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct {
    int usable;
    char reason[128];
} state[BACKENDS];
static int preferred[PREFERENCES];    /* the backend of each row, or -1: none, or the row is not for this CPU */
static int64_t from_set[PREFERENCES]; /* what pc_preference_set put instead of from_n, or -1 */
static int init_result;
static int forced = PC_AUTO; /* position, from PYCORE_BACKEND */
static char forced_name[32];
static pc_cpu_model this_cpu;

#if defined(__x86_64__)
static const char machine[] = "x86_64";
#elif defined(__aarch64__)
static const char machine[] = "aarch64";
#else
static const char machine[] = "another machine";
#endif

/* Rows for AVX-512 are emulated and run anywhere in builds with PC_EMULATE_AVX512 (tests/emulate_avx512.h). */
static uint32_t needed(const entry *e) {
#ifdef PC_EMULATE_AVX512
    if (e->needs & PC_CPU_AVX512F) return 0;
#endif
    return e->needs;
}

static int same_choice(const preference *a, const preference *b) { return a->kind == b->kind && a->id == b->id; }

static void start(void) {
    uint32_t mask = pc_cpu_mask();
    int any = 0;
    this_cpu = PC_THIS_CPU;
    for (size_t p = 0; p < PREFERENCES; p++) {
        preferred[p] = from_set[p] = -1;
        for (int i = 0; i < BACKENDS; i++) {
            if (strcmp(entries[i].name, preferences[p].backend) == 0) preferred[p] = i;
        }
        if (preferences[p].here_only && preferences[p].measured != this_cpu) preferred[p] = -1;
        for (size_t before = 0; before < p && preferred[p] >= 0; before++) /* a row for this CPU replaces the usual one */
            if (same_choice(&preferences[before], &preferences[p]) && preferred[before] == preferred[p]) preferred[p] = -1;
    }
    pc_tune_for(this_cpu);
    for (int i = 0; i < BACKENDS; i++) {
        const char *failed;
        const char *machines = entries[i].machines;
        if (!entries[i].ops && strcmp(machines, machine) != 0 && strcmp(machines, "any") != 0) {
            snprintf(state[i].reason, sizeof state[i].reason, "for %s only, this is %s", machines, machine);
        } else if (!entries[i].ops) {
            snprintf(state[i].reason, sizeof state[i].reason, "not compiled: the compiler lacks the flags");
        } else if ((mask & needed(&entries[i])) != needed(&entries[i])) {
            char names[80];
            pc_cpu_names(needed(&entries[i]) & ~mask, names, sizeof names);
            snprintf(state[i].reason, sizeof state[i].reason, "this CPU or operating system lacks %s",
                     names[0] ? names : "an instruction set it needs");
        } else if ((failed = pc_selftest(entries[i].ops)) != NULL) {
            snprintf(state[i].reason, sizeof state[i].reason, "self-test failed: %s", failed);
        } else {
            state[i].usable = any = 1;
        }
    }
    init_result = any ? PC_OK : PC_ERR_SELFTEST;
    const char *name = getenv("PYCORE_BACKEND");
    if (!any || !name || !*name || strcmp(name, "auto") == 0 || strcmp(name, pc_device_name()) == 0) return;
    snprintf(forced_name, sizeof forced_name, "%s", name); /* the environment may change later */
    init_result = PC_ERR_BACKEND;
    for (int i = 0; i < BACKENDS; i++) {
        if (strcmp(name, entries[i].name) == 0 && state[i].usable) {
            forced = i;
            init_result = PC_OK;
        }
    }
}

int pc_init(void) {
    pthread_once(&once, start);
    return init_result;
}

const char *pc_device_name(void) { return "cuda"; }

const char *pc_forced_backend(void) {
    (void)pc_init();
    return forced_name[0] ? forced_name : NULL;
}

int pc_backend_at(int position, pc_backend_row *row) {
    if (position < 0 || position >= BACKENDS || !row) return PC_ERR_ARGUMENT;
    (void)pc_init();
    row->name = entries[position].name;
    row->compiled = entries[position].ops != NULL;
    row->usable = state[position].usable;
    row->partial = entries[position].partial;
    row->lanes = entries[position].ops ? entries[position].ops->lanes : 0;
    row->reason = state[position].reason;
    return PC_OK;
}

/* ---- the choice ------------------------------------------------------------------------------------------------------ */

static int has_kernel(const pc_backend *ops, pc_kind kind, int id) {
    switch (kind) {
    case PC_KIND_HASH:
        return ops->hash[id].many != NULL;
    case PC_KIND_MERKLE:
        return ops->hash[id].merkle_level != NULL;
    case PC_KIND_SCHEME:
        return ops->scheme[id].verify != NULL && ops->scheme[id].keyset_put != NULL;
    case PC_KIND_TEST_DATA:
        return ops->scheme[id].public_keys != NULL && ops->scheme[id].sign != NULL;
    case PC_KIND_RECOVER:
        return ops->recover != NULL;
    case PC_KIND_STREAM:
        return ops->hash[id].stream != NULL;
    case PC_KIND_FIELD:
        return ops->field_probe != NULL;
    }
    return 0;
}

static int runs(int position, pc_kind kind, int id) {
    return state[position].usable && has_kernel(entries[position].ops, kind, id);
}

static size_t from_of(size_t p) { return from_set[p] >= 0 ? (size_t)from_set[p] : preferences[p].from_n; }

/* The backend for n items, and (why not NULL) PC_WHY_*. */
static int choose(pc_kind kind, int id, size_t n, int *why) {
    int ignored;
    if (!why) why = &ignored;
    *why = PC_WHY_FORCED;
    if (forced >= 0 && runs(forced, kind, id)) return forced;
    pc_kind listed = kind == PC_KIND_MERKLE || kind == PC_KIND_STREAM ? PC_KIND_HASH : kind;
    int listed_id = id;
    if (kind == PC_KIND_RECOVER)
        listed = PC_KIND_SCHEME, listed_id = PC_SCHEME_ECDSA_SECP256K1; /* a walk of the same length */
    for (size_t p = 0; p < PREFERENCES; p++) {
        if (preferences[p].kind != listed || preferences[p].id != listed_id || n < from_of(p)) continue;
        if (preferred[p] < 0 || !runs(preferred[p], kind, id)) continue;
        *why = from_set[p] >= 0 ? PC_WHY_SET : preferences[p].measured == this_cpu ? PC_WHY_MEASURED : PC_WHY_RULE;
        return preferred[p];
    }
    *why = PC_WHY_ORDER;
    for (int i = 0; i < BACKENDS; i++) {
        if (runs(i, kind, id)) return i;
    }
    return PC_ERR_BACKEND;
}

int pc_resolve(pc_kind kind, int id, int backend, size_t n, const pc_backend **found, int *position) {
    int result = pc_init();
    if (result != PC_OK) return result;
    if (backend < PC_AUTO || backend >= BACKENDS) return PC_ERR_ARGUMENT;
    int chosen = backend == PC_AUTO ? choose(kind, id, n, NULL) : backend;
    if (chosen < 0 || !runs(chosen, kind, id)) return PC_ERR_BACKEND;
    *found = entries[chosen].ops;
    if (position) *position = chosen;
    return PC_OK;
}

size_t pc_scratch_wanted(pc_kind kind, int id, int backend) {
    size_t wanted = 0;
    if (pc_init() != PC_OK || backend < PC_AUTO || backend >= BACKENDS) return 0;
    for (int i = 0; i < BACKENDS; i++) {
        if ((backend != PC_AUTO && backend != i) || !runs(i, kind, id)) continue;
        size_t scratch =
            kind == PC_KIND_RECOVER ? entries[i].ops->recover_scratch : entries[i].ops->scheme[id].verify_scratch;
        if (scratch > wanted) wanted = scratch;
    }
    return wanted;
}

int pc_backend_pick(int kind, int id, size_t n) {
    const pc_backend *ops;
    int position, result;
    if (kind == PC_KIND_HASH ? !pc_hash_at(id) : (kind != PC_KIND_SCHEME || !pc_scheme_at(id))) return PC_ERR_ARGUMENT;
    result = pc_resolve((pc_kind)kind, id, PC_AUTO, n, &ops, &position);
    return result == PC_OK ? position : result;
}

int pc_backend_why(int kind, int id, size_t n) {
    int why, picked = pc_backend_pick(kind, id, n);
    if (picked < 0) return picked;
    (void)choose((pc_kind)kind, id, n, &why);
    return why;
}

/* ---- the choice, changed ---------------------------------------------------------------------------------------------- */

/* The row at this position among those that hold here, or -1. */
static int held(int position) {
    for (int p = 0; p < PREFERENCES; p++) {
        if (preferred[p] < 0 || !runs(preferred[p], preferences[p].kind, preferences[p].id)) continue;
        if (position-- == 0) return p;
    }
    return -1;
}

int pc_preference_at(int position, pc_choice *choice) {
#define PC_BACKEND(name, machines, flags, needs, kernels) "from " #name,
    static const char *const names[] = {
#include PC_BACKENDS_DEF
    };
#undef PC_BACKEND
    const int p = held(position);
    if (p < 0) return PC_ERR_ARGUMENT;
    const preference *row = &preferences[p];
    *choice = (pc_choice){.name = names[preferred[p]],
                          .algorithm = row->kind == PC_KIND_HASH ? pc_hash_at(row->id)->name : pc_scheme_at(row->id)->name,
                          .value = (int64_t)from_of((size_t)p),
                          .usual = (int64_t)row->from_n,
                          .most = PC_NEVER,
                          .source = row->measured == this_cpu ? "measured on such a CPU" : "by rule"};
    return PC_OK;
}

int pc_preference_set(int position, int64_t from_n) {
    const int p = held(position);
    if (p < 0 || from_n < 0 || from_n > PC_NEVER) return PC_ERR_ARGUMENT;
    from_set[p] = (size_t)from_n == preferences[p].from_n ? -1 : from_n;
    return PC_OK;
}
