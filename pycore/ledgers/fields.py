"""The forms that the fields of a chain's context may be written in, each turned into one.

A value that a field cannot have raises InputError with the field's name, what came and what was wanted: a key that is
spelt in an unexpected way must not silently be trusted, or ignored.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from pycore.base.columns import describe, quote
from pycore.errors import InputError

T = TypeVar("T")

_MAX_SHOWN = 80


def refuse(name: str, got: object, wanted: str) -> InputError:
    """The error of a field, with what came cut to a readable length."""
    text = got if isinstance(got, str) else describe(got)
    return InputError(
        f"context.{name}", got=text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "...", wanted=wanted
    )


def one_of(name: str, value: object, wanted: Sequence[str], *, aliases: Mapping[str, str] | None = None) -> str:
    """One of the wanted names, in any case of letters."""
    if isinstance(value, str):
        names = {choice.lower(): choice for choice in wanted} | dict(aliases or {})
        if value.lower() in names:
            return names[value.lower()]
    raise refuse(name, quote(value), "one of " + ", ".join(map(repr, wanted)))


def items(name: str, value: Any) -> list[tuple[str, Any]]:
    """The entries of a mapping with text as keys."""
    if not isinstance(value, Mapping):
        raise refuse(name, type(value).__name__, "a mapping (JSON object)")
    for key in value:
        text(name, key)
    return list(value.items())


def sequence(name: str, value: Any) -> Sequence[Any]:
    """A sequence that is not text."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise refuse(name, type(value).__name__, "a sequence (JSON array)")
    return value


def text(name: str, value: Any) -> str:
    """Text that UTF-8 can write; bytes are read as Latin-1."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise refuse(name, type(value).__name__, "text")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can write half of a surrogate pair
        raise refuse(name, repr(value), "text that UTF-8 can write") from error
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A sequence of texts."""
    return tuple(text(name, item) for item in sequence(name, value))


def words(name: str, value: Any) -> tuple[str, ...]:
    """Identifiers that are compared letter by letter: not empty, without white space, which would match nothing."""
    return tuple(word(name, item) for item in sequence(name, value))


def word(name: str, value: Any, *, empty: bool = False) -> str:
    """One of them; `empty`: it may be missing."""
    found = text(name, value)
    if found.split() != [found] and (found or not empty):
        raise refuse(name, repr(found), "an identifier without white space")
    return found


def pems(name: str, value: Any) -> tuple[str, ...]:
    """One PEM text or several."""
    return (text(name, value),) if isinstance(value, str) else texts(name, value)


def number(name: str, value: Any, bits: int, *, least: int = 0) -> int:
    """An unsigned integer of so many bits, not below `least`."""
    if type(value) is not int or not least <= value < 1 << bits:
        raise refuse(name, quote(value), f"an integer from {least} to 2^{bits} - 1")
    return value


def digits(name: str, value: Any) -> str:
    """Lower-case hexadecimal digits; 0x, upper case, colons and spaces between bytes are taken."""
    found = re.sub(r"(?<=[0-9a-f])[:\s](?=[0-9a-f])", "", text(name, value).strip().lower().removeprefix("0x"))
    if len(found) % 2 or not re.fullmatch(r"[0-9a-f]*", found):
        raise refuse(name, repr(value), "bytes in hexadecimal")
    return found


def digest(name: str, value: Any) -> str:
    """The 64 hexadecimal digits of a hash."""
    found = digits(name, value)
    if len(found) != 64:
        raise refuse(name, f"{len(found) // 2} bytes", "the 32 bytes of a hash in hexadecimal")
    return found


def octets(name: str, value: Any, size: int | None = None) -> bytes:
    """Bytes, or text in hexadecimal."""
    if isinstance(value, str):
        found = bytes.fromhex(digits(name, value))
    else:
        try:
            found = bytes(memoryview(value))
        except TypeError as error:
            raise refuse(name, repr(value), "bytes, or hexadecimal digits") from error
    if size is not None and len(found) != size:
        raise refuse(name, f"{len(found)} bytes", f"{size} bytes")
    return found


def instance(name: str, value: Any, kind: type[T]) -> T:
    """A small record, or the mapping that describes one."""
    given = value if isinstance(value, kind) else None
    fields = {item.name: item for item in dataclasses.fields(cast(Any, kind))}
    values = {key: getattr(given, key) for key in fields} if given is not None else dict(items(name, value))
    missing = [key for key, item in fields.items() if item.default is dataclasses.MISSING and key not in values]
    if missing or not values.keys() <= fields.keys():
        raise refuse(name, ", ".join(sorted(values)) or "nothing", "fields " + ", ".join(fields))
    plural = {key for key, item in fields.items() if item.default == ()}
    return kind(**{k: (texts if k in plural else text)(f"{name}.{k}", v) for k, v in values.items()})


def plain(value: Any) -> Any:
    """A field's value as JSON has it: bytes in hexadecimal, records as mappings or as their own `to_plain` says."""
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "to_plain"):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: plain(entry) for key, entry in dataclasses.asdict(value).items()}
    return value
