"""What large messages need stays with the process from call to call, and goes back when there are none.

Each test counts pages in another process: glibc's settings cannot be taken back.
"""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from .conftest import PATIENCE

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")

PAGES = """
import resource
import mmap
MESSAGE = 12_500_000

def pages(function):
    "Fresh pages that a call of it takes, as a part of those of a message."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    function()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / (MESSAGE / mmap.PAGESIZE)

def hold(copies):
    held = [b"m" * MESSAGE for _ in range(copies)]
    while held:
        held.pop()

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * mmap.PAGESIZE
"""


def said(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PAGES + code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return done.stdout.split()


def test_a_service_keeps_what_a_message_took_until_it_is_idle() -> None:
    """On any thread: of heaps for further threads, glibc unmaps what has grown beyond 64 MiB at once."""
    code = """
import asyncio
import threading
from types import SimpleNamespace
from pycore.service.memory import give_back_when_idle, keep_memory

hold(5)
print(pages(lambda: hold(5)))
keep_memory(16 << 20)

def elsewhere():
    thread = threading.Thread(target=hold, args=(6,))
    thread.start()
    thread.join()

elsewhere()
print(pages(elsewhere), pages(lambda: hold(6)))
admission = SimpleNamespace(load=SimpleNamespace(requests=1), ended=0)

async def main():
    task = asyncio.create_task(give_back_when_idle(admission, 0.01))
    await asyncio.sleep(0)
    admission.ended = 1
    held = resident()
    await asyncio.sleep(0.1)
    print(held - resident() < MESSAGE)
    admission.load.requests = 0
    while held - resident() < 4 * MESSAGE:
        await asyncio.sleep(0.01)
    task.cancel()

asyncio.run(main())
"""
    before, elsewhere, here, kept = said(code)
    assert float(before) > 1
    assert float(elsewhere) < 0.1
    assert float(here) < 0.1
    assert kept == "True"


def test_a_client_has_room_for_a_message_and_its_copy() -> None:
    code = """
from pycore.client.memory import expect_copy
expect_copy(MESSAGE)
hold(2)
print(pages(lambda: hold(2)))
again = pages(lambda: expect_copy(MESSAGE))
print(again)
for nbytes in (0, 1, 1 << 33):
    expect_copy(nbytes)
"""
    kept, again = map(float, said(code))
    assert kept < 0.1
    assert again < 0.1
