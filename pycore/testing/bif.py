"""BIF ledgers made from a seed: signed transactions, blocks with proofs, contexts. Test data only: anybody can compute
the private keys.

>>> from pycore import ledgers
>>> from pycore.testing.bif import BifLedger
>>> made = BifLedger(blocks=3, transactions=4, seed=1)
>>> report = ledgers.get("bif").validate_block(made.blocks[1], made.context_for(1))
>>> report.valid, report.complete
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pycore._pb.ledgers.bif.v1 import consensus_pb2, ledger_pb2, transaction_pb2
from pycore.base.columns import quote
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.bif import base58, keys
from pycore.ledgers.bif.context import BifContext, Validator
from pycore.ledgers.bif.headers import block_hash, hashed_form, write_validators

from . import _deterministic
from ._sign import public_keys, sign

FIRST_HEIGHT = 2
"""Height of a generated ledger's first block; the one before it is the genesis block."""
_START = 1_700_000_000_000_000  # microseconds
_SECOND = 1_000_000
_PRIVATE_HEAD = bytes.fromhex("189e99")
_PRIVATE_TAIL = b"f"
_LETTERS = {"ed25519": b"e", "sm2": b"z"}


@dataclass(frozen=True)
class Signer:
    """A key pair: scheme ("ed25519" or "sm2"), 32 secret bytes, and the public key's text and address."""

    scheme: str
    secret: bytes
    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The public key as the chain writes it."""
        return keys.write_key(self.scheme, self.raw)

    @property
    def address(self) -> str:
        """Its address without a chain code."""
        return keys.address_of(self.scheme, self.raw)

    @property
    def private_text(self) -> str:
        """The private key as the chain writes it: "priSPK..." for Ed25519, "priSrr..." for SM2.

        base58(18 9e 99 || kind || 66 || 32 bytes); BIF-Core-SDK-Go, private_key_manager.go.
        """
        return base58.encode(_PRIVATE_HEAD + _LETTERS[self.scheme] + _PRIVATE_TAIL + self.secret)

    def sign(self, message: bytes) -> bytes:
        """64 bytes over the message as it is."""
        return sign_all([self], [message])[0]


def make_signers(scheme: str, count: int, *, seed: int = 0, label: str = "signer") -> list[Signer]:
    """`count` key pairs; the same arguments give the same ones everywhere."""
    if scheme not in _LETTERS:
        raise InputError("scheme", quote(scheme), "'ed25519' or 'sm2'")
    secrets = _deterministic.rows(seed, "bif", label, scheme, count=count, width=32)
    return [
        Signer(scheme, secret.tobytes(), raw.tobytes())
        for secret, raw in zip(secrets, public_keys(scheme, secrets), strict=True)
    ]


def read_private_key(text: str) -> Signer:
    """The key pair of a private key's text. InputError where it is not one."""
    data = base58.decode(text)
    letters = {letter: scheme for scheme, letter in _LETTERS.items()}
    head = len(_PRIVATE_HEAD)
    if data is None or len(data) != head + 34 or data[:head] != _PRIVATE_HEAD or data[head + 1 : head + 2] != b"f":
        raise InputError("text", f"{len(text)} characters", "a private key: priSPK... or priSrr...")
    scheme = letters.get(data[head : head + 1])
    if scheme is None:
        raise InputError("text", "an unknown kind of key", "Ed25519 or SM2")
    secret = np.frombuffer(data[head + 2 :], np.uint8).reshape(1, 32).copy()
    return Signer(scheme, secret.tobytes(), public_keys(scheme, secret)[0].tobytes())


def sign_all(signers: Sequence[Signer], messages: Sequence[bytes]) -> list[bytes]:
    """A signature by each signer over its message."""
    found = [b""] * len(signers)
    for scheme in _LETTERS:
        own = [i for i, one in enumerate(signers) if one.scheme == scheme]
        if own:
            secrets = np.frombuffer(b"".join(signers[i].secret for i in own), np.uint8).reshape(len(own), 32)
            for i, made in zip(own, sign(scheme, secrets, [messages[i] for i in own]), strict=True):
                found[i] = made.tobytes()
    return found


