"""What one request, and all requests together, may hold."""

from __future__ import annotations

from dataclasses import dataclass

from pycore.errors import LengthError

DEFAULT_ANSWER_BYTES = 16 << 20
"""As many as the largest request: the longest digests of as many messages as one request may have."""

MOST_RUN_BLOCKS = 256
"""Blocks of one message of a run of blocks."""
MOST_COMMITS = 4096
"""Signed headers of one message of a stream of commits."""
MOST_LIGHT_BLOCKS = 1024
"""Light blocks of one request."""


@dataclass(frozen=True)
class Limits:
    """What one request and all requests together may hold."""

    max_message_bytes: int
    max_batch_items: int
    max_inflight_items: int
    max_inflight_bytes: int


@dataclass(frozen=True)
class Settings:
    """What reading a request and doing its work needs to know of the service's configuration.

    Attributes:
        limits: what GetCapabilities tells of.
        threads: of one request; None: as in process.
        max_answer_bytes: most bytes of digests, proofs and words in one answer.
    """

    limits: Limits
    threads: int | None = None
    max_answer_bytes: int = DEFAULT_ANSWER_BYTES

    def check_answer(self, nbytes: int, field: str) -> None:
        """LengthError when an answer would be larger than an answer may be. Called before any of it is made."""
        if nbytes > self.max_answer_bytes:
            raise LengthError(field, f"{nbytes} bytes of answer", f"at most {self.max_answer_bytes} per request")

    def check_items(self, items: int, field: str) -> int:
        """`items` when a request may hold as many; LengthError otherwise."""
        if items > self.limits.max_batch_items:
            raise LengthError(field, f"{items} items", f"at most {self.limits.max_batch_items} per request")
        return items


UNLIMITED = Settings(Limits(*[1 << 62] * 4))
"""For answers, which their reader asked for."""
