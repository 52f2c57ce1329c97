"""The contract events of a block's transactions, which their results hold and tx_root therefore commits to."""

from __future__ import annotations

import numpy as np

from pycore.base.report import Check, Event
from pycore.ledgers.chainmaker import plans
from pycore.ledgers.scan import PARENT, Spans

MAX_EVENTS = 1 << 20
"""Events of a block that are read: four for each transaction that it may have."""
MAX_DATA = 1 << 22
"""Values in the events of a block that are read."""
_SUCCESS = 0


def read_events(transactions: Spans) -> tuple[Check, tuple[Event, ...] | None]:
    """The events of transactions whose result is successful, in the order of the transactions and of their results;
    and the check `events`, which is skipped where there are more than are read: then there are none.

    transactions   as the chain's nodes encode them, each found to be one
    """
    found = plans.EVENT.scan(transactions, limits={"event": MAX_EVENTS, "data": MAX_DATA})
    counts = found.counts
    if counts["event"] > MAX_EVENTS or counts["data"] > MAX_DATA:
        got = f"{counts['event']} events with {counts['data']} values"
        wanted = f"at most {MAX_EVENTS} with {MAX_DATA}"
        return Check("events", None, got, wanted, "more events than are read"), None
    parents = found["event"][:, PARENT]
    succeeded = found.number("tx", "result.code") == _SUCCESS
    ids = [item.decode() for item in found.span("tx", "payload.tx_id").items()]
    values = [item.decode() for item in found.span("data").items()]
    bounds = np.searchsorted(found["data"][:, PARENT], np.arange(len(parents) + 1)).tolist()
    names = found.span("event", "contract_name").items()
    topics = found.span("event", "topic").items()
    events = tuple(
        Event(parent, ids[parent], names[i].decode(), topics[i].decode(), tuple(values[bounds[i] : bounds[i + 1]]))
        for i, (parent, took_place) in enumerate(zip(parents.tolist(), succeeded[parents].tolist(), strict=True))
        if took_place
    )
    return Check("events", True, f"{len(events)} events", None), events
