"""``pycore bench``: this library beside its peers, in one table; ``pycore bench cuda``: a GPU beside the CPU."""

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
    seconds: Annotated[
        float | None, typer.Option(min=0.01, help="CPU seconds per implementation and row (default: 0.3).")
    ] = None,
    peers: Annotated[
        bool | None,
        typer.Option(
            "--peers/--no-peers",
            help="--peers: the table of targets, each beside its peer and milestone. --no-peers: this library alone.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option(help="With --peers: smaller batches, a minute; with cuda: fewer.")] = False,
    calibrate: Annotated[
        bool, typer.Option(help="With cuda: let batches go to the GPU by themselves where it was faster.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Write the JSON document to this file too.")] = None,
    backend: Annotated[str | None, typer.Option(help="Force one backend; `pycore info` lists them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this library and the same work by its peers, alternately, in CPU time of one thread.

    A ratio above 1 means that this library is quicker. Peers come with: pip install 'pycore-validation[bench]'.

    `pycore bench cuda` measures hashes and Merkle roots on the GPU at hand against all threads of the CPU, over batch
    sizes, by the wall clock, copies included, and prints from which size on the GPU is faster.

    Examples:

      pycore bench

      pycore bench sm2 ed25519 --json

      pycore bench --peers --quick

      pycore bench --peers --save results.json

      pycore bench hash --no-peers --backend portable

      pycore bench cuda --calibrate
    """
    from contextlib import nullcontext

    import pycore
    from pycore.benchmark import compare, describe_environment
    from pycore.errors import InputError

    on_gpu = _is_gpu(only, other_options=peers is not None or backend is not None)
    if calibrate and not on_gpu:
        raise InputError("--calibrate", "no cuda", "pycore bench cuda --calibrate")
    if quick and not peers and not on_gpu:
        raise InputError("--quick", "no --peers", "--peers --quick")
    if on_gpu:
        _gpu(seconds or 0.2, quick=quick, calibrate=calibrate, save=save, as_json=as_json)
        return

    with pycore.use_backend(backend) if backend is not None else nullcontext():
        environment = describe_environment()
        if not as_json:
            _show_environment(environment)
        if peers:
            _targets(environment, only or (), seconds, quick=quick, save=save, as_json=as_json)
            return
        found = []
        for row in compare(batch=batch, seconds=seconds or 0.3, only=only or (), with_peers=peers is None):
            note(f"measured: {row.work}")
            found.append(row)
    if not found:
        raise InputError("WHAT", ", ".join(only or ()), "a part of a row's name, such as sm2, hash or merkle")
    document = {"environment": environment, "batch": batch, "rows": [row.to_dict() for row in found]}
    _save(save, document)
    if as_json:
        print_json(document)
        return
    lines: list[tuple[object, ...]] = []
    for row in found:
        lines.append((row.work, "pycore", row.backend, _rate(row.ours.items_per_second), ""))
        for other in row.others:
            rate, ratio = _rate(other.items_per_second), f"{other.ratio:.2f}x"
            lines.append((row.work, other.name, other.version, rate, ratio))
    print_table(("work", "by", "backend or version", "items/s", "pycore is"), lines)
    missing = {name: why for row in found for name, why in row.missing.items()}
    for name, why in sorted(missing.items()):
        print(f"not measured: {name}: {why}")


def _is_gpu(only: Sequence[str] | None, *, other_options: bool) -> bool:
    from pycore.errors import InputError

    if not only or "cuda" not in only:
        return False
    if len(only) > 1 or other_options:
        raise InputError("WHAT", "cuda with other rows, --peers or --backend", "cuda alone: it has a table of its own")
    return True


def _gpu(seconds: float, *, quick: bool, calibrate: bool, save: Path | None, as_json: bool) -> None:
    from pycore.benchmark import describe_environment, gpu

    found = []
    for race in gpu.races(seconds=seconds, quick=quick):
        note(f"measured: {race.work}, {race.name}, {race.items:,} of {race.width} bytes")
        found.append(race)
    document = {"environment": describe_environment(), **gpu.document(found)}
    if calibrate:
        from pycore.hashing.gpu._calibrate import keep

        document["calibration"] = str(keep(found))
    _save(save, document)
    if as_json:
        print_json(document)
        return
    _show_environment(document["environment"], "wall clock, CPU with all threads")
    print(document["gpu"])
    print_table(gpu.COLUMNS, [gpu.line(race) for race in found])
    for name, start in document["crossover"].items():
        said = f"GPU faster from {start:,} on" if start is not None else "no size from which on the GPU is faster"
        print(f"{name}: {said}")


def _targets(
    environment: dict[str, Any],
    only: Sequence[str],
    seconds: float | None,
    *,
    quick: bool,
    save: Path | None,
    as_json: bool,
) -> None:
    from pycore.benchmark import targets
    from pycore.errors import InputError

    found = []
    for result in targets.measure(quick=quick, only=only, seconds=seconds):
        note(f"measured: {result.target.work}")
        found.append(result)
    if not found:
        raise InputError("WHAT", ", ".join(only), "a part of a target's name, such as sm2, keccak256 or threads")
    document = {"environment": environment, "quick": quick, "targets": [result.to_dict() for result in found]}
    _save(save, document)
    if as_json:
        print_json(document)
        return
    print_table(targets.COLUMNS, [targets.line(result) for result in found])
    print("ratio: median over rounds of peer's time / our time, measured in turn; milestones: a CPU with AVX-512 IFMA")


def _save(path: Path | None, document: dict[str, Any]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _show_environment(environment: dict[str, Any], how: str = "one thread, CPU time") -> None:
    print(f"{environment['cpu']}; {environment['compiler']}; Python {environment['python']}")
    commit = f", commit {environment['commit']}" if environment["commit"] else ""
    print(f"pycore {environment['pycore']}{commit}; backends: {', '.join(environment['backends'])}")
    for name, why in environment["absent"].items():
        print(f"not here: {name}: {why}")
    print(how)


def _rate(value: float) -> str:
    return f"{value:,.0f}"
