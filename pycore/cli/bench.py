"""``pycore bench``: this library beside its peers, in one table."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ._output import JsonOption, note, print_json, print_table


def bench(
    only: Annotated[
        list[str] | None,
        typer.Argument(metavar="WHAT", help="Rows to run, e.g. sm2, hash, merkle (default: all)."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1 << 20, help="Items per call.")] = 1024,
    seconds: Annotated[float, typer.Option(min=0.01, help="CPU seconds per implementation and row.")] = 0.3,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Measure the installed peers too.")] = True,
    backend: Annotated[str | None, typer.Option(help="Force one backend; `pycore info` lists them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this library and the same work by its peers, alternately, in CPU time of one thread.

    A ratio above 1 means that this library is quicker. Peers come with: pip install 'pycore-validation[bench]'.

    Examples:

      pycore bench

      pycore bench sm2 ed25519 --json

      pycore bench hash --no-peers --backend portable
    """
    from contextlib import nullcontext

    import pycore
    from pycore.benchmark import compare, describe_environment
    from pycore.errors import InputError

    with pycore.use_backend(backend) if backend is not None else nullcontext():
        environment = describe_environment()
        if not as_json:
            _show_environment(environment)
        found = []
        for row in compare(batch=batch, seconds=seconds, only=only or (), with_peers=peers):
            note(f"measured: {row.work}")
            found.append(row)
    if not found:
        raise InputError("WHAT", ", ".join(only or ()), "a part of a row's name, such as sm2, hash or merkle")
    if as_json:
        print_json({"environment": environment, "batch": batch, "rows": [row.to_dict() for row in found]})
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


def _show_environment(environment: dict[str, Any]) -> None:
    print(f"{environment['cpu']}; {environment['compiler']}; Python {environment['python']}")
    commit = f", commit {environment['commit']}" if environment["commit"] else ""
    print(f"pycore {environment['pycore']}{commit}; backends: {', '.join(environment['backends'])}")
    print("one thread, CPU time")


def _rate(value: float) -> str:
    return f"{value:,.0f}"
