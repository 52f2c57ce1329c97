"""Starts that fail: whoever asked is told, and may try again."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from pycore.service.access import AccessError
from pycore.service.config import ServiceConfig
from pycore.service.server import background


@pytest.mark.skipif(sys.platform != "linux", reason="the lane is for Linux")
def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """The pages were up before the lane, which cannot be opened."""
    (tmp_path / "lane").write_bytes(b"no socket")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        page = f"127.0.0.1:{one.getsockname()[1]}"
    config = ServiceConfig(address="127.0.0.1:0", metrics_address=page, warm_up=False, drain_delay=0)
    failing = config.model_copy(update={"lane": tmp_path / "lane"})
    for _ in range(2):
        with pytest.raises(OSError, match="lane"), background(failing):
            pass
    with background(config) as server:
        assert server.metrics_port == int(page.rpartition(":")[2])


def test_settings_that_no_server_takes_end_a_background_one(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text("{}", encoding="utf-8")
    config = ServiceConfig(address="127.0.0.1:0", access_file=tmp_path / "access.json")
    with pytest.raises(AccessError), background(config):
        pass
