"""The viewer as a reader drives it: list, filter, open, compare, and a study that is being written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.studies import begin, finish

from titer.study.folder import read_study


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    elsewhere: list[str] = []
    page.on("request", lambda asked: None if asked.url.startswith(address) else elsewhere.append(asked.url))
    page.goto(address)
    yield page
    assert problems == []
    assert [url for url in elsewhere if not url.startswith("data:")] == []
    page.close()


def test_a_reader_filters_opens_and_compares(page: Page) -> None:
    expect(page.locator("#count")).to_contain_text("studies")
    page.get_by_label("Words").fill("demo")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#count")).to_contain_text("1 of")
    page.get_by_role("link", name="demo", exact=True).click()
    expect(page.locator("h1")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="titer").click()
    page.get_by_label("compare weight-0-clamp-7").check()
    page.get_by_label("compare weight-1-clamp-7").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Side by side")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("row").filter(has_text="resistance").first).to_contain_text("refuted")


def test_a_hostile_name_runs_nothing(page: Page) -> None:
    assert page.evaluate("window.stolen === undefined")


def test_a_run_is_followed_to_its_end(page: Page, shown: Path) -> None:
    study = begin(shown, name="followed")
    page.reload()
    page.get_by_role("row").filter(has_text="followed").get_by_role("link").click()
    expect(page.locator("#progress")).to_contain_text("0 of")
    finish(read_study(study.folder))
    expect(page.locator("#progress")).to_have_count(0, timeout=20_000)


def test_it_fits_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
