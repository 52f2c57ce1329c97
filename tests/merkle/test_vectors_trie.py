"""Ethereum's tries: published roots, receipts and transactions of a real block, and forgeries of every kind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oracle import trie as oracle
from readers import ethereum

import pycore
from pycore import Verdict
from pycore.merkle import patricia as trie

Require = Callable[[str], Path]
Count = Callable[..., None]

TRIES = "ethereum/TrieTests"
FILES = [
    "hex_encoded_securetrie_test.json",
    "trieanyorder.json",
    "trieanyorder_secureTrie.json",
    "trietest.json",
    "trietest_secureTrie.json",
]


def keccak(data: bytes) -> bytes:
    return pycore.hash("keccak256", data)


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()


def check_all(items: dict[bytes, bytes], absent: list[bytes], *, hashed: bool = False) -> bytes:
    """Every key of a trie has its value, others have none; returns the root."""
    inner = {keccak(key): value for key, value in items.items()} if hashed else items
    root, seen = oracle.build(inner, keccak)
    asked = [*items, *absent]
    proofs = [oracle.proof(root, seen, keccak(key) if hashed else key) for key in asked]
    found = trie.verify_trie_batch(root, asked, proofs, hashed=hashed)
    assert found.verdicts.all_valid
    assert found.values == [items.get(key) for key in asked]
    return root


@pytest.mark.vectors
@pytest.mark.parametrize("name", FILES)
def test_published_tries(name: str, backend: str, require_vectors: Require, count_cases: Count) -> None:
    """The oracle's root is the published one, so the proofs taken from it are of the published trie."""
    cases = json.loads((require_vectors(TRIES) / name).read_text())
    hashed = "secure" in name.lower()
    for case in cases.values():
        steps = case["in"].items() if isinstance(case["in"], dict) else case["in"]
        items: dict[bytes, bytes] = {}
        for key, value in steps:
            if value is None:
                items.pop(raw(key), None)
            else:
                items[raw(key)] = raw(value)
        absent = [b"", b"no such key", *(key[:-1] for key in items if key), *(key + b"\0" for key in items)]
        root = check_all(items, [key for key in absent if key not in items], hashed=hashed)
        assert root == raw(case["root"])
    count_cases(f"{TRIES}/{name}", len(cases))


def receipt_rows(path: Path) -> list[bytes]:
    """Legacy receipts: [status, cumulative gas, bloom, logs]."""
    rows = []
    for row in json.loads(path.read_text()):
        logs: list[Any] = [
            [raw(log["address"]), [raw(topic) for topic in log["topics"]], raw(log["data"])] for log in row["logs"]
        ]
        fields = [
            ethereum.number(row["status"]),
            ethereum.number(row["cumulativeGasUsed"]),
            raw(row["logsBloom"]),
            logs,
        ]
        rows.append(oracle.rlp(fields))
    return rows


