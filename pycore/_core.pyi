"""``csrc/pycore.h`` as cffi gives it. Pointers and structs are ``Any``; tests/c/test_stub.py keeps this file true."""

from typing import Any, Final

ffi: Any

class _Lib:
    PC_OK: Final[int]
    PC_ERR_ARGUMENT: Final[int]
    PC_ERR_BACKEND: Final[int]
    PC_ERR_SCRATCH: Final[int]
    PC_ERR_SELFTEST: Final[int]
    PC_SCHEME_DER: Final[int]
    PC_SCHEME_HASH: Final[int]
    PC_SCHEME_PREHASHED: Final[int]
    PC_SCHEME_RECOVERABLE: Final[int]
    PC_KEY_COMPRESSED: Final[int]
    PC_KEY_UNCOMPRESSED: Final[int]
    PC_KEY_SEC1: Final[int]
    PC_KEY_XY: Final[int]
    PC_KEY_X_ONLY: Final[int]
    PC_KEY_EDWARDS: Final[int]
    PC_RULE_CANONICAL_A: Final[int]
    PC_RULE_CANONICAL_R: Final[int]
    PC_RULE_NO_SMALL_A: Final[int]
    PC_RULE_NO_SMALL_R: Final[int]
    PC_RULE_COFACTORED: Final[int]
    PC_RULE_LOW_S: Final[int]
    PC_RULE_FABRICX: Final[int]
    PC_AUTO: Final[int]
    PC_NO_SLOT: Final[int]
    PC_WANTED: Final[int]
    PC_FEW: Final[int]
    PC_FEW_BYTES: Final[int]
    PC_PART: Final[int]
    PC_WHY_FORCED: Final[int]
    PC_WHY_MEASURED: Final[int]
    PC_WHY_ORDER: Final[int]
    PC_WHY_RULE: Final[int]
    PC_WHY_SET: Final[int]
    PC_NEVER: Final[int]
    PC_ODD_PROMOTE: Final[int]
    PC_ODD_DUPLICATE: Final[int]
    PC_ODD_PAD: Final[int]
    PC_LEAVES: Final[int]
    PC_PLAN_CLASH: Final[int]
    PC_ENCODING_COMPACT: Final[int]
    PC_ENCODING_DER: Final[int]
    PC_DER_STRICT: Final[int]
    PC_DER_TRAILING: Final[int]
    PC_DER_GO: Final[int]
    PC_MESSAGE_HASH: Final[int]
    PC_MESSAGE_PREHASHED: Final[int]
    PC_SCAN_BYTES: Final[int]
    PC_SCAN_STRING: Final[int]
    PC_SCAN_MESSAGE: Final[int]
    PC_SCAN_UINT64: Final[int]
    PC_SCAN_UINT32: Final[int]
    PC_SCAN_INT32: Final[int]
    PC_SCAN_BOOL: Final[int]
    PC_SCAN_SINT32: Final[int]
    PC_SCAN_SINT64: Final[int]
    PC_SCAN_FIXED32: Final[int]
    PC_SCAN_FIXED64: Final[int]
    PC_SCAN_REPEATED: Final[int]
    PC_SCAN_PRESENCE: Final[int]
    PC_SCAN_TAGGED: Final[int]
    PC_SCAN_SINGLY: Final[int]
    PC_SCAN_UNORDERED: Final[int]
    PC_SCAN_NOT_MINIMAL: Final[int]
    PC_SCAN_DEFAULT: Final[int]
    PC_SCAN_TWICE: Final[int]
    PC_SCAN_PACKING: Final[int]
    PC_SCAN_TOO_WIDE: Final[int]
    PC_SCAN_TWO_OF_ONE: Final[int]
    PC_SCAN_UNKNOWN: Final[int]
    PC_SCAN_WIRE_TYPE: Final[int]
    PC_SCAN_IN_GROUP: Final[int]
    PC_SCAN_OVERFLOW: Final[int]
    PC_SCAN_KEPT: Final[int]
    PC_SCAN_SOUND: Final[int]
    PC_SCAN_TRUNCATED: Final[int]
    PC_SCAN_LONG_NUMBER: Final[int]
    PC_SCAN_BAD_TAG: Final[int]
    PC_SCAN_BAD_GROUP: Final[int]
    PC_SCAN_NOT_UTF8: Final[int]
    PC_CM_LEAVES: Final[int]
    PC_CM_MESSAGE: Final[int]
    PC_CM_USUAL: Final[int]
    PC_CM_HEIGHT: Final[int]
    PC_CM_COMMIT_HEIGHT: Final[int]
    PC_CM_ROUND: Final[int]
    PC_CM_SLOTS: Final[int]
    PC_CM_FIRST: Final[int]
    PC_CM_BLOCK_ID: Final[int]
    PC_CM_CLAIMED: Final[int]
    PC_CM_FIELDS: Final[int]
    PC_CM_CELLS: Final[int]
    PC_CV_RECORD: Final[int]
    PC_CV_SLOT: Final[int]
    PC_CV_FLAG: Final[int]
    PC_CV_ADDRESS: Final[int]
    PC_CV_SIGNATURE: Final[int]
    PC_CV_TIME: Final[int]
    PC_CV_CELLS: Final[int]
    PC_FX_REQUESTS: Final[int]
    PC_FX_NAMESPACES: Final[int]
    PC_FX_METADATA: Final[int]
    PC_FX_LISTS: Final[int]
    PC_FX_ENDORSEMENTS: Final[int]
    PC_FX_UPDATES: Final[int]
    PC_FX_TABLES: Final[int]
    PC_FX_RE_PARTS: Final[int]
    PC_FX_RE_BLOCK: Final[int]
    PC_FX_RE_NUMBER: Final[int]
    PC_FX_RE_ID: Final[int]
    PC_FX_RE_NAMESPACES: Final[int]
    PC_FX_RE_LISTS: Final[int]
    PC_FX_RE_METADATA: Final[int]
    PC_FX_REQUEST_CELLS: Final[int]
    PC_FX_NS_REQUEST: Final[int]
    PC_FX_NS_INDEX: Final[int]
    PC_FX_NS_START: Final[int]
    PC_FX_NS_END: Final[int]
    PC_FX_NS_ID: Final[int]
    PC_FX_NS_VERSION: Final[int]
    PC_FX_NAMESPACE_CELLS: Final[int]
    PC_FX_METADATA_CELLS: Final[int]
    PC_FX_UPDATE_CELLS: Final[int]
    PC_FX_LI_REQUEST: Final[int]
    PC_FX_LI_FIRST: Final[int]
    PC_FX_LI_COUNT: Final[int]
    PC_FX_LIST_CELLS: Final[int]
    PC_FX_EN_LIST: Final[int]
    PC_FX_EN_SIGNATURE: Final[int]
    PC_FX_EN_IDENTITIES: Final[int]
    PC_FX_EN_IDENTITY: Final[int]
    PC_FX_ENDORSEMENT_CELLS: Final[int]
    PC_FX_CELLS: Final[int]
    PC_FX_DONE: Final[int]
    PC_FX_FULL: Final[int]
    PC_FX_MALFORMED: Final[int]
    PC_FX_COUNT: Final[int]
    PC_FX_KEEP: Final[int]
    PC_FX_KEEP_UPDATES: Final[int]
    PC_ROW_PARENT: Final[int]
    PC_ROW_VALUE: Final[int]
    PC_ROW_START: Final[int]
    PC_ROW_END: Final[int]
    PC_ROW_NUMBER: Final[int]
    PC_ROW_FLAGS: Final[int]
    PC_ROW_FAULT: Final[int]
    PC_ROW_CELLS: Final[int]
    PC_RLP_PARENT: Final[int]
    PC_RLP_START: Final[int]
    PC_RLP_END: Final[int]
    PC_RLP_ITEM: Final[int]
    PC_RLP_LIST: Final[int]
    PC_RLP_CELLS: Final[int]
    PC_RLP_SOUND: Final[int]
    PC_RLP_TRUNCATED: Final[int]
    PC_RLP_NOT_SHORTEST: Final[int]
    PC_RLP_TOO_MANY: Final[int]
    PC_SCAN_FIELDS: Final[int]
    PC_SCAN_MESSAGES: Final[int]
    PC_SCAN_TABLES: Final[int]
    PC_SCAN_CELLS: Final[int]
    PC_SCAN_DEPTH: Final[int]
    PC_WRITE_LITERAL: Final[int]
    PC_WRITE_BYTES: Final[int]
    PC_WRITE_BE32: Final[int]
    PC_WRITE_BE64: Final[int]
    PC_WRITE_LE32: Final[int]
    PC_WRITE_LE64: Final[int]
    PC_WRITE_DECIMAL: Final[int]
    PC_WRITE_VARINT: Final[int]
    PC_WRITE_BE64_SIZED: Final[int]
    PC_WRITE_VARINT_SIZED: Final[int]
    PC_WRITE_HEX: Final[int]
    PC_WRITE_BASE64: Final[int]
    PC_WRITE_JSON_BASE64: Final[int]
    PC_WRITE_JSON: Final[int]
    PC_WRITE_JSON_BF: Final[int]
    PC_WRITE_SPLIT: Final[int]
    PC_WRITE_ROWS: Final[int]
    PC_WRITE_BE64_ROWS: Final[int]
    PC_WRITE_KINDS: Final[int]
    PC_WRITE_TABLES: Final[int]
    PC_WRITE_PARTS: Final[int]
    PC_ICS23_NO_PREFIX: Final[int]
    PC_ICS23_VAR_PROTO: Final[int]
    PC_ICS23_FIXED32_BIG: Final[int]
    PC_ICS23_FIXED32_LITTLE: Final[int]
    PC_ICS23_FIXED64_BIG: Final[int]
    PC_ICS23_FIXED64_LITTLE: Final[int]
    PC_ICS23_REQUIRE_32: Final[int]
    PC_ICS23_REQUIRE_64: Final[int]
    PC_ICS23_IAVL: Final[int]
    PC_ICS23_SIMPLE: Final[int]
    PC_ICS23_STRICT: Final[int]
    PC_CUT_DATA: Final[int]
    PC_CUT_OFFSETS: Final[int]
    PC_CUT_WIDTH: Final[int]
    PC_CUT_CELLS: Final[int]
    def pc_hash_at(self, position: int, /) -> Any: ...
    def pc_scheme_at(self, position: int, /) -> Any: ...
    def pc_rules_at(self, position: int, /) -> Any: ...
    def pc_status_at(self, position: int, /) -> Any: ...
    def pc_version(self) -> Any: ...
    def pc_compiler(self) -> Any: ...
    def pc_init(self) -> int: ...
    def pc_forced_backend(self) -> Any: ...
    def pc_device_name(self) -> Any: ...
    def pc_backend_at(self, position: int, row: Any, /) -> int: ...
    def pc_backend_pick(self, kind: int, id: int, n: int, /) -> int: ...
    def pc_backend_why(self, kind: int, id: int, n: int, /) -> int: ...
    def pc_choice_at(self, position: int, choice: Any, /) -> int: ...
    def pc_choice_set(self, name: Any, algorithm: Any, value: int, /) -> int: ...
    def pc_cpu_feature_at(self, position: int, present: Any, /) -> Any: ...
    def pc_hash_batch(
        self, backend: int, hash: int, prefix: Any, prefix_len: int, messages: Any, n: int, digests: Any, /
    ) -> int: ...
    def pc_hash_rows(self, backend: int, hash: int, rows: Any, width: int, n: int, digests: Any, /) -> int: ...
    def pc_hash_stream_size(self, backend: int, hash: int, /) -> int: ...
    def pc_hash_stream_open(self, backend: int, hash: int, stream: Any, /) -> int: ...
    def pc_hash_stream_update(self, stream: Any, data: Any, len: int, /) -> int: ...
    def pc_hash_stream_digest(self, stream: Any, digest: Any, /) -> int: ...
    def pc_merkle_level(
        self,
        backend: int,
        hash: int,
        odd: int,
        prefix: Any,
        prefix_len: int,
        children: Any,
        count: int,
        parents: Any,
        /,
    ) -> int: ...
    def pc_verify_inclusion(
        self,
        backend: int,
        tree: Any,
        roots: Any,
        nodes: Any,
        proofs: Any,
        index: Any,
        leaf_count: Any,
        n: int,
        verdicts: Any,
        /,
    ) -> int: ...
    def pc_merkle_grow(
        self, backend: int, tree: Any, frontier: Any, level: int, rows: Any, width: int, n: int, watch: Any, /
    ) -> int: ...
    def pc_merkle_edge(self, backend: int, tree: Any, frontier: Any, edge: Any, root: Any, /) -> int: ...
    def pc_merkle_multiproof(
        self, backend: int, tree: Any, plan: Any, slots: Any, n_slots: int, equal: Any, /
    ) -> int: ...
    def pc_plan_room(self, tree: Any, indices: Any, n: int, leaf_count: int, /) -> int: ...
    def pc_plan_multiproof(self, tree: Any, indices: Any, n: int, leaf_count: int, plan: Any, /) -> int: ...
    def pc_plan_ssz(self, indices: Any, order: Any, n: int, plan: Any, /) -> int: ...
    def pc_merkle_proofs(
        self, tree: Any, nodes: Any, n_nodes: int, leaf_count: int, indices: Any, n: int, offsets: Any, data: Any, /
    ) -> int: ...
    def pc_keyset_table_size(self, backend: int, scheme: int, window: int, /) -> int: ...
    def pc_keyset_size(self, backend: int, scheme: int, n_keys: int, window: int, /) -> int: ...
    def pc_keyset_window(self, backend: int, scheme: int, n_keys: int, memory_limit: int, /) -> int: ...
    def pc_keyset_build(
        self, backend: int, scheme: int, keys: Any, n_keys: int, window: int, set: Any, verdicts: Any, /
    ) -> int: ...
    def pc_keyset_open(self, backend: int, scheme: int, n_slots: int, window: int, set: Any, /) -> int: ...
    def pc_key_cache_size(self, backend: int, scheme: int, n_slots: int, /) -> int: ...
    def pc_key_cache_open(
        self,
        backend: int,
        scheme: int,
        n_slots: int,
        window: int,
        often: int,
        seed: int,
        cache: Any,
        cache_len: int,
        /,
    ) -> int: ...
    def pc_key_cache_put(self, cache: Any, slots: Any, keys: Any, n: int, tables: Any, verdicts: Any, /) -> int: ...
    def pc_key_cache_drop(self, cache: Any, slot: int, /) -> int: ...
    def pc_key_cache_find(self, cache: Any, keys: Any, n: int, count: int, slots: Any, found: Any, /) -> int: ...
    def pc_key_cache_oldest(self, cache: Any, slot: Any, idle: Any, /) -> int: ...
    def pc_key_cache_keys(self, cache: Any, /) -> Any: ...
    def pc_keyset_put(self, set: Any, slots: Any, keys: Any, n: int, tables: Any, verdicts: Any, /) -> int: ...
    def pc_verify_scratch_size(self, backend: int, params: Any, /) -> int: ...
    def pc_verify_few(
        self,
        cache: Any,
        params: Any,
        rows: Any,
        lengths: Any,
        n: int,
        scratch: Any,
        scratch_len: int,
        verdicts: Any,
        /,
    ) -> int: ...
    def pc_verify_batch(
        self,
        backend: int,
        params: Any,
        keys: Any,
        signatures: Any,
        messages: Any,
        n: int,
        scratch: Any,
        scratch_len: int,
        verdicts: Any,
        /,
    ) -> int: ...
    def pc_verify_keyset(
        self,
        set: Any,
        params: Any,
        key_indices: Any,
        signatures: Any,
        messages: Any,
        n: int,
        scratch: Any,
        scratch_len: int,
        verdicts: Any,
        /,
    ) -> int: ...
    def pc_recover_scratch_size(self, backend: int, /) -> int: ...
    def pc_recover_batch(
        self,
        backend: int,
        rules: int,
        signatures: Any,
        digests: Any,
        n: int,
        scratch: Any,
        scratch_len: int,
        keys: Any,
        verdicts: Any,
        /,
    ) -> int: ...
    def pc_scan_records(self, plan: Any, records: Any, tables: Any, fault: Any, /) -> int: ...
    def pc_scan_go(self, plan: Any, records: Any, tables: Any, fault: Any, /) -> int: ...
    def pc_scan_tars(self, plan: Any, records: Any, tables: Any, fault: Any, /) -> int: ...
    def pc_spans_gather(self, pieces: Any, rows: Any, n: int, out: Any, offsets: Any, /) -> int: ...
    def pc_spans_absorb(self, pieces: Any, stream: Any, /) -> int: ...
    def pc_spans_cut(
        self,
        data: Any,
        size: int,
        cells: Any,
        width: int,
        n: int,
        around: Any,
        depth: int,
        field: int,
        out: Any,
        offsets: Any,
        /,
    ) -> int: ...
    def pc_spans_group(self, pieces: Any, key: Any, slots: Any, n_slots: int, groups: Any, firsts: Any, /) -> int: ...
    def pc_spans_having(self, pieces: Any, set: Any, marks: Any, /) -> int: ...
    def pc_spans_equal(self, pieces: Any, other: Any, marks: Any, /) -> int: ...
    def pc_rlp_items(self, pieces: Any, most: int, cells: Any, capacity: int, firsts: Any, faults: Any, /) -> int: ...
    def pc_rlp_lists(self, heads: Any, pieces: Any, tails: Any, out: Any, offsets: Any, /) -> int: ...
    def pc_spans_decimals(
        self, pieces: Any, literals: Any, ends: Any, numbers: int, width: int, out: Any, marks: Any, /
    ) -> int: ...
    def pc_base58(self, numbers: Any, n: int, width: int, digits: Any, room: int, out: Any, starts: Any, /) -> int: ...
    def pc_write_sizes(self, writing: Any, first: int, n: int, sizes: Any, /) -> int: ...
    def pc_write_records(self, writing: Any, first: int, n: int, offsets: Any, out: Any, out_size: int, /) -> int: ...
    def pc_fabricx_scan(self, data: Any, size: int, at: Any, keep: int, tables: Any, /) -> int: ...
    def pc_fabricx_signed(
        self, data: Any, size: int, rows: Any, chosen: Any, n: int, out: Any, room: int, offsets: Any, /
    ) -> int: ...
    def pc_fabricx_answers(
        self, data: Any, size: int, requests: Any, status: Any, n: int, out: Any, offsets: Any, /
    ) -> int: ...
    def pc_cometbft_commits(self, records: Any, rows: Any, votes: Any, capacity: int, /) -> int: ...
    def pc_cometbft_hashes(
        self, backend: int, sha256: int, data: Any, size: int, rows: Any, n: int, hashes: Any, /
    ) -> int: ...
    def pc_cometbft_signed(
        self, rows: Any, chosen: Any, n: int, signatures: Any, messages: Any, offsets: Any, /
    ) -> int: ...
    def pc_cometbft_choose(self, rows: Any, how: Any, starts: Any, chosen: Any, votes: Any, /) -> int: ...
    def pc_cometbft_addresses(self, rows: Any, addresses: Any, /) -> int: ...
    def pc_ics23_exist(
        self,
        backend: int,
        spec: Any,
        proofs: Any,
        wrapped: int,
        roots: Any,
        n_roots: int,
        groups: Any,
        keys: Any,
        values: Any,
        items: Any,
        nodes: Any,
        room: int,
        digests: Any,
        verdicts: Any,
        /,
    ) -> int: ...
    def pc_ics23_adjacent(
        self, spec: Any, proofs: Any, items: Any, nodes: Any, present: Any, n: int, marks: Any, /
    ) -> int: ...
    def pc_columns_cut(self, raw: Any, size: int, first: int, n: int, cells: Any, rest: Any, room: int, /) -> int: ...
    def pc_lane_exchange(
        self,
        fd: int,
        packet: Any,
        n: int,
        sleep_ns: int,
        spin_ns: int,
        limit_ns: int,
        answer: Any,
        room: int,
        got: Any,
        /,
    ) -> int: ...
    def pc_testing_public_keys(self, scheme: int, secrets: Any, n: int, public_keys: Any, /) -> int: ...
    def pc_testing_sign(self, params: Any, secrets: Any, messages: Any, n: int, signatures: Any, /) -> int: ...
    def pc_field_at(self, position: int, /) -> Any: ...
    def pc_field_probe(
        self, backend: int, field: int, op: int, a: Any, b: Any, n: int, repeat: int, r: Any, /
    ) -> int: ...

lib: _Lib
