"""Merkle trees: RFC 9162 (section 2.1) word by word, and the duplicate-the-last shape of Bitcoin and ChainMaker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Hash = Callable[[bytes], bytes]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    return sha256(sha256(data))


def _split(n: int) -> int:
    """Largest power of two smaller than n."""
    return 1 << (n - 1).bit_length() - 1


def rfc9162_root(leaves: Sequence[bytes], h: Hash = sha256) -> bytes:
    if not leaves:
        return h(b"")
    if len(leaves) == 1:
        return h(b"\0" + leaves[0])
    k = _split(len(leaves))
    return h(b"\1" + rfc9162_root(leaves[:k], h) + rfc9162_root(leaves[k:], h))


def rfc9162_path(m: int, leaves: Sequence[bytes], h: Hash = sha256) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*rfc9162_path(m, leaves[:k], h), rfc9162_root(leaves[k:], h)]
    return [*rfc9162_path(m - k, leaves[k:], h), rfc9162_root(leaves[:k], h)]


def rfc9162_consistency(m: int, leaves: Sequence[bytes], h: Hash = sha256, complete: bool = True) -> list[bytes]:
    """Section 2.1.4.1, for 0 < m <= n."""
    n = len(leaves)
    if m == n:
        return [] if complete else [rfc9162_root(leaves, h)]
    k = _split(n)
    if m <= k:
        return [*rfc9162_consistency(m, leaves[:k], h, complete), rfc9162_root(leaves[k:], h)]
    return [*rfc9162_consistency(m - k, leaves[k:], h, False), rfc9162_root(leaves[:k], h)]


def rfc9162_includes(root: bytes, leaf_hash: bytes, proof: Sequence[bytes], index: int, count: int) -> bool:
    """Section 2.1.3.2."""
    if index >= count:
        return False
    fn, sn, r = index, count - 1, leaf_hash
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\1" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def rfc9162_consistent(root_m: bytes, root_n: bytes, proof: Sequence[bytes], m: int, n: int) -> bool:
    """Section 2.1.4.2; m = 0 proves nothing and is refused."""
    if not 0 < m <= n:
        return False
    if m == n:
        return not proof and root_m == root_n
    if not proof:
        return False
    path = [root_m, *proof] if m & (m - 1) == 0 else list(proof)
    fn, sn = m - 1, n - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\1" + c + fr), sha256(b"\1" + c + sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\1" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == root_m and sr == root_n


def duplicating_root(leaves: Sequence[bytes], h: Hash) -> bytes:
    """Bitcoin (h = SHA-256 twice) and ChainMaker (one hash): an odd last node is paired with itself."""
    level = list(leaves)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [h(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def ssz_root(chunks: Sequence[bytes], h: Hash = sha256, limit: int | None = None, size: int = 32) -> bytes:
    """``merkleize`` of the consensus specifications: zero chunks up to a power of two."""
    width = 1
    while width < max(len(chunks), 0 if limit is None else limit):
        width *= 2
    level = [*chunks] + [bytes(size)] * (width - len(chunks))
    while len(level) > 1:
        level = [h(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


RIGHT, LEFT, SELF = 0, 1, 2


def walk(index: int, leaf_count: int, tree: str, limit: int | None = None) -> list[int]:
    """The sides of the siblings from leaf `index` of `leaf_count` up.

    LEFT: the sibling is hashed before the node; RIGHT: after it; SELF: the node is the last of an odd level and is
    paired with itself, and the proof carries it all the same.
    """
    if tree == "ssz":
        depth = max((leaf_count if limit is None else limit) - 1, 0).bit_length()
        return [LEFT if index >> level & 1 else RIGHT for level in range(depth)]
    steps, last = [], leaf_count - 1
    while last > 0:
        if index & 1:
            steps.append(LEFT)
        elif index < last:
            steps.append(RIGHT)
        elif tree != "rfc9162":
            steps.append(SELF)
        index, last = index >> 1, last >> 1
    return steps


def inclusion(
    root: bytes, node: bytes, proof: bytes, steps: Sequence[int], h: Hash, prefix: bytes, equal_siblings: bool
) -> bool:
    """Whether joined siblings, one per step, lead from a node to the root."""
    size = len(node)
    for position, step in enumerate(steps):
        sibling = proof[position * size : (position + 1) * size]
        if (step == SELF) != (sibling == node) and (step == SELF or not equal_siblings):
            return False
        node = h(prefix + sibling + node) if step == LEFT else h(prefix + node + sibling)
    return node == root
