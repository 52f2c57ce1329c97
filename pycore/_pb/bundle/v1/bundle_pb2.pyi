from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Bundle(_message.Message):
    __slots__ = ("format", "chain", "chain_id", "trusted_height", "trusted_hash", "headers", "certificate", "inclusion", "statement")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_HASH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    format: int
    chain: str
    chain_id: str
    trusted_height: int
    trusted_hash: bytes
    headers: _containers.RepeatedScalarFieldContainer[bytes]
    certificate: bytes
    inclusion: Inclusion
    statement: Statement
    def __init__(self, format: _Optional[int] = ..., chain: _Optional[str] = ..., chain_id: _Optional[str] = ..., trusted_height: _Optional[int] = ..., trusted_hash: _Optional[bytes] = ..., headers: _Optional[_Iterable[bytes]] = ..., certificate: _Optional[bytes] = ..., inclusion: _Optional[_Union[Inclusion, _Mapping]] = ..., statement: _Optional[_Union[Statement, _Mapping]] = ...) -> None: ...

class Inclusion(_message.Message):
    __slots__ = ("index", "count", "nodes")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    index: int
    count: int
    nodes: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, index: _Optional[int] = ..., count: _Optional[int] = ..., nodes: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("kind", "item", "key", "event")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    item: bytes
    key: bytes
    event: int
    def __init__(self, kind: _Optional[str] = ..., item: _Optional[bytes] = ..., key: _Optional[bytes] = ..., event: _Optional[int] = ...) -> None: ...
