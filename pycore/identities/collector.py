"""Collects the signatures of a block and verifies them in as few kernel calls as there are kinds of signature.

SM2, P-256, secp256k1 and Ed25519 go to this library's kernels. RSA and the rarer curves P-384 and P-521, which no chain
here uses for traffic, go to pycryptodome. Signatures are ASN.1 DER (RSA: the octet string of RFC 8017, section 8.2;
Ed25519: 64 bytes, and "none" as the hash, since it signs messages).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pycore.base import parallel
from pycore.base.columns import BatchOfBytes, Column, as_column, join_columns, trusted_column
from pycore.base.deadline import checkpoint
from pycore.base.verdicts import Verdict
from pycore.errors import InputError
from pycore.hashing.batch import hash as hash_one
from pycore.hashing.batch import hash_batch
from pycore.identities.x509 import PublicKey
from pycore.signatures.batch import DEFAULT_USER_ID, verify_batch

SM2_USER_ID = DEFAULT_USER_ID
"""Distinguishing identifier of GM/T 0009-2012, section 10; ChainMaker's CRYPTO_DEFAULT_UID."""

ED25519, NO_HASH = "ed25519", "none"
_KERNELS = frozenset({"sm2", "ecdsa-p256", "ecdsa-secp256k1"})
_HASHES = frozenset({"sha256", "sha3-256", "sm3", "sha384", "sha512"})
# pycryptodome's name, order of the group (FIPS 186-5 and SP 800-186, section 3.2.1).
_NIST = {
    "ecdsa-p384": (
        "P-384",
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
    "ecdsa-p521": (
        "P-521",
        0x1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    ),
}
_MAX_RSA_BITS = 8192  # bounds the work of one hostile key, under a millisecond a signature; real ones have 2048 to 4096

_PIECES = parallel.Cost(item_ns=2500, byte_ns=0.5, batch=512)  # of a signature by a known key, about
_ED25519_SIZE = 64
_FEW = 32  # signatures that take C no longer than making columns of them would

MAX_RARE = 1 << 10
"""Signatures on P-384 and P-521 of one batch: each takes one to two milliseconds, a hundred times what others take."""


class Sliced(Protocol):
    """Rows that become a column a piece at a time."""

    def offsets(self) -> NDArray[np.int64]:
        """int64 (n + 1,): bytes before each row, and of all: where they are cut into pieces of equal work."""
        ...

    def slice(self, start: int, stop: int) -> Column:
        """Rows start up to stop."""
        ...


class _Weight(NamedTuple):
    """As :class:`pycore.base.parallel.Weighed`."""

    nbytes: int
    offsets: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class _Rows:
    """Signatures that came as columns: row i is by keys[which[i]], and has ticket `first` + i."""

    first: int
    keys: list[bytes]
    which: NDArray[np.intp]
    messages: Sliced
    signatures: Sliced

    def columns(self, start: int, stop: int) -> tuple[Column, Column, Column]:
        """Keys, messages and signatures of rows start up to stop."""
        return self._keys(start, stop), self.messages.slice(start, stop), self.signatures.slice(start, stop)

    def _keys(self, start: int, stop: int) -> Column:
        which = self.which[start:stop]
        lengths = np.fromiter(map(len, self.keys), np.int64, len(self.keys))
        joined = np.frombuffer(b"".join(self.keys), np.uint8)
        if len(self.keys) and (lengths == lengths[0]).all() and lengths[0]:
            return trusted_column(joined.reshape(len(self.keys), -1)[which], None)
        return as_column(self.keys, "keys").take(which)


@dataclass(slots=True, eq=False)
class _Group:
    """The signatures of one kind of key and hash."""

    tickets: list[int] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    signatures: list[bytes] = field(default_factory=list)
    rows: list[_Rows] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tickets) + sum(len(rows.which) for rows in self.rows)

    def places(self) -> NDArray[np.intp]:
        """Tickets, in the order of :meth:`items`."""
        given = [np.arange(rows.first, rows.first + len(rows.which)) for rows in self.rows]
        return np.concatenate([np.array(self.tickets, np.intp), *given])

    def columns(self) -> tuple[list[bytes], NDArray[np.uint8], list[bytes]]:
        """Keys, signatures as rows of 64 bytes, and messages; one of another length becomes all ones, which no
        signature is."""
        keys, messages, signatures = self.items()
        rows = b"".join(one if len(one) == _ED25519_SIZE else b"\xff" * _ED25519_SIZE for one in signatures)
        return keys, np.frombuffer(rows, np.uint8).reshape(-1, _ED25519_SIZE), messages

    def items(self) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """Keys, messages and signatures one by one."""
        keys, messages, signatures = list(self.keys), list(self.messages), list(self.signatures)
        for rows in self.rows:
            keys += [rows.keys[i] for i in rows.which.tolist()]
            messages += rows.messages.slice(0, len(rows.which))
            signatures += rows.signatures.slice(0, len(rows.which))
        return keys, messages, signatures


