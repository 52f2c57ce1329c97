"""Where a measurement was taken: without it a number means nothing."""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
import sysconfig
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

_PEERS = (
    "PyNaCl",
    "coincurve",
    "cryptography",
    "gmssl",
    "gmssl-pyx",
    "pycryptodome",
    "blake3",
    "pymerkle",
    "merkly",
    "remerkleable",
    "trie",
    "numpy",
    "numba",
    "cffi",
)


def describe_environment() -> dict[str, Any]:
    """CPU, compiler, backends, versions and commit, JSON-ready."""
    import pycore

    found = pycore.capabilities()
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "cpu_features": [name for name, present in found.cpu_features.items() if present],
        "machine": platform.machine(),
        "system": " ".join([platform.system(), *platform.libc_ver()]).strip(),
        "python": platform.python_version(),
        "compiler": found.compiler,
        "pycore": found.version,
        "commit": commit(),
        "backends": [row.name for row in found.backends if row.usable],
        "absent": {row.name: row.reason for row in found.backends if not row.usable},
        "active": dict(found.active),
        "versions": {name: version for name in _PEERS if (version := version_of(name))},
    }


def program(name: str) -> str:
    """A program of this Python's, as a shell in the current folder finds it: by its name where that is on PATH, else by
    its path, which is relative below this folder."""
    folder = Path(sysconfig.get_path("scripts"))
    found = shutil.which(name)
    if found is not None and Path(found).parent.resolve() == folder.resolve():
        return name
    path, here = folder / name, Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def version_of(distribution: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def cpu_name() -> str:
    """The CPU as its maker calls it, with family and model where Linux reports them (a virtual machine may hide the
    name)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    name = fields.get("model name") or fields.get("Processor") or platform.machine()
    if "cpu family" in fields:
        return f"{name} (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name


def commit() -> str | None:
    """The commit of the source tree this package runs from, with "+" when the tree has changes; None when installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
