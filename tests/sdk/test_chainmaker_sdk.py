"""ChainMaker's Python SDK, in a separate environment, against pycore: what it signs is valid here, and what it
refuses is refused here. Skipped by name where the SDK cannot be installed."""

from __future__ import annotations

import dataclasses
import fcntl
import functools
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import pycore
from pycore import ledgers
from pycore.ledgers.chainmaker import messages
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.fields import RegisteredKey
from pycore.ledgers.chainmaker.rows import Policy
from pycore.testing.certificates import SUITES, Identity, Wanted, make_identities

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

HERE = Path(__file__).resolve().parent
LEDGER = ledgers.get("chainmaker")
CHAIN, METHOD = "chain1", "save"
ORGS = ("org1.sdk.invalid", "org2.sdk.invalid")
BLOCK_TIME = 1_735_689_600  # 2025-01-01: within the certificates' dates
POLICIES = {f"fact-{METHOD}": Policy("MAJORITY", roles=("ADMIN",))}  # of two organisations or administrators: both


# ---- the SDK ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The interpreter of an environment with the packages of requirements.txt; makes it on first use."""
    wanted = HERE / "requirements.txt"
    folder = HERE.parents[1] / "build" / "sdk"
    folder.mkdir(parents=True, exist_ok=True)
    python, done = folder / "venv" / "bin" / "python", folder / "installed.txt"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one test process installs, the others wait for it
        if not done.exists() or done.read_bytes() != wanted.read_bytes():
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install", "-q"]
            for command in (
                [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder / "venv")],
                [*pip, "--no-deps", "--no-compile", "-r", str(wanted)],
            ):
                run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
                if run.returncode != 0:
                    pytest.skip(f"ChainMaker's SDK cannot be installed: {run.stderr.strip()[-300:]}")
            done.write_bytes(wanted.read_bytes())
    return python


def ask(sdk: Path, folder: Path, users: list[dict[str, Any]], **work: list[Any]) -> dict[str, list[Any]]:
    given, answers = folder / "given.json", folder / "answers.json"
    given.write_text(json.dumps({"users": users, "make": [], "verify": []} | work))
    command = [sdk, str(HERE / "client.py"), str(given), str(answers)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=folder)
    assert run.returncode == 0, run.stderr[-3000:]
    found: dict[str, list[Any]] = json.loads(answers.read_text())
    return found


# ---- who signs -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Chain:
    """The users of a chain as the SDK takes them, and the chain as pycore takes it."""

    users: list[dict[str, Any]]  # a sender and an administrator of each organisation, the sender's first
    context: ChainContext


def sm2_key_pem(secret: bytes, public_key: bytes) -> str:
    """PKCS#8 (RFC 5958) around an RFC 5915 key with curve and point, the one layout in which the SDK finds SM2 keys."""
    curve = bytes.fromhex("06082a811ccf5501822d")  # OBJECT IDENTIFIER 1.2.156.10197.1.301
    inner = b"\x30\x77\x02\x01\x01\x04\x20" + secret + b"\xa0\x0a" + curve + b"\xa1\x44\x03\x42\x00" + public_key
    algorithm = b"\x30\x13" + bytes.fromhex("06072a8648ce3d0201") + curve
    outer = b"\x30\x81\x93\x02\x01\x00" + algorithm + b"\x04\x79" + inner
    return pem.armor("PRIVATE KEY", outer).decode()


def key_pem(key: Any) -> str:
    made = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return bytes(made).decode()


def public_pem(key: Any) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.PEM, spki)).decode()


def secret_pem(suite: str, who: Identity) -> str:
    if suite == "sm2":
        return sm2_key_pem(who.secret, who.public_key)
    return key_pem(ec.derive_private_key(int.from_bytes(who.secret, "big"), ec.SECP256R1()))


