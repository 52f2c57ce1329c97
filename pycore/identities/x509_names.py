"""Names of X.509: distinguished names, alternative names, and name constraints.

Sources: RFC 5280, sections 4.1.2.4, 4.2.1.6, 4.2.1.10 and 7; the lenient side reads names as ChainMaker's Go
code does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pycore.identities.der import SEQUENCE, SET, Cursor, DerError, whole
from pycore.identities.memory import by_element

ORGANISATION, UNIT, COMMON_NAME = "2.5.4.10", "2.5.4.11", "2.5.4.3"
_EMAIL_ATTRIBUTE = "1.2.840.113549.1.9.1"
_READ = frozenset({ORGANISATION, UNIT, COMMON_NAME, _EMAIL_ATTRIBUTE})
MAX_COMPARISONS = 250_000
"""Names times constraints that one certificate may cost along a chain; the number that Go's verifier allows."""

_HOST = re.compile(r"(?:\*|[A-Za-z0-9_:][A-Za-z0-9_:-]*)(?:\.[A-Za-z0-9_:][A-Za-z0-9_:-]*)*\.?")
_DOMAIN = re.compile(r"\.?[!-,\-/-~]+(?:\.[!-,\-/-~]+)*")  # labels of visible characters, none of them empty
_DOTTED_QUAD = re.compile(r"[0-9.]+")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5321, Dot-string
_MAX_HOST = 255


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """A distinguished name. `der` is compared byte by byte; the texts keep the order of the name."""

    der: bytes
    organisations: tuple[str, ...]
    units: tuple[str, ...]
    common_names: tuple[str, ...]
    emails: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether it has no attribute at all."""
        return self.der == b"\x30\x00"


@dataclass(frozen=True, slots=True)
class AlternativeNames:
    """The subjectAltName of a certificate. `others` counts names of kinds that are not evaluated."""

    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    addresses: tuple[bytes, ...] = ()
    others: int = 0

    @property
    def known(self) -> int:
        """How many names are of a kind that name constraints can restrict here."""
        return len(self.dns) + len(self.emails) + len(self.uris) + len(self.addresses)


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """The nameConstraints of an authority, by kind of name.

    Addresses are (network, mask). `unsupported` names kinds of constraints that are not evaluated, such as
    directoryName.
    """

    permitted: Subtrees
    excluded: Subtrees
    unsupported: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many constraints there are."""
        return self.permitted.size + self.excluded.size


@dataclass(frozen=True, slots=True)
class Subtrees:
    """One side of name constraints."""

    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    addresses: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def size(self) -> int:
        """How many constraints there are."""
        return len(self.dns) + len(self.emails) + len(self.uris) + len(self.addresses)


# ---- reading ---------------------------------------------------------------------------------------------------------


@by_element
def read_name(cursor: Cursor, what: str) -> DistinguishedName:
    """Takes the next element as a Name (RFC 5280, section 4.1.2.4)."""
    start = cursor.at
    sets = cursor.enter(SEQUENCE, what)
    found: dict[str, list[str]] = {oid: [] for oid in _READ}
    while sets.more:
        for oid, text in _read_part(sets, what):
            found[oid].append(text)
    return DistinguishedName(
        cursor.data[start : cursor.at],
        tuple(found[ORGANISATION]),
        tuple(found[UNIT]),
        tuple(found[COMMON_NAME]),
        tuple(found[_EMAIL_ATTRIBUTE]),
    )


@by_element
def _read_part(sets: Cursor, what: str) -> tuple[tuple[str, str], ...]:
    """The attributes of one RelativeDistinguishedName that are read: object identifier, text."""
    attributes = sets.enter(SET, f"a part of {what}")
    if sets.strict and not attributes.more:
        raise DerError(f"{what} has an empty part")
    found: list[tuple[str, str]] = []
    while attributes.more:
        attribute = attributes.enter(SEQUENCE, f"an attribute of {what}")
        oid = attribute.oid(f"the type of an attribute of {what}")
        tag, _, content = attribute.any()
        attribute.close(f"an attribute of {what}")
        text = _attribute_text(tag, content, what)
        if oid in _READ:
            if text is not None:
                found.append((oid, text))
            elif sets.strict:
                raise DerError(f"an attribute of {what} is no text")
    return tuple(found)


_CODECS = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be"}
_CHARACTERS = {0x12: re.compile(r"[0-9 ]*"), 0x13: re.compile(r"[A-Za-z0-9 '()+,\-./:=?*&]*")}  # X.680, section 41


