"""What tests of signatures share."""

from __future__ import annotations

import pytest
from conftest import partial_backends

import pycore


@pytest.fixture
def curves(backend: str) -> None:
    """Skips a test on a backend of hashes alone before it has made its cases, as its first call of pycore would."""
    if backend in partial_backends():
        try:
            pycore.verify_batch("ed25519", [bytes(32)], [bytes(64)], [b""])
        except pycore.BackendUnavailable as error:
            if "no kernel" not in str(error):
                raise
            pytest.skip(str(error))
