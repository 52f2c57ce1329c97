"""Public keys that are parsed and checked once and used often: a validator set, the members of a consortium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pycore.base import ffi, parallel
from pycore.base.columns import as_column, index_array, quote, same_n
from pycore.base.registry import SCHEMES, lookup
from pycore.base.verdicts import Verdicts
from pycore.errors import InputError, LengthError
from pycore.signatures import ffi_keys
from pycore.signatures.batch import DEFAULT_USER_ID, Options, by_set

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike, Column

__all__ = ["DEFAULT_MEMORY_LIMIT", "KeySet"]

DEFAULT_MEMORY_LIMIT = 64 * 2**20
"""Bytes that a key set may take when nothing else is said: tables of the widest window for some 240 keys."""

_MAX_KEYS = 2**32 - 1
_MANY = 1024  # a set is for batches, however few its keys


def _checked_limit(memory_limit: object) -> int:
    if memory_limit is None:
        return DEFAULT_MEMORY_LIMIT
    if isinstance(memory_limit, bool) or not isinstance(memory_limit, (int, np.integer)) or memory_limit < 0:
        raise InputError("memory_limit", quote(memory_limit), "a number of bytes, 0 or more")
    return min(int(memory_limit), 2**63 - 1)


class KeySet:
    """Keys of one scheme, parsed, checked and tabulated once.

    With a table of its multiples a key is verified several times faster: there is nothing left to double. The more
    memory a table takes, the faster; the set takes the widest tables that fit its limit, and none at all when not even
    the smallest do, which is right all the same and costs what :func:`pycore.verify_batch` costs, without the parsing.

    Immutable and safe to use from any number of threads. A set belongs to the backend that was current when it was
    built (see :func:`pycore.use_backend`) and is verified by that one.

    Args:
        scheme: as for :func:`pycore.verify_batch`.
        public_keys: encoded keys in any form of a batch of bytes. A malformed key does not spoil the set: see
            :attr:`verdicts`.
        memory_limit: bytes that the tables may bring the set to; None means ``DEFAULT_MEMORY_LIMIT``, 64 MiB. 0 means
            no tables: for keys that sign only a few times each.

    Raises:
        InputError: unknown scheme, keys in none of the forms, or a limit that is no number of bytes.

    >>> key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    >>> signature = bytes.fromhex(
    ...     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    ...     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ... )
    >>> keys = KeySet("ed25519", [b"not a key", key])
    >>> keys
    KeySet('ed25519', 2 keys, 1 malformed)
    >>> [verdict.name for verdict in keys.verify_batch([1, 0], [signature, signature], [b"", b""])]
    ['VALID', 'MALFORMED_KEY']
    """

    __slots__ = ("_backend", "_memory", "_scheme", "_verdicts", "_window")

    def __init__(self, scheme: str, public_keys: BatchOfBytes, *, memory_limit: int | None = None) -> None:
        self._scheme = lookup(SCHEMES, scheme, "scheme")
        keys = as_column(public_keys, "public_keys", widths=self._scheme.key_sizes)
        if keys.n > _MAX_KEYS:
            raise LengthError("public_keys", f"{keys.n} keys", f"at most {_MAX_KEYS}")
        self._backend = ffi.backend_pick(ffi.KIND_SCHEME, self._scheme.id, _MANY)
        limit = _checked_limit(memory_limit)
        self._window = ffi_keys.keyset_window(self._backend, self._scheme.id, keys.n, limit) if keys.n else 0
        codes = np.zeros(keys.n, dtype=np.uint8)
        self._memory = ffi_keys.keyset_build(self._backend, self._scheme.id, keys, self._window, codes)
        self._verdicts = Verdicts.of_kernel(codes)

    @property
    def scheme(self) -> str:
        """Name of the scheme."""
        return self._scheme.name

    @property
    def verdicts(self) -> Verdicts:
        """One verdict per key: VALID, or MALFORMED_KEY. Signatures under a malformed key get the same verdict."""
        return self._verdicts

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the parsed keys and their tables take."""
        return int(self._memory.size)

    @property
    def window(self) -> int:
        """Bits of a scalar that one table entry covers, 4 to 8; 0 when the keys have no tables."""
        return self._window

    def __len__(self) -> int:
        return len(self._verdicts)

    def verify_batch(
        self,
        key_indices: ArrayLike,
        signatures: BatchOfBytes,
        messages: BatchOfBytes,
        *,
        rules: str | None = None,
        prehashed: bool = False,
        user_id: BytesLike | None = DEFAULT_USER_ID,
        hash: str | None = None,
        encoding: str = "compact",
        der_rules: str = "strict",
        width: int | None = None,
        threads: int | None = None,
    ) -> Verdicts:
        """Verify n signatures, each by a key of this set.

        Args:
            key_indices: n integers from 0 to ``len(self) - 1``: signature i is checked with key ``key_indices[i]``.
            signatures: n signatures, as for :func:`pycore.verify_batch`.
            messages: n messages, as for :func:`pycore.verify_batch`; so are the options.

        Returns:
            n verdicts, equal to what :func:`pycore.verify_batch` finds for the same keys.

        Raises:
            InputError: an index outside the set, or a malformed call.
        """
        options = Options.check(
            self._scheme,
            rules=rules,
            prehashed=prehashed,
            user_id=user_id,
            hash=hash,
            encoding=encoding,
            der_rules=der_rules,
        )
        indices = index_array(key_indices, "key_indices", len(self)).astype(np.uint32)
        signature_column = options.signature_column(signatures)
        message_column = options.message_column(messages, width)
        same_n("signatures", signature_column, len(indices), "key_indices")
        same_n("messages", message_column, len(indices), "key_indices")
        count = parallel.resolve_threads(threads)
        return Verdicts.of_kernel(self.verify_columns(options, indices, signature_column, message_column, count))

    def verify_columns(
        self, options: Options, indices: NDArray[np.uint32], signatures: Column, messages: Column, threads: int | None
    ) -> NDArray[np.uint8]:
        """Verdict codes, uint8 (n,), of arguments that the package itself has made: nothing is checked."""
        known = ffi_keys.KnownKeys(ffi_keys.keyset_pointer(self._memory), self._backend, indices)
        return by_set(options, known, ffi_keys.Items(None, signatures, messages), threads)

    def __copy__(self) -> KeySet:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> KeySet:
        return self

    def __reduce__(self) -> NoReturn:
        # The memory is laid out for one backend of one process's build; keys travel as bytes.
        raise TypeError("a KeySet cannot be pickled: send the encoded keys and build it again")

    def __repr__(self) -> str:
        malformed = len(self) - int(self._verdicts.valid.sum())
        return f"KeySet({self.scheme!r}, {len(self)} keys, {malformed} malformed)"
