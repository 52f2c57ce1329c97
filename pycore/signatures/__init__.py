"""Signatures of every scheme: batches, sets of known keys, the cache of returning keys, recovery of public keys."""

from __future__ import annotations

from pycore.signatures.batch import DEFAULT_USER_ID, recover_batch, verify, verify_batch
from pycore.signatures.keycache import KeyCacheStats, key_cache_stats, set_key_cache
from pycore.signatures.keyset import KeySet

__all__ = [
    "DEFAULT_USER_ID",
    "KeyCacheStats",
    "KeySet",
    "key_cache_stats",
    "recover_batch",
    "set_key_cache",
    "verify",
    "verify_batch",
]
