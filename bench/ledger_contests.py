"""ChainMaker's blocks and transactions, validated whole, against the bare signatures of the same transactions by
ChainMaker's Go code.

The peer is given what a node has when it has parsed a block: keys, signed bytes and signatures, members resolved. Ours
starts from the bytes of the block or the transactions and does all the rest too: parsing, members, hashes, policies.
Both run on one thread and are timed by the wall clock, for the peer is another process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from pycore.identities.x509 import parse_certificate
from pycore.ledgers.chainmaker import LEDGER
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.messages import BlockInfo, Transaction, parse
from pycore.testing import generate_ledger

from . import go_programs
from .entrants import Contestant, Entries, Entry, Plan, picked_backend
from .peers import PeerMissingError

SIGNERS = 100
SUITES = {"sm2": "sm3", "p256": "sha256"}
"""Suite of ``pycore.testing`` -> the hash that its certificates sign with."""
PEERS = {"ChainMaker common": "chainmaker", "tjfoc, Go": "gmsm"}
"""Contestant -> build of bench/go."""
_WINDOW = 0.02  # seconds: a peer works on as many signatures as fill this


def _signature(transaction: Transaction, suite: str, context: ChainContext) -> go_programs.Signature:
    """The sender's, with its key looked up as a node would."""
    info = transaction.sender.signer.member_info
    known = context.certificates.get(info.hex())  # of a member that is named by the hash of its certificate
    key = parse_certificate(known.encode() if known else info).key
    return key.kind, key.data, SUITES[suite], transaction.payload.SerializeToString(), transaction.sender.signature


def _outside_a_block(transaction: Transaction) -> bytes:
    made = Transaction()
    made.CopyFrom(transaction)
    made.ClearField("result")
    return made.SerializeToString()


def _peer(name: str, build: str, signatures: Sequence[go_programs.Signature]) -> Entry:
    try:
        runner = go_programs.Runner(build, signatures)
    except PeerMissingError as error:
        return f"{name}: {error}"
    few = min(8, len(signatures))
    runner(few)
    begin = time.perf_counter()
    runner(few)
    n = max(1, min(len(signatures), int(_WINDOW * few / (time.perf_counter() - begin))))
    version = go_programs.version(build)
    return Contestant(name, n, partial(runner, n), lambda got: got == n, version, own=False, wall=True)


def _entries(suite: str, count: int) -> Entries:
    made = generate_ledger(txs_per_block=count, suite=suite, signers=min(count, SIGNERS), seed=1, endorsed_every=0)
    block, context = made.block_info(0), made.context_for(0).replace(rw_sets=None)
    parsed = parse(BlockInfo, block, "block").block.txs
    loose = [_outside_a_block(one) for one in parsed]
    signatures = [_signature(one, suite, context) for one in parsed]
    backend = picked_backend(signatures[0][0], count)
    whole = partial(LEDGER.validate_block, block, context)
    apart = partial(LEDGER.validate_transactions, loose, context)
    found: Entries = {
        f"block {suite}": Contestant("block", count, whole, lambda got: bool(got.valid), backend, wall=True),
        f"loose {suite}": Contestant("loose", count, apart, lambda got: bool(got.all_valid), backend, wall=True),
    }
    return found | {f"{name} {suite}": _peer(name, build, signatures) for name, build in PEERS.items()}


def _contests(plan: Plan) -> Entries:
    return {name: one for suite in SUITES for name, one in _entries(suite, max(1, plan.signatures // 4)).items()}


GROUPS: dict[str, Callable[[Plan], Entries]] = {"chainmaker": _contests}
