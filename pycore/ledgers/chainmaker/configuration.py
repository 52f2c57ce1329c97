"""Changes of the chain's configuration by its blocks: the context of the next height.

A node takes the configuration of height h + 1 from block h where that is a configuration block: its one transaction
calls the contract CHAIN_CONFIG, and the bytes of its result are the whole new ChainConfig, which is also what it
writes to the state. TBFT counts the votes of height h + 1 by the nodes of that configuration.

Followed are that, and certificates that members add for themselves (CERT_MANAGE-CERT_ADD), which prove themselves by
their hash. Everything else that would change who may sign what raises :class:`UnclearError`: it is told, not guessed.
Read in public copies of the chain's `chainconf`, `vm-native` and `utils` modules of 2.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pycore._pb.ledgers.chainmaker.v1 import config_pb2
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.identities.x509 import CertificateError, parse_certificate
from pycore.ledgers.chainmaker.context import AUTH_TYPES, HASHES, ChainContext
from pycore.ledgers.chainmaker.fields import TrustMember
from pycore.ledgers.chainmaker.messages import (
    Block,
    BlockHeaderConsensusArgs,
    Transaction,
    TxRWSet,
    parse,
    shorten,
)
from pycore.ledgers.chainmaker.quorum import consensus_of
from pycore.ledgers.chainmaker.rows import Policy

CONFIG, CERTIFICATES, KEYS, VOTED = "CHAIN_CONFIG", "CERT_MANAGE", "PUBKEY_MANAGE", "MULTI_SIGN"
_STATES = frozenset({CONFIG, CERTIFICATES, KEYS})
CONFIG_BLOCK = 1
"""The bit of a block's type that says so (BLOCK_TYPE_CONFIG)."""
_SUCCESS = 0
_INVOKES = 0
_READS = frozenset({f"{CERTIFICATES}-CERTS_QUERY", f"{CERTIFICATES}-CERTS_ALIAS_QUERY", f"{KEYS}-PUBKEY_QUERY"})
_NOT_THE_CONFIGURATION = frozenset({"GET_CHAIN_CONFIG_AT", "PERMISSION_LIST"})
_EXECUTES = frozenset({"VOTE", "TRIG"})
_CONSENSUS = {0: "solo", 1: "tbft", 4: "raft"}
"""ConsensusType -> this library's name, of those whose validators are the configuration's nodes."""
BY_CONFIGURATION = frozenset(_CONSENSUS.values())
_VERSIONS = {"v2.2.0": 2201, "v2.2.0_alpha": 220}
_MOST_CERTIFICATES = 1 << 16
_MOST = {"validators": 6143, "policies": 4096, "trust_roots": 4096, "trust_members": 4096}
"""Entries that every block of a run costs time for. Of more validators the votes that are read are no quorum."""

mentions = re.compile(rb"_(?:CONFIG|MANAGE|SIGN)").search
"""Whether the bytes of a block have the name of a contract that may change the configuration: where they do not, no
transaction calls one, and no event or write is of one."""


class UnclearError(Exception):
    """The block may change the configuration in a way that is not followed; in words."""


def check_size(context: ChainContext) -> None:
    """InputError for a context that no run is made in: its blocks would cost more than they are worth."""
    for name, most in _MOST.items():
        count = len(getattr(context, name))
        if count > most:
            raise InputError(f"context.{name}", got=f"{count} entries", wanted=f"at most {most} in a run of blocks")


def next_context(block: Block, rw_sets: Sequence[TxRWSet] | None, context: ChainContext) -> ChainContext | None:
    """The context of the next height where this block changes it; None where it does not.

    The block must have been found valid in `context`, and `rw_sets` be those that it commits to, or None.

    Raises:
        UnclearError: what the block does is not known, or not followed.
    """
    _check_epoch(block, context)
    certificates: dict[str, str] = {}
    config: tuple[Transaction, TxRWSet | None] | None = None
    for index, tx in enumerate(block.txs):
        rw_set = rw_sets[index] if rw_sets is not None else None
        touched = _touched(tx, rw_set)
        if CONFIG in touched:
            config = tx, rw_set
        elif CERTIFICATES in touched and _called(tx) == f"{CERTIFICATES}-CERT_ADD" and touched == {CERTIFICATES}:
            certificates.update(_added(tx, context))
        elif touched:
            raise UnclearError(f"{_called(tx)} may change what {' and '.join(sorted(touched))} holds")
    if config is not None:
        return _moved(context, _configuration(block, *config))
    new = {name: pem for name, pem in certificates.items() if name not in context.certificates}
    if not new:
        return None
    if len(context.certificates) + len(new) > _MOST_CERTIFICATES:
        raise UnclearError(f"members add certificates, and the context holds {len(context.certificates)} already")
    return context.replace(certificates={**context.certificates, **new})


