from pycore._pb.ledgers.xuper.v1 import transaction_pb2 as _transaction_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QCState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QC_STATE_NEW_VIEW_UNSPECIFIED: _ClassVar[QCState]
    QC_STATE_PREPARE: _ClassVar[QCState]
    QC_STATE_PRE_COMMIT: _ClassVar[QCState]
    QC_STATE_COMMIT: _ClassVar[QCState]
    QC_STATE_DECIDE: _ClassVar[QCState]
QC_STATE_NEW_VIEW_UNSPECIFIED: QCState
QC_STATE_PREPARE: QCState
QC_STATE_PRE_COMMIT: QCState
QC_STATE_COMMIT: QCState
QC_STATE_DECIDE: QCState

class SignInfo(_message.Message):
    __slots__ = ("address", "public_key", "sign")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    address: str
    public_key: str
    sign: bytes
    def __init__(self, address: _Optional[str] = ..., public_key: _Optional[str] = ..., sign: _Optional[bytes] = ...) -> None: ...

class QCSignInfos(_message.Message):
    __slots__ = ("qc_sign_infos",)
    QC_SIGN_INFOS_FIELD_NUMBER: _ClassVar[int]
    qc_sign_infos: _containers.RepeatedCompositeFieldContainer[SignInfo]
    def __init__(self, qc_sign_infos: _Optional[_Iterable[_Union[SignInfo, _Mapping]]] = ...) -> None: ...

class QuorumCert(_message.Message):
    __slots__ = ("proposal_id", "proposal_msg", "type", "view_number", "sign_infos")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_MSG_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VIEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SIGN_INFOS_FIELD_NUMBER: _ClassVar[int]
    proposal_id: bytes
    proposal_msg: bytes
    type: QCState
    view_number: int
    sign_infos: QCSignInfos
    def __init__(self, proposal_id: _Optional[bytes] = ..., proposal_msg: _Optional[bytes] = ..., type: _Optional[_Union[QCState, str]] = ..., view_number: _Optional[int] = ..., sign_infos: _Optional[_Union[QCSignInfos, _Mapping]] = ...) -> None: ...

class InternalBlock(_message.Message):
    __slots__ = ("version", "nonce", "blockid", "pre_hash", "proposer", "sign", "pubkey", "merkle_root", "height", "timestamp", "transactions", "tx_count", "merkle_tree", "in_trunk", "next_hash", "cur_term", "cur_block_num", "failed_txs", "target_bits", "justify")
    class FailedTxsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    BLOCKID_FIELD_NUMBER: _ClassVar[int]
    PRE_HASH_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    PUBKEY_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    TX_COUNT_FIELD_NUMBER: _ClassVar[int]
    MERKLE_TREE_FIELD_NUMBER: _ClassVar[int]
    IN_TRUNK_FIELD_NUMBER: _ClassVar[int]
    NEXT_HASH_FIELD_NUMBER: _ClassVar[int]
    CUR_TERM_FIELD_NUMBER: _ClassVar[int]
    CUR_BLOCK_NUM_FIELD_NUMBER: _ClassVar[int]
    FAILED_TXS_FIELD_NUMBER: _ClassVar[int]
    TARGET_BITS_FIELD_NUMBER: _ClassVar[int]
    JUSTIFY_FIELD_NUMBER: _ClassVar[int]
    version: int
    nonce: int
    blockid: bytes
    pre_hash: bytes
    proposer: bytes
    sign: bytes
    pubkey: bytes
    merkle_root: bytes
    height: int
    timestamp: int
    transactions: _containers.RepeatedCompositeFieldContainer[_transaction_pb2.Transaction]
    tx_count: int
    merkle_tree: _containers.RepeatedScalarFieldContainer[bytes]
    in_trunk: bool
    next_hash: bytes
    cur_term: int
    cur_block_num: int
    failed_txs: _containers.ScalarMap[str, str]
    target_bits: int
    justify: QuorumCert
    def __init__(self, version: _Optional[int] = ..., nonce: _Optional[int] = ..., blockid: _Optional[bytes] = ..., pre_hash: _Optional[bytes] = ..., proposer: _Optional[bytes] = ..., sign: _Optional[bytes] = ..., pubkey: _Optional[bytes] = ..., merkle_root: _Optional[bytes] = ..., height: _Optional[int] = ..., timestamp: _Optional[int] = ..., transactions: _Optional[_Iterable[_Union[_transaction_pb2.Transaction, _Mapping]]] = ..., tx_count: _Optional[int] = ..., merkle_tree: _Optional[_Iterable[bytes]] = ..., in_trunk: _Optional[bool] = ..., next_hash: _Optional[bytes] = ..., cur_term: _Optional[int] = ..., cur_block_num: _Optional[int] = ..., failed_txs: _Optional[_Mapping[str, str]] = ..., target_bits: _Optional[int] = ..., justify: _Optional[_Union[QuorumCert, _Mapping]] = ...) -> None: ...
