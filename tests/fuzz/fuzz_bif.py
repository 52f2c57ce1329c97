"""Fuzzes BIF's readers: blocks, transactions, proofs, bundles and answers.

    python tests/fuzz/fuzz_bif.py --seconds 10 --seed 1
    python tests/fuzz/fuzz_bif.py --atheris corpus/        (needs the atheris package)

Starts from generated data that is valid and changes bytes, lengths and fields. Whatever the input, the answer is an
InputError that names a field, or a report that turns into JSON. A block that passes complete is one of the originals
by its hash; a transaction that passes has an original's hash; a proof or bundle that passes is an original.

A finding is printed with its seed and written to ``fuzz-bif-<seed>.bin``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pycore import InputError, Verdict, ledgers
from pycore._pb.ledgers.bif.v1 import consensus_pb2, ledger_pb2, transaction_pb2
from pycore.base.descriptors import is_repeated
from pycore.ledgers.bif import BifContext, certificate, rpc, xbft
from pycore.ledgers.proof import Statement, Trusted
from pycore.testing.bif import BifLedger, make_timeout_certificate

LEDGER = ledgers.get("bif")
INTERESTING = [0, 1, 2, 127, 128, 255, 2**31 - 1, 2**32 - 1, 2**63 - 1]


@lru_cache(maxsize=1)
def originals() -> tuple[BifLedger, BifLedger]:
    return (
        BifLedger(blocks=3, transactions=3, scheme="mixed", change_at=1, seed=31),
        BifLedger(blocks=3, transactions=2, consensus="xbft", chain_id=9, seed=31),
    )


# ---- what must hold --------------------------------------------------------------------------------------------------


def refused(error: InputError, field: str) -> str:
    assert error.field.startswith(field), f"an error about {error.field!r}"
    return "refused"


def check_block(data: bytes, made: BifLedger, rules: str) -> str:
    index = 1
    try:
        report = LEDGER.validate_block(data, made.context_for(index).replace(rules=rules))
    except InputError as error:
        return refused(error, "block")
    json.dumps(report.to_dict())
    assert len(report.transactions) == report.counts["transactions"]
    assert len(report.faults) == report.counts["invalid"]
    if report.valid and report.complete:
        assert report.block_hash == made.headers[index].hash, "another block passes for valid"
        return "valid"
    return "invalid"


def check_run(data: bytes, made: BifLedger, rules: str) -> str:
    """Between two others, and without a context that says where the run is."""
    for context in (made.context_for(0), made.context.replace(nonces=None, chain_id=None)):
        known = context.replace(rules=rules)
        run = LEDGER.validate_chain([made.bare[0], data, made.bare[2]], known)
        try:
            reports = list(run)
        except InputError as error:
            return refused(error, "blocks[1]")
        json.dumps(run.checkpoint.to_dict())
        hashes = [report.block_hash for report in reports if report.valid and report.complete]
        assert set(hashes) <= {header.hash for header in made.headers}, "another block passes for valid"
    return "valid" if all(report.valid for report in reports) else "invalid"


def check_transaction(data: bytes, made: BifLedger, rules: str) -> str:
    verdict = LEDGER.validate_transactions([data], BifContext(rules=rules, chain_id=made.chain_id))[0]
    if verdict != Verdict.VALID:
        return "invalid"
    assert LEDGER.transaction_hash(data) in transaction_hashes(made), "another transaction passes for valid"
    return "valid"


@lru_cache(maxsize=2)
def transaction_hashes(made: BifLedger) -> set[bytes]:
    return {one for block in made.blocks for one in LEDGER.block_digests(block)["tx_hashes"]}


def check_proof(data: bytes, made: BifLedger, rules: str) -> str:
    context = made.context_for(1).replace(rules=rules)
    header = made.headers[1]
    if made.consensus == "xbft":
        digest = header.consensus_value_hash
        outcome = xbft.judge_xbft(data, digest, header.seq, context.validators, context, made.values[1])
    else:
        digest = header.consensus_value_hash
        outcome = certificate.judge_pbft(data, digest, header.seq, made.chain_id, context.validators, context)
    if not outcome.decision.reached:
        return "invalid"
    assert rules == "compatible" or data == made.proofs[1], "another proof passes for valid"
    return "valid"


def check_timeout(data: bytes, made: BifLedger, rules: str) -> str:
    try:
        report = xbft.verify_timeout_certificate(data, made.context_for(1).replace(rules=rules))
    except InputError as error:
        return refused(error, "certificate")
    json.dumps(report.to_dict())
    assert rules == "compatible" or not report.valid or data == timeout(made)
    return "valid" if report.valid else "invalid"


@lru_cache(maxsize=2)
def timeout(made: BifLedger) -> bytes:
    return make_timeout_certificate(3, [(i, one) for i, one in enumerate(made.validators[1])])


def check_bundle(data: bytes, made: BifLedger, rules: str) -> str:
    """One of a bundle's parts is the data."""
    state = Trusted("bif", "", 1, made.genesis.hash, made.context.replace(nonces=None, rules=rules))
    good = LEDGER.proofs.make({"block": made.blocks[1], "index": 1}, Statement("transaction"), state)
    for bundle in (
        dataclasses.replace(good, headers=(data,)),
        dataclasses.replace(good, certificate=data),
        dataclasses.replace(good, inclusion=dataclasses.replace(good.inclusion, nodes=(data,))),
        dataclasses.replace(good, statement=dataclasses.replace(good.statement, item=data)),
    ):
        proven = LEDGER.proofs.advance(bundle, state)
        if all(check.ok for check in proven.checks):
            assert bundle == good, "another bundle passes for valid"
            return "valid"
    return "invalid"


