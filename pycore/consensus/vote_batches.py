"""A micro-batch of votes on its way to be counted: read, placed, and its signatures verified in one call.

Nothing here changes the state of a collector, so several threads can verify batches while one counts. Every vote gets
an :class:`Outcome` that depends on the vote and on the sets of validators alone; VALID ones go on to be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycore.base.columns import Column, as_column
from pycore.base.verdicts import Verdict
from pycore.consensus.votes import Vote
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pycore.consensus.chains import ConsensusRules
    from pycore.consensus.validators import ValidatorSet
    from pycore.consensus.vote_columns import VoteColumns

__all__ = ["Entry", "Outcome", "Part", "Pending", "ReadVotes", "Setting", "judge", "rows"]

Entry: TypeAlias = bytes | Vote
"""What is remembered of a vote: its bytes where it came as bytes, else the value."""

FEW = 8
"""Votes in bytes that are read one by one: columns of them would take longer."""
_VALID, _UNSUPPORTED = int(Verdict.VALID), int(Verdict.UNSUPPORTED_ALGORITHM)


class Outcome(IntEnum):
    """What became of a vote. :attr:`VoteCollector.counts` has the names in lower case."""

    COUNTED = 0
    """Valid, and the first of its validator there: its power counts."""
    DUPLICATE = 1
    """The same bytes as a vote that is there."""
    REPEATED = 2
    """Another valid vote for the claim that its validator voted for: another time or signature."""
    EQUIVOCATION = 3
    """Valid, for another claim: evidence was made."""
    CONFLICTING = 4
    """Valid, for a claim that conflicts, by a validator whose evidence is made already."""
    MALFORMED = 5
    """Bytes that are no vote of this chain, or too many of them."""
    OTHER_CHAIN = 6
    """A value that names another chain."""
    LATE_HEIGHT = 7
    """Of a height that is over."""
    FUTURE_HEIGHT = 8
    """Of a height that has not begun."""
    STRANGER = 9
    """Names a position that nobody has, or an address that is not that position's."""
    UNSUPPORTED = 10
    """Its validator's signature scheme is not built: it cannot count."""
    BAD_SIGNATURE = 11
    """Its signature is not valid."""
    BAD_EXTENSION = 12
    """Its extension's signature is not valid, or it has one where none may be, or none where one must be."""
    LATE_ROUND = 13
    """Valid, of a round that is forgotten."""
    FUTURE_ROUND = 14
    """Valid, of a round beyond the window that nothing allows to open."""
    UNVERIFIED = 15
    """The batch could not be verified: an exception ended the call."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What votes are judged by.

    rules           of the chain                   chain_id     of the chain
    sets            height -> its validators       known        height -> entries that are there
    extensions      True: votes that decide on a claim must have them; False: none may; None: either
    max_vote_bytes  of one vote                    threads      for verification
    """

    rules: ConsensusRules
    chain_id: str
    sets: Mapping[int, ValidatorSet]
    known: Mapping[int, set[Entry]]
    extensions: bool | None
    max_vote_bytes: int
    threads: int | None


Part: TypeAlias = "list[Vote] | list[bytes] | Column"
"""Votes that were added together: values, or bytes as a list or a column."""


