"""Shared by every test of pycore: where third-party vectors are, how cases are counted, which backends are tried.

Vectors are other people's data. They are read in place, from ``$PYCORE_VECTORS`` or else
``../shared/vectors`` next to the repository, and a test that finds its file absent is skipped under that
file's name, so a short run never looks like a full one.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
_FOUND = importlib.util.find_spec("pycore")
PACKAGE = Path(_FOUND.origin).parent.parent if _FOUND and _FOUND.origin else TESTS.parent  # where processes import from
if str(TESTS) not in sys.path:  # `from oracle import sm2`, `from readers import rsp` from any folder below
    sys.path.insert(0, str(TESTS))
for _shared in ("signatures", "hashing"):  # what other folders take cases from
    if str(TESTS / _shared) not in sys.path:
        sys.path.insert(1, str(TESTS / _shared))
if str(TESTS.parent) not in sys.path:  # `from bench import peers`; last, so that an installed pycore comes first
    sys.path.append(str(TESTS.parent))

os.environ.setdefault("PYCORE_WARM_UP", "false")  # services of tests are many, and need not be ready at once

_BASE_SEED = int(os.environ.get("PYCORE_TEST_SEED", "20220801"))
_CASES = "pycore_vector_cases"  # key under which a test's counts travel in its report, so xdist workers are heard too

_BACKEND = "pycore_backend"  # the same for the backend that a test ran on

_CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]  # oracles are slow, a backend stays put
settings.register_profile("dev", max_examples=25, deadline=None, print_blob=True, suppress_health_check=_CHECKS)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=60, derandomize=True)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

collect_ignore = ["sdk/client.py"]  # runs in another environment, whose packages are not here


class CountCases(Protocol):
    """The type of the `count_cases` fixture."""

    def __call__(self, source: str, cases: int, ways: int = 1) -> None: ...


# ---- third-party vectors --------------------------------------------------------------------------------------------


def vectors_root() -> Path:
    """The folder of third-party vectors; it need not exist."""
    given = os.environ.get("PYCORE_VECTORS")
    return Path(given) if given else TESTS.parent.parent / "shared" / "vectors"


def vectors_path(relative: str) -> Path:
    """`relative` inside the vectors folder. Skips the running test, by that name, when it is absent."""
    path = vectors_root() / relative
    if not path.exists():
        pytest.skip(f"vectors absent: {relative} (set PYCORE_VECTORS)")
    return path


@pytest.fixture(scope="session")
def vectors_dir() -> Path:
    """The vectors folder, or a skip when there is none."""
    root = vectors_root()
    if not root.is_dir():
        pytest.skip("third-party vectors absent (set PYCORE_VECTORS)")
    return root


@pytest.fixture(scope="session")
def require_vectors() -> Callable[[str], Path]:
    """``require_vectors("sm/sm2_sig_vectors.json")`` -> its path, or a skip that names it."""
    return vectors_path


@pytest.fixture
def count_cases(request: pytest.FixtureRequest) -> CountCases:
    """``count_cases("wycheproof/ed25519_test.json", 151, ways=4)``: cases that this test compared, each in 4 ways."""

    def count(source: str, cases: int, ways: int = 1) -> None:
        if cases <= 0:
            raise AssertionError(f"{source}: no case was run")
        request.node.user_properties.append((_CASES, [source, cases, cases * ways]))

    return count


# ---- backends -------------------------------------------------------------------------------------------------------


@functools.cache
def backend_rows() -> tuple[tuple[str, bool, str], ...]:
    """(name, usable, why not) of every backend that the library knows, most preferred first."""
    try:
        import pycore
    except ImportError as error:
        return (("portable", False, f"pycore does not import: {error}"),)
    return tuple((row.name, bool(row.usable), str(row.reason)) for row in pycore.capabilities().backends)


def wanted_rows() -> tuple[tuple[str, bool, str], ...]:
    """The rows that tests of every backend run on: all, or those of ``$PYCORE_TEST_BACKENDS``, which must be usable.

    A backend that is only for another machine is not among them: there is nothing to skip.
    """
    wanted = [name for name in os.environ.get("PYCORE_TEST_BACKENDS", "").split(",") if name]
    if not wanted:
        return tuple(row for row in backend_rows() if not row[2].startswith("for "))
    known = {row[0]: row for row in backend_rows()}
    for name in wanted:
        _, usable, reason = known.get(name, (name, False, "no backend has this name"))
        if not usable:
            raise pytest.UsageError(f"PYCORE_TEST_BACKENDS: {name}: {reason}")
    return tuple(known[name] for name in wanted)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs once per backend, with that backend forced; those that cannot run here are skipped."""
    name, usable, reason = request.param
    if not usable:
        pytest.skip(f"backend {name}: {reason or 'not usable here'}")
    import pycore

    request.node.user_properties.append((_BACKEND, name))
    with pycore.use_backend(name):
        yield name


