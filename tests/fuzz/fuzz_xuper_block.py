"""Fuzzes XuperChain's parsers and validator: blocks, transactions, JSON and bundles.

    python tests/fuzz/fuzz_xuper_block.py --seconds 10 --seed 1

Starts from valid ones and changes bytes, fields and records. Whatever the input, the answer is an InputError that names
a field, or a report that turns into JSON; ids and digests are those of the slow definition; and a block in which
nothing wrong is found has the id of an original. A finding is printed with its seed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from oracle import xuper as oracle

from pycore import InputError, ledgers
from pycore.base.descriptors import is_repeated
from pycore.ledgers.xuper import rpc
from pycore.ledgers.xuper.messages import InternalBlock, InvokeRequest, Transaction
from pycore.testing.xuper import START_HEIGHT, XuperMaker

LEDGER: Any = ledgers.get("xuperchain")
EDGES = [0, 1, 2, 127, 128, 255]


@lru_cache(maxsize=1)
def seeds() -> list[tuple[bytes, Any]]:
    """Valid blocks, and the context of each."""
    found = []
    for crypto, version in (("p-256", 1), ("p-256", 2), ("p-256", 3), ("sm2", 3)):
        maker = XuperMaker(1, crypto=crypto, version=version, users=2)
        chain = maker.chain(3, 3)
        known = maker.context.replace(
            height=START_HEIGHT + 1,
            previous_block_hash=chain[0].blockid,
            next_block=chain[2].SerializeToString(),
        )
        found.append((chain[1].SerializeToString(), known))
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few changes of bytes, or of the records of a block."""
    if rng.random() < 0.4:
        return shuffled(data, rng)
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(made) + 1)
        choice = rng.randrange(5)
        if choice == 0 and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif choice == 1 and at < len(made):
            made[at] = rng.choice(EDGES)
        elif choice == 2:
            del made[at : at + rng.randrange(1, 40)]
        elif choice == 3:
            made[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            start = rng.randrange(len(made))
            made[at:at] = made[start : start + rng.randrange(1, 200)]
        if not made:
            break
    return bytes(made)


def shuffled(data: bytes, rng: random.Random) -> bytes:
    """Fields and transactions exchanged, repeated, emptied."""
    block = InternalBlock.FromString(data)
    tx = rng.choice(block.transactions)
    fields = [field for field, _ in (block if rng.random() < 0.5 else tx).ListFields()]
    field = rng.choice(fields)
    target = block if field.containing_type is block.DESCRIPTOR else tx
    if rng.random() < 0.5:
        target.ClearField(field.name)
    elif is_repeated(field) and field.message_type is not None and not field.message_type.GetOptions().map_entry:
        getattr(target, field.name).append(rng.choice(getattr(target, field.name)))
    out = block.SerializeToString()
    if rng.random() < 0.3:
        out += InternalBlock(nonce=rng.randrange(9), transactions=[tx]).SerializeToString()
    return out


def check(data: bytes, context: Any) -> str:
    """Validates one input and checks what must hold for any."""
    try:
        report = LEDGER.validate_block(data, context, events=True)
    except InputError as error:
        refusal = error
    else:
        return check_report(report, data, context)
    assert refusal.field.startswith(("block", "transactions")), refusal.field
    return "refused"


def check_report(report: Any, data: bytes, context: Any) -> str:
    """The same for an input that is a block."""
    json.dumps(report.to_dict())
    block = InternalBlock.FromString(data)
    assert report.block_hash == oracle.block_id(block)
    digests = LEDGER.block_digests(data)["tx_hashes"]
    if not any(map(loses_arguments, block.transactions)):
        assert digests == [oracle.txid(tx) for tx in block.transactions]
    again = LEDGER.validate_block(data, context.replace(rules="compatible"))
    if not report.valid:
        return "invalid"
    assert again.valid, "compatible refuses what strict takes"
    ids = [InternalBlock.FromString(one).blockid for one, _ in seeds()]
    assert block.blockid in ids, "a block that nobody made"
    return "valid"


def check_json(rng: random.Random) -> None:
    """An answer with one value changed."""
    tx = InternalBlock.FromString(rng.choice(seeds())[0]).transactions[1]
    answer = {
        "txid": tx.txid.hex(), "nonce": tx.nonce, "timestamp": tx.timestamp, "version": tx.version,
        "initiator": tx.initiator, "authRequire": list(tx.auth_require),
        "txInputs": [{"fromAddr": "a", "amount": "5"}],
    }  # fmt: skip
    answer[rng.choice(list(answer))] = rng.choice([None, 5, -1, "x", [], {}, [5], True, "\ud800", 1 << 70, "9" * 200])
    try:
        made = rpc.transaction(rng.choice([answer, json.dumps(answer), json.dumps(answer)[: rng.randrange(99)]]))
    except InputError:
        return
    assert LEDGER.transaction_hash(made.SerializeToString()) == oracle.txid(made)


def loses_arguments(tx: Any) -> bool:
    """Whether Python's protobuf took an entry of a map for an unknown field, as it does where the entry has one itself.
    Go's, which chains' nodes are written in, leaves that field out and keeps the entry; so does pycore."""
    number = InvokeRequest.DESCRIPTOR.fields_by_name["args"].number
    return any(
        unknown.field_number == number for request in tx.contract_requests for unknown in UnknownFieldSet(request)
    )


def check_transaction(data: bytes, rng: random.Random) -> None:
    """A transaction by itself, changed in its bytes."""
    tx = rng.choice(InternalBlock.FromString(data).transactions).SerializeToString()
    made = mutated_bytes(tx, rng)
    verdicts = LEDGER.validate_transactions([made, tx])
    try:
        message = Transaction.FromString(made)
    except DecodeError:
        assert verdicts[0].name == "MALFORMED_ITEM"
        return
    if not loses_arguments(message):
        assert LEDGER.transaction_hash(made) == oracle.txid(message)
    if verdicts.all_valid:
        assert message.txid == Transaction.FromString(tx).txid


def mutated_bytes(data: bytes, rng: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(rng.choice((1, 2, 5))):
        made[rng.randrange(len(made))] = rng.choice([*EDGES, rng.randrange(256)])
    return bytes(made)


def run(seconds: float, seed: int, limit: int | None = None) -> dict[str, int]:
    """Counts of answers by kind."""
    rng, end = random.Random(seed), time.monotonic() + seconds
    counts = {"valid": 0, "invalid": 0, "refused": 0}
    done = 0
    while time.monotonic() < end and (limit is None or done < limit):
        data, context = rng.choice(seeds())
        try:
            counts[check(mutated(data, rng), context)] += 1
            check_transaction(data, rng)
            check_json(rng)
        except Exception:
            print(f"seed {seed}, input {done}", file=sys.stderr)
            raise
        done += 1
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(run(given.seconds, given.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
