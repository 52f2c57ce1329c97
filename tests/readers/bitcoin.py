"""Bitcoin blocks and transactions, legacy signature hashes, and btcd's file of spent outputs."""

from __future__ import annotations

import bz2
import hashlib
from dataclasses import dataclass
from pathlib import Path

from Crypto.Hash import RIPEMD160

from .cases import SignatureCase


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


class Stream:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        chunk = self.data[self.at : self.at + count]
        assert len(chunk) == count
        self.at += count
        return chunk

    def integer(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def varint(self) -> int:
        first = self.integer(1)
        return first if first < 0xFD else self.integer({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])

    def counted(self) -> bytes:
        return self.take(self.varint())


def varint(value: int) -> bytes:
    if value < 0xFD:
        return bytes([value])
    return b"\xfd" + value.to_bytes(2, "little") if value < 0x10000 else b"\xfe" + value.to_bytes(4, "little")


@dataclass(frozen=True)
class Input:
    outpoint: bytes  # 32-byte hash, 4-byte index
    script: bytes
    sequence: bytes


@dataclass(frozen=True)
class Transaction:
    version: bytes
    inputs: list[Input]
    outputs: list[tuple[bytes, bytes]]  # 8-byte amount, script
    lock_time: bytes
    raw: bytes

    def serialise(self, inputs: list[tuple[bytes, bytes, bytes]]) -> bytes:
        """Without witness, with (outpoint, script, sequence) as given."""
        parts = [self.version, varint(len(inputs))]
        for outpoint, script, sequence in inputs:
            parts += [outpoint, varint(len(script)), script, sequence]
        parts.append(varint(len(self.outputs)))
        for amount, script in self.outputs:
            parts += [amount, varint(len(script)), script]
        return b"".join([*parts, self.lock_time])

    @property
    def txid(self) -> bytes:
        return sha256d(self.serialise([(i.outpoint, i.script, i.sequence) for i in self.inputs]))

    def sighash_all(self, index: int, script: bytes) -> bytes:
        """Digest that an input signs under SIGHASH_ALL: its script replaced by the spent one, all others emptied."""
        rows = [(x.outpoint, script if i == index else b"", x.sequence) for i, x in enumerate(self.inputs)]
        return sha256d(self.serialise(rows) + b"\x01\0\0\0")


@dataclass(frozen=True)
class Block:
    header: bytes
    transactions: list[Transaction]

    @property
    def merkle_root(self) -> bytes:
        return self.header[36:68]


def transaction(stream: Stream) -> Transaction:
    start = stream.at
    version = stream.take(4)
    witness = stream.data[stream.at : stream.at + 2] == b"\x00\x01"
    if witness:
        stream.take(2)
    inputs = [Input(stream.take(36), stream.counted(), stream.take(4)) for _ in range(stream.varint())]
    outputs = [(stream.take(8), stream.counted()) for _ in range(stream.varint())]
    if witness:
        for _ in inputs:
            for _ in range(stream.varint()):
                stream.counted()
    return Transaction(version, inputs, outputs, stream.take(4), stream.data[start : stream.at])


def block(data: bytes) -> Block:
    stream = Stream(data)
    header = stream.take(80)
    found = Block(header, [transaction(stream) for _ in range(stream.varint())])
    assert stream.at == len(data)
    return found


def framed_blocks(path: Path) -> list[Block]:
    """A .bz2 file of magic, length, block."""
    stream = Stream(bz2.decompress(path.read_bytes()))
    blocks = []
    while stream.at < len(stream.data):
        stream.take(4)
        blocks.append(block(stream.take(stream.integer(4))))
    return blocks


def _vlq(stream: Stream) -> int:
    value = 0
    while True:
        byte = stream.integer(1)
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value
        value += 1


def spent_scripts(path: Path) -> dict[bytes, bytes]:
    """btcd's utxostore: outpoint, length, then height code, amount and script, each compressed. Outpoint -> script."""
    stream = Stream(bz2.decompress(path.read_bytes()))
    scripts = {}
    while stream.at < len(stream.data):
        outpoint = stream.take(36)
        entry = Stream(stream.take(stream.integer(4)))
        _vlq(entry)  # height and coinbase bit
        _vlq(entry)  # amount
        kind = _vlq(entry)
        rest = entry.data[entry.at :]
        if kind == 0:
            scripts[outpoint] = b"\x76\xa9\x14" + rest + b"\x88\xac"  # pay to public key hash
        elif kind == 1:
            scripts[outpoint] = b"\xa9\x14" + rest + b"\x87"
        elif kind >= 6:
            scripts[outpoint] = rest
        # 2..5: bare public keys; no script of this form is looked up by the tests
    return scripts


def pushes(script: bytes) -> list[bytes] | None:
    """The pushed values of a script that only pushes up to 75 bytes at a time."""
    stream, values = Stream(script), []
    while stream.at < len(script):
        length = stream.integer(1)
        if not 1 <= length <= 75 or stream.at + length > len(script):
            return None
        values.append(stream.take(length))
    return values


def block_files(folder: Path) -> dict[str, list[Block]]:
    """Every block file of the vectors folder's bitcoin/, by name."""
    (testnet,) = folder.glob("testnet_block_*.raw")
    return {
        "block_277647.dat.bz2": framed_blocks(folder / "block_277647.dat.bz2"),
        "blocks1-256.bz2": framed_blocks(folder / "blocks1-256.bz2"),
        "blk_0_to_4.dat.bz2": framed_blocks(folder / "blk_0_to_4.dat.bz2"),
        "block_13b8a.hex": [block(bytes.fromhex((folder / "block_13b8a.hex").read_text()))],
        "testnet_block.raw": [block(testnet.read_bytes())],
    }


def key_hash_script(key: bytes) -> bytes:
    """The script that pays to a key's hash."""
    return b"\x76\xa9\x14" + RIPEMD160.new(hashlib.sha256(key).digest()).digest() + b"\x88\xac"


def signatures(blocks: list[Block], spent: dict[bytes, bytes]) -> list[tuple[str, SignatureCase]]:
    """(kind, case) of every input that is plainly one signature: by a key's hash, or a bare key of these blocks.

    The message of a case is the 32-byte signature hash. `spent` adds scripts of outputs outside these blocks; an input
    by a key's hash also gives its script away, and must agree with `spent` where both are known.
    """
    known = dict(spent)
    for part in blocks:
        for tx in part.transactions:
            known.update({tx.txid + i.to_bytes(4, "little"): script for i, (_, script) in enumerate(tx.outputs)})
    rows = []
    for part in blocks:
        for tx in part.transactions[1:]:
            for i, spend in enumerate(tx.inputs):
                values, script = pushes(spend.script), known.get(spend.outpoint)
                if values and len(values) == 2 and len(values[1]) in (33, 65):
                    kind, key = "key hash", values[1]
                    assert script in (None, key_hash_script(key))
                    script = key_hash_script(key)
                elif values and len(values) == 1 and script and script[-1] == 0xAC and script[0] == len(script) - 2:
                    kind, key = "bare key", script[1:-1]
                else:
                    continue
                assert values[0][-1] == 1, "SIGHASH_ALL"
                label = f"{tx.txid[::-1].hex()}:{i}"
                rows.append((kind, SignatureCase(label, key, values[0][:-1], tx.sighash_all(i, script), True)))
    return rows
