"""The share of the in-process speed that callers of the service get, row by row.

    python -m bench.service_share                    every row, about two minutes
    python -m bench.service_share ed25519 block      the rows whose name has one of these words
    python -m bench.service_share --pin              service on the first CPU, callers on the second
    python -m bench.service_share --json FILE

The service is a separate process with one worker and one thread; in process is one thread of this one. Rounds of both
alternate. A share is in process over remote: of the fastest rounds, and of the median ones. One round is a call, a
stream of 16 batches, or two dozen calls of each of several threads. The TLS rows compare with the same call without TLS
instead: what is missing to 100 % is what TLS costs. On a machine that does much else, only the fastest rounds count.
"""

from __future__ import annotations

import argparse
import datetime
import ipaddress
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pycore
from pycore import ledgers
from pycore.cli._environment import cpu_name
from pycore.client import Tls, ValidationClient
from pycore.testing import generate_ledger, generate_signatures

MESSAGE_SIZE = 32
STREAMED = 16  # batches of one stream
CALLS = 24  # of each of several callers in a round
BLOCK_TRANSACTIONS = 10_000
MESSAGE_BYTES = 1 << 26  # the block has more than the 16 MiB that a service takes by default


@dataclass(frozen=True)
class Row:
    """One line of the table. `target`: the share that is wanted, of the fastest rounds."""

    name: str
    target: float
    scheme: str = "ed25519"
    size: int = 1024
    callers: int = 1
    stream: bool = False
    tls: bool = False


ROWS = (
    Row("ed25519, lone call, 256", 0.52, size=256),
    Row("ed25519, lone call, 1024", 0.75),
    Row("ed25519, 4 callers, 256", 0.90, size=256, callers=4),
    Row("ed25519, 4 callers, 1024", 0.95, callers=4),
    Row("ed25519, stream, 1024", 0.92, stream=True),
    *(
        row
        for scheme in ("ecdsa-p256", "sm2")
        for row in (
            Row(f"{scheme}, 4 callers, 256", 0.95, scheme, 256, 4),
            Row(f"{scheme}, 4 callers, 1024", 0.98, scheme, 1024, 4),
            Row(f"{scheme}, stream, 1024", 0.98, scheme, 1024, stream=True),
        )
    ),
    Row("ed25519, lone call over TLS, 1024", 0.88, tls=True),
    Row("ed25519, stream over TLS, 1024", 0.88, stream=True, tls=True),
)
RUN = 4  # blocks
RUN_ROW = f"chainmaker, run of {RUN} such blocks"
BLOCK_ROW, BLOCK_TARGET = f"chainmaker, block of {BLOCK_TRANSACTIONS} transactions", 0.92


@contextmanager
def service(*options: str, cpus: set[int] | None = None) -> Iterator[str]:
    """The target of a service in a separate process, with one worker and one thread."""
    settings = {"address": "127.0.0.1:0", "workers": "1", "threads": "1", "max-message-bytes": str(MESSAGE_BYTES)}
    settings["verdict-cache-bytes"] = "0"  # the batches are the same each time
    command = [sys.executable, "-m", "pycore.service", *(f"--{name}={value}" for name, value in settings.items())]
    keys = {"PYCORE_KEY_CACHE": "0"}  # a key that comes back would be faster on the side that has seen it more often
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True, env={**os.environ, **keys})
    assert process.stderr is not None
    if cpus is not None:
        os.sched_setaffinity(process.pid, cpus)
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            record = json.loads(line) if line.startswith("{") else {}
            if "address" in record:
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield record["address"]
                return
        raise RuntimeError("the service did not start: " + "".join(said))
    finally:
        process.terminate()
        process.wait()


@cache
def batch(scheme: str, n: int) -> tuple[Any, Any, Any]:
    """Distinct keys."""
    return generate_signatures(scheme, n, message_size=MESSAGE_SIZE, seed=1)


def alternate(base: Callable[[], float], other: Callable[[], float], seconds: float) -> tuple[float, float]:
    """The share of the fastest and of the median rounds; both give seconds per batch."""
    times: tuple[list[float], list[float]] = ([], [])
    base(), other()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        times[0].append(base())
        times[1].append(other())
    return min(times[0]) / min(times[1]), statistics.median(times[0]) / statistics.median(times[1])


def timed(call: Callable[[], object], batches: int = 1) -> Callable[[], float]:
    """Seconds per batch of a call that does so many."""

    def once() -> float:
        begin = time.perf_counter()
        call()
        return (time.perf_counter() - begin) / batches

    return once


