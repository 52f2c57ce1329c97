"""docs/guides/interop.md on the recorded outputs: what it names verifies, first guesses answer as it says, and page and
records agree one to one."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sys

import pytest
from interop_rows import PAGE, RECORDS, ROOT, Asked, Row, commit_report, guess, records, rows, run
from oracle import ecdsa
from oracle.weierstrass import SM2
from typer.main import get_command

import pycore
from pycore.cli._app import app
from pycore.errors import VerificationError
from pycore.merkle.patricia import verify_trie

ROWS = {row.id: row for row in rows()}
COMMAND = get_command(app)
HOLDING = [name for name, row in ROWS.items() if row.call != "nothing"]
FIRST = {name for name in ROWS if name.endswith("identity-key")}  # whose key signs every message


def test_page_and_records_agree() -> None:
    assert len(rows()) == len(ROWS), "a record has two rows"
    assert set(ROWS) == set(records())
    assert len(ROWS) >= 40
    for name, record in records().items():
        assert ROWS[name].package == f"{record['package']} {record['version']}"
        assert re.fullmatch(r"[a-z0-9.-]+", name)


def test_records_are_small_and_name_no_hosts() -> None:
    for path in RECORDS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert len(text) < 64 << 10, path.name
        assert "://" not in text, path.name


def test_the_rows_that_the_page_points_to_exist() -> None:
    text = PAGE.read_text(encoding="utf-8").split("## From symptom to cause")[1].split("\n## ")[0]
    named = [name for line in text.splitlines()[4:] for name in re.findall(r"`([a-z0-9.-]+-[0-9.]+-[a-z0-9-]+)`", line)]
    assert len(named) >= 28
    assert set(named) <= set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_the_first_guess(name: str) -> None:
    row, record = ROWS[name], records()[name]
    call = row.call if row.call != "nothing" else 'verify("sm2"' if "signature" in record else "commit_holds(commit)"
    assert guess(record, call) == row.guess


@pytest.mark.parametrize("name", HOLDING)
def test_what_the_page_names_verifies(name: str) -> None:
    verdict, asked = run(ROWS[name].call, records()[name])
    assert verdict == "VALID"
    assert asked is not None
    value = _answer(asked)[1]
    for changed in _flipped(asked, value, name in FIRST):
        assert _answer(changed) != ("VALID", value), changed


def _flipped(asked: Asked, answered: object, any_message: bool) -> list[Asked]:
    """The call with one bit of each value flipped, in the value's second and last byte. A key that signs everything
    does so with any message, and a proof that a trie lacks a key serves for others that it lacks."""
    places = set(range(1 if asked.name == "verify" else 0, len(asked.args)))
    if any_message:
        places.remove(3)
    if asked.name == "verify_trie" and answered is None:
        places.remove(1)
    found = [
        Asked(asked.name, (*asked.args[:i], other, *asked.args[i + 1 :]), asked.options)
        for i in sorted(places)
        for other in _changed(asked.args[i])
    ]
    assert found
    return found


def _changed(value: object) -> list[object]:
    if isinstance(value, list):
        return [[*value[:i], one, *value[i + 1 :]] for i, part in enumerate(value) for one in _changed(part)]
    assert isinstance(value, bytes)
    return [
        value[:at] + bytes([value[at] ^ bit]) + value[at + 1 :]
        for at, bit in ((min(1, len(value) - 1), 4), (len(value) - 1, 1))
        if value
    ]


_CALLS = {"verify": pycore.verify, "verify_inclusion": pycore.verify_inclusion, "verify_trie": verify_trie}


def _answer(asked: Asked) -> tuple[str, object]:
    """The verdict, and a trie's value: of another key there may be another one, but not the same."""
    if asked.name == "commit_holds":
        return ("VALID" if commit_report(*asked.args).valid else "BAD_SIGNATURE"), None
    try:
        value = _CALLS[asked.name](*asked.args, **asked.options)  # type: ignore[operator]
    except VerificationError as error:
        return error.verdict.name, None
    except pycore.InputError:
        return "InputError", None
    return "VALID", value


# One row of every set of options and every call: the others take the same way.
CALLED = {(row.flags, row.call): name for name, row in ROWS.items() if row.flags != "-"}


@pytest.mark.parametrize("name", CALLED.values())
def test_the_command_line(name: str) -> None:
    _, asked = run(ROWS[name].call, records()[name])
    assert asked is not None
    assert not COMMAND.main(_command(ROWS[name], asked), "pycore", standalone_mode=False)  # what ends with 1 returns it


