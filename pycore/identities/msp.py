"""Membership service providers of Hyperledger Fabric: who belongs to an organisation, and in which role.

>>> Msp(b"")
Traceback (most recent call last):
...
pycore.identities.msp.MspError: the MSP '' has no trust root

A :class:`Msp` comes from the bytes of a FabricMSPConfig and the capability level of the channel, which decides how
NodeOUs count; :class:`Msps` are those of a channel. An :class:`Identity` is a certificate under one MSP: read, made
canonical, and judged. Principals are answered in :mod:`pycore.identities.msp_principals`.

"compatible" follows Fabric. "strict" refuses more, always with a reason:

    - PEM is one block labelled CERTIFICATE with nothing around it, and certificates are DER without second spellings;
    - a revocation list is signed by an authority of the MSP and covers all that it signs, or the MSP is refused;
    - an explicit administrator is only that while its certificate is valid under the MSP;
    - an identity that is not valid satisfies no principal; Fabric lets "nominal" pass for any.

Everything is judged at the leaf's notBefore plus one second, so certificates do not expire here, as in Fabric: a block
has no time that the orderers answer for.

Sources: ``msp/`` of Fabric 2.x and 3.x and of fabric-x-common, as read in public copies; checked against its recorded
verdicts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1.membership_pb2 import FabricMSPConfig, KnownIdentity, SerializedIdentity
from pycore.base.go_protobuf import read
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.identities import go_pem, pem
from pycore.identities.collector import ED25519, NO_HASH, parse_der_scalars
from pycore.identities.der import BIT_STRING, SEQUENCE, Cursor, DerError, header
from pycore.identities.msp_units import LEVELS, NodeUnits, UnitRules
from pycore.identities.x509 import Certificate, CertificateError, PublicKey, is_strict, parse_certificate
from pycore.identities.x509_chains import ChainError, Chains, verifies
from pycore.identities.x509_crl import RevocationList, parse_crls, verify_crls
from pycore.identities.x509_go import refusal
from pycore.identities.x509_path import issuing_problem

__all__ = ["LEVELS", "Identity", "Msp", "MspError", "Msps", "UnknownIdentityError", "UnreadIdentityError"]

T = TypeVar("T")

MAX_CONFIG = 4 << 20
"""Bytes of an MSP configuration."""
MAX_IDENTITIES = 4096
"""Identities that are remembered of one MSP, and of a channel."""
MAX_IDENTITY = 64 << 10
"""Bytes of a certificate in PEM, without what stands around it where the rules pass over that."""

_HASHES: Mapping[str, Callable[[bytes], bytes]] = {
    "SHA256": lambda data: hashlib.sha256(data).digest(),
    "SHA384": lambda data: hashlib.sha384(data).digest(),
    "SHA3_256": lambda data: hashlib.sha3_256(data).digest(),
    "SHA3_384": lambda data: hashlib.sha3_384(data).digest(),
    "SM3": lambda data: hash_one("sm3", data),
}
_FAMILIES = {"SHA2": "sha256", "SHA3": "sha3-256"}
_ORDERS = {
    "ecdsa-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ecdsa-p384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "ecdsa-p521": (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}


class MspError(ValueError):
    """A configuration from which Fabric, or these rules, make no MSP."""


class UnknownIdentityError(ValueError):
    """Bytes that name nobody under an MSP: an unreadable certificate, one without a chain, or an unknown MSP."""


class UnreadIdentityError(UnknownIdentityError):
    """Somebody of an MSP that nobody here can read: Fabric may know them."""


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A certificate under an MSP.

    Attributes:
        msp: the MSP.
        certificate: with its signature in canonical form; `der` is what identifiers and comparisons go by.
        id: hash of that DER in lower-case hexadecimal.
        certifiers: hash of the DERs of the chain above the certificate; None where it has no such chain.
        problem: why the identity is not valid under the MSP, in words; "" where it is.
        key: the public key.
        hash: of its signatures, "none" for Ed25519; "" where the MSP names a family of hashes that nobody knows.
        facts: answers about principals, remembered.
    """

    msp: Msp
    certificate: Certificate
    id: str
    certifiers: bytes | None
    problem: str
    key: PublicKey
    hash: str
    facts: dict[object, str] = field(default_factory=dict, repr=False)

    @property
    def msp_id(self) -> str:
        """Name of the MSP."""
        return self.msp.name

    @property
    def units(self) -> tuple[str, ...]:
        """Organisational units of the subject, in their order; none for a certificate without a chain."""
        return self.certificate.units if self.certifiers is not None else ()


