"""Merkle trees, their proofs, and maps, by other libraries and by loops over hashlib: functions as in ``peers.py``.

Rules of trees differ. A peer is here under every shape whose roots and work are the same; where it keeps to a shape's
rule only for some numbers of leaves, it says that it is missing for the others:

==============  ======================================================================================================
pymerkle        RFC 9162, also for proofs and for logs that grow. It keeps all leaves and nodes as objects.
merkly          hashes without prefixes and lets odd nodes move up: Bitcoin's and ChainMaker's shape over 2^k leaves
                only. It hashes text leaves itself; here its ``make_root`` is given digests, as we are.
remerkleable    SSZ. It makes a tree of objects and keeps every node.
hashtree        the C library of that name, for levels without prefixes: SSZ's sha256. Taken where it is installed.
==============  ======================================================================================================
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .peers import PeerMissingError, Prepared, hashlib_function, openssl_of_hashlib, peer_version

Node = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TreeTask:
    """Leaves whose root is wanted, digests but for "rfc9162"."""

    tree: str
    hash: str
    leaves: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ProofTask:
    """Inclusion proofs (leaf, index, siblings) in a full RFC 9162 tree with SHA-256 of 2^depth leaves."""

    root: bytes
    depth: int
    rows: Sequence[tuple[bytes, int, Sequence[bytes]]]


@dataclass(frozen=True, slots=True)
class MultiproofTask:
    """One multiproof of a full RFC 9162 tree with SHA-256 of 2^depth leaves."""

    root: bytes
    depth: int
    indices: Sequence[int]  # ascending
    leaves: Sequence[bytes]
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class GrowthTask:
    """An RFC 9162 log with SHA-256 that grows from nothing, some leaves at a time, with its root after each time."""

    leaves: Sequence[bytes]
    step: int


@dataclass(frozen=True, slots=True)
class TrieTask:
    """Proofs (key, value, nodes) of an Ethereum trie whose keys are 32 bytes."""

    root: bytes
    rows: Sequence[tuple[bytes, bytes, Sequence[bytes]]]


TreePeer = Callable[[TreeTask], Prepared]


def _hashlib_version() -> str:
    return f"hashlib ({openssl_of_hashlib()})"


# ---- roots -----------------------------------------------------------------------------------------------------------


def hashlib_tree(task: TreeTask) -> Prepared:
    """A loop over hashlib."""
    digest, leaves = hashlib_function(task.hash), list(task.leaves)
    prefixed = task.tree == "rfc9162"
    leaf_prefix, node_prefix = (b"\x00", b"\x01") if prefixed else (b"", b"")

    def run() -> bytes:
        level = [digest(leaf_prefix + leaf) for leaf in leaves] if prefixed else leaves
        zero = bytes(len(level[0]))
        while len(level) > 1:
            odd = level[-1] if len(level) % 2 else None
            level = [digest(node_prefix + a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
            if odd is not None:
                level.append(odd if prefixed else digest(odd + (zero if task.tree == "ssz" else odd)))
            if task.tree == "ssz":
                zero = digest(zero + zero)
        return level[0]

    return Prepared(run, _hashlib_version())


def pymerkle_tree(task: TreeTask) -> Prepared:
    """pymerkle's tree in memory: all leaves appended, then its root."""
    version = peer_version("pymerkle")
    from pymerkle import InmemoryTree

    def run() -> bytes:
        tree = InmemoryTree(algorithm=task.hash)
        tree.append_entries(task.leaves)
        return bytes(tree.get_root())

    return Prepared(run, version)


def merkly_tree(task: TreeTask) -> Prepared:
    """merkly's root of digests."""
    version = peer_version("merkly")
    if len(task.leaves) & (len(task.leaves) - 1):
        raise PeerMissingError("merkly has another rule for odd nodes: it can be compared over 2^k leaves only")
    from merkly.mtree import MerkleTree

    digest, leaves = hashlib_function(task.hash), list(task.leaves)
    tree = MerkleTree(["a", "b"], lambda left, right: digest(left + right))
    return Prepared(lambda: bytes(tree.make_root(leaves)), version)


def remerkleable_tree(task: TreeTask) -> Prepared:
    """remerkleable's subtree of nodes, and its root."""
    version = peer_version("remerkleable")
    from remerkleable.tree import RootNode, get_depth, subtree_fill_to_contents

    nodes = [RootNode(leaf) for leaf in task.leaves]
    depth = get_depth(len(nodes))
    return Prepared(lambda: bytes(subtree_fill_to_contents(nodes, depth).merkle_root()), version)


