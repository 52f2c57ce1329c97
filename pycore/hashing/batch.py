"""Hashing batches of messages."""

from __future__ import annotations

import threading
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import device, ffi, parallel
from pycore.base.columns import as_column, bytes_view, one_bytes, trusted_column
from pycore.base.deadline import limited
from pycore.base.ffi_lists import LEAST, list_rows
from pycore.base.registry import HASHES, lookup
from pycore.hashing.gpu import choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, Column
    from pycore.base.registry import Hash

__all__ = ["Hasher", "hash", "hash_batch"]

COST = parallel.Cost(item_ns=80, byte_ns=1)
PAIR_COST = parallel.Cost(item_ns=150, byte_ns=0)
_FEW, _SHORT = 256, 512  # messages and bytes of each that are never cut
_BYTES = {bytes}
_UINT8 = np.dtype(np.uint8)


def hash_batch(
    algorithm: str, messages: BatchOfBytes, *, width: int | None = None, threads: int | None = None
) -> NDArray[np.uint8]:
    """Hash every message.

    Args:
        algorithm: a name in ``pycore.HASHES``: "sha256", "sha256d" (SHA-256 twice), "sha512", "sha3-256", "keccak256"
            (Ethereum's: padding 0x01, not FIPS 202's 0x06), "sm3", "ripemd160", "hash160" (RIPEMD-160 of SHA-256),
            "blake2b-256", "blake2b-512", "blake3" (the last three without a key).
        messages: a batch of n byte strings of any length, in any form that ``pycore.base.columns`` lists.
        width: bytes per message, when `messages` is one bytes-like object.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        A new C-contiguous uint8 array of shape (n, digest_size); row i is the digest of message i, in the byte order
        of the hash's standard.

    Raises:
        InputError: unknown algorithm, or messages in none of the forms.

    Traps: a digest does not say how many parts its message had: H(a || b) is also that of any other cut, so
    give parts lengths or prefixes. 64 bytes hashed as a message are the same as two digests hashed as a node of a tree
    without prefixes. SHA-256, SHA-512, SM3 and RIPEMD-160 let anyone extend a message whose digest and length
    are known: H(secret || message) is no signature.

    Sources: FIPS 180-4 (sha256, sha512), FIPS 202 (sha3-256), GB/T 32905-2016 (sm3), the Keccak submission (keccak256),
    ISO/IEC 10118-3 (ripemd160), RFC 7693 (blake2b), the BLAKE3 specification.

    >>> hash_batch("sha256", [b"abc", b""])[:, :4].tobytes().hex(" ", 4)
    'ba7816bf e3b0c442'
    >>> hash_batch("sm3", b"abcabc", width=3).shape
    (2, 32)
    """
    row = lookup(HASHES, algorithm, "algorithm")
    if threads is None:
        digests = _few(row, messages, width)
        if digests is not None:
            return digests
    column = as_column(messages, "messages", width=width)
    if threads is None:
        return _some(row, column)
    return hash_column(row, column, threads=parallel.resolve_threads(threads))


def _some(row: Hash, column: Column) -> NDArray[np.uint8]:
    """The digests of a column, by as many threads as such a call gets."""
    small = parallel.is_small(column.n, COST, column)
    return hash_column(row, column, threads=1 if small else parallel.resolve_threads(None))


def _few(row: Hash, messages: Any, width: object) -> NDArray[np.uint8] | None:
    """The digests of a few short messages in the usual form; None for any other batch and for a faulty one.
    Making a column of them would cost more than hashing them.
    """
    form = type(messages)
    rows: Any
    offsets: Any = None
    if form is list and width is None:
        n = len(messages)
        if not 0 < n <= _FEW:
            return None
        if n >= LEAST:
            found = list_rows(messages)
            if found is None:
                return None
            rows, offsets = found
            if len(rows) > _FEW * _SHORT:
                data, positions = np.frombuffer(rows, dtype=_UINT8), np.frombuffer(offsets, dtype=np.int64)
                return _some(row, trusted_column(data, positions))
        elif {*map(type, messages)} != _BYTES:
            return None
        else:
            lengths = [*map(len, messages)]
            size = max(lengths)
            if size > _SHORT:
                return None
            rows = messages[0] if n == 1 else b"".join(messages)
            if len(rows) != n * size:
                offsets = array("q", [0, *accumulate(lengths)])
    elif form is np.ndarray and width is None:
        shape = messages.shape
        if len(shape) != 2 or messages.dtype is not _UINT8:
            return None
        n, size = shape
        if not 0 < n <= _FEW or not 0 < size <= _SHORT or not messages.flags.c_contiguous:
            return None
        rows = ffi.rows_of(messages)
    elif form is bytes and type(width) is int and 0 < width <= _SHORT:
        size = width
        n, rest = divmod(len(messages), size)
        if rest or not 0 < n <= _FEW:
            return None
        rows = messages
    else:
        return None
    if device.current() == device.DEVICE:
        return None
    digests = np.empty((n, row.digest_size), dtype=_UINT8)
    backend = ffi.current_backend()
    if offsets is None:
        ffi.hash_packed(backend, row.id, rows, size, n, digests)
    else:
        ffi.hash_ragged(backend, row.id, rows, offsets, digests)
    return digests


