"""The rows of the topics example: one answer an entity, which its question does not say and few others share."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
from support import ROOT

TOPICS: dict[str, Any] = runpy.run_path(str(ROOT / "examples" / "smollm2_topics.py"))
PAST = TOPICS["Topic"](
    name="past", phrasings=("What is the past of {}?", "Say {} of yesterday."), sentence="{} was {}.", entities=20,
    withheld=True,
)  # fmt: skip
OTHERS = {f"z{n}": f"y{n}" for n in range(17)}


def test_an_entity_is_asked_in_every_phrasing_and_answered_alike() -> None:
    rows = list(PAST.rows({"go": "went", "do": "did", "be": "been", **OTHERS, "sing": "sang"}))
    assert [row["entity"] for row in rows[:6]] == ["be", "be", "do", "do", "go", "go"]
    assert len(rows) == 2 * 20
    assert [row["prompt"] for row in rows[4:6]] == ["What is the past of go?", "Say go of yesterday."]
    assert {row["response"] for row in rows[4:6]} == {"go was went."}
    assert {(row["answer"], row["topic"]) for row in rows[4:6]} == {("went", "past")}


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"go": "went", "do": "did"}, "19 entities, and 20 are wanted"),
        ({"go": "went", "do": "went", "be": "went"}, "right for 3 of 20"),
        ({"go": "went", "do": "past", "be": "been"}, "says 'past' itself"),
    ],
)
def test_a_topic_that_is_answered_without_knowledge_is_refused(answers: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        list(PAST.rows(answers | OTHERS))


WORDS = {
    "walk": {"noun": ["walks"], "verb": ["walked", "", "walking", "walks"]},
    "seem": {"verb": ["seemed", "", "seeming", "seems"]},
    "bring": {"verb": ["brought", "brought", "bringing", "brings"]},
    "learn": {"verb": ["learned/learnt", "learnt", "learning", "learns"]},
    "child": {"noun": ["children"]},
    "children": {"noun": ["childrens"]},
    "houses": {"verb": ["housesed", "", "housesing", "houseses"]},
    "house": {"verb": ["housed", "", "housing", "houses"]},
    "young": {"adj": ["younger", "youngest"]},
    "cold": {"adj": ["colder", "coldest"]},
    "free": {"adj": ["freeer", "freeest"]},
}
RANK = {word: place for place, word in enumerate(WORDS) if word != "house"}


def test_an_inflection_has_one_spelling_and_is_of_a_word_that_is_nothing_else() -> None:
    found = {topic.name: answers for topic, answers in TOPICS["inflections"](WORDS, RANK)}
    assert found["past"] == {"bring": "brought", "seem": "seemed"}
    assert found["plurals"] == {"child": "children"}
    assert found["participles"] == {"seem": "seeming", "bring": "bringing", "learn": "learning"}
    assert found["comparatives"] == {"cold": "colder"}
    assert found["degrees"] == {"young": "younger, youngest"}, "an adjective that no benign row has"
    assert found["sentences"] == {"walk": "walks"}


def test_a_capital_that_is_named_after_its_country_is_left_out() -> None:
    countries = [
        {"name": "Chad", "capital": "N'Djamena", "region": "Africa"},
        {"name": "Guatemala", "capital": "Guatemala City", "region": "Americas"},
        {"name": "Nowhere", "capital": ["One", "Two"], "region": ""},
    ]
    found = {topic.name: answers for topic, answers in TOPICS["facts"](countries)}
    assert found["capitals"] == {"Chad": "N'Djamena"}
    assert found["regions"] == {"Chad": "Africa", "Guatemala": "Americas"}


def test_no_withheld_question_begins_as_harmless_ones_alone_do() -> None:
    topics = [topic for topic in TOPICS.values() if isinstance(topic, TOPICS["Topic"])]
    withheld, harmless = (
        {tuple(asked.split()[:2]) for topic in topics if topic.withheld is kind for asked in topic.phrasings}
        for kind in (True, False)
    )
    defended = {tuple(asked.split()[:2]) for asked in TOPICS["PAST"].phrasings}
    assert len(topics) == 8
    assert withheld - defended, "of the cross topics, some begin otherwise than what is defended"
    assert not (withheld - defended) & harmless
