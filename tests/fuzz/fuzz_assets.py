"""Fuzzes the documents and events of evidence and collectibles.

    python tests/fuzz/fuzz_assets.py --seconds 10 --seed 1

Starts from documents that fit (evidence of a log, a trusted log, a layout, rules) and from events of a contract, and
changes values, names and types. Whatever the input, a document is read or refused with an InputError that names a
field; evidence that was changed is never accepted; and events end as transfers or as what could not be read, with a
report that turns into JSON.
"""

from __future__ import annotations

import argparse
import collections
import copy
import json
import random
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import pycore.testing
from pycore import InputError, collectibles, evidence
from pycore.base.verdicts import Verdicts
from pycore.evidence import LogEvidence, TrustedLog
from pycore.evidence.notarised import fault, places, written
from pycore.ledgers import BlockReport, Check, Event
from pycore.testing.collectibles import LAYOUT

FILE = b"a file"
RULES = {
    "name": "rules",
    "rules": [
        {"rule": "currency", "allowed": ["CNY"], "unpriced": "refused"},
        {"rule": "resale"},
        {"rule": "holding_period", "seconds": 5, "blocks": 2, "after_mint": True},
        {"rule": "tokens_per_holder", "most": 3, "except": ["a"]},
        {"rule": "accounts", "listed": ["a", "b"]},
    ],
}
ODD: list[Any] = [None, True, False, 0, -1, 1, 2**63, 2**64, 0.5, "", "00", "a", "0" * 40, [], {}, [1], {"at": 0}]


@lru_cache(maxsize=1)
def log() -> tuple[dict[str, Any], TrustedLog]:
    """The evidence of a log as a document, and the log."""
    found, trusted = pycore.testing.generate_log([b"x", pycore.hash("sha256", FILE), b"y"], 1, scheme="ed25519")
    return found.to_dict(), trusted


def changed(rng: random.Random, document: Any) -> Any:
    """A copy with one place changed."""
    whole = copy.deepcopy(document)
    inside, way = whole, []
    while isinstance(inside, (dict, list)) and inside and (not way or rng.random() < 0.8):
        key = rng.choice(list(inside)) if isinstance(inside, dict) else rng.randrange(len(inside))
        way.append((inside, key))
        inside = inside[key]
    holder, key = way[-1]
    act = rng.randrange(5)
    if act == 0 and isinstance(holder, dict):
        del holder[key]
    elif act == 1 and isinstance(holder, dict):
        holder[rng.choice(["more", "hash", "", key + "s"])] = rng.choice(ODD)
    elif act == 2 and isinstance(inside, str) and inside:
        at = rng.randrange(len(inside))
        holder[key] = inside[:at] + rng.choice("0f9a\u202e\x00") + inside[at + 1 :]
    elif act == 3 and type(inside) is int:
        holder[key] = inside ^ 1 << rng.randrange(70)
    else:
        holder[key] = rng.choice(ODD)
    return whole


def check_log(rng: random.Random) -> str:
    document, trusted = log()
    given = changed(rng, document)
    try:
        found = LogEvidence.load(given)
    except InputError:
        return "refused"
    assert LogEvidence.load(json.loads(json.dumps(found.to_dict()))) == found
    report = evidence.check(FILE, found, trusted)
    json.dumps(report.to_dict())
    evidence.page(report)
    if report.valid and report.complete:
        assert found == LogEvidence.load(document), "changed evidence is accepted"
        return "same"
    return "invalid"


def check_document(rng: random.Random) -> str:
    document, load = rng.choice(
        [(LAYOUT, collectibles.Layout.load), (RULES, collectibles.Rules.load), (trusted_document(), TrustedLog.load)]
    )
    try:
        load(changed(rng, document))
    except InputError as error:
        refusal = error
    else:
        return "read"
    assert refusal.field, "a refusal without a field"
    return "refused"


def trusted_document() -> dict[str, Any]:
    """A trusted log as a document."""
    trusted = log()[1]
    return {
        "pycore": "trusted-log", "format": 1, "profile": trusted.profile, "log_id": trusted.log_id.hex(),
        "scheme": trusted.scheme, "public_key": trusted.public_key.hex(), "hash": trusted.hash,
    }  # fmt: skip


def check_facts(rng: random.Random) -> str:
    """Facts of a statement, as another chain may have them."""
    digest = pycore.hash("sha256", FILE)
    facts = {
        "method": rng.choice(["Evidence", "EvidenceBatch", "save", "other"]),
        "parameters": [
            {"key": "hash", "value": digest.hex().encode().hex()},
            {"key": "evidences", "value": json.dumps([{"hash": digest.hex()}]).encode().hex()},
            {"key": "metadata", "value": b'{"hashAlgorithm": "sha256"}'.hex()},
        ],
        "input": "00000000" + digest.hex(),
        "topic": "Evidence",
        "data": ["1", digest.hex(), "{}"],
        "value": digest.hex(),
    }
    given = changed(rng, facts)
    kind = rng.choice(["transaction", "event", "receipt", "state", "header"])
    fault(kind, given)
    return "found" if any(written(one.value, digest) for one in places(kind, given)) else "nothing"


def check_events(rng: random.Random) -> str:
    """Blocks of odd events: all end as rows or as what could not be read."""
    layout = collectibles.Layout.load(LAYOUT)
    names = [one.topic for one in layout.transfers] + ["SetApproval", "Sold", "other"]
    values = ["a", "b", "", "0" * 40, "1", "2", "5", "CNY", "-1", "9" * 30, "\u202e", "x" * 2000]
    reports, wanted = [], 0
    for height in range(1, 4):
        events = []
        for tx in sorted(rng.randrange(3) for _ in range(rng.randrange(12))):
            topic = rng.choice(names)
            contract = "pycore_test_market" if topic == "Sold" else "pycore_test_nfa"
            wanted += topic in {one.topic for one in layout.transfers}
            data = tuple(rng.choice(values) for _ in range(rng.choice([1, 3, 5, 5])))
            events.append(Event(tx, f"{tx}", contract, topic, data))
        reports.append(
            BlockReport(
                chain="chainmaker", rules="strict", checks=(Check("c", True),), height=height, block_hash=b"",
                transactions=Verdicts(np.ones(3, np.uint8)), events=tuple(events), time=rng.choice([None, 5.0, 1e300]),
            )
        )  # fmt: skip
    rows = collectibles.transfers(reports, layout)
    report = collectibles.check_rules(rows, RULES)
    json.dumps(report.to_dict())
    [str(one) for one in report.violations]
    unread = [one for one in rows.source.unreadable if reports[one.block - 1].events[one.event].topic != "Sold"]
    assert len(rows) + len(unread) == wanted, "an event is neither a row nor unread"
    return "violated" if report.violations else "kept"


CHECKS = (check_log, check_document, check_facts, check_events)


def run(seconds: float, seed: int, limit: int | None = None) -> collections.Counter[str]:
    """Tries inputs until time or their number is up; how often each answer was given."""
    counts: collections.Counter[str] = collections.Counter()
    begun, number = time.monotonic(), 0
    while (limit is None or number < limit) and time.monotonic() - begun < seconds:
        one = f"{seed}-{number}"
        rng = random.Random(one)
        check = CHECKS[number % len(CHECKS)]
        try:
            counts[f"{check.__name__} {check(rng)}"] += 1
        except Exception:
            print(f"{check.__name__} with seed {one}", file=sys.stderr)
            raise
        number += 1
    return counts


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for name, count in sorted(run(given.seconds, given.seed).items()):
        print(f"{count:8} {name}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
