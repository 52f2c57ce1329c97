"""The store of trusted states: what it keeps, what moves it, several processes at once, and damage."""

from __future__ import annotations

import dataclasses
import multiprocessing
import sqlite3
import threading

import pytest
from chain_blocks import ConfiguredChain
from chainmaker_bundles import AT, PROOFS, Chain, configuring, trusted_after

from pycore import bundle
from pycore.bundle import Statement, TrustStore, store
from pycore.errors import InputError, StoreError


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.fixture(scope="module")
def steps(chain):
    """The bundles of the headers after the first block: each proves itself to the state before it."""
    return [
        bundle.make("chainmaker", {"block": chain.ledger.blocks[i + 1]}, Statement("header"), chain.trusted(i))
        for i in range(3)
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "trust.db"


@pytest.fixture
def kept(path, chain):
    made = TrustStore(path)
    made.add("a", chain.before, note="from the operator")
    return made


def test_a_store_that_is_not_there_is_empty_and_stays_away(path):
    empty = TrustStore(path)
    assert empty.list() == ()
    for call in (lambda: empty.get("a"), lambda: empty.history("a"), lambda: empty.audit("a")):
        with pytest.raises(InputError, match="name"):
            call()
    assert not path.exists()


def test_what_is_added_is_there(kept, chain, path):
    assert kept.get("a") == chain.before
    assert TrustStore(path).get("a") == chain.before
    (entry,) = kept.list()
    assert (entry.name, entry.steps, entry.trusted) == ("a", 0, chain.before)
    assert entry.to_dict()["block_hash"] == chain.before.block_hash.hex()
    (step,) = kept.history("a")
    assert (step.number, step.note, step.bundle, step.trusted) == (0, "from the operator", None, chain.before)


def test_names_are_taken_once(kept, chain):
    with pytest.raises(InputError, match="taken"):
        kept.add("a", chain.after)
    assert kept.get("a") == chain.before
    kept.add("b", bundle.trusted_to_json(chain.after))
    assert [entry.name for entry in kept.list()] == ["a", "b"]
    assert kept.remove("a") == 1
    assert [entry.name for entry in kept.list()] == ["b"]
    for call in (kept.remove, kept.get):
        with pytest.raises(InputError, match="in the store"):
            call("a")


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "x" * 101, None, 5])
def test_names_are_readable(kept, chain, name):
    with pytest.raises(InputError) as error:
        kept.add(name, chain.before)
    assert error.value.field == "name"


def test_a_state_with_a_place_is_not_kept(kept, chain):
    placed = Chain(height=5).before
    with pytest.raises(InputError) as error:
        kept.add("b", placed)
    assert error.value.field == "trusted.context.height"


def test_bundles_move_a_state_and_are_kept(kept, chain, steps):
    for i, step in enumerate(steps):
        report, moved = kept.advance("a", bundle.to_bytes(step))
        assert report.proven
        assert moved == kept.get("a") == chain.trusted(i + 1)
    history = kept.history("a")
    assert [step.number for step in history] == [0, 1, 2, 3]
    assert [step.bundle for step in history] == [None, *map(bundle.to_bytes, steps)]
    assert [report.proven for report in kept.audit("a")] == [True] * 3
    assert kept.get("a", height=chain.trusted(1).height) == chain.trusted(1)
    for height in (0, 99, -1, 1 << 70):
        with pytest.raises(InputError, match="in the store"):
            kept.get("a", height=height)


def test_nothing_else_moves_it(kept, chain, steps):
    kept.advance("a", steps[0])
    for made in (steps[0], steps[2]):  # one for the state before, one for a later one
        report, moved = kept.advance("a", made)
        assert moved is None
        assert not report.proven
    late = bundle.make("chainmaker", chain.sources(), Statement("header"), chain.trusted(AT))
    report, moved = kept.advance("a", late)
    assert [check.name for check in report.failed] == ["forward"]
    assert moved is None
    assert kept.get("a") == chain.trusted(1)
    with pytest.raises(InputError, match="in the store"):
        kept.advance("b", steps[0])