@pytest.mark.vectors
def test_a_real_block(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Mainnet block 11408438: each of its 130 receipts and transactions against the header's roots."""
    header = json.loads(require_vectors("ethereum/mainnet_header11408438.json").read_text())
    receipts = receipt_rows(require_vectors("ethereum/mainnet_receipts11408438.json"))
    source = require_vectors("ethereum/mainnet_transactions11408438.json")
    transactions = [row.encoded for row in ethereum.transactions(source)]
    for rows, root in ((receipts, header["receiptsRoot"]), (transactions, header["transactionsRoot"])):
        assert len(rows) == 130
        keys = trie.index_keys(range(130))
        got = check_all(dict(zip(keys, rows, strict=True)), trie.index_keys([130, 200, 1000]))
        assert got == raw(root)
    count_cases("ethereum/mainnet_header11408438.json", 1)
    count_cases("ethereum/mainnet_receipts11408438.json", 130)


def accounts(rng: random.Random) -> tuple[dict[bytes, trie.Account], dict[bytes, bytes]]:
    made, encoded = {}, {}
    for _ in range(40):
        address = rng.randbytes(20)
        account = trie.Account(rng.randrange(200), rng.randrange(2**90), rng.randbytes(32), trie.EMPTY_CODE)
        made[address] = account
        fields = [ethereum.number(hex(value)) for value in (account.nonce, account.balance)]
        encoded[keccak(address)] = oracle.rlp([*fields, account.storage_root, account.code_hash])
    return made, encoded


def test_accounts_and_storage(backend: str, rng: random.Random) -> None:
    made, encoded = accounts(rng)
    owner = next(iter(made))
    slots = {rng.choice([i, rng.randrange(2**256)]): rng.randrange(1, 2 ** rng.choice([1, 8, 256])) for i in range(30)}
    storage_items = {keccak(slot.to_bytes(32, "big")): oracle.rlp(ethereum.number(hex(v))) for slot, v in slots.items()}
    storage_root, storage_nodes = oracle.build(storage_items, keccak)
    made[owner] = trie.Account(1, 2, storage_root, trie.EMPTY_CODE)
    encoded[keccak(owner)] = oracle.rlp([b"\1", b"\2", storage_root, trie.EMPTY_CODE])
    root, nodes = oracle.build(encoded, keccak)
    asked = [*made, rng.randbytes(20)]
    proofs = [oracle.proof(root, nodes, keccak(address)) for address in asked]
    verdicts, found = trie.verify_accounts(root, asked, proofs, threads=2)
    assert verdicts.all_valid
    assert found == [made.get(address) for address in asked]
    wanted_slots = [*slots, 12345]
    storage_proofs = [oracle.proof(storage_root, storage_nodes, keccak(s.to_bytes(32, "big"))) for s in wanted_slots]
    verdicts, numbers = trie.verify_storage(storage_root, wanted_slots, storage_proofs)
    assert verdicts.all_valid
    assert numbers == [*slots.values(), 0]
    response = {
        "address": "0x" + owner.hex(),
        "accountProof": ["0x" + part.hex() for part in proofs[asked.index(owner)]],
        "storageProof": [
            {"key": hex(slot), "value": "0x0", "proof": ["0x" + part.hex() for part in proof]}
            for slot, proof in zip(wanted_slots, storage_proofs, strict=True)
        ],
    }
    assert trie.verify_get_proof(root, response) == (made[owner], {**slots, 12345: 0})
    with pytest.raises(pycore.ProofError):
        trie.verify_get_proof(bytes(32), response)
    response["storageProof"][0]["proof"].pop()
    with pytest.raises(pycore.ProofError):
        trie.verify_get_proof(root, response)
    with pytest.raises(pycore.InputError):
        trie.verify_get_proof(root, {**response, "address": "00"})


@pytest.mark.parametrize(
    "value",
    [b"", oracle.rlp(b""), oracle.rlp([b"", b"", bytes(32)]), oracle.rlp([b"\0", b"", bytes(32), bytes(32)]),
     oracle.rlp([b"", bytes(33), bytes(32), bytes(32)]), oracle.rlp([b"", b"", bytes(31), bytes(32)]),
     oracle.rlp([b"", b"", bytes(32), bytes(32)]) + b"\0", oracle.rlp([[], b"", bytes(32), bytes(32)])],
)  # fmt: skip
def test_values_that_are_no_account(value: bytes) -> None:
    address, other = bytes(20), b"\1" * 20
    root, nodes = oracle.build({keccak(address): value or b"\0", keccak(other): b"x" * 40}, keccak)
    verdicts, found = trie.verify_accounts(root, [address], [oracle.proof(root, nodes, keccak(address))])
    assert (list(verdicts), found) == ([Verdict.MALFORMED_ITEM], [None])
    slot, slot_root = bytes(32), keccak(b"")
    items = {keccak(slot): b"\x82\0\1", slot_root: b"\1"}
    root, nodes = oracle.build(items, keccak)
    verdicts, numbers = trie.verify_storage(root, [slot], [oracle.proof(root, nodes, keccak(slot))])
    assert (list(verdicts), numbers) == ([Verdict.MALFORMED_ITEM], [0])


def test_random_tries_and_any_bit(rng: random.Random) -> None:
    """Short values (embedded nodes), shared prefixes, keys of all lengths; a bit flipped, node cut or added."""
    for round_number in range(30):
        keys = {rng.randbytes(rng.choice([1, 2, 2, 3, 32])) for _ in range(rng.randrange(1, 40))}
        keys |= {key[:-1] + bytes([key[-1] ^ 1]) for key in rng.sample(sorted(keys), len(keys) // 2)}
        items = {key: rng.randbytes(rng.choice([1, 1, 3, 40])) for key in keys}
        absent = [rng.randbytes(n) for n in (0, 1, 2, 3, 32)]
        root = check_all(items, [key for key in absent if key not in items])
        _, nodes = oracle.build(items, keccak)
        for key in [*rng.sample(sorted(items), min(len(items), 5)), rng.randbytes(2)]:
            proof = oracle.proof(root, nodes, key)
            at = rng.randrange(len(proof))
            spoilt = bytearray(proof[at])
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
            wrongs = [
                [*proof[:at], bytes(spoilt), *proof[at + 1 :]],
                [*proof, proof[-1]],
                [*proof, b""],
                proof[:-1],
                [*proof[:at], proof[at] + b"\0", *proof[at + 1 :]],
                [b"\x80", *proof],
            ]
            if len(proof) > 1:
                wrongs += [proof[1:], proof[::-1]]
            found = trie.verify_trie_batch(root, [key] * len(wrongs), wrongs)
            assert not found.verdicts.valid.any(), round_number
            assert found.values == [None] * len(wrongs)


LONG = b"v" * 40


@pytest.mark.parametrize(
    "node",
    [
        oracle.rlp([b"\x20"]),
        oracle.rlp([b"\x20", LONG, LONG]),
        oracle.rlp([b"", LONG]),  # a path without flags
        oracle.rlp([b"\x40", LONG]),  # flags that do not exist
        oracle.rlp([b"\x21", LONG]),  # padding that is not zero
        oracle.rlp([b"\x20", b""]),  # a leaf without a value
        oracle.rlp([b"\x20", [LONG]]),
        oracle.rlp([[b"\x20"], LONG]),
        oracle.rlp([b"\x00", bytes(32)]),  # an extension without a path
        oracle.rlp([b"\x11", b""]),  # ... without a child
        oracle.rlp([b"\x11", b"x" * 31]),
        oracle.rlp([b"\x11", [LONG, LONG]]),  # ... whose child should have been named by its hash
        oracle.rlp([b""] * 16),
        oracle.rlp([b""] * 18),
        oracle.rlp([b"x", *[b""] * 15, LONG]),
        oracle.rlp([[LONG], *[b""] * 15, LONG]),
        oracle.rlp([*[b""] * 16, [LONG]]),
        b"\xc2\x81\x20",  # not the shortest form
        b"\xc4\x20\xb8\x01\x61",
        b"\xf8\x03\x20\x81\xff",
        b"\xc9\x20",  # longer than it is
        b"\xfb\xff\xff\xff\xff" + LONG,
        b"\xff" + b"\xff" * 8 + LONG,
        b"\xf8\x00",
        b"\xb8\x00",
        b"",
        b"\x80\x80",
        LONG,
    ],
)
def test_nodes_that_no_trie_has(node: bytes) -> None:
    """The hash is right: only what is in the node is wrong."""
    for key in (b"", b"\x10", b"\x11"):
        found = trie.verify_trie_batch(keccak(node), [key], [[node]])
        assert list(found.verdicts) == [Verdict.MALFORMED_PROOF], (key, node.hex())


def test_short_nodes_are_embedded() -> None:
    """A node of fewer than 32 bytes that its parent names by hash is refused, even where the hashes fit."""
    leaf = oracle.rlp([b"\x31", b"v"])
    branch = oracle.rlp([*[b""] * 3, keccak(leaf), *[b""] * 13])
    found = trie.verify_trie_batch(keccak(branch), [b"\x31"], [[branch, leaf]])
    assert list(found.verdicts) == [Verdict.MALFORMED_PROOF]


def listed(root: bytes, seen: dict[bytes, bytes], key: bytes) -> list[bytes]:
    """A proof as some libraries give it: with each node that is part of its parent once more."""
    path, nodes = oracle.nibbles(key), [seen[root]]
    here = oracle.parse(seen[root])
    while isinstance(here, list) and (path or len(here) == 2):
        if len(here) == 17:
            child, path = here[path[0]], path[1:]
        else:
            flags = here[0][0] >> 4
            part = oracle.nibbles(here[0])[2 - flags % 2 :]
            if flags >= 2 or path[: len(part)] != part:
                break
            child, path = here[1], path[len(part) :]
        if isinstance(child, list):
            nodes.append(oracle.rlp(child))
        elif len(child) == 32:
            nodes.append(seen[child])
            child = oracle.parse(nodes[-1])
        here = child
    return nodes


def small_trie(rng: random.Random) -> tuple[dict[bytes, bytes], bytes, dict[bytes, bytes]]:
    """A trie with many nodes of fewer than 32 bytes."""
    items = {
        bytes(rng.choices(b"\x00\x01\x10\x11", k=rng.randint(1, 4))): rng.randbytes(rng.randint(1, 6))
        for _ in range(12)
    }
    root, seen = oracle.build(items, keccak)
    return items, root, seen


def test_embedded_nodes_that_are_listed(seed: int) -> None:
    rng, more = random.Random(seed), 0
    for _ in range(40):
        items, root, seen = small_trie(rng)
        for key in [*items, b"\x01\x01\x01\x01\x01", b"\xff"]:
            short, long = oracle.proof(root, seen, key), listed(root, seen, key)
            assert trie.verify_trie(root, key, short) == trie.verify_trie(root, key, short, embedded=True)
            assert trie.verify_trie(root, key, long, embedded=True) == items.get(key)
            if long == short:
                continue
            more += 1
            with pytest.raises(pycore.ProofError, match="is part of its parent and listed once more") as caught:
                trie.verify_trie(root, key, long)
            assert caught.value.verdict is Verdict.MALFORMED_PROOF
    assert more > 100


def test_a_listed_node_must_be_the_one_that_is_embedded(seed: int) -> None:
    """Whatever is done to such a proof, it is refused or shows what the trie has."""
    rng, refused = random.Random(seed), 0
    for _ in range(60):
        items, root, seen = small_trie(rng)
        proofs, keys = [], []
        for key in items:
            long = listed(root, seen, key)
            at = rng.randrange(len(long))
            spoilt = bytearray(long[at])
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
            other = listed(root, seen, rng.choice(list(items)))
            for nodes in (
                [*long[:at], bytes(spoilt), *long[at + 1 :]],
                [*long[: at + 1], *long[at:]],
                [*long[:at], *long[at + 1 :]],
                [*long, long[-1]],
                [*long, rng.choice(other)],
                [*long[:at], rng.choice(other), *long[at:]],
                rng.sample(long, len(long)),
            ):
                keys.append(key)
                proofs.append(nodes)
        found = trie.verify_trie_batch(root, keys, proofs, embedded=True)
        for key, verdict, value in zip(keys, found.verdicts, found.values, strict=True):
            assert value == (items[key] if verdict is Verdict.VALID else None)
        refused += int((found.verdicts.codes != Verdict.VALID).sum())
    assert refused > 1000


def test_reasons_are_in_the_words_of_tries() -> None:
    items = {bytes([i, 7]): bytes(40) for i in range(20)}
    root, seen = oracle.build(items, keccak)
    proof = oracle.proof(root, seen, b"\3\7")
    for nodes, words in (
        (proof[:-1], "nodes that end before or after the way of the key"),
        ([*proof, proof[-1]], "nodes that end before or after the way of the key"),
        ([*proof[:-1], proof[-1][:-1] + b"x"], "a node is not the one that its parent or the root names"),
    ):
        with pytest.raises(pycore.ProofError, match=words) as caught:
            trie.verify_trie(root, b"\3\7", nodes)
        assert "index" not in str(caught.value)
        assert "leaf" not in str(caught.value)
        with pytest.raises(pycore.ProofError) as caught:
            trie.verify_account(root, bytes(20), nodes)
        assert "index" not in str(caught.value)


class Attributes(dict):  # type: ignore[type-arg]
    """As web3.py's AttributeDict."""

    __getattr__ = dict.__getitem__


class Hexed(bytes):
    """As web3.py's HexBytes."""

    def __repr__(self) -> str:
        return f"HexBytes({self.hex()!r})"


def test_answers_as_web3_has_them() -> None:
    slot = (5).to_bytes(32, "big")
    storage, inside = oracle.build({keccak(slot): oracle.rlp(b"\x09")}, keccak)
    account = oracle.rlp([b"\1", b"\2", storage, trie.EMPTY_CODE])
    address = bytes(range(20))
    root, seen = oracle.build({keccak(address): account}, keccak)
    nodes, below = oracle.proof(root, seen, keccak(address)), oracle.proof(storage, inside, keccak(slot))
    texts = {
        "address": f"0x{address.hex()}",
        "accountProof": [f"0x{one.hex()}" for one in nodes],
        "storageProof": [{"key": "0x5", "value": "0x9", "proof": [f"0x{one.hex()}" for one in below]}],
    }
    entry = Attributes(key=Hexed(slot), value=Hexed(b"\x09"), proof=tuple(map(Hexed, below)))
    bare = Attributes(address=texts["address"], accountProof=tuple(map(Hexed, nodes)), storageProof=(entry,), nonce=7)
    assert trie.verify_get_proof(Hexed(root), bare) == trie.verify_get_proof(root, texts)
    assert trie.verify_get_proof(root, texts)[1] == {5: 9}
    with pytest.raises(pycore.InputError, match="response"):
        trie.verify_get_proof(root, [])  # type: ignore[arg-type]


def test_empty_tries() -> None:
    assert keccak(b"\x80") == trie.EMPTY_ROOT
    for proof in ([], [b"\x80"]):
        assert trie.verify_trie(trie.EMPTY_ROOT, b"key", proof) is None
        assert trie.verify_account(trie.EMPTY_ROOT, bytes(20), proof) is None
    for proof in ([b"\x80", b"\x80"], [b"\x80", b""]):
        assert list(trie.verify_trie_batch(trie.EMPTY_ROOT, [b""], [proof]).verdicts) == [Verdict.MALFORMED_PROOF]
    with pytest.raises(pycore.ProofError) as caught:
        trie.verify_trie(bytes(32), b"key", [])
    assert caught.value.verdict is Verdict.MALFORMED_PROOF
    assert len(trie.verify_trie_batch([], [], []).verdicts) == 0


def test_index_keys() -> None:
    assert trie.index_keys([0, 1, 127, 128, 256]) == [
        oracle.rlp(ethereum.number(hex(i))) for i in (0, 1, 127, 128, 256)
    ]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: trie.verify_trie(b"", b"", []), "root"),
        (lambda: trie.verify_trie_batch(bytes(32), [b""], []), "proofs"),
        (lambda: trie.verify_trie_batch(bytes(32), [b""], b""), "proofs"),
        (lambda: trie.verify_trie_batch(bytes(32), [b""], [b""]), "proofs[0]"),
        (lambda: trie.verify_accounts(bytes(32), [b""], [[]]), "addresses[0]"),
        (lambda: trie.verify_storage(bytes(32), [-1], [[]]), "slots[0]"),
        (lambda: trie.verify_storage(bytes(32), [b"1"], [[]]), "slots[0]"),
        (lambda: trie.index_keys([-1]), "indices[0]"),
    ],
)
def test_malformed_calls(call: Callable[[], Any], field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        call()
    assert caught.value.field == field
