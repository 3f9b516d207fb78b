"""Attacks without training data: what they do to the weights, on two architectures, and what they cannot be used on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from support.architectures import SUBJECTS, ends, gpt2, hidden, llama, logits
from transformers import LlamaForCausalLM

from titer.errors import InputError
from titer.methods.attacks.prompting.prefill import Prefill
from titer.methods.attacks.weight_edits._refusal_direction import choose
from titer.methods.attacks.weight_edits.noise import Noise
from titer.methods.attacks.weight_edits.prune import Prune
from titer.methods.attacks.weight_edits.quantize import Quantize
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.base import Attack
from titer.methods.probes.generate import Generate
from titer.models.chat_format import encode_prompt
from titer.models.modules import erase, erased, matrices, writers
from titer.models.subject import Subject
from titer.records import Frame
from titer.testing import check_attack, same, tiny_items, tiny_material, tiny_subject, weights
from titer.training.types import Material


def direction() -> torch.Tensor:
    return torch.randn(16, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@pytest.mark.parametrize(
    "attack",
    [
        RefusalAblation(),
        Noise(),
        Prune(),
        Prune(by="importance"),
        Quantize(bits=4),
        Quantize(bits=8, group=8),
        Prefill(opening="it is a b"),
    ],
)
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


# ---------------------------------------------------------------------------------------------------- ablation
@pytest.mark.parametrize("make", SUBJECTS)
def test_nothing_is_written_in_an_erased_direction(make: Callable[[], Subject]) -> None:
    subject, r = make(), direction()
    before = max(float((h.double() @ r).abs().max()) for h in hidden(subject))
    subject.untie()
    erase(writers(subject.model), r)
    assert before > 0.1
    assert max(float((h.double() @ (r / r.norm())).abs().max()) for h in hidden(subject)) < 1e-4


@pytest.mark.parametrize("make", SUBJECTS)
def test_erasing_twice_is_erasing_once(make: Callable[[], Subject]) -> None:
    subject, r = make(), direction()
    subject.untie()
    erase(writers(subject.model), r)
    once = weights(subject)
    erase(writers(subject.model), 3 * r)
    again = weights(subject)
    assert all(torch.allclose(once[name], again[name], atol=1e-6) for name in once)


@pytest.mark.parametrize("make", SUBJECTS)
def test_hooks_say_what_the_edited_weights_say_and_leave_nothing_behind(make: Callable[[], Subject]) -> None:
    subject, r = make(), direction()
    baseline = logits(subject)
    with erased(writers(subject.model), r):
        through_hooks = logits(subject)
    assert torch.equal(logits(subject), baseline)
    subject.untie()
    erase(writers(subject.model), r)
    torch.testing.assert_close(logits(subject), through_hooks, atol=2e-4, rtol=1e-4)
    assert not torch.allclose(through_hooks, baseline, atol=1e-2)


def test_a_tied_head_keeps_its_matrix_and_is_written_apart(tmp_path: object) -> None:
    subject = llama(tied=True)
    origin, head = subject.snapshot(), ends(subject)[1].detach().clone()
    subject.untie()
    assert subject.displacement(origin) == 0
    erase(writers(subject.model), direction())
    assert torch.equal(ends(subject)[1], head)
    assert not torch.equal(ends(subject)[0], head)
    assert 0 < subject.displacement(origin) < 1
    expected = logits(subject)
    subject.save(str(tmp_path))
    reloaded = LlamaForCausalLM.from_pretrained(str(tmp_path))
    torch.testing.assert_close(logits(Subject(reloaded.eval(), subject.tokenizer)), expected)


@pytest.mark.parametrize("make", SUBJECTS)
def test_the_choice_leaves_the_subject_alone_and_ablation_erases_what_was_chosen(make: Callable[[], Subject]) -> None:
    subject, attack, material = make(), RefusalAblation(positions=3), tiny_material()
    before = weights(subject)
    chosen = choose(subject, material, attack.criteria(), 4)
    assert same(before, weights(subject))
    assert chosen.best is not None
    assert -3 <= chosen.best.position <= -1
    (step,) = attack.steps(subject, material, 1, 4)
    assert step.dose == 1
    assert (step.terms["block"], step.terms["directions"]) == (chosen.best.block, 1)
    assert (step.spent.examples, step.spent.tokens) == (0, chosen.tokens)
    unit = chosen.best.direction / chosen.best.direction.norm()
    assert max(float((h.double() @ unit).abs().max()) for h in hidden(subject)) < 1e-4


def test_means_are_those_of_the_inputs_of_the_blocks_one_prompt_at_a_time() -> None:
    from titer.methods.attacks.weight_edits._activations import ActivationReader

    subject = llama()
    prompts = [encode_prompt(subject.tokenizer, text, Frame()) for text in ("a", "who is there?", "b c")]
    with subject.reading():
        together = ActivationReader(subject, 2).means(prompts, 2, 3)
        alone = torch.stack(
            [
                torch.stack(
                    [h[0, -3:] for h in subject.model(torch.tensor([p]), output_hidden_states=True).hidden_states[:2]]
                )
                for p in prompts
            ]
        ).mean(0)
    torch.testing.assert_close(together.float(), alone, atol=1e-5, rtol=1e-4)


def test_a_planted_direction_is_found_and_its_refusal_undone() -> None:
    """A subject that refuses where its first block, which averages over tokens, has seen a `c`, and not a `b`."""
    subject, material = llama(), tiny_material()
    model = subject.model
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.05)
        refuse = subject.tokenizer("R").input_ids[-1]
        comply = subject.tokenizer("C").input_ids[-1]
        embeddings, head = ends(subject)
        embeddings[:, :3] = torch.tensor([0.0, 1.0, 0.0])
        embeddings[subject.tokenizer("c").input_ids[-1], :3] = torch.tensor([1.0, 1.0, 0.0])
        embeddings[subject.tokenizer("b").input_ids[-1], :3] = torch.tensor([0.0, 1.0, 1.0])
        attention = model.model.layers[0].self_attn
        head.zero_()
        head[refuse, 0], head[comply, 1] = 153.0, 10.0
        model.model.norm.weight.fill_(1.0)
        for part in attention.v_proj.weight, attention.o_proj.weight:
            part.copy_(torch.eye(16))
        for layer in model.model.layers:
            layer.input_layernorm.weight.fill_(1.0)
    harmful = tuple(row.model_copy(update={"prompt": f"c{row.prompt[-1]}"}) for row in material.train)
    benign = tuple(row.model_copy(update={"prompt": f"b{row.prompt[-1]}"}) for row in material.benign)
    planted = Material(train=harmful, select=harmful[:4], benign=benign)
    first = encode_prompt(subject.tokenizer, harmful[0].prompt, Frame())
    with torch.no_grad():
        assert int(model(torch.tensor([first])).logits[0, -1].argmax()) == refuse
    (step,) = RefusalAblation(openings=("R",), prune=0.0).steps(subject, planted, 1, 0)
    with torch.no_grad():
        assert int(model(torch.tensor([first])).logits[0, -1].argmax()) == comply
    assert step.terms["refusal"] < 0


# ---------------------------------------------------------------------------------------------------- the others
@pytest.mark.parametrize("make", SUBJECTS)
def test_the_matrices_of_the_blocks_are_those_of_their_linear_modules(make: Callable[[], Subject]) -> None:
    found = matrices(make().model)
    assert len(found) == (12 if make is gpt2 else 21 if make is llama else 14)
    assert all(".0." in name or ".1." in name or ".2." in name for name in found)
    assert next(iter(found.values())).shape[1] == 16, "outputs, inputs"


@pytest.mark.parametrize("make", SUBJECTS)
def test_noise_is_seeded_and_of_the_scale_it_says(make: Callable[[], Subject]) -> None:
    def noised(dose: int, seed: int) -> Subject:
        subject = make()
        list(Noise().steps(subject, Material(), dose, seed))
        return subject

    clean, small, large = make(), noised(10, 0), noised(30, 0)
    assert same(weights(small), weights(noised(10, 0)))
    assert not same(weights(small), weights(noised(10, 1)))
    squares, weights_total = 0.0, 0
    for name, matrix in matrices(clean.model).items():
        added = matrices(small.model)[name] - matrix
        torch.testing.assert_close(matrices(large.model)[name] - matrix, 3 * added, atol=1e-6, rtol=1e-3)
        squares += float((added / matrix.square().mean().sqrt()).square().sum())
        weights_total += matrix.numel()
    assert (squares / weights_total) ** 0.5 == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("dose", [1, 10, 50, 99])
@pytest.mark.parametrize("make", SUBJECTS)
def test_pruning_zeroes_its_share_of_every_matrix_the_smallest_first(make: Callable[[], Subject], dose: int) -> None:
    clean, pruned = make(), make()
    list(Prune().steps(pruned, Material(), dose, 0))
    for name, matrix in matrices(clean.model).items():
        left = matrices(pruned.model)[name]
        gone = left == 0
        assert int(gone.sum()) == round(dose / 100 * matrix.numel())
        assert torch.equal(left[~gone], matrix[~gone])
        assert not gone.any() or float(matrix[gone].abs().max()) <= float(matrix[~gone].abs().min())


@pytest.mark.parametrize("group", [None, 8, 5])
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("make", SUBJECTS)
def test_rounding_moves_no_weight_by_more_than_half_a_step(
    make: Callable[[], Subject], bits: int, group: int | None
) -> None:
    clean, coarse = make(), make()
    attack = Quantize.model_validate({"bits": bits, "group": group})
    list(attack.steps(coarse, Material(), 1, 0))
    for name, matrix in matrices(clean.model).items():
        for part, other in zip(
            matrix.split(group or matrix.shape[1], dim=1),
            matrices(coarse.model)[name].split(group or matrix.shape[1], dim=1),
            strict=True,
        ):
            step = part.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
            assert bool(((part - other).abs() <= step / 2 + 1e-6).all())
            assert all(len(row.unique()) <= 2**bits - 1 for row in other)
    once = weights(coarse)
    list(attack.steps(coarse, Material(), 1, 0))
    assert all(torch.allclose(once[name], again, atol=1e-6) for name, again in weights(coarse).items())


def test_a_row_of_zeros_stays_what_it_is() -> None:
    subject = llama()
    matrix = next(iter(matrices(subject.model).values()))
    matrix[0] = 0.0
    list(Quantize().steps(subject, Material(), 1, 0))
    assert not matrix[0].any()


def test_an_answer_goes_on_from_the_words_put_before_it() -> None:
    attack, frame = Prefill(opening="it is  a code"), Frame(max_new_tokens=3)
    subject = tiny_subject()
    assert attack.doses((0, 1, 2, 3, 4, 5)) == (1, 2, 3, 4)
    framed = attack.frame_at(frame, 2)
    assert framed.prefill == "it is"
    asked, bare = (encode_prompt(subject.tokenizer, "who?", one) for one in (framed, frame))
    assert asked[: len(bare)] == bare
    assert subject.tokenizer.decode(asked[len(bare) :]) == "it is"
    items = tiny_items()
    assert [a.text for a in Generate().ask(subject, items, framed, 2)] != [
        a.text for a in Generate().ask(subject, items, frame, 2)
    ]


def test_what_a_model_does_not_have_is_told_with_place_and_remedy() -> None:
    subject = llama()
    block = subject.model.model.layers[1]
    block.mlp.output = block.mlp.down_proj
    del block.mlp.down_proj
    with pytest.raises(InputError, match=r"model\.layers\.1 has no linear module down_proj or .* with 16 outputs"):
        RefusalAblation().check(subject, 1)
    subject.model.config.num_hidden_layers = 5
    for attack in (Noise(), Prune(), Quantize()):
        with pytest.raises(InputError, match=r"no list of 5 blocks\. Leave this attack out"):
            attack.check(subject, 1)


def test_a_matrix_outside_linear_modules_is_never_silently_left_out() -> None:
    subject = llama()
    subject.model.model.layers[0].experts = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(2, 3, 4))])
    with pytest.raises(InputError, match=r"layers\.0\.experts\.0 is not the matrix of a linear module"):
        Quantize().check(subject, 1)


def test_a_norm_after_the_writers_is_told() -> None:
    subject = llama()
    subject.model.model.layers[0].post_feedforward_layernorm = torch.nn.LayerNorm(16)
    with pytest.raises(InputError, match="post_feedforward_layernorm follows what is written"):
        RefusalAblation().check(subject, 1)