def test_a_configuration_moves_the_context(path):
    made = ConfiguredChain()
    made.add()
    made.add_configuration(5)
    trusted = trusted_after(made, 0)
    kept = TrustStore(path)
    kept.add("a", trusted)
    _, moved = kept.advance("a", configuring(made, 1, trusted))
    assert kept.get("a") == moved
    assert moved.context.validators == made.ids(5)
    assert PROOFS.kinds[1] == "transaction"


# ---- at once ---------------------------------------------------------------------------------------------------------


def move(path, data, start, answers):
    """What another process does."""
    start.wait(60)
    report, moved = TrustStore(path, timeout=60).advance("a", data)
    answers.put((moved is not None, [check.name for check in report.failed]))


def test_of_two_processes_with_one_bundle_one_moves_it(kept, path, chain, steps):
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(2), context.Queue()
    workers = [context.Process(target=move, args=(path, bundle.to_bytes(steps[0]), start, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = sorted(answers.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(60)
    assert found == [(False, ["trusted_height", "trusted_hash"]), (True, [])]
    assert [step.number for step in kept.history("a")] == [0, 1]
    assert kept.get("a") == chain.trusted(1)


def test_a_state_that_others_move_is_looked_at_again(kept, chain, steps):
    """Another one moves the state after it was read and judged, before it is written."""
    calls = []

    def advance(given, trusted):
        if not calls:
            calls.append(1)
            assert TrustStore(kept.path).advance("a", steps[0])[1] is not None
        return bundle.advance(given, trusted)

    report, moved = kept.advance("a", steps[0], judge=advance)
    assert moved is None
    assert {check.name for check in report.failed} == {"trusted_height", "trusted_hash"}
    assert len(kept.history("a")) == 2


def test_a_state_that_is_always_moved_is_given_up(kept, chain, steps):
    """Nobody moves a state that often; whoever would, must not keep a process busy for ever."""
    report, _ = bundle.advance(steps[0], chain.before)
    heights = iter(range(10, 1000))

    def advance(given, trusted):
        with kept._file.open(write=True) as database:
            row = store._last(database, "a")
            other = dataclasses.replace(chain.before, height=next(heights))
            store._insert(database, "a", row, other, "", b"")
        return report, dataclasses.replace(chain.before, height=2000)

    with pytest.raises(StoreError, match="all the time"):
        kept.advance("a", steps[0], judge=advance)


@pytest.mark.parametrize("change", [{"height": 1}, {"height": 0}, {"chain_id": "x"}, {"chain": "x"}])
def test_whoever_judges_cannot_move_a_state_back_or_elsewhere(kept, chain, steps, change):
    report, moved = bundle.advance(steps[0], chain.before)
    with pytest.raises(StoreError, match="does not follow"):
        kept.advance("a", steps[0], judge=lambda *_: (report, dataclasses.replace(moved, **change)))
    unproven = bundle.verify(steps[1], chain.before)
    with pytest.raises(StoreError, match="does not follow"):
        kept.advance("a", steps[0], judge=lambda *_: (unproven, moved))
    assert kept.get("a") == chain.before


def test_threads_share_a_store(path, chain):
    kept, errors = TrustStore(path, timeout=60), []

    def work(number):
        try:
            kept.add(f"n{number}", chain.before)
            kept.get(f"n{number}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(kept.list()) == 8


def test_a_store_that_somebody_holds_is_waited_for_and_then_an_error(kept, chain):
    holder = sqlite3.connect(kept.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    impatient = TrustStore(kept.path, timeout=0.01)
    for call in (lambda: impatient.get("a"), lambda: impatient.add("b", chain.before)):
        with pytest.raises(StoreError, match="locked"):
            call()
    holder.close()
    assert impatient.get("a") == chain.before


def test_a_writer_that_dies_changes_nothing(kept, chain):
    with pytest.raises(ZeroDivisionError), kept._file.open(write=True) as database:
        database.execute("DELETE FROM steps")
        raise ZeroDivisionError
    assert kept.get("a") == chain.before


# ---- damage ----------------------------------------------------------------------------------------------------------


def execute(kept, statement, *values):
    database = sqlite3.connect(kept.path)
    with database:
        database.execute(statement, values)
    database.close()


@pytest.mark.parametrize(
    ("version", "application", "words"),
    [(2, store.APPLICATION, "schema 2"), (0, store.APPLICATION, "schema 0"), (1, 5, "no store"), (0, 0, "no store")],
)
def test_another_schema_is_not_touched(kept, chain, version, application, words):
    execute(kept, f"PRAGMA user_version = {version}")
    execute(kept, f"PRAGMA application_id = {application}")
    before = kept.path.read_bytes()
    for call in (lambda: kept.get("a"), lambda: kept.add("b", chain.before), lambda: kept.remove("a"), kept.list):
        with pytest.raises(StoreError, match=words):
            call()
    assert kept.path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database", bytes(5000), b"SQLite format 3\0" + bytes(100)])
def test_a_file_that_is_no_database(path, chain, content):
    path.parent.mkdir()
    path.write_bytes(content)
    for call in (lambda: TrustStore(path).get("a"), lambda: TrustStore(path).add("a", chain.before)):
        with pytest.raises(StoreError):
            call()
    assert path.read_bytes() == content


def test_an_empty_file_is_an_empty_store(path, chain):
    path.parent.mkdir()
    path.touch()
    assert TrustStore(path).list() == ()
    TrustStore(path).add("a", chain.before)
    assert TrustStore(path).get("a") == chain.before


def test_damage_to_a_row_is_noticed(kept, chain, steps):
    kept.advance("a", steps[0])
    kept.advance("a", steps[1])
    sound = kept.path.read_bytes()
    higher = bundle.trusted_to_json(chain.after, indent=None)
    for statement, values in (
        ("UPDATE steps SET height = height + 1 WHERE number = ?", (2,)),
        ("UPDATE steps SET block_hash = ? WHERE number = 2", (bytes(32),)),
        ("UPDATE steps SET state = ? WHERE number = 2", (higher,)),
        ("UPDATE steps SET state = ? WHERE number = 2", ("{}",)),
        ("UPDATE steps SET note = ? WHERE number = 2", ("x",)),
        ("UPDATE steps SET at = ? WHERE number = 2", (0.0,)),
        ("UPDATE steps SET bundle = ? WHERE number = 2", (b"",)),
        ("UPDATE steps SET bundle = ? WHERE number = 2", (None,)),
        ("UPDATE steps SET bundle = ? WHERE number = 2", ("text",)),
        ("UPDATE steps SET digest = ? WHERE number = 2", (bytes(32),)),
        ("UPDATE steps SET digest = ? WHERE number = 1", (bytes(32),)),
        ("UPDATE steps SET number = ? WHERE number = 2", (7,)),
        ("UPDATE steps SET number = ? WHERE number = 2", ("x",)),
        ("DELETE FROM steps WHERE number = ?", (1,)),
    ):
        execute(kept, statement, *values)
        for call in (kept.get, kept.history):
            with pytest.raises(StoreError):
                call("a")
        assert kept.path.read_bytes() != sound, statement
        kept.path.write_bytes(sound)
    assert kept.get("a") == chain.trusted(2)


def test_a_history_that_its_bundles_do_not_lead_to_is_noticed(kept, chain, steps):
    """Whoever can write the file can write sound rows; the bundles in them do not lie."""
    with kept._file.open(write=True) as database:
        row = store._last(database, "a")
        store._insert(database, "a", row, chain.trusted(2), "", bundle.to_bytes(steps[0]))
    assert kept.get("a") == chain.trusted(2)
    with pytest.raises(StoreError, match="leads to"):
        kept.audit("a")
    with kept._file.open(write=True) as database:
        store._insert(database, "a", store._last(database, "a"), chain.after, "", bundle.to_bytes(steps[0]))
    with kept._file.open(write=True) as database:
        database.execute("DELETE FROM steps WHERE name = 'a' AND number > 0")
        store._insert(database, "a", store._last(database, "a"), chain.trusted(2), "", bundle.to_bytes(steps[1]))
    assert [report.proven for report in kept.audit("a")] == [False]


def test_half_of_a_surrogate_pair_is_refused(path, chain):
    """JSON can write it, and no file can hold it."""
    state = bundle.trusted_to_dict(chain.before)
    for field, call in (
        ("trusted.chain_id", lambda: TrustStore(path).add("a", state | {"chain_id": "\ud800"})),
        ("note", lambda: TrustStore(path).add("a", state, note="\udfff")),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.field == field
    assert TrustStore(path).list() == ()
