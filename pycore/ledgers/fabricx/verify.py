"""Verdicts about transactions: the policies of their namespaces over what these sign.

A transaction is committed (1) if every namespace but `_config` has a policy that its endorsements satisfy, and else
its signatures are invalid (2). No namespaces: 1. Endorsements belong to namespaces by their places. Of threshold
rules the first endorsement alone counts; under rules about MSPs

    - an endorsement without an identity message refuses the namespace;
    - one whose identity is unknown, or whose signature does not hold, is skipped;
    - the others count once by MSP and certificate, in their order;
    - ECDSA signatures need s in the lower half, and are read as Go's ``encoding/asn1`` reads them; Ed25519 is the
    pure form.

A request without a reference or content gets 2: no coordinator sends one.

Batches are verified as columns. Namespaces of one transaction beyond the first eight are taken up only while all
before them hold, so that a transaction cannot make work that its first signatures do not pay for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import Column
from pycore.base.deadline import checkpoint
from pycore.hashing.batch import hash_batch
from pycore.identities.collector import SignatureBatch
from pycore.identities.msp import Identity, UnknownIdentityError
from pycore.ledgers.fabricx import columns as at
from pycore.ledgers.fabricx.columns import Rows
from pycore.ledgers.fabricx.messages import Fields, MalformedError
from pycore.ledgers.fabricx.policies import CONFIG, MspRule, Policies, Rule
from pycore.ledgers.fabricx.schemes import MEMBERS, NONE, P256, SINGLE, Key
from pycore.ledgers.scan import Spans
from pycore.signatures.batch import verify_batch

__all__ = ["COMMITTED", "SIGNATURE_INVALID", "Piece", "Verifier"]

COMMITTED, SIGNATURE_INVALID = 1, 2
REQUESTS_AT_ONCE = 4096
"""Requests of which the rows and answers are in memory together, unless one alone has more rows."""

_SLOW_AT_ONCE = 16  # requests between two answers where policies have rules that are checked one by one
_FIRST_NAMESPACES = 8  # of a transaction that are checked together; then eight times as many
_SIGNED_ROOM = 4 << 20  # bytes of what is signed that are in memory together
_RARE_AT_ONCE = 1024
_UNKNOWN, _SKIPPED = -2, -1  # in place of the number of a rule

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some requests of one batch with their statuses.

    Attributes:
        rows: what they and others hold.
        which: rows of the requests.
        status: uint8, COMMITTED or SIGNATURE_INVALID of each request.
        config: whether one of them writes the channel's configuration, which coordinators wait for.
    """

    rows: Rows
    which: Ints
    status: NDArray[np.uint8]
    config: bool

    def answers(self) -> Column:
        """The fields `status` of a TxStatusBatch, one for each request."""
        return at.answers(self.rows, self.which, self.status)


