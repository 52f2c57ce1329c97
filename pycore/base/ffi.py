"""The only module that touches cffi, with ``ffi_keys`` for sets of keys and ``ffi_trees`` for trees that grow: typed
calls into the C core.

Everything here takes values that were already validated (see ``columns.py``); it passes pointers, copies nothing and
turns return codes into exceptions. The extension module is compiled from ``csrc/`` with ``csrc/pycore.h`` as its one
declaration. cffi releases the GIL around every call.
"""

from __future__ import annotations

import os
import sys
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycore._version import __version__
from pycore.errors import BackendUnavailable, PycoreError, SelfTestFailed

try:
    from pycore._core import ffi as ffi  # noqa: TID251 - the one place; every other `ffi_*` has them from here
    from pycore._core import lib as lib  # noqa: TID251
except ImportError as error:  # a source tree that was never built gives a puzzling message otherwise
    message = (
        "the compiled extension pycore._core is missing or does not load "
        f"({error}); install the package, or run `python setup.py build_ext --inplace` in a source tree"
    )
    raise ImportError(message) from error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pycore.base.columns import Column

EXTENSION = str(sys.modules["pycore._core"].__file__)
"""The file of the extension, for what is not called by cffi."""
ALIGNMENT = 64
AUTO: int = lib.PC_AUTO

KIND_HASH = 0
KIND_SCHEME = 1

ODD_PROMOTE: int = lib.PC_ODD_PROMOTE
ODD_DUPLICATE: int = lib.PC_ODD_DUPLICATE
ODD_PAD: int = lib.PC_ODD_PAD
ENCODINGS = {"compact": int(lib.PC_ENCODING_COMPACT), "der": int(lib.PC_ENCODING_DER)}
DER_RULES = {"strict": int(lib.PC_DER_STRICT), "trailing": int(lib.PC_DER_TRAILING), "go": int(lib.PC_DER_GO)}

RULE_COFACTORED: int = lib.PC_RULE_COFACTORED
SCHEME_DER: int = lib.PC_SCHEME_DER
SCHEME_HASH: int = lib.PC_SCHEME_HASH
SCHEME_PREHASHED: int = lib.PC_SCHEME_PREHASHED
SCHEME_RECOVERABLE: int = lib.PC_SCHEME_RECOVERABLE


# ---- registry ------------------------------------------------------------------------------------------------------


def _text(pointer: Any) -> str:
    return "" if pointer == ffi.NULL else str(ffi.string(pointer).decode())


if _text(lib.pc_version()) != __version__:  # an extension left behind by another version would be called wrongly
    message = f"pycore {__version__} found the extension of pycore {_text(lib.pc_version())}: build or install it again"
    raise ImportError(message)


DEVICE = _text(lib.pc_device_name())
"""The backend that is not the C core's: see :mod:`pycore.hashing.gpu.choice`. The core takes its name for "auto"."""


def _rows(at: Any) -> Iterator[Any]:
    position = 0
    while (row := at(position)) != ffi.NULL:
        yield row
        position += 1


def status_rows() -> list[tuple[int, str, str]]:
    """``(code, name, meaning)`` of every verdict."""
    return [(r.code, _text(r.name), _text(r.meaning)) for r in _rows(lib.pc_status_at)]


def version() -> str:
    """Version of the C core."""
    return _text(lib.pc_version())


def compiler() -> str:
    """How the C core was built: compiler, version, flags."""
    return _text(lib.pc_compiler())


# ---- backends ------------------------------------------------------------------------------------------------------


class BackendRow(NamedTuple):
    """One instruction set's build of the kernels, as :func:`pycore.capabilities` lists it."""

    name: str
    compiled: bool
    usable: bool
    lanes: int
    reason: str


def backend_rows() -> list[BackendRow]:
    """Every backend, from most to least preferred."""
    rows: list[BackendRow] = []
    row = ffi.new("pc_backend_row *")
    while lib.pc_backend_at(len(rows), row) == lib.PC_OK:
        rows.append(BackendRow(_text(row.name), bool(row.compiled), bool(row.usable), row.lanes, _text(row.reason)))
    return rows


