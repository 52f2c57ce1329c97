"""ICS-23 proofs of one root: microseconds of processor time for each, from protobuf bytes to verdicts.

    python -m bench.ics23 [--proofs 10000] [--rounds 15] [--json]

Ours takes all proofs in one call, on one thread; the reference implementation in Go (built from the release that
tests/go/ics23/go.mod pins, where Go and its module proxy are available) parses and verifies them one after another, on
one processor. Rounds alternate between the two, ours calling as often as takes about as long as theirs, every tree has
as many leaves as proofs, and the medians are printed.
"joined" is the proofs as one buffer and offsets, "list" a list of bytes, which is copied first; "shuffled" is "joined"
in another order than the tree's, where neighbours share less.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import subprocess
import time
from collections.abc import Callable

from bench.chain_programs import ics23_go
from bench.peers import PeerMissingError
from pycore import batch, ics23, set_threads
from pycore.cli._environment import describe_environment
from pycore.testing.ics23 import ProvenTree, items

TARGET = 20.0
CALLS = 10
"""Calls in a row; the reference takes about as long for one run."""


class Reference:
    """The Go program, which has read the claims."""

    def __init__(self, kind: str, tree: ProvenTree, claims: list[tuple[bytes, bytes, bytes]]) -> None:
        self._process = subprocess.Popen(ics23_go(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for proof, key, value in claims:
            self._ask(f"keep {kind} {tree.root.hex()} {proof.hex()} {key.hex()} {value.hex()}")
        self._count = len(claims)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def __call__(self) -> float:
        """Seconds of processor time that all of them take."""
        valid, spent = self._ask("run").split()
        assert int(valid) == self._count
        return int(spent) / 1e9

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def ours(kind: str, tree: ProvenTree, claims: list[tuple[bytes, bytes, bytes]]) -> dict[str, Callable[[], float]]:
    """Form of the input -> seconds of processor time that one call takes."""
    mixed = claims.copy()
    random.Random(7).shuffle(mixed)
    columns = [list(column) for column in zip(*claims, strict=True)]
    forms = {
        "joined": [batch(column) for column in columns],
        "list": columns,
        "shuffled": [batch(list(column)) for column in zip(*mixed, strict=True)],
    }

    def timed(form: list[list[bytes]]) -> float:
        start = time.process_time()
        for _ in range(CALLS):
            verdicts = ics23.verify_membership_batch(kind, tree.root, *form)
        spent = time.process_time() - start
        assert verdicts.all_valid
        return spent / CALLS

    return {name: lambda form=form: timed(form) for name, form in forms.items()}  # type: ignore[misc]


def measure(kind: str, count: int, rounds: int) -> dict[str, float]:
    """Name -> median microseconds for each proof; "reference" is absent where it cannot be built."""
    content = items(count, seed=5)
    tree = ProvenTree(kind, content)
    claims = [(tree.membership(key), key, content[key]) for key in tree.keys]
    runs = ours(kind, tree, claims)
    reference: Reference | None = None
    try:
        reference = Reference(kind, tree, claims)
        runs["reference"] = reference
    except PeerMissingError as error:
        print(f"the reference implementation is absent: {error}")
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, call in runs.items():
            times[name].append(call())
    if reference is not None:
        reference.close()
    return {name: 1e6 * statistics.median(found) / count for name, found in times.items()}


def main() -> int:
    """The exit status: 1 where a tree misses the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proofs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    set_threads(1)
    gc.disable()
    found = {kind: measure(kind, options.proofs, options.rounds) for kind in ics23.SPECS}
    cpu = describe_environment()["cpu"]
    if options.json:
        print(json.dumps({"cpu": cpu, "microseconds": found}, indent=2))
    else:
        print(f"{cpu}, one thread, {options.proofs} proofs of one root, medians of {options.rounds} rounds")
        print(f"{'tree':12} {'form':10} {'us a proof':>10} {'reference':>10} {'ratio':>6}")
    late = False
    for kind, times in found.items():
        peer = times.get("reference")
        late |= peer is not None and peer / times["joined"] < TARGET
        for name in ("joined", "list", "shuffled") if not options.json else ():
            ratio = f"{peer:10.2f} {peer / times[name]:6.1f}" if peer else ""
            print(f"{kind:12} {name:10} {times[name]:10.3f} {ratio}")
    return int(late)


if __name__ == "__main__":
    raise SystemExit(main())