class RareSignatures:
    """Counts the signatures on P-384 and P-521 of several batches, which may have MAX_RARE together."""

    def __init__(self) -> None:
        self.count = 0


class SignatureBatch:
    """Signatures to verify together.

    der_rules   how ECDSA and SM2 signatures are read, see :func:`pycore.verify_batch`
    s_rules     "any-s", or "low-s" for chains that refuse ECDSA's s above half the order
    ed25519     rules of Ed25519 signatures, see :func:`pycore.verify_batch`
    rare        where batches share the bound on rare signatures

    >>> batch = SignatureBatch()
    >>> ticket = batch.add(PublicKey("sm2", b""), "sm3", b"message", b"signature")
    >>> Verdict(int(batch.run()[ticket])).name
    'MALFORMED_KEY'
    """

    def __init__(
        self,
        *,
        der_rules: str = "strict",
        s_rules: str = "any-s",
        ed25519: str = "strict",
        threads: int | None = None,
        rare: RareSignatures | None = None,
    ) -> None:
        self._der_rules = der_rules
        self._s_rules = s_rules
        self._ed25519 = ed25519
        self._rare = rare
        self._threads = threads
        self._count = 0
        self._groups: dict[tuple[str, str], _Group] = defaultdict(_Group)

    def __len__(self) -> int:
        return self._count

    @property
    def kinds(self) -> dict[str, int]:
        """Signatures collected so far, by kind of key and hash."""
        return {f"{kind}/{hash_}": len(group) for (kind, hash_), group in self._groups.items()}

    def add(self, key: PublicKey, hash: str, message: bytes, signature: bytes) -> int:
        """Collects one signature and returns its place in the result of :meth:`run`."""
        group = self._groups[key.kind, hash]
        ticket = self._count
        self._count = ticket + 1
        group.tickets.append(ticket)
        group.keys.append(key.data)
        group.messages.append(message)
        group.signatures.append(signature)
        return ticket

    def add_rows(
        self, kind: str, hash: str, keys: list[bytes], which: NDArray[np.intp], messages: Sliced, signatures: Sliced
    ) -> int:
        """Collects n signatures at once and returns the place of the first; the others follow it.

        kind, keys             of the :class:`PublicKey` objects; one of each for any number of signatures
        which                  (n,): signature i is by keys[which[i]]
        messages, signatures   n rows each; made into columns piece by piece, by the threads that verify them
        """
        first = self._count
        self._count += len(which)
        self._groups[kind, hash].rows.append(_Rows(first, keys, which, messages, signatures))
        return first

    def run(self) -> NDArray[np.uint8]:
        """uint8[len(self)]: the verdict code of every collected signature.

        Raises:
            InputError: more than MAX_RARE signatures on P-384 and P-521, here or with the batches that share the bound;
                none of this batch is verified then.
        """
        return self.start().finish()

    def start(self) -> Verifying:
        """As :meth:`run`, but other threads begin with what came as rows, and the caller goes on. The result has to be
        finished, or abandoned where the caller fails itself."""
        rare = sum(len(group) for (kind, _), group in self._groups.items() if kind in _NIST)
        before = self._rare.count if self._rare is not None else 0
        if before + rare > MAX_RARE:
            found = f"{before + rare} on P-384 and P-521, verified one by one"
            raise InputError("signatures", found, f"at most {MAX_RARE}")
        if self._rare is not None:
            self._rare.count += rare
        begun: dict[tuple[str, str], tuple[NDArray[np.uint8], parallel.Started]] = {}
        for (kind, hash_), group in self._groups.items():
            if kind in _KERNELS and hash_ in _HASHES and len(group) > _FEW and len(group.rows) == 1:
                begun[kind, hash_] = self._in_pieces(kind, hash_, group.rows[0])
        return Verifying(self, begun)

    def _rest(self, begun: Mapping[tuple[str, str], tuple[NDArray[np.uint8], parallel.Started]]) -> NDArray[np.uint8]:
        codes = np.zeros(self._count, dtype=np.uint8)
        for (kind, hash_), group in self._groups.items():
            places = group.places()
            if kind == ED25519 and hash_ == NO_HASH:
                codes[places] = verify_batch(
                    ED25519, *group.columns(), rules=self._ed25519, threads=self._threads
                ).codes
            elif hash_ not in _HASHES:
                codes[places] = Verdict.UNSUPPORTED_ALGORITHM
            elif kind in _KERNELS:
                codes[places] = self._verified(kind, hash_, group, begun.get((kind, hash_)))
            elif kind == "rsa":
                codes[places] = [_verify_rsa(hash_, *item) for item in zip(*group.items(), strict=True)]
            else:
                items = zip(*group.items(), strict=True)
                rules = self._der_rules, self._s_rules
                codes[places] = [_verify_nist(kind, hash_, rules, *item) for item in items]
        return codes

    def _verified(
        self, kind: str, hash_: str, group: _Group, begun: tuple[NDArray[np.uint8], parallel.Started] | None
    ) -> NDArray[np.uint8]:
        """Verdict codes, in the order of the group's places."""
        if len(group) <= _FEW:
            return self._kernel(kind, hash_, *group.items())
        found = [self._kernel(kind, hash_, group.keys, group.messages, group.signatures)] if group.tickets else []
        if begun is not None:
            codes, work = begun
            work.finish()
            found.append(codes)
        elif group.rows:
            columns = zip(*(rows.columns(0, len(rows.which)) for rows in group.rows), strict=True)
            keys, messages, signatures = (join_columns(column) for column in columns)
            found.append(self._kernel(kind, hash_, keys, messages, signatures))
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _in_pieces(self, kind: str, hash_: str, rows: _Rows) -> tuple[NDArray[np.uint8], parallel.Started]:
        """Verdict codes of many rows, once the work is finished: whoever verifies a piece also puts it together, which
        then is in its cache."""
        codes = np.zeros(len(rows.which), np.uint8)

        def work(start: int, stop: int) -> None:
            codes[start:stop] = self._kernel(kind, hash_, *rows.columns(start, stop), threads=1)

        threads, offsets = parallel.resolve_threads(self._threads), rows.messages.offsets()
        bounds = parallel.cut(len(codes), threads, _PIECES, _Weight(int(offsets[-1]), offsets))
        return codes, parallel.start_pieces(work, bounds, threads if len(bounds) > 2 else 1)

    def _kernel(
        self, scheme: str, hash_: str, keys: BatchOfBytes, messages: BatchOfBytes, signatures: BatchOfBytes,
        threads: int | None = None,
    ) -> NDArray[np.uint8]:  # fmt: skip
        threads = self._threads if threads is None else threads
        options: dict[str, Any] = {"encoding": "der", "der_rules": self._der_rules, "threads": threads}
        data: Any = messages
        if scheme == "sm2" and hash_ == "sm3":
            options["user_id"] = SM2_USER_ID
        elif scheme == "sm2" or hash_ in ("sha384", "sha512"):
            # SM2 over another hash has no Z_A: e is the hash itself, reduced to 32 bytes as ECDSA does.
            data = _digests(hash_, messages)
            options["prehashed"] = True
        else:
            options["hash"] = hash_
        if scheme != "sm2":
            options["rules"] = self._s_rules
        return verify_batch(scheme, keys, signatures, data, **options).codes


