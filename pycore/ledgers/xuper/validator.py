"""Validates one block: :mod:`pycore.ledgers.xuper` lists the checks."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycore.base.report import BlockReport, Check, Event, TransactionFault
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import InputError
from pycore.ledgers.xuper import certificate, headers, records
from pycore.ledgers.xuper.block import OpenBlock, open_block, open_header
from pycore.ledgers.xuper.columns import Columns, open_transactions
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.keys import SM2, Keys
from pycore.ledgers.xuper.messages import shorten
from pycore.ledgers.xuper.signatures import Claims
from pycore.ledgers.xuper.transactions import MAX_VERSION, Judged, judge, rows_of

CHAIN = "xuperchain"
READ = "read"
_TX_ID = re.compile(r"[0-9a-f]{64}").fullmatch


class HeaderChecks:
    """The checks that a header allows, with the signatures that they need.

    Attributes:
        checks: made so far.
        block_id: recomputed.
        behind: validators who stand behind the block, once it is certified.
    """

    def __init__(self, header: Any, context: XuperContext, following: Any = None, *, justified: bool = True) -> None:
        """following: the next block's header; None: that of the context, if it has one. justified: whether there is to
        be a check of the certificate that the block carries, which is that of the block before."""
        self.header, self.context = header, context
        self.checks: list[Check] = []
        self.block_id = headers.block_id(header)
        self.genesis = header.height == 0 and not header.pre_hash
        self.behind: tuple[str, ...] = ()
        self._claims = Claims(strict=context.strict)
        if following is None and context.next_block is not None:
            following = open_header(context.next_block, "context.next_block")
        self._next = following
        self._next_id = b"" if self._next is None else headers.block_id(self._next)
        self._proposer = self._claim(header, self.block_id)
        self._next_proposer = -1 if self._next is None else self._claim(self._next, self._next_id)
        self._judge_own = justified
        self._own = self._votes(header, header.pre_hash, self._parent_term()) if justified else None
        self._votes_for = self._votes(self._next, self.block_id, header.cur_term)

    def _claim(self, header: Any, digest: bytes) -> int:
        address = header.proposer.decode("utf-8", "replace")
        return self._claims.add(header.pubkey, address, header.sign, digest)

    def _parent_term(self) -> int | None:
        return self.context.previous_term

    def _votes(self, carrier: Any, block_id: bytes, term: int | None) -> certificate.Votes | None:
        """The votes for a block, if a certificate is there and its validators are known."""
        voters = self.context.voters(term)
        if carrier is None or not voters or not carrier.HasField("justify") or not headers.is_hash(block_id):
            return None
        return certificate.Votes.enlist(carrier.justify, block_id, voters, self._claims)

    def check(self, name: str, ok: bool | None, got: Any = None, wanted: Any = None, detail: str = "", *,
              certainty: str = "") -> None:  # fmt: skip
        """Records a check."""
        self.checks.append(Check(name, ok, got, wanted, detail, certainty))

    def compare(self, name: str, got: Any, wanted: Any, missing: str, detail: str = "") -> None:
        """Records that two values must agree; skipped, for the reason `missing`, where there is nothing to compare
        with."""
        if wanted is None:
            self.check(name, None, got, None, missing)
        else:
            self.check(name, got == wanted, got, wanted, detail)

    # ---- place and id ------------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Structure, the place in the chain, and the id."""
        header, context = self.header, self.context
        unsigned = self.genesis
        missing = [
            name
            for name, absent in (
                ("blockid", not headers.is_hash(header.blockid)),
                ("pre_hash", not headers.is_hash(header.pre_hash) and not self.genesis),
                ("merkle_root", not headers.is_hash(header.merkle_root)),
                ("proposer", not header.proposer and not unsigned),
                ("sign", not header.sign and not unsigned),
                ("pubkey", not header.pubkey and not unsigned),
            )
            if absent
        ]
        detail = "missing or of the wrong length: " + ", ".join(missing) if missing else ""
        self.check("structure", not missing, ", ".join(missing) or "complete", "complete", detail)
        detail = "no hash covers it: it is the height of the block before and one"
        self.compare("height", header.height, context.height, "the context names no height", detail)
        previous = context.previous_block_hash
        self.compare("previous_hash", header.pre_hash, previous, "the context has no hash of the block before")
        self.check("block_hash", header.blockid == self.block_id, header.blockid, self.block_id)
        self._failed()

    def _failed(self) -> None:
        """The id covers the reasons, one after another without lengths: strict takes none that could hold a number of
        those that follow."""
        failed = self.header.failed_txs
        bad = [key for key in failed if not _TX_ID(key)] if self.context.strict else []
        odd = [key for key in failed if "\0" in failed[key]] if self.context.strict else []
        detail = ""
        if bad:
            detail = f"not the id of a transaction: {shorten(bad[0])!r}"
        elif odd:
            detail = f"a zero byte in the reason of {shorten(odd[0])}"
        elif failed:
            detail = "no hash covers the ids, only their order"
        self.check("failed_txs", not bad and not odd, f"{len(failed)} failed", None, detail, certainty=READ)

    # ---- signatures --------------------------------------------------------------------------------------------------

    def signed(self, threads: int | None) -> None:
        """The proposer's signature, and the certificates."""
        verdicts, keys = self._claims.run(threads)
        self._proposed(verdicts, keys)
        if self._judge_own:
            self._justified(verdicts)
        self._certified(verdicts, keys)

    def _proposed(self, verdicts: list[Verdict], keys: Keys) -> None:
        if self.genesis:
            self.check("proposer_signature", None, "no proposer", "VALID", "a first block is not signed")
            return
        header, context = self.header, self.context
        verdict, kind = self._curve(verdicts, keys, self._proposer)
        proposer = shorten(header.proposer.decode("utf-8", "replace"), 64)
        found = keys.address(self._proposer)
        certainty = READ if kind == SM2 else ""
        self.check("proposer", bool(found) and found == proposer, proposer, found, certainty=certainty)
        self.check("proposer_signature", verdict == Verdict.VALID, verdict.name, "VALID", certainty=certainty)
        voters = context.voters(header.cur_term)
        if voters:
            detail = "whether it was its turn is not checked"
            self.check("validators", proposer in voters, proposer, f"one of {len(voters)}", detail, certainty=READ)
        else:
            detail = "the context does not name the validators of the block's term"
            self.check("validators", None, proposer, None, detail, certainty=READ)

    def _curve(self, verdicts: list[Verdict], keys: Keys, place: int) -> tuple[Verdict, int]:
        """The verdict of a proposer, whose key must be on the chain's curve."""
        kind = int(keys.kinds[place])
        wanted = {None: kind, "p-256": 1, "sm2": 2}[self.context.crypto]
        if verdicts[place] == Verdict.VALID and kind != wanted:
            return Verdict(Verdict.UNSUPPORTED_ALGORITHM), kind
        return verdicts[place], kind

    def _justified(self, verdicts: list[Verdict]) -> None:
        """The certificate that the block carries, of the block before."""
        header, context = self.header, self.context
        if context.consensus in ("single", "none") and not header.HasField("justify"):
            return
        first = context.start_height is not None and header.height <= context.start_height
        voters = context.voters(self._parent_term())
        if self.genesis or first:
            self.check("justify", True, "none needed", None, "the consensus begins here", certainty=READ)
        elif not header.HasField("justify"):
            if len(voters) == 1 and context.consensus == "chained-bft":
                self.check("justify", True, "none needed", None, "the only validator needs no votes", certainty=READ)
            else:
                ok = False if context.consensus == "chained-bft" and context.start_height is not None else None
                detail = "the block carries no certificate of the block before; the context does not say that it has to"
                self.check("justify", ok, "none", None, "" if ok is False else detail, certainty=READ)
        elif self._own is None:
            detail = "the context does not name the validators of the block before"
            self.check("justify", None, None, None, detail, certainty=READ)
        else:
            proposer = self._collector(header, verdicts[self._proposer])
            found, _ = certificate.check("justify", self._own, verdicts, strict=context.strict,
                                         height=header.height - 1, proposer=proposer)  # fmt: skip
            self.checks.append(found)

    def _certified(self, verdicts: list[Verdict], keys: Keys) -> None:
        """What makes this block final: the next block's justify."""
        header, context = self.header, self.context
        voters = context.voters(header.cur_term)
        signed = verdicts[self._proposer] == Verdict.VALID
        proposer = header.proposer.decode("utf-8", "replace")
        skipped = ""
        if self.genesis:
            skipped = "nobody votes for a first block"
        elif context.consensus == "none":
            skipped = "the chain's consensus has no certificates"
        elif context.consensus == "single" or (len(voters) == 1 and context.consensus == "chained-bft"):
            if len(voters) != 1:
                skipped = "the context does not name the one node that makes blocks"
            else:
                ok = signed and proposer == voters[0]
                self.behind = (proposer,) if ok else ()
                self.check("certificate", ok, f"{int(ok)} of 1", "1 of 1", "the only validator", certainty=READ)
                return
        elif self._next is None:
            skipped = "the next block carries it: context.next_block"
        elif not voters:
            skipped = "the context does not name the validators of the block's term"
        elif not self._next.HasField("justify"):
            skipped = "the next block carries no certificate"
        if skipped:
            self.check("certificate", None, None, None, skipped, certainty=READ)
            return
        fault = self._next_fault(self._next, verdicts, keys)
        if fault or self._votes_for is None:
            detail = fault or "the block has no id"
            self.check("certificate", False, "0", f"{certificate.needed(len(voters))} of {len(voters)}", detail,
                       certainty=READ)  # fmt: skip
            return
        collector = self._collector(self._next, verdicts[self._next_proposer])
        found, self.behind = certificate.check("certificate", self._votes_for, verdicts, strict=context.strict,
                                               height=header.height, proposer=collector)  # fmt: skip
        self.checks.append(found)

    def _next_fault(self, following: Any, verdicts: list[Verdict], keys: Keys) -> str:
        """Why the next block certifies nothing, apart from its votes. Its height and the view, which no vote covers,
        are its proposer's word, who therefore must be a validator."""
        if following.blockid != self._next_id:
            return f"the next block's id is {shorten(following.blockid.hex(), 64)}, recomputed {self._next_id.hex()}"
        if following.pre_hash != self.block_id:
            return f"the next block follows {shorten(following.pre_hash.hex(), 64)}"
        if following.height != self.header.height + 1:
            return f"the next block is of height {following.height}"
        verdict, _ = self._curve(verdicts, keys, self._next_proposer)
        if verdict != Verdict.VALID:
            return f"the signature of the next block: {verdict.name}"
        proposer = following.proposer.decode("utf-8", "replace")
        if self.context.strict and proposer not in self.context.voters(following.cur_term):
            return f"the next block's proposer is no validator that the context names: {shorten(proposer, 64)!r}"
        return ""

    def _collector(self, carrier: Any, verdict: Verdict) -> tuple[str, str]:
        fault = "" if verdict == Verdict.VALID else f"its signature of the block does not hold: {verdict.name}"
        return carrier.proposer.decode("utf-8", "replace"), fault


