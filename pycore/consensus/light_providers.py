"""Where light blocks come from: what a provider is, blocks in a mapping or in files, and what a client asks of one.

A provider may fail, lie, be late or answer nonsense. :class:`Source` turns each of that into a :class:`ProviderFault`
with a name, and hands on only blocks that are what was asked for: the height, the chain, a commit for the header,
validators that the header names. Whether the block is to be trusted is not decided here.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pycore.base.columns import quote
from pycore.consensus.light_rules import LightReport, structure_checks
from pycore.consensus.validators import ValidatorSet
from pycore.consensus.votes import LightBlock
from pycore.errors import InputError, PycoreError

__all__ = ["FileProvider", "MappingProvider", "Provider", "ProviderFault", "Source"]

MAX_FILE = 64 << 20
"""Bytes of one file of a :class:`FileProvider`."""
MAX_PAGES = 1000
"""Files with validators of one height."""
MAX_TEXT = 300
"""Characters of a provider's own words that are repeated."""


class Provider(Protocol):
    """Anything with this method. It may be called from several threads, never twice at once by one client.

    A provider may have a method ``report_evidence(evidence: bytes)``, which is called when an attack is found.
    """

    def light_block(self, height: int) -> LightBlock | None:
        """The block of a height, 0 for the latest; None where there is none."""
        ...


class MappingProvider:
    """Light blocks from memory.

    blocks  height -> LightBlock, or what :meth:`LightBlock.read` takes; it is read when it is asked for
    chain   whose form it has             form   "rpc" or "wire"
    """

    def __init__(self, blocks: Mapping[int, Any], *, chain: str = "cometbft", form: str = "wire") -> None:
        self._blocks, self._chain, self._form = blocks, chain, form

    def light_block(self, height: int) -> LightBlock | None:
        """As :class:`Provider`. InputError: the value is no light block."""
        found = self._blocks.get(height or max(self._blocks, default=0))
        if found is None or isinstance(found, LightBlock):
            return found
        return LightBlock.read(found, chain=self._chain, form=self._form)


class FileProvider:
    """Light blocks from a folder with a node's answers.

    Either a file ``HEIGHT.json`` with ``signed_header`` and ``validator_set``, or the answers to `/commit` and
    `/validators` as they are: ``commit-HEIGHT.json`` and ``validators-HEIGHT.json``, further pages of which are
    ``validators-HEIGHT-2.json`` and so on. ``HEIGHT.bin`` is a light block in the chain's protobuf form.
    """

    def __init__(self, folder: str | Path, *, chain: str = "cometbft") -> None:
        self._folder, self._chain = Path(folder), chain

    def light_block(self, height: int) -> LightBlock | None:
        """As :class:`Provider`. InputError: a file that is too large, or no answer of a node; OSError."""
        height = height or self.latest()
        whole, wire = self._folder / f"{height}.json", self._folder / f"{height}.bin"
        if wire.is_file():
            return LightBlock.read(_bytes_of(wire), chain=self._chain, form="wire")
        if whole.is_file():
            return LightBlock.read(_bytes_of(whole), chain=self._chain, form="rpc")
        commit = self._folder / f"commit-{height}.json"
        if not commit.is_file():
            return None
        pages = []
        for page in range(1, MAX_PAGES + 1):
            path = self._folder / (f"validators-{height}.json" if page == 1 else f"validators-{height}-{page}.json")
            if not path.is_file():
                break
            pages.append(_bytes_of(path))
        return LightBlock.read([_bytes_of(commit), pages], chain=self._chain, form="rpc") if pages else None

    def latest(self) -> int:
        """The highest height in the folder; 0 where it has none."""
        names = (re.fullmatch(r"(?:commit-)?(\d{1,19})\.(?:json|bin)", path.name) for path in self._folder.iterdir())
        return max((int(name[1]) for name in names if name), default=0)


