"""A chain's name that comes with what is to be verified is not copied for each signature."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pycore.consensus.votes import SignedHeader
from pycore.ledgers.cometbft import encoding, signbytes
from pycore.testing.cometbft_light import LightChain

CHAIN = LightChain(heights=3, validators=4, seed=3, transactions=1)


@pytest.mark.parametrize("character", ["c", "\u4e2d", "\U0001f600"])
def test_it_is_cut_where_it_is_too_long(character: str) -> None:
    found = CHAIN.blocks[2].signed_header
    name = character * (100_000 // len(character.encode()))
    usual = [len(one) for one in signbytes.commit("c" * signbytes.MAX_CHAIN_ID, found.commit)]
    assert [len(one) for one in signbytes.commit(name, found.commit)] == [size + 1 for size in usual]
    vote = signbytes.commit("c" * 51, found.commit)
    assert vote != signbytes.commit("c" * 50, found.commit)
    block = replace(found, header=replace(found.header, chain_id=name))
    signed = SignedHeader.read(encoding.signed_header(block), form="wire")
    assert any("chain_id has" in fault for fault in signed.faults)
    assert sum(map(len, signed.certificate.messages)) < 4 * 1000


def test_a_name_that_is_not_too_long_is_signed_whole() -> None:
    found = CHAIN.blocks[2].signed_header.commit
    for name in ("", "x", "c" * 50):
        assert all(name.encode() in one for one in signbytes.commit(name, found))
