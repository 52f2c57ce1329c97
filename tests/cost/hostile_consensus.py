"""Requests about votes and their proofs that cost more than they should: families as in `hostile`."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import random
from typing import Any

from pycore._pb.ledgers.ics23.v1 import proofs_pb2
from pycore._pb.validation.v1 import column_pb2, consensus_pb2, ics23_pb2, votes_pb2
from pycore.consensus import Validator, ValidatorSet
from pycore.ledgers.cometbft import encoding, hashes
from pycore.ledgers.cometbft.messages import (
    COMMIT,
    PRECOMMIT,
    BlockId,
    Commit,
    CommitSig,
    Header,
    LightBlock,
    SignedHeader,
    Validators,
    Vote,
)
from pycore.ledgers.cometbft.schemes import address

ROOT = b"\x22" * 32
NOW = 1_700_000_000 * 10**9
BLOCK = BlockId(ROOT, 1, ROOT)


def u64(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)


@functools.cache
def members(n: int) -> tuple[Validator, ...]:
    """Validators whose keys nobody has."""
    rng = random.Random(n)
    keys = [rng.randbytes(32) for _ in range(n)]
    return ValidatorSet([Validator(key, 1, "ed25519", address("ed25519", key)) for key in keys]).validators


def signed(voters: tuple[Validator, ...], height: int = 7) -> SignedHeader:
    """A header that they signed with something, well-formed otherwise."""
    named = hashes.validators_hash(voters)
    header = Header(11, 1, "c", height, NOW, BLOCK, ROOT, ROOT, named, named, ROOT, ROOT, ROOT, ROOT, bytes(20))
    claim = BlockId(hashes.header_hash(header), 1, ROOT)
    slots = tuple(CommitSig(COMMIT, one.address, NOW + i, bytes([i % 251]) * 64) for i, one in enumerate(voters))
    return SignedHeader(header, Commit(height, 0, claim, slots))


def rows(*values: bytes) -> column_pb2.Column:
    return column_pb2.Column(rows=values)


def commit(n: int, mode: str = "full") -> bytes:
    """As many votes as validators."""
    voters = members(n)
    return consensus_pb2.VerifyCommitRequest(
        chain="cometbft", mode=mode, form="wire", validators=ValidatorSet(voters).to_bytes(),
        signed_header=encoding.signed_header(signed(voters)),
    ).SerializeToString()  # fmt: skip


def strangers(n: int) -> bytes:
    """A commit by none of the trusted validators, who are as many."""
    return consensus_pb2.VerifyCommitRequest(
        chain="cometbft", mode="trusting-all", form="wire", validators=ValidatorSet(members(n)).to_bytes(),
        signed_header=encoding.signed_header(signed(members(n + 1))),
    ).SerializeToString()  # fmt: skip


def json_commit(n: int) -> bytes:
    """Slots and validators in JSON."""
    key = {"type": "tendermint/PubKeyEd25519"}
    listed = [
        {"address": one.address.hex(), "pub_key": {**key, "value": base64.b64encode(one.public_key).decode()},
         "voting_power": "1"}
        for one in members(n)
    ]  # fmt: skip
    slots = [{"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": None}] * n
    header = {
        "version": {"block": "11"}, "chain_id": "c", "height": "7", "time": "2023-11-14T22:13:20Z",
        **{name: ROOT.hex() for name in (
            "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
            "last_results_hash", "evidence_hash")},
        "proposer_address": bytes(20).hex(),
    }  # fmt: skip
    answer = {"signed_header": {"header": header, "commit": {
        "height": "7", "round": 0, "block_id": {"hash": ROOT.hex()}, "signatures": slots}}}  # fmt: skip
    return consensus_pb2.VerifyCommitRequest(
        chain="cometbft", validators=json.dumps({"validators": listed}).encode(),
        signed_header=json.dumps(answer).encode(),
    ).SerializeToString()  # fmt: skip


def many_pages(n: int) -> bytes:
    """Pages of one validator each."""
    return consensus_pb2.VerifyCommitRequest(
        chain="cometbft", validators=b"[" + b",".join([b'{"total":"9","validators":[]}'] * n) + b"]"
    ).SerializeToString()


def commits(n: int) -> bytes:
    """Headers with one vote each."""
    (alone,) = voters = members(1)
    assert alone.power == 1
    return consensus_pb2.VerifyCommitsRequest(
        chain="cometbft", mode="full", form="wire", validators=ValidatorSet(voters).to_bytes(),
        signed_headers=rows(*(encoding.signed_header(signed(voters, 7 + i)) for i in range(n))),
    ).SerializeToString()  # fmt: skip


def empty_headers(n: int) -> bytes:
    return consensus_pb2.VerifyCommitsRequest(
        chain="cometbft", form="wire", validators=ValidatorSet(members(1)).to_bytes(),
        signed_headers=column_pb2.Column(offsets=bytes(4 * (n + 1))),
    ).SerializeToString()  # fmt: skip


def votes(n: int, **options: Any) -> bytes:
    """Votes of many rounds, by all validators in turn, with nobody's signatures."""
    voters = members(n)
    cast = [
        encoding.vote(Vote(PRECOMMIT, 7, i % 60, BLOCK, NOW, one.address, i, bytes([i % 251]) * 64))
        for i, one in enumerate(voters)
    ]
    return votes_pb2.VerifyVotesRequest(
        chain="cometbft", chain_id="c", height=7, validators=ValidatorSet(voters).to_bytes(), validators_form="wire",
        votes=rows(*cast), **options,
    ).SerializeToString()  # fmt: skip


