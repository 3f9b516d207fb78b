"""Whatever a name, a note or an error message says, it stays text: in a page, Markdown, tables, LaTeX, a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import ModelCard
from rich.console import Console
from support.hostile_text import HOSTILE, poisoned
from support.page_numbers import Page, wrong
from support.report_assays import ROOT, assay, verdict

from titer.records import canonical
from titer.report.escape import LONGEST
from titer.report.formats import Rendering
from titer.report.json_report import report_data
from titer.report.terminal import screen_text
from titer.report.view.said import LANGUAGES

LIMIT = 10_000_000


@pytest.fixture(scope="module", params=HOSTILE)
def evil(request: pytest.FixtureRequest) -> str:
    return HOSTILE[request.param]


@pytest.fixture(scope="module")
def rendering(evil: str) -> Rendering:
    return Rendering(*poisoned(evil), ROOT, {"harm": "harm.svg"})


def texts(rendering: Rendering, wanted: Any) -> Mapping[str, str]:
    """The files of a format in both languages."""
    return {name: text.decode() for lang in LANGUAGES for name, text in rendering.files(wanted, lang).items()}


def test_a_page_has_no_element_and_no_script_that_is_not_its_own(rendering: Rendering) -> None:
    own = Page(texts(Rendering(verdict(), assay(), ROOT, {}), "html")["report.html"])
    for text in texts(rendering, "html").values():
        assert len(text) < LIMIT
        page = Page(text)
        assert {tag for tag, _ in page.tags} <= {tag for tag, _ in own.tags}
        assert [tag for tag, _ in page.tags].count("script") == 3
        assert {name for _, attrs in page.tags for name in attrs} <= {name for _, attrs in own.tags for name in attrs}
        assert not any(attrs.get("src", "data:").startswith("http") for _, attrs in page.tags)
        from_outside = [one.text for one in page.said if one.path or ("bdi", "given") in one.tags]
        assert all(text.replace("\n", "").isprintable() for text in from_outside)


def test_the_facts_of_a_poisoned_page_are_still_those_of_report_json(rendering: Rendering) -> None:
    data = json.loads(canonical(report_data(rendering.verdict, rendering.assay, rendering.root)))
    assert [wrong(Page(text), data) for text in texts(rendering, "html").values()] == [[], []]


def test_markdown_has_no_html_no_link_and_no_row_that_is_not_its_own(rendering: Rendering) -> None:
    for name, text in {**texts(rendering, "md"), **texts(rendering, "card")}.items():
        prose = re.sub(r"^```json.*?^```$|^model-index: [^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"<\w", prose), name
        assert re.findall(r"(?<!\\)\]\(([^)]*)\)", prose) in (
            ["harm.svg", "ledger.md"],
            ["harm.svg"],
            [],
            ["ledger.md"],
        )
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u202a-\u202e\u2066-\u2069]", prose), name
        for block in re.findall(r"(?:^\|.*\n)+", prose, flags=re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block[:200]


def test_no_cell_of_a_table_is_a_formula(rendering: Rendering) -> None:
    csv.field_size_limit(2 * LONGEST)
    for text in texts(rendering, "csv").values():
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) > 5
        for row in rows:
            assert None not in row
            for cell in row.values():
                assert not cell.lstrip().startswith(("=", "@", "+")), cell[:40]
                assert not cell.startswith("-") or float(cell) < 0
                assert cell.isprintable()


def test_a_parquet_table_has_the_texts_as_they_are(rendering: Rendering, evil: str) -> None:
    tables = {name: pq.read_table(pa.BufferReader(data)) for name, data in rendering.files("parquet", "en").items()}
    assert evil in tables["figures.parquet"].column("note").to_pylist()
    assert any(evil[:60] in one for one in tables["curves.parquet"].column("attack").to_pylist())


def test_latex_has_no_command_that_is_not_its_own(rendering: Rendering) -> None:
    for text in texts(rendering, "tex").values():
        check_latex(text)


def check_latex(text: str) -> None:
    """Only the commands of the table, and no sign that is one."""
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= {
        *("usepackage", "begin", "centering", "caption", "toprule", "midrule", "bottomrule", "end", "linewidth"),
        *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "textquotedbl"),
    }
    body = text[text.index("\\caption") :]
    assert not re.search(r"(?<!\\)[%$#_^~]", body)
    assert body.replace(r"\{", "").count("{") == body.replace(r"\}", "").count("}")


def test_the_metadata_of_a_card_stays_yaml(rendering: Rendering) -> None:
    (text,) = texts(rendering, "card").values()
    assert len(text.split("---\n")[1]) < 20_000
    known: Any = ModelCard(text).data
    assert known.tags == ["titer", "harmful-fine-tuning", "immunization"]
    assert known.eval_results
    assert not {"base_model", "license", "widget"} & {key for key, value in known.to_dict().items() if value}


def test_a_terminal_obeys_no_sign_of_it(rendering: Rendering) -> None:
    console = Console(width=100, record=True, file=io.StringIO(), force_terminal=False)
    for line in screen_text(rendering.verdict.study, rendering.view.first, console):
        console.print(line)
    text = console.export_text()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x85\u202a-\u202e\u2066-\u2069]", text)
