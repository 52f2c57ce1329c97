"""``pycore cosmos``: from a node's answers to a verdict, with every exit code."""

from __future__ import annotations

import base64
import doctest
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Run, cli_fixture, process_fixture  # noqa: F401

from pycore.cli import _cosmos
from pycore.consensus import ValidatorSet, verify_commit
from pycore.ledgers.cometbft import encoding, hashes
from pycore.service.config import ServiceConfig
from pycore.service.server import background
from pycore.testing import cometbft, cometbft_json
from pycore.testing.cometbft_light import LightChain
from pycore.testing.ics23 import ProvenTree, proof_ops, store_tree


@pytest.fixture(scope="module")
def chain() -> cometbft.Chain:
    return cometbft.Chain(blocks=3, validators=5, seed=11, absent=(4,))


@pytest.fixture
def files(chain: cometbft.Chain, tmp_path: Path) -> Path:
    """A folder with a node's answers, and the same in protobuf."""
    for i in range(3):
        signed, height = chain.signed_header(i), i + 1
        (tmp_path / f"commit-{height}.json").write_text(cometbft_json.commit_answer(signed))
        (tmp_path / f"header-{height}.json").write_text(cometbft_json.header_answer(signed.header))
        (tmp_path / f"block-{height}.json").write_text(cometbft_json.block_answer(chain.blocks[i], chain.block_ids[i]))
        (tmp_path / f"commit-{height}.hex").write_text(encoding.signed_header(signed).hex() + "\n")
        (tmp_path / f"header-{height}.bin").write_bytes(encoding.header(signed.header))
    for number, page in enumerate(cometbft_json.validators_answers(chain.validators(0), 1, per_page=2), 1):
        (tmp_path / f"page-{number}.json").write_text(page)
    (tmp_path / "validators.json").write_text(cometbft_json.validators_answers(chain.validators(0), 1)[0])
    (tmp_path / "validators.bin").write_bytes(ValidatorSet(chain.validators(0)).to_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        yield server.target


SET = ("--validators", "validators.json")


# ---- commits ---------------------------------------------------------------------------------------------------------


def test_a_final_header(cli: Run, files: Path, chain: cometbft.Chain) -> None:
    done = cli("cosmos", "commit", "commit-2.json", *SET)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("FINAL: pycore-test block 2 ")
    assert chain.block_ids[1].hash.hex() in done.stdout
    done = cli("cosmos", "commit", "commit-2.json", *SET, "--json")
    shown = json.loads(done.stdout)
    wanted = verify_commit(ValidatorSet(chain.validators(0)), (files / "commit-2.json").read_text())
    assert shown["reports"] == [{"file": "commit-2.json", **wanted.to_dict()}]
    assert shown["valid"]
    assert shown["complete"]


@pytest.mark.parametrize(
    "validators",
    [SET, ("--validators", "validators.bin"), [w for i in (1, 2, 3) for w in ("--validators", f"page-{i}.json")]],
)
def test_every_form(cli: Run, files: Path, validators: Any) -> None:
    for header, mode in (("commit-1.json", "full"), ("commit-1.hex", "trusting"), ("commit-1.json", "all")):
        done = cli("cosmos", "commit", header, *validators, "--mode", mode, "--trust-level", "1/2")
        assert done.returncode == 0, done.stderr
    done = cli("cosmos", "commit", "-", *validators, stdin=(files / "commit-1.json").read_text())
    assert done.returncode == 0, done.stderr


def test_what_a_third_signed_is_not_called_final(cli: Run, files: Path) -> None:
    few = cometbft.Chain(blocks=1, validators=5, seed=11, absent=(3, 4))
    (files / "few.json").write_text(cometbft_json.commit_answer(few.signed_header(0)))
    for mode in ("trusting", "trusting-all"):
        done = cli("cosmos", "commit", "few.json", *SET, "--mode", mode)
        assert done.returncode == 0
        assert done.stdout.splitlines()[-1].startswith("SIGNED: ")
        assert "FINAL" not in done.stdout


def test_several_headers_and_one_that_is_not_final(cli: Run, files: Path, chain: cometbft.Chain) -> None:
    signed = chain.signed_header(1)
    slot = signed.commit.signatures[0]
    spoilt = replace(slot, signature=slot.signature[:-1] + bytes([slot.signature[-1] ^ 1]))
    commit = replace(signed.commit, signatures=(spoilt, *signed.commit.signatures[1:]))
    (files / "commit-2.json").write_text(cometbft_json.commit_answer(replace(signed, commit=commit)))
    done = cli("cosmos", "commit", "commit-1.json", "commit-2.json", "commit-3.json", *SET)
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines()[-3:]] == ["FINAL", "INVALID", "FINAL"]
    assert "BAD_SIGNATURE" in done.stdout
    done = cli("cosmos", "commit", "commit-1.json", *SET, "--chain-id", "another")
    assert done.returncode == 1
    assert "chain_id" in done.stdout
    done = cli("cosmos", "commit", "header-1.json", *SET)
    assert done.returncode == 1
    assert "cannot be read" in done.stdout