@functools.cache
def certified(suite: str, member_type: str) -> Chain:
    """PermissionedWithCert: a client and an administrator of each organisation."""
    wanted = [Wanted(f"ca{i}", org, "root-cert", f"ca{i}") for i, org in enumerate(ORGS)]
    for role in ("client", "admin"):
        wanted += [Wanted(f"{role}{i}", org, role, f"ca{i}") for i, org in enumerate(ORGS)]
    made = make_identities(SUITES[suite], wanted, seed=3)
    members = [made[f"{role}{i}"] for role in ("client", "admin") for i in range(len(ORGS))]
    users = [
        {
            "org_id": who.organisation,
            "key": secret_pem(suite, who),
            "certificate": who.certificate_pem.decode(),
            "auth_type": "PermissionedWithCert",
            "member_type": member_type,
            "alias": f"alias-{who.name}" if member_type == "ALIAS" else None,
        }
        for who in members
    ]
    hash_ = SUITES[suite].hash
    context = ChainContext(
        chain_id=CHAIN,
        hash=hash_,
        trust_roots={org: (made[f"ca{i}"].certificate_pem.decode(),) for i, org in enumerate(ORGS)},
        certificates={pycore.hash(hash_, who.certificate).hex(): who.certificate_pem.decode() for who in members},
        aliases={f"alias-{who.name}": who.certificate_pem.decode() for who in members},
        policies=POLICIES,
        time=BLOCK_TIME,
    )
    return Chain(users, context)


@functools.cache
def bare_keys(kind: str) -> list[tuple[str, str]]:
    """PEM of private and public keys, two of clients and two of administrators."""
    if kind == "sm2":
        made = make_identities(SUITES["sm2"], [Wanted(f"k{i}", "o", "client", f"k{i}") for i in range(4)], seed=5)
        return [(secret_pem("sm2", who), who.public_key_pem.decode()) for who in made.values()]
    keys = [
        rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
        for _ in range(4)
    ]
    return [(key_pem(key), public_pem(key)) for key in keys]


@functools.cache
def bare(kind: str, auth_type: str) -> Chain:
    """The key modes, on a chain whose hash is the one that the SDK signs with."""
    made = bare_keys(kind)
    orgs = ["", "", "", ""] if auth_type == "Public" else [*ORGS, *ORGS]
    row = {"certificate": None, "auth_type": auth_type, "member_type": "PUBLIC_KEY", "alias": None}
    users = [row | {"org_id": org, "key": key} for org, (key, _) in zip(orgs, made, strict=True)]
    clients, admins = [public for _, public in made[:2]], [public for _, public in made[2:]]
    rest: dict[str, Any] = {"admin_keys": tuple(admins)}
    if auth_type != "Public":
        rest = {
            "trust_roots": {org: (key,) for org, key in zip(ORGS, admins, strict=True)},
            "public_keys": tuple(RegisteredKey(key, org, "CLIENT") for org, key in zip(ORGS, clients, strict=True)),
        }
    # Who the nodes are has to be known: what the context does not tell is not held against a transaction.
    rest |= {"policies": POLICIES, "time": BLOCK_TIME, "consensus_nodes": {ORGS[0]: ("QmNodeOfNobody",)}}
    return Chain(users, ChainContext(CHAIN, "sm3" if kind == "sm2" else "sha256", auth_type, **rest))


CHAINS = {
    **{f"{suite}, {kind}": (certified, suite, kind) for suite in ("sm2", "p256") for kind in ("CERT", "ALIAS")},
    "p256, CERT_HASH": (certified, "p256", "CERT_HASH"),  # the SDK cannot hash an SM2 certificate
    **{
        f"{kind}, {mode}": (bare, kind, mode)
        for kind in ("sm2", "p256", "rsa")
        for mode in ("PermissionedWithKey", "Public")
    },
}


def chain(name: str) -> Chain:
    function, *arguments = CHAINS[name]
    return function(*arguments)  # type: ignore[operator,no-any-return]


SHAPES: list[dict[str, Any]] = [
    {"params": {"file_hash": "ab12", "time": 6543234}, "payer": 1, "tx_id": "a-chosen.id"},
    {"params": None},
    {"params": {"empty": "", "zero": 0, "true": True, "text": "\u957f\u5b89\u94fe", "long": "x" * 300}, "sender": 1},
]
"""What differs between the transactions of a chain; the first one is the one that gets mutated."""


