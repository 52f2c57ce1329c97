"""VerifyCommit and VerifyCommits."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from pycore.base.columns import Column
from pycore.base.report import Report
from pycore.consensus import ValidatorSet, chains, verify_commit, verify_commits
from pycore.errors import InputError, LengthError
from pycore.service.rpc_blocks import words_of_checks
from pycore.service.work import Chained, Unary, Work
from pycore.wire.columns import from_column
from pycore.wire.consensus import to_report, trust_level_of
from pycore.wire.schema import consensus_pb2
from pycore.wire.settings import MOST_COMMITS, Settings

_COMMIT, _COMMITS = "VerifyCommit", "VerifyCommits"
_FIRST_ONLY = ("chain", "mode", "form")
_MAX_CACHED_BYTES = 1 << 18
_BYTES_PER_ITEM = 128  # about the least that a vote takes in a commit; only to count items


class Options(NamedTuple):
    """As `verify_commit` takes them; what a request leaves out is filled in, so that equal means equal."""

    chain: str
    mode: str
    trust_level: tuple[int, int]
    form: str


class Validators(NamedTuple):
    """A validator set as it was received."""

    chain: str
    data: bytes
    form: str

    def read(self) -> ValidatorSet:
        """The set. Clients send the same one with header after header."""
        return (_validators if len(self.data) <= _MAX_CACHED_BYTES else _read)(self)


def _read(given: Validators) -> ValidatorSet:
    return ValidatorSet.read(given.data, chain=given.chain, form=given.form)


_validators = functools.lru_cache(maxsize=8)(_read)


def _options(request: Any) -> Options:
    chains.rules(request.chain)
    level = trust_level_of(request)
    return Options(request.chain, request.mode or "light", level, request.form or "rpc")


def _given(request: Any, options: Options) -> Validators:
    return Validators(options.chain, request.validators, request.validators_form or options.form)


def cost_of(nbytes: int) -> int:
    """As how many items votes of so many bytes count."""
    return 1 + nbytes // _BYTES_PER_ITEM


# ---- one commit ------------------------------------------------------------------------------------------------------


def _decode_commit(request: consensus_pb2.VerifyCommitRequest, _: Settings) -> Work:
    options = _options(request)
    cost = cost_of(len(request.validators) + len(request.signed_header))
    return Work(_COMMIT, (options, _given(request, options)), ([request.signed_header],), 1, cost)


def _run_commit(work: Work, settings: Settings) -> Report:
    options, validators = work.options  # type: ignore[misc]
    ((signed_header,),) = work.columns
    chain, mode, trust_level, form = options
    report = verify_commit(
        validators.read(), signed_header, chain=chain, mode=mode, trust_level=trust_level, form=form,
        threads=settings.threads,
    )  # fmt: skip
    settings.check_answer(words_of_checks(report), "signed_header")
    return report


def _encode_commit(report: Report) -> consensus_pb2.VerifyCommitResponse:
    return consensus_pb2.VerifyCommitResponse(report=to_report(report))


# ---- a stream of them ------------------------------------------------------------------------------------------------


class _Commits:
    """A stream of commits, from its first message on."""

    def __init__(self, request: consensus_pb2.VerifyCommitsRequest, _: Settings) -> None:
        self.options = _options(request)
        self.read = 0  # headers of earlier messages
        self.given: Validators | None = None
        self._set: ValidatorSet | None = None

    @property
    def held_bytes(self) -> int:
        """Of the validators that stay."""
        return len(self.given.data) if self.given else 0

    def take(self, request: consensus_pb2.VerifyCommitsRequest) -> None:
        """The parts of a message that may be there."""
        if self.given is None:
            self.given = _given(request, self.options)
            return
        for name in _FIRST_ONLY:
            if value := getattr(request, name):
                raise InputError(name, f"{len(value)} bytes", "nothing: the first message has it")
        if request.HasField("trust_level"):
            raise InputError("trust_level", "a share", "nothing: the first message has it")
        if request.validators or request.validators_form:
            self.given, self._set = _given(request, self.options), None

    def validators(self) -> ValidatorSet:
        """The set that applies. Read by the first work that needs it."""
        assert self.given is not None, "the first message has it"
        if self._set is None:
            self._set = self.given.read()
        return self._set


def _decode_commits(whole: _Commits, request: consensus_pb2.VerifyCommitsRequest, settings: Settings) -> Work:
    whole.take(request)
    headers = from_column(request.signed_headers, "signed_headers", settings)
    if headers.n > MOST_COMMITS:
        raise LengthError("signed_headers", f"{headers.n} items", f"at most {MOST_COMMITS} in a message")
    return Work(_COMMITS, whole, (headers,), headers.n, headers.n + cost_of(headers.nbytes + whole.held_bytes))
