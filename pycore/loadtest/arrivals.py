"""When requests are due. The times are fixed before the first is sent: an open loop.

A generator that waits for an answer before it sends the next request measures a slow service less often, just when it
is slow ("coordinated omission"). Here a request is due when it is due, and its latency counts from then, whether or
not it could be sent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycore.errors import InputError

__all__ = ["ARRIVALS", "due_times"]

ARRIVALS = ("poisson", "constant")


def due_times(kind: str, rate: float, seconds: float, seed: int = 0) -> NDArray[np.float64]:
    """The times of all requests of a run, in seconds from its start, ascending and below `seconds`.

    Args:
        kind: "poisson" (independent callers: exponential gaps) or "constant" (equal gaps).
        rate: requests a second, above 0.
        seconds: length of the run, above 0.
        seed: of the Poisson process.

    >>> due_times("constant", 4, 1.0).tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    if kind not in ARRIVALS:
        raise InputError("arrivals", repr(kind), f"one of {', '.join(ARRIVALS)}")
    if not rate > 0 or not seconds > 0:
        raise InputError("rate", f"{rate} a second for {seconds} s", "numbers above 0")
    if kind == "constant":
        return np.arange(int(np.ceil(rate * seconds - 1e-9)), dtype=np.float64) / rate
    random = np.random.default_rng(seed)
    # The number of arrivals is Poisson, and given the number they are independent and uniform.
    return np.sort(random.uniform(0.0, seconds, int(random.poisson(rate * seconds))))
