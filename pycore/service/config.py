"""Settings of the service: defaults < configuration file < PYCORE_* environment < arguments."""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pycore.service.faults import faults, meant
from pycore.service.priorities import Bounds, Priority, Room, room_of

MIB = 1 << 20

Settings = TypeVar("Settings", bound=BaseSettings)
CONFIG_FILE_VARIABLE = "PYCORE_CONFIG_FILE"
_OTHER_VARIABLES = [
    "PYCORE_BACKEND", "PYCORE_THREADS", "PYCORE_KEY_CACHE", "PYCORE_TRUST_STORE", "PYCORE_TOKEN", "PYCORE_TOKEN_FILE",
    "PYCORE_VECTORS", "PYCORE_CUDA_CALIBRATION", "PYCORE_FABRICX_CONFIG_FILE", "PYCORE_TUNING", "PYCORE_TRANSPORT",
]  # fmt: skip
FLAGS = {"--check-config": "start nothing: say what is wrong with these settings and the files that they name"}
"""Options of the service that are no settings, with their help."""


class ServiceConfig(BaseSettings):
    """Every setting of the service. Field `x` is the environment variable `PYCORE_X` and the option `--x` of
    `python -m pycore.service`.

    >>> ServiceConfig(address="127.0.0.1:0").max_message_bytes
    16777216
    """

    model_config = SettingsConfigDict(env_prefix="PYCORE_", extra="forbid", frozen=True)

    config_file: Path | None = Field(None, description="TOML or JSON file with any of these settings")
    address: str = Field("127.0.0.1:50051", description="host:port, [v6]:port or unix:/path; port 0 picks a free one")
    insecure_non_loopback: bool = Field(False, description="serve other machines without TLS")

    lane: Path | None = Field(None, description="Unix socket for callers on this host that share memory (Linux)")
    lane_mode: str = Field(
        "0600",
        pattern="^0?[0-7]{3}$",
        description="mode of that socket: who may connect",
        json_schema_extra={"wanted": 'an octal mode, such as "0600"'},
    )

    tls_certificate: Path | None = Field(None, description="PEM chain of the server; switches TLS on")
    tls_private_key: Path | None = Field(None, description="PEM key of the server")
    tls_client_ca: Path | None = Field(None, description="PEM roots for client certificates; switches mutual TLS on")
    access_file: Path | None = Field(None, description="TOML or JSON: which clients may call, and what each may do")
    reflection: bool | None = Field(
        None, description="whether the API can be listed by reflection (default: on loopback addresses only)"
    )

    max_message_bytes: int = Field(16 * MIB, ge=1024, le=(1 << 31) - 1, description="largest request message")
    max_batch_items: int = Field(1 << 18, ge=1, le=1 << 26, description="most items of one request")
    max_answer_bytes: int = Field(
        16 * MIB,
        ge=1024,
        le=(1 << 31) - 1,
        description="most bytes of digests, proofs, contexts and words in one answer",
    )
    max_inflight_items: int = Field(1 << 20, ge=1, description="items waiting or running, over all requests")
    max_inflight_bytes: int = Field(256 * MIB, ge=1, description="request bytes waiting or running, over all requests")
    max_votes_items: int | None = Field(None, ge=1, description="of these, items of votes (default: all)")
    max_votes_bytes: int | None = Field(None, ge=1, description="of these, request bytes of votes (default: all)")
    max_transactions_items: int | None = Field(
        None, ge=1, description="of these, items of the priority `transactions` (default: 7 in 8)"
    )
    max_transactions_bytes: int | None = Field(
        None, ge=1, description="of these, request bytes of the priority `transactions` (default: 7 in 8)"
    )
    max_audits_items: int | None = Field(
        None, ge=1, description="of these, items of the priority `audits` (default: half)"
    )
    max_audits_bytes: int | None = Field(
        None, ge=1, description="of these, request bytes of the priority `audits` (default: half)"
    )
    max_client_items: int | None = Field(
        None, ge=1, description="of these, items of one client, or connection without an access file (default: half)"
    )
    max_client_bytes: int | None = Field(
        None, ge=1, description="of these, request bytes of one client, or connection (default: half)"
    )
    max_concurrent_rpcs: int = Field(1024, ge=1, description="calls and streams open at once, over all callers")
    max_connection_rpcs: int = Field(
        512, ge=1, description="calls and streams open at once of one connection, where no access file says who calls"
    )
    max_unread_bytes: int = Field(
        64 * MIB,
        ge=1,
        description="answer bytes that one client, or one connection without an access file, has not read",
    )
    max_connection_age: float | None = Field(
        None, gt=0, description="seconds until a connection is asked to come again, so that clients spread out again"
    )
    stream_window: int = Field(4, ge=1, le=1024, description="batches of one stream in progress at once")

    max_joined_items: int = Field(
        1024, ge=1, le=1 << 16, description="items of small requests that are done together; 1 joins nothing"
    )
    max_queue_delay_us: int = Field(
        5000,
        ge=0,
        le=1_000_000,
        description="microseconds that a small request may wait for others; a lone one never does",
    )

    verdict_cache_bytes: int = Field(
        32 * MIB, ge=0, le=1 << 34, description="memory for signatures that were found valid; 0 remembers none"
    )

    warm_up: bool = Field(
        True, description="compile and import at the start what requests need; health says NOT_SERVING until then"
    )
    front: Literal["auto", "grpcio", "nghttp2"] = Field(
        "auto", description="what speaks gRPC: nghttp2, grpcio, or auto: the first where it was built, else the second"
    )
    event_loop: Literal["asyncio", "uvloop"] = Field(
        "asyncio", description="what carries the calls; uvloop needs the extra `fast`"
    )
    processes: int = Field(1, ge=1, le=256, description="service processes behind the one port")
    process: str = Field(
        "1/1",
        pattern=r"^\d{1,3}/\d{1,3}$",
        description="which of how many this one is: what `processes` sets",
        json_schema_extra={"wanted": "two numbers, such as 1/1"},
    )
    share_port: bool = Field(False, description="other processes may listen on the port: what `processes` sets")
    supervisor: int | None = Field(
        None,
        ge=1,
        description="the process that looks after this one, which drains when that ends: what `processes` sets",
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="requests computed at once (default: CPUs)"
    )
    threads: int | None = Field(None, ge=1, description="threads of one request; default: as in-process")

    stall_after: float = Field(
        10.0, gt=0, description="seconds without a free worker until health says NOT_SERVING and new calls are refused"
    )
    metrics_address: str | None = Field(
        None, description="host:port of the figures for Prometheus, over plain HTTP; port 0 picks a free one"
    )
    admin_address: str | None = Field(
        None, description="host:port of the admin page, over plain HTTP, on a loopback address; port 0 picks a free one"
    )
    admin_non_loopback: bool = Field(False, description="serve the admin page to other machines")
    drain_delay: float = Field(0.25, ge=0, description="seconds between health NOT_SERVING and refusing new calls")
    drain_grace: float = Field(30.0, ge=0, description="seconds that calls in flight have to finish")
    trace_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[\w.\[\]:-]+:\d{1,5}$",
        description="http://host:port of an OpenTelemetry receiver (OTLP over gRPC), https:// for TLS; extra `otel`",
        json_schema_extra={"wanted": "http://host:port or https://host:port"},
    )
    trace_share: float = Field(
        1.0, ge=0, le=1, description="share of the calls that are traced, where the caller has not decided"
    )
    log_level: str = Field(
        "info",
        pattern="^(?i:debug|info|warning|error)$",
        description="debug, info, warning, error",
        json_schema_extra={"wanted": "debug, info, warning or error"},
    )
    log_format: str = Field(
        "auto",
        pattern="^(auto|plain|json)$",
        description="json, plain, or auto: plain on a terminal, json elsewhere",
        json_schema_extra={"wanted": "auto, plain or json"},
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before file."""
        return sources_of(settings_cls, init_settings, env_settings, CONFIG_FILE_VARIABLE)

    @model_validator(mode="after")
    def _check(self) -> ServiceConfig:
        if (self.tls_certificate is None) != (self.tls_private_key is None):
            raise ValueError("tls_certificate and tls_private_key belong together: set both or none")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("tls_client_ca needs tls_certificate and tls_private_key")
        if not is_loopback(self.address) and not self.tls and not self.insecure_non_loopback:
            raise ValueError(
                f"address {self.address} can be reached from other machines: set tls_certificate and tls_private_key, "
                "or insecure_non_loopback if something else protects it"
            )
        if (self.processes > 1 or self.share_port) and self.address.startswith("unix"):
            raise ValueError(f"processes: {self.processes} cannot share the Unix socket {self.address}")
        if self.lane is not None:
            if sys.platform != "linux":
                raise ValueError(f"lane needs Linux (memfd, SO_PEERCRED), this is {sys.platform}")
            if self.processes > 1 or self.share_port:
                raise ValueError(f"processes: {self.processes} cannot share the lane {self.lane}")
        self._check_pages()
        return self

    def _check_pages(self) -> None:
        """ValueError where the addresses of figures and admin page cannot be, or are those of something else."""
        taken = {} if self.address.startswith("unix") else {"address": (self.address, 1)}
        for name in ("metrics_address", "admin_address"):
            address: str | None = getattr(self, name)
            if address is None:
                continue
            here = is_loopback(address, name, unix=False)
            if name == "admin_address" and not here and not self.admin_non_loopback:
                raise ValueError(
                    f"admin_address {address} can be reached from other machines, and the page asks nobody who they "
                    "are: use a loopback address and a tunnel, or set admin_non_loopback if something else protects it"
                )
            for other, (its, ports) in taken.items():
                if _meet(address, self.processes, its, ports):
                    each = f" for each of {self.processes} processes" if self.processes > 1 else ""
                    raise ValueError(f"{name} {address} is taken by {other} {its}: wanted another port{each}")
            taken[name] = address, self.processes

    @property
    def tls(self) -> bool:
        """Whether the service speaks TLS."""
        return self.tls_certificate is not None

    @property
    def bounds(self) -> Bounds:
        """What may be in flight, over all requests, of each priority and of one client."""
        whole = Room(self.max_inflight_items, self.max_inflight_bytes)

        def room(name: str, priority: Priority | None) -> Room:
            items: int | None = getattr(self, f"max_{name}_items")
            nbytes: int | None = getattr(self, f"max_{name}_bytes")
            return Room(items or room_of(whole.items, priority), nbytes or room_of(whole.nbytes, priority))

        each = {priority: room(priority.word, priority) for priority in Priority}
        return Bounds(whole.items, whole.nbytes, each, room("client", None))

    @property
    def reflects(self) -> bool:
        """Whether reflection is on."""
        return is_loopback(self.address) if self.reflection is None else self.reflection


def sources_of(
    kind: type[BaseSettings], given: PydanticBaseSettingsSource, environment: PydanticBaseSettingsSource, variable: str
) -> tuple[PydanticBaseSettingsSource, ...]:
    """Arguments, environment, and the file that the arguments or an environment variable name."""
    named: Any = given().get("config_file") or os.environ.get(variable)
    if not named:
        return (given, environment)
    path = Path(named)
    if not path.is_file():  # the library's sources would silently read nothing
        raise FileNotFoundError(f"configuration file {path} does not exist")
    try:
        if path.suffix == ".json":
            return (given, environment, JsonConfigSettingsSource(kind, json_file=path))
        return (given, environment, TomlConfigSettingsSource(kind, toml_file=path))
    except ValueError as error:  # the parsers name a line, and no file
        raise ValueError(f"configuration file {path}: {error}") from error


def misspelt_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like a setting and have no effect, in words.

    >>> misspelt_variables({"PYCORE_ADRESS": "x", "PYCORE_BACKEND": "avx2", "PYCORE_MY_OWN": "1"})
    ['the environment variable PYCORE_ADRESS is no setting: is PYCORE_ADDRESS meant?']
    """
    known = [f"PYCORE_{name.upper()}" for name in ServiceConfig.model_fields] + _OTHER_VARIABLES
    return [
        f"the environment variable {name} is no setting: {question}"
        for name in sorted(environment)
        if name.startswith("PYCORE_") and name not in known and (question := meant(name, known))
    ]


def is_loopback(address: str, setting: str = "address", *, unix: bool = True) -> bool:
    """Whether only this machine can reach a listen address: 127.0.0.0/8, ::1, `localhost` or a Unix socket.

    Args:
        address: as the settings have it.
        setting: whose value it is, for the message of an error.
        unix: whether it may be a Unix socket.

    Raises:
        ValueError: the address has not one of the forms that the service listens on.

    >>> [is_loopback(address) for address in ("127.8.0.1:50051", "[::1]:0", "unix:/run/pycore.sock", "0.0.0.0:1")]
    [True, True, True, False]
    """
    is_unix = address.startswith(("unix:", "unix-abstract:"))
    if is_unix and unix:
        return True
    host, separator, port = address.rpartition(":")
    if is_unix or not separator or not port.isdecimal() or int(port) > 65535 or not host:
        forms = "host:port, [v6]:port or unix:/path" if unix else "host:port or [v6]:port"
        raise ValueError(f"{setting} {address!r}: wanted {forms}")
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise ValueError(f"{setting} {address!r}: wanted brackets around an IPv6 host, as in [::1]:50051")
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return False  # a name can mean any interface
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _meet(one: str, ports: int, other: str, other_ports: int) -> bool:
    """Whether two listen addresses, each of so many ports in a row, have a port of one host in common. Port 0 is always
    another one."""
    (host, _, first), (other_host, _, other_first) = one.rpartition(":"), other.rpartition(":")
    a, b = int(first), int(other_first)
    hosts = {"127.0.0.1" if name == "localhost" else name for name in (host, other_host)}
    everywhere = "[::]" in hosts or ("0.0.0.0" in hosts and not any(name.startswith("[") for name in hosts))
    return bool(a and b) and (len(hosts) == 1 or everywhere) and a < b + other_ports and b < a + ports


class SettingsError(ValueError):
    """Settings that cannot be; the message names them."""


def parse(
    arguments: Sequence[str] | None = None,
    *,
    prog: str = "python -m pycore.service",
    epilog: str | None = None,
    exits: bool = True,
) -> ServiceConfig:
    """The configuration from command line, environment and file. Exits with 2 and a message on a wrong one; without
    `exits` a wrong value is SettingsError."""
    words = "The pycore gRPC validation service."
    return parse_as(ServiceConfig, words, arguments, prog=prog, epilog=epilog, flags=FLAGS, exits=exits)


def parse_as(
    kind: type[Settings],
    description: str,
    arguments: Sequence[str] | None,
    *,
    prog: str,
    epilog: str | None,
    flags: Mapping[str, str] = MappingProxyType({}),
    exits: bool = True,
) -> Settings:
    """The settings of any kind, as :func:`parse` reads those of the service. `flags`: options that the caller looks for
    by itself, with their help."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # callers look for their flags by the whole name: --check must not pass as --check-config
    )
    for name, field in kind.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        default = (
            "" if field.get_default() in (None, False, PydanticUndefined) else f" (default: {field.get_default()})"
        )
        words = f"{field.description}{default}"
        if field.annotation in (bool, bool | None):
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=words)
        else:
            parser.add_argument(option, default=None, metavar=_metavar(name), help=words)
    for option, words in flags.items():
        parser.add_argument(option, action="store_true", dest=option, help=words)
    parsed = vars(parser.parse_args(arguments))
    given = {name: value for name, value in parsed.items() if value is not None and name not in flags}
    try:
        return kind(**given)
    except ValidationError as error:
        words = faults(error, kind)
    except (OSError, ValueError) as error:
        words = str(error)
    if exits:
        parser.exit(2, f"{prog}: error: {words}\n")  # without the usage, whose lines would hide the message
    raise SettingsError(words)


def _metavar(name: str) -> str:
    return name.rpartition("_")[2].upper()
