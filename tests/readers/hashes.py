"""Hash files: NIST .rsp (and what has its form), OpenSSL-style evp text, openHiTLS .data, bit strings, BLAKE's JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

Digests = list[tuple[str, bytes, bytes]]  # (label, message, digest)


def rsp(path: Path) -> Digests:
    """``Len = bits``, ``Msg = hex``, ``MD = hex``. Len = 0 still prints a Msg of one byte."""
    rows: Digests = []
    now: dict[str, str] = {}
    for line in path.read_text().splitlines():
        name, found, value = (part.strip() for part in line.partition("="))
        if not found or line.startswith(("#", "[")):
            continue
        now[name] = value
        if name == "MD":
            bits = int(now["Len"])
            assert bits % 8 == 0
            rows.append((f"Len = {bits}", bytes.fromhex(now["Msg"])[: bits // 8], bytes.fromhex(value)))
    return rows


def monte(path: Path) -> tuple[bytes, list[bytes]]:
    """Seed and the checkpoints of a Monte Carlo file (SHAVS, section 6.4; SHA3VS, section 6.2.3)."""
    text = path.read_text()
    seed = re.search(r"^Seed = (\w+)", text, re.MULTILINE)
    assert seed
    return bytes.fromhex(seed[1]), [bytes.fromhex(digest) for digest in re.findall(r"^MD = (\w+)", text, re.MULTILINE)]


def monte_steps(path: Path) -> Digests:
    """The spelled-out inner steps that the .txt form of a Monte Carlo file prints: ``M = hex``, ``MDi = hex``."""
    pairs = re.findall(r"^\s*M = (\w+)\s*\n\s*MDi = (\w+)", path.read_text(), re.MULTILINE)
    return [(f"step {i}", bytes.fromhex(m), bytes.fromhex(digest)) for i, (m, digest) in enumerate(pairs)]


def extremely_long(path: Path) -> tuple[bytes, int, bytes]:
    """(text, times it is repeated, digest)."""
    values = dict(re.findall(r"^(\w+) = (\w+)", path.read_text(), re.MULTILINE))
    return values["Text"].encode(), int(values["Repeat"]), bytes.fromhex(values["MD"])


def evp_value(text: str) -> bytes:
    """A quoted string or hex."""
    return text[1:-1].encode() if text.startswith('"') else bytes.fromhex(text)


def evp_blocks(path: Path) -> list[list[tuple[str, str]]]:
    """Blocks of ``Name = value`` separated by blank lines; PEM bodies and comments are left out."""
    blocks: list[list[tuple[str, str]]] = [[]]
    for line in path.read_text().splitlines():
        name, found, value = line.partition("=")
        if not line.strip():
            blocks.append([])
        elif found and not line.startswith(("#", "-----")) and re.fullmatch(r"\w+ *", name):
            blocks[-1].append((name.strip(), value.strip()))
    return [block for block in blocks if block]


def evp_digests(path: Path, names: dict[str, str]) -> dict[str, Digests]:
    """pycore hash name -> cases. `names` maps lower-case evp names. ``Ncopy`` repeats the piece, ``Count`` the update.

    A block may feed several Inputs, each with its own Ncopy and Count; the message is all of them in order.
    """
    found: dict[str, Digests] = {}
    for block in evp_blocks(path):
        if block[0][0] == "Availablein":
            block = block[1:]
        if not block or block[0][0] != "Digest" or block[0][1].lower() not in names:
            continue
        pieces: list[list[bytes | int]] = []
        expected = None
        for name, value in block[1:]:
            if name == "Input":
                pieces.append([evp_value(value), 1, 1])
            elif name == "Ncopy":
                pieces[-1][1] = int(value)
            elif name == "Count":
                pieces[-1][2] = int(value)
            elif name == "Output":
                expected = evp_value(value)
        if expected is None:
            continue
        message = b"".join(piece * copies * count for piece, copies, count in pieces)  # type: ignore[operator]
        row = (f"{block[0][1]}, {len(message)} bytes", message, expected)
        found.setdefault(names[block[0][1].lower()], []).append(row)
    return found


def openhitls_sm3(path: Path) -> Digests:
    """Every line whose last quoted value is a digest: the values before it are the pieces of the message."""
    rows: Digests = []
    for line in path.read_text().splitlines():
        name, _, arguments = line.partition(":")
        values = [bytes.fromhex(value) for value in re.findall(r'"([0-9A-Fa-f]*)"', arguments)]
        if values and len(values[-1]) == 32:
            rows.append((name, b"".join(values[:-1]), values[-1]))
    return rows


def bit_strings(path: Path, title: str) -> Digests:
    """NIST's FIPS 202 samples: messages as bits, first bit of a byte least significant. Those of whole bytes."""
    rows: Digests = []
    for sample in re.split(r"^(?=\S+ sample of)", path.read_text(), flags=re.MULTILINE):
        if not sample.startswith(f"{title} sample of"):
            continue
        body, _, digest = sample.partition("Hash val is")
        bits = [int(bit) for bit in re.findall(r"^    ((?:[01] ?)+)$", body, re.MULTILINE) for bit in bit.split()]
        assert f"{title} sample of {len(bits)}-bit message" in body
        if len(bits) % 8 == 0:
            message = bytes(sum(bit << i for i, bit in enumerate(bits[j : j + 8])) for j in range(0, len(bits), 8))
            rows.append((f"{len(bits)} bits", message, bytes.fromhex(digest)))
    return rows


def blake2_kat(path: Path, name: str) -> Digests:
    """The BLAKE2 authors' JSON: the rows of one function without a key."""
    rows = [row for row in json.loads(path.read_text(encoding="utf-8")) if row["hash"] == name and not row["key"]]
    return [(f"row {i}", bytes.fromhex(row["in"]), bytes.fromhex(row["out"])) for i, row in enumerate(rows)]


def blake3_vectors(path: Path) -> Digests:
    """The BLAKE3 authors' JSON: inputs are a pattern of period 251, digests the first 32 bytes of the output."""
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    sizes = [case["input_len"] for case in cases]
    pattern = bytes(range(251)) * (max(sizes) // 251 + 1)
    return [
        (f"{size} bytes", pattern[:size], bytes.fromhex(case["hash"])[:32])
        for size, case in zip(sizes, cases, strict=True)
    ]
