"""The share of the in-process speed that callers of the service get: `pycore loadtest --table`, from a checkout.

    python -m bench.service_share                    every row, a few minutes
    python -m bench.service_share ed25519 block      the rows whose name has one of these words
    python -m bench.service_share --pin              service on the first CPU, callers on the others
    python -m bench.service_share --json FILE

`pycore.loadtest.targets` measures; further benchmarks take their service and their batches from here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pycore.cli import main as command
from pycore.loadtest.process import ServiceProcess
from pycore.loadtest.targets import ONE, batch

__all__ = ["batch", "service"]


@contextmanager
def service(*options: str, cpus: set[int] | None = None) -> Iterator[str]:
    """The target of a service in a separate process, with one worker and one thread, which remembers no keys and no
    signatures."""
    with ServiceProcess(options=(*ONE, *options)) as process:
        if cpus is not None:
            os.sched_setaffinity(process.pid, cpus)  # it has one thread yet
        yield process.wait_ready()


def main() -> int:
    parser = argparse.ArgumentParser(description="The share of the in-process speed that callers of the service get.")
    parser.add_argument("words", nargs="*", help="only rows whose name has one of these")
    parser.add_argument("--seconds", default="6", help="per row, at least")
    parser.add_argument("--pin", action="store_true", help="service on the first CPU, callers on the others")
    parser.add_argument("--service", action="append", default=[], help="a setting of the service, such as workers=2")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    given = parser.parse_args()
    arguments = ["loadtest", "--table", "--seconds", given.seconds, *(["--pin"] if given.pin else [])]
    for option, values in (("--only", given.words), ("--service", given.service)):
        for value in values:
            arguments += [option, value]
    if given.json:
        arguments += ["--save", str(given.json)]
    sys.argv[1:] = arguments
    command()
    return 0


if __name__ == "__main__":
    sys.exit(main())