def hash(algorithm: str, message: bytes | bytearray | memoryview | NDArray[np.uint8]) -> bytes:
    """Hash one message.

    Args:
        algorithm: as for :func:`hash_batch`.
        message: one contiguous bytes-like object.

    Returns:
        The digest.

    Raises:
        InputError: unknown algorithm, or a message that is not bytes-like.

    Traps: those of :func:`hash_batch`.

    >>> hash("keccak256", b"").hex()[:16]
    'c5d2460186f7233c'
    """
    row = lookup(HASHES, algorithm, "algorithm")
    data = message if isinstance(message, bytes) else one_bytes(message, "message")
    return ffi.hash_one(ffi.current_backend(), row.id, data, row.digest_size)


class Hasher:
    """One message that comes in pieces, as in :mod:`hashlib`, for every hash. Memory does not grow with the message.

    Args:
        algorithm: as for :func:`hash_batch`.
        data: the first piece.

    Attributes:
        name: the hash's name.
        digest_size, block_size: bytes.

    Any number of threads may use one; their pieces come in the order in which they got hold of it. The backend is the
    one that the context had when it was made.

    >>> hasher = Hasher("sm3", b"a")
    >>> hasher.update(b"bc")
    >>> hasher.hexdigest()[:16]
    '66c7f0f462eeedd9'
    """

    def __init__(self, algorithm: str, data: bytes | bytearray | memoryview | NDArray[np.uint8] = b"") -> None:
        row = lookup(HASHES, algorithm, "algorithm")
        self.name, self.digest_size, self.block_size = row.name, row.digest_size, row.block_size
        self._lock = threading.Lock()
        self._stream = ffi.HashStream(ffi.current_backend(), row.id, row.digest_size)
        self.update(data)

    def update(self, data: bytes | bytearray | memoryview | NDArray[np.uint8]) -> None:
        """Add a piece: one contiguous bytes-like object; InputError for anything else."""
        piece = bytes_view(data, "data")
        with self._lock:
            self._stream.update(piece)

    def digest(self) -> bytes:
        """The digest of all pieces so far; more may follow."""
        with self._lock:
            return self._stream.digest()

    def hexdigest(self) -> str:
        """The same in hexadecimal."""
        return self.digest().hex()

    def copy(self) -> Hasher:
        """A copy that has the same pieces so far and continues independently."""
        other = object.__new__(Hasher)
        other.name, other.digest_size, other.block_size = self.name, self.digest_size, self.block_size
        other._lock = threading.Lock()
        with self._lock:
            other._stream = self._stream.copy()
        return other

    def __repr__(self) -> str:
        return f"Hasher({self.name!r})"


def hash_column(row: Hash, messages: Column, *, threads: int, prefix: bytes = b"") -> NDArray[np.uint8]:
    """``H(prefix || message)`` of every message as uint8 (n, digest_size)."""
    if len(prefix) <= choice.MAX_PREFIX and choice.wanted(row, messages):
        from pycore.hashing.gpu._launch import hash_column as on_device

        return on_device(row, messages, prefix)
    digests = np.empty((messages.n, row.digest_size), dtype=np.uint8)
    backend = ffi.current_backend()
    if threads == 1 and not limited():
        ffi.hash_batch(backend, row.id, prefix, messages, digests)
        return digests

    def work(start: int, stop: int) -> None:
        ffi.hash_batch(backend, row.id, prefix, messages.slice(start, stop), digests[start:stop])

    parallel.run_pieces(work, parallel.cut(messages.n, threads, COST, messages), threads)
    return digests
