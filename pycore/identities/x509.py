"""X.509 certificates and public keys as the ledgers need them: the few fields that decide trust, read once.

The bytes are read by hand (:mod:`pycore.identities.der`), so that SM2 certificates (GM/T 0015: curve
1.2.156.10197.1.301, signature 1.2.156.10197.1.501) parse like any other and so that a certificate has one encoding
only. Nothing is decided here: the kernels verify signatures (:mod:`pycore.identities.collector`),
:mod:`pycore.identities.x509_path` finds paths, and the chain decides whom to trust.

Two sets of rules. "strict": RFC 5280 in DER, down to the last element. "compatible": what ChainMaker's Go code takes;
``docs/guides/certificates.md`` has both side by side.

Sources: RFC 5280, sections 4.1 and 4.2; RFC 5480; RFC 8017, appendix A.1.1; X.690.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pycore.errors import InputError
from pycore.identities import pem
from pycore.identities.der import (
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    Cursor,
    DerError,
    bits,
    check,
    moment,
    whole,
)
from pycore.identities.memory import by_element, by_value
from pycore.identities.x509_keys import CURVES as CURVES
from pycore.identities.x509_keys import ED25519 as ED25519
from pycore.identities.x509_keys import NULL_PARAMETERS, USUAL, Kinds, read_key, read_rsa
from pycore.identities.x509_keys import CertificateError as CertificateError
from pycore.identities.x509_keys import PublicKey as PublicKey
from pycore.identities.x509_names import (
    AlternativeNames,
    NameConstraints,
    read_alternatives,
    read_constraints,
    read_name,
)

RULES = ("strict", "compatible")

SIGNATURES = {
    "1.2.156.10197.1.501": ("sm2", "sm3"),  # sm2-with-sm3
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "2.16.840.1.101.3.4.3.10": ("ecdsa", "sha3-256"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "2.16.840.1.101.3.4.3.14": ("rsa", "sha3-256"),
}
"""signatureAlgorithm -> family of the issuer's key, hash."""

MEMBER_ID = "2.87.88.2020.11.30.2020.11.4"
"""ChainMaker's extension for the id of a member; its value is text."""

KEY_ID, KEY_USAGE, ALTERNATIVE_NAME = "2.5.29.14", "2.5.29.15", "2.5.29.17"
BASIC_CONSTRAINTS, NAME_CONSTRAINTS, AUTHORITY_KEY_ID = "2.5.29.19", "2.5.29.30", "2.5.29.35"

