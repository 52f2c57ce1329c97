"""ChainMaker's part in proof bundles: what proves that a block is final, and that something is in it.

Above the trusted height one header and the votes of its block. They are judged as :meth:`ChainMaker.validate_block`
judges them: member certificates, roles, signatures, the quorum of the trusted validators; and so are, of a transaction,
its own signatures and policies. No configuration block may lie between: the header names the last one before it. DPoS
and MaxBFT choose validators by epoch, which no header names; there the block has to be the next one.

At or below the trusted height the headers from the statement's block up to the trusted one, by their hashes. They have
no `signature`, which no hash covers, and the trusted context, which may be another than the block's, judges nobody.

Leaves. "transaction" and "event": the transaction as hashed for tx_root, without gas_used from block version 2300 on.
"state": the transaction's TxRWSet, hashed for rw_set_root; the key is the contract's name, "#", and the key as the
chain's database has it. It says what this transaction wrote: a later one may have written another value.

Followed are the chain's configuration and the certificates that it names. Certificates that members freeze, revoke or
add are not: the context of the reader has them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import Message

from pycore.base.columns import quote
from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, ProofError
from pycore.hashing.batch import hash as hash_one
from pycore.identities.collector import SignatureBatch
from pycore.ledgers.chainmaker import configuration, headers, proof_facts, proof_forms, quorum, transactions
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.block import Graph, OpenBlock, open_block
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.digests import DIGEST_SIZE, Hashing, header_bytes
from pycore.ledgers.chainmaker.messages import Block, BlockHeader, Transaction, TxRWSet, TxWrite, parse, shorten
from pycore.ledgers.chainmaker.signers import trust_store
from pycore.ledgers.chainmaker.transactions import open_transactions
from pycore.ledgers.chainmaker.validator import Validation
from pycore.ledgers.chainmaker.votes import SignedVotes
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.scan import Spans
from pycore.merkle.inclusion import verify_inclusion
from pycore.merkle.tree import MerkleTree

_NO_EDGES = np.zeros(0, np.int64)
_SEPARATOR = b"#"
_LEAVES: dict[str, type[Message]] = {"transaction": Transaction, "event": Transaction, "state": TxRWSet}

M = TypeVar("M", bound=Message)


class _Refused(Exception):  # noqa: N818 - the end of a check, not an error
    """A condition that does not hold, after which no other can be looked at."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.name)
        self.check = check


class ChainMakerProofs:
    """See :class:`pycore.ledgers.proof.ProofRules`."""

    kinds = ("header", "transaction", "event", "state")
    sources = MappingProxyType(
        {
            "block": "a serialised Block or BlockInfo: the statement's",
            "index": "a number: the transaction's place in the block, from 0",
            "tx_id": "text: the transaction's id, in place of the index",
            "rw_set": "of a state, where the block is no BlockInfo: the transaction's serialised TxRWSet",
            "following": "of a block below the trusted one: the blocks or headers after it, up to that one; a list",
        }
    )

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """See :meth:`pycore.ledgers.proof.ProofRules.check`."""
        return _Proof(bundle, trusted).proven()

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """See :meth:`pycore.ledgers.proof.ProofRules.advance`.

        A "header" moves the place, past any block but one that changes the configuration; a "transaction" that changes
        the configuration moves the context.
        """
        proof = _Proof(bundle, trusted)
        proven = proof.proven()
        checks = [*proven.checks]
        ahead = proven.height > trusted.height
        checks.append(Check("forward", ahead, proven.height, f"above {trusted.height}"))
        if any(check.ok is not True for check in checks):
            return dataclasses.replace(proven, checks=tuple(checks), certified_by=(), facts={})
        context, found = proof.next_context()
        checks.append(found)
        if context is None:
            return dataclasses.replace(proven, checks=tuple(checks), certified_by=(), facts={})
        moved = Trusted(trusted.chain, trusted.chain_id, proven.height, proven.block_hash, context)
        return dataclasses.replace(proven, checks=tuple(checks), advanced=moved)

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """See :meth:`pycore.ledgers.proof.ProofRules.make`."""
        return _Making(sources, statement, trusted).bundle()


