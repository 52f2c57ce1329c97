"""Equations that are tried together have the verdicts of single ones: many keys and few, from a column and from key
sets with and without tables, and points that meet."""

from __future__ import annotations

import random

import numpy as np
import pytest
from oracle import bip340
from oracle.weierstrass import SECP256K1

import pycore
from pycore import KeySet, Verdict
from pycore.signatures.keycache import without_key_cache
from pycore.testing import generate_signatures

LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72


@pytest.mark.parametrize("scheme", ["schnorr-secp256k1", "ed25519"])
@pytest.mark.parametrize("signers", [7, 900])
def test_many(scheme: str, signers: int, backend: str, rng: random.Random) -> None:
    """Two chunks and a few, with no bad item, one, some and many; one column, a key set with tables, one without."""
    n = 2050
    keys, signatures, messages = generate_signatures(scheme, n, signers=signers, seed=3)
    different, rows = np.unique(keys, axis=0, return_inverse=True)
    rows = rows.reshape(-1)
    for bad in (0, 1, 3, 200):
        spoiled, want = signatures.copy(), np.full(n, Verdict.VALID)
        for i in rng.sample(range(n), bad):
            spoiled[i, 40] ^= 1
            want[i] = Verdict.BAD_SIGNATURE
        for size in (n, 1024, 300):
            with without_key_cache():
                got = pycore.verify_batch(scheme, keys[:size], spoiled[:size], messages[:size]).codes
            assert (got == want[:size]).all(), f"{backend}, {bad} bad, {size} items"
            for limit in (0, 1 << 24):
                known = KeySet(scheme, different, memory_limit=limit)
                got = known.verify_batch(rows[:size], spoiled[:size], messages[:size]).codes
                assert (got == want[:size]).all(), f"{backend}, {bad} bad, {size} items, tables of {limit} bytes"


def test_points_that_meet(backend: str) -> None:
    """Keys and R that are G, its multiples by lambda, each other, and one another's R."""
    scalars = [pow(LAMBDA, i, SECP256K1.n) * j % SECP256K1.n for i in range(3) for j in (1, 2, SECP256K1.n - 1)]
    items = [
        (*bip340.sign(secret, message, nonce), message)
        for k, secret in enumerate(scalars)
        for nonce in scalars
        for message in (bytes([k]),)
    ]
    columns = [list(column) for column in zip(*items, strict=True)]
    with without_key_cache():
        assert pycore.verify_batch("schnorr-secp256k1", *columns).all_valid
        for bad in range(0, len(items), 5):
            signatures = list(columns[1])
            signatures[bad] = signatures[bad][:63] + bytes([signatures[bad][63] ^ 1])
            got = pycore.verify_batch("schnorr-secp256k1", columns[0], signatures, columns[2])
            assert [i for i, valid in enumerate(got.valid) if not valid] == [bad]
