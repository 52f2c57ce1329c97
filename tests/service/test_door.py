"""Calls that are turned away at the door hear, and leave in the figures, what the usual way would have given them."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from pycore.service.config import ServiceConfig
from pycore.service.door import door
from pycore.service.front import NativeServer, speaks_native
from pycore.service.guard import CROWD, Guard
from pycore.service.metrics import Metrics
from pycore.service.pace import Pace
from pycore.service.server import background
from pycore.service.tracing import Tracing
from pycore.service.watch import Watch
from pycore.wire.errors import from_rpc
from pycore.wire.refusals import OverloadedError

from .conftest import METHOD, PATIENCE, Clock, Gate

REQUEST = b"\x0a\x06sha256\x12\x03\x22\x01x"
TOKEN = "a-token-that-is-long-enough"


class Context:
    """As much of a call's context as the door and the guard ask for."""

    def __init__(self, peer: str, metadata: tuple[tuple[str, str], ...], left: float | None) -> None:
        self._peer, self._metadata, self._left = peer, metadata, left
        self.refusals: list[tuple[grpc.StatusCode, str, Any]] = []

    def peer(self) -> str:
        return self._peer

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def auth_context(self) -> dict[str, list[bytes]]:
        return {}

    def time_remaining(self) -> float | None:
        return self._left

    def add_done_callback(self, callback: Any) -> None:
        callback(None)

    def refuse(self, code: grpc.StatusCode, words: str, metadata: Any) -> None:
        self.refusals.append((code, words, metadata))


class _ThroughError(Exception):
    """A call has come to its handler; it is not answered, or the guard would take it for a quick one."""


class Crowd:
    """A guard with calls of all kinds open, as chance has it."""

    def __init__(self, seed: int, tmp_path: Path) -> None:
        self.chance = chance = random.Random(seed)
        self.clock = Clock()
        self.metrics = Metrics()
        known = chance.random() < 0.5
        quota = chance.choice([{}, {"calls": 3}, {"items_per_second": 10}, {"rpcs": ["Hash*"]}])
        if known:
            (tmp_path / "token").write_text(TOKEN, encoding="ascii")
            one = {"name": "one", "token_files": [str(tmp_path / "token")], "rpcs": ["*"], **quota}
            (tmp_path / "access.json").write_text(json.dumps({"clients": [one]}), encoding="utf-8")
        access = tmp_path / "access.json" if known else None
        self.guard = Guard(chance.choice([30, 60, 1000]), chance.choice([4, 1000]), access, self.metrics, self.clock)
        self.metadata = (("authorization", f"Bearer {TOKEN}"),) if known else ()
        for _ in range(chance.choice([0, 10, 50])):
            self._slow()
        for _ in range(chance.choice([0, 40, 300])):
            self._open()
        self.clock.now += chance.choice([0.0, 0.1, 3.0])
        if known and chance.random() < 0.5:
            assert self.guard.clients is not None
            self.guard.clients.callers["one"].usage.items.take(chance.choice([1.0, 1000.0]))

    def context(self) -> Context:
        priority = self.chance.choice([(), (("pycore-priority", "votes"),), (("pycore-priority", "audits"),)])
        odd = self.chance.choice([(), (), (), (("pycore-priority", "no"),), (("authorization", "Bearer no"),)])
        left = self.chance.choice([None, 0.5, 1.0, 5.0])
        return Context(f"ipv4:{self.chance.randrange(3)}", (*self.metadata, *priority, *odd), left)

    def _slow(self) -> None:
        """A call that was open for a while."""
        pace = self.guard.paces[self.chance.choice([0, 1, 2])]
        try:
            began = pace.enter(None)
        except OverloadedError:
            return
        self.clock.now += 0.05
        pace.leave(began)

    def _open(self) -> None:
        """A call that stays open, through the door or only in the pace."""
        try:
            call = self.guard._open(self.context(), "HashBatch")
        except Exception:
            return
        self.guard.paces[call.priority].enter(None)

    def usual(self, context: Context) -> Exception | None:
        """The error that the usual way refuses a call with; None where it comes through."""

        async def answer(_: bytes, __: Any) -> bytes:
            raise _ThroughError

        handler: Any = self.guard.around(grpc.unary_unary_rpc_method_handler(answer), "HashBatch")
        try:
            asyncio.run(handler.unary_unary(REQUEST, context))
        except _ThroughError:
            return None
        except Exception as error:
            return error
        raise AssertionError