def _attribute_text(tag: int, content: bytes, what: str) -> str | None:
    """The text of a string type, None of another type. PrintableString may hold * and &, which many names do."""
    codec = _CODECS.get(tag)
    if codec is None:
        return None
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise DerError(f"{what} has text that is not {codec}") from error
    allowed = _CHARACTERS.get(tag)
    if allowed and not allowed.fullmatch(text):
        raise DerError(f"{what} has characters that its type of text does not have")
    return text


_KINDS = {0x81: "rfc822Name", 0x82: "dNSName", 0x86: "uniformResourceIdentifier", 0x87: "iPAddress"}
_CONSTRUCTED = frozenset(tag | 0x20 for tag in _KINDS)  # strings in pieces, which DER does not have
_OTHER_KINDS = {
    0xA0: "otherName",
    0xA3: "x400Address",
    0xA4: "directoryName",
    0xA5: "ediPartyName",
    0x88: "registeredID",
}


def read_alternatives(value: bytes, *, strict: bool) -> AlternativeNames:
    """Reads a subjectAltName (RFC 5280, section 4.2.1.6)."""
    names = whole(value, "subjectAltName", strict=strict)
    if strict and not names.more:
        raise DerError("subjectAltName is empty")
    found: dict[int, list[bytes]] = {tag: [] for tag in _KINDS}
    others = 0
    while names.more:
        tag, _, content = names.any()
        if tag in found:
            found[tag].append(content)
        elif tag in _CONSTRUCTED or (strict and tag not in _OTHER_KINDS):
            raise DerError(f"subjectAltName has a name of an unknown kind ({tag:#04x})")
        else:
            others += 1
    if any(len(address) not in (4, 16) for address in found[0x87]):
        raise DerError("subjectAltName has an address that is neither IPv4 nor IPv6")
    emails, dns, uris = (tuple(_ascii(item) for item in found[tag]) for tag in (0x81, 0x82, 0x86))
    return AlternativeNames(dns, emails, uris, tuple(found[0x87]), others)


def read_constraints(value: bytes, *, strict: bool) -> NameConstraints:
    """Reads a nameConstraints (RFC 5280, section 4.2.1.10)."""
    outer = whole(value, "nameConstraints", strict=strict)
    unsupported: list[str] = []
    sides = []
    for tag in (0xA0, 0xA1):
        present = outer.peek() == tag
        side = _read_subtrees(outer.enter(tag, "nameConstraints"), unsupported) if present else Subtrees()
        if present and strict and not side.size and not unsupported:
            raise DerError("nameConstraints has an empty list")
        sides.append((present, side))
    outer.finish("the lists of nameConstraints")
    if not any(present for present, _ in sides):
        raise DerError("nameConstraints is empty")
    return NameConstraints(sides[0][1], sides[1][1], tuple(dict.fromkeys(unsupported)))


def _read_subtrees(subtrees: Cursor, unsupported: list[str]) -> Subtrees:
    dns: list[str] = []
    emails: list[str] = []
    uris: list[str] = []
    addresses: list[tuple[bytes, bytes]] = []
    while subtrees.more:
        subtree = subtrees.enter(SEQUENCE, "a name constraint")
        tag, _, content = subtree.any()
        # minimum is 0 and maximum absent (section 4.2.1.10): 0 is the default, which DER does not write down.
        subtree.close("a name constraint")
        if tag == 0x87:
            addresses.append(_network(content))
        elif tag in _KINDS:
            local, at, host = _ascii(content).rpartition("@")
            text = local + at + host.lower()  # a local part counts letter for letter, a host does not
            if not _sound_constraint(tag, text):
                raise DerError(f"a {_KINDS[tag]} constraint that can not be evaluated")
            {0x81: emails, 0x82: dns, 0x86: uris}[tag].append(text)
        elif tag in _CONSTRUCTED or (subtrees.strict and tag not in _OTHER_KINDS):
            raise DerError(f"a name constraint of an unknown kind ({tag:#04x})")
        else:
            unsupported.append(_OTHER_KINDS.get(tag, f"kind {tag:#04x}"))
    return Subtrees(tuple(dns), tuple(emails), tuple(uris), tuple(addresses))


def _sound_constraint(tag: int, text: str) -> bool:
    if tag == 0x81 and "@" in text:
        return _mailbox(text) is not None
    if tag == 0x86 and _DOTTED_QUAD.fullmatch(text):
        return False  # URI constraints name hosts, never addresses
    return not text or (len(text) <= _MAX_HOST and "@" not in text and _DOMAIN.fullmatch(text) is not None)


