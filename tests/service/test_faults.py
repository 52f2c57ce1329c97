"""Faults of the service's own world: kernels, certificates, logs, clocks, signals. Counts on both sides.

A process that is killed is in test_supervisor.py, a full queue in test_limits.py, floods and idle streams in
test_access.py, harmful peers in test_faults_peers.py. PYCORE_LONG_FAULTS=1 runs these at full length.
"""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import pycore
from pycore import testing
from pycore._pb.validation.v1 import signature_pb2
from pycore.client import ServiceError, Tls, ValidationClient
from pycore.loadtest.process import Usage
from pycore.service import rpc_signatures
from pycore.service.config import ServiceConfig
from pycore.service.log_writer import LogWriter
from pycore.service.logs import JsonLines
from pycore.service.server import Server, background

from .conftest import METHOD, PACKAGE, PATIENCE, Authority, Gate, Spawn
from .test_drain import is_answered, send, work

pytestmark = pytest.mark.network

LONG = os.environ.get("PYCORE_LONG_FAULTS") == "1"
ALONE = [("grpc.use_local_subchannel_pool", 1)]
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def times(full: int, short: int) -> int:
    return full if LONG else short


@pytest.fixture(scope="module")
def items() -> tuple[Any, list[bool]]:
    """Signatures, and which of them are good: every seventh is not."""
    n = 210
    columns = testing.generate_signatures("ed25519", n, signers=8, seed=11)
    bad = [i for i in range(n) if i % 7 == 3]
    return testing.tamper(*columns, bad), [i not in bad for i in range(n)]


# ---- kernels and workers ---------------------------------------------------------------------------------------------


