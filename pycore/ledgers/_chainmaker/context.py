"""What a ChainMaker node knows and a block does not say: :class:`ChainContext`, and its JSON form.

The JSON document is an object with the field names of :class:`ChainContext`. Byte strings are hexadecimal, PEM stays
PEM, absent
fields take their defaults, unknown fields are refused: a misspelt ``trust_roots`` must not switch a check off.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

from pycore.errors import InputError
from pycore.ledgers._json import load_object

HASHES = {"SHA256": "sha256", "SHA3_256": "sha3-256", "SM3": "sm3"}
"""The chain's spelling (chainConfig.crypto.hash) -> this library's."""
AUTH_TYPES = ("PermissionedWithCert", "PermissionedWithKey", "Public")
CONSENSUS = ("solo", "tbft", "dpos", "maxbft", "raft")
RULES = ("strict", "compatible")

_CERTIFICATE_FIELDS = ("trust_roots", "trust_members", "certificates", "aliases", "revoked", "frozen")
_TRUST_FIELDS = frozenset(("hash", "auth_type", "rules", "nodes", "admin_keys", *_CERTIFICATE_FIELDS))
"""What decides how a member is resolved."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrustMember:
    """A member that the chain's configuration trusts by itself: its certificate needs no chain to a root."""

    pem: str
    org_id: str
    role: str
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """An endorsement policy of the chain's configuration.

    ``rule`` is ANY, ALL, MAJORITY, FORBIDDEN, a count ("2") or a fraction of the organisations ("2/3"); empty ``orgs``
    and ``roles`` mean all. MAJORITY counts organisations, and administrators only when no roles are given.
    """

    rule: str
    orgs: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChainContext:
    """The chain's configuration and the place of the block in it. Every field may be left out.

    A check whose field is missing is reported as skipped, by name; it never passes silently.

    chain_id             expected chain id of the block and of every transaction
    hash                 chainConfig.crypto.hash: "sha256" | "sha3-256" | "sm3", or the chain's spellings; None:
                         inferred from block_hash
    auth_type            "PermissionedWithCert" | "PermissionedWithKey" | "Public"
    rules                "strict" | "compatible"
    consensus            "tbft" | "dpos" | "maxbft" | "raft" | "solo"; None: told from the block's extra data
    trust_roots          organisation -> PEM certificates of its roots and intermediates (PermissionedWithCert)
    trust_members        members that are trusted without a certificate chain
    certificates         lower-case hex of the chain's hash over the DER -> PEM, for CERT_HASH members
    aliases              alias -> PEM certificate, for ALIAS members
    validators           node ids that may vote at this height
    nodes                node id -> PEM certificate or public key with which that node votes; binds votes to voters
                         under "strict", and tells the consensus role of a bare public key
    admin_keys           PEM public keys that have the ADMIN role (key modes)
    revoked              serial numbers of revoked certificates, hex
    frozen               hex of the chain's hash over the DER of frozen certificates
    policies             "CONTRACT-method" -> endorsement policy
    previous_block_hash  hash of the block before this one, 32 bytes
    height               expected height
    rw_sets              serialised TxRWSet per transaction, in order
    time                 verification time for certificates, Unix seconds; None: now, as a node does
    rebuild_dag          also rebuild the DAG from the read and write sets and compare (nodes do not)
    """

    chain_id: str | None = None
    hash: str | None = None
    auth_type: str = "PermissionedWithCert"
    rules: str = "strict"
    consensus: str | None = None
    trust_roots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trust_members: tuple[TrustMember, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    validators: tuple[str, ...] = ()
    nodes: Mapping[str, str] = field(default_factory=dict)
    admin_keys: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)
    previous_block_hash: bytes | None = None
    height: int | None = None
    rw_sets: tuple[bytes, ...] | None = None
    time: float | None = None
    rebuild_dag: bool = False

    def __post_init__(self) -> None:
        for name, value in self._normalised():
            object.__setattr__(self, name, value)

    def _normalised(self) -> Iterator[tuple[str, Any]]:
        """Every field that is not stored as it was given, checked."""
        if self.hash is not None:
            yield "hash", chain_hash_name(self.hash)
        _one_of("auth_type", self.auth_type, AUTH_TYPES)
        _one_of("rules", self.rules, RULES)
        if self.consensus is not None:
            _one_of("consensus", self.consensus, CONSENSUS)
        if self.chain_id is not None:
            _text("chain_id", self.chain_id)
        roots = {org: _pems(f"trust_roots[{org!r}]", pems) for org, pems in _items("trust_roots", self.trust_roots)}
        yield "trust_roots", MappingProxyType(roots)
        certificates = {_hex(k): _text("certificates", v) for k, v in _items("certificates", self.certificates)}
        yield "certificates", MappingProxyType(certificates)
        for name in ("aliases", "nodes"):
            yield name, MappingProxyType({k: _text(name, v) for k, v in _items(name, getattr(self, name))})
        for name in ("validators", "admin_keys"):
            yield name, _texts(name, getattr(self, name))
        for name in ("revoked", "frozen"):
            yield name, tuple(_hex(value) for value in _texts(name, getattr(self, name)))
        policies = _items("policies", self.policies)
        yield "policies", MappingProxyType({k: _instance(f"policies[{k!r}]", v, Policy) for k, v in policies})
        members = enumerate(_list("trust_members", self.trust_members))
        yield "trust_members", tuple(_instance(f"trust_members[{i}]", item, TrustMember) for i, item in members)
        if self.rw_sets is not None:
            yield (
                "rw_sets",
                tuple(_bytes(f"rw_sets[{i}]", item) for i, item in enumerate(_list("rw_sets", self.rw_sets))),
            )
        if self.previous_block_hash is not None:
            yield "previous_block_hash", _bytes("previous_block_hash", self.previous_block_hash, 32)
        if self.height is not None and (type(self.height) is not int or not 0 <= self.height < 1 << 64):
            raise InputError("context.height", got=repr(self.height), wanted="an integer from 0 to 2^64 - 1")
        if self.time is not None and (type(self.time) not in (int, float) or not isfinite(self.time)):
            raise InputError("context.time", got=repr(self.time), wanted="Unix seconds: a finite number")
        if type(self.rebuild_dag) is not bool:
            raise InputError("context.rebuild_dag", got=repr(self.rebuild_dag), wanted="true or false")

    def __reduce__(self) -> tuple[Any, ...]:  # read-only mappings do not pickle
        return ChainContext.from_dict, (self.to_dict(),)

    @property
    def by_certificate(self) -> bool:
        """Whether members are certificates (PermissionedWithCert) rather than bare public keys."""
        return self.auth_type == "PermissionedWithCert"

    @cached_property
    def trust_key(self) -> bytes:
        """Equal for contexts that resolve members alike: the key under which resolved members are cached."""
        parts = [_plain(getattr(self, name)) for name in sorted(_TRUST_FIELDS)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()

    def replace(self, **changes: Any) -> ChainContext:
        """A copy with some fields changed; for the next block: ``context.replace(height=8, ...)``."""
        made = dataclasses.replace(self, **changes)
        if "trust_key" in self.__dict__ and not changes.keys() & _TRUST_FIELDS:
            made.__dict__["trust_key"] = self.trust_key  # a large configuration is not digested again for every block
        return made

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects; fields at their defaults are left out."""
        shown: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value is None or value is False or (not isinstance(value, (int, float, str, bytes)) and not value):
                continue
            shown[item.name] = _plain(value)
        return shown

    def to_json(self, *, indent: int | None = 2) -> str:
        """The JSON document that :meth:`from_json` reads."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ChainContext:
        """A context from the JSON form. InputError names the field that does not fit."""
        if not isinstance(document, Mapping):
            raise InputError("context", got=type(document).__name__, wanted="a JSON object")
        known = {item.name for item in dataclasses.fields(cls)}
        for name in document:
            if name not in known:
                raise InputError(f"context.{name}", got="an unknown field", wanted=f"one of {', '.join(sorted(known))}")
        return cls(**document)

    @classmethod
    def from_json(cls, source: str | bytes | Path) -> ChainContext:
        """Reads a JSON document: its text, or the path of a file that holds it (a Path, or a string that is not a JSON
        object)."""
        text: str | bytes
        if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith("{")):
            try:
                text = Path(source).read_bytes()
            except OSError as error:
                raise InputError(
                    "context", got=str(error), wanted="a JSON object or the path of a file that holds one"
                ) from error
        else:
            text = source
        return cls.from_dict(load_object(text, "context"))


