from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_STATUS_UNSPECIFIED: _ClassVar[CheckStatus]
    CHECK_STATUS_PASSED: _ClassVar[CheckStatus]
    CHECK_STATUS_FAILED: _ClassVar[CheckStatus]
    CHECK_STATUS_SKIPPED: _ClassVar[CheckStatus]
CHECK_STATUS_UNSPECIFIED: CheckStatus
CHECK_STATUS_PASSED: CheckStatus
CHECK_STATUS_FAILED: CheckStatus
CHECK_STATUS_SKIPPED: CheckStatus

class ValidateBlockRequest(_message.Message):
    __slots__ = ("chain", "block", "context_json")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_JSON_FIELD_NUMBER: _ClassVar[int]
    chain: str
    block: bytes
    context_json: bytes
    def __init__(self, chain: _Optional[str] = ..., block: _Optional[bytes] = ..., context_json: _Optional[bytes] = ...) -> None: ...

class ValidateBlockResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: BlockReport
    def __init__(self, report: _Optional[_Union[BlockReport, _Mapping]] = ...) -> None: ...

class ValidateBlocksRequest(_message.Message):
    __slots__ = ("chain", "context_json", "checkpoint_json", "blocks")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_JSON_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    context_json: bytes
    checkpoint_json: bytes
    blocks: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, chain: _Optional[str] = ..., context_json: _Optional[bytes] = ..., checkpoint_json: _Optional[bytes] = ..., blocks: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ValidateBlocksResponse(_message.Message):
    __slots__ = ("report", "checkpoint_json", "context_json")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_JSON_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_JSON_FIELD_NUMBER: _ClassVar[int]
    report: BlockReport
    checkpoint_json: bytes
    context_json: bytes
    def __init__(self, report: _Optional[_Union[BlockReport, _Mapping]] = ..., checkpoint_json: _Optional[bytes] = ..., context_json: _Optional[bytes] = ...) -> None: ...

class BlockReport(_message.Message):
    __slots__ = ("chain", "rules", "height", "block_hash", "valid", "complete", "checks", "transactions", "invalid_transactions", "counts", "timings", "codes")
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class TimingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    INVALID_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    chain: str
    rules: str
    height: int
    block_hash: bytes
    valid: bool
    complete: bool
    checks: _containers.RepeatedCompositeFieldContainer[BlockCheck]
    transactions: _verdict_pb2.Verdicts
    invalid_transactions: _containers.RepeatedCompositeFieldContainer[TransactionFault]
    counts: _containers.ScalarMap[str, int]
    timings: _containers.ScalarMap[str, float]
    codes: bytes
    def __init__(self, chain: _Optional[str] = ..., rules: _Optional[str] = ..., height: _Optional[int] = ..., block_hash: _Optional[bytes] = ..., valid: _Optional[bool] = ..., complete: _Optional[bool] = ..., checks: _Optional[_Iterable[_Union[BlockCheck, _Mapping]]] = ..., transactions: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ..., invalid_transactions: _Optional[_Iterable[_Union[TransactionFault, _Mapping]]] = ..., counts: _Optional[_Mapping[str, int]] = ..., timings: _Optional[_Mapping[str, float]] = ..., codes: _Optional[bytes] = ...) -> None: ...

class BlockCheck(_message.Message):
    __slots__ = ("name", "status", "got", "wanted", "detail", "certainty")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CERTAINTY_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: CheckStatus
    got: CheckValue
    wanted: CheckValue
    detail: str
    certainty: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[CheckStatus, str]] = ..., got: _Optional[_Union[CheckValue, _Mapping]] = ..., wanted: _Optional[_Union[CheckValue, _Mapping]] = ..., detail: _Optional[str] = ..., certainty: _Optional[str] = ...) -> None: ...

class CheckValue(_message.Message):
    __slots__ = ("text", "number", "data", "flag", "real", "large")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    REAL_FIELD_NUMBER: _ClassVar[int]
    LARGE_FIELD_NUMBER: _ClassVar[int]
    text: str
    number: int
    data: bytes
    flag: bool
    real: float
    large: str
    def __init__(self, text: _Optional[str] = ..., number: _Optional[int] = ..., data: _Optional[bytes] = ..., flag: _Optional[bool] = ..., real: _Optional[float] = ..., large: _Optional[str] = ...) -> None: ...

class TransactionFault(_message.Message):
    __slots__ = ("index", "verdict", "tx_id", "detail")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    TX_ID_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    index: int
    verdict: _verdict_pb2.Verdict
    tx_id: str
    detail: str
    def __init__(self, index: _Optional[int] = ..., verdict: _Optional[_Union[_verdict_pb2.Verdict, str]] = ..., tx_id: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...
