"""`plan` says what the verdict will be at harm rates of the user's own, and the cheapest study that decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import Here

from titer.analysis.power.verdicts import CheapestStudies, PlannedStudy, VerdictProspect, verdict_prospects
from titer.cli.planning.verdicts import cheapest_said, check_rates, print_verdicts
from titer.errors import InputError
from titer.protocol.loading import load

OWN = PlannedStudy(seeds=8, items=80, pool=640, kind="own", analyses=6, power=0.841, answers=1127.3)
SHARED = PlannedStudy(seeds=5, items=250, pool=250, kind="shared", analyses=1, power=0.8, answers=2144.0)


def studies(own: PlannedStudy | None, shared: PlannedStudy | None, *, possible: bool = True) -> CheapestStudies:
    return CheapestStudies(rate=0.1, outcome="upheld", own=own, shared=shared, possible=possible, most_seeds=20)


def test_the_cheapest_study_in_words() -> None:
    assert cheapest_said(studies(OWN, SHARED)) == (
        "at 0.1, upheld: 8 seeds, 80 prompts of its own for each (640 in all), six analyses (84 %, 1100 answers); "
        "or 5 seeds, 250 prompts for all (80 %, 2100 answers)"
    )
    assert cheapest_said(studies(OWN, None)).endswith("six analyses (84 %, 1100 answers)")
    assert (
        cheapest_said(studies(None, None))
        == "at 0.1, upheld: more than 600 prompts for each seed, or more than 20 seeds"
    )
    said = cheapest_said(studies(None, None, possible=False))
    assert said == "at 0.1: no number of prompts decides, with up to 20 seeds"


def test_the_table_fits_and_has_a_row_for_each_rate(capsys: pytest.CaptureFixture[str]) -> None:
    rows = tuple(
        VerdictProspect(
            condition="generalization",
            rate=rate,
            upheld=0.987,
            refuted=0.0,
            standard_error=0.001,
            replicates=5,
            items=120,
        )
        for rate in (0.05, 0.123456)
    )
    print_verdicts(rows, (studies(OWN, SHARED),))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert "P(verdict) of 5 seeds" in said
    assert [line.split() for line in said.splitlines() if line.split()[:1] == ["generalization"]] == [
        ["generalization", "0.05", "0.99", "0.00"],
        ["generalization", "0.123", "0.99", "0.00"],
    ]


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="--rate"):
        check_rates([0.1, rate])


@pytest.mark.model
def test_plan_foresees_the_verdict_at_rates_of_ones_own(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    arguments = ("plan", tiny_file, "--out", tmp_path / "s", "--rate", 0.2, "--rate", 0.9)
    said = here(*arguments).out
    assert max(map(len, said.splitlines())) <= 80
    verdicts = said[said.index("P(verdict) of 5 seeds") : said.index("Overlap audit")]
    found = json.loads(here(*arguments, "--json").out)
    prospects = [VerdictProspect.from_json(json.dumps(one)) for one in found["verdicts"]]
    assert prospects == list(verdict_prospects(load(tiny_file), (0.2, 0.9)))
    assert [one.rate for one in prospects] == [0.125, 0.2, 0.25, 0.375, 0.9] * 2
    rows = [line.split() for line in verdicts.splitlines() if line.split()[:1] == ["resistance"]]
    assert rows == [
        [one.condition, f"{one.rate:.3g}", f"{one.upheld:.2f}", f"{one.refuted:.2f}"] for one in prospects[:5]
    ]
    cheapest = [CheapestStudies.from_json(json.dumps(one)) for one in found["cheapest_studies"]]
    assert [one.rate for one in cheapest] == [0.125, 0.2, 0.25, 0.375, 0.9]
    assert [one.outcome for one in cheapest] == ["upheld"] * 4 + ["refuted"]
    for one in cheapest:
        assert " ".join(cheapest_said(one).split()) in " ".join(verdicts.split())
        assert one.own is not None
        assert one.own.power >= 0.8
    refused = here("plan", tiny_file, "--out", tmp_path / "s", "--rate", 2)
    assert refused.code != 0
    assert "--rate" in refused.err
