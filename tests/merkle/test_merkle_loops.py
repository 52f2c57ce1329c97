"""The loops of hashes in C (csrc/trees) by the calls that Python has for them, against the recursive definitions."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import merkle as oracle

import pycore
from pycore import HASHES, TREES
from pycore.base import ffi
from pycore.merkle import ffi_trees
from pycore.merkle.ffi_trees import Frontier
from pycore.merkle.levels import tree_params

SHAPES = sorted(TREES)
NOTHING = np.empty(0, dtype=np.uint64)
MOST = 2**63 - 1


def _leaves(n: int, name: str, seed: int = 7) -> NDArray[np.uint8]:
    return np.random.default_rng(seed + n).integers(0, 256, (n, HASHES[name].digest_size), dtype=np.uint8)


def _root(nodes: list[bytes], shape: str, name: str, limit: int | None = None) -> bytes:
    """The root over nodes of leaves, by definition; the hash is pycore's own, held against others elsewhere."""

    def h(data: bytes) -> bytes:
        return pycore.hash(name, data)

    if shape == "ssz":
        return oracle.ssz_root(nodes, h, limit, HASHES[name].digest_size)
    if shape != "rfc9162":
        return oracle.duplicating_root(nodes, h)
    if len(nodes) == 1:
        return nodes[0]
    k = oracle._split(len(nodes))
    return h(b"\1" + _root(nodes[:k], shape, name) + _root(nodes[k:], shape, name))


def _frontier(shape: str, name: str, *, raw: bool = False, limit: int | None = None) -> Frontier:
    row = HASHES[name]
    return Frontier(tree_params(TREES[shape], row, limit), row.digest_size, raw=raw)


def _whole(nodes: list[bytes], height: int, position: int, shape: str, name: str) -> bytes:
    """A complete subtree's root."""
    return _root(nodes[position << height : (position + 1) << height], shape, name)


# ---- growing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(HASHES))
@pytest.mark.parametrize("shape", SHAPES)
def test_every_size(shape: str, name: str) -> None:
    """0 to 70 leaves, one by one and all at once: the root, and the edge up to it."""
    leaves = _leaves(70, name)
    nodes = [leaf.tobytes() for leaf in leaves]
    grown = _frontier(shape, name)
    assert grown.root() is None
    for n in range(1, 71):
        assert grown.append_leaf(nodes[n - 1])
        at_once = _frontier(shape, name)
        assert at_once.append(leaves[:n], 0, NOTHING) == []
        wanted = _root(nodes[:n], shape, name)
        assert grown.root() == at_once.root() == wanted
        assert grown.leaf_count == at_once.leaf_count == n
        positions, edge = grown.edge()
        assert (positions, edge) == at_once.edge()
        assert (positions[-1], edge[-1]) == (0, wanted)
        assert len(positions) == len(edge) == (n - 1).bit_length() + 1
        for level, (position, node) in enumerate(zip(positions, edge, strict=True)):
            last = (n - 1) >> level
            if position == -1:
                assert (last + 1) << level == n
                assert last & 1
                continue
            assert position == last
            below = nodes[last << level : n]
            padded = _root(below, shape, name, 1 << level if shape == "ssz" else None)
            if shape in ("rfc9162", "ssz"):
                assert node == padded


@pytest.mark.parametrize("name", ["sha256", "sha256d", "sha512", "sm3", "blake3"])
def test_raw_leaves_get_hashed(name: str) -> None:
    """Of every width, one by one and together, as H(0x00 || leaf)."""
    for width in (0, 1, 32, 55, 64, 200):
        leaves = np.random.default_rng(width).integers(0, 256, (300, width), dtype=np.uint8)
        nodes = [pycore.hash(name, b"\0" + leaf.tobytes()) for leaf in leaves]
        together, grown = _frontier("rfc9162", name, raw=True), _frontier("rfc9162", name, raw=True)
        together.append(leaves, None, NOTHING)
        for leaf in leaves:
            assert grown.append_leaf(leaf.tobytes())
        assert together.root() == grown.root() == _root(nodes, "rfc9162", name)


