"""``pycore verify``: signatures from a file or from the command line, one verdict each."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._explain import Explained, explained
from ._keys import KeyReader, hinted
from ._output import JsonOption, hex_bytes, print_json, print_table, read_text
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_COLUMNS = {
    "public_key": ("public_key", "public_keys", "key", "pk"),
    "signature": ("signature", "signatures", "sig"),
    "message": ("message", "messages", "msg"),
}


def verify(
    source: Annotated[
        str | None, typer.Argument(metavar="FILE", help=".jsonl, .csv or .npz; '-' reads JSONL from standard input.")
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            "--scheme", "-s", help="Scheme; `pycore info` lists them. Default: ed25519, for keys of 32 bytes."
        ),
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(metavar="HEX", help="One key, instead of FILE; also PEM, or SPKI in hexadecimal.")
    ] = None,
    public_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One key: a file with PEM, DER or hexadecimal.")
    ] = None,
    signature: Annotated[str | None, typer.Option(metavar="HEX", help="One signature, instead of FILE.")] = None,
    message: Annotated[str | None, typer.Option(metavar="HEX", help="One message, instead of FILE.")] = None,
    message_file: Annotated[Path | None, typer.Option(metavar="FILE", help="One message: the file's bytes.")] = None,
    rules: Annotated[str | None, typer.Option(help="Rule set (default: the scheme's first).")] = None,
    hash_name: Annotated[
        str | None, typer.Option("--hash", help="ECDSA's message hash (default sha256); SM2: none if messages are e.")
    ] = None,
    prehashed: Annotated[bool, typer.Option("--prehashed", help="Messages are digests already.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Signature encoding: compact (default) or der.")] = None,
    der_rules: Annotated[str | None, typer.Option(help="strict (default), trailing or go.")] = None,
    user_id: Annotated[str | None, typer.Option(help="SM2 signer's identifier, as text; '' is the empty one.")] = None,
    no_user_id: Annotated[bool, typer.Option("--no-user-id", help="SM2 without Z_A.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads (default: all CPUs).")] = None,
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Of the first invalid item: which known conventions would make it hold.")
    ] = False,
    show_all: Annotated[bool, typer.Option("--all", help="List valid items too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify a batch of signatures, or one.

    FILE has the columns public_key, signature and message, in hexadecimal: one JSON object a line (.jsonl), a CSV
    with a header line (.csv), or arrays of uint8 (.npz). Public keys may be PEM or SubjectPublicKeyInfo instead, which
    name their curve.

    Examples:

      pycore verify --scheme sm2 signatures.jsonl

      pycore verify --scheme ecdsa-secp256k1 --rules low-s --json signatures.csv

      pycore verify --scheme ed25519 --public-key HEX --signature HEX --message HEX

      pycore verify --scheme sm2 --public-key HEX --signature HEX --message HEX --explain

      pycore verify --public-key-file key.pem --signature HEX --message-file letter.txt
    """
    from pycore.errors import InputError

    if public_key is not None and public_key_file is not None:
        raise InputError("--public-key-file", "--public-key as well", "one of the two")
    if message is not None and message_file is not None:
        raise InputError("--message-file", "--message as well", "one of the two")
    if user_id is not None and no_user_id:
        raise InputError("--no-user-id", "--user-id as well", "one of the two")
    keys = KeyReader(scheme)
    columns = _given(keys, source, public_key_file or public_key, signature, message, message_file)
    scheme = keys.scheme(columns[0])
    options: dict[str, Any] = {
        "rules": rules,
        "hash": hash_name,
        "encoding": encoding,
        "der_rules": der_rules,
        "prehashed": prehashed or None,
        "threads": threads if via is None else None,
    }
    if user_id is not None:
        options["user_id"] = user_id.encode()
    options = {name: value for name, value in options.items() if value is not None}
    if no_user_id:
        options["user_id"] = None
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    if client is None:
        import pycore

        verdicts = pycore.verify_batch(scheme, *columns, **options)
    else:
        with client as service:
            verdicts = service.verify_batch(scheme, *columns, **options)
    explanation = explained(scheme, columns, options, verdicts) if explain else None
    _report(scheme, columns[0], verdicts, show_all, as_json, explanation)
    if not verdicts.all_valid:
        raise typer.Exit(EXIT_INVALID)


