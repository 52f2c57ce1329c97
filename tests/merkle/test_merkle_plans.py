"""Proofs out of a tree's nodes and hashing plans against plain Python, and plans carried out with a real hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import pycore
from pycore import HASHES, TREES
from pycore.merkle import plans
from pycore.merkle.levels import depth_of, zero_nodes

SHAPES = sorted(TREES)
ZERO = [row.tobytes() for row in zero_nodes("sha256")]


SHA256 = HASHES["sha256"]


def _leaves(n: int) -> list[bytes]:
    return [hashlib.sha256(bytes([i & 255, i >> 8])).digest() for i in range(n)]


def _levels(n: int, shape: str, depth: int) -> list[list[bytes]]:
    """Every level of a tree, hashed here; a padded one without its empty subtrees."""
    levels = [_leaves(n)]
    for height in range(depth):
        level = levels[-1]
        pairs = [(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        above = [_node(shape, a, b) for a, b in pairs]
        if len(level) % 2:
            last = level[-1]
            above.append(last if shape == "rfc9162" else _node(shape, last, ZERO[height] if shape == "ssz" else last))
        levels.append(above)
    return levels


def _node(shape: str, a: bytes, b: bytes) -> bytes:
    return hashlib.sha256((b"\x01" if shape == "rfc9162" else b"") + a + b).digest()


def _limit(shape: str, n: int, data: st.DataObject) -> int | None:
    return data.draw(st.sampled_from([None, n, n + 1, 100, 2**40, 2**64 - 1])) if shape == "ssz" else None


def _run(plan: plans.Plan, slots: list[bytes], hash_pair: Callable[[bytes, bytes], bytes]) -> bytes:
    slots = list(slots)
    for start, stop in pairwise(plan.waves.tolist()):
        assert start < stop
        pairs = zip(plan.left[start:stop].tolist(), plan.right[start:stop].tolist(), strict=True)
        slots += [hash_pair(slots[a], slots[b]) for a, b in pairs]  # within a wave: only what was there before it
    assert plan.waves[-1] == len(plan.left) == len(plan.right)
    return slots[plan.root]


# ---- single proofs --------------------------------------------------------------------------------------------------


@given(st.data())
def test_proofs(data: st.DataObject) -> None:
    shape, n = data.draw(st.sampled_from(SHAPES)), data.draw(st.integers(1, 40))
    limit = _limit(shape, n, data)
    depth = depth_of(TREES[shape], n, limit)
    indices = data.draw(st.lists(st.integers(0, n - 1), max_size=9))
    levels = _levels(n, shape, (n - 1).bit_length())
    nodes = np.frombuffer(b"".join(row for level in levels for row in level), np.uint8).reshape(-1, 32).copy()
    joined, offsets = plans.proofs(SHA256, TREES[shape], nodes, n, np.array(indices, np.int64), limit)
    wanted = []
    for index in indices:
        proof = b""
        for height in range(depth):
            level = levels[height] if height < len(levels) else [b"?"]
            at = index >> height
            if at ^ 1 < len(level):
                proof += level[at ^ 1]
            elif shape == "ssz":
                proof += ZERO[height]
            elif shape != "rfc9162":
                proof += level[at]
        wanted.append(proof)
    assert [joined[a:b].tobytes() for a, b in pairwise(offsets)] == wanted


@pytest.mark.parametrize("shape", SHAPES)
def test_proofs_of_trees(shape: str) -> None:
    tree = pycore.MerkleTree(_leaves(21), tree=shape, hash="sha256", limit=40 if shape == "ssz" else None)
    indices = [20, 0, 7, 7, 20]
    found = tree.proofs(indices)
    assert list(found) == [b"".join(tree.proof(i)) for i in indices]
    assert found.width is None
    assert tree.proofs([]).n == 0
    assert pycore.MerkleTree([], tree=shape, hash="sha256").proofs([]).n == 0


# ---- multiproofs ----------------------------------------------------------------------------------------------------


def _naive_helpers(indices: set[int], n: int, depth: int) -> list[list[int]]:
    width, helpers = n, []
    for height in range(depth):
        helpers += [[height, i ^ 1] for i in sorted(indices) if i ^ 1 < width and i ^ 1 not in indices]
        indices = {i >> 1 for i in indices}
        width = -(-width // 2)
    return helpers


def _array(indices: set[int]) -> NDArray[np.int64]:
    return np.array(sorted(indices), dtype=np.int64)


@given(st.data())
def test_multiproofs(data: st.DataObject) -> None:
    shape, n = data.draw(st.sampled_from(SHAPES)), data.draw(st.integers(1, 70))
    limit = _limit(shape, n, data)
    depth = depth_of(TREES[shape], n, limit)
    indices = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=n))
    levels = _levels(n, shape, (n - 1).bit_length())
    root = pycore.merkle_root(_leaves(n), tree=shape, hash="sha256", hashed=True, limit=limit)
    plan = plans.multiproof_plan(SHA256, TREES[shape], _array(indices), n, limit)
    assert plan.helpers.tolist() == _naive_helpers(indices, n, depth)
    slots = [levels[0][i] for i in sorted(indices)] + [levels[h][i] for h, i in plan.helpers.tolist()]
    tail = ZERO if shape == "ssz" else []
    assert _run(plan, slots + tail, lambda a, b: _node(shape, a, b)) == root
    for changed in range(len(slots)):  # every known node and every helper decides
        other = [*slots[:changed], bytes(32), *slots[changed + 1 :], *tail]
        assert _run(plan, other, lambda a, b: _node(shape, a, b)) != root


@pytest.mark.parametrize("shape", SHAPES)
def test_multiproof_of_every_subset_of_small_trees(shape: str) -> None:
    for n in range(1, 9):
        for chosen in range(1, 1 << n):
            indices = {i for i in range(n) if chosen >> i & 1}
            depth = (n - 1).bit_length()
            plan = plans.multiproof_plan(SHA256, TREES[shape], _array(indices), n, None)
            assert plan.helpers.tolist() == _naive_helpers(indices, n, depth)


def test_multiproof_of_a_huge_tree() -> None:
    n = 2**63 - 1
    for shape in SHAPES:
        plan = plans.multiproof_plan(SHA256, TREES[shape], np.array([0, n - 1]), n, None)
        assert plan.helpers.tolist() == _naive_helpers({0, n - 1}, n, 63)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_multiproofs_of_trees(shape: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs made and checked, whole, broken, too short and too long; small pieces, so that threads have some."""
    monkeypatch.setattr("pycore.base.parallel._PIECE_NS", 1)
    leaves, n = _leaves(77), 77
    limit = 200 if shape == "ssz" else None
    options = {"tree": shape, "hash": "sha256", "limit": limit, "hashed": True}
    tree = pycore.MerkleTree(leaves, **options)
    for indices in ([76], [0, 1, 2, 76], list(range(77)), list(range(3, 70, 5))):
        proof = tree.multiproof(indices)
        wanted = _naive_helpers(set(indices), n, depth_of(TREES[shape], n, limit))
        levels = _levels(n, shape, 7)
        assert proof == [levels[h][i] for h, i in wanted]

        def verdict(leaves: list[bytes], proof: list[bytes], indices: list[int] = indices) -> str:
            try:
                pycore.verify_multiproof(
                    tree.root, leaves, proof, indices=indices, leaf_count=n, threads=threads, **options
                )
            except pycore.ProofError as error:
                return error.verdict.name
            return "VALID"

        mine = [leaves[i] for i in indices]
        assert verdict(mine, proof) == "VALID"
        assert verdict([bytes(32), *mine[1:]], proof) == "BAD_PROOF"
        assert verdict(mine, [*proof, bytes(32)]) == "MALFORMED_PROOF"
        if proof:
            assert verdict(mine, proof[:-1]) == "MALFORMED_PROOF"
            assert verdict(mine, [*proof[:-1], bytes(32)]) == "BAD_PROOF"


