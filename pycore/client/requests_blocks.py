"""The calls for blocks of ledgers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pycore.base.columns import BytesLike, one_bytes
from pycore.base.report import BlockReport
from pycore.client.requests import Caller, Plan, call
from pycore.ledgers.contexts import JsonContext
from pycore.wire.reports import from_block_report
from pycore.wire.schema import block_pb2
from pycore.wire.views import join_field


class BlockCalls(Caller):
    """`validate_block`."""

    @call
    def validate_block(
        self, chain: str, block: BytesLike, context: Mapping[str, Any] | str | bytes | Any | None = None
    ) -> Plan[BlockReport]:
        """`pycore.ledgers.get(chain).validate_block(block, context)` on the service.

        Args:
            chain: one of `pycore.ledgers.names()`.
            block: the block in the chain's own encoding.
            context: the chain's context object, its JSON document as text, bytes or mapping, or None.
        """
        bare = block_pb2.ValidateBlockRequest(chain=chain, context_json=context_document(context))
        request = join_field(bare, bare.BLOCK_FIELD_NUMBER, one_bytes(block, "block"))
        return Plan("ValidateBlock", 1, [request], lambda answers: from_block_report(answers[0].report))


def context_document(context: Any) -> bytes:
    """A context as a request has it: JSON text in UTF-8; nothing for None."""
    if context is None:
        return b""
    if isinstance(context, JsonContext):
        context = context.to_json(indent=None)
    elif hasattr(context, "to_json"):
        context = context.to_json()
    if isinstance(context, Mapping):
        context = json.dumps(context)
    return context.encode() if isinstance(context, str) else one_bytes(context, "context")
