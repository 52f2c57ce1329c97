"""Requests made to cost more than they should, one family per loop over data that callers choose.

A family is a function from a size to a serialised request that has about so many of the things that it is named after.
Products of two of them are where quadratic costs hide, so both grow together.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pycore import MerkleFrontier, bundle
from pycore._pb.ledgers.chainmaker.v1 import block_pb2 as chain
from pycore._pb.ledgers.chainmaker.v1 import consensus_pb2, transaction_pb2
from pycore._pb.validation.v1 import block_pb2, bundle_pb2, column_pb2, hash_pb2, merkle_pb2, signature_pb2
from pycore.bundle import Bundle, Inclusion, Statement
from pycore.ledgers.cometbft import encoding
from pycore.ledgers.cometbft.evidence import duplicate_vote
from pycore.testing.cometbft import Chain, make_vote

from .hostile_consensus import FAMILIES as CONSENSUS

Make = Callable[[int], bytes]


@dataclass(frozen=True)
class Family:
    """Attributes:
    method: the RPC.
    name: what there is much of.
    make: size -> serialised request.
    refused: what the refusal of a large one mentions; "" where size alone is never a reason.
    size: from which on doubling it must double the work; larger where growth ends at a limit.
    """

    method: str
    name: str
    make: Make
    refused: str = ""
    size: int = 500


def ragged(count: int, width: int = 0) -> column_pb2.Column:
    offsets = b"".join((width * i).to_bytes(4, "little") for i in range(count + 1))
    return column_pb2.Column(data=bytes(width * count), offsets=offsets)


def fixed(count: int, width: int, fill: bytes = b"\x07") -> column_pb2.Column:
    return column_pb2.Column(data=fill * (count * width), width=width)


def u64(values: Iterable[int]) -> bytes:
    """A list of numbers as requests have them."""
    return b"".join(value.to_bytes(8, "little") for value in values)


# ---- signatures and hashes -----------------------------------------------------------------------------------------


def signatures(scheme: str, key: int, **options: Any) -> Make:
    def make(n: int) -> bytes:
        rng = random.Random(n)
        return signature_pb2.VerifySignaturesRequest(
            scheme=scheme,
            public_keys=column_pb2.Column(data=(b"\x02" + bytes(key - 2) + b"\x02") * n, width=key),
            signatures=column_pb2.Column(data=rng.randbytes(64 * n), width=64),
            messages=ragged(n),
            **options,
        ).SerializeToString()

    return make


def stream(n: int) -> bytes:
    batch = signature_pb2.VerifySignaturesRequest.FromString(signatures("ed25519", 32)(n))
    return signature_pb2.VerifySignatureStreamRequest(id=1, batch=batch).SerializeToString()


def empty_messages(n: int) -> bytes:
    return hash_pb2.HashBatchRequest(algorithm="sha512", messages=ragged(n)).SerializeToString()


# ---- trees ---------------------------------------------------------------------------------------------------------


def build(n: int, **options: Any) -> bytes:
    return merkle_pb2.BuildMerkleTreeRequest(leaves=ragged(n), **options).SerializeToString()


def growth(n: int) -> bytes:
    """A proof of growth from every size."""
    return build(n, consistency_sizes=u64(range(1, n + 1)))


def deep(n: int) -> bytes:
    """One leaf, as deep as trees get, proved again and again."""
    return merkle_pb2.BuildMerkleTreeRequest(
        tree="ssz", hash="sha512", limit=(1 << 64) - 1, leaves=fixed(1, 64), indices=bytes(8 * n)
    ).SerializeToString()


def watched_state(n: int) -> bytes:
    """A tree whose state watches leaves that it does not have yet."""
    frontier = MerkleFrontier(watch=range(1 << 40, (1 << 40) + n))
    return merkle_pb2.AppendMerkleTreeRequest(state=frontier.to_bytes(), leaves=ragged(1)).SerializeToString()


def inclusion(n: int) -> bytes:
    return merkle_pb2.VerifyInclusionRequest(
        tree="ssz", limit=(1 << 64) - 1, root=fixed(1, 32), leaves=fixed(n, 32), proofs=ragged(n, 64 * 32),
        index=bytes(8 * n), leaf_count=u64([1]),
    ).SerializeToString()  # fmt: skip


def apart(n: int) -> bytes:
    """A multiproof without nodes, of leaves as far apart as a tree of 2^62 leaves lets them be."""
    return merkle_pb2.VerifyMultiproofRequest(
        root=bytes(32), leaves=ragged(n), indices=u64(i * ((1 << 62) // n) for i in range(n)), leaf_count=1 << 62
    ).SerializeToString()


def long_consistency(n: int) -> bytes:
    return merkle_pb2.VerifyConsistencyRequest(
        root_m=bytes(32), root_n=bytes(32), proof=bytes(32 * n), m=3, n=(1 << 64) - 1
    ).SerializeToString()


def deep_sparse(n: int) -> bytes:
    """Each proof has 256 levels, all but the lowest sibling empty."""
    proof = b"\x01" + (256).to_bytes(2, "little") + b"\x01" + bytes(31) + b"\x05" * 32
    return merkle_pb2.VerifySparseRequest(
        root=fixed(1, 32), keys=fixed(n, 32), values=ragged(n),
        proofs=column_pb2.Column(data=proof * n, width=len(proof)),
    ).SerializeToString()  # fmt: skip


def bare_trie(n: int) -> bytes:
    return merkle_pb2.VerifyTrieRequest(
        root=fixed(1, 32), keys=ragged(n), nodes=ragged(n), node_counts=u64([1] * n), hashed=True
    ).SerializeToString()


# ---- blocks --------------------------------------------------------------------------------------------------------


def block(content: chain.Block | chain.BlockInfo, **context: Any) -> bytes:
    document = json.dumps(context) if context else ""
    return block_pb2.ValidateBlockRequest(
        chain="chainmaker", block=content.SerializeToString(), context_json=document.encode()
    ).SerializeToString()


def header(**fields: Any) -> chain.BlockHeader:
    return chain.BlockHeader(block_height=7, block_hash=bytes(32), **fields)


def empty_transactions(n: int) -> bytes:
    return block(chain.Block(header=header(), txs=[transaction_pb2.Transaction()] * n), hash="SHA256")


def endorsers(n: int) -> bytes:
    entry = transaction_pb2.EndorsementEntry(signer=transaction_pb2.Member(org_id="o"), signature=b"s")
    each = transaction_pb2.Transaction(payload=transaction_pb2.Payload(tx_id="x"), endorsers=[entry] * 8)
    return block(chain.Block(header=header(), txs=[each] * n), hash="SHA256")


def edges(n: int) -> bytes:
    """A DAG of n edges between transactions."""
    count = max(2, int((2 * n) ** 0.5))
    rows = [chain.DAG.Neighbor(neighbors=range(i)) for i in range(count)]
    txs = [transaction_pb2.Transaction()] * count
    return block(chain.Block(header=header(), dag=chain.DAG(vertexes=rows), txs=txs), hash="SHA256")


def rebuilt(sets: Callable[[int, int], tuple[list[bytes], list[bytes]]]) -> Make:
    """n transactions with the reads and writes of `sets`, whose DAG is asked to be rebuilt."""

    def make(n: int) -> bytes:
        listed = []
        for i in range(n):
            reads, writes = sets(i, n)
            listed.append(
                transaction_pb2.TxRWSet(
                    tx_reads=[transaction_pb2.TxRead(key=key) for key in reads],
                    tx_writes=[transaction_pb2.TxWrite(key=key) for key in writes],
                )
            )
        txs, rows = [transaction_pb2.Transaction()] * n, [chain.DAG.Neighbor()] * n
        content = chain.Block(header=header(), dag=chain.DAG(vertexes=rows), txs=txs)
        return block(chain.BlockInfo(block=content, rwset_list=listed), hash="SHA256", rebuild_dag=True)

    return make


def implied(i: int, n: int) -> tuple[list[bytes], list[bytes]]:
    """Half of the transactions read a key that the other half writes, and each edge between them is implied."""
    if i == 0:
        return [], [b"a"]
    return ([b"k"], [b"a"]) if i < n // 2 else ([b"a"], [b"k"])


def readers_and_writers(i: int, n: int) -> tuple[list[bytes], list[bytes]]:
    return ([b"k"], []) if i < n // 2 else ([], [b"k"])


def equal_writes(i: int, n: int) -> tuple[list[bytes], list[bytes]]:
    """All read one key, and the last writes it as often as there are transactions."""
    return [b"k"], [b"k"] * (n if i == n - 1 else 0)


def votes(kind: str, strict: bool = True) -> Make:
    """As many votes as validators."""

    def make(n: int) -> bytes:
        names = [f"node{i}" for i in range(n)]
        if kind == "maxbft":
            made = [consensus_pb2.VoteData(author=name.encode(), block_id=bytes(32)) for name in names]
            key, data = "maxbftQC", consensus_pb2.QuorumCert(votes=made).SerializeToString()
        else:
            each = {name: consensus_pb2.Vote(voter=name, hash=bytes(32)) for name in names}
            key, data = "TBFTAddtionalDataKey", consensus_pb2.VoteSet(votes=each).SerializeToString()
        content = chain.Block(
            header=header(consensus_args=b"\x08\x01"), additional_data=chain.AdditionalData(extra_data={key: data})
        )
        rules = "strict" if strict else "compatible"
        return block(content, hash="SHA256", validators=names, rules=rules, auth_type="Public")

    return make


def context(text: Callable[[int], str]) -> Make:
    def make(n: int) -> bytes:
        content = chain.Block(header=header()).SerializeToString()
        return block_pb2.ValidateBlockRequest(
            chain="chainmaker", block=content, context_json=text(n).encode()
        ).SerializeToString()

    return make


def long_names(n: int) -> bytes:
    """A chain id as long as the block has transactions, all of another chain."""
    each = transaction_pb2.Transaction(payload=transaction_pb2.Payload(tx_id="x"))
    return block(chain.Block(header=header(), txs=[each] * n), hash="SHA256", chain_id="c" * n)


def members(field: str) -> Make:
    """As many members as the context has entries that a member might be looked for in."""
    key = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0"
    key += "f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

    def make(n: int) -> bytes:
        by_key = field == "public_keys"
        txs = []
        for i in range(n):
            info = (key if by_key else f"no certificate {i}").encode()
            signer = transaction_pb2.Member(org_id=f"org{i}", member_type=2 if by_key else 0, member_info=info)
            payload = transaction_pb2.Payload(contract_name="c", method="m", tx_id=f"x{i}")
            entry = transaction_pb2.EndorsementEntry(signer=signer, signature=b"s")
            txs.append(transaction_pb2.Transaction(payload=payload, sender=entry))
        entries: dict[str, Any] = {
            "trust_roots": {f"org{i}": ["no certificate"] for i in range(n)},
            "revoked": [f"{i:08x}" for i in range(n)],
            "public_keys": [{"key": key, "org_id": f"org{i}", "role": "CLIENT"} for i in range(n)],
        }
        auth = "PermissionedWithKey" if by_key else "PermissionedWithCert"
        data = chain.Block(header=header(), txs=txs)
        return block(data, hash="SHA256", auth_type=auth, **{field: entries[field]})

    return make


@functools.lru_cache
def cross_signed(n: int) -> bytes:
    """n authorities of one name, each of which may have issued each, and a member that one of them issued."""
    keys = [ec.derive_private_key(i + 1, ec.SECP256R1()) for i in range(n)]
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "org1")])
    start = datetime.datetime(2020, 1, 1)

    def issued(subject: x509.Name, key: Any, by: Any, number: int, *, ca: bool) -> str:
        made = x509.CertificateBuilder(name, subject, key.public_key(), number, start, start.replace(year=2040))
        if ca:
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    roots = [issued(name, keys[i], keys[i - 1], i + 1, ca=True) for i in range(n)]
    member = transaction_pb2.Member(
        org_id="org1", member_info=issued(name, keys[0], keys[-1], n + 1, ca=False).encode()
    )
    entry = transaction_pb2.EndorsementEntry(signer=member, signature=b"s")
    payload = transaction_pb2.Payload(contract_name="c", method="m", tx_id="x")
    data = chain.Block(header=header(), txs=[transaction_pb2.Transaction(payload=payload, sender=entry)])
    return block(data, hash="SHA256", trust_roots={"org1": roots})


@functools.lru_cache
def revocation_lists(n: int) -> bytes:
    """n authorities, n revocation lists of one of them, and n members."""
    keys = [ec.derive_private_key(i + 1, ec.SECP256R1()) for i in range(n)]
    start = datetime.datetime(2020, 1, 1)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])

    def issued(name: x509.Name, key: Any, number: int, *, ca: bool) -> str:
        made = x509.CertificateBuilder(name if ca else named("org0"), name, key.public_key(), number, start)
        made = made.not_valid_after(start.replace(year=2040))
        if ca:
            made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        by = key if ca else keys[0]
        return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    roots = {f"org{i}": [issued(named(f"org{i}"), keys[i], i + 1, ca=True)] for i in range(n)}
    crls = []
    for i in range(n):
        made = x509.CertificateRevocationListBuilder(named("org0"), start, start.replace(year=2040))
        entry = x509.RevokedCertificateBuilder(10**6 + i, start).build()
        crls.append(made.add_revoked_certificate(entry).sign(keys[0], hashes.SHA256()))
    txs = []
    for i in range(n):
        info = issued(named("org0"), keys[i], 10**7 + i, ca=False).encode()
        signer = transaction_pb2.Member(org_id="org0", member_info=info)
        sender = transaction_pb2.EndorsementEntry(signer=signer, signature=b"s")
        payload = transaction_pb2.Payload(contract_name="c", method="m", tx_id=f"x{i}")
        txs.append(transaction_pb2.Transaction(payload=payload, sender=sender))
    pem = serialization.Encoding.PEM
    listed = [crl.public_bytes(pem).decode() for crl in crls]
    return block(chain.Block(header=header(), txs=txs), hash="SHA256", trust_roots=roots, crls=listed)


def policies(n: int) -> bytes:
    """A policy of as many organisations as there are transactions under it."""
    each = transaction_pb2.Transaction(payload=transaction_pb2.Payload(contract_name="c", method="m", tx_id="x"))
    rule = {"rule": "ALL", "orgs": [f"org{i}" for i in range(n)]}
    return block(chain.Block(header=header(), txs=[each] * n), hash="SHA256", policies={"c-m": rule})


def run_of_blocks(n: int) -> bytes:
    """A message of blocks that are next to nothing, up to the most that a message may have."""
    content = chain.Block(header=header()).SerializeToString()
    return block_pb2.ValidateBlocksRequest(chain="chainmaker", blocks=[content] * n).SerializeToString()


def run_of_changes(n: int) -> bytes:
    """Members that add certificates, which cannot be read, to a run's context."""
    payload = transaction_pb2.Payload(contract_name="CERT_MANAGE", method="CERT_ADD", tx_id="x" * 64)
    each = transaction_pb2.Transaction(payload=payload)
    content = chain.Block(header=header(), txs=[each] * n).SerializeToString()
    return block_pb2.ValidateBlocksRequest(chain="chainmaker", blocks=[content] * 2).SerializeToString()


