from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_TYPE_UNKNOWN: _ClassVar[OperationType]
    OPERATION_TYPE_CREATE_ACCOUNT: _ClassVar[OperationType]
    OPERATION_TYPE_ISSUE_ASSET: _ClassVar[OperationType]
    OPERATION_TYPE_PAY_ASSET: _ClassVar[OperationType]
    OPERATION_TYPE_SET_METADATA: _ClassVar[OperationType]
    OPERATION_TYPE_SET_SIGNER_WEIGHT: _ClassVar[OperationType]
    OPERATION_TYPE_SET_THRESHOLD: _ClassVar[OperationType]
    OPERATION_TYPE_PAY_COIN: _ClassVar[OperationType]
    OPERATION_TYPE_LOG: _ClassVar[OperationType]
    OPERATION_TYPE_SET_PRIVILEGE: _ClassVar[OperationType]
    OPERATION_TYPE_UPGRADE_CONTRACT: _ClassVar[OperationType]
    OPERATION_TYPE_SET_CONTROLLED_AREA: _ClassVar[OperationType]
    OPERATION_TYPE_CREATE_PRIVATE_CONTRACT: _ClassVar[OperationType]
    OPERATION_TYPE_CALL_PRIVATE_CONTRACT: _ClassVar[OperationType]

class ContractType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTRACT_TYPE_JAVASCRIPT: _ClassVar[ContractType]
    CONTRACT_TYPE_EVM: _ClassVar[ContractType]
    CONTRACT_TYPE_SYSTEM: _ClassVar[ContractType]
OPERATION_TYPE_UNKNOWN: OperationType
OPERATION_TYPE_CREATE_ACCOUNT: OperationType
OPERATION_TYPE_ISSUE_ASSET: OperationType
OPERATION_TYPE_PAY_ASSET: OperationType
OPERATION_TYPE_SET_METADATA: OperationType
OPERATION_TYPE_SET_SIGNER_WEIGHT: OperationType
OPERATION_TYPE_SET_THRESHOLD: OperationType
OPERATION_TYPE_PAY_COIN: OperationType
OPERATION_TYPE_LOG: OperationType
OPERATION_TYPE_SET_PRIVILEGE: OperationType
OPERATION_TYPE_UPGRADE_CONTRACT: OperationType
OPERATION_TYPE_SET_CONTROLLED_AREA: OperationType
OPERATION_TYPE_CREATE_PRIVATE_CONTRACT: OperationType
OPERATION_TYPE_CALL_PRIVATE_CONTRACT: OperationType
CONTRACT_TYPE_JAVASCRIPT: ContractType
CONTRACT_TYPE_EVM: ContractType
CONTRACT_TYPE_SYSTEM: ContractType

class KeyPair(_message.Message):
    __slots__ = ("key", "value", "version")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    version: int
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class Signer(_message.Message):
    __slots__ = ("address", "weight")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    address: str
    weight: int
    def __init__(self, address: _Optional[str] = ..., weight: _Optional[int] = ...) -> None: ...

class OperationTypeThreshold(_message.Message):
    __slots__ = ("type", "threshold")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    type: OperationType
    threshold: int
    def __init__(self, type: _Optional[_Union[OperationType, str]] = ..., threshold: _Optional[int] = ...) -> None: ...

class AccountThreshold(_message.Message):
    __slots__ = ("tx_threshold", "type_thresholds")
    TX_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TYPE_THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    tx_threshold: int
    type_thresholds: _containers.RepeatedCompositeFieldContainer[OperationTypeThreshold]
    def __init__(self, tx_threshold: _Optional[int] = ..., type_thresholds: _Optional[_Iterable[_Union[OperationTypeThreshold, _Mapping]]] = ...) -> None: ...

