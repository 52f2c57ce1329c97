"""``pycore bench cuda``: hashes and Merkle roots on this machine's GPU against its CPU, over batch sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import device
from pycore.merkle.tree import merkle_root

if TYPE_CHECKING:
    from ._gpu_calibrate import Race

TREES = (("rfc9162", "sha256"), ("chainmaker", "sm3"))
COLUMNS = ("work", "bytes", "items", "GPU/s", "CPU/s", "GPU is")


def races(*, seconds: float, quick: bool = False) -> Iterator[Race]:
    """Race after race, in the order of the table.

    Args:
        seconds: about this long per race.
        quick: every other size.

    Raises:
        BackendUnavailable: no GPU, or only the simulator.
    """
    device.require()  # before Numba is imported
    from . import _gpu_calibrate as _calibrate

    sizes = _calibrate.SIZES[::2] if quick else _calibrate.SIZES
    yield from _calibrate.hash_races(seconds, sizes)
    yield from root_races(seconds, sizes)


def root_races(seconds: float, sizes: Sequence[int] | None = None) -> Iterator[Race]:
    """Merkle roots over 32-byte leaves."""
    from pycore.hashing.gpu import choice

    from . import _gpu_calibrate as _calibrate

    _calibrate.require_gpu()
    for tree, name in TREES:
        choice.require(name)
        for n in sizes or _calibrate.SIZES:
            leaves = np.random.default_rng(n).integers(0, 256, (n, 32), dtype=np.uint8)
            run = partial(merkle_root, leaves, tree=tree, hash=name)
            yield _calibrate.Race(_calibrate.ROOT, f"{tree}, {name}", n, 32, *_calibrate.race(run, seconds))


def line(race: Race) -> tuple[str, ...]:
    """A race as cells under :data:`COLUMNS`."""
    rates = (race.items / race.gpu_seconds, race.items / race.cpu_seconds)
    return (
        f"{race.work}, {race.name}",
        f"{race.width:,}",
        f"{race.items:,}",
        *(f"{rate:,.0f}" for rate in rates),
        f"{race.ratio:.2f}x",
    )


def document(found: Sequence[Race]) -> dict[str, Any]:
    """JSON-ready: the GPU, every race, and the crossovers."""
    from pycore.hashing.gpu._target import device_name

    from . import _gpu_calibrate as _calibrate

    return {
        "gpu": device_name(),
        "races": [{**race._asdict(), "ratio": race.ratio} for race in found],
        "crossover": _calibrate.crossovers(found),
    }
