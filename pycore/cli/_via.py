"""The option ``--via`` and how the connection is secured: a command asks a running service instead of this process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pycore.errors import InputError

if TYPE_CHECKING:
    from pycore.client import Tls, ValidationClient

ViaOption = Annotated[
    str | None,
    typer.Option(
        "--via",
        metavar="TARGET",
        help="Ask a running service, e.g. localhost:50051; its token: PYCORE_TOKEN_FILE or PYCORE_TOKEN.",
    ),
]
TlsOption = Annotated[bool, typer.Option("--tls", help="TLS, trusting the roots that gRPC ships.")]
CaOption = Annotated[
    Path | None, typer.Option("--tls-ca", metavar="PEM", help="TLS, trusting these certificate authorities alone.")
]
CertificateOption = Annotated[
    Path | None, typer.Option("--tls-certificate", metavar="PEM", help="Mutual TLS: the client's certificate chain.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--tls-key", metavar="PEM", help="Mutual TLS: the private key of that certificate.")
]
NameOption = Annotated[
    str | None, typer.Option("--tls-name", metavar="NAME", help="The name to expect, where it is not the target's.")
]


def connect(
    target: str | None, *, tls: bool, ca: Path | None, certificate: Path | None, key: Path | None, name: str | None
) -> AbstractContextManager[ValidationClient] | None:
    """A client for the service that the options name; None without ``--via``.

    The environment says who calls, where the service asks for a token: ``PYCORE_TOKEN_FILE`` or ``PYCORE_TOKEN``.

    Raises:
        InputError: an option for TLS without ``--via``, or one half of the client's certificate and key.
    """
    wanted = tls or any(value is not None for value in (ca, certificate, key, name))
    if target is None:
        if wanted:
            raise InputError("--tls", "no --via", "--via HOST:PORT with it")
        return None
    from pycore.client import ValidationClient

    secured, token = caller(tls=tls, ca=ca, certificate=certificate, key=key, name=name)
    return ValidationClient(target, tls=secured, token=token)


def caller(
    *, tls: bool, ca: Path | None, certificate: Path | None, key: Path | None, name: str | None
) -> tuple[Tls | None, str | Path | None]:
    """How the options for TLS secure a connection, and the token that the environment names.

    Raises:
        InputError: one half of the client's certificate and key.
    """
    if (certificate is None) != (key is None):
        missing = "--tls-certificate" if certificate is None else "--tls-key"
        raise InputError(missing, "nothing", "both --tls-certificate and --tls-key, or neither")
    import os

    from pycore.client import Tls

    path = os.environ.get("PYCORE_TOKEN_FILE")
    token = Path(path) if path else os.environ.get("PYCORE_TOKEN") or None
    wanted = tls or any(value is not None for value in (ca, certificate, key, name))
    if not wanted:
        return None, token
    return Tls(root_certificates=ca, certificate=certificate, private_key=key, server_name=name), token
