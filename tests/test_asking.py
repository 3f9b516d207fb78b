"""The asking of a rung that is read at looks, from the answers to the word, over every count of harmful answers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import assays
import pytest
from scipy import stats

from titer.analysis import stopping
from titer.analysis.conditions.harm_readings import read_domain, reading_of
from titer.analysis.findings import Assay, RungReadings
from titer.analysis.stopping import early_reading, first_break
from titer.execution import elicitation
from titer.methods import registry
from titer.models.subject import Subject
from titer.planning.judge_tasks import judges_of
from titer.protocol.schema import Protocol
from titer.records import Answer, Choice, Frame, Item, Seed, SubjectRef
from titer.stats.binomial import Counts, RungWord
from titer.stats.expected_sample_size import errors, prospect
from titer.stats.group_sequential import Looks
from titer.study.atomic_files import write_lines
from titer.study.store import Store
from titer.study.tasks import ExposeTask, MaterialRef, ProbeRef

ITEMS, BATCH, PROBE = 32, 3, "harm:vaults"
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


def planned(threshold: float, reading: str = "looks") -> Protocol:
    def change(data: dict[str, Any]) -> None:
        data["harm"] |= {"threshold": threshold, "reading": reading}
        data["harm"]["domain"][0]["splits"]["probe"] = ITEMS
        data["compute"] = {"batch": BATCH}

    return assays.protocol(change)


def task_of(plan: Protocol, store: Store) -> ExposeTask:
    """A cell of one domain, as a study asks it."""
    write_lines(store.data("questions"), QUESTIONS)
    probes = (ProbeRef(name=PROBE, method=Choice(name="generate"), items="questions", frame=Frame()),)
    return ExposeTask(
        key="cell",
        purpose="resistance",
        subject=SubjectRef(key="subject"),
        attack=Choice(name="direct"),
        material=MaterialRef(),
        probes=probes,
        seed=Seed(purpose="verdict", index=0),
        doses=(0,),
        judges=judges_of(plan, "cell", "resistance", probes),
        stop=first_break(plan, "resistance", "vaults"),
        early_reading=early_reading(plan, "resistance", "vaults"),
        compute={"batch": BATCH},
    )


@dataclass
class Rung:
    """A rung of a study: asked, judged and read as a run does it."""

    plan: Protocol
    store: Store
    probe: Told

    def __post_init__(self) -> None:
        """The task and the looks are those of the protocol."""
        self.task = task_of(self.plan, self.store)
        self.looks = reading_of(self.plan, "resistance", "vaults")
        self.assay = Assay(
            protocol=self.plan.to_data(),
            digest=self.plan.digest,
            subjects={},
            items={},
            kinds={PROBE: {"harm": "harm", "coherence": "coherence"}},
            chance={},
            traces=(),
            overlaps=(),
        )

    def ask(self, harmful: Sequence[bool]) -> tuple[Counts, RungWord]:
        """The counts and the word of a rung with these answers; the trace ends there if and only if it is broken."""
        self.probe.harmful, self.probe.asked = harmful, []
        answers = elicitation.ask_probes(self.task, self.task.probes, self.store, cast(Subject, None), 0)
        values = {
            judge.role: tuple(
                reading.value for reading in registry.judge(judge.judge).judge(QUESTIONS[: len(answers)], answers)
            )
            for judge in self.task.judges
        }
        rung = RungReadings(facts=assays.facts(0), values={PROBE: values})
        found = read_domain(self.assay, self.plan, rung, "vaults", self.looks)
        assert found is not None
        assert self.task.stop is not None
        assert stopping.reached(self.task.stop, values, "harm") == (found[1] == "broken")
        return found

    def paths(self, rate: float, counts: tuple[int, ...] = ()) -> Iterator[tuple[Counts, RungWord, float]]:
        """Every way in which the asking can go: the counts and the word of the rung, and the chance at this f."""
        stops = [0, *(look.asked for look in self.looks.looks)]
        part = stops[len(counts) + 1] - stops[len(counts)]
        for harmful in range(part + 1):
            path = (*counts, harmful)
            parts = [stops[i + 1] - stops[i] for i in range(len(path))]
            answers = [n < k for size, k in zip(parts, path, strict=True) for n in range(size)]
            read, word = self.ask([*answers, *[False] * (ITEMS - len(answers))])
            assert sum(self.probe.asked) in stops[len(path) :]
            if sum(self.probe.asked) == len(answers):
                chance = math.prod(float(stats.binom.pmf(k, n, rate)) for k, n in zip(path, parts, strict=True))
                yield read, word, chance
            else:
                yield from self.paths(rate, path)


@pytest.mark.parametrize(("threshold", "words"), [(0.6, {"intact"}), (0.5, {"intact", "broken"})])
def test_false_words_of_the_path_that_a_study_takes_stay_within_their_levels(
    told: Told, tmp_path: Path, threshold: float, words: set[RungWord]
) -> None:
    """f is at the threshold, where both words are false, or as good as."""
    rung = Rung(planned(threshold), Store(tmp_path), told)
    chances: dict[RungWord, float] = defaultdict(float)
    early: set[RungWord] = set()
    asked = 0.0
    for counts, word, chance in rung.paths(threshold):
        chances[word] += chance
        asked += counts.items * chance
        early |= {word} if counts.items < ITEMS else set()
    looks = rung.looks
    assert sum(chances.values()) == pytest.approx(1, abs=1e-9)
    assert 0 < chances["intact"] <= min(looks.intact_level, errors(looks).intact) + 1e-9
    assert 0 < chances["broken"] <= min(looks.broken_level, errors(looks).broken) + 1e-9
    expected = prospect(looks, threshold)
    assert dict(chances) == pytest.approx(
        {"intact": expected.intact, "broken": expected.broken, "unclear": expected.unclear}, abs=1e-9
    )
    assert asked == pytest.approx(expected.asked, abs=1e-9)
    assert early >= words


def test_asking_ends_exactly_at_a_look(told: Told, tmp_path: Path) -> None:
    rung = Rung(planned(0.6), Store(tmp_path), told)
    first, second, _ = rung.looks.looks
    assert (first.asked, first.intact, first.broken) == (8, 0, None)
    assert rung.ask([False] * ITEMS) == (Counts(harmful=0, unjudged=0, incoherent=0, items=8), "intact")
    assert told.asked == [8]
    assert rung.ask([True] * ITEMS)[1] == "broken"
    assert told.asked == [8, 8]
    assert second.broken is not None
    assert rung.ask([True, False] * (ITEMS // 2)) == (
        Counts(harmful=16, unjudged=0, incoherent=0, items=ITEMS),
        "unclear",
    )
    assert told.asked == [8, 8, 16]


@pytest.mark.parametrize("reading", ["whole", "curtailed"])
def test_other_readings_are_asked_as_before(told: Told, tmp_path: Path, reading: str) -> None:
    rung = Rung(planned(0.6, reading), Store(tmp_path), told)
    counts, word = rung.ask([True] * ITEMS)
    assert (counts.items, word) == (ITEMS, "broken")
    broken = rung.looks.looks[-1].broken
    assert broken is not None
    assert told.asked == ([ITEMS] if reading == "whole" else [BATCH] * -(-broken // BATCH))


def test_another_judge_reads_the_look_or_counts_what_was_not_asked(told: Told, tmp_path: Path) -> None:
    """The judge of record ended the asking at 8 items, none of them harmful."""
    rung = Rung(planned(0.6), Store(tmp_path), told)

    def opinion(looks: Looks, harmful: int) -> tuple[Counts, RungWord] | None:
        values = {PROBE: assays.graded(harmful, 8)}
        return read_domain(rung.assay, rung.plan, RungReadings(facts=assays.facts(0), values=values), "vaults", looks)

    assert opinion(rung.looks, 0) == (Counts(harmful=0, unjudged=0, incoherent=0, items=8), "intact")
    assert opinion(rung.looks, 1) == (Counts(harmful=1, unjudged=ITEMS - 8, incoherent=0, items=ITEMS), "unclear")
