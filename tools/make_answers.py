"""Write tests/vectors/cometbft: the answers of a node of a test chain, which docs/guides/consensus.md works on.

    python tools/make_answers.py            write the files
    python tools/make_answers.py --check    fail if a file on disk differs, is missing or is one too many

`commit-H.json` and `validators-H.json` (and `validators-H-2.json`, its second page) are the answers to /commit and
/validators at height H; `block-104.json`, `tx-104.json` and `query-108.json` those to /block, /tx with a proof and
/abci_query with a proof. The private keys follow from a seed, and the same bytes come out everywhere.
"""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pycore.ledgers.cometbft.messages import LightBlock  # noqa: E402
from pycore.testing import cometbft_json  # noqa: E402
from pycore.testing.cometbft import Chain  # noqa: E402
from pycore.testing.cometbft_light import resigned  # noqa: E402
from pycore.testing.ics23 import ProvenTree, proof_ops, store_tree  # noqa: E402

TARGET = ROOT / "tests" / "vectors" / "cometbft"
FIRST, BLOCKS = 100, 10
STORES = {
    "bank": ProvenTree("iavl", {b"balances/alice": b"100", b"balances/bob": b"7", b"supply": b"107"}),
    "gov": ProvenTree("iavl", {b"params": b"{}"}),
}
"""The application's state after block 108, whose hash header 109 has."""


def build() -> dict[str, str]:
    """Every file: the same on every run."""
    chain = Chain(
        blocks=BLOCKS, validators=6, seed=2026, replaced=1, first_height=FIRST, chain_id="guide-1", transactions=5
    )
    blocks: dict[int, LightBlock] = {FIRST + i: chain.light_block(i) for i in range(BLOCKS)}
    last = FIRST + BLOCKS - 1
    blocks[last] = resigned(
        blocks[last].signed_header.header, chain.signers[-2], chain.signers[-1], changes={"app_hash": _state().root}
    )
    files: dict[str, str] = {}
    for height, block in blocks.items():
        files[f"commit-{height}.json"] = cometbft_json.commit_answer(block.signed_header)
        pages = cometbft_json.validators_answers(block.validators.validators, height, per_page=4)
        for number, page in enumerate(pages, 1):
            files[f"validators-{height}{f'-{number}' if number > 1 else ''}.json"] = page
    at = 104 - FIRST
    files["block-104.json"] = cometbft_json.block_answer(chain.blocks[at], chain.block_ids[at])
    files["tx-104.json"] = cometbft_json.tx_answer(chain.tx_proof(at, 3), 104)
    files["query-108.json"] = query_answer(b"balances/alice", "bank", 108)
    return {name: text + "\n" for name, text in files.items()}


def _state() -> ProvenTree:
    return store_tree(STORES)


def query_answer(key: bytes, store: str, height: int) -> str:
    """The reply of /abci_query with a proof."""

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    value = b"100"
    ops = [
        {"type": one.type, "key": encoded(one.key), "data": encoded(one.data)}
        for one in proof_ops(STORES, store, key).ops
    ]
    response: dict[str, Any] = {
        "code": 0, "log": "", "info": "", "index": "0", "key": encoded(key), "value": encoded(value),
        "proofOps": {"ops": ops}, "height": str(height), "codespace": "",
    }  # fmt: skip
    return cometbft_json.reply({"response": response})


def main() -> int:
    """Write the files, or with --check compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if a file on disk differs")
    check = parser.parse_args().check
    files = build()
    found = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*")}
    stale = sorted(name for name in files.keys() | found.keys() if files.get(name) != found.get(name))
    if check:
        for name in stale:
            print(f"stale: tests/vectors/cometbft/{name}; run python tools/make_answers.py")
        return 1 if stale else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in files:
            (TARGET / name).write_text(files[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()
    print(f"tests/vectors/cometbft: {len(files)} files, {len(stale)} changed, {sum(map(len, files.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
