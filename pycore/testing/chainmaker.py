"""Blocks of a made-up ChainMaker 2.3 chain: certificate or key mode, TBFT or MaxBFT. Test data only.

A block made here passes every check of ``pycore.ledgers`` in ``strict`` rules, except that the transactions of a
tampering plan are spoilt *before* hashes and roots are taken: such a block is intact as a block and has exactly those
transactions invalid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import pycore
from pycore._pb.ledgers.chainmaker.v1 import block_pb2, consensus_pb2, transaction_pb2

from . import _deterministic
from ._sign import der_signature, sign
from .certificates import SUITES, Identity, Suite
from .consortium import CHAIN_ID, FIRST_TIMESTAMP, Consortium
from .parameters import LedgerParameters
from .tampering import Tampering

BLOCK_VERSION = 2030700  # protocol 2.3.7: transactions have a payer, gas is left out of transaction hashes
FIRST_HEIGHT = 1
SECONDS_PER_BLOCK = 2
CONTRACT = "pycore_test_ledger"
TBFT_KEY = "TBFTAddtionalDataKey"  # the chain's spelling
MAXBFT_KEY = "maxbftQC"
MAXBFT = 3  # ConsensusType
EPOCH = 1


@dataclass(frozen=True, slots=True)
class BuiltBlock:
    """A serialized block, its hash, and the serialized read/write set of each of its transactions."""

    data: bytes
    block_hash: bytes
    rw_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A contract event to put out; `contract` "": that of the call."""

    topic: str
    data: tuple[str, ...]
    contract: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction's call of a contract and what came of it, in place of the made-up one.

    Attributes:
        contract, method, parameters: of the call.
        events: what the contracts put out.
        code: the transaction's result code, of which 0 is success; the contract's own result is 1 where it is not 0.
    """

    contract: str
    method: str
    parameters: tuple[tuple[str, bytes], ...]
    events: tuple[Event, ...] = ()
    code: int = 0


Script = Callable[[int, int], "Call | None"]
"""The call of transaction i of block number `index`; None: the made-up one."""


@dataclass(slots=True)
class _Job:
    """One signature to make: who signs, and where the DER bytes go."""

    signer: Identity
    message: bytes
    entry: transaction_pb2.EndorsementEntry
    tampering: str = ""


class BlockBuilder:
    """Builds any block of the chain from its number and the previous block's hash; keeps nothing between calls."""

    def __init__(self, made: LedgerParameters, script: Script | None = None) -> None:
        self.script = script
        self.suite = SUITES[made.suite]
        self.txs_per_block = made.txs_per_block
        self.seed = made.seed
        self.endorsed_every = made.endorsed_every
        self.consensus = made.consensus
        self.events = made.events
        self.consortium = Consortium(
            self.suite,
            authentication=made.authentication,
            organisations=made.organisations,
            signers=made.signers,
            seed=made.seed,
        )
        people = self.consortium
        self._members = {
            (who.name, by_hash): people.member(who, by_hash=by_hash)
            for who in (*people.validators, *people.admins, *people.clients)
            for by_hash in (False, True)
        }
        self.genesis_hash = self._hash([_deterministic.stream(self.seed, "genesis", size=32)])[0]

    def build(self, index: int, previous_hash: bytes, tampered: dict[int, Tampering]) -> BuiltBlock:
        """Block number `index` (from 0). `tampered` says which transactions to spoil, by position."""
        block = block_pb2.Block()
        rw_sets, neighbours = self._executed(index)
        self._transactions(block, index, rw_sets, tampered)
        # hashed before gas is filled in: from block version 2300 on, a transaction's hash leaves gas out
        hashes = self._hash([tx.SerializeToString(deterministic=True) for tx in block.txs])
        for i, tx in enumerate(block.txs):
            tx.result.contract_result.gas_used = 1000 + (index * 31 + i) % 977
        for row in neighbours:
            block.dag.vertexes.add().neighbors.extend(row)
        header = block.header
        header.block_version = BLOCK_VERSION
        header.chain_id = CHAIN_ID
        header.block_height = FIRST_HEIGHT + index
        header.pre_block_hash = previous_hash
        header.tx_count = len(block.txs)
        header.tx_root = self._root(hashes)
        header.dag_hash = self._hash([block.dag.SerializeToString(deterministic=True)])[0]
        header.rw_set_root = self._root([tx.result.rw_set_hash for tx in block.txs])
        header.block_timestamp = self._timestamp(index)
        if self.consensus == "maxbft":
            arguments = consensus_pb2.BlockHeaderConsensusArgs(consensus_type=MAXBFT, view=_view(index))
            header.consensus_args = arguments.SerializeToString(deterministic=True)
        proposer = self.consortium.proposer(FIRST_HEIGHT + index)
        header.proposer.CopyFrom(self._members[proposer.name, False])
        # block_hash and signature are not set yet: these are the bytes that are hashed
        header.block_hash = self._hash([header.SerializeToString(deterministic=True)])[0]
        header.signature = self._sign([proposer], [header.block_hash])[0]
        if self.consensus == "tbft":
            block.additional_data.extra_data[TBFT_KEY] = self._tbft_certificate(index, header.block_hash)
        else:
            block.additional_data.extra_data[MAXBFT_KEY] = self._maxbft_certificate(index, header.block_hash)
        return BuiltBlock(block.SerializeToString(deterministic=True), header.block_hash, tuple(rw_sets))

    # ---- transactions ------------------------------------------------------------------------------------------------

    def _transactions(
        self, block: block_pb2.Block, index: int, rw_sets: Sequence[bytes], tampered: dict[int, Tampering]
    ) -> None:
        count = self.txs_per_block
        people = self.consortium
        picks = _deterministic.integers(self.seed, "pick", index, count=count, below=2**32)
        rw_hashes = self._hash(rw_sets)
        jobs: list[_Job] = []
        for i, (tx_id, pick) in enumerate(zip(self._tx_ids(index), picks, strict=True)):
            kind = tampered[i].kind if i in tampered else ""
            tx = block.txs.add()
            sender = people.clients[pick % len(people.clients)]
            by_hash = kind == "unknown-certificate-hash" or (kind != "foreign-certificate" and pick >> 16 & 1 == 1)
            call = None if self.script is None else self.script(index, i)
            self._payload(tx.payload, index, i, tx_id, pick, call)
            message = tx.payload.SerializeToString(deterministic=True)
            tx.sender.signer.CopyFrom(self._members[sender.name, by_hash])
            jobs.append(_Job(self._spoil_sender(tx, sender, kind), message, tx.sender, kind))
            if kind == "endorser-signature-bit" or (self.endorsed_every and i % self.endorsed_every == 0):
                self._endorse(tx, message, pick, jobs, kind)
            if pick >> 20 & 31 == 0:  # one in 32 is paid for by another client
                payer = people.clients[(pick + 1) % len(people.clients)]
                tx.payer.signer.CopyFrom(self._members[payer.name, True])
                jobs.append(_Job(payer, message, tx.payer))
            self._result(tx, call)
            tx.result.rw_set_hash = rw_hashes[i]
            if kind == "payload":
                tx.payload.parameters[0].value += b"0"
        signatures = self._sign([job.signer for job in jobs], [job.message for job in jobs], jobs)
        for job, signature in zip(jobs, signatures, strict=True):
            job.entry.signature = signature

    def _result(self, tx: transaction_pb2.Transaction, call: Call | None) -> None:
        """What came of a transaction, except for its read and write set."""
        result = tx.result.contract_result
        if call is None:
            result.result = b"ok"
            name = tx.payload.parameters[1].value.decode() if self.events else ""
            events = [Event(tx.payload.method, (name, str(k))) for k in range(self.events)]
        else:
            tx.result.code, result.code = call.code, int(call.code != 0)
            result.result, events = b"" if call.code else b"ok", list(call.events)
        for event in events:
            result.contract_event.add(
                topic=event.topic,
                tx_id=tx.payload.tx_id,
                contract_name=event.contract or tx.payload.contract_name,
                event_data=event.data,
            )

    def _payload(
        self, payload: transaction_pb2.Payload, index: int, i: int, tx_id: str, pick: int, call: Call | None
    ) -> None:
        payload.chain_id = CHAIN_ID
        payload.tx_id = tx_id
        payload.timestamp = self._timestamp(index) - 1
        if i % 7 == 0:
            payload.expiration_time = payload.timestamp + 600
        payload.limit.gas_limit = 1_000_000
        if call is not None:
            payload.contract_name, payload.method = call.contract, call.method
            for key, value in call.parameters:
                payload.parameters.add(key=key, value=value)
            return
        payload.contract_name = CONTRACT
        payload.method = "transfer" if pick & 3 == 0 else "save"
        payload.parameters.add(key="file_hash", value=tx_id[::-1].encode())
        payload.parameters.add(key="file_name", value=f"test-document-{index}-{i}.txt".encode())
        payload.parameters.add(key="note", value=b"made by pycore.testing, not a real transaction")

    def _spoil_sender(self, tx: transaction_pb2.Transaction, sender: Identity, kind: str) -> Identity:
        """Changes who the sender claims to be as `kind` says; returns who really signs."""
        people = self.consortium
        if kind == "signer":
            return people.admins[0]
        if kind == "unknown-certificate-hash":
            tx.sender.signer.member_info = hashlib.sha256(tx.sender.signer.member_info).digest()
        if kind == "foreign-certificate":
            tx.sender.signer.CopyFrom(people.member(people.stranger))
            return people.stranger
        if kind == "other-organisation":
            place = people.organisations.index(sender.organisation)
            tx.sender.signer.org_id = people.organisations[(place + 1) % len(people.organisations)]
        return sender

    def _endorse(self, tx: transaction_pb2.Transaction, message: bytes, pick: int, jobs: list[_Job], kind: str) -> None:
        admins = self.consortium.admins
        for k in range(1 + pick % 3 if len(admins) > 2 else 1):
            admin = admins[(pick + k) % len(admins)]
            entry = tx.endorsers.add()
            entry.signer.CopyFrom(self._members[admin.name, k == 1])
            spoilt = "signature-bit" if kind == "endorser-signature-bit" and k == 0 else ""
            jobs.append(_Job(admin, message, entry, spoilt))

    def _tx_ids(self, index: int) -> list[str]:
        text = _deterministic.stream(self.seed, "tx", index, size=32 * self.txs_per_block).hex()
        return [text[at : at + 64] for at in range(0, len(text), 64)]

    def _timestamp(self, index: int) -> int:
        return FIRST_TIMESTAMP + SECONDS_PER_BLOCK * (FIRST_HEIGHT + index)

    # ---- execution: read/write sets and the dependencies that follow from them
    # -----------------------------------------------

    def _executed(self, index: int) -> tuple[list[bytes], list[list[int]]]:
        """Serialized TxRWSet and DAG neighbours per transaction. One in four moves a balance between two of a few
        accounts (those conflict and give the DAG its edges); each of the others writes its own key."""
        count = self.txs_per_block
        accounts = max(8, count // 4)
        picks = _deterministic.integers(self.seed, "pick", index, count=count, below=2**32)
        ends = _deterministic.integers(self.seed, "account", index, count=2 * count, below=accounts)
        graph = DependencyGraph()
        sets: list[bytes] = []
        edges: list[list[int]] = []
        for i, (tx_id, pick) in enumerate(zip(self._tx_ids(index), picks, strict=True)):
            rw = transaction_pb2.TxRWSet(tx_id=tx_id)
            if pick & 3 == 0:
                keys = [f"account#{ends[2 * i]}".encode(), f"account#{ends[2 * i + 1]}".encode()]
                keys = keys[: 1 + (keys[0] != keys[1])]
            else:
                keys = [b"fact#" + tx_id[:40].encode()]
            for k, key in enumerate(keys):
                rw.tx_reads.add(key=key, value=str(100 + k).encode(), contract_name=CONTRACT)
                rw.tx_writes.add(key=key, value=f"{index}:{i}:{k}".encode(), contract_name=CONTRACT)
            sets.append(rw.SerializeToString(deterministic=True))
            edges.append(graph.add(keys, keys))
        return sets, edges

    # ---- consensus ---------------------------------------------------------------------------------------------------

    def _voters(self, index: int) -> list[Identity]:
        """The smallest quorum, floor(2 n / 3) + 1 of n; another validator rests each time."""
        validators = self.consortium.validators
        quorum = 2 * len(validators) // 3 + 1
        return [validators[(index + 1 + k) % len(validators)] for k in range(quorum)]

    def _tbft_certificate(self, index: int, block_hash: bytes) -> bytes:
        """A VoteSet with a quorum of precommits."""
        voters, height, precommit = self._voters(index), FIRST_HEIGHT + index, consensus_pb2.VOTE_TYPE_PRECOMMIT
        votes = [
            consensus_pb2.Vote(type=precommit, voter=self.consortium.node_ids[who.name], height=height, hash=block_hash)
            for who in voters
        ]
        signatures = self._sign(voters, [vote.SerializeToString(deterministic=True) for vote in votes])
        vote_set = consensus_pb2.VoteSet(type=precommit, height=height, sum=len(votes), maj23=block_hash)
        for who, vote, signature in zip(voters, votes, signatures, strict=True):
            vote.endorsement.signer.CopyFrom(self._members[who.name, False])
            vote.endorsement.signature = signature
            vote_set.votes[vote.voter].CopyFrom(vote)
        return vote_set.SerializeToString(deterministic=True)

    def _maxbft_certificate(self, index: int, block_hash: bytes) -> bytes:
        """A QuorumCert with a quorum of votes."""
        voters = self._voters(index)
        votes = [
            consensus_pb2.VoteData(
                block_id=block_hash,
                height=FIRST_HEIGHT + index,
                view=_view(index),
                author=self.consortium.node_ids[who.name].encode(),
                epoch_id=EPOCH,
            )
            for who in voters
        ]
        signatures = self._sign(voters, [vote.SerializeToString(deterministic=True) for vote in votes])
        for who, vote, signature in zip(voters, votes, signatures, strict=True):
            vote.signature.signer.CopyFrom(self._members[who.name, False])
            vote.signature.signature = signature
        return consensus_pb2.QuorumCert(votes=votes).SerializeToString(deterministic=True)

    # ---- hashes and signatures ---------------------------------------------------------------------------------------

    def _hash(self, messages: Sequence[bytes]) -> list[bytes]:
        return [row.tobytes() for row in pycore.hash_batch(self.suite.hash, messages)]

    def _root(self, leaves: Sequence[bytes]) -> bytes:
        return pycore.merkle_root(leaves, tree="chainmaker", hash=self.suite.hash)

    def _sign(self, signers: Sequence[Identity], messages: Sequence[bytes], jobs: Sequence[_Job] = ()) -> list[bytes]:
        """DER signatures, in one batch, spoilt as each job says."""
        secrets = np.frombuffer(b"".join(who.secret for who in signers), dtype=np.uint8).reshape(-1, 32)
        compact = sign(self.suite.scheme, secrets, messages)
        made = [row.tobytes() for row in compact]
        kinds = [job.tampering for job in jobs] or [""] * len(made)
        return [_spoilt(self.suite, one, kind) for one, kind in zip(made, kinds, strict=True)]


def _view(index: int) -> int:
    """MaxBFT's view: some views end without a block, so it runs ahead of the height."""
    return FIRST_HEIGHT + index + index // 5


class DependencyGraph:
    """Direct predecessors of each transaction of a block, found as the chain finds them: reads in order, then writes
    in order; an edge only where the predecessor cannot be reached through an edge found before (a transitive
    reduction)."""

    def __init__(self) -> None:
        self._reach: list[int] = []  # bit j of entry i: j can be reached from i
        self._writer: dict[bytes, int] = {}
        self._readers: dict[bytes, list[int]] = {}

    def add(self, reads: Sequence[bytes], writes: Sequence[bytes]) -> list[int]:
        """Adds the next transaction; its neighbours, increasing."""
        me = len(self._reach)
        reach = 1 << me
        edges: list[int] = []
        candidates: list[int] = [self._writer[key] for key in reads if key in self._writer]
        for key in writes:
            candidates += reversed(self._readers.get(key, ()))
            if key in self._writer:
                candidates.append(self._writer[key])
        for other in candidates:
            if not reach >> other & 1:
                edges.append(other)
                reach |= self._reach[other]
        self._reach.append(reach)
        for key in reads:
            self._readers.setdefault(key, []).append(me)
        for key in writes:
            self._writer[key] = me
        return sorted(edges)


def _spoilt(suite: Suite, compact: bytes, kind: str) -> bytes:
    """The DER form of a signature, spoilt as `kind` says; kinds that touch other parts leave it as it is."""
    if kind == "signature-bit":
        # a bit in the middle of s: s stays in range and stays the same length
        compact = compact[:48] + bytes([compact[48] ^ 0x10]) + compact[49:]
    elif kind == "s-out-of-range":
        compact = compact[:32] + suite.order.to_bytes(32, "big")
    encoded = der_signature(compact)
    if kind == "truncated-signature":
        return encoded[:-1]
    if kind == "trailing-bytes":
        return encoded + b"\x00"
    if kind == "inner-bytes":  # enough of them that the length takes two bytes
        return b"\x30\x81" + bytes([encoded[1] + 64]) + encoded[2:] + bytes(64)
    return encoded