@given(st.data())
def test_growing(data: st.DataObject) -> None:
    """Roots after every step, the complete subtrees, and the nodes that watched leaves need: those and no others."""
    shape = data.draw(st.sampled_from(SHAPES))
    name = data.draw(st.sampled_from(["sha256", "sha256d", "sha512", "sm3"]))
    parts = data.draw(st.lists(st.one_of(st.integers(0, 40), st.integers(250, 520)), min_size=1, max_size=6))
    total = sum(parts)
    leaves = _leaves(total, name)
    nodes = [leaf.tobytes() for leaf in leaves]
    wanted = sorted(data.draw(st.sets(st.one_of(st.integers(0, 900), st.integers(2**62, 2**64 - 1)), max_size=4)))
    frontier, count, kept = _frontier(shape, name), 0, dict[tuple[int, int], bytes]()
    for part in parts:
        for height, position, node in frontier.append(
            leaves[count : count + part], 0, np.array(wanted, dtype=np.uint64)
        ):
            assert (height, position) not in kept
            kept[height, position] = node
        count += part
        assert frontier.leaf_count == count
        assert frontier.root() == (_root(nodes[:count], shape, name) if count else None)
    for level in range(count.bit_length()):
        if count >> level & 1:
            assert frontier.peak(level) == _whole(nodes, level, (count >> level) - 1, shape, name)
    for (height, position), node in kept.items():
        assert node == _whole(nodes, height, position, shape, name)
    asked = {
        (height, leaf >> height ^ side)
        for leaf in wanted
        for height in range(12)
        for side in (0, 1)
        if ((leaf >> height ^ side) + 1) << height <= count
    }
    assert set(kept) == asked


@pytest.mark.parametrize("shape", SHAPES)
def test_growing_by_subtrees(shape: str) -> None:
    """Roots of 8 leaves at a time, after 24 leaves one by one."""
    leaves = _leaves(24 + 8 * 700, "sha256")
    nodes = [leaf.tobytes() for leaf in leaves]
    frontier = _frontier(shape, "sha256")
    for node in nodes[:24]:
        assert frontier.append_leaf(node)
    roots = b"".join(_root(nodes[at : at + 8], shape, "sha256") for at in range(24, len(nodes), 8))
    frontier.append(np.frombuffer(roots, np.uint8).reshape(-1, 32), 3, NOTHING)
    assert frontier.leaf_count == len(nodes)
    assert frontier.root() == _root(nodes, shape, "sha256")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_trees(shape: str) -> None:
    """2^63 - 1 leaves and no more; a root of so many ends."""
    frontier = _frontier(shape, "sha256")
    frontier.leaf_count = MOST - 1
    assert frontier.append_leaf(bytes(32))
    assert frontier.leaf_count == MOST
    root = frontier.root()
    assert not frontier.append_leaf(bytes(32))
    with pytest.raises(pycore.PycoreError, match="PC_ERR_ARGUMENT"):
        frontier.append(np.zeros((1, 32), np.uint8), 0, NOTHING)
    assert (frontier.leaf_count, frontier.root()) == (MOST, root)
    assert len(frontier.edge()[0]) == 64


@pytest.mark.parametrize("limit", [5, 64, 2**40, 2**64 - 1])
def test_limits(limit: int) -> None:
    leaves = _leaves(5, "sha256")
    frontier = _frontier("ssz", "sha256", limit=limit)
    frontier.append(leaves, 0, NOTHING)
    assert frontier.root() == pycore.merkle_root(leaves, tree="ssz", limit=limit)
    assert len(frontier.edge()[0]) == (limit - 1).bit_length() + 1
    assert frontier.append_leaf(bytes(32)) is (limit > 5)


def test_refused_appends_change_nothing() -> None:
    frontier = _frontier("bitcoin", "sha256")
    frontier.append(_leaves(5, "sha256"), 0, NOTHING)
    before = frontier.root()
    assert not frontier.append_leaf(bytes(31))
    for rows, level in ((np.zeros((2, 31), np.uint8), 0), (np.zeros((2, 32), np.uint8), 1)):  # width; 5 is odd
        with pytest.raises(pycore.PycoreError, match="PC_ERR_ARGUMENT"):
            frontier.append(rows, level, NOTHING)
    with pytest.raises(pycore.PycoreError, match="PC_ERR_ARGUMENT"):
        frontier.append(np.zeros((2, 32), np.uint8), 63, NOTHING)
    assert (frontier.leaf_count, frontier.root()) == (5, before)


