"""``pycore tune``: measure what is fastest on this CPU, and write it down."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from ._output import JsonOption, print_json, print_table


def tune(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write; none: only show.")] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="Show the choices that apply, and measure nothing.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=3, max=1000, help="Measurements of each alternative.")] = 15,
    as_json: JsonOption = False,
) -> None:
    """Measure which kernels are fastest on this machine: seconds to a minute, on one thread.

    It should have nothing else to do: a note says where other processes took CPUs meanwhile.

    Programs and services take the file by PYCORE_TUNING=FILE. It changes speed, never a result.

    Examples:

      pycore tune --list

      pycore tune -o tuning.json && PYCORE_TUNING=tuning.json pycore serve
    """
    from pycore.base import tuning
    from pycore.errors import InputError
    from pycore.loadtest.process import busy_remarks, measured_others

    from ._tuning import tune_backends, tune_streams

    if list_only:
        if output is not None:
            raise InputError("--output", "--list as well, which measures nothing", "one of the two")
        _show(tuning.choices(), as_json=as_json)
        return
    with measured_others() as use:
        changes = tune_streams(rounds) + tune_backends(rounds)
    if output is not None:
        rows = [(one.name, one.algorithm, one.after) for one in changes]
        tuning.save(output, rows, datetime.now(timezone.utc).date().isoformat())
    if as_json:
        made = [one._asdict() for one in changes]
        print_json({"cpu": tuning.cpu_name(), "changes": made, "remarks": busy_remarks(use)})
        return
    print(tuning.cpu_name())
    if changes:
        print_table(
            ("choice", "algorithm", "usual", "better", "times as fast"),
            [(one.name, one.algorithm, _word(one.before), _word(one.after), f"{one.gain:.2f}") for one in changes],
            title="Where another choice is faster",
        )
    else:
        print("The usual choices are the fastest here.")
    for remark in busy_remarks(use):
        print(f"note: {remark}")


def _show(choices: Any, *, as_json: bool) -> None:
    if as_json:
        print_json([one._asdict() for one in choices])
        return
    print_table(
        ("choice", "algorithm", "value", "usual", "source"),
        [(one.name, one.algorithm, _word(one.value), _word(one.usual), one.source) for one in choices],
    )


def _word(value: int) -> str:
    from pycore.base.tuning import NEVER

    return "never" if value == NEVER else str(value)
