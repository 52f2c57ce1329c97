"""Published digests against the oracles and against pycore: alone and in one batch of unequal messages."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest
from judge import HASHES
from readers import hashes, wycheproof

Require = Callable[[str], Path]
Count = Callable[..., None]

EVP_NAMES = {name: name for name in ("sha256", "sha512", "sha3-256", "sm3")} | {"keccak-256": "keccak256"}


def _evp(algorithm: str) -> Callable[[Path], hashes.Digests]:
    return lambda path: hashes.evp_digests(path, EVP_NAMES)[algorithm]


# (file, algorithm, reader, cases that the file holds)
FILES: list[tuple[str, str, Callable[[Path], hashes.Digests], int]] = [
    ("hash/nist_SHA256ShortMsg.rsp", "sha256", hashes.rsp, 65),
    ("hash/nist_SHA256LongMsg.rsp", "sha256", hashes.rsp, 64),
    ("hash/nist_SHA512ShortMsg.rsp", "sha512", hashes.rsp, 129),
    ("hash/nist_SHA512LongMsg.rsp", "sha512", hashes.rsp, 128),
    ("hash/nist_SHA3_256ShortMsg.rsp", "sha3-256", hashes.rsp, 137),
    ("hash/nist_SHA3_256LongMsg.rsp", "sha3-256", hashes.rsp, 100),
    ("hash/keccak256_ShortMsgKAT_256.txt", "keccak256", hashes.rsp, 256),
    ("hash/keccak256_LongMsgKAT_256.txt", "keccak256", hashes.rsp, 65),
    ("hash/nist_SHA256Monte.txt", "sha256", hashes.monte_steps, 500),
    ("hash/nist_SHA512Monte.txt", "sha512", hashes.monte_steps, 500),
    ("hash/bc_SHA3TestVectors.txt", "sha3-256", lambda path: hashes.bit_strings(path, "SHA3-256"), 2),
    ("hash/pyca_sm3_oscca.txt", "sm3", hashes.rsp, 6),
    ("hash/evpmd_sha.txt", "sha256", _evp("sha256"), 3),
    ("hash/evpmd_sha.txt", "sha512", _evp("sha512"), 4),
    ("hash/evpmd_sha.txt", "sha3-256", _evp("sha3-256"), 5),
    ("hash/evpmd_sha.txt", "keccak256", _evp("keccak256"), 3),
    ("sm/tongsuo_evpmd_sm3.txt", "sm3", _evp("sm3"), 8),
    ("sm/tongsuo_evpmd_sm3.txt", "sha512", _evp("sha512"), 1),
    ("sm/tongsuo_evpmd_sm3.txt", "sha3-256", _evp("sha3-256"), 1),
    ("hash/pyca_blake2b.txt", "blake2b-512", hashes.rsp, 7),
    ("hash/blake2-kat.json", "blake2b-512", lambda path: hashes.blake2_kat(path, "blake2b"), 256),
    ("hash/blake3_test_vectors.json", "blake3", hashes.blake3_vectors, 35),
    ("sm/openhitls_test_suite_sdv_eal_sm3.data", "sm3", hashes.openhitls_sm3, 8),
]
IDS = [f"{source} {algorithm}" for source, algorithm, _, _ in FILES]

MONTE = [
    ("hash/nist_SHA256Monte.rsp", "sha256"),
    ("hash/nist_SHA512Monte.rsp", "sha512"),
    ("hash/nist_SHA3_256Monte.rsp", "sha3-256"),
]
HMAC = [("sha256", 64), ("sha512", 128), ("sha3_256", 136), ("sm3", 64)]


@pytest.mark.vectors
@pytest.mark.parametrize(("source", "algorithm", "read", "cases"), FILES, ids=IDS)
def test_published(
    source: str,
    algorithm: str,
    read: Callable[[Path], hashes.Digests],
    cases: int,
    backend: str,
    require_vectors: Require,
    count_cases: Count,
) -> None:
    import pycore

    rows = read(require_vectors(source))
    assert len(rows) == cases
    digests = pycore.hash_batch(algorithm, [message for _, message, _ in rows])
    assert digests.shape == (cases, len(rows[0][2]))
    for (label, message, digest), row in zip(rows, digests, strict=True):
        assert row.tobytes() == digest, f"{source} {label}: in a batch"
        assert pycore.hash(algorithm, message) == digest, f"{source} {label}: alone"
    count_cases(f"{source} {algorithm}", cases, ways=2)


@pytest.mark.vectors
@pytest.mark.parametrize(("source", "algorithm", "read", "cases"), [row for row in FILES if row[1] in HASHES])
def test_oracle_agrees_with_published(
    source: str, algorithm: str, read: Callable[[Path], hashes.Digests], cases: int, require_vectors: Require
) -> None:
    rows = read(require_vectors(source))
    assert len(rows) == cases
    for label, message, digest in rows:
        if len(message) <= 4096:  # plain Python: the long ones are the core's to pass
            assert HASHES[algorithm](message) == digest, f"{source} {label}"


@pytest.mark.vectors
@pytest.mark.slow
@pytest.mark.parametrize(("source", "algorithm"), MONTE)
def test_monte_carlo(source: str, algorithm: str, backend: str, require_vectors: Require, count_cases: Count) -> None:
    """100 checkpoints of 1,000 chained hashes each (SHAVS, section 6.4; SHA3VS, section 6.2.3)."""
    import pycore

    seed, checkpoints = hashes.monte(require_vectors(source))
    assert len(checkpoints) == 100
    for number, checkpoint in enumerate(checkpoints):
        window = [seed] * 3
        for _ in range(1000):
            message = window[2] if algorithm.startswith("sha3") else b"".join(window)
            window = [window[1], window[2], pycore.hash(algorithm, message)]
        seed = window[2]
        assert seed == checkpoint, f"COUNT = {number}"
    count_cases(source, len(checkpoints))


@pytest.mark.vectors
@pytest.mark.slow
def test_one_gibibyte(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """A message whose length in bits needs more than 32 bits."""
    import pycore

    source = "hash/keccak256_ExtremelyLongMsgKAT_256.txt"
    text, repeat, digest = hashes.extremely_long(require_vectors(source))
    message = text * repeat
    assert len(message) == 2**30
    assert pycore.hash("keccak256", message) == digest
    half = memoryview(message)[: 2**29]  # 2^32 bits exactly
    assert pycore.hash("sha256", half) == hashlib.sha256(half).digest()
    count_cases(source, 1)


@pytest.mark.vectors
@pytest.mark.parametrize(("name", "block"), HMAC)
def test_hmac(name: str, block: int, backend: str, require_vectors: Require, count_cases: Count) -> None:
    """HMAC (RFC 2104) put together from batches of plain hashes: keys and messages of all lengths, published tags."""
    import pycore

    source = f"wycheproof/hmac_{name}_test.json"
    algorithm = name.replace("_", "-")
    rows = wycheproof.hmac(require_vectors(source))
    keys = [key if len(key) <= block else pycore.hash(algorithm, key) for _, key, _, _, _ in rows]

    def pad(key: bytes, byte: int) -> bytes:
        return bytes(x ^ byte for x in key.ljust(block, b"\0"))

    inner = pycore.hash_batch(algorithm, [pad(key, 0x36) + row[2] for key, row in zip(keys, rows, strict=True)])
    outer = pycore.hash_batch(
        algorithm, [pad(k, 0x5C) + digest.tobytes() for k, digest in zip(keys, inner, strict=True)]
    )
    for (label, _, _, tag, valid), digest in zip(rows, outer, strict=True):
        assert hmac.compare_digest(digest.tobytes()[: len(tag)], tag) == valid, f"{source} tcId {label}"
    count_cases(source, len(rows))


@pytest.mark.vectors
def test_hmac_sm3_of_the_standard(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """GM/T 0042-2015, appendix D.3."""
    import pycore

    source = "sm/tongsuo_evpmac_sm3.txt"
    blocks = [dict(block) for block in hashes.evp_blocks(require_vectors(source))]
    macs = [block for block in blocks if block.get("MAC") == "HMAC"]
    assert len(macs) == 4
    for block in macs:
        key = hashes.evp_value(block["Key"]).ljust(64, b"\0")
        message = hashes.evp_value(block["Input"])
        inner = pycore.hash("sm3", bytes(x ^ 0x36 for x in key) + message)
        assert pycore.hash("sm3", bytes(x ^ 0x5C for x in key) + inner) == hashes.evp_value(block["Output"])
    count_cases(source, len(macs))
