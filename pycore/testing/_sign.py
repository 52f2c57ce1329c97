"""Keys and signatures for test data, made by the C library (``pc_testing_public_keys``, ``pc_testing_sign``).

Neither constant time nor random: never for a real key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pycore.base import ffi, parallel
from pycore.base.columns import Column, as_column
from pycore.base.registry import HASHES, SCHEMES
from pycore.errors import UnknownNameError
from pycore.signatures.batch import DEFAULT_USER_ID

_COST = parallel.Cost(item_ns=50_000, byte_ns=3)


def public_keys(scheme: str, secrets: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """uint8[n, 32] secrets -> uint8[n, 32] (Ed25519, BIP-340) or uint8[n, 65] (0x04 || x || y) public keys."""
    row = SCHEMES[scheme]
    column = Column(secrets)
    keys = np.empty((column.n, 32 if row.key_sizes == (32,) else 65), dtype=np.uint8)

    def work(start: int, stop: int) -> None:
        ffi.testing_public_keys(row.id, column.slice(start, stop), keys[start:stop])

    threads = parallel.get_threads()
    parallel.run_pieces(work, parallel.cut(column.n, threads, _COST), threads)
    return keys


def sign(
    scheme: str,
    secrets: npt.NDArray[np.uint8],
    messages: Sequence[bytes] | npt.NDArray[np.uint8],
    *,
    hash: str = "sha256",
    user_id: bytes | None = DEFAULT_USER_ID,
    rules: str | None = None,
    prehashed: bool = False,
) -> npt.NDArray[np.uint8]:
    """Compact signatures, uint8[n, 64]; item i is made with secret i. `hash` is ECDSA's, `user_id` SM2's; `rules`
    matter where they change what is signed: "fabric-x" for Ed25519; `prehashed`: the messages are digests already."""
    if hash not in HASHES or HASHES[hash].digest_size != 32:
        names = ", ".join(repr(name) for name, one in HASHES.items() if one.digest_size == 32)
        raise UnknownNameError("hash", repr(hash), f"a hash with 32-byte digests: {names}")
    row = SCHEMES[scheme]
    params = ffi.VerifyParams(
        scheme=row.id,
        rules=row.rule_flags(rules),
        hash_id=HASHES[hash].id,
        prehashed=prehashed,
        encoding=ffi.ENCODINGS["compact"],
        der_rules=ffi.DER_RULES["strict"],
        user_id=user_id if row.takes_user_id and not prehashed else None,
    )
    keys, texts = Column(secrets), as_column(messages, "messages")
    signatures = np.empty((keys.n, row.signature_size), dtype=np.uint8)

    def work(start: int, stop: int) -> None:
        ffi.testing_sign(params, keys.slice(start, stop), texts.slice(start, stop), signatures[start:stop])

    threads = parallel.get_threads()
    parallel.run_pieces(work, parallel.cut(keys.n, threads, _COST, texts), threads)
    return signatures


def der_signature(compact: bytes) -> bytes:
    """DER of SEQUENCE { r INTEGER, s INTEGER } from 64 bytes r || s."""
    body = b""
    for number in (compact[:32], compact[32:]):
        number = number.lstrip(b"\x00") or b"\x00"
        if number[0] & 0x80:
            number = b"\x00" + number
        body += bytes((2, len(number))) + number
    return bytes((0x30, len(body))) + body


def sign_recoverable(
    secrets: npt.NDArray[np.uint8], messages: Sequence[bytes] | npt.NDArray[np.uint8], *, hash: str | None = "keccak256"
) -> npt.NDArray[np.uint8]:
    """secp256k1 signatures with low s and the number that recovers the key: uint8[n, 65], r || s || v, v in 0..1.
    `hash` None: the messages are digests already."""
    from pycore.hashing.batch import hash_batch
    from pycore.signatures.batch import recover_batch

    keys = public_keys("ecdsa-secp256k1", secrets)[:, 1:]
    found = np.zeros((len(keys), 65), dtype=np.uint8)
    found[:, :64] = sign("ecdsa-secp256k1", secrets, messages, hash=hash or "sha256", prehashed=hash is None)
    digests = messages if hash is None else hash_batch(hash, messages)
    recovered, _ = recover_batch("ecdsa-secp256k1", found, digests)
    found[:, 64] = (recovered != keys).any(axis=1)
    return found
