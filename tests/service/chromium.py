"""A real Chromium without a window, over its debugging pipe: no driver, no other package.

Commands and answers are JSON, each ended by a zero byte, on the file descriptors 3 and 4 of the browser.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = os.environ.get("PYCORE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 120.0


class Browser:
    """One page of a browser.

    Attributes:
        events: what it told of itself, oldest first: (name, parameters).
    """

    def __init__(self, folder: Path) -> None:
        assert CHROMIUM is not None
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        self._log = (folder / "chromium.log").open("wb")

        # A shell puts the pipes in their places: no Python runs between fork and exec of a process with threads.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{commands} 4>&{answers}', CHROMIUM, "--headless=new", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={folder}/profile", "about:blank"],
            stdout=self._log, stderr=self._log, pass_fds=(commands, answers),
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._number = 0
        self._left = b""
        self._session: str | None = None
        self.events: list[tuple[str, dict[str, Any]]] = []
        while not (pages := self._pages()):
            time.sleep(0.05)
        self._session = self("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility"):
            self(f"{domain}.enable")

    def _pages(self) -> list[Any]:
        return [one for one in self("Target.getTargets")["targetInfos"] if one["type"] == "page"]

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            part = os.read(self._answers, 1 << 20) if ready else b""
            assert part, "the browser does not answer"
            self._left += part
        raw, _, self._left = self._left.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False, scale: float = 1.0) -> None:
        """Loads a page in a window of a size, for readers who like it light or dark."""
        window = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self("Emulation.setDeviceMetricsOverride", **window)
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[wish])
        self.events.clear()
        self("Page.navigate", url=url)
        while not any(name == "Page.loadEventFired" for name, _ in self.events):
            self._next()

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Presses a key: Tab or Enter."""
        codes = {"Tab": 9, "Enter": 13}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key], **more)

    def screenshot(self, *, whole: bool = True, clip: dict[str, float] | None = None) -> bytes:
        """A PNG of the whole page or of a part of it."""
        more: dict[str, Any] = {"clip": clip} if clip else {}
        found = self("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **more)
        return base64.b64decode(found["data"])

    def names(self) -> list[tuple[str, str]]:
        """(role, name) of everything that assistive software sees, in order."""
        nodes = self("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]

    def complaints(self) -> list[str]:
        """Words of the browser about the page: errors, violations of its policy."""
        names = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
        return [str(more) for name, more in self.events if name in names]

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()
        for descriptor in (self._commands, self._answers):
            os.close(descriptor)
        self._log.close()
