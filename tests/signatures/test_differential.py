"""pycore against other libraries and against the oracles, on random inputs, valid and mutated.

The other libraries sign, so nothing here depends on pycore's own test signing; and where a library can say yes or no to
the same bytes, it is asked. The oracle gives the exact code.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import judge
import numpy as np
import pytest
from oracle import bip340, der, ecdsa, ed25519, sm2
from oracle.keccak import keccak256
from oracle.weierstrass import P256, SECP256K1, SM2
from readers.cases import SignatureBatch, SignatureCase

CASES = 160
ECDSA_HASHES = ["sha256", "sha256d", "sha3-256", "keccak256", "sm3"]

Signed = tuple[bytes, bytes, bytes]  # key, compact signature, message
Signer = Callable[[random.Random, bytes], Signed]


def from_der(data: bytes) -> bytes:
    scalars = der.decode(data)
    assert scalars
    return b"".join(value.to_bytes(32, "big") for value in scalars)


def sign_ed25519_nacl(rng: random.Random, message: bytes) -> Signed:
    signing = pytest.importorskip("nacl.signing").SigningKey(rng.randbytes(32))
    return bytes(signing.verify_key), signing.sign(message).signature, message


def sign_ed25519_cryptography(rng: random.Random, message: bytes) -> Signed:
    module = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    key = module.Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
    return key.public_key().public_bytes_raw(), key.sign(message), message


def sign_p256_cryptography(rng: random.Random, message: bytes) -> Signed:
    return _sign_cryptography("SECP256R1", P256.n, rng, message)


def sign_secp256k1_cryptography(rng: random.Random, message: bytes) -> Signed:
    return _sign_cryptography("SECP256K1", SECP256K1.n, rng, message)


def _sign_cryptography(curve: str, order: int, rng: random.Random, message: bytes) -> Signed:
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    from cryptography.hazmat.primitives import hashes, serialization

    key = ec.derive_private_key(rng.randrange(1, order), getattr(ec, curve)())
    form = rng.choice((serialization.PublicFormat.CompressedPoint, serialization.PublicFormat.UncompressedPoint))
    public = key.public_key().public_bytes(serialization.Encoding.X962, form)
    return public, from_der(key.sign(message, ec.ECDSA(hashes.SHA256()))), message


def sign_secp256k1_coincurve(rng: random.Random, message: bytes) -> Signed:
    key = pytest.importorskip("coincurve").PrivateKey(rng.randrange(1, SECP256K1.n).to_bytes(32, "big"))
    return key.public_key.format(compressed=rng.random() < 0.5), from_der(key.sign(message)), message


def sign_schnorr_coincurve(rng: random.Random, _: bytes) -> Signed:
    coincurve = pytest.importorskip("coincurve")
    key, message = coincurve.PrivateKey(rng.randrange(1, SECP256K1.n).to_bytes(32, "big")), rng.randbytes(32)
    public = coincurve.PublicKeyXOnly.from_secret(key.secret)
    return public.format(), key.sign_schnorr(message, rng.randbytes(32)), message


def sign_sm2_gmssl(rng: random.Random, message: bytes) -> Signed:
    gmssl = pytest.importorskip("gmssl_pyx")
    secret = rng.randrange(1, SM2.n - 1)
    key = SM2.encode(SM2.mul(secret, SM2.g))
    return key, from_der(gmssl.sm2_sign(secret.to_bytes(32, "big"), key[1:], message)), message


SIGNERS: dict[str, tuple[str, Signer]] = {
    "ed25519, PyNaCl": ("ed25519", sign_ed25519_nacl),
    "ed25519, cryptography": ("ed25519", sign_ed25519_cryptography),
    "P-256, cryptography": ("ecdsa-p256", sign_p256_cryptography),
    "secp256k1, cryptography": ("ecdsa-secp256k1", sign_secp256k1_cryptography),
    "secp256k1, coincurve": ("ecdsa-secp256k1", sign_secp256k1_coincurve),
    "BIP-340, coincurve": ("schnorr-secp256k1", sign_schnorr_coincurve),
    "SM2, GmSSL": ("sm2", sign_sm2_gmssl),
}
ORDERS = {"ecdsa-p256": P256.n, "ecdsa-secp256k1": SECP256K1.n, "sm2": SM2.n, "schnorr-secp256k1": SECP256K1.n}


def mutate(rng: random.Random, scheme: str, signed: Signed, other: Signed) -> tuple[str, Signed]:
    """One thing wrong, or nothing. Some mutations leave a signature valid under some rules: the oracle knows."""
    key, signature, message = signed
    r, s = signature[:32], signature[32:]

    def flip(data: bytes) -> bytes:
        if not data:
            return b"\1"
        bit = rng.randrange(8 * len(data))
        return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]

    order = ORDERS.get(scheme)
    negated = s[::-1] if order is None else ((order - int.from_bytes(s, "big")) % order).to_bytes(32, "big")
    choices: dict[str, Signed] = {
        "nothing": signed,
        "a bit of the signature": (key, flip(signature), message),
        "a bit of the key": (flip(key), signature, message),
        "a bit of the message": (key, signature, flip(message)),
        "another's key": (other[0], signature, message),
        "another's signature": (key, other[1], message),
        "another's r": (key, other[1][:32] + s, message),
        "n - s": (key, r + negated, message),
        "s, r": (key, s + r, message),
        "r = 0": (key, bytes(32) + s, message),
        "s = 0": (key, r + bytes(32), message),
        "a short signature": (key, signature[: rng.randrange(64)], message),
        "a long signature": (key, signature + rng.randbytes(1 + rng.randrange(8)), message),
        "a short key": (key[: rng.randrange(len(key))], signature, message),
        "random bytes": (rng.randbytes(len(key)), rng.randbytes(64), message),
    }
    name = rng.choice([*choices, "nothing", "nothing"])
    return name, choices[name]


def population(name: str, rng: random.Random, count: int) -> list[SignatureCase]:
    scheme, signer = SIGNERS[name]
    signed = [signer(rng, rng.randbytes(rng.choice((0, 1, 31, 32, 63, 64, 65, 200)))) for _ in range(count)]
    cases = []
    for i, row in enumerate(signed):
        what, (key, signature, message) = mutate(rng, scheme, row, signed[i - 1])
        cases.append(SignatureCase(f"{i}: {what}", key, signature, message, what == "nothing"))
    return cases


def options_of(scheme: str, message_is_sm2: bool = False) -> list[dict[str, Any]]:
    if scheme == "ed25519":
        return [{"rules": rules} for rules in ed25519.RULES]
    if scheme.startswith("ecdsa"):
        return [{"rules": "any-s"}, {"rules": "low-s"}]
    return [{}]


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.usefixtures("curves")
def test_random_and_mutated(name: str, backend: str, rng: random.Random) -> None:
    """The oracle's code for each, whatever library signed; what is left untouched is valid."""
    scheme = SIGNERS[name][0]
    cases = population(name, rng, CASES)
    for options in options_of(scheme):
        batch = SignatureBatch(name, scheme, cases, options)
        want = [judge.oracle_verdict(scheme, case, options) for case in cases]
        for way, got in judge.pycore_verdicts(batch).items():
            wrong = [f"{c.label}: {x}, want {y}" for c, x, y in zip(cases, got, want, strict=True) if x != y]
            assert not wrong, f"{name} {options} {way}\n" + "\n".join(wrong)
    if options_of(scheme)[0].get("rules") != "low-s":
        first = options_of(scheme)[0]
        for case in cases:
            assert not case.valid or judge.oracle_verdict(scheme, case, first) == "VALID", case.label


