"""``pycore evidence check``: files, digests, stores, logs, pages and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import Run, cli_fixture  # noqa: F401

import pycore
from pycore import bundle as bundles
from pycore import testing

FILES = {"contract.pdf": b"A contract.\n", "other.txt": b"Another file.\n"}


@pytest.fixture(scope="module")
def made():
    return testing.generate_evidence(FILES, suite="p256", seed=1)


@pytest.fixture
def place(made, tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    bundle = made.bundle("contract.pdf")
    (tmp_path / "contract.bundle").write_bytes(bundles.to_bytes(bundle))
    (tmp_path / "contract.json").write_text(bundles.to_json(bundle))
    (tmp_path / "trusted.json").write_text(bundles.trusted_to_json(made.trusted()))
    bundles.TrustStore(tmp_path / "trust.db").add("court", made.trusted())
    found, log = testing.generate_log([b"x", FILES["other.txt"]], 1, scheme="sm2")
    (tmp_path / "log.json").write_text(json.dumps(found.to_dict()))
    trusted = {
        "pycore": "trusted-log", "format": 1, "profile": log.profile, "log_id": log.log_id.hex(), "scheme": log.scheme,
        "public_key": log.public_key.hex(),
    }  # fmt: skip
    (tmp_path / "log-trust.json").write_text(json.dumps(trusted))
    return tmp_path


@pytest.mark.parametrize("bundle", ["contract.bundle", "contract.json"])
@pytest.mark.parametrize("trust", [["--trust", "trusted.json"], ["--trust", "court", "--store", "trust.db"]])
def test_a_file(cli: Run, place: Path, made, bundle, trust):
    done = cli("evidence", "check", "contract.pdf", "--bundle", bundle, *trust, "--html", "page.html")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2].startswith("Proven: the sm3 digest of contract.pdf is on the chain pycore-test-chain")
    assert lines[-1].startswith("已证明")
    text = (place / "page.html").read_text(encoding="utf-8")
    assert pycore.hash("sm3", FILES["contract.pdf"]).hex() in text
    document = json.loads(cli("evidence", "check", "contract.pdf", "--bundle", bundle, *trust, "--json").stdout)
    assert document["valid"]
    assert document["complete"]
    assert document["tx_id"] in text


def test_a_digest(cli: Run, place: Path):
    digest = pycore.hash("sm3", FILES["contract.pdf"]).hex()
    done = cli("evidence", "check", f"sm3:{digest}", "--bundle", "contract.bundle", "--trust", "trusted.json")
    assert done.returncode == 0, done.stderr


def test_another_file(cli: Run, place: Path):
    arguments = ("--bundle", "contract.bundle", "--trust", "trusted.json")
    done = cli("evidence", "check", "other.txt", *arguments, "--html", "page.html")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2].startswith("Not proven: the condition file_digest does not hold")
    assert "Not proven" in (place / "page.html").read_text(encoding="utf-8")
    done = cli("evidence", "check", "contract.pdf", *arguments, "--contract", "another")
    assert done.returncode == 1


def test_a_log(cli: Run, place: Path):
    arguments = ("--bundle", "log.json", "--trust", "log-trust.json")
    done = cli("evidence", "check", "other.txt", *arguments)
    assert done.returncode == 0, done.stderr
    assert "other.txt is entry 1, counted from 0, of the log" in done.stdout
    assert cli("evidence", "check", "contract.pdf", *arguments).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-file", "--bundle", "contract.bundle", "--trust", "trusted.json"], "no-such-file"),
        (["contract.pdf", "--bundle", "no-such-bundle", "--trust", "trusted.json"], "no-such-bundle"),
        (["contract.pdf", "--bundle", "contract.bundle", "--trust", "no-such-state"], "no-such-state"),
        (["contract.pdf", "--bundle", "other.txt", "--trust", "trusted.json"], "bundle"),
        (["contract.pdf", "--bundle", "contract.bundle", "--trust", "log-trust.json"], "trusted"),
        (["contract.pdf", "--bundle", "log.json", "--trust", "trusted.json"], "trusted"),
        (["contract.pdf", "--bundle", "contract.bundle", "--trust", "club", "--store", "trust.db"], "club"),
        (["sm3:00", "--bundle", "contract.bundle", "--trust", "trusted.json"], "32 bytes of sm3"),
        (["contract.pdf", "--bundle", "contract.bundle"], "--trust"),
    ],
)
def test_wrong_calls(cli: Run, place: Path, arguments, said):
    done = cli("evidence", "check", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_strangers_write_cannot_steer_a_terminal(cli: Run, place: Path):
    name = "a\x1b[2J\u202e.pdf"
    (place / name).write_bytes(FILES["contract.pdf"])
    done = cli("evidence", "check", name, "--bundle", "contract.bundle", "--trust", "trusted.json")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "a\\x1b[2J\\u202e.pdf" in done.stdout
