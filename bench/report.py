"""Writes the measured figures into the documents, from what ``python -m bench --save`` saved.

    python -m bench --save bench/results/NAME.json        measures
    python bench/report.py                                fills README.md and docs/benchmarks.md from bench/results
    python bench/report.py --check                        says whether they are up to date (exit status 1: they are not)
    python bench/report.py bench/results/NAME.json        prints the table; --into PAGE puts it between PAGE's marks

A mark is a line ``<!-- figures: FILE.json -->``, and the table ends at ``<!-- /figures -->``. README.md says
``<!-- figures: eight of FILE.json -->`` and gets the works of EIGHT only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGES = ("README.md", "docs/benchmarks.md")
BEGIN, END = "<!-- figures", "<!-- /figures -->"
# The works that README.md shows, strong and weak, each next to its best peer.
EIGHT = (
    "ed25519 zip215, distinct keys",
    "ed25519 zip215, 1 in a call",
    "ecdsa-secp256k1, distinct keys",
    "ecdsa-p256, 100 known signers",
    "sm2 with Z_A and 300-byte messages, distinct keys",
    "sm2 with Z_A and 300-byte messages, 100 known signers",
    "sm3, messages of 64 B",
    "Merkle root, rfc9162, sha256",
)


def table(document: dict[str, Any]) -> str:
    """Markdown: one line per row and peer, and below it where this was measured."""
    if "targets" in document:
        measured = [row for row in document["targets"] if row["ratio"] is not None]
        missing = [row for row in document["targets"] if row["ratio"] is None]
        absent = sorted({f"{row['peer'].split()[0]} ({row['work']})" for row in missing})
        lines = [*HEAD, *(_line(row) for row in measured), "", *_where(document)]
        return "\n".join([*lines, *(f"Not measured, because it was not installed: {name}." for name in absent)])
    lines = list(HEAD)
    for row in document["rows"]:
        ours = f"{row.get('ours', row)['items_per_second']:,.0f}/s"
        for peer in row.get("peers") or [None]:
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
    backends = sorted({row["backend"] for row in document["rows"]})
    lines += ["", f"Batches of {document['batch']:,}, backend {', '.join(backends)}, one thread.", *_machine(document)]
    return "\n".join(lines)


HEAD = ("| work | pycore | peer | its rate | pycore is |", "|---|---:|---|---:|---:|")


def _line(row: dict[str, Any]) -> str:
    return (
        f"| {row['work']} | {row['ours_per_second']:,.0f}/s | {row['peer']} | {row['peer_per_second']:,.0f}/s "
        f"| {row['ratio']:.2f} x |"
    )


def _where(document: dict[str, Any]) -> list[str]:
    active = document["environment"]["active"]["ed25519"]
    return [f"Backend {active} for signatures, one thread unless the row says otherwise.", *_machine(document)]


def _machine(document: dict[str, Any]) -> list[str]:
    found = document["environment"]
    return [
        f"{found['cpu']}, {found['compiler']}, Python {found['python']},",
        f"pycore {found['pycore']} at {found['commit']}, {found['time'][:10]}.",
    ]


def best_peers(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Work -> its row next to the quickest peer that was measured, in the order of the document."""
    best: dict[str, dict[str, Any]] = {}
    for row in document["targets"]:
        if row["ratio"] is not None and (row["work"] not in best or row["ratio"] < best[row["work"]]["ratio"]):
            best[row["work"]] = row
    return best


def eight(document: dict[str, Any]) -> str:
    """The short table of README.md."""
    best, found = best_peers(document), document["environment"]
    compiler = found["compiler"].split(",")[0]
    where = f"{found['cpu']}, {found['active']['ed25519']}, one thread, {compiler}, {found['time'][:10]}."
    return "\n".join([*HEAD, *(_line(best[work]) for work in EIGHT), "", where])


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


def filled(text: str) -> str:
    """`text` with every table that a mark names written from the results file of that name."""

    def write(found: re.Match[str]) -> str:
        document = json.loads((RESULTS / found["file"]).read_text(encoding="utf-8"))
        return f"{found['mark']}\n{eight(document) if found['eight'] else table(document)}\n{END}"

    pattern = rf"(?P<mark>{BEGIN}: (?P<eight>eight of )?(?P<file>[\w.-]+\.json) -->)\n.*?{END}"
    return re.sub(pattern, write, text, flags=re.DOTALL)


def stale(write: bool) -> list[str]:
    """The pages that are not what the results say; with `write` they are written."""
    found = []
    for name in PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        if filled(text) != text:
            found.append(name)
            if write:
                (ROOT / name).write_text(filled(text), encoding="utf-8")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?")
    parser.add_argument("--into", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.results is None:
        changed = stale(write=not given.check)
        for name in changed:
            print(f"{name}: {'out of date; run bench/report.py' if given.check else 'written'}")
        return int(given.check and bool(changed))
    figures = table(json.loads(given.results.read_text(encoding="utf-8")))
    if given.into is None:
        print(figures)
        return 0
    given.into.write_text(replaced(given.into.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