class Msp:
    """One MSP.

    config   bytes of a FabricMSPConfig
    level    one of LEVELS: the channel's capability
    rules    "strict" | "compatible"
    gm       whether keys are SM2 and hashes SM3 (Fabric-GM), instead of what the configuration says

    `name`, `level`, `rules` are as given; `digest` (32 bytes) tells configurations apart, level and rules included.
    Raises MspError where the configuration makes no MSP; InputError for unknown levels and rules. Threads may share it:
    what it remembers is the same whoever comes first.
    """

    def __init__(self, config: bytes, *, level: str = "v1.4.3", rules: str = "strict", gm: bool = False) -> None:
        if level not in LEVELS:
            raise InputError("level", repr(level), "one of " + ", ".join(map(repr, LEVELS)))
        self.strict = is_strict(rules)
        self.level, self.rules, self.gm = level, rules, gm
        message = _config(config)
        self.name = message.name
        self.digest = hashlib.sha256(b"\0".join([level.encode(), rules.encode(), b"gm" * gm, config])).digest()
        self._identities: dict[bytes, Identity | str] = {}
        self._setup_hashes(message)
        self._internal: frozenset[bytes] = frozenset()
        self._crls: list[RevocationList] = []
        self._crl_problem = ""
        self._admins: frozenset[bytes] = frozenset()
        self._unit_rules = UnitRules({}, NodeUnits())
        self._setup_authorities(message)
        self._known = {one.id: one for one in self._from_config(message.known_certs, "known certificate")}
        v142 = level in ("v1.4.3", "v3.0")
        admins = () if v142 else self._from_config(message.admins, "administrator")
        self._setup_crls(message)
        self._check_authorities()
        self._check_tls(message)
        self._unit_rules = self._read_units(message)
        if v142:
            admins = self._from_config(message.admins, "administrator")
        self._identities.clear()  # judged before the lists and units were known
        self._check_admins(admins)
        self._known = {key: self._identity(one.certificate) for key, one in self._known.items()}

    # ---- what is asked -----------------------------------------------------------------------------------------------

    def identity(self, text: bytes) -> Identity:
        """The identity of a certificate in PEM. Raises UnknownIdentityError."""
        if len(text) > MAX_IDENTITY and not self.strict:
            text = go_pem.alone(text)
        known = self._identities.get(text)
        if known is None:
            if len(text) > MAX_IDENTITY:
                raise UnknownIdentityError(f"{len(text)} bytes are more than the {MAX_IDENTITY} that are read")
            try:
                known = self._identity(self._certificate(text))
            except (CertificateError, ChainError, DerError) as error:
                known = str(error) or type(error).__name__
            if len(self._identities) >= MAX_IDENTITIES:
                self._identities.clear()
            self._identities[text] = known
        if isinstance(known, str):
            raise UnknownIdentityError(known)
        return known

    def known(self, certificate_id: str) -> Identity:
        """The identity of one of the configuration's known certificates (Fabric-X). Raises UnknownIdentityError."""
        found = self._known.get(certificate_id)
        if found is None:
            raise UnknownIdentityError(f"no known certificate of {self.name!r} has the id {certificate_id[:80]!r}")
        return found

    def is_admin(self, identity: Identity) -> bool:
        """Whether the certificate is one of the configuration's administrators."""
        return identity.certificate.der in self._admins and not (self.strict and identity.problem)

    @property
    def unit_rules(self) -> UnitRules:
        """How organisational units make members and roles."""
        return self._unit_rules

    # ---- the configuration -------------------------------------------------------------------------------------------

    def _setup_hashes(self, message: FabricMSPConfig) -> None:
        crypto = message.crypto_config
        family = crypto.signature_hash_family or "SHA2"
        self._hash = "sm3" if self.gm else _FAMILIES.get(family, "")
        if self.strict and not self._hash:
            raise MspError(f"the MSP {self.name!r} signs over an unknown family of hashes, {family[:40]!r}")
        name = crypto.identity_identifier_hash_function or "SHA256"
        if name not in _HASHES or (name == "SM3" and not self.gm):
            raise MspError(f"the MSP {self.name!r} names identities by an unknown hash, {name[:40]!r}")
        self._id_hash = _HASHES[name]

    def _setup_authorities(self, message: FabricMSPConfig) -> None:
        """Reads the authorities twice, as Fabric does: their own signatures are made canonical in between."""
        if not message.root_certs:
            raise MspError(f"the MSP {self.name!r} has no trust root")
        groups = [self._certificates(message.root_certs, "trust root"),
                  self._certificates(message.intermediate_certs, "intermediate authority")]  # fmt: skip
        self._chains = Chains(*groups)
        try:
            canonical = [[self._canonical(one) for one in group] for group in groups]
        except (ChainError, DerError) as error:
            raise MspError(f"an authority of the MSP {self.name!r}: {error}") from error
        self._chains = Chains(*canonical)

    def _setup_crls(self, message: FabricMSPConfig) -> None:
        for place, data in enumerate(message.revocation_list):
            crl = self._within(f"revocation list {place}", self._first_crl, data)
            scalars = parse_der_scalars(crl.signature, "go")
            if crl.signature_oid in _ECDSA_SIGNATURES and (scalars is None or min(scalars) <= 0):
                raise MspError(
                    f"revocation list {place} of the MSP {self.name!r}: a signature that is no pair of numbers"
                )
            self._crls.append(crl)
        authorities = [*self._chains.roots.values(), *self._chains.intermediates.values()]
        for place, crl in enumerate(self._crls):
            signed = any(self._signs(one, crl) for one in authorities if one.key_id == crl.authority_key_id)
            if crl.authority_key_id is None:
                self._crl_problem = f"revocation list {place} has no authority key identifier"
            if self.strict and (crl.authority_key_id is None or not signed):
                raise MspError(f"revocation list {place} of the MSP {self.name!r} is signed by no authority of it")

    def _check_authorities(self) -> None:
        internal = set()
        for one in [*self._chains.roots.values(), *self._chains.intermediates.values()]:
            why = self._authority_problem(one, self._chains)
            if why:
                raise MspError(f"an authority of the MSP {self.name!r} {why}")
        for one in self._chains.intermediates.values():
            internal |= {above.der for above in self._chains.only(one)[1:]}
        self._internal = frozenset(internal)

    def _authority_problem(self, certificate: Certificate, chains: Chains) -> str:
        if not certificate.is_ca:
            return "is no authority by its basicConstraints"
        if certificate.key_id is None:
            return "has no subject key identifier"
        try:
            chain = chains.only(certificate)
        except ChainError as error:
            return f"is not valid: {error}"
        why = self._revoked(certificate, chain) if len(chain) > 1 else ""
        return f"is not valid: {why}" if why else ""

    def _check_tls(self, message: FabricMSPConfig) -> None:
        groups = [self._certificates(message.tls_root_certs, "TLS root"),
                  self._certificates(message.tls_intermediate_certs, "TLS intermediate")]  # fmt: skip
        chains = Chains(*groups)
        for one in [*groups[0], *groups[1]]:
            why = self._authority_problem(one, chains)
            if why:
                raise MspError(f"a TLS authority of the MSP {self.name!r} {why}")

    def _read_units(self, message: FabricMSPConfig) -> UnitRules:
        units: dict[str, set[bytes]] = {}
        for one in message.organizational_unit_identifiers:
            units.setdefault(one.organizational_unit_identifier, set()).add(self._certifiers(one.certificate))
        if self.level == "v1.0" or not message.HasField("fabric_node_ous"):
            return UnitRules(units, NodeUnits())
        given = message.fabric_node_ous
        # A unit that stands for two roles is the first one's up to v1.3, and the last one's from v1.4.3 on.
        names = ("peer", "client") if self.level in ("v1.1", "v1.3") else ("client", "peer", "admin", "orderer")
        found: dict[str, tuple[str, bytes]] = {}
        for role in names:
            field_name = f"{role}_ou_identifier"
            if given.HasField(field_name):
                one = getattr(given, field_name)
                certifiers = self._certifiers(one.certificate) if one.certificate else b""
                found[role] = (one.organizational_unit_identifier, certifiers)
        if len(names) == 2 and any(not found.get(role, ("", b""))[0] for role in names):
            raise MspError(f"the MSP {self.name!r} has NodeOUs without client and peer units, which {self.level} needs")
        return UnitRules(units, NodeUnits(enforced=given.enable and bool(found), roles=found))

    def _check_admins(self, admins: tuple[Identity, ...]) -> None:
        admins = tuple(self._identity(one.certificate) for one in admins)  # with what is known now
        rules = self._unit_rules
        if (
            self.level in ("v1.4.3", "v3.0")
            and not admins
            and not (rules.nodes.enforced and "admin" in rules.nodes.roles)
        ):
            raise MspError(f"the MSP {self.name!r} has no administrators, and no unit that makes them")
        for place, one in enumerate(admins):
            why = one.problem
            if rules.nodes.enforced and self.level in ("v1.4.3", "v3.0"):
                roles = {rules.nodes.role_problem(one.units, role) for role in ("client", "admin")}
                why = "" if "" in roles else "it is neither a client nor an administrator by its units"
            elif rules.nodes.enforced and not why:
                why = rules.nodes.role_problem(one.units, "client")
            if why:
                raise MspError(f"administrator {place} of the MSP {self.name!r}: {why}")
        self._admins = frozenset(one.certificate.der for one in admins)

    def _certifiers(self, text: bytes) -> bytes:
        """The hash that stands for a chain from an authority upwards."""
        try:
            certificate = self._canonical(self._certificate(text))
            if certificate.der in self._chains.roots:
                chain: tuple[Certificate, ...] = (certificate,)
            elif certificate.der in self._chains.intermediates:
                chain = self._chains.only(certificate)
                if len(chain) < 2 or chain[0].der in self._internal:
                    raise ChainError("the certificate of a unit has other authorities below it")
            else:
                raise ChainError("the certificate of a unit is no authority of the MSP")
        except (CertificateError, ChainError, DerError) as error:
            raise MspError(f"a unit of the MSP {self.name!r}: {error}") from error
        return self._id_hash(b"".join(one.der for one in chain))

    def _from_config(self, texts: Iterable[bytes], what: str) -> tuple[Identity, ...]:
        certificates = self._certificates(texts, what)
        try:
            return tuple(self._identity(one) for one in certificates)
        except (CertificateError, ChainError, DerError) as error:
            raise MspError(f"a {what} of the MSP {self.name!r}: {error}") from error

    def _certificates(self, texts: Iterable[bytes], what: str) -> list[Certificate]:
        found = []
        for place, text in enumerate(texts):
            found.append(self._within(f"{what} {place}", self._certificate, text))
        return found

    def _within(self, what: str, read: Callable[[bytes], T], data: bytes) -> T:
        try:
            return read(data)
        except CertificateError as error:
            raise MspError(f"{what} of the MSP {self.name!r}: {error}") from error

    def _first_crl(self, data: bytes) -> RevocationList:
        return parse_crls(data, rules="compatible", any_scope=not self.strict)[0]

    # ---- certificates ------------------------------------------------------------------------------------------------

    def _certificate(self, text: bytes) -> Certificate:
        """The certificate of a PEM text; bare DER is refused."""
        if self.strict:
            der = pem.plain(text, b"CERTIFICATE")
            if der is None or text.count(b"-----") != 4 or text.rstrip(b"\n")[-5:] != b"-----":
                raise CertificateError("no PEM of one certificate and nothing else")
        else:
            first = go_pem.first(text)
            if first is None:
                raise CertificateError("no PEM")
            der = first.der
        if der[:1] != b"\x30":  # a PEM within the PEM, say, which the reader of certificates would open as well
            raise CertificateError("no certificate in its PEM")
        found = parse_certificate(der, rules=self.rules, ed25519=True)
        why = refusal(found)
        if why:
            raise CertificateError(why)
        return found

    def _canonical(self, certificate: Certificate) -> Certificate:
        """The certificate with its ECDSA signature in the one form with low s. Raises ChainError where it has no
        chain, which Fabric looks for on the way."""
        if certificate.signature_oid not in _ECDSA_SIGNATURES:
            return certificate
        if certificate.is_ca and _self_signed(certificate):
            certificate = _with_low_s(certificate, certificate.key.kind, self.rules)
            Chains([certificate], self._chains.intermediates.values()).only(certificate)
            return certificate
        chain = self._chains.only(certificate)
        if len(chain) < 2:
            raise ChainError("the certificate is a trust root that did not sign itself")
        return _with_low_s(certificate, chain[1].key.kind, self.rules)

    def _identity(self, certificate: Certificate) -> Identity:
        certificate = self._canonical(certificate)
        key = certificate.key
        if key.kind not in ("sm2",) * self.gm + ("ed25519", *_ORDERS):
            raise CertificateError(f"a key of a kind that makes no identity, {key.kind}")
        certifiers = None
        if certificate.is_ca:
            problem = "the certificate is that of an authority"
        else:
            try:
                chain = self._member_chain(certificate)
                certifiers = self._id_hash(b"".join(one.der for one in chain[1:]))
                problem = self._member_problem(certificate, chain, certifiers)
            except ChainError as error:
                problem = str(error)
        if key.kind == ED25519 and self.level != "v3.0":
            problem = f"Ed25519 keys need level v3.0, not {self.level}"
        return Identity(
            msp=self,
            certificate=certificate,
            id=self._id_hash(certificate.der).hex(),
            certifiers=certifiers,
            problem=problem,
            key=key,
            hash=NO_HASH if key.kind == ED25519 else self._hash,
        )

    def _member_chain(self, certificate: Certificate) -> tuple[Certificate, ...]:
        chain = self._chains.only(certificate)
        if len(chain) < 2:
            raise ChainError("the certificate is a trust root itself")
        if chain[1].der in self._internal:
            raise ChainError("the issuer of the certificate has other authorities below it")
        return chain

    def _member_problem(self, certificate: Certificate, chain: tuple[Certificate, ...], certifiers: bytes) -> str:
        why = self._revoked(certificate, chain)
        return why or self._unit_rules.problem(certificate.units, certifiers)

    def _revoked(self, certificate: Certificate, chain: tuple[Certificate, ...]) -> str:
        if self._crl_problem:
            return self._crl_problem
        issuer = chain[1]
        if issuer.key_id is None:
            return "the issuer has no subject key identifier"
        for crl in self._crls:
            if crl.authority_key_id == issuer.key_id and certificate.serial in crl.serials and self._signs(issuer, crl):
                return "the certificate has been revoked"
        return ""

    @staticmethod
    def _signs(issuer: Certificate, crl: RevocationList) -> bool:
        return not verify_crls([crl], [issuer], rules="compatible", time=None, der_rules="go")


