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
from support.page_numbers import Page, wrong
from support.report_assays import ROOT, assay, verdict

from titer.analysis.findings import Assay, Verdict
from titer.protocol.schema import Protocol
from titer.records import canonical
from titer.report.escape import LONGEST
from titer.report.formats import Rendering
from titer.report.json_report import report_data
from titer.report.terminal import screen_text

MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>]]><!--"
MARKDOWN = "| [a](javascript:alert(1)) `b` *c* <b>d</b> ~e~ $f$ # ![x](http://x.test/p.png)"
PAINT = "\x1b[31mred\x1b[0m \x07\x00 [bold]loud[/bold] \u202egnp.exe\u2066 \r\nsecond line\u2028third\x85fourth"
FORMULA = "=cmd|' /C calc'!A0,\"x\"\n@SUM(A1)"
COMMAND = r"\input{/etc/passwd} \write18{id} % & # _ ^^41 ~ {"
LONG = "x" * 1_000_000
HOSTILE = {"markup": MARKUP, "markdown": MARKDOWN, "paint": PAINT, "formula": FORMULA, "command": COMMAND, "long": LONG}
LIMIT = 10_000_000


def poisoned(evil: str) -> tuple[Verdict, Assay]:
    """The made-up study with a hostile text in every field that takes one."""
    conditions = tuple(
        one.model_copy(
            update={
                "reason": evil,
                "reason_zh": evil,
                "sentence": evil,
                "sentence_zh": evil,
                "remedy": evil,
                "remedy_zh": evil,
                "provisional": evil,
                "figures": tuple(
                    figure.model_copy(update={"what": evil, "note": evil, "unit": evil, "outcome": evil})
                    if figure.subject
                    else figure.model_copy(update={"note": evil, "outcome": evil})
                    for figure in one.figures
                ),
            }
        )
        for one in verdict().conditions
    )
    controls = tuple(
        one.model_copy(update={"name": evil, "reason": evil, "remedy": evil}) for one in verdict().controls
    )
    told = verdict().model_copy(
        update={
            "study": evil,
            "reason": evil,
            "reason_zh": evil,
            "parent": evil,
            "parent_zh": evil,
            "unchecked": (evil,),
            "unchecked_zh": (evil,),
            "conditions": conditions,
            "controls": controls,
            "scope": {evil: evil, "list": [evil]},
        }
    )
    return told, renamed(evil)


def renamed(evil: str) -> Assay:
    """The made-up assay whose domain, attack, model, method and failures are named so.

    A protocol allows letters, digits and three signs in the name of a domain: what stands there is the worst case of
    what a later format may allow.
    """
    made, name = assay(), evil[:60]
    domain = made.protocol.harm.domain[0].model_copy(update={"name": name, "source": evil})
    attack = made.protocol.attacker.attack[0].model_copy(update={"name": name})
    protocol: Protocol = made.protocol.model_copy(
        update={
            "study": made.protocol.study.model_copy(update={"name": evil}),
            "subject": made.protocol.subject.model_copy(update={"model": evil}),
            "defense": tuple(one.model_copy(update={"name": evil}) for one in made.protocol.defense),
            "attacker": made.protocol.attacker.model_copy(update={"attack": (attack,)}),
            "harm": made.protocol.harm.model_copy(update={"domain": (domain, *made.protocol.harm.domain[1:])}),
        }
    )
    curves = []
    for curve in made.curves:
        cell = curve.cells[0].model_copy(
            update={"attack": attack.label, "domain": name if curve.domain == "rivers" else curve.domain}
        )
        points = tuple(
            point.model_copy(
                update={"values": {type(p)(str(p).replace("rivers", name)): v for p, v in point.values.items()}}
            )
            for point in curve.points
        )
        curves.append(curve.model_copy(update={"cells": (cell,), "failed": curve.failed and evil, "points": points}))
    kinds = {type(p)(str(p).replace("rivers", name)): k for p, k in made.kinds.items()}
    return made.model_copy(update={"protocol": protocol, "curves": tuple(curves), "kinds": kinds})


@pytest.fixture(scope="module", params=HOSTILE)
def evil(request: pytest.FixtureRequest) -> str:
    return HOSTILE[request.param]


@pytest.fixture(scope="module")
def rendering(evil: str) -> Rendering:
    return Rendering(*poisoned(evil), ROOT, {"harm": "harm.svg"})


def texts(rendering: Rendering, wanted: Any) -> Mapping[str, str]:
    return {name: content.decode() for name, content in rendering.files(wanted, "en").items()}


def test_a_page_has_no_element_and_no_script_that_is_not_its_own(rendering: Rendering) -> None:
    (text,) = texts(rendering, "html").values()
    assert len(text) < LIMIT
    page, own = Page(text), Page(texts(Rendering(verdict(), assay(), ROOT, {}), "html")["report.html"])
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in own.tags}
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert {name for _, attrs in page.tags for name in attrs} <= {name for _, attrs in own.tags for name in attrs}
    assert not any(attrs.get("src", "data:").startswith("http") for _, attrs in page.tags)
    assert all(
        one.text.replace("\n", "").isprintable() for one in page.said if one.path or ("bdi", "given") in one.tags
    )


def test_the_facts_of_a_poisoned_page_are_still_those_of_report_json(rendering: Rendering) -> None:
    data = json.loads(canonical(report_data(rendering.verdict, rendering.assay, rendering.root)))
    (text,) = texts(rendering, "html").values()
    assert wrong(Page(text), data) == []


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
    (text,) = texts(rendering, "tex").values()
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
