"""A Fabric-X committer's own verifier and coordinator, from its published module, and this service: one answer.

    python -m pytest tests/service/test_fabricx_go.py                 a few thousand transactions
    build/go/fabricx/fabricx -mode compare -target HOST:PORT -n 100000

Skipped by name where Go, or the module proxy, is absent.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from bench import fabricx_go
from bench.peers import PeerMissingError
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
