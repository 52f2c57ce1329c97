from pycore._pb.ledgers.chainmaker.v1 import transaction_pb2 as _transaction_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlockType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLOCK_TYPE_NORMAL: _ClassVar[BlockType]
    BLOCK_TYPE_CONFIG: _ClassVar[BlockType]
    BLOCK_TYPE_CONTRACT_MGR: _ClassVar[BlockType]
    BLOCK_TYPE_HAS_COINBASE: _ClassVar[BlockType]
BLOCK_TYPE_NORMAL: BlockType
BLOCK_TYPE_CONFIG: BlockType
BLOCK_TYPE_CONTRACT_MGR: BlockType
BLOCK_TYPE_HAS_COINBASE: BlockType

class BlockHeader(_message.Message):
    __slots__ = ("block_version", "block_type", "chain_id", "block_height", "block_hash", "pre_block_hash", "pre_conf_height", "tx_count", "tx_root", "dag_hash", "rw_set_root", "block_timestamp", "consensus_args", "proposer", "signature")
    BLOCK_VERSION_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    PRE_BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    PRE_CONF_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TX_COUNT_FIELD_NUMBER: _ClassVar[int]
    TX_ROOT_FIELD_NUMBER: _ClassVar[int]
    DAG_HASH_FIELD_NUMBER: _ClassVar[int]
    RW_SET_ROOT_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_ARGS_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    block_version: int
    block_type: BlockType
    chain_id: str
    block_height: int
    block_hash: bytes
    pre_block_hash: bytes
    pre_conf_height: int
    tx_count: int
    tx_root: bytes
    dag_hash: bytes
    rw_set_root: bytes
    block_timestamp: int
    consensus_args: bytes
    proposer: _transaction_pb2.Member
    signature: bytes
    def __init__(self, block_version: _Optional[int] = ..., block_type: _Optional[_Union[BlockType, str]] = ..., chain_id: _Optional[str] = ..., block_height: _Optional[int] = ..., block_hash: _Optional[bytes] = ..., pre_block_hash: _Optional[bytes] = ..., pre_conf_height: _Optional[int] = ..., tx_count: _Optional[int] = ..., tx_root: _Optional[bytes] = ..., dag_hash: _Optional[bytes] = ..., rw_set_root: _Optional[bytes] = ..., block_timestamp: _Optional[int] = ..., consensus_args: _Optional[bytes] = ..., proposer: _Optional[_Union[_transaction_pb2.Member, _Mapping]] = ..., signature: _Optional[bytes] = ...) -> None: ...

class DAG(_message.Message):
    __slots__ = ("vertexes",)
    class Neighbor(_message.Message):
        __slots__ = ("neighbors",)
        NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
        neighbors: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, neighbors: _Optional[_Iterable[int]] = ...) -> None: ...
    VERTEXES_FIELD_NUMBER: _ClassVar[int]
    vertexes: _containers.RepeatedCompositeFieldContainer[DAG.Neighbor]
    def __init__(self, vertexes: _Optional[_Iterable[_Union[DAG.Neighbor, _Mapping]]] = ...) -> None: ...

class AdditionalData(_message.Message):
    __slots__ = ("extra_data",)
    class ExtraDataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    EXTRA_DATA_FIELD_NUMBER: _ClassVar[int]
    extra_data: _containers.ScalarMap[str, bytes]
    def __init__(self, extra_data: _Optional[_Mapping[str, bytes]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("header", "dag", "txs", "additional_data")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    DAG_FIELD_NUMBER: _ClassVar[int]
    TXS_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_DATA_FIELD_NUMBER: _ClassVar[int]
    header: BlockHeader
    dag: DAG
    txs: _containers.RepeatedCompositeFieldContainer[_transaction_pb2.Transaction]
    additional_data: AdditionalData
    def __init__(self, header: _Optional[_Union[BlockHeader, _Mapping]] = ..., dag: _Optional[_Union[DAG, _Mapping]] = ..., txs: _Optional[_Iterable[_Union[_transaction_pb2.Transaction, _Mapping]]] = ..., additional_data: _Optional[_Union[AdditionalData, _Mapping]] = ...) -> None: ...

class BlockInfo(_message.Message):
    __slots__ = ("block", "rwset_list")
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    RWSET_LIST_FIELD_NUMBER: _ClassVar[int]
    block: Block
    rwset_list: _containers.RepeatedCompositeFieldContainer[_transaction_pb2.TxRWSet]
    def __init__(self, block: _Optional[_Union[Block, _Mapping]] = ..., rwset_list: _Optional[_Iterable[_Union[_transaction_pb2.TxRWSet, _Mapping]]] = ...) -> None: ...

class TxBatchInfo(_message.Message):
    __slots__ = ("batch_ids", "index")
    BATCH_IDS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    batch_ids: _containers.RepeatedScalarFieldContainer[str]
    index: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, batch_ids: _Optional[_Iterable[str]] = ..., index: _Optional[_Iterable[int]] = ...) -> None: ...
