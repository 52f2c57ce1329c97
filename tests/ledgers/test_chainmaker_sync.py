"""Blocks of quick synchronisation: with the read and write sets of their transactions, and the DAG that follows."""

from __future__ import annotations

import pytest

import pycore
from pycore import Verdict, ledgers
from pycore.ledgers.chainmaker import dag, messages
from pycore.testing import generate_ledger

LEDGER = ledgers.get("chainmaker")
RULES = ("strict", "compatible")
SEALED = {"block_hash", "proposer_signature", "votes", "quorum", "tx_root", "rw_set_root", "dag_hash"}
"""What a changed block fails as a whole, besides what is looked for."""


@pytest.fixture(scope="module")
def made():
    ledger = generate_ledger(blocks=1, txs_per_block=40, suite="p256", signers=4, seed=5)
    return ledger.block_info(0), ledger.context_for(0).replace(rw_sets=None, rebuild_dag=True)


def changed(made, rules, change, **context):
    """The checks that fail after a change, less those that any change fails; and the report."""
    data, known = made
    info = messages.BlockInfo.FromString(data)
    change(info)
    report = LEDGER.validate_block(info.SerializeToString(), known.replace(rules=rules, **context))
    return {check.name for check in report.failed} - SEALED, report


@pytest.mark.parametrize("rules", RULES)
def test_every_check_of_such_a_block(made, rules):
    _, report = changed(made, rules, lambda info: None)
    assert report.valid
    assert report.complete
    assert report.check("rw_sets").ok
    assert report.check("dag_rebuilt").ok


@pytest.mark.parametrize("rules", RULES)
def test_signatures_are_verified_although_quick_synchronisation_skips_them(made, rules):
    """As read, a node that syncs quickly trusts the certificate for them. Nothing unchecked is valid here."""

    def spoil(info):
        info.block.txs[3].sender.signature = info.block.txs[4].sender.signature

    failed, report = changed(made, rules, spoil)
    assert failed == {"transactions"}
    assert [(fault.index, fault.verdict) for fault in report.faults] == [(3, Verdict.BAD_SIGNATURE)]


def swap(info):
    first, second = (messages.TxRWSet.FromString(info.rwset_list[i].SerializeToString()) for i in (5, 6))
    info.rwset_list[5].CopyFrom(second)
    info.rwset_list[6].CopyFrom(first)


def rename(info):
    """The set of another transaction, under this one's name, in the result as well."""
    info.rwset_list[5].CopyFrom(info.rwset_list[6])
    info.block.txs[5].result.rw_set_hash = info.block.txs[6].result.rw_set_hash


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    ("change", "indexes"),
    [
        (swap, [5, 6]),
        (rename, [5]),
        (lambda info: info.rwset_list[5].ClearField("tx_id"), [5]),
        (lambda info: info.rwset_list[5].tx_writes.add(key=b"k", value=b"v"), [5]),
        (lambda info: setattr(info.rwset_list[39].tx_writes[0], "value", b"other"), [39]),
        (lambda info: info.rwset_list[0].tx_reads[0].ClearField("contract_name"), [0]),
    ],
)
def test_sets_that_are_not_those_of_the_results(made, change, indexes, rules):
    failed, report = changed(made, rules, change, rebuild_dag=False)
    assert failed == {"rw_sets", "transactions"}
    assert report.check("rw_sets").got == f"{len(indexes)} differ"
    assert [(fault.index, fault.verdict) for fault in report.faults] == [(i, Verdict.BAD_DIGEST) for i in indexes]


@pytest.mark.parametrize("rules", RULES)
def test_one_set_per_transaction(made, rules):
    for change in (lambda info: info.rwset_list.pop(), lambda info: info.rwset_list.add(tx_id="x")):
        failed, report = changed(made, rules, change)
        assert failed == {"rw_sets"}
        assert report.check("dag_rebuilt").ok is None  # nothing to rebuild it from


@pytest.mark.parametrize("rules", RULES)
def test_without_sets_their_hashes_and_the_dag_stay_open(made, rules):
    failed, report = changed(made, rules, lambda info: info.ClearField("rwset_list"))
    assert failed == set()
    assert {check.name for check in report.skipped} == {"rw_sets", "dag_rebuilt"}
    assert all(check.detail for check in report.skipped)


# ---- the DAG, on demand ----------------------------------------------------------------------------------------------


def edges_of(info):
    return [list(vertex.neighbors) for vertex in info.block.dag.vertexes]


def without_an_edge(info):
    at = next(i for i, row in enumerate(edges_of(info)) if row)
    del info.block.dag.vertexes[at].neighbors[-1]


def with_an_edge_more(info):
    at = next(i for i, row in enumerate(edges_of(info)) if i and not row)
    info.block.dag.vertexes[at].neighbors.append(0)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("change", [without_an_edge, with_an_edge_more])
