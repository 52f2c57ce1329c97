"""The consensus arguments of a header, and the epoch of validators that a DPoS block may make in them.

A DPoS block at the height where its epoch ends carries what the ledger will hold of the next one, as writes: the epoch
under two keys, and the chain's configuration with the nodes that vote from then on. Whether the *right* validators were
chosen follows from the stakes in the ledger; whether the writes say one thing is checked here, under `strict`. As read,
a node compares all of it while it takes part in a height, and none of it when it reads finished blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pycore._pb.ledgers.chainmaker.v1 import config_pb2, consensus_pb2
from pycore.base.report import Check
from pycore.errors import InputError
from pycore.ledgers.chainmaker.messages import BlockHeader, BlockHeaderConsensusArgs, TxRWSet, parse, shorten
from pycore.ledgers.scan import Plan, Spans

TYPES = {"solo": 0, "tbft": 1, "maxbft": 3, "raft": 4, "dpos": 5}
"""Consensus -> ConsensusType of the chain."""

MAX_WRITES = 1 << 16
"""Reads and writes in consensus arguments that are read: more than an epoch's end has accounts to pay."""
_STAKE, _CONFIG, _TOKEN = "DPOS_STAKE", "CHAIN_CONFIG", "DPOS_ERC20"
_CURRENT = b"CE"
_NAME = "consensus_args"
_ROWS = Plan(
    BlockHeaderConsensusArgs.DESCRIPTOR,
    {"": "arguments", "consensus_data.tx_reads": "reads", "consensus_data.tx_writes": "writes"},
    {},
    raw=("consensus_data.tx_reads", "consensus_data.tx_writes"),
)


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """An epoch of DPoS that begins after the block which makes it.

    number        of the epoch
    next_height   of the block that will make the one after it
    proposers     addresses of its validators
    nodes         their node ids, in the same order: the context's `validators` from the next height on; () where the
                  block does not tell
    """

    number: int
    next_height: int
    proposers: tuple[str, ...]
    nodes: tuple[str, ...]


def read_arguments(header: BlockHeader) -> BlockHeaderConsensusArgs:
    """The consensus arguments of a header; those of an empty field are empty.

    Raises:
        InputError: they do not parse, or have more than MAX_WRITES reads and writes, which take two bytes each on the
            wire and a hundred in memory.
    """
    counts = _ROWS.scan(Spans.joined([header.consensus_args]), limits={"reads": 0, "writes": 0}).counts
    if counts["reads"] + counts["writes"] > MAX_WRITES:
        raise _refuse(f"more than {MAX_WRITES} reads and writes", f"at most {MAX_WRITES}, which are read")
    return parse(BlockHeaderConsensusArgs, header.consensus_args, _NAME)


def new_epoch(header: BlockHeader) -> NewEpoch | None:
    """The epoch that a DPoS block makes; None for one that makes none.

    Raises:
        InputError: the consensus arguments do not parse, are of another consensus, or contradict themselves.
    """
    if not header.consensus_args:
        return None
    arguments = read_arguments(header)
    if arguments.consensus_type != TYPES["dpos"]:
        raise _refuse(f"type {arguments.consensus_type}", f"{TYPES['dpos']}, DPoS")
    return _epoch(arguments.consensus_data, header.block_height)


def checks(header: BlockHeader, consensus: Collection[str]) -> Iterator[Check]:
    """`consensus_args`: they parse, are of the chain's consensus, and hold what that consensus writes there.

    consensus   what the chain's may be: a certificate of TBFT is one of DPoS as well; empty: not known
    """
    if not header.consensus_args:
        if tuple(consensus) == ("dpos",):
            yield Check(_NAME, True, "no new epoch", "no new epoch, or all of one")
        return
    try:
        yield Check(_NAME, True, *_found(header, consensus))
    except InputError as error:
        yield Check(_NAME, False, error.got, error.wanted, f"strict: {error}")


def _found(header: BlockHeader, consensus: Collection[str]) -> tuple[str, str]:
    arguments = read_arguments(header)
    kind = arguments.consensus_type
    allowed = [TYPES[name] for name in consensus]
    if allowed and kind not in allowed:
        raise _refuse(f"type {kind}", " or ".join(map(str, allowed)))
    if kind == TYPES["dpos"]:
        made = _epoch(arguments.consensus_data, header.block_height)
        shown = f"epoch {made.number} of {len(made.proposers)} validators, until height {made.next_height}"
        return shown, "no new epoch, or all of one"
    if kind != TYPES["maxbft"] and arguments.HasField("consensus_data"):
        raise _refuse("a read and write set", "none: this consensus writes nothing")
    return f"type {kind}", f"type {kind}"


def _epoch(data: TxRWSet, height: int) -> NewEpoch:
    writes: dict[tuple[str, bytes], bytes] = {}
    for write in data.tx_writes:
        place = (write.contract_name, write.key)
        if write.contract_name not in (_STAKE, _CONFIG, _TOKEN):
            raise _refuse(f"a write to {shorten(write.contract_name)!r}", f"to {_STAKE}, {_CONFIG} or {_TOKEN}")
        if place in writes and write.contract_name != _TOKEN:  # one account may be paid several times
            raise _refuse(f"{_shown(write.key)} twice", "every key once")
        writes[place] = write.value
    current = writes.get((_STAKE, _CURRENT))
    if current is None:
        raise _refuse("no epoch", f"one under {_shown(_CURRENT)}")
    epoch = parse(consensus_pb2.Epoch, current, f"{_NAME}: epoch")
    if writes.get((_STAKE, b"E/%d" % epoch.epoch_id)) != current:
        raise _refuse("an epoch that is not under its number as well", f"the same bytes under 'E/{epoch.epoch_id}'")
    if epoch.next_epoch_create_height <= height:
        raise _refuse(f"an epoch that ends at height {epoch.next_epoch_create_height}", f"after height {height}")
    proposers = tuple(epoch.proposer_vector)
    if not proposers or len(set(proposers)) != len(proposers):
        raise _refuse(f"{len(proposers)} proposers, {len(set(proposers))} distinct", "one or more, each once")
    return NewEpoch(epoch.epoch_id, epoch.next_epoch_create_height, proposers, _nodes(writes, len(proposers)))


def _nodes(writes: dict[tuple[str, bytes], bytes], count: int) -> tuple[str, ...]:
    """The node ids in the configuration that an epoch writes; () where it writes none."""
    written = writes.get((_CONFIG, _CONFIG.encode()))
    if written is None:
        return ()
    config = parse(config_pb2.ChainConfig, written, f"{_NAME}: configuration")
    nodes = tuple(config.consensus.nodes[0].node_id) if config.consensus.nodes else ()
    if len(nodes) != count or len(set(nodes)) != count:
        raise _refuse(f"{len(nodes)} nodes, {len(set(nodes))} distinct", f"{count}, one of each proposer")
    return nodes


def _shown(key: bytes) -> str:
    return repr(shorten(key[:128].decode("utf-8", "replace")))


def _refuse(got: str, wanted: str) -> InputError:
    return InputError(_NAME, got=got, wanted=wanted)
