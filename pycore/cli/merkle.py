"""``pycore merkle``: roots, proofs and their check, trees that grow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ._exits import EXIT_INVALID
from ._output import JsonOption, hex_bytes, note, print_json, progress, read_text

merkle = typer.Typer(help="Merkle roots, proofs, and trees that grow.", no_args_is_help=True, rich_markup_mode=None)

TreeOption = Annotated[str, typer.Option("--tree", help="rfc9162, bitcoin, chainmaker or ssz.")]
HashOption = Annotated[str | None, typer.Option("--hash", help="Hash (default: the tree's own).")]
LeavesOption = Annotated[
    str | None,
    typer.Option("--leaves", metavar="FILE", help="Leaves in hexadecimal, one a line; '-' is standard input."),
]
ChunksOption = Annotated[
    str | None,
    typer.Option("--packed", metavar="FILE", help="Leaves of --width bytes each, one after another; any size."),
]
WidthOption = Annotated[int, typer.Option("--width", help="Bytes per leaf of --packed.")]
LimitOption = Annotated[int | None, typer.Option("--limit", help="ssz: how many chunks there is room for.")]
FilesArgument = Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Each file is one leaf.")]


_PIECE = 1 << 22  # bytes of packed leaves that are mapped at a time


def _options(tree: str, hash_name: str | None, limit: int | None = None) -> dict[str, Any]:
    given = {"tree": tree, "hash": hash_name, "limit": limit}
    return {name: value for name, value in given.items() if value is not None}


def _leaves(files: list[str] | None, listed: str | None, packed: str | None, width: int) -> Iterator[Any]:
    """Chunks of leaves, from the one source that is given."""
    from pycore.errors import InputError

    if bool(files) + (listed is not None) + (packed is not None) != 1:
        given = [name for name, value in (("--leaves", listed), ("--packed", packed), ("FILEs", files)) if value]
        raise InputError("leaves", " and ".join(given) or "nothing", "one of --leaves, --packed, or one file per leaf")
    if packed is not None:
        yield from _packed(packed, width)
    elif files:
        yield [Path(name).read_bytes() for name in files]
    else:
        lines = read_text(listed or "", "--leaves").splitlines()
        if "" in map(str.strip, lines):
            number = [line.strip() for line in lines].index("") + 1
            raise InputError(f"--leaves, line {number}", "a blank line", "hexadecimal; 0x for an empty leaf")
        yield [hex_bytes(line, f"--leaves, line {number}") for number, line in enumerate(lines, 1)]


def _packed(name: str, width: int) -> Iterator[Any]:
    """A file of fixed-width leaves, mapped a piece at a time so that its pages can be let go."""
    import numpy as np

    from pycore.errors import InputError

    size = Path(name).stat().st_size
    if width < 1 or size % width:
        raise InputError("--width", str(width), f"a number that divides {size}, the bytes of {name}")
    step = max(1, _PIECE // width)
    with progress("hashing", size) as advance:
        for first in range(0, size // width, step):
            count = min(step, size // width - first)
            yield np.memmap(name, np.uint8, "r", first * width, (count, width))
            advance(count * width)


@merkle.command()
def root(
    files: FilesArgument = None,
    leaves: LeavesOption = None,
    packed: ChunksOption = None,
    width: WidthOption = 32,
    tree: TreeOption = "rfc9162",
    hash_name: HashOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the root of a tree. With --packed, of any size in bounded memory, but without a word on mutated lists:
    where a tree pairs odd nodes with themselves, a list that ends in equal leaves has the root of a shorter one.

    Examples:

      pycore merkle root --leaves leaves.txt

      pycore merkle root --tree chainmaker --hash sm3 --leaves tx-hashes.txt

      pycore merkle root --packed leaves.bin --width 32
    """
    import pycore

    options, mutated = _options(tree, hash_name, limit), None
    if packed is None:
        whole = [leaf for part in _leaves(files, leaves, packed, width) for leaf in part]
        made = pycore.MerkleTree(whole, **options)
        mutated, count, digest = made.mutated, made.leaf_count, made.root
    else:
        done = pycore.merkle_stream(_leaves(files, leaves, packed, width), **options)
        count, digest = done.leaf_count, done.root
    if as_json:
        document = {"tree": tree, "hash": hash_name, "leaf_count": count, "root": digest.hex(), "mutated": mutated}
        print_json(document)
    else:
        print(digest.hex())
    if mutated:
        note("pycore: the list is mutated: a shorter one has the same root (CVE-2012-2459); refuse it")


