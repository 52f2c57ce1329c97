"""The light client as a whole: ways to a header, providers that fail or lie, forks and their evidence, threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pycore.consensus import light_providers
from pycore.consensus.light import (
    AttackDetected,
    FileProvider,
    LightClient,
    LightClientError,
    LightOptions,
    MappingProvider,
    MemoryLightStore,
    ProviderFault,
)
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError, StoreError
from pycore.ledgers.cometbft import encoding, evidence, rpc, wire
from pycore.ledgers.cometbft import messages as cometbft
from pycore.testing import cometbft_json
from pycore.testing.cometbft_light import LightChain, resigned, strangers

SECOND = 10**9
PERIOD = 3600 * SECOND
OPTIONS = LightOptions(PERIOD)
STEADY = LightChain(heights=40, validators=4, seed=11)
MOVING = LightChain(heights=40, validators=6, seed=12, replaced=3)


class Node:
    """A provider whose answers can be replaced, and which notes what it is asked and told."""

    def __init__(self, chain: LightChain) -> None:
        self.blocks: dict[int, Any] = dict(chain.mapping())
        self.asked: list[int] = []
        self.evidence: list[bytes] = []
        self.answer: Callable[[int], Any] | None = None

    def light_block(self, height: int) -> Any:
        self.asked.append(height)
        if self.answer is not None:
            return self.answer(height)
        found = self.blocks.get(height or max(self.blocks))
        return LightBlock.read(found, form="wire") if isinstance(found, bytes) else found

    def report_evidence(self, found: bytes) -> None:
        self.evidence.append(found)


def client(of: LightChain, primary: Any, *witnesses: Any, root: int = 1, **settings: Any) -> LightClient:
    """A client that trusts the chain's block of height `root`."""
    settings = {"options": OPTIONS, "timeout": None, "witnesses_needed": min(1, len(witnesses)), **settings}
    made = LightClient(of.chain_id, primary=primary, witnesses=witnesses, **settings)
    if root:
        other = LightClient(
            of.chain_id, primary=Node(of), witnesses=(), store=made._store, options=settings["options"],
            witnesses_needed=0, timeout=None,
        )  # fmt: skip
        other.initialize(root, of.hash(root), of.now_ns)
    return made


def refused(made: LightClient, height: int, reason: str, now_ns: int) -> LightClientError:
    """The error; what is trusted stays as it is."""
    before = made.heights()
    with pytest.raises(LightClientError) as error:
        made.verify(height, now_ns)
    assert error.value.reason == reason, str(error.value)
    assert made.heights() == before
    return error.value


# ---- ways to a header ------------------------------------------------------------------------------------------------


def test_one_jump_where_the_validators_stay() -> None:
    node = Node(STEADY)
    made = client(STEADY, node, Node(STEADY))
    assert made.verify(40, STEADY.now_ns).hash == STEADY.hash(40)
    assert node.asked == [40]
    assert made.heights() == [1, 40]
    assert made.verify(40, STEADY.now_ns).height == 40  # known: nobody is asked
    assert node.asked == [40]


def test_bisection_where_they_move() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING))
    assert made.verify(40, MOVING.now_ns).hash == MOVING.hash(40)
    assert 5 < len(node.asked) < 40
    assert len(node.asked) == len(set(node.asked))  # nothing is asked for twice
    assert made.heights() == [1, 40]


def test_sequential() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), options=LightOptions(PERIOD, sequential=True))
    assert made.verify(10, MOVING.now_ns).hash == MOVING.hash(10)
    assert sorted(node.asked) == list(range(2, 11))


def test_every_pair_of_heights() -> None:
    """From every trusted height to every other, forwards and backwards."""
    chain = LightChain(heights=9, validators=3, seed=13, replaced=1)
    for root in chain.heights:
        for height in chain.heights:
            made = client(chain, Node(chain), Node(chain), root=root)
            assert made.verify(height, chain.now_ns).hash == chain.hash(height)
            assert made.heights() == sorted({root, height})


