"""Many keys: proofs of one root or many, one by one or in one batch proof.

Proofs in the bytes that protobuf writers put go through ``csrc/trees/ics23.c``, where the steps that they share are
checked and hashed once. Whatever else (JSON, compressed proofs, hashes that the core lacks, bytes in another order) is
decided by ``pycore.ics23.checking``, and both give the same verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import Column, as_column, one_bytes, same_n
from pycore.base.deadline import checkpoint
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import LengthError
from pycore.ics23.checking import Checker
from pycore.ics23.ffi_ics23 import Paths, native_spec
from pycore.ics23.forms import ProofLike, SpecLike, as_spec, entries_of, is_json
from pycore.ics23.reading import MAX_ENTRIES, MAX_PROOF_BYTES, Entries, ExistenceProof, NonExistenceProof, RefusedError
from pycore.ics23.single import around_key, nothing, of_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes

_VALID, _BAD, _MALFORMED = int(Verdict.VALID), int(Verdict.BAD_PROOF), int(Verdict.MALFORMED_PROOF)
_UNCHECKED = int(Verdict.UNCHECKED)


def verify_membership_batch(
    spec: SpecLike,
    root: BatchOfBytes,
    proofs: ProofLike | Sequence[ProofLike] | BatchOfBytes,
    keys: BatchOfBytes,
    values: BatchOfBytes,
    *,
    rules: str = "strict",
) -> Verdicts:
    """Check that n keys have their values.

    Args:
        spec, rules: as for :func:`pycore.ics23.verify_membership`.
        root: one root for all of them, or n.
        proofs: n proofs, or one for all of them (protobuf bytes, JSON text or object), such as a batch proof. A batch
            of bytes for n proofs takes any form of ``pycore.batch``, and is read without a copy as (data, offsets).
        keys, values: n of each.

    Returns:
        n verdicts: VALID, BAD_PROOF or MALFORMED_PROOF, as :func:`pycore.ics23.verify_membership` finds for each alone.

    Raises:
        InputError: a malformed call: an unknown spec, counts that differ.

    >>> from pycore.testing.ics23 import ProvenTree
    >>> tree = ProvenTree("iavl", {b"a": b"1", b"c": b"2", b"d": b"3"})
    >>> proofs = [tree.membership(b"a"), tree.membership(b"d")]
    >>> verify_membership_batch("iavl", tree.root, proofs, [b"a", b"d"], [b"1", b"?"])
    Verdicts(n=2, valid=1, BAD_PROOF=1)
    >>> verify_membership_batch("iavl", tree.root, tree.batch([b"a", b"d"]), [b"a", b"d"], [b"1", b"3"]).all_valid
    True
    """
    checker = Checker(as_spec(spec), rules)
    names, contents = as_column(keys, "keys"), as_column(values, "values")
    n = len(names)
    same_n("values", contents, n, "keys")
    roots = _Roots(root, n)
    if _is_one(proofs):
        return Verdicts.of_kernel(_present_in_one(checker, roots, proofs, names, contents))
    column, texts = _column_of(proofs, n)

    def decide(i: int) -> None:
        found = entries_of(texts[i] if i in texts else column[i], f"proofs[{i}]", strict=checker.strict)
        checker.exist(of_key(found, names[i]), roots[i], names[i], contents[i])

    native = native_spec(checker)
    checker.remember()
    if native is None or not n:
        codes = np.zeros(n, np.uint8)
    else:
        paths = Paths(native, *_flat(column), roots.grouped(), wrapped=True, wanted=(names, contents))
        codes = paths.codes
        paths.release()
        codes[column.lengths > MAX_PROOF_BYTES] = _MALFORMED
    return Verdicts.of_kernel(_decided(codes, decide))


def verify_non_membership_batch(
    spec: SpecLike,
    root: BatchOfBytes,
    proofs: ProofLike | Sequence[ProofLike] | BatchOfBytes,
    keys: BatchOfBytes,
    *,
    rules: str = "strict",
) -> Verdicts:
    """Check that nothing stands under n keys.

    Args:
        spec, root, proofs, keys, rules: as for :func:`verify_membership_batch`.

    Returns:
        n verdicts, as :func:`pycore.ics23.verify_non_membership` finds for each alone.

    Raises:
        InputError: a malformed call.

    >>> from pycore.testing.ics23 import ProvenTree
    >>> tree = ProvenTree("smt", {b"a": b"1", b"c": b"2", b"d": b"3"})
    >>> proofs = [tree.non_membership(b"b"), tree.membership(b"a")]
    >>> verify_non_membership_batch("smt", tree.root, proofs, [b"b", b"a"])
    Verdicts(n=2, valid=1, MALFORMED_PROOF=1)
    """
    checker = Checker(as_spec(spec), rules)
    names = as_column(keys, "keys")
    n = len(names)
    roots = _Roots(root, n)
    if _is_one(proofs):
        return Verdicts.of_kernel(_absent_in_one(checker, roots, proofs, names))
    column, texts = _column_of(proofs, n)

    def decide(i: int) -> None:
        found = entries_of(texts[i] if i in texts else column[i], f"proofs[{i}]", strict=checker.strict)
        checker.absent(around_key(found, checker, names[i]), roots[i], names[i])

    native = native_spec(checker)
    checker.remember()
    codes = np.zeros(n, np.uint8)
    if native is not None and n:
        data, (starts, ends) = _flat(column)
        view = data.data
        sides = [_sides(view, *bounds) for bounds in zip(starts.tolist(), ends.tolist(), strict=True)]
        chosen = [i for i, one in enumerate(sides) if one is not None]
        if chosen:
            bounds = np.array([sides[i] for i in chosen], np.int64).reshape(-1, 2)
            twice = np.repeat(np.array(chosen), 2)
            paths = Paths(native, data, (bounds[:, 0].copy(), bounds[:, 1].copy()), roots.grouped(twice), wrapped=False)
            codes[chosen] = _sides_verdicts(checker, paths, bounds, [names[i] for i in chosen])
            paths.release()
        codes[column.lengths > MAX_PROOF_BYTES] = _MALFORMED
    return Verdicts.of_kernel(_decided(codes, decide))


# ---- arguments -------------------------------------------------------------------------------------------------------


class _Roots:
    """One root for all items, or one each."""

    def __init__(self, root: BatchOfBytes, n: int) -> None:
        if isinstance(root, (bytes, bytearray, memoryview)):
            self.one: bytes | None = one_bytes(root, "root")
            self._many = None
        else:
            self.one, self._many = None, as_column(root, "root")
            same_n("root", self._many, n, "keys")
        self._n = n

    def __getitem__(self, index: int) -> bytes:
        if self.one is not None:
            return self.one
        assert self._many is not None
        return self._many[index]

    def grouped(self, rows: NDArray[np.int64] | None = None) -> tuple[Column, NDArray[np.uint32]]:
        """The distinct roots, and which of them the items have; rows: of these items."""
        n = self._n if rows is None else len(rows)
        if self.one is not None or not n:
            return as_column([self.one or b""], "root"), np.zeros(n, np.uint32)
        assert self._many is not None
        known: dict[bytes, int] = {}
        groups = np.fromiter((known.setdefault(one, len(known)) for one in self._many), np.uint32, self._n)
        return as_column(list(known), "root"), groups if rows is None else groups[rows]


def _is_one(proofs: Any) -> bool:
    """Whether `proofs` is one proof for all keys."""
    return is_json(proofs) or isinstance(proofs, (bytes, bytearray)) or (
        isinstance(proofs, memoryview) and proofs.ndim == 1
    )  # fmt: skip


def _column_of(proofs: Any, n: int) -> tuple[Column, dict[int, Any]]:
    """n proofs as a column, and by their places those that are JSON, whose rows are empty."""
    texts: dict[int, Any] = {}
    if isinstance(proofs, (list, tuple)) and any(is_json(one) for one in proofs):
        texts = {i: one for i, one in enumerate(proofs) if is_json(one)}
        proofs = [b"" if i in texts else one for i, one in enumerate(proofs)]
    column = as_column(proofs, "proofs")
    if len(column) != n:
        raise LengthError("proofs", f"{len(column)} proofs", f"{n}, as many as keys, or one for all")
    return column, texts


def _flat(column: Column) -> tuple[NDArray[np.uint8], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """A column's bytes, and where its rows start and end."""
    if column.offsets is not None:
        return column.data, (column.offsets[:-1], column.offsets[1:])
    data = np.ascontiguousarray(column.data)
    starts = np.arange(len(column), dtype=np.int64) * data.shape[1]
    return data.reshape(-1), (starts, starts + data.shape[1])


