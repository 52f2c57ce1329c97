"""Strangers: their lines in the log, and tokens that nobody can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import Clock
from .test_access import ALL_RIGHTS, A, B, Serve, ask, by_token, serve, write

__all__ = ["serve"]


def test_strangers_do_not_fill_the_log(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line a second for each reason and RPC. Clients, whose names are known, have one for each refusal."""
    clock = Clock()
    client = by_token(tmp_path, "node-a", A, rpcs=["GetCapabilities"])
    server = serve(write(tmp_path / "access.json", client), clock=clock)
    for token in (None, None, B, B, None, A, A):
        assert ask(server, token)
    clock.now += 1.0
    assert ask(server, None)
    records = [vars(record) for record in caplog.records if record.name == "pycore.service.access"]
    assert [(record["reason"], record.get("more")) for record in records] == [
        ("UNKNOWN_CALLER", 0),
        ("UNKNOWN_TOKEN", 0),
        ("RPC_NOT_ALLOWED", None),
        ("RPC_NOT_ALLOWED", None),
        ("UNKNOWN_CALLER", 2),
    ]
    assert sum(one.reason.startswith("UNKNOWN") for one in server.metrics.recent) == 6  # each is counted


@pytest.mark.parametrize("error", [TypeError, ValueError, OverflowError])
def test_tokens_that_pyjwt_stumbles_over(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Its version 2.10 has a TypeError for an issuer that is no text."""
    jwt = pytest.importorskip("jwt")
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    path = tmp_path / "issuer.pem"
    path.write_bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    issuer = {"issuer": "https://i.example", "audience": "pycore", "keys_file": str(path), "algorithm": "ES256"}
    client = {"name": "node-a", "token_subjects": ["a"], **ALL_RIGHTS}

    def decode(*_: Any, **__: Any) -> None:
        raise error("argument of type 'int' is no container")

    monkeypatch.setattr(jwt, "decode", decode)
    server = serve(write(tmp_path / "access.json", client, issuers=[issuer]))
    assert ask(server, "header.claims.signature").startswith("UNAUTHENTICATED: ")
