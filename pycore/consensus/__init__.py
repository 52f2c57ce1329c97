"""Whether a block is final: validators, votes, certificates; the rule, the count and the decision, for every chain."""

from __future__ import annotations

from pycore.consensus.chains import ConsensusRules
from pycore.consensus.collector import CollectorLimits, Outcome, VoteCollector
from pycore.consensus.collector_drivers import AsyncVoteCollector, FlushThread
from pycore.consensus.commits import CommitReport, verify_certificate, verify_commit, verify_commits
from pycore.consensus.events import Equivocation, NilQuorum, Quorum, VoteEvent
from pycore.consensus.light import (
    FileProvider,
    LightClient,
    LightOptions,
    LightReport,
    LightVerdict,
    MappingProvider,
    MemoryLightStore,
    SqliteLightStore,
    TrustedState,
    verify_adjacent,
    verify_backwards,
    verify_skipping,
)
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
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.consensus.votes import LightBlock, QuorumCertificate, SignedHeader, Vote
from pycore.errors import AttackDetected, LightClientError, QuorumNotReached

__all__ = [
    "ANOTHER_CLAIM",
    "COUNTED_ALREADY",
    "INT64_MAX",
    "NO_CLAIM",
    "UNKNOWN_VOTER",
    "AsyncVoteCollector",
    "AttackDetected",
    "Ballot",
    "CollectorLimits",
    "CommitReport",
    "ConsensusRules",
    "Decision",
    "Electorate",
    "Equivocation",
    "FileProvider",
    "FlushThread",
    "Ignored",
    "LightBlock",
    "LightClient",
    "LightClientError",
    "LightOptions",
    "LightReport",
    "LightVerdict",
    "MappingProvider",
    "MemoryLightStore",
    "NilQuorum",
    "Outcome",
    "Quorum",
    "QuorumCertificate",
    "QuorumNotReached",
    "Repeat",
    "Repeats",
    "Rule",
    "RunningTally",
    "SignedHeader",
    "SqliteLightStore",
    "Tally",
    "TrustedState",
    "Validator",
    "ValidatorSet",
    "Vote",
    "VoteCollector",
    "VoteEvent",
    "decide",
    "tally",
    "verify_adjacent",
    "verify_backwards",
    "verify_certificate",
    "verify_commit",
    "verify_commits",
    "verify_skipping",
]
