"""The files of deploy/: dashboard and alerts ask for figures that there are, and a real Prometheus answers them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tomllib

from pycore.client import ServiceError, Tls, ValidationClient
from pycore.service.access import AccessFile
from pycore.service.config import ServiceConfig
from pycore.service.metrics import Metrics
from pycore.service.server import Server, background
from pycore.testing import generate_ledger, generate_signatures

from .conftest import PATIENCE, ROOT, Authority
from .test_access import A, by_token, write

DEPLOY = ROOT / "deploy"
with socket.socket() as _free:  # of Prometheus, which cannot pick one by itself
    _free.bind(("127.0.0.1", 0))
    PORT = _free.getsockname()[1]
PROMETHEUS = os.environ.get("PYCORE_PROMETHEUS") or shutil.which("prometheus")
PROMTOOL = shutil.which("promtool", path=os.environ.get("PATH", "") + os.pathsep + str(Path(PROMETHEUS or "").parent))


def panels() -> list[tuple[str, str]]:
    """(title, query) of the dashboard, as Grafana would send them."""
    board = json.loads((DEPLOY / "grafana" / "pycore.json").read_text(encoding="utf-8"))
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    return [(title, query.replace("$__rate_interval", "4s").replace("$instance", ".*")) for title, query in found]


def alerts() -> list[tuple[str, str]]:
    """(name, expression) of the alerts."""
    text = (DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    found = re.findall(r"- alert: (\w+)\n\s+expr: (?:>-\n((?:\s{10,}.*\n)+)|(.*)\n)", text)
    return [(name, " ".join((folded or plain).split())) for name, folded, plain in found]


def test_they_ask_for_figures_that_there_are() -> None:
    registered = set()
    for family in Metrics().registry.collect():
        registered |= {family.name, f"{family.name}_total"}
        registered |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
    moment = {"pycore_inflight_requests", "pycore_inflight_items", "pycore_inflight_bytes", "pycore_workers",
              "pycore_workers_busy", "pycore_key_cache_bytes", "pycore_key_cache_hits_total",
              "pycore_key_cache_misses_total", "pycore_waiting_pieces", "pycore_taken_total",
              "pycore_verdict_cache_hits_total", "pycore_verdict_cache_misses_total",
              "pycore_certificate_expiry_timestamp_seconds"}  # fmt: skip
    assert len(panels()) >= 22
    assert len(alerts()) == (DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8").count("- alert:")
    for name, query in panels() + alerts():
        asked = set(re.findall(r"(?:pycore|process)_\w+", query))
        assert asked - registered - moment == set(), name
        assert asked or "up{" in query, name


def test_the_page_installs_what_the_unit_starts() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    unit = (DEPLOY / "pycore.service").read_text(encoding="utf-8")
    links = re.findall(r"ln (-\w+) (\S+) (\S+)", page)
    # without T, where the target is a folder the link is put into it, and the old version goes on running
    assert [(how, link) for how, _, link in links] == [("-sfnT", "/opt/pycore")] * 2
    assert all(f"python3 -m venv {folder}" in page for _, folder, _ in links)
    assert "exec /opt/pycore/bin/pycore serve --config-file /etc/pycore/pycore.toml" in unit
    (text,) = re.findall(r"^```toml\n# /etc/pycore/pycore\.toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    settings = ServiceConfig(**tomllib.loads(text))
    assert f"http://{settings.metrics_address}/readyz" in page


def test_the_settings_that_are_shown_are_settings(tmp_path: Path) -> None:
    text = (DEPLOY / "kubernetes" / "pycore.yaml").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^  (\w+\.toml): \|\n((?:    .*\n|\n)+)", text, re.MULTILINE))
    settings = tomllib.loads(re.sub(r"^    ", "", blocks["pycore.toml"], flags=re.MULTILINE))
    assert ServiceConfig(**settings).tls
    clients = tomllib.loads(re.sub(r"^    ", "", blocks["access.toml"], flags=re.MULTILINE))
    assert AccessFile.model_validate(clients).clients


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is absent")
def test_promtool_likes_the_rules() -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", str(DEPLOY / "prometheus" / "alerts.yml")], capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """A real one, that scrapes once a second."""

    def __init__(self, folder: Path, target: str) -> None:
        config = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
        shutil.copy(DEPLOY / "prometheus" / "alerts.yml", folder)
        config = config.replace("15s", "1s").replace("127.0.0.1:9464", target)
        (folder / "prometheus.yml").write_text(config, encoding="utf-8")
        with (folder / "log").open("wb") as log:
            assert PROMETHEUS is not None
            self.process = subprocess.Popen(
                [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{PORT}"],
                stdout=log, stderr=log,
            )  # fmt: skip
        self.folder = folder

    def query(self, text: str) -> list[Any]:
        """The result of an instant query."""
        url = f"http://127.0.0.1:{PORT}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            document = json.loads(answer.read())
        assert document["status"] == "success", document
        found: list[Any] = document["data"]["result"]
        return found

    def wait_for(self, text: str) -> list[Any]:
        """The result of a query once there is one."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.folder / "log").read_text(errors="replace")
            try:
                if found := self.query(text):
                    return found
            except OSError:
                pass  # it has not opened its port
            time.sleep(0.2)
        raise AssertionError(f"no data: {text}")


