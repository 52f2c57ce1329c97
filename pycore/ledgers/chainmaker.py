"""ChainMaker 2.x."""

from __future__ import annotations

from pycore.ledgers._chainmaker.context import ChainContext, Policy, TrustMember

__all__ = ["ChainContext", "Policy", "TrustMember"]
