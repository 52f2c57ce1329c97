"""How to install what this package needs for a feature, in words that work where the reader is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

__all__ = ["DISTRIBUTION", "explain", "install_command"]

DISTRIBUTION = "pycore-validation"

# top-level module -> the extra that brings it
_EXTRAS = {
    "Crypto": "ledgers",
    "asn1crypto": "ledgers",
    "google": "ledgers",
    "numba": "jit",
    "grpc": "service",
    "grpc_health": "service",
    "grpc_reflection": "service",
    "grpc_status": "service",
    "pydantic": "service",
    "pydantic_settings": "service",
    "rich": "cli",
    "typer": "cli",
}


def install_command(extra: str) -> str:
    """The command that installs an extra: from the checkout that this package runs from, else by the project's name.

    >>> install_command("cli").startswith("pip install")
    True
    """
    root = Path(__file__).resolve().parents[2]
    try:
        project = (root / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        project = ""
    if re.search(rf'^name = "{DISTRIBUTION}"', project, flags=re.MULTILINE):
        return f"pip install -e {shlex.quote(f'{root}[{extra}]')}"
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def explain(error: ImportError) -> str:
    """The error's text, and the command that installs what is missing where an extra brings it."""
    extra = _EXTRAS.get((error.name or "").partition(".")[0])
    command = install_command(extra) if extra else ""
    return f"{error}; it comes with: {command}" if command and command not in str(error) else str(error)
