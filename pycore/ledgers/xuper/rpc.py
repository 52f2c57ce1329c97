"""Transactions and blocks as nodes and the chain's command line answer them, turned into messages.

Two spellings, told apart by their names:

    the gateway's         names with "_" (tx_inputs, initiator_signs, Justify ...), bytes in base64, 64-bit numbers as
                          texts or numbers
    the command line's    names without (txInputs, initiatorSigns ...), ids and signatures in hexadecimal, amounts in
                          decimal, other bytes as text

The second one drops parts that are hashed: frozen_height, the amount of a call, xuper_sign, hd_info; bytes that are not
UTF-8; and whether an amount of nothing is there. Those parts are taken to be absent, so the id of a transaction that
had them differs: it is an invalid transaction, and never a valid one with another meaning.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format

from pycore.base.columns import describe, quote
from pycore.errors import InputError
from pycore.ledgers._json import load_object
from pycore.ledgers.xuper.messages import InternalBlock, Transaction

_GATEWAY_TX = {
    "tx_inputs", "tx_outputs", "tx_inputs_ext", "tx_outputs_ext", "contract_requests", "auth_require",
    "initiator_signs", "auth_require_signs", "received_timestamp", "modify_block", "xuper_sign", "HD_info",
}  # fmt: skip
_GATEWAY_BLOCK = {"pre_hash", "merkle_root", "tx_count", "merkle_tree", "failed_txs", "in_trunk", "next_hash"}
_RESOURCES = {"CPU": 0, "MEMORY": 1, "DISK": 2, "XFEE": 3}
MAX_AMOUNT_DIGITS = 100
MAX_ITEMS = 1 << 18


def transaction(answer: Any, field: str = "transaction") -> Any:
    """The message of a transaction; InputError names what does not fit."""
    return _transaction(_object(answer, field), field)


def block(answer: Any, field: str = "block") -> Any:
    """The message of a block."""
    given = _object(answer, field)
    inner = given.get("block")
    if isinstance(inner, Mapping):  # the gateway puts it into its answer
        given = inner
    if _GATEWAY_BLOCK & given.keys():
        return _gateway(InternalBlock(), given, field)
    return _block(given, field)


def _object(answer: Any, field: str) -> Mapping[str, Any]:
    if isinstance(answer, (str, bytes)):
        return load_object(answer, field)
    if not isinstance(answer, Mapping):
        raise InputError(field, describe(answer), "a JSON object, as text or as a mapping")
    return answer


def _gateway(message: Any, given: Mapping[str, Any], field: str) -> Any:
    try:
        json_format.ParseDict(dict(given), message, ignore_unknown_fields=False, max_recursion_depth=16)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError, SystemError) as error:
        # SystemError: protobuf's maps of names, of half of a surrogate pair
        got = f"a JSON object that does not fit ({str(error)[:120]})"
        raise InputError(
            field, got, f"a XuperChain {message.DESCRIPTOR.name} as the chain's gateway writes it"
        ) from None
    return message


# ---- the command line's ----------------------------------------------------------------------------------------------


class _Reader:
    """Fields of one object; InputError names the one that does not fit."""

    def __init__(self, given: Any, field: str) -> None:
        if not isinstance(given, Mapping):
            raise InputError(field, describe(given), "a JSON object")
        self._given, self._field = given, field
        self._read: set[str] = set()

    def _get(self, name: str, kinds: tuple[type, ...], default: Any, wanted: str) -> Any:
        self._read.add(name)
        value = self._given.get(name)
        if value is None:
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise InputError(f"{self._field}.{name}", describe(value), wanted)
        return value

    def text(self, name: str) -> str:
        found: str = self._get(name, (str,), "", "text")
        self._whole(name, found)
        return found

    def _whole(self, name: str, *texts: str) -> None:
        """JSON can write half of a surrogate pair, which UTF-8 cannot."""
        try:
            for text in texts:
                text.encode()
        except UnicodeEncodeError:
            raise InputError(f"{self._field}.{name}", "half of a surrogate pair", "text that UTF-8 can write") from None

    def number(self, name: str, bits: int) -> int:
        found: int = self._get(name, (int,), 0, "a number")
        if not -(1 << (bits - 1)) <= found < 1 << (bits - 1):
            raise InputError(f"{self._field}.{name}", quote(found), f"a number of {bits} bits")
        return found

    def flag(self, name: str) -> bool:
        return bool(self._get(name, (bool,), False, "true or false"))

    def octets(self, name: str) -> bytes:
        return unhex(self.text(name), f"{self._field}.{name}")

    def base64(self, name: str) -> bytes:
        try:
            return base64.b64decode(self.text(name), validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise InputError(f"{self._field}.{name}", "text that is not base64", "base64") from None

    def amount(self, name: str) -> bytes:
        digits = self.text(name) or "0"
        if not (digits.isascii() and digits.isdigit()) or len(digits) > MAX_AMOUNT_DIGITS:
            raise InputError(f"{self._field}.{name}", quote(digits), "a decimal number")
        value = int(digits)
        return value.to_bytes((value.bit_length() + 7) // 8, "big")

    def each(self, name: str) -> list[Any]:
        found: list[Any] = self._get(name, (list, tuple), [], "an array")
        if len(found) > MAX_ITEMS:
            raise InputError(f"{self._field}.{name}", f"{len(found)} items", f"at most {MAX_ITEMS}")
        return [_Reader(item, f"{self._field}.{name}[{i}]") for i, item in enumerate(found)]

    def texts(self, name: str) -> list[str]:
        found = self._get(name, (list, tuple), [], "an array")
        if not all(isinstance(item, str) for item in found) or len(found) > MAX_ITEMS:
            raise InputError(f"{self._field}.{name}", "something that is no text, or too much", "an array of texts")
        self._whole(name, *found)
        return list(found)

    def texts_by_name(self, name: str) -> dict[str, str]:
        found = self._get(name, (Mapping,), {}, "an object")
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in found.items()):
            raise InputError(f"{self._field}.{name}", "something that is no text", "an object of texts")
        self._whole(name, *found, *found.values())
        return dict(found)

    def inner(self, name: str) -> _Reader | None:
        found = self._get(name, (Mapping,), None, "an object")
        return None if found is None else _Reader(found, f"{self._field}.{name}")

    def end(self) -> None:
        """Every name has been read: a misspelt one would silently drop a part."""
        for name in self._given:
            if name not in self._read:
                raise InputError(f"{self._field}.{str(name)[:40]}", "an unknown name", ", ".join(sorted(self._read)))


def unhex(text: str, field: str) -> bytes:
    """Bytes from hexadecimal."""
    try:
        if text.strip() != text:
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(field, quote(text), "bytes in hexadecimal") from None


def _transaction(given: Mapping[str, Any], field: str) -> Any:
    if _GATEWAY_TX & given.keys():
        return _gateway(Transaction(), given, field)
    read = _Reader(given, field)
    tx = Transaction(
        txid=read.octets("txid"), blockid=read.octets("blockid"), desc=read.text("desc").encode(),
        nonce=read.text("nonce"), timestamp=read.number("timestamp", 64), version=read.number("version", 32),
        autogen=read.flag("autogen"), coinbase=read.flag("coinbase"), initiator=read.text("initiator"),
        auth_require=read.texts("authRequire"), received_timestamp=read.number("receivedTimestamp", 64),
    )  # fmt: skip
    for one in read.each("txInputs"):
        tx.tx_inputs.add(ref_txid=one.octets("refTxid"), ref_offset=one.number("refOffset", 32),
                         from_addr=one.text("fromAddr").encode(), amount=one.amount("amount"))  # fmt: skip
        one.end()
    for one in read.each("txOutputs"):
        tx.tx_outputs.add(amount=one.amount("amount"), to_addr=one.text("toAddr").encode())
        one.end()
    for one in read.each("txInputsExt"):
        tx.tx_inputs_ext.add(bucket=one.text("bucket"), key=one.text("key").encode(), ref_txid=one.octets("refTxid"),
                             ref_offset=one.number("refOffset", 32))  # fmt: skip
        one.end()
    for one in read.each("txOutputsExt"):
        tx.tx_outputs_ext.add(bucket=one.text("bucket"), key=one.text("key").encode(), value=one.text("value").encode())
        one.end()
    for one in read.each("contractRequests"):
        _call(tx, one)
    for name, signs in (("initiatorSigns", tx.initiator_signs), ("authRequireSigns", tx.auth_require_signs)):
        for one in read.each(name):
            signs.add(public_key=one.text("publickey"), sign=one.octets("sign"))
            one.end()
    mark = read.inner("modifyBlock")
    if mark is not None and (mark.flag("marked") or mark.text("effectiveTxid") or mark.number("effectiveHeight", 64)):
        tx.modify_block.marked = mark.flag("marked")
        tx.modify_block.effective_txid = mark.text("effectiveTxid")
        tx.modify_block.effective_height = mark.number("effectiveHeight", 64)
    read.end()
    return tx


def _call(tx: Any, one: _Reader) -> None:
    call = tx.contract_requests.add(
        module_name=one.text("moduleName"), contract_name=one.text("contractName"), method_name=one.text("methodName")
    )
    for key, value in one.texts_by_name("args").items():
        call.args[key] = value.encode()
    for limit in one.each("resource_limits"):
        name = limit.text("type")
        if name not in _RESOURCES:
            raise InputError("resource_limits.type", quote(name), ", ".join(_RESOURCES))
        call.resource_limits.add(type=_RESOURCES[name], limit=limit.number("limit", 64))
        limit.end()
    one.end()


def _block(given: Mapping[str, Any], field: str) -> Any:
    read = _Reader(given, field)
    made = InternalBlock(
        version=read.number("version", 32), nonce=read.number("nonce", 32), blockid=read.octets("blockid"),
        pre_hash=read.octets("preHash"), proposer=read.text("proposer").encode(), sign=read.octets("sign"),
        pubkey=read.text("pubkey").encode(), merkle_root=read.octets("merkleRoot"), height=read.number("height", 64),
        timestamp=read.number("timestamp", 64), tx_count=read.number("txCount", 32), in_trunk=read.flag("inTrunk"),
        merkle_tree=[unhex(one, f"{field}.merkleTree") for one in read.texts("merkleTree")],
        next_hash=read.octets("nextHash"), cur_term=read.number("curTerm", 64),
        cur_block_num=read.number("curBlockNum", 64), failed_txs=read.texts_by_name("failedTxs"),
        target_bits=read.number("targetBits", 32),
    )  # fmt: skip
    for i, one in enumerate(given.get("transactions") or []):
        made.transactions.append(_transaction(_object(one, f"{field}.transactions[{i}]"), f"{field}.transactions[{i}]"))
    read.each("transactions")
    justify = read.inner("justify")
    if justify is not None and (justify.text("ProposalId") or justify.number("ViewNumber", 64)):
        _justify(made.justify, justify)
    read.end()
    return made


def _justify(made: Any, read: _Reader) -> None:
    """Of a block without one the command line writes an empty one."""
    made.proposal_id = read.octets("ProposalId")
    made.proposal_msg = read.base64("ProposalMsg")
    made.type = read.number("Type", 32)
    made.view_number = read.number("ViewNumber", 64)
    infos = read.inner("SignInfos")
    for one in infos.each("QCSignInfos") if infos is not None else []:
        made.sign_infos.qc_sign_infos.add(
            address=one.text("Address"), public_key=one.text("PublicKey"), sign=one.base64("Sign")
        )
        one.end()
    read.end()
