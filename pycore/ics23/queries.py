"""Chained proofs: from a key of a store through the stores' tree to the application hash of a header.

A Cosmos application keeps one tree for each of its stores, and a simple tree over the names and roots of the stores,
whose root is the application hash. A node answers a query with a list of steps (``proof_ops``); IBC sends the same
proofs without names, together with specs (``MerkleProof``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from pycore.base.columns import describe, one_bytes
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, LengthError
from pycore.ics23 import json_forms
from pycore.ics23.checking import Checker, varint
from pycore.ics23.forms import ProofLike, SpecLike, as_spec, entries_of
from pycore.ics23.reading import MAX_PROOF_BYTES, Entries, ExistenceProof, NonExistenceProof, Reader, RefusedError
from pycore.ics23.single import proof_error
from pycore.ics23.specs import IAVL, SMT, TENDERMINT, ProofSpec

if TYPE_CHECKING:
    from pycore.base.columns import BytesLike

MAX_STEPS = 16
"""Trees that a chained proof may lead through. A Cosmos application has two."""
OPS: Mapping[str, ProofSpec] = {"ics23:iavl": IAVL, "ics23:simple": TENDERMINT, "ics23:smt": SMT}
VALUE_OP = "simple:v"
_MOST_AUNTS = 100
_HASH_SIZE = 32
_THREE_BYTES = {1: 2, 2: 2, 3: 2}

Step = tuple[str, bytes, bytes]
"""Type, key and data of a ProofOp."""


def verify_query(
    proof_ops: Any,
    app_hash: BytesLike,
    key_path: str | Sequence[BytesLike],
    value: BytesLike | None,
    *,
    rules: str = "strict",
) -> None:
    """Check what a node answers to a query: a key's value, or that nothing stands under the key.

    Args:
        proof_ops: the proof in the answer to `abci_query` with `prove`: protobuf bytes of ProofOps, JSON text or a
            parsed object, also with the whole answer around it.
        app_hash: the application hash of the header after the height of the answer (CometBFT puts the hash of height h
            into the header of height h + 1), from a header that you trust.
        key_path: from the outermost tree to the key: ``[b"bank", key]``, or a path as CometBFT writes it,
            ``/bank/x:0A``, with parts in hexadecimal after `x:`, else as in URLs.
        value: the value; None: nothing stands under the key. A node answers an empty value where there is none.
        rules: "strict" or "compatible"; strict also refuses a step without a key.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF or BAD_PROOF, ``.reason`` says which step.
        InputError: a malformed call, such as a key path without a leading slash.

    The steps "ics23:iavl", "ics23:simple", "ics23:smt" and "simple:v" are known; each one proves its key, the last part
    of the path that is left, and its root is the value of the next one.

    Sources: CometBFT, crypto/merkle/proof_op.go, proof_value.go; Cosmos SDK, store/types/proof.go.

    >>> from pycore.testing.ics23 import ProvenTree, proof_ops, store_tree
    >>> stores = {"bank": ProvenTree("iavl", {b"a": b"1", b"c": b"2"}), "gov": ProvenTree("iavl", {b"x": b"y"})}
    >>> app_hash = store_tree(stores).root
    >>> answer = proof_ops(stores, "bank", b"a").SerializeToString()
    >>> verify_query(answer, app_hash, "/bank/a", b"1")
    >>> verify_query(proof_ops(stores, "bank", b"b").SerializeToString(), app_hash, [b"bank", b"b"], None)
    """
    strict = Checker(TENDERMINT, rules).strict
    wanted, keys = one_bytes(app_hash, "app_hash"), _key_path(key_path)
    current = None if value is None else one_bytes(value, "value")
    try:
        steps = _steps(proof_ops, strict)
        for at, (kind, key, data) in enumerate(steps):
            if key or strict:
                if not keys or keys[-1] != key:
                    raise RefusedError(f"step {at} is of another key than the path's", Verdict.BAD_PROOF)
                keys.pop()
            try:
                current = _run(kind, key, data, current, rules)
            except RefusedError as error:
                raise RefusedError(f"step {at}, {kind}: {error.reason}", error.verdict) from None
        if keys:
            raise RefusedError(f"{len(steps)} steps for a longer path", Verdict.BAD_PROOF)
        if current != wanted:
            raise RefusedError("steps to another application hash", Verdict.BAD_PROOF)
    except RefusedError as error:
        raise proof_error(error) from None


def verify_chain(
    specs: Sequence[SpecLike],
    root: BytesLike,
    proofs: BytesLike | Sequence[ProofLike],
    path: Sequence[BytesLike],
    value: BytesLike | None,
    *,
    rules: str = "strict",
) -> None:
    """Check a chained proof as IBC has it.

    Args:
        specs: from the innermost tree up, as the state of a light client has them: ["iavl", "tendermint"] for a chain
            of the Cosmos SDK.
        root: of the outermost tree.
        proofs: as many, in the same order, or the bytes of a MerkleProof that has them.
        path: as many keys from the outermost tree in: [b"ibc", key].
        value: of the key; None: nothing stands under it.
        rules: as for :func:`pycore.ics23.verify_membership`.

    Raises:
        ProofError, InputError: as :func:`verify_query`.

    Source: ibc-go, modules/core/23-commitment/types/merkle.go.

    >>> from pycore.testing.ics23 import ProvenTree, store_tree
    >>> stores = {"ibc": ProvenTree("iavl", {b"a": b"1", b"c": b"2"})}
    >>> above = store_tree(stores)
    >>> proofs = [stores["ibc"].membership(b"c"), above.membership(b"ibc")]
    >>> verify_chain(["iavl", "tendermint"], above.root, proofs, [b"ibc", b"c"], b"2")
    """
    checkers = [Checker(as_spec(spec), rules) for spec in specs]
    wanted, keys = one_bytes(root, "root"), [one_bytes(key, f"path[{i}]") for i, key in enumerate(path)]
    current = None if value is None else one_bytes(value, "value")
    if not 0 < len(checkers) <= MAX_STEPS:
        raise LengthError("specs", f"{len(checkers)} specs", f"1 to {MAX_STEPS}")
    if len(keys) != len(checkers):
        raise LengthError("path", f"{len(keys)} keys", f"{len(checkers)}, as many as specs")
    try:
        given: Any = _proofs_of(proofs, checkers[0].strict) if _is_bytes(proofs) else proofs
        if len(given) != len(checkers):
            raise RefusedError(f"{len(given)} proofs for {len(checkers)} specs")
        for at, (checker, proof, key) in enumerate(zip(checkers, given, reversed(keys), strict=True)):
            found = entries_of(proof, f"proofs[{at}]", strict=checker.strict)
            try:
                current = _root_of(checker, found, key, current)
            except RefusedError as error:
                raise RefusedError(f"proof {at}: {error.reason}", error.verdict) from None
        if current != wanted:
            raise RefusedError("proofs that lead to another root", Verdict.BAD_PROOF)
    except RefusedError as error:
        raise proof_error(error) from None


# ---- steps -----------------------------------------------------------------------------------------------------------


def _run(kind: str, key: bytes, data: bytes, value: bytes | None, rules: str) -> bytes:
    """The root that a step leads to from a value, or from None: nothing stands under the key."""
    if kind == VALUE_OP:
        return _value_root(key, data, value, strict=rules == "strict")
    if kind not in OPS:
        raise RefusedError("a type of step that is unknown")
    checker = Checker(OPS[kind], rules)
    return _root_of(checker, entries_of(data, "proof_ops", strict=checker.strict), key, value)


def _root_of(checker: Checker, found: Entries, key: bytes, value: bytes | None) -> bytes:
    """The root of the one proof of existence, or absence, if it is one of this key and value."""
    if found.batch or len(found.items) != 1:
        raise RefusedError("not one proof of existence or absence")
    one = found.items[0]
    if value is None:
        side = (one.left or one.right) if isinstance(one, NonExistenceProof) else None
        if not isinstance(one, NonExistenceProof) or side is None:
            raise RefusedError("no proof of absence")
        root = checker.root(side, checker.form(side))
        checker.absent(one, root, key)
        return root
    if not isinstance(one, ExistenceProof):
        raise RefusedError("no proof of existence")
    root = checker.root(one, checker.form(one))
    checker.exist(one, root, key, value)
    return root


def _value_root(key: bytes, data: bytes, value: bytes | None, *, strict: bool) -> bytes:
    """The root of a ValueOp: a proof of position in the simple tree, with the leaf that it must have."""
    if value is None:
        raise RefusedError("a step that proves no absence")
    reader = Reader(data, strict=strict)
    inside: tuple[int, int] | None = None
    total = index = 0
    leaf = b""
    aunts: list[bytes] = []
    for number, at, stop in reader.fields(0, len(data), {1: 2, 2: 2}):
        inside = (at, stop) if number == 2 else inside
        for field, start, end in (
            reader.fields(at, stop, {1: 0, 2: 0, 3: 2, 4: 2}, frozenset({4})) if number == 2 else ()
        ):
            if field == 1:
                total = start
            elif field == 2:
                index = start
            elif field == 3:
                leaf = data[start:end]
            else:
                aunts.append(data[start:end])
            if len(aunts) > _MOST_AUNTS:
                raise RefusedError(f"more than {_MOST_AUNTS} aunts")
    if inside is None or any(len(one) != _HASH_SIZE for one in (leaf, *aunts)):
        raise RefusedError("no proof of the simple tree")
    if not index < total < 1 << 63:
        raise RefusedError(f"position {index} of {total}")
    pair = b"".join(varint(len(one)) + one for one in (key, hashlib.sha256(value).digest()))
    if hashlib.sha256(b"\0" + pair).digest() != leaf:
        raise RefusedError("a leaf of another key or value", Verdict.BAD_PROOF)
    return _climb(leaf, aunts, index, total)


def _climb(node: bytes, aunts: Sequence[bytes], index: int, total: int) -> bytes:
    """The root of the simple tree (RFC 6962) over a leaf."""
    last = total - 1
    used = 0
    while last:
        if index & 1 or index < last:
            if used == len(aunts):
                raise RefusedError("too few aunts")
            pair = aunts[used] + node if index & 1 else node + aunts[used]
            node, used = hashlib.sha256(b"\1" + pair).digest(), used + 1
        index, last = index >> 1, last >> 1
    if used != len(aunts):
        raise RefusedError("too many aunts")
    return node


# ---- forms -----------------------------------------------------------------------------------------------------------


def _key_path(path: str | Sequence[BytesLike]) -> list[bytes]:
    """The keys of a path, the outermost first."""
    if not isinstance(path, str):
        if _is_bytes(path):
            raise InputError("key_path", describe(path), "a path with '/', or a sequence of keys")
        return [one_bytes(key, f"key_path[{i}]") for i, key in enumerate(path)]
    if not path.startswith("/"):
        raise InputError("key_path", describe(path), "a path that starts with '/'")
    return [_key(part) for part in path[1:].split("/")]


def _key(part: str) -> bytes:
    """A part of a path as CometBFT writes it."""
    if re.fullmatch(r"x:([0-9A-Fa-f]{2})*", part):
        return bytes.fromhex(part[2:])
    if part.startswith("x:") or re.search(r"%(?![0-9A-Fa-f]{2})", part):
        raise InputError("key_path", repr(part[:40]), "hexadecimal after 'x:', or text as in URLs")
    try:
        return unquote_to_bytes(part)
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise InputError("key_path", repr(part[:40]), "text that UTF-8 can write") from error


def _steps(proof_ops: Any, strict: bool) -> list[Step]:
    if isinstance(proof_ops, (str, Mapping)):
        steps = _steps_of_json(json_forms.parsed(proof_ops) if isinstance(proof_ops, str) else proof_ops)
    else:
        data = one_bytes(proof_ops, "proof_ops")
        if len(data) > MAX_PROOF_BYTES:
            raise RefusedError(f"a proof of more than {MAX_PROOF_BYTES} bytes")
        reader, steps = Reader(data, strict=strict), []
        for _, start, end in reader.fields(0, len(data), {1: 2}, frozenset({1})):
            parts = {1: b"", 2: b"", 3: b""}
            for number, at, stop in reader.fields(start, end, _THREE_BYTES):
                parts[number] = data[at:stop]
            steps.append((parts[1].decode("utf-8", "replace"), parts[2], parts[3]))
            if len(steps) > MAX_STEPS:
                break
    if not 0 < len(steps) <= MAX_STEPS:
        raise RefusedError(f"a proof that does not have 1 to {MAX_STEPS} steps")
    return steps


def _steps_of_json(value: Any) -> list[Step]:
    """The steps in an RPC answer: the list alone, or with what a node puts around it."""
    for name in ("result", "response", "proofOps", "proof_ops"):
        if isinstance(value, Mapping) and "ops" not in value and name in value:
            value = value[name]
    steps = []
    for one in json_forms.listed(json_forms.members(value, ("ops",)).get("ops", ()), MAX_STEPS):
        found = json_forms.members(one, ("type", "key", "data"))
        kind = found.get("type", "")
        if not isinstance(kind, str):
            raise RefusedError("a step whose type is no text")
        steps.append((kind, json_forms.octets(found.get("key", "")), json_forms.octets(found.get("data", ""))))
    return steps


def _is_bytes(value: object) -> bool:
    return isinstance(value, (bytes, bytearray, memoryview))


def _proofs_of(proofs: Any, strict: bool) -> list[bytes]:
    """The proofs of a MerkleProof."""
    data = one_bytes(proofs, "proofs")
    if len(data) > MAX_PROOF_BYTES:
        raise RefusedError(f"a proof of more than {MAX_PROOF_BYTES} bytes")
    found: list[bytes] = []
    for _, start, end in Reader(data, strict=strict).fields(0, len(data), {1: 2}, frozenset({1})):
        if len(found) == MAX_STEPS:
            raise RefusedError(f"more than {MAX_STEPS} proofs")
        found.append(data[start:end])
    return found
