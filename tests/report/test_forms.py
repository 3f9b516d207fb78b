"""Forms of others: every place that a data file names exists, and what a study does not state is said to be so."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.command import Here

from titer.protocol.study_config import ActorProfile, Disclosure
from titer.report.forms.answers import BUILDERS
from titer.report.forms.filling import NOT_STATED, OPTIONAL, FilledForm, filled_form, markdown, value_at
from titer.report.forms.form import FORMS, read_form

DEMO = ROOT / "docs" / "results" / "demo"
SAID = Disclosure(
    actor=ActorProfile(skill="a student", data="public rows", compute="one GPU", money="100 dollars"),
    marginal_risk="little | <b>none</b>",
    safety_margin="twice the budget",
    retest=("a new attack", "a year"),
)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The report of the demonstration, as data."""
    found: dict[str, Any] = json.loads((DEMO / "report.json").read_text(encoding="utf-8"))
    return found


def stated(report: dict[str, Any], said: Disclosure) -> dict[str, Any]:
    return report | {"protocol": report["protocol"] | {"disclosure": said.to_data()}}


@pytest.mark.parametrize("name", FORMS)
def test_every_place_that_a_form_names_exists(name: str, report: dict[str, Any]) -> None:
    form = read_form(name)
    full = stated(report, SAID)
    for field in form.field:
        for path in field.paths.values():
            assert value_at(full, path) is not None or path.startswith("protocol.subject.public"), path
        assert field.builder is None or field.builder in BUILDERS
    ids = [field.id for field in form.field]
    assert len(set(ids)) == len(ids)
    assert form.address.startswith("https://")


def test_every_builder_is_used_by_a_form() -> None:
    assert {field.builder for name in FORMS for field in read_form(name).field} - {None} == BUILDERS.keys()


def test_a_path_that_leads_nowhere_is_an_error_and_an_optional_one_is_not(report: dict[str, Any]) -> None:
    with pytest.raises(KeyError, match="verdict.nonsense"):
        value_at(report, "verdict.nonsense")
    assert [value_at(report, f"{start}x") for start in OPTIONAL] == [None, None]


@pytest.mark.parametrize("name", FORMS)
def test_what_is_not_stated_is_said_to_be_so_and_listed(name: str, report: dict[str, Any]) -> None:
    silent, said = filled_form(name, report), filled_form(name, stated(report, SAID))
    answers = [answer for field in silent.fields for answer in field.answer]
    assert all(answer.strip() and not answer.endswith(": ") for answer in answers)
    asks_more = any(path.startswith(OPTIONAL) for field in read_form(name).field for path in field.paths.values())
    assert any(answer.endswith(NOT_STATED) for answer in answers) == asks_more
    assert set(silent.open) == {field.id for field in silent.fields if field.state == "open"} >= set(said.open)
    assert all(field.answer or field.cannot for field in silent.fields)
    assert FilledForm.from_json(silent.to_json()) == silent


def test_a_statement_fills_its_field(report: dict[str, Any]) -> None:
    silent, said = (filled_form("eu-appendix3", one) for one in (report, stated(report, SAID)))
    assert "3.3(3)" in silent.open
    assert "3.3(3)" not in said.open
    (field,) = (one for one in said.fields if one.id == "3.3(3)")
    assert field.answer == (
        "what makes the study be done again: a new attack, a year",
        "safety margin: twice the budget",
    )
    assert field.state == "filled"


def test_what_a_protocol_says_is_text_in_the_page(report: dict[str, Any]) -> None:
    text = markdown(filled_form("nist-800-1", stated(report, SAID)))
    assert "<b>" not in text
    assert "little \\| &lt;b&gt;none&lt;/b&gt;" in text
    assert "Open fields: 1.3." in text


def test_report_writes_the_form_beside_the_report(tmp_path: Path, here: Here) -> None:
    study = shutil.copytree(DEMO, tmp_path / "demo")
    done = here("report", study, "--map", "stream")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(study / "form-stream.md")
    filled = FilledForm.from_json((study / "form-stream.json").read_text(encoding="utf-8"))
    assert "1(iii)" in filled.open
    assert filled.root in (study / "form-stream.md").read_text(encoding="utf-8")
    assert here("report", study, "--map", "nonsense").code == 2


def test_a_method_without_parameters_is_said_to_have_none(report: dict[str, Any]) -> None:
    text = markdown(filled_form("stream", report))
    assert "probe: name generate, parameters none." in text
    assert not re.search(r" [.,;]", text)
