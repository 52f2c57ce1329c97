from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HashBatchRequest(_message.Message):
    __slots__ = ("algorithm", "messages")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    algorithm: str
    messages: _column_pb2.Column
    def __init__(self, algorithm: _Optional[str] = ..., messages: _Optional[_Union[_column_pb2.Column, _Mapping]] = ...) -> None: ...

class HashBatchResponse(_message.Message):
    __slots__ = ("digests", "digest_size", "count")
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_SIZE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    digests: bytes
    digest_size: int
    count: int
    def __init__(self, digests: _Optional[bytes] = ..., digest_size: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...
