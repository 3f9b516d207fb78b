"""What a protocol asks of its methods is looked at before any data is read."""

from __future__ import annotations

from typing import Any

import pytest
from support.full_protocol import full, set_at

from titer.errors import InputError
from titer.methods.registry import DEFENSES
from titer.planning.method_checks import check_methods
from titer.protocol.loading import parse
from titer.protocol.schema import Protocol

METHOD = {"study.claim": "this method", "study.seeds.defense": 5}
UNFED = {"harm.domain.0.splits.defend": None, "subject.prepare": None}


TEACHING = {"name": "sft", "train_steps": 4}
SHARING = [name for name, own in DEFENSES.items() if "benign_share" in own.model_fields and name != "sft"]
ALWAYS_BENIGN = {"deep_refusal", "sdd"}
"""They take benign rows for more than the share of a step."""


def step(defense: str, **names: list[str]) -> dict[str, Any]:
    return {"defense": defense, "train_steps": 4, **names}


def edited(edits: dict[str, Any]) -> dict[str, Any]:
    data = full()
    for path, value in edits.items():
        set_at(data, path, value)
    return data


@pytest.mark.parametrize(
    ("edits", "place", "problem"),
    [
        (UNFED, "harm.domain.0.splits", "no split 'defend', but the defense is fed from it"),
        (
            {**METHOD, "defense": [{"name": "checkpoint", "model": "m"}]},
            "defense.0",
            "cannot show what a method does",
        ),
        ({"defense": ["refusal_sft"], "benign.splits.defend": None}, "defense.0.train_steps", "missing"),
        (
            {"defense": [{"name": "refusal_sft", "train_steps": 3}], "benign.splits.defend": None},
            "defense.0",
            "needs benign rows",
        ),
        ({"harm.grading.harm": "refusal"}, "harm.grading.harm", "'refusal' reads refusal, not harm"),
        ({"harm.grading.second": "loss"}, "harm.grading.second", "'loss' reads loss, not harm"),
        (
            {"harm.grading.harm": "substance", "harm.sampling": "sequential"},
            "harm.sampling",
            "substance reads all answers of a dose together",
        ),
        ({"harm.grading.coherence": "refusal"}, "harm.grading.coherence", "reads refusal, not coherence"),
        ({"defense": [TEACHING]}, "defense.0", "which is no defense"),
        ({"subject.prepare": step("sft")}, "subject.prepare.teaches", "is not told what"),
        (
            {"subject.prepare": step("refusal_sft", teaches=["near"])},
            "subject.prepare.teaches",
            "would be fed the rows",
        ),
        ({"subject.prepare": step("refusal_sft")}, "subject.prepare.domains", "needs rows of a domain"),
        (
            {"subject.prepare": [step("sft", teaches=["near"]), step("refusal_sft")]},
            "subject.prepare.1.domains",
            "needs rows of a domain",
        ),
        ({"task.0.judge": "option"}, "task.0.judge", "unknown judge 'option'"),
    ],
)
def test_a_method_that_cannot_take_its_part_is_refused(edits: dict[str, Any], place: str, problem: str) -> None:
    own = {"defense": [{"name": "adversarial_loss", "train_steps": 4}], "subject.prepare": None}
    protocol = parse(edited({**own, **edits}))
    with pytest.raises(InputError) as error:
        check_methods(protocol)
    assert error.value.place == place
    assert problem in error.value.problem


@pytest.mark.parametrize("defense", ["none", "no_op", {"name": "checkpoint", "model": "m"}])
def test_a_defense_that_trains_on_nothing_needs_no_rows(defense: Any) -> None:
    check_methods(parse(edited({**UNFED, "defense": [defense]})))


@pytest.mark.parametrize("name", SHARING)
def test_benign_rows_are_needed_where_a_share_of_a_step_is_benign(name: str) -> None:
    def asked(share: float) -> Protocol:
        defense = {"name": name, **DEFENSES[name].example, "benign_share": share}
        return parse(edited({"subject.prepare": None, "benign.splits.defend": None, "defense": [defense]}))

    with pytest.raises(InputError, match=f"{name} needs benign rows") as error:
        check_methods(asked(0.5))
    assert error.value.place == "defense.0"
    if name not in ALWAYS_BENIGN:
        check_methods(asked(0.0))
