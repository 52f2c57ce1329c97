"""Bundles of proofs about Fabric: :class:`pycore.ledgers.proof.ProofRules`.

    kinds         "header", "transaction"
    headers       serialised BlockHeader
    certificate   the block's metadata of signatures, serialised Metadata
    inclusion     one node: all entries of the block, serialised BlockData; `index` and `count` of its entries
    item          the serialised envelope

A block above the trusted one is final by its orderers' signatures under the trusted configuration, and the value that
they sign says which block holds the configuration: it must be the trusted one, so that no change of orderers lies in
between. Every signature must hold, by another orderer each, in DER with low s. A block at or below the trusted one is
final by the chain of headers up to it.

Moving: a "header" moves the place. A "transaction" that is a configuration also moves members, policies and orderers;
the header of a configuration block without its content does not.

Every message must be as protobuf writes it, without unknown fields, so that no bit is without meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError, Message

from pycore._pb.ledgers.fabric.v1 import block_pb2
from pycore.base.go_protobuf import read
from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.ledgers.contexts import JsonContext
from pycore.ledgers.fabric import orderers, plans
from pycore.ledgers.fabric.block import SIGNATURES, Header, OpenBlock, open_block
from pycore.ledgers.fabric.channel import Channel, ConfigError, channel_of, config_of
from pycore.ledgers.fabric.context import FabricContext
from pycore.ledgers.fabric.events import action_of
from pycore.ledgers.fabric.orderers import MetadataError
from pycore.ledgers.fabric.plans import Columns
from pycore.ledgers.fabric.transactions import canonical, judge
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.scan import Spans

MAX_HEADERS = 1 << 16
"""Headers of a bundle."""


class _RefusedError(Exception):
    """A condition that does not hold, after which nothing else can be asked."""


class FabricProofs:
    """How Fabric checks and makes bundles."""

    kinds = ("header", "transaction")
    sources: Mapping[str, str] = {
        "block": "the statement's block, serialised",
        "following": "for a block below the trusted one: the blocks or headers after it, up to the trusted one",
        "index": "position of the transaction, where the statement has no item",
        "tx_id": "id of the transaction in hexadecimal, in place of the index",
    }

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """Every condition of the claim: see the module."""
        return _Checking(bundle, trusted).run(advance=False)

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """As :meth:`check`; `advanced` is the trusted state after the bundle's block."""
        return _Checking(bundle, trusted).run(advance=True)

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """A bundle from blocks. InputError names the source that is missing or does not fit."""
        for name in sources:
            if name not in self.sources:
                raise InputError(f"sources.{name}", "an unknown source", "one of " + ", ".join(self.sources))
        if "block" not in sources:
            raise InputError("sources.block", "nothing", self.sources["block"])
        block = open_block(sources["block"])
        if block.header is None:
            raise InputError("sources.block", "a block without a header", "a serialised Block")
        headers = [block.header]
        certificate = b""
        if block.header.number > trusted.height:
            certificate = _canonical(block_pb2.Metadata, block.position(SIGNATURES), "sources.block")
        else:
            headers += [_header_of(one) for one in sources.get("following", ())]
        inclusion, item = Inclusion(), statement.item
        if statement.kind == "transaction":
            entries = block.entries.items()
            place = entries.index(item) if item in entries else _place(entries, sources)
            if type(place) is not int or not 0 <= place < len(entries):
                raise InputError("sources.index", repr(place), f"a position of the block's {len(entries)} entries")
            item = entries[place]
            node = block_pb2.BlockData(data=entries).SerializeToString()
            inclusion = Inclusion(place, len(entries), (node,))
        return Bundle(
            chain="fabric",
            chain_id=trusted.chain_id,
            trusted_height=trusted.height,
            trusted_hash=trusted.block_hash,
            headers=tuple(one.wire() for one in headers),
            certificate=certificate,
            inclusion=inclusion,
            statement=Statement(statement.kind, item),
        )


