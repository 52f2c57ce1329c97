"""Exceptions as gRPC status with google.rpc details, and back. Server and clients share this file.

InputError            INVALID_ARGUMENT     BadRequest with one field violation, ErrorInfo with field, got, wanted
OverloadedError       RESOURCE_EXHAUSTED   RetryInfo
ThrottledError        RESOURCE_EXHAUSTED   RetryInfo
DeniedError           PERMISSION_DENIED    ErrorInfo; UNAUTHENTICATED where the caller is not known
StalledError          UNAVAILABLE          RetryInfo
DrainingError         UNAVAILABLE
ExpiredError          DEADLINE_EXCEEDED
BackendUnavailable    UNAVAILABLE          ErrorInfo
anything else         INTERNAL             a reference that is in the server's log, and nothing about the cause
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from pycore import errors
from pycore.base.deadline import ExpiredError
from pycore.wire.refusals import DeniedError, DrainingError, OverloadedError, RefusedError, ThrottledError
from pycore.wire.schema import signature_pb2

_log = logging.getLogger("pycore.service")

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "pycore.validation.v1"
_TYPE_PREFIX = "type.googleapis.com/"
_MAX_WORDS = 512  # status travels in HTTP/2 headers, which peers limit to 8 KiB

_INPUT_ERRORS: dict[str, type[errors.InputError]] = {
    kind.__name__: kind for kind in (errors.InputError, errors.ShapeError, errors.LengthError, errors.UnknownNameError)
}


class ServiceError(errors.PycoreError):
    """The service did not answer a call, for a reason that is not the caller's arguments.

    Attributes:
        code: the gRPC status code.
        details: in words.
        retry_after: seconds after which the service suggests to try again, or None.
        request_id: the name of the call in the logs and traces of the service, or None where nobody gave it one.
    """

    def __init__(self, code: grpc.StatusCode, details: str, retry_after: float | None = None) -> None:
        super().__init__(code, details, retry_after)
        self.code = code
        self.details = details
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code.name}: {self.details}"


@dataclass(frozen=True)
class Failure:
    """A status to answer with."""

    code: grpc.StatusCode
    message: str
    status: status_pb2.Status

    @property
    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The details, as gRPC libraries of all languages look for them."""
        return ((DETAILS_KEY, self.status.SerializeToString()),)

    def as_answer(self) -> tuple[int, bytes]:
        """The number of the status and a serialised google.rpc.Status, as the same-host lane answers."""
        return self.status.code, self.status.SerializeToString()


def _number(code: grpc.StatusCode) -> int:
    number: int = code.value[0]
    return number


def _cut(words: object) -> str:
    """At most _MAX_WORDS bytes that protobuf takes: no lone surrogates, which JSON can smuggle into names."""
    text = str(words)[: _MAX_WORDS + 1].encode("utf-8", "backslashreplace")
    return (text if len(text) <= _MAX_WORDS else text[: _MAX_WORDS - 3] + b"...").decode("utf-8", "ignore")


def _failure(code: grpc.StatusCode, message: str, *details: Message) -> Failure:
    status = status_pb2.Status(code=_number(code), message=_cut(message))
    for detail in details:
        name = f"{_TYPE_PREFIX}{detail.DESCRIPTOR.full_name}"  # `Any.Pack`, at half its price: refusals come in crowds
        status.details.add(type_url=name, value=detail.SerializeToString())
    return Failure(code, status.message, status)


def plain_failure(code: grpc.StatusCode, message: str) -> Failure:
    """A status that is words and nothing else."""
    return _failure(code, message)


def _input_failure(error: errors.InputError) -> Failure:
    field, got, wanted = _cut(error.field), _cut(error.got), _cut(error.wanted)
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=f"got {got}, wanted {wanted}")
    info = error_details_pb2.ErrorInfo(
        reason=type(error).__name__, domain=DOMAIN, metadata={"field": field, "got": got, "wanted": wanted}
    )
    message = f"{field}: got {got}, wanted {wanted}"
    return _failure(
        grpc.StatusCode.INVALID_ARGUMENT, message, error_details_pb2.BadRequest(field_violations=[violation]), info
    )


