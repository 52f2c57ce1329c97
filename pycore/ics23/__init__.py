"""ICS-23."""

from pycore.ics23.single import verify_membership, verify_non_membership
from pycore.ics23.specs import SPECS, InnerSpec, LeafOp, ProofSpec

__all__ = ["SPECS", "InnerSpec", "LeafOp", "ProofSpec", "verify_membership", "verify_non_membership"]
