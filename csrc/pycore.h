/* pycore.h - the whole C interface of the pycore validation core.
 *
 * This text is also the only declaration that Python sees: the extension build feeds it to cffi. Keep it free of
 * preprocessor tricks: what is for C++ alone, and then every line starting with '#', is dropped before cffi reads it.
 *
 * Conventions
 *   Argument order   backend and parameters, then inputs, then the count, then scratch, then outputs.
 *   Batches          n items in, n verdict bytes out (status.def). A bad item is a verdict and never touches its neighbours.
 *   Return value     PC_OK or a negative PC_ERR_*: programmer errors only. On an error no output byte is defined.
 *   Memory           the library never allocates per call, prints, or starts threads. Where a call needs working memory the
 *                    caller gives it (pc_*_scratch_size); it may be reused by later calls of the same thread. Fixed-base tables
 *                    are built once per backend and curve, on first use, into static memory.
 *   Threads          every function may be called from any number of threads at once; scratch must not be shared.
 *   Byte order       as each scheme's specification encodes it: big-endian integers for ECDSA, SM2 and BIP-340; little-endian
 *                    for Ed25519.
 *   Timing           variable. Everything verified is public. pc_testing_* handles secrets without protecting them: test data only.
 */
#ifndef PYCORE_H
#define PYCORE_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- return codes ---------------------------------------------------------------------------------------------------- */
enum {
    PC_OK = 0,
    PC_ERR_ARGUMENT = -1, /* an id, flag or length that the registry does not know */
    PC_ERR_BACKEND = -2,  /* the backend is not compiled in, or this CPU cannot run it */
    PC_ERR_SCRATCH = -3,  /* scratch is smaller than the matching pc_*_scratch_size() */
    PC_ERR_SELFTEST = -4  /* no backend passed its known-answer tests */
};

/* ---- columns ---------------------------------------------------------------------------------------------------------
 * n byte strings. Either fixed width - row i is data[i * stride .. i * stride + width) - or, when offsets is not NULL,
 * ragged - row i is data[offsets[i] .. offsets[i + 1]). Offsets never decrease. data may be NULL when every row is empty. */
typedef struct pc_column {
    const uint8_t *data;
    const int64_t *offsets; /* n + 1 values, or NULL */
    size_t width;           /* bytes per row; ignored when offsets is given */
    ptrdiff_t stride;       /* bytes from one row to the next; ignored when offsets is given */
} pc_column;

/* ---- registry (registry.def, status.def) ----------------------------------------------------------------------------- */
enum {
    PC_SCHEME_DER = 1,        /* signatures may be DER */
    PC_SCHEME_HASH = 2,       /* the caller names the hash of the message */
    PC_SCHEME_PREHASHED = 4,  /* messages may be digests */
    PC_SCHEME_RECOVERABLE = 8 /* pc_recover_batch finds the key of a signature */
};
enum {
    PC_KEY_COMPRESSED = 1,   /* 02 or 03, x */
    PC_KEY_UNCOMPRESSED = 2, /* 04, x, y */
    PC_KEY_SEC1 = 3,         /* either, as in SEC 1, section 2.3.4 */
    PC_KEY_XY = 4,           /* x, y */
    PC_KEY_X_ONLY = 8,       /* x of the point with even y: BIP-340 */
    PC_KEY_EDWARDS = 16      /* y and the sign of x: RFC 8032 */
};
enum {
    PC_RULE_CANONICAL_A = 1, /* Ed25519: A must be encoded canonically */
    PC_RULE_CANONICAL_R = 2, /* Ed25519: R must be encoded canonically */
    PC_RULE_NO_SMALL_A = 4,  /* Ed25519: refuse A of order 1, 2, 4 or 8 */
    PC_RULE_NO_SMALL_R = 8,  /* Ed25519: the same for R */
    PC_RULE_COFACTORED = 16, /* Ed25519: check [8][S]B = [8]R + [8][k]A instead of [S]B = R + [k]A */
    PC_RULE_LOW_S = 32,      /* ECDSA: refuse s above half the group order */
    PC_RULE_FABRICX = 64     /* Ed25519ctx (RFC 8032, section 5.1) with the context that Fabric-X signs under */
};

typedef struct pc_hash_row {
    int id;
    const char *name;
    size_t digest_size;
    size_t block_size;
    const char *source;
} pc_hash_row;

typedef struct pc_scheme_row {
    int id;
    const char *name;
    int key_forms;               /* PC_KEY_*: which encodings of a public key it takes */
    const size_t *key_sizes;     /* bytes of an encoded key, rising, and a zero after the last */
    size_t signature_size;       /* compact encoding */
    int flags;                   /* PC_SCHEME_* */
    unsigned table_pays;         /* items of a key after which a table of it has saved what it cost; at most 255 */
    size_t user_id_limit;        /* bytes of the longest user_id; 0: the scheme has none */
    const char *default_user_id; /* NULL: the scheme has none */
    const char *source;
} pc_scheme_row;

typedef struct pc_rules_row {
    int scheme;
    const char *name;
    int flags; /* PC_RULE_* */
} pc_rules_row;

typedef struct pc_status_row {
    int code;
    const char *name;
    const char *meaning;
} pc_status_row;

/* Row by position, or NULL past the end. Rows live forever. The ids of schemes and hashes are their positions. */
const pc_hash_row *pc_hash_at(int position);
const pc_scheme_row *pc_scheme_at(int position);
const pc_rules_row *pc_rules_at(int position);
const pc_status_row *pc_status_at(int position);
const char *pc_version(void);
/* How the core was built: compiler, its version, and the flags that all backends share (a row of backends.def adds its own). */
const char *pc_compiler(void);

/* ---- CPU and backends --------------------------------------------------------------------------------------------------
 * Backends are listed from most to least preferred; "portable" is always there and always last. In every call below
 * `backend` is a position in that list, or PC_AUTO for the one that preferences.def has for the algorithm and batch size. */
enum { PC_AUTO = -1 };

/* Detects the CPU, runs every usable backend's known-answer tests and drops the ones that fail. Idempotent; called by every
 * function that needs it, so calling it yourself only moves the cost (ten to thirty milliseconds, mostly base point tables).
 *
 * The environment variable PYCORE_BACKEND forces PC_AUTO to one backend (algorithms that it has no kernel for run on the best
 * other one). It is read once, here. When it names a backend that is unknown or not usable, pc_init and every call that would
 * have to choose a backend return PC_ERR_BACKEND; pc_backend_at then says which ones are usable, and why the others are not. */
int pc_init(void);

/* The name in PYCORE_BACKEND, or NULL when it is unset, empty, "auto" or pc_device_name. Only a name: pc_init says whether it
 * can be used. */
const char *pc_forced_backend(void);

/* What PYCORE_BACKEND says for a device that callers drive themselves: here it means "auto". */
const char *pc_device_name(void);

typedef struct pc_backend_row {
    const char *name;
    int compiled;       /* the compiler could build it */
    int usable;         /* this CPU (and operating system) can run it and its self-test passed */
    int partial;        /* it has kernels for some algorithms only; the others run on the next backend */
    int lanes;          /* items per vector, 0 when not compiled */
    const char *reason; /* in words, why it is not usable; "" when it is */
} pc_backend_row;

