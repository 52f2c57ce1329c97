"""Validates one block: from its bytes to a report."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pycore.base import parallel
from pycore.base.report import Check, Event, FabricReport, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts
from pycore.ledgers.fabric import orderers
from pycore.ledgers.fabric.block import CODES, LAST_CONFIG, SIGNATURES, Header, OpenBlock, open_block
from pycore.ledgers.fabric.channel import BLOCK_VALIDATION, Channel, ConfigError, channel_of, config_of
from pycore.ledgers.fabric.codes import BY_FORM, Code, describe
from pycore.ledgers.fabric.context import FabricContext
from pycore.ledgers.fabric.events import events_of
from pycore.ledgers.fabric.orderers import MetadataError
from pycore.ledgers.fabric.transactions import Judged, judge
from pycore.ledgers.runs import Step

STATE_NOT_CHECKED = (
    "signatures and form; state not checked: versions of what was read, ids in earlier blocks, chaincode definitions, "
    "policies of keys and collections"
)

_LARGE = 1 << 17
"""Bytes of a block from which a thread that hashes them is worth its start."""


@dataclass(slots=True, eq=False)
class Validation:
    """The validation of one block."""

    context: FabricContext
    threads: int | None
    checks: list[Check] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    signed: bool = False
    moved: Channel | None = None

    def run(self, data: bytes, *, events: bool = False) -> FabricReport:
        """The report of a serialised block. InputError when the bytes are not one."""
        started = time.perf_counter()
        block = open_block(data)
        channel = self.context.channel()
        header = block.header or Header(0, b"", b"")
        trusted = channel is not None and channel.header == header
        others = _Others(block, header, channel, self.context, trusted=trusted)
        work = parallel.start_tasks([others.data, others.orderers], self._helpers(block))
        try:
            self._structure(block)
            self._place(header)
            place = len(self.checks)
            self._lap("form", started)
            found = self._transactions(block, header, channel, trusted=trusted)
            work.finish()
        except BaseException:
            work.abandon()
            raise
        started = time.perf_counter()
        self.checks[place:place] = others.data_checks
        self._codes(block, found)
        self._channel(found, channel)
        self.checks += others.orderer_checks
        self.signed = others.signed
        self._configuration(block, header, channel, found, trusted=trusted)
        if found.counts["endorser_transactions"]:
            self.checks.append(Check("state", None, detail=STATE_NOT_CHECKED))
        self._lap("rest", started)
        return self._report(header, header.hash(self.context.hash), found,
                            events_of(block, found.codes) if events else None)  # fmt: skip

    def _helpers(self, block: OpenBlock) -> int:
        """How many threads share these checks: one where they take no longer than handing them over."""
        return parallel.resolve_threads(self.threads) if block.data.size >= _LARGE else 1

    # ---- checks ------------------------------------------------------------------------------------------------------

    def check(self, name: str, ok: bool | None, **more: Any) -> None:
        """Adds a check."""
        self.checks.append(Check(name, ok, **more))

    def _structure(self, block: OpenBlock) -> None:
        least = 5 if self.context.form == "fabric-x" else 1
        missing = [
            name
            for name, there in (
                ("header", block.header is not None),
                ("data", block.has_data and len(block.entries) > 0),
                (f"metadata ({least} or more)", len(block.metadata) >= least),
            )
            if not there
        ]
        detail = f"without {', '.join(missing)}" if missing else ""
        self.check("structure", not missing, got=f"{len(block.entries)} entries", detail=detail)

    def _place(self, header: Header) -> None:
        context = self.context
        if context.height is None:
            self.check("height", None, got=header.number, detail="the context has no height")
        else:
            self.check("height", header.number == context.height, got=header.number, wanted=context.height)
        wanted = b"" if header.number == 0 else context.previous_block_hash
        if wanted is None:
            detail = "the context has no hash of the block before"
            self.check("previous_hash", None, got=header.previous_hash, detail=detail)
        else:
            same = header.previous_hash == wanted
            self.check("previous_hash", same, got=header.previous_hash, wanted=wanted)

    def _transactions(self, block: OpenBlock, header: Header, channel: Channel | None, *, trusted: bool) -> Judged:
        started = time.perf_counter()
        batch = orderers.new_batch(self.context, self.threads)
        first = trusted and header.number == 0
        found = judge(block.data, block.entries, self.context, channel, batch, first=first)
        self._lap("transactions", started)
        odd = np.flatnonzero(~found.canonical)
        if self.context.release == "3" and not _is_config(block):
            detail = f"entry {odd[0]} is no envelope as protobuf writes it" if len(odd) else ""
            self.check("envelopes", not len(odd), got=len(block.entries) - len(odd), wanted=len(block.entries),
                       detail=detail, certainty="read")  # fmt: skip
        gm = "read" if self.context.gm or self.context.hash != "sha256" else ""
        if not found.undecided and np.isin(Verdict.UNSUPPORTED_ALGORITHM, found.verdicts).any():
            self.check("transactions", None, detail="some are by members of an MSP that cannot be read here")
        elif found.undecided:
            self.check("transactions", None, detail=found.undecided)
        else:
            self.check("transactions", True, got=int((found.codes == Code.VALID).sum()), certainty=gm)
        if found.unknown_policies:
            names = ", ".join(name[:40] for name in found.unknown_policies[:8])
            self.check("endorsement_policies", None, detail=f"the policies of {names} are only in the state")
        return found

    def _codes(self, block: OpenBlock, found: Judged) -> None:
        """The codes that a peer has written into the block against those found here."""
        written = block.position(CODES)
        if not written:
            self.check("validation_codes", None, detail="the block has no codes of a peer: orderers send none")
            return
        if len(written) != len(found.codes):
            self.check("validation_codes", False, got=len(written), wanted=len(found.codes),
                       detail="another number of codes than of transactions")  # fmt: skip
            return
        expected = found.codes.copy()
        for i, first in found.repeats.items():
            if written[first] not in _WHERE_IDS_COUNT and written[i] == Code.VALID:
                expected[i] = Code.VALID  # what the state decides made the first one invalid
        other = np.flatnonzero((np.frombuffer(written, np.uint8) != expected) & (expected != Code.NOT_VALIDATED))
        wrong = [i for i in other.tolist() if not _agree(written[i], int(expected[i]))]
        if wrong:
            i = wrong[0]
            detail = f"transaction {i}, the first of {len(wrong)}: {found.details.get(i, '')}"
            got, wanted = describe(written[i]), describe(int(found.codes[i]))
            self.check("validation_codes", False, got=got, wanted=wanted, detail=detail)
        elif (found.codes == Code.NOT_VALIDATED).any():
            self.check("validation_codes", None, detail="some transactions could not be judged")
        else:
            self.check("validation_codes", True, got=written.count(0), wanted=int((found.codes == 0).sum()))

    def _channel(self, found: Judged, channel: Channel | None) -> None:
        """Whether the first transaction is one of the channel. Peers of 2.x ask every block, later ones those that come
        from other peers, so that there the strict rules ask."""
        if self.context.rules != "strict" and self.context.release != "2":
            return
        wanted = self.context.channel_id or (channel.channel_id if channel is not None else "")
        if not wanted or found.channel_id is None:
            detail = "the channel is not known" if not wanted else "there is no transaction"
            self.check("channel_id", None, got=found.channel_id, detail=detail, certainty="read")
            return
        self.check("channel_id", found.channel_id == wanted, got=found.channel_id, wanted=wanted, certainty="read")

    def _configuration(
        self, block: OpenBlock, header: Header, channel: Channel | None, found: Judged, *, trusted: bool
    ) -> None:
        """The checks of a configuration block."""
        context = self.context
        if not found.configurations:
            return
        if len(block.entries) != 1:
            self.check("configuration", False, detail="a configuration that is not alone in its block")
            return
        try:
            channel_id, envelope = config_of(block.entries[0])
            new = channel_of(channel_id, envelope, header, rules=context.rules, gm=context.gm)
        except ConfigError as error:
            self.check("configuration", False, detail=str(error))
            return
        if channel is None:
            self.check("configuration", None, got=new.sequence, detail="no configuration is known to compare it with")
        elif trusted:
            self.check("configuration", True, got=new.sequence, wanted=channel.sequence)
        else:
            good = new.sequence == channel.sequence + 1 and new.channel_id == channel.channel_id
            detail = "" if good else "another channel, or not the next configuration of this one"
            self.check("configuration", good, got=new.sequence, wanted=channel.sequence + 1, detail=detail)
            detail = "who may change the configuration is not checked again: the orderers, whose signatures are, did"
            self.check("config_update", None, detail=detail)
            if good and found.codes[0] == Code.VALID and self.signed:
                self.moved = new

    # ---- the report --------------------------------------------------------------------------------------------------

    def _lap(self, name: str, started: float) -> None:
        self.timings[name] = time.perf_counter() - started

    def _report(
        self, header: Header, block_hash: bytes, found: Judged, events: tuple[Event, ...] | None
    ) -> FabricReport:
        verdicts = Verdicts(found.verdicts)
        faults = tuple(
            TransactionFault(index, verdicts[index], found.tx_ids[index], found.details[index])
            for index in sorted(found.details)
        )
        return FabricReport(
            chain="fabric",
            rules=self.context.rules,
            checks=tuple(self.checks),
            height=header.number,
            block_hash=block_hash,
            transactions=verdicts,
            faults=faults,
            counts=found.counts,
            timings=self.timings,
            events=events,
            codes=found.codes.tobytes(),
        )


class _Others:
    """The checks of a block that its transactions have nothing to do with."""

    def __init__(
        self, block: OpenBlock, header: Header, channel: Channel | None, context: FabricContext, *, trusted: bool
    ) -> None:
        self._block, self._header, self._channel, self._context = block, header, channel, context
        self._trusted = trusted
        self.data_checks: list[Check] = []
        self.orderer_checks: list[Check] = []
        self.signed = False

    def data(self) -> None:
        """Hashes the entries."""
        context, header = self._context, self._header
        wanted = self._block.data_hash(context.hash, lengths=context.data_lengths)
        certainty = "read" if context.data_lengths or context.hash != "sha256" else ""
        same = header.data_hash == wanted
        self.data_checks.append(Check("data_hash", same, header.data_hash, wanted, certainty=certainty))

    def orderers(self) -> None:
        """Verifies the orderers' signatures."""
        self.orderer_checks, self.signed = certificate_checks(
            self._block, self._header, self._channel, self._context, trusted=self._trusted
        )