class Verifying:
    """A batch whose verification has begun."""

    def __init__(
        self,
        batch: SignatureBatch,
        begun: Mapping[tuple[str, str], tuple[NDArray[np.uint8], parallel.Started]],
    ) -> None:
        self._batch, self._begun = batch, begun

    def finish(self) -> NDArray[np.uint8]:
        """What :meth:`SignatureBatch.run` answers."""
        try:
            return self._batch._rest(self._begun)
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Returns when no piece is under way."""
        for _, work in self._begun.values():
            work.abandon()


def _digests(hash_: str, messages: BatchOfBytes) -> NDArray[np.uint8] | list[bytes]:
    """The leftmost 32 bytes of each message's hash."""
    if hash_ in ("sha384", "sha512"):
        rows = as_column(messages, "messages")
        return [hashlib.new(hash_, message).digest()[:32] for message in rows]
    return hash_batch(hash_, messages)


def _digest(hash_: str, message: bytes) -> bytes:
    if hash_ in ("sha384", "sha512"):
        return hashlib.new(hash_, message).digest()
    return hash_one(hash_, message)


# ---- RSA and the rarer curves, one by one ----------------------------------------------------------------------------


def _verify_rsa(hash_: str, key: bytes, message: bytes, signature: bytes) -> int:
    """RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2)."""
    checkpoint()
    from Crypto.Hash import SHA3_256, SHA256, SHA384, SHA512
    from Crypto.Signature import pkcs1_15

    modules: dict[str, Any] = {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512, "sha3-256": SHA3_256}
    if hash_ not in modules:
        return Verdict.UNSUPPORTED_ALGORITHM
    public = _rsa_key(key)
    if public is None:
        return Verdict.MALFORMED_KEY
    if len(signature) != (public.n.bit_length() + 7) // 8:
        return Verdict.MALFORMED_SIGNATURE
    try:
        pkcs1_15.new(public).verify(modules[hash_].new(message), signature)
    except (ValueError, TypeError):
        return Verdict.BAD_SIGNATURE
    return Verdict.VALID


