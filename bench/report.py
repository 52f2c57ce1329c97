"""Turns what ``pycore bench --save`` wrote into the table of the README.

    pycore bench --peers --save bench/results/NAME.json       the targets (without --peers: every layer)
    python bench/report.py bench/results/NAME.json --into README.md

Without ``--into`` the table is printed. In the file it replaces what stands between the two marks.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures", "<!-- /figures -->"


def table(document: dict[str, Any]) -> str:
    """Markdown: one line per row and peer, and below it where this was measured."""
    if "targets" in document:
        return targets_table(document)
    lines = ["| work | pycore | peer | its rate | pycore is |", "|---|---:|---|---:|---:|"]
    for row in document["rows"]:
        ours = f"{row['ours']['items_per_second']:,.0f}/s"
        for peer in row["peers"] or [None]:
            cells = ["-", "", ""]
            if peer is not None:
                called = (
                    peer["version"]
                    if peer["name"].split(",")[0] in peer["version"]
                    else f"{peer['name']}: {peer['version']}"
                )
                if "keys loaded" in peer["name"]:
                    called += ", keys loaded"
                cells = [called, f"{peer['items_per_second']:,.0f}/s", f"{peer['ratio']:.2f} x"]
            lines.append(f"| {_title(row['work'])} | {ours} | {' | '.join(cells)} |")
    found = document["environment"]
    backends = sorted({row["backend"] for row in document["rows"]})
    lines += [
        "",
        f"Batches of {document['batch']:,}, backend {', '.join(backends)}, one thread, each peer in turn with us;",
    ]
    lines.append(f"{found['cpu']}, {found['compiler']}, Python {found['python']},")
    lines.append(f"pycore {found['pycore']} at {found['commit']}, {found['time'][:10]}.")
    return "\n".join(lines)


def targets_table(document: dict[str, Any]) -> str:
    """The same of a document of targets."""
    lines = ["| work | pycore | peer | its rate | pycore is | milestone |", "|---|---:|---|---:|---:|---:|"]
    for row in document["targets"]:
        if row["ratio"] is None:
            continue
        milestone = f"{row['milestone']:.3g} x" if row["milestone"] is not None else ""
        lines.append(
            f"| {row['work']} | {row['ours_per_second']:,.0f}/s | {row['peer']} | {row['peer_per_second']:,.0f}/s "
            f"| {row['ratio']:.2f} x | {milestone} |"
        )
    found = document["environment"]
    lines += [
        "",
        f"Backend {found['active']['ed25519']}, one thread unless said; milestones are for a CPU with AVX-512 IFMA.",
        f"{found['cpu']}, {found['compiler']}, Python {found['python']},",
        f"pycore {found['pycore']} at {found['commit']}, {found['time'][:10]}.",
    ]
    return "\n".join(lines)


def _title(work: str) -> str:
    """A row's name for readers: "signature: sm2" -> "sm2 verify"."""
    layer, _, what = work.partition(": ")
    return {"signature": f"{what} verify", "merkle": f"Merkle root, {what}"}.get(layer, what)


def replaced(text: str, figures: str) -> str:
    """`text` with what stands between the marks replaced; ValueError when they are not there."""
    pattern = re.compile(rf"({re.escape(BEGIN)}[^\n]*-->\n).*?({re.escape(END)})", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no {BEGIN} ... --> and {END} marks")
    return pattern.sub(lambda found: f"{found[1]}{figures}\n{found[2]}", text, count=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--into", type=Path)
    given = parser.parse_args()
    figures = table(json.loads(given.results.read_text(encoding="utf-8")))
    if given.into is None:
        print(figures)
        return 0
    given.into.write_text(replaced(given.into.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
