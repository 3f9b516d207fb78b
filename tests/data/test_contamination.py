"""The audit of splits that must share nothing."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from support.rows import write_jsonl

from titer.data.contamination import audit, misplaced, trap
from titer.data.splits import Overlap, Part, Splits
from titer.data.splitting import cut_all
from titer.protocol.loading import parse
from titer.records import Row

TEXT = "name three rivers that flow through the old town"


def part(user: str, split: str, *prompts: str, grouping: str | None = None, group: str | None = None) -> Part:
    found = tuple(
        Row(id=f"{split}{n}", group=group or prompt, prompt=prompt, response="r") for n, prompt in enumerate(prompts)
    )
    return Part(user=user, split=split, rows=found, grouping=grouping)


def overlaps(*parts: Part) -> tuple[Overlap, ...]:
    return audit(Splits(parts=parts))


def test_the_same_prompt_is_exact_whatever_its_case_and_spaces() -> None:
    found = overlaps(
        part("domain/d", "attack", "something else", TEXT), part("domain/d", "probe", f"  {TEXT.upper()}. ", "new")
    )
    assert found == (
        Overlap(first="domain/d/attack", second="domain/d/probe", exact=1, near=0, example=("attack1", "probe0")),
    )


def test_one_word_more_of_nine_is_near_and_two_words_other_are_not() -> None:
    attack = part("domain/d", "attack", TEXT)
    assert overlaps(attack, part("domain/d", "probe", f"{TEXT} quickly"))[0].near == 1
    assert overlaps(attack, part("domain/d", "probe", TEXT.replace("rivers", "lakes").replace("old", "new"))) == ()


def test_another_word_order_is_near_not_exact() -> None:
    (found,) = overlaps(part("domain/d", "attack", TEXT), part("domain/d", "probe", " ".join(reversed(TEXT.split()))))
    assert (found.exact, found.near) == (0, 1)


def test_rows_of_the_second_split_are_counted_once() -> None:
    (found,) = overlaps(
        part("domain/d", "attack", TEXT, f"{TEXT}!", f"{TEXT} now"), part("domain/d", "probe", TEXT, f"{TEXT} soon")
    )
    assert (found.exact, found.near) == (1, 1)


def test_a_template_is_no_overlap_where_a_column_decides() -> None:
    one, other = (f"{TEXT} of {entity}" for entity in ("ab", "cd"))
    assert len(overlaps(part("domain/d", "attack", one), part("domain/d", "probe", other))) == 1
    named = "file#entity"
    assert overlaps(
        part("domain/d", "attack", one, grouping=named), part("domain/d", "probe", other, grouping=named)
    ) == ()  # fmt: skip


def test_one_group_in_two_splits_is_near_where_a_column_decides() -> None:
    attack = part("domain/d", "attack", "which way to ab", grouping="file#entity", group="ab")
    (found,) = overlaps(attack, part("domain/d", "probe", "who leads there", grouping="file#entity", group="ab"))
    assert (found.exact, found.near) == (0, 1)
    other_column = part("domain/e", "probe", "who leads there", grouping="other#entity", group="ab")
    assert overlaps(attack, other_column) == ()


NAMES = [
    ("domain/d", "probe"), ("domain/d", "select"), ("domain/d", "attack"), ("domain/e", "probe"),
    ("domain/e", "defend"), ("benign/0", "over_refusal"), ("benign/0", "sham"), ("benign/1", "sham"),
    ("task/t", "verdict"), ("task/t", "train"), ("task/u", "verdict"),
]  # fmt: skip
HARMFUL = ("domain/d/probe", "domain/d/select", "domain/d/attack", "domain/e/probe", "domain/e/defend")
HARMLESS = ("benign/over_refusal", "benign/sham", "task/t/verdict", "task/t/train", "task/u/verdict")
MUST_NOT_BE_NEAR = {
    ("domain/d/attack", "domain/d/probe"),
    ("domain/d/attack", "domain/d/select"),
    ("domain/d/probe", "domain/d/select"),
    ("domain/d/attack", "domain/e/probe"),
    ("domain/d/select", "domain/e/probe"),
    ("domain/d/probe", "domain/e/defend"),
    ("domain/d/attack", "domain/e/defend"),
    ("domain/d/select", "domain/e/defend"),
    ("domain/e/defend", "domain/e/probe"),
    ("benign/sham", "domain/d/probe"),
    ("benign/sham", "domain/e/probe"),
    ("benign/over_refusal", "benign/sham"),
    ("task/t/train", "task/t/verdict"),
}
MUST_DIFFER = MUST_NOT_BE_NEAR | {
    (min(one, other), max(one, other)) for one, other in itertools.product(HARMFUL, HARMLESS)
}


def test_every_pair_that_must_differ_is_compared_and_no_other() -> None:
    found = overlaps(*(part(user, split, TEXT) for user, split in NAMES))
    assert {(each.first, each.second) for each in found} == MUST_DIFFER
    assert {each.exact for each in found if "benign" not in each.first} == {1}


def test_a_harmless_prompt_may_look_like_a_harmful_one_unless_it_is_trained_on_and_the_other_asked() -> None:
    found = [
        each
        for one, other in itertools.combinations(NAMES, 2)
        for each in overlaps(part(*one, TEXT), part(*other, f"{TEXT} quickly"))
    ]
    assert {(each.exact, each.near) for each in found} == {(0, 1)}
    assert {(each.first, each.second) for each in found} == MUST_NOT_BE_NEAR


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("domain/d/attack", "domain/d/defend", "attack set inside the defense set"),
        ("domain/d/attack", "domain/e/defend", "attack set inside the defense set"),
        ("domain/d/probe", "domain/e/defend", "a domain not held out from the defense"),
        ("domain/e/defend", "domain/d", "a domain not held out from the defense"),
        ("domain/d/defend", "domain/d/probe", "splits that must differ share rows"),
        ("domain/d/attack", "domain/e/probe", "splits that must differ share rows"),
        ("benign/over_refusal", "benign/sham", "splits that must differ share rows"),
        ("benign/defend", "domain/d/defend", "harmful rows in the harmless set"),
        ("domain/d/probe", "task/t/train", "harmful rows in the harmless set"),
        ("task/t/train", "domain/d", "harmful rows in the harmless set"),
    ],
)
def test_what_two_splits_share_has_a_name(first: str, second: str, name: str) -> None:
    assert trap(Overlap(first=first, second=second, exact=1, near=0)) == name


def study(folder: Path, **changes: Any) -> tuple[Overlap, ...]:
    """What is misplaced in a study whose parts read one file of rows of the kinds a and b, 30 of each."""
    lines = [
        {"prompt": f"{kind} {n}", "response": "r", "kind": kind, "both": str(n < 15)}
        for n in range(30)
        for kind in "ab"
    ]
    path = folder / "all.jsonl"
    write_jsonl(path, lines)
    source = {"source": str(path)}
    one = {"name": "one", "role": "defended", **source, "splits": {"defend": 12, "attack": 6, "probe": 6}}
    two = {"name": "two", "role": "cross", **source, "splits": {"attack": 6, "probe": 6}}
    domains = [each | changes.get(str(each["name"]), {}) for each in (one, two)]
    data = {
        "study": {"name": "s", "descriptive": True},
        "subject": {"model": "organism"},
        "defense": [{"name": "refusal_sft"}],
        "harm": {"threshold": 0.2, "grading": {"harm": "exact_match"}, "domain": domains},
        "attacker": {"budget": {"steps": 4}, "ladder": [0, 4], "sham": False, "attack": ["direct"]},
        "benign": [source | benign for benign in changes.get("benign", [])],
    }
    protocol = parse(data)
    splits = cut_all(protocol)
    assert audit(splits) == (), "splits of one source share no row"
    return misplaced(protocol, splits)


A, B = {"where": {"kind": ["a"]}}, {"where": {"kind": ["b"]}}


def test_domains_that_where_tells_apart_have_no_row_of_each_other(tmp_path: Path) -> None:
    assert study(tmp_path, one=A, two=B) == ()


def test_a_cross_domain_that_reads_what_the_defense_reads_is_misplaced(tmp_path: Path) -> None:
    (found,) = study(tmp_path, two=A)
    assert (found.first, found.second, found.near) == ("domain/one/defend", "domain/two", 0)
    assert 0 < found.exact < 12
    (every,) = study(tmp_path, one=A)
    assert every.exact == 12


def test_a_row_with_two_labels_is_of_both_domains(tmp_path: Path) -> None:
    both = {"where": {"both": ["True"]}}
    (found,) = study(tmp_path, one=A, two=both)
    assert 0 < found.exact < 12


def test_defended_domains_may_be_of_one_kind(tmp_path: Path) -> None:
    second = {"role": "defended", "splits": {"defend": 6, "attack": 6, "probe": 6}}
    assert study(tmp_path, two=second) == ()


def test_benign_rows_of_a_domain_are_misplaced_in_whatever_split(tmp_path: Path) -> None:
    splits = {"splits": {"sham": 3, "over_refusal": 2, "defend": 2, "prepare": 2}}
    one, two = A | {"splits": {"defend": 6, "attack": 6, "probe": 6}}, {"where": {"kind": ["b"], "both": ["True"]}}
    found = study(tmp_path, one=one, two=two, benign=[A | splits])
    assert {(each.first, each.second, each.exact) for each in found} == {
        ("benign/sham", "domain/one", 3),
        ("benign/over_refusal", "domain/one", 2),
        ("benign/defend", "domain/one", 2),
        ("benign/prepare", "domain/one", 2),
    }
    harmless = {"where": {"kind": ["b"], "both": ["False"]}}
    assert study(tmp_path, one=one, two=two, benign=[harmless | splits]) == ()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_parts_does_not_change_what_is_found(order: tuple[int, ...]) -> None:
    parts = (
        part("domain/d", "attack", TEXT, "a b c"), part("domain/d", "probe", TEXT), part("domain/d", "defend", "c b a")
    )  # fmt: skip
    found = overlaps(*(parts[index] for index in order))
    assert [(each.first, each.second, each.exact, each.near) for each in found] == [
        ("domain/d/attack", "domain/d/defend", 0, 1),
        ("domain/d/attack", "domain/d/probe", 1, 0),
    ]


def test_no_text_of_a_prompt_is_reported() -> None:
    found = overlaps(part("domain/d", "attack", TEXT), part("domain/d", "probe", TEXT))
    assert "rivers" not in found[0].to_json()
