"""Who may sign: organisations, certificate chains, revocation, roles, and the cache of resolved members."""

from __future__ import annotations

import threading

import pytest
from asn1crypto import pem as armour
from chainmaker_vectors import load, transaction_context
from cryptography.hazmat.primitives import hashes, serialization
from pki import TIME, identity, member, new_key, public_pem, sign, transaction

import pycore
from pycore import Verdict, ledgers
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import PublicKey, parse_certificate
from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.ledger import ChainContext, Policy, TrustMember
from pycore.ledgers.chainmaker.signers import BoundedCache, Signer, TrustStore

LEDGER = ledgers.get("chainmaker")
ORG = "org1"


@pytest.fixture(scope="module")
def root():
    return identity(ORG, "root-cert", ca=True)


@pytest.fixture(scope="module")
def client(root):
    return identity(ORG, "client", root)


def context(*roots, **changes):
    values = {
        "hash": "sha256",
        "trust_roots": {ORG: tuple(who.pem for who in roots)},
        "time": TIME,
        "chain_id": "chain1",
    }
    return ChainContext(**(values | changes))


def verdict(tx, known, **changes):
    return LEDGER.validate_transactions([tx.SerializeToString()], known.replace(**changes) if changes else known)[0]


# ---- organisations and chains ----------------------------------------------------------------------------------------


def test_a_member_of_its_organisation(root, client):
    assert verdict(transaction(client), context(root)) == Verdict.VALID


def test_another_organisation(root, client):
    tx = transaction(client, signer=member(client, org="org2"))
    assert verdict(tx, context(root)) == Verdict.UNKNOWN_SIGNER
    assert verdict(tx, context(root, trust_roots={ORG: (root.pem,), "org2": (root.pem,)})) == Verdict.UNKNOWN_SIGNER


def test_an_organisation_without_roots(root, client):
    assert verdict(transaction(client), context(trust_roots={"org2": (root.pem,)})) == Verdict.UNKNOWN_SIGNER


def test_a_root_of_another_organisation_does_not_vouch(root):
    other = identity("org2", "root-cert", ca=True)
    stranger = identity(ORG, "client", other)  # says org1, signed by org2
    known = context(trust_roots={ORG: (root.pem,), "org2": (other.pem,)})
    assert verdict(transaction(stranger), known) == Verdict.BAD_CERTIFICATE


def test_an_empty_organisation_is_filled_in_by_the_chain_only(root, client):
    tx = transaction(client, signer=member(client, org=""))
    # Its signature holds, but it counts for no row with roles, and that of its transaction's type has some.
    assert verdict(tx, context(root), rules="compatible") == Verdict.POLICY_NOT_MET
    assert verdict(tx, context(root), rules="strict") == Verdict.UNKNOWN_SIGNER


def test_a_certificate_signed_by_nobody_trusted(root):
    lone = identity(ORG, "client")
    forged = identity(ORG, "client", root, issuer_key=new_key())
    for who in (lone, forged):
        assert verdict(transaction(who), context(root)) == Verdict.BAD_CERTIFICATE


def test_without_roots_the_chain_stays_open(root, client):
    forged = identity(ORG, "client", root, issuer_key=new_key())
    for who in (client, forged):
        assert verdict(transaction(who), context(trust_roots={})) == Verdict.VALID


def test_intermediates(root):
    middle = identity(ORG, "ca", root, ca=True)
    lower = identity(ORG, "ca", middle, ca=True)
    leaf = identity(ORG, "client", lower)
    tx = transaction(leaf)
    assert verdict(tx, context(root, middle, lower)) == Verdict.VALID
    # An anchor need not sign itself: it is what the configuration gives without its issuer.
    assert verdict(tx, context(root, lower)) == Verdict.VALID
    assert verdict(tx, context(middle, lower)) == Verdict.VALID
    assert verdict(tx, context(root, middle)) == Verdict.BAD_CERTIFICATE


