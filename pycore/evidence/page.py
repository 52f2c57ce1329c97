"""The report as one page of HTML: for a clerk to read, print and file. No script, nothing from elsewhere."""

# ruff: noqa: RUF001 - Chinese punctuation

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pycore._version import __version__
from pycore.base.report import shown
from pycore.evidence.notarised import WHOLE

if TYPE_CHECKING:
    from pycore.evidence.check import EvidenceReport

MAX_SHOWN = 2000
"""Characters of a value on the page; the JSON form has all."""
MAX_LISTED = 200
_CHINA = timezone(timedelta(hours=8))
_STYLE = """
body { font: 15px/1.5 "Noto Sans", "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", sans-serif;
  color: #1a1a1a; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
.verdict { border: 2px solid; border-radius: .4rem; padding: .8rem 1rem; margin: 1rem 0; }
.verdict p { margin: .2rem 0; }
.proven { border-color: #17692d; background: #eef8f0; } .refused { border-color: #a11d1d; background: #fdf0f0; }
.open { border-color: #8a6100; background: #fdf7e8; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border: 1px solid #c8c8c8; padding: .3rem .5rem; text-align: left; vertical-align: top;
  word-wrap: break-word; overflow-wrap: anywhere; }
th { background: #f3f3f3; font-weight: 600; } .facts th { width: 28%; }
.name { width: 18%; } .result { width: 13%; } .note { width: 20%; }
code { font: 13px/1.4 "DejaVu Sans Mono", monospace; }
.passed { color: #17692d; } .failed { color: #a11d1d; font-weight: 600; } .skipped { color: #8a6100; }
footer { margin-top: 1.6rem; font-size: .85rem; color: #555; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } .verdict { background: none; }
  tr { page-break-inside: avoid; } h2 { page-break-after: avoid; } }
"""
_HEADINGS = {
    "proven": 'Findings <span lang="zh-CN">核验结果</span>',
    "refused": 'Not a proof for this file <span lang="zh-CN">以下内容不构成对该文件的证明</span>',
    "open": 'Not a proof for this file <span lang="zh-CN">以下内容不构成对该文件的证明</span>',
}
_STATUS = {"passed": "passed 通过", "failed": "failed 不通过", "skipped": "not checked 未核验"}


def verdict(report: EvidenceReport) -> tuple[str, str, str]:
    """The report in one sentence: "proven", "refused" or "open", then in English and in Chinese."""
    name = report.file_name or "the file"
    title = f"“{report.file_name}”" if report.file_name else "该文件"
    if not report.valid:
        first = report.failed[0]
        said = f"got {_text(first.got, 120)}, wanted {_text(first.wanted, 120)}"
        english = f"Not proven: the condition {first.name} does not hold ({said}). Do not rely on this evidence."
        return "refused", english, f"未能证明：条件 {first.name} 不成立，不应采信本证据。"
    if not report.complete:
        first = report.skipped[0]
        english = f"Not decided: the condition {first.name} could not be checked ({first.detail})."
        return "open", english, f"无法判定：条件 {first.name} 未能核验，不应采信本证据。"
    when = "at an unknown time" if report.time is None else f"at {clock(report.time)} UTC"
    when_there = "时间不详" if report.time is None else f"北京时间 {clock(report.time, _CHINA)}"
    if report.source == "log":
        whole = report.form == WHOLE
        what = name if whole else f"the {report.algorithm} digest of {name}"
        english = (
            f"Proven: {what} is entry {report.height}, counted from 0, of the log {report.chain_id}, whose operator "
            f"signed for it {when}."
        )
        what_there = title if whole else f"{title}的 {report.algorithm} 摘要"
        chinese = (
            f"已证明：{what_there}是日志 {report.chain_id} 中序号为 {report.height} 的记录（序号从 0 起），"
            f"日志运营方已签名确认（{when_there}）。"
        )
        return "proven", english, chinese
    chain = report.chain_id or report.chain
    if report.linked:
        final, final_there = "it leads by its hash to the trusted block", "该区块通过哈希链接至可信区块"
    else:
        count = len(report.certified_by)
        final = f"{count} of the trusted validators certified it"
        final_there = f"该区块由 {count} 个可信共识节点签名确认"
    english = (
        f"Proven: the {report.algorithm} digest of {name} is on the chain {chain}, in block {report.height} of "
        f"{clock(report.time) + ' UTC' if report.time is not None else 'an unknown time'}"
        f"{_by(report)}. The block is final: {final}."
    )
    chinese = (
        f"已证明：{title}的 {report.algorithm} 摘要已存证于链 {chain} 的第 {report.height} 号区块"
        f"（{when_there}）{_by_there(report)}。该区块已最终确认：{final_there}。"
    )
    return "proven", english, chinese


