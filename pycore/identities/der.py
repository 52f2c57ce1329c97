"""DER (X.690, section 10 and 11) read by hand: only the few types that certificates use, each in its one spelling.

Two readers share the code. `strict` walks the whole value first and refuses whatever is not DER, at every depth. The
other is as lenient as Go's `encoding/asn1`: lengths must be minimal and definite, integers, booleans and object
identifiers must be DER, but bytes after the last known element of a SEQUENCE are ignored.

Every function costs time linear in its input. Nesting is bounded.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NoReturn

from pycore.identities import memory

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
ENUMERATED, UTC_TIME, GENERALIZED_TIME = 0x0A, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31

_MAX_DEPTH = 32  # certificates of real chains need 10
_MAX_OID = 64  # bytes; bounds the numbers that are written out in decimal
_UTC = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})")
_GENERALIZED = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})")


class DerError(ValueError):
    """Bytes that are not DER, or not of the type wanted."""


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and end of the value at `at`, which must end by `end`. Lengths are minimal and definite."""
    start = at + 2
    if start > end:
        raise DerError(f"a value is cut off at byte {at}")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise DerError(f"a tag number above 30 at byte {at}")
    if length == 0x80:
        raise DerError(f"an indefinite length at byte {at}")
    if length > 0x80:
        size = length - 0x80
        if size > 4 or end - start < size:
            raise DerError(f"a length of {size} bytes at byte {at}")
        length = int.from_bytes(data[start : start + size], "big")
        if data[start] == 0 or length < 0x80:
            raise DerError(f"a length that is not minimal at byte {at}")
        start += size
    if length > end - start:
        raise DerError(f"a value is cut off at byte {at}")
    return tag, start, start + length


