"""The knowledge about a Fabric channel with which a block is validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pycore.consensus.policy import PolicyError
from pycore.ledgers import fields
from pycore.ledgers.contexts import JsonContext
from pycore.ledgers.fabric.channel import LIFECYCLE, Channel, ConfigError, open_channel, policy_of

UNKNOWN_POLICY = "state"
"""Given for a namespace whose policy only the state knows: its endorsements are not judged."""
DEFAULT_POLICY = "/Channel/Application/Endorsement"
_SM2 = "sm2"


@dataclass(frozen=True)
class FabricContext(JsonContext):
    """The context of a block.

    Attributes:
        rules: "strict" | "compatible".
        height: number of the block.
        previous_block_hash: 32 bytes; b"" before block 0.
        channel_id: "" where it is that of the configuration block.
        config_block: the last configuration block before this one, serialised: members, policies, orderers.
        policies: namespace -> endorsement policy: a path in the configuration ("/Channel/Application/Endorsement"), the
            hexadecimal of a SignaturePolicyEnvelope or ApplicationPolicy, or "state" where it is not known.
        default_policy: of namespaces that `policies` does not name.
        release: "3" | "2": whether entries must be envelopes as protobuf writes them; 2.x does not ask.
        form: "fabric" | "fabric-x": what the orderers sign, and how metadata is read.
        data_lengths: whether the data hash covers the length of each entry (newer Fabric-X).
        hash, scheme, prehash: of Fabric-GM: "sm3", "sm2", and whether identities sign the SM3 of a message instead of
            the message itself.
    """

    rules: str = "strict"
    height: int | None = None
    previous_block_hash: bytes | None = None
    channel_id: str = ""
    config_block: bytes | None = None
    policies: Mapping[str, str] = field(default_factory=dict)
    default_policy: str = DEFAULT_POLICY
    release: str = "3"
    form: str = "fabric"
    data_lengths: bool = False
    hash: str = "sha256"
    scheme: str = "ecdsa"
    prehash: bool = True

    def __post_init__(self) -> None:
        values: dict[str, Any] = {
            "rules": fields.one_of("rules", self.rules, ("strict", "compatible")),
            "height": None if self.height is None else fields.number("height", self.height, 64),
            "channel_id": fields.word("channel_id", self.channel_id, empty=True),
            "release": fields.one_of("release", self.release, ("2", "3")),
            "form": fields.one_of("form", self.form, ("fabric", "fabric-x")),
            "hash": fields.one_of("hash", self.hash, ("sha256", "sm3")),
            "scheme": fields.one_of("scheme", self.scheme, ("ecdsa", _SM2)),
        }
        for name in ("prehash", "data_lengths"):
            if type(getattr(self, name)) is not bool:
                raise fields.refuse(name, repr(getattr(self, name)), "true or false")
        if self.previous_block_hash is not None:
            previous = fields.octets("previous_block_hash", self.previous_block_hash)
            if len(previous) not in (0, 32):
                raise fields.refuse("previous_block_hash", f"{len(previous)} bytes", "32 bytes, or none before block 0")
            values["previous_block_hash"] = previous
        if self.config_block is not None:
            values["config_block"] = fields.octets("config_block", self.config_block)
        given = {
            fields.text("policies", name): _policy_text(f"policies[{name!r}]", text)
            for name, text in fields.items("policies", self.policies)
        }
        values["policies"] = MappingProxyType(given)
        values["default_policy"] = _policy_text("default_policy", self.default_policy)
        for name, value in values.items():
            object.__setattr__(self, name, value)
        channel = self.channel()
        if channel is not None:
            self._check_policies(channel)

    @property
    def gm(self) -> bool:
        """Whether identities have SM2 keys."""
        return self.scheme == _SM2

    def channel(self) -> Channel | None:
        """The channel of the configuration block; None without one. InputError where it holds none that can be read."""
        if self.config_block is None:
            return None
        try:
            found = open_channel(self.config_block, rules=self.rules, gm=self.gm)
        except ConfigError as error:
            raise fields.refuse("config_block", str(error), "a configuration block of a channel") from error
        if self.channel_id and found.channel_id != self.channel_id:
            raise fields.refuse("channel_id", repr(self.channel_id), f"{found.channel_id!r}, or none")
        return found

    def policy_text(self, namespace: str) -> str:
        """The policy of a namespace in its written form."""
        known = LIFECYCLE if namespace == "_lifecycle" else self.default_policy
        return self.policies.get(namespace, known)

    def _check_policies(self, channel: Channel) -> None:
        for name, text in {**self.policies, "": self.default_policy}.items():
            if text == UNKNOWN_POLICY:
                continue
            try:
                policy_of(text, channel, self.rules)
            except PolicyError as error:
                raise fields.refuse(f"policies[{name!r}]", str(error), "a policy") from error


def _policy_text(name: str, value: object) -> str:
    found = fields.text(name, value)
    if found == UNKNOWN_POLICY or found.startswith("/"):
        return found
    return fields.digits(name, found)