# ---- checking --------------------------------------------------------------------------------------------------------


class _Proof:
    """The work on one bundle."""

    def __init__(self, bundle: Bundle, trusted: Trusted) -> None:
        assert isinstance(trusted.context, ChainContext), "the bundle is of the trusted chain"
        self.bundle, self.trusted, self.context = bundle, trusted, trusted.context
        self.checks: list[Check] = []
        self.header = BlockHeader()
        self.block_hash = b""
        self.voters: tuple[str, ...] = ()
        self.leaf: Transaction | TxRWSet | None = None

    def proven(self) -> Proven:
        """Every condition up to the first after which nothing can be looked at."""
        facts: dict[str, Any] = {}
        try:
            self.parts()
            found = self.headers()
            if self.header.block_height > self.trusted.height:
                self.certified(found)
            else:
                self.linked(found)
            if self.bundle.statement.kind != "header":
                self.included()
            facts = self.stated()
        except _Refused as refused:
            self.checks.append(refused.check)
        proven = all(check.ok for check in self.checks)
        return Proven(
            checks=tuple(self.checks),
            height=self.header.block_height,
            block_hash=self.block_hash,
            time=float(self.header.block_timestamp) if self.block_hash else None,
            certified_by=self.voters if proven else (),
            facts=facts if proven else {},
        )

    def demand(self, name: str, ok: bool, got: Any, wanted: Any, detail: str = "", certainty: str = "") -> None:
        """Records a condition without which nothing else can be looked at."""
        check = Check(name, ok, got, wanted, detail, certainty)
        if not ok:
            raise _Refused(check)
        self.checks.append(check)

    # ---- parts and headers -------------------------------------------------------------------------------------------

    def parts(self) -> None:
        """Whether the statement has the parts that its kind has, and no other."""
        bundle, statement = self.bundle, self.bundle.statement
        kind = statement.kind
        extra = [
            name
            for name, there in (
                ("statement.item", kind == "header" and statement.item),
                ("statement.key", kind != "state" and statement.key),
                ("statement.event", kind != "event" and statement.event),
                ("inclusion", kind == "header" and bundle.inclusion != Inclusion()),
            )
            if there
        ]
        missing = [
            name
            for name, there in (
                ("headers", bundle.headers),
                ("statement.item", kind == "header" or statement.item),
                ("statement.key", kind != "state" or _SEPARATOR in statement.key),
            )
            if not there
        ]
        said = ", ".join([f"without {name}" for name in missing] + [f"with {name}" for name in extra])
        self.demand("parts", not said, said or "complete", "complete")

    def headers(self) -> list[tuple[BlockHeader, bytes]]:
        """The headers with their hashes, recomputed, where each is the successor of the one before."""
        hash_ = self.context.hash
        if hash_ is None:
            raise _Refused(Check("hash", None, detail="the trusted context names no hash"))
        found: list[tuple[BlockHeader, bytes]] = []
        for i, data in enumerate(self.bundle.headers):
            header = self.canonical(BlockHeader, data, f"headers[{i}]")
            found.append((header, hash_one(hash_, header_bytes(header))))
        self.header, self.block_hash = found[0]
        for i in range(1, len(found)):
            (lower, digest), (upper, _) = found[i - 1], found[i]
            height = lower.block_height + 1
            if upper.block_height != height:
                raise _Refused(Check("height", False, upper.block_height, height, f"headers[{i}]"))
            if upper.pre_block_hash != digest:
                raise _Refused(Check("previous_hash", False, upper.pre_block_hash, digest, f"headers[{i}]"))
        wanted = self.trusted.chain_id
        other = next((header.chain_id for header, _ in found if header.chain_id != wanted), None)
        self.demand("header_chain_id", other is None, shorten(wanted if other is None else other), wanted)
        return found

    def canonical(self, kind: type[M], data: bytes, name: str) -> M:
        """A message from bytes that are its encoding as the chain's nodes write it."""
        try:
            message = parse(kind, data, name)
        except InputError as error:
            raise _Refused(Check("encoding", False, error.got, error.wanted, name)) from error
        if message.SerializeToString(deterministic=True) != data:
            raise _Refused(Check("encoding", False, "bytes that its fields do not encode to", "these", name))
        return message

    def linked(self, found: Sequence[tuple[BlockHeader, bytes]]) -> None:
        """Finality at or below the trusted height: the headers end at the trusted block."""
        last, digest = found[-1]
        trusted = self.trusted
        self.demand("last_height", last.block_height == trusted.height, last.block_height, trusted.height)
        self.demand("last_hash", digest == trusted.block_hash, digest, trusted.block_hash)
        wrong = next((i for i, (header, digest) in enumerate(found) if header.block_hash != digest), None)
        got = found[wrong or 0][0].block_hash
        self.demand(
            "block_hash", wrong is None, got, found[wrong or 0][1], "" if wrong is None else f"headers[{wrong}]"
        )
        signed = sum(bool(header.signature) for header, _ in found)
        self.demand("signatures", not signed, f"{signed} headers with one", "none, which no hash covers")
        self.demand("certificate", not self.bundle.certificate, len(self.bundle.certificate), 0, "bytes of votes")

    def certified(self, found: Sequence[tuple[BlockHeader, bytes]]) -> None:
        """Finality above the trusted height: a quorum of the trusted validators."""
        header, trusted, context = self.header, self.trusted, self.context
        self.demand("headers", len(found) == 1, len(found), 1, "above the trusted height the block's own is enough")
        if header.block_height == trusted.height + 1:
            same = header.pre_block_hash == trusted.block_hash
            self.demand("previous_hash", same, header.pre_block_hash, trusted.block_hash)
        self.validators()
        consensus = context.consensus
        if consensus is None:
            raise _Refused(Check("quorum", None, detail="the trusted context names no consensus"))
        try:
            form = proof_forms.one_form(consensus, self.bundle.certificate, header, context.validators)
        except InputError as error:
            raise _Refused(Check("certificate", False, error.got, error.wanted, error.field)) from error
        detail = "the votes for the block alone, each once, in the one form that they have"
        self.demand("certificate", form == self.bundle.certificate, len(self.bundle.certificate), len(form), detail)
        self.checks += _Certified(self).checks()

    def validators(self) -> None:
        """Whether the trusted validators are still those of the block."""
        header, trusted, consensus = self.header, self.trusted, self.context.consensus
        last, above = header.pre_conf_height, header.block_height - trusted.height
        self.demand("configuration", last <= trusted.height, last, f"{trusted.height} or below",
                    "the last block before it that changed the configuration", "read")  # fmt: skip
        if consensus not in configuration.BY_CONFIGURATION and above > 1:
            detail = f"{consensus} chooses validators by epoch: those of the trusted state are known of the next block"
            raise _Refused(Check("configuration", None, header.block_height, trusted.height + 1, detail, "read"))

    # ---- the statement -----------------------------------------------------------------------------------------------

    def included(self) -> None:
        """From the item to a root of the header."""
        bundle, header, kind = self.bundle, self.header, self.bundle.statement.kind
        where, item = bundle.inclusion, bundle.statement.item
        self.demand("tx_count", where.count == header.tx_count, where.count, header.tx_count)
        self.demand("index", 0 <= where.index < where.count, where.index, f"below {where.count}")
        name = "rw_set_root" if kind == "state" else "tx_root"
        root = header.rw_set_root if kind == "state" else header.tx_root
        assert self.context.hash is not None, "else there are no headers"
        leaf = hash_one(self.context.hash, item)
        self.demand(name, len(root) == DIGEST_SIZE, f"{len(root)} bytes", f"{DIGEST_SIZE} bytes")
        try:
            verify_inclusion(
                root, leaf, where.nodes, index=where.index, leaf_count=where.count, tree="chainmaker",
                hash=self.context.hash,
            )  # fmt: skip
        except ProofError as error:
            raise _Refused(Check("inclusion", False, leaf, root, f"{error.verdict.name}, {name}")) from error
        self.checks.append(Check("inclusion", True, leaf, root, name))
        leaf_type = _LEAVES[kind]
        many = proof_forms.too_many(leaf_type, item)
        if many:
            raise _Refused(Check("item", False, many, f"at most {proof_forms.MAX_RECORDS} of a kind"))
        found = self.canonical(leaf_type, item, "statement.item")
        if isinstance(found, Transaction):
            form = proof_forms.transaction_item(item, header.block_version)
            self.demand("gas", form == item, found.result.contract_result.gas_used, 0, "the hash does not cover it")
        assert isinstance(found, (Transaction, TxRWSet))
        self.leaf = found

    def stated(self) -> dict[str, Any]:
        """The facts that the statement claims."""
        kind, index, leaf = self.bundle.statement.kind, self.bundle.inclusion.index, self.leaf
        assert self.context.hash is not None, "else there are no headers"
        if kind == "header":
            return proof_facts.header_facts(self.header, self.block_hash)
        if isinstance(leaf, TxRWSet):
            key = self.bundle.statement.key
            places = [i for i, write in enumerate(leaf.tx_writes) if state_key(write) == key]
            self.demand("write", len(places) == 1, f"{len(places)} writes of the key", "1 write of the key")
            return proof_facts.state_facts(leaf, places[0], index)
        assert isinstance(leaf, Transaction)
        if kind == "transaction":
            return proof_facts.transaction_facts(leaf, self.context.hash, index)
        number, count = self.bundle.statement.event, len(leaf.result.contract_result.contract_event)
        self.demand("result", leaf.result.code == 0, leaf.result.code, 0, "others put out no events")
        self.demand("event", 0 <= number < count, number, f"below {count}")
        return proof_facts.event_facts(leaf, number, self.context.hash, index)

    # ---- advancing ---------------------------------------------------------------------------------------------------

    def next_context(self) -> tuple[ChainContext | None, Check]:
        """The context after the block of a proven bundle, and the check that says so; None: it is not known."""
        header, context = self.header, self.context
        name = "context_change"
        configures = bool(header.block_type & configuration.CONFIG_BLOCK)
        if self.bundle.statement.kind == "header":
            wanted = "a block that does not change the configuration: of one that does, its transaction"
            got = f"block of type {header.block_type}"
            if configures:
                return None, Check(name, False, got, wanted, certainty="read")
            if context.consensus not in configuration.BY_CONFIGURATION:  # an epoch may end here
                return self._moved([])
            return context, Check(name, True, got, wanted, certainty="read")
        if not configures or not isinstance(self.leaf, Transaction) or self.bundle.statement.kind != "transaction":
            wanted = "a header, or the transaction of a configuration block"
            return None, Check(name, False, self.bundle.statement.kind, wanted)
        if header.tx_count != 1:
            return None, Check(name, False, f"{header.tx_count} transactions", "1 transaction, alone in its block")
        return self._moved([self.leaf])

    def _moved(self, txs: Sequence[Transaction]) -> tuple[ChainContext | None, Check]:
        name = "context_change"
        try:
            moved = configuration.next_context(Block(header=self.header, txs=txs), None, self.context)
        except configuration.UnclearError as error:
            return None, Check(name, None, detail=str(error))
        if moved is None:
            return self.context, Check(name, True, "nothing")
        fields = [item.name for item in dataclasses.fields(moved)]
        changed = [field for field in fields if getattr(moved, field) != getattr(self.context, field)]
        return moved, Check(name, True, ", ".join(changed), detail=f"from height {self.header.block_height + 1} on")