def _called(tx: Transaction) -> str:
    return f"{shorten(tx.payload.contract_name)}-{shorten(tx.payload.method)}"


def _touched(tx: Transaction, rw_set: TxRWSet | None) -> set[str]:
    """The contracts of _STATES whose state the transaction changes, or may change."""
    payload, result = tx.payload, tx.result
    written = {write.contract_name for write in rw_set.tx_writes} & _STATES if rw_set is not None else set()
    if result.code != _SUCCESS or payload.tx_type != _INVOKES:
        if written:
            raise UnclearError(f"{_called(tx)} was not successful and yet writes to {' and '.join(sorted(written))}")
        return set()
    said = {event.contract_name for event in result.contract_result.contract_event} & _STATES
    if payload.contract_name in _STATES and _called(tx) not in _READS:
        said.add(payload.contract_name)
    if payload.contract_name == VOTED and payload.method in _EXECUTES and rw_set is None:
        raise UnclearError(f"{_called(tx)} may execute any change; the read and write sets would tell")
    return written | said


def _check_epoch(block: Block, context: ChainContext) -> None:
    """DPoS and MaxBFT choose validators by epoch: the block that ends one has the writes in its header."""
    arguments = block.header.consensus_args
    if not arguments or context.consensus in BY_CONFIGURATION:
        return
    try:
        writes = parse(BlockHeaderConsensusArgs, arguments, "consensus_args").consensus_data.tx_writes
    except InputError:
        writes = None
    kind = context.consensus or consensus_of(block.additional_data.extra_data)
    if writes is None or len(writes):
        raise UnclearError(f"the header carries state of the consensus ({kind or 'not known'}): validators may change")


# ---- certificates ----------------------------------------------------------------------------------------------------


def _added(tx: Transaction, context: ChainContext) -> dict[str, str]:
    """The certificate that a sender adds to the register: its own, under its hash."""
    member = tx.sender.signer
    if member.member_type != 0:
        return {}  # it is named by its hash already
    if context.hash is None:
        raise UnclearError(f"{_called(tx)} adds a certificate under a hash that is not known")
    try:
        certificate = parse_certificate(member.member_info, rules=context.rules)
    except CertificateError as error:
        raise UnclearError(f"{_called(tx)} adds a certificate that cannot be read ({error})") from error
    return {hash_one(context.hash, certificate.der).hex(): member.member_info.decode("latin-1")}


# ---- the chain's configuration ---------------------------------------------------------------------------------------


def _configuration(block: Block, tx: Transaction, rw_set: TxRWSet | None) -> config_pb2.ChainConfig:
    """The configuration that the one transaction of a configuration block leaves."""
    result = tx.result.contract_result
    header = block.header
    written = [write.value for write in rw_set.tx_writes if write.contract_name == CONFIG] if rw_set is not None else []
    said = [event.event_data for event in result.contract_event if event.contract_name == CONFIG]
    reads = tx.payload.method == "GET_CHAIN_CONFIG"  # its result is the configuration as it is
    for holds, words in (
        (tx.payload.contract_name == CONFIG, f"{_called(tx)} changes the configuration, by another contract"),
        (
            header.block_type == CONFIG_BLOCK,
            f"{_called(tx)} in a block of type {header.block_type}, not configuration",
        ),
        (len(block.txs) == 1, f"{_called(tx)} is not alone in its block"),
        (tx.payload.method not in _NOT_THE_CONFIGURATION, f"the result of {_called(tx)} is not the configuration"),
        (bool(result.result), f"{_called(tx)} has no result"),
        (all(list(data) == [result.result.hex()] for data in said), f"{_called(tx)}: its event has another result"),
        (
            rw_set is None or written == ([] if reads else [result.result]),
            f"{_called(tx)}: what it writes is not its result",
        ),
    ):
        if not holds:
            raise UnclearError(words)
    try:
        return parse(config_pb2.ChainConfig, result.result, "result")
    except InputError as error:
        raise UnclearError(f"the result of {_called(tx)}: {error}") from error


