"""verify_batch, verify and recover_batch: positions, forms, threads, and malformed calls.

The verdicts themselves are compared with published vectors and with other libraries elsewhere.
"""

from __future__ import annotations

import hashlib
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import Verdict
from pycore.testing import generate_signatures

SCHEMES = list(pycore.SCHEMES)
WITH_DER = [name for name, row in pycore.SCHEMES.items() if row.takes_der]
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module", params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def signed(scheme: str) -> Batch:
    """300 valid signatures by 300 keys."""
    return generate_signatures(scheme, 300, message_size=45, seed=7)


def der(signature: bytes) -> bytes:
    def integer(value: bytes) -> bytes:
        body = value.lstrip(b"\0") or b"\0"
        body = b"\0" + body if body[0] & 0x80 else body
        return b"\x02" + bytes([len(body)]) + body

    body = integer(signature[:32]) + integer(signature[32:])
    return b"\x30" + bytes([len(body)]) + body


# ---- verdicts stay with their items ---------------------------------------------------------------------------------


def test_all_valid(scheme: str, signed: Batch, backend: str) -> None:
    verdicts = pycore.verify_batch(scheme, *signed)
    assert verdicts.all_valid
    assert len(verdicts) == 300


def test_every_position(scheme: str, signed: Batch, backend: str) -> None:
    """An invalid item at every place of batches around the sizes where chunks and lanes end."""
    keys, signatures, messages = ([bytes(row) for row in column] for column in signed)
    for n in SIZES:
        for i in range(n):
            k, s, m = list(keys[:n]), list(signatures[:n]), list(messages[:n])
            wanted = np.ones(n, np.uint8)
            kind = (i + n) % 5  # every place sees every kind over the sizes
            if kind == 0:
                m[i], wanted[i] = m[i] + b"!", Verdict.BAD_SIGNATURE
            elif kind == 1:
                s[i], wanted[i] = s[i][:-1], Verdict.MALFORMED_SIGNATURE
            elif kind == 2:
                s[i], wanted[i] = s[i] + b"\0", Verdict.MALFORMED_SIGNATURE
            elif kind == 3:
                k[i], wanted[i] = b"", Verdict.MALFORMED_KEY
            else:
                k[i], wanted[i] = k[i][:-1], Verdict.MALFORMED_KEY
            codes = pycore.verify_batch(scheme, k, s, m, threads=1).codes
            assert codes.tolist() == wanted.tolist(), (n, i)


def test_single_equals_batch(scheme: str, signed: Batch, rng: random.Random) -> None:
    keys, signatures, messages = ([bytearray(row) for row in column] for column in signed)
    for i in range(0, 300, 2):
        column = rng.choice([keys, signatures, messages])
        column[i][rng.randrange(len(column[i]))] ^= 1 << rng.randrange(8)
    verdicts = pycore.verify_batch(scheme, keys, signatures, messages)
    assert not verdicts.valid[::2].any()
    assert verdicts.valid[1::2].all()
    for i, verdict in enumerate(verdicts):
        if verdict is Verdict.VALID:
            assert pycore.verify(scheme, keys[i], signatures[i], messages[i]) is None
            continue
        with pytest.raises(pycore.InvalidSignature) as caught:
            pycore.verify(scheme, keys[i], signatures[i], messages[i])
        assert caught.value.verdict is verdict
        assert caught.value.index is None


def test_threads_change_nothing(scheme: str, rng: random.Random) -> None:
    keys, signatures, messages = generate_signatures(scheme, 1100, signers=9, message_size=100, seed=3)
    for i in rng.sample(range(1100), 90):
        signatures[i, rng.randrange(64)] ^= 1
    whole = pycore.verify_batch(scheme, keys, signatures, messages, threads=1)
    assert 0 < int(whole.valid.sum()) < 1100
    for threads in (2, 3, 4, 16):
        assert pycore.verify_batch(scheme, keys, signatures, messages, threads=threads) == whole
    for n in (0, 1, 63, 64, 65, 257):
        part = pycore.verify_batch(scheme, keys[:n], signatures[:n], messages[:n], threads=4)
        assert part == whole[:n]


