"""Entries of FISCO BCOS 3.x for `python -m bench.chains`: a block of each kind of chain, every transaction with its own
key, in Tars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import pycore
from bench.chains import Entry
from pycore import ledgers
from pycore.testing.fisco import FiscoChain


def entries(n: int) -> list[Entry]:
    """The block of a national-crypto chain and that of a standard one."""
    return [entry("sm3", n), entry("keccak256", n)]


def entry(hash: str, n: int) -> Entry:
    """A block of n transactions."""
    chain = FiscoChain(seed=1, hash=hash)
    block = chain.block(1, transactions=n)
    context = chain.context(1, chain.genesis_hash)
    ledger = ledgers.get("fisco-bcos")
    signatures = np.array([np.frombuffer(tx["signature"], np.uint8) for tx in block.transactions])
    hashes = block.tx_hashes

    def whole() -> None:
        report = ledger.validate_block(block.data, context)
        assert report.valid and report.complete, report.failed

    sm2: Callable[[], object] = lambda: pycore.verify_batch(
        "sm2", signatures[:, 64:], signatures[:, :64], hashes
    ).raise_if_invalid()
    recover: Callable[[], object] = lambda: pycore.recover_batch("ecdsa-secp256k1", signatures, hashes)[
        1
    ].raise_if_invalid()
    name = "3.x, SM2, with receipts" if hash == "sm3" else "3.x, secp256k1, with receipts"
    return Entry("fisco-bcos", name, n, whole, sm2 if hash == "sm3" else recover, target=0.6)
