"""Bundles about Fabric."""

from __future__ import annotations


class FabricProofs:
    """Placeholder."""