def test_too_little_power_is_not_final(cli: Run, files: Path) -> None:
    few = cometbft.Chain(blocks=1, validators=5, seed=11, absent=(3, 4))
    (files / "few.json").write_text(cometbft_json.commit_answer(few.signed_header(0)))
    done = cli("cosmos", "commit", "few.json", *SET, "--json")
    assert done.returncode == 1
    (report,) = json.loads(done.stdout)["reports"]
    quorum = next(check for check in report["checks"] if check["name"] == "quorum")
    assert (quorum["status"], quorum["got"], quorum["wanted"]) == ("failed", 30, 34)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["commit-1.json", "--validators", "commit-1.json"], "validators"),
        (["commit-1.json", "--validators", "page-1.json"], "validators"),
        (["commit-1.json", "--validators", "page-1.json", "--validators", "validators.bin"], "--validators"),
        (["commit-1.json", *SET, "--mode", "heavy"], "mode"),
        (["commit-1.json", *SET, "--trust-level", "0.3"], "--trust-level"),
        (["commit-1.json", *SET, "--tls"], "--tls"),
    ],
)
def test_wrong_calls_of_commit(cli: Run, files: Path, words: list[str], field: str) -> None:
    done = cli("cosmos", "commit", *words, "--json")
    assert done.returncode == 2, done.stdout
    assert json.loads(done.stdout)["error"]["field"].startswith(field)
    assert cli("cosmos", "commit", "none.json", *SET).returncode == 2


@pytest.mark.network
def test_a_commit_by_way_of_a_service(cli: Run, files: Path, target: str) -> None:
    for header in ("commit-1.json", "commit-1.hex"):
        here = cli("cosmos", "commit", header, *SET, "--json")
        there = cli("cosmos", "commit", header, *SET, "--json", "--via", target)
        assert (here.returncode, here.stdout) == (there.returncode, there.stdout)
    assert cli("cosmos", "commit", "commit-1.json", *SET, "--via", "127.0.0.1:1").returncode == 3


