"""Signature policies of Fabric: trees of "so many of these", evaluated as Fabric does.

A policy is compiled once (:func:`compile_policy`). An evaluation takes who signed, in order, as positions in a table of
identities; the table says which principals each identity fits (:meth:`SignaturePolicy.matrix`). So a batch needs no
object for a transaction:

    matrix = policy.matrix(identities)
    policy.evaluate_rows(matrix, starts, who, ok)

The rules, each of which surprises somebody:

    greedy           a leaf takes the first signer, in the order of the signatures, who fits its principal and is free
    no backtracking  what a leaf took stays taken: another order of the same signatures may pass
    all children     every child of a node is tried, also once enough have passed, and takes signers
    copies           signers taken inside a child that failed are free again
    duplicates       a signer counts once; a bad signature does not use up the signer, and a later good one counts
    zero             a node that needs nothing passes ("compatible"); "strict" refuses such a policy

Sources: ``common/cauthdsl`` and ``common/policies`` of Fabric, as read in public copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from pycore._pb.ledgers.fabric.v1.membership_pb2 import SignaturePolicy as PolicyMessage
from pycore._pb.ledgers.fabric.v1.membership_pb2 import SignaturePolicyEnvelope
from pycore.base.go_protobuf import read
from pycore.errors import InputError
from pycore.identities.msp import Identity
from pycore.identities.msp_principals import Principal, compile_principal
from pycore.identities.x509 import is_strict

MAX_POLICY = 1 << 20
"""Bytes of a policy."""
MAX_NODES = 4096
"""Nodes of its tree."""
MAX_DEPTH = 32
"""Nodes within one another: protobuf's readers take some fifty."""

_FEW = 16  # items that numpy takes longer for


class PolicyError(ValueError):
    """Bytes that are no policy, or one that these rules refuse."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A signer who fits `principals[principal]`."""

    principal: int


@dataclass(frozen=True, slots=True)
class Node:
    """At least `needed` of the children."""

    needed: int
    children: tuple[Leaf | Node, ...]


