from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CryptoConfig(_message.Message):
    __slots__ = ("hash",)
    HASH_FIELD_NUMBER: _ClassVar[int]
    hash: str
    def __init__(self, hash: _Optional[str] = ...) -> None: ...

class OrgConfig(_message.Message):
    __slots__ = ("org_id", "address", "node_id")
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    org_id: str
    address: _containers.RepeatedScalarFieldContainer[str]
    node_id: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, org_id: _Optional[str] = ..., address: _Optional[_Iterable[str]] = ..., node_id: _Optional[_Iterable[str]] = ...) -> None: ...

class ConfigKeyValue(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ConsensusConfig(_message.Message):
    __slots__ = ("type", "nodes", "ext_config")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    EXT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    type: int
    nodes: _containers.RepeatedCompositeFieldContainer[OrgConfig]
    ext_config: _containers.RepeatedCompositeFieldContainer[ConfigKeyValue]
    def __init__(self, type: _Optional[int] = ..., nodes: _Optional[_Iterable[_Union[OrgConfig, _Mapping]]] = ..., ext_config: _Optional[_Iterable[_Union[ConfigKeyValue, _Mapping]]] = ...) -> None: ...

class TrustRootConfig(_message.Message):
    __slots__ = ("org_id", "root")
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    org_id: str
    root: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, org_id: _Optional[str] = ..., root: _Optional[_Iterable[str]] = ...) -> None: ...

class TrustMemberConfig(_message.Message):
    __slots__ = ("member_info", "org_id", "role", "node_id")
    MEMBER_INFO_FIELD_NUMBER: _ClassVar[int]
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    member_info: str
    org_id: str
    role: str
    node_id: str
    def __init__(self, member_info: _Optional[str] = ..., org_id: _Optional[str] = ..., role: _Optional[str] = ..., node_id: _Optional[str] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("rule", "org_list", "role_list")
    RULE_FIELD_NUMBER: _ClassVar[int]
    ORG_LIST_FIELD_NUMBER: _ClassVar[int]
    ROLE_LIST_FIELD_NUMBER: _ClassVar[int]
    rule: str
    org_list: _containers.RepeatedScalarFieldContainer[str]
    role_list: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rule: _Optional[str] = ..., org_list: _Optional[_Iterable[str]] = ..., role_list: _Optional[_Iterable[str]] = ...) -> None: ...

class ResourcePolicy(_message.Message):
    __slots__ = ("resource_name", "policy")
    RESOURCE_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    resource_name: str
    policy: Policy
    def __init__(self, resource_name: _Optional[str] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ...) -> None: ...

class ChainConfig(_message.Message):
    __slots__ = ("chain_id", "version", "auth_type", "sequence", "crypto", "consensus", "trust_roots", "trust_members", "resource_policies")
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AUTH_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CRYPTO_FIELD_NUMBER: _ClassVar[int]
    CONSENSUS_FIELD_NUMBER: _ClassVar[int]
    TRUST_ROOTS_FIELD_NUMBER: _ClassVar[int]
    TRUST_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_POLICIES_FIELD_NUMBER: _ClassVar[int]
    chain_id: str
    version: str
    auth_type: str
    sequence: int
    crypto: CryptoConfig
    consensus: ConsensusConfig
    trust_roots: _containers.RepeatedCompositeFieldContainer[TrustRootConfig]
    trust_members: _containers.RepeatedCompositeFieldContainer[TrustMemberConfig]
    resource_policies: _containers.RepeatedCompositeFieldContainer[ResourcePolicy]
    def __init__(self, chain_id: _Optional[str] = ..., version: _Optional[str] = ..., auth_type: _Optional[str] = ..., sequence: _Optional[int] = ..., crypto: _Optional[_Union[CryptoConfig, _Mapping]] = ..., consensus: _Optional[_Union[ConsensusConfig, _Mapping]] = ..., trust_roots: _Optional[_Iterable[_Union[TrustRootConfig, _Mapping]]] = ..., trust_members: _Optional[_Iterable[_Union[TrustMemberConfig, _Mapping]]] = ..., resource_policies: _Optional[_Iterable[_Union[ResourcePolicy, _Mapping]]] = ...) -> None: ...