def checkpoint(n: int) -> bytes:
    """A checkpoint whose context has many validators."""
    document = {
        "format": 1, "chain": "chainmaker", "height": 6, "block_hash": "00" * 32, "broken": None, "unclear": "",
        "proposer": None, "context": {"validators": ["ab"] * n},
    }  # fmt: skip
    return block_pb2.ValidateBlocksRequest(
        chain="chainmaker", checkpoint_json=json.dumps(document).encode(),
        blocks=[chain.Block(header=header()).SerializeToString()],
    ).SerializeToString()  # fmt: skip


def consensus_arguments(n: int) -> bytes:
    """A header whose consensus arguments write n balances and no epoch."""
    rows = [transaction_pb2.TxWrite(contract_name="DPOS_ERC20", key=b"%d" % i) for i in range(n)]
    arguments = consensus_pb2.BlockHeaderConsensusArgs(
        consensus_type=5, consensus_data=transaction_pb2.TxRWSet(tx_writes=rows)
    )
    content = chain.Block(header=header(tx_count=1, consensus_args=arguments.SerializeToString()))
    return block(content, hash="SHA256", consensus="dpos")


def turns(n: int) -> bytes:
    """A certificate of a round so late that each of n validators might have proposed; somebody else did."""
    key = ec.derive_private_key(1, ec.SECP256R1()).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    member = transaction_pb2.Member(member_type=2, member_info=pem)
    votes = consensus_pb2.VoteSet(type=1, height=7, round=2**31 - 1)
    content = chain.Block(header=header(tx_count=1, block_version=2030700, proposer=member))
    content.additional_data.extra_data["TBFTAddtionalDataKey"] = votes.SerializeToString()
    known = {"validators": [f"node{i}" for i in range(n)], "blocks_per_proposer": 1, "previous_proposer": "node0"}
    return block(content, hash="SHA256", auth_type="Public", **known)