/* Fills *row for the backend at position; PC_ERR_ARGUMENT past the end. */
int pc_backend_at(int position, pc_backend_row *row);

/* What PC_AUTO takes for an algorithm and a batch of n items: a backend position. kind: 0 = hash id, 1 = scheme id. */
int pc_backend_pick(int kind, int id, size_t n);

/* Why PC_AUTO takes that one. */
enum {
    PC_WHY_FORCED = 0,   /* PYCORE_BACKEND */
    PC_WHY_MEASURED = 1, /* a row of backend/preferences.def that was measured on such a CPU, for this batch size */
    PC_WHY_ORDER = 2,    /* the first in the list of backends that is usable and has a kernel */
    PC_WHY_RULE = 3,     /* a row of backend/preferences.def that was measured elsewhere or only reckoned */
    PC_WHY_SET = 4       /* pc_choice_set */
};
int pc_backend_why(int kind, int id, size_t n);

/* ---- tuning ---------------------------------------------------------------------------------------------------------------
 * Choices that change speed and nothing else, each with the value that this library takes for this kind of CPU. name: "streams"
 * (vectors side by side in a hash), or "from <backend>" (the least number of items for which PC_AUTO takes that backend; the
 * choices of one algorithm are asked in the order of the list, and PC_NEVER leaves a backend out). */
enum { PC_NEVER = 1 << 30 };
typedef struct pc_choice {
    const char *name, *algorithm;
    int64_t value, usual; /* what applies; without pc_choice_set */
    int64_t least, most;  /* what may be set */
    const char *source;   /* which CPU measured `usual` and when, or "by rule" */
} pc_choice;
/* PC_OK, or PC_ERR_ARGUMENT past the end. Pointers stay valid. */
int pc_choice_at(int position, pc_choice *choice);
/* Not while other threads compute. PC_ERR_ARGUMENT: no such choice, or not such a value. */
int pc_choice_set(const char *name, const char *algorithm, int64_t value);

/* Name of CPU feature at position ("avx2", "sha", ...), or NULL past the end; *present says whether it can be used. */
const char *pc_cpu_feature_at(int position, int *present);

/* ---- hashing -------------------------------------------------------------------------------------------------------------
 * digests[i] = H(prefix || messages[i]); digests is n * digest_size bytes, contiguous. prefix may be NULL with length 0. */
int pc_hash_batch(int backend, int hash, const uint8_t *prefix, size_t prefix_len, const pc_column *messages, size_t n,
                  uint8_t *digests);
/* The same for n messages of `width` bytes, one after the other, without a prefix: no column to make for a call of a few. */
int pc_hash_rows(int backend, int hash, const uint8_t *rows, size_t width, size_t n, uint8_t *digests);

/* One message that comes in pieces, of any length, in memory that does not grow: pc_hash_stream_size() bytes, aligned to 64, the
 * caller's (0: no such hash or backend; at most 300 KiB). The digest is of all that was given so far, and more may follow; a copy of
 * the memory goes on by itself. Not for two threads at once. */
typedef struct pc_hash_stream pc_hash_stream;
size_t pc_hash_stream_size(int backend, int hash);
int pc_hash_stream_open(int backend, int hash, pc_hash_stream *stream);
int pc_hash_stream_update(pc_hash_stream *stream, const uint8_t *data, size_t len);
int pc_hash_stream_digest(const pc_hash_stream *stream, uint8_t *digest);

/* ---- Merkle trees --------------------------------------------------------------------------------------------------------
 * One level: parents[i] = H(prefix || children[2 i] || children[2 i + 1]), children contiguous, count >= 2. An odd last child
 * is carried up as it is (PC_ODD_PROMOTE: RFC 9162) or paired with itself (PC_ODD_DUPLICATE: Bitcoin, ChainMaker).
 * parents holds (count + 1) / 2 digests and may be the same memory as children. */
enum { PC_ODD_PROMOTE = 0, PC_ODD_DUPLICATE = 1 };
int pc_merkle_level(int backend, int hash, int odd, const uint8_t *prefix, size_t prefix_len, const uint8_t *children,
                    size_t count, uint8_t *parents);

/* The shape of a tree. PC_ODD_PAD, here alone: an odd last child is paired with the root of an empty subtree (SSZ), so that proofs have
 * a sibling for every level. */
enum { PC_ODD_PAD = 2 };
typedef struct pc_tree_params {
    int hash;
    int odd;            /* PC_ODD_* */
    int equal_siblings; /* 0: BAD_PROOF where a node is paired with another of the same value (CVE-2012-2459) */
    int limited;        /* PC_ODD_PAD: the tree is as deep as one of `limit` leaves */
    uint64_t limit;
    const uint8_t *prefix; /* of a node; may be NULL with length 0 */
    size_t prefix_len;
    const uint8_t *leaf_prefix; /* the same of a leaf; read with PC_LEAVES alone */
    size_t leaf_prefix_len;
    const uint8_t *zeros; /* PC_ODD_PAD: 65 digests, the roots of empty subtrees by height; not for checks */
} pc_tree_params;
/* n inclusion proofs: node nodes[i] of leaf index[i], of leaf_count[i], has the siblings proofs[i], from the leaf up, one after another,
 * below roots[i]. Sides and number of the siblings follow from index and leaf_count alone. roots and nodes: columns of fixed width, a
 * digest. verdicts: VALID, BAD_PROOF, or MALFORMED_PROOF (wrong length, index >= leaf_count, leaf_count > limit). */
int pc_verify_inclusion(int backend, const pc_tree_params *tree, const pc_column *roots, const pc_column *nodes,
                        const pc_column *proofs, const uint64_t *index, const uint64_t *leaf_count, size_t n,
                        uint8_t *verdicts);

/* A tree that only grows, kept as its frontier (compact range): the roots of the complete subtrees that
 * its leaves fall into, one per set bit of their number. All bytes zero: a tree without leaves. */
typedef struct pc_frontier {
    uint64_t leaf_count; /* below 2^63 */
    /* row l: the root of the subtree of 2^l leaves, where bit l of leaf_count is one */
    uint8_t peaks[64][64];
} pc_frontier;

/* A node: `position` counts from the left among those of its height; leaves have height 0. */
typedef struct pc_tree_node {
    uint64_t position;
    int height;
    uint8_t digest[64];
} pc_tree_node;

/* Leaves, present or to come, whose proofs will be asked for, and the nodes of these proofs that an append
 * completes. */
typedef struct pc_watch {
    const uint64_t *leaves; /* n of them, ascending */
    size_t n;
    pc_tree_node *nodes; /* written: room for 2 * (rows appended) + 64, unless n is 0 */
    size_t room;
    size_t found; /* written: how many nodes */
} pc_watch;

/* Appends n rows of `width` bytes, one after the other. level: PC_LEAVES - the rows are leaves, and
 * H(leaf_prefix || row) are their nodes - or the height of the complete subtrees whose roots the rows are;
 * the number of leaves must be a multiple of theirs. watch may be NULL. An error leaves the frontier as it
 * was. Not for two threads at once. */
enum { PC_LEAVES = -1 };
int pc_merkle_grow(int backend, const pc_tree_params *tree, pc_frontier *frontier, int level, const uint8_t *rows,
                   size_t width, size_t n, pc_watch *watch);