@pytest.mark.parametrize("scheme", ["ecdsa-p256", "ecdsa-secp256k1", "sm2"])
@pytest.mark.usefixtures("curves")
def test_encodings_agree(scheme: str, backend: str, rng: random.Random) -> None:
    """The same (r, s) as DER and compact has the same verdict; so has a digest in place of its message."""
    import pycore

    name = next(name for name, (of, _) in SIGNERS.items() if of == scheme)
    cases = [case for case in population(name, rng, CASES) if len(case.signature) == 64]
    keys, signatures, messages = SignatureBatch("", scheme, cases).columns()
    compact = pycore.verify_batch(scheme, keys, signatures, messages)
    encoded = [der.encode(int.from_bytes(x[:32], "big"), int.from_bytes(x[32:], "big")) for x in signatures]
    assert pycore.verify_batch(scheme, keys, encoded, messages, encoding="der") == compact
    tails = [x + rng.randbytes(rng.randrange(4)) for x in encoded]
    assert pycore.verify_batch(scheme, keys, tails, messages, encoding="der", der_rules="trailing") == compact
    if scheme != "sm2":
        digests = [hashlib.sha256(message).digest() for message in messages]
        assert pycore.verify_batch(scheme, keys, signatures, digests, prehashed=True) == compact


@pytest.mark.parametrize("algorithm", ECDSA_HASHES)
@pytest.mark.parametrize("scheme", ["ecdsa-p256", "ecdsa-secp256k1"])
@pytest.mark.usefixtures("curves")
def test_every_message_hash(scheme: str, algorithm: str, backend: str, rng: random.Random) -> None:
    curve = {"ecdsa-p256": P256, "ecdsa-secp256k1": SECP256K1}[scheme]
    cases = []
    for length in (*range(0, 140, 7), 55, 56, 64, 119, 120, 128, 135, 136, 137, 272):
        secret, message = rng.randrange(1, curve.n), rng.randbytes(length)
        r, s, _ = ecdsa.sign(curve, secret, judge.HASHES[algorithm](message), rng.randrange(1, curve.n))
        key = curve.encode(curve.mul(secret, curve.g), compressed=rng.random() < 0.5)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        cases.append(SignatureCase(f"{length} bytes", key, signature, message, True))
    batch = SignatureBatch(algorithm, scheme, cases, {"hash": algorithm})
    for way, verdicts in judge.pycore_verdicts(batch).items():
        judge.assert_published(batch, verdicts, way)


