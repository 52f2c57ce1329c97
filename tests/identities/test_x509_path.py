"""Paths: every rule with a case that it lets through and one that it refuses, under both sets of rules."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import random
import subprocess
from dataclasses import dataclass

import pytest
import x509_make as m
from chainmaker_vectors import load

import pycore
from pycore.identities.x509 import CertificateError, parse_certificate
from pycore.identities.x509_path import MAX_AUTHORITIES, MAX_ISSUERS, Authorities, NoPath, Path

BOTH = ("strict", "compatible")
CHAIN_CASES = "chainmaker-access/cert_chain_cases.json"


def never(certificate, height):
    return False


def authorities(pool, anchors, rules, **options):
    parsed = [parse_certificate(made.der, rules=rules) for made in pool]
    ends = {"org1": frozenset(made.der for made in anchors)}
    return Authorities(parsed, ends, rules=rules, der_rules="strict" if rules == "strict" else "go", **options)


def find(leaf, pool, anchors, rules, *, time=m.TIME, blocked=never, org="org1"):
    known = authorities(pool, anchors, rules)
    return known.find([(parse_certificate(leaf.der, rules=rules), org)], time=time, blocked=blocked)[0]


def names(path):
    assert isinstance(path, Path), path
    return [certificate.common_name for certificate in path.certificates]


@dataclass
class Chain:
    leaf: m.Made
    middle: m.Made
    top: m.Made


def named(name, *arguments, **options):
    return m.make(options.pop("subject", name), *arguments, **options)


def chain(leaf=None, middle=None, top=None):
    root = named("top", **({"ca": True} | (top or {})))
    between = named("middle", root, **({"ca": True} | (middle or {})))
    return Chain(named("leaf", between, **(leaf or {})), between, root)


# ---- one rule at a time ----------------------------------------------------------------------------------------------

OLD, FUTURE = (b"100101000000Z", b"150101000000Z"), (b"300101000000Z", m.AFTER)
HOST = [m.alternatives(m.dns("a.example.org"), m.email("joe@example.org"), m.uri("https://a.example.org:80/x"),
                       m.address(b"\x0a\1\2\3"))]  # fmt: skip


def nc(*permitted, excluded=(), critical=True):
    return {"more": [m.constraints(permitted, excluded, critical)]}


def leaf_with(*alternatives):
    return {"more": [m.alternatives(*alternatives)]}


def policies(number, value, critical):
    return {"more": [m.ext(number, value, critical)]}


MAPPINGS = m.seq(m.seq(m.oid("1.2.3"), m.oid("1.2.4")))
POLICIES = m.seq(m.seq(m.oid("1.2.3")))
REQUIRED = m.seq(m.tlv(0x80, b"\0"))
DIRECTORY = m.directory(m.name("x"))
A_EMAIL = m.attribute("1.2.840.113549.1.9.1", "joe@example.org", 0x16)
CASES = {
    # rule: (leaf, middle, top, path under strict, path under compatible); LAXER has where OpenSSL differs from strict
    "plain": ({}, {}, {}, True, True),
    "leaf expired": ({"validity": OLD}, {}, {}, False, False),
    "leaf not valid yet": ({"validity": FUTURE}, {}, {}, False, False),
    "middle expired": ({}, {"validity": OLD}, {}, False, False),
    "top expired": ({}, {}, {"validity": OLD}, False, False),
    "forged leaf": ({"signer": m.KEYS[0], "key": m.KEYS[0]}, {"key": m.KEYS[1]}, {}, False, False),
    "forged middle": ({}, {"signer": m.KEYS[0]}, {"key": m.KEYS[1]}, False, False),
    "another issuer's name": ({"issuer_name": m.name("middle2")}, {}, {}, False, False),
    "the same name in another form": ({"issuer_name": m.name("middle").replace(b"\x0c\x06m", b"\x13\x06m")}, {}, {},
                                      False, False),
    "no key identifiers": ({"key_id": None, "authority": None}, {"key_id": None, "authority": None}, {"key_id": None},
                           True, True),
    "another key identifier than the authority's": ({"authority": b"\xffother"}, {}, {}, False, True),
    "key identifier only below": ({"authority": b"\xffother"}, {"key_id": None}, {}, True, True),
    "middle without basicConstraints": ({}, {"ca": False}, {}, False, False),
    "middle says no authority": ({}, {"extensions": [m.ext(19, m.seq())]}, {}, False, False),
    "middle of version 1": ({}, {"version": b"", "extensions": [], "key_id": None}, {}, False, True),
    "middle without key usage": ({}, {"extensions": [m.basic()], "key_id": None}, {}, True, True),
    "middle without keyCertSign": ({}, {"extensions": [m.basic(), m.usage(0x82)], "key_id": None}, {}, False, False),
    "path length 0 above a leaf": ({}, {"path": 0}, {}, True, True),
    "path length 0 above an authority": ({}, {}, {"path": 0}, False, False),
    "path length 1 above an authority": ({}, {}, {"path": 1}, True, True),
    "unknown critical extension in the leaf": ({"more": [m.ext("1.2.3", b"\5\0", True)]}, {}, {}, False, False),
    "unknown critical extension in the middle": ({}, {"more": [m.ext("1.2.3", b"\5\0", True)]}, {}, False, False),
    "unknown critical extension at the top": ({}, {}, {"more": [m.ext("1.2.3", b"\5\0", True)]}, False, False),
    "unknown extension": ({"more": [m.ext("1.2.3", b"\5\0")]}, {}, {}, True, True),
    "policies": (policies(32, POLICIES, False), {}, {}, True, True),
    "critical policies": (policies(32, POLICIES, True), {}, {}, False, True),
    "policy mappings": ({}, policies(33, MAPPINGS, False), {}, False, True),
    "critical policy mappings": ({}, policies(33, MAPPINGS, True), {}, False, False),
    "policy constraints": ({}, policies(36, REQUIRED, False), {}, False, True),
    "critical policy constraints": ({}, policies(36, REQUIRED, True), {}, False, False),
    "inhibitAnyPolicy": ({}, policies(54, m.integer(0), False), {}, False, True),
    "critical distribution points": (policies(31, m.seq(m.seq()), True), {}, {}, False, True),
    "critical extended key usage": (policies(37, m.seq(m.oid("1.2.3")), True), {}, {}, True, True),
    "critical freshest list": (policies(46, m.seq(m.seq()), True), {}, {}, False, False),
    "critical alternative name": ({"more": [m.alternatives(m.dns("a"), critical=True)]}, {}, {}, True, True),
    "critical alternative name of another kind": ({"more": [m.alternatives(DIRECTORY, critical=True)]}, {}, {},
                                                  False, False),
    "leaf without a subject": ({"subject": m.seq()}, {}, {}, False, True),
    "leaf named by alternatives": ({"subject": m.seq(), "more": [m.alternatives(m.dns("a"), critical=True)]}, {}, {},
                                   True, True),
    # name constraints, critical or not
    "names all permitted": ({"more": HOST}, nc(m.dns("example.org"), m.email("example.org"), m.uri("a.example.org"),
                                               m.address(b"\x0a\0\0\0\xff\0\0\0")), {}, True, True),
    "names permitted by the top": ({"more": HOST}, {}, nc(m.dns("example.org")), True, True),
    "host not permitted": ({"more": HOST}, nc(m.dns("example.com")), {}, False, False),
    "host not permitted, not critical": ({"more": HOST}, nc(m.dns("example.com"), critical=False), {}, False, False),
    "host excluded by the top": ({"more": HOST}, {}, nc(excluded=[m.dns("example.org")]), False, False),
    "host with the same ending": (leaf_with(m.dns("badexample.org")), nc(m.dns("example.org")), {}, False, False),
    "host in capitals": (leaf_with(m.dns("A.EXAMPLE.ORG")), nc(m.dns("Example.org")), {}, True, True),
    "the host itself": (leaf_with(m.dns("example.org")), nc(m.dns("example.org")), {}, True, True),
    "any host": (leaf_with(m.dns("example.org")), nc(m.dns("")), {}, True, True),
    "wildcard over an excluded host": (leaf_with(m.dns("*.example.org")), nc(excluded=[m.dns("a.example.org")]), {},
                                       False, True),
    "one of two hosts": (leaf_with(m.dns("a.org"), m.dns("b.com")), nc(m.dns("org")), {}, False, False),
    "constraints on other kinds of names": (leaf_with(m.dns("a.org")), nc(m.email("b.com")), {}, True, True),
    "mail at the host": (leaf_with(m.email("joe@example.org")), nc(m.email("example.org")), {}, True, True),
    "mail below the host": (leaf_with(m.email("joe@a.example.org")), nc(m.email("example.org")), {}, False, True),
    "mail below the domain": (leaf_with(m.email("joe@a.example.org")), nc(m.email(".example.org")), {}, True, True),
    "mail not below the domain": (leaf_with(m.email("joe@example.org")), nc(m.email(".example.org")), {}, False, False),
    "mailbox": (leaf_with(m.email("joe@Example.org")), nc(m.email("joe@example.ORG")), {}, True, True),
    "another mailbox": (leaf_with(m.email("Joe@example.org")), nc(m.email("joe@example.org")), {}, False, False),
    "mail excluded": (leaf_with(m.email("joe@example.org")), nc(excluded=[m.email("example.org")]), {}, False, False),
    "mail without a host": (leaf_with(m.email("joe")), nc(m.email("example.org")), {}, False, False),
    "mail in the subject": ({"subject": m.name("the leaf", "org1", "u", A_EMAIL)}, nc(m.email("b.com")), {},
                            False, True),
    "URI": (leaf_with(m.uri("http://a.org/x")), nc(m.uri("a.org")), {}, True, True),
    "URI below the host": (leaf_with(m.uri("http://b.a.org/x")), nc(m.uri("a.org")), {}, False, True),
    "URI below the domain": (leaf_with(m.uri("http://u@b.a.org:1/x")), nc(m.uri(".a.org")), {}, True, True),
    "URI excluded": (leaf_with(m.uri("http://a.org/x")), nc(excluded=[m.uri("a.org")]), {}, False, False),
    "URI without a host": (leaf_with(m.uri("urn:x")), nc(m.uri("a.org")), {}, False, False),
    "URI with an address": (leaf_with(m.uri("http://10.1.1.1/")), nc(m.uri("a.org")), {}, False, False),
    "address": (leaf_with(m.address(b"\x0a\1\2\3")), nc(m.address(b"\x0a\1\0\0\xff\xff\0\0")), {}, True, True),
    "address outside": (leaf_with(m.address(b"\x0a\2\2\3")), nc(m.address(b"\x0a\1\0\0\xff\xff\0\0")), {},
                        False, False),
    "address excluded": (leaf_with(m.address(b"\x0a\1\2\3")), nc(excluded=[m.address(b"\x0a\1\0\0\xff\xff\0\0")]), {},
                         False, False),
    "address of the other version": (leaf_with(m.address(bytes(16))), nc(m.address(bytes(8))), {}, False, False),
    "directory names": ({}, nc(DIRECTORY), {}, False, False),
    "directory names, not critical": ({"subject": m.name("the leaf")}, nc(DIRECTORY, critical=False), {}, False, True),
    "constraints of no authority": (nc(m.dns("a.org")), {}, {}, False, True),
    "names of the authority below": ({"subject": m.name("the leaf")}, {"more": [m.alternatives(m.dns("b.com"))]},
                                     nc(m.dns("a.org")), False, True),
    "a common name like a host": ({}, nc(m.dns("a.org")), {}, False, False),
    "a common name unlike a host": ({"subject": m.name("the leaf")},
                                    {"subject": m.name("the middle")} | nc(m.dns("a.org")), {}, True, True),
}  # fmt: skip


@pytest.mark.parametrize("rules", BOTH)
@pytest.mark.parametrize("rule", CASES)
def test_one_rule(rule, rules):
    *parts, strict, compatible = CASES[rule]
    made = chain(*parts)
    got = find(made.leaf, [made.top, made.middle], [made.top], rules)
    assert isinstance(got, Path) == (strict if rules == "strict" else compatible), got
    if isinstance(got, Path):
        assert [item.der for item in got.certificates] == [made.leaf.der, made.middle.der, made.top.der]
        assert got.window == (1577836800, 2208988800)
    else:
        assert any(word in got.reason for word in ("leaf", "middle", "top", "without a name")), got.reason


# What OpenSSL takes and `strict` does not: ChainMaker's own rules, and what we refuse because we do not evaluate it.
LAXER = {
    "the same name in another form",  # names are compared by their text there
    "critical policies", "policy mappings", "critical policy mappings", "policy constraints",
    "critical policy constraints", "inhibitAnyPolicy",  # evaluated, and no policy is asked for
    "wildcard over an excluded host",
    "constraints of no authority",
    "a common name like a host",
    "leaf without a subject",
    "critical alternative name of another kind",
}  # fmt: skip


@pytest.fixture(scope="module")
def openssl():
    try:
        done = subprocess.run(["openssl", "version"], capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not installed")
    if not done.stdout.startswith("OpenSSL 3"):
        pytest.skip(f"another openssl: {done.stdout.strip()}")


def openssl_takes(folder, leaf, pool, top):
    for file, group in (("leaf", [leaf]), ("pool", pool), ("top", [top])):
        (folder / f"{file}.pem").write_bytes(b"".join(made.pem for made in group))
    command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-attime", str(int(m.TIME))]
    files = ["-CAfile", folder / "top.pem", "-untrusted", folder / "pool.pem", folder / "leaf.pem"]
    return subprocess.run(command + files, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("rule", CASES)
def test_openssl_agrees(rule, tmp_path, openssl):
    """`strict` takes no path that OpenSSL refuses, and refuses only those that LAXER tells about."""
    *parts, strict, _ = CASES[rule]
    made = chain(*parts)
    assert openssl_takes(tmp_path, made.leaf, [made.middle], made.top) == (strict or rule in LAXER)


# ---- trust roots, revocation, dates ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three():
    return chain()


@pytest.mark.parametrize("rules", BOTH)
def test_where_a_path_ends(three, rules):
    pool = [three.top, three.middle]
    assert names(find(three.leaf, pool, [three.top], rules)) == ["leaf", "middle", "top"]
    assert names(find(three.leaf, pool, [three.top, three.middle], rules)) == ["leaf", "middle"]
    assert names(find(three.leaf, pool, [three.leaf], rules)) == ["leaf"]
    assert names(find(three.top, pool, [three.top], rules)) == ["top"]
    assert names(find(three.middle, pool, [three.top], rules)) == ["middle", "top"]
    assert "leaf" in find(three.leaf, pool, [], rules).reason
    assert "org2" in find(three.leaf, pool, [three.top], rules, org="org2").reason
    assert "'middle'" in find(three.leaf, [three.middle], [three.top], rules).reason
    assert "'leaf'" in find(three.leaf, [three.top], [three.top], rules).reason
    assert "'leaf'" in find(three.leaf, [three.leaf], [three.top], rules).reason


@pytest.mark.parametrize("rules", BOTH)
def test_blocked(three, rules):
    """Every certificate is asked about, with its height, and a way around is found."""
    pool = [three.top, three.middle]
    for height, made in enumerate([three.leaf, three.middle, three.top]):
        seen = []

        def blocked(certificate, at, made=made, seen=seen):
            seen.append((certificate.common_name, at))
            return certificate.der == made.der

        found = find(three.leaf, pool, [three.top], rules, blocked=blocked)
        assert "revoked or frozen" in found.reason
        assert seen[-1] == (["leaf", "middle", "top"][height], height)
        assert len(seen) == len(set(seen)) == height + 1
    second = m.make("middle", three.top, ca=True, key=three.middle.key, key_id=three.middle.key_id)
    around = find(three.leaf, [*pool, second], [three.top], rules, blocked=lambda item, _: item.der == three.middle.der)
    assert around.certificates[1].der == second.der
    # A certificate blocked only as a signer may still stand above one.
    found = find(
        three.leaf, pool, [three.top], rules, blocked=lambda item, at: at == 0 and item.der == three.middle.der
    )
    assert names(found) == ["leaf", "middle", "top"]
    assert "revoked" in find(three.top, pool, [three.top], rules, blocked=lambda item, at: at == 0).reason


@pytest.mark.parametrize("rules", BOTH)
def test_time(rules):
    made = chain({"validity": (b"220101000000Z", m.AFTER)}, {"validity": (m.BEFORE, b"250101000000Z")})
    pool = [made.top, made.middle]
    first, last = 1640995200, 1735689600
    for time, good in ((first - 1, False), (first, True), (last, True), (last + 1, False), (None, True)):
        found = find(made.leaf, pool, [made.top], rules, time=time)
        assert isinstance(found, Path) == good, time
        if good:
            assert found.window == (first, last)
    assert "expired" in find(made.top, pool, [made.top], rules, time=1e12).reason


@pytest.mark.parametrize("rules", BOTH)
def test_many_leaves_in_one_call(three, rules):
    leaves = [m.make(f"leaf {i}", three.middle) for i in range(20)]
    forged = m.make("forged", three.middle, signer=m.rsa_key())
    known = authorities([three.top, three.middle], [three.top], rules)
    asked = [(parse_certificate(made.der), "org1") for made in [*leaves, forged, *leaves]]
    found = known.find(asked, time=m.TIME, blocked=never)
    assert [isinstance(item, Path) for item in found] == [True] * 20 + [False] + [True] * 20
    before = dict(known.counts)
    known.find(asked[:1], time=m.TIME, blocked=never)
    assert known.counts["signatures"] == before["signatures"] + 1  # the authorities are known by now


@pytest.mark.parametrize("rules", BOTH)
def test_algorithms(rules):
    root = m.make("top", ca=True, key=m.rsa_key())
    leaf = m.make("leaf", root)
    assert names(find(leaf, [root], [root], rules)) == ["leaf", "top"]
    odd = m.make("leaf", root, inner=("1.2.840.113549.1.1.10", m.seq()))  # RSASSA-PSS
    assert "1.2.840.113549.1.1.10" in find(odd, [root], [root], rules).reason


def test_the_algorithm_and_the_kind_of_key():
    """ChainMaker verifies with whatever key the issuer has; `strict` wants the algorithm's own kind."""
    root = m.make("top", ca=True)
    odd = m.make("leaf", root, inner=(m.RSA_SHA256, m.NULL))
    assert isinstance(find(odd, [root], [root], "strict"), NoPath)
    assert isinstance(find(odd, [root], [root], "compatible"), Path)


