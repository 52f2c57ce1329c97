from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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

class BlockReport(_message.Message):
    __slots__ = ("chain", "rules", "valid", "height", "block_hash", "checks", "transactions", "transaction_faults", "timings")
    class TimingsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FAULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    rules: str
    valid: bool
    height: int
    block_hash: bytes
    checks: _containers.RepeatedCompositeFieldContainer[BlockCheck]
    transactions: _verdict_pb2.Verdicts
    transaction_faults: _containers.RepeatedCompositeFieldContainer[TransactionFault]
    timings: _containers.ScalarMap[str, float]
    def __init__(self, chain: _Optional[str] = ..., rules: _Optional[str] = ..., valid: _Optional[bool] = ..., height: _Optional[int] = ..., block_hash: _Optional[bytes] = ..., checks: _Optional[_Iterable[_Union[BlockCheck, _Mapping]]] = ..., transactions: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ..., transaction_faults: _Optional[_Iterable[_Union[TransactionFault, _Mapping]]] = ..., timings: _Optional[_Mapping[str, float]] = ...) -> None: ...

class BlockCheck(_message.Message):
    __slots__ = ("name", "passed", "got", "wanted")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    passed: bool
    got: str
    wanted: str
    def __init__(self, name: _Optional[str] = ..., passed: _Optional[bool] = ..., got: _Optional[str] = ..., wanted: _Optional[str] = ...) -> None: ...

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
