"""``pycore ethereum``: proofs of Ethereum's tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, note, print_json, read_text

if TYPE_CHECKING:
    from pycore.errors import ProofError

ethereum = typer.Typer(help="Proofs of Ethereum's state.", no_args_is_help=True, rich_markup_mode=None)


@ethereum.command()
def proof(
    source: Annotated[str, typer.Argument(metavar="FILE", help="The answer of eth_getProof; '-' is standard input.")],
    state_root: Annotated[
        str, typer.Option("--state-root", metavar="HEX", help="The state root of a header that you trust.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Check an account and its storage slots as eth_getProof gives them (EIP-1186); exit code 1 when a proof does not
    hold.

    The answer's own balance, nonce and values are ignored: the command prints what the proofs show.

    Examples:

      pycore ethereum proof answer.json --state-root 0x8dbd...

      curl ... | pycore ethereum proof - --state-root 0x8dbd... --json
    """
    from pycore.errors import ProofError
    from pycore.merkle import patricia

    root = hex_bytes(state_root, "--state-root")
    try:
        account, slots = patricia.verify_get_proof(root, _answer(source))
    except ProofError as error:
        _refuse(error, as_json=as_json)
    shown = None
    if account is not None:
        shown = {
            "nonce": account.nonce,
            "balance": account.balance,
            "storage_root": account.storage_root.hex(),
            "code_hash": account.code_hash.hex(),
        }
    storage = {f"0x{slot:064x}": f"0x{value:x}" for slot, value in slots.items()}
    if as_json:
        print_json({"valid": True, "verdict": "VALID", "account": shown, "storage": storage})
        return
    print("no such account" if shown is None else "\n".join(f"{name} {value}" for name, value in shown.items()))
    for slot, value in storage.items():
        print(f"{slot} {value}")


@ethereum.command()
def trie(
    root: Annotated[str, typer.Option("--root", metavar="HEX", help="The trie's root.")],
    key: Annotated[str, typer.Option("--key", metavar="HEX", help="The key.")],
    nodes: Annotated[
        list[str] | None, typer.Option("--node", metavar="HEX", help="An encoded node, root first; repeat for each.")
    ] = None,
    hashed: Annotated[bool, typer.Option(help="The trie's key is the Keccak-256 of the key.")] = False,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Pass over nodes that are part of their parent and listed once more.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check one proof of any trie (accounts, storage, transactions, receipts) and print the key's value as the trie has
    it; exit code 1 when the proof does not hold.

    Examples:

      pycore ethereum trie --root 0x4099... --key 0x646f --node 0xc98320646f8476657262
    """
    from pycore.errors import ProofError
    from pycore.merkle import patricia

    given = [hex_bytes(node, f"--node {i}") for i, node in enumerate(nodes or [], 1)]
    wanted, name = hex_bytes(root, "--root"), hex_bytes(key, "--key")
    try:
        value = patricia.verify_trie(wanted, name, given, hashed=hashed, embedded=embedded)
    except ProofError as error:
        _refuse(error, as_json=as_json)
    if as_json:
        print_json({"valid": True, "verdict": "VALID", "value": None if value is None else value.hex()})
    else:
        print("no value" if value is None else value.hex())


def _refuse(error: ProofError, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"valid": False, "verdict": error.verdict.name, "reason": error.reason})
    else:
        print(error.verdict.name)
        note(f"pycore: {error.reason or error.verdict.meaning}")
    raise typer.Exit(EXIT_INVALID)


def _answer(source: str) -> Mapping[str, Any]:
    """The result object, also when it is inside a whole JSON-RPC answer."""
    from pycore.errors import InputError

    text, wanted = read_text(source, "FILE"), "the answer of eth_getProof"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("FILE", f"text that is not JSON ({error})", wanted) from error
    if isinstance(found, dict) and isinstance(found.get("result"), dict):
        found = found["result"]
    if not isinstance(found, dict):
        raise InputError("FILE", f"a JSON {type(found).__name__}", wanted)
    return found