def _decided(codes: NDArray[np.uint8], decide: Callable[[int], None]) -> NDArray[np.uint8]:
    """Verdicts, those that are missing by `decide`."""
    for i in np.flatnonzero(codes == _UNCHECKED).tolist():
        codes[i] = _verdict(decide, i)
    return codes


def _verdict(decide: Callable[[int], None], i: int) -> int:
    checkpoint()
    try:
        decide(i)
    except RefusedError as error:
        return int(error.verdict)
    return _VALID


# ---- sides of absent keys --------------------------------------------------------------------------------------------


def _piece(data: memoryview, at: int, end: int, tag: int) -> tuple[int, int] | None:
    """Start and end of the bytes of a field with this tag, as writers put it; None: it does not come next."""
    if at >= end or data[at] != tag:
        return None
    size = shift = 0
    for _ in range(4):
        at += 1
        if at >= end:
            return None
        byte = data[at]
        size |= (byte & 127) << shift
        if byte < 128:
            stop = at + 1 + size
            return (at + 1, stop) if stop <= end and (byte or not shift) else None
        shift += 7
    return None


def _sides(data: memoryview, start: int, end: int, *, wrapped: bool = True) -> tuple[int, int, int, int] | None:
    """Where the left and the right proof of a NonExistenceProof stand, 0 and 0 where one is absent. None: bytes that
    writers do not put, or neither of them."""
    if wrapped:
        whole = _piece(data, start, end, 0x12)
        if whole is None or whole[1] != end:
            return None
        start = whole[0]
    key = _piece(data, start, end, 0x0A)
    at = key[1] if key else start
    left = _piece(data, at, end, 0x12)
    at = left[1] if left else at
    right = _piece(data, at, end, 0x1A)
    at = right[1] if right else at
    if at != end or not (left or right):
        return None
    return (*(left or (0, 0)), *(right or (0, 0)))


