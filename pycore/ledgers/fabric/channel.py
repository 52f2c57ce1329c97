"""A channel by its configuration block: who its members are, and which policies apply.

Sources: ``common/channelconfig`` and ``common/policies`` of Fabric, as read in public copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1.block_pb2 import ChannelHeader, Envelope, Payload
from pycore._pb.ledgers.fabric.v1.configuration_pb2 import ConfigEnvelope, ConfigGroup, ConsensusType, Orderers
from pycore._pb.ledgers.fabric.v1.membership_pb2 import (
    ApplicationPolicy,
    MSPRole,
    SerializedIdentity,
    SignaturePolicyEnvelope,
)
from pycore.base.go_protobuf import read
from pycore.consensus.policy import PolicyError, compile_policy
from pycore.consensus.policy_tree import Policy, PolicyTree, Rejecting
from pycore.errors import InputError
from pycore.identities.msp import MspError, Msps
from pycore.identities.msp_channel import capabilities, msp_names, msps_of
from pycore.ledgers.fabric.block import Header, open_block

CONFIG, CONFIG_UPDATE, ENDORSER_TRANSACTION = 1, 2, 3
"""Types of channel headers."""
BLOCK_VALIDATION = "/Channel/Orderer/BlockValidation"
LIFECYCLE = "/Channel/Application/LifecycleEndorsement"


_CAPABILITIES = {
    "": frozenset({"V1_1", "V1_3", "V1_4_2", "V1_4_3", "V2_0", "V3_0"}),
    "Orderer": frozenset({"V1_1", "V1_4_2", "V2_0"}),
    "Application": frozenset({
        "V1_1", "V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5", "V1_1_PVTDATA_EXPERIMENTAL", "V1_1_RESOURCETREE_EXPERIMENTAL",
    }),
}  # fmt: skip
"""What peers of 3.x know, by group; one that is asked for something else stops."""


class ConfigError(ValueError):
    """A block without a configuration, or with one that Fabric, or the strict rules, refuse."""


@dataclass(frozen=True, eq=False)
class Channel:
    """A channel by its configuration.

    Attributes:
        channel_id, sequence: of the configuration.
        header: of the block that holds it.
        msps: of its organisations.
        policies: by path.
        bft: whether identifiers stand for signers, and several orderers sign each block (capability V3_0).
        consensus: the type that the orderers run; "" where it is not told.
        consenters: identifier -> SerializedIdentity, serialised.
        members: names of the MSPs of the organisations of its applications, one for each.
    """

    channel_id: str
    sequence: int
    header: Header
    msps: Msps
    policies: PolicyTree
    bft: bool
    consensus: str
    consenters: Mapping[int, bytes]
    members: tuple[str, ...]


def config_of(entry: bytes) -> tuple[str, ConfigEnvelope]:
    """Channel and configuration of an envelope. Raises ConfigError where it holds none."""
    try:
        payload = read(Payload, read(Envelope, entry).payload)
        header = read(ChannelHeader, payload.header.channel_header)
        if header.type != CONFIG:
            raise ConfigError(f"a transaction of type {header.type}, not a configuration")
        found = read(ConfigEnvelope, payload.data)
    except DecodeError as error:
        raise ConfigError("bytes that are no envelope of a configuration") from error
    if not found.config.HasField("channel_group"):
        raise ConfigError("a configuration without a channel group")
    return header.channel_id, found


def open_channel(block: bytes, *, rules: str, gm: bool) -> Channel:
    """The channel of a configuration block. Raises ConfigError. The last few are remembered."""
    found = _opened(block, rules, gm)
    if isinstance(found, str):
        raise ConfigError(found)
    return found


@lru_cache(maxsize=16)
def _opened(block: bytes, rules: str, gm: bool) -> Channel | str:
    try:
        opened = open_block(block)
        if opened.header is None or len(opened.entries) != 1:
            return f"a block with {len(opened.entries)} entries, not a configuration block, which has one"
        channel_id, envelope = config_of(opened.entries[0])
        return channel_of(channel_id, envelope, opened.header, rules=rules, gm=gm)
    except (ConfigError, InputError) as error:
        return str(error)


def channel_of(channel_id: str, envelope: ConfigEnvelope, header: Header, *, rules: str, gm: bool) -> Channel:
    """The channel of a configuration. Raises ConfigError."""
    group = envelope.config.channel_group
    try:
        _check_capabilities(group)
        names = capabilities(group)
        bft = "V3_0" in names
        orderer = group.groups["Orderer"] if "Orderer" in group.groups else ConfigGroup()
        return Channel(
            channel_id=channel_id,
            sequence=envelope.config.sequence,
            header=header,
            msps=msps_of(group, rules=rules, gm=gm),
            policies=PolicyTree(group, rules=rules),
            bft=bft,
            consensus=_consensus(orderer),
            consenters=_consenters(orderer),
            members=tuple(msp_names(group, "Application")),
        )
    except (MspError, PolicyError, DecodeError) as error:
        raise ConfigError(str(error) or "a value that is no message") from error


def _check_capabilities(group: ConfigGroup) -> None:
    for name, known in _CAPABILITIES.items():
        if name and name not in group.groups:
            continue
        unknown = sorted(capabilities(group.groups[name] if name else group) - known)
        if unknown:
            raise ConfigError(f"the capability {unknown[0][:40]!r} of {name or 'the channel'}, which is not known here")


def policy_of(text: str, channel: Channel, rules: str) -> Policy:
    """A namespace's policy: a path in the channel's configuration, or the hexadecimal of a SignaturePolicyEnvelope or
    ApplicationPolicy. Raises PolicyError."""
    if text == LIFECYCLE and not channel.policies.has(LIFECYCLE):
        return _majority(channel.members, rules)
    if text.startswith("/"):
        return channel.policies.get(text)
    data = bytes.fromhex(text)
    # Of the two messages only an envelope has a rule; read as one, an ApplicationPolicy has none or cannot be read.
    try:
        envelope = read(SignaturePolicyEnvelope, data)
    except DecodeError:
        envelope = SignaturePolicyEnvelope()
    if not envelope.HasField("rule"):
        application = _application(data)
        if application.WhichOneof("type") == "channel_config_policy_reference":
            return channel.policies.get(application.channel_config_policy_reference)
        envelope = application.signature_policy
    try:
        return compile_policy(envelope, rules=rules)
    except PolicyError as error:
        if rules == "strict" and envelope.HasField("rule"):
            return Rejecting(str(error))
        raise


def _majority(members: Sequence[str], rules: str) -> Policy:
    """What counts for the life of chaincodes in a channel without such a policy: members of most organisations."""
    made = SignaturePolicyEnvelope()
    made.rule.n_out_of.n = len(members) // 2 + 1
    for place, name in enumerate(sorted(members)):
        made.rule.n_out_of.rules.add(signed_by=place)
        role = MSPRole(msp_identifier=name, role=MSPRole.MEMBER)
        made.identities.add(principal=role.SerializeToString())
    return compile_policy(made, rules=rules)


def _application(data: bytes) -> ApplicationPolicy:
    try:
        return read(ApplicationPolicy, data)
    except DecodeError:
        raise PolicyError("bytes that are no policy") from None


def _consensus(orderer: ConfigGroup) -> str:
    if "ConsensusType" not in orderer.values:
        return ""
    return str(read(ConsensusType, orderer.values["ConsensusType"].value).type)


def _consenters(orderer: ConfigGroup) -> dict[int, bytes]:
    """The first of several with one identifier counts, as in Fabric's search."""
    found: dict[int, bytes] = {}
    if "Orderers" in orderer.values:
        for one in read(Orderers, orderer.values["Orderers"].value).consenter_mapping:
            identity = SerializedIdentity(mspid=one.msp_id, id_bytes=one.identity)
            found.setdefault(one.id, identity.SerializeToString())
    return found
