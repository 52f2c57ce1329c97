"""The ``pycore`` command. One file per command; see ``pycore --help``.

Exit codes, the same for every command: 0 valid (or done), 1 something is invalid, 2 a wrong call, 3 the environment
lacks something (an extra that is not installed, a backend, a server that does not answer).
"""

from __future__ import annotations

import sys

from pycore.base.extras import install_command
from pycore.cli._exits import EXIT_ENVIRONMENT


def main() -> None:
    """Entry point of the console script."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError as error:
        print(
            f"pycore: the command line needs the 'cli' extra ({error.name} is not installed): {install_command('cli')}",
            file=sys.stderr,
        )
        sys.exit(EXIT_ENVIRONMENT)
    from ._app import run

    sys.exit(run())
