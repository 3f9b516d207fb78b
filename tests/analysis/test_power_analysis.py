"""What is foreseen of a study, against enumerations, the figures of the statistics page and the conditions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from scipy import stats
from support import assays
from support.assays import ITEMS
from support.command import Here
from support.studies import write_toml
from support.tiny_study import tiny_protocol

from titer.analysis.conditions.baseline_scores import tasks_at_dose_zero
from titer.analysis.expected_items import ExpectedItems, expected_items
from titer.analysis.power_analysis import foresee, undecided
from titer.analysis.power_of_tasks import too_few_items
from titer.analysis.power_of_verdicts import cheapest_studies, verdict_prospects
from titer.analysis.power_statement import PowerStatement
from titer.cli.app import EXAMPLES
from titer.protocol.loading import load
from titer.stats.expected_sample_size import prospect
from titer.stats.group_sequential import three_analyses
from titer.stats.noninferiority import Changes, compare_rates
from titer.stats.power import dose_holds

A = 0.01875
"""The item level of five replicates at 95 % confidence."""


def foreseen(change: Any = None) -> dict[tuple[str, str, float | None], PowerStatement]:
    """The prospects of the synthetic protocol by what they are about, claim and what is assumed, rounded."""
    found = foresee(assays.protocol(change))
    by_name = {(one.about, one.claim, None if one.assumed is None else round(one.assumed, 4)): one for one in found}
    assert len(by_name) == len(found)
    return by_name


def with_scores(data: dict[str, Any], threshold: float, domains: int) -> None:
    """Two attacks asked at nine doses in some defended domains: 18 decisions in a replicate for each domain."""
    first = data["harm"]["domain"][0]
    data["harm"] |= {"threshold": threshold, "domain": [first | {"name": f"d{i}"} for i in range(domains)]}
    data["attacker"] |= {"budget": {"steps": 128}, "ladder": [0, 1, 2, 4, 8, 16, 32, 64, 128]}
    data["attacker"]["attack"] = [{"name": "direct", "parameters": {"batch": batch}} for batch in (4, 8)]


@pytest.mark.parametrize(
    ("threshold", "domains", "intact", "broken"),
    [(0.2, 1, (57, 158), 103), (0.2, 3, (57, 158), 113), (0.1, 1, (132, 347), 243), (0.1, 3, (132, 347), 275)],
)
def test_items_that_a_dose_needs(threshold: float, domains: int, intact: tuple[int, int], broken: int) -> None:
    found = foreseen(lambda data: with_scores(data, threshold, domains))
    for domain in range(domains):
        assert found[f"d{domain}", "intact", threshold / 4].enough == intact[0]
        assert found[f"d{domain}", "intact", threshold / 2].enough == intact[1]
        assert found[f"d{domain}", "broken", threshold * 2].enough == broken


def test_cutoffs_and_powers_of_a_dose_are_those_of_the_binomial_law() -> None:
    """One attack, one domain, the doses 0, 16 and 32: three decisions in a replicate."""
    found = foreseen()
    intact = max(k for k in range(ITEMS) if stats.binom.cdf(k, ITEMS, 0.2) <= A)
    broken = min(k for k in range(ITEMS) if stats.binom.sf(k - 1, ITEMS, 0.2) <= A / 3)
    for domain in ("vaults", "codes"):
        for rate in (0.05, 0.1):
            one = found[domain, "intact", rate]
            assert (one.items, one.cutoff) == (ITEMS, intact)
            assert one.power == pytest.approx(stats.binom.cdf(intact, ITEMS, rate))
        one = found[domain, "broken", 0.4]
        assert (one.items, one.cutoff) == (ITEMS, broken)
        assert one.power == pytest.approx(stats.binom.sf(broken - 1, ITEMS, 0.4))


def at_analyses(data: dict[str, Any]) -> None:
    """The decisions of the figures on the statistics page: 100 items, 18 of them in a replicate."""
    with_scores(data, 0.2, 1)
    data["harm"]["domain"][0]["splits"]["probe"] = 100
    data["harm"]["sampling"] = "sequential"


def test_powers_of_a_dose_at_analyses_are_those_of_its_analyses() -> None:
    found = foreseen(at_analyses)
    intact, broken = found["d0", "intact", 0.1], found["d0", "broken", 0.4]
    assert (intact.earlier, intact.cutoff, intact.items, intact.enough) == (((2, 50),), 11, 100, None)
    assert (broken.earlier, broken.cutoff, broken.items, broken.enough) == (((15, 25), (22, 50)), 34, 100, None)
    three = three_analyses(100, threshold=0.2, intact_level=A, broken_level=A / 18)
    assert intact.power == pytest.approx(0.705, abs=5e-4)
    assert broken.power == pytest.approx(prospect(three, 0.4).broken)


def curtailed_one_by_one(data: dict[str, Any]) -> None:
    at_analyses(data)
    data["harm"]["sampling"] = "curtailed"
    data["compute"] = {"batch": 1}


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (at_analyses, {0.0: 50, 0.05: 73, 0.2: 100, 0.5: 53, 0.8: 25}),
        (curtailed_one_by_one, {0.0: 89, 0.05: 94, 0.2: 85, 0.5: 68, 0.8: 43}),
    ],
)
def test_items_that_a_dose_is_expected_to_take(change: Any, asked: dict[float, int]) -> None:
    (found,) = expected_items(assays.protocol(change))
    assert (found.about, found.items) == ("d0", 100)
    assert [rate for rate, _ in found.asked] == pytest.approx([0, 0.05, 0.1, 0.2, 0.4, 0.5, 0.8])
    assert {rate: round(items) for rate, items in found.asked if rate in asked} == asked


def test_every_item_is_asked_where_doses_are_read_whole() -> None:
    assert expected_items(assays.protocol()) == ()


def test_no_harm_rate_above_one_is_assumed() -> None:
    found = foreseen(lambda data: data["harm"].update(threshold=0.7))
    assert found["vaults", "broken", 1.0].power == 1


@pytest.mark.parametrize(("replicates", "powers"), [(5, (0.90, 0.77, 0.59)), (9, (0.99, 0.93, 0.77))])
def test_power_of_the_replicate_rule(replicates: int, powers: tuple[float, float, float]) -> None:
    found = foreseen(lambda data: data["study"].update(seeds={"attack": replicates}))
    assert [found["replicates", "upheld", p].power for p in (0.02, 0.05, 0.1)] == pytest.approx(powers, abs=0.006)


def test_a_descriptive_study_upholds_nothing() -> None:
    plan = assays.protocol(lambda data: data["study"].update(descriptive=True))
    upheld = [one.power for one in foresee(plan) if one.claim == "upheld"]
    assert upheld
    assert set(upheld) == {0.0}
    assert {one.upheld for one in verdict_prospects(plan)} == {0.0}


def titers(change: Any = None) -> list[PowerStatement]:
    return [one for one in foresee(assays.protocol(change)) if one.about == "titers"]


def test_ratio_of_titers_that_is_shown() -> None:
    """About 8 and 10 for five pairs; of nine, one may miss it: 9 w^8 - 8 w^9 is the power if a pair shows it with w."""
    assert [(round(one.assumed or 0), one.power) for one in titers()] == [(8, 0.8), (10, 0.9)]
    for one in titers(lambda data: data["study"].update(seeds={"attack": 9})):
        assert one.assumed is not None
        w = stats.norm.cdf((math.log2(one.assumed) - 1.3) / (0.7 * math.sqrt(2)))
        assert one.power == pytest.approx(9 * w**8 - 8 * w**9)


def test_no_ratio_without_two_subjects_or_five_replicates() -> None:
    def alone(data: dict[str, Any]) -> None:
        data["defense"] = []
        del data["stability"], data["trainability"]

    def compared(data: dict[str, Any]) -> None:
        alone(data)
        data["subject"]["reference"] = "organism"

    assert titers(alone) == []
    assert len(titers(compared)) == 2
    assert titers(lambda data: data["study"].update(seeds={"attack": 4}, descriptive=True)) == []


def with_four_tasks(data: dict[str, Any], items: int) -> None:
    """Two tasks, the refusals of one domain and coherence, of so many items each."""
    data["harm"]["domain"] = data["harm"]["domain"][:1]
    data["harm"]["domain"][0]["splits"]["probe"] = items
    for task in data["task"]:
        task["splits"]["verdict"] = items
    data["stability"] |= {"tasks": ["facts", "labels"], "over_refusal": False}


@pytest.mark.parametrize(("changing", "items", "fewer"), [(0.03, 225, 200), (0.01, 125, 100)])
def test_stability_over_four_tasks(changing: float, items: int, fewer: int) -> None:
    enough = foreseen(lambda data: with_four_tasks(data, items))["stability, all rates", "not inferior", changing]
    short = foreseen(lambda data: with_four_tasks(data, fewer))["stability, all rates", "not inferior", changing]
    assert (enough.power or 0) >= 0.9 > (short.power or 0)
    assert enough.enough == short.enough == items


def test_stability_of_four_tasks_of_200_items() -> None:
    found = foreseen(lambda data: with_four_tasks(data, 200))
    whole = found["stability, all rates", "not inferior", 0.03].power
    assert whole == pytest.approx(0.85, abs=0.005)
    one = found["facts", "not inferior", 0.03].power
    assert one is not None
    assert whole == pytest.approx(one**4)


def test_power_of_one_task_is_the_chance_that_its_comparison_is_shown() -> None:
    """Every pair of gains and losses of 40 items, through the comparison that the condition makes."""
    found = foreseen(lambda data: with_four_tasks(data, 40))
    chance = 0.0
    for gains in range(9):  # more changes than 8 of a kind are rarer than 1e-7
        for losses in range(9):
            changes = Changes(gains=gains, losses=losses, items=40)
            if compare_rates(changes, margin=0.05, level=0.05, claim="noninferior").shown:
                chance += stats.multinomial.pmf([gains, losses, 40 - gains - losses], 40, [0.015, 0.015, 0.97])
    assert found["facts", "not inferior", 0.03].power == pytest.approx(chance, abs=1e-6)


def test_tasks_of_stability_are_those_that_the_condition_compares() -> None:
    def change(data: dict[str, Any]) -> None:
        data["stability"]["tasks"] = ["facts", "labels", "prose"]
        data["task"][1]["descriptive"] = True

    plan = assays.protocol(change)
    assay = assays.assay(plan, assays.breaking())
    compared = {task.name: len(task.after[0]) for task in tasks_at_dose_zero(assay) if not task.descriptive}
    claims = [one for one in foresee(plan) if one.claim in ("not inferior", "few items get worse")]
    assert {one.about: one.items for one in claims if one.items is not None} == compared
    assert {one.about for one in claims if one.claim == "few items get worse"} == {"prose"}


def test_losses_are_foreseen_by_the_exact_share() -> None:
    """At most a tenth of 120 items may get worse: the chance of the count that shows it, at a quarter and a half."""
    found = foreseen(lambda data: data["stability"].update(tasks=["prose"]))
    cutoff = max(k for k in range(ITEMS) if stats.binom.cdf(k, ITEMS, 0.1) <= 0.05)
    for worse in (0.025, 0.05):
        one = found["prose", "few items get worse", worse]
        assert (one.items, one.cutoff) == (ITEMS, cutoff)
        assert one.power == pytest.approx(stats.binom.cdf(cutoff, ITEMS, worse))
    enough = found["prose", "few items get worse", 0.05].enough
    assert enough is not None
    chances = []
    for n in (enough - 1, enough):
        most = max(k for k in range(n) if stats.binom.cdf(k, n, 0.1) <= 0.05)
        chances.append(stats.binom.cdf(most, n, 0.05))
    of_five = 0.9 ** (1 / 5)  # prose, two refusals, over-refusal and coherence
    assert chances[0] < of_five <= chances[1]


def test_refusals_of_own_items_are_those_of_all_seeds_up_to_400() -> None:
    found = foreseen(lambda data: data["harm"].update(items="own"))
    assert found["refusal of vaults", "not inferior", 0.01].items == 400
    few = foreseen(
        lambda data: (data["harm"].update(items="own"), data["harm"]["domain"][0]["splits"].update(probe=30))
    )
    assert few["refusal of vaults", "not inferior", 0.01].items == 150


def of_method(data: dict[str, Any]) -> None:
    """One rate of 300 items that decides, and five models."""
    data["study"] |= {"claim": "this method", "seeds": {"attack": 5, "defense": 5}}
    for domain in data["harm"]["domain"]:
        domain["splits"]["probe"] = 300
    data["stability"] |= {"tasks": ["facts"], "over_refusal": False}
    data["task"][0]["splits"]["verdict"] = 300


def of_method_with_own_items(data: dict[str, Any]) -> None:
    of_method(data)
    data["task"][0]["items"] = "own"


def test_stability_of_a_method_takes_fewer_items_of_its_own() -> None:
    """Four tasks in five models: each must be shown with a chance of 0.9^(1/20), at 1.875 % or at 9.86 %."""
    found = foreseen(of_method)
    assert [found["facts", "not inferior", changing].enough for changing in (0.01, 0.03)] == [225, 375]
    alone = foreseen(of_method_with_own_items)
    assert [alone["facts", "not inferior", changing].enough for changing in (0.01, 0.03)] == [150, 250]
    assert [alone["coherence", "not inferior", changing].enough for changing in (0.01, 0.03)] == [225, 375]
    assert (alone["facts", "not inferior", 0.03].power or 0) > (found["facts", "not inferior", 0.03].power or 0)


def test_the_items_said_to_be_enough_uphold_a_method_in_nine_of_ten() -> None:
    def with_items(items: int) -> Any:
        def change(data: dict[str, Any]) -> None:
            of_method(data)
            data["task"][0]["splits"]["verdict"] = items
            for domain in data["harm"]["domain"]:
                domain["splits"]["probe"] = items

        return foreseen(change)

    enough = with_items(300)["facts", "not inferior", 0.03].enough
    assert enough is not None
    at, below = (with_items(n)["facts", "not inferior", 0.03].power or 0 for n in (enough, enough - 25))
    tasks = 4  # two refusals and coherence, which asks more, beside the one
    assert at ** (5 * tasks) >= 0.9 > below ** (5 * tasks)


def test_a_task_with_too_few_items_is_told_in_one_line() -> None:
    few = too_few_items(assays.protocol(lambda data: with_four_tasks(data, 120)))
    assert few[0] == "stability: facts has 120 items; 90 % power needs 125 to 225 (if 1 to 3 % of the answers change)."
    assert [line.split(" has ")[0] for line in few] == [
        "stability: facts", "stability: labels", "stability: refusal of vaults", "stability: coherence",
    ]  # fmt: skip
    assert too_few_items(assays.protocol(lambda data: with_four_tasks(data, 225))) == ()
    made = too_few_items(assays.protocol(of_method_with_own_items))
    whole, own = "225 to 375 for all seeds", "150 to 250 of its own for each seed"
    assert made[0] == (
        f"stability: refusal of vaults has 300 items for all seeds; 90 % power needs {whole} "
        "(if 1 to 3 % of the answers change)."
    )
    assert not any("facts" in line for line in made)
    shared = too_few_items(assays.protocol(of_method))
    assert f"facts has 300 items for all seeds; 90 % power needs {whole}, or {own} (if" in shared[0]


def test_stability_of_a_method_is_foreseen_by_the_share_of_models() -> None:
    """Figure 16: one task of 300 items in five models, 99.9 and 89 %; all tasks are as many powers."""
    found = foreseen(of_method)
    for changing, figure in ((0.01, 0.999), (0.03, 0.89)):
        one = found["facts", "not inferior", changing].power or 0
        assert one**5 == pytest.approx(figure, abs=0.005)
        every = found["stability, all rates", "not inferior", changing].power or 0
        whole = found["stability, all rates", "upheld", changing]
        assert whole.power == pytest.approx(every**5)
        assert (whole.replicates, whole.cutoff) == (5, 0)


def test_what_is_not_enumerated_is_said() -> None:
    """Above 400 items the power is that of 400."""
    found = foreseen(lambda data: data["task"][0]["splits"].update(verdict=1000))["facts", "not inferior", 0.03]
    assert found.items == 1000
    assert found.power == pytest.approx(0.9996, abs=1e-4)
    assert any("400" in note for note in found.notes)


def with_ladder(data: dict[str, Any], factor: float, replicates: int) -> None:
    """Two benign tasks on doses that are so far apart, of which nothing is asked at the last dose."""
    data["study"]["seeds"] = {"attack": replicates}
    data["trainability"] |= {
        "tasks": ["facts", "labels"],
        "target": {"facts": 0.6, "labels": 0.6},
        "ladder": [round(1000 * factor**k) for k in range(16)],
        "margin": 0.99,
    }


@pytest.mark.parametrize(
    ("factor", "replicates", "power"),
    [(2, 5, 0.29), (1.19, 5, 0.84), (1.22, 5, 0.92), (1.19, 9, 0.96), (1.22, 9, 0.99)],
)
def test_trainability_on_even_doses(factor: float, replicates: int, power: float) -> None:
    found = foreseen(lambda data: with_ladder(data, factor, replicates))
    assert found["trainability", "upheld", 1].power == pytest.approx(power, abs=0.045)
    assert found["trainability", "upheld", 1].cutoff == (0 if replicates == 5 else 1)


def test_a_pair_of_trainings_holds_where_every_task_does() -> None:
    two = foreseen(lambda data: with_ladder(data, 1.2, 5))
    ladder = [round(1000 * 1.2**k) for k in range(16)]
    for ratio in (1, 1.2, 1.4):
        held = dose_holds(ladder, epsilon=0.5, ratio=ratio, sd_log=0.2) or 0
        pair = two["trainability", "holds in a replicate", ratio].power
        assert pair == pytest.approx(held**2)
        upheld = two["trainability", "upheld", ratio].power
        assert pair is not None
        assert upheld == pytest.approx(pair**5, abs=0.045)


def test_a_ladder_that_ends_too_soon_foresees_nothing() -> None:
    plan = assays.protocol(lambda data: data["trainability"].update(ladder=[5, 6, 7, 8]))
    steps = [one for one in foresee(plan) if one.about == "trainability"]
    assert {one.power for one in steps} == {None}
    assert all("ends before 1.5 times" in note for one in steps for note in one.notes)


def trainable(change: Any = None) -> float:
    return foreseen(change)["trainability", "upheld", 1.0].power or 0.0


def test_trainability_is_simulated_with_a_fixed_seed() -> None:
    assert trainable() == trainable()
    assert trainable(lambda data: data["trainability"].update(margin=0.05)) < trainable()
    assert trainable() < trainable(lambda data: data["task"][1]["splits"].update(verdict=400))
    assert trainable(lambda data: data["study"].update(seeds={"attack": 1}, descriptive=True)) == 0


def test_verdicts_are_foreseen_around_the_threshold_and_at_other_rates() -> None:
    """120 shared items and five seeds: 28 % at half the threshold; own items 65 %."""
    shared = verdict_prospects(assays.protocol(), (0.4,))
    assert [(one.condition, one.rate) for one in shared[:4]] == [("resistance", at) for at in (0.05, 0.1, 0.15, 0.4)]
    assert {one.condition for one in shared[4:]} == {"generalization"}
    assert [one.upheld for one in shared[:2]] == pytest.approx([0.99, 0.28], abs=0.01)
    assert shared[3].refuted > 0.3 > shared[3].upheld
    own = verdict_prospects(assays.protocol(lambda data: data["harm"].update(items="own")))
    assert own[1].upheld == pytest.approx(0.65, abs=0.01)
    assert own[1].standard_error == 0


def test_the_domain_with_the_fewest_items_decides() -> None:
    def few(data: dict[str, Any]) -> None:
        data["harm"]["domain"].append(data["harm"]["domain"][0] | {"name": "small"})
        data["harm"]["domain"][-1]["splits"] = data["harm"]["domain"][0]["splits"] | {"probe": 60}

    found = verdict_prospects(assays.protocol(few))
    assert [one.items for one in found] == [60, 60, 60, ITEMS, ITEMS, ITEMS]


def test_cheapest_studies_of_a_protocol() -> None:
    near, half, *_ = cheapest_studies(assays.protocol())
    assert near.own is not None
    assert half.own is not None
    assert near.own.answers < half.own.answers
    assert half.own.pool == half.own.seeds * half.own.items
    assert half.shared is not None
    assert half.shared.pool == half.shared.items
    last = cheapest_studies(assays.protocol(), (0.19,))[-1]
    assert (last.rate, last.own, last.shared, last.possible) == (0.19, None, None, False)


def test_what_is_foreseeably_undecided_is_said() -> None:
    assert undecided(foresee(assays.protocol())) is None
    assert undecided(foresee(load(EXAMPLES / "demo.toml"))) is None

    def few(data: dict[str, Any]) -> None:
        data["harm"]["domain"][1]["splits"]["probe"] = 20

    said = undecided(foresee(assays.protocol(few))) or ""
    assert said.startswith("This study will probably end undecided")
    assert f"codes intact ({0.95**20:.2f})" in said
    assert "vaults" not in said
    low = verdict_prospects(assays.protocol(few))
    assert "generalization upheld (0." in (undecided((), low) or "")
    assert "resistance" not in (undecided((), low) or "")
    descriptive = undecided(foresee(assays.protocol(lambda data: data["study"].update(seeds={"attack": 2}))))
    assert "replicates upheld (0.00)" in (descriptive or "")


@pytest.mark.model
def test_plan_prints_what_can_be_decided(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    arguments = ("plan", tiny_file, "--out", tmp_path / "s")
    said = here(*arguments).out
    assert max(map(len, said.splitlines())) <= 80
    table = said[said.index("What this study can decide") : said.index("Overlap audit")]
    for part in ("red, blue:", "at most", "5 of 5 seeds", "0.90, 0.77", "Assumed:", "ladder of trainability"):
        assert part in table
    found = json.loads(here(*arguments, "--json").out)
    prospects, verdicts = foresee(load(tiny_file)), verdict_prospects(load(tiny_file))
    assert [PowerStatement.from_json(json.dumps(one)) for one in found["prospects"]] == list(prospects)
    assert found["foreseeably_undecided"] == undecided(prospects, verdicts)
    assert found["too_few_items"] == list(too_few_items(load(tiny_file)))
    assert "stability: plain has 30 items;" in " ".join(said.split())
    assert found["expected_items"] == []


@pytest.mark.model
def test_plan_states_the_analyses_and_what_they_save(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sequential.toml"
    write_toml(
        path, tiny_protocol(tmp_path / "in", harm=tiny_protocol(tmp_path / "in")["harm"] | {"sampling": "sequential"})
    )
    arguments = ("plan", path, "--out", tmp_path / "s")
    said = here(*arguments).out
    assert max(map(len, said.splitlines())) <= 80
    prospects, (red, blue) = foresee(load(path)), expected_items(load(path))
    intact = next(one for one in prospects if one.claim == "intact")
    assert intact.earlier
    analyses = [f"{cutoff} of {items}" for cutoff, items in (*intact.earlier, (intact.cutoff, intact.items))]
    monkeypatch.setenv("COLUMNS", "200")
    assert f"at most {', '.join(analyses)}" in here(*arguments).out
    table = said[said.index("Items a dose is expected to take") : said.index("Overlap audit")]
    (row,) = [line for line in table.splitlines() if line.strip().startswith("red, blue")]
    assert row.split()[2:] == [str(red.items), *(str(round(asked)) for _, asked in red.asked)]
    found = json.loads(here(*arguments, "--json").out)
    assert [ExpectedItems.from_json(json.dumps(one)) for one in found["expected_items"]] == [red, blue]
