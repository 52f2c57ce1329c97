"""Stores of light clients: both do the same, damage is noticed, and kill -9 leaves nothing that is not trusted."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pycore.consensus.light import (
    LightClient,
    LightOptions,
    LightStore,
    MappingProvider,
    MemoryLightStore,
    SqliteLightStore,
)
from pycore.errors import InputError, StoreError
from pycore.testing.cometbft_light import LightChain

CHAIN = LightChain(heights=12, validators=3, seed=21)
FORK = CHAIN.forked(5)
OPTIONS = LightOptions(10**15)
KILLS = int(os.environ.get("PYCORE_KILLS", "12"))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LightStore:
    if request.param == "memory":
        return MemoryLightStore()
    return SqliteLightStore(tmp_path / "light.db", CHAIN.chain_id)


def at(path: Path) -> SqliteLightStore:
    return SqliteLightStore(path, CHAIN.chain_id)


def client(store: LightStore) -> LightClient:
    node, other = MappingProvider(CHAIN.mapping()), MappingProvider(CHAIN.mapping())
    return LightClient(CHAIN.chain_id, primary=node, witnesses=[other], store=store, options=OPTIONS, timeout=None)


# ---- what stores do --------------------------------------------------------------------------------------------------


def test_save_and_read(store: LightStore) -> None:
    assert store.heights() == []
    assert store.get(5) is store.before(5) is store.after(5) is None
    for height in (7, 3, 9, 5):
        store.save(CHAIN.block(height))
        store.save(CHAIN.block(height))  # again: nothing happens
    assert store.heights() == [3, 5, 7, 9]
    for height in (3, 5, 7, 9):
        found = store.get(height)
        assert found is not None
        assert found.to_bytes() == CHAIN.wire(height)
    neighbours = {1: (None, 3), 3: (None, 5), 4: (3, 5), 5: (3, 7), 8: (7, 9), 9: (7, None), 99: (9, None)}
    for height, (below, above) in neighbours.items():
        before, after = store.before(height), store.after(height)
        assert (before and before.height, after and after.height) == (below, above)
    store.clear()
    assert store.heights() == []


def test_pruning_is_part_of_the_save(store: LightStore) -> None:
    for height in range(1, 8):
        store.save(CHAIN.block(height), keep=3)
        assert store.heights() == list(range(max(1, height - 2), height + 1))
    store.save(CHAIN.block(2), keep=3)  # the lowest is the one that goes
    assert store.heights() == [5, 6, 7]


def test_no_block_takes_the_place_of_another(store: LightStore) -> None:
    store.save(CHAIN.block(6))
    with pytest.raises(StoreError, match="height 6"):
        store.save(FORK.block(6))
    found = store.get(6)
    assert found is not None
    assert found.hash == CHAIN.hash(6)


# ---- the file --------------------------------------------------------------------------------------------------------


def test_reading_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "light.db"
    assert at(path).heights() == []
    assert at(path).get(1) is None
    assert not path.parent.exists()
    at(path).save(CHAIN.block(1))
    assert at(path).heights() == [1]


def test_several_chains_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "light.db"
    other = LightChain(heights=3, validators=2, seed=22, chain_id="other")
    at(path).save(CHAIN.block(2))
    SqliteLightStore(path, "other").save(other.block(2))
    assert at(path).heights() == SqliteLightStore(path, "other").heights() == [2]
    at(path).save(CHAIN.block(3), keep=1)
    assert at(path).heights() == [3]
    at(path).clear()
    assert SqliteLightStore(path, "other").heights() == [2]
    with pytest.raises(InputError, match="other"):
        at(path).save(other.block(3))


def edit(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute(statement, values).rowcount > 0
        database.commit()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "hash": lambda path: edit(path, "UPDATE blocks SET hash = ? WHERE height = 7", bytes(32)),
    "digest": lambda path: edit(path, "UPDATE blocks SET digest = ? WHERE height = 7", bytes(32)),
    "block": lambda path: edit(path, "UPDATE blocks SET block = ? WHERE height = 7", FORK.wire(7)),
    "empty": lambda path: edit(path, "UPDATE blocks SET block = ? WHERE height = 7", b""),
    "text": lambda path: edit(path, "UPDATE blocks SET block = 'text' WHERE height = 7"),
    "number": lambda path: edit(path, "UPDATE blocks SET hash = 5 WHERE height = 7"),
    "moved": lambda path: edit(path, "UPDATE blocks SET height = 8 WHERE height = 7"),
    "renamed": lambda path: edit(path, "UPDATE blocks SET chain_id = 'pycore-tesT'"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_noticed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "light.db"
    at(path).save(CHAIN.block(7))
    DAMAGE[name](path)
    reader = SqliteLightStore(path, "pycore-tesT") if name == "renamed" else at(path)
    for read in (lambda: reader.before(99), lambda: reader.get(8 if name == "moved" else 7)):
        with pytest.raises(StoreError, match="damaged"):
            read()
    if name != "renamed":
        with pytest.raises(StoreError, match="damaged"):
            client(reader).verify(9, CHAIN.now_ns)


def test_every_byte_of_a_block_is_covered(tmp_path: Path) -> None:
    """A flip anywhere in the stored block is noticed."""
    path = tmp_path / "light.db"
    at(path).save(CHAIN.block(7))
    data = CHAIN.wire(7)
    for place in range(0, len(data), 23):
        flipped = bytes([*data[:place], data[place] ^ 1 << place % 8, *data[place + 1 :]])
        edit(path, "UPDATE blocks SET block = ? WHERE height = 7", flipped)
        with pytest.raises(StoreError, match="damaged"):
            at(path).get(7)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(2000)])
def test_other_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "light.db"
    path.write_bytes(content)
    for call in (lambda: at(path).heights(), lambda: at(path).save(CHAIN.block(1))):
        with pytest.raises(StoreError):
            call()
    assert path.read_bytes() == content


def test_other_databases(tmp_path: Path) -> None:
    path = tmp_path / "light.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
        database.commit()
    with pytest.raises(StoreError, match="no store of light blocks"):
        at(path).save(CHAIN.block(1))
    path = tmp_path / "newer.db"
    at(path).save(CHAIN.block(1))
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="schema 2"):
        at(path).heights()


def test_a_locked_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "light.db"
    at(path).save(CHAIN.block(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            SqliteLightStore(path, CHAIN.chain_id, timeout=0.01).save(CHAIN.block(2))
    assert at(path).heights() == [1]


def test_threads_share_a_file(tmp_path: Path) -> None:
    path, faults = tmp_path / "light.db", list[Exception]()

    def run(height: int) -> None:
        try:
            at(path).save(CHAIN.block(height))
            at(path).heights()
        except Exception as error:  # any error is one too many
            faults.append(error)

    threads = [threading.Thread(target=run, args=(height,)) for height in CHAIN.heights]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert at(path).heights() == CHAIN.heights


# ---- going on where another process ended ----------------------------------------------------------------------------


def test_a_client_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "light.db"
    first = client(at(path))
    first.initialize(2, CHAIN.hash(2), CHAIN.now_ns)
    first.verify(6, CHAIN.now_ns)
    second = client(at(path))
    assert second.heights() == [2, 6]
    assert second.verify(12, CHAIN.now_ns).hash == CHAIN.hash(12)
    assert first.heights() == [2, 6, 12]


def test_kill_9(tmp_path: Path) -> None:
    """A process is killed while it writes, many times; see light_worker.py for what is checked after each kill."""
    program = Path(__file__).parent / "light_worker.py"
    package = str(Path(sys.modules["pycore"].__file__ or "").parent.parent)
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "light.db"), str(KILLS)],
        env={**os.environ, "PYTHONPATH": package}, capture_output=True, text=True, timeout=120 + KILLS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == KILLS
    assert sum(one["in_progress"] is not None for one in found) >= KILLS // 3  # killed at work
    print(f"{KILLS} kills, {sum(len(one['written']) for one in found)} of them after the write and before the return")
