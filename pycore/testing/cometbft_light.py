"""Light blocks of CometBFT chains, sound, changed and forked, each signed by whoever is told to. Test data only.

>>> from pycore.consensus.light import LightOptions, TrustedState, verify_light
>>> from pycore.testing.cometbft_light import LightChain
>>> chain = LightChain(heights=5, seed=1)
>>> trusted, block = TrustedState.of(chain.block(1)), chain.block(5)
>>> verify_light(trusted, block, LightOptions(trusting_period_ns=10**15), chain.now_ns).verdict.value
'success'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pycore.consensus import votes
from pycore.consensus.validators import Validator
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, hashes
from pycore.ledgers.cometbft.messages import SECOND, BlockId, LightBlock, SignedHeader, Validators

from . import _deterministic
from .cometbft import CHAIN_ID, Chain, Signer, make_commit, make_signers, ordered

FORKS = ("equivocation", "amnesia", "lunatic")


class LightChain:
    """A chain as its light blocks, from height 1.

    Attributes:
        blocks: height -> the chain's own LightBlock message.
        signers: height -> who signs its block, in canonical order.
        now_ns: a minute after the last block.
    """

    def __init__(
        self, *, heights: int = 10, validators: int = 4, seed: int = 0, replaced: int = 0, chain_id: str = CHAIN_ID,
        **options: Any,
    ) -> None:  # fmt: skip
        """replaced: validators that leave, and others that come, with every block. options: of :class:`Chain`."""
        self.seed, self.chain_id = seed, chain_id
        made = Chain(blocks=heights, validators=validators, seed=seed, replaced=replaced, chain_id=chain_id, **options)
        self.blocks: dict[int, LightBlock] = {i + 1: made.light_block(i) for i in range(heights)}
        self.signers: dict[int, list[Signer]] = {i + 1: made.signers[i] for i in range(heights + 1)}
        self.now_ns = self.blocks[heights].signed_header.header.time_ns + 60 * SECOND

    @property
    def heights(self) -> list[int]:
        """Ascending."""
        return sorted(self.blocks)

    def wire(self, height: int) -> bytes:
        """A light block in protobuf."""
        return encoding.light_block(self.blocks[height])

    def block(self, height: int) -> votes.LightBlock:
        """A light block, read from protobuf."""
        return votes.LightBlock.read(self.wire(height), form="wire")

    def validators(self, height: int) -> tuple[Validator, ...]:
        """Who signs the block of a height, in canonical order."""
        return self.blocks[height].validators.validators

    def hash(self, height: int) -> bytes:
        """Of a header."""
        return hashes.header_hash(self.blocks[height].signed_header.header)

    def mapping(self) -> dict[int, bytes]:
        """Height -> protobuf, for a :class:`pycore.consensus.light.MappingProvider`."""
        return {height: self.wire(height) for height in self.blocks}

    def forked(self, at: int, kind: str = "equivocation", *, liars: Sequence[int] | None = None) -> LightChain:
        """A chain with the same blocks below height `at` and others from there on.

        kind   "equivocation"  sound headers, voted for in the same round
               "amnesia"       sound headers, voted for in the next round
               "lunatic"       headers with another application hash, whose validators are the liars
        liars  positions among the validators of height at - 1; None: all
        """
        if kind not in FORKS:
            raise InputError("kind", repr(kind), ", ".join(FORKS))
        fork = LightChain.__new__(LightChain)
        fork.seed, fork.chain_id, fork.now_ns = self.seed, self.chain_id, self.now_ns
        fork.blocks = {height: block for height, block in self.blocks.items() if height < at}
        fork.signers = dict(self.signers)
        if kind == "lunatic":
            known = self.signers[at - 1]
            chosen = known if liars is None else [known[i] for i in liars]
            fork.signers |= dict.fromkeys(range(at, max(self.blocks) + 2), ordered(chosen))
        for height in range(at, max(self.blocks) + 1):
            own = self.blocks[height].signed_header
            changes: dict[str, Any] = {"data_hash": self._random("fork", kind, height)}
            if kind == "lunatic":
                changes["app_hash"] = self._random("application", height)
            if height > at:
                below = fork.blocks[height - 1].signed_header.commit
                changes |= {"last_block_id": below.block_id, "last_commit_hash": hashes.commit_hash(below)}
            signers = (fork.signers[height], fork.signers[height + 1])
            fork.blocks[height] = resigned(
                own.header, signers[0], signers[1], seed=self.seed, round=own.commit.round + (kind == "amnesia"),
                changes=changes,
            )  # fmt: skip
        return fork

    def _random(self, *names: object) -> bytes:
        return bytes(_deterministic.rows(self.seed, "light", *map(str, names), count=1, width=32)[0])


def resigned(
    header: Any,
    signers: Sequence[Signer],
    following: Sequence[Signer] | None = None,
    *,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    round: int = 0,
    height: int | None = None,
    absent: Sequence[int] = (),
    nil: Sequence[int] = (),
    chain_id: str | None = None,
) -> LightBlock:
    """A light block with this header, for which these validators sign.

    header     of a chain; it gets the hashes of the sets, then `changes`
    following  the next validators; None: the header names them already
    height     that the commit says; None: the header's
    absent, nil, round  of the commit
    chain_id   that is signed; None: the header's
    """
    rows = tuple(one.validator for one in signers)
    named: dict[str, Any] = {"validators_hash": hashes.validators_hash(rows)}
    if following is not None:
        named["next_validators_hash"] = hashes.validators_hash([one.validator for one in following])
    made = replace(header, **{**named, **(changes or {})})
    parts = _deterministic.rows(seed, "light parts", made.height, count=1, width=32)[0].tobytes()
    commit = make_commit(
        list(signers),
        BlockId(hashes.header_hash(made), 1, parts),
        made.height if height is None else height,
        round=round,
        time_ns=made.time_ns + SECOND,
        absent=absent,
        nil=nil,
        chain_id=made.chain_id if chain_id is None else chain_id,
    )
    return LightBlock(SignedHeader(made, commit), Validators(rows, rows[0] if rows else None))


def strangers(count: int, *, seed: int = 0, power: int = 10) -> list[Signer]:
    """Validators that no chain of this seed has."""
    return make_signers(count, seed=seed, powers=power, label="stranger")