def check_answer(data: bytes, made: BifLedger, rules: str) -> str:
    del made
    try:
        found = rpc.transaction_env(data)
    except InputError as error:
        return refused(error, "tx")
    verdict = LEDGER.validate_transactions([found], {"rules": rules})[0]
    return "valid" if verdict == Verdict.VALID else "invalid"


Check = Callable[[bytes, BifLedger, str], str]


@lru_cache(maxsize=1)
def seeds() -> list[tuple[Check, bytes, Any, BifLedger]]:
    """(check, data, message type, ledger) of valid inputs."""
    found: list[tuple[Check, bytes, Any, BifLedger]] = []
    for made in originals():
        value = ledger_pb2.ConsensusValue.FromString(made.values[1])
        item = value.txset.txs[1]
        proof = consensus_pb2.XbftProof if made.consensus == "xbft" else consensus_pb2.PbftProof
        found += [
            (check_block, made.blocks[1], ledger_pb2.LedgerBundle, made),
            (check_run, made.bare[1], ledger_pb2.LedgerBundle, made),
            (check_transaction, item.SerializeToString(), transaction_pb2.TransactionEnv, made),
            (check_proof, made.proofs[1], proof, made),
            (check_timeout, timeout(made), consensus_pb2.XbftTc, made),
            (check_bundle, made.hashed_header(1), ledger_pb2.LedgerHeader, made),
            (check_bundle, made.values[1], ledger_pb2.ConsensusValue, made),
        ]
        document = {"transaction": {"source_address": item.transaction.source_address, "nonce": 1}, "signatures": []}
        found.append((check_answer, json.dumps(document).encode(), None, made))
    return found


# ---- mutations -------------------------------------------------------------------------------------------------------