# ---- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["header-2.json", "block-2.json", "commit-2.json", "header-2.bin"])
def test_a_header_and_its_hash(cli: Run, files: Path, chain: cometbft.Chain, name: str) -> None:
    digest = chain.block_ids[1].hash.hex()
    done = cli("cosmos", "header", name, "--hash", digest, "--validators", "validators.json", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["hash"] == digest
    assert shown["header"]["height"] == 2
    assert shown["header"]["time"].endswith("Z")
    names = ["hash", "block_id", "validators_hash"] if name[0] in "bc" else ["hash", "validators_hash"]
    assert [check["name"] for check in shown["checks"]] == names
    assert digest in cli("cosmos", "header", name).stdout


def test_headers_that_are_others(cli: Run, files: Path, chain: cometbft.Chain) -> None:
    assert cli("cosmos", "header", "header-2.json", "--hash", "00" * 32).returncode == 1
    other = cometbft_json.validators_answers(cometbft.Chain(blocks=1, seed=12).validators(0), 1)[0]
    (files / "other.json").write_text(other)
    assert cli("cosmos", "header", "header-2.json", "--validators", "other.json").returncode == 1
    answer = json.loads((files / "block-2.json").read_text())
    answer["result"]["block"]["header"]["height"] = "7"
    (files / "changed.json").write_text(json.dumps(answer))
    done = cli("cosmos", "header", "changed.json")
    assert done.returncode == 1
    assert "block_id" in done.stdout
    for name in ("validators.json", "page-1.json", "commit-1.hex"):
        assert cli("cosmos", "header", name).returncode == 2


# ---- light clients ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def light_chain() -> LightChain:
    return LightChain(heights=12, validators=6, seed=4, replaced=1)


@pytest.fixture
def folder(light_chain: LightChain, tmp_path: Path) -> Path:
    """Answers of a node for all heights, in all three forms."""
    write(tmp_path / "node", light_chain)
    return tmp_path


def write(path: Path, chain: LightChain) -> None:
    path.mkdir()
    for height in chain.heights:
        block = chain.blocks[height]
        if height % 3 == 0:
            (path / f"{height}.bin").write_bytes(chain.wire(height))
        elif height % 3 == 1:
            (path / f"{height}.json").write_text(json.dumps(cometbft_json.light_block(block)))
        else:
            (path / f"commit-{height}.json").write_text(cometbft_json.commit_answer(block.signed_header))
            pages = cometbft_json.validators_answers(block.validators.validators, height, per_page=4)
            for number, page in enumerate(pages, 1):
                (path / f"validators-{height}{f'-{number}' if number > 1 else ''}.json").write_text(page)


def light(cli: Run, chain: LightChain, *words: str, root: int | None = 1, now: str = "2023-11-14T22:20:00Z") -> Any:
    trusted = [] if root is None else ["--trusted-height", str(root), "--trusted-hash", chain.hash(root).hex()]
    return cli("cosmos", "light", "node", "--trusting-period", "14d", "--now", now, *trusted, *words)


@pytest.mark.network
@pytest.mark.parametrize("via", [False, True])
def test_a_block_of_another_height_is_not_the_one_that_was_asked_for(
    cli: Run, folder: Path, light_chain: LightChain, target: str, via: bool
) -> None:
    (folder / "node" / "6.bin").write_bytes(light_chain.wire(5))
    done = light(cli, light_chain, *(["--via", target] if via else []), "--height", "6", "--store", "light.db")
    assert done.returncode != 0
    assert "TRUSTED: " not in done.stdout.replace("NOT TRUSTED", "")


@pytest.mark.network
@pytest.mark.parametrize("via", [False, True])
def test_a_light_client_goes_on_from_its_store(
    cli: Run, folder: Path, light_chain: LightChain, target: str, via: bool
) -> None:
    words = ["--store", "light.db", *(["--via", target] if via else [])]
    done = light(cli, light_chain, *words, "--height", "3", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["trusted"], shown["hash"], shown["from_height"]) == (True, light_chain.hash(3).hex(), 1)
    done = light(cli, light_chain, *words, root=None)  # the last block, with blocks in between
    assert done.returncode == 0, done.stderr
    assert light_chain.hash(12).hex() in done.stdout
    assert "because of block 3" in done.stdout
    done = light(cli, light_chain, *words, "--height", "3", root=None)
    assert done.returncode == 0
    assert "it was already" in done.stdout


def test_without_a_store_and_sequentially(cli: Run, folder: Path, light_chain: LightChain) -> None:
    assert light(cli, light_chain, "--sequential").returncode == 0
    (folder / "node" / "4.json").unlink()
    done = light(cli, light_chain, "--sequential")
    assert done.returncode == 1
    assert "NOT TRUSTED: block 12; provider" in done.stdout
    assert light(cli, light_chain, root=5).returncode == 0
    assert light(cli, light_chain, "--height", "3", root=5).returncode == 1  # backwards by way of block 4


@pytest.mark.network
@pytest.mark.parametrize("via", [False, True])
def test_headers_that_are_not_to_be_trusted(
    cli: Run, folder: Path, light_chain: LightChain, target: str, via: bool
) -> None:
    words = ["--via", target] if via else []
    done = light(cli, light_chain, *words, now="2024-11-14T22:20:00Z")
    assert done.returncode == 1
    assert "trusting_period" in done.stdout
    fork = light_chain.forked(4, "lunatic", liars=[0])
    write(folder / "fork", fork)
    done = cli(
        "cosmos", "light", "fork", "--trusting-period", "14d", "--now", "2023-11-14T22:20:00Z", "--json",
        "--trusted-height", "3", "--trusted-hash", light_chain.hash(3).hex(), "--height", "4", *words,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    shown = json.loads(done.stdout)
    assert not shown["trusted"]
    assert shown["report"]["verdict"] == "invalid"
    other = [*words, "--trusted-height", "1", "--trusted-hash", "00" * 32]
    done = light(cli, light_chain, *other, root=None)
    assert done.returncode == 1
    assert "root_hash" in done.stdout
    (folder / "node" / "6.bin").unlink()
    (folder / "node" / "7.json").unlink()
    for height in (5, 8):
        (folder / "node" / f"commit-{height}.json").unlink()
    done = light(cli, light_chain, *words)
    assert done.returncode == 1, done.stdout


def test_witnesses(cli: Run, folder: Path, light_chain: LightChain) -> None:
    write(folder / "other", light_chain)
    assert light(cli, light_chain, "--witness", "other").returncode == 0
    write(folder / "fork", light_chain.forked(4, "equivocation"))
    done = light(cli, light_chain, "--witness", "fork", "--json")
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert shown["reason"] == "attack"
    assert set(shown["evidence"]) == {"primary", "witness 0"}
    done = light(cli, light_chain, "--witness", "fork")
    assert "evidence against the primary: " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("NOT TRUSTED: block 12; attack")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--trusted-height", "1"], "--trusted-hash"),
        (["--trusted-hash", "00"], "--trusted-height"),
        (["--trusted-height", "1", "--trusted-hash", "00"], "--trusted-hash"),
        ([], "--store"),
        (["--store", "light.db", "--height", "40"], "FOLDER"),
        (["--store", "light.db", "--trust-level", "1/4"], "trust_level"),
        (["--store", "light.db", "--clock-drift", "soon"], "--clock-drift"),
        (["--store", "light.db", "--clock-drift", ""], "--clock-drift"),
        (["--store", "light.db", "--witness", "none"], "--witness"),
        (["--store", "light.db", "--witness", "other", "--via", "127.0.0.1:1"], "--witness"),
        (["--store", "light.db", "--witness", "node"], "--witness"),
        (["--store", "light.db", "--witness", "other", "--witness", "./other/"], "--witness"),
    ],
)
def test_wrong_calls_of_light(cli: Run, folder: Path, light_chain: LightChain, words: list[str], field: str) -> None:
    write(folder / "other", light_chain)
    done = light(cli, light_chain, *words, "--json", root=None)
    assert done.returncode == 2, done.stdout
    assert json.loads(done.stdout)["error"]["field"] == field
    assert light(cli, light_chain, "--store", "x.db", "--now", "yesterday", root=None).returncode == 2
    assert cli("cosmos", "light", "none", "--trusting-period", "14d", "--store", "x.db").returncode == 2


