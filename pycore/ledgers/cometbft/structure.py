"""Rules that headers, commits and votes keep by themselves, whatever chain they are of.

Each function tells in words what is wrong, nothing where nothing is (ValidateBasic in types/block.go, types/vote.go,
types/evidence.go, types/light.go). A message that breaks one is never valid, whoever signed it.
"""

from __future__ import annotations

from pycore.consensus.quorum import INT64_MAX
from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers.cometbft import hashes
from pycore.ledgers.cometbft.encoding import number, octets
from pycore.ledgers.cometbft.messages import (
    ABSENT,
    COMMIT,
    NIL,
    PRECOMMIT,
    PREVOTE,
    PROPOSAL,
    YEAR_1,
    BlockId,
    Commit,
    DuplicateVote,
    Evidence,
    Header,
    LightBlock,
    LightClientAttack,
    Proposal,
    SignedHeader,
    Validators,
    Vote,
)
from pycore.ledgers.cometbft.schemes import ADDRESS_SIZE, address

BLOCK_PROTOCOL = 11
"""Version of the block's format, in every release from 0.34 on."""
MAX_CHAIN_ID = 50
"""Characters of a chain's name: bytes in UTF-8."""
MAX_SIGNATURE = 3309
"""Bytes of the longest signature of any scheme (ML-DSA-65); 64 before there was that scheme."""
MAX_SLOTS = 10000
"""Votes of a commit, and validators of a set."""
MAX_EXTENSION = 1 << 20
"""Bytes of a vote extension."""
MAX_POWER = INT64_MAX // 8
"""Of all validators of a set together."""
MAX_FAULTS = 8
"""Faults that are told of one message."""


def block_id_faults(value: BlockId, name: str) -> list[str]:
    """Of a block id: hashes of 32 bytes or of none."""
    return [
        f"{name}.{what} has {len(one)} bytes, wanted 32 or none"
        for what, one in (("hash", value.hash), ("parts.hash", value.parts_hash))
        if len(one) not in (0, 32)
    ]


def header_faults(value: Header) -> list[str]:
    """Of a header."""
    found = []
    if value.block_version != BLOCK_PROTOCOL:
        found.append(f"version.block is {value.block_version}, wanted {BLOCK_PROTOCOL}")
    if len(value.chain_id.encode()) > MAX_CHAIN_ID:
        found.append(f"chain_id has {len(value.chain_id.encode())} bytes, wanted at most {MAX_CHAIN_ID}")
    if value.height <= 0:
        found.append(f"height is {value.height}, wanted 1 or more")
    found += block_id_faults(value.last_block_id, "last_block_id")
    for name in (
        "last_commit_hash", "data_hash", "evidence_hash", "validators_hash", "next_validators_hash", "consensus_hash",
        "last_results_hash",
    ):  # fmt: skip
        size = len(getattr(value, name))
        if size not in (0, 32):
            found.append(f"{name} has {size} bytes, wanted 32 or none")
    if len(value.proposer_address) != ADDRESS_SIZE:
        found.append(f"proposer_address has {len(value.proposer_address)} bytes, wanted {ADDRESS_SIZE}")
    return found


def commit_faults(value: Commit) -> list[str]:
    """Of a commit. One of height 0 is that of the block before the first: empty."""
    found = []
    if value.height < 0:
        found.append(f"height is {value.height}, wanted 0 or more")
    if value.round < 0:
        found.append(f"round is {value.round}, wanted 0 or more")
    found += block_id_faults(value.block_id, "block_id")
    if len(value.signatures) > MAX_SLOTS:
        found.append(f"{len(value.signatures)} signatures, wanted at most {MAX_SLOTS}")
    if value.height >= 1:
        if value.block_id.is_nil:
            found.append("block_id is empty: no commit is for no block")
        if not value.signatures:
            found.append("no signatures")
    for i, slot in enumerate(value.signatures):
        fault = _slot_fault(slot.flag, slot.address, slot.time_ns, slot.signature)
        if fault:
            found.append(f"signatures[{i}]: {fault}")
            if len(found) >= MAX_FAULTS:
                break
    return found


def _slot_fault(flag: int, address: bytes, time_ns: int, signature: bytes) -> str:
    if flag == ABSENT:
        if address:
            return "absent, and has an address"
        if time_ns != YEAR_1:
            lost = (
                "; some software writes 1970 for it, and the commit's hash is another one then" if not time_ns else ""
            )
            return f"absent, and has a time other than that of year 1{lost}"
        return "absent, and has a signature" if signature else ""
    if flag not in (COMMIT, NIL):
        return f"flag {flag}, wanted {ABSENT}, {COMMIT} or {NIL}"
    if len(address) != ADDRESS_SIZE:
        return f"an address of {len(address)} bytes, wanted {ADDRESS_SIZE}"
    if not signature:
        return "no signature"
    if len(signature) > MAX_SIGNATURE:
        return f"a signature of {len(signature)} bytes, wanted at most {MAX_SIGNATURE}"
    return ""


def signed_header_faults(value: SignedHeader) -> list[str]:
    """Of a header and of a commit, each by itself; not whether they belong together."""
    return [f"header: {one}" for one in header_faults(value.header)] + [
        f"commit: {one}" for one in commit_faults(value.commit)
    ]


def light_block_faults(value: LightBlock) -> list[str]:
    """Of a light block by itself: header and commit belong together, the validators are those of the header."""
    header, commit = value.signed_header.header, value.signed_header.commit
    found = signed_header_faults(value.signed_header)
    if commit.height != header.height:
        found.append(f"the commit is for height {commit.height}, the header has {header.height}")
    if commit.block_id.hash != hashes.header_hash(header):
        found.append("the commit is for another header")
    found += validators_faults(value.validators)
    try:
        same = hashes.validators_hash(value.validators.validators) == header.validators_hash
    except InputError as error:
        return [*found, f"validators: {error}"]
    return found if same else [*found, "the validators are not those of the header"]


