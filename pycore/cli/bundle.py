"""``pycore bundle``: makes, verifies and shows proof bundles."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from pycore.errors import InputError

from ._blocks import block_bytes
from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, note, print_json, print_table
from ._trust import NameOption as TrustNameOption
from ._trust import StoreOption, TrustedOption, show_conditions, trusted_state
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect

bundle = typer.Typer(
    help="Proof bundles: one file that proves what is on a chain.", no_args_is_help=True, rich_markup_mode=None
)

_FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A bundle or its JSON form; '-' is standard input.")]
_OBJECT = (b"{", b"[")
_LISTS = frozenset({"headers", "following"})
"""Sources that are lists, even of one file."""


@bundle.command()
def make(
    source: Annotated[
        list[str],
        typer.Option(
            "--source", metavar="NAME=FILE", help="A file of a node: binary, hexadecimal or JSON; repeatable."
        ),
    ],
    kind: Annotated[str, typer.Option("--kind", help="header, transaction, receipt, event or state.")] = "transaction",
    chain: Annotated[str, typer.Option("--chain", help="Which chain's rules.")] = "chainmaker",
    trusted: TrustedOption = None,
    trust: TrustNameOption = None,
    store: StoreOption = None,
    index: Annotated[int | None, typer.Option(min=0, help="The transaction's place in its block, from 0.")] = None,
    tx_id: Annotated[str | None, typer.Option("--tx-id", metavar="TEXT", help="The transaction's id.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", metavar="NAME=TEXT", help="A source that is a text; repeatable.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="TEXT", help="Of a state: where the value is.")] = None,
    key_hex: Annotated[str | None, typer.Option("--key-hex", metavar="HEX", help="The same in hexadecimal.")] = None,
    event: Annotated[int, typer.Option(min=0, help="Which event of the transaction, from 0.")] = 0,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the bundle goes; '-' is standard output."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a bundle from a node's files or answers, for those who trust a state of the chain.

    The names of a chain's sources are listed when one is missing. Nothing is verified: ask `bundle verify`.

    Examples:

      pycore bundle make --source block=block.bin --index 0 --trusted trusted.json -o proof.bundle

      pycore bundle make --source block=block.bin --tx-id 17b3... --kind event --event 1 --trust mychain -o proof.bundle

      pycore bundle make --source block=b.bin --index 2 --kind state --key 'contract#key' --trust mychain --json
    """
    from pycore import bundle as bundles

    sources = _sources(source, value or [], index, tx_id)
    if key is not None and key_hex is not None:
        raise InputError("--key", "--key-hex as well", "one of them")
    place = key.encode() if key is not None else hex_bytes(key_hex, "--key-hex") if key_hex is not None else b""
    statement = bundles.Statement(kind, key=place, event=event)
    made = bundles.make(chain, sources, statement, trusted_state(trusted, trust, store))
    data = bundles.to_bytes(made)
    if output is None and not as_json:
        raise InputError("--output", "nothing", "--output FILE, or --json for the JSON form")
    if output == "-":
        sys.stdout.buffer.write(data)
    elif output is not None:
        Path(output).write_bytes(data)
        note(f"{output}: {len(data)} bytes")
    if as_json and output != "-":
        print_json(bundles.to_dict(made))


@bundle.command()
def verify(
    file: _FileArgument,
    trusted: TrustedOption = None,
    trust: TrustNameOption = None,
    store: StoreOption = None,
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle by a state that you trust: every condition, and what is proven; exit code 1 when nothing is.

    Examples:

      pycore bundle verify proof.bundle --trusted trusted.json

      pycore bundle verify proof.bundle --trust mychain --json

      pycore bundle verify proof.bundle --trust mychain --via localhost:50051
    """
    from pycore import bundle as bundles

    made = bundles.read(_read(file))
    state = trusted_state(trusted, trust, store, made)
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    with client or nullcontext() as service:
        report = bundles.verify(made, state) if service is None else service.verify_bundle(made, state)
    if as_json:
        print_json(report.to_dict())
    else:
        show_conditions(report)
    if not report.proven:
        raise typer.Exit(EXIT_INVALID)


@bundle.command()
def show(file: _FileArgument, as_json: JsonOption = False) -> None:
    """Show what a bundle claims. Nothing is verified.

    Examples:

      pycore bundle show proof.bundle

      pycore bundle show proof.bundle --json > proof.json && pycore bundle verify proof.json --trust mychain
    """
    from pycore import bundle as bundles

    made = bundles.read(_read(file))
    if as_json:
        print_json(bundles.to_dict(made))
        return
    claim, where = made.statement, made.inclusion
    rows = [
        ("chain", f"{made.chain} {made.chain_id}".strip()),
        ("trusted", f"block {made.trusted_height} {made.trusted_hash.hex()}"),
        ("claim", f"{claim.kind}" + (f" {claim.event}" if claim.kind == "event" else "")),
        ("item", f"{len(claim.item)} bytes"),
        ("key", claim.key.decode("utf-8", "backslashreplace")),
        ("inclusion", f"{where.index} of {where.count}, {len(where.nodes)} nodes"),
        ("headers", f"{len(made.headers)}, {sum(map(len, made.headers))} bytes"),
        ("certificate", f"{len(made.certificate)} bytes"),
    ]
    print_table(("part", "content"), rows)
    note("nothing of this is verified")


def _read(name: str) -> bytes:
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return data if data[:1] == b"{" else block_bytes(data)


def _sources(files: list[str], texts: list[str], index: int | None, tx_id: str | None) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for given in files:
        name, path = _named("--source", given)
        found.setdefault(name, []).append(_source(path))
    for given in texts:
        name, text = _named("--value", given)
        found.setdefault(name, []).append(int(text) if text.isascii() and text.isdecimal() else text)
    for name, plain in (("index", index), ("tx_id", tx_id)):
        if plain is not None:
            found.setdefault(name, []).append(plain)
    return {name: values if len(values) > 1 or name in _LISTS else values[0] for name, values in found.items()}


def _named(option: str, given: str) -> tuple[str, str]:
    name, mark, rest = given.partition("=")
    if not (name and mark and rest):
        raise InputError(option, repr(given[:80]), "NAME=" + ("FILE" if option == "--source" else "TEXT"))
    return name, rest


def _source(path: str) -> Any:
    """A file as a chain takes it: a JSON answer as objects, hexadecimal and anything else as bytes."""
    data = Path(path).read_bytes()
    if not data.lstrip().startswith(_OBJECT):
        return block_bytes(data)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return block_bytes(data)
    return found["result"] if isinstance(found, dict) and "jsonrpc" in found and "result" in found else found
