"""The queue in front of the workers: who comes first, that nobody starves, and what is in nobody's way."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
import pytest

import pycore
from pycore import testing
from pycore.base.columns import as_column
from pycore.errors import InputError
from pycore.service.access import AccessFile, Clients
from pycore.service.admission import Admission
from pycore.service.callers import ANYBODY, Call, Caller, current
from pycore.service.config import ServiceConfig
from pycore.service.handlers import execute
from pycore.service.pieces import in_pieces
from pycore.service.priorities import PRIORITY_KEY, Bounds, Priority, Room, priority_of
from pycore.service.scheduling import LATER, TURN, Scheduler
from pycore.service.server import Server, background
from pycore.service.stream import Stream, Ways
from pycore.service.work import Batches, Work
from pycore.wire.refusals import OverloadedError
from pycore.wire.schema import METHODS

from .conftest import METHOD, PATIENCE, Gate, RawCaller, wait_for_load
from .test_limits import hashing
from .test_work import SETTINGS

V, T, A = Priority.VOTES, Priority.TRANSACTIONS, Priority.AUDITS


class Piece:
    """Work that says when it was done."""

    def __init__(self, name: str, priority: Priority, client: str, done: list[str], steps: int = 1) -> None:
        self.name, self.priority, self.client, self.done, self.steps = name, priority, client, done, steps

    def __call__(self) -> Any:
        self.done.append(self.name)
        self.steps -= 1
        return LATER if self.steps else self.name


class Held:
    """A scheduler whose threads are held until `run`."""

    def __init__(self, size: int = 1) -> None:
        self.scheduler = Scheduler(size)
        self.done: list[str] = []
        self.futures: list[Future[Any]] = []
        self._go = threading.Event()
        begun = [threading.Event() for _ in range(size)]
        for one in begun:
            self.scheduler.submit(self._hold(one))
        for one in begun:
            assert one.wait(PATIENCE)

    def _hold(self, begun: threading.Event) -> Callable[[], None]:
        def work() -> None:
            begun.set()
            self._go.wait()

        return work

    def put(self, name: str, priority: Priority, client: str = "", steps: int = 1) -> Future[Any]:
        self.futures.append(self.scheduler.submit(Piece(name, priority, client, self.done, steps)))
        return self.futures[-1]

    def run(self) -> list[str]:
        self._go.set()
        self.scheduler.shutdown(wait=True)
        return self.done


def test_votes_come_before_transactions_before_audits() -> None:
    held = Held()
    for name, priority in (("audit", A), ("transaction", T), ("vote", V), ("late vote", V)):
        held.put(name, priority)
    assert held.run() == ["vote", "late vote", "transaction", "audit"]


def test_whatever_waits_has_its_turn() -> None:
    held = Held()
    for i in range(3):
        held.put(f"t{i}", T)
        held.put(f"a{i}", A)
    for _ in range(40):
        held.put("v", V)
    done = held.run()
    assert done[: TURN + 2] == ["v"] * TURN + ["t0", "a0"]
    places = [done.index(name) for name in ("t0", "t1", "t2")]
    between = [after - before for before, after in itertools.pairwise(places)]
    assert between == [TURN + 2] * 2  # with the turn of an audit
    assert done.index("a2") < len(done) - 10  # before the last of the votes


def test_clients_take_turns() -> None:
    held = Held()
    for i in range(4):
        held.put(f"greedy {i}", T, "greedy")
    held.put("modest 0", T, "modest")
    held.put("modest 1", T, "modest")
    assert held.run() == ["greedy 0", "modest 0", "greedy 1", "modest 1", "greedy 2", "greedy 3"]


def test_what_was_cancelled_is_never_called_and_takes_nobodys_turn() -> None:
    held = Held()
    for i in range(TURN):
        held.put(f"gone {i}", V).cancel()
    held.put("t", T)
    held.put("v", V)
    assert held.run() == ["v", "t"]


def test_work_of_several_steps_goes_to_the_end() -> None:
    held = Held()
    long = held.put("long", T, "a", steps=3)
    held.put("short", T, "b")
    held.put("v", V)
    assert held.run() == ["v", "long", "short", "long", "long"]
    assert long.result() == "long"


def test_others_are_let_in_where_they_are_due() -> None:
    held = Held()
    scheduler = held.scheduler
    assert not scheduler.others_wait(T)
    held.put("a", A)
    assert [scheduler.others_wait(T) for _ in range(TURN)] == [False] * (TURN - 1) + [True]
    held.put("v", V)
    assert scheduler.others_wait(V)
    held.run()


def test_audits_never_hold_the_last_thread() -> None:
    scheduler = Scheduler(2)
    go, begun, done = threading.Event(), threading.Event(), []

    class Audit(Piece):
        def __call__(self) -> Any:
            begun.set()
            go.wait()
            return super().__call__()

    audits = [scheduler.submit(Audit(f"audit {i}", A, "", done)) for i in range(4)]
    assert begun.wait(PATIENCE)
    for _ in range(20):  # each of these finds a thread, though four audits are there
        assert scheduler.submit(Piece("vote", V, "", done)).result(PATIENCE) == "vote"
    assert scheduler.waiting(A) == 3
    go.set()
    assert [one.result(PATIENCE) for one in audits] == [f"audit {i}" for i in range(4)]
    scheduler.shutdown()
    assert done == ["vote"] * 20 + [f"audit {i}" for i in range(4)]


def test_audits_have_the_only_thread() -> None:
    scheduler = Scheduler(1)
    assert scheduler.submit(Piece("audit", A, "", [])).result(PATIENCE) == "audit"
    scheduler.shutdown()


def test_every_piece_is_done_once() -> None:
    scheduler, done = Scheduler(4), []

    def submit(number: int) -> list[Future[Any]]:
        return [
            scheduler.submit(Piece(f"{number}.{i}", Priority((i + number) % 3), str(i % 5), done, 1 + i % 2))
            for i in range(200)
        ]

    futures: list[list[Future[Any]]] = [[] for _ in range(4)]

    def run(number: int) -> None:
        futures[number] = submit(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = [future.result(PATIENCE) for row in futures for future in row]
    assert found == [f"{number}.{i}" for number in range(4) for i in range(200)]
    assert len(done) == 4 * 300
    scheduler.shutdown()


def test_an_error_reaches_who_asked_and_the_thread_goes_on() -> None:
    scheduler = Scheduler(1)

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scheduler.submit(broken).result(PATIENCE)
    assert scheduler.submit(lambda a, b: a + b, 1, b=2).result(PATIENCE) == 3
    scheduler.shutdown()


def test_after_the_end() -> None:
    held = Held()
    waiting = held.put("x", T)
    held.scheduler.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        waiting.result()
    with pytest.raises(RuntimeError):
        held.put("y", T)
    assert held.run() == []


def test_threads_end_where_audits_wait_at_the_end() -> None:
    """The other thread has met its signal to end before it could take the second audit."""
    scheduler = Scheduler(2)
    go, begun = threading.Event(), threading.Event()

    class Audit(Piece):
        def __call__(self) -> Any:
            begun.set()
            go.wait()
            return super().__call__()

    audits = [scheduler.submit(Audit(f"audit {i}", A, "", [])) for i in range(2)]
    assert begun.wait(PATIENCE)
    scheduler.shutdown(wait=False)
    deadline = time.monotonic() + PATIENCE
    while scheduler._signals.qsize() and time.monotonic() < deadline:
        time.sleep(0.001)
    go.set()
    assert [one.result(PATIENCE) for one in audits] == ["audit 0", "audit 1"]
    for thread in scheduler._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


# ---- whose priority --------------------------------------------------------------------------------------------------


def test_what_metadata_may_say() -> None:
    assert [priority_of([(PRIORITY_KEY, word)], "HashBatch") for word in ("votes", "transactions", "audits")] == [
        V, T, A,
    ]  # fmt: skip
    assert priority_of([], "HashBatch") is T
    for rpc in ("VerifyVotes", "VerifyCommit", "VerifyCommits", "LightVerify"):
        assert priority_of([("other", b"")], rpc) is V
    assert priority_of([], "ValidateBlocks") is A
    for wrong in ([(PRIORITY_KEY, "Votes")], [(PRIORITY_KEY, b"votes")], [(PRIORITY_KEY, "votes")] * 2):
        with pytest.raises(InputError, match=PRIORITY_KEY):
            priority_of(wrong, "HashBatch")


def test_the_access_file_caps_it() -> None:
    document = AccessFile.model_validate(
        {"clients": [{"name": "n", "certificates": ["cn:n"], "highest_priority": "transactions"}]}
    )
    caller = Clients(document).identify(["cn:n"], None)
    assert priority_of([(PRIORITY_KEY, "votes")], "VerifyVotes", caller.highest) is T
    assert priority_of([(PRIORITY_KEY, "audits")], "VerifyVotes", caller.highest) is A
    with pytest.raises(ValueError, match="highest_priority"):
        AccessFile.model_validate({"clients": [{"name": "n", "certificates": ["cn:n"], "highest_priority": "all"}]})


# ---- room for each ---------------------------------------------------------------------------------------------------


@pytest.fixture
def admission() -> Iterator[Admission]:
    scheduler = Scheduler(1)
    each = {V: Room(100, 1000), T: Room(80, 800), A: Room(40, 400)}
    yield Admission(scheduler, Bounds(100, 1000, each, Room(50, 500)), lambda work: work.n)
    scheduler.shutdown()


def as_call(priority: Priority, client: str = "") -> None:
    current.set(Call(ANYBODY, "x", priority=priority, client=client))


async def test_each_priority_has_its_bounds(admission: Admission) -> None:
    tickets = []
    as_call(A, "1")
    tickets.append(admission.admit(400))
    with pytest.raises(OverloadedError, match="400 bytes of audits in flight, 1 more asked for, limit 400"):
        admission.admit(1)
    as_call(T, "2")
    tickets.append(admission.admit(400))
    tickets[1].add_items(45)
    as_call(V, "3")
    tickets.append(admission.admit(200))
    tickets[0].add_items(40)
    with pytest.raises(OverloadedError, match="40 items of audits"):
        tickets[0].add_items(1)
    tickets[2].add_items(15)
    for one in tickets:
        one.release()
    assert (admission.load.requests, admission.load.items, admission.load.nbytes) == (0, 0, 0)
    assert {key: vars(load) for key, load in admission._loads.items()} == {
        key: {"requests": 0, "items": 0, "nbytes": 0} for key in (V, T, A)
    }


async def test_a_batch_that_waits_for_room_pays_for_its_bytes_once(admission: Admission) -> None:
    paid: list[int] = []

    class Payer(Caller):
        def take(self, nbytes: int, items: int) -> None:
            paid.append(nbytes)

    current.set(Call(Payer("payer"), "x", client="payer"))
    held = admission.admit(1)
    held.add_items(50)
    paid.clear()

    def parse(raw: bytes, *_: Any) -> tuple[int, Work]:
        return 7, Work("", None, (), 1, 1)

    async def parse_later(ticket: Any, raw: bytes, *_: Any) -> tuple[int, Work]:
        return parse(raw)

    encode = SimpleNamespace(SerializeToString=lambda: b"answer")
    rpc = Batches(lambda *_: (7, None), lambda *_: encode, lambda *_: encode)  # type: ignore[arg-type, return-value]
    ways = Ways(admission, rpc, METHODS["VerifySignatureStream"], None, parse, parse_later)

    async def requests() -> AsyncIterator[bytes]:
        yield b"123"

    answers = Stream(ways, 4).answers(requests())
    first = asyncio.ensure_future(anext(answers))
    while not admission._waiters:  # noqa: ASYNC110 - a list
        await asyncio.sleep(0)
    held.release()
    assert await first == b"answer"
    assert await anext(answers, None) is None
    assert [size for size in paid if size] == [3]
    assert admission.load.requests == 0


async def test_a_client_has_its_bounds_over_all_priorities(admission: Admission) -> None:
    as_call(V, "greedy")
    first = admission.admit(300)
    as_call(A, "greedy")
    with pytest.raises(OverloadedError, match="300 bytes of this client in flight"):
        admission.admit(201)
    second = admission.admit(200)
    first.add_items(30)
    with pytest.raises(OverloadedError, match="30 items of this client"):
        second.add_items(21)
    as_call(V, "other")
    admission.admit(500).release()
    first.release()
    second.release()
    assert "greedy" not in admission._loads


async def test_room_that_comes_free_goes_to_the_urgent(admission: Admission) -> None:
    as_call(V)
    full = admission.admit(1000)
    order: list[str] = []

    async def wait(name: str, priority: Priority) -> None:
        as_call(priority, name)
        with await admission.admit_when_free(300):
            order.append(name)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(wait(name, priority)) for name, priority in (("a", A), ("t", T), ("v", V))]
    await asyncio.sleep(0)
    full.release()
    await asyncio.gather(*tasks)
    assert order == ["v", "t", "a"]


def test_settings_of_the_bounds() -> None:
    bounds = ServiceConfig(address="127.0.0.1:0", max_inflight_items=800, max_audits_items=7).bounds
    assert [bounds.priorities[one].items for one in Priority] == [800, 700, 7]
    assert bounds.priorities[A].nbytes * 2 == bounds.nbytes
    assert bounds.client == Room(400, bounds.nbytes // 2)


# ---- large requests --------------------------------------------------------------------------------------------------


def _large(n: int) -> Work:
    columns = tuple(
        as_column(one, name)
        for one, name in zip(
            testing.generate_signatures("ed25519", n, seed=5),
            ("public_keys", "signatures", "messages"),
            strict=True,
        )
    )
    options = _options("ed25519")
    return Work("VerifySignatures", options, columns, n, n)


def _options(scheme: str) -> Any:
    from pycore.service.rpc_signatures import Options

    return Options(scheme, None, False, pycore.DEFAULT_USER_ID, None, "compact", "strict")


def test_a_large_request_is_done_in_pieces_with_the_same_answer() -> None:
    work = _large(5000)
    spoilt = work.columns[1].data.copy()
    spoilt[[0, 2047, 2048, 4999], 3] ^= 1
    work = Work(
        work.kind, work.options, (work.columns[0], as_column(spoilt, "signatures"), work.columns[2]), 5000, 5000
    )
    sizes: list[int] = []

    def do(one: Work) -> Any:
        sizes.append(one.n)
        return execute(one, SETTINGS)

    scheduler = Scheduler(1)
    workers = Admission(scheduler, Bounds(1, 1), do).workers
    run = in_pieces(work, lambda result: result, do, workers, T)
    result = run()
    assert result == execute(work, SETTINGS)
    assert result.counts()[pycore.Verdict.VALID] == 4996
    assert len(sizes) > 1
    assert sum(sizes) == 5000

    sizes.clear()
    gate = threading.Event()
    scheduler.submit(gate.wait)
    scheduler.submit(Piece("other", T, "", []))
    again = in_pieces(work, lambda result: result, do, workers, T)
    assert again() is LATER
    assert sizes == [2048]
    gate.set()
    scheduler.shutdown()
    assert again() == result


def test_an_error_of_the_call_is_that_of_the_whole() -> None:
    work = _large(3000)
    wrong = Work(work.kind, work.options._replace(rules="none such"), work.columns, 3000, 3000)
    workers = Admission(Scheduler(1), Bounds(1, 1), lambda one: None).workers
    with pytest.raises(InputError) as piecewise:
        in_pieces(wrong, lambda result: result, lambda one: execute(one, SETTINGS), workers, T)()
    with pytest.raises(InputError) as whole:
        execute(wrong, SETTINGS)
    assert str(piecewise.value) == str(whole.value)


def test_hashes_of_many_bytes_are_cut_by_them() -> None:
    rows = np.arange(12 << 20, dtype=np.uint8).reshape(6, -1)
    work = Work("HashBatch", "sha256", (as_column(rows, "messages"),), 6, 6)
    sizes: list[int] = []

    def do(one: Work) -> Any:
        sizes.append(one.n)
        return execute(one, SETTINGS)

    workers = Admission(Scheduler(1), Bounds(1, 1), do).workers
    digests = in_pieces(work, lambda result: result, do, workers, T)()
    assert np.array_equal(digests, execute(work, SETTINGS))
    assert sizes == [2, 2, 2]


# ---- the service -----------------------------------------------------------------------------------------------------


@pytest.fixture
def one_worker() -> Iterator[Server]:
    config = ServiceConfig(
        address="127.0.0.1:0", workers=1, drain_delay=0, max_joined_items=1, max_concurrent_rpcs=16, max_audits_items=8
    )
    with background(config) as server:
        yield server


def test_calls_are_done_by_priority(one_worker: Server) -> None:
    gate = Gate(one_worker)
    gate.hold()
    caller = RawCaller(one_worker.target)
    call = caller.channel.unary_unary(METHOD + "HashBatch")
    ended: list[str] = []
    futures = []
    for number, word in enumerate(("audits", "transactions", "votes"), 2):
        future = call.future(hashing(1, 10), timeout=PATIENCE, metadata=((PRIORITY_KEY, word),))
        future.add_done_callback(lambda _, word=word: ended.append(word))
        futures.append(future)
        wait_for_load(one_worker, lambda load, number=number: load.requests == number)
    scheduler = one_worker.admission.workers.executor
    assert isinstance(scheduler, Scheduler)
    before = list(scheduler.taken)
    order: list[Priority] = []
    run = scheduler._run
    scheduler._run = lambda piece: (order.append(piece.priority), run(piece))  # type: ignore[method-assign,assignment,return-value]
    gate.open()
    assert all(one.result() for one in futures)
    assert order == [V, T, A]
    assert [after - earlier for earlier, after in zip(before, scheduler.taken, strict=True)] == [1, 1, 1]
    value = one_worker.metrics.registry.get_sample_value
    assert value("pycore_taken_total", {"priority": "votes"}) == 1
    assert value("pycore_waiting_pieces", {"priority": "votes"}) == 0
    caller.channel.close()


def test_refusals_say_when_to_come_back(one_worker: Server) -> None:
    gate = Gate(one_worker)
    gate.hold()
    caller = RawCaller(one_worker.target)
    call = caller.channel.unary_unary(METHOD + "HashBatch")
    audits = ((PRIORITY_KEY, "audits"),)
    first = call.future(hashing(8, 10), timeout=PATIENCE, metadata=audits)
    wait_for_load(one_worker, lambda load: load.items == 8)
    with pytest.raises(grpc.RpcError) as refused:
        call(hashing(1, 10), timeout=PATIENCE, metadata=audits)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "8 items of audits in flight" in refused.value.details()
    assert b"google.rpc.RetryInfo" in dict(refused.value.trailing_metadata())["grpc-status-details-bin"]
    vote = call.future(hashing(1, 10), timeout=PATIENCE, metadata=((PRIORITY_KEY, "votes"),))
    wait_for_load(one_worker, lambda load: load.items == 9)
    with pytest.raises(grpc.RpcError, match=f"{PRIORITY_KEY}: got 'urgent', wanted one of 'votes'") as wrong:
        call(hashing(1, 10), timeout=PATIENCE, metadata=((PRIORITY_KEY, "urgent"),))
    assert wrong.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    gate.open()
    assert first.result()
    assert vote.result()
    caller.channel.close()


def test_votes_find_room_among_calls_of_others(one_worker: Server) -> None:
    gate = Gate(one_worker)
    gate.hold()
    caller = RawCaller(one_worker.target)
    call = caller.channel.unary_unary(METHOD + "HashBatch")
    futures = [call.future(hashing(1, 10), timeout=PATIENCE) for _ in range(20)]
    wait_for_load(one_worker, lambda load: load.items == 14)  # of 16 calls: two are kept for votes
    votes = [call.future(hashing(1, 10), timeout=PATIENCE, metadata=((PRIORITY_KEY, "votes"),)) for _ in range(2)]
    wait_for_load(one_worker, lambda load: load.items == 16)
    gate.open()
    assert all(one.result() for one in votes)
    assert sorted(one.code() is grpc.StatusCode.OK for one in futures) == [False] * 6 + [True] * 14
    caller.channel.close()


def test_a_large_request_lets_small_ones_in(one_worker: Server) -> None:
    """A small request that comes while a large one is on the only worker is done before that ends."""
    caller = RawCaller(one_worker.target)
    call = caller.channel.unary_unary(METHOD + "HashBatch")
    admission = one_worker.admission
    do, order = admission._execute, []
    started, small_waits = threading.Event(), threading.Event()
    scheduler = admission.workers.executor
    assert isinstance(scheduler, Scheduler)

    def slow(work: Work) -> Any:
        order.append(work.n)
        started.set()
        small_waits.wait(PATIENCE)
        return do(work)

    admission._execute = slow
    large = call.future(hashing(10_000, 10), timeout=PATIENCE)
    assert started.wait(PATIENCE)
    small = call.future(hashing(3, 10), timeout=PATIENCE)
    wait_for_load(one_worker, lambda load: scheduler.waiting(T) == 1)
    small_waits.set()
    assert small.result()
    assert large.result()
    assert order[:2] == [2048, 3]
    assert sum(order) == 10_003
    caller.channel.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nice values belong to processes")
def test_workers_let_the_threads_of_calls_go_first() -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with Scheduler(1) as scheduler:
        theirs = scheduler.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result()
    assert theirs == min(own + 3, 19)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
