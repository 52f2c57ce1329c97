"""``pycore trust``: the store of trusted states."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from pycore.errors import InputError

from ._exits import EXIT_INVALID
from ._output import JsonOption, note, print_json, print_table, printable
from ._trust import StoreOption, open_store, show_conditions
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect
from .bundle import _read

trust = typer.Typer(help="Trusted states of chains, by name.", no_args_is_help=True, rich_markup_mode=None)

_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the state is called in the store.")]


@trust.command()
def add(
    name: _NameArgument,
    file: Annotated[
        Path | None, typer.Argument(metavar="[JSON]", help="The state, as `trust show --json` has it.")
    ] = None,
    chain: Annotated[str | None, typer.Option("--chain", help="Without a file: the kind of the chain.")] = None,
    chain_id: Annotated[str, typer.Option("--chain-id", metavar="ID", help="Without a file: which chain.")] = "",
    height: Annotated[int | None, typer.Option(min=0, help="Without a file: the height of the trusted block.")] = None,
    block_hash: Annotated[str | None, typer.Option("--hash", metavar="HEX", help="Without a file: its hash.")] = None,
    context: Annotated[
        Path | None, typer.Option("--context", metavar="JSON", help="Without a file: the chain's context after it.")
    ] = None,
    remark: Annotated[str, typer.Option("--note", metavar="TEXT", help="Where the trust comes from, in words.")] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a state that you trust, from wherever that trust comes: from here on only bundles move it.

    Examples:

      pycore trust add mychain trusted.json --note "from the operator, by phone"

      pycore trust add mychain --chain chainmaker --chain-id chain1 --height 7 --hash 2fa1... --context context.json
    """
    parts = {"--chain": chain, "--height": height, "--hash": block_hash, "--context": context}
    given = [option for option, value in parts.items() if value is not None]
    state: Any = file
    if file is not None and given:
        raise InputError(given[0], "a file as well", "one of them")
    if file is None:
        missing = [option for option in parts if option not in given]
        if missing:
            raise InputError(missing[0], "nothing", "a file, or --chain, --height, --hash and --context")
        assert chain is not None
        state = _state(chain, chain_id, height, block_hash, context)
    kept = open_store(store)
    added = kept.add(name, state, note=remark)
    _show(kept, name, as_json=as_json)
    note(f"{name} is trusted at block {added.height}")


@trust.command(name="list")
def list_(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the names in the store, each with its present state.

    Examples:

      pycore trust list

      PYCORE_TRUST_STORE=/srv/trust.db pycore trust list --json
    """
    entries = open_store(store).list()
    if as_json:
        print_json([entry.to_dict() for entry in entries])
        return
    rows = []
    for entry in entries:
        state = entry.trusted
        rows.append((entry.name, state.chain, state.chain_id, state.height, state.block_hash.hex(), entry.steps))
    print_table(("name", "chain", "chain id", "height", "hash", "steps"), rows)


@trust.command()
def show(
    name: _NameArgument,
    height: Annotated[int | None, typer.Option(min=0, help="The state that it had at this height.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="How the state came about, each step proven again.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the state of a name; with --json as `bundle verify --trusted` and the service take it.

    With --history the exit code is 1 where a step is not proven by its bundle any more, as after a certificate expired.

    Examples:

      pycore trust show mychain --json > trusted.json

      pycore trust show mychain --history
    """
    from pycore.bundle import trusted_to_dict

    kept = open_store(store)
    if history:
        steps = kept.history(name)
        reports = kept.audit(name)
        proven = [None, *(report.proven for report in reports)]
        rows = [
            (step.number, _when(step.at), step.trusted.height, step.trusted.block_hash.hex(), _how(ok), step.note)
            for step, ok in zip(steps, proven, strict=True)
        ]
        names = ("step", "at", "height", "hash", "how", "note")
        if as_json:
            print_json([dict(zip(names, row, strict=True)) for row in rows])
        else:
            print_table(names, rows)
        if not all(report.proven for report in reports):
            raise typer.Exit(EXIT_INVALID)
        return
    if height is None:
        _show(kept, name, as_json=as_json)
        return
    state = kept.get(name, height=height)
    if as_json:
        print_json(trusted_to_dict(state))
    else:
        print(f"{name}: {state.chain} {printable(state.chain_id)}, block {state.height} {state.block_hash.hex()}")


@trust.command()
def advance(
    name: _NameArgument,
    files: Annotated[list[str], typer.Argument(metavar="BUNDLE...", help="Bundles that move the state, in order.")],
    store: StoreOption = None,
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a state forward by bundles; exit code 1 at the first that does not move it.

    With --via a running service is asked, and believed.

    Examples:

      pycore trust advance mychain header-120.bundle configuration-121.bundle

      pycore trust advance mychain header-120.bundle --json
    """
    from pycore import bundle as bundles

    kept = open_store(store)
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    reports = []
    with client or nullcontext() as service:
        judge = bundles.advance if service is None else service.advance_trust
        for file in files:
            report, moved = kept.advance(name, _read(file), judge=judge)
            reports.append({"file": file, "moved": moved is not None, **report.to_dict()})
            if not as_json:
                show_conditions(report)
            if moved is None:
                break
            note(f"{name} is trusted at block {moved.height}")
    if as_json:
        print_json(reports)
    if not reports[-1]["moved"]:
        raise typer.Exit(EXIT_INVALID)


@trust.command()
def remove(name: _NameArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Forget a name and its history.

    Examples:

      pycore trust remove mychain
    """
    count = open_store(store).remove(name)
    if as_json:
        print_json({"name": name, "states": count})
    else:
        note(f"{name} is forgotten, with {count} states")


def _state(
    chain: str, chain_id: str, height: int | None, block_hash: str | None, context: Path | None
) -> dict[str, Any]:
    from pycore import ledgers

    assert context is not None
    known = ledgers.get(chain).context(context)
    return {
        "format": 1,
        "chain": chain,
        "chain_id": chain_id,
        "height": height,
        "block_hash": (block_hash or "").lower().removeprefix("0x"),
        "context": known.to_dict(),
    }


def _show(kept: Any, name: str, *, as_json: bool) -> None:
    from pycore.bundle import trusted_to_dict

    state = kept.get(name)
    if as_json:
        print_json(trusted_to_dict(state))
    else:
        print(f"{name}: {state.chain} {printable(state.chain_id)}, block {state.height} {state.block_hash.hex()}")


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _how(proven: bool | None) -> str:
    return "added" if proven is None else "proven" if proven else "not proven any more"
