"""Hyperledger Fabric 2.x and 3.x."""

from __future__ import annotations

from pycore.ledgers.fabric.context import FabricContext
from pycore.ledgers.fabric.ledger import LEDGER, Fabric

__all__ = ["LEDGER", "Fabric", "FabricContext"]