def test_concurrent_callers(signed: Batch, scheme: str) -> None:
    keys, signatures, messages = signed

    def call(turn: int) -> bool:
        mine = messages.copy()
        mine[turn % 300, 0] ^= 1
        verdicts = pycore.verify_batch(scheme, keys, signatures, mine, threads=1 + turn % 4)
        return verdicts.first_invalid() == turn % 300 and int(verdicts.valid.sum()) == 299

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(32)))


def test_lists_that_change_during_the_call(scheme: str, signed: Batch) -> None:
    """Which of two messages the call sees is open then; it reads nothing else, and the neighbour does not move."""
    keys, signatures, messages = ([row.tobytes() for row in column[:2]] for column in signed)
    text, stop = messages[0], threading.Event()

    def change() -> None:
        while not stop.is_set():
            messages[0] = text * 40
            messages[0] = text

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(150):
            codes = pycore.verify_batch(scheme, keys, signatures, messages).codes.tolist()
            assert codes[1] == Verdict.VALID
            assert codes[0] in (Verdict.VALID, Verdict.BAD_SIGNATURE)
    finally:
        stop.set()
        changing.join()
        sys.setswitchinterval(interval)
    assert pycore.verify_batch(scheme, keys, signatures, messages).all_valid


# ---- forms ----------------------------------------------------------------------------------------------------------


def test_forms(scheme: str, signed: Batch) -> None:
    keys, signatures, messages = signed
    wide = np.zeros((300, 64 + keys.shape[1] + 45 + 9), np.uint8)
    wide[:, 1:65], wide[:, 66 : 66 + keys.shape[1]], wide[:, -45:] = signatures, keys, messages
    records = (wide[:, 66 : 66 + keys.shape[1]], wide[:, 1:65], wide[:, -45:])
    assert pycore.verify_batch(scheme, *records).all_valid
    backwards = tuple(column[::-1] for column in signed)
    assert pycore.verify_batch(scheme, *backwards).all_valid
    flat_keys = pycore.batch(keys.tobytes(), width=keys.shape[1])
    assert pycore.verify_batch(scheme, flat_keys, signatures.tobytes(), messages.tobytes(), width=45).all_valid
    offsets = np.arange(301, dtype=np.int32)
    ragged = tuple((column.tobytes(), offsets * column.shape[1]) for column in signed)
    assert pycore.verify_batch(scheme, *ragged).all_valid
    for column in signed:
        column.flags.writeable = False
    assert pycore.verify_batch(scheme, *signed).all_valid


@pytest.mark.parametrize("scheme", ["ed25519", "schnorr-secp256k1"])
def test_flat_keys_need_no_width(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 3, seed=1)
    assert pycore.verify_batch(scheme, keys.tobytes(), signatures.tobytes(), list(messages)).all_valid


@pytest.mark.parametrize("scheme", WITH_DER)
def test_key_encodings_mix_freely(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 40, seed=5)
    mixed = [bytes(key) for key in keys]
    mixed[1::2] = [bytes([2 + key[-1] % 2]) + key[1:33] for key in mixed[1::2]]
    wanted = [Verdict.VALID] * 40
    if scheme == "sm2":
        mixed[::5] = [key[1:] if len(key) == 65 else key for key in mixed[::5]]
    else:
        mixed[0], wanted[0] = mixed[0][1:], Verdict.MALFORMED_KEY
    assert list(pycore.verify_batch(scheme, mixed, signatures, messages)) == wanted


def test_empty_messages(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 5, message_size=0, seed=2)
    assert messages.shape == (5, 0)
    assert pycore.verify_batch(scheme, keys, signatures, messages).all_valid
    assert pycore.verify_batch(scheme, keys, signatures, [b""] * 5).all_valid


def test_empty_batch(scheme: str) -> None:
    for empty in ([], (), np.empty((0, 64), np.uint8)):
        verdicts = pycore.verify_batch(scheme, [], empty, [])
        assert len(verdicts) == 0
        assert verdicts.all_valid
        assert verdicts.bitmap() == b""
        assert verdicts.first_invalid() is None


# ---- options --------------------------------------------------------------------------------------------------------


