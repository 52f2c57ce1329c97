"""Published Merkle roots and proofs: RFC 6962 and RFC 9162, ChainMaker's and Bitcoin's trees."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from oracle import merkle as oracle
from oracle.sm3 import sm3
from readers import bitcoin, merkle

Require = Callable[[str], Path]
Count = Callable[..., None]

pytestmark = pytest.mark.vectors

INCLUSION = "merkle/rfc6962_transparency-dev/inclusion"
SUBTREE = "merkle/rfc6962_transparency-dev/subtreeinclusion"
CONSISTENCY = "merkle/rfc6962_transparency-dev/consistency"


@pytest.mark.parametrize(
    ("source", "read", "cases"), [(INCLUSION, merkle.inclusions, 98), (SUBTREE, merkle.subtree_inclusions, 101)]
)
def test_inclusion(
    source: str,
    read: Callable[[Path], list[merkle.Inclusion]],
    cases: int,
    backend: str,
    require_vectors: Require,
    count_cases: Count,
) -> None:
    """A digest of another length than 32 bytes is refused as a malformed call or proof; the rest get verdicts.

    One published "valid" is an empty leaf hash that equals an empty root; no hash gives either, so it is refused here.
    """
    import pycore

    rows = read(require_vectors(source))
    assert len(rows) == cases
    for row in rows:
        valid = row.valid and row.label != "single-entry/empty-root-and-leaf.json"
        includes = oracle.rfc9162_includes(row.root, row.leaf_hash, row.proof, row.index, row.leaf_count)
        assert (includes and row.well_formed) == valid, row.label
        try:
            pycore.verify_inclusion(
                row.root, row.leaf_hash, row.proof, index=row.index, leaf_count=row.leaf_count, hashed=True
            )
            accepted = True
        except pycore.ProofError:
            accepted = False
        except pycore.InputError:
            assert not row.well_formed or row.index >= 2**63, row.label
            accepted = False
        assert accepted == valid, row.label
    count_cases(source, len(rows))
    formed = [row for row in rows if row.well_formed and row.index < 2**63]
    verdicts = pycore.verify_inclusion_batch(
        [row.root for row in formed],
        [row.leaf_hash for row in formed],
        [row.proof for row in formed],
        index=[row.index for row in formed],
        leaf_count=[row.leaf_count for row in formed],
        hashed=True,
    )
    for row, valid in zip(formed, verdicts.valid, strict=True):
        assert valid == row.valid, row.label
    count_cases(source, len(formed))


def test_consistency(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """As with inclusion, roots that no hash gives are refused, even where they are "don't care" twice and m = n."""
    import pycore

    rows = merkle.consistencies(require_vectors(CONSISTENCY))
    assert len(rows) == 98
    for row in rows:
        assert oracle.rfc9162_consistent(row.root_m, row.root_n, row.proof, row.m, row.n) == row.valid, row.label
        formed = len(row.root_m) == len(row.root_n) == 32
        assert formed or not row.valid or row.label.startswith("additional/sizes-are-equal"), row.label
        try:
            pycore.verify_consistency(row.root_m, row.root_n, row.proof, m=row.m, n=row.n)
            accepted = True
        except pycore.ProofError:
            accepted = False
        except pycore.InputError:
            assert not formed, row.label
            accepted = False
        assert accepted == (row.valid and formed), row.label
    count_cases(CONSISTENCY, len(rows))


def test_certificate_transparency_roots(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Roots of the reference tree after each leaf, and proofs inside all of them."""
    import pycore

    source = "merkle/rfc6962_google_ct_reference.json"
    data = json.loads(require_vectors(source).read_text())
    leaves = [bytes.fromhex(leaf) for leaf in data["leaves_hex"]]
    roots = [bytes.fromhex(root) for root in data["root_after_n_leaves"]]
    assert pycore.merkle_root([]) == bytes.fromhex(data["empty_root"]) == oracle.rfc9162_root([])
    trees = []
    for n, root in enumerate(roots, 1):
        assert pycore.merkle_root(leaves[:n]) == root == oracle.rfc9162_root(leaves[:n])
        tree = pycore.MerkleTree(leaves[:n])
        trees.append(tree)
        assert tree.root == root
        for i in range(n):
            assert tree.proof(i) == oracle.rfc9162_path(i, leaves[:n])
            pycore.verify_inclusion(root, leaves[i], tree.proof(i), index=i, leaf_count=n)
        for m in range(1, n + 1):
            assert tree.consistency_proof(m) == oracle.rfc9162_consistency(m, leaves[:n])
            pycore.verify_consistency(roots[m - 1], root, tree.consistency_proof(m), m=m, n=n)
    count_cases(source, len(roots) + 1)