def certificate_checks(
    block: OpenBlock, header: Header, channel: Channel | None, context: FabricContext, *, trusted: bool
) -> tuple[list[Check], bool]:
    """The checks on a block's signatures, and whether they make it final."""
    if trusted:
        return [Check("orderer_signatures", True, detail="the configuration block that the context trusts")], True
    if header.number == 0:
        detail = "nobody signs the first block: whether to trust it is for the reader to know"
        return [Check("orderer_signatures", None, detail=detail)], False
    if channel is None:
        return [Check("orderer_signatures", None, detail="no configuration block is known")], False
    certainty = "read" if channel.bft or context.form == "fabric-x" or context.gm else ""
    try:
        metadata = orderers.read_metadata(block.position(SIGNATURES), "signatures")
        signed = orderers.verify(metadata, header, channel, context)
        asked = context.rules == "strict" or context.form == "fabric-x"
        named = orderers.last_config(metadata, block.position(LAST_CONFIG)) if asked else None
    except MetadataError as error:
        return [Check("orderer_signatures", False, detail=str(error), certainty=certainty)], False
    flaws = "; ".join(f"signature {i}: {why}" for i, why in enumerate(signed.flaws) if why)[:400]
    detail = "" if signed.met else f"{BLOCK_VALIDATION} is not met{'; ' if flaws else ''}{flaws}"
    checks = [Check("orderer_signatures", signed.met, got=len(signed.signers), detail=detail, certainty=certainty)]
    if signed.quorum is not None and context.rules == "strict":
        decision = signed.quorum
        checks.append(Check("quorum", decision.reached, got=decision.got, wanted=decision.needed, certainty="read"))
    if named is not None:
        checks += _last_config(block, header, channel, context, named, old=not metadata.value)
    return checks, all(check.ok for check in checks)