class Validation:
    """One block on its way to a report."""

    def __init__(self, context: XuperContext, threads: int | None) -> None:
        self.context, self.threads = context, threads
        self.timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds what is done inside to the timings."""
        begun = time.perf_counter()
        yield
        self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - begun

    def run(self, view: NDArray[np.uint8], *, events: bool = False) -> BlockReport:
        """The report of a block; InputError where the bytes are not one."""
        with self.stage("parse"):
            block = open_block(view)
            columns = open_transactions(block.txs, self.threads)
            if columns.faulty.any():
                at = int(columns.faulty.argmax())
                got = f"{int(block.txs.lengths[at])} bytes that do not parse"
                raise InputError(f"block.transactions[{at}]", got=got, wanted="a XuperChain Transaction")
        with self.stage("header"):
            top = HeaderChecks(block.header, self.context)
            top.place()
            top.signed(self.threads)
        with self.stage("transactions"):
            judged = judge(columns, self.context, self.threads, genesis=top.genesis)
        with self.stage("tree"):
            _content(top, block, judged, self.threads)
        if events:
            _clear(top, columns)
        return self._report(top, block, judged, _events(columns) if events else None)

    def _report(
        self, top: HeaderChecks, block: OpenBlock, judged: Judged, events: tuple[Event, ...] | None
    ) -> BlockReport:
        faults = tuple(
            TransactionFault(i, Verdict(int(judged.codes[i])), judged.digests.txid[i].tobytes().hex(),
                             judged.details.get(i, ""))
            for i in np.flatnonzero(judged.codes != Verdict.VALID).tolist()
        )  # fmt: skip
        counts = {
            "bytes": block.size,
            "transactions": len(judged.codes),
            "invalid": len(faults),
            "signatures": judged.signatures,
            "made_by_the_chain": int((~judged.users).sum()),
        }
        return BlockReport(
            chain=CHAIN, rules=self.context.rules, height=block.header.height, block_hash=top.block_id,
            checks=tuple(top.checks), transactions=Verdicts(judged.codes), faults=faults, counts=counts,
            timings=self.timings, events=events,
        )  # fmt: skip


def _content(top: HeaderChecks, block: OpenBlock, judged: Judged, threads: int | None) -> None:
    """The checks of the transactions against the header, and what could not be judged of them."""
    header, n = block.header, len(judged.codes)
    top.check("tx_count", header.tx_count == n, header.tx_count, n)
    leaves = judged.digests.txid
    root_txs = judged.columns.number("version") == 0
    if top.genesis and root_txs.any():  # of version 0 the id is what it says
        leaves = leaves.copy()
        for index in np.flatnonzero(root_txs).tolist():
            stored = judged.columns.span("txid")[index]
            leaves[index] = np.frombuffer(stored[:32].ljust(32, b"\0"), np.uint8)
    distinct = len(rows_of(leaves).group()[1]) if n else 0
    top.check("tx_ids", distinct == n, f"{n - distinct} repeated", "0 repeated")
    if not n:
        top.check("empty_block", False, "0 transactions", "1 or more", "the tree of no transactions has no root")
        return
    levels = headers.tree_levels(leaves, threads)
    root = levels[-1][0].tobytes()
    top.check("tx_root", header.merkle_root == root, header.merkle_root, root)
    if len(block.tree):
        same = headers.is_tree(block.tree, levels)
        top.check("merkle_tree", same, f"{len(block.tree)} nodes", "the tree over the ids")
    top.check("curves", True, f"{judged.signatures - judged.sm2} by P-256, {judged.sm2} by SM2", None,
              certainty=READ if judged.sm2 else "")  # fmt: skip
    unjudged = len(judged.unjudged)
    detail = "the context does not have their access lists" if unjudged else ""
    top.check("accounts", None if unjudged else True, f"{unjudged} not judged", "0 not judged", detail, certainty=READ)
    paid = judged.by_contracts
    detail = "only the execution of a contract shows what it pays" if paid else ""
    top.check("input_owners", None if paid else True, f"{paid} not judged", "0 not judged", detail, certainty=READ)


def _clear(top: HeaderChecks, columns: Columns) -> None:
    """Whether what transactions write has one reading. In versions 1 and 2 a value that is left out moves the texts
    that follow it, so that an event could be hidden, or made of other values."""
    old = columns.number("version") < MAX_VERSION
    empty = columns.tx.span("output_ext", "value").lengths == 0
    odd = len(np.unique(columns.parents("output_ext")[empty & old[columns.parents("output_ext")]]))
    detail = "written values of nothing, next to which an id of these versions has several readings" if odd else ""
    top.check("events", None if odd else True, f"{odd} unclear", "0 unclear", detail, certainty=READ)


def _events(columns: Columns) -> tuple[Event, ...]:
    """The events that transactions put out; those whose list cannot be read have none."""
    out = columns.tx.span("output_ext", "key").equal(records.EVENTS)
    rows = np.flatnonzero(out & columns.tx.span("output_ext", "bucket").equal(records.TRANSIENT.encode()))
    found: list[Event] = []
    for index in np.unique(columns.parents("output_ext")[rows]).tolist():
        message = columns.message(index)
        tx_id = columns.span("txid")[index].hex()
        events = records.events(message) or ()
        found += [Event(index, tx_id, one.contract, one.name, (_shown(one.body),)) for one in events]
    return tuple(found)


def _shown(body: bytes) -> str:
    """Text where it is UTF-8 that can be printed, else hexadecimal."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body.hex()
    return text if text.isprintable() else body.hex()
