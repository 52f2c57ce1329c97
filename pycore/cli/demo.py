"""``pycore demo``: a real service, a real block, a generated ledger, and a live table of what is found."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, is_terminal, note, print_json, print_table

if TYPE_CHECKING:
    from pycore.ledgers import BlockReport
    from pycore.loadtest.process import ServiceProcess
    from pycore.testing import GeneratedLedger

_MESSAGE_BYTES = 16 << 20  # the service's own default
_TRANSACTION_BYTES = 1300  # of a BlockInfo, about; half of the senders show a whole certificate
_AHEAD = 2  # blocks generated while another is being validated


@dataclass(slots=True)
class BlockResult:
    """The outcome of one block: `found` and `wanted` are {transaction: verdict name}."""

    block: int
    height: int
    transactions: int
    signatures: int
    seconds: float
    found: dict[int, str]
    wanted: dict[int, str]
    failed_checks: list[str]
    skipped_checks: list[str]
    timings: dict[str, float]

    @property
    def as_expected(self) -> bool:
        """Exactly the spoilt transactions are reported, with the verdicts they were spoilt for, and the block is
        intact."""
        return self.found == self.wanted and not self.failed_checks and not self.skipped_checks


@dataclass(slots=True)
class Summary:
    """All blocks together."""

    results: list[BlockResult] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found = {(one.block, tx): name for one in self.results for tx, name in one.found.items()}
        wanted = {(one.block, tx): name for one in self.results for tx, name in one.wanted.items()}
        seconds = sum(one.seconds for one in self.results)
        timings: dict[str, float] = {}
        for one in self.results:
            for stage, taken in one.timings.items():
                timings[stage] = timings.get(stage, 0.0) + taken
        transactions = sum(one.transactions for one in self.results)
        return {
            "blocks": len(self.results),
            "transactions": transactions,
            "signatures": sum(one.signatures for one in self.results),
            "tampered": len(wanted),
            "found": len(found),
            "missed": [_place(key, wanted[key]) for key in sorted(wanted.keys() - found.keys())],
            "false_alarms": [_place(key, found[key]) for key in sorted(found.keys() - wanted.keys())],
            "other_verdict": [
                _place(key, found[key]) | {"wanted": wanted[key]}
                for key in sorted(found.keys() & wanted.keys())
                if found[key] != wanted[key]
            ],
            "failed_checks": [
                {"block": one.block, "check": name} for one in self.results for name in one.failed_checks
            ],
            "skipped_checks": sorted({name for one in self.results for name in one.skipped_checks}),
            "seconds": round(seconds, 3),
            "transactions_per_second": round(transactions / seconds, 1) if seconds else 0.0,
            "stage_seconds": {stage: round(taken, 4) for stage, taken in timings.items()},
            "as_expected": bool(self.results) and all(one.as_expected for one in self.results),
        }


def _place(key: tuple[int, int], verdict: str) -> dict[str, Any]:
    return {"block": key[0], "tx": key[1], "verdict": verdict}


def demo(
    blocks: Annotated[int, typer.Option(min=1, help="Blocks to generate.")] = 20,
    txs: Annotated[int, typer.Option(min=1, help="Transactions per block.")] = 1000,
    suite: Annotated[str, typer.Option(help="sm2 or p256.")] = "sm2",
    invalid_every: Annotated[
        int, typer.Option(min=0, help="Tamper with one transaction in so many; 0 for none.")
    ] = 500,
    signers: Annotated[int, typer.Option(min=1, help="Distinct senders.")] = 64,
    seed: Annotated[int, typer.Option(help="Another number makes another ledger.")] = 1,
    address: Annotated[str, typer.Option(help="Where the service listens; port 0 picks a free one.")] = "127.0.0.1:0",
    once: Annotated[
        bool, typer.Option("--once", help="End after the ledger instead of keeping the service up.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a validation service, send it a real block and a generated ledger, and show what it finds.

    Exactly the transactions that were tampered with must be reported; the exit code is 1 when they are not.

    Examples:

      pycore demo

      pycore demo --once --blocks 5 --txs 200 --suite p256
    """
    from pycore.loadtest.process import ServiceProcess

    service = ServiceProcess(address, max_message_bytes=max(_MESSAGE_BYTES, 2 * _TRANSACTION_BYTES * txs))
    with _interrupted_by_sigterm(), service:
        from pycore.testing import generate_ledger

        ledger = generate_ledger(  # while the service starts
            blocks=blocks, txs_per_block=txs, suite=suite, signers=signers, seed=seed, invalid_every=invalid_every
        )
        ahead = _Generator(ledger)
        target = service.wait_ready()
        from pycore.client import ValidationClient

        with ValidationClient(target) as client:
            if not as_json:
                print(f"service: {target} (process {service.pid})")
            real = _real_block(client, quiet=as_json)
            summary = Summary()
            view = _view(quiet=as_json, blocks=blocks)
            with view:
                for index, block, context in ahead:
                    begin = time.perf_counter()
                    report = client.validate_block("chainmaker", block, context)
                    summary.results.append(_result(ledger, index, report, time.perf_counter() - begin))
                    view.add(summary.results[-1])
        outcome = summary.to_dict() | {"real_block": real}
        good = outcome["as_expected"] and (real is None or real["valid"])
        if as_json:
            print_json(outcome)
        else:
            _show_summary(outcome, good)
            if not once:
                _stay(service)
    if not good:
        raise typer.Exit(EXIT_INVALID)


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that the service is drained and not orphaned."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Generator:
    """Builds blocks in a thread, a few ahead of the validation; iterates over (number, BlockInfo bytes, context)."""

    def __init__(self, ledger: GeneratedLedger) -> None:
        self._ledger = ledger
        self._queue: queue.Queue[tuple[int, bytes, Any] | BaseException | None] = queue.Queue(_AHEAD)
        threading.Thread(target=self._run, name="pycore-demo-generator", daemon=True).start()

    def _run(self) -> None:
        try:
            for index in range(len(self._ledger.blocks)):
                data = self._ledger.block_info(index)
                # the read/write sets travel in the BlockInfo
                self._queue.put((index, data, self._ledger.context_for(index).replace(rw_sets=None)))
        except BaseException as error:  # shown where the blocks are awaited
            self._queue.put(error)
        self._queue.put(None)

    def __iter__(self) -> Iterator[tuple[int, bytes, Any]]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item


