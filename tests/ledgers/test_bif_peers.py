"""BIF's own SDKs and pycore over the same keys, addresses, transactions and signatures, valid and mutated.

Two peers are asked: brdc-sm-crypto, the SM2 of the JavaScript SDK, and BIF-Core-SDK-Go. One that cannot be had is
skipped by name.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from conftest import CountCases

from bench import chain_programs
from bench.peers import PeerMissingError
from pycore import Verdict, ledgers
from pycore._pb.ledgers.bif.v1 import transaction_pb2
from pycore.base.descriptors import is_repeated
from pycore.ledgers.bif import keys
from pycore.testing.bif import Signer, make_signers, make_transaction, read_private_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

MODULE, PACKAGE = chain_programs.BIF_GO, chain_programs.BIF_NODE
LEDGER = ledgers.get("bif")
ED25519, SM2 = 1, 2  # the SDK's kinds of keys


def ask(command: list[str], questions: Iterable[dict[str, Any]]) -> list[Any]:
    text = "".join(json.dumps(one) + "\n" for one in questions)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines() if line[:1] in '"{tfn']


@pytest.fixture(scope="module")
def node() -> list[str]:
    """The command that answers with brdc-sm-crypto; installs it on first use."""
    return found_or_skipped(chain_programs.bif_node)


@pytest.fixture(scope="module")
def go() -> list[str]:
    """The command that answers with BIF-Core-SDK-Go; built on first use."""
    return found_or_skipped(chain_programs.bif_go)


def found_or_skipped(command: Callable[[], list[str]]) -> list[str]:
    try:
        return command()
    except PeerMissingError as error:
        pytest.skip(str(error))


def mutated(signature: bytes, message: bytes, rng: random.Random) -> list[tuple[bytes, bytes]]:
    """(signature, message) with one thing wrong, or nothing."""
    n = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    found = [(signature, message), (signature, message + b"\0"), (signature[32:] + signature[:32], message)]
    for _ in range(4):
        at = rng.randrange(64)
        found.append((signature[:at] + bytes([signature[at] ^ 1 << rng.randrange(8)]) + signature[at + 1 :], message))
    for one, two in ((0, s), (r, 0), (n, s), (r, n), (r, n - r), (r, n - s), (1, 1), (n - 1, 1)):
        found.append((one.to_bytes(32, "big") + two.to_bytes(32, "big"), message))
    found += [(bytes(64), message), (b"\xff" * 64, message), (rng.randbytes(64), message)]
    return found


def sealed(signer: Signer, blob: bytes, signature: bytes) -> bytes:
    env = transaction_pb2.TransactionEnv()
    env.transaction.ParseFromString(blob)
    env.signatures.add(public_key=signer.text, sign_data=signature)
    return env.SerializeToString()


def transactions(signer: Signer, count: int, rng: random.Random) -> list[bytes]:
    """Blobs of one signer's transactions, of growing size."""
    return [
        make_transaction(
            signer.address, i + 1, dest=signer.address, amount=rng.randrange(1 << 40), contract_input="x" * (i * 17)
        ).SerializeToString()
        for i in range(count)
    ]


def test_sm2_of_the_javascript_sdk(node: list[str], count_cases: CountCases, rng: random.Random) -> None:
    """Its signatures are valid here; whatever either refuses, both refuse."""
    signers = make_signers("sm2", 4, seed=91)
    work = [(one, blob) for one in signers for blob in transactions(one, 3, rng)]
    made = ask(node, [
        {"op": "sign", "private": s.secret.hex(), "key": s.raw.hex(), "message": blob.hex()} for s, blob in work
    ])  # fmt: skip
    items = [sealed(one, blob, bytes.fromhex(text)) for (one, blob), text in zip(work, made, strict=True)]
    assert LEDGER.validate_transactions(items).all_valid
    cases = [
        (one, message, signature)
        for (one, blob), text in zip(work, made, strict=True)
        for signature, message in mutated(bytes.fromhex(text), blob, rng)
    ]
    theirs = ask(node, [
        {"op": "verify", "key": s.raw.hex(), "message": m.hex(), "signature": given.hex()} for s, m, given in cases
    ])  # fmt: skip
    import pycore

    raws, given, texts = [s.raw for s, _, _ in cases], [c[2] for c in cases], [c[1] for c in cases]
    ours = pycore.verify_batch("sm2", raws, given, texts)
    for (_, _, signature), one, verdict in zip(cases, theirs, ours, strict=True):
        accepted = one is True
        assert accepted == (verdict == Verdict.VALID), signature.hex()
    assert sum(v == Verdict.VALID for v in ours) == len(work)
    count_cases(f"tests/ledgers: {PACKAGE}", len(items) + len(cases))


