"""The call for ICS-23 proofs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycore.base.columns import BatchOfBytes, BytesLike, as_column, quote, same_n
from pycore.base.verdicts import Verdicts
from pycore.client.requests import Caller, Plan, call, verdicts_of
from pycore.errors import InputError, LengthError
from pycore.ics23 import ProofSpec
from pycore.merkle.sparse import optional_values
from pycore.wire.columns import split, to_numbers
from pycore.wire.ics23 import to_proofs, to_spec
from pycore.wire.packing import packed
from pycore.wire.schema import ics23_pb2


class Ics23Calls(Caller):
    """`verify_ics23`."""

    @call
    def verify_ics23(
        self,
        spec: str | ProofSpec | Any,
        root: BatchOfBytes,
        proofs: BatchOfBytes | Any,
        keys: BatchOfBytes,
        values: BatchOfBytes | Sequence[BytesLike | None] | None = None,
        *,
        rules: str = "strict",
        threads: int | None = None,
    ) -> Plan[Verdicts]:
        """`pycore.ics23.verify_membership_batch` on the service; `verify_non_membership_batch` for keys without one.

        Args:
            spec, root, proofs, keys, rules: as for `verify_membership_batch`. Of several proofs all are JSON or none.
            values: the value of each key; None in its place: the key is claimed to be absent. None: all are.
        """
        if not isinstance(rules, str):
            raise InputError("rules", quote(rules), "text")
        names = as_column(keys, "keys")
        n = names.n
        given: Any = [None] * n if values is None else values
        contents, present = optional_values(given, "values", None)
        same_n("values", contents, n, "keys")
        one = isinstance(root, (bytes, bytearray, memoryview))
        roots = as_column([root] if one else root, "root")
        if not one:
            same_n("root", roots, n, "keys")
        column, single, json = to_proofs(proofs)
        if not single and column.n != n:
            raise LengthError("proofs", f"{column.n} proofs", f"{n}, as many as keys, or one for all")
        fields = {**to_spec(spec), "rules": rules, "json": json}
        columns = [names, contents, *([] if single else [column]), *([] if one else [roots])]
        ranges = split(columns, self._budget.items, self._budget.nbytes)

        def request(start: int, stop: int) -> bytes:
            none = not present[start:stop].any()
            absent = b"" if none else to_numbers(np.flatnonzero(~present[start:stop]))
            bare = ics23_pb2.VerifyIcs23Request(**fields, absent=absent)
            filled = [
                (bare.ROOT_FIELD_NUMBER, roots if one else roots.slice(start, stop)),
                (bare.PROOFS_FIELD_NUMBER, column if single else column.slice(start, stop)),
                (bare.KEYS_FIELD_NUMBER, names.slice(start, stop)),
            ]
            if not none:
                filled.append((bare.VALUES_FIELD_NUMBER, contents.slice(start, stop)))
            return packed(bare, filled)

        requests = (request(start, stop) for start, stop in ranges)
        return Plan("VerifyIcs23", len(ranges), requests, verdicts_of(n))
