"""Ethereum's part in proof bundles: items of the tries below a block that hash links lead to from a trusted block.

headers       the statement's block first, then every block up to the trusted one, whose hash the last one must have.
              There are no certificates: nothing above the trusted block can be proven, and no bundle moves the trust.
statement     kind          item                                      key                inclusion.index
              header        -                                         -                  0
              transaction   the transaction as the trie has it        -                  its position
              receipt       the receipt as the trie has it            -                  its position
              event         the same; `event` is the log's position   -                  the receipt's position
              state         the account's, or the slot's, value as    address, or        nodes of the account's proof
                            the trie has it; nothing: there is none   address and slot
inclusion     nodes from the trie's root to the leaf, for a slot behind those of its account; `count` is 0
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pycore.base import rlp
from pycore.base.columns import one_bytes
from pycore.base.report import Check
from pycore.errors import InputError, ProofError
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.ethereum.headers import COUNTS, Header, read_header
from pycore.ledgers.ethereum.records import parse_receipt, read_block, read_receipts
from pycore.ledgers.ethereum.transactions import KINDS, VALID, check
from pycore.ledgers.ffi_scan import Spans
from pycore.ledgers.proof import Bundle, Inclusion, Proven, Statement, Trusted
from pycore.ledgers.rlp_columns import Fields
from pycore.ledgers.rpc_json import Answer
from pycore.merkle import patricia
from pycore.merkle.patricia_tree import PatriciaTrie

MAX_HEADERS = 1 << 13
"""Of one bundle: a day of mainnet."""
MAX_NODES = 256
NOT_MOVED = (
    "a block carries no certificate, so no bundle moves the trust: take a later block's hash from a light client"
)


class EthereumProofs:
    """See :class:`pycore.ledgers.proof.ProofRules`."""

    kinds = ("header", "transaction", "receipt", "event", "state")
    sources: Mapping[str, str] = {
        "block": "the statement's block: serialised, or the answer of eth_getBlockByNumber with whole transactions; "
        "for a header or a state its header is enough",
        "links": "the headers after it up to the trusted block: one, an RLP list of them, or a list of either form; "
        "none where it is the trusted block",
        "receipts": "the answer of eth_getBlockReceipts, for a receipt or an event",
        "proof": "the answer of eth_getProof, for a state",
        "index": "the transaction's position in the block",
        "tx_id": "or its hash in hexadecimal; the block then has to be whole",
    }

    def check(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """See :meth:`pycore.ledgers.proof.ProofRules.check`."""
        checks, headers = _headers(bundle, trusted)
        if headers is None:
            return Proven(tuple(checks))
        header = headers[0]
        checks += _absent(bundle)
        facts: dict[str, Any] = {}
        if all(one.ok for one in checks):
            more, facts = _claim(bundle, header, trusted)
            checks += more
        proven = all(one.ok for one in checks)
        return Proven(tuple(checks), header.number, header.hash, float(header.timestamp), facts=facts if proven else {})

    def advance(self, bundle: Bundle, trusted: Trusted) -> Proven:
        """As :meth:`check`; moves nothing, and says so."""
        found = self.check(bundle, trusted)
        return replace(found, checks=(*found.checks, Check("advance", False, detail=NOT_MOVED)))

    def make(self, sources: Mapping[str, Any], statement: Statement, trusted: Trusted) -> Bundle:
        """See :meth:`pycore.ledgers.proof.ProofRules.make`."""
        unknown = set(sources) - set(self.sources)
        if unknown or "block" not in sources:
            raise InputError("sources", ", ".join(sorted(sources)) or "nothing", ", ".join(self.sources))
        header = _source_header(sources["block"], "sources.block")
        headers = [header.raw, *(one.raw for one in _source_links(sources.get("links")))]
        index = _source_index(sources)
        item, inclusion = statement.item, Inclusion()
        if statement.kind == "state":
            item, inclusion = _state_sources(sources, statement)
        elif statement.kind != "header":
            records = _source_records(sources, statement.kind)
            if item and item in records:
                index = records.index(item)
            if index >= len(records):
                raise InputError("sources.index", f"{index}", f"below {len(records)}, the items of the block")
            trie = PatriciaTrie.of_list(records)
            item, nodes = records[index], trie.proof(patricia.index_keys([index])[0])
            inclusion = Inclusion(index, 0, tuple(nodes))
        return Bundle(
            "ethereum", trusted.chain_id, trusted.height, trusted.block_hash, tuple(headers), b"", inclusion,
            replace(statement, item=item),
        )  # fmt: skip


# ---- checking --------------------------------------------------------------------------------------------------------


def _headers(bundle: Bundle, trusted: Trusted) -> tuple[list[Check], list[Header] | None]:
    """The chain of headers up to the trusted block; None where there is nothing to go on with."""
    got, wanted = (bundle.trusted_height, bundle.trusted_hash.hex()), (trusted.height, trusted.block_hash.hex())
    checks = [Check("trusted_state", got == wanted, str(got), str(wanted))]
    if not 0 < len(bundle.headers) <= MAX_HEADERS:
        return [*checks, Check("headers", False, len(bundle.headers), f"1 to {MAX_HEADERS}")], None
    try:
        headers = [read_header(one, "wire", f"headers[{i}]") for i, one in enumerate(bundle.headers)]
    except InputError as error:
        return [*checks, Check("headers", False, str(error), "canonical headers")], None
    checks.append(Check("headers", True, len(headers), f"1 to {MAX_HEADERS}"))
    pairs = list(itertools.pairwise(headers))
    broken = next((i for i, (a, b) in enumerate(pairs) if b.parent_hash != a.hash or b.number != a.number + 1), None)
    why = "" if broken is None else f"header {broken + 1} is not the successor of header {broken}"
    checks.append(Check("links", broken is None, len(pairs) if broken is None else broken, len(pairs), why))
    last = headers[-1]
    checks.append(Check("trusted_block", last.hash == trusted.block_hash, last.hash, trusted.block_hash))
    checks.append(Check("trusted_height", last.number == trusted.height, last.number, trusted.height))
    return checks, headers


def _absent(bundle: Bundle) -> list[Check]:
    """Parts that nothing commits to are not there."""
    claim, inclusion = bundle.statement, bundle.inclusion
    extra = [
        name
        for name, there in (
            ("certificate", bool(bundle.certificate)),
            ("inclusion.count", inclusion.count != 0),
            ("statement.key", claim.kind != "state" and bool(claim.key)),
            ("statement.event", claim.kind != "event" and claim.event != 0),
            ("statement.item", claim.kind == "header" and bool(claim.item)),
            ("inclusion.nodes", claim.kind == "header" and bool(inclusion.nodes)),
            ("inclusion.index", claim.kind == "header" and inclusion.index != 0),
        )
        if there
    ]
    return [Check("absent_parts", not extra, ", ".join(extra) or None, None)]


def _claim(bundle: Bundle, header: Header, trusted: Trusted) -> tuple[list[Check], dict[str, Any]]:
    kind, inclusion = bundle.statement.kind, bundle.inclusion
    if kind == "header":
        return [], {"hash": "0x" + header.hash.hex(), "state_root": "0x" + header.state_root.hex()}
    if len(inclusion.nodes) > MAX_NODES:
        return [Check("inclusion", False, len(inclusion.nodes), f"at most {MAX_NODES} nodes")], {}
    if b"\x80" in inclusion.nodes:  # of an empty trie, which has a proof of no nodes
        return [Check("inclusion", False, "the node of an empty trie", "no node for it")], {}
    if kind == "state":
        return _state(bundle, header)
    if not 0 <= inclusion.index < 1 << 32:
        return [Check("inclusion", False, inclusion.index, "a position of 32 bits")], {}
    root = header.tx_root if kind == "transaction" else header.receipt_root
    key = patricia.index_keys([inclusion.index])[0]
    included = _included(root, key, bundle.statement.item, inclusion.nodes, hashed=False)
    if not included.ok:
        return [included], {}
    if kind == "transaction":
        more, facts = _transaction(bundle.statement.item, trusted)
    else:
        more, facts = _receipt(bundle)
    return [included, *more], {"index": inclusion.index, **facts}


def _included(root: bytes, key: bytes, item: bytes, nodes: Sequence[bytes], *, hashed: bool) -> Check:
    """Whether the trie below `root` has exactly this value at the key; b"" is no value."""
    try:
        value = patricia.verify_trie(root, key, list(nodes), hashed=hashed) or b""
    except ProofError as error:
        return Check("inclusion", False, error.verdict.name, root, "the nodes do not lead from the root to the key")
    why = "" if value == item else "the trie has another value there"
    return Check("inclusion", value == item, hash_one("keccak256", item), hash_one("keccak256", value), why)


def _transaction(item: bytes, trusted: Trusted) -> tuple[list[Check], dict[str, Any]]:
    chain_id = int(trusted.chain_id) if trusted.chain_id.isdecimal() and len(trusted.chain_id) < 20 else None
    found = check(Spans.joined([item]), chain_id, low_s=False, threads=1)
    code = int(found.codes[0])
    made = Check("transaction", code == VALID, found.details.get(0, code), VALID)
    facts = {"id": "0x" + found.hashes[0].tobytes().hex(), "sender": "0x" + found.senders[0].tobytes().hex()}
    return [made], facts | (_contents(item) if code == VALID else {})


def _contents(item: bytes) -> dict[str, Any]:
    number = item[0] if item[0] < 0xC0 else 0
    kind = KINDS[number]
    items = dict(zip(kind.names, rlp.decode_list(item[1 if number else 0 :], name="transaction"), strict=True))
    facts: dict[str, Any] = {"type": number}
    for name in ("to", "data"):
        value = items[name]
        assert isinstance(value, bytes)
        facts[name] = "0x" + value.hex()
    for name in ("nonce", "value", "gas"):
        value = items[name]
        assert isinstance(value, bytes)
        facts[name] = str(int.from_bytes(value, "big"))
    return facts


def _receipt(bundle: Bundle) -> tuple[list[Check], dict[str, Any]]:
    claim = bundle.statement
    try:
        found = parse_receipt(claim.item, "statement.item")
    except InputError as error:
        return [Check("receipt", False, str(error), "a receipt")], {}
    outcome = found.outcome.hex() if isinstance(found.outcome, bytes) else found.outcome
    facts: dict[str, Any] = {"type": found.type, "outcome": outcome, "logs": len(found.logs)}
    if claim.kind == "receipt":
        return [Check("receipt", True)], facts | {"cumulative_gas": found.cumulative_gas}
    if not 0 <= claim.event < len(found.logs):
        return [Check("event", False, claim.event, f"below {len(found.logs)}, the receipt's logs")], {}
    address, topics, data = found.logs[claim.event]
    named = {
        "contract": "0x" + address.hex(),
        "topics": ["0x" + one.hex() for one in topics],
        "data": "0x" + data.hex(),
    }
    return [Check("event", True, claim.event, f"below {len(found.logs)}")], facts | named


def _state(bundle: Bundle, header: Header) -> tuple[list[Check], dict[str, Any]]:
    claim, nodes, split = bundle.statement, bundle.inclusion.nodes, bundle.inclusion.index
    if len(claim.key) not in (20, 52):
        return [Check("key", False, len(claim.key), "an address, or an address and a slot of 32 bytes")], {}
    address, slot = claim.key[:20], claim.key[20:]
    if not 0 <= split <= len(nodes) or (not slot and split != len(nodes)):
        return [Check("inclusion", False, split, "the number of nodes of the account's proof")], {}
    try:
        value = patricia.verify_trie(header.state_root, address, list(nodes[:split]), hashed=True) or b""
        account = patricia.account_of(value) if value else None
    except ProofError as error:
        return [Check("inclusion", False, error.verdict.name, header.state_root, "the account's nodes")], {}
    if value and account is None:
        return [Check("account", False, value, "an account")], {}
    facts: dict[str, Any] = {"address": "0x" + address.hex()}
    if not slot:
        made = Check("inclusion", value == claim.item, claim.item, value)
        return [made], facts | _account_facts(account)
    if account is None:
        made = Check("inclusion", not claim.item and split == len(nodes), claim.item, b"", "there is no such account")
        return [made], facts | {"slot": "0x" + slot.hex(), "value": "0", "value_hex": bytes(32).hex()}
    included = _included(account.storage_root, slot, claim.item, nodes[split:], hashed=True)
    number = _storage_number(claim.item)
    checks = [included, Check("value", number is not None, claim.item, "a number, or nothing")]
    octets = (number or 0).to_bytes(32, "big")
    return checks, facts | {"slot": "0x" + slot.hex(), "value": str(number), "value_hex": octets.hex()}


def _account_facts(account: patricia.Account | None) -> dict[str, Any]:
    if account is None:
        return {"exists": False}
    return {
        "exists": True, "nonce": account.nonce, "balance": str(account.balance),
        "storage_root": "0x" + account.storage_root.hex(), "code_hash": "0x" + account.code_hash.hex(),
    }  # fmt: skip


def _storage_number(item: bytes) -> int | None:
    """The number that a slot holds; 0 is never written."""
    if not item:
        return 0
    try:
        return rlp.number(rlp.decode(item), 32) or None
    except InputError:
        return None


# ---- making ----------------------------------------------------------------------------------------------------------


def _source_header(source: Any, name: str) -> Header:
    if isinstance(source, (str, Mapping)):
        return read_header(source, "rpc", name)
    data = one_bytes(source, name)
    if Fields.of(Spans.joined([data]), 4, fewest=3).sound[0]:
        return read_block(data, "wire").header
    return read_header(data, "wire", name)


def _source_links(source: Any) -> list[Header]:
    if source is None:
        return []
    if isinstance(source, (bytes, bytearray, memoryview)):
        listed = rlp.decode_list(bytes(source), name="sources.links")
        several = bool(listed) and all(isinstance(one, list) and len(one) >= COUNTS[0] for one in listed)
        source = [rlp.encode(one) for one in listed] if several else [source]
    if isinstance(source, Mapping):
        source = [source]
    if not isinstance(source, (list, tuple)):
        raise InputError("sources.links", type(source).__name__, "headers")
    return [_source_header(one, f"sources.links[{i}]") for i, one in enumerate(source)]


def _source_index(sources: Mapping[str, Any]) -> int:
    """The position that "index" says, or that of the transaction with the hash that "tx_id" says; 0 without either."""
    index, named = sources.get("index", 0), sources.get("tx_id")
    if type(index) is not int or not 0 <= index < 1 << 32:
        raise InputError("sources.index", f"{index}", "the transaction's position in the block")
    if named is None:
        return index
    if "index" in sources or not isinstance(named, str):
        raise InputError("sources.tx_id", repr(named)[:80], "a hash in hexadecimal, and no index")
    wanted = named.lower().removeprefix("0x")
    for i, record in enumerate(_source_records(sources, "transaction")):
        if hash_one("keccak256", record).hex() == wanted:
            return i
    raise InputError("sources.tx_id", named[:80], "the hash of a transaction of the block")


def _source_records(sources: Mapping[str, Any], kind: str) -> list[bytes]:
    if kind != "transaction":
        if "receipts" not in sources:
            raise InputError("sources.receipts", "nothing", "the receipts of the block")
        return read_receipts(sources["receipts"], "sources.receipts")
    block = sources["block"]
    return read_block(block, "rpc" if isinstance(block, (str, Mapping)) else "wire").transactions.items()


def _state_sources(sources: Mapping[str, Any], statement: Statement) -> tuple[bytes, Inclusion]:
    answer = Answer.of(sources.get("proof", {}), "sources.proof")
    address = answer.octets("address", 20)
    if statement.key[:20] != address or len(statement.key) not in (20, 52):
        raise InputError(
            "statement.key", statement.key.hex(), f"{address.hex()}, the proof's address, or that and a slot"
        )
    account_nodes = answer.octet_list("accountProof")
    slot, nodes = statement.key[20:], []
    for one in answer.objects("storageProof") if slot else ():
        if one.number("key", 32) == int.from_bytes(slot, "big"):
            nodes = one.octet_list("proof")
            break
    else:
        if slot:
            raise InputError("sources.proof.storageProof", "no such slot", slot.hex())
    item = statement.item or _value_of(account_nodes, nodes, address, slot)
    return item, Inclusion(len(account_nodes), 0, (*account_nodes, *nodes))


def _value_of(account_nodes: list[bytes], nodes: list[bytes], address: bytes, slot: bytes) -> bytes:
    """The value that the nodes show, by the root that the first of them has."""
    root = hash_one("keccak256", account_nodes[0]) if account_nodes else patricia.EMPTY_ROOT
    try:
        value = patricia.verify_trie(root, address, account_nodes, hashed=True) or b""
        account = patricia.account_of(value) if value and slot else None
        if account is not None:
            value = patricia.verify_trie(account.storage_root, slot, nodes, hashed=True) or b""
    except ProofError:
        return b""
    return b"" if slot and account is None else value


RULES = EthereumProofs()
"""What `pycore.ledgers.get("ethereum").proofs` is."""
