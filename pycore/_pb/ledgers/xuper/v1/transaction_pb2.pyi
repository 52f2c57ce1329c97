from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResourceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOURCE_TYPE_CPU_UNSPECIFIED: _ClassVar[ResourceType]
    RESOURCE_TYPE_MEMORY: _ClassVar[ResourceType]
    RESOURCE_TYPE_DISK: _ClassVar[ResourceType]
    RESOURCE_TYPE_XFEE: _ClassVar[ResourceType]
RESOURCE_TYPE_CPU_UNSPECIFIED: ResourceType
RESOURCE_TYPE_MEMORY: ResourceType
RESOURCE_TYPE_DISK: ResourceType
RESOURCE_TYPE_XFEE: ResourceType

class TxInput(_message.Message):
    __slots__ = ("ref_txid", "ref_offset", "from_addr", "amount", "frozen_height")
    REF_TXID_FIELD_NUMBER: _ClassVar[int]
    REF_OFFSET_FIELD_NUMBER: _ClassVar[int]
    FROM_ADDR_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FROZEN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ref_txid: bytes
    ref_offset: int
    from_addr: bytes
    amount: bytes
    frozen_height: int
    def __init__(self, ref_txid: _Optional[bytes] = ..., ref_offset: _Optional[int] = ..., from_addr: _Optional[bytes] = ..., amount: _Optional[bytes] = ..., frozen_height: _Optional[int] = ...) -> None: ...

class TxOutput(_message.Message):
    __slots__ = ("amount", "to_addr", "frozen_height")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    TO_ADDR_FIELD_NUMBER: _ClassVar[int]
    FROZEN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    amount: bytes
    to_addr: bytes
    frozen_height: int
    def __init__(self, amount: _Optional[bytes] = ..., to_addr: _Optional[bytes] = ..., frozen_height: _Optional[int] = ...) -> None: ...

class TxInputExt(_message.Message):
    __slots__ = ("bucket", "key", "ref_txid", "ref_offset")
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    REF_TXID_FIELD_NUMBER: _ClassVar[int]
    REF_OFFSET_FIELD_NUMBER: _ClassVar[int]
    bucket: str
    key: bytes
    ref_txid: bytes
    ref_offset: int
    def __init__(self, bucket: _Optional[str] = ..., key: _Optional[bytes] = ..., ref_txid: _Optional[bytes] = ..., ref_offset: _Optional[int] = ...) -> None: ...