/* The right edge of the tree that a frontier of at least one leaf stands for, from the leaves to the root
 * at height `depth`: the position of the last node of each height and the node, or -1 where that is the
 * right child of a complete subtree. */
typedef struct pc_edge {
    int depth;
    int64_t positions[65];
    uint8_t nodes[65][64];
} pc_edge;
/* edge may be NULL: the root alone is wanted. root: a digest. */
int pc_merkle_edge(int backend, const pc_tree_params *tree, const pc_frontier *frontier, pc_edge *edge, uint8_t *root);

/* How to hash from known nodes up to a root: parent i is made of the slots left[i] and right[i]. Parents
 * waves[w] .. waves[w + 1] - 1 do not depend on each other, and their children stand in slots before the
 * first of them. */
typedef struct pc_merkle_plan {
    const int64_t *left, *right; /* n_parents each */
    size_t n_parents;
    const int64_t *waves; /* n_waves + 1 bounds */
    size_t n_waves;
} pc_merkle_plan;
/* slots: n_slots digests, of which the last n_parents are written, those of these waves. *equal: whether
 * two different slots that were paired are equal; looked at only where the tree has no equal siblings.
 * Threads may share the slots, each with a part of one wave. */
int pc_merkle_multiproof(int backend, const pc_tree_params *tree, const pc_merkle_plan *plan, uint8_t *slots, size_t n_slots,
                         int *equal);

/* Memory for a plan that is made here, the caller's: `room` for parents at most. */
typedef struct pc_plan_memory {
    /* what a proof supplies, in its order: height and position of each, 2 * room (multiproofs), or room indices (SSZ) */
    uint64_t *helpers;
    int64_t *left, *right;
    uint64_t *work; /* 2 * (room or the number of indices, whichever is more) */
    size_t room;
    size_t n_helpers, n_parents, n_waves; /* written */
    int64_t waves[66], root;              /* written: n_waves + 1 bounds; the slot of the root */
} pc_plan_memory;
/* The plan of a multiproof: slots are the leaves in the order of `indices` (n of them, ascending,
 * distinct, below leaf_count), the helpers level by level from the leaves and from left to right, in trees
 * that pad 65 roots of empty subtrees by height, the parents. */
int pc_plan_multiproof(const pc_tree_params *tree, const uint64_t *indices, size_t n, uint64_t leaf_count,
                       pc_plan_memory *plan);
/* The room that it needs: how many nodes lie above these leaves. Or PC_ERR_ARGUMENT. */
int64_t pc_plan_room(const pc_tree_params *tree, const uint64_t *indices, size_t n, uint64_t leaf_count);
/* The plan of an SSZ multiproof of nodes at generalized indices, none of them 0: slots are the nodes in
 * the order of `indices`, the helpers from the largest index down, the parents. order: positions in
 * `indices`, from the largest index down. room: the sum of the indices' depths is enough. PC_PLAN_CLASH:
 * an index is there twice or lies below another. */
enum { PC_PLAN_CLASH = 1 };
int pc_plan_ssz(const uint64_t *indices, const int64_t *order, size_t n, pc_plan_memory *plan);

/* Inclusion proofs of n leaves out of a tree whose n_nodes nodes are given level after level, leaves
 * first. Once with data NULL, to get the offsets (n + 1) at which the proofs begin, and once with them, to
 * get the proofs: offsets[n] bytes. */
int pc_merkle_proofs(const pc_tree_params *tree, const uint8_t *nodes, size_t n_nodes, uint64_t leaf_count,
                     const uint64_t *indices, size_t n, int64_t *offsets, uint8_t *data);

/* ---- signatures ----------------------------------------------------------------------------------------------------------*/
enum { PC_ENCODING_COMPACT = 0, PC_ENCODING_DER = 1 };
enum {
    PC_DER_STRICT = 0,   /* one-byte lengths, minimal integers, nothing left over */
    PC_DER_TRAILING = 1, /* bytes after the SEQUENCE are ignored */
    PC_DER_GO = 2        /* as Go's encoding/asn1: bytes after s inside the SEQUENCE are also ignored */
};
enum {
    PC_MESSAGE_HASH = 0,     /* hash the message as the scheme (SM2: after Z_A) or, for ECDSA, as `hash` says */
    PC_MESSAGE_PREHASHED = 1 /* each message is the 32-byte digest (SM2: e) */
};

typedef struct pc_verify_params {
    int scheme;
    int rules; /* PC_RULE_* flags, from pc_rules_at */
    int hash;  /* ECDSA: a hash with 32-byte digests; ignored elsewhere */
    int message;
    int encoding;
    int der_rules;
    const uint8_t *user_id; /* SM2: the signer's distinguishing identifier; NULL means no Z_A at all. At most
                               user_id_limit bytes of the scheme's row */
    size_t user_id_len;     /* 0 with a non-NULL user_id is the empty identifier (ENTL = 0) */
} pc_verify_params;

/* Keys parsed, checked and, with a window, tabulated once. A table makes a verification several times faster; its window is the
 * bits per digit of a scalar: a wider one saves additions and doubles the memory. The caller owns the memory: pc_keyset_size()
 * bytes, aligned to 64, that stay in place while the set is used. Opaque, read-only after the build, and good only for the backend
 * it was built for (PC_AUTO is resolved to a backend at build time and kept in the set). */
typedef struct pc_keyset pc_keyset;
/* Bytes of one key's table, a multiple of 64; 0 for window 0, and for a window that the scheme does not have. */
size_t pc_keyset_table_size(int backend, int scheme, int window);
/* Bytes of a set of n_keys with tables of this window, or with window 0 none; 0 when there is no such set. */
size_t pc_keyset_size(int backend, int scheme, size_t n_keys, int window);
/* The window for a set that may take memory_limit bytes: 0 when no table fits. Negative: PC_ERR_*. */
int pc_keyset_window(int backend, int scheme, size_t n_keys, size_t memory_limit);
/* verdicts[i]: VALID when key i parses, else MALFORMED_KEY. Rules that look at the key's encoding are applied at verification. */
int pc_keyset_build(int backend, int scheme, const pc_column *keys, size_t n_keys, int window, pc_keyset *set,
                    uint8_t *verdicts);
/* A set whose keys come and go. Open: n_slots slots without a key, which verify as MALFORMED_KEY; memory of
 * pc_keyset_size(backend, scheme, n_slots, 0) bytes. Put: key i into slot slots[i], and its table (window 0: none) into tables[i],
 * pc_keyset_table_size() bytes, aligned to 64, that stay in place while the slot is used; tables may be NULL with window 0. A key
 * that does not parse leaves its slot without one. The slots of a call are distinct, and no other thread uses them meanwhile. */
int pc_keyset_open(int backend, int scheme, size_t n_slots, int window, pc_keyset *set);
int pc_keyset_put(pc_keyset *set, const uint32_t *slots, const pc_column *keys, size_t n, void *const *tables,
                  uint8_t *verdicts);

/* Keys that come back. A cache finds the keys of a batch among those that it has tables of, by their bytes as encoded, and
 * notices which of the others come often and which of those that it has come no more. Opaque; the caller owns the memory:
 * pc_key_cache_size() bytes, aligned to 64. A copy of the memory (again aligned to 64) goes on by itself, with the same
 * tables; so a caller whose threads look keys up at any time changes a copy and lets later calls use that. */