def partial_backends() -> frozenset[str]:
    """Names of the backends that have kernels for some algorithms only."""
    partial: set[str] = set()
    row = ffi.new("pc_backend_row *")
    for position, named in enumerate(backend_rows()):
        lib.pc_backend_at(position, row)
        if row.partial:
            partial.add(named.name)
    return frozenset(partial)


def cpu_features() -> dict[str, bool]:
    """CPU features that any backend asks about, and whether they can be used here."""
    features: dict[str, bool] = {}
    present = ffi.new("int *")
    while (name := lib.pc_cpu_feature_at(len(features), present)) != ffi.NULL:
        features[_text(name)] = bool(present[0])
    return features


def init() -> None:
    """Detect the CPU and run the self-tests now instead of in the first call.

    Raises:
        BackendUnavailable: ``PYCORE_BACKEND`` names a backend that cannot run here.
        SelfTestFailed: no backend passed.
    """
    _check(lib.pc_init())


def backend_position(name: str) -> int:
    """Position of a usable backend by name, or ``AUTO`` for ``"auto"``; BackendUnavailable otherwise."""
    if name == "auto":
        return AUTO
    rows = backend_rows()
    for position, row in enumerate(rows):
        if row.name == name:
            if row.usable:
                return position
            raise BackendUnavailable(name, row.reason or "not usable", _usable(rows))
    raise BackendUnavailable(name, "no backend has this name", _usable(rows))


def backend_pick(kind: int, identifier: int, n: int) -> int:
    """Position of the backend that a call with n items takes in this context: never ``AUTO``."""
    position = current_backend()
    if position == AUTO:
        position = lib.pc_backend_pick(kind, identifier, n)
        if position < 0:
            _check(position)
    return position


_WHY = {
    int(lib.PC_WHY_FORCED): "PYCORE_BACKEND",
    int(lib.PC_WHY_MEASURED): "measured best at this size",
    int(lib.PC_WHY_RULE): "by rule",
    int(lib.PC_WHY_ORDER): "first usable",
    int(lib.PC_WHY_SET): "tuned",
}


def backend_why(kind: int, identifier: int, n: int) -> str:
    """Why :func:`backend_pick` answers what it does, in a few words."""
    if current_backend() != AUTO:
        return "use_backend"
    return _WHY.get(lib.pc_backend_why(kind, identifier, n), "")


def _usable(rows: list[BackendRow]) -> list[str]:
    return [row.name for row in rows if row.usable]


# A context variable, not a global: one task or thread that forces a backend must not switch the others mid-call.
_backend: ContextVar[int] = ContextVar("pycore_backend", default=AUTO)


def current_backend() -> int:
    """The backend that this context asked for, or ``AUTO``."""
    return _backend.get()


def backend_variable() -> ContextVar[int]:
    """The variable behind :func:`pycore.use_backend`."""
    return _backend


def _check(code: int, backend: int = AUTO) -> None:
    """Turn a negative return code into the exception it stands for."""
    if code == 0:  # PC_OK; looking it up takes a twentieth of a small call
        return
    if code == lib.PC_ERR_BACKEND:
        rows = backend_rows()
        if backend != AUTO:
            raise BackendUnavailable(rows[backend].name, "it has no kernel for this call", _usable(rows))
        forced = os.environ.get("PYCORE_BACKEND")
        asked = next((row for row in rows if row.name == forced), None)
        if forced and forced != DEVICE and (asked is None or not asked.usable):
            why = asked.reason if asked else "no backend has this name"
            raise BackendUnavailable(forced, f"PYCORE_BACKEND asks for it, but {why}", _usable(rows))
        raise BackendUnavailable("auto", "no backend has a kernel for this call", _usable(rows))
    if code == lib.PC_ERR_SELFTEST:
        reasons = "; ".join(f"{row.name}: {row.reason}" for row in backend_rows() if row.reason)
        raise SelfTestFailed(f"no backend passed its known-answer tests ({reasons})")
    names = {lib.PC_ERR_ARGUMENT: "PC_ERR_ARGUMENT", lib.PC_ERR_SCRATCH: "PC_ERR_SCRATCH"}
    raise PycoreError(f"the C core refused a call that Python let through: {names.get(code, code)}")


