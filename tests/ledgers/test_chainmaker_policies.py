"""Every default row, judged with signers that just meet it and signers that just do not; and every rule's own corner.

The rows are written down here a second time, from the reading of the chain and not from the data file.
"""

from __future__ import annotations

import pytest

from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.ledger import ChainContext
from pycore.ledgers.chainmaker.policy import Electorate, Voter, judge
from pycore.ledgers.chainmaker.rows import Policy, rows_of

ORGS = ("org1", "org2", "org3", "org4")
ROLES = ("CONSENSUS", "COMMON", "CLIENT", "ADMIN", "LIGHT")
MODES = {
    "cert": {"auth_type": "PermissionedWithCert", "trust_roots": dict.fromkeys(ORGS, ())},
    "pwk": {"auth_type": "PermissionedWithKey", "trust_roots": dict.fromkeys(ORGS, ())},
    "public": {"auth_type": "Public", "consensus": "tbft"},
    "dpos": {"auth_type": "Public", "consensus": "dpos"},
}
SETS = {"new": (2030700, "2.3.7"), "mid": (2030200, "2.3.2"), "old": (220, "2.3.7")}
RULES = ("strict", "compatible")

# A ANY[ADMIN]  M MAJORITY[ADMIN]  S SELF[ADMIN]  F FORBIDDEN  N ANY[CONSENSUS]  C ANY[CLIENT,ADMIN,LIGHT]  - no row
TABLE = """
CHAIN_CONFIG-BLOCK_UPDATE                     M M M A   M M M A
CHAIN_CONFIG-CORE_UPDATE                      M M M A   M M M A
CHAIN_CONFIG-CONSENSUS_EXT_ADD                M M M F   M M M F
CHAIN_CONFIG-CONSENSUS_EXT_UPDATE             M M M F   M M M F
CHAIN_CONFIG-CONSENSUS_EXT_DELETE             M M M F   M M M F
CHAIN_CONFIG-NODE_ID_ADD                      M M M F   M M M F
CHAIN_CONFIG-NODE_ID_DELETE                   M M M F   M M M F
CHAIN_CONFIG-NODE_ID_UPDATE                   S S M F   S S M F
CHAIN_CONFIG-NODE_ORG_ADD                     M M F F   M M F F
CHAIN_CONFIG-NODE_ORG_UPDATE                  M M M F   M M M F
CHAIN_CONFIG-NODE_ORG_DELETE                  M M F F   M M F F
CHAIN_CONFIG-PERMISSION_ADD                   M M M M   M M F F
CHAIN_CONFIG-PERMISSION_UPDATE                M M M M   M M F F
CHAIN_CONFIG-PERMISSION_DELETE                M M M M   M M F F
CHAIN_CONFIG-TRUST_ROOT_ADD                   M M F F   M M M M
CHAIN_CONFIG-TRUST_ROOT_UPDATE                S S - M   S S M M
CHAIN_CONFIG-TRUST_ROOT_DELETE                M M F F   M M M M
CHAIN_CONFIG-TRUST_MEMBER_ADD                 M F F F   M F F F
CHAIN_CONFIG-TRUST_MEMBER_UPDATE              M F F F   M F F F
CHAIN_CONFIG-TRUST_MEMBER_DELETE              M F F F   M F F F
CHAIN_CONFIG-UPDATE_VERSION                   M M M M   M M M A
CHAIN_CONFIG-ALTER_ADDR_TYPE                  F F F F   M M M F
CHAIN_CONFIG-VM_SUPPORT_LIST_ADD              M M M M   - - - -
CHAIN_CONFIG-VM_SUPPORT_LIST_DEL              M M M M   - - - -
CONTRACT_MANAGE-INIT_CONTRACT                 A A A A   M M A -
CONTRACT_MANAGE-UPGRADE_CONTRACT              M M A A   M M A A
CONTRACT_MANAGE-FREEZE_CONTRACT               M M A A   M M A A
CONTRACT_MANAGE-UNFREEZE_CONTRACT             M M A A   M M A A
CONTRACT_MANAGE-REVOKE_CONTRACT               M M A A   M M A A
CONTRACT_MANAGE-GRANT_CONTRACT_ACCESS         M M F F   M M F F
CONTRACT_MANAGE-REVOKE_CONTRACT_ACCESS        M M F F   M M F F
CONTRACT_MANAGE-VERIFY_CONTRACT_ACCESS        M M F F   M M F F
CERT_MANAGE-CERT_ADD                          C F F F   C F F F
CERT_MANAGE-CERT_ALIAS_ADD                    C F F F   C F F F
CERT_MANAGE-CERT_ALIAS_UPDATE                 A F F F   A F F F
CERT_MANAGE-CERTS_ALIAS_DELETE                A F F F   A F F F
CERT_MANAGE-CERTS_FREEZE                      A F F F   A F F F
CERT_MANAGE-CERTS_UNFREEZE                    A F F F   A F F F
CERT_MANAGE-CERTS_REVOKE                      A F F F   A F F F
CERT_MANAGE-CERTS_DELETE                      A F F F   A F F F
PUBKEY_MANAGE-PUBKEY_ADD                      F S F F   F S F F
PUBKEY_MANAGE-PUBKEY_DELETE                   F S F F   F S F F
ACCOUNT_MANAGER-SET_ADMIN                     M M M F   M M M F
ACCOUNT_MANAGER-CHARGE_GAS_FOR_MULTI_ACCOUNT  N N N F   N N N N
MULTI_SIGN-REQ                                - - - F   - - - F
MULTI_SIGN-VOTE                               - - - F   - - - F
MULTI_SIGN-QUERY                              - - - F   - - - F
USER-m                                        - - - -   - - - -
"""


