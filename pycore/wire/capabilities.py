"""The capabilities of a service as a message, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pycore import bundle, ics23, ledgers
from pycore.base.backends import Capabilities
from pycore.base.ffi import BackendRow
from pycore.base.registry import Hash, Rules, Scheme
from pycore.consensus import chains
from pycore.signatures.keycache import KeyCacheStats
from pycore.wire.schema import capability_pb2
from pycore.wire.settings import Limits, Settings


@dataclass(frozen=True)
class TreeSummary:
    """A Merkle tree shape: its name, the hash that an unset hash means, and the document that defines it."""

    name: str
    default_hash: str
    source: str


@dataclass(frozen=True)
class ServiceCapabilities:
    """The capabilities of a service: the attributes of `pycore.Capabilities`, and what only a service has.

    Attributes:
        trees: the Merkle tree shapes.
        chains: names of the ledgers of validate_block.
        bundles: chain -> kinds of statements that its bundles can prove.
        consensus: chain -> signature schemes of validators whose votes are verified.
        other_schemes: chain -> schemes that validators may have as well, and whose votes never count.
        proof_specs: names of the specs of verify_ics23.
        limits: what a request may hold.
        Others: as in `pycore.Capabilities`.
    """

    version: str
    cpu_features: Mapping[str, bool]
    backends: tuple[BackendRow, ...]
    active: Mapping[str, str]
    active_single: Mapping[str, str]
    why: Mapping[str, str]
    why_single: Mapping[str, str]
    compiler: str
    schemes: tuple[Scheme, ...]
    hashes: tuple[Hash, ...]
    trees: tuple[TreeSummary, ...]
    chains: tuple[str, ...]
    threads: int
    key_cache: KeyCacheStats
    limits: Limits
    bundles: Mapping[str, tuple[str, ...]]
    consensus: Mapping[str, tuple[str, ...]]
    other_schemes: Mapping[str, tuple[str, ...]]
    proof_specs: tuple[str, ...]

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Names of all schemes and hashes."""
        return (*(row.name for row in self.schemes), *(row.name for row in self.hashes))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts, lists, strings and numbers, with the keys of `pycore.Capabilities.to_dict`."""
        shown = asdict(self)
        shown["backends"] = [row._asdict() for row in self.backends]
        shown["key_cache"] = self.key_cache._asdict()
        return {key: list(value) if isinstance(value, tuple) else value for key, value in shown.items()}


def to_capabilities(found: Capabilities, settings: Settings) -> capability_pb2.GetCapabilitiesResponse:
    """Capabilities for sending."""
    return capability_pb2.GetCapabilitiesResponse(
        version=found.version,
        cpu_features=[
            capability_pb2.CpuFeature(name=name, usable=usable) for name, usable in found.cpu_features.items()
        ],
        backends=[capability_pb2.Backend(**row._asdict()) for row in found.backends],
        schemes=[
            capability_pb2.SchemeInfo(
                rules=[capability_pb2.RuleSet(name=rules.name, flags=rules.flags) for rules in row.rules],
                backend=found.active.get(row.name, ""),
                single_backend=found.active_single.get(row.name, ""),
                why=found.why.get(row.name, ""),
                single_why=found.why_single.get(row.name, ""),
                **{name: getattr(row, name) for name in Scheme.__slots__ if name != "rules"},
            )
            for row in found.schemes
        ],
        hashes=[
            capability_pb2.HashInfo(
                backend=found.active.get(row.name, ""),
                single_backend=found.active_single.get(row.name, ""),
                why=found.why.get(row.name, ""),
                single_why=found.why_single.get(row.name, ""),
                **{name: getattr(row, name) for name in Hash.__slots__},
            )
            for row in found.hashes
        ],
        trees=[
            capability_pb2.TreeInfo(name=tree.name, default_hash=tree.default_hash, source=tree.source)
            for tree in found.trees
        ],
        chains=ledgers.names(),
        limits=capability_pb2.Limits(**vars(settings.limits)),
        threads=settings.threads or found.threads,
        compiler=found.compiler,
        key_cache=capability_pb2.KeyCache(**found.key_cache._asdict()),
        bundles=[capability_pb2.BundleInfo(chain=name, kinds=kinds) for name, kinds in bundle.kinds().items()],
        consensus=map(_to_consensus, chains.names()),
        proof_specs=ics23.SPECS,
    )


def _to_consensus(name: str) -> capability_pb2.ConsensusInfo:
    rules = chains.rules(name)
    verified = sorted(rules.options)
    return capability_pb2.ConsensusInfo(
        chain=name, schemes=verified, other_schemes=sorted(rules.schemes.difference(verified))
    )


def from_capabilities(message: capability_pb2.GetCapabilitiesResponse) -> ServiceCapabilities:
    """Received capabilities."""
    rows: list[Any] = [*message.schemes, *message.hashes]
    return ServiceCapabilities(
        version=message.version,
        cpu_features={feature.name: feature.usable for feature in message.cpu_features},
        backends=tuple(BackendRow(*(getattr(row, name) for name in BackendRow._fields)) for row in message.backends),
        active={row.name: row.backend for row in rows if row.backend},
        active_single={row.name: row.single_backend for row in rows if row.single_backend},
        why={row.name: row.why for row in rows if row.backend},
        why_single={row.name: row.single_why for row in rows if row.single_backend},
        compiler=message.compiler,
        schemes=tuple(_scheme(row) for row in message.schemes),
        hashes=tuple(Hash(*(getattr(row, name) for name in Hash.__slots__)) for row in message.hashes),
        trees=tuple(TreeSummary(tree.name, tree.default_hash, tree.source) for tree in message.trees),
        chains=tuple(message.chains),
        threads=message.threads,
        key_cache=KeyCacheStats(*(getattr(message.key_cache, name) for name in KeyCacheStats._fields)),
        limits=Limits(**{name: getattr(message.limits, name) for name in Limits.__dataclass_fields__}),
        bundles={one.chain: tuple(one.kinds) for one in message.bundles},
        consensus={one.chain: tuple(one.schemes) for one in message.consensus},
        other_schemes={one.chain: tuple(one.other_schemes) for one in message.consensus},
        proof_specs=tuple(message.proof_specs),
    )


def _scheme(row: capability_pb2.SchemeInfo) -> Scheme:
    values = {name: getattr(row, name) for name in Scheme.__slots__}
    values["rules"] = tuple(Rules(rules.name, rules.flags) for rules in row.rules)
    values["key_sizes"] = tuple(row.key_sizes)
    return Scheme(**values)
