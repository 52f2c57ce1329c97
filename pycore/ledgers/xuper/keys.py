"""Public keys as the chain writes them, and the addresses that follow from them.

A key is a JSON text with the curve's name and two decimal coordinates. An address is base58 of a version byte, a hash
of the point (04 || x || y) and four bytes of check: of P-256 version 1, RIPEMD-160 of SHA-256, checked by SHA256d; of
SM2 ("SM2-P-256") version 2, RIPEMD-160 of SM3, checked by SM3. Sources: xuperchain/crypto ea9045636ba9, core/account
and gm/account. P-256 is confirmed by published blocks; of SM2 the source was read only.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.ledgers.ffi_scan import base58
from pycore.ledgers.scan import Spans

UNKNOWN, P256, SM2 = 0, 1, 2
"""Kinds of key; the last two are the version bytes of their addresses as well."""
SCHEMES = {P256: "ecdsa-p256", SM2: "sm2"}
CURVES = {P256: "P-256", SM2: "SM2-P-256"}

MAX_KEY_TEXT = 1024
"""Bytes of a key's text that are read; a real one has 190."""
MAX_DIGITS = 100
ADDRESS_WIDTH = 35
"""Letters that 25 bytes have at most."""

_FEW = 16
_MAX_KNOWN = 1 << 12
_known: dict[tuple[bool, bytes], Keys] = {}
"""What texts are, of calls with a few: validators' keys come again and again. Nothing but keys is kept."""

ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALID, _MALFORMED = int(Verdict.VALID), int(Verdict.MALFORMED_KEY)
_UNSUPPORTED = int(Verdict.UNSUPPORTED_ALGORITHM)


class Keys(NamedTuple):
    """n keys.

    kinds      uint8 (n,): UNKNOWN, P256 or SM2
    codes      uint8 (n,): VALID; MALFORMED_KEY where the text is no key, UNSUPPORTED_ALGORITHM for another curve.
               Whether a point is on its curve is seen when it is used
    points     uint8 (n, 65): 04 || x || y, zero where there is none
    letters    uint8 (n, ADDRESS_WIDTH): the addresses in ASCII, at the right end of each row
    starts     int64 (n,): where each address begins in its row; ADDRESS_WIDTH where there is none
    """

    kinds: NDArray[np.uint8]
    codes: NDArray[np.uint8]
    points: NDArray[np.uint8]
    letters: NDArray[np.uint8]
    starts: NDArray[np.int64]

    def address(self, index: int) -> str:
        """The address of a key; "" where there is none."""
        return self.letters[index, self.starts[index] :].tobytes().decode("ascii")


def read_keys(texts: Spans, *, strict: bool, threads: int | None = 1) -> Keys:
    """Keys from their texts. strict: only the text that the chain's own software writes; else whatever JSON its parser
    reads as one (names in any case, the last of equal ones, other names ignored)."""
    if not 0 < len(texts) <= _FEW:
        return _read(texts, strict=strict, threads=threads)
    items = texts.items()
    missing = list(dict.fromkeys(text for text in items if (strict, text) not in _known))
    found = {} if not missing else _each(missing, _read(Spans.joined(missing), strict=strict))
    if missing:
        for text, key in found.items():
            if key.codes[0] == _VALID and len(text) <= MAX_KEY_TEXT:
                if len(_known) >= _MAX_KNOWN:
                    _known.clear()
                _known[strict, text] = key
    rows = [
        found.get(text) or _known.get((strict, text)) or _read(Spans.joined([text]), strict=strict) for text in items
    ]
    return rows[0] if len(rows) == 1 else Keys(*map(np.concatenate, zip(*rows, strict=True)))


def _each(texts: list[bytes], keys: Keys) -> dict[bytes, Keys]:
    """Text -> its key alone, in arrays that may be given to many."""
    found = {text: Keys(*(part[i : i + 1].copy() for part in keys)) for i, text in enumerate(texts)}
    for key in found.values():
        for part in key:
            part.setflags(write=False)
    return found


def _read(texts: Spans, *, strict: bool, threads: int | None = 1) -> Keys:
    n = len(texts)
    kinds, codes = np.zeros(n, np.uint8), np.full(n, _VALID, np.uint8)
    points = np.zeros((n, 65), np.uint8)
    for kind, curve in CURVES.items():
        rows = np.flatnonzero(kinds == UNKNOWN)
        if len(rows):
            literals = [f'{{"Curvname":"{curve}","X":'.encode(), b',"Y":', b"}"]
            numbers, marks = (texts if len(rows) == n else texts.take(rows)).decimals(literals, 32, threads)
            kinds[rows[marks]] = kind
            points[rows[marks], 1:] = numbers[marks]
    for row in np.flatnonzero(kinds == UNKNOWN).tolist():
        read = _refused(texts[row]) if strict else _lenient(texts[row])
        if isinstance(read, int):
            codes[row] = read
        elif read[1] >> 256 or read[2] >> 256:
            codes[row] = _MALFORMED
        else:
            kinds[row] = read[0]
            points[row, 1:] = np.frombuffer(b"".join(number.to_bytes(32, "big") for number in read[1:]), np.uint8)
    points[kinds != UNKNOWN, 0] = 4
    return Keys(kinds, codes, points, *_addresses(kinds, points, threads))


