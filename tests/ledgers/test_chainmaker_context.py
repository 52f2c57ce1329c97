"""ChainContext: its JSON form, and what it refuses."""

from __future__ import annotations

import json

import pytest

from pycore import InputError, ledgers
from pycore.ledgers.chainmaker import ChainContext, Policy, TrustMember

FULL = ChainContext(
    chain_id="chain1",
    hash="SM3",
    auth_type="PermissionedWithCert",
    rules="compatible",
    consensus="tbft",
    trust_roots={"org1": ("PEM 1", "PEM 2"), "org2": ("PEM 3",)},
    trust_members=(TrustMember(pem="PEM", org_id="org1", role="consensus", node_id="Qm1"),),
    certificates={"0xAB": "PEM"},
    aliases={"alice": "PEM"},
    validators=("Qm1", "Qm2"),
    nodes={"Qm1": "PEM"},
    admin_keys=("PEM",),
    revoked=("0A",),
    frozen=("FF",),
    policies={"C-m": Policy("MAJORITY", orgs=("org1",), roles=("admin",))},
    previous_block_hash=bytes(range(32)),
    height=7,
    rw_sets=(b"", b"\x0a\x01a"),
    time=1_700_000_000,
    rebuild_dag=True,
)


def test_round_trip():
    assert ChainContext.from_json(FULL.to_json()) == FULL
    assert ChainContext.from_dict(FULL.to_dict()).to_json() == FULL.to_json()
    assert ChainContext.from_json("{}") == ChainContext()
    assert ChainContext.from_json(ChainContext().to_json()) == ChainContext()
    assert set(FULL.to_dict()) == set(ChainContext.__dataclass_fields__)


def test_values_are_normalised():
    assert FULL.hash == "sm3"
    assert dict(FULL.certificates) == {"ab": "PEM"}
    assert (FULL.revoked, FULL.frozen) == (("0a",), ("ff",))
    assert ChainContext(trust_roots={"org1": "PEM"}).trust_roots["org1"] == ("PEM",)
    for chain, ours in (("SHA256", "sha256"), ("SHA3_256", "sha3-256"), ("SM3", "sm3")):
        assert ChainContext(hash=chain) == ChainContext(hash=ours)


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
        ('{"auth_type": ""}', "context.auth_type"),
        ('{"consensus": "pow"}', "context.consensus"),
        ('{"trust_roots": []}', "context.trust_roots"),
        ('{"trust_roots": {"a": 5}}', "context.trust_roots['a']"),
        ('{"trust_roots": {"a": [5]}}', "context.trust_roots['a']"),
        ('{"validators": "Qm1"}', "context.validators"),
        ('{"nodes": {"Qm1": null}}', "context.nodes"),
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
    assert ledgers.names() == ("chainmaker",)
    with pytest.raises(InputError, match="chain"):
        ledgers.get("nochain")
