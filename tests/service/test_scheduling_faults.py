"""Pieces that fail, and threads that cannot be had."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import Future
from typing import Any

import pytest

from pycore.service.scheduling import Scheduler

from .conftest import PATIENCE


def test_nothing_of_a_piece_that_failed_is_kept() -> None:
    """No circle: a request of megabytes would stay until Python's collector runs."""

    class Marked:
        pass

    def submitted() -> tuple[weakref.ref[Marked], Future[Any]]:
        marked = Marked()

        def broken(request: Marked = marked) -> None:
            assert request is None

        return weakref.ref(marked), scheduler.submit(broken)

    scheduler = Scheduler(1)
    gc.collect()
    gc.disable()
    try:
        mark, future = submitted()
        assert isinstance(future.exception(PATIENCE), AssertionError)
        scheduler.submit(int).result(PATIENCE)  # the thread has left the piece before
        assert mark() is not None  # held by the exception, as long as there is somebody who may look at it
        del future
        assert mark() is None
    finally:
        gc.enable()
    scheduler.shutdown()


def test_a_thread_that_could_not_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler, start = Scheduler(2), threading.Thread.start

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(RuntimeError, match="new thread"):
        scheduler.submit(int)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert scheduler.submit(int).result(PATIENCE) == 0
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert scheduler.submit(lambda: 1).result(PATIENCE) == 1  # by the thread that there is
    monkeypatch.setattr(threading.Thread, "start", start)
    together = threading.Barrier(2)
    assert {scheduler.submit(together.wait, PATIENCE) for _ in range(2)}
    scheduler.shutdown()
    assert together.n_waiting == 0
    assert not together.broken