@dataclass(slots=True)
class Pending:
    """Votes that wait, in order, each with the peer who sent it.

    parts    votes and as many peers; those after each other of one kind are one list
    """

    parts: list[tuple[Part, list[Hashable]]] = field(default_factory=list)
    count: int = 0
    nbytes: int = 0

    def add(self, votes: Part, peer: Hashable) -> None:
        """Takes votes. A column must stay as it is until they are judged."""
        n = len(votes)
        self.count += n
        peers = [peer] * n
        if isinstance(votes, Column):
            self.nbytes += votes.nbytes
            self.parts.append((votes, peers))
            return
        many: list[Any] = votes
        kind = type(many[0])
        self.nbytes += sum(map(len, many)) if kind is bytes else sum(map(_size, many))
        if self.parts and isinstance(last := self.parts[-1][0], list) and type(last[0]) is kind:
            last.extend(many)
            self.parts[-1][1].extend(peers)
        else:
            self.parts.append((many, peers))

    def joined(self) -> Iterator[tuple[list[Vote] | RawVotes, list[Hashable]]]:
        """The parts, neighbouring ones in bytes as one."""
        raws: list[bytes] = []
        senders: list[Hashable] = []
        if len(self.parts) == 1 and isinstance(column := self.parts[0][0], Column):
            yield RawVotes(rows(column), column), self.parts[0][1]
            return
        for votes, peers in self.parts:
            if isinstance(votes, Column) or type(votes[0]) is bytes:
                raws += rows(votes) if isinstance(votes, Column) else votes
                senders += peers
                continue
            if raws:
                yield RawVotes(raws), senders
                raws, senders = [], []
            yield votes, peers  # type: ignore[misc]
        if raws:
            yield RawVotes(raws), senders


class RawVotes:
    """Votes in bytes, as a list and as a column, which is made when it is asked for."""

    def __init__(self, items: list[bytes], column: Column | None = None) -> None:
        self.items, self._column = items, column

    @property
    def column(self) -> Column:
        """The same as a column."""
        if self._column is None:
            self._column = as_column(self.items, "votes")
        return self._column


def rows(column: Column) -> list[bytes]:
    """The rows of a column, from one copy of it."""
    if column.offsets is None:
        blob, width = column.data.tobytes(), column.data.shape[1]
        return [blob[i * width : (i + 1) * width] for i in range(len(column))]
    first, last = int(column.offsets[0]), int(column.offsets[-1])
    blob = column.data[first:last].tobytes()
    return [blob[start:end] for start, end in pairwise((column.offsets - first).tolist())]


def _size(vote: Vote) -> int:
    return len(vote.raw) + len(vote.message) + sum(len(one) for pair in vote.extensions for one in pair)


@dataclass(slots=True)
class ReadVotes:
    """n votes of one part, judged as far as they can be by themselves.

    outcomes       uint8 (n,): COUNTED for the valid ones, which may yet turn out to be something else
    peers          who sent each
    heights, rounds, kinds, positions, claims
                   n each; anything where the outcome is not COUNTED
    entries        n: what is remembered of each vote
    """

    outcomes: NDArray[np.uint8]
    peers: Sequence[Hashable]
    heights: Sequence[int]
    rounds: Sequence[int]
    kinds: Sequence[str]
    positions: Sequence[int]
    claims: Sequence[bytes | None]
    entries: Sequence[Entry]


def judge(pending: Pending, setting: Setting) -> list[ReadVotes]:
    """Reads and verifies what waits. Never raises for what a vote holds."""
    return [
        _judge_bytes(votes, peers, setting)
        if isinstance(votes, RawVotes)
        else _judge_values(votes, votes, peers, setting)
        for votes, peers in pending.joined()
    ]


# ---- values ----------------------------------------------------------------------------------------------------------


def _judge_values(
    votes: Sequence[Vote | None], entries: Sequence[Entry], peers: Sequence[Hashable], setting: Setting
) -> ReadVotes:
    """Votes one by one; None is a malformed one."""
    n = len(votes)
    outcomes = np.zeros(n, np.uint8)
    by_height: dict[int, list[int]] = {}
    for i, vote in enumerate(votes):
        if vote is None or _size(vote) > setting.max_vote_bytes:
            outcomes[i] = Outcome.MALFORMED
        elif vote.chain_id != setting.chain_id:
            outcomes[i] = Outcome.OTHER_CHAIN
        elif vote.height not in setting.sets:
            outcomes[i] = _beyond(vote.height, setting.sets)
        else:
            addresses = setting.sets[vote.height].addresses
            if not 0 <= vote.position < len(addresses) or addresses[vote.position] != vote.address:
                outcomes[i] = Outcome.STRANGER
            elif entries[i] not in setting.known[vote.height]:
                by_height.setdefault(vote.height, []).append(i)
    for height, rows in by_height.items():
        chosen = [vote for i in rows if (vote := votes[i]) is not None]
        outcomes[rows] = _verified(chosen, setting.sets[height], setting)
    blank = Vote("", "", 0, 0, None, b"", 0, b"", b"", 0)
    whole = [vote or blank for vote in votes]
    return ReadVotes(
        outcomes,
        peers,
        heights=[vote.height for vote in whole],
        rounds=[vote.round for vote in whole],
        kinds=[vote.kind for vote in whole],
        positions=[vote.position for vote in whole],
        claims=[vote.claim for vote in whole],
        entries=entries,
    )


