"""Hashes of headers and of what a header names.

    block_hash           SHA-256(LedgerHeader with hash = "", tx_count = 0 and account_tree_hash = "")
    BUMO                 SHA-256(Ledger{header with hash = ""; the transactions})
    consensus_value_hash SHA-256(ConsensusValue)
    validators_hash      SHA-256(ValidatorSet)
    fees_hash            SHA-256(FeeConfig)

The rule of BIF's block hash follows from five real blocks of versions 1004 and 1006: no document has it. The RPC adds
account_tree_hash and a tx_count that depends on the domain asked for; neither is hashed. Transactions of a BUMO block
are those after execution, with the ones that contracts put out: empty blocks were recomputed, others only read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pycore.base.columns import quote
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.bif.messages import (
    MAX_HEADER,
    BumoLedger,
    BumoLedgerHeader,
    FeeConfig,
    LedgerHeader,
    ValidatorSet,
    parse,
)

Header = LedgerHeader | BumoLedgerHeader
GENESIS = 1
"""Height of the first block."""


def read_header(data: bytes, variant: str, field: str = "header") -> Header:
    """A header from its bytes. InputError where they are not one."""
    if variant == "bif":
        return parse(LedgerHeader, data, field, MAX_HEADER)
    return parse(BumoLedgerHeader, data, field, MAX_HEADER)


def hashed_form(header: Header, transactions: Sequence[bytes] = ()) -> bytes:
    """The bytes that the block's hash is taken of. transactions: of a BUMO block, as its ledger has them."""
    bare: Any = type(header)()
    bare.CopyFrom(header)
    bare.ClearField("hash")
    if isinstance(bare, LedgerHeader):
        bare.ClearField("tx_count")
        bare.ClearField("account_tree_hash")
        return bytes(bare.SerializeToString(deterministic=True))
    return bytes(BumoLedger(header=bare, transaction_envs=transactions).SerializeToString(deterministic=True))


def block_hash(header: Header, transactions: Sequence[bytes] = ()) -> bytes:
    """The hash of a block, recomputed; 32 bytes."""
    return hash_one("sha256", hashed_form(header, transactions))


def validators_hash(validators: Iterable[tuple[str, int]]) -> bytes:
    """The hash of validators, (address, pledge) in the chain's order; 32 bytes.

    >>> validators_hash([]).hex()[:16]
    'e3b0c44298fc1c14'
    """
    return hash_one("sha256", write_validators(validators))


def write_validators(validators: Iterable[tuple[str, int]]) -> bytes:
    """A ValidatorSet of (address, pledge) in the chain's order."""
    entries = [{"address": address, "pledge_coin_amount": pledge} for address, pledge in validators]
    return ValidatorSet(validators=entries).SerializeToString(deterministic=True)


def fees_hash(gas_price: int = 0, base_reserve: int = 0) -> bytes:
    """The hash of a ledger's fees; without fees that of nothing.

    >>> fees_hash().hex()[:16]
    'e3b0c44298fc1c14'
    """
    for name, value in (("gas_price", gas_price), ("base_reserve", base_reserve)):
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            raise InputError(name, quote(value), "a signed integer of 64 bits")
    fees = FeeConfig(gas_price=gas_price, base_reserve=base_reserve)
    return hash_one("sha256", fees.SerializeToString(deterministic=True))
