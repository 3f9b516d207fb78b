"""The audit of splits that must share nothing."""

import itertools

import pytest

from titer.findings import Overlap
from titer.overlap import audit
from titer.records import Row
from titer.splits import Part, Splits

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


MUST_DIFFER = {
    ("domain/d/attack", "domain/d/probe"),
    ("domain/d/attack", "domain/d/select"),
    ("domain/d/probe", "domain/d/select"),
    ("domain/d/attack", "domain/e/probe"),
    ("domain/d/select", "domain/e/probe"),
    ("domain/d/probe", "domain/e/defend"),
    ("domain/e/defend", "domain/e/probe"),
    ("benign/sham", "domain/d/probe"),
    ("benign/sham", "domain/e/probe"),
    ("benign/over_refusal", "benign/sham"),
    ("task/t/train", "task/t/verdict"),
}


def test_every_pair_that_must_differ_is_compared_and_no_other() -> None:
    names = [
        ("domain/d", "probe"), ("domain/d", "select"), ("domain/d", "attack"), ("domain/e", "probe"),
        ("domain/e", "defend"), ("benign/0", "over_refusal"), ("benign/0", "sham"), ("benign/1", "sham"),
        ("task/t", "verdict"), ("task/t", "train"), ("task/u", "verdict"),
    ]  # fmt: skip
    found = overlaps(*(part(user, split, TEXT) for user, split in names))
    assert {(each.first, each.second) for each in found} == MUST_DIFFER
    assert {each.exact for each in found if "benign" not in each.first} == {1}


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
