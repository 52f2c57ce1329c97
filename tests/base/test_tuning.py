"""Choices by CPU: what a file may set, that it never changes a result, and what measurements lead to."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pycore
from pycore.base import tuning
from pycore.cli._tuning import crossovers


@pytest.fixture(autouse=True)
def restored() -> Any:
    before = tuning.choices()
    yield
    for one in before:
        tuning.set_choice(one.name, one.algorithm, one.value)


def test_choices_name_their_source() -> None:
    found = tuning.choices()
    assert {(one.name, one.algorithm) for one in found} >= {("from portable", "sm2"), ("from portable", "sha256")}
    assert len({(one.name, one.algorithm) for one in found}) == len(found)
    for one in found:
        assert one.least <= one.value <= one.most
        assert one.source


def test_no_choice_changes_a_digest() -> None:
    rows = [bytes([i]) * 64 for i in range(70)]
    wanted = [hashlib.sha256(row).digest() for row in rows]
    for value in (0, 5, tuning.NEVER):
        for one in tuning.choices():
            if one.algorithm == "sha256":
                tuning.set_choice(one.name, "sha256", 1 + value % 2 if one.name == "streams" else value)
        for n in (1, 4, 5, 16, 17, 70):
            assert [bytes(row) for row in pycore.hash_batch("sha256", rows[:n])] == wanted[:n]


def test_a_choice_decides_the_backend() -> None:
    first = next(one for one in tuning.choices() if one.algorithm == "sm3" and one.name != "from portable")
    if not first.name.startswith("from "):
        first = next(one for one in tuning.choices() if one.algorithm == "sm3" and one.name.startswith("from "))
    tuning.set_choice(first.name, "sm3", 0)
    if "PYCORE_BACKEND" not in os.environ:
        assert pycore.capabilities().active_single["sm3"] == first.name.removeprefix("from ")
        assert pycore.capabilities().why_single["sm3"] == "tuned"


@pytest.mark.parametrize(
    ("name", "algorithm", "value"),
    [("streams", "none", 1), ("from nothing", "sm3", 1), ("from portable", "sm3", -1), ("from portable", "sm3", True),
     ("from portable", "sm3", 1.0), ("from portable", "sm3", tuning.NEVER + 1), ("from portable", "sm3", None)],
)  # fmt: skip
def test_what_cannot_be_chosen(name: str, algorithm: str, value: Any) -> None:
    before = tuning.choices()
    with pytest.raises(pycore.InputError):
        tuning.set_choice(name, algorithm, value)
    assert tuning.choices() == before


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    tuning.save(path, [("from portable", "sm3", 3), ("from portable", "sm2", tuning.NEVER)], "2026-01-01")
    assert tuning.load(path) == 2
    values = {(one.name, one.algorithm): one.value for one in tuning.choices()}
    assert values["from portable", "sm3"] == 3
    assert values["from portable", "sm2"] == tuning.NEVER


BAD: dict[str, Any] = {
    "no JSON": "{",
    "deep": "[" * 100_000,
    "a list": [],
    "another form": {"pycore": "tuning 2"},
    "no list": {"choices": {}},
    "another CPU": {"cpu": "another"},
    "no object": {"choices": [5]},
    "no such choice": {"choices": [{"name": "from portable", "algorithm": "none", "value": 1}]},
    "the second one": {
        "choices": [
            {"name": "from portable", "algorithm": "sm3", "value": 9},
            {"name": "from portable", "algorithm": "sm3", "value": "9"},
        ]
    },
}


@pytest.mark.parametrize("flaw", BAD)
def test_files_that_are_refused(flaw: str, tmp_path: Path) -> None:
    path, before = tmp_path / "tuning.json", tuning.choices()
    made = BAD[flaw]
    good = {"pycore": "tuning 1", "cpu": tuning.cpu_name(), "date": "", "choices": []}
    path.write_text(made if isinstance(made, str) else json.dumps({**good, **made} if isinstance(made, dict) else made))
    with pytest.raises(pycore.InputError):
        tuning.load(path)
    assert [one.value for one in tuning.choices()] == [one.value for one in before]
    with pytest.raises(pycore.InputError):
        tuning.load(tmp_path / "absent")


def test_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    tuning.save(path, [("from portable", "sm3", 77)], "2026-01-01")
    program = (
        "from pycore.base.tuning import choices;"
        "print([one.value for one in choices() if one[:2] == ('from portable', 'sm3')])"
    )
    environment = {**os.environ, "PYCORE_TUNING": str(path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[77]"


COMMANDS = (("-m", "pycore.cli", "info", "--json"), ("-m", "pycore.service", "--check-config"), ("{pycore}", "info"))


def started(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python with a file of choices, in its folder, where `{pycore}` is the console script."""
    script = path.parent / "pycore"
    script.write_text("import sys\nfrom pycore.cli import main\nsys.exit(main())\n")
    root = os.pathsep.join([str(Path(pycore.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, *(word.replace("{pycore}", str(script)) for word in words)],
        env={**os.environ, "PYTHONPATH": root, "PYCORE_TUNING": str(path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("text", [None, "{", '{"choices": []}'])
def test_a_command_says_in_a_line_that_the_file_is_wrong(
    command: tuple[str, ...], text: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "tuning.json"
    if text is not None:
        path.write_text(text)
    done = started(path, *command)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pycore: PYCORE_TUNING: got {str(path)!r}")
    assert done.stderr.count("\n") == 1
    assert bool(done.stdout) == ("--json" in command)
    if done.stdout:
        assert json.loads(done.stdout)["error"]["field"] == "PYCORE_TUNING"


def test_an_import_with_a_wrong_file_names_it_once(tmp_path: Path) -> None:
    done = started(tmp_path / "absent", "-c", "import pycore")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("pycore.errors.InputError: PYCORE_TUNING: got ")
    assert repr(str(tmp_path / "absent")) in done.stderr
    assert done.stderr.count("Traceback") == 1


@pytest.mark.parametrize(
    "command", [("-c", "import pycore"), ("-m", "pycore.cli", "--version"), ("{pycore}", "--version")]
)
def test_a_file_of_another_cpu_is_left_out_with_a_warning(command: tuple[str, ...], tmp_path: Path) -> None:
    path, cpu = (
        tmp_path / "tuning.json",
        "AuthenticAMD AMD EPYC 9755 128-Core Processor 26 2; avx512ifma, avx2, portable",
    )
    path.write_text(json.dumps({"pycore": "tuning 1", "cpu": cpu, "date": "", "choices": []}))
    done = started(path, *command)
    assert done.returncode == 0, done.stderr
    for words in ("PYCORE_TUNING", str(path), cpu, tuning.cpu_name()):
        assert words in done.stderr
    library = command[0] == "-c"
    assert ("RuntimeWarning" in done.stderr) == library
    assert library or done.stderr.count("\n") == 1


def choice(backend: str, usual: int) -> tuning.Choice:
    return tuning.Choice(f"from {backend}", "x", usual, usual, 0, tuning.NEVER, "by rule")


ROWS = [choice("wide", 4), choice("middle", 2), choice("one", 0)]


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        ({1: [9, 9, 1], 2: [9, 1, 2], 4: [1, 2, 4], 8: [1, 2, 8]}, []),
        ({1: [9, 9, 1], 2: [9, 1, 2], 4: [4, 2, 4], 8: [1, 2, 8]}, [("from wide", 4, 8)]),
        ({1: [9, 9, 1], 2: [1, 3, 2], 4: [1, 2, 4], 8: [1, 2, 8]}, [("from wide", 4, 2)]),
        ({1: [9, 9, 1], 2: [9, 3, 2], 4: [1, 2, 4], 8: [1, 2, 8]}, [("from middle", 2, tuning.NEVER)]),
        ({1: [9, 9, 1], 2: [9, 1, 2], 4: [1.01, 1, 4], 8: [1, 2, 8]}, []),  # within the margin
        ({1: [9, 9, 1], 2: [9, 1, 2], 4: [5, 2, 4], 8: [5, 2, 8]}, [("from wide", 4, tuning.NEVER)]),
    ],
)
def test_crossovers(seconds: dict[int, list[float]], wanted: list[tuple[str, int, int]]) -> None:
    found = crossovers("x", ROWS, seconds)
    assert [(one.name, one.before, one.after) for one in found] == wanted
    assert all(one.gain > 1 for one in found)
