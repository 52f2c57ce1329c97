"""Packets of the same-host lane (docs/design/0023-same-host-lane.md): a call and its answer on a SOCK_SEQPACKET socket.

A packet is read whole or not at all, so there are no halves to wait for. Numbers are little-endian.

    call    magic 4, flags u8, 0 u8, length of the method u16, of the metadata u32, timeout u64,
            begin of the body u64, length of the body u64; method, metadata, body
    answer  magic 4, flags u8, 0 u8, status u16, length of the metadata u32, of the body u64; metadata, body

The magic ends with the version. The body is a request or an answer of pycore.validation.v1 as gRPC would carry it; of
an answer with a status other than 0 it is a google.rpc.Status. It is in the packet, or with flag 1 elsewhere: of a call
in the caller's region, of an answer in a memfd that comes with the packet, to be read before the next call. Flag 2 of a
call: a region comes with the packet. The timeout is in microseconds, 0 for none. Metadata are pairs: length of the key
u8, of the value u16, key, value.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

__all__ = [
    "INLINE",
    "MOST_PACKET",
    "VERSION",
    "Answer",
    "Call",
    "FrameError",
    "VersionError",
    "read_answer",
    "read_call",
    "write_answer",
    "write_call",
]

VERSION = 1
INLINE = 32 << 10
"""Bytes of a body that go into the packet."""
MOST_PACKET = 64 << 10
"""Bytes of a packet."""
_MAGIC = b"pyL" + bytes([VERSION])
_CALL = struct.Struct("<4sBBHIQQQ")
_ANSWER = struct.Struct("<4sBBHIQ")
_PAIR = struct.Struct("<BH")
_ELSEWHERE, _REGION = 1, 2
_MOST_METHOD = 256
_MOST_METADATA = 16 << 10
_MOST_PAIRS = 64
_KEY = re.compile(rb"[a-z0-9._-]+")
_VALUE = re.compile(rb"[ -~]*")

Metadata = tuple[tuple[str, str], ...]


class FrameError(ValueError):
    """Bytes that are no packet; why, in words."""


class VersionError(FrameError):
    """A packet of another version."""


@dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
        method: the name of an RPC.
        metadata: keys and values, as gRPC has them.
        timeout: microseconds that the service has; 0 for no limit.
        body: the request; None where it is `length` bytes of the region from `begin` on.
        begin, length: where the body is; of one in the packet, 0 and its length.
        region: whether a region comes with the packet.
    """

    method: str
    metadata: Metadata
    timeout: int
    body: bytes | None
    begin: int
    length: int
    region: bool


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: a gRPC status code.
        metadata: keys and values.
        body: the answer, or a google.rpc.Status; None where it is in the memfd that comes with the packet.
        length: its bytes.
    """

    status: int
    metadata: Metadata
    body: bytes | None
    length: int


def write_call(
    method: str,
    metadata: Metadata,
    timeout: int,
    body: bytes | None,
    begin: int = 0,
    length: int = 0,
    *,
    region: bool = False,
) -> bytes:
    """The packet of a call. `body`: None where it is in the region, at `begin` and of `length`."""
    name, pairs = method.encode(), _written(metadata)
    flags = (_ELSEWHERE if body is None else 0) | (_REGION if region else 0)
    size = length if body is None else len(body)
    return _CALL.pack(_MAGIC, flags, 0, len(name), len(pairs), timeout, begin, size) + name + pairs + (body or b"")


def read_call(packet: bytes) -> Call:
    """The call of a packet. FrameError where it is not one."""
    _magic(packet, _CALL)
    _, flags, zero, name_size, pairs_size, timeout, begin, length = _CALL.unpack_from(packet)
    _bounded("flags", flags, _ELSEWHERE | _REGION)
    _bounded("byte 5", zero, 0)
    _bounded("length of the method", name_size, _MOST_METHOD)
    _bounded("length of the metadata", pairs_size, _MOST_METADATA)
    elsewhere = bool(flags & _ELSEWHERE)
    if not elsewhere:
        _bounded("begin of a body in the packet", begin, 0)
    at = _CALL.size + name_size
    _whole(packet, at + pairs_size + (0 if elsewhere else length))
    name = packet[_CALL.size : at]
    if not name.isascii() or not name.isalpha():
        raise FrameError("method: wanted letters")
    pairs = _read(packet[at : at + pairs_size])
    body = None if elsewhere else packet[at + pairs_size :]
    return Call(name.decode(), pairs, timeout, body, begin, length, bool(flags & _REGION))


def write_answer(status: int, metadata: Metadata, body: bytes | None, length: int = 0) -> bytes:
    """The packet of an answer. `body`: None where it is in a memfd, and has `length` bytes."""
    pairs = _written(metadata)
    size = length if body is None else len(body)
    head = _ANSWER.pack(_MAGIC, _ELSEWHERE if body is None else 0, 0, status, len(pairs), size)
    return head + pairs + (body or b"")


def read_answer(packet: bytes) -> Answer:
    """The answer of a packet. FrameError where it is not one."""
    _magic(packet, _ANSWER)
    _, flags, zero, status, pairs_size, length = _ANSWER.unpack_from(packet)
    _bounded("flags", flags, _ELSEWHERE)
    _bounded("byte 5", zero, 0)
    _bounded("length of the metadata", pairs_size, _MOST_METADATA)
    at = _ANSWER.size + pairs_size
    _whole(packet, at + (0 if flags else length))
    return Answer(status, _read(packet[_ANSWER.size : at]), None if flags else packet[at:], length)


def _magic(packet: bytes, head: struct.Struct) -> None:
    if packet[:3] != _MAGIC[:3]:
        raise FrameError("magic: this is no packet of the lane")
    if packet[3:4] != _MAGIC[3:]:
        raise VersionError(f"version: got {packet[3] if len(packet) > 3 else 'none'}, wanted {VERSION}")
    if len(packet) < head.size:
        raise FrameError(f"packet: got {len(packet)} bytes, wanted {head.size} or more")


def _bounded(what: str, got: int, most: int) -> None:
    if got > most:
        raise FrameError(f"{what}: got {got}, wanted at most {most}")


def _whole(packet: bytes, wanted: int) -> None:
    if len(packet) != wanted:
        raise FrameError(f"packet: got {len(packet)} bytes, wanted {wanted}")


def _written(metadata: Metadata) -> bytes:
    parts = []
    for key, value in metadata:
        one, other = key.encode("ascii"), value.encode("ascii")
        parts.append(_PAIR.pack(len(one), len(other)) + one + other)
    return b"".join(parts)


def _read(data: bytes) -> Metadata:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(data):
        if len(found) == _MOST_PAIRS or at + _PAIR.size > len(data):
            raise FrameError(f"metadata: wanted at most {_MOST_PAIRS} whole pairs")
        key_size, value_size = _PAIR.unpack_from(data, at)
        middle = at + _PAIR.size + key_size
        end = middle + value_size
        key, value = data[at + _PAIR.size : middle], data[middle:end]
        if end > len(data) or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise FrameError("metadata: wanted keys of a-z, 0-9, '.', '_', '-' and printable values")
        found.append((key.decode(), value.decode()))
        at = end
    return tuple(found)
