"""The model card says what was done and promises nothing."""

from __future__ import annotations

import json
from typing import Any

from titer.analysis.made_model import MadeModel, ModelReading
from titer.methods import registry
from titer.records import Choice, Compute, Seed, SubjectRef
from titer.report.model_card import MakeCost, model_card
from titer.study.tasks import MakeTask, MaterialRef, RowsRef


def makes(**base: Any) -> tuple[MakeTask, MakeTask]:
    """A preparation step and a defense after it."""
    first = MakeTask(
        key="1" * 32,
        role="M, prepared",
        parent=SubjectRef(
            key="0" * 32, source={"model": "organization/model", "revision": "0123abcd", "base": None} | base
        ),
        defense=Choice(name="refusal_sft", parameters={"train_steps": 50}),
        material=MaterialRef(harmful=(RowsRef(digest="a" * 32),), benign=(RowsRef(digest="b" * 32, draw=40),)),
        seed=Seed(purpose="prepare", index=0),
        compute=Compute(dtype="float32", device="cpu", threads=1, batch=64),
    )
    second = first.model_copy(
        update={
            "key": "2" * 32,
            "role": "M*, adversarial_loss",
            "parent": SubjectRef(key=first.key),
            "defense": Choice(name="adversarial_loss", parameters={"train_steps": 800, "weight": 1.5}),
            "seed": Seed(purpose="verdict", index=0),
        }
    )
    return first, second


METHODS = [registry.defense(make.defense).configuration() for make in makes() if make.defense]
COSTS = (
    MakeCost(method=METHODS[0], tokens=12_000, operations=3.4e12, seconds=7.6, peak_bytes=1_600 * 2**20),
    MakeCost(method=METHODS[1], tokens=98_765, operations=5.6e13),
)


MADE = MadeModel(
    outcome="costs",
    readings=(
        ModelReading(
            what="facts", unit="rate", items=60, undefended=1.0, made=0.75, kept=45, of=60, unjudged=3, word="costs"
        ),
        ModelReading(
            what="harmful loss of a_b", unit="nats per token", items=60, undefended=0.958, made=9.64, word="shown only"
        ),
    ),
    missing=("task lists: add `select` to task.1.splits",),
    displacement=0.066,
    margin=0.05,
    level=0.01,
)


def card_of(name: str = "made", measured: str | None = None, **base: Any) -> str:
    return model_card(name, makes(**base), COSTS, MADE, measured)


def test_the_front_matter_names_base_model_library_and_tags() -> None:
    _, front, body = card_of("model, immunized").split("---\n", 2)
    assert front.splitlines()[:4] == [
        "base_model:",
        '- "organization/model"',
        "library_name: transformers",
        "pipeline_tag: text-generation",
    ]
    assert "- titer" in front
    assert body.startswith("\n# model, immunized")


def test_what_is_not_a_hub_id_is_no_base_model_in_the_front_matter() -> None:
    for model in ("organism", "../model", "/models/mine", "weights.gguf"):
        assert "base_model:" not in card_of(model=model)


def test_every_step_has_its_method_parameters_seed_data_and_key() -> None:
    card = card_of()
    blocks = [part[: part.index("```")] for part in card.split("```json")[1:]]
    first, second = map(json.loads, blocks)
    assert (first["name"], first["version"], first["parameters"]["train_steps"]) == ("refusal_sft", 1, 50)
    assert (second["parameters"]["train_steps"], second["parameters"]["weight"]) == (800, 1.5)
    assert {"lr", "batch", "clip", "optimizer", "trainable", "mask"} <= second["parameters"].keys(), "defaults, too"
    assert "### Step 1: refusal\\_sft (M, prepared)" in card
    assert "### Step 2: adversarial\\_loss (M\\*, adversarial\\_loss)" in card
    for shown in ("0" * 32, "1" * 32, "2" * 32, "a" * 32, "40 drawn from " + "b" * 32, "verdict, index 0"):
        assert shown in card


def test_it_says_its_limits_and_how_to_measure() -> None:
    card = card_of()
    assert "no attack is" in card
    assert "titer run protocol.toml" in card


def test_each_step_says_what_it_took_and_what_is_not_known_is_left_out() -> None:
    _, first, second = card_of().split("### Step ")
    for row in ("| tokens through the model | 12,000 |", "| operations | 3.4e+12 |", "| time | 8 s of one worker |"):
        assert row in first
    assert "| memory at most | 1,600 MiB |" in first
    assert "| operations | 5.6e+13 |" in second
    assert "| time |" not in second
    assert "memory" not in second
    interrupted = MakeCost(method=None, tokens=1, operations=1, seconds=4, since=30)
    assert "| 4 s of one worker, from step 30 on |" in model_card("it", makes()[:1], (interrupted,), MADE, None)


def test_it_says_what_making_cost_and_what_was_not_looked_at() -> None:
    _, costs = card_of().split("## What it costs\n")
    assert "| facts | 100.0% | 75.0% | 45 of 60, 3 not judged | costs |" in costs
    assert "| harmful loss of a\\_b | 0.958 nats | 9.64 nats |  | shown only |" in costs
    assert "**The made model costs more than the margin of stability (0.05): facts from 100.0% to 75.0%.**" in costs
    assert "- Weights moved by 0.066 of their norm." in costs
    assert "- Not looked at: task lists: add \\`select\\` to task.1.splits." in costs


def test_what_was_measured_takes_the_place_of_the_warning_that_nothing_was() -> None:
    card = card_of(measured="## Report\n\nNo.")
    assert "no attack is" not in card
    assert card.index("### Step 2") < card.index("## Report\n\nNo.") < card.index("## Limits")


def test_a_name_cannot_leave_its_line() -> None:
    evil = 'x"\ntags: [evil]\n<script>'
    card = card_of(evil, model=evil)
    assert "\ntags: [evil]" not in card
    assert "<script" not in card


def test_a_file_is_no_model_of_the_hub_on_a_machine_that_has_it_not() -> None:
    assert "base_model" not in card_of(model="models/small.Q4_1.gguf").split("---\n")[1]
