"""Members resolved together are what each of them is by itself."""

from __future__ import annotations

import pytest
from pki import TIME, identity, new_key

import pycore
from pycore import Verdict
from pycore.identities import collector
from pycore.ledgers.chainmaker import signers
from pycore.ledgers.chainmaker.cache import BoundedCache
from pycore.ledgers.chainmaker.ledger import ChainContext, TrustMember
from pycore.ledgers.chainmaker.signers import ALIAS, CERT, CERT_HASH, TrustStore

ORG, OTHER, FOREIGN = "org1", "org2", "org3"
YEAR = 365 * 86400


@pytest.fixture(scope="module")
def population():
    """A chain that knows something against every kind of member, and members of every kind."""
    root, second = identity(ORG, "root-cert", ca=True), identity(OTHER, "root-cert", ca=True)
    middle, stopped = identity(ORG, "ca", root, ca=True), identity(ORG, "ca", root, ca=True)
    good = [identity(ORG, "client", issuer) for issuer in (root, root, middle)] + [identity(OTHER, "admin", second)]
    lone, late = identity(ORG, "consensus"), identity(ORG, "client", root, years=(10, 12))
    revoked, frozen = identity(ORG, "client", root), identity(ORG, "client", root)
    below, nobody = identity(ORG, "client", stopped), identity(ORG, "", root)
    forged = identity(ORG, "client", root, issuer_key=new_key())
    foreign = identity(FOREIGN, "root-cert", ca=True)
    everybody = [*good, lone, late, revoked, frozen, below, nobody, forged, foreign, root]
    digests = {who.pem: pycore.hash("sha256", who.der) for who in everybody}
    known = ChainContext(
        hash="sha256",
        trust_roots={ORG: (root.pem, middle.pem, stopped.pem), OTHER: (second.pem,)},
        trust_members=(TrustMember(pem=lone.pem, org_id=ORG, role="consensus", node_id="node1"),),
        certificates={digests[who.pem].hex(): who.pem for who in everybody} | {"00" * 32: good[0].pem},
        aliases={"alice": good[1].pem, "bob\N{SNOWMAN}": frozen.pem},
        revoked=(revoked.certificate.serial_number, stopped.certificate.serial_number),
        frozen=(frozen.pem,),
        release="2.3.4",
    )
    members = [(CERT, org, who.pem.encode()) for who in everybody for org in (ORG, OTHER, "")]
    members += [(CERT_HASH, ORG, digests[who.pem]) for who in everybody]
    members += [(ALIAS, ORG, name) for name in (b"alice", "bob\N{SNOWMAN}".encode(), b"\xff", b"a" * 5000)]
    members += [(CERT_HASH, ORG, info) for info in (bytes(32), b"alice", b"", b"\x01" * 32, b"\xff" * (1 << 20))]
    members += [(kind, ORG, b"x") for kind in (CERT, 2, 3, 5)]
    members += [(CERT, ORG, good[0].pem.replace("\n", "\r\n").encode()), (CERT, ORG, good[0].der)]
    return known, members


@pytest.mark.parametrize("rules", ["strict", "compatible"])
@pytest.mark.parametrize("time", [None, TIME, TIME + 8 * YEAR])
@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_together_and_one_by_one(population, rules, time, chunk, monkeypatch):
    known, members = population
    known = known.replace(rules=rules)
    alone = {member: TrustStore(known, "sha256").resolve([member], time)[member] for member in members}
    monkeypatch.setattr(signers, "_CHUNK", chunk)
    store = TrustStore(known, "sha256")
    assert store.resolve(members + members[:5], time) == alone
    assert store.resolve(iter(reversed(members)), time) == alone  # some of them from the cache now
    verdicts = {signer.verdict for signer in alone.values()}
    assert verdicts == {Verdict.VALID, Verdict.BAD_CERTIFICATE, Verdict.UNKNOWN_SIGNER}
    assert store.cached == sum(signer.verdict == Verdict.VALID for signer in alone.values())


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_times_after_each_other(population, rules):
    """Members in the cache are judged by their dates each time; what a store saw before changes nothing."""
    known, members = population
    known = known.replace(rules=rules)
    store = TrustStore(known, "sha256")
    for time in (None, TIME, TIME + 11 * YEAR, TIME + 30 * YEAR, TIME):
        found = {member: signer.at(time) for member, signer in store.resolve(members, time).items()}
        fresh = TrustStore(known, "sha256").resolve(members, time)
        assert found == {member: signer.at(time) for member, signer in fresh.items()}


def test_certificates_are_hashed_and_read_once(population, monkeypatch):
    known, members = population
    calls, read = [], []
    hash_batch, parse = signers.hash_batch, signers.parse_certificate
    store = TrustStore(known, "sha256")
    monkeypatch.setattr(signers, "hash_batch", lambda *arguments: calls.append(0) or hash_batch(*arguments))
    monkeypatch.setattr(signers, "parse_certificate", lambda data, **rules: read.append(data) or parse(data, **rules))
    store.resolve(members, TIME)
    assert len(calls) == 1
    assert len(read) == len(set(read))


def test_many_keys_of_a_cache():
    cache: BoundedCache[int, str] = BoundedCache(3)
    for key in (1, 2, 3):
        cache.put(key, str(key))
    assert cache.get_all(iter([7, 1, 7, 1])) == {7: None, 1: "1"}
    assert (cache.hits, cache.misses) == (1, 1)
    cache.put(4, "4")
    assert cache.get_all([1, 2, 3, 4]) == {1: "1", 2: None, 3: "3", 4: "4"}  # 1 was used after 2
    assert cache.get_all([]) == {}


def test_the_bound_on_rare_curves_is_that_of_the_call(monkeypatch):
    """However few members are resolved at a time."""
    root = identity(ORG, "root-cert", ca=True, kind="p384")
    members = [(CERT, ORG, identity(ORG, "client", root).pem.encode()) for _ in range(4)]
    store = TrustStore(ChainContext(hash="sha256", trust_roots={ORG: (root.pem,)}), "sha256")
    monkeypatch.setattr(signers, "_CHUNK", 2)
    monkeypatch.setattr(collector, "MAX_RARE", 3)
    with pytest.raises(pycore.InputError, match="4 on P-384"):
        store.resolve(members, TIME)
    again = store.resolve(members, TIME)  # the first two are known by now
    assert {signer.verdict for signer in again.values()} == {Verdict.VALID}
