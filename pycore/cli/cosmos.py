"""``pycore cosmos``: commits, headers, proofs and light clients of CometBFT chains, from a node's answers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._cosmos import (
    CHAIN,
    counted,
    duration,
    moment,
    read_file,
    read_header,
    read_validators,
    share,
    show_checks,
    shown_time,
)
from ._cosmos_light import Asked, follow, root_of
from ._cosmos_proof import Asked as Proof
from ._cosmos_proof import check, text_or_hex
from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, plain, print_json, print_table, printable
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect

if TYPE_CHECKING:
    from pycore.consensus import CommitReport, ValidatorSet
    from pycore.ledgers.cometbft.messages import Header

cosmos = typer.Typer(
    help="Commits, headers, proofs and light clients of CometBFT and Cosmos chains.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ValidatorsOption = Annotated[
    list[str],
    typer.Option(
        "--validators",
        metavar="FILE",
        help="The answer of /validators, repeated for each of its pages; or the set in protobuf.",
    ),
]
_LevelOption = Annotated[
    str, typer.Option("--trust-level", metavar="N/M", help="More than this share of trusted power must have signed.")
]


# ---- commits ---------------------------------------------------------------------------------------------------------


@cosmos.command()
def commit(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Answers of /commit, or signed headers in protobuf; '-'.")
    ],
    validators: _ValidatorsOption,
    mode: Annotated[
        str, typer.Option("--mode", help="light, full, all, trusting or trusting-all: which signatures count.")
    ] = "light",
    trust_level: _LevelOption = "1/3",
    chain_id: Annotated[
        str | None, typer.Option("--chain-id", metavar="ID", help="The chain that the headers must be of.")
    ] = None,
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that headers are final: that more than two thirds of the validators' power signed them. Exit code 1 where
    one is not, or where not all could be checked. The trusting modes ask for a share of another height's validators:
    what that many signed is SIGNED, and not FINAL by it.

    The validators are taken as they are: compare their hash with one that you trust, or use `pycore cosmos light`.

    Examples:

      pycore cosmos commit commit-100.json --validators validators-100.json

      pycore cosmos commit commit-*.json --validators page-1.json --validators page-2.json --mode full --json

      curl -s localhost:26657/commit?height=100 | pycore cosmos commit - --validators validators-100.json
    """
    given = read_validators(validators)
    options: dict[str, Any] = {
        "chain": CHAIN, "mode": mode, "trust_level": share(trust_level, "--trust-level"), "chain_id": chain_id,
    }  # fmt: skip
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    found = []
    with client or nullcontext() as service:
        for name in files:
            form, data = read_file(name)
            found.append((name, _verified(service, given, data, form, options)))
    accepted = all(report.valid and report.complete for _, report in found)
    if as_json:
        reports = [{"file": name, **report.to_dict()} for name, report in found]
        whole = {"valid": all(one.valid for _, one in found), "complete": all(one.complete for _, one in found)}
        print_json({**whole, "validators_hash": given.hash.hex(), "reports": reports})
    else:
        _show_commits(found, given)
    if not accepted:
        raise typer.Exit(EXIT_INVALID)


def _verified(service: Any, given: ValidatorSet, data: bytes, form: str, options: dict[str, Any]) -> CommitReport:
    from pycore.consensus import verify_commit

    call = verify_commit if service is None else service.verify_commit
    report: CommitReport = call(given, data, form=form, **options)
    return report


def _show_commits(found: list[tuple[str, CommitReport]], given: ValidatorSet) -> None:
    if len(found) == 1:
        show_checks(found[0][1])
    else:
        rows = [
            (name, one.height, _word(one), "; ".join(printable(check) for check in (*one.failed, *one.skipped)))
            for name, one in found
        ]
        print_table(("file", "height", "result", "why"), rows)
    print(f"validators: {len(given)}, power {given.total}, hash {given.hash.hex()}")
    for _, report in found:
        what = f"{printable(report.chain_id)} block {report.height} {report.block_hash.hex()}"
        power = "" if report.decision is None else f"; power {report.decision.got} of {report.decision.total}"
        print(f"{_word(report)}: {what}; {counted(report)}{power}")