def test_between_two_trusted_heights() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), root=10)
    made.verify(30, MOVING.now_ns)
    node.asked.clear()
    assert made.verify(12, MOVING.now_ns).hash == MOVING.hash(12)
    assert set(node.asked) <= {11, 12}
    # The lower one is too old: back from the higher one, by hashes.
    late = MOVING.blocks[12].signed_header.header.time_ns + PERIOD
    node.asked.clear()
    assert made.verify(28, late).hash == MOVING.hash(28)
    assert node.asked == [28, 29]
    assert made.heights() == [10, 12, 28, 30]


def test_backwards() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), root=20)
    assert made.verify(15, MOVING.now_ns).hash == MOVING.hash(15)
    assert node.asked == [15, 19, 18, 17, 16]
    old = MOVING.now_ns + 100 * PERIOD  # hashes do not grow old
    assert made.verify(14, old).hash == MOVING.hash(14)


def test_update() -> None:
    node = Node(STEADY)
    made = client(STEADY, node, Node(STEADY))
    for height in range(20, 41):
        del node.blocks[height]
    assert made.update(STEADY.now_ns).height == 19
    assert made.update(STEADY.now_ns).height == 19
    node.blocks = dict(STEADY.mapping())
    assert made.update(STEADY.now_ns).height == 40
    assert made.heights() == [1, 19, 40]
    latest = made.latest()
    assert latest is not None
    assert latest.hash == STEADY.hash(40)


def test_pruning() -> None:
    made = client(STEADY, Node(STEADY), Node(STEADY), keep=3)
    for height in (5, 10, 15, 20):
        made.verify(height, STEADY.now_ns)
    assert made.heights() == [10, 15, 20]
    assert made.get(5) is None


def test_allowance() -> None:
    made = client(MOVING, Node(MOVING), Node(MOVING), max_blocks=5)
    assert "more than 5 blocks" in str(refused(made, 40, "allowance", MOVING.now_ns))
    back = client(MOVING, Node(MOVING), Node(MOVING), root=20, max_blocks=5)
    refused(back, 10, "allowance", MOVING.now_ns)
    assert back.verify(15, MOVING.now_ns).height == 15


# ---- the first header ------------------------------------------------------------------------------------------------


def test_initialize() -> None:
    made = client(STEADY, Node(STEADY), Node(STEADY), root=0)
    with pytest.raises(LightClientError, match="no_trust"):
        made.verify(5, STEADY.now_ns)
    with pytest.raises(LightClientError, match="no_trust"):
        made.update(STEADY.now_ns)
    assert made.initialize(5, STEADY.hash(5), STEADY.now_ns).height == 5
    assert made.initialize(5, STEADY.hash(5), STEADY.now_ns).height == 5  # again: nothing to do
    for height, hash_ in ((5, STEADY.hash(6)), (6, STEADY.hash(6))):
        with pytest.raises(LightClientError, match="root"):
            made.initialize(height, hash_, STEADY.now_ns)
    assert made.heights() == [5]
    made.reset()
    assert made.latest() is None
    assert made.initialize(6, STEADY.hash(6), STEADY.now_ns).height == 6


def test_initialize_refuses() -> None:
    made = client(STEADY, Node(STEADY), root=0)
    with pytest.raises(LightClientError) as error:
        made.initialize(5, STEADY.hash(6), STEADY.now_ns)
    assert error.value.reason == "provider"
    assert error.value.report is not None
    assert error.value.report.failed[0].name == "root_hash"
    with pytest.raises(LightClientError, match="expired"):
        made.initialize(5, STEADY.hash(5), STEADY.now_ns + PERIOD)
    fork = STEADY.forked(3)
    made = client(STEADY, Node(STEADY), Node(fork), root=0)
    with pytest.raises(LightClientError, match="conflict"):
        made.initialize(5, STEADY.hash(5), STEADY.now_ns)
    made = client(STEADY, Node(fork), Node(STEADY), Node(STEADY), root=0)  # another provider has it
    assert made.initialize(5, STEADY.hash(5), STEADY.now_ns).hash == STEADY.hash(5)
    assert made.primary == "witness 0"
    assert [fault.kind for fault in made.dropped] == ["invalid"]


