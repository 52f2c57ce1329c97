"""One block from bytes to report: which checks there are, in which order, and what each one compares."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base.deadline import checkpoint
from pycore.base.report import BlockReport, Check, Event, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError
from pycore.identities.collector import SignatureBatch
from pycore.ledgers.chainmaker import content, headers, quorum, transactions
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.block import Buffer, OpenBlock, open_block
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.digests import HASH_ORDER, Digests, Hashing, block_digests, infer_hash
from pycore.ledgers.chainmaker.events import read_events
from pycore.ledgers.chainmaker.messages import BlockHeader
from pycore.ledgers.chainmaker.rows import default_block_version
from pycore.ledgers.chainmaker.signers import MemberKey, Signer, TrustStore, trust_store
from pycore.ledgers.chainmaker.votes import Place, SignedVotes, member_of
from pycore.ledgers.scan import Spans

_CONSENSUS_ROLE = "CONSENSUS"


class Validation:
    """The work on one block: :meth:`prepare`, verify the batch, :meth:`finish`; or :meth:`run`, which does all three.
    Made, used once, and thrown away.

    Blocks that share a batch have their signatures verified together. What prepares blocks must also finish them, or
    :meth:`abandon` them: helpers read their bytes.
    """

    def __init__(
        self, context: ChainContext, threads: int | None, batch: SignatureBatch | None = None, *, events: bool = False
    ) -> None:
        """events: whether the report is to have the transactions' events."""
        self.context = context
        self.strict = context.rules == "strict"
        self.checks: list[Check] = []
        self.timings: dict[str, float] = {}
        self.time: float | None = context.time
        if context.time is None and context.clock == "now":
            self.time = time.time()
        self.threads = threads
        self.with_events = events
        self.batch = new_batch(context, threads) if batch is None else batch
        self.hashing: Hashing | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of a block of code to the named stage."""
        checkpoint()
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - started

    def check(self, name: str, ok: bool | None, got: Any = None, wanted: Any = None, detail: str = "") -> None:
        """Records a check."""
        self.checks.append(Check(name, ok, got, wanted, detail))

    def compare(self, name: str, got: Any, wanted: Any, missing: str) -> None:
        """Records that two values must agree; skipped, for the reason `missing`, when there is nothing to compare
        with."""
        if wanted is None:
            self.check(name, None, got, None, missing)
        else:
            self.check(name, got == wanted, got, wanted)

    # ---- the whole ---------------------------------------------------------------------------------------------------

    def run(self, data: Buffer, form: str) -> BlockReport:
        """Validates a block."""
        try:
            self.prepare(data, form)
            with self.stage("verify"):
                codes = self.batch.run()
            return self.finish(codes)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Waits for the helpers that read the block; what they have not begun is left."""
        if self.hashing is not None:
            self.hashing.abandon()

    def prepare(self, data: Buffer, form: str) -> None:
        """Opens a block, looks up its members and puts its signatures into the batch, while helpers hash its
        transactions; InputError where the bytes are no block."""
        self.size = len(data)
        with self.stage("parse"):
            self.block = block = open_block(data, form)
            self.rw_sets = self.read_rw_sets(block)
            tables = transactions.open_transactions(block, self.threads)
        if self.context.clock == "block_timestamp":
            self.time = block.header.block_timestamp
        with self.stage("collect"):
            self.known_hash = self.context.hash or infer_hash(block.header)
            self.hash = self.known_hash or HASH_ORDER[0]
            header_rules = transactions.Rules(tables, self.context.chain_id or block.header.chain_id, in_block=True)
            self.hashing = Hashing(block.header, tables, self.hash, self.threads, [header_rules.apply])
            self.column = transactions.collect(header_rules)
            self.votes = self.read_votes(block)
        with self.stage("members"):
            self.store = trust_store(self.context, self.hash)
            self.signers = self.store.resolve(self.members(block.header, self.column, self.votes), self.time)
            self.rules = AccessRules(self.context, block.header.block_version, admins=self.store.admins)
            self.turn = headers.turn(block.header, self.votes, self.signers, self.store, self.context)
        with self.stage("verify"):
            before = len(self.batch)
            self.enlisted = transactions.enlist(self.column, self.signers, self.batch, self.time)
            self.proposer = self.enlist_proposer(block.header, self.signers)
            self.voted = self.enlist_votes(self.votes, self.signers)
            self.signatures = len(self.batch) - before

    def finish(self, codes: NDArray[np.uint8]) -> BlockReport:
        """The report. codes: the verdicts of the batch."""
        block, column, store, signers, rules = self.block, self.column, self.store, self.signers, self.rules
        assert self.hashing is not None
        with self.stage("hash"):
            digests = block_digests(block, self.hash, self.hashing, self.threads)
            self.header_checks(block, digests.block_hash, self.known_hash)
        with self.stage("decide"):
            self.proposer_checks(block.header, signers, self.proposer, codes, store, rules)
            judged = rules if block.header.block_height else None  # nobody signs a genesis block
            transactions.decide(column, self.enlisted, signers, codes, store, judged, strict=self.strict)
            self.policy_checks(column, rules)
            self.checks += content.rw_set_checks(self.rw_sets, column, digests, self.hash, self.threads)
            self.checks += content.transaction_checks(block.header, column, digests)
            self.checks += content.dag_checks(block, self.rw_sets, digests, rebuild=self.context.rebuild_dag)
            if self.votes is not None:
                voted = SignedVotes(self.votes, self.voted, codes, signers, store, rules, self.context)
                self.checks += voted.checks()
            elif self.context.consensus != "solo":
                self.check("quorum", None, None, None, "the block carries no quorum certificate")
            self.checks += headers.checks(block.header, self.votes, self.turn, self.context)
            self.trust_checks(store, signers)
        events = None
        if self.with_events:
            with self.stage("events"):
                found, events = read_events(column.spans())
                self.checks.append(found)
        return self.report(digests, events)

    def read_rw_sets(self, block: OpenBlock) -> content.RWSets | None:
        """The context's read and write sets, else the block's."""
        if self.context.rw_sets is not None:
            return content.RWSets(Spans.joined(self.context.rw_sets), "context.rw_sets", self.threads)
        return None if block.rw_sets is None else content.RWSets(block.rw_sets, "block.rwset_list", self.threads)

    def report(self, digests: Digests, events: tuple[Event, ...] | None) -> BlockReport:
        """Everything that was found, as the caller gets it."""
        header, column, votes = self.block.header, self.column, self.votes
        faults = tuple(
            TransactionFault(i, Verdict(int(column.codes[i])), column.tx_id(i), column.details.get(i, ""))
            for i in np.flatnonzero(column.codes != Verdict.VALID).tolist()
        )
        counts = {
            "bytes": self.size,
            "transactions": len(column),
            "invalid": len(faults),
            "signatures": self.signatures,
            "members": len(self.signers),
            "votes": len(votes.votes) if votes else 0,
            "dropped_endorsements": column.dropped,
        }
        return BlockReport(
            chain="chainmaker",
            rules=self.context.rules,
            height=header.block_height,
            block_hash=digests.block_hash,
            checks=tuple(self.checks),
            transactions=Verdicts(column.codes),
            faults=faults,
            counts=counts,
            timings=self.timings,
            events=events,
            time=float(header.block_timestamp),
        )

    # ---- header ------------------------------------------------------------------------------------------------------

    def header_checks(self, block: OpenBlock, found: bytes, hash_: str | None) -> None:
        """Structure, chain, place in the chain, and the header's hash; `found` is that as recomputed."""
        header, context = block.header, self.context
        self.structure_check(block)
        self.compare("chain_id", header.chain_id, context.chain_id, "the context names no chain")
        self.compare("height", header.block_height, context.height, "the context names no height")
        self.version_check(header)
        previous = context.previous_block_hash
        self.compare("previous_hash", header.pre_block_hash, previous, "the context has no hash of the block before")
        self.hash_check(header, found, hash_)

    def structure_check(self, block: OpenBlock) -> None:
        """Whether all parts are there that a block cannot lack."""
        header = block.header
        genesis = header.block_height == 0
        missing = [
            name
            for name, absent in (
                ("header", not block.has_header),
                ("block_hash", len(header.block_hash) != 32),
                ("proposer", not header.HasField("proposer") and not genesis),
                ("signature", not header.signature and not genesis),
                ("dag", not block.has_dag and len(block.txs) > 0),
            )
            if absent
        ]
        detail = "missing or of the wrong length: " + ", ".join(missing) if missing else ""
        self.check("structure", not missing, ", ".join(missing) or "complete", "complete", detail)

    def version_check(self, header: BlockHeader) -> None:
        """strict: the block's version is the configuration's, where the context names it."""
        context = self.context
        if self.strict and context.block_version is not None:
            wanted = context.block_version or default_block_version(context.release)
            self.check("block_version", header.block_version == wanted, header.block_version, wanted)

    def hash_check(self, header: BlockHeader, found: bytes, hash_: str | None) -> None:
        """Whether the block's hash is the one that was found, under the hash `hash_`; None: it is not known which."""
        detail = ""
        if self.context.hash is None:
            detail = (
                f"hash inferred: {hash_}"
                if hash_
                else "no hash of the chain's gives this value; shown is " + HASH_ORDER[0]
            )
        self.check("block_hash", header.block_hash == found, header.block_hash, found, detail)

    # ---- signatures --------------------------------------------------------------------------------------------------

    def read_votes(self, block: OpenBlock) -> quorum.Certificate | None:
        """The votes of the block's quorum certificate; None where there is nothing to read."""
        extra = block.extra
        kind = self.context.consensus or quorum.consensus_of(extra)
        if kind is None or kind == "solo" or block.header.block_height == 0:
            return None
        return quorum.read(kind, extra, block.header, self.context.validators, strict=self.strict)

    def members(
        self, header: BlockHeader, column: transactions.Column, votes: quorum.Certificate | None
    ) -> set[MemberKey]:
        """Every distinct signer in the block."""
        found = set(column.entries.names)
        if header.HasField("proposer"):
            proposer = header.proposer
            found.add((proposer.member_type, proposer.org_id, proposer.member_info))
        for vote in votes.votes if votes else ():
            found.add(member_of(vote.endorsement))
        return found

    def enlist_votes(self, votes: quorum.Certificate | None, signers: dict[MemberKey, Signer]) -> list[Place]:
        """The signatures of a certificate's votes."""
        return [
            self.enlist(member_of(vote.endorsement), vote.message, vote.endorsement.signature, signers)
            for vote in (votes.votes if votes else ())
        ]

    def enlist(self, member: MemberKey, message: bytes, signature: bytes, signers: dict[MemberKey, Signer]) -> Place:
        """Put one signature into the batch; without a ticket when its signer cannot sign, with the reason."""
        signer = signers[member]
        verdict, detail = signer.at(self.time)
        if verdict != Verdict.VALID or signer.key is None or signer.hash is None:
            return -1, verdict, detail
        return self.batch.add(signer.key, signer.hash, message, signature), verdict, ""

    def enlist_proposer(self, header: BlockHeader, signers: dict[MemberKey, Signer]) -> Place | None:
        """The proposer's signature, over the block hash; None when there is no proposer."""
        if not header.HasField("proposer"):
            return None
        who = header.proposer
        return self.enlist((who.member_type, who.org_id, who.member_info), header.block_hash, header.signature, signers)

    def proposer_checks(
        self, header: BlockHeader, signers: dict[MemberKey, Signer], place: Place | None,
        codes: NDArray[np.uint8], store: TrustStore, rules: AccessRules,
    ) -> None:  # fmt: skip
        """The proposer's signature and role."""
        if place is None:
            genesis = header.block_height == 0
            self.check("proposer_signature", None if genesis else False, "no proposer", "VALID",
                       "a genesis block is not signed" if genesis else "")  # fmt: skip
            return
        ticket, code, reason = place
        verdict = Verdict(int(codes[ticket])) if ticket >= 0 else Verdict(code)
        self.check("proposer_signature", verdict == Verdict.VALID, verdict.name, "VALID", reason)
        who = header.proposer
        signer = signers[who.member_type, who.org_id, who.member_info]
        ruling = rules.consensus(store.voter(signer))
        detail = "the context does not tell the role of the proposer" if ruling.ok is None else ""
        self.check("proposer_role", ruling.ok, signer.role, _CONSENSUS_ROLE, detail)

    def policy_checks(self, column: transactions.Column, rules: AccessRules) -> None:
        """Whether every transaction's policy could be judged. Which were not met is in the transactions' verdicts."""
        ignored = "; ".join(rules.rows.ignored[:4])
        if ignored and self.strict:
            got = f"{len(rules.rows.ignored)} rows that the chain does not take"
            self.check("policies", False, got, "0 rows that the chain does not take", ignored)
        elif column.unjudged and self.context.by_certificate and not self.context.trust_roots:
            return  # nothing can be judged without roots: the check trust_roots says so
        elif column.unjudged:
            self.check("policies", None, f"{column.unjudged} transactions not judged", "0 transactions not judged",
                       "the context lacks trust roots, nodes or registered keys")  # fmt: skip
        else:
            detail = f"not taken by the chain: {ignored}" if ignored else ""
            self.check("policies", True, "0 transactions not judged", "0 transactions not judged", detail)

    # ---- trust -------------------------------------------------------------------------------------------------------

    def trust_checks(self, store: TrustStore, signers: dict[MemberKey, Signer]) -> None:
        """Whether the context's own trust anchors can be read, and whether every signer could be judged by them."""
        problems = store.problems_at(self.time)
        if problems:
            self.check("trust_roots", False, f"{len(problems)} unusable", "0 unusable", "; ".join(problems[:4]))
            return
        unjudged = sum(signer.trusted is None for signer in signers.values())
        if unjudged:
            self.check(
                "trust_roots",
                None,
                f"{unjudged} members not judged",
                "0 members not judged",
                "the context has no trust roots"
                if self.context.by_certificate
                else "the context has no registered keys",
            )
        else:
            self.check("trust_roots", True, "0 members not judged", "0 members not judged", store.found)


