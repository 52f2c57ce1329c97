"""What this build can do on this machine, and forcing a backend."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pycore.base import device, ffi
from pycore.base.columns import quote
from pycore.base.ffi import BackendRow
from pycore.base.parallel import get_threads
from pycore.base.registry import HASHES, SCHEMES, TREES, Hash, Scheme, Tree
from pycore.errors import BackendUnavailable, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pycore.signatures.keycache import KeyCacheStats

__all__ = ["BackendRow", "Capabilities", "capabilities", "use_backend"]

_LARGE = 1024
_key_cache_stats: Callable[[], KeyCacheStats]


def report_key_cache(stats: Callable[[], KeyCacheStats]) -> None:
    """Fill the slot for what :func:`capabilities` says of the key cache; the cache's own module does it on import."""
    global _key_cache_stats
    _key_cache_stats = stats


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A snapshot of what this build can do here.

    Attributes:
        version: version of the library.
        cpu_features: every CPU feature that a backend asks about, and whether it can be used.
        backends: every backend, from most to least preferred: compiled in or not, usable or not, and why not.
        active: for every hash and scheme, the backend that a batch of 1,024 items takes in the calling context.
        active_single: the same for a single item; it differs where a narrow kernel is faster for few items.
        why, why_single: for each of them the reason: "PYCORE_BACKEND" or "use_backend" (forced), "measured best at this
            size" on a CPU like this one, "by rule" (measured on another CPU, or reckoned), "tuned" (set by a file of
            ``pycore tune``), or "first usable" in the order of `backends`.
        compiler: the compiler of the C core, with version and flags.
        schemes, hashes, trees: the registry.
        threads: how many threads a call without ``threads=`` may use.
        key_cache: what the cache of returning keys holds and has done (see :mod:`pycore.signatures.keycache`).
    """

    version: str
    cpu_features: Mapping[str, bool]
    backends: tuple[BackendRow, ...]
    active: Mapping[str, str]
    active_single: Mapping[str, str]
    why: Mapping[str, str]
    why_single: Mapping[str, str]
    compiler: str
    schemes: tuple[Scheme, ...]
    hashes: tuple[Hash, ...]
    trees: tuple[Tree, ...]
    threads: int
    key_cache: KeyCacheStats

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Names of all schemes and hashes."""
        return tuple(row.name for row in self.schemes) + tuple(row.name for row in self.hashes)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts, lists, strings and numbers: ready for JSON."""
        return {
            "version": self.version,
            "cpu_features": dict(self.cpu_features),
            "backends": [row._asdict() for row in self.backends],
            "active": dict(self.active),
            "active_single": dict(self.active_single),
            "why": dict(self.why),
            "why_single": dict(self.why_single),
            "compiler": self.compiler,
            "schemes": [_plain(asdict(row)) for row in self.schemes],
            "hashes": [_plain(asdict(row)) for row in self.hashes],
            "trees": [_plain(asdict(row)) for row in self.trees],
            "threads": self.threads,
            "key_cache": self.key_cache._asdict(),
        }


def capabilities() -> Capabilities:
    """Describe this build and machine.

    Raises:
        BackendUnavailable: ``PYCORE_BACKEND`` names a backend that cannot run here.
        SelfTestFailed: no backend passed its known-answer tests.

    >>> found = capabilities()
    >>> found.backends[-1].name, found.backends[-1].usable
    ('portable', True)
    >>> "sm2" in found.algorithms
    True
    """
    ffi.init()
    if device.current() == device.DEVICE:
        device.require()
    return Capabilities(
        version=ffi.version(),
        cpu_features=ffi.cpu_features(),
        backends=(device.row(), *ffi.backend_rows()),
        active=_active(_LARGE),
        active_single=_active(1),
        why=_why(_LARGE),
        why_single=_why(1),
        compiler=ffi.compiler(),
        schemes=tuple(SCHEMES.values()),
        hashes=tuple(HASHES.values()),
        trees=tuple(TREES.values()),
        threads=get_threads(),
        key_cache=_key_cache_stats(),
    )


def use_backend(name: str) -> AbstractContextManager[None]:
    """Force one backend for the calls made inside a ``with`` block.

    The choice belongs to the context (:mod:`contextvars`): other threads and asyncio tasks are not affected. It goes
    along with ``asyncio.to_thread`` and into tasks started inside the block, but not into threads that you start
    yourself nor into ``loop.run_in_executor``. Work that pycore spreads over its own pool uses the caller's choice. A
    call of an algorithm that the backend has no kernel for raises BackendUnavailable: a forced choice never
    falls back silently.

    "cuda" is a GPU next to the CPU backends: it hashes and computes Merkle roots, and what it has no kernel
    for runs on the best CPU backend.

    To force a backend for the whole process set ``PYCORE_BACKEND`` before the first call.

    Args:
        name: a usable backend's name (see :func:`capabilities`), or "auto" for the normal choice.

    Raises:
        BackendUnavailable: no such backend, or this CPU cannot run it; checked right here, not on entering.

    >>> import pycore
    >>> with pycore.use_backend("portable"):
    ...     digest = pycore.hash("sha256", b"abc")
    >>> digest == pycore.hash("sha256", b"abc")
    True
    """
    if not isinstance(name, str):
        raise InputError("name", quote(name), "a backend's name")
    ffi.init()
    if name == device.DEVICE:
        device.require()
        return _scope(ffi.AUTO, name)
    return _scope(ffi.backend_position(name), "auto" if name == "auto" else "cpu")


@contextmanager
def _scope(position: int, on_device: str) -> Iterator[None]:
    backend, choice = ffi.backend_variable(), device.choice_variable()
    tokens = backend.set(position), choice.set(on_device)
    try:
        yield
    finally:
        backend.reset(tokens[0])
        choice.reset(tokens[1])


def _algorithms() -> list[tuple[int, Scheme | Hash]]:
    rows: list[tuple[int, Scheme | Hash]] = [(ffi.KIND_SCHEME, scheme) for scheme in SCHEMES.values()]
    return rows + [(ffi.KIND_HASH, row) for row in HASHES.values()]


def _on_device(kind: int, row: Scheme | Hash) -> bool:
    return kind == ffi.KIND_HASH and device.current() == device.DEVICE and row.name in device.HASHES


def _why(n: int) -> dict[str, str]:
    forced = "PYCORE_BACKEND" if device.choice_variable().get() is None else "use_backend"
    return {
        row.name: forced if _on_device(kind, row) else ffi.backend_why(kind, row.id, n) for kind, row in _algorithms()
    }


def _active(n: int) -> dict[str, str]:
    names = [row.name for row in ffi.backend_rows()]
    active = {}
    for kind, row in _algorithms():
        # An algorithm that no backend has a kernel for is left out: it is known, but cannot be used.
        with suppress(BackendUnavailable):
            if _on_device(kind, row):
                active[row.name] = device.DEVICE
                continue
            active[row.name] = names[ffi.backend_pick(kind, row.id, n)]
    return active


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value
