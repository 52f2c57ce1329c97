"""`python -m pycore.service`: serve until a signal. Every field of ServiceConfig is an option."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from pycore.service.config import ServiceConfig
from pycore.service.server import run


def parse(
    arguments: Sequence[str] | None = None, *, prog: str = "python -m pycore.service", epilog: str | None = None
) -> ServiceConfig:
    """The configuration from command line, environment and file. Exits with 2 and a message on a wrong one."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="The pycore gRPC validation service.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, field in ServiceConfig.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        default = (
            "" if field.get_default() in (None, False, PydanticUndefined) else f" (default: {field.get_default()})"
        )
        words = f"{field.description}{default}"
        if field.annotation is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=words)
        else:
            parser.add_argument(option, default=None, metavar=_metavar(name), help=words)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        return ServiceConfig(**given)
    except ValidationError as error:
        words = "; ".join(
            ".".join(map(str, item["loc"])) + ": " * bool(item["loc"]) + item["msg"] for item in error.errors()
        )
        parser.error(words)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _metavar(name: str) -> str:
    return name.rpartition("_")[2].upper()


if __name__ == "__main__":
    sys.exit(run(parse()))
