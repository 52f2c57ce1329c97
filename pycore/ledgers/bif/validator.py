"""One block from bytes to report: which checks there are, in which order, and what each one compares."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from pycore.base.deadline import checkpoint
from pycore.base.report import BlockReport, Check, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.bif import certificate, headers, transactions, xbft
from pycore.ledgers.bif.block import OpenBlock, open_block
from pycore.ledgers.bif.certificate import Outcome
from pycore.ledgers.bif.context import BifContext, Validator, input_validators
from pycore.ledgers.bif.headers import GENESIS, Header
from pycore.ledgers.bif.messages import LedgerHeader, ValidatorSet
from pycore.ledgers.scan import Spans

_FIRST_BLOCK = "the first block has no proof: it is trusted from elsewhere"
_NO_PROOF = "the proof of a block comes with the next one, which is not here"
_NO_VALIDATORS = "the context has no validators for this block"
_NO_VALUE = "the block came without its consensus value"
_TXS = "block.consensus_value.txset.txs"
_HASH = 32


class Validation:
    """The work on one block. Made, used once, and thrown away.

    Attributes:
        block: in parts.
        found: its transactions; none where it came without its consensus value.
        after: validators after the block; None where they are not known.
        upgraded: whether the block's consensus value itself names them.
        value_hash: of the consensus value, recomputed; b"" where the block came without.
        stale: whether the context is of an earlier block, by its `previous_header`: then its validators and nonces are
            left aside.
    """

    def __init__(self, context: BifContext, threads: int | None) -> None:
        self.context = context
        self.threads = threads
        self.checks: list[Check] = []
        self.timings: dict[str, float] = {}
        self.after: tuple[Validator, ...] | None = None
        self.upgraded = False
        self.stale = False
        self.value_hash = b""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of a block of code to the named stage."""
        checkpoint()
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - started

    def check(
        self, name: str, ok: bool | None, got: Any = None, wanted: Any = None, detail: str = "", certainty: str = ""
    ) -> None:
        """Records a check."""
        self.checks.append(Check(name, ok, got, wanted, detail, certainty))

    def compare(self, name: str, got: Any, wanted: Any, missing: str) -> None:
        """Records that two values must agree; skipped, for the reason `missing`, when there is nothing to compare."""
        if wanted is None:
            self.check(name, None, got, None, missing)
        else:
            self.check(name, got == wanted, got, wanted)

    # ---- the whole ---------------------------------------------------------------------------------------------------

    def run(self, data: bytes) -> BlockReport:
        """Validates a block."""
        with self.stage("parse"):
            self.block = open_block(data, self.context.variant)
            if self.is_stale(self.block):  # of another block: what moved since then is not known
                self.stale = True
                self.context = self.context.replace(
                    validators=(), previous_validators=None, next_validators=(), handover=False, nonces=None
                )
            self.found = self.scanned(self.block)
        with self.stage("transactions"):
            self.verify_transactions()
        with self.stage("hash"):
            self.header_checks(self.block)
            self.value_checks(self.block)
        with self.stage("decide"):
            self.transaction_checks()
        with self.stage("certificate"):
            self.validator_checks(self.block)
            self.certificate_checks(self.block)
            self.header_proof_check(self.block)
            self.previous_proof_check(self.block)
        return self.report()

    def is_stale(self, block: OpenBlock) -> bool:
        """Whether the context's header of the block before is of another height."""
        before = self.before()
        return before is not None and before.seq + 1 != block.header.seq

    def before(self) -> Header | None:
        """The context's header of the block before."""
        context = self.context
        if context.previous_header is None:
            return None
        return headers.read_header(context.previous_header, context.variant, "context.previous_header")

    def scanned(self, block: OpenBlock) -> transactions.Transactions:
        """The columns of the block's transactions. InputError where bytes are not one."""
        empty = Spans(np.zeros(0, np.uint8), np.zeros((0, 2), np.int64))
        read = block.value is not None and self.context.variant == "bif"
        records = block.value.transactions if read and block.value is not None else empty
        header, context = block.header, self.context
        chain_id = header.chain_id if context.chain_id is None else context.chain_id
        found = transactions.scan(records, context, seq=header.seq, chain_id=chain_id, called=_TXS)
        transactions.require_records(found)
        return found

    def report(self) -> BlockReport:
        """Everything that was found, as the caller gets it."""
        found, codes = self.found, self.found.codes
        wrong = np.flatnonzero(codes != int(Verdict.VALID)).tolist()
        blobs = found.blobs()
        faults = tuple(
            TransactionFault(i, Verdict(int(codes[i])), hash_one("sha256", blobs[i]).hex(), found.details.get(i, ""))
            for i in wrong
        )
        counts = {
            "bytes": self.block.size,
            "transactions": len(found),
            "invalid": len(faults),
            "signatures": len(found.outcomes),
            "keys": 0 if found.keys is None else len(found.keys),
            "ignored_signatures": found.ignored,
            "unread": self.unread,
        }
        return BlockReport(
            chain="bif",
            rules=self.context.rules,
            height=self.block.header.seq,
            block_hash=self.block_hash,
            checks=tuple(self.checks),
            transactions=Verdicts(codes),
            faults=faults,
            counts=counts,
            timings=self.timings,
        )

    # ---- header and consensus value ----------------------------------------------------------------------------------

    def header_checks(self, block: OpenBlock) -> None:
        """Structure, chain, place in the chain, and the header's hash."""
        header, context = block.header, self.context
        lengths = {name: len(getattr(header, name)) for name in ("hash", "consensus_value_hash", "validators_hash")}
        lengths["previous_hash"] = len(header.previous_hash) or (_HASH if header.seq == GENESIS else 0)
        wrong = [name for name, length in lengths.items() if length != _HASH]
        wrong += ["encoding"] if context.strict and not block.written else []
        detail = "missing, out of range or not as a writer puts it: " + ", ".join(wrong) if wrong else ""
        self.check("structure", not wrong, ", ".join(wrong) or "complete", "complete", detail)
        self.compare("chain_id", header.chain_id, context.chain_id, "the context names no chain")
        self.compare("height", header.seq, context.height, "the context names no height")
        previous = context.previous_block_hash
        self.compare("previous_hash", header.previous_hash, previous, "the context has no hash of the block before")
        self.block_hash_check(block)

    def block_hash_check(self, block: OpenBlock) -> None:
        """The header's hash. A BUMO block's covers the transactions after execution, which are not here."""
        header = block.header
        if self.context.variant == "bif":
            self.block_hash = headers.block_hash(header)
            self.check("block_hash", header.hash == self.block_hash, header.hash, self.block_hash)
            return
        records = [] if block.value is None else block.value.transactions.items()
        self.block_hash = headers.block_hash(header, records)
        if header.hash == self.block_hash or (not records and block.value is not None):
            certainty = "read" if records else ""
            self.check("block_hash", header.hash == self.block_hash, header.hash, self.block_hash, "", certainty)
        else:
            why = "the hash covers what transactions did, and those that contracts put out, which are not in the block"
            self.check("block_hash", None, header.hash, self.block_hash, why, "read")

    def value_checks(self, block: OpenBlock) -> None:
        """The consensus value, which validators vote for: its hash, and that the header has what it says."""
        header, value = block.header, block.value
        if value is None:
            self.check("consensus_value_hash", None, header.consensus_value_hash, None, _NO_VALUE)
            self.check("consensus_value", None, None, None, _NO_VALUE)
            return
        certainty = "read" if self.context.variant == "bif" else ""
        made = self.value_hash
        stated = header.consensus_value_hash
        self.check("consensus_value_hash", stated == made, stated, made, "", certainty)
        got = (header.seq, header.close_time, header.previous_hash.hex())
        wanted = (value.seq, value.close_time, value.previous_hash.hex())
        genesis = header.seq == GENESIS  # made from the configuration, not by agreement
        detail = "the first block was not agreed on" if genesis else ""
        names = ("height", "close_time", "previous_hash")
        unequal = [f"{name} {a}" for name, a, b in zip(names, got, wanted, strict=True) if a != b]
        rest = [f"{name} {b}" for name, a, b in zip(names, got, wanted, strict=True) if a != b]
        shown = ", ".join(unequal) or "equal", ", ".join(rest) or "equal"
        self.check("consensus_value", None if genesis else not unequal, *shown, detail, "read")

    # ---- transactions ------------------------------------------------------------------------------------------------

    @property
    def unread(self) -> int:
        """Transactions of the block that are not read: BUMO's have other fields than BIF's."""
        value = self.block.value
        return 0 if value is None or self.context.variant == "bif" else len(value.transactions)

    def verify_transactions(self) -> None:
        """Every signature; the same threads hash the consensus value."""
        value = self.block.value
        if value is None:
            return

        def hash_value() -> None:
            self.value_hash = hash_one("sha256", value.data)

        transactions.judge_form(self.found)
        transactions.verify(self.found, self.threads, [hash_value])

    def transaction_checks(self) -> None:
        """Verdicts of all transactions, and whether the context sufficed for them."""
        found, value = self.found, self.block.value
        if value is None:
            self.check("transactions", None, None, None, _NO_VALUE)
            return
        transactions.decide_signers(found)
        transactions.judge_nonces(found)
        invalid = int((found.codes != int(Verdict.VALID)).sum())
        ok: bool | None = not invalid
        detail = ""
        if ok and value.packed:
            ok, detail = None, "the consensus value has transactions in a form that is not public"
        elif self.unread:
            ok, detail = None, f"{self.unread} transactions of BUMO's layout, which are not read"
        self.check("transactions", ok, f"{invalid} invalid", "0 invalid", detail)
        for name, count, why in (
            ("accounts", found.unjudged, "are by accounts of which the context does not say who may sign"),
            ("nonces", found.unplaced, "are by accounts of which the context does not know the nonce"),
            ("domains", found.elsewhere, "are of other domains than 0, and the context names none"),
        ):
            count += self.unread
            detail = f"{count} transactions {why}" if count and not self.unread else detail
            self.check(name, None if count else True, f"{count} not judged", "0 not judged", detail, "read")

    # ---- validators and proofs ---------------------------------------------------------------------------------------

    def validator_checks(self, block: OpenBlock) -> None:
        """Whose hash the header states: those who sign this block, or others from the next one on."""
        stated, context = block.header.validators_hash, self.context
        if not context.validators:
            self.check("validators", None, stated, None, _NO_VALIDATORS)
            return
        current = _set_hash(context.validators)
        if stated == current:
            self.after = context.validators
            self.check("validators", True, stated, current)
            return
        why = "the header names other validators for the next block, which are not given"
        try:
            candidates = self.candidates(block)
        except InputError as error:
            candidates, why = [], str(error)
        for validators, upgraded in candidates:
            if validators and _set_hash(validators) == stated:
                self.after, self.upgraded = validators, upgraded
                detail = f"{len(validators)} others from the next block on"
                self.check("validators", True, stated, stated, detail)
                return
        self.check("validators", None, stated, current, why)

    def candidates(self, block: OpenBlock) -> list[tuple[tuple[Validator, ...], bool]]:
        """Sets that the header may mean, and whether the consensus value itself names them."""
        found = [(self.context.next_validators, False)]
        if block.validators is not None:
            given = input_validators(block.validators, "block.validators", self.context.variant)
            found.append((given, False))
        if block.value is not None and block.value.upgraded:
            listed = ValidatorSet.FromString(headers.write_validators((a, 0) for a in block.value.upgraded))
            found.insert(
                0, (input_validators(listed, "block.consensus_value.ledger_upgrade", self.context.variant), True)
            )
        return found

    def certificate_checks(self, block: OpenBlock) -> None:
        """The proof of this block, and after a change of validators that those before agree."""
        self.checks += certificate_checks(block.header, block.next_proof, self.context, _data(block))

    def header_proof_check(self, block: OpenBlock) -> None:
        """Whether the header is final: the next consensus value names its hash, and is proven by the validators of the
        next block, among them a quorum of this one's."""
        name, value, context = "header_proof", block.next_value, self.context
        why = ""
        if value is None or not block.after_proof:
            why = "the next block's consensus value fixes the header; it or its proof is not here"
        elif self.after is None:
            why = "the validators of the next block are not known"
        if why:
            self.check(name, None, None, None, why, "read")
            return
        assert value is not None
        assert self.after is not None
        outcome = judge_next(block.header, value.data, block.after_proof, self.after, context)
        decision = outcome.decision
        if not decision.reached:  # whatever it says, nobody has agreed on it
            detail = f"the next block's consensus value is not proven: {outcome.objection or 'no quorum'}"
            self.check(name, None, decision.got, decision.needed, detail, "read")
            return
        got, wanted = (value.seq, value.previous_hash.hex()), (block.header.seq + 1, self.block_hash.hex())
        if got != wanted:
            shown = [f"{height}, after {digest}" for height, digest in (got, wanted)]
            why = "validators agreed on another block before the next one"
            self.check(name, False, shown[0], shown[1], why, "read")
            return
        if self.after != context.validators:
            decision = certificate.handed_over(outcome, context.validators)
        ok = True if decision.reached else None
        why = "" if ok else "too few of the validators before the change agree with it to prove it"
        self.check(name, ok, decision.got, decision.needed, why, "read")

    def previous_proof_check(self, block: OpenBlock) -> None:
        """The proof of the block before that this one carries: part of what makes this one acceptable."""
        name, context, seq = "previous_proof", self.context, block.header.seq
        if seq <= GENESIS:
            return
        proof = block.previous_proof
        if seq == GENESIS + 1 and proof is not None:
            self.check(name, not proof, f"{len(proof)} bytes", "0 bytes", "the first block has no proof", "read")
            return
        before = self.before()
        why = ""
        if proof is None:
            why = _NO_VALUE
        elif before is None or self.stale or not _is(before, context):
            why = "the context has no header of the block before"
        signers = context.validators if context.previous_validators is None else context.previous_validators
        if why or not signers:
            self.check(name, None, None, None, why or _NO_VALIDATORS, "read")
            return
        assert before is not None
        assert proof is not None
        outcome = judge(before, proof, signers, context, None)
        decision = outcome.decision
        self.check(name, decision.reached, decision.got, decision.needed, outcome.objection, "read")


