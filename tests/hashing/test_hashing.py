"""hash and hash_batch against hashlib and pycryptodome, and what they refuse."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import blake3
import numpy as np
import pytest
from Crypto.Hash import RIPEMD160, keccak
from gmssl import sm3 as gmssl_sm3
from hypothesis import given
from hypothesis import strategies as st

import pycore


def _keccak256(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def _sm3(data: bytes) -> bytes:
    return bytes.fromhex(gmssl_sm3.sm3_hash(list(data)))


def _ripemd160(data: bytes) -> bytes:
    return RIPEMD160.new(data).digest()


PEERS: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha256d": lambda data: hashlib.sha256(hashlib.sha256(data).digest()).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
    "sha3-256": lambda data: hashlib.sha3_256(data).digest(),
    "keccak256": _keccak256,
    "sm3": _sm3,
    "ripemd160": _ripemd160,
    "hash160": lambda data: _ripemd160(hashlib.sha256(data).digest()),
    "blake2b-256": lambda data: hashlib.blake2b(data, digest_size=32).digest(),
    "blake2b-512": lambda data: hashlib.blake2b(data).digest(),
    "blake3": lambda data: bytes(blake3.blake3(data).digest()),
}


def test_every_hash_of_the_registry_has_a_peer() -> None:
    assert set(PEERS) == set(pycore.HASHES)


@pytest.mark.parametrize("name", PEERS)
def test_every_length_around_the_blocks(name: str, backend: str, rng: random.Random) -> None:
    longest = 3 * pycore.HASHES[name].block_size + 2
    messages = [rng.randbytes(length) for length in range(longest)]
    digests = pycore.hash_batch(name, messages)
    assert digests.dtype == np.uint8
    assert digests.shape == (longest, pycore.HASHES[name].digest_size)
    assert digests.flags.c_contiguous
    assert digests.flags.writeable
    for message, digest in zip(messages, digests, strict=True):
        assert digest.tobytes() == PEERS[name](message), len(message)
        assert pycore.hash(name, message) == digest.tobytes()


@pytest.mark.parametrize("name", PEERS)
def test_unequal_neighbours(name: str, backend: str, rng: random.Random) -> None:
    """Messages of very different lengths side by side: a scheduler that mixes lanes up shows here."""
    lengths = [0, 5000, 1, 63, 64, 65, 0, 0, 12_000, 111, 112, 135, 136, 137] * 5
    rng.shuffle(lengths)
    messages = [rng.randbytes(length) for length in lengths]
    wanted = b"".join(PEERS[name](message) for message in messages)
    assert pycore.hash_batch(name, messages).tobytes() == wanted


@given(st.sampled_from(sorted(set(PEERS) - {"sm3"})), st.lists(st.binary(max_size=300), max_size=20))
def test_random_batches(name: str, messages: list[bytes]) -> None:
    assert pycore.hash_batch(name, messages).tobytes() == b"".join(map(PEERS[name], messages))


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("name", ["sha256", "keccak256"])
def test_threads_change_nothing(name: str, threads: int, rng: random.Random) -> None:
    messages = [rng.randbytes(rng.choice([0, 10, 100, 3000])) for _ in range(1500)]
    messages[700] = rng.randbytes(2_000_000)
    wanted = b"".join(map(PEERS[name], messages))
    assert pycore.hash_batch(name, messages, threads=threads).tobytes() == wanted


def test_one_message_of_many_megabytes() -> None:
    message = bytes(range(256)) * (4 << 12)
    assert pycore.hash("sha512", message) == hashlib.sha512(message).digest()


@pytest.mark.parametrize("chunks", [2, 3, 255, 256, 257, 512, 513, 1000, 1025])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_trees_of_blake3(chunks: int, more: int, backend: str, rng: random.Random) -> None:
    """Around whole numbers of chunks of 1,024 bytes and of subtrees of 256; alone, and between short messages."""
    message = rng.randbytes(1024 * chunks + more)
    wanted = blake3.blake3(message).digest()
    assert pycore.hash("blake3", message) == wanted
    batch = [b"", message[:1025], message, message[:1024], message[:5000], message[:64]]
    assert pycore.hash_batch("blake3", batch).tobytes() == b"".join(map(PEERS["blake3"], batch))


@pytest.mark.parametrize("message", [b"abc", bytearray(b"abc"), memoryview(b"abc"), np.frombuffer(b"abc", np.uint8)])
def test_single_forms(message: Any) -> None:
    assert pycore.hash("sha256", message) == hashlib.sha256(b"abc").digest()


@pytest.mark.parametrize(
    ("algorithm", "message", "field"),
    [
        ("sha-256", b"", "algorithm"),
        ("SHA256", b"", "algorithm"),
        (None, b"", "algorithm"),
        (b"sha256", b"", "algorithm"),
        (["sha256"], b"", "algorithm"),
        ("sha256", "abc", "message"),
        ("sha256", [b"abc"], "message"),
        ("sha256", None, "message"),
        ("sha256", memoryview(b"abcd")[::2], "message"),
        ("sha256", np.zeros((2, 2), np.uint8), "message"),
    ],
)
def test_malformed_single(algorithm: Any, message: Any, field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.hash(algorithm, message)
    assert caught.value.field == field


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(pycore.UnknownNameError) as caught:
        pycore.hash_batch("md5", [])
    assert caught.value.got == "'md5'"
    assert all(repr(name) in caught.value.wanted for name in pycore.HASHES)


@pytest.mark.parametrize("n", [1, 2, 16, 17, 256, 257])
@pytest.mark.parametrize("size", [0, 1, 64, 512, 513])
def test_small_calls_take_the_same_way(backend: str, n: int, size: int) -> None:
    """The usual forms of a small batch take a shorter way, with the same results as a column."""
    del backend
    rows = np.random.default_rng(n * 1000 + size).integers(0, 256, (n, size), dtype=np.uint8)
    listed = [row.tobytes() for row in rows]
    wanted = pycore.hash_batch("sha256", pycore.batch(listed))
    wide = np.zeros((n, size + 3), np.uint8)
    wide[:, :size] = rows
    forms: list[Any] = [listed, tuple(listed), rows, wide[:, :size], wide[::-1, :size][::-1]]
    forms += [rows.view(type("Sub", (np.ndarray,), {})), [bytearray(one) for one in listed]]
    for form in forms:
        assert np.array_equal(pycore.hash_batch("sha256", form), wanted)
    ragged = [one[: max(len(one) - i % 3, 0)] for i, one in enumerate(listed)]
    assert np.array_equal(pycore.hash_batch("sha256", ragged), pycore.hash_batch("sha256", pycore.batch(ragged)))
    if size:
        joined = b"".join(listed)
        for one in (joined, bytearray(joined), memoryview(joined)):
            assert np.array_equal(pycore.hash_batch("sha256", one, width=size), wanted)
        assert np.array_equal(pycore.hash_batch("sha256", joined, width=np.int64(size)), wanted)


@pytest.mark.parametrize(
    ("messages", "width"),
    [
        (b"abc", None),
        (b"abc", 2),
        (b"abc", 0),
        (b"abc", -3),
        (b"abc", True),
        (b"abc", 1.0),
        ([b"abc", "abc"], None),
        ([1], None),
        ([b"abc"], 3),
        (np.zeros((2, 2), np.int8), None),
        (np.zeros((2, 2), np.uint16), None),
        (np.zeros((2, 2), np.uint8, order="F"), None),
        (np.zeros(4, np.uint8), None),
        (np.zeros((2, 2, 2), np.uint8), None),
    ],
)
def test_small_calls_refuse_the_same(messages: Any, width: Any) -> None:
    with pytest.raises(pycore.InputError) as fast:
        pycore.hash_batch("sha256", messages, width=width)
    with pytest.raises(pycore.InputError) as slow:
        pycore.hash_batch("sha256", messages, width=width, threads=1)
    assert str(fast.value) == str(slow.value)


@pytest.mark.parametrize("algorithm", sorted(pycore.HASHES))
def test_a_message_in_pieces(backend: str, algorithm: str) -> None:
    """Every cut gives the digest of the whole, digests on the way and copies do not disturb it."""
    del backend
    rng = random.Random(algorithm)
    for total in (0, 1, 63, 64, 65, 127, 128, 129, 136, 137, 1024, 1025, 5000, 262144, 262145, 700001):
        message = rng.randbytes(total)
        hasher, at = pycore.Hasher(algorithm), 0
        while at < total:
            part = rng.choice([0, 1, 13, 64, 136, 1024, 200_000])
            piece: Any = message[at : at + part]
            forms: list[Any] = [piece, bytearray(piece), memoryview(piece), np.frombuffer(piece, np.uint8)]
            hasher.update(rng.choice(forms))
            at += len(piece)
            if rng.random() < 0.02:
                assert hasher.digest() == pycore.hash(algorithm, message[:at])
            if rng.random() < 0.2:
                other, hasher = hasher, hasher.copy()
                other.update(b"elsewhere")
        assert hasher.digest() == pycore.hash(algorithm, message), total
        assert hasher.hexdigest() == hasher.digest().hex()


def test_hasher_describes_itself_and_refuses() -> None:
    hasher = pycore.Hasher("sha256", b"ab")
    assert (hasher.name, hasher.digest_size, hasher.block_size) == ("sha256", 32, 64)
    assert repr(hasher) == "Hasher('sha256')"
    with pytest.raises(pycore.InputError, match="algorithm"):
        pycore.Hasher("md5")
    for wrong in ("c", None, 3, [b"c"], np.zeros((2, 2), np.uint8), np.zeros(4, np.int64), memoryview(b"abcd")[::2]):
        with pytest.raises(pycore.InputError, match="data"):
            hasher.update(wrong)  # type: ignore[arg-type]
    hasher.update(b"c")
    assert hasher.digest() == hashlib.sha256(b"abc").digest()


def test_hasher_among_threads() -> None:
    hasher, pieces = pycore.Hasher("sha256"), [b"x" * 1_000_003] * 40
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hasher.update, pieces))
    assert hasher.digest() == hashlib.sha256(b"x" * 40_000_120).digest()