@pytest.mark.parametrize("rules", BOTH)
def test_how_long_a_path_may_be(rules):
    links = [m.make("a 0", ca=True)]
    for i in range(1, 10):
        links.append(m.make(f"a {i}", links[-1], ca=True))
    for count, good in ((7, True), (8, True), (9, False)):
        leaf = m.make("leaf", links[count - 1])
        found = find(leaf, links, links[:1], rules)
        assert isinstance(found, Path) == good, count
        if not good:
            assert "longer than 8" in found.reason


@pytest.mark.parametrize("rules", BOTH)
def test_a_longer_way_where_the_short_one_is_closed(rules):
    """The path length limit, the date and the names close some ways, not the search."""
    root = m.make("top", ca=True)
    limited = m.make("top", ca=True, path=0, key=root.key, key_id=root.key_id)
    upper = m.make("upper", root, ca=True)
    lower = m.make("lower", upper, ca=True)
    old = m.make("lower", root, ca=True, key=lower.key, key_id=lower.key_id, validity=OLD)
    leaf = m.make("leaf", lower)
    found = find(leaf, [limited, old, root, upper, lower], [root, limited], rules)
    assert names(found) == ["leaf", "lower", "upper", "top"]
    assert found.certificates[-1].der == root.der


@pytest.mark.parametrize("rules", BOTH)
def test_the_shortest_path_is_taken(rules):
    root = m.make("top", ca=True)
    upper = m.make("upper", root, ca=True)
    far = m.make("lower", upper, ca=True)
    near = m.make("lower", root, ca=True, key=far.key, key_id=far.key_id)
    leaf = m.make("leaf", near)
    for pool in ([far, near, upper, root], [near, far, upper, root]):
        assert names(find(leaf, pool, [root], rules)) == ["leaf", "lower", "top"]


