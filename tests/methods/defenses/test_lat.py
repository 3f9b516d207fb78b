"""LAT against a round written out: its shifts, its losses and its gradient; and where its shifts are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from support.float64 import first_update, flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from torch import Tensor, nn

from titer.methods.defenses.perturbation.lat import LAT
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.perturbation.lat import LatentAdversarial, OuterDescent, ShiftAscent
from titer.training.recipe import LoRA
from titer.training.representations import hidden_states
from titer.training.sft import SFT, count_responses, places
from titer.training.unlikelihood import said_or_not, unlikelihood_sum

ROWS = 4
LENGTH = 48
ASCENT = {"steps": 5, "lr": 5e-2, "epsilon": 0.3, "toward": 0.5, "away": 0.5, "responses": False}
DESCENT = {
    "steps": 4,
    "toward": 0.5,
    "away": 0.5,
    "benign": 1.5,
    "last_only": False,
    "fresh_optimizer": True,
}


def latent(batch: int = ROWS, embeddings: bool = True, **changed: Any) -> LatentAdversarial:
    ascent = ShiftAscent(**{name: changed.get(name, value) for name, value in ASCENT.items()})
    descent = OuterDescent(**{name: changed.get(f"outer_{name}", value) for name, value in DESCENT.items()})
    return LatentAdversarial(
        pairs=ROWS, batch=batch, depths=(0.5,), embeddings=embeddings, ascent=ascent, descent=descent
    )


def short(**changed: Any) -> LAT:
    settings = {"train_steps": 3, "lr": 1e-2, "batch": 4, "inner_steps": 2, "outer_steps": 2}
    return LAT.model_validate({**settings, **changed})


def padded(subject: Subject, rows: list[Any], harmful: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(B, LENGTH) ids and labels, -100 where nothing is a target, and which tokens are the prompt's."""
    ids, labels = torch.zeros(len(rows), LENGTH, dtype=torch.int64), torch.full((len(rows), LENGTH), -100)
    prompt = torch.zeros(len(rows), LENGTH, dtype=torch.bool)
    for place, row in enumerate(rows):
        said = row.response if harmful else row.refusal
        example = encode_example(subject.tokenizer, row.prompt, said, tiny_material().frame)
        ids[place, : len(example.ids)] = torch.tensor(example.ids)
        mask = torch.tensor(example.mask)
        labels[place, : len(mask)] = torch.where(mask, torch.tensor(example.ids), -100)
        prompt[place, : len(mask)] = ~mask
    return ids, labels, prompt


