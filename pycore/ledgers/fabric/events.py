"""The events of chaincodes: of transactions that are not found invalid, in their order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycore._pb.ledgers.fabric.v1 import block_pb2, transaction_pb2
from pycore.base.go_protobuf import read
from pycore.base.report import Event
from pycore.ledgers.fabric.block import CODES, OpenBlock
from pycore.ledgers.fabric.codes import Code


def events_of(block: OpenBlock, codes: NDArray[np.uint8]) -> tuple[Event, ...]:
    """One event at most for a transaction; none of one that the block's own codes, or ours, call invalid."""
    written = block.position(CODES)
    found = []
    for index, entry in enumerate(block.entries.items()):
        if codes[index] != Code.VALID or (index < len(written) and written[index] != Code.VALID):
            continue
        event = event_of(entry)
        if event is not None:
            data = (event.payload.hex(),)
            found.append(Event(index, event.tx_id, event.chaincode_id, event.event_name, data))
    return tuple(found)


def event_of(entry: bytes) -> transaction_pb2.ChaincodeEvent | None:
    """The event of a valid transaction; None where it has none."""
    action = action_of(entry)
    if action is None or not action.events:
        return None
    return read(transaction_pb2.ChaincodeEvent, action.events)


def action_of(entry: bytes) -> transaction_pb2.ChaincodeAction | None:
    """The chaincode action of a valid transaction; None for a configuration."""
    payload = read(block_pb2.Payload, read(block_pb2.Envelope, entry).payload)
    if read(block_pb2.ChannelHeader, payload.header.channel_header).type != 3:
        return None
    actions = read(transaction_pb2.Transaction, payload.data).actions
    inner = read(transaction_pb2.ChaincodeActionPayload, actions[0].payload)
    response = read(transaction_pb2.ProposalResponsePayload, inner.action.proposal_response_payload)
    return read(transaction_pb2.ChaincodeAction, response.extension)
