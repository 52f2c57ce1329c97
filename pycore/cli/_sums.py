r"""Lists of digests as ``sha256sum`` of GNU coreutils writes and reads them.

    DIGEST  NAME            two spaces, or a space and an asterisk (which says "binary", and changes nothing here)
    \DIGEST  NAME           NAME has \\, \n and \r for a backslash, a line feed and a carriage return
    ALGORITHM (NAME) = DIGEST    the tagged form, with the same escapes
    # ...                   a comment

The form of BSD's md5 with a single space is not read. Names are bytes, as file systems have them: what is no UTF-8 is
carried through as it is. A line of no form is told on standard error and skipped; a list without any line of a form is
a failure, as an empty one is.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Entry", "OddLine", "checked_line", "line_of", "read_list", "shown_name", "write_line"]

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_MEANS = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}


@dataclass(frozen=True)
class Entry:
    """A line of a list: the file's name, and its digest in lower-case hexadecimal."""

    name: str
    digest: str


@dataclass(frozen=True)
class OddLine:
    """A line that has no form: where it is, and what was wanted."""

    source: str
    number: int
    wanted: str

    def __str__(self) -> str:
        return f"{self.source}: line {self.number}: wanted {self.wanted}"


def shown_name(name: str) -> tuple[str, str]:
    """A name that cannot end a line, and what stands before such a line: a backslash where the name has escapes.

    >>> shown_name("a\\nb"), shown_name("plain")
    (('a\\\\nb', '\\\\'), ('plain', ''))
    """
    escaped = "".join(_ESCAPES.get(one, one) for one in name)
    return escaped, "\\" if escaped != name else ""


def checked_line(name: str, outcome: str) -> str:
    """The line that says how a file did. As ``sha256sum`` has it, a backslash alone is no reason for escapes here."""
    escaped, mark = shown_name(name) if "\n" in name or "\r" in name else (name, "")
    return f"{mark}{escaped}: {outcome}"


def line_of(name: str, digest: str) -> str:
    """The line of a list for a file."""
    escaped, mark = shown_name(name)
    return f"{mark}{digest}  {escaped}"


def write_line(text: str) -> None:
    """Prints a line; names that are no UTF-8 as the bytes that they are, on any kind of standard output."""
    sys.stdout.flush()
    raw = os.fsencode(text) + b"\n"
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # not a real standard output
        sys.stdout.write(text + "\n")
    else:
        buffer.write(raw)
        buffer.flush()


def read_list(source: str, algorithm: str, digest_size: int) -> list[Entry | OddLine]:
    """The lines of a list; '-' is standard input. Comments and what ends the last line are left out."""
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):  # a byte-order mark, which Windows editors write
        data = data[3:]
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    found: list[Entry | OddLine] = []
    for number, raw in enumerate(lines, 1):
        if raw.startswith(b"#"):
            continue
        entry = _entry(os.fsdecode(raw), algorithm, digest_size)
        wanted = f"{2 * digest_size} hexadecimal digits, two spaces and a file name"
        found.append(entry or OddLine(source, number, wanted))
    return found


def _entry(line: str, algorithm: str, digest_size: int) -> Entry | None:
    digits = f"[0-9a-fA-F]{{{2 * digest_size}}}"
    plain = re.fullmatch(rf"[ \t]*(\\?)({digits})[ \t][ *](.+)", line, re.DOTALL)
    if plain is not None:
        mark, digest, name = plain.groups()
    else:
        tagged = re.fullmatch(rf"[ \t]*(\\?)([A-Za-z0-9/_-]+) ?\((.+)\) ?= ?({digits})[ \t\r]*", line, re.DOTALL)
        if tagged is None or _plain(tagged[2]) != _plain(algorithm):
            return None
        mark, _, name, digest = tagged.groups()
    if mark:
        if re.search(r"(?<!\\)(?:\\\\)*\\(?![\\nr])", name):
            return None
        name = re.sub(r"\\[\\nr]", lambda found: _MEANS[found[0]], name)
    return None if "\0" in name else Entry(name, digest.lower())


def _plain(algorithm: str) -> str:
    return re.sub("[^a-z0-9]", "", algorithm.lower())
