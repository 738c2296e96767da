"""A real browser for tests: headless Chromium, spoken to in the W3C WebDriver protocol with what Python brings.

A test asks for the fixture ``browser`` (and imports the type only for type checking); where Chromium or its driver is
missing, the test is skipped. One browser serves the whole session, and each test gets a fresh page in it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars")
NAMES = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "chromedriver": ("chromedriver",)}
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "Shift": "\ue008", "Escape": "\ue00c"}
KEYS |= {"Home": "\ue011", "End": "\ue010", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015"}
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that the W3C protocol gives to a reference
# The ratio of the luminance of every text in sight, and of every mark asked for, to that of what lies behind it, as
# WCAG 2 defines it. What is drawn may also stand on the surface of the element named second.
_CONTRASTS = """
const [marks, ground] = arguments;
const numbers = (colour) => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
const mixed = (top, under) => top.slice(0, 3).map((part, i) => part * top[3] + under[i] * (1 - top[3]));
const curve = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const light = (colour) => colour.reduce((sum, part, i) => sum + curve(part / 255) * [0.2126, 0.7152, 0.0722][i], 0);
const surface = (element) => {
  if (!element) return [255, 255, 255];
  const colour = numbers(getComputedStyle(element).backgroundColor);
  return colour[3] === 1 ? colour.slice(0, 3) : mixed(colour, surface(element.parentElement));
};
const grounds = (element) => [element, ...(element.closest("svg") && ground ? [document.querySelector(ground)] : [])].map(surface);
const ratio = (colour, under) => {
  const [low, high] = [light(mixed(colour, under)), light(under)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const worst = (element, colour) => Math.min(...grounds(element).map((under) => ratio(colour, under)));
const texts = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const [words, element] = [walk.currentNode.data.trim(), walk.currentNode.parentElement];
  if (!words || !element.checkVisibility() || element.closest("script, style")) continue;
  const colour = numbers(getComputedStyle(element)[element.closest("svg") ? "fill" : "color"]);
  texts.push([worst(element, colour), words.slice(0, 40)]);
}
const shapes = [...document.querySelectorAll(marks || "no-such")].filter((each) => each.checkVisibility()).map((each) => {
  const style = getComputedStyle(each);
  const inks = [[style.fill, style.fillOpacity], [style.stroke, style.strokeOpacity]].filter(([ink]) => ink !== "none");
  const seen = inks.map(([ink, part]) => worst(each, [...numbers(ink).slice(0, 3), numbers(ink)[3] * part * style.opacity]));
  return [Math.max(...seen), each.outerHTML.slice(0, 80)];
});
return [texts, shapes].map((list) => list.sort((a, b) => a[0] - b[0]));
"""
_straight = build_opener(ProxyHandler({}))  # the driver is on this machine, whatever proxy is set


class Browser:
    """One window. What a script of the page returns comes back as JSON values."""

    def __init__(self, driver: str, chromium: str, scratch: Path) -> None:
        self.process = subprocess.Popen(
            [driver, "--port=0"], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(scratch)}
        )
        self.address = f"http://127.0.0.1:{self._port()}"
        options = {"binary": chromium, "args": list(FLAGS), "perfLoggingPrefs": {"enableNetwork": True}}
        logs = {"browser": "ALL", "performance": "ALL"}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
        try:
            made = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except Exception:
            self._end()
            raise
        self.address += f"/session/{made['sessionId']}"

    def _port(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                return found[1]
        raise RuntimeError("chromedriver ended before it was ready")

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with _straight.open(request, timeout=30) as answer:
                return json.load(answer)["value"]
        except HTTPError as wrong:  # the driver says what it could not do
            with wrong:
                raise RuntimeError(json.load(wrong)["value"]["message"].split("\n")[0]) from None

    def close(self) -> None:
        try:
            self._send("DELETE", "")
        finally:
            self._end()

    def _end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)

    def open(self, page: Path | str) -> None:
        """Opens a file or an address; what was logged before is forgotten."""
        self.errors(), self.requests()
        self._send("POST", "/url", {"url": page.as_uri() if isinstance(page, Path) else page})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script's ``return``; it sees its arguments as ``arguments``."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def cdp(self, command: str, **parameters: Any) -> Any:
        """A command of the Chrome DevTools Protocol."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def text(self, selector: str) -> str:
        """The words in sight, as a person reads them."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def find(self, selector: str) -> Any:
        return self._send("POST", "/element", {"using": "css selector", "value": selector})

    def hover(self, selector: str) -> None:
        self._point(selector)

    def click(self, selector: str) -> None:
        self._point(selector, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})

    def _point(self, selector: str, *then: Any) -> None:
        """Brings an element into sight, and the mouse to its middle."""
        found = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        move = {"type": "pointerMove", "origin": {_ELEMENT: found[_ELEMENT]}, "x": 0, "y": 0, "duration": 0}
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self._send("POST", "/actions", {"actions": [{**mouse, "actions": [move, *then]}]})

    def press(self, *names: str) -> None:
        """Keys one after another; ``Shift+Tab`` holds the first."""
        steps = []
        for name in names:
            held = [KEYS.get(each, each) for each in name.split("+")]
            steps += [{"type": "keyDown", "value": key} for key in held]
            steps += [{"type": "keyUp", "value": key} for key in reversed(held)]
        self._send("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]})

    def emulate(self, *, width: int = 1280, height: int = 900, scheme: str = "light", media: str = "") -> None:
        """The size of the window, and what the page's media queries find."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        features += [{"name": "prefers-reduced-motion", "value": "reduce"}]  # so that no test waits for a movement
        self.cdp("Emulation.setEmulatedMedia", media=media, features=features)

    def errors(self) -> list[str]:
        """What the console complained of since the last call."""
        logged = self._send("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in logged if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Every address that was asked for since the last call."""
        logged = self._send("POST", "/se/log", {"type": "performance"})
        events = [json.loads(entry["message"])["message"] for entry in logged]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]

    def contrasts(self, marks: str = "", over: str = "") -> tuple[list[Any], list[Any]]:
        """(ratio, words) of every text in sight, and (ratio, element) of every mark that the selector finds; poorest first."""
        texts, shapes = self.run(_CONTRASTS, marks, over)
        return texts, shapes

    def picture(self) -> bytes:
        """The whole page as PNG."""
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        made = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(made["data"])

    def printed(self) -> bytes:
        """The page as PDF, on A4."""
        made = self.cdp("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        return base64.b64decode(made["data"])


def installed(tool: str) -> str | None:
    return next((path for name in NAMES[tool] if (path := shutil.which(name))), None)
