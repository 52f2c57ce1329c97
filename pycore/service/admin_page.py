"""The admin page as HTML, from the document of :mod:`pycore.service.admin`.

Nothing in it runs, and nothing is loaded from elsewhere; the header that says so to the browser allows the page's own
style and icon alone. Whatever comes from strangers, such as identifiers of calls, is escaped. New figures are asked for
by the reader, or every so many seconds where the reader wants that: a page that changes by itself takes the place away
from those who read it by ear or keyboard.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

from pycore.service.admin_plots import NOTHING, Plot, Series, amount, bytes_of, duration, share
from pycore.service.admin_style import STYLE

__all__ = ["HEADERS", "ICON", "render"]

_NO_WAY_OUT = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = (
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src 'self'; {_NO_WAY_OUT}",
    ),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#0b63b8"/>'
    '<path d="M4 8.5l2.7 2.7L12 5.5" fill="none" stroke="#fff" stroke-width="2"/></svg>'
)
_EVERY = (5, 15, 60)
_MOST_LINES = 5
_OTHERS = "others"
_SECTIONS = (
    ("plots", "Plots"), ("calls", "Calls"), ("work", "Work"), ("refusals", "Refusals"), ("limits", "Limits"),
    ("backends", "Backends"), ("build", "Build"),
)  # fmt: skip
_NOTHING = f'<span class="soft">{NOTHING}</span>'


def render(document: dict[str, Any], query: str = "") -> str:
    """The page. `query`: of its address; ``refresh=5`` makes the browser ask again every five seconds."""
    every = next((seconds for seconds in _EVERY if query == f"refresh={seconds}"), 0)
    refresh = f'<meta http-equiv="refresh" content="{every}">' if every else ""
    state, place = document["state"], document["process"]["place"]
    sections = (
        _section("now", "Now", _tiles(document)),
        _section("plots", "The last ten minutes", _plots(document)),
        _section("calls", "Calls", _calls(document)),
        _section("work", "Work", _work(document) + _caches(document)),
        _section("refusals", "Refusals", _refusals(document)),
        _section("limits", "Limits", _limits(document) + _clients(document)),
        _section("backends", "Backends", _backends(document)),
        _section("build", "Build and settings", _build(document)),
    )
    links = "".join(f'<li><a href="#{key}">{word}</a></li>' for key, word in _SECTIONS)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>pycore: {escape(state)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}'
        f'<link rel="icon" href="icon.svg" type="image/svg+xml"><style>{STYLE}</style></head>\n<body>'
        f'<a class="skip" href="#now">Skip to the figures</a>\n<header><h1>pycore</h1>'
        f'<p class="state {escape(state)}">{escape(state)}</p><p>{_process(document)}</p>{_updates(every)}'
        f'<nav class="sections" aria-label="Sections"><ul>{links}</ul></nav></header>\n'
        f"<main>\n{''.join(sections)}</main>\n"
        f'<footer><p>{_about(place)} All figures are in <a href="admin">JSON</a> as well.</p></footer></body></html>\n'
    )


def _section(key: str, title: str, body: str) -> str:
    hidden = ' class="unseen"' if key == "now" else ""
    head = f'<h2 id="{key}-title"{hidden}>{title}</h2>'
    return f'<section aria-labelledby="{key}-title" id="{key}">{head}\n{body}</section>\n'


def _process(document: dict[str, Any]) -> str:
    process, build = document["process"], document["build"]
    words = [f"version {build['version']}", f"up {duration(process['seconds'])}", f"pid {process['pid']}"]
    number, _, count = process["place"].partition("/")
    if count != "1":
        words.insert(0, f"process {number} of {count}")
    moment = document["time"]
    return f'{escape(", ".join(words))}; as of <time datetime="{escape(moment)}">{escape(moment[11:19])} UTC</time>'


def _about(place: str) -> str:
    count = place.partition("/")[2]
    if count == "1":
        return "Figures of one service process."
    return (
        f"Figures of this process alone, one of {escape(count)}; the others serve theirs on the ports next to this one."
    )


def _updates(every: int) -> str:
    rows = [("./", "by hand", 0), *((f"?refresh={one}", f"every {one} s", one) for one in _EVERY)]
    links = "".join(
        f'<li><a href="{where}"{" aria-current=page" * (one == every)}>{words}</a></li>' for where, words, one in rows
    )
    return f'<nav aria-label="Update"><ul><li class="soft" aria-hidden="true">Update</li>{links}</ul></nav>'


# ---- now -------------------------------------------------------------------------------------------------------------


def _rate(slot: dict[str, Any], count: float) -> float:
    return float(count / slot["seconds"])


def _tiles(document: dict[str, Any]) -> str:
    now, slots = document["now"], document["slots"]
    last = slots[-1] if slots else None
    workers = next(row for row in document["limits"] if row["what"] == "workers busy")
    refused = sum(row["count"] for row in document["refused"])
    calls = last["calls"] if last else {}
    p99 = last["call_p99_s"] if last else None
    waiting = now["votes"] + now["transactions"] + now["audits"]
    rows = (
        ("Items judged", amount(_rate(last, sum(last["items"].values()))) if last else NOTHING, "a second"),
        ("Calls ended", amount(_rate(last, sum(calls.values()))) if last else NOTHING, "a second"),
        ("99 % of calls within", duration(p99) if p99 is not None else NOTHING, "streams left out"),
        ("Workers busy", f"{now['busy']} of {workers['limit']}", f"{amount(waiting)} pieces of work waiting"),
        ("Calls open", amount(now["calls"]), f"{amount(now['items'])} items in flight"),
        ("Refused", amount(refused), "calls in ten minutes"),
    )
    tiles = "".join(
        f'<div class="card"><dt>{name}</dt><dd><b>{escape(value)}</b><small>{escape(words)}</small></dd></div>'
        for name, value, words in rows
    )
    return f'<dl class="tiles">{tiles}</dl>'


# ---- plots -----------------------------------------------------------------------------------------------------------


def _plots(document: dict[str, Any]) -> str:
    slots = document["slots"]
    last = slots[-1]["end"] if slots else 0.0
    ages = [last - slot["end"] for slot in slots]

    def of(name: str, read: Callable[[dict[str, Any]], float | None]) -> Series:
        return Series(name, [read(slot) for slot in slots])

    calls = [
        of(end, lambda slot, end=end: _rate(slot, slot["calls"][end]))  # type: ignore[misc]
        for end in ("answered", "refused", "failed", "other")
        if end == "answered" or any(slot["calls"][end] for slot in slots)
    ]
    queued = [
        of(name, lambda slot, name=name: slot["highest"][name])  # type: ignore[misc]
        for name in ("votes", "transactions", "audits")
    ]
    plots = (
        Plot("items", "Items judged", "items a second", _items(slots), amount, filled=True),
        Plot("ends", "Calls", "calls a second", calls, amount, filled=True),
        Plot("times", "Time of a call", "without streams", [of("half within", lambda slot: slot["call_p50_s"]),
             of("99 % within", lambda slot: slot["call_p99_s"])], duration, True, 0.001),
        Plot("queue", "Waiting for a worker", "pieces of work", [of("half within", lambda slot: slot["queue_p50_s"]),
             of("99 % within", lambda slot: slot["queue_p99_s"])], duration, True, 0.001),
        Plot("queued", "Queue by priority", "pieces of work that wait", queued, amount, True, 4.0),
        Plot("load", "Load", "share of what there is", [of("workers", lambda slot: slot["busy_share"]),
             of("CPU", lambda slot: slot["cpu_share"])], share, filled=True),
        Plot("memory", "Memory", "resident bytes of the process",
             [of("memory", lambda slot: slot["memory_bytes"] or None)], bytes_of, True, 1 << 20, True, True),
        Plot("lag", "Event loop late by", "at the worst", [of("late", lambda slot: slot["highest"]["lag"])],
             duration, True, 0.01),
    )  # fmt: skip
    return f'<div class="plots">{"".join(plot.html(ages) for plot in plots)}</div>'


def _items(slots: Sequence[dict[str, Any]]) -> list[Series]:
    """A line for each of the most frequent schemes and chains, and one for the others."""
    totals: dict[str, float] = {}
    for slot in slots:
        for what, count in slot["items"].items():
            totals[what] = totals.get(what, 0.0) + count
    names = sorted(totals, key=lambda name: (-totals[name], name))
    shown = names if len(names) <= _MOST_LINES else names[: _MOST_LINES - 1]
    lines = [Series(name, [_rate(slot, slot["items"].get(name, 0.0)) for slot in slots]) for name in shown]
    rest = names[len(shown) :]
    if rest or not lines:
        values = [_rate(slot, sum(slot["items"].get(name, 0.0) for name in rest)) for slot in slots]
        lines.append(Series(_OTHERS if rest else "items", values))
    return lines


# ---- tables ----------------------------------------------------------------------------------------------------------


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = ()) -> str:
    """A table of cells that are HTML already; the columns `words` are text and not numbers."""

    def kind(column: int, tag: str = "td") -> str:
        last = tag == "td" and column == len(heads) - 1
        return ' class="words wrap"' if last and column in words else ' class="words"' if column in words else ""

    head = "".join(f'<th scope="col"{kind(i, "th")}>{name}</th>' for i, name in enumerate(heads))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind(i)}>{cell}</td>" for i, cell in enumerate(row[1:], 1))
        + "</tr>"
        for row in rows
    )
    key = "t-" + "".join(letter for letter in caption.lower() if letter.isalnum())
    return (
        f'<div class="card"><p class="caption" id="{key}">{escape(caption)}</p><div class="scroll" role="region" '
        f'aria-labelledby="{key}" tabindex="0"><table aria-labelledby="{key}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></div>\n"
    )


def _none(words: str) -> str:
    return f'<p class="card soft">{escape(words)}</p>\n'


def _or_none(value: float | None, shown: Callable[[float], str]) -> str:
    return _NOTHING if value is None else escape(shown(value))


def _calls(document: dict[str, Any]) -> str:
    rows = [
        (
            escape(row["rpc"]) + (' <span class="soft">stream</span>' if row["stream"] else ""),
            amount(row["answered"]),
            amount(row["refused"]),
            _bad(row["failed"]),
            amount(row["other"]),
            _or_none(row["p50_s"], duration),
            _or_none(row["p99_s"], duration),
        )
        for row in document["calls"]
    ]
    if not rows:
        return _none("No call has ended in the last ten minutes.")
    heads = ("RPC", "Answered", "Refused", "Failed", "Malformed, cancelled or late", "Half within", "99 % within")
    return _table("Calls that ended in the last ten minutes", heads, rows)


def _bad(count: float) -> str:
    return f'<span class="bad">{amount(count)}</span>' if count else amount(count)


def _work(document: dict[str, Any]) -> str:
    rows = []
    for row in document["work"]:
        others = {name: count for name, count in row["verdicts"].items() if name != "VALID"}
        seconds = row["worker_seconds"]
        named = ", ".join(f"{amount(count)} {name}" for name, count in sorted(others.items()))
        speed = f"{amount(row['items'] / seconds)}/s" if seconds else _NOTHING
        rows.append(
            (
                escape(row["what"]),
                amount(row["items"]),
                amount(row["verdicts"].get("VALID", 0.0)),
                escape(named) or _NOTHING,
                speed,
            )
        )
    if not rows:
        return _none("Nothing was judged in the last ten minutes.")
    heads = ("Scheme or chain", "Items", "Valid", "Not valid", "Of one worker")
    return _table("What was judged in the last ten minutes", heads, rows)


def _caches(document: dict[str, Any]) -> str:
    rows = []
    for row in document["caches"]:
        asked = row["hits"] + row["misses"]
        rows.append(
            (
                escape(row["what"]),
                amount(asked),
                share(row["hits"] / asked) if asked else _NOTHING,
                bytes_of(row["bytes"]),
                bytes_of(row["limit"]),
            )
        )
    heads = ("Cache", "Looked up", "Known", "Memory", "At most")
    return _table("What is remembered, since the start", heads, rows)


def _refusals(document: dict[str, Any]) -> str:
    if not document["refused"] and not document["refusals"]:
        return _none("No call was refused.")
    sums = [(escape(row["reason"]), _client(row["client"]), amount(row["count"])) for row in document["refused"]]
    last = [
        (
            f'<time datetime="{escape(row["time"])}">{escape(row["time"][11:19])}</time>',
            escape(row["reason"]),
            _client(row["client"]),
            escape(row["rpc"]),
            escape(row["peer"]),
            f"<code>{escape(row['request_id'])}</code>",
        )
        for row in document["refusals"]
    ]
    found = ""
    if sums:
        found += _table("Calls refused in the last ten minutes", ("Reason", "Client", "Calls"), sums, (1,))
    heads = ("Time, UTC", "Reason", "Client", "RPC", "Peer", "Request identifier")
    return found + _table(f"The last {len(last)}, newest first", heads, last, (1, 2, 3, 4, 5))


def _client(name: str) -> str:
    return escape(name) if name else '<span class="soft">unknown</span>'


def _limits(document: dict[str, Any]) -> str:
    rows = []
    for row in document["limits"]:
        shown: Callable[[float], str] = bytes_of if row["unit"] == "bytes" else "{:,.0f}".format
        used = meter = _NOTHING
        if row["used"] is not None:
            used = escape(shown(row["used"]))
            if row["limit"]:
                meter = (
                    f'<meter min="0" max="{row["limit"]}" high="{row["limit"] * 0.9:g}" value="{row["used"]}" '
                    f'aria-label="{escape(row["what"])}">{share(row["used"] / row["limit"])}</meter>'
                )
        rows.append(
            (escape(row["what"]), f"<code>{escape(row['setting'])}</code>", used, escape(shown(row["limit"])), meter)
        )
    return _table(
        "What is bounded, and how much of it is used now", ("Limit", "Setting", "Used", "At most", "Share"), rows, (1,)
    )


def _clients(document: dict[str, Any]) -> str:
    if not document["clients"]:
        return ""

    def most(value: float | None) -> str:
        return '<span class="soft">no limit</span>' if value is None else amount(value)

    rows = [
        (
            escape(row["name"]),
            amount(row["calls"]),
            most(row["most_calls"]),
            most(row["items_per_second"]),
            most(row["bytes_per_second"]),
            escape(", ".join(row["rpcs"]) or "none"),
            escape("all" if row["chains"] is None else ", ".join(row["chains"]) or "none"),
        )
        for row in document["clients"]
    ]
    heads = ("Client", "Calls open", "At most", "Items a second", "Bytes a second", "RPCs", "Chains")
    return _table("Clients of the access file", heads, rows, (5, 6))


def _backends(document: dict[str, Any]) -> str:
    taken: dict[str, list[str]] = {}
    for name, backend in document["active"].items():
        taken.setdefault(backend, []).append(name)
    groups: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for row in document["backends"]:  # those that are not usable for one reason are one row
        words = (
            ", ".join(taken.get(row["name"], [])) or "others come first for large batches"
            if row["usable"]
            else row["reason"]
        )
        groups.setdefault((row["usable"], row["name"] if row["usable"] else words), []).append({**row, "words": words})
    rows = [
        (
            escape(", ".join(row["name"] for row in group)),
            '<span class="good">usable</span>' if usable else '<span class="soft">not usable</span>',
            amount(group[0]["lanes"]) if group[0]["lanes"] else _NOTHING,
            escape(group[0]["words"]),
        )
        for (usable, _), group in groups.items()
    ]
    heads = ("Backend", "State", "Lanes", "Takes batches of, or why not")
    return _table("From most to least preferred; usable ones have passed their self-test", heads, rows, (1, 3))


def _build(document: dict[str, Any]) -> str:
    build, process = document["build"], document["process"]
    facts = {
        "Version": build["version"],
        "Compiled by": build["compiler"],
        "Python": build["python"],
        "System": build["system"],
        "CPU features": ", ".join(build["cpu_features"]),
        "Started": process["started"],
    }
    settings = {name: str(value) for name, value in document["settings"].items()}

    def listed(rows: dict[str, str], code: bool) -> str:
        tag = "code" if code else "span"
        cells = "".join(
            f"<dt><{tag}>{escape(name)}</{tag}></dt><dd>{escape(value)}</dd>" for name, value in rows.items()
        )
        return f'<dl class="facts">{cells}</dl>'

    changed = listed(settings, True) if settings else '<p class="soft">All as by default.</p>'
    return (
        f'<div class="pair"><div class="card"><h3>Build</h3>{listed(facts, False)}</div>'
        f'<div class="card"><h3>Settings that differ from the defaults</h3>{changed}</div></div>'
    )
