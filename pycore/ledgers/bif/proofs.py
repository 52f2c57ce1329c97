"""Proof bundles of BIF: what they hold, and how they are checked. Certainty of the rules of proofs: read.

    headers      of a block above the trusted one: its header alone. At or below: every header from the statement's
                 block to the trusted one, each named by the next. In the form that is hashed: without hash, tx_count
                 and account_tree_hash, as a writer encodes it
    certificate  above: a Finality (proto/pycore/ledgers/bif/v1/ledger.proto): the consensus value of the next block,
                 which names the header's hash, and the proof that validators voted for that value, which the block
                 after it carries; with the set of validators that signed it where that is not the trusted one. Else
                 b""
    inclusion    of a "transaction": the whole consensus value of the block as its one node, with the transaction's
                 position and how many there are. Else nothing
    item         of a "transaction": the TransactionEnv as it is in the value

A certificate is read by the strict rules, whatever the context says: the others pass over bytes.

Validators that are not the trusted ones: their set must have the hash that the header states, and a quorum of the
trusted ones must be among the signers (:mod:`pycore.ledgers.bif.certificate`, "Validators that change").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pycore.base.columns import quote
from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.bif import certificate, headers, rpc, transactions, validator
from pycore.ledgers.bif.block import Value, open_block, open_value
from pycore.ledgers.bif.context import BifContext, Validator, input_validators
from pycore.ledgers.bif.headers import Header
from pycore.ledgers.bif.messages import (
    Finality,
    TransactionEnv,
    ValidatorSet,
    as_written,
    parse,
    parse_counted,
    shorten,
)
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.scan import Spans

MAX_HEADERS = 1 << 12
"""Headers of a bundle."""
_MICROSECONDS = 1_000_000


class _RefusedError(Exception):
    """A condition does not hold, and what would come after it cannot be made."""


@dataclass
class _Work:
    """The check of one bundle."""

    bundle: Bundle
    trusted: Trusted
    context: BifContext
    checks: list[Check] = field(default_factory=list)
    signers: tuple[str, ...] = ()
    after: tuple[Validator, ...] | None = None

    def require(
        self, name: str, ok: bool, got: Any = None, wanted: Any = None, detail: str = "", certainty: str = ""
    ) -> None:
        """Records a condition; nothing goes on after one that does not hold."""
        self.checks.append(Check(name, ok, got, wanted, detail, certainty))
        if not ok:
            raise _RefusedError

    def opened(self, name: str, make: Any) -> Any:
        """What `make` gives; its InputError is a condition that does not hold."""
        try:
            return make()
        except InputError as error:
            self.require(name, False, error.got[:200], error.wanted)


class BifProofs:
    """The chain's part of proof bundles: :class:`pycore.ledgers.proof.ProofRules`."""

    kinds = ("header", "transaction")
    sources: Mapping[str, str] = {
        "block": "LedgerBundle, or the answer of getLedger with with_consvalue=true, of the statement's block",
        "next_block": "the same of the block after it; not needed where the block has its `finality`",
        "after_next": "the same of the one after that, which carries the proof of next_block where that has none",
        "headers": "blocks or answers from the one after the statement's to the trusted one, where that is above it",
        "index": "position of the transaction in the block",
    }

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """Every condition of the claim; see the module."""
        return self._checked(bundle, trusted, moves=False)

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """As :meth:`check`, of a block above the trusted one. Every kind of statement moves the trusted place to its
        block, and the validators to those that its header states."""
        return self._checked(bundle, trusted, moves=True)

    def _checked(self, bundle: Bundle, trusted: Trusted, *, moves: bool) -> Proven:
        known = trusted.context
        if not isinstance(known, BifContext):
            wrong = Check("trusted", False, type(known).__name__, "a state with a BifContext")
            return Proven((wrong,))
        work = _Work(bundle, trusted, known.replace(rules="strict", height=None, previous_block_hash=None))
        header, digest, facts = None, b"", {}
        try:
            header, digest = _block(work)
            if moves:
                above = header.seq > trusted.height
                work.require(
                    "advances", above, header.seq, trusted.height + 1, "" if above else "not above the trusted"
                )
            facts = _statement(work, header)
        except _RefusedError:
            pass
        if header is None:
            return Proven(tuple(work.checks))
        proven = all(check.ok for check in work.checks)
        return Proven(
            checks=tuple(work.checks),
            height=header.seq,
            block_hash=digest,
            time=header.close_time / _MICROSECONDS if proven else None,
            certified_by=work.signers,
            facts=facts if proven else {},
            advanced=_advanced(work, header, digest) if proven and moves else None,
        )

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """A bundle from blocks or answers: :attr:`sources`. Nothing is verified but the form."""
        unknown = sorted(set(sources) - set(self.sources))
        if unknown:
            raise InputError("sources", ", ".join(unknown), "some of " + ", ".join(self.sources))
        if statement.kind not in self.kinds:
            raise InputError("statement.kind", quote(statement.kind), "one of " + ", ".join(map(repr, self.kinds)))
        context = trusted.context
        if not isinstance(context, BifContext):
            raise InputError("trusted.context", type(context).__name__, "a BifContext")
        block = _source(sources, "block", context)
        inclusion, claim = Inclusion(), Statement("header")
        if statement.kind == "transaction":
            inclusion, claim = _item(block.value, statement, sources.get("index"))
        listed, proof = [block.header], b""
        if block.header.seq > trusted.height:
            proof = _finality(sources, context, block.header)
        else:
            given = sources.get("headers", ())
            if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Sequence):
                raise InputError("sources.headers", type(given).__name__, "a sequence of blocks")
            listed += [_source({"headers": one}, "headers", context).header for one in given]
        encoded = tuple(headers.hashed_form(header) for header in listed)
        return Bundle("bif", trusted.chain_id, trusted.height, trusted.block_hash, encoded, proof, inclusion, claim)


