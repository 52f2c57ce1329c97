"""Public keys as the chain writes them, and the addresses that follow from them.

    public key   hexadecimal text of b0 || kind || 66 || key: kind 65 ("e"), Ed25519, 32 bytes; 7a ("z"), SM2, 65 bytes
                 04 || x || y
    address      "did:bid:" [chain code ":"] ("ef" | "zf") base58(hash(key)[10:32]), the hash SHA-256 for Ed25519, SM3
                 for SM2; 22 bytes and no checksum
    BUMO         key: b0 || 01 || 32 bytes || checksum; address: base58(01 56 01 || SHA-256(key)[12:32] || checksum);
                 checksum: the first 4 bytes of SHA-256 twice over what is before it

Source: BIF-Core-SDK-Go, module/encryption/key/public_key_manager.go; bumo, src/utils and src/common (PublicKey).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycore.base.columns import quote
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch
from pycore.ledgers.bif import base58
from pycore.ledgers.scan import Spans

PREFIX = "did:bid:"
ADDRESS_BYTES = 22
MAX_ADDRESS = 128
"""Characters of an address that are read."""
_BUMO_ADDRESS = bytes.fromhex("015601")
_CHAIN_CODE = re.compile(r"[0-9A-Za-z]{1,32}").fullmatch
_LOWER = np.full(256, 0xFF, np.uint8)
_LOWER[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_ANY = _LOWER.copy()
_ANY[np.frombuffer(b"ABCDEF", np.uint8)] = np.arange(10, 16)


class Kind(NamedTuple):
    """A kind of key: scheme and hash of this library, letters of its addresses, bytes before the key, its size."""

    scheme: str
    hash: str
    letters: str
    head: bytes
    size: int


ED25519 = Kind("ed25519", "sha256", "ef", bytes.fromhex("b06566"), 32)
SM2 = Kind("sm2", "sm3", "zf", bytes.fromhex("b07a66"), 65)
BUMO = Kind("ed25519", "sha256", "", bytes.fromhex("b001"), 32)
KINDS = (ED25519, SM2)
_CHECKSUM = 4
VARIANTS = {"bif": KINDS, "bumo": (BUMO,)}
"""Kind of ledger -> kinds of key that it has."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: its kind, its bytes without the head, its address without a chain code."""

    kind: Kind
    raw: bytes
    address: str


class Address(NamedTuple):
    """An address in parts: chain code ("" without one), letters of the kind of key, and the rest as text."""

    chain_code: str
    letters: str
    body: str


class KeyColumn:
    """Keys from their texts, by columns.

    Attributes:
        kinds: int8 (n,): place of each key's kind among those of the ledger; -1: not a key.
        places: int64 (n,): row of each key among those of its kind.
        raws: of each kind, uint8 (keys of it, size).
        addresses: of each key, without a chain code, after :meth:`make_addresses`; "" where it is not a key.
    """

    def __init__(self, texts: Spans, *, variant: str, strict: bool) -> None:
        """strict: hexadecimal digits in lower case, as writers put them."""
        n = len(texts)
        self._known = VARIANTS[variant]
        self.kinds = np.full(n, -1, np.int8)
        self.places = np.zeros(n, np.int64)
        self.raws: list[NDArray[np.uint8]] = []
        self.addresses = [""] * n
        lengths = texts.lengths
        for place, kind in enumerate(self._known):
            tail = _CHECKSUM if kind is BUMO else 0
            size = len(kind.head) + kind.size + tail
            own = np.flatnonzero(lengths == 2 * size)
            if not len(own):
                self.raws.append(np.zeros((0, kind.size), np.uint8))
                continue
            rows, sound = _from_hex(texts.take(own).gather().to_matrix(2 * size, "keys"), strict)
            start = len(kind.head)
            sound &= (rows[:, :start] == np.frombuffer(kind.head, np.uint8)).all(axis=1)
            if kind is SM2:
                sound &= rows[:, start] == 4
            elif kind is BUMO:
                sound &= np.array([_checks(row.tobytes()) for row in rows], np.bool_)
            raws = np.ascontiguousarray(rows[sound, start : start + kind.size])
            own = own[sound]
            self.kinds[own], self.places[own] = place, np.arange(len(own))
            self.raws.append(raws)

    def make_addresses(self) -> None:
        """Fills in the addresses."""
        for place, kind in enumerate(self._known):
            written = _addresses(kind, self.raws[place])
            if len(written) == len(self):
                self.addresses = written
                return
            own = np.flatnonzero(self.kinds == place).tolist()
            for i, address in zip(own, written, strict=True):
                self.addresses[i] = address

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: int) -> Key | None:
        kind = int(self.kinds[index])
        if kind < 0:
            return None
        raw = self.raws[kind][int(self.places[index])].tobytes()
        return Key(self._known[kind], raw, self.addresses[index])


