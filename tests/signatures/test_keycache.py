"""Keys that come back get tables on their own; verdicts are those of the plain path, and memory stays in bounds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pycore
from pycore.base import ffi
from pycore.base.columns import as_column
from pycore.signatures import batch, ffi_keys, keycache
from pycore.testing import generate_signatures

SCHEMES = list(pycore.SCHEMES)


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A separate cache for every test, which takes a key that comes twice."""
    monkeypatch.setattr(keycache, "_cache", keycache.KeyCache(2**26, often=2))


def _plain(*arguments: Any, **options: Any) -> pycore.Verdicts:
    """verify_batch without the cache."""
    before = pycore.key_cache_stats()
    with keycache.without_key_cache():
        verdicts = pycore.verify_batch(*arguments, **options)
    assert pycore.key_cache_stats() == before
    return verdicts


def _items(keys: Any) -> ffi_keys.Items:
    """For looking up keys alone."""
    column = as_column(keys, "keys")
    return ffi_keys.Items(column, column, column)


def _spoil(signatures: Any, rng: random.Random, count: int) -> None:
    for i in rng.sample(range(len(signatures)), count):
        signatures[i, rng.randrange(64)] ^= 1 << rng.randrange(8)


def test_returning_keys_get_tables(scheme: str, backend: str, rng: random.Random) -> None:
    keys, signatures, messages = generate_signatures(scheme, 90, signers=9, message_size=21, seed=1)
    _spoil(signatures, rng, 20)
    for rules in pycore.SCHEMES[scheme].rules:
        wanted = _plain(scheme, keys, signatures, messages, rules=rules.name)
        for _ in range(3):
            assert pycore.verify_batch(scheme, keys, signatures, messages, rules=rules.name) == wanted
            for n in (1, 2, 5, 17, 33):
                assert (
                    pycore.verify_batch(scheme, keys[:n], signatures[:n], messages[:n], rules=rules.name) == wanted[:n]
                )
    stats = pycore.key_cache_stats()
    assert (stats.keys, stats.promotions, stats.evictions) == (9, 9, 0)
    assert stats.hits > 90 * 2
    assert 9 * 2**14 < stats.nbytes < 2**24
    assert pycore.capabilities().key_cache.keys == 9


