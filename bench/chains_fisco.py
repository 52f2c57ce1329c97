"""Entries of FISCO BCOS 3.x for `python -m bench.chains`: a block of each kind of chain, every transaction with its own
key, in Tars."""

from __future__ import annotations

import numpy as np

import pycore
from bench.chains import Entry
from pycore import ledgers
from pycore.testing.fisco import FiscoChain


def entries(n: int) -> list[Entry]:
    """The block of a national-crypto chain and that of a standard one, each without its receipts and with them."""
    return [entry(hash, n, receipts=receipts) for hash in ("sm3", "keccak256") for receipts in (False, True)]


def entry(hash: str, n: int, *, receipts: bool) -> Entry:
    """A block of n transactions. Receipts are as much data again, all of which is hashed, and have no signatures."""
    chain = FiscoChain(seed=1, hash=hash)
    block = chain.block(1, transactions=n, receipts=receipts)
    context = chain.context(1, chain.genesis_hash)
    ledger = ledgers.get("fisco-bcos")
    signatures = np.array([np.frombuffer(tx["signature"], np.uint8) for tx in block.transactions])
    hashes = block.tx_hashes

    def whole() -> None:
        report = ledger.validate_block(block.data, context)
        assert report.valid, report.failed
        assert report.complete == receipts, report.skipped

    def sm2() -> None:
        pycore.verify_batch("sm2", signatures[:, 64:], signatures[:, :64], hashes).raise_if_invalid()

    def recover() -> None:
        pycore.recover_batch("ecdsa-secp256k1", signatures, hashes)[1].raise_if_invalid()

    name = f"3.x, {'SM2' if hash == 'sm3' else 'secp256k1'}{', with receipts' if receipts else ''}"
    return Entry("fisco-bcos", name, n, whole, sm2 if hash == "sm3" else recover, target=0.6)
