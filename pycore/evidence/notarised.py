"""Where a digest stands in a proven statement, and in which form.

Contracts of ChainMaker that are known by what they are called with:

===================  ==============================================================================================
CMEVI                method ``Evidence`` (also ``UpdateEvidence``) with the parameters ``id``, ``hash`` and
                     ``metadata``; method ``EvidenceBatch`` with ``evidences``, a JSON list of objects with those
                     names; the event ``Evidence`` with (id, hash, metadata); in the state, under ``h#`` and the hash,
                     a JSON object with ``id``, ``hash``, ``txId``, ``blockHeight``, ``timestamp`` and ``metadata``.
                     The metadata is a JSON object that may name the hash (``hashAlgorithm``: sha256, sm3 ...)
fact                 the example contract of the documentation: method ``save`` with ``file_hash``, ``file_name`` and
                     ``time``; its event has the first two
===================  ==============================================================================================

Anything else is a plain notarised digest: a parameter or a value of an event that is exactly the digest. A digest is
written in hexadecimal (with or without 0x, in any case), in base64 (of either alphabet, with or without its padding),
or as its bytes; in the input and the logs of a contract of an EVM as a word of 32 bytes, or as text behind its length.

Read, not recomputed: CMEVI (CM-CS-221221-Evidence) in contract-utils/standard (interface, event topic, layouts) and in
the Go contract of contract-sdk-go v2, whose copies put out no event; the metadata's names there and in the chain's
documentation of its Web3 plug-in. Nothing on a chain says that a contract keeps to the standard: that its call looks
so is all that is said here.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pycore.errors import InputError
from pycore.ledgers._json import load_object

WHOLE = "the file itself"
"""The form of a file that is the entry of a log."""
MAX_VALUE = 1 << 20
"""Bytes of a value that is read."""
MAX_ENTRIES = 1 << 14
"""Entries of a batch, parameters of a call and values of an event that are read."""
_WORD = 32
_SELECTOR = 8  # hexadecimal digits
_LONGEST = 130  # a digest of 64 bytes in hexadecimal, behind 0x


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a statement that may be a digest.

    Attributes:
        where: the value's place, in words.
        value: its bytes.
        form: the kind of contract: "CMEVI", "fact", or "plain".
        algorithm: the hash that the evidence names, as it is written there; "" where it names none.
        serial: the evidence's own number; "" where it has none.
        metadata: more that the evidence says about itself; nothing of it is proven but that it was said.
    """

    where: str
    value: bytes
    form: str = "plain"
    algorithm: str = ""
    serial: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def places(kind: str, facts: Mapping[str, Any]) -> list[Place]:
    """Every value of a statement that may be a digest, those of known contracts first; of a call with a :func:`fault`
    there is no such value.

    Args:
        kind: of the statement: "transaction", "event", "receipt", "state".
        facts: of the chain, as in :class:`pycore.ledgers.proof.Proven`.
    """
    if kind == "transaction":
        return [] if fault(kind, facts) else [*_known_call(facts), *_plain_call(facts)]
    if kind in ("event", "receipt"):
        return [*_known_event(facts), *_plain_event(facts)]
    if kind == "state":
        hexadecimal = facts.get("value_hex", facts.get("value"))
        return list(_of_value("the value", _octets({"value": hexadecimal})))
    return []


def fault(kind: str, facts: Mapping[str, Any]) -> str:
    """Why a call's parameters are not read: one is there twice, which a contract may read either way, or there are too
    many; "" where they are."""
    seen: set[str] = set()
    for name, _ in _parameters(facts) if kind == "transaction" else ():
        if name in seen:
            return f"{name[:80]!r} twice"
        seen.add(name)
    return f"more than {MAX_ENTRIES}" if len(seen) > MAX_ENTRIES else ""