# ---- transactions ----------------------------------------------------------------------------------------------------


def make_transaction(
    source: str, nonce: int, *, dest: str, amount: int = 1, contract_input: str = "", **fields: Any
) -> transaction_pb2.Transaction:
    """A transfer or the call of a contract. fields: others of Transaction, by their names."""
    tx = transaction_pb2.Transaction(source_address=source, nonce=nonce, fee_limit=1_000_000, gas_price=1)
    pay = tx.operations.add(type=transaction_pb2.OPERATION_TYPE_PAY_COIN).pay_coin
    pay.dest_address, pay.amount, pay.input = dest, amount, contract_input
    tx.MergeFrom(transaction_pb2.Transaction(**fields))
    return tx


def seal(tx: transaction_pb2.Transaction, signers: Sequence[Signer]) -> bytes:
    """A serialised TransactionEnv with a signature by each signer."""
    return seal_all([tx], [signers])[0]


def seal_all(txs: Sequence[transaction_pb2.Transaction], signers: Sequence[Sequence[Signer]]) -> list[bytes]:
    """:func:`seal` of many transactions, signed together."""
    blobs = [tx.SerializeToString(deterministic=True) for tx in txs]
    flat = [(one, blob) for blob, those in zip(blobs, signers, strict=True) for one in those]
    signatures = iter(sign_all([one for one, _ in flat], [blob for _, blob in flat]))
    found = []
    for tx, those in zip(txs, signers, strict=True):
        env = transaction_pb2.TransactionEnv(transaction=tx)
        for one in those:
            env.signatures.add(public_key=one.text, sign_data=next(signatures))
        found.append(env.SerializeToString(deterministic=True))
    return found


# ---- proofs ----------------------------------------------------------------------------------------------------------


def make_pbft_proof(
    digest: bytes, seq: int, voters: Sequence[tuple[int, Signer]], *, view: int = 0, chain_id: int = 0, round_: int = 1
) -> bytes:
    """A serialised PbftProof: a commit by each (replica_id, signer) for a consensus value's hash."""
    proof = consensus_pb2.PbftProof()
    for replica, signer in voters:
        env = proof.commits.add()
        env.pbft.round_number, env.pbft.type, env.pbft.chain_id = round_, 2, chain_id
        commit = env.pbft.commit
        commit.view_number, commit.sequence, commit.replica_id, commit.value_digest = view, seq, replica, digest
        env.signature.public_key = signer.text
        env.signature.sign_data = signer.sign(env.pbft.SerializeToString(deterministic=True))
    return proof.SerializeToString(deterministic=True)


def make_xbft_proof(value: bytes, seq: int, voters: Sequence[Signer], *, view: int = 1, parent: bytes = b"") -> bytes:
    """A serialised XbftProof: votes by these signers for a consensus value."""
    node = consensus_pb2.XbftNode(parent_node_hash=parent, node_value=value, view_number=view, sequence=seq)
    proof = consensus_pb2.XbftProof()
    content = proof.qc.qc_content
    content.node_value_hash, content.view_number, content.sequence = hash_one("sha256", value), view, seq
    content.node_hash = hash_one("sha256", node.SerializeToString(deterministic=True))
    node.ClearField("node_value")
    proof.node.CopyFrom(node)
    for signer in voters:
        signature = signer.sign(content.SerializeToString(deterministic=True))
        proof.qc.signatures.add(public_key=signer.text, sign_data=signature)
    return proof.SerializeToString(deterministic=True)


