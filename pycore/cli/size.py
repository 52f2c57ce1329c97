"""``pycore size``: how many signatures or transactions a second this machine carries under a bound for waiting."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, note, print_json, print_table
from .loadtest import PlotOption, SaveOption, ServiceOption, given_settings, service_options, shown_settings

if TYPE_CHECKING:
    from pycore.loadtest.measuring import Cost
    from pycore.loadtest.process import ServiceProcess
    from pycore.loadtest.sizing import Answer, Machine, Validation

_EDGE_MEMORY = 512 << 20


def size(
    schemes: Annotated[
        list[str] | None, typer.Argument(metavar="SCHEME", help="Signature schemes (default: all).")
    ] = None,
    p99: Annotated[
        float, typer.Option("--p99-ms", min=0.1, max=60_000, help="Most that 99 of 100 callers wait.")
    ] = 50.0,
    items: Annotated[
        list[int] | None, typer.Option(min=1, max=65_536, help="Signatures of a call (default: 1, 64, 256, 1024).")
    ] = None,
    blocks: Annotated[bool, typer.Option(help="Whole blocks as well, where a ledger has the scheme.")] = True,
    edge: Annotated[bool, typer.Option("--edge", help="A small machine: one CPU and 512 MiB for the service.")] = False,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Of each row's busy part.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of data and arrivals.")] = 1,
    service: ServiceOption = None,
    save: SaveOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what calls cost here, and say how many signatures and transactions a second the machine carries.

    A service is started and asked over loopback. Measured: the kernel's time, the service's CPU time for a call, the
    clients' CPU time, and how long a caller waits who is alone. A model of the queue gives the rate under the bound,
    with the clients elsewhere and on this machine; one run at the predicted rate shows how good the model is here. A
    minute or two.

    Examples:

      pycore size sm2 --seconds 0.2

      pycore size ed25519 --p99-ms 20 --items 256 --seconds 0.2 --plot size.svg

      pycore size sm2 --edge --seconds 0.2 --json
    """
    import pycore
    from pycore.base.registry import SCHEMES, lookup
    from pycore.loadtest.measuring import loads, measure_cost
    from pycore.loadtest.process import Bounds, ServiceProcess
    from pycore.loadtest.sizing import Answer

    wanted = list(dict.fromkeys(schemes or pycore.SCHEMES))
    for scheme in wanted:
        lookup(SCHEMES, scheme, "SCHEME")
    options = service_options(service or [])
    if edge:
        options = ["--workers", "1", "--threads", "1", *options]
    bounds = Bounds(1, _EDGE_MEMORY) if edge else None
    with ServiceProcess(options=options, bounds=bounds) as process, _out_of_the_way(edge=edge) as apart:
        process.wait_ready()
        machine = _machine(edge=edge, apart=apart, options=options)
        costs: list[Cost] = []
        for load in loads(wanted, items, blocks=blocks):
            costs.append(measure_cost(load, process, seconds=seconds, seed=seed))
            note(f"measured: {load.scheme}, {load.name}")
        answers = [Answer.of(cost, machine, p99 / 1e3) for cost in costs]
        checked = _validated(answers, machine, p99 / 1e3, process, seconds=max(0.5, 4 * seconds), seed=seed)
        usage = process.usage()
    document = _document(answers, machine, checked, p99, process)
    document["settings"] = given_settings(service or [])
    document["service_memory_peak_mib"] = round(usage.rss_peak / 2**20, 1)
    _write(document, answers, machine, checked, p99, save, plot)
    if as_json:
        print_json(document)
    else:
        _show(document, answers, checked, p99, edge=edge)
    wrong = checked is not None and checked.outcome.counts["wrong"]
    raise typer.Exit(EXIT_INVALID if wrong else 0)


@contextlib.contextmanager
def _out_of_the_way(*, edge: bool) -> Iterator[bool]:
    """Keeps this process off the CPU of an edge service, where there is another; whether that was so."""
    if not edge or not hasattr(os, "sched_setaffinity"):
        yield False
        return
    mine = os.sched_getaffinity(0)
    others = set(sorted(mine)[:-1])
    if not others:
        yield False
        return
    os.sched_setaffinity(0, others)
    try:
        yield True
    finally:
        os.sched_setaffinity(0, mine)


