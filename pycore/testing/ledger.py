"""Whole ledgers, made from a seed: blocks that are built when they are asked for, the context to check them in, and
the list of what was spoilt. Test data only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, overload

from pycore._pb.ledgers.chainmaker.v1 import block_pb2
from pycore.errors import InputError

from .chainmaker import FIRST_HEIGHT, BlockBuilder, BuiltBlock
from .parameters import LedgerParameters
from .tampering import Tampering, plan

if TYPE_CHECKING:
    from pycore.ledgers.chainmaker import ChainContext

_MANIFEST = "ledger.json"
_CONTEXT = "context.json"
_FORMAT = 1


class BlockSequence(Sequence[bytes]):
    """Serialized blocks, each built when it is asked for. Only block hashes are kept, 32 bytes a block, so a ledger
    of any length can be walked; a block out of order costs the blocks before it once."""

    def __init__(self, builder: BlockBuilder, count: int, tampered: dict[int, dict[int, Tampering]]) -> None:
        self._builder = builder
        self._count = count
        self._tampered = tampered
        self._hashes = [builder.genesis_hash]  # entry i is what block i names as its predecessor
        self._last: tuple[int, BuiltBlock] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self.built(i).data for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(f"block {index} of {self._count}")
        return self.built(index % self._count).data

    def __iter__(self) -> Iterator[bytes]:
        for index in range(self._count):
            yield self.built(index).data

    def built(self, index: int) -> BuiltBlock:
        """Block `index` with its hash and read/write sets."""
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        for number in range(len(self._hashes) - 1, index):
            self._build(number)
        return self._build(index)

    def previous_hash(self, index: int) -> bytes:
        """The hash of the block before block `index`; the made-up genesis hash for block 0."""
        if index >= len(self._hashes):
            self.built(index - 1)
        return self._hashes[index]

    def rw_sets(self, index: int) -> tuple[bytes, ...]:
        """The serialized read/write sets of block `index`, in transaction order."""
        return self.built(index).rw_sets

    def _build(self, index: int) -> BuiltBlock:
        built = self._builder.build(index, self._hashes[index], self._tampered.get(index, {}))
        if len(self._hashes) == index + 1:
            self._hashes.append(built.block_hash)
        self._last = index, built
        return built


class _StoredBlocks(Sequence[bytes]):
    """Blocks that were saved, one BlockInfo a file, read when they are asked for."""

    def __init__(self, paths: Sequence[Path], previous_hashes: Sequence[bytes]) -> None:
        self._paths = paths
        self._previous_hashes = previous_hashes

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._read(index).block.SerializeToString(deterministic=True)

    def previous_hash(self, index: int) -> bytes:
        return self._previous_hashes[index]

    def rw_sets(self, index: int) -> tuple[bytes, ...]:
        return tuple(one.SerializeToString(deterministic=True) for one in self._read(index).rwset_list)

    def _read(self, index: int) -> block_pb2.BlockInfo:
        return block_pb2.BlockInfo.FromString(self._paths[index].read_bytes())


class GeneratedLedger:
    """A test ledger.

    Attributes:
        parameters: what it was made from.
        blocks: a sequence of serialized blocks, built or read on demand.
        context: the ``pycore.ledgers.ChainContext`` in which every check of every block passes, except for `invalid`.
        invalid: the spoilt transactions, in block order: where, how, and the verdict to expect.
    """

    def __init__(
        self,
        parameters: LedgerParameters,
        blocks: BlockSequence | _StoredBlocks,
        context: ChainContext,
        invalid: Sequence[Tampering],
    ) -> None:
        self.parameters = parameters
        self.blocks = blocks
        self.context = context
        self.invalid = tuple(invalid)

    def __repr__(self) -> str:
        made = self.parameters
        size = f"{made.blocks} x {made.txs_per_block}"
        return f"<GeneratedLedger {made.chain} {made.suite} {size}, {len(self.invalid)} spoilt>"

    def invalid_in(self, block: int) -> dict[int, Tampering]:
        """The spoilt transactions of one block, by position."""
        return {one.tx: one for one in self.invalid if one.block == block}

    def context_for(self, block: int) -> ChainContext:
        """The context of one block: `context` with its height, its predecessor's hash and proposer and its
        read/write sets, so that no check has to be skipped."""
        height = FIRST_HEIGHT + block
        turns = sorted(self.context.validators)
        return self.context.replace(
            height=height,
            previous_block_hash=self.blocks.previous_hash(block),
            previous_proposer=turns[(height - 1) % len(turns)] if block else "",
            rw_sets=self.blocks.rw_sets(block),
        )

    def block_info(self, block: int) -> bytes:
        """One block with its read/write sets, as a serialized BlockInfo."""
        whole = block_pb2.BlockInfo()
        whole.block.ParseFromString(self.blocks[block])
        for data in self.blocks.rw_sets(block):
            whole.rwset_list.add().ParseFromString(data)
        return whole.SerializeToString(deterministic=True)

    def save(self, directory: str | Path) -> Path:
        """Writes ``ledger.json``, ``context.json`` and one file per block (a BlockInfo, as `pycore validate` reads it);
        returns the directory. Existing files are replaced."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        names = []
        for index in range(len(self.blocks)):
            names.append(f"block-{index:06d}.bin")
            (folder / names[-1]).write_bytes(self.block_info(index))
        (folder / _CONTEXT).write_text(self.context.to_json() + "\n", encoding="utf-8")
        manifest = {
            "about": "made by pycore.testing.generate_ledger: test data, the keys are public",
            "format": _FORMAT,
            "parameters": asdict(self.parameters),
            "blocks": names,
            "previous_hashes": [self.blocks.previous_hash(index).hex() for index in range(len(self.blocks))],
            "invalid": [asdict(one) for one in self.invalid],
        }
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        return folder

    @classmethod
    def load(cls, directory: str | Path) -> GeneratedLedger:
        """The ledger that :meth:`save` wrote; its blocks are read when they are asked for."""
        from pycore.ledgers.chainmaker import ChainContext

        folder = Path(directory)
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                "directory", f"{str(folder)!r}", f"one written by GeneratedLedger.save ({error})"
            ) from error
        if manifest.get("format") != _FORMAT:
            raise InputError("directory", f"format {manifest.get('format')!r}", f"{_FORMAT}")
        context = ChainContext.from_json((folder / _CONTEXT).read_text(encoding="utf-8"))
        return cls(
            LedgerParameters(**manifest["parameters"]),
            _StoredBlocks(
                [folder / name for name in manifest["blocks"]],
                [bytes.fromhex(one) for one in manifest["previous_hashes"]],
            ),
            context,
            [Tampering(**one) for one in manifest["invalid"]],
        )


