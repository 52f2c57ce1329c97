"""Providers of light blocks: in files and in memory, and those that fail, lie or are late."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import light_differential
import pytest
from light_nodes import MOVING, OPTIONS, STEADY, Node, client, made_up, refused, unsigned

from pycore.consensus import light_providers
from pycore.consensus.light import (
    FileProvider,
    LightClient,
    LightClientError,
    MappingProvider,
    ProviderFault,
)
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, rpc
from pycore.ledgers.cometbft import messages as cometbft
from pycore.testing import cometbft_json
from pycore.testing.cometbft_light import LightChain, resigned, strangers

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


@pytest.mark.parametrize("height", [1 << 62, (1 << 63) - 1])
def test_a_latest_block_that_nobody_can_be_asked_for(height: int) -> None:
    """Nothing about the latest block is trusted yet, so anybody can make one; its provider is replaced."""
    bad = Node(STEADY)
    signers = strangers(4)
    made_of = resigned(STEADY.blocks[40].signed_header.header, signers, changes={"height": height})
    block = LightBlock.read(encoding.light_block(made_of), form="wire")
    assert block.height == height
    bad.answer = lambda asked: STEADY.block(1) if asked == 1 else block
    made = client(STEADY, bad, Node(STEADY), Node(STEADY))
    assert made.update(STEADY.now_ns).height == max(STEADY.blocks)
    assert [fault.kind for fault in made.dropped] == ["wrong"]


def test_nobody_is_a_witness_of_himself() -> None:
    """A provider that is there twice would count as two who agree."""
    primary, witness = Node(STEADY), Node(STEADY)
    for given in ([primary], [witness, witness], [witness, primary]):
        with pytest.raises(InputError, match="one provider twice"):
            LightClient(STEADY.chain_id, primary=primary, witnesses=given, options=OPTIONS, witnesses_needed=len(given))


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
    made = client(STEADY, bad, Node(STEADY), Node(STEADY), timeout=1.5)  # or a busy machine makes the others late
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


# ---- anything at all -------------------------------------------------------------------------------------------------


class Adversary:
    """Answers with the chain's blocks, those of forks, changed ones, none, or an exception, as it comes."""

    def __init__(self, chain: LightChain, forks: list[LightChain], rng: random.Random) -> None:
        self._chain, self._forks, self._rng = chain, forks, rng
        self._honesty, self._loyalty = rng.choice([0.0, 0.5, 0.9]), rng.choice([0.2, 0.95])
        self._fork = rng.choice(forks)

    def light_block(self, height: int) -> Any:
        rng, chain = self._rng, self._chain
        height = height or rng.choice(chain.heights)
        if height not in chain.blocks:
            return None
        if rng.random() < self._honesty:
            return chain.block(height)
        if rng.random() < self._loyalty:
            return self._fork.block(height)
        what = rng.randrange(6)
        if what < 2:
            return rng.choice(self._forks).block(height)
        if what == 2:
            return chain.block(rng.choice(chain.heights))
        if what == 3:
            raise TimeoutError("gone")
        if what == 4:
            return None
        draft = light_differential.Draft(rng, chain, height)
        for _ in range(rng.randrange(1, 3)):
            rng.choice(light_differential.CHANGES)(draft)
        return LightBlock.read(draft.wire(), form="wire")


@pytest.mark.parametrize("moving", [False, True])
def test_whatever_a_primary_says_one_honest_witness_is_enough(moving: bool, rng: random.Random) -> None:
    """Nothing but the chain's own headers is ever trusted, whoever else lies along with the primary."""
    chain = LightChain(heights=12, validators=5, seed=15, replaced=2 if moving else 0)
    forks = [chain.forked(at, kind) for at, kind in ((4, "equivocation"), (6, "lunatic"), (9, "amnesia"))]
    trusted, reasons = 0, Counter[str]()
    for _ in range(25):
        liars = [Adversary(chain, forks, random.Random(rng.random())) for _ in range(2)]
        others = rng.sample([Node(chain), liars[1]], 2)
        made = client(chain, liars[0], *others, root=rng.choice(chain.heights), keep=0)
        for _ in range(6):
            try:
                made.verify(rng.choice(chain.heights), chain.now_ns)
            except LightClientError as error:  # noqa: PERF203 - most calls end so
                reasons[error.reason] += 1
        for height in made.heights():
            found = made.get(height)
            assert found is not None
            assert found.hash == chain.hash(height)
            trusted += 1
    assert trusted > 50
    assert reasons["attack"] > 10
    print(f"{trusted} headers trusted, refused: {dict(reasons)}")


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