def make_timeout_certificate(view: int, votes: Sequence[tuple[int, Signer]], *, whole: bool = True) -> bytes:
    """A serialised XbftTc with votes (view of the high certificate, signer); `whole`: over all 16 bytes."""
    made = consensus_pb2.XbftTc(view_number=view)
    for high, signer in votes:
        message = view.to_bytes(8, "little") + high.to_bytes(8, "little")
        made.high_qc_view_number.append(high)
        text = message if whole else message[: message.index(0)]
        made.signature.add(public_key=signer.text, sign_data=signer.sign(text))
    return made.SerializeToString(deterministic=True)


def quorum(count: int) -> int:
    """Votes that a proof by `count` validators needs."""
    return count - count // 3


# ---- ledgers ---------------------------------------------------------------------------------------------------------


class BifLedger:
    """A run of blocks in which every check passes under `strict` rules. Blocks are made at once.

    Attributes:
        validators: key pairs of the validators of each block, in their order.
        users: key pairs of those who send transactions; half of "mixed" ones have SM2 keys.
        headers: header of each block; `genesis` is the one before.
        values: serialised ConsensusValue of each block.
        proofs: proof of each block, as the next one carries it. Values and proofs go one block further than the rest.
        blocks: serialised LedgerBundle of each block, with all that makes it final.
        bare: the same without that, as blocks are in a run.
        context: of the first block, without its place.
    """

    def __init__(
        self, *, blocks: int = 3, transactions: int = 4, scheme: str = "ed25519", validators: int = 4, users: int = 0,
        seed: int = 0, chain_id: int = 0, consensus: str = "pbft", change_at: int | None = None,
        payload: int = 0,
    ) -> None:  # fmt: skip
        """Makes a ledger.

        Args:
            blocks, transactions: sizes; transactions are those of each block.
            scheme: of the users' keys: "ed25519", "sm2" or "mixed".
            validators: how many there are, with Ed25519 keys.
            users: how many there are; 0: one for each transaction.
            seed: any integer; the same arguments give the same bytes everywhere.
            chain_id: of headers, transactions and proofs.
            consensus: "pbft" or "xbft".
            change_at: index of a block after which one validator joins.
            payload: bytes of text that each transaction passes to a contract.
        """
        self.consensus, self.chain_id, self.seed, self._payload = consensus, chain_id, seed, payload
        pool = make_signers("ed25519", validators + 1, seed=seed, label="validator")
        self.users = self._make_users(scheme, users or transactions)
        self.validators = [pool[:-1] if change_at is None or i <= change_at else pool for i in range(blocks + 2)]
        self._nonces = dict.fromkeys((user.address for user in self.users), 0)
        start = [Validator(one.address) for one in self.validators[0]]
        self.context = BifContext(
            chain_id=chain_id, validators=tuple(start), other_accounts="single", nonces=dict(self._nonces),
            consensus=consensus,
        )  # fmt: skip
        self.genesis = self._genesis()
        self.headers: list[ledger_pb2.LedgerHeader] = []
        self.values: list[bytes] = []
        self.proofs: list[bytes] = []
        self._starts: list[dict[str, int]] = []
        for index in range(blocks):
            self._add(index, transactions)
        self._add(blocks, 0)
        self.headers.pop()
        self.bare = [self._bundle(i, final=False) for i in range(blocks)]
        self.blocks = [self._bundle(i, final=True) for i in range(blocks)]

    def context_for(self, index: int) -> BifContext:
        """The context of one block, with its place: no check has to be skipped."""
        before = self.genesis if index == 0 else self.headers[index - 1]
        own, previous = self.validators[index], self.validators[max(index - 1, 0)]
        changed = own != previous
        return self.context.replace(
            height=FIRST_HEIGHT + index,
            previous_block_hash=before.hash,
            previous_header=before.SerializeToString(deterministic=True),
            validators=[one.address for one in own],
            previous_validators=[one.address for one in previous] if changed else None,
            handover=changed,
            nonces=self._starts[index],
        )

    def _make_users(self, scheme: str, count: int) -> list[Signer]:
        if scheme == "mixed":
            half = count // 2
            return make_signers("ed25519", count - half, seed=self.seed) + make_signers("sm2", half, seed=self.seed)
        return make_signers(scheme, count, seed=self.seed)

    def _genesis(self) -> ledger_pb2.LedgerHeader:
        header = ledger_pb2.LedgerHeader(seq=1, close_time=_START, version=1006, chain_id=self.chain_id)
        header.consensus_value_hash = hash_one("sha256", b"made for tests")
        header.validators_hash = self._set_hash(0)
        header.fees_hash = hash_one("sha256", b"")
        header.hash = block_hash(header)
        return header

    def _set(self, index: int) -> bytes:
        return write_validators((one.address, 0) for one in self.validators[index])

    def _set_hash(self, index: int) -> bytes:
        return hash_one("sha256", self._set(index))

    def _transactions(self, index: int, count: int) -> list[bytes]:
        txs, signers = [], []
        text = _deterministic.stream(self.seed, "bif", "input", index, size=(self._payload + 1) // 2).hex()
        for i in range(count):
            user = self.users[i % len(self.users)]
            self._nonces[user.address] += 1
            dest = self.users[(i + 1) % len(self.users)].address
            more = {"chain_id": self.chain_id} if self.chain_id else {}
            txs.append(
                make_transaction(
                    user.address, self._nonces[user.address], dest=dest, amount=i, contract_input=text, **more
                )
            )
            signers.append([user])
        return seal_all(txs, signers)

    def _add(self, index: int, count: int) -> None:
        before = self.genesis if index == 0 else self.headers[-1]
        self._starts.append(dict(self._nonces))
        value = ledger_pb2.ConsensusValue(
            close_time=before.close_time + _SECOND, ledger_seq=before.seq + 1, previous_ledger_hash=before.hash,
            previous_proof=self.proofs[-1] if self.proofs else b"",
        )  # fmt: skip
        for data in self._transactions(index, count):
            value.txset.txs.add().ParseFromString(data)
        encoded = value.SerializeToString(deterministic=True)
        header = ledger_pb2.LedgerHeader(
            seq=value.ledger_seq, previous_hash=before.hash, close_time=value.close_time, version=1006,
            consensus_value_hash=hash_one("sha256", encoded), validators_hash=self._set_hash(index + 1),
            fees_hash=hash_one("sha256", b""), chain_id=self.chain_id, tx_count=count,
        )  # fmt: skip
        header.account_tree_hash = _deterministic.stream(self.seed, "bif", "accounts", index, size=32)
        header.domain_account_hashs.add(account_tree_hash=header.account_tree_hash)
        header.hash = block_hash(header)
        self.headers.append(header)
        self.values.append(encoded)
        self.proofs.append(self._proof(index, encoded, header))

    def _proof(self, index: int, value: bytes, header: ledger_pb2.LedgerHeader) -> bytes:
        voters = self.validators[index]
        enough = list(enumerate(voters))[: quorum(len(voters))]
        if self.consensus == "xbft":
            return make_xbft_proof(value, header.seq, [one for _, one in enough])
        return make_pbft_proof(header.consensus_value_hash, header.seq, enough, chain_id=self.chain_id)

    def _bundle(self, index: int, *, final: bool) -> bytes:
        header = self.headers[index].SerializeToString(deterministic=True)
        bundle = ledger_pb2.LedgerBundle(header=header, consensus_value=self.values[index])
        if final:
            bundle.next_proof = self.proofs[index]
            bundle.finality.next_value, bundle.finality.proof = self.values[index + 1], self.proofs[index + 1]
        if self.validators[index + 1] != self.validators[index]:
            bundle.validators = self._set(index + 1)
        return bundle.SerializeToString(deterministic=True)

    def hashed_header(self, index: int) -> bytes:
        """A header in the form that proof bundles hold."""
        return hashed_form(self.headers[index])