def _result(ledger: GeneratedLedger, index: int, report: BlockReport, seconds: float) -> BlockResult:
    return BlockResult(
        block=index,
        height=report.height,
        transactions=len(report.transactions),
        signatures=int(report.counts.get("signatures", 0)),
        seconds=seconds,
        found={fault.index: fault.verdict.name for fault in report.faults},
        wanted={tx: one.verdict for tx, one in ledger.invalid_in(index).items()},
        # "transactions" says in one line what the faults say in detail
        failed_checks=[check.name for check in report.failed if check.name != "transactions"],
        skipped_checks=[check.name for check in report.skipped],
        timings=dict(report.timings),
    )


def _real_block(client: Any, *, quiet: bool) -> dict[str, Any] | None:
    """Validates the real block of height 2, when the published vectors are available."""
    from ._vectors import find_real_block

    real = find_real_block()
    if real is None:
        if not quiet:
            print("real block: not found (set PYCORE_VECTORS to the folder of published vectors to see one)")
        return None
    begin = time.perf_counter()
    report = client.validate_block("chainmaker", real.data, real.context)
    seconds = time.perf_counter() - begin
    if not quiet:
        names = ", ".join(one.name for one in report.skipped)
        skipped = f"; not checked, for want of context: {names}" if names else ""
        passed = len(report.checks) - len(report.failed) - len(report.skipped)
        print(
            f"real block: height {report.height} of chain1, {'VALID' if report.valid else 'INVALID'}, "
            f"{passed} checks passed, {len(report.failed)} failed, {len(report.transactions)} transaction, "
            f"{1000 * seconds:.0f} ms{skipped}"
        )
        for check in report.failed:
            print(f"  {check}")
    return {
        "height": report.height,
        "valid": report.valid,
        "checks": {check.name: check.status for check in report.checks},
        "seconds": round(seconds, 4),
    }


# ---- what is on the screen -------------------------------------------------------------------------------------------

_COLUMNS = ("block", "txs", "found", "tampered", "ms", "tx/s", "hash", "members", "verify", "other", "result")
_STAGES = ("hash", "members", "verify")  # milliseconds, as the service reports them; "other" is the rest of them


