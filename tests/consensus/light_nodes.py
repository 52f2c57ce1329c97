"""Chains, nodes that can be made to lie, and clients of them, for the tests of the light client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pycore.consensus.light import LightClient, LightClientError, LightOptions
from pycore.consensus.votes import LightBlock
from pycore.ledgers.cometbft import encoding
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


def unsigned(height: int) -> LightBlock:
    """The steady chain's block with signatures that do not verify."""
    block = STEADY.blocks[height]
    slots = tuple(replace(slot, signature=bytes(64)) for slot in block.signed_header.commit.signatures)
    signed = replace(block.signed_header, commit=replace(block.signed_header.commit, signatures=slots))
    return LightBlock.read(encoding.light_block(replace(block, signed_header=signed)), form="wire")


def made_up(height: int) -> LightBlock:
    """The steady chain's header, of other validators, who all sign it."""
    made = resigned(STEADY.blocks[height].signed_header.header, strangers(4))
    return LightBlock.read(encoding.light_block(made), form="wire")
