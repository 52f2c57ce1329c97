"""``pycore loadtest``: load on a service, how long callers wait, and whether every verdict is right."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_ENVIRONMENT, EXIT_INVALID
from ._output import JsonOption, note, print_json, print_table, printable
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption

if TYPE_CHECKING:
    from pycore.loadtest.process import ServiceProcess
    from pycore.loadtest.report import Outcome
    from pycore.loadtest.scenario import Scenario
    from pycore.loadtest.senders import Access

TargetArgument = Annotated[
    str | None,
    typer.Argument(metavar="[TARGET]", help="A running service, host:port or unix:/path (default: one is started)."),
]
RemoteOption = Annotated[bool, typer.Option("--allow-remote", help="TARGET may be another machine's.")]
ServiceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--service", metavar="SETTING=VALUE", help="A setting of the service that is started, e.g. workers=2."
    ),
]
SaveOption = Annotated[Path | None, typer.Option(help="Also write the JSON document to this file.")]
PlotOption = Annotated[Path | None, typer.Option(help="Also draw an SVG to this file.")]


def loadtest(
    target: TargetArgument = None,
    shape: Annotated[
        str, typer.Option(help="single, packed, stream, coalesced or block: what a request is, see below.")
    ] = "single",
    scheme: Annotated[str | None, typer.Option(help="The signature scheme (default: ed25519; block: sm2).")] = None,
    items: Annotated[
        int | None,
        typer.Option(help="Signatures or transactions of a request (default: 1; packed, stream, block: 256)."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Requests due in a second; without it, the next follows each answer.")
    ] = None,
    arrivals: Annotated[str, typer.Option(help="poisson or constant.")] = "poisson",
    callers: Annotated[
        int | None, typer.Option(help="Most requests under way (default: 64; with --rate: 1000).")
    ] = None,
    connections: Annotated[int, typer.Option(help="Connections.")] = 1,
    seconds: Annotated[float, typer.Option(help="How long requests are sent; at most 3600.")] = 10.0,
    warmup: Annotated[float, typer.Option(help="Seconds before that, which are not counted.")] = 1.0,
    timeout: Annotated[float, typer.Option(help="Deadline of a call, in seconds.")] = 20.0,
    invalid: Annotated[float, typer.Option(help="Share of items that are spoilt, and must be found.")] = 0.01,
    signers: Annotated[int, typer.Option(help="Distinct keys; 0 for one per signature.")] = 0,
    priorities: Annotated[
        str, typer.Option(metavar="NAME=WEIGHT,...", help="Priorities of the calls: votes, transactions, audits.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of data and arrivals.")] = 1,
    pool: Annotated[int, typer.Option(help="Distinct signatures to send again and again.")] = 8192,
    most_p99: Annotated[
        float | None, typer.Option("--max-p99-ms", help="Fail (exit code 1) where the 99th percentile is above it.")
    ] = None,
    most_failed: Annotated[
        float | None,
        typer.Option("--max-unanswered", help="Fail (exit code 1) where a larger share is refused or fails."),
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="The shares of the in-process speed instead, row by row: minutes.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="WORD", help="With --table: the rows whose name has this word, or another."),
    ] = None,
    pin: Annotated[
        bool, typer.Option("--pin", help="With --table: the service has the first CPU, callers the others.")
    ] = False,
    allow_remote: RemoteOption = False,
    service: ServiceOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    save: SaveOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put load on a service and measure how long callers wait; every verdict that comes back is compared.

    Shapes: single (one signature a call), packed (--items a call), stream (--items a message), coalesced (one a call
    of a client that sends together what comes together), block (a ChainMaker block of --items transactions).

    With --rate, requests are due at times that are fixed before the first is sent, and latency counts from then. A
    token is taken from PYCORE_TOKEN_FILE or PYCORE_TOKEN. Load goes to this machine alone, unless --allow-remote is
    given.

    Exit codes: 1 where a verdict was wrong or a bound that was asked for was not kept, 3 where nothing was answered.

    Examples:

      pycore loadtest --seconds 2

      pycore loadtest --shape packed --items 1024 --scheme sm2 --rate 50 --seconds 5 --plot sm2.svg

      pycore loadtest localhost:50051 --rate 500 --max-p99-ms 50 --json

      pycore loadtest --table --only lone --seconds 0.2
    """
    from pycore.errors import InputError
    from pycore.loadtest.scenario import Scenario, priorities_from

    _check_bounds(most_p99, most_failed)
    most_callers = (64 if rate is None else 1000) if callers is None else callers
    few, usual = shape in ("single", "coalesced"), "sm2" if shape == "block" else "ed25519"
    scenario = Scenario(
        scheme=scheme or usual, shape=shape, items=(1 if few else 256) if items is None else items, rate=rate,
        arrivals=arrivals, callers=most_callers, connections=connections, seconds=seconds,
        warmup=warmup, timeout=timeout, invalid=invalid, signers=signers, priorities=priorities_from(priorities),
        seed=seed, pool=pool,
    )  # fmt: skip
    options = {"tls": tls, "ca": tls_ca, "certificate": tls_certificate, "key": tls_key, "name": tls_name}
    if table:
        raise typer.Exit(
            _table(target, scenario, only or [], service or [], pin=pin, save=save, as_json=as_json)
        )  # fmt: skip
    if only or pin:
        raise InputError("--only" if only else "--pin", "no --table", "--table with it")
    with _reached(target, options, allow_remote=allow_remote, service=service) as (access, process):
        outcome = _run(access, scenario, process)
    document = _document(outcome, access, process, service or [])
    _write(document, outcome, save, plot)
    if as_json:
        print_json(document)
    else:
        _show(outcome, document)
    raise typer.Exit(_judge(outcome, most_p99, most_failed))


