"""Where the scanner is compared with protobuf's parser: message types, plans, records, and mutations of these."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

import pycore.testing
from pycore._pb.ledgers.chainmaker.v1 import block_pb2, transaction_pb2
from pycore.base.descriptors import is_repeated

_F = descriptor_pb2.FieldDescriptorProto
SCALARS = [
    *("double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool"),
    *("string", "bytes", "uint32", "sfixed32", "sfixed64", "sint32", "sint64"),
]
NUMBERS = [kind for kind in SCALARS if kind not in ("string", "bytes")]


@dataclass(frozen=True)
class Case:
    """A message type, a plan for it by its arguments, and records to start from."""

    name: str
    kind: Any
    tables: dict[str, str]
    cells: dict[str, list[str]]
    records: list[bytes] = field(repr=False)
    around: tuple[str, ...] = ()
    cut: str = ""  # a field that is cut out of every record


# ---- a message with fields of every kind -----------------------------------------------------------------------------


def _add(message: Any, name: str, number: int, kind: str, **more: Any) -> Any:
    made = message.field.add(name=name, number=number, label=more.get("label", _F.LABEL_OPTIONAL))
    made.type = _F.Type.Value(f"TYPE_{kind.upper()}")
    if "of" in more:
        made.type_name = f".scan_cases.{more['of']}"
    if "packed" in more:
        made.options.packed = more["packed"]
    if "oneof" in more:
        made.oneof_index = more["oneof"]
    return made


def _optional(message: Any, name: str, number: int, kind: str) -> None:
    _add(message, name, number, kind, oneof=len(message.oneof_decl)).proto3_optional = True
    message.oneof_decl.add(name=f"_{name}")


@cache
def every_kind() -> tuple[Any, Any]:
    """Classes of two messages: one of single fields of every kind, one of repeated ones."""
    file = descriptor_pb2.FileDescriptorProto(name="scan_cases.proto", package="scan_cases", syntax="proto3")
    colour = file.enum_type.add(name="Colour")
    for number, name in enumerate(("RED", "GREEN", "BLUE")):
        colour.value.add(name=name, number=number)
    inner = file.message_type.add(name="Inner")
    _add(inner, "name", 1, "string")
    _add(inner, "count", 3, "uint64")
    _add(inner, "deep", 4, "message", of="Deep")
    deep = file.message_type.add(name="Deep")
    _add(deep, "data", 2, "bytes")
    _add(deep, "gas", 7, "uint64")
    _add(deep, "parts", 8, "string", label=_F.LABEL_REPEATED)

    single = file.message_type.add(name="Single")
    single.oneof_decl.add(name="a")
    single.oneof_decl.add(name="b")
    for number, kind in enumerate(SCALARS, 1):
        _add(single, f"f_{kind}", number, kind)
    _add(single, "f_enum", 16, "enum", of="Colour")
    _add(single, "a_number", 17, "int32", oneof=0)
    _add(single, "a_text", 18, "string", oneof=0)
    _add(single, "inner", 19, "message", of="Inner")
    _add(single, "a_inner", 20, "message", of="Inner", oneof=0)
    _add(single, "b_true", 21, "bool", oneof=1)
    _add(single, "b_double", 22, "double", oneof=1)
    _add(single, "far", 2047, "bytes")
    _add(single, "farther", 2048, "sint32")
    _add(single, "farthest", (1 << 29) - 1, "message", of="Deep")
    for number, kind in enumerate(("int32", "bool", "string", "bytes", "fixed32", "enum"), 30):
        _optional(single, f"o_{kind}", number, kind)
    single.field[-1].type_name = ".scan_cases.Colour"

    many = file.message_type.add(name="Many")
    for number, kind in enumerate(SCALARS, 1):
        _add(many, f"r_{kind}", number, kind, label=_F.LABEL_REPEATED)
    _add(many, "r_enum", 16, "enum", of="Colour", label=_F.LABEL_REPEATED)
    for number, kind in enumerate(NUMBERS, 17):
        _add(many, f"u_{kind}", number, kind, label=_F.LABEL_REPEATED, packed=False)
    _add(many, "inner", 40, "message", of="Inner", label=_F.LABEL_REPEATED)
    _add(many, "one", 41, "message", of="Deep")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = [pool.FindMessageTypeByName(f"scan_cases.{name}") for name in ("Single", "Many")]
    return message_factory.GetMessageClass(found[0]), message_factory.GetMessageClass(found[1])


TEXTS = ["", "a", "abcdefghijk", "\u00e9\u4e2d\U0001f600", "\u07ff\u0800\uffff\U00010000\U0010ffff", "x" * 130]


def random_message(kind: Any, rng: random.Random, share: float) -> Any:
    """A message in which each field is set with some probability, to values at the edges of its type."""
    made = kind()

    def value(f: FieldDescriptor) -> Any:
        if f.type == f.TYPE_STRING:
            return rng.choice(TEXTS)
        if f.type == f.TYPE_BYTES:
            return rng.randbytes(rng.choice((0, 1, 5, 127, 128)))
        if f.type in (f.TYPE_DOUBLE, f.TYPE_FLOAT):
            return rng.choice((0.0, -0.0, 1.5, float("inf"), float("nan")))
        if f.type == f.TYPE_BOOL:
            return rng.random() < 0.5
        signed = f.cpp_type in (f.CPPTYPE_INT32, f.CPPTYPE_INT64, f.CPPTYPE_ENUM)
        bits = 64 if f.cpp_type in (f.CPPTYPE_INT64, f.CPPTYPE_UINT64) else 32
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return max(low, min(high, rng.choice((0, 1, -1, 127, 128, 300, low, high, rng.getrandbits(bits)))))

    for f in kind.DESCRIPTOR.fields:
        if rng.random() > share:
            continue
        target = getattr(made, f.name)
        count = rng.choice((1, 1, 2, 5)) if is_repeated(f) else 1
        if f.message_type is None:
            if is_repeated(f):
                target.extend(value(f) for _ in range(count))
            else:
                setattr(made, f.name, value(f))
            continue
        for _ in range(count):
            inside = random_message(message_factory.GetMessageClass(f.message_type), rng, share)
            target.append(inside) if is_repeated(f) else target.CopyFrom(inside)
    return made


# ---- the messages of ChainMaker --------------------------------------------------------------------------------------


def _transactions(rng: random.Random) -> tuple[list[Any], list[Any]]:
    txs, dags = [], []
    for suite in ("sm2", "p256"):
        ledger = pycore.testing.generate_ledger(chain="chainmaker", blocks=1, txs_per_block=3, suite=suite, seed=1)
        block = block_pb2.Block.FromString(bytes(ledger.blocks[0]))
        txs += list(block.txs)
        dags.append(block.dag)
    for k in range(10):  # short ones: more of their mutations hit structure
        tx = random_message(transaction_pb2.Transaction, rng, 0.5 + 0.05 * k)
        txs.append(tx)
        dag = block_pb2.DAG()
        for i in range(k):
            dag.vertexes.add().neighbors.extend(range(0, i, 1 + k % 2))
        dag.vertexes.add().neighbors.extend([1, 300, 70_000, (1 << 32) - 1])
        dags.append(dag)
    return txs, dags


def real_blocks(folder: Path) -> list[Any]:
    """Published blocks of running chains, where the vectors are available."""
    path = folder / "chainmaker" / "real_blocks.json"
    if not path.is_file():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))["blocks"]
    return [block_pb2.Block.FromString(bytes.fromhex(row["block_hex"])) for row in rows]


ENTRY = ["signer", "signer.org_id", "signer.member_type", "signer.member_info", "signature"]


def _chainmaker_cases(rng: random.Random, blocks: list[Any]) -> Iterator[Case]:
    txs, dags = _transactions(rng)
    txs += [tx for block in blocks for tx in block.txs]
    dags += [block.dag for block in blocks]
    pb = transaction_pb2
    payload = ["chain_id", "tx_type", "tx_id", "timestamp", "expiration_time", "contract_name!", "method!", "sequence"]
    yield Case(
        "transaction",
        pb.Transaction,
        {
            "": "tx",
            **dict.fromkeys(("sender", "endorsers", "payer"), "entry"),
            "payload.parameters": "parameter",
            "result.contract_result.contract_event": "event",
            "result.contract_result.contract_event.event_data": "text",
        },
        {
            "tx": [
                *("payload", *(f"payload.{name}" for name in payload), "payload.limit.gas_limit", "sender", "result"),
                *("result.code", "result.rw_set_hash", "result.contract_result", "result.contract_result.gas_used!"),
            ],
            "entry": ENTRY,
            "parameter": ["key", "value"],
            "event": ["topic", "index_count"],
        },
        [tx.SerializeToString() for tx in txs],
        ("result", "result.contract_result"),
        "result.contract_result.gas_used",
    )
    tables = {"": "dag", "vertexes": "vertex", "vertexes.neighbors": "edge"}
    yield Case("dag", block_pb2.DAG, tables, {}, [dag.SerializeToString() for dag in dags])
    sets = [random_message(pb.TxRWSet, rng, 0.7) for _ in range(8)]
    yield Case(
        "read and write set",
        pb.TxRWSet,
        {"": "set", "tx_reads": "read", "tx_writes": "write"},
        {
            "set": ["tx_id"],
            "read": ["key", "version", "version.ref_offset!"],
            "write": ["key", "value", "contract_name"],
        },
        [one.SerializeToString() for one in sets],
    )
    entries = [tx.sender for tx in txs] + [random_message(pb.EndorsementEntry, rng, 0.7) for _ in range(6)]
    cells = {"entry": [*ENTRY[:2], "signer.member_type!", *ENTRY[3:]]}
    records = [one.SerializeToString() for one in entries]
    yield Case("entry", pb.EndorsementEntry, {"": "entry"}, cells, records, ("signer",), "signer.member_type")


def make_cases(seed: int, vectors: Path | None = None) -> list[Case]:
    """Every case, its records as protobuf writes them."""
    rng = random.Random(seed)
    single, many = every_kind()

    def records(kind: Any) -> list[bytes]:
        return [random_message(kind, rng, 0.1 + 0.07 * k).SerializeToString() for k in range(13)]

    names = [f.name for f in single.DESCRIPTOR.fields if f.name not in ("farthest", "f_uint64", "a_inner")]
    marked = [f"{name}!" if name.startswith("o_") and name != "o_string" else name for name in names]
    first, second = marked[:21], [*marked[21:], "f_string!"]
    inner = ["inner.name", "inner.count", "inner.deep", "inner.deep.data!", "inner.deep.gas!", "a_inner.deep.gas!"]
    far = {"part": [], "far": ["data", "gas"]}
    cells, others = {"single": [*first, *inner], **far}, {"single": [*second, "f_uint64!"], **far}
    tables = {"": "single", "inner.deep.parts": "part", "farthest": "far"}
    repeated = [f.name for f in many.DESCRIPTOR.fields]
    wide = {"inner": ["name", "count!", "deep.data", "deep.gas"]}
    return [
        Case("single", single, tables, cells, records(single), ("inner", "inner.deep"), "inner.deep.gas"),
        Case("single, no messages around", single, tables, others, records(single), (), "f_uint64"),
        *(
            Case(f"repeated {i}", many, {"": "many", "inner": "inner", **{n: n for n in part}}, wide, records(many))
            for i, part in enumerate((repeated[:12], repeated[12:24], ["r_int32", *repeated[24:29]]))
        ),
        *_chainmaker_cases(rng, real_blocks(vectors) if vectors else []),
    ]


# ---- records as fields -----------------------------------------------------------------------------------------------

Field = tuple[int, int, Any]  # number, wire type, content: bytes, a number's varint or fixed bytes


@dataclass
class Node:
    """A message of a record: its fields, and which of them are messages."""

    fields: list[Field]
    kinds: list[tuple[int, int]]  # number and wire type of every field that its type has
    parent: Node | None = None
    index: int = 0  # of its field in the parent
    level: int = 0


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def split_record(kind: Any, data: bytes, into: list[Node], parent: Node | None = None, index: int = 0) -> None:
    """The messages of a record that a writer made, the outermost first."""
    node = Node([], [(f.number, _wire_type(f)) for f in kind.fields], parent, index, parent.level + 1 if parent else 0)
    into.append(node)
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        begin = at
        if wire == 2:
            size, at = _read_varint(data, at)
            begin, at = at, at + size
        else:
            at = _read_varint(data, at)[1] if wire == 0 else at + (8 if wire == 1 else 4)
        node.fields.append((number, wire, data[begin:at]))
        inside = kind.fields_by_number[number].message_type
        if inside is not None:
            split_record(inside, data[begin:at], into, node, len(node.fields) - 1)


def _wire_type(f: FieldDescriptor) -> int:
    if f.message_type is not None or f.type in (f.TYPE_STRING, f.TYPE_BYTES) or f.is_packed:
        return 2
    if f.type in (f.TYPE_FIXED64, f.TYPE_SFIXED64, f.TYPE_DOUBLE):
        return 1
    return 5 if f.type in (f.TYPE_FIXED32, f.TYPE_SFIXED32, f.TYPE_FLOAT) else 0


def varint(value: int) -> bytes:
    """A number as a writer puts it."""
    if value < 0x80:
        return bytes((value,))
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def long_varint(value: int, more: int) -> bytes:
    """A varint of that many bytes more than it needs."""
    made = varint(value)
    return made if more == 0 else made[:-1] + bytes([made[-1] | 0x80]) + b"\x80" * (more - 1) + b"\x00"


def join_fields(fields: list[Any]) -> bytes:
    """Fields as bytes; a piece of bytes among them is taken as it is."""
    out = []
    for one in fields:
        if isinstance(one, bytes):
            out.append(one)
            continue
        number, wire, content = one
        out.append(varint(number << 3 | wire))
        if wire == 2:
            out.append(varint(len(content)))
        out.append(content)
    return b"".join(out)


# ---- mutations -------------------------------------------------------------------------------------------------------

EDGES = [
    0,
    1,
    2,
    127,
    128,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 5,
    1 << 63,
    (1 << 64) - 1,
    (1 << 64) - (1 << 31),
]
STRANGE = [6, 11, 15, 16, 31, 32, 1000, 2046, 1 << 28, (1 << 29) - 1]
PIECES = [
    *(b"", b"\xff", b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xc2\x7f", b"\xdf\xbf", b"\xe0\x9f\xbf", b"\xe0\xa0\x80"),
    *(b"\xed\x9f\xbf", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf"),
    *(b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xe4\xb8", b"abcdefg\xc3", b"abcdefgh\xc3\xa9", b"\x00"),
]


class Mutator:
    """Turns the records of a case into others, by a seeded generator."""

    def __init__(self, case: Case, others: list[list[Node]], rng: random.Random) -> None:
        self.nodes = []
        for record in case.records:
            nodes: list[Node] = []
            split_record(case.kind.DESCRIPTOR, record, nodes)
            self.nodes.append(nodes)
        others.extend(self.nodes)
        self.others = others  # of every case, to splice from
        self.rng = rng
        self.changes: list[Callable[[list[Any], Node], None]] = [
            *(self.swap, self.copy, self.drop, self.unknown, self.content, self.number, self.number, self.fixed),
            *(
                self.fitting,
                self.fitting,
                self.pad,
                self.pad,
                self.split,
                self.text,
                self.value,
                self.group,
                self.wire,
                self.splice,
                self.unpack,
            ),
        ]

    def one(self) -> bytes:
        """A mutated record."""
        rng, random_ = self.rng, self.rng.random
        node: Node | None = rng.choice(rng.choice(self.nodes))
        child, content = None, b""
        rounds = 1 if random_() < 0.6 else rng.randrange(4)
        while node is not None:
            fields: list[Any] = list(node.fields)
            if child is not None:
                fields[child.index] = (fields[child.index][0], 2, content)
            for _ in range(rounds):
                rng.choice(self.changes)(fields, node)
            rounds = random_() < 0.1
            child, content, node = node, join_fields(fields), node.parent
        return self.raw(content) if random_() < 0.35 else content

    def at(self, fields: list[Any]) -> int:
        return self.rng.randrange(len(fields) + 1)

    def known(self, node: Node) -> int:
        return self.rng.choice(node.kinds)[0] if self.rng.random() < 0.8 else self.rng.choice(STRANGE)

    def pick(self, fields: list[Any], wire: int | None = None) -> int:
        """A field, of a wire type if one is given; -1 when there is no such field."""
        places = [i for i, f in enumerate(fields) if type(f) is tuple and (wire is None or f[1] == wire)]
        return self.rng.choice(places) if places else -1

    def swap(self, fields: list[Any], _: Node) -> None:
        if len(fields) > 1:
            i, k = self.rng.randrange(len(fields)), self.rng.randrange(len(fields))
            fields[i], fields[k] = fields[k], fields[i]

    def copy(self, fields: list[Any], _: Node) -> None:
        if fields:
            fields.insert(self.at(fields), self.rng.choice(fields))

    def drop(self, fields: list[Any], _: Node) -> None:
        if fields:
            del fields[self.rng.randrange(len(fields))]

    def unknown(self, fields: list[Any], _: Node) -> None:
        at = len(fields) if self.rng.random() < 0.5 else self.at(fields)
        fields.insert(at, (self.rng.choice(STRANGE), 0, varint(self.rng.choice(EDGES))))

    def content(self, fields: list[Any], node: Node) -> None:
        fields.insert(self.at(fields), (self.known(node), 2, self.rng.choice(PIECES)))

    def number(self, fields: list[Any], node: Node) -> None:
        value = long_varint(self.rng.choice(EDGES), self.rng.choice((0, 0, 0, 1, 5, 9)))
        fields.insert(self.at(fields), (self.known(node), 0, value))

    def fixed(self, fields: list[Any], node: Node) -> None:
        wire = self.rng.choice((1, 5))
        content = self.rng.choice((bytes(8), self.rng.randbytes(8)))
        fields.insert(self.at(fields), (self.known(node), wire, content[: 8 if wire == 1 else 4]))

    def fitting(self, fields: list[Any], node: Node) -> None:
        """A field of the message in its place, with its wire type: of a oneof the second, a zero, a number too wide."""
        number, wire = self.rng.choice(node.kinds)
        if wire == 2:
            content = self.rng.choice((b"", b"", b"a", b"\x0a\x00", b"\x08\x01", b"\xff"))
        elif wire == 0:
            content = varint(self.rng.choice(EDGES))
        else:
            content = self.rng.choice((bytes(8), self.rng.randbytes(8)))[: 8 if wire == 1 else 4]
        at = next((i for i, f in enumerate(fields) if type(f) is tuple and f[0] > number), len(fields))
        fields.insert(at, (number, wire, content))

    def pad(self, fields: list[Any], _: Node) -> None:
        """More bytes than needed, up to more than are allowed, in a tag, a length or a value."""
        i = self.pick(fields)
        if i < 0:
            return
        number, wire, content = fields[i]
        tag, length, value = (self.rng.choice((0, 0, 1, 2, 3, 4, 5)) for _ in range(3))
        made = long_varint(number << 3 | wire, tag)
        if wire == 2:
            made += long_varint(len(content), length)
        elif wire == 0 and value:
            content = content[:-1] + bytes([content[-1] | 0x80]) + b"\x80" * (value - 1) + b"\x00"
            if self.rng.random() < 0.3:
                content = b"\x81\x80\x80\x80\x80\x80\x80\x80\x80" + self.rng.choice(
                    (b"\x01", b"\x02", b"\x7f", b"\x81\x00")
                )
        fields[i] = made + content

    def split(self, fields: list[Any], _: Node) -> None:
        """A message in two, between its fields or anywhere."""
        i = self.pick(fields, 2)
        if i >= 0:
            number, wire, content = fields[i]
            cut = self.rng.randrange(len(content) + 1)
            if content[:1] and self.rng.random() < 0.8:  # behind a field of length one byte
                cut = min(len(content), 2 + content[1] if len(content) > 1 and content[0] & 7 == 2 else 2)
            fields[i] = (number, wire, content[:cut])
            fields.insert(i + 1, (number, wire, content[cut:]))

    def text(self, fields: list[Any], _: Node) -> None:
        i = self.pick(fields, 2)
        if i >= 0:
            number, wire, content = fields[i]
            piece, at = self.rng.choice(PIECES), self.rng.randrange(len(content) + 1)
            fields[i] = (number, wire, self.rng.choice((piece, content + piece, content[:at] + piece + content[at:])))

    def value(self, fields: list[Any], _: Node) -> None:
        i = self.pick(fields, 0)
        if i >= 0:
            fields[i] = (fields[i][0], 0, varint(self.rng.choice(EDGES)))

    def group(self, fields: list[Any], node: Node) -> None:
        """A group, rarely one that ends wrong or lies as deep as is allowed or one deeper."""
        number, chance = self.known(node), self.rng.random()
        begin, end = varint(number << 3 | 3), varint(number << 3 | 4)
        if chance < 0.05:
            depth = 100 - node.level + self.rng.choice((0, 0, 1))
            made = begin * depth + end * depth
        elif chance < 0.15:
            made = self.rng.choice((begin, end, begin + varint((number + 1) << 3 | 4), begin + begin + end))
        else:
            inside = join_fields([(self.known(node), 0, b"\x05")]) * self.rng.randrange(3)
            made = begin + inside + end
        fields.insert(self.at(fields), made)

    def wire(self, fields: list[Any], node: Node) -> None:
        i = self.pick(fields)
        if i >= 0:
            number, wire, content = fields[i]
            choice = self.rng.randrange(4)
            if choice == 0:
                fields[i] = (number, 0, varint(len(content)))
            elif choice == 1:
                fields[i] = (number, 2, content)
            elif choice == 2:
                fields[i] = (self.known(node), wire, content)
            else:
                fields[i] = varint(number << 3 | self.rng.randrange(8)) + content

    def splice(self, fields: list[Any], _: Node) -> None:
        other = self.rng.choice(self.rng.choice(self.others)).fields
        if other:
            fields.insert(self.at(fields), self.rng.choice(other))

    def unpack(self, fields: list[Any], _: Node) -> None:
        """Content one byte at a time, as numbers under its field, or a number as content."""
        i = self.pick(fields)
        if i >= 0:
            number, wire, content = fields[i]
            if wire != 2:
                fields[i] = (number, 2, content * self.rng.randrange(3))
            elif len(content) < 16:
                fields[i : i + 1] = [(number, 0, bytes([byte & 0x7F])) for byte in content]

    def raw(self, data: bytes) -> bytes:
        """Changes that know nothing of fields."""
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2, 4))):
            change, at = rng.randrange(7), rng.randrange(len(data) + 1)
            byte = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            if change < 2 and at < len(data):
                data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
            elif change == 2:
                data = data[:at] + bytes([byte]) + data[at + 1 :]
            elif change == 3:
                data = data[:at] + bytes([byte]) + data[at:]
            elif change == 4:
                data = data[:at] + data[at + rng.choice((1, 1, 2, 5)) :]
            elif change == 5:
                data = data[:at] + data[at : at + rng.randrange(1, 20)] + data[at:]
            else:
                data = data[:at]
        return data
