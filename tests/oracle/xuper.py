"""XuperChain in plain Python, from its rules and with nothing of the library: what transactions and blocks are hashed
over, addresses, trees. Messages are objects with the fields of ``proto/pycore/ledgers/xuper/v1``."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from oracle import ripemd160, sm3

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


# ---- transactions ----------------------------------------------------------------------------------------------------


def flat(tx: Any, *, signs: bool) -> bytes:
    """Version 3."""
    out: list[bytes] = []

    def put(value: Any) -> None:
        if isinstance(value, int):
            out.append(int(value).to_bytes(8, "big", signed=True))
        elif isinstance(value, (bytes, str)):
            data = value.encode() if isinstance(value, str) else value
            out.append(len(data).to_bytes(8, "big") + data)
        else:
            raise TypeError(value)

    def each(items: Any, *names: str) -> None:
        put(len(items))
        for item in items:
            for name in names:
                put(getattr(item, name))

    each(tx.tx_inputs, "ref_txid", "ref_offset", "from_addr", "amount", "frozen_height")
    each(tx.tx_outputs, "amount", "to_addr", "frozen_height")
    for name in ("desc", "coinbase", "nonce", "timestamp", "version", "autogen"):
        put(getattr(tx, name))
    each(tx.tx_inputs_ext, "bucket", "key", "ref_txid", "ref_offset")
    each(tx.tx_outputs_ext, "bucket", "key", "value")
    put(len(tx.contract_requests))
    for call in tx.contract_requests:
        for name in ("module_name", "contract_name", "method_name"):
            put(getattr(call, name))
        put(len(call.args))
        for key in sorted(call.args, key=str.encode):
            put(key)
            put(call.args[key])
        each(call.resource_limits, "type", "limit")
        put(call.amount)
    put(tx.initiator)
    put(len(tx.auth_require))
    for name in tx.auth_require:
        put(name)
    if signs:
        each(tx.initiator_signs, "public_key", "sign")
        each(tx.auth_require_signs, "public_key", "sign")
        put(len(tx.xuper_sign.public_keys))
        for key in tx.xuper_sign.public_keys:
            put(key)
        put(tx.xuper_sign.signature)
    put(tx.hd_info.hd_public_key)
    put(tx.hd_info.original_hash)
    return b"".join(out)


def go(value: Any) -> str:
    """A value as Go's encoding/json writes it; a list or mapping of nothing is what the caller makes of it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, bytes):
        return '"' + base64.b64encode(value).decode() + '"'
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False).replace("\\b", "\\u0008").replace("\\f", "\\u000c")
        return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found.group()):04x}", text)
    if isinstance(value, dict):
        return "{" + ",".join(f"{go(key)}:{go(value[key])}" for key in value) + "}"
    return "[" + ",".join(map(go, value)) + "]"


def struct(item: Any, **names: str) -> dict[str, Any]:
    """A struct with omitempty."""
    return {json_name: getattr(item, name) for json_name, name in names.items() if getattr(item, name)}


def call_struct(call: Any) -> dict[str, Any]:
    made = struct(call, module_name="module_name", contract_name="contract_name", method_name="method_name")
    if call.args:
        made["args"] = {key: call.args[key] for key in sorted(call.args, key=str.encode)}
    if call.resource_limits:
        made["resource_limits"] = [struct(one, type="type", limit="limit") for one in call.resource_limits]
    return {**made, **struct(call, amount="amount")}


def lines(tx: Any, *, signs: bool) -> bytes:
    """Versions 1 and 2."""
    out: list[Any] = []
    for item in tx.tx_inputs:
        out += [value for value in (item.ref_txid,) if value] + [item.ref_offset]
        out += [value for value in (item.from_addr, item.amount) if value] + [item.frozen_height]
    outputs = [struct(one, amount="amount", to_addr="to_addr", frozen_height="frozen_height") for one in tx.tx_outputs]
    out += [outputs or None] + [value for value in (tx.desc,) if value] + [tx.nonce, tx.timestamp, tx.version]
    for item in tx.tx_inputs_ext:
        out += [item.bucket] + [value for value in (item.key, item.ref_txid) if value] + [item.ref_offset]
    for item in tx.tx_outputs_ext:
        out += [item.bucket] + [value for value in (item.key, item.value) if value]
    out += [[call_struct(call) for call in tx.contract_requests] or None, tx.initiator, list(tx.auth_require) or None]
    if signs:
        for field in (tx.initiator_signs, tx.auth_require_signs):
            out.append([struct(one, PublicKey="public_key", Sign="sign") for one in field] or None)
        if tx.HasField("xuper_sign"):
            keys = list(tx.xuper_sign.public_keys)
            out.append({**({"public_keys": keys} if keys else {}), **struct(tx.xuper_sign, signature="signature")})
    out += [tx.coinbase, tx.autogen]
    if tx.version >= 2:
        names = {"hd_public_key": "hd_public_key", "original_hash": "original_hash"}
        out.append(struct(tx.hd_info, **names) if tx.HasField("hd_info") else None)
    return "".join(go(value) + "\n" for value in out).encode()


def encoded(tx: Any, *, signs: bool) -> bytes:
    return flat(tx, signs=signs) if tx.version >= 3 else lines(tx, signs=signs)


def digest(tx: Any) -> bytes:
    return sha256d(encoded(tx, signs=False))


def txid(tx: Any) -> bytes:
    return sha256d(encoded(tx, signs=True))


# ---- blocks ----------------------------------------------------------------------------------------------------------


def block_id(block: Any) -> bytes:
    out = [number.to_bytes(4, "little", signed=True) for number in (block.version, block.nonce, block.tx_count)]
    out += [block.proposer, block.timestamp.to_bytes(8, "little", signed=True), block.pubkey, block.pre_hash]
    out += [block.merkle_root]
    out += [block.failed_txs[key].encode() for key in sorted(block.failed_txs, key=str.encode)]
    out += [number.to_bytes(8, "little", signed=True) for number in (block.cur_term, block.cur_block_num)]
    if block.target_bits > 0:
        out.append(block.target_bits.to_bytes(4, "little"))
    if block.HasField("justify"):
        justify = block.justify
        out += [justify.proposal_id, justify.proposal_msg, justify.type.to_bytes(4, "little", signed=True)]
        out.append(justify.view_number.to_bytes(8, "little", signed=True))
        for one in justify.sign_infos.qc_sign_infos:
            out += [one.address.encode(), one.public_key.encode(), one.sign]
    return sha256d(b"".join(out))


def merkle_tree(leaves: list[bytes]) -> list[bytes]:
    """The array form: all levels, b"" where a full tree has a node and this one has none."""
    width = 1
    while width < len(leaves):
        width *= 2
    level = [*leaves, *[b""] * (width - len(leaves))]
    tree = list(level)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256d(left + (right or left)) if left else b"" for left, right in pairs]
        tree += level
    return tree


# ---- keys ------------------------------------------------------------------------------------------------------------


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def address(curve: str, point: bytes) -> str:
    """curve: "P-256" or "SM2-P-256"; point: 65 bytes."""
    if curve == "P-256":
        body = b"\x01" + ripemd160.ripemd160(hashlib.sha256(point).digest())
        return base58(body + sha256d(body)[:4])
    body = b"\x02" + ripemd160.ripemd160(sm3.sm3(point))
    return base58(body + sm3.sm3(body)[:4])
