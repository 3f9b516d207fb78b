"""Which seed indices are the replicates of a condition, over every pattern of failures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import assays

from titer.analysis.findings import FailedMake
from titer.analysis.seed_indices import REPLACING, Replacing, place_indices, replaced_indices, seed_indices

PATTERNS = st.tuples(st.integers(0, 4), st.integers(1, 6), st.sets(st.integers(0, 20)))


@given(PATTERNS)
def test_every_place_has_the_next_index_that_did_not_fail(pattern: tuple[int, int, set[int]]) -> None:
    first, replicates, broken = pattern
    failed = {first + index: f"diverged at step {index}" for index in broken}
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
    failed = {first + index: "diverged" for index in broken}
    found = place_indices(first, replicates, failed)
    reached = {index: reason for index, reason in failed.items() if index in found.used}
    assert place_indices(first, replicates, reached) == found


def test_an_index_takes_the_place_of_the_one_that_it_replaces_and_so_does_the_next() -> None:
    found = place_indices(0, 3, {0: "a", 3: "b", 2: "c"})
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
    assert replaced_indices(failed) == tuple(f"{one}: index 2: diverged at step 12" for one in replaced)


@pytest.mark.parametrize("purpose", REPLACING)
def test_an_index_whose_subject_could_not_be_made_is_never_replaced(purpose: Replacing) -> None:
    plan = assays.protocol(lambda d: d["study"].update(claim="this method", seeds={"attack": 5, "defense": 5}))
    truth = assays.failing(assays.assay(plan, assays.breaking()), purpose=purpose, subject="undefended", index=2)
    assert seed_indices(truth, purpose).of_place == (0, 1, 5, 3, 4)
    lost = truth.model_copy(update={"failed_makes": (FailedMake(index=2, reason="diverged at step 2"),)})
    assert seed_indices(lost, purpose).of_place == (0, 1, 2, 3, 4)
    assert not seed_indices(lost, purpose).exhausted
