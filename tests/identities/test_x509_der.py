"""A certificate has one encoding: every other spelling of it is refused, wherever it stands."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator

import pytest
import x509_make as m
from asn1crypto import pem
from cryptography import x509 as theirs

import pycore
from pycore.identities import der as reader
from pycore.identities import memory, x509
from pycore.identities.x509 import CertificateError, parse_certificate, parse_certificates, parse_public_key
from pycore.testing import certificates as testing

BOTH = ("strict", "compatible")


@pytest.fixture(scope="module")
def top():
    return m.make("top", ca=True)


@pytest.fixture(scope="module")
def full(top):
    """A certificate with every extension that is read."""
    more = [
        m.alternatives(m.dns("a.example"), m.email("x@a.example"), m.uri("http://a.example/"), m.address(b"\1\2\3\4")),
        m.constraints([m.dns("example")], [m.address(b"\x0a\0\0\0\xff\0\0\0")]),
    ]
    return m.make("full", top, ca=True, path=3, more=more)


def accepted(der: bytes, rules: str) -> bool:
    try:
        return bool(parse_certificate(der, rules=rules))
    except CertificateError:
        return False


# ---- every element, at every depth -----------------------------------------------------------------------------------


class Node:
    """An element that can be written out in another form than DER's."""

    def __init__(self, tag: int, content: bytes, wraps: bool) -> None:
        self.tag = tag
        self.children = list(nodes(content)) if tag & 0x20 or wraps else None
        self.content = content

    def write(self, change=None, target=None) -> bytes:
        parts = [self.content] if self.children is None else [c.write(change, target) for c in self.children]
        return change(self, b"".join(parts)) if self is target else m.tlv(self.tag, *parts)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children or ():
            yield from child.walk()


def nodes(data: bytes) -> Iterator[Node]:
    at = 0
    while at < len(data):
        tag, start, end = reader.header(data, at, len(data))
        content = data[start:end]
        # Values of extensions hold elements; key identifiers of these tests start with FF, which is not an element.
        yield Node(tag, content, tag == 0x04 and content[:1] in (b"\x30", b"\x03", b"\x04"))
        at = end


def long_length(node: Node, content: bytes) -> bytes:
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    if size >= 0x80:
        length = b"\0" + length
    return bytes([node.tag, 0x80 | len(length)]) + length + content


def indefinite(node: Node, content: bytes) -> bytes:
    return bytes([node.tag, 0x80]) + content + b"\0\0"


def constructed(node: Node, content: bytes) -> bytes:
    return m.tlv(node.tag | 0x20, m.tlv(node.tag, content))


def longer(node: Node, content: bytes) -> bytes:
    return m.tlv(node.tag, content, m.NULL)


def variants(der: bytes, change, wanted) -> Iterator[bytes]:
    root = next(nodes(der))
    assert root.write() == der
    found = [node for node in root.walk() if wanted(node)]
    assert len(found) > 20
    for node in found:
        yield root.write(change, node)


@pytest.mark.parametrize("rules", BOTH)
def test_the_unchanged_certificate(full, rules):
    found = parse_certificate(full.der, rules=rules)
    assert found.tbs == full.tbs
    assert (found.version, found.path_length, found.is_ca) == (3, 3, True)
    assert found.alternative_names.dns == ("a.example",)
    assert found.name_constraints.excluded.addresses == ((b"\x0a\0\0\0", b"\xff\0\0\0"),)


@pytest.mark.parametrize("rules", BOTH)
def test_lengths_that_are_not_minimal(full, rules):
    assert not [der.hex() for der in variants(full.der, long_length, lambda node: True) if accepted(der, rules)]


@pytest.mark.parametrize("rules", BOTH)
def test_indefinite_lengths(full, rules):
    wanted = lambda node: node.children is not None  # noqa: E731
    assert not [der.hex() for der in variants(full.der, indefinite, wanted) if accepted(der, rules)]


