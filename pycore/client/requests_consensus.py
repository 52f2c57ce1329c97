"""The calls for votes: commits, streams of them, and light clients."""

from __future__ import annotations

import collections
import json
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pycore.base.columns import as_column, one_bytes, quote
from pycore.client.requests import Budget, Caller, Feed, Plan, call, stream
from pycore.consensus import CommitReport, LightBlock, SignedHeader, ValidatorSet, chains
from pycore.consensus.commits import MODES
from pycore.consensus.light import LightOptions, LightReport, LightVerdict, TrustedState
from pycore.consensus.light_rules import MAX_STEPS
from pycore.consensus.votes import checked_form
from pycore.errors import InputError, LengthError
from pycore.wire.columns import split
from pycore.wire.consensus import from_commit_report, from_light_report, to_trust_level
from pycore.wire.packing import packed
from pycore.wire.schema import consensus_pb2
from pycore.wire.settings import MOST_COMMITS, MOST_LIGHT_BLOCKS


class ConsensusCalls(Caller):
    """`verify_commit`, `verify_commits` and `light_verify`."""

    @call
    def verify_commit(
        self,
        validators: ValidatorSet | Any,
        signed_header: SignedHeader | Any,
        *,
        chain: str = "cometbft",
        mode: str = "light",
        trust_level: tuple[int, int] = (1, 3),
        form: str = "rpc",
        chain_id: str | None = None,
        threads: int | None = None,
    ) -> Plan[CommitReport]:
        """`pycore.consensus.verify_commit` on the service."""
        options = _Options(chain, mode, trust_level, form, chain_id)
        set_form, data = options.validators(validators)
        header_form, header = options.signed_header(signed_header)
        request = consensus_pb2.VerifyCommitRequest(
            **options.words, form=header_form, validators=data, validators_form=set_form, signed_header=header
        )
        return Plan("VerifyCommit", 1, [request], lambda answers: from_commit_report(answers[0].report))

    @stream
    def verify_commits(
        self,
        validators: ValidatorSet | Any,
        signed_headers: Iterable[SignedHeader | Any] | AsyncIterable[SignedHeader | Any],
        *,
        chain: str = "cometbft",
        mode: str = "light",
        trust_level: tuple[int, int] = (1, 3),
        form: str = "rpc",
        chain_id: str | None = None,
        threads: int | None = None,
        window_headers: int = 256,
    ) -> Feed[CommitReport]:
        """`pycore.consensus.verify_commits` on the service.

        Args:
            validators: one set for all headers, or a list of ValidatorSet, one for each. A set travels once, and again
                where the next header has another one.
            signed_headers: as in process; read ahead of the reports: by a blocking client from another thread. The
                iterable may be an asynchronous one where the client is.
            chain, mode, trust_level, form, chain_id: as in process.
            window_headers: so many headers are sent, and verified, together, or fewer where they have
                `max_message_bytes`; 1 where headers come one at a time and are not to wait for others.

        Yields:
            The report of each header, in order. Close the iterator to end the stream early.

        Raises:
            InputError: a malformed call; the headers before it were reported.
            ServiceError: the stream broke. It has no time limit.
        """
        if type(window_headers) is not int or not 1 <= window_headers <= MOST_COMMITS:
            raise InputError("window_headers", quote(window_headers), f"an integer from 1 to {MOST_COMMITS}")
        options = _Options(chain, mode, trust_level, form, chain_id)
        commits = _Commits(options, validators, Budget(window_headers, self._budget.nbytes))
        return Feed(
            "VerifyCommits", signed_headers, commits.messages, commits.take, rest=commits.rest,
            waiting=commits.waiting, spread=True, pending=commits.pending,
        )  # fmt: skip

    @call
    def light_verify(
        self,
        trusted: TrustedState,
        blocks: Iterable[LightBlock],
        options: LightOptions,
        now_ns: int,
        *,
        threads: int | None = None,
    ) -> Plan[tuple[TrustedState, LightReport]]:
        """`pycore.consensus.light.advance` on the service, which keeps nothing: what is trusted is the caller's."""
        if not isinstance(trusted, TrustedState):
            raise InputError("trusted", quote(trusted), "a TrustedState")
        if not isinstance(options, LightOptions):
            raise InputError("options", quote(options), "LightOptions")
        if type(now_ns) is not int or not -(1 << 63) <= now_ns < 1 << 63:
            raise InputError("now_ns", quote(now_ns), "Unix nanoseconds, an integer of 64 bits")
        given = list(islice(blocks, MAX_STEPS + 1))
        if not 1 <= len(given) <= MAX_STEPS:
            raise InputError(
                "blocks", f"more than {MAX_STEPS}" if given else "none", f"from 1 to {MAX_STEPS} light blocks"
            )
        for i, block in enumerate(given):
            if not isinstance(block, LightBlock):
                raise InputError(f"blocks[{i}]", quote(block), "a LightBlock")
        return _light_plan(self._budget, trusted, given, options, now_ns)


class _Options:
    """How commits are verified, as requests say it."""

    def __init__(self, chain: str, mode: str, trust_level: Any, form: str, chain_id: str | None) -> None:
        self._rules = chains.rules(chain)
        if mode not in MODES:
            raise InputError("mode", quote(mode), "one of " + ", ".join(map(repr, MODES)))
        if chain_id is not None and not isinstance(chain_id, str):
            raise InputError("chain_id", quote(chain_id), "text or None")
        self._form = checked_form(form)
        level = to_trust_level(trust_level) if mode.startswith("trusting") else None
        self.words: dict[str, Any] = {"chain": chain, "mode": mode, "trust_level": level, "chain_id": chain_id}

    def validators(self, given: Any) -> tuple[str, bytes]:
        """The form of a set, and the set."""
        return (
            ("wire", given.to_bytes()) if isinstance(given, ValidatorSet) else (self._form, _data(given, "validators"))
        )

    def signed_header(self, given: Any) -> tuple[str, bytes]:
        """The form of a header, and the header."""
        if isinstance(given, SignedHeader):
            return "wire", given.raw or self._rules.write_signed_header(given)
        return self._form, _data(given, "signed_header")


