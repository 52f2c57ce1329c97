"""VerifyBundle and AdvanceTrust."""

from __future__ import annotations

import functools
from typing import Any

from pycore import bundle
from pycore.bundle import BundleReport, Trusted
from pycore.service.callers import require_chain
from pycore.service.work import Unary, Work
from pycore.wire.bundles import facts_json, to_bundle_report
from pycore.wire.schema import bundle_pb2
from pycore.wire.settings import Settings

_VERIFY, _ADVANCE = "VerifyBundle", "AdvanceTrust"
_MAX_CACHED_BYTES = 1 << 18  # read, a context takes up to a dozen times as much, and sixteen are kept
_BYTES_PER_ITEM = 512  # as blocks count: about a signature with its message
_Moved = tuple[BundleReport, "Trusted | None"]


def _decoder(name: str) -> Any:
    def decode(request: Any, _: Settings) -> Work:
        cost = 1 + (len(request.bundle) + len(request.trusted_json)) // _BYTES_PER_ITEM
        return Work(name, request.trusted_json, ([request.bundle],), 1, cost)

    return decode


def _verify(work: Work, settings: Settings) -> BundleReport:
    state, given = _parts(work)
    report = bundle.verify(given, state)
    settings.check_answer(len(facts_json(report)), "bundle")
    return report


def _advance(work: Work, settings: Settings) -> _Moved:
    state, given = _parts(work)
    report, moved = bundle.advance(given, state)
    size = 0 if moved is None else len(bundle.trusted_to_json(moved, indent=None))
    settings.check_answer(len(facts_json(report)) + size, "bundle")
    return report, moved


def _parts(work: Work) -> tuple[Trusted, bytes]:
    document = work.options
    assert isinstance(document, bytes)
    ((given,),) = work.columns
    state = (_trusted if len(document) <= _MAX_CACHED_BYTES else bundle.read_trusted)(document)
    require_chain(state.chain)  # a bundle of another chain than the trusted state's is refused
    return state, given


_trusted = functools.lru_cache(maxsize=16)(bundle.read_trusted)  # clients trust one state for many bundles


def _encode_report(report: BundleReport) -> bundle_pb2.VerifyBundleResponse:
    return bundle_pb2.VerifyBundleResponse(report=to_bundle_report(report))


def _encode_moved(result: _Moved) -> bundle_pb2.AdvanceTrustResponse:
    report, moved = result
    text = b"" if moved is None else bundle.trusted_to_json(moved, indent=None).encode()
    return bundle_pb2.AdvanceTrustResponse(report=to_bundle_report(report), trusted_json=text)


RPCS = {
    _VERIFY: Unary(_decoder(_VERIFY), _encode_report),
    _ADVANCE: Unary(_decoder(_ADVANCE), _encode_moved),
}
KINDS = {_VERIFY: _verify, _ADVANCE: _advance}
