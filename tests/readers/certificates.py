"""Just enough DER to take signed objects apart: X.509 certificates (RFC 5280) and requests (RFC 2986)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

SM2_WITH_SM3 = bytes.fromhex("06082a811ccf55018375")  # OBJECT IDENTIFIER 1.2.156.10197.1.501


def tlv(data: bytes, start: int = 0) -> tuple[int, bytes, bytes, int]:
    """(tag, contents, the whole element, where the next begins)."""
    length, head = data[start + 1], start + 2
    if length >= 0x80:
        size = length & 0x7F
        length, head = int.from_bytes(data[head : head + size], "big"), head + size
    end = head + length
    assert end <= len(data)
    return data[start], data[head:end], data[start:end], end


def children(contents: bytes) -> list[tuple[int, bytes, bytes]]:
    found, start = [], 0
    while start < len(contents):
        tag, inner, whole, start = tlv(contents, start)
        found.append((tag, inner, whole))
    return found


def bit_string(contents: bytes) -> bytes:
    assert contents[0] == 0
    return contents[1:]


@dataclass(frozen=True)
class Signed:
    """A signed object: what is signed, by whom, and the key inside."""

    name: str
    tbs: bytes
    algorithm: bytes
    signature: bytes
    issuer: bytes
    subject: bytes
    public_key: bytes


def _signed(name: str, data: bytes, request: bool) -> Signed:
    body, algorithm, signature = children(tlv(data)[1])
    fields = [field for field in children(body[1]) if field[0] != 0xA0]  # version [0] of a certificate
    if request:
        _, subject, key = fields[:3]
        issuer = subject
    else:
        _, _, issuer, _, subject, key = fields[:6]
    point = bit_string(children(key[1])[1][1])
    return Signed(name, body[2], children(algorithm[1])[0][2], bit_string(signature[1]), issuer[2], subject[2], point)


def read(path: Path) -> list[Signed]:
    """Every certificate and certificate request of a PEM file."""
    blocks = re.findall(r"-----BEGIN (CERTIFICATE(?: REQUEST)?)-----(.*?)-----END", path.read_text(), re.DOTALL)
    return [_signed(path.name, base64.b64decode(body), kind.endswith("REQUEST")) for kind, body in blocks]


def private_key_point(pem: str) -> bytes:
    """The public key inside a PKCS #8 EC private key (RFC 5915 carries it as [1])."""
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    octets = children(tlv(der)[1])[2][1]
    (public,) = [inner for tag, inner, _ in children(tlv(octets)[1]) if tag == 0xA1]
    return bit_string(tlv(public)[1])
