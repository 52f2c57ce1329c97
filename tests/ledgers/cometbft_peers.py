"""CometBFT's own Go code and pycore over the same messages, valid and mutated: reading, rules, hashes, signed bytes,
verification of commits and of evidence.

    PYTHONPATH=. python tests/ledgers/cometbft_peers.py --items 100000 [--release 0.40] [--seed 7]

prints how many there were of what, and every difference. What differs on purpose is counted by its reason.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from cometbft_mutations import (
    CHAIN,
    CHAINS,
    MIXED,
    commit_cases,
    evidence_case,
    other_bytes,
    other_evidence,
    other_value,
)

from bench import chain_programs
from pycore.consensus import Validator, ValidatorSet
from pycore.consensus.commits import verify_commit
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, hashes, rpc, schemes, signbytes, structure, versions, wire
from pycore.ledgers.cometbft import messages as m
from pycore.ledgers.cometbft.evidence import duplicate_vote, in_order
from pycore.ledgers.cometbft.evidence_checks import check_attack, check_duplicate_vote
from pycore.testing.cometbft import CHAIN_ID, Chain, make_vote


class Peer:
    """The Go program, alive."""

    def __init__(self, release: str) -> None:
        self.release = release
        self._process = subprocess.Popen(
            chain_programs.cometbft_forms(release), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *words: str | bytes) -> dict[str, Any]:
        line = " ".join(word if isinstance(word, str) else word.hex() or "-" for word in words)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


def evidences(extended: bool = True) -> list[m.Evidence]:
    found: list[m.Evidence] = []
    for chain in CHAINS:
        one = chain.signers[0][0]
        votes = [
            make_vote(one, height=1, block_id=chain.block_ids[i], extension=b"e" if i and extended else None)
            for i in (0, 1)
        ]
        found.append(duplicate_vote(*votes, chain.validators(0), chain.blocks[0].header.time_ns))
        block = chain.light_block(1)
        found.append(m.LightClientAttack(block, 1, tuple(chain.validators(0)[:2]), 99, chain.blocks[0].header.time_ns))
    return found


@dataclass(frozen=True)
class Kind:
    """A message that both read: how it is written, read and judged here."""

    values: list[Any]
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    faults: Callable[[Any], list[str]]
    digest: Callable[[Any], bytes] = lambda value: b""
    signs: Callable[[Any], list[bytes]] | None = None
    more: Callable[[Any, bytes], str] | None = None


def vote_texts(value: m.Vote, extended: bool) -> list[bytes]:
    return [signbytes.vote(CHAIN_ID, value), signbytes.extension(CHAIN_ID, value) if extended else b""]


def key_sets(release: str) -> list[m.Validators]:
    """Sets with keys of every scheme that the release has; BLS12-381 is compiled in on demand only."""
    seed = MIXED.signers[0]
    found = []
    for scheme in versions.RELEASES[release].schemes:
        if scheme == "bls12-381":
            continue
        rows = []
        for i, one in enumerate(seed):
            key = one.validator.public_key
            if scheme == "ml-dsa-65":
                key = random.Random(i).randbytes(1952)
            elif schemes.SCHEMES[scheme].size != len(key):
                continue
            rows.append(Validator(key, 5 + i, scheme, schemes.address(scheme, key), i))
        found.append(m.Validators(tuple(in_order(rows)), rows[0]))
    return found


def block_faults(value: m.Block) -> list[str]:
    found = structure.header_faults(value.header)
    header, commit = value.header, value.last_commit
    if commit is None:
        return ["no last commit"]
    found += structure.commit_faults(commit)
    for one in value.evidence:
        found += structure.evidence_faults(one)
    found += ["commit hash"] if hashes.commit_hash(commit) != header.last_commit_hash else []
    found += ["data hash"] if hashes.data_hash(value.transactions) != header.data_hash else []
    return found + (["evidence hash"] if hashes.evidence_hash(value.evidence) != header.evidence_hash else [])


def kinds(release: str = "0.38") -> dict[str, Kind]:
    extended = versions.RELEASES[release].extensions
    blocks = [block for chain in CHAINS for block in chain.blocks]
    lights = [chain.light_block(i) for chain in CHAINS for i in range(chain.blocks_count)]
    votes = [
        make_vote(one, height=3, block_id=rng_id, extension=extension, type=type)
        for one in (*CHAIN.signers[0][:2], MIXED.signers[0][1])
        for rng_id, extension, type in (
            (CHAIN.block_ids[0], b"e" if extended else None, m.PRECOMMIT), (CHAIN.block_ids[1], None, m.PRECOMMIT),
            (None, None, m.PRECOMMIT), (CHAIN.block_ids[1], None, m.PREVOTE), (None, None, m.PREVOTE),
        )
    ]  # fmt: skip
    proposals = [m.Proposal(7, 2, pol, one, m.SECOND * 5 + 7, b"s" * 64) for pol in (-1, 1) for one in CHAIN.block_ids]
    with_evidence = Chain(blocks=2, seed=80, evidence=evidences(extended)).blocks
    return {
        "header": Kind(
            [one.header for one in blocks], encoding.header, wire.header, structure.header_faults, hashes.header_hash
        ),
        "commit": Kind(
            [one.signed_header.commit for one in lights] + [one.last_commit for one in blocks],
            encoding.commit, wire.commit, structure.commit_faults, hashes.commit_hash,
            lambda value: signbytes.commit(CHAIN_ID, value),
        ),
        "vote": Kind(
            votes, encoding.vote, wire.vote, structure.vote_faults, signs=lambda value: vote_texts(value, extended)
        ),
        "proposal": Kind(
            proposals, encoding.proposal, wire.proposal, structure.proposal_faults,
            signs=lambda value: [signbytes.proposal(CHAIN_ID, value)],
        ),
        "validators": Kind(
            [one.validators for one in lights] + key_sets(release),
            encoding.validators, wire.validators, structure.validators_faults,
            lambda value: hashes.validators_hash(value.validators),
            lambda value: [schemes.address(one.scheme, one.public_key) for one in value.validators],
            lambda value, data: str(sum(one.power for one in value.validators)),
        ),
        "light": Kind(
            lights, encoding.light_block, wire.light_block, structure.light_block_faults,
            lambda value: hashes.header_hash(value.signed_header.header),
        ),
        "evidence": Kind(
            evidences(extended), encoding.evidence_union, wire.evidence, structure.evidence_faults, hashes.evidence_id,
            None, lambda value, data: hashes.evidence_hash([value]).hex(),
        ),
        "block": Kind(
            [*blocks, *with_evidence], encoding.block, wire.block, block_faults,
            lambda value: hashes.header_hash(value.header), None,
            lambda value, data: "{} {}".format(*(lambda n, h: (n, h.hex()))(*hashes.parts_of(data))),
        ),
    }  # fmt: skip


# ---- comparing -------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What came out."""

    items: Counter[str] = field(default_factory=Counter)
    valid: Counter[str] = field(default_factory=Counter)
    on_purpose: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def typed(value: Any) -> Any:
    """The message as 1.x writes it: keys by their type."""
    if isinstance(value, m.Validators):
        return replace(value, typed=True)
    if isinstance(value, m.LightBlock):
        return replace(value, validators=typed(value.validators))
    if isinstance(value, m.LightClientAttack):
        return replace(value, conflicting=typed(value.conflicting), typed=True)
    if isinstance(value, m.Block):
        evidence = tuple(typed(one) for one in value.evidence)
        header = replace(value.header, evidence_hash=hashes.evidence_hash(evidence))
        return replace(value, evidence=evidence, header=header)
    return value


