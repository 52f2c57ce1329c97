"""VerifySignatures, alone and as a stream of batches."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pycore import signatures
from pycore.base.columns import Column, trusted_column
from pycore.base.ffi_lane import Part, Span, cut_columns, read_cut
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError
from pycore.service.work import Batches, Unary, Work
from pycore.wire.columns import from_column, to_verdicts
from pycore.wire.errors import to_batch_error, to_failure
from pycore.wire.schema import signature_pb2
from pycore.wire.settings import Settings

_UNARY, _STREAM = "VerifySignatures", "VerifySignatureStream"


class Options(NamedTuple):
    """As `pycore.verify_batch` takes them; what a request leaves out is filled in, so that equal means equal."""

    scheme: str
    rules: str | None
    prehashed: bool
    user_id: bytes | None
    hash: str | None
    encoding: str
    der_rules: str


class _Layout(NamedTuple):
    """What requests say that differ in nothing but the bytes of their columns. rows: of each column, -1 where they are
    not of one width."""

    options: Options
    spans: tuple[Span, ...]
    rows: tuple[int, ...]


class _Cut(NamedTuple):
    """A request that protobuf has not read."""

    raw: bytes
    layout: _Layout


def _parse(raw: bytes) -> _Cut | signature_pb2.VerifySignaturesRequest:
    """A request from its bytes; its columns are not copied. DecodeError where they are not one."""
    found = cut_columns(raw, _ROWS[0], len(_ROWS))
    return signature_pb2.VerifySignaturesRequest.FromString(raw) if found is None else _Cut(raw, _layout(found))


@lru_cache(256)
def _layout(cut: bytes) -> _Layout:
    rest, spans = read_cut(cut, len(_ROWS))
    return _Layout(_options_of(rest), spans, tuple(span.n for span in spans))


@lru_cache(256)
def _options_of(rest: bytes) -> Options:
    """The options of a request without its columns."""
    return _options(signature_pb2.VerifySignaturesRequest.FromString(rest))


def _options(request: signature_pb2.VerifySignaturesRequest) -> Options:
    identity = request.WhichOneof("identity")
    user_id: bytes | None = signatures.DEFAULT_USER_ID
    if identity == "user_id":
        user_id = request.user_id
    elif identity == "no_user_id" and request.no_user_id:
        user_id = None
    return Options(
        request.scheme, request.rules or None, request.prehashed, user_id, request.hash or None,
        request.encoding or "compact", request.der_rules or "strict",
    )  # fmt: skip


def _column(cut: _Cut, i: int, settings: Settings) -> Column:
    """As `from_column`; rows of one width at once."""
    span, n = cut.layout.spans[i], cut.layout.rows[i]
    if n < 0:
        return from_column(Part.of(cut.raw, span), _NAMES[i], settings)
    settings.check_items(n, _NAMES[i])
    return trusted_column(span.matrix(cut.raw), None)


def _decode(request: _Cut | signature_pb2.VerifySignaturesRequest, settings: Settings) -> Work:
    if isinstance(request, _Cut):
        options = request.layout.options
        keys, signed, messages = (_column(request, i, settings) for i in range(len(_ROWS)))
    else:
        options = _options(request)
        keys = from_column(request.public_keys, "public_keys", settings)
        signed = from_column(request.signatures, "signatures", settings)
        messages = from_column(request.messages, "messages", settings)
    n = max(keys.n, signed.n, messages.n)
    return Work(_UNARY, options, (keys, signed, messages), n, n)


def _run(work: Work, settings: Settings) -> Verdicts:
    assert isinstance(work.options, Options)
    options = work.options._asdict()
    return signatures.verify_batch(options.pop("scheme"), *work.columns, threads=settings.threads, **options)


def _encode(verdicts: Verdicts) -> signature_pb2.VerifySignaturesResponse:
    return signature_pb2.VerifySignaturesResponse(verdicts=to_verdicts(verdicts))


def _decode_batch(
    request: signature_pb2.VerifySignatureStreamRequest, settings: Settings
) -> tuple[int, Work | Exception]:
    try:
        return request.id, _decode(request.batch, settings)
    except InputError as error:
        return request.id, error


def _encode_batch(number: int, verdicts: Verdicts) -> signature_pb2.VerifySignatureStreamResponse:
    return signature_pb2.VerifySignatureStreamResponse(id=number, verdicts=to_verdicts(verdicts))


def _refuse_batch(number: int, error: Exception) -> signature_pb2.VerifySignatureStreamResponse:
    return signature_pb2.VerifySignatureStreamResponse(id=number, error=to_batch_error(to_failure(error, _STREAM)))


_NAMES = ("public_keys", "signatures", "messages")
_fields = signature_pb2.VerifySignaturesRequest.DESCRIPTOR.fields_by_name
_ROWS = tuple(_fields[name].number for name in _NAMES)
RPCS = {
    _UNARY: Unary(_decode, _encode, _parse, _ROWS),
    _STREAM: Batches(_decode_batch, _encode_batch, _refuse_batch),
}
KINDS = {_UNARY: _run}
