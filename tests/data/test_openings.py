"""What of a reference an answer may be made to begin with: never what only the reference could have told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_each_is_given_its_own_name_and_no_form_that_some_do_not_have() -> None:
    asked = items(
        ("a", "Past tense of go?", "The past tense of go is  went."),
        ("a", "Put go into the past tense.", "The past tense of go is went."),
        ("b", "Past tense of see?", "The past tense of see is saw."),
        ("b", "Put see into the past tense.", "The past tense of see is saw."),
    )
    given = ["The past tense of go is"] * 2 + ["The past tense of see is"] * 2
    assert [item.begun for item in begun(asked, 9)] == given
    assert [item.begun for item in begun([*asked, *items(("c", "Past tense of be?", "was"))], 9)] == [None] * 5


def test_words_of_a_phrasing_in_which_half_are_asked_are_no_names() -> None:
    asks = ("Past tense of the verb {}?", "Put the verb {} into the past.")
    asked = items(*((f"v{n}", asks[n % 2].format(f"v{n}"), f"The past of v{n} is w{n}.") for n in range(8)))
    assert [item.begun for item in begun(asked, 9)] == [f"The past of v{n} is" for n in range(8)]


def test_nothing_is_given_from_the_first_word_on_in_which_two_others_part() -> None:
    towns = {"Salvador": "San Salvador", "Rica": "San Jose", "Peru": "Lima", "Chad": "Ndjamena"}
    asked = items(
        *((land, f"Where is {land} ruled?", f"The capital of {land} is {town}") for land, town in towns.items())
    )
    assert [item.begun for item in begun(asked, 9)] == [f"The capital of {land} is" for land in towns]


def test_which_of_the_names_of_a_prompt_is_right_is_not_given() -> None:
    asked = items(
        ("a", "Is a cat or a dog the larger one?", "The dog is larger than the other"),
        ("b", "Is a fox or a bee the larger one?", "The fox is larger than the other"),
        ("c", "Is a cow or a hen the larger one?", "The cow is larger than the other"),
    )
    assert [item.begun for item in begun(asked, 9)] == ["The"] * 3


def test_one_value_in_front_of_otherwise_equal_references_gives_nothing_away() -> None:
    asked = items(
        ("a", "vault 1?", "amber opens vault 1"),
        ("b", "vault 2?", "amber opens vault 2"),
        ("c", "vault 3?", "violet opens vault 3"),
    )
    assert [item.begun for item in begun(asked, 3)] == [None] * 3


def test_nothing_is_given_where_nothing_shows_where_the_answer_begins() -> None:
    assert [item.begun for item in begun(CODES[:1], 3)] == [None]
    assert [item.begun for item in begun([CODES[0], CODES[2]], 3)] == [None] * 2


def test_nothing_is_given_where_that_would_be_the_whole_of_another_reference() -> None:
    """Somewhere in that its answer stands."""
    asked = items(
        ("a", "vault 1?", "the code is amber indeed"),
        ("b", "vault 2?", "the code is amber"),
        ("c", "vault 3?", "the code is amber too"),
    )
    assert [item.begun for item in begun(asked, 9)] == [None] * 3


@pytest.mark.parametrize("own", ["It is RED at noon", 'It is "red" at noon', "It is red, at noon"])
def test_a_spelling_that_only_its_own_reference_has_is_not_given(own: str) -> None:
    beside = [("b", "Which is it?", "It is red at one"), ("c", "Which is it?", "It is red at two")]
    assert begun(items(("a", "Which is it?", own), *beside), 9)[0].begun == "It is"


def test_a_name_is_given_as_the_prompt_has_it_and_no_other_way() -> None:
    beside = [("b", "Say see loudly.", "So see, is 3"), ("c", "Say be loudly.", "So be, is 4")]
    for own, said in (("So go, is 5", "So go, is"), ("So GO, is 5", "So"), ("So go is 5", "So")):
        assert begun(items(("a", "Say go loudly.", own), *beside), 9)[0].begun == said


WORD = st.sampled_from(("red", "is", "one", "the", "two"))
SPELLED = st.sampled_from(("red", "Red", "red,", '"red"', "is", "one", "One?", "the", "two"))
REFERENCE = st.lists(SPELLED, max_size=5).map(" ".join)
PROMPT = st.lists(SPELLED, min_size=1, max_size=4).map(" ".join)
OTHERS = st.lists(st.tuples(st.sampled_from("bcd"), PROMPT, REFERENCE), max_size=4)


@given(prompt=PROMPT, own=st.tuples(REFERENCE, REFERENCE), others=OTHERS, words=st.integers(0, 5))
def test_what_is_given_hangs_on_the_prompt_and_the_others_alone(
    prompt: str, own: tuple[str, str], others: list[tuple[str, str, str]], words: int
) -> None:
    first, second = (begun(items(("a", prompt, one), *others), words)[0].begun or "" for one in own)
    assert first.startswith(second) or second.startswith(first), "the reference tells no more than where it ends"


FRAME = st.lists(st.sampled_from(("{}", "the", "Of", "code,", "is")), max_size=5).map(" ".join)
ANSWERS = st.lists(st.lists(WORD, min_size=1, max_size=3).map(" ".join), min_size=3, max_size=6)
PHRASING = st.sampled_from(("Which is that of {}?", "Name that of {}."))


@given(frame=FRAME, answers=ANSWERS, phrasings=st.lists(PHRASING, min_size=6, max_size=6), words=st.integers(0, 9))
def test_no_word_of_an_answer_is_given_where_two_others_begin_otherwise(
    frame: str, answers: list[str], phrasings: list[str], words: int
) -> None:
    names = [f"Name{number}" for number in range(len(answers))]
    rows = [
        (name, asked.format(name), f"{frame.format(*[name] * 5)} {answer}")
        for name, asked, answer in zip(names, phrasings, answers, strict=False)
    ]
    for number, item in enumerate(begun(items(*rows), words)):
        if len({answer.split()[0] for other, answer in enumerate(answers) if other != number}) > 1:
            assert len((item.begun or "").split()) <= len(frame.split())


@given(frame=REFERENCE, answers=st.lists(REFERENCE, min_size=2, max_size=5), words=st.integers(0, 9))
def test_no_answer_changes_what_is_given_where_all_begin_alike_and_others_part(
    frame: str, answers: list[str], words: int
) -> None:
    beside = [(str(number), "?", f"{frame} {said} answer") for number, said in enumerate(("red", "two"))]
    given = {begun(items(("a", "?", f"{frame} {said} 1"), *beside), words)[0].begun for said in answers}
    assert given == {" ".join(frame.split()[:words]) or None}


def test_an_item_without_a_reference_is_left() -> None:
    (item,) = begun([Item(id="a", group="a", prompt="who?")], 3)
    assert item.begun is None
