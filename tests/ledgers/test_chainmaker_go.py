"""ChainMaker's Go code and pycore's `compatible` rules over the same signatures, valid and mutated: one answer.

Two builds of bench/go are asked: tjfoc's SM2 with Go's standard library, which ChainMaker's default engine is made of,
and ChainMaker's common module. A build that cannot be made here is skipped by name.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import adversarial
import judge
import pytest
from conftest import CountCases
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from oracle import der, der_mutations, ecdsa, sm2
from oracle.weierstrass import P256, SECP256K1, SM2, Curve

import pycore
from bench import go_programs
from bench.peers import PeerMissingError
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import PublicKey
from pycore.ledgers.chainmaker.signers import signing_hash

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CURVES: dict[str, Curve] = {"sm2": SM2, "ecdsa-p256": P256, "ecdsa-secp256k1": SECP256K1}
HASHES = ("sm3", "sha256", "sha3-256")
BASES = 16  # signatures to mutate, for each kind and hash


@dataclass(frozen=True)
class Case:
    what: str
    kind: str
    key: bytes
    hash: str  # the chain's, or "digest" where the message is one
    message: bytes
    signature: bytes

    @property
    def row(self) -> go_programs.Signature:
        return self.kind, self.key, self.hash, self.message, self.signature


# ---- cases -----------------------------------------------------------------------------------------------------------


def sign(kind: str, secret: int, hash_: str, message: bytes, rng: random.Random, uid: bytes) -> tuple[int, int]:
    """By the oracle, as the chain has it: Z before the message for SM2 over SM3, otherwise the bare digest."""
    curve = CURVES[kind]
    nonce = rng.randrange(1, curve.n)
    if kind == "sm2" and hash_ == "sm3":
        digest = sm2.digest(message, uid, curve.mul(secret, curve.g))
    else:
        digest = judge.HASHES[hash_](message)
    if kind == "sm2":
        return sm2.sign(secret, int.from_bytes(digest, "big"), nonce)
    return ecdsa.sign(curve, secret, digest, nonce)[:2]


def base(kind: str, hash_: str, rng: random.Random, uid: bytes = sm2.DEFAULT_ID, wide: bool = False) -> Case:
    """A valid signature; `wide`: r and s have their top bits set, as the mutations of the DER want them."""
    curve = CURVES[kind]
    secret, message = rng.randrange(1, curve.n - 1), rng.randbytes(rng.choice((0, 1, 31, 55, 64, 119, 300)))
    while True:
        r, s = sign(kind, secret, hash_, message, rng, uid)
        if not wide or min(r, s) >> 255:
            break
    key = curve.encode(curve.mul(secret, curve.g))
    return Case("as signed", kind, key, hash_, message, der.encode(r, s))


def tagged(tag: int, content: bytes) -> bytes:
    """Tag, minimal length of up to two bytes, content."""
    n = len(content)
    size = bytes([n]) if n < 0x80 else bytes([0x81, n]) if n < 0x100 else bytes([0x82, n >> 8, n & 0xFF])
    return bytes([tag]) + size + content


def integer(value: int) -> bytes:
    return tagged(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def flipped(data: bytes, rng: random.Random) -> bytes:
    bit = rng.randrange(8 * len(data)) if data else 0
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :] if data else b"\1"


def mutations(good: Case, other: Case, rng: random.Random) -> Iterator[Case]:
    """One thing wrong with a signature, or nothing."""
    n, (r, s) = CURVES[good.kind].n, der.decode(good.signature) or (0, 0)
    yield good
    for i in range(3):
        yield replace(good, what=f"a bit of the signature, {i}", signature=flipped(good.signature, rng))
    yield replace(good, what="a bit of the message", message=flipped(good.message, rng))
    yield replace(good, what="a longer message", message=good.message + b"\0")
    yield replace(good, what="another's key", key=other.key)
    yield replace(good, what="another's signature", signature=other.signature)
    yield replace(good, what="random bytes", signature=rng.randbytes(len(good.signature)))
    yield replace(good, what="r || s", signature=b"".join((v % 2**256).to_bytes(32, "big") for v in (r, s)))
    for hash_ in HASHES:
        yield replace(good, what=f"as of {hash_}", hash=hash_)
    values = {
        "0": 0,
        "1": 1,
        "n - 1": n - 1,
        "n": n,
        "n + 1": n + 1,
        "2^256 - 1": 2**256 - 1,
        "2^1024": 2**1024,
        "-1": -1,
    }
    pairs = {f"r = {name}": (value, s) for name, value in values.items()}
    pairs |= {f"s = {name}": (r, value) for name, value in values.items()}
    pairs |= {"r + n": (r + n, s), "s + n": (r, s + n), "n - s": (r, n - s), "n - r": (n - r, s), "s, r": (s, r)}
    pairs |= {"-r": (-r, s), "-s": (r, -s), "s = n - r": (r, n - r), "r mod 2^255": (r % 2**255, s)}
    for what, (one, two) in pairs.items():
        yield replace(good, what=what, signature=tagged(0x30, integer(one) + integer(two)))
    inside = good.signature[2:]
    for what, signature in {
        "a byte behind": good.signature + b"\0",
        "another signature behind": good.signature + other.signature,
        "300 bytes behind": good.signature + rng.randbytes(300),
        "a third integer": tagged(0x30, inside + integer(7)),
        "bytes after s": tagged(0x30, inside + rng.randbytes(5)),
        "200 bytes after s": tagged(0x30, inside + rng.randbytes(200)),
        "within a SEQUENCE": tagged(0x30, good.signature),
        "a padded r": tagged(0x30, tagged(2, b"\0" + r.to_bytes(33, "big")) + integer(s)),
        "an r without its sign byte": tagged(0x30, tagged(2, r.to_bytes(32, "big")) + integer(s)),
        "a SET": b"\x31" + good.signature[1:],
        "no s": tagged(0x30, integer(r)),
        "nothing": b"",
    }.items():
        yield replace(good, what=what, signature=signature)


@functools.cache
def population(kind: str) -> tuple[Case, ...]:
    """Thousands of signatures of one kind, the same in every run."""
    rng = random.Random(f"{kind} 11")
    found: list[Case] = []
    for hash_ in HASHES:
        bases = [base(kind, hash_, rng) for _ in range(BASES)]
        for i, one in enumerate(bases):
            found += mutations(one, bases[i - 1], rng)
        wide = base(kind, hash_, rng, wide=True)
        r, s = der.decode(wide.signature) or (0, 0)
        for what, signature, _ in der_mutations.mutations(r, s, CURVES[kind].n):
            found.append(replace(wide, what=f"DER: {what}", signature=signature))
    if kind == "sm2":
        for uid in (b"", b"12345678123456", b"1234567812345679", b"alice@example.com"):
            found.append(replace(base(kind, "sm3", rng, uid), what=f"by the identifier {uid!r}"))
    return tuple(found)


@functools.cache
def edges(kind: str) -> tuple[Case, ...]:
    """Digests chosen so that the equation meets table entries and the edges of ranges. Of SM2, only sums of two points
    that differ: the other ones are judged by the standard alone, in tests/signatures."""
    curve, found = CURVES[kind], []
    for case in (*adversarial.pool(kind), *adversarial.ordinary(kind)):
        point = curve.decode(case.public_key)
        if point is not None and len(case.signature) == 64 and len(case.message) == 32:
            r, s = (int.from_bytes(part, "big") for part in (case.signature[:32], case.signature[32:]))
            found.append(Case(case.label, kind, curve.encode(point), "digest", case.message, der.encode(r, s)))
    cases = {case.row: case for case in found}.values()  # some are in two collections
    return tuple(case for case in cases if kind != "sm2" or adds_different_points(case))


def adds_different_points(case: Case) -> bool:
    n, (r, s) = SM2.n, der.decode(case.signature) or (0, 0)
    left, right = SM2.mul(s % n, SM2.g), SM2.mul((r + s) % n, SM2.decode(case.key))
    return left is None or right is None or left[0] != right[0]


@functools.cache
def rarer() -> tuple[Case, ...]:
    """P-384, P-521 and RSA, which pycore leaves to pycryptodome."""
    rng, found = random.Random(12), []
    algorithms = {"sha256": hashes.SHA256(), "sha3-256": hashes.SHA3_256(), "sm3": hashes.SM3()}
    for kind, curve in (("ecdsa-p384", ec.SECP384R1()), ("ecdsa-p521", ec.SECP521R1())):
        for hash_, algorithm in algorithms.items():
            key, message = ec.generate_private_key(curve), rng.randbytes(40)
            point = key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            good = Case("as signed", kind, point, hash_, message, key.sign(message, ec.ECDSA(algorithm)))
            r, s = decode_dss_signature(good.signature)
            found += [good, replace(good, what="a longer message", message=message + b"\0")]
            for what, one, two, after, behind in (
                ("s, r", s, r, b"", b""),
                ("-s", r, -s, b"", b""),
                ("r = 0", 0, s, b"", b""),
                ("r = 2^600", 2**600, s, b"", b""),
                ("bytes after s", r, s, b"\0\1", b""),
                ("bytes behind", r, s, b"", b"\0\1"),
            ):
                signature = tagged(0x30, integer(one) + integer(two) + after) + behind
                found.append(replace(good, what=what, signature=signature))
    for bits in (2048, 3072):
        key, message = rsa.generate_private_key(65537, bits), rng.randbytes(40)
        public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        for hash_ in ("sha256", "sm3"):  # SHA3-256 is another test's
            good = Case("as signed", "rsa", public, hash_, message, signature)
            found += [good, replace(good, what="a longer message", message=message + b"\0")]
            modulus = key.public_key().public_numbers().n
            for what, changed in {
                "a bit": flipped(signature, rng),
                "a byte less": signature[:-1],
                "a byte more": signature + b"\0",
                "a zero before": b"\0" + signature,
                "nothing": b"",
                "the modulus more": (int.from_bytes(signature, "big") + modulus).to_bytes(bits // 8 + 1, "big"),
            }.items():
                found.append(replace(good, what=what, signature=changed))
    return tuple(found)


# ---- both answers ----------------------------------------------------------------------------------------------------


def ours(cases: tuple[Case, ...], der_rules: str) -> list[bool]:
    """As the ledger collects them: one batch, each key under the hash that it signs with on a chain of that hash."""
    batch = SignatureBatch(der_rules=der_rules)
    codes: dict[int, int] = {}
    tickets: dict[int, int] = {}
    for i, case in enumerate(cases):
        key = PublicKey(case.kind, case.key)
        if case.hash == "digest":
            verdict = pycore.verify_batch(
                case.kind, [case.key], [case.signature], [case.message],
                prehashed=True, encoding="der", der_rules=der_rules,
            )  # fmt: skip
            codes[i] = int(verdict.codes[0])
        else:
            tickets[i] = batch.add(key, signing_hash(key, case.hash) or "", case.message, case.signature)
    found = batch.run()
    return [(codes[i] if i in codes else found[tickets[i]]) == pycore.Verdict.VALID for i in range(len(cases))]


@pytest.fixture(scope="module", params=go_programs.BUILDS)
def build(request: pytest.FixtureRequest) -> str:
    try:
        go_programs.build(request.param)
    except PeerMissingError as error:
        pytest.skip(str(error))
    return str(request.param)


def asked(build: str, name: str, cases: tuple[Case, ...], count_cases: CountCases) -> list[bool]:
    answers = go_programs.verdicts(build, [case.row for case in cases])
    assert len(answers) == len(cases)
    if None in answers:
        pytest.skip(f"{build} has no {cases[0].kind}")
    count_cases(f"tests/ledgers: {go_programs.BUILDS[build]}, {name}", len(cases))
    return [answer is True for answer in answers]


def assert_equal(cases: tuple[Case, ...], theirs: list[bool]) -> None:
    """One answer each, and none that `strict` takes and `compatible` does not."""
    valid, strict = ours(cases, "go"), ours(cases, "strict")
    assert {True, False} == set(valid)
    assert all(one for one, tight in zip(valid, strict, strict=True) if tight)
    different = [
        f"{case.what} ({case.kind}, {case.hash}): Go {says}, pycore {got}"
        for case, says, got in zip(cases, theirs, valid, strict=True)
        if says != got
    ]
    assert not different


@pytest.mark.parametrize("kind", CURVES)
def test_mutated_signatures(kind: str, build: str, count_cases: CountCases) -> None:
    cases = population(kind)
    assert_equal(cases, asked(build, f"{kind}, mutated", cases, count_cases))


@pytest.mark.parametrize("kind", CURVES)
def test_edges_of_the_equation(kind: str, build: str, count_cases: CountCases) -> None:
    cases = edges(kind)
    assert_equal(cases, asked(build, f"{kind}, edges", cases, count_cases))


def test_the_rarer_kinds(build: str, count_cases: CountCases) -> None:
    assert_equal(rarer(), asked(build, "P-384, P-521, RSA", rarer(), count_cases))


def test_rsa_over_sha3(build: str) -> None:
    """Newer Go verifies it, so it depends on what a node was compiled with; pycore does not."""
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    signature = key.sign(b"message", padding.PKCS1v15(), hashes.SHA3_256())
    case = Case("RSA over SHA3-256", "rsa", public, "sha3-256", b"message", signature)
    assert go_programs.verdicts(build, [case.row]) == [True]
    assert ours((case,), "go") == [False]