# ---- memory --------------------------------------------------------------------------------------------------------


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


# Parsed once: cffi looks up a type given as text at every use.
_BYTES = ffi.typeof("uint8_t *")
_COLUMN = ffi.typeof("pc_column *")
_OFFSETS = ffi.typeof("int64_t *")
_COUNTS = ffi.typeof("uint64_t *")
_DIGEST = ffi.typeof("uint8_t[64]")
_SPANS = ffi.typeof("pc_spans *")
_ROWS = ffi.typeof("uint32_t *")
_NULL = ffi.NULL


def _bytes_pointer(array: NDArray[np.uint8]) -> Any:
    if array.flags.c_contiguous:  # ten times as fast as asking numpy for the address
        return ffi.from_buffer(_BYTES, array)
    return ffi.cast(_BYTES, _address(array))


def column_struct(data: NDArray[np.uint8], offsets: NDArray[np.int64] | None) -> Any:
    """A ``pc_column`` over arrays that the caller keeps alive: data is (n, width) without offsets, else 1-D."""
    if offsets is None:
        return ffi.new(_COLUMN, (_bytes_pointer(data), _NULL, data.shape[1], data.strides[0]))
    return ffi.new(_COLUMN, (_bytes_pointer(data), ffi.from_buffer(_OFFSETS, offsets), 0, 0))


def gather_rows(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], rows: NDArray[np.uint32]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Rows of a ragged column, copied one after another: (data, offsets)."""
    places, n = ffi.from_buffer(_OFFSETS, offsets), len(rows)
    pieces = ffi.new(_SPANS, (_bytes_pointer(data), data.size, places, places + 1, 1, len(offsets) - 1))
    positions = np.empty(n + 1, dtype=np.int64)
    chosen, to = ffi.from_buffer(_ROWS, rows), ffi.from_buffer(_OFFSETS, positions)
    size = lib.pc_spans_gather(pieces, chosen, n, _NULL, to)
    _check(min(size, 0))
    joined = np.empty(size, dtype=np.uint8)
    _check(min(lib.pc_spans_gather(pieces, chosen, n, ffi.from_buffer(_BYTES, joined), to), 0))
    return joined, positions


def aligned_bytes(size: int) -> NDArray[np.uint8]:
    """`size` bytes whose first is at a multiple of 64."""
    block = np.empty(size + ALIGNMENT, dtype=np.uint8)
    start = -_address(block) % ALIGNMENT
    return block[start : start + size]


def aligned_copy(memory: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy that starts at a multiple of 64."""
    copy = aligned_bytes(memory.size)
    copy[:] = memory
    return copy


class _ThreadScratch(threading.local):
    """Working memory that a thread keeps between calls; it only grows, to the largest size any scheme asks for."""

    size = -1
    pointer: Any = None

    def take(self, size: int) -> tuple[Any, int]:
        """Aligned memory of at least `size` bytes as C takes it, and how many it has."""
        if self.size < size:
            memory = aligned_bytes(max(size, ALIGNMENT))
            self.pointer, self.size = _bytes_pointer(memory), memory.size  # the pointer keeps its memory
        return self.pointer, self.size


_scratch = _ThreadScratch()


# ---- kernels -------------------------------------------------------------------------------------------------------


def hash_batch(backend: int, hash_id: int, prefix: bytes, messages: Column, digests: NDArray[np.uint8]) -> None:
    """``digests[i] = H(prefix || messages[i])``; digests is C-contiguous uint8 (n, digest_size)."""
    pointer = ffi.from_buffer(_BYTES, prefix) if prefix else _NULL
    column = column_struct(messages.data, messages.offsets)
    _check(
        lib.pc_hash_batch(backend, hash_id, pointer, len(prefix), column, len(digests), _bytes_pointer(digests)),
        backend,
    )


def hash_packed(backend: int, hash_id: int, rows: Any, width: int, n: int, digests: NDArray[np.uint8]) -> None:
    """The same for n rows of `width` bytes, one after the other, without a prefix.

    rows: bytes, or what :func:`rows_of` gives. The way of calls that take about as long as the call itself.
    """
    code = lib.pc_hash_rows(backend, hash_id, rows, width, n, ffi.from_buffer(_BYTES, digests))
    if code:
        _check(code, backend)


