"""CometBFT votes a second, from protobuf bytes to counted, on one thread: pycore.consensus.VoteCollector.

    python -m bench.votes                        every backend that this CPU can run on lanes
    python -m bench.votes --backend avx2 --rounds 31

Shapes:

    large set     1,000 validators, prevotes and precommits of one height, batches of 1,024
    heights       100 validators, height after height, each moved to when the one before is counted: 200 votes a batch
    one by one    the votes of "heights", given one at a time as they come from the network, batches of 200
    hostile       "large set" with a forged vote after each good one
    repeated      "large set" with every vote four times, as gossip brings it

"signatures" is what verifying the same signatures takes alone, by the validator set, as ready columns and in the same
batches (large set, heights, hostile). The two are timed in turn, in processor time, so that other work on the machine
counts less, and medians over rounds are compared. The last line is the time of a lone vote: added and flushed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pycore
from pycore.base.columns import Column, as_column
from pycore.cli._environment import describe_environment
from pycore.consensus import CollectorLimits, Quorum, ValidatorSet, VoteCollector
from pycore.consensus.chains import rules
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.messages import PRECOMMIT, PREVOTE, BlockId, Vote
from pycore.testing.cometbft import CHAIN_ID, START_NS, Signer, make_signers, make_votes

BATCH = 1024
LARGE, SMALL, HEIGHTS = 1000, 100, 10
TARGETS = {"avx512ifma": 150_000, "avx2": 80_000}
"""Backend -> votes a second that "large set" is to reach."""
_LIMITS = CollectorLimits(batch=BATCH, delay=3600.0)


@dataclass(frozen=True)
class Shape:
    """One row: how many votes a run takes, the run, and the signatures alone (None: nothing to compare with)."""

    name: str
    votes: int
    run: Callable[[], None]
    signatures: Callable[[], None] | None = None


def _votes(signers: Sequence[Signer], height: int) -> list[bytes]:
    """Prevotes and precommits of everybody for one block, in the order in which a node sees them."""
    block = BlockId(height.to_bytes(32, "big"), 1, b"p" * 32)
    asked = [
        Vote(kind, height, 0, block, START_NS + 1_000_003 * i, one.address, i, b"")
        for kind in (PREVOTE, PRECOMMIT)
        for i, one in enumerate(signers)
    ]
    return [encoding.vote(one) for one in make_votes([*signers, *signers], asked)]


def _collector(validators: ValidatorSet, height: int = 1) -> VoteCollector:
    return VoteCollector(validators, chain_id=CHAIN_ID, height=height, limits=_LIMITS, threads=1)


def _counting(validators: ValidatorSet, column: Column, counted: int, **others: int) -> Callable[[], None]:
    """One height: everything in one call, which batches it."""

    def run() -> None:
        collector = _collector(validators)
        events = collector.add_bytes(column) + collector.flush()
        counts = collector.counts
        assert counts["counted"] == counted
        assert all(counts[name] == many for name, many in others.items())
        assert [one.kind for one in events if isinstance(one, Quorum)] == ["prevote", "precommit"]

    return run


def _following(validators: ValidatorSet, heights: Sequence[Sequence[bytes]], single: bool) -> Callable[[], None]:
    """Height after height, in columns or one by one."""
    columns = [as_column(list(one), "votes") for one in heights]

    def run() -> None:
        collector = _collector(validators)
        quorums = 0
        for number, votes in enumerate(heights, 1):
            if single:
                for raw in votes:
                    collector.add_bytes(raw)
                quorums += len(collector.flush())
            else:
                quorums += len(collector.add_bytes(columns[number - 1]) + collector.flush())
            collector.move_to(number + 1, validators)
        assert quorums == 2 * len(heights)

    return run


def _signatures(validators: ValidatorSet, columns: Sequence[Column]) -> Callable[[], None]:
    """The same signatures in batches, everything else done before."""
    parts = []
    for column in columns:
        for at in range(0, len(column), BATCH):
            found = rules("cometbft").read_votes(column.slice(at, at + BATCH), chain_id=CHAIN_ID)
            parts.append((found.positions, found.signatures, found.messages))

    def run() -> None:
        for positions, signatures, messages in parts:
            validators.verify(positions, signatures, messages, threads=1)

    return run


def shapes() -> list[Shape]:
    """Every row."""
    large, small = make_signers(LARGE, seed=1), make_signers(SMALL, seed=2)
    many, few = (ValidatorSet([one.validator for one in signers]) for signers in (large, small))
    raws = _votes(large, 1)
    heights = [_votes(small, height) for height in range(1, HEIGHTS + 1)]
    forged = [raw[:-1] + bytes([raw[-1] ^ 1]) for raw in raws]
    column = as_column(raws, "votes")
    mixed = as_column([one for pair in zip(raws, forged, strict=True) for one in pair], "votes")
    copies = as_column([raw for at in range(0, len(raws), 100) for raw in raws[at : at + 100] * 4], "votes")
    total = SMALL * 2 * HEIGHTS
    columns = [as_column(one, "votes") for one in heights]
    return [
        Shape("large set", len(raws), _counting(many, column, len(raws)), _signatures(many, [column])),
        Shape("heights", total, _following(few, heights, False), _signatures(few, columns)),
        Shape("one by one", total, _following(few, heights, True)),
        Shape(
            "hostile",
            len(mixed),
            _counting(many, mixed, len(raws), bad_signature=len(raws)),
            _signatures(many, [mixed]),
        ),
        Shape("repeated", len(copies), _counting(many, copies, len(raws), duplicate=3 * len(raws))),
    ]


def _seconds(run: Callable[[], None]) -> float:
    begin = time.thread_time()
    run()
    return time.thread_time() - begin


def measure(shape: Shape, rounds: int) -> tuple[float, float | None]:
    """Median processor seconds of a run, and of its signatures."""
    whole, alone = [], []
    for round_ in range(rounds + 1):
        first = _seconds(shape.run)
        second = _seconds(shape.signatures) if shape.signatures else 0.0
        if round_:  # the first one makes tables and fills caches
            whole.append(first)
            alone.append(second)
    return statistics.median(whole), statistics.median(alone) if shape.signatures else None


def latency(rounds: int) -> float:
    """Median processor seconds from a lone vote's bytes to its answer."""
    signers = make_signers(1, seed=3)
    validators = ValidatorSet([one.validator for one in signers])
    raw = _votes(signers, 1)[1]
    found = []
    for _ in range(20 * rounds):
        collector = _collector(validators)
        begin = time.thread_time()
        events = collector.add_bytes(raw) + collector.flush()
        found.append(time.thread_time() - begin)
        assert len(events) == 1
    return statistics.median(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table for each backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usable = [one.name for one in pycore.capabilities().backends if one.usable and one.name in (*TARGETS, "portable")]
    parser.add_argument("--backend", choices=usable, action="append")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    print(f"cpu: {describe_environment()['cpu']}, one thread, processor time")
    for backend in given.backend or [name for name in usable if name in TARGETS]:
        with pycore.use_backend(backend):
            print(f"\n{backend:12} {'votes/s':>10} {'signatures/s':>13} {'ratio':>6}")
            for shape in shapes():
                whole, alone = measure(shape, given.rounds)
                target = f"  target {TARGETS[backend]:,}" if shape.name == "large set" and backend in TARGETS else ""
                rest = "" if alone is None else f"{shape.votes / alone:13,.0f} {alone / whole:6.2f}"
                print(f"{shape.name:12} {shape.votes / whole:10,.0f} {rest}{target}")
            print(f"{'a lone vote':12} {1e6 * latency(given.rounds):10,.0f} microseconds")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
