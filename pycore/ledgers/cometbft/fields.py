"""One value of a CometBFT answer: JSON as nodes write it, and forms of it that other software makes of the same value.

A node writes 64-bit numbers as texts, hashes and addresses in upper-case hexadecimal, keys, signatures and transactions
in base64, times in RFC 3339 with up to nine digits of a second and "Z". Gateways and client libraries write hashes and
addresses in base64, and addresses in Bech32. These are taken where the length leaves no doubt; what has lost something
on the way is refused with a hint.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pycore.base.columns import describe
from pycore.errors import InputError
from pycore.ledgers.cometbft.messages import SECOND

_HEX = re.compile(r"[0-9a-fA-F]*").fullmatch
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})").fullmatch
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(.*)", re.DOTALL)
_BECH32 = re.compile(r"([a-z]{1,83})1([02-9ac-hj-np-z]{6,84})", re.ASCII).fullmatch
_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_MAX_SHOWN = 80


class Fields:
    """An object of an answer, with its path for errors."""

    __slots__ = ("name", "values")

    def __init__(self, values: Any, name: str) -> None:
        if not isinstance(values, Mapping):
            raise InputError(name, shown(values), "a JSON object")
        self.values, self.name = values, name

    def has(self, field: str) -> bool:
        """Whether there is a field, and not null."""
        return self.values.get(field) is not None

    def raw(self, field: str) -> Any:
        """A field's value. InputError where there is none."""
        value = self.values.get(field)
        if value is None:
            raise InputError(f"{self.name}.{field}", "nothing", "a value")
        return value

    def object(self, field: str) -> Fields:
        """An object."""
        return Fields(self.raw(field), f"{self.name}.{field}")

    def objects(self, field: str) -> Iterator[Fields]:
        """A list of objects; nothing where it is absent or null, as nodes write an empty one."""
        for i, one in enumerate(self.list(field)):
            yield Fields(one, f"{self.name}.{field}[{i}]")

    def list(self, field: str) -> list[Any]:
        """A list; empty where it is absent or null."""
        value = self.values.get(field)
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{self.name}.{field}", shown(value), "a list")
        return list(value)

    def text(self, field: str) -> str:
        """A text."""
        value = self.raw(field)
        if not isinstance(value, str):
            raise InputError(f"{self.name}.{field}", shown(value), "text")
        try:
            value.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            raise InputError(f"{self.name}.{field}", ascii(value)[:_MAX_SHOWN], "text that UTF-8 can write") from None
        return value

    def number(self, field: str, bits: int, *, signed: bool = True, default: int | None = None) -> int:
        """A whole number of so many bits: in decimal digits, or a JSON number."""
        if default is not None and not self.has(field):
            return default
        value = self.raw(field)
        found = value if type(value) is int else None
        if isinstance(value, str) and _NUMBER(value):
            found = int(value)
        low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
        if found is None or not low <= found < high:
            wanted = f"a whole number of {bits} bits, in decimal"
            raise InputError(f"{self.name}.{field}", shown(value), wanted)
        return found

    def hash(self, field: str) -> bytes:
        """A hash of 32 bytes, or of none: hexadecimal or base64; empty where it is absent or null."""
        return self._short(field, 32)

    def address(self, field: str) -> bytes:
        """An address of 20 bytes, or of none: hexadecimal, base64, or Bech32 of a consensus address."""
        value = self.values.get(field)
        hexadecimal = isinstance(value, str) and len(value) == 40 and _HEX(value)  # some of which could be Bech32
        if isinstance(value, str) and not hexadecimal and (found := _BECH32(value)):
            return _valcons(value, found, f"{self.name}.{field}")
        return self._short(field, 20)

    def hexadecimal(self, field: str) -> bytes:
        """Bytes of any length in hexadecimal; empty where it is absent or null."""
        value = self.values.get(field)
        if value is None:
            return b""
        if not isinstance(value, str) or not _HEX(value) or len(value) % 2:
            raise InputError(f"{self.name}.{field}", shown(value), "bytes in hexadecimal, without 0x")
        return bytes.fromhex(value)

    def base64(self, field: str) -> bytes:
        """Bytes in base64; empty where it is absent or null."""
        value = self.values.get(field)
        return b"" if value is None else of_base64(value, f"{self.name}.{field}")

    def time(self, field: str, default: int | None = None) -> int:
        """An instant in Unix nanoseconds."""
        if default is not None and not self.has(field):
            return default
        return of_time(self.raw(field), f"{self.name}.{field}")

    def _short(self, field: str, size: int) -> bytes:
        """Bytes of a size that tells the notations apart."""
        value, path = self.values.get(field), f"{self.name}.{field}"
        if value is None or value == "":
            return b""
        if isinstance(value, str):
            if len(value) == 2 * size and _HEX(value):
                return bytes.fromhex(value)
            if len(value) == (size + 2) // 3 * 4:
                found = of_base64(value, path)
                if len(found) == size:
                    return found
        hint = ""
        if isinstance(value, str) and value[:2] in ("0x", "0X"):
            hint = "; CometBFT writes no 0x, which belongs to other addresses and hashes"
        elif isinstance(value, (bytes, bytearray, memoryview)):
            hint = "; these are bytes: write them as text, or give the message as protobuf"
        raise InputError(path, shown(value), f"{size} bytes in hexadecimal or base64{hint}")


