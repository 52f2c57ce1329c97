"""The knowledge of a ChainMaker node that is not in a block: :class:`ChainContext`, and its JSON form.

The JSON document is an object with the field names of :class:`ChainContext`. Byte strings are hexadecimal and PEM
stays PEM. Absent fields take their defaults; unknown fields are refused, because a misspelt ``trust_roots``
must not switch a check off.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from types import MappingProxyType
from typing import Any

from pycore.base.columns import quote
from pycore.errors import InputError
from pycore.ledgers.chainmaker import fields
from pycore.ledgers.chainmaker.fields import RegisteredKey, Revocation, TrustMember
from pycore.ledgers.chainmaker.rows import DEFAULT_RELEASE, Policy, Rows, range_start, release_name, rows_of
from pycore.ledgers.contexts import JsonContext

HASHES = {"SHA256": "sha256", "SHA3_256": "sha3-256", "SM3": "sm3"}
"""The chain's spelling (chainConfig.crypto.hash) -> this library's."""
AUTH_TYPES = ("PermissionedWithCert", "PermissionedWithKey", "Public")
CONSENSUS = ("solo", "tbft", "dpos", "maxbft", "raft")
RULES = ("strict", "compatible")
CLOCKS = ("now", "block_timestamp", "none")

_TRUST_FIELDS = frozenset(
    [
        "hash",
        "auth_type",
        "rules",
        "release",
        "consensus",
        "nodes",
        "consensus_nodes",
        "admin_keys",
        "public_keys",
        "trust_roots",
        "trust_members",
        "certificates",
        "aliases",
        "revoked",
        "frozen",
        "crls",
    ]
)
"""What decides how a member is resolved."""
_ROW_FIELDS = frozenset({"auth_type", "release", "policies", "trust_roots"})
"""What decides which policies there are."""


@dataclass(frozen=True)
class ChainContext(JsonContext):
    """The chain's configuration and the place of the block in it. Every field may be left out.

    A check whose field is missing is reported as skipped, by name; it never passes silently.

    chain_id             expected chain id of the block and of every transaction
    hash                 chainConfig.crypto.hash: "sha256" | "sha3-256" | "sm3", or the chain's spellings; None:
                         inferred from block_hash
    auth_type            "PermissionedWithCert" | "PermissionedWithKey" | "Public"
    rules                "strict" | "compatible"
    release              of the node whose rules apply, for example "2.3.7": which default policies there are
    block_version        chainConfig.version as a number: the block's must be equal; loose transactions are judged by
                         it. None: not compared, and what the release writes
    consensus            "tbft" | "dpos" | "maxbft" | "raft" | "solo"; None: told from the block's extra data
    trust_roots          organisation -> PEM of its roots and intermediates, one or several to a text; key modes: PEM
                         public keys of its administrators ("public": those of a public chain)
    trust_members        members that are trusted without a certificate chain
    certificates         hex of the chain's hash over the DER -> PEM, for CERT_HASH members
    aliases              alias -> PEM certificate, for ALIAS members
    validators           node ids that may vote at this height; DPoS: of the addresses in the epoch's proposer_vector
    nodes                node id -> PEM certificate or public key with which that node votes; binds votes to voters
                         under "strict"
    consensus_nodes      organisation -> node ids: chainConfig.consensus.nodes. In the key modes a node id is made from
                         the key, so this tells who is in the consensus role
    admin_keys           PEM public keys of the administrators of a public chain
    public_keys          the chain's register of keys (PermissionedWithKey); None: not known, so that members beyond
                         administrators and nodes cannot be judged
    revoked              serial numbers of revoked certificates: Revocation, integer or hex
    crls                 certificate revocation lists, PEM or DER (in JSON: hex of the DER)
    frozen               frozen certificates: hex of the chain's hash over the DER, or PEM
    policies             "CONTRACT-method" -> endorsement policy: the rows of the chain's configuration
    previous_block_hash  hash of the block before this one, 32 bytes
    height               expected height
    blocks_per_proposer  TBFT: blocks in a row by one proposer, TBFT_blocks_per_proposer of the configuration, which is
                         1 where it says nothing; None: not known. DPoS takes none: it is always 1
    previous_proposer    node id that proposed the block before this one, with which the turn begins from block version
                         2030100 on; "": it had none that is known as a node. None: not known
    rw_sets              serialised TxRWSet per transaction, in order
    time                 verification time for certificates, Unix seconds; None: what `clock` says
    clock                "now", as a node does | "block_timestamp" | "none": dates of certificates are ignored
    rebuild_dag          also rebuild the DAG from the read and write sets and compare (nodes do not)
    """

    chain_id: str | None = None
    hash: str | None = None
    auth_type: str = "PermissionedWithCert"
    rules: str = "strict"
    release: str = DEFAULT_RELEASE
    block_version: int | None = None
    consensus: str | None = None
    trust_roots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trust_members: tuple[TrustMember, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    validators: tuple[str, ...] = ()
    nodes: Mapping[str, str] = field(default_factory=dict)
    consensus_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    admin_keys: tuple[str, ...] = ()
    public_keys: tuple[RegisteredKey, ...] | None = None
    revoked: tuple[Revocation, ...] = ()
    crls: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    previous_block_hash: bytes | None = None
    height: int | None = None
    blocks_per_proposer: int | None = None
    previous_proposer: str | None = None
    rw_sets: tuple[bytes, ...] | None = None
    time: float | None = None
    clock: str = "now"
    rebuild_dag: bool = False

    def __post_init__(self) -> None:
        for name, value in (*self._normalised_choices(), *self._normalised_trust(), *self._normalised_place()):
            object.__setattr__(self, name, value)
        if self.auth_type == "PermissionedWithKey" and self.admin_keys:
            wanted = "trust_roots: every administrator of this mode belongs to an organisation"
            raise InputError("context.admin_keys", got=f"{len(self.admin_keys)} keys", wanted=wanted)

    def _normalised_choices(self) -> Iterator[tuple[str, Any]]:
        if self.hash is not None:
            yield "hash", chain_hash_name(self.hash)
        aliases = {"": AUTH_TYPES[0], "identity": AUTH_TYPES[0]}  # as the chain reads its own configuration
        yield "auth_type", fields.one_of("auth_type", self.auth_type, AUTH_TYPES, aliases=aliases)
        yield "rules", fields.one_of("rules", self.rules, RULES)
        yield "clock", fields.one_of("clock", self.clock, CLOCKS)
        yield "release", release_name(self.release)
        if self.block_version is not None:
            yield "block_version", fields.number("block_version", self.block_version, 32)
        if self.consensus is not None:
            yield "consensus", fields.one_of("consensus", self.consensus, CONSENSUS)
        if self.chain_id is not None:
            yield "chain_id", fields.text("chain_id", self.chain_id)
        if type(self.rebuild_dag) is not bool:
            raise fields.refuse("rebuild_dag", repr(self.rebuild_dag), "true or false")

    def _normalised_trust(self) -> Iterator[tuple[str, Any]]:
        def mapping(name: str, read: Any, key: Any = None) -> MappingProxyType[str, Any]:
            given = fields.items(name, getattr(self, name))
            made = {(key(name, k) if key else k): read(f"{name}[{k!r}]", v) for k, v in given}
            if len(made) != len(given):
                raise fields.refuse(name, "one entry in two spellings", "every entry once")
            return MappingProxyType(made)

        def each(name: str, read: Any) -> tuple[Any, ...]:
            given = fields.sequence(name, getattr(self, name))
            return tuple(read(f"{name}[{i}]", item) for i, item in enumerate(given))

        yield "trust_roots", mapping("trust_roots", fields.pems)
        yield "certificates", mapping("certificates", fields.text, fields.digest)
        yield "aliases", mapping("aliases", fields.text)
        yield "nodes", mapping("nodes", fields.text, fields.word)
        yield "consensus_nodes", mapping("consensus_nodes", fields.words)
        yield "policies", mapping("policies", fields.policy)
        yield "validators", fields.words("validators", self.validators)
        yield "admin_keys", fields.texts("admin_keys", self.admin_keys)
        if self.public_keys is not None:
            yield "public_keys", each("public_keys", fields.registered_key)
        yield "revoked", each("revoked", fields.revocation)
        yield "crls", each("crls", fields.list_of_revocations)
        yield "frozen", each("frozen", fields.frozen)
        yield "trust_members", each("trust_members", lambda name, item: fields.instance(name, item, TrustMember))

    def _normalised_place(self) -> Iterator[tuple[str, Any]]:
        if self.rw_sets is not None:
            given = fields.sequence("rw_sets", self.rw_sets)
            yield "rw_sets", tuple(fields.octets(f"rw_sets[{i}]", item) for i, item in enumerate(given))
        if self.previous_block_hash is not None:
            yield "previous_block_hash", fields.octets("previous_block_hash", self.previous_block_hash, 32)
        if self.height is not None:
            yield "height", fields.number("height", self.height, 64)
        if self.blocks_per_proposer is not None:
            yield "blocks_per_proposer", fields.number("blocks_per_proposer", self.blocks_per_proposer, 32, least=1)
        if self.previous_proposer is not None:
            yield "previous_proposer", fields.word("previous_proposer", self.previous_proposer, empty=True)
        if self.time is not None and (type(self.time) not in (int, float) or not _is_time(self.time)):
            raise fields.refuse("time", quote(self.time), "Unix seconds: a finite number")
        if self.time is not None and self.clock != "now":
            raise fields.refuse("time", f"{self.time!r} and the clock {self.clock!r}", "one of the two")

    def __reduce__(self) -> tuple[Any, ...]:  # read-only mappings do not pickle
        return ChainContext.from_dict, (self.to_dict(),)

    @property
    def by_certificate(self) -> bool:
        """Whether members are certificates (PermissionedWithCert) rather than bare public keys."""
        return self.auth_type == "PermissionedWithCert"

    @cached_property
    def _trust(self) -> tuple[bytes, int]:
        parts = [fields.plain(getattr(self, name)) for name in sorted(_TRUST_FIELDS)]
        text = json.dumps(parts, sort_keys=True).encode()
        return hashlib.sha256(text).digest(), len(text)

    @property
    def trust_key(self) -> bytes:
        """Equal for contexts that resolve members alike: the key under which resolved members are cached."""
        return self._trust[0]

    @property
    def trust_size(self) -> int:
        """About how many bytes the part that resolves members takes, kept and parsed."""
        return 4 * self._trust[1]

    def rows(self, mode: str, block_version: int) -> Rows:
        """The policies that judge blocks of a version, as :func:`~pycore.ledgers.chainmaker.rows.rows_of` gives them;
        worked out once, since every block asks for them."""
        key = mode, range_start(block_version)
        known: dict[tuple[str, int], Rows] = self.__dict__.setdefault("_rows", {})
        if key not in known:
            organisations = frozenset() if self.auth_type == "Public" else frozenset(self.trust_roots)
            known[key] = rows_of(mode, block_version, self.release, self.policies, organisations)
        return known[key]

    def replace(self, **changes: Any) -> ChainContext:
        """A copy with some fields changed; for the next block: ``context.replace(height=8, ...)``."""
        made = dataclasses.replace(self, **changes)
        for name, fields_ in (("_trust", _TRUST_FIELDS), ("_rows", _ROW_FIELDS)):
            if name in self.__dict__ and not changes.keys() & fields_:
                made.__dict__[name] = self.__dict__[name]  # not worked out again for every block
        return made

    def after_proposer(self, node: str | None) -> ChainContext:
        """A copy for the block after one that this node proposed. Unlike :meth:`replace` it looks at nothing else: runs
        make one for every block."""
        self._trust  # noqa: B018 - what is worked out once is shared by the copies
        self.__dict__.setdefault("_rows", {})
        made = object.__new__(ChainContext)
        made.__dict__.update(self.__dict__, previous_proposer=node)
        return made


def chain_hash_name(name: object) -> str:
    """This library's name of a chain hash, from either spelling."""
    return fields.one_of("hash", name, tuple(HASHES.values()), aliases={k.lower(): v for k, v in HASHES.items()})


def _is_time(value: float) -> bool:
    return isfinite(value) and abs(value) < 1 << 62
