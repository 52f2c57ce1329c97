"""The calls for signatures."""

from __future__ import annotations

import collections
import functools
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from pycore.base.columns import BatchOfBytes, BytesLike, Column, as_column, one_bytes, same_n, single
from pycore.base.registry import SCHEMES, lookup
from pycore.base.verdicts import Verdicts
from pycore.client.requests import Budget, Caller, Feed, Plan, call, counted, only, stream, verdicts_of
from pycore.signatures.batch import DEFAULT_USER_ID, Options
from pycore.wire.columns import split
from pycore.wire.errors import ServiceError, from_batch_error
from pycore.wire.packing import Packed, Parts, nested, packed, packed_parts
from pycore.wire.schema import signature_pb2, verdict_pb2
from pycore.wire.views import encoded_varint

Batch: TypeAlias = "tuple[BatchOfBytes, BatchOfBytes, BatchOfBytes]"
"""Public keys, signatures and messages."""
_UNARY, _STREAM = "VerifySignatures", "VerifySignatureStream"
_COLUMNS = tuple(
    signature_pb2.VerifySignaturesRequest.DESCRIPTOR.fields_by_name[name].number
    for name in ("public_keys", "signatures", "messages")
)
_BATCH = signature_pb2.VerifySignatureStreamRequest.BATCH_FIELD_NUMBER
_ID_TAG = bytes([signature_pb2.VerifySignatureStreamRequest.ID_FIELD_NUMBER << 3])


class SignatureCalls(Caller):
    """`verify_batch`, `verify` and `verify_stream`."""

    @call
    def verify_batch(
        self,
        /,
        scheme: str,
        public_keys: BatchOfBytes,
        signatures: BatchOfBytes,
        messages: BatchOfBytes,
        *,
        threads: int | None = None,
        **options: Any,
    ) -> Plan[Verdicts] | Feed[Verdicts]:
        """`pycore.verify_batch` on the service. A batch too large for one message goes over a stream."""
        checked = _Options.check(self._budget, scheme, **options)
        columns = checked.columns((public_keys, signatures, messages))
        if len(checked.ranges(columns)) == 1:
            request = checked.in_parts(columns) if self._takes_parts else checked.request(columns)
            return Plan(_UNARY, 1, [request], verdicts_of(columns[0].n))

        def feed() -> Feed[Verdicts]:
            ranges = checked.ranges(columns)
            state = _StreamState(checked)
            state.expect(len(ranges), columns[0].n)
            parts = (checked.parts(columns, start, stop) for start, stop in ranges)
            return Feed(
                _STREAM, parts, state.message, state.take, waiting=state.waiting, count=len(ranges),
                pending=state.pending, again=feed,
            )  # fmt: skip

        return feed()

    @call
    def verify(
        self,
        /,
        scheme: str,
        public_key: BytesLike,
        signature: BytesLike,
        message: BytesLike,
        *,
        threads: int | None = None,
        **options: Any,
    ) -> Plan[None]:
        """`pycore.verify` on the service. One round trip per signature: a batch of 256 costs hardly more."""
        checked = _Options.check(self._budget, scheme, **options)
        columns = (single(public_key, "public_key"), single(signature, "signature"), single(message, "message"))
        return Plan(_UNARY, 1, [checked.request(checked.columns(columns))], verdicts_of(1)).then(only)

    @stream
    def verify_stream(
        self, /, scheme: str, batches: Iterable[Batch] | AsyncIterable[Batch], **options: Any
    ) -> Feed[Verdicts]:
        """Verifies batch after batch over one stream: the fastest way for many.

        Args:
            scheme: as for `pycore.verify_batch`, as are `options`.
            batches: (public_keys, signatures, messages) tuples. Read ahead of the answers: by a blocking client from
                another thread. The iterable may be an asynchronous one where the client is.

        Yields:
            The verdicts of each batch, in order. Close the iterator to end the stream early.

        Raises:
            InputError: a batch is malformed; the ones before it were answered.
            ServiceError: the stream broke. It has no time limit.
        """
        state = _StreamState(_Options.check(self._budget, scheme, **options))
        return Feed(_STREAM, batches, state.messages, state.take, waiting=state.waiting, pending=state.pending)


