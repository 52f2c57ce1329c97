"""This library against its peers, target by target: ``python -m bench``, from a checkout.

    python -m bench                             minutes; --quick: about half a minute, with smaller batches
    python -m bench sm2 --save sm2.json         some targets, and the figures kept for bench/report.py
    python -m bench --backend portable --json

Peers come with the extra ``bench``; one that is not installed is named.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

import pycore
from pycore.cli._environment import describe_environment
from pycore.cli._output import note, print_json, print_table
from pycore.cli.bench import save_document, show_environment

from . import targets


def main() -> int:
    """Measure, print, save; exit status 2 where no target has the name asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("only", metavar="WHAT", nargs="*", help="part of a target's name, e.g. sm2, keccak256, threads")
    parser.add_argument("--quick", action="store_true", help="smaller batches and fewer rounds")
    parser.add_argument("--seconds", type=float, help="CPU seconds per target (default: 2; 0.3 with --quick)")
    parser.add_argument("--backend", help="force one backend; `pycore info` lists them")
    parser.add_argument("--save", type=Path, help="also write the JSON document to this file")
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of a table")
    wanted = parser.parse_args()
    with pycore.use_backend(wanted.backend) if wanted.backend else nullcontext():
        environment = describe_environment()
        if not wanted.json:
            show_environment(environment)
        found = []
        for result in targets.measure(quick=wanted.quick, only=wanted.only, seconds=wanted.seconds):
            note(f"measured: {result.target.work}")
            found.append(result)
    if not found:
        parser.error(f"no target is called {' or '.join(wanted.only)}")
    document = {
        "environment": environment, "quick": wanted.quick, "targets": [result.to_dict() for result in found]
    }  # fmt: skip
    save_document(wanted.save, document)
    if wanted.json:
        print_json(document)
        return 0
    print_table(targets.COLUMNS, [targets.line(result) for result in found])
    print("ratio: median over rounds of peer's time / our time, measured in turn; milestones: a CPU with AVX-512 IFMA")
    return 0


if __name__ == "__main__":
    sys.exit(main())
