r"""Lists of digests as ``sha256sum`` of GNU coreutils writes and reads them.

    DIGEST  NAME            two spaces, or a space and an asterisk (which says "binary", and changes nothing here)
    DIGEST NAME             a single space: the reversed form of BSD, if the first line without a tag has it
    \DIGEST  NAME           NAME has \\, \n and \r for a backslash, a line feed and a carriage return
    ALGORITHM (NAME) = DIGEST    the tagged form, with the same escapes; the name in capital letters
    # ...                   a comment

A carriage return before the end of a line is left out, and so are empty lines. Names are bytes, as file systems have
them: what is no UTF-8 is carried through as it is. A line of no form is named on standard error and skipped; a list
without any line of a form is a failure, as an empty one is.

Three differences: a byte-order mark in front is left out, where ``sha256sum`` does not read the first line; a line with
a zero byte is of no form, where ``sha256sum`` takes the name up to it; the lines of a check have escapes for a carriage
return also, with which a terminal would write over what stands before it.

Source: the manual of coreutils, and what its ``sha256sum`` 9.1 answers.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Entry", "OddLine", "Reader", "checked_line", "line_of", "shown_name", "tag_of", "write_line"]

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_MEANS = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which Windows editors write


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


def line_of(name: str, digest: str, *, tag: str = "", escapes: bool = True) -> str:
    """The line of a list for a file. tag: the algorithm's name, for the tagged form; escapes: whether names have them.

    >>> line_of("a", "00"), line_of("a", "00", tag="SM3")
    ('00  a', 'SM3 (a) = 00')
    """
    escaped, mark = shown_name(name) if escapes else (name, "")
    return f"{mark}{tag} ({escaped}) = {digest}" if tag else f"{mark}{digest}  {escaped}"


def write_line(text: str, end: str = "\n") -> None:
    """Prints a line; names that are no UTF-8 as the bytes that they are, on any kind of standard output."""
    sys.stdout.flush()
    raw = os.fsencode(text + end)
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # not a real standard output
        sys.stdout.write(text + end)
    else:
        buffer.write(raw)
        buffer.flush()


class Reader:
    """Reads lists of one algorithm. Whether a single space stands before names is the same for all that one reads:
    mixed, a name with a space in front could be taken for another."""

    def __init__(self, algorithm: str, digest_size: int) -> None:
        self._tag, self._digits = tag_of(algorithm).encode(), 2 * digest_size
        self._hex = re.compile(rb"[0-9a-fA-F]{%d}" % self._digits)
        self._reversed: bool | None = None

    def read(self, source: str) -> list[Entry | OddLine]:
        """The lines of a list; '-' is standard input. Comments and empty lines are left out."""
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        found: list[Entry | OddLine] = []
        for number, line in enumerate(data.removeprefix(_BYTE_ORDER_MARK).split(b"\n"), 1):
            if line.startswith(b"#"):
                continue
            line = line.removesuffix(b"\r")
            if not line:
                continue
            entry = self._entry(line)
            if entry is None or (source == "-" and entry.name == "-"):
                wanted = f"{self._digits} hexadecimal digits, two spaces and a file name"
                found.append(OddLine(source, number, wanted))
            else:
                found.append(entry)
        return found

    def _entry(self, line: bytes) -> Entry | None:
        if b"\0" in line:
            return None
        line = line.lstrip(b" \t")
        escaped = line.startswith(b"\\")
        line = line[escaped:]
        if line.startswith(self._tag):
            return self._tagged(line[len(self._tag) :], escaped)
        digest, rest = line[: self._digits], line[self._digits :]
        if len(rest) < 2 or not self._hex.fullmatch(digest) or rest[:1] not in (b" ", b"\t"):
            return None
        name = rest[1:]
        if len(name) == 1 or name[:1] not in (b" ", b"*"):
            if self._reversed is False:
                return None
            self._reversed = True
        elif not self._reversed:
            self._reversed, name = False, name[1:]
        return _made(name, digest, escaped)

    def _tagged(self, rest: bytes, escaped: bool) -> Entry | None:
        """From what stands after the algorithm's name. The last bracket ends the file's name."""
        rest = rest.removeprefix(b" ")
        name, bracket, digest = rest[1:].rpartition(b")")
        digest = digest.lstrip(b" \t")
        if rest[:1] != b"(" or not bracket or digest[:1] != b"=":
            return None
        digest = digest[1:].lstrip(b" \t")
        return _made(name, digest, escaped) if self._hex.fullmatch(digest) else None


def _made(name: bytes, digest: bytes, escaped: bool) -> Entry | None:
    if escaped:
        if re.search(rb"(?<!\\)(?:\\\\)*\\(?![\\nr])", name):
            return None
        name = re.sub(rb"\\[\\nr]", lambda found: _MEANS[found[0]], name)
    return Entry(os.fsdecode(name), digest.decode().lower())


def tag_of(algorithm: str) -> str:
    """An algorithm's name in tagged lines.

    >>> tag_of("sha256"), tag_of("sha3-256")
    ('SHA256', 'SHA3-256')
    """
    return algorithm.upper()
