from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifySignaturesRequest(_message.Message):
    __slots__ = ("scheme", "rules", "hash", "prehashed", "encoding", "der_rules", "user_id", "no_user_id", "public_keys", "signatures", "messages")
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    PREHASHED_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    DER_RULES_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NO_USER_ID_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    scheme: str
    rules: str
    hash: str
    prehashed: bool
    encoding: str
    der_rules: str
    user_id: bytes
    no_user_id: bool
    public_keys: _column_pb2.Column
    signatures: _column_pb2.Column
    messages: _column_pb2.Column
    def __init__(self, scheme: _Optional[str] = ..., rules: _Optional[str] = ..., hash: _Optional[str] = ..., prehashed: _Optional[bool] = ..., encoding: _Optional[str] = ..., der_rules: _Optional[str] = ..., user_id: _Optional[bytes] = ..., no_user_id: _Optional[bool] = ..., public_keys: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., signatures: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., messages: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class VerifySignaturesResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _verdict_pb2.Verdicts
    def __init__(self, verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ...) -> None: ...

class VerifySignatureStreamRequest(_message.Message):
    __slots__ = ("id", "batch")
    ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    id: int
    batch: VerifySignaturesRequest
    def __init__(self, id: _Optional[int] = ..., batch: _Optional[_Union[VerifySignaturesRequest, _Mapping]] = ...) -> None: ...

class VerifySignatureStreamResponse(_message.Message):
    __slots__ = ("id", "verdicts", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    verdicts: _verdict_pb2.Verdicts
    error: BatchError
    def __init__(self, id: _Optional[int] = ..., verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ..., error: _Optional[_Union[BatchError, _Mapping]] = ...) -> None: ...

class BatchError(_message.Message):
    __slots__ = ("code", "message", "field", "got", "wanted", "reason")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    field: str
    got: str
    wanted: str
    reason: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., field: _Optional[str] = ..., got: _Optional[str] = ..., wanted: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
