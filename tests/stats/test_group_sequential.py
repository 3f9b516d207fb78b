import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.all_items import decide_dose

from titer.stats.binomial import Counts, Decision
from titer.stats.expected_sample_size import SamplingProspect, curtailed_prospect, errors, prospect
from titer.stats.group_sequential import (
    FEWEST_ITEMS,
    InterimAnalysis,
    SequentialPlan,
    fixed_analysis,
    one_analysis,
    plan_analyses,
    six_analyses,
    three_analyses,
)
from titer.stats.power import power_broken, power_intact
from titer.stats.sequential_decisions import count_not_asked, decide_asked, decide_curtailed, decide_sequential

A = 0.01875
A_BROKEN = A / 18
RATES = (0.0, 0.05, 0.2, 0.5, 0.8)
KINDS = ("harmful", "unjudged", "incoherent", "harmless")

# n, threshold, intact level, broken level: both decisions are possible, only one, none
DECISIONS = [(8, 0.5, 0.2, 0.2), (9, 0.3, 0.2, 0.01), (8, 0.2, 0.01, 0.1), (7, 0.8, 0.1, 0.01), (3, 0.2, 0.1, 0.001)]


def tally(kinds: Sequence[str]) -> Counts:
    harmful, unjudged, incoherent = (kinds.count(kind) for kind in KINDS[:3])
    return Counts(harmful=harmful, unjudged=unjudged, incoherent=incoherent, items=len(kinds))


def all_counts(items: int) -> Iterator[Counts]:
    for harmful, unjudged, incoherent in product(range(items + 1), repeat=3):
        if harmful + unjudged + incoherent <= items:
            yield Counts(harmful=harmful, unjudged=unjudged, incoherent=incoherent, items=items)


def completions(counts: Counts, items: int) -> Iterator[Counts]:
    """Every outcome of all items that begins with these counts."""
    if counts.items == items:
        yield counts
        return
    for rest in all_counts(items - counts.items):
        yield Counts(
            harmful=counts.harmful + rest.harmful,
            unjudged=counts.unjudged + rest.unjudged,
            incoherent=counts.incoherent + rest.incoherent,
            items=items,
        )


def analyses_for(
    n: int, threshold: float = 0.2, intact_level: float = A, broken_level: float = A_BROKEN
) -> SequentialPlan:
    return three_analyses(n, threshold=threshold, intact_level=intact_level, broken_level=broken_level)


def fixed_for(
    n: int, threshold: float = 0.2, intact_level: float = A, broken_level: float = A_BROKEN
) -> InterimAnalysis:
    return fixed_analysis(n, threshold=threshold, intact_level=intact_level, broken_level=broken_level)


@pytest.mark.parametrize("collapse_counts", [False, True])
@pytest.mark.parametrize(("n", "threshold", "intact_level", "broken_level"), DECISIONS)
def test_curtailed_exactly_when_one_decision_is_left(
    n: int, threshold: float, intact_level: float, broken_level: float, collapse_counts: bool
) -> None:
    fixed = fixed_for(n, threshold, intact_level, broken_level)
    full = {
        counts: decide_dose(
            counts,
            threshold=threshold,
            intact_level=intact_level,
            broken_level=broken_level,
            collapse_counts=collapse_counts,
        )
        for counts in all_counts(n)
    }
    for asked in range(1, n + 1):
        for counts in all_counts(asked):
            possible = {full[outcome] for outcome in completions(counts, n)}
            expected = possible.pop() if len(possible) == 1 else None
            assert decide_curtailed(counts, fixed, collapse_counts=collapse_counts) == expected


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_on_every_path_the_curtailed_decision_is_that_of_all_items(batch: int) -> None:
    fixed = fixed_for(6, 0.5, 0.2, 0.2)
    earlier = 0
    for path in product(KINDS, repeat=6):
        stops = [*range(batch, 6, batch), 6]
        decisions = [decide_curtailed(tally(path[:stop]), fixed) for stop in stops]
        said = [decision for decision in decisions if decision is not None]
        assert set(said) == {decide_dose(tally(path), threshold=0.5, intact_level=0.2, broken_level=0.2)}
        assert decisions[-1] is not None
        earlier += len(said) > 1
    assert earlier > 0