class Msps:
    """The MSPs of a channel by name, and the identities that they know.

    >>> Msps([]).resolve(b"")
    Traceback (most recent call last):
    ...
    pycore.identities.msp.UnknownIdentityError: no MSP of the channel is named ''
    """

    def __init__(self, msps: Iterable[Msp], unread: Mapping[str, str] | None = None) -> None:
        """`unread`: MSPs that the channel has and nobody here can read, by name, and why."""
        self.unread = dict(unread or {})
        self.by_name: dict[str, Msp] = {}
        for one in msps:
            if self.by_name.setdefault(one.name, one).digest != one.digest:
                raise MspError(f"two different MSPs are named {one.name!r}")
        self.digest = hashlib.sha256(b"".join(sorted(one.digest for one in self.by_name.values()))).digest()
        self._resolved: dict[bytes, Identity | tuple[type[UnknownIdentityError], str]] = {}

    def resolve(self, serialized: bytes) -> Identity:
        """The identity of a SerializedIdentity. Raises UnknownIdentityError; UnreadIdentityError for somebody of an
        MSP in `unread`."""
        return self._remembered(serialized, self._of_serialized)

    def resolve_known(self, serialized: bytes) -> Identity:
        """The same for Fabric-X's message, which may name a certificate by its id instead."""
        return self._remembered(b"\0" + serialized, self._of_known)

    def _remembered(self, key: bytes, read: Callable[[bytes], Identity]) -> Identity:
        if len(key) > MAX_IDENTITY:  # too long to be remembered
            return read(key)
        found = self._resolved.get(key)
        if found is None:
            try:
                found = read(key)
            except UnknownIdentityError as error:
                found = type(error), str(error)
            if len(self._resolved) >= MAX_IDENTITIES:
                self._resolved.clear()
            self._resolved[key] = found
        if isinstance(found, tuple):
            raise found[0](found[1])
        return found

    def named(self, name: str) -> Msp:
        """The MSP of that name. Raises UnknownIdentityError."""
        if name in self.unread:
            raise UnreadIdentityError(f"the MSP {name[:80]!r} cannot be read: {self.unread[name]}")
        if name not in self.by_name:
            raise UnknownIdentityError(f"no MSP of the channel is named {name[:80]!r}")
        return self.by_name[name]

    def _of_serialized(self, data: bytes) -> Identity:
        try:
            message = read(SerializedIdentity, data)
        except DecodeError:
            raise UnknownIdentityError("bytes that are no SerializedIdentity") from None
        return self.named(message.mspid).identity(message.id_bytes)

    def _of_known(self, data: bytes) -> Identity:
        try:
            message = read(KnownIdentity, data[1:])
        except DecodeError:
            raise UnknownIdentityError("bytes that are no identity") from None
        msp = self.named(message.msp_id)
        which = message.WhichOneof("creator")
        if which is None:
            raise UnknownIdentityError("an identity without a certificate")
        return msp.identity(message.certificate) if which == "certificate" else msp.known(message.certificate_id)


