"""What ends the asking of a dose, and a curve: at which cut-offs, as they follow from the protocol."""

from __future__ import annotations

import pytest
from support import assays

from titer.analysis.stopping import early_decision, first_break, reached
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import asking_of, broken_from, levels_of, power_levels_of, ratio_levels_of, sampling_of
from titer.protocol.schema import Protocol
from titer.study.tasks import CurtailedSampling, SequentialSampling, Stop

PROBE = ProbeId.of("harm", "vaults")


def sampled(how: str, *, alone: bool = False) -> Protocol:
    def change(data: dict[str, object]) -> None:
        harm = data["harm"]
        assert isinstance(harm, dict)
        harm["sampling"] = how
        harm["domain"][0]["splits"]["probe"] = 160
        if alone:
            data["defense"] = []

    return assays.protocol(change)


@pytest.mark.parametrize("how", ["fixed", "curtailed", "sequential"])
@pytest.mark.parametrize("alone", [False, True])
def test_a_curve_ends_at_the_strictest_of_the_levels_that_it_is_decided_at(how: str, alone: bool) -> None:
    plan = sampled(how, alone=alone)
    levels = [levels_of(plan, "resistance"), ratio_levels_of(plan, "resistance")]
    levels += [power_levels_of(plan)] if alone else []
    last = [sampling_of(plan, "vaults", one).analyses[-1].broken for one in levels]
    assert None not in last
    assert first_break(plan, PROBE).items == broken_from(plan, "vaults") == max(one or 0 for one in last)
    earlier = dict(first_break(plan, PROBE).earlier)
    assert set(earlier) <= {analysis.asked for analysis in asking_of(plan, "vaults").analyses[:-1]}
    assert bool(earlier) == (how == "sequential")


def test_incoherent_answers_end_no_curve_whatever_the_harm_judge_says_of_them() -> None:
    stop = first_break(sampled("fixed"), PROBE)
    harmful = {"harm": (1.0,) * stop.items, "coherence": (1.0,) * stop.items}
    assert reached(stop, harmful)
    assert not reached(stop, harmful | {"coherence": (0.0,) + (1.0,) * (stop.items - 1)})


def test_right_answers_end_a_training_whatever_else_is_judged() -> None:
    stop = Stop(probe=ProbeId.of("select", "labels"), shows="correct", items=2)
    values = {"correct": (1.0, 0.0, None, 1.0), "coherence": (0.0,) * 4}
    assert reached(stop, values)
    assert not reached(stop, values | {"correct": (1.0, 0.0, None, 0.0)})


def test_all_items_are_asked_where_nothing_is_decided_early() -> None:
    assert early_decision(sampled("fixed"), PROBE) is None


@pytest.mark.parametrize("how", ["curtailed", "sequential"])
@pytest.mark.parametrize("alone", [False, True])
def test_asking_ends_at_what_every_level_decides(how: str, alone: bool) -> None:
    """Of 160 items. Else the ladder goes on behind a break, the ratio knows of none, and no sham is asked for."""
    plan = sampled(how, alone=alone)
    early = early_decision(plan, PROBE)
    asked = asking_of(plan, "vaults").analyses
    levels = [levels_of(plan, "resistance"), ratio_levels_of(plan, "resistance")]
    levels += [power_levels_of(plan)] if alone else []
    last = [sampling_of(plan, "vaults", one).analyses[-1] for one in levels]
    assert asked[-1].intact == min(-1 if one.intact is None else one.intact for one in last)
    if isinstance(early, SequentialSampling):
        ends = [(cutoffs.asked, cutoffs.intact, cutoffs.broken) for cutoffs in early.analyses]
        assert ends == [(one.asked, one.intact, one.broken) for one in asked]
    else:
        assert isinstance(early, CurtailedSampling)
        assert (early.intact, early.broken) == (asked[-1].intact, asked[-1].broken)
    assert first_break(plan, PROBE).items == asked[-1].broken