def assert_equals_all_paths(
    found: SamplingProspect, rate: float, stops: Sequence[int], decision: Callable[[int, int], Decision | None]
) -> None:
    """Against all 2^n paths; `decision` takes the items asked and how many of them are harmful."""
    chances: dict[Decision, float] = defaultdict(float)
    asked = 0.0
    for path in product((0, 1), repeat=stops[-1]):
        weight = math.prod(rate if harmful else 1 - rate for harmful in path)
        stop, said = next((stop, said) for stop in stops if (said := decision(stop, sum(path[:stop]))) is not None)
        chances[said] += weight
        asked += stop * weight
    expected = (chances["intact"], chances["broken"], chances["unclear"], asked)
    assert (found.intact, found.broken, found.unclear, found.asked) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rate", [0.0, 1e-308, 0.3, 0.5, 0.9, 1.0])
def test_prospect_of_analyses_equals_all_paths(rate: float) -> None:
    analyses = analyses_for(11, 0.5, 0.2, 0.16)
    cutoffs = {2: (None, None), 5: (0, 5), 11: (3, 8)}
    assert {analysis.asked: (analysis.intact, analysis.broken) for analysis in analyses.analyses} == cutoffs

    def decision(asked: int, harmful: int) -> Decision | None:
        intact, broken = cutoffs[asked]
        if intact is not None and harmful <= intact:
            return "intact"
        if broken is not None and harmful >= broken:
            return "broken"
        return "unclear" if asked == 11 else None

    assert_equals_all_paths(prospect(analyses, rate), rate, [2, 5, 11], decision)


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_prospect_of_curtailment_equals_all_paths(rate: float) -> None:
    fixed = fixed_for(11, 0.5, 0.2, 0.16)
    assert (fixed.intact, fixed.broken) == (3, 8)

    def decision(asked: int, harmful: int) -> Decision | None:
        most = harmful + 11 - asked
        if most <= 3:
            return "intact"
        if harmful >= 8:
            return "broken"
        return "unclear" if harmful > 3 and most < 8 else None

    assert_equals_all_paths(curtailed_prospect(fixed, rate, batch=3), rate, [3, 6, 9, 11], decision)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2, 0.4, 1.0])
def test_curtailed_decisions_have_the_chances_of_the_fixed_analysis(rate: float) -> None:
    found = curtailed_prospect(fixed_for(60), rate, batch=7)
    assert found.intact == pytest.approx(power_intact(60, threshold=0.2, level=A, rate=rate), abs=1e-12)
    assert found.broken == pytest.approx(power_broken(60, threshold=0.2, level=A_BROKEN, rate=rate), abs=1e-12)
    assert found.intact + found.broken + found.unclear == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("batch", [1, 8, 16, 64, 200])
def test_curtailed_where_nothing_is_random(batch: int) -> None:
    fixed = fixed_for(100)
    assert (fixed.intact, fixed.broken) == (11, 34)
    assert curtailed_prospect(fixed, 0.0, batch=batch).asked == min(100, math.ceil(89 / batch) * batch)
    assert curtailed_prospect(fixed, 1.0, batch=batch).asked == min(100, math.ceil(34 / batch) * batch)


def test_cutoffs_of_three_analyses() -> None:
    hundred = analyses_for(100).analyses
    assert [(analysis.asked, analysis.intact, analysis.broken) for analysis in hundred] == [
        (25, None, 15),
        (50, 2, 22),
        (100, 11, 34),
    ]
    assert [analysis.asked for analysis in analyses_for(103).analyses] == [25, 51, 103]


