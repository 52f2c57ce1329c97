"""The service: verification and hashing over gRPC, for one client on this machine.

    pytest bench/bench_service.py

Client and service are separate processes; both use one thread for the kernels. `pycore loadtest --table` has the shares
of the in-process speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import pycore
from bench.service_share import batch, service
from pycore.client import ValidationClient


@pytest.fixture(scope="module")
def remote() -> Iterator[ValidationClient]:
    with service() as target, ValidationClient(target) as client:
        yield client


@pytest.mark.parametrize("scheme", list(pycore.SCHEMES))
def test_verify_over_grpc(measure: Any, remote: ValidationClient, scheme: str, size: int) -> None:
    columns = batch(scheme, size)
    group = f"{scheme} n={size}"
    verdicts = measure(lambda: remote.verify_batch(scheme, *columns), size, group, by="pycore over gRPC")
    assert verdicts.all_valid


@pytest.mark.parametrize("name", list(pycore.HASHES))
def test_hash_over_grpc(measure: Any, remote: ValidationClient, name: str, size: int) -> None:
    messages = batch("ed25519", size)[1]
    digests = measure(lambda: remote.hash_batch(name, messages), size, f"{name} 64 B n={size}", by="pycore over gRPC")
    assert len(digests) == size
