"""``pycore merkle``: roots, inclusion proofs, and their check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import EXIT_INVALID
from ._output import JsonOption, hex_bytes, note, print_json, read_text

merkle = typer.Typer(help="Merkle roots and inclusion proofs.", no_args_is_help=True, rich_markup_mode=None)

TreeOption = Annotated[str, typer.Option("--tree", help="rfc9162, bitcoin or chainmaker.")]
HashOption = Annotated[str | None, typer.Option("--hash", help="Hash (default: the tree's own).")]
LeavesOption = Annotated[
    str | None,
    typer.Option("--leaves", metavar="FILE", help="Leaves in hexadecimal, one a line; '-' is standard input."),
]
FilesArgument = Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Each file is one leaf.")]


def _options(tree: str, hash_name: str | None) -> dict[str, Any]:
    return {"tree": tree} if hash_name is None else {"tree": tree, "hash": hash_name}


def _leaves(files: list[str] | None, listed: str | None) -> list[bytes]:
    from pycore.errors import InputError

    if bool(files) == (listed is not None):
        raise InputError(
            "leaves", "both --leaves and FILEs" if files else "nothing", "either --leaves or one file per leaf"
        )
    if files:
        return [Path(name).read_bytes() for name in files]
    assert listed is not None
    lines = read_text(listed, "--leaves").splitlines()
    return [hex_bytes(line, f"--leaves, line {number}") for number, line in enumerate(lines, 1)]


@merkle.command()
def root(
    files: FilesArgument = None,
    leaves: LeavesOption = None,
    tree: TreeOption = "rfc9162",
    hash_name: HashOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the root of a tree.

    Examples:

      pycore merkle root --leaves leaves.txt

      pycore merkle root --tree chainmaker --hash sm3 --leaves tx-hashes.txt
    """
    import pycore

    data = _leaves(files, leaves)
    value = pycore.merkle_root(data, **_options(tree, hash_name)).hex()
    if as_json:
        print_json({"tree": tree, "hash": hash_name, "leaf_count": len(data), "root": value})
    else:
        print(value)


@merkle.command()
def prove(
    index: Annotated[int, typer.Option("--index", help="Which leaf, counted from 0.")],
    files: FilesArgument = None,
    leaves: LeavesOption = None,
    tree: TreeOption = "rfc9162",
    hash_name: HashOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the inclusion proof of one leaf: its siblings from the leaf to the root, one a line.

    Examples:

      pycore merkle prove --index 5 --leaves leaves.txt

      pycore merkle prove --index 5 --leaves leaves.txt --json > proof.json && pycore merkle check --from proof.json
    """
    import pycore
    from pycore.errors import InputError

    data = _leaves(files, leaves)
    if not 0 <= index < len(data):
        raise InputError("--index", str(index), f"a leaf's number, below {len(data)}")
    built = pycore.MerkleTree(data, **_options(tree, hash_name))
    steps = [bytes(step).hex() for step in built.proof(index)]
    if as_json:
        print_json(
            {
                "tree": tree,
                "hash": hash_name,
                "index": index,
                "leaf_count": len(data),
                "leaf": data[index].hex(),
                "root": bytes(built.root).hex(),
                "proof": steps,
            }
        )
        return
    note(f"leaf {index} of {len(data)}, root {bytes(built.root).hex()}")
    for step in steps:
        print(step)


@merkle.command()
def check(
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="What `merkle prove --json` printed; options override it."),
    ] = None,
    root_hex: Annotated[str | None, typer.Option("--root", metavar="HEX")] = None,
    leaf: Annotated[str | None, typer.Option("--leaf", metavar="HEX")] = None,
    index: Annotated[int | None, typer.Option("--index", help="Which leaf, counted from 0.")] = None,
    leaf_count: Annotated[int | None, typer.Option("--leaf-count", help="Leaves of the tree.")] = None,
    proof: Annotated[
        list[str] | None, typer.Option("--proof", metavar="HEX", help="A sibling, leaf first; repeat for each.")
    ] = None,
    tree: Annotated[str | None, typer.Option("--tree", help="rfc9162, bitcoin or chainmaker.")] = None,
    hash_name: HashOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check an inclusion proof; exit code 1 when it does not hold.

    Examples:

      pycore merkle check --from proof.json

      pycore merkle check --from proof.json --leaf 00ff
    """
    import pycore
    from pycore.errors import ProofError

    options = {"root": root_hex, "leaf": leaf, "index": index, "leaf_count": leaf_count, "proof": proof, "tree": tree}
    given = _proof(source, {name: value for name, value in options.items() if value is not None})
    try:
        pycore.verify_inclusion(
            hex_bytes(given["root"], "--root"),
            hex_bytes(given["leaf"], "--leaf"),
            [hex_bytes(step, "--proof") for step in given["proof"]],
            index=given["index"],
            leaf_count=given["leaf_count"],
            **_options(given.get("tree") or "rfc9162", hash_name or given.get("hash")),
        )
    except ProofError as error:
        verdict, valid = error.verdict.name, False
    else:
        verdict, valid = "VALID", True
    if as_json:
        print_json({"valid": valid, "verdict": verdict})
    else:
        print(verdict)
    if not valid:
        raise typer.Exit(EXIT_INVALID)


def _proof(source: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """What `merkle prove --json` printed, overridden by options; every field is there and of its type."""
    import json

    from pycore.errors import InputError

    given: dict[str, Any] = {}
    if source is not None:
        text = read_text(source, "--from")
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(
                "--from", f"text that is not JSON ({error})", "the output of `merkle prove --json`"
            ) from error
        if not isinstance(given, dict):
            raise InputError("--from", f"a JSON {type(given).__name__}", "the output of `merkle prove --json`")
    given = {"proof": [], **given, **options}
    for name in ("root", "leaf", "index", "leaf_count"):
        if given.get(name) is None:
            raise InputError(f"--{name.replace('_', '-')}", "nothing", "a value, here or in --from")
    for name in ("index", "leaf_count"):
        if not isinstance(given[name], int) or isinstance(given[name], bool):
            raise InputError(f"--{name.replace('_', '-')}", repr(given[name])[:40], "a number")
    if not isinstance(given["proof"], list):
        raise InputError("--proof", f"a {type(given['proof']).__name__}", "a list of hexadecimal digests")
    return given
