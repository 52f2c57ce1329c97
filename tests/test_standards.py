"""The standards' own worked examples, which ship with the tests: no vectors folder needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import judge
import pytest
from readers.cases import SignatureBatch, SignatureCase

Count = Callable[..., None]

SOURCE = "tests/vectors/standards.json"
EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "standards.json").read_text())
SCHEMES = sorted({row["scheme"] for row in EXAMPLES["signatures"]})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_signatures(scheme: str, backend: str, count_cases: Count) -> None:
    """Valid as printed; and no bit of a signature or message may change."""
    import pycore

    cases = []
    for row in EXAMPLES["signatures"]:
        if row["scheme"] == scheme:
            key, signature, message = (bytes.fromhex(row[name]) for name in ("public_key", "signature", "message"))
            cases.append(SignatureCase(row["source"], key, signature, message, True))
    batch = SignatureBatch(SOURCE, scheme, cases)
    judge.assert_published(batch, [judge.oracle_verdict(scheme, case, {}) for case in cases], "oracle")
    for way, verdicts in judge.pycore_verdicts(batch).items():
        judge.assert_published(batch, verdicts, way)
    judge.assert_verify_raises_exactly_when_invalid(batch)
    count_cases(f"{SOURCE} {scheme}", len(cases), ways=5)
    for case in cases:
        changed = [flip(case.signature, bit) for bit in range(512)]
        verdicts = pycore.verify_batch(scheme, [case.public_key] * 512, changed, [case.message] * 512)
        assert not verdicts.valid.any(), case.label
        messages = [flip(case.message, bit) for bit in range(8 * len(case.message))] + [case.message + b"\0"]
        n = len(messages)
        assert not pycore.verify_batch(scheme, [case.public_key] * n, [case.signature] * n, messages).valid.any()


def flip(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def test_recovery(backend: str, count_cases: Count) -> None:
    import pycore

    for row in EXAMPLES["recovery"]:
        signature = bytes.fromhex(row["r"] + row["s"]) + bytes([row["id"]])
        keys, verdicts = pycore.recover_batch("ecdsa-secp256k1", [signature], [bytes.fromhex(row["digest"])])
        assert verdicts.all_valid
        assert pycore.hash("keccak256", keys[0].tobytes())[12:].hex() == row["address"]
    count_cases(f"{SOURCE} recovery", len(EXAMPLES["recovery"]))


def test_digests(backend: str, count_cases: Count) -> None:
    import pycore

    for row in EXAMPLES["digests"]:
        assert pycore.hash(row["hash"], row["text"].encode()).hex() == row["digest"], row["source"]
    count_cases(f"{SOURCE} digests", len(EXAMPLES["digests"]))
