"""A front end that takes no calls any more: the process says so and ends, instead of listening without an answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from pycore.service.config import ServiceConfig
from pycore.service.ending import EXIT_ENDED, Ends
from pycore.service.server import Server

PATIENCE = 60

PROGRAM = """
import asyncio
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, run_until_signal

class Ending(Server):
    async def start(self):
        before = asyncio.all_tasks()
        await super().start()
        for task in asyncio.all_tasks() - before:
            if "main_loop" in repr(task) or "without __name__" in repr(task):
                asyncio.get_running_loop().call_later(0.1, task.cancel)

config = ServiceConfig(address="127.0.0.1:0", front="grpcio", warm_up=False)
raise SystemExit(run_until_signal(lambda: Ending(config), "info"))
"""


def test_a_service_whose_front_end_has_ended_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == EXIT_ENDED, done.stderr
    assert "the front end has ended" in done.stderr


@pytest.mark.parametrize("front", ["grpcio", "auto"])
def test_an_end_that_is_wanted_is_none_of_its_own(front: str, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with Server(ServiceConfig(address="127.0.0.1:0", front=front, drain_delay=0)) as server:  # type: ignore[arg-type]
            pass
        assert not server.ends.seen.is_set()

    asyncio.run(run())
    assert "the front end has ended" not in caplog.text


def test_a_task_that_others_begin_meanwhile_is_not_the_front_end() -> None:
    class Slow:
        async def start(self) -> None:
            await asyncio.sleep(0)
            self.other = asyncio.create_task(asyncio.sleep(PATIENCE))

    async def run() -> None:
        front, ends = Slow(), Ends()
        await ends.start(front)
        front.other.cancel()
        await asyncio.wait({front.other})
        await asyncio.sleep(0)
        assert not ends.seen.is_set()

    asyncio.run(run())
