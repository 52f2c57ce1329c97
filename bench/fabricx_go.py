"""The committer's own verifier and coordinator as a peer: builds the program in tests/go/fabricx."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

from bench.peers import PeerMissingError

SOURCES = Path(__file__).resolve().parents[1] / "tests" / "go" / "fabricx"
_BUILT = SOURCES.parents[2] / "build" / "go" / "fabricx"
_TIMEOUT = 540  # seconds to download and compile


@functools.cache
def program() -> str:
    """The program, built from the pinned versions where it is not yet or no longer what the sources say.

    Raises:
        PeerMissingError: there is no Go toolchain, or a module that the program needs cannot be had.
    """
    go = shutil.which("go")
    if go is None:
        raise PeerMissingError("the Go toolchain is not installed")
    _BUILT.mkdir(parents=True, exist_ok=True)
    with (_BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process builds, the others wait for it
        command = [go, "build", "-mod=readonly", "-buildvcs=false", "-o", str(_BUILT / "fabricx"), "."]
        try:
            done = subprocess.run(
                command, cwd=SOURCES, env={**os.environ, "GOTOOLCHAIN": "local"}, capture_output=True, text=True,
                timeout=_TIMEOUT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(f"fabric-x-committer: no answer in {_TIMEOUT} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PeerMissingError(f"fabric-x-committer: {said[:200]}")
    return str(_BUILT / "fabricx")


def version() -> str:
    """The committer's version that is pinned."""
    for line in (SOURCES / "go.mod").read_text(encoding="utf-8").splitlines():
        words = line.replace("require", "").split()
        if words[:1] == ["github.com/hyperledger/fabric-x-committer"]:
            return words[1]
    raise AssertionError("go.mod does not name the committer")