@pytest.mark.parametrize("user_id", [b"1234567812345678", b"", None, b"\0", b"alice@example.com", b"x" * 8191])
@pytest.mark.usefixtures("curves")
def test_sm2_identifiers(user_id: bytes | None, backend: str, rng: random.Random) -> None:
    """Every convention at every message length around SM3's blocks; Z_A is put before the message."""
    cases = []
    for length in (0, 1, 22, 23, 24, 31, 32, 33, 55, 56, 64, 87, 88, 96, 119, 120, 300):
        secret, message = rng.randrange(1, SM2.n - 1), rng.randbytes(length)
        point = SM2.mul(secret, SM2.g)
        e = int.from_bytes(sm2.digest(message, user_id, point), "big")
        r, s = sm2.sign(secret, e, rng.randrange(1, SM2.n))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        key = rng.choice((SM2.encode(point), SM2.encode(point, compressed=True), SM2.encode(point)[1:]))
        cases.append(SignatureCase(f"{length} bytes", key, signature, message, True))
    batch = SignatureBatch("", "sm2", cases, {"user_id": user_id})
    for way, verdicts in judge.pycore_verdicts(batch).items():
        judge.assert_published(batch, verdicts, way)


@pytest.mark.usefixtures("curves")
def test_libraries_say_the_same(backend: str, rng: random.Random) -> None:
    """PyNaCl is "strict", cryptography (OpenSSL) is "ref10", coincurve wants low s: yes or no each."""
    import pycore

    exceptions = pytest.importorskip("nacl.exceptions")
    nacl = pytest.importorskip("nacl.signing")
    openssl = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    coincurve = pytest.importorskip("coincurve")
    from cryptography.exceptions import InvalidSignature

    def accepts(call: Callable[[], Any], *errors: type[Exception]) -> bool:
        try:
            return call() is not False
        except errors:
            return False

    cases = [case for case in population("ed25519, PyNaCl", rng, CASES) if len(case.signature) == 64]
    cases = [case for case in cases if len(case.public_key) == 32]
    keys, signatures, messages = SignatureBatch("", "ed25519", cases).columns()
    strict = pycore.verify_batch("ed25519", keys, signatures, messages, rules="strict").valid
    ref10 = pycore.verify_batch("ed25519", keys, signatures, messages, rules="ref10").valid
    for case, is_strict, is_ref10 in zip(cases, strict, ref10, strict=True):
        verify_key = nacl.VerifyKey(case.public_key)
        got = accepts(lambda v=verify_key, c=case: v.verify(c.message, c.signature), exceptions.BadSignatureError)
        assert got == is_strict, case.label
        public = openssl.Ed25519PublicKey.from_public_bytes(case.public_key)
        assert accepts(lambda p=public, c=case: p.verify(c.signature, c.message), InvalidSignature) == is_ref10, (
            case.label
        )
    for name in ("secp256k1, coincurve", "secp256k1, cryptography"):
        cases = [case for case in population(name, rng, CASES) if len(case.signature) == 64]
        keys, signatures, messages = SignatureBatch("", "ecdsa-secp256k1", cases).columns()
        low = pycore.verify_batch("ecdsa-secp256k1", keys, signatures, messages, rules="low-s").valid
        for case, want in zip(cases, low, strict=True):
            data = der.encode(*(int.from_bytes(half, "big") for half in (case.signature[:32], case.signature[32:])))
            got = accepts(
                lambda c=case, d=data: coincurve.PublicKey(c.public_key).verify(d, c.message), ValueError, TypeError
            )
            hybrid = len(case.public_key) == 65 and case.public_key[0] in (6, 7)  # libsecp256k1 takes them
            assert got == want or hybrid, case.label
    cases = [case for case in population("BIP-340, coincurve", rng, CASES) if len(case.signature) == 64]
    cases = [case for case in cases if len(case.public_key) == 32 and len(case.message) == 32]
    columns = SignatureBatch("", "schnorr-secp256k1", cases).columns()
    for case, want in zip(cases, pycore.verify_batch("schnorr-secp256k1", *columns).valid, strict=True):
        got = accepts(lambda c=case: coincurve.PublicKeyXOnly(c.public_key).verify(c.signature, c.message), ValueError)
        assert got == want, case.label