def chain_hash_name(name: object) -> str:
    """This library's name of a chain hash, from either spelling."""
    if isinstance(name, str) and name in HASHES:
        return HASHES[name]
    return _one_of("hash", name, tuple(HASHES.values()))


def _one_of(name: str, value: object, wanted: Sequence[str]) -> str:
    if value not in wanted:
        raise InputError(f"context.{name}", got=repr(value), wanted="one of " + ", ".join(map(repr, wanted)))
    return cast(str, value)


def _items(name: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise InputError(f"context.{name}", got=type(value).__name__, wanted="a mapping (JSON object)")
    for key in value:
        _text(name, key)
    return list(value.items())


def _list(name: str, value: Any) -> Sequence[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InputError(f"context.{name}", got=type(value).__name__, wanted="a sequence (JSON array)")
    return value


def _text(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise InputError(f"context.{name}", got=type(value).__name__, wanted="text")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can write half of a surrogate pair
        raise InputError(f"context.{name}", got=repr(value)[:80], wanted="text that UTF-8 can write") from error
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    return tuple(_text(name, item) for item in _list(name, value))


def _pems(name: str, value: Any) -> tuple[str, ...]:
    return (_text(name, value),) if isinstance(value, str) else _texts(name, value)


def _hex(value: str) -> str:
    return value.lower().removeprefix("0x")


def _bytes(name: str, value: Any, size: int | None = None) -> bytes:
    """Bytes, or text in hexadecimal."""
    try:
        found = bytes.fromhex(_hex(value)) if isinstance(value, str) else bytes(memoryview(value))
    except (ValueError, TypeError) as error:
        raise InputError(f"context.{name}", got=repr(value)[:80], wanted="bytes, or hexadecimal digits") from error
    if size is not None and len(found) != size:
        raise InputError(f"context.{name}", got=f"{len(found)} bytes", wanted=f"{size} bytes")
    return found


def _instance(name: str, value: Any, kind: type[T]) -> T:
    """A TrustMember or Policy, or the mapping that describes one."""
    given = value if isinstance(value, kind) else None
    fields = {item.name: item for item in dataclasses.fields(cast(Any, kind))}
    values = {key: getattr(given, key) for key in fields} if given is not None else dict(_items(name, value))
    missing = [key for key, item in fields.items() if item.default is dataclasses.MISSING and key not in values]
    if missing or not values.keys() <= fields.keys():
        raise InputError(
            f"context.{name}", got=", ".join(sorted(values)) or "nothing", wanted="fields " + ", ".join(fields)
        )
    plural = {key for key, item in fields.items() if item.default == ()}
    return kind(**{k: (_texts if k in plural else _text)(f"{name}.{k}", v) for k, v in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in dataclasses.asdict(value).items()}
    return value
