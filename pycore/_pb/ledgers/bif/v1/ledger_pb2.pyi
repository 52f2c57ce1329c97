from pycore._pb.ledgers.bif.v1 import transaction_pb2 as _transaction_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DomainAccountHash(_message.Message):
    __slots__ = ("domain_id", "account_tree_hash")
    DOMAIN_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TREE_HASH_FIELD_NUMBER: _ClassVar[int]
    domain_id: int
    account_tree_hash: bytes
    def __init__(self, domain_id: _Optional[int] = ..., account_tree_hash: _Optional[bytes] = ...) -> None: ...

class LedgerHeader(_message.Message):
    __slots__ = ("seq", "hash", "previous_hash", "account_tree_hash", "close_time", "consensus_value_hash", "version", "tx_count", "validators_hash", "reserve", "fees_hash", "chain_id", "domain_account_hashs")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_HASH_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TREE_HASH_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_VALUE_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TX_COUNT_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_HASH_FIELD_NUMBER: _ClassVar[int]
    RESERVE_FIELD_NUMBER: _ClassVar[int]
    FEES_HASH_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_ACCOUNT_HASHS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    hash: bytes
    previous_hash: bytes
    account_tree_hash: bytes
    close_time: int
    consensus_value_hash: bytes
    version: int
    tx_count: int
    validators_hash: bytes
    reserve: str
    fees_hash: bytes
    chain_id: int
    domain_account_hashs: _containers.RepeatedCompositeFieldContainer[DomainAccountHash]
    def __init__(self, seq: _Optional[int] = ..., hash: _Optional[bytes] = ..., previous_hash: _Optional[bytes] = ..., account_tree_hash: _Optional[bytes] = ..., close_time: _Optional[int] = ..., consensus_value_hash: _Optional[bytes] = ..., version: _Optional[int] = ..., tx_count: _Optional[int] = ..., validators_hash: _Optional[bytes] = ..., reserve: _Optional[str] = ..., fees_hash: _Optional[bytes] = ..., chain_id: _Optional[int] = ..., domain_account_hashs: _Optional[_Iterable[_Union[DomainAccountHash, _Mapping]]] = ...) -> None: ...

class BumoLedgerHeader(_message.Message):
    __slots__ = ("seq", "hash", "previous_hash", "account_tree_hash", "close_time", "consensus_value_hash", "version", "tx_count", "validators_hash", "fees_hash", "reserve", "chain_id")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_HASH_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TREE_HASH_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_VALUE_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TX_COUNT_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_HASH_FIELD_NUMBER: _ClassVar[int]
    FEES_HASH_FIELD_NUMBER: _ClassVar[int]
    RESERVE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    seq: int
    hash: bytes
    previous_hash: bytes
    account_tree_hash: bytes
    close_time: int
    consensus_value_hash: bytes
    version: int
    tx_count: int
    validators_hash: bytes
    fees_hash: bytes
    reserve: str
    chain_id: int
    def __init__(self, seq: _Optional[int] = ..., hash: _Optional[bytes] = ..., previous_hash: _Optional[bytes] = ..., account_tree_hash: _Optional[bytes] = ..., close_time: _Optional[int] = ..., consensus_value_hash: _Optional[bytes] = ..., version: _Optional[int] = ..., tx_count: _Optional[int] = ..., validators_hash: _Optional[bytes] = ..., fees_hash: _Optional[bytes] = ..., reserve: _Optional[str] = ..., chain_id: _Optional[int] = ...) -> None: ...

class BumoLedger(_message.Message):
    __slots__ = ("header", "transaction_envs")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ENVS_FIELD_NUMBER: _ClassVar[int]
    header: BumoLedgerHeader
    transaction_envs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, header: _Optional[_Union[BumoLedgerHeader, _Mapping]] = ..., transaction_envs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Validator(_message.Message):
    __slots__ = ("address", "pledge_coin_amount")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PLEDGE_COIN_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    address: str
    pledge_coin_amount: int
    def __init__(self, address: _Optional[str] = ..., pledge_coin_amount: _Optional[int] = ...) -> None: ...

class ValidatorSet(_message.Message):
    __slots__ = ("validators",)
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    validators: _containers.RepeatedCompositeFieldContainer[Validator]
    def __init__(self, validators: _Optional[_Iterable[_Union[Validator, _Mapping]]] = ...) -> None: ...

