"""The JSON form of a trusted state: what a reader of bundles keeps, and sends to a service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pycore import ledgers
from pycore.base.columns import quote
from pycore.bundle import forms
from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.proof import ProofRules, Trusted

FORMAT = 1
_FIELDS = ("format", "chain", "chain_id", "height", "block_hash", "context")
_PLACE = ("height", "previous_block_hash")
_MAX_HASH = 64


def rules_of(chain: str, field: str) -> ProofRules:
    """The rules of a chain's bundles. InputError for a chain that has none."""
    rules: ProofRules | None = getattr(ledgers.get(chain), "proofs", None) if chain in ledgers.names() else None
    if rules is None:
        known = [name for name in ledgers.names() if getattr(ledgers.get(name), "proofs", None) is not None]
        raise InputError(field, quote(chain), "a chain with bundles: " + ", ".join(map(repr, known)))
    return rules


def trusted_to_dict(trusted: Trusted) -> dict[str, Any]:
    """The state as JSON-ready objects; the hash in hexadecimal."""
    return {
        "format": FORMAT,
        "chain": trusted.chain,
        "chain_id": trusted.chain_id,
        "height": trusted.height,
        "block_hash": trusted.block_hash.hex(),
        "context": trusted.context.to_dict(),
    }


def trusted_to_json(trusted: Trusted, *, indent: int | None = 2) -> str:
    """The JSON document that :func:`read_trusted` reads."""
    return json.dumps(trusted_to_dict(trusted), indent=indent, ensure_ascii=False)


def read_trusted(document: Trusted | Mapping[str, Any] | str | bytes | Path) -> Trusted:
    """A trusted state: itself, its JSON text, its objects, or the path of a file that holds it (a Path).

    Raises:
        InputError: the field that does not fit. The context is that of blocks after the state, without a place.
    """
    if isinstance(document, Trusted):
        rules_of(document.chain, "trusted.chain")
        ledgers.get(document.chain).context(document.context)  # InputError where it is another chain's
        return document
    if isinstance(document, Path):
        try:
            document = document.read_bytes()
        except ValueError as error:  # text that no path can be
            raise InputError("trusted", str(error), "the path of a file") from error
    whole: Any = load_object(document, "trusted") if isinstance(document, (str, bytes)) else document
    if not isinstance(whole, Mapping) or whole.keys() != set(_FIELDS):
        got = ", ".join(sorted(map(str, whole)))[:200] if isinstance(whole, Mapping) else type(whole).__name__
        raise InputError("trusted", got or "nothing", "an object with " + ", ".join(_FIELDS))
    if type(whole["format"]) is not int or whole["format"] != FORMAT:
        raise InputError("trusted.format", quote(whole["format"]), str(FORMAT))
    for name in ("chain", "chain_id"):
        if not isinstance(whole[name], str) or forms.has_half(whole[name]):
            raise InputError(f"trusted.{name}", quote(whole[name])[:80], "text that UTF-8 can write")
    rules_of(whole["chain"], "trusted.chain")
    height = whole["height"]
    if type(height) is not int or not 0 <= height < 1 << 63:
        raise InputError("trusted.height", quote(height), "an integer from 0 to 2^63 - 1")
    context = whole["context"]
    if not isinstance(context, Mapping):
        raise InputError("trusted.context", type(context).__name__, "a JSON object")
    made = ledgers.get(whole["chain"]).context(context)
    for name in _PLACE:
        if getattr(made, name, None) is not None:
            raise InputError(f"trusted.context.{name}", "a block's place", "none: the state has its own")
    return Trusted(whole["chain"], whole["chain_id"], height, _digest(whole["block_hash"]), made)


def _digest(value: Any) -> bytes:
    wanted = f"1 to {_MAX_HASH} bytes in hexadecimal"
    try:
        found = bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise InputError("trusted.block_hash", quote(value)[:80], wanted) from error
    if not 0 < len(found) <= _MAX_HASH:
        raise InputError("trusted.block_hash", f"{len(found)} bytes", wanted)
    return found
