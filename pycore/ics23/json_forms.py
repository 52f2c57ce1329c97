"""Proofs and specs out of JSON: protobuf's JSON form, as IBC tools and RPC gateways print it.

Names in either spelling (``prehash_key``, ``prehashKey``), bytes in base64, enumerations by name or number, numbers
also as decimal text. A name that the message does not have, or both spellings of one, is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pycore.base.json_size import check_size
from pycore.errors import InputError
from pycore.ics23.reading import (
    MAX_ENTRIES,
    MAX_OP_BYTES,
    Entries,
    Entry,
    ExistenceProof,
    NonExistenceProof,
    RefusedError,
    check_sharing,
)
from pycore.ics23.specs import HASH_OPS, LENGTH_OPS, MAX_DEPTH, InnerOp, InnerSpec, LeafOp

MAX_TEXT = 64 << 20
"""Characters of JSON text."""
_MAX_VALUES = 1 << 18  # values and names; batches of more come in protobuf
_MAX_LEVELS, _MAX_DIGITS = 32, 64


def parsed(text: str | bytes) -> Any:
    """JSON text as a value; a name twice in one object is refused."""
    if len(text) > MAX_TEXT:
        raise RefusedError(f"JSON of more than {MAX_TEXT} characters")
    try:
        document = text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass")
        check_size(document, "JSON", _MAX_VALUES, _MAX_LEVELS)
        return json.loads(document, object_pairs_hook=_unique, parse_int=_integer, parse_float=_float)
    except InputError as error:
        raise RefusedError(f"JSON with {error.got}") from None
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"text that is no JSON ({type(error).__name__})") from None


def _integer(digits: str) -> int:
    return int(_short(digits))


def _float(digits: str) -> float:
    return float(_short(digits))


def _short(digits: str) -> str:
    """Turning digits into a number takes the square of their count."""
    if len(digits) > _MAX_DIGITS:
        raise RefusedError(f"JSON with a number of {len(digits)} characters")
    return digits


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RefusedError("JSON with a name twice")
    return found


def members(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """The members of an object by their snake-case names; those that are null are absent."""
    if not isinstance(value, Mapping):
        raise RefusedError("JSON with something else where an object belongs")
    found: dict[str, Any] = {}
    for name, one in value.items():
        snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower() if isinstance(name, str) else ""
        if snake not in names or snake in found:
            raise RefusedError(f"JSON with the name {str(name)[:40]!r}")
        if one is not None:
            found[snake] = one
    return found


def octets(value: Any) -> bytes:
    """Base64 with its padding."""
    if not isinstance(value, str):
        raise RefusedError("JSON with something else where base64 belongs")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError("text that is not base64") from None


def listed(value: Any, most: int = MAX_ENTRIES) -> Sequence[Any]:
    """A list of bounded length."""
    if not isinstance(value, (list, tuple)) or len(value) > most:
        raise RefusedError(f"JSON with something else where a list of at most {most} belongs")
    return value


def integer(value: Any) -> int:
    """An int32, also as decimal text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,10}", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(1 << 31) <= value < 1 << 31:
        raise RefusedError("JSON with something else where a number of 32 bits belongs")
    return value


def _named(value: Any, names: Sequence[str]) -> int:
    if isinstance(value, str) and value in names:
        return names.index(value)
    return integer(value)


def leaf_of(value: Any) -> LeafOp:
    """A LeafOp."""
    found = members(value, ("hash", "prehash_key", "prehash_value", "length", "prefix"))
    return LeafOp(
        _named(found.get("hash", 0), HASH_OPS),
        _named(found.get("prehash_key", 0), HASH_OPS),
        _named(found.get("prehash_value", 0), HASH_OPS),
        _named(found.get("length", 0), LENGTH_OPS),
        octets(found.get("prefix", "")),
    )