class FeeConfig(_message.Message):
    __slots__ = ("gas_price", "base_reserve")
    GAS_PRICE_FIELD_NUMBER: _ClassVar[int]
    BASE_RESERVE_FIELD_NUMBER: _ClassVar[int]
    gas_price: int
    base_reserve: int
    def __init__(self, gas_price: _Optional[int] = ..., base_reserve: _Optional[int] = ...) -> None: ...

class LedgerUpgrade(_message.Message):
    __slots__ = ("new_ledger_version", "new_validator_list", "chain_code")
    NEW_LEDGER_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_VALIDATOR_LIST_FIELD_NUMBER: _ClassVar[int]
    CHAIN_CODE_FIELD_NUMBER: _ClassVar[int]
    new_ledger_version: int
    new_validator_list: _containers.RepeatedScalarFieldContainer[str]
    chain_code: str
    def __init__(self, new_ledger_version: _Optional[int] = ..., new_validator_list: _Optional[_Iterable[str]] = ..., chain_code: _Optional[str] = ...) -> None: ...

class TransactionEnvSet(_message.Message):
    __slots__ = ("txs",)
    TXS_FIELD_NUMBER: _ClassVar[int]
    txs: _containers.RepeatedCompositeFieldContainer[_transaction_pb2.TransactionEnv]
    def __init__(self, txs: _Optional[_Iterable[_Union[_transaction_pb2.TransactionEnv, _Mapping]]] = ...) -> None: ...

class ConsensusValueValidation(_message.Message):
    __slots__ = ("expire_tx_ids", "error_tx_ids", "succ_tx_count")
    EXPIRE_TX_IDS_FIELD_NUMBER: _ClassVar[int]
    ERROR_TX_IDS_FIELD_NUMBER: _ClassVar[int]
    SUCC_TX_COUNT_FIELD_NUMBER: _ClassVar[int]
    expire_tx_ids: _containers.RepeatedScalarFieldContainer[int]
    error_tx_ids: _containers.RepeatedScalarFieldContainer[int]
    succ_tx_count: int
    def __init__(self, expire_tx_ids: _Optional[_Iterable[int]] = ..., error_tx_ids: _Optional[_Iterable[int]] = ..., succ_tx_count: _Optional[int] = ...) -> None: ...

class ConsensusValue(_message.Message):
    __slots__ = ("txset", "close_time", "previous_proof", "ledger_seq", "previous_ledger_hash", "ledger_upgrade", "validation", "txs", "txhash")
    TXSET_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_PROOF_FIELD_NUMBER: _ClassVar[int]
    LEDGER_SEQ_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_LEDGER_HASH_FIELD_NUMBER: _ClassVar[int]
    LEDGER_UPGRADE_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    TXS_FIELD_NUMBER: _ClassVar[int]
    TXHASH_FIELD_NUMBER: _ClassVar[int]
    txset: TransactionEnvSet
    close_time: int
    previous_proof: bytes
    ledger_seq: int
    previous_ledger_hash: bytes
    ledger_upgrade: LedgerUpgrade
    validation: ConsensusValueValidation
    txs: bytes
    txhash: bytes
    def __init__(self, txset: _Optional[_Union[TransactionEnvSet, _Mapping]] = ..., close_time: _Optional[int] = ..., previous_proof: _Optional[bytes] = ..., ledger_seq: _Optional[int] = ..., previous_ledger_hash: _Optional[bytes] = ..., ledger_upgrade: _Optional[_Union[LedgerUpgrade, _Mapping]] = ..., validation: _Optional[_Union[ConsensusValueValidation, _Mapping]] = ..., txs: _Optional[bytes] = ..., txhash: _Optional[bytes] = ...) -> None: ...

class LedgerBundle(_message.Message):
    __slots__ = ("header", "consensus_value", "next_proof", "validators", "previous_proof", "finality")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_VALUE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PROOF_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_PROOF_FIELD_NUMBER: _ClassVar[int]
    FINALITY_FIELD_NUMBER: _ClassVar[int]
    header: bytes
    consensus_value: bytes
    next_proof: bytes
    validators: bytes
    previous_proof: bytes
    finality: Finality
    def __init__(self, header: _Optional[bytes] = ..., consensus_value: _Optional[bytes] = ..., next_proof: _Optional[bytes] = ..., validators: _Optional[bytes] = ..., previous_proof: _Optional[bytes] = ..., finality: _Optional[_Union[Finality, _Mapping]] = ...) -> None: ...

class Finality(_message.Message):
    __slots__ = ("next_value", "proof", "validators")
    NEXT_VALUE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    next_value: bytes
    proof: bytes
    validators: bytes
    def __init__(self, next_value: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., validators: _Optional[bytes] = ...) -> None: ...
