"""Evidence made from a seed: files notarised on a ChainMaker ledger, and in a log. Test data only."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import pycore
from pycore.evidence.log import SCHEMES, LogEvidence, TreeHead, TrustedLog, signed_bytes
from pycore.ledgers import get
from pycore.ledgers.proof import Bundle, Statement, Trusted

from . import _deterministic
from ._sign import der_signature, public_keys, sign
from .chainmaker import FIRST_HEIGHT, BlockBuilder, Call, Event
from .consortium import CHAIN_ID, FIRST_TIMESTAMP
from .ledger import BlockSequence, GeneratedLedger
from .parameters import LedgerParameters

CONTRACT = "pycore_test_evidence"
FORMS = ("cmevi", "cmevi-batch", "fact", "hexadecimal", "base64", "bytes", "failed")
"""Ways in which a generated call carries a digest; "failed" is CMEVI's call that came to nothing."""
_FAILED = 4  # TxStatusCode: the contract failed


@dataclass(frozen=True)
class GeneratedEvidence:
    """A ledger on which files are notarised.

    Attributes:
        ledger: the blocks.
        places: file -> block and transaction, counted from 0.
    """

    ledger: GeneratedLedger
    places: Mapping[str, tuple[int, int]]

    def trusted(self, block: int = 0) -> Trusted:
        """The state after a block."""
        data, context = self.ledger.blocks[block], self.ledger.context
        chain: Any = get("chainmaker")
        digest = chain.block_digests(data, hash=context.hash)["block_hash"]
        return Trusted("chainmaker", CHAIN_ID, chain.block_height(data), digest, context)

    def bundle(self, file: str, kind: str = "transaction", *, event: int = 0, trusted: Trusted | None = None) -> Bundle:
        """The proof of a file's transaction or event, for the trusted state (None: after the first block)."""
        block, tx = self.places[file]
        known = self.trusted() if trusted is None else trusted
        sources: dict[str, Any] = {"block": self.ledger.block_info(block), "index": tx}
        if known.height > block + FIRST_HEIGHT:
            sources["following"] = [self.ledger.blocks[i] for i in range(block + 1, known.height - FIRST_HEIGHT + 1)]
        proofs: Any = get("chainmaker").proofs  # type: ignore[attr-defined]
        made: Bundle = proofs.make(sources, Statement(kind, event=event), known)
        return made


def generate_evidence(
    files: Mapping[str, bytes],
    *,
    form: str = "cmevi",
    algorithm: str = "sm3",
    named: str | None = None,
    blocks: int = 4,
    txs_per_block: int = 6,
    suite: str = "sm2",
    authentication: str = "certificate",
    consensus: str = "tbft",
    seed: int = 0,
) -> GeneratedEvidence:
    """A chain on which each file is notarised once, at a place after the first block that the seed decides.

    Args:
        files: name -> content; fewer than there are transactions after the first block.
        form: one of FORMS.
        algorithm: the hash of the digests.
        named: the hash that CMEVI's metadata name; None: `algorithm`; "": none.
        blocks, txs_per_block, suite, authentication, consensus, seed: as for :func:`pycore.testing.generate_ledger`.

    >>> made = generate_evidence({"report.txt": b"abc"}, suite="p256", seed=1)
    >>> made.places
    {'report.txt': (2, 0)}
    """
    parameters = LedgerParameters(
        chain="chainmaker", blocks=blocks, txs_per_block=txs_per_block, suite=suite, signers=4, seed=seed,
        invalid_every=0, organisations=4, endorsed_every=0, authentication=authentication, consensus=consensus,
    )  # fmt: skip
    parameters.check()
    free = [(block, tx) for block in range(1, blocks) for tx in range(txs_per_block)]
    chosen = sorted(random.Random(f"evidence {seed}").sample(free, len(files)))
    calls = {}
    for number, ((file, data), place) in enumerate(zip(files.items(), chosen, strict=True)):
        digest = pycore.hash(algorithm, data)
        calls[place] = _call(form, file, digest, algorithm if named is None else named, number)
    builder = BlockBuilder(parameters, lambda block, tx: calls.get((block, tx)))
    ledger = GeneratedLedger(
        parameters, BlockSequence(builder, blocks, {}), builder.consortium.context(parameters.consensus), ()
    )
    return GeneratedEvidence(ledger, dict(zip(files, chosen, strict=True)))


def _call(form: str, file: str, digest: bytes, named: str, number: int) -> Call:
    """A transaction that carries the digest."""
    written, serial = digest.hex(), f"evidence-{number}"
    about = {"hashType": "file", "hashAlgorithm": named, "username": "a clerk of pycore.testing", "timestamp": "0"}
    metadata = json.dumps({key: value for key, value in about.items() if value})
    if form in ("cmevi", "failed"):
        given = (("id", serial.encode()), ("hash", written.encode()), ("metadata", metadata.encode()))
        event = Event("Evidence", (serial, written, metadata))
        return Call(CONTRACT, "Evidence", given, (event,), _FAILED if form == "failed" else 0)
    if form == "cmevi-batch":
        other = {"id": "another", "hash": "00" * len(digest), "metadata": metadata}
        listed = json.dumps([other, {"id": serial, "hash": written, "metadata": metadata}])
        return Call(CONTRACT, "EvidenceBatch", (("evidences", listed.encode()),))
    if form == "fact":
        given = (("file_hash", written.encode()), ("file_name", file.encode()), ("time", b"1767225600"))
        return Call(CONTRACT, "save", given, (Event("topic_vx", (written, file)),))
    value = {"hexadecimal": f"0x{written.upper()}".encode(), "base64": base64.b64encode(digest), "bytes": digest}[form]
    events = () if form == "bytes" else (Event("kept", ("note", value.decode())),)
    return Call(CONTRACT, "keep", (("note", b"a digest follows"), ("document", value)), events)


def generate_log(
    leaves: Sequence[bytes],
    index: int,
    *,
    scheme: str = "ecdsa-p256",
    profile: str = "rfc9162",
    hash: str | None = None,
    extensions: bytes = b"",
    seed: int = 0,
) -> tuple[LogEvidence, TrustedLog]:
    """A log of these entries, the evidence of one of them, and the log as a reader trusts it.

    Args:
        leaves: the entries' data.
        index: of the entry.
        scheme, profile, hash: as in :class:`pycore.evidence.TrustedLog`; None: the scheme's hash.
        extensions: of the tree head, encoded ("rfc9162").
        seed: decides the key.
    """
    hash_name = SCHEMES[scheme][1] if hash is None else hash
    secret = np.frombuffer(hashlib.sha256(_deterministic.stream(seed, "log", size=32)).digest(), np.uint8)[None, :]
    key = public_keys(scheme, secret)[0].tobytes()
    tree = pycore.MerkleTree(leaves, tree="rfc9162", hash=hash_name)
    head = TreeHead(FIRST_TIMESTAMP * 1000 + 250, len(leaves), tree.root, extensions)
    compact = sign(scheme, secret, [signed_bytes(profile, head)])[0].tobytes()
    signature = compact if scheme == "ed25519" else der_signature(compact)
    if profile == "rfc6962":
        signature = SCHEMES[scheme][0] + len(signature).to_bytes(2, "big") + signature
    log_id = hashlib.sha256(key).digest() if profile == "rfc6962" else bytes.fromhex("2b0601040182d60401")
    trusted = TrustedLog(profile, log_id, scheme, key, hash_name)
    path = tuple(bytes(node) for node in tree.proof(index))
    return LogEvidence(profile, log_id, head, signature, index, path, leaves[index]), trusted