# ---- checking --------------------------------------------------------------------------------------------------------


def _block(work: _Work) -> tuple[Header, bytes]:
    """The statement's block, final by a certificate or by its place before the trusted one: its header and hash."""
    bundle, trusted = work.bundle, work.trusted
    variant = work.context.variant
    detail = "" if variant == "bif" else "a BUMO header's hash covers what is not in a bundle"
    work.require("variant", variant == "bif", variant, "bif", detail)
    work.require("trusted_height", bundle.trusted_height == trusted.height, bundle.trusted_height, trusted.height)
    work.require("trusted_hash", bundle.trusted_hash == trusted.block_hash, bundle.trusted_hash, trusted.block_hash)
    work.require("headers", 1 <= len(bundle.headers) <= MAX_HEADERS, len(bundle.headers), f"1 to {MAX_HEADERS}")
    found = []
    for i, data in enumerate(bundle.headers):
        header = work.opened(f"headers[{i}]", lambda data=data: headers.read_header(data, "bif"))
        work.require(f"headers[{i}]", headers.hashed_form(header) == data and as_written(header, data),
                     f"{len(data)} bytes", "the form that is hashed, as a writer puts it")  # fmt: skip
        found.append(header)
    header = found[0]
    digest = hash_one("sha256", bundle.headers[0])
    wanted = work.context.chain_id
    if wanted is None:
        work.checks.append(Check("chain_id", None, header.chain_id, detail="the trusted context names no chain"))
    else:
        work.require("chain_id", header.chain_id == wanted, header.chain_id, wanted)
    if header.seq > trusted.height:
        work.require("headers", len(found) == 1, len(found), 1)
        _final(work, header, digest)
    else:
        _linked(work, found)
    return header, digest


def _linked(work: _Work, found: Sequence[Header]) -> None:
    """Headers that lead to the trusted block by their hashes."""
    bundle, trusted = work.bundle, work.trusted
    work.require("certificate", not bundle.certificate, f"{len(bundle.certificate)} bytes", "0 bytes",
                 "the headers lead to the trusted block")  # fmt: skip
    hashes = [hash_one("sha256", data) for data in bundle.headers]
    for i, (before, header) in enumerate(pairwise(found)):
        work.require(f"height[{i + 1}]", header.seq == before.seq + 1, header.seq, before.seq + 1)
        work.require(f"previous_hash[{i + 1}]", header.previous_hash == hashes[i], header.previous_hash, hashes[i])
    work.require("height", found[-1].seq == trusted.height, found[-1].seq, trusted.height)
    work.require("block_hash", hashes[-1] == trusted.block_hash, hashes[-1], trusted.block_hash)


