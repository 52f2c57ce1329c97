"""Fabric-X's verifier messages and signed bytes, slowly: one dictionary per message, recursion, no columns.

`read` follows the rules of Go's protobuf (google.golang.org/protobuf 1.36, `encoding/protowire` and `proto.Unmarshal`):
fields by number and wire type, last one wins, messages merge, text must be UTF-8, ten bytes at most for every number.
"""

from __future__ import annotations

from typing import Any

Message = dict[str, Any]

# name: (number, kind, repeated); kind: "uint", "bytes", "text", or the fields of a message
ITEM = {"key": (1, "bytes", False), "version": (2, "uint", False)}
READ_WRITE = ITEM | {"value": (3, "bytes", False)}
WRITE = {"key": (1, "bytes", False), "value": (2, "bytes", False)}
NAMESPACE = {
    "ns_id": (1, "text", False),
    "ns_version": (2, "uint", False),
    "reads": (3, ITEM, True),
    "read_writes": (4, READ_WRITE, True),
    "writes": (5, WRITE, True),
}
IDENTITY = {"msp_id": (1, "text", False), "certificate": (2, "bytes", False), "certificate_id": (3, "text", False)}
ENDORSEMENT = {"signature": (1, "bytes", False), "identity": (2, IDENTITY, False)}
LIST = {"entries": (1, ENDORSEMENT, True)}
TX = {"namespaces": (1, NAMESPACE, True), "endorsements": (2, LIST, True), "metadata": (3, "bytes", True)}
REF = {"block_num": (1, "uint", False), "tx_num": (2, "uint", False), "tx_id": (3, "text", False)}
REQUEST = {"ref": (1, REF, False), "content": (2, TX, False)}
BATCH = {"update": (1, "bytes", True), "requests": (2, REQUEST, True)}


class NotAMessage(Exception):  # noqa: N818
    pass


def number_at(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        if at + i == len(data):
            raise NotAMessage
        value += (data[at + i] & 127) << 7 * i
        if data[at + i] < 128:
            if value >= 1 << 64:
                raise NotAMessage
            return value, at + i + 1
    raise NotAMessage


def skip(data: bytes, at: int, number: int, wire: int, depth: int = 10000) -> int:
    """protowire.ConsumeFieldValue."""
    if wire == 0:
        return number_at(data, at)[1]
    if wire == 2:
        size, at = number_at(data, at)
        if size > len(data) - at:
            raise NotAMessage
        return at + size
    if wire in (1, 5):
        size = 8 if wire == 1 else 4
        if size > len(data) - at:
            raise NotAMessage
        return at + size
    if wire != 3 or depth < 0:
        raise NotAMessage
    while True:
        tag, at = number_at(data, at)
        if not 1 <= tag >> 3 < 1 << 31:
            raise NotAMessage
        if tag & 7 == 4:
            if tag >> 3 != number:
                raise NotAMessage
            return at
        at = skip(data, at, tag >> 3, tag & 7, depth - 1)


def read(data: bytes, fields: dict[str, Any], into: Message | None = None) -> Message:
    found: Message = {} if into is None else into
    by_number = {number: (name, kind, repeated) for name, (number, kind, repeated) in fields.items()}
    at = 0
    while at < len(data):
        tag, at = number_at(data, at)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number < 1 << 29 or wire == 4:
            raise NotAMessage
        behind = skip(data, at, number, wire)
        name, kind, repeated = by_number.get(number, ("", None, False))
        if kind is None or wire != (0 if kind == "uint" else 2):
            at = behind
            continue
        first, start = number_at(data, at)
        value: Any = first if kind == "uint" else data[start:behind]
        if kind == "text":
            try:
                value.decode("utf-8")
            except UnicodeDecodeError:
                raise NotAMessage from None
        at = behind
        if isinstance(kind, dict):
            value = read(value, kind, None if repeated else found.get(name))
        if repeated:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def tlv(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 128 | size]) + len(content).to_bytes(size, "big") + content


def integer(value: int) -> bytes:
    """An int64."""
    return tlv(2, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True))


def as_int64(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def version(item: Message) -> bytes:
    value = as_int64(item["version"]) if "version" in item else -1
    return b"" if value == -1 else integer(value)


def octets(item: Message, name: str) -> bytes:
    return tlv(4, item.get(name, b""))


def signed(tx_id: bytes, tx: Message, index: int) -> bytes:
    """The DER that namespace `index` of a transaction signs."""
    ns = tx["namespaces"][index]
    metadata = tx.get("metadata", [])
    return tlv(
        0x30,
        tlv(0x0C, tx_id)
        + (tlv(0x30, b"".join(tlv(4, one) for one in metadata)) if metadata else b"")
        + tlv(0x0C, ns.get("ns_id", b""))
        + integer(as_int64(ns.get("ns_version", 0)))
        + tlv(0x30, b"".join(tlv(0x30, octets(one, "key") + version(one)) for one in ns.get("reads", [])))
        + tlv(
            0x30,
            b"".join(
                tlv(0x30, octets(one, "key") + octets(one, "value") + version(one)) for one in ns.get("read_writes", [])
            ),
        )
        + tlv(0x30, b"".join(tlv(0x30, octets(one, "key") + octets(one, "value")) for one in ns.get("writes", []))),
    )
