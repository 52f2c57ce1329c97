"""What validators sign: canonical messages in protobuf after their length (types/canonical.go, libs/protoio).

Heights and rounds have eight bytes each, and are left out where they are zero; a vote for no block has no block id; the
time is the vote's, with all its nanoseconds. Neither the validator nor its position is signed. The same in every
release from 0.34 on; extensions came with 0.38.
"""

from __future__ import annotations

from pycore.ledgers.cometbft.encoding import block_id, delimited, fixed, message, number, octets, timestamp
from pycore.ledgers.cometbft.messages import COMMIT, PRECOMMIT, BlockId, Commit, Proposal, Vote
from pycore.ledgers.cometbft.structure import MAX_CHAIN_ID


def vote(chain_id: str, value: Vote) -> bytes:
    """The signed bytes of a prevote or precommit (CanonicalVote)."""
    start, end = vote_frame(chain_id, value.type, value.height, value.round, value.block_id)
    return delimited(start + message(5, timestamp(value.time_ns)) + end)


def chain_bytes(chain_id: str) -> bytes:
    """The name of a chain as it is signed. One that is too long, which no chain has, is cut to another one that is too
    long: it comes with what is to be verified, and would be copied for each signature."""
    return chain_id.encode()[: MAX_CHAIN_ID + 1]


def vote_frame(chain_id: str, kind: int, height: int, round: int, claim: BlockId) -> tuple[bytes, bytes]:
    """What stands before and after the time in a vote: the same for all votes of a commit for one block."""
    start = number(1, kind) + fixed(2, height) + fixed(3, round)
    return start + (b"" if claim.is_nil else message(4, block_id(claim))), octets(6, chain_bytes(chain_id))


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
        octets(1, value.extension) + fixed(2, value.height) + fixed(3, value.round) + octets(4, chain_bytes(chain_id))
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
                octets(7, chain_bytes(chain_id)),
            )
        )
    )


def nanoseconds(signed: bytes) -> int | None:
    """Nanoseconds within the second of a vote's time, from the bytes that it signs as :func:`vote` makes them; None
    where they are not so made."""
    outer = _fields(signed[1:] if signed and signed[0] < 0x80 else signed[2:])
    time = outer.get(5) if outer is not None else None
    inner = _fields(time) if isinstance(time, bytes) else None
    found = inner.get(2, 0) if inner is not None else None
    return found if isinstance(found, int) else None


def _fields(data: bytes) -> dict[int, int | bytes] | None:
    """The fields of a message with tags of one byte; None where it is no message."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        number, kind = data[at] >> 3, data[at] & 7
        at += 1
        value = shift = 0
        while kind in (0, 2):
            if at >= len(data) or shift > 63:
                return None
            value |= (data[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 0x80:
                break
        size = value if kind == 2 else 8 if kind == 1 else 0
        if kind not in (0, 1, 2) or at + size > len(data):
            return None
        found[number] = value if kind == 0 else data[at : at + size]
        at += size
    return found
