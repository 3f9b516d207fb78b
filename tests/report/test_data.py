"""report.json holds every number and where it comes from, and nothing that differs between equal runs."""

from __future__ import annotations

import json

from report.assays import ITEMS, assay, verdict

from titer.analysis.findings import Verdict
from titer.records import canonical
from titer.report.json_report import report_data

DATA = report_data(verdict(), assay())


def test_it_is_plain_json_and_the_verdict_comes_back_equal() -> None:
    again = json.loads(canonical(DATA))
    assert again == DATA
    assert Verdict.from_json(canonical(again["verdict"])) == verdict()


def test_each_rung_has_its_facts_counts_and_environment() -> None:
    made = assay()
    assert len(DATA["traces"]) == len(made.traces)
    first = DATA["traces"][0]
    rung, source = first["rungs"][4], made.traces[0].rungs[4]
    assert rung["spent"]["examples"] == source.facts.spent.examples
    harm = source.values["harm:rivers"]["harm"]
    assert rung["readings"]["harm:rivers"]["harm"] == {
        "total": sum(v or 0 for v in harm),
        "read": ITEMS,
        "items": ITEMS,
    }
    assert rung["harm"]["harm:rivers"]["items"] == ITEMS
    assert DATA["environments"][rung["environment"]] == source.facts.environment.to_data()


def test_a_judge_that_read_nothing_has_no_total() -> None:
    made = assay()
    blind = made.traces[-1].rungs[0].model_copy(update={"values": {"over_refusal": {"refusal": (None, None)}}})
    trace = made.traces[-1].model_copy(update={"rungs": (blind,)})
    data = report_data(verdict(), made.model_copy(update={"traces": (trace,)}))
    summary = data["traces"][0]["rungs"][0]["readings"]["over_refusal"]["refusal"]
    assert summary == {"total": None, "read": 0, "items": 2}