typedef struct pc_key_cache pc_key_cache;
enum {
    PC_NO_SLOT = -1, /* as uint32_t: 2^32 - 1 */
    PC_WANTED = -2   /* no slot, and the key has come often enough for a table */
};
/* Bytes of a cache of n_slots keys, without their tables; 0 when there is no such cache. */
size_t pc_key_cache_size(int backend, int scheme, size_t n_slots);
/* A cache without keys, whose tables will have this window. often: how many times a key comes before it is wanted, 1 to 255.
 * seed: random, and unknown to whoever chooses the keys. PC_ERR_SCRATCH when cache_len is too small. */
int pc_key_cache_open(int backend, int scheme, size_t n_slots, int window, unsigned often, uint64_t seed,
                      pc_key_cache *cache, size_t cache_len);
/* Keys into free slots, as pc_keyset_put does; one that does not parse leaves its slot free. Not while others use the cache. */
int pc_key_cache_put(pc_key_cache *cache, const uint32_t *slots, const pc_column *keys, size_t n, void *const *tables,
                     uint8_t *verdicts);
/* Frees a slot. Its table must stay in place until the last call that found the key has ended. */
int pc_key_cache_drop(pc_key_cache *cache, uint32_t slot);
/* slots[i] = the slot of key i, PC_NO_SLOT or PC_WANTED; found = how many have a slot, how many are wanted. With count 0
 * nothing is counted and no key is wanted. Any number of threads may do this at once. */
int pc_key_cache_find(pc_key_cache *cache, const pc_column *keys, size_t n, int count, uint32_t *slots, uint32_t *found);
/* The slot whose key came least recently, PC_NO_SLOT when all are free, and how many items (of all caches) came since. */
int pc_key_cache_oldest(const pc_key_cache *cache, uint32_t *slot, uint64_t *idle);
/* The keys as a set, by slot: for pc_verify_keyset. NULL for memory that is no cache. */
const pc_keyset *pc_key_cache_keys(const pc_key_cache *cache);

/* Bytes of scratch that a call of pc_verify_batch or pc_verify_keyset with any n needs (it works in chunks). */
size_t pc_verify_scratch_size(int backend, const pc_verify_params *params);

int pc_verify_batch(int backend, const pc_verify_params *params, const pc_column *keys, const pc_column *signatures,
                    const pc_column *messages, size_t n, void *scratch, size_t scratch_len, uint8_t *verdicts);

/* The same with keys by index into a set; indices must be below its count (else PC_ERR_ARGUMENT). */
int pc_verify_keyset(const pc_keyset *set, const pc_verify_params *params, const uint32_t *key_indices,
                     const pc_column *signatures, const pc_column *messages, size_t n, void *scratch, size_t scratch_len,
                     uint8_t *verdicts);

/* A few items in one call, for calls that take about as long as making columns and looking keys up would. n: at most
 * PC_FEW. rows: the keys, then the signatures, then the messages, one after another, at most PC_FEW_BYTES; lengths: of
 * each of these 3 n rows. Verifies by the tables of a cache of this scheme and, where keys have none, as pc_verify_batch on
 * the cache's backend; keys are counted as by pc_key_cache_find. Returns how many items have a key with a table, plus
 * 256 (i + 1) when key i is wanted; or PC_ERR_*. */
enum {
    PC_FEW = 32,
    PC_FEW_BYTES = 32768,
    PC_PART = 4 /* items with tables from which it pays to part a call */
};
int pc_verify_few(pc_key_cache *cache, const pc_verify_params *params, const uint8_t *rows, const uint32_t *lengths,
                  size_t n, void *scratch, size_t scratch_len, uint8_t *verdicts);

/* ECDSA public key recovery on secp256k1 (SEC 1, section 4.1.6). signatures: 65 bytes r || s || v with v in 0..3 or 27..30;
 * digests: 32 bytes. keys: n * 64 bytes x || y, zero where the verdict is not VALID. rules: 0 or PC_RULE_LOW_S. */
size_t pc_recover_scratch_size(int backend);
int pc_recover_batch(int backend, int rules, const pc_column *signatures, const pc_column *digests, size_t n, void *scratch,
                     size_t scratch_len, uint8_t *keys, uint8_t *verdicts);

/* ---- wire: records to columns ------------------------------------------------------------------------------------------
 * A plan names the fields of a message that are wanted; one walk over n records writes where they stand, or their
 * numbers, into tables of int64 cells. Nothing is copied, allocated or decoded, so what follows - hashing, grouping,
 * verifying - reads the input in place.
 *
 * A table has one row for each occurrence of a message, string or bytes (of a repeated number: one row of two cells).
 * Bytes that are no message end their record with a fault; the next record goes on. Bytes that are a message, but not
 * as a writer would put it, are flagged: a record without flags (but PC_SCAN_KEPT) is encoded again to the same bytes,
 * and one with others is not. Messages that a plan takes as bytes, and maps, whose order is a writer's choice, are outside of
 * this. Under PC_SCAN_TWICE and PC_SCAN_TWO_OF_ONE cells are not to be used: what counts is in another place, or merged. */
/* Kinds of a field; numbers take one cell, the others two: start and end of the content. */
enum {
    PC_SCAN_BYTES = 0,
    PC_SCAN_STRING = 1, /* must be UTF-8 */
    PC_SCAN_MESSAGE = 2,
    PC_SCAN_UINT64 = 3, /* and int64: the 64 bits as they are */
    PC_SCAN_UINT32 = 4,
    PC_SCAN_INT32 = 5, /* and enumerations, which are open */
    PC_SCAN_BOOL = 6,
    PC_SCAN_SINT32 = 7,
    PC_SCAN_SINT64 = 8,
    PC_SCAN_FIXED32 = 9,
    PC_SCAN_FIXED64 = 10
};
/* Flags of a field. */
enum {
    PC_SCAN_REPEATED = 1,
    PC_SCAN_PRESENCE = 2, /* `optional`, or in a oneof: written even when it is zero or empty */
    PC_SCAN_TAGGED = 4,   /* the last cell is where the field's tag stands; of a number, the one before it where it ends */
    PC_SCAN_SINGLY = 8    /* repeated numbers that a writer does not pack */
};
/* Flags of a row. */
enum {
    PC_SCAN_UNORDERED = 1,   /* a field behind one with a higher number, or behind an unknown one */
    PC_SCAN_NOT_MINIMAL = 2, /* a number in more bytes than it needs */
    PC_SCAN_DEFAULT = 4,     /* a zero or nothing that a writer leaves out */
    PC_SCAN_TWICE = 8,       /* more than once what can be there once: the last one counts, messages are merged */
    PC_SCAN_PACKING = 16,    /* repeated numbers one by one where a writer packs them, or the other way */
    PC_SCAN_TOO_WIDE = 32,   /* a number with more bits than its type, which are dropped */
    PC_SCAN_TWO_OF_ONE = 64, /* two members of a oneof */
    PC_SCAN_UNKNOWN = 128,   /* a field that the plan's message does not have; writers keep it, behind the others */
    PC_SCAN_WIRE_TYPE = 256, /* a known number with the wire type of another kind: taken as unknown */
    PC_SCAN_IN_GROUP = 512,  /* an unknown group */
    PC_SCAN_OVERFLOW = 1024, /* of a record: it has more rows of a table than are read, so none of them was kept */
    PC_SCAN_KEPT = 128 | 256 | 512 | 1024 /* flags that leave the bytes as a writer would put them */
};
/* Faults of a record. */
enum {
    PC_SCAN_SOUND = 0,
    PC_SCAN_TRUNCATED = 1,
    PC_SCAN_LONG_NUMBER = 2, /* of more bytes than a number or length can have */
    PC_SCAN_BAD_TAG = 3,     /* field number 0, above 2^29 - 1, or a wire type that does not exist */
    PC_SCAN_BAD_GROUP = 4,   /* a group that does not end, ends under another number, or lies too deep */
    PC_SCAN_NOT_UTF8 = 5
};
/* Cells that every row begins with; of a repeated number it has PARENT and VALUE only. */
enum {
    PC_ROW_PARENT = 0, /* row of the table in which the message around it is; of a record: its number */
    PC_ROW_VALUE = 1,
    PC_ROW_START = 1,
    PC_ROW_END = 2,
    PC_ROW_NUMBER = 3, /* of the field by which it came */
    PC_ROW_FLAGS = 4,
    PC_ROW_FAULT = 5,
    PC_ROW_CELLS = 6
};
enum { PC_SCAN_FIELDS = 64, PC_SCAN_MESSAGES = 64, PC_SCAN_TABLES = 16, PC_SCAN_CELLS = 64, PC_SCAN_DEPTH = 16 };

