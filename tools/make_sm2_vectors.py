"""Write tests/vectors/sm2_negative.json: SM2 verification cases at every edge that the standard has.

There is no public set of SM2 negatives like Wycheproof's for ECDSA, so this one is derived: edge values of r, s, e
and keys, sums that meet the exceptional cases of the addition formulas, the conventions of Z_A against each other, and
DER that is not quite DER. The verdicts come from the big-integer oracle in tests/oracle; the tests hold them against
pycore and against a second library.

    python tools/make_sm2_vectors.py            write the file
    python tools/make_sm2_vectors.py --check    fail if the file on disk differs

The choice of e is what makes edges reachable: for any key P, r and s with t = r + s, e = r - x(s G + t P) mod n makes
(r, s) valid, so every arithmetic edge appears with a signature that must be accepted and with one that must not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from oracle import der, exceptional, sm2  # noqa: E402
from oracle.der_mutations import integer, mutations  # noqa: E402
from oracle.sm3 import sm3  # noqa: E402
from oracle.weierstrass import P256, SM2, Point  # noqa: E402

TARGET = ROOT / "tests" / "vectors" / "sm2_negative.json"
P, N = SM2.p, SM2.n
DEFAULT = sm2.DEFAULT_ID

NOTES = {
    "Valid": "A plain valid signature.",
    "EdgeScalar": "r or s at 0, 1, n - 1, n, n + 1, 2^256 - 1 and thereabouts.",
    "ZeroT": "r + s = 0 mod n, which the standard refuses before any point arithmetic (step B5).",
    "NoSymmetry": "SM2 has no twin signature: n - s, n - r and swapped values must fail.",
    "Exceptional": "s G + t P meets an exceptional case of the addition formulas; the result is a proper point.",
    "Infinity": "s G + t P is the point at infinity; e = r, so that a verifier that takes its x for 0 accepts.",
    "LargeX": "x of s G + t P is at least n: it is reduced before it is added to e.",
    "WrapX": "r - e + n is not below p; a verifier that compares it modulo p accepts the wrong point.",
    "EdgeDigest": "e at 0, n - 1, n, 2^256 - 1, or around r: e is reduced modulo n, r - e may wrap.",
    "Key": "The key is not a point of the curve, or not an encoding of one.",
    "EdgeKey": "A valid key with an unusual coordinate or encoding.",
    "UserId": "Another identifier than the signer's, or a Z_A computed as implementations get it wrong.",
    "Der": "Not DER: other tags, lengths, signs, padding, or bytes too many or too few.",
    "Encoding": "A compact signature where DER is expected, or the reverse, or of another length.",
    "BitFlip": "One bit of a valid signature, message or key is flipped.",
}


@dataclass
class Group:
    """Cases under one key and one set of options."""

    key: bytes
    options: dict[str, Any]
    tests: list[dict[str, Any]] = field(default_factory=list)


class Writer:
    """Collects cases; the oracle gives each its verdict."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.count = 0

    def add(
        self,
        flag: str,
        comment: str,
        key: bytes,
        signature: bytes,
        message: bytes,
        *,
        expect: str | None = None,
        **how: Any,
    ) -> None:
        """`expect` is what the author of the case meant; the oracle must say the same."""
        options = {"user_id": DEFAULT, "prehashed": False, "encoding": "compact", "der_rules": "strict", **how}
        if options["prehashed"]:
            options["user_id"] = DEFAULT  # has no meaning with e
        verdict = sm2.verify(key, signature, message, **options)
        if expect is not None and verdict != expect:
            raise AssertionError(f"{flag}: {comment}: {verdict}, meant {expect}")
        group = self.groups.setdefault(f"{key.hex()} {options}", Group(key, options))
        self.count += 1
        group.tests.append(
            {
                "tcId": self.count,
                "comment": comment,
                "flags": [flag],
                "msg": message.hex(),
                "sig": signature.hex(),
                "result": "valid" if verdict == "VALID" else "invalid",
                "verdict": verdict,
            }
        )

    def render(self) -> str:
        """The file as text: a header, then one line per case."""
        head = {
            "algorithm": "SM2",
            "curve": "sm2p256v1",
            "hash": "SM3",
            "generator": "tools/make_sm2_vectors.py",
            "numberOfTests": self.count,
            "header": [
                "userId is the signer's identifier in hex, null for no Z_A at all; with prehashed, msg is e.",
                "verdict is the name of pycore's verdict code for the first check that fails.",
            ],
            "notes": NOTES,
        }
        lines = [json.dumps(head, indent=1)[:-2] + ',\n "testGroups": [']
        for i, group in enumerate(self.groups.values()):
            how = dict(group.options)
            user_id = how.pop("user_id")
            top = {
                "type": "Sm2Verify",
                "publicKey": group.key.hex(),
                "userId": None if user_id is None else user_id.hex(),
            }
            body = ",\n".join("    " + json.dumps(test) for test in group.tests)
            text = json.dumps({**top, **how})[:-1] + ', "tests": [\n' + body + "\n  ]}"
            lines.append("  " + text + ("," if i + 1 < len(self.groups) else ""))
        return "\n".join([*lines, " ]", "}"]) + "\n"