def _word(report: CommitReport) -> str:
    """Trusting modes say that enough of another height's validators signed, not that a block is final."""
    if not report.valid:
        return "INVALID"
    if not report.complete:
        return "NOT DECIDED"
    return "SIGNED" if report.mode.startswith("trusting") else "FINAL"


# ---- headers ---------------------------------------------------------------------------------------------------------


@cosmos.command()
def header(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The answer of /header, /block or /commit; or a header in protobuf; '-'."),
    ],
    wanted: Annotated[
        str | None, typer.Option("--hash", metavar="HEX", help="The hash that the header must have.")
    ] = None,
    validators: Annotated[
        list[str] | None,
        typer.Option("--validators", metavar="FILE", help="The validators that the header must name."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute a header's hash and show the header. Exit code 1 where another hash was wanted, or where the validators
    are others than the header names.

    Nothing says that the header is final: ask `pycore cosmos commit`.

    Examples:

      pycore cosmos header header-100.json --hash 2fa1...

      pycore cosmos header block-100.json --validators validators-100.json --json
    """
    from pycore.base.report import Check, Report
    from pycore.ledgers.cometbft import hashes

    found, claimed = read_header(file)
    digest = hashes.header_hash(found)
    checks = []
    if wanted is not None:
        expected = hex_bytes(wanted, "--hash")
        checks.append(Check("hash", digest == expected, digest, expected))
    if claimed is not None:
        checks.append(Check("block_id", digest == claimed, claimed, digest, "the hash that the answer gives"))
    if validators:
        named = read_validators(validators).hash
        checks.append(Check("validators_hash", found.validators_hash == named, found.validators_hash, named))
    report = Report(CHAIN, "strict", tuple(checks))
    fields = {name.removesuffix("_ns"): _plain(name, value) for name, value in _fields(found)}
    if as_json:
        print_json({"hash": digest.hex(), "header": fields, **report.to_dict()})
    else:
        print_table(("field", "value"), [("hash", digest.hex()), *((k, printable(v)) for k, v in fields.items())])
        if checks:
            show_checks(report)
    if not report.valid:
        raise typer.Exit(EXIT_INVALID)


def _fields(found: Header) -> Iterable[tuple[str, Any]]:
    return ((name, getattr(found, name)) for name in type(found).__slots__)


def _plain(name: str, value: Any) -> Any:
    if name == "time_ns":
        return shown_time(value)
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, (int, str)) else value.hash.hex()


# ---- proofs ----------------------------------------------------------------------------------------------------------


@cosmos.command()
def proof(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="The answer of /tx?prove=true or /abci_query?prove=true; or an ICS-23 proof, protobuf or JSON; '-'.",
        ),
    ],
    root: Annotated[
        str | None, typer.Option("--root", metavar="HEX", help="The root that you trust: data_hash or app_hash.")
    ] = None,
    header: Annotated[
        str | None, typer.Option("--header", metavar="FILE", help="Instead: a header that you trust, which has it.")
    ] = None,
    spec: Annotated[
        str | None, typer.Option("--spec", metavar="NAME", help="ICS-23: iavl, tendermint, smt, or a file.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="TEXT", help="The key.")] = None,
    key_hex: Annotated[str | None, typer.Option("--key-hex", metavar="HEX", help="The key in hexadecimal.")] = None,
    value: Annotated[str | None, typer.Option("--value", metavar="TEXT", help="The value.")] = None,
    value_hex: Annotated[
        str | None, typer.Option("--value-hex", metavar="HEX", help="The value in hexadecimal.")
    ] = None,
    absent: Annotated[bool, typer.Option("--absent", help="The key is claimed to be absent.")] = False,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="PATH", help="Of a query: /store/key (hexadecimal after x:) that it must be about."
        ),
    ] = None,
    rules: Annotated[str, typer.Option("--rules", help="ICS-23: strict or compatible.")] = "strict",
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a transaction is in a block, or that the application's state has a value under a key, or has not. Exit
    code 1 where the proof does not hold.

    The root is from a header that you trust: that of the same block for a transaction, that of the next block for the
    application's state.

    Examples:

      pycore cosmos proof tx.json --header header-100.json

      pycore cosmos proof query.json --header header-101.json --path /bank/x:0214

      pycore cosmos proof proof.bin --spec iavl --root 2fa1... --key balances --value-hex 0a05 --json
    """
    asked = Proof(
        file, root, header, spec, text_or_hex(key, key_hex, "--key"), text_or_hex(value, value_hex, "--value"), absent,
        path, rules,
    )  # fmt: skip
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    with client or nullcontext() as service:
        found = check(asked, service)
    valid = found.verdict.name == "VALID"
    if as_json:
        print_json({"valid": valid, "verdict": found.verdict.name, "kind": found.kind, **found.shown})
    else:
        rows = [("kind", found.kind), *((name, printable(plain(one))) for name, one in found.shown.items())]
        print_table(("part", "content"), rows)
        print(found.verdict.name)
    if not valid:
        raise typer.Exit(EXIT_INVALID)


# ---- light clients ---------------------------------------------------------------------------------------------------


@cosmos.command()
def light(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="A node's answers: commit-H.json and validators-H.json (further pages validators-H-2.json ...), or"
            " H.json with signed_header and validator_set, or H.bin in protobuf, for each height H.",
        ),
    ],
    period: Annotated[
        str,
        typer.Option("--trusting-period", metavar="TIME", help="How long a header may vouch for others: 14d, 336h."),
    ],
    height: Annotated[
        int | None, typer.Option("--height", min=1, help="The height to verify (default: the highest in the folder).")
    ] = None,
    trusted_height: Annotated[
        int | None, typer.Option("--trusted-height", min=1, help="At first: a height that you trust ...")
    ] = None,
    trusted_hash: Annotated[
        str | None, typer.Option("--trusted-hash", metavar="HEX", help="... and the hash of its header.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", metavar="FILE", help="Where trusted headers are kept (SQLite).")
    ] = None,
    chain_id: Annotated[
        str | None, typer.Option("--chain-id", metavar="ID", help="The chain (default: that of the folder's header).")
    ] = None,
    witness: Annotated[
        list[Path] | None,
        typer.Option("--witness", metavar="FOLDER", help="Another node's answers, which must agree; repeatable."),
    ] = None,
    trust_level: _LevelOption = "1/3",
    drift: Annotated[
        str, typer.Option("--clock-drift", metavar="TIME", help="How far ahead of the clock headers may be.")
    ] = "10s",
    now: Annotated[
        str | None, typer.Option("--now", metavar="TIME", help="The present time (default: the clock's).")
    ] = None,
    sequential: Annotated[bool, typer.Option("--sequential", help="Verify every height, skip none.")] = False,
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a header by one that you trust, as a light client does: because enough of the validators that you trust
    signed it. Exit code 1 where it is not to be trusted.

    At first say which header you trust, from somebody whom you trust. With --store what was verified is kept, and later
    calls go on from there.

    Examples:

      pycore cosmos light answers/ --trusting-period 14d --trusted-height 100 --trusted-hash 2fa1... --store light.db

      pycore cosmos light answers/ --trusting-period 14d --store light.db --height 500 --witness other-node/

      pycore cosmos light answers/ --trusting-period 14d --store light.db --via localhost:50051 --json
    """
    from pycore.consensus.light import LightOptions

    asked = Asked(
        folder=folder,
        height=height,
        root=root_of(trusted_height, trusted_hash),
        store=store,
        chain_id=chain_id,
        witnesses=tuple(witness or ()),
        options=LightOptions(
            duration(period, "--trusting-period"),
            share(trust_level, "--trust-level"),
            duration(drift, "--clock-drift"),
            sequential,
        ),
        now_ns=moment(now, "--now"),
    )
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    with client or nullcontext() as service:
        if not follow(asked, service, as_json=as_json):
            raise typer.Exit(EXIT_INVALID)
