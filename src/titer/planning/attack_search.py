"""The searches for the strongest attack: which trials are to be run, from those that were.

They keep no state of their own. From the readings in the store each search is replayed round by round; a round
depends on earlier rounds only, and begins when they are whole (`statistics.md`, Attacker).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from titer.analysis import stopping
from titer.analysis.conditions.attack_searches import search_of, search_settings, trial_of
from titer.methods.search_configurations import space_of, with_values
from titer.planning.cells import CellBuilder, SelectedAttacks
from titer.planning.curves import Track
from titer.planning.sampler import FinishedTrial, Sampler, propose
from titer.protocol.attacker import AttackChoice, DoseSchedule
from titer.records import Choice, Role, Seed, canonical
from titer.seeds import derive
from titer.stats import search_selection, search_trials
from titer.stats.search_trials import Search, Trial
from titer.study.folder import Study

SEARCH = Seed(purpose="search", index=0)
"""The seed of every trial: configurations are compared on equal draws, and the verdict rests on other seeds."""


_SYMBOL: Mapping[Role, str] = {"undefended": "M", "defended": "M*"}
"""What the draws of a search are derived from, by subject."""


@dataclass(frozen=True, kw_only=True)
class AttackSearch:
    """One search: the trials proposed so far as they were read, their configurations and tracks, by number."""

    search: Search
    configurations: tuple[Choice, ...]
    tracks: tuple[Track, ...]
    finished: bool

    @property
    def winner(self) -> Choice | None:
        """The selected attack; None while the search goes on, or where no trial was completed."""
        best = search_selection.winner(self.search) if self.finished else None
        return None if best is None else self.configurations[best.number]


AttackSearches = Mapping[str, Mapping[Role, AttackSearch]]
"""Per searched attack, by its label, the search on each subject; one that cannot begin yet is left out."""


def attack_searches(study: Study) -> AttackSearches:
    """Every search of a study, as far as it has come."""
    attacker = study.protocol.attacker
    family = zip(attacker.attack, attacker.schedules, strict=True)
    return {choice.label: _both(study, choice, schedule) for choice, schedule in family if choice.search is not None}


def settled(study: Study, found: AttackSearches) -> bool:
    """Whether every search has come to its end."""
    roles: tuple[Role, ...] = ("undefended", "defended") if study.protocol.compared else ("defended",)
    return all(role in own and own[role].finished for own in found.values() for role in roles)


def records(found: AttackSearches) -> SelectedAttacks:
    """The selected attacks of the searches that have come to their end."""
    return {
        label: {role: found_search.winner for role, found_search in own.items() if found_search.winner is not None}
        for label, own in found.items()
    }


def _both(study: Study, choice: AttackChoice, schedule: DoseSchedule) -> dict[Role, AttackSearch]:
    """The search on M, and on M*; with a warm start that on M* begins with M's winner, and waits for it."""
    builder = CellBuilder(study, SEARCH.index, "search")
    found: dict[Role, AttackSearch] = {}
    warm: Choice | None = None
    for role in builder.subjects:
        if role == "defended" and "undefended" in found and search_settings(study.protocol).warm_start:
            if not found["undefended"].finished:
                break
            warm = found["undefended"].winner
        found[role] = _hunt(builder, choice, schedule, role, warm)
    return found


def _hunt(
    builder: CellBuilder, choice: AttackChoice, schedule: DoseSchedule, role: Role, warm: Choice | None
) -> AttackSearch:
    """Replay one search round by round, up to the first that is not whole."""
    protocol = builder.protocol
    asked = search_settings(protocol)
    found: list[Trial] = []
    tried: list[Choice] = []
    tracks: list[Track] = []
    while True:
        search, place = search_of(protocol, schedule, found), len(found) // asked.round
        done = search_trials.completed(search)
        whole = len(done) == sum(trial.failure is None for trial in found)
        more = min(asked.round - len(found) % asked.round, search_trials.still_to_try(search, asked.trials))
        if not whole or not more:
            return AttackSearch(search=search, configurations=tuple(tried), tracks=tuple(tracks), finished=whole)
        best = search_trials.best_before(search, place)
        doses = tuple(dose for dose in schedule.ladder if best is None or dose <= best)
        known = tuple(
            (canonical(tried[trial.number].parameters), search_selection.loss(search, trial))
            for trial in done
            if trial.round < place
        )
        for number in range(len(found), len(found) + more):
            own = warm if number == 0 and warm is not None else _proposed(builder, choice, role, known, number)
            tried.append(own)
            tracks.append(builder.search_trial(role, choice, own, doses, number))
            found.append(_read(builder, tracks[-1], own, number))


def _proposed(
    builder: CellBuilder, choice: AttackChoice, role: Role, known: tuple[tuple[str, float], ...], number: int
) -> Choice:
    """What trial `number` tries, from the configurations of earlier rounds and what each is worth."""
    asked = search_settings(builder.protocol)
    seed = derive(SEARCH.root, choice.label, _SYMBOL[role])
    return with_values(choice, _values(choice.to_json(), known, asked.sampler, asked.startup, seed, number))


@lru_cache(maxsize=10_000)
def _values(
    attack: str, known: tuple[tuple[str, float], ...], sampler: Sampler, startup: int, seed: int, number: int
) -> Mapping[str, Any]:
    """The same for texts, remembered: plan asks for it again and again."""
    space = space_of(AttackChoice.from_json(attack))
    finished = [FinishedTrial(values=json.loads(parameters), loss=loss) for parameters, loss in known]
    return propose(space, finished, sampler=sampler, startup=startup, seed=seed, number=number)


def _read(builder: CellBuilder, track: Track, configuration: Choice, number: int) -> Trial:
    """A trial as far as it was read; the failure of a make is one of the trial."""
    store = builder.study.store
    read: list[tuple[int, dict[str, dict[str, tuple[float | None, ...]]]]] = []
    failures = []
    for cell in track.cells:
        planned = cell.planned
        failures += [reason for key in (*planned.makes, planned.key) if (reason := store.failure(key)) is not None]
        for dose in stopping.wanted(store, planned):
            if any(not store.scores(judge.key, dose).exists() for judge in planned.judges):
                break
            values: dict[str, dict[str, tuple[float | None, ...]]] = {}
            for judge in planned.judges:
                values.setdefault(judge.probe, {})[judge.role] = store.read_values(judge.key, dose)
            read.append((dose, values))
        else:
            if not failures and stopping.ended_at(store, planned) is None:
                continue
        break
    kind = next(judge.kind for judge in track.cells[0].planned.judges if judge.role == "harm")
    return trial_of(builder.protocol, configuration, number, read, kind, next(iter(failures), None))
