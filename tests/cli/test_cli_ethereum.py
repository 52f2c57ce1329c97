"""``pycore ethereum``: answers of eth_getProof and single proofs, good and bad."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run_in
from oracle import trie as oracle

import pycore

ADDRESS, SLOT = bytes(range(20)), 7


def keccak(data: bytes) -> bytes:
    return pycore.hash("keccak256", data)


def run(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return run_in(Path.cwd(), "ethereum", *words, stdin=stdin)


@pytest.fixture(scope="module")
def answer() -> tuple[str, dict[str, Any]]:
    """A state root, and what eth_getProof would answer for an account with one slot set."""
    slot_key = keccak(SLOT.to_bytes(32, "big"))
    storage, slots = oracle.build({slot_key: oracle.rlp(b"\x12\x34"), keccak(b"other"): oracle.rlp(b"\x01")}, keccak)
    account = oracle.rlp([b"\x05", b"\x01\x00", storage, keccak(b"")])
    root, seen = oracle.build({keccak(ADDRESS): account, keccak(b"x"): account, keccak(b"y"): account}, keccak)
    entry = {"key": hex(SLOT), "value": "0x1234", "proof": texts(oracle.proof(storage, slots, slot_key))}
    found = {
        "address": "0x" + ADDRESS.hex(),
        "accountProof": texts(oracle.proof(root, seen, keccak(ADDRESS))),
        "balance": "0xffffff",  # ignored
        "storageProof": [entry],
    }
    return "0x" + root.hex(), found


def texts(nodes: list[bytes]) -> list[str]:
    return ["0x" + node.hex() for node in nodes]


def test_an_answer_of_get_proof(answer: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    root, result = answer
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}))
    done = run("proof", str(path), "--state-root", root, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["valid"] is True
    assert (found["account"]["nonce"], found["account"]["balance"]) == (5, 256)
    assert found["storage"] == {f"0x{SLOT:064x}": "0x1234"}
    shown = run("proof", "-", "--state-root", root, stdin=json.dumps(result)).stdout
    assert "balance 256" in shown
    assert shown.endswith(f"0x{SLOT:064x} 0x1234\n")


def test_an_answer_that_does_not_hold(answer: tuple[str, dict[str, Any]]) -> None:
    root, result = answer
    for changed, verdict in (
        ({"accountProof": result["accountProof"][:-1]}, "MALFORMED_PROOF"),
        ({"storageProof": [{**result["storageProof"][0], "proof": result["accountProof"]}]}, "BAD_PROOF"),
    ):
        done = run("proof", "-", "--state-root", root, "--json", stdin=json.dumps({**result, **changed}))
        assert done.returncode == 1, done.stderr
        answer_ = json.loads(done.stdout)
        assert (answer_["valid"], answer_["verdict"]) == (False, verdict)
        assert "node" in answer_["reason"]
        assert "index" not in answer_["reason"]
    done = run("proof", "-", "--state-root", "0x" + bytes(32).hex(), stdin=json.dumps(result))
    assert (done.returncode, done.stdout) == (1, "BAD_PROOF\n")
    assert done.stderr == "pycore: a node is not the one that its parent or the root names\n"


def test_single_proofs() -> None:
    node = bytes.fromhex("c98320646f8476657262")  # one leaf: "do" -> "verb"
    words = ["trie", "--root", keccak(node).hex(), "--key", b"do".hex(), "--node", node.hex()]
    done = run(*words)
    assert (done.returncode, done.stdout) == (0, "76657262\n"), done.stderr
    words[4] = b"dog".hex()
    assert json.loads(run(*words, "--json").stdout) == {"valid": True, "verdict": "VALID", "value": None}
    words[2] = bytes(32).hex()
    assert run(*words).returncode == 1


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["proof", "-", "--state-root", "00"], "{}"),
        (["proof", "-", "--state-root", "xx"], "{}"),
        (["proof", "-", "--state-root", "00" * 32], "[]"),
        (["proof", "-", "--state-root", "00" * 32], "{"),
        (["proof", "-", "--state-root", "00" * 32], "{}"),
        (["trie", "--root", "00" * 32, "--key", "0g"], ""),
        (["trie", "--root", "00" * 31, "--key", "00"], ""),
    ],
)
def test_wrong_calls(words: list[str], stdin: str) -> None:
    done = run(*words, "--json", stdin=stdin)
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["error"]["field"]