# ---- canonical certificates ------------------------------------------------------------------------------------------

_ECDSA_SIGNATURES = frozenset({"1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"})


def _config(data: bytes) -> FabricMSPConfig:
    if len(data) > MAX_CONFIG:
        raise MspError(f"{len(data)} bytes of configuration, more than the {MAX_CONFIG} that are read")
    try:
        return read(FabricMSPConfig, data)
    except DecodeError:
        raise MspError("bytes that are no FabricMSPConfig") from None


def _self_signed(certificate: Certificate) -> bool:
    return not issuing_problem(certificate, "compatible") and verifies(certificate, certificate, der_rules="strict")


def _with_low_s(certificate: Certificate, kind: str, rules: str) -> Certificate:
    """The certificate with the low one of the two s. `kind`: of the key that signed it."""
    order = _ORDERS.get(kind)
    scalars = parse_der_scalars(certificate.signature, "go")
    if order is None or scalars is None or min(scalars) <= 0:
        raise DerError("a signature on a certificate that is no pair of numbers")
    r, s = scalars
    made = _sequence(_integer(r) + _integer(min(s, order - s)))
    if made == certificate.signature:
        return certificate
    _, start, _ = header(certificate.der, 0, len(certificate.der))
    body = Cursor(certificate.der, strict=False, start=start)
    parts = body.any()[1] + body.any()[1]
    content = b"\0" + made
    der = _sequence(parts + bytes([BIT_STRING]) + _length(len(content)) + content)
    return parse_certificate(der, rules=rules, ed25519=True)


def _integer(value: int) -> bytes:
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + _length(len(content)) + content


def _sequence(content: bytes) -> bytes:
    return bytes([SEQUENCE]) + _length(len(content)) + content


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
