"""Plots of ten minutes as inline SVG in HTML: lines for the eye, a description and a table for everybody else.

The drawing stretches with the page, so all text is HTML around it. Lines differ in colour and in dashes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["NOTHING", "Plot", "Series", "amount", "bytes_of", "duration", "share"]

_WINDOW_S = 600.0
_SLOT_S = 5.0
_WIDTH, _HEIGHT = 600.0, 100.0
_MINUTES = 10
NOTHING = "\u2013"  # a dash, where there is no value


@dataclass(frozen=True)
class Series:
    """A line: its name and its values, one for each slot; None where there was nothing to measure."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        key: a word for identifiers of elements.
        title, unit: what is plotted; the unit in words for the table and the description.
        series: the lines; at most five.
        shown: writes a value.
        highest: whether the table has the highest value of each minute; else the mean.
        least: the top of the scale is at least this.
        binary: whether the scale has binary steps.
        filled: whether the area under the first line has its colour.
    """

    key: str
    title: str
    unit: str
    series: Sequence[Series]
    shown: Callable[[float], str]
    highest: bool = False
    least: float = 1.0
    binary: bool = False
    filled: bool = False

    def html(self, ages: Sequence[float]) -> str:
        """The figure. `ages`: of each slot, how many seconds ago it ended."""
        top = self._top()
        known = [value for one in self.series for value in one.values if value is not None]
        lines = "".join(
            f'<path class="s{i}" d="{_line(one.values, ages, top)}"/>' for i, one in reversed([*enumerate(self.series)])
        )
        if self.filled:
            lines = f'<path class="fill" d="{_area(self.series[0].values, ages, top)}"/>{lines}'
        labels = "".join(f"<li>{escape(self.shown(value))}</li>" for value in (top, top / 2, 0.0))
        empty = "" if known else '<p class="empty">Nothing measured yet</p>'
        return (
            f'<figure class="card plot"><figcaption><h3 id="{self.key}-h">{escape(self.title)}</h3>{self._key()}'
            f'</figcaption><div class="area"><ol class="y" aria-hidden="true">{labels}</ol><div class="draw">'
            f'<svg role="img" aria-labelledby="{self.key}-h {self.key}-d" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" '
            f'preserveAspectRatio="none"><desc id="{self.key}-d">{escape(self._described())}</desc>'
            f'<path class="grid" d="{_GRID}"/>{lines}</svg>{empty}</div>'
            '<p class="x" aria-hidden="true"><span>10 min ago</span><span>5 min ago</span><span>now</span></p></div>'
            f"{self._table(ages)}</figure>\n"
        )

    def _top(self) -> float:
        known = [value for one in self.series for value in one.values if value is not None]
        return _nice(max([*known, self.least]), 1024.0 if self.binary else 1000.0)

    def _key(self) -> str:
        """The legend, with the newest values."""
        rows = []
        for i, one in enumerate(self.series):
            newest = one.values[-1] if one.values else None
            value = NOTHING if newest is None else self.shown(newest)
            swatch = f'<svg class="swatch" viewBox="0 0 24 4" aria-hidden="true"><path class="s{i}" d="M0 2H24"/></svg>'
            rows.append(f"<li>{swatch}{escape(one.name)} <b>{escape(value)}</b></li>")
        return f'<ul class="key">{"".join(rows)}</ul>'

    def _described(self) -> str:
        parts = [f"Last ten minutes, {self.unit}."]
        for one in self.series:
            known = [value for value in one.values if value is not None]
            if known:
                low, high = self.shown(min(known)), self.shown(max(known))
                newest = "nothing" if one.values[-1] is None else self.shown(known[-1])
                parts.append(f"{one.name}: from {low} to {high}, {newest} in the last five seconds.")
            else:
                parts.append(f"{one.name}: nothing measured.")
        return " ".join(parts)

    def _table(self, ages: Sequence[float]) -> str:
        head = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in self.series)
        rows = []
        for minute in range(_MINUTES):
            inside = [i for i, age in enumerate(ages) if minute * 60 <= age < minute * 60 + 60]
            if not inside:
                continue
            cells = []
            for one in self.series:
                known = [value for i in inside if (value := one.values[i]) is not None]
                found = (max(known) if self.highest else sum(known) / len(known)) if known else None
                cells.append(f"<td>{NOTHING if found is None else escape(self.shown(found))}</td>")
            when = "last minute" if not minute else f"{minute} to {minute + 1} min ago"
            rows.append(f'<tr><th scope="row">{when}</th>{"".join(cells)}</tr>')
        kind = "highest" if self.highest else "mean"
        name = f"{self.title}, {self.unit}: {kind} of each minute"
        body = (
            f'<p class="caption" id="{self.key}-t">{escape(name)}</p><div class="scroll" role="region" '
            f'aria-labelledby="{self.key}-t" tabindex="0"><table aria-labelledby="{self.key}-t"><thead><tr>'
            f'<th scope="col">When</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
            if rows
            else "<p>Nothing measured yet.</p>"
        )
        return (
            f'<details><summary>As a table<span class="unseen">: {escape(self.title)}</span></summary>{body}</details>'
        )


_GRID = "".join(f"M0 {y:g}H{_WIDTH:g}" for y in (0.0, _HEIGHT / 2, _HEIGHT)) + "".join(
    f"M{x:g} 0V{_HEIGHT:g}" for x in (0.0, _WIDTH / 2, _WIDTH)
)


def _line(values: Sequence[float | None], ages: Sequence[float], top: float) -> str:
    """The path of a line. It breaks where nothing was measured, and a value alone is a short dash."""
    parts, before = [], False
    for i, (value, age) in enumerate(zip(values, ages, strict=True)):
        if value is None or age > _WINDOW_S:
            before = False
            continue
        x, y = _WIDTH * (1 - age / _WINDOW_S), _HEIGHT * (1 - min(value / top, 1.0))
        if before:
            parts.append(f"L{x:.1f} {y:.1f}")
        else:
            alone = i + 1 == len(values) or values[i + 1] is None
            parts.append(
                f"M{max(0.0, x - _WIDTH * _SLOT_S / _WINDOW_S):.1f} {y:.1f}" * alone + "ML"[alone] + f"{x:.1f} {y:.1f}"
            )
        before = True
    return "".join(parts)


def _area(values: Sequence[float | None], ages: Sequence[float], top: float) -> str:
    """The path of the area under a line; empty where the line is broken."""
    known = [(age, value) for age, value in zip(ages, values, strict=True) if value is not None and age <= _WINDOW_S]
    if len(known) < 2 or len(known) < len([age for age in ages if age <= _WINDOW_S]):
        return ""
    begin, end = (_WIDTH * (1 - age / _WINDOW_S) for age in (known[0][0], known[-1][0]))
    return f"{_line(values, ages, top)}L{end:.1f} {_HEIGHT:g}L{begin:.1f} {_HEIGHT:g}Z"


def _nice(value: float, base: float) -> float:
    """The next of 1, 2, 4, 6, 8, 10, 20 ... times a power of the base."""
    unit = base ** math.floor(math.log(value, base)) if value > 0 else 1.0
    steps = [1, 2, 4, 6, 8, 10, 20, 40, 60, 80, 100, 200, 400, 600, 800, 1000]
    return next((step * unit for step in steps if step * unit >= value * (1 - 1e-9)), base * unit)


# ---- values in words -------------------------------------------------------------------------------------------------


def amount(value: float) -> str:
    """A number in three digits or so.

    >>> [amount(value) for value in (0, 0.25, 7, 950, 12345, 2.5e6, 3e9)]
    ['0', '0.25', '7', '950', '12.3k', '2.5M', '3G']
    """
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= unit:
            return f"{value / (1e3 if letter == 'k' else unit):.3g}{letter}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"


def duration(seconds: float) -> str:
    """Seconds, in the unit that fits.

    >>> [duration(value) for value in (0, 0.00025, 0.0125, 1.5, 90, 7200, 200_000)]
    ['0 ms', '0.25 ms', '12.5 ms', '1.5 s', '1.5 min', '2 h', '2.3 d']
    """
    for unit, word in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= unit:
            return f"{seconds / unit:.2g} {word}" if seconds / unit < 10 else f"{seconds / unit:.0f} {word}"
    return f"{seconds * 1000:.3g} ms"


def bytes_of(value: float) -> str:
    """Bytes, in binary units.

    >>> [bytes_of(value) for value in (0, 1000, 65536, 268435456)]
    ['0 B', '1000 B', '64 KiB', '256 MiB']
    """
    for unit, word in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= unit:
            return f"{value / unit:.3g} {word}"
    return f"{value:.0f} B"


def share(value: float) -> str:
    """A part of one as a percentage.

    >>> share(0.256)
    '26 %'
    """
    return f"{100 * value:.0f} %"
