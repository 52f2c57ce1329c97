"""Whole ChainMaker blocks: every check, in process; next to it, the bare signatures of such a block by peers."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from bench.peers import SIGNATURE_PEERS, PeerMissingError, SignatureTask
from pycore import ledgers
from pycore.testing import generate_ledger, generate_signatures

from .conftest import Measure

SCHEMES = {"sm2": "sm2", "p256": "ecdsa-p256"}
PEERS = [("sm2", "OpenSSL"), ("sm2", "gmssl-pyx"), ("p256", "cryptography, keys loaded")]


@cache
def block(suite: str, txs: int) -> tuple[bytes, Any]:
    ledger = generate_ledger(blocks=1, txs_per_block=txs, suite=suite, signers=min(txs, 100), seed=1)
    return ledger.block_info(0), ledger.context_for(0).replace(rw_sets=None)


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_validate_block(measure: Measure, backend: str, suite: str, size: int) -> None:
    data, context = block(suite, size)
    ledger = ledgers.get("chainmaker")

    def run() -> Any:
        return ledger.validate_block(data, context)

    report = measure(run, size, f"block {suite} n={size}", by="pycore, every check", backend=backend)
    assert report.valid
    assert report.complete


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_block_digests(measure: Measure, backend: str, suite: str, size: int) -> None:
    """Hashes and roots only."""
    data, context = block(suite, size)
    ledger = ledgers.get("chainmaker")

    def run() -> Any:
        return ledger.block_digests(data, hash=context.hash)

    digests = measure(run, size, f"block digests {suite} n={size}", by="pycore", backend=backend)
    assert len(digests["tx_hashes"]) == size


@pytest.mark.parametrize(("suite", "peer"), PEERS)
def test_peer_signatures_only(measure: Measure, suite: str, peer: str, size: int) -> None:
    """The time of a peer for as many bare signatures as such a block has; parsing, hashing and certificates are not
    counted."""
    data, context = block(suite, size)
    count = ledgers.get("chainmaker").validate_block(data, context).counts["signatures"]
    columns = generate_signatures(SCHEMES[suite], count, signers=100, message_size=300, seed=1)
    try:
        task = SignatureTask(SCHEMES[suite], *([row.tobytes() for row in column] for column in columns))
        prepared = SIGNATURE_PEERS[SCHEMES[suite]][peer](task)
    except (PeerMissingError, ImportError) as error:
        pytest.skip(str(error))
    group = f"block {suite} n={size}"
    assert measure(prepared.run, size, group, by=f"{prepared.version}, {count} signatures only") == count
