"""Wraps the prose of the Markdown pages at 110 columns; code, tables, headings and HTML stay as they are.

python tools/wrap_pages.py [PAGE ...]   all tracked pages, or some
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 110
ITEM = r"(?:[-*]|\d+\.)\s"
KEPT = ("|", "#", "<", "![", ">>>")  # a line that begins like this is a paragraph by itself and is not touched
FIGURES = "<!-- figures"  # what bench/report.py writes


def words_of(text: str) -> list[str]:
    """Words, with code in one piece, and without one that would begin a line as the mark of a list."""
    found: list[str] = []
    for word in re.findall(r"(?:[^\s`]*`[^`]*`[^\s`]*)+|\S+", text):
        if found and (word in {"·", "-", "+", "*"} or re.fullmatch(r"\d+\.", word)):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def wrapped(paragraph: list[str]) -> list[str]:
    """The lines of a paragraph or list item; what follows the first is indented as its text is."""
    mark = re.match(rf"\s*(?:{ITEM}\s*)?", paragraph[0])
    begin = mark[0] if mark else ""
    text = " ".join([paragraph[0][len(begin) :], *(line.strip() for line in paragraph[1:])])
    lines, line = [], begin
    for number, word in enumerate(words_of(text)):
        if number and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = " " * len(begin) + word
        else:
            line += f" {word}" if number else word
    return [*lines, line]


def wrap(page: str) -> str:
    """The page with every paragraph wrapped."""
    out: list[str] = []
    paragraph: list[str] = []
    kept = ""  # the line that ends the block which is kept as it is
    for line in page.split("\n"):
        text = line.strip()
        begins = "```" if text.startswith("```") else "<!-- /figures -->" if text.startswith(FIGURES) else ""
        alone = not text or text.startswith(KEPT) or (line.startswith("    ") and not paragraph)
        if paragraph and (kept or begins or alone or re.match(ITEM, text)):
            out += wrapped(paragraph)
            paragraph = []
        if kept or begins or alone:
            out.append(line)
            kept = begins if not kept else "" if text.startswith(kept) else kept
        else:
            paragraph.append(line)
    return "\n".join(out + (wrapped(paragraph) if paragraph else []))


def main() -> int:
    names = (
        sys.argv[1:]
        or subprocess.run(
            ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    )
    for name in names:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if wrap(text) != text:
            path.write_text(wrap(text), encoding="utf-8")
            print(f"{name}: wrapped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
