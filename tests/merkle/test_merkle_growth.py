"""Trees that grow, stream and share proofs: every one against the tree built at once and the recursive definitions."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import merkle as oracle

import pycore
from pycore import MerkleFrontier, MerkleTree, Verdict, merkle_stream

TREES = list(pycore.TREES)
HASHES = list(pycore.HASHES)
ODD_SIZES = [127, 128, 129, 255, 256, 257, 1000, 1023, 1024, 1025]


def digests(n: int, rng: random.Random, hash_name: str = "sha256") -> list[bytes]:
    return [rng.randbytes(pycore.HASHES[hash_name].digest_size) for _ in range(n)]


def defined_root(leaves: list[bytes], tree: str, hash_name: str) -> bytes:
    """By the recursive definitions, the hash being pycore's own (which other tests hold against published vectors)."""

    def h(data: bytes) -> bytes:
        return pycore.hash(hash_name, data)

    if tree == "rfc9162":
        return oracle.rfc9162_root(leaves, h)
    size = pycore.HASHES[hash_name].digest_size
    if tree == "ssz":
        return oracle.ssz_root(leaves, h, size=size)
    if not leaves:
        return bytes(size) if tree == "bitcoin" else b""
    return oracle.duplicating_root(leaves, h)


def one_by_one(leaves: list[bytes], **options: Any) -> Iterator[MerkleFrontier]:
    frontier = MerkleFrontier(**options)
    yield frontier
    for leaf in leaves:
        frontier.append([leaf])
        yield frontier


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("tree", TREES)
def test_every_size_of_every_shape(tree: str, hash_name: str, backend: str, rng: random.Random) -> None:
    """0 to 70 leaves: the root by definition, by the tree, by a tree grown leaf by leaf."""
    leaves = digests(70, rng, hash_name)
    for n, frontier in enumerate(one_by_one(leaves, tree=tree, hash=hash_name)):
        wanted = pycore.merkle_root(leaves[:n], tree=tree, hash=hash_name)
        assert frontier.root == wanted, n
        assert frontier.leaf_count == n
        if n % 7 == 0 or n & (n - 1) == 0:
            assert wanted == defined_root(leaves[:n], tree, hash_name)
            assert MerkleTree(leaves[:n], tree=tree, hash=hash_name).root == wanted


