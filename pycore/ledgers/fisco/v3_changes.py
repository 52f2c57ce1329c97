"""Changes of the list of sealers that the transactions of a block make, for the blocks after it.

A call of the consensus precompile that succeeded - status 0, output 0 - changes the list from the next block on:

    addSealer(string nodeID, uint256 weight)    an observer becomes a sealer, or a sealer's weight changes
    addObserver(string), remove(string)         it is no sealer any more
    setWeight(string, uint256)                  its weight

Selectors are the first four bytes of the chain's hash of these names: keccak-256, or SM3 on a national-crypto chain.
Where a change cannot be told from the block, the list stays, and the next header must be vouched for by the
nodes that are trusted (:mod:`pycore.ledgers.fisco.v3_certificate`).

Read in the source only: bcos-executor/src/precompiled/ConsensusPrecompiled.cpp.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v3_hashes import parted_receipts
from pycore.ledgers.scan import Tables

ADDRESS = "0000000000000000000000000000000000001003"
METHODS = ("addSealer(string,uint256)", "addObserver(string)", "remove(string)", "setWeight(string,uint256)")
_NODE_DIGITS = 128
_DONE = bytes(32)
_MAX_WEIGHT = (1 << 63) - 1


class Change(NamedTuple):
    """The context of the next block, and in words what happened; "" where nothing did."""

    context: FiscoContext
    detail: str


@lru_cache
def selectors(hash: str) -> dict[bytes, str]:
    """Selector -> method."""
    return {hash_one(hash, method.encode())[:4]: method for method in METHODS}


def of_block(tables: Tables, hash: str, context: FiscoContext, *, proven: bool) -> Change:
    """The changes that the transactions of a block make; `proven`: its receipts are there, and under the root."""
    rows = np.flatnonzero(tables.span("tx", "data.to").equal(f"0x{ADDRESS}".encode())).tolist()
    inputs = tables.span("tx", "data.input")
    calls = [(row, inputs[row]) for row in rows if tables.number("tx", "type")[row] == 0]
    calls = [(row, data) for row, data in calls if data[:4] in selectors(hash)]
    if not calls:
        return Change(context, "")
    if not proven:
        detail = f"transaction {calls[0][0]} may change the sealers, and the block has no receipts that say so"
        return Change(context, detail)
    powers = dict(zip(context.sealers, context.weights or (1,) * len(context.sealers), strict=True))
    # Nothing parts a nonce from an address: whoever passes the block on may show a deployment as such a call. Its
    # receipt names the new contract.
    parted, created = parted_receipts(tables), tables.span("receipt", "data.contract_address")
    odd = next((row for row, _ in calls if not parted[row] or created[row] not in (b"", ADDRESS.encode())), None)
    if odd is not None:
        return Change(context, f"transaction {odd} may change the sealers, and its receipt is not that of such a call")
    status, outputs = tables.number("receipt", "data.status"), tables.span("receipt", "data.output")
    done = []
    for row, data in calls:
        if status[row] != 0 or outputs[row] != _DONE:
            continue
        name = selectors(hash)[data[:4]]
        found = arguments(data[4:], weighed="uint256" in name)
        if found is None:
            return Change(context, f"transaction {row} calls {name} with arguments that are not understood")
        node, weight = found
        if "uint256" not in name:
            powers.pop(node, None)
        elif 0 < weight <= _MAX_WEIGHT and (name.startswith("addSealer") or node in powers):
            powers[node] = weight
        else:
            return Change(context, f"transaction {row} calls {name} for a node or weight that is not understood")
        done.append(f"{name.partition('(')[0]} {node[:8]} in transaction {row}")
    if not done:
        return Change(context, "")
    if not powers or sum(powers.values()) > _MAX_WEIGHT:
        return Change(context, "a list of sealers that is not understood")
    names = tuple(sorted(powers))
    weights = tuple(powers[name] for name in names)
    plain = not context.weights and set(weights) == {1}
    return Change(context.replace(sealers=names, weights=() if plain else weights), ", ".join(done))


def arguments(data: bytes, *, weighed: bool) -> tuple[str, int] | None:
    """(node id, weight) of ABI-encoded (string) or (string, uint256); None where they are anything else."""
    head = 64 if weighed else 32
    if len(data) < head + 32 + _NODE_DIGITS:
        return None
    offset, weight = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big") if weighed else 0
    if offset != head or int.from_bytes(data[head : head + 32], "big") != _NODE_DIGITS:
        return None
    node = data[head + 32 : head + 32 + _NODE_DIGITS].decode("latin-1").lower()
    if any(digit not in "0123456789abcdef" for digit in node):
        return None
    return node, weight
