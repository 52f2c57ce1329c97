"""The admin page's content and its address: one process of the service, now and in the last ten minutes.

    /            the page, for people (:mod:`pycore.service.admin_page`)
    /admin       the same as JSON

The page needs no scripts and loads nothing. On a loopback address it answers only to names of this machine, so that a
site which a person visits cannot read it by a name that leads here.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

from pycore.base.backends import capabilities
from pycore.service.admin_page import HEADERS, ICON, render
from pycore.service.admission import Admission
from pycore.service.config import ServiceConfig, is_loopback
from pycore.service.guard import Guard
from pycore.service.history import History, Slot, quantile
from pycore.service.http import Answer, Asked, HttpServer, Route
from pycore.service.metrics import Metrics
from pycore.service.verdict_cache import VerdictCache
from pycore.signatures.keycache import key_cache_stats
from pycore.wire.schema import METHODS

__all__ = ["Admin", "serve_admin"]

_REFUSED = {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "PERMISSION_DENIED", "UNAUTHENTICATED"}
_FAILED = {"INTERNAL", "UNKNOWN", "DATA_LOSS"}
_BACKEND = ("name", "usable", "compiled", "lanes", "reason")
_UNARY = {name for name, method in METHODS.items() if not method.many_requests and not method.many_answers}
ENDS = ("answered", "refused", "failed", "other")
"""How calls end: with an answer; not taken; by a fault of the service; malformed, cancelled or late."""


class Admin:
    """What there is to say about a service.

    Args:
        config: gives its settings, as they are now.
        metrics, admission, guard, history: its parts.
        state: gives starting, serving, stalled or draining.
        verdicts: the known signatures; None where none are kept.
    """

    def __init__(
        self,
        config: Callable[[], ServiceConfig],
        metrics: Metrics,
        admission: Admission,
        guard: Guard,
        history: History,
        state: Callable[[], str],
        verdicts: VerdictCache | None = None,
    ) -> None:
        self._verdicts = verdicts
        self._config = config
        self._metrics = metrics
        self._admission = admission
        self._guard = guard
        self._history = history
        self._state = state
        self._began = time.time()
        self._capabilities = capabilities()

    def document(self) -> dict[str, Any]:
        """Everything, ready for JSON. Called by another thread than the service's: numbers of one moment each."""
        config, slots, now = self._config(), self._history.slots(), time.time()
        found = self._capabilities
        return {
            "time": _iso(now),
            "state": self._state(),
            "process": {
                "place": config.process,
                "pid": os.getpid(),
                "started": _iso(self._began),
                "seconds": round(now - self._began),
            },
            "build": {
                "version": found.version,
                "compiler": found.compiler,
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
                "cpu_features": sorted(name for name, usable in found.cpu_features.items() if usable),
            },
            "now": vars(self._history.now()),
            "slots": [self._slot(slot) for slot in slots],
            "calls": _calls(slots),
            "work": _work(slots),
            "refusals": [{**vars(one), "time": _iso(one.time)} for one in reversed(self._metrics.recent)],
            "refused": _refused(slots),
            "limits": self._limits(config),
            "clients": self._clients(),
            "caches": self._caches(),
            "backends": [{name: getattr(row, name) for name in _BACKEND} for row in found.backends],
            "active": dict(found.active),
            "settings": {
                name: value if isinstance(value, (int, float, str, bool)) else str(value)
                for name, field in ServiceConfig.model_fields.items()
                if (value := getattr(config, name)) != field.get_default(call_default_factory=True)
            },
        }

    def _slot(self, slot: Slot) -> dict[str, Any]:
        totals, size = slot.totals, self._admission.workers.size
        ends = dict.fromkeys(ENDS, 0.0)
        for (_, code), count in totals.calls.items():
            ends[_end(code)] += count
        items: dict[str, float] = defaultdict(float)
        for (what, _), count in totals.verdicts.items():
            items[what] += count
        unary = [row for (rpc,), row in totals.call_seconds.items() if rpc in _UNARY]
        return {
            "end": slot.end,
            "seconds": slot.seconds,
            "calls": ends,
            "items": dict(items),
            "not_valid": sum(count for (_, verdict), count in totals.verdicts.items() if verdict != "VALID"),
            "call_p50_s": quantile(unary, 0.5),
            "call_p99_s": quantile(unary, 0.99),
            "queue_p50_s": quantile(totals.queue_seconds.values(), 0.5),
            "queue_p99_s": quantile(totals.queue_seconds.values(), 0.99),
            "busy_share": min(1.0, sum(totals.work_seconds.values()) / slot.seconds / size),
            "cpu_share": min(1.0, slot.cpu / slot.seconds / (os.cpu_count() or 1)),
            "memory_bytes": slot.memory,
            "highest": vars(slot.highest),
        }

    def _limits(self, config: ServiceConfig) -> list[dict[str, Any]]:
        """Bounds, and how much of each is used now."""
        load, workers = self._admission.load, self._admission.workers
        rows = (
            ("calls and streams open", "max_concurrent_rpcs", self._guard.calls, config.max_concurrent_rpcs, ""),
            ("items in flight", "max_inflight_items", load.items, config.max_inflight_items, ""),
            ("bytes in flight", "max_inflight_bytes", load.nbytes, config.max_inflight_bytes, "bytes"),
            ("workers busy", "workers", len(workers.running()), workers.size, ""),
            ("calls of one connection", "max_connection_rpcs", None, config.max_connection_rpcs, ""),
            ("items of one request", "max_batch_items", None, config.max_batch_items, ""),
            ("bytes of one message", "max_message_bytes", None, config.max_message_bytes, "bytes"),
        )
        return [dict(zip(("what", "setting", "used", "limit", "unit"), row, strict=True)) for row in rows]

    def _caches(self) -> list[dict[str, Any]]:
        """Caches, since the start of the process."""
        keys, known = key_cache_stats(), self._verdicts
        found = [("tables of keys", keys.hits, keys.misses, keys.nbytes, keys.memory_limit)]
        if known is not None:
            found.append(
                ("valid signatures", known.hits, known.misses, known.nbytes, self._config().verdict_cache_bytes)
            )
        return [dict(zip(("what", "hits", "misses", "bytes", "limit"), row, strict=True)) for row in found]

    def _clients(self) -> list[dict[str, Any]]:
        """Those of the access file."""
        clients = self._guard.clients
        return [
            {
                "name": caller.name,
                "calls": caller.usage.calls,
                "most_calls": caller.quota.calls,
                "items_per_second": caller.quota.items_per_second,
                "bytes_per_second": caller.quota.bytes_per_second,
                "rpcs": list(caller.rpcs),
                "chains": sorted(caller.chains) if caller.chains is not None else None,
            }
            for caller in (clients.callers.values() if clients is not None else ())
        ]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _end(code: str) -> str:
    return "answered" if code == "OK" else "refused" if code in _REFUSED else "failed" if code in _FAILED else "other"