def test_the_door_says_what_the_usual_way_would_have_said(tmp_path: Path) -> None:
    """Of crowds of all kinds: the same words, the same time to come back, the same count; and whatever is refused for
    another reason goes the usual way."""
    seen = dict.fromkeys(("away", "calls", "late", "let in", "other"), 0)
    for seed in range(500):
        crowd = Crowd(seed, tmp_path)
        for _ in range(8):
            context = crowd.context()
            before = crowd.metrics.totals().refusals
            turned_away = crowd.guard.turns_away(context, "HashBatch")
            after = crowd.metrics.totals().refusals
            usual = crowd.usual(context)
            if turned_away is None:
                seen["other" if usual is not None else "let in"] += 1
                assert after == before
                assert usual is None or "calls in flight" not in str(usual), seed
                assert "calls to answer first" not in str(usual), seed
                continue
            seen["away"] += 1
            seen["calls" if "calls in flight" in str(turned_away) else "late"] += 1
            assert isinstance(usual, OverloadedError), seed
            assert (str(usual), usual.retry_after) == (str(turned_away), turned_away.retry_after), seed
            last = crowd.metrics.totals().refusals
            assert sum(after.values()) - sum(before.values()) == 1
            assert {k: 2 * (after[k] - before.get(k, 0)) for k in after} == {
                k: last[k] - before.get(k, 0) for k in last
            }
    assert min(seen.values()) > 20, seen


def test_what_it_would_refuse_changes_nothing() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(40):
        pace.enter(None)
    clock.now += 1.0
    assert pace.would_refuse(1.0) is None  # one of each window is let in, and this was not it
    pace.enter(1.0)
    told = [str(pace.would_refuse(1.0)) for _ in range(3)]
    assert len(set(told)) == 1
    assert "41 calls to answer first" in told[0]
    with pytest.raises(OverloadedError, match="41 calls to answer first"):
        pace.enter(1.0)


def test_few_calls_are_not_asked_about_and_traced_ones_never() -> None:
    guard = Guard(1, 1, None, Metrics())
    context = Context("ipv4:1", (), 1.0)
    guard.calls = CROWD
    at = door(guard, Watch(Metrics()), "HashBatch")
    assert at is not None
    assert not at(context)
    assert not context.refusals
    guard.calls = CROWD + 1
    assert at(context)
    assert [code for code, *_ in context.refusals] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
    tracing: Any = object.__new__(Tracing)
    assert door(guard, Watch(Metrics(), tracing), "HashBatch") is None


@pytest.mark.skipif(not speaks_native("auto"), reason="pycore._http2 is absent")
def test_both_front_ends_refuse_a_crowd_alike() -> None:
    found = {front: _crowded(front) for front in ("grpcio", "nghttp2")}
    assert found["nghttp2"] == found["grpcio"]
    assert found["nghttp2"][0] == [("RESOURCE_EXHAUSTED", f"name-{at}") for at in range(5)]


def _crowded(front: str) -> tuple[Any, ...]:
    """Refusals of a service whose calls are all open: what their callers see, and the figures."""
    config = ServiceConfig(
        address="127.0.0.1:0", workers=1, drain_delay=0, front=front, max_concurrent_rpcs=48, max_joined_items=1,
        stall_after=1e9,
    )  # fmt: skip
    with background(config) as server, grpc.insecure_channel(server.target) as channel:
        assert isinstance(server._server, NativeServer) == (front == "nghttp2")
        gate = Gate(server)
        gate.hold()
        call = channel.unary_unary(METHOD + "HashBatch")
        waiting = [call.future(REQUEST, timeout=PATIENCE) for _ in range(42)]
        end = time.monotonic() + PATIENCE
        while server.guard.calls < 42:
            assert time.monotonic() < end
            time.sleep(0.005)
        refused, words = [], set()
        for at in range(5):
            with pytest.raises(grpc.RpcError) as caught:
                call(REQUEST, timeout=PATIENCE, metadata=(("x-request-id", f"name-{at}"),))
            error: Any = caught.value
            one: Any = from_rpc(error.code(), error.details(), error.trailing_metadata())
            ids = [value for key, value in error.trailing_metadata() if key == "x-request-id"]
            refused.append((error.code().name, *ids))
            words.add((one.details, one.retry_after))
        urgent = call.future(REQUEST, timeout=PATIENCE, metadata=(("pycore-priority", "votes"),))
        gate.open()
        assert all(len(one.result()) for one in (*waiting, urgent))
        recent = [(one.reason, one.client, one.rpc, one.request_id) for one in server.metrics.recent]
        totals = server.metrics.totals()
        while totals.calls.get(("HashBatch", "OK"), 0) < 43:
            assert time.monotonic() < end
            totals = server.metrics.totals()
        return refused, words, recent, totals.refusals, totals.calls