_MAX_DER = 64 * 1024  # certificates and keys of real chains stay below 4 KiB
_MAX_BLOCKS = 64
_MAX_BUNDLE = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The fields of a certificate that decide trust.

    `subject` and `issuer` are the DER of the names, to be compared byte by byte (RFC 5280, section 7.1, as Go does).
    `organisations` and `units` keep the order of the subject. Times are Unix seconds. `path_length` is None without a
    limit. `serial` may be zero or negative: RFC 5280, section 4.1.2.2, asks readers to take what careless authorities
    issued. `extensions` and `critical` are object identifiers in dotted form, in the certificate's order.
    `may_sign_crls` and `may_sign_certificates` are true without a key usage, which restricts nothing then.
    `member_id` is the text of ChainMaker's extension for it, else the common name.
    `unsupported` says why no path may use the certificate under any rules; "" in general.
    """

    der: bytes
    tbs: bytes
    signature: bytes
    signature_oid: str
    hash: str | None
    key: PublicKey
    subject: bytes
    issuer: bytes
    serial: int
    organisations: tuple[str, ...]
    units: tuple[str, ...]
    common_name: str
    not_before: float
    not_after: float
    is_ca: bool
    path_length: int | None
    may_sign_certificates: bool
    key_id: bytes | None
    authority_key_id: bytes | None
    version: int = 3
    has_basic_constraints: bool = True
    may_sign_crls: bool = True
    extensions: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    alternative_names: AlternativeNames | None = None
    name_constraints: NameConstraints | None = None
    subject_emails: tuple[str, ...] = ()
    member_id: str = ""
    unsupported: str = ""

    def signed_with(self, key: PublicKey) -> bool:
        """Whether a key of that kind can have made the signature: the algorithm names its family."""
        family, _ = SIGNATURES.get(self.signature_oid, ("", ""))
        return bool(family) and key.kind.split("-")[0] == family


# ---- what is offered -------------------------------------------------------------------------------------------------


def parse_certificate(
    data: bytes, *, rules: str = "strict", ed25519: bool = False, sm2_algorithm: bool = False
) -> Certificate:
    """Reads a certificate from PEM (text around the first block is ignored) or DER.

    ed25519: whether a key may be of that kind; a certificate with one is refused otherwise.
    sm2_algorithm: whether the algorithm of a key may be SM2's own identifier, see :func:`parse_public_key`.

    "strict" takes a block labelled CERTIFICATE, and DER without any second spelling. "compatible" takes the first sound
    block of any label, and what Go's `encoding/asn1` reads: extra elements at the end of a SEQUENCE are
    ignored, and the outer signatureAlgorithm is not compared with the inner one. Bytes after the certificate
    are refused by both. Raises CertificateError; InputError for unknown rules.
    """
    strict = is_strict(rules)
    return _certificate(_unarmor(data, "CERTIFICATE", strict), strict, Kinds(ed25519, sm2_algorithm))


def parse_certificates(data: bytes, *, rules: str = "strict") -> list[Certificate]:
    """Reads every certificate of a PEM bundle, in its order, or the one of a DER encoding.

    At most 64 blocks and 1 MiB. A bundle is refused if one block is broken or, under "strict", is not a
    certificate; the error says which. Raises CertificateError; InputError for unknown rules.
    """
    strict = is_strict(rules)
    return [
        within(where, _certificate, der, strict) for where, der in unarmor_all(data, ("CERTIFICATE",), strict=strict)
    ]


def parse_public_key(
    data: bytes, *, rules: str = "strict", ed25519: bool = False, sm2_algorithm: bool = False
) -> PublicKey:
    """Reads a public key from PEM or DER: a SubjectPublicKeyInfo, or a bare RSAPublicKey.

    ed25519: whether it may be of that kind (RFC 8410).
    sm2_algorithm: whether its algorithm may be 1.2.156.10197.1.301 itself, without parameters, with NULL or with that
    identifier once more, as some national tools write an SM2 key. GM/T 0015 wants id-ecPublicKey with it as the curve,
    and ChainMaker's nodes read no key in the other form: its rules keep to that.

    Raises CertificateError; InputError for unknown rules.
    """
    strict = is_strict(rules)
    der = _unarmor(data, "PUBLIC KEY", strict)
    try:
        return read_key(whole(der, "the public key", strict=strict), Kinds(ed25519, sm2_algorithm))
    except CertificateError:
        raise
    except DerError as first:
        try:
            read_rsa(der, strict)
        except DerError:
            raise CertificateError(f"no public key: {first}") from first
        return PublicKey("rsa", der)


def public_key_of(data: bytes, *, rules: str = "strict") -> PublicKey:
    """The public key of a PEM certificate, or of a PEM public key."""
    if b"BEGIN CERTIFICATE" in data:
        return parse_certificate(data, rules=rules).key
    return parse_public_key(data, rules=rules)


def is_strict(rules: str) -> bool:
    """Whether `rules` are the strict ones. Raises InputError for unknown rules."""
    if rules not in RULES:
        raise InputError("rules", repr(rules), " or ".join(map(repr, RULES)))
    return rules == "strict"


# ---- armour ----------------------------------------------------------------------------------------------------------


def _unarmor(data: bytes, label: str, strict: bool) -> bytes:
    """The bytes of the first block, or `data` itself where there is none."""
    if len(data) > _MAX_DER:
        raise CertificateError(f"{len(data)} bytes are more than the {_MAX_DER} that are read")
    usual = pem.plain(data, label.encode())
    if usual is not None:
        return usual
    for block in pem.blocks(data):
        if block.error and not strict:
            continue  # Go's reader goes on to the next block
        if block.error:
            raise CertificateError(f"broken PEM: {block.error}")
        # Keys have two labels, and a chain reads either as either.
        if strict and block.label != label and not (label == "PUBLIC KEY" and block.label == "RSA PUBLIC KEY"):
            raise CertificateError(f"PEM of a {block.label}, not of a {label}")
        return block.der
    if data[:1] != b"\x30":
        raise CertificateError(f"neither PEM nor DER of a {label.lower()}")
    return data


def unarmor_all(data: bytes, labels: tuple[str, ...], *, strict: bool) -> list[tuple[str, bytes]]:
    """Every block with its place in words, or `data` itself where there is none. `strict`: labels must be among
    `labels`. Raises CertificateError."""
    if len(data) > _MAX_BUNDLE:
        raise CertificateError(f"{len(data)} bytes are more than the {_MAX_BUNDLE} that are read")
    found: list[tuple[str, bytes]] = []
    for place, block in enumerate(pem.blocks(data), 1):
        where = f"block {place} ({block.label})"
        if place > _MAX_BLOCKS:
            raise CertificateError(f"more than {_MAX_BLOCKS} blocks")
        if block.error:
            raise CertificateError(f"{where}: broken PEM: {block.error}")
        if strict and block.label not in labels:
            raise CertificateError(f"{where}: not a {' or '.join(labels)}")
        found.append((where, block.der))
    if not found and data[:1] != b"\x30":
        raise CertificateError(f"neither PEM nor DER of a {labels[0].lower()}")
    return found or [("", data)]


def within(where: str, read: Callable[[bytes, bool], T], der: bytes, strict: bool) -> T:
    """Reads one block; an error says which block it was."""
    try:
        return read(der, strict)
    except CertificateError as error:
        raise CertificateError(f"{where}: {error}" if where else str(error)) from error


# ---- certificates ----------------------------------------------------------------------------------------------------


def _certificate(der: bytes, strict: bool, kinds: Kinds = USUAL) -> Certificate:
    if len(der) > _MAX_DER:
        raise CertificateError(f"{len(der)} bytes are more than the {_MAX_DER} that are read")
    try:
        return _read_certificate(der, strict, kinds)
    except DerError as error:
        raise CertificateError(f"no X.509 certificate: {error}") from error


def _read_certificate(der: bytes, strict: bool, kinds: Kinds) -> Certificate:
    outer = whole(der, "the certificate", strict=strict)
    start = outer.at
    body = outer.enter(SEQUENCE, "tbsCertificate")
    tbs = der[start : outer.at]
    version = _read_version(body, "version") if body.peek() == 0xA0 else 1
    serial = body.integer("serialNumber")
    oid, algorithm = read_algorithm(body, "signature")
    issuer = read_name(body, "the issuer's name")
    not_before, not_after = _read_validity(body, "validity")
    subject = read_name(body, "the subject's name")
    key = read_key(body.enter(SEQUENCE, "subjectPublicKeyInfo"), kinds)
    _skip_unique_ids(body, version)
    extensions: dict[str, tuple[bool, bytes]] = {}
    if body.peek() == 0xA3:
        explicit = body.enter(0xA3, "extensions")
        extensions = read_extensions(explicit)
        explicit.close("extensions")
        if strict and version != 3:
            raise DerError(f"a certificate of version {version} with extensions")
    body.close("tbsCertificate")
    signature = read_signature(outer, oid, algorithm, "the certificate")
    known = _Extensions(extensions, strict)
    common_name = subject.common_names[0] if subject.common_names else ""
    return Certificate(
        der=der,
        tbs=tbs,
        signature=signature,
        signature_oid=oid,
        hash=SIGNATURES.get(oid, ("", None))[1],
        key=key,
        subject=subject.der,
        issuer=issuer.der,
        serial=serial,
        organisations=subject.organisations,
        units=subject.units,
        common_name=common_name,
        not_before=not_before,
        not_after=not_after,
        is_ca=known.is_ca,
        path_length=known.path_length,
        may_sign_certificates=known.usage is None or bool(known.usage & 0x04),
        key_id=known.key_id,
        authority_key_id=known.authority_key_id,
        version=version,
        has_basic_constraints=BASIC_CONSTRAINTS in extensions,
        may_sign_crls=known.usage is None or bool(known.usage & 0x02),
        extensions=tuple(extensions),
        critical=tuple(name for name, (critical, _) in extensions.items() if critical),
        alternative_names=known.alternative_names,
        name_constraints=known.name_constraints,
        subject_emails=subject.emails,
        member_id=known.member_id or common_name,
        unsupported=known.unsupported,
    )


@by_element
def _read_version(body: Cursor, what: str) -> int:
    explicit = body.enter(0xA0, what)
    number = explicit.integer(what)
    explicit.close(what)
    if number == 0 and body.strict:
        raise DerError("version 1 is the default, which DER does not write down")
    if number not in (0, 1, 2):
        raise DerError("a version that is none of 1, 2 and 3")
    return number + 1


@by_element
def _read_validity(body: Cursor, what: str) -> tuple[float, float]:
    validity = body.enter(SEQUENCE, what)
    not_before, not_after = read_time(validity), read_time(validity)
    validity.close(what)
    return not_before, not_after


def _skip_unique_ids(body: Cursor, version: int) -> None:
    """issuerUniqueID and subjectUniqueID (RFC 5280, section 4.1.2.8): no chain uses them to tell names apart."""
    for tag in (0x81, 0x82):
        if body.peek() == tag:
            bits(body.take(tag, "a unique identifier"))
            if body.strict and version == 1:
                raise DerError("a certificate of version 1 with unique identifiers")


def read_time(cursor: Cursor) -> float:
    """Takes the next element as a Time; Unix seconds. Raises DerError."""
    tag, _, content = cursor.any()
    return moment(tag, content, strict=cursor.strict)


@by_element
def read_algorithm(cursor: Cursor, what: str) -> tuple[str, bytes]:
    """Takes the next element as the AlgorithmIdentifier of a signature: object identifier, and its encoding.

    Strict: parameters as the algorithm's own standard has them. ECDSA has none (RFC 5758, section 3.2), RSA NULL (RFC
    8017, appendix A.2.4), SM2 none or NULL, since authorities write both. Raises DerError.
    """
    start = cursor.at
    inner = cursor.enter(SEQUENCE, what)
    oid = inner.oid(what)
    parameters = inner.any()[1] if inner.more else b""
    inner.close(what)
    if cursor.strict:
        allowed = {"ecdsa": (b"",), "sm2": (b"", NULL_PARAMETERS), "rsa": (NULL_PARAMETERS,)}
        family = SIGNATURES.get(oid, ("", ""))[0]
        if family and parameters not in allowed[family]:
            raise DerError(f"{what} has other parameters than {family} has")
    return oid, cursor.data[start : cursor.at]


def read_signature(outer: Cursor, oid: str, algorithm: bytes, what: str) -> bytes:
    """Takes the outer signatureAlgorithm and the signature, the end of certificates and of revocation lists. Raises
    DerError."""
    _, repeated = read_algorithm(outer, "signatureAlgorithm")
    if outer.strict and repeated != algorithm:
        raise DerError("the two signatureAlgorithm fields differ")
    signature, unused = outer.bits("the signature")
    if unused:
        raise DerError("a signature that is no whole number of bytes")
    outer.close(what)
    return signature


def read_extensions(cursor: Cursor) -> dict[str, tuple[bool, bytes]]:
    """Takes the next element as Extensions: object identifier -> critical, value. No identifier may occur
    twice (RFC 5280, section 4.2). Raises DerError."""
    items = cursor.enter(SEQUENCE, "extensions")
    if cursor.strict and not items.more:
        raise DerError("an empty list of extensions")
    found: dict[str, tuple[bool, bytes]] = {}
    while items.more:
        oid, critical, value, fault = _read_extension(items, "an extension")
        if oid in found:
            raise DerError(f"extension {oid} comes twice")
        if fault:
            raise DerError(fault)
        found[oid] = critical, value
    return found


@by_element
def _read_extension(items: Cursor, what: str) -> tuple[str, bool, bytes, str]:
    """Object identifier, whether it is critical, value, and why the value is not DER where `strict` wants it to be."""
    item = items.enter(SEQUENCE, what)
    oid = item.oid("the id of an extension")
    written = item.peek() == 0x01
    critical = written and item.boolean("critical")
    if items.strict and written and not critical:
        raise DerError(f"extension {oid}: FALSE is the default, which DER does not write down")
    value = item.take(OCTET_STRING, f"the value of extension {oid}")
    item.close(f"extension {oid}")
    # The values of private extensions are up to their owners: some hold plain text.
    if items.strict and oid.startswith(("2.5.29.", "1.3.6.1.5.5.7.1.")):
        try:
            check(value)
        except DerError as error:
            return oid, critical, value, str(error)
    return oid, critical, value, ""


class _Extensions:
    """The extensions of a certificate that decide anything, read."""

    def __init__(self, found: dict[str, tuple[bool, bytes]], strict: bool) -> None:
        self._strict = strict
        values = {oid: value for oid, (_, value) in found.items()}
        critical = frozenset(oid for oid, (marked, _) in found.items() if marked)
        self.is_ca, self.path_length = False, None
        if BASIC_CONSTRAINTS in values:
            self.is_ca, self.path_length = _basic_constraints(values[BASIC_CONSTRAINTS], strict)
        self.usage = _key_usage(values[KEY_USAGE], strict) if KEY_USAGE in values else None
        self.key_id = key_id(values[KEY_ID], strict) if KEY_ID in values else None
        own = values.get(AUTHORITY_KEY_ID)
        self.authority_key_id = None if own is None else authority_key_id(own, strict)
        own = values.get(ALTERNATIVE_NAME)
        self.alternative_names = None if own is None else read_alternatives(own, strict=strict)
        own = values.get(NAME_CONSTRAINTS)
        self.name_constraints = None if own is None else read_constraints(own, strict=strict)
        self.member_id = self._member_id(values[MEMBER_ID]) if MEMBER_ID in values else ""
        self.unsupported = self._unsupported(critical)

    def _member_id(self, value: bytes) -> str:
        try:
            return value.decode("utf-8", "strict" if self._strict else "replace")
        except UnicodeDecodeError as error:
            raise DerError("a member id that is no UTF-8 text") from error

    def _unsupported(self, critical: frozenset[str]) -> str:
        names, constraints = self.alternative_names, self.name_constraints
        if ALTERNATIVE_NAME in critical and names is not None and not names.known:
            return "a critical subjectAltName has no name of a kind that is read"
        if NAME_CONSTRAINTS in critical and constraints is not None and constraints.unsupported:
            return f"critical name constraints on {', '.join(constraints.unsupported)} are not evaluated"
        return ""


@by_value
def _basic_constraints(value: bytes, strict: bool) -> tuple[bool, int | None]:
    """RFC 5280, section 4.2.1.9. A negative length is no limit to Go, and refused by `strict`."""
    fields = whole(value, "basicConstraints", strict=strict)
    written = fields.peek() == 0x01
    is_ca = written and fields.boolean("cA")
    length = fields.integer("pathLenConstraint") if fields.peek() == INTEGER else None
    fields.close("basicConstraints")
    if strict and written and not is_ca:
        raise DerError("cA: FALSE is the default, which DER does not write down")
    if strict and length is not None and (length < 0 or not is_ca):
        raise DerError("a pathLenConstraint that is negative, or of no authority")
    return is_ca, length if length is None or length >= 0 else None


@by_value
def _key_usage(value: bytes, strict: bool) -> int | None:
    """The first byte of keyUsage (section 4.2.1.3): 04 keyCertSign, 02 cRLSign. None restricts nothing.

    No bit at all is refused by `strict`; Go takes it as no restriction.
    """
    cursor = Cursor(value, strict=strict)
    content, unused = cursor.bits("keyUsage")
    cursor.finish("keyUsage")
    if strict and (not content or not content[-1] >> unused & 1 or len(content) > 2):
        raise DerError("keyUsage is empty, or longer than its last bit")
    # Bits above the ninth have no meaning; the ninth is decipherOnly.
    return (content[0] if any(content[:1]) or content[1:2] >= b"\x80" else None) if content else None


def key_id(value: bytes, strict: bool) -> bytes:
    """The value of a subjectKeyIdentifier (RFC 5280, section 4.2.1.2). Raises DerError."""
    cursor = Cursor(value, strict=strict)
    found = cursor.take(OCTET_STRING, "subjectKeyIdentifier")
    cursor.finish("subjectKeyIdentifier")
    return found


@by_value
def authority_key_id(value: bytes, strict: bool) -> bytes | None:
    """The keyIdentifier of an authorityKeyIdentifier (section 4.2.1.1). Issuer and serial number name a certificate,
    not a key, and find nothing here; `strict` requires both or neither. Raises DerError."""
    fields = whole(value, "authorityKeyIdentifier", strict=strict)
    found = fields.take(0x80, "keyIdentifier") if fields.peek() == 0x80 else None
    if strict:
        by_name = [fields.any()[0] for tag in (0xA1, 0x82) if fields.peek() == tag]
        if len(by_name) == 1:
            raise DerError("authorityKeyIdentifier has one of issuer and serial number without the other")
    fields.close("authorityKeyIdentifier")
    return found