def test_another_dag_is_sound_and_not_the_one_of_the_sets(made, change, rules):
    """A node takes it, for it does not compare; so the comparison is made where the context asks for it."""
    failed, report = changed(made, rules, change)
    assert failed == {"dag_rebuilt"}
    assert report.check("dag").ok
    assert report.check("dag_rebuilt").detail.startswith("vertex ")
    failed, report = changed(made, rules, change, rebuild_dag=False)
    assert failed == set()
    assert "dag_rebuilt" not in {check.name for check in report}


def test_a_dag_that_breaks_its_rule_is_not_rebuilt(made):
    def backwards(info):
        info.block.dag.vertexes[2].neighbors.append(7)

    failed, report = changed(made, "strict", backwards)
    assert failed == {"dag", "dag_rebuilt"}
    assert report.check("dag_rebuilt").got == report.check("dag").got


def test_what_is_too_much_to_rebuild(made, monkeypatch):
    monkeypatch.setattr(dag, "REBUILD_LIMIT", 39)
    check = changed(made, "strict", lambda info: None)[1].check("dag_rebuilt")
    assert (check.ok, check.got, check.wanted) == (None, 40, 39)


def sets(*transactions):
    """Read and write sets from texts such as "r:ab w:c"."""
    found = []
    for text in transactions:
        one = messages.TxRWSet()
        for part in text.split():
            field = one.tx_reads if part[0] == "r" else one.tx_writes
            for key in part[2:]:
                field.add(key=key.encode())
        found.append(one)
    return found


@pytest.mark.parametrize(
    ("transactions", "edges"),
    [
        (["w:a", "w:a", "w:a"], [[], [0], [1]]),  # write after write
        (["w:a", "r:a", "w:a"], [[], [0], [1]]),  # read after write, write after read; 0 is implied by 1
        (["r:a", "r:a", "w:a"], [[], [], [0, 1]]),
        (["r:a", "r:a", "w:a", "w:a"], [[], [], [0, 1], [0, 1, 2]]),  # readers come before the writer, newest first
        (["w:a", "w:b", "r:ab"], [[], [], [0, 1]]),
        (["w:a", "r:a w:b", "r:ab"], [[], [0], [0, 1]]),  # reads in their order: a's writer is found before b's
        (["w:a", "r:a w:b", "r:ba"], [[], [0], [1]]),  # the other order finds all of it through b
        (["r:a", "r:a w:a", "r:a w:a"], [[], [0], [1]]),
        (["w:a", "w:a", "r:a"], [[], [0], [1]]),  # the last earlier writer, no other
        (["", "", "w:a"], [[], [], []]),
        (["r:aa w:aa", "r:a w:a"], [[], [0]]),  # a key named twice
    ],
)
def test_edges_by_hand(transactions, edges):
    assert dag.build(sets(*transactions)) == edges


def test_keys_are_compared_without_their_contract():
    one, other = sets("w:a", "w:a")
    one.tx_writes[0].contract_name, other.tx_writes[0].contract_name = "A", "B"
    assert dag.build([one, other]) == [[], [0]]


def as_read(rw_sets):
    """BuildDAG step by step: every earlier reader, newest first, and then the last earlier writer of each key."""
    reach, found = [], []
    for i, rw_set in enumerate(rw_sets):
        mine, direct = {i}, []
        wanted = []
        for item in rw_set.tx_reads:
            writers = [j for j in range(i) if any(w.key == item.key for w in rw_sets[j].tx_writes)]
            wanted += writers[-1:]
        for item in rw_set.tx_writes:
            wanted += [j for j in range(i - 1, -1, -1) if any(r.key == item.key for r in rw_sets[j].tx_reads)]
            wanted += [j for j in range(i) if any(w.key == item.key for w in rw_sets[j].tx_writes)][-1:]
        for j in wanted:
            if j not in mine:
                direct.append(j)
                mine |= reach[j]
        reach.append(mine)
        found.append(sorted(direct))
    return found


def test_edges_are_those_of_the_chain_s_loop(rng):
    for _ in range(300):
        letters = "abcdefgh"[: rng.randint(1, 8)]
        texts = []
        for _ in range(rng.randint(1, 30)):
            keys = ["".join(rng.choices(letters, k=rng.randint(0, 3))) for _ in range(2)]
            texts.append(f"r:{keys[0]} w:{keys[1]}")
        made = sets(*texts)
        assert dag.build(made) == as_read(made), texts


def test_edges_are_bounded():
    hot = sets(*["r:a"] * 10, *["w:a"] * 10)
    assert sum(map(len, dag.build(hot))) == 10 * 10 + 9
    with pytest.raises(pycore.InputError) as caught:
        dag.build(hot, most=108)
    assert caught.value.field == "block.dag"
