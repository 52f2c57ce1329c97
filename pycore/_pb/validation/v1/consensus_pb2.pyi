from pycore._pb.validation.v1 import block_pb2 as _block_pb2
from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrustLevel(_message.Message):
    __slots__ = ("numerator", "denominator")
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    numerator: int
    denominator: int
    def __init__(self, numerator: _Optional[int] = ..., denominator: _Optional[int] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("chain", "rules", "valid", "complete", "checks")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    rules: str
    valid: bool
    complete: bool
    checks: _containers.RepeatedCompositeFieldContainer[_block_pb2.BlockCheck]
    def __init__(self, chain: _Optional[str] = ..., rules: _Optional[str] = ..., valid: _Optional[bool] = ..., complete: _Optional[bool] = ..., checks: _Optional[_Iterable[_Union[_block_pb2.BlockCheck, _Mapping]]] = ...) -> None: ...

class VerifyCommitRequest(_message.Message):
    __slots__ = ("chain", "mode", "trust_level", "form", "validators", "validators_form", "signed_header")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TRUST_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FORM_FIELD_NUMBER: _ClassVar[int]
    SIGNED_HEADER_FIELD_NUMBER: _ClassVar[int]
    chain: str
    mode: str
    trust_level: TrustLevel
    form: str
    validators: bytes
    validators_form: str
    signed_header: bytes
    def __init__(self, chain: _Optional[str] = ..., mode: _Optional[str] = ..., trust_level: _Optional[_Union[TrustLevel, _Mapping]] = ..., form: _Optional[str] = ..., validators: _Optional[bytes] = ..., validators_form: _Optional[str] = ..., signed_header: _Optional[bytes] = ...) -> None: ...

class VerifyCommitResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class VerifyCommitsRequest(_message.Message):
    __slots__ = ("chain", "mode", "trust_level", "form", "validators", "validators_form", "signed_headers")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TRUST_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FORM_FIELD_NUMBER: _ClassVar[int]
    SIGNED_HEADERS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    mode: str
    trust_level: TrustLevel
    form: str
    validators: bytes
    validators_form: str
    signed_headers: _column_pb2.Column
    def __init__(self, chain: _Optional[str] = ..., mode: _Optional[str] = ..., trust_level: _Optional[_Union[TrustLevel, _Mapping]] = ..., form: _Optional[str] = ..., validators: _Optional[bytes] = ..., validators_form: _Optional[str] = ..., signed_headers: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class VerifyCommitsResponse(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    def __init__(self, reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ...) -> None: ...
