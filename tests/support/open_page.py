"""A page in headless Chromium: what it asks of the network, what it complains of, and how it fits its window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

Scheme = Literal["light", "dark"]


class OpenPage:
    """A page that is open.

    Attributes:
        tab: the tab that it is open in.
        complaints: what its console said.
        requests: what it asked for, its own file and data in it left out.
    """

    def __init__(self, browser: Browser, path: Path, width: int, scheme: Scheme) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab: Tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.tab.on("console", lambda said: self.complaints.append(said.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda one: self.requests.append(one.url))
        self.tab.goto(path.as_uri())
        self.tab.wait_for_selector(".first .chart.drawn svg")

    def draw_all(self) -> None:
        """Have every chart drawn, as before printing."""
        self.tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        self.tab.wait_for_function("document.querySelectorAll('.chart:not(.drawn)').length === 0")

    def asked(self, path: Path) -> list[str]:
        """What it asked for beside itself."""
        return [url for url in self.requests if url != path.as_uri() and not url.startswith("data:")]
