"""Identifiers of calls, and the log that has them: what a client gave, what is made up, what is never repeated."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pycore._pb.validation.v1 import hash_pb2
from pycore.service.config import ServiceConfig
from pycore.service.logs import JsonLines, PlainLines, RequestIds, log_to_stderr
from pycore.service.request_ids import KEY, Request, current_request, request_id
from pycore.service.server import Server, background

from .conftest import METHOD, PATIENCE, Clock
from .test_access import A, by_token, write

MADE_UP = re.compile(r"[0-9a-f]{16}")
INJECTION = 'x\n{"level": "error"}\r\x1b[2J\u2028\u202e\x85'


@pytest.fixture(scope="module")
def channel(service: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(service.target) as channel:
        yield channel


def answered(call: Any) -> str:
    """The identifier of a call that has ended; there must be one."""
    found = [value for key, value in call.trailing_metadata() if key == KEY]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("given", ["a", "block 17/3", "~" * 128])
def test_a_clients_identifier_comes_back(channel: grpc.Channel, given: str) -> None:
    method = channel.unary_unary(METHOD + "GetCapabilities")
    _, call = method.with_call(b"", metadata=[(KEY, given)], timeout=PATIENCE)
    assert answered(call) == given


@pytest.mark.parametrize("given", [[], ["~" * 129], ["a", "b"], ["a", "a"]])
def test_other_calls_get_one(channel: grpc.Channel, given: list[str]) -> None:
    method = channel.unary_unary(METHOD + "GetCapabilities")
    _, call = method.with_call(b"", metadata=[(KEY, one) for one in given], timeout=PATIENCE)
    assert MADE_UP.fullmatch(answered(call))


@pytest.mark.parametrize("given", ["", "a\nb", "é", "\x7f", "\x00", b"a"])
def test_forms_that_are_replaced(given: str | bytes) -> None:
    """As whatever carries them may let them through; gRPC refuses some of these by itself."""
    assert MADE_UP.fullmatch(request_id([(KEY, given)]))


def test_errors_and_streams_have_it_next_to_the_details(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(METHOD + "HashBatch")(b"\xff", metadata=[(KEY, "mine")], timeout=PATIENCE)
    assert answered(caught.value) == "mine"
    assert "grpc-status-details-bin" in dict(caught.value.trailing_metadata())
    for requests, wanted in ([], grpc.StatusCode.OK), ([b"\xff"], grpc.StatusCode.INVALID_ARGUMENT):
        call = channel.stream_stream(METHOD + "VerifySignatureStream")(
            iter(requests), metadata=[(KEY, "mine")], timeout=PATIENCE
        )
        assert call.code() is wanted
        assert answered(call) == "mine"


def test_denials_are_logged_under_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write(tmp_path / "access.json", by_token(tmp_path, "node-a", A, rpcs=["GetCapabilities"]))
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, access_file=file)
    clock = Clock()
    with background(config, clock=clock) as server, grpc.insecure_channel(server.target) as channel:
        hashes = channel.unary_unary(METHOD + "HashBatch")
        for metadata in [(KEY, "theirs")], [(KEY, "mine"), ("authorization", f"Bearer {A}")], [(KEY, "~" * 129)]:
            with pytest.raises(grpc.RpcError):
                hashes(b"", metadata=metadata, timeout=PATIENCE)
            clock.now += 1  # or the log leaves out a second stranger
        recent = [(one.request_id, one.client, one.reason, one.rpc) for one in server.metrics.recent]
    found = [vars(record)["request_id"] for record in caplog.records if record.name == "pycore.service.access"]
    assert found[:2] == ["theirs", "mine"]
    assert MADE_UP.fullmatch(found[2])
    assert recent == [
        ("theirs", "", "UNKNOWN_CALLER", "HashBatch"),
        ("mine", "node-a", "RPC_NOT_ALLOWED", "HashBatch"),
        (found[2], "", "UNKNOWN_CALLER", "HashBatch"),
    ]


def test_work_knows_its_call(service: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the worker's thread, where a kernel's warning would be logged."""
    seen: list[str] = []
    done = service.admission._execute

    def execute(work: Any) -> Any:
        one = current_request.get()
        seen.append(one.id if one is not None else "")
        return done(work)

    monkeypatch.setattr(service.admission, "_execute", execute)
    request = hash_pb2.HashBatchRequest(algorithm="sha256", messages={"data": b"abc", "width": 3})
    with grpc.insecure_channel(service.target) as channel:
        channel.unary_unary(METHOD + "HashBatch")(
            request.SerializeToString(), metadata=[(KEY, "alone")], timeout=PATIENCE
        )
    assert seen == ["alone"]


# ---- the log ---------------------------------------------------------------------------------------------------------


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelno": logging.WARNING, "levelname": "WARNING", "name": "a.log"})
    vars(made).update(extra)
    return made


def test_both_forms_are_one_line_whatever_is_in_it() -> None:
    one = record(INJECTION, client=INJECTION, more=[INJECTION])
    for form in JsonLines(), PlainLines():
        text = form.format(one)
        assert len(text.splitlines()) == 1
        assert text.isprintable()
    read = json.loads(JsonLines().format(one))
    assert (read["message"], read["client"], read["more"]) == (INJECTION, INJECTION, [INJECTION])


def test_plain_lines() -> None:
    one = record("denied", client="node-a", peer="ipv4:127.0.0.1:5", words='a "b"', n=3, no=None, of=["a", "b"])
    stamp, _, rest = PlainLines().format(one).partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    assert rest == r'warning denied client=node-a peer=ipv4:127.0.0.1:5 words="a \"b\"" n=3 no=null of=a,b'


def test_tracebacks_follow_indented() -> None:
    try:
        raise ValueError("two\nlines \x1b[2J")
    except ValueError:
        one = record("failed", exc_info=sys.exc_info())
    first, *rest = PlainLines().format(one).split("\n")
    assert first.endswith("warning failed")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert "ValueError: two" in json.loads(JsonLines().format(one))["exception"]


def test_a_line_within_a_call_has_its_identifier() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        log_to_stderr("info", "auto", stream)  # no terminal: JSON
        assert any(isinstance(one, RequestIds) for one in root.handlers[0].filters)
        token = current_request.set(Request("mine"))
        logging.getLogger("pycore.anything").warning("in a call")
        logging.getLogger("pycore.service.access").warning("told", extra={"request_id": "another"})
        current_request.reset(token)
        logging.getLogger("pycore.anything").warning("outside")
        root.handlers[0].flush()  # a thread writes it
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one.get("request_id") for one in lines] == ["mine", "another", None]