# ---- hostile configurations ------------------------------------------------------------------------------------------


def mesh(count, identifiers):
    """Authorities of one name that may all have signed each other: with one key each link even holds."""
    key, own = m.KEYS[0], m.name("mesh")
    made = [m.make(own, ca=True, key=key, key_id=b"\xffmesh" if identifiers else None, authority=None if not identifiers
            else b"\xffmesh") for _ in range(count)]  # fmt: skip
    return made, m.Made(b"", key, own, b"\xffmesh" if identifiers else None)


@pytest.mark.parametrize("rules", BOTH)
@pytest.mark.parametrize("identifiers", [False, True])
def test_a_mesh_costs_as_much_as_it_has_certificates(rules, identifiers):
    for count in (16, 64, 512):
        pool, issuer = mesh(count, identifiers)
        leaves = [(parse_certificate(m.make(f"leaf {i}", issuer).der), "org1") for i in range(4)]
        known = authorities(pool, [], rules)
        for _ in range(3):
            assert all(isinstance(item, NoPath) for item in known.find(leaves, time=m.TIME, blocked=never))
        assert known.counts["links"] <= MAX_ISSUERS * (count + 3 * len(leaves))
        assert known.counts["signatures"] == known.counts["links"]
        assert known.counts["steps"] <= 3 * 10 * MAX_ISSUERS * count
        assert bool(known.problems) == (count > MAX_ISSUERS)
        if known.problems:
            assert f"{count} authorities are named 'mesh'" in known.problems[0]
        # Trust roots are tried first, wherever they stand among their namesakes.
        known = authorities(pool, pool[-1:], rules)
        found = known.find(leaves, time=m.TIME, blocked=never)
        assert all(item.certificates[-1].der == pool[-1].der for item in found)