def generate_ledger(
    chain: str = "chainmaker",
    *,
    blocks: int = 10,
    txs_per_block: int = 100,
    suite: str = "sm2",
    signers: int = 16,
    seed: int = 0,
    invalid_every: int = 0,
    kinds: Sequence[str] | None = None,
    organisations: int = 4,
    endorsed_every: int = 10,
    authentication: str = "certificate",
    consensus: str = "tbft",
    events: int = 0,
) -> GeneratedLedger:
    """A chain of `blocks` blocks, valid in every check of ``pycore.ledgers`` under ``strict`` rules, except
    for what is spoilt on purpose.

    Test data only: chain id, organisations and contract say so, and the private keys follow from `seed`.

    Args:
        chain: "chainmaker".
        blocks, txs_per_block: sizes, each 1 or more. Blocks are built when they are asked for.
        suite: "sm2" (SM2 with SM3) or "p256" (ECDSA P-256 with SHA-256).
        signers: number of clients that send transactions; they belong to the organisations in turn.
        seed: any integer. The same arguments give the same bytes everywhere.
        invalid_every: spoil one transaction in each run of so many, at a place that the seed decides; 0 for none.
        kinds: how, in turn: names of ``pycore.testing.KINDS`` (default: those that fit and that both rule sets refuse).
        organisations: organisations of the consortium, each with one validator; 4 gives certificates of 3 votes.
        endorsed_every: one transaction in so many has one to three endorsers; 0 for none.
        authentication: "certificate" (members are certificates, or hashes of them) or "key" (bare public keys).
        consensus: "tbft" or "maxbft": the form of a block's quorum certificate.
        events: contract events that each transaction puts out: the topic is its method, the data the file_name that
            it was called with and the event's number.

    >>> ledger = generate_ledger(blocks=2, txs_per_block=3, seed=7, invalid_every=3)
    >>> len(ledger.blocks), [(bad.block, bad.tx, bad.kind) for bad in ledger.invalid]
    (2, [(0, 2, 'signature-bit'), (1, 0, 'payload')])
    """
    parameters = LedgerParameters(
        chain=chain,
        blocks=blocks,
        txs_per_block=txs_per_block,
        suite=suite,
        signers=signers,
        seed=seed,
        invalid_every=invalid_every,
        organisations=organisations,
        endorsed_every=endorsed_every,
        authentication=authentication,
        consensus=consensus,
        events=events,
    )
    parameters.check()
    invalid = tuple(plan(parameters, kinds))
    by_block: dict[int, dict[int, Tampering]] = {}
    for one in invalid:
        by_block.setdefault(one.block, {})[one.tx] = one
    builder = BlockBuilder(parameters)
    context = builder.consortium.context(consensus)
    return GeneratedLedger(parameters, BlockSequence(builder, blocks, by_block), context, invalid)
