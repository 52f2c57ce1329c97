"""Ways in which somebody who may not sign once passed for somebody who may."""

from __future__ import annotations

import datetime

import pytest
from asn1crypto import pem as armour
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pki import EPOCH, TIME, identity, member, transaction

import pycore
from pycore import InputError, Verdict, ledgers
from pycore.ledgers.chainmaker import messages, transactions
from pycore.ledgers.chainmaker.ledger import ChainContext, Policy, RegisteredKey
from pycore.ledgers.chainmaker.signers import TrustStore
from pycore.testing import generate_ledger

LEDGER = ledgers.get("chainmaker")
RULES = ("strict", "compatible")


@pytest.fixture(scope="module")
def orgs():
    """Four organisations: root, administrator, client, consensus node of each."""
    roots = [identity(f"org{i}", "root-cert", ca=True) for i in range(1, 5)]
    made = {unit: [identity(top.org, unit, top) for top in roots] for unit in ("admin", "client", "consensus")}
    return roots, made["admin"], made["client"], made["consensus"]


def by_certificate(roots, **changes):
    values = {"hash": "sha256", "time": TIME, "trust_roots": {who.org: (who.pem,) for who in roots}}
    return ChainContext(**(values | changes))


def verdict(tx, known, **changes):
    return LEDGER.validate_transactions([tx.SerializeToString()], known.replace(**changes))[0]


def respelt(tx, at, info, kind=0):
    """The same signature of an endorser under another spelling of its member information."""
    entry = messages.EndorsementEntry.FromString(tx.endorsers[at].SerializeToString())
    entry.signer.member_info = info
    entry.signer.member_type = kind
    tx.endorsers.append(entry)
    return tx


# ---- one signer counts once ------------------------------------------------------------------------------------------


def public(admins, **changes):
    values = {"hash": "sha256", "auth_type": "Public", "admin_keys": tuple(who.public_pem for who in admins)}
    return ChainContext(**(values | {"consensus_nodes": {"public": ("Qm1",)}} | changes))


def by_key(sender, *endorsers, **payload):
    """A transaction whose members are bare keys."""
    tx = transaction(sender, *endorsers, **payload)
    for entry, who in zip([tx.sender, *tx.endorsers], [sender, *endorsers], strict=True):
        entry.signer.org_id, entry.signer.member_type = "", 2
        entry.signer.member_info = who.public_pem.encode()
    return tx


@pytest.mark.parametrize("rules", RULES)
def test_spellings_of_one_certificate_are_one_organisation(orgs, rules):
    roots, admins, clients, _ = orgs
    for rule in ("2", "MAJORITY", "1/2", "ALL"):
        tx = transaction(clients[0], admins[1])
        for spelling in (admins[1].pem + "\n", "note\n" + admins[1].pem, admins[1].pem.replace("\n", "\r\n")):
            respelt(tx, 0, spelling.encode())
        known = by_certificate(roots, rules=rules, policies={"C-m": Policy(rule, (), ("ADMIN",))})
        assert verdict(tx, known) == Verdict.POLICY_NOT_MET


@pytest.mark.parametrize("rules", RULES)
def test_two_administrators_of_one_organisation_are_one(orgs, rules):
    roots, admins, clients, _ = orgs
    second = identity("org2", "admin", roots[1])
    known = by_certificate(roots, rules=rules, policies={"C-m": Policy("2", (), ("ADMIN",))})
    assert verdict(transaction(clients[0], admins[1], second), known) == Verdict.POLICY_NOT_MET
    assert verdict(transaction(clients[0], admins[1], admins[2]), known) == Verdict.VALID


def test_references_are_the_certificate_they_stand_for(orgs):
    roots, admins, clients, _ = orgs
    digest = pycore.hash("sha256", admins[1].der)
    tx = respelt(respelt(transaction(clients[0], admins[1]), 0, digest, 1), 0, b"alice", 4)
    known = by_certificate(
        roots, certificates={digest.hex(): admins[1].pem}, aliases={"alice": admins[1].pem},
        policies={"C-m": Policy("2", (), ("ADMIN",))},
    )  # fmt: skip
    for rules in RULES:
        assert verdict(tx, known, rules=rules) == Verdict.POLICY_NOT_MET


def test_spellings_of_one_key_of_a_public_chain(orgs):
    """Public chains count entries. The chain compares texts, `strict` keys."""
    _, admins, clients, _ = orgs
    tx = by_key(clients[0], admins[1])
    respelt(tx, 0, admins[1].public_pem.encode() + b"\n", 2)
    known = public(admins, policies={"C-m": Policy("2")})
    assert verdict(tx, known, rules="strict") == Verdict.POLICY_NOT_MET
    assert verdict(tx, known, rules="compatible") == Verdict.VALID
    same = respelt(by_key(clients[0], admins[1]), 0, admins[1].public_pem.encode(), 2)
    assert verdict(same, known, rules="compatible") == Verdict.POLICY_NOT_MET