@pytest.mark.usefixtures("curves")
def test_recovery_against_coincurve(backend: str, rng: random.Random) -> None:
    import pycore

    coincurve = pytest.importorskip("coincurve")
    signatures, digests, secrets = [], [], []
    for i in range(CASES):
        key = coincurve.PrivateKey(rng.randrange(1, SECP256K1.n).to_bytes(32, "big"))
        digest = rng.randbytes(32)
        signature = bytearray(key.sign_recoverable(digest, hasher=None))
        if i % 4 == 1:
            signature[rng.randrange(65)] ^= 1 << rng.randrange(8)
        if i % 4 == 2:  # the twin: n - s with the other parity
            s = SECP256K1.n - int.from_bytes(signature[32:64], "big")
            signature[32:64], signature[64] = s.to_bytes(32, "big"), signature[64] ^ 1
        if i % 4 == 3:
            signature[64] ^= rng.randrange(4)
        signatures.append(bytes(signature))
        digests.append(digest)
        secrets.append(key)
    keys, verdicts = pycore.recover_batch("ecdsa-secp256k1", signatures, digests)
    for i, (signature, digest) in enumerate(zip(signatures, digests, strict=True)):
        want, point = ecdsa.recover(SECP256K1, signature, digest)
        assert verdicts[i].name == want
        found = keys[i].tobytes()
        assert found == (bytes(64) if point is None else SECP256K1.encode(point)[1:])
        if i % 4 in (0, 2):
            assert b"\4" + found == secrets[i].public_key.format(compressed=False)
        elif signature[64] < 4:
            try:
                public = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
                assert b"\4" + found == public.format(compressed=False)
            except Exception:  # coincurve's errors for bad input are bare
                assert want != "VALID"
    valid = verdicts.valid
    assert valid[::4].all()
    assert valid[2::4].all()
    full = np.concatenate([np.full((CASES, 1), 4, np.uint8), keys], axis=1)[valid]
    compact = [signature[:64] for signature, ok in zip(signatures, valid, strict=True) if ok]
    rest = [digest for digest, ok in zip(digests, valid, strict=True) if ok]
    assert pycore.verify_batch("ecdsa-secp256k1", full, compact, rest, prehashed=True).all_valid


