"""Whole blocks of real ledgers: parse, recompute, verify, report.

>>> from pycore import ledgers
>>> ledgers.names()
('chainmaker', 'fabric', 'fisco-bcos', 'bif', 'xuperchain', 'conflux', 'ethereum', 'cometbft')
>>> ledger = ledgers.get("chainmaker")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from pycore.base.extras import explain
from pycore.base.report import BlockReport, Check, Event, Report, TransactionFault
from pycore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pycore.base.columns import BytesLike

__all__ = ["BlockReport", "Check", "Event", "Ledger", "Report", "TransactionFault", "get", "names"]

_MODULES = {
    "chainmaker": "pycore.ledgers.chainmaker",
    "fabric": "pycore.ledgers.fabric",
    "fisco-bcos": "pycore.ledgers.fisco",
    "bif": "pycore.ledgers.bif",
    "xuperchain": "pycore.ledgers.xuper",
    "conflux": "pycore.ledgers.conflux",
    "ethereum": "pycore.ledgers.ethereum",
    "cometbft": "pycore.ledgers.cometbft",
}
_REFUSED: dict[str, str] = {
    "hyperchain": (
        "Hyperchain's public rules end at the transaction: its SDK shows what is signed, but no published source says "
        "how blocks are hashed or what a quorum certificate covers, so no block of it can be checked"
    ),
    "antchain": (
        "AntChain's public rules end before the transaction: its SDK is closed, and the open cross-chain plugins show "
        "how answers travel, not how transactions, blocks or certificates are formed"
    ),
}
"""Chains that have no ledger here: name -> why."""


class State(Protocol):
    """The knowledge of a run of blocks between two of them."""

    ahead: int
    """How many blocks after a block its report looks at."""

    def reports(self, blocks: Sequence[BytesLike], *, last: bool = True) -> Iterator[BlockReport]:
        """The reports of the next blocks; unless they are the last ones, `ahead` blocks are held back for the next
        call. InputError at bytes that are not a block."""
        ...

    @property
    def checkpoint(self) -> Any:
        """The place after the last report, from which another run may go on: `to_dict()` is JSON-ready, `place()` all
        of that but the `context`."""
        ...


class Run(Protocol):
    """The reports of a run of blocks, made as they are asked for."""

    def __iter__(self) -> Iterator[BlockReport]: ...

    def __next__(self) -> BlockReport: ...

    @property
    def checkpoint(self) -> Any:
        """The place after the last report that was taken."""
        ...


class Ledger(Protocol):
    """The interface of every chain's validator."""

    name: str

    def validate_block(self, block: BytesLike, context: Any = None, *, threads: int | None = None) -> BlockReport:
        """Every check that the block and the context allow. InputError when the bytes are not a block of the chain."""
        ...

    def validate_chain(
        self, blocks: Iterable[BytesLike], context: Any = None, *, threads: int | None = None, checkpoint: Any = None
    ) -> Run:
        """The reports of a run of blocks, each linked to the one before."""
        ...

    def chain_state(self, context: Any = None, *, checkpoint: Any = None, threads: int | None = None) -> State:
        """The state of a run of blocks before its first one."""
        ...

    def block_height(self, block: BytesLike) -> int:
        """The height that a block says it has."""
        ...

    def block_digests(self, block: BytesLike, hash: str = ...) -> dict[str, Any]:
        """The block's hashes, recomputed from its content."""
        ...

    def context(self, document: Any) -> Any:
        """The chain's context object from its JSON form: text, path or mapping."""
        ...


def names() -> tuple[str, ...]:
    """Names of the ledgers that :func:`get` knows."""
    return tuple(_MODULES)


def get(name: str) -> Ledger:
    """The validator of a chain. InputError on an unknown name."""
    if name in _REFUSED:
        raise InputError("chain", got=repr(name), wanted=f"another chain: {_REFUSED[name]}")
    if name not in _MODULES:
        raise InputError("chain", got=repr(name), wanted="one of " + ", ".join(map(repr, _MODULES)))
    try:
        ledger: Ledger = import_module(_MODULES[name]).LEDGER
    except ImportError as error:
        raise ImportError(explain(error), name=error.name) from error
    return ledger


def __getattr__(name: str) -> Any:
    if name == "ethereum_trie":  # where guides used to place it
        return import_module("pycore.merkle.patricia")
    raise AttributeError(f"module 'pycore.ledgers' has no attribute {name!r}")
