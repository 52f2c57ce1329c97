"""VerifyIcs23."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pycore import ics23
from pycore.base.columns import Column
from pycore.base.deadline import checkpoint
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError, LengthError
from pycore.service.work import Unary, Work
from pycore.wire.columns import from_column, numbers, to_verdicts
from pycore.wire.schema import ics23_pb2
from pycore.wire.settings import Settings

_NAME = "VerifyIcs23"
_AT_ONCE, _BYTES_AT_ONCE = 4096, 4 << 20  # proofs share steps, so not too few; a deadline ends the work between two
_BYTES_PER_STEP = 64  # about what one takes in a proof; only to count items


class Options(NamedTuple):
    """Spec and rules, and whether the proofs are JSON."""

    spec: Any
    rules: str
    json: bool


def _decode(request: ics23_pb2.VerifyIcs23Request, settings: Settings) -> Work:
    kind = request.WhichOneof("spec")
    if kind is None:
        raise InputError("spec", "nothing", "spec_name, spec_bytes or spec_json")
    if kind == "spec_json" and not request.spec_json.lstrip().startswith("{"):
        raise InputError("spec", "text that is no JSON object", "a ProofSpec as a JSON object")
    root, proofs, keys, values = (
        from_column(getattr(request, name), name, settings) for name in ("root", "proofs", "keys", "values")
    )
    absent = numbers(request.absent, "absent", settings)
    if len(absent) and int(absent.max()) >= keys.n:
        raise InputError("absent", str(int(absent.max())), f"rows below {keys.n}")
    if values.n not in (0, keys.n):
        raise LengthError("values", f"{values.n} items", f"{keys.n}, as many as keys, or 0")
    if proofs.n not in (1, keys.n):
        raise LengthError("proofs", f"{proofs.n} proofs", f"{keys.n}, as many as keys, or one for all")
    if root.n not in (1, keys.n):
        raise LengthError("root", f"{root.n} items", f"{keys.n}, as many as keys, or one for all")
    present = np.full(keys.n, bool(values.n))
    present[absent.astype(np.intp)] = False
    options = Options(getattr(request, kind), request.rules or "strict", request.json)
    n = max(keys.n, proofs.n)
    return Work(_NAME, options, (root, proofs, keys, values, present), n, n + proofs.nbytes // _BYTES_PER_STEP)


def _run(work: Work, _: Settings) -> Verdicts:
    options: Any = work.options
    root, proofs, keys, values, present = work.columns
    codes = np.zeros(keys.n, np.uint8)
    for claimed in (True, False):
        rows = np.flatnonzero(present == claimed)
        for piece in [rows] if proofs.n == 1 and len(rows) else _pieces(proofs, rows):
            checkpoint()
            asked = options.spec, _some(root, piece, keys.n), _proofs(proofs, piece, options.json), keys.take(piece)
            if claimed:
                found = ics23.verify_membership_batch(*asked, values.take(piece), rules=options.rules)
            else:
                found = ics23.verify_non_membership_batch(*asked, rules=options.rules)
            codes[piece] = found.codes
    if not keys.n:  # spec and rules are looked at all the same
        ics23.verify_non_membership_batch(options.spec, b"", [], [], rules=options.rules)
    return Verdicts.of_kernel(codes)


def _pieces(proofs: Column, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """The rows in pieces of so many proofs and bytes of them, one at least: a step of a few bytes takes a hundred."""
    ends = np.cumsum(proofs.lengths[rows])
    start = 0
    while start < len(rows):
        most = _BYTES_AT_ONCE + (int(ends[start - 1]) if start else 0)
        stop = min(start + _AT_ONCE, max(start + 1, int(np.searchsorted(ends, most, "right"))))
        yield rows[start:stop]
        start = stop


def _some(column: Column, rows: NDArray[np.intp], n: int) -> Any:
    """Rows of a column that has one for all items, or one each."""
    return column[0] if column.n == 1 else column.take(rows)


def _proofs(proofs: Column, rows: NDArray[np.intp], json: bool) -> Any:
    if not json:
        return _some(proofs, rows, len(rows))
    texts = [_text(proofs, row) for row in ([0] if proofs.n == 1 else rows.tolist())]
    return texts[0] if proofs.n == 1 else texts


def _text(proofs: Column, row: int) -> str:
    try:
        return proofs[row].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"proofs[{row}]", f"bytes that are no text (byte {error.start})", "UTF-8") from None


def _encode(verdicts: Verdicts) -> ics23_pb2.VerifyIcs23Response:
    return ics23_pb2.VerifyIcs23Response(verdicts=to_verdicts(verdicts))


RPCS = {_NAME: Unary(_decode, _encode)}
KINDS = {_NAME: _run}
