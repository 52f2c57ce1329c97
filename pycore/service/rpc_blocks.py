"""ValidateBlock."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from pycore import ledgers
from pycore.base.report import BlockReport
from pycore.ledgers._json import load_object
from pycore.service.callers import require_chain
from pycore.service.work import Unary, Work
from pycore.wire.reports import to_block_report
from pycore.wire.schema import block_pb2
from pycore.wire.settings import Settings
from pycore.wire.views import split_field

_NAME = "ValidateBlock"
_MAX_CACHED_CONTEXT_BYTES = 1 << 18  # read, a context takes up to a dozen times as much, and sixteen are kept
_BYTES_PER_TRANSACTION = 512  # about the least that a signed transaction of any chain takes; only to count items


class Options(NamedTuple):
    """The chain, and what its nodes know: JSON, or nothing."""

    chain: str
    document: bytes


class Request(NamedTuple):
    """A ValidateBlockRequest whose block is a view of the bytes that were received."""

    chain: str
    block: memoryview
    context_json: bytes


def _parse(raw: bytes) -> Request:
    found = split_field(raw, block_pb2.ValidateBlockRequest.BLOCK_FIELD_NUMBER)
    rest, block = found if found is not None else (raw, None)
    message = block_pb2.ValidateBlockRequest.FromString(rest)
    return Request(message.chain, memoryview(message.block) if block is None else block, message.context_json)


def _decode(request: Request, _: Settings) -> Work:
    ledgers.get(request.chain)
    require_chain(request.chain)
    return Work(_NAME, Options(request.chain, request.context_json), ([request.block],), 1, cost_of(request.block))


def _run(work: Work, settings: Settings) -> BlockReport:
    assert isinstance(work.options, Options)
    chain, document = work.options
    ((block,),) = work.columns
    report = ledgers.get(chain).validate_block(block, context_of(chain, document), threads=settings.threads)
    settings.check_answer(words_of(report), "block")
    return report


def _encode(report: BlockReport) -> block_pb2.ValidateBlockResponse:
    return block_pb2.ValidateBlockResponse(report=to_block_report(report))


def cost_of(block: bytes | memoryview) -> int:
    """As how many items a block counts."""
    return 1 + len(block) // _BYTES_PER_TRANSACTION


def context_of(chain: str, document: bytes) -> Any:
    """The context of a chain from JSON; None without any."""
    cached = len(document) <= _MAX_CACHED_CONTEXT_BYTES
    return (_context if cached else _read_context)(chain, document) if document else None


def _read_context(chain: str, document: bytes) -> Any:
    return ledgers.get(chain).context(load_object(document, "context_json"))


_context = functools.lru_cache(maxsize=16)(_read_context)  # clients send the same context with block after block


def words_of(report: BlockReport) -> int:
    """About how many bytes a report takes to send."""
    checks = sum(len(str(each)) for check in report.checks for each in (check.got, check.wanted, check.detail))
    return checks + sum(len(fault.detail) + len(fault.tx_id) + 8 for fault in report.faults)


RPCS = {_NAME: Unary(_decode, _encode, _parse)}
KINDS = {_NAME: _run}
