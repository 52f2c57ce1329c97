"""CometBFT chains made from a seed: validator sets, signed commits and blocks, votes. Test data only: anybody can
compute the private keys.

>>> from pycore.consensus import ValidatorSet
>>> from pycore.testing.cometbft import Chain
>>> chain = Chain(blocks=3, validators=4, seed=1)
>>> ValidatorSet(chain.validators(0)).hash == chain.blocks[0].header.validators_hash
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from pycore.base.columns import quote
from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, hashes, signbytes
from pycore.ledgers.cometbft.evidence import in_order
from pycore.ledgers.cometbft.messages import (
    ABSENT,
    COMMIT,
    NIL,
    PRECOMMIT,
    SECOND,
    YEAR_1,
    Block,
    BlockId,
    Commit,
    CommitSig,
    Evidence,
    Header,
    LightBlock,
    SignedHeader,
    TxProof,
    Validators,
    Vote,
    with_proposer,
)
from pycore.ledgers.cometbft.schemes import address
from pycore.merkle.tree import MerkleTree

from . import _deterministic
from ._sign import public_keys, sign

CHAIN_ID = "pycore-test"
START_NS = 1_700_000_000_123_456_789
"""Time of a chain's first block: nine digits of a second."""
_SIGNED = ("ed25519", "ecdsa-secp256k1")


@dataclass(frozen=True)
class Signer:
    """A validator and its 32 secret bytes."""

    validator: Validator
    secret: bytes = field(repr=False)

    @property
    def address(self) -> bytes:
        """Of the validator."""
        return self.validator.address

    def with_power(self, power: int) -> Signer:
        """The same with another power."""
        return replace(self, validator=replace(self.validator, power=power))


def make_signers(
    count: int,
    *,
    seed: int = 0,
    powers: int | Sequence[int] = 10,
    schemes: Sequence[str] = ("ed25519",),
    label: str = "validator",
) -> list[Signer]:
    """`count` validators in canonical order; the same arguments give the same ones everywhere.

    powers   one for all, or one for each before they are ordered
    schemes  taken in turns: "ed25519", "ecdsa-secp256k1"
    """
    if not set(schemes) <= set(_SIGNED):
        raise InputError("schemes", quote(schemes), "'ed25519' and 'ecdsa-secp256k1'")
    secrets = _deterministic.rows(seed, "cometbft", label, count=count, width=32)
    secrets[:, 0] &= 127  # below the order of secp256k1
    found: list[Signer] = []
    keys = {scheme: public_keys(scheme, secrets) for scheme in set(schemes)}
    for i in range(count):
        scheme = schemes[i % len(schemes)]
        raw = keys[scheme][i].tobytes()
        key = raw if scheme == "ed25519" else bytes([2 + (raw[64] & 1)]) + raw[1:33]
        power = powers if isinstance(powers, int) else powers[i]
        found.append(Signer(Validator(key, power, scheme, address(scheme, key)), secrets[i].tobytes()))
    return ordered(found)


def ordered(signers: Sequence[Signer]) -> list[Signer]:
    """In the canonical order of a set."""
    by_address = {one.address: one for one in signers}
    return [by_address[one.address] for one in in_order([one.validator for one in signers])]


def sign_all(signers: Sequence[Signer], messages: Sequence[bytes]) -> list[bytes]:
    """A signature by each signer over its message."""
    found = [b""] * len(signers)
    for scheme in _SIGNED:
        own = [i for i, one in enumerate(signers) if one.validator.scheme == scheme]
        if own:
            secrets = np.frombuffer(b"".join(signers[i].secret for i in own), np.uint8).reshape(len(own), 32)
            for i, made in zip(own, sign(scheme, secrets, [messages[i] for i in own]), strict=True):
                found[i] = made.tobytes()
    return found


# ---- votes and commits -----------------------------------------------------------------------------------------------


