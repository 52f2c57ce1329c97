"""`python -m pycore.service`: serve until a signal. Every field of ServiceConfig is an option."""

from __future__ import annotations

import sys

from pycore.service.config import parse
from pycore.service.server import run

if __name__ == "__main__":
    sys.exit(run(parse(), parse, sys.argv[1:]))
