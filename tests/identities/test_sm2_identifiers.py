"""Certificates signed with another SM2 identifier: refused, and the reason says so. SM2 as the algorithm of a key."""

from __future__ import annotations

from time import time

import numpy as np
import pytest
import x509_make as m

from pycore.identities.sm2_identifiers import made_with
from pycore.identities.x509 import Certificate, CertificateError, parse_certificate, parse_public_key
from pycore.identities.x509_path import Authorities, NoPath, Path
from pycore.testing._sign import der_signature, sign
from pycore.testing.certificates import SUITES, Identity, Wanted, make_identities

SM2_SM3 = m.seq(m.oid("1.2.156.10197.1.501"))
SM2, EC_KEY = m.oid("1.2.156.10197.1.301"), m.oid("1.2.840.10045.2.1")
STANDARD = b"1234567812345678"


@pytest.fixture(scope="module", name="made")
def made_fixture() -> dict[str, Identity]:
    wanted = [Wanted("ca", "org1", "root-cert", "ca"), *(Wanted(f"leaf{i}", "org1", "client", "ca") for i in range(8))]
    return make_identities(SUITES["sm2"], wanted, 17)


def resigned(made: dict[str, Identity], name: str, user_id: bytes | None) -> Certificate:
    """A certificate, signed by its authority with that identifier."""
    body = parse_certificate(made[name].certificate).tbs
    secret = np.frombuffer(made["ca"].secret, np.uint8).reshape(1, 32)
    signature = der_signature(sign("sm2", secret, [body], user_id=user_id)[0].tobytes())
    return parse_certificate(m.seq(body, SM2_SM3, m.bits(signature)))


def find(made: dict[str, Identity], *leaves: Certificate) -> list[Path | NoPath]:
    ca = parse_certificate(made["ca"].certificate)
    authorities = Authorities([ca], {"org1": frozenset({ca.der})}, rules="strict", der_rules="strict")
    return authorities.find([(leaf, "org1") for leaf in leaves], time=time(), blocked=lambda one, height: False)


@pytest.mark.parametrize(
    ("user_id", "words"),
    [
        (STANDARD, None),
        (b"", "it verifies with an empty signer identifier, and 1234567812345678 is the one that counts"),
        (None, "it verifies with no signer identifier at all, without Z_A"),
        (b"another", ""),
    ],
)
def test_the_reason_says_which_identifier_would_do(
    made: dict[str, Identity], user_id: bytes | None, words: str | None
) -> None:
    (found,) = find(made, resigned(made, "leaf0", user_id))
    if words is None:
        assert isinstance(found, Path)
        return
    assert isinstance(found, NoPath)
    assert "is of no authority with its issuer's name" in found.reason
    assert ("it verifies" in found.reason) == bool(words)
    assert words in found.reason


def test_only_a_few_certificates_of_a_call_are_tried(made: dict[str, Identity]) -> None:
    found = find(made, *(resigned(made, f"leaf{i}", b"") for i in range(8)))
    assert [isinstance(one, NoPath) and "it verifies" in one.reason for one in found] == [True] * 4 + [False] * 4


def test_a_spoilt_signature_has_no_hint(made: dict[str, Identity]) -> None:
    ca, leaf = parse_certificate(made["ca"].certificate), resigned(made, "leaf0", b"")
    assert made_with(leaf.tbs, leaf.signature, [ca], der_rules="strict")
    assert made_with(leaf.tbs + b"x", leaf.signature, [ca], der_rules="strict") == ""
    assert made_with(leaf.tbs, b"", [ca], der_rules="strict") == ""
    assert made_with(leaf.tbs, leaf.signature, [], der_rules="strict") == ""


# ---- keys ------------------------------------------------------------------------------------------------------------

POINT = b"\x04" + bytes(64)


@pytest.mark.parametrize(
    ("algorithm", "accepted"),
    [
        (m.seq(SM2), True),
        (m.seq(SM2, m.NULL), True),
        (m.seq(SM2, SM2), True),
        (m.seq(EC_KEY, SM2), True),
        (m.seq(SM2, m.oid("1.2.840.10045.3.1.7")), False),
        (m.seq(SM2, SM2, m.NULL), False),
        (m.seq(SM2, m.octets(b"")), False),
        (m.seq(m.oid("1.2.156.10197.1.301.1")), False),
        (m.seq(m.oid("1.2.156.10197.1.301.3")), False),
    ],
)
def test_sm2_as_the_algorithm_of_a_key(algorithm: bytes, accepted: bool) -> None:
    der = m.seq(algorithm, m.bits(POINT))
    if accepted:
        key = parse_public_key(der, sm2_algorithm=True)
        assert (key.kind, key.data) == ("sm2", POINT)
    else:
        with pytest.raises(CertificateError):
            parse_public_key(der, sm2_algorithm=True)


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_chains_refuse_it_with_a_reason(made: dict[str, Identity], rules: str) -> None:
    usual = m.seq(EC_KEY, SM2)
    body = parse_certificate(made["leaf0"].certificate).tbs
    key = m.seq(usual, m.bits(made["leaf0"].public_key))
    assert key in body
    inside = parse_certificate(made["leaf0"].certificate).tbs.replace(
        key, m.seq(m.seq(SM2), m.bits(made["leaf0"].public_key))
    )
    header = len(inside) - len(inside[4:])
    der = m.seq(m.seq(inside[header:]), SM2_SM3, m.bits(bytes(70)))
    with pytest.raises(CertificateError, match=r"SM2's curve: the algorithm should be id-ecPublicKey"):
        parse_certificate(der, rules=rules)
    assert parse_certificate(der, rules=rules, sm2_algorithm=True).key.kind == "sm2"
