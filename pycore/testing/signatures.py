"""Batches of keys, signatures and messages, made from a seed. Test data only: anybody can compute the private keys."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pycore.base.registry import SCHEMES
from pycore.errors import InputError, UnknownNameError
from pycore.signatures.batch import DEFAULT_USER_ID

from . import _deterministic
from ._sign import public_keys, sign

Bytes2D = npt.NDArray[np.uint8]


def generate_signatures(
    scheme: str,
    n: int,
    *,
    signers: int | None = None,
    message_size: int = 32,
    seed: int = 0,
    hash: str = "sha256",
    user_id: bytes | None = DEFAULT_USER_ID,
    compressed: bool = False,
    rules: str | None = None,
) -> tuple[Bytes2D, Bytes2D, Bytes2D]:
    """`n` valid signatures by `signers` distinct keys (default: `n`), item i by key ``i % signers``.

    Args:
        scheme: a scheme of ``pycore.verify_batch``.
        n: number of items, 0 or more.
        signers: number of distinct keys, 1 or more.
        message_size: bytes per message; the messages are pseudo-random.
        seed: any integer; the same arguments give the same bytes everywhere, on every backend.
        hash: ECDSA's message hash.
        user_id: SM2's signer identifier; ``None`` signs without Z_A.
        compressed: 33-byte SEC1 keys instead of 65-byte ones (ECDSA and SM2 only).
        rules: the rule set, where it changes what is signed: Ed25519's "fabric-x".

    Returns:
        ``(public_keys uint8[n, width], signatures uint8[n, 64], messages uint8[n, message_size])``, ready for
        ``pycore.verify_batch``. Keys are 32 bytes for Ed25519 and BIP-340, otherwise 65 (33).

    >>> import pycore
    >>> keys, signatures, messages = generate_signatures("ed25519", 3, seed=1)
    >>> pycore.verify_batch("ed25519", keys, signatures, messages).all_valid
    True
    """
    if scheme not in SCHEMES:
        raise UnknownNameError("scheme", f"{scheme!r}", f"one of {', '.join(SCHEMES)}")
    if n < 0:
        raise InputError("n", f"{n}", "0 or more")
    if message_size < 0:
        raise InputError("message_size", f"{message_size}", "0 or more bytes")
    if signers is not None and signers < 1:
        raise InputError("signers", f"{signers}", "1 or more")
    if compressed and SCHEMES[scheme].key_sizes == (32,):
        raise InputError("compressed", "True", f"False: {scheme} has one key format, of 32 bytes")
    distinct = min(n, signers) if signers is not None else n
    secrets = _deterministic.rows(seed, "signer", scheme, count=distinct, width=32)
    keys = public_keys(scheme, secrets)
    if compressed:
        keys = np.concatenate([2 + (keys[:, 64:] & 1), keys[:, 1:33]], axis=1)
    turn = np.arange(n) % max(distinct, 1)
    messages = _deterministic.rows(seed, "message", scheme, count=n, width=message_size)
    signatures = sign(scheme, secrets[turn], messages, hash=hash, user_id=user_id, rules=rules)
    return np.ascontiguousarray(keys[turn]), signatures, messages


# kind -> verdict under every rule set of the scheme
TAMPERINGS: dict[str, str] = {
    "signature-bit": "BAD_SIGNATURE",  # one bit in the middle of s
    "message-bit": "BAD_SIGNATURE",
    "wrong-key": "BAD_SIGNATURE",  # the key of the next item that has another one
    "s-out-of-range": "SCALAR_OUT_OF_RANGE",  # s = 2^256 - 1, above every group order (Ed25519: NON_CANONICAL)
}


def tamper(
    public_keys: Bytes2D,
    signatures: Bytes2D,
    messages: Bytes2D,
    items: int | Iterable[int],
    *,
    kind: str = "signature-bit",
) -> tuple[Bytes2D, Bytes2D, Bytes2D]:
    """Copies of the three arrays with `items` spoilt, so that exactly those are invalid.

    Args:
        public_keys, signatures, messages: as :func:`generate_signatures` gives them; left as they are.
        items: index or indices to spoil.
        kind: one of ``TAMPERINGS``. "message-bit" needs messages of at least one byte, "wrong-key" two distinct keys.
    """
    if kind not in TAMPERINGS:
        raise InputError("kind", f"{kind!r}", f"one of {', '.join(TAMPERINGS)}")
    keys, sigs, texts = public_keys.copy(), signatures.copy(), messages.copy()
    for item in [items] if isinstance(items, int) else items:
        if not 0 <= item < len(sigs):
            raise InputError("items", f"{item}", f"an index below {len(sigs)}")
        if kind == "signature-bit":
            sigs[item, 48] ^= 0x10
        elif kind == "message-bit":
            if texts.shape[1] == 0:
                raise InputError("messages", "0 bytes each", "1 or more to flip a bit in")
            texts[item, -1] ^= 1
        elif kind == "wrong-key":
            others = np.flatnonzero((public_keys != public_keys[item]).any(axis=1))
            if not len(others):
                raise InputError("public_keys", "one distinct key", "2 or more to exchange")
            keys[item] = public_keys[others[np.searchsorted(others, item) % len(others)]]
        else:
            sigs[item, 32:] = 0xFF
    return keys, sigs, texts
