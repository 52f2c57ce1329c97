"""TLS of the second front end. A certificate renewed on disk is used for the next handshake, without a restart."""

from __future__ import annotations

import logging
import ssl
import time
from typing import Any

from pycore.service.tls import CertificateFiles, TlsFiles

__all__ = ["server_context"]

_audit = logging.getLogger("pycore.service.access")


def server_context(config: TlsFiles) -> ssl.SSLContext:
    """A context for TLS; with `tls_client_ca` for mutual TLS: a client without a certificate is refused.

    Raises:
        OSError: a file cannot be read.
        TlsError: files that make no TLS server.
    """
    return _Renewed(config)


class _Renewed(ssl.SSLContext):
    """Begins each handshake with the files as they are then. A context keeps all that it has loaded, so a change
    makes another one."""

    _files: CertificateFiles
    _config: TlsFiles
    _fresh: ssl.SSLContext

    def __new__(cls, config: TlsFiles) -> _Renewed:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made._files = CertificateFiles(config)
        made._files.check()
        made._config = config
        made._fresh = _plain_context(config)
        return made

    def __init__(self, config: TlsFiles) -> None:
        """As the function above."""

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Called by an event loop for each connection."""
        self._fresh = self._files.renewed(lambda: _plain_context(self._config)) or self._fresh
        return self._fresh.wrap_bio(*arguments, **named)


class _Told(ssl.SSLObject):
    """The TLS of one connection. A handshake that fails is a line of the log; one a second, the others are counted."""

    _next = 0.0
    _silent = 0

    def do_handshake(self) -> None:
        """As that of every `SSLObject`."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._tell(getattr(error, "verify_message", "") or error.reason or str(error))
            raise

    @classmethod
    def _tell(cls, reason: str) -> None:
        now = time.monotonic()
        if now < cls._next:
            cls._silent += 1
            return
        _audit.warning("TLS handshake failed: %s", reason, extra={"reason": "HANDSHAKE", "more": cls._silent})
        cls._next, cls._silent = now + 1.0, 0


def _plain_context(config: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Told
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # of TLS 1.2: RFC 9113, appendix A allows no others
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["h2"])
    assert config.tls_certificate is not None
    context.load_cert_chain(config.tls_certificate, config.tls_private_key, password=lambda: b"")
    if config.tls_client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(config.tls_client_ca)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # gRPC also takes an authority that is not a root
    return context