def _verified(votes: Sequence[Vote], validators: ValidatorSet, setting: Setting) -> NDArray[np.uint8]:
    """Outcomes of votes of one height by validators who are there."""
    positions = [vote.position for vote in votes]
    codes = validators.verify(
        positions, [vote.signature for vote in votes], [vote.message for vote in votes], threads=setting.threads
    ).codes
    outcomes = _outcomes(codes)
    owners = [(i, one) for i, vote in enumerate(votes) for one in vote.extensions]
    if owners:
        places = [i for i, _ in owners]
        codes = validators.verify(
            [positions[i] for i in places],
            [signature for _, (_, signature) in owners],
            [message for _, (message, _) in owners],
            threads=setting.threads,
        ).codes
        _mark_extensions(outcomes, np.array(places), codes)
    if setting.extensions is not None:
        bearing = np.array([bool(vote.extensions) for vote in votes])
        deciding = np.array([_decides(vote.kind, vote.claim) for vote in votes])
        _require_extensions(outcomes, bearing, deciding, setting.extensions)
    return outcomes


def _outcomes(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bad = np.where(codes == _UNSUPPORTED, Outcome.UNSUPPORTED, Outcome.BAD_SIGNATURE)
    return np.where(codes == _VALID, Outcome.COUNTED, bad).astype(np.uint8)


def _mark_extensions(outcomes: NDArray[np.uint8], owners: NDArray[Any], codes: NDArray[np.uint8]) -> None:
    bad = owners[codes != _VALID]
    outcomes[bad] = np.where(outcomes[bad] == Outcome.COUNTED, Outcome.BAD_EXTENSION, outcomes[bad])


def _require_extensions(
    outcomes: NDArray[np.uint8], bearing: NDArray[np.bool_], deciding: NDArray[np.bool_], wanted: bool
) -> None:
    wrong = (bearing != deciding) if wanted else bearing
    outcomes[wrong & (outcomes == Outcome.COUNTED)] = Outcome.BAD_EXTENSION


def _decides(kind: str, claim: bytes | None) -> bool:
    """Whether votes of this kind and claim have extensions where a chain has them."""
    return kind == "precommit" and claim is not None


def _beyond(height: int, sets: Mapping[int, Any]) -> Outcome:
    return Outcome.FUTURE_HEIGHT if height > max(sets) else Outcome.LATE_HEIGHT


# ---- bytes -----------------------------------------------------------------------------------------------------------


def _read_one(raw: bytes, setting: Setting) -> Vote | None:
    if len(raw) > setting.max_vote_bytes:
        return None
    try:
        return setting.rules.read_vote(raw, "wire", chain_id=setting.chain_id)
    except InputError:
        return None


def _judge_bytes(raw_votes: RawVotes, peers: Sequence[Hashable], setting: Setting) -> ReadVotes:
    raws = raw_votes.items
    reader = getattr(setting.rules, "read_votes", None)
    if reader is None or len(raws) <= FEW:
        return _judge_values([_read_one(raw, setting) for raw in raws], raws, peers, setting)
    column = raw_votes.column
    votes: VoteColumns = reader(column, chain_id=setting.chain_id, threads=setting.threads)
    outcomes = np.full(len(raws), Outcome.LATE_HEIGHT, np.uint8)
    outcomes[votes.heights > max(setting.sets)] = Outcome.FUTURE_HEIGHT
    usual = votes.usual & (column.lengths <= setting.max_vote_bytes)
    by_set: dict[ValidatorSet, list[int]] = {}
    for height, validators in setting.sets.items():
        by_set.setdefault(validators, []).append(height)
    for validators, heights in by_set.items():
        of_these = votes.heights == heights[0] if len(heights) == 1 else np.isin(votes.heights, heights)
        rows = np.flatnonzero(usual & of_these)
        if len(rows):
            outcomes[rows] = _judge_columns(votes, rows, raws, validators, setting)
    found = ReadVotes(
        outcomes,
        peers,
        votes.heights.tolist(),
        votes.rounds.tolist(),
        list(votes.kinds),
        votes.positions.tolist(),
        list(votes.claims),
        raws,
    )
    _fill_in(found, np.flatnonzero(~usual).tolist(), setting)
    return found


def _fill_in(found: ReadVotes, odd: Sequence[int], setting: Setting) -> None:
    """Reads and judges the votes that the reader of many left out, one by one."""
    if not odd:
        return
    raws = [raw for i in odd if isinstance(raw := found.entries[i], bytes)]
    one_by_one = _judge_values([_read_one(raw, setting) for raw in raws], raws, [None] * len(odd), setting)
    for place, i in enumerate(odd):
        found.outcomes[i] = one_by_one.outcomes[place]
        for name in ("heights", "rounds", "kinds", "positions", "claims"):
            getattr(found, name)[i] = getattr(one_by_one, name)[place]


def _judge_columns(
    votes: VoteColumns,
    rows: NDArray[np.intp],
    raws: Sequence[bytes],
    validators: ValidatorSet,
    setting: Setting,
) -> NDArray[np.uint8]:
    """Outcomes of the votes in these rows, whose heights all have these validators."""
    outcomes = np.zeros(len(rows), np.uint8)
    positions = votes.positions[rows]
    outside = (positions < 0) | (positions >= len(validators))
    places = np.where(outside, 0, positions)
    if len(validators) == 0 or votes.addresses.shape[1] != validators.address_rows.shape[1]:
        outside[:] = True
    else:
        outside |= (votes.addresses[rows] != validators.address_rows[places]).any(axis=1)
    outcomes[outside] = Outcome.STRANGER
    # Bytes that are there were verified when they came.
    places_of = zip(rows.tolist(), votes.heights[rows].tolist(), strict=True)
    fresh = ~outside & ~np.array([raws[i] in setting.known[height] for i, height in places_of])
    chosen = np.flatnonzero(fresh)
    whole = len(chosen) == len(votes.positions)
    at = rows[chosen]
    signatures = votes.signatures if whole else votes.signatures.take(at)
    messages = votes.messages if whole else votes.messages.take(at)
    codes = validators.verify(places[chosen], signatures, messages, threads=setting.threads).codes
    outcomes[chosen] = _outcomes(codes)
    _judge_extensions(votes, rows, fresh, outcomes, validators, setting)
    return outcomes


def _judge_extensions(
    votes: VoteColumns,
    rows: NDArray[np.intp],
    fresh: NDArray[np.bool_],
    outcomes: NDArray[np.uint8],
    validators: ValidatorSet,
    setting: Setting,
) -> None:
    """The same for the extensions of those that are not there yet."""
    if len(votes.extension_of):
        row_of = np.full(len(votes.positions), -1)
        row_of[rows[fresh]] = np.flatnonzero(fresh)
        chosen = np.flatnonzero(row_of[votes.extension_of] >= 0)
        owners = votes.extension_of[chosen]
        codes = validators.verify(
            votes.positions[owners],
            votes.extension_signatures.take(chosen),
            votes.extension_messages.take(chosen),
            threads=setting.threads,
        ).codes
        _mark_extensions(outcomes, row_of[owners], codes)
    if setting.extensions is not None:
        bearing = np.zeros(len(votes.positions), np.bool_)
        bearing[votes.extension_of] = True
        deciding = np.array([_decides(votes.kinds[i], votes.claims[i]) for i in rows.tolist()])
        _require_extensions(outcomes, bearing[rows] & fresh, deciding & fresh, setting.extensions)
