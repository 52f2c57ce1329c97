"""Works are data: equal options mean that their rows may be done together, and the settings reach what does them."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import ledgers, testing
from pycore.base.columns import Column, as_column
from pycore.service.handlers import KINDS, RPCS, execute
from pycore.service.work import Batches, Chained, Pieces, Unary, Work
from pycore.wire.columns import to_column
from pycore.wire.schema import METHODS, block_pb2, hash_pb2, merkle_pb2, signature_pb2
from pycore.wire.settings import Limits, Settings

SETTINGS = Settings(Limits(1 << 24, 10_000, 1 << 20, 1 << 28), threads=1)
PACKAGE = Path(pycore.__file__).parent


def decoded(method: str, request: Any) -> Work:
    rpc = RPCS[method]
    assert isinstance(rpc, Unary)
    return rpc.decode(request, SETTINGS)


def joined(works: list[Work]) -> Work:
    """One work of the rows of several."""
    columns = tuple(
        as_column([row for column in columns for row in column], "rows")
        if isinstance(columns[0], Column)
        else np.concatenate(columns)
        for columns in zip(*(work.columns for work in works), strict=True)
    )
    n = sum(work.n for work in works)
    return Work(works[0].kind, works[0].options, columns, n, n)


def signatures_work(rng: random.Random, scheme: str, n: int, **options: Any) -> Work:
    keys, signatures, messages = testing.generate_signatures(scheme, n, seed=rng.randrange(1 << 30))
    spoilt = [bytes(64) if rng.random() < 0.3 else bytes(signature) for signature in signatures]
    request = signature_pb2.VerifySignaturesRequest(
        scheme=scheme,
        public_keys=to_column(as_column(keys, "public_keys")),
        signatures=to_column(as_column(spoilt, "signatures")),
        messages=to_column(as_column(messages, "messages")),
        **options,
    )
    return decoded("VerifySignatures", request)


@pytest.mark.parametrize("scheme", ["ed25519", "sm2", "ecdsa-secp256k1"])
def test_works_with_equal_options_can_be_done_as_one(scheme: str, rng: random.Random) -> None:
    works = [signatures_work(rng, scheme, n) for n in (3, 17, 1)]
    assert len({(work.kind, work.options) for work in works}) == 1
    together = execute(joined(works), SETTINGS)
    start = 0
    for work in works:
        alone = execute(work, SETTINGS)
        assert together.codes[start : start + work.n].tolist() == alone.codes.tolist()
        start += work.n
    assert start == len(together)
    assert len(set(together.codes.tolist())) > 1


def test_what_is_left_out_equals_what_it_means(rng: random.Random) -> None:
    plain = signatures_work(rng, "sm2", 2)
    spelt = signatures_work(rng, "sm2", 2, encoding="compact", der_rules="strict", user_id=b"1234567812345678")
    others = [
        signatures_work(rng, "sm2", 2, user_id=b""),
        signatures_work(rng, "sm2", 2, no_user_id=True),
        signatures_work(rng, "sm2", 2, encoding="der"),
    ]
    assert plain.options == spelt.options
    assert len({work.options for work in (plain, *others)}) == 4


def test_hashes_of_two_requests(rng: random.Random) -> None:
    works = [
        decoded(
            "HashBatch", hash_pb2.HashBatchRequest(algorithm="sm3", messages=to_column(as_column(rows, "messages")))
        )
        for rows in ([b"a", b"bc"], [rng.randbytes(300)])
    ]
    assert works[0].options == works[1].options
    parts = [execute(work, SETTINGS) for work in works]
    assert np.array_equal(execute(joined(works), SETTINGS), np.concatenate(parts))


def test_a_growing_tree_is_like_no_other() -> None:
    rpc = RPCS["AppendMerkleTree"]
    assert isinstance(rpc, Pieces)
    request = merkle_pb2.AppendMerkleTreeRequest()
    first, second = (rpc.begin(request, SETTINGS) for _ in range(2))
    works = [rpc.decode(whole, request, SETTINGS) for whole in (first, first, second)]
    assert works[0].options == works[1].options
    assert works[0].options != works[2].options


def test_every_rpc_of_the_descriptor_is_carried_as_it_says() -> None:
    assert set(RPCS) == set(METHODS)
    for name, method in METHODS.items():
        kinds = {Unary: (False, False), Batches: (True, True), Pieces: (True, False), Chained: (True, True)}
        streams = kinds[type(RPCS[name])]
        assert (method.many_requests, method.many_answers) == streams
    assert {name for name, rpc in RPCS.items() if not isinstance(rpc, Batches)} == set(KINDS)


@pytest.mark.parametrize("threads", [1, 3, None])
def test_the_setting_threads_reaches_blocks(threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int | None] = []
    chain = type(ledgers.get("chainmaker"))
    real = chain.validate_block

    def noted(self: Any, *arguments: Any, threads: int | None = None) -> Any:
        seen.append(threads)
        return real(self, *arguments, threads=threads)

    monkeypatch.setattr(chain, "validate_block", noted)
    ledger = testing.generate_ledger("chainmaker", blocks=1, txs_per_block=2, suite="p256")
    request = block_pb2.ValidateBlockRequest(
        chain="chainmaker", block=ledger.blocks[0], context_json=ledger.context_for(0).to_json().encode()
    )
    report = execute(decoded("ValidateBlock", request), Settings(SETTINGS.limits, threads))
    assert report.valid
    assert seen == [threads]


# ---- which room imports which ----------------------------------------------------------------------------------------


def imports(path: Path) -> set[str]:
    """Every dotted name that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_one_file_imports_the_generated_code_of_the_api() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if "_pb" not in path.parts]
    users = [path for path in paths if any(name.startswith("pycore._pb.validation") for name in imports(path))]
    assert users == [PACKAGE / "wire" / "schema.py"]


def test_clients_import_nothing_of_the_service() -> None:
    for room, above in (("client", ("service",)), ("wire", ("client", "service"))):
        for path in (PACKAGE / room).glob("*.py"):
            for name in imports(path):
                assert not name.startswith(tuple(f"pycore.{one}" for one in above)), f"{path} imports {name}"
