from pycore._pb.ledgers.bif.v1 import transaction_pb2 as _transaction_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PbftCommit(_message.Message):
    __slots__ = ("view_number", "sequence", "replica_id", "value_digest")
    VIEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPLICA_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    view_number: int
    sequence: int
    replica_id: int
    value_digest: bytes
    def __init__(self, view_number: _Optional[int] = ..., sequence: _Optional[int] = ..., replica_id: _Optional[int] = ..., value_digest: _Optional[bytes] = ...) -> None: ...

class Pbft(_message.Message):
    __slots__ = ("round_number", "type", "pre_prepare", "prepare", "commit", "view_change", "new_view", "view_change_with_rawvalue", "chain_id")
    ROUND_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PRE_PREPARE_FIELD_NUMBER: _ClassVar[int]
    PREPARE_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    VIEW_CHANGE_FIELD_NUMBER: _ClassVar[int]
    NEW_VIEW_FIELD_NUMBER: _ClassVar[int]
    VIEW_CHANGE_WITH_RAWVALUE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    round_number: int
    type: int
    pre_prepare: bytes
    prepare: bytes
    commit: PbftCommit
    view_change: bytes
    new_view: bytes
    view_change_with_rawvalue: bytes
    chain_id: int
    def __init__(self, round_number: _Optional[int] = ..., type: _Optional[int] = ..., pre_prepare: _Optional[bytes] = ..., prepare: _Optional[bytes] = ..., commit: _Optional[_Union[PbftCommit, _Mapping]] = ..., view_change: _Optional[bytes] = ..., new_view: _Optional[bytes] = ..., view_change_with_rawvalue: _Optional[bytes] = ..., chain_id: _Optional[int] = ...) -> None: ...

class PbftEnv(_message.Message):
    __slots__ = ("pbft", "signature")
    PBFT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    pbft: Pbft
    signature: _transaction_pb2.Signature
    def __init__(self, pbft: _Optional[_Union[Pbft, _Mapping]] = ..., signature: _Optional[_Union[_transaction_pb2.Signature, _Mapping]] = ...) -> None: ...

class PbftProof(_message.Message):
    __slots__ = ("commits",)
    COMMITS_FIELD_NUMBER: _ClassVar[int]
    commits: _containers.RepeatedCompositeFieldContainer[PbftEnv]
    def __init__(self, commits: _Optional[_Iterable[_Union[PbftEnv, _Mapping]]] = ...) -> None: ...

class XbftQcValue(_message.Message):
    __slots__ = ("node_value_hash", "node_hash", "view_number", "sequence")
    NODE_VALUE_HASH_FIELD_NUMBER: _ClassVar[int]
    NODE_HASH_FIELD_NUMBER: _ClassVar[int]
    VIEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    node_value_hash: bytes
    node_hash: bytes
    view_number: int
    sequence: int
    def __init__(self, node_value_hash: _Optional[bytes] = ..., node_hash: _Optional[bytes] = ..., view_number: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class XbftSignature(_message.Message):
    __slots__ = ("public_key", "sign_data", "sign_data_str")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGN_DATA_FIELD_NUMBER: _ClassVar[int]
    SIGN_DATA_STR_FIELD_NUMBER: _ClassVar[int]
    public_key: str
    sign_data: bytes
    sign_data_str: str
    def __init__(self, public_key: _Optional[str] = ..., sign_data: _Optional[bytes] = ..., sign_data_str: _Optional[str] = ...) -> None: ...

class XbftQc(_message.Message):
    __slots__ = ("qc_content", "signatures")
    QC_CONTENT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    qc_content: XbftQcValue
    signatures: _containers.RepeatedCompositeFieldContainer[XbftSignature]
    def __init__(self, qc_content: _Optional[_Union[XbftQcValue, _Mapping]] = ..., signatures: _Optional[_Iterable[_Union[XbftSignature, _Mapping]]] = ...) -> None: ...

class XbftNode(_message.Message):
    __slots__ = ("parent_node_hash", "node_value", "view_number", "sequence", "previous_qc")
    PARENT_NODE_HASH_FIELD_NUMBER: _ClassVar[int]
    NODE_VALUE_FIELD_NUMBER: _ClassVar[int]
    VIEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_QC_FIELD_NUMBER: _ClassVar[int]
    parent_node_hash: bytes
    node_value: bytes
    view_number: int
    sequence: int
    previous_qc: XbftQc
    def __init__(self, parent_node_hash: _Optional[bytes] = ..., node_value: _Optional[bytes] = ..., view_number: _Optional[int] = ..., sequence: _Optional[int] = ..., previous_qc: _Optional[_Union[XbftQc, _Mapping]] = ...) -> None: ...

class XbftProof(_message.Message):
    __slots__ = ("node", "qc")
    NODE_FIELD_NUMBER: _ClassVar[int]
    QC_FIELD_NUMBER: _ClassVar[int]
    node: XbftNode
    qc: XbftQc
    def __init__(self, node: _Optional[_Union[XbftNode, _Mapping]] = ..., qc: _Optional[_Union[XbftQc, _Mapping]] = ...) -> None: ...

class XbftTc(_message.Message):
    __slots__ = ("view_number", "high_qc_view_number", "signature")
    VIEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    HIGH_QC_VIEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    view_number: int
    high_qc_view_number: _containers.RepeatedScalarFieldContainer[int]
    signature: _containers.RepeatedCompositeFieldContainer[XbftSignature]
    def __init__(self, view_number: _Optional[int] = ..., high_qc_view_number: _Optional[_Iterable[int]] = ..., signature: _Optional[_Iterable[_Union[XbftSignature, _Mapping]]] = ...) -> None: ...
