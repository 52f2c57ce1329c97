"""Public keys in PEM and SubjectPublicKeyInfo, as tools write them; private keys are refused and never shown."""

from __future__ import annotations

import pytest
import x509_make as m
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import pycore
from pycore.errors import InputError, InvalidSignature
from pycore.identities.keys import load_public_key
from pycore.signatures.key_forms import key_hint
from pycore.testing import generate_signatures

CURVES = {"ecdsa-p256": ec.SECP256R1(), "ecdsa-secp256k1": ec.SECP256K1()}
SM2_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")


def private_keys() -> dict[str, object]:
    found: dict[str, object] = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
    return {**found, "ed25519": ed25519.Ed25519PrivateKey.generate()}


@pytest.mark.parametrize("scheme", ["ecdsa-p256", "ecdsa-secp256k1", "ed25519"])
def test_keys_of_another_library(scheme: str) -> None:
    public = private_keys()[scheme].public_key()  # type: ignore[attr-defined]
    raw = (Encoding.Raw, PublicFormat.Raw) if scheme == "ed25519" else (Encoding.X962, PublicFormat.UncompressedPoint)
    wanted = scheme, public.public_bytes(*raw)
    for encoding in (Encoding.PEM, Encoding.DER):
        data = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        assert load_public_key(data) == load_public_key(data, scheme=scheme) == wanted
        for other in pycore.SCHEMES:
            if other not in (scheme, "schnorr-secp256k1"):
                with pytest.raises(InputError, match=f"got a key of {scheme}, wanted one of {other}"):
                    load_public_key(data, scheme=other)
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert load_public_key(f"Some words\r\n{text}") == wanted
    if scheme == "ecdsa-secp256k1":
        assert load_public_key(text, scheme="schnorr-secp256k1").data == wanted[1][1:33]


def test_a_loaded_key_verifies() -> None:
    keys, signatures, messages = generate_signatures("sm2", 1)
    key = load_public_key(SM2_SPKI + keys[0].tobytes())
    assert key.scheme == "sm2"
    pycore.verify(key.scheme, key.data, signatures[0], messages[0])
    assert load_public_key(m.seq(m.seq(m.oid("1.2.156.10197.1.301")), m.bits(keys[0].tobytes()))) == key


@pytest.mark.parametrize("scheme", ["ecdsa-p256", "ecdsa-secp256k1", "ed25519"])
def test_private_keys_are_refused_and_not_shown(scheme: str) -> None:
    key = private_keys()[scheme]
    forms = [PrivateFormat.PKCS8] + ([] if scheme == "ed25519" else [PrivateFormat.TraditionalOpenSSL])
    for form in forms:
        for encoding in (Encoding.PEM, Encoding.DER):
            data = key.private_bytes(encoding, form, NoEncryption())  # type: ignore[attr-defined]
            with pytest.raises(InputError, match="got a private key") as caught:
                load_public_key(data)
            assert data.hex()[20:] not in str(caught.value)
            assert not any(line in str(caught.value) for line in data.decode("latin-1").splitlines() if len(line) > 40)
            assert key_hint(data) == "it is a private key, and a public one is wanted"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "hold no key"),
        (bytes(32), "hold no key"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "got a certificate"),
        (b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n", "hold no key"),
        (b"-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n" * 2, "got 2 PEM blocks"),
        (b"-----BEGIN PUBLIC KEY-----\nMAA=\n", "hold no key"),
        (SM2_SPKI + b"\4" + bytes(64) + b"\0", "hold no key"),
        (m.seq(m.seq(m.oid("1.2.840.10045.2.1"), m.oid("1.2.156.10197.1.301")), m.bits(bytes(20))), "with 20 bytes"),
        (m.seq(m.seq(m.oid("1.3.101.112")), m.bits(bytes(31))), "hold no key"),
        (m.seq(m.seq(m.oid("1.3.101.112"), m.NULL), m.bits(bytes(32))), "hold no key"),
    ],
    ids=range(10),
)
def test_what_is_no_key(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_public_key(data)


@pytest.mark.parametrize("begin", ["", "00", "05", "06", "07", "09", "0104"])
def test_a_key_is_a_point_in_one_of_the_forms(begin: str) -> None:
    """Also where only x of it is taken, and a raw one of 64 bytes is a key of the scheme."""
    key = ec.derive_private_key(5, ec.SECP256K1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for curve, scheme in (("1.2.156.10197.1.301", "sm2"), ("1.3.132.0.10", "schnorr-secp256k1")):
        algorithm = m.seq(m.oid("1.2.840.10045.2.1"), m.oid(curve))
        with pytest.raises(InputError, match="public_key: got a"):
            load_public_key(m.seq(algorithm, m.bits(bytes.fromhex(begin) + point[1:])), scheme=scheme)
    other = point[:-1] + bytes([point[-1] ^ 1])
    with pytest.raises(InputError, match="not on secp256k1"):
        load_public_key(m.seq(algorithm, m.bits(other)), scheme="schnorr-secp256k1")
    assert load_public_key(m.seq(algorithm, m.bits(point)), scheme="schnorr-secp256k1").data == point[1:33]


def test_other_kinds_are_named() -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    with pytest.raises(InputError, match="a key of 'rsa'"):
        load_public_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(InputError, match="a key of 'ecdsa-p384'"):
        load_public_key(curve.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def test_a_malformed_key_says_what_it_looks_like() -> None:
    keys, signatures, messages = generate_signatures("sm2", 1)
    spki = SM2_SPKI + keys[0].tobytes()
    for wrong, words in (
        (spki, "it is a SubjectPublicKeyInfo"),
        (keys[0].tobytes().hex().encode(), "hexadecimal text"),
    ):
        with pytest.raises(InvalidSignature, match=words) as caught:
            pycore.verify("sm2", wrong, signatures[0], messages[0])
        assert caught.value.verdict is pycore.Verdict.MALFORMED_KEY
    with pytest.raises(InvalidSignature, match=f"MALFORMED_KEY: {pycore.Verdict.MALFORMED_KEY.meaning}$"):
        pycore.verify("sm2", bytes(60), signatures[0], messages[0])


def test_a_key_that_looks_like_a_structure_stays_a_key() -> None:
    key = bytes.fromhex("301e020100") + bytes(27)
    assert key_hint(key) == ""
    assert pycore.verify_batch("ed25519", [key], [bytes(64)], [b""])[0] is not pycore.Verdict.UNCHECKED
