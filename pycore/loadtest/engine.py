"""Sends the requests of a scenario when they are due, compares every answer, and counts what happened.

The generator is one event loop in this process. Where it is the one that cannot keep up, the outcome says so: `late`
is how long requests waited for it alone, and its CPU time is in the report.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np

from pycore.loadtest.arrivals import due_times
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.senders import Access, Sender, make_sender
from pycore.loadtest.traffic import Traffic
from pycore.wire.errors import ServiceError, from_rpc

__all__ = ["load", "run_scenario"]

_LATEST_S = 1.0  # after the deadline of the last call
_MOST_WORDS = 300  # characters of a service's message


def run_scenario(access: Access, scenario: Scenario, traffic: Traffic | None = None) -> Outcome:
    """Puts a scenario's load on a service and gives the outcome. Blocks for `warmup + seconds`, and about `timeout`
    longer at most. Call it from one thread, outside of event loops."""
    return _loop().run_until_complete(load(access, scenario, traffic or Traffic(scenario)))


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop for all runs: gRPC reports late events to the loop of a call, which must not be closed by then."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


async def load(
    access: Access, scenario: Scenario, traffic: Traffic, *, clock: Callable[[], float] = time.perf_counter
) -> Outcome:
    """As :func:`run_scenario`, on the running event loop. `clock`: seconds, monotonic."""
    sender = make_sender(access, scenario, traffic)
    try:
        return await _Run(sender, scenario, traffic, clock).run()
    finally:
        await sender.close()


class _Run:
    def __init__(self, sender: Sender, scenario: Scenario, traffic: Traffic, clock: Callable[[], float]) -> None:
        self._sender = sender
        self._scenario = scenario
        self._traffic = traffic
        self._clock = clock
        self.outcome = Outcome(scenario)
        self._length = scenario.warmup + scenario.seconds

    async def run(self) -> Outcome:
        scenario = self._scenario
        arrivals = self._due() if scenario.rate is not None else self._whenever()
        priorities = _priorities(scenario)
        begun = time.process_time()
        self._start = self._clock()
        callers = [asyncio.create_task(self._call(arrivals, priorities)) for _ in range(scenario.callers)]
        try:
            # The last call is sent before the end and has its deadline; what a library holds back longer is given up.
            limit = self._length + scenario.timeout + _LATEST_S
            done, late = await asyncio.wait(callers, timeout=limit, return_when=asyncio.FIRST_EXCEPTION)
            for caller in done:
                caller.result()  # raises what is no answer of the service
            self.outcome.unanswered = len(late)
        finally:
            for caller in callers:
                caller.cancel()
            await asyncio.wait(callers, timeout=_LATEST_S)
        self.outcome.elapsed = self._clock() - self._start - scenario.warmup
        self.outcome.generator_cpu = time.process_time() - begun
        return self.outcome

    def _due(self) -> Iterator[tuple[int, float | None]]:
        scenario = self._scenario
        assert scenario.rate is not None
        return enumerate(due_times(scenario.arrivals, scenario.rate, self._length, scenario.seed).tolist())

    def _whenever(self) -> Iterator[tuple[int, float | None]]:
        """Requests without a time, until the end."""
        for number in itertools.count():
            if self._clock() - self._start >= self._length:
                return
            yield number, None

    async def _call(
        self, arrivals: Iterator[tuple[int, float | None]], priorities: Callable[[int], str | None]
    ) -> None:
        """One of the callers: takes the next request, waits until it is due, and for its answer."""
        for number, due in arrivals:
            free = self._clock() - self._start
            if due is not None and due > free:
                await asyncio.sleep(due - free)
            sent = self._clock() - self._start
            # A closed loop has no due times. In an open one latency counts from them, with the wait for a caller.
            intended = sent if due is None else due
            priority = priorities(number)
            what = await self._one(number, priority)
            ended = self._clock() - self._start
            if intended >= self._scenario.warmup:
                late = 0.0 if due is None else max(0.0, sent - max(due, free))
                self.outcome.note(what, self._traffic[number], priority, intended, sent, ended, late)

    async def _one(self, number: int, priority: str | None) -> str:
        try:
            return "answered" if await self._sender.send(number, priority) else "wrong"
        except grpc.RpcError as error:
            self._hear(error.details())
            return _named(error)
        except ServiceError as error:
            self._hear(error.details)
            return _refused(error) or error.code.name
        except asyncio.TimeoutError:
            return "DEADLINE_EXCEEDED"

    def _hear(self, words: str | None) -> None:
        """Keeps the first message of all: a number of refusals does not say what to change."""
        if not self.outcome.first_message and words:
            self.outcome.first_message = words[:_MOST_WORDS]


def _named(error: Any) -> str:
    """What became of a call that has no answer."""
    found = from_rpc(error.code(), error.details() or "", error.trailing_metadata())
    if isinstance(found, ServiceError):
        return _refused(found) or found.code.name
    return str(error.code().name)


def _refused(error: ServiceError) -> str | None:
    """ "refused" for a refusal that says when to come back."""
    return "refused" if error.retry_after is not None else None


def _priorities(scenario: Scenario) -> Callable[[int], str | None]:
    """The priority of a request with a number."""
    if not scenario.priorities:
        return lambda number: None
    names, weights = zip(*scenario.priorities, strict=True)
    shares = np.asarray(weights) / sum(weights)
    turn = np.random.default_rng(scenario.seed).choice(len(names), 8191, p=shares).tolist()
    return lambda number: names[turn[number % len(turn)]]