def test_too_many_issuers_are_named():
    pool = [m.make("mesh", ca=True, key_id=None) for _ in range(MAX_ISSUERS + 1)]
    other = m.make("mesh", ca=True, key_id=None, key=m.rsa_key())
    leaf = m.make("leaf", other)
    assert "more than 16" in find(leaf, pool, [], "strict").reason
    assert isinstance(find(leaf, [*pool, other], [other], "strict"), Path)
    assert "of no authority" in find(leaf, pool[:3], [], "strict").reason


def test_too_many_authorities():
    made = parse_certificate(m.make("a", ca=True).der)
    pool = [dataclasses.replace(made, der=b"%d" % i, subject=b"%d" % i) for i in range(MAX_AUTHORITIES + 1)]
    known = Authorities(pool, {}, rules="strict", der_rules="strict")
    assert "left out" in known.problems[0]
    assert len(known.pool) == MAX_AUTHORITIES


def test_many_names_and_constraints():
    """A product of names and constraints is refused, not computed."""
    root = m.make("top", ca=True, more=[m.constraints([m.dns(f"h{i}.example") for i in range(1500)])])
    leaf = m.make("leaf", root, more=[m.alternatives(*(m.dns(f"h{i}.example") for i in range(1500)))])
    for rules in BOTH:
        assert "names" in find(leaf, [root], [root], rules).reason
    few = m.make("leaf", root, more=[m.alternatives(m.dns("h1499.example"))])
    assert isinstance(find(few, [root], [root], "strict"), Path)