def _moved(context: ChainContext, config: config_pb2.ChainConfig) -> ChainContext | None:
    """The context under a new configuration; None where it is the same."""
    kind = _CONSENSUS.get(config.consensus.type)
    for name, got, wanted in (
        ("chain_id", config.chain_id, context.chain_id),
        ("hash", HASHES.get(config.crypto.hash), context.hash),
        ("auth_type", _auth_type(config.auth_type), context.auth_type),
        ("consensus", kind, context.consensus or kind),
    ):
        if got is None or got != wanted:
            raise UnclearError(f"the new configuration has {name} {_raw(config, name)}, the context {wanted!r}")
    nodes = _once("consensus.nodes", ((org.org_id, _node_ids(org)) for org in config.consensus.nodes))
    changes: dict[str, Any] = {
        "validators": tuple(node for ids in nodes.values() for node in ids),
        "consensus_nodes": nodes,
        "trust_roots": _once("trust_roots", ((one.org_id, tuple(one.root)) for one in config.trust_roots)),
        "trust_members": tuple(
            TrustMember(one.member_info, one.org_id, one.role, one.node_id) for one in config.trust_members
        ),
        "policies": _once("resource_policies", map(_policy, config.resource_policies)),
    }
    if context.block_version is not None:
        changes["block_version"] = _version(config.version)
    if not context.by_certificate:  # there a known key of a node is what makes it one
        changes["nodes"] = {node: pem for node, pem in context.nodes.items() if node in changes["validators"]}
        changes["admin_keys"] = ()
    try:
        made = context.replace(**changes)
        check_size(made)
    except InputError as error:
        raise UnclearError(f"the new configuration: {error}") from error
    if kind == "tbft":
        _check_bindings(made)
    return made if made != context else None


def _check_bindings(context: ChainContext) -> None:
    """`strict` compares each voter's key with the one that `nodes` names; of a node without, nothing can be told."""
    known = context.nodes.keys() | {member.node_id for member in context.trust_members}
    missing = [node for node in context.validators if node not in known]
    if context.rules == "strict" and context.by_certificate and known - {""} and missing:
        raise UnclearError(f"the new configuration has nodes whose certificate is not in `nodes`: {missing[0]}")


def _node_ids(org: config_pb2.OrgConfig) -> tuple[str, ...]:
    if org.address and not org.node_id:
        raise UnclearError(f"the nodes of {shorten(org.org_id)} are given by address")
    return tuple(org.node_id)


def _policy(row: config_pb2.ResourcePolicy) -> tuple[str, Policy]:
    return row.resource_name, Policy(row.policy.rule, tuple(row.policy.org_list), tuple(row.policy.role_list))


def _once(name: str, items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        if key in found:
            raise UnclearError(f"the new configuration names {shorten(key)} twice in {name}")
        found[key] = value
    return found


def _auth_type(text: str) -> str | None:
    names = {name.lower(): name for name in AUTH_TYPES} | {"": AUTH_TYPES[0], "identity": AUTH_TYPES[0]}
    return names.get(text.lower())


def _raw(config: config_pb2.ChainConfig, name: str) -> str:
    """A field as the configuration has it, for reasons."""
    values: dict[str, object] = {
        "chain_id": config.chain_id,
        "hash": config.crypto.hash,
        "auth_type": config.auth_type,
        "consensus": config.consensus.type,
    }
    return repr(shorten(str(values[name])))


def _version(text: str) -> int:
    """chainConfig.version as a number; 0 is what the release writes."""
    if text in _VERSIONS:
        return _VERSIONS[text]
    if not text or (text.isascii() and text.isdecimal() and len(text) <= 9):
        return int(text or "0")
    raise UnclearError(f"the new configuration has version {shorten(text)!r}")
