"""Signature verification: every scheme, every backend, distinct keys and known keys, and the same work by peers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import pycore
from bench.peers import SIGNATURE_PEERS, PeerMissingError, SignatureTask, low_s
from pycore.signatures.keycache import without_key_cache
from pycore.testing import generate_signatures

from .conftest import Measure

SLOW = {"gmssl (Python)": 64}  # the largest batch worth waiting for
PEERS = [(scheme, name) for scheme, peers in SIGNATURE_PEERS.items() for name in peers]


@cache
def batch(scheme: str, n: int, signers: int | None = None) -> tuple[Any, Any, Any]:
    """Keys, signatures and messages; low s, because libsecp256k1 wants it."""
    keys, signatures, messages = generate_signatures(
        scheme, n, signers=signers, seed=1, compressed=scheme == "ecdsa-secp256k1"
    )
    if scheme.startswith("ecdsa-"):
        lowered = b"".join(low_s(scheme, row.tobytes()) for row in signatures)
        signatures = np.frombuffer(lowered, dtype=np.uint8).reshape(-1, 64)
    return keys, signatures, messages


@pytest.mark.parametrize("scheme", list(pycore.SCHEMES))
def test_verify(measure: Measure, backend: str, scheme: str, size: int) -> None:
    """Distinct keys, parsed in every call."""
    keys, signatures, messages = batch(scheme, size)

    def run() -> Any:
        with without_key_cache():
            return pycore.verify_batch(scheme, keys, signatures, messages)

    verdicts = measure(run, size, f"{scheme} n={size}", by="pycore", backend=backend)
    assert verdicts.all_valid


@pytest.mark.parametrize("scheme", list(pycore.SCHEMES))
def test_verify_known_keys(measure: Measure, backend: str, scheme: str, size: int) -> None:
    """A hundred known signers: the normal case of a consortium chain and of a validator set."""
    signers = min(100, size)
    keys, signatures, messages = batch(scheme, size, signers)
    known = pycore.KeySet(scheme, keys[:signers])
    indices = np.arange(size) % signers

    def run() -> Any:
        return known.verify_batch(indices, signatures, messages)

    verdicts = measure(run, size, f"{scheme} n={size}", by="pycore, known keys", backend=backend, signers=signers)
    assert verdicts.all_valid


@pytest.mark.parametrize(("scheme", "peer"), PEERS)
def test_peer(measure: Measure, scheme: str, peer: str, size: int) -> None:
    if size > SLOW.get(peer, size):
        pytest.skip(f"{peer} takes too long for {size}")
    lists = ([row.tobytes() for row in column] for column in batch(scheme, size))
    try:
        prepared = SIGNATURE_PEERS[scheme][peer](SignatureTask(scheme, *lists))
    except (PeerMissingError, ImportError) as error:
        pytest.skip(str(error))
    assert measure(prepared.run, size, f"{scheme} n={size}", by=prepared.version) == size
