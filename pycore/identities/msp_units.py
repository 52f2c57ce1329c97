"""How the organisational units of a certificate make members and roles of a Fabric MSP, by capability level.

    level    units that make clients, peers ...           who is an administrator
    v1.0     NodeOUs are ignored                          an exact certificate of the configuration
    v1.1     exactly one of client and peer               the same
    v1.3     the same                                     the same
    v1.4.3   exactly one of client, peer, admin, orderer  the same, or the unit "admin"
    v3.0     the same                                     the same

The names are compared letter by letter; a unit that occurs twice in a subject counts twice, and other units do not
matter. Source: ``msp/mspimplvalidate.go`` and ``msp/mspimplsetup.go`` of Fabric, as read in public copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

LEVELS = ("v1.0", "v1.1", "v1.3", "v1.4.3", "v3.0")
"""Capability levels of MSPs, lowest first."""


@dataclass(frozen=True, slots=True)
class NodeUnits:
    """The units that tell clients, peers, administrators and orderers apart.

    enforced   whether every identity must be exactly one of these
    roles      "client" | "peer" | "admin" | "orderer" -> name of the unit, and the hash of the chain that must have
               certified it (b"": any)
    """

    enforced: bool = False
    roles: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    def problem(self, units: tuple[str, ...], certifiers: bytes) -> str:
        """Why an identity is not exactly one of them; "" where it is."""
        if not self.enforced:
            return ""
        # Where two roles have one unit, the later one's certifiers apply.
        by_unit = dict(self.roles.values())
        found = 0
        for unit in units:
            if unit not in by_unit:
                continue
            if by_unit[unit] not in (b"", certifiers):
                return f"the unit {unit[:40]!r} is certified by another authority than the one it must be from"
            found += 1
            if found > 1:
                return "the identity has more than one of the units that make roles"
        names = ", ".join(sorted(self.roles))
        return "" if found else f"the identity has no unit of those that make a role: {names}"

    def role_problem(self, units: tuple[str, ...], role: str) -> str:
        """Why units do not make an identity one of that role; "" where they do."""
        if not self.enforced:
            return "NodeOUs are off, so that roles cannot be told apart"
        if role not in self.roles:
            return f"no unit stands for the role {role}"
        wanted = self.roles[role][0]
        return "" if wanted in units else f"the identity has no unit {wanted[:40]!r}"


@dataclass(frozen=True, slots=True)
class UnitRules:
    """Every rule on units: `members`, unit -> hashes of chains, one of which an identity must have where there are
    any; and those that make roles."""

    members: Mapping[str, Set[bytes]]
    nodes: NodeUnits

    def problem(self, units: tuple[str, ...], certifiers: bytes) -> str:
        """Why the units do not make an identity a member; "" where they do."""
        if self.members and not any(certifiers in self.members.get(unit, ()) for unit in units):
            return "the identity has no organisational unit that the MSP knows"
        return self.nodes.problem(units, certifiers)