typedef struct pc_scan_field {
    uint32_t number;
    uint8_t kind;
    uint8_t flags;
    int16_t message; /* PC_SCAN_MESSAGE: which one, later in the plan than this field's own */
    int16_t table;   /* each occurrence is a row of this table; -1: it belongs to the row it is met in */
    int16_t cell;    /* its first cell in the row it is met in; -1: checked, not kept */
    int16_t oneof;   /* 0, or a number that the members of a oneof of the message share: 1 to 31 */
} pc_scan_field;
typedef struct pc_scan_message {
    uint32_t first, count; /* its fields, by ascending number */
} pc_scan_message;
typedef struct pc_scan_plan {
    const pc_scan_field *fields;
    const pc_scan_message *messages; /* 0 is the record */
    const uint32_t *widths;          /* cells of a row of each table; table 0 has a row for each record */
    uint32_t n_fields, n_messages, n_tables;
} pc_scan_plan;

/* n pieces of data: piece i is data[start[i * stride] .. end[i * stride]), so the cells of a table are spans as they are.
 * Pieces may be empty, overlap and come in any order; start and end of an absent field are 0. */
typedef struct pc_spans {
    const uint8_t *data;
    size_t size;
    const int64_t *start, *end;
    size_t stride, n;
} pc_spans;
typedef struct pc_scan_table {
    int64_t *cells; /* capacity * width; may be NULL with capacity 0. Rows that do not fit are counted, not written */
    size_t capacity;
    size_t most; /* of one record: one that has more keeps none of them and is flagged */
    size_t rows; /* out: rows kept, or that would have been with more capacity */
} pc_scan_table;
typedef struct pc_scan_fault {
    int code;
    int64_t record, offset;   /* offset: in the data */
    uint32_t depth, path[16]; /* numbers of the fields, from the record down */
} pc_scan_fault;

/* Scans records; *fault: the first one. Returns how many records have a fault, or PC_ERR_ARGUMENT: the plan is unsound
 * or a span leaves the data. */
int64_t pc_scan_records(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault);

/* The same with the faults of protobuf's reader in Go, which takes tags and lengths of ten bytes and groups 10,001 deep, and
 * refuses numbers of more than 64 bits, and field numbers that none has inside of groups. Its writer shortens the tags of
 * unknown fields: a long one is NOT_MINIMAL there too. */
int64_t pc_scan_go(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault);

/* The same of Tars records, the encoding of FISCO BCOS 3.x: a record is the fields of a struct without head and end. Kinds:
 * BYTES (vector<byte>), STRING (any bytes), MESSAGE, BOOL (byte), INT32, UINT32, UINT64 (long); repeated ones are vectors.
 * A number in more bytes than it needs or a short string with a long length is NOT_MINIMAL; DEFAULT: a zero, nothing or an
 * empty vector that an optional field need not write. Under TWICE and UNORDERED cells are not to be used: decoders of the
 * chain read fields in order and miss what is behind. A field of another type than its kind writes is a fault. PC_ERR_ARGUMENT
 * also for plans with TAGGED or SINGLY fields, oneofs, and numbers above 255. */
int64_t pc_scan_tars(const pc_scan_plan *plan, const pc_spans *records, pc_scan_table *tables, pc_scan_fault *fault);

/* Pieces one after another: message i is piece rows[i], or with rows NULL piece i. offsets: n + 1; out NULL: offsets only.
 * Returns the bytes of all, or PC_ERR_ARGUMENT. */
int64_t pc_spans_gather(const pc_spans *pieces, const uint32_t *rows, size_t n, uint8_t *out, int64_t *offsets);

/* The pieces one after another as the next bytes of a stream, without a copy of them. PC_OK or PC_ERR_ARGUMENT; the stream is
 * of no use after the latter. */
int pc_spans_absorb(const pc_spans *pieces, pc_hash_stream *stream);

/* Records without one field each, as a writer puts them: cells are rows of a table (of `width` cells) without flags but
 * PC_SCAN_KEPT. The field (PC_SCAN_TAGGED) of kind number has its three cells from `field` on; around it are `depth`
 * messages, whose first cells are `around`, outermost first. A record without the field is copied. out: as many bytes as
 * all records have. Returns the bytes written, or PC_ERR_ARGUMENT. */
int64_t pc_spans_cut(const uint8_t *data, size_t size, const int64_t *cells, size_t width, size_t n, const uint32_t *around,
                     uint32_t depth, uint32_t field, uint8_t *out, int64_t *offsets);

/* Which pieces are equal: groups[i] is the group of piece i, numbered as they first appear, and firsts[g] the first piece
 * of group g. slots: a power of two of them, at least 1.5 n. key: random bytes, so that nobody can choose pieces that fall
 * into one slot (16 for SipHash-1-3, and 256 for NH, which shortens pieces of 256 bytes and more). Returns the number of
 * groups, or PC_ERR_ARGUMENT. */
int64_t pc_spans_group(const pc_spans *pieces, const uint8_t key[272], uint32_t *slots, size_t n_slots, uint32_t *groups,
                       uint32_t *firsts);

/* marks[i] = whether piece i has one of the bytes in `set` (bit b of word w: byte 64 w + b). Returns how many, or
 * PC_ERR_ARGUMENT. */
int64_t pc_spans_having(const pc_spans *pieces, const uint64_t set[4], uint8_t *marks);
/* marks[i] = whether piece i of one equals piece i of the other. other: as many pieces, or one that all are compared with. */
int64_t pc_spans_equal(const pc_spans *pieces, const pc_spans *other, uint8_t *marks);

