"""The door that every call passes before its handler: who calls, may it, and is there room for another call.

The chain of a request is asked about where it is known, in the RPC (`callers.require_chain`); here it is made sure that
this happened: an RPC about a chain that answers a caller with rights for some chains only, and has not asked, is an
error and no answer. Health and reflection do not pass here, so they are answered when everything else is refused.

Every refusal for lack of rights is a line of the log `pycore.service.access`: the audit trail. Of callers that nobody
knows one a second is told for each reason and RPC, with the number of the others.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Hashable, Iterator
from pathlib import Path
from typing import Any

from pycore.errors import InputError
from pycore.service.access import AccessError, Clients, access_warnings, read_access, watched_files
from pycore.service.callers import ANYBODY, Call, Caller, current
from pycore.service.impatience import Waiting
from pycore.service.interceptors import Handler, like
from pycore.service.lane_threads import on_the_loop
from pycore.service.locked import locked
from pycore.service.metrics import Metrics
from pycore.service.pace import Pace
from pycore.service.priorities import priority_of, room_of
from pycore.service.rare_lines import RareLines
from pycore.service.request_ids import current_request
from pycore.service.tls import has_clear_names
from pycore.service.unread import Unread
from pycore.wire.refusals import DeniedError, OverloadedError, RefusedError, StalledError, ThrottledError

__all__ = ["ABOUT_CHAINS", "CROWD", "Guard"]

_audit = logging.getLogger("pycore.service.access")
_log = logging.getLogger("pycore.service")
_LOOK_EVERY_S = 1.0
_RETRY_CALLS_S = 0.05
_REASONS = {OverloadedError: "FULL", ThrottledError: "THROTTLED", StalledError: "STALLED"}
_MOST_REFUSING = 16
_MOST_STRANGERS = 256  # kinds of refusals that are told apart in the log: reasons by RPC, of which there are fewer
_PATIENCE_S = 1.0  # for the first message of a stream that is refused
CROWD = 32
"""Calls open at once up to which `Guard.turns_away` is not worth asking."""

ABOUT_CHAINS = frozenset(
    {"AdvanceTrust", "LightVerify", "ValidateBlock", "ValidateBlocks", "VerifyBundle", "VerifyCommit", "VerifyCommits",
     "VerifyVotes"}
)  # fmt: skip
"""The RPCs that are about a chain. Each asks `callers.require_chain` before it computes."""


class Guard:
    """Lets calls in. Any thread may bring one; streams belong to one event loop.

    Args:
        most_calls: calls and streams open at once, over all callers.
        most_calls_each: the same of one connection, where no access file says who calls.
        access_file: the clients; None lets everybody in.
        metrics: counts who is refused.
        clock: seconds, monotonic.
        unread: bounds the answers that clients have not read; None for no bound.
        lock: of the admission, which counts what callers use; None for a separate one.

    Raises:
        AccessError: the access file cannot be used.
    """

    def __init__(
        self,
        most_calls: int,
        most_calls_each: int,
        access_file: Path | None,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        unread: Unread | None = None,
        lock: Any = None,
    ) -> None:
        self.lock = lock or threading.RLock()
        self.unread = unread or Unread(sys.maxsize, sys.maxsize)
        self.paces: dict[Hashable, Pace] = collections.defaultdict(lambda: Pace(clock))
        self.most_calls = most_calls
        self.most_calls_each = most_calls_each
        self.calls = 0
        self._clock = clock
        self._metrics = metrics
        self._file = access_file
        self._clients: Clients | None = None
        self._watched: list[Path] = []
        self._state: object = None
        self._looked = clock()
        self._refusing = 0
        self._strangers = RareLines(_MOST_STRANGERS)
        self.waiting = Waiting()
        self._connections: dict[str, int] = {}
        if access_file is not None:
            self._clients = self._read(access_file)

    @property
    def clients(self) -> Clients | None:
        """Those of the access file; None where there is no file."""
        return self._clients

    @locked
    def reload(self) -> None:
        """Reads the access file again. Where it cannot be used the clients stay what they are, and the log says why."""
        if self._file is None:
            return
        try:
            fresh = self._read(self._file)
        except AccessError as error:
            _log.error("access file not reloaded, keeping the clients as they were: %s", error)
            return
        if self._clients is not None:
            fresh.go_on_from(self._clients)
        self._clients = fresh
        _log.info("access file reloaded", extra={"clients": len(fresh.callers)})

    def _read(self, path: Path) -> Clients:
        document = read_access(path)
        self._watched = watched_files(path, document)
        self._state = _state(self._watched)  # before the token files are read: a change in between is seen later
        clients = Clients(document, clock=self._clock)
        for words in access_warnings(document):
            _log.warning("access_file: %s", words)
        return clients

    def _reload_if_changed(self) -> None:
        now = self._clock()
        if self._file is None or now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        state = _state(self._watched)
        if state != self._state:
            self._state = state
            self.reload()

    def around(self, handler: Handler, rpc: str) -> Handler:
        """The handler of an RPC behind this guard."""
        if handler.stream_stream:
            return like(handler, self._streaming(handler.stream_stream, rpc))
        return like(handler, self._single(handler.unary_unary or handler.stream_unary, rpc))

    def _single(self, behaviour: Any, rpc: str) -> Any:
        async def answer(request: Any, context: Any) -> Any:  # `_call`, written out: a context manager costs
            call = self._open(context, rpc)
            if call.caller is not ANYBODY and type(request) is bytes:
                await self._let_wait(call, len(request), context.time_remaining())
            token = current.set(call)
            answered = False
            try:
                pace = self._pace(call)
                began = pace.enter(context.time_remaining())
                try:
                    found = await behaviour(request, context)
                    _made_sure(call)
                    self._hold(call, context, len(found))
                    answered = True
                    return found
                finally:
                    pace.leave(began, answered=answered)
            except (DeniedError, RefusedError) as error:
                self._refused(error, call)
                raise
            finally:
                current.reset(token)
                if not call.answered:  # else it leaves with its answer
                    self._leave(call)

        return answer

    @locked
    def turns_away(self, context: Any, rpc: str) -> OverloadedError | None:
        """The error of a call that would be refused because there are too many others; the refusal is counted, and the
        call was not let in. None for every other call: it is let in, or refused for something else."""
        self._reload_if_changed()
        try:
            caller = self._caller(context)
            priority = priority_of(context.invocation_metadata() or (), rpc, caller.highest)
        except (DeniedError, InputError):
            return None
        most, peer = room_of(self.most_calls, priority), context.peer() or ""
        if self.calls >= most:
            self._metrics.refused("CALLS", caller.name, rpc, peer)
            return OverloadedError("calls", self.calls, 1, most, _RETRY_CALLS_S)
        is_anybody = caller is ANYBODY
        if not caller.is_welcome(rpc) or (is_anybody and self._connections.get(peer, 0) >= self.most_calls_each):
            return None
        error = self.paces[priority].would_refuse(context.time_remaining())
        if error is not None:
            self._metrics.refused(_REASONS[OverloadedError], caller.name, rpc, peer)
        return error

    @locked
    def _pace(self, call: Call) -> Pace:
        return self.paces[call.priority]

    def _streaming(self, behaviour: Any, rpc: str) -> Any:
        async def answer(requests: Any, context: Any) -> AsyncIterator[Any]:
            begun = False
            try:
                with self._call(context, rpc) as call:
                    begun = True
                    async with contextlib.aclosing(behaviour(requests, context)) as answers:
                        async for one in answers:
                            _made_sure(call)
                            with contextlib.nullcontext() if call.counted else self._leaving(call, len(one)):
                                yield one
            except DeniedError:
                if not begun and self._refusing < _MOST_REFUSING:
                    # Or an asyncio client, which is still sending, sees INTERNAL instead of the status. Few at a time:
                    # strangers must not have messages read for them without a bound.
                    self._refusing += 1
                    try:
                        with contextlib.suppress(asyncio.TimeoutError):
                            await asyncio.wait_for(anext(requests, None), _PATIENCE_S)
                    finally:
                        self._refusing -= 1
                raise

        return answer

    @locked
    def _open(self, context: Any, rpc: str) -> Call:
        """Lets a call in; :meth:`_leave` must follow."""
        self._reload_if_changed()
        peer = context.peer() or ""
        caller: Caller | None = None
        try:
            caller = self._caller(context)
            priority = priority_of(context.invocation_metadata() or (), rpc, caller.highest)
            most = room_of(self.most_calls, priority)
            if self.calls >= most:
                raise OverloadedError("calls", self.calls, 1, most, _RETRY_CALLS_S)
            call = self._enter(caller, rpc, peer)
        except DeniedError as error:
            self._denied(error, caller, rpc, peer)
            raise
        except OverloadedError:
            self._metrics.refused("CALLS", caller.name if caller else "", rpc, peer)
            raise
        call.priority, call.peer = priority, peer
        call.client = peer if caller is ANYBODY else caller.name
        self.calls += 1
        return call

    async def _let_wait(self, call: Call, nbytes: int, left: float | None) -> None:
        """Nothing, or ThrottledError, perhaps later, where the caller has used up its quota and asks for more. The call
        has ended then."""
        try:
            with self.lock:
                call.caller.must_wait()
        except ThrottledError as error:
            try:
                await (
                    on_the_loop()
                )  # a call may be on a thread of the lane, and its caller gone before it is on the loop
                self._refused(error, call)
            finally:
                self._leave(call)
            await self.waiting.hold(call.caller.usage.impatience, nbytes, left)
            raise

    @contextlib.contextmanager
    def _call(self, context: Any, rpc: str) -> Iterator[Call]:
        """The call is open inside the block."""
        call = self._open(context, rpc)
        token = current.set(call)
        try:
            yield call
        except (DeniedError, RefusedError) as error:
            self._refused(error, call)
            raise
        finally:
            with contextlib.suppress(ValueError):  # a stream may be closed from another context than it began in
                current.reset(token)
            if not call.answered:
                self._leave(call)

    def _refused(self, error: DeniedError | RefusedError, call: Call) -> None:
        if isinstance(error, DeniedError):
            self._denied(error, call.caller, call.rpc, call.peer)
        else:
            if isinstance(error, ThrottledError):
                with self.lock:
                    error.retry_after = call.caller.usage.impatience.refused(error.retry_after)
            self._metrics.refused(_REASONS.get(type(error), "REFUSED"), call.caller.name, call.rpc, call.peer)

    def _denied(self, error: DeniedError, caller: Caller | None, rpc: str, peer: str) -> None:
        client = caller.name if caller else None
        self._metrics.refused(error.reason, client or "", rpc, peer)
        shown: dict[str, Any] = {"reason": error.reason, "client": client, "rpc": rpc, "peer": peer}
        if caller is None:
            more = self._strangers.more((error.reason, rpc), self._clock())
            if more is None:
                return
            shown["more"] = more
        one = current_request.get()
        _audit.warning("denied: %s", error, extra={**shown, **({"request_id": one.id} if one else {})})

    def _enter(self, caller: Caller, rpc: str, peer: str) -> Call:
        if caller is not ANYBODY:
            return caller.enter(rpc)
        held = self._connections.get(peer, 0)
        if held >= self.most_calls_each:
            raise OverloadedError("calls of this connection", held, 1, self.most_calls_each, _RETRY_CALLS_S)
        self._connections[peer] = held + 1
        return ANYBODY.enter(rpc)

    def _hold(self, call: Call, context: Any, nbytes: int) -> None:
        """Keeps a call open, and its answer counted, until gRPC has sent all of it or the call has ended otherwise."""
        self.unread.hold(call.client, nbytes)
        call.answered = True

        def gone(_: object) -> None:
            self.unread.give_back(call.client, nbytes)
            self._leave(call)

        context.add_done_callback(gone)

    @contextlib.contextmanager
    def _leaving(self, call: Call, nbytes: int) -> Iterator[None]:
        """Counts an answer of a stream inside the block: until the peer has let it through."""
        self.unread.hold(call.client, nbytes)
        try:
            yield
        finally:
            self.unread.give_back(call.client, nbytes)

    def leaving(self, answers: list[bytes]) -> Generator[bytes, None, None]:
        """Answers of the current call that are all there: each is counted from the first one's turn on until the next
        one is asked for. Close the iterator where some are left."""
        call, left = current.get(), sum(map(len, answers))
        assert call is not None, "a handler is behind the guard"
        if not answers:  # nothing is asked of a client that has much unread
            return
        self.unread.hold(call.client, left)
        call.counted = True
        try:
            for one in answers:
                yield one
                self.unread.give_back(call.client, len(one))
                left -= len(one)
        finally:
            call.counted = False
            self.unread.give_back(call.client, left)

    @locked
    def _leave(self, call: Call) -> None:
        self.calls -= 1
        call.leave()
        if call.caller is ANYBODY:
            left = self._connections[call.peer] - 1
            if left:
                self._connections[call.peer] = left
            else:
                del self._connections[call.peer]

    def _caller(self, context: Any) -> Caller:
        if self._clients is None:
            return ANYBODY
        given = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
        if len(given) > 1:
            raise DeniedError("authorization: given more than once", "MALFORMED_TOKEN", known=False)
        return self._clients.identify(certificate_names(context.auth_context()), given[0] if given else None)


def certificate_names(properties: Any) -> list[str]:
    """The names of a peer's verified certificate, as the access file writes them, from gRPC's authentication context;
    of a caller of the same-host lane, the user. None where grpcio, which ends names at a zero byte, has cut one.

    >>> certificate_names({"x509_common_name": [b"node7"], "peer_dns": [b"n.example"], "peer_uri": [b"spiffe://a/b"]})
    ['cn:node7', 'dns:n.example', 'spiffe://a/b']
    """
    if not all(map(has_clear_names, properties.get("x509_pem_cert", ()))):
        return []
    found = []
    for key, prefix in (("x509_common_name", "cn:"), ("peer_dns", "dns:"), ("peer_uri", ""), ("unix_uid", "uid:")):
        for raw in properties.get(key, ()):
            name = raw.decode("utf-8", "backslashreplace")
            found.append(name if name.startswith("spiffe://") and not prefix else f"{prefix or 'uri:'}{name}")
    return found


def _made_sure(call: Call) -> None:
    """An answer about a chain that nobody was asked about must not leave."""
    if call.rpc in ABOUT_CHAINS and call.caller.chains is not None and not call.asked:
        raise RuntimeError(f"{call.rpc} did not say which chain it is about")


def _state(paths: list[Path]) -> object:
    """What changes when one of the files does."""
    found: list[object] = []
    for path in paths:
        with contextlib.suppress(OSError):  # a file that is gone makes the list shorter
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
    return found
