"""Exit codes of exceptions."""

from __future__ import annotations

from typing import Any

from pycore.base.extras import explain

from ._exits import EXIT_ENVIRONMENT, EXIT_INVALID, EXIT_USAGE


def explained(error: Exception) -> tuple[int | None, dict[str, Any]]:
    """Exit code and description of an error that is the caller's or the environment's; (None, ...) for a fault of
    ours."""
    from pycore import errors

    details: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, errors.InputError):
        return EXIT_USAGE, details | {"field": error.field, "got": error.got, "wanted": error.wanted}
    if isinstance(error, errors.VerificationError):
        return EXIT_INVALID, details
    if isinstance(error, ImportError):
        return EXIT_ENVIRONMENT, details | {"message": explain(error)}
    if isinstance(error, (errors.BackendUnavailable, errors.SelfTestFailed)):
        return EXIT_ENVIRONMENT, details
    if isinstance(error, errors.PycoreError):  # the client's: server not reachable, overloaded, deadline
        return EXIT_ENVIRONMENT, details
    if isinstance(error, OSError):
        file_given = isinstance(error, (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError))
        return EXIT_USAGE if file_given and error.filename is not None else EXIT_ENVIRONMENT, details
    return None, details
