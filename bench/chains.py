"""Blocks of a chain against their signatures alone: how much of the time that verifying takes is left of it.

    python -m bench.chains                    every chain
    python -m bench.chains fisco-bcos -n 10000

One entry is a block of a chain, each of whose transactions has its own key. Two things are timed in turns, and the
medians are compared: "bytes to report", the whole way from a serialised block to its report, and the signature
calls of this library (`verify_batch` or `recover_batch`) on the same items as ready columns. A ratio of 0.6 says that
everything around the signatures takes two thirds of the time that they take.

Where the chain's own library can be built, it is timed in turn with them over the same transactions: as many processes
as this library has threads, which were given the transactions beforehand and answer how many are valid.

A chain brings its entries in a file `bench/chains_NAME.py` with a function `entries(n)`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pycore
from pycore.base import parallel


@dataclass(frozen=True)
class Peer:
    """Another program that does the same work.

    Attributes:
        name: of its row.
        items: how many transactions a run verifies.
        run: None where it cannot be had.
        missing: why it cannot be had.
    """

    name: str
    items: int
    run: Callable[[], object] | None = None
    missing: str = ""


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        chain: as in `pycore.ledgers.names()`.
        name: of the row.
        items: transactions of the block.
        whole: bytes to report; raises where the report is not valid.
        signatures: the same signatures alone; raises where one is not valid.
        peers: other programs that do the same.
        target: the ratio that is aimed at, None: none.
    """

    chain: str
    name: str
    items: int
    whole: Callable[[], object]
    signatures: Callable[[], object]
    peers: Sequence[Peer] = ()
    target: float | None = None


def modules() -> dict[str, str]:
    """Name of a chain's file without its prefix -> module."""
    found = sorted(Path(__file__).parent.glob("chains_*.py"))
    return {path.stem.removeprefix("chains_"): f"bench.{path.stem}" for path in found}


def entries(n: int, chain: str | None) -> Iterable[Entry]:
    """The entries of one chain, or of all."""
    for name in modules().values():
        found: Sequence[Entry] = importlib.import_module(name).entries(n)
        yield from (entry for entry in found if chain in (None, entry.chain))


def timed(calls: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each call in every round; the calls take turns, so that whatever else the machine does meets all."""
    for call in calls:
        call()
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, list_ in zip(calls, seconds, strict=True):
            begun = time.perf_counter()
            call()
            list_.append(time.perf_counter() - begun)
    return seconds


def spread(run: Callable[[], object]) -> None:
    """Runs the work a few times, and gives the thread that is busiest then a processor and the rest to all others: some
    schedulers leave every thread of a process on one for seconds, and then nothing is measured but that."""
    if not hasattr(os, "sched_setaffinity"):
        return
    before = processor_times()
    for _ in range(4):
        run()
    first, *others = sorted(os.sched_getaffinity(0))
    after = processor_times()
    for place, task in enumerate(sorted(after, key=lambda task: before.get(task, 0) - after[task])):
        os.sched_setaffinity(task, set(others) if place and others else {first})


def processor_times() -> dict[int, int]:
    """Ticks that each thread of this process has run."""
    tasks = Path("/proc/self/task").iterdir()
    lines = {int(task.name): (task / "stat").read_text().rpartition(")")[2].split() for task in tasks}
    return {task: int(fields[11]) + int(fields[12]) for task, fields in lines.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.chains", description=__doc__.splitlines()[0])
    parser.add_argument("chain", nargs="?", help="only this one")
    parser.add_argument("-n", type=int, default=10_000, help="transactions of a block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    available = sorted(os.sched_getaffinity(0))
    parallel.set_threads(min(given.threads, len(available)))
    print(f"{cpu()}, {parallel.get_threads()} threads, pycore {pycore.__version__}, medians of {given.rounds} rounds")
    print(f"{'':48} {'items/s':>10} {'signatures alone':>18} {'ratio':>7} {'of minima':>10}  target")
    for entry in entries(given.n, given.chain):
        os.sched_setaffinity(0, set(available))
        spread(entry.whole)
        runs = [peer.run for peer in entry.peers if peer.run is not None]
        found = timed([entry.whole, entry.signatures, *runs], given.rounds)
        whole, alone, *others = map(statistics.median, found)
        least = min(found[1]) / min(found[0])
        rates = f"{entry.items / whole:10,.0f} {entry.items / alone:18,.0f} {alone / whole:7.2f} {least:10.2f}"
        print(f"{entry.chain + ': ' + entry.name:48} {rates}  {'' if entry.target is None else f'{entry.target:.2f}'}")
        for peer in entry.peers:
            name = f"{entry.chain}: {peer.name}"
            if peer.run is None:
                print(f"{name:48} {'-':>10} {'':18} not measured: {peer.missing}")
                continue
            rate = peer.items / others.pop(0)
            print(f"{name:48} {rate:10,.0f} {'':18} {entry.items / whole / rate:6.1f}x slower")
        os.sched_setaffinity(0, set(available))  # what processes of the next entries inherit
    return 0


def cpu() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


if __name__ == "__main__":
    sys.exit(main())