def test_the_sender_among_its_own_endorsers_is_one_signer(orgs):
    _, admins, _, _ = orgs
    known = public(admins, policies={"C-m": Policy("2")})
    for rules in RULES:
        assert verdict(by_key(admins[0], admins[0]), known, rules=rules) == Verdict.POLICY_NOT_MET
        assert verdict(by_key(admins[0], admins[1]), known, rules=rules) == Verdict.VALID


def test_the_sender_joins_the_endorsers_from_block_version_2030300(orgs):
    roots, admins, _, _ = orgs
    tx = transaction(admins[0], admins[1], admins[2], contract_name="CHAIN_CONFIG", method="NODE_ORG_ADD")
    for rules in RULES:
        known = by_certificate(roots, rules=rules)
        for version, expected in ((220, False), (2030299, False), (2030300, True), (2030700, True), (0, True)):
            found = verdict(tx, known, block_version=version)
            assert found == (Verdict.VALID if expected else Verdict.POLICY_NOT_MET), version
        assert verdict(tx, known, release="2.3.2", block_version=2030300) == Verdict.POLICY_NOT_MET


def test_default_rows_need_no_configuration(orgs):
    roots, _admins, clients, _ = orgs
    tx = transaction(clients[0], contract_name="CONTRACT_MANAGE", method="UPGRADE_CONTRACT")
    for rules in RULES:
        assert verdict(tx, by_certificate(roots, rules=rules)) == Verdict.POLICY_NOT_MET
        assert verdict(transaction(clients[0]), by_certificate(roots, rules=rules)) == Verdict.VALID


@pytest.mark.parametrize("rules", RULES)
def test_members_without_a_role(orgs, rules):
    """An authority's unit is a role that no row names, which is not the same as an unknown role."""
    roots, _, _, _ = orgs
    nobody = identity("org1", "root-cert", roots[0])
    assert verdict(transaction(nobody), by_certificate(roots, rules=rules)) == Verdict.POLICY_NOT_MET


# ---- keys are bound to their organisations ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registered(orgs):
    _, admins, clients, _ = orgs
    return ChainContext(
        hash="sha256",
        auth_type="PermissionedWithKey",
        trust_roots={who.org: (who.public_pem,) for who in admins},
        consensus_nodes={"org1": ("Qm1",)},
        public_keys=tuple(RegisteredKey(who.public_pem, who.org, "client") for who in clients),
    )


def claim(who, org):
    return transaction(who, signer=member(who, org=org, kind=2, info=who.public_pem.encode()))


@pytest.mark.parametrize("rules", RULES)
def test_a_key_signs_for_its_own_organisation(orgs, registered, rules):
    _, admins, clients, _ = orgs
    known = registered.replace(rules=rules)
    for who in (admins[0], clients[0]):
        assert verdict(claim(who, who.org), known) == Verdict.VALID
        for other in ("org2", "org9", "ORG1", "org1 "):
            assert verdict(claim(who, other), known) == Verdict.UNKNOWN_SIGNER
        # An empty claim is filled in by the chain, and then counts for no row with roles.
        empty = Verdict.UNKNOWN_SIGNER if rules == "strict" else Verdict.POLICY_NOT_MET
        assert verdict(claim(who, ""), known) == empty


@pytest.mark.parametrize("rules", RULES)
def test_a_key_that_nobody_registered(orgs, registered, rules):
    _roots, admins, _, _ = orgs
    stranger = identity("org1", "client")
    assert verdict(claim(stranger, "org1"), registered, rules=rules) == Verdict.UNKNOWN_SIGNER
    # Without the register it cannot be judged; an organisation that the chain does not have is refused all the same.
    open_ = registered.replace(public_keys=None, rules=rules)
    assert verdict(claim(stranger, "org1"), open_) == Verdict.VALID
    assert verdict(claim(stranger, "org9"), open_) == Verdict.UNKNOWN_SIGNER
    assert verdict(claim(admins[0], "org2"), open_) == Verdict.UNKNOWN_SIGNER


def test_a_report_is_complete_only_with_the_register():
    ledger = generate_ledger(blocks=1, txs_per_block=3, authentication="key", endorsed_every=0)
    known = ledger.context_for(0)
    report = LEDGER.validate_block(ledger.blocks[0], known)
    assert report.valid, [str(check) for check in report]
    assert report.complete, [str(check) for check in report]
    report = LEDGER.validate_block(ledger.blocks[0], known.replace(public_keys=None))
    assert report.valid
    assert not report.complete
    assert {check.name for check in report.skipped} == {"policies", "trust_roots"}
    report = LEDGER.validate_block(ledger.blocks[0], known.replace(public_keys=()))
    assert not report.valid


