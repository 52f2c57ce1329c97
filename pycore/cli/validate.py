"""``pycore validate``: one block of a ledger, every check with what it got and what it wanted, or a run of blocks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pycore.errors import InputError

from ._blocks import block_files, read_blocks, total_bytes
from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, note, print_json, print_table, printable
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect

if TYPE_CHECKING:
    from pycore.ledgers import BlockReport

_SHOWN_FAULTS = 50


def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="A block: binary or hexadecimal; '-' is standard input. Several, or a folder: a run of them.",
        ),
    ],
    chain: Annotated[str, typer.Option("--chain", help="Which chain's rules.")] = "chainmaker",
    context: Annotated[
        Path | None, typer.Option("--context", metavar="JSON", help="What nodes know and a block does not say.")
    ] = None,
    height: Annotated[int | None, typer.Option(min=0, help="The height the block must have.")] = None,
    previous_hash: Annotated[
        str | None, typer.Option("--previous-hash", metavar="HEX", help="The hash of the block before it.")
    ] = None,
    previous_proposer: Annotated[
        str | None,
        typer.Option("--previous-proposer", metavar="NODE", help="The node that proposed the block before it."),
    ] = None,
    certificates: Annotated[
        list[Path] | None,
        typer.Option(
            "--certificate", metavar="PEM", help="A certificate that members may name by its hash; repeatable."
        ),
    ] = None,
    delimited: Annotated[
        bool, typer.Option("--delimited", help="FILE holds many blocks, each behind its length as a varint.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="JSON", help="Go on after the block that this file names, and update it."),
    ] = None,
    rules: Annotated[str | None, typer.Option("--rules", help="strict or compatible (default: the context's).")] = None,
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    require_complete: Annotated[
        bool, typer.Option("--require-complete", help="Fail also when a check was skipped for want of context.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Validate a whole block: header, signatures, roots, quorum certificate, every transaction.

    FILE is a block as its chain encodes it; of ChainMaker a Block or, with read and write sets, a BlockInfo. Without
    --context the checks that need no knowledge of the chain are made, and the others are listed as skipped. A signer
    that only the context knows, such as a member by the hash of its certificate, is UNKNOWN_SIGNER then.

    Several files, a folder or a file of many blocks are a run: each block must be the successor of the one before, and
    configuration blocks move the context.

    Examples:

      pycore validate --chain chainmaker block.bin

      pycore validate --context context.json --height 7 --previous-hash HEX block.bin

      pycore validate --context context.json --rules compatible block.hex

      pycore validate --via localhost:50051 --json block.bin

      pycore validate --context context.json --checkpoint place.json blocks
    """
    from pycore import ledgers

    run = len(files) > 1 or delimited or checkpoint is not None or (files[0] != "-" and Path(files[0]).is_dir())
    ledger = ledgers.get(chain)
    known: Any = ledger.context({} if context is None else context)
    changes: dict[str, Any] = {"rules": rules, "height": height, "previous_proposer": previous_proposer}
    if previous_hash is not None:
        changes["previous_block_hash"] = hex_bytes(previous_hash, "--previous-hash")
    named = _by_hash(certificates or [])
    if certificates:
        changes["certificates"] = {**known.certificates, **named}
    known = known.replace(**{name: value for name, value in changes.items() if value is not None})
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    if run:
        given = {"--height": height, "--previous-hash": previous_hash, "--previous-proposer": previous_proposer,
                 "--rules": rules, "--certificate": named}  # fmt: skip
        _validate_run(files, ledger, known, client, delimited=delimited, checkpoint=checkpoint, given=given,
                      as_json=as_json, require_complete=require_complete)  # fmt: skip
        return
    ((_, block),) = read_blocks(files, delimited=False)
    if client is None:
        report: BlockReport = ledger.validate_block(block, known)
    else:
        with client as service:
            report = service.validate_block(chain, block, known)
    if as_json:
        print_json(report.to_dict())
    else:
        show_report(report)
    if not report.valid or (require_complete and not report.complete):
        raise typer.Exit(EXIT_INVALID)


