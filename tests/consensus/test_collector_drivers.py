"""The collector of votes under threads, with a thread that flushes it, and in an event loop."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest
import tiny_chain
from tiny_chain import H, Voters, collector_of

from pycore.consensus import (
    AsyncVoteCollector,
    CollectorLimits,
    Equivocation,
    FlushThread,
    Quorum,
    VoteEvent,
)
from pycore.errors import InputError

PATIENCE = 120.0  # seconds until a wait that should end at once is a failure


@pytest.fixture(autouse=True)
def _chains(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_chain.register(monkeypatch)


# ---- threads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chain", ["tiny", "tiny-columns"])
def test_many_threads(chain: str) -> None:
    """Eight threads send the same votes in different orders and batches while the heights go on; each quorum and each
    evidence is told once, to one of them."""
    voters = Voters([1] * 40, chain=chain)
    heights = range(H, H + 4)
    raws = {}
    for height in heights:
        good = voters.raws([(i, "A") for i in range(40)], height=height)
        twice = voters.raws([(i, "B") for i in range(5)], height=height)
        forged = [raw[:-1] + (b"1" if raw.endswith(b"0") else b"0") for raw in good[:10]]
        raws[height] = [*good, *twice, *forged, b"malformed"]
    limits = CollectorLimits(batch=16, heights_behind=10, delay=0.0005)
    collector = collector_of(voters, limits=limits)
    told: list[VoteEvent] = []
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def send(number: int) -> None:
        rng = random.Random(number)
        try:
            for height in heights:
                barrier.wait(PATIENCE)
                if number == 0 and height > H:
                    told.extend(collector.move_to(height, voters.set))
                barrier.wait(PATIENCE)
                mine = rng.sample(raws[height], len(raws[height]))
                while mine:
                    size = rng.choice((1, 1, 2, 7, 30))
                    told.extend(collector.add_bytes(mine[:size], peer=number))
                    mine = mine[size:]
                    if rng.random() < 0.2:
                        told.extend(rng.choice((collector.flush, collector.poll))())
            told.extend(collector.flush())
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not errors
    assert not any(thread.is_alive() for thread in threads)
    counts = collector.counts
    sent = 8 * sum(map(len, raws.values()))
    assert sum(counts.values()) == sent
    assert counts["bad_signature"] == 8 * 10 * len(heights)
    assert counts["malformed"] == 8 * len(heights)
    assert (counts["counted"], counts["equivocation"]) == (40 * len(heights), 5 * len(heights))
    evidence = [one for one in told if isinstance(one, Equivocation)]
    places = [(one.first.height, one.first.position) for one in evidence]
    assert sorted(places) == [(height, i) for height in heights for i in range(5)]
    assert all(one.verify().valid for one in evidence)
    quorums = Counter((one.height, one.claim) for one in told if isinstance(one, Quorum))
    assert set(quorums) == {(height, b"A") for height in heights}
    assert set(quorums.values()) == {1}


def test_flush_waits_for_the_batches_of_others() -> None:
    """A vote that another thread verifies is counted when flush returns."""
    voters = Voters([1] * 3)
    collector = collector_of(voters, limits=CollectorLimits(batch=1))
    started, go = threading.Event(), threading.Event()
    verify = type(voters.set).verify

    def slow(*args: Any, **options: Any) -> Any:
        started.set()
        assert go.wait(PATIENCE)
        return verify(*args, **options)

    events: list[VoteEvent] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(voters.set), "verify", slow)
        sender = threading.Thread(target=lambda: events.extend(collector.add(voters.vote(0, "A"))))
        sender.start()
        assert started.wait(PATIENCE)
        counts: list[int] = []
        waiter = threading.Thread(target=lambda: (collector.flush(), counts.append(collector.counts["counted"])))
        waiter.start()
        assert not counts
        go.set()
        sender.join(PATIENCE)
        waiter.join(PATIENCE)
    assert counts == [1]


# ---- a thread that flushes -------------------------------------------------------------------------------------------


def test_a_thread_flushes_in_time() -> None:
    voters = Voters([1])
    collector = collector_of(voters, limits=CollectorLimits(delay=0.001))
    told: list[VoteEvent] = []
    there = threading.Event()

    def handle(event: VoteEvent) -> None:
        told.append(event)
        there.set()

    with FlushThread(collector, handle):
        for height in (H, H + 1):
            there.clear()
            collector.offer(voters.vote(0, "A", height=height))
            assert there.wait(PATIENCE)
            collector.move_to(height + 1, voters.set)
    assert [one.height for one in told if isinstance(one, Quorum)] == [H, H + 1]


def test_leaving_the_block_flushes() -> None:
    voters = Voters([1])
    collector = collector_of(voters, limits=CollectorLimits(delay=3600.0))
    told: list[VoteEvent] = []
    with FlushThread(collector, told.append):
        collector.add(voters.vote(0, "A"))
        assert not told
    assert len(told) == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "pycore-votes"]


def test_an_exception_of_the_handler_comes_out() -> None:
    voters = Voters([1])
    collector = collector_of(voters, limits=CollectorLimits(delay=0.0))
    failed = threading.Event()

    def handle(event: VoteEvent) -> None:
        failed.set()
        raise KeyError("handler")

    with pytest.raises(KeyError, match="handler"), FlushThread(collector, handle):
        collector.offer(voters.vote(0, "A"))
        assert failed.wait(PATIENCE)


# ---- asyncio ---------------------------------------------------------------------------------------------------------


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(main, PATIENCE))


def test_an_event_loop_adds_and_iterates() -> None:
    voters = Voters([1] * 40, chain="tiny-columns")

    async def main() -> list[VoteEvent]:
        async with AsyncVoteCollector(collector_of(voters, limits=CollectorLimits(delay=3600.0))) as votes:
            await votes.add_bytes(voters.raws([(i, "A") for i in range(20)]), peer="p")
            await asyncio.gather(*(votes.add(voters.vote(i, "A"), peer="q") for i in range(20, 40)))
            await votes.add([voters.vote(3, "B")])
            await votes.flush()
            assert votes.collector.counts["counted"] == 40
            await votes.move_to_round(1)
            await votes.move_to(H + 1, voters.set)
        told = [event async for event in votes]
        assert [event async for event in votes] == []
        with pytest.raises(RuntimeError):
            await votes.add(voters.vote(0, "A"))
        return told

    quorum, evidence = run(main())
    assert isinstance(quorum, Quorum)
    assert isinstance(evidence, Equivocation)


def test_an_event_loop_flushes_in_time() -> None:
    """Nobody calls flush: the events come by themselves, again and again."""
    voters = Voters([1])

    async def main() -> list[str]:
        kinds = []
        async with AsyncVoteCollector(collector_of(voters, limits=CollectorLimits(delay=0.001))) as votes:
            events = votes.__aiter__()
            for kind in ("prevote", "precommit"):
                await votes.add(voters.vote(0, "A", kind=kind))
                event = await anext(events)
                assert isinstance(event, Quorum)
                kinds.append(event.kind)
        return kinds

    assert run(main()) == ["prevote", "precommit"]


def test_a_full_batch_is_verified_by_whoever_fills_it() -> None:
    voters = Voters([1] * 3)

    async def main() -> VoteEvent:
        limits = CollectorLimits(batch=3, delay=3600.0)
        async with AsyncVoteCollector(collector_of(voters, limits=limits)) as votes:
            for i in range(3):
                await votes.add(voters.vote(i, "A"))
            return await anext(votes.__aiter__())

    assert isinstance(run(main()), Quorum)


def test_events_wait_for_their_reader() -> None:
    """With one place for events, adding goes on as they are read, and none is lost."""
    voters = Voters([1] * 10)

    async def main() -> list[VoteEvent]:
        votes = AsyncVoteCollector(collector_of(voters), most_events=1)

        async def send() -> None:
            async with votes:
                for i in range(10):
                    await votes.add([voters.vote(i, "A"), voters.vote(i, "B")])
                    await votes.flush()

        sender = asyncio.ensure_future(send())
        told = [event async for event in votes]
        await sender
        return told

    assert Counter(type(one).__name__ for one in run(main())) == {"Equivocation": 10, "Quorum": 1}


def test_a_cancelled_caller_loses_no_event() -> None:
    voters = Voters([1])

    async def main() -> list[VoteEvent]:
        async with AsyncVoteCollector(collector_of(voters, limits=CollectorLimits(delay=3600.0))) as votes:
            await votes.add(voters.vote(0, "A"))
            task = asyncio.ensure_future(votes.flush())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return [event async for event in votes]

    assert len(run(main())) == 1


def test_an_exception_of_a_flush_in_time_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    voters = Voters([1])
    monkeypatch.setattr(type(voters.set), "verify", lambda *args, **options: 1 // 0)

    async def main() -> None:
        async with AsyncVoteCollector(collector_of(voters, limits=CollectorLimits(delay=0.001))) as votes:
            await votes.add(voters.vote(0, "A"))
            await anext(votes.__aiter__())

    with pytest.raises(ZeroDivisionError):
        run(main())


def test_malformed_calls() -> None:
    for most in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="most_events"):
            AsyncVoteCollector(collector_of(Voters([1])), most_events=most)  # type: ignore[arg-type]
