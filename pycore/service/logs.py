"""The log: JSON lines for machines, plain lines for people, each with the identifier of the call that it is about.

Text from strangers cannot begin another line or move a terminal's cursor, in either form: control characters, line
separators and marks that turn the direction of text around are written as escapes.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from pathlib import Path
from typing import TextIO

from pycore.service.log_writer import LogWriter
from pycore.service.request_ids import current_request

__all__ = ["JsonLines", "PlainLines", "RequestIds", "log_to_stderr"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"taskName"}
# Control characters of both kinds, separators of lines, and what turns the direction of text around.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN_VALUE = re.compile(r"[\w.:/@+%,-]+")


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _given(record: logging.LogRecord) -> dict[str, object]:
    """Whatever `extra` was given."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class RequestIds(logging.Filter):
    """Adds `request_id` to records that are made while a call is served; lets everything pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        one = current_request.get()
        if one is not None and one.id and not hasattr(record, "request_id"):
            record.request_id = one.id
        return True


class JsonLines(logging.Formatter):
    """One JSON object per record: time, level, logger, message, and whatever `extra` was given."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        shown = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_given(record),
        }
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        return _escaped(json.dumps(shown, default=str, ensure_ascii=False))  # what is left unsafe is inside of strings


class PlainLines(logging.Formatter):
    """Time, level, message, and whatever `extra` was given as `key=value`, with quotes where the value needs them."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; the lines of a traceback follow, each indented."""
        fields = [f"{key}={_value(value)}" for key, value in _given(record).items() if key != "stack"]
        line = " ".join([_time(record), f"{record.levelname.lower():7}", _escaped(record.getMessage()), *fields])
        more = [str(getattr(record, "stack", ""))]
        if record.exc_info:
            more.append(self.formatException(record.exc_info))
        return "\n    ".join([line, *(_escaped(one) for text in more for one in text.split("\n") if one)])


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        value = ",".join(value)
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if _PLAIN_VALUE.fullmatch(text) else _escaped(json.dumps(text, ensure_ascii=False))


def log_to_stderr(level: str, form: str = "auto", stream: TextIO | None = None) -> None:
    """Sends the log of the process to standard error. `form`: json, plain, or auto: plain on a terminal."""
    stream = stream or sys.stderr
    if stream is None:  # whoever started this closed it
        stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if form == "auto":
        form = "plain" if stream.isatty() else "json"
    handler = LogWriter(stream)
    handler.setFormatter(PlainLines() if form == "plain" else JsonLines())
    handler.addFilter(RequestIds())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