def compare_message(name: str, kind: Kind, data: bytes, go: Peer, outcome: Outcome) -> None:
    """One message, read by both."""
    theirs = go(name, data, *([CHAIN_ID.encode()] if kind.signs and name != "validators" else []))
    outcome.items[name] += 1
    good = theirs["basic"] and theirs["same"]
    union = any(mark in data for mark in (b"\x12\x22\x0a\x20", b"\x12\x23\x12\x21"))
    if go.release == "1.0" and not good and union and name in ("validators", "light", "evidence", "block"):
        outcome.on_purpose[f"{name}: keys as before 1.0, which it writes otherwise"] += 1
        return
    try:
        value = kind.read(data)
        faults = kind.faults(value)
    except InputError as error:
        if good:
            reason = purpose(str(error))
            if reason:
                outcome.on_purpose[f"{name}: {reason}"] += 1
            else:
                outcome.differences.append(f"{name}: refused here: {error}: {data.hex()}")
        return
    if faults:
        if good:
            reason = purpose(faults[0])
            if reason:
                outcome.on_purpose[f"{name}: {reason}"] += 1
            else:
                outcome.differences.append(f"{name}: a fault here: {faults[0]}: {data.hex()}")
        return
    outcome.valid[name] += 1
    if not good and longest_signature(value) > versions.RELEASES[go.release].max_signature:
        outcome.on_purpose[f"{name}: a signature as long as one of a scheme that the release does not have"] += 1
        return
    if not good:
        outcome.differences.append(f"{name}: valid here, there {theirs}: {data.hex()}")
        return
    ours = {"hash": kind.digest(value).hex(), "more": kind.more(value, data) if kind.more else ""}
    texts = [text.hex() for text in kind.signs(value)] if kind.signs else []
    if any(ours[key] != theirs[key] for key in ours) or texts != (theirs["signed"] or []):
        outcome.differences.append(f"{name}: {ours} {texts}, there {theirs}: {data.hex()}")


