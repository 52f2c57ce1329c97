"""ICS-23: proofs that a key has a value under a root, or that nothing stands under it.

    verify_membership, verify_non_membership              one key, one proof: None, or ProofError with a note
    verify_membership_batch, verify_non_membership_batch  many keys: a verdict each
    verify_query                                          a node's answer to a query, up to the application hash
    verify_chain                                          the chained proofs of IBC

Specs: "iavl", "tendermint", "smt", or any :class:`ProofSpec`, also as protobuf bytes or JSON. All ten hashes of the
standard but NO_HASH for a node, and all lengths but VAR_RLP. Proofs as protobuf bytes or as JSON; existence, absence,
batches and compressed batches.

Rules: "strict" (the default) and "compatible"; ``pycore.ics23.checking`` says how they differ.

Bounds, before anything costs: 16 MiB and 2^20 fields for a proof, 2^17 entries of a batch, 1,024 steps of a path (and
the spec's `max_depth`, 128 where it says 0), 16 KiB for the prefix or suffix of a step, 64 times the size of a
compressed proof for all its paths together, 64 Mi characters of JSON.

Sources: Interchain Standard 23; github.com/cosmos/ics23, go/ and proto/.
"""

from pycore.ics23.batch import verify_membership_batch, verify_non_membership_batch
from pycore.ics23.queries import verify_chain, verify_query
from pycore.ics23.single import verify_membership, verify_non_membership
from pycore.ics23.specs import IAVL, SMT, SPECS, TENDERMINT, InnerSpec, LeafOp, ProofSpec

__all__ = [
    "IAVL",
    "SMT",
    "SPECS",
    "TENDERMINT",
    "InnerSpec",
    "LeafOp",
    "ProofSpec",
    "verify_chain",
    "verify_membership",
    "verify_membership_batch",
    "verify_non_membership",
    "verify_non_membership_batch",
    "verify_query",
]