def _from_hex(digits: NDArray[np.uint8], strict: bool) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Bytes of rows of hexadecimal digits, and which rows have no other characters."""
    text = digits.tobytes()
    try:
        whole = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        whole = b""
    if 2 * len(whole) == len(text) and not (strict and text != text.lower()):  # all sound, as they nearly always are
        return np.frombuffer(whole, np.uint8).reshape(len(digits), -1), np.ones(len(digits), np.bool_)
    values = (_LOWER if strict else _ANY)[digits]
    sound: Any = (values < 16).all(axis=1)
    joined: Any = (values[:, ::2] << 4) | (values[:, 1::2] & 15)
    return joined, sound


def read_key(text: str | bytes, *, variant: str = "bif", strict: bool = True) -> Key | None:
    """A key from its text; None where it is not one. strict: hexadecimal digits in lower case, as writers put them."""
    return read_keys([text.encode() if isinstance(text, str) else text], variant=variant, strict=strict)[0]


def read_keys(texts: Sequence[bytes], *, variant: str = "bif", strict: bool = True) -> list[Key | None]:
    """:func:`read_key` of many texts, whose addresses are made together."""
    if not texts:
        return []
    found = KeyColumn(Spans.joined(texts), variant=variant, strict=strict)
    found.make_addresses()
    return [found[i] for i in range(len(texts))]


def write_key(scheme: str, raw: bytes) -> str:
    """The text of a public key: "ed25519", 32 bytes, or "sm2", 65 bytes 04 || x || y. InputError on other lengths."""
    kind = _kind(scheme)
    if len(raw) != kind.size:
        raise InputError("raw", f"{len(raw)} bytes", f"{kind.size} bytes")
    return (kind.head + raw).hex()


def address_of(scheme: str, raw: bytes, *, chain_code: str = "") -> str:
    """The address of a key.

    >>> address_of("ed25519", bytes.fromhex("d8fb4a6dfbe0d5831e38f621391ad9191626f7e28c13d3a0482c52d5c9607b14"))
    'did:bid:efQ69GRtQUDR9SngdFKAv4owYyx5Fnko'
    """
    kind = _kind(scheme)
    if len(raw) != kind.size:
        raise InputError("raw", f"{len(raw)} bytes", f"{kind.size} bytes")
    body = base58.encode(hash_one(kind.hash, raw)[10:])
    return PREFIX + (f"{chain_code}:" if chain_code else "") + kind.letters + body


def read_address(text: str) -> Address | None:
    """The parts of an address; None where it is not one: another prefix, letters, or length than 22 bytes."""
    if len(text) > MAX_ADDRESS or not text.startswith(PREFIX):
        return None
    code, mark, rest = text[len(PREFIX) :].rpartition(":")
    if (mark and not _CHAIN_CODE(code)) or rest[:2] not in ("ef", "zf"):
        return None
    decoded = base58.decode(rest[2:])
    return Address(code, rest[:2], rest[2:]) if decoded is not None and len(decoded) == ADDRESS_BYTES else None


def is_address(text: str, *, variant: str = "bif") -> bool:
    """Whether a text is an address of that kind of ledger."""
    if variant == "bif":
        return read_address(text) is not None
    decoded = base58.decode(text)
    return decoded is not None and len(decoded) == 27 and decoded[:3] == _BUMO_ADDRESS and _checks(decoded)


def owns(key: Key, address: str, *, chain_code: str | None, strict: bool) -> bool:
    """Whether an address is the key's.

    chain_code   of the ledger, which addresses may name; None: not known, so that any is taken
    strict       else "ef" stands for SM2 keys as well where the address has a chain code, as BIF-Core-SDK-Go writes it
                 (certainty: read)
    """
    if address == key.address:
        return True
    letters, body = key.kind.letters, key.address[len(PREFIX) + 2 :]
    if key.kind is BUMO or not address.endswith(body):  # most are told apart without decoding them
        return False
    parts = read_address(address)
    if parts is None or not parts.chain_code or chain_code not in (None, parts.chain_code):
        return False
    return parts.body == body and (parts.letters == letters or (not strict and parts.letters == "ef"))


def _kind(scheme: str) -> Kind:
    for kind in KINDS:
        if kind.scheme == scheme:
            return kind
    raise InputError("scheme", quote(scheme), "'ed25519' or 'sm2'")


def _checksum(data: bytes) -> bytes:
    return hash_one("sha256d", data)[:_CHECKSUM]


def _checks(data: bytes) -> bool:
    """Whether bytes end in their checksum."""
    return _checksum(data[:-_CHECKSUM]) == data[-_CHECKSUM:]


def _addresses(kind: Kind, raws: NDArray[np.uint8]) -> list[str]:
    if not len(raws):
        return []
    hashes = hash_batch(kind.hash, raws, threads=1)
    if kind is BUMO:
        bodies = [_BUMO_ADDRESS + row[12:].tobytes() for row in hashes]
        return [base58.encode(body + _checksum(body)) for body in bodies]
    return base58.encode_rows(np.ascontiguousarray(hashes[:, 10:]), PREFIX + kind.letters)