def _command(row: Row, asked: Asked) -> list[str]:
    options = shlex.split(row.flags)
    values = [value.hex() if isinstance(value, bytes) else value for value in asked.args]
    if asked.name == "verify":
        _, key, signature, message = values
        return ["verify", *options, "--public-key", key, "--signature", signature, "--message", message]
    root, leaf, proof = values
    if asked.name == "verify_trie":
        return [*options, "--root", root, "--key", leaf, *(part for node in proof for part in ("--node", node.hex()))]
    place = ["--index", str(asked.options["index"]), "--leaf-count", str(asked.options["leaf_count"])]
    siblings = [part for node in proof for part in ("--proof", node.hex())]
    return [*options, "--root", root, "--leaf", leaf, *place, *siblings]


def test_what_nothing_verifies_is_as_the_page_says() -> None:
    """ECDSA on SM2's curve, over SM3 or SHA-256: what Node.js does with a key that it has just made."""
    for name in (name for name in ROWS if "-sm2-made" in name):
        record = records()[name]
        holds = {
            algorithm: ecdsa.verify(
                SM2,
                record["public_key"],
                record["signature"],
                pycore.hash(algorithm, record["message"]),
                encoding="der",
            )
            for algorithm in ("sm3", "sha256")
        }
        right = "sm3" if name.endswith("-made") else "sha256"
        assert [algorithm for algorithm, verdict in holds.items() if verdict == "VALID"] == [right], name


def test_messages_that_are_numbers(backend: str) -> None:
    names = [name for name in HOLDING if 'hash="none"' in ROWS[name].call]
    assert len({records()[name]["package"] for name in names}) >= 6, backend
    for name in names:
        assert run(ROWS[name].call, records()[name])[0] == "VALID", (backend, name)


def test_cut_times_are_named() -> None:
    whole, cut = (records()[f"cosmjs-types-0.11.0-commit-{form}"]["commit"] for form in ("protobuf", "json"))
    assert commit_report(whole).valid
    report = commit_report(cut)
    assert not report.valid
    assert "nanoseconds end in 000000" in report.check("signatures").detail
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    assert "nanoseconds" not in commit_report(flipped).check("signatures").detail


_LINE = r"^\| `([0-9a-f]{64})` \| `([0-9a-f]{128})` \| `([a-z0-9-]+)` \| `([A-Z_]+)` \|$"
IDENTITY = re.findall(_LINE, PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("key", "signature", "rules", "verdict"), IDENTITY)
def test_keys_that_sign_everything(key: str, signature: str, rules: str, verdict: str) -> None:
    for message in (b"", b"a message"):
        found = pycore.verify_batch("ed25519", [bytes.fromhex(key)], [bytes.fromhex(signature)], [message], rules=rules)
        assert found[0].name == verdict


def test_keys_that_sign_everything_are_shown_under_every_rule() -> None:
    assert {rules for _, _, rules, _ in IDENTITY} == {one.name for one in pycore.SCHEMES["ed25519"].rules}
    assert {verdict for _, _, rules, verdict in IDENTITY if rules == "strict"} == {"SMALL_ORDER"}


# ---- the script that makes the records -------------------------------------------------------------------------------

_SPEC = importlib.util.spec_from_file_location("record_interop", ROOT / "tools" / "record_interop.py")
assert _SPEC is not None
assert _SPEC.loader is not None
recorder = importlib.util.module_from_spec(_SPEC)
sys.modules["record_interop"] = recorder
_SPEC.loader.exec_module(recorder)


def test_records_are_those_of_the_pinned_packages() -> None:
    assert {path.stem for path in RECORDS.glob("*.json")} == set(recorder.GROUPS)
    for name, group in recorder.GROUPS.items():
        document = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
        assert document["script"] == f"tools/interop/{group.script}"
        assert (ROOT / document["script"]).is_file()
        assert {row["package"] for row in document["rows"]} == set(group.packages)
        for row in document["rows"]:
            assert group.packages[row["package"]] in ("", row["version"])
            assert row["id"].startswith(recorder.identifier(row["package"], row["version"], ""))


def test_the_script_says_what_changed() -> None:
    fixed = {"id": "a", "repeats": True, "call": "sign()", "signature": "00"}
    random = {"id": "b", "repeats": False, "call": "sign()", "signature": "00"}
    gone = {"id": "c", "repeats": True}
    assert recorder.changes([fixed, random], [fixed, {**random, "signature": "01"}]) == []
    assert recorder.changes([fixed], [{**fixed, "signature": "01"}]) == ["changed: a: signature"]
    assert recorder.changes([random], [{**random, "call": "sign(2)"}]) == ["changed: b: call"]
    assert recorder.changes([gone], [fixed]) == ["gone: c", "new: a"]
