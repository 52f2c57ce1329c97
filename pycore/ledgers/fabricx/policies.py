"""The state of a stream of verification: the policies of namespaces and the MSPs of the channel, moved by updates.

An update (VerifierUpdates) may bring a configuration and policies. The namespaces that it lists are replaced and
the others kept; on a configuration the rules about MSPs that are kept are resolved against the new MSPs. An update
is applied whole or not at all.

    _meta                      the configuration's /Channel/Application/LifecycleEndorsement
    _snapshot, _checkpoint     release "main": .../SnapshotEndorsement, .../CheckpointEndorsement, and a configuration
                               without them is refused; in release "1.0" they are names as any others
    _config                    is not verified: orderers have

Nothing checks the signatures of a configuration here: it comes from the coordinator, as it does upstream. Sources:
``service/verifier/{verify.go, policy/policy.go}`` of the committer, ``common/channelconfig`` of fabric-x-common.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1.block_pb2 import ChannelHeader, Envelope, Payload
from pycore._pb.ledgers.fabric.v1.configuration_pb2 import ConfigEnvelope, ConfigGroup
from pycore.base.go_protobuf import read
from pycore.consensus.policy import PolicyError, compile_policy
from pycore.consensus.policy_tree import Policy, PolicyTree, Rejecting
from pycore.errors import InputError
from pycore.identities.msp import Identity, MspError, Msps
from pycore.identities.msp_channel import msps_of
from pycore.ledgers.fabricx.messages import Fields, MalformedError
from pycore.ledgers.fabricx.schemes import Key, ThresholdKeyError, read_key

__all__ = ["RELEASES", "MspRule", "Policies", "PolicyUpdateError", "UnsupportedError"]

RELEASES = ("1.0", "main")
"""Which committer's system namespaces: the releases 1.0.x, or the main branch since 2026-07-20."""
CONFIG = b"_config"

_SYSTEM = {
    "1.0": {b"_meta": "LifecycleEndorsement"},
    "main": {
        b"_meta": "LifecycleEndorsement",
        b"_snapshot": "SnapshotEndorsement",
        b"_checkpoint": "CheckpointEndorsement",
    },
}
_NAMESPACE = re.compile(r"[a-z0-9_]{1,60}")
_MAX_ANSWERS = 1 << 14  # orders of signers that are remembered of one rule


class PolicyUpdateError(ValueError):
    """An update that the committer's verifier refuses; upstream ends the stream with INVALID_ARGUMENT."""


class UnsupportedError(ValueError):
    """An update that the committer's verifier takes and this one cannot follow: members of an Idemix MSP."""


@dataclass(frozen=True, slots=True, eq=False)
class MspRule:
    """A rule about members of MSPs. `source`: the bytes of its SignaturePolicyEnvelope, None for a channel's policy."""

    policy: Policy
    source: bytes | None = None
    answers: dict[bytes, bool] = field(default_factory=dict, repr=False)

    def passes(self, key: bytes, signers: Iterable[Identity]) -> bool:
        """Whether the signers, in their order, satisfy the policy. `key` tells orders of signers apart."""
        known = self.answers.get(key)
        if known is None:
            if len(self.answers) >= _MAX_ANSWERS:
                self.answers.clear()
            known = self.answers[key] = self.policy.satisfied_by(list(signers))
        return known


Rule = Key | MspRule


