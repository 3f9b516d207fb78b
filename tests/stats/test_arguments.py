"""Unknown words are refused by every function that takes words; missing items are seen in whatever they come."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import titer.stats
from titer.stats import (
    agreement_test,
    compare_crossed,
    compare_losses,
    count_changes,
    dose_ratio,
    loss_test,
    mcnemar_test,
    noninferiority_test,
    outcomes_of,
    rank_test,
    rate_test,
    replicate_test,
    sequential_test,
)
from titer.stats.agreement import count_agreement
from titer.stats.cheapest_plan import StudyGoal, StudySize
from titer.stats.noninferiority import Changes
from titer.stats.rate_law import RateLaw

RUNS = outcomes_of([[0, 9]] * 5, 20)
GOAL, LAW = StudyGoal(threshold=0.2, share=0.5, alpha=0.05, decisions=1, doses=1), RateLaw(rate=0.05)
SIZE: Mapping[str, Any] = {"replicates": 5, "items": 20, "kind": "shared", "analyses": 1}
SPLIT = {"replicates": 5, "share": 0.5, "alpha": 0.05, "decisions": 4, "items": "own"}
COMPARED: Mapping[str, Any] = {"margin": 0.1, "level": 0.05, "claim": "inferior"}
PAIR = {"new": [1, 0] * 8, "reference": [1, 1] * 8}
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "rate_test": {"outcomes": [1, 0], "threshold": 0.2, "alternative": "less"},
    "noninferiority_test": {**PAIR, "margin": 0.1, "alternative": "inferior"},
    "mcnemar_test": {**PAIR, "alternative": "less"},
    "loss_test": {**PAIR, "margin": 0.1, "alternative": "inferior"},
    "count_changes": {"defended": [True], "undefended": [False], "claim": "inferior"},
    "compare_rates": {"changes": Changes(gains=1, losses=1, items=9), **COMPARED},
    "compare_losses": {"differences": [0.0], "share": 0.1, **COMPARED},
    "compare_crossed": {"differences": np.eye(3), **COMPARED},
    "levels": SPLIT,
    "descriptive_levels": SPLIT,
    "replicate_test": {"outcomes": RUNS, "threshold": 0.2, "items": "own"},
    "dose_ratio": {"new": RUNS, "reference": RUNS, "doses": [0, 8], "threshold": 0.2, "items": "own"},
    "rank_test": {"new": [(8, 16)], "reference": [(2, 4)], "alternative": "less"},
    "paired_rank_test": {"new": [(8, 16)], "reference": [(2, 4)], "alternative": "less"},
    "sequential_test": {"outcomes": [0], "items": 20, "threshold": 0.4, "analyses": 6},
    "titer": {"doses": [0], "decisions": ["broken"]},
    "StudySize": SIZE,
    "Levels": {**SPLIT, **dict.fromkeys(("r", "s", "r_fail", "s_fail")), "intact_level": 0.1, "broken_level": 0.1},
    "cheapest_plan": {"goal": GOAL, "law": LAW, "claim": "upheld", "kind": "own"},
    "items_could_decide": {"goal": GOAL, "law": LAW, "claim": "upheld"},
    "chance": {"goal": GOAL, "size": StudySize(**SIZE), "law": LAW, "claim": "upheld"},
}
"""Arguments that every function and every setting with words takes; results, which tests return, are not among them."""
RESULTS = {
    "RateTest",
    "PairedTest",
    "RankTest",
    "ReplicateTest",
    "SequentialTest",
    "RateComparison",
    "ShareComparison",
    "MeanComparison",
}


def words_in(hint: object) -> tuple[object, ...]:
    """The words of a Literal, wherever it stands in a type."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(word for part in get_args(hint) for word in words_in(part) if get_origin(hint) is not Callable)


def taking_words() -> Iterator[tuple[str, Callable[..., object], str]]:
    """Every public function and class of the package with a parameter that takes words."""
    for module in pkgutil.walk_packages(titer.stats.__path__, "titer.stats."):
        for name, found in inspect.getmembers(import_module(module.name)):
            if name.startswith("_") or getattr(found, "__module__", None) != module.name or not callable(found):
                continue
            hints = get_type_hints(found.__init__ if inspect.isclass(found) else inspect.unwrap(found))
            for parameter, hint in hints.items():
                if parameter != "return" and words_in(hint) and name not in RESULTS:
                    yield name, found, parameter


TAKING = list(taking_words())


def test_the_functions_that_take_words_are_found() -> None:
    assert {name for name, _, _ in TAKING} == set(ARGUMENTS)