/* ---- wire: RLP -----------------------------------------------------------------------------------------------------------
 * Ethereum's encoding of strings and lists of them (Yellow Paper, appendix B), one level a call: a piece is the content of
 * a list, and each item in it becomes a row of five cells. A record is a piece of one item. Only the shortest encoding is
 * read; nothing is copied. */
enum {
    PC_RLP_PARENT = 0, /* number of the piece */
    PC_RLP_START = 1,  /* of the content */
    PC_RLP_END = 2,
    PC_RLP_ITEM = 3, /* where the item begins, with its header */
    PC_RLP_LIST = 4, /* 1: a list, whose content is items; 0: a string */
    PC_RLP_CELLS = 5
};
/* Faults of a piece. */
enum {
    PC_RLP_SOUND = 0,
    PC_RLP_TRUNCATED = 1,
    PC_RLP_NOT_SHORTEST = 2, /* a length in more bytes than it needs, or a byte below 0x80 with a header */
    PC_RLP_TOO_MANY = 3      /* more items than `most` */
};

/* The items of n pieces. cells: capacity rows; rows beyond are counted, not written. firsts: n + 1, the rows of piece i are
 * firsts[i] up to firsts[i + 1]; a piece with a fault has none. faults: n. Returns the rows, or PC_ERR_ARGUMENT: a span
 * that leaves the data. */
int64_t pc_rlp_items(const pc_spans *pieces, size_t most, int64_t *cells, size_t capacity, int64_t *firsts, uint8_t *faults);
/* Message i is heads[i], and a list of the items in pieces[i] and tails[i], which are not looked into. heads, tails: as many
 * as pieces, or one that all have. offsets: n + 1; out NULL: offsets only. Returns the bytes of all, or PC_ERR_ARGUMENT. */
int64_t pc_rlp_lists(const pc_spans *heads, const pc_spans *pieces, const pc_spans *tails, uint8_t *out, int64_t *offsets);

/* marks[i] = whether piece i is literal 0, a decimal number, literal 1 ... the last literal; literal k ends at literals[ends[k]].
 * out: the numbers of each piece in `width` bytes, at most 64, big endian; zero where marks[i] is 0. A number has no leading
 * zeros and fits. Returns how many are marked, or PC_ERR_ARGUMENT. */
int64_t pc_spans_decimals(const pc_spans *pieces, const uint8_t *literals, const uint32_t *ends, uint32_t numbers,
                          uint32_t width, uint8_t *out, uint8_t *marks);
/* Numbers of `width` bytes (1 to 64), big endian, in base 58: row i of out, of `room` bytes, at least 1.37 * width, ends with the
 * text, which begins at starts[i]; leading zero bytes give no digits. Returns n, or PC_ERR_ARGUMENT. */
int64_t pc_base58(const uint8_t *numbers, size_t n, uint32_t width, const uint8_t digits[58], uint32_t room, uint8_t *out,
                  int64_t *starts);

/* ---- wire: records written ----------------------------------------------------------------------------------------------
 * The way back: what is hashed or signed is often not what was sent, but its parts in another order or notation. A table
 * of records has parts, which are columns: in record i a part is text, the bytes data[a .. b) in some notation or the
 * number a, with a and b from row i; or the records of another table that belong to record i. Nothing is allocated; the
 * first call says how many bytes each record takes, the second one writes them. How often parts name the same bytes is
 * the caller's to bound. */
enum {
    PC_WRITE_LITERAL = 0, /* text as it is */
    PC_WRITE_BYTES = 1,   /* data as they are */
    PC_WRITE_BE32 = 2,    /* the low 32 bits of a, big endian */
    PC_WRITE_BE64 = 3,
    PC_WRITE_LE32 = 4,
    PC_WRITE_LE64 = 5,
    PC_WRITE_DECIMAL = 6,      /* a in ASCII, signed */
    PC_WRITE_VARINT = 7,       /* the 64 bits of a, as protobuf and LEB128 have them */
    PC_WRITE_BE64_SIZED = 8,   /* the length of data in 8 bytes, big endian, and data */
    PC_WRITE_VARINT_SIZED = 9, /* the length of data as a varint, and data */
    PC_WRITE_HEX = 10,         /* lower case */
    PC_WRITE_BASE64 = 11,      /* RFC 4648, section 4, padded */
    PC_WRITE_JSON_BASE64 = 12, /* the same in quotes */
    PC_WRITE_JSON = 13, /* a JSON string as Go's encoding/json writes it: \" \\ \n \r \t; as \u00xx what else is below 0x20,
                                 and < > &; \u2028 \u2029; \ufffd for each byte that belongs to no character (RFC 3629) */
    PC_WRITE_JSON_BF = 14, /* the same, with \b and \f, as Go 1.22 and later have it */
    PC_WRITE_SPLIT = 15,   /* nothing: a record of table 0 goes on as another piece of the output */
    PC_WRITE_ROWS = 16,
    PC_WRITE_BE64_ROWS = 17, /* the number of rows in 8 bytes, big endian, and the rows */
    PC_WRITE_KINDS = 18
};
enum { PC_WRITE_TABLES = 64, PC_WRITE_PARTS = 256 };
typedef struct pc_write_part {
    uint32_t kind, table; /* PC_WRITE_*; of rows their table */
    const int64_t *a, *b; /* of record i a[i * stride] and b[i * stride]; of rows a[k * stride] is the record of row k */
    size_t stride;
    const uint8_t *where; /* a byte for each record, 0 where it lacks this part; NULL: no one does. Not of splits and rows */
    const uint8_t *text;
    size_t size; /* of text */
} pc_write_part;
typedef struct pc_write_table {
    const pc_write_part *parts;
    size_t count, n; /* parts, records */
} pc_write_table;
typedef struct pc_writing {
    const pc_write_table *tables; /* the records', and those within: each is named by one part of a table before it */
    size_t count;
    const uint8_t *data;
    size_t size;
} pc_writing;

/* Records first .. first + n of table 0, each of k + 1 pieces when that table has k splits: sizes[i] = bytes of piece i.
 * Returns the bytes of all, or PC_ERR_ARGUMENT: tables that are no tree, or a part that leaves its bytes. */
int64_t pc_write_sizes(const pc_writing *writing, size_t first, size_t n, int64_t *sizes);
/* Writes piece i to out[offsets[i] .. offsets[i + 1]), which it must fill. Returns the bytes written, or PC_ERR_ARGUMENT. */
int64_t pc_write_records(const pc_writing *writing, size_t first, size_t n, const int64_t *offsets, uint8_t *out,
                         size_t out_size);

/* ---- wire: Fabric-X's verifier -------------------------------------------------------------------------------------------
 * Messages of servicepb.Verifier (hyperledger/fabric-x-committer, api/servicepb/verifier.proto) to rows of int64 cells, the bytes that
 * their transactions sign, and the answers. Read as Go's protobuf reads them: messages that come twice are merged, and numbers, tags
 * and lengths may take ten bytes. */