def rows():
    for line in TABLE.strip().splitlines():
        resource, *codes = line.split()
        for place, code in enumerate(codes):
            yield resource, list(MODES)[place % 4], "new" if place < 4 else "mid", code


def rules_of(mode, which, rules, **changes):
    version, release = SETS[which]
    return AccessRules(ChainContext(rules=rules, release=release, **MODES[mode] | changes), version, admins=4)


def who(org, role, mode):
    """A signer; public chains know no organisations, and no roles but two."""
    if mode in ("public", "dpos"):
        return Voter("", role if role in ("ADMIN", "CONSENSUS") else "", who=(org, role))
    return Voter(org, role, who=(org, role))


def accepts(access, mode, resource, sender, endorsers=(), target=None):
    contract, method = resource.split("-")
    payload = messages.Payload(contract_name=contract, method=method)
    if target:
        payload.parameters.add(key="other", value=b"org9")
        payload.parameters.add(key="org_id", value=target.encode())
        payload.parameters.add(key="org_id", value=b"org9")  # the first of the name counts
    else:
        payload.parameters.add(key="key", value=b"value")
    voters = [who(*name, mode) for name in endorsers]
    return access.transaction(payload, who(*sender, mode), voters, endorsed=bool(voters)).ok


ADMINS = [(org, "ADMIN") for org in ORGS]
CLIENT, CONSENSUS = ("org1", "CLIENT"), ("org1", "CONSENSUS")

# code -> (sender, endorsers, target, accepted); an administrator who sends is among the endorsers, or stands alone
CASES = {
    "A": [(ADMINS[3], [], None, True), (CLIENT, [], None, False), (CONSENSUS, [CONSENSUS, CLIENT], None, False)],
    "M": [
        (CLIENT, ADMINS[:3], None, True),
        (CLIENT, ADMINS[:2], None, False),
        (CLIENT, [ADMINS[0], ADMINS[0], ADMINS[1], ADMINS[1]], None, False),
        (CLIENT, [(org, "CLIENT") for org in ORGS], None, False),
        (CLIENT, [], None, False),
    ],
    "S": [
        (CLIENT, ADMINS[1:2], "org2", True),
        (CLIENT, ADMINS[:1] + ADMINS[2:], "org2", False),
        (CLIENT, [("org2", "CLIENT")], "org2", False),
        (CLIENT, ADMINS, "org9", False),
        (CLIENT, ADMINS, None, False),  # parameters, but none that names an organisation
    ],
    "F": [(ADMINS[0], ADMINS, None, False), (CONSENSUS, [], "org1", False)],
    "N": [(CONSENSUS, [], None, True), (ADMINS[0], ADMINS, None, False)],
    "C": [(CLIENT, [], None, True), (ADMINS[0], [], None, True), (CONSENSUS, [], None, False)],
    "-": [(CLIENT, [], None, True)],
}


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(("resource", "mode", "which", "code"), list(rows()))
def test_default_rows(resource, mode, which, code, rules):
    access = rules_of(mode, which, rules)
    if (resource, mode, which, rules) == ("CHAIN_CONFIG-TRUST_ROOT_UPDATE", "public", "new", "strict"):
        code = "M"  # as read, its row was lost: anybody could
    for sender, endorsers, target, accepted in CASES[code]:
        assert accepts(access, mode, resource, sender, endorsers, target) is accepted, (code, sender, endorsers)


