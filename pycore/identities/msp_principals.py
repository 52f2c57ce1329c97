"""Principals of Fabric: descriptions of those who may sign, and whether an identity fits one.

A principal is compiled once, with everything that can be read of it beforehand, and asked often: answers are
remembered with the identity.

Sources: ``msp/mspimpl.go`` of Fabric, `SatisfiesPrincipal`, as read in public copies.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1.membership_pb2 import (
    CombinedPrincipal,
    KnownIdentity,
    MSPIdentityAnonymity,
    MSPPrincipal,
    MSPRole,
    OrganizationUnit,
    SerializedIdentity,
)
from pycore.base.go_protobuf import read
from pycore.identities.msp import Identity, UnknownIdentityError

ROLES = ("member", "admin", "client", "peer", "orderer")
"""By their numbers."""
MAX_COMBINED = 64
"""Principals within one another, and altogether, that a combined one may have."""
MAX_FACTS = 1024
"""Answers that are remembered with one identity."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A compiled principal.

    kind     "role", "unit", "identity", "anonymity", "combined"; "never" for one that nobody fits
    msp      the MSP that it is about; "" where it is about none
    value    role: its name; unit: the name; identity: PEM; anonymity: "nominal" or "anonymous"; never: why
    detail   unit: the hash of the certifying chain; identity: the id of a known certificate (Fabric-X)
    parts    of a combined one
    """

    kind: str
    msp: str = ""
    value: str | bytes = ""
    detail: str | bytes = b""
    parts: tuple[Principal, ...] = ()

    def refuses(self, identity: Identity) -> str:
        """Why the identity does not fit, in words; "" where it does."""
        known = identity.facts.get(self)
        if known is None:
            known = _refusal(self, identity)
            if len(identity.facts) >= MAX_FACTS:
                identity.facts.clear()
            identity.facts[self] = known
        return known


def compile_principal(message: MSPPrincipal) -> Principal:
    """The principal of a message. Bytes that hold none make one that nobody fits, as in Fabric, where they are only
    read when somebody asks."""
    return _compiled(message, 0)


def _compiled(message: MSPPrincipal, depth: int) -> Principal:
    kind, data = message.principal_classification, message.principal
    try:
        if kind == MSPPrincipal.ROLE:
            role = read(MSPRole, data)
            if not 0 <= role.role < len(ROLES):
                return Principal("never", value=f"an unknown role, {role.role}")
            return Principal("role", role.msp_identifier, ROLES[role.role])
        if kind == MSPPrincipal.ORGANIZATION_UNIT:
            unit = read(OrganizationUnit, data)
            name = unit.organizational_unit_identifier
            return Principal("unit", unit.msp_identifier, name, unit.certifiers_identifier)
        if kind == MSPPrincipal.IDENTITY:
            return _identity(data)
        if kind == MSPPrincipal.ANONYMITY:
            wanted = read(MSPIdentityAnonymity, data).anonymity_type
            return Principal("anonymity", value={0: "nominal", 1: "anonymous"}.get(wanted, str(wanted)))
        if kind == MSPPrincipal.COMBINED:
            return _combined(read(CombinedPrincipal, data), depth)
    except DecodeError:
        return Principal("never", value="bytes that are no principal of their classification")
    return Principal("never", value=f"an unknown classification, {kind}")


def _identity(data: bytes) -> Principal:
    """SerializedIdentity, or Fabric-X's message, which is the same on the wire unless it names a certificate's id."""
    by_id = read(KnownIdentity, data)
    if by_id.WhichOneof("creator") == "certificate_id":
        return Principal("identity", by_id.msp_id, b"", by_id.certificate_id)
    message = read(SerializedIdentity, data)
    return Principal("identity", message.mspid, message.id_bytes)


def _combined(message: CombinedPrincipal, depth: int) -> Principal:
    if not message.principals:
        return Principal("never", value="a combined principal of nothing")
    if depth >= MAX_COMBINED or len(message.principals) > MAX_COMBINED:
        return Principal("never", value=f"more than {MAX_COMBINED} principals combined")
    return Principal("combined", parts=tuple(_compiled(one, depth + 1) for one in message.principals))


# ---- answers ---------------------------------------------------------------------------------------------------------


def _refusal(principal: Principal, identity: Identity) -> str:
    msp = identity.msp
    if msp.strict and identity.problem:
        return identity.problem
    if principal.kind == "never":
        return str(principal.value)
    if principal.kind in ("anonymity", "combined") and msp.level in ("v1.0", "v1.1"):
        return f"a principal of a kind that level {msp.level} does not know"
    if principal.kind == "anonymity":
        return "" if principal.value == "nominal" else "an X.509 identity is not anonymous"
    if principal.kind == "combined":
        return next((why for part in principal.parts if (why := part.refuses(identity))), "")
    if principal.msp != msp.name:
        return f"the identity is of the MSP {msp.name!r}, not {principal.msp[:80]!r}"
    return {"role": _role, "unit": _unit, "identity": _exactly}[principal.kind](principal, identity)


def _role(principal: Principal, identity: Identity) -> str:
    msp, role = identity.msp, str(principal.value)
    nodes, v142 = msp.unit_rules.nodes, msp.level in ("v1.4.3", "v3.0")
    if role == "member":
        return identity.problem
    if role == "admin":
        if msp.is_admin(identity):
            return ""
        if not (v142 and nodes.enforced):
            return "the identity is no administrator of the configuration"
    elif role == "orderer" and not (v142 and nodes.enforced):
        return "nobody is an orderer without NodeOUs of level v1.4.3 or above"
    return identity.problem or nodes.role_problem(identity.units, role)


def _unit(principal: Principal, identity: Identity) -> str:
    if identity.problem:
        return identity.problem
    if principal.value in identity.units and identity.certifiers == principal.detail:
        return ""
    return f"the identity has no unit {principal.value!r} from that authority"


def _exactly(principal: Principal, identity: Identity) -> str:
    msp = identity.msp
    try:
        text, known = principal.value, str(principal.detail) if principal.detail else ""
        wanted = msp.known(known) if known else msp.identity(text if isinstance(text, bytes) else text.encode())
    except UnknownIdentityError as error:
        return f"the principal names nobody: {error}"
    if wanted.certificate.der != identity.certificate.der:
        return "the identity is another one"
    return wanted.problem
