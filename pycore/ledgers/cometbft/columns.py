"""Many signed headers from protobuf to columns, without an object for each signature.

Usual ones are read here, in C (``csrc/wire/cometbft.c``): bytes as the chain's software writes them, and values that
keep its rules for headers and commits (types/block.go: ValidateBasic of Header, Commit and CommitSig). Everything else
is left to the reader of single messages, which names what is wrong. Signed messages are put together from the bytes
that were sent: block id and time of a vote have the same bytes in a commit as in a CanonicalVote (types/canonical.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base.columns import Column, trusted_column
from pycore.base.ffi import _check as check
from pycore.base.ffi import current_backend, ffi, lib
from pycore.base.registry import HASHES
from pycore.consensus.votes import FOR_CLAIM, VOTE, CommitColumns
from pycore.ledgers.cometbft.messages import COMMIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.consensus.validators import ValidatorSet

__all__ = ["read_commits"]

_ADDRESS, _HASH, _SIGNATURE = 20, 32, 64
_VOTE_BYTES = 94  # fewer than a slot with a vote takes
_MESSAGE = int(lib.PC_CM_MESSAGE)
_FLAG_TO_KIND = COMMIT - FOR_CLAIM  # and NIL - FOR_NOTHING
_SHA256 = HASHES["sha256"].id
_CHAIN_ID, _VALIDATORS_HASH = (int(lib.PC_CM_FIELDS) + 2 * field for field in (1, 7))

_ROWS = ffi.typeof("pc_cometbft_rows *")
_CHOICE = ffi.typeof("pc_cometbft_choice *")
_VOTES = ffi.typeof("pc_commit_vote *")
_SPANS = ffi.typeof("pc_spans *")
_BYTES = ffi.typeof("uint8_t *")
_CELLS = ffi.typeof("int64_t *")


def read_commits(records: Sequence[bytes], threads: int | None = 1) -> CommitColumns:
    """n records, each a SignedHeader; see :class:`pycore.consensus.votes.CommitColumns`."""
    found = _Scanned(records)
    commits, votes = found.commits, found.votes
    usual = commits[:, lib.PC_CM_USUAL] != 0
    sound = np.flatnonzero(usual)
    starts = np.empty(len(records) + 1, np.int64)
    starts[:-1], starts[-1] = commits[:, lib.PC_CM_FIRST], len(votes)
    return CommitColumns(
        usual=usual,
        chain_ids=_texts(found, sound),
        heights=commits[:, lib.PC_CM_HEIGHT],
        commit_heights=commits[:, lib.PC_CM_COMMIT_HEIGHT],
        hashes=found.header_hashes(sound),
        claimed_hashes=found.hashes_at(lib.PC_CM_CLAIMED, sound),
        validators_hashes=found.hashes_at(_VALIDATORS_HASH, sound),
        sizes=commits[:, lib.PC_CM_SLOTS],
        starts=starts,
        positions=votes[:, lib.PC_CV_SLOT],
        kinds=(votes[:, lib.PC_CV_FLAG] - _FLAG_TO_KIND).astype(np.uint8),
        addresses=found.addresses(),
        signed=found.signed,
        choose=found.choose,
    )


class _Scanned:
    """The rows of a scan. commits: int64 (n, PC_CM_CELLS), votes: int64 (m, PC_CV_CELLS)."""

    def __init__(self, records: Sequence[bytes]) -> None:
        n = len(records)
        self.data = np.frombuffer(records[0] if n == 1 else b"".join(records), np.uint8)
        bounds = np.zeros(n + 1, np.int64)
        np.cumsum([*map(len, records)], out=bounds[1:])
        at = ffi.from_buffer(_CELLS, bounds)
        spans = ffi.new(_SPANS, (ffi.from_buffer(_BYTES, self.data), self.data.size, at, at + 1, 1, n))
        self.commits: NDArray[np.int64] = np.empty((n, lib.PC_CM_CELLS), np.int64)
        room = self.data.size // _VOTE_BYTES + 1
        votes: NDArray[np.int64] = np.empty((room, lib.PC_CV_CELLS), np.int64)
        count = lib.pc_cometbft_commits(
            spans, ffi.from_buffer(_CELLS, self.commits), ffi.from_buffer(_CELLS, votes), room
        )
        self.votes = votes[: _checked(count)]
        self._native = ffi.new(_ROWS, (
            ffi.from_buffer(_BYTES, self.data), self.data.size, ffi.from_buffer(_CELLS, self.commits),
            ffi.from_buffer(_CELLS, votes), len(self.commits), len(self.votes),
        ))  # fmt: skip
        self._alive = votes

    def addresses(self) -> NDArray[np.uint8]:
        """uint8 (m, 20)."""
        found = np.empty((len(self.votes), _ADDRESS), np.uint8)
        _checked(lib.pc_cometbft_addresses(self._native, ffi.from_buffer(_BYTES, found)))
        return found

    def hashes_at(self, cell: int, rows: NDArray[np.int64]) -> list[bytes]:
        """The hashes of the usual records, of which a cell says where they begin; b"" of others."""
        data, found = self.data.data, [b""] * len(self.commits)
        for row, at in zip(rows.tolist(), self.commits[rows, cell].tolist(), strict=True):
            found[row] = bytes(data[at : at + _HASH])
        return found

    def header_hashes(self, rows: NDArray[np.int64]) -> list[bytes]:
        """Of the headers of these usual records; b"" of others. See types/block.go, Header.Hash."""
        commits = self.commits if len(rows) == len(self.commits) else self.commits[rows]
        digests = np.empty((len(rows), _HASH), np.uint8)
        check(
            lib.pc_cometbft_hashes(
                current_backend(), _SHA256, ffi.from_buffer(_BYTES, self.data), self.data.size,
                ffi.from_buffer(_CELLS, commits), len(rows), ffi.from_buffer(_BYTES, digests),
            )
        )  # fmt: skip
        octets, found = digests.tobytes(), [b""] * len(self.commits)
        for i, row in enumerate(rows.tolist()):
            found[row] = octets[_HASH * i : _HASH * (i + 1)]
        return found

    def choose(
        self, validators: ValidatorSet, needed: int, nil: bool, brief: bool
    ) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.int64]]:
        """See CommitColumns."""
        m = len(self.votes)
        starts, chosen, votes = np.empty(len(self.commits) + 1, np.int64), np.empty(m, np.int64), np.empty(m, VOTE)
        powers, addresses = validators.powers, validators.address_rows
        how = ffi.new(_CHOICE, (
            ffi.from_buffer(_CELLS, powers), ffi.from_buffer(_BYTES, addresses), len(powers), needed, nil, brief
        ))  # fmt: skip
        count = lib.pc_cometbft_choose(
            self._native, how, ffi.from_buffer(_CELLS, starts), ffi.from_buffer(_CELLS, chosen),
            ffi.from_buffer(_VOTES, votes),
        )  # fmt: skip
        return chosen[: _checked(count)], votes[:count], starts

    def signed(self, chosen: NDArray[np.int64]) -> tuple[Column, Column]:
        """Messages and signatures of some of the votes."""
        n = len(chosen)
        chosen = np.ascontiguousarray(chosen, np.int64)
        signatures, messages = np.empty((n, _SIGNATURE), np.uint8), np.empty(n * _MESSAGE, np.uint8)
        offsets = np.empty(n + 1, np.int64)
        size = lib.pc_cometbft_signed(
            self._native, ffi.from_buffer(_CELLS, chosen), n, ffi.from_buffer(_BYTES, signatures),
            ffi.from_buffer(_BYTES, messages), ffi.from_buffer(_CELLS, offsets),
        )  # fmt: skip
        return trusted_column(messages[: _checked(size)], offsets), trusted_column(signatures, None)


def _texts(found: _Scanned, rows: NDArray[np.int64]) -> list[str]:
    """Names of the chains, of which there are few."""
    known: dict[bytes, str] = {}
    texts, data = [""] * len(found.commits), found.data.data
    spans = found.commits[rows, _CHAIN_ID : _CHAIN_ID + 2].tolist()
    for row, (start, end) in zip(rows.tolist(), spans, strict=True):
        name = bytes(data[start:end])
        text = known.get(name)
        if text is None:
            text = known[name] = name.decode()
        texts[row] = text
    return texts


def _checked(code: int) -> int:
    """A result of C; a negative one is a mistake here."""
    if code < 0:
        raise RuntimeError(f"rows that do not fit their data (code {code})")
    return code