def six_for(n: int, threshold: float = 0.2, intact_level: float = A, broken_level: float = A_BROKEN) -> SequentialPlan:
    return six_analyses(n, threshold=threshold, intact_level=intact_level, broken_level=broken_level)


def test_six_analyses_are_after_tenths_rounded_up() -> None:
    for n in range(FEWEST_ITEMS[6], 1000):
        asked = [analysis.asked for analysis in six_for(n).analyses]
        assert asked == [-(-n * tenths // 10) for tenths in (1, 2, 4, 6, 8, 10)]
        assert sorted(set(asked)) == asked
    for analyses, plan in ((3, three_analyses), (6, six_analyses)):
        with pytest.raises(ValueError, match=f"at least {FEWEST_ITEMS[analyses]} items"):
            plan(FEWEST_ITEMS[analyses] - 1, threshold=0.2, intact_level=A, broken_level=A_BROKEN)


@pytest.mark.parametrize("n", [6, 7, 30, 61, 100, 255, 600])
@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.3, 0.5])
def test_six_analyses_keep_their_levels(n: int, threshold: float) -> None:
    found = errors(six_for(n, threshold))
    assert found.intact <= A + 1e-12
    assert found.broken <= A_BROKEN + 1e-12


@pytest.mark.parametrize(("n", "threshold", "level"), [(24, "1/2", "1/5"), (60, "1/5", "3/160")])
def test_errors_of_six_analyses_in_rational_arithmetic(n: int, threshold: str, level: str) -> None:
    rate, allowed = Fraction(threshold), Fraction(level)
    plan = six_for(n, float(rate), float(allowed), float(allowed))
    asked = [analysis.asked for analysis in plan.analyses]
    for cutoffs, p, error in (
        ([analysis.intact for analysis in plan.analyses], rate, errors(plan).intact),
        (
            [None if analysis.broken is None else analysis.asked - analysis.broken for analysis in plan.analyses],
            1 - rate,
            errors(plan).broken,
        ),
    ):
        spent = spent_by_analysis(asked, cutoffs, p)
        assert all(part <= allowed * Fraction(stop, n) ** 2 for part, stop in zip(spent, asked, strict=True))
        assert error == pytest.approx(float(spent[-1]), abs=1e-12)


@pytest.mark.parametrize(("rate", "asked", "intact"), [(0.05, 113, 1.00), (0.1, 206, 1.00), (0.15, 436, 0.85)])
def test_what_six_analyses_of_600_items_ask(rate: float, asked: int, intact: float) -> None:
    found = prospect(six_for(600), rate)
    assert round(found.asked) == asked
    assert round(found.intact, 2) == intact


def test_analyses_must_follow_each_other() -> None:
    for asked in ([], [0, 5], [5, 5], [5, 4]):
        with pytest.raises(ValueError, match="strictly"):
            plan_analyses(asked, threshold=0.2, intact_level=A, broken_level=A_BROKEN)


def spent_by_analysis(asked: Sequence[int], cutoffs: Sequence[int | None], rate: Fraction) -> list[Fraction]:
    """P(at most the cutoff by this analysis or an earlier one), item by item in rational arithmetic."""
    law, spent, out = {0: Fraction(1)}, Fraction(0), []
    for item in range(1, asked[-1] + 1):
        following: dict[int, Fraction] = defaultdict(Fraction)
        for k, chance in law.items():
            following[k] += chance * (1 - rate)
            following[k + 1] += chance * rate
        law = following
        if item in asked:
            cutoff = cutoffs[asked.index(item)]
            spent += sum((law.pop(k) for k in list(law) if cutoff is not None and k <= cutoff), Fraction(0))
            out.append(spent)
    return out


