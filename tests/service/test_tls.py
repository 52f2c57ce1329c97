"""TLS, mutual TLS and renewed certificates, with certificates made for the test."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

import pycore
from pycore.client import AsyncValidationClient, ServiceError, Tls, ValidationClient
from pycore.client.direct import is_built
from pycore.errors import InputError
from pycore.service.config import ServiceConfig
from pycore.service.server import Server, background
from pycore.service.tls import TlsError

from .conftest import PATIENCE, Authority

TRANSPORTS = ["grpcio", *(["nghttp2"] if is_built() else [])]


@pytest.fixture
def tls_server(authority: Authority) -> Iterator[Server]:
    certificate, key = authority.issue("pycore.test")
    config = ServiceConfig(address="127.0.0.1:0", tls_certificate=certificate, tls_private_key=key, drain_delay=0)
    with background(config) as server:
        yield server


def works(target: str, tls: Tls | bool | None) -> bool:
    """Whether a client gets an answer; no other outcome than that or UNAVAILABLE is expected."""
    with ValidationClient(target, tls=tls, timeout=PATIENCE) as client:
        try:
            return client.hash("sha256", b"") == pycore.hash("sha256", b"")
        except ServiceError as error:
            assert error.code is grpc.StatusCode.UNAVAILABLE  # noqa: PT017
            return False


def test_tls(tls_server: Server, authority: Authority, tmp_path: Path) -> None:
    assert works(tls_server.target, Tls(root_certificates=authority.path))
    assert works(tls_server.target, Tls(root_certificates=str(authority.path), server_name="pycore.test"))
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    assert not works(tls_server.target, Tls(root_certificates=stranger.path))
    assert not works(tls_server.target, Tls(root_certificates=authority.path, server_name="elsewhere.test"))
    assert not works(tls_server.target, True)
    assert not works(tls_server.target, None)


@pytest.mark.asyncio
async def test_tls_with_the_asyncio_client(tls_server: Server, authority: Authority) -> None:
    async with AsyncValidationClient(tls_server.target, tls=Tls(root_certificates=authority.path)) as client:
        await client.wait_until_ready(PATIENCE)
        assert await client.hash("sha256", b"") == pycore.hash("sha256", b"")


def test_mutual_tls(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("pycore.test")
    (tmp_path / "clients").mkdir()
    clients = Authority(tmp_path / "clients", "clients")
    mine = clients.issue("node-1", ExtendedKeyUsageOID.CLIENT_AUTH)
    foreign = authority.issue("node-2", ExtendedKeyUsageOID.CLIENT_AUTH)
    config = ServiceConfig(
        address="127.0.0.1:0",
        tls_certificate=certificate,
        tls_private_key=key,
        tls_client_ca=clients.path,
        drain_delay=0,
    )
    with background(config) as server:
        assert works(server.target, Tls(authority.path, *mine))
        assert not works(server.target, Tls(authority.path))
        assert not works(server.target, Tls(authority.path, *foreign))
        assert not works(server.target, None)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_waiting_for_a_service_says_why_it_is_in_vain(
    tls_server: Server, authority: Authority, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")

    def words(tls: Tls | None, timeout: float) -> str:
        with (
            ValidationClient(tls_server.target, tls=tls, transport=transport) as client,
            pytest.raises(ServiceError, match="was not ready") as caught,
        ):
            client.wait_until_ready(timeout)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        return str(caught.value)

    assert re.search("(?i)certificate.verify.failed", words(Tls(stranger.path), 36_000))  # it does not wait for that
    elsewhere = words(Tls(authority.path, server_name="elsewhere.test"), 36_000)
    assert re.search("Hostname Verification|not valid for 'elsewhere.test'", elsewhere)
    plain = words(None, 0.3)
    assert "within 0.3 s" in plain
    assert "does it want TLS?" in plain if transport == "nghttp2" else "UNAVAILABLE" in plain


@pytest.mark.asyncio
async def test_the_asyncio_client_does_not_wait_for_a_stranger(tls_server: Server, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    async with AsyncValidationClient(tls_server.target, tls=Tls(stranger.path)) as client:
        with pytest.raises(ServiceError, match=r"(?i)was not ready: .*certificate.verify.failed"):
            await client.wait_until_ready(36_000)


def test_files_of_a_client_that_do_not_go_together(authority: Authority) -> None:
    """They are an error before anything connects."""
    certificate, key = authority.issue("node-1", ExtendedKeyUsageOID.CLIENT_AUTH)
    _, other = authority.issue("node-2", ExtendedKeyUsageOID.CLIENT_AUTH)
    with pytest.raises(InputError, match="private_key: got None"):
        Tls(authority.path, certificate)
    with pytest.raises(InputError, match="certificate: got None"):
        Tls(authority.path, private_key=key)
    for transport in TRANSPORTS:
        with pytest.raises(
            InputError, match=rf"private_key: got .*{other.name}.*, wanted the key of .*{certificate.name}"
        ):
            ValidationClient("localhost:1", tls=Tls(authority.path, certificate, other), transport=transport)
    path: Any = str(authority.path)
    with pytest.raises(InputError, match=r"tls: got .*, wanted a Tls"):
        ValidationClient("localhost:1", tls=path)


@pytest.mark.parametrize("target", ["localhost", "dns:///node", "[::1]", ["a:1", "b"], "a:1,b"])
def test_a_target_without_a_port(target: str | list[str]) -> None:
    with pytest.raises(InputError, match=r"target: got .*, wanted a port as well"):
        ValidationClient(target)


def presented_serial(target: str, authority: Authority) -> int:
    host, _, port = target.rpartition(":")
    context = ssl.create_default_context(cafile=str(authority.path))
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as s,
    ):
        found = s.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found).serial_number


def test_a_renewed_certificate_is_used_without_a_restart(tls_server: Server, authority: Authority) -> None:
    certificate, key = (
        Path(str(path)) for path in (tls_server.config.tls_certificate, tls_server.config.tls_private_key)
    )
    before = presented_serial(tls_server.target, authority)
    with ValidationClient(tls_server.target, tls=Tls(authority.path)) as open_already:
        assert open_already.hash("sha256", b"")
        moved = certificate.with_suffix(".old")
        certificate.rename(moved)  # half-way through a renewal: the loaded pair goes on
        assert presented_serial(tls_server.target, authority) == before
        moved.rename(certificate)
        authority.issue("pycore.test")
        stamp = time.time() + 5
        os.utime(certificate, (stamp, stamp))
        os.utime(key, (stamp, stamp))
        after = presented_serial(tls_server.target, authority)
        assert after != before
        assert after == x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
        assert open_already.hash("sha256", b"")


def test_a_missing_certificate_file_stops_the_start(tmp_path: Path) -> None:
    config = ServiceConfig(
        address="127.0.0.1:0", tls_certificate=tmp_path / "absent.crt", tls_private_key=tmp_path / "absent.key"
    )
    with pytest.raises(OSError, match="absent"), background(config):
        pass


def test_a_key_of_another_certificate_stops_the_start_and_no_renewal(authority: Authority) -> None:
    certificate, key = authority.issue("pycore.test")
    other = authority.issue("other")[1]
    config = ServiceConfig(address="127.0.0.1:0", tls_certificate=certificate, tls_private_key=key, drain_delay=0)
    wrong = config.model_copy(update={"tls_private_key": other})
    with pytest.raises(TlsError, match="do not belong together"), background(wrong):
        pass
    with background(config) as server:
        good, stamp = certificate.read_bytes(), time.time()
        for later, content in ((5, b"garbage"), (10, other.read_bytes())):
            certificate.write_bytes(content)
            os.utime(certificate, (stamp + later, stamp + later))
            assert works(server.target, Tls(authority.path))  # the loaded pair goes on
        certificate.write_bytes(good)


def test_unix_sockets(tmp_path: Path) -> None:
    with background(ServiceConfig(address=f"unix:{tmp_path}/pycore.sock", drain_delay=0)) as server:
        assert server.port == 0
        assert works(server.target, None)


def test_a_unix_socket_is_not_taken_from_a_service_that_lives(tmp_path: Path) -> None:
    config = ServiceConfig(address=f"unix:{tmp_path}/pycore.sock", drain_delay=0)
    with background(config) as server:
        with pytest.raises(OSError, match="another process"), background(config):
            pass
        assert works(server.target, None)
    left = socket.socket(socket.AF_UNIX)
    left.bind(f"{tmp_path}/left.sock")  # as after a crash: a path without a process
    left.close()
    with background(config.model_copy(update={"address": f"unix:{tmp_path}/left.sock"})) as server:
        assert works(server.target, None)


def test_the_command_line_over_tls(tls_server: Server, authority: Authority, tmp_path: Path) -> None:
    def info(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pycore.cli", "info", *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(pycore.__file__).parents[1])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    good = info("--via", tls_server.target, "--tls-ca", str(authority.path), "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["version"] == pycore.__version__
    assert info("--via", tls_server.target, "--tls-ca", str(authority.path), "--tls-name", "elsewhere").returncode == 3
    assert info("--via", tls_server.target, "--tls").returncode == 3
    for options in (["--tls"], ["--tls-ca", "ca.pem"], ["--via", tls_server.target, "--tls-key", "key.pem"]):
        done = info(*options)
        assert (done.returncode, "--tls" in done.stderr) == (2, True), done.stderr
