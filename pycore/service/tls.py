"""Server credentials from files. A certificate renewed on disk is used for the next handshake, without a restart."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import grpc

T = TypeVar("T")

_log = logging.getLogger("pycore.service")


class TlsError(ValueError):
    """PEM files that cannot be used; which and why, in words."""


class TlsFiles(Protocol):
    """Settings that name PEM files."""

    @property
    def tls_certificate(self) -> Path | None:
        """Chain of the server."""
        ...

    @property
    def tls_private_key(self) -> Path | None:
        """Key of the server."""
        ...

    @property
    def tls_client_ca(self) -> Path | None:
        """Roots of client certificates; switches mutual TLS on."""
        ...


class CertificateFiles:
    """The certificate, key and client roots of a configuration, read again when one of the files changes."""

    def __init__(self, config: TlsFiles) -> None:
        if config.tls_certificate is None or config.tls_private_key is None:
            raise ValueError("the configuration names no certificate and key")
        self._certificate: Path = config.tls_certificate
        self._key: Path = config.tls_private_key
        self._client_ca = config.tls_client_ca
        self._state = self._stat()

    def _stat(self) -> tuple[tuple[int, int], ...]:
        paths = (self._certificate, self._key, *([self._client_ca] if self._client_ca else []))
        return tuple((status.st_mtime_ns, status.st_size) for status in (path.stat() for path in paths))

    def read(self) -> grpc.ServerCertificateConfiguration:
        """The files as they are now.

        Raises:
            OSError: a file cannot be read.
            TlsError: files that make no TLS server. gRPC itself would take them, and fail every handshake.
        """
        check_files(self._certificate, self._key, self._client_ca)
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        roots = self._client_ca.read_bytes() if self._client_ca else None
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)

    def check(self) -> None:
        """As :meth:`read`, for whoever reads the files by other means."""
        check_files(self._certificate, self._key, self._client_ca)

    def read_if_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The files when they changed since the last call, else None. Called by gRPC before each handshake."""
        return self.renewed(self.read)

    def renewed(self, read: Callable[[], T]) -> T | None:
        """What `read` makes of the files when they changed since the last call, else None."""
        try:
            state = self._stat()
            if state == self._state:
                return None
            fresh = read()
        except (OSError, ValueError) as error:  # half-way through a renewal: the old pair still serves
            _log.warning("certificate files cannot be used, keeping the loaded ones: %s", error)
            return None
        self._state = state
        _log.info("certificate reloaded from %s", self._certificate)
        return fresh


def check_files(certificate: Path, key: Path, client_ca: Path | None) -> None:
    """Nothing, or TlsError where the certificate and key do not belong together, or there are no roots for clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for path in (certificate, key, *([client_ca] if client_ca else [])):
        path.read_bytes()  # OSError with the name, which OpenSSL does not say
    try:
        # Without a password, so that nobody is asked for one at a terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as error:
        words = "do not belong together" if "mismatch" in str(error).lower() else f"are no PEM chain and key: {error}"
        raise TlsError(f"tls_certificate {certificate} and tls_private_key {key} {words}") from None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (ssl.SSLError, ValueError) as error:
            raise TlsError(f"tls_client_ca {client_ca}: no PEM certificates: {error}") from None


def server_credentials(config: TlsFiles) -> grpc.ServerCredentials:
    """Credentials for TLS; with `tls_client_ca` for mutual TLS: a client without a certificate is refused."""
    files = CertificateFiles(config)
    return grpc.dynamic_ssl_server_credentials(
        files.read(),
        files.read_if_changed,  # type: ignore[arg-type] # None means "unchanged", which the stubs do not know
        require_client_authentication=config.tls_client_ca is not None,
    )
