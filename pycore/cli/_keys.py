"""Public keys on the command line and in files: hexadecimal, PEM, or a SubjectPublicKeyInfo in hexadecimal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ._output import hex_bytes, note

_ED25519_KEY = 32


class KeyReader:
    """Reads the keys of a call. `scheme`: the option; where there is none, keys that name their curve decide."""

    def __init__(self, scheme: str | None) -> None:
        self._scheme = scheme
        self._found: dict[str, str] = {}

    def text(self, text: str, field: str) -> bytes:
        """A key that was given as text."""
        if "-----BEGIN " in text:
            return self.octets(text.encode("utf-8", "replace"), field)
        return self.octets(hex_bytes(text, field), field)

    def file(self, path: Path, field: str) -> bytes:
        """A key in a file: PEM, DER, or hexadecimal text."""
        from ._blocks import block_bytes

        return self.octets(block_bytes(path.read_bytes()), field)

    def octets(self, data: bytes, field: str) -> bytes:
        """A key as its scheme has it, or in PEM or DER. InputError for a key of another scheme, and private ones."""
        from pycore.identities.keys import load_public_key
        from pycore.signatures.key_forms import is_private, looks_wrapped

        if not (b"-----BEGIN " in data or looks_wrapped(data) or is_private(data)):
            return data
        key = load_public_key(data, scheme=self._scheme, field=field)
        self._found.setdefault(key.scheme, field)
        return key.data

    def scheme(self, public_keys: Any) -> str:
        """The scheme of the call; said on standard error where a key decides it. Without any word of it Ed25519 if a
        key can be one. InputError otherwise: an answer of "invalid" would be about the option that was forgotten."""
        from pycore.errors import InputError

        if self._scheme is not None:
            return self._scheme
        if len(self._found) > 1:
            got = " and ".join(f"a key of {scheme} ({field})" for scheme, field in self._found.items())
            raise InputError("--scheme", got, "keys of one scheme")
        for scheme in self._found:
            note(f"pycore: --scheme {scheme}, as the key says")
            return scheme
        sizes = sorted({len(key) for key in public_keys}) if not isinstance(public_keys, tuple) else []
        if not sizes or _ED25519_KEY in sizes:
            return "ed25519"
        words = ", ".join(map(str, sizes[:4]))
        raise InputError("--scheme", f"nothing, with keys of {words} bytes", "the scheme of these keys, such as sm2")


def hinted(index: int, public_keys: Any) -> str:
    """A remark on the form of a malformed key, as the end of a sentence; "" where the form tells nothing."""
    from pycore.signatures.key_forms import key_hint

    if isinstance(public_keys, tuple):
        data, offsets = public_keys
        key = bytes(data[int(offsets[index]) : int(offsets[index + 1])])
    else:
        row: Any = public_keys[index]
        key = row.tobytes() if hasattr(row, "tobytes") else bytes(row)
    hint = key_hint(key)
    return f"; {hint}" if hint else ""
