"""Whether a quorum stands behind a claim: the rule, the count of votes, and the decision, for every chain."""

from __future__ import annotations

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
    RunningTally,
    Tally,
    decide,
    tally,
)
from pycore.errors import QuorumNotReached

__all__ = [
    "ANOTHER_CLAIM",
    "COUNTED_ALREADY",
    "INT64_MAX",
    "NO_CLAIM",
    "UNKNOWN_VOTER",
    "Ballot",
    "Decision",
    "Electorate",
    "Ignored",
    "QuorumNotReached",
    "Repeat",
    "Repeats",
    "Rule",
    "RunningTally",
    "Tally",
    "decide",
    "tally",
]
