"""gRPC in the header lists of HTTP/2, as the caller of one message writes and reads them.

PROTOCOL-HTTP2.md and http-grpc-status-mapping.md of the gRPC project say what is in them. Header lists are bytes here:
name NUL value NUL, again and again. An answer is good where all of it says so, and an error in any other case.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

import grpc

Pairs = tuple[tuple[str, Any], ...]
"""Metadata: a value is bytes where its key ends with "-bin"."""

_CODES = {b"%d" % code.value[0]: code for code in grpc.StatusCode}
_STATUS, _MESSAGE = b"grpc-status", b"grpc-message"
_TRANSPORT = frozenset((_STATUS, _MESSAGE, b"content-type", b"grpc-encoding", b"grpc-accept-encoding"))
_OF_HTTP = {
    b"400": grpc.StatusCode.INTERNAL,
    b"401": grpc.StatusCode.UNAUTHENTICATED,
    b"403": grpc.StatusCode.PERMISSION_DENIED,
    b"404": grpc.StatusCode.UNIMPLEMENTED,
    b"429": grpc.StatusCode.UNAVAILABLE,
    b"502": grpc.StatusCode.UNAVAILABLE,
    b"503": grpc.StatusCode.UNAVAILABLE,
    b"504": grpc.StatusCode.UNAVAILABLE,
}
_NO_ERROR, _STREAM_CLOSED = 0, 5
_OF_RESET = {
    _STREAM_CLOSED: grpc.StatusCode.UNKNOWN,
    7: grpc.StatusCode.UNAVAILABLE,  # REFUSED_STREAM
    8: grpc.StatusCode.CANCELLED,
    11: grpc.StatusCode.RESOURCE_EXHAUSTED,  # ENHANCE_YOUR_CALM
    12: grpc.StatusCode.PERMISSION_DENIED,  # INADEQUATE_SECURITY
}
_UNITS = ((1e6, "u"), (1e3, "m"), (1.0, "S"), (1 / 60, "M"), (1 / 3600, "H"))
_MOST_TIME = 99_999_999  # eight digits


class CallError(grpc.RpcError):
    """A call that has no good answer; read like the errors of `grpc`."""

    def __init__(self, code: grpc.StatusCode, words: str, initial: Pairs = (), trailing: Pairs = ()) -> None:
        super().__init__(f"{code.name}: {words}")
        self._found = code, words, initial, trailing

    def code(self) -> grpc.StatusCode:
        """The status."""
        return self._found[0]

    def details(self) -> str:
        """The status in words."""
        return self._found[1]

    def initial_metadata(self) -> Any:
        """Metadata that came before the message."""
        return self._found[2]

    def trailing_metadata(self) -> Any:
        """Metadata that came with the status."""
        return self._found[3]


def late() -> CallError:
    """The time of a call is up."""
    return CallError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


def away(words: str) -> CallError:
    """The service cannot be reached."""
    return CallError(grpc.StatusCode.UNAVAILABLE, words)


def gone() -> CallError:
    """The client was closed under a call."""
    return CallError(grpc.StatusCode.CANCELLED, "Channel closed!")


# ---- what is asked ---------------------------------------------------------------------------------------------------


def asked(path: str, authority: str, secure: bool, agent: str) -> bytes:
    """The headers that every call of a method has."""
    pairs = (
        (":method", "POST"), (":scheme", "https" if secure else "http"), (":path", path), (":authority", authority),
        ("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", agent),
    )  # fmt: skip
    return b"".join(_pair(key.encode(), value.encode()) for key, value in pairs)


def told(timeout: float | None, metadata: Iterable[tuple[str, str | bytes]] | None) -> bytes:
    """The headers that are of one call. ValueError for metadata that no header can carry."""
    parts = [] if timeout is None else [_pair(b"grpc-timeout", _time(timeout).encode())]
    for key, value in metadata or ():
        name = key.lower().encode("ascii")
        if name.endswith(b"-bin"):
            data = base64.b64encode(value.encode() if isinstance(value, str) else value).rstrip(b"=")
        else:
            data = value.encode("ascii") if isinstance(value, str) else value
        parts.append(_pair(name, data))
    return b"".join(parts)


def _pair(name: bytes, value: bytes) -> bytes:
    if not name or b"\0" in name or b"\0" in value:
        raise ValueError(f"metadata: got NUL in {name!r} or its value, or no name")
    return b"%s\0%s\0" % (name, value)


def _time(seconds: float) -> str:
    """Rounded up, in the smallest unit that has room.

    >>> [_time(seconds) for seconds in (1e-9, 0.25, 60.0, 5000.0, 1e6, 1e12)]
    ['1u', '250000u', '60000000u', '5000000m', '1000000S', '99999999H']
    """
    for units, letter in _UNITS:
        count = math.ceil(round(min(seconds, 1e15) * units, 3))
        if count <= _MOST_TIME:
            return f"{max(1, count)}{letter}"
    return f"{_MOST_TIME}H"


# ---- what is answered ------------------------------------------------------------------------------------------------


def read(head: bytes | None, message: bytes | None, tail: bytes | None, fault: str, code: int) -> bytes:
    """The message of a good answer.

    Args:
        head, tail: header lists; an answer without a message may have one of them.
        fault: what is wrong with the messages that came, in words; empty where nothing is.
        code: RFC 9113 error code of the stream's end.

    Raises:
        CallError: anything but one message between headers and a status OK.
    """
    if message is not None and head is not None and tail is not None and not fault:
        first, last = head.split(b"\0"), tail.split(b"\0")
        if _status(last) == b"0" and _is_grpc(first):
            return message
    raise _refusal(head, message, tail, fault, code)


def _status(fields: list[bytes]) -> bytes | None:
    """The status of a header list that was taken apart; None where there is not exactly one."""
    names = fields[0:-1:2]
    return fields[2 * names.index(_STATUS) + 1] if names.count(_STATUS) == 1 else None


def _is_grpc(fields: list[bytes]) -> bool:
    """Whether the first headers of an answer are those of gRPC."""
    found = dict(zip(fields[0:-1:2], fields[1::2], strict=True))
    kind = found.get(b"content-type", b"").lower()
    return found.get(b":status") == b"200" and (kind == b"application/grpc" or kind[:17] in _KINDS)


_KINDS = (b"application/grpc+", b"application/grpc;")


def _refusal(head: bytes | None, message: bytes | None, tail: bytes | None, fault: str, code: int) -> CallError:
    first = [] if head is None else head.split(b"\0")
    last = first if tail is None and message is None else [] if tail is None else tail.split(b"\0")
    initial, trailing = (() if last is first else _pairs(first)), _pairs(last)
    said = _status(last)
    words = _words(last)
    if said is not None and said != b"0":
        return CallError(_CODES.get(said, grpc.StatusCode.UNKNOWN), words, initial, trailing)
    if fault:
        status = grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in fault else grpc.StatusCode.INTERNAL
        return CallError(status, fault, initial, trailing)
    if first and not _is_grpc(first):
        return CallError(*_http(first), initial, trailing)
    if said is None and code != _NO_ERROR:
        status = _OF_RESET.get(code, grpc.StatusCode.INTERNAL)
        return CallError(status, f"the service reset the call with error code {code}", initial, trailing)
    if said is None:
        if code == _NO_ERROR and not first:
            return CallError(grpc.StatusCode.INTERNAL, "the service reset the call with error code 0")
        return CallError(grpc.StatusCode.UNKNOWN, "the answer has no grpc-status, or several", initial, trailing)
    return CallError(grpc.StatusCode.INTERNAL, "the status is OK, and there is no message", initial, trailing)


def _http(first: list[bytes]) -> tuple[grpc.StatusCode, str]:
    """The status of an answer that is no gRPC, and words for it."""
    found = dict(zip(first[0:-1:2], first[1::2], strict=True))
    status, kind = found.get(b":status", b""), found.get(b"content-type", b"none")
    if status != b"200":
        return _OF_HTTP.get(status, grpc.StatusCode.UNKNOWN), f"HTTP status {_text(status)} without a good grpc-status"
    return grpc.StatusCode.UNKNOWN, f"content-type: got {_text(kind)[:128]}, wanted application/grpc"


def _words(fields: list[bytes]) -> str:
    for i in range(0, len(fields) - 1, 2):
        if fields[i] == _MESSAGE:
            return _text(unquote_to_bytes(fields[i + 1]))
    return ""


def _text(data: bytes) -> str:
    """As grpc reads it."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _pairs(fields: list[bytes]) -> Pairs:
    """The metadata among the headers. A "-bin" value that is not base64 is left out."""
    found: list[tuple[str, Any]] = []
    for i in range(0, len(fields) - 1, 2):
        name, value = fields[i], fields[i + 1]
        if name in _TRANSPORT or name.startswith(b":"):
            continue
        key = _text(name)
        if not name.endswith(b"-bin"):
            found.append((key, _text(value)))
            continue
        for one in value.split(b","):
            bare = one.strip().rstrip(b"=")
            try:
                found.append((key, base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)))
            except binascii.Error:
                continue
    return tuple(found)
