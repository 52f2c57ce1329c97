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
    __slots__ = ("version", "cpu_features", "backends", "schemes", "hashes", "trees", "chains", "limits", "threads", "compiler", "key_cache", "bundles", "consensus", "proof_specs")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CPU_FEATURES_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    SCHEMES_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    TREES_FIELD_NUMBER: _ClassVar[int]
    CHAINS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    COMPILER_FIELD_NUMBER: _ClassVar[int]
    KEY_CACHE_FIELD_NUMBER: _ClassVar[int]
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_FIELD_NUMBER: _ClassVar[int]
    PROOF_SPECS_FIELD_NUMBER: _ClassVar[int]
    version: str
    cpu_features: _containers.RepeatedCompositeFieldContainer[CpuFeature]
    backends: _containers.RepeatedCompositeFieldContainer[Backend]
    schemes: _containers.RepeatedCompositeFieldContainer[SchemeInfo]
    hashes: _containers.RepeatedCompositeFieldContainer[HashInfo]
    trees: _containers.RepeatedCompositeFieldContainer[TreeInfo]
    chains: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    threads: int
    compiler: str
    key_cache: KeyCache
    bundles: _containers.RepeatedCompositeFieldContainer[BundleInfo]
    consensus: _containers.RepeatedCompositeFieldContainer[ConsensusInfo]
    proof_specs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., cpu_features: _Optional[_Iterable[_Union[CpuFeature, _Mapping]]] = ..., backends: _Optional[_Iterable[_Union[Backend, _Mapping]]] = ..., schemes: _Optional[_Iterable[_Union[SchemeInfo, _Mapping]]] = ..., hashes: _Optional[_Iterable[_Union[HashInfo, _Mapping]]] = ..., trees: _Optional[_Iterable[_Union[TreeInfo, _Mapping]]] = ..., chains: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., threads: _Optional[int] = ..., compiler: _Optional[str] = ..., key_cache: _Optional[_Union[KeyCache, _Mapping]] = ..., bundles: _Optional[_Iterable[_Union[BundleInfo, _Mapping]]] = ..., consensus: _Optional[_Iterable[_Union[ConsensusInfo, _Mapping]]] = ..., proof_specs: _Optional[_Iterable[str]] = ...) -> None: ...

class ConsensusInfo(_message.Message):
    __slots__ = ("chain", "schemes", "other_schemes")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    SCHEMES_FIELD_NUMBER: _ClassVar[int]
    OTHER_SCHEMES_FIELD_NUMBER: _ClassVar[int]
    chain: str
    schemes: _containers.RepeatedScalarFieldContainer[str]
    other_schemes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, chain: _Optional[str] = ..., schemes: _Optional[_Iterable[str]] = ..., other_schemes: _Optional[_Iterable[str]] = ...) -> None: ...

class BundleInfo(_message.Message):
    __slots__ = ("chain", "kinds")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    kinds: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, chain: _Optional[str] = ..., kinds: _Optional[_Iterable[str]] = ...) -> None: ...

class KeyCache(_message.Message):
    __slots__ = ("memory_limit", "nbytes", "keys", "hits", "misses", "promotions", "evictions")
    MEMORY_LIMIT_FIELD_NUMBER: _ClassVar[int]
    NBYTES_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    PROMOTIONS_FIELD_NUMBER: _ClassVar[int]
    EVICTIONS_FIELD_NUMBER: _ClassVar[int]
    memory_limit: int
    nbytes: int
    keys: int
    hits: int
    misses: int
    promotions: int
    evictions: int
    def __init__(self, memory_limit: _Optional[int] = ..., nbytes: _Optional[int] = ..., keys: _Optional[int] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ..., promotions: _Optional[int] = ..., evictions: _Optional[int] = ...) -> None: ...

class CpuFeature(_message.Message):
    __slots__ = ("name", "usable")
    NAME_FIELD_NUMBER: _ClassVar[int]
    USABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    usable: bool
    def __init__(self, name: _Optional[str] = ..., usable: _Optional[bool] = ...) -> None: ...

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
    __slots__ = ("id", "name", "rules", "key_sizes", "signature_size", "takes_der", "takes_hash", "takes_prehashed", "takes_user_id", "source", "backend", "single_backend", "why", "single_why")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    KEY_SIZES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_SIZE_FIELD_NUMBER: _ClassVar[int]
    TAKES_DER_FIELD_NUMBER: _ClassVar[int]
    TAKES_HASH_FIELD_NUMBER: _ClassVar[int]
    TAKES_PREHASHED_FIELD_NUMBER: _ClassVar[int]
    TAKES_USER_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    SINGLE_BACKEND_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SINGLE_WHY_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    rules: _containers.RepeatedCompositeFieldContainer[RuleSet]
    key_sizes: _containers.RepeatedScalarFieldContainer[int]
    signature_size: int
    takes_der: bool
    takes_hash: bool
    takes_prehashed: bool
    takes_user_id: bool
    source: str
    backend: str
    single_backend: str
    why: str
    single_why: str
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[RuleSet, _Mapping]]] = ..., key_sizes: _Optional[_Iterable[int]] = ..., signature_size: _Optional[int] = ..., takes_der: _Optional[bool] = ..., takes_hash: _Optional[bool] = ..., takes_prehashed: _Optional[bool] = ..., takes_user_id: _Optional[bool] = ..., source: _Optional[str] = ..., backend: _Optional[str] = ..., single_backend: _Optional[str] = ..., why: _Optional[str] = ..., single_why: _Optional[str] = ...) -> None: ...

class RuleSet(_message.Message):
    __slots__ = ("name", "flags")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    flags: int
    def __init__(self, name: _Optional[str] = ..., flags: _Optional[int] = ...) -> None: ...

class HashInfo(_message.Message):
    __slots__ = ("id", "name", "digest_size", "block_size", "source", "backend", "single_backend", "why", "single_why")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_SIZE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_SIZE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    SINGLE_BACKEND_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SINGLE_WHY_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    digest_size: int
    block_size: int
    source: str
    backend: str
    single_backend: str
    why: str
    single_why: str
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., digest_size: _Optional[int] = ..., block_size: _Optional[int] = ..., source: _Optional[str] = ..., backend: _Optional[str] = ..., single_backend: _Optional[str] = ..., why: _Optional[str] = ..., single_why: _Optional[str] = ...) -> None: ...

class TreeInfo(_message.Message):
    __slots__ = ("name", "default_hash", "source")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_HASH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    default_hash: str
    source: str
    def __init__(self, name: _Optional[str] = ..., default_hash: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

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
