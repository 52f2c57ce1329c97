"""Signals that end a process, alone and under a supervisor: real ones, to a real process."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from .conftest import PACKAGE, PATIENCE

PROGRAM = """
import asyncio, os, signal, sys
from pycore.service.signals import StopSignals

def send(name):
    os.kill(os.getpid(), getattr(signal, name))

async def main(supervised, names):
    signals = StopSignals(supervised)
    for name in names:
        send(name)
        for _ in range(5):  # the loop reads it in one turn and acts in the next
            await asyncio.sleep(0)
    await signals.drain.wait()
    print("at once" if signals.at_once.is_set() else "drain", flush=True)
    signals.ignore()

supervised, *names = sys.argv[1:]
asyncio.run(main(supervised == "supervised", names))
send("SIGTERM")
print("lives", flush=True)
"""


def outcome(*arguments: str) -> tuple[str, int]:
    """The output of the program, and its exit status."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=PACKAGE, capture_output=True, text=True, timeout=PATIENCE
    )
    assert not ended.stderr
    return ended.stdout, ended.returncode


@pytest.mark.parametrize(
    ("signals", "wanted"),
    [
        (["SIGTERM"], "drain"),
        (["SIGINT"], "drain"),
        (["SIGTERM", "SIGINT", "SIGTERM", "SIGTERM"], "drain"),
        (["SIGUSR1"], "at once"),
        (["SIGTERM", "SIGUSR1"], "at once"),
    ],
)
def test_under_a_supervisor_only_its_signal_hurries_and_none_kills_in_the_end(signals: list[str], wanted: str) -> None:
    assert outcome("supervised", *signals) == (f"{wanted}\nlives\n", 0)


@pytest.mark.parametrize(
    ("signals", "wanted"),
    [(["SIGTERM"], "drain"), (["SIGTERM", "SIGINT"], "at once"), (["SIGINT", "SIGINT", "SIGTERM"], "at once")],
)
def test_alone_the_second_signal_hurries(signals: list[str], wanted: str) -> None:
    assert outcome("alone", *signals) == (f"{wanted}\n", -signal.SIGTERM)