@dataclass(frozen=True, eq=False)
class SignaturePolicy:
    """A compiled policy.

    Attributes:
        rule: the tree.
        principals: that its leaves name.
    """

    rule: Leaf | Node
    principals: tuple[Principal, ...]

    def matrix(self, identities: Sequence[Identity]) -> NDArray[np.bool_]:
        """bool[identities, principals]: who fits what. Identities of MSPs that a principal is not about fit it not."""
        found = np.zeros((len(identities), len(self.principals)), np.bool_)
        for i, identity in enumerate(identities):
            for j, principal in enumerate(self.principals):
                found[i, j] = not principal.refuses(identity)
        return found

    def satisfied_by(self, identities: Sequence[Identity]) -> bool:
        """Whether these signers, whose signatures are valid, satisfy it in that order. Equal ones count once."""
        distinct = list({(one.msp_id, one.id): one for one in identities}.values())
        return self.evaluate(self.matrix(distinct), range(len(distinct)))

    def evaluate(self, matrix: NDArray[np.bool_], who: Sequence[int]) -> bool:
        """Whether the signers at these rows of `matrix`, all distinct, satisfy the policy in that order."""
        masks = [0] * len(self.principals)
        rows = matrix[list(who)] if len(who) else matrix[:0]
        for place, principal in zip(*np.nonzero(rows), strict=True):
            masks[int(principal)] |= 1 << int(place)
        return _evaluate(self.rule, masks, 0)[0]

    def evaluate_rows(
        self, matrix: NDArray[np.bool_], starts: NDArray[Any], who: NDArray[Any], ok: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Evaluates n items at once.

        matrix   from :meth:`matrix`
        starts   int[n + 1]: item i has the entries from starts[i] up to starts[i + 1]
        who      int[m]: row of `matrix` of each entry's signer, -1 for nobody that is known
        ok       bool[m]: whether the entry's signature is valid

        Returns bool[n]. Equal orders of signers are evaluated once. Raises InputError where shapes do not fit.
        """
        if len(starts) < 1 or starts[-1] > len(who) or len(who) != len(ok):
            raise InputError(
                "starts", f"{len(starts)} for {len(who)} entries", "one more than items, within the entries"
            )
        orders, which = orders_of(starts, who, ok)
        answers = [self.evaluate(matrix, [one for one in dict.fromkeys(order) if one >= 0]) for order in orders]
        return np.array(answers, np.bool_)[which]


def orders_of(
    starts: NDArray[Any], who: NDArray[Any], ok: NDArray[np.bool_]
) -> tuple[list[tuple[int, ...]], NDArray[np.intp]]:
    """The distinct orders of signers among n items, with -1 for nobody and for a bad signature, and which of them each
    item has, intp (n,). Arguments as of :meth:`SignaturePolicy.evaluate_rows`."""
    counted, sizes = np.where(ok, who, -1), np.diff(starts)
    longest, base = int(sizes.max(initial=0)), int(counted.max(initial=-1)) + 3
    if len(sizes) > _FEW and base**longest < 1 << 62:  # an order is one number, whose digit 0 is behind its end
        numbers = np.zeros(len(sizes), np.int64)
        for place in range(longest):
            there = np.flatnonzero(sizes > place)
            numbers *= base
            numbers[there] += counted[starts[there] + place] + 2
        _, firsts, which = np.unique(numbers, return_index=True, return_inverse=True)
        bounds = zip(starts[firsts].tolist(), starts[firsts + 1].tolist(), strict=True)
        return [tuple(counted[start:end].tolist()) for start, end in bounds], which
    entries, bounds_of_all = counted.tolist(), starts.tolist()
    places: dict[tuple[int, ...], int] = {}
    found = [places.setdefault(tuple(entries[a:b]), len(places)) for a, b in pairwise(bounds_of_all)]
    return list(places), np.array(found, np.intp)


def compile_policy(data: bytes | SignaturePolicyEnvelope, *, rules: str = "strict") -> SignaturePolicy:
    """The policy of a SignaturePolicyEnvelope, bytes or message.

    "compatible" takes what Fabric takes; "strict" also refuses nodes that need nothing, or less. Raises PolicyError;
    InputError for unknown rules.
    """
    strict = is_strict(rules)
    if isinstance(data, SignaturePolicyEnvelope):
        message = data
    else:
        if len(data) > MAX_POLICY:
            raise PolicyError(f"{len(data)} bytes of policy, more than the {MAX_POLICY} that are read")
        try:
            message = read(SignaturePolicyEnvelope, data)
        except DecodeError:
            raise PolicyError("bytes that are no SignaturePolicyEnvelope") from None
    if message.version != 0:
        raise PolicyError(f"a policy of version {message.version}, not 0")
    if not message.HasField("rule"):
        raise PolicyError("a policy without a rule")
    left = [MAX_NODES]
    rule = _compiled(message.rule, len(message.identities), left, 0, strict)
    return SignaturePolicy(rule, tuple(map(compile_principal, message.identities)))


def _compiled(message: PolicyMessage, principals: int, left: list[int], depth: int, strict: bool) -> Leaf | Node:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        raise PolicyError(f"a policy of more than {MAX_NODES} nodes, or deeper than {MAX_DEPTH}")
    kind = message.WhichOneof("type")
    if kind == "signed_by":
        if not 0 <= message.signed_by < principals:
            raise PolicyError(f"a policy that names principal {message.signed_by} of {principals}")
        return Leaf(message.signed_by)
    if kind is None:
        raise PolicyError("a policy with an empty node")
    needed = message.n_out_of.n
    if strict and needed < 1:
        raise PolicyError(f"a policy with a node that needs {needed} of its parts, which nobody has to sign")
    return Node(needed, tuple(_compiled(one, principals, left, depth + 1, strict) for one in message.n_out_of.rules))


def _evaluate(rule: Leaf | Node, masks: list[int], used: int) -> tuple[bool, int]:
    """Whether it passes, and the signers that are taken then, as bits."""
    if isinstance(rule, Leaf):
        free = masks[rule.principal] & ~used
        return free != 0, used | (free & -free)
    passed = 0
    for child in rule.children:
        good, after = _evaluate(child, masks, used)
        if good:
            passed += 1
            used = after
    # The signers taken by children stay taken only if this node passes: its parent works on a copy.
    return passed >= rule.needed, used
