"""Tries made of all their keys: the oracle's roots and proofs, for keys of every kind."""

from __future__ import annotations

import random

import pytest
from oracle import trie as oracle

import pycore
from pycore.errors import InputError
from pycore.merkle import patricia
from pycore.merkle.patricia_tree import PatriciaTrie


@pytest.mark.parametrize("hash", ["keccak256", "sm3"])
def test_roots_and_proofs(hash, seed):
    rng = random.Random(seed)
    for turn in range(60):
        sizes = ((1, 2, 2, 3, 32), (32,), (1, 2, 3))[turn % 3]
        pool = bytes((0x01, 0x10, 0x11)) if turn % 3 == 2 else bytes(range(256))
        keys = list({bytes(rng.choices(pool, k=rng.choice(sizes))) for _ in range(rng.randrange(1, 40))})
        values = [rng.randbytes(rng.choice((1, 3, 40))) for _ in keys]
        items = dict(zip(keys, values, strict=True))
        trie = PatriciaTrie(keys, values, hash=hash)
        root, seen = oracle.build(items, lambda data: pycore.hash(hash, data))
        assert trie.root == root
        for key in [*keys, *(rng.randbytes(2) for _ in range(5))]:
            assert trie.proof(key) == oracle.proof(root, seen, key)
            if hash == "keccak256":
                assert patricia.verify_trie(root, key, trie.proof(key)) == items.get(key)


def test_lists_by_number():
    values = [bytes([i % 251 + 1]) * (i % 50 + 1) for i in range(300)]
    trie = PatriciaTrie.of_list(values)
    for i in (0, 1, 127, 128, 255, 256, 299):
        key = patricia.index_keys([i])[0]
        assert patricia.verify_trie(trie.root, key, trie.proof(key)) == values[i]
    assert PatriciaTrie.of_list([]).root == patricia.EMPTY_ROOT


def test_refused():
    for keys, values in (([b"a"], []), ([b"a", b"a"], [b"x", b"y"]), ([b"a"], [b""])):
        with pytest.raises(InputError):
            PatriciaTrie(keys, values)