class Verifier:
    """The state of one stream. Not for use by several threads at once.

    release    which committer's system namespaces, see :mod:`pycore.ledgers.fabricx.policies`
    threads    as in :mod:`pycore.base.parallel`
    """

    def __init__(self, *, release: str = "1.0", threads: int | None = None) -> None:
        self.policies = Policies.empty(release)
        self._threads = threads

    def update(self, update: bytes) -> None:
        """Applies a VerifierUpdates message. Raises what :meth:`Policies.updated` raises."""
        self.policies = self.policies.updated(update)

    def take(self, batch: bytes) -> Iterator[Piece]:
        """Applies the update of a VerifierBatch and verifies its requests, some at a time.

        Raises:
            MalformedError: the bytes, or those of its update, are no such message. Nothing of it was applied.
            PolicyUpdateError, UnsupportedError: as :meth:`Policies.updated`.
        """
        for _, pieces in self.take_all([batch]):
            yield from pieces

    def take_all(self, batches: Sequence[bytes]) -> Iterator[tuple[int, Iterator[Piece]]]:
        """The same for batches in their order: a number of requests and their statuses, again and again.

        Batches without updates that follow one another are verified together. Each number's statuses are to be taken
        before the next number. Raises what :meth:`take` raises, after the batches before.
        """
        group: list[bytes] = []
        totals = [0] * at.TABLES
        for batch in batches:
            try:
                counts = at.sizes(batch)
            except MalformedError:
                if group:
                    yield totals[at.REQUESTS], self._requests(b"".join(group), totals)
                raise
            if counts[at.UPDATES]:
                if group:
                    yield totals[at.REQUESTS], self._requests(b"".join(group), totals)
                updates = at.updates(batch, counts[at.UPDATES])
                for one in updates:  # each by itself, before they are put together
                    Fields(one)
                self.update(b"".join(updates))
                group, totals = [], [0] * at.TABLES
            group.append(batch)
            totals = [one + other for one, other in zip(totals, counts, strict=True)]
        if group:
            yield totals[at.REQUESTS], self._requests(b"".join(group), totals)

    def _requests(self, batch: bytes, counts: Sequence[int]) -> Iterator[Piece]:
        """The requests of a sound batch; sound ones put together are one."""
        start, left = 0, counts[at.REQUESTS]
        while left:
            # Rows per request are guessed from the whole; where a request has more, the room grows until it fits.
            share = min(1.0, REQUESTS_AT_ONCE / counts[at.REQUESTS])
            room = [min(count, int(count * share) + 64) for count in counts]
            room[at.REQUESTS] = min(room[at.REQUESTS], REQUESTS_AT_ONCE)
            rows, behind = at.scan(batch, start, room)
            while not len(rows.requests):
                room = [min(count, 2 * one + 64) for one, count in zip(room, counts, strict=True)]
                rows, behind = at.scan(batch, start, room)
            left -= len(rows.requests)
            start = behind
            yield from self.verify(rows)

    def verify(self, rows: Rows) -> Iterator[Piece]:
        """The statuses of these requests under the policies as they are; slow ones come last."""
        numbers, rules = self._rules_of(rows)
        request = rows.namespaces[:, at.NS_REQUEST]
        kinds = np.fromiter((one.kind if isinstance(one, Key) else MEMBERS for one in rules), np.int64, len(rules))
        slow = np.zeros(len(rows.requests), np.bool_)
        if SINGLE in kinds:
            by_rule = np.append(kinds == SINGLE, [False, False])  # for _UNKNOWN and _SKIPPED, which count from the end
            slow[request[by_rule[numbers]]] = True
        config = np.zeros(len(rows.requests), np.bool_)
        config[request[numbers == _SKIPPED]] = True
        slowly = np.flatnonzero(slow)
        parts = [np.flatnonzero(~slow)]
        parts += [slowly[first : first + _SLOW_AT_ONCE] for first in range(0, len(slowly), _SLOW_AT_ONCE)]
        for part in parts:
            if len(part):
                refused = self._refused(rows, part, numbers, rules, kinds)
                status = np.where(refused, np.uint8(SIGNATURE_INVALID), np.uint8(COMMITTED))
                yield Piece(rows, part, status, bool(config[part].any()))

    def _refused(
        self, rows: Rows, part: Ints, numbers: NDArray[np.int64], rules: Sequence[Rule], kinds: NDArray[np.int64]
    ) -> Flags:
        """Which of these requests are not to be committed."""
        requests, names = rows.requests, rows.namespaces
        request, index = names[:, at.NS_REQUEST], names[:, at.NS_INDEX]
        refused = requests[:, at.RE_PARTS] != at.WHOLE
        lacking = (numbers == _UNKNOWN) | ((numbers >= 0) & (index >= requests[request, at.RE_LISTS + 1]))
        refused[request[lacking]] = True
        signed = numbers >= 0
        signed[signed] = kinds[numbers[signed]] != NONE
        if len(part) < len(requests):
            asked = np.zeros(len(requests), np.bool_)
            asked[part] = True
            signed &= asked[request]
        first, last, most = 0, _FIRST_NAMESPACES, int(index.max(initial=-1))
        while first <= most:
            chosen = np.flatnonzero(signed & ~refused[request] & (index >= first) & (index < last))
            if len(chosen):
                self._check(rows, chosen.astype(np.uint32), numbers, rules, kinds, refused)
            first, last = last, 8 * last
        return np.asarray(refused[part])

    def _rules_of(self, rows: Rows) -> tuple[NDArray[np.int64], list[Rule]]:
        """The number of each namespace's rule, or _UNKNOWN or _SKIPPED; and the rules."""
        names = Spans(rows.data, rows.namespaces, at.NS_ID)
        groups, firsts = names.group()
        rules: list[Rule] = []
        places = np.full(len(firsts), _UNKNOWN, np.int64)
        for group, row in enumerate(firsts.tolist()):
            name = names[row]
            rule = self.policies.rules.get(name)
            if name == CONFIG:
                places[group] = _SKIPPED
            elif rule is not None:
                places[group] = len(rules)
                rules.append(rule)
        return places[groups], rules

    def _check(
        self,
        rows: Rows,
        chosen: NDArray[np.uint32],
        numbers: NDArray[np.int64],
        rules: Sequence[Rule],
        kinds: NDArray[np.int64],
        refused: Flags,
    ) -> None:
        """Checks these namespaces, and marks the requests of those that fail."""
        while len(chosen):
            checkpoint()
            signed = rows.signed(chosen, _SIGNED_ROOM)
            part, chosen = chosen[: len(signed)].astype(np.intp), chosen[len(signed) :]
            names = rows.namespaces[part]
            request = names[:, at.NS_REQUEST]
            lists = rows.lists[rows.requests[request, at.RE_LISTS] + names[:, at.NS_INDEX]]
            work = _Work(rows, signed, np.asarray(hash_batch("sha256", signed)), lists, self._threads)
            good = lists[:, at.LI_COUNT] > 0
            which = numbers[part]
            keys = [one for one in rules if isinstance(one, Key)]
            place = np.cumsum(kinds != MEMBERS) - 1
            for kind in np.unique(kinds[which]).tolist():
                mine = np.flatnonzero((kinds[which] == kind) & good)
                if not len(mine):
                    continue
                if kind != MEMBERS:
                    good[mine] = work.threshold(kind, mine, keys, place[which[mine]])
                else:
                    good[mine] = self._members(work, mine, [rules[one] for one in which[mine].tolist()])
            refused[request[~good]] = True

    def _members(self, work: _Work, mine: Ints, rules: Sequence[Rule]) -> Flags:
        """Whether namespaces satisfy their rules about MSPs."""
        starts, entries = work.entries(mine)
        item = np.repeat(np.arange(len(mine)), np.diff(starts))
        held = work.rows.endorsements[entries]
        nameless = held[:, at.EN_IDENTITIES] == 0
        good = np.ones(len(mine), np.bool_)
        good[item[nameless]] = False
        who, people = self._people(work.rows, held, nameless)
        live = np.flatnonzero((who >= 0) & good[item])
        ok = np.zeros(len(entries), np.bool_)
        ok[live] = work.signatures(mine[item[live]], entries[live], who[live], people)
        # Orders of signers that hold, one after another, each with its rule in front: equal ones are asked about once.
        order = {id(rule): number for number, rule in enumerate(dict.fromkeys(rules))}
        heads = np.fromiter((order[id(rule)] for rule in rules), np.int32, len(rules))
        counted = np.bincount(item[ok], minlength=len(mine)) + 1
        ends = np.cumsum(counted)
        words = np.empty(int(ends[-1]), np.int32)
        tails = np.ones(len(words), np.bool_)
        tails[ends - counted] = False
        words[ends - counted] = heads
        words[tails] = who[ok]
        spans = Spans.of(words.view(np.uint8), (ends - counted) * 4, ends * 4)
        groups, firsts = spans.group()
        verdicts = np.zeros(len(firsts), np.bool_)
        for group, row in enumerate(firsts.tolist()):
            signers = [people[one] for one in dict.fromkeys(np.frombuffer(spans[row], np.int32)[1:].tolist())]
            rule = rules[row]
            assert isinstance(rule, MspRule)
            key = "\n".join(f"{len(one.msp_id)} {one.msp_id} {one.id}" for one in signers).encode()
            verdicts[group] = rule.passes(key, signers)
        return good & verdicts[groups]

    def _people(self, rows: Rows, held: NDArray[np.int64], nameless: Flags) -> tuple[NDArray[np.int32], list[Identity]]:
        """Who made each endorsement, as a place in a list of identities; -1: nobody that the MSPs know."""
        who = np.full(len(held), -1, np.int32)
        named = np.flatnonzero(~nameless)
        if not len(named):
            return who, []
        spans = Spans(rows.data, np.ascontiguousarray(held[named]), at.EN_IDENTITY)
        merged = held[named, at.EN_IDENTITIES] > 1
        groups, firsts = spans.group()
        people: list[Identity] = []
        places: dict[tuple[str, str], int] = {}
        numbers = np.full(len(firsts), -1, np.int32)
        for group, row in enumerate(firsts.tolist()):
            numbers[group] = self._place(spans[row], False, people, places)
        who[named] = numbers[groups]
        for row in np.flatnonzero(merged).tolist():
            who[named[row]] = self._place(spans[row], True, people, places)
        return who, people

    def _place(self, data: bytes, whole: bool, people: list[Identity], places: dict[tuple[str, str], int]) -> int:
        """The place of an identity in the list, where it is put if need be. whole: `data` is its endorsement."""
        try:
            found = self._identity((Fields(data).merged(2) or b"") if whole else data)
        except (UnknownIdentityError, MalformedError):
            return -1
        place = places.setdefault((found.msp_id, found.id), len(people))
        if place == len(people):
            people.append(found)
        return place

    def _identity(self, data: bytes) -> Identity:
        """The identity of an msppb.Identity. Raises UnknownIdentityError; MalformedError for other bytes."""
        parts = Fields(data)
        msp = self.policies.msps.named(parts.text(1))
        kind = next((number for number in reversed(parts.order) if number in (2, 3)), None)
        if kind is None:
            raise UnknownIdentityError("an identity without a certificate")
        return msp.identity(parts.last(2)) if kind == 2 else msp.known(parts.text(3))


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """n namespaces that are checked together: what they sign, its digests (uint8 (n, 32)), and their endorsements."""

    rows: Rows
    signed: Column
    digests: NDArray[np.uint8]
    lists: NDArray[np.int64]
    threads: int | None

    def _signatures(self, entries: Ints) -> Spans:
        return Spans(self.rows.data, self.rows.endorsements[entries], at.EN_SIGNATURE)

    def threshold(self, kind: int, mine: Ints, keys: Sequence[Key], which: NDArray[np.int64]) -> Flags:
        """Whether the first endorsement of each of these namespaces is by its rule's key."""
        spans = self._signatures(self.lists[mine, at.LI_FIRST])
        if kind == SINGLE:
            items = zip(which.tolist(), mine.tolist(), spans.items(), strict=True)
            return np.fromiter((self._single(keys[k], i, signature) for k, i, signature in items), np.bool_, len(mine))
        size = 65 if kind == P256 else 32
        fits = np.fromiter((len(one.key) == size for one in keys), np.bool_, len(keys))
        table = np.zeros((len(keys), size), np.uint8)
        for row in np.flatnonzero(fits).tolist():
            table[row] = np.frombuffer(keys[row].key, np.uint8)
        digests = self.digests[mine]
        if kind == P256:
            found = verify_batch(
                "ecdsa-p256",
                table[which],
                spans.gather(),
                digests,
                prehashed=True,
                encoding="der",
                threads=self.threads,
            )
        else:
            found = verify_batch(
                "ed25519", table[which], spans.gather(), digests, rules="fabric-x", threads=self.threads
            )
        return found.valid & fits[which]

    def _single(self, key: Key, place: int, signature: bytes) -> bool:
        checkpoint()
        assert key.check is not None
        return key.check(self.digests[place].tobytes(), signature)

    def entries(self, mine: Ints) -> tuple[Ints, Ints]:
        """Every endorsement of these namespaces: starts (n + 1,), and rows of the table."""
        counts = self.lists[mine, at.LI_COUNT]
        starts = np.zeros(len(mine) + 1, np.intp)
        np.cumsum(counts, out=starts[1:])
        first = np.repeat(self.lists[mine, at.LI_FIRST] - starts[:-1], counts)
        return starts, first + np.arange(starts[-1])

    def signatures(self, place: Ints, entries: Ints, who: NDArray[np.int32], people: Sequence[Identity]) -> Flags:
        """Whether endorsements are by these people, over what the namespaces at `place` sign."""
        usual = np.fromiter(
            (one.key.kind == "ecdsa-p256" and one.hash == "sha256" for one in people), np.bool_, len(people)
        )
        good = np.zeros(len(entries), np.bool_)
        spans = self._signatures(entries)
        fast = np.flatnonzero(usual[who]) if len(people) else np.zeros(0, np.intp)
        if len(fast):
            table = np.zeros((len(people), 65), np.uint8)
            for row in np.flatnonzero(usual).tolist():
                table[row] = np.frombuffer(people[row].key.data, np.uint8)
            good[fast] = verify_batch(
                "ecdsa-p256", table[who[fast]], spans.take(fast).gather(), self.digests[place[fast]], prehashed=True,
                rules="low-s", encoding="der", der_rules="go", threads=self.threads,
            ).valid  # fmt: skip
        rare = np.flatnonzero(~usual[who]) if len(people) else np.zeros(0, np.intp)
        for first in range(0, len(rare), _RARE_AT_ONCE):
            some = rare[first : first + _RARE_AT_ONCE]
            batch = SignatureBatch(der_rules="go", s_rules="low-s", ed25519="ref10", threads=self.threads)
            for row in some.tolist():
                person = people[int(who[row])]
                batch.add(person.key, person.hash, self.signed[int(place[row])], spans[row])
            good[some] = batch.run() == 1
        return good
