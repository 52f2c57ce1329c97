"""Base58 with the alphabet of Xinghuo and BUMO: Bitcoin's with the two cases of B and of U exchanged.

Source: BIF-Core-SDK-Go, utils/base/base58.go. There is no checksum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ALPHABET = "123456789AbCDEFGHJKLMNPQRSTuVWXYZaBcdefghijkmnopqrstUvwxyz"
MAX_TEXT = 256
"""Characters that are decoded: the work grows with the square of their count."""

_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_LETTERS = np.frombuffer(ALPHABET.encode(), np.uint8)
_LIMB = 58**5  # digits that one division gives, within 32 bits
_LIMB_DIGITS = 5


def encode(data: bytes) -> str:
    """Bytes as text; each leading zero byte is a "1".

    >>> encode(b"\\0\\x01\\x02")
    '15T'
    """
    number = int.from_bytes(data, "big")
    letters = []
    while number:
        number, digit = divmod(number, 58)
        letters.append(ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(letters))


def decode(text: str) -> bytes | None:
    """The bytes of a text; None where it has another letter, or more than MAX_TEXT of them.

    >>> decode("15T"), decode("0")
    (b'\\x00\\x01\\x02', None)
    """
    if len(text) > MAX_TEXT:
        return None
    number = 0
    for letter in text:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = 58 * number + value
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_rows(rows: NDArray[np.uint8], head: str = "") -> list[str]:
    """:func:`encode` of each row of uint8 (n, width), with `head` in front, all at once: long division over 32-bit
    limbs."""
    n, width = rows.shape
    words = -(-width // 4)
    padded = np.zeros((n, 4 * words), np.uint8)
    padded[:, 4 * words - width :] = rows
    limbs = np.ascontiguousarray(padded.view(">u4").astype(np.uint64).T)
    rounds = -(-8 * width // 29)  # 58^5 has more than 29 bits
    digits = np.empty((n, _LIMB_DIGITS * rounds), np.uint8)
    for place in range(rounds, 0, -1):
        rest = np.zeros(n, np.uint64)
        for limb in limbs:
            rest = (rest << np.uint64(32)) | limb
            quotient = rest // np.uint64(_LIMB)
            rest -= quotient * np.uint64(_LIMB)
            limb[:] = quotient
        for column in range(_LIMB_DIGITS * place - 1, _LIMB_DIGITS * (place - 1) - 1, -1):
            higher = rest // np.uint64(58)
            digits[:, column] = rest - higher * np.uint64(58)
            rest = higher
    size = digits.shape[1]
    lead = np.where(digits.any(axis=1), (digits != 0).argmax(axis=1), size)  # digits that are left out
    zeros = np.where(rows.any(axis=1), (rows != 0).argmax(axis=1), width)  # leading zero bytes, a "1" each
    text = _LETTERS[digits].tobytes().decode("ascii")
    places = zip(lead.tolist(), zeros.tolist(), strict=True)
    heads = [head + "1" * more for more in range(width + 1)]
    return [heads[more] + text[i * size + skip : (i + 1) * size] for i, (skip, more) in enumerate(places)]
