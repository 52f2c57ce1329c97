"""Ethereum's Merkle-Patricia tries: proofs that a key has a value, or none, against a root (Yellow Paper, appendix D).

A proof is what ``eth_getProof`` (EIP-1186) gives: the encoded nodes on the way from the root to where the key's way
ends. Many proofs are checked at once: all nodes of all of them are hashed in one call, in lanes, and then walked.

Refused, because no trie can have written it: RLP that is not in its one shortest form or does not fill its
node; nodes with other than 2 or 17 items; paths with flags or padding that hex-prefix encoding does not have, empty
paths of extensions; references that are neither nothing, nor a hash, nor a node of fewer than 32 bytes; a node of fewer
than 32 bytes where a hash stands for it; nodes beyond the end of the way. Absence is proved by a way that ends: at an
empty reference, or at a path that parts from the key's.

Keys are the trie's own: Keccak-256 of an address in the state trie, of a slot in a storage trie (``hashed=True`` does
that), the RLP of an index in the tries of transactions and receipts.

>>> import pycore
>>> verify_trie(EMPTY_ROOT, b"any key", []) is None
True
>>> node = bytes.fromhex("c98320646f8476657262")                    # one leaf: "do" -> "verb"
>>> verify_trie(pycore.hash("keccak256", node), b"do", [node])
b'verb'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycore.base import parallel, rlp
from pycore.base.columns import Column, as_column, describe, one_bytes
from pycore.base.jit import warms
from pycore.base.registry import HASHES
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError, LengthError, ShapeError, VerificationError
from pycore.hashing.batch import hash_column
from pycore.merkle.inclusion import root_rows
from pycore.merkle.proofs import count_argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike

    Proofs: TypeAlias = Sequence[Sequence[BytesLike]]

__all__ = [
    "EMPTY_CODE",
    "EMPTY_ROOT",
    "Account",
    "TrieValues",
    "account_of",
    "index_keys",
    "verify_account",
    "verify_accounts",
    "verify_get_proof",
    "verify_storage",
    "verify_trie",
    "verify_trie_batch",
]

EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
"""Root of a trie without keys: Keccak-256 of the RLP of nothing."""
EMPTY_CODE = bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
"""Code hash of an account without code: Keccak-256 of nothing."""

_KECCAK = HASHES["keccak256"]
_CODES = np.array([int(Verdict.VALID), int(Verdict.BAD_PROOF), int(Verdict.MALFORMED_PROOF)], dtype=np.uint8)


@dataclass(frozen=True)
class TrieValues:
    """What n proofs showed.

    Attributes:
        verdicts: VALID, BAD_PROOF (a node is not the one that its parent or the root names) or MALFORMED_PROOF.
        values: the value of each key, None where a proof shows that there is none, and where it is not valid.
    """

    verdicts: Verdicts
    values: list[bytes | None]


@dataclass(frozen=True)
class Account:
    """An account of the state trie.

    Attributes:
        nonce, balance: the numbers; balance in wei.
        storage_root: root of its storage trie; EMPTY_ROOT when it has none.
        code_hash: Keccak-256 of its code; EMPTY_CODE when it has none.
    """

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


# ---- tries ---------------------------------------------------------------------------------------------------------


def verify_trie_batch(
    root: BatchOfBytes,
    keys: BatchOfBytes,
    proofs: Proofs,
    *,
    hashed: bool = False,
    embedded: bool = False,
    threads: int | None = None,
) -> TrieValues:
    """Check n proofs and take their values.

    Args:
        root: one root of 32 bytes for all of them, or a batch of n.
        keys: n keys, of any length each.
        proofs: n sequences of encoded nodes, from the root down. The empty trie's may be empty.
        hashed: the trie's keys are Keccak-256 of `keys`, as in the state and in storage ("secure" tries).
        embedded: a node of fewer than 32 bytes is part of its parent, and no proof needs it. Some libraries list it all
            the same (Python's trie, @ethereumjs/mpt); True passes over it where it is, byte for byte, the one that
            the parent holds there. False: MALFORMED_PROOF, so that what is proved has one proof.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Raises:
        InputError: a malformed call: counts that differ, a root of a wrong length.

    Traps: a value of None is absence only where the verdict is VALID. The root must come from a header that you trust,
    and nothing in a proof says which trie it is of. Nodes beyond the end of the way are MALFORMED_PROOF, as is a proof
    that ends too soon.
    """
    key_column = as_column(keys, "keys")
    n = key_column.n
    if not isinstance(proofs, (list, tuple)):
        raise ShapeError("proofs", describe(proofs), "a sequence of sequences of nodes")
    if len(proofs) != n:
        raise LengthError("proofs", f"{len(proofs)} items", f"{n}, as many as keys")
    nodes, firsts = _all_nodes(proofs)
    codes, data, places = walk_columns(
        root, key_column, nodes, firsts, hashed=hashed, embedded=embedded, threads=threads
    )
    joined = data.tobytes() if n else b""
    values = [joined[begin:end] if begin >= 0 else None for begin, end in places.tolist()]
    return TrieValues(Verdicts.of_kernel(codes), values)


def walk_columns(
    root: BatchOfBytes,
    keys: Column,
    nodes: Column,
    firsts: NDArray[np.int64],
    *,
    hashed: bool,
    threads: int | None,
    embedded: bool = False,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """:func:`verify_trie_batch` on columns, without an object per key or node.

    Args:
        root, hashed, embedded, threads: as there.
        keys: n keys.
        nodes: the nodes of all proofs, one proof after another.
        firsts: int64 (n + 1,), ascending from 0 to the number of nodes: those of proof i are ``firsts[i]`` up to
            ``firsts[i + 1]``.

    Returns:
        Verdict codes, uint8 (n,); the bytes of the nodes; and int64 (n, 2), where in them each value begins and ends, a
        negative number where there is none.
    """
    from pycore.merkle import patricia_jit as kernels

    count, n = parallel.resolve_threads(threads), keys.n
    roots = np.array(root_rows(root, _KECCAK, n))
    hashes = hash_column(_KECCAK, nodes, threads=count)
    if hashed:
        keys = as_column(hash_column(_KECCAK, keys, threads=count), "keys")
    key_data, key_bounds = _flat(keys)
    data, bounds = _flat(nodes)
    outcomes, places = np.zeros(n, dtype=np.uint8), np.empty((n, 2), dtype=np.int64)
    empty_root = np.array(bytearray(EMPTY_ROOT), dtype=np.uint8)

    def work(start: int, stop: int) -> None:
        kernels.walk_proofs(
            data, bounds, firsts[start : stop + 1], hashes, roots[start:stop], empty_root, key_data,
            key_bounds[start : stop + 1], outcomes[start:stop], places[start:stop], embedded,
        )  # fmt: skip

    parallel.run_pieces(work, parallel.cut(n, count, parallel.Cost(item_ns=2000, byte_ns=0)), count)
    places[outcomes != kernels.VALID] = kernels.ABSENT
    return _CODES[outcomes], data, places


def verify_trie(
    root: BytesLike, key: BytesLike, proof: Sequence[BytesLike], *, hashed: bool = False, embedded: bool = False
) -> bytes | None:
    """The value of a key, or None when it has none; arguments as of :func:`verify_trie_batch`.

    Raises:
        ProofError: the proof shows neither; ``.reason`` says why.
        InputError: a malformed call.
    """
    wanted, name = _hash(root, "root"), one_bytes(key, "key")
    found = verify_trie_batch(wanted, [name], [proof], hashed=hashed, embedded=embedded)
    verdict = found.verdicts[0]
    if verdict is not Verdict.VALID:
        again = verdict is Verdict.MALFORMED_PROOF and not embedded
        if again and verify_trie_batch(wanted, [name], [proof], hashed=hashed, embedded=True).verdicts.all_valid:
            raise _refused(verdict, _LISTED)
        raise _refused(verdict)
    return found.values[0]


_LISTED = "a node below 32 bytes is part of its parent and listed once more: leave it out, or pass embedded=True"
_REASONS = {
    Verdict.BAD_PROOF: "a node is not the one that its parent or the root names",
    Verdict.MALFORMED_PROOF: "a node that no trie has, or nodes that end before or after the way of the key",
}


def _refused(verdict: Verdict, reason: str = "") -> VerificationError:
    """The error of a proof, in the words of tries: their proofs have no index and no number of leaves."""
    error = verdict_error(verdict)
    error.reason = reason or _REASONS.get(verdict, "")
    return error


def index_keys(indices: Iterable[int]) -> list[bytes]:
    """Keys of a block's transactions, receipts or withdrawals by number: the RLP of each.

    >>> [key.hex() for key in index_keys([0, 1, 127, 128, 256])]
    ['80', '01', '7f', '8180', '820100']
    """
    keys = []
    for position, index in enumerate(indices):
        keys.append(rlp.encode(count_argument(index, f"indices[{position}]")))
    return keys


# ---- accounts and storage ------------------------------------------------------------------------------------------


def verify_accounts(
    state_root: BatchOfBytes, addresses: BatchOfBytes, proofs: Proofs, *, threads: int | None = None
) -> tuple[Verdicts, list[Account | None]]:
    """Check n account proofs against the state root of a block.

    Args:
        state_root: one root for all of them, or a batch of n.
        addresses: n addresses of 20 bytes.
        proofs: n sequences of nodes: ``accountProof`` of ``eth_getProof``.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        Verdicts, and the accounts; None where there is none. MALFORMED_ITEM is a value that is no account.

    Raises:
        InputError: a malformed call.
    """
    column = as_column(addresses, "addresses", widths=(20,), exact=True)
    found = verify_trie_batch(state_root, column, proofs, hashed=True, threads=threads)
    codes = np.array(found.verdicts.codes)
    accounts: list[Account | None] = []
    for i, value in enumerate(found.values):
        account = None if value is None else account_of(value)
        accounts.append(account)
        if value is not None and account is None:
            codes[i] = int(Verdict.MALFORMED_ITEM)
    return Verdicts.of_kernel(codes), accounts


def verify_account(state_root: BytesLike, address: BytesLike, proof: Sequence[BytesLike]) -> Account | None:
    """One account, None when there is none; ProofError when the proof shows neither."""
    verdicts, accounts = verify_accounts(_hash(state_root, "state_root"), [one_bytes(address, "address")], [proof])
    if verdicts[0] is not Verdict.VALID:
        raise _refused(verdicts[0])
    return accounts[0]


def verify_storage(
    storage_root: BatchOfBytes, slots: Sequence[int | BytesLike], proofs: Proofs, *, threads: int | None = None
) -> tuple[Verdicts, list[int]]:
    """Check n proofs of storage slots.

    Args:
        storage_root: an account's ``storage_root`` for all of them, or a batch of n.
        slots: n slots, as numbers or as 32 bytes.
        proofs: n sequences of nodes: ``storageProof[i].proof`` of ``eth_getProof``.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        Verdicts, and the numbers; a slot that the trie does not have is 0. MALFORMED_ITEM is a value that is no number
        of at most 32 bytes; its number, and those of proofs that are not valid, are 0 as well.

    Raises:
        InputError: a malformed call.
    """
    keys = [_slot(slot, f"slots[{i}]") for i, slot in enumerate(slots)]
    found = verify_trie_batch(storage_root, keys, proofs, hashed=True, threads=threads)
    codes = np.array(found.verdicts.codes)
    numbers = []
    for i, value in enumerate(found.values):
        item = None if value is None else _strings(value, None)
        number = None if not item else _number(item[0], 32)
        numbers.append(number or 0)
        if value is not None and number in (None, 0):
            codes[i] = int(Verdict.MALFORMED_ITEM)  # a slot of value 0 is removed from the trie, never written
    return Verdicts.of_kernel(codes), numbers


def verify_get_proof(state_root: BytesLike, response: Mapping[str, Any]) -> tuple[Account | None, dict[int, int]]:
    """Check the answer of ``eth_getProof`` (EIP-1186) whole: the account and every slot in it.

    Args:
        state_root: from a header that you trust.
        response: the ``result`` object: ``address``, ``accountProof``, ``storageProof`` with ``key`` and ``proof``
            each; hexadecimal with 0x, or bytes, as web3.py has them. Its balance, nonce and values are ignored: the
            proofs give them.

    Returns:
        The account, None when there is none, and the value of each slot.

    Raises:
        ProofError: one of the proofs does not hold.
        InputError: an object that is no such answer.
    """
    if not hasattr(response, "get"):
        raise InputError("response", describe(response), "the result of eth_getProof, an object")
    address = _hex(response, "address")
    account = verify_account(state_root, address, _hex_list(response, "accountProof"))
    entries = response.get("storageProof") or []
    if not isinstance(entries, (list, tuple)) or not all(hasattr(entry, "get") for entry in entries):
        raise InputError("storageProof", describe(entries), "a list of objects")
    slots = [int.from_bytes(_hex(entry, "key"), "big") for entry in entries]
    proofs = [_hex_list(entry, "proof") for entry in entries]
    verdicts, values = verify_storage(EMPTY_ROOT if account is None else account.storage_root, slots, proofs)
    for verdict in verdicts:
        if verdict is not Verdict.VALID:
            raise _refused(verdict)
    return account, dict(zip(slots, values, strict=True))


# ---- parts ---------------------------------------------------------------------------------------------------------


def _hash(value: BytesLike, field: str) -> bytes:
    data: bytes = one_bytes(value, field)
    if len(data) != 32:
        raise LengthError(field, f"{len(data)} bytes", "32 bytes")
    return data


def _all_nodes(proofs: Proofs) -> tuple[Column, NDArray[np.int64]]:
    flat: list[Any] = []
    firsts = np.zeros(len(proofs) + 1, dtype=np.int64)
    for i, proof in enumerate(proofs):
        if not isinstance(proof, (list, tuple)):
            raise ShapeError(f"proofs[{i}]", describe(proof), "a sequence of nodes")
        flat += proof
        firsts[i + 1] = len(flat)
    return as_column(flat, "proofs"), firsts


def _flat(column: Column) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One array, and n + 1 bounds in it. Writable, whatever came in: kernels are compiled for one kind of array."""
    if column.offsets is not None:
        return np.require(column.data, requirements=["C", "W"]), np.require(column.offsets, requirements=["C", "W"])
    width = column.data.shape[1]
    data = np.require(column.data, requirements=["C", "W"]).reshape(-1)
    return data, np.arange(column.n + 1, dtype=np.int64) * width


def _slot(slot: int | BytesLike, field: str) -> bytes:
    if isinstance(slot, (int, np.integer)) and not isinstance(slot, bool):
        if not 0 <= slot < 1 << 256:
            raise InputError(field, describe(int(slot)), "a slot from 0 to 2**256 - 1")
        return int(slot).to_bytes(32, "big")
    return _hash(slot, field)  # type: ignore[arg-type]


def _strings(data: bytes, count: int | None) -> list[bytes] | None:
    """The strings of a canonical RLP list of so many, or (`count` None) of one string; None when it is not that."""
    try:
        found = rlp.decode(data, max_depth=1, max_items=8)
    except InputError:
        return None
    strings = [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, bytes)]
    fits = isinstance(found, bytes) if count is None else isinstance(found, list) and len(found) == count
    return strings if fits and len(strings) == (count or 1) else None


