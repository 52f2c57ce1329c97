"""What takes part in the targets: how much work a plan is, and a contestant ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pycore
from pycore.base import ffi
from pycore.cli._measure import cpu_seconds

from .peers import PeerMissingError, Prepared

_PEER_WINDOW = 0.01  # seconds: a peer works on as many items as fill this


@dataclass(frozen=True, slots=True)
class Plan:
    """How much work a call is."""

    signatures: int
    messages: int
    leaves: int
    long_message: int

    @classmethod
    def full(cls) -> Plan:
        """The backend that the targets are stated for."""
        return cls(signatures=4096, messages=65536, leaves=1 << 20, long_message=1 << 26)

    @classmethod
    def quick(cls) -> Plan:
        """For a look."""
        return cls(signatures=1024, messages=16384, leaves=1 << 16, long_message=1 << 23)


@dataclass(frozen=True, slots=True)
class Contestant:
    """`run()` does `items` items; `check` looks at what it returned. `version` is the peer's, or our backend."""

    name: str
    items: int
    run: Callable[[], object]
    check: Callable[[Any], bool]
    version: str
    own: bool = True  # this library
    wall: bool = False  # timed by the wall clock: it uses more threads than the calling one


Entry: TypeAlias = "Contestant | str"
Entries: TypeAlias = "dict[str, Entry]"


def picked_backend(algorithm: str, n: int = 1024) -> str:
    """The backend that a batch of n items takes in this context."""
    if algorithm in pycore.SCHEMES:
        position = ffi.backend_pick(ffi.KIND_SCHEME, pycore.SCHEMES[algorithm].id, n)
    else:
        position = ffi.backend_pick(ffi.KIND_HASH, pycore.HASHES[algorithm].id, n)
    return ffi.backend_rows()[position].name


def why_absent(backend: str) -> str:
    """Why a backend cannot run here; "" when it can."""
    for row in pycore.capabilities().backends:
        if row.name == backend:
            return "" if row.usable else f"backend {backend}: {row.reason}"
    return f"backend {backend}: not in this build"


def forced_to(backend: str, run: Callable[[], object]) -> Callable[[], object]:
    """The same on one backend."""

    def forced() -> object:
        with pycore.use_backend(backend):
            return run()

    return forced


def timed_peer(name: str, most: int, make: Callable[[int], Prepared], check: Callable[[Any, int], bool]) -> Entry:
    """The peer over as many items as fill a window; the reason when it is absent."""
    try:
        trial = make(min(8, most))
        trial.run()
        each = max(cpu_seconds(trial.run) / min(8, most), 1e-8)
        n = max(1, min(most, int(_PEER_WINDOW / each)))
        prepared = make(n)
    except (PeerMissingError, ImportError) as error:
        return f"{name}: {error}"
    return Contestant(name, n, prepared.run, lambda got: check(got, n), prepared.version, own=False)


def same(wanted: bytes, got: bytes) -> bool:
    """Whether a root is the wanted one."""
    return got == wanted
