"""``pycore bench``: this library beside its peers, in one table."""

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
        typer.Argument(metavar="WHAT", help="Rows to run, e.g. sm2, hash, merkle (default: all)."),
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
    quick: Annotated[bool, typer.Option(help="With --peers: smaller batches, under a minute.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write the JSON document to this file too.")] = None,
    backend: Annotated[str | None, typer.Option(help="Force one backend; `pycore info` lists them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this library and the same work by its peers, alternately, in CPU time of one thread.

    A ratio above 1 means that this library is quicker. Peers come with: pip install 'pycore-validation[bench]'.

    Examples:

      pycore bench

      pycore bench sm2 ed25519 --json

      pycore bench --peers --quick

      pycore bench --peers --save results.json

      pycore bench hash --no-peers --backend portable
    """
    from contextlib import nullcontext

    import pycore
    from pycore.benchmark import compare, describe_environment
    from pycore.errors import InputError

    if quick and not peers:
        raise InputError("--quick", "no --peers", "--peers --quick")

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


def _show_environment(environment: dict[str, Any]) -> None:
    print(f"{environment['cpu']}; {environment['compiler']}; Python {environment['python']}")
    commit = f", commit {environment['commit']}" if environment["commit"] else ""
    print(f"pycore {environment['pycore']}{commit}; backends: {', '.join(environment['backends'])}")
    print("one thread, CPU time")


def _rate(value: float) -> str:
    return f"{value:,.0f}"
