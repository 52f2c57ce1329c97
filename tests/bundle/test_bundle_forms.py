"""The forms of bundles and of trusted states: one-to-one, bounded, and nothing misread."""

from __future__ import annotations

import dataclasses
import json

import pytest
from chainmaker_bundles import Chain

from pycore import bundle
from pycore._pb.bundle.v1 import bundle_pb2
from pycore.bundle import Bundle, Inclusion, Statement, forms
from pycore.errors import InputError
from pycore.ledgers.contexts import JsonContext

PLAIN = Bundle(
    "chainmaker", "\u94fe-1", 7, b"\x01" * 32, (b"h1", b"", b"h3"), b"votes", Inclusion(3, 5, (b"n1", b"n2")),
    Statement("event", b"item", b"", 2),
)  # fmt: skip
EMPTY = Bundle("", "", 0, b"", ())


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.mark.parametrize("value", [PLAIN, EMPTY, dataclasses.replace(PLAIN, trusted_height=(1 << 64) - 1)])
def test_both_forms_lead_back(value):
    data, text = bundle.to_bytes(value), bundle.to_json(value)
    assert bundle.from_bytes(data) == bundle.from_json(text) == bundle.from_dict(json.loads(text)) == value
    for form in (value, data, bytearray(data), text, text.encode(), bundle.to_dict(value)):
        assert bundle.read(form) == value
    assert bundle.to_bytes(bundle.from_bytes(data)) == data


def test_a_file_starts_with_its_format():
    assert bundle.to_bytes(EMPTY)[:2] == b"\x08\x01"


@pytest.mark.parametrize("number", [0, 2, 1 << 31])
def test_another_format_is_named(number):
    message = bundle_pb2.Bundle.FromString(bundle.to_bytes(PLAIN))
    message.format = number
    with pytest.raises(InputError, match=r"bundle.format: got \d+, wanted 1"):
        bundle.from_bytes(message.SerializeToString())
    with pytest.raises(InputError, match=r"bundle.format"):
        bundle.from_dict(bundle.to_dict(PLAIN) | {"format": number})


def pieces(data):
    """The fields of a message, each with its tag."""
    found, at = [], 0
    while at < len(data):
        start, wire = at, data[at] & 7
        at += 1
        if wire == 0:
            while data[at] & 0x80:
                at += 1
            at += 1
        else:
            at += 1 + data[at]
        found.append(data[start:at])
    return found


def test_only_one_encoding_is_read():
    data = bundle.to_bytes(PLAIN)
    parts = pieces(data)
    assert b"".join(parts) == data
    others = {
        "another order": b"".join(reversed(parts)),
        "a field twice": data + parts[1],
        "an unknown field": data + b"\x7a\x00",
        "an unknown field inside": data.replace(
            parts[-1], b"\x4a" + bytes([parts[-1][1] + 2]) + parts[-1][2:] + b"\x28\x01"
        ),
        "a default written out": data + b"\x3a\x00",
        "a long number": b"\x08\x81\x00" + data[2:],
        "a long length": data.replace(parts[1], b"\x12\x8a\x00" + parts[1][2:]),
        "a part of another": data + b"\x42\x00",
    }
    for name, changed in others.items():
        assert changed != data, name
        message = bundle_pb2.Bundle.FromString(changed)  # protobuf itself reads it
        assert message.format == 1, name
        with pytest.raises(InputError) as error:
            bundle.from_bytes(changed)
        assert error.value.field == "bundle", name


def test_an_inclusion_that_says_nothing_is_left_out():
    data = bundle.to_bytes(EMPTY)
    assert b"\x42" not in data
    with pytest.raises(InputError, match="another encoding"):
        bundle.from_bytes(data[:2] + b"\x42\x00" + data[2:])


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x08", b"\x12\x05ab", b"\x12\x01\xff", b"x" * 100, b"\x7b"])
def test_bytes_that_are_no_bundle(data):
    with pytest.raises(InputError) as error:
        bundle.from_bytes(data)
    assert error.value.field.startswith("bundle")


def test_every_truncation_is_refused():
    data = bundle.to_bytes(PLAIN)
    for size in range(len(data)):
        with pytest.raises(InputError):
            bundle.verify(data[:size] or b"\0", TRUSTED)


TRUSTED = Chain().before


def test_sizes_are_bounded_before_anything_is_built(monkeypatch):
    many = bundle.to_bytes(dataclasses.replace(PLAIN, headers=(b"",) * 40))
    nodes = bundle.to_bytes(dataclasses.replace(PLAIN, inclusion=Inclusion(0, 1, (b"",) * 40)))
    monkeypatch.setattr(forms, "_PARTS", {"headers": 39, "nodes": 39})
    monkeypatch.setattr(forms.bundle_pb2, "Bundle", None)
    for data, name in ((many, "headers"), (nodes, "nodes")):
        with pytest.raises(InputError) as error:
            bundle.from_bytes(data)
        assert (error.value.field, error.value.got) == (f"bundle.{name}", "40 of them")
    monkeypatch.setattr(forms, "MAX_BYTES", len(many) - 1)
    for form in (many, "{" + " " * 2 * len(many)):
        with pytest.raises(InputError, match="at most"):
            bundle.read(form)


