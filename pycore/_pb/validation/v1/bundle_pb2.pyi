from pycore._pb.validation.v1 import block_pb2 as _block_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyBundleRequest(_message.Message):
    __slots__ = ("trusted_json", "bundle")
    TRUSTED_JSON_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    trusted_json: bytes
    bundle: bytes
    def __init__(self, trusted_json: _Optional[bytes] = ..., bundle: _Optional[bytes] = ...) -> None: ...

class VerifyBundleResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: BundleReport
    def __init__(self, report: _Optional[_Union[BundleReport, _Mapping]] = ...) -> None: ...

class AdvanceTrustRequest(_message.Message):
    __slots__ = ("trusted_json", "bundle")
    TRUSTED_JSON_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    trusted_json: bytes
    bundle: bytes
    def __init__(self, trusted_json: _Optional[bytes] = ..., bundle: _Optional[bytes] = ...) -> None: ...

class AdvanceTrustResponse(_message.Message):
    __slots__ = ("report", "trusted_json")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_JSON_FIELD_NUMBER: _ClassVar[int]
    report: BundleReport
    trusted_json: bytes
    def __init__(self, report: _Optional[_Union[BundleReport, _Mapping]] = ..., trusted_json: _Optional[bytes] = ...) -> None: ...

class BundleReport(_message.Message):
    __slots__ = ("chain", "chain_id", "rules", "kind", "height", "block_hash", "time", "proven", "valid", "complete", "checks", "certified_by", "facts_json")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PROVEN_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    CERTIFIED_BY_FIELD_NUMBER: _ClassVar[int]
    FACTS_JSON_FIELD_NUMBER: _ClassVar[int]
    chain: str
    chain_id: str
    rules: str
    kind: str
    height: int
    block_hash: bytes
    time: float
    proven: bool
    valid: bool
    complete: bool
    checks: _containers.RepeatedCompositeFieldContainer[_block_pb2.BlockCheck]
    certified_by: _containers.RepeatedScalarFieldContainer[str]
    facts_json: bytes
    def __init__(self, chain: _Optional[str] = ..., chain_id: _Optional[str] = ..., rules: _Optional[str] = ..., kind: _Optional[str] = ..., height: _Optional[int] = ..., block_hash: _Optional[bytes] = ..., time: _Optional[float] = ..., proven: _Optional[bool] = ..., valid: _Optional[bool] = ..., complete: _Optional[bool] = ..., checks: _Optional[_Iterable[_Union[_block_pb2.BlockCheck, _Mapping]]] = ..., certified_by: _Optional[_Iterable[str]] = ..., facts_json: _Optional[bytes] = ...) -> None: ...
