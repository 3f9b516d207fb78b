"""The reference of methods: every method, parameter and default; and the parts of a training."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from docs.generate import method_reference, training_reference
from titer.cli.methods.described import NOT_SAID, parameters
from titer.methods.fine_tuning import FineTuning
from titer.methods.registry import CATALOGS
from titer.training.recipe import Training


@pytest.mark.parametrize("kind", CATALOGS)
def test_every_method_has_its_section_with_every_parameter(kind: str) -> None:
    text = method_reference.page(kind)
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    assert list(sections) == list(CATALOGS[kind].own)
    for name, method in CATALOGS[kind].own.items():
        told = "training.md)" in sections[name]
        assert told == issubclass(method, Training)
        for parameter in method.model_fields:
            shared = told and f"| `{parameter}` |" in training_reference.page()
            assert f"| `{parameter}` |" in sections[name] or shared, f"{name}.{parameter}"


def test_a_default_that_differs_from_that_of_every_training_is_told() -> None:
    text = method_reference.page("attacks")
    for name, attack in CATALOGS["attacks"].own.items():
        if issubclass(attack, Training) and attack.model_fields["lr"].default != Training.model_fields["lr"].default:
            (section,) = re.findall(rf"^## `{name}`\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
            assert "| `lr` |" in section


def test_the_page_of_trainings_has_every_part_and_every_choice_of_it() -> None:
    text = training_reference.page()
    told = re.findall(r"^\| `(\w+)` \|", text.partition("## ")[0], flags=re.MULTILINE)
    assert {*told} == {*FineTuning.model_fields}
    assert NOT_SAID not in text
    for part, union in training_reference.PARTS.items():
        kinds = [choice.model_fields["kind"].default for choice in get_args(get_args(union)[0])]
        assert kinds == [choice.model_fields["kind"].default for choice in training_reference.choices(part)]
        assert all(f"### `{kind}`" in text for kind in kinds)
    assert "| `rank` | whole number from 1 | `8` | of the adapter's matrices |" in text


def test_a_meaning_is_said_once_in_the_text_or_in_the_table() -> None:
    text = method_reference.page("judges")
    assert text.count("the fewest content words of a harmful answer") == 1
    assert "| `words` | whole number from 1 | `12` | the fewest content words of a harmful answer |" in text
    attacks = method_reference.page("attacks")
    assert "| `stealth` | true or false | `false` | in the text above |" in attacks
    assert NOT_SAID not in attacks + method_reference.page("defenses")


def test_a_parameter_of_a_formula_means_what_the_formula_says() -> None:
    (beta,) = (one for one in parameters(CATALOGS["defenses"].own["seam"]) if one.name == "beta")
    assert "beta · cos" in beta.meaning
