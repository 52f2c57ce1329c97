"""XuperChain for tests: keys, signed transactions and blocks with certificates, from a seed. The private keys can be
computed by anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pycore.ledgers.scan import Spans
from pycore.ledgers.xuper import encoding, headers, records
from pycore.ledgers.xuper.columns import open_transactions
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.keys import P256, SCHEMES, SM2, address_of, key_text
from pycore.ledgers.xuper.messages import ContractEvent, InternalBlock, QuorumCert, Transaction

from . import _deterministic, _sign

CURVES = {"p-256": P256, "sm2": SM2}
START_HEIGHT = 100
"""Height of the first block that is made; it follows a block that is not."""
TIME = 1_700_000_000_000_000_000
"""Time stamp of that block, nanoseconds."""
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair. text: the public key as the chain writes it; address: of it."""

    kind: int
    secret: bytes
    point: bytes
    text: str
    address: str

    def sign(self, digest: bytes) -> bytes:
        """DER, over a digest of 32 bytes."""
        return sign_all([self], np.frombuffer(digest, np.uint8).reshape(1, 32))[0]


def make_keys(seed: int, label: str, count: int, crypto: str = "p-256") -> list[Key]:
    """Keys on a curve, "p-256" or "sm2"."""
    kind = CURVES[crypto]
    secrets = _deterministic.rows(seed, "xuper", label, crypto, count=count, width=32)
    points = [row.tobytes() for row in _sign.public_keys(SCHEMES[kind], secrets)]
    return [
        Key(kind, secret.tobytes(), point, key_text(kind, point), address_of(kind, point))
        for secret, point in zip(secrets, points, strict=True)
    ]


def sign_all(keys: Sequence[Key], digests: npt.NDArray[np.uint8]) -> list[bytes]:
    """DER signatures: of digests[i], uint8 (n, 32), by keys[i]."""
    found: list[bytes] = [b""] * len(keys)
    for kind, scheme in SCHEMES.items():
        rows = [i for i, key in enumerate(keys) if key.kind == kind]
        if rows:
            secrets = np.frombuffer(b"".join(keys[i].secret for i in rows), np.uint8).reshape(-1, 32)
            made = _sign.sign(scheme, secrets, np.ascontiguousarray(digests[rows]), prehashed=True, user_id=None)
            for i, compact in zip(rows, made, strict=True):
                found[i] = _sign.der_signature(compact.tobytes())
    return found


@dataclass(slots=True)
class Draft:
    """A transaction to sign: by `initiator` - one key, or several for an account -, and by `others`, in the order of
    its auth_require."""

    tx: Any
    initiator: list[Key]
    others: list[Key]


def sign_drafts(drafts: Sequence[Draft]) -> list[Any]:
    """The transactions with signatures and ids."""
    for draft in drafts:
        for name in ("initiator_signs", "auth_require_signs", "txid"):
            draft.tx.ClearField(name)
    digests = digests_of([draft.tx for draft in drafts]).signed
    pairs = [(i, key, "initiator_signs") for i, draft in enumerate(drafts) for key in draft.initiator]
    pairs += [(i, key, "auth_require_signs") for i, draft in enumerate(drafts) for key in draft.others]
    rows = np.array([i for i, _, _ in pairs], np.intp)
    for (i, key, name), signature in zip(pairs, sign_all([key for _, key, _ in pairs], digests[rows]), strict=True):
        getattr(drafts[i].tx, name).add(public_key=key.text, sign=signature)
    txs = [draft.tx for draft in drafts]
    set_ids(txs)
    return txs


def digests_of(txs: Sequence[Any]) -> encoding.Digests:
    """What transactions are signed over, and their ids."""
    columns = open_transactions(Spans.joined([tx.SerializeToString() for tx in txs]), None)
    return encoding.digests(columns, None)


def set_ids(txs: Sequence[Any]) -> None:
    """Gives transactions their ids."""
    for tx, row in zip(txs, digests_of(txs).txid, strict=True):
        tx.txid = row.tobytes()


