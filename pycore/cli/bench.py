"""``pycore bench``: the rates of this machine, to size hardware; ``pycore bench cuda``: a GPU against the CPU."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ._output import JsonOption, note, print_json, print_table


def bench(
    only: Annotated[
        list[str] | None,
        typer.Argument(metavar="WHAT", help="Rows to run, e.g. sm2, hash, merkle (default: all); cuda: see below."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1 << 20, help="Items per call.")] = 1024,
    seconds: Annotated[float | None, typer.Option(min=0.01, help="CPU seconds per row (default: 0.3).")] = None,
    quick: Annotated[bool, typer.Option(help="With cuda: every other batch size.")] = False,
    calibrate: Annotated[
        bool, typer.Option(help="With cuda: let batches go to the GPU by themselves where it was faster.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Also write the JSON document to this file.")] = None,
    backend: Annotated[str | None, typer.Option(help="Force one backend; `pycore info` lists them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what one core of this machine does: signatures, hashes and Merkle roots per second of CPU time.

    Comparisons with other libraries run from a checkout: `make bench`, or `python -m bench`.

    `pycore bench cuda` measures hashes and Merkle roots on this machine's GPU against all threads of the CPU, over
    batch sizes, by the wall clock, copies included, and prints the size from which the GPU is faster.

    Examples:

      pycore bench

      pycore bench sm2 ed25519 --json

      pycore bench hash --backend portable --save results.json

      pycore bench cuda --calibrate
    """
    from contextlib import nullcontext

    import pycore
    from pycore.errors import InputError

    from ._environment import describe_environment
    from ._measure import measure

    on_gpu = _is_gpu(only, other_options=backend is not None)
    if calibrate and not on_gpu:
        raise InputError("--calibrate", "no cuda", "pycore bench cuda --calibrate")
    if quick and not on_gpu:
        raise InputError("--quick", "no cuda", "pycore bench cuda --quick")
    if on_gpu:
        _gpu(seconds or 0.2, quick=quick, calibrate=calibrate, save=save, as_json=as_json)
        return
    with pycore.use_backend(backend) if backend is not None else nullcontext():
        environment = describe_environment()
        if not as_json:
            show_environment(environment)
        found = []
        for row in measure(batch=batch, seconds=seconds or 0.3, only=only or ()):
            note(f"measured: {row.work}")
            found.append(row)
    if not found:
        raise InputError("WHAT", ", ".join(only or ()), "a part of a row's name, such as sm2, hash or merkle")
    document = {"environment": environment, "batch": batch, "rows": [row.to_dict() for row in found]}
    save_document(save, document)
    if as_json:
        print_json(document)
        return
    print_table(
        ("work", "backend", "items/s"), [(row.work, row.backend, f"{row.items_per_second:,.0f}") for row in found]
    )


def _is_gpu(only: Sequence[str] | None, *, other_options: bool) -> bool:
    from pycore.errors import InputError

    if not only or "cuda" not in only:
        return False
    if len(only) > 1 or other_options:
        raise InputError("WHAT", "cuda with other rows or --backend", "cuda alone: it has a table of its own")
    return True


def _gpu(seconds: float, *, quick: bool, calibrate: bool, save: Path | None, as_json: bool) -> None:
    from . import _gpu_races as gpu
    from ._environment import describe_environment

    found = []
    for race in gpu.races(seconds=seconds, quick=quick):
        note(f"measured: {race.work}, {race.name}, {race.items:,} of {race.width} bytes")
        found.append(race)
    document = {"environment": describe_environment(), **gpu.document(found)}
    if calibrate:
        from ._gpu_calibrate import keep

        document["calibration"] = str(keep(found))
    save_document(save, document)
    if as_json:
        print_json(document)
        return
    show_environment(document["environment"], "wall clock, CPU with all threads")
    print(document["gpu"])
    print_table(gpu.COLUMNS, [gpu.line(race) for race in found])
    for name, start in document["crossover"].items():
        said = f"GPU faster from {start:,} on" if start is not None else "no size from which on the GPU is faster"
        print(f"{name}: {said}")


def save_document(path: Path | None, document: dict[str, Any]) -> None:
    """Write the document to a file, where one was named."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def show_environment(environment: dict[str, Any], how: str = "one thread, CPU time") -> None:
    """Prints the machine and how it was measured."""
    print(f"{environment['cpu']}; {environment['compiler']}; Python {environment['python']}")
    commit = f", commit {environment['commit']}" if environment["commit"] else ""
    print(f"pycore {environment['pycore']}{commit}; backends: {', '.join(environment['backends'])}")
    for name, why in environment["absent"].items():
        print(f"not here: {name}: {why}")
    print(how)