def test_test_signing_is_real_signing(backend: str) -> None:
    """What pycore.testing signs, the oracle accepts: the generated ledgers rest on it."""
    from pycore.testing import generate_signatures

    for scheme in ("ed25519", "ecdsa-secp256k1", "ecdsa-p256", "sm2", "schnorr-secp256k1"):
        columns = generate_signatures(scheme, 12, signers=3, message_size=45, seed=9)
        rows = [tuple(x.tobytes() for x in row) for row in zip(*columns, strict=True)]
        for key, signature, message in rows:
            case = SignatureCase("", key, signature, message, True)
            assert judge.oracle_verdict(scheme, case, {}) == "VALID", scheme
        assert len({row[0] for row in rows}) == 3
        assert len({row[1] for row in rows}) == 12


POOLS: dict[str, list[SignatureCase]] = {}


def pool(scheme: str) -> list[SignatureCase]:
    """130 cases, valid and not, the same for every batch size."""
    if scheme not in POOLS:
        name = next(name for name, (of, _) in SIGNERS.items() if of == scheme)
        POOLS[scheme] = population(name, random.Random(f"pool {scheme}"), 130)
    return POOLS[scheme]


@pytest.mark.parametrize("scheme", ["ed25519", *ORDERS])
@pytest.mark.usefixtures("curves")
def test_batches_of_every_size(scheme: str, backend: str) -> None:
    """An item's verdict does not depend on how many neighbours it has, which, or where: 1..70 and 127..130 items."""
    import pycore

    cases = pool(scheme)
    for options in options_of(scheme)[:2]:
        want = [judge.oracle_verdict(scheme, case, options) for case in cases]
        start = 0
        for n in (*range(1, 71), 127, 128, 129, 130):
            order = [(start + i) % len(cases) for i in range(n)]
            columns = SignatureBatch("", scheme, [cases[i] for i in order]).columns()
            got = [verdict.name for verdict in pycore.verify_batch(scheme, *columns, **options)]
            assert got == [want[i] for i in order], f"{n} items from {start}"
            start += 17


@pytest.mark.parametrize("scheme", ["ed25519", *ORDERS])
@pytest.mark.usefixtures("curves")
def test_large_batches_on_threads(scheme: str, backend: str, rng: random.Random) -> None:
    """Thousands of items, cut into pieces for threads at any place; a KeySet with many uses of few keys."""
    import pycore

    cases, options = pool(scheme), options_of(scheme)[0]
    want = [judge.oracle_verdict(scheme, case, options) for case in cases]
    order = [rng.randrange(len(cases)) for _ in range(1500 + rng.randrange(100))]
    columns = SignatureBatch("", scheme, [cases[i] for i in order]).columns()
    keys = pycore.KeySet(scheme, [case.public_key for case in cases])
    for threads in (1, 2, 3, 8):
        got = pycore.verify_batch(scheme, *columns, **options, threads=threads)
        assert [verdict.name for verdict in got] == [want[i] for i in order]
        got = keys.verify_batch(order, *columns[1:], **options, threads=threads)
        assert [verdict.name for verdict in got] == [want[i] for i in order]


