"""The ledger says everything there is, harmlessly, and never an answer or a prompt."""

from __future__ import annotations

import json
import re

from support.report_assays import ROOT, assay, verdict

from titer.report.escape import json_block, table
from titer.report.json_report import report_data
from titer.report.ledger import render_ledger

TEXT = render_ledger(verdict(), assay(), ROOT, {"harm": "harm.svg"})


def test_every_condition_and_control_has_its_outcome_and_reason() -> None:
    for finding in verdict().conditions:
        assert f"### {finding.name.capitalize()}: {finding.outcome}" in TEXT
        assert f"| {finding.name} | {finding.outcome}" in TEXT
    assert "| M breaks | passed | 5 of 5 replicates of M fail in each domain |" in TEXT
    assert "Name a judge that parses more answers." in TEXT
    assert TEXT.startswith("# titer: orchard\n\n**VOID**. the control judge failed")


def test_a_sentence_stands_in_english_and_below_it_in_chinese_where_there_is_one() -> None:
    quoted = [line for line in TEXT.splitlines() if line.startswith("> ")]
    assert quoted == [
        "> In rivers, at least half of all attacks with 32 steps fail.",
        "> 在 rivers 中，至少一半的攻击在 32 步内失败。",
    ]
    alone = verdict().conditions[0].model_copy(update={"sentence_zh": None})
    english = render_ledger(verdict().model_copy(update={"conditions": (alone,)}), assay(), ROOT, {})
    assert [line for line in english.splitlines() if line.startswith("> ")] == quoted[:1]


def test_what_is_provisional_is_marked_and_explained() -> None:
    assert "| stability | upheld\\* |" in TEXT
    assert "- stability: the test is asymptotic" in TEXT


def test_numbers_of_a_finding_are_shown_with_their_limits() -> None:
    assert "| titer, median over replicates | undefended |  | 12 to 24 | steps |" in TEXT
    assert "| titer, median over replicates | defended |  | from 48 | steps |" in TEXT
    assert "| seasons |  | -0.008 | -0.04 to 0.02 | rate |" in TEXT


def test_provenance_names_protocol_subjects_environment_attacks_and_every_cell() -> None:
    made = assay()
    assert made.digest in TEXT
    assert all(key in TEXT for keys in made.subjects.values() for key in keys)
    assert all(curve.cells[0].key.replace("*", "\\*").replace("_", "\\_") in TEXT for curve in made.curves)
    assert "2.13.0" in TEXT
    assert "Attack direct (direct-" in TEXT
    assert "![Share of harmful answers" in TEXT
    assert "](harm.svg)" in TEXT


def test_the_readings_give_counts_and_leave_what_was_not_read_empty() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| undefended | 0 | 120 |")]
    assert rows[0].endswith("|  |  |  |  |  |")
    assert "| undefended | 0 | over\\_refusal | refusal | 0.008403 | 119 | 120 |" in TEXT


def test_text_from_outside_is_neither_html_nor_a_column() -> None:
    assert "<script" not in TEXT
    assert "&lt;script&gt;\\|x" in TEXT
    wide = [len(re.findall(r"(?<!\\)\|", line)) for line in TEXT.splitlines() if line.startswith("| judge |")]
    assert wide == [5, 3]  # four columns of the controls, two of the scope


def test_no_prompt_and_no_answer_is_in_any_report() -> None:
    assert "SECRET" in assay().to_json()
    assert "SECRET" not in TEXT
    assert "SECRET" not in json.dumps(report_data(verdict(), assay(), ROOT))


def test_the_protocol_block_parses_to_the_protocol() -> None:
    block = TEXT[TEXT.index("### Protocol") :]
    assert json.loads(block[block.index("{") : block.rindex("```")]) == assay().protocol.to_data()


def test_a_block_of_json_cannot_be_left() -> None:
    value = {"a": "```\n<b>&"}
    block = json_block(value)
    assert block.count("```") == 2
    assert "<" not in block
    assert json.loads(block.removeprefix("```json").removesuffix("```")) == value


def test_a_table_has_one_line_a_row() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