def test_a_store_that_trusts_nothing_or_is_none(cli: Run, folder: Path, light_chain: LightChain) -> None:
    done = light(cli, light_chain, "--store", "light.db", root=None)
    assert done.returncode == 1
    assert "no_trust" in done.stdout
    (folder / "broken.db").write_bytes(b"no database" * 100)
    assert light(cli, light_chain, "--store", "broken.db", root=None).returncode == 3


def test_as_a_process(process: Run, files: Path) -> None:
    done = process("cosmos", "commit", "commit-1.json", *SET)
    assert done.returncode == 0, done.stderr
    assert "FINAL" in done.stdout


@pytest.mark.parametrize("command", ["commit", "header", "light", "proof"])
def test_help_has_examples(cli: Run, command: str) -> None:
    done = cli("cosmos", command, "--help")
    assert done.returncode == 0
    assert f"pycore cosmos {command}" in done.stdout


# ---- proofs ----------------------------------------------------------------------------------------------------------


def test_a_transaction_is_in_a_block(cli: Run, files: Path, chain: cometbft.Chain) -> None:
    (files / "tx.json").write_text(cometbft_json.tx_answer(chain.tx_proof(1, 2), 2))
    root = chain.blocks[1].header.data_hash.hex()
    for words in (["--root", root], ["--header", "header-2.json"], ["--header", "commit-2.json"]):
        done = cli("cosmos", "proof", "tx.json", *words, "--json")
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert (shown["kind"], shown["verdict"]) == ("transaction", "VALID")
        assert shown["transaction"] == hashes.transaction_hash(chain.blocks[1].transactions[2]).hex()
    for words in (["--root", "00" * 32], ["--header", "header-3.json"]):
        done = cli("cosmos", "proof", "tx.json", *words)
        assert done.returncode == 1
        assert done.stdout.splitlines()[-1] == "BAD_PROOF"
    answer = json.loads((files / "tx.json").read_text())
    answer["result"]["proof"]["proof"]["aunts"].pop()
    (files / "short.json").write_text(json.dumps(answer))
    assert cli("cosmos", "proof", "short.json", "--root", root).returncode == 1