def test_equal_neighbours() -> None:
    """Bitcoin refuses a pair of equal nodes (CVE-2012-2459) unless one is the other's twin; ChainMaker has them."""
    a, b, c = _leaves(3)
    for shape, name in (("bitcoin", "BAD_PROOF"), ("chainmaker", "VALID")):
        tree = pycore.MerkleTree([a, b, c, c], tree=shape, hash="sha256")
        options = {"leaf_count": 4, "tree": shape, "hash": "sha256"}
        refused = pytest.raises(pycore.ProofError, match=name) if name != "VALID" else nullcontext()
        with refused:
            pycore.verify_multiproof(tree.root, [a, c, c], tree.multiproof([0, 2, 3]), indices=[0, 2, 3], **options)
        odd = pycore.MerkleTree([a, b, c], tree=shape, hash="sha256")
        proof = odd.multiproof([0, 2])
        pycore.verify_multiproof(odd.root, [a, c], proof, indices=[0, 2], leaf_count=3, tree=shape, hash="sha256")


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
    plan = plans.ssz_plan(np.array(indices, np.uint64))
    assert plan is not None
    assert plan.helpers.dtype == np.uint64
    assert plan.helpers.tolist() == _spec_helpers(indices)
    value = {i: hashlib.sha256(i.to_bytes(8, "little")).digest() for i in [*indices, *plan.helpers.tolist()]}
    slots = [value[i] for i in [*indices, *plan.helpers.tolist()]]
    root = _run(plan, slots, lambda a, b: hashlib.sha256(a + b).digest())
    assert root == _spec_root({i: value[i] for i in indices}, {i: value[i] for i in plan.helpers.tolist()})


NESTED = [[2, 2], [2, 4], [4, 2], [1, 1], [1, 3], [2, 3, 1], [9, 4, 8], [8, 9, 4], [12, 13, 6]]


@pytest.mark.parametrize("indices", NESTED)
def test_ssz_nested_or_repeated(indices: list[int]) -> None:
    assert plans.ssz_plan(np.array(indices, np.uint64)) is None


@given(_indices())
def test_ssz_branches(indices: list[int]) -> None:
    """What `pycore.ssz` makes of it."""
    helpers = _spec_helpers(indices)
    value = {i: hashlib.sha256(i.to_bytes(8, "little")).digest() for i in [*indices, *helpers]}
    root = _spec_root({i: value[i] for i in indices}, {i: value[i] for i in helpers})
    leaves, proof = [value[i] for i in indices], [value[i] for i in helpers]
    assert pycore.ssz.helper_indices(indices) == helpers
    pycore.ssz.verify_branches(root, leaves, proof, indices=indices)
    for other in ([bytes(32), *leaves[1:]], [*leaves[:-1], bytes(32)]):
        with pytest.raises(pycore.ProofError, match="BAD_PROOF"):
            pycore.ssz.verify_branches(root, other, proof, indices=indices)
    with pytest.raises(pycore.ProofError, match="MALFORMED_PROOF"):
        pycore.ssz.verify_branches(root, leaves, [*proof, bytes(32)], indices=indices)


@pytest.mark.parametrize("indices", NESTED)
def test_ssz_branches_refuse_nested_indices(indices: list[int]) -> None:
    with pytest.raises(pycore.InputError, match=r"above|twice"):
        pycore.ssz.verify_branches(bytes(32), [bytes(32)] * len(indices), [], indices=indices)
