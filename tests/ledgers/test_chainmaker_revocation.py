"""Revoked and frozen members, under each of the three ways to name a certificate, in every place that signs."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pki import EPOCH, TIME, identity, member, transaction
from sealed import LEDGER, certified_block

import pycore
from pycore import Verdict
from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.ledger import ChainContext, Policy, TrustMember

ORG = "org1"
RULES = ("strict", "compatible")
CERT, CERT_HASH, ALIAS = 0, 1, 4
KINDS = {"CERT": CERT, "CERT_HASH": CERT_HASH, "ALIAS": ALIAS}
WAYS = ("serial", "serial and issuer", "frozen by hash", "frozen by text", "list")


@pytest.fixture(scope="module")
def chain():
    root = identity(ORG, "root-cert", ca=True)
    return root, identity(ORG, "client", root), identity(ORG, "client", root)


def digest(who):
    return pycore.hash("sha256", who.der)


def context(root, rules, *known, **changes):
    """Every certificate is known by its hash; the first of them is called alice."""
    values = {
        "hash": "sha256", "time": TIME, "chain_id": "chain1", "rules": rules, "trust_roots": {ORG: (root.pem,)},
        "certificates": {digest(who).hex(): who.pem for who in known},
        "aliases": {"alice": known[0].pem} if known else {},
    }  # fmt: skip
    return ChainContext(**values | changes)


def named(who, kind):
    """How a member names its certificate."""
    info = {CERT: who.pem.encode(), CERT_HASH: digest(who), ALIAS: b"alice"}[kind]
    return member(who, kind=kind, info=info)


def crl_of(root, *serials):
    builder = x509.CertificateRevocationListBuilder(
        root.certificate.subject, EPOCH, EPOCH + datetime.timedelta(days=3650)
    ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
    for serial in serials:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, EPOCH).build())
    return builder.sign(root.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def withdrawn(way, who, root):
    """The part of a context that revokes or freezes a certificate."""
    serial = who.certificate.serial_number
    return {
        "serial": {"revoked": (serial,)},
        "serial and issuer": {"revoked": ({"serial": serial, "issuer": root.pem},)},
        "frozen by hash": {"frozen": (digest(who).hex(),)},
        "frozen by text": {"frozen": (who.pem,)},
        "list": {"crls": (crl_of(root, serial),)},
    }[way]


def verdict(tx, known):
    return LEDGER.validate_transactions([tx.SerializeToString()], known)[0]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sender(kind, way, rules, chain):
    root, alice, bob = chain
    tx = transaction(alice, signer=named(alice, KINDS[kind]))
    known = context(root, rules, alice, bob)
    assert verdict(tx, known) == Verdict.VALID
    assert verdict(tx, known.replace(**withdrawn(way, alice, root))) == Verdict.BAD_CERTIFICATE
    assert verdict(tx, known.replace(**withdrawn(way, bob, root))) == Verdict.VALID
    assert verdict(tx, known) == Verdict.VALID  # no answer of another context is kept


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_endorser(kind, way, chain):
    """Under compatible it is dropped, and the policy misses it; under strict the transaction is invalid."""
    root, alice, bob = chain
    other = identity("org2", "root-cert", ca=True)
    sender = identity("org2", "client", other)
    tx = transaction(sender, alice)
    tx.endorsers[0].signer.CopyFrom(named(alice, KINDS[kind]))
    both = {ORG: (root.pem,), "org2": (other.pem,)}
    for rules in RULES:
        known = context(root, rules, alice, bob, trust_roots=both)
        gone = known.replace(**withdrawn(way, alice, root))
        assert verdict(tx, known) == Verdict.VALID
        assert verdict(tx, gone) == (Verdict.BAD_CERTIFICATE if rules == "strict" else Verdict.VALID)
        asked = {"C-m": Policy("ANY", (ORG,))}
        assert verdict(tx, known.replace(policies=asked)) == Verdict.VALID
        assert verdict(tx, gone.replace(policies=asked)) == (
            Verdict.BAD_CERTIFICATE if rules == "strict" else Verdict.POLICY_NOT_MET
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_payer(way, kind, chain):
    root, alice, bob = chain
    tx = transaction(bob, payer=alice)
    tx.payer.signer.CopyFrom(named(alice, KINDS[kind]))
    known = context(root, "strict", alice, bob)
    assert verdict(tx, known) == Verdict.VALID
    assert verdict(tx, known.replace(**withdrawn(way, alice, root))) == Verdict.BAD_CERTIFICATE


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_authority_above(kind, rules):
    """Revocation reaches every certificate of a path. Freezing: as read, the member's own alone."""
    root = identity(ORG, "root-cert", ca=True)
    middle = identity(ORG, "ca", root, ca=True)
    alice = identity(ORG, "client", middle)
    known = context(root, rules, alice, trust_roots={ORG: (root.pem, middle.pem)})
    tx = transaction(alice, signer=named(alice, KINDS[kind]))
    assert verdict(tx, known) == Verdict.VALID
    for way in WAYS:
        expected = Verdict.VALID if rules == "compatible" and "frozen" in way else Verdict.BAD_CERTIFICATE
        assert verdict(tx, known.replace(**withdrawn(way, middle, root))) == expected, way


