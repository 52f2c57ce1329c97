"""What `explain` and `pycore verify --explain` tell of recorded outputs of public signers, and of generated items."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from interop_rows import records, rows, run
from typer.main import get_command

import pycore
from pycore.cli._app import app
from pycore.signatures.explain import LONGEST, Reading, explain
from pycore.testing import generate_signatures

COMMAND = get_command(app)
# Nothing in the item tells an identifier that somebody chose, a transaction's network, or a digest of something else.
UNKNOWABLE = ("-hash-id", "pyx-2.1.0-id", "botan-2.19.3-id", "botan-2.19.3-raw", "-plain-id", "16.1.1-transaction")
# One row of every call and verdict: the others take the same way.
SIGNED = list({(row.call, row.guess): row for row in rows() if row.call.startswith("verify(")}.values())
BADLY = [row for row in rows() if row.call == "nothing" and "signature" in records()[row.id]][:3]


def _holds(reading: Reading) -> bool:
    return pycore.verify_batch(
        reading.scheme, [reading.public_key], [reading.signature], [reading.message], **reading.options
    ).all_valid


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row.id)
def test_what_the_page_names_is_found_without_it(row: Any) -> None:
    record, (_, asked) = records()[row.id], run(row.call, records()[row.id])
    assert asked is not None
    found = explain(asked.args[0], record["public_key"], record["signature"], record["message"])
    assert all(_holds(reading) for reading in found.readings)
    assert 0 < found.tried < 5000
    assert bool(found.readings) != row.id.endswith(UNKNOWABLE), row.id
    if row.guess == "VALID" and "encoding" not in row.call:
        assert found.readings[0].changes == ()
        assert len(found.readings) == 1


@pytest.mark.parametrize("row", BADLY, ids=lambda row: row.id)
def test_what_nothing_verifies_is_not_explained(row: Any) -> None:
    record = records()[row.id]
    assert explain("sm2", record["public_key"], record["signature"], record["message"]).readings == ()


@pytest.mark.parametrize("scheme", pycore.SCHEMES)
def test_forgeries_are_not_explained(scheme: str) -> None:
    keys, signatures, messages = ([bytes(one) for one in part] for part in generate_signatures(scheme, 2, seed=3))
    assert explain(scheme, keys[0], signatures[0], messages[1]).readings == ()
    assert explain(scheme, keys[0], bytes(64), messages[0]).readings == ()
    for empty in (b"", b"\x30", bytes(65), b"\x30\x06\x02\x01\x01\x02\x01\x01"):
        assert explain(scheme, empty, empty, empty).readings == ()
    assert explain(scheme, keys[0], signatures[0], bytes(LONGEST + 1)) == explain(scheme, bytes(LONGEST + 1), b"", b"")


def test_options_that_were_given_are_no_change() -> None:
    keys, signatures, messages = generate_signatures("sm2", 1, seed=5, user_id=b"ALICE")
    item = (bytes(keys[0]), bytes(signatures[0]), bytes(messages[0]))
    assert explain("sm2", *item).readings == ()
    (found,) = explain("sm2", *item, {"user_id": b"ALICE", "threads": 1}).readings
    assert found.changes == ()
    (found,) = explain("sm2", item[0], item[1].hex().encode(), item[2], {"user_id": b"ALICE"}).readings
    assert found.changes == ("the signature is hexadecimal text",)
    assert found.flags == ["--scheme", "sm2", "--user-id", "ALICE"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda key, s, m: (key, s[32:] + s[:32], m), "s stands before r"),
        (lambda key, s, m: (key, s[31::-1] + s[:31:-1], m), "r and s are little-endian"),
        (lambda key, s, m: (key, s, m + b"\n"), "the line feed at the end was not signed"),
        (lambda key, s, m: (key, s, b"0x" + m.hex().encode()), "the message is hexadecimal text for what was signed"),
        (lambda key, s, m: (key.hex().encode(), s, m), "the key is hexadecimal text"),
        (lambda key, s, m: (b"\x00" + key, s, m), "the key has a byte in front"),
        (lambda key, s, m: (key, s + b"\x1b", m), "a byte follows the signature"),
    ],
)
def test_values_in_other_forms(change: Any, words: str) -> None:
    keys, signatures, messages = generate_signatures("ecdsa-p256", 1, seed=8)
    item = change(bytes(keys[0]), bytes(signatures[0]), bytes(messages[0]))
    found = explain("ecdsa-p256", *item).readings
    assert found[0].changes == (words,)
    assert _holds(found[0])


def test_high_s_and_other_schemes() -> None:
    record = records()["noble-curves-2.4.0-high-s"]
    item = (record["public_key"], record["signature"], record["message"])
    found = explain("ecdsa-secp256k1", *item, {"rules": "low-s"}).readings
    assert {reading.changes for reading in found} == {
        ("s is high: the rules are any-s",),
        ("s was replaced by n - s",),
    }
    (found_other,) = explain("sm2", *item).readings
    assert found_other.changes == ("the scheme is ecdsa-secp256k1",)


def _run(*arguments: str) -> int:
    return COMMAND.main([*arguments], "pycore", standalone_mode=False) or 0


def test_the_command_line_names_options_that_work(capsys: pytest.CaptureFixture[str]) -> None:
    record = records()["openssl-3.0.19-dgst"]
    values = [
        *("--public-key", record["public_key"].hex(), "--signature", record["signature"].hex()),
        *("--message", record["message"].hex()),
    ]
    assert _run("verify", "--scheme", "sm2", *values) == 1
    plain = capsys.readouterr().out
    assert _run("verify", "--scheme", "sm2", *values, "--explain") == 1
    told = capsys.readouterr().out
    assert told.startswith(plain)
    assert "the signature is DER and the identifier is empty" in told
    (line,) = [one for one in told.splitlines() if one.startswith("    --scheme")]
    assert _run("verify", *shlex.split(line), *values) == 0
    assert _run("verify", *shlex.split(line), *values, "--explain") == 0
    assert "nothing to explain" in capsys.readouterr().out
    assert _run("verify", "--scheme", "sm2", *values, "--explain", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdicts"] == ["MALFORMED_SIGNATURE"]
    assert answer["explanation"]["item"] == 0
    (reading,) = answer["explanation"]["readings"]
    assert reading["flags"] == ["--scheme", "sm2", "--encoding", "der", "--user-id", ""]
    assert "public_key" not in reading
    assert _run("verify", "--scheme", "sm2", *values[:-1], "00", "--explain") == 1
    told = capsys.readouterr().out
    assert "none holds" in told
    assert "docs/guides/interop.md" in told


def test_the_first_invalid_item_of_a_file_is_explained(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows_of = [records()[f"sm-crypto-0.3.8-{what}"] for what in ("hash", "plain", "sm3-first")]
    path = tmp_path / "items.jsonl"
    path.write_text(
        "".join(
            json.dumps({name: one[name].hex() for name in ("public_key", "signature", "message")}) + "\n"
            for one in rows_of
        )
    )
    assert _run("verify", "--scheme", "sm2", "--explain", "--json", str(path)) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["explanation"]["item"] == 1
    assert answer["explanation"]["readings"][0]["flags"] == ["--scheme", "sm2", "--hash", "none"]
    assert _run("verify", "--scheme", "sm2", "--explain", str(path)) == 1
    assert "the message's bytes are e" in capsys.readouterr().out