def _data(given: Any, field: str) -> bytes:
    """An answer of a node, in whatever the in-process call takes, as bytes."""
    if isinstance(given, (Mapping, list, tuple)):
        try:
            given = json.dumps(given)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(field, f"values that JSON does not have ({error})", "the answer of a node") from None
    return given.encode() if isinstance(given, str) else one_bytes(given, field)


class _Commits:
    """Puts headers into messages, and counts the reports."""

    def __init__(self, options: _Options, validators: Any, budget: Budget) -> None:
        self._options, self._budget = options, budget
        self._each: list[ValidatorSet] | None = None
        if isinstance(validators, (list, tuple)) and validators and all(
            isinstance(one, ValidatorSet) for one in validators
        ):  # fmt: skip
            self._each = list(validators)
        self._set = self._each[0] if self._each else validators
        self._words: dict[str, Any] = dict(options.words)
        self._form = ""
        self._headers: list[bytes] = []
        self._fresh = True  # the set is not sent yet
        self._size = self._taken = self._sent = self._answered = 0
        self._ends: collections.deque[int] = collections.deque()  # headers up to the end of each message

    def messages(self, given: Any) -> Iterator[bytes]:
        """The messages that must go before this header, and the one that it fills."""
        form, data = self._options.signed_header(given)
        if self._each is not None:
            if self._taken >= len(self._each):
                got, wanted = f"{len(self._each)} sets", "one, or as many as signed_headers"
                raise LengthError("validators", got, wanted)
            following = self._each[self._taken]
            if following != self._set:
                yield from self._flush()
                self._set, self._fresh = following, True
        if form != self._form:
            yield from self._flush()
            self._form = form
        self._headers.append(data)
        self._size += len(data)
        self._taken += 1
        if len(self._headers) >= self._budget.items or self._size >= self._budget.nbytes:
            yield from self._flush()

    def rest(self) -> Iterator[bytes]:
        """The last headers. A call without any has a message all the same, for its options and its set."""
        if self._each is not None and self._taken != len(self._each):
            got, wanted = f"{len(self._each)} sets", f"one, or {self._taken}, as many as signed_headers"
            raise LengthError("validators", got, wanted)
        yield from self._flush()
        if self._fresh:
            yield self._message()

    def _flush(self) -> Iterator[bytes]:
        if self._headers:
            yield self._message()

    def _message(self) -> bytes:
        words, self._words = self._words, {}
        if self._fresh:
            form, data = self._options.validators(self._set)
            words |= {"validators": data, "validators_form": form}
            self._fresh = False
        column = as_column(self._headers, "signed_headers")
        self._sent += len(self._headers)
        if self._headers:
            self._ends.append(self._sent)
        self._headers, self._size = [], 0
        bare = consensus_pb2.VerifyCommitsRequest(**words, form=self._form)
        return packed(bare, [(bare.SIGNED_HEADERS_FIELD_NUMBER, column)])

    def waiting(self) -> bool:
        """Whether a header that was sent has no report yet."""
        return self._answered < self._sent

    def pending(self) -> int:
        """Messages of which a header has no report."""
        return len(self._ends)

    def take(self, answer: consensus_pb2.VerifyCommitsResponse) -> list[CommitReport]:
        """The reports of a message."""
        self._answered += len(answer.reports)
        while self._ends and self._ends[0] <= self._answered:
            self._ends.popleft()
        return [from_commit_report(one) for one in answer.reports]


# ---- light clients ---------------------------------------------------------------------------------------------------


def _light_plan(
    budget: Budget, trusted: TrustedState, blocks: list[LightBlock], options: LightOptions, now_ns: int
) -> Plan[tuple[TrustedState, LightReport]]:
    """The blocks in pieces: each piece trusts the last block of the one before, if that turns out to be right."""
    column = as_column([block.to_bytes() for block in blocks], "blocks")
    ranges = split([column], min(budget.items, MOST_LIGHT_BLOCKS), budget.nbytes)

    def request(start: int, stop: int) -> bytes:
        bare = consensus_pb2.LightVerifyRequest(
            chain=trusted.validators.chain,
            form="wire",
            trusted=column[start - 1] if start else trusted.to_bytes(),
            trusting_period_ns=options.trusting_period_ns,
            trust_level=to_trust_level(options.trust_level),
            max_clock_drift_ns=options.max_clock_drift_ns,
            sequential=options.sequential,
            now_ns=now_ns,
        )
        return packed(bare, [(bare.LIGHT_BLOCKS_FIELD_NUMBER, column.slice(start, stop))])

    def combined(answers: Sequence[Any]) -> tuple[TrustedState, LightReport]:
        steps: list[LightReport] = []
        state, last = b"", None
        for answer in answers:
            state, last = answer.trusted, from_light_report(answer.report)
            steps += last.steps
            if last.verdict is not LightVerdict.SUCCESS:
                break
        assert last is not None, "there is a request at least"
        return TrustedState.read(state, chain=trusted.validators.chain), replace(last, steps=tuple(steps))

    return Plan("LightVerify", len(ranges), (request(start, stop) for start, stop in ranges), combined)
