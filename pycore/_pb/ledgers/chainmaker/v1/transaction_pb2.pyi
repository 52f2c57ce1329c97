from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MemberType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_TYPE_CERT: _ClassVar[MemberType]
    MEMBER_TYPE_CERT_HASH: _ClassVar[MemberType]
    MEMBER_TYPE_PUBLIC_KEY: _ClassVar[MemberType]
    MEMBER_TYPE_DID: _ClassVar[MemberType]
    MEMBER_TYPE_ALIAS: _ClassVar[MemberType]
    MEMBER_TYPE_ADDR: _ClassVar[MemberType]

class TxType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TX_TYPE_INVOKE_CONTRACT: _ClassVar[TxType]
    TX_TYPE_QUERY_CONTRACT: _ClassVar[TxType]
    TX_TYPE_SUBSCRIBE: _ClassVar[TxType]
    TX_TYPE_ARCHIVE: _ClassVar[TxType]
    TX_TYPE_HOT_COLD_DATA_SEPARATION: _ClassVar[TxType]
    TX_TYPE_SNAPSHOT: _ClassVar[TxType]
    TX_TYPE_ETH_TX: _ClassVar[TxType]

class VoteStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOTE_STATUS_AGREE: _ClassVar[VoteStatus]
    VOTE_STATUS_REJECT: _ClassVar[VoteStatus]

class MultiSignStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MULTI_SIGN_STATUS_PROCESSING: _ClassVar[MultiSignStatus]
    MULTI_SIGN_STATUS_ADOPTED: _ClassVar[MultiSignStatus]
    MULTI_SIGN_STATUS_REFUSED: _ClassVar[MultiSignStatus]
    MULTI_SIGN_STATUS_FAILED: _ClassVar[MultiSignStatus]
    MULTI_SIGN_STATUS_PASSED: _ClassVar[MultiSignStatus]
MEMBER_TYPE_CERT: MemberType
MEMBER_TYPE_CERT_HASH: MemberType
MEMBER_TYPE_PUBLIC_KEY: MemberType
MEMBER_TYPE_DID: MemberType
MEMBER_TYPE_ALIAS: MemberType
MEMBER_TYPE_ADDR: MemberType
TX_TYPE_INVOKE_CONTRACT: TxType
TX_TYPE_QUERY_CONTRACT: TxType
TX_TYPE_SUBSCRIBE: TxType
TX_TYPE_ARCHIVE: TxType
TX_TYPE_HOT_COLD_DATA_SEPARATION: TxType
TX_TYPE_SNAPSHOT: TxType
TX_TYPE_ETH_TX: TxType
VOTE_STATUS_AGREE: VoteStatus
VOTE_STATUS_REJECT: VoteStatus
MULTI_SIGN_STATUS_PROCESSING: MultiSignStatus
MULTI_SIGN_STATUS_ADOPTED: MultiSignStatus
MULTI_SIGN_STATUS_REFUSED: MultiSignStatus
MULTI_SIGN_STATUS_FAILED: MultiSignStatus
MULTI_SIGN_STATUS_PASSED: MultiSignStatus

class Member(_message.Message):
    __slots__ = ("org_id", "member_type", "member_info")
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_TYPE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_INFO_FIELD_NUMBER: _ClassVar[int]
    org_id: str
    member_type: MemberType
    member_info: bytes
    def __init__(self, org_id: _Optional[str] = ..., member_type: _Optional[_Union[MemberType, str]] = ..., member_info: _Optional[bytes] = ...) -> None: ...

class EndorsementEntry(_message.Message):
    __slots__ = ("signer", "signature")
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    signer: Member
    signature: bytes
    def __init__(self, signer: _Optional[_Union[Member, _Mapping]] = ..., signature: _Optional[bytes] = ...) -> None: ...

