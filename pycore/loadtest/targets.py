"""What callers of the service get of the speed that this process has: row by row, each with its goal.

    Shares      the same call in process and over the service, by turns, with the clients that programs use: alone, by
                four threads, as a stream, over TLS, through the same-host lane; blocks, and a run of them
    One item    64 callers with one SM2 signature a call, against a handler of grpc.aio that does nothing, and through
                the coalescing client

In process is one thread; the service is a separate process with one worker and one thread, and whatever else its
settings say. Neither side remembers keys or verdicts: the same batches come again and again, and whoever had seen more
of them would be the faster one. A figure is the quotient of the fastest rounds of both sides, and the median of the
rounds' quotients; on a machine that does much else, only the fastest rounds count. `cpu` is the quotient of the CPU
time that both sides took, callers and service together: what is left of a share where nobody has to wait for anybody.
"""

from __future__ import annotations

import copy
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from pycore import ledgers
from pycore.client import LaneClient, Tls, ValidationClient
from pycore.loadtest.certificates import make_certificate
from pycore.loadtest.measuring import run_answered
from pycore.loadtest.process import ServiceProcess
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic
from pycore.signatures.batch import verify_batch
from pycore.signatures.keycache import without_key_cache
from pycore.testing import generate_ledger, generate_signatures

__all__ = ["COLUMNS", "ONE", "Row", "batch", "measure", "names"]

COLUMNS = ("what", "fastest", "median", "cpu", "goal", "items/s", "")
ONE = ("--workers", "1", "--threads", "1", "--max-message-bytes", str(1 << 26))  # the block is above the default
_ROUNDS = 5
_MESSAGE_SIZE = 32
_STREAMED = 16  # batches of one stream
_CALLS = 24  # of each of several callers in a round
_TRANSACTIONS = 10_000
_RUN = 4  # blocks
_WAIT_S = 300.0

C = TypeVar("C", ValidationClient, LaneClient)


