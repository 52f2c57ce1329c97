"""CometBFT's part in proof bundles: a header, a transaction below it, the validators that it names.

headers       above the trusted height: one, with its commit as `certificate`, by the validators that the trust has:
              the header must have their hash, and every vote in the commit is checked. At the trusted height or below:
              consecutive ones up to the trusted block, without a certificate.
statement     kind          item                                              inclusion
              header        -                                                 -
              transaction   the transaction                                   nodes from the leaf up, `index` the turns
              validators    key and power of each of the next block's        -
                            validators, as they are hashed

`index` is not the transaction's position: bit i is set where node i stands on the left, and `count` is 0. The same
nodes lead to one root from positions of trees of several sizes, and no header has the number of transactions, so no
position can be proven.

A header moves the trust where the next block has the same validators, "validators" moves it to those that it lists.
Nothing here knows how old the trust is: whoever moves it must do so within the chain's unbonding period.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pycore.base.columns import one_bytes
from pycore.base.report import Check
from pycore.consensus.commits import verify_certificate
from pycore.consensus.validators import Validator, ValidatorSet
from pycore.errors import InputError, ProofError
from pycore.ledgers.cometbft import consensus, encoding, hashes, rpc, structure, wire
from pycore.ledgers.cometbft.context import CometbftContext, held
from pycore.ledgers.cometbft.ledger import read
from pycore.ledgers.cometbft.messages import SECOND, Commit, Header
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.merkle.inclusion import verify_inclusion
from pycore.merkle.tree import MerkleTree

MAX_HEADERS = 1 << 13
MAX_NODES = 62
_SAME = "the next block has other validators, which a bundle of the kind 'validators' lists"


class CometbftProofs:
    """See :class:`pycore.ledgers.proof.ProofRules`."""

    kinds = ("header", "transaction", "validators")
    sources: Mapping[str, str] = {
        "block": "the statement's block: protobuf, or the answer of /block, and for all but a transaction of /commit",
        "commit": "the commit for it: protobuf, or the answer of /commit; not at the trusted height or below",
        "headers": "the headers after it up to the trusted block: protobuf, or answers of /header, /commit or /block",
        "validators": "the answers of /validators at the next height, or a ValidatorSet in protobuf",
        "index": "the transaction's position in the block",
        "tx_id": "or its hash in hexadecimal",
    }

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """See :meth:`pycore.ledgers.proof.ProofRules.check`."""
        return self._examined(bundle, trusted)[0]

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """As :meth:`check`; moves to the block, and to the validators of the next one."""
        found, header, validators = self._examined(bundle, trusted)
        if header is None:
            return found
        ahead = header.height > trusted.height
        checks = [Check("advance", ahead, header.height, f"above {trusted.height}")]
        context = trusted.context
        assert isinstance(context, CometbftContext)
        if validators is None and header.next_validators_hash == header.validators_hash:
            validators = context.validators
        known = validators is not None
        checks.append(Check("next_validators", known, header.next_validators_hash, None, "" if known else _SAME))
        found = replace(found, checks=(*found.checks, *checks))
        if not all(one.ok for one in found.checks):
            return found
        moved = context.of_next(
            validators=validators, previous_validators=context.validators, previous_time=header.time_ns,
            height=None, previous_block_hash=None,
        )  # fmt: skip
        return replace(found, advanced=Trusted("cometbft", trusted.chain_id, header.height, found.block_hash, moved))

    def _examined(self, bundle: Bundle, trusted: Trusted) -> tuple[Proven, Header | None, tuple[Validator, ...] | None]:
        checks, headers = _headers(bundle)
        if headers is None:
            return Proven(tuple(checks)), None, None
        header, digest = headers[0], hashes.header_hash(headers[0])
        checks.append(
            Check("chain_id_of_header", header.chain_id == trusted.chain_id, header.chain_id, trusted.chain_id)
        )
        behind: tuple[str, ...] = ()
        if header.height > trusted.height:
            more, behind = _certified(bundle, headers, digest, trusted)
            checks += more
        else:
            checks += _linked(bundle, headers, trusted)
        checks.append(_absent(bundle))
        facts: dict[str, Any] = {}
        validators: tuple[Validator, ...] | None = None
        if all(one.ok for one in checks):
            made, facts, validators = _claim(bundle, header)
            checks.append(made)
        if not all(one.ok for one in checks):
            return Proven(tuple(checks), header.height, digest, header.time_ns / SECOND), header, None
        return (
            Proven(tuple(checks), header.height, digest, header.time_ns / SECOND, behind, facts), header, validators
        )  # fmt: skip

    # ---- making ------------------------------------------------------------------------------------------------------

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """See :meth:`pycore.ledgers.proof.ProofRules.make`."""
        unknown = set(sources) - set(self.sources)
        if unknown or "block" not in sources:
            raise InputError("sources", ", ".join(sorted(sources)) or "nothing", ", ".join(self.sources))
        header, transactions = _source_block(sources["block"], statement.kind == "transaction")
        above = header.height > trusted.height
        certificate = b""
        following: list[bytes] = []
        if above:
            certificate = encoding.commit(_source_commit(sources))
        else:
            following = [encoding.header(one) for one in _source_headers(sources.get("headers", ()))]
        item, inclusion = statement.item, Inclusion()
        if statement.kind == "transaction":
            item, inclusion = _source_transaction(sources, statement.item, transactions)
        elif statement.kind == "validators":
            item = item or _source_validators(sources)
        return Bundle(
            "cometbft", trusted.chain_id, trusted.height, trusted.block_hash, (encoding.header(header), *following),
            certificate, inclusion, replace(statement, item=item),
        )  # fmt: skip


# ---- checking --------------------------------------------------------------------------------------------------------


def _headers(bundle: Bundle) -> tuple[list[Check], list[Header] | None]:
    count = len(bundle.headers)
    if not 0 < count <= MAX_HEADERS:
        return [Check("headers", False, count, f"1 to {MAX_HEADERS}")], None
    try:
        found = [wire.header(one, f"headers[{i}]") for i, one in enumerate(bundle.headers)]
    except InputError as error:
        return [Check("headers", False, str(error)[:200], "headers as CometBFT writes them")], None
    faults = [f"headers[{i}]: {fault}" for i, one in enumerate(found) for fault in structure.header_faults(one)]
    faults += [f"headers[{i}]: no validators_hash" for i, one in enumerate(found) if not one.validators_hash]
    if faults:
        return [Check("headers", False, faults[0], "headers that keep CometBFT's rules")], None
    return [Check("headers", True, count, f"1 to {MAX_HEADERS}")], found


def _certified(
    bundle: Bundle, headers: Sequence[Header], digest: bytes, trusted: Trusted
) -> tuple[list[Check], tuple[str, ...]]:
    """A block above the trusted one: its commit, by the trusted validators."""
    header, context = headers[0], trusted.context
    assert isinstance(context, CometbftContext)
    checks = [Check("one_header", len(headers) == 1, len(headers), 1)]
    if context.validators is None:
        return [*checks, Check("certificate", False, None, None, "the trusted state has no validators")], ()
    validators = held(context.validators)
    same = header.validators_hash == validators.hash
    checks.append(Check("validators_hash", same, header.validators_hash, validators.hash))
    try:
        commit = wire.commit(bundle.certificate, "certificate")
    except InputError as error:
        return [*checks, Check("certificate", False, str(error)[:200], "a commit as CometBFT writes it")], ()
    faults = structure.commit_faults(commit)
    checks.append(Check("certificate", not faults, faults[0] if faults else None, None))
    checks.append(Check("commit_height", commit.height == header.height, commit.height, header.height))
    checks.append(Check("commit_block", commit.block_id.hash == digest, commit.block_id.hash, digest))
    report = verify_certificate(validators, consensus.certificate(header.chain_id, commit), mode="full")
    checks += report.checks
    if report.decision is None:
        return checks, ()
    counted = [validators.addresses[int(place)] for place in report.decision.counted]  # type: ignore[call-overload]
    return checks, tuple(address.hex().upper() for address in counted)


def _linked(bundle: Bundle, headers: Sequence[Header], trusted: Trusted) -> list[Check]:
    """A block at the trusted height or below: every header names the one before it by its hash, and the last one is the
    trusted block's."""
    pairs = list(itertools.pairwise(headers))
    broken = next(
        (
            i
            for i, (one, two) in enumerate(pairs)
            if two.last_block_id.hash != hashes.header_hash(one) or two.height != one.height + 1
        ),
        None,
    )
    why = "" if broken is None else f"header {broken + 1} is not the successor of header {broken}"
    last = hashes.header_hash(headers[-1])
    return [
        Check("links", broken is None, len(pairs) if broken is None else broken, len(pairs), why),
        Check("trusted_block", last == trusted.block_hash, last, trusted.block_hash),
        Check("height_of_trusted_block", headers[-1].height == trusted.height, headers[-1].height, trusted.height),
        Check("no_certificate", not bundle.certificate, len(bundle.certificate), 0),
    ]


