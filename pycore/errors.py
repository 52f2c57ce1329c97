"""The exceptions that pycore raises.

The whole tree::

    Exception
    └── PycoreError
        ├── InputError (ValueError)        a malformed call: names the field, what it got, what it wanted
        │   ├── ShapeError                 a wrong dtype, dimension, width, stride or buffer kind
        │   ├── LengthError                counts that do not fit together, offsets out of range
        │   └── UnknownNameError           a scheme, hash, tree, rule set or encoding that does not exist
        ├── VerificationError              something well-formed was checked and does not hold: has ``.verdict``
        │   ├── InvalidSignature           a signature that does not verify
        │   └── ProofError                 a Merkle proof that does not lead to the root
        ├── QuorumNotReached               valid votes, but too little power: has ``.got`` and ``.needed``
        ├── LightClientError               a header that a light client does not trust: has ``.reason``
        │   └── AttackDetected             two chains with enough signatures each: has ``.evidence``
        ├── StoreError                     in pycore.bundle: a store that cannot be read or written
        ├── ServiceError                   in pycore.client: the service did not answer: has ``.code``
        ├── BackendUnavailable             a backend that is not compiled in, or that this CPU cannot run
        └── SelfTestFailed                 no backend passed its known-answer tests

An invalid *item* in a batch is never an exception: it is a code in a :class:`pycore.Verdicts`. An exception
is about the call as a whole. The single-item functions (:func:`pycore.verify`,
:func:`pycore.verify_inclusion`) have no batch to put a code into, so they raise a :class:`VerificationError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycore.base.report import Report
    from pycore.base.verdicts import Verdict

__all__ = [
    "AttackDetected",
    "BackendUnavailable",
    "InputError",
    "InvalidSignature",
    "LengthError",
    "LightClientError",
    "ProofError",
    "PycoreError",
    "QuorumNotReached",
    "SelfTestFailed",
    "ShapeError",
    "StoreError",
    "UnknownNameError",
    "VerificationError",
]


class PycoreError(Exception):
    """Base of every exception that pycore raises on purpose.

    Attributes:
        request_id: of a call to a service that has a name in the service's logs, that name; else None.
    """

    request_id: str | None = None


class InputError(PycoreError, ValueError):
    """A malformed call: nothing was checked.

    Attributes:
        field: the argument at fault, as the caller wrote it; ``"messages[3]"`` is one row.
        got: what was passed, in words.
        wanted: what would have been accepted, in words.

    >>> import pycore
    >>> try:
    ...     pycore.hash_batch("sha-0", [b"abc"])
    ... except pycore.InputError as error:
    ...     print(error.field, "|", error.got)
    algorithm | 'sha-0'
    """

    def __init__(self, field: str, got: str, wanted: str) -> None:
        super().__init__(field, got, wanted)
        self.field = field
        self.got = got
        self.wanted = wanted

    def __str__(self) -> str:
        return f"{self.field}: got {self.got}, wanted {self.wanted}"


class ShapeError(InputError):
    """A wrong dtype, number of dimensions, width, stride or kind of buffer."""


class LengthError(InputError):
    """Counts that do not fit together, or offsets that leave their data."""


class UnknownNameError(InputError):
    """A name that the registry does not know."""


class VerificationError(PycoreError):
    """A well-formed call found something invalid.

    Attributes:
        verdict: the reason, a :class:`pycore.Verdict`.
        index: the position in the batch, or None when a single item was checked.
        reason: why, in words, where a check can tell more than the verdict's meaning; else "".
    """

    _what = "item"
    reason = ""

    def __init__(self, verdict: Verdict, index: int | None = None) -> None:
        super().__init__(verdict, index)
        self.verdict = verdict
        self.index = index

    def __str__(self) -> str:
        where = "" if self.index is None else f" {self.index}"
        return f"{self._what}{where}: {self.verdict.name}: {self.reason or self.verdict.meaning}"


class InvalidSignature(VerificationError):  # noqa: N818 - a public name
    """A signature, or the key it is checked with, is not valid; ``.verdict`` says why."""

    _what = "signature"


class ProofError(VerificationError):
    """A Merkle proof does not lead to the expected root, or has the wrong length for its position."""

    _what = "proof"


class QuorumNotReached(PycoreError):  # noqa: N818 - a public name
    """The valid votes do not carry enough power.

    Attributes:
        got: the power of the valid votes.
        needed: the smallest power that would have been enough.
    """

    def __init__(self, got: int, needed: int) -> None:
        super().__init__(got, needed)
        self.got = got
        self.needed = needed

    def __str__(self) -> str:
        return f"quorum not reached: got {self.got}, needed {self.needed}"


class LightClientError(PycoreError):
    """A light client does not trust what it was asked for, and what it trusts is as before.

    Attributes:
        reason: a constant; :mod:`pycore.consensus.light` lists them.
        detail: in words.
        height: of the block in question, or None.
        report: the step that failed, where a step was made.
    """

    def __init__(self, reason: str, detail: str, *, height: int | None = None, report: Report | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.height = height
        self.report = report

    def __str__(self) -> str:
        where = "" if self.height is None else f" at height {self.height}"
        return f"{self.reason}{where}: {self.detail}"


class AttackDetected(LightClientError):  # noqa: N818 - a public name
    """A witness has another block than the primary, and both have enough signatures of those who are trusted.

    Attributes:
        evidence: the sides' names -> evidence against them, in the chain's own form.
    """

    evidence: dict[str, bytes]


class BackendUnavailable(PycoreError):  # noqa: N818 - a public name
    """A backend was asked for by name that cannot run here.

    Attributes:
        name: the backend asked for.
        reason: why it cannot be used, in words.
        usable: names of the backends that can.
    """

    def __init__(self, name: str, reason: str, usable: Sequence[str]) -> None:
        super().__init__(name, reason, tuple(usable))
        self.name = name
        self.reason = reason
        self.usable = tuple(usable)

    def __str__(self) -> str:
        return f"backend {self.name!r} is not available: {self.reason}; usable here: {', '.join(self.usable) or 'none'}"


class SelfTestFailed(PycoreError):  # noqa: N818 - a public name
    """No backend gives the known answers on this machine; nothing it computes can be trusted."""


class StoreError(PycoreError):
    """A store of trusted states cannot be read or written: it is damaged, of another schema, locked, or no store."""