class _Checking:
    """One bundle against one trusted state."""

    def __init__(self, bundle: Bundle, trusted: Trusted) -> None:
        self.bundle, self.trusted = bundle, trusted
        self.checks: list[Check] = []
        self.certified: tuple[str, ...] = ()
        self.named: int | None = None

    def run(self, *, advance: bool) -> Proven:
        height, block_hash, facts, advanced = 0, b"", {}, None
        try:
            context, channel = self._context()
            headers = self._headers()
            height, block_hash = headers[0].number, headers[0].hash(context.hash)
            self._final(headers, context, channel)
            facts = self._statement(headers[0], context, channel)
            if advance:
                advanced = self._advanced(headers[0], block_hash, context, channel)
        except _RefusedError:
            pass
        proven = all(check.ok for check in self.checks)
        return Proven(
            checks=tuple(self.checks),
            height=height,
            block_hash=block_hash,
            certified_by=self.certified if proven else (),
            facts=facts if proven else {},
            advanced=advanced if proven else None,
        )

    def _need(self, name: str, good: bool, detail: str = "", **more: Any) -> None:
        """A condition without which nothing else can be asked."""
        self.checks.append(Check(name, good, detail="" if good else detail, **more))
        if not good:
            raise _RefusedError

    def _context(self) -> tuple[FabricContext, Channel]:
        context: JsonContext = self.trusted.context
        fits = isinstance(context, FabricContext) and context.config_block is not None
        self._need("trusted", fits, "the trusted context has no configuration block")
        assert isinstance(context, FabricContext)
        channel = context.channel()
        assert channel is not None
        same = self.bundle.trusted_height == self.trusted.height and self.bundle.trusted_hash == self.trusted.block_hash
        self._need("trusted_state", same, "made for another trusted state")
        named = self.bundle.chain_id == self.trusted.chain_id
        self._need("chain_id", named and channel.channel_id == self.trusted.chain_id, "another channel")
        return context, channel

    def _headers(self) -> list[Header]:
        raw = self.bundle.headers
        self._need("headers", 0 < len(raw) <= MAX_HEADERS, f"{len(raw)} headers")
        try:
            found = [_header(one) for one in raw]
        except InputError as error:
            self._need("headers", False, str(error))
            raise _RefusedError from error
        for below, above in pairwise(found):
            linked = above.number == below.number + 1 and above.previous_hash == below.hash(self._hash())
            self._need("links", linked, f"block {above.number} does not follow block {below.number}")
        return found

    def _hash(self) -> str:
        context = self.trusted.context
        return context.hash if isinstance(context, FabricContext) else "sha256"

    def _final(self, headers: list[Header], context: FabricContext, channel: Channel) -> None:
        if headers[0].number <= self.trusted.height:
            last = headers[-1]
            leads = last.number == self.trusted.height and last.hash(context.hash) == self.trusted.block_hash
            self._need("final", leads, "the headers do not lead to the trusted block", got=last.number)
            self._need("certificate", not self.bundle.certificate, "a certificate that nothing needs")
            return
        self._need("final", len(headers) == 1, "a block above the trusted one has one header, its own")
        if headers[0].number == self.trusted.height + 1:
            self._need("links", headers[0].previous_hash == self.trusted.block_hash, "not after the trusted block")
        try:
            data = _canonical(block_pb2.Metadata, self.bundle.certificate, "certificate")
            metadata = orderers.read_metadata(data, "signatures")
            strict = context if context.rules == "strict" else context.replace(rules="strict")
            signed = orderers.verify(metadata, headers[0], channel, strict)
            self._inner(metadata)
            self.named = orderers.last_config(metadata, b"") if metadata.value else None
        except (InputError, MetadataError) as error:
            self._need("certificate", False, str(error))
            raise _RefusedError from error
        flaws = [why for why in signed.flaws if why]
        self._need("certificate", not flaws, "; ".join(flaws)[:200], got=len(signed.signers))
        distinct = len(signed.signers) == len(signed.flaws)
        self._need("signers", distinct, "one orderer signs more than once")
        self._need("policy", signed.met, "the policy of the trusted configuration is not met")
        if signed.quorum is not None:
            quorum = signed.quorum
            self._need("quorum", quorum.reached, got=quorum.got, wanted=quorum.needed, certainty="read")
        known = self.named in (channel.header.number, headers[0].number)
        self._need("configuration", known, "not signed under the trusted configuration", got=self.named,
                   wanted=channel.header.number)  # fmt: skip
        self.certified = tuple(f"{one.msp_id}:{one.id}" for one in signed.signers)

    @staticmethod
    def _inner(metadata: block_pb2.Metadata) -> None:
        """What stands next to what is signed has one form."""
        for one in metadata.signatures:
            if one.signature_header and one.identifier_header:
                raise MetadataError("a signature with two headers")

    def _statement(self, header: Header, context: FabricContext, channel: Channel) -> dict[str, Any]:
        statement, inclusion = self.bundle.statement, self.bundle.inclusion
        bare = not statement.key and not statement.event
        self._need("statement", bare, "a part that this kind of statement has not")
        facts: dict[str, Any] = {"height": header.number, "channel": channel.channel_id}
        if statement.kind == "header":
            empty = not statement.item and inclusion == Inclusion()
            self._need("inclusion", empty, "a header needs no inclusion")
            return facts
        self._need("inclusion", len(inclusion.nodes) == 1, "all entries as one node")
        try:
            node = _canonical(block_pb2.BlockData, inclusion.nodes[0], "inclusion")
        except InputError as error:
            self._need("inclusion", False, str(error))
            raise _RefusedError from error
        entries = list(read(block_pb2.BlockData, node).data)
        block = OpenBlock(Spans.joined(entries).data, header, Spans.joined(entries), (), True, False)
        whole = block.data_hash(context.hash, lengths=context.data_lengths) == header.data_hash
        self._need("data_hash", whole, "the entries are not those of the block")
        config = _config(entries)
        cut = config is not None or bool(canonical(block.entries, strict=True).all())
        self._need("envelopes", cut, "an entry is no envelope as protobuf writes it")
        there = len(entries) == inclusion.count and 0 <= inclusion.index < len(entries)
        self._need("position", there and entries[inclusion.index] == statement.item, "the item is not at its position")
        if config is not None:
            facts["configuration"] = config[1].config.sequence
            return facts
        batch = orderers.new_batch(context)
        alike = _of_one_id(block.entries, inclusion.index)  # of these only the first valid one counts
        items = Spans.joined([entries[place] for place in alike])
        found = judge(items.data, items, context, channel, batch, first=False)
        last = len(alike) - 1
        verdict = Verdict(int(found.verdicts[last]))
        detail = found.details.get(last, "") or verdict.name
        self._need("transaction", verdict is Verdict.VALID, detail)
        return facts | _facts(statement.item)

    def _advanced(self, header: Header, block_hash: bytes, context: FabricContext, channel: Channel) -> Trusted | None:
        if header.number <= self.trusted.height:
            return None
        trusted, statement = self.trusted, self.bundle.statement
        if self.named == channel.header.number:
            return Trusted(trusted.chain, trusted.chain_id, header.number, block_hash, context)
        if statement.kind != "transaction":
            self._need("configuration", False, "the block holds a configuration: its content is needed to go on")
        try:
            channel_id, envelope = config_of(statement.item)
            new = channel_of(channel_id, envelope, header, rules=context.rules, gm=context.gm)
        except ConfigError as error:
            self._need("configuration", False, str(error))
            raise _RefusedError from error
        follows = new.sequence == channel.sequence + 1 and new.channel_id == channel.channel_id
        self._need("configuration", follows, "not the next configuration of the channel")
        made = block_pb2.Block()
        made.header.CopyFrom(read(block_pb2.BlockHeader, header.wire()))
        made.data.data.append(statement.item)
        moved = context.replace(config_block=made.SerializeToString())
        return Trusted(trusted.chain, trusted.chain_id, header.number, block_hash, moved)


