"""ICS-23."""

from pycore.ics23.batch import verify_membership_batch, verify_non_membership_batch
from pycore.ics23.single import verify_membership, verify_non_membership
from pycore.ics23.specs import SPECS, InnerSpec, LeafOp, ProofSpec

__all__ = [
    "SPECS",
    "InnerSpec",
    "LeafOp",
    "ProofSpec",
    "verify_membership",
    "verify_membership_batch",
    "verify_non_membership",
    "verify_non_membership_batch",
]
