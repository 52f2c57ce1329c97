"""Mutated blocks of FISCO BCOS 3.x, as Tars and as JSON, and every bit of proof bundles.

    python tests/fuzz/fuzz_fisco.py --seconds 10 --seed 1
    python tests/fuzz/fuzz_fisco.py --bundles

A mutated block is no block, or not valid, or says what the original said: the same hashes of the block, its
transactions and its receipts. (Signatures are outside of the hashes: on secp256k1 another one may be somebody else's.)
A bundle with a bit flipped proves nothing. A difference is printed with its bytes and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_tars import mutated

from pycore import ledgers
from pycore.errors import InputError
from pycore.ledgers.proof import Bundle, Statement, Trusted
from pycore.testing.fisco import FiscoChain, ethereum_transaction, rpc_block

LEDGER = ledgers.get("fisco-bcos")


class DifferenceError(AssertionError):
    """A mutated record passed for what it is not."""


class Sample:
    """A block, its two forms and the context that it is valid in."""

    def __init__(self, hash: str, version: int) -> None:
        chain = FiscoChain(3, hash=hash, version=version)
        more = [ethereum_transaction(1)] if version == 1 else []
        self.block = chain.block(1, transactions=3, extra=more, changes=[("setWeight", 1, 2)])
        self.context = chain.context(1, chain.genesis_hash)
        self.hash = hash
        self.digests = LEDGER.block_digests(self.block.data, hash)
        self.text = json.dumps(rpc_block(chain.block(1, transactions=3))).encode()


def mutated_text(rng: random.Random, text: bytes) -> bytes:
    """One small change of a JSON document."""
    out, at = bytearray(text), rng.randrange(len(text))
    kind = rng.randrange(4)
    if kind == 0:
        out[at] = rng.choice(b'0123456789abcdefx"{}[]:,-. ')
    elif kind == 1:
        del out[at : at + rng.randrange(1, 4)]
    elif kind == 2:
        out[at:at] = rng.choice((b'"', b"0", b"null", b"{}", b"-", b"9" * 30, b"\\u0000"))
    else:
        return bytes(out[:at])
    return bytes(out)


def look(sample: Sample, record: bytes, counts: Counter[str]) -> None:
    """Raises DifferenceError where a record passes for what it is not; any other error is one too."""
    try:
        report = LEDGER.validate_block(record, sample.context, threads=1, events=True)
    except InputError:
        counts["no block"] += 1
        return
    if not report.valid:
        counts["not valid"] += 1
        return
    counts["valid"] += 1
    if record[:1] != b"{":
        found = LEDGER.block_digests(record, sample.hash)
        same = {name: found[name] == sample.digests[name] for name in ("block_hash", "tx_root", "tx_hashes")}
        if not all(same.values()) or found["receipt_root"] not in (b"", sample.digests["receipt_root"]):
            raise DifferenceError(f"{record.hex()}: valid, with another hash")
    report.to_dict()


def run(count: int, seed: int, seconds: float | None = None) -> Counter[str]:
    """That many records; how many were no block, not valid and valid."""
    rng, counts = random.Random(seed), Counter[str]()
    samples = [Sample(hash, version) for hash in ("sm3", "keccak256") for version in (0, 1)]
    end = None if seconds is None else time.monotonic() + seconds
    for sample in samples:
        look(sample, sample.block.data, counts)
        if counts["no block"] or counts["not valid"]:
            raise DifferenceError("a block that is valid is refused")
    while sum(counts.values()) < count and (end is None or time.monotonic() < end):
        sample = rng.choice(samples)
        if rng.random() < 0.3:
            look(sample, mutated_text(rng, sample.text), counts)
        else:
            look(sample, mutated(rng, sample.block.data), counts)
    return counts


# ---- bundles ---------------------------------------------------------------------------------------------------------


def bundles(hash: str) -> Iterator[tuple[Bundle, Trusted]]:
    """A bundle of each kind, above and below the trusted block."""
    chain = FiscoChain(3, hash=hash, version=1)
    blocks = chain.run(3, transactions=4, extra=[ethereum_transaction(i, kind=i) for i in range(4)])
    trusted = Trusted("fisco-bcos", "chain0/group0", 2, blocks[1].hash, chain.context(rules="compatible"))
    for kind, index in (("header", 0), ("transaction", 2), ("transaction", 6), ("receipt", 4), ("event", 5)):
        for at in (2, 0):
            sources: dict[str, Any] = {"block": blocks[at].data}
            sources |= {} if kind == "header" else {"index": index}
            sources |= {"headers": [blocks[1].header.encode()]} if at == 0 else {}
            yield LEDGER.proofs.make(sources, Statement(kind), trusted), trusted  # type: ignore[attr-defined]


def flipped(bundle: Bundle) -> Iterator[Bundle]:
    """The bundle with each bit of its bytes flipped."""

    def every(data: bytes) -> Iterator[bytes]:
        for bit in range(8 * len(data)):
            yield data[: bit // 8] + bytes((data[bit // 8] ^ 1 << bit % 8,)) + data[bit // 8 + 1 :]

    for i, header in enumerate(bundle.headers):
        for data in every(header):
            yield replace(bundle, headers=(*bundle.headers[:i], data, *bundle.headers[i + 1 :]))
    for data in every(bundle.statement.item):
        yield replace(bundle, statement=replace(bundle.statement, item=data))
    nodes = bundle.inclusion.nodes
    for i, node in enumerate(nodes):
        for data in every(node):
            yield replace(bundle, inclusion=replace(bundle.inclusion, nodes=(*nodes[:i], data, *nodes[i + 1 :])))


def try_bundles() -> int:
    """How many bundles with a flipped bit were tried. DifferenceError where one proves something."""
    tried = 0
    for hash in ("sm3", "keccak256"):
        for bundle, trusted in bundles(hash):
            rules = LEDGER.proofs  # type: ignore[attr-defined]
            if not all(check.ok for check in rules.check(bundle, trusted).checks):
                raise DifferenceError(f"{bundle}: a bundle that holds is refused")
            for one in flipped(bundle):
                tried += 1
                if all(check.ok for check in rules.check(one, trusted).checks):
                    raise DifferenceError(f"{one}: proves something, of {bundle}")
    return tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--records", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundles", action="store_true", help="every bit of a bundle of each kind")
    arguments = parser.parse_args()
    try:
        if arguments.bundles:
            print(f"{try_bundles()} bundles with a bit flipped: none proves anything")
            return 0
        counts = run(arguments.records, arguments.seed, arguments.seconds)
    except DifferenceError as difference:
        print(f"seed {arguments.seed}: {difference}", file=sys.stderr)
        return 1
    print(f"FISCO BCOS 3.x: {dict(counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
