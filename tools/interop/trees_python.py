"""Proofs of Python packages; the argument is the package. One JSON object a line."""

import hashlib
import json
import sys


def put(what: str, call: str, **parts: object) -> None:
    """Print one row; bytes as hexadecimal, lists of bytes as lists of it."""
    row = {"what": what, "call": call}
    for name, part in parts.items():
        row[name] = (
            part.hex() if isinstance(part, bytes) else [one.hex() for one in part] if isinstance(part, list) else part
        )
    print(json.dumps(row))


def pymerkle() -> None:
    """RFC 9162's tree; a path begins with the leaf's own hash."""
    from pymerkle import InmemoryTree

    tree = InmemoryTree(algorithm="sha256")
    leaves = [b"leaf %d" % i for i in range(5)]
    for leaf in leaves:
        tree.append_entry(leaf)
    root = tree.get_root()
    for index in (3, 5):  # counted from 1
        proof = tree.prove_inclusion(index).serialize()
        put(
            f"inclusion-{index}",
            f"InmemoryTree('sha256').prove_inclusion({index}).serialize()['path']",
            root=root,
            leaf=leaves[index - 1],
            proof=[bytes.fromhex(one) for one in proof["path"]],
            index=index,
            leaf_count=5,
        )


def trie() -> None:
    """Ethereum's trie; a proof has nodes as lists, embedded ones among them."""
    import rlp
    from trie import HexaryTrie

    one = HexaryTrie({})
    for i in range(20):
        one[b"key%d" % i] = b"v%d" % i
    put(
        "embedded",
        "[rlp.encode(node) for node in HexaryTrie.get_proof(key)]",
        root=one.root_hash,
        key=b"key7",
        value=b"v7",
        proof=[rlp.encode(node) for node in one.get_proof(b"key7")],
    )
    put(
        "absent",
        "[rlp.encode(node) for node in HexaryTrie.get_proof(absent key)]",
        root=one.root_hash,
        key=b"key777",
        proof=[rlp.encode(node) for node in one.get_proof(b"key777")],
    )
    large = HexaryTrie({})
    for i in range(20):
        large[b"key%d" % i] = hashlib.sha256(b"%d" % i).digest()
    put(
        "large",
        "the same with values of 32 bytes",
        root=large.root_hash,
        key=b"key7",
        value=hashlib.sha256(b"7").digest(),
        proof=[rlp.encode(node) for node in large.get_proof(b"key7")],
    )


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")]()
