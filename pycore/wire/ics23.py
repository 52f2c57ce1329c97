"""ICS-23 specs and proofs as requests have them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pycore._pb.ledgers.ics23.v1 import proofs_pb2
from pycore.base.columns import Column, as_column, one_bytes, quote
from pycore.errors import InputError
from pycore.ics23 import ProofSpec

SpecField = Mapping[str, Any]


def to_spec(spec: object) -> SpecField:
    """The field of a request that a spec goes into, in whatever form the in-process call takes it."""
    if isinstance(spec, ProofSpec):
        return {"spec_bytes": _serialised(spec)}
    if isinstance(spec, Mapping) or (isinstance(spec, str) and spec.lstrip().startswith("{")):
        return {"spec_json": _text(spec, "spec")}
    if isinstance(spec, str):
        return {"spec_name": spec}
    return {"spec_bytes": one_bytes(spec, "spec")}


def _serialised(spec: ProofSpec) -> bytes:
    leaf, inner = spec.leaf_spec, spec.inner_spec
    return proofs_pb2.ProofSpec(
        leaf_spec=proofs_pb2.LeafOp(
            hash=leaf.hash,  # type: ignore[arg-type]
            prehash_key=leaf.prehash_key,  # type: ignore[arg-type]
            prehash_value=leaf.prehash_value,  # type: ignore[arg-type]
            length=leaf.length,  # type: ignore[arg-type]
            prefix=leaf.prefix,
        ),
        inner_spec=proofs_pb2.InnerSpec(
            child_order=inner.child_order,
            child_size=inner.child_size,
            min_prefix_length=inner.min_prefix_length,
            max_prefix_length=inner.max_prefix_length,
            empty_child=inner.empty_child,
            hash=inner.hash,  # type: ignore[arg-type]
        ),
        max_depth=spec.max_depth,
        min_depth=spec.min_depth,
        prehash_key_before_comparison=spec.prehash_key_before_comparison,
    ).SerializeToString()


def is_json(proof: object) -> bool:
    """Whether a proof is passed as JSON text or as its object."""
    return isinstance(proof, (str, Mapping))


def to_proofs(proofs: Any) -> tuple[Column, bool, bool]:
    """Proofs as a column, whether it is one proof for all keys, and whether they are JSON."""
    if is_json(proofs):
        return as_column([_text(proofs, "proofs").encode()], "proofs"), True, True
    if isinstance(proofs, (bytes, bytearray)) or (isinstance(proofs, memoryview) and proofs.ndim == 1):
        return as_column([bytes(proofs)], "proofs"), True, False
    if isinstance(proofs, (list, tuple)) and any(map(is_json, proofs)):
        return _json_column(proofs), False, True
    return as_column(proofs, "proofs"), False, False


def _json_column(proofs: Sequence[Any]) -> Column:
    for i, one in enumerate(proofs):
        if not is_json(one):
            raise InputError(f"proofs[{i}]", quote(one), "JSON, as others of these proofs")
    return as_column([_text(one, f"proofs[{i}]").encode() for i, one in enumerate(proofs)], "proofs")


def _text(value: Any, field: str) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(field, f"values that JSON does not have ({error})", "an object of JSON") from None
