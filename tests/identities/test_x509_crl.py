"""Revocation lists: reading, whose they are, and what they say."""

from __future__ import annotations

import datetime

import pytest
import x509_make as m
from asn1crypto import pem
from cryptography import x509 as theirs
from cryptography.hazmat.primitives import hashes

import pycore
from pycore.identities import der as reader
from pycore.identities.x509 import CertificateError, parse_certificate
from pycore.identities.x509_crl import parse_crls, revokes, verify_crls

BOTH = ("strict", "compatible")


@pytest.fixture(scope="module")
def top():
    return m.make("top", ca=True)


def read(der, rules="strict"):
    return parse_crls(der, rules=rules)[0]


def accepted(der, rules):
    try:
        return bool(parse_crls(der, rules=rules))
    except CertificateError:
        return False


def test_fields(top):
    found = read(m.make_crl(top, [5, 0, -7, 1 << 200], number=12))
    assert found.serials == {5, 0, -7, 1 << 200}
    assert (found.issuer, found.authority_key_id, found.number) == (top.name, top.key_id, 12)
    assert (found.this_update, found.next_update) == (1672531200, 1735689600)
    assert (found.signature_oid, found.hash) == (m.ECDSA, "sha256")
    bare = read(m.make_crl(top, number=None, authority=None, updates=(m.BEFORE,)))
    assert (bare.number, bare.authority_key_id, bare.next_update, bare.serials) == (None, None, None, frozenset())


def test_several_blocks(top):
    first, second = m.make_crl(top, [1]), m.make_crl(top, [2])
    text = pem.armor("X509 CRL", first) + b"text\n" + pem.armor("X509 CRL", second)
    assert [sorted(crl.serials) for crl in parse_crls(text)] == [[1], [2]]
    with pytest.raises(CertificateError, match=r"block 2 \(CERTIFICATE\)"):
        parse_crls(pem.armor("X509 CRL", first) + top.pem)
    with pytest.raises(CertificateError, match=r"block 2 \(X509 CRL\): no revocation list"):
        parse_crls(pem.armor("X509 CRL", first) + pem.armor("X509 CRL", top.der), rules="compatible")
    assert parse_crls(pem.armor("CRL", first), rules="compatible")[0].der == first
    with pytest.raises(pycore.InputError, match="rules"):
        parse_crls(first, rules="lax")


