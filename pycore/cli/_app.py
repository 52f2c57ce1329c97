"""Puts the commands together and turns exceptions into exit codes. The commands import what they need when they run,
so that ``pycore --help`` answers at once."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ._errors import explained
from ._exits import EXIT_ENVIRONMENT
from ._output import note
from .bench import bench
from .bundle import bundle
from .collectibles import collectibles
from .cosmos import cosmos
from .demo import demo
from .ethereum import ethereum
from .evidence import evidence
from .hash import hash_command
from .info import info
from .loadtest import loadtest
from .merkle import merkle
from .serve import serve
from .size import size
from .trust import trust
from .tune import tune
from .validate import validate
from .verify import verify

_INTERRUPTED = 130  # as shells say it: 128 + SIGINT
_BROKEN_PIPE = 141  # 128 + SIGPIPE


class _ReaderLeftError(Exception):
    """A BrokenPipeError on standard output. click would make exit code 1 of the latter, which means "invalid" here."""


class _Group(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderLeftError from error


app = typer.Typer(
    name="pycore",
    cls=_Group,
    help="Batch cryptographic validation for blockchain nodes: signatures, hashes, Merkle trees, whole blocks.",
    epilog="Exit codes: 0 valid, 1 something is invalid, 2 a wrong call, 3 the environment lacks something.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help as plain text: quick, and the same in a pipe
    context_settings={"help_option_names": ["-h", "--help"]},
)
# the service parses its own settings; `pycore serve --help` must reach it
app.command(
    name="serve",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(serve)
app.command(name="validate")(validate)
app.command(name="verify")(verify)
app.command(name="hash")(hash_command)
app.add_typer(merkle, name="merkle")
app.add_typer(bundle, name="bundle")
app.add_typer(trust, name="trust")
app.add_typer(ethereum, name="ethereum")
app.add_typer(cosmos, name="cosmos")
app.add_typer(evidence, name="evidence")
app.add_typer(collectibles, name="collectibles")
app.command(name="bench")(bench)
app.command(name="loadtest")(loadtest)
app.command(name="size")(size)
app.command(name="info")(info)
app.command(name="tune")(tune)
app.command(name="demo")(demo)


def _version(wanted: bool) -> None:
    if wanted:
        import pycore

        print(f"pycore {pycore.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def run() -> int:
    """Runs the command line; the exit code."""
    if sys.stdout is None:
        print("pycore: standard output is closed", file=sys.stderr or open(os.devnull, "w"))  # noqa: SIM115, PTH123
        return EXIT_ENVIRONMENT
    for stream in (sys.stdout, sys.stderr):  # an ASCII terminal must not turn an answer into a traceback
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _dispatch()
        sys.stdout.flush()
    except (BrokenPipeError, _ReaderLeftError):  # `pycore ... | head`: what is still buffered has nowhere to go
        _let_go()
        return _BROKEN_PIPE
    except OSError as error:  # a full disk, where only the flush wrote: the answer is lost, and nothing is invalid
        _let_go()
        print(f"pycore: standard output: {error}", file=sys.stderr)
        return EXIT_ENVIRONMENT
    return code


def _let_go() -> None:
    """Nothing of what is still buffered is written any more, at the end of the process either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch() -> int:
    try:
        # not stand-alone: typer would turn Ctrl-C into exit code 1, which means "invalid" here
        code = app(prog_name="pycore", standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except (BrokenPipeError, _ReaderLeftError):
        raise
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # click's own, wherever typer has it from
            error.show()
            return int(error.exit_code)
        exit_code, details = explained(error)
        if exit_code is None:
            raise
        if "--json" in sys.argv[1:] and not _is_of_the_output(error):
            print(json.dumps({"error": details}, indent=2))
        note(f"pycore: {details['message']}")
        return exit_code
    return code if isinstance(code, int) else 0


def _is_of_the_output(error: Exception) -> bool:
    """Whether an error is about writing, so that no more can be written: it names no file."""
    return (
        isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF)
    )
