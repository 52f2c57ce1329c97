"""A log handler that never makes its caller wait: lines are written by a thread.

The service logs on its event loop. A full pipe, a journal that hangs or a disk that is slow would hold up every call,
health included. Here lines wait in memory for the thread that writes them; where too many wait, further ones are
dropped, and once there is room a line says how many. A log that cannot be written at all costs its lines and nothing
else.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import select
import threading
import time
from typing import TextIO

__all__ = ["LogWriter"]

_MOST_BYTES = 4 << 20
_FLUSH_S = 1.0


class LogWriter(logging.Handler):
    """Writes records to a text stream. Any thread may log.

    Args:
        stream: where to; its file descriptor is written, where it has one, so that a write that does not come back
            holds no lock that the end of the process needs.
        most: characters that may wait.
    """

    def __init__(self, stream: TextIO, most: int = _MOST_BYTES) -> None:
        super().__init__()
        self._stream = stream
        self._most = most
        self._waiting: collections.deque[str] = collections.deque()
        self._size = 0
        self._dropped = 0
        self._writing = False
        self._changed = threading.Condition()
        threading.Thread(target=self._write, name="pycore-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Puts a record in line."""
        try:
            line = self.format(record) + "\n"
        except Exception:
            self.handleError(record)
            return
        with self._changed:
            if self._size + len(line) > self._most:
                self._dropped += 1
                return
            if self._dropped:
                told = logging.makeLogRecord(
                    {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": "lines dropped: "
                     "the log was not written fast enough", "dropped": self._dropped}
                )  # fmt: skip
                line, self._dropped = f"{self.format(told)}\n{line}", 0
            self._waiting.append(line)
            self._size += len(line)
            self._changed.notify_all()

    def flush(self) -> None:
        """Waits until everything is written, a second at most."""
        end = time.monotonic() + _FLUSH_S
        with self._changed:
            while (self._waiting or self._writing) and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                text = "".join(self._waiting)
                self._waiting.clear()
                self._writing = True
            with contextlib.suppress(OSError, ValueError):  # a full disk, a reader that has gone, a closed file
                self._put(text)
            with self._changed:
                self._size -= len(text)
                self._writing = False
                self._changed.notify_all()

    def _put(self, text: str) -> None:
        try:
            number = self._stream.fileno()
        except (OSError, ValueError, AttributeError):  # a stream in memory
            self._stream.write(text)
            self._stream.flush()
            return
        data = text.encode("utf-8", "backslashreplace")
        at = 0
        while at < len(data):
            # Other processes may write to the same pipe, which takes so much in one piece: whole lines, if it can be.
            most = at + select.PIPE_BUF
            end = len(data) if most >= len(data) else data.rfind(b"\n", at, most) + 1 or most
            try:
                at += os.write(number, memoryview(data)[at:end])
            except BlockingIOError:  # somebody made it non-blocking, for all who share it
                select.select([], [number], [])