def test_authorities_that_can_not_sign_are_named():
    pool = [m.make("old", ca=True, more=[m.ext(36, REQUIRED, True)]), m.make("leaf")]
    known = authorities(pool, [], "strict")
    assert len(known.problems) == 1
    assert "'old'" in known.problems[0]
    assert "2.5.29.36" in known.problems[0]
    with pytest.raises(pycore.InputError, match="rules"):
        Authorities([], {}, rules="lax", der_rules="strict")


# ---- against other judges --------------------------------------------------------------------------------------------


def every_path(leaf, pool, anchors, blocked):
    """A plain search of all paths without repetition: the oracle of the search that settles each pair once."""

    def climb(path):
        last, height = path[-1], len(path) - 1
        if height and last.path is not None and last.path < height - 1:
            return
        if (last.name, height) in blocked:
            return
        if height and last.name in anchors:
            yield len(path)
        elif height < 8:
            for parent in pool:
                if parent.name in last.issuers and parent not in path:
                    yield from climb([*path, parent])

    return min(climb([leaf]), default=None)


@dataclass
class Vertex:
    name: str
    path: int | None
    issuers: tuple[str, ...]


@pytest.mark.parametrize("turn", range(40))
def test_against_a_search_of_all_paths(turn, seed):
    """Random graphs: authorities have several certificates, each signed by one other."""
    rng = random.Random(f"{seed}-{turn}")
    actors = {f"actor {i}": m.Made(b"", m.KEYS[i], m.name(f"actor {i}"), b"\xff%d" % i) for i in range(6)}
    pool, vertices = [], []
    for i in range(rng.randrange(4, 14)):
        owner, issuer = rng.choice(list(actors.items())), rng.choice(list(actors.items()))
        limit = rng.choice([None, None, 0, 1, 2])
        made = m.make(owner[1].name, issuer[1], ca=True, path=limit, key=owner[1].key, key_id=owner[1].key_id)
        pool.append(made)
        vertices.append((Vertex(str(i), limit, ()), owner[0], issuer[0]))
    for vertex, _, issuer in vertices:
        vertex.issuers = tuple(other.name for other, owner, _ in vertices if owner == issuer and other is not vertex)
    signer = rng.choice(list(actors))
    leaf, start = (
        m.make("leaf", actors[signer]),
        Vertex("leaf", None, tuple(v.name for v, o, _ in vertices if o == signer)),
    )
    anchors = {vertex.name for vertex, *_ in rng.sample(vertices, min(2, len(vertices)))}
    gone = {(vertex.name, height) for vertex, *_ in rng.sample(vertices, 2) for height in range(9)}
    expected = every_path(start, [vertex for vertex, *_ in vertices], anchors, gone)
    place = {made.der: str(i) for i, made in enumerate(pool)}
    found = find(leaf, pool, [pool[int(item)] for item in anchors], "strict",
                 blocked=lambda item, height: (place.get(item.der), height) in gone)  # fmt: skip
    assert (len(found.certificates) if isinstance(found, Path) else None) == expected


