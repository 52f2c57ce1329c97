from pycore._pb.validation.v1 import column_pb2 as _column_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VoteExtensions(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOTE_EXTENSIONS_UNSPECIFIED: _ClassVar[VoteExtensions]
    VOTE_EXTENSIONS_REQUIRED: _ClassVar[VoteExtensions]
    VOTE_EXTENSIONS_FORBIDDEN: _ClassVar[VoteExtensions]
VOTE_EXTENSIONS_UNSPECIFIED: VoteExtensions
VOTE_EXTENSIONS_REQUIRED: VoteExtensions
VOTE_EXTENSIONS_FORBIDDEN: VoteExtensions

class VerifyVotesRequest(_message.Message):
    __slots__ = ("chain", "chain_id", "extensions", "limits", "height", "validators", "validators_form", "round", "votes", "peer", "evidence_time_ns")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FORM_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    VOTES_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    chain: str
    chain_id: str
    extensions: VoteExtensions
    limits: VoteLimits
    height: int
    validators: bytes
    validators_form: str
    round: int
    votes: _column_pb2.Column
    peer: str
    evidence_time_ns: int
    def __init__(self, chain: _Optional[str] = ..., chain_id: _Optional[str] = ..., extensions: _Optional[_Union[VoteExtensions, str]] = ..., limits: _Optional[_Union[VoteLimits, _Mapping]] = ..., height: _Optional[int] = ..., validators: _Optional[bytes] = ..., validators_form: _Optional[str] = ..., round: _Optional[int] = ..., votes: _Optional[_Union[_column_pb2.Column, _Mapping]] = ..., peer: _Optional[str] = ..., evidence_time_ns: _Optional[int] = ...) -> None: ...

class VoteLimits(_message.Message):
    __slots__ = ("vote_bytes", "heights_behind", "rounds_ahead", "rounds_behind", "rounds_per_peer", "rounds_per_validator", "rounds_opened")
    VOTE_BYTES_FIELD_NUMBER: _ClassVar[int]
    HEIGHTS_BEHIND_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_AHEAD_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_BEHIND_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_PER_PEER_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_PER_VALIDATOR_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_OPENED_FIELD_NUMBER: _ClassVar[int]
    vote_bytes: int
    heights_behind: int
    rounds_ahead: int
    rounds_behind: int
    rounds_per_peer: int
    rounds_per_validator: int
    rounds_opened: int
    def __init__(self, vote_bytes: _Optional[int] = ..., heights_behind: _Optional[int] = ..., rounds_ahead: _Optional[int] = ..., rounds_behind: _Optional[int] = ..., rounds_per_peer: _Optional[int] = ..., rounds_per_validator: _Optional[int] = ..., rounds_opened: _Optional[int] = ...) -> None: ...

class VerifyVotesResponse(_message.Message):
    __slots__ = ("events", "counts", "height", "round")
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[VoteEvent]
    counts: _containers.ScalarMap[str, int]
    height: int
    round: int
    def __init__(self, events: _Optional[_Iterable[_Union[VoteEvent, _Mapping]]] = ..., counts: _Optional[_Mapping[str, int]] = ..., height: _Optional[int] = ..., round: _Optional[int] = ...) -> None: ...

class VoteEvent(_message.Message):
    __slots__ = ("quorum", "equivocation")
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    EQUIVOCATION_FIELD_NUMBER: _ClassVar[int]
    quorum: Quorum
    equivocation: Equivocation
    def __init__(self, quorum: _Optional[_Union[Quorum, _Mapping]] = ..., equivocation: _Optional[_Union[Equivocation, _Mapping]] = ...) -> None: ...

class Quorum(_message.Message):
    __slots__ = ("height", "round", "kind", "claim", "got", "needed", "total", "positions")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    GOT_FIELD_NUMBER: _ClassVar[int]
    NEEDED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    height: int
    round: int
    kind: str
    claim: bytes
    got: int
    needed: int
    total: int
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, height: _Optional[int] = ..., round: _Optional[int] = ..., kind: _Optional[str] = ..., claim: _Optional[bytes] = ..., got: _Optional[int] = ..., needed: _Optional[int] = ..., total: _Optional[int] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class Equivocation(_message.Message):
    __slots__ = ("height", "round", "kind", "position", "address", "power", "total", "first", "second", "evidence")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    height: int
    round: int
    kind: str
    position: int
    address: bytes
    power: int
    total: int
    first: bytes
    second: bytes
    evidence: bytes
    def __init__(self, height: _Optional[int] = ..., round: _Optional[int] = ..., kind: _Optional[str] = ..., position: _Optional[int] = ..., address: _Optional[bytes] = ..., power: _Optional[int] = ..., total: _Optional[int] = ..., first: _Optional[bytes] = ..., second: _Optional[bytes] = ..., evidence: _Optional[bytes] = ...) -> None: ...
