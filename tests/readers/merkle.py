"""transparency-dev's inclusion and consistency cases, one JSON file each, and two files of roots."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path


def _bytes(value: str | None) -> bytes:
    return base64.b64decode(value or "")


@dataclass(frozen=True)
class Inclusion:
    label: str
    root: bytes
    leaf_hash: bytes
    proof: list[bytes]
    index: int
    leaf_count: int
    valid: bool

    @property
    def well_formed(self) -> bool:
        """Every digest has 32 bytes."""
        return {len(self.root), len(self.leaf_hash), *map(len, self.proof)} == {32}


@dataclass(frozen=True)
class Consistency:
    label: str
    root_m: bytes
    root_n: bytes
    proof: list[bytes]
    m: int
    n: int
    valid: bool


def inclusions(folder: Path) -> list[Inclusion]:
    rows = []
    for path in sorted(folder.rglob("*.json")):
        row = json.loads(path.read_text())
        rows.append(
            Inclusion(
                str(path.relative_to(folder)),
                _bytes(row["root"]),
                _bytes(row["leafHash"]),
                [_bytes(part) for part in row["proof"] or ()],
                row["leafIdx"],
                row["treeSize"],
                not row["wantErr"],
            )
        )
    return rows


def subtree_inclusions(folder: Path) -> list[Inclusion]:
    """Those of a whole tree, start = 0: the leaf at leafIdx of a tree of `end` leaves."""
    rows = []
    for path in sorted(folder.rglob("*.json")):
        row = json.loads(path.read_text())
        if row["start"] == 0:
            proof = [_bytes(part) for part in row["proof"] or ()]
            label = str(path.relative_to(folder))
            root, leaf = _bytes(row["root"]), _bytes(row["leafHash"])
            rows.append(Inclusion(label, root, leaf, proof, row["leafIdx"], row["end"], not row["wantErr"]))
    return rows


def consistencies(folder: Path) -> list[Consistency]:
    rows = []
    for path in sorted(folder.rglob("*.json")):
        row = json.loads(path.read_text())
        proof = [_bytes(part) for part in row["proof"] or ()]
        label, roots = str(path.relative_to(folder)), (_bytes(row["root1"]), _bytes(row["root2"]))
        rows.append(Consistency(label, *roots, proof, row["size1"], row["size2"], not row["wantErr"]))
    return rows