@pytest.mark.parametrize("n", [1, 2, 5, ffi_keys.FEW, ffi_keys.FEW + 1])
def test_lists_of_a_few(scheme: str, n: int, backend: str, rng: random.Random) -> None:
    """They are joined, not made columns: the same verdicts, whatever part of the keys is known."""
    keys, signatures, messages = generate_signatures(scheme, 3 * n, signers=3 * n, message_size=21, seed=9)
    _spoil(signatures, rng, n)
    columns = [[row.tobytes() for row in column] for column in (keys, signatures, messages)]
    columns[1][0] += b"!"
    columns[0][1] = columns[0][1][:-1]
    wanted = _plain(scheme, *map(tuple, columns))
    for start in (0, 0, 0, n // 2, n // 2, n, 2 * n, 2 * n, 0):  # strangers, known ones, and both
        part = slice(start, start + n)
        assert pycore.verify_batch(scheme, *(column[part] for column in columns)) == wanted[part]
    stats = pycore.key_cache_stats()
    assert stats.hits > 0
    assert stats.keys == stats.promotions > 0
    assert stats.hits + stats.misses == 9 * n


def test_known_and_unknown_keys_in_one_batch(scheme: str, rng: random.Random) -> None:
    keys, signatures, messages = generate_signatures(scheme, 120, signers=60, message_size=5, seed=2)
    known = [i for i in range(120) if i % 60 % 3 == 0]
    for _ in range(3):
        assert pycore.verify_batch(scheme, keys[known], signatures[known], messages[known]).all_valid
    assert pycore.key_cache_stats().keys == 20
    _spoil(signatures, rng, 30)
    ragged = [bytes(message) * rng.randrange(1, 4) for message in messages]
    for contents in (messages, ragged):
        wanted = _plain(scheme, keys, signatures, contents)
        order = rng.sample(range(120), 120)
        texts = [bytes(contents[i]) for i in order]
        before = pycore.key_cache_stats().hits
        assert pycore.verify_batch(scheme, keys[order], signatures[order], texts) == pycore.Verdicts(
            wanted.codes[order]
        )
        assert pycore.key_cache_stats().hits > before
        for threads in (1, 2, 4):
            assert pycore.verify_batch(scheme, keys, signatures, contents, threads=threads) == wanted


def test_malformed_keys_are_never_kept(scheme: str, rng: random.Random) -> None:
    keys, signatures, messages = generate_signatures(scheme, 12, signers=3, message_size=5, seed=3)
    given = [bytes(key) for key in keys]
    # no point, wrong lengths, wrong first bytes - and the same bad bytes again and again
    bad = [b"", given[0][:-1], given[0] + b"\0", bytes(len(given[0])), b"\xff" * len(given[0]), rng.randbytes(32)]
    batch = [bad[i % len(bad)] if i % 2 else given[i] for i in range(12)]
    wanted = _plain(scheme, batch, signatures, messages)
    for _ in range(8):
        assert pycore.verify_batch(scheme, batch, signatures, messages) == wanted
    shelf = next(iter(keycache.key_cache()._shelves.values()))
    kept = set(shelf.slots)
    good = {
        key
        for key in batch
        if _plain(scheme, [key], signatures[:1], messages[:1])[0] is not pycore.Verdict.MALFORMED_KEY
    }
    assert kept <= good
    assert {given[0], given[2]} <= kept


@pytest.mark.parametrize("scheme", ["ecdsa-secp256k1", "ecdsa-p256", "sm2"])
def test_encodings_of_one_point_are_entries_of_their_own(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 10, signers=1, message_size=9, seed=4)
    long = bytes(keys[0])
    forms = [long, bytes([2 + (long[64] & 1)]) + long[1:33]] + ([long[1:]] if scheme == "sm2" else [])
    wrong = bytes([3 - (long[64] & 1)]) + long[1:33]  # the other point with this x
    for _ in range(4):
        for form in forms:
            assert pycore.verify_batch(scheme, [form] * 10, signatures, messages).all_valid
        verdicts = pycore.verify_batch(scheme, [wrong] * 10, signatures, messages)
        assert set(verdicts) == {pycore.Verdict.BAD_SIGNATURE}
    assert pycore.key_cache_stats().keys == len(forms) + 1


def test_rules_look_at_the_bytes_of_a_kept_key() -> None:
    """Ed25519 keys that only some rule sets take: the table says nothing about that."""
    identity, minus_zero = b"\1" + bytes(31), b"\1" + bytes(30) + b"\x80"
    non_canonical = (2**255 - 19 + 1).to_bytes(32, "little")  # y = p + 1
    order_four = bytes(32)
    # R = identity, S = 0: holds whatever k is for keys of order one, and under the cofactor for all of these
    signature = identity + bytes(32)
    keys = [identity, minus_zero, non_canonical, order_four] * 4
    messages = [bytes([i]) for i in range(16)]
    for rules in pycore.SCHEMES["ed25519"].rules:
        wanted = _plain("ed25519", keys, [signature] * 16, messages, rules=rules.name)
        for _ in range(3):
            assert pycore.verify_batch("ed25519", keys, [signature] * 16, messages, rules=rules.name) == wanted
    assert pycore.key_cache_stats().keys == 4


def test_user_ids_of_a_kept_key() -> None:
    alice = generate_signatures("sm2", 8, signers=2, message_size=9, seed=5, user_id=b"alice")
    bob = generate_signatures("sm2", 8, signers=2, message_size=9, seed=5, user_id=b"bob")
    assert np.array_equal(alice[0], bob[0])
    for _ in range(3):
        assert pycore.verify_batch("sm2", *alice, user_id=b"alice").all_valid
        assert pycore.verify_batch("sm2", *bob, user_id=b"bob").all_valid
        assert not pycore.verify_batch("sm2", *alice, user_id=b"bob").valid.any()
    assert pycore.key_cache_stats().hits > 0


def test_memory_stays_within_the_limit(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 300, signers=300, message_size=3, seed=6)
    limit = 6 * 2**20
    pycore.set_key_cache(limit)
    for _ in range(6):
        assert pycore.verify_batch(scheme, keys[:150], signatures[:150], messages[:150]).all_valid
        assert pycore.key_cache_stats().nbytes <= limit
    stats = pycore.key_cache_stats()
    held = sum(
        table.size for shelf in keycache.key_cache()._shelves.values() for table in shelf.tables if table is not None
    )
    assert stats.keys > 30
    assert stats.nbytes == held
    full = stats.keys
    # the same keys round and round: more than fit, and nobody is thrown out
    assert stats.evictions == 0
    # others instead: the old ones are forgotten after a while
    for _ in range(60):
        assert pycore.verify_batch(scheme, keys[150:], signatures[150:], messages[150:]).all_valid
        assert pycore.key_cache_stats().nbytes <= limit
    stats = pycore.key_cache_stats()
    assert 0 < stats.evictions == stats.promotions - stats.keys
    assert stats.keys >= full - 1
    pycore.set_key_cache(0)
    assert (pycore.key_cache_stats().keys, pycore.key_cache_stats().nbytes) == (0, 0)
    before = pycore.key_cache_stats()
    assert pycore.verify_batch(scheme, keys, signatures, messages).all_valid
    assert pycore.key_cache_stats() == before


def test_schemes_share_the_memory() -> None:
    pycore.set_key_cache(5 * 2**20)
    first = generate_signatures("sm2", 200, signers=100, message_size=3, seed=7)
    second = generate_signatures("ecdsa-p256", 200, signers=100, message_size=3, seed=7)
    for _ in range(4):
        assert pycore.verify_batch("sm2", *first).all_valid
    assert pycore.key_cache_stats().keys > 30
    for _ in range(80):
        assert pycore.verify_batch("ecdsa-p256", *second).all_valid
        assert pycore.key_cache_stats().nbytes <= 5 * 2**20
    shelves = {shelf.scheme: len(shelf.slots) for shelf in keycache.key_cache()._shelves.values()}
    assert shelves[pycore.SCHEMES["ecdsa-p256"].id] > 10


def test_distinct_keys_are_not_kept() -> None:
    cache = keycache.KeyCache(2**26, often=8)
    row = pycore.SCHEMES["sm2"]
    backend = ffi.backend_pick(ffi.KIND_SCHEME, row.id, 1024)
    rng = np.random.default_rng(8)
    for _ in range(300):
        assert cache.find(backend, row, _items(rng.integers(0, 256, (1024, 65), dtype=np.uint8))) is None
    stats = cache.stats()
    assert (stats.keys, stats.hits, stats.misses) == (0, 0, 300 * 1024)


def test_many_threads(scheme: str) -> None:
    """Look-ups, promotions and evictions at once, in far too little memory."""
    pycore.set_key_cache(2 * 2**20)
    keys, signatures, messages = generate_signatures(scheme, 400, signers=200, message_size=7, seed=9)
    signatures[::7, 40] ^= 1
    wanted = _plain(scheme, keys, signatures, messages)

    def work(seed: int) -> bool:
        rng = random.Random(seed)
        for _ in range(40):
            low = rng.randrange(0, 380)
            part = slice(low, low + rng.randrange(1, 20))
            rows = [i for i in range(400)[part] for _ in range(2)]
            verdicts = pycore.verify_batch(scheme, keys[rows], signatures[rows], messages[rows], threads=1)
            if verdicts != pycore.Verdicts(wanted.codes[rows]):
                return False
            if pycore.key_cache_stats().nbytes > 2 * 2**20:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))
    assert pycore.key_cache_stats().promotions > 10