@dataclass(frozen=True)
class _Options:
    """The options of verify_batch, checked against the scheme, ready to be put on requests."""

    template: bytes
    checked: Options
    width: int | None
    budget: Budget

    @classmethod
    def check(
        cls,
        budget: Budget,
        scheme: str,
        *,
        rules: str | None = None,
        prehashed: bool = False,
        user_id: BytesLike | None = DEFAULT_USER_ID,
        hash: str | None = None,
        encoding: str = "compact",
        der_rules: str = "strict",
        width: int | None = None,
    ) -> _Options:
        """InputError as verify_batch raises it."""
        words: tuple[Any, ...] = (scheme, rules, prehashed, user_id, hash, encoding, der_rules)
        if user_id is None or type(user_id) is bytes:  # other bytes-like objects can change while they are remembered
            try:
                return cls(*_remembered(*words), width, budget)
            except TypeError:  # something that cannot be a key of a table
                pass
        return cls(*_template(*words), width, budget)

    def columns(self, batch: Batch) -> Sequence[Column]:
        """The columns of a batch, of equal length."""
        public_keys, signatures, messages = batch
        columns = (
            as_column(public_keys, "public_keys", widths=self.checked.scheme.key_sizes),
            self.checked.signature_column(signatures),
            self.checked.message_column(messages, self.width),
        )
        same_n("signatures", columns[1], columns[0].n, "public_keys")
        same_n("messages", columns[2], columns[0].n, "public_keys")
        return columns

    def ranges(self, columns: Sequence[Column]) -> list[tuple[int, int]]:
        """The rows of each request that a batch takes."""
        return split(columns, self.budget.items, self.budget.nbytes)

    def parts(self, columns: Sequence[Column], start: int, stop: int) -> tuple[int, Parts]:
        """The request for some of the rows: the number of bytes and the pieces of its encoding."""
        return packed_parts(self.template, zip(_COLUMNS, (one.slice(start, stop) for one in columns), strict=True))

    def in_parts(self, columns: Sequence[Column]) -> Packed:
        """The request for all rows, as views of them."""
        return Packed(*packed_parts(self.template, zip(_COLUMNS, columns, strict=True)))

    def request(self, columns: Sequence[Column]) -> bytes:
        """The request for all rows."""
        return packed(self.template, zip(_COLUMNS, columns, strict=True))


def _template(
    scheme: Any, rules: Any, prehashed: Any, user_id: Any, hash_: Any, encoding: Any, der_rules: Any
) -> tuple[bytes, Options]:
    """A request without its columns, and the options. InputError as verify_batch raises it."""
    words = {"rules": rules, "prehashed": prehashed, "hash": hash_, "encoding": encoding, "der_rules": der_rules}
    checked = Options.check(lookup(SCHEMES, scheme, "scheme"), user_id=user_id, **words)
    identifier = None if user_id is None else one_bytes(user_id, "user_id")
    words["prehashed"] = bool(prehashed)
    template = signature_pb2.VerifySignaturesRequest(scheme=scheme, **words)  # None leaves a field unset
    if identifier is None:
        template.no_user_id = True
    elif identifier != DEFAULT_USER_ID:
        template.user_id = identifier
    return template.SerializeToString(), checked


_remembered = functools.lru_cache(256, typed=True)(_template)


def _stream_verdicts(answer: signature_pb2.VerifySignatureStreamResponse) -> verdict_pb2.Verdicts:
    """The verdicts of one answer of a stream; raises what the in-process call would have raised."""
    if answer.WhichOneof("outcome") == "error":
        raise from_batch_error(answer.error)
    return answer.verdicts


class _StreamState:
    """Cuts the batches of a stream into messages, and puts their answers together again."""

    def __init__(self, options: _Options) -> None:
        self._options = options
        self._sent = self._answered = 0
        self._pieces: collections.deque[tuple[int, int]] = collections.deque()  # messages and items of each batch
        self._parts: list[verdict_pb2.Verdicts] = []

    def expect(self, count: int, n: int) -> None:
        """Notes that a batch of n items takes `count` messages, before the first is made."""
        self._pieces.append((count, n))

    def messages(self, batch: Batch) -> Iterator[bytes]:
        """The messages of one batch."""
        columns = self._options.columns(batch)
        ranges = self._options.ranges(columns)
        self.expect(len(ranges), columns[0].n)
        for start, stop in ranges:
            yield from self.message(self._options.parts(columns, start, stop))

    def message(self, request: tuple[int, Parts]) -> Iterator[bytes]:
        """The message of a part of a batch."""
        self._sent += 1
        yield nested(_ID_TAG + encoded_varint(self._sent), _BATCH, *request)

    def waiting(self) -> bool:
        """Whether a batch has no verdicts yet."""
        return bool(self._pieces)

    def pending(self) -> int:
        """Messages without an answer."""
        return self._sent - self._answered

    def take(self, answer: signature_pb2.VerifySignatureStreamResponse) -> Verdicts | None:
        """The verdicts of a batch with the last answer to it."""
        self._answered += 1
        if answer.id != self._answered:
            words = f"the answer to batch {answer.id} in the place of {self._answered}"
            raise ServiceError(grpc.StatusCode.UNKNOWN, words)
        self._parts.append(_stream_verdicts(answer))
        count, n = self._pieces[0]
        if len(self._parts) < count:
            return None
        self._pieces.popleft()
        parts, self._parts = self._parts, []
        return counted(n, parts)