def test_cometbft_transactions(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """CometBFT's tree is RFC 6962's; what a transaction puts into it is its SHA-256."""
    import pycore

    source = "cometbft/rpc_kvstore_v038/tx_search_with_prove.json"
    rows = json.loads(require_vectors(source).read_text())["result"]["txs"]
    assert len(rows) == 9
    for row in rows:
        proof, root = row["proof"]["proof"], bytes.fromhex(row["proof"]["root_hash"])
        leaf = pycore.hash("sha256", base64.b64decode(row["proof"]["data"]))
        aunts = [base64.b64decode(aunt) for aunt in proof["aunts"]]
        index, total = int(proof["index"]), int(proof["total"])
        assert pycore.hash("sha256", b"\0" + leaf) == base64.b64decode(proof["leaf_hash"])
        pycore.verify_inclusion(root, leaf, aunts, index=index, leaf_count=total)
        assert oracle.rfc9162_includes(root, oracle.sha256(b"\0" + leaf), aunts, index, total)
    count_cases(source, len(rows))


def test_chainmaker_roots(backend: str, require_vectors: Require, count_cases: Count) -> None:
    import pycore

    source = "merkle/chainmaker_merkle_root.json"
    cases = json.loads(require_vectors(source).read_text())["cases"]
    assert len(cases) == 20
    for case in cases:
        name, h = {"SHA256": ("sha256", oracle.sha256), "SM3": ("sm3", sm3)}[case["hash_type"]]
        leaves = [h(i.to_bytes(8, "big")) for i in range(case["n"])]
        if "leaves" in case:
            assert leaves == [bytes.fromhex(leaf) for leaf in case["leaves"]]
        root = bytes.fromhex(case["root"] or "")
        if leaves:
            assert oracle.duplicating_root(leaves, h) == root
        assert pycore.merkle_root(leaves, tree="chainmaker", hash=name) == root, f"{name}, {len(leaves)} leaves"
        tree = pycore.MerkleTree(leaves, tree="chainmaker", hash=name)
        for i in {0, 1, len(leaves) // 2, len(leaves) - 1} & set(range(len(leaves))):
            pycore.verify_inclusion(
                root, leaves[i], tree.proof(i), index=i, leaf_count=len(leaves), tree="chainmaker", hash=name
            )
    count_cases(source, len(cases))


def test_bitcoin_block_roots(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Transaction ids by pycore's double hash, their root against the header's; a proof for the last transaction."""
    import pycore

    for name, blocks in bitcoin.block_files(require_vectors("bitcoin")).items():
        for block in blocks:
            bare = [tx.serialise([(i.outpoint, i.script, i.sequence) for i in tx.inputs]) for tx in block.transactions]
            ids = pycore.hash_batch("sha256d", bare)
            assert [row.tobytes() for row in ids] == [tx.txid for tx in block.transactions]
            assert pycore.merkle_root(ids, tree="bitcoin") == block.merkle_root
            tree, last = pycore.MerkleTree(ids, tree="bitcoin"), len(bare) - 1
            assert not tree.mutated
            if len(bare) & (len(bare) - 1) == 0:
                pycore.verify_inclusion(
                    block.merkle_root, ids[last], tree.proof(last), index=last, leaf_count=len(bare), tree="bitcoin"
                )
        count_cases(f"bitcoin/{name} roots", len(blocks))
