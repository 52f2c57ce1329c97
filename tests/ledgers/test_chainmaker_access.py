"""Who may sign: the chain's own cases, cases derived from its rules, and the default rows of every release."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pycore import Verdict, ledgers
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import parse_public_key
from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.access import AccessRules
from pycore.ledgers.chainmaker.ledger import ChainContext, RegisteredKey, TrustMember
from pycore.ledgers.chainmaker.node_id import node_id
from pycore.ledgers.chainmaker.policy import Electorate, Voter, judge
from pycore.ledgers.chainmaker.rows import RELEASES, Policy, rows_of
from pycore.ledgers.chainmaker.signers import TrustStore

LEDGER = ledgers.get("chainmaker")
TIME = 1_767_225_600  # 2026-01-01, as the cases say
KINDS = {"CERT": 0, "CERT_HASH": 1, "PUBLIC_KEY": 2, "ALIAS": 4}
RULES = ("strict", "compatible")


@pytest.fixture(scope="module")
def access(require_vectors):
    def read(name: str) -> Any:
        path = require_vectors(f"chainmaker-access/{name}.json")
        return json.loads(path.read_text(encoding="utf-8"))

    return read


def context_of(document, **changes) -> ChainContext:
    """A context from a case file's chain configuration."""
    config = document["chain_config"]
    registered = document.get("registered_pubkeys")
    values: dict[str, Any] = {
        "hash": config["hash"],
        "auth_type": config["auth_type"],
        "consensus": config.get("consensus_type"),
        "trust_roots": {entry["org_id"]: tuple(entry["root"]) for entry in config["trust_roots"]},
        "trust_members": tuple(
            TrustMember(entry["member_info"], entry["org_id"], entry["role"])
            for entry in config.get("trust_members", ())
        ),
        "consensus_nodes": {entry["org_id"]: tuple(entry["node_id"]) for entry in config["consensus_nodes"]},
        "policies": {
            entry["resource_name"]: Policy(
                entry["policy"]["rule"], tuple(entry["policy"]["org_list"]), tuple(entry["policy"]["role_list"])
            )
            for entry in config.get("resource_policies") or ()
        },
        "time": TIME,
    }
    if registered is not None:
        values["public_keys"] = tuple(
            RegisteredKey(entry["pk_bytes_hex"], entry["org_id"], entry["role"]) for entry in registered
        )
    return ChainContext(**(values | changes))


def transactions_of(document):
    return document.get("cases") if "tx_cases" not in document else document["tx_cases"]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", ["cert_tx_cases", "pwk_cases", "public_dpos_cases"])
def test_transactions_of_the_chain_s_own_tests(access, name, rules):
    document = access(name)
    wrong, seen = [], 0
    for case in transactions_of(document):
        for version, expected in case["expected"].items():
            known = context_of(document, rules=rules, block_version=int(version))
            verdict = LEDGER.validate_transactions([bytes.fromhex(case["tx_hex"])], known)[0]
            seen += 1
            if (verdict == Verdict.VALID) != expected:
                wrong.append((case["id"], version, verdict.name))
    assert seen
    assert not wrong


def voters_of(document, known, names, message, signatures):
    """Entries whose signatures hold, as policies see them."""
    store = TrustStore(known, known.hash)
    found = []
    for who in names:
        entry = document["members"][who]
        member = (KINDS[entry["member_type"]], entry["org_id"], entry["member_info"].encode())
        signer = store.resolve([member], known.time)[member]
        batch = SignatureBatch(der_rules="go")
        if signer.at(known.time)[0] == Verdict.VALID and signer.key is not None:
            batch.add(signer.key, signer.hash, message, bytes.fromhex(signatures[who]))
            if batch.run()[0] == Verdict.VALID:
                found.append(store.voter(signer))
    return found, store


def judge_resource(rules, name, voters, target=None):
    """The row of a resource by its name, whatever kind it is of."""
    rows = rules.rows
    row = rows.endorsement(name) or rows.row("msg_type", name) or rows.row("tx_type", name)
    return judge(row, voters, rules.electorate, target)