def _cells(one: BlockResult) -> tuple[str, ...]:
    stages = {name: 1000 * taken for name, taken in one.timings.items() if name != "total"}
    return (
        str(one.height),
        f"{one.transactions:,}",
        str(len(one.found)),
        str(len(one.wanted)),
        f"{1000 * one.seconds:.0f}",
        f"{one.transactions / one.seconds:,.0f}",
        *(f"{stages.get(name, 0.0):.0f}" for name in _STAGES),
        f"{sum(stages.values()) - sum(stages.get(name, 0.0) for name in _STAGES):.0f}",
        "exact" if one.as_expected else "WRONG",
    )


class _QuietView:
    """Shows nothing."""

    def add(self, one: BlockResult) -> None:
        """One more block is done."""

    def __enter__(self) -> _QuietView:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _PlainView(_QuietView):
    """A line per block, for pipes and logs."""

    def __init__(self) -> None:
        self._first = True

    def add(self, one: BlockResult) -> None:
        """Prints the block's line at once."""
        if self._first:
            print(_aligned(_COLUMNS))
            self._first = False
        print(_aligned(_cells(one)), flush=True)


def _aligned(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.rjust(max(len(name), 5)) for cell, name in zip(cells, _COLUMNS, strict=True))


class _LiveView(_QuietView):
    """A table that grows on the terminal."""

    def __init__(self, blocks: int) -> None:
        from rich.live import Live
        from rich.table import Table

        self._table = Table(
            title=f"{blocks} generated blocks; stages in ms", title_justify="left", header_style="bold", padding=(0, 0)
        )
        for name in _COLUMNS:
            self._table.add_column(name, justify="right", no_wrap=True)
        self._live = Live(self._table, refresh_per_second=8, vertical_overflow="visible")

    def add(self, one: BlockResult) -> None:
        """Adds the block's row."""
        style = "green" if one.as_expected else "bold red"
        *cells, result = _cells(one)
        self._table.add_row(*cells, f"[{style}]{result}[/]")

    def __enter__(self) -> _LiveView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _view(*, quiet: bool, blocks: int) -> _QuietView:
    if quiet:
        return _QuietView()
    return _LiveView(blocks) if is_terminal() else _PlainView()


def _show_summary(outcome: dict[str, Any], good: bool) -> None:
    stages = outcome["stage_seconds"]
    total = sum(taken for name, taken in stages.items() if name != "total") or 1.0
    if stages:
        print()
        print_table(
            ("stage", "seconds", "share"),
            [
                (name, f"{taken:.3f}", f"{100 * taken / total:.0f}%")
                for name, taken in sorted(stages.items(), key=lambda item: -item[1])
                if name != "total"
            ],
            title="Time in the service",
        )
    print(
        f"\n{outcome['blocks']} blocks, {outcome['transactions']:,} transactions in {outcome['seconds']:.1f} s: "
        f"{outcome['transactions_per_second']:,.0f} transactions/s over gRPC"
    )
    print(f"tampered with: {outcome['tampered']}; reported invalid: {outcome['found']}")
    for title, key in (
        ("missed", "missed"),
        ("false alarms", "false_alarms"),
        ("other verdict", "other_verdict"),
        ("failed checks", "failed_checks"),
        ("skipped checks", "skipped_checks"),
    ):
        if outcome[key]:
            print(f"{title}: {outcome[key]}")
    print("RESULT: " + ("exactly the tampered transactions were found" if good else "NOT as expected"))


def _stay(service: ServiceProcess) -> None:
    """Keeps the service up until Ctrl-C."""
    from ._environment import program

    target = service.target
    try:
        print(
            f"\nThe service stays up on {target} until Ctrl-C. Try, in another terminal:\n"
            f"  {program('pycore')} info --via {target}\n"
            f"  {program('pycore')} validate --via {target} BLOCK_FILE\n"
            f"  {program('python')} -c 'from pycore.client import ValidationClient; "
            f'print(ValidationClient("{target}").hash_batch("sm3", [b"abc"]))\'',
            flush=True,
        )
        # In steps: a signal that comes just before a wait without end would only be seen after it.
        while service.running:
            time.sleep(0.2)
    except KeyboardInterrupt:
        note("")
        note("draining the service")
    else:
        raise service.failure("the service ended by itself")
