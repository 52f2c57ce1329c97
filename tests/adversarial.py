"""Pools of signatures that break careless kernels, per scheme and set of options.

The tests of edges judge them by an oracle; here they are gathered for tests that ask whether every backend, batch size
and lane position gives the same verdict.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import test_edges_ecdsa as weierstrass
import test_edges_ed25519 as edwards
from oracle import ed25519, exceptional
from oracle.weierstrass import SM2
from readers import negative
from readers.cases import SignatureCase

from pycore.testing import generate_signatures

Pool = tuple[SignatureCase, ...]
SCHEMES = ("ed25519", "ecdsa-secp256k1", "ecdsa-p256", "sm2", "schnorr-secp256k1")


def options_of(scheme: str) -> list[dict[str, Any]]:
    """Every rule set, with the digests given where the scheme allows it."""
    if scheme == "ed25519":
        return [{"rules": rules} for rules in ed25519.RULES]
    if scheme.startswith("ecdsa"):
        return [{"prehashed": True, "rules": "any-s"}, {"prehashed": True, "rules": "low-s"}]
    return [{"prehashed": True}] if scheme == "sm2" else [{}]


@functools.cache
def pool(scheme: str) -> Pool:
    """Small order, torsion, odd encodings, infinity, P = +-Q inside additions, r + n below p, scalars at the edges,
    digest 0, keys G, -G, 2 G, lambda G."""
    if scheme == "ed25519":
        made = (edwards.torsion_cases, edwards.small_order_cases, edwards.encoding_cases, edwards.scalar_cases)
        return tuple(case for make in made for case in make())
    if scheme == "sm2":
        return tuple(_sm2())
    if scheme == "schnorr-secp256k1":
        return tuple(weierstrass.bip340_cases())
    curve = weierstrass.CURVES[scheme]
    others = (weierstrass.large_x_cases, weierstrass.edge_scalar_cases, weierstrass.key_cases)
    return (*weierstrass.exceptional_cases(scheme), *(case for make in others for case in make(curve)))


@functools.cache
def ordinary(scheme: str) -> Pool:
    """Valid signatures by as many keys."""
    digests = {"message_size": 32} if scheme != "sm2" else {"message_size": 32, "user_id": None}
    if scheme == "sm2":  # signed with e = SM3(message), so the digest is what a prehashed call wants
        import pycore

        keys, signatures, messages = generate_signatures(scheme, 40, seed=7, **digests)
        messages = pycore.hash_batch("sm3", messages)
    elif scheme.startswith("ecdsa"):
        import pycore

        keys, signatures, messages = generate_signatures(scheme, 40, seed=7, **digests)
        messages = pycore.hash_batch("sha256", messages)
    else:
        keys, signatures, messages = generate_signatures(scheme, 40, seed=7)
    rows = zip(keys, signatures, messages, strict=True)
    return tuple(
        SignatureCase(f"ordinary {i}", k.tobytes(), s.tobytes(), m.tobytes(), True) for i, (k, s, m) in enumerate(rows)
    )


def _sm2() -> Iterator[SignatureCase]:
    for batch, _ in negative.batches():
        if batch.options.get("prehashed") and batch.options.get("encoding", "compact") == "compact":
            yield from batch.cases
    n = SM2.n
    for comment, d, u, v in (*exceptional.triples(SM2), *exceptional.infinities(SM2)):
        if not u:
            continue
        total, r = SM2.mul((u + v * d) % n, SM2.g), (v - u) % n  # verification computes s G + t P with t = r + s
        key = SM2.encode(SM2.mul(d, SM2.g))
        e = (r - total[0]) % n if total else 1
        good = bool(r and total)
        yield SignatureCase(comment, key, weierstrass.compact(r, u), weierstrass.b32(e), good)
