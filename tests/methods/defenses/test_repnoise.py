"""Representation noising against a transcription of the published code, term by term and as a whole."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, padded_by_its_end, relative
from support.uneven_rows import uneven_material
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.loss_based.repnoise import RepNoise
from titer.methods.registry import defense
from titer.models.chat_format import Example, encode_example, pad_batch
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.records import Choice
from titer.testing import check_defense, tiny_material, tiny_subject
from titer.training.objectives.loss_based.adversarial_loss import Contrast, count_differences
from titer.training.objectives.loss_based.repnoise import Noising
from titer.training.recipe import LoRA
from titer.training.representations.lens import lens_losses, read_at
from titer.training.sft import SFT, nll_given
from titer.training.types import Material, Objective, Update

ROWS = 4
MATERIAL = uneven_material(ROWS)


def noising(
    alpha: float, beta: float, *, batch: int = ROWS, benign: int = 0, plus_one: bool = True, zeroed: bool = True
) -> Noising:
    return Noising(pairs=ROWS, benign=benign, batch=batch, alpha=alpha, beta=beta, plus_one=plus_one, zeroed=zeroed)


def masked(benign: int = 0, weight: float = 0.0) -> Contrast:
    mask: Literal["paired_difference"] = "paired_difference"
    return Contrast(pairs=ROWS, benign=benign, batch=ROWS, weight=weight, mask=mask, clamp=None)


def encoded(subject: Subject) -> tuple[list[Example], list[Example]]:
    """The refusals, and the harmful responses."""
    rows, frame = tiny_material(ROWS).harmful, tiny_material(ROWS).frame
    refusals = [encode_example(subject.tokenizer, row.prompt, str(row.refusal), frame) for row in rows]
    return refusals, [encode_example(subject.tokenizer, row.prompt, row.response, frame) for row in rows]


def run(objective: Objective, subject: Subject | None = None) -> tuple[Update, Tensor]:
    subject = subject or float64_subject()
    with scoped(9):
        update = objective.backward(subject, MATERIAL, 0, 1)
    return update, flat_gradient(subject)


def transcribed_ce(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """masked_token_ce_loss of domenicrosati/representation-noising, loss.py at a1c3298."""
    shifted = logits[:, :-1] * mask[:, :-1, None]
    targets = labels[:, 1:] * mask[:, 1:]
    targets = torch.where(targets == 0, -100, targets)
    return torch.nn.functional.cross_entropy(shifted.flatten(0, 1), targets.flatten())


def transcribed_mmd(one: Tensor, other: Tensor) -> Tensor:
    """MMD_loss of the same file, pair by pair."""
    both = torch.cat([one, other])
    squared = torch.stack([torch.stack([((a - b) ** 2).sum() for b in both]) for a in both])
    width = squared.detach().sum() / (len(both) ** 2 - len(both)) / 4
    kernel = sum(torch.exp(-squared / (width * 2.0**place)) for place in range(5))
    assert isinstance(kernel, Tensor)
    n = len(one)
    return (kernel[:n, :n] + kernel[n:, n:] - kernel[:n, n:] - kernel[n:, :n]).mean()


def transcribed(subject: Subject, rows: tuple[str, ...], alpha: float, beta: float) -> dict[str, Tensor]:
    """rep_noise_loss of the same file, and its parts, on the rows in their order."""
    by_id = {row.id: row for row in MATERIAL.harmful}
    texts = [(by_id[row].prompt, str(by_id[row].refusal)) for row in rows]
    texts += [(by_id[row].prompt, by_id[row].response) for row in rows]
    pad = int(subject.tokenizer.pad_token_id)
    both = pad_batch([encode_example(subject.tokenizer, *text, MATERIAL.frame) for text in texts], pad)
    (good, bad), (good_seen, bad_seen) = both.ids.split(len(rows)), both.attention.split(len(rows))
    written: list[Tensor] = []
    layers = subject.model.model.layers
    keep: Callable[..., None] = lambda module, inputs, output: written.append(output)  # noqa: E731
    handles = [layer.mlp.register_forward_hook(keep) for layer in layers]
    harmful = subject.model(input_ids=bad, attention_mask=bad_seen, output_hidden_states=True)
    for handle in handles:
        handle.remove()
    mask = good != bad
    with scoped(9):
        noise = [torch.randn_like(own) * mask[..., None] for own in written]
    pairs = zip(written, noise, strict=True)
    n = torch.stack([transcribed_mmd((own * mask[..., None]).flatten(1), eps.flatten(1)) for own, eps in pairs]).mean()
    refusal = transcribed_ce(subject.model(input_ids=good, attention_mask=good_seen).logits, good, mask.long())
    total = transcribed_ce(harmful.logits, bad, mask.long())
    for own in harmful.hidden_states:
        total = total + transcribed_ce(subject.model.lm_head(subject.model.model.norm(own)), bad, mask.long())
    h = total / len(harmful.hidden_states) + 1
    return {"loss": refusal + beta * n - alpha * h.log(), "refusal": refusal, "noise": n, "h": h}


@pytest.mark.parametrize(
    "settings",
    [
        {"train_steps": 3, "lr": 1e-2, "batch": 4},
        {"train_steps": 2, "lr": 1e-2, "batch": 4, "accumulation": 2, "benign_share": 0.5, "weigh": "rows"},
        {"train_steps": 2, "lr": 1e-2, "batch": 4, "trainable": LoRA(rank=2, dropout=0.1)},
    ],
)
def test_conformance(settings: dict[str, Any]) -> None:
    check_defense(RepNoise(**settings))


@pytest.mark.parametrize("made", [float64_subject, padded_by_its_end])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.001), (0.4, 2.0)])
def test_a_step_is_that_of_the_published_code(alpha: float, beta: float, made: Callable[[], Subject]) -> None:
    """Padding enters the noise term in either case, and the losses where it is a token that they do not ignore."""
    update, gradient = run(noising(alpha, beta), made())
    assert (update.tokens["padding"] > 0) == (made is padded_by_its_end)
    subject = made()
    parts = transcribed(subject, update.rows[:ROWS], alpha, beta)
    torch.autograd.backward(parts["loss"])
    assert relative(gradient, flat_gradient(subject)) < 1e-9
    found = [update.terms[name] for name in ("loss", "refusal_loss", "noise_distance", "log_lens_loss")]
    wanted = [float(own.detach()) for own in (parts["loss"], parts["refusal"], parts["noise"], parts["h"].log())]
    assert found == pytest.approx(wanted, rel=1e-9)


def test_without_its_two_terms_it_is_the_masked_refusal_step_and_not_plain_refusal_training() -> None:
    update, gradient = run(noising(0.0, 0.0, benign=2))
    other, expected = run(masked(benign=2))
    assert relative(gradient, expected) < 1e-12
    assert update.terms["loss"] == pytest.approx(other.terms["refusal_loss"], rel=1e-12)
    plain = run(SFT(rows={"refusal": ROWS, "benign": 2}, batch=ROWS))[1]
    assert float(torch.nn.functional.cosine_similarity(plain, gradient, dim=0)) < 0.99


def test_terms_add_up_and_each_has_a_gradient() -> None:
    update, gradient = run(noising(0.4, 0.3, batch=2))
    terms = update.terms
    total = terms["refusal_loss"] + 0.3 * terms["noise_distance"] - 0.4 * terms["log_lens_loss"]
    assert terms["loss"] == pytest.approx(total, rel=1e-12)
    rest, noise = run(noising(0.0, 0.0, batch=2))[1], run(noising(0.0, 0.3, batch=2))[1]
    harm = run(noising(0.4, 0.0, batch=2))[1]
    assert min(float((part - rest).norm()) for part in (noise, harm)) > 1e-6
    assert relative(gradient, noise + harm - rest) < 1e-9


def test_the_harmful_gradient_falls_as_one_over_h() -> None:
    rest = run(noising(0.0, 0.0))[1]
    update, gradient = run(noising(0.5, 0.0))
    lens = update.terms["lens_loss"]
    assert relative(run(noising(1.5, 0.0))[1] - rest, 3 * (gradient - rest)) < 1e-9
    logged, bare = run(noising(0.5, 0.0, plus_one=False))
    assert relative(bare - rest, (lens + 1) / lens * (gradient - rest)) < 1e-9
    assert logged.terms["log_lens_loss"] == pytest.approx(math.log(lens), rel=1e-9)


def test_a_batch_is_a_mean_of_its_own() -> None:
    whole, parts = run(noising(0.5, 0.0))[0], run(noising(0.5, 0.0, batch=2))[0]
    assert parts.terms["refusal_loss"] == pytest.approx(whole.terms["refusal_loss"], rel=1e-12)
    assert parts.terms["log_lens_loss"] != whole.terms["log_lens_loss"]
    assert parts.terms["log_lens_loss"] == pytest.approx(whole.terms["log_lens_loss"], rel=0.05)


def test_a_subject_that_guesses_has_the_loss_of_a_guess_at_every_depth() -> None:
    subject = float64_subject()
    with torch.no_grad():
        subject.model.get_output_embeddings().weight.zero_()
    terms = run(noising(1.0, 0.0), subject)[0].terms
    guess = math.log(len(subject.tokenizer))
    assert terms["lens_loss"] == pytest.approx(4 / 3 * guess, rel=1e-9)  # L + 2 losses over L + 1, L = 2
    assert terms["refusal_loss"] == pytest.approx(guess, rel=1e-9)


def test_the_lens_at_the_last_state_normed_once_is_the_head() -> None:
    subject = float64_subject()
    ((_, bad),) = count_differences(subject, *encoded(subject), ROWS)
    with torch.no_grad():
        subject.model.model.norm.weight.copy_(torch.linspace(0.5, 2, 16))
        hidden, logits = read_at(subject, bad)
        once, twice = (list(lens_losses(subject, hidden, bad, norms_last_twice=again))[-1] for again in (False, True))
        assert float(once) == pytest.approx(float(nll_given(logits, bad) / bad.targets), rel=1e-9)
        assert abs(float(twice) - float(once)) > 1e-3


def test_without_the_zeroed_logits_the_first_token_of_a_run_is_trained() -> None:
    subject = float64_subject()
    refusals, harmful = encoded(subject)
    firsts = [example.mask.index(True) for example in refusals]
    alike = {one.ids[place] == other.ids[place] for one, other, place in zip(refusals, harmful, firsts, strict=True)}
    assert alike == {True}, "'i will not' and 'it is' differ from the second token on"
    for zeroed in (True, False):
        ((good, _),) = count_differences(subject, refusals, harmful, ROWS, zeroed=zeroed)
        assert [bool(good.places[row, place]) for row, place in enumerate(firsts)] == [not zeroed] * ROWS
        assert (good.constant > 0) == zeroed
    assert run(noising(0.0, 0.0, zeroed=False))[0].terms != run(noising(0.0, 0.0))[0].terms


def test_logits_of_one_hidden_state_are_held_at_a_time() -> None:
    """As many as of the two plain losses: the lens adds none, at any depth."""
    counts = []
    for objective in (noising(1.0, 0.0), masked(weight=1.0)):
        subject, held = tiny_subject(), Counter[bool]()

        def keep(tensor: Tensor, held: Counter[bool] = held, width: int = len(subject.tokenizer)) -> Tensor:
            held[tensor.dim() == 2 and tensor.shape[-1] == width] += 1
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            run(objective, subject)
        counts.append(held[True])
    assert counts[0] == counts[1] > 0


def test_hooks_do_not_pile_up() -> None:
    subject, objective, counts = tiny_subject(), noising(1.0, 1.0), []
    for t in range(3):
        objective.backward(subject, tiny_material(ROWS), t, 1)
        counts.append(sum(len(module._forward_hooks) for module in subject.model.modules()))
    assert counts[0] == counts[1] == counts[2]


def test_noise_is_drawn_anew_from_the_seed_of_the_step() -> None:
    first, again = run(noising(0.0, 1.0))[0], run(noising(0.0, 1.0))[0]
    subject = float64_subject()
    with scoped(10):
        other = noising(0.0, 1.0).backward(subject, tiny_material(ROWS), 0, 1)
    assert first.terms["noise_distance"] == again.terms["noise_distance"] != other.terms["noise_distance"]


def test_harmful_rows_without_refusals_are_told() -> None:
    material = tiny_material(ROWS)
    unpaired = Material(harmful=tuple(row.model_copy(update={"refusal": None}) for row in material.harmful))
    with pytest.raises(InputError, match="it has no refusal"):
        noising(1.0, 0.1).backward(tiny_subject(), unpaired, 0, 1)


def test_a_batch_of_one_pair_has_no_noise_term() -> None:
    with pytest.raises(InputError, match="beta needs two pairs in every batch"):
        defense(Choice(name="repnoise", parameters={"train_steps": 1, "batch": 1}))
    RepNoise(train_steps=1, batch=1, beta=0.0)


def test_a_subject_without_a_final_norm_is_told() -> None:
    subject = tiny_subject()
    subject.model.model.other, subject.model.model.norm = subject.model.model.norm, None
    with pytest.raises(InputError, match="it has 0 modules norm"):
        RepNoise(train_steps=1).check(subject)
