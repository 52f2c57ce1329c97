"""A block's id and its tree (xupercore 56f3d1af20d7, bcs/ledger/xledger/ledger/ledger_hash.go).

The id is SHA256d of fields one after another, without lengths: numbers little endian, texts as they are. It covers
neither the height nor the tree's inner nodes; of failed transactions it covers the reasons, by the order of their ids,
not the ids. Published blocks confirm it, but for the part of `justify`, which was read only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch
from pycore.ledgers.scan import Spans

EMPTY = b""


def block_id(header: Any) -> bytes:
    """The id of a block, 32 bytes, recomputed from its header."""
    out = [_little(number, 4) for number in (header.version, header.nonce, header.tx_count)]
    out += [header.proposer, _little(header.timestamp, 8), header.pubkey, header.pre_hash, header.merkle_root]
    failed = header.failed_txs
    out += [failed[key].encode() for key in sorted(failed, key=str.encode)]
    out += [_little(header.cur_term, 8), _little(header.cur_block_num, 8)]
    if header.target_bits > 0:
        out.append(_little(header.target_bits, 4))
    if header.HasField("justify"):
        justify = header.justify
        out += [justify.proposal_id, justify.proposal_msg, _little(justify.type, 4), _little(justify.view_number, 8)]
        for sign in justify.sign_infos.qc_sign_infos:
            out += [sign.address.encode(), sign.public_key.encode(), sign.sign]
    return hash_one("sha256d", b"".join(out))


def _little(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little", signed=True)


def tree_levels(leaves: NDArray[np.uint8], threads: int | None = 1) -> list[NDArray[np.uint8]]:
    """The levels of the tree over uint8 (n, 32) leaves, n > 0, each uint8 (m, 32): the leaves first, the root last. An
    odd node is paired with itself, as in Bitcoin."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        level = levels[-1]
        if len(level) % 2:
            level = np.concatenate([level, level[-1:]])
        levels.append(hash_batch("sha256d", level.reshape(-1, 64), threads=threads))
    return levels


def is_tree(nodes: Spans, levels: list[NDArray[np.uint8]]) -> bool:
    """Whether these are the nodes of :func:`tree_array`."""
    width = 1 << (len(levels) - 1)
    if len(nodes) != 2 * width - 1:
        return False
    cells, at, row = np.zeros((len(nodes), 2), np.int64), 0, 0
    for level in levels:
        places = at + 32 * np.arange(len(level) + 1)
        cells[row : row + len(level), 0], cells[row : row + len(level), 1] = places[:-1], places[1:]
        at, row, width = int(places[-1]), row + width, width // 2
    return bool(nodes.equal(Spans(np.concatenate(levels).reshape(-1), cells)).all())


def tree_array(levels: list[NDArray[np.uint8]]) -> list[bytes]:
    """The tree as a block holds it: all levels one after another, each with b"" up to the width of a full tree."""
    width = 1 << (len(levels) - 1)
    found: list[bytes] = []
    for level in levels:
        found += [row.tobytes() for row in level]
        found += [EMPTY] * (width - len(level))
        width //= 2
    return found


def is_hash(data: bytes) -> bool:
    """Whether it has the size of one."""
    return len(data) == 32
