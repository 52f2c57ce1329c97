"""`python -m pycore.service`: serve until a signal. Every field of ServiceConfig is an option."""

from __future__ import annotations

import sys
from functools import partial

from pycore.service.signals import ignore_hangup

if __name__ == "__main__":
    ignore_hangup()

from pycore.service.check import check
from pycore.service.config import parse
from pycore.service.server import run

if __name__ == "__main__":
    read = partial(parse, exits=False)
    if "--check-config" in sys.argv:
        sys.exit(check(read))
    sys.exit(run(parse(), read, sys.argv[1:]))
