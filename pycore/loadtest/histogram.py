"""A histogram of latencies whose buckets have equal relative width, as HdrHistogram has it.

Values are whole microseconds. Those below 256 have a bucket each; above, every power of two is cut into 128 buckets,
so a percentile is at most 1/128 above the value that it stands for, however long the tail. A histogram of an hour's
range takes 30 KiB, whatever is recorded.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["PERCENTILES", "Histogram"]

PERCENTILES = (50.0, 90.0, 99.0, 99.9, 99.99)
_HALF = 128
_BITS = 8  # values below 2 * _HALF stand for themselves
_MOST_US = (1 << 32) - 1  # 71 minutes
_BUCKETS = (32 - _BITS) * _HALF + 2 * _HALF
_FLUSH_AT = 4096


class Histogram:
    """Latencies in seconds go in, percentiles in seconds come out. Belongs to one thread.

    >>> latencies = Histogram()
    >>> for milliseconds in range(1, 101):
    ...     latencies.add(milliseconds / 1000)
    >>> latencies.count, round(latencies.percentile(50), 3), latencies.maximum
    (100, 0.05, 0.1)
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)
        self._pending = array("d")
        self._sum = 0.0
        self._least = float("inf")
        self._most = 0.0

    def add(self, seconds: float) -> None:
        """Records one latency."""
        self._pending.append(seconds)
        if len(self._pending) >= _FLUSH_AT:
            self._flush()

    def add_all(self, seconds: Sequence[float] | NDArray[np.float64]) -> None:
        """Records many."""
        self._record(np.asarray(seconds, np.float64))

    def merge(self, other: Histogram) -> None:
        """Adds what another one recorded."""
        other._flush()
        self._flush()
        self._counts += other._counts
        self._sum += other._sum
        self._least = min(self._least, other._least)
        self._most = max(self._most, other._most)

    @property
    def count(self) -> int:
        """How many were recorded."""
        self._flush()
        return int(self._counts.sum())

    @property
    def mean(self) -> float:
        """Their mean in seconds; 0 where there are none."""
        return self._sum / n if (n := self.count) else 0.0

    @property
    def maximum(self) -> float:
        """The largest, exactly; 0 where there are none."""
        self._flush()
        return self._most

    def percentile(self, percent: float) -> float:
        """The latency that `percent` per cent of all do not exceed, in seconds; 0 where there are none.

        It is the upper end of the bucket of the value that has this rank (the nearest-rank definition), and never above
        the maximum.
        """
        n = self.count
        if not n:
            return 0.0
        rank = max(1, int(np.ceil(percent * n / 100 - 1e-9)))
        index = int(np.searchsorted(np.cumsum(self._counts), rank))
        return max(min(_upper_end(index) * 1e-6, self._most), self._least)

    def buckets(self) -> list[tuple[float, int]]:
        """The buckets that are not empty: upper end in seconds, and how many are in it."""
        self._flush()
        return [(_upper_end(int(i)) * 1e-6, int(self._counts[i])) for i in np.flatnonzero(self._counts)]

    def to_dict(self) -> dict[str, float | int]:
        """Count, mean, percentiles and maximum, in milliseconds."""
        shown: dict[str, float | int] = {"count": self.count, "mean_ms": round(self.mean * 1e3, 3)}
        for percent in PERCENTILES:
            shown[f"p{percent:g}_ms"] = round(self.percentile(percent) * 1e3, 3)
        return {**shown, "max_ms": round(self.maximum * 1e3, 3)}

    def _flush(self) -> None:
        if self._pending:
            pending, self._pending = self._pending, array("d")
            self._record(np.frombuffer(pending, np.float64))

    def _record(self, seconds: NDArray[np.float64]) -> None:
        if not len(seconds):
            return
        if not np.isfinite(seconds).all() or (seconds < 0).any():
            raise ValueError("a latency is a finite number of 0 seconds or more")
        micros = np.minimum(np.rint(seconds * 1e6), _MOST_US).astype(np.int64)
        shift = np.maximum(np.frexp(micros.astype(np.float64))[1] - _BITS, 0)
        np.add.at(self._counts, shift * _HALF + (micros >> shift), 1)
        self._sum += float(seconds.sum())
        self._least = min(self._least, float(seconds.min()))
        self._most = max(self._most, float(seconds.max()))


def _upper_end(index: int) -> int:
    """The largest value of a bucket, in microseconds."""
    shift = max(index // _HALF - 1, 0)
    return ((index - shift * _HALF + 1) << shift) - 1
