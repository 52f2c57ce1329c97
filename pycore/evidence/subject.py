"""The file in question, or its digest alone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pycore.base.columns import bytes_view
from pycore.base.registry import HASHES
from pycore.errors import InputError
from pycore.hashing.batch import Hasher

TRIED = ("sha256", "sm3", "sha512", "sha3-256")
"""Hashes that are tried where the evidence names none."""
_PIECE = 1 << 20
_SPELLINGS = {re.sub(r"[^a-z0-9]", "", name): name for name in HASHES}


def hash_name(text: str) -> str | None:
    """The hash that a document means, in any case and with or without hyphens; None where it is not one of ours.

    >>> hash_name("SHA-256"), hash_name("SM3"), hash_name("sha3_256"), hash_name("md5")
    ('sha256', 'sm3', 'sha3-256', None)
    """
    return _SPELLINGS.get(re.sub(r"[-_ /]", "", text.lower()))


@dataclass(frozen=True)
class Digest:
    """A digest in place of a file.

    Attributes:
        algorithm: a name in ``pycore.HASHES``.
        value: the digest.
    """

    algorithm: str
    value: bytes

    def __post_init__(self) -> None:
        row = HASHES.get(self.algorithm)
        if row is None:
            raise InputError("file.algorithm", repr(self.algorithm)[:80], "one of " + ", ".join(HASHES))
        if len(self.value) != row.digest_size:
            raise InputError("file.value", f"{len(self.value)} bytes", f"{row.digest_size} bytes of {self.algorithm}")

    @classmethod
    def parse(cls, text: str) -> Digest | None:
        """The digest that a text like ``sm3:66c7...`` is; None where it is another text.

        Raises:
            InputError: the name of a hash and digits that are no digest of it.

        >>> Digest.parse("sm3:" + 64 * "0").algorithm
        'sm3'
        """
        name, colon, digits = text.partition(":")
        algorithm = hash_name(name) if colon else None
        if algorithm is None:
            return None
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", digits):
            raise InputError("file", repr(text[:80]), f"{name}: and the digest in hexadecimal")
        return cls(algorithm, bytes.fromhex(digits))


@dataclass(eq=False)
class Subject:
    """The file: its name, and its digests as they are asked for.

    Attributes:
        name: as a reader knows it; "" where it has none.
        size: bytes; None where only a digest is known.
    """

    name: str
    size: int | None
    _source: Path | bytes | Digest
    _known: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, file: Any, name: str | None = None) -> Subject:
        """From a path, the file's bytes, a :class:`Digest` or its text.

        Raises:
            InputError: nothing of these.
            OSError: the file cannot be read.
        """
        if isinstance(file, str):
            digest = Digest.parse(file)
            file = Path(file) if digest is None else digest
        if isinstance(file, Digest):
            return cls(name or "", None, file)
        if isinstance(file, os.PathLike):
            path = Path(os.fspath(file))
            try:
                size = path.stat().st_size
            except ValueError as error:  # text that no path can be
                raise InputError("file", str(error), "a path, bytes, or a digest as sha256:...") from error
            return cls(path.name if name is None else name, size, path)
        try:
            data = bytes_view(file, "file").tobytes()
        except InputError as error:
            raise InputError("file", error.got, "a path, bytes, or a digest as sha256:...") from None
        return cls(name or "", len(data), data)

    def digests(self, algorithms: Sequence[str]) -> dict[str, bytes]:
        """The file's digests under these hashes, read once for all; of a digest alone, it if it is one of them."""
        if isinstance(self._source, Digest):
            given = self._source
            return {given.algorithm: given.value} if given.algorithm in algorithms else {}
        missing = [name for name in algorithms if name not in self._known]
        hashers = [Hasher(name) for name in missing]
        if isinstance(self._source, bytes):
            for hasher in hashers:
                hasher.update(self._source)
        elif hashers:
            piece = memoryview(bytearray(_PIECE))
            with self._source.open("rb", buffering=0) as stream:
                while read := stream.readinto(piece):
                    for hasher in hashers:
                        hasher.update(piece[:read])
        self._known |= {hasher.name: hasher.digest() for hasher in hashers}
        return {name: self._known[name] for name in algorithms}

    @property
    def given(self) -> str | None:
        """The hash of a digest alone; None for a file, which has a digest under every hash."""
        return self._source.algorithm if isinstance(self._source, Digest) else None
