"""Signatures from real chains: Bitcoin, Ethereum, Fabric, Solana, CometBFT. Signatures that they accepted
must verify here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import judge
import numpy as np
import pytest
from oracle import ecdsa, keccak
from oracle.weierstrass import SECP256K1
from readers import bitcoin, cometbft, ethereum, wire
from readers.cases import SignatureBatch, SignatureCase

Require = Callable[[str], Path]
Count = Callable[..., None]

pytestmark = pytest.mark.vectors


def _bitcoin(folder: Path) -> dict[str, SignatureBatch]:
    """By file and kind of input; messages are signature hashes, in Bitcoin's consensus rule: any s, strict DER."""
    found: dict[str, SignatureBatch] = {}
    scripts = bitcoin.spent_scripts(folder / "block_277647.utxostore.bz2")
    for name, blocks in bitcoin.block_files(folder).items():
        if name == "blk_0_to_4.dat.bz2":
            continue  # a made-up chain of the time before BIP-66, with signatures that are not strict DER
        for kind, case in bitcoin.signatures(blocks, scripts):
            options = {"encoding": "der", "prehashed": True}
            batch = SignatureBatch(f"bitcoin/{name}", "ecdsa-secp256k1", options=options)
            found.setdefault(f"{name} {kind}", batch).cases.append(case)
    return found


def _high(case: SignatureCase) -> bool:
    scalars = ecdsa.parse_signature(case.signature, "der", "strict")
    assert scalars
    return scalars[1] > SECP256K1.n // 2


def _assert_all_ways(batch: SignatureBatch, count_cases: Count) -> None:
    ways = judge.pycore_verdicts(batch)
    for way, verdicts in ways.items():
        judge.assert_published(batch, verdicts, way)
    judge.assert_verify_raises_exactly_when_invalid(batch)
    count_cases(batch.source, len(batch.cases), ways=len(ways) + 1)


def test_bitcoin_inputs_read(require_vectors: Require) -> None:
    """The reader finds 753 inputs by key hash, 371 of them with high s, and 7 by bare keys."""
    batches = _bitcoin(require_vectors("bitcoin"))
    by_hash = [case for name, batch in batches.items() if name.endswith("key hash") for case in batch.cases]
    assert len(by_hash) == 753
    assert sum(map(_high, by_hash)) == 371
    assert len(batches["block_277647.dat.bz2 key hash"].cases) == 732
    assert len(batches["blocks1-256.bz2 bare key"].cases) == 7
    for batch in batches.values():
        for case in batch.cases[:40]:
            assert judge.oracle_verdict(batch.scheme, case, batch.options) == "VALID", case.label


def test_bitcoin_inputs(backend: str, require_vectors: Require, count_cases: Count) -> None:
    for batch in _bitcoin(require_vectors("bitcoin")).values():
        _assert_all_ways(batch, count_cases)
        low = SignatureBatch(batch.source, batch.scheme, options={**batch.options, "rules": "low-s"})
        for case in batch.cases:
            row = SignatureCase(case.label, case.public_key, case.signature, case.message, not _high(case))
            low.cases.append(row)
        verdicts = judge.pycore_verdicts(low)["batch"]
        judge.assert_published(low, verdicts, "low-s")
        assert {verdict for verdict, case in zip(verdicts, low.cases, strict=True) if not case.valid} <= {"HIGH_S"}


def test_ethereum_senders(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """A real block: every sender is recovered from its transaction, in one batch; EIP-2's low s holds for all."""
    import pycore

    source = "ethereum/mainnet_transactions11408438.json"
    rows = ethereum.transactions(require_vectors(source))
    assert len(rows) == 130
    assert [digest.tobytes() for digest in pycore.hash_batch("keccak256", [row.encoded for row in rows])] == [
        row.hash for row in rows
    ]
    digests = pycore.hash_batch("keccak256", [row.signing_data for row in rows])
    for shift in (0, 27):
        signatures = [row.signature65[:64] + bytes([row.signature65[64] + shift]) for row in rows]
        for rules in ("any-s", "low-s"):
            keys, verdicts = pycore.recover_batch("ecdsa-secp256k1", signatures, digests, rules=rules)
            assert verdicts.all_valid
            senders = pycore.hash_batch("keccak256", keys)[:, 12:]
            for row, sender in zip(rows, senders, strict=True):
                assert sender.tobytes() == row.sender, row.label
            count_cases(source, len(rows))
    compact = [row.signature65[:64] for row in rows]
    full = np.concatenate([np.full((len(rows), 1), 4, np.uint8), keys], axis=1)
    assert pycore.verify_batch("ecdsa-secp256k1", full, compact, digests, prehashed=True, rules="low-s").all_valid
    for row, key in zip(rows[:20], keys, strict=False):
        verdict, point = ecdsa.recover(SECP256K1, row.signature65, keccak.keccak256(row.signing_data))
        assert verdict == "VALID"
        assert SECP256K1.encode(point)[1:] == key.tobytes(), row.label


def test_ethereum_key_addresses(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Keccak-256 from seed to secret and from key to address.

    The file's signatures "of the empty string" come from before the protocol was settled: they fit no digest in use
    (the oracle finds none either), so they are no verdicts on anything.
    """
    import pycore

    source = "ethereum/BasicTests_keyaddrtest.json"
    rows = json.loads(require_vectors(source).read_text())
    for row in rows:
        secret = pycore.hash("keccak256", row["seed"].encode())
        assert secret.hex() == row["key"]
        key = SECP256K1.encode(SECP256K1.mul(int.from_bytes(secret, "big"), SECP256K1.g))
        assert pycore.hash("keccak256", key[1:])[12:].hex() == row["addr"]
    count_cases(source, len(rows))


def test_fabric_blocks(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Creators, endorsers and orderers of real blocks, all with low s as Fabric demands."""
    batch = wire.fabric(require_vectors("fabric"), "fabric")
    kinds = [case.label.split()[-1] for case in batch.cases]
    assert {kind: kinds.count(kind) for kind in kinds} == {"creator": 9, "endorser": 7, "orderer": 7}
    _assert_all_ways(batch, count_cases)


def test_solana_transactions(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Three transactions of Firedancer's: the third is made for parsers and its signature does not verify."""
    rows: list[SignatureCase] = []
    for number in (1, 2, 3):
        signed = wire.solana(require_vectors(f"solana/transaction{number}.bin"))
        rows += [SignatureCase(f"transaction {number}", *row, valid=number != 3) for row in signed]
    assert len(rows) == 6
    for rules in ("strict", "zip215", "ref10", "rfc8032", "rfc8032-cofactored"):
        batch = SignatureBatch("solana", "ed25519", rows, {"rules": rules})
        _assert_all_ways(batch, count_cases)


def test_cometbft_commits(backend: str, require_vectors: Require, count_cases: Count) -> None:
    """Votes inside real commits: 275 blocks of three chains, validators' signatures over CanonicalVote."""
    batch = cometbft.commits(require_vectors("cometbft"), "cometbft")
    assert len(batch.cases) == 420
    _assert_all_ways(batch, count_cases)