class TxOutputExt(_message.Message):
    __slots__ = ("bucket", "key", "value")
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    bucket: str
    key: bytes
    value: bytes
    def __init__(self, bucket: _Optional[str] = ..., key: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...

class ResourceLimit(_message.Message):
    __slots__ = ("type", "limit")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    type: ResourceType
    limit: int
    def __init__(self, type: _Optional[_Union[ResourceType, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class InvokeRequest(_message.Message):
    __slots__ = ("module_name", "contract_name", "method_name", "args", "resource_limits", "amount")
    class ArgsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    MODULE_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NAME_FIELD_NUMBER: _ClassVar[int]
    METHOD_NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    module_name: str
    contract_name: str
    method_name: str
    args: _containers.ScalarMap[str, bytes]
    resource_limits: _containers.RepeatedCompositeFieldContainer[ResourceLimit]
    amount: str
    def __init__(self, module_name: _Optional[str] = ..., contract_name: _Optional[str] = ..., method_name: _Optional[str] = ..., args: _Optional[_Mapping[str, bytes]] = ..., resource_limits: _Optional[_Iterable[_Union[ResourceLimit, _Mapping]]] = ..., amount: _Optional[str] = ...) -> None: ...

class SignatureInfo(_message.Message):
    __slots__ = ("public_key", "sign")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    public_key: str
    sign: bytes
    def __init__(self, public_key: _Optional[str] = ..., sign: _Optional[bytes] = ...) -> None: ...

class XuperSignature(_message.Message):
    __slots__ = ("public_keys", "signature")
    PUBLIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    public_keys: _containers.RepeatedScalarFieldContainer[bytes]
    signature: bytes
    def __init__(self, public_keys: _Optional[_Iterable[bytes]] = ..., signature: _Optional[bytes] = ...) -> None: ...

class HDInfo(_message.Message):
    __slots__ = ("hd_public_key", "original_hash")
    HD_PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_HASH_FIELD_NUMBER: _ClassVar[int]
    hd_public_key: bytes
    original_hash: bytes
    def __init__(self, hd_public_key: _Optional[bytes] = ..., original_hash: _Optional[bytes] = ...) -> None: ...

class ModifyBlock(_message.Message):
    __slots__ = ("effective_txid", "marked", "effective_height", "public_key", "sign")
    EFFECTIVE_TXID_FIELD_NUMBER: _ClassVar[int]
    MARKED_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    effective_txid: str
    marked: bool
    effective_height: int
    public_key: str
    sign: str
    def __init__(self, effective_txid: _Optional[str] = ..., marked: _Optional[bool] = ..., effective_height: _Optional[int] = ..., public_key: _Optional[str] = ..., sign: _Optional[str] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("txid", "blockid", "tx_inputs", "tx_outputs", "desc", "coinbase", "nonce", "timestamp", "version", "autogen", "tx_inputs_ext", "tx_outputs_ext", "contract_requests", "initiator", "auth_require", "initiator_signs", "auth_require_signs", "received_timestamp", "xuper_sign", "modify_block", "hd_info")
    TXID_FIELD_NUMBER: _ClassVar[int]
    BLOCKID_FIELD_NUMBER: _ClassVar[int]
    TX_INPUTS_FIELD_NUMBER: _ClassVar[int]
    TX_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    DESC_FIELD_NUMBER: _ClassVar[int]
    COINBASE_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AUTOGEN_FIELD_NUMBER: _ClassVar[int]
    TX_INPUTS_EXT_FIELD_NUMBER: _ClassVar[int]
    TX_OUTPUTS_EXT_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_FIELD_NUMBER: _ClassVar[int]
    AUTH_REQUIRE_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_SIGNS_FIELD_NUMBER: _ClassVar[int]
    AUTH_REQUIRE_SIGNS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    XUPER_SIGN_FIELD_NUMBER: _ClassVar[int]
    MODIFY_BLOCK_FIELD_NUMBER: _ClassVar[int]
    HD_INFO_FIELD_NUMBER: _ClassVar[int]
    txid: bytes
    blockid: bytes
    tx_inputs: _containers.RepeatedCompositeFieldContainer[TxInput]
    tx_outputs: _containers.RepeatedCompositeFieldContainer[TxOutput]
    desc: bytes
    coinbase: bool
    nonce: str
    timestamp: int
    version: int
    autogen: bool
    tx_inputs_ext: _containers.RepeatedCompositeFieldContainer[TxInputExt]
    tx_outputs_ext: _containers.RepeatedCompositeFieldContainer[TxOutputExt]
    contract_requests: _containers.RepeatedCompositeFieldContainer[InvokeRequest]
    initiator: str
    auth_require: _containers.RepeatedScalarFieldContainer[str]
    initiator_signs: _containers.RepeatedCompositeFieldContainer[SignatureInfo]
    auth_require_signs: _containers.RepeatedCompositeFieldContainer[SignatureInfo]
    received_timestamp: int
    xuper_sign: XuperSignature
    modify_block: ModifyBlock
    hd_info: HDInfo
    def __init__(self, txid: _Optional[bytes] = ..., blockid: _Optional[bytes] = ..., tx_inputs: _Optional[_Iterable[_Union[TxInput, _Mapping]]] = ..., tx_outputs: _Optional[_Iterable[_Union[TxOutput, _Mapping]]] = ..., desc: _Optional[bytes] = ..., coinbase: _Optional[bool] = ..., nonce: _Optional[str] = ..., timestamp: _Optional[int] = ..., version: _Optional[int] = ..., autogen: _Optional[bool] = ..., tx_inputs_ext: _Optional[_Iterable[_Union[TxInputExt, _Mapping]]] = ..., tx_outputs_ext: _Optional[_Iterable[_Union[TxOutputExt, _Mapping]]] = ..., contract_requests: _Optional[_Iterable[_Union[InvokeRequest, _Mapping]]] = ..., initiator: _Optional[str] = ..., auth_require: _Optional[_Iterable[str]] = ..., initiator_signs: _Optional[_Iterable[_Union[SignatureInfo, _Mapping]]] = ..., auth_require_signs: _Optional[_Iterable[_Union[SignatureInfo, _Mapping]]] = ..., received_timestamp: _Optional[int] = ..., xuper_sign: _Optional[_Union[XuperSignature, _Mapping]] = ..., modify_block: _Optional[_Union[ModifyBlock, _Mapping]] = ..., hd_info: _Optional[_Union[HDInfo, _Mapping]] = ...) -> None: ...

class ContractEvent(_message.Message):
    __slots__ = ("contract", "name", "body")
    CONTRACT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    contract: str
    name: str
    body: bytes
    def __init__(self, contract: _Optional[str] = ..., name: _Optional[str] = ..., body: _Optional[bytes] = ...) -> None: ...
