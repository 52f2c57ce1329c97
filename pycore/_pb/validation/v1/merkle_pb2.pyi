from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BuildMerkleTreeRequest(_message.Message):
    __slots__ = ("tree", "hash", "leaves", "hashed", "indices")
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    INDICES_FIELD_NUMBER: _ClassVar[int]
    tree: str
    hash: str
    leaves: _column_pb2.Column
    hashed: bool
    indices: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tree: _Optional[str] = ..., hash: _Optional[str] = ..., leaves: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., hashed: _Optional[bool] = ..., indices: _Optional[_Iterable[int]] = ...) -> None: ...

class BuildMerkleTreeResponse(_message.Message):
    __slots__ = ("root", "leaf_count", "proofs", "mutated")
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    MUTATED_FIELD_NUMBER: _ClassVar[int]
    root: bytes
    leaf_count: int
    proofs: _column_pb2.Column
    mutated: bool
    def __init__(self, root: _Optional[bytes] = ..., leaf_count: _Optional[int] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., mutated: _Optional[bool] = ...) -> None: ...

class VerifyInclusionRequest(_message.Message):
    __slots__ = ("tree", "hash", "root", "leaves", "hashed", "proofs", "index", "leaf_count")
    TREE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    HASHED_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    tree: str
    hash: str
    root: _column_pb2.Column
    leaves: _column_pb2.Column
    hashed: bool
    proofs: _column_pb2.Column
    index: _containers.RepeatedScalarFieldContainer[int]
    leaf_count: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, tree: _Optional[str] = ..., hash: _Optional[str] = ..., root: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., leaves: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., hashed: _Optional[bool] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., index: _Optional[_Iterable[int]] = ..., leaf_count: _Optional[_Iterable[int]] = ...) -> None: ...

class VerifyInclusionResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _verdict_pb2.Verdicts
    def __init__(self, verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ...) -> None: ...