def _machine(*, edge: bool, apart: bool, options: list[str]) -> Machine:
    from pycore.loadtest.sizing import Machine

    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = [int(one.partition("=")[2]) for one in options if one.startswith("--processes=")]
    processes = given[-1] if given else 1
    return Machine(1 if edge else cpus, processes, apart=apart)


def _validated(
    answers: list[Answer],
    machine: Machine,
    bound: float,
    process: ServiceProcess,
    *,
    seconds: float,
    seed: int,
) -> Validation | None:
    """One run for the load in the middle of those that have an answer: neither the smallest calls nor the largest. The
    callers are this process, on the CPUs of the service but for an edge service that was kept apart."""
    from dataclasses import replace

    from pycore.loadtest.sizing import validate

    able = [one for one in answers if one.shared and one.cost.load.shape != "block"] or [
        one for one in answers if one.shared
    ]
    if not able:
        return None
    best = max(able, key=lambda one: (one.cost.load.items == 256, one.cost.load.items))
    here = replace(machine, shared=not machine.apart)
    note(f"one run at the predicted rate: {best.cost.load.scheme}, {best.cost.load.name}, {seconds:g} s")
    return validate(best.cost, here, bound, process, seconds=seconds, seed=seed)


def _document(
    answers: list[Answer], machine: Machine, checked: Validation | None, p99: float, process: ServiceProcess
) -> dict[str, Any]:
    from ._environment import describe_environment

    return {
        "environment": describe_environment(),
        "p99_ms": p99,
        "cores": machine.cores,
        "processes": machine.processes,
        "apart": machine.apart,
        "bound": process.bound,
        "not_bound": process.unbound,
        "rows": [one.to_dict() for one in answers],
        "validation": checked.to_dict() if checked is not None else None,
    }


def _write(
    document: dict[str, Any], answers: list[Answer], machine: Machine, checked: Validation | None, p99: float,
    save: Any, plot: Any,
) -> None:  # fmt: skip
    from pycore.loadtest.sizing import chart

    from .bench import save_document

    save_document(save, document)
    if plot is not None:
        plot.parent.mkdir(parents=True, exist_ok=True)
        plot.write_text(chart(answers, machine, p99 / 1e3, checked), encoding="utf-8")


def _show(
    document: dict[str, Any], answers: list[Answer], checked: Validation | None, p99: float, *, edge: bool
) -> None:
    from pycore.loadtest.sizing import COLUMNS

    from .bench import show_environment

    show_environment(
        document["environment"], f"{document['cores']} CPUs for the service; 99 of 100 wait {p99:g} ms at most"
    )
    print(f"settings of the service: {shown_settings(document['settings'])}")
    print_table(COLUMNS, [one.cells() for one in answers])
    print(f"service memory: {document['service_memory_peak_mib']:,.0f} MiB at most")
    for words in document["bound"]:
        print(f"bound: {words}")
    for words in document["not_bound"]:
        print(f"NOT bound: {words}")
    if checked is None:
        print("no run at the predicted rate: nothing keeps the bound")
        return
    run = document["validation"]
    rates = f"{run['calls_per_second_due']:,} calls a second due, {run['calls_per_second_answered']:,} answered"
    whose = "the service" if document["apart"] else "service and callers together"
    print(f"one run at the predicted rate ({run['scheme']}, {run['sent']}; {rates}):")
    print(f"  while it was as busy as can be, {whose} had {run['cpus']:.1f} of {document['cores']} CPUs")
    print(
        f"  p99 {run['measured_p99_ms']:.1f} ms, {run['measured_is']} the range that the model gives, "
        f"{run['least_p99_ms']:.1f} to {run['predicted_p99_ms']:.1f} ms"
    )
    for remark in run["run"]["remarks"]:
        print(f"note: {remark}")