class XuperMaker:
    """Makes a test chain.

    Attributes:
        users: keys that sign transactions; the i-th transaction of a block is that of user i, in turn.
        validators: keys of the nodes.
        context: in which every check of a block of :meth:`chain` passes, but for the place of a block.
    """

    def __init__(
        self, seed: int = 0, *, crypto: str = "p-256", version: int = 3, users: int = 8, validators: int = 4
    ) -> None:
        self.seed, self.crypto, self.version = seed, crypto, version
        self.users = make_keys(seed, "users", users, crypto)
        self.validators = make_keys(seed, "validators", validators, crypto)
        self.context = XuperContext(
            crypto=crypto, consensus="chained-bft", start_height=START_HEIGHT,
            validators=tuple(key.address for key in self.validators),
        )  # fmt: skip
        self.origin = _deterministic.stream(seed, "xuper", "origin", size=32)

    # ---- transactions ------------------------------------------------------------------------------------------------

    def draft(self, index: int, *, height: int = START_HEIGHT, version: int | None = None) -> Draft:
        """A transfer (even index) or a call of a contract that writes values and puts out an event (odd), unsigned."""
        key = self.users[index % len(self.users)]
        ref = _deterministic.stream(self.seed, "xuper", "ref", height, index, size=32)
        tx = Transaction(
            nonce=f"{height}{index:08}", timestamp=TIME + height * _SECOND + index, initiator=key.address,
            version=self.version if version is None else version, auth_require=[key.address],
            desc=b"transfer <from> test & \xe2\x80\xa8",
        )  # fmt: skip
        tx.tx_inputs.add(ref_txid=ref, ref_offset=index % 3, from_addr=key.address.encode(), amount=b"\x01\0")
        tx.tx_outputs.add(amount=b"\xf0", to_addr=self.users[(index + 1) % len(self.users)].address.encode())
        tx.tx_outputs.add(amount=b"\x10", to_addr=b"$")
        if index % 2:
            call = tx.contract_requests.add(module_name="wasm", contract_name="counter", method_name="increase")
            call.args["key"], call.args["caller"] = b"visits", key.address.encode()
            for kind, limit in enumerate((5000, 70000, 90, 0)):
                call.resource_limits.add(type=kind, limit=limit)
            tx.tx_inputs_ext.add(bucket="counter", key=b"visits", ref_txid=ref, ref_offset=0)
            tx.tx_outputs_ext.add(bucket="counter", key=b"visits", value=str(index).encode())
            event = ContractEvent(contract="counter", name="increase", body=f'{{"n":{index}}}'.encode())
            tx.tx_outputs_ext.add(bucket=records.TRANSIENT, key=records.EVENTS, value=records.write([event]))
        return Draft(tx, [key], [key])

    def award(self, height: int, proposer: Key) -> Any:
        """The award of a block, which nobody signs."""
        tx = Transaction(version=self.version, coinbase=True, desc=b"award", timestamp=TIME + height * _SECOND,
                         nonce=f"{height}")  # fmt: skip
        tx.tx_outputs.add(amount=b"\x0f\x42\x40", to_addr=proposer.address.encode())
        set_ids([tx])
        return tx

    def transactions(self, count: int, height: int = START_HEIGHT) -> list[Any]:
        """Signed transactions of a block; without its award."""
        return sign_drafts([self.draft(index, height=height) for index in range(count)]) if count else []

    # ---- blocks ------------------------------------------------------------------------------------------------------

    def block(
        self, height: int, previous: bytes, txs: Sequence[Any], *, justify: Any = None, term: int = 1,
        proposer: Key | None = None, change: Callable[[Any], None] | None = None,
    ) -> Any:  # fmt: skip
        """A block with its award, signed. change: what is done to it before it gets its id."""
        proposer = proposer or self.proposer(height)
        every = [self.award(height, proposer), *txs]
        leaves = np.frombuffer(b"".join(tx.txid for tx in every), np.uint8).reshape(-1, 32)
        levels = headers.tree_levels(leaves)
        made = InternalBlock(
            version=1, pre_hash=previous, proposer=proposer.address.encode(), pubkey=proposer.text.encode(),
            merkle_root=levels[-1][0].tobytes(), merkle_tree=headers.tree_array(levels), height=height,
            timestamp=TIME + height * _SECOND, tx_count=len(every), cur_term=term, cur_block_num=height % 10,
            in_trunk=True,
        )  # fmt: skip
        if justify is not None:
            made.justify.CopyFrom(justify)
        if change is not None:
            change(made)
        seal(made, proposer)
        for tx in every:
            tx.blockid = made.blockid
        made.transactions.extend(every)
        return made

    def proposer(self, height: int) -> Key:
        """Whose turn it is."""
        return self.validators[height % len(self.validators)]

    def justify(self, block: Any, voters: Sequence[Key] | None = None) -> Any:
        """The certificate of a block: by all validators but the next proposer, who collects the votes."""
        if voters is None:
            voters = [key for key in self.validators if key is not self.proposer(block.height + 1)]
        before = QuorumCert(proposal_id=block.pre_hash, view_number=block.height - 1)
        made = QuorumCert(proposal_id=block.blockid, proposal_msg=before.SerializeToString(), view_number=block.height)
        for key in voters:
            made.sign_infos.qc_sign_infos.add(address=key.address, public_key=key.text, sign=key.sign(block.blockid))
        return made

    def chain(self, blocks: int, txs: int) -> list[Any]:
        """Blocks one after another, each with the certificate of the one before; the first has none."""
        made: list[Any] = []
        for height in range(START_HEIGHT, START_HEIGHT + blocks):
            before = made[-1] if made else None
            justify = None if before is None or len(self.validators) == 1 else self.justify(before)
            previous = self.origin if before is None else before.blockid
            made.append(self.block(height, previous, self.transactions(txs, height), justify=justify))
        return made


def seal(block: Any, proposer: Key) -> None:
    """Gives a block its id and its proposer's signature."""
    block.blockid = headers.block_id(block)
    block.sign = proposer.sign(block.blockid)
