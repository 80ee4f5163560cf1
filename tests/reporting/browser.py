"""A real browser without a screen: Debian's Chromium, driven over WebDriver's plain HTTP (w3.org/TR/webdriver2)."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.interop.servers.program import find

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--disable-background-networking")
QUIET = ("--no-first-run", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-proxy-server")
PATIENCE = 60 * float(os.environ.get("MONITORPY_TEST_TIME_FACTOR", "1"))
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that the standard gives it


class Browser:
    """One window."""

    def __init__(self, driver: str, profile: Path) -> None:
        self._http = requests.Session()
        self._http.trust_env = False
        options = {"binary": find("chromium"), "args": [*FLAGS, *QUIET, f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self._session = f"{driver}/session"
        made = self._ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self._session += f"/{made['sessionId']}"

    def open(self, page: Path, fragment: str = "") -> None:
        self.visit(page.as_uri() + fragment)

    def visit(self, address: str) -> None:
        self.log("browser"), self.log("performance")  # what is there already is of the page before
        self._ask("POST", "/url", {"url": address})
        while not self.run("location.href === arguments[0] && document.readyState === 'complete'", address):
            pass  # the driver may have waited for the browser's first page

    def run(self, script: str, *args: Any) -> Any:
        """The value of a JavaScript expression, which may use ``arguments``."""
        return self._ask("POST", "/execute/sync", {"script": f"return {script}", "args": args})

    def texts(self, selector: str) -> list[str]:
        """The text of each element that can be seen."""
        visible = "e => e.checkVisibility()"
        return self.run(f"Array.from(document.querySelectorAll(arguments[0])).filter({visible}).map(e => e.textContent)", selector)

    def click(self, selector: str) -> None:
        self._ask("POST", f"/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        self._ask("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def size(self, width: int, height: int) -> None:
        """Of what is seen of the page, with a pixel for a pixel."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def likes(self, scheme: str) -> None:
        """What the person prefers: "light" or "dark"."""
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def javascript(self, *, on: bool) -> None:
        self.devtools("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.devtools("Page.captureScreenshot", format="png")["data"])

    def roles(self) -> Counter[str]:
        """What assistive technology is told that there is, and how many of each."""
        tree = self.devtools("Accessibility.getFullAXTree")["nodes"]
        return Counter(node["role"]["value"] for node in tree if not node["ignored"])

    def log(self, kind: str) -> list[dict[str, Any]]:
        """The entries since the last call: of the console ("browser"), of the network among others ("performance")."""
        return self._ask("POST", "/se/log", {"type": kind})

    def devtools(self, command: str, **params: Any) -> Any:
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def close(self) -> None:
        self._ask("DELETE", "")
        self._http.close()

    def _find(self, selector: str) -> str:
        return self._ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, self._session + path, json=body, timeout=PATIENCE)
        value = answer.json()["value"]
        assert answer.ok, f"{method} {path}: {value['error']}: {value['message']}"
        return value


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """The browser; the test is skipped where it is not installed, or fails where MONITORPY_INTEROP=required is set."""
    process = subprocess.Popen([find("chromedriver"), "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        port = next(found[1] for line in process.stdout if (found := re.search(r"started successfully on port (\d+)", line)))
        window = Browser(f"http://127.0.0.1:{port}", profile)
        try:
            yield window
        finally:
            window.close()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
