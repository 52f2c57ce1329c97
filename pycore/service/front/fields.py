"""Header lists: from the bytes that the extension gives to a request's head, and from metadata to such bytes.

    name NUL value NUL ...      in both directions; names are lower case, values printable ASCII

Callers send the same header lists again and again, so a head is read once for all calls that have the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

__all__ = ["HEAD", "OK_TAIL", "Head", "HeadError", "Heads", "Metadata", "pack", "status_tail"]

Metadata: TypeAlias = "tuple[tuple[str, str | bytes], ...]"

HEAD = b"content-type\0application/grpc\0grpc-accept-encoding\0identity, deflate, gzip\0"
OK_TAIL = b"grpc-status\x000\0"
_KEY = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(rb"[ -~]*")
_MOST_HEADS = 512
_LARGEST_HEAD = 2048  # bytes; larger ones are read each time
_OURS = frozenset({b"te", b"content-type", b"grpc-encoding", b"grpc-accept-encoding", b"content-length", b"host"})


class HeadError(ValueError):
    """A header list that is no gRPC call.

    Attributes:
        http: the HTTP status to refuse it with; empty for a status of gRPC.
    """

    def __init__(self, words: str, http: str = "") -> None:
        super().__init__(words)
        self.http = http


class Head:
    """The header list of a call.

    Attributes:
        path: `/service/method`.
        metadata: what the caller gave, without the fields of the transport.
        encoding: of compressed messages.
    """

    __slots__ = ("encoding", "metadata", "path")

    def __init__(self, raw: bytes) -> None:
        """HeadError where it is no call of gRPC."""
        parts = raw.split(b"\0")
        found: dict[bytes, bytes] = {}
        metadata: list[tuple[str, str | bytes]] = []
        for name, value in zip(parts[:-1:2], parts[1::2], strict=True):
            if name.startswith(b":") or name in _OURS:
                found[name] = value
                continue
            if not _VALUE.fullmatch(value):
                raise HeadError(f"metadata {name[:64].decode('ascii', 'replace')}: it is not printable ASCII")
            key = name.decode("ascii", "replace")
            if not _KEY.fullmatch(key):
                raise HeadError(f"metadata {key[:64]!r}: it is no key")
            if key.endswith("-bin"):
                metadata.extend((key, _binary(key, one)) for one in value.split(b","))
            else:
                metadata.append((key, value.decode("ascii")))
        if found.get(b":method") != b"POST":
            raise HeadError("wanted POST", "405")
        kind = found.get(b"content-type", b"")
        if not (kind == b"application/grpc" or kind.startswith((b"application/grpc+", b"application/grpc;"))):
            raise HeadError("wanted content-type application/grpc", "415")
        self.path = found.get(b":path", b"").decode("ascii", "replace")
        self.encoding = found.get(b"grpc-encoding", b"identity").decode("ascii", "replace")
        self.metadata: Metadata = tuple(metadata)


def _binary(key: str, value: bytes) -> bytes:
    value = value.strip()
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        raise HeadError(f"metadata {key[:64]}: it is not base64") from None


class Heads:
    """The heads that were read, by their bytes. Bounded.

    >>> heads = Heads()
    >>> one = heads.read(b":method\\0POST\\0:path\\0/a/B\\0content-type\\0application/grpc\\0k\\0v\\0")
    >>> one.path, one.metadata, heads.read(b":method\\0GET\\0")
    Traceback (most recent call last):
    pycore.service.front.fields.HeadError: wanted POST
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def read(self, raw: bytes) -> Head:
        """HeadError as :class:`Head`."""
        head = self._known.get(raw)
        if head is None:
            head = Head(raw)
            if len(raw) <= _LARGEST_HEAD:
                if len(self._known) >= _MOST_HEADS:
                    self._known.clear()
                self._known[raw] = head
        return head


def pack(metadata: Iterable[tuple[str, str | bytes]]) -> bytes:
    """Metadata as the extension takes them.

    Raises:
        ValueError: a key or a value that gRPC does not allow.

    >>> pack([("a", "b"), ("c-bin", b"\\0")])
    b'a\\x00b\\x00c-bin\\x00AA\\x00'
    """
    found = []
    for key, value in metadata:
        name = _key(key)
        if name.endswith(b"-bin"):
            raw = binascii.b2a_base64(value if isinstance(value, bytes) else value.encode(), newline=False).rstrip(b"=")
        else:
            raw = value if isinstance(value, bytes) else value.encode("utf-8")
            if not _VALUE.fullmatch(raw):
                raise ValueError(f"metadata: the value of {key!r} is not printable ASCII")
        found.append(b"%b\0%b\0" % (name, raw))
    return b"".join(found)


@lru_cache(64)
def _key(key: str) -> bytes:
    """A key of metadata that a service may send."""
    if not _KEY.fullmatch(key) or (key.startswith("grpc-") and key != "grpc-status-details-bin"):
        raise ValueError(f"metadata: {key!r} is no key")
    return key.encode("ascii")


def status_tail(code: int, words: str = "") -> bytes:
    """The status of a call; `words` percent-encoded as gRPC wants it.

    >>> status_tail(3, "50 % é")
    b'grpc-status\\x003\\x00grpc-message\\x0050 %25 %C3%A9\\x00'
    """
    if not words:
        return b"grpc-status\0%d\0" % code
    raw = words.encode("utf-8", "replace")
    encoded = bytes(raw) if _PLAIN.fullmatch(raw) else _ODD.sub(lambda odd: b"%%%02X" % odd[0][0], raw)
    return b"grpc-status\0%d\0grpc-message\0%b\0" % (code, encoded)


_PLAIN = re.compile(rb"[ -$&-~]*")
_ODD = re.compile(rb"[^ -$&-~]")
