"""The page: whole, self-contained, escaped, and with the verdict in two languages."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from pycore import evidence, testing
from pycore.evidence import EvidenceReport
from pycore.evidence.page import clock, page, verdict
from pycore.ledgers import Check

VOID = {"meta", "br"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "span", "div", "p", "table", "tr", "th", "td", "code",
    "br", "footer",
}  # fmt: skip


class Reader(HTMLParser):
    """The elements, whether they are nested well, their attributes, and the text outside of the style."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def made():
    return testing.generate_evidence({"合同.pdf": b"a contract"}, suite="p256", seed=1)


@pytest.fixture(scope="module")
def proven(made):
    return evidence.check(b"a contract", made.bundle("合同.pdf"), made.trusted(), name="合同.pdf")


def check_whole(text):
    reader = Reader(text)
    assert set(reader.tags) <= ALLOWED
    assert {name for name, _ in reader.attributes} <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert not re.search(r"(?i)<script|javascript:|https?://|url\(|@import|src=|href=", text)
    assert "default-src 'none'" in text
    assert text.startswith("<!DOCTYPE html>")
    text.encode("utf-8")
    return reader.text


def test_a_page_has_all_that_was_found(proven):
    text = check_whole(page(proven, made=1767300000))
    for part in (
        "合同.pdf", proven.digest.hex(), "sm3", proven.block_hash.hex(), proven.tx_id, proven.contract,
        proven.sender["name"], proven.sender["org_id"], *proven.certified_by,
        *proven.organisations.values(), "evidence-0", "hashAlgorithm: sm3",
        "2026-01-01 00:00:0", "China Standard Time", "2026-01-01 08:00:0", "2026-01-01 20:40:00 UTC",
    ):  # fmt: skip
        assert part in text, part
    for one in proven.checks:
        assert one.name in text
    assert text.count("passed 通过") == len(proven.checks)


def test_verdicts(made, proven):
    state, english, chinese = verdict(proven)
    assert state == "proven"
    assert english.startswith("Proven: the sm3 digest of 合同.pdf is on the chain pycore-test-chain, in block ")
    assert english.endswith("3 of the trusted validators certified it.")
    assert chinese.startswith("已证明：")  # noqa: RUF001
    assert "3 个可信共识节点" in chinese
    other = evidence.check(b"another", made.bundle("合同.pdf"), made.trusted(), name="合同.pdf")
    state, english, chinese = verdict(other)
    assert (state, english[:11], chinese[:4]) == ("refused", "Not proven:", "未能证明")
    assert "Not a proof for this file" in check_whole(page(other))
    unclear = dataclasses.replace(proven, checks=(*proven.checks, Check("more", None, detail="why")))
    assert verdict(unclear)[0] == "open"
    assert "not checked 未核验" in check_whole(page(unclear))


def test_a_linked_block(made):
    late = made.trusted(3)
    report = evidence.check(b"a contract", made.bundle("合同.pdf", trusted=late), late)
    assert "it leads by its hash to the trusted block" in verdict(report)[1]
    assert "哈希链接至可信区块" in check_whole(page(report))


def test_a_log():
    report = evidence.check(b"a", *testing.generate_log([b"x", b"a"], 1, scheme="sm2"), name="a.txt")
    text = check_whole(page(report))
    assert "a.txt is entry 1, counted from 0, of the log" in text
    assert "the operator of the log" in text


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>\u202egpj.exe\x1b[2J\x00"


def test_whatever_strangers_write_is_text(proven):
    hostile = EvidenceReport(
        chain=HOSTILE, rules=HOSTILE, checks=(Check(HOSTILE, True, HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        file_name=HOSTILE, file_size=1, source="chain", chain_id=HOSTILE, kind=HOSTILE, algorithm=HOSTILE, digest=b"x",
        form=HOSTILE, where=HOSTILE, height=1, block_hash=b"y", time=1e300, tx_id=HOSTILE, contract=HOSTILE,
        method=HOSTILE, serial=HOSTILE, metadata={HOSTILE: HOSTILE, "list": [HOSTILE], "none": None},
        sender={"name": HOSTILE, "org_id": HOSTILE, "id": HOSTILE}, certified_by=(HOSTILE,),
    )  # fmt: skip
    for report in (
        hostile,
        dataclasses.replace(hostile, checks=(Check(HOSTILE, False, HOSTILE, HOSTILE, HOSTILE),)),
        dataclasses.replace(hostile, checks=(Check(HOSTILE, None, HOSTILE, HOSTILE, HOSTILE),)),
        dataclasses.replace(hostile, source="log"),
        dataclasses.replace(hostile, linked=True, trusted_height=4),
    ):
        whole = page(report)
        reader = Reader(whole)
        assert "script" not in reader.tags
        assert "img" not in reader.tags
        assert set(reader.tags) <= ALLOWED
        assert "onerror" not in [name for name, _ in reader.attributes]
        for sign in ("\u202e", "\x1b", "\x00"):
            assert sign not in whole
        assert "\\u202e" in reader.text


def test_a_page_is_bounded(proven):
    report = dataclasses.replace(
        proven,
        metadata={str(i): "x" * 5000 for i in range(1000)},
        certified_by=tuple(str(i) for i in range(10_000)),
        serial="9" * 100_000,
        file_name="n" * 5000,
    )
    assert len(page(report)) < 400_000


def test_clocks():
    assert clock(-62135596800.0) == "0001-01-01 00:00:00"
    assert clock(float("inf")) == "inf s"
    assert clock(float("nan")) == "nan s"