def _sequence(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([0x30, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x30, 0x80 + len(digits)]) + digits + content


@pytest.mark.parametrize("scheme", WITH_DER)
def test_der(scheme: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 60, seed=11)
    encoded = [der(bytes(signature)) for signature in signatures]
    assert pycore.verify_batch(scheme, keys, encoded, messages, encoding="der").all_valid
    longer = [signature + b"\0trailing" for signature in encoded]
    strict = pycore.verify_batch(scheme, keys, longer, messages, encoding="der")
    assert set(strict) == {Verdict.MALFORMED_SIGNATURE}
    assert pycore.verify_batch(scheme, keys, longer, messages, encoding="der", der_rules="trailing").all_valid
    assert pycore.verify_batch(scheme, keys, longer, messages, encoding="der", der_rules="go").all_valid
    for more in (1, 57, 58, 200, 1000):  # inside the SEQUENCE, whose length takes one byte, two or three
        inner = [_sequence(signature[2:] + bytes(more)) + b"behind" for signature in encoded]
        assert pycore.verify_batch(scheme, keys, inner, messages, encoding="der", der_rules="go").all_valid
        for refusing in ("strict", "trailing"):
            verdicts = pycore.verify_batch(scheme, keys, inner, messages, encoding="der", der_rules=refusing)
            assert set(verdicts) == {Verdict.MALFORMED_SIGNATURE}
    assert set(pycore.verify_batch(scheme, keys, signatures, messages, encoding="der")) == {Verdict.MALFORMED_SIGNATURE}


@pytest.mark.parametrize("scheme", ["ecdsa-secp256k1", "ecdsa-p256"])
@pytest.mark.parametrize("name", [name for name, row in pycore.HASHES.items() if row.digest_size == 32])
def test_ecdsa_hashes(scheme: str, name: str) -> None:
    keys, signatures, messages = generate_signatures(scheme, 20, seed=4, hash=name)
    assert pycore.verify_batch(scheme, keys, signatures, messages, hash=name).all_valid
    digests = pycore.hash_batch(name, messages)
    assert pycore.verify_batch(scheme, keys, signatures, digests, prehashed=True).all_valid
    assert pycore.verify_batch(scheme, keys, signatures, digests.tobytes(), prehashed=True, hash=name).all_valid
    if name != "sha256":
        assert not pycore.verify_batch(scheme, keys, signatures, messages).valid.any()


@pytest.mark.parametrize("user_id", [b"1234567812345678", b"", None, b"alice@example.org", b"\0" * 8191])
def test_sm2_identifiers(user_id: bytes | None) -> None:
    keys, signatures, messages = generate_signatures("sm2", 6, seed=6, user_id=user_id)
    assert pycore.verify_batch("sm2", keys, signatures, messages, user_id=user_id).all_valid
    for other in {b"1234567812345678", b"", None, b"alice@example.org"} - {user_id}:
        found = pycore.verify_batch("sm2", keys, signatures, messages, user_id=other)
        assert set(found) == {Verdict.BAD_SIGNATURE}
    if user_id is not None:
        as_array = np.frombuffer(user_id, np.uint8)
        assert pycore.verify_batch("sm2", keys, signatures, messages, user_id=bytearray(user_id)).all_valid
        assert pycore.verify_batch("sm2", keys, signatures, messages, user_id=as_array).all_valid


def test_sm2_prehashed_is_e() -> None:
    keys, signatures, messages = generate_signatures("sm2", 4, seed=9)
    digests = [_sm2_e(bytes(key), bytes(message)) for key, message in zip(keys, messages, strict=True)]
    assert pycore.verify_batch("sm2", keys, signatures, digests, prehashed=True).all_valid
    assert pycore.verify_batch("sm2", keys, signatures, digests, prehashed=True, user_id=None).all_valid


def _sm2_e(key: bytes, message: bytes) -> bytes:
    curve = (
        "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
        "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
        "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
        "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
    )
    z = pycore.hash("sm3", b"\x00\x80" + b"1234567812345678" + bytes.fromhex(curve) + key[1:])
    return pycore.hash("sm3", z + message)


def test_low_s_is_a_rule() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    keys, signatures, messages = generate_signatures("ecdsa-secp256k1", 10, seed=8)
    other = [bytes(s[:32]) + (order - int.from_bytes(s[32:], "big")).to_bytes(32, "big") for s in signatures]
    for given in ([bytes(s) for s in signatures], other):
        assert pycore.verify_batch("ecdsa-secp256k1", keys, given, messages).all_valid
        found = pycore.verify_batch("ecdsa-secp256k1", keys, given, messages, rules="low-s")
        high = [int.from_bytes(s[32:], "big") > order // 2 for s in given]
        assert list(found) == [Verdict.HIGH_S if h else Verdict.VALID for h in high]


def test_default_rules_have_a_name(scheme: str, signed: Batch) -> None:
    first = pycore.SCHEMES[scheme].rules[0].name
    assert pycore.verify_batch(scheme, *signed, rules=first) == pycore.verify_batch(scheme, *signed)


# ---- malformed calls ------------------------------------------------------------------------------------------------

K = np.zeros((2, 32), np.uint8)
K65 = np.zeros((2, 65), np.uint8)
S = np.zeros((2, 64), np.uint8)
M = [b"a", b"b"]
D = np.zeros((2, 32), np.uint8)

MALFORMED: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str, str]] = [
    ("scheme", ("ed448", K, S, M), {}, "scheme", "'ed448'", "one of 'ed25519', "),
    ("scheme type", (1, K, S, M), {}, "scheme", "1", "one of 'ed25519', "),
    (
        "key width",
        ("ed25519", np.zeros((2, 33), np.uint8), S, M),
        {},
        "public_keys",
        "rows of 33 bytes",
        "rows of 32 bytes",
    ),
    ("key width ec", ("ecdsa-p256", K, S, M), {}, "public_keys", "rows of 32 bytes", "rows of 33 or 65 bytes"),
    ("64-byte keys", ("ecdsa-p256", S, S, M), {}, "public_keys", "rows of 64 bytes", "rows of 33 or 65 bytes"),
    ("key width sm2", ("sm2", K, S, M), {}, "public_keys", "rows of 32 bytes", "rows of 33 or 64 or 65 bytes"),
    ("flat keys", ("sm2", bytes(130), S, M), {}, "public_keys", "one bytes-like object (130 bytes)", "its width"),
    ("flat key length", ("ed25519", bytes(65), S, M), {}, "public_keys", "65 bytes", "a multiple of the width, 32"),
    (
        "signature width",
        ("ed25519", K, np.zeros((2, 63), np.uint8), M),
        {},
        "signatures",
        "rows of 63 bytes",
        "rows of 64",
    ),
    ("flat signature", ("ed25519", K, bytes(127), M), {}, "signatures", "127 bytes", "a multiple of the width, 64"),
    ("fewer signatures", ("ed25519", K, S[:1], M), {}, "signatures", "1 items", "2, as many as public_keys"),
    ("more messages", ("ed25519", K, S, [*M, b"c"]), {}, "messages", "3 items", "2, as many as public_keys"),
    ("flat messages", ("ed25519", K, S, b"ab"), {}, "messages", "one bytes-like object (2 bytes)", "its width"),
    ("rules", ("ed25519", K, S, M), {"rules": "low-s"}, "rules", "'low-s'", "a rule set of ed25519: 'zip215', "),
    ("rules type", ("ed25519", K, S, M), {"rules": 1}, "rules", "1", "a rule set of ed25519"),
    (
        "hash on ed25519",
        ("ed25519", K, S, M),
        {"hash": "sha256"},
        "hash",
        "'sha256'",
        "no hash=: ed25519 fixes its own",
    ),
    ("hash on sm2", ("sm2", K65, S, M), {"hash": "sm3"}, "hash", "'sm3'", "'none', or no hash=: sm2 fixes its own"),
    ("unknown hash", ("ecdsa-p256", K65, S, M), {"hash": "md5"}, "hash", "'md5'", "one of 'sha256', "),
    (
        "wide hash",
        ("ecdsa-p256", K65, S, M),
        {"hash": "sha512"},
        "hash",
        "'sha512' (64 bytes)",
        "a hash with 32-byte digests",
    ),
    (
        "prehashed ed25519",
        ("ed25519", K, S, D),
        {"prehashed": True},
        "prehashed",
        "True",
        "False: ed25519 signs messages",
    ),
    ("prehashed bip340", ("schnorr-secp256k1", K, S, D), {"prehashed": True}, "prehashed", "True", "False: "),
    ("prehashed type", ("sm2", K65, S, D), {"prehashed": 1}, "prehashed", "1", "True or False"),
    ("digest width", ("sm2", K65, S, S), {"prehashed": True}, "messages", "rows of 64 bytes", "rows of 32 bytes"),
    ("digest lengths", ("sm2", K65, S, [bytes(32), b"x"]), {"prehashed": True}, "messages[1]", "1 bytes", "32 bytes"),
    (
        "flat digests",
        ("sm2", K65, S, bytes(33)),
        {"prehashed": True},
        "messages",
        "33 bytes",
        "a multiple of the width, 32",
    ),
    ("user_id on ed25519", ("ed25519", K, S, M), {"user_id": b"x"}, "user_id", "bytes of 1 bytes", "no user_id=: "),
    ("no user_id on p256", ("ecdsa-p256", K65, S, M), {"user_id": None}, "user_id", "None", "no user_id=: "),
    ("user_id type", ("sm2", K65, S, M), {"user_id": "x"}, "user_id", "str of 1 characters", "one bytes-like object"),
    ("user_id length", ("sm2", K65, S, M), {"user_id": bytes(8192)}, "user_id", "8192 bytes", "at most 8191 bytes"),
    (
        "user_id prehashed",
        ("sm2", K65, S, D),
        {"user_id": b"x", "prehashed": True},
        "user_id",
        "bytes of 1",
        "no user_id= with",
    ),
    ("encoding", ("sm2", K65, S, M), {"encoding": "p1363"}, "encoding", "'p1363'", "one of 'compact', 'der'"),
    ("encoding type", ("sm2", K65, S, M), {"encoding": []}, "encoding", "list", "one of 'compact', 'der'"),
    (
        "der ed25519",
        ("ed25519", K, S, M),
        {"encoding": "der"},
        "encoding",
        "'der'",
        "'compact': ed25519 signatures have no DER",
    ),
    (
        "der_rules",
        ("sm2", K65, S, M),
        {"encoding": "der", "der_rules": "lax"},
        "der_rules",
        "'lax'",
        "one of 'strict', ",
    ),
    (
        "der_rules compact",
        ("sm2", K65, S, M),
        {"der_rules": "trailing"},
        "der_rules",
        "'trailing'",
        "no der_rules unless",
    ),
    ("threads", ("ed25519", K, S, M), {"threads": 0}, "threads", "0", "a number from 1 to 1024"),
    ("threads type", ("ed25519", K, S, M), {"threads": 2.0}, "threads", "2.0", "a number from 1 to 1024"),
    (
        "width of a list",
        ("ed25519", K, S, M),
        {"width": 1},
        "messages",
        "list with a width",
        "one contiguous bytes-like object",
    ),
]


