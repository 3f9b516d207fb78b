"""report.json holds every number and where it comes from, and nothing that differs between equal runs."""

from __future__ import annotations

import json

from support.report_assays import DIVERGED, ITEMS, ROOT, assay, verdict

from titer.analysis.findings import Verdict
from titer.data.identifiers import ProbeId
from titer.records import canonical
from titer.report.json_report import report_data

DATA = report_data(verdict(), assay(), ROOT)


def test_it_is_plain_json_and_the_verdict_comes_back_equal() -> None:
    again = json.loads(canonical(DATA))
    assert again == DATA
    assert Verdict.from_json(canonical(again["verdict"])) == verdict()


def test_each_dose_has_its_facts_counts_and_environment() -> None:
    made = assay()
    assert len(DATA["curves"]) == len(made.curves)
    first = DATA["curves"][0]
    point, source = first["points"][4], made.curves[0].points[4]
    assert point["spent"]["examples"] == source.facts.spent.examples
    harm = source.values[ProbeId("harm:rivers")]["harm"]
    assert point["scores"]["harm:rivers"]["harm"] == {
        "total": sum(v or 0 for v in harm),
        "scored": ITEMS,
        "items": ITEMS,
    }
    assert point["harm"]["harm:rivers"]["items"] == ITEMS
    assert DATA["environments"][point["environment"]] == source.facts.environment.to_data()


def test_a_judge_that_read_nothing_has_no_total() -> None:
    made = assay()
    blind = made.curves[0].points[0].model_copy(update={"values": {ProbeId("over_refusal"): {"refusal": (None, None)}}})
    curve = made.curves[0].model_copy(update={"points": (blind,)})
    data = report_data(verdict(), made.model_copy(update={"curves": (curve,)}), ROOT)
    summary = data["curves"][0]["points"][0]["scores"]["over_refusal"]["refusal"]
    assert summary == {"total": None, "scored": 0, "items": 2}


def test_seed_indices_that_gave_way_are_listed_with_their_condition_and_reason() -> None:
    assert DATA["replaced"] == [f"resistance: index 4: {DIVERGED}"]
