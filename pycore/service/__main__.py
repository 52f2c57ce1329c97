"""`python -m pycore.service`: serve until a signal. Every field of ServiceConfig is an option."""

from __future__ import annotations

import sys

from pycore.service.check import check_config
from pycore.service.config import parse
from pycore.service.server import run

if __name__ == "__main__":
    if "--check-config" in sys.argv:
        sys.exit(check_config(parse()))
    sys.exit(run(parse(), parse, sys.argv[1:]))