# ---- bundles -------------------------------------------------------------------------------------------------------

TRUSTED = {"format": 1, "chain": "chainmaker", "chain_id": "c", "height": 6, "block_hash": "11" * 32}


def proof(height: int, headers: Iterable[bytes], trusted: dict[str, Any], **parts: Any) -> bytes:
    """A request to verify a bundle for a state at a height."""
    known = {"hash": "SHA256", "consensus": "tbft", "auth_type": "Public", **trusted}
    state = TRUSTED | {"height": height, "context": known}
    made = Bundle("chainmaker", "c", height, bytes.fromhex("11" * 32), tuple(headers), **parts)
    return bundle_pb2.VerifyBundleRequest(
        trusted_json=json.dumps(state).encode(), bundle=bundle.to_bytes(made)
    ).SerializeToString()


def long_chain(n: int) -> bytes:
    """n headers, each with the hash of the one before, up to a block that is not the trusted one."""
    found, before = [], bytes(32)
    for height in range(n):
        data = chain.BlockHeader(block_height=height, pre_block_hash=before, chain_id="c").SerializeToString()
        before = hashlib.sha256(data).digest()
        found.append(data)
    return proof(n - 1, found, {})


def many_nodes(n: int) -> bytes:
    head = chain.BlockHeader(block_height=7, chain_id="c", tx_count=2, tx_root=bytes(32), pre_block_hash=b"\x11" * 32)
    digest = hashlib.sha256(head.SerializeToString()).digest()
    where = Inclusion(0, 2, (bytes(32),) * n)
    state = TRUSTED | {"height": 7, "block_hash": digest.hex(), "context": {"hash": "SHA256"}}
    head.block_hash = digest
    made = Bundle("chainmaker", "c", 7, digest, (head.SerializeToString(),), b"", where, Statement("transaction", b"x"))
    return bundle_pb2.VerifyBundleRequest(
        trusted_json=json.dumps(state).encode(), bundle=bundle.to_bytes(made)
    ).SerializeToString()


