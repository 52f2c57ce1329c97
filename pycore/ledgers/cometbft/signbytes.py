"""What validators sign: canonical messages in protobuf after their length (types/canonical.go, libs/protoio).

Heights and rounds have eight bytes each, and are left out where they are zero; a vote for no block has no block id; the
time is the vote's, with all its nanoseconds. Neither the validator nor its position is signed. The same in every
release from 0.34 on; extensions came with 0.38.
"""

from __future__ import annotations

from pycore.ledgers.cometbft.encoding import block_id, delimited, fixed, message, number, octets, timestamp
from pycore.ledgers.cometbft.messages import COMMIT, PRECOMMIT, BlockId, Commit, Proposal, Vote


def vote(chain_id: str, value: Vote) -> bytes:
    """The signed bytes of a prevote or precommit (CanonicalVote)."""
    start, end = vote_frame(chain_id, value.type, value.height, value.round, value.block_id)
    return delimited(start + message(5, timestamp(value.time_ns)) + end)


def vote_frame(chain_id: str, kind: int, height: int, round: int, claim: BlockId) -> tuple[bytes, bytes]:
    """What stands before and after the time in a vote: the same for all votes of a commit for one block."""
    start = number(1, kind) + fixed(2, height) + fixed(3, round)
    return start + (b"" if claim.is_nil else message(4, block_id(claim))), octets(6, chain_id.encode())


def commit(chain_id: str, value: Commit) -> list[bytes]:
    """The signed bytes of every slot of a commit; those of an absent one are not signed by anybody."""
    frames = [
        vote_frame(chain_id, PRECOMMIT, value.height, value.round, claim) for claim in (value.block_id, BlockId())
    ]
    found = []
    for slot in value.signatures:
        start, end = frames[0 if slot.flag == COMMIT else 1]
        found.append(delimited(start + message(5, timestamp(slot.time_ns)) + end))
    return found


def extension(chain_id: str, value: Vote) -> bytes:
    """The signed bytes of a vote's extension (CanonicalVoteExtension)."""
    return delimited(
        octets(1, value.extension) + fixed(2, value.height) + fixed(3, value.round) + octets(4, chain_id.encode())
    )


def proposal(chain_id: str, value: Proposal) -> bytes:
    """The signed bytes of a proposal (CanonicalProposal)."""
    return delimited(
        b"".join(
            (
                number(1, value.type),
                fixed(2, value.height),
                fixed(3, value.round),
                number(4, value.pol_round),
                b"" if value.block_id.is_nil else message(5, block_id(value.block_id)),
                message(6, timestamp(value.time_ns)),
                octets(7, chain_id.encode()),
            )
        )
    )