EVERY = frozenset(ROLES)
TX_TYPES = {  # type -> roles in cert and pwk, by set; public chains ask for none but the archive's
    "INVOKE_CONTRACT": {
        "new": (EVERY, EVERY - {"COMMON", "LIGHT"}), "mid": (EVERY - {"COMMON", "LIGHT"},) * 2,
        "old": (EVERY - {"COMMON", "LIGHT"},) * 2,
    },
    "QUERY_CONTRACT": {"new": (EVERY, EVERY), "mid": (EVERY - {"LIGHT"},) * 2, "old": (EVERY - {"LIGHT"},) * 2},
    "SUBSCRIBE": dict.fromkeys(SETS, ({"LIGHT", "CLIENT", "ADMIN"},) * 2),
    "ARCHIVE": dict.fromkeys(SETS, ({"ADMIN"},) * 2),
}  # fmt: skip


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("kind", TX_TYPES)
def test_who_may_send(kind, which, rules):
    numbers = {"INVOKE_CONTRACT": 0, "QUERY_CONTRACT": 1, "SUBSCRIBE": 2, "ARCHIVE": 3}
    payload = messages.Payload(tx_type=numbers[kind], contract_name="USER", method="m")
    for mode in MODES:
        access = rules_of(mode, which, rules)
        for role in ROLES:
            voter = who("org1", role, mode)
            if mode in ("cert", "pwk"):
                expected = role in TX_TYPES[kind][which][mode == "pwk"]
            else:
                expected = kind != "ARCHIVE" or role == "ADMIN"
            if expected and kind == "ARCHIVE" and which == "mid" and mode in ("cert", "pwk"):
                expected = None  # for the node's own organisation, which no context tells
            assert access.transaction(payload, voter, (), endorsed=False).ok is expected, (mode, role)


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("kind", [4, 5, 6, 16])
def test_types_without_a_row(kind, which):
    payload = messages.Payload(tx_type=kind, contract_name="USER", method="m")
    for mode in MODES:
        access = rules_of(mode, which, "compatible")
        assert access.transaction(payload, who("org1", "ADMIN", mode), (), endorsed=False).ok is False


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("which", SETS)
def test_who_may_propose_and_vote(which, rules):
    for mode in MODES:
        access = rules_of(mode, which, rules, policies={"CONSENSUS": Policy("ANY")})  # a row that replaces nothing
        for role in (*ROLES, "ROOT-CERT", ""):
            assert access.consensus(who("org1", role, mode)).ok is (role == "CONSENSUS"), (mode, role)


# ---- rules -----------------------------------------------------------------------------------------------------------

FOUR = Electorate(organisations=frozenset(ORGS))
FOUR_LAX = Electorate(organisations=frozenset(ORGS), strict=False)
PUBLIC, PUBLIC_OLD = (Electorate(admins=4, public=True, reads_all=reads) for reads in (True, False))


def admins(count):
    return [Voter(org, "ADMIN", who=org) for org in ORGS[:count]]


@pytest.mark.parametrize("electorate", [FOUR, FOUR_LAX])
@pytest.mark.parametrize(
    "rule", ["0/4", "4/0", "1/2/3", "1/", "/2", "-1/2", "1.5", "0x2", " 2", "", "most", "majority"]
)
def test_rules_that_are_none(rule, electorate):
    assert judge(Policy(rule), admins(4), electorate).ok is False


def test_rules_in_words_that_a_public_chain_lacks():
    for rule in ("ALL", "2", "1/2", "SELF", "DELETE"):
        assert judge(Policy(rule), admins(4), PUBLIC_OLD).ok is False
    for rule in ("SELF", "DELETE", "any", "FORBIDDEN"):
        assert judge(Policy(rule), admins(4), PUBLIC, "org1").ok is False