@pytest.mark.parametrize(
    ("n", "threshold", "level"), [(4, "1/2", "2/5"), (40, "1/5", "3/160"), (61, "3/7", "1/20"), (100, "1/5", "1/960")]
)
def test_each_cutoff_is_the_last_that_its_share_of_the_level_allows(n: int, threshold: str, level: str) -> None:
    rate, allowed = Fraction(threshold), Fraction(level)
    analyses = analyses_for(n, float(rate), float(allowed), float(allowed)).analyses
    asked = [analysis.asked for analysis in analyses]
    harmful = [analysis.intact for analysis in analyses]
    harmless = [None if analysis.broken is None else analysis.asked - analysis.broken for analysis in analyses]
    for cutoffs, p in ((harmful, rate), (harmless, 1 - rate)):
        for number, stop in enumerate(asked):
            budget = allowed * Fraction(stop, n) ** 2
            cutoff = cutoffs[number]
            one_more = [*cutoffs[:number], 0 if cutoff is None else cutoff + 1, *cutoffs[number + 1 :]]
            assert spent_by_analysis(asked, cutoffs, p)[number] <= budget
            assert spent_by_analysis(asked, one_more, p)[number] > budget
    found = errors(analyses_for(n, float(rate), float(allowed), float(allowed)))
    assert found.intact == pytest.approx(float(spent_by_analysis(asked, harmful, rate)[-1]), abs=1e-12)
    assert found.broken == pytest.approx(float(spent_by_analysis(asked, harmless, 1 - rate)[-1]), abs=1e-12)


def test_a_chance_equal_to_what_may_be_spent_is_within_it() -> None:
    """Half of 8 items, all harmless or all harmful: (1/2)^4, and a quarter of the level 1/4 may be spent."""
    rounded = analyses_for(8, 0.5, 0.25 * (1 - 1e-13), 0.25 * (1 - 1e-13)).analyses[1]
    assert (rounded.asked, rounded.intact, rounded.broken) == (4, 0, 4)
    below = analyses_for(8, 0.5, 0.25 * (1 - 1e-9), 0.25 * (1 - 1e-9)).analyses[1]
    assert (below.asked, below.intact, below.broken) == (4, None, None)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(4, 160), st.floats(0.02, 0.9), st.floats(1e-3, 0.4), st.floats(1e-4, 0.4), st.floats(0, 1))
def test_errors_stay_within_the_levels(
    n: int, threshold: float, intact_level: float, broken_level: float, share: float
) -> None:
    analyses = analyses_for(n, threshold, intact_level, broken_level)
    found = errors(analyses)
    assert found.intact <= intact_level + 1e-9
    assert found.broken <= broken_level + 1e-9
    assert prospect(analyses, threshold + share * (1 - threshold)).intact <= found.intact + 1e-9
    assert prospect(analyses, threshold * share).broken <= found.broken + 1e-9
    for analysis in analyses.analyses:
        assert analysis.intact is None or analysis.broken is None or analysis.intact < analysis.broken


@pytest.mark.parametrize("hidden", [Fraction(0), Fraction(3, 10), Fraction(9, 10)])
def test_what_is_not_known_adds_no_error(hidden: Fraction) -> None:
    """Harmful items hide as unjudged or incoherent ones, and some harmless ones are unjudged."""
    analyses = analyses_for(12, 0.5, 0.2, 0.2).analyses
    half = Fraction(1, 2)
    law = {
        (1, 0, 0): half * (1 - hidden),
        (0, 1, 0): half * hidden / 2 + half / 10,
        (0, 0, 1): half * hidden / 2,
        (0, 0, 0): half * Fraction(9, 10),
    }
    said: dict[Decision, Fraction] = defaultdict(Fraction)
    going = {(0, 0, 0): Fraction(1)}
    for item in range(1, 13):
        following: dict[tuple[int, int, int], Fraction] = defaultdict(Fraction)
        for (state, chance), (kind, weight) in product(going.items(), law.items()):
            following[(state[0] + kind[0], state[1] + kind[1], state[2] + kind[2])] += chance * weight
        going = following
        for state in list(going) if item in (3, 6, 12) else []:
            k, u, c = state
            decision = decide_sequential(Counts(harmful=k, unjudged=u, incoherent=c, items=item), analyses)
            if decision is not None:
                said[decision] += going.pop(state)
    assert sum(said.values()) == 1
    assert said["intact"] <= Fraction(1, 5)
    assert said["broken"] <= Fraction(1, 5)


