"""The thread pool: how batches are cut, nesting, errors, forks, settings."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycore
from pycore.base import parallel
from pycore.base.columns import as_column
from pycore.base.parallel import Cost, cut, run_pieces

CHEAP, DEAR = Cost(100, 1), Cost(1_000_000, 0)


@pytest.fixture(autouse=True)
def default_threads() -> Any:
    yield
    pycore.set_threads(None)


# ---- cutting --------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 5000),
    st.integers(1, 64),
    st.sampled_from([CHEAP, DEAR, Cost(40_000, 4), Cost(0, 1)]),
)
def test_pieces_cover_everything_once(n: int, threads: int, cost: Cost) -> None:
    bounds = cut(n, threads, cost)
    assert bounds[0] == 0
    assert bounds[-1] == n
    assert all(a < b for a, b in pairwise(bounds)) or n == 0
    if threads == 1:
        assert bounds == [0, n]
    if cost.item_ns < 100_000:
        assert all(bound % 64 == 0 for bound in bounds[:-1])


@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=60), st.integers(2, 8))
def test_long_messages_weigh_by_their_bytes(lengths: list[int], threads: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    column = as_column((np.zeros(int(offsets[-1]), np.uint8), offsets), "x")
    bounds = cut(len(lengths), threads, CHEAP, column)
    assert bounds[0] == 0
    assert bounds[-1] == len(lengths)
    assert all(a < b for a, b in pairwise(bounds))


def test_eight_long_messages_use_eight_pieces() -> None:
    column = as_column(np.broadcast_to(np.zeros(10_000_000, np.uint8), (8, 10_000_000)), "x")
    assert cut(8, 4, CHEAP, column) == list(range(9))


def test_small_batches_are_not_cut() -> None:
    assert cut(100, 8, CHEAP) == [0, 100]
    assert cut(4, 8, Cost(40_000, 4)) == [0, 4]


# ---- running --------------------------------------------------------------------------------------------------------


def test_one_thread_never_touches_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the pool was used")

    monkeypatch.setattr(parallel, "_submit", fail)
    done: list[tuple[int, int]] = []
    run_pieces(lambda a, b: done.append((a, b)), [0, 3, 5], 1)
    run_pieces(lambda a, b: done.append((a, b)), [0, 9], 8)
    assert done == [(0, 3), (3, 5), (0, 9)]
    pycore.hash_batch("sha256", [b"x" * 1000] * 5000, threads=1)
    pycore.set_threads(1)
    pycore.hash_batch("sha256", [b"x" * 1000] * 5000)


def test_no_more_threads_than_asked_for() -> None:
    lock, running, seen = threading.Lock(), [0, 0], set()

    def work(_a: int, _b: int) -> None:
        with lock:
            running[0] += 1
            running[1] = max(running)
            seen.add(threading.get_ident())
        threading.Event().wait(0.002)
        with lock:
            running[0] -= 1

    run_pieces(work, list(range(41)), 3)
    assert running[0] == 0
    assert 2 <= running[1] <= 3
    assert len(seen) <= 3
    assert threading.get_ident() in seen


def test_errors_reach_the_caller_after_the_others_ended() -> None:
    ended = []

    def work(a: int, _b: int) -> None:
        if a == 2:
            raise KeyError("broken")
        threading.Event().wait(0.002)
        ended.append(a)

    with pytest.raises(KeyError, match="broken"):
        run_pieces(work, list(range(100)), 4)
    count = len(ended)
    threading.Event().wait(0.02)
    assert len(ended) == count < 99
    run_pieces(lambda a, b: ended.append(a), list(range(10)), 4)
    assert len(ended) == count + 9


@pytest.mark.parametrize("threads", [1, 3])
def test_abandoned_work_ends_with_what_is_under_way(threads: int) -> None:
    begun, go, running = threading.Event(), threading.Event(), set()

    def work(start: int, stop: int) -> None:
        running.add(start)
        begun.set()
        assert go.wait(30)
        running.remove(start)

    started = parallel.start_pieces(work, list(range(101)), threads)
    if threads > 1:
        assert begun.wait(30)
    waiter = threading.Thread(target=started.abandon)
    waiter.start()
    go.set()
    waiter.join(30)
    assert not waiter.is_alive()
    assert not running
    started.abandon()
    assert not running


@pytest.mark.parametrize("end", [parallel.Started.finish, parallel.Started.abandon])
@pytest.mark.parametrize("threads", [1, 3])
def test_work_that_is_over_lets_go_of_what_it_read(threads: int, end: Callable[[parallel.Started], None]) -> None:
    """Work often belongs to whoever began it, and keeps that one: without the garbage collector both would stay."""

    class Owner:
        def __init__(self) -> None:
            self.count = 0
            self.begun = parallel.start_tasks([self.step] * 20, threads)

        def step(self) -> None:
            self.count += 1

    gc.disable()
    try:
        owner = Owner()
        end(owner.begun)
        owner.begun.finish()
        assert owner.count == 20 or end is parallel.Started.abandon
        there = weakref.ref(owner)
        del owner
        assert there() is None
    finally:
        gc.enable()


def test_nested_calls_do_not_wait_for_each_other() -> None:
    """Every worker of a full pool calls in again: helpers that cannot start must not be waited for."""
    pycore.set_threads(2)
    total = [0]
    lock = threading.Lock()

    def inner(_a: int, _b: int) -> None:
        with lock:
            total[0] += 1

    def outer(_a: int, _b: int) -> None:
        run_pieces(inner, list(range(9)), 8)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda _: run_pieces(outer, list(range(9)), 8), range(8)))
    assert total[0] == 8 * 8 * 8


def test_many_concurrent_callers(rng: Any) -> None:
    messages = np.frombuffer(rng.randbytes(3000 * 100), np.uint8).reshape(3000, 100)
    wanted = pycore.hash_batch("sm3", messages, threads=1)

    def call(turn: int) -> bool:
        return bool((pycore.hash_batch("sm3", messages, threads=1 + turn % 5) == wanted).all())

    with ThreadPoolExecutor(12) as callers:
        assert all(callers.map(call, range(48)))


# ---- settings -------------------------------------------------------------------------------------------------------


def test_set_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYCORE_THREADS", raising=False)
    default = pycore.get_threads()
    assert 1 <= default <= (os.cpu_count() or 1)
    monkeypatch.setenv("PYCORE_THREADS", "3")
    assert pycore.get_threads() == pycore.capabilities().threads == 3
    pycore.set_threads(5)
    assert pycore.get_threads() == 5
    pycore.set_threads(None)
    assert pycore.get_threads() == 3


@pytest.mark.parametrize("n", [0, -1, 1025, 2**200, 2.0, "2", True, b""])
def test_set_threads_refuses(n: Any) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.set_threads(n)
    assert caught.value.field == "n"
    with pytest.raises(pycore.InputError) as caught:
        pycore.hash_batch("sha256", [], threads=n)
    assert caught.value.field == "threads"


@pytest.mark.parametrize("text", ["0", "many", "-2", "1.5", "99999"])
def test_environment_refuses(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYCORE_THREADS", text)
    assert len(pycore.hash_batch("sha256", [b""])) == 1  # too small to be cut: nobody asks how many threads there are
    for call in (pycore.get_threads, lambda: pycore.hash_batch("sha256", bytes(1 << 20), width=64)):
        with pytest.raises(pycore.InputError) as caught:
            call()
        assert caught.value.field == "PYCORE_THREADS"


# ---- forks and exits ------------------------------------------------------------------------------------------------

_FORK = """
import os, sys, threading
import numpy as np, pycore
messages = np.zeros((5000, 200), np.uint8)
wanted = pycore.hash_batch("sha256", messages, threads=4)  # the pool's threads exist now
busy = threading.Event()
def spin():
    busy.set()
    while not done.is_set():
        pycore.hash_batch("sha256", messages, threads=4)
done = threading.Event()
other = threading.Thread(target=spin)
other.start()
busy.wait()
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        same = bool((pycore.hash_batch("sha256", messages, threads=4) == wanted).all())
        os._exit(0 if same else 3)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
done.set()
other.join()
print("ok")
"""

_EXIT = """
import atexit, threading
import numpy as np, pycore
messages = np.zeros((5000, 200), np.uint8)
pycore.hash_batch("sha256", messages, threads=4)
def late():
    print(pycore.hash_batch("sha256", messages, threads=4).shape)
threading._register_atexit(late) if hasattr(threading, "_register_atexit") else atexit.register(late)
atexit.register(late)
"""


def _run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork_while_the_pool_works() -> None:
    assert _run(_FORK) == "ok\n"


def test_calls_at_interpreter_exit() -> None:
    assert _run(_EXIT) == "(5000, 32)\n(5000, 32)\n"


def _in_child(queue: Any) -> None:
    queue.put(pycore.hash_batch("sha256", [b"abc"] * 3000, threads=2)[2999].tobytes())


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(method: str) -> None:
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    pycore.hash_batch("sha256", [b"abc"] * 3000, threads=2)
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=240) == pycore.hash("sha256", b"abc")
    child.join(240)
    assert child.exitcode == 0