@pytest.fixture
def watched(tmp_path: Path, authority: Authority) -> Iterator[tuple[Server, Prometheus]]:
    certificate, key = authority.issue("localhost")
    access = write(tmp_path / "access.json", by_token(tmp_path, "node-a", A, rpcs=["*"], chains=["chainmaker"]))
    config = ServiceConfig(
        address="127.0.0.1:0",
        metrics_address="127.0.0.1:0",
        drain_delay=0,
        access_file=access,
        max_concurrent_rpcs=8,
        tls_certificate=certificate,
        tls_private_key=key,
    )
    with background(config) as server:
        prometheus = Prometheus(tmp_path, f"127.0.0.1:{server.metrics_port}")
        yield server, prometheus
        prometheus.process.terminate()
        prometheus.process.wait()


def traffic(server: Server, roots: Path, seed: int) -> None:
    """A little of everything that the dashboard shows; of each seed other signatures, which are not known yet."""
    keys, signatures, messages = generate_signatures("sm2", 40, seed=seed, signers=2)
    ledger = generate_ledger(blocks=1, txs_per_block=3, seed=1)
    with ValidationClient(server.target, token=A, tls=Tls(roots)) as client, ThreadPoolExecutor(4) as threads:
        rows = [(keys[i : i + 1], signatures[i : i + 1], messages[i : i + 1]) for i in range(32, 40)]
        list(threads.map(lambda row: client.verify_batch("sm2", *row), rows))
        for _ in range(3):
            client.verify_batch("sm2", keys[:32], [*signatures[:31], bytes(64)], messages[:32])
        client.validate_block("chainmaker", ledger.block_info(0), ledger.context_for(0))
        with pytest.raises(ServiceError):
            client.validate_block("bif", b"")


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is absent")
def test_a_real_prometheus_answers_every_query(watched: tuple[Server, Prometheus], authority: Authority) -> None:
    server, prometheus = watched
    prometheus.wait_for('up{job="pycore"} == 1')
    missing, seed = dict(panels()), 0
    end = time.monotonic() + PATIENCE
    while missing:
        traffic(server, authority.path, seed := seed + 1)
        time.sleep(0.5)
        for title, query in list(missing.items()):
            found = prometheus.query(query)
            if any(one["value"][1] != "NaN" for one in found):
                del missing[title]
        assert time.monotonic() < end, missing
    names = {rule["name"] for group in _rules() for rule in group["rules"] if rule["health"] != "err"}
    assert names == {name for name, _ in alerts()}
    measured = {name: re.sub(r" (>|==|<) [\d.]+$", "", expression) for name, expression in alerts()}
    assert all(expression != dict(alerts())[name] for name, expression in measured.items())
    for name in (
        "PycoreDown",
        "PycoreQueueSlow",
        "PycoreDenials",
        "PycoreInvalid",
        "PycoreVotesWait",
        "PycoreCertificateEnds",
        "PycoreRestarting",
        "PycoreDescriptors",
    ):  # what there was traffic for
        assert prometheus.wait_for(measured[name]), name


def _rules() -> list[Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/v1/rules", timeout=PATIENCE) as answer:
        found: list[Any] = json.loads(answer.read())["data"]["groups"]
    return found