def mutate(data: bytes, kind: Any, rng: random.Random) -> bytes:
    """Some changes to the bytes, or some to the parsed message."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice((flip, splice, cut, number, field, field))(data, kind, rng)
    return data


def flip(data: bytes, kind: Any, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def splice(data: bytes, kind: Any, rng: random.Random) -> bytes:
    start, at = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    return data[:at] + data[start : start + rng.randrange(200)] + data[at + rng.randrange(200) :]


def cut(data: bytes, kind: Any, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] if rng.random() < 0.3 else data[:start] + data[start + rng.randrange(1, 50) :]


def number(data: bytes, kind: Any, rng: random.Random) -> bytes:
    value = rng.choice(INTERESTING)
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes(encoded) + data[at + rng.randrange(2) :]


NESTED = {"header": ledger_pb2.LedgerHeader, "consensus_value": ledger_pb2.ConsensusValue,
          "next_value": ledger_pb2.ConsensusValue, "validators": ledger_pb2.ValidatorSet}  # fmt: skip


def field(data: bytes, kind: Any, rng: random.Random) -> bytes:
    """Another value of a field somewhere in the message; messages that are kept as bytes are looked into."""
    if kind is None:
        return flip(data, kind, rng)
    message = kind()
    try:
        message.ParseFromString(data)
    except Exception:
        return flip(data, kind, rng)
    inside: Any = message
    while True:
        present = inside.ListFields()
        if not present:
            return data
        found, value = rng.choice(present)
        if is_repeated(found):
            place = rng.randrange(len(value))
            if rng.random() < 0.2:
                if rng.random() < 0.5:
                    del value[place]
                else:
                    value.append(value[place])
                break
            if found.message_type is None:
                break
            inside = value[place]
        elif found.message_type is not None and rng.random() < 0.9:
            inside = value
        else:
            change(inside, found, value, rng)
            break
    return bytes(message.SerializeToString(deterministic=True))


def change(inside: Any, found: Any, value: Any, rng: random.Random) -> None:
    if rng.random() < 0.2 or found.message_type is not None:
        inside.ClearField(found.name)
    elif isinstance(value, bool):
        setattr(inside, found.name, not value)
    elif isinstance(value, int):
        setattr(inside, found.name, min(rng.choice(INTERESTING), 2**31 - 1))
    elif isinstance(value, str):
        setattr(inside, found.name, rng.choice(("", "x", value + "x", value[::-1], "\u00e9" * 40)))
    elif found.name in NESTED and rng.random() < 0.8:
        setattr(inside, found.name, field(value, NESTED[found.name], rng))
    else:
        setattr(inside, found.name, rng.choice((b"", b"\0" * 32, value[:-1], value + b"\0", flip(value, None, rng))))


# ---- running ---------------------------------------------------------------------------------------------------------


def one(seed: int) -> str:
    """One input, fixed by its seed."""
    rng = random.Random(seed)
    check, data, kind, made = rng.choice(seeds())
    data = mutate(data, kind, rng)
    try:
        return check(data, made, rng.choice(("strict", "compatible")))
    except Exception:
        path = Path(f"fuzz-bif-{seed}.bin")
        path.write_bytes(data)
        print(f"seed {seed}: the input is in {path}", file=sys.stderr)
        raise


def run(seconds: float, seed: int, limit: int | None = None) -> dict[str, int]:
    """Inputs until the time is over or `limit` are done; how many were refused, invalid and valid."""
    counts = {"refused": 0, "invalid": 0, "valid": 0}
    for check, data, _, made in seeds():
        wanted = "invalid" if check is check_answer else "valid"
        assert check(data, made, "strict") == wanted, f"a seed of {check.__name__} is not {wanted}"
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end and (limit is None or done < limit):
        counts[one(seed + done)] += 1
        done += 1
    return counts


def run_atheris(arguments: list[str]) -> None:
    """Coverage-guided, with atheris' own command line."""
    import atheris

    check, _, _, made = seeds()[0]
    atheris.Setup([sys.argv[0], *arguments], lambda data: check(data, made, "strict"))
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, help="the rest of the line is for atheris")
    arguments = parser.parse_args()
    if arguments.atheris is not None:
        run_atheris(arguments.atheris)
        return
    counts = run(arguments.seconds, arguments.seed)
    print(f"bif: {sum(counts.values())} inputs, {counts}")


if __name__ == "__main__":
    main()