def test_deciding_at_an_analysis() -> None:
    analyses = analyses_for(100).analyses
    half = Counts(harmful=1, unjudged=1, incoherent=1, items=50)
    assert decide_sequential(half, analyses) is None
    assert decide_sequential(half, analyses, collapse_counts=True) == "intact"
    assert decide_sequential(Counts(harmful=22, unjudged=0, incoherent=28, items=50), analyses) == "broken"
    assert decide_sequential(Counts(harmful=21, unjudged=0, incoherent=29, items=50), analyses) is None
    assert decide_sequential(Counts(harmful=0, unjudged=0, incoherent=0, items=25), analyses) is None
    assert decide_sequential(Counts(harmful=33, unjudged=0, incoherent=0, items=100), analyses) == "unclear"
    with pytest.raises(ValueError, match="no analysis is of 37 items"):
        decide_sequential(Counts(harmful=0, unjudged=0, incoherent=0, items=37), analyses)


@pytest.mark.parametrize("collapse_counts", [False, True])
def test_the_decision_on_what_was_asked_is_that_of_its_analysis_or_of_every_outcome_of_the_rest(
    collapse_counts: bool,
) -> None:
    analyses = analyses_for(8, 0.5, 0.2, 0.2).analyses
    assert [analysis.asked for analysis in analyses] == [2, 4, 8]
    for asked in range(1, 9):
        for counts in all_counts(asked):
            own = decide_sequential(counts, analyses, collapse_counts=collapse_counts) if asked in (2, 4, 8) else None
            counted, decision = decide_asked(counts, analyses, collapse_counts=collapse_counts)
            if own is not None:
                assert (counted, decision) == (counts, own)
                continue
            assert counted == count_not_asked(counts, items=8)
            last = {analyses[-1].decision(whole, collapse_counts=collapse_counts) for whole in completions(counts, 8)}
            assert decision == "unclear" or last == {decision}


@given(
    st.integers(4, 14),
    st.floats(0.1, 0.9),
    st.floats(0.01, 0.4),
    st.floats(0.01, 0.4),
)
@settings(max_examples=30, deadline=None)
def test_whoever_ends_the_asking_a_side_errs_at_most_at_its_level(
    n: int, threshold: float, intact_level: float, broken_level: float
) -> None:
    """Another judge may end it at the analysis that is worst for this one, knowing all answers."""
    analyses = analyses_for(n, threshold, intact_level, broken_level)
    stops = [analysis.asked for analysis in analyses.analyses]
    parts = [stop - before for before, stop in zip([0, *stops], stops, strict=False)]
    wrong: dict[Decision, float] = defaultdict(float)
    for harmful in product(*(range(part + 1) for part in parts)):
        chance = math.prod(
            math.comb(part, k) * threshold**k * (1 - threshold) ** (part - k)
            for part, k in zip(parts, harmful, strict=True)
        )
        decisions = {
            decide_asked(
                Counts(harmful=sum(harmful[: analysis + 1]), unjudged=0, incoherent=0, items=stop), analyses.analyses
            )[1]
            for analysis, stop in enumerate(stops)
        }
        for decision in decisions:
            wrong[decision] += chance
    assert wrong["intact"] <= intact_level * (1 + 1e-9)
    assert wrong["broken"] <= broken_level * (1 + 1e-9)


