"""A light client: from one header that somebody vouches for to any other header of its chain.

It believes a new header because enough of the validators that it trusts already signed it
(:mod:`pycore.consensus.light_rules` has the conditions), or, backwards, because a trusted header names it. Where too
few of them signed it, headers between the two bridge the gap. Headers are from a *primary* provider and are compared
with *witnesses*; a provider that fails is replaced, one that lies is dropped.

    client = LightClient("my-chain", primary=node, witnesses=[other], store=SqliteLightStore(path, "my-chain"),
                         options=LightOptions(trusting_period_ns=14 * 86400 * 10**9))
    client.initialize(height, hash, now_ns)      once: the hash is from somebody whom you trust
    block = client.verify(later, now_ns)         a LightBlock that is trusted; anything else raises

Time is always an argument. A call that does not end in trust raises :class:`pycore.errors.LightClientError` with a
reason, and leaves everything as it was:

    no_trust    nothing is trusted yet: `initialize` first
    root        another block is trusted at the height that `initialize` was called with
    provider    no provider gave what was needed; `report` is that of the last step that failed, if one was made
    expired     the trusted header is older than the trusting period; start again with a newer one (`reset`)
    witness     fewer witnesses than needed have the same header
    conflict    a witness has another header, and does not show how it follows
    attack      a witness has another header that verifies: :class:`pycore.errors.AttackDetected` with evidence
    allowance   more blocks would be needed than `max_blocks`

A store that cannot be read, or is damaged, raises StoreError.

:func:`advance` is the same without a client: it keeps nothing and asks nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from pycore.base.columns import quote
from pycore.consensus.chains import rules
from pycore.consensus.commits import verify_commit
from pycore.consensus.light_detector import Comparison, Unresolved, compare, compare_root
from pycore.consensus.light_providers import FileProvider, MappingProvider, Provider, ProviderFault, Source
from pycore.consensus.light_rules import (
    LightOptions,
    LightReport,
    LightVerdict,
    TrustedState,
    advance,
    structure_checks,
    verify_adjacent,
    verify_backwards,
    verify_light,
    verify_root,
    verify_skipping,
)
from pycore.consensus.light_store import LightStore, MemoryLightStore, SqliteLightStore
from pycore.consensus.light_walk import Allowance, refusal, walk, walk_back
from pycore.consensus.votes import LightBlock
from pycore.errors import AttackDetected, InputError, LightClientError, StoreError

__all__ = [
    "AttackDetected",
    "FileProvider",
    "LightClient",
    "LightClientError",
    "LightOptions",
    "LightReport",
    "LightStore",
    "LightVerdict",
    "MappingProvider",
    "MemoryLightStore",
    "Provider",
    "ProviderFault",
    "SqliteLightStore",
    "TrustedState",
    "advance",
    "verify_adjacent",
    "verify_backwards",
    "verify_light",
    "verify_root",
    "verify_skipping",
]

_Answer = TypeVar("_Answer")
KEEP = 1000
MAX_BLOCKS = 10_000
MAX_VALIDATORS = 65_535
TIMEOUT = 10.0


class LightClient:
    """A light client of one chain. May be shared between threads: one verifies at a time, all may read.

    Args:
        chain_id: of the chain; blocks of another are refused.
        primary: where headers are from.
        witnesses: other providers, which headers are compared with; run by others than the primary.
        store: what is trusted. None: in memory.
        options: trusting period, trust level, clock drift, whether to skip.
        chain: whose rules it follows.
        witnesses_needed: how many witnesses must have the same header; 0 is for chains whose validators are trusted.
        timeout: seconds that a provider may take for an answer. None: as long as it likes.
        keep: how many trusted headers to keep, the highest; 0: all.
        max_blocks: how many blocks one call may ask a provider for and verify.
        max_validators: the most validators of a block that is looked at.
        threads: for signatures; None: as :func:`pycore.set_threads` says.

    Raises:
        InputError: an argument of another type or out of range, fewer witnesses than are needed, one provider twice.
    """

    def __init__(
        self,
        chain_id: str,
        *,
        primary: Provider,
        witnesses: Sequence[Provider] = (),
        store: LightStore | None = None,
        options: LightOptions,
        chain: str = "cometbft",
        witnesses_needed: int = 1,
        timeout: float | None = TIMEOUT,
        keep: int = KEEP,
        max_blocks: int = MAX_BLOCKS,
        max_validators: int = MAX_VALIDATORS,
        threads: int | None = None,
    ) -> None:
        _text("chain_id", chain_id)
        rules(chain)
        if not isinstance(options, LightOptions):
            raise InputError("options", quote(options), "LightOptions")
        if timeout is not None and not 0 < timeout <= threading.TIMEOUT_MAX:
            raise InputError("timeout", quote(timeout), "seconds above 0, or None")
        numbers = {"witnesses_needed": (witnesses_needed, 0), "keep": (keep, 0)}
        numbers |= {"max_blocks": (max_blocks, 1), "max_validators": (max_validators, 1)}
        for name, (value, lowest) in numbers.items():
            if type(value) is not int or value < lowest:
                raise InputError(name, quote(value), f"an integer of {lowest} or more")
        if len(witnesses) < witnesses_needed:
            raise InputError("witnesses", str(len(witnesses)), f"at least {witnesses_needed}, as witnesses_needed says")
        if len({id(one) for one in (primary, *witnesses)}) <= len(witnesses):
            raise InputError("witnesses", "one provider twice", "others than the primary, each once")
        self.chain_id, self.options = chain_id, options
        self._store: LightStore = MemoryLightStore() if store is None else store
        self._needed, self._keep, self._most, self._threads = witnesses_needed, keep, max_blocks, threads
        self._lock = threading.RLock()
        self._sound: bytes = b""  # hash of the stored block that was checked last

        def source(provider: Provider, name: str) -> Source:
            return Source(
                provider, name, chain_id=chain_id, chain=chain, timeout=timeout, max_validators=max_validators
            )

        self._primary = source(primary, "primary")
        self._witnesses = [source(witness, f"witness {i}") for i, witness in enumerate(witnesses)]
        self._dropped: list[ProviderFault] = []

    # ---- what is trusted ---------------------------------------------------------------------------------------------

    def heights(self) -> list[int]:
        """Of all headers that are kept, ascending."""
        return self._store.heights()

    def latest(self) -> LightBlock | None:
        """The highest block that is trusted; None at first."""
        return self._store.before(1 << 62)

    def get(self, height: int) -> LightBlock | None:
        """The trusted block of a height, if it is kept. Nobody is asked."""
        return self._store.get(height)

    @property
    def primary(self) -> str:
        """Name of the provider that is asked first: "primary", or "witness 0" and so on once one took its place."""
        return self._primary.name

    @property
    def witnesses(self) -> tuple[str, ...]:
        """Names of the witnesses that are left."""
        return tuple(one.name for one in self._witnesses)

    @property
    def dropped(self) -> tuple[ProviderFault, ...]:
        """Why providers were dropped, in order."""
        return tuple(self._dropped)

    # ---- the calls ---------------------------------------------------------------------------------------------------

    def initialize(self, height: int, hash: bytes, now_ns: int) -> LightBlock:
        """Trust the header of a height, which has the hash that its owner vouches for.

        Its validators must have signed it, and no witness may have another one. Does nothing where that block is
        trusted already. LightClientError("root"): another one is, or blocks are trusted that are all others.
        """
        _digest("hash", hash)
        _height(height)
        with self._lock:
            known = self._store.get(height)
            if known is not None and known.hash == hash:
                return known
            if self._store.heights():
                text = "this store trusts other blocks; `reset` forgets them"
                raise LightClientError("root", text, height=height)

            def fetch(primary: Source) -> LightBlock:
                block = primary.ask(height)
                report = verify_root(block, hash, self.options, now_ns, threads=self._threads)
                if report.verdict is not LightVerdict.SUCCESS:
                    raise refusal(primary, report)
                return block

            block = self._from_primary(fetch, height)
            self._settle(compare_root(block, self._witnesses), height, needed=0)
            self._store.save(block, keep=self._keep)
            self._sound = block.hash
            return block

    def reset(self) -> None:
        """Forget everything that is trusted."""
        with self._lock:
            self._store.clear()
            self._sound = b""

    def update(self, now_ns: int) -> LightBlock:
        """Verify the primary's latest block; the highest block that is trusted then."""
        with self._lock:
            trusted = self._latest()
            height = self._from_primary(lambda primary: primary.ask(0), None).height
            return self.verify(height, now_ns) if height > trusted.height else trusted

    def verify(self, height: int, now_ns: int) -> LightBlock:
        """The block of a height, which is trusted when this returns.

        Above what is trusted, by bisection from the highest trusted block; between two trusted blocks, from the lower
        of them, or back from the higher one where the lower is too old; below all, back by hashes.

        Args:
            height: 1 or more.
            now_ns: the present time, Unix nanoseconds.
        """
        _height(height)
        if type(now_ns) is not int:
            raise InputError("now_ns", quote(now_ns), "Unix nanoseconds, an integer")
        with self._lock:
            self._latest()
            known = self._store.get(height)
            if known is not None:
                return known
            below, above = self._store.before(height), self._store.after(height)
            expired = below is not None and below.signed_header.time_ns + self.options.trusting_period_ns <= now_ns
            if below is None or (expired and above is not None):
                assert above is not None  # something is trusted, and it is not at this height
                block = self._backwards(self._base(above), height)
            else:
                block = self._forward(self._base(below), height, now_ns)
            self._store.save(block, keep=self._keep)
            return block

    # ---- the ways ----------------------------------------------------------------------------------------------------

    def _forward(self, trusted: LightBlock, height: int, now_ns: int) -> LightBlock:
        def follow(primary: Source) -> list[LightBlock]:
            target = primary.ask(height)
            return walk(primary, trusted, target, self.options, now_ns, self._allowance(), threads=self._threads)

        trace = self._from_primary(follow, height)
        try:
            found = compare(
                trace, self._primary, self._witnesses, self.options, now_ns, self._allowance, threads=self._threads
            )
        except Unresolved as error:
            self._drop(error.witness, ProviderFault(error.witness, "invalid", error.detail, height=height))
            raise
        self._settle(found, height, needed=self._needed)
        return trace[-1]

    def _backwards(self, trusted: LightBlock, height: int) -> LightBlock:
        def follow(primary: Source) -> LightBlock:
            target = primary.ask(height)
            walk_back(primary, trusted, target, self._allowance())
            # The header is proven. Its commit is not needed for that, but it is stored, so it has to be right.
            report = verify_commit(
                target.validators, target.signed_header, chain=target.validators.chain, threads=self._threads
            )
            if not (report.valid and report.complete):
                text = "; ".join(map(str, report.failed)) or "not all of it could be checked"
                raise ProviderFault(primary.name, "invalid", f"its commit: {text}", height=height)
            return target

        return self._from_primary(follow, height)

    def _from_primary(self, question: Callable[[Source], _Answer], height: int | None) -> _Answer:
        """The primary's answer to a question. A primary that fails is replaced, for every witness once."""
        faults: list[ProviderFault] = []
        for _ in range(len(self._witnesses) + 1):
            try:
                return question(self._primary)
            except ProviderFault as fault:  # noqa: PERF203 - a question takes a while
                faults.append(fault)
                self._replace(fault)
        last = next((fault.report for fault in reversed(faults) if fault.report is not None), None)
        raise LightClientError("provider", "; ".join(map(str, faults)), height=height, report=last)

    def _replace(self, fault: ProviderFault) -> None:
        """The first witness in the place of the primary, which becomes the last witness unless it lied."""
        if not self._witnesses:
            return
        former, self._primary = self._primary, self._witnesses.pop(0)
        if fault.lied:
            self._dropped.append(fault)
        else:
            self._witnesses.append(former)

    def _settle(self, found: Comparison, height: int, *, needed: int) -> None:
        """Drop the witnesses that lied; then enough must agree."""
        for fault in found.lied:
            self._drop(fault.name, fault)
        if len(found.agreed) < needed:
            others = "; ".join(map(str, [*found.silent, *found.lied])) or "no witness is left"
            text = f"{len(found.agreed)} of {needed} witnesses have this header: {others}"
            raise LightClientError("witness", text, height=height)

    def _drop(self, name: str, fault: ProviderFault) -> None:
        self._witnesses = [one for one in self._witnesses if one.name != name]
        self._dropped.append(fault)

    # ---- the store ---------------------------------------------------------------------------------------------------

    def _latest(self) -> LightBlock:
        found = self.latest()
        if found is None:
            raise LightClientError("no_trust", "nothing is trusted yet; `initialize` comes first")
        return self._base(found)

    def _base(self, block: LightBlock) -> LightBlock:
        """A block from the store, from which others may be verified: it must be of this chain and be signed."""
        if block.hash == self._sound:
            return block
        fine = block.signed_header.chain_id == self.chain_id and all(check.ok for check in structure_checks(block))
        if fine:
            report = verify_commit(
                block.validators, block.signed_header, chain=block.validators.chain, threads=self._threads
            )
            fine = report.valid and report.complete
        if not fine:
            raise StoreError(f"the stored block of height {block.height} is not one that this client can have stored")
        self._sound = block.hash
        return block

    def _allowance(self) -> Allowance:
        return Allowance(self._most)


def _text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InputError(name, quote(value), "a name")


def _digest(name: str, value: object) -> None:
    if not isinstance(value, bytes) or len(value) != 32:
        raise InputError(name, quote(value), "32 bytes")


def _height(height: object) -> None:
    if type(height) is not int or not 1 <= height < 1 << 62:
        raise InputError("height", quote(height), "an integer of 1 or more")
