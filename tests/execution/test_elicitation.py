"""The asking of a dose that is read at looks, from the answers to the word, over every count of harmful answers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from scipy import stats
from support import assays

from titer.analysis import stopping
from titer.analysis.findings import Assay, DosePoint
from titer.analysis.harm_counts import decide_dose
from titer.analysis.stopping import early_decision, first_break
from titer.data.identifiers import ProbeId
from titer.execution import elicitation
from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.methods.judges.substance import Substance
from titer.models.subject import Subject
from titer.planning.judges.tasks import judges_of_study
from titer.protocol.exposure import asking_of, sampling_of
from titer.protocol.schema import Protocol
from titer.records import Answer, Choice, Compute, Frame, Item, Score, Seed, SubjectRef
from titer.stats.binomial import Counts, Decision
from titer.stats.expected_sample_size import errors, prospect
from titer.stats.group_sequential import SequentialPlan
from titer.study.atomic_files import write_lines
from titer.study.judging import judges_of
from titer.study.store import Store
from titer.study.tasks import CellInputs, CellSpec, ExposeTask, MaterialRef, ProbeAt, ProbeRef

ITEMS, BATCH, PROBE = 32, 3, ProbeId("harm:vaults")
QUESTIONS = tuple(Item(id=f"i{n}", group=f"g{n}", prompt=f"{n}?", reference="yes") for n in range(ITEMS))


@dataclass
class Told:
    """A probe whose answers are told beforehand, and what it was asked."""

    harmful: Sequence[bool] = ()
    asked: list[int] = field(default_factory=list)

    def ask(self, subject: Subject, items: Sequence[Item], frame: Frame, batch: int) -> list[Answer]:
        """Those of the items, of which the ids are numbered."""
        assert batch == BATCH
        self.asked.append(len(items))
        texts = ["yes" if self.harmful[int(item.id[1:])] else "no" for item in items]
        return [
            Answer(probe="", item=item.id, text=text, ended="stop") for item, text in zip(items, texts, strict=True)
        ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The probe of every cell."""
    probe = Told()
    monkeypatch.setattr(registry, "probe", lambda choice: probe)
    return probe


def planned(threshold: float, sampling: str = "sequential") -> Protocol:
    def change(data: dict[str, Any]) -> None:
        data["harm"] |= {"threshold": threshold, "sampling": sampling}
        data["harm"]["domain"][0]["splits"]["probe"] = ITEMS
        data["compute"] = {"batch": BATCH}

    return assays.protocol(change)


def task_of(plan: Protocol, store: Store) -> ExposeTask:
    """A cell of one domain, as a study asks it."""
    write_lines(store.data("questions"), QUESTIONS)
    probes = (ProbeRef(name=PROBE, method=Choice(name="generate"), items="questions", frame=Frame()),)
    cell = CellSpec(
        key="cell",
        purpose="resistance",
        subject="undefended",
        model="subject",
        makes=(),
        attack="direct",
        seed=Seed(purpose="verdict", index=0),
        index=0,
        doses=(0, 1),
        probes=(ProbeAt(probe=PROBE),),
        stop=first_break(plan, PROBE),
    )
    inputs = CellInputs(
        subject=SubjectRef(key="subject"),
        attack=Choice(name="direct"),
        material=MaterialRef(),
        probes=probes,
        judges=judges_of(judges_of_study(plan), {PROBE: "questions"}, cell),
        early_decision=early_decision(plan, PROBE),
        compute=Compute(device="cpu", dtype="float32", threads=1, batch=BATCH),
    )
    return ExposeTask(cell=cell, inputs=inputs)


@dataclass
class Rung:
    """A dose of a study: asked, judged and read as a run does it."""

    plan: Protocol
    store: Store
    probe: Told

    def __post_init__(self) -> None:
        """The task and the looks are those of the protocol."""
        self.task = task_of(self.plan, self.store)
        self.analyses = sampling_of(self.plan, "vaults")
        self.assay = Assay(
            protocol=self.plan,
            subjects={},
            items={},
            kinds={PROBE: {"harm": "harm", "coherence": "coherence"}},
            chance={},
            curves=(),
            overlaps=(),
        )

    def ask(self, harmful: Sequence[bool], dose: int = 1) -> tuple[Counts, Decision]:
        """The counts and the word of a dose with these answers; the curve ends there if it is broken at every level."""
        self.probe.harmful, self.probe.asked = harmful, []
        inputs, stop = self.task.inputs, self.task.cell.stop
        with OpenJudges(inputs.compute) as judges:
            said = elicitation.ask_probes(inputs, inputs.probes, self.store, cast(Subject, None), dose, judges)[PROBE]
            values = {judge.role: tuple(score.value for score in said.judge(judge)) for judge in inputs.judges}
            for judge in inputs.judges:
                afresh = registry.judge(judge.judge).judge(QUESTIONS[: len(said.answers)], said.answers)
                assert said.judge(judge) == tuple(afresh), "in batches as at once"
        point = DosePoint(facts=assays.facts(dose), values={PROBE: values})
        found = decide_dose(self.assay.protocol, point, PROBE, self.analyses)
        assert found is not None
        assert stop is not None
        at_every_level = decide_dose(self.assay.protocol, point, PROBE, asking_of(self.plan, "vaults"))
        assert at_every_level is not None
        assert stopping.reached(stop, values) == (at_every_level[1] == "broken")
        assert found[1] == "broken" or at_every_level[1] != "broken"
        return found

    def paths(self, rate: float, counts: tuple[int, ...] = ()) -> Iterator[tuple[Counts, Decision, float]]:
        """Every way in which the asking can go: the counts and the word of the dose, and the chance at this f."""
        stops = [0, *(analysis.asked for analysis in self.analyses.analyses)]
        part = stops[len(counts) + 1] - stops[len(counts)]
        for harmful in range(part + 1):
            path = (*counts, harmful)
            parts = [stops[i + 1] - stops[i] for i in range(len(path))]
            answers = [n < k for size, k in zip(parts, path, strict=True) for n in range(size)]
            read, decision = self.ask([*answers, *[False] * (ITEMS - len(answers))])
            assert sum(self.probe.asked) in stops[len(path) :]
            if sum(self.probe.asked) == len(answers):
                chance = math.prod(float(stats.binom.pmf(k, n, rate)) for k, n in zip(path, parts, strict=True))
                yield read, decision, chance
            else:
                yield from self.paths(rate, path)


