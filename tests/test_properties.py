"""Properties that hold for all inputs, searched by hypothesis around the values where implementations break."""

from __future__ import annotations

import hashlib
from typing import Any

import judge
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import der, ecdsa, ed25519, merkle
from oracle.weierstrass import P256, SECP256K1, SM2, Curve
from readers.cases import SignatureBatch, SignatureCase

CURVES = {"ecdsa-secp256k1": SECP256K1, "ecdsa-p256": P256, "sm2": SM2}


def numbers_near(*centres: int) -> st.SearchStrategy[int]:
    """Integers in [0, 2^256): near the given ones, near powers of two, and any."""
    near = st.builds(lambda centre, delta: (centre + delta) % 2**256, st.sampled_from(centres), st.integers(-3, 3))
    power = st.builds(lambda bit, delta: (2**bit + delta) % 2**256, st.integers(0, 256), st.integers(-1, 1))
    return st.one_of(near, near, power, st.integers(0, 2**256 - 1))


def scalars(curve: Curve) -> st.SearchStrategy[int]:
    return numbers_near(0, curve.n, curve.n // 2, curve.p, curve.p - curve.n, 2**256)


def b32(value: int) -> bytes:
    return value.to_bytes(32, "big")


@st.composite
def keys(draw: st.DrawFn, curve: Curve, raw: bool) -> bytes:
    """A point near the edges in any encoding, or bytes that only look like one."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=70))
    x, y = draw(scalars(curve)), draw(scalars(curve))
    if kind == 1:
        return bytes([draw(st.integers(0, 8))]) + b32(x) + b32(y)
    if kind == 2:
        return bytes([draw(st.integers(1, 4))]) + b32(x)
    point = None
    if kind == 3:
        point = curve.lift_x(x % curve.p, y & 1)
    point = point or curve.mul(x % (curve.n - 1) + 1, curve.g)
    form = draw(st.integers(0, 2 if raw else 1))
    return curve.encode(point, compressed=form == 1)[form == 2 :]


@st.composite
def short_weierstrass_case(draw: st.DrawFn, scheme: str) -> SignatureCase:
    """Half of them valid by choice of the digest: see oracle/exceptional.py."""
    curve = CURVES[scheme]
    key = draw(keys(curve, scheme == "sm2"))
    r, s, e = (draw(scalars(curve)) for _ in range(3))
    point = curve.decode(key, raw=scheme == "sm2")
    if point is not None and draw(st.booleans()):
        if scheme == "sm2":
            total = curve.double_mul(s % curve.n, curve.g, (r + s) % curve.n, point)
            e = (r - total[0]) % curve.n if total else e
        else:
            v = r % curve.n or 1
            total = curve.double_mul(s % curve.n, curve.g, v, point)
            r = total[0] % curve.n if total else r
            u, s = s % curve.n, r * pow(v, -1, curve.n) % curve.n
            e = u * s % curve.n
    return SignatureCase("", key, b32(r) + b32(s), b32(e), False)


def assert_codes(scheme: str, cases: list[SignatureCase], options: dict[str, Any]) -> None:
    import pycore

    columns = SignatureBatch("", scheme, cases).columns()
    got = [verdict.name for verdict in pycore.verify_batch(scheme, *columns, **options)]
    want = [judge.oracle_verdict(scheme, case, options) for case in cases]
    rows = zip(cases, got, want, strict=True)
    assert got == want, [(c.public_key.hex(), c.signature.hex(), c.message.hex(), x, y) for c, x, y in rows if x != y]


@pytest.mark.usefixtures("curves")
@given(st.lists(short_weierstrass_case("ecdsa-secp256k1"), min_size=1, max_size=6), st.sampled_from(("any-s", "low-s")))
def test_secp256k1(backend: str, cases: list[SignatureCase], rules: str) -> None:
    assert_codes("ecdsa-secp256k1", cases, {"prehashed": True, "rules": rules})


@pytest.mark.usefixtures("curves")
@given(st.lists(short_weierstrass_case("ecdsa-p256"), min_size=1, max_size=6), st.sampled_from(("any-s", "low-s")))
def test_p256(backend: str, cases: list[SignatureCase], rules: str) -> None:
    assert_codes("ecdsa-p256", cases, {"prehashed": True, "rules": rules})


@pytest.mark.usefixtures("curves")
@given(st.lists(short_weierstrass_case("sm2"), min_size=1, max_size=6))
def test_sm2(backend: str, cases: list[SignatureCase]) -> None:
    assert_codes("sm2", cases, {"prehashed": True})


@pytest.mark.usefixtures("curves")
@given(
    st.lists(
        st.builds(
            lambda x, r, s, message: SignatureCase("", b32(x), b32(r) + b32(s), message, False),
            scalars(SECP256K1),
            scalars(SECP256K1),
            scalars(SECP256K1),
            st.binary(max_size=70),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_bip340(backend: str, cases: list[SignatureCase]) -> None:
    assert_codes("schnorr-secp256k1", cases, {})


EIGHT = ed25519.torsion()


@st.composite
def ed25519_point(draw: st.DrawFn) -> tuple[bytes, int]:
    """(encoding, scalar of its prime-order part): with torsion, small, at the edge of the encoding, or any bytes."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return draw(st.binary(min_size=32, max_size=32)), 1
    if kind == 1:
        y = draw(numbers_near(0, ed25519.P, 2**255)) & (2**255 - 1)
        return (y | draw(st.integers(0, 1)) << 255).to_bytes(32, "little"), 0
    scalar = draw(numbers_near(0, ed25519.L, 2**252)) % ed25519.L if kind > 2 else 0
    torsion = draw(st.sampled_from(EIGHT)) if kind != 5 else EIGHT[0]
    return ed25519.encode(ed25519.add(ed25519.mul(scalar, ed25519.B), torsion)), scalar


@st.composite
def ed25519_case(draw: st.DrawFn) -> SignatureCase:
    (key, a), (r, nonce), message = draw(ed25519_point()), draw(ed25519_point()), draw(st.binary(max_size=140))
    if draw(st.integers(0, 3)):
        k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ed25519.L
        s = (nonce + k * a) % ed25519.L + draw(st.sampled_from((0, 0, 0, ed25519.L)))
    else:
        s = draw(numbers_near(0, ed25519.L, 2 * ed25519.L, 2**253, 2**256))
    return SignatureCase("", key, r + s.to_bytes(32, "little"), message, False)


@pytest.mark.usefixtures("curves")
@given(st.lists(ed25519_case(), min_size=1, max_size=6))
def test_ed25519(backend: str, cases: list[SignatureCase]) -> None:
    for rules in ed25519.RULES:
        assert_codes("ed25519", cases, {"rules": rules})


@pytest.mark.usefixtures("curves")
@given(scalars(SECP256K1), scalars(SECP256K1), st.integers(0, 255), scalars(SECP256K1))
def test_recovery(backend: str, r: int, s: int, v: int, e: int) -> None:
    """The oracle's verdict and key; a recovered key verifies its signature."""
    import pycore

    for recovery_id in {v, v % 4, 27 + v % 4}:
        signature = b32(r) + b32(s) + bytes([recovery_id])
        found, verdicts = pycore.recover_batch("ecdsa-secp256k1", [signature], [b32(e)])
        want, point = ecdsa.recover(SECP256K1, signature, b32(e))
        assert verdicts[0].name == want
        assert found[0].tobytes() == (bytes(64) if point is None else SECP256K1.encode(point)[1:])
        if want == "VALID":
            key = [b"\4" + found[0].tobytes()]
            assert pycore.verify_batch("ecdsa-secp256k1", key, [signature[:64]], [b32(e)], prehashed=True).all_valid


@st.composite
def nearly_der(draw: st.DrawFn) -> bytes:
    """DER of edge integers, then up to three bytes changed, cut, doubled or put in."""
    data = bytearray(der.encode(draw(scalars(P256)), draw(scalars(P256))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, min(len(data), 6))) if draw(st.booleans()) else draw(st.integers(0, len(data)))
        action = draw(st.integers(0, 3))
        byte = draw(
            st.one_of(st.sampled_from((0, 1, 2, 0x20, 0x21, 0x30, 0x7F, 0x80, 0x81, 0xFF)), st.integers(0, 255))
        )
        if action == 0 and at < len(data):
            data[at] = byte
        elif action == 1:
            data.insert(at, byte)
        elif action == 2:
            del data[at:]
        else:
            data += bytes([byte])
    return bytes(data)


@pytest.mark.usefixtures("curves")
@given(st.lists(st.one_of(nearly_der(), st.binary(max_size=80)), min_size=1, max_size=20))
def test_der(backend: str, signatures: list[bytes]) -> None:
    """Whatever the bytes: three schemes, all rules, the oracle's verdict."""
    for scheme, curve in CURVES.items():
        key = curve.encode(curve.g)
        cases = [SignatureCase("", key, data, b32(5), False) for data in signatures]
        for der_rules in ("strict", "trailing", "go"):
            assert_codes(scheme, cases, {"prehashed": True, "encoding": "der", "der_rules": der_rules})


@given(st.lists(st.binary(max_size=400), max_size=40))
def test_hashes(backend: str, messages: list[bytes]) -> None:
    import pycore

    for algorithm, h in {
        "sha256": lambda data: hashlib.sha256(data).digest(),
        "sha512": lambda data: hashlib.sha512(data).digest(),
        "sha3-256": lambda data: hashlib.sha3_256(data).digest(),
    }.items():
        assert [row.tobytes() for row in pycore.hash_batch(algorithm, messages)] == [h(data) for data in messages]


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=40), st.data())
def test_rfc9162_trees(backend: str, leaves: list[bytes], data: st.DataObject) -> None:
    """Roots, paths and consistency proofs are the RFC's; a proof holds for its own place and no other."""
    import pycore

    tree = pycore.MerkleTree(leaves)
    n = len(leaves)
    assert tree.root == merkle.rfc9162_root(leaves) == pycore.merkle_root(leaves)
    i, m = data.draw(st.integers(0, n - 1)), data.draw(st.integers(1, n))
    proof = tree.proof(i)
    assert proof == merkle.rfc9162_path(i, leaves)
    assert tree.consistency_proof(m) == merkle.rfc9162_consistency(m, leaves)
    pycore.verify_consistency(merkle.rfc9162_root(leaves[:m]), tree.root, tree.consistency_proof(m), m=m, n=n)
    j, count = data.draw(st.integers(0, n + 1)), data.draw(st.integers(1, n + 3))
    changed = list(proof)
    if changed and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = bytes([changed[at][0] ^ 1]) + changed[at][1:]
    leaf = merkle.sha256(b"\0" + leaves[i])
    want = merkle.rfc9162_includes(tree.root, leaf, changed, j, count)
    verdicts = pycore.verify_inclusion_batch(
        [tree.root] * 2, [leaves[i]] * 2, [proof, changed], index=[i, j], leaf_count=[n, count]
    )
    assert list(verdicts.valid) == [True, want]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_duplicating_trees(backend: str, leaves: list[bytes], data: st.DataObject) -> None:
    """Bitcoin's and ChainMaker's: the root, and a proof that holds at its place only."""
    import pycore

    n, i = len(leaves), data.draw(st.integers(0, len(leaves) - 1))
    for name, algorithm, h in (
        ("bitcoin", None, merkle.sha256d),
        ("chainmaker", "sha256", merkle.sha256),
        ("chainmaker", "sm3", judge.HASHES["sm3"]),
    ):
        tree = pycore.MerkleTree(leaves, tree=name, hash=algorithm)
        assert tree.root == merkle.duplicating_root(leaves, h)
        if name == "bitcoin" and tree.mutated:
            continue  # a proof next to an equal neighbour is refused: CVE-2012-2459
        proof = tree.proof(i)
        how: dict[str, Any] = {"leaf_count": n, "tree": name, "hash": algorithm}
        pycore.verify_inclusion(tree.root, leaves[i], proof, index=i, **how)
        j = data.draw(st.integers(0, n + 1))
        if j >= n or (leaves[j] != leaves[i] and len(set(leaves)) == n):
            verdicts = pycore.verify_inclusion_batch([tree.root], [leaves[i]], [proof], index=[j], **how)
            assert not verdicts.all_valid
