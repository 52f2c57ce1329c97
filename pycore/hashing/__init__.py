"""Hashes of many messages in one call, and one message in pieces."""

from __future__ import annotations

from pycore.hashing.batch import Hasher, hash, hash_batch

__all__ = ["Hasher", "hash", "hash_batch"]