def _of_one_id(entries: Spans, index: int) -> list[int]:
    """The entries up to this one that have its id, itself last."""
    columns = Columns(entries.data)
    mine = entries.part(0, index + 1)
    payload = columns.scan(plans.PAYLOAD, columns.span(columns.scan(plans.ENVELOPE, mine), "row", "payload"))
    header = columns.scan(plans.CHANNEL_HEADER, columns.span(payload, "row", "header.channel_header"))
    ids = columns.span(header, "row", "tx_id")
    found: list[int] = np.flatnonzero(ids.equal(ids[index])).tolist()
    return found


def _place(entries: list[bytes], sources: Mapping[str, Any]) -> Any:
    """The position of the transaction that sources name."""
    if "tx_id" not in sources:
        return sources.get("index", 0 if len(entries) == 1 else None)
    for place, entry in enumerate(entries):
        try:
            payload = read(block_pb2.Payload, read(block_pb2.Envelope, entry).payload)
            header = read(block_pb2.ChannelHeader, payload.header.channel_header)
        except DecodeError:
            continue
        if header.tx_id and header.tx_id == sources["tx_id"]:
            return place
    raise InputError("sources.tx_id", repr(sources["tx_id"])[:80], "the id of a transaction of the block")


def _config(entries: list[bytes]) -> tuple[str, Any] | None:
    if len(entries) != 1:
        return None
    try:
        return config_of(entries[0])
    except ConfigError:
        return None


def _facts(item: bytes) -> dict[str, Any]:
    """The content of a valid transaction."""
    payload = read(block_pb2.Payload, read(block_pb2.Envelope, item).payload)
    header = read(block_pb2.ChannelHeader, payload.header.channel_header)
    action = action_of(item)
    assert action is not None
    return {
        "tx_id": header.tx_id,
        "chaincode": action.chaincode_id.name,
        "version": action.chaincode_id.version,
        "status": action.response.status,
        "result": action.response.payload.hex(),
        "state": "not checked: the transaction was ordered and endorsed, and may have been marked as invalid",
    }


def _canonical(kind: type[Message], data: bytes, name: str) -> bytes:
    """The bytes of a message, which must be as protobuf writes it and hold nothing unknown. InputError."""
    try:
        found = read(kind, data)
    except DecodeError:
        raise InputError(name, "bytes that are no message", f"a serialised {kind.DESCRIPTOR.name}") from None
    if found.SerializeToString() != data:
        raise InputError(name, "unusual bytes", f"a {kind.DESCRIPTOR.name} as protobuf writes it")
    return data


def _header(data: bytes) -> Header:
    found = read(block_pb2.BlockHeader, _canonical(block_pb2.BlockHeader, data, "headers"))
    return Header(found.number, found.previous_hash, found.data_hash)


def _header_of(data: bytes) -> Header:
    """The header of a block, or one that comes alone."""
    try:
        found = open_block(data).header
    except InputError:
        found = None
    return found if found is not None else _header(data)
