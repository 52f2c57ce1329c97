"""Just enough protobuf to walk to a signature, Fabric's blocks and Solana's transactions."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from .cases import SignatureBatch, SignatureCase
from .certificates import bit_string, children, tlv


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
            yield key >> 3, value
        else:
            assert key & 7 == 2
            length, at = varint(message, at)
            yield key >> 3, message[at : at + length]
            at += length


def every(message: bytes, *path: int) -> list[bytes]:
    """The bytes at a path of field numbers, every repetition."""
    found = [message]
    for step in path:
        rows = [row for inner in found for row in fields(inner)]
        found = [value for number, value in rows if number == step and isinstance(value, bytes)]
    return found


def first(message: bytes, *path: int) -> bytes:
    return next(iter(every(message, *path)), b"")


def integer(message: bytes, number: int) -> int:
    return next((value for field, value in fields(message) if field == number and isinstance(value, int)), 0)


def identity_key(identity: bytes) -> bytes:
    """Public key of a Fabric SerializedIdentity { mspid = 1; id_bytes = 2 }: id_bytes are a PEM certificate."""
    pem = first(identity, 2).decode()
    der = base64.b64decode("".join(line for line in pem.splitlines() if line and not line.startswith("-")))
    body = children(tlv(der)[1])[0]
    key = [field for field in children(body[1]) if field[0] != 0xA0][5]
    return bit_string(children(key[1])[1][1])


Block = tuple[int, bytes, bytes, list[bytes], list[bytes]]  # number, previous hash, data hash, envelopes, metadata


def message_block(data: bytes) -> Block:
    """common.Block as one protobuf message."""
    header = first(data, 1)
    return integer(header, 1), first(header, 2), first(header, 3), every(data, 2, 1), every(data, 3, 1)


def stored_blocks(data: bytes) -> Iterator[Block]:
    """A block file: length, number, data hash, previous hash, envelopes, metadata; varints and counted strings."""
    at = 0

    def counted() -> bytes:
        nonlocal at
        length, at = varint(data, at)
        at += length
        return data[at - length : at]

    def several() -> list[bytes]:
        nonlocal at
        count, at = varint(data, at)
        return [counted() for _ in range(count)]

    while at < len(data):
        _, at = varint(data, at)
        number, at = varint(data, at)
        data_hash, previous = counted(), counted()
        yield number, previous, data_hash, several(), several()


def der_block_header(block: Block) -> bytes:
    """The part of a header that an orderer signs: SEQUENCE { INTEGER number, OCTET STRING previous, OCTET
    STRING data }."""
    number, previous, data_hash, _, _ = block
    values = ((2, number.to_bytes(number.bit_length() // 8 + 1, "big")), (4, previous), (4, data_hash))
    body = b"".join(bytes([tag, len(value)]) + value for tag, value in values)
    return bytes([0x30, len(body)]) + body


def fabric_block(label: str, block: Block, batch: SignatureBatch) -> None:
    """Creators, endorsers and orderers of one block (fabric-protos: common.proto, peer/transaction.proto)."""

    def add(what: str, identity: bytes, signature: bytes, message: bytes) -> None:
        batch.cases.append(SignatureCase(f"{label} {what}", identity_key(identity), signature, message, True))

    _, _, _, envelopes, metadata = block
    for envelope in envelopes:
        payload, signature = first(envelope, 1), first(envelope, 2)
        creator = first(payload, 1, 2, 1)
        if creator and signature:
            add("creator", creator, signature, payload)
        if integer(first(payload, 1, 1), 1) != 3:  # ENDORSER_TRANSACTION
            continue
        for action in every(payload, 2, 1, 2, 2):
            response = first(action, 1)
            for endorsement in every(action, 2):
                endorser = first(endorsement, 1)
                add("endorser", endorser, first(endorsement, 2), response + endorser)
    if metadata:  # index SIGNATURES
        for signed in every(metadata[0], 2):
            signature_header = first(signed, 1)
            message = first(metadata[0], 1) + signature_header + der_block_header(block)
            add("orderer", first(signature_header, 1), first(signed, 2), message)


def fabric(folder: Path, source: str) -> SignatureBatch:
    batch = SignatureBatch(source, "ecdsa-p256", options={"encoding": "der", "rules": "low-s"})
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        blocks = stored_blocks(data) if "blockfile" in path.name else [message_block(data)]
        for number, block in enumerate(blocks):
            fabric_block(f"{path.name} {number}", block, batch)
    return batch


def solana(path: Path) -> list[tuple[bytes, bytes, bytes]]:
    """(key, signature, message) of a wire transaction: signatures, then the message whose first keys made them."""

    def short(data: bytes, at: int) -> tuple[int, int]:
        return varint(data, at)  # compact-u16 is a varint of at most three bytes

    data = path.read_bytes()
    count, at = short(data, 0)
    signatures = [data[at + 64 * i : at + 64 * i + 64] for i in range(count)]
    message = data[at + 64 * count :]
    start = 1 if message[0] & 0x80 else 0  # versioned messages put a marker first
    keys, at = short(message, start + 3)
    assert keys >= count == message[start]
    return [(message[at + 32 * i : at + 32 * i + 32], signatures[i], message) for i in range(count)]
