"""Senders of transactions whose secp256k1 signatures stand in RLP items: recovered, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pycore.hashing.batch import hash_batch
from pycore.ledgers.rlp_columns import to_rows
from pycore.signatures.batch import recover_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.ledgers.ffi_scan import Spans

    Rows = NDArray[np.uint8]


def recover(
    r: Spans, s: Spans, parity: NDArray[np.uint8], digests: Rows, *, low_s: bool, threads: int | None
) -> tuple[Rows, Rows]:
    """Verdict codes, uint8 (n,), and the last 20 bytes of the keys' Keccak-256, uint8 (n, 20), zeros where not valid.

    r, s       numbers of at most 32 bytes
    parity     uint8 (n,), 0 or 1
    digests    uint8 (n, 32), which are signed
    low_s      whether s must be at most half the group order (EIP-2)
    """
    n = len(parity)
    signatures = np.empty((n, 65), np.uint8)
    signatures[:, :32], signatures[:, 32:64], signatures[:, 64] = to_rows(r, 32), to_rows(s, 32), parity
    rules = "low-s" if low_s else "any-s"
    keys, verdicts = recover_batch("ecdsa-secp256k1", signatures, digests, rules=rules, threads=threads)
    senders, valid = np.zeros((n, 20), np.uint8), verdicts.valid
    if valid.any():
        senders[valid] = hash_batch("keccak256", np.ascontiguousarray(keys[valid]), threads=threads)[:, 12:]
    return np.array(verdicts.codes), senders
