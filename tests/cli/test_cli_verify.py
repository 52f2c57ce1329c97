"""``pycore verify`` and ``pycore validate``, run as a user runs them."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_runs import Run, cli_fixture, good_ledger_fixture, ledger_fixture, write_signatures  # noqa: F401
from conftest import PACKAGE

import pycore
from pycore import testing

# ---- verify ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".npz"])
@pytest.mark.parametrize("scheme", list(pycore.SCHEMES))
def test_verify_files(cli: Run, tmp_path: Path, scheme: str, suffix: str) -> None:
    write_signatures(tmp_path, scheme, f"good{suffix}")
    write_signatures(tmp_path, scheme, f"bad{suffix}", spoil=(2, 9))
    good = cli("verify", "--scheme", scheme, f"good{suffix}")
    assert good.returncode == 0, good.stderr
    assert good.stdout == "10 items, 10 valid, 0 invalid\n"
    bad = cli("verify", "--scheme", scheme, f"bad{suffix}", "--json")
    assert bad.returncode == 1
    answer = json.loads(bad.stdout)
    assert [i for i, name in enumerate(answer["verdicts"]) if name != "VALID"] == [2, 9]
    assert answer["verdicts"][2] == "BAD_SIGNATURE"
    assert answer["bitmap"] == "fb01"


def test_verify_options_reach_the_kernel(cli: Run, tmp_path: Path) -> None:
    key, signature, message = (
        column[0].tobytes().hex() for column in testing.generate_signatures("sm2", 1, user_id=b"node-7")
    )
    single = ["verify", "--scheme", "sm2", "--public-key", key, "--signature", signature]
    assert cli(*single, "--message", message, "--user-id", "node-7").returncode == 0
    assert cli(*single, "--message", message).returncode == 1
    assert cli(*single, "--message", message, "--no-user-id").returncode == 1
    (tmp_path / "text").write_bytes(bytes.fromhex(message))
    assert cli(*single, "--message-file", "text", "--user-id", "node-7").returncode == 0
    assert "MALFORMED_SIGNATURE" in cli(*single, "--message", message, "--encoding", "der").stdout


SPKI = {
    "ed25519": "302a300506032b6570032100",
    "ecdsa-secp256k1": "3056301006072a8648ce3d020106052b8104000a034200",
    "ecdsa-p256": "3059301306072a8648ce3d020106082a8648ce3d030107034200",
    "sm2": "3059301306072a8648ce3d020106082a811ccf5501822d034200",
}


def pem_of(der: str, label: str = "PUBLIC KEY") -> str:
    return f"-----BEGIN {label}-----\n{base64.b64encode(bytes.fromhex(der)).decode()}\n-----END {label}-----\n"


@pytest.mark.parametrize("scheme", list(SPKI))
def test_keys_in_pem_and_spki(cli: Run, tmp_path: Path, scheme: str) -> None:
    columns = testing.generate_signatures(scheme, 3)
    rows = list(zip(*([one.tobytes().hex() for one in column] for column in columns), strict=True))
    key, signature, message = rows[0]
    key = SPKI[scheme] + key
    rest = ["--signature", signature, "--message", message]
    (tmp_path / "key.pem").write_text(pem_of(key))
    (tmp_path / "key.der").write_bytes(bytes.fromhex(key))
    (tmp_path / "key.hex").write_text(rows[0][0] + "\n")
    for given in (
        ["--public-key", key],
        ["--public-key", pem_of(key)],
        *(["--public-key-file", f"key.{one}"] for one in ("pem", "der")),
    ):
        assert cli("verify", *given, *rest, "--scheme", scheme).returncode == 0, given
        done = cli("verify", *given, *rest)
        assert done.returncode == 0
        assert done.stderr == f"pycore: --scheme {scheme}, as the key says\n"
        other = "sm2" if scheme != "sm2" else "ed25519"
        done = cli("verify", *given, *rest, "--scheme", other)
        assert done.returncode == 2
        assert f"got a key of {scheme}, wanted one of {other}" in done.stderr
    assert cli("verify", "--public-key-file", "key.hex", *rest, "--scheme", scheme).returncode == 0
    lines = [{"public_key": SPKI[scheme] + row[0], "signature": row[1], "message": row[2]} for row in rows]
    lines[1]["public_key"] = pem_of(lines[1]["public_key"])
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert cli("verify", "rows.jsonl").stdout == "3 items, 3 valid, 0 invalid\n"


def test_keys_that_are_not_taken(cli: Run, tmp_path: Path) -> None:
    secret = "11" * 32
    private = f"302e020100300506032b657004220420{secret}"  # PKCS #8 of an Ed25519 key
    rest = ["--signature", "00" * 64, "--message", "00"]
    (tmp_path / "private.pem").write_text(pem_of(private, "PRIVATE KEY"))
    (tmp_path / "private.jsonl").write_text(json.dumps({"public_key": private, "signature": "", "message": ""}))
    for given in (
        ["--public-key", private],
        ["--public-key", pem_of(private, "PRIVATE KEY")],
        ["--public-key-file", "private.pem"],
    ):
        done = cli("verify", *given, *rest)
        assert done.returncode == 2
        assert "got a private key" in done.stderr
        assert secret[:16] not in done.stderr
        assert "ERERER" not in done.stderr
    done = cli("verify", "private.jsonl")
    assert (done.returncode, secret[:16] in done.stderr) == (2, False)
    assert "line 1, public_key: got a private key" in done.stderr
    assert cli("verify", "--public-key", "00" * 32, "--public-key-file", "private.pem", *rest).returncode == 2
    two = [
        {"public_key": SPKI["ed25519"] + "00" * 32, "signature": "", "message": ""},
        {"public_key": SPKI["sm2"] + "04" + "00" * 64, "signature": "", "message": ""},
    ]
    (tmp_path / "two.jsonl").write_text("".join(json.dumps(line) + "\n" for line in two))
    assert "wanted keys of one scheme" in cli("verify", "two.jsonl").stderr


def test_a_malformed_key_of_an_archive_says_what_it_looks_like(cli: Run, tmp_path: Path) -> None:
    keys, signatures, messages = testing.generate_signatures("sm2", 2)
    start = np.frombuffer(bytes.fromhex(SPKI["sm2"]), np.uint8)
    wrapped = np.concatenate([part for key in keys for part in (start, key)])
    np.savez(
        tmp_path / "rows.npz",
        public_key=wrapped,
        public_key_offsets=np.arange(3) * (len(wrapped) // 2),
        signatures=signatures,
        messages=messages,
    )
    done = cli("verify", "--scheme", "sm2", "rows.npz")
    assert done.returncode == 1
    assert done.stdout.count("it is a SubjectPublicKeyInfo") == 2


@pytest.mark.parametrize(
    "pair",
    [
        ("--message", "00", "--message-file", "m.txt"),
        ("--message", "", "--message-file", "m.txt"),
        ("--user-id", "alice", "--no-user-id"),
        ("--user-id", "", "--no-user-id"),
        ("--public-key", "00", "--public-key-file", "m.txt"),
    ],
    ids=" ".join,
)
def test_options_that_contradict_each_other(cli: Run, tmp_path: Path, pair: tuple[str, ...]) -> None:
    (tmp_path / "m.txt").write_bytes(b"")
    single = {"--scheme": "sm2", "--public-key": "00", "--signature": "00", "--message": "00"}
    rest = [word for name, value in single.items() if name not in pair for word in (name, value)]
    done = cli("verify", *pair, *rest)
    assert (done.returncode, done.stdout) == (2, "")
    second = next(word for word in pair[1:] if word.startswith("--"))
    assert done.stderr == f"pycore: {second}: got {pair[0]} as well, wanted one of the two\n"


def test_verify_of_nothing_is_no_success(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "blank.jsonl").write_text("\n\n")
    (tmp_path / "empty.csv").write_text("public_key,signature,message\n")
    for name in ("empty.jsonl", "blank.jsonl", "empty.csv"):
        done = cli("verify", "--scheme", "sm2", name)
        assert done.returncode == 2
        assert "no rows" in done.stderr
    assert cli("verify", "-", stdin="").returncode == 2


def test_verify_asks_for_the_scheme_of_keys_that_are_not_ed25519(cli: Run, tmp_path: Path) -> None:
    for scheme, n in (("ed25519", 0), ("sm2", 2), ("ecdsa-secp256k1", 2)):
        write_signatures(tmp_path, scheme, f"{scheme}.jsonl", n=3)
        write_signatures(tmp_path, scheme, f"{scheme}.npz", n=3)
        for suffix in ("jsonl", "npz"):
            done = cli("verify", f"{scheme}.{suffix}")
            assert done.returncode == n, done.stderr
            assert ("--scheme: got nothing, with keys of" in done.stderr) is bool(n)


def test_verify_reads_files_with_a_byte_order_mark(cli: Run, tmp_path: Path) -> None:
    for suffix in (".jsonl", ".csv"):
        write_signatures(tmp_path, "sm2", f"plain{suffix}", n=3)
        (tmp_path / f"marked{suffix}").write_bytes(b"\xef\xbb\xbf" + (tmp_path / f"plain{suffix}").read_bytes())
        done = cli("verify", "--scheme", "sm2", f"marked{suffix}")
        assert (done.returncode, done.stdout) == (0, "3 items, 3 valid, 0 invalid\n"), done.stderr


def test_verify_lists_all_when_asked(cli: Run, tmp_path: Path) -> None:
    write_signatures(tmp_path, "ecdsa-p256", "s.jsonl", spoil=(1,), n=3)
    listed = cli("verify", "-s", "ecdsa-p256", "s.jsonl").stdout.splitlines()
    assert len(listed) == 3  # header, the invalid one, the sum
    assert listed[1].split()[:2] == ["1", "BAD_SIGNATURE"]
    assert len(cli("verify", "-s", "ecdsa-p256", "s.jsonl", "--all").stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", "not json\n"),
        ("x.jsonl", "[1]\n"),
        ("x.jsonl", '{"public_key": "00", "signature": "00"}\n'),
        ("x.jsonl", '{"public_key": "00", "signature": "0", "message": ""}\n'),
        ("x.jsonl", '{"public_key": 5, "signature": "00", "message": ""}\n'),
        ("x.csv", "key,sig\n00,00\n"),
        ("x.npz", "not an archive"),
        ("x.txt", ""),
        ("x.jsonl", b"\xff\xfe"),
        ("x.csv", b"\xff\xfe"),
        ("x.npz", b""),
        ("x.npz", b"PK\x03\x04 and then nothing"),
        (
            "x.npz",
            b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b"\n1",
        ),
    ],
)
def test_verify_malformed_files_exit_2(cli: Run, tmp_path: Path, name: str, content: str | bytes) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = cli("verify", name)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("first", ["00,00,00", "public_key,signature", "key;sig;msg", '"'])
def test_a_csv_without_its_header_is_told_so_and_not_shown(cli: Run, tmp_path: Path, first: str) -> None:
    (tmp_path / "x.csv").write_text(first + "\n" + "00,00,00\n")
    done = cli("verify", "x.csv")
    assert done.returncode == 2
    assert done.stderr.startswith("pycore: line 1: got no column ")
    assert done.stderr.endswith("wanted the header public_key,signature,message\n")
    assert first not in done.stderr.replace("public_key,signature,message", "")


def test_a_reader_that_leaves_is_not_an_error(tmp_path: Path) -> None:
    write_signatures(tmp_path, "sm2", "s.jsonl", n=2000)
    command = f"{shlex.quote(sys.executable)} -m pycore.cli verify -s sm2 s.jsonl --all | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout.startswith("item")
    assert done.stderr == ""
    assert done.returncode == 141


# ---- validate --------------------------------------------------------------------------------------------------------


def test_validate(
    cli: Run, tmp_path: Path, ledger: testing.GeneratedLedger, good_ledger: testing.GeneratedLedger
) -> None:
    (tmp_path / "good.bin").write_bytes(good_ledger.block_info(0))
    (tmp_path / "good.hex").write_text("0x" + good_ledger.block_info(0).hex())
    (tmp_path / "bad.bin").write_bytes(ledger.block_info(0))
    (tmp_path / "good.json").write_text(good_ledger.context_for(0).to_json())
    (tmp_path / "bad.json").write_text(ledger.context_for(0).to_json())
    for name in ("good.bin", "good.hex"):
        done = cli("validate", name, "--context", "good.json", "--require-complete")
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert done.stdout.splitlines()[-1].startswith("VALID: ")
    done = cli("validate", "bad.bin", "--context", "bad.json", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    (spoilt,) = ledger.invalid_in(0).values()
    assert [(row["index"], row["verdict"]) for row in report["invalid_transactions"]] == [(spoilt.tx, spoilt.verdict)]
    assert {check["status"] for check in report["checks"] if check["name"] != "transactions"} == {"passed"}
    shown = cli("validate", "bad.bin", "--context", "bad.json").stdout
    assert "INVALID" in shown
    assert re.search(rf"^ *{spoilt.tx} +BAD_SIGNATURE", shown, re.MULTILINE)
    assert cli("validate", "good.bin", "--context", "bad.json").returncode == 1


def test_validate_options(cli: Run, tmp_path: Path, good_ledger: testing.GeneratedLedger) -> None:
    (tmp_path / "block").write_bytes(good_ledger.block_info(1))
    (tmp_path / "context").write_text(good_ledger.context.to_json())
    previous = good_ledger.blocks.previous_hash(1).hex()
    proposer = good_ledger.context_for(1).previous_proposer
    assert proposer is not None
    place = ["--height", "2", "--previous-hash", previous, "--previous-proposer", proposer, "--require-complete"]
    assert cli("validate", "block", "--context", "context", *place).returncode == 0
    assert cli("validate", "block", "--context", "context", "--previous-proposer", "nobody").returncode == 1
    assert cli("validate", "block", "--context", "context", "--require-complete").returncode == 1
    assert cli("validate", "block", "--context", "context", "--height", "3").returncode == 1
    assert cli("validate", "block", "--context", "context", "--previous-hash", "00" * 32).returncode == 1
    assert cli("validate", "block", "--rules", "generous").returncode == 2
    known = json.loads((tmp_path / "context").read_text()) | {"certificates": {}}
    (tmp_path / "unknowing").write_text(json.dumps(known))
    assert cli("validate", "block", "--context", "unknowing").returncode == 1
    (tmp_path / "all.pem").write_text("".join(good_ledger.context.certificates.values()))
    assert cli("validate", "block", "--context", "unknowing", "--certificate", "all.pem").returncode == 0
    (tmp_path / "all.pem").write_text("no PEM here")
    assert cli("validate", "block", "--certificate", "all.pem").returncode == 2
    (tmp_path / "context").write_text('{"no_such_field": 1}')
    assert cli("validate", "block", "--context", "context").returncode == 2


def test_validate_rubbish_exits_2(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "rubbish").write_bytes(b"\xff" * 100)
    done = cli("validate", "rubbish")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_validate_the_real_block(cli: Run, tmp_path: Path, require_vectors: Callable[[str], Path]) -> None:
    from pycore.cli._vectors import read_real_block

    path = require_vectors("chainmaker/real_blocks.json")
    real = read_real_block(path)
    (tmp_path / "block.bin").write_bytes(real.data)
    (tmp_path / "context.json").write_text(real.context.to_json())
    done = cli("validate", "--chain", "chainmaker", "block.bin", "--context", "context.json", "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["height"] == 2
    # the file holds no root certificates and nothing of the block before, so these two checks cannot be made
    assert {c["name"] for c in report["checks"] if c["status"] != "passed"} == {"proposer_turn", "trust_roots"}
    bare = json.loads(path.read_text())["blocks"][0]
    (tmp_path / "block.hex").write_text(bare["block_hex"])
    (tmp_path / "sender.pem").write_text(bare["sender_cert_pem"])
    assert cli("validate", "block.hex", "--certificate", "sender.pem").returncode == 0
