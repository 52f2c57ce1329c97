"""The common part of the chains' contexts: a frozen dataclass, and its JSON form.

The JSON document is an object with the names of the dataclass's fields. Byte strings are hexadecimal. Absent fields
take their defaults; unknown fields are refused, because a misspelt name would otherwise silently remove a check.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.errors import InputError
from pycore.ledgers import fields
from pycore.ledgers._json import load_object

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclasses.dataclass(frozen=True)
class JsonContext:
    """Base of the chains' contexts, whose `__post_init__` turns every field into its one form.

    Every chain's context has `rules` ("strict" | "compatible"), and the place of a block in the chain: `height` and
    `previous_block_hash`, both None where they are not known.
    """

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; for the next block: ``context.replace(height=8, ...)``."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects; fields at their defaults are left out."""
        shown: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            default = item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
            if value == default and type(value) is not bytes:
                continue
            shown[item.name] = fields.plain(value)
        return shown

    def to_json(self, *, indent: int | None = 2) -> str:
        """The JSON document that :meth:`from_json` reads."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """A context from the JSON form. InputError names the field that does not fit."""
        if not isinstance(document, Mapping):
            raise InputError("context", got=type(document).__name__, wanted="a JSON object")
        known = {item.name for item in dataclasses.fields(cls)}
        for name in document:
            if name not in known:
                raise InputError(f"context.{name}", got="an unknown field", wanted=f"one of {', '.join(sorted(known))}")
        return cls(**document)

    @classmethod
    def from_json(cls, source: str | bytes | Path) -> Self:
        """Reads a JSON document: its text, or the path of a file that holds it (a Path, or a string that is not a JSON
        object)."""
        text: str | bytes
        if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith("{")):
            try:
                text = Path(source).read_bytes()
            except (OSError, ValueError) as error:  # ValueError: text that no path can be
                raise InputError(
                    "context", got=str(error), wanted="a JSON object or the path of a file that holds one"
                ) from error
        else:
            text = source
        return cls.from_dict(load_object(text, "context"))