def _number(data: bytes, size: int) -> int | None:
    """A number of at most `size` bytes without leading zeros."""
    return None if len(data) > size or data[:1] == b"\0" else int.from_bytes(data, "big")


def account_of(value: bytes) -> Account | None:
    """The account that a value of the state trie holds; None when it is not one."""
    items = _strings(value, 4)
    if items is None or len(items[2]) != 32 or len(items[3]) != 32:
        return None
    nonce, balance = _number(items[0], 8), _number(items[1], 32)
    if nonce is None or balance is None:
        return None
    return Account(nonce, balance, items[2], items[3])


def _hex(source: Mapping[str, Any], field: str) -> bytes:
    text = source.get(field)
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    try:
        if isinstance(text, str) and text.startswith("0x"):
            return bytes.fromhex("0" * (len(text) % 2) + text[2:])
    except ValueError:
        pass
    raise InputError(field, describe(text), "hexadecimal text with 0x, or bytes")


def _hex_list(source: Mapping[str, Any], field: str) -> list[bytes]:
    texts = source.get(field)
    if not isinstance(texts, (list, tuple)):
        raise InputError(field, describe(texts), "a list of hexadecimal texts")
    return [_hex({field: text}, field) for text in texts]


@warms
def _warm_up() -> None:
    verify_trie_batch(EMPTY_ROOT, [bytes(32)], [[]])