def number(label: str) -> int:
    """A reproducible integer in [1, n - 2]."""
    digest = hashlib.sha512(b"pycore sm2 vectors: " + label.encode()).digest()
    return int.from_bytes(digest, "big") % (N - 2) + 1


def b32(value: int) -> bytes:
    return value.to_bytes(32, "big")


def compact(r: int, s: int) -> bytes:
    return b32(r) + b32(s)


def public(secret: int) -> bytes:
    return SM2.encode(SM2.mul(secret, SM2.g))


def digest_for(point: Point, r: int, s: int) -> int | None:
    """The e under which (r, s) is valid, None when s G + t P is infinity."""
    total = SM2.double_mul(s % N, SM2.g, (r + s) % N, point)
    return None if total is None else (r - total[0]) % N


def baseline(out: Writer) -> None:
    for i, length in enumerate((0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000)):
        secret, message = number(f"key {i}"), bytes((7 * j + i) % 256 for j in range(length))
        point = SM2.mul(secret, SM2.g)
        e = int.from_bytes(sm2.digest(message, DEFAULT, point), "big")
        r, s = sm2.sign(secret, e, number(f"nonce {i}"))
        assert point
        for name, key in (
            ("uncompressed", SM2.encode(point)),
            ("compressed", SM2.encode(point, compressed=True)),
            ("x || y", SM2.encode(point)[1:]),
        )[: 3 if i < 3 else 1]:
            out.add("Valid", f"{length}-byte message, {name} key", key, compact(r, s), message, expect="VALID")
        out.add("Valid", f"{length}-byte message, DER", public(secret), der.encode(r, s), message, encoding="der")


EDGES = {
    "0": 0,
    "1": 1,
    "2": 2,
    "2^128": 2**128,
    "(n - 1)/2": N // 2,
    "(n + 1)/2": N // 2 + 1,
    "2^255": 2**255,
    "n - 2": N - 2,
    "n - 1": N - 1,
    "n": N,
    "n + 1": N + 1,
    "p": P,
    "2^256 - 1": 2**256 - 1,
}


