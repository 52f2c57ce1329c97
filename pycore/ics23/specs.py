"""The form that a tree's proofs must have: the operations of leaves and nodes, and the hashes that they name.

A spec comes from the verifier, never from the prover: it is what keeps a leaf from being read as a node, or bytes of
the value as bytes of the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pycore.base.columns import describe, quote
from pycore.errors import InputError, UnknownNameError
from pycore.hashing.batch import hash as hash_one

__all__ = ["IAVL", "SMT", "SPECS", "TENDERMINT", "InnerOp", "InnerSpec", "LeafOp", "ProofSpec"]

NO_HASH, SHA256, SHA512, KECCAK256, RIPEMD160, BITCOIN, SHA512_256, BLAKE2B_512, BLAKE2S_256, BLAKE3 = range(10)
NO_PREFIX, VAR_PROTO, VAR_RLP, FIXED32_BIG, FIXED32_LITTLE, FIXED64_BIG, FIXED64_LITTLE = range(7)
REQUIRE_32_BYTES, REQUIRE_64_BYTES = 7, 8

HASH_OPS = (
    "NO_HASH", "SHA256", "SHA512", "KECCAK256", "RIPEMD160", "BITCOIN", "SHA512_256", "BLAKE2B_512", "BLAKE2S_256",
    "BLAKE3",
)  # fmt: skip
LENGTH_OPS = (
    "NO_PREFIX", "VAR_PROTO", "VAR_RLP", "FIXED32_BIG", "FIXED32_LITTLE", "FIXED64_BIG", "FIXED64_LITTLE",
    "REQUIRE_32_BYTES", "REQUIRE_64_BYTES",
)  # fmt: skip
MAX_CHILDREN = 256
MAX_DEPTH = 1024
DEFAULT_DEPTH = 128
"""Steps of a path where the spec says 0."""
_INT32 = 1 << 31


def _sha512_256(data: bytes) -> bytes:
    return hashlib.new("sha512_256", data).digest()


@dataclass(frozen=True, slots=True)
class HashOp:
    """A hash that an operation may name.

    name   in ``pycore.HASHES``, "" where the core has none
    size   bytes of a digest
    """

    name: str
    size: int
    digest: Callable[[bytes], bytes]


HASHES: dict[int, HashOp] = {
    SHA256: HashOp("sha256", 32, lambda data: hashlib.sha256(data).digest()),
    SHA512: HashOp("sha512", 64, lambda data: hashlib.sha512(data).digest()),
    KECCAK256: HashOp("keccak256", 32, lambda data: hash_one("keccak256", data)),
    RIPEMD160: HashOp("ripemd160", 20, lambda data: hash_one("ripemd160", data)),
    BITCOIN: HashOp("hash160", 20, lambda data: hash_one("hash160", data)),
    SHA512_256: HashOp("", 32, _sha512_256),
    BLAKE2B_512: HashOp("blake2b-512", 64, lambda data: hashlib.blake2b(data).digest()),
    BLAKE2S_256: HashOp("", 32, lambda data: hashlib.blake2s(data).digest()),
    BLAKE3: HashOp("blake3", 32, lambda data: hash_one("blake3", data)),
}


@dataclass(frozen=True, slots=True)
class LeafOp:
    """How a leaf is hashed; hashes and length by their numbers, int32.

    hash(prefix || length(k) || k || length(v) || v), k and v being key and value after `prehash_key`, `prehash_value`.
    """

    hash: int = NO_HASH
    prehash_key: int = NO_HASH
    prehash_value: int = NO_HASH
    length: int = NO_PREFIX
    prefix: bytes = b""


@dataclass(frozen=True, slots=True)
class InnerOp:
    """A step up: hash(prefix || child || suffix).

    suffix   None where the message has none, which the strict rules tell from an empty one
    """

    hash: int = NO_HASH
    prefix: bytes = b""
    suffix: bytes | None = None


@dataclass(frozen=True, slots=True)
class InnerSpec:
    """How nodes are laid out.

    child_order          which child stands at each place of the hashed bytes
    child_size           bytes of a child, with a length before it where the tree has one
    min_prefix_length, max_prefix_length   bytes before the first child
    empty_child          what stands for an absent child in sparse trees
    hash                 number of the hash of every node
    """

    child_order: tuple[int, ...] = ()
    child_size: int = 0
    min_prefix_length: int = 0
    max_prefix_length: int = 0
    empty_child: bytes = b""
    hash: int = NO_HASH


@dataclass(frozen=True, slots=True)
class ProofSpec:
    """A tree's spec.

    max_depth   steps of a path at most; 0 is 128, as in the Go implementation since 0.11
    min_depth   steps at least; 0: no bound
    prehash_key_before_comparison   whether absent keys lie between their neighbours by the hashes of the keys

    InputError: a hash or length that nobody computes; numbers beyond int32; more than 256 children, or 1,024 steps.
    """

    leaf_spec: LeafOp
    inner_spec: InnerSpec
    max_depth: int = 0
    min_depth: int = 0
    prehash_key_before_comparison: bool = False

    def __post_init__(self) -> None:
        leaf, inner = self.leaf_spec, self.inner_spec
        _check_hash(leaf.hash, "spec.leaf_spec.hash")
        _check_hash(inner.hash, "spec.inner_spec.hash")
        for name in ("prehash_key", "prehash_value"):
            if getattr(leaf, name) != NO_HASH:
                _check_hash(getattr(leaf, name), f"spec.leaf_spec.{name}")
        if not 0 <= leaf.length < len(LENGTH_OPS) or leaf.length == VAR_RLP:
            got = str(leaf.length) if not 0 <= leaf.length < len(LENGTH_OPS) else LENGTH_OPS[leaf.length]
            raise InputError("spec.leaf_spec.length", got, "a length that is computed")
        numbers = {name: getattr(inner, name) for name in ("child_size", "min_prefix_length", "max_prefix_length")}
        numbers |= {"max_depth": self.max_depth, "min_depth": self.min_depth}
        for name, value in numbers.items():
            if not 0 <= value < _INT32:
                raise InputError(f"spec.{name}", str(value), "a number from 0 to 2^31 - 1")
        if max(self.max_depth, self.min_depth) > MAX_DEPTH:
            got = f"{self.min_depth} to {self.max_depth}"
            raise InputError("spec.max_depth", got, f"at most {MAX_DEPTH} steps")
        children = len(inner.child_order)
        if not 0 < children <= MAX_CHILDREN or sorted(inner.child_order) != list(range(children)):
            wanted = f"the places 0, 1 ... of 1 to {MAX_CHILDREN} children, each once"
            raise InputError("spec.inner_spec.child_order", f"{list(inner.child_order)[:8]}", wanted)
        if inner.child_size == 0:
            raise InputError("spec.inner_spec.child_size", "0", "at least 1")

    @property
    def depth(self) -> int:
        """Steps of a path at most."""
        return self.max_depth or DEFAULT_DEPTH

    @property
    def left_bytes(self) -> int:
        """Bytes of all children of a node but one."""
        return (len(self.inner_spec.child_order) - 1) * self.inner_spec.child_size

    def similar(self, other: ProofSpec) -> bool:
        """Whether the reference takes the two for the same tree: prefixes, depths and child order's values are not
        compared."""
        mine, its = self.leaf_spec, other.leaf_spec
        one, two = self.inner_spec, other.inner_spec
        return (
            (mine.hash, mine.prehash_key, mine.prehash_value, mine.length)
            == (its.hash, its.prehash_key, its.prehash_value, its.length)
            and (one.hash, one.min_prefix_length, one.max_prefix_length, one.child_size, len(one.child_order))
            == (two.hash, two.min_prefix_length, two.max_prefix_length, two.child_size, len(two.child_order))
        )  # fmt: skip


def _check_hash(number: int, field: str) -> None:
    if number not in HASHES:
        got = HASH_OPS[number] if 0 <= number < len(HASH_OPS) else str(number)
        raise InputError(field, got, "one of " + ", ".join(HASH_OPS[1:]))


_SHA = LeafOp(SHA256, NO_HASH, SHA256, VAR_PROTO, b"\x00")
IAVL = ProofSpec(_SHA, InnerSpec((0, 1), 33, 4, 12, b"", SHA256))
"""The stores of the Cosmos SDK. A child is 33 bytes: the length byte before the hash is one of them."""
TENDERMINT = ProofSpec(_SHA, InnerSpec((0, 1), 32, 1, 1, b"", SHA256))
"""The simple tree over the stores' roots, whose root is the application hash of a header."""
SMT = ProofSpec(
    LeafOp(SHA256, SHA256, SHA256, NO_PREFIX, b"\x00"),
    InnerSpec((0, 1), 32, 1, 1, bytes(32), SHA256),
    max_depth=256,
    prehash_key_before_comparison=True,
)
"""The sparse tree of celestiaorg/smt."""
SPECS: Mapping[str, ProofSpec] = {"iavl": IAVL, "tendermint": TENDERMINT, "smt": SMT}


def spec_by_name(name: Any) -> ProofSpec:
    """One of SPECS."""
    found = SPECS.get(name) if isinstance(name, str) else None
    if found is None:
        got = quote(name) if isinstance(name, str) else describe(name)
        raise UnknownNameError("spec", got, f"one of {', '.join(SPECS)}, a ProofSpec, or one as bytes or JSON")
    return found