class Cursor:
    """Takes the elements of a constructed value one after the other."""

    __slots__ = ("at", "data", "end", "strict")

    def __init__(self, data: bytes, strict: bool, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = start
        self.end = len(data) if end is None else end
        self.strict = strict

    @property
    def more(self) -> bool:
        """Whether bytes are left."""
        return self.at < self.end

    def peek(self) -> int:
        """The tag of the next element; -1 at the end."""
        return self.data[self.at] if self.at < self.end else -1

    def any(self) -> tuple[int, bytes, bytes]:
        """Tag, complete encoding and content of the next element."""
        before = self.at
        tag, start, self.at = header(self.data, before, self.end)
        return tag, self.data[before : self.at], self.data[start : self.at]

    def take(self, tag: int, what: str) -> bytes:
        """The content of the next element, which must have that tag."""
        data, at = self.data, self.at
        if at >= self.end or data[at] != tag:
            self._refuse(tag, what)
        _, start, end = header(data, at, self.end)
        self.at = end
        return data[start:end]

    def enter(self, tag: int, what: str) -> Cursor:
        """A cursor over the content of the next element, which must have that tag."""
        data, at = self.data, self.at
        if at >= self.end or data[at] != tag:
            self._refuse(tag, what)
        _, start, end = header(data, at, self.end)
        self.at = end
        return Cursor(data, self.strict, start, end)

    def integer(self, what: str) -> int:
        """The next element as an INTEGER."""
        return integer(self.take(INTEGER, what))

    def oid(self, what: str) -> str:
        """The next element as an OBJECT IDENTIFIER in dotted form."""
        return dotted(self.take(OID, what))

    def boolean(self, what: str) -> bool:
        """The next element as a BOOLEAN."""
        return boolean(self.take(BOOLEAN, what))

    def bits(self, what: str) -> tuple[bytes, int]:
        """The next element as a BIT STRING: its bytes, and how many bits of the last one are unused."""
        return bits(self.take(BIT_STRING, what))

    def close(self, what: str) -> None:
        """Refuses what is left, unless the reader is lenient."""
        if self.strict and self.at != self.end:
            raise DerError(f"{what} has more elements than it may have")

    def finish(self, what: str) -> None:
        """Refuses what is left."""
        if self.at != self.end:
            raise DerError(f"{self.end - self.at} bytes follow {what}")

    def _refuse(self, tag: int, what: str) -> NoReturn:
        found = "nothing" if self.at >= self.end else f"tag {self.data[self.at]:#04x}"
        raise DerError(f"{what} is {found}, not tag {tag:#04x}")


def whole(data: bytes, what: str, *, strict: bool) -> Cursor:
    """A cursor over the one SEQUENCE that `data` must be, with nothing after it; `strict`: which must be DER."""
    if strict:
        check(data)
    outer = Cursor(data, strict=strict)
    inner = outer.enter(SEQUENCE, what)
    outer.finish(what)
    return inner


# ---- contents --------------------------------------------------------------------------------------------------------


def integer(content: bytes) -> int:
    """The value of an INTEGER's content, which must be minimal (X.690, section 8.3.2)."""
    if not content:
        raise DerError("an empty INTEGER")
    if len(content) > 1 and content[0] in (0x00, 0xFF) and (content[0] ^ content[1]) < 0x80:
        raise DerError("an INTEGER that is not minimal")
    return int.from_bytes(content, "big", signed=True)


def boolean(content: bytes) -> bool:
    """The value of a BOOLEAN's content: 00 or FF (X.690, section 11.1)."""
    if content not in (b"\x00", b"\xff"):
        raise DerError("a BOOLEAN that is neither 00 nor FF")
    return content == b"\xff"


def bits(content: bytes) -> tuple[bytes, int]:
    """Bytes and unused bits of a BIT STRING's content; unused bits must be zero (X.690, section 11.2.1)."""
    if not content:
        raise DerError("an empty BIT STRING")
    unused, value = content[0], content[1:]
    if unused > 7 or (unused and (not value or value[-1] & ((1 << unused) - 1))):
        raise DerError("a BIT STRING with wrong unused bits")
    return value, unused


@lru_cache(maxsize=1024)
def dotted(content: bytes) -> str:
    """The dotted form of an OBJECT IDENTIFIER's content (X.690, section 8.19)."""
    if not 1 <= len(content) <= _MAX_OID or content[-1] & 0x80:
        raise DerError(f"an OBJECT IDENTIFIER of {len(content)} bytes that is empty, too long or cut off")
    arcs: list[int] = []
    value, fresh = 0, True
    for byte in content:
        if fresh and byte == 0x80:
            raise DerError("an OBJECT IDENTIFIER that is not minimal")
        value = value << 7 | byte & 0x7F
        fresh = not byte & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    top = min(arcs[0] // 40, 2)
    return ".".join(map(str, (top, arcs[0] - 40 * top, *arcs[1:])))


@lru_cache(maxsize=1024)
def moment(tag: int, content: bytes, *, strict: bool) -> float:
    """Unix seconds of a UTCTime or GeneralizedTime.

    RFC 5280, section 4.1.2.5: with seconds, in UTC ("Z"), UTCTime up to 2049 and GeneralizedTime from 2050 on. A
    lenient reader takes offsets, UTCTime without seconds, and GeneralizedTime of any year, as Go does.
    """
    form = {UTC_TIME: _UTC, GENERALIZED_TIME: _GENERALIZED}.get(tag)
    found = form.fullmatch(content) if form else None
    if found is None:
        raise DerError("a time in an unknown form")
    year, zone = int(found[1]), found[7]
    if tag == UTC_TIME:
        year += 2000 if year < 50 else 1900
    if zone in (b"+0000", b"-0000") or (strict and (zone != b"Z" or found[6] is None)):
        raise DerError("a time that is not in the one form of DER")
    if strict and tag == GENERALIZED_TIME and year < 2050:
        raise DerError("a GeneralizedTime before 2050")
    shift = timedelta()
    if zone != b"Z":
        if int(zone[3:]) > 59 or int(zone[1:3]) > 23:
            raise DerError("a time with an unknown offset")
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:])) * (1 if zone[:1] == b"+" else -1)
    try:
        month, day, hour, minute, second = (int(found[i] or 0) for i in range(2, 7))
        local = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
        return (local - shift).timestamp()
    except (ValueError, OverflowError) as error:
        raise DerError(f"a time that does not exist: {error}") from error