def make_votes(signers: Sequence[Signer], votes: Sequence[Vote], chain_id: str = CHAIN_ID) -> list[Vote]:
    """Votes with the signatures of their signers; a vote with an extension, even an empty one given as
    ``extension_signature=b"?"``, has a signature for that as well."""
    found = list(votes)
    signatures = sign_all(signers, [signbytes.vote(chain_id, one) for one in found])
    extended = [i for i, one in enumerate(found) if one.extension or one.extension_signature]
    more = sign_all([signers[i] for i in extended], [signbytes.extension(chain_id, found[i]) for i in extended])
    for i, signature in zip(extended, more, strict=True):
        found[i] = replace(found[i], extension_signature=signature)
    return [replace(one, signature=signature) for one, signature in zip(found, signatures, strict=True)]


def make_vote(
    signer: Signer,
    *,
    height: int = 1,
    round: int = 0,
    block_id: BlockId | None = None,
    position: int = 0,
    time_ns: int = START_NS,
    type: int = PRECOMMIT,
    extension: bytes | None = None,
    chain_id: str = CHAIN_ID,
) -> Vote:
    """One signed vote; `block_id` None is one for no block, `extension` None one without."""
    vote = Vote(
        type, height, round, block_id or BlockId(), time_ns, signer.address, position, b"",
        extension or b"", b"" if extension is None else b"?",
    )  # fmt: skip
    return make_votes([signer], [vote], chain_id)[0]


def make_commit(
    signers: Sequence[Signer],
    block_id: BlockId,
    height: int,
    *,
    round: int = 0,
    time_ns: int = START_NS,
    absent: Sequence[int] = (),
    nil: Sequence[int] = (),
    chain_id: str = CHAIN_ID,
) -> Commit:
    """The commit of a set in canonical order; the times of its votes differ in their last digits.

    absent, nil  positions of those who did not vote, and who voted for no block
    """
    slots = []
    for i, one in enumerate(signers):
        flag = ABSENT if i in absent else NIL if i in nil else COMMIT
        time = YEAR_1 if flag == ABSENT else time_ns + 1_000_003 * i
        slots.append(CommitSig(flag, b"" if flag == ABSENT else one.address, time))
    return signed(signers, Commit(height, round, block_id, tuple(slots)), chain_id)


def signed(signers: Sequence[Signer], commit: Commit, chain_id: str = CHAIN_ID) -> Commit:
    """A commit with new signatures in all slots but absent ones."""
    there = [i for i, slot in enumerate(commit.signatures) if slot.flag != ABSENT]
    texts = signbytes.commit(chain_id, commit)
    slots = list(commit.signatures)
    made = sign_all([signers[i] for i in there], [texts[i] for i in there])
    for i, signature in zip(there, made, strict=True):
        slots[i] = replace(slots[i], signature=signature)
    return replace(commit, signatures=tuple(slots))


def median_time(commit: Commit, signers: Sequence[Signer]) -> int:
    """The time of the next block: the median of a commit's times, weighted by power (types/time/time.go)."""
    rows = sorted(
        (slot.time_ns, one.validator.power)
        for slot, one in zip(commit.signatures, signers, strict=True)
        if slot.flag != ABSENT
    )
    left = sum(power for _, power in rows) // 2
    for time_ns, power in rows:
        if left <= power:
            return time_ns
        left -= power
    raise InputError("commit", "no votes", "a vote with power")