def hash_ragged(backend: int, hash_id: int, joined: bytes, offsets: Any, digests: NDArray[np.uint8]) -> None:
    """The same for messages of any lengths, joined; offsets: n + 1 numbers of 64 bits in any buffer."""
    column = ffi.new(_COLUMN, (ffi.from_buffer(_BYTES, joined), ffi.from_buffer(_OFFSETS, offsets), 0, 0))
    code = lib.pc_hash_batch(backend, hash_id, _NULL, 0, column, len(digests), ffi.from_buffer(_BYTES, digests))
    if code:
        _check(code, backend)


def rows_of(array: NDArray[np.uint8]) -> Any:
    """C-contiguous memory as :func:`hash_packed` takes it; ValueError when it is not that."""
    return ffi.from_buffer(_BYTES, array)


def hash_one(backend: int, hash_id: int, message: bytes, digest_size: int) -> bytes:
    """The digest of one message."""
    digest = ffi.new(_DIGEST)
    code = lib.pc_hash_rows(backend, hash_id, message, len(message), 1, digest)
    if code:
        _check(code, backend)
    return bytes(ffi.buffer(digest, digest_size))


class HashStream:
    """A ``pc_hash_stream``: one message in pieces. Not for two threads at once."""

    __slots__ = ("_memory", "_stream", "digest_size")

    def __init__(self, backend: int, hash_id: int, digest_size: int) -> None:
        size = lib.pc_hash_stream_size(backend, hash_id)  # 0: no kernel, as open will say
        self._take(aligned_bytes(size or ALIGNMENT), digest_size)
        _check(lib.pc_hash_stream_open(backend, hash_id, self._stream), backend)

    def _take(self, memory: NDArray[np.uint8], digest_size: int) -> None:
        self._memory = memory
        self._stream = ffi.cast("pc_hash_stream *", _bytes_pointer(memory))
        self.digest_size = digest_size

    def update(self, data: NDArray[np.uint8]) -> None:
        """Contiguous bytes that follow."""
        _check(lib.pc_hash_stream_update(self._stream, ffi.from_buffer(_BYTES, data), data.size))

    def absorb(self, pieces: Any) -> None:
        """The pieces of a ``pc_spans``, which follow."""
        _check(lib.pc_spans_absorb(pieces, self._stream))

    def digest(self) -> bytes:
        """Of all bytes so far."""
        digest = ffi.new(_DIGEST)
        _check(lib.pc_hash_stream_digest(self._stream, digest))
        return bytes(ffi.buffer(digest, self.digest_size))

    def copy(self) -> HashStream:
        """One that goes on by itself."""
        other = object.__new__(HashStream)
        other._take(aligned_copy(self._memory), self.digest_size)
        return other


def merkle_level(
    backend: int, hash_id: int, odd: int, prefix: bytes, children: NDArray[np.uint8], parents: NDArray[np.uint8]
) -> None:
    """One Merkle level: C-contiguous (count, d) children, count >= 2, to ((count + 1) // 2, d) parents."""
    pointer = ffi.from_buffer("uint8_t[]", prefix) if prefix else ffi.NULL
    _check(
        lib.pc_merkle_level(
            backend,
            hash_id,
            odd,
            pointer,
            len(prefix),
            _bytes_pointer(children),
            len(children),
            _bytes_pointer(parents),
        ),
        backend,
    )


class TreeParams:
    """A ``pc_tree_params`` together with the memory it points to. Immutable; shared by the threads of one call.

    leaf_prefix and zeros, uint8 (65, digest_size): for trees that grow alone.
    """

    __slots__ = ("_kept", "struct")

    def __init__(
        self,
        *,
        hash_id: int,
        odd: int,
        equal_siblings: bool,
        limit: int | None,
        prefix: bytes,
        leaf_prefix: bytes = b"",
        zeros: NDArray[np.uint8] | None = None,
    ) -> None:
        node, leaf = ffi.new("uint8_t[]", prefix), ffi.new("uint8_t[]", leaf_prefix)
        self._kept = (node, leaf, zeros)
        limited = (limit is not None, limit or 0)
        roots = _NULL if zeros is None else _bytes_pointer(zeros)
        prefixes = (node, len(prefix), leaf, len(leaf_prefix))
        self.struct = ffi.new("pc_tree_params *", (hash_id, odd, equal_siblings, *limited, *prefixes, roots))