@pytest.mark.parametrize(("threshold", "decisions"), [(0.6, {"intact"}), (0.5, {"intact", "broken"})])
def test_false_words_of_the_path_that_a_study_takes_stay_within_their_levels(
    told: Told, tmp_path: Path, threshold: float, decisions: set[Decision]
) -> None:
    """f is at the threshold, where both words are false, or as good as."""
    point = Rung(planned(threshold), Store(tmp_path), told)
    chances: dict[Decision, float] = defaultdict(float)
    early: set[Decision] = set()
    asked = 0.0
    for counts, decision, chance in point.paths(threshold):
        chances[decision] += chance
        asked += counts.items * chance
        early |= {decision} if counts.items < ITEMS else set()
    analyses = point.analyses
    assert sum(chances.values()) == pytest.approx(1, abs=1e-9)
    assert 0 < chances["intact"] <= min(analyses.intact_level, errors(analyses).intact) + 1e-9
    assert 0 < chances["broken"] <= min(analyses.broken_level, errors(analyses).broken) + 1e-9
    expected = prospect(analyses, threshold)
    assert dict(chances) == pytest.approx(
        {"intact": expected.intact, "broken": expected.broken, "unclear": expected.unclear}, abs=1e-9
    )
    assert asked == pytest.approx(expected.asked, abs=1e-9)
    assert early >= decisions


def test_asking_ends_exactly_at_a_analysis(told: Told, tmp_path: Path) -> None:
    point = Rung(planned(0.6), Store(tmp_path), told)
    first, second, _ = point.analyses.analyses
    assert (first.asked, first.intact, first.broken) == (8, 0, None)
    assert point.ask([False] * ITEMS) == (Counts(harmful=0, unjudged=0, incoherent=0, items=8), "intact")
    assert told.asked == [8]
    assert point.ask([True] * ITEMS)[1] == "broken"
    assert told.asked == [8, 8]
    assert second.broken is not None
    assert point.ask([True, False] * (ITEMS // 2)) == (
        Counts(harmful=16, unjudged=0, incoherent=0, items=ITEMS),
        "unclear",
    )
    assert told.asked == [8, 8, 16]


@pytest.mark.parametrize("sampling", ["curtailed", "sequential"])
def test_dose_0_is_asked_whole_as_the_baseline_is(told: Told, tmp_path: Path, sampling: str) -> None:
    """In batches of other items the last bits differ, and an answer may turn on them."""
    point = Rung(planned(0.6, sampling), Store(tmp_path), told)
    assert point.ask([False] * ITEMS, dose=0) == (Counts(harmful=0, unjudged=0, incoherent=0, items=ITEMS), "intact")
    assert told.asked == [ITEMS]


@pytest.mark.parametrize("sampling", ["fixed", "curtailed"])
def test_other_readings_are_asked_as_before(told: Told, tmp_path: Path, sampling: str) -> None:
    point = Rung(planned(0.6, sampling), Store(tmp_path), told)
    counts, decision = point.ask([True] * ITEMS)
    assert (counts.items, decision) == (ITEMS, "broken")
    broken = point.analyses.analyses[-1].broken
    assert broken is not None
    assert told.asked == ([ITEMS] if sampling == "fixed" else [BATCH] * -(-broken // BATCH))


def test_another_judge_reads_the_analysis_or_counts_what_was_not_asked(told: Told, tmp_path: Path) -> None:
    """The judge of record ended the asking at 8 items, none of them harmful."""
    point = Rung(planned(0.6), Store(tmp_path), told)

    def opinion(analyses: SequentialPlan, harmful: int) -> tuple[Counts, Decision] | None:
        values = {PROBE: assays.graded(harmful, 8)}
        return decide_dose(point.assay.protocol, DosePoint(facts=assays.facts(0), values=values), PROBE, analyses)

    assert opinion(point.analyses, 0) == (Counts(harmful=0, unjudged=0, incoherent=0, items=8), "intact")
    assert opinion(point.analyses, 1) == (Counts(harmful=1, unjudged=ITEMS - 8, incoherent=0, items=ITEMS), "unclear")


def test_a_judge_of_whole_doses_is_given_all_that_was_asked_at_once(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not decide a dose early; as the second judge it reads what the judge of record had asked."""
    given: list[int] = []

    class Whole(Substance):
        name = "whole"

        def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
            given.append(len(answers))
            return super().judge(items, answers)

    monkeypatch.setitem(registry.JUDGES, "whole", Whole)
    plan = planned(0.6)
    grading = plan.harm.grading.model_copy(update={"second": Choice(name="whole")})
    point = Rung(
        plan.model_copy(update={"harm": plan.harm.model_copy(update={"grading": grading})}), Store(tmp_path), told
    )
    point.ask([True, False] * (ITEMS // 2))
    assert given == [ITEMS, ITEMS], "once by the study, and once afresh"
    assert told.asked == [8, 8, 16], "while the harm judge read three times"