class _Certified:
    """The signatures of a block that is final by its votes, verified in one batch: those of the proposer, the voters,
    and the statement's transaction."""

    def __init__(self, proof: _Proof) -> None:
        self.proof = proof
        context, header = proof.context, proof.header
        self.work = work = Validation(context, 1, SignatureBatch(threads=1))  # under any rules the DER has one form
        if context.clock == "block_timestamp":
            work.time = header.block_timestamp
        statement = proof.bundle.statement
        items = [statement.item] if statement.kind in ("transaction", "event") else []
        extra = proof_forms.extra_data(context.consensus or "", proof.bundle.certificate)
        self.block = OpenBlock(
            header, True, True, Graph(b"", 0, _NO_EDGES, _NO_EDGES), Spans.joined(items), extra, None
        )

    def checks(self) -> list[Check]:
        """Those of :meth:`Validation.finish` that header, votes and one transaction allow."""
        work, header, context, block = self.work, self.proof.header, self.proof.context, self.block
        assert context.hash is not None, "else there are no headers"
        votes = self._votes()
        tables = transactions.scan(block.txs, 1)
        if tables.faulty:
            error = tables.refusal("statement.item", "a ChainMaker Transaction", int(block.txs.lengths[0]))
            raise _Refused(Check("encoding", False, error.got, error.wanted, "statement.item"))
        rules = transactions.Rules(tables, self.proof.trusted.chain_id, in_block=True)
        rules.apply()
        column = transactions.collect(rules)
        store = trust_store(context, context.hash)
        signers = store.resolve(work.members(header, column, votes), work.time)
        access = AccessRules(context, header.block_version, admins=store.admins)
        enlisted = transactions.enlist(column, signers, work.batch, work.time)
        proposer = work.enlist_proposer(header, signers)
        voted = work.enlist_votes(votes, signers)
        codes = work.batch.run()
        work.structure_check(block)
        work.version_check(header)
        work.hash_check(header, self.proof.block_hash, context.hash)
        work.proposer_checks(header, signers, proposer, codes, store, access)
        if len(column):
            transactions.decide(column, enlisted, signers, codes, store, access, strict=work.strict)
            verdict = Verdict(int(column.codes[0]))
            valid = verdict == Verdict.VALID
            work.check("transaction", valid, verdict.name, "VALID", column.details.get(0, ""))
            work.policy_checks(column, access)
        if votes is not None:
            work.checks += SignedVotes(votes, voted, codes, signers, store, access, context).checks()
            self.proof.voters = tuple(vote.voter for vote in votes.votes)
            if not work.strict:  # what Go's reader takes has bytes that nothing covers
                odd = [vote.voter for vote in votes.votes if not proof_forms.is_strict(vote.endorsement)]
                work.check("voter_encodings", not odd, f"{len(odd)} not in DER", "0 not in DER", ", ".join(odd[:4]))
        work.checks += headers.checks(header, votes, None, context)
        work.trust_checks(store, signers)
        return work.checks

    def _votes(self) -> quorum.Certificate | None:
        """The certificate; Raft's repeats the proposer's signature, which the header has."""
        if self.proof.context.consensus == "raft":
            return quorum.Certificate("raft", self.proof.header.block_hash)
        return self.work.read_votes(self.block)