def test_keys_and_addresses_of_the_go_sdk(go: list[str], count_cases: CountCases, rng: random.Random) -> None:
    signers = make_signers("ed25519", 20, seed=92) + make_signers("sm2", 20, seed=92)
    for op, wanted in (
        ({"op": "public"}, [one.text for one in signers]),
        ({"op": "address"}, [one.address for one in signers]),
        ({"op": "address", "code": "by01"}, [one.address.replace("did:bid:", "did:bid:by01:") for one in signers]),
    ):
        found = ask(go, [
            {**op, "private": s.private_text, "key": s.raw.hex(), "kind": ED25519 if s.scheme == "ed25519" else SM2}
            for s in signers
        ])  # fmt: skip
        if "code" in op:  # it writes "ef" for both kinds: taken under `compatible` alone
            for one, address, ours in zip(signers, found, wanted, strict=True):
                key = keys.read_key(one.text)
                assert key is not None
                assert keys.owns(key, address, chain_code="by01", strict=False)
                assert keys.owns(key, address, chain_code="by01", strict=True) == (one.scheme == "ed25519")
                assert keys.owns(key, ours, chain_code="by01", strict=True)
        else:
            assert found == wanted
    assert [read_private_key(one.private_text) for one in signers] == signers
    texts = [one.address for one in signers] + [signers[0].address.replace("did:bid:", "did:bid:by01:")]
    for one in signers:
        at = rng.randrange(10, len(one.address))
        texts.append(one.address[:at] + rng.choice("0OIlBbUu19zZ") + one.address[at + 1 :])
        texts += [one.address[:-1], one.address + "1", one.address.replace(":ef", ":xx").replace(":zf", ":xx")]
    found = ask(go, [{"op": "valid", "address": text} for text in texts])
    assert found == [keys.is_address(text) for text in texts]
    count_cases(f"tests/ledgers: {MODULE}, keys and addresses", 3 * len(signers) + len(texts))


def test_transactions_of_the_go_sdk(go: list[str], count_cases: CountCases) -> None:
    """Its messages have the same fields at the same numbers, and hash to the same value."""
    from google.protobuf.json_format import MessageToDict

    tx = make_transaction("did:bid:a", 7, dest="did:bid:b", contract_input="{}", metadata=b"\1", chain_id=3)
    tx.ceil_ledger_seq, tx.expr_condition, tx.address_prefix, tx.raw_source_address = 5, "e", "p", b"\2"
    for found in transaction_pb2.Operation.DESCRIPTOR.fields:
        if found.message_type is None:
            continue
        inside = getattr(tx.operations.add(type=found.number - 3, metadata=b"\1"), found.name)
        inside.SetInParent()
        for part in found.message_type.fields:
            if part.message_type is not None:
                getattr(inside, part.name).add() if is_repeated(part) else getattr(inside, part.name).SetInParent()
            elif is_repeated(part):
                getattr(inside, part.name).append("x")
            else:
                kind = {part.TYPE_STRING: "t", part.TYPE_BYTES: b"\x80", part.TYPE_BOOL: True}
                setattr(inside, part.name, kind.get(part.type, 1))
    blobs = [tx.SerializeToString()]
    for scheme in ("ed25519", "sm2"):
        blobs += transactions(make_signers(scheme, 1, seed=93)[0], 8, random.Random(1))
    answers = ask(go, [{"op": "blob", "message": blob.hex()} for blob in blobs])
    for blob, theirs in zip(blobs, answers, strict=True):
        assert theirs["blob"] == blob.hex()
        assert theirs["hash"] == LEDGER.transaction_hash(blob).hex()
        message = transaction_pb2.Transaction.FromString(blob)
        ours = MessageToDict(message, preserving_proto_field_name=True)
        assert names(ours) == names(theirs["json"])
    count_cases(f"tests/ledgers: {MODULE}, transactions", len(blobs))


