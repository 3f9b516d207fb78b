"""The page as a browser shows it: complete, quiet, without a network, and fitting its window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.open_page import OpenPage, Scheme

from titer.analysis.concluding import conclude_path
from titer.report.formats import Rendering
from titer.report.view.said import LANGUAGES, Language

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DEMO = ROOT / "docs" / "results" / "demo"
CONTRAST = """() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.add(`${element.tagName}: ${node.textContent.slice(0, 30)}`);
  }
  return [...poor];
}"""
"""Every text whose contrast with its ground is less than 4.5 (WCAG 2.2, level AA)."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Language, Path]:
    """The page of the demonstration in each language."""
    found = conclude_path(DEMO)
    rendering = Rendering(found.verdict, found.assay, found.root, {})
    written = {}
    for lang in LANGUAGES:
        ((name, content),) = rendering.files("html", lang).items()
        written[lang] = tmp_path_factory.mktemp("pages") / name
        written[lang].write_bytes(content)
    return written


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_a_page_is_drawn_without_complaint_or_request_and_fits(
    browser: Browser, pages: dict[Language, Path], lang: Language, scheme: Scheme, width: int
) -> None:
    page = OpenPage(browser, pages[lang], width, scheme)
    page.draw_all()
    assert page.complaints == []
    assert page.asked(pages[lang]) == []
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
    assert page.tab.evaluate(CONTRAST) == []
    assert page.tab.evaluate("[...document.querySelectorAll('.chart')].every((one) => one.querySelector('svg'))")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_question_answer_picture_doubt_and_next_step_are_seen_without_scrolling(
    browser: Browser, pages: dict[Language, Path], lang: Language
) -> None:
    tab = OpenPage(browser, pages[lang], 1280, "light").tab
    bottom = (
        "Math.max(...[...document.querySelectorAll('.first > *')].map((one) => one.getBoundingClientRect().bottom))"
    )
    assert tab.evaluate(bottom) <= 960
    assert tab.evaluate("scrollY") == 0


def test_a_point_says_what_it_is(browser: Browser, pages: dict[Language, Path]) -> None:
    tab = OpenPage(browser, pages["en"], 1280, "light").tab
    tab.locator(".first .chart .mark-symbol path").last.hover(force=True)
    tab.wait_for_selector("#vg-tooltip-element.visible")
    assert "the protection" in tab.locator("#vg-tooltip-element").inner_text()


def test_every_table_behind_a_chart_opens_with_the_keyboard(browser: Browser, pages: dict[Language, Path]) -> None:
    tab = OpenPage(browser, pages["en"], 400, "light").tab
    for summary in tab.locator("summary").all():
        summary.focus()
        tab.keyboard.press("Enter")
    assert tab.evaluate("[...document.querySelectorAll('details')].every((one) => one.open)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_without_scripts_the_first_picture_is_there_and_so_are_the_tables(
    browser: Browser, pages: dict[Language, Path]
) -> None:
    tab = browser.new_context(java_script_enabled=False).new_page()
    tab.goto(pages["en"].as_uri())
    picture = tab.locator(".first noscript img").first
    assert picture.bounding_box() is not None
    assert tab.locator("table").count() > 5
