"""BIP-340 Schnorr signatures over secp256k1."""

from __future__ import annotations

import hashlib

from .weierstrass import SECP256K1 as C


def tagged_hash(tag: str, data: bytes) -> bytes:
    head = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(head + head + data).digest()


def verify(key: bytes, signature: bytes, message: bytes) -> str:
    point = C.lift_x(int.from_bytes(key, "big"), 0) if len(key) == 32 else None
    if point is None:
        return "MALFORMED_KEY"
    if len(signature) != 64:
        return "MALFORMED_SIGNATURE"
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r >= C.p or s >= C.n:
        return "SCALAR_OUT_OF_RANGE"
    e = int.from_bytes(tagged_hash("BIP0340/challenge", signature[:32] + key + message), "big") % C.n
    total = C.double_mul(s, C.g, (C.n - e) % C.n, point)
    return "VALID" if total is not None and total[1] % 2 == 0 and total[0] == r else "BAD_SIGNATURE"


def sign(secret: int, message: bytes, nonce: int) -> tuple[bytes, bytes]:
    """(key, signature) for a nonce that the caller picks: test data only."""
    public, big_r = C.mul(secret, C.g), C.mul(nonce, C.g)
    assert public is not None
    assert big_r is not None
    d = secret if public[1] % 2 == 0 else C.n - secret
    k = nonce if big_r[1] % 2 == 0 else C.n - nonce
    key, r = public[0].to_bytes(32, "big"), big_r[0].to_bytes(32, "big")
    e = int.from_bytes(tagged_hash("BIP0340/challenge", r + key + message), "big") % C.n
    return key, r + ((k + e * d) % C.n).to_bytes(32, "big")