def _sides_verdicts(
    checker: Checker, paths: Paths, bounds: NDArray[np.int64], names: Sequence[bytes]
) -> NDArray[np.uint8]:
    """Verdicts of absent keys whose neighbours' proofs were checked; 0 where one of them was not."""
    present = (bounds[:, 1] > 0).astype(np.uint8)
    pairs, there = paths.codes.reshape(-1, 2), present.reshape(-1, 2).astype(bool)
    codes = np.where(there[:, 0], pairs[:, 0], _VALID)
    right = np.where(there[:, 1], pairs[:, 1], _VALID)
    # The left proof's verdict comes first, and all bytes must have been read before any verdict.
    codes = np.where(codes == _VALID, right, codes)
    unread = (there & (pairs != _VALID) & (pairs != _BAD)).any(axis=1)
    codes[unread] = _UNCHECKED
    good = np.flatnonzero(codes == _VALID)
    marks = paths.adjacent((present.reshape(-1, 2) * (codes == _VALID)[:, None]).reshape(-1).astype(np.uint8))
    for i in good.tolist():
        place = checker.ordered(names[i])
        left_ok = not there[i, 0] or checker.ordered(paths.key(2 * i)) < place
        right_ok = not there[i, 1] or place < checker.ordered(paths.key(2 * i + 1))
        if not (left_ok and right_ok and marks[i]):
            codes[i] = _BAD
    return codes.astype(np.uint8)


