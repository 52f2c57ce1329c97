"""How to install what this package needs for a feature, in words that work where the reader is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

__all__ = ["DISTRIBUTION", "install_command"]

DISTRIBUTION = "pycore-validation"


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