def nll(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def away(logits: Tensor, labels: Tensor) -> Tensor:
    """−mean log(1 − p), by probabilities; as in the code targets below exp(−5) count and add nothing."""
    counts = labels[:, 1:] != -100
    chances = logits[:, :-1].softmax(-1).gather(2, labels[:, 1:].clamp_min(0)[..., None])[..., 0][counts]
    return -(torch.log1p(-chances) * (chances.log() >= -5.0)).sum() / len(chances)


def written_out() -> tuple[list[Tensor], dict[str, float], Tensor]:
    """The shifts at the embeddings and after block 1, the terms and the gradient of the first step of a round."""
    subject, material = float64_subject(), uneven_material()
    rows = [material.harmful[place] for place in places(12, ROWS, 0, 1, "harmful")]
    kept = [material.benign[place] for place in places(12, ROWS, 0, 1, "benign")]
    ids, labels, prompt = padded(subject, rows, True)
    refused, refused_labels, _ = padded(subject, rows, False)
    model = subject.model
    delta = [torch.zeros(ROWS, LENGTH, 16, dtype=torch.float64, requires_grad=True) for _ in range(2)]

    def forward(tokens: Tensor, shifts: list[Tensor]) -> Tensor:
        embedded = model.get_input_embeddings()(tokens) + shifts[0]
        handle = model.model.layers[1].register_forward_hook(lambda module, args, output: output + shifts[1])
        logits: Tensor = model(inputs_embeds=embedded).logits
        handle.remove()
        return logits

    optimizer = torch.optim.AdamW(delta, lr=5e-2)
    for _ in range(5):
        optimizer.zero_grad()
        on = [own * prompt[..., None] for own in delta]
        loss = 0.5 * nll(forward(ids, on), labels) + 0.5 * away(forward(refused, on), refused_labels)
        torch.autograd.backward(loss, inputs=delta)
        optimizer.step()
        for own in delta:
            own.data /= (own.data.norm(dim=-1, keepdim=True) / 0.3).clamp_min(1.0)
    fixed = [own.detach() * prompt[..., None] for own in delta]
    benign_ids, benign_labels, _ = padded(subject, kept, True)
    harmful_logits = forward(ids, fixed)
    terms = {
        "refusal_loss": nll(forward(refused, fixed), refused_labels),
        "harmful_unlikelihood": away(harmful_logits, labels),
        "harmful_loss": nll(harmful_logits, labels),
        "benign_loss": nll(model(input_ids=benign_ids).logits, benign_labels),
    }
    loss = 0.2 * terms["refusal_loss"] + 0.2 * terms["harmful_unlikelihood"] + 0.6 * terms["benign_loss"]
    torch.autograd.backward(loss)
    return fixed, {name: float(own.detach()) for name, own in {**terms, "loss": loss}.items()}, flat_gradient(subject)


@pytest.mark.parametrize(
    "defense",
    [
        short(batch=2, accumulation=2, accumulation_drops_shifts=True),
        short(perturb_responses=True, fresh_optimizer=False),
        short(sft=0.0, trainable=LoRA(rank=2, dropout=0.1)),
    ],
)
def test_conformance(defense: LAT) -> None:
    check_defense(defense)


def test_shifts_losses_and_gradient_are_those_written_out() -> None:
    shifts, expected, wanted = written_out()
    objective = latent()
    terms, gradient = first_update(objective)
    for own, other in zip(objective.state().values(), shifts, strict=True):
        assert relative(own, other[:, : own.shape[1]]) < 1e-6
    for name, value in expected.items():
        assert terms[name] == pytest.approx(value, rel=1e-8)
    assert relative(gradient, wanted) < 1e-6


def test_in_a_ball_of_no_size_the_loss_is_that_without_shifts() -> None:
    terms, gradient = first_update(latent(epsilon=0.0))
    parts = ("refusal_loss", "harmful_unlikelihood", "benign_loss")
    weighted = zip((0.2, 0.2, 0.6), parts, strict=True)
    assert terms["loss"] == pytest.approx(sum(weight * terms[name] for weight, name in weighted), rel=1e-12)
    assert terms["shift_norm"] == 0.0
    still, same_gradient = first_update(latent(steps=0))
    assert (still, True) == (terms, torch.equal(gradient, same_gradient))
    only, refusing = first_update(latent(steps=0, outer_away=0.0, outer_benign=0.0))
    subject = float64_subject()
    plain = SFT(rows={"refusal": ROWS}, batch=ROWS).backward(subject, uneven_material(), 0, 1)
    assert only["refusal_loss"] == pytest.approx(plain.terms["loss"], rel=1e-12)
    assert relative(refusing, flat_gradient(subject)) < 1e-12


def test_the_first_inner_step_moves_every_coordinate_by_its_rate() -> None:
    objective = latent(steps=1, epsilon=1e9, lr=1e-2)
    first_update(objective)
    for own in objective.state().values():
        moved = own[own != 0].abs()
        assert len(moved) >= 4 * 16, "after the last block only the last token of a prompt has a say"
        torch.testing.assert_close(moved, torch.full_like(moved, 1e-2), rtol=1e-2, atol=0)


@pytest.mark.parametrize("responses", [False, True])
def test_shifts_stay_in_the_ball_and_off_what_is_not_attacked(responses: bool) -> None:
    objective = latent(steps=30, responses=responses)
    terms, _ = first_update(objective)
    subject, material = float64_subject(), uneven_material()
    rows = [material.harmful[place] for place in places(12, ROWS, 0, 1, "harmful")]
    prompts, ends = [], []
    for row in rows:
        pair = [
            encode_example(subject.tokenizer, row.prompt, str(own), material.frame)
            for own in (row.response, row.refusal)
        ]
        prompts.append(len(pair[0].prompt))
        ends.append(max(len(example.ids) for example in pair))
    for own in objective.state().values():
        lengths = own.norm(dim=-1)
        assert float(lengths.max()) <= 0.3 * (1 + 1e-9)
        for place, last in enumerate(ends if responses else prompts):
            assert float(lengths[place, last:].sum()) == 0.0
    assert 0.1 < terms["shift_norm"] <= 0.3


def test_the_ball_binds_only_where_the_rate_reaches_it() -> None:
    short, long = latent(lr=1e-3, epsilon=6.0), latent(lr=1.0, epsilon=6.0)
    assert first_update(short)[0]["shift_norm"] < 5 * 1e-3 * 4 * 1.01
    assert first_update(long)[0]["shift_norm"] > 3.0


def test_shifts_make_harm_likelier_and_refusals_less() -> None:
    plain, _ = first_update(latent(steps=0))
    toward, _ = first_update(latent(steps=16, epsilon=2.0, away=0.0))
    away_from, _ = first_update(latent(steps=16, epsilon=2.0, toward=0.0))
    assert toward["harmful_loss"] < plain["harmful_loss"] - 0.5
    assert away_from["refusal_loss"] > plain["refusal_loss"]
    assert min(*toward.values(), *away_from.values()) >= 0.0


def test_a_shift_of_the_feed_forward_output_is_one_of_the_block_s() -> None:
    subject = float64_subject()
    ids = torch.tensor([[5, 9, 11, 7]])
    shift = torch.randn(1, 4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = []
    for place in (hidden_states.mlps(subject)[0], subject.model.model.layers[0]):
        with hidden_states.shifted([place], [shift]):
            found.append(subject.model(input_ids=ids).logits)
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


def test_accumulated_equals_at_once_unless_all_but_the_last_lose_their_shifts() -> None:
    (terms, gradient), (others, other) = first_update(latent()), first_update(latent(batch=1))
    assert others == pytest.approx(terms, rel=1e-6)
    assert relative(other, gradient) < 1e-5
    dropped, _ = first_update(latent(batch=1, outer_last_only=True))
    whole, _ = first_update(latent(outer_last_only=True))
    assert whole == terms, "one batch is the last"
    plain, _ = first_update(latent(steps=0))
    low, between, high = sorted((terms["refusal_loss"], dropped["refusal_loss"], plain["refusal_loss"]))
    assert between == dropped["refusal_loss"], "three of four rows are as without shifts"
    assert low < between < high


def test_the_rows_and_shifts_of_a_round_stay_and_its_optimizer_begins_anew() -> None:
    objective, subject = latent(), tiny_subject()
    objective.prepare(subject, tiny_material())
    seen = []
    for t in range(5):
        update = objective.backward(subject, tiny_material(), t, 1)
        seen.append((update.rows, [own.clone() for own in objective.state().values()]))
    assert [objective.restarts_optimizer(t) for t in range(5)] == [True, False, False, False, True]
    assert all(rows == seen[0][0] for rows, _ in seen[:4])
    assert seen[4][0] != seen[0][0]
    assert all(torch.equal(one, other) for one, other in zip(seen[0][1], seen[3][1], strict=True))
    assert not torch.equal(seen[0][1][0], seen[4][1][0])


def test_an_optimizer_that_begins_anew_moves_by_its_rate_again() -> None:
    made = []
    for fresh in (True, False):
        defense = LAT(train_steps=3, lr=1e-3, batch=4, inner_steps=1, outer_steps=1, fresh_optimizer=fresh, clip=None)
        subject = tiny_subject()
        running = defense.steps(subject, tiny_material(), 0, None)
        next(running), next(running)
        before = weights(subject)
        next(running)
        moved = torch.cat([(own - before[name]).abs().flatten() for name, own in weights(subject).items()])
        made.append(float(moved[moved > 0].median()))
    assert made[0] == pytest.approx(1e-3, rel=1e-2), "the first step of Adam has the length of its rate"
    assert made[1] < 0.9e-3


def test_hooks_go_and_nothing_but_the_gradient_is_left() -> None:
    subject = tiny_subject()
    before, objective = weights(subject), latent()
    objective.prepare(subject, tiny_material())
    objective.backward(subject, tiny_material(), 0, 1)
    assert same(weights(subject), before)
    touched = (subject.model.get_input_embeddings(), *hidden_states.mlps(subject))
    assert sum(len(own._forward_hooks) for own in touched) == 0


def test_unlikelihood_is_that_of_the_probability_and_fades() -> None:
    subject, material = float64_subject(), tiny_material(3)
    examples = [encode_example(subject.tokenizer, row.prompt, row.response, material.frame) for row in material.harmful]
    said, not_said = said_or_not(subject, count_responses(subject, examples, 3)[0])
    torch.testing.assert_close(said.exp() + not_said.exp(), torch.ones_like(said), rtol=1e-12, atol=0)
    edge = float(said.detach().median())
    kept = not_said[said >= edge]
    assert float(unlikelihood_sum(said, not_said, edge).detach()) == pytest.approx(
        -float(kept.detach().sum()), rel=1e-12
    )


def test_what_would_do_nothing_is_told() -> None:
    with pytest.raises(ValidationError, match="all 0"):
        LAT(train_steps=1, toward=0.0, away=0.0, sft=0.0)
    with pytest.raises(ValidationError, match="nothing is shifted"):
        LAT(train_steps=1, depths=(), embeddings=False)