def address_of(kind: int, point: bytes) -> str:
    """The address of one point of 65 bytes."""
    kinds, points = np.array([kind], np.uint8), np.frombuffer(point, np.uint8).reshape(1, 65)
    letters, starts = _addresses(kinds, points)
    return letters[0, starts[0] :].tobytes().decode("ascii")


def key_text(kind: int, point: bytes) -> str:
    """The text of a key, as the chain's software writes it."""
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return f'{{"Curvname":"{CURVES[kind]}","X":{x},"Y":{y}}}'


def is_address(text: str) -> bool:
    """Whether a text has the form of an address: 25 bytes in base58 with the check of one of the two kinds."""
    letters = ALPHABET.decode()
    if not 25 <= len(text) <= ADDRESS_WIDTH or any(letter not in letters for letter in text):
        return False
    number = 0
    for letter in text:
        number = 58 * number + letters.index(letter)
    if number >> 200 or not number >> 192:  # a first byte of zero would be a "1"
        return False
    data = np.frombuffer(number.to_bytes(25, "big"), np.uint8).reshape(1, 25)
    kind = int(data[0, 0])
    return kind in _CHECKS and bool((hash_batch(_CHECKS[kind], data[:, :21].copy())[0, :4] == data[0, 21:]).all())


_CHECKS = {P256: "sha256d", SM2: "sm3"}


def _refused(text: bytes) -> int:
    """Why a text is not that of a key: another curve is said so."""
    read = _lenient(text)
    return read if isinstance(read, int) else _MALFORMED


def _lenient(text: bytes) -> tuple[int, int, int] | int:
    """(kind, x, y) as Go's encoding/json reads it into a struct of a text and two big integers; or a verdict."""
    if len(text) > MAX_KEY_TEXT or text.count(b"{") + text.count(b"[") > 8:
        return _MALFORMED
    try:
        pairs = json.loads(text, object_pairs_hook=list, parse_int=_integer, parse_float=_no_number,
                           parse_constant=_no_json)  # fmt: skip
    except (ValueError, RecursionError):
        return _MALFORMED
    if not (isinstance(pairs, list) and all(type(pair) is tuple for pair in pairs)):
        return _MALFORMED
    found: dict[str, Any] = {"curvname": "", "x": -1, "y": -1}
    for name, value in pairs:
        if name.lower() in found and value is not None:
            if type(value) is not type(found[name.lower()]):  # also of one that another follows
                return _MALFORMED
            found[name.lower()] = value
    curve, x, y = found["curvname"], found["x"], found["y"]
    kind = next((kind for kind, name in CURVES.items() if name == curve), None)
    if kind is None:
        return _UNSUPPORTED
    if x < 0 or y < 0:
        return _MALFORMED
    return kind, x, y


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError
    return int(digits)


def _no_number(_: str) -> tuple[()]:
    """Nothing that a key has, so it is refused where that is read and ignored elsewhere."""
    return ()


def _no_json(name: str) -> None:
    """NaN and infinities, which Python reads."""
    raise ValueError(name)


def _addresses(
    kinds: NDArray[np.uint8], points: NDArray[np.uint8], threads: int | None = 1
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    n = len(kinds)
    letters, starts = np.zeros((n, ADDRESS_WIDTH), np.uint8), np.full(n, ADDRESS_WIDTH, np.int64)
    for kind, (inner, check) in {P256: ("sha256", "sha256d"), SM2: ("sm3", "sm3")}.items():
        chosen = np.flatnonzero(kinds == kind)
        if len(chosen):
            body = np.empty((len(chosen), 25), np.uint8)
            body[:, 0] = kind
            own = points if len(chosen) == n else points[chosen]
            body[:, 1:21] = hash_batch("ripemd160", hash_batch(inner, own, threads=threads), threads=threads)
            body[:, 21:] = hash_batch(check, body[:, :21], threads=threads)[:, :4]
            letters[chosen], starts[chosen] = base58(body, ALPHABET, ADDRESS_WIDTH, threads)
    return letters, starts
