"""The searches for the strongest attack: which trials are to be run, from those that were.

A search keeps nothing that the store does not have: from the scores of its trials it is replayed round by round; a
round depends on earlier rounds only, and begins when they are whole, with the shams of their best trials. It begins
with what is written, climbs by the rate, and then samples; at last its finalists are run on other search seeds
(docs/decisions/0014, 0021).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from titer.analysis.conditions.attack_searches import rerun_of, search_of, search_settings, sham_of, trial_of
from titer.analysis.curves import ReadCurve, read_curve
from titer.methods.search_configurations import configuration_of, space_of
from titer.methods.search_space import Space
from titer.planning.curves import PlannedCurve
from titer.planning.search import climb
from titer.planning.search.sampler import FinishedTrial, propose
from titer.planning.search.trials import RERUN_SEEDS, SEARCH_SEED, TrialBuilder
from titer.protocol.attacker import AttackChoice, DoseSchedule
from titer.records import Choice, Role, Seed, canonical
from titer.seeds import derive
from titer.stats.search import selection as search_selection
from titer.stats.search import trials as search_trials
from titer.stats.search.points import crossing
from titer.stats.search.trials import Rerun, Search, Trial, TrialSham
from titer.study.view import StoreView

SEARCH = Seed(purpose="search", index=SEARCH_SEED)
"""What the draws of a search are derived from, besides its attack and subject."""
_SYMBOL: Mapping[Role, str] = {"undefended": "M", "defended": "M*"}
"""What the draws of a search are derived from, by subject."""


class AttackSearch:
    """One search, on one subject: the trials proposed so far, with their configurations and curves, by number.

    Args:
        builder: builds its curves.
        choice: the attack, with what is searched.
        schedule: how it is dosed.
        role: the subject.
        warm: what it tries first after the configuration written by hand, if not a drawn one.
    """

    def __init__(
        self, builder: TrialBuilder, choice: AttackChoice, schedule: DoseSchedule, role: Role, warm: Choice | None
    ) -> None:
        self.builder = builder
        self._protocol = builder.protocol
        self.choice = choice
        self.schedule = schedule
        self.role = role
        self.begin = [self._configuration(values) for values in ({}, *(choice.begin or ()))]
        if warm is not None and warm not in self.begin:
            self.begin.append(warm)
        self._space = space_of(choice)
        self._climbed: int | None = None
        self.configurations: list[Choice] = []
        self.trials: list[PlannedCurve] = []
        self.shams: dict[int, PlannedCurve] = {}
        self.reruns: dict[tuple[int, int], PlannedCurve] = {}
        self.sham_label = builder.sham_label(choice)
        self.search: Search = self._search_of([], [])
        self.finished = False
        self._ended_trials: dict[int, Trial] = {}
        self._ended_shams: dict[int, TrialSham] = {}

    @property
    def curves(self) -> list[PlannedCurve]:
        """The curves of its trials, of their shams, and of its finalists on other seeds."""
        return [*self.trials, *self.shams.values(), *self.reruns.values()]

    @property
    def winner(self) -> Choice | None:
        """The selected attack; None while the search goes on, or where no trial was completed."""
        best = search_selection.winner(self.search) if self.finished else None
        return None if best is None else self.configurations[best.number]

    @property
    def space(self) -> Space:
        """What it is searched in, as far as its edges have moved."""
        return climb.widened(self._space, [self._tried(number, None) for number in range(len(self.configurations))])

    def advance(self, view: StoreView) -> None:
        """Read what has come in, and propose what is due next: shams, a round, the finalists on other seeds."""
        while not self.finished and self._goes_on(view):
            pass

    def _goes_on(self, view: StoreView) -> bool:
        """Propose what is due, if all that it rests on was read; whether there may be more to do."""
        trials = [self._trial(view, number) for number in range(len(self.trials))]
        self.search = self._search_of(trials, self._ended_reruns(view))
        if len(search_trials.completed(self.search)) < sum(trial.failure is None for trial in trials):
            return False
        if wanted := search_trials.unchecked(self.search):
            return self._check(wanted)
        settings = search_settings(self._protocol)
        more = min(
            settings.round - len(trials) % settings.round, search_trials.still_to_try(self.search, settings.trials)
        )
        for number in range(len(trials), len(trials) + more):
            self._propose(number)
        if more or self._run_again():
            return True
        self.finished = len(self.search.reruns) == len(self.reruns)
        return False

    # ------------------------------------------------------------------ what was read
    def _search_of(self, trials: list[Trial], reruns: list[Rerun]) -> Search:
        shams = self.sham_label is not None
        return search_of(self._protocol, self.schedule, trials, reruns, shams=shams)

    def _trial(self, view: StoreView, number: int) -> Trial:
        """A trial as far as it was read, with its sham; what has come to its end is not read again."""
        trial = self._ended_trials.get(number)
        if trial is None:
            read = self._read(view, self.trials[number])
            trial = trial_of(self._protocol, read.curve)
            if read.missing is None:
                self._ended_trials[number] = trial
        return replace(trial, sham=self._sham(view, number))

    def _sham(self, view: StoreView, number: int) -> TrialSham | None:
        """The sham of a trial; None where it is not wanted so far, or was not read."""
        if number in self.shams and number not in self._ended_shams:
            read = self._read(view, self.shams[number])
            if read.missing is None:
                self._ended_shams[number] = sham_of(self._protocol, read.curve)
        return self._ended_shams.get(number)

    def _ended_reruns(self, view: StoreView) -> list[Rerun]:
        """The finalists on other seeds, those that were read to their end."""
        found = (self._read(view, curve) for curve in self.reruns.values())
        return [rerun_of(self._protocol, read.curve) for read in found if read.missing is None]

    def _read(self, view: StoreView, curve: PlannedCurve) -> ReadCurve:
        return read_curve(self.builder.frozen, view, curve.specs)

    # ------------------------------------------------------------------ what is proposed
    def _check(self, wanted: tuple[Trial, ...]) -> bool:
        """Propose the shams of some trials; whether there are new ones among them."""
        assert self.sham_label is not None
        new = [trial for trial in wanted if trial.number not in self.shams]
        for trial in new:
            dose = crossing(trial.points, self.search.threshold)
            assert dose is not None
            configuration = self.configurations[trial.number]
            self.shams[trial.number] = self.builder.sham(self.role, self.sham_label, configuration, dose, trial.number)
        return bool(new)

    def _propose(self, number: int) -> None:
        place = number // search_settings(self._protocol).round
        bound = search_trials.bound_before(self.search, place)
        doses = tuple(dose for dose in self.schedule.ladder if bound is None or dose <= bound)
        chosen = self.begin[number] if number < len(self.begin) else self._drawn(number, place)
        self.configurations.append(chosen)
        self.trials.append(self.builder.trial(self.role, self.choice.label, chosen, doses, number, SEARCH_SEED))

    def _drawn(self, number: int, place: int) -> Choice:
        """What trial `number` tries, from the configurations of earlier rounds: a climb, an edge, then the sampler."""
        done = self._done(place)
        tried = [self._tried(before, done.get(before)) for before in range(number)]
        domain = self._protocol.searched_domain
        values = climb.climbed(self._space, tried[0].values, tried) or climb.beyond_edge(
            self._space, tried, domain.draw or domain.splits["attack"]
        )
        return self._configuration(self._sampled(number, done, tried) if values is None else values)

    def _done(self, place: int) -> dict[int, Trial]:
        """The trials of rounds before `place` that came to an end or failed, by number."""
        failed = [trial for trial in self.search.trials if trial.failure is not None]
        ended = [*search_trials.completed(self.search), *failed]
        return {trial.number: trial for trial in ended if trial.round < place}

    def _tried(self, number: int, trial: Trial | None) -> climb.Tried:
        """A configuration that was proposed, with what became of it if that is known."""
        parameters = json.loads(canonical(self.configurations[number].parameters))
        values = {name: parameters[name] for name in self._space}
        if trial is None:
            return climb.Tried(values=values)
        broke = crossing(trial.points, self.search.threshold) is not None
        lateness = search_trials.lateness(self.search, trial.points) if broke else math.inf
        wrecked = search_trials.wrecked(self.search, trial)
        return climb.Tried(values=values, known=True, wrecked=wrecked, lateness=lateness)

    def _sampled(self, number: int, done: Mapping[int, Trial], tried: Sequence[climb.Tried]) -> Mapping[str, Any]:
        """What the sampler draws: of the trials after the climb at most the first third uniformly."""
        settings = search_settings(self._protocol)
        self._climbed = number if self._climbed is None else self._climbed
        uniform = number - self._climbed < (settings.trials - self._climbed) // 3
        finished = [
            FinishedTrial(values=tried[trial.number].values, loss=search_selection.loss(self.search, trial))
            for trial in search_trials.distinct([own for own in done.values() if own.failure is None])
        ]
        return propose(
            climb.widened(self._space, tried),
            finished,
            sampler=settings.sampler,
            startup=settings.startup if uniform else 1,
            seed=derive(SEARCH.root, self.choice.label, _SYMBOL[self.role]),
            number=number,
        )

    def _configuration(self, values: Mapping[str, Any]) -> Choice:
        return configuration_of(self.choice, values, self._protocol.harm.frame)

    def _run_again(self) -> bool:
        """Propose the finalists on other seeds, where there is one to choose from others; whether they are new."""
        best = search_selection.finalists(self.search)
        if self.reruns or len(best) < 2:
            return False
        for trial in best:
            configuration, doses = self.configurations[trial.number], self.schedule.ladder
            for seed in RERUN_SEEDS:
                self.reruns[trial.number, seed] = self.builder.trial(
                    self.role, self.choice.label, configuration, doses, trial.number, seed
                )
        return True
