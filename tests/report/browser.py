"""A real browser, driven over the DevTools pipe: no driver, no port, no dependency.

`python -m tests.report.browser PAGE PICTURE [SELECTOR]` takes a picture of a page, or of one of its elements.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


def find() -> str | None:
    """The browser's program, or None where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Page:
    """One page of a browser of its own. Everything the page complains about is in `complaints`."""

    def __init__(self, profile: Path, *, timeout: float = 60) -> None:
        program = find()
        assert program is not None
        self._timeout, self._last, self._rest = timeout, 0, b""
        self.complaints: list[str] = []
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe()

        def inherit() -> None:
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=inherit,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._session: str | None = None
        target = self._page_target()
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError, TimeoutError, EOFError):
            self._session = None
            self.send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """Sets the size of the screen in CSS pixels, and light or dark."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Goes to a page and waits until it has loaded."""
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=url)
        self.settle("document.readyState === 'complete' && location.href !== 'about:blank'")

    def settle(self, condition: str = "true") -> None:
        """Waits for a condition, and then until the page has painted.

        Raises:
            TimeoutError: It does not come true.
        """
        source = (
            f"new Promise((done) => {{ const look = () => ({condition}) ? requestAnimationFrame(() => "
            "setTimeout(done, 0)) : setTimeout(look, 20); look(); })"
        )
        self.send("Runtime.evaluate", expression=source, awaitPromise=True)

    def run(self, source: str) -> Any:
        """Evaluates JavaScript and returns its value."""
        answer = self.send("Runtime.evaluate", expression=source, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Presses keys one after another, as a person would."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = KEYS.get(key, ord(key[0].upper()))
            self.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
            self.settle()

    def shoot(self, path: Path, selector: str = "") -> None:
        """Saves what the screen shows, or a whole element of the page."""
        part: dict[str, Any] = {}
        if selector:
            box = self.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
            clip = {"x": box["x"] - 16, "y": box["y"] - 16, "width": box["width"] + 32, "height": box["height"] + 32}
            part = {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png", **part)["data"]))

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a DevTools method and returns its result.

        Raises:
            TimeoutError: The browser does not answer.
        """
        self._last += 1
        call: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._out, json.dumps(call).encode() + b"\0")
        for message in self._messages():
            if message.get("id") == self._last:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return dict(message["result"])
            self._note(message)
        raise AssertionError("unreachable")

    def _page_target(self) -> str:
        while True:
            for target in self.send("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return str(target["targetId"])

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._rest:
                one, self._rest = self._rest.split(b"\0", 1)
                yield json.loads(one)
            if not select.select([self._in], [], [], self._timeout)[0]:
                raise TimeoutError("the browser does not answer")
            if not (chunk := os.read(self._in, 1 << 20)):
                raise EOFError("the browser ended")
            self._rest += chunk

    def _note(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded":
            entry = params["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}".strip())
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(params["args"]))


def _pipe() -> tuple[int, int]:
    """A pipe whose ends do not lie where the browser looks for its own."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends[0], ends[1]


def main(page: str, picture: str, selector: str = "") -> None:
    with tempfile.TemporaryDirectory() as profile, Page(Path(profile)) as shown:
        shown.screen(900, 700)
        shown.open(Path(page).resolve().as_uri())
        shown.shoot(Path(picture), selector)


if __name__ == "__main__":
    main(*sys.argv[1:])
