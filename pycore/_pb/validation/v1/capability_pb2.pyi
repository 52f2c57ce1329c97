from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCapabilitiesResponse(_message.Message):
    __slots__ = ("version", "cpu_features", "backends", "schemes", "hashes", "trees", "chains", "limits")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CPU_FEATURES_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    SCHEMES_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    TREES_FIELD_NUMBER: _ClassVar[int]
    CHAINS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    version: str
    cpu_features: _containers.RepeatedScalarFieldContainer[str]
    backends: _containers.RepeatedCompositeFieldContainer[Backend]
    schemes: _containers.RepeatedCompositeFieldContainer[SchemeInfo]
    hashes: _containers.RepeatedCompositeFieldContainer[HashInfo]
    trees: _containers.RepeatedScalarFieldContainer[str]
    chains: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    def __init__(self, version: _Optional[str] = ..., cpu_features: _Optional[_Iterable[str]] = ..., backends: _Optional[_Iterable[_Union[Backend, _Mapping]]] = ..., schemes: _Optional[_Iterable[_Union[SchemeInfo, _Mapping]]] = ..., hashes: _Optional[_Iterable[_Union[HashInfo, _Mapping]]] = ..., trees: _Optional[_Iterable[str]] = ..., chains: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ...) -> None: ...

class Backend(_message.Message):
    __slots__ = ("name", "compiled", "usable", "lanes", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COMPILED_FIELD_NUMBER: _ClassVar[int]
    USABLE_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    compiled: bool
    usable: bool
    lanes: int
    reason: str
    def __init__(self, name: _Optional[str] = ..., compiled: _Optional[bool] = ..., usable: _Optional[bool] = ..., lanes: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class SchemeInfo(_message.Message):
    __slots__ = ("name", "rules", "backend", "min_key_size", "max_key_size", "signature_size")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    MIN_KEY_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_KEY_SIZE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_SIZE_FIELD_NUMBER: _ClassVar[int]
    name: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    backend: str
    min_key_size: int
    max_key_size: int
    signature_size: int
    def __init__(self, name: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ..., backend: _Optional[str] = ..., min_key_size: _Optional[int] = ..., max_key_size: _Optional[int] = ..., signature_size: _Optional[int] = ...) -> None: ...

class HashInfo(_message.Message):
    __slots__ = ("name", "digest_size", "backend")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_SIZE_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest_size: int
    backend: str
    def __init__(self, name: _Optional[str] = ..., digest_size: _Optional[int] = ..., backend: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_batch_items", "max_inflight_items", "max_inflight_bytes")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_INFLIGHT_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_INFLIGHT_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_batch_items: int
    max_inflight_items: int
    max_inflight_bytes: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_batch_items: _Optional[int] = ..., max_inflight_items: _Optional[int] = ..., max_inflight_bytes: _Optional[int] = ...) -> None: ...
