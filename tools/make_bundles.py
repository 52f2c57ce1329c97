"""Write tests/vectors/bundles: proof bundles of every chain and kind, with the states that trust them.

    python tools/make_bundles.py            write the files
    python tools/make_bundles.py --check    fail if a file on disk differs, is missing or is one too many

Each bundle is `CHAIN-NAME.bundle`, the state `CHAIN-NAME.trusted.json`, what it proves `CHAIN-NAME.facts.json`.
They are made of generated test chains: the private keys follow from a seed, and the same bytes come out everywhere.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pycore import bundle  # noqa: E402
from pycore.testing.bundles import (  # noqa: E402
    BundleSample,
    bif_bundles,
    chainmaker_bundles,
    cometbft_bundles,
    ethereum_bundles,
    fabric_bundles,
    fisco_bundles,
    xuper_bundles,
)

TARGET = ROOT / "tests" / "vectors" / "bundles"
CHAINS: dict[str, Callable[[], Iterator[BundleSample]]] = {
    "bif": bif_bundles,
    "chainmaker": chainmaker_bundles,
    "cometbft": cometbft_bundles,
    "ethereum": ethereum_bundles,
    "fabric": fabric_bundles,
    "fisco-bcos": fisco_bundles,
    "xuperchain": xuper_bundles,
}
"""Chain -> its samples. Every chain that has `proofs` has a line here."""


def build() -> dict[str, bytes]:
    """Every file: the same on every run."""
    files: dict[str, bytes] = {}
    for chain, samples in CHAINS.items():
        for sample in samples():
            made = bundle.make(chain, sample.sources, sample.statement, sample.trusted)
            report = bundle.verify(made, sample.trusted)
            if not report.proven:
                raise SystemExit(f"{chain}-{sample.name} is not proven: {[str(c) for c in report if not c.ok]}")
            name = f"{chain}-{sample.name}"
            files[f"{name}.bundle"] = bundle.to_bytes(made)
            files[f"{name}.trusted.json"] = (bundle.trusted_to_json(sample.trusted) + "\n").encode()
            files[f"{name}.facts.json"] = (json.dumps(report.facts, indent=2, ensure_ascii=False) + "\n").encode()
    return files


def main() -> int:
    """Write the files, or with --check compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if a file on disk differs")
    check = parser.parse_args().check
    files = build()
    found = {path.name: path.read_bytes() for path in TARGET.glob("*")}
    stale = sorted(name for name in files.keys() | found.keys() if files.get(name) != found.get(name))
    if check:
        for name in stale:
            print(f"stale: tests/vectors/bundles/{name}; run python tools/make_bundles.py")
        return 1 if stale else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in files:
            (TARGET / name).write_bytes(files[name])
        else:
            (TARGET / name).unlink()
    print(f"tests/vectors/bundles: {len(files)} files, {len(stale)} changed, {sum(map(len, files.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
