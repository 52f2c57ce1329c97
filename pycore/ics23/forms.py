"""The forms in which callers pass specs and proofs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycore.base.columns import describe, one_bytes
from pycore.errors import InputError
from pycore.ics23 import json_forms
from pycore.ics23.reading import MAX_PROOF_BYTES, Entries, Reader, RefusedError
from pycore.ics23.specs import ProofSpec, spec_by_name

SpecLike = Any
"""A name in SPECS, a ProofSpec, or one as serialised bytes, JSON text or a parsed JSON object."""
ProofLike = Any
"""A CommitmentProof: serialised bytes, JSON text, or a parsed JSON object."""


def as_spec(spec: SpecLike) -> ProofSpec:
    """A spec in any of its forms. InputError: none of them, or a spec that nobody computes."""
    if isinstance(spec, ProofSpec):
        return spec
    try:
        if isinstance(spec, Mapping) or (isinstance(spec, str) and spec.lstrip().startswith("{")):
            read = json_forms.spec_of(json_forms.parsed(spec) if isinstance(spec, str) else spec)
        elif isinstance(spec, (bytes, bytearray, memoryview)):
            data = one_bytes(spec, "spec")
            read = Reader(data, strict=True).spec(0, len(data))
        else:
            return spec_by_name(spec)
    except RefusedError as error:
        raise InputError("spec", f"{describe(spec)}: {error.reason}", "a ProofSpec") from None
    leaf, inner, most, least, flag = read
    if leaf is None or inner is None:
        raise InputError("spec", "no leaf_spec or no inner_spec", "both of them")
    return ProofSpec(leaf, inner, most, least, flag)


def is_json(proof: ProofLike) -> bool:
    """Whether a proof is passed as JSON."""
    return isinstance(proof, (str, Mapping))


def entries_of(proof: ProofLike, field: str, *, strict: bool) -> Entries:
    """A proof in any of its forms. RefusedError: it is no proof; InputError: it has none of the forms."""
    if isinstance(proof, str):
        return json_forms.commitment_of(json_forms.parsed(proof))
    if isinstance(proof, Mapping):
        return json_forms.commitment_of(proof)
    data = one_bytes(proof, field)
    if len(data) > MAX_PROOF_BYTES:
        raise RefusedError(f"a proof of more than {MAX_PROOF_BYTES} bytes")
    return Reader(data, strict=strict).commitment(0, len(data))