# ---- whole frontiers ------------------------------------------------------------------------------------------------


def _listed(rows: NDArray[np.uint8]) -> Any:
    return [row.tobytes() for row in rows]


def _cut_from_wider(rows: NDArray[np.uint8]) -> Any:
    return np.concatenate((rows, rows), axis=1)[:, :32]


def _column(rows: NDArray[np.uint8]) -> Any:
    return pycore.batch(rows)


@pytest.mark.parametrize("form", [np.asarray, _listed, _cut_from_wider, _column])
@pytest.mark.parametrize("shape", SHAPES)
def test_frontiers(shape: str, form: Callable[[NDArray[np.uint8]], Any]) -> None:
    """Every form of leaves and every size of a step, watched and not, against the tree built at once."""
    options: dict[str, Any] = {"tree": shape, "limit": 2**50 if shape == "ssz" else None}
    leaves = _leaves(1000, "sha256")
    log, plain, at = pycore.MerkleFrontier(watch=[0, 70, 149, 2**63], **options), pycore.MerkleFrontier(**options), 0
    sizes = []
    for part in (1, 1, 1, 5, 64, 0, 50, 28, 600):
        log.append(form(leaves[at : at + part]))
        plain.append(form(leaves[at : at + part]))
        at += part
        tree = pycore.MerkleTree(leaves[:at], **options)
        assert log.root == plain.root == tree.root
        assert pycore.MerkleFrontier.from_bytes(log.to_bytes()).root == tree.root
        if shape == "rfc9162":
            sizes.append(log.checkpoint())
    assert [log.proof(i) for i in (0, 70, 149)] == [tree.proof(i) for i in (0, 70, 149)]
    for size in sizes:
        assert log.consistency_proof(size) == tree.consistency_proof(size)


def test_copies_go_on_by_themselves() -> None:
    log = pycore.MerkleFrontier(watch=[1])
    log.append([b"a", b"b", b"c"])
    copies = [copy.copy(log), copy.deepcopy(log), pickle.loads(pickle.dumps(log))]
    root = log.root
    log.append([b"d"])
    for one in copies:
        assert (one.root, one.leaf_count) == (root, 3)
        one.append([b"d"])
        assert (one.root, one.proof(1)) == (log.root, log.proof(1))


# ---- plans ----------------------------------------------------------------------------------------------------------


def test_plans_that_point_outside_are_refused() -> None:
    params, slots = tree_params(TREES["rfc9162"], HASHES["sha256"]), np.zeros((4, 32), np.uint8)
    good = np.array([0, 2]), np.array([1, 1]), np.array([0, 1, 2])
    assert ffi_trees.multiproof(params, slots, *good) is False
    for which, at, value in ((0, 0, -1), (0, 0, 2), (1, 1, 3), (1, 1, 2**62), (2, 0, -1), (2, 2, 3), (2, 1, 3)):
        bad = [array.copy() for array in good]
        bad[which][at] = value
        with pytest.raises(pycore.PycoreError, match="PC_ERR_ARGUMENT"):
            ffi_trees.multiproof(params, slots, bad[0], bad[1], bad[2])


def test_a_forced_backend_is_the_one(backend: str) -> None:
    """Every loop runs on the backend that the context asks for, or says that it cannot."""
    leaves = _leaves(40, "sha256")
    log = pycore.MerkleFrontier()
    log.append(leaves)
    assert log.root == pycore.merkle_root(leaves)
    rows = [position for position, row in enumerate(ffi.backend_rows()) if not row.usable]
    token = ffi.backend_variable().set(rows[0]) if rows else None
    if token is not None:
        try:
            for call in (lambda: log.append([b"x"]), lambda: log.root, lambda: log.append(leaves)):
                with pytest.raises(pycore.BackendUnavailable):
                    call()
        finally:
            ffi.backend_variable().reset(token)
    assert log.leaf_count == 40
