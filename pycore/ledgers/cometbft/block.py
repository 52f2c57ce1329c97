"""One block from its messages to a report: which checks there are, in which order, and what each one compares."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pycore.base.deadline import checkpoint
from pycore.base.report import BlockReport, Check, Report
from pycore.base.verdicts import Verdicts
from pycore.consensus.commits import CommitReport, verify_certificate
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.ledgers.cometbft import consensus, encoding, hashes, structure
from pycore.ledgers.cometbft.context import CometbftContext, hash_of, held
from pycore.ledgers.cometbft.evidence_checks import check_attack, check_duplicate_vote, height_of, is_expired
from pycore.ledgers.cometbft.messages import ABSENT, SECOND, Block, BlockId, Commit, DuplicateVote, Evidence, LightBlock

CHAIN = "cometbft"
NO_VALIDATORS = "the context has no validators of this block"
NO_PREVIOUS = "the context has no validators of the block before"
NO_COMMIT = "the commit for a block is in the next one, which is not here"
FIRST = "the first block has no commit before it"


class Validation:
    """The work on one block. Made, used once, and thrown away.

    Attributes:
        block: its messages.
        block_id: recomputed from all of the block.
        checks, timings: made so far.
        behind: addresses of the validators whose votes make the block final; none where that is not known.
        next: validators of the next block; None where only their hash is known.
    """

    def __init__(
        self, block: Block, context: CometbftContext, *, claimed: BlockId | None = None, threads: int | None = None
    ) -> None:
        """claimed: the block id that an answer gives with the block."""
        self.threads = threads
        self.block, self.context, self.claimed = block, context, claimed
        self.header, self.commit = block.header, context.own_commit
        self.checks: list[Check] = []
        self.timings: dict[str, float] = {}
        self.behind: tuple[str, ...] = ()
        self.next: tuple[Validator, ...] | None = None
        self.known: dict[int, LightBlock] = {}
        self.first = self.header.height == context.initial_height
        self.own = None if context.validators is None else held(context.validators)
        self.previous = None if context.previous_validators is None else held(context.previous_validators)

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

    def compare(self, name: str, got: Any, wanted: Any, missing: str, detail: str = "") -> None:
        """Records that two values must agree; skipped, for the reason `missing`, where there is nothing to compare
        with."""
        if wanted is None:
            self.check(name, None, got, None, missing)
        else:
            self.check(name, got == wanted, got, wanted, "" if got == wanted else detail)

    # ---- the whole ---------------------------------------------------------------------------------------------------

    def run(self) -> BlockReport:
        """Validates the block."""
        with self.stage("hash"):
            data = encoding.block(self.block)
            self.block_id = BlockId(hashes.header_hash(self.header), *hashes.parts_of(data))
            self.place()
            self.content()
        with self.stage("validators"):
            self.validators()
        with self.stage("last_commit"):
            self.last_commit()
            self.time()
        with self.stage("evidence"):
            self.evidence()
        with self.stage("certificate"):
            self.certificate()
        counts = {
            "transactions": len(self.block.transactions),
            "evidence": len(self.block.evidence),
            "signatures": sum(slot.flag != ABSENT for slot in self.last.signatures),
        }
        return BlockReport(
            chain=CHAIN,
            rules=self.context.rules,
            checks=tuple(self.checks),
            height=self.header.height,
            block_hash=self.block_id.hash,
            transactions=Verdicts(b""),
            counts=counts,
            timings=self.timings,
            time=self.header.time_ns / SECOND,
        )

    @property
    def last(self) -> Commit:
        """The commit for the block before; an empty one where there is none."""
        return self.block.last_commit or Commit(0, 0, BlockId(), ())

    # ---- place and content -------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Structure, the place in the chain, and the block's id."""
        header, context = self.header, self.context
        faults = [f"header: {one}" for one in structure.header_faults(header)]
        if not header.validators_hash:
            faults.append("header: validators_hash is empty, so the block has no hash")
        faults += [f"last_commit: {one}" for one in structure.commit_faults(self.last)]
        if self.block.last_commit is None:
            faults.append("last_commit is absent")
        for i, one in enumerate(self.block.evidence):
            faults += [f"evidence[{i}]: {fault}" for fault in structure.evidence_faults(one)]
        self.check("structure", not faults, None, None, "; ".join(faults[: structure.MAX_FAULTS]))
        self.compare("chain_id", header.chain_id, context.chain_id, "the context names no chain")
        self.compare("height", header.height, context.height, "the context names no height")
        previous = b"" if self.first else context.previous_block_hash
        self.compare(
            "previous_hash", header.last_block_id.hash, previous, "the context has no hash of the block before"
        )
        claimed = self.claimed
        if claimed is None and self.commit is not None:
            claimed = self.commit.block_id
        missing = "neither an answer's block id nor a commit is here"
        self.compare("block_hash", None if claimed is None else claimed.hash,
                     None if claimed is None else self.block_id.hash, missing)  # fmt: skip
        shown = [
            None if one is None else f"{one.parts_total}:{one.parts_hash.hex()}" for one in (claimed, self.block_id)
        ]
        self.compare("parts", shown[0], None if claimed is None else shown[1], missing)

    def content(self) -> None:
        """The header's hashes of the rest of the block, and of the state, where that is known."""
        header, context = self.header, self.context
        for name, got, wanted in (
            ("tx_root", header.data_hash, hashes.data_hash(self.block.transactions)),
            ("last_commit_hash", header.last_commit_hash, hashes.commit_hash(self.last)),
            ("evidence_hash", header.evidence_hash, hashes.evidence_hash(self.block.evidence)),
        ):
            self.check(name, got == wanted, got, wanted)
        for name in ("app_hash", "consensus_hash", "last_results_hash"):
            wanted_by_state = getattr(context, name)
            if wanted_by_state is not None:
                self.compare(name, getattr(header, name), wanted_by_state, "")

    # ---- validators --------------------------------------------------------------------------------------------------

    def validators(self) -> None:
        """The sets that the header names, and the proposer among them."""
        header, own = self.header, self.own
        self.compare("validators_hash", header.validators_hash, None if own is None else own.hash, NO_VALIDATORS)
        self._schemes()
        known = (() if own is None else (self.context.validators,)) + self.context.later_validators
        self.next = next((one for one in known if one and hash_of(one) == header.next_validators_hash), None)
        found = self.next is not None
        detail = "" if found else "validators of the next block are known by their hash only"
        self.check("next_validators", True if found else None, header.next_validators_hash, None, detail)
        if own is None:
            self.check("proposer", None, header.proposer_address, None, NO_VALIDATORS)
        else:
            among = own.index(header.proposer_address) is not None
            self.check("proposer", among, header.proposer_address, None, "" if among else "not a validator")

    def _schemes(self) -> None:
        """Keys that the release does not have."""
        line = self.context.line
        if line is None or self.own is None:
            return
        others = sorted({one.scheme for one in self.own.validators} - set(line.schemes))
        self.check("schemes", not others, ", ".join(others) or None, ", ".join(line.schemes),
                   f"validators whose keys CometBFT {line.name} does not have" if others else "")  # fmt: skip

    # ---- the block before --------------------------------------------------------------------------------------------

    def last_commit(self) -> None:
        """The votes for the block before: theirs are all that are there, those for no block too."""
        header, last = self.header, self.last
        if self.first:
            empty = not last.signatures and header.last_block_id.is_nil
            self.check("last_commit", empty, len(last.signatures), 0, "" if empty else FIRST)
            return
        place = (last.height, last.block_id) == (header.height - 1, header.last_block_id)
        detail = "" if place else "the commit is for another block than the one before"
        self.check("last_block_id", place, last.block_id.hash, header.last_block_id.hash, detail)
        if self.previous is None:
            self.check("last_commit", None, None, None, NO_PREVIOUS)
            return
        report = self._votes(self.previous, last, "full")
        self._outcome("last_commit", report)

    def _votes(self, validators: ValidatorSet, commit: Commit, mode: str) -> CommitReport:
        certificate = consensus.certificate(self.header.chain_id, commit)
        return verify_certificate(validators, certificate, mode=mode, threads=self.threads)

    def _outcome(self, name: str, report: Report) -> None:
        """One check of all that a commit's report says."""
        wrong = [*report.failed, *report.skipped]
        got, needed = None, None
        if isinstance(report, CommitReport) and report.decision is not None:
            got, needed = report.decision.got, report.decision.needed
        ok = False if report.failed else None if report.skipped else True
        self.check(name, ok, got, needed, "; ".join(map(str, wrong)))

    def time(self) -> None:
        """After the block before; and the median of the votes for it, weighted by power."""
        header, context = self.header, self.context
        before, line = context.previous_time, context.line
        if self.first:
            exact = line is not None and not line.proposer_time
            if before is None or line is None:
                self.check("time", None, header.time_ns, before, "the genesis time or the release is not known")
            else:
                ok = header.time_ns == before if exact else header.time_ns >= before
                self.check("time", ok, header.time_ns, before, "" if ok else "the genesis time")
            return
        if before is not None and header.time_ns <= before:
            self.check("time", False, header.time_ns, before, "not after the time of the block before")
            return
        if context.proposer_time:
            detail = "the time of the block before is not known"
            self.check(
                "time", None if before is None else True, header.time_ns, before, detail if before is None else ""
            )
            return
        if self.previous is None:
            self.check("time", None, header.time_ns, None, NO_PREVIOUS)
            return
        median = median_time(self.last, self.previous)
        if header.time_ns != median:
            self.check("time", False, header.time_ns, median, "not the median of the votes for the block before")
        elif before is None:
            self.check("time", None, header.time_ns, median, "the time of the block before is not known")
        else:
            self.check("time", True, header.time_ns, median)

    # ---- evidence ----------------------------------------------------------------------------------------------------

    def evidence(self) -> None:
        """Each piece by itself; one check for each that does not hold or cannot be judged, else one for all."""
        rows, seen = self.block.evidence, set()
        size = sum(len(encoding.message(1, encoding.evidence_union(one))) for one in rows)
        most = self.context.max_evidence_bytes
        self.check("evidence_size", size <= most, size, most, "" if size <= most else "more than a block may have")
        if size > most:
            return
        self.known = self.context.by_height() if rows else {}
        before = len(self.checks)
        for i, one in enumerate(rows):
            name = f"evidence[{i}]"
            own = hashes.evidence_id(one)
            if own in seen:
                self.check(name, False, own, None, "the same evidence twice")
            seen.add(own)
            if (age := self._age(one)) is not None:
                self.check(name, *age)
                continue
            report, missing = self._judged(one)
            if report is None:
                self.check(name, None, own, None, missing)
            elif report.failed or report.skipped:
                self._outcome(name, report)
        if len(self.checks) == before:
            self.check("evidence", True, len(rows), len(rows))

    def _age(self, value: Evidence) -> tuple[bool | None, Any, Any, str] | None:
        """Why evidence is too old, or cannot be told to be young enough; None where it is."""
        context, header = self.context, self.header
        if height_of(value) >= header.height:
            return False, height_of(value), header.height - 1, "evidence of a height that the chain has not reached"
        if context.max_age_blocks is None or context.max_age_ns is None or context.previous_time is None:
            return None, None, None, "the context does not say how old evidence may be"
        old = is_expired(
            value,
            height=header.height - 1,
            time_ns=context.previous_time,
            max_age_blocks=context.max_age_blocks,
            max_age_ns=context.max_age_ns,
        )
        return (False, value.time_ns, context.previous_time, "evidence that is too old") if old else None

    def _judged(self, value: Evidence) -> tuple[Report | None, str]:
        """The report of evidence; None, and what is missing, where it cannot be made."""
        context, height = self.context, height_of(value)
        base = self.known.get(height)
        if isinstance(value, DuplicateVote):
            if base is not None:
                validators, time_ns = held(_rows(base)), base.signed_header.header.time_ns
            elif height == self.header.height - 1 and self.previous is not None:
                validators, time_ns = self.previous, context.previous_time  # type: ignore[assignment]
            else:
                return None, f"the context has no light block of height {height}"
            return check_duplicate_vote(value, validators, self.header.chain_id, time_ns=time_ns), ""
        shown = value.conflicting.signed_header.header.height
        trusted = self.known.get(min(shown, self.header.height - 1))
        if base is None or trusted is None:
            missing = height if base is None else min(shown, self.header.height - 1)
            return None, f"the context has no light block of height {missing}"
        old = context.line is not None and context.line.nil_counts
        return check_attack(value, base, trusted.signed_header, nil_counts=old, rules=context.rules), ""

    # ---- the commit for this block -----------------------------------------------------------------------------------

    def certificate(self) -> None:
        """The votes for this block. Rules "strict" check every one that is there, "compatible" as many as it takes."""
        commit = self.commit
        if commit is None or self.own is None:
            missing = NO_COMMIT if commit is None else NO_VALIDATORS
            self.check("certificate", None, None, None, missing)
            self.check("quorum", None, None, None, missing)
            return
        wrong = [] if commit.height == self.header.height else [f"the commit is for height {commit.height}"]
        wrong += [] if commit.block_id == self.block_id else ["the commit is for another block"]
        wrong += [f"commit: {one}" for one in structure.commit_faults(commit)]
        report = self._votes(self.own, commit, "full" if self.context.strict else "light")
        others = [one for one in (*report.failed, *report.skipped) if one.name != "quorum"]
        ok = False if wrong or any(one.ok is False for one in others) else None if others else True
        good = int(report.verdicts.valid.sum())
        self.check("certificate", ok, good, len(report.verdicts), "; ".join([*wrong, *map(str, others)]))
        quorum = report.check("quorum")
        reached = False if wrong else quorum.ok
        self.check("quorum", reached, quorum.got, quorum.wanted, wrong[0] if wrong else quorum.detail)
        if reached and ok and report.decision is not None:
            voted = [self.own.addresses[int(position)] for position in report.decision.counted]  # type: ignore[call-overload]
            self.behind = tuple(address.hex().upper() for address in voted)


def _rows(block: LightBlock) -> tuple[Validator, ...]:
    return block.validators.validators


def median_time(commit: Commit, validators: ValidatorSet) -> int | None:
    """The median of a commit's times, weighted by power (types/time/time.go); None where nobody voted."""
    powers = {address: int(power) for address, power in zip(validators.addresses, validators.powers, strict=True)}
    rows = sorted(
        (slot.time_ns, powers[slot.address])
        for slot in commit.signatures
        if slot.flag != ABSENT and slot.address in powers
    )
    left = sum(power for _, power in rows) // 2
    for time_ns, power in rows:
        if left <= power:
            return time_ns
        left -= power
    return None
