"""``pycore serve --check-config``: what a service with these settings would be, without starting one."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from pycore.service.access import AccessError, Clients, access_warnings, read_access
from pycore.service.config import ServiceConfig, SettingsError, is_loopback, misspelt_variables
from pycore.service.event_loop import EventLoopError, loop_runner
from pycore.service.front import speaks_native
from pycore.service.lane_memory import lane_faults
from pycore.service.tls import TlsError, advice, check_files

__all__ = ["check", "check_config", "findings"]


def findings(config: ServiceConfig) -> tuple[list[str], list[str]]:
    """What stops such a service from starting, and what its operator should know."""
    errors: list[str] = []
    warnings: list[str] = []
    if config.tls_certificate is not None and config.tls_private_key is not None:
        try:
            check_files(config.tls_certificate, config.tls_private_key, config.tls_client_ca)
        except (OSError, TlsError) as error:
            errors.append(str(error))
    over, notes = advice(config)
    errors += over
    warnings += notes
    try:
        loop_runner(config.event_loop)
    except EventLoopError as error:
        errors.append(f"event_loop: {error}")
    try:
        speaks_native(config.front)
    except OSError as error:
        errors.append(str(error))
    clients: Clients | None = None
    if config.access_file is not None:
        try:
            document = read_access(config.access_file)
            warnings += [f"access_file: {words}" for words in access_warnings(document)]
            clients = Clients(document)
        except AccessError as error:
            errors.append(f"access_file: {error}")
    if config.trace_endpoint is not None and importlib.util.find_spec("opentelemetry") is None:
        errors.append("trace_endpoint needs the extra: pip install 'pycore-validation[otel]'")
    open_to_others = not is_loopback(config.address)
    if open_to_others and config.access_file is None and config.tls_client_ca is None:
        warnings.append("every machine that reaches the address may call: set tls_client_ca or access_file")
    if config.admin_address is not None and not is_loopback(config.admin_address):
        warnings.append("the admin page asks nobody who they are: admin_non_loopback needs something that protects it")
    if clients is not None and clients.take_tokens and not config.tls and open_to_others:
        warnings.append("tokens travel in the clear: set tls_certificate and tls_private_key")
    if config.lane is not None:
        errors += [f"lane: {words}" for words in lane_faults(config.lane)]
        if clients is None and int(config.lane_mode, 8) & 0o066:
            warnings.append("every user who may write to the lane may call: set access_file with uids")
    elif clients is not None and clients.take_users:
        warnings.append("clients with uids are known on the lane only, and there is none: set lane")
    by_user = clients is not None and clients.take_users and config.lane is not None
    if clients is not None and config.tls_client_ca is None and not clients.take_tokens and not by_user:
        warnings.append("clients are known by certificates only, and without tls_client_ca none is asked for one")
    if config.max_inflight_bytes < config.max_message_bytes:
        warnings.append("max_inflight_bytes is below max_message_bytes: the largest requests are served one by one")
    warnings += misspelt_variables(os.environ)
    return errors, warnings


def check_config(config: ServiceConfig, *, as_json: bool = False) -> int:
    """Prints the settings that differ from the defaults, the findings, and the exit status: 0, or 2 with errors."""
    errors, warnings = findings(config)
    changed: dict[str, Any] = {
        name: str(value) if hasattr(value, "__fspath__") else value
        for name in ServiceConfig.model_fields
        if (value := getattr(config, name)) != ServiceConfig.model_fields[name].get_default(call_default_factory=True)
    }
    if as_json:
        print(json.dumps({"ok": not errors, "settings": changed, "errors": errors, "warnings": warnings}, indent=2))
        return 2 if errors else 0
    for name, value in changed.items():
        print(f"{name} = {value}")
    for words in warnings:
        print(f"warning: {words}", file=sys.stderr)
    for words in errors:
        print(f"error: {words}", file=sys.stderr)
    print("the service cannot start so" if errors else "the settings are good")
    return 2 if errors else 0


def check(read: Callable[[], ServiceConfig], *, as_json: bool = False) -> int:
    """:func:`check_config` of settings that may be wrong themselves, which is the one finding then."""
    try:
        config = read()
    except SettingsError as error:
        if as_json:
            print(json.dumps({"ok": False, "settings": {}, "errors": [str(error)], "warnings": []}, indent=2))
        else:
            print(f"error: {error}", file=sys.stderr)
            print("the service cannot start so")
        return 2
    return check_config(config, as_json=as_json)
