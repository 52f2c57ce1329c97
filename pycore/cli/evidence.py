"""``pycore evidence``: is a file's digest on a chain or in a log, offline, for a person to read and print."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, print_json, print_table, printable
from ._trust import StoreOption, trusted_state

if TYPE_CHECKING:
    from pycore.evidence import EvidenceReport

evidence = typer.Typer(
    help="Whether a file is notarised on a chain or in a log, offline.", no_args_is_help=True, rich_markup_mode=None
)


@evidence.callback()
def _evidence() -> None:
    pass


@evidence.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file, or its digest: sha256:HEX, sm3:HEX ...")],
    bundle: Annotated[Path, typer.Option("--bundle", metavar="FILE", help="The bundle, or the evidence of a log.")],
    trust: Annotated[
        str,
        typer.Option(
            "--trust",
            "--trusted",
            metavar="NAME|FILE",
            help="The trusted state: a file, or a name in the store; the trusted log: a file.",
        ),
    ],
    store: StoreOption = None,
    contract: Annotated[str | None, typer.Option("--contract", help="The contract that must have it.")] = None,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="OUT", help="Write the report as a page to read and print.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check whether a file's digest is in a bundle's statement: in which block, when, by whom, certified by whom.

    Nothing but the files that are named is read. Exit code 1 when the evidence does not hold, or leaves something open.

    Examples:

      pycore evidence check contract.pdf --bundle contract.bundle --trust trusted.json --html contract.html

      pycore evidence check contract.pdf --bundle contract.bundle --trust court --json

      pycore evidence check sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad \
--bundle contract.bundle --trust trusted.json
    """
    from pycore.evidence import check as check_evidence
    from pycore.evidence.page import page as page_of

    proof, state = _read(bundle, trust, store)
    report = check_evidence(file, proof, state, contract=contract)
    if page is not None:
        page.write_text(page_of(report, made=time.time()), encoding="utf-8")
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)
    if not (report.valid and report.complete):
        raise typer.Exit(EXIT_INVALID)


def _read(bundle: Path, trust: str, store: Path | None) -> tuple[Any, Any]:
    """The evidence and the trusted state, each from its file; a state also by its name in a store."""
    from pycore import bundle as bundles
    from pycore.errors import InputError
    from pycore.evidence.log import MAX_DOCUMENT, LogEvidence, TrustedLog
    from pycore.ledgers._json import load_object

    size = bundle.stat().st_size
    if size > 2 * bundles.MAX_BYTES:
        raise InputError("--bundle", f"{size} bytes", f"at most {2 * bundles.MAX_BYTES}")
    data = bundle.read_bytes()
    document = load_object(data, "--bundle") if data[:1] == b"{" and size <= MAX_DOCUMENT else {}
    if document.get("pycore") == "log-evidence":
        return LogEvidence.load(document), TrustedLog.load(Path(trust))
    proof = bundles.read(data)
    path = Path(trust)
    file, named = (path, None) if path.is_file() else (None, trust)
    return proof, trusted_state(file, named, store, proof)


def _show(report: EvidenceReport) -> None:
    """The verdict in two languages, what was found, and every condition."""
    from pycore.evidence.page import clock, verdict

    _, english, chinese = verdict(report)
    found = [("file", report.file_name or "a digest alone"), ("statement", f"{report.kind} of {report.chain}")]
    if report.digest:
        found += [(f"digest ({report.algorithm})", report.digest.hex()), ("form", report.form), ("place", report.where)]
    if report.block_hash:
        found += [("entry" if report.source == "log" else "block", str(report.height))]
    if report.time is not None:
        found += [("time (UTC)", clock(report.time))]
    found += [
        (name, value)
        for name, value in (
            ("transaction", report.tx_id),
            ("contract", report.contract),
            ("method or topic", report.method),
            ("number", report.serial),
            ("sender", str(report.sender.get("name") or report.sender.get("id") or "")),
            ("organisation", str(report.sender.get("org_id") or "")),
            ("certified by", ", ".join(report.organisations.get(one, one) for one in report.certified_by)),
        )
        if value
    ]
    print_table(("about", "value"), [(name, printable(value)) for name, value in found])
    rows = []
    for one in report.checks:
        shown = one.to_dict()
        cells = (shown["got"], shown["wanted"], shown["detail"])
        rows.append((one.name, one.status, *(printable("" if cell is None else cell)[:200] for cell in cells)))
    print_table(("condition", "result", "got", "wanted", "note"), rows)
    print(printable(english))
    print(printable(chinese))
