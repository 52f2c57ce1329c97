"""One key, one proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycore.base.columns import one_bytes
from pycore.base.verdicts import Verdict
from pycore.errors import ProofError
from pycore.ics23.checking import Checker
from pycore.ics23.forms import ProofLike, SpecLike, as_spec, entries_of
from pycore.ics23.reading import Entries, ExistenceProof, NonExistenceProof, RefusedError

if TYPE_CHECKING:
    from pycore.base.columns import BytesLike


def verify_membership(
    spec: SpecLike, root: BytesLike, proof: ProofLike, key: BytesLike, value: BytesLike, *, rules: str = "strict"
) -> None:
    """Check that a key has a value under a root; returns None, or raises.

    Args:
        spec: the tree's: "iavl", "tendermint", "smt", a :class:`ProofSpec`, or one as protobuf bytes or JSON. From a
            source that you trust, such as the state of a light client.
        root: the tree's root, from such a source as well.
        proof: a CommitmentProof as protobuf bytes, JSON text, or a parsed JSON object. It may be a batch, compressed or
            not: its first entry for the key counts.
        key, value: as the tree stores them, before any hash.
        rules: "strict" or "compatible"; ``pycore.ics23.checking`` says how they differ.

    Raises:
        ProofError: ``.verdict`` is MALFORMED_PROOF (bytes that do not parse, operations that are not the spec's, a
            proof of absence, more than the bounds of ``pycore.ics23``) or BAD_PROOF (another key, value or root);
            ``.reason`` says why.
        InputError: a malformed call: an unknown spec, arguments that are no bytes.

    Traps: an empty value or key is never proven. A root proves what the tree held when the root was made, nothing about
    now.

    Source: ICS-23, `verifyMembership`; github.com/cosmos/ics23, go/ics23.go.

    >>> from pycore.testing.ics23 import ProvenTree
    >>> tree = ProvenTree("iavl", {b"a": b"1", b"c": b"2"})
    >>> verify_membership("iavl", tree.root, tree.membership(b"a"), b"a", b"1")
    >>> verify_membership("iavl", tree.root, tree.membership(b"a"), b"a", b"2")
    Traceback (most recent call last):
        ...
    pycore.errors.ProofError: proof: BAD_PROOF: a proof of another value
    """
    checker = Checker(as_spec(spec), rules)
    wanted, name, content = one_bytes(root, "root"), one_bytes(key, "key"), one_bytes(value, "value")
    try:
        found = entries_of(proof, "proof", strict=checker.strict)
        checker.exist(of_key(found, name), wanted, name, content)
    except RefusedError as error:
        raise proof_error(error) from None


def verify_non_membership(
    spec: SpecLike, root: BytesLike, proof: ProofLike, key: BytesLike, *, rules: str = "strict"
) -> None:
    """Check that nothing stands under a key; returns None, or raises.

    Args:
        spec, root, key, rules: as for :func:`verify_membership`.
        proof: the same forms. It shows the key's neighbours, or the one at the end of the tree; of a batch, the first
            entry whose neighbours surround the key counts.

    Raises:
        ProofError: MALFORMED_PROOF as there, also where both neighbours are absent; BAD_PROOF: neighbours that are not
            next to each other or do not surround the key, or another root.
        InputError: a malformed call.

    Traps: the proof's own field `key` is ignored, as in the reference. An empty tree has no proofs at all.

    Source: ICS-23, `verifyNonMembership`; github.com/cosmos/ics23, go/ics23.go, go/proof.go.

    >>> from pycore.testing.ics23 import ProvenTree
    >>> tree = ProvenTree("iavl", {b"a": b"1", b"c": b"2"})
    >>> verify_non_membership("iavl", tree.root, tree.non_membership(b"b"), b"b")
    """
    checker = Checker(as_spec(spec), rules)
    wanted, name = one_bytes(root, "root"), one_bytes(key, "key")
    try:
        found = entries_of(proof, "proof", strict=checker.strict)
        checker.absent(around_key(found, checker, name), wanted, name)
    except RefusedError as error:
        raise proof_error(error) from None


def of_key(found: Entries, key: bytes) -> ExistenceProof:
    """The proof of a key: the only one, or the first entry of a batch."""
    for one in found.items:
        if isinstance(one, ExistenceProof) and (one.key == key or not found.batch):
            return one
    raise nothing(found, "existence")


def around_key(found: Entries, checker: Checker, key: bytes) -> NonExistenceProof:
    """The proof that a key is absent: the only one, or the first entry of a batch whose neighbours surround it."""
    place = checker.ordered(key)
    for one in found.items:
        if isinstance(one, NonExistenceProof) and (not found.batch or checker.between(one, place)):
            return one
    raise nothing(found, "absence")


def nothing(found: Entries, what: str) -> RefusedError:
    """The refusal where a proof has no entry for a key; what: "existence" or "absence"."""
    if found.batch:
        return RefusedError(f"a batch without a proof of the key's {what}", Verdict.BAD_PROOF)
    return RefusedError(f"no proof of {what}")


def proof_error(error: RefusedError) -> ProofError:
    """The error of a refusal, with its reason."""
    made = ProofError(error.verdict)
    made.reason = error.reason
    return made