def proven_votes(n: int) -> bytes:
    """As many votes as validators, by nobody's certificate."""
    names = [f"node{i}" for i in range(n)]
    each = {name: consensus_pb2.Vote(voter=name, hash=b"\x22" * 32, type=1, height=7) for name in names}
    votes = consensus_pb2.VoteSet(type=1, height=7, votes=each).SerializeToString(deterministic=True)
    head = chain.BlockHeader(block_height=7, chain_id="c", block_hash=b"\x22" * 32, pre_block_hash=b"\x11" * 32)
    return proof(6, [head.SerializeToString()], {"validators": names}, certificate=votes)


def committed(n: int) -> bytes:
    """A transaction with n parameters that the trusted block has."""
    pairs = [transaction_pb2.KeyValuePair()] * n
    item = transaction_pb2.Transaction(payload=transaction_pb2.Payload(parameters=pairs)).SerializeToString()
    head = chain.BlockHeader(block_height=7, chain_id="c", tx_count=1, tx_root=hashlib.sha256(item).digest())
    digest = hashlib.sha256(head.SerializeToString()).digest()
    head.block_hash = digest
    state = TRUSTED | {"height": 7, "block_hash": digest.hex(), "context": {"hash": "SHA256"}}
    claim = Statement("transaction", item)
    made = Bundle("chainmaker", "c", 7, digest, (head.SerializeToString(),), b"", Inclusion(0, 1), claim)
    return bundle_pb2.VerifyBundleRequest(
        trusted_json=json.dumps(state).encode(), bundle=bundle.to_bytes(made)
    ).SerializeToString()


