"""The one real block that the demo shows, read from the published vectors if they are present."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycore.ledgers.chainmaker import ChainContext

REAL_HEIGHT = 2


@dataclass(frozen=True, slots=True)
class RealBlock:
    """A block that a real chain made, and what is known about that chain."""

    path: Path
    data: bytes
    context: ChainContext


def find_real_block() -> RealBlock | None:
    """The real block of height 2 from ``$PYCORE_VECTORS`` or ``../shared/vectors``; None when the vectors are not
    there."""
    given = os.environ.get("PYCORE_VECTORS")
    beside = Path(__file__).resolve().parents[3] / "shared" / "vectors"
    for root in [Path(given)] if given else [beside, Path("../shared/vectors")]:
        path = root / "chainmaker" / "real_blocks.json"
        if path.is_file():
            return read_real_block(path)
    return None


def read_real_block(path: Path) -> RealBlock:
    """The block of height 2 of a ``real_blocks.json``, with a context of all that the file tells about its chain."""
    import pycore

    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    blocks = {one["height"]: one for one in document["blocks"]}
    real = blocks[REAL_HEIGHT]
    # Four validators; the certificate of a block holds three votes, so both blocks are needed to learn all four.
    votes = [vote for block in blocks.values() for vote in block["votes"]]
    nodes = {vote["voter"]: vote["cert_pem"] for vote in votes}
    context = ChainContext(
        chain_id="chain1",
        hash=real["chain_hash"],
        consensus="tbft",
        certificates={_certificate_hash(pycore, real["sender_cert_pem"], real["chain_hash"]): real["sender_cert_pem"]},
        validators=tuple(sorted(nodes)),
        nodes=nodes,
        height=real["height"],
        previous_block_hash=bytes.fromhex(real["pre_block_hash"]),
        rw_sets=tuple(bytes.fromhex(one) for one in real["rwsets_hex"]),
    )
    return RealBlock(path, bytes.fromhex(real["block_hex"]), context)


def _certificate_hash(pycore: Any, pem: str, chain_hash: str) -> str:
    from asn1crypto import pem as armour

    _, _, certificate = armour.unarmor(pem.encode())
    name = {"SHA256": "sha256", "SM3": "sm3", "SHA3_256": "sha3-256"}[chain_hash]
    digest: bytes = pycore.hash(name, certificate)
    return digest.hex()
