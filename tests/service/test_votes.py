"""VerifyVotes over a real server, both clients, against a collector in this process."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
import pytest

from pycore._pb.validation.v1 import column_pb2, votes_pb2
from pycore.client import (
    AsyncValidationClient,
    CountedVotes,
    NextHeight,
    NextRound,
    ServiceError,
    ValidationClient,
    VoteBatch,
)
from pycore.consensus import ValidatorSet
from pycore.consensus.collector import CollectorLimits, Outcome, VoteCollector
from pycore.consensus.events import Equivocation, NilQuorum, Quorum
from pycore.errors import InputError, LengthError
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.consensus import RULES
from pycore.ledgers.cometbft.messages import PRECOMMIT, PREVOTE, BlockId
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.testing.cometbft import CHAIN_ID, Signer, make_signers, make_vote

from .conftest import METHOD, PATIENCE, Gate, wait_for_load

pytestmark = pytest.mark.network

ONE, OTHER = BlockId(b"\1" * 32, 1, b"\2" * 32), BlockId(b"\3" * 32, 1, b"\4" * 32)
SIGNERS = make_signers(4, seed=7, powers=[4, 3, 2, 1])
SET = ValidatorSet([one.validator for one in SIGNERS])
LATER = make_signers(5, seed=8)
NEXT = ValidatorSet([one.validator for one in LATER])


def vote(position: int, *, signers: Sequence[Signer] = SIGNERS, height: int = 5, **options: Any) -> bytes:
    return encoding.vote(make_vote(signers[position], position=position, height=height, **options))


def in_process(items: Sequence[Any], **options: Any) -> list[CountedVotes]:
    """The answers that a stream must give."""
    collector = VoteCollector(SET, chain_id=CHAIN_ID, height=5, **options)
    found = []
    for item in items:
        before = collector.counts
        if isinstance(item, NextHeight):
            events = collector.move_to(item.height, item.validators, round=item.round)
        elif isinstance(item, NextRound):
            events = collector.move_to_round(item.round)
        else:
            batch = item if isinstance(item, VoteBatch) else VoteBatch(item)
            events = collector.add_bytes(batch.votes, peer=batch.peer) + collector.flush()  # type: ignore[arg-type]
        counts = {name: many - before[name] for name, many in collector.counts.items() if many > before[name]}
        found.append(CountedVotes(tuple(events), counts, collector.height, collector.round))
    return found


def a_height() -> list[Any]:
    """Everything that can become of a vote."""
    good = [vote(i, block_id=ONE, type=PREVOTE) for i in range(4)]
    wrong = bytearray(good[0])
    wrong[-1] ^= 1
    strange = vote(0, signers=LATER, block_id=ONE)
    return [
        good[:1],
        VoteBatch(good[1:2], "node-1"),
        [good[0], bytes(wrong), strange, b"", b"\xff\xff", vote(1, block_id=ONE, height=9), vote(1, height=2)],
        VoteBatch([vote(2, block_id=OTHER, type=PREVOTE), good[2], good[3]], "node-2"),
        [vote(0, block_id=ONE, type=PREVOTE, time_ns=1_800_000_000_000_000_000)],
        [vote(i, block_id=None) for i in range(4)],
        NextRound(1),
        [vote(0, block_id=ONE, round=1), vote(3, block_id=ONE, round=90)],
        [vote(3, block_id=ONE, round=1), vote(1, block_id=ONE, round=1)],
        NextHeight(6, NEXT, round=2),
        [vote(2, block_id=ONE, round=1), vote(2, block_id=OTHER, round=1)],
        [vote(i, signers=LATER, block_id=OTHER, height=6, round=2) for i in range(5)],
    ]


def test_answers_are_those_of_a_collector(client: ValidationClient) -> None:
    items = a_height()
    wanted = in_process(items)
    assert list(client.verify_votes(SET, items, chain_id=CHAIN_ID, height=5)) == wanted
    events = [event for one in wanted for event in one.events]
    assert {Quorum, NilQuorum, Equivocation} == {*map(type, events)}
    outcomes = {name for one in wanted for name in one.counts}
    assert outcomes >= {
        "counted", "duplicate", "repeated", "equivocation", "malformed", "late_height", "future_height", "stranger",
        "bad_signature",
    }  # fmt: skip
    assert outcomes <= {one.name.lower() for one in Outcome}


def test_evidence_verifies_and_is_written_in_the_chains_form(client: ValidationClient) -> None:
    items = [[vote(1, block_id=ONE), vote(1, block_id=OTHER)]]
    (answer,) = client.verify_votes(SET, items, chain_id=CHAIN_ID, height=5)
    (event,) = answer.events
    assert isinstance(event, Equivocation)
    assert event.verify().valid
    assert event.verify().complete
    data = event.to_bytes(1_700_000_000_000_000_000)
    votes = RULES.read_equivocation(data, "wire", chain_id=CHAIN_ID)
    assert {one.raw for one in votes} == set(items[0])


def test_votes_of_every_form(client: ValidationClient) -> None:
    raw = [vote(i, block_id=ONE) for i in range(4)]
    values = [RULES.read_vote(one, "wire", chain_id=CHAIN_ID) for one in raw]
    forms = [raw, values, tuple(values), (b"".join(raw), [0, *(len(b"".join(raw[: i + 1])) for i in range(4))])]
    wanted = in_process([raw])
    for form in forms:
        assert list(client.verify_votes(SET, [form], chain_id=CHAIN_ID, height=5)) == wanted
    single = list(client.verify_votes(SET, values, chain_id=CHAIN_ID, height=5))
    assert single == in_process([[one] for one in raw])
    with pytest.raises(InputError, match=r"votes\[0\]"):
        list(client.verify_votes(SET, [[values[0].__class__("", "", 0, 0, None, b"", 0, b"", b"", 0)]],
                                 chain_id=CHAIN_ID, height=5))  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_random_streams(client: ValidationClient, seed: int) -> None:
    rng = random.Random(seed)
    pool = [
        vote(i, block_id=block, round=round_, type=kind)
        for i in range(4)
        for block in (None, ONE, OTHER)
        for round_ in range(4)
        for kind in (PREVOTE, PRECOMMIT)
    ]
    for spoilt in rng.sample(pool, 20):
        data = bytearray(spoilt)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        pool.append(bytes(data))
    items: list[Any] = []
    while len(items) < 30:
        items.append(VoteBatch(rng.choices(pool, k=rng.randrange(6)), rng.choice(["", "a", "b"])))
    limits = CollectorLimits(rounds_ahead=rng.randrange(2), rounds_per_peer=rng.randrange(3), rounds_behind=1)
    wanted = in_process(items, limits=limits)
    assert list(client.verify_votes(SET, iter(items), chain_id=CHAIN_ID, height=5, limits=limits)) == wanted


def test_extensions(client: ValidationClient) -> None:
    items = [[vote(0, block_id=ONE, extension=b"x")], [vote(1, block_id=ONE)], [vote(2, extension=None)]]
    for extensions in (None, True, False):
        wanted = in_process(items, extensions=extensions)
        found = client.verify_votes(SET, items, chain_id=CHAIN_ID, height=5, extensions=extensions)
        assert list(found) == wanted


def test_large_items_go_in_pieces(service: Server) -> None:
    signers = make_signers(30, seed=9)
    validators = ValidatorSet([one.validator for one in signers])
    votes = [vote(i, signers=signers, block_id=ONE) for i in range(30)]
    with ValidationClient(service.target, max_batch_items=4) as client:
        (answer,) = client.verify_votes(validators, [votes], chain_id=CHAIN_ID, height=5)
    assert answer.counts == {"counted": 30}
    (event,) = answer.events
    assert isinstance(event, Quorum)
    assert event.positions == tuple(range(21))


@pytest.mark.asyncio
async def test_the_asyncio_client(service: Server) -> None:
    async def source() -> AsyncIterator[Any]:
        for item in a_height():
            yield item

    async with AsyncValidationClient(service.target) as client:
        found = client.verify_votes(SET, source(), chain_id=CHAIN_ID, height=5)
        assert [one async for one in found] == in_process(a_height())


def test_a_live_round_is_answered_vote_by_vote(client: ValidationClient) -> None:
    taken = threading.Semaphore(1)

    def source() -> Iterator[Any]:
        for i in range(4):
            assert taken.acquire(timeout=PATIENCE)
            yield [vote(i, block_id=ONE)]

    events = []
    for answer in client.verify_votes(SET, source(), chain_id=CHAIN_ID, height=5):
        events.append(len(answer.events))
        taken.release()
    assert events == [0, 1, 0, 0]


def test_calls_that_are_malformed(client: ValidationClient) -> None:
    good: dict[str, Any] = {"chain_id": CHAIN_ID, "height": 5}
    for changed, field in (
        ({"chain_id": 5}, "chain_id"),
        ({"height": 0}, "height"),
        ({"height": "5"}, "height"),
        ({"round": -1}, "round"),
        ({"limits": 5}, "limits"),
        ({"extensions": 1}, "extensions"),
        ({"limits": CollectorLimits(vote_bytes=1 << 32)}, "limits.vote_bytes"),
        ({"limits": CollectorLimits(heights_behind=17)}, "limits.heights_behind"),
    ):
        with pytest.raises(InputError) as caught:
            list(client.verify_votes(SET, [], **good | changed))
        assert caught.value.field == field
    with pytest.raises(InputError, match="validators"):
        list(client.verify_votes([], [], **good))  # type: ignore[arg-type]
    for item, field in ((5, "votes"), ([5], r"votes\[0\]"), (VoteBatch([], 5), "peer"), (NextRound(-1), "round"),
                        (NextHeight(5, NEXT), "height"), (NextHeight(6, []), "validators")):  # type: ignore[arg-type]  # fmt: skip
        stream = client.verify_votes(SET, [[vote(0, block_id=ONE)], item], **good)
        assert next(stream).counts == {"counted": 1}
        with pytest.raises(InputError, match=field):
            next(stream)


def test_a_stream_without_items(client: ValidationClient) -> None:
    assert list(client.verify_votes(SET, [], chain_id=CHAIN_ID, height=5)) == []


# ---- messages that a client of ours does not send --------------------------------------------------------------------


def message(**fields: Any) -> bytes:
    return votes_pb2.VerifyVotesRequest(**fields).SerializeToString()


FIRST: dict[str, Any] = {
    "chain": "cometbft", "chain_id": CHAIN_ID, "height": 5, "validators": SET.to_bytes(), "validators_form": "wire",
}  # fmt: skip


def talk(service: Server, *requests: bytes) -> tuple[Any, str, list[votes_pb2.VerifyVotesResponse]]:
    """Status, words and the answers before."""
    with grpc.insecure_channel(service.target) as channel:
        call = channel.stream_stream(
            METHOD + "VerifyVotes", response_deserializer=votes_pb2.VerifyVotesResponse.FromString
        )(iter(requests), timeout=PATIENCE)
        answers = []
        with contextlib.suppress(grpc.RpcError):
            answers.extend(call)
        return call.code(), call.details() or "", answers


def test_messages_that_are_refused(service: Server) -> None:
    limits, empty = votes_pb2.VoteLimits(heights_behind=17), column_pb2.Column(offsets=bytes(4 * 5001))
    for requests, words, answered in (
        ([], "request: got no message", 0),
        ([b"\xff"], "do not parse", 0),
        ([message(**FIRST | {"chain": ""})], "chain: got ''", 0),
        ([message(**FIRST | {"height": 0})], "height: got 0, wanted from 1", 0),
        ([message(**FIRST | {"height": -4})], "height: got -4", 0),
        ([message(**FIRST | {"round": 1 << 31})], "round: got 2147483648", 0),
        ([message(**FIRST | {"validators": b"\xff"})], "validators", 0),
        ([message(**FIRST | {"validators_form": "xml"})], "form: got 'xml'", 0),
        ([message(**FIRST, limits=limits)], "limits.heights_behind: got 17, wanted at most 16", 0),
        ([message(**FIRST, extensions=7)], "extensions: got 7", 0),
        ([message(**FIRST | {"chain_id": "é" * 26})], "chain_id: got 52 bytes, wanted at most 50", 0),
        ([message(**FIRST, peer="p" * 257)], "peer: got 257 characters, wanted at most 256", 0),
        ([message(**FIRST), message(peer="p" * 257)], "peer: got 257 characters, wanted at most 256", 1),
        ([message(**FIRST, votes=empty)], "votes: got 5000 votes in 0 bytes, wanted at most 4096", 0),
        ([message(**FIRST), message(chain="cometbft")], "chain: got 'cometbft', wanted nothing", 1),
        ([message(**FIRST), message(chain_id="x")], "chain_id: got 'x', wanted nothing", 1),
        ([message(**FIRST), message(extensions=1)], "extensions: got 1, wanted nothing", 1),
        ([message(**FIRST), message(limits=votes_pb2.VoteLimits())], "limits: got limits, wanted nothing", 1),
        ([message(**FIRST), message(validators=SET.to_bytes())], "height: got 0, wanted the height", 1),
        ([message(**FIRST), message(height=5, validators=SET.to_bytes(), validators_form="wire")], "height: got 5", 1),
        ([message(**FIRST), message(height=6)], "validators", 1),
        ([message(**FIRST), b"\xff"], "do not parse", 1),
    ):
        code, told, answers = talk(service, *requests)
        assert code is grpc.StatusCode.INVALID_ARGUMENT, told
        assert words in told
        assert len(answers) == answered, told


def test_a_collector_takes_no_name_that_a_chain_cannot_have() -> None:
    VoteCollector(SET, chain_id="é" * 25, height=5)
    with pytest.raises(LengthError, match="chain_id: got 51 bytes, wanted at most 50"):
        VoteCollector(SET, chain_id="c" * 51, height=5)


def test_evidence_with_the_time_of_its_block(service: Server) -> None:
    votes, time_ns = [vote(1, block_id=ONE), vote(1, block_id=OTHER)], 1_700_000_000_000_000_001
    rows = column_pb2.Column(rows=votes)
    _, _, (with_time,) = talk(service, message(**FIRST, votes=rows, evidence_time_ns=time_ns))
    _, _, (without,) = talk(service, message(**FIRST, votes=rows))
    (told,), (bare,) = ([event.equivocation for event in one.events] for one in (with_time, without))
    read = [RULES.read_vote(raw, "wire", chain_id=CHAIN_ID) for raw in votes]
    assert told.evidence == RULES.equivocation(*read, SET, time_ns)
    assert (bare.evidence, bare.first, bare.second, bare.power, bare.total) == (b"", *votes, 3, 10)
    assert bare.address == SIGNERS[1].address


def test_rounds_do_not_go_back(service: Server) -> None:
    code, _, answers = talk(service, message(**FIRST, round=3), message(round=2), message(round=4))
    assert code is grpc.StatusCode.OK
    assert [one.round for one in answers] == [3, 3, 4]


def test_sets_in_json(service: Server) -> None:
    from pycore.testing import cometbft_json

    text = cometbft_json.validators_answers([one.validator for one in SIGNERS], 5, per_page=2)
    pages = ("[" + ",".join(text) + "]").encode()
    votes = column_pb2.Column(rows=[vote(i, block_id=ONE) for i in range(4)])
    code, told, answers = talk(service, message(**FIRST | {"validators": pages, "validators_form": ""}, votes=votes))
    assert code is grpc.StatusCode.OK, told
    assert answers[0].events[0].quorum.claim


def test_the_memory_of_a_stream_is_bounded() -> None:
    """Votes in ever more rounds by a validator who has all the power."""
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, max_message_bytes=1 << 15)
    (alone,) = make_signers(1, seed=1)
    validators = ValidatorSet([alone.validator])
    items = [[vote(0, signers=[alone], block_id=ONE, round=i)] for i in range(200)]
    with background(config) as server, ValidationClient(server.target) as client:
        limits = CollectorLimits(rounds_behind=1 << 20)
        stream = client.verify_votes(validators, items, chain_id=CHAIN_ID, height=5, limits=limits)
        answered = 0
        with pytest.raises(LengthError, match="bytes to keep, wanted at most 32768 in a stream"):
            for answer in stream:
                assert answer.counts == {"counted": 1}
                answered += 1
        assert 5 < answered <= (1 << 15) // 2048  # what one more round takes of the memory
        limits = CollectorLimits(rounds_behind=2)
        other = client.verify_votes(validators, items, chain_id=CHAIN_ID, height=5, limits=limits)
        assert sum(one.counts["counted"] for one in other) == 200  # rounds that are forgotten give their room back
        spam = [[vote(0, signers=[alone], block_id=ONE)] * 50] * 50
        *_, last = client.verify_votes(validators, spam, chain_id=CHAIN_ID, height=5)
        assert last.counts == {"duplicate": 50}


def test_streams_are_told_apart_and_cut_alone(service: Server) -> None:
    with ValidationClient(service.target) as client:
        one = client.verify_votes(SET, [[vote(i, block_id=ONE)] for i in range(4)], chain_id=CHAIN_ID, height=5)
        other = client.verify_votes(SET, [[vote(i, block_id=OTHER)] for i in range(4)], chain_id=CHAIN_ID, height=5)
        next(one)
        next(other)
        one.close()  # type: ignore[attr-defined]
        assert [len(answer.events) for answer in other] == [1, 0, 0]
    wait_for_load(service, lambda load: load.requests == 0)
    assert service.admission.load.items == service.admission.load.nbytes == 0


def test_a_deadline_ends_the_stream() -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, workers=1)
    with background(config) as server:
        gate = Gate(server)
        gate.hold()
        with grpc.insecure_channel(server.target) as channel:
            call = channel.stream_stream(METHOD + "VerifyVotes")(iter([message(**FIRST)]), timeout=0.2)
            with pytest.raises(grpc.RpcError):
                next(call)
            assert call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        gate.open()
        with ValidationClient(server.target) as client:
            (answer,) = client.verify_votes(SET, [[vote(0, block_id=ONE)]], chain_id=CHAIN_ID, height=5)
            assert answer.counts == {"counted": 1}


def test_a_service_that_makes_things_up(client: ValidationClient) -> None:
    feed = ValidationClient.verify_votes.plan(client, SET, [], chain_id=CHAIN_ID, height=5)  # type: ignore[attr-defined]
    with pytest.raises(ServiceError, match="not sent"):
        feed.take(votes_pb2.VerifyVotesResponse())
    list(feed.messages([vote(0, block_id=ONE)]))
    for told in (
        votes_pb2.Equivocation(height=4),
        votes_pb2.Equivocation(height=5, position=9, first=vote(0), second=vote(1)),
        votes_pb2.Equivocation(height=5, first=b"\xff"),
    ):
        with pytest.raises(ServiceError, match="does not fit"):
            feed.take(votes_pb2.VerifyVotesResponse(events=[votes_pb2.VoteEvent(equivocation=told)], height=5))
        list(feed.messages([vote(0, block_id=ONE)]))
