"""Headless Chromium over the DevTools protocol's pipe: no port, no driver, no download, only the standard library."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_BEYOND = 10  # a descriptor that is neither of the two that Chromium expects
# Events that mean that something on the page went wrong.
_TROUBLE = {"Runtime.exceptionThrown", "Network.loadingFailed", "Inspector.targetCrashed"}


class Page:
    """One tab of given width; it keeps all that it was told of errors and requests."""

    def __init__(self, browser: Browser, width: int, height: int) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.trouble: list[dict[str, Any]] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, self._note, **params)

    def dark(self) -> None:
        """Show the page as to a reader whose screen is dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])

    def open(self, file: Path) -> None:
        """Open ``file`` and wait until it has loaded."""
        loaded: list[dict[str, Any]] = []

        def note(event: dict[str, Any]) -> None:
            self._note(event)
            if event["method"] == "Page.loadEventFired":
                loaded.append(event)

        answer = self._browser.call("Page.navigate", self._session, note, url=file.resolve().as_uri())
        assert "errorText" not in answer, answer
        while not loaded:
            note(self._browser.event())

    def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, target: Path) -> None:
        """Write a picture of the whole page, PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        target.write_bytes(base64.b64decode(shot["data"]))

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        loud = method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert")
        logged = method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning")
        if method in _TROUBLE or loud or logged:
            self.trouble.append(event)


class Browser:
    """A running Chromium and its two pipes, which carry JSON messages that end in NUL."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out = os.fdopen(to_browser, "wb", buffering=0)
        self._in = os.fdopen(from_browser, "rb")
        self._number = 0

    def page(self, width: int, height: int = 900) -> Page:
        """A new tab."""
        return Page(self, width, height)

    def call(self, method: str, session: str | None = None, note: Any = None, **params: Any) -> dict[str, Any]:
        """Call a DevTools method and return its result; events that arrive meanwhile go to ``note``."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.event()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result
            if note is not None:
                note(answer)

    def event(self) -> dict[str, Any]:
        """The next message from the browser."""
        message = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "Chromium has ended."
            message += byte
        found: dict[str, Any] = json.loads(message)
        return found

    def close(self) -> None:
        self._out.close()
        self._in.close()


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Run Chromium with a fresh ``profile`` folder; it ends with the block."""
    assert CHROMIUM, "There is no Chromium: apt-get install chromium"
    to_browser, from_browser = os.pipe(), os.pipe()
    reads, writes = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _BEYOND) for end in (to_browser[0], from_browser[1]))

    def connect() -> None:
        # Chromium reads descriptor 3 and writes descriptor 4.
        os.dup2(reads, 3)
        os.dup2(writes, 4)

    process = subprocess.Popen(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}"],
        preexec_fn=connect,  # noqa: PLW1509 (no thread holds a lock that two dup2 could wait for)
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    for end in (to_browser[0], from_browser[1], reads, writes):
        os.close(end)
    browser = Browser(to_browser[1], from_browser[0])
    try:
        yield browser
    finally:
        browser.close()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
