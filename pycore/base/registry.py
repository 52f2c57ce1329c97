"""Schemes, hashes and rule sets of the core as frozen rows read from C, and the Merkle tree shapes.

``csrc/registry.def`` is the one list of schemes, hashes and rules; nothing here repeats it. Tree shapes are layout, not
arithmetic, so their table is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from pycore.base import ffi, ffi_rows
from pycore.base.columns import quote
from pycore.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HASHES", "SCHEMES", "TREES", "Hash", "Rules", "Scheme", "Tree"]


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash function.

    Attributes:
        id: number in the C and wire interfaces.
        name: name in every public call.
        digest_size: bytes of a digest.
        block_size: bytes per compression or permutation.
        source: the document that defines it.
    """

    id: int
    name: str
    digest_size: int
    block_size: int
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """A named rule set of a scheme; ``flags`` are the ``PC_RULE_*`` bits of ``pycore.h``."""

    name: str
    flags: int


_ROWS = {row.name: row for row in ffi_rows.scheme_rows()}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A signature scheme.

    Attributes:
        id: number in the C and wire interfaces.
        name: name in every public call.
        key_sizes: bytes of an encoded public key; more than one size may be mixed freely within a batch.
        signature_size: bytes of a compact signature.
        rules: rule sets; the first is the default.
        takes_der, takes_hash, takes_prehashed, takes_user_id: which options of :func:`pycore.verify_batch` mean
            something.
        source: the document that defines it.
    """

    id: int
    name: str
    key_sizes: tuple[int, ...]
    signature_size: int
    rules: tuple[Rules, ...]
    takes_der: bool
    takes_hash: bool
    takes_prehashed: bool
    takes_user_id: bool
    source: str

    @property
    def recoverable(self) -> bool:
        """Whether the public key can be recovered from a signature."""
        return bool(_ROWS[self.name].flags & ffi.SCHEME_RECOVERABLE)

    @property
    def table_pays(self) -> int:
        """Items of a key after which a table of it has saved what it cost."""
        return _ROWS[self.name].table_pays

    @property
    def user_id_limit(self) -> int:
        """Bytes of the longest identifier of a signer; 0 when the scheme has none."""
        return _ROWS[self.name].user_id_limit

    @property
    def default_user_id(self) -> bytes:
        """The identifier that most signers use; empty when the scheme has none."""
        return _ROWS[self.name].default_user_id

    def rule_flags(self, name: object) -> int:
        """Flags of a rule set by name; None means the default. UnknownNameError for a name that is not one of ours."""
        if name is None:
            return self.rules[0].flags
        for rules in self.rules:
            if isinstance(name, str) and rules.name == name:
                return rules.flags
        names = ", ".join(repr(rules.name) for rules in self.rules)
        raise UnknownNameError("rules", quote(name), f"a rule set of {self.name}: {names}")


@dataclass(frozen=True, slots=True)
class Tree:
    """A Merkle tree shape.

    Attributes:
        name: name in every public call.
        default_hash: what ``hash=None`` means.
        odd: what happens to the last node of an odd level (``ffi.ODD_*``).
        leaf_prefix: bytes hashed before a leaf's data, or None when leaves are digests and are not hashed.
        node_prefix: bytes hashed before the two children.
        empty: ``"hash"`` = H of nothing, ``"zero"`` = a digest of zero bytes, ``"nothing"`` = no bytes at all,
            ``"pad"`` = the root of padding alone.
        equal_siblings: whether a proof may pair a node with a distinct node of the same value.
        source: the document that defines it.
    """

    name: str
    default_hash: str
    odd: int
    leaf_prefix: bytes | None
    node_prefix: bytes
    empty: str
    equal_siblings: bool
    source: str

    @property
    def promotes(self) -> bool:
        """True when an odd last node moves up as it is."""
        return self.odd == ffi.ODD_PROMOTE

    @property
    def proves_consistency(self) -> bool:
        """True when consistency proofs are defined: RFC 9162's alone."""
        return self.promotes and self.node_prefix == b"\x01"

    @property
    def duplicates(self) -> bool:
        """True when an odd last node is paired with itself."""
        return self.odd == ffi.ODD_DUPLICATE

    @property
    def pads(self) -> bool:
        """True when an odd last node is paired with the root of a subtree of zero leaves."""
        return self.odd == ffi.ODD_PAD


def _read_schemes() -> Mapping[str, Scheme]:
    rules: dict[int, list[Rules]] = {}
    for scheme, name, flags in ffi_rows.rules_rows():
        rules.setdefault(scheme, []).append(Rules(name, flags))
    schemes = {}
    for row in _ROWS.values():
        schemes[row.name] = Scheme(
            id=row.id,
            name=row.name,
            key_sizes=row.key_sizes,
            signature_size=row.signature_size,
            rules=tuple(rules[row.id]),
            takes_der=bool(row.flags & ffi.SCHEME_DER),
            takes_hash=bool(row.flags & ffi.SCHEME_HASH),
            takes_prehashed=bool(row.flags & ffi.SCHEME_PREHASHED),
            takes_user_id=row.user_id_limit > 0,
            source=row.source,
        )
    return MappingProxyType(schemes)


SCHEMES: Mapping[str, Scheme] = _read_schemes()
"""Every signature scheme by name, in registry order."""

HASHES: Mapping[str, Hash] = MappingProxyType({row[1]: Hash(*row) for row in ffi_rows.hash_rows()})
"""Every hash by name, in registry order."""

TREES: Mapping[str, Tree] = MappingProxyType(
    {
        tree.name: tree
        for tree in (
            Tree(
                name="rfc9162",
                default_hash="sha256",
                odd=ffi.ODD_PROMOTE,
                leaf_prefix=b"\x00",
                node_prefix=b"\x01",
                empty="hash",
                equal_siblings=True,
                source="RFC 9162, section 2.1 (the same tree as RFC 6962 and CometBFT)",
            ),
            Tree(
                name="bitcoin",
                default_hash="sha256d",
                odd=ffi.ODD_DUPLICATE,
                leaf_prefix=None,
                node_prefix=b"",
                empty="zero",
                equal_siblings=False,
                source="Bitcoin Core, consensus/merkle.cpp",
            ),
            Tree(
                name="chainmaker",
                default_hash="sha256",
                odd=ffi.ODD_DUPLICATE,
                leaf_prefix=None,
                node_prefix=b"",
                empty="nothing",
                equal_siblings=True,
                source="ChainMaker, common/crypto/hash merkle root",
            ),
            Tree(
                name="ssz",
                default_hash="sha256",
                odd=ffi.ODD_PAD,
                leaf_prefix=None,
                node_prefix=b"",
                empty="pad",
                equal_siblings=True,
                source="Ethereum consensus specifications, ssz/simple-serialize.md, Merkleization",
            ),
        )
    }
)
"""Every Merkle tree shape by name."""

_Row = TypeVar("_Row")


def lookup(table: Mapping[str, _Row], name: object, field: str) -> _Row:
    """The row called `name`; UnknownNameError naming `field` otherwise."""
    row = table.get(name) if isinstance(name, str) else None
    if row is None:
        raise UnknownNameError(field, quote(name), "one of " + ", ".join(repr(known) for known in table))
    return row
