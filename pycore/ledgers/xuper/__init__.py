"""XuperChain."""
