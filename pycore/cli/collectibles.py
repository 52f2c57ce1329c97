"""``pycore collectibles``: whose a token was, and whether trades keep rules, from blocks that are validated first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, print_json, print_table, printable

if TYPE_CHECKING:
    from pycore.collectibles import Entry
    from pycore.ledgers import BlockReport, Report

collectibles = typer.Typer(
    help="Ownership of collectibles from validated blocks, and rules of their trade.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Blocks in a row from before the first mint, or folders of them."),
]
ChainOption = Annotated[str, typer.Option("--chain", help="Which chain's rules.")]
ContextOption = Annotated[
    Path | None, typer.Option("--context", metavar="JSON", help="What nodes know and a block does not say.")
]
HeightOption = Annotated[int | None, typer.Option("--height", min=0, help="The height of the first block.")]
PreviousOption = Annotated[
    str | None, typer.Option("--previous-hash", metavar="HEX", help="The hash of the block before the first.")
]
DelimitedOption = Annotated[
    bool, typer.Option("--delimited", help="FILE holds many blocks, each behind its length as a varint.")
]
LayoutOption = Annotated[
    str, typer.Option("--layout", metavar="NAME|JSON", help="How to read the events: cmnfa, erc-721, or a document.")
]
ContractOption = Annotated[
    str | None, typer.Option("--contract", help="Whose events, as the chain writes it (default: the layout's).")
]
RequireOption = Annotated[
    str, typer.Option("--require", help="complete, valid or nothing: what blocks must be to be read.")
]
_SHOWN = 50


def _reports(
    files: list[str], chain: str, context: Path | None, height: int | None, previous_hash: str | None, delimited: bool
) -> Iterator[BlockReport]:
    """The reports of a run of blocks, with their events."""
    from pycore import ledgers

    from ._blocks import block_files, read_blocks

    ledger: Any = ledgers.get(chain)
    known = ledger.context({} if context is None else context)
    if height is not None:
        known = known.replace(height=height)
    if previous_hash is not None:
        known = known.replace(previous_block_hash=hex_bytes(previous_hash, "--previous-hash"))
    blocks = (block.data for block in read_blocks(block_files(files), delimited=delimited))
    found: Iterator[BlockReport] = ledger.validate_chain(blocks, known, events=True)
    return found


@collectibles.command()
def history(
    files: FilesArgument,
    token: Annotated[str, typer.Option("--token", help="The token's id.")],
    chain: ChainOption = "chainmaker",
    context: ContextOption = None,
    height: HeightOption = None,
    previous_hash: PreviousOption = None,
    delimited: DelimitedOption = False,
    layout: LayoutOption = "cmnfa",
    contract: ContractOption = None,
    require: RequireOption = "complete",
    as_json: JsonOption = False,
) -> None:
    """Print who got a token from whom, when and for how much. Every block is validated.

    Exit code 1 when the chain of ownership does not hold, when something about it stays open, or when there is no such
    token.

    Examples:

      pycore collectibles history --context context.json --height 1 --previous-hash HEX --contract CMNFA \
--token 111111111111111111111112 blocks
    """
    from pycore.collectibles import history as history_of

    reports = _reports(files, chain, context, height, previous_hash, delimited)
    found = history_of(reports, token, contract=contract, layout=layout, require=require)
    if as_json:
        print_json(found.to_dict())
    else:
        print(
            f"token {printable(found.token)} of {printable(found.contract)}, {len(found.entries)} changes of ownership"
        )
        print_table(("block", "tx", "time (UTC)", "kind", "from", "to", "price"), map(_row, found.entries))
        _show_checks(found)
        print(f"owner: {printable(found.owner or 'nobody')}")
    _leave(found)


@collectibles.command()
def check(
    files: FilesArgument,
    rules: Annotated[Path, typer.Option("--rules", metavar="JSON", help="The rules of trade.")],
    chain: ChainOption = "chainmaker",
    context: ContextOption = None,
    height: HeightOption = None,
    previous_hash: PreviousOption = None,
    delimited: DelimitedOption = False,
    layout: LayoutOption = "cmnfa",
    contract: ContractOption = None,
    require: RequireOption = "complete",
    as_json: JsonOption = False,
) -> None:
    """Check all transfers of a contract's tokens against rules of trade. Every block is validated.

    Exit code 1 when a rule is broken, or when something stays open: each violation with block, transaction, token and
    rule.

    Examples:

      pycore collectibles check --context context.json --height 1 --previous-hash HEX --layout layout.json \
--rules rules.json blocks
    """
    from pycore.collectibles import Rules, check_rules, transfers

    known = Rules.load(rules)
    reports = _reports(files, chain, context, height, previous_hash, delimited)
    found = check_rules(transfers(reports, layout, contract=contract, require=require), known)
    if as_json:
        print_json(found.to_dict())
    else:
        listed = found.violations
        if listed:
            print_table(
                ("block", "tx", "rule", "token", "got", "wanted"),
                [
                    (one.block, one.transaction, one.rule, *map(printable, (one.token, one.got, one.wanted)))
                    for one in listed[:_SHOWN]
                ],
            )
        if len(listed) > _SHOWN:
            print(f"... and {len(listed) - _SHOWN} more (--json lists a thousand)")
        _show_checks(found)
        word = "VALID" if found.valid and found.complete else "INVALID" if not found.valid else "OPEN"
        print(f"{word}: {len(found.transfers)} transfers, {len(listed)} violations")
    _leave(found)


def _row(entry: Entry) -> tuple[object, ...]:
    time = "" if entry.time is None else _clock(entry.time)
    price = "" if entry.price is None else f"{entry.price} {entry.currency}"
    parties = (printable(name or "") for name in (entry.sender, entry.recipient, price))
    return entry.block, entry.transaction, time, entry.kind, *parties


def _clock(milliseconds: int) -> str:
    """A time as a person reads it; a number where no calendar has it."""
    try:
        shown = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return f"{milliseconds} ms"
    return shown.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def _show_checks(report: Report) -> None:
    print_table(
        ("check", "result", "got", "wanted", "note"),
        [(one.name, one.status, *map(printable, (one.got or "", one.wanted or "", one.detail))) for one in report],
    )


def _leave(report: Report) -> None:
    if not (report.valid and report.complete):
        raise typer.Exit(EXIT_INVALID)