def hashtree_tree(task: TreeTask) -> Prepared:
    """hashtree's level function, called once per level."""
    try:
        library = ctypes.CDLL(ctypes.util.find_library("hashtree") or "libhashtree.so")
        function = library.hashtree_hash
    except (OSError, AttributeError) as error:
        raise PeerMissingError("the C library hashtree (libhashtree.so) is not installed") from error
    function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64], None
    if not library.hashtree_init(None):
        raise PeerMissingError("hashtree has no code for this CPU")
    count = len(task.leaves)
    leaves = ctypes.create_string_buffer(b"".join(task.leaves), 32 * (count + 1))
    levels = [ctypes.create_string_buffer(16 * count + 64) for _ in range(2)]
    zeros = [bytes(32)]
    for _ in range(64):
        zeros.append(hashlib.sha256(zeros[-1] * 2).digest())

    def run() -> bytes:
        source, at, n, height = leaves, 0, count, 0
        while n > 1:
            if n & 1:
                ctypes.memmove(ctypes.byref(source, 32 * n), zeros[height], 32)
                n += 1
            n //= 2
            function(levels[at], source, n)
            source, at, height = levels[at], at ^ 1, height + 1
        return source.raw[:32]

    return Prepared(run, "hashtree (C library)")


TREE_PEERS: dict[tuple[str, str], dict[str, TreePeer]] = {
    ("rfc9162", "sha256"): {"hashlib": hashlib_tree, "pymerkle": pymerkle_tree},
    ("bitcoin", "sha256d"): {"hashlib": hashlib_tree, "merkly": merkly_tree},
    ("chainmaker", "sm3"): {"hashlib": hashlib_tree, "merkly": merkly_tree},
    ("chainmaker", "sha256"): {"hashlib": hashlib_tree, "merkly": merkly_tree},
    ("ssz", "sha256"): {"hashlib": hashlib_tree, "hashtree": hashtree_tree, "remerkleable": remerkleable_tree},
}


# ---- proofs ----------------------------------------------------------------------------------------------------------


def hashlib_proofs(task: ProofTask) -> Prepared:
    """Proofs checked one by one by hashlib."""
    sha256, root = hashlib.sha256, task.root

    def run() -> int:
        good = 0
        for leaf, index, siblings in task.rows:
            node = sha256(b"\0" + leaf).digest()
            for sibling in siblings:
                node = sha256(b"\1" + (sibling + node if index & 1 else node + sibling)).digest()
                index >>= 1
            good += node == root
        return good

    return Prepared(run, _hashlib_version())


def pymerkle_proofs(task: ProofTask) -> Prepared:
    """Proofs checked one by one by pymerkle; its proof objects are made beforehand, leaves are hashed by hashlib."""
    version = peer_version("pymerkle")
    from pymerkle import InclusionProof, verify_inclusion

    sha256, size, items = hashlib.sha256, 1 << task.depth, []
    for leaf, index, siblings in task.rows:
        path = [sha256(b"\0" + leaf).digest(), *siblings]
        rule = [index >> height & 1 for height in range(task.depth)] + [0]
        items.append((leaf, InclusionProof("sha256", True, size, index + 1, rule, path)))

    def run() -> int:
        good = 0
        for leaf, proof in items:
            good += verify_inclusion(sha256(b"\0" + leaf).digest(), task.root, proof) is None  # else it raises
        return good

    return Prepared(run, version)


PROOF_PEERS = {"hashlib": hashlib_proofs, "pymerkle": pymerkle_proofs}


def hashlib_multiproof(task: MultiproofTask) -> Prepared:
    """One multiproof, level by level in lists, by hashlib."""
    sha256 = hashlib.sha256

    def run() -> bool:
        supply = iter(task.proof)
        places = list(task.indices)
        nodes = [sha256(b"\0" + leaf).digest() for leaf in task.leaves]
        for _ in range(task.depth):
            above, parents, at = [], [], 0
            while at < len(places):
                place, node = places[at], nodes[at]
                at += 1
                if place & 1:
                    pair = next(supply) + node
                elif at < len(places) and places[at] == place + 1:
                    pair = node + nodes[at]
                    at += 1
                else:
                    pair = node + next(supply)
                above.append(place >> 1)
                parents.append(sha256(b"\1" + pair).digest())
            places, nodes = above, parents
        return nodes == [task.root] and next(supply, None) is None

    return Prepared(run, _hashlib_version())


# ---- logs that grow --------------------------------------------------------------------------------------------------


