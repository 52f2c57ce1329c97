"""Rules about words and sizes: natural English, whole docstrings, short functions and files, sound links."""

from __future__ import annotations

import ast
import functools
import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES, MOST_LINES_OF_A_FUNCTION, WIDTH = 600, 70, 120

# Where the word list and the rules about docstrings hold, besides every page: folders and files.
COVERED = (
    *("Makefile", ".ci/run", "bench", "tests", "tools"),
    *("pycore", "csrc", "setup.py"),
)
NOT_COVERED: tuple[str, ...] = ()

# Longer than the rule, each with its reason.
LONG_FUNCTIONS = {
    "pycore/hashing/gpu/keccak.py: _round": "the 25 words of the state, one a line",
    "pycore/merkle/patricia_jit.py: _walk": "one loop of a compiled kernel",
    "tests/oracle/der_mutations.py: mutations": "a list of cases",
    "csrc/hash/ripemd160.inc.h: STREAM(ripemd160_blocks)": "the order of the 160 message words",
    "csrc/tests/field_cases.inc.h: TF(_pair)": "a list of cases",
    "csrc/tests/test_api.c: test_columns": "a list of cases",
}
LONG_FILES: dict[str, str] = {"csrc/pycore.h": "the C interface, which programs and cffi read from one file"}

# What sounds translated -> what is said instead.
WORDS = {
    r"\bcan not\b(?! only)": "cannot",
    r"\banew\b": "again",
    r"\bat hand\b": "available, present",
    r"\bof (its|their|our|his|her) own\b": "its own ..., separate",
    r", too\b(?! \w)": "also",
    r"(^|\. )Wants ": "requires",
    r"\bin force\b": "applies, in effect",
    r"\bmend(s|ed|ing)?\b": "repair, fix",
    r"\bless the\b": "except, without the",
    r"(?<!there )\b(is|are|was|were) none\b": "there is no ..., is not one",
    r"\bbeside\b": "next to",
    r"\bas of now\b|\bup to now\b": "so far",
    r"\bwhich is to say\b": "that is",
    r"(^|[.:;] )What (is|are|was|were|comes|has|have|a|an|the|every|all|it|they) [^?]*$": "a noun as the subject",
    r"\bnot looked at\b": "ignored, not checked",
    r"\bin silence\b": "silently",
    r"\bfor want of\b": "because ... lacks",
    r"\b(is|are) to be had\b": "is available",
    r"\baffair\b": "is up to ...",
    r"\bspeaks? of\b": "mentions, is about",
}


def tracked(*patterns: str) -> list[Path]:
    """Files under version control, and new ones that are not ignored; nothing generated."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in done.stdout.splitlines() if not re.search(r"_pb/|_pb2|^csrc/gen/", name)]
    return [ROOT / name for name in sorted(set(names)) if (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


PAGES = tracked("*.md") if (ROOT / ".git").exists() else sorted(ROOT.glob("*.md"))
PYTHON = tracked("*.py", "*.pyi") if (ROOT / ".git").exists() else []
C = tracked("csrc/*.c", "csrc/*.h", "tests/*.c") if (ROOT / ".git").exists() else []


def covered(path: Path) -> bool:
    name = name_of(path)
    return name not in NOT_COVERED and any(name == one or name.startswith(f"{one}/") for one in COVERED)


# ---- prose -----------------------------------------------------------------------------------------------------------


def paragraphs_of_page(text: str) -> Iterator[str]:
    """The paragraphs, list items and table rows of a page, without code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.) ?)", text):
        if not block.startswith(("    ", "#")):
            yield " ".join(re.sub(r"`[^`]*`", "X", block).split())


class Scope(NamedTuple):
    """A module, a class or a function."""

    node: str  # what it is
    name: str
    line: int
    lines: int  # its docstring not counted
    doc: str | None


@functools.cache
def scopes(path: Path) -> list[Scope]:
    """Those of a Python file, which is parsed once for all rules."""
    found: list[Scope] = []
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:  # statements alone: no expression holds a scope that has a docstring
        node = waiting.pop()
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, field, ())
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            doc, line = ast.get_docstring(node), getattr(node, "lineno", 1)
            begins = node.body[0].end_lineno if doc else line
            lines = (getattr(node, "end_lineno", 0) or 0) - (begins or 0)
            found.append(Scope(type(node).__name__, getattr(node, "name", ""), line, lines, doc))
    return found


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """The line of every scope that has a docstring, and the docstring."""
    yield from ((scope.line, scope.doc) for scope in scopes(path) if scope.doc)


# A string literal, whatever its prefix, or a comment.
LITERAL_OR_COMMENT = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|(\#[^\n]*)''',
    re.DOTALL,
)