@pytest.mark.parametrize("rules", RULES)
def test_messages_of_the_chain_s_own_tests(access, rules):
    """Resources by name, as the chain's tests ask for them: the rows of the releases that those tests belong to."""
    tests = access("cert_tx_cases")
    principals = access("cert_principal_cases")
    release, version = "2.3.2", 220
    known = context_of(tests, rules=rules, release=release, block_version=version, policies={})
    wrong = []
    for case in principals["cases"]:
        voters, store = voters_of(
            tests, known, case["endorsers"], bytes.fromhex(principals["message_hex"]), principals["signatures"]
        )
        rules_ = AccessRules(known, version, admins=store.admins)
        ruling = judge_resource(rules_, case["resource"], voters, case.get("target_org"))
        if bool(ruling.ok) != case["expected"]:
            wrong.append((case["id"], ruling))
        if "valid_endorsements" in case:
            assert len({voter.who for voter in voters}) == case["valid_endorsements"], case["id"]
    assert not wrong


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", ["pwk_cases", "public_dpos_cases"])
def test_messages_by_bare_keys(access, name, rules):
    document = access(name)
    for case in document["message_cases"]:
        known = context_of(document, rules=rules, block_version=case["block_version"])
        voters, store = voters_of(
            document, known, case["endorsers"], bytes.fromhex(document["message_hex"]), document["message_signatures"]
        )
        rules_ = AccessRules(known, case["block_version"], admins=store.admins)
        ruling = judge_resource(rules_, case["resource"], voters)
        assert bool(ruling.ok) == case["expected"], case["id"]


def test_status_of_registered_keys(access):
    document = access("pwk_cases")
    for case in document["member_status"]:
        known = context_of(document, public_keys=() if case["store"] == "empty" else None)
        info = case["member_info"] if "member_info" in case else document["members"][case["member"]]["member_info"]
        org = case.get("org_id") or document["members"][case["member"]]["org_id"]
        member = (KINDS["PUBLIC_KEY"], org, info.encode())
        verdict = TrustStore(known, known.hash).resolve([member], TIME)[member].verdict
        assert (verdict == Verdict.VALID) == (case["expected"] == "NORMAL")


def test_node_ids(access):
    for case in access("node_id")["cases"]:
        assert node_id(parse_public_key(case["public_key"].encode())) == case["node_id"]


# ---- derived from the rules: read only, run on no node ---------------------------------------------------------------

LAX = {"0", "-1"}
"""Rules that ask for nobody: `strict` refuses them."""


@pytest.mark.parametrize("rules", RULES)
def test_rule_arithmetic(access, rules):
    strict = rules == "strict"
    for case in access("derived_cases")["rule_arithmetic"]:
        public = case["mode"].startswith("public")
        who = Electorate(
            organisations=frozenset(f"org{i + 1}" for i in range(case.get("org_num", 0))),
            admins=case.get("admin_num", 0),
            public=public,
            reads_all=not case["releases"].startswith("<=2.3.2"),
            strict=strict,
        )
        voters = [Voter(vote.get("org", ""), vote["role"]) for vote in case["votes"]]
        policy = Policy(case["rule"], tuple(case.get("org_list", ())), tuple(case["role_list"]))
        ruling = judge(policy, voters, who, case.get("target"))
        expected = case["expected"]
        if strict and (case["rule"] in LAX or "counts in the numerator only" in case["note"]):
            expected = False
        assert ruling.ok is expected, case


def entry(text: str) -> Voter | None:
    if ":" not in text:
        return None  # a bad signature
    org, role = text.split(":")
    return Voter(org, role, who=text)


@pytest.mark.parametrize("rules", RULES)
def test_senders_and_rows(access, rules):
    for case in access("derived_cases")["sender_and_rows"]:
        row = case["row"]
        version = case["block_version"] if isinstance(case["block_version"], int) else 220
        release = "2.2.1" if case["releases"] == "<=2.2.1" else "2.3.7"
        mode = "PermissionedWithKey" if "pwk" in row else "PermissionedWithCert"
        contract, method, tx_type = "USER", "m", 0
        if row.startswith("MAJORITY"):
            contract, method = "CHAIN_CONFIG", "NODE_ORG_ADD"
        elif row.startswith("ANY ADMIN"):
            contract, method = "CERT_MANAGE", "CERTS_FREEZE"
        elif row.startswith("SELF"):
            contract, method = "CHAIN_CONFIG", "TRUST_ROOT_UPDATE"
        elif row.startswith("PUBKEY"):
            contract, method = "PUBKEY_MANAGE", "PUBKEY_ADD"
        elif "QUERY" in row:
            tx_type = 1
        policies = {"PUBKEY_MANAGE-PUBKEY_ADD": Policy("ANY")} if "config_row" in case else {}
        known = ChainContext(
            rules=rules,
            auth_type=mode,
            release=release,
            trust_roots={f"org{i}": () for i in (1, 2, 3, 4)},
            policies=policies,
        )
        payload = messages.Payload(tx_type=tx_type, contract_name=contract, method=method)
        voters = [entry(text) for text in case["endorsers"]]
        ruling = AccessRules(known, version).transaction(
            payload, entry(case["sender"]), [voter for voter in voters if voter], endorsed=bool(voters)
        )
        expected = case["expected"]
        if rules == "strict" and "strict: refuse" in case["note"]:
            expected = False
        assert ruling.ok is expected, (case, ruling)


