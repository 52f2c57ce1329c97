"""Conflux's addresses: base32 text with the network and a checksum (CIP-37).

>>> encode(bytes.fromhex("1cde43de192a175017a6480f4933b7b7fc134c45"), 1029)
'cfx:aasr6u88dezbsya1y3ea8wkx08592e4pjy2mt07m8y'
>>> decode("CFX:TYPE.USER:AASR6U88DEZBSYA1Y3EA8WKX08592E4PJY2MT07M8Y")[1]
1029
"""

from __future__ import annotations

from pycore.base.columns import quote
from pycore.errors import InputError

NETWORKS = {1029: "cfx", 1: "cfxtest"}
TYPES = {0x0: "builtin", 0x1: "user", 0x8: "contract"}
"""High four bits of an address -> what it is."""
_ALPHABET = "abcdefghjkmnprstuvwxyz0123456789"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_GENERATORS = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_NULL = bytes(20)
_VERSION = 0  # an address of 160 bits
_SYMBOLS, _CHECKSUM = 34, 8


def encode(address: bytes, network: int) -> str:
    """20 bytes as the chain writes them. network: the chain's number."""
    if len(address) != 20:
        raise InputError("address", f"{len(address)} bytes", "20 bytes")
    prefix = prefix_of(network)
    symbols = _regroup(bytes((_VERSION,)) + address)
    check = _checksum(prefix, symbols)
    return f"{prefix}:" + "".join(_ALPHABET[one] for one in symbols + check)


def decode(text: str) -> tuple[bytes, int]:
    """The 20 bytes and the network of an address: lower or upper case, with or without its type. InputError where any
    of its parts does not fit the others."""
    wanted = "an address like cfx:aasr6u88dezbsya1y3ea8wkx08592e4pjy2mt07m8y"
    if not text.isascii() or len(text) > 90 or ":" not in text or text not in (text.lower(), text.upper()):
        raise InputError("address", quote(text), wanted)
    prefix, *middle, body = text.lower().split(":")
    symbols = [_VALUES.get(letter, -1) for letter in body]
    if len(symbols) != _SYMBOLS + _CHECKSUM or -1 in symbols or len(middle) > 1:
        raise InputError("address", quote(text), wanted)
    network = network_of(prefix)
    if _checksum(prefix, symbols[:_SYMBOLS]) != symbols[_SYMBOLS:]:
        raise InputError("address", quote(text), "a checksum that fits")
    bits = 0
    for one in symbols[:_SYMBOLS]:
        bits = bits << 5 | one
    if bits & 3:
        raise InputError("address", quote(text), "two spare bits of zero")
    data = (bits >> 2).to_bytes(21, "big")
    if data[0] != _VERSION:
        raise InputError("address", f"version {data[0]}", f"version {_VERSION}")
    address = data[1:]
    if middle and middle[0] != f"type.{type_of(address)}":
        raise InputError("address", quote(middle[0]), f"type.{type_of(address)}")
    return address, network


def type_of(address: bytes) -> str:
    """ "user", "contract", "builtin", "null", or "invalid"."""
    return "null" if address == _NULL else TYPES.get(address[0] >> 4, "invalid")


def prefix_of(network: int) -> str:
    """The text before the colon."""
    if type(network) is not int or not 0 < network < 1 << 32:
        raise InputError("network", quote(network), "a chain's number of 1 to 2^32 - 1")
    return NETWORKS.get(network, f"net{network}")


def network_of(prefix: str) -> int:
    """The network of a prefix in lower case."""
    for number, name in NETWORKS.items():
        if prefix == name:
            return number
    digits = prefix.removeprefix("net")
    if prefix.startswith("net") and digits.isdecimal() and len(digits) < 11:
        number = int(digits)
        if 0 < number < 1 << 32 and prefix_of(number) == prefix:
            return number
    raise InputError("address", quote(prefix), "cfx, cfxtest, or net and a number")


def _regroup(data: bytes) -> list[int]:
    """Bytes as groups of five bits, with zeros behind."""
    bits, spare = int.from_bytes(data, "big"), -8 * len(data) % 5
    bits, count = bits << spare, (8 * len(data) + spare) // 5
    return [bits >> 5 * (count - 1 - i) & 31 for i in range(count)]


def _checksum(prefix: str, symbols: list[int]) -> list[int]:
    state = 1
    for one in [*(ord(letter) & 31 for letter in prefix), 0, *symbols, *([0] * _CHECKSUM)]:
        top, state = state >> 35, (state & 0x07FFFFFFFF) << 5 ^ one
        for i, generator in enumerate(_GENERATORS):
            if top >> i & 1:
                state ^= generator
    state ^= 1
    return [state >> 5 * (_CHECKSUM - 1 - i) & 31 for i in range(_CHECKSUM)]
