"""Layouts, proof rows and hashing plans against plain Python, and plans carried out with a real hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.kernels import trees

SHAPES = {"rfc9162": True, "bitcoin": False, "chainmaker": False}  # name: whether an odd last node moves up as it is
SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 17, 31, 33, 100]


def _level_nodes(tree: pycore.MerkleTree) -> list[bytes]:
    """Every node of a tree, level after level, hashed here."""
    promotes = SHAPES[tree.tree]
    level = [hashlib.sha256(bytes([i & 255, i >> 8])).digest() for i in range(tree.leaf_count)]
    nodes = list(level)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = list(zip(level[::2], level[1::2], strict=False))
        level = [_node(a, b, promotes=promotes) for a, b in pairs]
        level += odd if promotes else [_node(a, a, promotes=promotes) for a in odd]
        nodes += level
    assert nodes[-1] == tree.root
    return nodes


def _node(a: bytes, b: bytes, *, promotes: bool) -> bytes:
    return hashlib.sha256((b"\x01" if promotes else b"") + a + b).digest()


def _tree(n: int, shape: str) -> pycore.MerkleTree:
    leaves = [hashlib.sha256(bytes([i & 255, i >> 8])).digest() for i in range(n)]
    return pycore.MerkleTree(leaves, tree=shape, hash="sha256", hashed=True)


def _run(plan: trees.Plan, slots: list[bytes], hash_pair: Callable[[bytes, bytes], bytes]) -> bytes:
    slots = list(slots)
    for start, stop in pairwise(plan.waves.tolist()):
        assert start < stop
        pairs = zip(plan.left[start:stop].tolist(), plan.right[start:stop].tolist(), strict=True)
        slots += [hash_pair(slots[a], slots[b]) for a, b in pairs]  # within a wave: only what was there before it
    assert plan.waves[-1] == len(plan.left) == len(plan.right)
    return slots[plan.root]


# ---- layout and single proofs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, *SIZES, 2**31 + 1, 2**62])
def test_level_starts(n: int) -> None:
    counts = [n] if n else []
    while counts and counts[-1] > 1:
        counts.append(-(-counts[-1] // 2))
    starts = trees.level_starts(n)
    assert starts.dtype == np.int64
    assert np.diff(starts).tolist() == counts
    assert starts[0] == 0


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("n", SIZES)
def test_proof_rows(n: int, shape: str) -> None:
    tree = _tree(n, shape)
    nodes = _level_nodes(tree)
    indices = [n - 1, *range(n), 0]
    rows, offsets = trees.proof_rows(indices, n, promotes=SHAPES[shape])
    found = [[nodes[row] for row in rows[a:b]] for a, b in pairwise(offsets)]
    assert found == [tree.proof(i) for i in indices]


def test_proof_rows_of_a_huge_tree() -> None:
    rows, offsets = trees.proof_rows([2**62 - 1], 2**62, promotes=True)
    starts = trees.level_starts(2**62)
    assert offsets.tolist() == [0, 62]
    assert rows.tolist() == [int(starts[k]) + 2 ** (62 - k) - 2 for k in range(62)]


@given(st.integers(0, 300), st.integers(0, 300))
def test_range_nodes(a: int, b: int) -> None:
    begin, end = min(a, b), max(a, b)
    nodes = trees.range_nodes(begin, end)
    covered = [leaf for level, index in nodes for leaf in range(index << level, (index + 1) << level)]
    assert covered == list(range(begin, end))
    # the fewest: no two neighbours are the two children of one node
    assert all(not (x[0] == y[0] and x[1] ^ 1 == y[1] and x[1] % 2 == 0) for x, y in pairwise(nodes))
    if not begin:
        assert [level for level, _ in nodes] == [k for k in range(20, -1, -1) if end >> k & 1]


# ---- multiproofs ----------------------------------------------------------------------------------------------------


def _naive_helpers(indices: set[int], n: int, *, promotes: bool) -> list[tuple[int, int]]:
    level, width, helpers = 0, n, []
    while width > 1:
        helpers += [(level, i ^ 1) for i in sorted(indices) if i ^ 1 < width and i ^ 1 not in indices]
        indices = {i >> 1 for i in indices}
        level, width = level + 1, -(-width // 2)
    return helpers


@given(st.data())
def test_multiproofs(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(sorted(SHAPES)))
    n = data.draw(st.integers(1, 70))
    indices = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n))
    tree = _tree(n, shape)
    nodes, starts, promotes = _level_nodes(tree), trees.level_starts(n), SHAPES[shape]
    plan = trees.multiproof_plan(indices, n, promotes=promotes)
    assert plan.known.tolist() == sorted(set(indices))
    wanted = _naive_helpers(set(indices), n, promotes=promotes)
    assert plan.helpers.tolist() == [int(starts[level]) + i for level, i in wanted]
    slots = [nodes[i] for i in plan.known] + [nodes[row] for row in plan.helpers]
    assert _run(plan, slots, lambda a, b: _node(a, b, promotes=promotes)) == tree.root
    for changed in range(len(slots)):  # every known node and every helper decides
        other = [*slots[:changed], bytes(32), *slots[changed + 1 :]]
        assert _run(plan, other, lambda a, b: _node(a, b, promotes=promotes)) != tree.root


@pytest.mark.parametrize("promotes", [True, False])
def test_multiproof_of_every_subset_of_small_trees(promotes: bool) -> None:
    for n in range(1, 10):
        starts = trees.level_starts(n)
        for chosen in range(1, 1 << n):
            indices = {i for i in range(n) if chosen >> i & 1}
            plan = trees.multiproof_plan(sorted(indices), n, promotes=promotes)
            wanted = _naive_helpers(indices, n, promotes=promotes)
            assert plan.helpers.tolist() == [int(starts[level]) + i for level, i in wanted]


# ---- generalized indices --------------------------------------------------------------------------------------------


def _spec_helpers(indices: list[int]) -> list[int]:
    """As the consensus specification writes it."""
    siblings: set[int] = set()
    paths: set[int] = set()
    for index in indices:
        while index > 1:
            siblings.add(index ^ 1)
            paths.add(index)
            index //= 2
    return sorted(siblings - paths, reverse=True)


def _spec_root(leaves: dict[int, bytes], helpers: dict[int, bytes]) -> bytes:
    objects = {**leaves, **helpers}
    keys = sorted(objects, reverse=True)
    position = 0
    while position < len(keys):
        k = keys[position]
        if k in objects and k ^ 1 in objects and k // 2 not in objects:
            objects[k // 2] = hashlib.sha256(objects[k & ~1] + objects[k | 1]).digest()
            keys.append(k // 2)
        position += 1
    return objects[1]


DEPTHS = st.integers(0, 63)


@st.composite
def _indices(draw: st.DrawFn) -> list[int]:
    """Generalized indices, at different depths, none below another."""
    chosen: list[int] = []
    for _ in range(draw(st.integers(1, 12))):
        depth = draw(st.one_of(st.integers(0, 5), DEPTHS))
        index = draw(st.integers(1 << depth, (2 << depth) - 1))
        if not any(_below(index, other) or _below(other, index) for other in chosen):
            chosen.append(index)
    return chosen


def _below(a: int, b: int) -> bool:
    return a.bit_length() >= b.bit_length() and a >> (a.bit_length() - b.bit_length()) == b


@given(_indices())
def test_ssz_plans(indices: list[int]) -> None:
    plan = trees.ssz_plan(indices)
    assert plan.helpers.dtype == np.uint64
    assert plan.helpers.tolist() == _spec_helpers(indices) == trees.ssz_helpers(indices).tolist()
    value = {i: hashlib.sha256(i.to_bytes(8, "little")).digest() for i in [*indices, *plan.helpers.tolist()]}
    slots = [value[i] for i in [*indices, *plan.helpers.tolist()]]
    root = _run(plan, slots, lambda a, b: hashlib.sha256(a + b).digest())
    assert root == _spec_root({i: value[i] for i in indices}, {i: value[i] for i in plan.helpers.tolist()})


@pytest.mark.parametrize(
    "indices", [[2, 2], [2, 4], [4, 2], [1, 1], [1, 3], [2, 3, 1], [9, 4, 8], [8, 9, 4], [12, 13, 6]]
)
def test_ssz_nested_or_repeated(indices: list[int]) -> None:
    with pytest.raises(pycore.InputError, match="none below another"):
        trees.ssz_plan(indices)


# ---- sparse trees ---------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(min_size=3, max_size=3), max_size=20), st.booleans())
def test_common_prefix_bits(keys: list[bytes], ordered: bool) -> None:
    keys = sorted(keys) if ordered else keys
    array = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 3)
    numbers = [int.from_bytes(key, "big") for key in keys]
    wanted = [-1] + [24 - (a ^ b).bit_length() for a, b in pairwise(numbers)]
    assert trees.common_prefix_bits(array).tolist() == wanted[: len(keys)]


# ---- malformed calls ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: trees.level_starts(-1), "leaf_count"),
        (lambda: trees.level_starts(2**62 + 1), "leaf_count"),
        (lambda: trees.level_starts(True), "leaf_count"),
        (lambda: trees.proof_rows([0], 0, promotes=True), "leaf_count"),
        (lambda: trees.proof_rows([5], 5, promotes=True), "indices[0]"),
        (lambda: trees.proof_rows([1, -1], 5, promotes=True), "indices[1]"),
        (lambda: trees.proof_rows([0.5], 5, promotes=True), "indices"),
        (lambda: trees.multiproof_plan([], 5, promotes=True), "indices"),
        (lambda: trees.multiproof_plan([7], 5, promotes=False), "indices[0]"),
        (lambda: trees.range_nodes(3, 2), "begin"),
        (lambda: trees.range_nodes(0, -1), "end"),
        (lambda: trees.ssz_plan([]), "indices"),
        (lambda: trees.ssz_plan([2, 0]), "indices[1]"),
        (lambda: trees.ssz_plan([2, -1]), "indices[1]"),
        (lambda: trees.ssz_plan([2, 2**64]), "indices"),
        (lambda: trees.ssz_plan(np.array([2, 0], np.uint64)), "indices[1]"),
        (lambda: trees.ssz_plan([[2]]), "indices"),
        (lambda: trees.common_prefix_bits(np.zeros((2, 2), np.int64)), "keys"),
        (lambda: trees.common_prefix_bits(np.zeros(2, np.uint8)), "keys"),
    ],
)
def test_malformed(call: Callable[[], object], field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert caught.value.field == field
