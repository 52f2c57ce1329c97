"""Where the service is and how calls are made, as a client is told: targets, TLS, tokens, settings of calls."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import grpc

from pycore.base.columns import quote
from pycore.errors import InputError
from pycore.wire.schema import SERVICE_NAME

PRIORITIES = ("votes", "transactions", "audits")
"""A call may say one of these about itself; without a word the service goes by the RPC."""
BALANCING = ("round_robin", "pick_first")
PRIORITY_KEY, REQUEST_ID_KEY = "pycore-priority", "x-request-id"
_MOST_REQUEST_ID = 128
_MOST_CONNECTIONS = 64
_MOST_ATTEMPTS = 10
_EVER_S = 366 * 86_400.0  # gRPC and clocks overflow somewhere above
_PORTLESS = re.compile(r"(?:dns:///)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)")
_LONGEST_RECONNECT_MS = 5000  # gRPC's own 2 minutes leave a service alone that has long been back

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tls:
    """How a client trusts the server and shows who it is. Paths of PEM files.

    Attributes:
        root_certificates: who may have signed the server's certificate; None takes the roots that gRPC ships.
        certificate, private_key: the client's own, for mutual TLS.
        server_name: the name to expect in the server's certificate, where it is not the target's.
    """

    root_certificates: Path | str | None = None
    certificate: Path | str | None = None
    private_key: Path | str | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            given, other = (
                ("certificate", "private_key") if self.private_key is None else ("private_key", "certificate")
            )
            raise InputError(other, "None", f"a file with it, for {given} is given; or neither")

    def credentials(self) -> grpc.ChannelCredentials:
        """The files as gRPC credentials.

        Raises:
            OSError: a file cannot be read.
            InputError: the key is that of another certificate.
        """
        roots, chain, key = (
            Path(path).read_bytes() if path is not None else None
            for path in (self.root_certificates, self.certificate, self.private_key)
        )
        if self.certificate is not None and self.private_key is not None:
            _check_pair(self.certificate, self.private_key)
        return grpc.ssl_channel_credentials(roots, key, chain)


def _check_pair(certificate: Path | str, private_key: Path | str) -> None:
    """InputError where they do not belong together; whatever else is wrong with them gRPC says."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, private_key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError("private_key", str(private_key), f"the key of {certificate}") from None
    except OSError:
        pass


class Token:
    """A bearer token as the metadata of a call."""

    def __init__(self, token: str | Path) -> None:
        self._path = token if isinstance(token, Path) else None
        self._state: object = None
        self._metadata: Metadata = ()
        if isinstance(token, str):
            self._set(token)
        self.metadata()

    def _set(self, token: str) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InputError("token", f"{len(token)} characters", "ASCII without spaces, the first line of a file")
        self._metadata = (("authorization", f"Bearer {token}"),)

    def metadata(self) -> Metadata:
        """The token as it is now. OSError where its file cannot be read."""
        if self._path is not None:
            status = self._path.stat()
            state = status.st_mtime_ns, status.st_size, status.st_ino
            if state != self._state:
                self._set(next(iter(self._path.read_text(encoding="utf-8").split()), ""))
                self._state = state
        return self._metadata


# ---- how calls are made ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CallSettings:
    """How calls are made; `using` of a client changes some of it.

    Attributes:
        timeout: seconds that the service has for one message, further attempts included; None, and more than a year,
            waits for ever.
        priority: "votes", "transactions" or "audits"; None: what the service gives to the RPC.
        request_id: the name of the call in the logs and traces of the service; None: the service makes one.
        attempts: how often a message is sent at most where the service is full or away.
        hedge_after: seconds without an answer after which a message is sent a second time; None: never.
    """

    timeout: float | None = 60.0
    priority: str | None = None
    request_id: str | None = None
    attempts: int = 1
    hedge_after: float | None = None

    def __post_init__(self) -> None:
        for name in ("timeout", "hedge_after"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0):
                raise InputError(name, quote(value), "seconds above 0, or None")
            if value is not None and value > _EVER_S:
                object.__setattr__(self, name, None)
        if self.priority is not None and self.priority not in PRIORITIES:
            raise InputError("priority", quote(self.priority), f"one of {', '.join(map(repr, PRIORITIES))}, or None")
        if self.request_id is not None and not _is_request_id(self.request_id):
            wanted = f"1 to {_MOST_REQUEST_ID} printable ASCII characters, without a space at either end"
            raise InputError("request_id", quote(self.request_id), wanted)
        if type(self.attempts) is not int or not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise InputError("attempts", quote(self.attempts), f"an integer from 1 to {_MOST_ATTEMPTS}")

    def changed(self, changes: dict[str, Any]) -> CallSettings:
        """With other values; InputError for a name that there is not."""
        for name in changes:
            if name not in SETTINGS:
                raise InputError(name, "a setting of a call", f"one of {', '.join(SETTINGS)}")
        return replace(self, **changes)

    @property
    def metadata(self) -> Metadata:
        """The settings that the service is told."""
        told = ((PRIORITY_KEY, self.priority), (REQUEST_ID_KEY, self.request_id))
        return tuple((key, value) for key, value in told if value is not None)