def empty_votes(n: int) -> bytes:
    return votes_pb2.VerifyVotesRequest(
        chain="cometbft", chain_id="c", height=7, validators=ValidatorSet(members(1)).to_bytes(),
        validators_form="wire", votes=column_pb2.Column(offsets=bytes(4 * (n + 1))),
    ).SerializeToString()  # fmt: skip


def light(n: int) -> bytes:
    """Two light blocks of many validators."""
    voters = members(n)
    blocks = [
        encoding.light_block(LightBlock(signed(voters, height), Validators(voters, voters[0]))) for height in (7, 9)
    ]
    return consensus_pb2.LightVerifyRequest(
        chain="cometbft", trusted=blocks[0], light_blocks=rows(blocks[1]), trusting_period_ns=1 << 60, now_ns=NOW
    ).SerializeToString()


def many_blocks(n: int) -> bytes:
    """The trusted block again and again: the first step fails, and the others are not made."""
    voters = members(2)
    block = encoding.light_block(LightBlock(signed(voters), Validators(voters, voters[0])))
    return consensus_pb2.LightVerifyRequest(
        chain="cometbft", trusted=block, light_blocks=rows(*[block] * n), trusting_period_ns=1 << 60, now_ns=NOW
    ).SerializeToString()


# ---- ICS-23 ----------------------------------------------------------------------------------------------------------

LEAF = proofs_pb2.LeafOp(hash=1, prehash_value=1, length=1, prefix=b"\0\2\2")
STEP = proofs_pb2.InnerOp(hash=1, prefix=b"\2\4\2\x20", suffix=b"\x20" + ROOT)


def existence(key: bytes, steps: int = 0) -> proofs_pb2.ExistenceProof:
    return proofs_pb2.ExistenceProof(key=key, value=b"v", leaf=LEAF, path=[STEP] * steps)


def request(n: int, **parts: Any) -> bytes:
    keys = [hashlib.sha256(b"%d" % i).digest() for i in range(n)]
    return ics23_pb2.VerifyIcs23Request(
        spec_name="iavl", root=rows(ROOT), keys=rows(*keys), **parts
    ).SerializeToString()  # fmt: skip


def empty_proofs(n: int) -> bytes:
    return request(n, proofs=column_pb2.Column(offsets=bytes(4 * (n + 1))))


def one_batch(n: int, *, absent: bool = False) -> bytes:
    """One proof of many keys, asked for as many others."""
    entries = []
    for i in range(n):
        one = existence(b"%d" % i)
        entry = proofs_pb2.NonExistenceProof(key=b"", left=one, right=existence(b"%d+" % i)) if absent else None
        entries.append(proofs_pb2.BatchEntry(nonexist=entry) if absent else proofs_pb2.BatchEntry(exist=one))
    proof = proofs_pb2.CommitmentProof(batch=proofs_pb2.BatchProof(entries=entries)).SerializeToString()
    return request(n, proofs=rows(proof), values=None if absent else rows(*[b"v"] * n))


def compressed(n: int) -> bytes:
    """Entries with a hundred steps each, all of them the same one."""
    one = proofs_pb2.CompressedExistenceProof(key=b"k", value=b"v", leaf=LEAF, path=[0] * 100)
    entries = [proofs_pb2.CompressedBatchEntry(exist=one)] * n
    batch = proofs_pb2.CompressedBatchProof(entries=entries, lookup_inners=[STEP])
    return request(n, proofs=rows(proofs_pb2.CommitmentProof(compressed=batch).SerializeToString()))


def long_paths(n: int) -> bytes:
    proof = proofs_pb2.CommitmentProof(exist=existence(b"k", 100)).SerializeToString()
    return request(n, proofs=rows(*[proof] * n), values=rows(*[b"v"] * n))


def json_proofs(n: int) -> bytes:
    text = json.dumps({"exist": {"key": "aw==", "value": "dg==", "path": [{"hash": "SHA256", "prefix": "AA=="}] * 20}})
    return request(n, proofs=rows(*[text.encode()] * n), values=rows(*[b"v"] * n), json=True)


FAMILIES = [
    ("VerifyCommit", "validators and their votes", commit),
    ("VerifyCommit", "votes by strangers", strangers),
    ("VerifyCommit", "JSON: validators and slots", json_commit),
    ("VerifyCommit", "JSON: pages of validators", many_pages, "validators"),
    ("VerifyCommits", "headers with one vote", commits),
    ("VerifyCommits", "headers without content", empty_headers, "signed_headers"),
    ("VerifyVotes", "votes and validators", votes),
    ("VerifyVotes", "votes without content", empty_votes, "votes"),
    ("LightVerify", "validators of light blocks", light),
    ("LightVerify", "light blocks", many_blocks),
    ("VerifyIcs23", "proofs without content", empty_proofs),
    ("VerifyIcs23", "entries of one batch and keys", one_batch),
    ("VerifyIcs23", "neighbours of one batch and keys", lambda n: one_batch(n, absent=True)),
    ("VerifyIcs23", "compressed entries with long paths", compressed),
    ("VerifyIcs23", "proofs with long paths", long_paths),
    ("VerifyIcs23", "JSON: proofs", json_proofs),
]
