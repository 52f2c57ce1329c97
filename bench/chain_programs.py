"""The chains' own libraries as peers: builds programs over them, on first use, and talks to them.

Go programs are built from the versions that their go.mod pins, a package of npm is installed; both need the network
once. A program reads lines and answers lines, and stays alive between the rounds of a measurement.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pycore.base import parallel

from .chains import Peer
from .peers import PeerMissingError

ROOT = Path(__file__).resolve().parents[1]
_BUILD = ROOT / "build"
_TIMEOUT = 240  # seconds to download and compile

XUPERCORE = "github.com/xuperchain/xupercore"
COMETBFT = "github.com/cometbft/cometbft"
COMETBFT_RELEASES = {
    "0.38": ("v0.38.26", ""),
    "0.39": ("v0.39.4", ""),
    "0.40": ("v0.40.0", ""),
    "1.0": ("v1.0.1", "v1"),
}
"""Line of releases -> the version that is built, and the tags of its files."""
BIF_GO = "github.com/caict-4iot-dev/BIF-Core-SDK-Go"
ICS23 = "github.com/cosmos/ics23/go"
BIF_NODE = "brdc-sm-crypto@0.3.7"

T = TypeVar("T")


def xuper() -> list[str]:
    """The command of bench/go/xuper; raises PeerMissingError as :func:`_go_program` does."""
    return _go_program(ROOT / "bench" / "go" / "xuper", _BUILD / "go" / "xuper", XUPERCORE)


def bif_go() -> list[str]:
    """The command of tests/go/bif; raises PeerMissingError as :func:`_go_program` does."""
    return _go_program(ROOT / "tests" / "go" / "bif", _BUILD / "bif-go", BIF_GO)


def cometbft() -> list[str]:
    """The command of bench/go/cometbft; raises PeerMissingError as :func:`_go_program` does."""
    return _go_program(ROOT / "bench" / "go" / "cometbft", _BUILD / "go" / "cometbft", COMETBFT)


def cometbft_forms(release: str = "0.38") -> list[str]:
    """The command of tests/go/cometbft against a line of releases, by its name in COMETBFT_RELEASES; raises
    PeerMissingError as :func:`_go_program` does."""
    version, tags = COMETBFT_RELEASES[release]
    moved = [("v0.38.26", version)]
    if tags == "v1":
        moved.append(("cometbft/proto/tendermint/types", "cometbft/api/cometbft/types/v1"))
    folder = _BUILD / "go" / f"cometbft-forms-{release}"
    return _go_program(ROOT / "tests" / "go" / "cometbft", folder, COMETBFT, tuple(moved), tags)


def ics23_go() -> list[str]:
    """The command of tests/go/ics23; raises PeerMissingError as :func:`_go_program` does."""
    return _go_program(ROOT / "tests" / "go" / "ics23", _BUILD / "ics23-go", ICS23)


@functools.cache
def cometbft_votes() -> list[str]:
    """The command of tests/go/cometbft_votes; raises PeerMissingError as :func:`_go_program` does."""
    return _go_program(ROOT / "tests" / "go" / "cometbft_votes", _BUILD / "go" / "cometbft-votes", COMETBFT)


@functools.cache
def _go_program(
    sources: Path, folder: Path, module: str, moved: tuple[tuple[str, str], ...] = (), tags: str = ""
) -> list[str]:
    """Builds a program where it is not yet or no longer what the sources say, with some of their words replaced.

    Raises:
        PeerMissingError: there is no Go toolchain, or a module that the program needs cannot be had.
    """
    go = shutil.which("go")
    if go is None:
        raise PeerMissingError("the Go toolchain is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process builds, the others wait for it
        names = {source.name for source in sources.glob("*.go")}
        for stale in folder.glob("*.go"):
            if stale.name not in names:
                stale.unlink()
        for source in (*sorted(sources.glob("*.go")), sources / "go.mod"):
            text = source.read_text(encoding="utf-8")
            for old, new in moved:
                text = text.replace(old, new)
            if not (folder / source.name).exists() or (folder / source.name).read_text(encoding="utf-8") != text:
                (folder / source.name).write_text(text, encoding="utf-8")
        command = [go, "build", "-mod=mod", "-buildvcs=false", "-tags", tags, "-o", "answers", "."]
        _run(command, folder, module)
    return [str(folder / "answers")]


@functools.cache
def bif_node() -> list[str]:
    """The command of tests/node/brdc_sm2.js, with its package installed.

    Raises:
        PeerMissingError: node or npm is not installed, or the package cannot be had.
    """
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        raise PeerMissingError("node and npm are not installed")
    folder = _BUILD / "bif-node"
    package = folder / "node_modules" / "brdc-sm-crypto"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.is_dir():
            (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
            command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent", BIF_NODE]
            _run(command, folder, BIF_NODE)
    return [program, str(ROOT / "tests" / "node" / "brdc_sm2.js"), str(package)]


def _run(command: list[str], folder: Path, what: str) -> None:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}  # the toolchain that is here
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PeerMissingError(f"{what}: no answer in {_TIMEOUT} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PeerMissingError(f"{what}: {said[-200:]}")


class Crew:
    """Processes of one program, as many as this library has threads and each on its own processor, with a share of the
    items each. Calling it has all of them verify what they were given, and takes that alone."""

    def __init__(self, command: list[str], shares: Sequence[Sequence[str]], verify: str) -> None:
        """
        Args:
            command: the program.
            shares: for each process the lines that it is given; it answers each with a line.
            verify: the line that has it verify them; it answers how many are valid.
        """
        self._verify, self._processes = verify + "\n", []
        available = sorted(os.sched_getaffinity(0))
        for place, lines in enumerate(shares):
            os.sched_setaffinity(0, {available[place % len(available)]})  # what a new process inherits
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            os.sched_setaffinity(0, set(available))
            self._processes.append(process)
            for line in lines:
                self._tell(process, line + "\n")
                self._answer(process)

    def __call__(self) -> int:
        """Returns how many are valid, of all processes together."""
        for process in self._processes:
            self._tell(process, self._verify)
        return sum(int(self._answer(process)) for process in self._processes)

    @staticmethod
    def _tell(process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line)
        process.stdin.flush()

    @staticmethod
    def _answer(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline()

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()
        self._processes.clear()

    def __del__(self) -> None:
        self.close()


def shares(items: Sequence[T]) -> list[Sequence[T]]:
    """Items in as many parts as this library has threads."""
    count = parallel.get_threads()
    return [items[place::count] for place in range(count) if items[place::count]]


def peer(name: str, items: int, command: Callable[[], list[str]], given: Sequence[Sequence[str]], verify: str) -> Peer:
    """A :class:`Crew` as a row, or a row that says why there is none.

    Raises (when it is measured):
        RuntimeError: the peer does not find every item valid.
    """
    try:
        crew = Crew(command(), given, verify)
    except PeerMissingError as error:
        return Peer(name, items, missing=str(error))

    def run() -> None:
        valid = crew()
        if valid != items:
            raise RuntimeError(f"{name}: {valid} of {items} are valid")

    return Peer(name, items, run)
