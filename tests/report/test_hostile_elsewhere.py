"""What is made of a report, forms, comparisons and charts, keeps hostile text as text, too."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from support import ROOT as REPOSITORY
from support.hostile_text import HOSTILE, poisoned
from support.page_numbers import Page

from titer.analysis.findings import Assay, Verdict
from titer.cli import output
from titer.cli.progress import Watch
from titer.report.charts import charts, write_chart
from titer.report.comparison.chart import comparison_chart
from titer.report.comparison.rows import ComparedStudy, Comparison, compare
from titer.report.comparison.texts import cells, markdown_table
from titer.report.escape import csv_text
from titer.report.forms.filling import filled_form, markdown
from titer.report.forms.form import FORMS
from titer.viewer import pages

DEMO = REPOSITORY / "docs" / "results" / "demo"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module", params=HOSTILE)
def evil(request: pytest.FixtureRequest) -> str:
    return HOSTILE[request.param]


@pytest.fixture(scope="module")
def study(evil: str) -> tuple[Verdict, Assay]:
    return poisoned(evil)


@pytest.fixture(scope="module")
def compared(evil: str, study: tuple[Verdict, Assay]) -> Comparison:
    concluded, made = study
    return compare(
        [ComparedStudy(name=f"{n}{evil}", verdict=concluded, protocol=made.protocol, assay=made) for n in (1, 2)]
    )


def told(data: Any, evil: str) -> Any:
    """A report with a hostile text for every sentence, source and model that it has."""
    if isinstance(data, dict):
        free = ("reason", "sentence", "remedy", "provisional", "note", "what", "study", "model", "source")
        return {key: evil if key in free and isinstance(one, str) else told(one, evil) for key, one in data.items()}
    return [told(one, evil) for one in data] if isinstance(data, list) else data


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_no_html_no_link_and_no_head_that_is_not_its_own(name: str, evil: str) -> None:
    data: Any = json.loads((DEMO / "report.json").read_text(encoding="utf-8"))
    own, text = (markdown(filled_form(name, one)) for one in (data, told(data, evil)))
    assert text != own
    assert not re.search(r"<(?!https://)\w", text)
    assert not CONTROL.search(text)
    assert len(re.findall(r"(?<!\\)\]\(", text)) == len(re.findall(r"(?<!\\)\]\(", own))
    assert sum(line.startswith("#") for line in text.splitlines()) == sum(
        line.startswith("#") for line in own.splitlines()
    )


def test_a_comparison_is_text_in_markdown_on_a_page_and_on_a_terminal(
    compared: Comparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = markdown_table(compared)
    assert not re.search(r"<\w", table)
    assert not CONTROL.search(table)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines() if line.startswith("|")}) == 1
    page = Page(pages.compared_page(compared))
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert not CONTROL.search("".join(one.text for one in page.said))
    monkeypatch.setenv("COLUMNS", "80")
    for row in compared.rows:
        output.print_facts(row.study, cells(row))
    said = capsys.readouterr().out
    assert all(line.isprintable() and len(line) <= 80 for line in said.splitlines())


def test_a_chart_has_no_element_that_runs_or_fetches(
    study: tuple[Verdict, Assay], compared: Comparison, tmp_path: Path
) -> None:
    concluded, made = study
    drawn = charts(made, concluded, tmp_path)
    chart = comparison_chart(compared)
    if chart is not None:
        write_chart(chart, tmp_path, "compare")
    assert drawn
    for path in tmp_path.glob("*.svg"):
        tree = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
        assert not {"script", "image", "a", "foreignObject"} & tags
        assert not any(name.startswith("on") for element in tree.iter() for name in element.attrib)
        assert len(path.read_bytes()) < 5_000_000


def test_a_line_and_a_json_document_are_printed_without_a_sign_that_steers(
    evil: str, study: tuple[Verdict, Assay], capsys: pytest.CaptureFixture[str]
) -> None:
    output.say(f"{evil}\x9b31m/report.json")
    output.print_json({"reason": evil, "path": "\x9b31m\U000e0041"})
    line, document = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert document.isprintable()
    assert json.loads(document) == {"reason": evil, "path": "\x9b31m\U000e0041"}
    output.echo_json(study[0].to_json())
    said = capsys.readouterr().out.removesuffix("\n")
    assert said.isprintable()
    assert Verdict.from_json(said) == study[0]


def test_a_bar_on_a_terminal_shows_no_sign_that_steers(evil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bars = Watch(f"reading {evil}").bars
    assert bars is not None
    assert bars.tasks[0].description.isprintable()


@pytest.mark.parametrize("sign", "=+-@\uff1d\uff0b\uff0d\uff20")
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "\n"])
def test_a_cell_is_no_formula_whatever_keyboard_wrote_it(sign: str, before: str) -> None:
    assert csv_text(f"{before}{sign}1+1").startswith("'")