def query(stores: dict[str, ProvenTree], key: bytes, value: bytes | None) -> str:
    """A node's answer to a query for a key of the store "bank"."""

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    ops = [
        {"type": one.type, "key": encoded(one.key), "data": encoded(one.data)}
        for one in proof_ops(stores, "bank", key).ops
    ]
    response = {"key": encoded(key), "value": encoded(value or b"") or None, "proofOps": {"ops": ops}, "height": "7"}
    return cometbft_json.reply({"response": response})


def test_the_answer_to_a_query(cli: Run, tmp_path: Path) -> None:
    stores = {"bank": ProvenTree("iavl", {b"a": b"1", b"c": b"2"}), "gov": ProvenTree("iavl", {b"x": b"y"})}
    root = ["--root", store_tree(stores).root.hex()]
    (tmp_path / "there.json").write_text(query(stores, b"a", b"1"))
    (tmp_path / "absent.json").write_text(query(stores, b"b", None))
    (tmp_path / "lie.json").write_text(query(stores, b"a", b"2"))
    (tmp_path / "bare.json").write_text(cometbft_json.reply({"response": {"key": "YQ==", "proofOps": None}}))
    for words, code, verdict in (
        (["there.json"], 0, "VALID"),
        (["there.json", "--path", "/bank/a"], 0, "VALID"),
        (["there.json", "--path", "/bank/x:61"], 0, "VALID"),
        (["there.json", "--path", "/gov/a"], 1, "BAD_PROOF"),
        (["absent.json"], 0, "VALID"),
        (["lie.json"], 1, "BAD_PROOF"),
    ):
        done = cli("cosmos", "proof", *words, *root, "--json")
        assert done.returncode == code, (words, done.stdout, done.stderr)
        shown = json.loads(done.stdout)
        assert (shown["kind"], shown["verdict"]) == ("query", verdict)
    assert shown["path"] == "/bank/a"
    for words in (
        ["bare.json"],
        ["there.json", "--key", "a"],
        ["there.json", "--value", "1"],
        ["there.json", "--path", "a"],
    ):
        assert cli("cosmos", "proof", *words, *root).returncode == 2
    assert cli("cosmos", "proof", "there.json", "--root", "00" * 32).returncode == 1