def test_constructed_strings(full):
    """To Go an optional element in pieces is an absent one with something after it, and a text in pieces is
    not a text."""
    wanted = lambda node: not node.tag & 0x20  # noqa: E731
    made = list(variants(full.der, constructed, wanted))
    assert not [der.hex() for der in made if accepted(der, "strict")]
    taken = [parse_certificate(der, rules="compatible") for der in made if accepted(der, "compatible")]
    whole = parse_certificate(full.der)
    for found in taken:
        assert found.alternative_names == whole.alternative_names
        assert found.name_constraints == whole.name_constraints
    assert sum(found.is_ca for found in taken) == len(taken) - 1


def test_elements_at_the_end(full):
    """`compatible` takes them where Go does: at the end of a SEQUENCE, never of a list or at the end of it all."""
    made = list(variants(full.der, longer, lambda node: bool(node.tag & 0x20)))
    assert not [der.hex() for der in made if accepted(der, "strict")]
    tolerated = [accepted(der, "compatible") for der in made]
    assert any(tolerated)
    assert not all(tolerated)
    for rules in BOTH:
        assert not accepted(full.der + b"\0", rules)
        assert not accepted(full.der[:-1], rules)


def test_every_flipped_byte_is_refused_or_read(full):
    """Nothing crashes, and what is still read is what stands there."""
    rng = random.Random(7)
    for _ in range(3000):
        data = bytearray(full.der)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        for rules in BOTH:
            with contextlib.suppress(CertificateError):
                assert parse_certificate(bytes(data), rules=rules).der == bytes(data)


# ---- one rule at a time ----------------------------------------------------------------------------------------------