# ---- the tests -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(sdk: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """Chain -> what the SDK made for each of SHAPES; all are endorsed by an administrator of each organisation."""
    users, rows = [], []
    for name in CHAINS:
        at = len(users)
        users += chain(name).users
        for shape in SHAPES:
            row = {"chain_id": CHAIN, "contract": "fact", "method": METHOD, "tx_id": "", "sender": 0, "payer": None}
            row |= shape | {"endorsers": [at + 2, at + 3]}
            rows.append(row | {who: row[who] + at for who in ("sender", "payer") if row[who] is not None})
    made = iter(ask(sdk, tmp_path_factory.mktemp("sdk"), users, make=rows)["made"])
    return {name: [next(made) for _ in SHAPES] for name in CHAINS}


@pytest.mark.parametrize("rules", ["strict", "compatible"])
@pytest.mark.parametrize("name", CHAINS)
def test_what_the_sdk_signs_is_valid(name: str, rules: str, signed: dict[str, list[dict[str, str]]]) -> None:
    context = chain(name).context.replace(rules=rules)
    items = [bytes.fromhex(row["transaction"]) for row in signed[name]]
    got = LEDGER.validate_transactions(items, context)
    assert got.all_valid, [pycore.Verdict(int(code)).name for code in got.codes]
    for item, row in zip(items, signed[name], strict=True):  # what is signed: the chain re-marshals what it parsed
        assert messages.parse(messages.Transaction, item, "tx").payload.SerializeToString().hex() == row["payload"]


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A transaction with one thing changed, and the entry whose signature tells: its user, among the chain's."""

    what: str
    transaction: messages.Transaction
    user: int | None  # None: the change is one of membership, on which the SDK has no word
    entry: messages.EndorsementEntry | None