@merkle.command()
def prove(
    index: Annotated[int, typer.Option("--index", help="Which leaf, counted from 0.")],
    files: FilesArgument = None,
    leaves: LeavesOption = None,
    packed: ChunksOption = None,
    width: WidthOption = 32,
    tree: TreeOption = "rfc9162",
    hash_name: HashOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the inclusion proof of one leaf: its siblings from the leaf to the root, one a line.

    Examples:

      pycore merkle prove --index 5 --leaves leaves.txt

      pycore merkle prove --index 5 --leaves leaves.txt --json > proof.json && pycore merkle check --from proof.json
    """
    import pycore
    from pycore.errors import InputError

    if index < 0:
        raise InputError("--index", str(index), "a leaf's number, 0 or more")
    built = pycore.MerkleFrontier(watch=[index], **_options(tree, hash_name, limit))
    proved = b""
    for chunk in _leaves(files, leaves, packed, width):
        if 0 <= index - built.leaf_count < len(chunk):
            proved = bytes(chunk[index - built.leaf_count])
        built.append(chunk)
    if index >= built.leaf_count:
        raise InputError("--index", str(index), f"a leaf's number, below {built.leaf_count}")
    steps = [step.hex() for step in built.proof(index)]
    if as_json:
        document = {
            "tree": tree,
            "hash": hash_name,
            "index": index,
            "leaf_count": built.leaf_count,
            "leaf": proved.hex(),
            "root": built.root.hex(),
            "proof": steps,
        }
        print_json(document if limit is None else {**document, "limit": limit})
        return
    note(f"leaf {index} of {built.leaf_count}, root {built.root.hex()}")
    for step in steps:
        print(step)


@merkle.command()
def append(
    state: Annotated[str, typer.Option("--state", metavar="FILE", help="The tree; made when it is not there.")],
    files: FilesArgument = None,
    leaves: LeavesOption = None,
    packed: ChunksOption = None,
    width: WidthOption = 32,
    tree: Annotated[str | None, typer.Option("--tree", help="Of a new tree (default: rfc9162).")] = None,
    hash_name: HashOption = None,
    limit: LimitOption = None,
    watch: Annotated[
        list[int] | None, typer.Option("--watch", help="A new tree: a leaf to prove later; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Append leaves to a tree that is kept as a few digests, and print its root.

    Every size is a checkpoint: with --json the document says that the tree extends the one of the call before, and
    `merkle check` checks that. It also has the proofs of the watched leaves.

    Examples:

      pycore merkle append --state log.bin --leaves leaves.txt

      pycore merkle append --state log.bin --leaves leaves.txt --json > new.json && pycore merkle check --from new.json
    """
    import pycore
    from pycore.errors import InputError

    path = Path(state)
    if path.exists():
        frontier = pycore.MerkleFrontier.from_bytes(path.read_bytes())
        given = {"tree": tree, "hash": hash_name, "limit": limit}
        for name, value in given.items():
            if value is not None and value != getattr(frontier, name):
                raise InputError(f"--{name}", str(value), f"{getattr(frontier, name)}, as in {state}, or nothing")
        if watch:
            raise InputError("--watch", str(watch[0]), "nothing: leaves are named when a tree is new")
    else:
        frontier = pycore.MerkleFrontier(watch=watch or [], **_options(tree or "rfc9162", hash_name, limit))
    old_count, old_root = frontier.leaf_count, frontier.root
    for chunk in _leaves(files, leaves, packed, width):
        frontier.append(chunk)
    document: dict[str, Any] = {
        "tree": frontier.tree,
        "hash": frontier.hash,
        "leaf_count": frontier.leaf_count,
        "root": frontier.root.hex(),
    }
    if frontier.tree == "rfc9162" and frontier.leaf_count:
        if old_count:
            steps = [step.hex() for step in frontier.consistency_proof(old_count)]
            document |= {"old_leaf_count": old_count, "old_root": old_root.hex(), "proof": steps}
            frontier.forget(old_count)
        frontier.checkpoint()
    watched = [index for index in frontier.watched_leaves if index < frontier.leaf_count]
    document["proofs"] = {str(index): [step.hex() for step in frontier.proof(index)] for index in watched}
    _replace(path, frontier.to_bytes())
    if as_json:
        print_json(document)
    else:
        note(f"{frontier.leaf_count} leaves, {frontier.leaf_count - old_count} new")
        print(frontier.root.hex())


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@merkle.command()
def check(
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="What `prove` or `append --json` printed; options override it."),
    ] = None,
    root_hex: Annotated[str | None, typer.Option("--root", metavar="HEX")] = None,
    leaf: Annotated[str | None, typer.Option("--leaf", metavar="HEX")] = None,
    index: Annotated[int | None, typer.Option("--index", help="Which leaf, counted from 0.")] = None,
    leaf_count: Annotated[int | None, typer.Option("--leaf-count", help="Leaves of the tree.")] = None,
    proof: Annotated[
        list[str] | None, typer.Option("--proof", metavar="HEX", help="A sibling, leaf first; repeat for each.")
    ] = None,
    tree: Annotated[str | None, typer.Option("--tree", help="rfc9162, bitcoin, chainmaker or ssz.")] = None,
    hash_name: HashOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check an inclusion proof, or, from the output of `merkle append --json`, that a tree grew; exit code 1
    when it does not hold.

    Examples:

      pycore merkle check --from proof.json

      pycore merkle check --from proof.json --leaf 00ff
    """
    import pycore
    from pycore.errors import ProofError

    options = {"root": root_hex, "leaf": leaf, "index": index, "leaf_count": leaf_count, "proof": proof, "tree": tree}
    options["limit"] = limit
    given = _proof(source, {name: value for name, value in options.items() if value is not None})
    try:
        if "old_root" in given:
            pycore.verify_consistency(
                hex_bytes(given["old_root"], "old_root"),
                hex_bytes(given["root"], "--root"),
                [hex_bytes(step, "--proof") for step in given["proof"]],
                m=given["old_leaf_count"],
                n=given["leaf_count"],
                hash=hash_name or given.get("hash") or "sha256",
            )
        else:
            pycore.verify_inclusion(
                hex_bytes(given["root"], "--root"),
                hex_bytes(given["leaf"], "--leaf"),
                [hex_bytes(step, "--proof") for step in given["proof"]],
                index=given["index"],
                leaf_count=given["leaf_count"],
                **_options(given.get("tree") or "rfc9162", hash_name or given.get("hash"), given.get("limit")),
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
    """The output of `merkle prove --json`, overridden by options; every field is present and has its type."""
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
    grown = "old_root" in given
    numbers = ("old_leaf_count", "leaf_count") if grown else ("index", "leaf_count")
    for name in ("root", *numbers) if grown else ("root", "leaf", *numbers):
        if given.get(name) is None:
            raise InputError(f"--{name.replace('_', '-')}", "nothing", "a value, here or in --from")
    for name in numbers:
        if not isinstance(given[name], int) or isinstance(given[name], bool):
            raise InputError(f"--{name.replace('_', '-')}", repr(given[name])[:40], "a number")
    if not isinstance(given["proof"], list):
        raise InputError("--proof", f"a {type(given['proof']).__name__}", "a list of hexadecimal digests")
    return given