@pytest.mark.parametrize(("name", "function", "parameter"), TAKING, ids=[f"{name}-{of}" for name, _, of in TAKING])
def test_an_unknown_word_is_refused_and_the_known_ones_are_named(
    name: str, function: Callable[..., object], parameter: str
) -> None:
    given = ARGUMENTS[name]
    function(**given)
    hints = get_type_hints(function.__init__ if inspect.isclass(function) else inspect.unwrap(function))
    for word in ("Shared", "two-sided", "", 2):
        with pytest.raises(ValueError, match="must be one of") as refused:
            function(**{**given, parameter: [word] if isinstance(given[parameter], list) else word})
        assert all(repr(known) in str(refused.value) for known in words_in(hints[parameter]))
        assert str(refused.value).endswith(f"not {word!r}")


class Unknown:
    """Like pandas' NA: what it is compared with, it has no truth value."""

    def __eq__(self, other: object) -> Any:
        return self

    __ne__ = __eq__
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


KINDS = ("list", "object", "float", "masked", "masked list", "boolean", "Int64", "bool[pyarrow]", "pyarrow")


def as_kind(kind: str, values: list[int | None]) -> Any:
    """The same items, as such an array; skips where its library is not installed."""
    flags = [None if value is None else bool(value) for value in values]
    if kind == "list":
        return [Unknown() if value is None else np.bool_(value) for value in values]
    if kind == "object":
        return np.array([Unknown() if value is None else value for value in flags], dtype=object)
    if kind == "float":
        return np.array(values, dtype=np.float32)
    if kind.startswith("masked"):
        hidden = [1 if value is None else value for value in values]
        masked: Any = np.ma.array(hidden, mask=[value is None for value in values])
        return list(masked) if kind == "masked list" else masked
    if kind == "pyarrow":
        return pytest.importorskip("pyarrow").array(flags)
    pandas = pytest.importorskip("pandas")
    return pandas.Series(values if kind == "Int64" else flags, dtype=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_items_are_missing_in_whatever_they_come(kind: str) -> None:
    new, reference = [1, 0, None, 1, None, 0, 1], [1, None, 1, 0, None, 0, 0]
    one, other = as_kind(kind, new), as_kind(kind, reference)
    assert rate_test(one, 0.3) == rate_test(new, 0.3)
    assert rate_test(one, 0.3).missing == 2
    assert noninferiority_test(one, other, margin=0.1) == noninferiority_test(new, reference, margin=0.1)
    assert mcnemar_test(one, other) == mcnemar_test(new, reference)
    assert loss_test(one, other, margin=0.1) == loss_test(new, reference, margin=0.1)
    assert agreement_test(one, other) == agreement_test(new, reference)
    assert sequential_test(one, items=7, threshold=0.3) == sequential_test(new, items=7, threshold=0.3)
    for runs in ([one] * 5, [[one, other]] * 5):
        plain = [new] * 5 if runs[0] is one else [[new, reference]] * 5
        assert replicate_test(runs, threshold=0.3) == replicate_test(plain, threshold=0.3)
    assert count_agreement(one, other) == count_agreement([True, False, None, True, None, False, True],
                                                          [True, None, True, False, None, False, False])  # fmt: skip
    assert count_changes(one, other, "inferior") == Changes(gains=3, losses=0, items=7)
    assert compare_losses(one, share=0.1, **COMPARED) == compare_losses(new, share=0.1, **COMPARED)
    with pytest.raises(ValueError, match="none missing"):
        compare_crossed([one, other], **COMPARED)


def test_what_is_no_number_is_refused_whatever_holds_it() -> None:
    for value in ("1", b"1", 1j, [1], np.datetime64("2026-01-01"), object()):
        with pytest.raises(ValueError, match="items must be"):
            rate_test(np.array([1, value, None], dtype=object), 0.3)
    refused: list[tuple[Any, Any]] = [([1.0, np.nan], 0), ([None], 0), ([1], [Unknown()])]
    for counts, missing in refused:
        with pytest.raises(ValueError, match="whole numbers"):
            outcomes_of(counts, 4, missing)


def test_arrays_of_unequal_length_are_refused_with_both_lengths() -> None:
    tests: list[Callable[[list[Any], list[Any]], object]] = [
        lambda a, b: noninferiority_test(a, b, margin=0.1), mcnemar_test, lambda a, b: loss_test(a, b, margin=0.1),
        agreement_test, count_agreement, lambda a, b: count_changes(a, b, "inferior"),
        lambda a, b: titer.stats.titer(list(range(len(a))), ["intact" for _ in b]),
        lambda a, b: titer.stats.paired_rank_test([(2, 4) for _ in a], [(2, 4) for _ in b]),
    ]  # fmt: skip
    for test in tests:
        test([1, 0, 1], [1, 0, 0])
        with pytest.raises(ValueError, match="not 3 and 2"):
            test([1, 0, 1], [1, 0])
    with pytest.raises(ValueError, match=r"\(5, 2, 20\) and \(4, 2, 20\)"):
        dose_ratio(RUNS, RUNS[:4], [0, 8], threshold=0.2)
    assert rank_test([(8, 16)], [(2, 4)] * 2).runs == (1, 2)  # of two groups, which need no equal number
