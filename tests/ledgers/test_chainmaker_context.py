"""ChainContext: its JSON form, and what it refuses."""

from __future__ import annotations

import json

import pytest

from pycore import InputError, Verdict, ledgers
from pycore.ledgers.chainmaker import ChainContext, Policy, RegisteredKey, Revocation, TrustMember
from pycore.testing import generate_ledger

FULL = ChainContext(
    chain_id="chain1",
    hash="SM3",
    auth_type="PermissionedWithCert",
    rules="compatible",
    release="v2.3.6",
    block_version=2030600,
    consensus="tbft",
    trust_roots={"org1": ("PEM 1", "PEM 2"), "org2": ("PEM 3",)},
    trust_members=(TrustMember(pem="PEM", org_id="org1", role="consensus", node_id="Qm1"),),
    certificates={"0x" + "AB" * 32: "PEM"},
    aliases={"alice": "PEM"},
    validators=("Qm1", "Qm2"),
    nodes={"Qm1": "PEM"},
    consensus_nodes={"org1": ("Qm1",)},
    admin_keys=("PEM",),
    public_keys=(RegisteredKey("PEM", "org1", "client"),),
    revoked=("0A", {"serial": "E5:3C", "issuer": "AB:CD"}),
    crls=("-----BEGIN X509 CRL-----", b"\x30\x00"),
    frozen=("FF" * 32,),
    policies={"C-m": Policy("MAJORITY", orgs=("org1",), roles=("admin",))},
    previous_block_hash=bytes(range(32)),
    height=7,
    blocks_per_proposer=3,
    previous_proposer="Qm2",
    rw_sets=(b"", b"\x0a\x01a"),
    clock="none",
    rebuild_dag=True,
)


def test_round_trip():
    assert ChainContext.from_json(FULL.to_json()) == FULL
    assert ChainContext.from_dict(FULL.to_dict()).to_json() == FULL.to_json()
    assert ChainContext.from_json("{}") == ChainContext()
    assert ChainContext.from_json(ChainContext().to_json()) == ChainContext()
    dated = FULL.replace(clock="now", time=1_700_000_000)
    assert ChainContext.from_json(dated.to_json()) == dated
    shown = set(FULL.to_dict()) | set(dated.to_dict()) | {"auth_type"}
    assert shown == set(ChainContext.__dataclass_fields__)
    empty = ChainContext(public_keys=(), rw_sets=())  # nothing registered is not the same as not known
    assert ChainContext.from_json(empty.to_json()) == empty != ChainContext()


def test_members_by_hash_without_a_context_are_unknown():
    """Their signatures cannot be checked, and nothing unchecked is valid."""
    made = generate_ledger(blocks=2, txs_per_block=3, seed=1)
    report = ledgers.get("chainmaker").validate_block(made.block_info(1), None)
    assert not report.valid
    assert {fault.verdict for fault in report.faults} == {Verdict.UNKNOWN_SIGNER}
    assert all("the context holds no certificate for the certificate hash" in fault.detail for fault in report.faults)


def test_values_are_normalised():
    assert FULL.hash == "sm3"
    assert FULL.release == "2.3.6"
    assert dict(FULL.certificates) == {"ab" * 32: "PEM"}
    assert FULL.revoked == (Revocation(10), Revocation(0xE53C, "abcd"))
    assert FULL.frozen == ("ff" * 32,)
    assert FULL.crls == ("-----BEGIN X509 CRL-----", "3000")
    assert FULL.policies["C-m"].roles == ("ADMIN",)
    assert FULL.public_keys[0].role == "CLIENT"
    for spelling in ("identity", "", "permissionedwithcert", "PermissionedWithCert"):
        assert ChainContext(auth_type=spelling).auth_type == "PermissionedWithCert"
    assert ChainContext(trust_roots={"org1": "PEM"}).trust_roots["org1"] == ("PEM",)
    for chain, ours in (("SHA256", "sha256"), ("SHA3_256", "sha3-256"), ("SM3", "sm3")):
        assert ChainContext(hash=chain) == ChainContext(hash=ours)


@pytest.mark.parametrize(
    "spelling",
    ["e53c96", "E53C96", "0xE53C96", "E5:3C:96", "e5:3c:96", "serial=E53C96", "Serial Number: E5:3C:96", 0xE53C96],
)
def test_spellings_of_a_serial_number(spelling):
    """As `openssl x509 -serial`, `-text` and other tools print it."""
    assert ChainContext(revoked=(spelling,)).revoked == (Revocation(0xE53C96),)
    assert ChainContext(revoked=({"serial": spelling},)).revoked == (Revocation(0xE53C96),)


def test_signed_and_zero_serial_numbers():
    found = ChainContext(revoked=("-0a", -10, 0, "00")).revoked
    assert [item.serial for item in found] == [-10, -10, 0, 0]