@pytest.mark.parametrize("scheme", ["ed25519", *ORDERS])
@pytest.mark.usefixtures("curves")
def test_one_bad_item_at_every_position(scheme: str, backend: str) -> None:
    import pycore

    good = [case for case in pool(scheme) if case.valid][:17]
    assert len(good) == 17
    kinds = {judge.oracle_verdict(scheme, case, {}): case for case in pool(scheme)}
    del kinds["VALID"]
    assert len(kinds) >= 3
    for name, bad in kinds.items():
        for position in range(len(good)):
            row = [*good[:position], bad, *good[position + 1 :]]
            verdicts = pycore.verify_batch(scheme, *SignatureBatch("", scheme, row).columns())
            assert [verdict.name for verdict in verdicts] == [
                name if i == position else "VALID" for i in range(len(row))
            ], f"{bad.label} at {position}"


REFERENCE: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha256d": lambda data: hashlib.sha256(hashlib.sha256(data).digest()).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
    "sha3-256": lambda data: hashlib.sha3_256(data).digest(),
    "sm3": judge.HASHES["sm3"],
    "keccak256": keccak256,
}


def reference(algorithm: str) -> Callable[[bytes], bytes]:
    """A library's hash where there is one, else the oracle."""
    if algorithm == "keccak256":
        module = pytest.importorskip("Crypto.Hash.keccak")
        return lambda data: module.new(digest_bits=256, data=data).digest()
    if algorithm == "sm3" and "sm3" in hashlib.algorithms_available:
        return lambda data: hashlib.new("sm3", data).digest()
    return REFERENCE[algorithm]


@pytest.mark.parametrize("algorithm", REFERENCE)
def test_hashes_at_every_length(algorithm: str, backend: str, rng: random.Random) -> None:
    """0 to 300 bytes and around every block boundary up to 1,100: ragged, uniform, strided and one by one."""
    import pycore

    h = reference(algorithm)
    lengths = [*range(301), *(64 * k + d for k in range(5, 18) for d in (-9, -8, -1, 0, 1))]
    lengths += [136 * k + d for k in range(2, 9) for d in (-2, -1, 0, 1)]
    lengths += [128 * k + d for k in range(2, 9) for d in (-17, -16, -1, 0, 1)]
    rng.shuffle(lengths)
    messages = [rng.randbytes(length) for length in lengths]
    want = [h(message) for message in messages]
    assert [row.tobytes() for row in pycore.hash_batch(algorithm, messages)] == want
    assert [pycore.hash(algorithm, message) for message in messages] == want
    for width in (0, 1, 32, 55, 56, 64, 65, 111, 112, 119, 120, 128, 135, 136, 137, 200, 300):
        for n in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33):
            rows = np.frombuffer(rng.randbytes(n * (width + 3)), np.uint8).reshape(n, width + 3)[:, 1 : width + 1]
            got = pycore.hash_batch(algorithm, rows)
            assert [row.tobytes() for row in got] == [h(row.tobytes()) for row in rows], f"{n} of {width} bytes"


def test_bip340_any_length(backend: str, rng: random.Random) -> None:
    """BIP-340 allows messages of any length; the libraries take 32 bytes only, so the oracle signs."""
    cases = []
    for length in (0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 119, 120, 128, 1000):
        message = rng.randbytes(length)
        key, signature = bip340.sign(rng.randrange(1, SECP256K1.n), message, rng.randrange(1, SECP256K1.n))
        cases.append(SignatureCase(f"{length} bytes", key, signature, message, True))
    batch = SignatureBatch("", "schnorr-secp256k1", cases)
    for way, verdicts in judge.pycore_verdicts(batch).items():
        judge.assert_published(batch, verdicts, way)
