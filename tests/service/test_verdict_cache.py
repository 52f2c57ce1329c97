"""Signatures that were found valid: what is remembered, and that nobody gets another answer because of it."""

from __future__ import annotations

import gc
import mmap
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import testing
from pycore.base.columns import as_column, trusted_column
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.service import verdict_cache
from pycore.service.batching import join
from pycore.service.config import ServiceConfig
from pycore.service.handlers import execute
from pycore.service.rpc_signatures import Options
from pycore.service.server import background
from pycore.service.verdict_cache import ENTRY_BYTES, VerdictCache
from pycore.service.work import Work

from .conftest import RawCaller
from .test_batching import _request
from .test_work import SETTINGS

Rows = list[tuple[bytes, bytes, bytes]]


def rows_of(scheme: str, n: int, seed: int = 1) -> Rows:
    columns = testing.generate_signatures(scheme, n, seed=seed)
    return [(bytes(a), bytes(b), bytes(c)) for a, b, c in zip(*columns, strict=True)]


def options(scheme: str, **changes: Any) -> Options:
    usual = Options(scheme, None, False, pycore.DEFAULT_USER_ID, None, "compact", "strict")
    return usual._replace(**changes)


def work(rows: Rows, given: Options) -> Work:
    names = ("public_keys", "signatures", "messages")
    columns = tuple(as_column([row[i] for row in rows], name) for i, name in enumerate(names))
    return Work("VerifySignatures", given, columns, len(rows), len(rows))


class Counted:
    """A cache, and the rows that came to the kernel."""

    def __init__(self, nbytes: int = 1 << 20) -> None:
        self.cache = VerdictCache(nbytes)
        self.rows = 0

    def __call__(self, one: Work) -> Verdicts:
        known = self.cache.known(one)
        verdicts: Verdicts = self.cache.run(one, self._do) if known is None else known
        assert verdicts == execute(one, SETTINGS)
        return verdicts

    def _do(self, one: Work) -> Any:
        self.rows += one.n
        return execute(one, SETTINGS)

    def kernel(self, one: Work) -> int:
        """How many rows of a work came to the kernel."""
        before = self.rows
        self(one)
        return self.rows - before


@pytest.mark.parametrize("n", [1, 4, 5, 16])
def test_the_second_time_nothing_comes_to_the_kernel(n: int) -> None:
    counted, one = Counted(), work(rows_of("sm2", n), options("sm2"))
    assert [counted.kernel(one) for _ in range(3)] == [n, 0, 0]
    assert counted.cache.hits == 2 * n


def test_long_messages_are_not_hashed_on_the_event_loop() -> None:
    seen = Counted()
    for size, at_once in ((1000, True), (1 << 17, False)):
        rows = [(key, sig, b"x" * size) for key, sig, _ in rows_of("ed25519", 1)]
        one = work(rows, options("ed25519"))
        assert seen.cache.known(one) is None
        assert bool(one.marks) is at_once


def test_the_form_of_the_columns_does_not_matter() -> None:
    rows = rows_of("sm2", 40)
    counted = Counted()
    for row in rows:
        counted(work([row], options("sm2")))
    assert counted.kernel(work(rows, options("sm2"))) == 0  # by the batch kernels
    long = [*rows[:3], (rows[3][0], rows[3][1], b"another length")]
    assert counted.kernel(work(long, options("sm2"))) == 1  # ragged


def test_only_what_is_missing_comes_to_the_kernel(rng: random.Random) -> None:
    rows = rows_of("ed25519", 300)
    counted = Counted()
    for row in rows[::2]:
        counted(work([row], options("ed25519")))
    spoilt = [(key, bytes(64) if rng.random() < 0.1 else sig, message) for key, sig, message in rows]
    known = sum(a == b for a, b in zip(rows[::2], spoilt[::2], strict=True))
    assert counted.kernel(work(spoilt, options("ed25519"))) == 300 - known
    valid = sum(a == b for a, b in zip(rows, spoilt, strict=True))
    assert counted.kernel(work(spoilt, options("ed25519"))) == 300 - valid  # what is invalid is never remembered


def test_many_new_rows_are_looked_at_by_a_few() -> None:
    counted, one = Counted(), work(rows_of("ed25519", 200), options("ed25519"))
    assert [counted.kernel(one) for _ in range(3)] == [200, 196, 0]
    assert counted.cache.misses == 4 + 196


