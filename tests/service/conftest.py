"""Services to talk to, over real loopback sockets, and certificates made on the spot."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import pycore
from pycore.client import ValidationClient
from pycore.service.admission import Load
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(pycore.__file__).parent.parent  # where processes find the pycore under test
HELD_SERVER = Path(__file__).with_name("held_server.py")
METHOD = "/pycore.validation.v1.ValidationService/"
PATIENCE = 240.0  # seconds; a limit for what hangs, on a machine that may be busy with much else


def u32(*values: int) -> bytes:
    """Offsets as columns have them."""
    return b"".join(value.to_bytes(4, "little") for value in values)


def u64(*values: int) -> bytes:
    """A list of numbers as requests have them."""
    return b"".join(value.to_bytes(8, "little") for value in values)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceConfig.model_fields.keys() - {"warm_up", "front"}:
        monkeypatch.delenv(f"PYCORE_{name.upper()}", raising=False)


@pytest.fixture(scope="session")
def service() -> Iterator[Server]:
    """A service with default limits, in a thread of this process."""
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        yield server


@pytest.fixture(scope="session")
def client(service: Server) -> Iterator[ValidationClient]:
    with ValidationClient(service.target) as client:
        client.wait_until_ready(PATIENCE)
        yield client


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def wait_for_load(server: Server, reached: Callable[[Load], bool]) -> None:
    """Returns once what is in flight is as it should be, however long that takes."""

    async def poll() -> None:
        while not reached(server.admission.load):  # noqa: ASYNC110 - the load is a number
            await asyncio.sleep(0.001)

    asyncio.run_coroutine_threadsafe(poll(), server.loop).result(PATIENCE)


class Gate:
    """Holds workers of a service in this process, with its own work in the real admission, until it is opened.

    What depends on busy workers is tested with workers that are held: no amount of work takes long everywhere.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._opened = threading.Event()
        self._held: list[Future[None]] = []

    def hold(self, count: int = 1) -> None:
        """Holds so many workers more; each counts as a request in flight, without bytes and items."""
        for _ in range(count):
            begun = threading.Event()
            self._held.append(asyncio.run_coroutine_threadsafe(self._hold(begun), self._server.loop))
            assert begun.wait(PATIENCE)

    async def _hold(self, begun: threading.Event) -> None:
        def work() -> None:
            begun.set()
            self._opened.wait()

        with self._server.admission.admit(0) as ticket:
            await ticket.call(work, what="a gate")

    def open(self) -> None:
        """Lets all go that it holds, and waits until they have gone."""
        self._opened.set()
        for one in self._held:
            one.result(PATIENCE)


class RawCaller:
    """Calls a method with bytes of the test's own making and gives the bytes of the answer."""

    def __init__(self, target: str) -> None:
        self.channel = grpc.insecure_channel(
            target, options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )

    def __call__(self, method: str, request: bytes, timeout: float = PATIENCE) -> bytes:
        call = self.channel.unary_unary(METHOD + method)
        answer: bytes = call(request, timeout=timeout)
        return answer

    def refused(self, method: str, request: bytes, timeout: float = PATIENCE) -> grpc.RpcError:
        """The error of a call that must not be answered."""
        with pytest.raises(grpc.RpcError) as caught:
            self(method, request, timeout)
        return caught.value

    def stream(self, requests: Any, timeout: float = PATIENCE) -> Any:
        return self.channel.stream_stream(METHOD + "VerifySignatureStream")(requests, timeout=timeout)


@pytest.fixture
def raw(service: Server) -> Iterator[RawCaller]:
    caller = RawCaller(service.target)
    yield caller
    caller.channel.close()


class ServiceProcess:
    """`python -m pycore.service`, or a script like it, in a separate process; its log lines as they come."""

    def __init__(self, *options: str, program: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, *options],
            cwd=PACKAGE,
            env={**os.environ, "PYTHONPATH": str(PACKAGE), **(environment or {})},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self.lines: list[str] = []
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if line.startswith("{"):
                self._events.put(json.loads(line))
        self._events.put(None)

    def next_event(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next log record."""
        event = self._events.get(timeout=timeout)
        assert event is not None, f"the service ended: {''.join(self.lines)}"
        return event

    def event(self, beginning: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next log record whose message begins so."""
        while True:
            event = self.next_event(timeout)
            if event["message"].startswith(beginning):
                return event

    def tell(self, line: str) -> None:
        """A line for its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for_load(self, requests: int) -> None:
        """Of a `held_server`: returns once so many requests are in flight, the held ones included."""
        self.tell(f"load {requests}")
        self.event("load reached")

    def wait_for_target(self) -> str:
        target: str = self.event("serving on")["address"]
        return target

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = PATIENCE) -> int:
        status = self.process.wait(timeout)
        self._reader.join(timeout)
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stderr):
            if pipe is not None:
                pipe.close()


Spawn = Callable[..., ServiceProcess]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """``spawn("--workers", "1")``: a service process on a free port; ``held="gate"``: a `held_server`."""
    started: list[ServiceProcess] = []

    def start(*options: str, held: str = "", environment: dict[str, str] | None = None) -> ServiceProcess:
        address = () if any(option == "--address" for option in options) else ("--address", "127.0.0.1:0")
        program = (str(HELD_SERVER), held) if held else ("-m", "pycore.service")
        process = ServiceProcess(*address, *options, program=program, environment=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


# ---- certificates ----------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(subject, subject, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _builder(
        subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, hours: float = 1
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=24))
            .not_valid_after(now + datetime.timedelta(hours=hours))
        )

    def issue(
        self,
        name: str,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        *,
        uri: str = "",
        hours: float = 1,
    ) -> tuple[Path, Path]:
        """Paths of a new certificate for `name`, localhost, 127.0.0.1 and `uri`, and of its key. It ends in `hours`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.DNSName(name),
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            *([x509.UniformResourceIdentifier(uri)] if uri else []),
        ]
        certificate = (
            self._builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
                self._certificate.subject,
                key.public_key(),
                hours,
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].touch(0o600)  # or the service warns of it
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "test-authority")
