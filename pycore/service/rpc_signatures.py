"""VerifySignatures, alone and as a stream of batches."""

from __future__ import annotations

from typing import NamedTuple

from pycore import signatures
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


def _decode(request: signature_pb2.VerifySignaturesRequest, settings: Settings) -> Work:
    identity = request.WhichOneof("identity")
    user_id: bytes | None = signatures.DEFAULT_USER_ID
    if identity == "user_id":
        user_id = request.user_id
    elif identity == "no_user_id" and request.no_user_id:
        user_id = None
    options = Options(
        request.scheme, request.rules or None, request.prehashed, user_id, request.hash or None,
        request.encoding or "compact", request.der_rules or "strict",
    )  # fmt: skip
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


_fields = signature_pb2.VerifySignaturesRequest.DESCRIPTOR.fields_by_name
_ROWS = tuple(_fields[name].number for name in ("public_keys", "signatures", "messages"))
RPCS = {
    _UNARY: Unary(_decode, _encode, rows=_ROWS),
    _STREAM: Batches(_decode_batch, _encode_batch, _refuse_batch),
}
KINDS = {_UNARY: _run}
