"""Whole ChainMaker blocks, from wire bytes to reports, by this build of the library and another one.

    python -m bench.block_path                            this build alone
    python -m bench.block_path --base ../before           and a checkout with its extension built: ratios
    python -m bench.block_path --only chain --rounds 5

One process for each build does one piece of work in turn with the other, so that what else the machine does meets both
alike; figures are medians over rounds, ratios the medians of the rounds' ratios. Blocks hold SM2 or P-256 transactions
of about a kilobyte by 100 signers, every check is made, two threads.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORKS = {
    "sm2": "validate_block, SM2 certificates",
    "p256": "validate_block, P-256, members by certificate hash",
    "first": "validate_block, SM2, no member known",
    "small": "validate_block, 10 transactions",
    "chain": "validate_chain, 20 blocks",
    "grpc": "ValidateBlock over gRPC, one call at a time",
    "grpc4": "ValidateBlock over gRPC, four calls in flight",
    "memory": "peak memory over the block's own size",
}
TRANSACTIONS, SMALL, CHAIN = 10_000, 10, 20
THREADS = 2


# ---- blocks ----------------------------------------------------------------------------------------------------------


def _ledger(suite: str, blocks: int, count: int) -> Any:
    from pycore.testing import generate_ledger

    return generate_ledger(blocks=blocks, txs_per_block=count, suite=suite, signers=min(count, 100), seed=1)


def make_blocks(folder: Path, works: list[str], count: int) -> None:
    """Writes the blocks of every work, and the JSON of the contexts to validate them in."""
    for name, suite, blocks, each in (
        ("sm2", "sm2", 1, count),
        ("p256", "p256", 1, count),
        ("small", "sm2", 1, SMALL),
        ("chain", "sm2", CHAIN, count),
    ):
        if name != "sm2" and name not in works:
            continue
        ledger = _ledger(suite, blocks, each)
        contexts = [ledger.context_for(i).replace(rw_sets=None).to_json() for i in range(blocks)]
        made = list(ledger.blocks) if hasattr(ledger, "blocks") else list(ledger)
        (folder / f"{name}.pickle").write_bytes(pickle.dumps((made, contexts)))


# ---- one build -------------------------------------------------------------------------------------------------------


def _known(document: str) -> str:
    """A context without the fields that this build does not know yet."""
    from pycore.ledgers.chainmaker import ChainContext

    fields = {field.name for field in dataclasses.fields(ChainContext)}
    return json.dumps({name: value for name, value in json.loads(document).items() if name in fields})


def _block_work(path: Path, fresh: bool) -> tuple[Callable[[], Any], int]:
    from pycore import ledgers
    from pycore.ledgers.chainmaker import signers

    (block, *_), (document, *_) = pickle.loads(path.read_bytes())
    ledger = ledgers.get("chainmaker")
    context = ledger.context(_known(document))

    def run() -> Any:
        if fresh:
            signers._STORES.clear()
        report = ledger.validate_block(block, context, threads=THREADS)
        assert report.valid, report.failed
        return report

    return run, len(run().transactions)


def _chain_work(path: Path) -> tuple[Callable[[], Any], int]:
    from pycore import ledgers

    blocks, documents = pickle.loads(path.read_bytes())
    ledger = ledgers.get("chainmaker")
    contexts = [ledger.context(_known(document)) for document in documents]

    def run() -> Any:
        if hasattr(ledger, "validate_chain"):
            reports = list(ledger.validate_chain(iter(blocks), contexts[0], threads=THREADS))
        else:
            reports = [ledger.validate_block(b, c, threads=THREADS) for b, c in zip(blocks, contexts, strict=True)]
        assert all(report.valid for report in reports)
        return reports

    return run, sum(len(report.transactions) for report in run())


@contextmanager
def _service() -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "pycore.service", "--address", "127.0.0.1:0"]
    command += ["--workers", "1", "--threads", str(THREADS)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            record = json.loads(line) if line.startswith("{") else {}
            if "address" in record:
                yield record["address"], process.pid
                return
        raise RuntimeError("the service did not start")
    finally:
        process.terminate()
        process.stderr.read()
        process.wait()


def _grpc_work(path: Path, target: str, flying: int) -> tuple[Callable[[], Any], int]:
    from concurrent.futures import ThreadPoolExecutor

    from pycore.client import ValidationClient

    (block, *_), (document, *_) = pickle.loads(path.read_bytes())
    client = ValidationClient(target)
    pool = ThreadPoolExecutor(flying)

    def call(_: int) -> Any:
        report = client.validate_block("chainmaker", block, _known(document).encode())
        assert report.valid
        return report

    def run() -> Any:
        return list(pool.map(call, range(flying)))

    return run, flying * len(run()[0].transactions)


def _peak(path: Path) -> float:
    """Resident memory that validating one block adds at its highest, in block sizes; a separate process (Linux)."""
    (block, *_), (document, *_) = pickle.loads(path.read_bytes())
    from pycore import ledgers
    from pycore.testing import generate_ledger

    ledger = ledgers.get("chainmaker")
    tiny = generate_ledger(blocks=1, txs_per_block=4, suite="sm2", signers=4, seed=1)
    ledger.validate_block(next(iter(tiny.blocks)), tiny.context_for(0))  # imports and tables
    context = ledger.context(_known(document))
    before = _kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    ledger.validate_block(block, context, threads=THREADS)
    return (_kilobytes("VmHWM") - before) * 1024 / len(block)


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def worker(work: str, folder: Path) -> None:
    """Measures each time a line comes in: seconds and transactions, as JSON."""
    if work == "memory":
        print(json.dumps([_peak(folder / "sm2.pickle"), 1]), flush=True)
        return
    with _service() if work.startswith("grpc") else _nothing() as (target, service):
        if work == "chain":
            run, count = _chain_work(folder / "chain.pickle")
        elif target:
            run, count = _grpc_work(folder / "sm2.pickle", target, 4 if work == "grpc4" else 1)
        else:
            run, count = _block_work(folder / f"{'sm2' if work == 'first' else work}.pickle", work == "first")
        times = {"small": 50, "chain": 1}.get(work, 5)
        _spread(service or os.getpid(), run)
        print("ready", flush=True)
        for _ in sys.stdin:
            begin = time.perf_counter()
            for _ in range(times):
                run()
            print(json.dumps([(time.perf_counter() - begin) / times, count]), flush=True)


def _spread(process: int, run: Callable[[], Any]) -> None:
    """Runs the work a few times, and gives the thread that is busiest then a processor and the rest to all others: some
    schedulers leave every thread of a process on one for seconds, and then nothing is measured but that."""
    before = _processor_times(process) if hasattr(os, "sched_setaffinity") else {}
    for _ in range(8):
        run()
    if not before:
        return
    first, *others = sorted(os.sched_getaffinity(0))
    after = _processor_times(process)
    for place, task in enumerate(sorted(after, key=lambda task: before.get(task, 0) - after[task])):
        os.sched_setaffinity(task, set(others) if place and others else {first})


def _processor_times(process: int) -> dict[int, int]:
    """Ticks that each thread of a process has run."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    lines = {int(task.name): (task / "stat").read_text().rpartition(")")[2].split() for task in tasks}
    return {task: int(fields[11]) + int(fields[12]) for task, fields in lines.items()}