# ---- making ----------------------------------------------------------------------------------------------------------


def state_key(write: TxWrite) -> bytes:
    """The place of a write as the chain's database has it: contract, "#", key."""
    return write.contract_name.encode() + _SEPARATOR + write.key


class _Making:
    """A bundle from a block."""

    def __init__(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> None:
        self.sources, self.statement, self.trusted = sources, statement, trusted
        for name in sources:
            if name not in ChainMakerProofs.sources:
                wanted = "one of " + ", ".join(ChainMakerProofs.sources)
                raise InputError(f"sources.{name}", got="an unknown source", wanted=wanted)
        context = trusted.context
        if not isinstance(context, ChainContext):
            raise InputError("trusted.context", got=type(context).__name__, wanted="a ChainContext")
        if context.hash is None or context.consensus is None:
            missing = "hash" if context.hash is None else "consensus"
            raise InputError(f"trusted.context.{missing}", got="None", wanted="the chain's")
        self.context, self.hash = context, context.hash
        self.block = open_block(self._bytes("block"))
        self.header = self.block.header

    def bundle(self) -> Bundle:
        """The bundle, for what it is worth."""
        statement, header, trusted = self.statement, self.header, self.trusted
        certificate = b""
        if header.block_height > trusted.height:
            chain = [header]
            assert self.context.consensus is not None, "looked at before"
            certificate = proof_forms.certificate_of(
                self.context.consensus, self.block.extra, header, self.context.validators
            )
        else:
            chain = self._up_to_the_trusted_block()
        inclusion = Inclusion()
        if statement.kind != "header":
            index, statement, leaves = self._leaf()
            nodes = MerkleTree(leaves, tree="chainmaker", hash=self.hash).proof(index)
            inclusion = Inclusion(index, len(leaves), tuple(nodes))
        return Bundle(
            chain="chainmaker",
            chain_id=trusted.chain_id,
            trusted_height=trusted.height,
            trusted_hash=trusted.block_hash,
            headers=tuple(one.SerializeToString(deterministic=True) for one in chain),
            certificate=certificate,
            inclusion=inclusion,
            statement=statement,
        )

    def _bytes(self, name: str) -> bytes:
        if name not in self.sources:
            raise InputError(f"sources.{name}", got="nothing", wanted=ChainMakerProofs.sources[name])
        return _octets(f"sources.{name}", self.sources[name])

    def _up_to_the_trusted_block(self) -> list[BlockHeader]:
        found = [self.header]
        given = self.sources.get("following", ())
        for i, data in enumerate([given] if isinstance(given, bytes) else given):
            name = f"sources.following[{i}]"
            octets = _octets(name, data)
            is_header = octets[:1] == b"\x08"  # its first field is a number, a block's has a length
            found.append(parse(BlockHeader, octets, name) if is_header else open_block(octets).header)
        last = found[-1].block_height
        if last != self.trusted.height:
            wanted = f"the blocks after {self.header.block_height} up to {self.trusted.height}, the trusted one"
            raise InputError("sources.following", got=f"blocks up to {last}", wanted=wanted)
        for header in found:
            header.ClearField("signature")
        return found

    def _leaf(self) -> tuple[int, Statement, list[bytes]]:
        """The place of the item, the statement with it, and the leaves of its tree."""
        tables, statement = open_transactions(self.block, 1), self.statement
        count = len(self.block.txs)
        if statement.kind == "state":
            leaves = tables.span("tx", "result.rw_set_hash").items()
        else:
            leaves = [row.tobytes() for row in Hashing(self.header, tables, self.hash, 1).finish()]
        if statement.item:
            digest = hash_one(self.hash, statement.item)
            if digest not in leaves:
                raise InputError("statement.item", got=digest.hex(), wanted="the hash of one of the block's leaves")
            return leaves.index(digest), statement, leaves
        index = self._index(tables.span("tx", "payload.tx_id").items(), count)
        if statement.kind == "state":
            item = self._rw_set(index)
        else:
            item = proof_forms.transaction_item(self.block.txs[index], self.header.block_version)
        return index, dataclasses.replace(statement, item=item), leaves

    def _index(self, ids: list[bytes], count: int) -> int:
        if "index" in self.sources:
            index = self.sources["index"]
            if type(index) is not int or not 0 <= index < count:
                raise InputError("sources.index", got=quote(index), wanted=f"a number from 0 to {count - 1}")
            return index
        wanted = self.sources.get("tx_id")
        if not isinstance(wanted, str):
            raise InputError("sources.index", got="nothing", wanted="the transaction's place, or its tx_id")
        if wanted.encode("utf-8", "replace") not in ids:
            raise InputError("sources.tx_id", got=quote(wanted), wanted="the id of one of the block's transactions")
        return ids.index(wanted.encode())

    def _rw_set(self, index: int) -> bytes:
        if "rw_set" in self.sources:
            data = self._bytes("rw_set")
        elif self.block.rw_sets is not None and index < len(self.block.rw_sets):
            data = self.block.rw_sets[index]
        else:
            raise InputError("sources.rw_set", got="nothing", wanted=ChainMakerProofs.sources["rw_set"])
        return parse(TxRWSet, data, "sources.rw_set").SerializeToString(deterministic=True)


def _octets(name: str, value: Any) -> bytes:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise InputError(name, got=type(value).__name__, wanted="bytes")
    return bytes(value)


PROOFS = ChainMakerProofs()
"""What ``pycore.ledgers.get("chainmaker").proofs`` is."""
