"""A client in another language against a running service. Skipped by name where node or its packages cannot be had."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from node_packages import node_with_packages

import pycore
from pycore import bundle, ledgers, testing
from pycore.service.config import ServiceConfig
from pycore.service.server import background

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUNDLES = HERE.parent / "vectors" / "bundles"


@pytest.fixture(scope="module")
def node() -> str:
    return node_with_packages()


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
        run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr
    answer: dict[str, Any] = json.loads(run.stdout)

    for form in ("rows", "fixed", "ragged"):
        assert answer[form]["codes"] == expected.codes.tolist(), form
        assert answer[form]["valid"] == expected.valid.tolist()
        assert (answer[form]["count"], answer[form]["valid_count"]) == (11, 9)
    assert answer["empty_id"]["valid_count"] == 0
    assert answer["no_id"]["valid_count"] == 0
    assert answer["stream"] == [[7, 9], [8, 9], [9, 9]]
    assert answer["root"] == pycore.merkle_root([row.tobytes() for row in messages]).hex()
    assert answer["inclusion"] == [True, False]
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


@pytest.mark.timeout(400)
def test_a_node_client_verifies_every_bundle(node: str) -> None:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        command = [node, str(HERE / "bundles.js"), server.target, str(BUNDLES)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr
    answers: dict[str, Any] = json.loads(run.stdout)
    assert set(answers) == {path.stem for path in BUNDLES.glob("*.bundle")}
    for name, answer in answers.items():
        data, trusted = (BUNDLES / f"{name}.bundle").read_bytes(), bundle.read_trusted(BUNDLES / f"{name}.trusted.json")
        report, moved = bundle.verify(data, trusted), bundle.advance(data, trusted)[1]
        assert answer["proven"], name
        assert answer["height"] == report.height
        assert answer["facts"] == json.loads((BUNDLES / f"{name}.facts.json").read_text(encoding="utf-8"))
        assert answer["voters"] == list(report.certified_by)
        assert answer["checks"] == [[check.name, "CHECK_STATUS_PASSED"] for check in report]
        assert answer["moved"] == (moved is not None)
        assert not answer["changed"]
        assert answer["refusals"] > 0


@pytest.mark.timeout(400)
def test_the_readme_example_in_node_runs_as_it_stands(node: str) -> None:
    """The example in README.md, with its address replaced and its three arrays given."""
    block = re.search(r"```js\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    keys, signatures, messages = testing.generate_signatures("ed25519", 3, seed=4)
    signatures = signatures.copy()
    signatures[2, 0] ^= 1
    given = "\n".join(
        f"const {name} = {[row.tobytes().hex() for row in column]}.map((row) => Buffer.from(row, 'hex'));"
        for name, column in (("keys", keys), ("signatures", signatures), ("messages", messages))
    )
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        code = (
            given + block[1].replace("127.0.0.1:50051", server.target) + "\nsetTimeout(() => process.exit(0), 20000);"
        )
        environment = {**os.environ, "NODE_PATH": str(HERE / "node_modules")}
        process = subprocess.Popen([node, "-e", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        answer = process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
    assert answer.split("]")[0] == "[ 1, 1, 2 "
