"""What requests cost in operations, not in seconds: twice the input may take twice the work, and no more.

Counted are the lines of Python that run, the bytes hashed and signatures verified in C, and the peak of memory. All
three are the same on every machine.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import grpc
import pytest

from pycore import errors
from pycore.base import ffi
from pycore.client import ValidationClient
from pycore.identities import memory
from pycore.ledgers.chainmaker import signers
from pycore.merkle import ffi_trees
from pycore.service import rpc_blocks, rpc_consensus
from pycore.service.config import ServiceConfig
from pycore.service.handlers import RPCS, execute
from pycore.service.server import background
from pycore.service.work import Batches, Chained, Pieces
from pycore.signatures import ffi_keys
from pycore.wire.count import check_item_count
from pycore.wire.schema import METHODS
from pycore.wire.settings import Limits, Settings

from .hostile import FAMILIES, Family, composed

SETTINGS = Settings(Limits(16 << 20, 1 << 18, 1 << 20, 256 << 20), threads=1)

GROWTH = 2.3
STEPS = 3.0  # of memory: lists and tables grow in steps


@dataclass
class Cost:
    """Work of one request. `answer`: bytes, or the field that a refusal names."""

    lines: int = 0
    native: int = 0
    peak: int = 0
    answer: int | str = 0


def compute(method: str, raw: bytes) -> bytes:
    """The answer of the service, in this thread and without gRPC."""
    kind, rpc = METHODS[method].request, RPCS[method]
    check_item_count(raw, kind, SETTINGS.limits.max_batch_items)
    request = kind.FromString(raw)
    if isinstance(rpc, Pieces):
        whole = rpc.begin(request, SETTINGS)
        execute(rpc.decode(whole, request, SETTINGS), SETTINGS)
        return rpc.encode(whole).SerializeToString()
    if isinstance(rpc, Chained):
        whole = rpc.begin(request, SETTINGS)
        answers, failure = rpc.encode(execute(rpc.decode(whole, request, SETTINGS), SETTINGS))
        if failure is not None:
            raise failure
        return b"".join(answer.SerializeToString() for answer in answers)
    if isinstance(rpc, Batches):
        number, work = rpc.decode(request, SETTINGS)
        if isinstance(work, Exception):
            raise work
        return rpc.encode(number, execute(work, SETTINGS)).SerializeToString()
    return rpc.encode(execute(rpc.decode(request, SETTINGS), SETTINGS)).SerializeToString()


def signatures(items: ffi_keys.Items, start: int, stop: int) -> int:
    return 64 * (stop - start) + items.slice(start, stop).messages.nbytes


# What C does in one call of each function, in bytes or in steps of 64.
NATIVE: tuple[tuple[object, str, Callable[..., int]], ...] = (
    (ffi, "hash_batch", lambda _b, _h, prefix, column, out: 64 * len(out) + int(column.lengths.sum())),
    (ffi, "hash_one", lambda _b, _h, message, _size: 64 + len(message)),
    (ffi, "merkle_level", lambda *arguments: sum(getattr(one, "nbytes", 0) for one in arguments)),
    (ffi_keys, "verify_keys", lambda _b, _p, items, _v, start, stop: signatures(items, start, stop)),
    (ffi_keys, "verify_keyset", lambda _k, _p, items, _v, start, stop: signatures(items, start, stop)),
    (ffi_trees.Frontier, "append", lambda _self, rows, _level, watched: rows.nbytes + 64 * len(rows) + watched.nbytes),
    (ffi_trees.Frontier, "append_leaf", lambda _self, leaf: 64 + len(leaf)),
    (ffi_trees.Frontier, "root", lambda _self: 64 * 64),
    (ffi_trees.Frontier, "edge", lambda _self: 64 * 64),
    (ffi_trees, "verify_inclusion", lambda _b, _tree, claims, verdicts: 64 * len(verdicts) + 2 * claims[2].nbytes),
    (ffi_trees, "multiproof", lambda _tree, _slots, left, *_: 64 * len(left)),
    (ffi_trees, "plan_room", lambda _tree, indices, _count: 64 * len(indices)),
    (ffi_trees, "plan_multiproof", lambda _tree, indices, _count, room: 64 * len(indices) + 8 * room),
    (ffi_trees, "plan_ssz", lambda indices, _order, room: 64 * len(indices) + 8 * room),
    (ffi_trees, "proofs", lambda _tree, nodes, _count, indices: 64 * (1 + len(nodes)).bit_length() * len(indices)),
)


def measure(method: str, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> Cost:
    cost = Cost()
    rpc_blocks._context.cache_clear()
    rpc_consensus._read_once.cache_clear()
    signers._STORES.clear()  # or the configuration that was read once would cost nothing,
    memory.forget()  # and nor would pieces of certificates that a test before this one read

    run = 0  # lines; a variable, since what counts takes longer than what is counted

    def lines(_frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        nonlocal run
        if event == "line":
            run += 1
        return lines

    def counted(owner: object, name: str, size: Callable[..., int]) -> None:
        real = getattr(owner, name)

        def wrapper(*arguments: Any) -> Any:
            cost.native += size(*arguments)
            return real(*arguments)

        monkeypatch.setattr(owner, name, wrapper)

    with monkeypatch.context():
        for owner, name, size in NATIVE:
            counted(owner, name, size)
        tracemalloc.start()
        before = sys.gettrace()
        sys.settrace(lines)
        try:
            cost.answer = len(compute(method, raw))
        except errors.InputError as error:
            cost.answer = error.field
        finally:
            sys.settrace(before)
            cost.lines = run
            cost.peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            monkeypatch.undo()
    return cost


def assert_linear(method: str, make: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch, size: int = 700) -> None:
    for once in (size, 2 * size):
        compute_quietly(method, make(once))  # what is imported, compiled and cached is nobody's cost
    small, large = (measure(method, make(each), monkeypatch) for each in (size, 2 * size))
    for count, floor, growth in (("lines", 2_000, GROWTH), ("native", 100_000, GROWTH), ("peak", 200_000, STEPS)):
        got, wanted = getattr(large, count), growth * max(getattr(small, count), floor)
        assert got <= wanted, f"{count}: {getattr(small, count)} at {size}, {got} at {2 * size}"
    if isinstance(large.answer, int):
        assert large.answer <= SETTINGS.max_answer_bytes + (1 << 16)


def compute_quietly(method: str, raw: bytes) -> None:
    with contextlib.suppress(errors.InputError):
        compute(method, raw)


def named(families: list[Family]) -> Any:
    return pytest.mark.parametrize("family", families, ids=[f"{one.method}: {one.name}" for one in families])


@named(FAMILIES)
def test_twice_the_input_takes_twice_the_work(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_linear(family.method, family.make, monkeypatch, family.size)


@pytest.mark.parametrize("seed", range(6))
def test_hostile_parts_together(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_linear("ValidateBlock", composed(seed), monkeypatch)


def test_the_counters_find_what_is_quadratic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure can fail: the votes of a certificate, each compared with all of them."""
    family = next(one for one in FAMILIES if one.name == "MaxBFT votes and validators")
    from pycore.ledgers.chainmaker import quorum

    real = quorum.vote_data_bytes

    def slow(vote: Any) -> bytes:
        for _ in range(int(vote.author[4:])):
            pass
        return real(vote)

    quorum.vote_data_bytes = slow
    try:
        with pytest.raises(AssertionError, match="lines: "):
            assert_linear(family.method, family.make, monkeypatch)
    finally:
        quorum.vote_data_bytes = real


