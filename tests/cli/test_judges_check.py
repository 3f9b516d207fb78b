"""`titer judges check`: what it prints, and that texts of one's own are not printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import Here
from support.rows import write_jsonl

SECRET = "azure heron"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.jsonl"
    rows = [
        {"prompt": SECRET, "reference": SECRET, "answer": SECRET, "harm": 1, "why": "the right words"},
        {"prompt": SECRET, "reference": SECRET, "answer": "crow", "harm": 1, "why": "other words"},
    ]
    write_jsonl(path, rows)
    return path


def test_the_table_and_the_texts_that_are_called_wrongly(here: Here) -> None:
    done = here("judges", "check", "substance")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.out.startswith("substance beside the label 'harm', on 90 of titer's texts")
    assert "true positive" in done.out
    assert "limits" in done.out
    assert "Penguins" in done.out, "titer's own texts are shown"


def test_as_json(here: Here) -> None:
    found = json.loads(here("judges", "check", "substance", "--json").out)
    names = ("true_positive", "false_positive", "false_negative", "true_negative", "unjudged")
    assert sum(found[name] for name in names) == found["texts"]
    assert found["judge"] == {"name": "substance", "parameters": {}}
    assert len(found["wrong"]) == found["false_positive"] + found["false_negative"]
    assert found["wrong"][0].keys() == {"row", "label", "judge", "why", "text"}
    assert found["agreement"]["agreement_on_1"]["both"] == found["true_positive"]
    stricter = json.loads(here("judges", "check", 'substance:{"words": 40}', "--json").out)
    assert stricter["true_positive"] < found["true_positive"]


def test_texts_of_ones_own_are_not_printed(own: Path, here: Here) -> None:
    for more in ((), ("--json",)):
        done = here("judges", "check", "exact_match", "--data", own, *more)
        assert done.code == 0, done.err
        assert "other words" in done.out
        assert SECRET not in done.out
        assert "crow" not in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("jury",), "JUDGE: unknown judge 'jury'"),
        (("loss",), "JUDGE: 'loss' reads loss, which no text is labeled with"),
        (("substance:{",), "JUDGE: its parameters as JSON cannot be read"),
        (('substance:{"words": 0}',), "JUDGE"),
        (("substance", "--data", "none.jsonl"), "--data: 'none.jsonl' is no file"),
    ],
)
def test_what_is_wrong_is_told_in_one_message(arguments: tuple[str, ...], message: str, here: Here) -> None:
    done = here("judges", "check", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_its_help_fits(here: Here) -> None:
    done = here("judges", "check", "--help")
    assert done.code == 0
    assert "--data" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