@dataclass(frozen=True, slots=True)
class Policies:
    """The state of a stream; a new one is made by every update.

    Attributes:
        rules: namespace -> its rule.
        msps: of the channel's last configuration; there are none before the first.
        release: one of RELEASES.
    """

    rules: dict[bytes, Rule]
    msps: Msps
    release: str

    @classmethod
    def empty(cls, release: str = "1.0") -> Policies:
        """Of a stream that has just begun."""
        if release not in RELEASES:
            raise InputError("release", repr(release), " or ".join(map(repr, RELEASES)))
        return cls({}, Msps([]), release)

    def updated(self, update: bytes) -> Policies:
        """After a VerifierUpdates message.

        Raises:
            MalformedError: it is no such message.
            PolicyUpdateError: upstream refuses it.
            UnsupportedError: upstream takes it.
        """
        parts = Fields(update)
        config, listed = parts.merged(1), parts.merged(2)
        items = [_item(one) for one in Fields(listed).every(1)] if listed is not None else []
        envelope = Fields(config).last(1) if config is not None else None
        if config is None and listed is None:
            return self
        try:
            moved = self if envelope is None else self._configured(envelope)
            return replace(moved, rules={**moved.rules, **{name: self._rule(name, data) for name, data in items}})
        except (PolicyError, MspError, ThresholdKeyError, MalformedError) as error:
            raise PolicyUpdateError(f"failed to update policies: {error}") from None

    def _configured(self, envelope: bytes) -> Policies:
        group = _channel_group(envelope)
        msps, tree = msps_of(group, rules="compatible"), PolicyTree(group, rules="compatible")
        for unread, why in msps.unread.items():
            raise UnsupportedError(f"the MSP {unread[:80]!r} cannot be read here: {why}")
        rules: dict[bytes, Rule] = {}
        for name, rule in self.rules.items():
            rules[name] = MspRule(rule.policy, rule.source) if isinstance(rule, MspRule) else rule
        for name, path in _SYSTEM[self.release].items():
            policy = tree.get(f"/Channel/Application/{path}")
            if isinstance(policy, Rejecting):
                raise PolicyError(f"the configuration has no policy {path}")
            rules[name] = MspRule(policy)
        return replace(self, rules=rules, msps=msps)

    def _rule(self, name: bytes, policy: bytes) -> Rule:
        text = name.decode()
        if not _NAMESPACE.fullmatch(text) or name == CONFIG or name in _SYSTEM[self.release]:
            raise PolicyError(f"the namespace {text[:80]!r}, whose name no policy may have")
        parts = Fields(policy)
        kind = next((number for number in reversed(parts.order) if number in (1, 2)), None)
        if kind == 2:
            source = parts.last(2)
            return MspRule(compile_policy(source, rules="compatible"), source)
        if kind is None:
            raise PolicyError(f"the policy of {text!r} has no rule")
        threshold = Fields(_since(parts))
        return read_key(threshold.text(1), threshold.last(2))


def _since(parts: Fields) -> bytes:
    """The threshold rule of a NamespacePolicy whose last member is one: those after the last other one are merged."""
    kinds = [number for number in parts.order if number in (1, 2)]
    run = 0
    while run < len(kinds) and kinds[-1 - run] == 1:
        run += 1
    return b"".join(parts.every(1)[-run:])


def _item(data: bytes) -> tuple[bytes, bytes]:
    parts = Fields(data)
    return parts.text(1).encode(), parts.last(2)


def _channel_group(envelope: bytes) -> ConfigGroup:
    """The channel's group of an Envelope{Payload{ChannelHeader, ConfigEnvelope}}. Raises PolicyError."""
    try:
        payload = read(Payload, read(Envelope, envelope).payload)
        message = read(ConfigEnvelope, payload.data)
        read(ChannelHeader, payload.header.channel_header)
    except DecodeError:
        raise PolicyError("a configuration that is no Envelope with a ConfigEnvelope") from None
    if not payload.HasField("header"):
        raise PolicyError("a configuration without a header")
    if not message.config.HasField("channel_group"):
        raise PolicyError("a configuration without a channel group")
    group = message.config.channel_group
    orderer, application = group.groups.get("Orderer"), group.groups.get("Application")
    if orderer is not None and "Capabilities" not in orderer.values:
        others = [group, application] if application is not None else [group]
        if any("Capabilities" in one.values for one in others):
            raise PolicyError("capabilities of the channel or its applications without those of the orderers")
    return group
