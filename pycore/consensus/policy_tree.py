"""The policies of a Fabric channel: those of its configuration by path, and implicit ones over groups.

    tree = PolicyTree(channel_group, rules="strict")
    tree.get("/Channel/Orderer/BlockValidation").satisfied_by(identities)

An implicit policy asks the groups directly below it for their policy of one name: ANY one of them, a MAJORITY (more
than half) or ALL. The rules, each of which surprises somebody:

    missing           a group without that policy counts, and never passes
    no groups         with no groups at all it passes ("compatible"); "strict" lets nobody through
    shared signers    every group sees all signers: one signer may serve several groups
    unknown rule      passes where no group does ("compatible"), since Fabric counts down from 0; "strict" refuses it
    unknown path      a policy that nobody satisfies
    needs nobody      passes ("compatible"); "strict" has nobody satisfy a policy with such a node

Sources: ``common/policies`` of Fabric, as read in public copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from pycore._pb.ledgers.fabric.v1.configuration_pb2 import ConfigGroup
from pycore._pb.ledgers.fabric.v1.membership_pb2 import ImplicitMetaPolicy
from pycore._pb.ledgers.fabric.v1.membership_pb2 import Policy as PolicyMessage
from pycore.base.go_protobuf import read
from pycore.consensus.policy import PolicyError, SignaturePolicy, compile_policy, orders_of
from pycore.identities.msp import Identity
from pycore.identities.x509 import is_strict

SIGNATURE, IMPLICIT_META = 1, 3
MAX_GROUPS = 4096
"""Groups of a channel's configuration."""
MAX_GROUP_DEPTH = 16
"""Groups within one another; a channel has three."""


class Policy(Protocol):
    """The question that every policy answers."""

    def satisfied_by(self, identities: Sequence[Identity]) -> bool:
        """Whether these signers, whose signatures are valid, satisfy it in that order. Equal ones count once."""
        ...


@dataclass(frozen=True, slots=True)
class Rejecting:
    """A policy that nobody satisfies; `why` in words."""

    why: str

    def satisfied_by(self, identities: Sequence[Identity]) -> bool:
        """No."""
        return False


@dataclass(frozen=True, slots=True, eq=False)
class ImplicitPolicy:
    """So many of the groups below: `needed` of `parts`; the rule "unknown" is another than these three."""

    name: str
    rule: str
    needed: int
    parts: tuple[Policy, ...]
    strict: bool

    def satisfied_by(self, identities: Sequence[Identity]) -> bool:
        """Whether enough groups are satisfied by the signers."""
        passed = sum(part.satisfied_by(identities) for part in self.parts)
        if self.rule == "unknown":
            return not self.strict and passed == 0
        if self.needed == 0:
            return not self.strict
        return passed >= self.needed


class BatchPolicy:
    """A policy of any kind over many items: :meth:`evaluate_rows` asks once for each order of signers.

    policy       of any kind
    identities   the table that entries point into
    """

    def __init__(self, policy: Policy, identities: Sequence[Identity]) -> None:
        self.policy, self.identities = policy, identities
        self._matrix = policy.matrix(identities) if isinstance(policy, SignaturePolicy) else None
        self._answers: dict[tuple[int, ...], bool] = {}

    def evaluate_rows(self, starts: NDArray[Any], who: NDArray[Any], ok: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """As :meth:`pycore.consensus.policy.SignaturePolicy.evaluate_rows`."""
        if self._matrix is not None and isinstance(self.policy, SignaturePolicy):
            return self.policy.evaluate_rows(self._matrix, starts, who, ok)
        orders, which = orders_of(starts, who, ok)
        return np.array([self._answer(order) for order in orders], np.bool_)[which]

    def _answer(self, order: tuple[int, ...]) -> bool:
        if order not in self._answers:
            signers = [self.identities[one] for one in dict.fromkeys(order) if one >= 0]
            self._answers[order] = self.policy.satisfied_by(signers)
        return self._answers[order]


class PolicyTree:
    """The policies of a channel.

    group   the channel's ConfigGroup
    name    of that group in paths
    rules   "strict" | "compatible"

    Raises PolicyError where Fabric, or the strict rules, refuse the configuration.
    """

    def __init__(self, group: ConfigGroup, *, name: str = "Channel", rules: str = "strict") -> None:
        self._name = name
        self._strict = is_strict(rules)
        self._rules = rules
        self._left = MAX_GROUPS
        self._policies = self._read(group, name, 0)

    def get(self, path: str) -> Policy:
        """The policy at an absolute path ("/Channel/Application/Endorsement") or one from the channel's group
        ("Application/Endorsement"); unknown ones reject everybody."""
        prefix = f"/{self._name}/"
        relative = path.removeprefix(prefix) if path.startswith("/") else path
        if path.startswith("/") and not path.startswith(prefix):
            return Rejecting(f"no policy {path[:200]!r} in {self._name}")
        return _look_up(self._policies, relative)

    def has(self, path: str) -> bool:
        """Whether there is a policy at an absolute path."""
        prefix = f"/{self._name}/"
        return path.startswith(prefix) and path.removeprefix(prefix) in self._policies

    def _read(self, group: ConfigGroup, path: str, depth: int) -> dict[str, Policy]:
        self._left -= 1
        if self._left < 0 or depth > MAX_GROUP_DEPTH:
            raise PolicyError(f"more than {MAX_GROUPS} groups, or more than {MAX_GROUP_DEPTH} within one another")
        below = {name: self._read(one, f"{path}/{name}", depth + 1) for name, one in group.groups.items()}
        found: dict[str, Policy] = {}
        for name, item in group.policies.items():
            if not item.HasField("policy"):
                raise PolicyError(f"the policy {path}/{name} is empty")
            try:
                found[name] = self._policy(item.policy, below)
            except PolicyError as error:
                raise PolicyError(f"the policy {path}/{name}: {error}") from None
        for name, policies in below.items():
            found |= {f"{name}/{relative}": policy for relative, policy in policies.items()}
        return found

    def _policy(self, message: PolicyMessage, below: dict[str, dict[str, Policy]]) -> Policy:
        if message.type == SIGNATURE:
            return self._signature_policy(message.value)
        if message.type != IMPLICIT_META:
            raise PolicyError(f"a policy of the unknown type {message.type}")
        try:
            wanted = read(ImplicitMetaPolicy, message.value)
        except DecodeError:
            raise PolicyError("bytes that are no ImplicitMetaPolicy") from None
        rule = {0: "any", 1: "all", 2: "majority"}.get(wanted.rule, "unknown")
        if self._strict and rule == "unknown":
            raise PolicyError(f"an implicit policy with the unknown rule {wanted.rule}")
        parts = tuple(_look_up(policies, wanted.sub_policy) for policies in below.values())
        needed = {"any": 1, "all": len(parts), "majority": len(parts) // 2 + 1}.get(rule, 0) if parts else 0
        return ImplicitPolicy(wanted.sub_policy, rule, needed, parts, self._strict)

    def _signature_policy(self, data: bytes) -> Policy:
        """Usual configurations hold policies that need nobody, for what administrators of consortiums may do: under
        the strict rules nobody satisfies such a one, and the configuration stands."""
        try:
            return compile_policy(data, rules=self._rules)
        except PolicyError as error:
            if not self._strict:
                raise
            compile_policy(data, rules="compatible")
            return Rejecting(str(error))


def _look_up(policies: dict[str, Policy], name: str) -> Policy:
    return policies.get(name) or Rejecting(f"no policy {name[:200]!r}")
