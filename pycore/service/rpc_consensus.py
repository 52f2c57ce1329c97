"""VerifyCommit, VerifyCommits and LightVerify."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from pycore.base.deadline import checkpoint
from pycore.consensus import CommitReport, LightBlock, ValidatorSet, chains, verify_commit, verify_commits
from pycore.consensus.light import LightOptions, LightReport, TrustedState, advance
from pycore.errors import InputError, LengthError
from pycore.service.callers import require_chain
from pycore.service.work import Chained, Unary, Work
from pycore.wire.columns import from_column
from pycore.wire.consensus import from_trust_level, renamed, size_of, to_commit_report, to_light_report
from pycore.wire.schema import consensus_pb2
from pycore.wire.settings import MOST_COMMITS, MOST_LIGHT_BLOCKS, Settings

_COMMIT, _COMMITS, _LIGHT = "VerifyCommit", "VerifyCommits", "LightVerify"
_FIRST_ONLY = ("chain", "mode", "chain_id")
_MAX_CACHED_BYTES = 1 << 17  # some 500 validators in JSON; with the tables of its keys a set takes up to 16 MiB
_JSON_AT_ONCE = 16
_BYTES_PER_VOTE = 128  # about the least that one takes in a commit; only to count items


class Options(NamedTuple):
    """As `verify_commit` takes them; what a request leaves out is filled in, so that equal means equal."""

    chain: str
    mode: str
    trust_level: tuple[int, int]
    chain_id: str | None

    @classmethod
    def of(cls, request: Any) -> Options:
        """Those of a request."""
        chains.rules(request.chain)
        require_chain(request.chain)
        level = from_trust_level(request.trust_level if request.HasField("trust_level") else None)
        chain_id = request.chain_id if request.HasField("chain_id") else None
        return cls(request.chain, request.mode or "light", level, chain_id)


class Validators(NamedTuple):
    """A validator set as it was received."""

    chain: str
    form: str
    data: bytes

    def read(self) -> ValidatorSet:
        """The set; clients send the same one with header after header. InputError for anything else."""
        return (_read_once if len(self.data) <= _MAX_CACHED_BYTES else _read)(self)


def _read(given: Validators) -> ValidatorSet:
    data: Any = given.data
    if given.form == "rpc":
        try:
            data = given.data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError("validators", f"bytes that are no text (byte {error.start})", "UTF-8") from None
    return ValidatorSet.read(data, chain=given.chain, form=given.form)


_read_once = functools.lru_cache(maxsize=8)(_read)


def cost_of(nbytes: int) -> int:
    """As how many items so many bytes of votes count."""
    return 1 + nbytes // _BYTES_PER_VOTE


# ---- one commit ------------------------------------------------------------------------------------------------------


def _decode_commit(request: consensus_pb2.VerifyCommitRequest, _: Settings) -> Work:
    options, form = Options.of(request), request.form or "rpc"
    validators = Validators(options.chain, request.validators_form or form, request.validators)
    cost = cost_of(len(request.validators) + len(request.signed_header))
    return Work(_COMMIT, (options, form, validators), ([request.signed_header],), 1, cost)


def _run_commit(work: Work, settings: Settings) -> CommitReport:
    asked: Any = work.options
    options, form, validators = asked
    ((signed_header,),) = work.columns
    report = verify_commit(validators.read(), signed_header, form=form, threads=settings.threads, **options._asdict())
    settings.check_answer(size_of(report), "signed_header")
    return report


def _encode_commit(report: CommitReport) -> consensus_pb2.VerifyCommitResponse:
    return consensus_pb2.VerifyCommitResponse(report=to_commit_report(report))


# ---- a stream of them ------------------------------------------------------------------------------------------------


class _Commits:
    """A stream of commits, from its first message on."""

    def __init__(self, request: consensus_pb2.VerifyCommitsRequest, _: Settings) -> None:
        self.options = Options.of(request)
        self._given: Validators | None = None
        self._next: Validators | None = None
        self._set: ValidatorSet | None = None

    @property
    def held_bytes(self) -> int:
        """Of the validators, which stay."""
        return len(self._given.data) if self._given is not None else 0

    def take(self, request: consensus_pb2.VerifyCommitsRequest) -> None:
        """Reads all that a message says besides headers."""
        if self._given is not None:
            for name in _FIRST_ONLY:
                if value := getattr(request, name):
                    raise InputError(name, f"{len(value)} bytes", "nothing: the first message has it")
            if request.HasField("trust_level"):
                raise InputError("trust_level", "a share", "nothing: the first message has it")
        if self._given is None or request.validators or request.validators_form:
            form = request.validators_form or request.form or "rpc"
            self._given = self._next = Validators(self.options.chain, form, request.validators)

    def validators(self) -> ValidatorSet:
        """The set that applies. Read by the first work that needs it; keys that stay keep their tables."""
        if self._next is not None:
            before, after = self._set, self._next.read()
            self._set = after if before is None or before == after else before.moved(after.validators)
            self._next = None
        assert self._set is not None, "the first message has validators"
        return self._set


def _decode_commits(whole: _Commits, request: consensus_pb2.VerifyCommitsRequest, settings: Settings) -> Work:
    whole.take(request)
    headers = from_column(request.signed_headers, "signed_headers", settings)
    if headers.n > MOST_COMMITS:
        raise LengthError("signed_headers", f"{headers.n} items", f"at most {MOST_COMMITS} in a message")
    cost = headers.n + cost_of(headers.nbytes + whole.held_bytes)
    return Work(_COMMITS, whole, (headers, request.form or "rpc"), headers.n, cost)


def _run_commits(work: Work, settings: Settings) -> list[CommitReport]:
    whole: Any = work.options
    headers, form = work.columns
    validators, options = whole.validators(), whole.options._asdict()
    # Protobuf is read in C, JSON one by one in Python: a deadline ends it between two pieces.
    step = headers.n or 1 if form == "wire" else _JSON_AT_ONCE
    reports: list[CommitReport] = []
    for start in range(0, headers.n, step):
        checkpoint()
        piece = list(headers.slice(start, min(start + step, headers.n)))
        reports += verify_commits(validators, piece, form=form, threads=settings.threads, **options)
    settings.check_answer(sum(map(size_of, reports)), "signed_headers")
    return reports


def _encode_commits(reports: list[CommitReport]) -> tuple[list[consensus_pb2.VerifyCommitsResponse], None]:
    return [consensus_pb2.VerifyCommitsResponse(reports=map(to_commit_report, reports))], None


# ---- light clients ---------------------------------------------------------------------------------------------------


class _Step(NamedTuple):
    chain: str
    form: str
    options: LightOptions
    now_ns: int


def _decode_light(request: consensus_pb2.LightVerifyRequest, settings: Settings) -> Work:
    chains.rules(request.chain)
    require_chain(request.chain)
    if not request.HasField("now_ns"):
        raise InputError("now_ns", "nothing", "the present time in nanoseconds since 1970")
    drift = {"max_clock_drift_ns": request.max_clock_drift_ns} if request.HasField("max_clock_drift_ns") else {}
    options = LightOptions(
        request.trusting_period_ns,
        from_trust_level(request.trust_level if request.HasField("trust_level") else None),
        sequential=request.sequential,
        **drift,
    )
    blocks = from_column(request.light_blocks, "light_blocks", settings)
    if not 1 <= blocks.n <= MOST_LIGHT_BLOCKS:
        raise LengthError("light_blocks", f"{blocks.n} items", f"from 1 to {MOST_LIGHT_BLOCKS}")
    step = _Step(request.chain, request.form or "wire", options, request.now_ns)
    cost = blocks.n + cost_of(blocks.nbytes + len(request.trusted))
    return Work(_LIGHT, step, ([request.trusted], blocks), blocks.n, cost)


def _run_light(work: Work, settings: Settings) -> tuple[TrustedState, LightReport]:
    step: Any = work.options
    (trusted,), blocks = work.columns
    with renamed("light_block", "trusted"):
        state = TrustedState.read(trusted, chain=step.chain, form=step.form)

    def given() -> Iterator[LightBlock]:
        for i, data in enumerate(blocks):
            checkpoint()
            with renamed("light_block", f"light_blocks[{i}]"):
                yield LightBlock.read(data, chain=step.chain, form=step.form)

    state, report = advance(state, given(), step.options, step.now_ns, threads=settings.threads)
    settings.check_answer(size_of(report), "light_blocks")
    return state, report


def _encode_light(result: tuple[TrustedState, LightReport]) -> consensus_pb2.LightVerifyResponse:
    state, report = result
    return consensus_pb2.LightVerifyResponse(report=to_light_report(report), trusted=state.to_bytes())


RPCS = {
    _COMMIT: Unary(_decode_commit, _encode_commit),
    _COMMITS: Chained(_Commits, _decode_commits, _encode_commits, lambda whole: whole.held_bytes, lambda _: None),
    _LIGHT: Unary(_decode_light, _encode_light),
}
KINDS = {_COMMIT: _run_commit, _COMMITS: _run_commits, _LIGHT: _run_light}
