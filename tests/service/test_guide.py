"""The guide's promises: byte examples, tables of settings and of fields."""

from __future__ import annotations

import re

import pytest

from pycore._pb.validation.v1 import block_pb2, column_pb2, signature_pb2, verdict_pb2
from pycore.service.config import ServiceConfig

from .conftest import ROOT, RawCaller

GUIDE = (ROOT / "docs" / "guides" / "service.md").read_text(encoding="utf-8")


def example(name: str) -> bytes:
    """The bytes of a hex block: on each line the hexadecimal words before two blanks and the explanation."""
    block = re.search(rf"<!-- {name} -->\n```hex\n(.*?)```", GUIDE, re.DOTALL)
    assert block is not None
    return b"".join(bytes.fromhex(re.split(r"\s{2,}", line.strip())[0]) for line in block[1].splitlines())


def test_the_example_is_answered_as_shown(raw: RawCaller) -> None:
    assert raw("VerifySignatures", example("request")) == example("response")


def test_every_setting_is_in_the_table_with_its_default() -> None:
    table = GUIDE.split("### Settings")[1].split("### TLS")[0]
    rows = dict.fromkeys(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))))
    assert list(rows) == list(ServiceConfig.model_fields)
    config = ServiceConfig()
    shown = {
        "max_message_bytes": f"{config.max_message_bytes >> 20} MiB",
        "max_inflight_bytes": f"{config.max_inflight_bytes >> 20} MiB",
        **{name: f"{getattr(config, name):,}" for name in ("max_batch_items", "max_inflight_items", "stream_window")},
        **{name: f"{getattr(config, name):g}" for name in ("drain_delay", "drain_grace")},
        "max_concurrent_rpcs": f"{config.max_concurrent_rpcs:,}",
        "address": f"`{config.address}`",
    }
    for name, default in shown.items():
        assert f"| `{name}` | {default} |" in table, name


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("### Columns", column_pb2.Column),
        ("`VerifySignaturesRequest`:", signature_pb2.VerifySignaturesRequest),
        ("a `Verdicts`:", verdict_pb2.Verdicts),
        ("is a `BlockReport`:", block_pb2.BlockReport),
    ],
)
def test_every_field_is_in_its_table_with_its_number(heading: str, message: type) -> None:
    table = GUIDE.split(heading)[1].split("\n\n|")[1].split("\n\n")[0]
    found: dict[str, int] = {}
    for names, numbers in re.findall(r"^\| (`.*?) \| ([\d, ]+) \|", table, re.MULTILINE):
        found.update(zip(re.findall(r"`(\w+)`", names), map(int, numbers.split(",")), strict=True))
    assert found == {field.name: field.number for field in message.DESCRIPTOR.fields}  # type: ignore[attr-defined]