def cometbft(change: Callable[[int, Any], dict[str, Any]]) -> Make:
    """A block of CometBFT with parts, and a context, that `change` makes so large."""
    whole = Chain(blocks=2, validators=4, seed=1)

    def make(n: int) -> bytes:
        parts = change(n, whole)
        document = {**whole.context(1), **parts.pop("context", {})}
        content = encoding.block(replace(whole.blocks[1], **parts))
        return block_pb2.ValidateBlockRequest(
            chain="cometbft", block=content, context_json=json.dumps(document).encode()
        ).SerializeToString()

    return make


def cometbft_slots(n: int, whole: Chain) -> dict[str, Any]:
    """Votes of one validator in many slots."""
    last = whole.blocks[1].last_commit
    assert last is not None
    return {"last_commit": replace(last, signatures=(*last.signatures, *([last.signatures[0]] * n)))}


def cometbft_evidence(n: int, whole: Chain) -> dict[str, Any]:
    """Evidence of one kind, each piece another one."""
    votes = [make_vote(whole.signers[0][0], height=1, block_id=one) for one in whole.block_ids]
    made = duplicate_vote(votes[0], votes[1], whole.validators(0), whole.blocks[0].header.time_ns)
    return {"evidence": tuple(replace(made, total_power=i) for i in range(n))}


