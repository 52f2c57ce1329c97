"""Ethereum's light-client branches (SSZ proofs by generalized index), and SSZ roots by the specification."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from oracle import merkle as oracle
from readers import light_client

import pycore
from pycore.merkle import ssz

Require = Callable[[str], Path]
Count = Callable[..., None]


@pytest.mark.vectors
@pytest.mark.parametrize("source", ["ethereum/lightclient_minimal_deneb", "ethereum/lightclient_minimal_electra"])
def test_light_client_branches(source: str, backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Committee, finality and execution branches hold at their index, and with no bit changed."""
    rows = light_client.branches(require_vectors(source))
    assert len(rows) > 40
    for row in rows:
        ssz.verify_branch(row.root, row.leaf, row.branch, index=row.index)
        depth = row.index.bit_length() - 1
        pycore.verify_inclusion(
            row.root, row.leaf, row.branch, index=row.index - (1 << depth), leaf_count=1 << depth, tree="ssz"
        )
        ssz.verify_branches(row.root, [row.leaf], row.branch, indices=[row.index])
        if row.branch[0] != row.leaf:  # where both are equal the neighbour's index holds as well
            with pytest.raises(pycore.ProofError):
                ssz.verify_branch(row.root, row.leaf, row.branch, index=row.index ^ 1)
        changed = [row.branch[0][:-1] + bytes([row.branch[0][-1] ^ 1]), *row.branch[1:]]
        with pytest.raises(pycore.ProofError):
            ssz.verify_branch(row.root, row.leaf, changed, index=row.index)
        with pytest.raises(pycore.ProofError) as caught:
            ssz.verify_branch(row.root, row.leaf, row.branch, index=row.index * 2)
        assert caught.value.verdict is pycore.Verdict.MALFORMED_PROOF
    count_cases(source, len(rows), ways=3)


def test_lists_and_limits(rng: random.Random) -> None:
    for n in range(12):
        chunks = [rng.randbytes(32) for _ in range(n)]
        for limit in [None, *range(max(n, 1), 20), 2**30]:
            if limit is None or limit < 64:
                wanted = oracle.ssz_root(chunks, limit=limit)
            else:  # no room for 2^30 chunks: the part that is there, and empty halves next to it
                wanted, half = oracle.ssz_root(chunks, limit=16), oracle.ssz_root([], limit=16)
                for _ in range(26):
                    wanted, half = oracle.sha256(wanted + half), oracle.sha256(half + half)
            assert ssz.merkleize(chunks, limit=limit) == wanted
            tree = pycore.MerkleTree(chunks, tree="ssz", limit=limit)
            frontier = pycore.merkle_stream([chunks], tree="ssz", limit=limit, indices=range(n))
            assert tree.root == frontier.root == wanted
            for i in range(n):
                proof = tree.proof(i)
                assert frontier.proof(i) == proof
                pycore.verify_inclusion(wanted, chunks[i], proof, index=i, leaf_count=n, tree="ssz", limit=limit)
                if limit is not None:
                    place = ssz.generalized_index(i, depth=(limit - 1).bit_length())
                    ssz.verify_branch(wanted, chunks[i], proof, index=place)
            batch = pycore.verify_inclusion_batch(
                wanted, chunks, tree.proofs(range(n)), index=range(n), leaf_count=n, tree="ssz", limit=limit
            )
            assert batch.all_valid
            if n > 1:
                chosen = rng.sample(range(n), rng.randrange(1, n))
                pycore.verify_multiproof(
                    wanted, [chunks[i] for i in chosen], tree.multiproof(chosen), indices=chosen, leaf_count=n,
                    tree="ssz", limit=limit,
                )  # fmt: skip


def test_leaf_count_above_the_limit() -> None:
    leaf = bytes(32)
    with pytest.raises(pycore.ProofError) as caught:
        pycore.verify_inclusion(leaf, leaf, [], index=0, leaf_count=2, tree="ssz", limit=1)
    assert caught.value.verdict is pycore.Verdict.MALFORMED_PROOF
    found = pycore.verify_inclusion_batch(leaf, [leaf], [b""], index=[0], leaf_count=2, tree="ssz", limit=1)
    assert list(found) == [pycore.Verdict.MALFORMED_PROOF]


def test_mixing_in() -> None:
    """By hand: uint64 list [1, 2, 3] with room for 8, and a union's second arm."""
    values = b"".join(i.to_bytes(8, "little") for i in (1, 2, 3))
    chunk = values.ljust(32, b"\0")
    inner = oracle.sha256(chunk + bytes(32))
    wanted = oracle.sha256(inner + (3).to_bytes(32, "little"))
    assert ssz.list_root(ssz.pack(values), length=3, limit=2) == wanted
    assert ssz.mix_in_length(inner, 3) == wanted
    assert ssz.mix_in_selector(inner, 1) == oracle.sha256(inner + (1).to_bytes(32, "little"))
    assert ssz.pack(b"").shape == (0, 32)
    assert ssz.pack(bytes(33)).shape == (2, 32)
    for call in (lambda: ssz.mix_in_selector(inner, 128), lambda: ssz.mix_in_length(inner, -1)):
        with pytest.raises(pycore.InputError):
            call()


def test_generalized_indices() -> None:
    """The figures of ssz/merkle-proofs.md."""
    assert ssz.generalized_index(0, depth=0) == 1
    assert ssz.generalized_index(5, depth=3) == 13
    assert ssz.concat_indices() == 1
    assert ssz.concat_indices(2, 2) == 4
    assert ssz.concat_indices(105, 1) == 105
    assert ssz.branch_indices(1) == []
    assert ssz.branch_indices(13) == [12, 7, 2]
    assert ssz.helper_indices([13]) == [12, 7, 2]
    assert ssz.helper_indices([4, 5, 6, 7]) == []
    for call in (
        lambda: ssz.generalized_index(8, depth=3),
        lambda: ssz.generalized_index(0, depth=257),
        lambda: ssz.branch_indices(0),
        lambda: ssz.concat_indices(0),
        lambda: ssz.helper_indices([True]),
    ):
        with pytest.raises(pycore.InputError):
            call()


def test_proofs_of_nodes_of_any_depth(rng: random.Random) -> None:
    """verify_merkle_multiproof of the specification: leaves and inner nodes together."""
    leaves = [rng.randbytes(32) for _ in range(16)]
    nodes = {16 + i: leaf for i, leaf in enumerate(leaves)}
    for at in range(15, 0, -1):
        nodes[at] = oracle.sha256(nodes[2 * at] + nodes[2 * at + 1])
    for _ in range(200):
        places: list[int] = []
        for at in rng.sample(sorted(nodes), rng.randrange(1, 9)):
            if not any(at >> k in places for k in range(5)) and not any(p >> k == at for p in places for k in range(5)):
                places.append(at)
        proof = [nodes[at] for at in ssz.helper_indices(places)]
        picked = [nodes[at] for at in places]
        ssz.verify_branches(nodes[1], picked, proof, indices=places)
        with pytest.raises(pycore.ProofError):
            ssz.verify_branches(nodes[1], [rng.randbytes(32), *picked[1:]], proof, indices=places)
        with pytest.raises(pycore.ProofError):
            ssz.verify_branches(nodes[1], picked, [*proof, bytes(32)], indices=places)
    for wrong in ([4, 4], [4, 8], []):
        with pytest.raises(pycore.InputError):
            ssz.verify_branches(nodes[1], [nodes[at] for at in wrong], [], indices=wrong)
