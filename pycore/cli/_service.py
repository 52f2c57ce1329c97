"""A service in a subprocess, for the demo."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections import deque
from types import TracebackType

from pycore.errors import PycoreError

_START_SECONDS = 60.0


class ServiceProcessError(PycoreError):
    """The service process ended by itself."""


class ServiceProcess:
    """``python -m pycore.service`` on a free loopback port; a context manager that drains it at the end.

    Attributes:
        target: host:port, once entered.
    """

    def __init__(self, address: str = "127.0.0.1:0", *, max_message_bytes: int | None = None) -> None:
        self._options = ["--address", address]
        if max_message_bytes is not None:
            self._options += ["--max-message-bytes", str(max_message_bytes)]
        self._log: deque[str] = deque(maxlen=200)
        self._ready = threading.Event()
        self.target = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts the process without waiting for it; :meth:`wait_ready` does."""
        for module in ("grpc", "pydantic_settings"):
            if importlib.util.find_spec(module) is None:  # said here, not in the last words of a process
                raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pycore.service", *self._options],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which then drains the service in good order
            env={key: value for key, value in os.environ.items() if key != "PYCORE_ADDRESS"},
        )
        threading.Thread(target=self._read_log, args=(self._process,), daemon=True).start()

    def wait_ready(self) -> str:
        """The target, when the service serves. ServiceProcessError with its last words when it does not come up."""
        if not self._ready.wait(_START_SECONDS) or not self.target:
            raise self.failure("the service did not start")
        return self.target

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def failure(self, what: str) -> ServiceProcessError:
        """`what` with the last words of the process, to be raised."""
        return ServiceProcessError(f"{what}: " + (" | ".join(self._log) or "it said nothing"))

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid if self._process else 0

    def stop(self) -> int | None:
        """Asks the service to drain and waits for its end; its exit status."""
        process = self._process
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.wait()

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        """Keeps the service's pipe empty, and learns the address from the record that tells it."""
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line.strip())
            if not self.target and '"address"' in line:
                try:
                    self.target = str(json.loads(line).get("address", ""))
                except ValueError:
                    continue
                self._ready.set()
        self._ready.set()

    def __enter__(self) -> ServiceProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