def shown(value: Any) -> str:
    """A value for an error, cut to a readable length."""
    text = repr(value) if isinstance(value, (str, int, float)) else describe(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def of_base64(value: Any, path: str) -> bytes:
    """Bytes from base64, padded, in the one way that writers put it."""
    try:
        found = base64.b64decode(value.encode("ascii"), validate=True) if isinstance(value, str) else None
    except (binascii.Error, UnicodeEncodeError):
        found = None
    if found is None or base64.b64encode(found).decode() != value:
        raise InputError(path, shown(value), "bytes in base64")
    return found


def of_time(value: Any, path: str) -> int:
    """An instant in Unix nanoseconds from RFC 3339 in UTC, exactly.

    >>> of_time("2023-09-06T14:17:25.977731473Z", "time"), of_time("0001-01-01T00:00:00Z", "time")
    (1694009845977731473, -62135596800000000000)
    """
    wanted = "a time such as 2023-09-06T14:17:25.977731473Z"
    if isinstance(value, (datetime.datetime, datetime.date)):
        raise InputError(path, type(value).__name__, f"{wanted}: as text, since a datetime holds no nanoseconds")
    found = _TIME.fullmatch(value) if isinstance(value, str) and len(value) <= 64 else None
    if found is None:
        raise InputError(path, shown(value), f"{wanted}, as text")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, zone = found[7] or "", found[8]
    if zone != "Z":
        raise InputError(path, shown(value), f"{wanted}: in UTC, with Z at the end")
    try:
        datetime.datetime(year, month, day, hour, minute, second)
    except ValueError as error:
        raise InputError(path, f"{value!r}: {error}", wanted) from None
    if len(fraction) > 9:
        raise InputError(path, shown(value), f"{wanted}: at most nine digits of a second")
    days = datetime.date(year, month, day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    return seconds * SECOND + int(fraction.ljust(9, "0") or "0")


def text_of_time(time_ns: int) -> str:
    """An instant as nodes write it: trailing zeros of the fraction left out.

    >>> text_of_time(1694009845977731470), text_of_time(-62135596800000000000)
    ('2023-09-06T14:17:25.97773147Z', '0001-01-01T00:00:00Z')
    """
    seconds, nanos = divmod(time_ns, SECOND)
    days, rest = divmod(seconds, 86400)
    day = datetime.date.fromordinal(days + datetime.date(1970, 1, 1).toordinal())
    fraction = f".{nanos:09}".rstrip("0") if nanos else ""
    return f"{day.year:04}-{day.month:02}-{day.day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}{fraction}Z"


# ---- Bech32 (BIP-173) ------------------------------------------------------------------------------------------------


def _valcons(value: str, found: re.Match[str], path: str) -> bytes:
    """The 20 bytes of a consensus address, whose prefix ends in "valcons"."""
    prefix, data = found[1], [_CHARSET.index(letter) for letter in found[2]]
    wanted = "a consensus address (prefix ...valcons) in Bech32, or hexadecimal"
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    if _polymod(expanded + data) != 1:
        raise InputError(path, f"{value!r}, whose checksum is wrong", wanted)
    if not prefix.endswith("valcons"):
        raise InputError(path, f"{value!r}, an address of another kind, which does not follow from the key", wanted)
    bits = "".join(f"{five:05b}" for five in data[:-6])
    size, rest = divmod(len(bits), 8)
    octets = bytes(int(bits[8 * i : 8 * i + 8], 2) for i in range(size))
    if size != 20 or rest > 4 or "1" in bits[8 * size :]:
        raise InputError(path, f"{size} bytes in Bech32", "20 bytes")
    return octets


def _polymod(values: list[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for i, constant in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> i & 1:
                state ^= constant
    return state