def test_path_length(root):
    top = identity(ORG, "root-cert", ca=True, path=0)
    middle = identity(ORG, "ca", top, ca=True)
    assert verdict(transaction(identity(ORG, "client", top)), context(top)) == Verdict.VALID
    tx = transaction(identity(ORG, "client", middle))
    assert verdict(tx, context(top, middle)) == Verdict.BAD_CERTIFICATE
    assert verdict(tx, context(top, middle), rules="compatible") == Verdict.VALID  # ends at the intermediate


def test_an_end_entity_is_no_authority(root, client):
    for middle in (
        client,
        identity(ORG, "ca", root, ca=False, path=None),
        identity(ORG, "ca", root, ca=True, signs=False),
    ):
        leaf = identity(ORG, "client", middle)
        assert verdict(transaction(leaf), context(root, middle)) == Verdict.BAD_CERTIFICATE


def test_validity(root):
    late, early = identity(ORG, "client", root, years=(10, 12)), identity(ORG, "client", root, years=(0, 1))
    for who in (late, early):
        assert verdict(transaction(who), context(root)) == Verdict.BAD_CERTIFICATE
    assert (
        verdict(transaction(late), context(root), time=TIME + 8 * 365 * 86400) == Verdict.VALID
    )  # 2032: from the cache, judged again
    short = identity(ORG, "root-cert", ca=True, years=(0, 1))
    assert verdict(transaction(identity(ORG, "client", short)), context(short)) == Verdict.BAD_CERTIFICATE


def test_revoked_and_frozen(root):
    middle = identity(ORG, "ca", root, ca=True)
    leaf = identity(ORG, "client", middle)
    tx, known = transaction(leaf), context(root, middle)
    assert verdict(tx, known) == Verdict.VALID
    for who in (leaf, middle, root):
        assert verdict(tx, known, revoked=(f"{who.certificate.serial_number:x}",)) == Verdict.BAD_CERTIFICATE
        assert verdict(tx, known, frozen=(pycore.hash("sha256", who.der).hex(),)) == Verdict.BAD_CERTIFICATE
        assert verdict(tx, known, frozen=(who.pem,)) == Verdict.BAD_CERTIFICATE
    # As read, freezing is for a member's own certificate, and paths end at the first authority that is given.
    lax = known.replace(rules="compatible")
    assert verdict(tx, lax, frozen=(middle.pem,)) == Verdict.VALID
    assert verdict(tx, lax, frozen=(leaf.pem,)) == Verdict.BAD_CERTIFICATE
    assert verdict(tx, lax, revoked=(middle.certificate.serial_number,)) == Verdict.BAD_CERTIFICATE
    assert verdict(tx, known, revoked=("abcdef",), frozen=("00" * 32,)) == Verdict.VALID


def test_trust_members_need_no_chain(root):
    lone = identity(ORG, "client")
    trusted = TrustMember(pem=lone.pem, org_id=ORG, role="consensus", node_id="node1")
    assert verdict(transaction(lone), context(root), trust_members=(trusted,)) == Verdict.VALID
    assert (
        verdict(transaction(lone, signer=member(lone, org="org2")), context(root), trust_members=(trusted,))
        != Verdict.VALID
    )


def test_certificates_of_sm2(require_vectors):
    """A certificate that was changed anywhere below its signature, or whose signature was, has no chain any more."""
    document = load(require_vectors("chainmaker/tx_cert_sm2_sm3.json"))
    vector = next(v for v in document["vectors"] if v["tamper"] is None)
    known = transaction_context(document)
    tx = messages.parse(messages.Transaction, bytes.fromhex(vector["tx_hex"]), "tx")
    assert verdict(tx, known) == Verdict.VALID
    pem = tx.sender.signer.member_info
    der = bytearray(parse_certificate(pem).der)
    serial = der.index(parse_certificate(pem).serial.to_bytes(3, "big"))
    for at in (serial, len(der) - 1):
        changed = bytearray(der)
        changed[at] ^= 1
        tx.sender.signer.member_info = armour.armor("CERTIFICATE", bytes(changed))
        assert verdict(tx, known) == Verdict.BAD_CERTIFICATE
    # The certificate of another organisation's member, under its own name: a good chain, but not his signature.
    tx.sender.signer.org_id, other = next((org, p) for org, p in document["certs_pem"].items() if p.encode() != pem)
    tx.sender.signer.member_info = other.encode()
    assert verdict(tx, known) == Verdict.BAD_SIGNATURE


