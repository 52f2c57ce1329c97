"""``pycore verify --explain``: what would make the first invalid item hold."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pycore.signatures.explain import Reading

_SHOWN = 200  # digits of a value that is not as it was given


@dataclass(frozen=True)
class Explained:
    """The findings on one item; `item` is its number, or None where every item is valid."""

    item: int | None
    tried: int
    readings: tuple[Reading, ...]
    given: tuple[bytes, bytes, bytes]

    def document(self) -> dict[str, Any]:
        """For JSON: `readings` with `changes`, `flags`, `scheme` and, where they are not as given, the values."""
        return {
            "item": self.item,
            "tried": self.tried,
            "readings": [
                {
                    "changes": list(one.changes),
                    "scheme": one.scheme,
                    "flags": one.flags,
                    **{name: value.hex() for name, value in self._changed(one).items()},
                }
                for one in self.readings
            ],
        }

    def show(self) -> None:
        """On standard output."""
        if self.item is None:
            print("nothing to explain: every item is valid")
            return
        if not self.tried:
            print(f"item {self.item} is too long to explain")
            return
        print(f"item {self.item}, {self.tried} readings of it tried:")
        if not self.readings:
            print("  none holds: another key, message or identifier, or a convention that is not known here")
            print("  docs/guides/interop.md leads from symptoms to causes, those included that no option mends")
        for one in self.readings:
            print(f"  it would hold if {' and '.join(one.changes)}:")
            values = [
                f"--{name.replace('_', '-')} {value.hex()[:_SHOWN]}{'...' if 2 * len(value) > _SHOWN else ''}"
                for name, value in self._changed(one).items()
            ]
            print("   ", " ".join([shlex.join(one.flags), *values]))
        if self.readings:
            print("  that it would hold so does not say that it should be accepted so")

    def _changed(self, reading: Reading) -> dict[str, bytes]:
        """The values that are not as they were given."""
        names = ("public_key", "signature", "message")
        found = (reading.public_key, reading.signature, reading.message)
        return {name: value for name, value, given in zip(names, found, self.given, strict=True) if value != given}


def explained(scheme: str, columns: tuple[Any, Any, Any], options: Mapping[str, Any], verdicts: Any) -> Explained:
    """Of the first invalid item. It is tried in this process, also where a service judged."""
    from pycore.base.columns import as_column
    from pycore.signatures.explain import explain

    item = verdicts.first_invalid()
    if item is None:
        return Explained(None, 0, (), (b"", b"", b""))
    names = ("public_keys", "signatures", "messages")
    key, signature, message = (
        bytes(as_column(column, name)[item]) for column, name in zip(columns, names, strict=True)
    )
    found = explain(scheme, key, signature, message, options)
    return Explained(item, found.tried, found.readings, (key, signature, message))
