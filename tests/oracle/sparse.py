"""The sparse Merkle tree of ``pycore.merkle.sparse``, by its formulas alone: recursion over a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Hash = Callable[[bytes], bytes]


def bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> 7 - (depth & 7) & 1


def root(items: Mapping[bytes, bytes], h: Hash, size: int = 32, depth: int = 0) -> bytes:
    if not items:
        return bytes(size)
    if len(items) == 1:
        ((key, value),) = items.items()
        return h(b"\0" + key + h(value))
    halves: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
    for key, value in items.items():
        halves[bit(key, depth)][key] = value
    return h(b"\1" + root(halves[0], h, size, depth + 1) + root(halves[1], h, size, depth + 1))


def proof(items: Mapping[bytes, bytes], key: bytes, h: Hash, size: int = 32) -> bytes:
    """As the module's docstring lays it out."""
    siblings: list[bytes] = []
    here = dict(items)
    depth = 0
    while len(here) > 1:
        side = bit(key, depth)
        siblings.append(root({k: v for k, v in here.items() if bit(k, depth) != side}, h, size, depth + 1))
        here = {k: v for k, v in here.items() if bit(k, depth) == side}
        depth += 1
    siblings.reverse()
    bitmap = bytearray((depth + 7) // 8)
    for i, sibling in enumerate(siblings):
        if any(sibling):
            bitmap[i >> 3] |= 1 << (i & 7)
    other = b""
    kind = 0
    if here:
        ((found, value),) = here.items()
        kind = 1 if found == key else 2
        other = b"" if kind == 1 else found + h(value)
    return bytes([kind]) + depth.to_bytes(2, "little") + bitmap + other + b"".join(s for s in siblings if any(s))