# ---- time ------------------------------------------------------------------------------------------------------------


def test_expired() -> None:
    made = client(STEADY, Node(STEADY), Node(STEADY))
    expires = STEADY.blocks[1].signed_header.header.time_ns + PERIOD
    error = refused(made, 40, "expired", expires)
    assert error.height == 1
    assert error.report is not None
    assert made.dropped == ()  # that is nobody's fault
    assert made.verify(40, expires - 1).height == 40


def test_expires_on_the_way() -> None:
    """A block that is needed for the next step is too old itself."""
    period = 15 * SECOND
    made = client(MOVING, Node(MOVING), Node(MOVING), root=0, options=LightOptions(period))
    first = MOVING.blocks[1].signed_header.header.time_ns
    made.initialize(1, MOVING.hash(1), first + SECOND)
    error = refused(made, 40, "provider", first + 14 * SECOND)  # it is 25 seconds ahead of that clock
    assert "future" in str(error)
    made = client(MOVING, Node(MOVING), Node(MOVING), root=0, options=LightOptions(period))
    made.initialize(1, MOVING.hash(1), first + SECOND)
    assert made.verify(20, first + 15 * SECOND - 1).height == 20
    refused(made, 40, "expired", MOVING.blocks[20].signed_header.header.time_ns + period)


def test_future_headers_are_refused_and_nobody_is_dropped() -> None:
    """The clock may be the one that is wrong."""
    made = client(STEADY, Node(STEADY), Node(STEADY))
    early = STEADY.blocks[40].signed_header.header.time_ns - OPTIONS.max_clock_drift_ns
    error = refused(made, 40, "provider", early)
    assert error.report is not None
    assert error.report.failed[0].name == "clock_drift"
    assert made.dropped == ()
    assert made.verify(40, early + 1).height == 40


# ---- providers that fail or lie --------------------------------------------------------------------------------------


def raises(height: int) -> Any:
    raise ConnectionError("no route to host")


def other_height(height: int) -> LightBlock:
    return STEADY.block(height - 1)


def other_chain(height: int) -> LightBlock:
    header = STEADY.blocks[height].signed_header.header
    made = resigned(header, STEADY.signers[height], changes={"chain_id": "another"})
    return LightBlock.read(encoding.light_block(made), form="wire")


def other_validators(height: int) -> LightBlock:
    block = STEADY.blocks[height]
    rows = tuple(one.validator for one in strangers(4))
    return LightBlock.read(encoding.light_block(replace(block, validators=cometbft.Validators(rows))), form="wire")


def claims_another_hash(height: int) -> LightBlock:
    """A header object that says it has the hash that its commit is for: the bytes say otherwise."""
    block = other_chain(height)
    return replace(block, signed_header=replace(block.signed_header, chain_id=STEADY.chain_id))


def too_many_validators(height: int) -> LightBlock:
    rows = strangers(51)
    made = resigned(STEADY.blocks[height].signed_header.header, rows)
    return LightBlock.read(encoding.light_block(made), form="wire")


def unsigned(height: int) -> LightBlock:
    block = STEADY.blocks[height]
    slots = tuple(replace(slot, signature=bytes(64)) for slot in block.signed_header.commit.signatures)
    signed = replace(block.signed_header, commit=replace(block.signed_header.commit, signatures=slots))
    return LightBlock.read(encoding.light_block(replace(block, signed_header=signed)), form="wire")


def made_up(height: int) -> LightBlock:
    made = resigned(STEADY.blocks[height].signed_header.header, strangers(4))
    return LightBlock.read(encoding.light_block(made), form="wire")


