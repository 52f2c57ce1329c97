"""Shared by every suite under bench/: sizes, backends, peers, and where it was measured.

Run with ``pytest bench`` (or one file, or ``-k sm2``). Plain ``pytest`` never comes here: its test paths are tests/
and pycore/, and the files are not called test_*. Everything runs on one thread. Within a group the fastest is 1.0 and
the numbers in parentheses are the ratios to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pycore
from pycore.base import ffi
from pycore.base.jit import warm_up
from pycore.cli._environment import describe_environment

SIZES = (1, 64, 1024, 8192)
SECONDS = 0.15  # per measurement, about
ROUND_SECONDS = 0.002  # shorter calls are repeated to fill a round

Measure = Callable[..., Any]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """``pytest bench`` collects bench_*.py; named files are collected by pytest itself."""
    if file_path.suffix == ".py" and file_path.name.startswith("bench_") and not parent.session.isinitpath(file_path):
        return pytest.Module.from_parent(parent, path=file_path)
    return None


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """CPU, compiler, backends, versions and commit go into every saved result."""
    machine_info["pycore"] = describe_environment()


def pytest_report_header(config: pytest.Config) -> list[str]:
    found = describe_environment()
    return [
        f"cpu: {found['cpu']}, compiler: {found['compiler']}, commit: {found['commit']}",
        f"backends: {', '.join(found['backends'])}; peers: "
        + ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
    ]


@pytest.fixture(autouse=True, scope="session")
def _compiled() -> None:
    """No measurement begins in Python loops and goes on in compiled ones."""
    warm_up()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    pycore.set_threads(1)
    yield
    pycore.set_threads(None)


def usable_backends() -> list[str]:
    return [row.name for row in pycore.capabilities().backends if row.usable]


@pytest.fixture(params=usable_backends())
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The benchmark runs once per backend that this machine can run."""
    with pycore.use_backend(request.param):
        yield request.param


def _skip_without_kernel(item: pytest.Item, outcome: Any) -> None:
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("backend") not in ffi.partial_backends() or outcome.excinfo is None:
        return
    error = outcome.excinfo[1]
    if isinstance(error, pycore.BackendUnavailable) and "kernel" in str(error):
        outcome.force_exception(pytest.skip.Exception(str(error)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """A partial backend is only measured on what it has kernels for."""
    outcome = yield
    _skip_without_kernel(item, outcome)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The same where the call itself finds out."""
    outcome = yield
    _skip_without_kernel(item, outcome)


@pytest.fixture(params=SIZES, ids=lambda n: f"n={n}")
def size(request: pytest.FixtureRequest) -> int:
    """Items per call."""
    return int(request.param)


@pytest.fixture
def measure(benchmark: Any) -> Measure:
    """``measure(function, items, group, **facts)``: times it in rounds of a bounded total time."""

    def run(function: Callable[[], Any], items: int, group: str, **facts: Any) -> Any:
        begin = time.perf_counter()
        result = function()
        taken = max(time.perf_counter() - begin, 1e-7)
        iterations = max(1, int(ROUND_SECONDS / taken))
        rounds = max(3, min(1000, int(SECONDS / (taken * iterations))))
        benchmark.group = group
        benchmark.extra_info.update(items=items, **facts)
        benchmark.pedantic(function, rounds=rounds, iterations=iterations, warmup_rounds=0)
        if benchmark.stats is not None:  # None with --benchmark-disable
            benchmark.extra_info["items_per_second"] = items / benchmark.stats.stats.median
        return result

    return run
