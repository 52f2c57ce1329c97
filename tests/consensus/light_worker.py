"""A light client that is killed with SIGKILL, over and over, while it goes up a chain and writes what it trusts.

    python light_worker.py STORE KILLS

Half of its primary's answers are those of a fork that has as many signatures; its witness is honest. After each kill
the store is read: every header in it must be the chain's, those of calls that returned must be there, and at most one
more. The program prints one line of JSON for each kill and fails where something is wrong. The children are forks of
one process that has started no threads, so that a kill costs next to nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from pycore.consensus.light import LightClient, LightClientError, LightOptions, MappingProvider, SqliteLightStore
from pycore.testing.cometbft_light import LightChain

PERIOD, HEIGHTS = 10**15, 60


class Liar:
    """Answers with the chain's blocks or those of a fork."""

    def __init__(self, sides: list[dict[int, bytes]], seed: int) -> None:
        self._sides, self._random = [MappingProvider(one) for one in sides], random.Random(seed)

    def light_block(self, height: int) -> Any:
        return self._random.choice(self._sides).light_block(height)


def work(path: Path, chain: LightChain, sides: list[dict[int, bytes]], seed: int, out: int) -> None:
    """The child: every height above those that are trusted, one call for each."""
    client = LightClient(
        chain.chain_id,
        primary=Liar(sides, seed),
        witnesses=[MappingProvider(sides[0])],
        store=SqliteLightStore(path, chain.chain_id),
        options=LightOptions(PERIOD),
        timeout=None,
        keep=0,
    )
    latest = client.latest() or client.initialize(1, chain.hash(1), chain.now_ns)
    os.write(out, f"at {latest.height}\n".encode())
    for height in range(latest.height + 1, HEIGHTS + 1):
        os.write(out, f"trying {height}\n".encode())
        while client.get(height) is None:
            with contextlib.suppress(LightClientError):
                client.verify(height, chain.now_ns)
        os.write(out, f"done {height}\n".encode())


def check(path: Path, chain: LightChain, told: list[str], before: set[int]) -> dict[str, Any]:
    """Look at the store as a new process does."""
    store = SqliteLightStore(path, chain.chain_id)
    heights = store.heights()
    for height in heights:
        block = store.get(height)
        assert block is not None
        assert block.hash == chain.hash(height), f"height {height} is not the chain's"
    number = {line.split()[0]: int(line.split()[1]) for line in told if " " in line}
    done = before | {int(line.split()[1]) for line in told if line.startswith(("done", "at"))}
    more = set(heights) - done
    assert done <= set(heights), f"lost: {sorted(done - set(heights))}"
    assert more <= {number.get("trying", 1)}, f"nobody asked for {sorted(more)}"
    if path.exists():
        with contextlib.closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return {"heights": len(heights), "in_progress": number.get("trying"), "written": sorted(more)}


def first_line(reader: int) -> bytes:
    """Waits for the child to begin, however busy the machine is."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(reader, 1)):
        line += byte
    return line


def main(path: Path, kills: int) -> None:
    chain = LightChain(heights=HEIGHTS, validators=3, seed=7, transactions=1)
    sides = [chain.mapping(), chain.forked(2).mapping()]
    wait, before = random.Random(kills), set[int]()
    for i in range(kills):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            work(path, chain, sides, i, writer)
            os._exit(0)
        os.close(writer)
        heard = first_line(reader) if i % 3 else b""  # else it may be killed before it has a store
        time.sleep(wait.random() * 0.4)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reader, "rb") as pipe:
            told = (heard + pipe.read()).decode().splitlines()
        found = check(path, chain, told, before)
        print(json.dumps(found), flush=True)
        before = set(SqliteLightStore(path, chain.chain_id).heights())
        if len(before) == HEIGHTS:
            path.unlink()
            before = set()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
