"""Batch validation core for blockchain nodes: signatures, hashes, Merkle trees.

>>> import pycore
>>> pycore.hash("sha256", b"abc").hex()[:16]
'ba7816bf8f01cfea'

Batches of bytes may be lists, arrays, flat buffers, ``(data, offsets)`` pairs or Arrow arrays: see
:mod:`pycore.base.columns`. An invalid item is a code in :class:`Verdicts`; a malformed call raises :class:`InputError`:
see :mod:`pycore.errors`.

``pycore.bundle``, ``pycore.consensus``, ``pycore.ics23``, ``pycore.ledgers``, ``pycore.client`` and ``pycore.testing``
are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pycore._version import __version__
from pycore.base.backends import Capabilities, capabilities, use_backend
from pycore.base.columns import Column, batch
from pycore.base.extras import explain
from pycore.base.parallel import get_threads, set_threads
from pycore.base.registry import HASHES, SCHEMES, TREES
from pycore.base.tuning import load_from_environment as _load_tuning
from pycore.base.verdicts import Verdict, Verdicts
from pycore.errors import (
    BackendUnavailable,
    InputError,
    InvalidSignature,
    LengthError,
    ProofError,
    PycoreError,
    QuorumNotReached,
    SelfTestFailed,
    ShapeError,
    UnknownNameError,
    VerificationError,
)
from pycore.hashing.batch import Hasher, hash, hash_batch
from pycore.merkle.frontier import MerkleFrontier, merkle_stream
from pycore.merkle.sparse import SparseMerkleTree, verify_sparse, verify_sparse_batch
from pycore.merkle.tree import (
    MerkleTree,
    merkle_root,
    verify_consistency,
    verify_inclusion,
    verify_inclusion_batch,
    verify_multiproof,
)
from pycore.signatures.batch import DEFAULT_USER_ID, recover_batch, verify, verify_batch
from pycore.signatures.keycache import KeyCacheStats, key_cache_stats, set_key_cache
from pycore.signatures.keyset import KeySet

if TYPE_CHECKING:
    from . import bundle as bundle
    from . import client as client
    from . import consensus as consensus
    from . import ics23 as ics23
    from . import ledgers as ledgers
    from . import testing as testing

__all__ = [
    "DEFAULT_USER_ID",
    "HASHES",
    "SCHEMES",
    "TREES",
    "BackendUnavailable",
    "Capabilities",
    "Column",
    "Hasher",
    "InputError",
    "InvalidSignature",
    "KeyCacheStats",
    "KeySet",
    "LengthError",
    "MerkleFrontier",
    "MerkleTree",
    "ProofError",
    "PycoreError",
    "QuorumNotReached",
    "SelfTestFailed",
    "ShapeError",
    "SparseMerkleTree",
    "UnknownNameError",
    "Verdict",
    "Verdicts",
    "VerificationError",
    "__version__",
    "batch",
    "capabilities",
    "get_threads",
    "hash",
    "hash_batch",
    "key_cache_stats",
    "merkle_root",
    "merkle_stream",
    "recover_batch",
    "set_key_cache",
    "set_threads",
    "use_backend",
    "verify",
    "verify_batch",
    "verify_consistency",
    "verify_inclusion",
    "verify_inclusion_batch",
    "verify_multiproof",
    "verify_sparse",
    "verify_sparse_batch",
]

# Most pull in protobuf, gRPC and X.509, so they are loaded when first used, and not by ``from pycore import *``.
_LAZY = {
    "bundle": "pycore.bundle",
    "client": "pycore.client",
    "collectibles": "pycore.collectibles",
    "consensus": "pycore.consensus",
    "evidence": "pycore.evidence",
    "ics23": "pycore.ics23",
    "ledgers": "pycore.ledgers",
    "ssz": "pycore.merkle.ssz",
    "testing": "pycore.testing",
}


_load_tuning()


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        try:
            return import_module(_LAZY[name])
        except ImportError as error:
            raise ImportError(explain(error), name=error.name) from error
    raise AttributeError(f"module 'pycore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_LAZY})