def _inner(value: Any) -> InnerOp:
    found = members(value, ("hash", "prefix", "suffix"))
    # This form writes what a message lacks as empty text as well, so an empty suffix is one that is absent.
    made = InnerOp(
        _named(found.get("hash", 0), HASH_OPS), octets(found.get("prefix", "")), octets(found.get("suffix", "")) or None
    )
    if max(len(made.prefix), len(made.suffix or b"")) > MAX_OP_BYTES:
        raise RefusedError(f"a prefix or suffix of more than {MAX_OP_BYTES} bytes")
    return made


def _exist(value: Any, lookup: Sequence[InnerOp] | None) -> ExistenceProof:
    found = members(value, ("key", "value", "leaf", "path"))
    path = listed(found.get("path", ()), MAX_DEPTH)
    if lookup is None:
        steps = tuple(_inner(step) for step in path)
    else:
        places = [integer(place) for place in path]
        if any(not 0 <= place < len(lookup) for place in places):
            raise RefusedError(f"a step outside the {len(lookup)} shared ones")
        steps = tuple(lookup[place] for place in places)
    leaf = leaf_of(found["leaf"]) if "leaf" in found else None
    return ExistenceProof(octets(found.get("key", "")), octets(found.get("value", "")), leaf, steps)


def _nonexist(value: Any, lookup: Sequence[InnerOp] | None) -> NonExistenceProof:
    found = members(value, ("key", "left", "right"))
    octets(found.get("key", ""))
    sides = (_exist(found[name], lookup) if name in found else None for name in ("left", "right"))
    return NonExistenceProof(*sides)


def _entry(value: Any, lookup: Sequence[InnerOp] | None) -> Entry:
    found = members(value, ("exist", "nonexist"))
    if len(found) != 1:
        raise RefusedError("an entry that is not one of existence or absence")
    if "exist" in found:
        return _exist(found["exist"], lookup)
    return _nonexist(found["nonexist"], lookup)


def commitment_of(value: Any) -> Entries:
    """A CommitmentProof."""
    found = members(value, ("exist", "nonexist", "batch", "compressed"))
    if len(found) != 1:
        raise RefusedError("a proof that is not exactly one of exist, nonexist, batch, compressed")
    if "exist" in found:
        return Entries([_exist(found["exist"], None)])
    if "nonexist" in found:
        return Entries([_nonexist(found["nonexist"], None)])
    if "batch" in found:
        entries = listed(members(found["batch"], ("entries",)).get("entries", ()))
        return Entries([_entry(one, None) for one in entries], batch=True)
    inside = members(found["compressed"], ("entries", "lookup_inners"))
    lookup = [_inner(one) for one in listed(inside.get("lookup_inners", ()))]
    rows = [_entry(one, lookup) for one in listed(inside.get("entries", ()))]
    check_sharing(rows, lookup)
    return Entries(rows, batch=True)


def spec_of(value: Any) -> tuple[LeafOp | None, InnerSpec | None, int, int, bool]:
    """The fields of a ProofSpec."""
    found = members(value, ("leaf_spec", "inner_spec", "max_depth", "min_depth", "prehash_key_before_comparison"))
    flag = found.get("prehash_key_before_comparison", False)
    if not isinstance(flag, bool):
        raise RefusedError("JSON with something else where true or false belongs")
    inner = None
    if "inner_spec" in found:
        names = ("child_order", "child_size", "min_prefix_length", "max_prefix_length", "empty_child", "hash")
        inside = members(found["inner_spec"], names)
        inner = InnerSpec(
            tuple(integer(one) for one in listed(inside.get("child_order", ()))),
            integer(inside.get("child_size", 0)),
            integer(inside.get("min_prefix_length", 0)),
            integer(inside.get("max_prefix_length", 0)),
            octets(inside.get("empty_child", "")),
            _named(inside.get("hash", 0), HASH_OPS),
        )
    leaf = leaf_of(found["leaf_spec"]) if "leaf_spec" in found else None
    return leaf, inner, integer(found.get("max_depth", 0)), integer(found.get("min_depth", 0)), flag