@dataclass
class Row:
    """One comparison.

    Attributes:
        name: what is compared.
        goal: in words, empty where there is no goal.
        rounds: the quotient of each round.
        fastest: the quotient of the fastest rounds.
        cpu: the quotient of CPU times, over all rounds; None where it cannot be told.
        items_per_second: of the service, in its fastest round.
        note: more about it. why_not: why it was not measured.
        percent: shown as a share; else as a factor.
    """

    name: str
    goal: str = ""
    rounds: list[float] = field(default_factory=list)
    fastest: float = 0.0
    cpu: float | None = None
    items_per_second: float = 0.0
    note: str = ""
    why_not: str = ""
    percent: bool = True

    @property
    def median(self) -> float:
        """The median round."""
        return statistics.median(self.rounds) if self.rounds else float("nan")

    def cells(self) -> tuple[str, ...]:
        """The line under `COLUMNS`."""
        if self.why_not:
            return self.name, "-", "-", "-", self.goal, "-", self.why_not
        shown = [f"{one:.1%}" if self.percent else f"{one:.2f} x" for one in (self.fastest, self.median)]
        shown.append("-" if self.cpu is None else f"{self.cpu:.1%}")
        return self.name, *shown, self.goal, f"{self.items_per_second:,.0f}", self.note

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        if self.why_not:
            return {"name": self.name, "goal": self.goal, "why_not": self.why_not}
        return {
            "name": self.name, "goal": self.goal, "fastest": round(self.fastest, 4), "median": round(self.median, 4),
            "cpu": None if self.cpu is None else round(self.cpu, 4),
            "rounds": [round(one, 4) for one in self.rounds], "items_per_second": round(self.items_per_second),
            "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True)
class _Share:
    """A row that compares a call in process with the same call over the service."""

    name: str
    goal: str
    scheme: str
    size: int
    callers: int = 1
    way: str = "plain"  # or "tls", "lane"
    stream: bool = False


_SHARES = (
    *(
        _Share(f"Ed25519, lone call of {size:,}", f">= {goal} %", "ed25519", size)
        for size, goal in ((256, 52), (1024, 75))
    ),
    *(
        _Share(f"Ed25519, 4 callers of {size:,}", f">= {goal} %", "ed25519", size, 4)
        for size, goal in ((256, 90), (1024, 95))
    ),
    _Share("Ed25519, stream of 1,024", ">= 92 %", "ed25519", 1024, stream=True),
    *(
        _Share(f"Ed25519, lone call of {size:,} over the lane", f">= {goal} %", "ed25519", size, way="lane")
        for size, goal in ((256, 80), (1024, 92))
    ),
    *(
        row
        for name, scheme in (("SM2", "sm2"), ("P-256", "ecdsa-p256"))
        for row in (
            _Share(f"{name}, 4 callers of 256", ">= 95 %", scheme, 256, 4),
            _Share(f"{name}, 4 callers of 1,024", ">= 98 %", scheme, 1024, 4),
            _Share(f"{name}, stream of 1,024", ">= 98 %", scheme, 1024, stream=True),
        )
    ),
)
_TLS = (
    _Share("TLS, Ed25519, lone call of 1,024, of the rate without", ">= 88 %", "ed25519", 1024, way="tls"),
    _Share("TLS, Ed25519, 4 callers of 1,024, of the rate without", ">= 88 %", "ed25519", 1024, 4, way="tls"),
    _Share("TLS, Ed25519, stream of 1,024, of the rate without", ">= 88 %", "ed25519", 1024, way="tls", stream=True),
)
_RATE = "64 callers, one SM2 signature a call, of the rate of an empty grpc.aio handler"
_WAIT = "64 callers, one SM2 signature a call: p99, of the empty handler's"
_JOINED = {
    callers: f"coalescing client, {callers:,} callers, one SM2 signature each, of 64 callers without"
    for callers in (64, 1024)
}
_BLOCK = f"ValidateBlock, {_TRANSACTIONS:,} transactions"
_BLOCKS = f"ValidateBlocks, run of {_RUN} such blocks"


def names() -> list[str]:
    """The rows, in order."""
    return [
        _RATE,
        _WAIT,
        *_JOINED.values(),
        *(row.name for row in _SHARES),
        _BLOCK,
        _BLOCKS,
        *(one.name for one in _TLS),
    ]


def measure(
    only: Sequence[str] = (), *, seconds: float = 6.0, seed: int = 1, options: Sequence[str] = (), pin: bool = False
) -> Iterator[Row]:
    """The rows, one after the other.

    Args:
        only: words; the rows whose name has one of them. All without one.
        seconds: of each row, over all rounds, at least.
        seed: of the data.
        options: further options of the service, such as ``("--event-loop", "uvloop")``.
        pin: the service has the first CPU, and callers have the others.
    """
    wanted = [name for name in names() if not only or any(word.lower() in name.lower() for word in only)]
    with ExitStack() as stack:
        services = _Services(stack, options, pin=pin)
        if _RATE in wanted or _WAIT in wanted:
            yield from (row for row in _against_nothing(services, seconds, seed) if row.name in wanted)
        for callers, name in _JOINED.items():
            if name in wanted:
                yield _coalesced(name, callers, services, seconds, seed)
        for share in _SHARES:
            if share.name in wanted:
                yield _share(share, services, seconds, seed)
        yield from _blocks(wanted, services, seconds, seed)
        for share in _TLS:
            if share.name in wanted:
                yield _share(share, services, seconds, seed)


class _Services:
    """The services and clients that rows need, started when the first one does."""

    def __init__(self, stack: ExitStack, options: Sequence[str], *, pin: bool) -> None:
        self._stack = stack
        self._options = options
        self._cpus: set[int] = set()
        mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if pin and len(mine) > 1:
            self._cpus = {mine[0]}
            os.sched_setaffinity(0, mine[1:])
            stack.callback(os.sched_setaffinity, 0, mine)

    def _started(self, *options: str, module: str = "pycore.service") -> ServiceProcess:
        process = self._stack.enter_context(ServiceProcess(options=options, module=module))
        if self._cpus:
            os.sched_setaffinity(process.pid, self._cpus)  # it has one thread yet
        process.wait_ready()
        return process

    @cached_property
    def folder(self) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory()))

    @cached_property
    def plain_process(self) -> ServiceProcess:
        lane = ("--lane", str(self.folder / "lane")) if sys.platform == "linux" else ()
        return self._started(*ONE, *lane, *self._options)

    @cached_property
    def empty_process(self) -> ServiceProcess:
        return self._started(module="pycore.loadtest.empty")

    @cached_property
    def plain(self) -> ValidationClient:
        return self._ready(ValidationClient(self.plain_process.target))

    @cached_property
    def lane(self) -> LaneClient:
        if sys.platform != "linux":
            raise LookupError(f"the lane is for Linux, this is {sys.platform}")
        self.plain  # noqa: B018 - the service has to run
        return self._ready(LaneClient(self.folder / "lane"))

    @cached_property
    def _certificate(self) -> tuple[Path, Path]:
        try:
            return make_certificate(self.folder)
        except ImportError as error:
            raise LookupError(f"no certificate can be made: {error}") from error

    @cached_property
    def tls_process(self) -> ServiceProcess:
        certificate, key = self._certificate
        secured = ("--tls-certificate", str(certificate), "--tls-private-key", str(key))
        return self._started(*ONE, *secured, *self._options)

    @cached_property
    def tls(self) -> ValidationClient:
        target, trusted = self.tls_process.target, Tls(self._certificate[0], server_name="localhost")
        return self._ready(ValidationClient(target, tls=trusted))

    def _ready(self, client: C) -> C:
        self._stack.enter_context(client)
        client.wait_until_ready(_WAIT_S)
        return client