def written(value: bytes, digest: bytes) -> str:
    """The form in which a value is exactly that digest: "bytes", "hexadecimal", "base64"; "" where it is not.

    >>> digest = b"\\xab\\x12\\x00"
    >>> written(b"0xAB1200", digest), written(b"qxIA", digest), written(b"ab1", digest)
    ('hexadecimal', 'base64', '')
    """
    size = len(digest)
    if value == digest:
        return "bytes"
    if len(value) in (2 * size, 2 * size + 2):
        text = value.lower()
        return "hexadecimal" if text.removeprefix(b"0x") == digest.hex().encode() else ""
    padding = -size % 3
    if len(value) not in (long := (size + 2) // 3 * 4, long - padding):
        return ""
    # compared with what the digest is written as: base64 has more than one text for the same bytes
    text = value.replace(b"-", b"+").replace(b"_", b"/")
    return "base64" if text.rstrip(b"=") == base64.b64encode(digest).rstrip(b"=") else ""


# ---- calls -----------------------------------------------------------------------------------------------------------


def _known_call(facts: Mapping[str, Any]) -> Iterator[Place]:
    given = dict(_parameters(facts))
    method = facts.get("method")
    if method in ("Evidence", "UpdateEvidence") and "hash" in given:
        yield _evidence(f"the parameter hash of {method}", given["hash"], given.get("id"), given.get("metadata"))
    elif method == "EvidenceBatch" and "evidences" in given:
        yield from _batch(given["evidences"])
    elif method == "save" and "file_hash" in given:
        about = {"file_name": _text(given["file_name"])} if "file_name" in given else {}
        yield Place("the parameter file_hash of save", given["file_hash"], "fact", metadata=about)


def _plain_call(facts: Mapping[str, Any]) -> Iterator[Place]:
    """Parameters of the call, or of each call where a chain has several in a transaction; remarks; the input of an
    EVM."""
    for name, value in _parameters(facts):
        yield Place(f"the parameter {name}", value)
    for part in ("calls", "operations"):
        for number, one in enumerate(_sequence(facts.get(part))):
            if isinstance(one, Mapping):
                for name, value in _parameters(one):
                    yield Place(f"the parameter {name} of {part}[{number}]", value)
                yield from _remark(f"the parameters of {part}[{number}]", one.get("parameters"))
    for name in ("metadata", "description", "input", "data"):
        yield from _remark(f"the {name}", facts.get(name))
        if name in ("input", "data"):
            yield from _words(f"the {name}", facts.get(name), _SELECTOR)


def _remark(where: str, text: Any) -> Iterator[Place]:
    """A text as a whole, where it is one."""
    if isinstance(text, str) and len(text) <= MAX_VALUE:
        yield Place(where, text.encode("utf-8", "replace"))


def _sequence(value: Any) -> Sequence[Any]:
    return value[:MAX_ENTRIES] if isinstance(value, (list, tuple)) else ()


def _parameters(facts: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Names and values; one more than are read, where there are more."""
    found = facts.get("parameters")
    if isinstance(found, Sequence) and not isinstance(found, (str, bytes)):
        for entry in found[: MAX_ENTRIES + 1]:
            if isinstance(entry, Mapping) and isinstance(entry.get("key"), str):
                yield entry["key"], _octets(entry)
    elif isinstance(found, Mapping):
        for key, value in itertools.islice(found.items(), MAX_ENTRIES + 1):
            yield str(key), value.encode("utf-8", "replace") if isinstance(value, str) else b""


def _octets(entry: Mapping[str, Any]) -> bytes:
    """The bytes of an entry: `value` in hexadecimal."""
    value = entry.get("value")
    if not isinstance(value, str) or len(value) > 2 * MAX_VALUE:
        return b""
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        return b""


def _words(where: str, digits: Any, skipped: int) -> Iterator[Place]:
    """The words of 32 bytes of what a contract of an EVM reads or puts out, in hexadecimal."""
    if not isinstance(digits, str) or len(digits) > 2 * MAX_VALUE:
        return
    try:
        rest = bytes.fromhex(digits.removeprefix("0x")[skipped:])
    except ValueError:
        return
    for number in range(len(rest) // _WORD):
        word = rest[number * _WORD : (number + 1) * _WORD]
        yield Place(f"word {number} of {where}", word)
        length = int.from_bytes(word, "big")
        if _WORD < length <= _LONGEST:  # bytes or text behind its length
            begin = (number + 1) * _WORD
            yield Place(f"the text after word {number} of {where}", rest[begin : begin + length])


# ---- events ----------------------------------------------------------------------------------------------------------


def _known_event(facts: Mapping[str, Any]) -> Iterator[Place]:
    data = _data(facts)
    if facts.get("topic") == "Evidence" and len(data) >= 2:
        metadata = data[2].encode() if len(data) > 2 else None
        yield _evidence("the hash of the event Evidence", data[1].encode(), data[0].encode(), metadata)


def _plain_event(facts: Mapping[str, Any]) -> Iterator[Place]:
    for number, topic in enumerate(_sequence(facts.get("topics"))):
        yield from _remark(f"topic {number} of the event", topic)
    for number, text in enumerate(_data(facts)):
        where = f"value {number} of the event"
        yield Place(where, text.encode("utf-8", "replace"))
        if len(text) > 2 * _WORD + 2:
            yield from _words(where, text, 0)


def _data(facts: Mapping[str, Any]) -> list[str]:
    data = facts.get("data")
    if isinstance(data, str):
        return [data]
    return [one for one in data[:MAX_ENTRIES] if isinstance(one, str)] if isinstance(data, Sequence) else []


# ---- layouts of CMEVI ------------------------------------------------------------------------------------------------


def _evidence(where: str, digest: bytes, serial: bytes | None, metadata: bytes | None) -> Place:
    about = _metadata(metadata)
    named = about.get("hashAlgorithm", "")
    algorithm = named if isinstance(named, str) else ""
    return Place(where, digest, "CMEVI", algorithm[:80], _text(serial or b""), about)


def _metadata(text: bytes | None) -> Mapping[str, Any]:
    """The metadata as it is written, where it is a JSON object; else as one text."""
    if not text:
        return {}
    try:
        return load_object(text[: MAX_VALUE + 1], "metadata")
    except InputError:
        return {"text": _text(text)}


def _batch(text: bytes) -> Iterator[Place]:
    """The entries of EvidenceBatch, which reads a JSON list."""
    if len(text) > MAX_VALUE:
        return
    try:
        document = load_object(b'{"evidences":' + text + b"}", "evidences")
    except InputError:
        return
    listed = document["evidences"] if len(document) == 1 else None
    entries = listed if isinstance(listed, list) else []
    for number, entry in enumerate(entries[:MAX_ENTRIES]):
        if isinstance(entry, dict):
            yield from _object(f"entry {number} of EvidenceBatch", entry)


def of_value(where: str, value: bytes) -> list[Place]:
    """The places in one value by itself: CMEVI's object, and the value as a whole."""
    return list(_of_value(where, value))


def _of_value(where: str, value: bytes) -> Iterator[Place]:
    if value[:1] == b"{" and len(value) <= MAX_VALUE:
        with contextlib.suppress(InputError):
            yield from _object(where, load_object(value, where))
    yield Place(where, value)


def _object(where: str, entry: Mapping[str, Any]) -> Iterator[Place]:
    if len({name.lower() for name in entry}) != len(entry):
        return  # Go's reader, which the contract uses, takes names in any case, and the last of those that agree
    digest, serial, metadata = (entry.get(name, "") for name in ("hash", "id", "metadata"))
    if isinstance(digest, str):
        about = metadata if isinstance(metadata, str) else ""
        number = serial if isinstance(serial, str) else ""
        yield _evidence(f"the hash of {where}", digest.encode("utf-8", "replace"), number.encode("utf-8", "replace"),
                        about.encode("utf-8", "replace"))  # fmt: skip


def _text(value: bytes) -> str:
    return value[:4096].decode("utf-8", "replace")