def test_roles_of_registered_keys_come_from_the_register(orgs, registered):
    _, _, clients, _ = orgs
    as_light = (RegisteredKey(clients[0].public_pem, "org1", "LIGHT"),)
    assert verdict(claim(clients[0], "org1"), registered, public_keys=as_light) == Verdict.POLICY_NOT_MET
    with pytest.raises(InputError, match="role"):
        registered.replace(public_keys=(RegisteredKey(clients[0].public_pem, "org1", "CONSENSUS"),))


# ---- revocations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", RULES)
def test_every_spelling_of_a_serial_number_revokes(orgs, rules):
    roots, _, clients, _ = orgs
    serial = clients[0].certificate.serial_number
    hexed = f"{serial:06x}"
    parts = [hexed[i : i + 2] for i in range(0, len(hexed), 2)]
    for spelling in (serial, hexed, hexed.upper(), f"0x{hexed}", ":".join(parts).upper(), f"serial={hexed.upper()}"):
        known = by_certificate(roots, rules=rules, revoked=(spelling,))
        assert verdict(transaction(clients[0]), known) == Verdict.BAD_CERTIFICATE
        assert verdict(transaction(clients[1]), known) == Verdict.VALID


@pytest.mark.parametrize("rules", RULES)
def test_a_revocation_may_name_its_issuer(orgs, rules):
    roots, _, clients, _ = orgs
    serial = clients[0].certificate.serial_number
    key_id = roots[0].certificate.extensions[0].value.digest.hex()
    for issuer in (roots[0].pem, key_id, key_id.upper()):
        known = by_certificate(roots, rules=rules, revoked=({"serial": serial, "issuer": issuer},))
        assert verdict(transaction(clients[0]), known) == Verdict.BAD_CERTIFICATE
    other = by_certificate(roots, rules=rules, revoked=({"serial": serial, "issuer": roots[1].pem},))
    assert verdict(transaction(clients[0]), other) == Verdict.VALID


def test_certificates_under_a_hash_that_is_not_theirs(orgs):
    """The context's own index must not hand one member the certificate of another."""
    roots, admins, clients, _ = orgs
    digest = pycore.hash("sha256", clients[0].der)
    tx = transaction(admins[0], signer=member(admins[0], kind=1, info=digest))
    known = by_certificate(roots, certificates={digest.hex(): admins[0].pem})
    assert verdict(tx, known) == Verdict.BAD_CERTIFICATE


# ---- trust roots -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", RULES)
def test_a_bundle_of_certificates_in_one_text(rules):
    root = identity("org1", "root-cert", ca=True)
    middle = identity("org1", "ca", root, ca=True)
    leaf = identity("org1", "client", middle)
    for bundle in (middle.pem + root.pem, root.pem + "\n# note\n" + middle.pem):
        known = ChainContext(hash="sha256", time=TIME, rules=rules, trust_roots={"org1": (bundle,)})
        assert verdict(transaction(leaf), known) == Verdict.VALID


@pytest.mark.parametrize("rules", RULES)
def test_roots_from_which_nobody_can_be_judged(rules):
    ledger = generate_ledger(blocks=1, txs_per_block=2, endorsed_every=0)
    known = ledger.context_for(0).replace(rules=rules)
    report = LEDGER.validate_block(ledger.blocks[0], known)
    assert report.check("trust_roots").ok
    assert report.check("trust_roots").detail == "4 authorities of 4 organisations"
    leaf = next(iter(known.nodes.values()))
    for bad in ((), ("no PEM",), (leaf,)):
        roots = dict(known.trust_roots) | {"org1.pycore-test.invalid": bad}
        report = LEDGER.validate_block(ledger.blocks[0], known.replace(trust_roots=roots))
        assert report.check("trust_roots").ok is False
        assert "no member can be judged" in report.check("trust_roots").detail


# ---- the clock -------------------------------------------------------------------------------------------------------


def test_clocks(orgs):
    roots, _, _, _ = orgs
    late = identity("org1", "client", roots[0], years=(0, 1))
    known = by_certificate(roots)
    assert verdict(transaction(late), known) == Verdict.BAD_CERTIFICATE
    assert verdict(transaction(late), known, time=None, clock="none") == Verdict.VALID
    with pytest.raises(InputError, match="clock"):
        verdict(transaction(late), known, time=None, clock="block_timestamp")