@pytest.mark.parametrize("rules", RULES)
def test_an_alias_that_got_a_new_certificate(rules, chain):
    """The alias stands for the certificate of now: who signed with the old one does not pass, under either spelling of
    the context, and freezing the old one does not touch the new."""
    root, old, new = chain
    before, after = context(root, rules, old, new), context(root, rules, new, old)
    by_old = transaction(old, signer=named(old, ALIAS))
    by_new = transaction(new, signer=named(new, ALIAS))
    for _ in range(2):  # members are cached, for each configuration by itself
        assert (verdict(by_old, before), verdict(by_new, before)) == (Verdict.VALID, Verdict.BAD_SIGNATURE)
        assert (verdict(by_old, after), verdict(by_new, after)) == (Verdict.BAD_SIGNATURE, Verdict.VALID)
    for way in WAYS:
        gone = after.replace(**withdrawn(way, old, root))
        assert verdict(by_new, gone) == Verdict.VALID
        assert verdict(transaction(old, signer=named(old, CERT_HASH)), gone) == Verdict.BAD_CERTIFICATE
        assert verdict(by_new, after.replace(**withdrawn(way, new, root))) == Verdict.BAD_CERTIFICATE
    deleted = after.replace(aliases={})
    assert verdict(by_new, deleted) == Verdict.UNKNOWN_SIGNER
    assert verdict(transaction(new, signer=named(new, CERT_HASH)), deleted) == Verdict.VALID


def test_hashes_and_aliases_are_one_name_space_as_read(chain):
    """A certificate's hash given as an alias, and an alias given as a hash."""
    root, alice, _ = chain
    spelt = member(alice, kind=ALIAS, info=digest(alice))
    assert verdict(transaction(alice, signer=spelt), context(root, "compatible", alice)) == Verdict.VALID
    assert verdict(transaction(alice, signer=spelt), context(root, "strict", alice)) == Verdict.UNKNOWN_SIGNER
    called = member(alice, kind=CERT_HASH, info=b"alice")
    assert verdict(transaction(alice, signer=called), context(root, "compatible", alice)) == Verdict.VALID
    assert verdict(transaction(alice, signer=called), context(root, "strict", alice)) == Verdict.UNKNOWN_SIGNER


@pytest.mark.parametrize("kind", KINDS)
def test_a_trust_member(kind):
    """As read, what the configuration trusts by name is neither revoked nor frozen; strict says it is."""
    root, lone = identity(ORG, "root-cert", ca=True), identity(ORG, "client")
    trusted = (TrustMember(pem=lone.pem, org_id=ORG, role="client"),)
    tx = transaction(lone, signer=named(lone, KINDS[kind]))
    for rules, expected in (("strict", Verdict.BAD_CERTIFICATE), ("compatible", Verdict.VALID)):
        known = context(root, rules, lone, trust_members=trusted)
        assert verdict(tx, known) == Verdict.VALID
        for way in ("serial", "frozen by hash", "frozen by text"):
            assert verdict(tx, known.replace(**withdrawn(way, lone, root))) == expected


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def consensus():
    root = identity(ORG, "root-cert", ca=True)
    return root, {f"node{i}": identity(ORG, "consensus", root) for i in range(4)}


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [CERT, CERT_HASH])
def test_a_proposer_and_a_voter(kind, way, rules, consensus):
    """One vote by a frozen node fails the certificate, as any bad vote for the block does."""
    root, nodes = consensus

    def by_kind(who):
        return named(who, kind)

    known = context(root, rules, *nodes.values(), height=12, previous_block_hash=bytes(32), validators=tuple(nodes))
    known = known.replace(nodes={name: who.pem for name, who in nodes.items()})
    block = certified_block(nodes["node0"], nodes, member=by_kind, sender=nodes["node1"])
    assert LEDGER.validate_block(block, known).valid
    for name, failed in (("node0", {"proposer_signature", "votes", "quorum"}), ("node3", {"votes", "quorum"})):
        report = LEDGER.validate_block(block, known.replace(**withdrawn(way, nodes[name], root)))
        assert {check.name for check in report.failed} - {"voter_binding"} == failed
        assert name in report.check("votes").detail
    three = {name: who for name, who in nodes.items() if name != "node3"}  # a quorum without it
    block = certified_block(nodes["node0"], three, member=by_kind, sender=nodes["node1"])
    assert LEDGER.validate_block(block, known.replace(**withdrawn(way, nodes["node3"], root))).valid


def test_messages_name_what_is_wrong(chain):
    root, alice, bob = chain
    made = identity(ORG, "consensus", root)
    block = messages.Block.FromString(certified_block(made, {"node0": made}))
    tx = transaction(alice, signer=named(alice, ALIAS))
    tx.result.rw_set_hash = bytes(32)
    block.txs[0].CopyFrom(tx)
    known = context(root, "strict", alice, bob, frozen=(digest(alice).hex(),))
    (fault,) = LEDGER.validate_block(block.SerializeToString(), known).faults
    assert "revoked or frozen" in fault.detail
