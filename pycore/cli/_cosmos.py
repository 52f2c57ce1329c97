"""Shared by the commands of ``pycore cosmos``: files of a node, options for times, and how reports are shown."""

from __future__ import annotations

import datetime
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.errors import InputError

from ._blocks import block_bytes
from ._output import print_table, printable
from ._trust import cell

if TYPE_CHECKING:
    from pycore.base.report import Report
    from pycore.ledgers.cometbft.messages import Header

CHAIN = "cometbft"
SECOND = 10**9
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def read_file(name: str) -> tuple[str, bytes]:
    """The form of a file ('-' is standard input) and its content: "rpc" for JSON, else "wire", also from hexadecimal
    text."""
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return ("rpc", data) if is_json(data) else ("wire", block_bytes(data))


def is_json(data: bytes) -> bool:
    """Whether content is JSON and not protobuf, whose first two bytes may be a line's end and a brace.

    >>> is_json(b'{"result":'), is_json(b"\\n[]"), is_json(b"\\n{\\x0a\\x01")
    (True, True, False)
    """
    if data[:1] in (b"{", b"["):
        return True
    if data.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def read_validators(names: Sequence[str]) -> Any:
    """The set that some files hold: one in protobuf, or one answer of `/validators`, or all its pages."""
    from pycore.consensus import ValidatorSet

    found = [read_file(name) for name in names]
    form = found[0][0]
    if len(found) == 1:
        data: Any = found[0][1]
        return ValidatorSet.read(data.decode("utf-8", "replace") if form == "rpc" else data, chain=CHAIN, form=form)
    pages = []
    for name, (one, data) in zip(names, found, strict=True):
        if one != "rpc":
            raise InputError("--validators", f"{name!r}, which is no JSON", "pages of a node's answers")
        try:
            pages.append(json.loads(data))
        except (ValueError, RecursionError) as error:
            raise InputError("--validators", f"{name!r}, which is no JSON ({error})", "a node's answer") from error
    return ValidatorSet.read(pages, chain=CHAIN, form="rpc")


def read_header(file: str) -> tuple[Header, bytes | None]:
    """The header of a file, and the hash that the answer itself gives for it."""
    from pycore.ledgers.cometbft import rpc, wire

    form, data = read_file(file)
    if form == "wire":
        return wire.header(data), None
    answer = rpc.answer(data, "header")
    claimed = None
    for owner, name in (("signed_header", "commit"), ("", "commit"), ("", "")):
        place = answer
        for step in (owner, name):
            place = place.object(step) if step and place.has(step) else place
        if place.has("block_id"):
            claimed = rpc.read_block_id(place, "block_id").hash or None
            break
    return rpc.header(answer.values, "header"), claimed


def share(text: str, option: str) -> tuple[int, int]:
    """A share as N/M."""
    found = re.fullmatch(r"(\d{1,19})/(\d{1,19})", text)
    if found is None:
        raise InputError(option, repr(text[:40]), "two numbers, for example 1/3")
    return int(found[1]), int(found[2])


def duration(text: str, option: str) -> int:
    """Nanoseconds of "14d", "336h", "1h30m", "10s" or a sum of such parts, largest unit first.

    >>> duration("1h30m", "--drift") // SECOND
    5400
    """
    found = re.fullmatch(r"(?:(\d{1,7})d)?(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?", text)
    if found is None or not text:
        raise InputError(option, repr(text[:40]), "a duration, for example 14d, 336h or 10s")
    return SECOND * sum(int(part or 0) * unit for part, unit in zip(found.groups(), _UNITS.values(), strict=True))


def moment(text: str | None, option: str) -> int:
    """A time in Unix nanoseconds from RFC 3339 text; None: now.

    >>> moment("2023-11-14T22:13:20.000000001Z", "--now")
    1700000000000000001
    """
    if text is None:
        return time.time_ns()
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    try:
        if found is None:
            raise ValueError(text)
        whole = datetime.datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except ValueError:
        wanted = "a time like 2023-11-14T22:13:20Z, with up to nine decimals"
        raise InputError(option, repr(text[:40]), wanted) from None
    seconds = (whole - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(seconds=1)
    return seconds * SECOND + int((found[2] or "").ljust(9, "0"))


def shown_time(time_ns: int) -> str:
    """A time as nodes write it: RFC 3339 with nine decimals.

    >>> shown_time(1700000000000000001)
    '2023-11-14T22:13:20.000000001Z'
    """
    seconds, rest = divmod(time_ns, SECOND)
    try:
        whole = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return f"{time_ns} ns"
    return f"{whole.isoformat()}.{rest:09d}Z"


def show_checks(report: Report) -> None:
    """The checks of a report as a table."""
    rows = []
    for check in report.checks:
        shown = check.to_dict()
        values = (printable(cell(shown[name])) for name in ("got", "wanted"))
        rows.append((check.name, check.status, *values, printable(check.detail)))
    print_table(("check", "result", "got", "wanted", "note"), rows)


def counted(report: Report) -> str:
    """How many checks there are, and what came out."""
    return f"{len(report.checks)} checks, {len(report.failed)} failed, {len(report.skipped)} skipped"