def _calls(slots: Iterable[Slot]) -> list[dict[str, Any]]:
    """By RPC, over all slots, most called first."""
    ends: dict[str, dict[str, float]] = {}
    rows: dict[str, list[list[float]]] = defaultdict(list)
    for slot in slots:
        for (rpc, code), count in slot.totals.calls.items():
            ends.setdefault(rpc, dict.fromkeys(ENDS, 0.0))[_end(code)] += count
        for (rpc,), row in slot.totals.call_seconds.items():
            rows[rpc].append(row)
    found = [
        {
            "rpc": rpc,
            "stream": rpc not in _UNARY,
            **counts,
            "p50_s": quantile(rows[rpc], 0.5),
            "p99_s": quantile(rows[rpc], 0.99),
        }
        for rpc, counts in ends.items()
    ]
    return sorted(found, key=lambda row: (-sum(row[end] for end in ENDS), row["rpc"]))


def _work(slots: Iterable[Slot]) -> list[dict[str, Any]]:
    """By scheme and chain, over all slots, most items first."""
    verdicts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    seconds: dict[str, float] = defaultdict(float)
    for slot in slots:
        for (what, verdict), count in slot.totals.verdicts.items():
            verdicts[what][verdict] += count
        for (what,), spent in slot.totals.kernel_seconds.items():
            seconds[what] += spent
    found = [
        {"what": what, "items": sum(counts.values()), "verdicts": dict(counts), "worker_seconds": seconds.get(what)}
        for what, counts in verdicts.items()
    ]
    return sorted(found, key=lambda row: (-row["items"], row["what"]))


def _refused(slots: Iterable[Slot]) -> list[dict[str, Any]]:
    """By reason and client, over all slots."""
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for slot in slots:
        for key, count in slot.totals.refusals.items():
            found[key] += count
    rows = [{"reason": reason, "client": client, "count": count} for (reason, client), count in found.items()]
    return sorted(rows, key=lambda row: (-row["count"], row["reason"], row["client"]))


def serve_admin(admin: Admin, address: str) -> HttpServer:
    """Serves the page and its JSON over HTTP, from a thread.

    Raises:
        OSError: the address cannot be bound.
    """
    here = is_loopback(address)

    def page(asked: Asked) -> Answer:
        body = render(admin.document(), asked.query).encode("utf-8", "backslashreplace")
        return Answer(200, body, "text/html; charset=utf-8", HEADERS)

    def document(_: Asked) -> Answer:
        body = json.dumps(admin.document(), indent=1).encode()
        return Answer(200, body, "application/json", HEADERS)

    def guarded(route: Route) -> Route:
        def answer(asked: Asked) -> Answer:
            if here and not _names_this_machine(asked.host):
                return Answer(421, b"this page answers to localhost only\n", headers=HEADERS)
            return route(asked)

        return answer

    icon = Answer(200, ICON.encode(), "image/svg+xml", HEADERS)
    routes: dict[str, Route] = {"/": page, "/admin": document, "/icon.svg": lambda _: icon}
    routes = {path: guarded(route) for path, route in routes.items()}
    return HttpServer(address, routes, "pycore-admin", "admin_address")


def _names_this_machine(host: str) -> bool:
    try:
        return is_loopback(f"{host}:0", unix=False)
    except ValueError:
        return False
