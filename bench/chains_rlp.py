"""The entries of the chains that write RLP: FISCO BCOS 2.x and Ethereum. See :mod:`bench.chains`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

import pycore
from bench.chains import Entry
from pycore import ledgers
from pycore.base import rlp
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.fisco.v2_records import read_block
from pycore.ledgers.rlp_columns import Fields, lists, to_numbers, to_rows
from pycore.testing.ethereum import EthereumChain
from pycore.testing.fisco2 import Fisco2Chain


def entries(n: int) -> Sequence[Entry]:
    """A block of n transactions, each from its own key: of FISCO BCOS 2.x with SM2 and secp256k1, and of Ethereum."""
    return [_fisco(n, "sm3"), _fisco(n, "keccak256"), _ethereum(n)]


def _fisco(n: int, hash: str) -> Entry:
    chain = Fisco2Chain(1, hash=hash)
    context = chain.context(height=1, previous_block_hash=chain.last)
    block = chain.block([i.to_bytes(100, "big") for i in range(n)])
    ledger = ledgers.get("fisco-bcos")

    def whole() -> None:
        assert ledger.validate_block(block, context).valid

    signatures = _signatures(read_block(block, "wire").transactions, hash)
    return Entry("fisco-bcos", f"2.x, {'SM2' if hash == 'sm3' else 'secp256k1'}", n, whole, signatures, target=0.6)


def _signatures(records: Spans, hash: str) -> Callable[[], None]:
    """The signature calls alone, on columns that are ready."""
    fields = Fields.of(records, 13)
    digests = pycore.hash_batch(hash, lists(fields.before(10)))
    compact = np.concatenate([to_rows(fields.column(field), 32) for field in (11, 12)], axis=1)
    if hash == "sm3":
        keys = to_rows(fields.column(10), 64)
        return lambda: pycore.verify_batch("sm2", keys, compact, digests).raise_if_invalid()
    v = (to_numbers(fields.column(10)) - np.uint64(27)).astype(np.uint8)[:, None]
    return _recovering(np.concatenate([compact, v], axis=1), digests)


def _recovering(signatures: np.ndarray, digests: np.ndarray) -> Callable[[], None]:
    return lambda: pycore.recover_batch("ecdsa-secp256k1", signatures, digests)[1].raise_if_invalid()


def _ethereum(n: int) -> Entry:
    chain = EthereumChain(1)
    made = chain.block(chain.transactions([2] * n, payload=68))
    context = {"chain_id": 1, "block_hash": made.hash}
    ledger = ledgers.get("ethereum")

    def whole() -> None:
        assert ledger.validate_block(made.wire, context).valid

    items = [rlp.decode_list(one[1:]) for one in made.records]
    texts = [b"\x02" + rlp.encode(one[:-3]) for one in items]
    rows = np.frombuffer(b"".join(_compact(one) for one in items), np.uint8).reshape(n, 65)
    return Entry("ethereum", "EIP-1559", n, whole, _recovering(rows, pycore.hash_batch("keccak256", texts)))


def _compact(items: list[rlp.Item]) -> bytes:
    v, r, s = (one if isinstance(one, bytes) else b"" for one in items[-3:])
    return r.rjust(32, b"\0") + s.rjust(32, b"\0") + (v or b"\0")