def _bytes_of(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_FILE:
        raise InputError(path.name, f"{size} bytes", f"at most {MAX_FILE}")
    return path.read_bytes()


# ---- what a client sees of a provider --------------------------------------------------------------------------------


class ProviderFault(PycoreError):  # noqa: N818 - a named outcome
    """A provider did not give what was asked for.

    name    of the provider
    kind    "missing"  it has no such block
            "failed"   it raised an exception
            "late"     it did not answer in time, or has not answered an earlier question
            "future"   its block is from the future, by the caller's clock
            "wrong"    its answer is no light block, another one than was asked for, or contradicts itself
            "invalid"  its block does not follow from what is trusted
    detail  in words
    height  that was asked for; None where none was
    report  of the step that failed, for "future" and "invalid"
    """

    def __init__(
        self, name: str, kind: str, detail: str, *, height: int | None = None, report: LightReport | None = None
    ) -> None:
        super().__init__(name, kind, detail)
        self.name, self.kind, self.detail, self.height, self.report = name, kind, detail, height, report

    @property
    def lied(self) -> bool:
        """Whether the provider gave something that no honest one gives."""
        return self.kind in ("wrong", "invalid")

    def __str__(self) -> str:
        where = "" if self.height is None else f", height {self.height}"
        return f"{self.name}: {self.kind}{where}: {self.detail}"


class Source:
    """A provider as a client uses it: with a name, a time limit and checked answers.

    timeout  seconds for one answer; None: no limit, and the provider is called in the caller's thread
    """

    def __init__(
        self, provider: Provider, name: str, *, chain_id: str, chain: str, timeout: float | None, max_validators: int
    ) -> None:
        if not callable(getattr(provider, "light_block", None)):
            raise InputError(name, quote(provider), "an object with a method light_block(height)")
        self.provider, self.name = provider, name
        self._chain_id, self._chain, self._timeout, self._most = chain_id, chain, timeout, max_validators
        self._running: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    def ask(self, height: int) -> LightBlock:
        """The block of a height (0: the latest). ProviderFault where there is no such block to be got."""
        return self.ask_later(height)()

    def ask_later(self, height: int) -> Callable[[], LightBlock]:
        """:meth:`ask` in two parts: the question is put, and the function that comes back waits for the answer."""
        try:
            wait = self._begin(lambda: self.provider.light_block(height), height)
        except ProviderFault as fault:
            return _raises(fault)

        def answer() -> LightBlock:
            found = wait()
            if found is None:
                raise ProviderFault(self.name, "missing", "no such block", height=height)
            return self._checked(found, height)

        return answer

    def report(self, evidence: bytes) -> bool:
        """Hand evidence to the provider; whether it took it. Best effort: nothing depends on it."""
        taker = getattr(self.provider, "report_evidence", None)
        if not callable(taker):
            return False
        try:
            self._begin(lambda: taker(evidence), None)()
        except ProviderFault:
            return False
        return True

    def _begin(self, question: Callable[[], Any], height: int | None) -> Callable[[], Any]:
        """Put a question; the function that comes back gives the answer, whatever it is, or a ProviderFault."""
        answers: list[tuple[bool, Any]] = []

        def run() -> None:
            try:
                answers.append((True, question()))
            except Exception as error:  # whatever a provider raises is its fault, not the caller's
                answers.append((False, error))

        limit = self._timeout
        if limit is None:
            run()
        else:
            if self._running is not None and self._running.is_alive():
                raise ProviderFault(self.name, "late", "an earlier question is not answered yet", height=height)
            self._running = running = threading.Thread(target=run, name=f"pycore-light-{self.name}", daemon=True)
            ends = time.monotonic() + limit
            running.start()

        def wait() -> Any:
            if limit is not None:
                running.join(max(0.0, ends - time.monotonic()))
            if not answers:
                raise ProviderFault(self.name, "late", f"no answer in {limit} s", height=height)
            fine, answer = answers[0]
            if fine:
                return answer
            text = f"{type(answer).__name__}: {answer}"[:MAX_TEXT]
            kind = "wrong" if isinstance(answer, InputError) else "failed"
            raise ProviderFault(self.name, kind, text, height=height)

        return wait

    def _checked(self, found: Any, height: int) -> LightBlock:
        """The answer as its own bytes say it, if it is what was asked for."""

        def wrong(text: str) -> ProviderFault:
            return ProviderFault(self.name, "wrong", text[:MAX_TEXT], height=height)

        if not isinstance(found, LightBlock) or not isinstance(found.validators, ValidatorSet):
            raise wrong(f"{type(found).__name__} is no light block")
        if len(found.validators) > self._most:
            raise wrong(f"{len(found.validators)} validators, at most {self._most} are accepted")
        try:
            # The bytes are verified, and the same bytes will be stored, with every hash recomputed from them.
            block = LightBlock.read(found.to_bytes(), chain=self._chain, form="wire")
        except Exception as error:  # an object that only looks like a light block may raise anything
            raise wrong(f"not a light block: {error}") from error
        if height and block.height != height:
            raise wrong(f"the block of height {block.height} was given")
        if not 1 <= block.height < 1 << 62:  # what a client can be asked for
            raise wrong(f"height {block.height}")
        if block.signed_header.chain_id != self._chain_id:
            raise wrong(f"a block of the chain {quote(block.signed_header.chain_id)}")
        broken = [str(check) for check in structure_checks(block) if not check.ok]
        if broken:
            raise wrong("; ".join(broken))
        return block


def _raises(fault: ProviderFault) -> Callable[[], LightBlock]:
    def answer() -> LightBlock:
        raise fault

    return answer
