"""Fabric's validation codes, one byte for each transaction, and the verdicts that they become.

Source: ``peer/transaction.proto`` of Fabric, as read in public copies.
"""

from __future__ import annotations

from enum import IntEnum

from pycore.base.verdicts import Verdict


class Code(IntEnum):
    """Why a transaction counts or not."""

    VALID = 0
    NIL_ENVELOPE = 1
    BAD_PAYLOAD = 2
    BAD_COMMON_HEADER = 3
    BAD_CREATOR_SIGNATURE = 4
    INVALID_ENDORSER_TRANSACTION = 5
    INVALID_CONFIG_TRANSACTION = 6
    UNSUPPORTED_TX_PAYLOAD = 7
    BAD_PROPOSAL_TXID = 8
    DUPLICATE_TXID = 9
    ENDORSEMENT_POLICY_FAILURE = 10
    MVCC_READ_CONFLICT = 11
    PHANTOM_READ_CONFLICT = 12
    UNKNOWN_TX_TYPE = 13
    TARGET_CHAIN_NOT_FOUND = 14
    MARSHAL_TX_ERROR = 15
    NIL_TXACTION = 16
    EXPIRED_CHAINCODE = 17
    CHAINCODE_VERSION_CONFLICT = 18
    BAD_HEADER_EXTENSION = 19
    BAD_CHANNEL_HEADER = 20
    BAD_RESPONSE_PAYLOAD = 21
    BAD_RWSET = 22
    ILLEGAL_WRITESET = 23
    INVALID_WRITESET = 24
    INVALID_CHAINCODE = 25
    NOT_VALIDATED = 254
    INVALID_OTHER_REASON = 255


BY_FORM = frozenset({
    Code.NIL_ENVELOPE, Code.BAD_PAYLOAD, Code.BAD_COMMON_HEADER, Code.BAD_CREATOR_SIGNATURE,
    Code.INVALID_ENDORSER_TRANSACTION, Code.INVALID_CONFIG_TRANSACTION, Code.UNSUPPORTED_TX_PAYLOAD,
    Code.BAD_PROPOSAL_TXID, Code.UNKNOWN_TX_TYPE, Code.BAD_HEADER_EXTENSION, Code.BAD_CHANNEL_HEADER,
    Code.BAD_RESPONSE_PAYLOAD, Code.BAD_RWSET,
})  # fmt: skip
"""Codes that the block alone decides: a peer that gives one for a transaction with nothing wrong in it is mistaken."""

VERDICTS = {
    Code.VALID: Verdict.VALID,
    Code.BAD_PROPOSAL_TXID: Verdict.BAD_DIGEST,
    Code.ENDORSEMENT_POLICY_FAILURE: Verdict.POLICY_NOT_MET,
    Code.NOT_VALIDATED: Verdict.UNCHECKED,
}
"""Codes whose verdict is another than MALFORMED_ITEM; bad creators have that of their signature."""


def describe(code: int, why: str = "") -> str:
    """A code for messages."""
    name = Code(code).name if code in Code._value2member_map_ else "an unknown code"
    return f"{name} ({code}){f': {why}' if why else ''}"
