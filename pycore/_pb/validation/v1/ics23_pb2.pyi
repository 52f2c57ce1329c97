from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from pycore._pb.validation.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyIcs23Request(_message.Message):
    __slots__ = ("spec_name", "spec_bytes", "spec_json", "rules", "root", "proofs", "json", "keys", "values", "absent")
    SPEC_NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPEC_JSON_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    spec_name: str
    spec_bytes: bytes
    spec_json: str
    rules: str
    root: _column_pb2.Column
    proofs: _column_pb2.Column
    json: bool
    keys: _column_pb2.Column
    values: _column_pb2.Column
    absent: bytes
    def __init__(self, spec_name: _Optional[str] = ..., spec_bytes: _Optional[bytes] = ..., spec_json: _Optional[str] = ..., rules: _Optional[str] = ..., root: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., proofs: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., json: _Optional[bool] = ..., keys: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., values: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., absent: _Optional[bytes] = ...) -> None: ...

class VerifyIcs23Response(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _verdict_pb2.Verdicts
    def __init__(self, verdicts: _Optional[_Union[_verdict_pb2.Verdicts, _Mapping]] = ...) -> None: ...