def _final(work: _Work, header: Header, digest: bytes) -> None:
    """The next block's consensus value names the header, and validators voted for it."""
    context = work.context
    finality = work.opened("certificate", lambda: parse(Finality, work.bundle.certificate, "certificate"))
    work.require("certificate_encoding", as_written(finality, work.bundle.certificate),
                 f"{len(work.bundle.certificate)} bytes", "a Finality as a writer puts it")  # fmt: skip
    value = work.opened("next_value", lambda: open_value(finality.next_value, "next_value"))
    work.require("next_height", value.seq == header.seq + 1, value.seq, header.seq + 1)
    work.require("block_hash", value.previous_hash == digest, value.previous_hash, digest,
                 "the next consensus value names the block", "read")  # fmt: skip
    work.require("trusted_validators", bool(context.validators), len(context.validators or ()), "1 or more")
    signing = context.validators
    stated, own = header.validators_hash, headers.validators_hash((v.address, v.pledge) for v in signing)
    if stated != own or finality.validators:
        signing = work.opened("validators", lambda: _set(finality.validators))
        made = hash_one("sha256", finality.validators)
        work.require("validators", stated == made != own, stated, made, "those who sign the next block")
    else:
        work.require("validators", True, stated, own)
    outcome = validator.judge_next(header, finality.next_value, finality.proof, signing, context)
    checks = certificate.outcome_checks(outcome)
    for check in checks:
        work.require(check.name, bool(check.ok), check.got, check.wanted, check.detail, check.certainty)
    if signing is not context.validators:
        decision = certificate.handed_over(outcome, context.validators)
        work.require("handover", decision.reached, decision.got, decision.needed, "signers whom the reader trusts")
    work.signers, work.after = outcome.signers, tuple(signing)


def _set(data: bytes) -> tuple[Validator, ...]:
    """A set of validators that is encoded as a writer encodes it."""
    message = parse_counted(ValidatorSet, data, "validators", ("validators",))
    if not as_written(message, data):
        raise InputError("validators", f"{len(data)} bytes", "a ValidatorSet as a writer puts it")
    return input_validators(message, "validators", "bif")


def _statement(work: _Work, header: Header) -> dict[str, Any]:
    """The claim about the block; its facts."""
    statement, inclusion = work.bundle.statement, work.bundle.inclusion
    empty = not statement.key and not statement.event
    if statement.kind == "header":
        bare = empty and not statement.item and inclusion == Inclusion()
        work.require(
            "statement", bare, "parts of another kind" if not bare else "a header", "a header and nothing else"
        )
        return {"height": header.seq, "version": header.version}
    work.require("statement", empty and bool(statement.item), "parts of another kind" if not empty else "a transaction",
                 "a transaction")  # fmt: skip
    work.require("inclusion", len(inclusion.nodes) == 1, len(inclusion.nodes), 1, "the consensus value")
    data = inclusion.nodes[0]
    made = hash_one("sha256", data)
    stated = header.consensus_value_hash
    work.require("consensus_value_hash", made == stated, made, stated, "", "read")
    value: Value = work.opened("consensus_value", lambda: open_value(data, "consensus_value"))
    work.require("value_height", value.seq == header.seq, value.seq, header.seq, "", "read")
    count = len(value.transactions)
    work.require("count", inclusion.count == count, inclusion.count, count)
    here = type(inclusion.index) is int and 0 <= inclusion.index < count
    work.require("index", here, inclusion.index, f"0 to {count - 1}")
    item = value.transactions[inclusion.index]
    work.require("item", statement.item == item, f"{len(statement.item)} bytes", "the transaction at that position")
    return _transaction(work, header, item)


def _transaction(work: _Work, header: Header, item: bytes) -> dict[str, Any]:
    """A transaction that its source signed; facts are what it says, not what came of it."""
    chain_id = header.chain_id if work.context.chain_id is None else work.context.chain_id
    context = work.context.replace(other_accounts="single", nonces=None)
    found = transactions.judge(Spans.joined([item]), context, seq=header.seq, chain_id=chain_id)
    verdict = Verdict(int(found.codes[0]))
    work.require("transaction", verdict == Verdict.VALID, verdict.name, "VALID", found.details.get(0, ""))
    env = parse(TransactionEnv, item, "item")
    blob = env.transaction.SerializeToString(deterministic=True)
    operations = [_operation(one) for one in env.transaction.operations[:16]]
    signers = dict.fromkeys(found.address(place) for place in found.signatures_of(0))
    return {
        "tx_id": hash_one("sha256", blob).hex(),
        "sender": env.transaction.source_address,
        "signers": list(signers),
        "nonce": env.transaction.nonce,
        "operations": operations,
        "operation_count": len(env.transaction.operations),
        "metadata": env.transaction.metadata[:1024].hex(),
        "result": "not proven: a block holds what went in, not what came out",
    }


