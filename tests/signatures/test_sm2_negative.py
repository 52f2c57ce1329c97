"""SM2 at its edges: this project's own set against pycore, the oracle, and GmSSL as a second library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import judge
import pytest
from oracle import der, sm2
from oracle.weierstrass import SM2
from readers import negative

Count = Callable[..., None]

ROOT = Path(__file__).resolve().parents[2]


def test_every_kind_of_case_is_there() -> None:
    rows = negative.expected()
    kinds: dict[str, set[bool]] = {}
    for row in rows:
        kinds.setdefault(row.flag, set()).add(row.case.valid)
    both, only_invalid = {True, False}, {False}
    assert kinds == {
        "Valid": {True},
        "EdgeKey": {True},
        "Exceptional": {True},
        **dict.fromkeys(("EdgeScalar", "EdgeDigest", "LargeX", "UserId", "Der"), both),
        **dict.fromkeys(("ZeroT", "NoSymmetry", "Infinity", "WrapX", "Key", "Encoding", "BitFlip"), only_invalid),
    }
    assert {row.verdict for row in rows} == {
        "VALID",
        "BAD_SIGNATURE",
        "MALFORMED_SIGNATURE",
        "MALFORMED_KEY",
        "SCALAR_OUT_OF_RANGE",
    }


@pytest.mark.slow
def test_file_is_fresh() -> None:
    """The committed file is what the generator writes, and so what the oracle says of every case."""
    script = ROOT / "tools" / "make_sm2_vectors.py"
    ran = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_pycore_gives_every_verdict(backend: str, count_cases: Count) -> None:
    """Not only valid or invalid: the same code as the oracle, alone, in a batch, in a reversed one, by KeySet."""
    total = 0
    for batch, verdicts in negative.batches():
        ways = judge.pycore_verdicts(batch)
        for way, got in ways.items():
            wrong = [
                f"{case.label}: {found}, want {want}"
                for case, found, want in zip(batch.cases, got, verdicts, strict=True)
                if found != want
            ]
            assert not wrong, f"{way} {batch.options}: {len(wrong)}\n" + "\n".join(wrong[:40])
        judge.assert_verify_raises_exactly_when_invalid(batch)
        total += len(batch.cases)
    count_cases("tests/vectors/sm2_negative.json", total, ways=5)


def test_gmssl_agrees() -> None:
    """GmSSL 3 on the same cases. It differs in one thing: where s G + t P is infinity it takes x = 0 and may accept.

    Its calls take x || y and DER only, so cases about other encodings are left to the oracle.
    """
    gmssl = pytest.importorskip("gmssl_pyx")
    compared, lax = 0, []
    for row in negative.expected():
        case, options = row.case, row.options
        point = SM2.decode(case.public_key, raw=True)
        if options.get("der_rules") == "trailing" or (options["encoding"] == "compact" and len(case.signature) != 64):
            continue
        if point is None and not (len(case.public_key) == 65 and case.public_key[0] == 4):
            continue
        key = case.public_key[1:] if point is None else SM2.encode(point)[1:]
        signature = case.signature
        if options["encoding"] == "compact":
            signature = der.encode(*(int.from_bytes(half, "big") for half in (signature[:32], signature[32:])))
        try:
            if options["prehashed"]:
                accepted = gmssl.sm2_verify_sm3_digest(key, case.message, signature)
            elif options["user_id"]:
                accepted = gmssl.sm2_verify(key, case.message, signature, signer_id=options["user_id"])
            else:  # this library has no call for an empty or absent identifier
                digest = sm2.digest(case.message, options["user_id"], point)
                accepted = gmssl.sm2_verify_sm3_digest(key, digest, signature)
        except gmssl.GmsslInnerError:
            accepted = False
        compared += 1
        if accepted != case.valid:
            assert row.flag == "Infinity", f"{case.label}: GmSSL says {accepted}"
            lax.append(case.label)
    assert compared > 1150
    assert len(lax) == sum(row.flag == "Infinity" for row in negative.expected())
