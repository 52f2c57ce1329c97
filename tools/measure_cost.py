"""Measures what hostile requests cost a real service: CPU seconds and memory per megabyte sent.

    python tools/measure_cost.py [--bytes 1000000] [--markdown]

Each family of `tests/cost/hostile.py` is sent once to a service in a separate process, at a size of about that many
bytes. CPU time is the process's own (user and system, from /proc), memory the growth of its peak. A request that the
service refuses by name says so; what it cost is shown all the same. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import grpc

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from cost.hostile import FAMILIES, Family  # noqa: E402

METHODS = "/pycore.validation.v1.ValidationService/"
TICKS = os.sysconf("SC_CLK_TCK")
MOST = 1 << 18


def main() -> None:
    options = argparse.ArgumentParser(description="cost of hostile requests")
    options.add_argument("--bytes", type=int, default=1_000_000, help="about how large each request is")
    options.add_argument("--markdown", action="store_true", help="print a table for SECURITY.md")
    options.add_argument("--only", default="", help="families whose name has this in it")
    chosen = options.parse_args()
    if chosen.markdown:
        print("| request | input | sent, KB | CPU s per MB | memory x sent | answer |\n|---|---|---|---|---|---|")
    for family in FAMILIES:
        if chosen.only in f"{family.method} {family.name}":
            row = measure(family, chosen.bytes)
            print(("| " + " | ".join(row) + " |") if chosen.markdown else "  ".join(row), flush=True)


def sized(family: Family, nbytes: int) -> bytes:
    """The largest request of about `nbytes` bytes, or of as many items as a request may have."""
    size, raw = 256, family.make(256)
    while len(raw) < nbytes // 2 and 2 * size <= MOST and len(raw) > 0:
        grown = min(8, max(2, nbytes // len(raw)))
        size = min(MOST, size * grown)
        raw = family.make(size)
    return raw


def measure(family: Family, nbytes: int) -> tuple[str, ...]:
    """One family: its name, bytes sent, CPU seconds and memory per MB, and how it was answered."""
    raw = sized(family, nbytes)
    command = [sys.executable, "-m", "pycore.service", "--address", "127.0.0.1:0", "--workers", "1", "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        try:
            target = json.loads(process.stderr.readline())["address"]
            channel = grpc.insecure_channel(target, options=[("grpc.max_receive_message_length", -1)])
            call(channel, family, family.make(64))  # loads what the call needs
            call(channel, family, family.make(64))
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak of memory starts again
            seconds, memory = used(process.pid)
            answer = call(channel, family, raw)
            after, peak = used(process.pid)
        finally:
            process.kill()
    megabytes = max(len(raw), 1) / 1e6
    return (
        family.method, family.name, f"{len(raw) / 1e3:.0f}", f"{(after - seconds) / megabytes:.2f}" if raw else "-",
        f"{max(0, peak - memory) / max(len(raw), 1):.0f}" if raw else "-", answer,
    )  # fmt: skip


def call(channel: grpc.Channel, family: Family, raw: bytes) -> str:
    """How the service answered, in words."""
    method = METHODS + family.method
    try:
        if family.method in ("VerifySignatureStream", "ValidateBlocks", "VerifyCommits", "VerifyVotes"):
            size = sum(map(len, channel.stream_stream(method)(iter([raw]), timeout=600)))
        elif family.method == "AppendMerkleTree":
            size = len(channel.stream_unary(method)(iter([raw]), timeout=600))
        else:
            size = len(channel.unary_unary(method)(raw, timeout=600))
    except grpc.RpcError as error:
        return f"refused: {error.details()[:60].split(', wanted')[0]}"
    return f"{size / 1e3:.0f} KB"


def used(pid: int) -> tuple[float, int]:
    """CPU seconds of a process and the peak of its memory in bytes; the second from its present size on."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return (int(fields[11]) + int(fields[12])) / TICKS, int(found[1]) * 1024


if __name__ == "__main__":
    main()