def _validate_run(
    names: list[str], ledger: Any, known: Any, client: Any, *,
    delimited: bool, checkpoint: Path | None, given: dict[str, Any], as_json: bool, require_complete: bool,
) -> None:  # fmt: skip
    """Several blocks, each the successor of the one before."""
    from . import _runs

    files = block_files(names)
    file = None if checkpoint is None else _runs.CheckpointFile(checkpoint)
    start = None if file is None else file.load()
    blocks = read_blocks(files, delimited=delimited)
    if start is not None:
        begun = ledger.chain_state(checkpoint=start).checkpoint
        _runs.check_overridden(given, begun.context, checkpoint)
        note(f"going on after block {begun.height}, in the context of {checkpoint}")
        blocks = _runs.after(blocks, begun.height, ledger.block_height)
    source = _runs.Source(blocks)
    context = known if start is None else None
    summary = _runs.Summary(as_json=as_json)
    quiet = as_json and sys.stdout.isatty()
    with client or contextlib.nullcontext() as service, _runs.progress(total_bytes(files), quiet=quiet) as advance:
        if service is None:
            run = ledger.validate_chain(source, context, checkpoint=start)
            reported: Iterator[tuple[BlockReport, Any]] = ((report, run.checkpoint.to_dict()) for report in run)
        else:
            remote = service.validate_blocks(ledger.name, source, context, checkpoint=start)
            reported = ((one.report, one.checkpoint) for one in remote)
        try:
            last = _runs.follow(reported, source, summary, file, advance)
        except _runs.EndedError as ended:
            if ended.code is None:
                raise
            note(f"pycore: {ended}")
            raise typer.Exit(ended.code) from ended
    if not summary.blocks and start is None:  # nothing that was checked is nothing that is valid
        raise InputError("FILE", f"no block in {', '.join(map(repr, files[:3]))}", "at least one block")
    summary.finish(last or start)
    if summary.bad or (require_complete and summary.incomplete):
        raise typer.Exit(EXIT_INVALID)


def _by_hash(paths: list[Path]) -> dict[str, str]:
    """Certificates by the hash of their DER form, under every hash that a chain may use."""
    from asn1crypto import pem

    import pycore

    found: dict[str, str] = {}
    for path in paths:
        text = path.read_bytes()
        try:
            parts = [(kind, der) for kind, _, der in pem.unarmor(text, multiple=True)]
        except ValueError as error:
            raise InputError("--certificate", f"{str(path)!r} ({error})", "a file of PEM certificates") from error
        for kind, der in parts:
            if kind != "CERTIFICATE":
                raise InputError("--certificate", f"a {kind} in {str(path)!r}", "certificates")
            for name in ("sha256", "sha3-256", "sm3"):
                found[pycore.hash(name, der).hex()] = pem.armor("CERTIFICATE", der).decode()
    return found


def show_report(report: BlockReport) -> None:
    """A block's report as tables and a last line that says it all."""
    print(printable(f"{report.chain} block {report.height}, hash {report.block_hash.hex()}, {report.rules} rules"))
    rows = []
    for check in report.checks:
        shown = check.to_dict()
        rows.append((check.name, check.status, _cell(shown["got"]), _cell(shown["wanted"]), check.detail))
    print_table(("check", "result", "got", "wanted", "note"), rows)
    if report.faults:
        shown_faults = report.faults[:_SHOWN_FAULTS]
        print_table(
            ("transaction", "verdict", "tx id", "why"),
            [(fault.index, fault.verdict.name, fault.tx_id, fault.detail) for fault in shown_faults],
        )
        if len(report.faults) > len(shown_faults):
            print(f"... and {len(report.faults) - len(shown_faults)} more (--json lists all)")
    total = len(report.transactions)
    skipped = f", {len(report.skipped)} skipped" if report.skipped else ""
    print(
        f"{'VALID' if report.valid else 'INVALID'}: {len(report.checks)} checks, {len(report.failed)} failed{skipped}; "
        f"{total} transactions, {len(report.faults)} invalid"
    )


def _cell(value: Any) -> str:
    """A value for a table: long hexadecimal keeps its ends."""
    text = "" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:10]}..{text[-10:]}"