class KeyValuePair(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: bytes
    def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...

class Limit(_message.Message):
    __slots__ = ("gas_limit", "gas_price")
    GAS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    GAS_PRICE_FIELD_NUMBER: _ClassVar[int]
    gas_limit: int
    gas_price: int
    def __init__(self, gas_limit: _Optional[int] = ..., gas_price: _Optional[int] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("chain_id", "tx_type", "tx_id", "timestamp", "expiration_time", "contract_name", "method", "parameters", "sequence", "limit")
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    TX_TYPE_FIELD_NUMBER: _ClassVar[int]
    TX_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    EXPIRATION_TIME_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NAME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    chain_id: str
    tx_type: TxType
    tx_id: str
    timestamp: int
    expiration_time: int
    contract_name: str
    method: str
    parameters: _containers.RepeatedCompositeFieldContainer[KeyValuePair]
    sequence: int
    limit: Limit
    def __init__(self, chain_id: _Optional[str] = ..., tx_type: _Optional[_Union[TxType, str]] = ..., tx_id: _Optional[str] = ..., timestamp: _Optional[int] = ..., expiration_time: _Optional[int] = ..., contract_name: _Optional[str] = ..., method: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[KeyValuePair, _Mapping]]] = ..., sequence: _Optional[int] = ..., limit: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...

class ContractEvent(_message.Message):
    __slots__ = ("topic", "tx_id", "contract_name", "contract_version", "event_data", "index_count")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    TX_ID_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_DATA_FIELD_NUMBER: _ClassVar[int]
    INDEX_COUNT_FIELD_NUMBER: _ClassVar[int]
    topic: str
    tx_id: str
    contract_name: str
    contract_version: str
    event_data: _containers.RepeatedScalarFieldContainer[str]
    index_count: int
    def __init__(self, topic: _Optional[str] = ..., tx_id: _Optional[str] = ..., contract_name: _Optional[str] = ..., contract_version: _Optional[str] = ..., event_data: _Optional[_Iterable[str]] = ..., index_count: _Optional[int] = ...) -> None: ...

class ContractResult(_message.Message):
    __slots__ = ("code", "result", "message", "gas_used", "contract_event")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    GAS_USED_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_EVENT_FIELD_NUMBER: _ClassVar[int]
    code: int
    result: bytes
    message: str
    gas_used: int
    contract_event: _containers.RepeatedCompositeFieldContainer[ContractEvent]
    def __init__(self, code: _Optional[int] = ..., result: _Optional[bytes] = ..., message: _Optional[str] = ..., gas_used: _Optional[int] = ..., contract_event: _Optional[_Iterable[_Union[ContractEvent, _Mapping]]] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("code", "contract_result", "rw_set_hash", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_RESULT_FIELD_NUMBER: _ClassVar[int]
    RW_SET_HASH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    contract_result: ContractResult
    rw_set_hash: bytes
    message: str
    def __init__(self, code: _Optional[int] = ..., contract_result: _Optional[_Union[ContractResult, _Mapping]] = ..., rw_set_hash: _Optional[bytes] = ..., message: _Optional[str] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("payload", "sender", "endorsers", "result", "payer")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    ENDORSERS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    PAYER_FIELD_NUMBER: _ClassVar[int]
    payload: Payload
    sender: EndorsementEntry
    endorsers: _containers.RepeatedCompositeFieldContainer[EndorsementEntry]
    result: Result
    payer: EndorsementEntry
    def __init__(self, payload: _Optional[_Union[Payload, _Mapping]] = ..., sender: _Optional[_Union[EndorsementEntry, _Mapping]] = ..., endorsers: _Optional[_Iterable[_Union[EndorsementEntry, _Mapping]]] = ..., result: _Optional[_Union[Result, _Mapping]] = ..., payer: _Optional[_Union[EndorsementEntry, _Mapping]] = ...) -> None: ...

class TxRequest(_message.Message):
    __slots__ = ("payload", "sender", "endorsers", "payer")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    ENDORSERS_FIELD_NUMBER: _ClassVar[int]
    PAYER_FIELD_NUMBER: _ClassVar[int]
    payload: Payload
    sender: EndorsementEntry
    endorsers: _containers.RepeatedCompositeFieldContainer[EndorsementEntry]
    payer: EndorsementEntry
    def __init__(self, payload: _Optional[_Union[Payload, _Mapping]] = ..., sender: _Optional[_Union[EndorsementEntry, _Mapping]] = ..., endorsers: _Optional[_Iterable[_Union[EndorsementEntry, _Mapping]]] = ..., payer: _Optional[_Union[EndorsementEntry, _Mapping]] = ...) -> None: ...

class KeyVersion(_message.Message):
    __slots__ = ("ref_tx_id", "ref_offset")
    REF_TX_ID_FIELD_NUMBER: _ClassVar[int]
    REF_OFFSET_FIELD_NUMBER: _ClassVar[int]
    ref_tx_id: str
    ref_offset: int
    def __init__(self, ref_tx_id: _Optional[str] = ..., ref_offset: _Optional[int] = ...) -> None: ...

class TxRead(_message.Message):
    __slots__ = ("key", "value", "contract_name", "version")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    contract_name: str
    version: KeyVersion
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ..., contract_name: _Optional[str] = ..., version: _Optional[_Union[KeyVersion, _Mapping]] = ...) -> None: ...

class TxWrite(_message.Message):
    __slots__ = ("key", "value", "contract_name")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NAME_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    value: bytes
    contract_name: str
    def __init__(self, key: _Optional[bytes] = ..., value: _Optional[bytes] = ..., contract_name: _Optional[str] = ...) -> None: ...

class TxRWSet(_message.Message):
    __slots__ = ("tx_id", "tx_reads", "tx_writes")
    TX_ID_FIELD_NUMBER: _ClassVar[int]
    TX_READS_FIELD_NUMBER: _ClassVar[int]
    TX_WRITES_FIELD_NUMBER: _ClassVar[int]
    tx_id: str
    tx_reads: _containers.RepeatedCompositeFieldContainer[TxRead]
    tx_writes: _containers.RepeatedCompositeFieldContainer[TxWrite]
    def __init__(self, tx_id: _Optional[str] = ..., tx_reads: _Optional[_Iterable[_Union[TxRead, _Mapping]]] = ..., tx_writes: _Optional[_Iterable[_Union[TxWrite, _Mapping]]] = ...) -> None: ...

class MultiSignVoteInfo(_message.Message):
    __slots__ = ("vote", "endorsement")
    VOTE_FIELD_NUMBER: _ClassVar[int]
    ENDORSEMENT_FIELD_NUMBER: _ClassVar[int]
    vote: VoteStatus
    endorsement: EndorsementEntry
    def __init__(self, vote: _Optional[_Union[VoteStatus, str]] = ..., endorsement: _Optional[_Union[EndorsementEntry, _Mapping]] = ...) -> None: ...

class MultiSignInfo(_message.Message):
    __slots__ = ("payload", "contract_name", "method", "status", "vote_infos", "message", "result")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_NAME_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VOTE_INFOS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    payload: Payload
    contract_name: str
    method: str
    status: MultiSignStatus
    vote_infos: _containers.RepeatedCompositeFieldContainer[MultiSignVoteInfo]
    message: str
    result: bytes
    def __init__(self, payload: _Optional[_Union[Payload, _Mapping]] = ..., contract_name: _Optional[str] = ..., method: _Optional[str] = ..., status: _Optional[_Union[MultiSignStatus, str]] = ..., vote_infos: _Optional[_Iterable[_Union[MultiSignVoteInfo, _Mapping]]] = ..., message: _Optional[str] = ..., result: _Optional[bytes] = ...) -> None: ...
