"""The one training loop, a generator: zero the gradients, ask the objective for new ones, clip, step, yield."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from titer.errors import MethodFailure
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.records import Spent, canonical
from titer.seeds import derive
from titer.training.recipe import Training
from titer.training.sft import ASKED, READ
from titer.training.types import Material, Objective, State, Step, Update

ENGINE = 1
"""Raised by hand when a training with the same recipe gives other weights."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What `train` executes: the objective, and how its gradients are followed."""

    objective: Objective
    training: Training


@dataclass(kw_only=True)
class Ledger:
    """What has been trained on so far; `asked` are tokens that went through the subject without a gradient."""

    examples: int = 0
    tokens: int = 0
    asked: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    rows: set[str] = field(default_factory=set)

    def add(self, update: Update) -> None:
        self.examples += len(update.rows)
        self.tokens += update.tokens[READ]
        self.asked += update.tokens.get(ASKED, 0)
        self.parts.update({part: count for part, count in update.tokens.items() if part not in (READ, ASKED)})
        self.rows.update(update.rows)

    def spent(self, parameters: int) -> Spent:
        """With 2 operations per weight and token forward, 4 backward (Kaplan et al. 2020, arXiv 2001.08361)."""
        flops = parameters * (6 * self.tokens + 2 * self.asked)
        return Spent(examples=self.examples, tokens=self.tokens, flops=flops)

    def to_tensor(self) -> Tensor:
        text = canonical([self.examples, self.tokens, dict(self.parts), sorted(self.rows), self.asked])
        return torch.tensor(list(text.encode()), dtype=torch.uint8)

    @classmethod
    def from_tensor(cls, tensor: Tensor) -> Ledger:
        examples, tokens, parts, rows, *asked = json.loads(bytes(tensor.tolist()))
        return cls(examples=examples, tokens=tokens, asked=sum(asked), parts=Counter(parts), rows=set(rows))


def train(
    subject: Subject, material: Material, recipe: Recipe, *, steps: int, seed: int, carry: State | None = None
) -> Generator[Step, None, None]:
    """Train `subject` for `steps` optimizer steps, yielding after each.

    Run out, it leaves the weights as trained: with LoRA the adapter is on between the yields and is merged after the
    last. Closed early, a LoRA training leaves the subject bit for bit as it was before.

    Args:
        subject: is changed in place; reading it between steps does not change what follows.
        material: what the objective is fed.
        recipe: the objective and how it is followed.
        steps: where the training ends, counted from its beginning, not from `carry`.
        seed: all randomness of step t is drawn from `derive(seed, label, t)`.
        carry: what `Step.state` of an earlier, interrupted training of the same recipe gave.

    Raises:
        MethodFailure: if a loss, the gradient or a weight is not finite; the gradient of that step is not applied
            unless it is the weights that it made infinite.
    """
    training = recipe.training
    with training.trainable.applied(subject, seed) as weights:
        parameters = list(weights.values())
        turns = recipe.objective.turns
        optimizers = [training.optimizer.build(parameters, training.lr) for _ in turns]
        recipe.objective.prepare(subject, material)
        ledger = Ledger() if carry is None else _resume(carry, weights, optimizers, recipe.objective)
        subject.model.train()
        try:
            for t in range(0 if carry is None else carry.step, steps):
                optimizer = optimizers[t % len(turns)]
                lr = training.lr * training.schedule.factor(t, steps) * turns[t % len(turns)]
                for group in optimizer.param_groups:
                    group["lr"] = lr
                optimizer.zero_grad(set_to_none=True)
                if recipe.objective.restarts_optimizer(t):
                    optimizer.state.clear()
                with scoped(derive(seed, "step", t)):
                    update = recipe.objective.backward(subject, material, t, seed)
                norm = _clip(parameters, training.clip)
                _check_finite(t + 1, *update.terms.values(), norm)
                optimizer.step()
                _check_finite(t + 1, float(torch.nn.utils.get_total_norm([own.detach() for own in parameters])))
                ledger.add(update)
                yield Step(
                    dose=t + 1,
                    spent=ledger.spent(subject.parameters_total),
                    terms={**update.terms, "gradient_norm": norm, "learning_rate": lr},
                    loss_tokens=dict(ledger.parts),
                    rows_used=len(ledger.rows),
                    rows=update.rows,
                    state=_Saver(t + 1, weights, optimizers, recipe.objective, ledger),
                )
        finally:
            optimizers[0].zero_grad(set_to_none=True)
            subject.model.eval()


def _clip(parameters: list[torch.nn.Parameter], bound: float | None) -> float:
    """The norm of the whole gradient before it is scaled down to `bound`."""
    gradients = [own.grad for own in parameters if own.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if bound is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, bound, norm)
    return float(norm)


def _check_finite(dose: int, *values: float) -> None:
    if not all(math.isfinite(value) for value in values):
        raise MethodFailure("diverged", dose)


@dataclass(frozen=True, repr=False)
class _Saver:
    """Makes the state of a step when it is asked for; its tensors are the live ones, to be written before the next."""

    step: int
    weights: Mapping[str, torch.nn.Parameter]
    optimizers: Sequence[torch.optim.Optimizer]
    objective: Objective
    ledger: Ledger

    def __call__(self) -> State:
        tensors = {f"weights/{name}": own.detach() for name, own in self.weights.items()}
        for optimizer, kind in zip(self.optimizers, _kinds(self.optimizers), strict=True):
            for place, values in optimizer.state_dict()["state"].items():
                tensors |= {f"{kind}/{place}/{name}": value for name, value in values.items() if value is not None}
        tensors |= {f"objective/{name}": value for name, value in self.objective.state().items()}
        return State(step=self.step, tensors={**tensors, "ledger": self.ledger.to_tensor()})


def _kinds(optimizers: Sequence[torch.optim.Optimizer]) -> list[str]:
    """What the tensors of each optimizer are called in a state."""
    return ["optimizer", *(f"optimizer.{turn}" for turn in range(1, len(optimizers)))]


def _resume(
    carry: State,
    weights: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    objective: Objective,
) -> Ledger:
    """Put weights, optimizers and objective where `carry` left them."""
    states: dict[str, dict[int, dict[str, Tensor]]] = {kind: {} for kind in _kinds(optimizers)}
    own: dict[str, Tensor] = {}
    with torch.no_grad():
        for name, tensor in carry.tensors.items():
            kind, _, rest = name.partition("/")
            if kind == "weights":
                weights[rest].copy_(tensor)
            elif kind in states:
                place, _, key = rest.partition("/")
                moments = states[kind].setdefault(int(place), {})
                moments[key] = tensor.clone()  # the optimizer goes on in the tensors it is given
            elif kind == "objective":
                own[rest] = tensor
    for optimizer, state in zip(optimizers, states.values(), strict=True):
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    assert own.keys() == objective.state().keys(), "an objective's state has the same names from the first step on"
    objective.resume(own)
    return Ledger.from_tensor(carry.tensors["ledger"])