enum { PC_FX_REQUESTS = 0, PC_FX_NAMESPACES, PC_FX_METADATA, PC_FX_LISTS, PC_FX_ENDORSEMENTS, PC_FX_UPDATES, PC_FX_TABLES };
/* A request (TxWithRef); spans are start and end, ranges first row and count. */
enum {
    PC_FX_RE_PARTS = 0, /* 1: it has a ref, 2: it has a content */
    PC_FX_RE_BLOCK = 1,
    PC_FX_RE_NUMBER = 2,
    PC_FX_RE_ID = 3,         /* span */
    PC_FX_RE_NAMESPACES = 5, /* range */
    PC_FX_RE_LISTS = 7,      /* range */
    PC_FX_RE_METADATA = 9,   /* range */
    PC_FX_REQUEST_CELLS = 11
};
enum {
    PC_FX_NS_REQUEST = 0,
    PC_FX_NS_INDEX = 1, /* among those of its request */
    PC_FX_NS_START = 2,
    PC_FX_NS_END = 3,
    PC_FX_NS_ID = 4, /* span */
    PC_FX_NS_VERSION = 6,
    PC_FX_NAMESPACE_CELLS = 7
};
enum { PC_FX_METADATA_CELLS = 2, PC_FX_UPDATE_CELLS = 2 }; /* spans */
enum { PC_FX_LI_REQUEST = 0, PC_FX_LI_FIRST = 1, PC_FX_LI_COUNT = 2, PC_FX_LIST_CELLS = 3 };
enum {
    PC_FX_EN_LIST = 0,
    PC_FX_EN_SIGNATURE = 1,  /* span */
    PC_FX_EN_IDENTITIES = 3, /* how many identity messages: none, one, or more that have to be merged */
    PC_FX_EN_IDENTITY = 4,   /* span of the one; of the whole endorsement where there are more */
    PC_FX_ENDORSEMENT_CELLS = 6
};
enum { PC_FX_CELLS = 11 }; /* of the widest row */
enum { PC_FX_DONE = 0, PC_FX_FULL = 1, PC_FX_MALFORMED = 2 };
/* Reads one VerifierBatch from *at on, which moves behind what was read; rows are appended to those that the tables have. keep:
 * PC_FX_COUNT writes no rows, PC_FX_KEEP_UPDATES passes requests by. PC_FX_FULL: the next request does not fit, and has left no rows.
 * PC_FX_MALFORMED: the bytes are no message. */
enum { PC_FX_COUNT = 0, PC_FX_KEEP = 1, PC_FX_KEEP_UPDATES = 2 };
int pc_fabricx_scan(const uint8_t *data, size_t size, size_t *at, int keep, pc_scan_table *tables);

typedef struct pc_fabricx_rows {
    const int64_t *requests, *namespaces, *metadata; /* rows of the tables */
    size_t n_requests, n_namespaces, n_metadata;
} pc_fabricx_rows;
/* The DER that is signed for namespaces chosen[0] .. chosen[n - 1] (fabric-x-common, api/applicationpb/asn1.go), one after another in
 * `out`; offsets: n + 1. out NULL: offsets only. Returns how many were written, n unless there was no room; or PC_ERR_ARGUMENT. */
int64_t pc_fabricx_signed(const uint8_t *data, size_t size, const pc_fabricx_rows *rows, const uint32_t *chosen, size_t n,
                          uint8_t *out, size_t room, int64_t *offsets);

/* The fields `status` of a TxStatusBatch for n rows of requests; any run of them is such a message. offsets: n + 1; out NULL: offsets
 * only. Returns the bytes of all, or PC_ERR_ARGUMENT. */
int64_t pc_fabricx_answers(const uint8_t *data, size_t size, const int64_t *requests, const uint8_t *status, size_t n,
                           uint8_t *out, int64_t *offsets);

/* ---- wire: CometBFT's commits --------------------------------------------------------------------------------------------
 * Signed headers (types.proto, SignedHeader) to rows of int64 cells. Read are those that are written as CometBFT's software does and
 * keep its rules for a header and a commit by themselves; of others the row says that they are not usual, and no more. Hashes have
 * 32 bytes, addresses 20, signatures 64, the application's hash at most 128: others are not usual. */
enum { PC_CM_LEAVES = 14, PC_CM_MESSAGE = 192 }; /* leaves of a header's hash; bytes that a signed message takes at most */
enum {
    PC_CM_USUAL = 0,
    PC_CM_HEIGHT = 1, /* of the header */
    PC_CM_COMMIT_HEIGHT = 2,
    PC_CM_ROUND = 3,
    PC_CM_SLOTS = 4,
    PC_CM_FIRST = 5,    /* its first vote */
    PC_CM_BLOCK_ID = 6, /* span, of the commit's */
    PC_CM_CLAIMED = 8,  /* where the 32 bytes of the block's hash begin in it */
    PC_CM_FIELDS = 9,   /* spans of the header's fields: their contents, of the height the field itself */
    PC_CM_CELLS = 37
};
/* A vote: a slot that is not absent. */
enum {
    PC_CV_RECORD = 0,
    PC_CV_SLOT = 1,
    PC_CV_FLAG = 2,      /* 2: for the block, 3: nil */
    PC_CV_ADDRESS = 3,   /* where it begins */
    PC_CV_SIGNATURE = 4, /* where it begins */
    PC_CV_TIME = 5,      /* span */
    PC_CV_CELLS = 7
};
typedef struct pc_cometbft_rows {
    const uint8_t *data;
    size_t size;
    const int64_t *commits, *votes;
    size_t n_commits, n_votes;
} pc_cometbft_rows;

/* rows: a row for each record; votes: `capacity` rows, of which a record of k bytes takes k / 94 at most. Returns the votes of all
 * usual records, or PC_ERR_ARGUMENT: also where the votes do not fit. */
int64_t pc_cometbft_commits(const pc_spans *records, int64_t *rows, int64_t *votes, size_t capacity);
/* Hashes of n usual headers, 32 bytes each: Merkle roots of their fields (types/block.go, Header.Hash). sha256: its place among
 * the hashes. Returns 0, or PC_ERR_*. */
int pc_cometbft_hashes(int backend, int sha256, const uint8_t *data, size_t size, const int64_t *rows, size_t n,
                       uint8_t *hashes);
/* Signatures and signed messages of votes chosen[0] .. chosen[n - 1]. signatures: 64 n; messages: PC_CM_MESSAGE n, written one after
 * another; offsets: n + 1. Returns the bytes of all messages, or PC_ERR_ARGUMENT. */
int64_t pc_cometbft_signed(const pc_cometbft_rows *rows, const int64_t *chosen, size_t n, uint8_t *signatures,
                           uint8_t *messages, int64_t *offsets);
/* Which votes are looked at when the commits are those of one set of n validators, in its order, and what is known of each. nil: those
 * for no block as well; brief: up to the one with which the power comes to `needed`. Of commits with another number of slots none is. */
typedef struct pc_cometbft_choice {
    const int64_t *powers;
    const uint8_t *addresses; /* 20 n */
    size_t n;
    int64_t needed;
    int nil, brief;
} pc_cometbft_choice;
typedef struct pc_commit_vote {
    int32_t slot, voter;            /* voter: position in the set */
    uint8_t kind, code, fits, none; /* kind: 1 for the block, 2 nil; code: 0; fits: has the address of its slot; none: 0 */
} pc_commit_vote;
/* chosen, votes: as many rows as there are votes. starts: n_commits + 1. Returns how many are chosen, or PC_ERR_ARGUMENT. */
int64_t pc_cometbft_choose(const pc_cometbft_rows *rows, const pc_cometbft_choice *how, int64_t *starts, int64_t *chosen,
                           pc_commit_vote *votes);