def cometbft_validators(n: int, whole: Chain) -> dict[str, Any]:
    """Validators of this block and of those after it."""
    rows = [{"public_key": i.to_bytes(32, "little").hex(), "power": 1} for i in range(n + 2)]
    return {"context": {"validators": rows, "later_validators": [rows[1:]]}}


FAMILIES = [
    Family("VerifySignatures", "Ed25519 signatures", signatures("ed25519", 32)),
    Family("VerifySignatures", "SM2 signatures, longest user id", signatures("sm2", 33, user_id=bytes(8191))),
    Family("VerifySignatureStream", "Ed25519 signatures", stream),
    Family("HashBatch", "empty messages", empty_messages, "messages"),
    Family("BuildMerkleTree", "proofs of every leaf", lambda n: build(n, indices=u64(range(n))), "indices"),
    Family("BuildMerkleTree", "proofs of one leaf 64 levels deep", deep, "indices"),
    Family("BuildMerkleTree", "every second leaf", lambda n: build(n, multiproof_indices=u64(range(0, n, 2)))),
    Family("BuildMerkleTree", "consistency", growth, "consistency_sizes"),
    Family("AppendMerkleTree", "watched leaves in a state", watched_state, "state"),
    Family("VerifyInclusion", "proofs of 64 levels", inclusion),
    Family("VerifyMultiproof", "leaves far apart", apart),
    Family("VerifyConsistency", "nodes", long_consistency),
    Family("VerifySparse", "proofs of 256 levels", deep_sparse),
    Family("VerifyTrie", "empty keys and nodes", bare_trie),
    Family("ValidateBlock", "empty transactions", empty_transactions),
    Family("ValidateBlock", "endorsers", endorsers),
    Family("ValidateBlock", "DAG edges", edges),
    Family("ValidateBlock", "rebuilt DAG, implied edges", rebuilt(implied)),
    Family("ValidateBlock", "rebuilt DAG, half read what half write", rebuilt(readers_and_writers), "block.dag", 1200),
    Family("ValidateBlock", "rebuilt DAG, equal writes", rebuilt(equal_writes)),
    Family("ValidateBlock", "MaxBFT votes and validators", votes("maxbft")),
    Family("ValidateBlock", "MaxBFT votes and validators, compatible", votes("maxbft", strict=False)),
    Family("ValidateBlock", "TBFT votes and validators", votes("tbft")),
    Family("ValidateBlock", "DPoS consensus arguments", consensus_arguments),
    Family("ValidateBlock", "turns of validators", turns),
    Family("ValidateBlock", "CometBFT slots", cometbft(cometbft_slots)),
    Family("ValidateBlock", "CometBFT evidence", cometbft(cometbft_evidence), size=50),
    Family("ValidateBlock", "CometBFT validators", cometbft(cometbft_validators)),
    Family("ValidateBlock", "context: validators", context(lambda n: json.dumps({"validators": ["ab"] * n}))),
    Family("ValidateBlock", "context: empty arrays", context(lambda n: '{"nodes": [' + "[]," * n + "0]}")),
    Family("ValidateBlock", "context: levels", context(lambda n: '{"a":' * n + "0" + "}" * n), "context_json"),
    Family("ValidateBlock", "context: digits", context(lambda n: '{"height": ' + "9" * n + "}"), "context_json"),
    Family(
        "ValidateBlock", "context: one name", context(lambda n: "{" + '"time": 1,' * n + '"time": 2}'), "context_json"
    ),
    Family("ValidateBlock", "context: open texts", context(lambda n: "[" * 20 + '"' + '\\"' * n), "context_json"),
    Family("ValidateBlock", "chain id and transactions", long_names),
    Family("ValidateBlock", "policy organisations and transactions", policies),
    Family("ValidateBlock", "authorities of one name", cross_signed, size=48),
    Family("ValidateBlock", "authorities, revocation lists and members", revocation_lists, size=300),
    Family("ValidateBlock", "trust roots and members", members("trust_roots")),
    Family("ValidateBlock", "revocations and members", members("revoked")),
    Family("ValidateBlock", "registered keys and members", members("public_keys")),
    Family("ValidateBlocks", "blocks without content", run_of_blocks, "blocks", size=100),
    Family("ValidateBlocks", "certificates that members add", run_of_changes),
    Family("ValidateBlocks", "checkpoint: validators", checkpoint),
    Family("VerifyBundle", "headers up to the trusted one", long_chain),
    Family("VerifyBundle", "nodes of a proof", many_nodes),
    Family("VerifyBundle", "votes and validators", proven_votes),
    Family("VerifyBundle", "parameters of a transaction", committed),
    Family("AdvanceTrust", "votes and validators", proven_votes),
    *(Family(*row, size=130) for row in CONSENSUS),
    Family("GetCapabilities", "nothing", lambda n: b""),
]


def composed(seed: int) -> Make:
    """A block of several hostile parts, chosen by the seed, under one context."""
    rng = random.Random(seed)
    shares = [rng.uniform(0.2, 1.0) for _ in range(5)]
    kind = rng.choice(["maxbft", "tbft"])
    sets = rng.choice([implied, equal_writes])

    def make(n: int) -> bytes:
        parts = [
            block_pb2.ValidateBlockRequest.FromString(one)
            for one in (
                votes(kind)(max(4, int(n * shares[0]))), rebuilt(sets)(max(4, int(n * shares[1]))),
                context(lambda m: json.dumps({"validators": [f"v{i}" for i in range(m)]}))(int(n * shares[2])),
            )
        ]  # fmt: skip
        documents = [json.loads(part.context_json) for part in parts]
        merged = chain.BlockInfo.FromString(parts[1].block)
        merged.block.additional_data.CopyFrom(chain.Block.FromString(parts[0].block).additional_data)
        merged.block.header.consensus_args = b"\x08\x01"
        return block(merged, **{key: value for one in documents for key, value in one.items()})

    return make
