from pycore._pb.ledgers.chainmaker.v1 import block_pb2 as _block_pb2
from pycore._pb.ledgers.chainmaker.v1 import transaction_pb2 as _transaction_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VoteType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOTE_TYPE_PREVOTE: _ClassVar[VoteType]
    VOTE_TYPE_PRECOMMIT: _ClassVar[VoteType]
VOTE_TYPE_PREVOTE: VoteType
VOTE_TYPE_PRECOMMIT: VoteType

class Vote(_message.Message):
    __slots__ = ("type", "voter", "height", "round", "hash", "endorsement", "invalid_txs")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VOTER_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENT_FIELD_NUMBER: _ClassVar[int]
    INVALID_TXS_FIELD_NUMBER: _ClassVar[int]
    type: VoteType
    voter: str
    height: int
    round: int
    hash: bytes
    endorsement: _transaction_pb2.EndorsementEntry
    invalid_txs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, type: _Optional[_Union[VoteType, str]] = ..., voter: _Optional[str] = ..., height: _Optional[int] = ..., round: _Optional[int] = ..., hash: _Optional[bytes] = ..., endorsement: _Optional[_Union[_transaction_pb2.EndorsementEntry, _Mapping]] = ..., invalid_txs: _Optional[_Iterable[str]] = ...) -> None: ...

class BlockVotes(_message.Message):
    __slots__ = ("votes", "sum")
    class VotesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Vote
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Vote, _Mapping]] = ...) -> None: ...
    VOTES_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    votes: _containers.MessageMap[str, Vote]
    sum: int
    def __init__(self, votes: _Optional[_Mapping[str, Vote]] = ..., sum: _Optional[int] = ...) -> None: ...

class VoteSet(_message.Message):
    __slots__ = ("type", "height", "round", "sum", "maj23", "votes", "votes_by_block")
    class VotesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Vote
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Vote, _Mapping]] = ...) -> None: ...
    class VotesByBlockEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: BlockVotes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[BlockVotes, _Mapping]] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    MAJ23_FIELD_NUMBER: _ClassVar[int]
    VOTES_FIELD_NUMBER: _ClassVar[int]
    VOTES_BY_BLOCK_FIELD_NUMBER: _ClassVar[int]
    type: VoteType
    height: int
    round: int
    sum: int
    maj23: bytes
    votes: _containers.MessageMap[str, Vote]
    votes_by_block: _containers.MessageMap[str, BlockVotes]
    def __init__(self, type: _Optional[_Union[VoteType, str]] = ..., height: _Optional[int] = ..., round: _Optional[int] = ..., sum: _Optional[int] = ..., maj23: _Optional[bytes] = ..., votes: _Optional[_Mapping[str, Vote]] = ..., votes_by_block: _Optional[_Mapping[str, BlockVotes]] = ...) -> None: ...

class Proposal(_message.Message):
    __slots__ = ("voter", "height", "round", "pol_round", "block", "endorsement", "txs_rw_set", "qc")
    class TxsRwSetEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _transaction_pb2.TxRWSet
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_transaction_pb2.TxRWSet, _Mapping]] = ...) -> None: ...
    VOTER_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    POL_ROUND_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENT_FIELD_NUMBER: _ClassVar[int]
    TXS_RW_SET_FIELD_NUMBER: _ClassVar[int]
    QC_FIELD_NUMBER: _ClassVar[int]
    voter: str
    height: int
    round: int
    pol_round: int
    block: _block_pb2.Block
    endorsement: _transaction_pb2.EndorsementEntry
    txs_rw_set: _containers.MessageMap[str, _transaction_pb2.TxRWSet]
    qc: _containers.RepeatedCompositeFieldContainer[Vote]
    def __init__(self, voter: _Optional[str] = ..., height: _Optional[int] = ..., round: _Optional[int] = ..., pol_round: _Optional[int] = ..., block: _Optional[_Union[_block_pb2.Block, _Mapping]] = ..., endorsement: _Optional[_Union[_transaction_pb2.EndorsementEntry, _Mapping]] = ..., txs_rw_set: _Optional[_Mapping[str, _transaction_pb2.TxRWSet]] = ..., qc: _Optional[_Iterable[_Union[Vote, _Mapping]]] = ...) -> None: ...

class VoteData(_message.Message):
    __slots__ = ("block_id", "height", "view", "author", "epoch_id", "signature")
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    EPOCH_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    block_id: bytes
    height: int
    view: int
    author: bytes
    epoch_id: int
    signature: _transaction_pb2.EndorsementEntry
    def __init__(self, block_id: _Optional[bytes] = ..., height: _Optional[int] = ..., view: _Optional[int] = ..., author: _Optional[bytes] = ..., epoch_id: _Optional[int] = ..., signature: _Optional[_Union[_transaction_pb2.EndorsementEntry, _Mapping]] = ...) -> None: ...

class QuorumCert(_message.Message):
    __slots__ = ("votes",)
    VOTES_FIELD_NUMBER: _ClassVar[int]
    votes: _containers.RepeatedCompositeFieldContainer[VoteData]
    def __init__(self, votes: _Optional[_Iterable[_Union[VoteData, _Mapping]]] = ...) -> None: ...

class BlockHeaderConsensusArgs(_message.Message):
    __slots__ = ("consensus_type", "round", "view", "consensus_data")
    CONSENSUS_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_DATA_FIELD_NUMBER: _ClassVar[int]
    consensus_type: int
    round: int
    view: int
    consensus_data: _transaction_pb2.TxRWSet
    def __init__(self, consensus_type: _Optional[int] = ..., round: _Optional[int] = ..., view: _Optional[int] = ..., consensus_data: _Optional[_Union[_transaction_pb2.TxRWSet, _Mapping]] = ...) -> None: ...

class Epoch(_message.Message):
    __slots__ = ("epoch_id", "proposer_vector", "next_epoch_create_height", "current_epoch_create_height")
    EPOCH_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_VECTOR_FIELD_NUMBER: _ClassVar[int]
    NEXT_EPOCH_CREATE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CURRENT_EPOCH_CREATE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    epoch_id: int
    proposer_vector: _containers.RepeatedScalarFieldContainer[str]
    next_epoch_create_height: int
    current_epoch_create_height: int
    def __init__(self, epoch_id: _Optional[int] = ..., proposer_vector: _Optional[_Iterable[str]] = ..., next_epoch_create_height: _Optional[int] = ..., current_epoch_create_height: _Optional[int] = ...) -> None: ...