def hashlib_growth(task: GrowthTask) -> Prepared:
    """Roots of perfect subtrees in a list, joined by hashlib."""
    sha256 = hashlib.sha256

    def run() -> bytes:
        peaks: list[tuple[int, bytes]] = []  # heights fall from left to right
        node = b""
        for start in range(0, len(task.leaves), task.step):
            for leaf in itertools.islice(task.leaves, start, start + task.step):
                height, node = 0, sha256(b"\0" + leaf).digest()
                while peaks and peaks[-1][0] == height:
                    height, node = height + 1, sha256(b"\1" + peaks.pop()[1] + node).digest()
                peaks.append((height, node))
            node = peaks[-1][1]
            for _, left in peaks[-2::-1]:
                node = sha256(b"\1" + left + node).digest()
        return node

    return Prepared(run, _hashlib_version())


def pymerkle_growth(task: GrowthTask) -> Prepared:
    """pymerkle's tree in memory; it knows the root after every leaf."""
    version = peer_version("pymerkle")
    from pymerkle import InmemoryTree

    def run() -> bytes:
        tree, state = InmemoryTree(algorithm="sha256"), b""
        for start in range(0, len(task.leaves), task.step):
            tree.append_entries(task.leaves[start : start + task.step])
            state = tree.get_root()
        return bytes(state)

    return Prepared(run, version)


GROWTH_PEERS = {"hashlib": hashlib_growth, "pymerkle": pymerkle_growth}


# ---- maps ------------------------------------------------------------------------------------------------------------


def hashlib_sparse(keys: Sequence[bytes], values: Sequence[bytes]) -> Prepared:
    """Keys put one by one into the tree of `pycore.merkle.sparse`, nodes as tuples, hashed by hashlib: the root."""
    sha256 = hashlib.sha256
    empty: Node = (bytes(32),)

    def inner(left: Node, right: Node) -> Node:
        return (sha256(b"\1" + left[0] + right[0]).digest(), left, right)

    def part(depth: int, old: Node, new: Node) -> Node:
        a, b = (leaf[1][depth >> 3] >> (7 - (depth & 7)) & 1 for leaf in (old, new))
        if a == b:
            below = part(depth + 1, old, new)
            return inner(empty, below) if a else inner(below, empty)
        return inner(new, old) if a else inner(old, new)

    def put(node: Node, depth: int, leaf: Node) -> Node:
        if len(node) == 1 or (len(node) == 2 and node[1] == leaf[1]):
            return leaf
        if len(node) == 2:
            return part(depth, node, leaf)
        if leaf[1][depth >> 3] >> (7 - (depth & 7)) & 1:
            return inner(node[1], put(node[2], depth + 1, leaf))
        return inner(put(node[1], depth + 1, leaf), node[2])

    def run() -> bytes:
        root = empty
        for key, value in zip(keys, values, strict=True):
            root = put(root, 0, (sha256(b"\0" + key + sha256(value).digest()).digest(), key))
        return bytes(root[0])

    return Prepared(run, _hashlib_version())


def pycryptodome_trie(task: TrieTask) -> Prepared:
    """A walk in Python over nodes hashed by pycryptodome; knows what `tries.Trie` writes, no more."""
    version = peer_version("pycryptodome")
    from Crypto.Hash import keccak

    new = keccak.new

    def items(data: bytes) -> list[bytes]:
        at = 1 if data[0] < 0xF8 else data[0] - 0xF6
        found = []
        while at < len(data):
            head = data[at]
            if head < 0x80:
                found.append(data[at : at + 1])
                at += 1
                continue
            size, begin = head - 0x80, at + 1
            if head > 0xB7:
                size, begin = data[begin], begin + 1
            found.append(data[begin : begin + size])
            at = begin + size
        return found

    def value_of(key: bytes, nodes: Sequence[bytes]) -> bytes | None:
        way, wanted = key.hex(), task.root
        for node in nodes:
            if new(digest_bits=256, data=node).digest() != wanted:
                return None
            found = items(node)
            if len(found) == 17:
                wanted, way = found[int(way[0], 16)], way[1:]
                continue
            path = found[0].hex()[2 - (found[0][0] >> 4 & 1) :]
            if not way.startswith(path):
                return None
            wanted, way = found[1], way[len(path) :]
        return wanted

    def run() -> int:
        return sum(value_of(key, nodes) == value for key, value, nodes in task.rows)

    return Prepared(run, version)


def trie_package(task: TrieTask) -> Prepared:
    """The trie package (the Ethereum Foundation's): HexaryTrie.get_from_proof; nodes are decoded beforehand."""
    version = peer_version("trie")
    import rlp
    from trie.hexary import HexaryTrie

    value_of: Any = HexaryTrie.get_from_proof
    rows = [(key, value, tuple(rlp.decode(node) for node in nodes)) for key, value, nodes in task.rows]

    def run() -> int:
        return sum(value_of(task.root, key, nodes) == value for key, value, nodes in rows)

    return Prepared(run, version)


TRIE_PEERS = {"pycryptodome": pycryptodome_trie, "trie": trie_package}