@pytest.mark.network
@pytest.mark.parametrize("kind", ["iavl", "tendermint", "smt"])
def test_values_and_their_absence(cli: Run, tmp_path: Path, target: str, kind: str) -> None:
    tree = ProvenTree(kind, {b"a": b"1", b"c": b"2", b"d": b"3"})
    (tmp_path / "there.bin").write_bytes(tree.membership(b"a"))
    (tmp_path / "absent.hex").write_text(tree.non_membership(b"b").hex())
    root = ["--spec", kind, "--root", tree.root.hex()]
    for via in ([], ["--via", target]) if kind == "smt" else ([],):
        for words, code in (
            (["there.bin", "--key", "a", "--value", "1"], 0),
            (["there.bin", "--key-hex", "61", "--value-hex", "31"], 0),
            (["there.bin", "--key", "a", "--value", "2"], 1),
            (["there.bin", "--key", "b", "--absent"], 1),
            (["absent.hex", "--key", "b", "--absent", "--rules", "compatible"], 0),
            (["absent.hex", "--key", "a", "--absent"], 1),
        ):
            done = cli("cosmos", "proof", *words, *root, *via, "--json")
            assert done.returncode == code, (words, done.stdout, done.stderr)
            assert json.loads(done.stdout)["valid"] is (code == 0)


def test_protobuf_that_begins_as_json_does(cli: Run, tmp_path: Path) -> None:
    """A line's end is the tag of a message's first field, and a brace its length."""
    for size in range(1, 120):
        tree = ProvenTree("tendermint", {b"k" * size: b"v"})
        proof = tree.membership(b"k" * size)
        if proof[1:2] in (b"{", b"["):
            (tmp_path / "proof.bin").write_bytes(proof)
            words = ["--spec", "tendermint", "--root", tree.root.hex(), "--key", "k" * size, "--value", "v"]
            assert cli("cosmos", "proof", "proof.bin", *words).returncode == 0
            break
    else:
        raise AssertionError("no proof of that length")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["tx.json"], "--root"),
        (["tx.json", "--root", "00", "--header", "header-1.json"], "--root"),
        (["tx.json", "--root", "00" * 32, "--spec", "iavl"], "--spec"),
        (["tx.json", "--root", "00" * 32, "--key", "a"], "--key"),
        (["tx.json", "--root", "00" * 32, "--absent"], "--absent"),
        (["tx.json", "--root", "00" * 32, "--path", "/a"], "--path"),
        (["there.bin", "--root", "00", "--path", "/a"], "--path"),
        (["tx.json", "--root", "0"], "--root"),
        (["there.bin", "--root", "00", "--key", "a", "--absent"], "--spec"),
        (["there.bin", "--root", "00", "--key", "a", "--absent", "--spec", "oak"], "--spec"),
        (["there.bin", "--root", "00", "--absent", "--spec", "iavl"], "--key"),
        (["there.bin", "--root", "00", "--key", "a", "--key-hex", "61", "--absent", "--spec", "iavl"], "--key"),
        (["there.bin", "--root", "00", "--key", "a", "--spec", "iavl"], "--value"),
        (["there.bin", "--root", "00", "--key", "a", "--value", "b", "--absent", "--spec", "iavl"], "--value"),
        (["there.bin", "--root", "00", "--key", "a", "--absent", "--spec", "iavl", "--rules", "lax"], "rules"),
        (["there.bin", "--root", "00", "--key", "a", "--absent", "--spec", "there.bin"], "spec"),
    ],
)
def test_wrong_calls_of_proof(cli: Run, files: Path, chain: cometbft.Chain, words: list[str], field: str) -> None:
    (files / "tx.json").write_text(cometbft_json.tx_answer(chain.tx_proof(1, 2), 2))
    (files / "there.bin").write_bytes(ProvenTree("iavl", {b"a": b"1"}).membership(b"a"))
    done = cli("cosmos", "proof", *words, "--json")
    assert done.returncode == 2, done.stdout
    assert json.loads(done.stdout)["error"]["field"] == field


def test_the_examples_in_docstrings() -> None:
    found = doctest.testmod(_cosmos)
    assert (found.failed, found.attempted > 2) == (0, True)