class AccountPrivilege(_message.Message):
    __slots__ = ("master_weight", "signers", "thresholds")
    MASTER_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SIGNERS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    master_weight: int
    signers: _containers.RepeatedCompositeFieldContainer[Signer]
    thresholds: AccountThreshold
    def __init__(self, master_weight: _Optional[int] = ..., signers: _Optional[_Iterable[_Union[Signer, _Mapping]]] = ..., thresholds: _Optional[_Union[AccountThreshold, _Mapping]] = ...) -> None: ...

class Contract(_message.Message):
    __slots__ = ("type", "payload", "version")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    type: ContractType
    payload: str
    version: int
    def __init__(self, type: _Optional[_Union[ContractType, str]] = ..., payload: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class OperationCreateAccount(_message.Message):
    __slots__ = ("dest_address", "contract", "priv", "metadatas", "init_balance", "init_input", "dest_public_key", "raw_dest_address")
    DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    PRIV_FIELD_NUMBER: _ClassVar[int]
    METADATAS_FIELD_NUMBER: _ClassVar[int]
    INIT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    INIT_INPUT_FIELD_NUMBER: _ClassVar[int]
    DEST_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    RAW_DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    dest_address: str
    contract: Contract
    priv: AccountPrivilege
    metadatas: _containers.RepeatedCompositeFieldContainer[KeyPair]
    init_balance: int
    init_input: str
    dest_public_key: str
    raw_dest_address: bytes
    def __init__(self, dest_address: _Optional[str] = ..., contract: _Optional[_Union[Contract, _Mapping]] = ..., priv: _Optional[_Union[AccountPrivilege, _Mapping]] = ..., metadatas: _Optional[_Iterable[_Union[KeyPair, _Mapping]]] = ..., init_balance: _Optional[int] = ..., init_input: _Optional[str] = ..., dest_public_key: _Optional[str] = ..., raw_dest_address: _Optional[bytes] = ...) -> None: ...

class OperationSetMetadata(_message.Message):
    __slots__ = ("key", "value", "version", "delete_flag")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DELETE_FLAG_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    version: int
    delete_flag: bool
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ..., version: _Optional[int] = ..., delete_flag: _Optional[bool] = ...) -> None: ...

class OperationSetSignerWeight(_message.Message):
    __slots__ = ("master_weight", "signers")
    MASTER_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SIGNERS_FIELD_NUMBER: _ClassVar[int]
    master_weight: int
    signers: _containers.RepeatedCompositeFieldContainer[Signer]
    def __init__(self, master_weight: _Optional[int] = ..., signers: _Optional[_Iterable[_Union[Signer, _Mapping]]] = ...) -> None: ...

class OperationSetThreshold(_message.Message):
    __slots__ = ("tx_threshold", "type_thresholds")
    TX_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TYPE_THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    tx_threshold: int
    type_thresholds: _containers.RepeatedCompositeFieldContainer[OperationTypeThreshold]
    def __init__(self, tx_threshold: _Optional[int] = ..., type_thresholds: _Optional[_Iterable[_Union[OperationTypeThreshold, _Mapping]]] = ...) -> None: ...

class OperationPayCoin(_message.Message):
    __slots__ = ("dest_address", "amount", "input", "raw_dest_address")
    DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    RAW_DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    dest_address: str
    amount: int
    input: str
    raw_dest_address: bytes
    def __init__(self, dest_address: _Optional[str] = ..., amount: _Optional[int] = ..., input: _Optional[str] = ..., raw_dest_address: _Optional[bytes] = ...) -> None: ...

class OperationLog(_message.Message):
    __slots__ = ("topic", "datas")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    DATAS_FIELD_NUMBER: _ClassVar[int]
    topic: str
    datas: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, topic: _Optional[str] = ..., datas: _Optional[_Iterable[str]] = ...) -> None: ...