def test_joined_requests_leave_their_marks() -> None:
    rows = rows_of("sm2", 30)
    counted = Counted()
    works = [work([row], options("sm2")) for row in rows]
    assert [counted.cache.known(one) for one in works] == [None] * 30
    assert counted.cache.run(join(works), counted._do).all_valid
    assert counted.rows == 30
    for row in rows:
        assert counted.kernel(work([row], options("sm2"))) == 0
    mixed = [work(rows_of("sm2", 2, seed=2), options("sm2")), work(rows_of("sm2", 9, seed=3), options("sm2"))]
    counted.cache.known(mixed[0])
    counted.cache.run(join(mixed), counted._do)
    assert counted.kernel(work(rows_of("sm2", 2, seed=2), options("sm2"))) == 0


CHANGES: list[dict[str, Any]] = [
    {"scheme": "ecdsa-p256"}, {"rules": "low-s"}, {"prehashed": True}, {"user_id": b"x"}, {"user_id": None},
    {"hash": "sha256"}, {"encoding": "der"}, {"der_rules": "lax"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_other_options_are_another_question(change: dict[str, Any]) -> None:
    rows = rows_of("sm2", 1)
    cache = VerdictCache(1 << 20)
    first = work(rows, options("sm2"))
    cache.run(first, lambda one: execute(one, SETTINGS))
    assert cache.known(first) is not None
    assert cache.known(work(rows, options("sm2")._replace(**change))) is None


def test_every_byte_counts() -> None:
    (row,) = rows_of("ed25519", 1)
    cache = VerdictCache(1 << 20)
    given = options("ed25519")
    cache.run(work([row], given), lambda one: execute(one, SETTINGS))
    for part in range(3):
        for at in range(len(row[part])):
            changed = list(row)
            changed[part] = changed[part][:at] + bytes([changed[part][at] ^ 1]) + changed[part][at + 1 :]
            assert cache.known(work([(changed[0], changed[1], changed[2])], given)) is None
    # The same bytes, divided in other ways.
    key, signature, message = row
    assert cache.known(work([(key + signature[:1], signature[1:], message)], given)) is None
    assert cache.known(work([(key, signature + message[:1], message[1:])], given)) is None
    assert cache.known(work([row], given)) is not None


def test_nothing_that_is_not_valid_is_remembered() -> None:
    key, signature, message = rows_of("ed25519", 1)[0]
    counted = Counted()
    wrong = [(key, bytes(64), message), (bytes(32), signature, message), (key, signature, b"other"), (key, b"", b"")]
    for row in wrong:
        one = work([row], options("ed25519"))
        assert [counted.kernel(one) for _ in range(3)] == [1, 1, 1]
    assert len(counted.cache) == 0


def test_memory_that_others_may_write_to_is_never_remembered() -> None:
    """Its bytes could be others when the row is looked up than when it was verified."""
    one = work(rows_of("ed25519", 2), options("ed25519"))
    memory = mmap.mmap(-1, 4096)
    for at in range(3):
        data = one.columns[at].data
        memory[: data.size] = data.tobytes()
        view = np.frombuffer(memoryview(memory).toreadonly(), np.uint8, data.size).reshape(data.shape)
        columns = [*one.columns[:at], trusted_column(view, one.columns[at].offsets), *one.columns[at + 1 :]]
        shared = Work(one.kind, one.options, tuple(columns), 2, 2)
        counted = Counted()
        assert [counted.kernel(shared) for _ in range(3)] == [2, 2, 2]
        assert len(counted.cache) == 0


def test_each_process_has_its_salt() -> None:
    one = work(rows_of("sm2", 1), options("sm2"))
    digests = {VerdictCache(1)._one_by_one(one, [0])[0] for _ in range(4)}
    assert len(digests) == 4
    assert len({VerdictCache(1, b"s" * 32)._one_by_one(one, [0])[0] for _ in range(4)}) == 1


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    most = 4000
    cache = VerdictCache(most * ENTRY_BYTES)
    one = bytes(32)
    for i in range(3 * most):
        cache._remember([i.to_bytes(32, "big")], b"\0" if i % 2 else bytes([verdict_cache._VALID]))
        cache._look_up([one])  # what is asked for stays
        assert len(cache) <= most
    assert cache._look_up([one]) == [True]
    assert cache._look_up([(2).to_bytes(32, "big")]) == [False]
    assert cache._look_up([(3 * most - 2).to_bytes(32, "big")]) == [True]
    gc.collect()
    held = sum(sys.getsizeof(table) + sum(map(sys.getsizeof, table)) for table in (cache._young, cache._old))
    assert held <= most * ENTRY_BYTES
    assert cache.nbytes <= most * ENTRY_BYTES


def test_small_requests_are_passed_over_while_few_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_cache, "_WINDOW", 64)
    rows = rows_of("ed25519", 200)
    counted = Counted()
    for row in rows:
        counted(work([row], options("ed25519")))
    assert counted.cache.asleep
    looked = counted.cache.hits + counted.cache.misses
    for row in rows_of("ed25519", 200, seed=2):
        counted(work([row], options("ed25519")))
    assert 0 < counted.cache.hits + counted.cache.misses - looked < 100
    for _ in range(8):  # now the same come again and again
        for row in rows:
            counted(work([row], options("ed25519")))
    assert not counted.cache.asleep
    assert sum(counted.kernel(work([row], options("ed25519"))) for row in rows) == 0


def test_options_that_are_too_long_are_not_kept() -> None:
    cache = VerdictCache(1 << 20)
    one = work(rows_of("sm2", 2), options("sm2", user_id=bytes(1 << 20)))
    assert cache.known(one) is None
    with pytest.raises(InputError, match="user_id"):
        cache.run(one, lambda one: execute(one, SETTINGS))
    assert cache._prefix.cache_info().currsize == 0


def test_an_error_of_the_call_stays_one() -> None:
    rows = rows_of("sm2", 20)
    counted = Counted()
    for row in rows[:10]:
        counted(work([row], options("sm2")))
    one = work(rows, options("sm2"))

    def broken(part: Work) -> Any:
        if part.n == 20:
            raise InputError("signatures", "twenty", "fewer")
        raise InputError("signatures", "a part", "fewer")

    with pytest.raises(InputError, match="twenty"):
        counted.cache.run(one, broken)
    with pytest.raises(InputError, match="rules"):
        counted.cache.run(work(rows, options("sm2", rules="none such")), lambda part: execute(part, SETTINGS))


def test_it_answers_as_the_kernels_do(rng: random.Random) -> None:
    """Random rows out of a small stock, again and again, in requests of all sizes: every answer is checked."""
    counted = Counted(200 * ENTRY_BYTES)
    stock: dict[str, Rows] = {}
    for scheme in ("ed25519", "sm2", "ecdsa-secp256k1"):
        good = rows_of(scheme, 150, seed=9)
        bad = [(key, sig[:5] + bytes([sig[5] ^ 1]) + sig[6:], message) for key, sig, message in good[:50]]
        swapped = [(good[i + 1][0], good[i][1], good[i][2]) for i in range(50)]
        stock[scheme] = [*good, *bad, *swapped, (b"short", good[0][1], b""), (good[0][0], b"", b"x" * 300)]
    for _ in range(150):
        scheme = rng.choice(list(stock))
        rows = rng.choices(stock[scheme], k=rng.choice([1, 1, 2, 4, 7, 16, 17, 40, 90]))
        one = work(rows, options(scheme))
        if rng.random() < 0.3:
            parts = [work([row], options(scheme)) for row in rows]
            left = [part for part in parts if counted.cache.known(part) is None]
            if left:
                joined = join(left)
                assert counted.cache.run(joined, counted._do) == execute(joined, SETTINGS)
            continue
        counted(one)
    assert counted.cache.hits > 100
    assert counted.cache.misses > 100


@pytest.fixture
def calls() -> Iterator[Callable[..., Any]]:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, workers=1)
    with background(config) as server:
        caller = RawCaller(server.target)

        def call(request: bytes) -> tuple[bytes, float, float]:
            answer = caller("VerifySignatures", request)
            value = server.metrics.registry.get_sample_value
            found = [value(f"pycore_verdict_cache_{name}_total") for name in ("hits", "misses")]
            assert value("pycore_verdict_cache_bytes") == server.verdicts.nbytes  # type: ignore[union-attr]
            return answer, found[0] or 0, found[1] or 0

        yield call
        caller.channel.close()


def test_the_service_counts_hits(calls: Callable[..., Any]) -> None:
    keys, signatures, messages = testing.generate_signatures("sm2", 3, seed=4)
    spoilt = np.array(signatures)
    spoilt[1, 40] ^= 1
    good, bad = _request("sm2", keys, signatures, messages), _request("sm2", keys, spoilt, messages)
    first, *counts = calls(good)
    assert counts == [0, 3]
    second, *counts = calls(good)
    assert counts == [3, 3]
    assert first == second
    third, *_ = calls(bad)
    assert third != first
    assert calls(bad)[0] == third


def test_it_can_be_switched_off() -> None:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0, verdict_cache_bytes=0)) as server:
        assert server.verdicts is None
        assert server.metrics.registry.get_sample_value("pycore_verdict_cache_bytes") is None