# ---- shares ----------------------------------------------------------------------------------------------------------


@cache
def batch(scheme: str, n: int, seed: int = 1) -> tuple[Any, Any, Any]:
    """Keys, signatures and messages of n valid items with as many keys."""
    return generate_signatures(scheme, n, message_size=_MESSAGE_SIZE, seed=seed)


@dataclass(frozen=True)
class _Side:
    """One side of a comparison.

    Attributes:
        run: seconds for an item or a batch, measured.
        service: the process that it asks; None where it asks none.
    """

    run: Callable[[], float]
    service: ServiceProcess | None = None

    def service_cpu(self) -> float:
        return self.service.usage().cpu if self.service is not None else 0.0


def _race(row: Row, base: _Side, other: _Side, seconds: float, items: int) -> Row:
    """Fills a row by turns: how fast `other` is, of `base`. Both give seconds for so many items."""
    sides = (base, other)
    for side in sides:
        side.run()
    times: tuple[list[float], list[float]] = ([], [])
    cpu, done = [-side.service_cpu() for side in sides], [0.0, 0.0]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < _ROUNDS:
        for place, side in enumerate(sides):
            begun, spent = time.perf_counter(), time.process_time()
            times[place].append(side.run())
            cpu[place] += time.process_time() - spent
            done[place] += (time.perf_counter() - begun) / times[place][-1]
    row.rounds = [mine / theirs for mine, theirs in zip(*times, strict=True)]
    row.fastest, row.items_per_second = min(times[0]) / min(times[1]), items / min(times[1])
    if base.service is not other.service:  # else nobody knows for whom it worked
        each = [(spent + side.service_cpu()) / many for spent, side, many in zip(cpu, sides, done, strict=True)]
        row.cpu = each[0] / each[1]
    return row


