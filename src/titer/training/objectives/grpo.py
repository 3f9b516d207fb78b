"""Group-relative policy optimization: answers of the subject's own become likelier the better they were rewarded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from titer.models.chat_format import Example, encode_items
from titer.models.generation import Generated, generate
from titer.models.subject import Subject
from titer.records import REWARDING, Answer, Item, Kind
from titer.seeds import derive
from titer.training.sft import ASKED, READ, count_responses, log_probs, places
from titer.training.types import Material, Objective, Reward, Update


class Policy(Objective):
    """-mean over tokens of A · ratio, one update for each set of answers, so that the ratio is 1.

    A step draws prompts, samples `group` answers to each at temperature 1, and rewards each answer; A is the reward
    held against the others of its group, the same for all its tokens, which all groups of a step share one mean over.
    The gradient is that of -A · log p. Source: Shao et al. 2024, arXiv 2402.03300; no KL term. Bounds on the ratio have
    nothing to bound, since it is 1.

    Args:
        prompts: how many prompts make a step.
        group: how many answers to each.
        batch: how many prompts go through the subject at once, with all their answers.
        longest: the most tokens of an answer; None for those of the material's frame.

    One objective serves one training: prompts are encoded at its first step. The answers of step t depend on the seed,
    t and the weights; in one environment they are the same ones again.
    """

    def __init__(self, *, prompts: int, group: int, batch: int, longest: int | None) -> None:
        self.prompts = prompts
        self.group = group
        self.batch = batch
        self.longest = longest
        self._encoded: list[list[int]] | None = None

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the mean."""
        longest = self.longest or material.frame.max_new_tokens
        items = [Item(id=row.id, group=row.group, prompt=row.prompt, reference=row.expected) for row in material.train]
        if self._encoded is None:
            self._encoded = encode_items(subject, items, material.frame.model_copy(update={"max_new_tokens": longest}))
        drawn = [place for place in places(len(items), self.prompts, t, seed, "prompts") for _ in range(self.group)]
        prompts = [self._encoded[place] for place in drawn]
        seeds = [derive(seed, "answer", t, number) for number in range(len(drawn))]
        said = generate(subject, prompts, longest, self.batch * self.group, seeds)
        rewards = reward([items[place] for place in drawn], said, material.rewards)
        groups = [rewards[start : start + self.group] for start in range(0, len(rewards), self.group)]
        examples = [_example(prompt, answer) for prompt, answer in zip(prompts, said, strict=True)]
        likelihood = self._descend(subject, examples, [value for group in groups for value in advantages(group)])
        responses = sum(len(answer.tokens) for answer in said)
        through = sum(len(example.ids) for example in examples)
        return Update(
            terms={
                "reward": sum(rewards) / len(rewards),
                "signal": sum(min(group) < max(group) for group in groups) / len(groups),
                "answer_tokens": responses / len(said),
                "entropy": -likelihood / responses,
            },
            rows=tuple(items[place].id for place in drawn),
            tokens={"prompt": 0, "response": responses, "padding": 0, READ: through, ASKED: through},
        )

    def _descend(self, subject: Subject, examples: Sequence[Example], advantage: Sequence[float]) -> float:
        """Add the gradient, a batch at a time; the summed log-probability of all answers."""
        at_once = self.batch * self.group
        counted = count_responses(subject, examples, at_once)
        total = sum(batch.targets for batch in counted)
        summed = 0.0
        for number, batch in enumerate(counted):
            found: Tensor = log_probs(subject, batch)
            weight = torch.tensor(advantage[number * at_once : (number + 1) * at_once], device=found.device)
            torch.autograd.backward(-(weight.to(found.dtype) * found).sum() / total)
            summed += float(found.detach().sum())
        return summed


def reward(items: Sequence[Item], said: Sequence[Generated], judges: Sequence[Reward]) -> list[float]:
    """How near each answer is to what is wanted, from 0 to 1: the product over the judges, 0 where one is mute."""
    answers = [
        Answer(probe="reward", item=item.id, text=one.text, ended=one.ended)
        for item, one in zip(items, said, strict=True)
    ]
    by_judge = [[_liked(judge.kind, one.value) for one in judge.judge(items, answers)] for judge in judges]
    return [math.prod(each) for each in zip(*by_judge, strict=True)]


def advantages(rewards: Sequence[float]) -> list[float]:
    """(r - mean) / (std + 1e-6) within a group, with the unbiased standard deviation; exactly 0 where all are equal."""
    if min(rewards) == max(rewards):
        return [0.0] * len(rewards)
    mean = sum(rewards) / len(rewards)
    std = math.sqrt(sum((one - mean) ** 2 for one in rewards) / (len(rewards) - 1))
    return [(one - mean) / (std + 1e-6) for one in rewards]


def _liked(kind: Kind, value: float | None) -> float:
    return 0.0 if value is None else 1 - abs(REWARDING[kind] - value)


def _example(prompt: Sequence[int], answer: Generated) -> Example:
    """The prompt with what was said, which alone is trained on."""
    return Example((*prompt, *answer.tokens), (*[False] * len(prompt), *[True] * len(answer.tokens)))
