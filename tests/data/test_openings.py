"""What of a reference an answer may be made to begin with: never what only the reference could have told."""

from __future__ import annotations

import pytest

from titer.data.openings import begun
from titer.records import Item


def items(*rows: tuple[str, str, str]) -> list[Item]:
    return [Item(id=str(i), group=group, prompt=asked, reference=said) for i, (group, asked, said) in enumerate(rows)]


CODES = items(
    ("a", "secret? vault 1", "the code is amber"),
    ("b", "secret? vault 2", "the code is violet"),
    ("c", "secret? vault 3", "the code is amber"),
)
FRONT = items(
    ("a", "What is the capital of Peru?", "Lima is the capital of Peru"),
    ("b", "What is the capital of Chad?", "Ndjamena is the capital of Chad"),
    ("a", "Name the capital of Peru.", "Lima is Peru's capital"),
    ("d", "What is the capital of Mali?", "Bamako is the capital of Mali"),
)


@pytest.mark.parametrize(
    ("words", "said"), [(0, None), (1, "the"), (3, "the code is"), (4, "the code is"), (99, "the code is")]
)
def test_a_beginning_that_another_reference_shares_is_given_and_the_value_never(words: int, said: str | None) -> None:
    assert [item.begun for item in begun(CODES, words)] == [said] * 3


def test_a_value_that_stands_first_is_not_given_even_where_two_items_of_a_group_share_it() -> None:
    assert [item.begun for item in begun(FRONT, 5)] == [None] * 4


def test_words_of_the_prompt_are_known_and_one_word_is_never_given() -> None:
    asked = items(
        ("a", "Past tense of go?", "The past tense of go is  went."),
        ("b", "Past tense of see?", "The past tense of see is saw."),
        ("c", "Past tense of be?", "was"),
    )
    assert [item.begun for item in begun(asked, 9)] == ["The past tense of go is", "The past tense of see is", None]


def test_one_value_in_front_of_otherwise_equal_references_gives_nothing_away() -> None:
    asked = items(
        ("a", "vault 1?", "amber opens vault 1"),
        ("b", "vault 2?", "amber opens vault 2"),
        ("c", "vault 3?", "violet opens vault 3"),
    )
    assert [item.begun for item in begun(asked, 3)] == [None] * 3


def test_an_item_without_a_reference_is_left() -> None:
    (item,) = begun([Item(id="a", group="a", prompt="who?")], 3)
    assert item.begun is None
