"""Settings: where they come from, and addresses that need TLS."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pycore.service.check import check, check_config, findings
from pycore.service.config import ServiceConfig, SettingsError, is_loopback, parse
from pycore.service.server import background, run
from pycore.service.tls import CertificateFiles, advice, validity

from .conftest import Authority


def test_arguments_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pycore.toml"
    file.write_text("workers = 3\nmax_batch_items = 300\nstream_window = 3\n")
    monkeypatch.setenv("PYCORE_CONFIG_FILE", str(file))
    monkeypatch.setenv("PYCORE_MAX_BATCH_ITEMS", "200")
    monkeypatch.setenv("PYCORE_STREAM_WINDOW", "2")
    config = ServiceConfig(stream_window=1)
    assert (config.workers, config.max_batch_items, config.stream_window) == (3, 200, 1)
    assert config.drain_grace == 30.0


@pytest.mark.parametrize("name", ["pycore.json", "pycore.toml"])
def test_files_of_both_kinds(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text('{"workers": 5}' if name.endswith("json") else "workers = 5\n")
    assert ServiceConfig(config_file=file).workers == 5


def test_a_missing_file_and_an_unknown_setting_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ServiceConfig(config_file=tmp_path / "absent.toml")
    file = tmp_path / "pycore.toml"
    file.write_text("worker = 5\n")
    with pytest.raises(ValidationError, match="worker"):
        ServiceConfig(config_file=file)


@pytest.mark.parametrize("option", ["--check", "--check-conf", "--worker=2", "--no-warm"])
def test_names_are_not_abbreviated(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse([option])
    assert caught.value.code == 2
    assert option in capsys.readouterr().err


def test_the_command_line_knows_every_setting() -> None:
    config = parse(["--address", "[::1]:7000", "--workers", "2", "--no-insecure-non-loopback", "--drain-grace", "1.5"])
    assert (config.address, config.workers, config.drain_grace) == ("[::1]:7000", 2, 1.5)
    with pytest.raises(SystemExit) as caught:
        parse(["--workers", "0"])
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("workers = 0", "^workers: got 0, wanted at least 1$"),
        ("workers = 'two'", "^workers: got 'two', wanted a whole number$"),
        ("max_message_bytes = '16MiB'", "^max_message_bytes: got '16MiB', wanted a number of bytes, such as 16777216$"),
        ("drain_grace = 'x'", "^drain_grace: got 'x', wanted a number$"),
        ("adress = 'x'", r"^adress: no such setting; is address meant\?$"),
        ("max-message-bytes = 5", r"^max-message-bytes: no such setting; is max_message_bytes meant\?$"),
        ("[service]", "^service: no such setting$"),
        ("log_level = 'loud'", "^log_level: got 'loud', wanted debug, info, warning or error$"),
        ("log_format = 'xml'", "^log_format: got 'xml', wanted auto, plain or json$"),
        ("trace_endpoint = 'x'", "^trace_endpoint: got 'x', wanted http://host:port or https://host:port$"),
        ("lane_mode = '9'", '^lane_mode: got .9., wanted an octal mode, such as "0600"$'),
        ("front = 'x'", "^front: got 'x', wanted auto, grpcio or nghttp2$"),
        ("metrics_address = '9464'", r"^metrics_address '9464': wanted host:port or \[v6\]:port$"),
        ("admin_address = 'unix:/x'", r"^admin_address 'unix:/x': wanted host:port or \[v6\]:port$"),
        ("metrics_address = 'localhost:50051'", "^metrics_address localhost:50051 is taken by address 127.0.0.1:50051"),
        ("workers == 0", "configuration file .*pycore.toml: .*line 1"),
        ('address = "0.0.0.0:1"', "^address 0.0.0.0:1 can be reached"),
    ],
)
def test_a_wrong_setting_is_one_line_in_every_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    file = tmp_path / "pycore.toml"
    file.write_text(text)
    arguments = ["--config-file", str(file)]
    with pytest.raises(SettingsError, match=words) as caught:
        parse(arguments, exits=False)
    with pytest.raises(SystemExit) as left:
        parse(arguments)
    assert (left.value.code, capsys.readouterr().err) == (2, f"python -m pycore.service: error: {caught.value}\n")
    assert check(lambda: parse(arguments, exits=False), as_json=True) == 2
    wanted = {"ok": False, "settings": {}, "errors": [str(caught.value)], "warnings": []}
    assert json.loads(capsys.readouterr().out) == wanted
    assert check(lambda: parse(arguments, exits=False)) == 2
    assert capsys.readouterr().err == f"error: {caught.value}\n"


LOOPBACK = ["127.0.0.1:1", "127.255.3.4:65535", "[::1]:0", "localhost:50051", "unix:/run/x.sock", "unix-abstract:x",
            "[::ffff:127.0.0.1]:1"]  # fmt: skip
OPEN = ["0.0.0.0:1", "[::]:1", "192.168.0.1:50051", "example.org:1", "localhost.example.org:1", "[::ffff:10.0.0.1]:1"]


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_needs_no_tls(address: str) -> None:
    assert is_loopback(address)
    assert ServiceConfig(address=address).address == address


@pytest.mark.parametrize("address", OPEN)
def test_other_addresses_need_tls_or_a_word(address: str) -> None:
    assert not is_loopback(address)
    with pytest.raises(ValidationError, match="insecure_non_loopback"):
        ServiceConfig(address=address)
    assert ServiceConfig(address=address, insecure_non_loopback=True).address == address
    assert ServiceConfig(address=address, tls_certificate=Path("c"), tls_private_key=Path("k")).tls


@pytest.mark.parametrize("address", ["", "50051", "127.0.0.1", "127.0.0.1:x", "::1:50051", ":50051", "127.0.0.1:65536",
                                     "[::1:5", "127.0.0.1:-1"])  # fmt: skip
def test_malformed_addresses(address: str) -> None:
    with pytest.raises(ValidationError, match="address"):
        ServiceConfig(address=address)


@pytest.mark.parametrize(
    ("metrics", "admin", "processes", "words"),
    [
        ("127.0.0.1:9", "127.0.0.1:9", 1, "admin_address 127.0.0.1:9 is taken by metrics_address 127.0.0.1:9"),
        ("[::]:9", "127.0.0.1:9", 1, "admin_address 127.0.0.1:9 is taken by metrics_address"),
        ("127.0.0.1:9", "127.0.0.1:10", 2, "wanted another port for each of 2 processes"),
        ("127.0.0.1:50050", "127.0.0.1:0", 2, "metrics_address 127.0.0.1:50050 is taken by address"),
        ("127.0.0.1:9", "127.0.0.1:10", 1, ""),
        ("127.0.0.1:0", "127.0.0.1:0", 1, ""),
        ("[::1]:9", "127.0.0.1:9", 1, ""),
    ],
)
def test_no_two_addresses_meet(metrics: str, admin: str, processes: int, words: str) -> None:
    settings = {"metrics_address": metrics, "admin_address": admin, "processes": processes}
    if words:
        with pytest.raises(ValidationError, match=words.replace("[", r"\[")):
            ServiceConfig(**settings)  # type: ignore[arg-type]
    else:
        ServiceConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["metrics_address", "admin_address"])
def test_a_page_that_cannot_listen_names_its_setting(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = ServiceConfig(address="127.0.0.1:0", drain_delay=0, warm_up=False, **{name: address})  # type: ignore[arg-type]
        with pytest.raises(OSError, match=f"^{name}: cannot listen on {address}: "), background(config):
            pass


def test_reflection_is_for_loopback_unless_asked_for() -> None:
    assert ServiceConfig().reflects
    assert not ServiceConfig(address="0.0.0.0:1", insecure_non_loopback=True).reflects
    assert ServiceConfig(address="0.0.0.0:1", insecure_non_loopback=True, reflection=True).reflects
    assert not ServiceConfig(reflection=False).reflects
    assert not parse(["--no-reflection"]).reflects


def test_an_event_loop_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    errors, _ = findings(ServiceConfig(event_loop="uvloop"))
    assert any("uvloop is not installed: pip install" in words for words in errors)
    with pytest.raises(ValidationError):
        ServiceConfig(event_loop="other")  # type: ignore[arg-type]
    assert run(ServiceConfig(address="127.0.0.1:0", event_loop="uvloop")) == 3


def test_settings_are_checked_without_a_start(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.issue("pycore.test", hours=24 * 30)
    other = authority.issue("other")[1]
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate", encoding="utf-8")

    def checked(**settings: Any) -> tuple[int, dict[str, Any]]:
        status = check_config(ServiceConfig(**settings), as_json=True)
        return status, json.loads(capsys.readouterr().out)

    monkeypatch.delenv("PYCORE_WARM_UP", raising=False)
    monkeypatch.delenv("PYCORE_FRONT", raising=False)  # what is set is shown
    status, good = checked(tls_certificate=certificate, tls_private_key=key, tls_client_ca=authority.path, workers=3)
    assert status == 0
    assert good["ok"]
    assert good["settings"]["workers"] == 3
    assert good["errors"] == good["warnings"] == []
    for files, words in (
        ({"tls_certificate": certificate, "tls_private_key": other}, "do not belong together"),
        ({"tls_certificate": garbage, "tls_private_key": key}, "are no PEM chain and key"),
        ({"tls_certificate": certificate, "tls_private_key": garbage}, "are no PEM chain and key"),
        ({"tls_certificate": certificate, "tls_private_key": key, "tls_client_ca": garbage}, "no PEM certificates"),
        (
            {"tls_certificate": tmp_path / "absent", "tls_private_key": key},
            f"tls_certificate {tmp_path}/absent: No such",
        ),
        (
            {"tls_certificate": certificate, "tls_private_key": tmp_path / "no"},
            f"tls_private_key {tmp_path}/no: No such",
        ),
        (
            {"tls_certificate": certificate, "tls_private_key": key, "tls_client_ca": tmp_path / "no"},
            f"tls_client_ca {tmp_path}/no: No such",
        ),
        ({"access_file": garbage}, "access_file"),
    ):
        status, bad = checked(**files)
        assert status == 2, files
        assert any(words in error for error in bad["errors"]), bad
    _, anyone = checked(address="0.0.0.0:1", insecure_non_loopback=True)
    assert any("every machine" in words for words in anyone["warnings"])
    _, seen = checked(admin_address="0.0.0.0:1", admin_non_loopback=True)
    assert any("admin page" in words for words in seen["warnings"])
    assert check_config(ServiceConfig(workers=3)) == 0
    assert capsys.readouterr().out == "workers = 3\nthe settings are good\n"


def test_the_dates_and_rights_of_tls_files_are_checked(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("pycore.test", hours=24 * 30)
    config = ServiceConfig(tls_certificate=certificate, tls_private_key=key)
    begin, end = validity(certificate)
    second = timedelta(seconds=1)
    assert end - begin == timedelta(days=31)
    for now, errors, warnings in (
        (end - timedelta(days=8), [], []),
        (end - timedelta(days=6), [], ["ends at"]),
        (end + second, ["ended at"], []),
        (begin - second, [], ["is not valid before"]),
    ):
        found = advice(config, now)
        for wanted, given in zip((errors, warnings), found, strict=True):
            assert len(given) == len(wanted), found
            assert all(words in one for words, one in zip(wanted, given, strict=True)), found
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    assert validity(both) == (begin, end)
    key.chmod(0o604)
    assert findings(config) == ([], [f"tls_private_key {key} can be read by everybody: take that right away"])


@pytest.mark.parametrize(
    ("hours", "words", "status"), [(-1, "ended at", 2), (24, "ends at", 0), (24 * 30, "", 0)], ids=str
)
def test_a_certificate_that_ends_is_told(
    authority: Authority, caplog: pytest.LogCaptureFixture, hours: int, words: str, status: int
) -> None:
    """By the check of settings, at the start, when the files are renewed, and when the settings are read again."""
    certificate, key = authority.issue("pycore.test", hours=hours)
    config = ServiceConfig(
        address="127.0.0.1:0", tls_certificate=certificate, tls_private_key=key, drain_delay=0, warm_up=False
    )
    assert check_config(config) == status

    def told() -> int:
        found = [one.getMessage() for one in caplog.records if "tls_certificate" in one.getMessage()]
        caplog.clear()
        assert all(f"tls_certificate {certificate} {words}" in one for one in found), found
        return len(found)

    wanted = 1 if words else 0
    assert told() == 0
    with background(config) as server:
        assert told() == wanted
        asyncio.run_coroutine_threadsafe(_call(lambda: server.reload(config)), server.loop).result()
        assert told() == wanted
    files = CertificateFiles(config)
    assert told() == wanted
    os.utime(certificate, (1, 1))
    assert files.renewed(lambda: True)
    assert told() == wanted


async def _call(what: Callable[[], None]) -> None:
    what()


def test_misspelt_variables_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PYCORE_MAX_BATCH_ITMES", "5")
    monkeypatch.setenv("PYCORE_LOG_LEVEL", "debug")
    assert check_config(ServiceConfig()) == 0
    words = "warning: the environment variable PYCORE_MAX_BATCH_ITMES is no setting: is PYCORE_MAX_BATCH_ITEMS meant?\n"
    assert capsys.readouterr().err == words


def test_tls_files_belong_together() -> None:
    with pytest.raises(ValidationError, match="belong together"):
        ServiceConfig(tls_certificate=Path("c"))
    with pytest.raises(ValidationError, match="tls_client_ca needs"):
        ServiceConfig(tls_client_ca=Path("ca"))