def test_a_cached_member_does_not_outlive_its_certificate(orgs):
    roots, _, _, _ = orgs
    late = identity("org1", "client", roots[0], years=(0, 6))
    known = by_certificate(roots)
    tx = transaction(late)
    assert verdict(tx, known) == Verdict.VALID
    assert verdict(tx, known, time=TIME + 20 * 366 * 86_400) == Verdict.BAD_CERTIFICATE
    assert verdict(tx, known) == Verdict.VALID


@pytest.mark.parametrize("rules", RULES)
def test_a_call_without_dates_leaves_nothing_that_later_calls_take(orgs, rules):
    """Resolved members are shared by all calls of one configuration, whatever their clocks."""
    roots, _, _, _ = orgs
    late = transaction(identity("org1", "client", roots[0], years=(0, 1)))
    dated = by_certificate(roots, rules=rules)
    assert verdict(late, dated, time=None, clock="none") == Verdict.VALID
    assert verdict(late, dated) == Verdict.BAD_CERTIFICATE
    assert verdict(late, dated, time=None, clock="none") == Verdict.VALID


def test_the_block_version_of_the_configuration():
    ledger = generate_ledger(blocks=1, txs_per_block=2, endorsed_every=0)
    known = ledger.context_for(0)
    version = messages.Block.FromString(ledger.blocks[0]).header.block_version
    assert LEDGER.validate_block(ledger.blocks[0], known.replace(block_version=version)).check("block_version").ok
    report = LEDGER.validate_block(ledger.blocks[0], known.replace(block_version=version + 1))
    assert report.check("block_version").ok is False
    at_its_time = known.replace(time=None, clock="block_timestamp")
    assert LEDGER.validate_block(ledger.blocks[0], at_its_time).valid


# ---- lists in a context ----------------------------------------------------------------------------------------------


def listed(root, *serials, signer=None, days=(0, 3650)):
    """A revocation list of an authority in PEM."""
    start = EPOCH + datetime.timedelta(days=days[0])
    made = x509.CertificateRevocationListBuilder(
        root.certificate.subject, start, EPOCH + datetime.timedelta(days=days[1])
    )
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
    for serial in serials:
        made = made.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, start).build())
    return made.sign((signer or root).key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("rules", RULES)
def test_a_revocation_list_given_whole(orgs, rules):
    roots, _, clients, _ = orgs
    known = by_certificate(roots, rules=rules)
    crl = listed(roots[0], clients[0].certificate.serial_number, clients[1].certificate.serial_number)
    for form in (crl, crl.encode(), armour.unarmor(crl.encode())[2], armour.unarmor(crl.encode())[2].hex()):
        assert verdict(transaction(clients[0]), known, crls=(form,)) == Verdict.BAD_CERTIFICATE
        assert verdict(transaction(clients[1]), known, crls=(form,)) == Verdict.VALID  # another issuer's serial number


def test_revocation_lists_that_cannot_be_trusted():
    """`strict` says so and revokes all the same; the chain goes on without them, or does not start, by release."""
    ledger = generate_ledger(blocks=1, txs_per_block=2, suite="p256", endorsed_every=0)
    known = ledger.context_for(0)
    stranger = identity("org1.pycore-test.invalid", "root-cert", ca=True)
    for crl, why in (
        (listed(stranger), "its authority is not known"),
        ("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", "no revocation list"),
    ):
        check = LEDGER.validate_block(ledger.blocks[0], known.replace(crls=(crl,))).check("trust_roots")
        assert check.ok is False
        assert why in check.detail
    lax = known.replace(crls=(listed(stranger),), rules="compatible")
    assert LEDGER.validate_block(ledger.blocks[0], lax).check("trust_roots").ok
    for release in ("2.3.2", "3.0.0"):
        report = LEDGER.validate_block(ledger.blocks[0], lax.replace(release=release))
        assert report.check("trust_roots").ok is False


def test_a_revocation_list_out_of_date(orgs):
    roots, _, _, _ = orgs
    store = TrustStore(by_certificate(roots, crls=(listed(roots[0], days=(0, 365)),)), "sha256")
    assert store.problems_at(None) == []
    assert store.problems_at(EPOCH.timestamp() + 86_400) == []
    assert "out of date" in store.problems_at(TIME)[0]
    store = TrustStore(by_certificate(roots, rules="compatible", crls=(listed(roots[0], days=(0, 365)),)), "sha256")
    assert store.problems_at(TIME) == []


def test_signatures_of_a_block_are_bounded(orgs, monkeypatch):
    roots, _, clients, _ = orgs
    monkeypatch.setattr(transactions, "MAX_ENTRIES", 2)
    items = [transaction(clients[i]).SerializeToString() for i in range(4)]
    codes = LEDGER.validate_transactions(items, by_certificate(roots)).codes.tolist()
    assert codes == [Verdict.VALID] * 3 + [Verdict.MALFORMED_ITEM]
