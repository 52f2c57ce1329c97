"""Speed of this library against its peers, measured side by side.

``pycore bench`` and the suites under ``bench/`` use it. What is not installed is left out and named as missing.
"""

from __future__ import annotations

from .compare import Measurement, Row, compare, rows
from .environment import describe_environment
from .targets import TARGETS, Result, Target, measure

__all__ = [
    "TARGETS",
    "Measurement",
    "Result",
    "Row",
    "Target",
    "compare",
    "describe_environment",
    "measure",
    "rows",
]
