"""The page says what report.json says, in both languages, and nothing that is not there."""

from __future__ import annotations

import json
import re
from typing import Any

import altair as alt
import pytest
from support import ROOT
from support.page_numbers import Page, agrees, specs_of, strings_of, unaccounted, wrong
from support.report_assays import ROOT as DIGESTS
from support.report_assays import assay, verdict

from titer.analysis.concluding import conclude_path
from titer.data.identifiers import ProbeId
from titer.errors import printable
from titer.protocol.attack_families import AttackFacts
from titer.records import canonical
from titer.report.formats import Rendering
from titer.report.json_report import report_data
from titer.report.view.naming import attack_said
from titer.report.view.said import LANGUAGES, Language, plain

DEMO = ROOT / "docs" / "results" / "demo"


@pytest.fixture(scope="module", params=["demonstration", "made up"])
def rendering(request: pytest.FixtureRequest) -> Rendering:
    """The demonstration as it is kept, and a study with everything that can go wrong in it."""
    if request.param == "made up":
        return Rendering(verdict(), assay(), DIGESTS, {})
    found = conclude_path(DEMO)
    return Rendering(found.verdict, found.assay, found.root, {})


@pytest.fixture(scope="module")
def data(rendering: Rendering) -> Any:
    return json.loads(canonical(report_data(rendering.verdict, rendering.assay, rendering.root)))


@pytest.fixture(scope="module", params=LANGUAGES)
def page(rendering: Rendering, request: pytest.FixtureRequest) -> Page:
    lang: Language = request.param
    (content,) = rendering.files("html", lang).values()
    return Page(content.decode())


def test_every_number_is_that_of_report_json(page: Page, data: Any) -> None:
    facts = [one for one in page.said if one.path is not None]
    assert len(facts) > 500
    assert wrong(page, data) == []
    assert unaccounted(page) == [], "a number that does not say where it is from"


def test_a_number_that_differs_would_be_seen(page: Page, data: Any) -> None:
    """The comparison above is of no use if it lets a changed digit pass."""
    facts = [one for one in page.said if one.path is not None and re.search(r"\d", one.text)]
    forms = {one.form for one in facts}
    assert forms >= {"count", "number", "percent", "text", "passed", "asked"}
    for one in facts:
        changed = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), one.text, count=1)
        assert not agrees(one._replace(text=changed), data), one


def test_every_name_is_one_of_the_study(page: Page, data: Any) -> None:
    known = {printable(text) for text in strings_of(data)}
    named = {one.text for one in page.said if ("bdi", "given") in one.tags}
    assert len(named) > 10
    assert named <= known


def test_the_protocol_is_there_in_full(page: Page, data: Any) -> None:
    assert json.loads("".join(page.inside("pre", "protocol"))) == data["protocol"]


def test_a_chart_draws_what_report_json_says_of_its_curves(page: Page, data: Any) -> None:
    drawn = 0
    for key, spec in specs_of(page).items():
        for row in spec["datasets"]["runs"] if "harm-" in key else ():
            points = {point["dose"]: point for point in data["curves"][row["curve"]]["points"]}
            for dose, rate, high, found in zip(*(row[name] for name in ("dose", "rate", "high", "found")), strict=True):
                harm = {ProbeId(probe): counts for probe, counts in points[dose]["harm"].items()}
                (counts,) = (harm[p] for p in harm if (p.kind, p.name) == ("harm", row["about"]))
                assert rate == counts["harmful"] / counts["items"]
                assert high >= rate
                assert found == f"{counts['harmful']} / {counts['items']}"
                drawn += 1
    assert drawn > 50


def test_every_chart_is_vega_lite_and_has_a_table_behind_it(page: Page) -> None:
    specs = specs_of(page)
    for spec in specs.values():
        alt.LayerChart.from_dict(spec)
        assert spec["description"]
    drawn = [attrs["data-chart"] for _, attrs in page.tags if "data-chart" in attrs]
    assert sorted(drawn) == sorted(specs)
    behind = [attrs for tag, attrs in page.tags if (tag, attrs.get("class")) == ("details", "behind")]
    assert len(behind) == len([key for key in drawn if not key.startswith("first-")])


def test_a_table_has_a_caption_and_says_what_its_heads_are_of(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table") > 5
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in page.tags if tag == "th")


def test_a_control_that_passed_is_passed_and_never_upheld(page: Page) -> None:
    section = [one.text for one in page.said if ("section", "controls") in one.tags]
    assert not {"upheld", "shown"} & set(section)
    assert {"passed", "通过"} & set(section)


def test_the_page_is_in_the_language_that_was_asked_for(page: Page) -> None:
    lang = next(attrs["lang"] for tag, attrs in page.tags if tag == "html")
    first = "".join(page.inside("header", "first"))
    chinese = re.findall(r"[\u4e00-\u9fff]", first)
    assert (len(chinese) > 200) if lang == "zh-Hans" else not chinese


def test_the_page_may_fetch_and_send_nothing(page: Page) -> None:
    (policy,) = [attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    for tag, attrs in page.tags:
        for name in ("src", "href", "action"):
            assert attrs.get(name, "#").startswith(("#", "data:")), (tag, attrs)
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_an_attack_without_a_family_is_called_an_attack_in_both_languages() -> None:
    truth = assay()
    (label,) = truth.attacks
    said = attack_said(truth, label)
    assert (plain(said, "en"), plain(said, "zh")) == (f"the attack {label}", f"攻击 {label}")
    known = truth.model_copy(update={"attacks": {label: AttackFacts(families=("soft prompt", "a family of mine"))}})
    assert plain(attack_said(known, label), "en") == "a prompt optimized against it or a family of mine"