FAULTS: dict[str, tuple[Callable[[int], Any], str]] = {
    "nothing": (lambda height: None, "missing"),
    "an exception": (raises, "failed"),
    "no light block": (lambda height: {"height": height}, "wrong"),
    "bytes": (STEADY.wire, "wrong"),
    "another height": (other_height, "wrong"),
    "another chain": (other_chain, "wrong"),
    "other validators": (other_validators, "wrong"),
    "another hash": (claims_another_hash, "wrong"),
    "too many validators": (too_many_validators, "wrong"),
    "no signatures": (unsigned, "invalid"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_primary_fails(name: str) -> None:
    """Another provider takes its place; one that lied is dropped. Without another one the error names the fault."""
    answer, kind = FAULTS[name]
    bad = Node(STEADY)
    bad.answer = answer
    made = client(STEADY, bad, Node(STEADY), Node(STEADY), max_validators=50)
    assert made.verify(40, STEADY.now_ns).hash == STEADY.hash(40)
    assert made.primary == "witness 0"
    if kind in ("wrong", "invalid"):
        assert made.witnesses == ("witness 1",)
        assert [(fault.name, fault.kind) for fault in made.dropped] == [("primary", kind)]
    else:
        assert made.witnesses == ("witness 1", "primary")
        assert made.dropped == ()
    alone = client(STEADY, bad, max_validators=50)
    assert f"primary: {kind}" in str(refused(alone, 40, "provider", STEADY.now_ns))


@pytest.mark.parametrize("name", FAULTS)
def test_witness_fails(name: str) -> None:
    """It does not count, and one that lied is dropped; with nobody who agrees the header is not trusted."""
    answer, kind = FAULTS[name]
    bad = Node(STEADY)
    bad.answer = answer
    made = client(STEADY, Node(STEADY), bad, max_validators=50)
    if name == "no signatures":  # it is the same header, which is all that is asked of a witness
        assert made.verify(40, STEADY.now_ns).height == 40
        return
    refused(made, 40, "witness", STEADY.now_ns)
    dropped = ["witness 0"] if kind in ("wrong", "invalid") else []
    assert [fault.name for fault in made.dropped] == dropped
    made = client(STEADY, Node(STEADY), bad, Node(STEADY), max_validators=50)
    assert made.verify(40, STEADY.now_ns).height == 40
    made = client(STEADY, Node(STEADY), bad, Node(STEADY), max_validators=50, witnesses_needed=2)
    refused(made, 40, "witness", STEADY.now_ns)


def test_a_block_that_validators_made_up() -> None:
    """Enough signatures, of nobody who is trusted: there is no way to it, whatever the primary says is between."""
    bad = Node(STEADY)
    bad.answer = lambda height: made_up(height) if height > 1 else STEADY.block(1)
    made = client(STEADY, bad, Node(STEADY), Node(STEADY))
    assert made.verify(40, STEADY.now_ns).hash == STEADY.hash(40)
    assert [fault.kind for fault in made.dropped] == ["invalid"]
    witness = Node(STEADY)
    witness.answer = bad.answer
    made = client(STEADY, Node(STEADY), witness)
    refused(made, 40, "witness", STEADY.now_ns)
    assert [fault.name for fault in made.dropped] == ["witness 0"]


def test_a_missing_pivot() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), Node(MOVING))
    del node.blocks[1 + 39 * 9 // 16]
    assert made.verify(40, MOVING.now_ns).hash == MOVING.hash(40)
    assert (made.primary, made.witnesses) == ("witness 0", ("witness 1", "primary"))


def test_late_answers() -> None:
    """A provider that hangs holds nobody up for longer than its time, and is not asked again while it hangs."""
    opened = threading.Event()
    bad = Node(STEADY)
    bad.answer = lambda height: opened.wait(30) and STEADY.block(height)
    made = client(STEADY, bad, Node(STEADY), Node(STEADY), timeout=0.05)
    try:
        assert made.verify(40, STEADY.now_ns).hash == STEADY.hash(40)
        assert made.primary == "witness 0"
        assert made.witnesses == ("witness 1", "primary")
        assert made.verify(39, STEADY.now_ns).height == 39  # the late one is a witness now, and silent
        assert bad.asked == [40]
    finally:
        opened.set()
    alone = client(STEADY, bad, timeout=5.0)
    assert alone.verify(40, STEADY.now_ns).height == 40


def test_named_faults() -> None:
    source = light_providers.Source(
        Node(STEADY), "node", chain_id=STEADY.chain_id, chain="cometbft", timeout=None, max_validators=10
    )
    with pytest.raises(ProviderFault, match="node: missing, height 99: no such block"):
        source.ask(99)
    assert source.ask(0).height == 40
    assert not ProviderFault("node", "late", "").lied
    assert ProviderFault("node", "wrong", "").lied
    with pytest.raises(InputError, match="light_block"):
        LightClient("chain", primary=object(), options=OPTIONS, witnesses_needed=0)  # type: ignore[arg-type]


# ---- forks -----------------------------------------------------------------------------------------------------------


def attack_of(data: bytes) -> cometbft.LightClientAttack:
    found = wire.evidence(data)
    assert isinstance(found, cometbft.LightClientAttack)
    return found


@pytest.mark.parametrize("chain", [STEADY, MOVING], ids=["steady", "moving"])
@pytest.mark.parametrize("kind", ["equivocation", "amnesia", "lunatic"])
def test_forks(chain: LightChain, kind: str) -> None:
    """Whoever is right: nothing is trusted, and each side is told of the evidence against the other."""
    fork = chain.forked(30, kind)
    for ours, theirs in ((chain, fork), (fork, chain)):
        primary, witness = Node(ours), Node(theirs)
        made = client(chain, primary, witness, root=28)
        with pytest.raises(AttackDetected) as error:
            made.verify(40, chain.now_ns)
        assert error.value.reason == "attack"
        assert made.heights() == [28]
        found = error.value.evidence
        assert set(found) == {"primary", "witness 0"}
        assert witness.evidence == [found["primary"]]
        assert primary.evidence == [found["witness 0"]]
        against = attack_of(found["primary"])
        height = against.conflicting.signed_header.header.height
        assert against.conflicting == ours.blocks[height]
        assert evidence.kind_of(against.conflicting.signed_header, theirs.blocks[height].signed_header) == kind
        if kind == "lunatic":
            assert 28 <= against.common_height < 30
        else:
            assert against.common_height == height
        voters = {slot.address for slot in against.conflicting.signed_header.commit.signatures}
        named = {one.address for one in against.byzantine}
        assert named <= voters
        assert bool(named) == (kind != "amnesia")


def test_a_fork_between_witnesses() -> None:
    """One of three witnesses is on another chain: that is enough."""
    made = client(STEADY, Node(STEADY), Node(STEADY), Node(STEADY.forked(30)), Node(STEADY))
    with pytest.raises(AttackDetected) as error:
        made.verify(40, STEADY.now_ns)
    assert set(error.value.evidence) == {"primary", "witness 1"}
    assert made.verify(29, STEADY.now_ns).height == 29  # below the fork all agree


def test_a_witness_that_contradicts_and_falls_silent() -> None:
    """Nothing is trusted in this call; the witness is dropped, so that it holds up no other."""
    witness = Node(STEADY)
    fork = STEADY.forked(30)
    witness.answer = lambda height: fork.block(height) if height == 40 else None
    made = client(STEADY, Node(STEADY), witness, Node(STEADY))
    assert "witness 0" in str(refused(made, 40, "conflict", STEADY.now_ns))
    assert [fault.name for fault in made.dropped] == ["witness 0"]
    assert made.verify(40, STEADY.now_ns).height == 40


def test_a_primary_that_does_not_defend_itself() -> None:
    fork = STEADY.forked(30)
    primary = Node(fork)
    primary.answer = lambda height: fork.block(height) if height == 40 else None
    made = client(STEADY, primary, Node(STEADY))
    with pytest.raises(AttackDetected) as error:
        made.verify(40, STEADY.now_ns)
    assert set(error.value.evidence) == {"primary"}


def test_a_header_of_the_future_of_the_chain() -> None:
    """A block above all that witnesses have, at a time at which they would have it: made up (forward lunatic)."""
    fork = STEADY.forked(31, "lunatic")
    witness = Node(STEADY)
    for height in range(33, 41):
        del witness.blocks[height]
    late = resigned(
        STEADY.blocks[32].signed_header.header, STEADY.signers[32],
        changes={"time_ns": fork.blocks[40].signed_header.header.time_ns + SECOND},
    )  # fmt: skip
    witness.blocks[32] = encoding.light_block(late)
    primary = Node(fork)
    made = client(STEADY, primary, witness)
    with pytest.raises(AttackDetected) as error:
        made.verify(40, STEADY.now_ns)
    against = attack_of(error.value.evidence["primary"])
    assert against.conflicting == fork.blocks[40]
    assert against.common_height == 1
    # A witness that is merely behind is silent.
    behind = Node(STEADY)
    for height in range(33, 41):
        del behind.blocks[height]
    made = client(STEADY, Node(STEADY), behind)
    assert "its last block is 32" in str(refused(made, 40, "witness", STEADY.now_ns))
    assert made.dropped == ()
    made = client(STEADY, Node(STEADY), behind, Node(STEADY))
    assert made.verify(40, STEADY.now_ns).height == 40


def test_a_witness_that_catches_up() -> None:
    """It does not have the block at first, and its latest one is that or a later one when it is asked."""
    for latest in (38, 40):
        witness, asked = Node(STEADY), []

        def answer(height: int, latest: int = latest, asked: list[int] = asked) -> LightBlock | None:
            asked.append(height)
            return None if asked == [38] else STEADY.block(height or latest)

        witness.answer = answer
        made = client(STEADY, Node(STEADY), witness)
        assert made.verify(38, STEADY.now_ns).height == 38


def test_backwards_a_fork_is_no_match_for_hashes() -> None:
    made = client(STEADY, Node(STEADY.forked(5)), Node(STEADY), root=20)
    assert made.verify(10, STEADY.now_ns).hash == STEADY.hash(10)
    assert [(fault.name, fault.kind) for fault in made.dropped] == [("primary", "invalid")]
    alone = client(STEADY, Node(STEADY.forked(5)), root=20)
    refused(alone, 10, "provider", STEADY.now_ns)


def test_backwards_the_commit_is_verified_as_well() -> None:
    """The header is proven by its hash; what is stored with it must be right too."""
    bad = Node(STEADY)
    bad.answer = lambda height: unsigned(height) if height == 10 else STEADY.block(height)
    made = client(STEADY, bad, root=20)
    assert "its commit" in str(refused(made, 10, "provider", STEADY.now_ns))


# ---- what is stored --------------------------------------------------------------------------------------------------


def test_a_store_with_a_block_that_nobody_signed() -> None:
    store = MemoryLightStore()
    store.save(made_up(20))
    store._blocks[20] = unsigned(20)
    made = LightClient(STEADY.chain_id, primary=Node(STEADY), witnesses=[Node(STEADY)], store=store, options=OPTIONS)
    with pytest.raises(StoreError, match="height 20"):
        made.verify(40, STEADY.now_ns)
    other = LightClient("another", primary=Node(STEADY), witnesses=[Node(STEADY)], store=store, options=OPTIONS)
    with pytest.raises(StoreError, match="height 20"):
        other.verify(40, STEADY.now_ns)


# ---- threads ---------------------------------------------------------------------------------------------------------


def test_threads() -> None:
    """Many threads ask for many heights of one client: each gets the chain's block."""
    made = client(MOVING, Node(MOVING), Node(MOVING), root=20, timeout=10.0)
    wrong: list[Any] = []

    def run(heights: list[int]) -> None:
        for height in heights:
            try:
                if made.verify(height, MOVING.now_ns).hash != MOVING.hash(height):
                    wrong.append(height)
                made.heights(), made.latest(), made.get(height)
            except Exception as error:  # noqa: PERF203 - any error is one too many
                wrong.append(error)

    threads = [threading.Thread(target=run, args=([12 + i, 40 - i, 30 - i],)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(made.heights()) == len({20, *(h for i in range(6) for h in (12 + i, 40 - i, 30 - i))})


# ---- providers -------------------------------------------------------------------------------------------------------


def test_file_provider(tmp_path: Path) -> None:
    """Answers as files, in each of the ways, are one chain."""
    chain = LightChain(heights=6, validators=5, seed=14, replaced=1)
    for height in chain.heights:
        block = chain.blocks[height]
        if height % 3 == 0:
            (tmp_path / f"{height}.bin").write_bytes(chain.wire(height))
        elif height % 3 == 1:
            (tmp_path / f"{height}.json").write_text(json.dumps(cometbft_json.light_block(block)), encoding="utf-8")
        else:
            commit = cometbft_json.commit_answer(block.signed_header)
            (tmp_path / f"commit-{height}.json").write_text(commit, encoding="utf-8")
            pages = cometbft_json.validators_answers(block.validators.validators, height, per_page=2)
            assert len(pages) == 3
            for i, page in enumerate(pages, 1):
                name = f"validators-{height}.json" if i == 1 else f"validators-{height}-{i}.json"
                (tmp_path / name).write_text(page, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("other files are no blocks", encoding="utf-8")
    provider = FileProvider(tmp_path)
    assert provider.latest() == 6
    for height in chain.heights:
        found = provider.light_block(height)
        assert found is not None
        assert found.to_bytes() == chain.wire(height)
    made = client(chain, provider, MappingProvider(chain.mapping()))
    assert made.update(chain.now_ns).hash == chain.hash(6)
    assert provider.light_block(7) is None
    (tmp_path / "validators-5-3.json").unlink()
    with pytest.raises(InputError):
        provider.light_block(5)
    (tmp_path / "validators-5.json").unlink()
    assert provider.light_block(5) is None


def test_file_provider_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_providers, "MAX_FILE", 100)
    (tmp_path / "5.json").write_bytes(b" " * 101)
    with pytest.raises(InputError, match="101 bytes"):
        FileProvider(tmp_path).light_block(5)
    made = client(STEADY, FileProvider(tmp_path))
    assert "primary: wrong" in str(refused(made, 5, "provider", STEADY.now_ns))
    missing = client(STEADY, FileProvider(tmp_path / "nowhere"))
    with pytest.raises(LightClientError, match="primary: failed"):
        missing.update(STEADY.now_ns)


def test_mapping_provider() -> None:
    texts = {height: cometbft_json.light_block(STEADY.blocks[height]) for height in (1, 2)}
    provider = MappingProvider(texts, form="rpc")
    found = provider.light_block(0)
    assert found is not None
    assert found.to_bytes() == STEADY.wire(2)
    assert provider.light_block(3) is None
    assert MappingProvider({}).light_block(0) is None
    assert rpc.light_block(texts[1]) == STEADY.blocks[1]


# ---- malformed calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "field"), [
    ({"options": None}, "options"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": float("inf")}, "timeout"),
    ({"witnesses_needed": -1}, "witnesses_needed"),
    ({"witnesses_needed": 2}, "witnesses"),
    ({"keep": -1}, "keep"),
    ({"max_blocks": 0}, "max_blocks"),
    ({"max_validators": 0}, "max_validators"),
    ({"chain": "nothing"}, "chain"),
])  # fmt: skip
def test_settings_are_checked(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as error:
        client(STEADY, Node(STEADY), Node(STEADY), root=0, **settings)
    assert error.value.field == field


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="chain_id"):
        LightClient("", primary=Node(STEADY), options=OPTIONS, witnesses_needed=0)
    made = client(STEADY, Node(STEADY), Node(STEADY))
    for height in (0, -1, 1 << 62, "5", 5.0, True):
        with pytest.raises(InputError, match="height"):
            made.verify(height, STEADY.now_ns)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="now_ns"):
        made.verify(5, 5.5)  # type: ignore[arg-type]
    for hash_ in (b"", b"short", "00" * 32):
        with pytest.raises(InputError, match="hash"):
            made.initialize(5, hash_, STEADY.now_ns)  # type: ignore[arg-type]
