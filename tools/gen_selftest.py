"""Writes csrc/gen/selftest.inc.h: the known answers of the start-up self-test.

    python tools/gen_selftest.py            write it
    python tools/gen_selftest.py --check    write nothing, exit 1 when it is not what this script makes

Every number comes from the big-integer oracle of tests/oracle or from hashlib, never from the library under test.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from oracle import bip340, blake3, ecdsa, ed25519, keccak, ripemd160, sm2, sm3  # noqa: E402
from oracle.weierstrass import P256, SECP256K1, SM2, Curve  # noqa: E402

TARGET = ROOT / "csrc/gen/selftest.inc.h"

# Around every block and padding boundary of 64, 128 and 136 bytes, one long, and short ones to make 35 of them: more
# than the lanes of two vectors in flight, and odd.
LENGTHS = [0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 135, 136, 137, 200, 272, 1000]
LENGTHS += [2, 4, 8, 16, 31, 32, 33, 47, 48, 57, 62, 66, 100, 118]
PREFIXES = [0, 1, 139]


def pattern(length: int, seed: int) -> bytes:
    """Period 251: prime, so that swapped blocks cannot cancel. selftest.c makes the same bytes."""
    return bytes((seed + 7 * i) % 251 for i in range(length))


def hash_answer(digest: Callable[[bytes], bytes]) -> bytes:
    """H(all digests of all lengths, prefix by prefix, then one Merkle level of the last ones for each odd rule)."""
    data = b""
    row: list[bytes] = []
    for prefix in PREFIXES:
        row = [digest(pattern(prefix, 1) + pattern(length, i)) for i, length in enumerate(LENGTHS)]
        data += b"".join(row)
    parents = [digest(row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)]
    data += b"".join([*parents, row[-1]]) + b"".join([*parents, digest(row[-1] * 2)])
    return digest(data)


def seeded(label: str) -> int:
    """A number below 2^255 for this label."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest(), "big") >> 1


Case = tuple[bytes, bytes, bytes, str]  # key, signature, message, verdict


def spoil(good: list[Case], order: bytes, bad_key: bytes, verify: Callable[[Case], str]) -> list[Case]:
    """Seven cases (prime to every lane count): three valid, and four with one thing wrong, judged by the oracle."""
    a, b, c = good
    big_s = b[1][:32] + order
    wrong = [
        (a[0], a[1], b[2], ""),  # another message
        (b[0], big_s, b[2], ""),  # s = group order
        (bad_key, c[1], c[2], ""),  # a key that is no point
        (c[0], c[1][:63], c[2], ""),  # a byte short
    ]
    cases = [a, b, wrong[0], c, *wrong[1:]]
    return [(key, signature, message, verify((key, signature, message, ""))) for key, signature, message, _ in cases]


def messages() -> list[bytes]:
    """Three of different lengths: empty, one block, more blocks."""
    return [b"", b"self-test message", b"a longer self-test message that fills more than one block of every hash, " * 3]


def ed25519_cases() -> list[Case]:
    good = []
    for i, message in enumerate(messages()):
        scalar, _ = ed25519.secret_scalar(seeded(f"ed25519 {i}").to_bytes(32, "big"))
        key, nonce = ed25519.encode(ed25519.mul(scalar, ed25519.B)), seeded(f"nonce {i}") % ed25519.L
        good.append((key, ed25519.forge(scalar, nonce, message, key, ed25519.mul(nonce, ed25519.B)), message, ""))
    bad_key = next(k for y in range(2, 50) if ed25519.decode(k := y.to_bytes(32, "little")) is None)
    return spoil(
        good, ed25519.L.to_bytes(32, "little"), bad_key, lambda case: ed25519.verify(*case[:3], rules="zip215")
    )


def off_curve(curve: Curve) -> bytes:
    return next(k for x in range(1, 50) if curve.decode(k := b"\x02" + x.to_bytes(32, "big")) is None)


def ecdsa_cases(curve: Curve) -> list[Case]:
    good = []
    for i, message in enumerate(messages()):
        secret, nonce = seeded(f"{curve.name} {i}") % curve.n, seeded(f"{curve.name} nonce {i}") % curve.n
        r, s, _ = ecdsa.sign(curve, secret, hashlib.sha256(message).digest(), nonce)
        key = Curve.encode(curve.mul(secret, curve.g), compressed=i != 1)
        good.append((key, r.to_bytes(32, "big") + s.to_bytes(32, "big"), message, ""))
    order = curve.n.to_bytes(32, "big")
    return spoil(
        good, order, off_curve(curve), lambda case: ecdsa.verify(curve, *case[:2], hashlib.sha256(case[2]).digest())
    )


def sm2_cases() -> list[Case]:
    good = []
    for i, message in enumerate(messages()):
        secret, nonce = seeded(f"sm2 {i}") % SM2.n, seeded(f"sm2 nonce {i}") % SM2.n
        point = SM2.mul(secret, SM2.g)
        r, s = sm2.sign(secret, int.from_bytes(sm2.digest(message, sm2.DEFAULT_ID, point), "big"), nonce)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        good.append((Curve.encode(point, compressed=i != 1), signature, message, ""))
    return spoil(good, SM2.n.to_bytes(32, "big"), off_curve(SM2), lambda case: sm2.verify(*case[:3]))