def _check_bounds(most_p99: float | None, most_failed: float | None) -> None:
    """InputError for a bound that cannot be: NaN above all, as nothing is above it and no run would fail."""
    from pycore.errors import InputError

    if most_p99 is not None and not 0 < most_p99 < math.inf:
        raise InputError("--max-p99-ms", f"{most_p99:g}", "milliseconds, more than 0")
    if most_failed is not None and not 0 <= most_failed <= 1:
        raise InputError("--max-unanswered", f"{most_failed:g}", "a share from 0 to 1")


@contextlib.contextmanager
def _reached(
    target: str | None, options: dict[str, Any], *, allow_remote: bool, service: list[str] | None
) -> Iterator[tuple[Access, ServiceProcess | None]]:
    """How to reach the service that was named, or one that is started here."""
    from pycore.errors import InputError
    from pycore.loadtest.process import ServiceProcess
    from pycore.loadtest.senders import Access, check_target

    from ._via import caller

    if target is not None:
        if service:
            raise InputError(
                "--service", f"{service[0]} with a target", "no target: the setting is of a service to start"
            )
        check_target(target, allow_remote=allow_remote)
        access = Access(target, *caller(**options))
        _ready(access)
        yield access, None
        return
    if any(options.values()):
        raise InputError("--tls", "no target", "TARGET with it")
    settings = service_options(service or [])
    note("starting a service; the first start on a machine compiles, which takes some ten seconds or more")
    with ServiceProcess(options=settings) as process:
        access = Access(process.wait_ready())
        _ready(access)
        yield access, process


def service_options(settings: list[str]) -> list[str]:
    """``["workers=2"]`` as the service's command line. InputError for one that the service would not start with: a
    process that ends says so late, and among other lines."""
    from pycore.errors import InputError

    if not settings:
        return []
    from pycore.service.config import ServiceConfig, SettingsError, parse
    from pycore.service.faults import meant

    found = []
    for setting in settings:
        name, separator, value = setting.partition("=")
        field = name.replace("-", "_")
        if not separator:
            raise InputError("--service", repr(setting), "SETTING=VALUE, such as workers=2")
        if field not in ServiceConfig.model_fields:
            question = meant(field, ServiceConfig.model_fields)
            hint = f"; {question}" if question else ", see `pycore serve --help`"
            raise InputError("--service", f"{name!r}, which is no setting", f"a setting of the service{hint}")
        option = f"--{field.replace('_', '-')}"
        if ServiceConfig.model_fields[field].annotation in (bool, bool | None):
            if value not in ("true", "false"):
                raise InputError("--service", repr(setting), f"{name}=true or {name}=false")
            found.append(option if value == "true" else f"--no-{option[2:]}")
        else:
            found.append(f"{option}={value}")
    try:
        parse(["--address", "127.0.0.1:0", *found], exits=False)
    except SettingsError as error:
        raise InputError("--service", repr(" ".join(settings)), f"settings that the service takes ({error})") from None
    return found


def given_settings(settings: list[str]) -> dict[str, str]:
    """The settings of a service that is started with these, as far as somebody chose them: here, or in the
    environment."""
    from pycore.service.config import ServiceConfig

    names = sorted(set(ServiceConfig.model_fields) - {"address"})
    chosen = {name: os.environ[f"PYCORE_{name.upper()}"] for name in names if f"PYCORE_{name.upper()}" in os.environ}
    return chosen | {one.partition("=")[0].replace("-", "_"): one.partition("=")[2] for one in settings}


def shown_settings(settings: dict[str, str]) -> str:
    """For a line of text."""
    return ", ".join(f"{name} = {value}" for name, value in settings.items()) or "the defaults"


def _ready(access: Access) -> None:
    """ServiceError where nobody answers."""
    from pycore.client import ValidationClient

    with ValidationClient(access.target, tls=access.tls, token=access.token, timeout=10.0) as client:
        client.wait_until_ready(10.0)


def _run(access: Access, scenario: Scenario, process: ServiceProcess | None) -> Outcome:
    from pycore.loadtest.engine import run_scenario
    from pycore.loadtest.process import measured_use
    from pycore.loadtest.traffic import Traffic

    note(f"making {scenario.pool:,} {scenario.scheme} items, of which {scenario.invalid:.2%} are spoilt")
    traffic = Traffic(scenario)
    note(f"{scenario.warmup:g} s to warm up, then {scenario.seconds:g} s")
    if process is None:
        return run_scenario(access, scenario, traffic)
    with measured_use(process) as use:
        outcome = run_scenario(access, scenario, traffic)
    outcome.service_use = use
    return outcome


