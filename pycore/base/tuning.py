"""Choices that differ between CPUs and change speed alone: what applies, and files that change it.

The C core has a row for each choice and kind of CPU (``csrc/core/tuning.def``, ``csrc/backend/preferences.def``). A
file that ``pycore tune`` measured goes before them: ``PYCORE_TUNING=FILE`` in the environment of a program or a
service, or :func:`load`. Its form is JSON::

    {"pycore": "tuning 1", "cpu": "...", "date": "2026-11-29",
     "choices": [{"name": "streams", "algorithm": "sm3", "value": 1}]}

No choice changes a digest or a verdict. So a file for another CPU, such as that of a virtual machine which has moved to
another host, is not used, with a warning; a file that cannot be read is an error.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from pycore.base import ffi
from pycore.base.columns import describe, quote
from pycore.errors import InputError

__all__ = ["NEVER", "VARIABLE", "Choice", "choices", "cpu_name", "load", "save", "set_choice"]

NEVER: int = ffi.lib.PC_NEVER
VARIABLE = "PYCORE_TUNING"
_FORM = "tuning 1"
_MOST_BYTES = 1 << 20
_MOST_SHOWN = 200  # characters of a CPU's name: with its backends it is longer than other names
_PROGRAMS = ("pycore.cli", "pycore.service")


class OtherCPUError(InputError):
    """A file of choices that were measured on another CPU."""


class Choice(NamedTuple):
    """One choice: ``streams`` of a hash, or ``from <backend>``, the least batch that takes a backend (NEVER: none).

    Attributes:
        name, algorithm: what is chosen, for which hash or scheme.
        value, usual: what applies, and what the library takes on such a CPU.
        least, most: what may be set.
        source: which CPU measured `usual`, or "by rule".
    """

    name: str
    algorithm: str
    value: int
    usual: int
    least: int
    most: int
    source: str


def choices() -> tuple[Choice, ...]:
    """Every choice that there is on this machine. Those of one algorithm's backends are asked in this order."""
    ffi.init()
    row = ffi.ffi.new("pc_choice *")
    found: list[Choice] = []
    while ffi.lib.pc_choice_at(len(found), row) == ffi.lib.PC_OK:
        name, algorithm, source = (ffi.ffi.string(text).decode() for text in (row.name, row.algorithm, row.source))
        found.append(Choice(name, algorithm, row.value, row.usual, row.least, row.most, source))
    return tuple(found)


def set_choice(name: str, algorithm: str, value: int) -> None:
    """Change one choice for this process, while no other thread computes.

    Raises:
        InputError: no such choice on this machine, or a value that it cannot have.
    """
    known = next((one for one in choices() if (one.name, one.algorithm) == (name, algorithm)), None)
    if known is None:
        raise InputError("choice", f"{quote(name)} of {quote(algorithm)}", "one that `pycore tune --list` names")
    if type(value) is not int or not known.least <= value <= known.most:
        raise InputError("value", describe(value), f"an integer from {known.least} to {known.most}")
    put(known, value)


def put(one: Choice, value: int) -> None:
    """Set a choice that is known, to a value that it can have."""
    ffi.lib.pc_choice_set(one.name.encode(), one.algorithm.encode(), value)


def cpu_name() -> str:
    """The CPU as Linux names it, with family and model, and the usable backends: a file's choices belong to them."""
    fields: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines():
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip()
    except OSError:
        pass
    wanted = ("vendor_id", "model name", "cpu family", "model", "CPU implementer", "CPU part")
    cpu = " ".join(fields[name] for name in wanted if name in fields)
    return f"{cpu}; {', '.join(row.name for row in ffi.backend_rows() if row.usable)}"


def save(path: str | os.PathLike[str], rows: list[tuple[str, str, int]], date: str) -> None:
    """Write a file of choices (name, algorithm, value), for this CPU."""
    made = [{"name": name, "algorithm": algorithm, "value": value} for name, algorithm, value in rows]
    text = {"pycore": _FORM, "cpu": cpu_name(), "date": date, "choices": made}
    Path(path).write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


def load(path: str | os.PathLike[str]) -> int:
    """Take the choices of a file; how many there were.

    Raises:
        InputError: the file cannot be read, has another form, is for another CPU, or has a choice that this machine
            lacks. Nothing is changed then.
    """
    name = repr(os.fspath(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        found: Any = json.loads(data) if len(data) <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError("tuning file", f"{name}: {why}", "a file that `pycore tune` wrote") from None
    if not isinstance(found, dict) or found.get("pycore") != _FORM or not isinstance(found.get("choices"), list):
        raise InputError("tuning file", f"{name}, of another form", "a file that `pycore tune` wrote")
    cpu = found.get("cpu")
    if cpu != cpu_name():
        shown = repr(cpu[:_MOST_SHOWN]) if isinstance(cpu, str) else describe(cpu)
        raise OtherCPUError("tuning file", f"{name} with choices for {shown}", f"choices for {cpu_name()!r}")
    before = choices()
    try:
        for row in found["choices"]:
            if not isinstance(row, dict):
                raise InputError("choice", describe(row), "an object with name, algorithm and value")
            set_choice(str(row.get("name")), str(row.get("algorithm")), row.get("value"))  # type: ignore[arg-type]
    except InputError as error:
        for one in before:
            put(one, one.value)
        raise InputError("tuning file", f"{name} with the {error.field} {error.got}", error.wanted) from None
    return len(found["choices"])


def load_from_environment() -> None:
    """Take the file that ``PYCORE_TUNING`` names, if it does. A file for another CPU is a warning.

    Raises:
        InputError: as :func:`load`, of a program that imports pycore.
        SystemExit: the same in a command of ours, after a line on standard error: no line of the command has run yet
            that could catch an error.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        load(path)
    except OtherCPUError as error:
        words = f"{VARIABLE}: got {error.got}, wanted {error.wanted}: the usual choices are used instead"
        if _is_command():
            print(f"pycore: {words}", file=sys.stderr)
        else:
            warnings.warn(words, RuntimeWarning, stacklevel=3)  # where pycore is imported
    except InputError as error:
        named = InputError(VARIABLE, error.got, error.wanted)
        if not _is_command():
            raise named from None
        if "--json" in sys.argv:
            details = {"type": "InputError", "message": str(named), "field": VARIABLE, "got": named.got}
            print(json.dumps({"error": details | {"wanted": named.wanted}}, indent=2))
        print(f"pycore: {named}", file=sys.stderr)
        raise SystemExit(2) from None


def _is_command() -> bool:
    """Whether Python imports pycore for ``pycore``, ``python -m pycore.cli`` or ``python -m pycore.service``."""
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    if program == "-m":  # until the module is found
        return any(word in _PROGRAMS for word in sys.orig_argv)
    return Path(program).stem == "pycore"
