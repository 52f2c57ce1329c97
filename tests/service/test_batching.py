"""Dynamic batching: what may be joined, that nobody can tell, and when requests wait for others."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

import numpy as np
import pytest

from pycore import testing
from pycore.base.columns import as_column
from pycore.base.deadline import ExpiredError
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.service.admission import Admission, Bounds
from pycore.service.batching import ONE_BY_ONE, Joiner, cut, join, joint
from pycore.service.config import ServiceConfig
from pycore.service.handlers import execute
from pycore.service.server import background
from pycore.service.work import Work

from .conftest import Clock, RawCaller
from .test_admission import HandExecutor
from .test_work import SETTINGS, signatures_work


def work(*rows: bytes, options: str = "sha256") -> Work:
    return Work("HashBatch", options, (as_column(list(rows), "messages"),), len(rows), len(rows))


# ---- what may be joined ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["ed25519", "sm2", "ecdsa-p256", "ecdsa-secp256k1", "schnorr-secp256k1"])
def test_joined_works_give_what_each_gives_alone(scheme: str, rng: random.Random) -> None:
    works = [signatures_work(rng, scheme, n) for n in (1, 3, 1, 17, 1)]
    assert len({joint(one) for one in works}) == 1
    assert joint(works[0]) is not None
    parts = cut(execute(join(works), SETTINGS), works)
    for part, one in zip(parts, works, strict=True):
        assert part == execute(one, SETTINGS)
    assert not all(part.all_valid for part in parts)


def test_hashes_of_messages_of_any_length(rng: random.Random) -> None:
    works = [work(rng.randbytes(5)), work(b"", b"x"), work(rng.randbytes(200))]
    assert len({joint(one) for one in works}) == 1
    for part, one in zip(cut(execute(join(works), SETTINGS), works), works, strict=True):
        assert np.array_equal(part, execute(one, SETTINGS))


def test_what_is_judged_otherwise_is_not_joined(rng: random.Random) -> None:
    keys, signatures, messages = (
        [bytes(row) for row in part] for part in testing.generate_signatures("sm2", 2, seed=1)
    )

    def packed(width: int) -> Any:
        return as_column(np.zeros((2, width), np.uint8), "public_keys")

    def of(public_keys: Any, n: int = 2) -> Work:
        base = signatures_work(rng, "sm2", 2)
        columns = (public_keys, as_column(signatures, "signatures"), as_column(messages, "messages"))
        return Work(base.kind, base.options, columns, n, n)

    ragged, fixed, other = of(as_column([*keys[:1], b"short"], "public_keys")), of(packed(64)), of(packed(63))
    assert len({joint(ragged), joint(fixed), joint(other)}) == 3
    assert joint(of(as_column(keys[:1], "public_keys"))) is None  # counts that differ are an error of the call
    assert joint(signatures_work(rng, "sm2", 2)) != joint(signatures_work(rng, "sm2", 2, user_id=b"x"))
    assert joint(signatures_work(rng, "ed25519", 65)) is None  # large enough by itself
    assert joint(Work("ValidateBlock", "x", ([b""],), 1, 1)) is None


# ---- when they wait --------------------------------------------------------------------------------------------------


class Bench:
    """A joiner on an executor that the test moves by hand."""

    def __init__(self, max_items: int = 100, max_delay: float = 0.005) -> None:
        self.executor = HandExecutor()
        self.clock = Clock()
        self.done: list[int] = []
        self.admission = Admission(self.executor, Bounds(10_000, 10_000), self._do, clock=self.clock)
        self.pace = Clock()
        self.joiner = Joiner(self.admission, max_items, max_delay, self.pace)

    def _do(self, one: Work) -> Any:
        self.done.append(one.n)
        if one.options == "broken" and one.n > 1:
            raise RuntimeError("not together")
        if b"bad" in list(one.columns[0]):
            raise InputError("messages", "bad", "good")
        return as_column([row * 2 for row in one.columns[0]], "rows")

    def call(self, *rows: bytes, options: str = "sha256", deadline: float | None = None) -> asyncio.Task[Any]:
        async def run() -> Any:
            with self.admission.admit(len(rows)) as ticket:
                one = work(*rows, options=options)
                ticket.add_items(one.n)
                return await self.joiner.run(ticket, one, list, deadline=deadline, what="HashBatch")

        return asyncio.create_task(run())

    def held_for(self) -> float:
        """Seconds that the only batch has to wait, in tens."""
        (queue,) = self.joiner._queues.values()
        assert queue.timer is not None
        return round(queue.timer.when() - asyncio.get_running_loop().time(), -1)

    async def settle(self) -> None:
        """Lets what is due happen, and the executor be empty."""
        for _ in range(6):
            await asyncio.sleep(0)
        while self.executor.queue:
            self.executor.step()
            for _ in range(6):
                await asyncio.sleep(0)


async def test_a_lone_caller_never_waits() -> None:
    bench = Bench(max_delay=1e9)
    for _ in range(20):
        call = bench.call(b"a")
        await bench.settle()
        assert await call == [b"aa"]
        bench.pace.now += 1
    assert bench.done == [1] * 20


async def test_calls_that_come_together_are_done_together() -> None:
    bench = Bench()
    calls = [bench.call(b"%d" % i, b"x") for i in range(10)]
    await asyncio.sleep(0.05)  # the window
    await bench.settle()
    assert [await one for one in calls] == [[b"%d" % i * 2, b"xx"] for i in range(10)]
    assert bench.done == [2, 18]  # the first found nobody else
    assert bench.admission.load.requests == bench.admission.load.items == 0


async def test_a_full_batch_goes_at_once() -> None:
    bench = Bench(max_items=4, max_delay=1e9)
    calls = [bench.call(b"a") for _ in range(9)]
    await bench.settle()
    assert all([await one for one in calls])
    assert bench.done == [1, 4, 4]


async def test_a_few_callers_wait_for_each_other_and_no_longer() -> None:
    bench = Bench(max_delay=0.02)
    calls = [bench.call(b"a") for _ in range(3)]  # one at once, and two that wait: so many are expected from now on
    await asyncio.sleep(0.06)
    await bench.settle()
    assert all(one.done() for one in calls)
    bench.joiner._max_delay = 1e9  # whatever waits for the time now never ends
    calls = [bench.call(b"a") for _ in range(2)]
    await bench.settle()
    assert all(one.done() for one in calls)
    assert bench.done[-1] == 2


async def test_few_are_held_for_a_short_time_and_now_and_then_for_all_of_it() -> None:
    bench = Bench(max_delay=1000.0)
    bench.joiner._expected = 2  # as two callers who wait for each other would have it
    delays = []
    for _ in range(16):
        call = bench.call(b"a")
        await asyncio.sleep(0)
        delays.append(bench.held_for())
        other = bench.call(b"b")
        await bench.settle()
        if not call.done():  # held for the whole time
            for key in list(bench.joiner._queues):
                bench.joiner._time_is_up(key)
            await bench.settle()
        assert await call, await other
    assert delays == [1000.0, *[100.0] * 7] * 2
    bench.joiner._expected = 10
    call = bench.call(b"a")
    await asyncio.sleep(0)
    assert bench.held_for() == 1000.0
    call.cancel()


async def test_where_calls_arrive_one_by_one_few_are_held_for_all_of_it() -> None:
    bench = Bench(max_delay=1000.0)
    bench.joiner = Joiner(bench.admission, 100, 1000.0, bench.pace, holding=ONE_BY_ONE)
    bench.joiner._expected = 2
    for _ in range(3):
        call = bench.call(b"a")
        await asyncio.sleep(0)
        assert bench.held_for() == 1000.0
        call.cancel()
        bench.joiner._time_is_up(next(iter(bench.joiner._queues)))
        bench.joiner._expected = 2


async def test_where_nobody_comes_nothing_is_held() -> None:
    bench = Bench(max_delay=0.01)
    slow = bench.call(b"slow", options="sm3")
    await asyncio.sleep(0)
    held = bench.call(b"a")  # finds another one open
    await asyncio.sleep(0.05)
    await bench.settle()
    assert await slow
    assert await held
    bench.joiner._max_delay = 1e9
    slow = bench.call(b"slow", options="sm3")
    await asyncio.sleep(0)
    at_once = bench.call(b"a")
    await bench.settle()
    assert await at_once
    assert await slow


async def test_options_are_kept_apart() -> None:
    bench = Bench()
    calls = [bench.call(b"a", options=options) for options in ("sha256", "sm3") * 5]
    await asyncio.sleep(0.05)
    await bench.settle()
    assert all([await one for one in calls])
    assert sorted(bench.done) == [1, 4, 5]


async def test_what_is_known_is_answered_without_work_and_leaves_with_the_others() -> None:
    bench = Bench(max_delay=0.02)
    valid = Verdicts(b"\1")
    noted: list[int] = []
    bench.joiner._known = lambda one: valid if b"known" in list(one.columns[0]) else None
    bench.admission.note = lambda one, result: noted.append(len(result))  # type: ignore[method-assign]
    lone = bench.call(b"known")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert lone.done()  # a lone one never waits
    calls = [bench.call(b"known") for _ in range(8)] + [bench.call(b"new")]
    gone = bench.call(b"known")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0.06)
    await bench.settle()
    assert [list(await one) for one in calls[:-1]] == [list(valid)] * 8
    assert await calls[-1] == [b"newnew"]
    assert bench.done == [1]
    assert sum(noted) == 9
    assert len(noted) < 9
    assert bench.admission.load.requests == 0


# ---- errors, deadlines, callers who go -------------------------------------------------------------------------------


async def test_an_error_reaches_the_one_that_made_it() -> None:
    bench = Bench()
    calls = [bench.call(b"bad" if i == 4 else b"%d" % i) for i in range(8)]
    await asyncio.sleep(0.05)
    await bench.settle()
    for i, one in enumerate(calls):
        if i == 4:
            with pytest.raises(InputError, match="bad"):
                await one
        else:
            assert await one == [b"%d" % i * 2]


async def test_what_only_fails_together_is_done_alone() -> None:
    bench = Bench()
    calls = [bench.call(b"a", options="broken") for _ in range(5)]
    await asyncio.sleep(0.05)
    await bench.settle()
    assert [await one for one in calls] == [[b"aa"]] * 5


async def test_who_has_gone_or_is_late_leaves_before_the_work() -> None:
    bench = Bench()
    first = bench.call(b"a")
    stays, goes, late = bench.call(b"b"), bench.call(b"c"), bench.call(b"d", deadline=bench.clock.now + 5)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    goes.cancel()
    bench.clock.now += 10
    await asyncio.sleep(0.05)
    await bench.settle()
    assert await first == [b"aa"]
    assert await stays == [b"bb"]
    with pytest.raises(asyncio.CancelledError):
        await goes
    with pytest.raises(ExpiredError):
        await late
    assert bench.done == [1, 1]
    assert bench.admission.load.requests == 0


async def test_who_is_late_while_no_worker_is_free_leaves_before_the_work() -> None:
    bench = Bench()
    first = bench.call(b"a")
    patient, late = bench.call(b"b"), bench.call(b"c", deadline=bench.clock.now + 5)
    await asyncio.sleep(0.05)
    assert len(bench.executor.queue) == 2
    bench.clock.now += 10
    await bench.settle()
    assert await first == [b"aa"]
    assert await patient == [b"bb"]
    with pytest.raises(ExpiredError):
        await late
    assert bench.done == [1, 1]
    assert bench.admission.load.requests == 0


async def test_who_goes_while_no_worker_is_free_takes_its_rows_along() -> None:
    bench = Bench()
    first = bench.call(b"a")
    calls = [bench.call(b"b") for _ in range(3)]
    await asyncio.sleep(0.05)
    assert len(bench.executor.queue) == 2
    calls[0].cancel()
    await asyncio.sleep(0.01)
    assert bench.admission.load.requests == 3
    await bench.settle()
    assert await first
    assert await calls[1]
    assert bench.done == [1, 2]
    assert bench.admission.load.requests == 0


async def test_room_is_held_until_the_shared_work_has_ended() -> None:
    bench = Bench()
    first = bench.call(b"a")
    calls = [bench.call(b"b") for _ in range(3)]
    await asyncio.sleep(0.05)
    _, work = bench.executor.queue.pop()
    begun, end = threading.Event(), threading.Event()
    do = bench.admission._execute

    def slow(one: Work) -> Any:
        begun.set()
        end.wait()
        return do(one)

    bench.admission._execute = slow
    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    calls[0].cancel()
    await asyncio.sleep(0.01)
    assert bench.admission.load.requests == 4  # its row is being worked on
    end.set()
    thread.join()
    for one in (first, *calls[1:]):
        one.cancel()
    await bench.settle()


async def test_work_that_is_called_off_ends_everybody() -> None:
    bench = Bench()
    calls = [bench.call(b"b") for _ in range(4)]
    await asyncio.sleep(0.05)
    for future, _ in bench.executor.queue:
        future.cancel()
    await asyncio.sleep(0.01)
    for one in calls:
        with pytest.raises(asyncio.CancelledError):
            await one


# ---- the service -----------------------------------------------------------------------------------------------------


def test_many_callers_get_their_own_answers(rng: random.Random) -> None:
    requests, alone = [], []
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_joined_items=1)) as plain:
        caller = RawCaller(plain.target)
        for i in range(200):
            scheme = ("sm2", "ed25519", "ecdsa-secp256k1")[i % 3]
            keys, signatures, messages = testing.generate_signatures(scheme, 1 + i % 2, seed=i)
            spoilt = [bytes(64) if rng.random() < 0.3 else bytes(row) for row in signatures]
            requests.append(_request(scheme, keys, spoilt, messages))
            alone.append(caller("VerifySignatures", requests[-1]))
        caller.channel.close()
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_queue_delay_us=20_000, workers=1)
    with background(config) as server:
        caller = RawCaller(server.target)
        call = caller.channel.unary_unary("/pycore.validation.v1.ValidationService/VerifySignatures")
        futures = [call.future(request) for request in requests]
        assert [one.result() for one in futures] == alone
        caller.channel.close()
        sizes = server.metrics.registry.get_sample_value("pycore_work_items_count", {"kind": "VerifySignatures"})
        assert sizes is not None
        assert sizes < 200  # some were done together
    assert len(set(alone)) > 1


def _request(scheme: str, keys: Any, signatures: Any, messages: Any) -> bytes:
    from pycore.wire.columns import to_column
    from pycore.wire.schema import signature_pb2

    return signature_pb2.VerifySignaturesRequest(
        scheme=scheme,
        public_keys=to_column(as_column(keys, "public_keys")),
        signatures=to_column(as_column(signatures, "signatures")),
        messages=to_column(as_column(messages, "messages")),
    ).SerializeToString()
