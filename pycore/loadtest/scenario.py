"""The load of a run. Every number has a ceiling, so that a slip of the keyboard is no attack."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pycore.base.registry import SCHEMES, lookup
from pycore.errors import InputError
from pycore.loadtest.arrivals import ARRIVALS

__all__ = ["BLOCK", "CEILINGS", "PRIORITIES", "SHAPES", "Scenario", "priorities_from"]

SHAPES = ("single", "packed", "stream", "coalesced", "block")
"""One signature per call; many per call; many per message of a stream; one per call of a client that sends calls
together; a whole ChainMaker block per call, with `items` transactions."""
BLOCK = "block"
PRIORITIES = ("votes", "transactions", "audits")
CEILINGS: dict[str, float] = {
    "seconds": 3600, "warmup": 60, "rate": 200_000, "callers": 10_000, "connections": 256, "items": 65_536,
    "signers": 65_536, "timeout": 300, "message_size": 65_536, "pool": 1 << 18,
}  # fmt: skip
_BLOCK_SCHEMES = {"sm2": "sm2", "ecdsa-p256": "p256"}


@dataclass(frozen=True)
class Scenario:
    """One run.

    Attributes:
        scheme: of the signatures; of a block's, "sm2" or "ecdsa-p256".
        shape: one of `SHAPES`.
        items: signatures of a call or message; 1 where the shape is "single" or "coalesced".
        rate: requests due in a second. None sends the next as soon as a caller is answered: a closed loop, which finds
            the most that the service does, and whose latencies leave out what nobody asked for.
        arrivals: "poisson" or "constant".
        callers: requests under way at once; one that is due while all are taken waits, and its latency counts.
        connections: real ones.
        seconds: how long requests are sent; `warmup` seconds before that are not counted.
        timeout: deadline of each call in seconds, from when it is sent.
        invalid: share of items that are spoilt, in [0, 1].
        signers: distinct keys; 0 for one per signature.
        message_size: bytes.
        pool: distinct signatures (transactions for blocks, at least one block) that requests are made of, in turn.
        priorities: (name, weight) of the priorities that calls have; none are sent where it is empty.
        seed: of data and arrivals.
    """

    scheme: str = "ed25519"
    shape: str = "single"
    items: int = 1
    rate: float | None = None
    arrivals: str = "poisson"
    callers: int = 64
    connections: int = 1
    seconds: float = 10.0
    warmup: float = 1.0
    timeout: float = 20.0
    invalid: float = 0.01
    signers: int = 0
    message_size: int = 32
    pool: int = 8192
    priorities: tuple[tuple[str, float], ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        """InputError names what is out of range."""
        lookup(SCHEMES, self.scheme, "scheme")
        for name, value, known in (("shape", self.shape, SHAPES), ("arrivals", self.arrivals, ARRIVALS)):
            if value not in known:
                raise InputError(name, repr(value), f"one of {', '.join(known)}")
        least = {"warmup": 0, "signers": 0, "message_size": 0}
        for name, most in CEILINGS.items():
            value = getattr(self, name)
            if value is None and name == "rate":
                continue
            lowest = least.get(name, 1 if isinstance(value, int) else 0)
            good = lowest <= value <= most and (value > 0 or name in least) and math.isfinite(value)
            if not good:
                raise InputError(name, f"{value}", f"{'above 0' if name not in least else '0'} to {most:g}")
        if not 0 <= self.invalid <= 1:
            raise InputError("invalid", f"{self.invalid}", "a share from 0 to 1")
        if self.items != 1 and self.shape in ("single", "coalesced"):
            raise InputError("items", f"{self.items} with {self.shape}", "1: a call has one signature")
        if self.shape == BLOCK and self.scheme not in _BLOCK_SCHEMES:
            raise InputError("scheme", f"{self.scheme} with {BLOCK}", f"one of {', '.join(_BLOCK_SCHEMES)}")
        if self.priorities and self.shape == "coalesced":
            raise InputError("priorities", "with coalesced", "another shape: joined calls have one priority")
        if self.rate is not None and self.rate * (self.seconds + self.warmup) > 20e6:
            raise InputError("rate", f"{self.rate:g} a second for {self.seconds:g} s", "at most 20 million requests")

    @property
    def suite(self) -> str:
        """The scheme as ledgers call it."""
        return _BLOCK_SCHEMES[self.scheme]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "priorities": dict(self.priorities)}


def priorities_from(text: str) -> tuple[tuple[str, float], ...]:
    """``"votes=1,transactions=8"`` as names and weights.

    >>> priorities_from("votes=1,audits=3")
    (('votes', 1.0), ('audits', 3.0))
    """
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, weight = part.partition("=")
        try:
            value = float(weight or 1)
        except ValueError:
            value = -1.0
        if name not in PRIORITIES or name in found or not 0 < value < math.inf:
            wanted = f"NAME=WEIGHT,... of {', '.join(PRIORITIES)}, each once, with weights above 0"
            raise InputError("priorities", repr(text), wanted)
        found[name] = value
    return tuple(found.items())
