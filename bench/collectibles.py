"""Transfers of collectibles against rules of trade: a million of them, and what reading them from reports takes.

    python -m bench.collectibles [--transfers N] [--json]

Prints the median of several rounds after a warm-up, and what the first call of a process costs on top: compiling the
walk, or loading it from Numba's cache. The target is two seconds for a million transfers and four rules.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from pycore.base.jit import warm_up
from pycore.base.verdicts import Verdicts
from pycore.cli._environment import describe_environment
from pycore.collectibles import Rules, Transfers, check_rules, transfers
from pycore.ledgers import BlockReport, Event

TARGET_S = 2.0
TOKENS, ACCOUNTS, PER_BLOCK = 0.1, 0.05, 200
ROUNDS = 5


def columns(n: int, seed: int = 1) -> Transfers:
    """n rows: every token is minted, then sold again and again by whoever owns it, at falling prices."""
    rng = np.random.default_rng(seed)
    tokens, accounts = max(1, int(n * TOKENS)), max(4, int(n * ACCOUNTS))
    token = np.concatenate([np.arange(tokens), rng.integers(0, tokens, n - tokens)])
    recipient = rng.integers(0, accounts, n)
    order = np.argsort(token, kind="stable")  # rows of a token together, in their order
    first = np.ones(n, np.bool_)
    first[1:] = token[order][1:] != token[order][:-1]
    previous = np.empty(n, np.int64)
    previous[order[1:]] = recipient[order[:-1]]
    sender = np.where(np.isin(np.arange(n), order[first]), -1, previous)
    mint = sender < 0
    return Transfers(
        block=np.arange(n) // PER_BLOCK,
        transaction=np.arange(n) % PER_BLOCK,
        event=np.arange(n) % PER_BLOCK,
        time=1000 * (np.arange(n) // PER_BLOCK),
        kind=np.where(mint, 0, 1),
        token=token,
        sender=sender,
        recipient=recipient.astype(np.int32),
        price=np.where(mint, -1, 10**9 - np.arange(n)),
        currency=np.where(mint, -1, 0),
        tokens=[str(10**60 + i) for i in range(tokens)],
        accounts=[f"{i + 1:040x}" for i in range(accounts)],
        currencies=["CNY"],
    )


def rules_for(rows: Transfers) -> Rules:
    """Four rules, all of which look at every row."""
    return Rules.load({
        "rules": [
            {"rule": "currency", "allowed": ["CNY"], "unpriced": "refused"},
            {"rule": "resale"},
            {"rule": "holding_period", "seconds": 1, "blocks": 1},
            {"rule": "tokens_per_holder", "most": 12},
        ]
    })  # fmt: skip


def reports(rows: Transfers) -> list[BlockReport]:
    """The rows as the events of reports."""
    names = list(rows.accounts)
    found: list[BlockReport] = []
    for begin in range(0, len(rows), PER_BLOCK):
        events = []
        for i in range(begin, min(begin + PER_BLOCK, len(rows))):
            token, to = rows.tokens[rows.token[i]], names[rows.recipient[i]]
            mint = rows.kind[i] == 0
            data = ("0" * 40, to, token, "category", "") if mint else (names[rows.sender[i]], to, token)
            events.append(Event(i - begin, f"tx{i}", "nfa", "Mint" if mint else "TransferFrom", data))
        found.append(
            BlockReport(
                chain="chainmaker", rules="strict", checks=(), height=begin // PER_BLOCK, block_hash=bytes(32),
                transactions=Verdicts(np.ones(len(events), np.uint8)), events=tuple(events), time=0.0,
            )
        )  # fmt: skip
    return found


def measured(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median of a few rounds, in seconds."""
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    rows = columns(wanted.transfers)
    rules = rules_for(rows)
    begin = time.perf_counter()
    check_rules(rows, rules)
    first = time.perf_counter() - begin
    warm_up()
    report = check_rules(rows, rules)
    check_s = measured(lambda: check_rules(rows, rules))
    few = min(len(rows), 100_000)
    from_blocks = reports(columns(few))
    read_s = measured(lambda: transfers(from_blocks, "cmnfa", contract="nfa"), 3)
    result = {
        "cpu": describe_environment()["cpu"],
        "transfers": len(rows),
        "rules": 4,
        "violations": len(report.violations),
        "check_s": round(check_s, 3),
        "target_s": TARGET_S,
        "first_call_s": round(first, 3),
        "read_from_reports_s_per_million": round(read_s / few * 1e6, 2),
    }
    if wanted.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['cpu']}")
    print(f"{len(rows):,} transfers, 4 rules, {len(report.violations):,} violations: {check_s:.3f} s (median)")
    print(f"first call, compiling or loading the walk: {first:.2f} s; target {TARGET_S} s")
    print(f"reading from reports: {result['read_from_reports_s_per_million']} s for a million events")


if __name__ == "__main__":
    main()
