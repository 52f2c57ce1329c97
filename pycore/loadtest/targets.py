"""The rates of the service as shares of those of this process: row by row, each with its goal.

Every row is measured in rounds that alternate between in process and remote (or between the two things compared), so
that what else the machine does touches both. A row's figure is the median of the rounds' quotients; the quotient of the
best rounds is next to it. The service has one worker with one thread, in process is one thread. Requests are serialised
beforehand: `python bench/bench_service.py` has the client's part as well.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pycore.client import Tls
from pycore.loadtest.engine import run_scenario
from pycore.loadtest.process import ServiceProcess
from pycore.loadtest.report import Outcome
from pycore.loadtest.scenario import Scenario
from pycore.loadtest.senders import Access
from pycore.loadtest.traffic import Traffic

__all__ = ["COLUMNS", "Row", "measure"]

COLUMNS = ("what", "figure", "best rounds", "goal", "items/s")
ROUNDS = 5
_ONE = ("--workers", "1", "--threads", "1", "--max-message-bytes", str(32 << 20))  # for the block


@dataclass
class Row:
    """One comparison.

    Attributes:
        name: what is compared with what.
        goal: in words, empty where there is no goal.
        rounds: the quotient of each round.
        best: the quotient of the best rounds.
        items_per_second: of the service, in its best round.
        why_not: why it was not measured.
        percent: shown as a share; else as a factor.
    """

    name: str
    goal: str = ""
    rounds: list[float] = field(default_factory=list)
    best: float = 0.0
    items_per_second: float = 0.0
    why_not: str = ""
    percent: bool = True

    @property
    def figure(self) -> float:
        """The median round."""
        return statistics.median(self.rounds) if self.rounds else float("nan")

    def cells(self) -> tuple[str, ...]:
        """The line under `COLUMNS`."""
        if self.why_not:
            return self.name, "-", "-", self.goal, self.why_not
        shown = [f"{one:.1%}" if self.percent else f"{one:.2f} x" for one in (self.figure, self.best)]
        return self.name, *shown, self.goal, f"{self.items_per_second:,.0f}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        if self.why_not:
            return {"name": self.name, "goal": self.goal, "why_not": self.why_not}
        return {
            "name": self.name, "goal": self.goal, "figure": round(self.figure, 4), "best": round(self.best, 4),
            "rounds": [round(one, 4) for one in self.rounds], "items_per_second": round(self.items_per_second),
        }  # fmt: skip


_SHARES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Ed25519, lone unary of 256", ">= 52 %", {"shape": "packed", "items": 256, "callers": 1}),
    ("Ed25519, lone unary of 1,024", ">= 75 %", {"shape": "packed", "items": 1024, "callers": 1}),
    ("Ed25519, 4 callers of 256", ">= 90 %", {"shape": "packed", "items": 256, "callers": 4}),
    ("Ed25519, 4 callers of 1,024", ">= 95 %", {"shape": "packed", "items": 1024, "callers": 4}),
    ("Ed25519, stream of 1,024", ">= 92 %", {"shape": "stream", "items": 1024, "callers": 4}),
    *(
        (f"{name}, {what}", goal, {"scheme": scheme, **shape})
        for name, scheme in (("SM2", "sm2"), ("P-256", "ecdsa-p256"))
        for what, goal, shape in (
            ("4 callers of 256", ">= 95 %", {"shape": "packed", "items": 256, "callers": 4}),
            ("4 callers of 1,024", ">= 98 %", {"shape": "packed", "items": 1024, "callers": 4}),
            ("stream of 1,024", ">= 98 %", {"shape": "stream", "items": 1024, "callers": 4}),
        )
    ),
    (
        "ValidateBlock, 10,000 transactions", ">= 92 %",
        {"shape": "block", "scheme": "sm2", "items": 10_000, "callers": 2, "pool": 10_000, "timeout": 60.0},
    ),
)  # fmt: skip


def measure(*, seconds: float = 10.0, seed: int = 1) -> Iterator[Row]:
    """The rows, one after the other.

    Args:
        seconds: of each row and side, over all rounds.
        seed: of the data.
    """
    window = seconds / ROUNDS
    with ServiceProcess(options=_ONE) as service, ServiceProcess(module="pycore.loadtest.empty") as empty:
        access = Access(service.wait_ready())
        yield from _one_item(access, Access(empty.wait_ready()), window, seed)
        for name, goal, settings in _SHARES:
            yield _share(name, goal, access, _scenario(window, seed, **settings))
        yield _tls(access, window, seed)


def _scenario(window: float, seed: int, **settings: Any) -> Scenario:
    pool = {"pool": 32_768 if settings.get("shape") in ("packed", "stream") else 8192}
    return Scenario(**{"warmup": min(0.2, window / 4), "seconds": window, "seed": seed, **pool, **settings})


def _race(row: Row, base: Callable[[], float], other: Callable[[], float]) -> Row:
    """Fills a row with the quotients of `other` and `base`, rates both."""
    bases, others = [], []
    for _ in range(ROUNDS):
        bases.append(base())
        others.append(other())
    row.rounds = [mine / theirs for mine, theirs in zip(others, bases, strict=True)]
    row.best, row.items_per_second = max(others) / max(bases), max(others)
    return row


def _rate(access: Access, scenario: Scenario, traffic: Traffic, kept: list[Outcome] | None = None) -> float:
    outcome = run_scenario(access, scenario, traffic)
    if outcome.counts["wrong"]:
        raise AssertionError(f"{outcome.counts['wrong']} answers had a wrong verdict")
    if kept is not None:
        kept.append(outcome)
    return outcome.items_per_second


def _share(name: str, goal: str, access: Access, scenario: Scenario) -> Row:
    traffic = Traffic(scenario)
    return _race(
        Row(name, goal), lambda: _in_process(traffic, scenario), lambda: _rate(access, scenario, traffic)
    )  # fmt: skip


def _in_process(traffic: Traffic, scenario: Scenario) -> float:
    """Items a second of this process."""
    traffic.work(0)
    done, begun = 0, time.perf_counter()
    while (taken := time.perf_counter() - begun) < scenario.seconds or not done:
        traffic.work(done)
        done += 1
    return done * scenario.items / taken if done else 0.0


def _one_item(access: Access, empty: Access, window: float, seed: int) -> Sequence[Row]:
    """64 callers with one SM2 signature per call: against an empty handler, and through the coalescing client."""
    scenario = _scenario(window, seed, scheme="sm2", shape="single", callers=64)
    traffic = Traffic(scenario)
    nothing = Traffic(scenario)
    nothing.check = lambda answer, request: answer == b""
    ours: list[Outcome] = []
    theirs: list[Outcome] = []
    rate = _race(
        Row("64 callers, one SM2 signature per call, of an empty handler's rate", ">= 85 %"),
        lambda: _rate(empty, scenario, nothing, theirs),
        lambda: _rate(access, scenario, traffic, ours),
    )
    waits = [mine.latency.percentile(99) / one.latency.percentile(99) for mine, one in zip(ours, theirs, strict=True)]
    best = min(one.latency.percentile(99) for one in ours) / min(one.latency.percentile(99) for one in theirs)
    wait = Row(
        "  its 99th percentile, of the empty handler's", "<= 2 x", waits, best, rate.items_per_second, percent=False
    )
    joined = _scenario(window, seed, scheme="sm2", shape="coalesced", callers=1024)
    many = _race(
        Row(
            "the same through the coalescing client (1,024 callers), of one signature per call",
            ">= 30 x",
            percent=False,
        ),
        lambda: _rate(access, scenario, traffic),
        lambda: _rate(access, joined, traffic),
    )
    return rate, wait, many


def _tls(access: Access, window: float, seed: int) -> Row:
    """What TLS costs: the rate with it as a share of the rate without."""
    row = Row("TLS, Ed25519, 4 callers of 1,024, of the rate without", ">= 88 %")
    scenario = _scenario(window, seed, shape="packed", items=1024, callers=4)
    traffic = Traffic(scenario)
    with tempfile.TemporaryDirectory() as folder:
        try:
            certificate, key = _certificate(Path(folder))
        except ImportError as error:
            row.why_not = f"not measured: {error}"
            return row
        options = (*_ONE, "--tls-certificate", str(certificate), "--tls-private-key", str(key))
        with ServiceProcess(options=options) as secured:
            over_tls = Access(secured.wait_ready(), Tls(root_certificates=certificate, server_name="localhost"))
            return _race(
                row, lambda: _rate(access, scenario, traffic), lambda: _rate(over_tls, scenario, traffic)
            )  # fmt: skip


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Paths of a self-signed certificate for localhost and of its key. ImportError without `cryptography`."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=12))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
