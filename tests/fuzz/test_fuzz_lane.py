"""A short run over packets of the same-host lane, that it notices a lenient reader, and one against a service."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_lane
from service.conftest import wait_for_load

from pycore.client.lane import LaneClient
from pycore.service.config import ServiceConfig
from pycore.service.server import background


def test_short_run(seed: int) -> None:
    counts = fuzz_lane.run(8000, seed)
    assert sum(counts.values()) == 8000
    assert min(counts["read"], counts["refused"]) > 1500


def test_a_reader_that_takes_longer_packets_is_noticed(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(fuzz_lane.frames, "_whole", lambda packet, wanted: None)
    with pytest.raises(fuzz_lane.DifferenceError):
        fuzz_lane.run(8000, seed)


@pytest.mark.skipif(sys.platform != "linux", reason="the lane needs Linux")
def test_a_service_is_well_afterwards(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "lane"
    with background(ServiceConfig(address="127.0.0.1:0", lane=path, drain_delay=0)) as server:
        fuzz_lane.run(400, seed, str(path))
        with LaneClient(path) as client:
            client.wait_until_ready()
            assert client.hash("sha256", b"abc").hex()[:8] == "ba7816bf"
        wait_for_load(server, lambda load: load.requests == 0)
