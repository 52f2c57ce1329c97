/* dispatch.h - which backend runs a call. */
#ifndef PC_DISPATCH_H
#define PC_DISPATCH_H
#include "../backend/backend.h"

typedef enum pc_kind {
    PC_KIND_HASH = 0,
    PC_KIND_SCHEME = 1,
    PC_KIND_RECOVER = 2,   /* id ignored */
    PC_KIND_FIELD = 3,     /* id ignored */
    PC_KIND_MERKLE = 4,    /* id is a hash */
    PC_KIND_TEST_DATA = 5, /* id is a scheme */
    PC_KIND_STREAM = 6     /* id is a hash */
} pc_kind;

/* The backend that runs `id` for a batch of n when the caller asked for `backend` (a position or PC_AUTO); its position goes to
 * *position when that is not NULL. PC_OK, PC_ERR_BACKEND or what pc_init returned. Initialises the library. */
int pc_resolve(pc_kind kind, int id, int backend, size_t n, const pc_backend **found, int *position);

/* Bytes of scratch that the call needs; for PC_AUTO the most of any backend that may be taken, whatever the batch. 0 when none. */
size_t pc_scratch_wanted(pc_kind kind, int id, int backend);

/* Rows of preferences.def that hold here and whose backend is usable, one per algorithm and backend, as choices: from how many items
 * on the backend is taken, PC_NEVER for never. PC_ERR_ARGUMENT past the end. */
int pc_preference_at(int position, pc_choice *choice);
int pc_preference_set(int position, int64_t from_n);

/* Known-answer tests of one backend: NULL when all pass, else the name of the first that failed (selftest.c). */
const char *pc_selftest(const pc_backend *backend);
#endif