# ---- the whole value -------------------------------------------------------------------------------------------------

_PRIMITIVE_ONLY = frozenset({0x0C, 0x0D, 0x12, 0x13, 0x14, 0x15, 0x16, 0x19, 0x1A, 0x1B, 0x1C, 0x1E})
_ANY_CONTENT = _PRIMITIVE_ONLY | {OCTET_STRING, *range(0x40, 0x60), *range(0x80, 0xA0), *range(0xC0, 0xE0)}
_CHECKED = memory.new()  # constructed values that are DER -> how deep the values in them are nested, itself included


def _check_primitive(tag: int, content: bytes) -> None:
    """Refuses the content of a primitive universal type in another form than DER's."""
    if tag == OID:
        dotted(content)
    elif tag in (INTEGER, ENUMERATED):
        integer(content)
    elif tag == BOOLEAN:
        boolean(content)
    elif tag == BIT_STRING:
        bits(content)
    elif tag == NULL:
        if content:
            raise DerError("a NULL with content")
    elif tag in (UTC_TIME, GENERALIZED_TIME):
        # The year decides between the two only where a certificate or CRL says when: `moment`.
        if not (_UTC if tag == UTC_TIME else _GENERALIZED).fullmatch(content) or content[-1:] != b"Z":
            raise DerError("a time that is not in the one form of DER")
    else:
        raise DerError(f"a primitive value of type {tag:#04x}")


def check(data: bytes) -> None:
    """Raises DerError unless `data` is exactly one value in DER, down to its last leaf.

    The contents of OCTET STRINGs and BIT STRINGs are bytes here, whatever they hold. SET is taken for SET OF, the only
    one that certificates have.
    """
    size = len(data)
    _, _, end = header(data, 0, size)
    if end != size:
        raise DerError(f"{size - end} bytes follow the value")
    checked, keep, longest = _CHECKED, memory.keep, memory.LONGEST
    # The open value: where it starts and ends, how deep it is nested inside, and, in a SET, its previous member.
    # Those around it wait in `outer`; values before the first stand in none.
    first, limit, height = 0, size, 0
    previous: bytes | None = None
    outer: list[tuple[int, int, int, bytes | None]] = []
    at = 0
    while True:
        # The usual header is read here; any other one, sound or not, by the function.
        end = at + 2 + data[at + 1] if at + 2 <= limit and data[at + 1] < 0x80 else limit + 1
        tag, start = data[at], at + 2
        if end > limit or tag & 0x1F == 0x1F:
            tag, start, end = header(data, at, limit)
        if previous is not None:
            encoded = data[at:end]
            if encoded < previous:
                raise DerError(f"a SET OF that is not sorted at byte {at}")
            previous = encoded
        if not tag & 0x20:
            if tag not in _ANY_CONTENT:
                _check_primitive(tag, data[start:end])
            at = end
        else:
            inside = checked.get(data[at:end]) if end - at <= longest else None
            if inside is not None and len(outer) + inside <= _MAX_DEPTH:
                if inside > height:
                    height = inside
                at = end
            else:
                if tag != SEQUENCE and tag != SET and not tag & 0xC0:
                    raise DerError(f"a constructed value of type {tag:#04x}")
                if len(outer) >= _MAX_DEPTH:
                    raise DerError(f"values nested more than {_MAX_DEPTH} deep")
                outer.append((first, limit, height, previous))
                first, limit, height, previous = at, end, 0, b"" if tag == SET else None
                at = start
        while at == limit and outer:
            inside = height + 1
            if limit - first <= longest:
                keep(checked, data[first:limit], inside)
            first, limit, height, previous = outer.pop()
            if inside > height:
                height = inside
        if not outer:
            return
