"""The examples of README.md and the guides: Python runs in order, in one namespace per page; commands exist."""

from __future__ import annotations

import doctest
import importlib
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
ADDRESS = "127.0.0.1:50051"  # the service's own default: a page that names it is given a service


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a service, as `pycore serve` starts it."""
    pytest.importorskip("grpc")
    config = importlib.import_module("pycore.service.config")
    server = importlib.import_module("pycore.service.server")
    with server.background(config.ServiceConfig(address="127.0.0.1:0", drain_delay=0)) as running:
        yield running.target


def run_examples(code: str, names: dict[str, Any], where: str) -> None:
    """A block with prompts: every answer is as shown."""
    example = doctest.DocTestParser().get_doctest(code, names, where, None, 0)
    heard = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(example, out=heard.write, clear_globs=False)
    assert runner.failures == 0, heard.getvalue()
    names.update(example.globs)


def run_program(code: str, names: dict[str, Any], where: str) -> None:
    """A block without prompts: it ends well, and a print with a comment after it prints that comment."""
    heard = io.StringIO()
    with redirect_stdout(heard):
        exec(compile(code, where, "exec"), names)
    said = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)
    if said:
        assert heard.getvalue().splitlines() == said, where


@pytest.mark.network
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_python_of_a_page_runs_in_order(
    page: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a page may write files
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, code in enumerate(blocks(page, "python")):
        where = f"{name_of(page)}, Python block {number}"
        if ADDRESS in code:
            code = code.replace(ADDRESS, request.getfixturevalue("service"))
        (run_examples if ">>> " in code else run_program)(code, names, where)


# ---- commands --------------------------------------------------------------------------------------------------------


def commands(page: Path) -> list[list[str]]:
    """The words of every command in the page's shell blocks, without comments, redirections and assignments."""
    found = []
    for block in blocks(page, "sh"):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            for part in re.split(r";|&&|\|", re.sub(r"(^|\s)#.*", "", line)):
                words = shlex.split(re.sub(r"\s\d?>\s*\S+", "", part))
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                if words:
                    found.append(words)
    return found


def all_commands(first: str) -> list[Any]:
    pages = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "csrc" / "README.md"]
    return [
        pytest.param(words, id=f"{name_of(page)}: {' '.join(words)}")
        for page in pages
        for words in commands(page)
        if words[0].split("/")[-1] == first
    ]


@pytest.mark.parametrize("words", all_commands("pycore"))
def test_pycore_commands_exist_with_their_options(words: list[str]) -> None:
    typer = pytest.importorskip("typer")
    command = typer.main.get_command(importlib.import_module("pycore.cli._app").app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0].startswith("-"):
            break
        assert rest[0] in command.commands, f"no command {rest[0]!r}"
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    if words[1:2] == ["serve"]:  # the service reads its settings itself
        config = importlib.import_module("pycore.service.config")
        known |= {"--" + name.replace("_", "-") for name in config.ServiceConfig.model_fields}
        known |= set(config.FLAGS)
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= known, sorted(given - known)


@pytest.mark.parametrize("words", all_commands("make"))
def test_make_targets_exist(words: list[str]) -> None:
    folder = ROOT
    targets = []
    for place, word in enumerate(words[1:], 1):
        if words[place - 1] == "-C":
            folder = ROOT / word
        elif not word.startswith("-") and "=" not in word:
            targets.append(word)
    makefile = (folder / "Makefile").read_text(encoding="utf-8")
    names = set(" ".join(re.findall(r"^([\w -]+):(?!=)", makefile, re.MULTILINE)).split())
    for target in targets:
        pattern = re.compile(rf"^{re.sub(r'-[^-]+$', '', target)}-[%$]", re.MULTILINE)  # run-% and run-$(v)
        assert target in names or pattern.search(makefile), f"{folder.name}/Makefile has no {target!r}"


@pytest.mark.parametrize("words", all_commands("python"))
def test_programs_exist(words: list[str]) -> None:
    paths = [word for word in words[1:] if re.fullmatch(r"(tools|bench|tests)/[\w/]+\.py", word)]
    modules = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "-m"]
    for path in paths + [f"{module.replace('.', '/')}.py" for module in modules if module.startswith("bench.")]:
        assert (ROOT / path).is_file(), path
