"""The records of ChainMaker's context, and the forms that they may be written in; each is turned into one.

A value that a field cannot have raises InputError with the field's name, what came and what was wanted: a revocation
that is spelt in an unexpected way must not silently revoke nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pycore.ledgers.chainmaker.rows import Policy, known_rule
from pycore.ledgers.fields import (
    digest,
    digits,
    instance,
    items,
    number,
    octets,
    one_of,
    pems,
    plain,
    refuse,
    sequence,
    text,
    texts,
    word,
    words,
)

__all__ = [
    "KEY_ROLES",
    "RegisteredKey",
    "Revocation",
    "TrustMember",
    "digest",
    "digits",
    "frozen",
    "instance",
    "items",
    "list_of_revocations",
    "number",
    "octets",
    "one_of",
    "pems",
    "plain",
    "policy",
    "refuse",
    "registered_key",
    "revocation",
    "sequence",
    "text",
    "texts",
    "word",
    "words",
]

_SERIAL = re.compile(r"(?:serial(?:\s*number)?\s*[=:]\s*)?(-?)\s*(?:0x)?([0-9a-f]+(?:[:\s][0-9a-f]+)*)").fullmatch
_MAX_SERIAL_DIGITS = 128
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

    def to_plain(self) -> Any:
        """As the JSON form has it: a bare serial number where the issuer is not named."""
        serial = f"{self.serial:x}"
        return {"serial": serial, "issuer": self.issuer} if self.issuer else serial


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