@lru_cache(maxsize=1024)
def _rsa_key(key: bytes) -> Any:
    from asn1crypto import keys
    from Crypto.PublicKey import RSA

    try:
        parsed = keys.RSAPublicKey.load(key, strict=True)
        n, e = int(parsed["modulus"].native), int(parsed["public_exponent"].native)
        if not 1024 <= n.bit_length() <= _MAX_RSA_BITS or not 3 <= e < 1 << 31:
            return None
        return RSA.construct((n, e))
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _nist_point(kind: str, key: bytes) -> Any:
    """The point of an uncompressed key (SEC 1, section 2.3.3), else None. The library reads other forms and other
    curves as well."""
    from Crypto.PublicKey import ECC

    if key[:1] != b"\x04" or len(key) != 1 + 2 * ((_NIST[kind][1].bit_length() + 7) // 8):
        return None
    try:
        return ECC.import_key(key, curve_name=_NIST[kind][0]).pointQ
    except (ValueError, TypeError, ECC.UnsupportedEccFeature):
        return None


def _verify_nist(kind: str, hash_: str, rules: tuple[str, str], key: bytes, message: bytes, signature: bytes) -> int:
    """ECDSA (FIPS 186-5, section 6.4.2) on P-384 and P-521. `rules`: of DER, and of s."""
    checkpoint()
    from Crypto.PublicKey import ECC

    if kind not in _NIST:
        return Verdict.UNSUPPORTED_ALGORITHM
    public = _nist_point(kind, key)
    if public is None:
        return Verdict.MALFORMED_KEY
    scalars = parse_der_scalars(signature, rules[0])
    if scalars is None:
        return Verdict.MALFORMED_SIGNATURE
    name, order = _NIST[kind]
    r, s = scalars
    if not (0 < r < order and 0 < s < order):
        return Verdict.SCALAR_OUT_OF_RANGE
    if rules[1] == "low-s" and s > order // 2:
        return Verdict.HIGH_S
    digest = _digest(hash_, message)
    e = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - order.bit_length())
    inverse = pow(s, -1, order)
    base = ECC.construct(curve=name, d=1).pointQ
    point = base * (e * inverse % order) + public * (r * inverse % order)
    if point.is_point_at_infinity() or int(point.x) % order != r:
        return Verdict.BAD_SIGNATURE
    return Verdict.VALID


def parse_der_scalars(signature: bytes, der_rules: str = "strict") -> tuple[int, int] | None:
    """(r, s) of a DER `SEQUENCE { r INTEGER, s INTEGER }`, or None.

    Lengths and integers must be minimal (X.690, section 10.1 and 8.3.2). `der_rules` are those of
    :func:`pycore.verify_batch`. Integers may be negative here: the range is the caller's check.
    """
    body = _der_value(signature, 0, 0x30)
    if body is None or (der_rules == "strict" and body[1] != len(signature)):
        return None
    first = _der_value(signature[: body[1]], body[0], 0x02)
    second = first and _der_value(signature[: body[1]], first[1], 0x02)
    if not first or not second or (der_rules != "go" and second[1] != body[1]):
        return None
    r, s = signature[first[0] : first[1]], signature[second[0] : second[1]]
    for number in (r, s):
        if not number or (len(number) > 1 and number[0] in (0x00, 0xFF) and (number[0] ^ number[1]) < 0x80):
            return None
    return int.from_bytes(r, "big", signed=True), int.from_bytes(s, "big", signed=True)


def _der_value(data: bytes, at: int, tag: int) -> tuple[int, int] | None:
    """Start and end of the value at `at`, when it has that tag, a minimal length, and fits."""
    if len(data) < at + 2 or data[at] != tag:
        return None
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        size = length - 0x80
        if not 1 <= size <= 4 or len(data) < start + size or data[start] == 0:
            return None
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
        if length < 0x80:
            return None
    return (start, start + length) if start + length <= len(data) else None
