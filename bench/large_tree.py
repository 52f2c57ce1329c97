"""A Merkle tree of 10^8 leaves in bounded memory: its root, one proof, the time and the peak of resident memory.

    python -m bench.large_tree [LEAVES] [--tree rfc9162] [--hash sha256] [--file PATH]

Leaves are generated on the fly, leaf i being i as 32 bytes, or mapped from a file of 32-byte leaves. The proof is
checked by itself, and the resident memory is the kernel's own figure (ru_maxrss), interpreter and libraries included.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pycore

CHUNK = 1 << 18


def counted(n: int) -> Iterator[NDArray[np.uint8]]:
    """Leaves 0 to n - 1, big-endian numbers of 32 bytes, a chunk at a time in one buffer."""
    chunk = np.zeros((CHUNK, 32), dtype=np.uint8)
    last = chunk.reshape(-1, 8)[3::4]
    for first in range(0, n, CHUNK):
        count = min(CHUNK, n - first)
        last[:count] = np.arange(first, first + count, dtype=">u8").view(np.uint8).reshape(-1, 8)
        yield chunk[:count]


def mapped(path: str) -> Iterator[NDArray[np.uint8]]:
    """The leaves of a file, mapped; each chunk's pages can be let go when the next is read."""
    leaves = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, 32)
    for first in range(0, len(leaves), CHUNK):
        yield np.memmap(path, np.uint8, "r", 32 * first, (min(CHUNK, len(leaves) - first), 32))


def main() -> None:
    """Build, prove, check, print."""
    parser = argparse.ArgumentParser(description="Merkle root and one proof of very many leaves.")
    parser.add_argument("leaves", nargs="?", type=int, default=10**8)
    parser.add_argument("--tree", default="rfc9162")
    parser.add_argument("--hash", default=None)
    parser.add_argument("--file", default=None, help="32-byte leaves; default: generated")
    parser.add_argument("--index", type=int, default=None, help="leaf to prove; default: two thirds of the way")
    arguments = parser.parse_args()
    options: dict[str, Any] = {"tree": arguments.tree, "hash": arguments.hash}
    index = 2 * arguments.leaves // 3 if arguments.index is None else arguments.index
    chunks = mapped(arguments.file) if arguments.file else counted(arguments.leaves)
    start, used = time.perf_counter(), time.process_time()
    done = pycore.merkle_stream(chunks, indices=[index], **options)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    leaf = (
        bytes(np.memmap(arguments.file, np.uint8, "r", 32 * index, 32)) if arguments.file else index.to_bytes(32, "big")
    )
    proof = done.proof(index)
    pycore.verify_inclusion(done.root, leaf, proof, index=index, leaf_count=done.leaf_count, **options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"tree       {done.tree}, {done.hash}, {done.leaf_count:,} leaves of 32 bytes")
    print(f"root       {done.root.hex()}")
    print(f"proof      of leaf {index:,}: {len(proof)} siblings, verified")
    print(f"time       {seconds:.1f} s, {cpu:.1f} s of CPU, {done.leaf_count / cpu / 1e6:.2f} M leaves per CPU second")
    print(f"memory     {peak / 1024:,.0f} MiB resident at most, {len(done.to_bytes()):,} bytes of state")


if __name__ == "__main__":
    main()
