"""A Fabric-X committer's own verifier and coordinator, from its published module, and this service: one answer.

    python -m pytest tests/service/test_fabricx_go.py                 a few thousand transactions
    build/go/fabricx/fabricx -mode compare -target HOST:PORT -n 100000

Skipped by name where Go, or the module proxy, is absent.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fuzz"))

import fuzz_fabricx
from oracle import fabricx as slow

from bench import fabricx_go
from bench.peers import PeerMissingError
from pycore.ledgers.fabricx import MalformedError, PolicyUpdateError, Verifier
from pycore.service.fabricx import background
from pycore.service.fabricx_config import FabricXConfig

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def program() -> str:
    try:
        return fabricx_go.program()
    except PeerMissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("mode", "count"), [("compare", 1500), ("coordinator", 600)])
def test_the_committer_says_the_same(
    mode: str, count: int, program: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """compare: the same messages to both verifiers. coordinator: theirs, told of policies by transactions, on ours."""
    config = FabricXConfig(fabric_x="127.0.0.1:0", batch_time_cutoff="10ms", drain_delay=0)
    with background(config) as server:
        command = [program, "-mode", mode, "-target", server.target, "-n", str(count), "-seed", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["differences"] == []
    assert found["transactions"] == count
    assert count // 2 < found["committed"] < count
    record_property("compared", f"{count} statuses, fabric-x-committer {fabricx_go.version()}")


def test_go_reads_the_same_batches(program: str, seed: int, record_property: Callable[[str, object], None]) -> None:
    """Changed batches: Go's parser refuses the same ones, and finds the same in the others as the slow reader that
    `tests/fuzz/fuzz_fabricx.py` holds the one in C to."""
    rounds = int(os.environ.get("PYCORE_GO_BATCHES", "3000"))
    cases = [fuzz_fabricx.mutated(random.Random(f"{seed}:{i}")) for i in range(rounds)]
    done = subprocess.run(
        [program, "-mode", "read"], input="\n".join(case.hex() for case in cases), capture_output=True, text=True,
        timeout=300, check=True,
    )  # fmt: skip
    refused = 0
    for case, theirs in zip(cases, done.stdout.split("\n"), strict=False):
        assert is_refused(case) == (theirs == "-"), case.hex()
        refused += theirs == "-"
        if theirs != "-":
            again = slow.read(bytes.fromhex(theirs.rstrip(".")), BATCH)
            assert plain(again) == plain(slow.read(case, BATCH)), case.hex()
    assert 0 < refused < rounds
    record_property("compared", f"{rounds} batches")


POLICY = {"namespace": (1, "text", False), "policy": (2, "bytes", False), "version": (3, "uint", False)}
UPDATE = {
    "config": (1, {"envelope": (1, "bytes", False), "version": (2, "uint", False)}, False),
    "policies": (2, {"items": (1, POLICY, True)}, False),
}
# Without the members of the oneof in identities, of which Go keeps the last.
ENDORSEMENT = slow.ENDORSEMENT | {"identity": (2, {"msp_id": (1, "text", False)}, False)}
TX = slow.TX | {"endorsements": (2, {"entries": (1, ENDORSEMENT, True)}, True)}
REQUEST = slow.REQUEST | {"content": (2, TX, False)}
BATCH = slow.BATCH | {"update": (1, UPDATE, False), "requests": (2, REQUEST, True)}


def is_refused(case: bytes) -> bool:
    """Whether the bytes are no batch here, its update included."""
    if fuzz_fabricx.check(case) == "refused":
        return True
    try:
        for _ in Verifier().take_all([case]):
            break
    except PolicyUpdateError:
        return False
    except MalformedError:
        return True
    return False


def plain(read: Any) -> Any:
    """The content of a message without fields that are zero, which Go does not write."""
    if isinstance(read, dict):
        found = {name: plain(value) for name, value in read.items()}
        return {name: value for name, value in found.items() if value not in (0, b"") or name == "version"}
    return [plain(one) for one in read] if isinstance(read, list) else read
