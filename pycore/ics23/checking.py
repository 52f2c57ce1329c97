"""The rules of ICS-23, one proof at a time: what every other road of this package must agree with.

Two rule sets. "strict" is the reference's newest text, as read in public copies of the code, with the bounds that its
trees have; "compatible" is the Go implementation's release 0.11, which the Cosmos SDK is built with. Strict alone
refuses

- a field twice, or two alternatives of one choice (compatible: as gogoproto reads them);
- a suffix that is longer than all other children;
- an IAVL leaf whose prefix has another height than 0 or another size than 1;
- a step of Tendermint's tree whose prefix does not begin with 1, or is longer where there is a suffix;
- a spec with max_prefix_length >= min_prefix_length + child_size, with an InputError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pycore.base.columns import quote
from pycore.base.verdicts import Verdict
from pycore.errors import InputError, UnknownNameError
from pycore.ics23.reading import Entry, ExistenceProof, NonExistenceProof, RefusedError
from pycore.ics23.specs import (
    FIXED32_BIG,
    FIXED32_LITTLE,
    FIXED64_BIG,
    FIXED64_LITTLE,
    HASHES,
    IAVL,
    NO_HASH,
    REQUIRE_32_BYTES,
    REQUIRE_64_BYTES,
    TENDERMINT,
    VAR_PROTO,
    InnerOp,
    LeafOp,
    ProofSpec,
)

RULES = ("strict", "compatible")
_MOST_REMEMBERED = 1 << 16  # steps: some 20 MB, whatever strangers send
_FIXED = {
    FIXED32_BIG: (4, "big"), FIXED32_LITTLE: (4, "little"), FIXED64_BIG: (8, "big"), FIXED64_LITTLE: (8, "little"),
}  # fmt: skip
_REQUIRED = {REQUIRE_32_BYTES: 32, REQUIRE_64_BYTES: 64}

_Found = TypeVar("_Found")


class Checker:
    """Checks proofs by a spec and a rule set.

    Attributes:
        spec: the spec.
        strict: whether the rules are the strict ones.
        iavl, tendermint: whether the reference takes the spec for one of these trees.

    InputError: under the strict rules, a spec whose prefixes could hide a child.
    """

    def __init__(self, spec: ProofSpec, rules: str) -> None:
        if rules not in RULES:
            raise UnknownNameError("rules", quote(rules), " or ".join(RULES))
        self.spec, self.strict = spec, rules == "strict"
        self.iavl, self.tendermint = spec.similar(IAVL), spec.similar(TENDERMINT)
        inner = spec.inner_spec
        if self.strict and inner.max_prefix_length >= inner.min_prefix_length + inner.child_size:
            wanted = "less than min_prefix_length + child_size"
            raise InputError("spec.inner_spec.max_prefix_length", str(inner.max_prefix_length), wanted)
        self._memory: dict[tuple[bytes, InnerOp], bytes] | None = None
        self._kept: dict[int, object] = {}
        self._known: dict[tuple[str, int], object] = {}

    def remember(self) -> None:
        """From now on, equal steps from equal nodes are hashed once; for many proofs of one tree."""
        self._memory = {}

    def keep(self, entries: Iterable[Entry]) -> None:
        """From now on, what follows from these proofs alone is found once for each, however many keys they are asked
        about."""
        for one in entries:
            sides = (one.left, one.right) if isinstance(one, NonExistenceProof) else ()
            self._kept |= {id(part): part for part in (one, *sides) if part is not None}

    def _once(self, what: str, proof: object, find: Callable[[], _Found]) -> _Found:
        """What `find` answers or refuses; of a kept proof that of the first time."""
        at = what, id(proof)
        if at[1] not in self._kept:
            return find()
        if at not in self._known:
            try:
                self._known[at] = find()
            except RefusedError as error:
                self._known[at] = error
        found = self._known[at]
        if isinstance(found, RefusedError):
            raise RefusedError(found.reason, found.verdict)
        return found  # type: ignore[return-value]

    # ---- existence ---------------------------------------------------------------------------------------------------

    def exist(self, proof: ExistenceProof, root: bytes, key: bytes, value: bytes) -> None:
        """RefusedError unless the proof is one of this key and value under this root."""
        leaf = self.form(proof)
        if proof.key != key:
            raise RefusedError("a proof of another key", Verdict.BAD_PROOF)
        if proof.value != value:
            raise RefusedError("a proof of another value", Verdict.BAD_PROOF)
        if self.root(proof, leaf) != root:
            raise RefusedError("a path to another root", Verdict.BAD_PROOF)

    def form(self, proof: ExistenceProof) -> LeafOp:
        """The proof's leaf operation, if all operations are those of the spec."""
        return self._once("form", proof, lambda: self._formed(proof))

    def _formed(self, proof: ExistenceProof) -> LeafOp:
        if proof.leaf is None:
            raise RefusedError("a proof without a leaf operation")
        self._leaf_form(proof.leaf)
        depth = len(proof.path)
        if not self.spec.min_depth <= depth <= self.spec.depth:
            raise RefusedError(f"{depth} steps, not {self.spec.min_depth} to {self.spec.depth}")
        for layer, step in enumerate(proof.path, 1):
            self._step_form(step, layer)
        return proof.leaf

    def root(self, proof: ExistenceProof, leaf: LeafOp) -> bytes:
        """Where the path leads."""
        return self._once("root", proof, lambda: self._climbed(proof, leaf))

    def _climbed(self, proof: ExistenceProof, leaf: LeafOp) -> bytes:
        if not proof.key or not proof.value:
            raise RefusedError("a leaf without a key or a value")
        key = self._leaf_part(leaf.prehash_key, leaf.length, proof.key)
        value = self._leaf_part(leaf.prehash_value, leaf.length, proof.value)
        node = HASHES[leaf.hash].digest(leaf.prefix + key + value)
        size = HASHES[self.spec.inner_spec.hash].size
        if proof.path and size > self.spec.inner_spec.child_size >= 32:
            raise RefusedError("a node longer than a child")
        if self._memory is None:
            for step in proof.path:
                node = _climb(step, node)
            return node
        for step in proof.path:
            at = node, step
            found = self._memory.get(at)
            if found is None:
                found = _climb(step, node)
                if len(self._memory) < _MOST_REMEMBERED:
                    self._memory[at] = found
            node = found
        return node

    def _leaf_part(self, hash_op: int, length_op: int, data: bytes) -> bytes:
        hashed = data if hash_op == NO_HASH else HASHES[hash_op].digest(data)
        size = len(hashed)
        if length_op == VAR_PROTO:
            return varint(size) + hashed
        if length_op in _FIXED:
            width, order = _FIXED[length_op]
            return (size & (1 << 8 * width) - 1).to_bytes(width, order) + hashed  # type: ignore[arg-type]
        if size != _REQUIRED.get(length_op, size):
            raise RefusedError(f"{size} bytes in a leaf that takes {_REQUIRED[length_op]}")
        return hashed

    # ---- form --------------------------------------------------------------------------------------------------------

    def _leaf_form(self, leaf: LeafOp) -> None:
        wanted = self.spec.leaf_spec
        if self.iavl:
            self._iavl_prefix(leaf.prefix, 0)
        if (leaf.hash, leaf.prehash_key, leaf.prehash_value, leaf.length) != (
            wanted.hash, wanted.prehash_key, wanted.prehash_value, wanted.length,
        ):  # fmt: skip
            raise RefusedError("a leaf operation with another hash or length than the spec's")
        if not leaf.prefix.startswith(wanted.prefix):
            raise RefusedError("a leaf operation with another prefix than the spec's")

    def _step_form(self, step: InnerOp, layer: int) -> None:
        """layer: the step's place, from 1 above the leaf."""
        spec, inner = self.spec, self.spec.inner_spec
        suffix = step.suffix or b""
        if step.hash != inner.hash:
            raise RefusedError("a step with another hash than the spec's")
        if self.iavl:
            self._iavl_prefix(step.prefix, layer)
        if self.tendermint and self.strict and not _is_simple_step(step):
            raise RefusedError("a step that the simple tree does not have")
        if step.prefix.startswith(spec.leaf_spec.prefix):
            raise RefusedError("a step with a leaf's prefix")
        if not inner.min_prefix_length <= len(step.prefix) <= inner.max_prefix_length + spec.left_bytes:
            raise RefusedError(f"a step with a prefix of {len(step.prefix)} bytes")
        if len(suffix) % inner.child_size or (self.strict and len(suffix) > spec.left_bytes):
            raise RefusedError(f"a step with a suffix of {len(suffix)} bytes")

    def _iavl_prefix(self, prefix: bytes, layer: int) -> None:
        """Height, size and version of an IAVL node; layer 0: a leaf."""
        numbers, rest = [], prefix
        for _ in range(3):
            number, rest = signed_varint(rest)
            if number < 0:
                raise RefusedError("a negative number in the prefix of an IAVL node")
            numbers.append(number)
        if numbers[0] < layer:
            raise RefusedError(f"an IAVL node of height {numbers[0]} above {layer} others")
        if layer == 0:
            if rest or (self.strict and numbers[:2] != [0, 1]):
                raise RefusedError("a leaf that IAVL does not have")
        elif len(rest) not in (1, 34):
            raise RefusedError("a step that IAVL does not have")

    # ---- absence -----------------------------------------------------------------------------------------------------

    def absent(self, proof: NonExistenceProof, root: bytes, key: bytes) -> None:
        """RefusedError unless the proof shows that nothing stands under this key."""
        left, right = proof.left, proof.right
        for side in (left, right):
            if side is not None:
                self.exist(side, root, side.key, side.value)
        if left is None and right is None:
            raise RefusedError("a proof without neighbours")
        if not self.between(proof, self.ordered(key)):
            raise RefusedError("neighbours on one side of the key", Verdict.BAD_PROOF)
        paths = [None if side is None else side.path for side in (left, right)]
        if not self._once("adjacent", proof, lambda: self.adjacent(*paths)):
            raise RefusedError("leaves that are no neighbours", Verdict.BAD_PROOF)

    def ordered(self, key: bytes) -> bytes:
        """By which a key is compared."""
        op = self.spec.leaf_spec.prehash_key
        return HASHES[op].digest(key) if self.spec.prehash_key_before_comparison and op != NO_HASH else key

    def between(self, proof: NonExistenceProof, place: bytes) -> bool:
        """Whether a key, as :meth:`ordered` gives it, lies between the neighbours."""
        left, right = proof.left, proof.right
        return (left is None or self.ordered(left.key) < place) and (right is None or place < self.ordered(right.key))

    def adjacent(self, left: Sequence[InnerOp] | None, right: Sequence[InnerOp] | None) -> bool:
        """Whether no leaf stands between these paths; None: the end of the tree."""
        if left is None or right is None:
            return self._all(right or (), self.leftmost) and self._all(left or (), self.rightmost)
        shared = 0
        while shared < min(len(left), len(right)):
            one, two = left[~shared], right[~shared]
            if one.prefix != two.prefix or (one.suffix or b"") != (two.suffix or b""):
                break
            shared += 1
        else:
            return False  # one path is the end of the other
        first, second = self.branch(left[~shared]), self.branch(right[~shared])
        return (
            first is not None
            and second == first + 1
            and self._all(left[: len(left) - shared - 1], self.rightmost)
            and self._all(right[: len(right) - shared - 1], self.leftmost)
        )

    @staticmethod
    def _all(path: Sequence[InnerOp], judge: Callable[[InnerOp], bool]) -> bool:
        return all(judge(step) for step in path)

    def branch(self, step: InnerOp) -> int | None:
        """Which child a step starts from, by the lengths of prefix and suffix; None: none of them."""
        for child in range(len(self.spec.inner_spec.child_order)):
            if self._padded(step, child):
                return child
        return None

    def _padded(self, step: InnerOp, child: int) -> bool:
        inner = self.spec.inner_spec
        place = inner.child_order.index(child)
        before, after = place * inner.child_size, self.spec.left_bytes - place * inner.child_size
        prefix = len(step.prefix) - before
        return inner.min_prefix_length <= prefix <= inner.max_prefix_length and len(step.suffix or b"") == after

    def leftmost(self, step: InnerOp) -> bool:
        """Whether nothing stands left of a step's child."""
        if self._padded(step, 0):
            return True
        child, inner = self.branch(step), self.spec.inner_spec
        if not child:
            return False
        first = len(step.prefix) - child * inner.child_size
        return first >= 0 and self._empty(step.prefix[first:], range(child))

    def rightmost(self, step: InnerOp) -> bool:
        """Whether nothing stands right of a step's child."""
        inner = self.spec.inner_spec
        last = len(inner.child_order) - 1
        if self._padded(step, last):
            return True
        child = self.branch(step)
        if child is None or child == last:
            return False
        suffix = step.suffix or b""
        return len(suffix) == (last - child) * inner.child_size and self._empty(suffix, range(last - child))

    def _empty(self, siblings: bytes, children: range) -> bool:
        """Whether these children, by their places in `siblings`, are absent.

        The reference counts them from the first child on either side, and a place outside `siblings` stops it.
        """
        inner = self.spec.inner_spec
        for child in children:
            start = inner.child_order.index(child) * inner.child_size
            sibling = siblings[start : start + inner.child_size]
            if len(sibling) < inner.child_size or sibling != inner.empty_child:
                return False
        return True


def _is_simple_step(step: InnerOp) -> bool:
    return step.prefix == b"\x01" if step.suffix is not None else step.prefix.startswith(b"\x01")


def _climb(step: InnerOp, node: bytes) -> bytes:
    return HASHES[step.hash].digest(step.prefix + node + (step.suffix or b""))


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def signed_varint(data: bytes) -> tuple[int, bytes]:
    """A zigzag number and the bytes after it, as Go's binary.ReadVarint reads it."""
    value = 0
    for at, byte in enumerate(data[:10]):
        value |= (byte & 127) << 7 * at
        if byte < 128:
            if value >> 64:
                break
            return (value >> 1) ^ -(value & 1), data[at + 1 :]
    raise RefusedError("a prefix that ends early, or a number of too many bytes")
