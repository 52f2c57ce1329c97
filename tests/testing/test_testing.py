"""pycore.testing: what it makes is valid by other people's libraries, the same everywhere, and spoilt exactly where
it says."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asn1crypto import x509

import pycore
from bench import peers
from bench.openssl import OpenSSL
from pycore import ledgers, testing
from pycore._pb.ledgers.chainmaker.v1 import block_pb2, consensus_pb2
from pycore.testing.chainmaker import DependencyGraph

SCHEMES = list(pycore.SCHEMES)
CHAINMAKER = ledgers.get("chainmaker")


def report(ledger: testing.GeneratedLedger, block: int, **changes: Any) -> ledgers.BlockReport:
    return CHAINMAKER.validate_block(ledger.blocks[block], ledger.context_for(block).replace(**changes))


def found(ledger: testing.GeneratedLedger, block: int, **changes: Any) -> dict[int, str]:
    """The invalid transactions of a block whose other checks all passed, none skipped."""
    result = report(ledger, block, **changes)
    assert [check.name for check in result.failed] in ([], ["transactions"]), list(map(str, result.failed))
    assert result.complete, list(map(str, result.skipped))
    return {fault.index: fault.verdict.name for fault in result.faults}


# ---- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("n", [0, 1, 2, 65])
def test_signatures_are_valid_under_every_rule_set(scheme: str, n: int) -> None:
    keys, signatures, messages = testing.generate_signatures(scheme, n, message_size=40, seed=5)
    assert keys.shape[0] == signatures.shape[0] == messages.shape[0] == n
    assert signatures.shape[1] == 64
    assert messages.shape[1] == 40
    for rules in pycore.SCHEMES[scheme].rules:
        if rules.name == "low-s":  # these are as they come, half of them high
            continue
        if rules.name == "fabric-x":  # another challenge
            _, signatures, _ = testing.generate_signatures(scheme, n, message_size=40, seed=5, rules=rules.name)
        assert pycore.verify_batch(scheme, keys, signatures, messages, rules=rules.name).all_valid


@pytest.mark.parametrize(("scheme", "peer"), [(s, p) for s, found in peers.SIGNATURE_PEERS.items() for p in found])
def test_signatures_are_valid_by_other_libraries(scheme: str, peer: str) -> None:
    n = 4 if peer == "gmssl (Python)" else 32
    keys, signatures, messages = testing.generate_signatures(scheme, n, seed=9)
    compact = [row.tobytes() for row in signatures]
    if scheme.startswith("ecdsa-"):
        compact = [peers.low_s(scheme, one) for one in compact]
    task = peers.SignatureTask(scheme, [k.tobytes() for k in keys], compact, [m.tobytes() for m in messages])
    try:
        prepared = peers.SIGNATURE_PEERS[scheme][peer](task)
    except (peers.PeerMissingError, ImportError) as error:
        pytest.skip(str(error))
    assert prepared.run() == n


def test_openssl_refuses_what_was_tampered_with() -> None:
    try:
        library = OpenSSL()
    except OSError as error:
        pytest.skip(str(error))
    keys, signatures, messages = testing.generate_signatures("sm2", 8, seed=2)
    _, spoilt, _ = testing.tamper(keys, signatures, messages, [1, 6])
    with library.load_keys([row.tobytes() for row in keys]) as loaded:
        rows = zip(loaded.handles, spoilt, messages, strict=True)
        verdicts = [
            library.verify_sm2(key, peers.der_signature(s.tobytes()), m.tobytes(), pycore.DEFAULT_USER_ID)
            for key, s, m in rows
        ]
    assert [i for i, good in enumerate(verdicts) if not good] == [1, 6]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_same_seed_same_bytes(scheme: str) -> None:
    first = testing.generate_signatures(scheme, 33, signers=5, message_size=17, seed=3)
    again = testing.generate_signatures(scheme, 33, signers=5, message_size=17, seed=3)
    other = testing.generate_signatures(scheme, 33, signers=5, message_size=17, seed=4)
    for one, two, three in zip(first, again, other, strict=True):
        assert one.tobytes() == two.tobytes() != three.tobytes()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_same_bytes_on_every_backend_and_thread_count(backend: str, scheme: str) -> None:
    here = testing.generate_signatures(scheme, 200, signers=7, seed=3)
    pycore.set_threads(1)
    try:
        alone = testing.generate_signatures(scheme, 200, signers=7, seed=3)
    finally:
        pycore.set_threads(None)
    assert [column.tobytes() for column in here] == [column.tobytes() for column in alone]
    with pycore.use_backend("portable"):
        portable = testing.generate_signatures(scheme, 200, signers=7, seed=3)
    assert [column.tobytes() for column in here] == [column.tobytes() for column in portable]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("signers", [1, 3, 10, 99])
def test_number_of_signers(scheme: str, signers: int) -> None:
    keys, signatures, messages = testing.generate_signatures(scheme, 10, signers=signers)
    assert len({row.tobytes() for row in keys}) == min(signers, 10)
    assert keys[0].tobytes() == keys[signers % 10].tobytes() or signers >= 10
    assert pycore.verify_batch(scheme, keys, signatures, messages).all_valid


def test_options_reach_the_signature() -> None:
    for user_id in (b"", b"somebody", None):
        columns = testing.generate_signatures("sm2", 5, user_id=user_id)
        assert pycore.verify_batch("sm2", *columns, user_id=user_id).all_valid
        assert not pycore.verify_batch("sm2", *columns, user_id=b"another").valid.any()
    columns = testing.generate_signatures("ecdsa-p256", 5, hash="sm3")
    assert pycore.verify_batch("ecdsa-p256", *columns, hash="sm3").all_valid
    assert not pycore.verify_batch("ecdsa-p256", *columns).valid.any()


@pytest.mark.parametrize("scheme", ["ecdsa-secp256k1", "ecdsa-p256", "sm2"])
def test_compressed_keys_are_the_same_keys(scheme: str) -> None:
    long, signatures, messages = testing.generate_signatures(scheme, 12, seed=8)
    short, same, _ = testing.generate_signatures(scheme, 12, seed=8, compressed=True)
    assert short.shape == (12, 33)
    assert same.tobytes() == signatures.tobytes()
    assert (short[:, 1:] == long[:, 1:33]).all()
    assert pycore.verify_batch(scheme, short, signatures, messages).all_valid


@pytest.mark.parametrize("kind", list(testing.TAMPERINGS))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_tamper_spoils_exactly_those(scheme: str, kind: str) -> None:
    columns = testing.generate_signatures(scheme, 20, signers=4, seed=1)
    before = [column.tobytes() for column in columns]
    spoilt = testing.tamper(*columns, [0, 7, 19], kind=kind)
    assert [column.tobytes() for column in columns] == before
    verdicts = pycore.verify_batch(scheme, *spoilt)
    assert np.flatnonzero(~verdicts.valid).tolist() == [0, 7, 19]
    wanted = "NON_CANONICAL" if (scheme, kind) == ("ed25519", "s-out-of-range") else testing.TAMPERINGS[kind]
    assert {pycore.Verdict(int(verdicts.codes[i])).name for i in (0, 7, 19)} == {wanted}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"scheme": "rsa", "n": 1}, "scheme"),
        ({"scheme": "sm2", "n": -1}, "n"),
        ({"scheme": "sm2", "n": 1, "message_size": -1}, "message_size"),
        ({"scheme": "sm2", "n": 1, "signers": 0}, "signers"),
        ({"scheme": "ed25519", "n": 1, "compressed": True}, "compressed"),
        ({"scheme": "ecdsa-p256", "n": 1, "hash": "sha512"}, "hash"),
        ({"scheme": "ecdsa-p256", "n": 1, "hash": "md5"}, "hash"),
    ],
)
def test_malformed_calls_name_the_field(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        testing.generate_signatures(**arguments)
    assert caught.value.field == field


def test_malformed_tampering_names_the_field() -> None:
    columns = testing.generate_signatures("sm2", 3, signers=1, message_size=0)
    for options, field in (
        ({"items": 3}, "items"),
        ({"items": -1}, "items"),
        ({"items": 0, "kind": "magic"}, "kind"),
        ({"items": 0, "kind": "message-bit"}, "messages"),
        ({"items": 0, "kind": "wrong-key"}, "public_keys"),
    ):
        with pytest.raises(pycore.InputError) as caught:
            testing.tamper(*columns, **options)
        assert caught.value.field == field


# ---- ledgers: valid but for what was spoilt
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_every_block_is_valid_in_strict(suite: str) -> None:
    ledger = testing.generate_ledger(blocks=4, txs_per_block=50, suite=suite, seed=11)
    assert ledger.invalid == ()
    for block in range(4):
        assert found(ledger, block, rebuild_dag=True) == {}
        assert report(ledger, block).valid


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_exactly_the_tampered_transactions_are_found(suite: str) -> None:
    ledger = testing.generate_ledger(blocks=5, txs_per_block=90, suite=suite, seed=12, invalid_every=10)
    assert len(ledger.invalid) == 45
    assert {one.kind for one in ledger.invalid} == set(testing.DEFAULT_KINDS)
    for block in range(5):
        wanted = {tx: one.verdict for tx, one in ledger.invalid_in(block).items()}
        assert len(wanted) == 9
        assert found(ledger, block, rebuild_dag=True) == wanted


@pytest.mark.parametrize("kind", list(testing.KINDS))
@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_each_kind_alone(suite: str, kind: str) -> None:
    ledger = testing.generate_ledger(blocks=1, txs_per_block=12, suite=suite, seed=1, invalid_every=4, kinds=[kind])
    assert len(ledger.invalid) == 3
    wanted = {one.tx: testing.KINDS[kind] for one in ledger.invalid}
    assert found(ledger, 0) == wanted


@pytest.mark.parametrize("suite", ["sm2", "p256"])
@pytest.mark.parametrize("kind", ["trailing-bytes", "inner-bytes"])
def test_compatible_rules_accept_bytes_left_over(kind: str, suite: str) -> None:
    ledger = testing.generate_ledger(blocks=1, txs_per_block=12, suite=suite, seed=1, invalid_every=4, kinds=[kind])
    assert set(found(ledger, 0)) == {one.tx for one in ledger.invalid}
    assert found(ledger, 0, rules="compatible") == {}


@pytest.mark.parametrize("organisations", [1, 2, 3, 4, 7])
def test_other_sizes_of_consortium(organisations: int) -> None:
    ledger = testing.generate_ledger(
        blocks=2, txs_per_block=40, organisations=organisations, signers=3, invalid_every=5, endorsed_every=2
    )
    assert ("other-organisation" in {one.kind for one in ledger.invalid}) == (organisations > 1)
    for block in range(2):
        assert found(ledger, block) == {tx: one.verdict for tx, one in ledger.invalid_in(block).items()}


@pytest.mark.parametrize("suite", ["sm2", "p256"])
@pytest.mark.parametrize("consensus", ["tbft", "maxbft"])
@pytest.mark.parametrize("authentication", ["certificate", "key"])
def test_every_form_of_member_and_certificate(suite: str, consensus: str, authentication: str) -> None:
    options: dict[str, Any] = {"suite": suite, "consensus": consensus, "authentication": authentication}
    ledger = testing.generate_ledger(blocks=7, txs_per_block=20, signers=5, invalid_every=5, **options)
    for block in range(7):
        wanted = {tx: one.verdict for tx, one in ledger.invalid_in(block).items()}
        assert len(wanted) == 4
        assert found(ledger, block, rebuild_dag=True) == wanted
    members = {tx.sender.signer.member_type for tx in block_pb2.Block.FromString(ledger.blocks[0]).txs}
    assert members == ({0, 1} if authentication == "certificate" else {2})


@pytest.mark.parametrize("consensus", ["tbft", "maxbft"])
def test_the_quorum_is_the_smallest(consensus: str) -> None:
    """One vote less and the block is refused: the certificates are real."""
    ledger = testing.generate_ledger(blocks=1, txs_per_block=2, consensus=consensus)
    block = block_pb2.Block.FromString(ledger.blocks[0])
    extra = block.additional_data.extra_data
    (key,) = extra
    kind = consensus_pb2.VoteSet if consensus == "tbft" else consensus_pb2.QuorumCert
    certificate = kind.FromString(extra[key])
    assert len(certificate.votes) == 3
    if isinstance(certificate, consensus_pb2.VoteSet):
        del certificate.votes[next(iter(certificate.votes))]
    else:
        del certificate.votes[0]
    extra[key] = certificate.SerializeToString(deterministic=True)
    failed = CHAINMAKER.validate_block(block.SerializeToString(deterministic=True), ledger.context_for(0)).failed
    assert [check.name for check in failed] == ["quorum"]


@pytest.mark.parametrize("txs", [1, 2, 3, 257])
def test_other_sizes_of_block(txs: int) -> None:
    ledger = testing.generate_ledger(blocks=2, txs_per_block=txs, signers=1, endorsed_every=0, invalid_every=1)
    assert len(ledger.invalid) == 2 * txs
    for block in range(2):
        assert found(ledger, block) == {tx: one.verdict for tx, one in ledger.invalid_in(block).items()}


def test_a_block_of_another_ledger_fails_its_checks() -> None:
    """The tests above can fail: the wrong context is noticed."""
    ledger = testing.generate_ledger(blocks=2, txs_per_block=5, seed=1)
    other = testing.generate_ledger(blocks=2, txs_per_block=5, seed=2)
    assert CHAINMAKER.validate_block(ledger.blocks[0], ledger.context_for(0)).valid
    for context in (other.context_for(0), ledger.context_for(1)):
        assert not CHAINMAKER.validate_block(ledger.blocks[0], context).valid


def test_blocks_show_what_they_are() -> None:
    ledger = testing.generate_ledger(blocks=3, txs_per_block=64, signers=9, seed=6)
    kinds, endorsers, payers, edges = set(), 0, 0, 0
    previous = None
    for data in ledger.blocks:
        block = block_pb2.Block.FromString(data)
        assert block.header.chain_id.startswith("pycore-test-")
        assert previous in (None, block.header.pre_block_hash)
        previous = block.header.block_hash
        edges += sum(len(one.neighbors) for one in block.dag.vertexes)
        for tx in block.txs:
            kinds.add(tx.sender.signer.member_type)
            endorsers += len(tx.endorsers)
            payers += tx.HasField("payer")
            assert tx.sender.signer.org_id.endswith(".pycore-test.invalid")
    assert kinds == {0, 1}  # CERT and CERT_HASH
    assert endorsers > 10
    assert payers > 0
    assert edges > 10


# ---- ledgers: determinism
# ----------------------------------------------------------------------------------------------


def digest(ledger: testing.GeneratedLedger) -> str:
    whole = hashlib.sha256()
    for block in range(len(ledger.blocks)):
        whole.update(ledger.block_info(block))
    whole.update(ledger.context.to_json().encode())
    return whole.hexdigest()


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_same_seed_same_ledger(backend: str, suite: str) -> None:
    options: dict[str, Any] = {"blocks": 2, "txs_per_block": 40, "suite": suite, "invalid_every": 9}
    here = testing.generate_ledger(seed=21, **options)
    with pycore.use_backend("portable"):
        there = testing.generate_ledger(seed=21, **options)
        assert digest(there) == digest(here)
    assert here.invalid == there.invalid
    assert digest(testing.generate_ledger(seed=22, **options)) != digest(here)


def test_blocks_in_any_order_are_the_same() -> None:
    options: dict[str, Any] = {"blocks": 5, "txs_per_block": 7, "seed": 3}
    in_order = list(testing.generate_ledger(**options).blocks)
    blocks = testing.generate_ledger(**options).blocks
    assert blocks[4] == in_order[4]
    assert blocks[1] == in_order[1]
    assert blocks[-1] == in_order[4]
    assert blocks[1:4] == in_order[1:4]
    assert len(blocks) == 5
    assert list(blocks) == in_order
    for wrong in (5, -6):
        with pytest.raises(IndexError):
            blocks[wrong]


def test_a_long_ledger_costs_nothing_until_asked_for() -> None:
    ledger = testing.generate_ledger(blocks=10**6, txs_per_block=10, seed=3)
    assert len(ledger.blocks) == 10**6
    assert found(ledger, 2) == {}


def test_save_and_load(tmp_path: Path) -> None:
    ledger = testing.generate_ledger(blocks=3, txs_per_block=20, seed=4, invalid_every=7)
    folder = ledger.save(tmp_path / "a" / "ledger")
    loaded = testing.GeneratedLedger.load(folder)
    assert loaded.parameters == ledger.parameters
    assert loaded.invalid == ledger.invalid
    assert loaded.context == ledger.context
    assert list(loaded.blocks) == list(ledger.blocks)
    for block in range(3):
        assert loaded.context_for(block) == ledger.context_for(block)
        assert found(loaded, block) == {tx: one.verdict for tx, one in ledger.invalid_in(block).items()}
    assert "test data" in json.loads((folder / "ledger.json").read_text())["about"]


def test_load_refuses_another_folder(tmp_path: Path) -> None:
    with pytest.raises(pycore.InputError, match="directory"):
        testing.GeneratedLedger.load(tmp_path)
    (tmp_path / "ledger.json").write_text('{"format": 99}')
    with pytest.raises(pycore.InputError, match="format 99"):
        testing.GeneratedLedger.load(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"chain": "bitcoin"}, "chain"),
        ({"suite": "rsa"}, "suite"),
        ({"blocks": 0}, "blocks"),
        ({"txs_per_block": 0}, "txs_per_block"),
        ({"signers": 0}, "signers"),
        ({"organisations": 0}, "organisations"),
        ({"invalid_every": -1}, "invalid_every"),
        ({"endorsed_every": -1}, "endorsed_every"),
        ({"invalid_every": 2, "kinds": ["magic"]}, "kinds"),
        ({"organisations": 1, "invalid_every": 2, "kinds": ["other-organisation"]}, "kinds"),
        ({"authentication": "key", "invalid_every": 2, "kinds": ["foreign-certificate"]}, "kinds"),
        ({"authentication": "password"}, "authentication"),
        ({"consensus": "raft"}, "consensus"),
    ],
)
def test_malformed_ledgers_name_the_field(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        testing.generate_ledger(**arguments)
    assert caught.value.field == field


# ---- certificates and graph
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["sm2", "p256"])
def test_openssl_accepts_the_certificates(suite: str, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command")
    ledger = testing.generate_ledger(blocks=1, txs_per_block=1, suite=suite, signers=4)
    roots = ledger.context.trust_roots
    checked = 0
    for text in ledger.context.certificates.values():
        organisation = x509.Certificate.load(_der(text)).subject.native["organization_name"]
        (tmp_path / "root.pem").write_text(roots[organisation][0])
        (tmp_path / "member.pem").write_text(text)
        options = ["-vfyopt", "distid:1234567812345678"] if suite == "sm2" else []
        command = [openssl, "verify", *options, "-CAfile", "root.pem", "member.pem"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        checked += 1
    assert checked == 12  # 4 validators, 4 administrators, 4 clients


def _der(text: str) -> bytes:
    from asn1crypto import pem

    return pem.unarmor(text.encode())[2]


def test_dependency_graph_joins_what_conflicts(rng: Any) -> None:
    """Against the definition: edges join conflicting transactions only, and of two that conflict the later reaches
    the earlier."""
    for _ in range(30):
        count = rng.randrange(1, 14)
        reads = [[bytes([rng.randrange(4)]) for _ in range(rng.randrange(3))] for _ in range(count)]
        writes = [[bytes([rng.randrange(4)]) for _ in range(rng.randrange(3))] for _ in range(count)]
        graph = DependencyGraph()
        edges = [graph.add(reads[i], writes[i]) for i in range(count)]
        reach: list[set[int]] = []
        for i, row in enumerate(edges):
            assert row == sorted(set(row))
            assert all(0 <= j < i for j in row)
            reach.append(set(row).union(*(reach[j] for j in row)))
        for i in range(count):
            for j in range(i):
                conflict = (
                    set(reads[i]) & set(writes[j]) or set(writes[i]) & set(reads[j]) or set(writes[i]) & set(writes[j])
                )
                if conflict:
                    assert j in reach[i], (reads, writes, edges)
                else:
                    assert j not in edges[i], (reads, writes, edges)


# ---- the same bytes for ever -----------------------------------------------------------------------------------------

PINNED = {
    "ed25519": "eb4e7952f569b00929e5bc8a362dcbe887c5f2c12bea6685a289a48b05811419",
    "ecdsa-secp256k1": "695fcd9101e3ab6e12d88321e81f342d9907d382cc9a72f7c87e4527c1dbae65",
    "ecdsa-p256": "669f7f3b66443511c4c833d649532c4df72651df1d43ce2080c253287e9fbfe4",
    "sm2": "72ee4969cfd8dcb561d9f7fa13ae5e409f3984d6c5826348d6234af3a6d5116f",
    "schnorr-secp256k1": "b7bad96be3b1d0b789b60b78cbfb638cc5096252e1aa93423df96a90f9c8aecd",
    "ledger sm2": "76b0bbefab22d51a2885c6de5609225c5dd80c66551364fc90aa25c3583138c6",
    "ledger p256": "50d937f8d24e1b242c2918de3907fd411f6c890dd80ff4e1a52d4541ce577fbe",
}


@pytest.mark.parametrize("what", list(PINNED))
def test_bytes_never_change(what: str) -> None:
    """Stored ledgers, seeds in bug reports and numbers in documents stay good only as long as these do."""
    if what.startswith("ledger"):
        options: dict[str, Any] = {"blocks": 3, "txs_per_block": 30, "signers": 5, "seed": 2026, "invalid_every": 7}
        ledger = testing.generate_ledger(suite=what.split()[1], **options)
        whole = b"".join(ledger.block_info(block) for block in range(3))
    else:
        columns = testing.generate_signatures(what, 50, signers=11, message_size=21, seed=2026)
        whole = b"".join(column.tobytes() for column in columns)
    assert hashlib.sha256(whole).hexdigest() == PINNED[what]
