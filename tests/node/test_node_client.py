"""A client in another language against a running service. Skipped by name where node or its packages can not be had."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pycore
from pycore import ledgers, testing
from pycore.service.config import ServiceConfig
from pycore.service.server import background

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def node() -> str:
    """Path of a node that has the packages of package.json; installs them on first use."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("node and npm are not installed")
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    installed = {
        name: json.loads(manifest.read_text())["version"] if manifest.exists() else None
        for name in wanted
        for manifest in [HERE / "node_modules" / name / "package.json"]
    }
    if installed != wanted:
        command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        found = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300, check=False)
        if found.returncode != 0:
            pytest.skip(f"npm install failed: {found.stderr.strip()[-300:]}")
    return program


@pytest.mark.timeout(400)
def test_a_node_client_verifies_signatures_and_a_block(node: str, tmp_path: Path) -> None:
    keys, signatures, messages = testing.generate_signatures("sm2", 11, signers=4, message_size=24, seed=9)
    signatures = signatures.copy()
    signatures[3, 5] ^= 1
    signatures[10] = 0
    expected = pycore.verify_batch("sm2", keys, signatures, messages)
    ledger = testing.generate_ledger("chainmaker", blocks=1, txs_per_block=12, suite="sm2", seed=2, invalid_every=5)
    block, context = ledger.blocks[0], ledger.context_for(0)
    report = ledgers.get("chainmaker").validate_block(block, context)
    given = {
        "scheme": "sm2",
        "public_keys": [row.tobytes().hex() for row in keys],
        "signatures": [row.tobytes().hex() for row in signatures],
        "messages": [row.tobytes().hex() for row in messages],
        "block": block.hex(),
        "context": context.to_json(),
    }
    file = tmp_path / "input.json"
    file.write_text(json.dumps(given))

    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        command = [node, str(HERE / "client.js"), server.target, str(file)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 0, run.stderr
    answer: dict[str, Any] = json.loads(run.stdout)

    for form in ("rows", "fixed", "ragged"):
        assert answer[form]["codes"] == expected.codes.tolist(), form
        assert answer[form]["valid"] == expected.valid.tolist()
        assert (answer[form]["count"], answer[form]["valid_count"]) == (11, 9)
    assert answer["empty_id"]["valid_count"] == 0
    assert answer["no_id"]["valid_count"] == 0
    assert answer["stream"] == [[7, 9], [8, 9], [9, 9]]
    assert answer["error"]["code"] == "INVALID_ARGUMENT"
    assert answer["error"]["details"].startswith("scheme: got 'rsa', wanted one of 'ed25519'")
    assert answer["schemes"] == list(pycore.SCHEMES)

    shown = answer["report"]
    assert (shown["valid"], shown["complete"], shown["height"]) == (report.valid, report.complete, report.height)
    assert shown["block_hash"] == report.block_hash.hex()
    status = {True: "PASSED", False: "FAILED", None: "SKIPPED"}
    assert shown["checks"] == [[check.name, f"CHECK_STATUS_{status[check.ok]}"] for check in report.checks]
    assert shown["transactions"]["codes"] == report.transactions.codes.tolist()
    faults = [[fault.index, f"VERDICT_{fault.verdict.name}", fault.tx_id] for fault in report.faults]
    assert shown["invalid"] == faults
    assert faults