GENERAL_2040 = b"20400101000000Z"
CASES = {
    # what: (arguments of make, accepted by strict, accepted by compatible)
    "plain": ({}, True, True),
    "version 1 without extensions": ({"version": b"", "extensions": []}, True, True),
    "version 1 written down": ({"version": m.tlv(0xA0, m.integer(0)), "extensions": []}, False, True),
    "version 2": ({"version": m.tlv(0xA0, m.integer(1)), "extensions": []}, True, True),
    "version 4": ({"version": m.tlv(0xA0, m.integer(3))}, False, False),
    "version -1": ({"version": m.tlv(0xA0, m.integer(-1))}, False, False),
    "version 1 with extensions": ({"version": b""}, False, True),
    "version 2 with extensions": ({"version": m.tlv(0xA0, m.integer(1))}, False, True),
    "two versions": ({"version": m.tlv(0xA0, m.integer(2), m.integer(2))}, False, True),
    "an empty list of extensions": ({"extensions": [], "tail": m.tlv(0xA3, m.seq())}, False, True),
    "an element after the extensions": ({"tail": m.NULL}, False, True),
    "serial 0": ({"serial": m.integer(0)}, True, True),
    "serial -5": ({"serial": m.integer(-5)}, True, True),
    "serial of 33 bytes": ({"serial": m.integer(1 << 255)}, True, True),
    "serial with a zero in front": ({"serial": b"\x02\x02\x00\x01"}, False, False),
    "serial with ff in front": ({"serial": b"\x02\x02\xff\x80"}, False, False),
    "serial without bytes": ({"serial": b"\x02\x00"}, False, False),
    "ECDSA with NULL": ({"inner": (m.ECDSA, m.NULL)}, False, True),
    "another outer algorithm": ({"outer": (m.ECDSA_384, b"")}, False, True),
    "other outer parameters": ({"outer": (m.ECDSA, m.NULL)}, False, True),
    "a BOOLEAN of 01": ({"more": [m.seq(m.oid("1.2.3"), b"\x01\x01\x01", m.octets(b""))]}, False, False),
    "critical FALSE": ({"more": [m.seq(m.oid("1.2.3"), m.boolean(False), m.octets(b""))]}, False, True),
    "an extension twice": ({"more": [m.ext("1.2.3", b""), m.ext("1.2.3", b"")]}, False, False),
    "key usage twice": ({"more": [m.usage(0x80)]}, False, False),
    "a private extension with text": ({"more": [m.ext("1.2.3.4", b"plain text")]}, True, True),
    "an extended key usage with text": ({"more": [m.ext(37, b"plain text")]}, False, True),
    "cA FALSE": ({"more": [m.ext(19, m.seq(m.boolean(False)))]}, False, True),
    "a path length of no authority": ({"more": [m.ext(19, m.seq(m.integer(0)))]}, False, True),
    "a negative path length": ({"more": [m.ext(19, m.seq(m.boolean(True), m.integer(-1)))]}, False, True),
    "bytes after basicConstraints": ({"more": [m.ext(19, m.seq() + b"\0")]}, False, False),
    "key usage with zero bits at the end": ({"extensions": [m.ext(15, m.bits(b"\x80", 0))]}, False, True),
    "key usage with unused bits set": ({"extensions": [m.ext(15, m.bits(b"\x81", 1))]}, False, False),
    "key usage without a bit": ({"extensions": [m.ext(15, m.bits(b""))]}, False, True),
    "key usage of nine bits": ({"extensions": [m.ext(15, m.bits(b"\x08\x80", 7))]}, True, True),
    "key usage of three bytes": ({"extensions": [m.ext(15, m.bits(b"\x08\x80\x01"))]}, False, True),
    "subjectAltName without names": ({"more": [m.alternatives()]}, False, True),
    "subjectAltName with an address of 5 bytes": ({"more": [m.alternatives(m.address(b"12345"))]}, False, False),
    "subjectAltName beyond ASCII": ({"more": [m.alternatives(m.dns("é"))]}, False, False),
    "subjectAltName of an unknown kind": ({"more": [m.alternatives(m.tlv(0x8A, b""))]}, False, True),
    "name constraints without lists": ({"more": [m.ext(30, m.seq())]}, False, False),
    "a mask with holes": ({"more": [m.constraints([m.address(b"\1\2\3\4\xff\0\xff\0")])]}, False, False),
    "a constraint with a minimum": (
        {"more": [m.ext(30, m.seq(m.tlv(0xA0, m.seq(m.dns("a"), m.tlv(0x80, b"\1")))))]}, False, True
    ),
    "UTCTime": ({"validity": (m.BEFORE, m.AFTER)}, True, True),
    "GeneralizedTime from 2050": ({"validity": (m.BEFORE, b"20500101000000Z")}, True, True),
    "the last second there is": ({"validity": (m.BEFORE, b"99991231235959Z")}, True, True),
    "GeneralizedTime before 2050": ({"validity": (m.BEFORE, GENERAL_2040)}, False, True),
    "no seconds": ({"validity": (b"2001010000Z", m.AFTER)}, False, True),
    "an offset": ({"validity": (b"200101000000+0800", m.AFTER)}, False, True),
    "an offset of zero": ({"validity": (b"200101000000+0000", m.AFTER)}, False, False),
    "no zone": ({"validity": (b"200101000000", m.AFTER)}, False, False),
    "30 February": ({"validity": (b"200230000000Z", m.AFTER)}, False, False),
    "second 60": ({"validity": (b"200101000060Z", m.AFTER)}, False, False),
    "year 0": ({"validity": (m.BEFORE, b"00000101000000Z")}, False, False),
    "before year 1": ({"validity": (m.BEFORE, b"00010101000000+0100")}, False, False),
    "a member id": ({"more": [m.ext(x509.MEMBER_ID, "节点".encode())]}, True, True),
    "a member id that is no text": ({"more": [m.ext(x509.MEMBER_ID, b"\xff")]}, False, True),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_one_rule(what, top):
    arguments, strict, compatible = CASES[what]
    der = m.make("leaf", top, **arguments).der
    assert (accepted(der, "strict"), accepted(der, "compatible")) == (strict, compatible)


@pytest.mark.parametrize(
    ("subject", "strict", "compatible"),
    [
        (m.name("é"), True, True),
        (m.seq(m.attribute("2.5.4.3", "plain", 0x13)), True, True),
        (m.seq(m.attribute("2.5.4.3", "a_b", 0x13)), False, False),  # PrintableString has no underscore
        (m.seq(m.attribute("2.5.4.3", "*.a", 0x13)), True, True),  # nor a star, but certificates do
        (m.seq(m.attribute("2.5.4.3", "é", 0x16)), False, False),
        (m.seq(m.tlv(0x31, m.seq(m.oid("2.5.4.3"), m.tlv(0x0C, b"\xff")))), False, False),
        (m.seq(m.tlv(0x31, m.seq(m.oid("2.5.4.3"), m.integer(1)))), False, True),  # no text: no common name
        (m.seq(m.tlv(0x31, m.seq(m.oid("2.5.4.45"), m.bits(b"\1")))), True, True),
        (m.seq(m.tlv(0x31)), False, True),
        (m.seq(m.tlv(0x31, *sorted(m.seq(m.oid(f"2.5.4.{i}"), m.tlv(0x0C, b"x")) for i in (3, 10)))), True, True),
        (m.seq(m.tlv(0x31, *(m.seq(m.oid(f"2.5.4.{i}"), m.tlv(0x0C, b"x")) for i in (10, 3)))), False, True),
        (m.seq(m.tlv(0x31, m.seq(m.oid("2.5.4.3"), m.tlv(0x0C, b"x"), m.NULL))), False, True),
    ],
)
def test_names(subject, strict, compatible, top):
    der = m.make(subject, top).der
    assert (accepted(der, "strict"), accepted(der, "compatible")) == (strict, compatible)


def test_fields(top):
    subject = m.name(
        "first", "o", "u", m.attribute("2.5.4.10", "o2"), m.attribute("1.2.840.113549.1.9.1", "a@b.c", 0x16)
    )
    found = parse_certificate(
        m.make(subject, top, more=[m.ext(37, m.seq(m.oid("1.2.3")), True), m.ext("1.2.3", b"")]).der
    )
    assert found.organisations == ("o", "o2")
    assert (found.common_name, found.member_id, found.subject_emails) == ("first", "first", ("a@b.c",))
    assert found.critical == ("2.5.29.15", "2.5.29.37")
    assert found.extensions[-1] == "1.2.3"
    assert found.alternative_names is None
    assert not found.has_basic_constraints
    assert (found.not_before, found.not_after) == (1577836800, 2208988800)
    named = parse_certificate(m.make("x", top, more=[m.ext(x509.MEMBER_ID, "节点".encode())]).der)
    assert named.member_id == "节点"
    assert parse_certificate(
        m.make("x", top, validity=(b"200101000000+0800", m.AFTER)).der, rules="compatible"
    ).not_before == (1577836800 - 8 * 3600)


def test_unsupported(top):
    for more, why in (
        ([m.alternatives(m.directory(m.name("x")), critical=True)], "subjectAltName"),
        ([m.constraints([m.directory(m.name("x"))])], "directoryName"),
    ):
        assert why in parse_certificate(m.make("x", top, more=more).der).unsupported
    for more in (
        [m.alternatives(m.directory(m.name("x")), m.dns(""), critical=True)],
        [m.constraints([m.directory(m.name("x"))], critical=False)],
    ):
        assert parse_certificate(m.make("x", top, more=more).der).unsupported == ""


# ---- keys and signatures ---------------------------------------------------------------------------------------------

EC_KEY, RSA_KEY, P256 = m.oid("1.2.840.10045.2.1"), m.oid("1.2.840.113549.1.1.1"), m.oid("1.2.840.10045.3.1.7")
SM2 = m.oid("1.2.156.10197.1.301")
POINT = b"\x04" + bytes(64)
NUMBERS = m.seq(m.integer(1 << 1023), m.integer(65537))


@pytest.mark.parametrize(
    ("der", "strict", "compatible"),
    [
        (m.seq(m.seq(EC_KEY, P256), m.bits(POINT)), "ecdsa-p256", "ecdsa-p256"),
        (m.seq(m.seq(EC_KEY, SM2), m.bits(POINT)), "sm2", "sm2"),
        (m.seq(m.seq(m.oid("1.2.156.10197.1.301.1")), m.bits(POINT)), None, "sm2"),
        (m.seq(m.seq(SM2), m.bits(POINT)), None, None),
        (m.seq(m.seq(EC_KEY), m.bits(POINT)), None, None),
        (m.seq(m.seq(EC_KEY, m.NULL), m.bits(POINT)), None, None),
        (m.seq(m.seq(EC_KEY, m.oid("1.2.3")), m.bits(POINT)), None, None),
        (m.seq(m.seq(EC_KEY, P256), m.bits(POINT[:-1] + b"\0", 1)), None, None),
        (m.seq(m.seq(EC_KEY, P256, m.NULL), m.bits(POINT)), None, "ecdsa-p256"),
        (m.seq(m.seq(RSA_KEY, m.NULL), m.bits(NUMBERS)), "rsa", "rsa"),
        (m.seq(m.seq(RSA_KEY), m.bits(NUMBERS)), None, None),
        (m.seq(m.seq(RSA_KEY, m.NULL), m.bits(NUMBERS + b"\0")), None, None),
        (m.seq(m.seq(RSA_KEY, m.NULL), m.bits(m.seq(m.integer(-5), m.integer(3)))), None, None),
        (m.seq(m.seq(RSA_KEY, m.NULL), m.bits(m.seq(m.integer(5), m.integer(0)))), None, None),
        (m.seq(m.seq(RSA_KEY, m.NULL), m.bits(m.seq(m.integer(5), m.integer(3), m.NULL))), None, "rsa"),
        (NUMBERS, "rsa", "rsa"),
        (NUMBERS + b"\0", None, None),
        (b"", None, None),
    ],
)
def test_public_keys(der, strict, compatible):
    for rules, expected in (("strict", strict), ("compatible", compatible)):
        if expected is None:
            with pytest.raises(CertificateError):
                parse_public_key(der, rules=rules)
        else:
            assert parse_public_key(der, rules=rules).kind == expected


def test_rsa_certificates():
    made = m.make("rsa", key=m.rsa_key(), ca=True)
    assert parse_certificate(made.der).key.kind == "rsa"
    bare = m.make("rsa", key=m.rsa_key(), inner=(m.RSA_SHA256, b"")).der
    assert (accepted(bare, "strict"), accepted(bare, "compatible")) == (False, True)


@pytest.mark.parametrize("parameters", [b"", m.NULL])
def test_sm2_with_and_without_null(parameters):
    """Authorities write both."""
    algorithm = ("1.2.156.10197.1.501", parameters)
    found = parse_certificate(m.make("sm2", inner=algorithm).der)
    assert (found.signature_oid, found.hash) == ("1.2.156.10197.1.501", "sm3")
    assert not accepted(m.make("sm2", inner=("1.2.156.10197.1.501", m.integer(1))).der, "strict")


def test_a_signature_of_odd_bits(top):
    good = m.make("leaf", top)
    signature = m.bits(m.sign(top.key, good.tbs, m.ECDSA)[:-1] + b"\0", 3)
    for rules in BOTH:
        assert not accepted(m.seq(good.tbs, m.seq(m.oid(m.ECDSA)), signature), rules)


# ---- PEM and bundles -------------------------------------------------------------------------------------------------


def test_labels(top):
    other = pem.armor("TRUSTED CERTIFICATE", top.der)
    assert parse_certificate(other, rules="compatible").der == top.der
    with pytest.raises(CertificateError, match="TRUSTED CERTIFICATE"):
        parse_certificate(other)
    assert parse_certificate(b"some text\n" + top.pem + b"more text").der == top.der
    assert parse_certificate(top.pem.replace(b"\n", b"\r\n")).der == top.der
    broken = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"
    assert parse_certificate(broken + top.pem, rules="compatible").der == top.der
    for text in (
        broken + top.pem,
        top.pem.replace(b"END CERT", b"END X"),
        top.pem[: top.pem.index(b"-----END")],
        b"",
        b"x",
    ):
        with pytest.raises(CertificateError):
            parse_certificate(text)


def test_bundles(top, full):
    found = parse_certificates(top.pem + b"text\n" + full.pem)
    assert [item.der for item in found] == [top.der, full.der]
    assert [item.der for item in parse_certificates(full.der)] == [full.der]
    key = pem.armor("EC PARAMETERS", P256)
    with pytest.raises(CertificateError, match=r"block 2 \(EC PARAMETERS\)"):
        parse_certificates(top.pem + key)
    with pytest.raises(CertificateError, match=r"block 2 \(CERTIFICATE\)"):
        parse_certificates(top.pem + pem.armor("CERTIFICATE", b"\x30\0") + full.pem, rules="compatible")
    with pytest.raises(CertificateError, match="block 2"):
        parse_certificates(top.pem + b"-----BEGIN CERTIFICATE-----\n")
    assert len(parse_certificates(top.pem * 64)) == 64
    with pytest.raises(CertificateError, match="more than 64 blocks"):
        parse_certificates(top.pem * 65)
    with pytest.raises(CertificateError, match="bytes are more"):
        parse_certificates(b" " * (1 << 20) + top.pem)
    for empty in (b"", b"no PEM", top.der + full.der):
        with pytest.raises(CertificateError):
            parse_certificates(empty)


def test_unknown_rules(top):
    for read in (parse_certificate, parse_certificates, parse_public_key):
        with pytest.raises(pycore.InputError, match="rules"):
            read(top.der, rules="lax")


# ---- cost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", BOTH)
def test_reading_is_linear(rules, top):
    """Lines of the readers that run, for certificates with 10 and 100 times as many names and extensions."""
    costs = []
    for count in (15, 150, 1500):
        more = [
            m.alternatives(*(m.dns(f"h{i:04}.example") for i in range(count))),
            *(m.ext(f"1.2.3.{i}", b"") for i in range(count)),
        ]
        der = m.make(m.seq(*[m.attribute("2.5.4.11", "u")] * (count // 10)), top, more=more).der
        assert len(der) < 64 * 1024
        memory.forget()
        costs.append(lines_run(lambda der=der: accepted(der, rules)) / len(der))
    assert costs[2] <= 1.2 * costs[0]


def lines_run(work) -> int:
    """Runs work, which must succeed, and counts the lines of Python that it takes in the readers of certificates."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        count += event == "line"
        return trace if "/identities/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        done = work()
    finally:
        sys.settrace(before)
    assert done
    return count


def test_nesting_is_bounded(top):
    inner = m.NULL
    for _ in range(100):
        inner = m.seq(inner)
    for der in (inner, m.make("x", top, more=[m.ext(32, inner)]).der):
        with pytest.raises(CertificateError):
            parse_certificate(der)
    assert not accepted(b"\x30\x80" * 20_000, "strict")


def test_a_certificate_of_more_than_64_kib(top):
    der = m.make("x", top, more=[m.ext("1.2.3", bytes(1 << 16))]).der
    with pytest.raises(CertificateError, match="bytes are more"):
        parse_certificate(der)


# ---- other writers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", testing.SUITES.values(), ids=lambda suite: suite.name)
def test_generated_consortia_are_der(suite):
    wanted = [testing.Wanted("ca", "o", "root-cert", "ca"), testing.Wanted("c", "o", "client", "ca")]
    for who in testing.make_identities(suite, wanted, 1).values():
        assert parse_certificate(who.certificate).der == who.certificate


def test_fields_agree_with_cryptography(full, top):
    for made in (full, top):
        ours, other = parse_certificate(made.der), theirs.load_der_x509_certificate(made.der)
        assert ours.tbs == other.tbs_certificate_bytes
        assert ours.serial == other.serial_number
        assert (ours.subject, ours.issuer) == (other.subject.public_bytes(), other.issuer.public_bytes())
        assert ours.not_after == other.not_valid_after_utc.timestamp()
        assert ours.extensions == tuple(item.oid.dotted_string for item in other.extensions)