# ---- one proof for many keys -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """A batch proof that C has read as a whole: the proofs of its entries.

    paths   first those of absent keys' entries, two for each, then those of existence
    pairs   how many entries are of absent keys
    there   bool (2 * pairs,): whether each of the two is there
    """

    paths: Paths
    pairs: int
    there: NDArray[np.bool_]


def _read_batch(checker: Checker, roots: _Roots, proof: ProofLike) -> _Read | None:
    """A plain batch proof under one root, if C can read all of it."""
    native = native_spec(checker)
    if native is None or is_json(proof) or roots.one is None or len(proof) > MAX_PROOF_BYTES:
        return None
    data = np.frombuffer(one_bytes(proof, "proofs"), np.uint8)
    view = data.data
    whole = _piece(view, 0, len(data), 0x1A)
    if whole is None or whole[1] != len(data):
        return None
    exist: list[tuple[int, int]] = []
    absent: list[tuple[int, int]] = []
    at = whole[0]
    while at < whole[1]:
        entry = _piece(view, at, whole[1], 0x0A)
        if entry is None or len(exist) + len(absent) // 2 == MAX_ENTRIES:
            return None
        at = entry[1]
        one, sides = _piece(view, *entry, 0x0A), _sides(view, *entry)
        if one is not None and one[1] == entry[1]:
            exist.append(one)
        elif sides is not None:
            absent += [sides[:2], sides[2:]]
        else:
            return None
    if not exist and not absent:
        return None
    table = np.array(absent + exist, np.int64)
    groups = as_column([roots.one], "root"), np.zeros(len(table), np.uint32)
    paths = Paths(native, data, (table[:, 0].copy(), table[:, 1].copy()), groups, wrapped=False)
    read = (table[:, 1] == 0) | (paths.codes == _VALID) | (paths.codes == _BAD)
    return _Read(paths, len(absent) // 2, table[: len(absent), 1] > 0) if read.all() else None


def _entries(checker: Checker, proof: ProofLike, n: int) -> Entries | NDArray[np.uint8]:
    """What one proof holds; verdicts of n keys where it is not a proof."""
    checker.remember()
    try:
        found = entries_of(proof, "proofs", strict=checker.strict)
    except RefusedError as error:
        return np.full(n, int(error.verdict), np.uint8)
    checker.keep(found.items)
    return found


def _present_in_one(
    checker: Checker, roots: _Roots, proof: ProofLike, names: Column, contents: Column
) -> NDArray[np.uint8]:
    n = len(names)
    read = _read_batch(checker, roots, proof)
    if read is not None:
        first: dict[bytes, int] = {}
        for place in range(2 * read.pairs, len(read.paths.codes)):
            first.setdefault(read.paths.key(place), place)
        codes = np.full(n, _BAD, np.uint8)
        for i, (name, content) in enumerate(zip(names, contents, strict=True)):
            place = first.get(name, -1)
            if place >= 0 and read.paths.value(place) == content:
                codes[i] = read.paths.codes[place]
        return codes
    found = _entries(checker, proof, n)
    if not isinstance(found, Entries):
        return found
    known: dict[bytes, ExistenceProof] = {}
    for one in found.items if found.batch else ():
        if isinstance(one, ExistenceProof):
            known.setdefault(one.key, one)

    def decide(i: int) -> None:
        one = known.get(names[i]) if found.batch else of_key(found, names[i])
        if one is None:
            raise nothing(found, "existence")
        checker.exist(one, roots[i], names[i], contents[i])

    return np.fromiter((_verdict(decide, i) for i in range(n)), np.uint8, n)


def _absent_in_one(checker: Checker, roots: _Roots, proof: ProofLike, names: Column) -> NDArray[np.uint8]:
    n = len(names)
    ordered = [checker.ordered(name) for name in names]
    read = _read_batch(checker, roots, proof)
    if read is not None:
        keys = [checker.ordered(read.paths.key(at)) if read.there[at] else None for at in range(2 * read.pairs)]
        good = (~read.there | (read.paths.codes[: 2 * read.pairs] == _VALID)).reshape(-1, 2).all(axis=1)
        marks = read.paths.adjacent((read.there & np.repeat(good, 2)).astype(np.uint8))
        chosen = _first_around(list(zip(keys[::2], keys[1::2], strict=True)), ordered)
        whole = [_VALID if at is not None and good[at] and marks[at] else _BAD for at in chosen]
        return np.array(whole, np.uint8)
    found = _entries(checker, proof, n)
    if not isinstance(found, Entries):
        return found
    entries = [one for one in found.items if isinstance(one, NonExistenceProof)]
    bounds = [
        [side if side is None else checker.ordered(side.key) for side in (one.left, one.right)] for one in entries
    ]
    ranges = [(left, right) for left, right in bounds]
    chosen = _first_around(ranges, ordered) if found.batch else [0 if entries else None] * n

    def decide(i: int) -> None:
        at = chosen[i]
        if at is None:
            raise nothing(found, "absence")
        checker.absent(entries[at], roots[i], names[i])

    return np.fromiter((_verdict(decide, i) for i in range(n)), np.uint8, n)


def _first_around(ranges: Sequence[tuple[bytes | None, bytes | None]], points: Sequence[bytes]) -> list[int | None]:
    """The first range that has each point strictly inside; None as a bound is beyond every point.

    One sweep over all bounds in order, so that a batch of many entries costs no more than sorting.
    """
    order = sorted(range(len(points)), key=points.__getitem__)
    begins = sorted(range(len(ranges)), key=lambda r: (ranges[r][0] is not None, ranges[r][0] or b""))
    found: list[int | None] = [None] * len(points)
    open_ranges: list[int] = []
    at = 0
    for i in order:
        point = points[i]
        while at < len(begins) and (ranges[begins[at]][0] is None or (ranges[begins[at]][0] or b"") < point):
            heappush(open_ranges, begins[at])
            at += 1
        while open_ranges and (end := ranges[open_ranges[0]][1]) is not None and end <= point:
            heappop(open_ranges)  # every later point is beyond it as well
        found[i] = open_ranges[0] if open_ranges else None
    return found
