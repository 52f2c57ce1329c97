"""How the supervisor looks after processes: of any kind here, so that their ends come when the test wants them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from pycore.service import supervisor
from pycore.service.config import ServiceConfig
from pycore.service.supervisor import Supervisor, _exit_status

LISTENS = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); print(flush=True); signal.pause()"


class Looking(Supervisor):
    """Starts programs of the test: the first, the second and so on, and then the last again."""

    def __init__(self, config: ServiceConfig, *programs: str) -> None:
        super().__init__(config)
        self.programs = list(programs)
        self.started = 0

    def _command(self, index: int) -> list[str]:
        del index
        self.started += 1
        program = self.programs.pop(0) if len(self.programs) > 1 else self.programs[0]
        return [sys.executable, "-c", program]

    async def reaches(self, started: int) -> None:
        while self.started < started or not self._children:  # noqa: ASYNC110 - processes set no asyncio.Event
            await asyncio.sleep(0.01)


def settings(**more: object) -> ServiceConfig:
    return ServiceConfig(address="127.0.0.1:0", **more)  # type: ignore[arg-type]


async def test_settings_that_were_good_once_may_be_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken configuration file must not take down the processes that serve, when one of them dies."""
    monkeypatch.setattr(supervisor, "_HEALTHY_S", 0.0)
    looking = Looking(settings(processes=1), "exit(1)", "exit(2)", "exit(3)", LISTENS)
    running = asyncio.create_task(looking.run())
    await looking.reaches(4)
    looking._signals.drain.set()
    assert await running == 0


@pytest.mark.parametrize("status", [2, 3])
async def test_settings_that_were_never_good_end_the_service(status: int) -> None:
    looking = Looking(settings(processes=1), f"exit({status})")
    assert await looking.run() == status
    assert looking.started == 1


async def test_nobody_waits_for_processes_that_have_ended(tmp_path: Path) -> None:
    """systemd tells all of them itself: then there is nothing to put off."""
    there = [tmp_path / str(i) for i in range(3)]
    programs = [LISTENS.replace("print(flush=True)", f"open({str(path)!r}, 'w')") for path in there]
    looking = Looking(settings(processes=3, drain_delay=36_000), *programs)
    running = asyncio.create_task(looking.run())
    await looking.reaches(3)
    while not all(path.exists() for path in there):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    looking._signals.drain.set()
    for child in list(looking._children.values()):
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
    assert await running == 0


async def test_a_process_that_did_not_end_is_in_the_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(supervisor, "_LATE_S", 0.0)
    there = tmp_path / "there"
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(there)!r}, 'w'); signal.pause()"
    looking = Looking(settings(processes=1, drain_delay=0.0, drain_grace=0.0), deaf)
    running = asyncio.create_task(looking.run())
    while not there.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    looking._signals.drain.set()
    assert await running == 128 + signal.SIGKILL


def test_the_status_of_the_service_by_that_of_a_process() -> None:
    assert [_exit_status(one) for one in (0, 4, -signal.SIGTERM, -signal.SIGUSR1)] == [0, 4, 0, 0]
    assert [_exit_status(-one) for one in (signal.SIGKILL, signal.SIGSEGV)] == [137, 139]


def test_a_hangup_brings_the_times_of_a_drain() -> None:
    now = [settings(processes=2, drain_delay=1.0, drain_grace=50.0, workers=3)]
    looking = Supervisor(settings(processes=2, drain_grace=0.5, workers=1), reread=lambda: now[0])
    looking._reload()
    assert (looking._config.drain_delay, looking._config.drain_grace, looking._config.workers) == (1.0, 50.0, 1)


def test_a_process_knows_its_supervisor() -> None:
    looking = Supervisor(settings(processes=2))
    looking._port = 1
    command = looking._command(1)
    assert command[command.index("--supervisor") + 1] == str(os.getpid())