def _absent(bundle: Bundle) -> Check:
    """Parts that nothing commits to are not there."""
    claim, inclusion = bundle.statement, bundle.inclusion
    transaction = claim.kind == "transaction"
    extra = [
        name
        for name, there in (
            ("inclusion.count", inclusion.count != 0),
            ("inclusion.index", not transaction and inclusion.index != 0),
            ("inclusion.nodes", not transaction and bool(inclusion.nodes)),
            ("statement.item", claim.kind == "header" and bool(claim.item)),
            ("statement.key", bool(claim.key)),
            ("statement.event", claim.event != 0),
        )
        if there
    ]
    return Check("absent_parts", not extra, ", ".join(extra) or None, None)


def _claim(bundle: Bundle, header: Header) -> tuple[Check, dict[str, Any], tuple[Validator, ...] | None]:
    claim = bundle.statement
    if claim.kind == "header":
        facts = {"hash": hashes.header_hash(header).hex().upper(), "app_hash": header.app_hash.hex().upper()}
        return Check("statement", True), facts, None
    if claim.kind == "transaction":
        return _transaction(bundle, header)
    try:
        rows = wire.simple_validators(claim.item, "statement.item")
        found = ValidatorSet(rows)
        ordered = found.addresses == tuple(found.rules.address(one.scheme, one.public_key) for one in rows)
    except InputError as error:
        return Check("validators", False, str(error)[:200], "a validator set"), {}, None
    right = ordered and found.hash == header.next_validators_hash
    shown = [{"address": one.address.hex().upper(), "power": one.power} for one in found.validators]
    return Check("validators", right, found.hash, header.next_validators_hash), {"validators": shown}, found.validators


