"""Whether a block is final: validators, votes, certificates; the rule, the count and the decision, for every chain."""

from __future__ import annotations

from pycore.consensus.chains import ConsensusRules
from pycore.consensus.commits import CommitReport, verify_certificate, verify_commit, verify_commits
from pycore.consensus.quorum import (
    ANOTHER_CLAIM,
    COUNTED_ALREADY,
    INT64_MAX,
    NO_CLAIM,
    UNKNOWN_VOTER,
    Ballot,
    Decision,
    Electorate,
    Ignored,
    Repeat,
    Repeats,
    Rule,
    Tally,
    decide,
    tally,
    tally_columns,
)
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.consensus.votes import LightBlock, QuorumCertificate, SignedHeader, Vote
from pycore.errors import QuorumNotReached

__all__ = [
    "ANOTHER_CLAIM",
    "COUNTED_ALREADY",
    "INT64_MAX",
    "NO_CLAIM",
    "UNKNOWN_VOTER",
    "Ballot",
    "CommitReport",
    "ConsensusRules",
    "Decision",
    "Electorate",
    "Ignored",
    "LightBlock",
    "QuorumCertificate",
    "QuorumNotReached",
    "Repeat",
    "Repeats",
    "Rule",
    "SignedHeader",
    "Tally",
    "Validator",
    "ValidatorSet",
    "Vote",
    "decide",
    "tally",
    "tally_columns",
    "verify_certificate",
    "verify_commit",
    "verify_commits",
]