class OperationSetPrivilege(_message.Message):
    __slots__ = ("master_weight", "signers", "tx_threshold", "type_thresholds")
    MASTER_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SIGNERS_FIELD_NUMBER: _ClassVar[int]
    TX_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    TYPE_THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    master_weight: str
    signers: _containers.RepeatedCompositeFieldContainer[Signer]
    tx_threshold: str
    type_thresholds: _containers.RepeatedCompositeFieldContainer[OperationTypeThreshold]
    def __init__(self, master_weight: _Optional[str] = ..., signers: _Optional[_Iterable[_Union[Signer, _Mapping]]] = ..., tx_threshold: _Optional[str] = ..., type_thresholds: _Optional[_Iterable[_Union[OperationTypeThreshold, _Mapping]]] = ...) -> None: ...

class OperationUpgradeContract(_message.Message):
    __slots__ = ("dest_address", "payload", "type")
    DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    dest_address: str
    payload: str
    type: int
    def __init__(self, dest_address: _Optional[str] = ..., payload: _Optional[str] = ..., type: _Optional[int] = ...) -> None: ...

class OperationSetControlledArea(_message.Message):
    __slots__ = ("dest_address", "s_trusted", "s_status", "trusted", "status", "attributes")
    DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    S_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    S_STATUS_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    dest_address: str
    s_trusted: bool
    s_status: bool
    trusted: int
    status: int
    attributes: _containers.RepeatedCompositeFieldContainer[KeyPair]
    def __init__(self, dest_address: _Optional[str] = ..., s_trusted: _Optional[bool] = ..., s_status: _Optional[bool] = ..., trusted: _Optional[int] = ..., status: _Optional[int] = ..., attributes: _Optional[_Iterable[_Union[KeyPair, _Mapping]]] = ...) -> None: ...

class OperationCreatePrivateContract(_message.Message):
    __slots__ = ("contract", "init_input")
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    INIT_INPUT_FIELD_NUMBER: _ClassVar[int]
    contract: Contract
    init_input: str
    def __init__(self, contract: _Optional[_Union[Contract, _Mapping]] = ..., init_input: _Optional[str] = ...) -> None: ...