# ---- chains ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """A run of blocks, each with the commit that makes it final.

    Attributes:
        blocks, validators_count, seed: as many of both, and what they follow from.
        transactions: of each block.
        first_height: 1, or higher: then the commit before the first block is there too.
        powers, schemes: as for :func:`make_signers`.
        absent, nil: positions of every commit.
        replaced: validators that leave, and others that come, with every block.
        evidence: of the last block.
        app_hash_size: bytes of the application's hash.
        label: blocks with another one differ in their transactions, but have the same validators.
    """

    blocks_count: int
    validators_count: int
    seed: int
    transactions: int
    first_height: int
    chain_id: str
    powers: int | Sequence[int]
    schemes: tuple[str, ...]
    absent: tuple[int, ...]
    nil: tuple[int, ...]
    replaced: int
    evidence: tuple[Evidence, ...]
    app_hash_size: int
    round: int
    label: str

    def __init__(
        self,
        *,
        blocks: int = 3,
        validators: int = 4,
        seed: int = 0,
        transactions: int = 3,
        first_height: int = 1,
        chain_id: str = CHAIN_ID,
        powers: int | Sequence[int] = 10,
        schemes: Sequence[str] = ("ed25519",),
        absent: Sequence[int] = (),
        nil: Sequence[int] = (),
        replaced: int = 0,
        evidence: Sequence[Evidence] = (),
        app_hash_size: int = 8,
        round: int = 0,
        label: str = "",
    ) -> None:
        values = {
            "blocks_count": blocks, "validators_count": validators, "seed": seed, "transactions": transactions,
            "first_height": first_height, "chain_id": chain_id, "powers": powers, "schemes": tuple(schemes),
            "absent": tuple(absent), "nil": tuple(nil), "replaced": replaced, "evidence": tuple(evidence),
            "app_hash_size": app_hash_size, "round": round, "label": label,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _random(self, *names: object, size: int = 32) -> bytes:
        return _deterministic.stream(self.seed, "cometbft", *map(str, names), size=size)

    @cached_property
    def signers(self) -> list[list[Signer]]:
        """The sets: entry i signs block i; one more after the last block."""
        count = self.validators_count
        powers = self.powers
        found = [make_signers(count, seed=self.seed, powers=powers, schemes=self.schemes)]
        for i in range(self.blocks_count):
            kept = sorted(found[-1], key=lambda one: one.address)[self.replaced :]
            power = powers if isinstance(powers, int) else 10
            more = make_signers(self.replaced, seed=self.seed, powers=power, schemes=self.schemes, label=f"new {i}")
            found.append(ordered([*kept, *more]))
        return found

    def validators(self, i: int) -> list[Validator]:
        """Who signs block i, in canonical order."""
        return [one.validator for one in self.signers[i]]

    @cached_property
    def _made(self) -> list[tuple[Block, BlockId, Commit]]:
        found: list[tuple[Block, BlockId, Commit]] = []
        first = self.first_height == 1
        last_id = BlockId() if first else BlockId(self._random("last"), 1, self._random("last parts"))
        last = Commit(0, 0, BlockId(), ()) if first else (
            make_commit(self.signers[0], last_id, self.first_height - 1, time_ns=START_NS - SECOND,
                        chain_id=self.chain_id)
        )  # fmt: skip
        voters = self.signers[0]
        for i in range(self.blocks_count):
            time_ns = START_NS if not last.signatures else median_time(last, voters)
            block = self._block(i, last_id, last, time_ns)
            last_id = hashes.block_id_of(block.header, encoding.block(block))
            voters = self.signers[i]
            last = make_commit(
                voters, last_id, block.header.height, round=self.round, time_ns=time_ns + SECOND, absent=self.absent,
                nil=self.nil, chain_id=self.chain_id,
            )  # fmt: skip
            found.append((block, last_id, last))
        return found

    def _block(self, i: int, last_id: BlockId, last: Commit, time_ns: int) -> Block:
        txs = tuple(
            f"{self.label}tx-{self.seed}-{i}-{j}=".encode() + self._random("tx", i, j) for j in range(self.transactions)
        )
        evidence = self.evidence if i == self.blocks_count - 1 else ()
        header = Header(
            11, 1, self.chain_id, self.first_height + i, time_ns, last_id,
            hashes.commit_hash(last),
            hashes.data_hash(txs),
            hashes.validators_hash(self.validators(i)),
            hashes.validators_hash(self.validators(i + 1)),
            hashes.params_hash(22020096, -1),
            self._random("app", i, size=self.app_hash_size),
            hashes.EMPTY,
            hashes.evidence_hash(evidence),
            self.signers[i][i % self.validators_count].address,
        )  # fmt: skip
        return Block(header, txs, evidence, last)

    @cached_property
    def blocks(self) -> list[Block]:
        """The blocks."""
        return [block for block, _, _ in self._made]

    @cached_property
    def block_bytes(self) -> list[bytes]:
        """The blocks in protobuf."""
        return [encoding.block(block) for block in self.blocks]

    @cached_property
    def block_ids(self) -> list[BlockId]:
        """Their ids."""
        return [one for _, one, _ in self._made]

    @cached_property
    def commits(self) -> list[Commit]:
        """The commits for the blocks."""
        return [commit for _, _, commit in self._made]

    def signed_header(self, i: int) -> SignedHeader:
        """Header and commit of block i."""
        return SignedHeader(self.blocks[i].header, self.commits[i])

    def light_block(self, i: int) -> LightBlock:
        """Block i as light clients have it."""
        rows = tuple(self.validators(i))
        return with_proposer(LightBlock(self.signed_header(i), Validators(rows)))

    def context(self, i: int = 0) -> dict[str, Any]:
        """A document for the ledger's context before block i: the place, the validators before, of it and after, the
        release."""
        found = {
            "chain_id": self.chain_id,
            "release": "0.38",
            "height": self.first_height + i,
            "initial_height": 1,
            "validators": self._listed(i),
            "later_validators": [self._listed(j) for j in range(i + 1, self.blocks_count + 1)] if self.replaced else [],
            "previous_time": self.blocks[i].header.time_ns,  # of block 1: the genesis time
            "max_age_blocks": 100000,
            "max_age_ns": 172800 * SECOND,
        }
        if i or self.first_height > 1:
            header = self.blocks[i].header
            before = self.blocks[i - 1].header.time_ns if i else header.time_ns - 1
            found |= {
                "previous_block_hash": header.last_block_id.hash.hex(),
                "previous_validators": self._listed(max(0, i - 1)),
                "previous_time": before,
            }
        return found

    def _listed(self, i: int) -> list[dict[str, Any]]:
        return [{"public_key": one.public_key.hex(), "power": one.power, "scheme": one.scheme}
                for one in self.validators(i)]  # fmt: skip

    def tx_proof(self, i: int, index: int) -> TxProof:
        """The proof of a transaction of block i."""
        txs = self.blocks[i].transactions
        leaves = [hashes.transaction_hash(one) for one in txs]
        made = MerkleTree(leaves, tree="rfc9162")
        aunts = tuple(bytes(one) for one in made.proof(index))
        leaf = hashes.tree([leaves[index]])
        return TxProof(made.root, txs[index], len(txs), index, leaf, aunts)


def conflicting_block(chain: Chain, i: int, kind: str = "lunatic", *, absent: Sequence[int] = ()) -> LightBlock:
    """Another block than block i of a chain, with a commit of the same validators: what light clients are shown in an
    attack.

    kind    "lunatic": another state; "equivocation": other transactions, decided in the same round; "amnesia": in the
            next one
    absent  positions of those who take no part
    """
    header, commit = chain.blocks[i].header, chain.commits[i]
    changes = {"app_hash": b"another"} if kind == "lunatic" else {"data_hash": hashes.data_hash([b"another"])}
    made = replace(header, **changes)  # type: ignore[arg-type]
    block_id = BlockId(hashes.header_hash(made), 1, hashes.tree([made.data_hash]))
    own = make_commit(
        chain.signers[i], block_id, header.height, round=commit.round + (kind == "amnesia"),
        time_ns=header.time_ns + SECOND, absent=absent, chain_id=chain.chain_id,
    )  # fmt: skip
    return replace(chain.light_block(i), signed_header=SignedHeader(made, own))
