"""The forms that the fields of a context may be written in, each turned into one.

A value that a field cannot have raises InputError with the field's name, what came and what was wanted: a revocation
that is spelt in an unexpected way must not silently revoke nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pycore.base.columns import describe, quote
from pycore.errors import InputError
from pycore.ledgers.chainmaker.rows import Policy, known_rule

T = TypeVar("T")

_SERIAL = re.compile(r"(?:serial(?:\s*number)?\s*[=:]\s*)?(-?)\s*(?:0x)?([0-9a-f]+(?:[:\s][0-9a-f]+)*)").fullmatch
_MAX_SERIAL_DIGITS = 128
_MAX_SHOWN = 80
KEY_ROLES = ("CLIENT", "LIGHT", "COMMON")
"""What a registered key may be; administrators and consensus nodes come from the chain's configuration alone."""


@dataclass(frozen=True, slots=True)
class TrustMember:
    """A member that the chain's configuration trusts by itself: its certificate needs no chain to a root."""

    pem: str
    org_id: str
    role: str
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A public key in the chain's register (PUBKEY_MANAGE): PEM, or hex of its DER; role CLIENT, LIGHT or COMMON."""

    key: str
    org_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revoked certificate by its serial number.

    `issuer` is the PEM certificate of the authority that issued it, or the hex of that authority's key identifier; ""
    means any issuer. Write the issuer: two authorities may use one serial number.
    """

    serial: int
    issuer: str = ""


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
    if not (found or empty) or any(letter.isspace() for letter in found):
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


def frozen(name: str, value: Any) -> str:
    """A frozen certificate: the hash of its DER, or its PEM."""
    found = text(name, value)
    return found if "-----BEGIN" in found else digest(name, found)


def list_of_revocations(name: str, value: Any) -> str:
    """A CRL: PEM text as it is; DER, as bytes or in hexadecimal, becomes hexadecimal digits."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        return data.decode("latin-1") if b"-----BEGIN" in data else data.hex()
    found = text(name, value)
    return found if "-----BEGIN" in found else digits(name, found)


def revocation(name: str, value: Any) -> Revocation:
    """A serial number as integer or in hexadecimal - ``e53c96``, ``E5:3C:96``, ``0xE53C96``, ``serial=E53C96``, with a
    minus where it is negative - or a mapping with `serial` and `issuer`."""
    if isinstance(value, Revocation):
        return Revocation(_serial(f"{name}.serial", value.serial), _issuer(f"{name}.issuer", value.issuer))
    if isinstance(value, Mapping):
        given = dict(items(name, value))
        if "serial" not in given or not given.keys() <= {"serial", "issuer"}:
            raise refuse(name, ", ".join(sorted(given)) or "nothing", "fields serial, issuer")
        return Revocation(
            _serial(f"{name}.serial", given["serial"]), _issuer(f"{name}.issuer", given.get("issuer", ""))
        )
    return Revocation(_serial(name, value))


def _serial(name: str, value: Any) -> int:
    if type(value) is int:
        if abs(value) >> 4 * _MAX_SERIAL_DIGITS:
            raise refuse(name, f"a number of {value.bit_length()} bits", f"at most {4 * _MAX_SERIAL_DIGITS}")
        return value
    found = _SERIAL(text(name, value).strip().lower())
    if not found or len(found[2]) > 2 * _MAX_SERIAL_DIGITS:
        raise refuse(name, repr(value), "a serial number: an integer, or hexadecimal digits such as E5:3C:96")
    return int(found[1] + re.sub(r"[:\s]", "", found[2]), 16)


def _issuer(name: str, value: Any) -> str:
    found = text(name, value)
    return found if not found or "-----BEGIN" in found else digits(name, found)


def policy(name: str, value: Any) -> Policy:
    """A row of the chain's configuration; rule and roles in upper case."""
    found = instance(name, value, Policy)
    rule = found.rule.strip().upper()
    if not known_rule(rule):
        raise refuse(f"{name}.rule", repr(found.rule), 'ANY, ALL, MAJORITY, SELF, FORBIDDEN, "2" or "2/3"')
    return Policy(rule, found.orgs, tuple(role.upper() for role in found.roles))


def registered_key(name: str, value: Any) -> RegisteredKey:
    """An entry of the chain's register of keys."""
    found = instance(name, value, RegisteredKey)
    role = found.role.upper()
    if role not in KEY_ROLES:
        raise refuse(f"{name}.role", repr(found.role), "one of " + ", ".join(KEY_ROLES))
    return RegisteredKey(found.key, found.org_id, role)


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
    """A field's value as JSON has it: bytes in hexadecimal, records as mappings, a bare revocation as its serial."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Revocation):
        serial = f"{value.serial:x}"
        return {"serial": serial, "issuer": value.issuer} if value.issuer else serial
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: plain(entry) for key, entry in dataclasses.asdict(value).items()}
    return value