def page(report: EvidenceReport, *, made: float | None = None) -> str:
    """The report as a whole HTML document: UTF-8, no script, no resource from elsewhere, with a style for print.

    Args:
        report: of :func:`pycore.evidence.check`.
        made: when the evidence was checked, in Unix seconds; None: the page does not say.

    Everything that comes from a file, a chain or a log is escaped; signs that do not print, or turn the direction of
    what is read, are written as escapes.
    """
    state, english, chinese = verdict(report)
    rows = "\n".join(f"<tr><th>{_mark(label)}</th><td>{value}</td></tr>" for label, value in _facts(report))
    checks = "\n".join(
        f"<tr><td><code>{_mark(one.name)}</code></td><td class={one.status}>{_STATUS[one.status]}</td>"
        f"<td>{_mark(_text(one.got))}</td><td>{_mark(_text(one.wanted))}</td><td>{_mark(_note(one))}</td></tr>"
        for one in report.checks
    )
    when = "" if made is None else f" Checked 核验时间: {clock(made)} UTC, {clock(made, _CHINA)} UTC+8."
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{_mark("Evidence report: " + (report.file_name or "a digest"))}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Evidence report <span lang="zh-CN">存证核验报告</span></h1>
<div class="verdict {state}">
<p>{_mark(english)}</p>
<p lang="zh-CN">{_mark(chinese)}</p>
</div>
<h2>{_HEADINGS[state]}</h2>
<table class="facts">
{rows}
</table>
<h2>Conditions <span lang="zh-CN">核验条件</span></h2>
<table>
<tr><th class="name">condition 条件</th><th class="result">result 结果</th><th>got 实际值</th><th>wanted 要求值</th>
<th class="note">note 说明</th></tr>
{checks}
</table>
<footer>
<p>pycore {_mark(__version__)}.{when} Checked offline against a state that the reader trusts; the report says nothing
about whether the file is true.
<span lang="zh-CN">本报告依据读者信任的状态离线核验得出，不对文件内容的真实性作出判断。</span></p>
</footer>
</body>
</html>
"""


def clock(time: float, zone: timezone = timezone.utc) -> str:
    """A time as a person reads it, to the second; a number where no calendar has it.

    >>> clock(1767225600.0), clock(1767225600.0, timezone(timedelta(hours=8))), clock(1e300)
    ('2026-01-01 00:00:00', '2026-01-01 08:00:00', '1e+300 s')
    """
    try:
        return datetime.fromtimestamp(time, zone).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return f"{time} s"


def _facts(report: EvidenceReport) -> Iterator[tuple[str, str]]:
    """Labels and cells, already escaped."""
    yield "File 文件", _mark(report.file_name or "a digest alone 仅有摘要")
    if report.file_size is not None:
        yield "Size 大小", f"{report.file_size} bytes"
    if report.digest:
        yield f"Digest ({report.algorithm}) 摘要", _code(report.digest.hex())
        yield "Found as 存证形式", _mark(f"{report.form}; {report.where}")
    log = report.source == "log"
    yield "Log 日志" if log else "Chain 链", _mark(f"{report.chain} {report.chain_id}")
    if report.block_hash:
        yield "Entry 记录序号" if log else "Block 区块高度", str(report.height)
        yield "Root of the tree 树根" if log else "Block hash 区块哈希", _code(report.block_hash.hex())
    if report.time is not None:
        label = "Time of the tree head 树头时间" if log else "Time of the block 区块时间"
        yield label, f"{clock(report.time)} UTC<br>{clock(report.time, _CHINA)} China Standard Time 北京时间"
    for label, text in (
        ("Transaction 交易", report.tx_id),
        ("Contract 合约", report.contract),
        ("Method or topic 方法或主题", report.method),
        ("Number of the evidence 存证流水号", report.serial),
    ):
        if text:
            yield label, _code(text)
    if report.metadata:
        listed = (f"{key}: {_text(value, 400)}" for key, value in list(report.metadata.items())[:MAX_LISTED])
        yield "Said by the evidence itself, not proven 存证自述（未经证明）", _lines(list(listed))
    if report.sender:
        names = {"name": "name 名称", "org_id": "organisation 组织", "id": "id 标识"}
        listed_sender = [f"{label}: {_text(report.sender[key], 400)}" for key, label in names.items()
                         if report.sender.get(key)]  # fmt: skip
        yield "Signed by 存证人", _lines(listed_sender)
    if log and report.certified_by:
        yield "Signed for by 签名确认方", _lines(["the operator of the log 日志运营方"])
    elif report.linked:
        yield "Final by 最终性依据", _mark(f"hashes up to the trusted block {report.trusted_height} 哈希链接至可信区块")
    elif report.certified_by:
        nodes = [(node, report.organisations.get(node)) for node in report.certified_by[: MAX_LISTED + 1]]
        yield "Certified final by 共识确认节点", _lines([f"{one} ({own})" if own else one for one, own in nodes])


def _by(report: EvidenceReport) -> str:
    name = report.sender.get("name") or report.sender.get("id")
    organisation = report.sender.get("org_id")
    return (f", sent by {name}" + (f" of {organisation}" if organisation else "")) if name else ""


def _by_there(report: EvidenceReport) -> str:
    name = report.sender.get("name") or report.sender.get("id")
    organisation = report.sender.get("org_id")
    return (f"，存证人：{name}" + (f"（{organisation}）" if organisation else "")) if name else ""


def _note(check: object) -> str:
    detail, certainty = getattr(check, "detail", ""), getattr(check, "certainty", "")
    return f"{detail} [{certainty}]".strip() if certainty else str(detail)


def _text(value: object, most: int = MAX_SHOWN) -> str:
    found = shown(value)
    text = "" if found is None else str(found)
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def _mark(text: str) -> str:
    """Text for HTML."""
    plain = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return html.escape(plain)


def _code(text: str) -> str:
    return f"<code>{_mark(_text(text))}</code>"


def _lines(texts: Sequence[str]) -> str:
    listed = "<br>".join(_mark(text) for text in texts[:MAX_LISTED])
    return listed if len(texts) <= MAX_LISTED else f"{listed}<br>... {len(texts)}"