@functools.cache
def partial_backends() -> frozenset[str]:
    """Backends that have kernels for some algorithms only, as csrc/backend/backends.def says; the others have all."""
    from pycore.base import ffi

    return ffi.partial_backends()


@pytest.fixture
def curves(backend: str) -> None:
    """Skips a test of signatures on a backend of hashes alone before it makes its cases, not at its first call."""
    import pycore

    if backend not in partial_backends():
        return
    try:
        pycore.verify_batch("ed25519", [bytes(32)], [bytes(64)], [b""])
    except pycore.BackendUnavailable as error:
        if "no kernel" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A call that a partial backend has no kernel for is no failure: the test is skipped, under the backend's name."""
    outcome = yield
    callspec = getattr(item, "callspec", None)
    row = callspec.params.get("backend") if callspec else None
    if row is None or row[0] not in partial_backends() or outcome.excinfo is None:  # type: ignore[attr-defined]
        return
    import pycore

    error = outcome.excinfo[1]  # type: ignore[attr-defined]
    if isinstance(error, pycore.BackendUnavailable) and "no kernel" in str(error):
        outcome.force_exception(pytest.skip.Exception(str(error)))  # type: ignore[attr-defined]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        rows = wanted_rows()
        metafunc.parametrize("backend", rows, ids=[row[0] for row in rows], indirect=True)


def _built_with() -> str:
    """The library's file and how it was compiled, which tells an emulated build from a real one."""
    import pycore

    return f"{Path(pycore.__file__).parent}, {pycore.capabilities().compiler}"


# ---- reproducible randomness ----------------------------------------------------------------------------------------


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A seed of this test's own, fixed by its name and ``$PYCORE_TEST_SEED``; shown when the test fails."""
    value = _BASE_SEED ^ zlib.crc32(request.node.nodeid.encode())
    request.node.add_report_section("setup", "seed", f"seed {value} (PYCORE_TEST_SEED={_BASE_SEED})")
    return value


@pytest.fixture
def rng(seed: int) -> random.Random:
    """``random.Random(seed)``."""
    return random.Random(seed)


# ---- summary --------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_counts_key] = {}
    config.stash[_ran_key] = {}


_counts_key: pytest.StashKey[dict[str, list[int]]] = pytest.StashKey()
_ran_key: pytest.StashKey[dict[str, int]] = pytest.StashKey()
_session: dict[str, Any] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    _session["config"] = session.config


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" or not report.passed:
        return
    counts = _session["config"].stash[_counts_key]
    ran = _session["config"].stash[_ran_key]
    for key, value in report.user_properties:
        if key == _BACKEND:
            ran[value] = ran.get(value, 0) + 1
        if key == _CASES:
            source, cases, comparisons = value
            row = counts.setdefault(source, [0, 0])
            row[0] = max(row[0], cases)
            row[1] += comparisons


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    ran = config.stash[_ran_key]
    if ran:
        terminalreporter.section("backends")
        for name, usable, reason in backend_rows():
            told = f"{ran.get(name, 0)} tests" if usable else f"absent: {reason}"
            terminalreporter.write_line(f"backends: {name}: {told}")
        for variable in ("PYCORE_BACKEND", "PYCORE_TEST_BACKENDS"):
            if variable in os.environ:
                terminalreporter.write_line(f"backends: {variable}={os.environ[variable]}")
        terminalreporter.write_line(f"backends: {_built_with()}")
    counts = config.stash[_counts_key]
    if not counts:
        return
    terminalreporter.section("cases of known verdict")
    width = max(len(source) for source in counts)
    for source in sorted(counts):
        cases, checks = counts[source]
        terminalreporter.write_line(f"vectors: {source:<{width}} {cases:>6} cases, {checks:>7} comparisons")
    published = {source: row for source, row in counts.items() if not source.startswith("tests/")}
    if published:
        total, checks = (sum(column) for column in zip(*published.values(), strict=True))
        line = f"vectors: {len(published)} published sources, {total} cases, {checks} comparisons, all as published"
        terminalreporter.write_line(line)