@pytest.mark.parametrize("rules", BOTH)
def test_published_chains(rules, require_vectors, count_cases):
    document = load(require_vectors(CHAIN_CASES))
    certificates = {name: parse_certificate(pem.encode(), rules=rules) for name, pem in document["certs"].items()}
    time = 1_641_038_400  # 2022-01-01, 12:00
    for case in document["cases"]:
        pool = [certificates[name] for name in (*case["intermediates"], *case["roots"])]
        anchors = {"org": frozenset(certificates[name].der for name in case["roots"])}
        known = Authorities(pool, anchors, rules=rules, der_rules="strict")
        found = known.find([(certificates[case["cert"]], "org")], time=time, blocked=never)[0]
        assert isinstance(found, Path) == case["expected"], (case, found)
    count_cases(CHAIN_CASES, len(document["cases"]))


# Certificates that they accept and `strict` does not. Neither library is asked about more than a path with
# any policy.
CRYPTOGRAPHY_LAXER = {
    "another key identifier than the authority's", "middle without keyCertSign",  # left to its extension policies
    "inhibitAnyPolicy", "policy constraints", "policy mappings",  # not critical: ignored
    "directory names, not critical", "mail in the subject", "a common name like a host", "constraints of no authority",
    "critical alternative name of another kind", "leaf without a subject",
}  # fmt: skip
CERTVALIDATOR_LAXER = {
    # RFC 5280 takes no more than name and key from a trust root; we look at all of it, as ChainMaker does.
    "top expired", "unknown critical extension at the top", "path length 0 above an authority",
    "host excluded by the top", "names of the authority below",
    "critical distribution points", "critical freshest list",  # evaluated, with the lists
    "critical policies", "critical policy mappings", "policy mappings", "inhibitAnyPolicy",  # evaluated
    "a common name like a host", "constraints of no authority", "critical alternative name of another kind",
    "leaf without a subject", "the same name in another form", "wildcard over an excluded host",
}  # fmt: skip
CERTVALIDATOR_STRICTER = {
    "address", "names all permitted",  # has no constraints on addresses
    "any host",
}  # fmt: skip


