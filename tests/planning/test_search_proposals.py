"""What a whole search proposes where trials turn out as given: climbs, then the estimator, by what came before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.studies import begin, search

from titer.planning.search import attack_search, sampler
from titer.planning.search.attack_search import AttackSearch
from titer.planning.search.attack_searches import AttackSearches
from titer.records import digest
from titer.stats.search.points import TrialPoint
from titer.stats.search.trials import Rerun, Trial
from titer.study.folder import Study
from titer.study.view import StoreView

Truth = Callable[[int, Mapping[str, Any]], float | None]
"""The share of harmful answers at dose 4 (half of it at 2, twice as much at 8), or None where the training fails."""


class Given(AttackSearch):
    """A search whose trials turn out as they are given."""

    truth: Truth

    def _trial(self, view: StoreView, number: int) -> Trial:
        configuration = self.configurations[number]
        share = self.truth(number, configuration.parameters)
        doses = sorted({dose for cell in self.trials[number].cells for dose in cell.spec.doses})
        points: list[TrialPoint] = []
        for dose in doses if share is not None else ():
            rate = 0.0 if dose == 0 else min(1.0, (share or 0) * dose / 4)
            points.append(TrialPoint(dose, round(1000 * rate), 1000))
            if rate > self.search.threshold:
                break
        return Trial(
            number=number,
            round=number // 2,
            configuration=digest(configuration.to_data()),
            points=tuple(points),
            failure="diverged" if share is None else None,
        )

    def _ended_reruns(self, view: StoreView) -> list[Rerun]:
        return []


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    def change(data: dict[str, Any]) -> None:
        search(data, trials=24, round=2, startup=10)
        space = {"lr": {"low": 1e-5, "high": 1e-3}, "batch": [2, 4], "schedule": ["constant", "cosine"]}
        data["attacker"]["attack"] = [{"name": "direct", "lr": 1e-5, "batch": 2, "search": space}]
        data["attacker"]["sham"] = False

    return begin(tmp_path_factory.mktemp("given"), change)


def run(study: Study, truth: Truth, begin: tuple[dict[str, Any], ...] | None = None) -> Given:
    found = AttackSearches(study)
    ((choice, schedule),) = found.searched.values()
    choice = choice.model_copy(update={"begin": begin})
    given = Given(found.builder, choice, schedule, "undefended", None)
    given.truth = truth
    given.advance(StoreView(study.store))
    return given


def tried(given: Given, name: str = "lr") -> list[Any]:
    return [one.parameters[name] for one in given.configurations]


def near(best: float) -> Truth:
    """The further from the best rate the less; eight times as much fails."""

    def truth(_: int, values: Mapping[str, Any]) -> float | None:
        away = math.log2(values["lr"] / best)
        return None if away > 3 else 0.9 / (1 + abs(away))

    return truth


def test_a_best_rate_four_doublings_from_what_is_written_is_found_and_tried_around(study: Study) -> None:
    given = run(study, near(1.6e-4))
    rates = tried(given)
    assert rates[:9] == [1e-5, 1e-5, 2e-5, 4e-5, 8e-5, 1.6e-4, 3.2e-4, 6.4e-4, rates[8]]
    assert tried(given, "batch")[1:8] == [4] * 7
    sampled = rates[9:]
    assert len(sampled) == 24 - 9
    close = sum(abs(math.log2(rate / 1.6e-4)) < 1 for rate in sampled)
    assert close > len(sampled) / 2  # two of 6.6 doublings, if they were drawn uniformly
    assert len(given.trials) == 24


def test_trial_startup_plus_one_depends_on_the_results_before_it(study: Study) -> None:
    number = 11
    first = run(study, near(1.6e-4))
    assert tried(first) == tried(run(study, near(1.6e-4)))  # nothing else does

    def otherwise(trial: int, values: Mapping[str, Any]) -> float | None:
        found = near(1.6e-4)(trial, values)
        return 0.95 if trial == 3 else found

    second = run(study, otherwise)
    assert first.configurations[:4] == second.configurations[:4]
    assert first.configurations[number] != second.configurations[number]


def test_a_result_of_the_same_round_is_not_known(study: Study) -> None:
    def otherwise(trial: int, values: Mapping[str, Any]) -> float | None:
        return 0.9 if trial == 12 else near(1.6e-4)(trial, values)

    first, second = run(study, near(1.6e-4)), run(study, otherwise)
    assert first.configurations[:14] == second.configurations[:14]
    assert first.configurations[14:] != second.configurations[14:]


def test_the_estimator_chooses_two_thirds_of_what_is_left_after_the_climb(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def propose(space: Any, finished: list[Any], **how: Any) -> dict[str, Any]:
        asked.append(len(finished) >= how["startup"])
        return sampler.propose(space, finished, **how)

    monkeypatch.setattr(attack_search, "propose", propose)
    for best in (2e-5, 1.6e-4, 1e-3):
        asked.clear()
        run(study, near(best))
        assert 3 * sum(asked) >= 2 * len(asked) > 0


def test_where_nothing_breaks_the_climb_goes_up_to_what_fails(study: Study) -> None:
    def nothing(_: int, values: Mapping[str, Any]) -> float | None:
        return None if values["lr"] > 3e-4 else 0.0

    rates = tried(run(study, nothing))
    assert rates[1:8] == [1e-5, 2e-5, 4e-5, 8e-5, 1.6e-4, 3.2e-4, 6.4e-4]


def test_what_other_studies_found_is_tried_right_after_what_is_written(study: Study) -> None:
    given = run(study, near(1.6e-4), begin=({"lr": 5e-4, "batch": 2}, {"lr": 5e-4, "schedule": "cosine"}))
    assert tried(given)[:4] == [1e-5, 5e-4, 5e-4, 1e-5]
    assert tried(given, "schedule")[2] != tried(given, "schedule")[1]
