"""Runs of blocks over the service: the reports of a run in process, bounds, and what ends a stream."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from chain_blocks import ConfiguredChain

from pycore import ledgers
from pycore._pb.validation.v1 import block_pb2
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.errors import InputError, LengthError
from pycore.ledgers.chainmaker import Checkpoint
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.testing.cometbft import Chain

from .conftest import METHOD, PATIENCE, Gate, wait_for_load

LEDGER = ledgers.get("chainmaker")
NAME = "chainmaker"


@pytest.fixture(scope="module")
def chain() -> ConfiguredChain:
    """Six blocks; the third adds a node."""
    made = ConfiguredChain()
    for index in range(6):
        if index == 2:
            made.add_configuration(5)
            made.elect(5)
        else:
            made.add()
    return made


def plain(report: Any) -> dict[str, Any]:
    shown: dict[str, Any] = report.to_dict()
    assert shown.pop("timings").keys() >= {"parse", "verify"}
    return shown


def in_process(blocks: list[bytes], context: Any = None, **options: Any) -> list[tuple[Any, Any]]:
    run = LEDGER.validate_chain(blocks, context, **options)
    return [(plain(report), run.checkpoint.to_dict()) for report in run]


def told(reported: Any) -> list[tuple[Any, Any]]:
    return [(plain(one.report), dict(one.checkpoint)) for one in reported]


@pytest.mark.parametrize("window", [1, 4, 256])
def test_reports_and_checkpoints_are_those_of_a_run_in_process(
    client: ValidationClient, chain: ConfiguredChain, window: int
) -> None:
    got = told(client.validate_blocks(NAME, iter(chain.blocks), chain.context, window_blocks=window))
    assert got == in_process(chain.blocks, chain.context)
    assert all(report["valid"] and report["complete"] for report, _ in got)
    assert len(got[-1][1]["context"]["validators"]) == 5


@pytest.mark.parametrize("spoil", ["gap", "no context", "unclear"])
def test_runs_in_which_something_is_wrong(client: ValidationClient, chain: ConfiguredChain, spoil: str) -> None:
    blocks = chain.blocks[:1] + chain.blocks[2:] if spoil == "gap" else chain.blocks
    context = {"gap": chain.context, "unclear": chain.context.replace(nodes={})}.get(spoil)
    got = told(client.validate_blocks(NAME, blocks, context))
    assert got == in_process(blocks, context)
    assert not all(report["valid"] and report["complete"] for report, _ in got)


@pytest.mark.asyncio
async def test_the_asyncio_client_takes_blocks_of_either_kind_of_iterable(
    service: Server, chain: ConfiguredChain
) -> None:
    async def source() -> AsyncIterator[bytes]:
        for block in chain.blocks:
            yield block

    wanted = in_process(chain.blocks, chain.context)
    async with AsyncValidationClient(service.target) as client:
        for blocks in (source(), chain.blocks):
            assert told([one async for one in client.validate_blocks(NAME, blocks, chain.context)]) == wanted


def test_a_run_goes_on_from_a_checkpoint_of_either_side(client: ValidationClient, chain: ConfiguredChain) -> None:
    whole = in_process(chain.blocks, chain.context)
    for cut in range(1, len(chain.blocks)):
        here, there = chain.blocks[:cut], chain.blocks[cut:]
        *_, last = client.validate_blocks(NAME, here, chain.context)
        assert dict(last.checkpoint) == whole[cut - 1][1]
        assert told(client.validate_blocks(NAME, there, checkpoint=last.checkpoint)) == whole[cut:]
        checkpoint = Checkpoint.from_dict(last.checkpoint)
        assert in_process(there, checkpoint=checkpoint) == whole[cut:]
        assert told(client.validate_blocks(NAME, there, checkpoint=checkpoint)) == whole[cut:]


def test_a_live_chain_is_answered_block_by_block(client: ValidationClient, chain: ConfiguredChain) -> None:
    """With windows of one block each report comes before the next block is there."""
    taken = threading.Semaphore(1)

    def source() -> Iterator[bytes]:
        for block in chain.blocks:
            assert taken.acquire(timeout=PATIENCE)
            yield block

    heights = []
    for one in client.validate_blocks(NAME, source(), chain.context, window_blocks=1):
        heights.append(one.report.height)
        taken.release()
    assert heights == [1, 2, 3, 4, 5, 6]


def test_a_run_without_blocks(client: ValidationClient, chain: ConfiguredChain) -> None:
    assert list(client.validate_blocks(NAME, [], chain.context)) == []
    with pytest.raises(InputError, match="chain"):
        list(client.validate_blocks("bitcoin", []))
    with pytest.raises(InputError, match="no_such_field"):
        list(client.validate_blocks(NAME, [], {"no_such_field": 1}))


@pytest.mark.parametrize("bad", [b"", b"\x0a\xff", b"\x00"])
def test_what_is_no_block_ends_the_run_behind_the_reports_before_it(
    client: ValidationClient, chain: ConfiguredChain, bad: bytes
) -> None:
    stream = client.validate_blocks(NAME, [*chain.blocks[:2], bad, *chain.blocks[3:]], chain.context)
    assert [next(stream).report.height, next(stream).report.height] == [1, 2]
    with pytest.raises(InputError) as caught:
        next(stream)
    with pytest.raises(InputError) as local:
        list(LEDGER.validate_chain([*chain.blocks[:2], bad], chain.context))
    assert str(caught.value) == str(local.value)
    assert caught.value.field.startswith("blocks[2]")


def test_an_error_of_the_source_comes_behind_the_reports_before_it(
    client: ValidationClient, chain: ConfiguredChain
) -> None:
    def source() -> Iterator[Any]:
        yield from chain.blocks[:2]
        yield 5

    stream = client.validate_blocks(NAME, source(), chain.context, window_blocks=1)
    assert [next(stream).report.height, next(stream).report.height] == [1, 2]
    with pytest.raises(InputError, match="block"):
        next(stream)


@pytest.mark.parametrize("window", [0, 257, True, None])
def test_windows_that_a_message_cannot_be(client: ValidationClient, window: Any) -> None:
    with pytest.raises(InputError, match="window_blocks"):
        next(client.validate_blocks(NAME, [], window_blocks=window))


@pytest.mark.parametrize("checkpoint", [5, "{}", []])
def test_what_is_no_checkpoint_is_not_sent(client: ValidationClient, checkpoint: Any) -> None:
    with pytest.raises(InputError, match="checkpoint"):
        next(client.validate_blocks(NAME, [], checkpoint=checkpoint))


# ---- messages that a client of ours does not send --------------------------------------------------------------------


def message(**fields: Any) -> bytes:
    return block_pb2.ValidateBlocksRequest(**fields).SerializeToString()


def refusal(service: Server, *requests: bytes) -> tuple[Any, str, int]:
    """Status, words and the number of answers before."""
    with grpc.insecure_channel(service.target) as channel:
        call = channel.stream_stream(METHOD + "ValidateBlocks")(iter(requests), timeout=PATIENCE)
        answers = 0
        try:
            for _ in call:
                answers += 1
        except grpc.RpcError:
            pass
        return call.code(), call.details() or "", answers


def test_messages_that_are_refused(service: Server, chain: ConfiguredChain) -> None:
    first = message(chain=NAME, context_json=chain.context.to_json().encode(), blocks=chain.blocks[:1])
    checkpoint = json.dumps({"format": 1}).encode()
    for requests, words, answered in (
        ([], "request: got no message", 0),
        ([b"\xff"], "do not parse", 0),
        ([message(blocks=chain.blocks)], "chain: got ''", 0),
        ([message(chain=NAME, context_json=b"{")], "context_json", 0),
        ([message(chain=NAME, context_json=b'"/etc/passwd"')], "context_json", 0),
        ([message(chain=NAME, checkpoint_json=b"[]")], "checkpoint_json", 0),
        ([message(chain=NAME, checkpoint_json=checkpoint)], "checkpoint: got format", 0),
        ([message(chain=NAME, blocks=[b"x"] * 257)], "blocks: got 257 blocks, wanted at most 256", 0),
        ([first, message(chain=NAME)], "chain: got 10 bytes, wanted nothing", 1),
        ([first, message(context_json=b"{}")], "context_json: got 2 bytes", 1),
        ([first, message(checkpoint_json=b"{}")], "checkpoint_json: got 2 bytes", 1),
        ([first, b"\xff"], "do not parse", 1),
    ):
        code, details, answers = refusal(service, *requests)
        assert code is grpc.StatusCode.INVALID_ARGUMENT, details
        assert words in details
        assert answers == answered


def test_mutated_messages(service: Server, chain: ConfiguredChain, rng: random.Random) -> None:
    """A run of any two messages ends with answers or with INVALID_ARGUMENT, and nothing else."""
    good = [
        message(chain=NAME, context_json=chain.context.to_json().encode(), blocks=chain.blocks[:2]),
        message(blocks=chain.blocks[2:4]),
    ]
    codes = set()
    for _ in range(60):
        sent = [bytearray(one) for one in good]
        for _ in range(rng.randrange(1, 5)):
            data = rng.choice(sent)
            data[rng.randrange(len(data))] = rng.randrange(256)
        code, details, answers = refusal(service, *map(bytes, sent))
        codes.add(code)
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), details
        assert answers <= 4
    assert len(codes) == 2


def test_messages_without_blocks_may_come_between(service: Server, chain: ConfiguredChain) -> None:
    start = message(chain=NAME, context_json=chain.context.to_json().encode())
    rest = [message(blocks=[block]) for block in chain.blocks]
    with grpc.insecure_channel(service.target) as channel:
        call = channel.stream_stream(METHOD + "ValidateBlocks")(iter([start, b"", *rest, b""]), timeout=PATIENCE)
        answers = [block_pb2.ValidateBlocksResponse.FromString(one) for one in call]
    assert [one.report.height for one in answers] == [1, 2, 3, 4, 5, 6]
    assert [bool(one.context_json) for one in answers] == [True, False, True, False, False, False]


def test_answers_are_bounded(chain: ConfiguredChain) -> None:
    most = 4096 + len(chain.context.to_json().encode())  # the context comes with the first answer
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_answer_bytes=most)
    with background(config) as server, ValidationClient(server.target) as client:
        stream = client.validate_blocks(NAME, chain.blocks, chain.context)
        seen = 0
        with pytest.raises(LengthError, match=r"blocks: .* bytes of answer"):
            for _ in stream:
                seen += 1
        assert 0 < seen < len(chain.blocks)
        one_by_one = client.validate_blocks(NAME, chain.blocks, chain.context, window_blocks=1)
        assert len(list(one_by_one)) == len(chain.blocks)


def test_contexts_count_as_answers() -> None:
    """Those of CometBFT change with every block, and may list validators who have no part in it."""
    made = Chain(blocks=4, validators=1, transactions=0)
    context = made.context(0)
    strangers = [{"public_key": f"{i:064x}", "power": 1, "scheme": "ed25519"} for i in range(500)]
    context["later_validators"] = [strangers]
    one = len(json.dumps(strangers))
    for most, wanted in ((3 * one, 1), (64 * one, 4)):
        config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_answer_bytes=most)
        request = message(chain="cometbft", context_json=json.dumps(context).encode(), blocks=made.block_bytes)
        with background(config) as server:
            _, details, answers = refusal(server, request)
        assert ("bytes of answer" in details, answers) == (wanted < 4, wanted)


def test_all_answers_to_a_message_count_until_they_are_read(service: Server, chain: ConfiguredChain) -> None:
    request = message(chain=NAME, context_json=chain.context.to_json().encode(), blocks=chain.blocks)
    leaving: list[int] = []
    with grpc.insecure_channel(service.target) as channel, pytest.MonkeyPatch.context() as patch:
        hold = service.guard.unread.hold
        patch.setattr(service.guard.unread, "hold", lambda who, nbytes: (leaving.append(nbytes), hold(who, nbytes)))
        answers = list(channel.stream_stream(METHOD + "ValidateBlocks")(iter([request]), timeout=PATIENCE))
    assert len(answers) == len(chain.blocks)
    assert leaving == [sum(map(len, answers))]
    assert not service.guard.unread.total


# ---- bounds and ends -------------------------------------------------------------------------------------------------


@pytest.fixture
def narrow() -> Iterator[Server]:
    """One worker."""
    config = ServiceConfig(address="127.0.0.1:0", workers=1, threads=1, drain_delay=0, stall_after=36000)
    with background(config) as server:
        yield server


def endless(chain: ConfiguredChain) -> Iterator[bytes]:
    while True:
        yield from chain.blocks


def test_of_a_stream_one_message_is_in_flight(narrow: Server, chain: ConfiguredChain) -> None:
    """However fast blocks come: those of one window are admitted, and the sender waits."""
    gate = Gate(narrow)
    gate.hold()
    with ValidationClient(narrow.target) as client:
        stream = client.validate_blocks(NAME, endless(chain), chain.context, window_blocks=2)
        result: list[Any] = []
        reader = threading.Thread(target=lambda: result.append(next(stream)))
        reader.start()
        wait_for_load(narrow, lambda load: load.requests == 2)
        load = narrow.admission.load
        assert load.requests == 2  # the gate, and one message
        assert load.nbytes <= 2 * max(map(len, chain.blocks)) + len(chain.context.to_json()) + 1024
        gate.open()
        reader.join(PATIENCE)
        assert result[0].report.valid
        stream.close()  # type: ignore[attr-defined]
    wait_for_load(narrow, lambda load: (load.requests, load.items, load.nbytes) == (0, 0, 0))


def test_a_run_that_is_left_early(narrow: Server, chain: ConfiguredChain) -> None:
    with ValidationClient(narrow.target) as client:
        stream = client.validate_blocks(NAME, endless(chain), chain.context)
        assert next(stream).report.height == 1
        stream.close()  # type: ignore[attr-defined]
        wait_for_load(narrow, lambda load: (load.requests, load.items, load.nbytes) == (0, 0, 0))
        assert client.validate_block(NAME, chain.blocks[0], chain.context).valid


def test_a_run_ends_with_its_deadline(narrow: Server, chain: ConfiguredChain) -> None:
    gate = Gate(narrow)
    gate.hold()
    first = message(chain=NAME, context_json=chain.context.to_json().encode(), blocks=chain.blocks)
    with grpc.insecure_channel(narrow.target) as channel:
        call = channel.stream_stream(METHOD + "ValidateBlocks")(iter([first]), timeout=0.2)
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    gate.open()
    wait_for_load(narrow, lambda load: (load.requests, load.nbytes) == (0, 0))


def test_a_drain_answers_what_was_read(chain: ConfiguredChain) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0)
    reached, heights = threading.Event(), []

    def source() -> Iterator[bytes]:
        yield from chain.blocks[:3]
        reached.wait(PATIENCE)

    with background(config) as server:
        with ValidationClient(server.target) as client:
            stream = client.validate_blocks(NAME, source(), chain.context, window_blocks=1)
            heights = [next(stream).report.height for _ in range(3)]
            server.loop.call_soon_threadsafe(server._handlers.drain)
            with pytest.raises(ServiceError, match="shutting down") as caught:
                next(stream)
            reached.set()
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert heights == [1, 2, 3]