def test_public_chains_ignore_organisations():
    stranger = [Voter("elsewhere", "ADMIN", who="a")]
    assert judge(Policy("ANY", ("org1",), ("ADMIN",)), stranger, PUBLIC).ok
    assert judge(Policy("1", ("org1",)), stranger, PUBLIC).ok
    assert judge(Policy("ALL", ("org1",)), admins(3), PUBLIC).ok is False


@pytest.mark.parametrize(("rule", "least"), [("2", 2), ("+3", 3), ("1/2", 2), ("3/4", 3), ("4/4", 4), ("2/3", 3)])
def test_n_and_n_of_m(rule, least):
    for electorate in (FOUR, FOUR_LAX, PUBLIC):
        for count in range(1, 5):
            assert judge(Policy(rule, (), ("ADMIN",)), admins(count), electorate).ok is (count >= least)


def test_shares_in_integers_and_as_read_in_floating_point(rng):
    """As many organisations as a chain may have are far from where doubles round a share to a whole number."""
    for _ in range(2000):
        total = rng.randint(1, 60)
        count, m = rng.randint(1, total), rng.choice([total, rng.randint(1, 12), rng.randint(1, 10**9 - 1)])
        n = rng.choice([count * m // total, count * m // total + 1]) or 1
        orgs = [f"org{i}" for i in range(total)]
        voters = [Voter(org, "ADMIN", who=org) for org in orgs[:count]]
        for strict in (True, False):
            electorate = Electorate(organisations=frozenset(orgs), strict=strict)
            assert judge(Policy(f"{n}/{m}"), voters, electorate).ok is (count * m >= total * n), (n, m, count, total)


def test_a_claim_that_is_not_the_member_s_own_counts_for_no_row_with_roles():
    claimed = [Voter(org, "ADMIN", confirmed=False, who=org) for org in ORGS]
    for rule in ("ANY", "MAJORITY", "ALL", "1", "1/4"):
        assert judge(Policy(rule, (), ("ADMIN",)), claimed, FOUR).ok is False
    assert judge(Policy("SELF"), claimed, FOUR, "org1").ok is False
    for rule in ("ANY", "ALL", "1", "1/4"):
        assert judge(Policy(rule), claimed, FOUR).ok  # a row without roles does not look


def test_nobody_signed():
    for rule in ("ANY", "MAJORITY", "ALL", "SELF", "0", "-1", "1/2", "FORBIDDEN"):
        for electorate in (FOUR, FOUR_LAX, PUBLIC):
            assert judge(Policy(rule), [], electorate, "org1").ok is False


def test_what_cannot_be_counted():
    nobody = Electorate()
    for rule in ("MAJORITY", "ALL", "1/2"):
        assert judge(Policy(rule), admins(3), nobody).ok is None
        assert judge(Policy(rule), admins(3), Electorate(public=True)).ok is None
    assert judge(Policy("ALL", ("org1",)), admins(3), nobody).ok  # the row names its own organisations
    for rule in ("ANY", "2"):
        assert judge(Policy(rule), admins(3), nobody).ok


# ---- rows of the configuration ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "policy", "mode", "release", "taken"),
    [
        ("P2P", Policy("ANY"), "cert", "2.3.7", False),
        ("ALL_TEST", Policy("ANY"), "pwk", "2.3.7", False),
        ("QUERY_CONTRACT", Policy("ANY"), "cert", "2.3.7", False),
        ("CHAIN_CONFIG-ALTER_ADDR_TYPE", Policy("ANY"), "public", "2.3.7", False),
        ("CERT_MANAGE-CERTS_FREEZE", Policy("ANY"), "public", "2.3.3", False),
        ("CERT_MANAGE-CERTS_FREEZE", Policy("ANY"), "public", "2.3.2", True),
        ("CONSENSUS", Policy("whatever"), "public", "2.3.1", True),
        ("USER-m", Policy("ANY"), "public", "2.3.0", False),
        ("USER-m", Policy("MAJORITY", (), ("ADMIN",)), "public", "2.3.7", True),
        ("USER-m", Policy("MAJORITY", (), ("CLIENT",)), "public", "2.3.7", False),
        ("USER-m", Policy("MAJORITY", ("org1",), ("ADMIN",)), "cert", "2.3.7", False),
        ("USER-m", Policy("MAJORITY"), "pwk", "2.3.7", True),
        ("USER-m", Policy("DELETE"), "cert", "2.3.7", True),
        ("USER-m", Policy("-3"), "cert", "2.3.7", True),
        ("USER-m", Policy("3/0"), "cert", "2.3.7", False),
        ("CHAIN_CONFIG-TRUST_ROOT_UPDATE", Policy("SELF", (), ("ADMIN",)), "pwk", "2.3.7", True),
        ("CHAIN_CONFIG-TRUST_ROOT_UPDATE", Policy("SELF"), "cert", "2.3.7", False),
        ("CHAIN_CONFIG-TRUST_ROOT_UPDATE", Policy("SELF", (), ("ADMIN", "CLIENT")), "cert", "2.3.7", False),
    ],
)
def test_configured_rows_by_release(resource, policy, mode, release, taken):
    found = rows_of(mode, 2030700, release, {resource: policy}, frozenset(ORGS))
    assert (resource in found.configured) == taken
    assert bool(found.ignored) != taken


def test_a_row_that_says_delete_forbids():
    """It is valid in a configuration and no rule that anybody can meet."""
    for rules in RULES:
        access = rules_of("cert", "new", rules, policies={"USER-m": Policy("DELETE")})
        assert accepts(access, "cert", "USER-m", ADMINS[0], ADMINS) is False


@pytest.mark.parametrize(
    ("mode", "version", "release", "alone", "endorsed"),
    [
        # The sender by the row of its type, the endorsers by the configured one.
        ("cert", 2030200, "2.3.0", False, True),
        ("pwk", 2030200, "2.3.2", False, True),
        ("cert", 220, "2.3.7", False, True),
        ("cert", 2030700, "2.3.7", False, True),
        ("public", 2030700, "2.3.7", False, True),
        # The sender alone by the configured row, which takes the place of its type's.
        ("cert", 2030200, "2.3.3", False, False),
        ("pwk", 2030299, "2.3.7", False, False),
        ("public", 2030100, "2.3.1", False, False),
        ("public", 2030200, "2.3.7", False, False),
        # The configured row of endorsers and sender together.
        ("cert", 2030200, "2.4.0_alpha", False, True),
    ],
)
def test_a_configured_row_beside_or_in_place_of_the_sender_s(mode, version, release, alone, endorsed):
    for rules in RULES:
        known = ChainContext(
            rules=rules, release=release, policies={"USER-m": Policy("ANY", (), ("ADMIN",))}, **MODES[mode]
        )
        access = AccessRules(known, version, admins=4)
        assert accepts(access, mode, "USER-m", CLIENT) is alone
        assert accepts(access, mode, "USER-m", CLIENT, ADMINS[:1]) is endorsed
        assert accepts(access, mode, "USER-m", ADMINS[0])


def test_strict_asks_for_the_default_row_as_well():
    """As read, a configured row that takes the sender's place lets senders in that the default keeps out."""
    for rules, expected in (("strict", False), ("compatible", True)):
        known = ChainContext(rules=rules, release="2.3.7", policies={"USER-m": Policy("ANY")}, **MODES["cert"])
        access = AccessRules(known, 2030200)
        assert accepts(access, "cert", "USER-m", ("org1", "LIGHT")) is expected
        assert accepts(access, "cert", "USER-m", CLIENT)


def test_strict_all_means_the_organisations_of_the_trust_roots() -> None:
    """A trust member's organisation has no root; it must not stand in for one that is missing."""
    voters = [Voter("org1", "ADMIN", True, 1), Voter("orgX", "ADMIN", True, 2)]
    policy, organisations = Policy("ALL", (), ("ADMIN",)), frozenset({"org1", "org2"})
    assert not judge(policy, voters, Electorate(organisations, strict=True)).ok
    assert judge(policy, voters, Electorate(organisations, strict=False)).ok
    both = [Voter("org1", "ADMIN", True, 1), Voter("org2", "ADMIN", True, 2)]
    assert judge(policy, both, Electorate(organisations, strict=True)).ok
