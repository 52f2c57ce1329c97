"""Clients that go on when their quota is used up: refused before their requests are read, told to come back later and
later, and held back. Others, and health, are answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

import pycore
from pycore.client import ValidationClient
from pycore.service import impatience
from pycore.service.impatience import FORGOTTEN, PATIENCE, Impatience, Waiting
from pycore.wire.errors import ServiceError, from_rpc

from .conftest import METHOD, Clock
from .conftest import PATIENCE as LONG
from .test_access import A, B, Serve, by_token, serve, write  # noqa: F401 - a fixture

REQUEST = b"\x0a\x06sha256\x12\x03\x22\x01x"


def test_the_time_to_come_back_grows_and_is_forgotten() -> None:
    clock = Clock()
    one = Impatience(clock)
    told = [one.refused(0.01) for _ in range(20)]
    assert told == pytest.approx([0.01 * (1 + i) for i in range(20)])
    clock.now += 10 / FORGOTTEN
    assert one.refused(0.01) == pytest.approx(0.01 * (1 + 10))
    assert one.refused(4.0) == 5.0  # the longest
    clock.now += 1000
    assert one.refused(0.01) == pytest.approx(0.01)


def test_only_who_goes_on_is_held_back() -> None:
    clock = Clock()
    one = Impatience(clock)
    for _ in range(PATIENCE):
        one.refused(0.01)
        assert one.pause() == 0.0
    pauses = []
    for _ in range(10 * PATIENCE):
        one.refused(0.01)
        pauses.append(one.pause())
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(1 / PATIENCE)
    assert pauses[-1] == 1.0
    # Forgotten within seconds, however many there were.
    clock.now += 4 * PATIENCE / FORGOTTEN
    one.refused(0.01)
    assert one.pause() == 0.0


async def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impatience, "_LONGEST_S", 36000.0)
    one, waiting = Impatience(Clock()), Waiting()
    for _ in range(1000):
        one.refused(0.01)
    # Large requests, and calls that have no time for it, are refused at once.
    await waiting.hold(one, impatience._LARGEST + 1, None)
    await waiting.hold(one, 1, 0.04)
    assert (one.held, waiting.held) == (0, 0)
    held = [asyncio.create_task(waiting.hold(one, 1, None)) for _ in range(impatience._MOST_HELD_EACH + 20)]
    await asyncio.sleep(0)
    assert one.held == waiting.held == impatience._MOST_HELD_EACH
    assert sum(task.done() for task in held) == 20
    others = [Impatience(Clock()) for _ in range(20)]
    for other in others:
        for _ in range(1000):
            other.refused(0.01)
        held += [asyncio.create_task(waiting.hold(other, 1, 36000.0)) for _ in range(40)]
    await asyncio.sleep(0)
    assert waiting.held == impatience._MOST_HELD
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert waiting.held == one.held == sum(other.held for other in others) == 0


async def test_a_client_that_goes_on_waits_and_the_others_do_not(
    serve: Serve,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(impatience, "PATIENCE", 3)
    monkeypatch.setattr(impatience, "_LONGEST_S", 36000.0)
    loud = by_token(tmp_path, "loud", A, rpcs=["*"], items_per_second=1)
    server = serve(write(tmp_path / "access.json", loud, by_token(tmp_path, "quiet", B)), clock=Clock())
    guard = server.guard
    token = (("authorization", f"Bearer {A}"),)
    async with grpc.aio.insecure_channel(server.target) as channel:
        call = channel.unary_unary(METHOD + "HashBatch")
        assert await call(REQUEST, metadata=token, timeout=LONG)
        told = [await refused(call(b"no message at all", metadata=token, timeout=LONG)) for _ in range(3)]
        assert 0 < told[0] < told[1] < told[2] <= 5.0
        held = [call(REQUEST, metadata=token) for _ in range(5)]
        await until(lambda: guard.waiting.held == 5)
        await until(lambda: guard.calls == 0)  # they take no room
        # An empty request waits as well. Other clients and health are answered meanwhile.
        held.append(channel.unary_unary(METHOD + "GetCapabilities")(b"", metadata=token))
        await until(lambda: guard.waiting.held == 6)
        with ValidationClient(server.target, token=B, timeout=LONG) as quiet:
            assert await asyncio.to_thread(quiet.health)
            assert await asyncio.to_thread(quiet.hash, "sha256", b"x") == pycore.hash("sha256", b"x")
        assert not any(one.done() for one in held)
        for one in held:
            one.cancel()
        await until(lambda: guard.waiting.held == 0)
        monkeypatch.setattr(impatience, "_LONGEST_S", 0.05)
        assert await refused(call(REQUEST, metadata=token, timeout=LONG)) > 0
    figures = server.metrics.registry
    assert figures.get_sample_value("pycore_refusals_total", {"reason": "THROTTLED", "client": "loud"}) == 3 + 6 + 1


async def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not reached():
        assert time.monotonic() < end
        await asyncio.sleep(0.002)


async def refused(call: Any) -> float:
    """When to come back, of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    found = from_rpc(error.code(), error.details() or "", error.trailing_metadata())
    assert isinstance(found, ServiceError)
    assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert found.retry_after is not None
    return found.retry_after
