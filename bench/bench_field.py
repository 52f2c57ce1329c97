"""Field arithmetic: each operation of each field on each backend, and the same by Python's integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pycore.base import ffi
from pycore.testing import _deterministic

from .conftest import Measure

N = 256  # elements per call: stays in the first-level cache
OPERATIONS = {"mul": 0, "sqr": 1, "add": 2, "inv": 5, "sqrt": 6, "template mul": 7, "template sqr": 8}
REPEAT = {"inv": 1, "sqrt": 1}  # the others are repeated inside C, so that the call itself does not count
MODULI = {
    "fe25519": 2**255 - 19,
    "fe_k256": 2**256 - 2**32 - 977,
    "fe_p256": 2**256 - 2**224 + 2**192 + 2**96 - 1,
    "fe_sm2": 2**256 - 2**224 - 2**96 + 2**64 - 1,
}


def elements(label: str) -> Any:
    return _deterministic.rows(1, "bench field", label, count=N, width=32)


# square roots are for p = 3 mod 4 (field.h)
CASES = [
    (field, operation)
    for field in ffi.field_names()
    for operation in OPERATIONS
    if operation != "sqrt" or field in ("fe_k256", "fe_p256", "fe_sm2")
]


@pytest.mark.parametrize(("field", "operation"), CASES)
def test_operation(measure: Measure, backend: str, field: str, operation: str) -> None:
    a, b, out = elements("a"), elements("b"), np.empty((N, 32), dtype=np.uint8)
    position, repeat = ffi.field_names().index(field), REPEAT.get(operation, 200)
    which = ffi.current_backend()

    def run() -> Any:
        ffi.field_probe(which, position, OPERATIONS[operation], a, b, repeat, out)

    name = operation.removeprefix("template ")
    by = "template" if operation.startswith("template") else "pycore"
    measure(run, N * repeat, f"{field} {name}", by=by, backend=backend)


@pytest.mark.parametrize("operation", ["mul", "inv"])
@pytest.mark.parametrize("field", list(MODULI))
def test_python_integers(measure: Measure, field: str, operation: str) -> None:
    modulus, repeat = MODULI[field], REPEAT.get(operation, 200)
    a = [int.from_bytes(row.tobytes(), "little") % modulus for row in elements("a")]
    b = [int.from_bytes(row.tobytes(), "little") % modulus for row in elements("b")]

    def run() -> Any:
        for _ in range(repeat):
            if operation == "mul":
                result = [x * y % modulus for x, y in zip(a, b, strict=True)]
            else:
                result = [pow(x, -1, modulus) for x in a]
        return result

    measure(run, N * repeat, f"{field} {operation}", by="Python integers")
