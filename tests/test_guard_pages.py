"""The kernels read what a column says and not a byte more.

Inputs end right before a page that may not be touched, or begin right after one: an over-read ends the
process. It runs in a separate process, so that a crash is a failed test and not the end of the run.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = r"""
import ctypes, mmap, sys
import numpy as np
import pycore
from pycore.testing import generate_signatures

libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
PAGE, keep = mmap.PAGESIZE, []

def guarded(data, *, at_end):
    '''The same bytes, touching a forbidden page on one side.'''
    flat = np.ascontiguousarray(data, np.uint8).reshape(-1)
    size = -(-max(flat.size, 1) // PAGE) * PAGE
    memory = mmap.mmap(-1, size + 2 * PAGE)
    keep.append(memory)
    view = np.frombuffer(memory, np.uint8)
    base = view.ctypes.data
    inside = view[PAGE : PAGE + size]
    part = inside[size - flat.size :] if at_end else inside[: flat.size]
    part[:] = flat
    for page in (base, base + PAGE + size):
        assert libc.mprotect(page, PAGE, 0) == 0, ctypes.get_errno()
    return part.reshape(np.shape(data))

if sys.argv[1:] == ["touch"]:
    part = guarded(np.zeros(8, np.uint8), at_end=True)
    ctypes.string_at(part.ctypes.data, 9)

count = 0
for at_end in (False, True):
    for name, row in pycore.HASHES.items():
        block = row.block_size
        around = [block - 17, block - 9, block - 8, block - 1, block, block + 1, 2 * block, 3 * block + 5]
        for width in [0, 1, 3, 31, 32, 33, *around]:
            for n in (1, 2, 3, 7, 8, 9, 16, 17):
                plain = np.arange(n * width, dtype=np.uint8).reshape(n, width)
                wanted = pycore.hash_batch(name, plain.copy(), threads=1)
                rows = guarded(plain, at_end=at_end)
                assert (pycore.hash_batch(name, rows, threads=1) == wanted).all()
                ends = np.arange(n + 1) * width
                assert (pycore.hash_batch(name, (rows.reshape(-1), ends), threads=1) == wanted).all()
                assert (pycore.hash_batch(name, rows[::-1], threads=1) == wanted[::-1]).all()
                count += 1
        keep.clear()
    for scheme, row in pycore.SCHEMES.items():
        for n in (1, 2, 9):
            for size in (0, 1, 55, 64, 129):
                columns = generate_signatures(scheme, n, message_size=size, seed=n)
                keys, signatures, messages = (guarded(column, at_end=at_end) for column in columns)
                assert pycore.verify_batch(scheme, keys, signatures, messages, threads=1).all_valid
                keyset = pycore.KeySet(scheme, keys)
                assert keyset.verify_batch(range(n), signatures, messages, threads=1).all_valid
                for cut in range(0, keys.shape[1], 7):  # malformed items are read no further either
                    flat = keys.reshape(-1)[cut:] if at_end else keys.reshape(-1)[: keys.size - cut]
                    ends = np.linspace(0, flat.size, n + 1).astype(np.int64)
                    pycore.verify_batch(scheme, (flat, ends), signatures, messages, threads=1)
                    pycore.KeySet(scheme, (flat, ends))
                for cut in range(0, 64, 7):
                    flat = signatures.reshape(-1)[cut:] if at_end else signatures.reshape(-1)[: 64 * n - cut]
                    ends = np.linspace(0, flat.size, n + 1).astype(np.int64)
                    pycore.verify_batch(scheme, keys, (flat, ends), messages, threads=1)
                    if row.takes_der:
                        pycore.verify_batch(scheme, keys, (flat, ends), messages, encoding="der", threads=1)
                        lying = guarded(np.frombuffer(b"\x30\x44\x02\x20" + bytes(8), np.uint8), at_end=at_end)
                        for length in range(13):
                            part = lying[12 - length :] if at_end else lying[:length]
                            for rules in ("strict", "trailing", "go"):
                                pycore.verify_batch(
                                    scheme, keys[:1], (part, np.array([0, len(part)])), messages[:1],
                                    encoding="der", der_rules=rules, threads=1,
                                )
                count += 1
                keep.clear()
    keys, signatures, messages = generate_signatures("ecdsa-secp256k1", 9, seed=3)
    recoverable = guarded(np.concatenate([signatures, np.zeros((9, 1), np.uint8)], axis=1), at_end=at_end)
    digests = guarded(pycore.hash_batch("sha256", messages), at_end=at_end)
    pycore.recover_batch("ecdsa-secp256k1", recoverable, digests, threads=1)
    for tree in pycore.TREES:
        for n in (1, 2, 3, 8, 9, 33):
            leaves = guarded(pycore.hash_batch("sha256", [b"%d" % i for i in range(n)]), at_end=at_end)
            built = pycore.MerkleTree(leaves, tree=tree, threads=1)
            proofs = built.proofs(range(n))
            flat = guarded(np.frombuffer(b"".join(proofs), np.uint8), at_end=at_end)
            found = pycore.verify_inclusion_batch(
                built.root, leaves, (flat, proofs.offsets), index=range(n), leaf_count=n, tree=tree
            )
            assert found.all_valid
            count += 1
print(count)
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments], capture_output=True, text=True, timeout=250, check=False
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="guard pages are made with Linux's mprotect")
def test_nothing_is_read_beyond_the_inputs() -> None:
    assert _run("touch").returncode < 0, "the guard does not guard"
    done = _run()
    assert done.returncode == 0, done.stderr or f"ended by signal {-done.returncode}"
    assert int(done.stdout) > 1000
