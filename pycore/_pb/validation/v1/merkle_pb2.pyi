from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BuildMerkleTreeRequest(_message.Message):
    __slots__ = ("tree", "hash", "leaves", "hashed", "indices", "limit", "multiproof_indices", "consistency_sizes")
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MULTIPROOF_INDICES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_SIZES_FIELD_NUMBER: _ClassVar[int]
    tree: str
    hash: str
    leaves: _column_pb2.Column
    hashed: bool
    indices: bytes
    limit: int
    multiproof_indices: bytes
    consistency_sizes: bytes
    def __init__(self, tree: _Optional[str] = ..., hash: _Optional[str] = ..., leaves: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., hashed: _Optional[bool] = ..., indices: _Optional[bytes] = ..., limit: _Optional[int] = ..., multiproof_indices: _Optional[bytes] = ..., consistency_sizes: _Optional[bytes] = ...) -> None: ...

class BuildMerkleTreeResponse(_message.Message):
    __slots__ = ("root", "leaf_count", "proofs", "mutated", "multiproof", "consistency_proofs")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    MUTATED_FIELD_NUMBER: _ClassVar[int]
    MULTIPROOF_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_PROOFS_FIELD_NUMBER: _ClassVar[int]
    root: bytes
    leaf_count: int
    proofs: _column_pb2.Column
    mutated: bool
    multiproof: bytes
    consistency_proofs: _column_pb2.Column
    def __init__(self, root: _Optional[bytes] = ..., leaf_count: _Optional[int] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., mutated: _Optional[bool] = ..., multiproof: _Optional[bytes] = ..., consistency_proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class VerifyInclusionRequest(_message.Message):
    __slots__ = ("tree", "hash", "root", "leaves", "hashed", "proofs", "index", "leaf_count", "limit")
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    tree: str
    hash: str
    root: _column_pb2.Column
    leaves: _column_pb2.Column
    hashed: bool
    proofs: _column_pb2.Column
    index: bytes
    leaf_count: bytes
    limit: int
    def __init__(self, tree: _Optional[str] = ..., hash: _Optional[str] = ..., root: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., leaves: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., hashed: _Optional[bool] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., index: _Optional[bytes] = ..., leaf_count: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class VerifyInclusionResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _verdict_pb2.Verdicts
    def __init__(self, verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ...) -> None: ...

class AppendMerkleTreeRequest(_message.Message):
    __slots__ = ("state", "tree", "hash", "hashed", "limit", "indices", "consistency_sizes", "checkpoint", "leaves")
    STATE_FIELD_NUMBER: _ClassVar[int]
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_SIZES_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    state: bytes
    tree: str
    hash: str
    hashed: bool
    limit: int
    indices: bytes
    consistency_sizes: bytes
    checkpoint: bool
    leaves: _column_pb2.Column
    def __init__(self, state: _Optional[bytes] = ..., tree: _Optional[str] = ..., hash: _Optional[str] = ..., hashed: _Optional[bool] = ..., limit: _Optional[int] = ..., indices: _Optional[bytes] = ..., consistency_sizes: _Optional[bytes] = ..., checkpoint: _Optional[bool] = ..., leaves: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class AppendMerkleTreeResponse(_message.Message):
    __slots__ = ("root", "leaf_count", "state", "proofs", "consistency_proofs")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_PROOFS_FIELD_NUMBER: _ClassVar[int]
    root: bytes
    leaf_count: int
    state: bytes
    proofs: _column_pb2.Column
    consistency_proofs: _column_pb2.Column
    def __init__(self, root: _Optional[bytes] = ..., leaf_count: _Optional[int] = ..., state: _Optional[bytes] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., consistency_proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class VerifyMultiproofRequest(_message.Message):
    __slots__ = ("tree", "hash", "root", "leaves", "hashed", "proof", "indices", "leaf_count", "limit")
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    tree: str
    hash: str
    root: bytes
    leaves: _column_pb2.Column
    hashed: bool
    proof: bytes
    indices: bytes
    leaf_count: int
    limit: int
    def __init__(self, tree: _Optional[str] = ..., hash: _Optional[str] = ..., root: _Optional[bytes] = ..., leaves: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., hashed: _Optional[bool] = ..., proof: _Optional[bytes] = ..., indices: _Optional[bytes] = ..., leaf_count: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class VerifyMultiproofResponse(_message.Message):
    __slots__ = ("verdict",)
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _verdict_pb2.Verdict
    def __init__(self, verdict: _Optional[_Union[_verdict_pb2.Verdict, str]] = ...) -> None: ...

class VerifyConsistencyRequest(_message.Message):
    __slots__ = ("hash", "root_m", "root_n", "proof", "m", "n")
    HASH_FIELD_NUMBER: _ClassVar[int]
    ROOT_M_FIELD_NUMBER: _ClassVar[int]
    ROOT_N_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    hash: str
    root_m: bytes
    root_n: bytes
    proof: bytes
    m: int
    n: int
    def __init__(self, hash: _Optional[str] = ..., root_m: _Optional[bytes] = ..., root_n: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., m: _Optional[int] = ..., n: _Optional[int] = ...) -> None: ...

class VerifyConsistencyResponse(_message.Message):
    __slots__ = ("verdict",)
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _verdict_pb2.Verdict
    def __init__(self, verdict: _Optional[_Union[_verdict_pb2.Verdict, str]] = ...) -> None: ...

class VerifySparseRequest(_message.Message):
    __slots__ = ("hash", "root", "keys", "values", "absent", "hashed", "proofs")
    HASH_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    hash: str
    root: _column_pb2.Column
    keys: _column_pb2.Column
    values: _column_pb2.Column
    absent: bytes
    hashed: bool
    proofs: _column_pb2.Column
    def __init__(self, hash: _Optional[str] = ..., root: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., keys: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., values: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., absent: _Optional[bytes] = ..., hashed: _Optional[bool] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class VerifySparseResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _verdict_pb2.Verdicts
    def __init__(self, verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ...) -> None: ...

class VerifyTrieRequest(_message.Message):
    __slots__ = ("root", "keys", "hashed", "nodes", "node_counts")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    NODE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    root: _column_pb2.Column
    keys: _column_pb2.Column
    hashed: bool
    nodes: _column_pb2.Column
    node_counts: bytes
    def __init__(self, root: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., keys: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., hashed: _Optional[bool] = ..., nodes: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., node_counts: _Optional[bytes] = ...) -> None: ...

class VerifyTrieResponse(_message.Message):
    __slots__ = ("verdicts", "values")
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    verdicts: _verdict_pb2.Verdicts
    values: _column_pb2.Column
    def __init__(self, verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ..., values: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...
