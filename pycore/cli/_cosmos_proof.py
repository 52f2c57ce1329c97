"""The work of ``pycore cosmos proof``: proofs of transactions, of the application's answers, and of ICS-23."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pycore.errors import InputError, ProofError

from ._cosmos import CHAIN, read_file, read_header
from ._output import hex_bytes

if TYPE_CHECKING:
    from pycore.base.verdicts import Verdict
    from pycore.client import ValidationClient

SPECS = ("iavl", "tendermint", "smt")


@dataclass(frozen=True)
class Asked:
    """The options of the command, as they were given."""

    file: str
    root: str | None
    header: str | None
    spec: str | None
    key: bytes | None
    value: bytes | None
    absent: bool
    path: str | None
    rules: str


@dataclass(frozen=True)
class Outcome:
    """The outcome.

    kind     "transaction", "query" or "ics23"
    verdict  VALID where the proof holds
    shown    what it is about, in the order in which it is shown
    """

    kind: str
    verdict: Verdict
    shown: dict[str, Any]


def text_or_hex(text: str | None, digits: str | None, option: str) -> bytes | None:
    """Bytes of one of two options, text or hexadecimal; None where neither is given."""
    if text is not None and digits is not None:
        raise InputError(option, f"{option}-hex as well", "one of them")
    return text.encode() if text is not None else None if digits is None else hex_bytes(digits, f"{option}-hex")


def check(asked: Asked, service: ValidationClient | None) -> Outcome:
    """Checks the proof of the file, whatever it is."""
    form, data = read_file(asked.file)
    if form == "rpc":
        answer = _object(data)
        if isinstance(answer.get("proof"), dict) or "root_hash" in answer:
            return _transaction(asked, answer, service)
        if isinstance(answer.get("response"), dict):
            return _query(asked, answer["response"], service)
        return _ics23(asked, answer, service)
    return _ics23(asked, data, service)


def _object(data: bytes) -> dict[str, Any]:
    """The result that an answer holds, or the object itself."""
    from pycore.ledgers.cometbft import rpc

    return dict(rpc.answer(data, "FILE").values)


def _root(asked: Asked, name: str) -> bytes:
    """The trusted root: as given, or that field of a trusted header."""
    if (asked.root is None) == (asked.header is None):
        got = "neither" if asked.root is None else "--header as well"
        raise InputError("--root", got, "--root HEX or --header FILE, from somebody whom you trust")
    if asked.root is not None:
        return hex_bytes(asked.root, "--root")
    assert asked.header is not None
    found: bytes = getattr(read_header(asked.header)[0], name)
    return found


def _verdict(call: Any) -> Verdict:
    from pycore.base.verdicts import Verdict

    try:
        call()
    except ProofError as error:
        return error.verdict
    return Verdict.VALID


def _only(asked: Asked, service: object, what: str) -> None:
    """Refuses options that mean nothing for an answer that says everything itself."""
    given = {"--spec": asked.spec, "--via": service, "--absent": asked.absent or None}
    for option, value in given.items():
        if value is not None:
            raise InputError(option, f"{what} as well", "a proof of ICS-23 with it")


# ---- transactions ----------------------------------------------------------------------------------------------------


def _transaction(asked: Asked, answer: dict[str, Any], service: ValidationClient | None) -> Outcome:
    """Of `/tx?prove=true`: the transaction is in the block whose header has this data_hash."""
    from pycore import ledgers
    from pycore.ledgers.cometbft import hashes, rpc

    _only(asked, service, "the proof of a transaction")
    for option, given in (("--key", asked.key), ("--value", asked.value), ("--path", asked.path)):
        if given is not None:
            raise InputError(option, "the proof of a transaction as well", "nothing: the answer has the transaction")
    proof = rpc.tx_proof(answer, "FILE")
    digest = hashes.transaction_hash(proof.data)
    root = _root(asked, "data_hash")
    ledger: Any = ledgers.get(CHAIN)
    verdict = _verdict(lambda: ledger.verify_inclusion(root, digest, answer, form="rpc"))
    shown = {"root": root, "transaction": digest, "bytes": len(proof.data)}  # the path does not tell the position
    return Outcome("transaction", verdict, shown)


# ---- the application's state -----------------------------------------------------------------------------------------


def _query(asked: Asked, response: dict[str, Any], service: ValidationClient | None) -> Outcome:
    """Of `/abci_query?prove=true`: the state whose hash the next header has has this value under this key, or has not.

    The path is that of the proof unless one is given: it is shown, and the caller sees whether it is the right one.
    """
    from pycore import ics23
    from pycore.ledgers.cometbft.fields import of_base64

    _only(asked, service, "the answer to a query")
    for option, given in (("--key", asked.key), ("--value", asked.value)):
        if given is not None:
            raise InputError(option, "the answer to a query as well", "--path, or nothing: the answer has both")
    ops = response.get("proofOps") or response.get("proof_ops")
    steps = ops.get("ops") if isinstance(ops, dict) else None
    if not isinstance(steps, list) or not all(isinstance(one, dict) for one in steps):
        raise InputError("FILE", "an answer without a proof", "one to a query with prove=true")
    keys = [of_base64(one.get("key") or "", f"FILE.ops[{i}].key") for i, one in enumerate(steps)]
    value = of_base64(response.get("value") or "", "FILE.response.value") or None
    path = asked.path if asked.path is not None else keys[::-1]
    root = _root(asked, "app_hash")
    verdict = _verdict(lambda: ics23.verify_query({"ops": steps}, root, path, value, rules=asked.rules))
    shown = {"root": root, "path": "/" + "/".join(quote(key, safe="") for key in keys[::-1]), "value": value}
    return Outcome("query", verdict, shown)


# ---- ICS-23 ----------------------------------------------------------------------------------------------------------


def _ics23(asked: Asked, proof: Any, service: ValidationClient | None) -> Outcome:
    """A CommitmentProof: the tree has the value under the key, or has nothing there."""
    from pycore import ics23

    if asked.path is not None:
        raise InputError("--path", "a proof of ICS-23 as well", "the answer to a query with it")
    if asked.spec is None:
        raise InputError("--spec", "nothing", "iavl, tendermint, smt, or the file of a ProofSpec")
    if asked.key is None:
        raise InputError("--key", "nothing", "--key TEXT or --key-hex HEX")
    if (asked.value is None) != asked.absent:
        got = "nothing" if asked.value is None else "--absent as well"
        raise InputError("--value", got, "--value TEXT, --value-hex HEX or --absent")
    spec: Any = asked.spec if asked.spec in SPECS else _spec(asked.spec)
    root = _root(asked, "app_hash")
    values = [asked.value]
    if service is not None:
        verdicts = service.verify_ics23(spec, root, [proof], [asked.key], values, rules=asked.rules)
    elif asked.value is None:
        verdicts = ics23.verify_non_membership_batch(spec, root, [proof], [asked.key], rules=asked.rules)
    else:
        verdicts = ics23.verify_membership_batch(spec, root, [proof], [asked.key], [asked.value], rules=asked.rules)
    shown = {"root": root, "key": asked.key, "value": asked.value, "rules": asked.rules}
    return Outcome("ics23", verdicts[0], shown)


def _spec(name: str) -> Any:
    """A spec from a file: JSON, or protobuf."""
    if not Path(name).is_file():
        raise InputError("--spec", repr(name[:80]), "iavl, tendermint, smt, or the file of a ProofSpec")
    form, data = read_file(name)
    return json.loads(data) if form == "rpc" else data
