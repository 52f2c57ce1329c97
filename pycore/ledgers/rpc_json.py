"""Answers of nodes' JSON-RPC: objects whose numbers and bytes are hexadecimal text, read field by field.

Every error names the field by its path from the answer: ``block.transactions[3].gas``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pycore.base.columns import describe
from pycore.errors import InputError
from pycore.ledgers._json import load_object

_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)")


class Answer:
    """An object of an answer."""

    def __init__(self, fields: Mapping[str, Any], name: str) -> None:
        self._fields, self.name = fields, name

    @classmethod
    def of(cls, document: Any, name: str) -> Answer:
        """An answer from a mapping, or from JSON text. The whole reply of a node - an object with "jsonrpc" and
        "result" - stands for its result. InputError named `name` for anything else."""
        if isinstance(document, (str, bytes, bytearray, memoryview)):
            document = load_object(document if isinstance(document, str) else bytes(document), name)
        if not isinstance(document, Mapping):
            raise InputError(name, type(document).__name__, "a mapping, or the text of a JSON object")
        result = document.get("result")
        if "jsonrpc" in document and isinstance(result, Mapping):
            document = result
        return cls(document, name)

    def has(self, field: str) -> bool:
        """Whether there is a field, and not null."""
        return self._fields.get(field) is not None

    def raw(self, field: str) -> Any:
        """The value of a field as it is. InputError where it is absent."""
        if not self.has(field):
            raise InputError(f"{self.name}.{field}", "nothing", "a value")
        return self._fields[field]

    def number(self, field: str, size: int) -> int:
        """A number of at most `size` bytes: hexadecimal text, or a JSON number."""
        value = self.raw(field)
        if isinstance(value, str):
            digits = self._digits(field, value)
            found = int(digits or "0", 16) if len(digits.lstrip("0")) <= 2 * size else -1
        else:
            found = value if type(value) is int and 0 <= value < 1 << 8 * size else -1
        if found < 0:
            raise InputError(f"{self.name}.{field}", describe(value), f"a number of at most {size} bytes")
        return found

    def octets(self, field: str, *sizes: int) -> bytes:
        """Bytes in hexadecimal, of one of these sizes; no sizes: any."""
        return self._octets(f"{self.name}.{field}", self.raw(field), sizes)

    def optional_octets(self, field: str, *sizes: int) -> bytes:
        """The same; b"" where the field is absent, null or empty."""
        return self.octets(field, *((0, *sizes) if sizes else ())) if self.has(field) else b""

    def octet_list(self, field: str, *sizes: int) -> list[bytes]:
        """A list of them."""
        return [self._octets(f"{self.name}.{field}[{i}]", one, sizes) for i, one in enumerate(self._list(field))]

    def objects(self, field: str) -> Iterator[Answer]:
        """A list of objects."""
        for i, one in enumerate(self._list(field)):
            name = f"{self.name}.{field}[{i}]"
            if not isinstance(one, Mapping):
                raise InputError(name, describe(one), "an object")
            yield Answer(one, name)

    def object(self, field: str) -> Answer:
        """An object."""
        value = self.raw(field)
        if not isinstance(value, Mapping):
            raise InputError(f"{self.name}.{field}", describe(value), "an object")
        return Answer(value, f"{self.name}.{field}")

    def _list(self, field: str) -> list[Any]:
        value = self.raw(field)
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{self.name}.{field}", describe(value), "a list")
        return list(value)

    def _digits(self, field: str, value: str) -> str:
        found = _HEX.fullmatch(value)
        if found is None:
            raise InputError(f"{self.name}.{field}", describe(value), "hexadecimal text")
        return found[1]

    def _octets(self, name: str, value: Any, sizes: tuple[int, ...]) -> bytes:
        found = _HEX.fullmatch(value) if isinstance(value, str) else None
        if found is None or len(found[1]) % 2:
            raise InputError(name, describe(value), "bytes in hexadecimal")
        data = bytes.fromhex(found[1])
        if sizes and len(data) not in sizes:
            raise InputError(name, f"{len(data)} bytes", " or ".join(f"{size} bytes" for size in sizes))
        return data
