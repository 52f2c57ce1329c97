"""Charts as SVG files that stand alone: light and dark, with a title and a description for screen readers.

Lines differ by dashes as well as by colour. Nothing is loaded from anywhere, and nothing in a file runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from pycore.loadtest.report import Outcome

__all__ = ["Line", "Panel", "draw", "outcome_chart"]

_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 300, 70, 20, 34, 46
_HEAD = 34
_STYLE = """
svg{background:#fff;font:12px system-ui,sans-serif;--ink:#1c2430;--faint:#d6dbe3;--c0:#0b62a4;--c1:#b3470b;--c2:#2f7d32;
--c3:#7a3fa0;--c4:#8a6d00}
@media (prefers-color-scheme:dark){svg{background:#14181f;--ink:#e6e9ee;--faint:#39414d;--c0:#6cb6ff;--c1:#ffab70;
--c2:#7ee787;--c3:#d2a8ff;--c4:#e3c84b}}
text{fill:var(--ink)}.grid{stroke:var(--faint);fill:none}.line{fill:none;stroke-width:2}.head{font-weight:600;font-size:14px}
"""
_LABELS = 'aria-labelledby="title description"'
_DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4")


@dataclass(frozen=True)
class Line:
    """Points that belong together.

    Attributes:
        name: in the legend.
        points: (x, y), x ascending.
        dots: mark the points.
    """

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title, x_name, y_name: in words, with units.
        lines: what is drawn; at most five.
        x_log, y_log: logarithmic axes, for values above 0.
        x_ticks: (place, words); chosen where there are none.
    """

    title: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    x_log: bool = False
    y_log: bool = False
    x_ticks: Sequence[tuple[float, str]] = field(default_factory=tuple)


def draw(title: str, description: str, panels: Sequence[Panel]) -> str:
    """The file's text: panels below each other.

    >>> chart = draw("One & all", "A line.", [Panel("p", "s", "ms", [Line("a", [(0, 1), (1, 2)])])])
    >>> chart.startswith("<svg"), "One &amp; all" in chart
    (True, True)
    """
    height = _HEAD + _PANEL * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" {_LABELS}>',
        f'<title id="title">{escape(title)}</title><desc id="description">{escape(description)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<text class="head" x="{_LEFT}" y="22">{escape(title)}</text>',
    ]
    for i, panel in enumerate(panels):
        parts.append(f'<g transform="translate(0 {_HEAD + i * _PANEL})">{_panel(panel)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel) -> str:
    points = [point for line in panel.lines for point in line.points]
    xs, ys = [x for x, _ in points] or [0.0, 1.0], [y for _, y in points] or [0.0, 1.0]
    across = _Axis(min(xs), max(xs), panel.x_log, _LEFT, _WIDTH - _RIGHT)
    up = _Axis(min(ys) if panel.y_log else min(0.0, *ys), max(ys), panel.y_log, _PANEL - _BOTTOM, _TOP)
    parts = [f'<text x="{_LEFT}" y="{_TOP - 14}">{escape(panel.title)}</text>']
    for value, words in panel.x_ticks or across.ticks():
        x = across(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{_PANEL - _BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{_PANEL - _BOTTOM + 16}" text-anchor="middle">{escape(words)}</text>')
    for value, words in up.ticks():
        y = up(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(words)}</text>')
    middle = (_TOP + _PANEL - _BOTTOM) / 2
    parts += [
        f'<text x="{_WIDTH - _RIGHT}" y="{_PANEL - 12}" text-anchor="end">{escape(panel.x_name)}</text>',
        f'<text transform="rotate(-90 14 {middle})" x="14" y="{middle}" text-anchor="middle">',
        f"{escape(panel.y_name)}</text>",
    ]
    x = _LEFT
    for i, line in enumerate(panel.lines):
        parts.append(_line(line, i, across, up))
        parts.append(
            f'<path class="line" style="stroke:var(--c{i % 5})" stroke-dasharray="{_DASHES[i % 5]}" '
            f'd="M{x} {_PANEL - 16}h24"/><text x="{x + 30}" y="{_PANEL - 12}">{escape(line.name)}</text>'
        )
        x += 54 + 7 * len(line.name)
    return "".join(parts)


def _line(line: Line, number: int, across: Callable[[float], float], up: Callable[[float], float]) -> str:
    colour = f"var(--c{number % 5})"
    places = [(across(x), up(y)) for x, y in line.points]
    path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(places))
    drawn = f'<path class="line" style="stroke:{colour}" stroke-dasharray="{_DASHES[number % 5]}" d="{path}"/>'
    if line.dots:
        drawn += "".join(f'<circle style="fill:{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places)
    return drawn


class _Axis:
    """From values to places."""

    def __init__(self, least: float, most: float, log: bool, begin: float, end: float) -> None:
        self._log = log
        if log:
            least, most = max(least, 1e-9), max(most, 1e-9)
        if most <= least:
            most = least * 2 if log and least else least + 1.0
        elif not log:
            most += (most - least) * 0.04
        self._least, self._most, self._begin, self._end = least, most, begin, end

    def __call__(self, value: float) -> float:
        if self._log:
            value = max(value, self._least)
            share = math.log(value / self._least) / math.log(self._most / self._least)
        else:
            share = (value - self._least) / (self._most - self._least)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[tuple[float, str]]:
        if self._log:
            decades = range(math.floor(math.log10(self._least)), math.ceil(math.log10(self._most)) + 1)
            found = [f * 10.0**d for d in decades for f in (1, 2, 5)]
            found = [value for value in found if self._least * 0.999 <= value <= self._most * 1.001]
            return [(value, _short(value)) for value in found[:: max(1, len(found) // 7)]]
        step = 10.0 ** math.floor(math.log10((self._most - self._least) / 2))
        step = next(step * f for f in (1, 2, 5, 10) if (self._most - self._least) / (step * f) <= 6)
        first = math.ceil(self._least / step - 1e-9)
        count = int((self._most - first * step) / step + 1e-9) + 1
        return [((first + i) * step, _short((first + i) * step)) for i in range(count)]


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def outcome_chart(outcome: Outcome) -> str:
    """Latency by percentile, and rate and latency over time, of a run."""
    scenario = outcome.scenario
    percents = [50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99]
    n = outcome.latency.count
    shown = [one for one in percents if n * (1 - one / 100) >= 1] or [50]
    curves = [("from due to answered", outcome.latency), ("from sent", outcome.service)]
    if scenario.rate is None:
        curves = [("from sent", outcome.latency)]
    tails = [
        Line(name, [(100 / (100 - one), max(of.percentile(one) * 1e3, 1e-3)) for one in shown], dots=True)
        for name, of in curves
    ]
    ticks = [(100 / (100 - one), f"{one:g} %") for one in shown if one in (50, 90, 99, 99.9, 99.99)]
    at = [(i + 0.5) * outcome.slice_seconds for i in range(len(outcome.slices))]
    of_slices = list(zip(at, outcome.slices, strict=True))
    rate = [Line("items answered", [(x, one.items / outcome.slice_seconds) for x, one in of_slices])]
    if outcome.refusal.count:
        rate.append(Line("calls refused", [(x, one.refused / outcome.slice_seconds) for x, one in of_slices]))
    alive = [(x, one) for x, one in of_slices if one.latency.count]
    over_time = [
        Line(f"p{percent}", [(x, max(one.latency.percentile(percent) * 1e3, 1e-3)) for x, one in alive])
        for percent in (50, 99)
    ]
    due = f"{scenario.rate:g} requests due a second" if scenario.rate is not None else "as fast as answers came"
    description = (
        f"{scenario.shape}, {scenario.scheme}, {scenario.items} items a request, {due}: "
        f"{outcome.items_per_second:,.0f} items a second were answered; latency p50 "
        f"{outcome.latency.percentile(50) * 1e3:.2f} ms, p99 {outcome.latency.percentile(99) * 1e3:.2f} ms; "
        f"{outcome.counts['refused']} refused, {outcome.failed} failed, {outcome.counts['wrong']} wrong."
    )
    return draw(
        f"pycore loadtest: {scenario.shape}, {scenario.scheme}",
        description,
        [
            Panel("Latency by percentile", "share of requests", "ms", tails, True, True, ticks),
            Panel("Rate over time", "seconds", "a second", rate),
            Panel("Latency over time", "seconds", "ms", over_time, y_log=True),
        ],
    )
