"""Every SM2 signature that third parties publish, in all three conventions of Z_A."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import judge
import pytest
from oracle import sm2 as oracle
from readers import sm2
from readers.cases import SignatureBatch

Require = Callable[[str], Path]
Count = Callable[..., None]

# file -> reader, signatures that it holds
FILES: dict[str, tuple[Callable[[Path, str], list[SignatureBatch]], int]] = {
    "sm/sm2_sig_vectors.json": (sm2.transcribed, 8),
    "sm/tongsuo_evppkey_sm2.txt": (sm2.tongsuo_evp, 2),
    "sm/openhitls_test_suite_sdv_eal_sm2_sign.data": (sm2.openhitls, 24),
    "sm/tongsuo_certs": (sm2.tongsuo_certificates, 30),
}


@pytest.mark.vectors
@pytest.mark.parametrize("source", FILES)
def test_oracle_agrees_with_published(source: str, require_vectors: Require) -> None:
    read, cases = FILES[source]
    batches = read(require_vectors(source), source)
    assert sum(len(batch.cases) for batch in batches) == cases
    for batch in batches:
        verdicts = [judge.oracle_verdict("sm2", case, batch.options) for case in batch.cases]
        judge.assert_published(batch, verdicts, "oracle")


@pytest.mark.vectors
@pytest.mark.parametrize("source", FILES)
def test_published(source: str, backend: str, require_vectors: Require, count_cases: Count) -> None:
    read, cases = FILES[source]
    for batch in read(require_vectors(source), source):
        ways = judge.pycore_verdicts(batch)
        for way, verdicts in ways.items():
            judge.assert_published(batch, verdicts, way)
            assert verdicts == ways["single"], f"{source}: {way} gives other codes than single calls"
        judge.assert_verify_raises_exactly_when_invalid(batch)
    count_cases(source, cases, ways=5)


@pytest.mark.vectors
def test_published_signing_runs(require_vectors: Require) -> None:
    """GB/T 32918.5-2017, appendix A: from secret, identifier, nonce and message to the signature, by the oracle."""
    source = "sm/openhitls_test_suite_sdv_eal_sm2_sign.data"
    secret = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
    nonce = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
    (batch,) = [
        batch
        for batch in sm2.openhitls(require_vectors(source), source)
        if batch.options.get("user_id") == sm2.DEFAULT_ID
    ]
    signed = [case for case in batch.cases if "SIGN_FUNC" in case.label]
    assert len(signed) == 6
    for case in signed:
        point = oracle.SM2.decode(case.public_key)
        assert point == oracle.SM2.mul(secret, oracle.SM2.g)
        e = int.from_bytes(oracle.digest(case.message, sm2.DEFAULT_ID, point), "big")
        assert oracle.parse_signature(case.signature, "der", "strict") == oracle.sign(secret, e, nonce)


@pytest.mark.vectors
def test_wrong_digest_length_is_a_malformed_call(require_vectors: Require) -> None:
    """The file's third Verify gives SM2 a SHA-512 digest and expects an error of the call, not a verdict."""
    import pycore

    batch = sm2.tongsuo_evp(require_vectors("sm/tongsuo_evppkey_sm2.txt"), "")[0]
    case = batch.cases[0]
    with pytest.raises(pycore.InputError):
        pycore.verify_batch("sm2", [case.public_key], [case.signature], [bytes(64)], prehashed=True, encoding="der")
