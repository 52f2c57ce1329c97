"""Why one signature does not hold: the conventions of this field, tried on it one after another.

A signature that does not verify is seldom forged: most often the signer hashed, prefixed or encoded as its library
does, and the verifier was not told. :func:`explain` tries what signers are known to do and names what would hold, with
the options for it. It decides nothing: a verdict stays what it was.

Tried are, all with all:

- keys: as given, without a byte in front, with the 04 of SEC 1 in front, the point at the end of a
  SubjectPublicKeyInfo, hexadecimal text;
- signatures: compact and DER, without a recovery number (first or last), EIP-2098, s before r, with n - s, without
  what follows 64 bytes, hexadecimal text;
- messages: as given, as the digest, hexadecimal text as the bytes that it spells and bytes as hexadecimal text, without
  or with a line feed, hashed first, filled up with zeros, with what Ethereum, Solana, Algorand and Stellar put around;
- options: SM2's identifiers and what stands for e, ECDSA's hashes, rule sets, and other schemes with keys of that form.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pycore.base.registry import SCHEMES, lookup
from pycore.hashing.batch import hash_batch
from pycore.signatures.batch import verify_batch

__all__ = ["LONGEST", "Explanation", "Reading", "explain"]

LONGEST = 1 << 20
"""Bytes of a message, a key or a signature that is tried; nothing is tried on longer ones."""
_MOST = 8  # readings that are told
_SHORT = 1 << 14  # bytes of a message up to which other forms of it are tried
_ORDERS = {
    "ecdsa-secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "ecdsa-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
_ECDSA_HASHES = ("sha256", "keccak256", "sm3", "sha256d", "sha3-256")
_FAMILIES = (("ecdsa-secp256k1", "ecdsa-p256", "sm2"), ("ed25519", "schnorr-secp256k1"))
_FIRST_HASHES = ("sha256", "sm3", "keccak256", "sha256d", "sha512")
_HEX = re.compile(rb"(?:0x)?((?:[0-9a-fA-F]{2})+)\s*")


@dataclass(frozen=True)
class Reading:
    """One way of reading an item under which it holds.

    changes     in words, what differs from the item as it was given; empty: it holds as it is
    scheme, public_key, signature, message, options   what :func:`pycore.verify` takes
    """

    changes: tuple[str, ...]
    scheme: str
    public_key: bytes
    signature: bytes
    message: bytes
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def flags(self) -> list[str]:
        """The options of ``pycore verify`` for it, without the three values."""
        found = ["--scheme", self.scheme]
        for name, value in self.options.items():
            option = f"--{name.replace('_', '-')}"
            if value is None:
                found.append(f"--no-{name.replace('_', '-')}")
            elif value is True:
                found.append(option)
            else:
                found += [option, value.decode(errors="replace") if isinstance(value, bytes) else str(value)]
        return found


@dataclass(frozen=True)
class Explanation:
    """The number of readings tried, and those that would hold, the fewest changes first.

    tried      readings of the item
    readings   at most eight; of two, the one whose changes are all among the other's stays
    """

    tried: int
    readings: tuple[Reading, ...]


def explain(
    scheme: str, public_key: bytes, signature: bytes, message: bytes, options: Mapping[str, Any] | None = None
) -> Explanation:
    """Try the known conventions on one item.

    Args:
        scheme, public_key, signature, message: as for :func:`pycore.verify`.
        options: of :func:`pycore.verify` that the item was tried with; they count as no change.

    Returns:
        What would hold. The work is bounded: some thousand verifications, and none for anything longer than
        :data:`LONGEST`.

    Raises:
        InputError: an unknown scheme.

    Traps: a reading that holds says how the signer may have signed, not that it should be accepted so. ``hash="none"``
    lets whoever chooses a long message choose what is signed; keys of small order hold for every message.

    >>> from pycore.testing import generate_signatures
    >>> keys, signatures, messages = generate_signatures("sm2", 1, seed=1, user_id=b"")
    >>> found = explain("sm2", bytes(keys[0]), bytes(signatures[0]), bytes(messages[0]))
    >>> [(reading.changes, reading.options) for reading in found.readings]
    [(('the identifier is empty',), {'user_id': b''})]
    """
    lookup(SCHEMES, scheme, "scheme")
    given = {name: value for name, value in (options or {}).items() if name not in ("threads", "width")}
    if max(map(len, (public_key, signature, message))) > LONGEST:
        return Explanation(0, ())
    tried, found = 0, []
    for other, words, chosen in _choices(scheme, given):
        items = list(_items(other, public_key, signature, message, chosen, given))
        tried += len(items)
        found += _holding(other, words, chosen, items)
    return Explanation(tried, _shortest(found))


@dataclass(frozen=True, slots=True)
class _Item:
    """Values in one form each, and in words which forms these are."""

    changes: tuple[str, ...]
    key: bytes
    signature: bytes
    message: bytes


def _holding(scheme: str, words: tuple[str, ...], options: dict[str, Any], items: list[_Item]) -> list[Reading]:
    """Those of the items that hold under these options."""
    if not items:
        return []
    columns = ([one.key for one in items], [one.signature for one in items], [one.message for one in items])
    verdicts = verify_batch(scheme, *columns, **options, threads=1)
    return [
        Reading((*words, *items[i].changes), scheme, items[i].key, items[i].signature, items[i].message, options)
        for i in verdicts.valid.nonzero()[0].tolist()
    ]


def _shortest(found: list[Reading]) -> tuple[Reading, ...]:
    kept: list[Reading] = []
    for one in sorted(found, key=lambda reading: len(reading.changes)):
        if not any(set(other.changes) <= set(one.changes) for other in kept):
            kept.append(one)
    return tuple(kept[:_MOST])


# ---- options ---------------------------------------------------------------------------------------------------------


def _choices(scheme: str, given: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Scheme, words and options of every combination; the encoding of signatures is in them."""
    for other in next(family for family in _FAMILIES if scheme in family):
        named = () if other == scheme else (f"the scheme is {other}",)
        same = dict(given) if other == scheme else {}
        for words, options in _options_of(other, same):
            yield other, (*named, *words), options


