"""The chain's signatures: DER, over a digest of 32 bytes that is not hashed again.

On P-256 ECDSA without a rule for s; on SM2's curve the digest is e itself, without Z and without SM3 (xuperchain/crypto
ea9045636ba9, gm/sign: read only).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import Column, trusted_column
from pycore.base.verdicts import Verdict
from pycore.ledgers.scan import Spans
from pycore.ledgers.xuper.keys import SCHEMES, Keys, read_keys
from pycore.signatures.batch import verify_batch

_FEW = 8
_VALID = int(Verdict.VALID)
_UNKNOWN_SIGNER = int(Verdict.UNKNOWN_SIGNER)


def verify_rows(
    keys: Keys, which: NDArray[np.intp], signatures: Column, digests: NDArray[np.uint8],
    *, strict: bool, threads: int | None,
) -> NDArray[np.uint8]:  # fmt: skip
    """uint8 (n,): the verdict of signature i by key which[i] over digests[i], uint8 (n, 32)."""
    codes = keys.codes[which]
    kinds = keys.kinds[which]
    rules = "strict" if strict else "go"
    messages: Any
    for kind, scheme in SCHEMES.items():
        rows = np.flatnonzero((kinds == kind) & (codes == _VALID))
        if len(rows) == len(which):
            chosen, messages = signatures, digests
        elif len(rows):
            chosen, messages = signatures.take(rows), digests[rows]
        else:
            continue
        points: Any = trusted_column(keys.points[which[rows]], None)
        given: Any = chosen
        if len(rows) <= _FEW:  # which are verified as they are
            points, given, messages = list(points), list(chosen), [row.tobytes() for row in messages]
        codes[rows] = verify_batch(scheme, points, given, messages, prehashed=True, encoding="der", der_rules=rules,
                                   threads=threads).codes  # fmt: skip
    return codes


class Claims:
    """A few signatures that are verified together: of blocks and of votes."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._items: list[tuple[bytes, str, bytes, bytes]] = []

    def add(self, key: bytes, address: str, signature: bytes, digest: bytes) -> int:
        """Collects a signature over 32 bytes, by a key that must be the address's; its place in the result."""
        self._items.append((key, address, signature, digest))
        return len(self._items) - 1

    def run(self, threads: int | None) -> tuple[list[Verdict], Keys]:
        """The verdict of each, UNKNOWN_SIGNER where the key is another's, and the keys."""
        texts: Sequence[bytes] = [item[0] for item in self._items]
        keys = read_keys(Spans.joined(texts), strict=self._strict)
        if not texts:
            return [], keys
        signatures = Column(*_joined([item[2] for item in self._items]))
        digests = np.frombuffer(b"".join(item[3] for item in self._items), np.uint8).reshape(-1, 32)
        codes = verify_rows(keys, np.arange(len(texts)), signatures, digests, strict=self._strict, threads=threads)
        for i, item in enumerate(self._items):
            if keys.codes[i] == _VALID and keys.address(i) != item[1]:
                codes[i] = _UNKNOWN_SIGNER
        return [Verdict(int(code)) for code in codes], keys


def _joined(items: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    offsets = np.zeros(len(items) + 1, np.int64)
    np.cumsum([len(item) for item in items], out=offsets[1:])
    return np.frombuffer(b"".join(items), np.uint8), offsets