def test_a_call_keeps_the_tables_that_it_found() -> None:
    keys, signatures, messages = generate_signatures("ecdsa-p256", 8, signers=2, message_size=7, seed=10)
    cache, row = keycache.key_cache(), pycore.SCHEMES["ecdsa-p256"]
    for _ in range(3):
        pycore.verify_batch("ecdsa-p256", keys, signatures, messages)
    backend = ffi.backend_pick(ffi.KIND_SCHEME, row.id, 8)
    found = cache.find(backend, row, _items(keys))
    assert found is not None
    pycore.set_key_cache(0)
    junk = [np.full(100_000, 0xAA, np.uint8) for _ in range(50)]
    options = batch.Options.check(
        row,
        rules=None,
        prehashed=False,
        user_id=pycore.DEFAULT_USER_ID,
        hash=None,
        encoding="compact",
        der_rules="strict",
    )
    known = ffi_keys.KnownKeys(found.shelf.cache.keyset, backend, found.slots)
    items = ffi_keys.Items(None, as_column(signatures, "s"), as_column(messages, "m"))
    codes = batch.by_set(options, known, items, 1)
    assert (codes == 1).all()
    assert len(junk) == 50


@pytest.mark.parametrize("limit", [-1, True, 1.5, "64"])
def test_limit_is_bytes(limit: Any) -> None:
    with pytest.raises(pycore.InputError, match="memory_limit"):
        pycore.set_key_cache(limit)


@pytest.mark.parametrize(
    ("value", "answer"), [("", str(2**26)), ("0", "0"), ("123456", "123456"), ("-1", "refused"), ("many", "refused")]
)
def test_environment(value: str, answer: str) -> None:
    code = (
        "import os, pycore\n"
        "try: print(pycore.key_cache_stats().memory_limit)\n"
        "except pycore.InputError as error: print('refused' if error.field == 'PYCORE_KEY_CACHE' else error)\n"
    )
    environment = {**os.environ, "PYCORE_KEY_CACHE": value}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == answer