# ---- member types ----------------------------------------------------------------------------------------------------


def test_certificate_hash_and_alias(root, client):
    digest = pycore.hash("sha256", client.der)
    by_hash = transaction(client, signer=member(client, kind=1, info=digest))
    assert verdict(by_hash, context(root)) == Verdict.UNKNOWN_SIGNER
    assert verdict(by_hash, context(root), certificates={digest.hex().upper(): client.pem}) == Verdict.VALID
    by_alias = transaction(client, signer=member(client, kind=4, info=b"alice"))
    assert verdict(by_alias, context(root)) == Verdict.UNKNOWN_SIGNER
    assert verdict(by_alias, context(root), aliases={"alice": client.pem}) == Verdict.VALID


@pytest.mark.parametrize("kind", [2, 3, 5, 77])
def test_member_types_that_no_certificate_chain_has(kind, root, client):
    assert verdict(transaction(client, signer=member(client, kind=kind)), context(root)) == Verdict.UNKNOWN_SIGNER


@pytest.mark.parametrize("auth_type", ["PermissionedWithKey", "Public"])
def test_public_keys(auth_type, client):
    known = ChainContext(hash="sha256", auth_type=auth_type, chain_id="chain1")
    bare = member(client, kind=2, info=client.public_pem.encode())
    assert verdict(transaction(client, signer=bare), known) == Verdict.VALID
    assert verdict(transaction(client), known) == Verdict.UNKNOWN_SIGNER  # a certificate
    broken = member(client, kind=2, info=b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    assert verdict(transaction(client, signer=broken), known) == Verdict.MALFORMED_KEY


def test_compressed_keys_and_no_hash(client):
    known = ChainContext(hash="sha256", auth_type="Public", chain_id="chain1")
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d03010703220000")[:-1]
    form = serialization.PublicFormat.CompressedPoint
    point = client.key.public_key().public_bytes(serialization.Encoding.X962, form)
    bare = member(client, kind=2, info=armour.armor("PUBLIC KEY", head + point))
    assert verdict(transaction(client, signer=bare), known) == Verdict.MALFORMED_KEY
    with pytest.raises(pycore.InputError, match="hash"):
        LEDGER.validate_transactions([], known.replace(hash=None))


@pytest.mark.parametrize(
    "info", [b"", b"x", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", b"\x30\x80" * 400, b"0" * 70_000]
)
def test_broken_certificates(info, root, client):
    assert verdict(transaction(client, signer=member(client, info=info)), context(root)) == Verdict.BAD_CERTIFICATE


# ---- algorithms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "k1", "rsa"])
def test_keys_of_every_kind(kind, root):
    who = identity(ORG, "client", root, kind=kind)
    good = transaction(who)
    assert verdict(good, context(root)) == Verdict.VALID
    other = transaction(who)
    good.sender.signature = other.sender.signature
    assert verdict(good, context(root)) == Verdict.BAD_SIGNATURE
    good.sender.signature = other.sender.signature[:-1]
    assert verdict(good, context(root)) == Verdict.MALFORMED_SIGNATURE


@pytest.mark.parametrize("kind", ["p384", "p521", "rsa"])
def test_certificates_signed_with_other_keys(kind):
    top = identity(ORG, "root-cert", ca=True, kind=kind)
    assert verdict(transaction(identity(ORG, "client", top)), context(top)) == Verdict.VALID
    assert (
        verdict(transaction(identity(ORG, "client", top, issuer_key=new_key(kind))), context(top))
        == Verdict.BAD_CERTIFICATE
    )


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
@pytest.mark.parametrize("algorithm", [hashes.SHA384(), hashes.SHA512()])
def test_certificates_with_other_hashes(kind, algorithm):
    """Such a certificate is verified, but ChainMaker has no such hash for the signatures of its owner."""
    top = identity(ORG, "root-cert", ca=True, kind=kind)
    middle = identity(ORG, "ca", top, ca=True, algorithm=algorithm)
    assert verdict(transaction(identity(ORG, "client", middle)), context(top, middle)) == Verdict.VALID
    leaf = identity(ORG, "client", top, algorithm=algorithm)
    assert verdict(transaction(leaf), context(top)) == Verdict.UNSUPPORTED_ALGORITHM


def test_rsa_and_the_chain_hash():
    key = new_key("rsa")
    for hash_, expected in (
        ("sha256", Verdict.VALID),
        ("sm3", Verdict.VALID),
        ("sha3-256", Verdict.UNSUPPORTED_ALGORITHM),
    ):
        tx = messages.Transaction(payload=messages.Payload(chain_id="c", tx_id="t"))
        tx.sender.signer.CopyFrom(messages.Member(member_type=2, member_info=public_pem(key).encode()))
        tx.sender.signature = sign(key, tx.payload.SerializeToString())
        assert verdict(tx, ChainContext(hash=hash_, auth_type="Public")) == expected


# ---- endorsers, payers, policies -------------------------------------------------------------------------------------


def test_endorsers_and_payers(root, client):
    second = identity(ORG, "client", root)
    tx = transaction(client, second, payer=second)
    for rules in ("strict", "compatible"):
        assert verdict(tx, context(root), rules=rules) == Verdict.VALID
    tx.endorsers[0].signature = tx.sender.signature
    assert verdict(tx, context(root), rules="strict") == Verdict.BAD_SIGNATURE
    assert verdict(tx, context(root), rules="compatible") == Verdict.VALID  # dropped, and no policy asks for it
    tx = transaction(client, payer=second)
    tx.payer.signature = tx.sender.signature
    assert verdict(tx, context(root)) == Verdict.BAD_SIGNATURE
    for version, expected in ((2030200, Verdict.BAD_SIGNATURE), (2030300, Verdict.VALID)):  # as read: forgotten since
        assert verdict(tx, context(root), rules="compatible", block_version=version) == expected


@pytest.fixture(scope="module")
def four():
    roots = [identity(f"org{i}", "root-cert", ca=True) for i in range(1, 5)]
    admins = [identity(f"org{i + 1}", "admin", top) for i, top in enumerate(roots)]
    clients = [identity(f"org{i + 1}", "client", top) for i, top in enumerate(roots)]
    known = ChainContext(
        hash="sha256", time=TIME, trust_roots={who.org: (who.pem,) for who in roots}, rules="compatible"
    )
    return known, admins, clients


def test_policies(four):
    known, admins, clients = four
    valid, unmet = Verdict.VALID, Verdict.POLICY_NOT_MET
    cases = [
        (Policy("MAJORITY"), admins[:3], valid),
        (Policy("MAJORITY"), admins[:2], unmet),
        (Policy("MAJORITY"), [admins[0]] * 3, unmet),  # organisations count, not signatures
        (Policy("MAJORITY"), clients, unmet),  # administrators when no roles are given
        (Policy("MAJORITY", roles=("client",)), clients[1:3], valid),  # a row that the chain does not take
        (Policy("ALL", roles=("client",)), clients[1:], valid),
        (Policy("ALL", roles=("client",)), clients[1:3], unmet),
        (Policy("ALL", orgs=("org1", "org2")), [clients[1]], valid),
        (Policy("ANY", roles=("admin",)), [], unmet),
        (Policy("ANY", roles=("admin",)), admins[3:], valid),
        (Policy("ANY", orgs=("org4",)), admins[:3], unmet),
        (Policy("FORBIDDEN"), admins, unmet),
        (Policy("3"), admins[1:3], valid),
        (Policy("4"), admins[1:3], unmet),
        (Policy("2/3", roles=("admin",)), admins[:3], valid),
        (Policy("2/3", roles=("admin",)), admins[:2], unmet),
        (Policy("5/3"), admins, unmet),
    ]
    for policy, endorsers, expected in cases:
        tx = transaction(clients[0], *endorsers)
        assert verdict(tx, known, policies={"C-m": policy}) == expected, (policy, len(endorsers))
        assert verdict(tx, known, policies={"C-other": policy}) == valid


def test_a_dropped_endorsement_does_not_count(four):
    known, admins, clients = four
    tx = transaction(clients[0], *admins[:3])
    tx.endorsers[1].signature = tx.endorsers[0].signature
    assert verdict(tx, known, policies={"C-m": Policy("MAJORITY")}) == Verdict.POLICY_NOT_MET


# ---- header rules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"chain_id": "chain2"}, Verdict.MALFORMED_ITEM),
        ({"tx_id": "x" * 64}, Verdict.VALID),
        ({"tx_id": "x" * 65}, Verdict.MALFORMED_ITEM),
        ({"tx_id": "\u00e9" * 33}, Verdict.MALFORMED_ITEM),  # 66 bytes
        ({"tx_id": "\u00e9" * 32}, Verdict.VALID),
        ({"tx_id": ""}, Verdict.MALFORMED_ITEM),
        ({"tx_id": "a b"}, Verdict.MALFORMED_ITEM),
        ({"tx_id": "a\n"}, Verdict.MALFORMED_ITEM),
        ({"tx_id": "a-b/c"}, Verdict.VALID),  # the error text of the chain says otherwise, its expression does not
        ({"tx_id": "a b", "tx_type": 1}, Verdict.VALID),  # only INVOKE_CONTRACT is matched
        ({"tx_id": "", "tx_type": 1}, Verdict.VALID),
        ({"expiration_time": 5}, Verdict.MALFORMED_ITEM),
        ({"expiration_time": 6}, Verdict.VALID),
        ({"expiration_time": -1}, Verdict.MALFORMED_ITEM),
    ],
)
def test_header_rules(changes, expected, root, client):
    assert verdict(transaction(client, **changes), context(root)) == expected


