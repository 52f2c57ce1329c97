"""ChainMaker's Go code as a peer: builds the program in bench/go and talks to it.

The program comes in two builds. "gmsm" is what ChainMaker's default engine is made of, tjfoc's SM2 and Go's standard
library; "chainmaker" is ChainMaker's own common module. Both need the Go toolchain and Go's module proxy, once; what
they are built from is pinned in bench/go/go.mod and bench/go/chainmaker.mod.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from .peers import PeerMissingError

SOURCES = Path(__file__).resolve().parent / "go"
_BUILT = SOURCES.parents[1] / "build" / "go"
_TIMEOUT = 120  # seconds to download and compile; a refusal comes at once
BUILDS = {"gmsm": "github.com/tjfoc/gmsm", "chainmaker": "chainmaker.org/chainmaker/common/v2"}
"""Build -> the module that verifies."""

Signature = tuple[str, bytes, str, bytes, bytes]
"""(kind, key, hash, message, signature), as bench/go/main.go says."""


@functools.cache
def build(name: str) -> Path:
    """The program, built where it is not yet or no longer what the sources say.

    Raises:
        PeerMissingError: there is no Go toolchain, or a module that the program needs cannot be had.
    """
    go = shutil.which("go")
    if go is None:
        raise PeerMissingError("the Go toolchain is not installed")
    folder = _BUILT / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process builds, the others wait for it
        pinned = "go.mod" if name == "gmsm" else f"{name}.mod"
        for source in SOURCES.glob("*.go"):
            shutil.copy(source, folder)
        shutil.copy(SOURCES / pinned, folder / "go.mod")
        if name == "gmsm":
            shutil.copy(SOURCES / "go.sum", folder)
        # Nothing but the pinned versions, by the toolchain that is here; sums that are not committed are looked up.
        mode = "readonly" if name == "gmsm" else "mod"
        environment = {**os.environ, "GOTOOLCHAIN": "local"}
        command = [go, "build", f"-mod={mode}", "-buildvcs=false", "-tags", name, "-o", "verdicts", "."]
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(f"{BUILDS[name]}: no answer in {_TIMEOUT} s") from error
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise PeerMissingError(f"{BUILDS[name]}: {said.rpartition(': ')[2][:200]}")
    return folder / "verdicts"


def version(name: str) -> str:
    """The module that verifies and the toolchain: "common v2.3.0, go1.26.8"."""
    for line in (_BUILT / name / "go.mod").read_text(encoding="utf-8").splitlines():
        words = line.removeprefix("require").split()
        if words[:1] == [BUILDS[name]]:
            toolchain = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
            return f"{BUILDS[name].removesuffix('/v2').rpartition('/')[2]} {words[1]}, {toolchain.strip()}"
    raise AssertionError(f"{name}: go.mod does not name {BUILDS[name]}")


def line(signature: Signature) -> str:
    """One signature as the program reads it."""
    kind, key, hash_, message, given = signature
    return f"{kind} {key.hex() or '-'} {hash_} {message.hex() or '-'} {given.hex() or '-'}\n"


def verdicts(name: str, signatures: Iterable[Signature]) -> list[bool | None]:
    """Whether each is valid; None: the build has no such kind of key or hash."""
    text = "".join(line(one) for one in signatures)
    done = subprocess.run([build(name)], input=text, capture_output=True, text=True, check=True)
    return [{"valid": True, "invalid": False, "unknown": None}[word] for word in done.stdout.split()]


class Runner:
    """A running program that has read `signatures`, so that calling it takes verification alone, on one thread."""

    def __init__(self, name: str, signatures: Sequence[Signature]) -> None:
        self._process = subprocess.Popen(
            [build(name), "-quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._input, self._output = self._process.stdin, self._process.stdout
        assert self._input is not None
        for one in signatures:
            self._input.write(line(one))

    def __call__(self, count: int) -> int:
        """Verifies the first `count` and returns how many are valid."""
        assert self._input is not None
        assert self._output is not None
        self._input.write(f"run {count}\n")
        self._input.flush()
        return int(self._output.readline())

    def __del__(self) -> None:
        if self._input is not None and self._output is not None:
            self._input.close()
            self._output.close()
            self._process.wait()