def _is(header: Header, context: BifContext) -> bool:
    """Whether a header is of the block before, as far as that is known. BUMO's hash covers more than the header."""
    if context.previous_block_hash is None or context.variant != "bif":
        return True
    return headers.block_hash(header) == context.previous_block_hash


def _data(block: OpenBlock) -> bytes | None:
    return None if block.value is None else block.value.data


def _set_hash(validators: Sequence[Validator]) -> bytes:
    return headers.validators_hash((one.address, one.pledge) for one in validators)


def judge(
    header: Header, proof: bytes, validators: Sequence[Validator], context: BifContext, value: bytes | None
) -> Outcome:
    """A proof of a block's consensus value, by the consensus of the context. value: its bytes, where they are known."""
    digest = header.consensus_value_hash
    if context.consensus == "xbft":
        return xbft.judge_xbft(proof, digest, header.seq, validators, context, value)
    chain_id = header.chain_id if context.chain_id is None else context.chain_id
    return certificate.judge_pbft(proof, digest, header.seq, chain_id, validators, context)


def judge_next(
    header: Header, next_value: bytes, proof: bytes, validators: Sequence[Validator], context: BifContext
) -> Outcome:
    """A proof of the consensus value that follows a block."""
    digest = hash_one("sha256", next_value)
    chain_id = header.chain_id if context.chain_id is None else context.chain_id
    following = LedgerHeader(seq=header.seq + 1, consensus_value_hash=digest, chain_id=chain_id)
    return judge(following, proof, validators, context, next_value)


def certificate_checks(
    header: Header, proof: bytes, context: BifContext, value: bytes | None = None
) -> tuple[Check, ...]:
    """The checks `certificate`, `quorum` and, after a change of validators, `handover`."""
    names = ("certificate", "quorum", "handover") if context.handover else ("certificate", "quorum")
    why = ""
    if header.seq <= GENESIS:
        why = _FIRST_BLOCK
    elif not proof:
        why = _NO_PROOF
    elif not context.validators:
        why = _NO_VALIDATORS
    if why:
        return tuple(Check(name, None, detail=why, certainty="read") for name in names)
    outcome = judge(header, proof, context.validators, context, value)
    checks = certificate.outcome_checks(outcome)
    if not context.handover:
        return checks
    decision = certificate.handed_over(outcome, context.previous_validators or ())
    detail = "" if decision.reached else "too few of the validators before the change agree with it to prove it"
    ok = True if decision.reached else None
    return (*checks, Check("handover", ok, decision.got, decision.needed, detail))