def _report(
    scheme: str, public_keys: Any, verdicts: Any, show_all: bool, as_json: bool, explanation: Explained | None
) -> None:
    named = [(index, verdict) for index, verdict in enumerate(verdicts)]
    invalid = [(index, verdict) for index, verdict in named if verdict != 1]
    if as_json:
        print_json(
            {
                "scheme": scheme,
                "items": len(named),
                "valid": len(named) - len(invalid),
                "all_valid": not invalid,
                "verdicts": [verdict.name for _, verdict in named],
                "bitmap": verdicts.bitmap(),
                **({"explanation": explanation.document()} if explanation is not None else {}),
            }
        )
        return
    listed = named if show_all else invalid
    if listed:
        rows = []
        for index, one in listed:
            hint = hinted(index, public_keys) if one.name == "MALFORMED_KEY" else ""
            rows.append((index, one.name, f"{one.meaning}{hint}"))
        print_table(("item", "verdict", "meaning"), rows)
    print(f"{len(named)} items, {len(named) - len(invalid)} valid, {len(invalid)} invalid")
    if explanation is not None:
        explanation.show()


def _given(
    keys: KeyReader, source: str | None, public_key: str | Path | None, signature: str | None, message: str | None,
    message_file: Path | None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    from pycore.errors import InputError

    single = (public_key, signature, message if message_file is None else str(message_file))
    if source is not None:
        if any(part is not None for part in single):
            raise InputError("FILE", f"{source!r} and a single item", "one of the two")
        return _read(source, keys)
    names = ("--public-key", "--signature", "--message or --message-file")
    for name, part in zip(names, single, strict=True):
        if part is None:
            raise InputError(name, "nothing", "a value, or FILE instead of a single item")
    assert public_key is not None
    assert signature is not None
    data = message_file.read_bytes() if message_file is not None else hex_bytes(message or "", "--message")
    if isinstance(public_key, Path):
        key = keys.file(public_key, "--public-key-file")
    else:
        key = keys.text(public_key, "--public-key")
    return [key], [hex_bytes(signature, "--signature")], [data]


def _read(source: str, keys: KeyReader) -> tuple[Any, Any, Any]:
    """The three columns of a file."""
    from pycore.errors import InputError

    suffix = Path(source).suffix.lower()
    if suffix == ".npz":
        return _read_npz(source)
    if suffix == ".csv":
        csv.field_size_limit(1 << 31)  # the default is too small for a long message
        try:
            rows = csv.DictReader(io.StringIO(read_text(source, "FILE"), newline=""))
            _check_header(rows.fieldnames or ())
            return _columns(enumerate(rows, 2), keys)
        except csv.Error as error:
            raise InputError("FILE", f"{source!r} ({error})", "comma-separated values") from error
    text = read_text(source, "FILE")
    if source != "-" and suffix not in (".jsonl", ".json", ".ndjson", ""):
        raise InputError("FILE", f"a name that ends in {suffix!r}", ".jsonl, .csv or .npz")
    return _columns(_json_rows(text), keys)


def _check_header(names: Sequence[str]) -> None:
    """InputError for a first line that is no header; its words are not shown, as they may be a key. An empty file has
    no line to be wrong."""
    from pycore.errors import InputError

    for name, spellings in _COLUMNS.items():
        if names and not any(one in names for one in spellings):
            raise InputError("line 1", f"no column {name}", f"the header {','.join(_COLUMNS)}")


def _json_rows(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    from pycore.errors import InputError

    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"line {number}", f"{line.strip()[:40]!r}", f"a JSON object ({error})") from error
        if not isinstance(row, dict):
            raise InputError(f"line {number}", f"a JSON {type(row).__name__}", "a JSON object")
        yield number, row


def _columns(
    rows: Iterable[tuple[int, Mapping[str, Any]]], keys: KeyReader
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    from pycore.errors import InputError

    columns: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])
    for number, row in rows:
        for column, (name, spellings) in zip(columns, _COLUMNS.items(), strict=True):
            value = next((row[one] for one in spellings if row.get(one) is not None), None)
            if not isinstance(value, str):
                raise InputError(
                    f"line {number}, {name}", "nothing" if value is None else repr(value)[:40], "hexadecimal"
                )
            read = keys.text if name == "public_key" else hex_bytes
            column.append(read(value, f"line {number}, {name}"))
    if not columns[0]:  # nothing that was checked is nothing that is valid
        raise InputError("FILE", "no rows", "at least one signature")
    return columns


def _read_npz(source: str) -> tuple[Any, Any, Any]:
    import numpy as np

    from pycore.errors import InputError

    columns: list[Any] = []
    try:
        archive = np.load(source, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("one array, not an archive")
        with archive:
            for name, spellings in _COLUMNS.items():
                found = next((one for one in spellings if one in archive.files), None)
                if found is None:
                    raise InputError("FILE", f"arrays {', '.join(archive.files)}", f"one called {name}")
                array, offsets = archive[found], f"{name}_offsets"
                columns.append((array, archive[offsets]) if offsets in archive.files else array)
    except InputError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("FILE", f"{source!r} ({error})", "an .npz archive of uint8 arrays") from error
    return columns[0], columns[1], columns[2]