@pytest.mark.parametrize(
    ("args", "options", "field", "got", "wanted"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_malformed_calls(args: tuple[Any, ...], options: dict[str, Any], field: str, got: str, wanted: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.verify_batch(*args, **options)
    assert caught.value.field == field
    assert caught.value.got.startswith(got)
    assert caught.value.wanted.startswith(wanted)
    assert str(caught.value) == f"{field}: got {caught.value.got}, wanted {caught.value.wanted}"


@pytest.mark.parametrize(
    ("position", "field"), [(0, "public_key"), (1, "signature"), (2, "message")], ids=["key", "signature", "message"]
)
@pytest.mark.parametrize("value", [None, "text", [b"a"], memoryview(b"abcd")[::2], np.zeros((1, 32), np.uint8)])
def test_malformed_single(position: int, field: str, value: Any) -> None:
    args: list[Any] = [bytes(32), bytes(64), b""]
    args[position] = value
    with pytest.raises(pycore.InputError) as caught:
        pycore.verify("ed25519", *args)
    assert caught.value.field == field


# ---- recovery -------------------------------------------------------------------------------------------------------

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _recoverable(n: int, seed: int) -> tuple[np.ndarray, list[bytes], np.ndarray]:
    """Keys, 65-byte signatures and digests; v is found by trying both."""
    keys, signatures, messages = generate_signatures("ecdsa-secp256k1", n, seed=seed)
    digests = pycore.hash_batch("sha256", messages)
    found: list[bytes] = []
    for v in range(2):
        tried = np.concatenate([signatures, np.full((n, 1), v, np.uint8)], axis=1)
        recovered, _ = pycore.recover_batch("ecdsa-secp256k1", tried, digests)
        same = (recovered == keys[:, 1:]).all(axis=1)
        found = [bytes(tried[i]) if same[i] else (found[i] if found else b"") for i in range(n)]
    assert all(len(signature) == 65 for signature in found)
    return keys, found, digests


def test_recover(backend: str) -> None:
    keys, signatures, digests = _recoverable(70, seed=1)
    for lift in (0, 27):
        given = [signature[:64] + bytes([signature[64] + lift]) for signature in signatures]
        recovered, verdicts = pycore.recover_batch("ecdsa-secp256k1", given, digests)
        assert verdicts.all_valid
        assert (recovered == keys[:, 1:]).all()
    for threads in (1, 2, 4):
        recovered, _ = pycore.recover_batch(
            "ecdsa-secp256k1", signatures * 8, np.tile(digests, (8, 1)), threads=threads
        )
        assert (recovered == np.tile(keys[:, 1:], (8, 1))).all()


def test_recover_reasons(backend: str) -> None:
    keys, signatures, digests = _recoverable(8, seed=2)
    good = signatures[0]
    given = [
        good,
        good[:64] + b"\x04",
        good[:64],
        bytes(32) + good[32:],
        N.to_bytes(32, "big") + good[32:],
        good[:32] + bytes(32) + good[64:],
        good[:32] + (N - int.from_bytes(good[32:64], "big")).to_bytes(32, "big") + bytes([good[64] ^ 1]),
        good,
    ]
    recovered, verdicts = pycore.recover_batch("ecdsa-secp256k1", given, [digests[0].tobytes()] * 8)
    names = [verdict.name for verdict in verdicts]
    malformed, scalar = "MALFORMED_SIGNATURE", "SCALAR_OUT_OF_RANGE"
    assert names == ["VALID", malformed, malformed, scalar, scalar, scalar, "VALID", "VALID"]
    assert (recovered[[0, 6, 7]] == keys[0, 1:]).all()
    assert not recovered[1:6].any()
    _, low = pycore.recover_batch("ecdsa-secp256k1", given, [digests[0].tobytes()] * 8, rules="low-s")
    assert {low[0].name, low[6].name} == {"VALID", "HIGH_S"}


def test_recover_nothing() -> None:
    keys, verdicts = pycore.recover_batch("ecdsa-secp256k1", [], [])
    assert keys.shape == (0, 64)
    assert len(verdicts) == 0


@pytest.mark.parametrize(
    ("args", "options", "field"),
    [
        (("sm2", [], []), {}, "scheme"),
        (("secp256k1", [], []), {}, "scheme"),
        (("ecdsa-secp256k1", np.zeros((1, 64), np.uint8), [bytes(32)]), {}, "signatures65"),
        (("ecdsa-secp256k1", bytes(64), [bytes(32)]), {}, "signatures65"),
        (("ecdsa-secp256k1", bytes(65), [bytes(31)]), {}, "digests[0]"),
        (("ecdsa-secp256k1", bytes(65), np.zeros((1, 64), np.uint8)), {}, "digests"),
        (("ecdsa-secp256k1", bytes(65), bytes(64)), {}, "digests"),
        (("ecdsa-secp256k1", [], []), {"rules": "strict"}, "rules"),
        (("ecdsa-secp256k1", [], []), {"threads": -1}, "threads"),
    ],
)
def test_malformed_recovery(args: tuple[Any, ...], options: dict[str, Any], field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.recover_batch(*args, **options)
    assert caught.value.field == field


def test_digest_of_sha256_is_what_ecdsa_signs() -> None:
    keys, signatures, messages = generate_signatures("ecdsa-p256", 3, seed=12)
    digests = [hashlib.sha256(bytes(message)).digest() for message in messages]
    assert pycore.verify_batch("ecdsa-p256", keys, signatures, digests, prehashed=True).all_valid


def test_facts_of_the_registry() -> None:
    schemes = pycore.SCHEMES.values()
    assert {scheme.name: scheme.key_sizes for scheme in schemes} == {
        "ed25519": (32,),
        "ecdsa-secp256k1": (33, 65),
        "ecdsa-p256": (33, 65),
        "sm2": (33, 64, 65),
        "schnorr-secp256k1": (32,),
    }
    assert [scheme.name for scheme in schemes if scheme.recoverable] == ["ecdsa-secp256k1"]
    assert {
        scheme.name: (scheme.user_id_limit, scheme.default_user_id) for scheme in schemes if scheme.takes_user_id
    } == {"sm2": (8191, b"1234567812345678")}
    assert all(1 <= scheme.table_pays <= 255 for scheme in schemes)
