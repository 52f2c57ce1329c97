"""Threshold rules of namespaces: one public key under a scheme, over the SHA-256 digest of what is signed.

    ECDSA    PEM `PUBLIC KEY` on P-224, P-256, P-384 or P-521; signatures in strict DER, s as it comes
    EDDSA    32 bytes, Ed25519ctx with the context "Example_ed25519ctx"; a key of another length refuses every signature
    BLS      BN254, keys in G2, signatures in G1
    NONE     nothing is checked; an empty name means the same

Names are compared in capitals. Source: ``utils/signature`` of the committer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from pycore.identities import go_pem
from pycore.identities.collector import parse_der_scalars
from pycore.identities.der import BIT_STRING, OID, SEQUENCE, DerError, bits, dotted, whole
from pycore.ledgers.fabricx import bls

__all__ = ["EDDSA", "MEMBERS", "NONE", "P256", "SINGLE", "Key", "ThresholdKeyError", "read_key"]

NONE, P256, EDDSA, SINGLE, MEMBERS = range(5)
"""How a rule is checked: not at all, by the P-256 kernel, by the Ed25519 kernel, one signature after the other, or
as one
about members of MSPs."""

_CURVES = {  # name in pycryptodome, bytes of a coordinate, order of the group (SP 800-186, section 3.2.1)
    "1.3.132.0.33": ("P-224", 28, (1 << 224) - 0xE95D1F470FC1EC22D6BAA3A3D5C3),
    "1.2.840.10045.3.1.7": ("P-256", 32, 0),
    "1.3.132.0.34": ("P-384", 48, (1 << 384) - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D),
    "1.3.132.0.35": ("P-521", 66, (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7),
}  # fmt: skip


class ThresholdKeyError(ValueError):
    """A scheme or key from which the committer makes no verifier."""


@dataclass(frozen=True, slots=True)
class Key:
    """A threshold rule.

    Attributes:
        kind: NONE, P256, EDDSA or SINGLE.
        key: P256: 65 bytes of SEC 1; EDDSA: the bytes as given.
        check: SINGLE: whether a signature holds for a digest.
    """

    kind: int
    key: bytes = b""
    check: Callable[[bytes, bytes], bool] | None = None


def read_key(scheme: str, key: bytes) -> Key:
    """The rule of a scheme and key. Raises ThresholdKeyError."""
    name = "".join(one.upper() if len(one.upper()) == 1 else one for one in scheme)
    if name in ("NONE", ""):
        return Key(NONE)
    if name == "ECDSA":
        return _ecdsa(key)
    if name == "EDDSA":
        return Key(EDDSA, key)
    if name == "BLS":
        try:
            return Key(SINGLE, check=partial(bls.verify, bls.read_key(key)))
        except bls.EncodingError as error:
            raise ThresholdKeyError(f"the BLS key: {error}") from None
    raise ThresholdKeyError(f"the scheme {scheme[:80]!r}, none of ECDSA, EDDSA, BLS, NONE")


@lru_cache(maxsize=1024)
def _ecdsa(text: bytes) -> Key:
    block = go_pem.first(text)
    if block is None or block.label != "PUBLIC KEY":
        raise ThresholdKeyError("the ECDSA key is no PEM block PUBLIC KEY")
    try:
        info = whole(block.der, "a public key", strict=False)
        algorithm = info.enter(SEQUENCE, "its algorithm")
        if dotted(algorithm.take(OID, "the algorithm")) != "1.2.840.10045.2.1":
            raise ThresholdKeyError("the public key is not of ECDSA")
        curve = _CURVES.get(dotted(algorithm.take(OID, "the curve")))
        point, unused = bits(info.take(BIT_STRING, "the point"))
    except DerError as error:
        raise ThresholdKeyError(f"the ECDSA key: {error}") from None
    if curve is None:
        raise ThresholdKeyError("the ECDSA key is on a curve that Go does not have")
    name, size, order = curve
    point = (int.from_bytes(point, "big") >> unused).to_bytes(len(point), "big")  # as Go's RightAlign
    public = _point(name, size, point)
    if public is None:
        raise ThresholdKeyError(f"the ECDSA key is no point on {name}")
    if name == "P-256":
        return Key(P256, point)
    return Key(SINGLE, check=partial(_verify_ecdsa, name, order, public))


def _point(name: str, size: int, point: bytes) -> Any:
    from Crypto.PublicKey import ECC

    if len(point) != 1 + 2 * size or point[0] != 4:
        return None
    try:
        point_of: Any = ECC.EccPoint  # type: ignore[attr-defined] # public, though not listed
        return point_of(int.from_bytes(point[1 : 1 + size], "big"), int.from_bytes(point[1 + size :], "big"), name)
    except ValueError:
        return None


def _verify_ecdsa(name: str, order: int, public: Any, digest: bytes, signature: bytes) -> bool:
    """FIPS 186-5, section 6.4.2, over the leftmost bits of a digest of 32 bytes."""
    from Crypto.PublicKey import ECC

    scalars = parse_der_scalars(signature)
    if scalars is None:
        return False
    r, s = scalars
    if not (0 < r < order and 0 < s < order):
        return False
    e = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - order.bit_length())
    inverse = pow(s, -1, order)
    base = ECC.construct(curve=name, d=1).pointQ
    point = base * (e * inverse % order) + public * (r * inverse % order)
    return not point.is_point_at_infinity() and int(point.x) % order == r
