"""Fuzzes ICS-23: mutated proofs alone and together, specs and answers to queries.

    python tests/fuzz/fuzz_ics23.py --seconds 10 --seed 1
    python tests/fuzz/fuzz_ics23.py --atheris corpus/        (needs the atheris package)

Starts from proofs of generated trees. Whatever the input, the answer is a verdict, or an InputError that names a field;
what the strict rules take the compatible ones take as well; batches answer as single proofs do; and nothing but what
the tree holds is ever proven.

A finding is printed with its seed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ics23"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from google.protobuf import json_format
from mutations import KINDS, Claim, claim, mutated, tree

from pycore import InputError, Verdict, ics23
from pycore._pb.ledgers.ics23.v1 import proofs_pb2 as pb
from pycore.errors import ProofError
from pycore.testing.ics23 import proof_ops, store_tree

COUNTS = (1, 2, 3, 7, 20)


def alone(one: Claim, rules: str) -> Verdict:
    """The verdict of the single form."""
    try:
        if one.value is None:
            ics23.verify_non_membership(one.kind, one.root, one.proof, one.key, rules=rules)
        else:
            ics23.verify_membership(one.kind, one.root, one.proof, one.key, one.value, rules=rules)
    except ProofError as error:
        return error.verdict
    return Verdict.VALID


def is_true(one: Claim) -> bool:
    """Whether one of the trees holds what is claimed."""
    for made in (tree(one.kind, count) for count in COUNTS):
        if made.root == one.root:
            value = made.exist(one.key).value if one.key in made.keys else None
            return value == one.value
    return False


def refused(error: InputError, field: str) -> str:
    assert error.field.startswith(field), f"an error about {error.field!r}"
    return "refused"


def check_claims(rng: random.Random) -> str:
    """Claims about one tree in one call."""
    kind, present = rng.choice(KINDS), rng.random() < 0.6
    claims = [one for one in (claim(rng, kind) for _ in range(12)) if (one.value is not None) == present]
    claims = [replace(mutated(rng, one), kind=kind) if rng.random() < 0.8 else one for one in claims]
    claims = [one for one in claims if (one.value is not None) == present]
    found = {}
    for rules in ("strict", "compatible"):
        rows = [one.root for one in claims], [one.proof for one in claims], [one.key for one in claims]
        if present:
            values = [one.value for one in claims if one.value is not None]
            found[rules] = list(ics23.verify_membership_batch(kind, *rows, values, rules=rules))
        else:
            found[rules] = list(ics23.verify_non_membership_batch(kind, *rows, rules=rules))
        assert found[rules] == [alone(one, rules) for one in claims], "a batch differs from its items"
    for one, strict, lax in zip(claims, found["strict"], found["compatible"], strict=True):
        assert lax is Verdict.VALID or strict is not Verdict.VALID, "strict rules take more"
        assert lax is not Verdict.VALID or is_true(one), "what no tree holds passes for proven"
    return "valid" if Verdict.VALID in found["strict"] else "invalid"


def check_json(rng: random.Random) -> str:
    """A proof as JSON with one change has the verdict of the message that it is, or is refused."""
    one = claim(rng)
    message = pb.CommitmentProof.FromString(one.proof)
    text = json_format.MessageToJson(message)
    assert alone(replace(one, proof=text), "strict") is Verdict.VALID  # type: ignore[arg-type]
    at = rng.randrange(len(text))
    changed = text[:at] + rng.choice(("", '"', "{", "0", "A", "]", "null")) + text[at + 1 :]
    verdict = alone(replace(one, proof=changed), "strict")  # type: ignore[arg-type]
    return "valid" if verdict is Verdict.VALID else "invalid"


def check_spec(rng: random.Random) -> str:
    """A spec of changed bytes is refused as a whole, or judges a proof without a fault."""
    one = claim(rng)
    spec = ics23.SPECS[one.kind]
    message = pb.ProofSpec(
        leaf_spec=pb.LeafOp(hash=1, prehash_key=spec.leaf_spec.prehash_key, length=spec.leaf_spec.length, prefix=b"\0"),
        inner_spec=pb.InnerSpec(child_order=[0, 1], child_size=32, min_prefix_length=1, max_prefix_length=9, hash=1),
    )
    data = bytearray(message.SerializeToString())
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        return "valid" if alone(replace(one, kind=bytes(data)), "compatible") is Verdict.VALID else "invalid"
    except InputError as error:
        return refused(error, "spec")


def check_query(rng: random.Random) -> str:
    """An answer with a changed byte proves nothing else."""
    stores = {kind: tree(kind, 7) for kind in KINDS}
    name = rng.choice(KINDS)
    key = rng.choice(stores[name].keys) if rng.random() < 0.6 else rng.randbytes(20)
    value = stores[name].exist(key).value if key in stores[name].keys else None
    data = bytearray(proof_ops(stores, name, key).SerializeToString())
    for _ in range(rng.randrange(3)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    wrong = rng.choice((None, b"x", value))
    try:
        ics23.verify_query(bytes(data), store_tree(stores).root, [name.encode(), key], wrong, rules="compatible")
    except ProofError:
        return "invalid"
    assert wrong == value, "another value passes for proven"
    return "valid"


CHECKS = (check_claims, check_claims, check_json, check_spec, check_query)


def one(seed: int) -> str:
    """One input, fixed by its seed."""
    rng = random.Random(seed)
    check = rng.choice(CHECKS)
    try:
        return check(rng)
    except Exception:
        print(f"seed {seed}: {check.__name__}", file=sys.stderr)
        raise


def run(seconds: float, seed: int, limit: int | None = None) -> dict[str, int]:
    """Inputs until the time is over or `limit` are done; how many were refused, invalid and valid."""
    counts = {"refused": 0, "invalid": 0, "valid": 0}
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end and (limit is None or done < limit):
        counts[one(seed + done)] += 1
        done += 1
    return counts


def run_atheris(arguments: list[str]) -> None:
    """Coverage-guided, with atheris' own command line: the bytes of one proof."""
    import atheris

    made = tree("iavl", 7)
    key = made.keys[3]

    def check(data: bytes) -> None:
        for value in (made.exist(key).value, b"x", None):
            verdict = alone(Claim("iavl", made.root, data, key, value), "compatible")
            assert verdict is not Verdict.VALID or value == made.exist(key).value

    atheris.Setup([sys.argv[0], *arguments], check)
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
    print("ics23:", json.dumps(run(arguments.seconds, arguments.seed)))


if __name__ == "__main__":
    main()