def longest_signature(value: Any) -> int:
    """Bytes of the longest signature in a message."""
    if isinstance(value, tuple):
        return max(map(longest_signature, value), default=0)
    if not is_dataclass(value):
        return 0
    own = [len(getattr(value, one)) for one in ("signature", "extension_signature") if hasattr(value, one)]
    return max([*own, *(longest_signature(getattr(value, item.name)) for item in fields(value))])


def purpose(text: str) -> str:
    """Why something is refused here and not there."""
    for part, reason in (
        ("utf-8", "a name that is not UTF-8"),
        ("UTF-8", "a name that is not UTF-8"),
        ("signatures, wanted at most", "more slots than votes are counted"),
        ("a round before", "a proposal that relies on no earlier round, or of height 0; so in 1.0"),
        ("height is 0, wanted 1", "a proposal that relies on no earlier round, or of height 0; so in 1.0"),
    ):
        if part in text:
            return reason
    return ""


def messages(count: int, go: Peer, rng: random.Random, outcome: Outcome) -> None:
    """`count` messages, half of them with a changed value and half with changed bytes."""
    table = kinds(go.release)
    for i in range(count):
        name = rng.choice(list(table))
        kind = table[name]
        value = rng.choice(kind.values)
        if go.release == "1.0" and rng.random() < 0.9:
            value = typed(value)
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            value = other_value(value, rng)
        try:
            data = kind.write(value)
        except (OverflowError, KeyError):
            continue
        if i % 2:
            data = other_bytes(data, rng)
        compare_message(name, kind, data, go, outcome)


# ---- commits ---------------------------------------------------------------------------------------------------------

MODES = ("full", "light", "all", "trusting/1/3", "trusting/2/3", "trusting-all/1/3", "trusting/1/1")


def verdict(validators: m.Validators, data: bytes, mode: str) -> tuple[bool, str]:
    """Whether a commit is valid here, and why not."""
    name, *level = mode.split("/")
    options: dict[str, Any] = {"trust_level": (int(level[0]), int(level[1]))} if level else {}
    try:
        held = ValidatorSet(validators.validators)
        report = verify_commit(held, data, form="wire", mode=name, **options)
    except InputError as error:
        return False, str(error)
    return report.valid and report.complete, "; ".join(map(str, (*report.failed, *report.skipped)))


def commits(count: int, go: Peer, rng: random.Random, outcome: Outcome, modes: tuple[str, ...] = MODES) -> None:
    """`count` verifications."""
    cases = commit_cases(rng)
    for _ in range(count):
        validators, signed_header = next(cases)
        mode, data = rng.choice(modes), encoding.signed_header(signed_header)
        written = typed(validators) if go.release == "1.0" else validators
        theirs = go("verify", mode, encoding.validators(written), data)
        ours, why = verdict(validators, data, mode)
        key = f"commit {mode}"
        outcome.items[key] += 1
        outcome.valid[key] += ours
        if theirs["valid"] and go.release == "1.0" and "addresses: failed" in why:
            outcome.on_purpose[f"{key}: stricter here, as 0.38 is"] += 1
        elif ours != theirs["valid"]:
            outcome.differences.append(f"{key}: {ours} ({why}), there {theirs}: {data.hex()}")


# ---- evidence --------------------------------------------------------------------------------------------------------


def evidence(count: int, go: Peer, rng: random.Random, outcome: Outcome) -> None:
    """`count` pieces of evidence, judged."""
    for _ in range(count):
        value, common, trusted = evidence_case(rng)
        for _ in range(rng.choice((0, 1, 1, 2))):
            value = other_evidence(value, rng)
        if rng.random() < 0.1:
            trusted = common
        try:
            data = encoding.evidence_union(value)
        except (OverflowError, KeyError):
            continue
        own = [encoding.light_block(one) for one in (common, trusted)]
        chain_id = common.signed_header.header.chain_id
        if isinstance(value, m.DuplicateVote):
            theirs = go("duplicate", data, encoding.validators(common.validators), chain_id.encode())
        else:
            theirs = go("attack", data, *own)
        report = judged(data, common, trusted, nil_counts=versions.RELEASES[go.release].nil_counts)
        name = f"verify {type(value).__name__}"
        outcome.items[name] += 1
        ours = report == ""
        outcome.valid[name] += ours
        if theirs["valid"] and (report.startswith(("time:", "common_height:"))):
            outcome.on_purpose[f"{name}: compared with the block by its caller there"] += 1
        elif ours != theirs["valid"]:
            outcome.differences.append(f"{name}: {report or 'valid'}, there {theirs}: {data.hex()}")