def schnorr_cases() -> list[Case]:
    good = []
    for i, message in enumerate(messages()):
        secret, nonce = seeded(f"bip340 {i}") % SECP256K1.n, seeded(f"bip340 nonce {i}") % SECP256K1.n
        key, signature = bip340.sign(secret, message, nonce)
        good.append((key, signature, message, ""))
    order = SECP256K1.n.to_bytes(32, "big")
    return spoil(good, order, off_curve(SECP256K1)[1:], lambda case: bip340.verify(*case[:3]))


def recover_cases() -> list[tuple[bytes, bytes, str, bytes]]:
    """(signature65, digest, verdict, key64): both parities, another digest, r = 0, an x that is no point, a bad v."""
    rows = []
    digest = hashlib.sha256(b"self-test digest").digest()
    for i in range(8):
        secret, nonce = seeded(f"recover {i}") % SECP256K1.n, seeded(f"recover nonce {i}") % SECP256K1.n
        r, s, v = ecdsa.sign(SECP256K1, secret, digest, nonce)
        rows.append((r.to_bytes(32, "big") + s.to_bytes(32, "big"), v))
    even = next(row for row in rows if row[1] == 0)
    odd = next(row for row in rows if row[1] == 1)
    no_point = off_curve(SECP256K1)[1:]
    tries = [
        (even[0] + b"\x00", digest),
        (odd[0] + b"\x1c", digest),
        (odd[0] + b"\x01", bytes(32)),
        (bytes(32) + even[0][32:] + b"\x00", digest),
        (no_point + even[0][32:] + b"\x00", digest),
        (even[0] + b"\x04", digest),
        (even[0] + b"\x01", digest),
    ]
    cases = []
    for signature, hashed in tries:
        verdict, key = ecdsa.recover(SECP256K1, signature, hashed)
        cases.append((signature, hashed, verdict, Curve.encode(key)[1:] if key else bytes(64)))
    return cases


def c_bytes(data: bytes, indent: str = "     ") -> str:
    """A brace initialiser, lines of at most 125 columns."""
    numbers = [f"0x{byte:02x}," for byte in data]
    lines = [" ".join(numbers[i : i + 19]) for i in range(0, len(numbers), 19)]
    return "{" + f"\n{indent} ".join(lines) + "}"


def render() -> str:
    digests: dict[str, Callable[[bytes], bytes]] = {
        "SHA256": lambda data: hashlib.sha256(data).digest(),
        "SHA256D": lambda data: hashlib.sha256(hashlib.sha256(data).digest()).digest(),
        "SHA512": lambda data: hashlib.sha512(data).digest(),
        "SHA3_256": lambda data: hashlib.sha3_256(data).digest(),
        "KECCAK256": keccak.keccak256,
        "SM3": sm3.sm3,
        "RIPEMD160": ripemd160.ripemd160,
        "HASH160": lambda data: ripemd160.ripemd160(hashlib.sha256(data).digest()),
        "BLAKE2B_256": lambda data: hashlib.blake2b(data, digest_size=32).digest(),
        "BLAKE2B_512": lambda data: hashlib.blake2b(data).digest(),
        "BLAKE3": blake3.blake3,
    }
    schemes = {
        "ED25519": ed25519_cases(),
        "ECDSA_SECP256K1": ecdsa_cases(SECP256K1),
        "ECDSA_P256": ecdsa_cases(P256),
        "SM2": sm2_cases(),
        "SCHNORR_SECP256K1": schnorr_cases(),
    }
    out = [
        "/* Generated by tools/gen_selftest.py; do not edit. Known answers of the start-up self-test. */",
        "/* clang-format off */",
        f"static const uint16_t hash_lengths[] = {{{', '.join(map(str, LENGTHS))}}};",
        f"static const uint16_t hash_prefixes[] = {{{', '.join(map(str, PREFIXES))}}};",
        "",
        "static const uint8_t hash_answers[][64] = {",
        *(f"    [PC_HASH_{name}] =\n    {c_bytes(hash_answer(digest))}," for name, digest in digests.items()),
        "};",
        "",
        "static const char *const sig_messages[] = {",
        *(f'    "{message.decode()}",' for message in messages()),
        "};",
        "",
        "static const sig_case sig_cases[][SIG_CASES] = {",
    ]
    for name, cases in schemes.items():
        out.append(f"    [PC_SCHEME_{name}] = {{")
        for key, signature, message, verdict in cases:
            out.append(f"        {{{len(key)}, {len(signature)}, {messages().index(message)}, PC_{verdict},")
            out.append(f"         {c_bytes(key, '         ')},\n         {c_bytes(signature, '         ')}}},")
        out.append("    },")
    out += ["};", "", "static const recover_case recover_cases[] = {"]
    for signature, digest, verdict, key in recover_cases():
        rows = ",\n     ".join(c_bytes(data) for data in (signature, digest, key))
        out.append(f"    {{PC_{verdict},\n     {rows}}},")
    out += ["};", "/* clang-format on */", ""]
    return "\n".join(out)


def main() -> int:
    text = render()
    if "--check" in sys.argv[1:]:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not fresh:
            print(f"{TARGET.relative_to(ROOT)} is stale: run python tools/gen_selftest.py", file=sys.stderr)
        return 0 if fresh else 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