# ---- the rows --------------------------------------------------------------------------------------------------------


def test_default_rows_are_those_of_the_source(access):
    """Every table, resource by resource, from the file that the source was read into."""
    source = access("default_policies")
    versions = {"all": (0, 2030700), "1..220": (1, 220), "<=220": (0, 220), ">220": (221, 2030200)}
    versions |= {"221..2030299": (221, 2030299), ">=2030300": (2030300, 2030700)}
    checked = 0
    for table in source["tables"]:
        for release in table["releases"]:
            for version in versions[table["block_version"]]:
                rows = rows_of(table["mode"], version, release.lstrip("v"), {}, frozenset())
                for kind, by in table["table"].items():
                    if not isinstance(by, dict):
                        continue
                    wanted = {resource: name for name, resources in by.items() for resource in resources}
                    assert rows.kinds[kind].keys() == wanted.keys()
                    for resource, name in wanted.items():
                        (one,) = (
                            item
                            for item in source["policies"][name]
                            if RELEASES.index(item["releases"][0].lstrip("v"))
                            <= RELEASES.index(release.lstrip("v"))
                            <= RELEASES.index(item["releases"][-1].lstrip("v"))
                        )
                        row = rows.row(kind, resource)
                        assert row == Policy(one["rule"], (), tuple(one["roles"] or ()))
                        checked += 1
    assert len(source["tables"]) == 46
    assert checked > 5000


def test_rows_without_the_published_file():
    rows = rows_of("cert", 2030700, "2.3.7", {}, frozenset())
    assert rows.staged
    assert rows.endorsement("CHAIN_CONFIG-NODE_ORG_ADD") == Policy("MAJORITY", (), ("ADMIN",))
    assert rows.row("sender", "PUBKEY_MANAGE-PUBKEY_ADD") == Policy("FORBIDDEN")
    assert rows.endorsement("USER-m") is None
    assert not rows_of("cert", 2030299, "2.3.7", {}, frozenset()).staged
    assert not rows_of("cert", 2030300, "2.3.2", {}, frozenset()).staged


@pytest.mark.parametrize(
    ("resource", "policy", "mode", "taken"),
    [
        ("USER-m", Policy("ALL", ("org1",)), "cert", True),
        ("USER-m", Policy("ALL", ("org9",)), "cert", False),
        ("USER-m", Policy("ALL", ("org1", "org1")), "cert", False),
        ("USER-m", Policy("SELF", (), ("ADMIN",)), "cert", False),
        ("CHAIN_CONFIG-NODE_ID_UPDATE", Policy("SELF", (), ("ADMIN",)), "cert", True),
        ("USER-m", Policy("MAJORITY", (), ("CLIENT",)), "cert", False),
        ("CONSENSUS", Policy("ANY"), "cert", False),
        ("INVOKE_CONTRACT", Policy("ANY"), "pwk", False),
        ("CERT_MANAGE-CERT_ADD", Policy("ANY"), "public", False),
        ("CERT_MANAGE-CERT_ADD", Policy("ANY"), "cert", True),
        ("USER-m", Policy("0/3"), "cert", False),
        ("USER-m", Policy("2/3"), "cert", True),
    ],
)
def test_which_rows_of_the_configuration_the_chain_takes(resource, policy, mode, taken):
    rows = rows_of(mode, 2030700, "2.3.7", {resource: policy}, frozenset({"org1", "org2"}))
    assert (resource in rows.configured) == taken
    assert bool(rows.ignored) != taken