def new_batch(context: ChainContext, threads: int | None) -> SignatureBatch:
    """A batch for blocks of this context and others with the same rules."""
    return SignatureBatch(der_rules="strict" if context.rules == "strict" else "go", threads=threads)


def validate_transactions(items: Sequence[bytes], context: ChainContext, threads: int | None) -> Verdicts:
    """Verdicts of transactions outside a block: header rules and every signature."""
    if context.hash is None and not context.by_certificate:
        raise InputError("context.hash", got="None", wanted="the chain's hash: its public keys sign with it")
    if context.clock == "block_timestamp":
        raise InputError("context.clock", got="'block_timestamp'", wanted="'now' or 'none': these are in no block")
    work = Validation(context, threads)
    tables = transactions.scan(Spans.joined(items), threads)
    header_rules = transactions.Rules(tables, context.chain_id, in_block=False)
    header_rules.apply()
    column = transactions.collect(header_rules)
    store = trust_store(context, context.hash or HASH_ORDER[0])
    signers = store.resolve(column.entries.names, work.time)
    enlisted = transactions.enlist(column, signers, work.batch, work.time)
    rules = AccessRules(context, admins=store.admins)
    transactions.decide(column, enlisted, signers, work.batch.run(), store, rules, strict=work.strict)
    return Verdicts(column.codes)
