"""The searches for the strongest attack: which trials are to be run, from those that were.

A search keeps nothing that the store does not have: from the scores of its trials it is replayed round by round; a
round depends on earlier rounds only, and begins when they are whole (`statistics.md`, Attacker).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from titer.analysis.conditions.attack_searches import search_of, search_settings, trial_of
from titer.analysis.curves import read_curve
from titer.methods.search_configurations import space_of, with_values
from titer.planning.cells import CellBuilder, SelectedAttacks
from titer.planning.curves import PlannedCurve
from titer.planning.sampler import FinishedTrial, propose
from titer.protocol.attacker import AttackChoice, DoseSchedule
from titer.records import Choice, Role, Seed, canonical
from titer.seeds import derive
from titer.stats import search_selection, search_trials
from titer.stats.search_trials import Search, Trial
from titer.study.folder import Study
from titer.study.view import StoreView

SEARCH = Seed(purpose="search", index=0)
"""The seed of every trial: configurations are compared on equal draws, and the verdict rests on other seeds."""
_SYMBOL: Mapping[Role, str] = {"undefended": "M", "defended": "M*"}
"""What the draws of a search are derived from, by subject."""


class AttackSearch:
    """One search, on one subject: the trials proposed so far, with their configurations and curves, by number.

    Args:
        builder: builds its trials.
        choice: the attack, with what is searched.
        schedule: how it is dosed.
        role: the subject.
        warm: the configuration that it begins with, if not a drawn one.
    """

    def __init__(
        self, builder: CellBuilder, choice: AttackChoice, schedule: DoseSchedule, role: Role, warm: Choice | None
    ) -> None:
        self.builder = builder
        self.choice = choice
        self.schedule = schedule
        self.role = role
        self.warm = warm
        self.configurations: list[Choice] = []
        self.curves: list[PlannedCurve] = []
        self.search: Search = search_of(builder.protocol, schedule, [])
        self.finished = False
        self._finished_trials: dict[int, Trial] = {}

    @property
    def winner(self) -> Choice | None:
        """The selected attack; None while the search goes on, or where no trial was completed."""
        best = search_selection.winner(self.search) if self.finished else None
        return None if best is None else self.configurations[best.number]

    def advance(self, view: StoreView) -> None:
        """Read the trials that have come in, and propose the next round where one is due."""
        settings = search_settings(self.builder.protocol)
        while not self.finished:
            trials = [self._trial(view, number) for number in range(len(self.curves))]
            self.search = search_of(self.builder.protocol, self.schedule, trials)
            done = search_trials.completed(self.search)
            if len(done) < sum(trial.failure is None for trial in trials):
                return
            more = min(
                settings.round - len(trials) % settings.round,
                search_trials.still_to_try(self.search, settings.trials),
            )
            self.finished = more == 0
            for number in range(len(trials), len(trials) + more):
                self._propose(done, number)

    def _trial(self, view: StoreView, number: int) -> Trial:
        """A trial as far as it was read; one that has come to its end is not read again."""
        if number in self._finished_trials:
            return self._finished_trials[number]
        frozen = self.builder.study.frozen
        read = read_curve(frozen, view, self.curves[number].specs)
        trial = trial_of(self.builder.protocol, read.curve, frozen.judges["harm"].kind)
        if read.missing is None:
            self._finished_trials[number] = trial
        return trial

    def _propose(self, done: tuple[Trial, ...], number: int) -> None:
        """Add the trial of this number, which knows the earlier rounds."""
        place = number // search_settings(self.builder.protocol).round
        best = search_trials.best_before(self.search, place)
        doses = tuple(dose for dose in self.schedule.ladder if best is None or dose <= best)
        known = [trial for trial in done if trial.round < place]
        chosen = self.warm if number == 0 and self.warm is not None else self._drawn(known, number)
        self.configurations.append(chosen)
        self.curves.append(self.builder.search_trial(self.role, self.choice, chosen, doses, number))

    def _drawn(self, known: list[Trial], number: int) -> Choice:
        """What trial `number` tries, from the configurations of earlier rounds and what each is worth."""
        settings = search_settings(self.builder.protocol)
        finished = [
            FinishedTrial(
                values=json.loads(canonical(self.configurations[trial.number].parameters)),
                loss=search_selection.loss(self.search, trial),
            )
            for trial in known
        ]
        values: Mapping[str, Any] = propose(
            space_of(self.choice),
            finished,
            sampler=settings.sampler,
            startup=settings.startup,
            seed=derive(SEARCH.root, self.choice.label, _SYMBOL[self.role]),
            number=number,
        )
        return with_values(self.choice, values)


class AttackSearches:
    """Every search of a study, as far as it has come: per searched attack, by its label, that on each subject."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.builder = CellBuilder(study, SEARCH.index, "search")
        attacker = study.protocol.attacker
        self.searched = {
            choice.label: (choice, schedule)
            for choice, schedule in zip(attacker.attack, attacker.schedules, strict=True)
            if choice.search is not None
        }
        self.found: dict[str, dict[Role, AttackSearch]] = {label: {} for label in self.searched}

    def advance(self, view: StoreView) -> None:
        """Bring every search up to date; with a warm start that on the defended begins with the other's winner."""
        for label, (choice, schedule) in self.searched.items():
            own = self.found[label]
            for role in self.builder.subjects:
                warm: Choice | None = None
                first = own.get("undefended")
                if role == "defended" and first is not None and search_settings(self.study.protocol).warm_start:
                    if not first.finished:
                        break
                    warm = first.winner
                if role not in own:
                    own[role] = AttackSearch(self.builder, choice, schedule, role, warm)
                own[role].advance(view)

    @property
    def curves(self) -> list[PlannedCurve]:
        """The curves of all trials."""
        return [curve for own in self.found.values() for search in own.values() for curve in search.curves]

    @property
    def settled(self) -> bool:
        """Whether every search has come to its end."""
        roles: tuple[Role, ...] = ("undefended", "defended") if self.study.protocol.compared else ("defended",)
        return all(role in own and own[role].finished for own in self.found.values() for role in roles)

    @property
    def selected(self) -> SelectedAttacks:
        """The selected attacks of the searches that have come to their end."""
        return {
            label: {role: search.winner for role, search in own.items() if search.winner is not None}
            for label, own in self.found.items()
        }