def _operation(one: Any) -> dict[str, Any]:
    """An operation in words: its kind, whom it is for, and the input of a contract's method."""
    names = type(one).DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number
    kind = names[one.type].name if one.type in names else str(one.type)
    found: dict[str, Any] = {"type": kind.removeprefix("OPERATION_TYPE_")}
    for name in ("create_account", "pay_coin", "upgrade_contract", "set_controlled_area", "call_private_contract"):
        if one.HasField(name) and getattr(one, name).dest_address:
            found["contract" if name != "create_account" else "account"] = getattr(one, name).dest_address
    if one.HasField("pay_coin"):
        found |= {"amount": one.pay_coin.amount, "parameters": shorten(one.pay_coin.input, 4096)}
    if one.HasField("log"):
        found |= {"topic": shorten(one.log.topic, 256), "data": [shorten(text, 256) for text in one.log.datas[:16]]}
    return found


def _advanced(work: _Work, header: Header, digest: bytes) -> Trusted:
    """The trusted state after the block: validators are those who signed the next one."""
    trusted = work.trusted
    context: Any = trusted.context
    encoded = header.SerializeToString(deterministic=True)
    moved = context.replace(
        validators=work.after, previous_validators=None, next_validators=(), handover=False, previous_header=encoded
    )
    return Trusted(trusted.chain, trusted.chain_id, header.seq, digest, moved)


# ---- making ----------------------------------------------------------------------------------------------------------


def _source(sources: Mapping[str, Any], name: str, context: BifContext) -> Any:
    if name not in sources:
        raise InputError(f"sources.{name}", "nothing", BifProofs.sources[name])
    given = sources[name]
    try:
        data = bytes(given) if isinstance(given, (bytes, bytearray, memoryview)) else rpc.bundle(given, context.variant)
        return open_block(data, context.variant)
    except InputError as error:
        raise InputError(f"sources.{name}", f"{error.field}: {error.got}", error.wanted) from None


def _item(value: Value | None, statement: Statement, index: Any) -> tuple[Inclusion, Statement]:
    """Where a transaction is in its block's consensus value."""
    if value is None:
        raise InputError("sources.block", "no consensus value", "a block with it: there is no other proof of inclusion")
    records = value.transactions.items()
    if statement.item:
        if statement.item not in records:
            raise InputError("statement.item", f"{len(statement.item)} bytes", "a transaction of the block")
        place = records.index(statement.item)
    elif type(index) is int and 0 <= index < len(records):
        place = index
    else:
        raise InputError("sources.index", quote(index), f"0 to {len(records) - 1}")
    return Inclusion(place, len(records), (value.data,)), Statement("transaction", records[place])


def _finality(sources: Mapping[str, Any], context: BifContext, header: Header) -> bytes:
    """The certificate of a block above the trusted one."""
    block = _source(sources, "block", context)
    following = None
    if block.next_value is not None and block.after_proof:
        value, proof = block.next_value.data, block.after_proof
    else:
        following = _source(sources, "next_block", context)
        if following.value is None:
            raise InputError("sources.next_block", "no consensus value", "a block with it: it names the block before")
        value, proof = following.value.data, following.next_proof
        if not proof:
            proof = _source(sources, "after_next", context).previous_proof or b""
        if not proof:
            raise InputError("sources.after_next", "no proof", "the block that carries the proof of next_block")
    finality = Finality(next_value=value, proof=proof)
    known = headers.validators_hash((one.address, one.pledge) for one in context.validators)
    if header.validators_hash != known:
        for one in (block, following):
            given = None if one is None else one.validators
            encoded = b"" if given is None else given.SerializeToString(deterministic=True)
            if encoded and hash_one("sha256", encoded) == header.validators_hash:
                finality.validators = encoded
                break
        else:
            raise InputError("sources.block", "other validators than the trusted, not listed", "their ValidatorSet")
    return bytes(finality.SerializeToString(deterministic=True))


PROOFS = BifProofs()
"""What ``pycore.ledgers.get("bif").proofs`` is."""
