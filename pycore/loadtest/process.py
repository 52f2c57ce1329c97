"""A service in a subprocess, what it may use of the machine, and what it does use."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from pycore.errors import PycoreError

__all__ = [
    "Bounds",
    "ServiceProcess",
    "ServiceProcessError",
    "Usage",
    "busy_remarks",
    "machine_cpu",
    "measured_others",
    "measured_use",
]

OTHERS = 0.2
"""CPUs that other processes may take before figures are doubted."""

# The same signatures and keys come again and again: none is to be looked up.
_FRESH = ("--verdict-cache-bytes", "0")
_NO_KEYS = {"PYCORE_KEY_CACHE": "0"}
_START_SECONDS = 300.0  # the first start on a machine compiles kernels, next to whatever else runs there
_CGROUPS = Path("/sys/fs/cgroup")
# Binds itself, then becomes the service: what a process starts with holds for all its threads.
_BIND = """
import json, os, sys
bounds = json.loads(sys.argv[1])
if bounds["group"]:
    with open(bounds["group"] + "/cgroup.procs", "w") as procs:
        procs.write(str(os.getpid()))
if bounds["cpus"]:
    os.sched_setaffinity(0, bounds["cpus"])
if bounds["data"]:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (bounds["data"], bounds["data"]))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


class ServiceProcessError(PycoreError):
    """The service process ended by itself."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of a service process.

    Attributes:
        cpus: how many CPUs; None for all. They are the last ones that this process may use.
        memory: bytes; None for no bound.
    """

    cpus: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Usage:
    """The use of a service, its child processes included. Zeros where there is no /proc.

    Attributes:
        cpu: seconds of CPU time so far.
        rss, rss_peak: bytes in memory now, and at most so far (the sum of the processes' peaks).
        files: open file descriptors.
        threads: threads.
    """

    cpu: float = 0.0
    rss: int = 0
    rss_peak: int = 0
    files: int = 0
    threads: int = 0

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Of a process and its children now."""
        parts = [_usage(one) for one in (pid, *_children(pid))]
        found = [part for part in parts if part is not None]
        return cls(*map(sum, zip(*(tuple(asdict(one).values()) for one in found), strict=True))) if found else cls()


def machine_cpu() -> float:
    """CPU seconds that everything on this machine has used so far; 0 where there is no /proc."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _usage(pid: int) -> Usage | None:
    folder = Path(f"/proc/{pid}")
    try:
        stat = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8").splitlines())
        files = len(os.listdir(folder / "fd"))  # noqa: PTH208 - counts, does not look
    except (OSError, ValueError):
        return None
    cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    rss, peak = (int(status.get(name, "0").split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
    return Usage(cpu, rss, peak, files, int(status["Threads"]))


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


class ServiceProcess:
    """``python -m pycore.service`` on a free loopback port; a context manager that drains it at the end.

    Args:
        address: where it listens.
        max_message_bytes: its setting of this name; None for the default.
        options: further options of the service, which remembers no keys, and no signatures unless these say so.
        bounds: what it may use of the machine.
        module: what is run instead of the service: something that logs its address and ends at SIGTERM as it does.

    Attributes:
        target: host:port, once entered.
        bound: which bounds hold, in words. unbound: those that could not be set, with the reason.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:0",
        *,
        max_message_bytes: int | None = None,
        options: Sequence[str] = (),
        bounds: Bounds | None = None,
        module: str = "pycore.service",
    ) -> None:
        self._options = ["-m", module, "--address", address, *(_FRESH if module == "pycore.service" else ()), *options]
        if max_message_bytes is not None:
            self._options += ["--max-message-bytes", str(max_message_bytes)]
        self._bounds = bounds
        self._group: Path | None = None
        self._log: deque[str] = deque(maxlen=200)
        self._ready = threading.Event()
        self._silent = False  # it has closed its log, and ends
        self.target = ""
        self.bound: list[str] = []
        self.unbound: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts the process without waiting for it; :meth:`wait_ready` does."""
        for module in ("grpc", "pydantic_settings"):
            if importlib.util.find_spec(module) is None:  # said here, not in the last words of a process
                raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        self._process = subprocess.Popen(
            [sys.executable, *self._bind(), *self._options],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for whoever started it, who then drains it in good order
            env={key: value for key, value in os.environ.items() if key != "PYCORE_ADDRESS"} | _NO_KEYS,
        )
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True).start()

    def _bind(self) -> list[str]:
        """The words in front of the options that bind the process."""
        if self._bounds is None or sys.platform != "linux":
            if self._bounds is not None:
                self.unbound.append(f"CPUs and memory: this is {sys.platform}")
            return []
        cpus = sorted(os.sched_getaffinity(0))[-(self._bounds.cpus or 0) :] if self._bounds.cpus else []
        if cpus:
            self.bound.append(f"{len(cpus)} CPU (affinity: {', '.join(map(str, cpus))})")
        data = 0
        if self._bounds.memory is not None:
            self._group = _cgroup(self._bounds.memory)
            mib = self._bounds.memory >> 20
            if self._group is not None:
                self.bound.append(f"{mib} MiB (control group)")
            else:
                data = self._bounds.memory
                self.bound.append(f"{mib} MiB of private memory (RLIMIT_DATA)")
                self.unbound.append("all memory in one bound: no control group can be made here")
        words = {"cpus": cpus, "data": data, "group": str(self._group) if self._group else ""}
        return ["-c", _BIND, json.dumps(words)]

    def wait_ready(self) -> str:
        """The target, when the service is warm and says that it serves. ServiceProcessError with its last words when it
        does not come up."""
        end = time.monotonic() + _START_SECONDS
        while not self._ready.wait(0.05) and self.running and time.monotonic() < end:
            pass
        if self._silent or not self._ready.is_set():
            raise self.failure("the service did not start")
        return self.target

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def failure(self, what: str) -> ServiceProcessError:
        """`what` with the last words of the process, to be raised."""
        return ServiceProcessError(f"{what}: " + (" | ".join(self._log) or "it said nothing"))

    @property
    def records(self) -> list[str]:
        """The last lines of its log."""
        return list(self._log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid if self._process else 0

    def usage(self) -> Usage:
        """Its use now."""
        return Usage.of(self.pid)

    def stop(self) -> int | None:
        """Asks the service to drain and waits for its end; its exit status."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
        status = process.wait()
        if self._group is not None:
            _remove(self._group)
        return status

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        """Keeps the service's pipe empty, and learns from its records where it listens and when it is warm."""
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line.strip())
            if not self.target and '"address"' in line:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                self.target = str(record.get("address", ""))
                if record.get("state") != "starting":
                    self._ready.set()
            elif '"serving: warm' in line:
                self._ready.set()
        self._silent = True
        self._ready.set()

    def __enter__(self) -> ServiceProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _cgroup(memory: int) -> Path | None:
    """A new control group with a bound for memory; None where none can be made."""
    group = _CGROUPS / f"pycore-{os.getpid()}-{time.monotonic_ns()}"
    if not (_CGROUPS / "cgroup.controllers").exists():  # the older kind: one folder for each kind of bound
        return None
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        if not (group / "memory.max").exists():
            raise FileNotFoundError(group)
        (group / "memory.max").write_text(str(memory), encoding="ascii")
        swap = group / "memory.swap.max"
        if swap.exists():
            swap.write_text("0", encoding="ascii")
    except OSError:
        _remove(group)
        return None
    return group


def _remove(group: Path) -> None:
    with contextlib.suppress(OSError):
        group.rmdir()


@contextlib.contextmanager
def measured_use(service: ServiceProcess) -> Iterator[dict[str, float]]:
    """The use of a service inside the block, filled in at its end: CPU seconds, memory, descriptors, threads, and how
    many CPUs the rest of the machine, without this process, kept busy."""
    use: dict[str, float] = {}
    before, all_before, own_before, begun = service.usage(), machine_cpu(), time.process_time(), time.monotonic()
    yield use
    after = service.usage()
    seconds = max(time.monotonic() - begun, 1e-9)
    rest = machine_cpu() - all_before - (after.cpu - before.cpu) - (time.process_time() - own_before)
    use.update(
        cpu_seconds=round(after.cpu - before.cpu, 2), rss_mib=round(after.rss / 2**20, 1),
        rss_peak_mib=round(after.rss_peak / 2**20, 1), files=after.files, threads=after.threads,
        other_cpus=round(max(0.0, rest / seconds), 2),
    )  # fmt: skip


@contextlib.contextmanager
def measured_others() -> Iterator[dict[str, float]]:
    """`other_cpus` as of :func:`measured_use`, without a service that is still there at the end: how many CPUs others
    kept busy inside the block than this process and those that it started and waited for."""
    use: dict[str, float] = {}
    all_before, own_before, begun = machine_cpu(), sum(os.times()[:4]), time.monotonic()
    yield use
    seconds = max(time.monotonic() - begun, 1e-9)
    rest = machine_cpu() - all_before - (sum(os.times()[:4]) - own_before)
    use["other_cpus"] = round(max(0.0, rest / seconds), 2)


def busy_remarks(use: dict[str, float] | None) -> list[str]:
    """A remark where others took so many CPUs that figures say less: what was measured says how many."""
    others = (use or {}).get("other_cpus", 0.0)
    if others <= OTHERS:
        return []
    return [f"other processes took {others:.1f} CPUs meanwhile: the figures are not those of an idle machine"]