class VerifyParams:
    """A ``pc_verify_params`` together with the memory it points to. Immutable; shared by the threads of one call."""

    __slots__ = ("_scratch_sizes", "_user_id", "struct")

    def __init__(
        self,
        *,
        scheme: int,
        rules: int,
        hash_id: int,
        prehashed: bool,
        encoding: int,
        der_rules: int,
        user_id: bytes | None,
    ) -> None:
        self._scratch_sizes: dict[int, int] = {}
        self.struct = ffi.new("pc_verify_params *")
        self.struct.scheme = scheme
        self.struct.rules = rules
        self.struct.hash = hash_id
        self.struct.message = lib.PC_MESSAGE_PREHASHED if prehashed else lib.PC_MESSAGE_HASH
        self.struct.encoding = encoding
        self.struct.der_rules = der_rules
        # An empty identifier is a pointer to nothing, but not NULL: NULL means "no Z_A".
        self._user_id = None if user_id is None else ffi.new("uint8_t[]", max(len(user_id), 1))
        if user_id is not None:
            ffi.memmove(self._user_id, user_id, len(user_id))
            self.struct.user_id = self._user_id
            self.struct.user_id_len = len(user_id)

    def scratch_size(self, backend: int) -> int:
        """Bytes of working memory that a verification takes."""
        size = self._scratch_sizes.get(backend)
        if size is None:
            size = self._scratch_sizes[backend] = lib.pc_verify_scratch_size(backend, self.struct)
        return size


def recover_batch(
    backend: int,
    rules: int,
    signatures: Column,
    digests: Column,
    keys: NDArray[np.uint8],
    verdicts: NDArray[np.uint8],
) -> None:
    """Recover secp256k1 keys: fills C-contiguous (n, 64) `keys` and n `verdicts`."""
    scratch, scratch_size = _scratch.take(lib.pc_recover_scratch_size(backend))
    _check(
        lib.pc_recover_batch(
            backend,
            rules,
            signatures.to_native(),
            digests.to_native(),
            len(verdicts),
            scratch,
            scratch_size,
            _bytes_pointer(keys),
            _bytes_pointer(verdicts),
        ),
        backend,
    )


# ---- test data -----------------------------------------------------------------------------------------------------


def testing_public_keys(scheme: int, secrets: Column, public_keys: NDArray[np.uint8]) -> None:
    """Public keys of test secrets: C-contiguous (n, 32) or (n, 65) `public_keys`. Not constant time: test data only."""
    _check(lib.pc_testing_public_keys(scheme, secrets.to_native(), secrets.n, _bytes_pointer(public_keys)))


def testing_sign(params: VerifyParams, secrets: Column, messages: Column, signatures: NDArray[np.uint8]) -> None:
    """Deterministic signatures of test secrets: C-contiguous (n, 64). Not constant time: test data only."""
    _check(
        lib.pc_testing_sign(
            params.struct, secrets.to_native(), messages.to_native(), messages.n, _bytes_pointer(signatures)
        )
    )


# ---- probes --------------------------------------------------------------------------------------------------------


def field_names() -> list[str]:
    """Names of the fields that :func:`field_probe` knows, by position."""
    names: list[str] = []
    while (name := lib.pc_field_at(len(names))) != ffi.NULL:
        names.append(_text(name))
    return names


def field_probe(
    backend: int,
    field: int,
    op: int,
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    repeat: int,
    result: NDArray[np.uint8],
) -> None:
    """One field operation, `repeat` times over C-contiguous (n, 32) little-endian elements; `op` as in ``pycore.h``."""
    pointers = (_bytes_pointer(a), _bytes_pointer(b))
    _check(lib.pc_field_probe(backend, field, op, *pointers, len(a), repeat, _bytes_pointer(result)), backend)