def test_missing_parts(root, client):
    for field in ("payload", "sender"):
        tx = transaction(client)
        tx.ClearField(field)
        assert verdict(tx, context(root)) == Verdict.MALFORMED_ITEM
    tx = transaction(client)
    tx.sender.ClearField("signer")
    assert verdict(tx, context(root)) == Verdict.MALFORMED_ITEM
    tx = transaction(client)
    tx.sender.signature = b""
    assert verdict(tx, context(root)) == Verdict.MALFORMED_SIGNATURE
    got = LEDGER.validate_transactions([b"\xff", transaction(client).SerializeToString(), b""], context(root))
    assert [v.name for v in got] == ["MALFORMED_ITEM", "VALID", "MALFORMED_ITEM"]


@pytest.mark.parametrize("others", [1, 40])
@pytest.mark.parametrize("fields", ["0a05", "32026162ff", "3201ff", "3a016d0a0161320163ff"])
def test_a_payload_that_does_not_parse_is_a_fault_of_its_transaction(root, client, fields, others):
    payload = bytes.fromhex(fields)  # cut off; a broken tag; not UTF-8; broken behind fields out of order
    items = [transaction(client).SerializeToString()] * others
    items.insert(others // 2, bytes([0x0A, len(payload)]) + payload)
    got = LEDGER.validate_transactions(items, context(root))
    assert got.codes.tolist() == [
        Verdict.MALFORMED_ITEM if i == others // 2 else Verdict.VALID for i in range(others + 1)
    ]


# ---- cache -----------------------------------------------------------------------------------------------------------


def test_members_are_resolved_once(root, client, monkeypatch):
    from pycore.ledgers.chainmaker import signers

    store = TrustStore(context(root), "sha256")
    key = (0, ORG, client.pem.encode())
    first = store.resolve([key], TIME)[key]
    monkeypatch.setattr(signers, "parse_certificate", lambda data, **_: pytest.fail("parsed again"))
    assert store.resolve([key, key], TIME)[key] is first
    assert store.cached == 1


def test_nobody_without_a_key_is_valid(root, client):
    key = parse_certificate(client.pem.encode()).key
    assert Signer(Verdict.VALID, "", ORG, key=key, hash="sha256").at(TIME)[0] == Verdict.VALID
    for known in ({}, {"key": key}, {"hash": "sha256"}):
        assert Signer(Verdict.VALID, "", ORG, **known).at(None)[0] == Verdict.UNSUPPORTED_ALGORITHM


@pytest.mark.parametrize("count", [1, 40])
def test_nothing_is_valid_that_was_not_verified(count, client, monkeypatch):
    """Whatever a member's key holds: its signatures go to the kernels, or are UNCHECKED."""
    items = [transaction(client, tx_id=f"tx{i}").SerializeToString() for i in range(count)]
    monkeypatch.setattr(TrustStore, "resolve", lambda store, names, time: dict.fromkeys(names, empty))
    known = ChainContext(auth_type="Public", hash="sha256")
    empty = Signer(Verdict.VALID, "", ORG, ORG, "CLIENT", PublicKey("rsa", b""), "sha256")
    assert set(LEDGER.validate_transactions(items, known).codes.tolist()) == {Verdict.MALFORMED_KEY}
    monkeypatch.setattr(SignatureBatch, "add", lambda *_: -1)
    monkeypatch.setattr(SignatureBatch, "add_rows", lambda *_: -(10**6))
    assert set(LEDGER.validate_transactions(items, known).codes.tolist()) == {Verdict.UNCHECKED}


def test_failures_take_no_room(root, client):
    store = TrustStore(context(root), "sha256", capacity=4)
    good = (0, ORG, client.pem.encode())
    store.resolve([good], TIME)
    for i in range(20):
        bad = (0, ORG, b"no certificate %d" % i)
        assert store.resolve([bad], TIME)[bad].verdict == Verdict.BAD_CERTIFICATE
    assert store.cached == 1


def test_organisations_that_nobody_checks_are_not_held_in_memory():
    """Members of a public chain may claim any organisation, of any length."""
    key = public_pem(new_key())
    known = ChainContext(auth_type="Public", hash="sha256", admin_keys=(key,))
    store = TrustStore(known, "sha256", max_bytes=1 << 20)
    members = [(2, letter * 200_000, key.encode()) for letter in "abcdef"]
    found = store.resolve(members, None)
    assert {signer.verdict for signer in found.values()} == {Verdict.VALID}
    assert store.cached == 0
    rules = AccessRules(known, admins=1)
    kind = rules.kind(0, b"", lambda: b"")
    answers = len(rules._answers)
    for signer in found.values():
        assert rules.by_sender(kind, store.voter(signer)).ok
    assert len(rules._answers) == answers


def test_the_cache_is_bounded():
    cache = BoundedCache(3)
    for i in range(10):
        cache.put(i, i)
        assert cache.get(7) in (None, 7)
    assert len(cache) == 3
    assert cache.get(9) == 9
    assert cache.get(0) is None
    cache.get(7)
    cache.put(10, 10)
    cache.put(11, 11)
    assert cache.get(7) == 7  # used last, so kept


def test_contexts_of_one_chain_share_a_store(root):
    from pycore.ledgers.chainmaker.signers import trust_store

    known = context(root)
    assert trust_store(known, "sha256") is trust_store(
        known.replace(height=7, previous_block_hash=b"\1" * 32, time=TIME + 1), "sha256"
    )
    assert trust_store(known, "sha256") is not trust_store(known.replace(frozen=("00" * 32,)), "sha256")


def test_many_threads(root):
    clients = [identity(ORG, "client", root) for _ in range(6)]
    forged = identity(ORG, "client", root, issuer_key=new_key())
    txs = [transaction(who) for who in [*clients, forged]]
    encoded = [tx.SerializeToString() for tx in txs]
    known = context(root, chain_id=None)
    failures = []

    def work():
        for _ in range(5):
            got = LEDGER.validate_transactions(encoded, known)
            if got.codes.tolist() != [Verdict.VALID] * 6 + [Verdict.BAD_CERTIFICATE]:
                failures.append(got)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