def edge_scalars(out: Writer) -> None:
    secret = number("edge scalars")
    key, point = public(secret), SM2.mul(secret, SM2.g)
    for r_name, r in EDGES.items():
        for s_name, s in EDGES.items():
            e = digest_for(point, r % N, s % N)
            in_range = 0 < r < N and 0 < s < N and (r + s) % N
            expect = "VALID" if in_range else "SCALAR_OUT_OF_RANGE"
            comment = f"r = {r_name}, s = {s_name}, e chosen so that the equation holds modulo n"
            out.add("EdgeScalar", comment, key, compact(r, s), b32(e or 0), prehashed=True, expect=expect)
            if in_range and (r in (1, N - 1) or s in (1, N - 1)):
                comment = f"r = {r_name}, s = {s_name}, e one too large"
                out.add(
                    "EdgeScalar", comment, key, compact(r, s), b32((e or 0) + 1), prehashed=True, expect="BAD_SIGNATURE"
                )
    message = b"edge scalars"
    for name, value in EDGES.items():
        for other in (number("other scalar"),):
            out.add("EdgeScalar", f"r = {name}, any s", key, compact(value, other), message)
            out.add("EdgeScalar", f"any r, s = {name}", key, compact(other, value), message)


def zero_t(out: Writer) -> None:
    secret = number("zero t")
    key = public(secret)
    for label, s in (("1", 1), ("n - 1", N - 1), ("(n + 1)/2", N // 2 + 1), ("any", number("zero t s"))):
        total = SM2.mul(s, SM2.g)
        assert total
        r = N - s
        comment = f"s = {label}, r = n - s, and (e + x(s G)) mod n = r"
        out.add(
            "ZeroT", comment, key, compact(r, s), b32((r - total[0]) % N), prehashed=True, expect="SCALAR_OUT_OF_RANGE"
        )
        out.add("ZeroT", f"s = {label}, r = n - s, DER", key, der.encode(r, s), b"zero t", encoding="der")


def no_symmetry(out: Writer) -> None:
    secret, message = number("symmetry"), b"there is no low s in SM2"
    key, point = public(secret), SM2.mul(secret, SM2.g)
    e = int.from_bytes(sm2.digest(message, DEFAULT, point), "big")
    r, s = sm2.sign(secret, e, number("symmetry nonce"))
    for comment, pair in (
        ("r, n - s", (r, N - s)),
        ("n - r, s", (N - r, s)),
        ("n - r, n - s", (N - r, N - s)),
        ("s, r", (s, r)),
        ("r, s + 1", (r, s + 1)),
        ("r + 1, s", (r + 1, s)),
        ("t, s", ((r + s) % N, s)),
        ("r, t", (r, (r + s) % N)),
        ("r, 1/s", (r, pow(s, -1, N))),
        ("r - e, s", ((r - e) % N, s)),
    ):
        out.add("NoSymmetry", f"({comment}) of a valid (r, s)", key, compact(*pair), message, expect="BAD_SIGNATURE")
    for comment, pair in (("r + n, s", (r + N, s)), ("r, s + n", (r, s + N))):
        body = b"".join(b"\x02\x21" + value.to_bytes(33, "big") for value in pair)
        body = body if all(value >> 255 for value in pair) else b"".join(integer(value) for value in pair)
        signature = bytes([0x30, len(body)]) + body
        out.add("NoSymmetry", f"({comment}) of a valid (r, s), DER", key, signature, message, encoding="der")


def exceptional_sums(out: Writer) -> None:
    for comment, d, u, v in exceptional.triples(SM2):
        r = (v - u) % N
        if u == 0 or r == 0 or (u + v * d) % N == 0:
            continue
        point = SM2.mul(d, SM2.g)
        e = digest_for(point, r, u)
        assert e is not None
        key = SM2.encode(point)
        out.add("Exceptional", comment, key, compact(r, u), b32(e), prehashed=True, expect="VALID")
    for comment, d, u, v in exceptional.infinities(SM2):
        r = (v - u) % N
        if u and r:
            signature = compact(r, u)
            out.add("Infinity", comment, public(d), signature, b32(r), prehashed=True, expect="BAD_SIGNATURE")


def large_x(out: Writer) -> None:
    u, v = number("large x u"), number("large x v")
    r = (v - u) % N
    for where, xs in (
        ("p - small", exceptional.xs_near(SM2, P - 1, -1, 3)),
        ("n + small", exceptional.xs_near(SM2, N, 1, 3)),
        ("n - small", exceptional.xs_near(SM2, N - 1, -1, 3)),
        ("small", exceptional.xs_near(SM2, 0, 1, 3)),
        ("p - n + small", exceptional.xs_near(SM2, P - N, 1, 2)),
        ("p - n - small", exceptional.xs_near(SM2, P - N - 1, -1, 2)),
    ):
        for x in xs:
            for odd in (0, 1):
                key = SM2.encode(exceptional.key_for(SM2, SM2.lift_x(x, odd), u, v))
                comment = f"x(s G + t P) = {where} = {x:#x}, y {'odd' if odd else 'even'}"
                e = (r - x) % N
                out.add("LargeX", comment, key, compact(r, u), b32(e), prehashed=True, expect="VALID")
                out.add(
                    "LargeX",
                    comment + ", e one too small",
                    key,
                    compact(r, u),
                    b32((e - 1) % N),
                    prehashed=True,
                    expect="BAD_SIGNATURE",
                )
    for w in exceptional.xs_near(SM2, 0, 1, 4):
        key = SM2.encode(exceptional.key_for(SM2, SM2.lift_x(w, 0), u, v))
        e = (r - (w + P - N)) % N
        comment = f"x(s G + t P) = {w:#x} = r - e + n - p"
        out.add("WrapX", comment, key, compact(r, u), b32(e), prehashed=True, expect="BAD_SIGNATURE")


def edge_digests(out: Writer) -> None:
    secret = number("edge digests")
    key = public(secret)
    for name, e in {**EDGES, "p - 1": P - 1, "n + 2^64": N + 2**64}.items():
        r, s = sm2.sign(secret, e, number("edge digest nonce"))
        out.add("EdgeDigest", f"e = {name}", key, compact(r, s), b32(e), prehashed=True, expect="VALID")
        if e < N and e + N < 2**256:
            out.add("EdgeDigest", f"e = {name} + n", key, compact(r, s), b32(e + N), prehashed=True, expect="VALID")
        wrong = b32((e + 1) % 2**256)
        out.add("EdgeDigest", f"e = {name}, plus 1", key, compact(r, s), wrong, prehashed=True, expect="BAD_SIGNATURE")
    nonce = number("edge digest nonce 2")
    total = SM2.mul(nonce, SM2.g)
    assert total
    for name, r in (("1", 1), ("2", 2), ("n - 1", N - 1), ("(n - 1)/2", N // 2)):
        e = (r - total[0]) % N
        r2, s = sm2.sign(secret, e, nonce)
        assert r2 == r
        out.add("EdgeDigest", f"r = {name} by choice of e", key, compact(r, s), b32(e), prehashed=True, expect="VALID")


def keys(out: Writer) -> None:
    secret, message = number("keys"), b"keys"
    point = SM2.mul(secret, SM2.g)
    assert point
    x, y = point
    e = int.from_bytes(sm2.digest(message, DEFAULT, point), "big")
    good = compact(*sm2.sign(secret, e, number("keys nonce")))
    full, raw = SM2.encode(point), SM2.encode(point)[1:]
    no_point = next(value for value in range(1, 100) if SM2.lift_x(value, 0) is None)
    bad = {
        "empty": b"",
        "one byte 00: infinity": b"\0",
        "one byte 04": b"\x04",
        "32 bytes": raw[:32],
        "x only, prefix 04": full[:33],
        "63 bytes": raw[:63],
        "66 bytes": full + b"\0",
        "128 bytes": raw + raw,
        "infinity as 65 zeros": bytes(65),
        "(0, 0)": b"\x04" + bytes(64),
        "(0, 0), 64 bytes": bytes(64),
        "(x, y + 1)": full[:-1] + bytes([full[-1] ^ 1]),
        "(x + 1, y)": b"\x04" + b32(x + 1) + b32(y),
        "(y, x)": b"\x04" + b32(y) + b32(x),
        "(x, 0)": b"\x04" + b32(x) + bytes(32),
        "(0, y)": b"\x04" + bytes(32) + b32(y),
        "prefix 00": b"\0" + raw,
        "prefix 01": b"\1" + raw,
        "prefix 02, 65 bytes": b"\2" + raw,
        "prefix 03, 65 bytes": b"\3" + raw,
        "prefix 05": b"\5" + raw,
        "hybrid 06": b"\6" + raw,
        "hybrid 07": b"\7" + raw,
        "prefix ff": b"\xff" + raw,
        "(x, y + 1), 64 bytes": raw[:-1] + bytes([raw[-1] ^ 1]),
        "compressed, prefix 00": b"\0" + raw[:32],
        "compressed, prefix 01": b"\1" + raw[:32],
        "compressed, prefix 06": b"\6" + raw[:32],
        "compressed, no such x": b"\2" + b32(no_point),
        "compressed, x = p": b"\2" + b32(P),
        "compressed, x = 2^256 - 1": b"\2" + b"\xff" * 32,
        "generator of P-256": P256.encode(P256.g),
        "all ff": b"\x04" + b"\xff" * 64,
        "little-endian": b"\x04" + b32(x)[::-1] + b32(y)[::-1],
        "SubjectPublicKeyInfo": bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + full,
    }
    for comment, key in bad.items():
        out.add("Key", comment, key, good, message, expect="MALFORMED_KEY")
    reduced_keys(out)
    out.add("Key", "key of another signer", public(secret + 1), good, message, expect="BAD_SIGNATURE")
    out.add("Key", "negated key", SM2.encode(SM2.neg(point)), good, message, expect="BAD_SIGNATURE")
    flipped = bytes([SM2.encode(point, compressed=True)[0] ^ 1]) + raw[:32]
    out.add("Key", "compressed key of the other parity", flipped, good, message, expect="BAD_SIGNATURE")


def reduced_keys(out: Writer) -> None:
    """Coordinates that are only right modulo p: the signature is made for the reduced point, given e directly."""
    u, v = number("reduced u"), number("reduced v")
    r = (v - u) % N
    for x in exceptional.xs_near(SM2, 0, 1, 3):
        for odd in (0, 1):
            point = SM2.lift_x(x, odd)
            assert point
            e = digest_for(point, r, u)
            assert e is not None
            how = {"prehashed": True}
            signature, message = compact(r, u), b32(e)
            out.add("EdgeKey", f"x = {x}", SM2.encode(point), signature, message, expect="VALID", **how)
            small = SM2.encode(point, compressed=True)
            out.add("EdgeKey", f"x = {x}, compressed", small, signature, message, expect="VALID", **how)
            large = b"\x04" + b32(x + P) + b32(point[1])
            out.add("Key", f"x = p + {x}", large, signature, message, expect="MALFORMED_KEY", **how)
            large = small[:1] + b32(x + P)
            out.add("Key", f"x = p + {x}, compressed", large, signature, message, expect="MALFORMED_KEY", **how)
            out.add("Key", f"x = p + {x}, x || y", b32(x + P) + b32(point[1]), signature, message, **how)
    for y in range(40):
        x = exceptional.x_with_y(SM2, y)
        if x is None:
            continue
        e = digest_for((x, y), r, u)
        assert e is not None
        ok, large = b"\x04" + b32(x) + b32(y), b"\x04" + b32(x) + b32(y + P)
        out.add("EdgeKey", f"y = {y}", ok, compact(r, u), b32(e), prehashed=True, expect="VALID")
        out.add("Key", f"y = p + {y}", large, compact(r, u), b32(e), prehashed=True, expect="MALFORMED_KEY")


def user_ids(out: Writer) -> None:
    secret, message = number("user ids"), b"the identifier is part of what is signed"
    key, point = public(secret), SM2.mul(secret, SM2.g)
    assert point
    names: dict[str, bytes | None] = {
        "the default": DEFAULT,
        "empty": b"",
        "absent": None,
        "one NUL": b"\0",
        "the default and a NUL": DEFAULT + b"\0",
        "ALICE123@YAHOO.COM": b"ALICE123@YAHOO.COM",
        "255 bytes": b"a" * 255,
        "256 bytes": b"a" * 256,
        "8191 bytes": b"a" * 8191,
    }
    signed = {}
    for name, user_id in names.items():
        e = int.from_bytes(sm2.digest(message, user_id, point), "big")
        signed[name] = compact(*sm2.sign(secret, e, number(f"user id {name}")))
    for maker, signature in signed.items():
        for name, user_id in names.items():
            expect = "VALID" if name == maker else "BAD_SIGNATURE"
            comment = f"signed with identifier {maker}, verified with {name}"
            out.add("UserId", comment, key, signature, message, user_id=user_id, expect=expect)
    numbers = [b32(value) for value in (SM2.a % P, SM2.b, SM2.gx, SM2.gy, *point)]
    entl = (8 * len(DEFAULT)).to_bytes(2, "big")
    for comment, preimage in (
        ("ENTL in bytes", len(DEFAULT).to_bytes(2, "big") + DEFAULT + b"".join(numbers)),
        ("ENTL little-endian", entl[::-1] + DEFAULT + b"".join(numbers)),
        ("no ENTL", DEFAULT + b"".join(numbers)),
        ("a given as 3", entl + DEFAULT + b32(3) + b"".join(numbers[1:])),
        ("generator left out", entl + DEFAULT + b"".join(numbers[:2] + numbers[4:])),
        ("key before the curve", entl + DEFAULT + b"".join(numbers[4:] + numbers[:4])),
        ("y of the key left out", entl + DEFAULT + b"".join(numbers[:5])),
        ("key with its prefix 04", entl + DEFAULT + b"".join(numbers[:4]) + key),
        ("little-endian numbers", entl + DEFAULT + b"".join(value[::-1] for value in numbers)),
        (
            "P-256 for the curve",
            entl + DEFAULT + b"".join(b32(v) for v in (P256.a % P256.p, P256.b, P256.gx, P256.gy, *point)),
        ),
    ):
        e = int.from_bytes(sm3(sm3(preimage) + message), "big")
        signature = compact(*sm2.sign(secret, e, number(f"Z_A {comment}")))
        out.add("UserId", f"Z_A with {comment}", key, signature, message, expect="BAD_SIGNATURE")
    z = sm2.z_a(DEFAULT, point)
    for comment, digest in (
        ("SM3(M || Z_A)", sm3(message + z)),
        ("SM3(Z_A || SM3(M))", sm3(z + sm3(message))),
        ("SM3(SM3(Z_A || M))", sm3(sm3(z + message))),
        ("SHA-256(Z_A || M)", hashlib.sha256(z + message).digest()),
        ("e read little-endian", sm3(z + message)[::-1]),
    ):
        signature = compact(*sm2.sign(secret, int.from_bytes(digest, "big"), number(f"e {comment}")))
        out.add("UserId", f"e = {comment}", key, signature, message, expect="BAD_SIGNATURE")


def der_cases(out: Writer) -> None:
    """Both encodings and everything near them."""
    secret, message = number("der"), b"signatures in DER"
    key, point = public(secret), SM2.mul(secret, SM2.g)
    e = int.from_bytes(sm2.digest(message, DEFAULT, point), "big")
    pairs = (sm2.sign(secret, e, number(f"der nonce {i}")) for i in range(100))
    r, s = next(pair for pair in pairs if min(pair) >> 255)
    mutated = list(mutations(r, s, N))
    for comment, signature, expect in mutated:
        out.add("Der", comment, key, signature, message, encoding="der", expect=expect)
    tails = [row for row in mutated if row[0].startswith("followed") or row[0] == "as signed"]
    for comment, signature, _ in tails:
        out.add(
            "Der",
            f"{comment}, ignoring what follows",
            key,
            signature,
            message,
            encoding="der",
            der_rules="trailing",
            expect="VALID",
        )
    for comment, signature, _ in mutated:
        if any(
            word in comment for word in ("truncated to 6", "length 81", "one less", "inside", "leading zero", "three")
        ):
            out.add(
                "Der",
                f"{comment}, ignoring what follows",
                key,
                signature,
                message,
                encoding="der",
                der_rules="trailing",
                expect="MALFORMED_SIGNATURE",
            )
    edge_integers(out, key, point)
    wrong_encodings(out, key, compact(r, s), der.encode(r, s), message)


def edge_integers(out: Writer, key: bytes, point: Point) -> None:
    for r, s in [(1, 1), (127, 128), (2**8, 2**15), (N - 1, 2), (1, N - 2)]:
        e = digest_for(point, r, s) or 0
        out.add(
            "Der",
            f"r = {exceptional.short(r, N)}, s = {exceptional.short(s, N)}: short integers",
            key,
            der.encode(r, s),
            b32(e),
            encoding="der",
            prehashed=True,
            expect="VALID",
        )


def wrong_encodings(out: Writer, key: bytes, good: bytes, as_der: bytes, message: bytes) -> None:
    for comment, signature in (
        ("DER where compact is expected", as_der),
        ("empty", b""),
        ("63 bytes", good[:63]),
        ("65 bytes", good + b"\0"),
        ("65 bytes, zero first", b"\0" + good),
        ("32 bytes", good[:32]),
        ("96 bytes", good + good[:32]),
        ("128 bytes", good + good),
        ("hex text", good.hex().encode()),
    ):
        out.add("Encoding", comment, key, signature, message, expect="MALFORMED_SIGNATURE")
    out.add(
        "Encoding",
        "compact where DER is expected",
        key,
        good,
        message,
        encoding="der",
        expect="MALFORMED_SIGNATURE",
    )
    swapped = good[:32][::-1] + good[32:][::-1]
    out.add("Encoding", "r and s little-endian", key, swapped, message)


def bit_flips(out: Writer) -> None:
    secret, message = number("bit flips"), b"every bit of it counts"
    key, point = public(secret), SM2.mul(secret, SM2.g)
    e = int.from_bytes(sm2.digest(message, DEFAULT, point), "big")
    good = compact(*sm2.sign(secret, e, number("bit flip nonce")))

    def flip(data: bytes, bit: int) -> bytes:
        changed = bytearray(data)
        changed[bit // 8] ^= 0x80 >> bit % 8
        return bytes(changed)

    for bit in (*range(0, 512, 19), 255, 256, 511):
        out.add("BitFlip", f"bit {bit} of the signature", key, flip(good, bit), message)
    for bit in range(0, 8 * len(message), 17):
        out.add("BitFlip", f"bit {bit} of the message", key, good, flip(message, bit), expect="BAD_SIGNATURE")
    for bit in range(8, 8 * len(key), 61):
        out.add("BitFlip", f"bit {bit} of the key", flip(key, bit), good, message, expect="MALFORMED_KEY")


def build() -> str:
    """The whole file as text: the same on every run."""
    out = Writer()
    for part in (
        baseline,
        edge_scalars,
        zero_t,
        no_symmetry,
        exceptional_sums,
        large_x,
        edge_digests,
        keys,
        user_ids,
        der_cases,
        bit_flips,
    ):
        part(out)
    return out.render()


def main() -> int:
    """Write the file, or with --check compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the file on disk differs")
    text = build()
    if parser.parse_args().check:
        fresh = TARGET.exists() and TARGET.read_text() == text
        print(f"{TARGET.relative_to(ROOT)}: {'fresh' if fresh else 'STALE'}")
        return 0 if fresh else 1
    TARGET.write_text(text)
    print(f"{TARGET.relative_to(ROOT)}: {json.loads(text)['numberOfTests']} cases, {len(text)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