def test_every_rpc_has_a_family() -> None:
    assert set(METHODS) == {family.method for family in FAMILIES}


LARGE_SIZES = {"HashBatch": 1 << 19, "AppendMerkleTree": 1 << 14}


@named([family for family in FAMILIES if family.refused])
def test_what_is_too_large_is_refused_by_name(family: Family) -> None:
    size = 3_000 if "rebuilt" in family.name else LARGE_SIZES.get(family.method, 1 << 16)
    with pytest.raises(errors.InputError) as caught:
        compute(family.method, family.make(size))
    assert family.refused in caught.value.field


@pytest.mark.network
def test_others_are_answered_while_hostile_requests_are_in_flight() -> None:
    """Health and a small batch are answered while all of them are; nothing ends in a fault of the service."""
    from grpc_health.v1 import health_pb2

    outcomes: list[Any] = []
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0, workers=2)) as server:
        channel = grpc.insecure_channel(server.target, options=[("grpc.max_receive_message_length", -1)])

        def send(family: Family) -> None:
            raw, method = family.make(4_000), METHODS[family.method].path
            try:
                if METHODS[family.method].many_answers:
                    outcomes.append(list(channel.stream_stream(method)(iter([raw]), timeout=120)))
                elif family.method == "AppendMerkleTree":
                    outcomes.append(channel.stream_unary(method)(iter([raw]), timeout=120))
                else:
                    outcomes.append(channel.unary_unary(method)(raw, timeout=120))
            except grpc.RpcError as error:
                outcomes.append(error.code())

        threads = [threading.Thread(target=send, args=(family,)) for family in FAMILIES]
        for thread in threads:
            thread.start()
        with ValidationClient(server.target) as client:
            asked = 0
            while asked < 3 or any(thread.is_alive() for thread in threads):
                assert client.hash("sha256", b"abc").hex().startswith("ba7816bf")
                check = channel.unary_unary("/grpc.health.v1.Health/Check")
                assert health_pb2.HealthCheckResponse.FromString(check(b"", timeout=120)).status == 1
                asked += 1
                time.sleep(0.01)  # or asking takes more of the processor than what it waits for
        for thread in threads:
            thread.join()
        channel.close()
    assert len(outcomes) == len(FAMILIES)
    allowed = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert {one for one in outcomes if isinstance(one, grpc.StatusCode)} <= allowed
