"""The rows of docs/guides/interop.md and the records that they are about."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycore
from pycore.base.verdicts import Verdict, verdict_error
from pycore.errors import InputError, VerificationError
from pycore.identities.keys import load_public_key
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.messages import SignedHeader
from pycore.merkle.patricia import verify_trie
from pycore.testing.cometbft_light import LightChain

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "guides" / "interop.md"
RECORDS = ROOT / "tests" / "vectors" / "interop"
Record = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of a table: the record's name, the Python call, the options of the command line, what the first guess
    answers."""

    id: str
    package: str
    call: str
    flags: str
    guess: str


@dataclass(frozen=True)
class Asked:
    """A call that the page made: the function's name, its positional arguments and its options."""

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]


@functools.cache
def records() -> dict[str, Record]:
    """Name -> record, bytes instead of hexadecimal."""
    found: dict[str, Record] = {}
    for path in sorted(RECORDS.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            assert row["id"] not in found, row["id"]
            found[row["id"]] = {name: _bytes(name, value) for name, value in row.items()}
    return found


def _bytes(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [bytes.fromhex(one) for one in value]
    return bytes.fromhex(value) if isinstance(value, str) and name not in _TEXTS else value


_TEXTS = {"id", "package", "version", "call"}


@functools.cache
def rows() -> tuple[Row, ...]:
    """The lines of all tables whose first column is a record's name."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [one.strip() for one in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.startswith("| `") and len(cells) == _COLUMNS:
            call, flags, guess = (one.strip("`").replace("\\|", "|") for one in cells[3:6])
            found.append(Row(cells[0].strip("`"), cells[1], call, flags, guess))
    return tuple(found)


_COLUMNS = 7


def run(call: str, record: Record) -> tuple[str, Asked | None]:
    """The verdict's name of a call of the page, VALID where it returns, and what it asked last."""
    asked: list[Asked] = []

    def noting(function: Any) -> Any:
        def noted(*args: Any, **options: Any) -> Any:
            asked.append(Asked(function.__name__, args, options))
            return function(*args, **options)

        return noted

    names = {
        "verify": noting(pycore.verify),
        "verify_inclusion": noting(pycore.verify_inclusion),
        "verify_trie": noting(verify_trie),
        "commit_holds": noting(commit_holds),
        "load_public_key": load_public_key,
        "hash": pycore.hash,
        **{_NAMES.get(name, name): value for name, value in record.items()},
    }
    try:
        value = eval(call, names | {"__builtins__": {"len": len, "bytes": bytes, "str": str}})
    except VerificationError as error:
        return error.verdict.name, asked[-1] if asked else None
    except InputError:
        return "InputError", asked[-1] if asked else None
    assert value is not False, call
    if value is not None and "value" in record:
        assert value == record["value"]
    return "VALID", asked[-1]


_NAMES = {"public_key": "key"}


def guess(record: Record, call: str) -> str:
    """The answer of the scheme's defaults, in the encoding that the signature is in."""
    match = re.match(r'verify\("([a-z0-9-]+)"', call)
    if match is None:
        return run(re.sub(r"\[[^]]* for [^]]*\]", "proof", _DEFAULTS.sub("", call)), record)[0]
    der = match[1] not in ("ed25519", "schnorr-secp256k1") and _is_der(record["signature"])
    return run(f'verify("{match[1]}", key, signature, message{", encoding=" + repr("der") if der else ""})', record)[0]


_DEFAULTS = re.compile(r", (?:tree|hash|hashed|embedded)=[^,)]+")


def _is_der(signature: bytes) -> bool:
    return len(signature) > 6 and signature[0] == 0x30 and signature[1] == len(signature) - 2


# ---- CometBFT --------------------------------------------------------------------------------------------------------


@functools.cache
def signed_commit() -> Any:
    """A header, its validators and its commit in protobuf, of a generated chain."""
    chain = LightChain(heights=2, validators=4, seed=17)
    block = chain.blocks[2]
    header: SignedHeader = block.signed_header

    class Made:
        commit = encoding.commit(header.commit)
        header_bytes = encoding.header(header.header)
        validators = encoding.validators(block.validators)

    return Made


def commit_report(commit: bytes) -> Any:
    """The report on the generated header with this commit."""
    from pycore.consensus import verify_commit

    made = signed_commit()
    whole = encoding.message(1, made.header_bytes) + encoding.message(2, commit)
    return verify_commit(made.validators, whole, mode="full", form="wire")


def commit_holds(commit: bytes) -> None:
    """Raises InvalidSignature where the commit does not hold."""
    if not commit_report(commit).valid:
        raise verdict_error(Verdict.BAD_SIGNATURE)