/* Addresses of all votes, 20 bytes each. Returns how many, or PC_ERR_ARGUMENT. */
int64_t pc_cometbft_addresses(const pc_cometbft_rows *rows, uint8_t *addresses);
/* ---- commitment proofs (ICS-23) ------------------------------------------------------------------------------------------
 * What a tree's proofs must look like. Operations by their numbers in the messages, below 128; hashes as in pc_hash_at. */
enum {
    PC_ICS23_NO_PREFIX = 0,
    PC_ICS23_VAR_PROTO = 1,
    PC_ICS23_FIXED32_BIG = 3,
    PC_ICS23_FIXED32_LITTLE = 4,
    PC_ICS23_FIXED64_BIG = 5,
    PC_ICS23_FIXED64_LITTLE = 6,
    PC_ICS23_REQUIRE_32 = 7,
    PC_ICS23_REQUIRE_64 = 8
};
enum {
    PC_ICS23_IAVL = 1,   /* prefixes are those of IAVL */
    PC_ICS23_SIMPLE = 2, /* with STRICT: prefixes are those of the simple tree */
    PC_ICS23_STRICT = 4
};
typedef struct pc_ics23_spec {
    uint32_t leaf_op, key_op, value_op, length_op, inner_op;
    int leaf_hash, key_hash, value_hash, inner_hash; /* key, value: -1 for none */
    uint32_t min_prefix, max_prefix, child_size;     /* before the first child; of a child */
    uint32_t left_bytes;                             /* of all children of a node but one */
    uint32_t min_depth, max_depth, flags;
    const uint8_t *leaf_prefix; /* may be NULL with length 0 */
    size_t leaf_prefix_len;
    const uint32_t *places; /* of the children among the hashed bytes; here and below for pc_ics23_adjacent alone */
    size_t children;
    const uint8_t *empty_child;
    size_t empty_len;
} pc_ics23_spec;
/* A proof as it was read: places in the data. to: the node that took its leaf. */
typedef struct pc_ics23_item {
    int64_t key, value, leaf_prefix;
    uint32_t key_len, value_len, leaf_prefix_len, steps, bottom, to;
} pc_ics23_item;
/* A step, shared by the proofs that have it and the same steps above it. step: where it begins; prefix and suffix from there on;
 * level: steps above it; reach: how long a path through it may be; input: the digest that it takes; to: the node that took its own. */
typedef struct pc_ics23_node {
    int64_t step;
    uint32_t parent, child[2], input, to, next;
    uint16_t step_len, prefix, prefix_len, suffix, suffix_len, level, reach;
    uint8_t good;
} pc_ics23_node;
/* n proofs of existence, proof i under root groups[i]. proofs: ExistenceProof messages, or with `wrapped` CommitmentProof messages that
 * hold one. keys and values: what they must prove, or NULL. verdicts: VALID, MALFORMED_PROOF (not of the spec's form), BAD_PROOF (another
 * key, value or root), or UNCHECKED: bytes that a protobuf writer does not put, more than 1,024 steps, a step of more than 2 KiB, a leaf
 * of more than 16 KiB. Memory: n items, `room` nodes (at least n_roots), n + room digests, each as long as the longer of the leaves' and
 * the nodes'. Returns 0, the room that would have been enough, or PC_ERR_ARGUMENT, PC_ERR_BACKEND. */
int64_t pc_ics23_exist(int backend, const pc_ics23_spec *spec, const pc_spans *proofs, int wrapped, const pc_column *roots,
                       size_t n_roots, const uint32_t *groups, const pc_column *keys, const pc_column *values,
                       pc_ics23_item *items, pc_ics23_node *nodes, size_t room, uint8_t *digests, uint8_t *verdicts);

/* Whether no leaf stands between proofs 2 i and 2 i + 1, i < n, of which present[] says whether they are there: VALID ones of one call of
 * pc_ics23_exist with the same spec, proofs, items and nodes. An absent left (right) one stands for the tree's left (right) end. */
int pc_ics23_adjacent(const pc_ics23_spec *spec, const pc_spans *proofs, const pc_ics23_item *items,
                      const pc_ics23_node *nodes, const uint8_t *present, size_t n, uint8_t *marks);

/* ---- the same-host lane (docs/design/0023-same-host-lane.md) -----------------------------------------------------------------
 * Fields first to first + n - 1 of a request, n < 32, each a Column (column.proto): cells has PC_CUT_CELLS values for each, spans
 * of the request and the width, zeros for what is absent. rest: the other fields as they are, `room` bytes at most. Returns the bytes of
 * the rest; or PC_ERR_ARGUMENT where a column is missing, comes twice or has rows, or anything is written otherwise than protobuf
 * writes it: what that means is left to protobuf. */
enum { PC_CUT_DATA = 0, PC_CUT_OFFSETS = 2, PC_CUT_WIDTH = 4, PC_CUT_CELLS = 5 };
int64_t pc_columns_cut(const uint8_t *raw, size_t size, uint32_t first, uint32_t n, int64_t *cells, uint8_t *rest,
                       size_t room);

/* Sends a packet to a socket, where n is not 0, and takes one from it. It sleeps, asks again and again for spin_ns from sleep_ns
 * after the begin on, and sleeps; where spin_ns is 0 it only sleeps. limit_ns: -1 for none. got: the descriptor that came along, or -1;
 * whether more came than a packet and one descriptor. Returns the bytes, 0 where the peer has gone, or -errno: -ETIMEDOUT at the
 * limit. Linux; elsewhere PC_ERR_BACKEND. */
int64_t pc_lane_exchange(int fd, const uint8_t *packet, size_t n, int64_t sleep_ns, int64_t spin_ns, int64_t limit_ns,
                         uint8_t *answer, size_t room, int *got);

/* ---- test data -----------------------------------------------------------------------------------------------------------
 * Deterministic keys and signatures for tests, benchmarks and generated ledgers. NOT constant time, NOT for real keys.
 * secrets: n rows of 32 bytes (Ed25519: the seed; else a big-endian integer, reduced into [1, n - 1]).
 * public_keys: n rows of 32 (Ed25519, BIP-340) or 65 bytes (0x04 || x || y), contiguous. signatures: n * 64, compact. */
int pc_testing_public_keys(int scheme, const pc_column *secrets, size_t n, uint8_t *public_keys);
int pc_testing_sign(const pc_verify_params *params, const pc_column *secrets, const pc_column *messages, size_t n,
                    uint8_t *signatures);

/* ---- probes: one field operation over arrays, for tests and benchmarks -----------------------------------------------------
 * Elements are 32-byte little-endian integers below 2^256, results canonical. field: see pc_field_at. op: 0 mul, 1 sqr, 2 add,
 * 3 sub, 4 neg, 5 inverse (0 -> 0), 6 square root (any element when there is none), 7 template mul, 8 template sqr.
 * Runs the whole array `repeat` times (r feeds back as a). */
const char *pc_field_at(int position);
int pc_field_probe(int backend, int field, int op, const uint8_t *a, const uint8_t *b, size_t n, size_t repeat, uint8_t *r);

#ifdef __cplusplus
}
#endif
#endif