def together(call: Callable[[], object], callers: int, calls: int) -> Callable[[], float]:
    """Seconds per batch of several threads that make so many calls each, the slowest included."""

    def caller() -> None:
        for _ in range(calls):
            call()

    def once() -> float:
        threads = [threading.Thread(target=caller) for _ in range(callers)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (time.perf_counter() - begin) / (callers * calls)

    return once


def share(row: Row, plain: ValidationClient, tls: ValidationClient, seconds: float) -> tuple[float, float]:
    """The shares of a row."""
    columns = batch(row.scheme, row.size)

    def local() -> object:
        return pycore.verify_batch(row.scheme, *columns, threads=1)

    def remote(client: ValidationClient) -> Callable[[], float]:
        if row.stream:
            return timed(lambda: list(client.verify_stream(row.scheme, [columns] * STREAMED)), STREAMED)
        call = lambda: client.verify_batch(row.scheme, *columns)  # noqa: E731
        return timed(call) if row.callers == 1 else together(call, row.callers, CALLS)

    expected = pycore.verify_batch(row.scheme, *columns, threads=1)
    assert expected.all_valid
    assert plain.verify_batch(row.scheme, *columns) == tls.verify_batch(row.scheme, *columns) == expected
    if row.tls:
        return alternate(remote(plain), remote(tls), seconds)
    base = timed(local) if row.callers == 1 else together(local, 1, CALLS * row.callers)
    return alternate(base, remote(plain), seconds)


def block_shares(client: ValidationClient, seconds: float) -> Iterator[tuple[str, float, float, float]]:
    """The rows for blocks of many transactions, one alone and a run of them."""
    ledger = generate_ledger(blocks=RUN, txs_per_block=BLOCK_TRANSACTIONS, seed=1)
    blocks, context = [ledger.block_info(i) for i in range(RUN)], ledger.context_for(0).replace(rw_sets=None)
    chain = ledgers.get("chainmaker")
    found = client.validate_block("chainmaker", blocks[0], context)
    assert found.valid
    assert found.complete
    one = alternate(
        timed(lambda: chain.validate_block(blocks[0], context, threads=1)),
        timed(lambda: client.validate_block("chainmaker", blocks[0], context)),
        seconds,
    )
    yield BLOCK_ROW, BLOCK_TARGET, *one
    run = alternate(
        timed(lambda: list(chain.validate_chain(blocks, context, threads=1)), RUN),
        timed(lambda: list(client.validate_blocks("chainmaker", blocks, context, window_blocks=1)), RUN),
        seconds,
    )
    yield RUN_ROW, BLOCK_TARGET, *run


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return paths


def measure(words: Sequence[str], seconds: float, pin: bool) -> Iterator[tuple[str, float, float, float]]:
    """Name, target and shares of each row that was asked for."""
    pycore.set_key_cache(0)  # as in the services
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    first = {cpus[0]} if pin and len(cpus) > 1 else None
    if first is not None:
        os.sched_setaffinity(0, {cpus[1]})
    with ExitStack() as stack:
        paths = certificate(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        secured = ("--tls-certificate", str(paths[0]), "--tls-private-key", str(paths[1]))
        plain_target = stack.enter_context(service(cpus=first))
        tls_target = stack.enter_context(service(*secured, cpus=first))
        plain = stack.enter_context(ValidationClient(plain_target))
        tls = stack.enter_context(ValidationClient(tls_target, tls=Tls(paths[0])))
        plain.wait_until_ready(120)
        tls.wait_until_ready(120)
        for row in ROWS:
            if not words or any(word in row.name for word in words):
                yield row.name, row.target, *share(row, plain, tls, seconds)
        if not words or any(word in BLOCK_ROW + RUN_ROW for word in words):
            yield from block_shares(plain, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description="The share of the in-process speed that callers of the service get.")
    parser.add_argument("words", nargs="*", help="only rows whose name has one of these")
    parser.add_argument("--seconds", type=float, default=6.0, help="per row, at least")
    parser.add_argument("--pin", action="store_true", help="service on the first CPU, callers on the second")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    print(f"{cpu_name()}, {os.cpu_count()} CPUs, pycore {pycore.__version__}{', pinned' if arguments.pin else ''}")
    print(f"{'share of the in-process speed':<45}{'fastest':>9}{'median':>9}{'target':>9}")
    rows = []
    for name, target, fastest, median in measure(arguments.words, arguments.seconds, arguments.pin):
        print(f"{name:<45}{fastest:>9.1%}{median:>9.1%}{target:>9.0%}", flush=True)
        rows.append({"row": name, "fastest": fastest, "median": median, "target": target})
    if arguments.json:
        arguments.json.write_text(json.dumps({"cpu": cpu_name(), "rows": rows}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
