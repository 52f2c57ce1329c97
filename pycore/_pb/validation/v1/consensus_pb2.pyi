from pycore._pb.validation.v1 import block_pb2 as _block_pb2
from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LightVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIGHT_VERDICT_UNSPECIFIED: _ClassVar[LightVerdict]
    LIGHT_VERDICT_SUCCESS: _ClassVar[LightVerdict]
    LIGHT_VERDICT_NOT_ENOUGH_TRUST: _ClassVar[LightVerdict]
    LIGHT_VERDICT_EXPIRED: _ClassVar[LightVerdict]
    LIGHT_VERDICT_INVALID: _ClassVar[LightVerdict]
LIGHT_VERDICT_UNSPECIFIED: LightVerdict
LIGHT_VERDICT_SUCCESS: LightVerdict
LIGHT_VERDICT_NOT_ENOUGH_TRUST: LightVerdict
LIGHT_VERDICT_EXPIRED: LightVerdict
LIGHT_VERDICT_INVALID: LightVerdict

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
    __slots__ = ("chain", "mode", "trust_level", "form", "validators", "validators_form", "signed_header", "chain_id")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TRUST_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FORM_FIELD_NUMBER: _ClassVar[int]
    SIGNED_HEADER_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    chain: str
    mode: str
    trust_level: TrustLevel
    form: str
    validators: bytes
    validators_form: str
    signed_header: bytes
    chain_id: str
    def __init__(self, chain: _Optional[str] = ..., mode: _Optional[str] = ..., trust_level: _Optional[_Union[TrustLevel, _Mapping]] = ..., form: _Optional[str] = ..., validators: _Optional[bytes] = ..., validators_form: _Optional[str] = ..., signed_header: _Optional[bytes] = ..., chain_id: _Optional[str] = ...) -> None: ...

class VerifyCommitResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: CommitReport
    def __init__(self, report: _Optional[_Union[CommitReport, _Mapping]] = ...) -> None: ...

class CommitReport(_message.Message):
    __slots__ = ("report", "mode", "chain_id", "height", "block_hash", "decision", "positions", "verdicts")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    report: Report
    mode: str
    chain_id: str
    height: int
    block_hash: bytes
    decision: QuorumDecision
    positions: _containers.RepeatedScalarFieldContainer[int]
    verdicts: _verdict_pb2.Verdicts
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ..., mode: _Optional[str] = ..., chain_id: _Optional[str] = ..., height: _Optional[int] = ..., block_hash: _Optional[bytes] = ..., decision: _Optional[_Union[QuorumDecision, _Mapping]] = ..., positions: _Optional[_Iterable[int]] = ..., verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ...) -> None: ...

class QuorumDecision(_message.Message):
    __slots__ = ("got", "needed", "total", "counted", "ignored", "objections")
    GOT_FIELD_NUMBER: _ClassVar[int]
    NEEDED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    OBJECTIONS_FIELD_NUMBER: _ClassVar[int]
    got: int
    needed: int
    total: int
    counted: _containers.RepeatedScalarFieldContainer[int]
    ignored: _containers.RepeatedCompositeFieldContainer[IgnoredVote]
    objections: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, got: _Optional[int] = ..., needed: _Optional[int] = ..., total: _Optional[int] = ..., counted: _Optional[_Iterable[int]] = ..., ignored: _Optional[_Iterable[_Union[IgnoredVote, _Mapping]]] = ..., objections: _Optional[_Iterable[str]] = ...) -> None: ...

class IgnoredVote(_message.Message):
    __slots__ = ("index", "position", "reason")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    index: int
    position: int
    reason: str
    def __init__(self, index: _Optional[int] = ..., position: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class VerifyCommitsRequest(_message.Message):
    __slots__ = ("chain", "mode", "trust_level", "form", "validators", "validators_form", "signed_headers", "chain_id")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TRUST_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FORM_FIELD_NUMBER: _ClassVar[int]
    SIGNED_HEADERS_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    chain: str
    mode: str
    trust_level: TrustLevel
    form: str
    validators: bytes
    validators_form: str
    signed_headers: _column_pb2.Column
    chain_id: str
    def __init__(self, chain: _Optional[str] = ..., mode: _Optional[str] = ..., trust_level: _Optional[_Union[TrustLevel, _Mapping]] = ..., form: _Optional[str] = ..., validators: _Optional[bytes] = ..., validators_form: _Optional[str] = ..., signed_headers: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., chain_id: _Optional[str] = ...) -> None: ...

class VerifyCommitsResponse(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[CommitReport]
    def __init__(self, reports: _Optional[_Iterable[_Union[CommitReport, _Mapping]]] = ...) -> None: ...

class LightVerifyRequest(_message.Message):
    __slots__ = ("chain", "form", "trusted", "light_blocks", "trusting_period_ns", "trust_level", "max_clock_drift_ns", "sequential", "now_ns")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_FIELD_NUMBER: _ClassVar[int]
    LIGHT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    TRUSTING_PERIOD_NS_FIELD_NUMBER: _ClassVar[int]
    TRUST_LEVEL_FIELD_NUMBER: _ClassVar[int]
    MAX_CLOCK_DRIFT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQUENTIAL_FIELD_NUMBER: _ClassVar[int]
    NOW_NS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    form: str
    trusted: bytes
    light_blocks: _column_pb2.Column
    trusting_period_ns: int
    trust_level: TrustLevel
    max_clock_drift_ns: int
    sequential: bool
    now_ns: int
    def __init__(self, chain: _Optional[str] = ..., form: _Optional[str] = ..., trusted: _Optional[bytes] = ..., light_blocks: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., trusting_period_ns: _Optional[int] = ..., trust_level: _Optional[_Union[TrustLevel, _Mapping]] = ..., max_clock_drift_ns: _Optional[int] = ..., sequential: _Optional[bool] = ..., now_ns: _Optional[int] = ...) -> None: ...

class LightVerifyResponse(_message.Message):
    __slots__ = ("report", "trusted")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_FIELD_NUMBER: _ClassVar[int]
    report: LightReport
    trusted: bytes
    def __init__(self, report: _Optional[_Union[LightReport, _Mapping]] = ..., trusted: _Optional[bytes] = ...) -> None: ...

class LightReport(_message.Message):
    __slots__ = ("report", "verdict", "trusted_height", "height", "steps")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    report: Report
    verdict: LightVerdict
    trusted_height: int
    height: int
    steps: _containers.RepeatedCompositeFieldContainer[LightReport]
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ..., verdict: _Optional[_Union[LightVerdict, str]] = ..., trusted_height: _Optional[int] = ..., height: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[LightReport, _Mapping]]] = ...) -> None: ...