def test_cryptography_agrees():
    """Its verifier is made for the web, with its own rules: what it accepts we accept as well."""
    verification = pytest.importorskip("cryptography.x509.verification")
    if not hasattr(verification, "ExtensionPolicy"):
        pytest.skip("a cryptography without ExtensionPolicy")
    from cryptography import x509

    leaves = verification.ExtensionPolicy.permit_all()
    wanted = x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    builder = verification.PolicyBuilder().time(datetime.datetime(2024, 1, 1)).max_chain_depth(8)
    builder = builder.extension_policies(ca_policy=leaves.require_present(*wanted), ee_policy=leaves)
    taken = set()
    for rule, (*parts, _, _) in CASES.items():
        made = chain(*parts)
        try:
            leaf, middle, top = (
                x509.load_der_x509_certificate(item.der) for item in (made.leaf, made.middle, made.top)
            )
            store = verification.Store([top])
        except ValueError:
            continue
        with contextlib.suppress(verification.VerificationError):
            builder.store(store).build_client_verifier().verify(leaf, [middle])
            taken.add(rule)
    assert "address" in taken
    assert {rule for rule in taken if not CASES[rule][3]} <= CRYPTOGRAPHY_LAXER


def test_certvalidator_agrees():
    """The other implementation of RFC 5280, section 6, in Python."""
    validator = pytest.importorskip("pyhanko_certvalidator")
    from asn1crypto import x509
    from pyhanko_certvalidator.errors import PathError, ValidationError

    taken = set()
    for rule, (*parts, _, _) in CASES.items():
        made = chain(*parts)
        leaf, middle, top = (x509.Certificate.load(item.der) for item in (made.leaf, made.middle, made.top))
        context = validator.ValidationContext(
            trust_roots=[top], moment=datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), allow_fetching=False
        )
        judge = validator.CertificateValidator(leaf, intermediate_certs=[middle], validation_context=context)
        with contextlib.suppress(PathError, ValidationError, ValueError, NotImplementedError):
            asyncio.run(judge.async_validate_path())
            taken.add(rule)
    assert "names permitted by the top" in taken
    assert {rule for rule in taken if not CASES[rule][3]} <= CERTVALIDATOR_LAXER
    assert {rule for rule in CASES if CASES[rule][3]} <= taken | CERTVALIDATOR_STRICTER


def test_a_broken_certificate_is_no_certificate():
    with pytest.raises(CertificateError):
        parse_certificate(m.make("leaf").der[:-1])
