"""The admin page: what it says, whom it answers, and how it looks and reads in a real Chromium."""

from __future__ import annotations

import html
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from pycore.client import ValidationClient
from pycore.service import admin_page
from pycore.service.admin_page import render
from pycore.service.admin_plots import Plot, Series, amount
from pycore.service.config import ServiceConfig
from pycore.service.history import SLOTS, History, quantile
from pycore.service.metrics import BOUNDS_S, Metrics
from pycore.service.server import Server, background
from pycore.service.supervisor import Supervisor
from pycore.testing import generate_ledger, generate_signatures

from .chromium import CHROMIUM, Browser
from .conftest import METHOD, PATIENCE, Gate
from .test_access import A, by_token, write

SCRIPT = "<script>alert(1)</script>\"'&"


def page(server: Server, path: str = "/", **headers: str) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.admin_port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def look(server: Server, times: int = 1) -> None:
    """Closes so many slots of five seconds without waiting for them."""
    for _ in range(times):
        server._history._before.at -= 10.0
        server._history.tick()


def traffic(server: Server) -> None:
    keys, signatures, messages = generate_signatures("sm2", 20, seed=1)
    ledger = generate_ledger(blocks=1, txs_per_block=5, seed=1)
    with ValidationClient(server.target, token=A) as client:
        client.verify_batch("sm2", keys, [*signatures[:17], *(bytes(64),) * 3], messages)
        client.validate_block("chainmaker", ledger.block_info(0), ledger.context_for(0))
        list(client.verify_stream("ed25519", [generate_signatures("ed25519", 3, seed=1)]))
    with grpc.insecure_channel(server.target) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(METHOD + "HashBatch")(b"", metadata=[("x-request-id", SCRIPT)], timeout=PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that has done a little of everything, with a client whose name is hostile."""
    folder = tmp_path_factory.mktemp("access")
    named = by_token(folder, "node-a", A, rpcs=["*"], chains=["chainmaker"], items_per_second=10**9)
    other = {"name": SCRIPT, "certificates": ["cn:x"], "rpcs": ["HashBatch"]}
    config = ServiceConfig(
        address="127.0.0.1:0",
        admin_address="127.0.0.1:0",
        drain_delay=0,
        workers=2,
        access_file=write(folder / "access.json", named, other),
    )
    with background(config) as server:
        for number in range(1, 4):
            traffic(server)
            end = time.monotonic() + PATIENCE
            while sum(server.metrics.totals().calls.values()) < 4 * number:
                assert time.monotonic() < end  # a status may be there before it is counted
            look(server)
        yield server


def test_the_document(server: Server) -> None:
    status, headers, text = page(server, "/admin")
    found = json.loads(text)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert found["state"] == "serving"
    assert len(found["slots"]) >= 3
    work = {row["what"]: row for row in found["work"]}
    assert work["sm2"]["items"] == 60
    assert work["sm2"]["verdicts"]["VALID"] == 51
    assert work["chainmaker transaction"]["items"] == 15
    calls = {row["rpc"]: row for row in found["calls"]}
    assert calls["VerifySignatures"]["answered"] == 3
    assert calls["HashBatch"]["refused"] == 3
    assert calls["VerifySignatureStream"]["stream"]
    assert found["refused"] == [{"reason": "UNKNOWN_CALLER", "client": "", "count": 3}]
    assert [row["request_id"] for row in found["refusals"]] == [SCRIPT] * 3
    assert [row["name"] for row in found["clients"]] == ["node-a", SCRIPT]
    assert {row["what"] for row in found["limits"]} >= {"items in flight", "workers busy"}
    assert found["settings"]["drain_delay"] == 0
    assert A not in text
    assert sum(sum(slot["items"].values()) for slot in found["slots"]) == sum(row["items"] for row in found["work"])


def test_the_page_is_locked_up_and_strangers_words_are_text(server: Server) -> None:
    status, headers, text = page(server)
    assert status == 200
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert set(policy) == {"default-src", "style-src", "img-src", "base-uri", "form-action", "frame-ancestors"}
    assert headers["Cache-Control"] == "no-store"
    assert "<script" not in text
    assert html.escape(SCRIPT) in text
    assert not re.search(r"\son\w+=|\sstyle=|javascript:|(?:src|href)=\"(?:https?:)?//", text)
    body = text.split("</style>")[1]
    assert len(re.findall(r"<svg role=", body)) == len(re.findall(r"<details>", body)) == 8


def test_only_this_machine_by_its_own_names(server: Server) -> None:
    for host, status in (
        ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8", 200), ("evil.example", 421), ("10.0.0.1", 421), ("", 421),
        ("unix", 421), ("unix:x", 421), ("[::1", 421), ("[::1]x", 421), ("localhost:x", 421), ("unix-abstract", 421),
    ):  # fmt: skip
        assert page(server, Host=host)[0] == status, host
        assert page(server, "/admin", Host=host)[0] == status, host


def test_addresses(tmp_path: Path) -> None:
    for address in ("0.0.0.0:1", "192.0.2.1:1", "example.org:1"):
        with pytest.raises(ValueError, match=r"admin_address .* can be reached from other machines"):
            ServiceConfig(admin_address=address)
        assert ServiceConfig(admin_address=address, admin_non_loopback=True).admin_address == address
    for address in ("127.0.0.1", "unix:/tmp/x"):
        with pytest.raises(ValueError, match="address"):
            ServiceConfig(admin_address=address)
    with background(ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as server:
        assert server.admin_port == 0
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, admin_address="0.0.0.0:0", admin_non_loopback=True)
    with background(config) as server:
        assert page(server, Host="node7.example.org")[0] == 200


def test_states(tmp_path: Path) -> None:
    config = ServiceConfig(address="127.0.0.1:0", admin_address="127.0.0.1:0", drain_delay=0, workers=1)
    with background(config) as server:
        gate = Gate(server)
        gate.hold()
        server._status = 2  # type: ignore[assignment] # NOT_SERVING, as a stall makes it
        found = json.loads(page(server, "/admin")[2])
        assert (found["state"], found["now"]["busy"]) == ("stalled", 1)
        assert '<p class="state stalled">' in page(server)[2]
        gate.open()


def test_several_processes_say_which_they_are() -> None:
    config = ServiceConfig(
        processes=3, address="127.0.0.1:1", admin_address="[::1]:7000", metrics_address="127.0.0.1:0"
    )
    command = Supervisor(config)._command(2)
    assert command[command.index("--process") + 1] == "3/3"
    assert command[command.index("--admin-address") + 1] == "[::1]:7002"
    assert command[command.index("--metrics-address") + 1] == "127.0.0.1:0"
    with background(
        ServiceConfig(address="127.0.0.1:0", admin_address="127.0.0.1:0", drain_delay=0, process="2/3")
    ) as one:
        assert "process 2 of 3" in page(one)[2]


# ---- ten minutes -----------------------------------------------------------------------------------------------------


def test_a_slot_is_what_happened_in_it() -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0)
    with background(config) as server:
        history = History(server.metrics, server.admission, server._executor, lambda: 7)
        counts = []
        for calls in (2, 0, 3):
            with ValidationClient(server.target) as client:
                for _ in range(calls):
                    client.hash("sm3", b"abc")
            end = time.monotonic() + PATIENCE
            while server.metrics.totals().calls.get(("HashBatch", "OK"), 0) < sum(counts) + calls:
                assert time.monotonic() < end  # an answer may be there before it is counted
            history._before.at -= 10.0
            history.tick()
            last = history.slots()[-1]
            counts.append(int(last.totals.calls.get(("HashBatch", "OK"), 0)))
            assert sum(map(sum, last.totals.call_seconds.values())) == calls
            assert last.highest.calls == 7
        assert counts == [2, 0, 3]
        for _ in range(SLOTS + 5):
            history._before.at -= 10.0
            history.tick()
        assert len(history.slots()) == SLOTS


def test_a_lone_tick_closes_no_slot() -> None:
    config = ServiceConfig(address="127.0.0.1:0", drain_delay=0)
    with background(config) as server:
        history = History(server.metrics, server.admission, server._executor, lambda: 0)
        history._before.at = time.monotonic()
        history.tick()
        assert history.slots() == []


def test_quantiles() -> None:
    metrics = Metrics()
    for _ in range(99):
        metrics.waited(0.003)
    metrics.waited(1000.0)
    (row,) = metrics.totals().queue_seconds.values()
    counts = [value - below for value, below in zip(row, [0.0, *row], strict=False)]
    assert len(counts) == len(BOUNDS_S) + 1
    assert quantile([counts], 0.5) == pytest.approx(0.0025 + 0.0025 * 50 / 99)
    assert quantile([counts, counts], 0.5) == quantile([counts], 0.5)
    assert quantile([counts], 1.0) == BOUNDS_S[-1]
    assert quantile([], 0.5) is quantile([[0.0] * 16], 0.5) is None


def test_lines_break_where_nothing_was_measured() -> None:
    ages = [20.0, 15.0, 10.0, 5.0, 0.0]
    text = Plot("k", "<T>", "u", [Series("<a>", [1.0, None, 3.0, 4.0, None])], amount).html(ages)
    line = re.search(r'class="s0" d="(.*?)"/></svg>', text.split('class="draw"')[1])
    assert line is not None
    assert line[1].count("M") == 2
    assert "<T>" not in text
    assert "<a>" not in text
    assert "nothing in the last five seconds" in text
    assert "Nothing measured" in Plot("k", "T", "u", [Series("a", [])], amount).html([])


# ---- in a browser ----------------------------------------------------------------------------------------------------

CONTRAST = """
(() => {
  const channel = v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => .2126 * channel(c[0]) + .7152 * channel(c[1]) + .0722 * channel(c[2]);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.body.querySelectorAll('*')) {
    const words = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(e);
    if (words && !e.closest('.unseen, .skip')) {
      const found = ratio(parse(style.color), behind(e));
      if (found < 4.5) poor.push([e.tagName, e.className, e.textContent.slice(0, 30), found]);
    }
    if (e.tagName === 'path' && /^s\\d$/.test(e.getAttribute('class'))) {
      const found = ratio(parse(style.stroke), behind(e.closest('.card')));
      if (found < 3) poor.push(['path', e.getAttribute('class'), '', found]);
    }
  }
  return poor;
})()
"""
OVERFLOW = """
[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll table, .unseen, .skip, svg') &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => [e.tagName, e.className])
"""
FOCUS = """
(() => { const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
  return [e.tagName, e.textContent.slice(0, 40), style.outlineStyle, parseFloat(style.outlineWidth), box.width]; })()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is absent")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


def url(server: Server, query: str = "") -> str:
    return f"http://127.0.0.1:{server.admin_port}/{query}"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_can_be_read_light_and_dark_wide_and_narrow(
    server: Server, browser: Browser, dark: bool, width: int
) -> None:
    browser.open(url(server), width=width, dark=dark)
    assert browser.complaints() == []  # of its policy, among others: the style is used
    assert browser.evaluate(CONTRAST) == []
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate(OVERFLOW) == []
    page = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page == ("rgb(14, 17, 21)" if dark else "rgb(245, 246, 248)")
    drawn = browser.evaluate("[...document.querySelectorAll('.draw path.s0')].map(e => e.getTotalLength())")
    assert len(drawn) == 8
    assert all(length > 0 for length in drawn)


def test_a_line_is_where_its_value_is(server: Server, browser: Browser) -> None:
    """The newest point of memory, in pixels, against the number in the document."""
    browser.open(url(server))
    slot = json.loads(page(server, "/admin")[2])["slots"][-1]
    top = browser.evaluate(
        "document.querySelector('[aria-labelledby^=memory]').closest('.area').querySelector('li').textContent"
    )
    number, unit = top.split(" ")
    whole = float(number) * {"MiB": 1 << 20, "GiB": 1 << 30}[unit]
    x, y = browser.evaluate(
        "(() => { const p = document.querySelector('[aria-labelledby^=memory] path.s0'); "
        "const q = p.getPointAtLength(p.getTotalLength()); return [q.x, q.y]; })()"
    )
    assert x == pytest.approx(600, abs=0.1)
    assert y == pytest.approx(100 * (1 - slot["memory_bytes"] / whole), abs=0.3)


def test_a_keyboard_reaches_everything(server: Server, browser: Browser) -> None:
    browser.open(url(server))
    browser.press("Tab")
    tag, words, *_ = browser.evaluate(FOCUS)
    assert (tag, words) == ("A", "Skip to the figures")
    wanted = browser.evaluate("document.querySelectorAll('a, summary, .card > .scroll').length")
    seen = []
    for _ in range(wanted - 1):
        browser.press("Tab")
        tag, words, style, thickness, _ = browser.evaluate(FOCUS)
        assert (style, thickness >= 2) == ("solid", True), words
        seen.append((tag, words))
        if tag == "SUMMARY" and "Items" in words:
            browser.press("Enter")
            assert browser.evaluate("document.querySelector('details').open")
            browser.press("Enter")  # or its table would be one stop more
    assert [words for tag, words in seen[:4] if tag == "A"] == ["by hand", "every 5 s", "every 15 s", "every 60 s"]
    assert sum(tag == "SUMMARY" for tag, _ in seen) == 8
    assert {tag for tag, _ in seen} == {"A", "SUMMARY", "DIV"}


def test_assistive_software_hears_all_of_it(server: Server, browser: Browser) -> None:
    browser.open(url(server))
    names = browser.names()
    heads = [name for role, name in names if role == "heading"]
    assert heads[:3] == ["pycore", "Now", "The last ten minutes"]
    plots = [name for role, name in names if role == "image"]
    assert len(plots) == 8
    assert plots[0].startswith("Items judged Last ten minutes, items a second. sm2: from ")
    tables = [name for role, name in names if role == "table"]
    assert "Calls that ended in the last ten minutes" in tables
    assert all(tables)
    assert ("contentinfo", "") in names or any(role == "contentinfo" for role, _ in names)
    assert {name for role, name in names if role == "navigation"} == {"Update", "Sections"}
    assert {name for role, name in names if role == "columnheader"} >= {"RPC", "Answered", "Reason", "Backend"}
    assert any(SCRIPT in name for _, name in names)  # as text


def test_new_figures_come_by_themselves_where_that_is_asked(
    server: Server, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'http-equiv="refresh"' not in page(server)[2]
    assert 'http-equiv="refresh"' not in page(server, "/?refresh=1")[2]
    monkeypatch.setattr(admin_page, "_EVERY", (1,))
    browser.open(url(server, "?refresh=1"))
    before = browser.evaluate("document.querySelector('time').dateTime")
    assert browser.evaluate("document.querySelector('[aria-current]').textContent") == "every 1 s"
    browser.events.clear()
    while not any(name == "Page.loadEventFired" for name, _ in browser.events):
        browser._next()
    assert browser.evaluate("document.querySelector('time').dateTime") > before


def test_an_empty_page(browser: Browser) -> None:
    config = ServiceConfig(address="127.0.0.1:0", admin_address="127.0.0.1:0", drain_delay=0)
    with background(config) as server:
        browser.open(url(server), width=360)
        assert browser.evaluate(OVERFLOW) == []
        text = browser.evaluate("document.body.innerText")
        assert text.count("Nothing measured yet") == 8
        for words in ("No call has ended", "Nothing was judged", "No call was refused"):
            assert words in text
        assert isinstance(render(json.loads(page(server, "/admin")[2])), str)


def test_many_readers_at_once(server: Server) -> None:
    with ThreadPoolExecutor(16) as threads:
        found: list[Any] = list(threads.map(lambda _: page(server)[0], range(48)))
    assert found == [200] * 48
