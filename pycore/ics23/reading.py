"""Proofs and specs out of protobuf bytes, as the reference's own parser reads them.

That parser (gogoproto) differs from others where bytes are not what a writer would have put: a field of another wire
type is an error, the later one of two alternatives replaces the first, and numbers lose what does not fit them. A
verdict must not depend on the parser, so it is followed to the letter; under the strict rules bytes that two parsers
could understand in two ways are refused: a field that is there twice, and both alternatives of one choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pycore.base.verdicts import Verdict
from pycore.ics23.specs import MAX_DEPTH, InnerOp, InnerSpec, LeafOp

MAX_PROOF_BYTES = 16 << 20
"""Bytes of one proof, or of one list of proof steps."""
MAX_FIELDS = 1 << 20
"""Fields and numbers of one proof, known or not."""
MAX_ENTRIES = 1 << 17
"""Entries of a batch, and steps that its compressed form shares."""
MAX_OP_BYTES = 1 << 14
"""Bytes of the prefix or suffix of one step: the children of the widest node that a spec may have. Real ones have at
most 46."""
MAX_SHARING = 64
"""How many times as long as a compressed proof its paths may be together. A step takes a byte or two there, and real
ones have some 40 bytes; without a bound a small proof could ask for any amount of hashing."""

_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP, _FIXED32 = range(6)
_MASK64 = (1 << 64) - 1
_END = "bytes that end early"


class RefusedError(Exception):
    """A proof that does not hold: the verdict, and why in words. Never leaves the package."""

    def __init__(self, reason: str, verdict: Verdict = Verdict.MALFORMED_PROOF) -> None:
        super().__init__(reason)
        self.reason, self.verdict = reason, verdict


@dataclass(frozen=True, slots=True)
class ExistenceProof:
    """A leaf and the steps from it to the root; leaf is None where the message has none."""

    key: bytes = b""
    value: bytes = b""
    leaf: LeafOp | None = None
    path: tuple[InnerOp, ...] = ()


@dataclass(frozen=True, slots=True)
class NonExistenceProof:
    """The neighbours of an absent key."""

    left: ExistenceProof | None = None
    right: ExistenceProof | None = None


Entry = ExistenceProof | NonExistenceProof


def check_sharing(entries: Iterable[Entry], lookup: Iterable[InnerOp]) -> None:
    """RefusedError where the paths of a compressed proof are too long for its size; see :data:`MAX_SHARING`."""
    own, whole = sum(map(_size, lookup)), 0
    for one in entries:
        for side in (one.left, one.right) if isinstance(one, NonExistenceProof) else (one,):
            if side is not None:
                own += len(side.key) + len(side.value) + len(side.path)
                whole += sum(map(_size, side.path))
    if whole > MAX_SHARING * own:
        raise RefusedError(f"a compressed proof with paths of more than {MAX_SHARING} times its size")


def _size(step: InnerOp) -> int:
    return len(step.prefix) + len(step.suffix or b"")


@dataclass(slots=True)
class Entries:
    """The proofs in a CommitmentProof, in its order; `batch`: whether it is a batch, compressed or not."""

    items: list[Entry] = field(default_factory=list)
    batch: bool = False


class Message:
    """The fields of one message, in the order of its bytes.

    Args:
        reader: of the bytes that have it.
        start, end: where it stands.
        kinds: field number -> wire type of the fields that it knows; others are skipped. A type of -1: numbers, one by
            one or packed.
        often: the fields that may be there often, under the strict rules.
    """

    def __init__(self, reader: Reader, start: int, end: int, kinds: dict[int, int], often: frozenset[int]) -> None:
        self._reader, self._data, self._at, self._end = reader, reader.data, start, end
        self._kinds, self._often = kinds, often

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """(number, value, 0) of a number, (number, start, end) of bytes."""
        seen = 0
        strict = self._reader.strict
        while self._at < self._end:
            before = self._at
            tag = self._number()
            number, kind = _int32(tag >> 3), tag & 7
            if kind == _END_GROUP or number <= 0:
                raise RefusedError("a tag that no field has")
            wanted = self._kinds.get(number)
            if wanted is None:
                self._at = before
                self._skip()
                continue
            if strict and number not in self._often:
                if seen >> number & 1:
                    raise RefusedError(f"the field {number} twice")
                seen |= 1 << number
            if kind == _VARINT and wanted <= 0:
                yield number, self._number(), 0
            elif kind == _BYTES and wanted == _BYTES:
                start, stop = self._length()
                self._at = stop
                yield number, start, stop
            elif kind == _BYTES and wanted < 0:
                _, stop = self._length()
                while self._at < stop:
                    yield number, self._number(), 0
            else:
                raise RefusedError(f"the field {number} of another wire type")

    def _number(self) -> int:
        self._reader.numbers += 1
        if self._reader.numbers > 2 * MAX_FIELDS:
            raise RefusedError(f"more than {MAX_FIELDS} fields")
        value, shift, data, at = 0, 0, self._data, self._at
        while True:
            if shift >= 64:
                raise RefusedError("a number of too many bytes")
            if at >= self._end:
                raise RefusedError(_END)
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        self._at = at
        return value & _MASK64

    def _length(self) -> tuple[int, int]:
        """Start and end of a field of bytes whose length comes next; goes to its start."""
        size = self._number()
        if size > self._end - self._at:
            raise RefusedError(_END)
        return self._at, self._at + size

    def _skip(self) -> None:
        """Goes behind a field that is unknown, with all that is in its groups."""
        depth = 0
        while self._at < self._end:
            kind = self._number() & 7
            if kind == _VARINT:
                self._number()
            elif kind == _FIXED64:
                self._at += 8
            elif kind == _BYTES:
                self._at = self._length()[1]
            elif kind == _GROUP:
                depth += 1
            elif kind == _END_GROUP:
                if not depth:
                    raise RefusedError("a group that ends before it began")
                depth -= 1
            elif kind == _FIXED32:
                self._at += 4
            else:
                raise RefusedError("a tag that no field has")
            if not depth:
                break
        if depth or self._at > self._end:
            raise RefusedError(_END)


def _int32(value: int) -> int:
    """The low 32 bits, with their sign."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


