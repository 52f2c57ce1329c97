"""Every chain over the service: its reports and checkpoints are those of the library in process."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from pycore import ledgers
from pycore._pb.validation.v1 import block_pb2
from pycore.base.report import Check, FabricReport
from pycore.client import AsyncValidationClient, ServiceError, ValidationClient
from pycore.errors import InputError, LengthError
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.wire.reports import from_checks, to_checks

from .conftest import METHOD, PATIENCE, wait_for_load

BLOCKS = 4


@dataclass(frozen=True)
class Run:
    """Blocks of a chain, the context of the first, how many blocks ahead reports look, and an empty context."""

    chain: str
    blocks: list[bytes]
    context: Any
    ahead: int = 0
    bare: Any = None

    @property
    def ledger(self) -> Any:
        return ledgers.get(self.chain)

    def spoilt(self, index: int) -> list[bytes]:
        """The blocks, one of them with a byte changed: the last one that leaves it a block that is not valid."""
        block = self.blocks[index]
        for place in range(len(block) - 1, 0, -7):
            changed = block[:place] + bytes([block[place] ^ 1]) + block[place + 1 :]
            try:
                report = self.ledger.validate_block(changed, self.context)
            except InputError:
                continue
            if not report.valid:
                return [*self.blocks[:index], changed, *self.blocks[index + 1 :]]
        raise AssertionError("no byte of the block matters")


def chainmaker() -> Run:
    from pycore.testing import generate_ledger

    made = generate_ledger(blocks=BLOCKS, txs_per_block=2, signers=2, seed=5, events=1)
    return Run("chainmaker", [made.block_info(i) for i in range(BLOCKS)], made.context)


def fisco3() -> Run:
    from pycore.testing.fisco import FiscoChain

    chain = FiscoChain(seed=5)
    context = chain.context(1, chain.genesis_hash)
    return Run("fisco-bcos", [one.data for one in chain.run(BLOCKS, changes={2: [("addSealer", 4, 1)]})], context)


def fisco2() -> Run:
    from pycore.testing.fisco2 import Fisco2Chain

    chain = Fisco2Chain(5)
    context = chain.context(height=1, previous_block_hash=chain.last)
    blocks = [chain.block([b"a", b"b"]) for _ in range(BLOCKS)]
    return Run("fisco-bcos", blocks, context, bare={"generation": 2})


def bif() -> Run:
    from pycore.testing.bif import BifLedger

    made = BifLedger(blocks=BLOCKS, transactions=2, change_at=1, seed=5)
    return Run("bif", list(made.bare), made.context_for(0), ahead=2)


def xuperchain() -> Run:
    from pycore.testing.xuper import XuperMaker

    made = XuperMaker(5)
    blocks = made.chain(BLOCKS + 1, 2)[1:]
    context = made.context.replace(height=blocks[0].height, previous_block_hash=blocks[0].pre_hash)
    return Run("xuperchain", [one.SerializeToString(deterministic=True) for one in blocks], context, ahead=1)


def fabric() -> Run:
    """The third block holds a configuration, the second a transaction that is marked as not valid."""
    from pycore.testing.fabric import FabricChannel

    made = FabricChannel(seed=5, organisations=1, peers=1)
    blocks, previous = [], made.genesis_hash
    for number in range(1, BLOCKS + 1):
        if number == 3:
            block = made.config_block(number, previous)
        else:
            entries = made.transactions(number, 2, endorsements=1)
            marks = b""
            if number == 2:
                entries, marks = [*entries, entries[0]], bytes([0, 0, 9])  # DUPLICATE_TXID
            block = made.block(number, previous, entries, codes=marks or None, last_config=3 if number > 3 else 0)
        blocks.append(block)
        previous = made.block_hash(block)
    return Run("fabric", blocks, made.context(1, made.genesis_hash))


def ethereum() -> Run:
    from pycore.testing.ethereum import EthereumChain

    chain = EthereumChain(5)
    context = ledgers.get("ethereum").context({"chain_id": 1, "height": 1, "previous_block_hash": chain.last.hex()})
    return Run("ethereum", [chain.block(chain.transactions([0, 1, 2])).wire for _ in range(BLOCKS)], context)


def cometbft() -> Run:
    """Every block has another validator."""
    from pycore.testing.cometbft import Chain

    chain = Chain(blocks=BLOCKS, validators=4, seed=5, replaced=1)
    context = ledgers.get("cometbft").context(chain.context())
    return Run("cometbft", chain.block_bytes, context, ahead=1)


MAKERS: dict[str, Callable[[], Run]] = {
    "chainmaker": chainmaker,
    "fabric": fabric,
    "fisco-bcos 3": fisco3,
    "fisco-bcos 2": fisco2,
    "bif": bif,
    "xuperchain": xuperchain,
    "ethereum": ethereum,
    "cometbft": cometbft,
}


@pytest.fixture(scope="module", params=MAKERS)
def run(request: Any) -> Run:
    return MAKERS[request.param]()


@pytest.fixture(scope="module")
def xuper() -> Run:
    return xuperchain()


def plain(report: Any) -> dict[str, Any]:
    shown: dict[str, Any] = report.to_dict()
    shown.pop("timings")
    return {**shown, "type": type(report).__name__, "verdicts": list(report.transactions)}


def in_process(run: Run, blocks: list[bytes], context: Any = None, **options: Any) -> list[tuple[Any, Any]]:
    made = run.ledger.validate_chain(blocks, context, **options)
    return [(plain(report), made.checkpoint.to_dict()) for report in made]


def told(reported: Any) -> list[tuple[Any, Any]]:
    return [(plain(one.report), dict(one.checkpoint)) for one in reported]


def test_every_chain_is_here() -> None:
    assert {name.partition(" ")[0] for name in MAKERS} | {"conflux"} == set(ledgers.names())


# ---- one block -------------------------------------------------------------------------------------------------------


def test_one_block(client: ValidationClient, run: Run) -> None:
    for block, valid in ((run.blocks[0], True), (run.spoilt(0)[0], False)):
        for context in (run.context, run.bare):
            local = run.ledger.validate_block(block, context)
            remote = client.validate_block(run.chain, block, context)
            assert plain(remote) == plain(local)
            assert [check.certainty for check in remote] == [check.certainty for check in local]
            if context is run.context:
                assert remote.valid is valid


def test_what_is_no_block(client: ValidationClient, run: Run) -> None:
    for bad in (b"\xff", b"\x0a\xff", run.blocks[0][:-1]):
        with pytest.raises(InputError) as local:
            run.ledger.validate_block(bad, run.context)
        with pytest.raises(InputError) as remote:
            client.validate_block(run.chain, bad, run.context)
        assert (type(remote.value), str(remote.value)) == (type(local.value), str(local.value))


def test_conflux_has_no_blocks(client: ValidationClient) -> None:
    with pytest.raises(InputError) as local:
        ledgers.get("conflux").validate_block(b"\xc0")
    with pytest.raises(InputError) as remote:
        client.validate_block("conflux", b"\xc0")
    assert (type(remote.value), str(remote.value)) == (type(local.value), str(local.value))
    with pytest.raises(InputError, match="Conflux"):
        list(client.validate_blocks("conflux", [b"\xc0"]))


def test_a_fabric_block_with_a_marked_transaction_is_valid(client: ValidationClient) -> None:
    made = fabric()
    reports = [one.report for one in client.validate_blocks(made.chain, made.blocks, made.context)]
    assert all(isinstance(one, FabricReport) and one.valid for one in reports)
    assert [one.codes for one in reports][1] == bytes([0, 0, 9])  # type: ignore[attr-defined]
    assert not reports[1].transactions.all_valid


def test_numbers_of_every_size_arrive_as_numbers() -> None:
    numbers = [0, -1, (1 << 63) - 1, -(1 << 63), 1 << 63, (1 << 64) - 1, 1 << 256, -(1 << 63) - 1]
    checks = [Check("a", False, number, -number) for number in numbers]
    assert from_checks(to_checks(checks)) == tuple(checks)


# ---- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 2, 16])
def test_runs(client: ValidationClient, run: Run, window: int) -> None:
    for blocks in (run.blocks, run.spoilt(2)):
        local = in_process(run, blocks, run.context)
        assert told(client.validate_blocks(run.chain, blocks, run.context, window_blocks=window)) == local
        assert all(report["valid"] for report, _ in local) is (blocks is run.blocks)
        assert in_process(run, blocks, run.context, window_blocks=window) == local


def test_a_run_looks_ahead(run: Run) -> None:
    """As many blocks as its state says: all but those have every check of what the blocks before them prove."""
    assert run.ledger.chain_state(run.context).ahead == run.ahead
    alone = [plain(run.ledger.validate_block(run.blocks[0], run.context))["checks"]]
    within = [in_process(run, run.blocks, run.context)[0][0]["checks"]]
    skipped = [[check["name"] for check in checks if check["status"] == "skipped"] for (checks,) in (alone, within)]
    assert set(skipped[1]) < set(skipped[0]) if run.ahead else skipped[1] == skipped[0]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_run_goes_on_from_a_remote_checkpoint(client: ValidationClient, run: Run, cut: int) -> None:
    *_, last = client.validate_blocks(run.chain, run.blocks[:cut], run.context, window_blocks=1)
    rest = run.blocks[cut:]
    wanted = in_process(run, rest, checkpoint=last.checkpoint)
    assert told(client.validate_blocks(run.chain, rest, checkpoint=last.checkpoint, window_blocks=2)) == wanted
    assert all(report["valid"] for report, _ in wanted)


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server, run: Run) -> None:
    async with AsyncValidationClient(service.target) as client:
        reported = [one async for one in client.validate_blocks(run.chain, run.blocks, run.context, window_blocks=1)]
    assert told(reported) == in_process(run, run.blocks, run.context)


def test_what_is_no_block_ends_a_run_behind_the_reports_before_it(client: ValidationClient, run: Run) -> None:
    for place, bad in itertools.product((0, 1, 3), (b"\x0a\xff", b"\xff")):
        blocks = [*run.blocks[:place], bad, *run.blocks[place + 1 :]]
        local = run.ledger.validate_chain(blocks, run.context)
        wanted = [plain(next(local)) for _ in range(place)]
        with pytest.raises(InputError, match=rf"blocks\[{place}\]") as ended:
            next(local)
        for window in (1, 16):
            stream = client.validate_blocks(run.chain, blocks, run.context, window_blocks=window)
            assert [plain(next(stream).report) for _ in range(place)] == wanted
            with pytest.raises(InputError) as remote:
                next(stream)
            assert str(remote.value) == str(ended.value)


# ---- blocks that are held back ---------------------------------------------------------------------------------------


def message(**fields: Any) -> bytes:
    return block_pb2.ValidateBlocksRequest(**fields).SerializeToString()


def test_a_block_is_answered_when_those_that_it_needs_are_there(client: ValidationClient, run: Run) -> None:
    taken = threading.Semaphore(run.ahead + 1)

    def source() -> Iterator[bytes]:
        for block in run.blocks:
            assert taken.acquire(timeout=PATIENCE)
            yield block

    reported = []
    for one in client.validate_blocks(run.chain, source(), run.context, window_blocks=1):
        reported.append(one)
        taken.release()
    assert told(reported) == in_process(run, run.blocks, run.context)


def test_messages_without_blocks_change_nothing(service: Server, run: Run) -> None:
    start = message(chain=run.chain, context_json=run.context.to_json().encode())
    sent = [start, b"", *itertools.chain.from_iterable((message(blocks=[block]), b"") for block in run.blocks)]
    with grpc.insecure_channel(service.target) as channel:
        call = channel.stream_stream(METHOD + "ValidateBlocks")(iter(sent), timeout=PATIENCE)
        answers = [block_pb2.ValidateBlocksResponse.FromString(one) for one in call]
    wanted = in_process(run, run.blocks, run.context)
    assert [one.report.height for one in answers] == [report["height"] for report, _ in wanted]
    assert [one.report.complete for one in answers] == [report["complete"] for report, _ in wanted]


def test_a_drain_leaves_held_blocks_without_an_answer() -> None:
    for made in (xuperchain(), bif()):
        reached = threading.Event()

        def source(blocks: list[bytes] = made.blocks, reached: threading.Event = reached) -> Iterator[bytes]:
            yield from blocks[:3]
            reached.wait(PATIENCE)

        config = ServiceConfig(address="127.0.0.1:0", drain_delay=0)
        with background(config) as server, ValidationClient(server.target) as client:
            stream = client.validate_blocks(made.chain, source(), made.context, window_blocks=1)
            answered = [next(stream) for _ in range(3 - made.ahead)]
            server.loop.call_soon_threadsafe(server._handlers.drain)
            with pytest.raises(ServiceError, match=r"shutting down.*checkpoint") as caught:
                next(stream)
            reached.set()
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        whole = in_process(made, made.blocks, made.context)
        assert told(answered) == whole[: len(answered)]
        rest = made.blocks[len(answered) :]
        assert in_process(made, rest, checkpoint=answered[-1].checkpoint) == whole[len(answered) :]


def test_held_blocks_count_with_the_next_message(xuper: Run) -> None:
    """And give their room back: between two messages a stream holds none."""
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, workers=1)
    first = message(chain=xuper.chain, context_json=xuper.context.to_json().encode(), blocks=xuper.blocks[:1])
    second = message(blocks=xuper.blocks[1:2])
    seen: list[int] = []
    step, rest = threading.Event(), threading.Event()

    def sent() -> Iterator[bytes]:
        yield first
        step.wait(PATIENCE)
        yield second
        rest.wait(PATIENCE)

    with background(config) as server, grpc.insecure_channel(server.target) as channel:
        admit = server.admission.admit_when_free

        async def noted(nbytes: int) -> Any:
            seen.append(nbytes)
            return await admit(nbytes)

        server.admission.admit_when_free = noted  # type: ignore[method-assign]
        call = channel.stream_stream(METHOD + "ValidateBlocks")(sent(), timeout=PATIENCE)
        step.set()
        next(call)
        wait_for_load(server, lambda load: (load.requests, load.nbytes, load.items) == (0, 0, 0))
        rest.set()
        assert len(list(call)) == 1
    assert seen == [len(first), len(second) + len(xuper.blocks[0]), len(xuper.blocks[1])]


def test_answers_behind_the_last_message_are_bounded(xuper: Run) -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_answer_bytes=1024)
    with (
        background(config) as server,
        ValidationClient(server.target) as client,
        pytest.raises(LengthError, match=r"blocks: .* bytes of answer"),
    ):
        list(client.validate_blocks(xuper.chain, xuper.blocks[:1]))


def test_contexts_are_sent_once(service: Server, run: Run) -> None:
    """In the first answer, and where a block moved it; put together they are the checkpoints of a run in process."""
    sent = [message(chain=run.chain, context_json=run.context.to_json().encode(), blocks=run.blocks)]
    with grpc.insecure_channel(service.target) as channel:
        call = channel.stream_stream(METHOD + "ValidateBlocks")(iter(sent), timeout=PATIENCE)
        answers = [block_pb2.ValidateBlocksResponse.FromString(one) for one in call]
    contexts = [checkpoint["context"] for _, checkpoint in in_process(run, run.blocks, run.context)]
    for index, answer in enumerate(answers):
        moved = index == 0 or contexts[index] != contexts[index - 1]
        sent_along = json.loads(answer.context_json) if answer.context_json else None
        assert sent_along == (contexts[index] if moved else None)
