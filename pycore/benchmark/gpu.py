"""``pycore bench cuda``: hashes and Merkle roots on the GPU at hand against the CPU, over batch sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pycore import _device

if TYPE_CHECKING:
    from pycore.kernels.cuda._calibrate import Race

COLUMNS = ("work", "bytes", "items", "GPU/s", "CPU/s", "GPU is")


def races(*, seconds: float, quick: bool = False) -> Iterator[Race]:
    """Race after race, in the order of the table.

    Args:
        seconds: about so long per race.
        quick: every other size.

    Raises:
        BackendUnavailable: no GPU, or only the simulator.
    """
    _device.require()  # before Numba is imported
    from pycore.kernels.cuda import _calibrate

    sizes = _calibrate.SIZES[::2] if quick else _calibrate.SIZES
    yield from _calibrate.hash_races(seconds, sizes)
    yield from _calibrate.root_races(seconds, sizes)


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
    from pycore.kernels.cuda import _calibrate

    return {
        "gpu": _calibrate.device_name(),
        "races": [{**race._asdict(), "ratio": race.ratio} for race in found],
        "crossover": _calibrate.crossovers(found),
    }