_NONE: frozenset[int] = frozenset()
_LEAF = {1: _VARINT, 2: _VARINT, 3: _VARINT, 4: _VARINT, 5: _BYTES}
_INNER = {1: _VARINT, 2: _BYTES, 3: _BYTES}
_EXIST = {1: _BYTES, 2: _BYTES, 3: _BYTES, 4: _BYTES}
_SQUEEZED = {1: _BYTES, 2: _BYTES, 3: _BYTES, 4: -1}
_TWO = {1: _BYTES, 2: _BYTES}
_THREE = {1: _BYTES, 2: _BYTES, 3: _BYTES}
_FOUR = {1: _BYTES, 2: _BYTES, 3: _BYTES, 4: _BYTES}
_INNER_SPEC = {1: -1, 2: _VARINT, 3: _VARINT, 4: _VARINT, 5: _BYTES, 6: _VARINT}
_SPEC = {1: _BYTES, 2: _BYTES, 3: _VARINT, 4: _VARINT, 5: _VARINT}


class Reader:
    """Reads the messages of one run of bytes.

    Args:
        data: the bytes.
        strict: whether ambiguous bytes are refused.
    """

    def __init__(self, data: bytes, *, strict: bool) -> None:
        self.data, self.strict = data, strict
        self.numbers = 0  # read so far, of tags, lengths and values

    def fields(
        self, start: int, end: int, kinds: dict[int, int], often: frozenset[int] = _NONE
    ) -> Iterator[tuple[int, int, int]]:
        """The fields of a message, see :class:`Message`."""
        return iter(Message(self, start, end, kinds, often))

    def leaf(self, start: int, end: int, known: LeafOp | None = None) -> LeafOp:
        """A LeafOp; a second one in the same message is merged into the first, `known`."""
        found = known or LeafOp()
        hash_op, key, value, length, prefix = (
            found.hash, found.prehash_key, found.prehash_value, found.length, found.prefix,
        )  # fmt: skip
        for number, at, stop in self.fields(start, end, _LEAF):
            if number == 1:
                hash_op = _int32(at)
            elif number == 2:
                key = _int32(at)
            elif number == 3:
                value = _int32(at)
            elif number == 4:
                length = _int32(at)
            else:
                prefix = self.data[at:stop]
        return LeafOp(hash_op, key, value, length, prefix)

    def inner(self, start: int, end: int) -> InnerOp:
        """An InnerOp."""
        hash_op, prefix, suffix = 0, b"", None
        for number, value, stop in self.fields(start, end, _INNER):
            if number == 1:
                hash_op = _int32(value)
                continue
            if stop - value > MAX_OP_BYTES:
                raise RefusedError(f"a prefix or suffix of more than {MAX_OP_BYTES} bytes")
            if number == 2:
                prefix = self.data[value:stop]
            else:
                suffix = self.data[value:stop]
        return InnerOp(hash_op, prefix, suffix)

    def exist(
        self, start: int, end: int, lookup: list[InnerOp] | None = None, known: ExistenceProof | None = None
    ) -> ExistenceProof:
        """An ExistenceProof, or a compressed one whose steps are places in `lookup`; merged into `known`."""
        base = known or ExistenceProof()
        key, value, leaf, path = base.key, base.value, base.leaf, list(base.path)
        kinds = _EXIST if lookup is None else _SQUEEZED
        for number, at, stop in self.fields(start, end, kinds, frozenset({4})):
            if number == 1:
                key = self.data[at:stop]
            elif number == 2:
                value = self.data[at:stop]
            elif number == 3:
                leaf = self.leaf(at, stop, leaf)
            elif len(path) == MAX_DEPTH:
                raise RefusedError(f"a path of more than {MAX_DEPTH} steps")
            elif lookup is None:
                path.append(self.inner(at, stop))
            else:
                place = _int32(at)
                if not 0 <= place < len(lookup):
                    raise RefusedError(f"a step {place} of {len(lookup)}")
                path.append(lookup[place])
        return ExistenceProof(key, value, leaf, tuple(path))

    def nonexist(self, start: int, end: int, lookup: list[InnerOp] | None = None) -> NonExistenceProof:
        """A NonExistenceProof, compressed where `lookup` is given. Its key is not read: the verifier has one."""
        sides: list[ExistenceProof | None] = [None, None]
        for number, at, stop in self.fields(start, end, _THREE):
            if number > 1:
                sides[number - 2] = self.exist(at, stop, lookup, sides[number - 2])
        return NonExistenceProof(*sides)

    def entry(self, start: int, end: int, lookup: list[InnerOp] | None = None) -> Entry | None:
        """A BatchEntry, compressed where `lookup` is given; None where it is empty."""
        found: Entry | None = None
        for number, at, stop in self.fields(start, end, _TWO):
            self._choose(found)
            found = self.exist(at, stop, lookup) if number == 1 else self.nonexist(at, stop, lookup)
        return found

    def commitment(self, start: int, end: int) -> Entries:
        """A CommitmentProof."""
        found: Entries | None = None
        for number, at, stop in self.fields(start, end, _FOUR):
            self._choose(found)
            if number < 3:
                found = Entries([self.exist(at, stop) if number == 1 else self.nonexist(at, stop)])
            else:
                found = Entries(self._batch(at, stop) if number == 3 else self._compressed(at, stop), batch=True)
        return found or Entries()

    def _choose(self, found: object) -> None:
        if found is not None and self.strict:
            raise RefusedError("two alternatives of one choice")

    def _batch(self, start: int, end: int) -> list[Entry]:
        found: list[Entry] = []
        for count, (_, at, stop) in enumerate(self.fields(start, end, {1: _BYTES}, frozenset({1}))):
            if count == MAX_ENTRIES:
                raise RefusedError(f"more than {MAX_ENTRIES} entries")
            one = self.entry(at, stop)
            if one is not None:
                found.append(one)
        return found

    def _compressed(self, start: int, end: int) -> list[Entry]:
        entries: list[tuple[int, int]] = []
        lookup: list[InnerOp] = []
        for number, at, stop in self.fields(start, end, _TWO, frozenset({1, 2})):
            if len(entries) == MAX_ENTRIES or len(lookup) == MAX_ENTRIES:
                raise RefusedError(f"more than {MAX_ENTRIES} entries or steps")
            if number == 1:
                entries.append((at, stop))
            else:
                lookup.append(self.inner(at, stop))
        found = [self.entry(at, stop, lookup) for at, stop in entries]
        whole = [one for one in found if one is not None]
        if len(whole) < len(found):
            raise RefusedError("an entry without content")
        check_sharing(whole, lookup)
        return whole

    def spec(self, start: int, end: int) -> tuple[LeafOp | None, InnerSpec | None, int, int, bool]:
        """The fields of a ProofSpec."""
        leaf: LeafOp | None = None
        inner: InnerSpec | None = None
        most, least, flag = 0, 0, False
        for number, at, stop in self.fields(start, end, _SPEC):
            if number == 1:
                leaf = self.leaf(at, stop, leaf)
            elif number == 2:
                inner = self._inner_spec(at, stop)
            elif number == 3:
                most = _int32(at)
            elif number == 4:
                least = _int32(at)
            else:
                flag = at != 0
        return leaf, inner, most, least, flag

    def _inner_spec(self, start: int, end: int) -> InnerSpec:
        order: list[int] = []
        numbers = dict.fromkeys((2, 3, 4, 6), 0)
        empty = b""
        for number, at, stop in self.fields(start, end, _INNER_SPEC, frozenset({1})):
            if number == 1:
                order.append(_int32(at))
            elif number == 5:
                empty = self.data[at:stop]
            else:
                numbers[number] = _int32(at)
        return InnerSpec(tuple(order), numbers[2], numbers[3], numbers[4], empty, numbers[6])
