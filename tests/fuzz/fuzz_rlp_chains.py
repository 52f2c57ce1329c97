"""Mutated transactions, blocks and headers of the chains that write RLP: Ethereum, FISCO BCOS 2.x, Conflux.

    python tests/fuzz/fuzz_rlp_chains.py --seconds 10 --seed 1

For every mutated record:

* a batch of transactions answers for each what it answers for that one alone, and never raises;
* a transaction that is valid is canonical RLP, has the hash of its bytes, and its sender is not the original's, unless
  it is the original;
* a block is refused with InputError or gets a report; one that is not the original is never valid and complete.

A difference is printed with its bytes and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_rlp import mutated

import pycore
from pycore import Verdict, ledgers
from pycore.base import rlp
from pycore.errors import InputError
from pycore.testing import conflux
from pycore.testing.ethereum import EthereumChain
from pycore.testing.fisco2 import Fisco2Chain

BATCH = 24


class DifferenceError(AssertionError):
    """An answer that cannot be right."""


@dataclass
class Case:
    """A chain's records.

    Attributes:
        name, ledger: of the chain.
        context: everything that is known.
        transactions: valid ones. hash: of the chain, for its hashes.
        body: from a transaction to its RLP. blocks: valid ones with the context of each.
        options: of the calls for one transaction.
    """

    name: str
    ledger: Any
    context: Any
    transactions: list[bytes]
    hash: str
    body: Callable[[bytes], bytes]
    blocks: list[tuple[bytes, Any]]
    options: dict[str, Any]


def cases(seed: int) -> list[Case]:
    """Every chain."""
    found = []
    chain = EthereumChain(seed)
    records = chain.transactions([0, 1, 2, 3, 4], payload=9)
    made = chain.block(records[:3])
    known = {"chain_id": 1, "block_hash": made.hash, "receipts": made.receipts, "height": 1}
    before = rlp.decode_list(made.header)[0]
    place = ledgers.get("ethereum").context(known | {"previous_block_hash": before})
    found.append(
        Case("ethereum", ledgers.get("ethereum"), {"chain_id": 1}, records, "keccak256",
             lambda one: one[1:] if one[:1] < b"\xc0" else one, [(made.wire, place)], {})
    )  # fmt: skip
    for hash in ("keccak256", "sm3"):
        grown = Fisco2Chain(seed, hash=hash, sealers=2)
        context = grown.context(height=1, previous_block_hash=grown.last)
        items = grown.transactions([b"a", b"bc"])
        block = grown.block(transactions=items)
        options = {"generation": 2, "hash": hash}
        found.append(
            Case(
                f"fisco-bcos {hash}",
                ledgers.get("fisco-bcos"),
                context,
                items,
                hash,
                bytes,
                [(block, context)],
                options,
            )
        )
    listed = conflux.transactions([0, 1, 2], seed=seed, payload=5)
    found.append(
        Case("conflux", ledgers.get("conflux"), {"chain_id": 1029}, listed, "keccak256",
             lambda one: one[4:] if one[:3] == b"cfx" else one, [], {})
    )  # fmt: skip
    return found


def check_transactions(case: Case, rng: random.Random, counts: Counter[str]) -> None:
    """A batch of mutated ones."""
    originals = [rng.choice(case.transactions) for _ in range(BATCH)]
    records = []
    for one in originals:
        for _ in range(rng.randrange(3)):
            one = mutated(rng, one) if one else one
        records.append(one)
    together = list(case.ledger.validate_transactions(records, case.context))
    for record, original, verdict in zip(records, originals, together, strict=True):
        if case.ledger.validate_transactions([record], case.context)[0] is not verdict:
            raise DifferenceError(f"{case.name}: another verdict alone: {record.hex()}")
        counts[verdict.name] += 1
        if verdict is not Verdict.VALID:
            continue
        body = case.body(record)
        if rlp.encode(rlp.decode(body)) != body:  # type: ignore[arg-type]
            raise DifferenceError(f"{case.name}: valid and not canonical: {record.hex()}")
        if case.ledger.transaction_hash(record, **case.options) != pycore.hash(case.hash, record):
            raise DifferenceError(f"{case.name}: another hash: {record.hex()}")
        same = case.ledger.transaction_sender(record, **case.options) == case.ledger.transaction_sender(
            original, **case.options
        )
        if same and record != original:
            raise DifferenceError(f"{case.name}: another transaction by the same sender: {record.hex()}")


def check_block(case: Case, rng: random.Random, counts: Counter[str]) -> None:
    """One mutated block."""
    if not case.blocks:
        return
    block, context = rng.choice(case.blocks)
    changed = mutated(rng, block)
    try:
        report = case.ledger.validate_block(changed, context)
    except InputError:
        counts["no block"] += 1
        return
    counts["block"] += 1
    if report.valid and report.complete and changed != block:
        raise DifferenceError(f"{case.name}: a changed block is valid: {changed.hex()}")


def run(rounds: int, seed: int, seconds: float | None = None) -> Counter[str]:
    """That many batches and blocks of every chain; the verdicts."""
    rng, counts = random.Random(seed), Counter[str]()
    end = None if seconds is None else time.monotonic() + seconds
    made = cases(seed % 1000)
    for _ in range(rounds):
        if end is not None and time.monotonic() > end:
            break
        for case in made:
            check_transactions(case, rng, counts)
            for _ in range(4):
                check_block(case, rng, counts)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rounds", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        counts = run(arguments.rounds, arguments.seed, arguments.seconds)
    except DifferenceError as difference:
        print(f"seed {arguments.seed}: {difference}", file=sys.stderr)
        return 1
    print(f"chains of RLP: {dict(counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
