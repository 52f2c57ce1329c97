"""Server credentials from files. A certificate renewed on disk is used for the next handshake, without a restart."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol, TypeVar

import grpc
from asn1crypto import pem, x509

T = TypeVar("T")

_log = logging.getLogger("pycore.service")
_SOON = timedelta(days=7)


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
        self._config = config
        self._certificate: Path = config.tls_certificate
        self._key: Path = config.tls_private_key
        self._client_ca = config.tls_client_ca
        self._state = self._stat()
        warn_of_files(config)

    def _stat(self) -> tuple[tuple[int, int], ...]:
        found = []
        for setting, path in _named(self._certificate, self._key, self._client_ca):
            with _about(setting, path):
                status = path.stat()
            found.append((status.st_mtime_ns, status.st_size))
        return tuple(found)

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
        warn_of_files(self._config)
        return fresh


def check_files(certificate: Path, key: Path, client_ca: Path | None) -> None:
    """Nothing, or TlsError where the certificate and key do not belong together, or there are no roots for clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for setting, path in _named(certificate, key, client_ca):
        with _about(setting, path):
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


def _named(certificate: Path, key: Path, client_ca: Path | None) -> list[tuple[str, Path]]:
    """The files with the settings that name them."""
    found = [("tls_certificate", certificate), ("tls_private_key", key)]
    return found + ([("tls_client_ca", client_ca)] if client_ca else [])


@contextlib.contextmanager
def _about(setting: str, path: Path) -> Iterator[None]:
    """An OSError inside the block says which setting names the file."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{setting} {path}: {error.strerror}") from error


def validity(certificate: Path) -> tuple[datetime, datetime]:
    """When the first certificate of a PEM file begins and ends.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no certificate.
    """
    for kind, _, der in pem.unarmor(certificate.read_bytes(), multiple=True):
        if kind == "CERTIFICATE":
            found = x509.Certificate.load(der)
            return found.not_valid_before, found.not_valid_after
    raise ValueError(f"{certificate} has no certificate")


_TEXT_NAMES = ("dns_name", "rfc822_name", "uniform_resource_identifier")


@functools.lru_cache(maxsize=256)  # asked for every call, and connections last
def has_clear_names(certificate: bytes) -> bool:
    """Whether no name in a PEM certificate has a zero byte, where readers of C strings would see a shorter one."""
    try:
        found = x509.Certificate.load(pem.unarmor(certificate)[2])
        parts = [part for parts in found.subject.chosen for part in parts if part["type"].native == "common_name"]
        names = [part["value"].native.encode() for part in parts]
        others = found.subject_alt_name_value or ()
        names += [one.chosen.contents for one in others if one.name in _TEXT_NAMES]
    except (ValueError, TypeError):  # who cannot be read is nobody
        return False
    return not any(b"\0" in one for one in names)


def readable_by_all(path: Path) -> bool:
    """Whether every user of this host may read a file, as far as its own mode says."""
    with contextlib.suppress(OSError):  # whoever reads it says so
        return bool(path.stat().st_mode & stat.S_IROTH)
    return False


def advice(config: TlsFiles, now: datetime | None = None) -> tuple[list[str], list[str]]:
    """What makes every client refuse this service, and what its operator should know, of files that can be read.

    Args:
        config: names the files.
        now: the time, for the dates of the certificate; None for this moment.
    """
    errors: list[str] = []
    warnings: list[str] = []
    now = now or datetime.now(timezone.utc)
    if config.tls_certificate is not None:
        name = f"tls_certificate {config.tls_certificate}"
        with contextlib.suppress(OSError, ValueError):  # which :func:`check_files` puts into words
            begin, end = validity(config.tls_certificate)
            if end < now:
                errors.append(f"{name} ended at {_day(end)}: clients refuse it")
            elif begin > now:
                warnings.append(f"{name} is not valid before {_day(begin)}: clients refuse it until then")
            elif end < now + _SOON:
                warnings.append(f"{name} ends at {_day(end)}, within {_SOON.days} days: renew it")
    if config.tls_private_key is not None and readable_by_all(config.tls_private_key):
        warnings.append(f"tls_private_key {config.tls_private_key} can be read by everybody: take that right away")
    return errors, warnings


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def warn_of_files(config: TlsFiles) -> None:
    """Logs what :func:`advice` says. A certificate that has ended stops no start: another one may be on its way."""
    for words in itertools.chain(*advice(config)):
        _log.warning("%s", words)


def server_credentials(config: TlsFiles) -> grpc.ServerCredentials:
    """Credentials for TLS; with `tls_client_ca` for mutual TLS: a client without a certificate is refused."""
    files = CertificateFiles(config)
    return grpc.dynamic_ssl_server_credentials(
        files.read(),
        files.read_if_changed,  # type: ignore[arg-type] # None means "unchanged", which the stubs do not know
        require_client_authentication=config.tls_client_ca is not None,
    )
