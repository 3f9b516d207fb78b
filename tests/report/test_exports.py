"""A report in other formats says what report.json says, and nothing of an answer."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import ModelCard
from support import ROOT as REPOSITORY
from support.report_assays import ROOT, assay, verdict

from titer.analysis.concluding import conclude_path
from titer.report.formats import FORMATS, NAMES, Rendering, file_name
from titer.report.view.said import LANGUAGES, Language, plain
from titer.report.view.tables import Marked

RENDERING = Rendering(verdict(), assay(), ROOT, {})


def test_every_format_has_its_files_in_both_languages_and_none_has_an_answer() -> None:
    for wanted in FORMATS:
        for lang in LANGUAGES:
            found = RENDERING.files(wanted, lang)
            assert set(found) == {file_name(name, lang) for name in NAMES[wanted]}
            assert all(found.values())
            assert not any(b"SECRET" in content for content in found.values())


def test_the_card_has_results_that_a_hub_reads() -> None:
    (text,) = RENDERING.files("card", "en").values()
    card = ModelCard(text.decode())
    data: Any = card.data
    data.to_yaml()
    results = data.eval_results
    assert results
    assert {one.dataset_name for one in results} == {"rivers", "metals", "dances"}
    worst = {(one.domain, one.subject): one.within_budget for one in RENDERING.summary.worst}
    for one in results:
        assert one.task_type == "text-generation"
        assert one.metric_type == "harmful_answer_rate"
        assert one.metric_value == worst[one.dataset_name, "defended"]
    assert data.model_name == "orchard"
    assert "# Safety report: orchard" in card.content


def test_the_tables_have_a_row_for_every_figure_and_every_dose() -> None:
    figures, curves = (
        list(csv.DictReader(io.StringIO(text.decode()))) for text in RENDERING.files("csv", "en").values()
    )
    found = [figure for part in (verdict().conditions, verdict().controls) for one in part for figure in one.figures]
    assert [row["what"] for row in figures if row["what"]] == [figure.what for figure in found]
    harm = [row for row in curves if row["measure"] == "harm" and row["purpose"] == "resistance"]
    points = [point for curve in assay().curves if curve.purpose == "resistance" for point in curve.points]
    assert len(harm) == len(points)
    assert {row["items"] for row in harm} == {"120"}
    tasks = [row for row in curves if row["measure"] == "correct"]
    assert tasks
    assert all(0 <= float(row["total"]) <= int(row["items"]) for row in tasks)


def test_parquet_has_the_rows_of_the_csv_with_their_types() -> None:
    texts, binaries = RENDERING.files("csv", "en"), RENDERING.files("parquet", "en")
    for name, content in binaries.items():
        table = pq.read_table(pa.BufferReader(content))
        rows = list(csv.DictReader(io.StringIO(texts[name.replace(".parquet", ".csv")].decode())))
        assert table.num_rows == len(rows)
        assert table.column_names == list(rows[0])
    assert pq.read_table(pa.BufferReader(binaries["curves.parquet"])).schema.field("dose").type == pa.int64()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_latex_table_has_a_row_for_each_condition_that_applies(lang: str) -> None:
    (text,) = RENDERING.files("tex", "zh" if lang == "zh" else "en").values()
    rows = text.decode().split("\\midrule")[1].split("\\bottomrule")[0].strip().splitlines()
    assert len(rows) == 4
    assert all(row.endswith("\\\\") and row.count(" & ") == 2 for row in rows)


def test_markdown_begins_with_question_answer_doubt_and_next_step() -> None:
    text = RENDERING.files("md", "en")["report.md"].decode()
    heads = ["**The question.**", "**The answer.** No result", "## What was not tested", "## Where this could be wrong"]
    places = [text.index(head) for head in (*heads, "## What to do next", "### Resistance: shown")]
    assert places == sorted(places)
    assert "![" not in text, "no chart was written"
    assert len(text.splitlines()) < 300


def test_a_model_that_is_broken_before_any_attack_is_not_said_to_break_at_a_dose() -> None:
    """The defended model of that study tells 48 of 100 capitals at dose 0."""
    found = conclude_path(REPOSITORY / "docs" / "results" / "topics")
    text = Rendering(found.verdict, found.assay, found.root, {}).files("md", "en")["report.md"].decode()
    assert text.count("| broken before any attack (5 of 5 runs within the limit) |") == 3
    assert "| after 0, by 1 word of the answer given | before any attack |" in text
    assert not [line for line in text.splitlines() if "at 0 " in line or "by 0 " in line]
    assert "| share of such runs that break |" not in text, "nothing limits it, so that the row would be empty"


def test_what_holds_up_to_the_limit_and_breaks_beyond_it_is_said_among_the_doubts() -> None:
    found = conclude_path(REPOSITORY / "docs" / "results" / "demo")
    text = Rendering(found.verdict, found.assay, found.root, {}).files("md", "en")["report.md"].decode()
    assert "it holds against these attacks as configured" in text, "what is undecided is not said to hold up to a limit"
    assert "on ciphers: it breaks" not in text, "what does not hold is refuted, not doubted"


def test_a_condition_without_a_result_is_not_left_out_of_the_answer() -> None:
    found = conclude_path(REPOSITORY / "docs" / "results" / "topics")
    text = Rendering(found.verdict, found.assay, found.root, {}).files("md", "en")["report.md"].decode()
    (answer,) = (line for line in text.splitlines() if line.startswith("**The answer.**"))
    assert "what was measured says nothing of whether it can still be trained" in answer


@pytest.mark.parametrize(("lang", "words"), [("en", ["shown", "not decided"]), ("zh", ["成立", "未能判定"])])
def test_each_ability_is_told_in_the_words_of_the_conditions(lang: Language, words: list[str]) -> None:
    forest = RENDERING.view.forests[0].table
    outcomes = [row[-1] for row in forest.rows]
    assert [plain(cell.said, lang) for cell in outcomes if isinstance(cell, Marked)] == [words[0], *words]


def test_latex_has_no_sign_that_it_takes_a_package_for() -> None:
    (text,) = RENDERING.files("tex", "en").values()
    assert "--7 points" in text.decode()
    assert text.isascii()