REASON = m.ext(21, m.tlv(0x0A, b"\1"))
CASES = {
    # what: (arguments of make_crl, accepted by strict, accepted by compatible)
    "plain": ({"serials": [1]}, True, True),
    "nothing revoked": ({}, True, True),
    "version 1": ({"version": b"", "authority": None, "number": None}, False, True),
    "version 3": ({"version": m.integer(2)}, False, False),
    "a reason": ({"entries": [m.revoked(1, REASON)]}, True, True),
    "a critical reason": ({"entries": [m.revoked(1, m.ext(21, m.tlv(0x0A, b"\1"), True))]}, True, True),
    "removed from the list": ({"entries": [m.revoked(1, m.ext(21, m.tlv(0x0A, b"\x08")))]}, False, False),
    "an entry's own issuer": ({"entries": [m.revoked(1, m.ext(29, m.seq(), True))]}, False, False),
    "an unknown critical extension of an entry": ({"entries": [m.revoked(1, m.ext("1.2.3", b"", True))]}, False, False),
    "an unknown extension of an entry": ({"entries": [m.revoked(1, m.ext("1.2.3", b""))]}, True, True),
    "a long entry": ({"entries": [m.seq(m.integer(1), m.tlv(0x17, m.BEFORE), m.NULL)]},
                     False, True),
    "a delta list": ({"more": [m.ext(27, m.integer(1), True)]}, False, False),
    "a limited scope": ({"more": [m.ext(28, m.seq(m.tlv(0x81, b"\xff")), True)]}, False, False),
    "a limited scope, not critical": ({"more": [m.ext(28, m.seq())]}, False, False),
    "an unknown critical extension": ({"more": [m.ext("1.2.3", b"", True)]}, False, False),
    "an unknown extension": ({"more": [m.ext("1.2.3", b"")]}, True, True),
    "an extension twice": ({"more": [m.ext(20, m.integer(1))]}, False, False),
    "a negative number": ({"number": -1}, False, False),
    "a number of 20 bytes": ({"number": (1 << 159) - 1}, True, True),
    "a number of 21 bytes": ({"number": 1 << 159}, False, False),
    "no next update": ({"updates": (m.BEFORE,)}, True, True),
    "a serial with a zero in front": ({"entries": [m.seq(b"\x02\x02\x00\x01", m.tlv(0x17, m.BEFORE))]}, False, False),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_one_rule(what, top):
    arguments, strict, compatible = CASES[what]
    der = m.make_crl(top, **arguments)
    assert (accepted(der, "strict"), accepted(der, "compatible")) == (strict, compatible)


@pytest.mark.parametrize("rules", BOTH)
def test_broken_lists(rules, top):
    der = m.make_crl(top, [1])
    long = b"\x30\x82\x00" + bytes([len(der) - 3]) + der[3:] if der[1] == 0x81 else der[:1] + b"\x83\x00" + der[2:]
    for data in (b"", b"x", der[:-1], der + b"\0", long, top.der, b" " * (1 << 20) + der):
        assert not accepted(data, rules)


# ---- whose they are --------------------------------------------------------------------------------------------------


def problems(crl, authorities, rules, time=m.TIME):
    parsed = [parse_certificate(made.der) for made in authorities]
    return verify_crls([read(crl, rules)], parsed, rules=rules, time=time)


@pytest.mark.parametrize("rules", BOTH)
def test_signed_by_its_authority(rules, top):
    other = m.make("other", ca=True)
    good = m.make_crl(top, [1])
    assert problems(good, [other, top], rules) == []
    assert "not known" in problems(good, [other], rules)[0]
    assert "not known" in problems(good, [], rules)[0]
    namesake = m.make("top", ca=True, key=other.key, key_id=top.key_id)
    assert "signature" in problems(good, [namesake], rules)[0]
    assert problems(good, [namesake, top], rules) == []
    assert "signature" in problems(m.make_crl(top, [1], signer=m.rsa_key()), [top], "compatible")[0]
    assert len(verify_crls([read(good)] * 2, [], rules=rules, time=None)) == 2
    assert (
        "list 2"
        in verify_crls([read(good), read(m.make_crl(other))], [parse_certificate(top.der)], rules=rules, time=None)[0]
    )


def test_authorities_that_may_not_sign_lists(top):
    for extensions, strict, compatible in (
        ([m.basic(), m.usage(0x04)], "cRLSign", None),
        ([m.basic(), m.usage(0x02)], None, "keyCertSign"),
        ([m.basic()], None, None),
        ([m.usage(0x06)], "no authority", "basicConstraints"),
        ([m.basic(), m.ext("1.2.3", b"", True)], "1.2.3", "1.2.3"),
    ):
        identifier = m.ext(14, m.octets(b"\xff1"))
        who = m.make("signer", extensions=[*extensions, identifier], key_id=b"\xff1")
        for rules, expected in (("strict", strict), ("compatible", compatible)):
            found = problems(m.make_crl(who, [1]), [who], rules)
            assert [expected in text for text in found] == ([True] if expected else [])


def test_names_and_key_identifiers(top):
    """ChainMaker goes by the key identifier alone."""
    renamed = m.make_crl(top, [1], issuer_name=m.name("somebody"))
    assert problems(renamed, [top], "strict")
    assert problems(renamed, [top], "compatible") == []
    without = m.make_crl(top, [1], authority=None)
    assert problems(without, [top], "strict") == []
    assert problems(without, [top], "compatible")
    wrong = m.make_crl(top, [1], authority=b"\xffother")
    for rules in BOTH:
        assert problems(wrong, [top], rules)


def test_dates(top):
    crl = m.make_crl(top, [1])
    first, last = 1672531200, 1735689600
    for time, fault in ((first - 1, "not valid yet"), (first, ""), (last, ""), (last + 1, "out of date"), (None, "")):
        assert problems(crl, [top], "compatible", time) == []
        found = problems(crl, [top], "strict", time)
        assert [fault in text for text in found] == ([True] if fault else [])
    endless = m.make_crl(top, [1], updates=(m.BEFORE,))
    assert "until when" in problems(endless, [top], "strict")[0]
    assert problems(endless, [top], "strict", None) == []


def test_algorithms_that_are_not_supported(top):
    rsa = m.make("rsa", ca=True, key=m.rsa_key())
    assert problems(m.make_crl(rsa, [1]), [rsa], "strict") == []
    mixed = m.make_crl(rsa, [1], signer=top.key)
    assert "another kind" in problems(mixed, [rsa], "strict")[0]
    assert "signature" in problems(mixed, [rsa], "compatible")[0]
    with pytest.raises(pycore.InputError, match="rules"):
        verify_crls([], [], rules="lax", time=None)


# ---- what they say ---------------------------------------------------------------------------------------------------


def test_revokes(top):
    other = m.make("top", ca=True)  # the same name, another key
    mine = parse_certificate(m.make("leaf", top, serial=m.integer(77)).der)
    theirs_ = parse_certificate(m.make("leaf", other, serial=m.integer(77)).der)
    crl = read(m.make_crl(top, [77]))
    for rules in BOTH:
        assert revokes(crl, mine, rules=rules)
        assert not revokes(crl, theirs_, rules=rules)  # serial numbers of two authorities do not meet
        assert not revokes(read(m.make_crl(top, [78])), mine, rules=rules)
    bare = parse_certificate(m.make("leaf", top, serial=m.integer(77), authority=None).der)
    assert revokes(crl, bare)  # strict: the same issuer, by name
    assert not revokes(crl, bare, rules="compatible")
    without = read(m.make_crl(top, [77], authority=None))
    elsewhere = read(m.make_crl(top, [77], authority=None, issuer_name=m.name("somebody")))
    for rules in BOTH:
        assert revokes(without, bare, rules=rules)
    assert (revokes(without, mine), revokes(without, mine, rules="compatible")) == (True, False)
    assert not revokes(elsewhere, mine)
    assert (revokes(elsewhere, bare), revokes(elsewhere, bare, rules="compatible")) == (False, True)
    with pytest.raises(pycore.InputError, match="rules"):
        revokes(crl, mine, rules="lax")


@pytest.mark.parametrize("serial", [0, -1, 127, 128, 255, 256, (1 << 159) - 1, 1 << 160])
def test_serial_numbers_are_numbers(serial, top):
    leaf = parse_certificate(m.make("leaf", top, serial=m.integer(serial)).der)
    assert revokes(read(m.make_crl(top, [serial, 99])), leaf)
    assert not revokes(read(m.make_crl(top, [serial + 256, serial + 1])), leaf)


# ---- cost, and another writer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", BOTH)
def test_reading_is_linear(rules, top, monkeypatch):
    calls = []
    header = reader.header
    monkeypatch.setattr(reader, "header", lambda *arguments: calls.append(0) or header(*arguments))
    costs = []
    for count in (50, 500, 5000):
        der = m.make_crl(top, range(count))
        calls.clear()
        assert len(read(der, rules).serials) == count
        costs.append(len(calls) / len(der))
    assert costs[2] <= 1.3 * costs[0]


def test_a_list_made_by_cryptography(top):
    issuer = theirs.load_der_x509_certificate(top.der)
    when = datetime.datetime(2024, 1, 1)
    entry = theirs.RevokedCertificateBuilder().serial_number(77).revocation_date(when)
    entry = entry.add_extension(theirs.CRLReason(theirs.ReasonFlags.key_compromise), critical=False)
    builder = (
        theirs.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(when)
        .next_update(when + datetime.timedelta(days=1))
        .add_revoked_certificate(entry.build())
        .add_extension(theirs.CRLNumber(3), critical=False)
        .add_extension(theirs.AuthorityKeyIdentifier(top.key_id, None, None), critical=False)
    )
    made = builder.sign(top.key, hashes.SHA256())
    from cryptography.hazmat.primitives.serialization import Encoding

    crl = parse_crls(made.public_bytes(Encoding.PEM))[0]
    assert (crl.serials, crl.number, crl.tbs) == ({77}, 3, made.tbs_certlist_bytes)
    assert verify_crls([crl], [parse_certificate(top.der)], time=m.TIME) == []
