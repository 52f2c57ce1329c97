"""Large fields without a copy say what protobuf says."""

from __future__ import annotations

import random

import pytest
from google.protobuf.message import DecodeError

from pycore.service import rpc_blocks, rpc_runs
from pycore.wire.schema import block_pb2
from pycore.wire.views import join_field, split_field, split_fields

Request = block_pb2.ValidateBlockRequest
Run = block_pb2.ValidateBlocksRequest
BLOCK = Request.BLOCK_FIELD_NUMBER


def fields(raw: bytes) -> tuple[str, bytes, bytes]:
    request = rpc_blocks._parse(raw)
    return request.chain, bytes(request.block), request.context_json


@pytest.mark.parametrize("block", [b"", b"x", bytes(127), bytes(128), bytes(70_000)])
@pytest.mark.parametrize("context", [b"", b"{}", bytes(300)])
def test_joined_and_split(block: bytes, context: bytes) -> None:
    whole = Request(chain="chainmaker", block=block, context_json=context)
    bare = Request(chain="chainmaker", context_json=context)
    joined = join_field(bare, BLOCK, block)
    assert Request.FromString(joined) == whole
    for raw in (joined, whole.SerializeToString()):
        found = split_field(raw, BLOCK)
        assert found is not None
        assert (Request.FromString(found[0]), bytes(found[1])) == (bare, block)
        assert fields(raw) == ("chainmaker", block, context)


def test_a_view_is_no_copy() -> None:
    raw = join_field(Request(chain="c"), BLOCK, bytes(1000))
    found = split_field(raw, BLOCK)
    assert found is not None
    assert found[1].obj is raw


@pytest.mark.parametrize("count", [0, 1, 2, 16, 63, 64, 65, 256])
def test_blocks_of_a_run(count: int) -> None:
    blocks = [bytes([i]) * (i * 7 % 300) for i in range(count)]
    raw = Run(chain="c", blocks=blocks, context_json=b"{}").SerializeToString()
    request = rpc_runs._parse(raw)
    assert [bytes(one) for one in request.blocks] == blocks
    assert (request.chain, request.context_json, request.checkpoint_json) == ("c", b"{}", b"")
    found = split_fields(raw, Run.BLOCKS_FIELD_NUMBER)
    assert (found is None) == (count > 61)  # with the chain and the context, and a last look
    assert found is None or all(one.obj is raw for one in found[1])


def test_whatever_the_bytes() -> None:
    """Mutated requests parse, or do not, as protobuf has it, and to the same fields."""
    rng = random.Random(5)
    seeds = [
        Request(chain="chainmaker", block=rng.randbytes(40), context_json=b'{"a": 1}').SerializeToString(),
        Run(chain="c", blocks=[b"first", b"", b"last"], checkpoint_json=b"{}").SerializeToString(),
        join_field(Request(chain="c"), BLOCK, b"first") + join_field(Request(), BLOCK, b"last"),
        b"\x12\x82\x00ab\x0a\x01c",  # a length in more bytes than it needs
        b"\x28\x96\x01\x12\x01b\x31" + bytes(8) + b"\x3d" + bytes(4),  # unknown numbers
        b"\x33\x12\x01a\x34\x12\x01b",  # an unknown group
    ]
    refused = 0
    for _ in range(20_000):
        raw = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(raw))
            choice = rng.randrange(3)
            if choice == 0:
                raw[at] ^= 1 << rng.randrange(8)
            elif choice == 1:
                del raw[at : at + rng.randrange(1, 4)]
            else:
                raw[at:at] = rng.randbytes(rng.randrange(1, 3))
            if not raw:
                break
        try:
            whole = Request.FromString(bytes(raw))
        except DecodeError:
            refused += 1
            with pytest.raises(DecodeError):
                rpc_blocks._parse(bytes(raw))
        else:
            assert fields(bytes(raw)) == (whole.chain, whole.block, whole.context_json)
        try:
            run = Run.FromString(bytes(raw))
        except DecodeError:
            with pytest.raises(DecodeError):
                rpc_runs._parse(bytes(raw))
        else:
            got = rpc_runs._parse(bytes(raw))
            assert [bytes(one) for one in got.blocks] == list(run.blocks)
            assert got[:3] == (run.chain, run.context_json, run.checkpoint_json)
    assert 1_000 < refused < 19_000