SETTINGS = tuple(field.name for field in fields(CallSettings))


def _is_request_id(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MOST_REQUEST_ID
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    )


# ---- where the service is --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoints:
    """Targets, and the gRPC channel arguments of each connection.

    Attributes:
        targets: one entry per connection.
        tls: None without TLS.
        policy: one of BALANCING.
        options: further channel arguments, as the client was told.
    """

    targets: tuple[str, ...]
    tls: Tls | None
    policy: str
    options: tuple[tuple[str, Any], ...]
    _arguments: tuple[tuple[str, Any], ...]

    @classmethod
    def of(
        cls,
        target: str | Sequence[str],
        tls: Tls | bool | None,
        connections: int,
        balance: str | None,
        health_checks: bool | None,
        options: Sequence[tuple[str, Any]],
    ) -> Endpoints:
        """The arguments of a client, checked."""
        targets = split_targets(target)
        if type(connections) is not int or not 1 <= connections <= _MOST_CONNECTIONS:
            raise InputError("connections", quote(connections), f"an integer from 1 to {_MOST_CONNECTIONS}")
        if balance is not None and balance not in BALANCING:
            raise InputError("balance", quote(balance), f"one of {', '.join(map(repr, BALANCING))}, or None")
        several = len(targets) > 1
        policy = balance or ("round_robin" if several else "pick_first")
        if health_checks and policy != "round_robin":
            raise InputError("health_checks", "True", "balance='round_robin' with it: gRPC has them with that only")
        secured = Tls() if tls is True else tls or None
        if secured is not None and not isinstance(secured, Tls):
            raise InputError("tls", quote(secured), "a Tls, True for the roots that gRPC ships, or None")
        arguments: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MS),
        ]
        if secured is not None and secured.server_name:
            arguments.append(("grpc.ssl_target_name_override", secured.server_name))
        if several or connections > 1:
            arguments.append(("grpc.use_local_subchannel_pool", 1))  # else equal channels share one connection
        if policy == "round_robin":
            arguments.append(("grpc.service_config", _service_config(health_checks is not False)))
        return cls(targets * connections, secured, policy, tuple(options), tuple(arguments))

    def arguments(self, target: str) -> list[tuple[str, Any]]:
        """The channel arguments for a target."""
        direct = [("grpc.enable_http_proxy", 0)] if is_loopback(target) else []
        return [*direct, *self._arguments, *self.options]


def split_targets(target: str | Sequence[str]) -> tuple[str, ...]:
    """The targets of a list, or of text with commas between them. gRPC's own lists ("ipv4:...") stay whole."""
    given: object = target  # whatever the annotation says
    targets: tuple[Any, ...] = ()
    if isinstance(given, str):
        whole = given.startswith(("ipv4:", "ipv6:", "unix:"))
        targets = (given,) if whole else tuple(part.strip() for part in given.split(","))
    elif isinstance(given, Sequence):
        targets = tuple(given)
    if not targets or not all(isinstance(one, str) and one for one in targets):
        raise InputError("target", quote(target), "'host:port', several with commas between them, or a list of them")
    if bare := next((one for one in targets if _PORTLESS.fullmatch(one)), None):  # gRPC would take port 443
        raise InputError("target", quote(bare), "a port as well: 'host:port'")
    if len(set(targets)) != len(targets):
        raise InputError("target", f"{len(targets)} targets, some of them equal", "each once; see connections")
    return targets


def is_loopback(target: str) -> bool:
    """Whether a target is on this machine; a proxy that the environment names must never be asked for it."""
    if target.startswith("unix"):
        return True
    bare = target.removeprefix("dns:").removeprefix("ipv4:").removeprefix("ipv6:").lstrip("/")
    hosts = [one.rpartition(":")[0].strip("[]") for one in bare.split(",")]
    return all(host in ("localhost", "::1") or host.startswith("127.") for host in hosts)


def _service_config(health_checks: bool) -> str:
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if health_checks:
        config["healthCheckConfig"] = {"serviceName": SERVICE_NAME}
    return json.dumps(config)


def left_until(end: float | None) -> float | None:
    """Seconds until a time of the monotonic clock."""
    return None if end is None else max(0.0, end - time.monotonic())
