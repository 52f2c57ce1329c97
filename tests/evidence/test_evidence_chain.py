"""Files on generated ChainMaker ledgers: what is found, in every form, and each condition that fails."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import random
from pathlib import Path

import pytest

import pycore
from pycore import bundle as bundles
from pycore import evidence, testing
from pycore.evidence import Digest
from pycore.evidence.check import KINDS
from pycore.evidence.notarised import MAX_ENTRIES, fault, places, written
from pycore.evidence.subject import hash_name
from pycore.testing import LedgerParameters
from pycore.testing.chainmaker import BlockBuilder, Call
from pycore.testing.evidence import CONTRACT, FORMS, GeneratedEvidence
from pycore.testing.ledger import BlockSequence

FILES = {"合同.pdf": b"A contract.\n" * 9, "report.txt": b"A report.\n", "empty.bin": b""}
NAME = "report.txt"


@pytest.fixture(scope="module")
def made():
    return testing.generate_evidence(FILES, suite="p256", seed=1)


def failed(report):
    """Names of the checks that do not hold; nothing is accepted."""
    assert not (report.valid and report.complete)
    return [check.name for check in report.checks if check.ok is not True]


# ---- what is found ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["sm2", "p256"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "failed"])
def test_every_form_is_found(form, suite):
    made = testing.generate_evidence(FILES, form=form, suite=suite, seed=2)
    for number, (name, data) in enumerate(FILES.items()):
        report = evidence.check(data, made.bundle(name), made.trusted(), name=name)
        assert report.valid, [str(check) for check in report.failed]
        assert report.complete
        block, _ = made.places[name]
        assert (report.height, report.algorithm, report.digest) == (block + 1, "sm3", pycore.hash("sm3", data))
        assert report.form.endswith({"base64": "base64", "bytes": "bytes"}.get(form, "hexadecimal"))
        assert report.serial == (f"evidence-{number}" if form.startswith("cmevi") else "")
        assert report.time == 1767225600 + 2 * (block + 1)
        assert report.sender["org_id"].endswith(".pycore-test.invalid")
        assert report.sender["name"].startswith("client")
        assert len(report.certified_by) == 3
        assert len({report.organisations[node] for node in report.certified_by}) == 3
        assert report.contract == CONTRACT
        assert not report.linked


@pytest.mark.parametrize("consensus", ["tbft", "maxbft"])
def test_members_by_key_have_no_name(consensus):
    made = testing.generate_evidence(FILES, authentication="key", consensus=consensus, seed=3, blocks=2)
    report = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())
    assert report.valid
    assert report.complete
    assert "name" not in report.sender
    assert report.sender["id"].startswith("-----BEGIN PUBLIC KEY-----")


def test_an_event_is_evidence(made):
    report = evidence.check(FILES[NAME], made.bundle(NAME, "event"), made.trusted())
    assert report.valid
    assert report.complete
    assert (report.kind, report.method, report.where) == ("event", "Evidence", "the hash of the event Evidence")
    assert report.sender["org_id"].endswith(".pycore-test.invalid")


def test_a_block_below_the_trusted_one(made):
    late = made.trusted(3)
    report = evidence.check(FILES[NAME], made.bundle(NAME, trusted=late), late)
    assert report.valid
    assert report.linked
    assert report.certified_by == ()


@pytest.mark.parametrize("algorithm", ["sha256", "sm3", "sha512", "sha3-256"])
def test_a_hash_that_nobody_names_is_tried(algorithm):
    made = testing.generate_evidence(FILES, algorithm=algorithm, named="", suite="p256", seed=1)
    report = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())
    assert (report.valid, report.algorithm) == (True, algorithm)


def test_a_named_hash_is_used_however_it_is_spelt():
    made = testing.generate_evidence(FILES, algorithm="blake2b-256", named="BLAKE2b_256", suite="p256", seed=1)
    report = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())
    assert (report.valid, report.algorithm) == (True, "blake2b-256")


def test_file_path_bytes_and_digest_are_one(made, tmp_path):
    path = tmp_path / NAME
    path.write_bytes(FILES[NAME])
    digest = pycore.hash("sm3", FILES[NAME])
    bundle, trusted = made.bundle(NAME), made.trusted()
    for file in (path, str(path), FILES[NAME], bytearray(FILES[NAME]), f"sm3:{digest.hex()}", Digest("sm3", digest)):
        report = evidence.check(file, bundle, trusted)
        assert report.valid
        assert report.digest == digest
    assert evidence.check(path, bundle, trusted).file_name == NAME
    assert evidence.check(path, bundle, trusted).file_size == len(FILES[NAME])
    assert evidence.check(f"SM3:{digest.hex().upper()}", bundle, trusted).file_size is None


def test_bundle_and_state_in_any_form(made):
    bundle, trusted = made.bundle(NAME), made.trusted()
    for one in (bundle, bundles.to_bytes(bundle), bundles.to_json(bundle), bundles.to_dict(bundle)):
        for state in (trusted, bundles.trusted_to_json(trusted), bundles.trusted_to_dict(trusted)):
            assert evidence.check(FILES[NAME], one, state).valid


def test_the_report_as_json(made):
    document = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted(), name=NAME).to_dict()
    assert document["valid"]
    assert document["digest"] == pycore.hash("sm3", FILES[NAME]).hex()
    assert document["metadata"]["hashAlgorithm"] == "sm3"
    assert document["certified_by"]
    assert document["checks"][-1]["name"] == "file_digest"


# ---- every condition fails -------------------------------------------------------------------------------------------


def test_file_digest(made):
    report = evidence.check(FILES[NAME] + b" ", made.bundle(NAME), made.trusted())
    assert failed(report) == ["file_digest"]
    assert report.digest == b""
    assert report.check("file_digest").got == repr(pycore.hash("sm3", FILES[NAME]).hex())


def test_statement(made):
    report = evidence.check(FILES[NAME], made.bundle(NAME, "header"), made.trusted())
    assert failed(report) == ["statement", "file_digest"]


def test_call():
    made = testing.generate_evidence(FILES, form="failed", suite="p256", seed=1)
    report = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())
    assert failed(report) == ["call"]
    assert "code 4" in report.check("call").got


def test_parameters():
    """A call with the parameter hash twice: the contract may have taken either."""
    digest = pycore.hash("sm3", FILES[NAME]).hex().encode()
    call = Call(CONTRACT, "Evidence", (("hash", b"00"), ("id", b"1"), ("hash", digest)))
    parameters = LedgerParameters("chainmaker", 2, 3, "p256", 2, 1, 0, 4, 0)
    builder = BlockBuilder(parameters, lambda block, tx: call if (block, tx) == (1, 2) else None)
    ledger = testing.GeneratedLedger(parameters, BlockSequence(builder, 2, {}), builder.consortium.context("tbft"), ())
    made = GeneratedEvidence(ledger, {NAME: (1, 2)})
    report = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())
    assert failed(report) == ["parameters", "file_digest"]
    assert report.check("parameters").got == "'hash' twice"


def test_contract(made):
    bundle, trusted = made.bundle(NAME), made.trusted()
    assert evidence.check(FILES[NAME], bundle, trusted, contract=CONTRACT).valid
    assert failed(evidence.check(FILES[NAME], bundle, trusted, contract="another")) == ["contract"]


@pytest.mark.parametrize("named", ["md5", "sha-1", "国密", "x" * 200])
def test_hash_algorithm_that_pycore_does_not_have(named):
    made = testing.generate_evidence(FILES, named=named, suite="p256", seed=1)
    report = evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())
    assert failed(report) == ["hash_algorithm", "file_digest"]


def test_hash_algorithm_of_a_digest(made):
    digest = hashlib.sha256(FILES[NAME]).hexdigest()
    report = evidence.check(f"sha256:{digest}", made.bundle(NAME), made.trusted())
    assert failed(report) == ["hash_algorithm", "file_digest"]


def test_evidence_that_names_another_hash_does_not_count():
    """The digest by SM3 is there, and the evidence says that it is SHA-256."""
    made = testing.generate_evidence(FILES, algorithm="sm3", named="sha256", suite="p256", seed=1)
    assert failed(evidence.check(FILES[NAME], made.bundle(NAME), made.trusted())) == ["file_digest"]


def test_another_trusted_state(made):
    bundle, state = made.bundle(NAME), made.trusted()
    other = dataclasses.replace(state, context=state.context.replace(validators=state.context.validators[:1]))
    for trusted in (made.trusted(2), dataclasses.replace(state, chain_id="other"), other):
        report = evidence.check(FILES[NAME], bundle, trusted)
        assert not report.valid
        assert "file_digest" in failed(report)
        assert (report.height, report.block_hash, report.time, report.sender) == (0, b"", None, {})


def test_any_bit_of_a_bundle(made):
    """A few hundred of them; the tests of bundles go through all."""
    data, trusted = bundles.to_bytes(made.bundle(NAME)), made.trusted()
    rng = random.Random(5)
    for _ in range(150):
        at = rng.randrange(8 * len(data))
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        try:
            report = evidence.check(FILES[NAME], bytes(changed), trusted)
        except pycore.InputError:
            continue
        assert failed(report)


@pytest.mark.parametrize(
    ("file", "field"),
    [
        (5, "file"),
        (None, "file"),
        ("sm3:00", "file.value"),
        ("sm3:xyz", "file"),
        ("sha256:", "file"),
    ],
)
def test_files_that_are_none(made, file, field):
    with pytest.raises(pycore.InputError) as caught:
        evidence.check(file, made.bundle(NAME), made.trusted())
    assert caught.value.field == field


def test_a_file_that_is_not_there(made):
    with pytest.raises(FileNotFoundError):
        evidence.check("no-such-file", made.bundle(NAME), made.trusted())


def test_bundles_and_states_that_are_none(made):
    log, trusted_log = testing.generate_log([b"a"], 0)
    for bundle, state in ((made.bundle(NAME), trusted_log), (log, made.trusted()), (b"bundle", made.trusted())):
        with pytest.raises(pycore.InputError):
            evidence.check(FILES[NAME], bundle, state)


# ---- statements of any contract --------------------------------------------------------------------------------------

DIGEST = hashlib.sha256(b"file").digest()
HEX = DIGEST.hex()


def call(method, *parameters):
    return {"method": method, "parameters": [{"key": key, "value": value.hex()} for key, value in parameters]}


def forms_of(kind, facts, digest=DIGEST):
    return [(one.form, one.where) for one in places(kind, facts) if written(one.value, digest)]


def test_batches_name_the_entry():
    listed = f'[{{"id": "1", "hash": "00"}}, {{"id": "2", "hash": "{HEX}", "metadata": "{{\\"hashAlgorithm\\": 1}}"}}]'
    facts = call("EvidenceBatch", ("evidences", listed.encode()))
    assert forms_of("transaction", facts) == [("CMEVI", "the hash of entry 1 of EvidenceBatch")]


@pytest.mark.parametrize(
    "listed",
    [
        f'[{{"hash": "{HEX}", "HASH": "00"}}]',
        f'[{{"hash": "{HEX}", "hash": "00"}}]',
        f'[], "x": [{{"hash": "{HEX}"}}]',
        f'{{"hash": "{HEX}"}}',
        f'["{HEX}"]',
        f'[{{"hash": ["{HEX}"]}}]',
        f'[{{"hash": "{HEX}"}}',
        f'[{{"Hash": "{HEX}"}}]',
    ],
)
def test_batches_that_a_contract_may_read_otherwise_are_none(listed):
    assert forms_of("transaction", call("EvidenceBatch", ("evidences", listed.encode()))) == []


def test_a_batch_of_many_entries_is_bounded():
    listed = "[" + ",".join(['{"hash": "00"}'] * 200_000) + "]"
    assert len(places("transaction", call("EvidenceBatch", ("evidences", listed.encode())))) == 1


def test_many_parameters_cost_no_more_than_their_number():
    entries = [{"key": str(i), "value": HEX} for i in range(MAX_ENTRIES + 1)]
    assert fault("transaction", {"parameters": entries}) == "more than 16384"
    assert forms_of("transaction", {"parameters": entries}) == []
    assert fault("transaction", {"parameters": entries[1:]}) == ""
    assert len(forms_of("transaction", {"parameters": entries[1:]})) == MAX_ENTRIES


def test_a_parameter_that_is_there_twice_is_named():
    facts = call("Evidence", ("hash", HEX.encode()), ("id", b"1"), ("hash", b"00"))
    assert fault("transaction", facts) == "'hash' twice"
    assert forms_of("transaction", facts) == []
    assert fault("transaction", call("Evidence", ("hash", b""), ("Hash", b""))) == ""


def test_words_of_an_evm():
    facts = {"input": "0x" + "a9059cbb" + "0" * 64 + HEX, "contract": "c0de"}
    assert forms_of("transaction", facts) == [("plain", "word 1 of the input")]
    assert forms_of("transaction", {"input": "a9059cbb" + "00" + HEX}) == []
    assert forms_of("event", {"topic": "t", "data": ["x", "0" * 64 + HEX]}) == [
        ("plain", "word 1 of value 1 of the event")
    ]
    assert forms_of("receipt", {"data": "0x" + HEX}) == [("plain", "value 0 of the event")]
    text = f"{32:064x}" + f"{64:064x}" + HEX.encode().hex()
    assert forms_of("transaction", {"input": "a9059cbb" + text}) == [("plain", "the text after word 1 of the input")]
    assert forms_of("event", {"data": [text[:-2]]}) == []


def test_calls_of_other_chains():
    """Shapes of facts of XuperChain, BIF and Ethereum."""
    xuper = {"calls": [{"method": "a", "parameters": {"x": "1"}}, {"method": "b", "parameters": {"doc": HEX}}]}
    assert forms_of("transaction", xuper) == [("plain", "the parameter doc of calls[1]")]
    assert forms_of("transaction", {"description": HEX}) == [("plain", "the description")]
    bif = {"operations": [{"type": "PAY_COIN", "parameters": HEX}], "metadata": "0x" + HEX}
    found = [("plain", "the parameters of operations[0]"), ("plain", "the metadata")]
    assert forms_of("transaction", bif) == found
    assert forms_of("transaction", {"data": "0x" + HEX}) == [("plain", "the data")]
    topics = {"topics": ["0x" + "11" * 32, "0x" + HEX], "data": "0x"}
    assert forms_of("event", topics) == [("plain", "topic 1 of the event")]
    assert forms_of("state", {"value": "1", "value_hex": HEX.encode().hex()}) == [("plain", "the value")]
    assert forms_of("state", {"value": "0x" + HEX}) == [("plain", "the value")]


def test_a_written_value():
    value = b'{"id": "7", "hash": "' + HEX.encode() + b'", "metadata": "{\\"hashAlgorithm\\": \\"SHA256\\"}"}'
    (found, *_) = places("state", {"value": value.hex()})
    assert (found.form, found.algorithm, found.serial) == ("CMEVI", "SHA256", "7")
    assert forms_of("state", {"value": DIGEST.hex()}) == [("plain", "the value")]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"parameters": None},
        {"parameters": "text"},
        {"parameters": [1, {}, {"key": 1, "value": "00"}, {"key": "a", "value": "0g"}, {"key": "a"}]},
        {"method": "Evidence", "parameters": [{"key": "hash", "value": None}]},
        {"input": 5, "data": 7, "topic": None},
        {"data": [1, None, "\ud800"], "topic": "Evidence"},
        {"value": 5},
    ],
)
def test_facts_of_any_shape_are_read(facts):
    for kind in ("transaction", "event", "receipt", "state", "header", "other"):
        assert not any(written(one.value, DIGEST) for one in places(kind, facts))


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (DIGEST, "bytes"),
        (HEX.encode(), "hexadecimal"),
        (b"0x" + HEX.upper().encode(), "hexadecimal"),
        (f" {HEX}\n".encode(), ""),
        (base64.b64encode(DIGEST), "base64"),
        (base64.urlsafe_b64encode(DIGEST).rstrip(b"="), "base64"),
        (base64.b64encode(DIGEST)[:-2] + b"?=", ""),
        (base64.b64encode(DIGEST) + b"=", ""),
        (HEX.encode()[:-1], ""),
        (HEX.encode() + b"00", ""),
        (DIGEST + b"\0", ""),
        (DIGEST[:-1], ""),
        (b"", ""),
        (b"=" * 44, ""),
    ],
)
def test_forms_of_a_digest(value, form):
    assert written(value, DIGEST) == form


@pytest.mark.parametrize(
    ("text", "name"),
    [("SHA256", "sha256"), ("sha-3-256", "sha3-256"), ("Sm3", "sm3"), ("", None), ("sha", None), ("sha256\0", None)],
)
def test_names_of_hashes(text, name):
    assert hash_name(text) == name


# ---- bundles of every chain ------------------------------------------------------------------------------------------

BUNDLES = Path(__file__).resolve().parents[1] / "vectors" / "bundles"


@pytest.mark.parametrize("path", sorted(BUNDLES.glob("*.bundle")), ids=lambda path: path.stem)
def test_bundles_of_every_chain_are_read(path):
    """None of them has this file's digest; all that they prove is read."""
    trusted = (path.parent / f"{path.stem}.trusted.json").read_text(encoding="utf-8")
    proven = bundles.verify(path.read_bytes(), trusted)
    report = evidence.check(b"a file that nobody has notarised", path.read_bytes(), trusted, name="file")
    names = failed(report)
    assert "file_digest" in names
    assert report.check("file_digest").ok is (False if proven.kind in KINDS else None)
    assert evidence.page(report)
    assert report.chain == proven.chain
    assert report.height == proven.height
