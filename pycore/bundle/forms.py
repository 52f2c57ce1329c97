"""The two forms of a bundle: protobuf (``proto/pycore/bundle/v1``), and JSON with the same content.

Both are one-to-one. Of protobuf that has to be demanded: its readers take fields in any order, repeated, unknown, or
with their defaults written out, so bytes that the bundle in them does not encode to are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError

from pycore._pb.bundle.v1 import bundle_pb2
from pycore.base.columns import BytesLike, one_bytes, quote
from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.proof import Bundle, Inclusion, Statement
from pycore.ledgers.scan import Plan, Spans

FORMAT = 1
MAX_BYTES = 16 << 20
"""Bytes of a bundle; of its JSON form twice as many."""
MAX_HEADERS = 1 << 16
MAX_NODES = 1 << 16
_PARTS = {"headers": MAX_HEADERS, "nodes": MAX_NODES}
_COUNTS = Plan(bundle_pb2.Bundle.DESCRIPTOR, {"": "bundle", "headers": "headers", "inclusion.nodes": "nodes"}, {})
_HEX = re.compile(r"(?:[0-9a-f]{2})*").fullmatch
_FIELDS: dict[str, tuple[str, ...]] = {
    "bundle": ("format", "chain", "chain_id", "trusted", "headers", "certificate", "inclusion", "statement"),
    "bundle.trusted": ("height", "hash"),
    "bundle.inclusion": ("index", "count", "nodes"),
    "bundle.statement": ("kind", "item", "key", "event"),
}


def read(document: Bundle | BytesLike | str | Mapping[str, Any]) -> Bundle:
    """A bundle from any of its forms: itself, the bytes of a file (protobuf or JSON), JSON text, or its objects.

    Raises:
        InputError: none of them; the field that does not fit is named.
    """
    if isinstance(document, Bundle):
        return document
    if isinstance(document, str):
        return from_json(document)
    if isinstance(document, Mapping):
        return from_dict(document)
    data = one_bytes(document, "bundle")
    return from_json(data) if data[:1] == b"{" else from_bytes(data)  # no protobuf starts so: field 15 is not one


# ---- protobuf --------------------------------------------------------------------------------------------------------


def to_bytes(bundle: Bundle) -> bytes:
    """The file. InputError for a value that it cannot hold."""
    try:
        message = bundle_pb2.Bundle(format=FORMAT, headers=bundle.headers, certificate=bundle.certificate)
        message.chain, message.chain_id = bundle.chain, bundle.chain_id
        message.trusted_height, message.trusted_hash = bundle.trusted_height, bundle.trusted_hash
        where, claim = bundle.inclusion, bundle.statement
        if where != Inclusion():
            message.inclusion.index, message.inclusion.count = where.index, where.count
            message.inclusion.nodes.extend(where.nodes)
        message.statement.kind, message.statement.item = claim.kind, claim.item
        message.statement.key, message.statement.event = claim.key, claim.event
    except (TypeError, ValueError) as error:
        raise InputError("bundle", got=str(error)[:200], wanted="values that fit its fields") from error
    return message.SerializeToString(deterministic=True)


def from_bytes(data: BytesLike) -> Bundle:
    """A bundle from its file.

    Raises:
        InputError: more than MAX_BYTES, MAX_HEADERS or MAX_NODES; no bundle; another format; or bytes that are not the
            one encoding of what they hold.
    """
    octets = one_bytes(data, "bundle")
    if len(octets) > MAX_BYTES:
        raise InputError("bundle", f"{len(octets)} bytes", f"at most {MAX_BYTES}")
    found = _COUNTS.scan(Spans.joined([octets]), limits={"headers": 0, "nodes": 0})
    if found.faulty:
        raise found.refusal("bundle", "a pycore bundle", len(octets))
    for name, most in _PARTS.items():
        if found.counts[name] > most:
            raise InputError(f"bundle.{name}", f"{found.counts[name]} of them", f"at most {most}")
    message = bundle_pb2.Bundle()
    try:
        message.ParseFromString(octets)
    except DecodeError as error:
        raise InputError("bundle", f"{len(octets)} bytes that do not parse ({error})", "a pycore bundle") from error
    if message.format != FORMAT:
        raise InputError("bundle.format", str(message.format), str(FORMAT))
    bundle = _value(message)
    if to_bytes(bundle) != octets:
        raise InputError("bundle", f"{len(octets)} bytes in another encoding", "the one of what they hold")
    return bundle


def _value(message: bundle_pb2.Bundle) -> Bundle:
    where, claim = message.inclusion, message.statement
    return Bundle(
        chain=message.chain,
        chain_id=message.chain_id,
        trusted_height=message.trusted_height,
        trusted_hash=message.trusted_hash,
        headers=tuple(message.headers),
        certificate=message.certificate,
        inclusion=Inclusion(where.index, where.count, tuple(where.nodes)),
        statement=Statement(claim.kind, claim.item, claim.key, claim.event),
    )


# ---- JSON ------------------------------------------------------------------------------------------------------------


def to_dict(bundle: Bundle) -> dict[str, Any]:
    """The bundle as JSON-ready objects: every field, bytes in hexadecimal."""
    where, claim = bundle.inclusion, bundle.statement
    return {
        "format": FORMAT,
        "chain": bundle.chain,
        "chain_id": bundle.chain_id,
        "trusted": {"height": bundle.trusted_height, "hash": bundle.trusted_hash.hex()},
        "headers": [header.hex() for header in bundle.headers],
        "certificate": bundle.certificate.hex(),
        "inclusion": {"index": where.index, "count": where.count, "nodes": [node.hex() for node in where.nodes]},
        "statement": {"kind": claim.kind, "item": claim.item.hex(), "key": claim.key.hex(), "event": claim.event},
    }


def to_json(bundle: Bundle, *, indent: int | None = 2) -> str:
    """The JSON document that :func:`from_json` reads."""
    return json.dumps(to_dict(bundle), indent=indent, ensure_ascii=False)


def from_json(text: str | bytes) -> Bundle:
    """A bundle from JSON text; bounds and refusals as for :func:`from_bytes`."""
    if len(text) > 2 * MAX_BYTES:
        raise InputError("bundle", f"{len(text)} bytes", f"at most {2 * MAX_BYTES}")
    return from_dict(load_object(text, "bundle"))


def from_dict(document: Mapping[str, Any]) -> Bundle:
    """A bundle from its objects: every field, no other, and hexadecimal in lower case without a prefix.

    Raises:
        InputError: the field that does not fit.
    """
    whole = _object("bundle", document)
    if type(whole["format"]) is not int or whole["format"] != FORMAT:
        raise InputError("bundle.format", quote(whole["format"]), str(FORMAT))
    trusted = _object("bundle.trusted", whole["trusted"])
    where = _object("bundle.inclusion", whole["inclusion"])
    claim = _object("bundle.statement", whole["statement"])
    return Bundle(
        chain=_text("bundle.chain", whole["chain"]),
        chain_id=_text("bundle.chain_id", whole["chain_id"]),
        trusted_height=_number("bundle.trusted.height", trusted["height"], 64),
        trusted_hash=_octets("bundle.trusted.hash", trusted["hash"]),
        headers=_list("bundle.headers", whole["headers"], MAX_HEADERS),
        certificate=_octets("bundle.certificate", whole["certificate"]),
        inclusion=Inclusion(
            _number("bundle.inclusion.index", where["index"], 64),
            _number("bundle.inclusion.count", where["count"], 64),
            _list("bundle.inclusion.nodes", where["nodes"], MAX_NODES),
        ),
        statement=Statement(
            _text("bundle.statement.kind", claim["kind"]),
            _octets("bundle.statement.item", claim["item"]),
            _octets("bundle.statement.key", claim["key"]),
            _number("bundle.statement.event", claim["event"], 32),
        ),
    )


def _object(name: str, value: Any) -> Mapping[str, Any]:
    wanted = _FIELDS[name]
    if not isinstance(value, Mapping):
        raise InputError(name, type(value).__name__, "an object with " + ", ".join(wanted))
    if value.keys() != set(wanted):
        odd = sorted(map(str, value.keys() ^ set(wanted)))
        raise InputError(name, f"missing or unknown: {', '.join(odd)[:200]}", "an object with " + ", ".join(wanted))
    return value


def _list(name: str, value: Any, most: int) -> tuple[bytes, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > most:
        got = f"{len(value)} entries" if isinstance(value, (list, tuple)) else type(value).__name__
        raise InputError(name, got, f"an array of at most {most}")
    return tuple(_octets(f"{name}[{i}]", item) for i, item in enumerate(value))


def _octets(name: str, value: Any) -> bytes:
    if not isinstance(value, str) or not _HEX(value):
        raise InputError(name, quote(value)[:80], "bytes in hexadecimal, lower case")
    return bytes.fromhex(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or has_half(value):
        raise InputError(name, quote(value)[:80], "text that UTF-8 can write")
    return value


def has_half(text: str) -> bool:
    """Whether there is half of a surrogate pair in a text, which JSON can write and UTF-8 cannot."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def _number(name: str, value: Any, bits: int) -> int:
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise InputError(name, quote(value), f"an integer from 0 to 2^{bits} - 1")
    return value