class OperationCallPrivateContract(_message.Message):
    __slots__ = ("dest_address", "input")
    DEST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    dest_address: str
    input: str
    def __init__(self, dest_address: _Optional[str] = ..., input: _Optional[str] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("type", "source_address", "metadata", "create_account", "set_metadata", "set_signer_weight", "set_threshold", "pay_coin", "log", "set_privilege", "upgrade_contract", "set_controlled_area", "create_private_contract", "call_private_contract", "raw_source_address")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SET_METADATA_FIELD_NUMBER: _ClassVar[int]
    SET_SIGNER_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SET_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    PAY_COIN_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    SET_PRIVILEGE_FIELD_NUMBER: _ClassVar[int]
    UPGRADE_CONTRACT_FIELD_NUMBER: _ClassVar[int]
    SET_CONTROLLED_AREA_FIELD_NUMBER: _ClassVar[int]
    CREATE_PRIVATE_CONTRACT_FIELD_NUMBER: _ClassVar[int]
    CALL_PRIVATE_CONTRACT_FIELD_NUMBER: _ClassVar[int]
    RAW_SOURCE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    type: OperationType
    source_address: str
    metadata: bytes
    create_account: OperationCreateAccount
    set_metadata: OperationSetMetadata
    set_signer_weight: OperationSetSignerWeight
    set_threshold: OperationSetThreshold
    pay_coin: OperationPayCoin
    log: OperationLog
    set_privilege: OperationSetPrivilege
    upgrade_contract: OperationUpgradeContract
    set_controlled_area: OperationSetControlledArea
    create_private_contract: OperationCreatePrivateContract
    call_private_contract: OperationCallPrivateContract
    raw_source_address: bytes
    def __init__(self, type: _Optional[_Union[OperationType, str]] = ..., source_address: _Optional[str] = ..., metadata: _Optional[bytes] = ..., create_account: _Optional[_Union[OperationCreateAccount, _Mapping]] = ..., set_metadata: _Optional[_Union[OperationSetMetadata, _Mapping]] = ..., set_signer_weight: _Optional[_Union[OperationSetSignerWeight, _Mapping]] = ..., set_threshold: _Optional[_Union[OperationSetThreshold, _Mapping]] = ..., pay_coin: _Optional[_Union[OperationPayCoin, _Mapping]] = ..., log: _Optional[_Union[OperationLog, _Mapping]] = ..., set_privilege: _Optional[_Union[OperationSetPrivilege, _Mapping]] = ..., upgrade_contract: _Optional[_Union[OperationUpgradeContract, _Mapping]] = ..., set_controlled_area: _Optional[_Union[OperationSetControlledArea, _Mapping]] = ..., create_private_contract: _Optional[_Union[OperationCreatePrivateContract, _Mapping]] = ..., call_private_contract: _Optional[_Union[OperationCallPrivateContract, _Mapping]] = ..., raw_source_address: _Optional[bytes] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("source_address", "nonce", "expr_condition", "operations", "metadata", "fee_limit", "gas_price", "ceil_ledger_seq", "chain_id", "address_prefix", "raw_source_address", "domain_id")
    SOURCE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    EXPR_CONDITION_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    FEE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    GAS_PRICE_FIELD_NUMBER: _ClassVar[int]
    CEIL_LEDGER_SEQ_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_PREFIX_FIELD_NUMBER: _ClassVar[int]
    RAW_SOURCE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_ID_FIELD_NUMBER: _ClassVar[int]
    source_address: str
    nonce: int
    expr_condition: str
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    metadata: bytes
    fee_limit: int
    gas_price: int
    ceil_ledger_seq: int
    chain_id: int
    address_prefix: str
    raw_source_address: bytes
    domain_id: int
    def __init__(self, source_address: _Optional[str] = ..., nonce: _Optional[int] = ..., expr_condition: _Optional[str] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., metadata: _Optional[bytes] = ..., fee_limit: _Optional[int] = ..., gas_price: _Optional[int] = ..., ceil_ledger_seq: _Optional[int] = ..., chain_id: _Optional[int] = ..., address_prefix: _Optional[str] = ..., raw_source_address: _Optional[bytes] = ..., domain_id: _Optional[int] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("public_key", "sign_data")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGN_DATA_FIELD_NUMBER: _ClassVar[int]
    public_key: str
    sign_data: bytes
    def __init__(self, public_key: _Optional[str] = ..., sign_data: _Optional[bytes] = ...) -> None: ...

class Trigger(_message.Message):
    __slots__ = ("transaction_type", "ledger_seq", "transaction")
    class OperationTrigger(_message.Message):
        __slots__ = ("hash", "index")
        HASH_FIELD_NUMBER: _ClassVar[int]
        INDEX_FIELD_NUMBER: _ClassVar[int]
        hash: bytes
        index: int
        def __init__(self, hash: _Optional[bytes] = ..., index: _Optional[int] = ...) -> None: ...
    TRANSACTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    LEDGER_SEQ_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    transaction_type: int
    ledger_seq: int
    transaction: Trigger.OperationTrigger
    def __init__(self, transaction_type: _Optional[int] = ..., ledger_seq: _Optional[int] = ..., transaction: _Optional[_Union[Trigger.OperationTrigger, _Mapping]] = ...) -> None: ...

class TransactionEnv(_message.Message):
    __slots__ = ("transaction", "signatures", "trigger")
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    transaction: Transaction
    signatures: _containers.RepeatedCompositeFieldContainer[Signature]
    trigger: Trigger
    def __init__(self, transaction: _Optional[_Union[Transaction, _Mapping]] = ..., signatures: _Optional[_Iterable[_Union[Signature, _Mapping]]] = ..., trigger: _Optional[_Union[Trigger, _Mapping]] = ...) -> None: ...