def flipped(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def of_payload(base: messages.Transaction) -> Iterator[tuple[str, messages.Transaction]]:
    """Each field of the payload changed, by one bit or one where that can be."""

    def changed() -> tuple[messages.Transaction, Any]:
        made = messages.Transaction()
        made.CopyFrom(base)
        return made, made.payload

    for field in ("chain_id", "tx_id", "contract_name", "method"):
        made, payload = changed()
        setattr(payload, field, flipped(getattr(payload, field).encode(), 0).decode())
        yield field, made
    for field in ("tx_type", "timestamp", "expiration_time", "sequence"):
        made, payload = changed()
        setattr(payload, field, getattr(payload, field) + 1)
        yield field, made
    made, payload = changed()
    payload.limit.gas_limit += 1
    yield "limit", made
    made, payload = changed()
    payload.parameters[0].key += "2"
    yield "a parameter's key", made
    made, payload = changed()
    payload.parameters[1].value = flipped(payload.parameters[1].value, 3)
    yield "a parameter's value", made
    made, payload = changed()
    del payload.parameters[1]
    yield "a parameter less", made
    made, payload = changed()
    payload.parameters.reverse()
    yield "the order of parameters", made


def of_signatures(
    base: messages.Transaction, other: messages.Transaction, rng: random.Random
) -> Iterator[tuple[str, int, str, bytes]]:
    """(what, user, path to the entry, signature)."""
    entries = [("sender", 0, "sender"), ("endorser", 2, "endorsers.0"), ("last endorser", 3, "endorsers.1")]
    for what, user, path in (*entries, ("payer", 1, "payer")):
        given = at(base, path).signature
        yield f"{what}: a bit", user, path, flipped(given, rng.randrange(8 * len(given)))
        yield f"{what}: cut", user, path, given[:-1]
        if len(given) < 128:  # not RSA, whose signatures are of one length
            yield f"{what}: a byte behind", user, path, given + b"\0"
        yield f"{what}: none", user, path, b""
        yield f"{what}: another's", user, path, at(base, "sender" if path != "sender" else "endorsers.0").signature
        if path != "payer":
            yield f"{what}: of another transaction", user, path, at(other, path).signature


def at(made: messages.Transaction, path: str) -> messages.EndorsementEntry:
    name, _, index = path.partition(".")
    found = getattr(made, name)
    return found[int(index)] if index else found


def mutations(name: str, made: list[dict[str, str]], rng: random.Random) -> Iterator[Mutation]:
    base, other = (messages.parse(messages.Transaction, bytes.fromhex(row["transaction"]), "tx") for row in made[:2])

    def copy() -> messages.Transaction:
        found = messages.Transaction()
        found.CopyFrom(base)
        return found

    yield Mutation("nothing", base, 0, base.sender)
    for what, changed in of_payload(base):
        yield Mutation(f"payload: {what}", changed, 0, changed.sender)
    for what, user, path, signature in of_signatures(base, other, rng):
        changed = copy()
        at(changed, path).signature = signature
        yield Mutation(what, changed, user, at(changed, path))
    members = {"member_type": 3, "member_info": b"?"} | ({} if name.endswith("Public") else {"org_id": "org3"})
    for path in ("sender", "endorsers.0", "payer"):
        for field, value in members.items():
            changed = copy()
            setattr(at(changed, path).signer, field, value)
            yield Mutation(f"{path}: {field}", changed, None, None)
        changed = copy()
        at(changed, path).signer.CopyFrom(at(base, "endorsers.1").signer)
        yield Mutation(f"{path}: another member", changed, None, None)


def expected(case: Mutation, rules: str, sdk_says: bool) -> bool:
    """The SDK's answer, but for the two places where its answer is not the chain's.

    Bytes behind the SEQUENCE of a signature: the SDK ignores them for SM2, as the chain's Go code does for every
    curve, and leaves P-256 to OpenSSL, which refuses them; `strict` refuses them always. A payer: as read, current
    releases do not look at its signature, so `compatible` does not; `strict` does.
    """
    if rules == "compatible" and case.what.startswith("payer"):
        return True
    if case.what.endswith(" behind"):
        return rules == "compatible"
    return sdk_says


@pytest.fixture(scope="module")
def mutated(
    sdk: Path, signed: dict[str, list[dict[str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[Mutation, bool]]]:
    """Chain -> every mutation, and whether the SDK verifies the signature of its entry."""
    rng = random.Random(8)
    cases = {name: list(mutations(name, signed[name], rng)) for name in CHAINS}
    users, asked = [], []
    for name, found in cases.items():
        asked += [
            {
                "user": len(users) + case.user,
                "message": case.transaction.payload.SerializeToString().hex(),
                "signature": case.entry.signature.hex(),
            }
            for case in found
            if case.user is not None and case.entry is not None
        ]
        users += chain(name).users
    answers = iter(ask(sdk, tmp_path_factory.mktemp("sdk"), users, verify=asked)["verified"])
    return {
        name: [(case, case.user is not None and next(answers) is True) for case in found]
        for name, found in cases.items()
    }


@pytest.mark.parametrize("rules", ["strict", "compatible"])
@pytest.mark.parametrize("name", CHAINS)
def test_what_the_sdk_refuses_is_refused(
    name: str, rules: str, mutated: dict[str, list[tuple[Mutation, bool]]]
) -> None:
    """Every field changed, one at a time: pycore's answer is that of the SDK's own verification, where it has one."""
    items = [case.transaction.SerializeToString() for case, _ in mutated[name]]
    got = LEDGER.validate_transactions(items, chain(name).context.replace(rules=rules))
    wrong = [
        (case.what, says)
        for (case, says), valid in zip(mutated[name], got.valid, strict=True)
        if bool(valid) != expected(case, rules, says)
    ]
    assert not wrong
    assert len(items) > 40
    taken = {case.what for case, says in mutated[name] if says}
    assert {what for what in taken if not what.endswith(" behind")} == {"nothing"}
    assert (len(taken) > 1) == name.startswith("sm2")