def _transaction(bundle: Bundle, header: Header) -> tuple[Check, dict[str, Any], None]:
    inclusion, item = bundle.inclusion, bundle.statement.item
    depth = len(inclusion.nodes)
    if depth > MAX_NODES or not 0 <= inclusion.index < 1 << depth:
        got = f"{depth} nodes and the turns {inclusion.index}"
        return Check("inclusion", False, got, f"at most {MAX_NODES} nodes, and a turn for each"), {}, None
    digest = hashes.transaction_hash(item)
    try:
        verify_inclusion(
            header.data_hash, digest, inclusion.nodes, index=inclusion.index, leaf_count=1 << depth, tree="rfc9162"
        )
    except (ProofError, InputError) as error:
        why = "the nodes do not lead from the root to the transaction"
        return Check("inclusion", False, str(error)[:200], header.data_hash, why), {}, None
    facts = {"id": digest.hex().upper(), "size": len(item), "transaction": item.hex()}
    return Check("inclusion", True, header.data_hash, header.data_hash), facts, None


# ---- sources ---------------------------------------------------------------------------------------------------------


def _source_block(source: Any, whole: bool) -> tuple[Header, tuple[bytes, ...]]:
    try:
        found, _ = read(source, field="sources.block")
    except InputError:
        if whole:
            raise
        return _source_header(source, "sources.block"), ()
    return found.header, found.transactions


def _source_header(source: Any, name: str) -> Header:
    if isinstance(source, (str, Mapping)) or bytes(source[:1]) == b"{":
        return rpc.header(source, name)
    data = one_bytes(source, name)
    try:
        return wire.header(data, name)
    except InputError:
        return wire.block(data, name).header


def _source_headers(source: Any) -> list[Header]:
    rows = source if isinstance(source, (list, tuple)) else [source]
    return [_source_header(one, f"sources.headers[{i}]") for i, one in enumerate(rows)]


def _source_commit(sources: Mapping[str, Any]) -> Commit:
    source = sources.get("commit")
    if source is None:
        raise InputError("sources.commit", "nothing", "the commit for the block, which is above the trusted height")
    if isinstance(source, (str, Mapping)) or bytes(source[:1]) == b"{":
        return rpc.commit(source, "sources.commit")
    return wire.commit(source, "sources.commit")


def _source_validators(sources: Mapping[str, Any]) -> bytes:
    source = sources.get("validators")
    if source is None:
        raise InputError("sources.validators", "nothing", "the validators of the next height")
    octets = isinstance(source, (bytes, bytearray, memoryview)) and bytes(source[:1]) != b"{"
    found = (wire if octets else rpc).validators(source, "sources.validators")
    return encoding.simple_validators(ValidatorSet(found.validators).validators)


def _source_transaction(
    sources: Mapping[str, Any], item: bytes, transactions: Sequence[bytes]
) -> tuple[bytes, Inclusion]:
    """The transaction and its path; its turns instead of its position."""
    index = sources.get("index")
    if index is None and (named := sources.get("tx_id")) is not None:
        wanted = str(named).lower().removeprefix("0x")
        index = next((i for i, one in enumerate(transactions) if hashes.transaction_hash(one).hex() == wanted), None)
        if index is None:
            raise InputError("sources.tx_id", str(named)[:80], "the hash of a transaction of the block")
    if index is None and item in transactions:
        index = transactions.index(item)
    if type(index) is not int or not 0 <= index < len(transactions):
        raise InputError("sources.index", f"{index}"[:80], f"below {len(transactions)}, the block's transactions")
    leaves = [hashes.transaction_hash(one) for one in transactions]
    nodes = tuple(bytes(one) for one in MerkleTree(leaves, tree="rfc9162").proof(index))
    return transactions[index], Inclusion(turns(index, len(transactions)), 0, nodes)


def turns(index: int, count: int) -> int:
    """On which side the nodes of a path stand: bit i is set where node i, from the leaf up, is on the left.

    >>> turns(4, 5), turns(3, 8)
    (1, 3)
    """
    found = bit = 0
    last = count - 1
    while last:
        if index & 1 or index < last:
            found |= (index & 1) << bit
            bit += 1
        index >>= 1
        last >>= 1
    return found


RULES = CometbftProofs()
"""What `pycore.ledgers.get("cometbft").proofs` is."""
