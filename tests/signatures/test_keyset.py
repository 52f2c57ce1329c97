"""KeySet finds what verify_batch finds, for every scheme, option and form."""

from __future__ import annotations

import copy
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import KeySet, Verdict
from pycore.base import ffi
from pycore.signatures.keycache import without_key_cache
from pycore.testing import generate_signatures

SCHEMES = list(pycore.SCHEMES)


@pytest.fixture(scope="module", params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_agrees_with_verify_batch(scheme: str, backend: str, rng: random.Random) -> None:
    keys, signatures, messages = generate_signatures(scheme, 400, signers=13, message_size=33, seed=1)
    distinct = keys[:13]
    indices = [i % 13 for i in range(400)]
    for i in rng.sample(range(400), 60):
        signatures[i, rng.randrange(64)] ^= 1 << rng.randrange(8)
    for i in rng.sample(range(400), 30):
        indices[i] = rng.randrange(13)
    keyset = KeySet(scheme, distinct)
    assert keyset.verdicts.all_valid
    wanted = pycore.verify_batch(scheme, distinct[indices], signatures, messages)
    assert 0 < int(wanted.valid.sum()) < 400
    for threads in (1, 2, 4):
        assert keyset.verify_batch(indices, signatures, messages, threads=threads) == wanted


def test_every_rule(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 20, seed=2)
    keyset = KeySet(scheme, keys)
    for rules in pycore.SCHEMES[scheme].rules:
        wanted = pycore.verify_batch(scheme, keys, signatures, messages, rules=rules.name)
        assert keyset.verify_batch(range(20), signatures, messages, rules=rules.name) == wanted


def _limits(scheme: str, keys: Any) -> list[int]:
    """Memory limits that give no tables, and then tables of every window that there is."""
    limits = {KeySet(scheme, keys, memory_limit=limit).window: limit for limit in (0, 2**26)}
    for step in range(40):
        limit = int(2**15 * 1.25**step)
        limits.setdefault(KeySet(scheme, keys, memory_limit=limit).window, limit)
    return list(limits.values())


def test_every_window(scheme: str, backend: str, rng: random.Random) -> None:
    keys, signatures, messages = generate_signatures(scheme, 300, signers=5, message_size=20, seed=7)
    for i in rng.sample(range(300), 60):
        signatures[i, rng.randrange(64)] ^= 1 << rng.randrange(8)
    order = rng.sample(range(300), 300)
    signers = {bytes(keys[i]): i for i in range(5)}
    indices = [signers[bytes(keys[i])] for i in order]
    wanted = pycore.verify_batch(scheme, keys[order], signatures[order], messages[order])
    windows = set()
    for limit in _limits(scheme, keys[:5]):
        keyset = KeySet(scheme, keys[:5], memory_limit=limit)
        assert keyset.nbytes <= max(limit, 4096)
        windows.add(keyset.window)
        for n in (*range(1, 34), 300):
            assert keyset.verify_batch(indices[:n], signatures[order[:n]], messages[order[:n]]) == wanted[:n]
    assert 0 in windows
    assert windows == {0} or windows >= {4, 8}


_ORDERS = {
    "ecdsa-secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "ecdsa-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "sm2": 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
}


@pytest.mark.parametrize("scheme", list(_ORDERS))
def test_sums_that_meet(scheme: str, backend: str, rng: random.Random) -> None:
    """Partial sums that are equal, opposite or infinite: u G + v d G for d = 1, -1, 2^i, 2^-i and u = a v d for small,
    negative and random a."""
    n = _ORDERS[scheme]
    secrets = [1, 2, 3, n - 1, n - 2, *(pow(2, i, n) for i in (5, 8, 12, 24, 128, 255)), pow(2, -8, n), pow(2, -96, n)]
    keys = np.zeros((len(secrets), 65), dtype=np.uint8)
    raw = b"".join(secret.to_bytes(32, "big") for secret in secrets)
    ffi.testing_public_keys(pycore.SCHEMES[scheme].id, pycore.batch(raw, width=32), keys)
    indices, signatures, digests = [], [], []
    for which, d in enumerate(secrets):
        for a in (0, 1, -1, 2, -2, pow(2, 12, n), pow(2, -12, n), rng.randrange(n)):
            for v in (1, 2, 2**12, n - 1, (n + 1) // 2, rng.randrange(1, n)):
                u = a * v * d % n
                # ECDSA: u = e / s, v = r / s. SM2: u = s, v = r + s.
                r, s, e = (v, 1, u) if scheme != "sm2" else ((v - u) % n, u, rng.randrange(n))
                if r == 0 or s == 0:
                    continue
                indices.append(which)
                signatures.append(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
                digests.append(e.to_bytes(32, "big"))
    order = rng.sample(range(len(indices)), len(indices))
    indices, signatures, digests = ([given[i] for i in order] for given in (indices, signatures, digests))
    with without_key_cache(), pycore.use_backend("portable"):
        wanted = pycore.verify_batch(scheme, keys[indices], signatures, digests, prehashed=True)
    for limit in _limits(scheme, keys):
        keyset = KeySet(scheme, keys, memory_limit=limit)
        assert keyset.verify_batch(indices, signatures, digests, prehashed=True) == wanted
        assert keyset.verify_batch(indices[:9], signatures[:9], digests[:9], prehashed=True) == wanted[:9]


def test_many_keys_take_no_tables(scheme: str) -> None:
    """100,000 keys: too many for tables within the default limit, and neither slower nor larger for it."""
    few, signatures, messages = generate_signatures(scheme, 64, signers=64, message_size=8, seed=11)
    keys = np.repeat(few, 100_000 // 64, axis=0)
    keyset = KeySet(scheme, keys)
    assert (keyset.window, len(keyset)) == (0, len(keys))
    assert keyset.nbytes < 2**24
    rows = np.arange(64) * (100_000 // 64) + 7
    assert keyset.verify_batch(rows, signatures, messages).all_valid


@pytest.mark.parametrize("limit", [-1, True, 1.5, "64"])
def test_memory_limit_is_bytes(limit: Any) -> None:
    with pytest.raises(pycore.InputError, match="memory_limit"):
        KeySet("sm2", [], memory_limit=limit)


def test_malformed_keys_spoil_only_themselves(scheme: str, backend: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 9, seed=3)
    given = [bytes(key) for key in keys]
    given[0], given[4], given[8] = b"", given[4][:-1], given[8] + b"\0"
    keyset = KeySet(scheme, given)
    bad = Verdict.MALFORMED_KEY
    wanted = [bad if i in (0, 4, 8) else Verdict.VALID for i in range(9)]
    assert list(keyset.verdicts) == wanted
    assert list(keyset.verify_batch(range(9), signatures, messages)) == wanted
    assert repr(keyset) == f"KeySet({scheme!r}, 9 keys, 3 malformed)"


def test_the_set_does_not_look_at_the_keys_again(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 3, seed=4)
    mine = keys.copy()
    keyset = KeySet(scheme, mine)
    mine[:] = 0
    assert keyset.verify_batch([0, 1, 2], signatures, messages).all_valid


def test_options() -> None:
    keys, signatures, messages = generate_signatures("sm2", 5, seed=5, user_id=b"alice")
    keyset = KeySet("sm2", keys)
    order = [4, 3, 2, 1, 0]
    assert keyset.verify_batch(order, signatures[order], messages[order], user_id=b"alice").all_valid
    assert not keyset.verify_batch(order, signatures[order], messages[order]).valid.any()
    keys, signatures, messages = generate_signatures("ecdsa-p256", 5, seed=5, hash="keccak256")
    keyset = KeySet("ecdsa-p256", keys)
    assert keyset.verify_batch(range(5), signatures, messages, hash="keccak256").all_valid
    digests = pycore.hash_batch("keccak256", messages)
    assert keyset.verify_batch(range(5), signatures.tobytes(), digests.tobytes(), prehashed=True).all_valid
    assert keyset.verify_batch(range(5), signatures, messages.tobytes(), hash="keccak256", width=32).all_valid


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.uint64])
def test_index_dtypes(dtype: Any) -> None:
    keys, signatures, messages = generate_signatures("ecdsa-secp256k1", 4, seed=6)
    keyset = KeySet("ecdsa-secp256k1", keys)
    assert keyset.verify_batch(np.arange(4, dtype=dtype), signatures, messages).all_valid
    assert keyset.verify_batch(np.arange(8, dtype=dtype)[::2] // 2, signatures, messages).all_valid


def test_empty() -> None:
    empty = KeySet("sm2", [])
    assert len(empty) == 0
    assert empty.verdicts.all_valid
    assert len(empty.verify_batch([], [], [])) == 0
    with pytest.raises(pycore.InputError):
        empty.verify_batch([0], [bytes(64)], [b""])


@pytest.mark.parametrize(
    ("indices", "field", "got", "wanted"),
    [
        ([0, 3], "key_indices[1]", "3", "an index from 0 to 2"),
        ([-1, 0], "key_indices[0]", "-1", "an index from 0 to 2"),
        ([2**32, 0], "key_indices[0]", str(2**32), "an index from 0 to 2"),
        ([0.0, 1.0], "key_indices", "float64 array of shape (2,)", "integers of shape (n,)"),
        ([True, False], "key_indices", "bool array of shape (2,)", "integers of shape (n,)"),
        ([[0, 1]], "key_indices", "int64 array of shape (1, 2)", "integers of shape (n,)"),
        ("01", "key_indices", "<U2 array of shape ()", "integers of shape (n,)"),
        ([0], "signatures", "2 items", "1, as many as key_indices"),
        ([0, 1, 2], "signatures", "2 items", "3, as many as key_indices"),
    ],
)
def test_malformed_calls(indices: Any, field: str, got: str, wanted: str) -> None:
    keyset = KeySet("ed25519", np.zeros((3, 32), np.uint8))
    with pytest.raises(pycore.InputError) as caught:
        keyset.verify_batch(indices, np.zeros((2, 64), np.uint8), [b"", b""])
    assert (caught.value.field, caught.value.got, caught.value.wanted) == (field, got, wanted)


def test_malformed_sets() -> None:
    for scheme, keys, field in [
        ("rsa", [], "scheme"),
        ("ed25519", np.zeros((1, 31), np.uint8), "public_keys"),
        ("sm2", bytes(65), "public_keys"),
        ("sm2", None, "public_keys"),
    ]:
        with pytest.raises(pycore.InputError) as caught:
            KeySet(scheme, keys)
        assert caught.value.field == field


def test_memory_is_reported_and_grows() -> None:
    keys = generate_signatures("ecdsa-p256", 64, seed=7)[0]
    few, many = KeySet("ecdsa-p256", keys[:1]), KeySet("ecdsa-p256", keys)
    assert 0 < few.nbytes < many.nbytes
    assert many.nbytes >= 64 * 64


def test_copies_and_pickles() -> None:
    keyset = KeySet("sm2", generate_signatures("sm2", 2, seed=8)[0])
    assert copy.copy(keyset) is keyset
    assert copy.deepcopy([keyset])[0] is keyset
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(keyset)


def test_shared_by_threads() -> None:
    keys, signatures, messages = generate_signatures("schnorr-secp256k1", 200, signers=5, seed=9)
    keyset = KeySet("schnorr-secp256k1", keys[:5])
    indices = np.arange(200) % 5

    def call(turn: int) -> int | None:
        mine = signatures.copy()
        mine[turn, 40] ^= 1
        return keyset.verify_batch(indices, mine, messages, threads=1 + turn % 3).first_invalid()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(call, range(30))) == list(range(30))
