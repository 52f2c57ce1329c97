"""The walk over transfers in the order of the chain, which finds what breaks a rule: one loop over columns.

:mod:`pycore.collectibles.walk_jit` compiles this same text, so the answers are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# bits of a row's flags: first what is always checked, then the rules
MINTED_ONCE, MINTED_FIRST, BURNT, OWNER = 1, 2, 4, 8
CURRENCY, UNPRICED, RESALE, HELD_SECONDS, HELD_BLOCKS, HOLDINGS, ACCOUNTS = 16, 32, 64, 128, 256, 512, 1024
UNDECIDED = 1 << 15
"""The time between getting a token and passing it on is not known."""

# kinds of rows, as in pycore.collectibles.columns
_MINT, _TRANSFER, _BURN = 0, 1, 2
_NEVER, _LIVE, _GONE = 0, 1, 2


class Asked(NamedTuple):
    """The rules in numbers.

    currencies  bool[currencies]: whether each is allowed; no entries: any
    priced, resale, after_mint
                0 or 1
    seconds     milliseconds of the holding period; 0: none
    blocks      blocks of the holding period; 0: none
    most        tokens that an account may hold; -1: any number
    unlimited   bool[accounts]: those that may hold more
    listed      bool[accounts]: those between which tokens move; no entries: any
    """

    currencies: NDArray[np.bool_]
    priced: int
    resale: int
    milliseconds: int
    blocks: int
    after_mint: int
    most: int
    unlimited: NDArray[np.bool_]
    listed: NDArray[np.bool_]


class Found(NamedTuple):
    """The findings of a walk, one entry for each row.

    flags     uint16[n]: what is broken
    owner     int32[n]: who owned the token before; -1: nobody
    acquired  int64[n]: the row by which that owner got it; -1: none
    paid      int64[n]: the last row before in which the token had a price; -1: none
    held      int32[n]: tokens that the recipient has after; -1 without a recipient
    """

    flags: NDArray[np.uint16]
    owner: NDArray[np.int32]
    acquired: NDArray[np.int64]
    paid: NDArray[np.int64]
    held: NDArray[np.int32]


class Rows(NamedTuple):
    """The columns that the walk reads, as in :class:`pycore.collectibles.Transfers`."""

    kind: NDArray[np.uint8]
    token: NDArray[np.int32]
    sender: NDArray[np.int32]
    recipient: NDArray[np.int32]
    price: NDArray[np.int64]
    currency: NDArray[np.int32]
    block: NDArray[np.int64]
    time: NDArray[np.int64]


def walk(rows: Rows, tokens: int, accounts: int, asked: Asked, found: Found) -> None:
    """Follows every token, and notes what breaks a rule. A row that should not be there still moves its token as it
    says: later rows are judged by what the chain goes on from."""
    status = np.zeros(tokens, np.uint8)
    owner = np.full(tokens, -1, np.int32)
    got = np.full(tokens, -1, np.int64)
    paid = np.full(tokens, -1, np.int64)
    holding = np.zeros(accounts, np.int32)
    for i in range(len(rows.kind)):
        kind, token, sender, recipient = rows.kind[i], rows.token[i], rows.sender[i], rows.recipient[i]
        before = owner[token]
        found.owner[i], found.acquired[i], found.paid[i] = before, got[token], paid[token]
        flags = 0
        # the chain of ownership
        if status[token] == _GONE:
            flags |= BURNT
        elif kind == _MINT:
            if status[token] == _LIVE:
                flags |= MINTED_ONCE
        elif status[token] == _NEVER:
            flags |= MINTED_FIRST
        if kind != _MINT and status[token] == _LIVE and sender >= 0 and sender != before:
            flags |= OWNER
        # price and currency
        price, currency = rows.price[i], rows.currency[i]
        if price >= 0:
            if len(asked.currencies) > 0 and not asked.currencies[currency]:
                flags |= CURRENCY
            last = paid[token]
            if asked.resale and last >= 0 and (price > rows.price[last] or currency != rows.currency[last]):
                flags |= RESALE
        elif asked.priced and kind == _TRANSFER:
            flags |= UNPRICED
        # how long it was held
        since = got[token]
        if kind == _TRANSFER and since >= 0 and (asked.after_mint or rows.kind[since] != _MINT):
            if asked.blocks > 0 and rows.block[i] - rows.block[since] < asked.blocks:
                flags |= HELD_BLOCKS
            if asked.milliseconds > 0:
                if rows.time[i] < 0 or rows.time[since] < 0:
                    flags |= UNDECIDED
                elif rows.time[i] - rows.time[since] < asked.milliseconds:
                    flags |= HELD_SECONDS
        # who has how many
        if before >= 0:
            holding[before] -= 1
        if recipient >= 0:
            holding[recipient] += 1
            found.held[i] = holding[recipient]
            if asked.most >= 0 and holding[recipient] > asked.most and not asked.unlimited[recipient]:
                flags |= HOLDINGS
        checked = len(asked.listed) > 0 and kind != _BURN
        if checked and (not asked.listed[recipient] or (kind == _TRANSFER and not asked.listed[sender])):
            flags |= ACCOUNTS
        # what the next row of this token finds
        if status[token] != _GONE:
            status[token] = _GONE if kind == _BURN else _LIVE
        owner[token] = recipient
        got[token] = -1 if kind == _BURN else i
        if price >= 0:
            paid[token] = i
        found.flags[i] = flags