def _document(outcome: Outcome, access: Access, process: ServiceProcess | None, service: list[str]) -> dict[str, Any]:
    from ._environment import describe_environment

    return {
        "environment": describe_environment(),
        "target": "started for this run" if process is not None else access.target,
        **({"settings": given_settings(service)} if process is not None else {}),
        "tls": access.tls is not None,
        **outcome.to_dict(),
    }


def _write(document: dict[str, Any], outcome: Outcome, save: Path | None, plot: Path | None) -> None:
    from .bench import save_document

    save_document(save, document)
    if plot is not None:
        from pycore.loadtest.plot import outcome_chart

        plot.parent.mkdir(parents=True, exist_ok=True)
        plot.write_text(outcome_chart(outcome), encoding="utf-8")


def _show(outcome: Outcome, document: dict[str, Any]) -> None:
    from pycore.loadtest.report import COLUMNS, rows

    print_table(COLUMNS, rows(outcome))
    spoilt = f"{outcome.invalid_items:,} spoilt ones found, " if outcome.invalid_items else ""
    rate = f"{outcome.items:,} items, {outcome.items_per_second:,.0f} a second"
    print(f"{rate}; {spoilt}{outcome.counts['wrong']} wrong answers")
    use = outcome.service_use
    seconds = outcome.seconds + outcome.scenario.warmup
    cpu = f"CPUs: generator {outcome.generator_cpu / seconds:.2f}"
    print(
        f"{cpu}, service {use['cpu_seconds'] / seconds:.2f}; service memory {use['rss_peak_mib']:,.0f} MiB"
        if use
        else cpu
    )
    for remark in document["remarks"]:
        print(f"note: {remark}")


def _judge(outcome: Outcome, most_p99: float | None, most_failed: float | None) -> int:
    """The exit code."""
    if outcome.counts["wrong"]:
        note(f"FAILED: {outcome.counts['wrong']} answers had a wrong verdict: {'; '.join(outcome.examples)}")
        return EXIT_INVALID
    if not outcome.counts["answered"]:
        said = f"; the first message: {printable(outcome.first_message)}" if outcome.first_message else ""
        note(f"FAILED: nothing was answered: {dict(outcome.counts)}{said}")
        return EXIT_ENVIRONMENT
    p99, bad = outcome.latency.percentile(99) * 1e3, 0
    if most_p99 is not None and p99 > most_p99:
        note(f"FAILED: the 99th percentile is {p99:.1f} ms, above {most_p99:g}")
        bad = EXIT_INVALID
    share = 1 - outcome.counts["answered"] / outcome.requests
    if most_failed is not None and share > most_failed:
        note(f"FAILED: {share:.2%} of the requests had no answer, more than {most_failed:.2%}")
        bad = EXIT_INVALID
    return bad


def _table(
    target: str | None, scenario: Scenario, only: list[str], service: list[str], *, pin: bool, save: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """The rows of `pycore.loadtest.targets`."""
    from pycore.errors import InputError
    from pycore.loadtest import targets
    from pycore.loadtest.process import busy_remarks, measured_others

    from ._environment import describe_environment
    from .bench import save_document, show_environment

    if target is not None:
        raise InputError("TARGET", repr(target), "none with --table, which starts its services")
    options, settings = service_options(service), given_settings(service)
    for word in only:
        if not any(word.lower() in name.lower() for name in targets.names()):
            raise InputError("--only", repr(word), f"a word of one of: {'; '.join(targets.names())}")
    environment = describe_environment()
    if not as_json:
        show_environment(environment, "wall clock; shares of this process's speed with one thread, no keys remembered")
        print(f"service: 1 worker, 1 thread{', pinned' if pin else ''}; settings: {shown_settings(settings)}")
    found = []
    seconds, load = min(scenario.seconds, 60.0), os.getloadavg() if hasattr(os, "getloadavg") else (0.0,)
    if not as_json:
        print(f"load of the machine before: {load[0]:.1f}")
    with measured_others() as use:
        for row in targets.measure(only, seconds=seconds, seed=scenario.seed, options=options, pin=pin):
            note(f"measured: {' '.join(filter(None, row.cells()))}")
            found.append(row)
    document = {
        "environment": environment,
        "settings": settings,
        "pinned": pin,
        "load_before": round(load[0], 2),
        "rows": [row.to_dict() for row in found],
        "remarks": busy_remarks(use),
    }
    save_document(save, document)
    if as_json:
        print_json(document)
    else:
        print_table(targets.COLUMNS, [row.cells() for row in found])
        print("goals: those of the pycore project, on an otherwise idle machine")
        for remark in busy_remarks(use):
            print(f"note: {remark}")
    return 0
