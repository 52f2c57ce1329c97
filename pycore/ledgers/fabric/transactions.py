"""The transactions of a block by columns: Fabric's rules in Fabric's order, every creator and endorsement signature.

Nothing here walks over many transactions one by one: rules are masks over columns, each distinct signer is looked up
once, and each distinct order of endorsers is asked of a policy once.

Sources: ``core/common/validation/msgvalidation.go``, ``core/committer/txvalidator/v20`` of Fabric, as read in public
copies; hashes and signatures recomputed on published blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pycore.base.deadline import checkpoint
from pycore.base.verdicts import Verdict
from pycore.consensus.policy_tree import BatchPolicy
from pycore.errors import InputError
from pycore.hashing.batch import hash_batch
from pycore.identities.collector import SignatureBatch
from pycore.identities.msp import Identity, UnknownIdentityError, UnreadIdentityError
from pycore.ledgers.fabric import plans, repeats
from pycore.ledgers.fabric.channel import CONFIG, CONFIG_UPDATE, ENDORSER_TRANSACTION, Channel, policy_of
from pycore.ledgers.fabric.codes import VERDICTS, Code, describe
from pycore.ledgers.fabric.context import UNKNOWN_POLICY, FabricContext
from pycore.ledgers.fabric.messages import Hashed, Joined
from pycore.ledgers.fabric.plans import Columns, faults
from pycore.ledgers.scan import FLAGS, KEPT, OVERFLOW, PARENT, Spans, Tables, running

MAX_SIGNATURES = 1 << 20
"""Creator and endorsement signatures of a block that are read."""
_TX_ID = 64
_SHOWN_ID = 128


@dataclass(slots=True, eq=False)
class Judged:
    """The findings about a block's transactions.

    Attributes:
        codes: uint8 (n,), Fabric's codes as far as the block and the context decide them.
        verdicts: uint8 (n,).
        details, tx_ids: the fault in words and the id, of those that have a fault.
        repeats: where the id of a duplicate occurs before.
        channel_id: of the first one, "" where it has none that can be read; None where there are none.
        canonical: bool (n,): envelopes as protobuf writes them, with payload and signature.
        undecided: why some could not be judged, in words; "" where all were.
        configurations: how many hold a configuration.
        unknown_policies: namespaces that are written and whose policy is not known.
        counts: signatures and the like.
    """

    codes: NDArray[np.uint8]
    verdicts: NDArray[np.uint8]
    canonical: NDArray[np.bool_]
    configurations: int = 0
    details: dict[int, str] = field(default_factory=dict)
    tx_ids: dict[int, str] = field(default_factory=dict)
    repeats: dict[int, int] = field(default_factory=dict)
    channel_id: str | None = None
    undecided: str = ""
    unknown_policies: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def canonical(entries: Spans, *, strict: bool) -> NDArray[np.bool_]:
    """bool (n,): which entries are envelopes exactly as protobuf writes them, with a payload and a signature. Writers
    keep unknown fields, behind the others; `strict` takes none."""
    return _as_written(plans.ENVELOPE.scan(entries), strict=strict)


def _as_written(found: Tables, *, strict: bool) -> NDArray[np.bool_]:
    flags = found["row"][:, FLAGS]
    plain = flags == 0 if strict else (flags & ~KEPT) == 0
    full = (found.span("row", "payload").lengths > 0) & (found.span("row", "signature").lengths > 0)
    good: NDArray[np.bool_] = plain & full & ~faults(found)
    return good


class Transactions:
    """The transactions of a block, on their way to codes."""

    def __init__(self, data: NDArray[np.uint8], entries: Spans, context: FabricContext) -> None:
        self.context = context
        self.columns = Columns(data)
        self.n = len(entries)
        self.codes = np.zeros(self.n, np.uint8)
        self.details: dict[int, str] = {}
        self.special: dict[int, Verdict] = {}
        self.repeats: dict[int, int] = {}
        self._read_outer(entries)
        self._read_actions()

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _read_outer(self, entries: Spans) -> None:
        columns = self.columns
        envelope = plans.ENVELOPE.scan(entries)
        self.canonical = _as_written(envelope, strict=self.context.rules == "strict")
        if not self.canonical.all():  # fields may come twice, or have faults
            envelope = columns.scan(plans.ENVELOPE, entries)
        self.envelope = envelope
        self.payload = columns.scan(plans.PAYLOAD, columns.span(envelope, "row", "payload"))
        self.channel_header = columns.scan(
            plans.CHANNEL_HEADER, columns.span(self.payload, "row", "header.channel_header")
        )
        self.signature_header = columns.scan(
            plans.SIGNATURE_HEADER, columns.span(self.payload, "row", "header.signature_header")
        )
        self.types = self.channel_header.number("row", "type")

    def _read_actions(self) -> None:
        columns = self.columns
        self.endorsed = self.types == ENDORSER_TRANSACTION
        bodies = _only(columns.span(self.payload, "row", "data"), self.endorsed)
        self.transaction = columns.scan(plans.TRANSACTION, bodies)
        rows = self.transaction["action"]
        self.action_count = np.bincount(rows[:, PARENT], minlength=self.n)
        self.one_action = self.action_count == 1
        chosen = np.flatnonzero(self.one_action[rows[:, PARENT]]) if len(rows) else np.zeros(0, np.int64)
        parents = rows[chosen, PARENT]
        self.action_header = self._spread(columns.span(self.transaction, "action", "header"), chosen, parents)
        payloads = self._spread(columns.span(self.transaction, "action", "payload"), chosen, parents)
        self.action = columns.scan(plans.ACTION, payloads)

    def read_answers(self) -> None:
        """Reads what has nothing to do with signatures."""
        columns = self.columns
        self.action_signature = columns.scan(plans.SIGNATURE_HEADER, self.action_header)
        self.response = columns.scan(
            plans.RESPONSE, columns.span(self.action, "row", "action.proposal_response_payload")
        )
        self.chaincode = columns.scan(plans.CHAINCODE_ACTION, columns.span(self.response, "row", "extension"))
        self.extension = columns.scan(
            plans.EXTENSION, _only(columns.span(self.channel_header, "row", "extension"), self.endorsed)
        )
        self.event = columns.scan(plans.EVENT, columns.span(self.chaincode, "row", "events"))
        self.rw_set = columns.scan(plans.RW_SET, columns.span(self.chaincode, "row", "results"))

    def _spread(self, spans: Spans, chosen: NDArray[np.int64], parents: NDArray[np.int64]) -> Spans:
        """Pieces of some transactions, at the places of these."""
        start, end = np.zeros(self.n, np.int64), np.zeros(self.n, np.int64)
        start[parents], end[parents] = spans.start[chosen], spans.end[chosen]
        return Spans.of(spans.data, start, end)

    # ---- rules -------------------------------------------------------------------------------------------------------

    def fail(self, wrong: NDArray[np.bool_], code: Code, why: str) -> None:
        """Gives a code to transactions that have none yet."""
        if not np.count_nonzero(wrong):
            return
        fresh = np.flatnonzero(wrong & (self.codes == Code.VALID))
        self.codes[fresh] = code
        for index in fresh.tolist():
            self.details[index] = why

    def judge_headers(self) -> None:
        """Up to the creator's signature."""
        payload, header = self.payload, self.channel_header
        self.fail(faults(self.envelope), Code.INVALID_OTHER_REASON, "bytes that are no envelope")
        self.fail(faults(payload), Code.BAD_PAYLOAD, "a payload that is no message")
        bad = Code.BAD_COMMON_HEADER
        self.fail(payload.span("row", "header").absent, bad, "no header")
        self.fail(faults(header) | faults(self.signature_header), bad, "a header that is no message")
        known = (self.types == ENDORSER_TRANSACTION) | (self.types == CONFIG) | (self.types == CONFIG_UPDATE)
        self.fail(~known, bad, "an unknown type")
        self.fail(header.number("row", "epoch") != 0, bad, "an epoch other than 0")
        for name in ("nonce", "creator"):
            self.fail(self.signature_header.span("row", name).lengths == 0, bad, f"no {name}")

    def judge_content(self, channel_id: str) -> None:
        """Everything behind the creator that the transaction alone decides; channel_id "": not known."""
        self.read_answers()
        self.judge_channel(channel_id)
        self.judge_form()
        self.judge_action()
        self.called_of, self.called_names = _grouped(self.columns.span(self.extension, "row", "chaincode_id.name"))

    def judge_form(self) -> None:
        """From the transaction's id to its one action."""
        bad = Code.BAD_PROPOSAL_TXID
        self.fail(self.endorsed & ~self._tx_ids_match(), bad, "the id is not the hash of nonce and creator")
        bad = Code.INVALID_ENDORSER_TRANSACTION
        mine = self.endorsed
        self.fail(mine & faults(self.transaction), bad, "data that is no transaction")
        self.fail(mine & ~self.one_action, bad, "another number of actions than one")
        self.fail(mine & faults(self.action_signature), bad, "a header of an action that is no message")
        for name in ("nonce", "creator"):
            self.fail(mine & (self.action_signature.span("row", name).lengths == 0), bad, f"an action without {name}")
        self.fail(mine & faults(self.action), bad, "an action that is no message")
        self.fail(mine & self.action.span("row", "action").absent, bad, "an action without endorsements")
        self.fail(mine & faults(self.response), bad, "a proposal response that is no message")
        # Go's nil, for which it computes no hash.
        self.fail(mine & (self.action.span("row", "chaincode_proposal_payload").lengths == 0), bad, "no proposal")
        matches = self._proposal_hashes_match()
        for index in np.flatnonzero(mine & ~matches & (self.codes == Code.VALID)).tolist():
            self.special[index] = Verdict.BAD_DIGEST
        self.fail(mine & ~matches, bad, "the proposal hash is another one")
        self.fail(self.types == CONFIG_UPDATE, Code.UNSUPPORTED_TX_PAYLOAD, "a configuration update is no transaction")
        empty = self.payload.span("row", "data").lengths == 0
        self.fail((self.types == CONFIG) & empty, Code.INVALID_CONFIG_TRANSACTION, "no configuration")

    def judge_channel(self, channel_id: str) -> None:
        """Whether they are for this channel; "" where that is not known."""
        if channel_id:
            same = self.columns.span(self.channel_header, "row", "channel_id").equal(channel_id.encode())
            self.fail(~same, Code.TARGET_CHAIN_NOT_FOUND, "for another channel")

    def judge_action(self) -> None:
        """The chaincode's answer and its read-write set."""
        mine = self.endorsed
        columns, chaincode, extension = self.columns, self.chaincode, self.extension
        self.fail(mine & faults(extension), Code.BAD_HEADER_EXTENSION, "an extension that is no message")
        bad = Code.BAD_RESPONSE_PAYLOAD
        self.fail(mine & (self.response.span("row", "extension").lengths == 0), bad, "no chaincode action")
        self.fail(mine & faults(chaincode), bad, "a chaincode action that is no message")
        self._read_namespaces()
        self.fail(mine & self.bad_set, Code.BAD_RWSET, "a read-write set that is no message")
        other, wrong = Code.INVALID_OTHER_REASON, Code.INVALID_CHAINCODE
        absent = extension.span("row", "chaincode_id").absent | chaincode.span("row", "chaincode_id").absent
        self.fail(mine & absent, other, "no chaincode id")
        names = columns.span(extension, "row", "chaincode_id.name")
        self.fail(mine & (names.lengths == 0), wrong, "an empty chaincode id")
        same = names.equal(columns.span(chaincode, "row", "chaincode_id.name"))
        self.fail(mine & ~same, wrong, "two different chaincode ids")
        self.fail(mine & (chaincode.span("row", "chaincode_id.version").lengths == 0), wrong, "no chaincode version")
        events = chaincode.span("row", "events").lengths > 0
        self.fail(mine & events & faults(self.event), other, "an event that is no message")
        same = names.equal(columns.span(self.event, "row", "chaincode_id"))
        self.fail(mine & events & ~same, other, "an event of another chaincode")
        self.fail(mine & self.repeated, Code.ILLEGAL_WRITESET, "a namespace twice in the read-write set")

    def judge_duplicates(self) -> None:
        """Ids that occur before among those that are valid; the last of Fabric's steps. Behind one that could not be
        judged, a transaction cannot be either."""
        valid = self.endorsed & ((self.codes == Code.VALID) | (self.codes == Code.NOT_VALIDATED))
        places = np.flatnonzero(valid)
        if len(places) < 2:
            return
        groups, firsts = self.columns.span(self.channel_header, "row", "tx_id").take(places).group()
        self.repeats, unjudged = repeats.find(places, groups, firsts, self.codes)
        for index in self.repeats:
            self.codes[index] = Code.DUPLICATE_TXID
            self.details[index] = "the id occurs before in the block"
        for index in unjudged:
            self.codes[index] = Code.NOT_VALIDATED
            self.details[index] = "the id occurs before in the block, in one that could not be judged"

    def leave_large(self) -> str:
        """Leaves open what has more parts than are read, which Fabric may take; why, in words, where there are some."""
        large = self._overflowing(self.action) | self._overflowing(self.rw_set)
        large &= np.isin(self.codes, (Code.VALID, Code.NOT_VALIDATED))
        self.codes[large] = Code.NOT_VALIDATED
        why = f"more than {plans.MAX_ENDORSEMENTS} endorsements, or {plans.MAX_NAMESPACES} namespaces or collections"
        self.details.update(dict.fromkeys(np.flatnonzero(large).tolist(), why))
        return f"some have {why}" if large.any() else ""

    def forgive(self, chosen: NDArray[np.bool_]) -> None:
        """Takes some transactions as valid, whatever was found."""
        for index in np.flatnonzero(chosen).tolist():
            self.codes[index] = Code.VALID
            self.details.pop(index, None)
            self.special.pop(index, None)

    def _tx_ids_match(self) -> NDArray[np.bool_]:
        columns = self.columns
        nonce, creator = (columns.span(self.signature_header, "row", name) for name in ("nonce", "creator"))
        digests = hash_batch(self.context.hash, Joined.of(columns.data, nonce, creator).all(), threads=1)
        written = np.frombuffer(digests.tobytes().hex().encode(), np.uint8).reshape(self.n, _TX_ID)
        return self._equals(columns.span(self.channel_header, "row", "tx_id"), written)

    def _proposal_hashes_match(self) -> NDArray[np.bool_]:
        columns = self.columns
        parts = (
            columns.span(self.payload, "row", "header.channel_header"),
            self.action_header,
            columns.span(self.action, "row", "chaincode_proposal_payload"),
        )
        digests = hash_batch(self.context.hash, Joined.of(columns.data, *parts).all(), threads=1)
        return self._equals(columns.span(self.response, "row", "proposal_hash"), digests)

    def _equals(self, spans: Spans, rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether each piece is the row."""
        width = rows.shape[1]
        places = np.arange(self.n, dtype=np.int64) * width
        return spans.equal(Spans.of(np.ascontiguousarray(rows).reshape(-1), places, places + width))

    @staticmethod
    def _overflowing(tables: Tables) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (tables[tables.plan.names[0]][:, FLAGS] & OVERFLOW) != 0
        return found

    def _read_namespaces(self) -> None:
        """Which namespaces each transaction writes; `bad_set` and `repeated` by transaction."""
        columns, rw_set = self.columns, self.rw_set
        rows, self.bad_set = rw_set["namespace"], faults(rw_set)
        parents = rows[:, PARENT]
        kv = columns.scan(plans.KV, columns.span(rw_set, "namespace", "rwset"))
        writes = np.bincount(kv["write"][:, PARENT], minlength=len(rows))[: len(rows)] > 0
        collections = rw_set["collection"]
        hashed = columns.scan(plans.HASHED, columns.span(rw_set, "collection", "hashed_rwset"))
        private = np.bincount(hashed["write"][:, PARENT], minlength=len(collections))[: len(collections)] > 0
        inside = collections[:, PARENT]
        writes[inside[private]] = True
        self.bad_set[parents[faults(kv)]] = True
        self.bad_set[parents[inside[faults(hashed)]]] = True
        names = columns.span(rw_set, "namespace", "namespace")
        self.namespace_of, self.namespace_names = _grouped(names)
        self.namespace_parent, self.written = parents, writes
        self.repeated = np.zeros(self.n, np.bool_)
        if len(rows) > 1:
            pairs = parents * len(self.namespace_names) + self.namespace_of
            _, places, counts = np.unique(pairs, return_inverse=True, return_counts=True)
            self.repeated[parents[counts[places] > 1]] = True

    # ---- signatures --------------------------------------------------------------------------------------------------

    def collect(self, channel: Channel, batch: SignatureBatch) -> Signers:
        """Collects every creator and endorsement signature of known signers."""
        columns = self.columns
        creators = columns.span(self.signature_header, "row", "creator")
        endorsers = columns.span(self.action, "endorsement", "endorser")
        both = Spans.of(
            columns.data,
            np.concatenate([creators.start, endorsers.start]),
            np.concatenate([creators.end, endorsers.end]),
        )
        groups, firsts = both.group()
        found = [_resolved(channel, name) for name in both.take(firsts).items()]
        unread = {place for place, one in enumerate(found) if isinstance(one, UnreadIdentityError)}
        people = [one if isinstance(one, Identity) else str(one) for one in found]
        return Signers(self, people, unread, groups.astype(np.int64), batch)


def _grouped(spans: Spans) -> tuple[NDArray[np.int64], list[bytes]]:
    """Which of the distinct pieces each is, and those."""
    if not len(spans):
        return np.zeros(0, np.int64), []
    groups, firsts = spans.group()
    return groups.astype(np.int64), spans.take(firsts).items()


def _resolved(channel: Channel, name: bytes) -> Identity | UnknownIdentityError:
    checkpoint()
    try:
        return channel.msps.resolve(name)
    except UnknownIdentityError as error:
        return error


def _only(spans: Spans, chosen: NDArray[np.bool_]) -> Spans:
    """The pieces of some rows; the others are empty."""
    return Spans.of(spans.data, np.where(chosen, spans.start, 0), np.where(chosen, spans.end, 0))


class Signers:
    """Signers of a block's transactions, and where their signatures went.

    people    the distinct ones: an identity, or why there is none
    unread    places of those whom Fabric may know and nobody here can judge
    which     int64 (n + m,): who signed: creators first, then endorsements
    """

    def __init__(
        self, rows: Transactions, people: list[Identity | str], unread: set[int], which: NDArray[np.int64],
        batch: SignatureBatch,
    ) -> None:  # fmt: skip
        self.rows, self.people, self.unread, self.which = rows, people, unread, which
        columns = rows.columns
        n = rows.n
        endorsement = rows.action["endorsement"]
        self.parents = endorsement[:, PARENT]
        response = columns.span(rows.action, "row", "action.proposal_response_payload")
        nothing = Spans(columns.data, np.zeros((n, 2), np.int64))
        creators = Joined.of(columns.data, columns.span(rows.envelope, "row", "payload"), nothing)
        answers = Joined.of(
            columns.data, response.take(self.parents), columns.span(rows.action, "endorsement", "endorser")
        )
        messages = Joined(columns.data, np.concatenate([creators.cells, answers.cells]), 2)
        outer = columns.span(rows.envelope, "row", "signature")
        inner = columns.span(rows.action, "endorsement", "signature")
        self.messages = messages
        self.signatures = Spans.of(
            columns.data, np.concatenate([outer.start, inner.start]), np.concatenate([outer.end, inner.end])
        )
        self.tickets = np.full(len(which), -1, np.int64)
        self._collect(batch)
        self.good = np.zeros(len(which), np.bool_)
        self.verdicts = np.zeros(len(which), np.uint8)

    def _collect(self, batch: SignatureBatch) -> None:
        kinds: dict[tuple[str, str], list[int]] = {}
        for place, one in enumerate(self.people):
            if isinstance(one, Identity) and one.hash:
                kinds.setdefault((one.key.kind, one.hash), []).append(place)
        for (kind, hash_), places in kinds.items():
            slot = np.full(len(self.people), -1, np.int64)
            slot[places] = np.arange(len(places))
            chosen = np.flatnonzero(slot[self.which] >= 0) if len(places) < len(self.people) else None
            which = slot[self.which] if chosen is None else slot[self.which[chosen]]
            messages, signatures = self._of(chosen, hash_)
            keys = [one.key.data for one in (self.people[p] for p in places) if isinstance(one, Identity)]
            first = batch.add_rows(kind, hash_, keys, which, messages, signatures)
            rows = np.arange(len(self.which)) if chosen is None else chosen
            self.tickets[rows] = first + np.arange(len(rows))

    def _of(self, chosen: NDArray[np.int64] | None, hash_: str) -> tuple[Joined | Hashed, Joined]:
        cells = self.messages.cells if chosen is None else self.messages.cells.reshape(-1, 4)[chosen].reshape(-1, 2)
        messages: Joined | Hashed = Joined(self.messages.data, cells, 2)
        spans = self.signatures if chosen is None else self.signatures.take(chosen)
        if hash_ == "sm3" and self.rows.context.prehash:
            assert isinstance(messages, Joined)
            messages = Hashed(messages, "sm3")
        return messages, Joined.of(spans.data, spans)

    def settle(self, codes: NDArray[np.uint8]) -> None:
        """Takes the verdicts of the batch."""
        known = self.tickets >= 0
        self.verdicts[:] = Verdict.UNKNOWN_SIGNER
        self.verdicts[known] = codes[self.tickets[known]]
        self.good = self.verdicts == Verdict.VALID

    def judge_creators(self, fresh: NDArray[np.bool_]) -> None:
        """BAD_CREATOR_SIGNATURE for creators that are unknown or not valid, or whose signature is not theirs.

        fresh    bool (n,): transactions with nothing wrong before the creator, whatever was found behind
        """
        rows = self.rows
        problems = [one if isinstance(one, str) else one.problem for one in self.people]
        bad = np.array([bool(why) for why in problems], np.bool_)
        mine = self.which[: rows.n]
        wrong = bad[mine] | ~self.good[: rows.n]
        for index in np.flatnonzero(wrong & fresh).tolist():
            one, why = self.people[mine[index]], problems[mine[index]]
            if int(mine[index]) in self.unread:
                rows.codes[index] = Code.NOT_VALIDATED
                rows.special[index] = Verdict.UNSUPPORTED_ALGORITHM
                rows.details[index] = f"the creator: {why}"
                continue
            if isinstance(one, str):
                verdict = Verdict.UNKNOWN_SIGNER
            else:
                verdict = Verdict.BAD_CERTIFICATE if why else Verdict(int(self.verdicts[index]))
            rows.codes[index] = Code.BAD_CREATOR_SIGNATURE
            rows.special[index] = verdict
            rows.details[index] = f"the creator: {why or 'the signature does not hold'}"

    def judge_endorsements(self, channel: Channel) -> tuple[str, ...]:
        """ENDORSEMENT_POLICY_FAILURE where the policy of a written namespace is not met; the names of those whose
        policy is not known."""
        rows, context = self.rows, self.rows.context
        identities, row_of = self._table()
        starts = running(np.bincount(self.parents, minlength=rows.n))
        who, ok = row_of[self.which[rows.n :]], self.good[rows.n :]
        open_ = np.zeros(rows.n, np.bool_)  # with endorsers who may be somebody
        if self.unread:
            open_[self.parents[np.isin(self.which[rows.n :], list(self.unread))]] = True
        open_ |= rows._overflowing(rows.action)
        asked, unknown = self._asked()
        if UNKNOWN_POLICY in asked:
            open_here = asked.pop(UNKNOWN_POLICY)
            rows.codes[open_here & (rows.codes == Code.VALID)] = Code.NOT_VALIDATED
        for text, mine in sorted(asked.items(), key=lambda one: one[0]):
            policy = BatchPolicy(policy_of(text, channel, context.rules), identities)
            wanted = mine & ~policy.evaluate_rows(starts, who, ok)
            wanted &= (rows.codes == Code.VALID) | (rows.codes == Code.NOT_VALIDATED)
            rows.codes[wanted & open_] = Code.NOT_VALIDATED
            for index in np.flatnonzero(wanted & ~open_).tolist():
                rows.codes[index] = Code.ENDORSEMENT_POLICY_FAILURE
                rows.details[index] = f"the policy {text[:80]} of a namespace is not met"
        return unknown

    def _table(self) -> tuple[list[Identity], NDArray[np.int64]]:
        """The distinct identities, and the place of each of `people` among them: two encodings may name one."""
        places: dict[tuple[str, str], int] = {}
        identities: list[Identity] = []
        row_of = np.full(max(1, len(self.people)), -1, np.int64)
        for i, one in enumerate(self.people):
            if isinstance(one, Identity):
                key = one.msp_id, one.id
                if key not in places:
                    places[key] = len(identities)
                    identities.append(one)
                row_of[i] = places[key]
        return identities, row_of

    def _asked(self) -> tuple[dict[str, NDArray[np.bool_]], tuple[str, ...]]:
        """Policy -> bool (n,), the transactions whose endorsements it is asked about, and the names of some namespaces
        whose policy is not known. Asked are those of the chaincode that was called, and of every other namespace that
        is written."""
        rows = self.rows
        live = rows.endorsed & (rows.codes == Code.VALID)
        places = np.flatnonzero(live)
        written = np.flatnonzero(rows.written & live[rows.namespace_parent])
        names = [*rows.called_names, *rows.namespace_names]
        of = np.concatenate([rows.called_of[places], rows.namespace_of[written] + len(rows.called_names)])
        parents = np.concatenate([places, rows.namespace_parent[written]])
        used = np.flatnonzero(np.bincount(of)).tolist()
        texts = {number: rows.context.policy_text(names[number].decode()) for number in used}
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts.values()))}
        kind_of = np.zeros(len(names), np.int64)
        kind_of[used] = [numbers[text] for text in texts.values()]
        kinds = kind_of[of]
        found = {text: np.zeros(rows.n, np.bool_) for text in numbers}
        for text, number in numbers.items():
            found[text][parents[kinds == number]] = True
        open_names = {names[number].decode() for number, text in texts.items() if text == UNKNOWN_POLICY}
        return found, tuple(sorted(open_names))[:8]


def judge(
    data: NDArray[np.uint8],
    entries: Spans,
    context: FabricContext,
    channel: Channel | None,
    batch: SignatureBatch,
    *,
    first: bool,
) -> Judged:
    """Judges the transactions of a block, or ones that are in no block yet.

    Other threads verify signatures while this one judges the content; a code of what comes first in Fabric's order
    takes the place of a later one.

    first    whether the block is block 0 and trusted: nobody signs its configuration
    """
    rows = Transactions(data, entries, context)
    rows.judge_headers()
    fresh = rows.codes == Code.VALID
    signers, undecided, started = None, "", None
    if channel is not None and len(rows.action["endorsement"]) <= MAX_SIGNATURES:
        signers = rows.collect(channel, batch)
        try:
            started = batch.start()
        except InputError as error:  # too many signatures on rare curves, which take a hundred times as long
            signers, undecided = None, str(error)
    try:
        rows.judge_content(context.channel_id or (channel.channel_id if channel else ""))
    except BaseException:
        if started is not None:
            started.abandon()
        raise
    if signers is not None and started is not None:
        signers.settle(started.finish())
        signers.judge_creators(fresh)
    unknown: tuple[str, ...] = ()
    if signers is None or channel is None:
        open_ = rows.codes == Code.VALID
        rows.codes[open_] = Code.NOT_VALIDATED
        if channel is not None:
            undecided = undecided or f"more than {MAX_SIGNATURES} signatures"
        else:
            undecided = "no configuration block is known: nobody's signature can be judged"
    else:
        unknown = signers.judge_endorsements(channel)
        undecided = rows.leave_large()
    rows.judge_duplicates()
    if first:
        rows.forgive(rows.types == CONFIG)
    return _judged(rows, signers, undecided, unknown)


def _judged(rows: Transactions, signers: Signers | None, undecided: str, unknown: tuple[str, ...]) -> Judged:
    table = np.full(256, Verdict.MALFORMED_ITEM, np.uint8)
    for code, verdict in VERDICTS.items():
        table[code] = verdict
    verdicts = table[rows.codes]
    for index, verdict in rows.special.items():
        verdicts[index] = verdict
    counts = {
        "transactions": rows.n,
        "endorser_transactions": int(rows.endorsed.sum()),
        "endorsements": len(rows.action["endorsement"]),
    }
    if signers is not None:
        counts["signers"] = len(signers.people)
        counts["signatures"] = int((signers.tickets >= 0).sum())
        counts["bad_endorsements"] = int((~signers.good[rows.n :]).sum())
    details = {index: describe(int(rows.codes[index]), why) for index, why in sorted(rows.details.items())}
    ids = rows.columns.span(rows.channel_header, "row", "tx_id")
    return Judged(
        codes=rows.codes,
        verdicts=verdicts,
        canonical=rows.canonical,
        configurations=int((rows.types == CONFIG).sum()),
        details=details,
        repeats=rows.repeats,
        channel_id=rows.columns.span(rows.channel_header, "row", "channel_id")[0].decode() if rows.n else None,
        tx_ids={index: ids[index].decode()[:_SHOWN_ID] for index in details},
        undecided=undecided,
        unknown_policies=unknown,
        counts=counts,
    )