def to_failure(error: Exception, method: str) -> Failure:
    """The status for an exception of `method`. Unexpected ones are logged under the reference that the client gets.

    The exception loses its traceback. Its frames hold the request, and often the exception itself: a circle, which
    stays in memory until Python's collector runs, however large the request was.
    """
    failure = _failure_of(error, method)
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return failure


def _failure_of(error: Exception, method: str) -> Failure:
    if isinstance(error, errors.InputError):
        return _input_failure(error)
    if isinstance(error, RefusedError):
        seconds, nanos = divmod(int(error.retry_after * 1e9), 10**9)
        delay = duration_pb2.Duration(seconds=seconds, nanos=nanos)
        full = isinstance(error, (OverloadedError, ThrottledError))
        code = grpc.StatusCode.RESOURCE_EXHAUSTED if full else grpc.StatusCode.UNAVAILABLE
        return _failure(code, str(error), error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, DrainingError):
        return _failure(grpc.StatusCode.UNAVAILABLE, str(error))
    if isinstance(error, DeniedError):
        code = grpc.StatusCode.PERMISSION_DENIED if error.known else grpc.StatusCode.UNAUTHENTICATED
        return _failure(code, str(error), error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))
    if isinstance(error, ExpiredError):
        return _failure(grpc.StatusCode.DEADLINE_EXCEEDED, str(error))
    if isinstance(error, errors.BackendUnavailable):
        info = error_details_pb2.ErrorInfo(reason=type(error).__name__, domain=DOMAIN, metadata={"backend": error.name})
        return _failure(grpc.StatusCode.UNAVAILABLE, str(error), info)
    reference = uuid.uuid4().hex[:16]
    _log.error("%s failed, reference %s", method, reference, exc_info=error, extra={"reference": reference})
    return _failure(grpc.StatusCode.INTERNAL, f"internal error, reference {reference}")


def to_batch_error(failure: Failure) -> signature_pb2.BatchError:
    """The status of one batch of a stream."""
    message = signature_pb2.BatchError(code=failure.status.code, message=failure.message)
    info = error_details_pb2.ErrorInfo()
    for detail in failure.status.details:
        if detail.Unpack(info):
            message.reason = info.reason
            message.field, message.got, message.wanted = (info.metadata[key] for key in ("field", "got", "wanted"))
    return message


def from_batch_error(error: signature_pb2.BatchError) -> Exception:
    """The error that the in-process call would have raised, else a ServiceError."""
    if error.field or error.wanted:
        return _INPUT_ERRORS.get(error.reason, errors.InputError)(error.field, error.got, error.wanted)
    return ServiceError(_code(error.code), error.message)


def from_rpc(
    code: grpc.StatusCode, details: str, trailing_metadata: object, request_id: str | None = None
) -> errors.PycoreError:
    """The error that the in-process call would have raised, else a ServiceError; either with the request id."""
    found = _from_rpc(code, details, trailing_metadata)
    found.request_id = request_id
    return found


def _from_rpc(code: grpc.StatusCode, details: str, trailing_metadata: object) -> errors.PycoreError:
    retry_after = None
    for status in _statuses(trailing_metadata):
        for detail in status.details:
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info) and code is grpc.StatusCode.INVALID_ARGUMENT:
                words = info.metadata
                kind = _INPUT_ERRORS.get(info.reason, errors.InputError)
                return kind(words["field"], words["got"], words["wanted"])
            if detail.Unpack(retry):
                retry_after = retry.retry_delay.ToNanoseconds() / 1e9
    return ServiceError(code, details, retry_after)


def _statuses(trailing_metadata: object) -> list[status_pb2.Status]:
    found = []
    for key, value in trailing_metadata or ():  # type: ignore[attr-defined]
        if key == DETAILS_KEY:
            found.append(status_pb2.Status.FromString(value))
    return found


def to_code(found: object) -> grpc.StatusCode:
    """A status code from what gRPC has of one: the code, its number, or nothing yet."""
    return found if isinstance(found, grpc.StatusCode) else _code(found) if isinstance(found, int) else _code(2)


def _code(number: int) -> grpc.StatusCode:
    return next((code for code in grpc.StatusCode if _number(code) == number), grpc.StatusCode.UNKNOWN)