def comments(text: str) -> Iterator[str]:
    """The comments of a Python file; those on neighbouring lines belong together."""
    last, gathered, number, counted = -2, "", 1, 0
    for match in LITERAL_OR_COMMENT.finditer(text):
        if match[1]:
            number, counted = number + text.count("\n", counted, match.start()), match.start()
            words = match[1].lstrip("#: ")
            if number == last + 1 and not text[text.rfind("\n", 0, counted) + 1 : counted].strip():
                gathered += " " + words
            else:
                yield gathered
                gathered = words
            last = number
    yield gathered


def prose(path: Path) -> list[str]:
    """Everything in a file that is written for people."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return list(paragraphs_of_page(text))
    if path.suffix in {".py", ".pyi"}:
        whole = [doc for _, doc in docstrings(path)]
        found = [" ".join(part.split()) for doc in whole for part in re.split(r"\n\s*\n|\n(?=\s*[-*] )", doc)]
        return found + list(comments(text))
    if path.suffix in {".c", ".h"}:
        return [" ".join(re.sub(r"\n \*", "\n", one).split()) for one in re.findall(r"/\*(.*?)\*/", text, re.DOTALL)]
    return [" ".join(one.replace("#", " ").split()) for one in re.findall(r"(?:^#.*\n)+|(?<= )#.*", text, re.MULTILINE)]


def test_english() -> None:
    found = [
        f"{name_of(path)}: {match.group()!r} ({instead}): ...{text[max(0, match.start() - 50) : match.end() + 30]}..."
        for path in [*PAGES, *(path for path in tracked() if covered(path))]
        if path != Path(__file__).resolve() and path.suffix in {"", ".md", ".py", ".pyi", ".c", ".h"}
        for text in prose(path)
        for word, instead in WORDS.items()
        for match in re.finditer(word, text)
    ]
    assert not found, "\n".join(found)


# ---- docstrings ------------------------------------------------------------------------------------------------------


def test_docstrings_are_whole() -> None:
    """Each begins with a complete sentence or phrase: its first paragraph ends in a punctuation mark."""
    torn = [
        f"{name_of(path)}, line {line}: {first[-60:]!r}"
        for path in PYTHON
        if covered(path)
        for line, doc in docstrings(path)
        for first in [doc.split("\n\n")[0].strip()]
        if not re.search(r"[.:?!]['\")`]*$", first) and ">>>" not in first
    ]
    assert not torn, "\n".join(torn)


def test_docstrings_are_not_ragged() -> None:
    """A line within a paragraph is not so short that the next word would have fitted with room to spare."""
    found = [
        f"{name_of(path)}: {line!r} before {after!r}"
        for path in PYTHON
        if covered(path)
        for _, doc in docstrings(path)
        for paragraph in re.split(r"\n\s*\n", doc)
        if ">>>" not in paragraph
        for line, after in itertools.pairwise(paragraph.split("\n"))
        if after
        and len(line) < 60
        and len(line) + len(after.split()[0]) < 90
        and not re.match(r"[ >]", line)
        and not re.match(r"[ >*-]", after)
        and not re.search(r"[:.|]$|  ", line)
    ]
    assert not found, "\n".join(found)


# ---- sizes -----------------------------------------------------------------------------------------------------------


def lines_of_python_functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of every function, its docstring not counted."""
    yield from ((scope.name, scope.lines) for scope in scopes(path) if scope.node.endswith("FunctionDef"))


def lines_of_c_functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of every function: from its name at the margin to the "}" at the margin."""
    begins, name = 0, ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        named = re.match(r"[A-Za-z][\w *]*?(\w+(?:\(\w*\))?)\(", line)
        if named:
            begins, name = number, named[1]
        if line == "}" and begins:
            yield name, number - begins + 1
            begins = 0


def test_functions_are_short() -> None:
    long = {
        f"{name_of(path)}: {name}"
        for path in [*PYTHON, *C]
        for name, lines in (lines_of_c_functions if path in C else lines_of_python_functions)(path)
        if lines > MOST_LINES_OF_A_FUNCTION
    }
    assert long <= set(LONG_FUNCTIONS), sorted(long - set(LONG_FUNCTIONS))


def test_files_are_short() -> None:
    long = {name_of(path) for path in [*PYTHON, *C] if path.read_text(encoding="utf-8").count("\n") > MOST_LINES}
    assert long <= set(LONG_FILES), sorted(long - set(LONG_FILES))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_are_narrow(path: Path) -> None:
    """Prose, that is: tables and code have the width that they need."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    wide = [
        line
        for line in text.splitlines()
        if len(line) > WIDTH and not line.startswith("    ") and not line.lstrip().startswith(("|", "<"))
    ]
    assert not wide, "\n".join(wide)


# ---- links -----------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as repository hosts make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).lower() for head in heads]
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in plain}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`", "", text)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), target