def _network(content: bytes) -> tuple[bytes, bytes]:
    half = len(content) // 2
    if len(content) not in (8, 32):
        raise DerError("an iPAddress constraint that is neither IPv4 nor IPv6")
    network, mask = content[:half], content[half:]
    inverse = ~int.from_bytes(mask, "big") & ((1 << 8 * half) - 1)
    if inverse & (inverse + 1):
        raise DerError("an iPAddress constraint with a mask that has holes")
    return network, mask


def _ascii(content: bytes) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise DerError("a name that is not ASCII") from error


def looks_like_host(text: str) -> bool:
    """Whether a common name could be meant as a host name: labels of letters, digits, '-', '_' and ':', the first
    perhaps '*'."""
    return _HOST.fullmatch(text) is not None


# ---- constraints on names --------------------------------------------------------------------------------------------


def refused_name(constraints: NameConstraints, names: AlternativeNames, *, rules: str) -> str:
    """Which of `names` the constraints refuse, in words; "" when all are allowed.

    A constraint without a leading dot covers hosts below it as well for dNSName. For rfc822Name and URIs RFC 5280 has
    it cover that one host, ChainMaker's code also those below. `strict` takes the narrow reading for what is permitted
    and the wide one for what is excluded; `compatible` takes the wide one for both. The caller bounds the work with
    :data:`MAX_COMPARISONS`.
    """
    narrow = rules == "strict"
    permitted, excluded = constraints.permitted, constraints.excluded
    for text in names.dns:
        domain = _domain(text)
        if domain is None:
            return f"the host name {text!r}, which can not be read"
        if _outside(_host_in(domain, item, False) for item in permitted.dns) or any(
            _host_in(domain, item, False) or (narrow and _wildcard_over(domain, item)) for item in excluded.dns
        ):
            return f"the host name {text!r}"
    for text in names.emails:
        mailbox = _mailbox(text)
        if mailbox is None:
            return f"the mail address {text!r}, which can not be read"
        if _outside(_mail_in(mailbox, item, narrow) for item in permitted.emails) or any(
            _mail_in(mailbox, item, False) for item in excluded.emails
        ):
            return f"the mail address {text!r}"
    for text in names.uris:
        host = _uri_host(text) if permitted.uris or excluded.uris else ""
        if host is None:
            return f"the URI {text!r}, which names no host"
        if _outside(_host_in(host, item, narrow) for item in permitted.uris) or any(
            _host_in(host, item, False) for item in excluded.uris
        ):
            return f"the URI {text!r}"
    for address in names.addresses:
        if _outside(_address_in(address, *item) for item in permitted.addresses) or any(
            _address_in(address, *item) for item in excluded.addresses
        ):
            return f"the address {address.hex()}"
    return ""


def _outside(matches: Iterable[bool]) -> bool:
    """Whether there are constraints, and none matches."""
    some = False
    for match in matches:
        if match:
            return False
        some = True
    return some


def _domain(text: str) -> str | None:
    """A host name in lower case, or None when it has empty labels or is not one. "" is kept: it matches only ""."""
    if text and (len(text) > _MAX_HOST or text.startswith(".") or not _DOMAIN.fullmatch(text)):
        return None
    return text.lower()


def _host_in(host: str, constraint: str, exactly: bool) -> bool:
    if not constraint or host == constraint:
        return True
    if constraint.startswith("."):
        return host.endswith(constraint)
    return not exactly and host.endswith(constraint) and host[-len(constraint) - 1] == "."


def _wildcard_over(host: str, constraint: str) -> bool:
    """Whether `host` is a pattern such as *.example.com that covers the constraint's host."""
    return host.startswith("*.") and constraint.endswith(host[1:])


def _mailbox(text: str) -> tuple[str, str] | None:
    """Local part and host of a mail address. Quoted local parts are not read: None refuses them."""
    local, found, host = text.rpartition("@")
    if not found or not _LOCAL.fullmatch(local):
        return None
    domain = _domain(host)
    return (local, domain) if domain else None


def _mail_in(mailbox: tuple[str, str], constraint: str, exactly: bool) -> bool:
    if "@" in constraint:
        local, _, host = constraint.rpartition("@")
        return mailbox == (local, host)
    return _host_in(mailbox[1], constraint, exactly)


def _uri_host(text: str) -> str | None:
    """The host name of a URI with an authority; None without one, or when it is an address."""
    try:
        host = urlsplit(text).hostname
    except ValueError:
        return None
    if not host or ":" in host or _DOTTED_QUAD.fullmatch(host):
        return None
    return _domain(host)


def _address_in(address: bytes, network: bytes, mask: bytes) -> bool:
    return len(address) == len(network) and all(a & m == n & m for a, n, m in zip(address, network, mask, strict=True))