def test_from_a_file(tmp_path):
    path = tmp_path / "context.json"
    path.write_text(FULL.to_json())
    assert ChainContext.from_json(path) == FULL
    assert ChainContext.from_json(str(path)) == FULL
    assert ledgers.get("chainmaker").context(str(path)) == FULL
    with pytest.raises(InputError):
        ChainContext.from_json(tmp_path / "absent.json")


def test_it_does_not_change():
    with pytest.raises(AttributeError):
        FULL.height = 8
    with pytest.raises(TypeError):
        FULL.trust_roots["org3"] = ("PEM",)
    assert FULL.replace(height=8).height == 8
    assert FULL.height == 7


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ('{"trust_rots": {}}', "context.trust_rots"),  # a misspelt name must not switch a check off
        ('{"hash": "md5"}', "context.hash"),
        ('{"hash": 5}', "context.hash"),
        ('{"rules": "lenient"}', "context.rules"),
        ('{"auth_type": "nobody"}', "context.auth_type"),
        ('{"release": "2.3.99"}', "context.release"),
        ('{"clock": "sundial"}', "context.clock"),
        ('{"time": 5, "clock": "none"}', "context.time"),
        ('{"block_version": "2030700"}', "context.block_version"),
        ('{"auth_type": "permissionedwithkey", "admin_keys": ["PEM"]}', "context.admin_keys"),
        ('{"public_keys": [{"key": "PEM", "org_id": "o", "role": "ADMIN"}]}', "context.public_keys[0].role"),
        ('{"public_keys": [{"key": "PEM", "org_id": "o"}]}', "context.public_keys[0]"),
        ('{"consensus_nodes": {"org1": ["Qm 1"]}}', "context.consensus_nodes['org1']"),
        ('{"validators": [" Qm1"]}', "context.validators"),
        ('{"certificates": {"AB": "PEM"}}', "context.certificates"),
        ('{"frozen": ["e53c"]}', "context.frozen[0]"),
        ('{"revoked": ["serial: no"]}', "context.revoked[0]"),
        ('{"revoked": [""]}', "context.revoked[0]"),
        ('{"revoked": [1.5]}', "context.revoked[0]"),
        ('{"revoked": [true]}', "context.revoked[0]"),
        ('{"revoked": [{"issuer": "ab"}]}', "context.revoked[0]"),
        ('{"revoked": [{"serial": "ab", "issuer": "CN=ca"}]}', "context.revoked[0].issuer"),
        ('{"crls": ["no hex"]}', "context.crls[0]"),
        ('{"policies": {"C-m": {"rule": "whatever"}}}', "context.policies['C-m'].rule"),
        ('{"consensus": "pow"}', "context.consensus"),
        ('{"trust_roots": []}', "context.trust_roots"),
        ('{"trust_roots": {"a": 5}}', "context.trust_roots['a']"),
        ('{"trust_roots": {"a": [5]}}', "context.trust_roots['a']"),
        ('{"validators": "Qm1"}', "context.validators"),
        ('{"nodes": {"Qm1": null}}', "context.nodes['Qm1']"),
        ('{"trust_members": [{"pem": "x"}]}', "context.trust_members[0]"),
        ('{"trust_members": ["x"]}', "context.trust_members[0]"),
        ('{"policies": {"C-m": {"rule": "ANY", "more": []}}}', "context.policies['C-m']"),
        ('{"policies": {"C-m": {}}}', "context.policies['C-m']"),
        ('{"policies": {"C-m": {"rule": ["ANY"]}}}', "context.policies['C-m'].rule"),
        ('{"policies": {"C-m": {"rule": "ANY", "orgs": "org1"}}}', "context.policies['C-m'].orgs"),
        ('{"previous_block_hash": "xyz"}', "context.previous_block_hash"),
        ('{"previous_block_hash": "abcd"}', "context.previous_block_hash"),
        ('{"rw_sets": "00"}', "context.rw_sets"),
        ('{"rw_sets": ["0"]}', "context.rw_sets[0]"),
        ('{"height": "7"}', "context.height"),
        ('{"height": true}', "context.height"),
        ('{"height": -1}', "context.height"),
        ('{"time": "now"}', "context.time"),
        ('{"time": NaN}', "context.time"),
        ('{"rebuild_dag": 1}', "context.rebuild_dag"),
        ('{"chain_id": 5}', "context.chain_id"),
        ("{", "context"),
        ("[" * 100_000, "context"),
    ],
)
def test_malformed_documents(document, field):
    with pytest.raises(InputError) as caught:
        ChainContext.from_json(document if document.startswith("{") else document.encode())
    assert caught.value.field == field


def test_other_objects():
    ledger = ledgers.get("chainmaker")
    assert ledger.context(None) == ChainContext()
    assert ledger.context(FULL) is FULL
    assert ledger.context(json.loads(FULL.to_json())) == FULL
    for wrong in (5, [1]):
        with pytest.raises(InputError):
            ledger.context(wrong)


def test_unknown_ledgers():
    assert "chainmaker" in ledgers.names()
    with pytest.raises(InputError, match="chain"):
        ledgers.get("nochain")