@pytest.mark.parametrize("tree", TREES)
def test_around_powers_of_two(tree: str, backend: str, rng: random.Random) -> None:
    """Sizes at the edges of subtrees and blocks, in chunks of every awkward size, proofs picked up on the way."""
    for n in [*ODD_SIZES, 8191, 8192, 8193, 16384 + 129]:
        leaves = np.frombuffer(rng.randbytes(32 * n), np.uint8).reshape(n, 32)
        built = MerkleTree(leaves, tree=tree)
        assert built.root == pycore.merkle_root(leaves, tree=tree)
        watch = {0, n - 1, n // 2, rng.randrange(n), rng.randrange(n)}
        cuts = sorted(rng.sample(range(n + 1), 5))
        chunks = [leaves[a:b] for a, b in zip([0, *cuts], [*cuts, n], strict=True)]
        done = merkle_stream(chunks, indices=watch, tree=tree)
        assert (done.root, done.leaf_count) == (built.root, n)
        for i in watch:
            assert done.proof(i) == built.proof(i), (n, i)


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("threads", [1, 3])
def test_raw_leaves_in_blocks(tree: str, threads: int, rng: random.Random) -> None:
    """More leaves than a block, ragged where the shape hashes them: threads share subtrees, the root stays."""
    n = 3 * 8192 + 77
    if tree == "rfc9162":
        lengths = np.array([rng.randrange(60) for _ in range(n)])
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        leaves: Any = (rng.randbytes(int(offsets[-1])), offsets)
    else:
        leaves = pycore.batch(rng.randbytes(32 * n), width=32)
    column = pycore.batch(leaves)
    one = MerkleTree(column, tree=tree, threads=1)
    level = pycore.hash_batch("sha256", [b"\0" + leaf for leaf in column]) if tree == "rfc9162" else column
    assert one.root == MerkleTree(level, tree=tree, hashed=True, threads=threads).root
    assert pycore.merkle_root(leaves, tree=tree, threads=threads) == one.root
    assert merkle_stream([leaves], tree=tree, threads=threads).root == one.root
    assert MerkleTree(leaves, tree=tree, threads=threads).root == one.root


@pytest.mark.parametrize("tree", TREES)
def test_extended_trees_equal_rebuilt_ones(tree: str, rng: random.Random) -> None:
    for n in range(40):
        leaves = digests(n, rng)
        for m in range(n + 1):
            grown = MerkleTree(leaves[:m], tree=tree).extended(leaves[m:])
            built = MerkleTree(leaves, tree=tree)
            assert (grown.root, grown.leaf_count) == (built.root, n)
            assert [grown.proof(i) for i in range(n)] == [built.proof(i) for i in range(n)]


def test_checkpoints_prove_growth(backend: str, rng: random.Random) -> None:
    """Each size against each later one, with the frontier saved and restored half of the time."""
    leaves = digests(70, rng)
    frontier, roots = MerkleFrontier(watch=[5, 63]), [b""]
    for n, leaf in enumerate(leaves, 1):
        frontier.append([leaf])
        roots.append(frontier.root)
        assert frontier.checkpoint() == n
        for m in range(1, n + 1):
            proof = frontier.consistency_proof(m)
            assert proof == MerkleTree(leaves[:n]).consistency_proof(m)
            pycore.verify_consistency(roots[m], roots[n], proof, m=m, n=n)
        if n % 2:
            frontier = MerkleFrontier.from_bytes(frontier.to_bytes())
    built = MerkleTree(leaves)
    for i in (5, 63):
        assert frontier.proof(i) == built.proof(i)
    for m in range(1, 70):
        frontier.forget(m)
    frontier.append([b""])
    assert frontier.consistency_proof(70) == MerkleTree([*leaves, b""]).consistency_proof(70)
    with pytest.raises(pycore.InputError):
        frontier.consistency_proof(3)
    assert frontier.proof(5) == MerkleTree([*leaves, b""]).proof(5)


@pytest.mark.parametrize("tree", TREES)
def test_states_go_on(tree: str, rng: random.Random) -> None:
    leaves = digests(300, rng)
    options: dict[str, Any] = {"tree": tree, "limit": 1000} if tree == "ssz" else {"tree": tree, "hashed": True}
    for cut in (0, 1, 2, 127, 128, 200, 300):
        first = MerkleFrontier(**options, watch=[1, 250])
        first.append(leaves[:cut])
        state = first.to_bytes()
        second = MerkleFrontier.from_bytes(bytearray(state))
        assert second.to_bytes() == state
        second.append(leaves[cut:])
        first.append(leaves[cut:])
        built = MerkleTree(leaves, **options)
        assert first.root == second.root == built.root
        assert second.proof(250) == first.proof(250) == built.proof(250)
        assert (second.tree, second.hashed, second.limit) == (first.tree, first.hashed, first.limit)
        for broken in (state[:-1], state + b"\0", b"x" + state[1:], state[:5] + b"\x08" + state[6:], state[:9]):
            with pytest.raises(pycore.InputError):
                MerkleFrontier.from_bytes(broken)


def test_spoilt_states_are_refused_or_whole(rng: random.Random) -> None:
    """Whatever state from_bytes takes has all that it will be asked for."""
    taken = 0
    for _ in range(600):
        tree = rng.choice(TREES)
        frontier = MerkleFrontier(tree=tree, watch=[rng.randrange(20) for _ in range(3)])
        frontier.append(digests(rng.randrange(40), rng))
        if tree == "rfc9162" and frontier.leaf_count:
            frontier.checkpoint()
            frontier.append(digests(rng.randrange(9), rng))
        state = bytearray(frontier.to_bytes())
        at = rng.randrange(min(len(state), 40)) if rng.random() < 0.5 else rng.randrange(len(state))
        state[at] ^= 1 << rng.randrange(8)
        try:
            spoilt = MerkleFrontier.from_bytes(state)
        except pycore.InputError:
            continue
        taken += 1
        for _ in range(2):
            assert isinstance(spoilt.root, bytes)
            for i in spoilt.watched_leaves:
                if i < spoilt.leaf_count:
                    spoilt.proof(i)
            for size in spoilt._marks:
                spoilt.consistency_proof(size)
            with contextlib.suppress(pycore.InputError):  # its leaf count may be near the largest now
                spoilt.append(digests(5, rng))
    assert taken > 100


def test_a_refused_chunk_changes_nothing(rng: random.Random) -> None:
    frontier = MerkleFrontier(tree="bitcoin")
    frontier.append(digests(5, rng))
    before = frontier.to_bytes()
    for wrong in ([*digests(2, rng), b"short"], b"x", [b"y" * 33]):
        with pytest.raises(pycore.InputError):
            frontier.append(wrong)
    assert frontier.to_bytes() == before


# ---- multiproofs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tree", TREES)
def test_multiproofs_of_every_subset(tree: str, backend: str, rng: random.Random) -> None:
    """All subsets of up to 7 leaves: verifies, and with any one node, leaf or position spoilt does not."""
    for n in range(1, 8):
        leaves = digests(n, rng)
        built = MerkleTree(leaves, tree=tree)
        for mask in range(1, 1 << n):
            chosen = [i for i in range(n) if mask >> i & 1]
            rng.shuffle(chosen)
            proof = built.multiproof(chosen)
            options: dict[str, Any] = {"indices": chosen, "leaf_count": n, "tree": tree}
            picked = [leaves[i] for i in chosen]
            pycore.verify_multiproof(built.root, picked, proof, **options)
            pycore.verify_multiproof(built.root, picked, b"".join(proof), **options)
            if len(chosen) == n:
                assert proof == []
            for wrong in (proof[1:] if proof else [bytes(32)], [*proof, bytes(32)]):
                with pytest.raises(pycore.ProofError) as caught:
                    pycore.verify_multiproof(built.root, picked, wrong, **options)
                assert caught.value.verdict is Verdict.MALFORMED_PROOF
            at = rng.randrange(len(chosen))
            with pytest.raises(pycore.ProofError) as caught:
                pycore.verify_multiproof(built.root, [*picked[:at], bytes(32), *picked[at + 1 :]], proof, **options)
            assert caught.value.verdict is Verdict.BAD_PROOF


@given(st.integers(1, 400), st.data())
def test_multiproofs_equal_single_proofs(n: int, data: st.DataObject) -> None:
    """One index: the single proof without the twins; many: no node more than the single proofs have together."""
    tree = data.draw(st.sampled_from(TREES))
    leaves = [pycore.hash("sha256", i.to_bytes(4, "big")) for i in range(n)]
    limit = data.draw(st.one_of(st.none(), st.integers(n, 1 << 40))) if tree == "ssz" else None
    built = MerkleTree(leaves, tree=tree, limit=limit)
    chosen = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=20, unique=True))
    proof = built.multiproof(chosen)
    options: dict[str, Any] = {"indices": chosen, "leaf_count": n, "tree": tree, "limit": limit}
    pycore.verify_multiproof(built.root, [leaves[i] for i in chosen], proof, **options)
    single = [node for i in chosen for node in built.proof(i)]
    assert set(proof) <= set(single)
    if proof:
        spoilt = data.draw(st.integers(0, len(proof) * 256 - 1))
        joined = bytearray(b"".join(proof))
        joined[spoilt // 8] ^= 1 << spoilt % 8
        with pytest.raises(pycore.ProofError):
            pycore.verify_multiproof(built.root, [leaves[i] for i in chosen], joined, **options)


@pytest.mark.parametrize(
    ("indices", "leaf_count"), [([4], 4), ([0, 0], 4), ([], 4), ([0], 0), ([2**64 - 1], 2**64 - 1), ([0], 2**63)]
)
def test_malformed_multiproofs(indices: list[int], leaf_count: int) -> None:
    with pytest.raises(pycore.ProofError) as caught:
        pycore.verify_multiproof(
            bytes(32), [bytes(32)] * len(indices), [], indices=np.array(indices, np.uint64), leaf_count=leaf_count
        )
    assert caught.value.verdict is Verdict.MALFORMED_PROOF


def test_equal_neighbours_in_bitcoin_multiproofs(rng: random.Random) -> None:
    """CVE-2012-2459: with leaf_count from the wrong source the twin is refused here too, known or in the proof."""
    a, b, c = digests(3, rng)
    built = MerkleTree([a, b, c, c], tree="bitcoin")
    for chosen in ([2], [3], [2, 3], [0, 2]):
        picked, proof = [[a, b, c, c][i] for i in chosen], built.multiproof(chosen)
        with pytest.raises(pycore.ProofError) as caught:
            pycore.verify_multiproof(built.root, picked, proof, indices=chosen, leaf_count=4, tree="bitcoin")
        assert caught.value.verdict is Verdict.BAD_PROOF
    honest = MerkleTree([a, b, c], tree="bitcoin")
    pycore.verify_multiproof(honest.root, [c], honest.multiproof([2]), indices=[2], leaf_count=3, tree="bitcoin")


# ---- any bit --------------------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.data())
def test_any_bit_flipped_breaks_a_proof(n: int, data: st.DataObject) -> None:
    tree = data.draw(st.sampled_from(TREES))
    hash_name = data.draw(st.sampled_from(HASHES))
    size = pycore.HASHES[hash_name].digest_size
    leaves = [pycore.hash(hash_name, i.to_bytes(4, "big")) for i in range(n)]
    built = MerkleTree(leaves, tree=tree, hash=hash_name)
    i = data.draw(st.integers(0, n - 1))
    options: dict[str, Any] = {"index": i, "leaf_count": n, "tree": tree, "hash": hash_name}
    parts = [bytearray(built.root), bytearray(leaves[i]), bytearray(b"".join(built.proof(i)))]
    pycore.verify_inclusion(*parts, **options)
    bits = [8 * len(part) for part in parts]
    at = data.draw(st.integers(0, sum(bits) - 1))
    for part, count in zip(parts, bits, strict=True):
        if 0 <= at < count:
            part[at // 8] ^= 1 << at % 8
        at -= count
    assert len(parts[0]) == size
    with pytest.raises(pycore.ProofError):
        pycore.verify_inclusion(*parts, **options)
    found = pycore.verify_inclusion_batch(
        parts[0], [parts[1]], [parts[2]], index=[i], leaf_count=n, tree=tree, hash=hash_name
    )
    assert not found.valid[0]


@pytest.mark.parametrize("tree", TREES)
def test_large_batches_of_every_depth(tree: str, backend: str, rng: random.Random) -> None:
    """More proofs than one chunk, of trees of many sizes, every tenth spoilt: the batch finds those and no others."""
    rows: list[tuple[bytes, bytes, bytes, int, int]] = []
    for n in (1, 2, 5, 64, 100, 1000):
        leaves = digests(n, rng)
        built = MerkleTree(leaves, tree=tree)
        order = [rng.randrange(n) for _ in range(900)]
        rows += [(built.root, leaves[i], p, i, n) for i, p in zip(order, built.proofs(order), strict=True)]
    rng.shuffle(rows)
    wanted = np.ones(len(rows), bool)
    for k in range(0, len(rows), 10):
        root, leaf, proof, i, n = rows[k]
        rows[k] = (root, bytes([leaf[0] ^ 1]) + leaf[1:], proof, i, n)
        wanted[k] = False
    roots, picked, proofs, index, counts = zip(*rows, strict=True)
    for threads in (1, 3):
        found = pycore.verify_inclusion_batch(
            list(roots), list(picked), list(proofs), index=list(index), leaf_count=list(counts), tree=tree,
            threads=threads,
        )  # fmt: skip
        assert (found.valid == wanted).all()


def test_memory_mapped_leaves(tmp_path: Any, rng: random.Random) -> None:
    path = tmp_path / "leaves.bin"
    path.write_bytes(rng.randbytes(32 * 20_000))
    mapped = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, 32)
    wanted = MerkleTree(path.read_bytes(), width=32)
    assert pycore.merkle_root(mapped) == wanted.root
    done = merkle_stream((mapped[a : a + 6000] for a in range(0, 20_000, 6000)), indices=[19_999])
    assert (done.root, done.proof(19_999)) == (wanted.root, wanted.proof(19_999))


def test_chunks_in_every_form(rng: random.Random) -> None:
    leaves = digests(9, rng)
    flat = b"".join(leaves)
    makes: list[Callable[[], Any]] = [
        lambda: iter([leaves[:4], leaves[4:]]),
        lambda: [np.frombuffer(flat, np.uint8).reshape(9, 32)],
        lambda: [pycore.batch(flat[:96], width=32), (flat[96:], np.arange(7) * 32)],
        lambda: ([leaf] for leaf in leaves),
    ]
    for make in makes:
        assert merkle_stream(make()).root == pycore.merkle_root(leaves)
    assert merkle_stream([flat[:64], flat[64:]], width=32).root == pycore.merkle_root(leaves)


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("tree", sorted(pycore.TREES))
def test_one_leaf_in_every_form(tree: str, hashed: bool, rng: random.Random) -> None:
    """A batch of one takes a shorter way in some forms; all are one batch, and all refuse the same."""
    forms: list[Callable[[bytes], Any]] = [
        lambda leaf: [leaf],
        lambda leaf: (leaf,),
        lambda leaf: [bytearray(leaf)],
        lambda leaf: np.frombuffer(leaf, np.uint8).reshape(1, -1),
        lambda leaf: np.frombuffer(leaf * 2, np.uint8).reshape(2, -1)[::2],
    ]
    leaves = digests(len(forms), rng)
    limit = len(forms) if tree == "ssz" else None
    log = MerkleFrontier(tree=tree, hash="sha256", hashed=hashed, limit=limit)
    for form, leaf in zip(forms, leaves, strict=True):
        if tree != "rfc9162" or hashed:
            before = log.to_bytes()
            for wrong in (leaf[:31], leaf + b"\0", b""):
                with pytest.raises(pycore.InputError) as caught:
                    log.append(form(wrong))
                assert caught.value.field.startswith("leaves")
            assert log.to_bytes() == before
        log.append(form(leaf))
    assert log.root == pycore.merkle_root(leaves, tree=tree, hash="sha256", hashed=hashed, limit=limit)
    if limit is not None:
        for form in forms:
            with pytest.raises(pycore.InputError):
                log.append(form(leaves[0]))
    if tree == "rfc9162" and not hashed:
        long = bytes(70_000)
        log.append([long])
        log.append([b""])
        assert log.root == pycore.merkle_root([*leaves, long, b""])