def judged(data: bytes, common: m.LightBlock, trusted: m.LightBlock, *, nil_counts: bool = False) -> str:
    """Why evidence does not hold here; "" where it does."""
    try:
        value = wire.evidence(data)
    except InputError as error:
        return str(error)
    header = common.signed_header.header
    if isinstance(value, m.DuplicateVote):
        held = ValidatorSet(common.validators.validators)
        report = check_duplicate_vote(value, held, header.chain_id, time_ns=header.time_ns)
    else:
        report = check_attack(value, common, trusted.signed_header, nil_counts=nil_counts)
    order = sorted((*report.failed, *report.skipped), key=lambda check: check.name in ("time", "common_height"))
    return "; ".join(map(str, order))


# ---- JSON ------------------------------------------------------------------------------------------------------------


def json_forms(count: int, go: Peer, rng: random.Random, outcome: Outcome) -> None:
    """What CometBFT writes as JSON of a message is read here as the message; what both read of changed JSON is one."""
    table = {"commit": ("signed_header", rpc.signed_header, encoding.signed_header),
             "block": ("block", rpc.block, encoding.block),
             "light": ("light", rpc.light_block, encoding.light_block),
             "vote": ("vote", rpc.vote, encoding.vote),
             "evidence": ("evidence", rpc.evidence, encoding.evidence_union),
             "proposal": ("proposal", rpc.proposal, encoding.proposal)}  # fmt: skip
    known = kinds(go.release)
    values = {name: known[name].values for name in ("block", "light", "vote", "evidence", "proposal")}
    values["commit"] = [one.signed_header for one in values["light"]]
    for _ in range(count):
        kind = rng.choice(list(table))
        _, read, write = table[kind]
        value = rng.choice(values[kind])
        data = write(typed(value) if go.release == "1.0" and kind in ("block", "light", "evidence") else value)
        theirs = go("json", kind, data)
        outcome.items[f"JSON {kind}"] += 1
        if not theirs["parsed"]:
            outcome.differences.append(f"JSON {kind}: not written: {theirs}")
            continue
        found = read(theirs["more"])
        outcome.valid[f"JSON {kind}"] += 1
        if write(found) != write(value) and not (kind == "block" and value.evidence and go.release == "1.0"):
            outcome.differences.append(f"JSON {kind}: read as {write(found).hex()}, is {write(value).hex()}")
        if kind == "commit" or (kind == "block" and not value.evidence):
            _changed_json(kind, theirs["more"], read, write, go, rng, outcome)


def _changed_json(kind: str, text: str, read: Any, write: Any, go: Peer, rng: random.Random, outcome: Outcome) -> None:
    """The text with one character changed."""
    at = rng.randrange(len(text))
    changed = text[:at] + rng.choice('0123456789AaFf"{}[]:,.-Zz= ') + text[at + rng.choice((0, 1)) :]
    theirs = go("fromjson", kind, changed.encode())
    try:
        ours = write(read(changed)).hex()
    except InputError:
        ours = ""
    outcome.items[f"changed JSON {kind}"] += 1
    outcome.valid[f"changed JSON {kind}"] += bool(ours)
    if ours and (not theirs["parsed"] or theirs["more"] != ours):
        outcome.differences.append(f"changed JSON {kind}: {ours[:200]}, there {theirs}: {changed}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20000)
    parser.add_argument("--release", default="0.38")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng, outcome, go = random.Random(given.seed), Outcome(), Peer(given.release)
    messages(given.items // 2, go, rng, outcome)
    commits(given.items // 4, go, rng, outcome)
    if given.release != "1.0":
        evidence(given.items // 8, go, rng, outcome)
    json_forms(given.items // 8, go, rng, outcome)
    go.close()
    for name, count in sorted(outcome.items.items()):
        print(f"{name:24} {count:8} items, {outcome.valid[name]:8} valid in both")
    for name, count in sorted(outcome.on_purpose.items()):
        print(f"on purpose, {name}: {count}")
    print(f"{len(outcome.differences)} differences")
    for one in outcome.differences[:20]:
        print(one[:400])


if __name__ == "__main__":
    main()