@contextmanager
def _nothing() -> Iterator[tuple[str, int]]:
    yield "", 0


# ---- both builds -----------------------------------------------------------------------------------------------------


class Build:
    """A process that measures one work with one build."""

    def __init__(self, root: Path, work: str, folder: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(root)}
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", work, "--folder", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=root
        )
        self.once = work == "memory"
        if not self.once:
            self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the worker ended early; see above")
        return line

    def measure(self) -> tuple[float, int]:
        """Seconds (or a quotient of memory) and transactions."""
        if not self.once:
            assert self._process.stdin is not None
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        seconds, count = json.loads(self._line())
        return float(seconds), int(count)

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def race(work: str, roots: list[Path], folder: Path, rounds: int) -> list[list[float]]:
    """Transactions per second (or the quotient of memory) of each build, by rounds."""
    builds = [Build(root, work, folder) for root in roots]
    found: list[list[float]] = [[] for _ in builds]
    for _ in range(1 if builds[0].once else rounds):
        for build, figures in zip(builds, found, strict=True):
            value, count = build.measure()
            figures.append(value if build.once else count / value)
    for build in builds:
        build.close()
    return found


def main() -> int:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.block_path", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, help="another checkout, its extension built in place")
    parser.add_argument("--only", nargs="*", choices=sorted(WORKS), help="some of the works")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--transactions", type=int, default=TRANSACTIONS, help="of a block (default: 10000)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.worker:
        worker(wanted.worker, wanted.folder)
        return 0
    from pycore.cli._environment import describe_environment

    print(describe_environment()["cpu"], flush=True)
    works = wanted.only or list(WORKS)
    here = Path(__file__).resolve().parents[1]
    roots = [here] if wanted.base is None else [here, wanted.base.resolve()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_blocks(folder, works, wanted.transactions)
        for work in works:
            found = race(work, roots, folder, wanted.rounds)
            unit = "x" if work == "memory" else "tx/s"
            shown = f"{WORKS[work]:52} {statistics.median(found[0]):12,.1f} {unit}"
            if len(found) > 1:
                ratio = statistics.median(a / b for a, b in zip(*found, strict=True))
                shown += f"   before {statistics.median(found[1]):12,.1f}   ratio {ratio:.2f}"
            print(shown, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
