"""Reading a certificate gives the same, and its errors say the same, whatever was read before it."""

from __future__ import annotations

import random
import threading

import pytest
import x509_make as m
from asn1crypto import pem as armour

from pycore.identities import der as reader
from pycore.identities import memory, pem
from pycore.identities.x509 import CertificateError, parse_certificate, parse_public_key

BOTH = ("strict", "compatible")


@pytest.fixture(scope="module")
def some():
    """Certificates that share most of their pieces, and one with every extension that is read."""
    top = m.make("top", ca=True)
    more = [
        m.alternatives(m.dns("a.example"), m.email("x@a.example")),
        m.constraints([m.dns("example")], [m.address(b"\x0a\0\0\0\xff\0\0\0")]),
    ]
    return [top, *(m.make(f"c{i}", top) for i in range(8)), m.make("full", top, ca=True, path=3, more=more)]


def outcome(read, *arguments, **options):
    """The result of a reader, or the text of its error."""
    try:
        return read(*arguments, **options)
    except (CertificateError, reader.DerError) as error:
        return str(error)


def mutated(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at, kind = rng.randrange(len(out)), rng.randrange(5)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.choice((0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0xFF, 0x30, 0x31, 0x24, 0x06, 0xA0))
        elif kind == 2:
            del out[at : at + rng.randrange(1, 4)]
        elif kind == 3:
            out[at:at] = rng.randbytes(rng.randrange(1, 4))
        else:
            other = rng.choice(others)
            start, size = rng.randrange(len(other)), rng.randrange(1, 40)
            out[at : at + size] = other[start : start + size]
    return bytes(out)


@pytest.mark.parametrize("rules", BOTH)
def test_memory_changes_no_answer(some, rules, rng: random.Random):
    """Every input is read with what all inputs before it left behind, and again with nothing."""
    ders = [one.der for one in some]
    inputs = [mutated(rng, rng.choice(ders), ders) for _ in range(3000)] + ders
    memory.forget()
    remembering = [outcome(parse_certificate, der, rules=rules) for der in inputs]
    accepted = 0
    for der, known in zip(inputs, remembering, strict=True):
        memory.forget()
        fresh = outcome(parse_certificate, der, rules=rules)
        assert known == fresh
        accepted += not isinstance(fresh, str)
    assert len(ders) < accepted < len(inputs)


@pytest.mark.parametrize("rules", BOTH)
def test_memory_changes_no_key(some, rules, rng: random.Random):
    keys = [m.spki(one.key) for one in some] + [m.spki(m.rsa_key())]
    inputs = [mutated(rng, rng.choice(keys), keys) for _ in range(1000)] + keys
    remembering = [outcome(parse_public_key, der, rules=rules) for der in inputs]
    for der, known in zip(inputs, remembering, strict=True):
        memory.forget()
        assert known == outcome(parse_public_key, der, rules=rules)


# ---- is it DER -------------------------------------------------------------------------------------------------------


def plain_check(data: bytes) -> None:
    """The rules of DER value by value, without a memory."""
    _, _, end = reader.header(data, 0, len(data))
    if end != len(data):
        raise reader.DerError(f"{len(data) - end} bytes follow the value")
    plain_value(data, 0, len(data), 0)


def plain_value(data: bytes, at: int, limit: int, depth: int, previous: bytes | None = None) -> int:
    tag, start, end = reader.header(data, at, limit)
    if previous is not None and data[at:end] < previous:
        raise reader.DerError(f"a SET OF that is not sorted at byte {at}")
    universal = tag & 0xC0 == 0
    if tag & 0x20:
        if universal and tag not in (reader.SEQUENCE, reader.SET):
            raise reader.DerError(f"a constructed value of type {tag:#04x}")
        if depth >= 32:
            raise reader.DerError("values nested more than 32 deep")
        member = b"" if tag == reader.SET else None
        at = start
        while at < end:
            after = plain_value(data, at, end, depth + 1, member)
            member = None if member is None else data[at:after]
            at = after
    elif universal and tag != reader.OCTET_STRING and tag not in reader._PRIMITIVE_ONLY:
        reader._check_primitive(tag, data[start:end])
    return end


def test_der_is_checked_as_without_a_memory(some, rng: random.Random):
    ders = [one.der for one in some] + [m.name("x"), m.seq(m.tlv(0x31, m.NULL, m.integer(5)), m.seq(m.seq()))]
    inputs = [mutated(rng, rng.choice(ders), ders) for _ in range(4000)] + ders
    memory.forget()
    found = [outcome(reader.check, data) for data in inputs]
    assert found == [outcome(plain_check, data) for data in inputs]
    assert None in found


def nested(depth: int) -> bytes:
    value = m.NULL
    for _ in range(depth):
        value = m.seq(value)
    return value


def test_a_known_value_is_not_nested_deeper_than_any_other():
    memory.forget()
    reader.check(nested(32))  # every part of it is known now
    for wrap in range(1, 32):
        inner = nested(32 - wrap)
        reader.check(inner)
        for value, deep in ((inner, 32 - wrap), (m.seq(m.NULL, inner), 33 - wrap)):
            for _ in range(wrap):
                value, deep = m.seq(value), deep + 1
            assert outcome(reader.check, value) == outcome(plain_check, value)
            assert (outcome(reader.check, value) is None) == (deep <= 32)


# ---- bounds ----------------------------------------------------------------------------------------------------------


def test_memories_are_bounded(some, monkeypatch):
    monkeypatch.setattr(memory, "ENTRIES", 20)
    memory.forget()
    for i in range(200):
        subject = m.name(f"member {i}", f"organisation {i}")
        for rules in BOTH:
            assert parse_certificate(m.make(subject, some[0]).der, rules=rules).common_name == f"member {i}"
    assert all(len(one) <= 20 for one in memory._ALL)
    assert max(len(piece) for one in memory._ALL for piece in one) <= memory.LONGEST


def test_failures_are_not_remembered(some):
    memory.forget()
    sound, broken = m.name("x"), m.seq(m.tlv(0x31, m.seq(m.oid("2.5.4.3"), m.tlv(0x0C, b"\xff"))))
    assert parse_certificate(m.make(sound, some[0]).der).common_name == "x"
    for text in ("the subject's name", "the issuer's name"):
        with pytest.raises(CertificateError, match=text):
            whose = {"issuer_name": broken} if "issuer" in text else {}
            parse_certificate(m.make(sound if whose else broken, some[0], **whose).der, rules="compatible")
    assert not any(broken in one for one in memory._ALL)


def test_threads_share_it(some):
    wrong = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(200):
            one = rng.choice(some)
            if parse_certificate(one.der).tbs != one.tbs:
                wrong.append(one)
            if rng.random() < 0.1:
                memory.forget()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- PEM -------------------------------------------------------------------------------------------------------------


def test_plain_pem_is_what_the_reader_of_all_forms_reads(rng: random.Random):
    """Where the short way gives bytes, they are those of the first block, which is sound and has the label."""
    pieces = (b"\n", b"\r\n", b" ", b"=", b":", b"-----", b"\x0b", b"\x85", b"A: b\n",
              b"\n-----END CERTIFICATE-----\n", b"-----BEGIN CERTIFICATE-----\n", b"-----END X-----\n")  # fmt: skip
    taken = 0
    for _ in range(4000):
        label = rng.choice(("CERTIFICATE", "CERTIFICATE", "X"))
        text = bytearray(armour.armor(label, rng.randbytes(rng.randrange(0, 120))))
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(text) + 1)
            if rng.random() < 0.3:
                del text[at : at + 1]
            else:
                text[at:at] = rng.choice(pieces)
        found = pem.plain(bytes(text), b"CERTIFICATE")
        if found is not None:
            taken += 1
            assert next(pem.blocks(bytes(text))) == pem.Block("CERTIFICATE", found)
    assert taken > 500
    assert pem.plain(armour.armor("CERTIFICATE", b"abc"), b"CERTIFICATE") == b"abc"
