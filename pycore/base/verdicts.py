"""Verdict codes and the result of a batch.

The codes are the rows of ``csrc/status.def``, read from the compiled core at import: there is no second list.
"""

from __future__ import annotations

from enum import EnumMeta, IntEnum
from typing import TYPE_CHECKING, NoReturn, overload

import numpy as np

from pycore.base import ffi
from pycore.base.columns import to_array
from pycore.errors import InputError, InvalidSignature, ProofError, ShapeError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

__all__ = ["Verdict", "Verdicts"]

_STATUS = ffi.status_rows()
_MEANINGS = {code: meaning for code, _, meaning in _STATUS}


class _VerdictBase(IntEnum):
    """One byte per item. 1 is VALID and nothing else is; 0 (UNCHECKED) is never returned by a finished call."""

    @property
    def meaning(self) -> str:
        """The reason in a short sentence."""
        return _MEANINGS[self.value]


if TYPE_CHECKING:

    class _AnyMember(EnumMeta):
        def __getattr__(cls, name: str) -> Verdict: ...

    class Verdict(_VerdictBase, metaclass=_AnyMember):
        """One byte per item; see ``csrc/status.def`` for the list."""

else:
    Verdict = _VerdictBase("Verdict", {name: code for code, name, _ in _STATUS}, module=__name__)
    Verdict.__doc__ = _VerdictBase.__doc__

_BY_CODE: dict[int, Verdict] = {member.value: member for member in Verdict}
_CODES = bytes(_BY_CODE)
_VALID = int(Verdict.VALID)
_PROOF_CODES = frozenset({int(Verdict.BAD_PROOF), int(Verdict.MALFORMED_PROOF)})


def verdict_error(verdict: Verdict, index: int | None = None) -> VerificationError:
    """The exception that stands for an invalid item: ProofError for proofs, InvalidSignature for the rest."""
    if int(verdict) in _PROOF_CODES:
        return ProofError(verdict, index)
    return InvalidSignature(verdict, index)


class Verdicts:
    """The result of a batch: one verdict code per item, in the order of the items.

    Has no truth value, because ``if verify_batch(...)`` would be true for a batch of forgeries: ask for
    :attr:`all_valid`, or call :meth:`raise_if_invalid`.

    Args:
        codes: uint8 array of shape (n,), or n bytes. Viewed, not copied, and made read-only.

    >>> verdicts = Verdicts(bytes([1, 1, 2, 1]))
    >>> verdicts.all_valid, verdicts.first_invalid(), verdicts[2].name
    (False, 2, 'BAD_SIGNATURE')
    >>> verdicts
    Verdicts(n=4, valid=3, BAD_SIGNATURE=1)
    >>> verdicts.bitmap()
    b'\\x0b'
    """

    __slots__ = ("_codes",)

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, codes: NDArray[np.uint8] | bytes) -> None:
        if isinstance(codes, bytes):
            if unknown := codes.translate(None, _CODES):
                raise InputError("codes", f"code {max(unknown)}", f"codes up to {max(_BY_CODE)}")
            self._codes: NDArray[np.uint8] = np.frombuffer(codes, dtype=np.uint8)  # read-only as the bytes are
            return
        array = to_array(codes, "codes", "uint8 array")
        if array.dtype != np.uint8 or array.ndim != 1:
            raise ShapeError("codes", f"{array.dtype} array of shape {array.shape}", "uint8 array of shape (n,)")
        if array.size and int(array.max()) not in _BY_CODE:
            raise InputError("codes", f"code {int(array.max())}", f"codes up to {max(_BY_CODE)}")
        view = array.view()
        view.flags.writeable = False
        self._codes = view

    @classmethod
    def of_kernel(cls, codes: NDArray[np.uint8]) -> Verdicts:
        """Codes fresh from a kernel, which writes only codes that exist: nothing to check, nobody else to write."""
        verdicts = object.__new__(cls)
        codes.flags.writeable = False
        verdicts._codes = codes
        return verdicts

    @property
    def codes(self) -> NDArray[np.uint8]:
        """uint8 array of shape (n,), read-only: the integer values of :class:`Verdict`."""
        return self._codes

    @property
    def valid(self) -> NDArray[np.bool_]:
        """bool array of shape (n,): True where the item is valid."""
        valid: NDArray[np.bool_] = self._codes == _VALID
        return valid

    @property
    def all_valid(self) -> bool:
        """True when every item is valid, and for an empty batch."""
        return bool((self._codes == _VALID).all())

    def bitmap(self) -> bytes:
        """ceil(n / 8) bytes: bit i, least significant first, is 1 when item i is valid; spare bits are 0."""
        return np.packbits(self.valid, bitorder="little").tobytes()

    def first_invalid(self) -> int | None:
        """Index of the first item that is not valid, or None."""
        wrong = self._codes != _VALID
        return int(wrong.argmax()) if wrong.any() else None

    def raise_if_invalid(self) -> None:
        """Raise InvalidSignature (ProofError for Merkle proofs) for the first item that is not valid."""
        index = self.first_invalid()
        if index is not None:
            raise verdict_error(self[index], index)

    def counts(self) -> dict[Verdict, int]:
        """How often each verdict occurs, in the order of the codes; verdicts that do not occur are left out."""
        return {_BY_CODE[code]: n for code, n in enumerate(np.bincount(self._codes).tolist()) if n}

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[Verdict]:
        return (_BY_CODE[code] for code in self._codes.tolist())

    @overload
    def __getitem__(self, index: int) -> Verdict: ...
    @overload
    def __getitem__(self, index: slice) -> Verdicts: ...
    def __getitem__(self, index: int | slice) -> Verdict | Verdicts:
        if isinstance(index, slice):
            return Verdicts(self._codes[index])
        return _BY_CODE[int(self._codes[index])]

    def __bool__(self) -> NoReturn:
        raise TypeError("a batch result has no truth value: use .all_valid or .raise_if_invalid()")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Verdicts):
            return NotImplemented
        return bool(np.array_equal(self._codes, other._codes))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[np.uint8]:
        return np.array(self._codes, dtype=dtype, copy=copy) if copy else np.asarray(self._codes, dtype=dtype)

    def __repr__(self) -> str:
        others = "".join(f", {v.name}={k}" for v, k in self.counts().items() if v != _VALID)
        return f"Verdicts(n={len(self)}, valid={int(self.valid.sum())}{others})"

    def __reduce__(self) -> tuple[type[Verdicts], tuple[bytes]]:
        return Verdicts, (self._codes.tobytes(),)