def names(document: Any, path: str = "") -> set[str]:
    """The paths of all fields of a JSON document."""
    if isinstance(document, dict):
        return {f"{path}.{key}" for key in document}.union(*(names(v, f"{path}.{k}") for k, v in document.items()), ())
    if isinstance(document, list):
        return set().union(*(names(one, path) for one in document), ())
    return set()


def test_signatures_of_the_go_sdk(go: list[str], count_cases: CountCases, rng: random.Random) -> None:
    """Its signatures are valid here, unless an SM2 scalar is short, which it puts at the left. Both give one answer on
    mutated signatures."""
    total = 0
    for scheme in ("ed25519", "sm2"):
        signers = make_signers(scheme, 4, seed=94)
        work = [(one, blob) for one in signers for blob in transactions(one, 4, rng)]
        made = ask(go, [{"op": "sign", "private": s.private_text, "message": blob.hex()} for s, blob in work])
        signatures = [bytes.fromhex(text) for text in made]
        cases = [
            (one, message, signature)
            for (one, blob), whole in zip(work, signatures, strict=True)
            for signature, message in mutated(whole, blob, rng)
        ]
        theirs = ask(go, [
            {"op": "verify", "key": s.text, "message": m.hex(), "signature": given.hex()} for s, m, given in cases
        ])  # fmt: skip
        for rules in ("strict", "compatible"):
            for (one, message, signature), their in zip(cases, theirs, strict=True):
                try:
                    item = sealed(one, message, signature)
                except Exception:  # a message that is not a transaction any more
                    continue
                verdict = LEDGER.validate_transactions([item], {"rules": rules})[0]
                if transaction_pb2.TransactionEnv.FromString(item).transaction.SerializeToString() == message:
                    assert (verdict == Verdict.VALID) == (their is True), (scheme, signature.hex(), verdict)
                    total += 1
    count_cases(f"tests/ledgers: {MODULE}, signatures", total)


def test_loaded_transactions_of_both(go: list[str], node: list[str], rng: random.Random) -> None:
    """Both count those with the right hash, the source's key and that key's signature."""
    for scheme in ("ed25519", "sm2"):
        one, two, three = make_signers(scheme, 3, seed=95)
        good, swapped, hashed, stolen = (transactions(signer, 1, rng)[0] for signer in (one, two, three, three))
        items = [
            (good, one.sign(good), one, LEDGER.transaction_hash(good)),
            (swapped, one.sign(swapped), two, LEDGER.transaction_hash(swapped)),
            (hashed, three.sign(hashed), three, bytes(32)),
            (stolen, one.sign(stolen), one, LEDGER.transaction_hash(stolen)),
        ]
        lines = [
            {"op": "load", "message": sealed(signer, blob, signature).hex(), "hash": hash_.hex()}
            for blob, signature, signer, hash_ in items
        ]
        assert counted(go, lines) == 1
        if scheme == "sm2":
            lines = [
                {"op": "load", "message": blob.hex(), "key": signer.raw.hex(), "signature": signature.hex()}
                for blob, signature, signer, _ in items
            ]
            assert counted(node, lines) == 3


def counted(command: list[str], lines: list[dict[str, str]]) -> int:
    """How many of these the program finds valid."""
    text = "".join(json.dumps(one) + "\n" for one in [*lines, {"op": "count"}])
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
    *loaded, count = map(json.loads, done.stdout.splitlines())
    assert loaded == [True] * len(lines)
    return int(count)