def validators_faults(value: Validators) -> list[str]:
    """Of a set inside another message. It is as listed: one validator may be there twice, or without power. The rules
    of :class:`pycore.consensus.ValidatorSet` are stricter."""
    found = [] if value.validators else ["no validators"]
    for i, one in enumerate(value.validators):
        if one.power < 0:
            found.append(f"validators[{i}] has a power below 0")
        found += [f"validators[{i}]: {fault}" for fault in address_faults(one)]
        if len(found) >= MAX_FAULTS:
            break
    total = sum(one.power for one in value.validators)
    if total > MAX_POWER:
        found.append(f"a total power of {total}, wanted at most {MAX_POWER}")
    proposer = value.proposer
    if proposer is None:
        found.append("no proposer")
    else:
        if proposer.power < 0:
            found.append("the proposer has a power below 0")
        found += [f"proposer: {fault}" for fault in address_faults(proposer)]
        if all(one.address != proposer.address for one in value.validators):
            found.append("the proposer is not among the validators")
    return found


def address_faults(value: Validator) -> list[str]:
    """Of a validator: its address is the one that follows from its key."""
    try:
        own = address(value.scheme, value.public_key)
    except InputError as error:
        return [str(error)]
    return [] if value.address == own else [f"the address {value.address.hex()} is not the key's, {own.hex()}"]


def vote_faults(value: Vote) -> list[str]:
    """Of a vote."""
    found = []
    if value.type not in (PREVOTE, PRECOMMIT):
        found.append(f"type is {value.type}, wanted {PREVOTE} or {PRECOMMIT}")
    if value.height <= 0:
        found.append(f"height is {value.height}, wanted 1 or more")
    if value.round < 0:
        found.append(f"round is {value.round}, wanted 0 or more")
    found += block_id_faults(value.block_id, "block_id")
    if not value.block_id.is_nil and not value.block_id.is_complete:
        found.append("block_id names a part of a block only")
    if len(value.address) != ADDRESS_SIZE:
        found.append(f"validator_address has {len(value.address)} bytes, wanted {ADDRESS_SIZE}")
    if value.position < 0:
        found.append(f"validator_index is {value.position}, wanted 0 or more")
    if not 0 < len(value.signature) <= MAX_SIGNATURE:
        found.append(f"signature has {len(value.signature)} bytes, wanted 1 to {MAX_SIGNATURE}")
    return found + _extension_faults(value)


def _extension_faults(value: Vote) -> list[str]:
    """Only a precommit for a block has an extension, and then a signature for it."""
    if value.type != PRECOMMIT or value.block_id.is_nil:
        return ["an extension in a vote that has none"] if value.extension or value.extension_signature else []
    found = []
    if len(value.extension_signature) > MAX_SIGNATURE:
        found.append(f"extension_signature has {len(value.extension_signature)} bytes, wanted at most {MAX_SIGNATURE}")
    if value.extension and not value.extension_signature:
        found.append("an extension without a signature")
    return found


def block_key(value: BlockId) -> bytes:
    """By which the two votes of evidence are ordered: the hash, then the parts in protobuf."""
    return value.hash + number(1, value.parts_total) + octets(2, value.parts_hash)


def duplicate_vote_faults(value: DuplicateVote) -> list[str]:
    """Of the evidence of two votes: both by themselves, and their order."""
    found = [f"vote_a: {one}" for one in vote_faults(value.first)]
    found += [f"vote_b: {one}" for one in vote_faults(value.second)]
    if block_key(value.first.block_id) >= block_key(value.second.block_id):
        found.append("the votes are not in the order of their block ids")
    return found


def proposal_faults(value: Proposal) -> list[str]:
    """Of a proposal. That the round it relies on is before its own is a rule for messages in 1.0; releases before have
    it where proposals are counted (consensus/state.go)."""
    found = []
    if value.type != PROPOSAL:
        found.append(f"type is {value.type}, wanted {PROPOSAL}")
    if value.height <= 0:
        found.append(f"height is {value.height}, wanted 1 or more")
    if value.round < 0:
        found.append(f"round is {value.round}, wanted 0 or more")
    if not -1 <= value.pol_round < value.round:
        found.append(f"pol_round is {value.pol_round}, wanted -1 or a round before {value.round}")
    found += block_id_faults(value.block_id, "block_id")
    if not value.block_id.is_complete:
        found.append("block_id is not complete")
    if not 0 < len(value.signature) <= MAX_SIGNATURE:
        found.append(f"signature has {len(value.signature)} bytes, wanted 1 to {MAX_SIGNATURE}")
    return found


def evidence_faults(value: Evidence) -> list[str]:
    """Of either kind of evidence."""
    return duplicate_vote_faults(value) if isinstance(value, DuplicateVote) else attack_faults(value)


def attack_faults(value: LightClientAttack) -> list[str]:
    """Of the evidence of an attack on light clients by itself."""
    found = []
    if value.total_power <= 0:
        found.append(f"total_voting_power is {value.total_power}, wanted 1 or more")
    if value.common_height <= 0:
        found.append(f"common_height is {value.common_height}, wanted 1 or more")
    height = value.conflicting.signed_header.header.height
    if value.common_height > height:
        found.append(f"common_height {value.common_height} is above the conflicting block's {height}")
    return found + [f"conflicting_block: {one}" for one in light_block_faults(value.conflicting)]