def test_a_kernel_that_raises_costs_its_own_calls_alone(items: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Joined with others or not: those whose rows make it raise get INTERNAL, all others their verdicts."""
    columns, good = items
    poison = {columns[2][i].tobytes() for i in range(0, len(good), 10)}
    real = rpc_signatures.signatures.verify_batch
    raised: list[int] = []

    def kernel(scheme: str, keys: Any, signatures: Any, messages: Any, **options: Any) -> Any:
        if poison.intersection(messages):
            raised.append(len(messages))
            raise RuntimeError("a kernel that breaks")
        return real(scheme, keys, signatures, messages, **options)

    monkeypatch.setattr(rpc_signatures.signatures, "verify_batch", kernel)
    seen: collections.Counter[str] = collections.Counter()
    config = ServiceConfig(address="127.0.0.1:0", workers=2, threads=1, drain_delay=0)
    with background(config) as server, ValidationClient(server.target, timeout=PATIENCE) as client:

        def one(i: int) -> None:
            try:
                verdicts = client.verify_batch("ed25519", *(column[i : i + 1] for column in columns))
                seen["right" if verdicts.valid[0] == good[i] else "wrong"] += 1
            except ServiceError as error:
                seen[error.code.name] += 1

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(one, range(len(good))))
        assert client.health()
        value = server.metrics.registry.get_sample_value
        counted = {
            code: value("pycore_calls_total", {"rpc": "VerifySignatures", "code": code}) for code in ("OK", "INTERNAL")
        }
    assert seen == {"right": len(good) - len(poison), "INTERNAL": len(poison)}
    assert counted == {"OK": seen["right"], "INTERNAL": seen["INTERNAL"]}
    assert raised.count(1) == len(poison)  # alone, at last


async def test_a_saturated_executor_answers_or_says_when_to_come_back(items: Any) -> None:
    """More calls than fit, while the only worker is held: nobody waits for a bare error, and health answers."""
    columns, _ = items
    count = times(3000, 300)
    request = signature_pb2.VerifySignaturesRequest(scheme="ed25519")
    for name, column in zip(("public_keys", "signatures", "messages"), columns, strict=True):
        getattr(request, name).CopyFrom(type(request.public_keys)(data=column[:8].tobytes(), width=column.shape[1]))
    seen: collections.Counter[str] = collections.Counter()
    config = ServiceConfig(
        address="127.0.0.1:0",
        workers=1,
        threads=1,
        max_inflight_items=800,
        max_transactions_items=800,
        max_client_items=800,
        drain_delay=0,
    )
    with background(config) as server:
        gate = Gate(server)
        await asyncio.to_thread(gate.hold)
        channels = [grpc.aio.insecure_channel(server.target, options=ALONE) for _ in range(8)]
        calls = [channel.unary_unary(METHOD + "VerifySignatures") for channel in channels]

        async def one(i: int) -> None:
            try:
                answer = await calls[i % 8](request.SerializeToString(), timeout=PATIENCE)
                seen["answered" if is_right(answer) else "wrong"] += 1
            except grpc.aio.AioRpcError as error:
                status = rpc_status.from_call(error)
                told = status is not None and status.details[0].Is(error_details_pb2.RetryInfo.DESCRIPTOR)
                seen["refused" if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and told else str(error)] += 1

        def is_right(answer: bytes) -> bool:
            return signature_pb2.VerifySignaturesResponse.FromString(answer).verdicts.valid_count == 7

        tasks = [asyncio.create_task(one(i)) for i in range(count)]
        while seen.total() < count - 100:  # noqa: ASYNC110 - a count; 800 items are 100 calls
            await asyncio.sleep(0.01)
        with ValidationClient(server.target, options=ALONE) as client:
            assert await asyncio.to_thread(client.health)
        await asyncio.to_thread(gate.open)
        await asyncio.gather(*tasks)
        refusals = server.metrics.registry.get_sample_value(
            "pycore_refusals_total", {"reason": "FULL", "client": "anybody"}
        )
        for channel in channels:
            await channel.close()
    assert seen == {"answered": 100, "refused": count - 100}
    assert refusals == count - 100


# ---- signals ---------------------------------------------------------------------------------------------------------


def test_sigterm_with_many_in_flight_loses_none(spawn: Spawn) -> None:
    count = times(1000, 200)
    never = "36000"
    process = spawn(
        "--workers", "1", "--threads", "1", "--stall-after", never, "--drain-delay", never, "--drain-grace", never,
        held="gate",
    )  # fmt: skip
    target = process.wait_for_target()
    channels = [grpc.insecure_channel(target, options=ALONE) for _ in range(4)]
    accepted = [future for channel in channels for future in send(channel, count // 4)]
    process.wait_for_load(1 + count)
    process.signal(signal.SIGTERM)
    process.event("draining")
    process.tell("proceed")
    process.tell("open")
    assert sum(is_answered(future.result()) for future in accepted) == count
    for channel in channels:
        channel.close()
    assert process.wait() == 0


# ---- certificates ----------------------------------------------------------------------------------------------------


def test_a_certificate_that_expired_and_was_replaced(authority: Authority) -> None:
    """The service neither dies of it nor needs a restart: refused by clients while it is old, good when it is new."""
    certificate, key = authority.issue("pycore.test", hours=-1)
    config = ServiceConfig(address="127.0.0.1:0", tls_certificate=certificate, tls_private_key=key, drain_delay=0)
    seen: collections.Counter[str] = collections.Counter()
    with background(config) as server:

        def ask(rounds: int) -> None:
            for _ in range(rounds):
                with ValidationClient(
                    server.target, tls=Tls(authority.path), options=ALONE, timeout=PATIENCE
                ) as client:
                    try:
                        assert client.hash("sha256", b"") == pycore.hash("sha256", b"")
                        seen["answered"] += 1
                    except ServiceError as error:
                        seen[error.code.name] += 1

        ask(5)
        assert seen == {"UNAVAILABLE": 5}
        authority.issue("pycore.test")
        stamp = time.time() + 5
        os.utime(certificate, (stamp, stamp))
        ask(5)
        calls = server.metrics.registry.get_sample_value("pycore_calls_total", {"rpc": "HashBatch", "code": "OK"})
    assert seen == {"UNAVAILABLE": 5, "answered": 5}
    assert calls == 5


# ---- logs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def denying(tmp_path: Path) -> tuple[str, Path]:
    """Text of an access file that lets nobody in but its one client, and a token of that client."""
    token = tmp_path / "token"
    token.write_text("a-token-of-more-than-twenty-characters", encoding="ascii")
    access = tmp_path / "access.json"
    access.write_text(json.dumps({"clients": [{"name": "a", "token_files": [str(token)], "rpcs": ["*"]}]}))
    return str(access), token


class Started:
    """A service on a Unix socket whose standard error goes where the test says."""

    def __init__(self, tmp_path: Path, access: str, stderr: Any) -> None:
        self.target = f"unix:{tmp_path}/s.sock"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pycore.service", "--address", self.target, "--access-file", access,
             "--drain-delay", "0", "--workers", "1"],
            cwd=PACKAGE, env={**os.environ, "PYTHONPATH": str(PACKAGE)}, stderr=stderr, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def denied_and_served(target: str, token: Path, denials: int) -> None:
    """Strangers are turned away, each with a line in the log; the client is answered, and health."""
    with ValidationClient(target, timeout=PATIENCE) as stranger, ValidationClient(target, token=token) as client:
        client.wait_until_ready(PATIENCE)
        for _ in range(denials):
            with pytest.raises(ServiceError) as caught:
                stranger.hash("sha256", b"")
            assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED
        assert client.hash("sha256", b"x") == pycore.hash("sha256", b"x")
        assert client.health()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full absent")
def test_a_full_disk_for_the_log(tmp_path: Path, denying: tuple[str, Path]) -> None:
    with Path("/dev/full").open("w") as full, Started(tmp_path, denying[0], full) as service:
        denied_and_served(service.target, denying[1], times(1000, 50))
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0


def test_a_log_that_nobody_reads(tmp_path: Path, denying: tuple[str, Path]) -> None:
    """A pipe takes 64 KiB and then makes writers wait: the log must not hold up the calls. Then its reader goes."""
    with Started(tmp_path, denying[0], subprocess.PIPE) as service:
        denied_and_served(service.target, denying[1], times(5000, 600))
        assert service.process.stderr is not None
        service.process.stderr.close()
        denied_and_served(service.target, denying[1], times(1000, 50))
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0


def test_lines_that_nobody_takes_are_dropped_and_counted() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="ascii") as reader, os.fdopen(writing, "w", encoding="ascii") as stream:
        writer = LogWriter(stream, most=100_000)
        writer.setFormatter(JsonLines())
        log = logging.Logger("test")
        log.addHandler(writer)
        for i in range(2000):  # 100 KB wait, and what the pipe takes is written
            log.warning("%s", i, extra={"padding": "x" * 500})
        sent, lines = 2000, []
        reading_all = threading.Thread(target=lambda: lines.extend(map(json.loads, reader)))
        reading_all.start()
        while not any("dropped" in line for line in lines):  # until there is room
            log.warning("%s", sent)
            sent += 1
            time.sleep(0.01)
        writer.flush()
        stream.close()
        reading_all.join(PATIENCE)
    told = [line["dropped"] for line in lines if "dropped" in line]
    kept = [int(line["message"]) for line in lines if "dropped" not in line]
    assert kept == sorted(kept)
    assert len(kept) + sum(told) == sent


def test_lines_of_several_processes_stay_whole() -> None:
    """One pipe, which takes 4 KiB in one piece, and which somebody made non-blocking."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading, encoding="ascii") as reader:
        logs = []
        for name in ("one", "other"):
            writer = LogWriter(os.fdopen(os.dup(writing), "w", encoding="ascii"))
            writer.setFormatter(JsonLines())
            logs.append((logging.Logger(name), writer))
            logs[-1][0].addHandler(writer)
        os.close(writing)
        for i in range(2000):
            for log, _ in logs:
                log.warning("%s", i, extra={"padding": "x" * 500})
        found: dict[str, list[int]] = {"one": [], "other": []}
        while not all(numbers[-1:] == [1999] for numbers in found.values()):
            line = json.loads(reader.readline())
            found[line["logger"]].append(int(line["message"]))
        for _, writer in logs:
            writer.flush()
            writer._stream.close()
    assert found == {name: list(range(2000)) for name in found}


# ---- clocks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wall_clock(tmp_path: Path) -> tuple[dict[str, str], Any]:
    """The environment of a process whose wall clock the test sets, and the function that sets it, in days from now."""
    if not FAKETIME.exists():
        pytest.skip(f"{FAKETIME} absent (Debian: faketime)")
    stamp = tmp_path / "clock"

    def jump(days: int) -> None:
        stamp.write_text(f"{days:+d}d\n", encoding="ascii")

    jump(0)
    return (
        {
            "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
        jump,
    )  # fmt: skip


def test_a_wall_clock_that_jumps(spawn: Spawn, wall_clock: Any, items: Any) -> None:
    """Deadlines, stalls and quotas run on the monotonic clock: a jump of the other changes no answer, ends no call."""
    environment, jump = wall_clock
    columns, good = items
    process = spawn(
        "--workers", "1", "--threads", "1", "--stall-after", "3600", "--drain-delay", "0",
        held="gate", environment=environment,
    )  # fmt: skip
    target = process.wait_for_target()
    with grpc.insecure_channel(target) as channel, ValidationClient(target, timeout=PATIENCE) as client:
        process.event("holding")
        waiting = send(channel, 20)  # each has a deadline
        process.wait_for_load(1 + 20)
        for days in (+30, -30, +3650):
            jump(days)
            assert client.health()
            waiting += send(channel, 5)
            process.wait_for_load(1 + len(waiting))
        assert not any(future.done() for future in waiting)
        process.tell("open")
        assert sum(is_answered(future.result()) for future in waiting) == 35
        assert list(client.verify_batch("ed25519", *columns).valid) == good
    process.signal()
    assert process.wait() == 0
    assert not any("stalled" in line for line in process.lines)
    assert any('"time": "203' in line for line in process.lines)  # it was really told another time


# ---- growth ----------------------------------------------------------------------------------------------------------


def test_nothing_grows_with_calls_of_every_outcome(items: Any) -> None:
    """Descriptors, threads and tasks after rounds of good, bad, cancelled, expired and refused calls."""
    columns, good = items
    config = ServiceConfig(address="127.0.0.1:0", workers=1, threads=1, drain_delay=0, max_connection_rpcs=8)
    request = work()

    def round_of(server: Server) -> tuple[int, int, int]:
        with ValidationClient(server.target, options=ALONE, timeout=PATIENCE) as client:
            assert list(client.verify_batch("ed25519", *columns).valid) == good
            with pytest.raises(pycore.InputError):
                client.hash_batch("no-hash", [b"x"])
        with grpc.insecure_channel(server.target, options=ALONE) as channel:
            futures = [
                channel.unary_unary(METHOD + "VerifySignatures").future(request, timeout=PATIENCE) for _ in range(30)
            ]
            for future in futures[::2]:
                future.cancel()
            expired = channel.unary_unary(METHOD + "VerifySignatures").future(request, timeout=1e-6)
            for future in futures[1::2]:
                future.exception()
            # Its deadline or the refusal of one call too many: either may come first.
            assert expired.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
        return settled(server)

    def settled(server: Server) -> tuple[int, int, int]:
        async def tasks() -> int:
            return len(asyncio.all_tasks())

        end = time.monotonic() + PATIENCE
        while server.guard.calls or server.admission.load.requests:
            assert time.monotonic() < end
            time.sleep(0.01)
        usage = Usage.of(os.getpid())
        return usage.files, usage.threads, asyncio.run_coroutine_threadsafe(tasks(), server.loop).result(PATIENCE)

    with background(config) as server:
        for _ in range(3):  # threads and buffers that are made when they are first needed
            round_of(server)
        first = round_of(server)
        rounds = [round_of(server) for _ in range(times(200, 5))]
    for what, before, after in zip(
        ("files", "threads", "tasks"), first, map(min, zip(*rounds, strict=True)), strict=True
    ):
        assert after <= before, (what, first, rounds)
