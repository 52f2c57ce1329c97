"""How ``pycore tune`` measures: every choice against its alternatives, interleaved, on one thread.

A choice changes only where the gain is clear (MARGIN): a busy machine leaves things as they are.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import pycore
from pycore.base import tuning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MARGIN = 0.04
_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64)
_FEW = (1, 2, 3, 4, 8)
_LENGTHS = (64, 1024)


class Change(NamedTuple):
    """A choice that measured better than the usual one; gain: how many times as fast where they differ, on average."""

    name: str
    algorithm: str
    before: int
    after: int
    gain: float


def _race(calls: Sequence[Callable[[], Any]], rounds: int, enough: float = 4e-5) -> list[float]:
    """Seconds of each call: the least of interleaved rounds, each of as many calls as take `enough` seconds."""
    times: list[list[float]] = [[] for _ in calls]
    repeats = []
    for call in calls:
        begin = time.perf_counter()
        call()
        repeats.append(max(1, int(enough / max(time.perf_counter() - begin, 1e-7))))
    for turn in range(rounds):
        for i in range(len(calls))[:: 1 if turn % 2 else -1]:
            begin = time.thread_time()
            for _ in range(repeats[i]):
                calls[i]()
            times[i].append((time.thread_time() - begin) / repeats[i])
    return [max(min(some), 1e-9) for some in times]


def _rows(n: int, length: int) -> Any:
    return pycore.batch(np.random.default_rng(7).integers(0, 256, n * length, np.uint8), width=length)


def _with(backend: str, call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> None:
        with pycore.use_backend(backend):
            call()

    return run


def tune_streams(rounds: int) -> list[Change]:
    """One vector or two side by side, for each hash that has the choice, on the widest backend."""
    found = []
    for one in tuning.choices():
        if one.name != "streams" or not _wide():
            continue
        other = 3 - one.usual

        def call(value: int, rows: Any, one: tuning.Choice = one) -> Callable[[], Any]:
            hash_rows = _with(_wide(), lambda: pycore.hash_batch(one.algorithm, rows, threads=1))

            def run() -> None:
                tuning.put(one, value)
                hash_rows()

            return run

        gains = []
        for length in _LENGTHS:
            rows = _rows(1024, length)
            usual, changed = _race([call(one.usual, rows), call(other, rows)], rounds)
            gains.append(usual / changed)
        tuning.put(one, one.value)
        gain = statistics.geometric_mean(gains)
        if gain > 1 + MARGIN and min(gains) > 1 - MARGIN:
            found.append(Change(one.name, one.algorithm, one.usual, other, gain))
    return found


def _wide() -> str:
    """The backend whose hashes may run two vectors side by side, where it is usable."""
    return next((row.name for row in pycore.capabilities().backends if row.usable and row.name == "avx512ifma"), "")


def tune_backends(rounds: int) -> list[Change]:
    """From how many items each backend is taken, for every algorithm."""
    found: list[Change] = []
    by_algorithm: dict[str, list[tuning.Choice]] = defaultdict(list)
    for one in tuning.choices():
        if one.name.startswith("from "):
            by_algorithm[one.algorithm].append(one)
    cache = pycore.key_cache_stats().memory_limit
    pycore.set_key_cache(0)  # keys that come back would be verified by tables
    try:
        for algorithm, rows in by_algorithm.items():
            if len(rows) > 1:
                found += _crossovers(algorithm, rows, rounds)
    finally:
        pycore.set_key_cache(cache)
    return found


def _crossovers(algorithm: str, rows: list[tuning.Choice], rounds: int) -> list[Change]:
    backends = [one.name.removeprefix("from ") for one in rows]
    seconds = {n: _seconds(algorithm, n, backends, rounds) for n in (_SIZES if algorithm in pycore.HASHES else _FEW)}
    return crossovers(algorithm, rows, seconds)


def crossovers(algorithm: str, rows: list[tuning.Choice], seconds: dict[int, list[float]]) -> list[Change]:
    """What follows from the seconds that each batch size takes on the backend of each row.

    A size changes sides only where that gains more than MARGIN; what an earlier row takes, later rows do not see.
    """
    found = []
    left = sorted(seconds)
    for i, one in enumerate(rows[:-1]):
        slower = {n: seconds[n][i] / min(seconds[n][i + 1 :]) for n in left}
        taken = [n for n in left if slower[n] < (1 + MARGIN if n >= one.usual else 1 - MARGIN)]
        last = max((n for n in left if n not in taken), default=-1)
        after = one.usual if last < 0 else min((n for n in taken if n > last), default=tuning.NEVER)
        changed = [n for n in left if (n >= one.usual) != (n >= after)]
        gain = statistics.geometric_mean([slower[n] if n >= one.usual else 1 / slower[n] for n in changed] or [1.0])
        if gain > 1 + MARGIN:
            found.append(Change(one.name, algorithm, one.usual, after, gain))
        left = [n for n in left if n < (after if gain > 1 + MARGIN else one.usual)]
    return found


def _seconds(algorithm: str, n: int, backends: list[str], rounds: int) -> list[float]:
    """Of n items, by backend: the geometric mean over the lengths of messages."""
    if algorithm in pycore.HASHES:
        calls: list[Callable[[], Any]] = [
            partial(pycore.hash_batch, algorithm, _rows(n, length), threads=1) for length in _LENGTHS
        ]
    else:
        from pycore.testing import generate_signatures

        keys, signatures, messages = generate_signatures(algorithm, n)
        calls = [partial(pycore.verify_batch, algorithm, keys, signatures, messages, threads=1)]
    laps = [_race([_with(name, call) for name in backends], rounds) for call in calls]
    return [statistics.geometric_mean(of) for of in zip(*laps, strict=True)]