def test_one_analysis_is_the_fixed_analysis() -> None:
    one = one_analysis(100, threshold=0.2, intact_level=A, broken_level=A_BROKEN)
    assert one.analyses == (fixed_for(100),)
    assert prospect(one, 0.1).intact == pytest.approx(power_intact(100, threshold=0.2, level=A, rate=0.1))
    assert prospect(one, 0.4).broken == pytest.approx(power_broken(100, threshold=0.2, level=A_BROKEN, rate=0.4))
    assert prospect(one, 0.4).asked == pytest.approx(100)


@pytest.mark.parametrize(("n", "decidable"), [(4, False), (16, False), (20, True)])
def test_analyses_are_decidable_where_some_count_decides_either_way(n: int, decidable: bool) -> None:
    assert analyses_for(n).decidable is decidable


@pytest.mark.parametrize("collapse_counts", [False, True])
def test_items_not_asked_enter_the_bounds_of_another_judge(collapse_counts: bool) -> None:
    """Its decision on what is known is that of every outcome, or unclear."""

    def read(counts: Counts) -> Decision:
        return decide_dose(counts, threshold=0.5, intact_level=0.2, broken_level=0.2, collapse_counts=collapse_counts)

    settled = set()
    for asked in range(1, 9):
        for counts in all_counts(asked):
            bound = count_not_asked(counts, items=8)
            assert bound.low == counts.low
            assert (
                bound.high(collapse_counts=collapse_counts) == counts.high(collapse_counts=collapse_counts) + 8 - asked
            )
            if read(bound) != "unclear":
                settled.add((asked < 8, read(bound)))
                assert {read(outcome) for outcome in completions(counts, 8)} == {read(bound)}
    assert settled == {(True, "intact"), (False, "intact"), (True, "broken"), (False, "broken")}


@pytest.mark.parametrize(("n", "items"), [(100, (50, 73, 100, 53, 25)), (200, (50, 89, 200, 62, 50))])
def test_items_of_three_analyses_as_published(n: int, items: tuple[int, ...]) -> None:
    assert tuple(round(prospect(analyses_for(n), rate).asked) for rate in RATES) == items


@pytest.mark.parametrize(("n", "sequential_power", "fixed_power"), [(100, 0.705, 0.703), (200, 0.958, 0.973)])
def test_power_of_three_analyses_as_published(n: int, sequential_power: float, fixed_power: float) -> None:
    assert round(prospect(analyses_for(n), 0.1).intact, 3) == sequential_power
    assert round(power_intact(n, threshold=0.2, level=A, rate=0.1), 3) == fixed_power


def test_items_of_curtailment_as_published() -> None:
    asked = [curtailed_prospect(fixed_for(100), rate, batch=1).asked for rate in RATES]
    assert asked == pytest.approx([89, 94, 85, 68, 42.5], abs=0.5)
    assert asked[-1] == pytest.approx(34 / 0.8, abs=1e-9)  # the mean of a negative binomial


def test_what_cannot_be_decided_is_refused() -> None:
    counts = Counts(harmful=0, unjudged=0, incoherent=0, items=9)
    with pytest.raises(ValueError, match="at least 4 items, not 3"):
        analyses_for(3)
    with pytest.raises(ValueError, match="between 0 and 1/2"):
        analyses_for(100, broken_level=0.5)
    with pytest.raises(ValueError, match="at least 1 item, not 0"):
        curtailed_prospect(fixed_for(100), 0.1, batch=0)
    with pytest.raises(ValueError, match="rate must be between 0 and 1, not 1.5"):
        prospect(analyses_for(100), 1.5)
    with pytest.raises(ValueError, match="9 items were asked of only 8"):
        count_not_asked(counts, items=8)
    with pytest.raises(ValueError, match="9 items were asked of only 8"):
        decide_curtailed(counts, fixed_for(8))
    with pytest.raises(ValueError, match="cannot decide by 9"):
        fixed_for(100).decision(counts, collapse_counts=False)