def test_json_is_read_as_it_is_written():
    document = bundle.to_dict(PLAIN)
    changes = {
        "bundle": [("unknown", 1), ("chain", None)],
        "bundle.chain": [("chain", 5), ("chain", "\ud800")],
        "bundle.headers": [("headers", "00"), ("headers", {})],
        "bundle.headers[1]": [("headers", ["00", "0"]), ("headers", ["00", "AA"]), ("headers", ["00", "0x00"])],
        "bundle.certificate": [("certificate", "0 0"), ("certificate", b"00"), ("certificate", "00\n")],
        "bundle.trusted": [("trusted", []), ("trusted", {"height": 1})],
        "bundle.trusted.height": [("trusted", {"height": -1, "hash": ""}), ("trusted", {"height": 1.0, "hash": ""})],
        "bundle.inclusion.index": [("inclusion", {"index": True, "count": 0, "nodes": []})],
        "bundle.inclusion.nodes[0]": [("inclusion", {"index": 0, "count": 0, "nodes": [7]})],
        "bundle.statement.event": [("statement", {"kind": "", "item": "", "key": "", "event": 1 << 32})],
        "bundle.format": [("format", True), ("format", "1")],
    }
    for field, cases in changes.items():
        for name, value in cases:
            changed = {**document, name: value}
            if value is None:
                del changed[name]
            with pytest.raises(InputError) as error:
                bundle.from_dict(changed)
            assert error.value.field == field, (name, value)
    with pytest.raises(InputError, match="twice"):
        bundle.from_json('{"format": 1, "format": 1}')


@pytest.mark.parametrize(
    "change",
    [{"trusted_height": -1}, {"trusted_height": 1 << 64}, {"headers": (None,)}, {"chain": 5}, {"certificate": "a"}],
)
def test_values_that_do_not_fit_are_not_written(change):
    with pytest.raises(InputError):
        bundle.to_bytes(dataclasses.replace(PLAIN, **change))


# ---- trusted states --------------------------------------------------------------------------------------------------


def test_a_trusted_state_leads_back(chain, tmp_path):
    text = bundle.trusted_to_json(chain.before)
    path = tmp_path / "trusted.json"
    path.write_text(text)
    for form in (text, text.encode(), json.loads(text), path, chain.before):
        assert bundle.read_trusted(form) == chain.before


def test_a_trusted_state_is_read_as_it_is_written(chain):
    document = bundle.trusted_to_dict(chain.before)
    context = document["context"]
    for field, change in (
        ("trusted.format", {"format": 2}),
        ("trusted.format", {"format": True}),
        ("trusted.chain", {"chain": "nobody's"}),
        ("trusted.chain", {"chain": 5}),
        ("trusted.chain_id", {"chain_id": None}),
        ("trusted.height", {"height": -1}),
        ("trusted.height", {"height": 1 << 63}),
        ("trusted.height", {"height": 1.5}),
        ("trusted.block_hash", {"block_hash": "0x00"}),
        ("trusted.block_hash", {"block_hash": ""}),
        ("trusted.block_hash", {"block_hash": "00" * 65}),
        ("trusted.block_hash", {"block_hash": 5}),
        ("trusted.context", {"context": "{}"}),
        ("trusted.context.height", {"context": {**context, "height": 5}}),
        ("trusted.context.previous_block_hash", {"context": {**context, "previous_block_hash": "00" * 32}}),
        ("context.trust_root", {"context": {**context, "trust_root": {}}}),
        ("trusted", {"more": 1}),
    ):
        with pytest.raises(InputError) as error:
            bundle.read_trusted({**document, **change})
        assert error.value.field == field, change
    with pytest.raises(InputError, match="trusted"):
        bundle.read_trusted({})
    with pytest.raises(InputError, match="trusted"):
        bundle.read_trusted("[]")


@dataclasses.dataclass(frozen=True)
class Foreign(JsonContext):
    """The context of no chain."""

    rules: str = "strict"


def test_a_state_with_another_chains_context_is_refused(chain):
    for field, change in (("context", {"context": Foreign()}), ("trusted.chain", {"chain": "nobody's"})):
        wrong = dataclasses.replace(chain.before, **change)
        for call in (lambda state: bundle.verify(PLAIN, state), lambda state: bundle.advance(PLAIN, state)):
            with pytest.raises(InputError) as error:
                call(wrong)
            assert error.value.field == field
