from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_VALID: _ClassVar[Verdict]
    VERDICT_BAD_SIGNATURE: _ClassVar[Verdict]
    VERDICT_MALFORMED_SIGNATURE: _ClassVar[Verdict]
    VERDICT_MALFORMED_KEY: _ClassVar[Verdict]
    VERDICT_NON_CANONICAL: _ClassVar[Verdict]
    VERDICT_HIGH_S: _ClassVar[Verdict]
    VERDICT_SMALL_ORDER: _ClassVar[Verdict]
    VERDICT_SCALAR_OUT_OF_RANGE: _ClassVar[Verdict]
    VERDICT_BAD_PROOF: _ClassVar[Verdict]
    VERDICT_MALFORMED_PROOF: _ClassVar[Verdict]
    VERDICT_BAD_CERTIFICATE: _ClassVar[Verdict]
    VERDICT_UNKNOWN_SIGNER: _ClassVar[Verdict]
    VERDICT_UNSUPPORTED_ALGORITHM: _ClassVar[Verdict]
    VERDICT_MALFORMED_ITEM: _ClassVar[Verdict]
    VERDICT_BAD_DIGEST: _ClassVar[Verdict]
    VERDICT_POLICY_NOT_MET: _ClassVar[Verdict]
VERDICT_UNSPECIFIED: Verdict
VERDICT_VALID: Verdict
VERDICT_BAD_SIGNATURE: Verdict
VERDICT_MALFORMED_SIGNATURE: Verdict
VERDICT_MALFORMED_KEY: Verdict
VERDICT_NON_CANONICAL: Verdict
VERDICT_HIGH_S: Verdict
VERDICT_SMALL_ORDER: Verdict
VERDICT_SCALAR_OUT_OF_RANGE: Verdict
VERDICT_BAD_PROOF: Verdict
VERDICT_MALFORMED_PROOF: Verdict
VERDICT_BAD_CERTIFICATE: Verdict
VERDICT_UNKNOWN_SIGNER: Verdict
VERDICT_UNSUPPORTED_ALGORITHM: Verdict
VERDICT_MALFORMED_ITEM: Verdict
VERDICT_BAD_DIGEST: Verdict
VERDICT_POLICY_NOT_MET: Verdict

class Verdicts(_message.Message):
    __slots__ = ("codes", "bitmap", "count", "valid_count")
    CODES_FIELD_NUMBER: _ClassVar[int]
    BITMAP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    VALID_COUNT_FIELD_NUMBER: _ClassVar[int]
    codes: bytes
    bitmap: bytes
    count: int
    valid_count: int
    def __init__(self, codes: _Optional[bytes] = ..., bitmap: _Optional[bytes] = ..., count: _Optional[int] = ..., valid_count: _Optional[int] = ...) -> None: ...