def _timed(call: Callable[[], object], times: int = 1) -> float:
    """Seconds of a call, of one part where it has several."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) / times


def _here(call: Callable[[], object], calls: int = 1) -> float:
    """Seconds of a call in this process, the mean of several, which look no key up."""
    with without_key_cache():
        begun = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - begun) / calls


def _together(call: Callable[[], object], callers: int) -> float:
    """Seconds a call of several threads that make some calls each, until the last has ended."""

    def caller() -> None:
        for _ in range(_CALLS):
            call()

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begun) / (callers * _CALLS)


def _share(share: _Share, services: _Services, seconds: float, seed: int) -> Row:
    row = Row(share.name, share.goal)
    try:
        client = getattr(services, share.way)
    except LookupError as error:
        row.why_not = f"not measured: {error}"
        return row
    columns = batch(share.scheme, share.size, seed)

    def local() -> Any:
        return verify_batch(share.scheme, *columns, threads=1)

    def remote(client: Any) -> Callable[[], float]:
        if share.stream:
            many = [columns] * _STREAMED
            return lambda: _timed(lambda: list(client.verify_stream(share.scheme, many)), _STREAMED)
        call = partial(client.verify_batch, share.scheme, *columns)
        return (lambda: _timed(call)) if share.callers == 1 else (lambda: _together(call, share.callers))

    _agree(local(), client.verify_batch(share.scheme, *columns))
    plain = services.plain_process
    if share.way == "tls":
        with_tls = _Side(remote(client), services.tls_process)
        return _race(row, _Side(remote(services.plain), plain), with_tls, seconds, share.size)
    calls = 1 if share.callers == 1 else _CALLS * share.callers
    return _race(row, _Side(lambda: _here(local, calls)), _Side(remote(client), plain), seconds, share.size)


def _agree(mine: Any, theirs: Any) -> None:
    if not mine.all_valid or mine != theirs:
        raise AssertionError("the service's verdicts are not those of this process, or the data is not valid")


def _blocks(wanted: Sequence[str], services: _Services, seconds: float, seed: int) -> Iterator[Row]:
    """The rows for a block of many transactions, and for a run of such blocks."""
    if _BLOCK not in wanted and _BLOCKS not in wanted:
        return
    count = _RUN if _BLOCKS in wanted else 1
    ledger = generate_ledger(blocks=count, txs_per_block=_TRANSACTIONS, seed=seed)
    blocks, context = [ledger.block_info(i) for i in range(count)], ledger.context_for(0).replace(rw_sets=None)
    chain, client = ledgers.get("chainmaker"), services.plain
    report = client.validate_block("chainmaker", blocks[0], context)
    if not report.valid or not report.complete:
        raise AssertionError("the service does not find a good block valid")
    plain = services.plain_process
    if _BLOCK in wanted:
        here = _Side(lambda: _here(lambda: chain.validate_block(blocks[0], context, threads=1)))
        there = _Side(lambda: _timed(lambda: client.validate_block("chainmaker", blocks[0], context)), plain)
        yield _race(Row(_BLOCK, ">= 92 %"), here, there, seconds, _TRANSACTIONS)
    if _BLOCKS in wanted:
        run = lambda: list(client.validate_blocks("chainmaker", blocks, context, window_blocks=1))  # noqa: E731
        here = _Side(lambda: _here(lambda: list(chain.validate_chain(blocks, context, threads=1))) / _RUN)
        yield _race(Row(_BLOCKS, ">= 92 %"), here, _Side(lambda: _timed(run, _RUN), plain), seconds, _TRANSACTIONS)


# ---- one item a call -------------------------------------------------------------------------------------------------


def _one_item(seconds: float, seed: int, **settings: Any) -> Scenario:
    window = max(seconds / _ROUNDS / 2, 0.05)
    common = {"scheme": "sm2", "shape": "single", "callers": 64, "pool": 8192}
    return Scenario(**{**common, "seconds": window, "warmup": min(0.2, window / 4), "seed": seed, **settings})


def _run(target: str, scenario: Scenario, traffic: Traffic, kept: list[Outcome]) -> float:
    """Seconds an item."""
    kept.append(run_answered(Access(target), scenario, traffic))
    return 1 / kept[-1].items_per_second


def _percentile(outcomes: Sequence[Outcome], percent: float) -> float:
    """Milliseconds, the median over rounds."""
    return statistics.median(one.latency.percentile(percent) for one in outcomes) * 1e3


def _against_nothing(services: _Services, seconds: float, seed: int) -> tuple[Row, Row]:
    """Rate and 99th percentile of one-item calls, of those of a handler that does nothing."""
    scenario = _one_item(seconds, seed)
    traffic = Traffic(scenario)
    nothing = copy.copy(traffic)
    nothing.check = lambda answer, request: answer == b""
    ours: list[Outcome] = []
    theirs: list[Outcome] = []
    empty, plain = services.empty_process, services.plain_process
    rate = _race(
        Row(_RATE, ">= 85 %"),
        _Side(lambda: _run(empty.target, scenario, nothing, theirs), empty),
        _Side(lambda: _run(plain.target, scenario, traffic, ours), plain),
        seconds, 1,
    )  # fmt: skip
    rate.note = ", ".join(
        f"p{percent} {_percentile(ours, percent):.1f} ms against {_percentile(theirs, percent):.1f}"
        for percent in (50, 99)
    )
    waits = [[one.latency.percentile(99) for one in outcomes] for outcomes in (ours, theirs)]
    quotients = [mine / one for mine, one in zip(*waits, strict=True)]
    wait = Row(_WAIT, "<= 2 x", quotients, min(waits[0]) / min(waits[1]), percent=False)
    wait.items_per_second = rate.items_per_second
    return rate, wait


def _coalesced(name: str, callers: int, services: _Services, seconds: float, seed: int) -> Row:
    """One-item calls of a client that sends together what comes together, of those that go one by one."""
    alone, joined = _one_item(seconds, seed), _one_item(seconds, seed, shape="coalesced", callers=callers)
    traffic = Traffic(alone)
    kept: list[Outcome] = []
    plain = services.plain_process
    row = _race(
        Row(name, ">= 30 x", percent=False),
        _Side(lambda: _run(plain.target, alone, traffic, []), plain),
        _Side(lambda: _run(plain.target, joined, traffic, kept), plain),
        seconds, 1,
    )  # fmt: skip
    columns = batch("sm2", 1024, seed)
    here = 1024 / min(_here(lambda: verify_batch("sm2", *columns, threads=1)) for _ in range(_ROUNDS))
    row.note = f"{row.items_per_second / here:.0%} of the speed in process; p99 {_percentile(kept, 99):.1f} ms"
    return row
