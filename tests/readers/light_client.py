"""Ethereum light-client updates (consensus specifications, minimal preset): raw Snappy, SSZ layouts and their roots.

Roots are computed here by plain hashlib, field by field, so that branches are checked against something else than the
code under test.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

COMMITTEE = 32  # validators of a sync committee of the minimal preset
ZERO = bytes(32)


def snappy(data: bytes) -> bytes:
    """The raw format: a length, then literals and copies."""
    size, at = _varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = (tag >> 2) + 1
            if length > 60:
                extra = length - 60
                length = int.from_bytes(data[at : at + extra], "little") + 1
                at += extra
            out += data[at : at + length]
            at += length
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def h(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()


def merkleize(chunks: list[bytes]) -> bytes:
    level = list(chunks) or [ZERO]
    while len(level) & (len(level) - 1):
        level.append(ZERO)
    while len(level) > 1:
        level = [h(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def chunked(data: bytes) -> list[bytes]:
    return [data[i : i + 32].ljust(32, b"\0") for i in range(0, len(data), 32)]


def key_root(key: bytes) -> bytes:
    return merkleize(chunked(key))


def committee_root(data: bytes) -> bytes:
    keys = [data[i : i + 48] for i in range(0, 48 * COMMITTEE, 48)]
    return h(merkleize([key_root(key) for key in keys]), key_root(data[48 * COMMITTEE :]))


@dataclass(frozen=True)
class Header:
    """A LightClientHeader of Deneb or Electra."""

    beacon: bytes
    execution: bytes
    execution_branch: list[bytes]

    @property
    def state_root(self) -> bytes:
        return self.beacon[48:80]

    @property
    def body_root(self) -> bytes:
        return self.beacon[80:112]

    @property
    def beacon_root(self) -> bytes:
        fields = [self.beacon[0:8], self.beacon[8:16]]
        fields += [self.beacon[at : at + 32] for at in (16, 48, 80)]
        return merkleize([field.ljust(32, b"\0") for field in fields])

    @property
    def execution_root(self) -> bytes:
        """Of an ExecutionPayloadHeader: 17 fields, extra_data of variable length the eleventh."""
        sizes = [32, 20, 32, 32, 256, 32, 8, 8, 8, 8, 4, 32, 32, 32, 32, 8, 8]
        chunks, at = [], 0
        for number, size in enumerate(sizes):
            field = self.execution[at : at + size]
            at += size
            if number == 10:
                extra = self.execution[int.from_bytes(field, "little") :]
                chunks.append(h(extra.ljust(32, b"\0"), len(extra).to_bytes(32, "little")))
            else:
                chunks.append(merkleize(chunked(field)))
        return merkleize(chunks)

    @classmethod
    def parse(cls, data: bytes) -> Header:
        assert int.from_bytes(data[112:116], "little") == 244
        return cls(data[:112], data[244:], [data[at : at + 32] for at in range(116, 244, 32)])


@dataclass(frozen=True)
class Branch:
    """A claim: below `root`, at generalized index `index`, is `leaf`."""

    label: str
    root: bytes
    leaf: bytes
    branch: list[bytes]
    index: int


def _split(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    return [data[i : i + 32] for i in range(0, 32 * count, 32)], data[32 * count :]


def branches(folder: Path) -> list[Branch]:
    """Every branch of every bootstrap and update below a folder of one fork; branches of zeros are absent ones."""
    electra = "electra" in folder.name
    current_index, next_index, finality_index = (86, 87, 169) if electra else (54, 55, 105)
    depth = next_index.bit_length() - 1
    rows: list[Branch] = []
    for path in sorted(folder.rglob("*.ssz_snappy")):
        data, label = snappy(path.read_bytes()), f"{path.parent.name}/{path.name}"
        header_at, rest = int.from_bytes(data[:4], "little"), data[4:]
        committee, rest = rest[: 48 * (COMMITTEE + 1)], rest[48 * (COMMITTEE + 1) :]
        branch, rest = _split(rest, depth)
        if path.name.startswith("bootstrap"):
            headers = [Header.parse(data[header_at:])]
            rows.append(Branch(label, headers[0].state_root, committee_root(committee), branch, current_index))
        elif path.name.startswith("update"):
            finalized_at = int.from_bytes(rest[:4], "little")
            finality, _ = _split(rest[4:], depth + 1)
            attested, finalized = Header.parse(data[header_at:finalized_at]), Header.parse(data[finalized_at:])
            headers = [attested]
            if any(map(any, branch)):
                rows.append(Branch(label, attested.state_root, committee_root(committee), branch, next_index))
            if any(map(any, finality)):
                leaf = finalized.beacon_root if any(finalized.beacon) else ZERO
                rows.append(Branch(label, attested.state_root, leaf, finality, finality_index))
                headers += [finalized] if any(finalized.beacon) else []
        else:
            continue
        rows += [Branch(label, one.body_root, one.execution_root, one.execution_branch, 25) for one in headers]
    return rows
