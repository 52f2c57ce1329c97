"""The options of commands that need a trusted state: a file, or a name in a store."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pycore.errors import InputError

if TYPE_CHECKING:
    from pycore.bundle import Bundle, BundleReport, Trusted, TrustStore

_FILE = "trust.db"
_CELL = 40

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="PYCORE_TRUST_STORE",
        help="The store of trusted states (default: in the user's data folder).",
    ),
]
TrustedOption = Annotated[
    Path | None, typer.Option("--trusted", metavar="JSON", help="The state that you trust: a file.")
]
NameOption = Annotated[str | None, typer.Option("--trust", metavar="NAME", help="The state that you trust: a name.")]


def store_path(given: Path | None) -> Path:
    """Where the store is: as given, else in the user's data folder as the system has it."""
    if given is not None:
        return given
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "pycore" / _FILE


def open_store(given: Path | None) -> TrustStore:
    """The store at that path."""
    from pycore.bundle import TrustStore

    return TrustStore(store_path(given))


def trusted_state(file: Path | None, name: str | None, store: Path | None, bundle: Bundle | None = None) -> Trusted:
    """The state that the options name. Of a name whose state moved on since the bundle was made, the one that it names.

    Raises:
        InputError: none of them or both.
    """
    from pycore.bundle import read_trusted

    if (file is None) == (name is None):
        raise InputError(
            "--trusted", "neither" if file is None else "--trust as well", "--trusted FILE or --trust NAME"
        )
    if file is not None:
        return read_trusted(file)
    assert name is not None
    kept = open_store(store)
    present = kept.get(name)
    if bundle is not None and bundle.trusted_height < present.height:
        earlier = [step.trusted for step in kept.history(name) if step.trusted.height == bundle.trusted_height]
        return earlier[0] if earlier else present
    return present


def show_conditions(report: BundleReport) -> None:
    """A bundle's report as a table, its facts, and a last line that says it all."""
    from ._output import print_table, printable

    rows = []
    for check in report.checks:
        shown = check.to_dict()
        note = f"{check.detail} ({check.certainty})".strip() if check.certainty else check.detail
        rows.append((check.name, check.status, cell(shown["got"]), cell(shown["wanted"]), note))
    print_table(("condition", "result", "got", "wanted", "note"), rows)
    for name, value in report.facts.items():
        print(printable(f"{name}: {value}"))
    if report.certified_by:
        print(printable(f"certified by: {', '.join(report.certified_by)}"))
    counts = f"{len(report.checks)} conditions, {len(report.failed)} failed, {len(report.skipped)} not checked"
    what = f"{report.kind} of {report.chain} {report.chain_id}, block {report.height} {report.block_hash.hex()}"
    print(f"{'PROVEN' if report.proven else 'NOT PROVEN'}: {printable(what)}; {counts}")


def cell(value: Any) -> str:
    """A value for a table: long hexadecimal keeps its ends."""
    text = "" if value is None else str(value)
    return text if len(text) <= _CELL else f"{text[:18]}..{text[-18:]}"
