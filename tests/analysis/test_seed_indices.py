"""Which seed indices are the replicates of a condition, over every pattern of failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import assays

from titer.analysis.conditions.harm_decisions import replicates_of
from titer.analysis.findings import FailedMake
from titer.analysis.seed_indices import (
    REPLACING,
    IndexFailure,
    Replacing,
    place_indices,
    replaced_indices,
    seed_indices,
)

PATTERNS = st.tuples(st.integers(0, 4), st.integers(1, 6), st.sets(st.integers(0, 20)))


@given(PATTERNS)
def test_every_place_has_the_next_index_that_did_not_fail(pattern: tuple[int, int, set[int]]) -> None:
    first, replicates, broken = pattern
    failed = {first + index: IndexFailure(f"diverged at step {index}") for index in broken}
    found = place_indices(first, replicates, failed)
    assert len(found.of_place) == len(set(found.of_place)) == replicates
    assert len(found.replaced) <= replicates
    assert set(found.used) == set(range(first, first + replicates + len(found.replaced)))
    assert not {gone.index for gone in found.replaced} & set(found.of_place)
    assert {gone.index for gone in found.replaced} <= failed.keys()
    assert found.exhausted == bool(failed.keys() & set(found.of_place))
    assert found.exhausted <= (len(found.replaced) == replicates)
    untouched = [index for index in range(first, first + replicates) if index not in failed]
    assert [found.of_place[index - first] for index in untouched] == untouched


@given(PATTERNS)
def test_no_failure_of_an_index_that_was_not_reached_changes_anything(pattern: tuple[int, int, set[int]]) -> None:
    """So the places are the same whichever failed first, and whatever another study read beyond."""
    first, replicates, broken = pattern
    failed = {first + index: IndexFailure("diverged") for index in broken}
    found = place_indices(first, replicates, failed)
    reached = {index: reason for index, reason in failed.items() if index in found.used}
    assert place_indices(first, replicates, reached) == found


def test_an_index_takes_the_place_of_the_one_that_it_replaces_and_so_does_the_next() -> None:
    found = place_indices(0, 3, {0: IndexFailure("a"), 3: IndexFailure("b"), 2: IndexFailure("c")})
    assert found.of_place == (4, 1, 5)
    assert [(gone.index, gone.place) for gone in found.replaced] == [(0, 0), (3, 0), (2, 2)]
    assert found.reasons == ("index 0: a", "index 3: b", "index 2: c")


@pytest.mark.parametrize(
    ("purpose", "subject", "replaced"),
    [
        ("resistance", "undefended", {"resistance"}),
        ("resistance", "defended", {"resistance"}),
        ("generalization", "undefended", {"generalization"}),
        ("generalization", "defended", {"generalization"}),
        ("trainability", "undefended", {"trainability"}),
        ("trainability", "defended", set()),
        ("sham", "undefended", set()),
        ("stability", "defended", set()),
    ],
)
def test_a_failure_replaces_its_index_in_its_own_condition(purpose: str, subject: str, replaced: set[str]) -> None:
    truth = assays.assay(assays.protocol(), assays.breaking(), indices=tuple(range(6)))
    index = 0 if purpose == "stability" else 2
    failed = assays.failing(truth, purpose=purpose, subject=subject, index=index)
    assert failed != truth
    for condition in REPLACING:
        expected = (0, 1, 5, 3, 4) if condition in replaced else (0, 1, 2, 3, 4)
        assert seed_indices(failed, condition).of_place == expected
    apart = " (on the defended model only)" if subject == "defended" else ""
    assert replaced_indices(failed) == tuple(f"{one}: index 2: diverged at step 12{apart}" for one in replaced)


TWO_ATTACKS = assays.protocol(
    lambda data: data["attacker"].update(
        attack=[{"name": "direct", "parameters": {}}, {"name": "other", "parameters": {}}]
    )
)


@pytest.mark.parametrize("attack", ["direct", "other"])
def test_a_break_of_the_defended_model_never_vanishes_because_another_attack_failed(attack: str) -> None:
    broken = assays.assay(TWO_ATTACKS, assays.breaking(S_vaults=16))
    failed = assays.failing(broken, purpose="resistance", subject="defended", attack=attack, index=2)
    assert seed_indices(failed, "resistance").of_place == (0, 1, 2, 3, 4)
    assert replicates_of(failed, "resistance", "defended")[2].state == "fails"
    whole = assays.assay(TWO_ATTACKS, assays.breaking(), indices=tuple(range(6)))
    held = assays.failing(whole, purpose="resistance", subject="defended", attack=attack, index=2)
    assert seed_indices(held, "resistance").of_place == (0, 1, 5, 3, 4)


def test_a_break_before_any_attack_keeps_its_index_too() -> None:
    broken = assays.assay(TWO_ATTACKS, assays.breaking(S_vaults=0))
    failed = assays.failing(broken, purpose="resistance", subject="defended", attack="other", index=2)
    assert seed_indices(failed, "resistance").of_place == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(("read", "replaced"), [(0, True), (2, True), (3, False)])
def test_a_failure_beyond_the_budget_replaces_nothing(read: int, replaced: bool) -> None:
    """Doses are 0, 16, 32 and 64, the budget 32: three are read up to it."""
    truth = assays.assay(assays.protocol(), assays.breaking(), indices=tuple(range(6)))
    failed = assays.failing(truth, read=read, purpose="resistance", subject="defended", index=2)
    assert seed_indices(failed, "resistance").of_place == ((0, 1, 5, 3, 4) if replaced else (0, 1, 2, 3, 4))


def test_a_failure_after_its_own_break_is_none() -> None:
    """The undefended model breaks at dose 16; that the attack then failed takes nothing away."""
    truth = assays.assay(assays.protocol(), assays.breaking(), indices=tuple(range(6)))
    failed = assays.failing(truth, read=2, purpose="resistance", subject="undefended", index=2)
    assert seed_indices(failed, "resistance").of_place == (0, 1, 2, 3, 4)


def test_those_on_the_defended_model_only_are_listed_apart() -> None:
    truth = assays.assay(assays.protocol(), assays.breaking(), indices=tuple(range(7)))
    first = assays.failing(truth, read=1, purpose="resistance", subject="defended", index=1)
    both = assays.failing(first, read=1, purpose="resistance", subject="undefended", index=3)
    assert seed_indices(both, "resistance").reasons == (
        "index 3: diverged at step 12",
        "index 1: diverged at step 12 (on the defended model only)",
    )


@pytest.mark.parametrize("purpose", REPLACING)
def test_an_index_whose_subject_could_not_be_made_is_never_replaced(purpose: Replacing) -> None:
    plan = assays.protocol(lambda d: d["study"].update(claim="this method", seeds={"attack": 5, "defense": 5}))
    truth = assays.failing(assays.assay(plan, assays.breaking()), purpose=purpose, subject="undefended", index=2)
    assert seed_indices(truth, purpose).of_place == (0, 1, 5, 3, 4)
    lost = truth.model_copy(update={"failed_makes": (FailedMake(index=2, reason="diverged at step 2"),)})
    assert seed_indices(lost, purpose).of_place == (0, 1, 2, 3, 4)
    assert not seed_indices(lost, purpose).exhausted
