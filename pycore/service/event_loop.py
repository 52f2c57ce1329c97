"""Which event loop carries the calls: asyncio's, or uvloop, which costs less for each call where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, cast

from pycore.base.extras import install_command

__all__ = ["EventLoopError", "loop_runner", "run_loop"]

Run = Callable[[Coroutine[Any, Any, None]], None]


class EventLoopError(ValueError):
    """The event loop that was asked for is not there."""


def loop_runner(name: str) -> Run:
    """`asyncio.run`, or its like.

    Raises:
        EventLoopError: the library is not installed.
    """
    if name == "asyncio":
        return asyncio.run
    try:
        return cast("Run", import_module(name).run)
    except ImportError:
        raise EventLoopError(f"{name} is not installed: {install_command('fast')}") from None


def run_loop(name: str, main: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine on a fresh loop. EventLoopError as :func:`loop_runner`."""
    try:
        run = loop_runner(name)
    except EventLoopError:
        main.close()
        raise
    run(main)