def _last_config(
    block: OpenBlock, header: Header, channel: Channel, context: FabricContext, named: int, *, old: bool
) -> list[Check]:
    """Which block holds the configuration: Fabric's peers do not ask, Fabric-X does, and so do the strict rules. `old`:
    whether that stands in another place, with its own signatures."""
    wanted = header.number if _is_config(block) else channel.header.number
    if old:
        try:
            metadata = orderers.read_metadata(block.position(LAST_CONFIG), "metadata of the last configuration")
            signed = orderers.verify(metadata, header, channel, context).met
        except MetadataError as error:
            return [Check("last_config", False, detail=str(error), certainty="read")]
        if not signed:
            return [Check("last_config", False, got=named, detail="its own signatures do not hold", certainty="read")]
    return [Check("last_config", named == wanted, got=named, wanted=wanted, certainty="read")]


def _is_config(block: OpenBlock) -> bool:
    if len(block.entries) != 1:
        return False
    try:
        config_of(block.entries[0])
    except ConfigError:
        return False
    return True


_WHERE_IDS_COUNT = frozenset({Code.VALID, Code.MVCC_READ_CONFLICT, Code.PHANTOM_READ_CONFLICT})
"""Codes of transactions behind which the same id is a duplicate: conflicts are found later."""


def _agree(written: int, found: int) -> bool:
    """Whether a peer may have written that code. One that needs the state may stand where nothing wrong was found, and
    where the endorsements are not enough; a known id may stand for any fault that is looked for later."""
    if found == Code.NOT_VALIDATED or written == found:
        return True
    if found == Code.VALID:
        return written not in BY_FORM
    if found == Code.TARGET_CHAIN_NOT_FOUND:  # peers look for the creator among that other channel's members
        return written != Code.VALID
    if found in BY_FORM and found not in (Code.BAD_RWSET, Code.BAD_HEADER_EXTENSION, Code.BAD_RESPONSE_PAYLOAD):
        return False
    return written in (Code.DUPLICATE_TXID, Code.INVALID_CHAINCODE, Code.ENDORSEMENT_POLICY_FAILURE)


def step(block: bytes, context: FabricContext, *, threads: int | None) -> Step:
    """One block of a run: see :class:`pycore.ledgers.runs.Steps`."""
    validation = Validation(context, threads)
    report = validation.run(block)
    if validation.moved is None:
        configures = any(check.name == "configuration" for check in report.checks)
        trusted = any(check.name == "orderer_signatures" and check.ok and not check.got for check in report.checks)
        unclear = ""
        if configures and not trusted:
            unclear = f"block {report.height} holds a configuration that could not be verified"
        return Step(report, context, unclear)
    changed = Check("context_change", True, got="config_block")
    report = replace(report, checks=(*report.checks, changed))
    if not report.valid:
        return Step(report, context, f"block {report.height} holds a configuration and is not valid")
    return Step(report, context.replace(config_block=bytes(block)))