def _options_of(scheme: str, given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    row = SCHEMES[scheme]
    encodings = ("compact", "der") if row.takes_der else ("compact",)
    for encoding in encodings:
        own = {"encoding": encoding} if encoding != "compact" else {}
        words = () if encoding == given.get("encoding", "compact") else (f"the signature is {_ENCODED[encoding]}",)
        if encoding == "der" and given.get("encoding") == "der" and "der_rules" in given:
            own["der_rules"] = given["der_rules"]
        if scheme == "sm2":
            yield from ((words + more, {**own, **options}) for more, options in _sm2(given))
        elif row.takes_hash:
            yield from ((words + more, {**own, **options}) for more, options in _ecdsa(given))
        else:
            asked = given.get("rules") or (row.rules[0].name if row.rules else "")
            for rules in [one.name for one in row.rules] or [""]:
                options = {"rules": rules} if rules and rules != row.rules[0].name else {}
                yield (() if rules == asked else (f"the rules are {rules}",)), options


_ENCODED = {"compact": "r and s, 64 bytes, no DER", "der": "DER"}


def _sm2(given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """SM2's ways to e."""
    known: list[tuple[str, dict[str, Any]]] = [
        ("the identifier is the standard one", {}),
        ("the identifier is empty", {"user_id": b""}),
        ("there is no Z_A: SM3 of the message alone", {"user_id": None}),
        ("the message's bytes are e", {"hash": "none"}),
        ("the identifier is SM3, a padding that was read as one", {"user_id": b"SM3"}),
    ]
    asked = {name: given[name] for name in ("user_id", "hash", "prehashed") if given.get(name, "") not in ("", False)}
    if "hash" in asked and asked["hash"] is None:
        del asked["hash"]
    if asked.get("user_id") == b"1234567812345678":
        del asked["user_id"]
    yield (), asked
    yield from (((words,), options) for words, options in known if options != asked)


def _ecdsa(given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """ECDSA's hashes, and whether high s counts."""
    asked = "prehashed" if given.get("prehashed") else given.get("hash") or "sha256"
    rules = given.get("rules") or "any-s"
    for name in dict.fromkeys((asked, *_ECDSA_HASHES, "prehashed")):
        words = (
            () if name == asked else ("the message is the digest",) if name == "prehashed" else (f"the hash is {name}",)
        )
        options: dict[str, Any] = (
            {"prehashed": True} if name == "prehashed" else {} if name == "sha256" else {"hash": name}
        )
        if rules != "any-s":
            yield words, {**options, "rules": rules}
            words = (*words, "s is high: the rules are any-s")
        yield words, options


# ---- forms of the values ---------------------------------------------------------------------------------------------


def _items(
    scheme: str, key: bytes, signature: bytes, message: bytes, options: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[_Item]:
    keys = list(_keys(scheme, key))
    signatures = list(_signatures(scheme, signature, options.get("encoding", "compact")))
    messages = list(_messages(scheme, message))
    if options.get("prehashed"):
        messages = [form for form in messages if len(form[1]) == 32]
    for key_words, key_form in keys:
        for signature_words, signature_form in signatures:
            for message_words, message_form in messages:
                changes = (*key_words, *signature_words, *message_words)
                yield _Item(changes, key_form, signature_form, message_form)


Form = tuple[tuple[str, ...], bytes]


def _unique(forms: Iterator[Form]) -> Iterator[Form]:
    """The first of every value."""
    seen: set[bytes] = set()
    for words, value in forms:
        if value not in seen:
            seen.add(value)
            yield words, value


def _text(value: bytes) -> bytes | None:
    """The bytes that hexadecimal text spells; None for other text."""
    match = _HEX.fullmatch(value) if len(value) <= _SHORT else None
    return bytes.fromhex(match[1].decode()) if match else None


def _keys(scheme: str, key: bytes) -> Iterator[Form]:
    sizes = SCHEMES[scheme].key_sizes

    def forms() -> Iterator[Form]:
        spelt = _text(key)
        for words, value in [((), key), *([(("the key is hexadecimal text",), spelt)] if spelt else [])]:
            yield words, value
            if len(value) - 1 in sizes:
                yield (*words, "the key has a byte in front"), value[1:]
            if len(value) == 64 and 65 in sizes:
                yield (*words, "the key lacks the 04 in front"), b"\x04" + value
            if 65 < len(value) < 512 and value[0] == 0x30:
                size = max(sizes)
                yield (*words, "the key is a SubjectPublicKeyInfo"), value[-size:]

    return (form for form in _unique(forms()) if len(form[1]) in sizes or form[1] == key)


def _signatures(scheme: str, signature: bytes, encoding: str) -> Iterator[Form]:
    def forms() -> Iterator[Form]:
        spelt = _text(signature)
        for words, value in [((), signature), *([(("the signature is hexadecimal text",), spelt)] if spelt else [])]:
            yield words, value
            if encoding == "der":
                if len(value) > 9 and value[1] == 0x30:
                    yield (*words, "a byte stands in front of the signature"), value[1:]
                continue
            if len(value) == 65:
                yield (*words, "a byte follows the signature"), value[:64]
                yield (*words, "a byte stands in front of the signature"), value[1:]
            elif len(value) > 65:
                yield (*words, "something follows the signature"), value[:64]
            if (len(value) in (64, 65) and scheme in _ORDERS) or (scheme == "sm2" and len(value) == 64):
                yield from ((words + more, form) for more, form in _other_scalars(scheme, value[:64], len(value) == 65))

    return _unique(forms())


def _other_scalars(scheme: str, value: bytes, cut: bool) -> Iterator[Form]:
    r, s = value[:32], value[32:]
    words = ("a byte follows the signature",) if cut else ()
    yield (*words, "s stands before r"), s + r
    yield (*words, "r and s are little-endian"), r[::-1] + s[::-1]
    if scheme in _ORDERS:
        if s[0] & 0x80:
            yield (*words, "the top bit of s is the recovery number (EIP-2098)"), r + bytes([s[0] & 0x7F]) + s[1:]
        number = int.from_bytes(s, "big")
        if 0 < number < _ORDERS[scheme]:
            yield (*words, "s was replaced by n - s"), r + (_ORDERS[scheme] - number).to_bytes(32, "big")


def _messages(scheme: str, message: bytes) -> Iterator[Form]:
    def forms() -> Iterator[Form]:
        yield (), message
        if len(message) > _SHORT:
            return
        spelt = _text(message)
        starts: list[Form] = [((), message)]
        if spelt is not None:
            starts.append((("the message is hexadecimal text for what was signed",), spelt))
        starts.append((("the message was signed as hexadecimal text",), message.hex().encode()))
        starts.append((("the message was signed as hexadecimal text with 0x",), b"0x" + message.hex().encode()))
        starts.append((("a line feed follows the message that was signed",), message + b"\n"))
        if message.endswith(b"\n"):
            starts.append((("the line feed at the end was not signed",), message[:-1]))
        for words, value in starts:
            yield words, value
            yield (*words, "Ethereum's prefix stands in front"), _ETHEREUM + str(len(value)).encode() + value
        for words, value in starts[:2]:
            for name in _FIRST_HASHES:
                digest = bytes(hash_batch(name, [value])[0])[:32]
                yield (*words, f"{_HASHED.get(name, name)} of the message was signed"), digest
        yield from _chains(message) if scheme == "ed25519" else _padded(message)

    return _unique(forms())


def _chains(message: bytes) -> Iterator[Form]:
    """What chains with Ed25519 put around a message."""
    yield ("Solana's byte for version 0 stands in front",), b"\x80" + message
    if len(message) > 65 and message[0] == 1:
        yield ("the message is a transaction that begins with its signature",), message[65:]
    if len(message) > 64:
        yield ("the message is a transaction that ends with its signature",), message[:-64]
    yield ("Algorand's MX stands in front",), b"MX" + message
    stellar = bytes(hash_batch("sha256", [b"Stellar Signed Message:\n" + message])[0])
    yield ("sha256 of Stellar's prefix and the message was signed",), stellar


def _padded(message: bytes) -> Iterator[Form]:
    """Numbers of 32 bytes from fewer."""
    if len(message) < 32:
        yield ("the message is a number, filled up to 32 bytes",), message.rjust(32, b"\0")
    old = hashlib.sha1(message, usedforsecurity=False).digest()
    yield ("sha1 of the message was signed",), old.rjust(32, b"\0")


_ETHEREUM = b"\x19Ethereum Signed Message:\n"
_HASHED = {"sha512": "the first half of sha512"}
