"""TLS of the second front end. A certificate renewed on disk is used for the next handshake, without a restart."""

from __future__ import annotations

import logging
import ssl
import time
from typing import Any, ClassVar

from pycore.service.front.accepting import accepted_peer
from pycore.service.rare_lines import RareLines
from pycore.service.tls import CertificateFiles, TlsFiles

__all__ = ["server_context"]

_audit = logging.getLogger("pycore.service.access")
_MOST_REASONS = 32  # that are told apart; OpenSSL has a few hundred, and strangers choose
_NO_TLS = "the client spoke no TLS"


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


_WORDS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the client sent no certificate",
    "HTTP_REQUEST": _NO_TLS,
    "HTTPS_PROXY_REQUEST": _NO_TLS,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": "the client speaks only versions of TLS that are too old",
    "NO_SHARED_CIPHER": "the client has no cipher that is taken here",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client refused our certificate: expired",
    "TLSV1_ALERT_UNKNOWN_CA": "the client refused our certificate: unknown authority",
}
"""OpenSSL's reasons, in words."""
_REFUSED_OURS = ("ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_UNKNOWN", "ALERT_CERTIFICATE_REVOKED",
                 "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_ACCESS_DENIED")  # fmt: skip
_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_... of x509_vfy.h
_NOT_TRUSTED = frozenset({2, 18, 19, 20, 21})  # no issuer found, or one that signed itself and is not among the roots


def _explained(error: ssl.SSLError) -> str:
    """Why a handshake failed: in plain words, where there are some, and in OpenSSL's."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_message:
        reason, code = error.verify_message, error.verify_code
        words = "the client's certificate is not valid"
        if code == _EXPIRED:
            words = "the client's certificate has expired"
        elif code == _NOT_YET:
            words = "the client's certificate is not valid yet"
        elif code in _NOT_TRUSTED:
            words = "the client's certificate is of an authority that is not trusted here"
        return f"{words} ({reason})"
    reason = error.reason or str(error)
    words = _WORDS.get(reason, "")
    if not words and reason.endswith(_REFUSED_OURS):
        words = "the client refused our certificate"
    return f"{words} ({reason})" if words else reason


class _Told(ssl.SSLObject):
    """The TLS of one connection. A handshake that fails is a line of the log, one a second for each reason; the others
    are counted."""

    _lines: ClassVar[RareLines] = RareLines(_MOST_REASONS)

    def do_handshake(self) -> None:
        """As that of every `SSLObject`."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._tell(_explained(error))
            raise

    def getpeercert(self, binary_form: bool = False) -> Any:
        """As that of every `SSLObject`. A certificate with names that are no text ends the handshake, after which an
        event loop asks for it."""
        try:
            return super().getpeercert(binary_form)
        except UnicodeDecodeError as error:
            self._tell("the client's certificate has a name that is not UTF-8")
            raise ssl.SSLError("a name of the peer's certificate is not UTF-8") from error

    @classmethod
    def _tell(cls, reason: str) -> None:
        more = cls._lines.more(reason, time.monotonic())
        if more is None:
            return
        peer = accepted_peer.get()
        shown = {"reason": "HANDSHAKE", **({"peer": peer} if peer else {}), "more": more}
        _audit.warning("TLS handshake failed: %s", reason, extra=shown)


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
