"""Verifying signatures, one by one and in batches, and recovering secp256k1 keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pycore.base import ffi, parallel
from pycore.base.columns import as_column, describe, one_bytes, quote, same_n
from pycore.base.registry import HASHES, SCHEMES, lookup
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.errors import InputError, LengthError
from pycore.signatures import ffi_keys, keycache
from pycore.signatures.key_forms import key_hint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycore.base.columns import BatchOfBytes, BytesLike, Column
    from pycore.base.registry import Scheme

__all__ = ["DEFAULT_USER_ID", "recover_batch", "verify", "verify_batch"]

DEFAULT_USER_ID = SCHEMES["sm2"].default_user_id
"""SM2's usual identifier (GM/T 0009-2012): what ChainMaker and most certificates use."""

_LANE_NS = 40_000  # of a verification, in one lane
_BATCH = 1024  # Ed25519 equations are combined by the thousand; shared inversions want hundreds
_COMBINED = 192  # items from which one equation for all of them beats tables
_LONG = 4096  # bytes per message, on average, from which copying messages costs more than tables save
_DIGEST_SIZE = 32
_NO_HASH = "none"  # SM2's hash= where a message is e itself
_SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_PIECE = 1 << 16  # bytes of a number that are reduced without a break: other threads need the interpreter


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a verification, checked against its scheme; shared by verify_batch, KeySet and the service."""

    scheme: Scheme
    params: ffi.VerifyParams
    prehashed: bool
    der: bool
    combines: bool  # many equations can be checked as one
    raw: bool = False  # messages are e, as numbers of any length

    @classmethod
    def check(
        cls,
        scheme: Scheme,
        *,
        rules: str | None,
        prehashed: bool,
        user_id: BytesLike | None,
        hash: str | None,
        encoding: str,
        der_rules: str,
    ) -> Options:
        """InputError for whatever the scheme has no use for: an option that is silently ignored is a trap."""
        names: tuple[Any, ...] = (rules, prehashed, user_id, hash, encoding, der_rules)
        if user_id is None or type(user_id) is bytes:  # other bytes-like objects can change while they are remembered
            try:
                return _checked_once(scheme.name, *names)
            except TypeError:  # something that cannot be a key of a table: let the checks name it
                pass
        return cls._checked(scheme, *names)

    @classmethod
    def _checked(
        cls,
        scheme: Scheme,
        rules: str | None,
        prehashed: bool,
        user_id: BytesLike | None,
        hash: str | None,
        encoding: str,
        der_rules: str,
    ) -> Options:
        flags = scheme.rule_flags(rules)
        if not isinstance(prehashed, (bool, np.bool_)):
            raise InputError("prehashed", describe(prehashed), "True or False")
        if prehashed and not scheme.takes_prehashed:
            raise InputError("prehashed", "True", f"False: {scheme.name} signs messages, not digests")
        encoding_id = lookup(ffi.ENCODINGS, encoding, "encoding")
        der_rules_id = lookup(ffi.DER_RULES, der_rules, "der_rules")
        if encoding == "der" and not scheme.takes_der:
            raise InputError("encoding", "'der'", f"'compact': {scheme.name} signatures have no DER form")
        if der_rules != "strict" and encoding != "der":
            raise InputError("der_rules", quote(der_rules), "no der_rules unless encoding='der'")
        raw = scheme.takes_user_id and isinstance(hash, str) and hash == _NO_HASH
        if raw and prehashed:
            raise InputError("hash", quote(hash), "no hash= with prehashed=True, where e has 32 bytes")
        digested = bool(prehashed) or raw
        identifier = _user_id(scheme, user_id, prehashed=digested)
        params = ffi.VerifyParams(
            scheme=scheme.id,
            rules=flags,
            hash_id=0 if raw else _hash_id(scheme, hash),
            prehashed=digested,
            encoding=encoding_id,
            der_rules=der_rules_id,
            user_id=identifier,
        )
        return cls(scheme, params, digested, encoding == "der", bool(flags & ffi.RULE_COFACTORED), raw)

    def signature_column(self, signatures: BatchOfBytes) -> Column:
        """Compact signatures have one width; DER ones are of any length."""
        return as_column(signatures, "signatures", widths=None if self.der else (self.scheme.signature_size,))

    def message_column(self, messages: BatchOfBytes, width: int | None) -> Column:
        """A digest of another length is a malformed call: no verdict could say what is wrong with it."""
        if self.raw:
            return as_column(_remainders(as_column(messages, "messages", width=width)), "messages")
        if self.prehashed:
            return as_column(messages, "messages", width=width, widths=(_DIGEST_SIZE,), exact=True)
        return as_column(messages, "messages", width=width)


@lru_cache(maxsize=64, typed=True)
def _checked_once(scheme: str, *names: Any) -> Options:
    """Programs use a handful of combinations over and over, and the result is immutable."""
    return Options._checked(SCHEMES[scheme], *names)


def _hash_id(scheme: Scheme, name: str | None) -> int:
    if not scheme.takes_hash:
        if name is not None:
            only = f"{_NO_HASH!r}, or " if scheme.takes_user_id else ""
            raise InputError("hash", quote(name), f"{only}no hash=: {scheme.name} fixes its own")
        return 0
    row = lookup(HASHES, "sha256" if name is None else name, "hash")
    if row.digest_size != _DIGEST_SIZE:
        raise InputError("hash", f"{row.name!r} ({row.digest_size} bytes)", "a hash with 32-byte digests")
    return row.id


def _user_id(scheme: Scheme, user_id: object, *, prehashed: bool) -> bytes | None:
    if user_id is None:
        if not scheme.takes_user_id:
            raise InputError("user_id", "None", f"no user_id=: {scheme.name} has no identifiers")
        return None
    identifier = one_bytes(user_id, "user_id")
    if identifier == DEFAULT_USER_ID:
        return identifier if scheme.takes_user_id else None
    if not scheme.takes_user_id:
        raise InputError("user_id", describe(user_id), f"no user_id=: {scheme.name} has no identifiers")
    if prehashed:
        raise InputError(
            "user_id", describe(user_id), f"no user_id= with prehashed=True or hash={_NO_HASH!r}: e contains it already"
        )
    if len(identifier) > scheme.user_id_limit:
        raise LengthError("user_id", f"{len(identifier)} bytes", f"at most {scheme.user_id_limit} bytes")
    return identifier


def _remainders(messages: Column) -> NDArray[np.uint8]:
    """uint8 (n, 32): each message as a big-endian number modulo the order of SM2's group; no bytes are zero. The
    equation knows e modulo that order only, so a signature holds for all numbers of one remainder."""
    digests = np.zeros((messages.n, _DIGEST_SIZE), dtype=np.uint8)
    for row, message in enumerate(messages):
        e = 0
        for start in range(0, len(message), _PIECE):
            piece = message[start : start + _PIECE]
            e = ((e << (8 * len(piece))) | int.from_bytes(piece, "big")) % _SM2_ORDER
        digests[row] = np.frombuffer(e.to_bytes(_DIGEST_SIZE, "big"), dtype=np.uint8)
    return digests


def verify_batch(
    scheme: str,
    public_keys: BatchOfBytes,
    signatures: BatchOfBytes,
    messages: BatchOfBytes,
    *,
    rules: str | None = None,
    prehashed: bool = False,
    user_id: BytesLike | None = DEFAULT_USER_ID,
    hash: str | None = None,
    encoding: str = "compact",
    der_rules: str = "strict",
    width: int | None = None,
    threads: int | None = None,
) -> Verdicts:
    """Verify n signatures.

    The verdict of an item depends on that item alone: it equals what :func:`verify` finds, whatever its neighbours are.

    Args:
        scheme: "ed25519", "ecdsa-secp256k1", "ecdsa-p256", "sm2" or "schnorr-secp256k1" (BIP-340).
        public_keys: n encoded keys. Ed25519: 32 bytes; BIP-340: 32 bytes, the x coordinate; the others SEC1, 33 or 65
            bytes, mixed freely; SM2 also 64 bytes, x || y.
        signatures: n signatures. Compact: 64 bytes, r || s big-endian (Ed25519: R || S little-endian; BIP-340: R.x ||
            s).
        messages: n messages of any length; with `prehashed`, n digests of 32 bytes.
        rules: where verifiers disagree, whose answer to give; None takes the first. Ed25519: "zip215",
            "rfc8032-cofactored", "rfc8032", "ref10", "strict", "fabric-x" (Ed25519ctx, as Fabric-X signs). ECDSA:
            "any-s", "low-s" (s at most half the group order).
        prehashed: ECDSA: `messages` are the digests themselves. SM2: they are e = SM3(Z_A || M).
        user_id: SM2: the signer's identifier, at most 8,191 bytes; ``b""`` is an empty identifier, None means no Z_A
            at all.
        hash: ECDSA: how messages are hashed, any hash with 32-byte digests; None means "sha256". With `prehashed` it is
            checked and not used. SM2: "none": a message is e itself, a big-endian number of any length that counts
            modulo the group's order. Some libraries sign so unless told to hash; it is safe only for messages that
            are digests, as whoever chooses a long message can choose e.
        encoding: "compact", or "der" for ECDSA and SM2: SEQUENCE { INTEGER r, INTEGER s }.
        der_rules: "strict" (DER, nothing left over), "trailing": bytes after the SEQUENCE are ignored, or "go": bytes
            after s inside the SEQUENCE are also ignored, as ``encoding/asn1`` does that most chains in Go call.
        width: bytes per message, when `messages` is one bytes-like object.
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    The three batches take any form that ``pycore.base.columns`` lists. One bytes-like object of keys or signatures
    needs no width where the scheme has only one; else use :func:`pycore.batch`.

    Returns:
        n verdicts. A key or signature that is malformed - also of a wrong length, in a sequence or a ragged batch -
        gets its reason and leaves the others alone. An empty batch gives an empty result.

    Raises:
        InputError: a malformed call: an unknown name, an option that the scheme has no use for, counts that differ, a
            uniform array of a wrong width, digests that are not 32 bytes.

    Sources: RFC 8032 and ZIP-215; SEC 1 and FIPS 186-5; GB/T 32918.2-2016; BIP-340. ``docs/design`` says where they
        disagree.

    >>> key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    >>> signature = bytes.fromhex(
    ...     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    ...     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ... )
    >>> verdicts = verify_batch("ed25519", [key, key], [signature, signature], [b"", b"?"])
    >>> [verdict.name for verdict in verdicts]
    ['VALID', 'BAD_SIGNATURE']
    """
    row = lookup(SCHEMES, scheme, "scheme")
    options = Options.check(
        row, rules=rules, prehashed=prehashed, user_id=user_id, hash=hash, encoding=encoding, der_rules=der_rules
    )
    items = _items(options, public_keys, signatures, messages, width)
    if threads is not None:
        threads = parallel.resolve_threads(threads)
    return Verdicts.of_kernel(_verify(options, items, threads))


def _items(
    options: Options, keys: Any, signatures: Any, messages: Any, width: int | None
) -> ffi_keys.Items | ffi_keys.FewItems:
    """The given items in the form that suits them: columns, but a few items in lists of bytes as they are: making
    columns of them would take as long as verifying one does."""
    if width is None and type(keys) is type(signatures) is type(messages) is list:
        few = _few(options, keys, signatures, messages)
        if few is not None:
            return few
    key_column = as_column(keys, "public_keys", widths=options.scheme.key_sizes)
    signature_column = options.signature_column(signatures)
    message_column = options.message_column(messages, width)
    same_n("signatures", signature_column, key_column.n, "public_keys")
    same_n("messages", message_column, key_column.n, "public_keys")
    return ffi_keys.Items(key_column, signature_column, message_column)


def _few(options: Options, keys: list[Any], signatures: list[Any], messages: list[Any]) -> ffi_keys.FewItems | None:
    """None unless these are a few items, every row of them bytes, and columns would take them as they are."""
    n = len(keys)
    if options.raw or not 0 < n <= ffi_keys.FEW or len(signatures) != n or len(messages) != n:
        return None
    rows = (*keys, *signatures, *messages)
    if len(rows) != 3 * n or {*map(type, rows)} != {bytes}:  # another thread may change the lists
        return None
    lengths = [*map(len, rows)]
    if sum(lengths) > ffi_keys.FEW_BYTES or (options.prehashed and lengths[2 * n :] != [_DIGEST_SIZE] * n):
        return None
    return ffi_keys.FewItems(rows, lengths)


@lru_cache(maxsize=64)
def _cost(backend: int) -> parallel.Cost:
    return parallel.Cost(item_ns=_LANE_NS / ffi.backend_rows()[backend].lanes, byte_ns=4, batch=_BATCH)


def _verify(options: Options, items: ffi_keys.Items | ffi_keys.FewItems, threads: int | None) -> NDArray[np.uint8]:
    """Verdict codes: by tables of the keys that have some from earlier calls, where that pays."""
    n = items.n
    backend = ffi.backend_pick(ffi.KIND_SCHEME, options.scheme.id, n or 1)
    if isinstance(items, ffi_keys.FewItems):  # C does all of the following
        codes = keycache.key_cache().verify_few(backend, options.scheme, options.params, items)
        if codes is not None:
            return codes
        items = items.columns()
    found = None
    if n and not (options.combines and n > _COMBINED):
        found = keycache.key_cache().find(backend, options.scheme, items)
    if found is None:
        return _by_keys(options, backend, items, threads)
    keyset, slots = found.shelf.cache.keyset, found.slots
    if found.hits == n:
        return by_set(options, ffi_keys.KnownKeys(keyset, backend, slots), items, threads)
    if found.hits < ffi_keys.PART or items.messages.nbytes > _LONG * n:  # parting copies signatures and messages
        return _by_keys(options, backend, items, threads)
    codes = np.empty(n, dtype=np.uint8)
    known = slots < ffi_keys.WANTED
    rows = np.flatnonzero(known)
    codes[rows] = by_set(options, ffi_keys.KnownKeys(keyset, backend, slots[rows]), items.take(rows), threads)
    rows = np.flatnonzero(~known)
    codes[rows] = _by_keys(options, backend, items.take(rows), threads)
    return codes


def _by_keys(options: Options, backend: int, items: ffi_keys.Items, threads: int | None) -> NDArray[np.uint8]:
    """Verdict codes of items by their encoded keys; `backend` tells what they cost."""
    codes = np.zeros(items.n, dtype=np.uint8)
    work = partial(ffi_keys.verify_keys, ffi.current_backend(), options.params, items, codes)
    parallel.run(work, items.n, threads, _cost(backend), items.messages)
    return codes


def by_set(
    options: Options, known: ffi_keys.KnownKeys, items: ffi_keys.Items, threads: int | None
) -> NDArray[np.uint8]:
    """Verdict codes of items whose keys are in a set."""
    codes = np.zeros(items.n, dtype=np.uint8)
    work = partial(ffi_keys.verify_keyset, known, options.params, items, codes)
    parallel.run(work, items.n, threads, _cost(known.backend), items.messages)
    return codes


def verify(
    scheme: str,
    public_key: BytesLike,
    signature: BytesLike,
    message: BytesLike,
    *,
    rules: str | None = None,
    prehashed: bool = False,
    user_id: BytesLike | None = DEFAULT_USER_ID,
    hash: str | None = None,
    encoding: str = "compact",
    der_rules: str = "strict",
    threads: int | None = None,
) -> None:
    """Verify one signature; returns None, or raises.

    Args and sources: as for :func:`verify_batch`, with one bytes-like object each.

    Raises:
        InvalidSignature: the signature or the key is not valid; ``.verdict`` says why.
        InputError: a malformed call.

    >>> verify("ed25519", bytes(32), bytes(63), b"message")
    Traceback (most recent call last):
        ...
    pycore.errors.InvalidSignature: signature: MALFORMED_SIGNATURE: wrong length, or bytes that do not parse ...
    """
    key = one_bytes(public_key, "public_key")
    verdicts = verify_batch(
        scheme,
        [key],
        [one_bytes(signature, "signature")],
        [one_bytes(message, "message")],
        rules=rules,
        prehashed=prehashed,
        user_id=user_id,
        hash=hash,
        encoding=encoding,
        der_rules=der_rules,
        threads=threads,
    )
    if verdicts[0] is not Verdict.VALID:
        error = verdict_error(verdicts[0])
        hint = key_hint(key) if error.verdict is Verdict.MALFORMED_KEY else ""
        error.reason = f"{error.verdict.meaning}; {hint}" if hint else ""
        raise error


def recover_batch(
    scheme: str,
    signatures65: BatchOfBytes,
    digests: BatchOfBytes,
    *,
    rules: str | None = None,
    threads: int | None = None,
) -> tuple[NDArray[np.uint8], Verdicts]:
    """Recover the public keys that n signatures were made with.

    Args:
        scheme: "ecdsa-secp256k1".
        signatures65: n signatures of 65 bytes: r || s || v, r and s big-endian, v in 0..3 or 27..30.
        digests: n digests of 32 bytes.
        rules: "any-s" (default) or "low-s", which Ethereum transactions demand (EIP-2).
        threads: how many threads may work on this call; see ``pycore.base.parallel``.

    Returns:
        ``(keys, verdicts)``: keys is a new uint8 array of shape (n, 64), x || y big-endian, with zeros where the
        verdict is not VALID.

    Raises:
        InputError: a malformed call; see :func:`verify_batch`.

    Source: SEC 1, section 4.1.6.

    >>> keys, verdicts = recover_batch("ecdsa-secp256k1", [bytes(65)], [bytes(32)])
    >>> keys.shape, verdicts[0].name
    ((1, 64), 'SCALAR_OUT_OF_RANGE')
    """
    row = lookup(SCHEMES, scheme, "scheme")
    if not row.recoverable:
        known = ", ".join(repr(one.name) for one in SCHEMES.values() if one.recoverable)
        raise InputError("scheme", quote(scheme), f"{known}: the only scheme with recoverable signatures")
    flags = row.rule_flags(rules)
    signatures = as_column(signatures65, "signatures65", widths=(row.signature_size + 1,))
    hashes = as_column(digests, "digests", widths=(_DIGEST_SIZE,), exact=True)
    same_n("digests", hashes, signatures.n, "signatures65")
    if threads is not None:
        threads = parallel.resolve_threads(threads)
    keys = np.zeros((signatures.n, 64), dtype=np.uint8)
    codes = np.zeros(signatures.n, dtype=np.uint8)
    backend = ffi.current_backend()

    def work(start: int, stop: int) -> None:
        part = slice(start, stop)
        ffi.recover_batch(
            backend, flags, signatures.slice(start, stop), hashes.slice(start, stop), keys[part], codes[part]
        )

    cost = _cost(ffi.backend_pick(ffi.KIND_SCHEME, row.id, max(signatures.n, 1)))
    parallel.run(work, signatures.n, threads, cost)
    return keys, Verdicts.of_kernel(codes)
