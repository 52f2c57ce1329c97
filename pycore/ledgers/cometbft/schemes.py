"""Keys of CometBFT's validators: their names in every form, their sizes, their addresses.

An address is 20 bytes: of Ed25519, sr25519, BLS12-381 and ML-DSA-65 the first 20 of SHA-256 of the key, of secp256k1
RIPEMD-160 of SHA-256 of the compressed key, of secp256k1eth the last 20 of Keccak-256 of the key's coordinates
(crypto/*/*.go). Signatures of sr25519, BLS12-381, ML-DSA-65 and secp256k1eth are not checked here: such validators can
be read and hashed, and are refused by name where a signature of theirs is asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pycore.errors import InputError
from pycore.hashing.batch import hash as digest_of

ADDRESS_SIZE = 20


@dataclass(frozen=True, slots=True)
class Scheme:
    """A kind of key.

    name     here                    type   in CometBFT's own words, and as 1.x writes it in protobuf
    json     in RPC answers          field  of the union PublicKey; 0: it has no place there, nor a hash in a set
    size     of a key in bytes       since  the first release with such validators
    options  of :func:`pycore.verify_batch`; None: signatures are not checked here
    """

    name: str
    type: str
    json: str
    field: int
    size: int
    since: str
    options: dict[str, str] | None = None


SCHEMES = {
    one.name: one
    for one in (
        Scheme("ed25519", "ed25519", "tendermint/PubKeyEd25519", 1, 32, "0.34", {"rules": "zip215"}),
        Scheme("ecdsa-secp256k1", "secp256k1", "tendermint/PubKeySecp256k1", 2, 33, "0.34", {"rules": "low-s"}),
        Scheme("bls12-381", "bls12_381", "cometbft/PubKeyBls12_381", 3, 96, "0.39"),
        Scheme("ml-dsa-65", "ml_dsa_65", "cometbft/PubKeyMlDsa65", 4, 1952, "0.38.26"),
        Scheme("secp256k1eth", "secp256k1eth", "tendermint/PubKeySecp256k1eth", 5, 33, "0.40"),
        Scheme("sr25519", "sr25519", "tendermint/PubKeySr25519", 0, 32, "0.34"),
    )
}
BY_TYPE = {one.type: one for one in SCHEMES.values()}
BY_JSON = {one.json: one for one in SCHEMES.values()}
BY_FIELD = {one.field: one for one in SCHEMES.values() if one.field}


def check_key(scheme: str, public_key: bytes, field: str = "public_key") -> Scheme:
    """The scheme of a key. InputError: no scheme of a validator, or a key of another length."""
    known = SCHEMES.get(scheme)
    if known is None:
        raise InputError(f"{field}.scheme" if field != "public_key" else "scheme", repr(scheme)[:80],
                         "one of " + ", ".join(map(repr, SCHEMES)))  # fmt: skip
    if len(public_key) != known.size:
        raise InputError(field, f"{len(public_key)} bytes", f"the {known.size} bytes of a key of {scheme}")
    return known


def address(scheme: str, public_key: bytes) -> bytes:
    """The 20 bytes of a validator's address. InputError: see :func:`check_key`; of secp256k1eth also a key that is not
    on the curve.

    >>> address("ed25519", bytes(32)).hex()
    '66687aadf862bd776c8fc18b8e9f8e2008971485'
    """
    check_key(scheme, public_key)
    if scheme == "ecdsa-secp256k1":
        return digest_of("hash160", public_key)
    if scheme == "secp256k1eth":
        return digest_of("keccak256", _coordinates(public_key))[-ADDRESS_SIZE:]
    return hashlib.sha256(public_key).digest()[:ADDRESS_SIZE]


_P = 2**256 - 2**32 - 977


def _coordinates(public_key: bytes) -> bytes:
    """x || y of a compressed key of secp256k1."""
    x = int.from_bytes(public_key[1:], "big")
    square = (pow(x, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if public_key[0] not in (2, 3) or x >= _P or y * y % _P != square:
        raise InputError("public_key", public_key.hex(), "a compressed key of secp256k1")
    if y & 1 != public_key[0] & 1:
        y = _P - y
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")
