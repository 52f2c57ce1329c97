"""``pycore validate``: one block of a ledger, every check with what it got and what it wanted."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, print_json, print_table
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect

if TYPE_CHECKING:
    from pycore.ledgers import BlockReport

_SHOWN_FAULTS = 50


def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A block: binary or hexadecimal; '-' is standard input.")],
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

    FILE is a serialized Block or, with read and write sets, BlockInfo. Without --context the checks that need no
    knowledge of the chain are made, and the others are listed as skipped.

    Examples:

      pycore validate --chain chainmaker block.bin

      pycore validate --context context.json --height 7 --previous-hash HEX block.bin

      pycore validate --context context.json --rules compatible block.hex

      pycore validate --via localhost:50051 --json block.bin
    """
    from pycore import ledgers

    block = block_bytes(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
    ledger = ledgers.get(chain)
    known: Any = ledger.context({} if context is None else context)
    changes: dict[str, Any] = {"rules": rules, "height": height, "previous_proposer": previous_proposer}
    if previous_hash is not None:
        changes["previous_block_hash"] = hex_bytes(previous_hash, "--previous-hash")
    if certificates:
        changes["certificates"] = {**known.certificates, **_by_hash(certificates)}
    known = known.replace(**{name: value for name, value in changes.items() if value is not None})
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
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


def block_bytes(data: bytes) -> bytes:
    """A file's content as block bytes: hexadecimal text, with white space anywhere, is decoded; anything else is
    taken as it is.

    >>> block_bytes(b"0a0b\\n"), block_bytes(b"\\x0a\\x0b")
    (b'\\n\\x0b', b'\\n\\x0b')
    """
    text = data.strip()
    if text and re.fullmatch(rb"(?:0[xX])?[0-9a-fA-F\s]+", text):
        digits = b"".join(text.split()).removeprefix(b"0x").removeprefix(b"0X")
        if len(digits) % 2 == 0:
            return bytes.fromhex(digits.decode())
    return data


def _by_hash(paths: list[Path]) -> dict[str, str]:
    """Certificates by the hash of their DER form, under every hash that a chain may use."""
    from asn1crypto import pem

    import pycore
    from pycore.errors import InputError

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
    print(f"{report.chain} block {report.height}, hash {report.block_hash.hex()}, {report.rules} rules")
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
