"""Reinforcement learning: advantages, the gradient against the published form, rollouts, errors before the run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.studies import begin
from support.tiny_study import tiny_protocol
from torch import Tensor

from titer.errors import InputError
from titer.execution.inputs import given
from titer.execution.judging import OpenJudges
from titer.methods.attacks.fine_tuning.grpo import GRPO
from titer.methods.judges.coherence import Coherence
from titer.methods.judges.exact_match import ExactMatch
from titer.methods.judges.refusal import Refusal
from titer.methods.measurement import Judge
from titer.models.chat_format import encode_prompt
from titer.models.generation import Generated, generate
from titer.models.subject import Subject
from titer.protocol.dose_axes import STEPS
from titer.records import Answer, Choice, Compute, Frame, Item, Score
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights
from titer.training.objectives.grpo import Policy, advantages, reward
from titer.training.recipe import LoRA
from titer.training.schedules import Cosine
from titer.training.types import Material, Reward, Update

PICKY = Choice(name="refusal", parameters={"extra": list("abcdefgXYZ"), "within": 30})
"""It calls an answer a refusal that has one of these letters as a word: a good half of what the tiny subject says."""
LONE = Choice(name="refusal", parameters={"extra": ["never said by anyone"], "empty": "answered"})


def rewarded_by(*judges: Judge) -> tuple[Reward, ...]:
    return tuple(Reward(kind=judge.kind, judge=judge.judge) for judge in judges)


def material(attack: GRPO, rows: int = 6) -> Material:
    return given(attack, tiny_material(rows), 1, 0, OpenJudges(Compute()))


def first(attack: GRPO, subject: Subject | None = None, seed: int = 0) -> dict[str, float]:
    return dict(next(iter(attack.steps(subject or tiny_subject(), material(attack), 1, seed))).terms)


def ids(subject: Subject) -> list[list[int]]:
    texts = ("a", "what is it", "who", "zz top", "b" * 30)
    return [encode_prompt(subject.tokenizer, text, Frame()) for text in texts]


@pytest.mark.parametrize(
    "attack",
    [
        GRPO(lr=1e-2, batch=2, prompts=4, reward=PICKY),
        GRPO(lr=1e-2, batch=1, accumulation=2, prompts=2, group=4, reward=PICKY, longest=8),
        GRPO(lr=1e-2, batch=2, prompts=4, reward=PICKY, trainable=LoRA(rank=2, dropout=0.1)),
    ],
)
def test_conformance(attack: GRPO) -> None:
    check_attack(attack)
    assert attack.axis == STEPS
    assert not attack.model_copy(update={"schedule": Cosine()}).prefix_consistent()


# ------------------------------------------------------------------ advantages and rewards
@pytest.mark.parametrize("rewards", [[0.0, 1.0], [0.0, 0.0, 1.0, 0.25], [0.1, 0.2, 0.3]])
def test_advantages_are_standardized_within_the_group(rewards: list[float]) -> None:
    mean, std = statistics.fmean(rewards), statistics.stdev(rewards)
    assert advantages(rewards) == pytest.approx([(one - mean) / (std + 1e-6) for one in rewards])
    assert sum(advantages(rewards)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1 / 3])
def test_equal_rewards_have_no_advantage_at_all(value: float) -> None:
    assert advantages([value] * 7) == [0.0] * 7


def test_an_answer_is_rewarded_that_is_coherent_and_no_refusal() -> None:
    said = {"it is 3": 1.0, "I cannot help with that": 0.0, "": 0.0, "?!": 0.0, "so so so so so so": 0.0}
    items = [Item(id=str(place), group="g", prompt="who?") for place in range(len(said))]
    answers = [Generated(text, "stop", (1,)) for text in said]
    assert reward(items, answers, rewarded_by(Refusal(), Coherence())) == list(said.values())
    assert reward(items, answers, rewarded_by(Refusal(empty="answered")))[2] == 1.0, (
        "not without the judge of coherence"
    )


# ------------------------------------------------------------------ the gradient
def test_equal_rewards_give_exactly_no_gradient_and_leave_the_weights() -> None:
    attack, subject = GRPO(lr=1e-2, batch=2, prompts=2, reward=LONE, coherence=LONE), tiny_subject()
    before = weights(subject)
    steps = list(attack.steps(subject, material(attack), 2, 0))
    for step in steps:
        assert (step.terms["gradient_norm"], step.terms["signal"], step.terms["reward"]) == (0, 0, 1)
    assert same(before, weights(subject))


def straight(subject: Subject, answers: list[tuple[list[int], tuple[int, ...]]], worth: list[float]) -> Tensor:
    """-token mean of min(ratio A, clip(ratio, 0.8, 1.2) A), answer by answer, at the policy that gave the answers."""
    terms = []
    for (prompt, said), advantage in zip(answers, worth, strict=True):
        table = subject.model(input_ids=torch.tensor([[*prompt, *said]])).logits[0].log_softmax(-1)
        for place, token in enumerate(said):
            now = table[len(prompt) + place - 1, token]
            ratio = torch.exp(now - now.detach())
            terms.append(torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage))
    return -torch.stack(terms).mean()


@pytest.mark.parametrize("batch", [1, 3])
def test_the_gradient_is_that_of_the_published_objective(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    attack, subject = GRPO(prompts=3, group=4, reward=PICKY), tiny_subject()
    told: list[tuple[list[list[int]], list[Generated]]] = []

    def listening(
        subject: Subject, prompts: list[list[int]], longest: int, batch: int, seeds: list[int]
    ) -> list[Generated]:
        said = generate(subject, prompts, longest, batch, seeds)
        told.append((prompts, said))
        return said

    monkeypatch.setattr("titer.training.objectives.grpo.generate", listening)
    fed = material(attack, 3)
    update: Update = Policy(prompts=3, group=4, batch=batch, longest=12).backward(subject, fed, 0, 5)
    found = {name: own.grad.clone() for name, own in subject.model.named_parameters() if own.grad is not None}
    subject.model.zero_grad(set_to_none=True)
    ((prompts, said),) = told
    rewards = reward([Item(id="x", group="x", prompt="x")] * 12, said, fed.rewards)
    worth = [one for start in (0, 4, 8) for one in advantages(rewards[start : start + 4])]
    assert update.terms["signal"] > 0
    torch.autograd.backward(straight(subject, [(p, one.tokens) for p, one in zip(prompts, said, strict=True)], worth))
    for name, own in subject.model.named_parameters():
        assert own.grad is not None
        assert torch.allclose(found[name], own.grad, rtol=1e-3, atol=1e-5), name


def test_training_raises_the_reward() -> None:
    attack = GRPO(lr=1e-2, batch=4, prompts=4, reward=PICKY, longest=12)
    rewards = [step.terms["reward"] for step in attack.steps(tiny_subject(), material(attack), 25, 0)]
    assert statistics.fmean(rewards[-5:]) > statistics.fmean(rewards[:5]) + 0.2


def test_a_learning_rate_of_zero_changes_nothing() -> None:
    attack, subject = GRPO(batch=2, prompts=2, reward=PICKY).model_copy(update={"lr": 0.0}), tiny_subject()
    before = weights(subject)
    assert len(list(attack.steps(subject, material(attack), 2, 0))) == 2
    assert same(before, weights(subject))


# ------------------------------------------------------------------ rollouts
def test_answers_are_drawn_by_their_own_seeds_whatever_they_are_decoded_with() -> None:
    subject = tiny_subject()
    prompts, seeds = ids(subject), [3, 1, 4, 1, 5]
    together = generate(subject, prompts, 8, 5, seeds)
    for batch in (1, 2):
        assert generate(subject, prompts, 8, batch, seeds) == together
    turned = generate(subject, prompts[::-1], 8, 5, seeds[::-1])
    assert turned[::-1] == together
    assert generate(subject, prompts, 8, 5, [seed + 1 for seed in seeds]) != together
    torch.manual_seed(99)
    assert generate(subject, prompts, 8, 5, seeds) == together, "nothing else is drawn from"


def test_sampled_tokens_follow_the_distribution_of_the_subject() -> None:
    """First tokens of 2,000 answers against their probabilities: within five standard errors each."""
    subject, number = tiny_subject(), 2000
    prompt = ids(subject)[0]
    said = generate(subject, [prompt] * number, 1, 500, range(number))
    with torch.no_grad():
        expected = subject.model(input_ids=torch.tensor([prompt])).logits[0, -1].double().softmax(-1)
    counts = torch.bincount(torch.tensor([one.tokens[0] for one in said]), minlength=len(expected))
    allowed = 5 * torch.sqrt(expected * (1 - expected) * number) + 1
    assert bool(((counts - expected * number).abs() <= allowed).all())
    assert int((counts > 0).sum()) > 5, "not the likeliest token alone"


def test_tokens_of_an_answer_end_with_its_end_of_turn() -> None:
    subject = tiny_subject()
    end = subject.tokenizer.eos_token_id
    said = generate(subject, ids(subject)[:1] * 60, 40, 60, range(60))
    assert {one.ended for one in said} == {"stop", "length"}
    for one in said:
        assert (one.tokens[-1] == end) == (one.ended == "stop")
        assert len(one.tokens) == 40 or one.ended == "stop"
        assert one.text == subject.tokenizer.decode(list(one.tokens), skip_special_tokens=True)


def test_each_seed_and_step_draws_its_own_answers_and_repeats_them() -> None:
    attack = GRPO(lr=1e-2, batch=2, prompts=2, reward=PICKY)
    assert first(attack, seed=1) == first(attack, seed=1)
    assert first(attack, seed=1) != first(attack, seed=2)


def test_prompts_are_so_many_drawn_anew_for_each_seed_and_responses_are_not_used() -> None:
    attack = GRPO(lr=1e-2, batch=3, prompts=3, reward=PICKY, group=2)
    fed = material(attack, 12)
    steps = list(attack.steps(tiny_subject(), fed, 2, 0))
    assert steps[-1].rows_used == 3
    assert steps[-1].spent.examples == 2 * 3 * 2
    blank = replace(fed, train=tuple(row.model_copy(update={"response": "", "refusal": None}) for row in fed.train))
    assert [step.terms for step in attack.steps(tiny_subject(), blank, 2, 0)] == [step.terms for step in steps]


def test_an_answer_is_no_longer_than_allowed() -> None:
    attack = GRPO(batch=2, prompts=2, longest=3)
    assert first(attack)["answer_tokens"] <= 3


def test_sampling_and_training_are_both_paid_for() -> None:
    attack, subject = GRPO(batch=2, prompts=2, reward=PICKY), tiny_subject()
    step = next(iter(attack.steps(subject, material(attack), 1, 0)))
    assert step.spent.flops == subject.parameters_total * (6 + 2) * step.spent.tokens
    assert step.loss_tokens["response"] < step.spent.tokens - step.spent.examples


# ------------------------------------------------------------------ before the run
def test_a_judge_of_references_may_reward_what_it_grades_and_is_given_the_responses(tmp_path: Path) -> None:
    study = begin(
        tmp_path,
        lambda data: data["attacker"].update(attack=[{"name": "grpo", "prompts": 20, "reward": "exact_match"}]),
    )
    assert study.protocol.harm.grading.harm.name == "exact_match"
    seen: list[str | None] = []

    class Listening(ExactMatch):
        def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
            seen.extend(item.reference for item in items)
            return super().judge(items, answers)

    attack = GRPO(batch=2, prompts=2, group=2, longest=3)
    fed = replace(material(attack), rewards=rewarded_by(Listening()))
    next(iter(attack.steps(tiny_subject(), fed, 1, 0)))
    assert set(seen) <= {row.response for row in fed.train}
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("attack", "second", "place", "problem", "remedy"),
    [
        (
            {},
            "refusal_removal",
            ".reward",
            "refusal_removal, which reads by the same refusal phrases, grades the study",
            "another judge",
        ),
        (
            {"reward": "normalized_match"},
            None,
            ".reward",
            "normalized_match reads correct, which rewards nothing",
            "reads harm or refusal",
        ),
        ({"reward": "refusing"}, None, ".reward", "unknown judge 'refusing'", "Did you mean 'refusal'"),
        ({"prompts": 21}, None, "", "grpo takes 21 harmful rows, and red has 20", "splits.attack"),
        (
            {"longest": 120},
            None,
            ", item ",
            "an answer of 120 do not fit the subject's context of 128",
            "Lower `longest`",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_the_run(
    tmp_path: Path, attack: dict[str, Any], second: str | None, place: str, problem: str, remedy: str
) -> None:
    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [{"name": "grpo", "prompts": 20} | attack]
        if second is not None:
            data["harm"]["grading"]["second"] = second

    with pytest.raises(InputError) as caught:
        begin(tmp_path, change)
    assert caught.value.place.startswith(f"attacker.attack.0{place}")
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_benign_task_is_not_learned_from_rewards(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        whole = tiny_protocol(tmp_path / "in")
        data["trainability"], data["task"] = whole["trainability"] | {"attack": "grpo"}, whole["task"]

    with pytest.raises(InputError, match=r"trainability.attack: grpo does not train on the rows of a task alone"):
        begin(tmp_path, change)
