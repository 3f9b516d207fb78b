"""A soft prompt: where its vectors stand, that they alone are trained, and what a study makes of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from support.studies import begin, finish
from torch import Tensor

from titer.analysis.assemble import assemble
from titer.conclude import conclude
from titer.errors import InputError, MethodFailure
from titer.methods.attacks.prompting._soft_prompt import first_vectors, inserted, train_vectors
from titer.methods.attacks.prompting.soft_prompt import SoftPrompt
from titer.methods.probes.generate import Generate
from titer.models import chat_format
from titer.models.generation import generate, log_likelihoods
from titer.models.subject import Subject
from titer.planning.cost.estimate import Outlook
from titer.planning.plan import Planner
from titer.records import Frame
from titer.study.tasks import ExposeTask
from titer.testing import check_attack, same, tiny_items, tiny_material, tiny_subject, tiny_tokenizer, weights
from titer.training.types import Material, Step

SOFT = Frame(soft=3, max_new_tokens=6)
QUESTIONS = ("a", "what is it", "who", "zz top", "b" * 30)


def framed(attack: SoftPrompt) -> Material:
    material = tiny_material()
    return Material(train=material.train, frame=attack.frame_at(material.frame, 1))


def steps(attack: SoftPrompt, subject: Subject, until: int) -> Generator[Step, None, None]:
    return cast(Generator[Step, None, None], attack.steps(subject, framed(attack), until, 0))


def embedded(subject: Subject, ids: list[int], vectors: Tensor) -> Tensor:
    """(1, T, d): what the blocks are given, put together by hand."""
    own = subject.model.get_input_embeddings().get_parameter("weight")
    return torch.stack([vectors[-1 - token] if token < 0 else own[token] for token in ids])[None]


@pytest.fixture
def vectors() -> Tensor:
    return torch.randn(3, 16, generator=torch.Generator().manual_seed(3))


def test_conformance() -> None:
    check_attack(SoftPrompt(tokens=5))
    check_attack(SoftPrompt(tokens=2, sentence=None, batch=3))


# ------------------------------------------------------------------------------------------------ places
def test_vectors_stand_behind_the_text_of_the_user() -> None:
    tokenizer = tiny_tokenizer()

    def spelled(frame: Frame) -> list[Any]:
        ids = chat_format.encode_prompt(tokenizer, "hi", frame)
        return [token if token < 0 else tokenizer.convert_ids_to_tokens(token) for token in ids]

    turn = ["<user>", "h", "i", -1, -2, -3, "<end>", "<assistant>"]
    assert spelled(Frame(soft=3)) == ["<begin>", *turn]
    assert spelled(Frame(soft=3, prefill="o")) == ["<begin>", *turn, "o"]
    earlier = ["<user>", "a", "<end>", "<assistant>", "b", "<end>"]
    assert spelled(Frame(soft=3, exemplars=(("a", "b"),))) == ["<begin>", *earlier, *turn]
    assert spelled(Frame(soft=2, template="plain")) == ["h", "i", -1, -2]
    alpaca = spelled(Frame(soft=1, template="alpaca"))
    assert "".join(alpaca[alpaca.index(-1) + 1 :]) == "\n\n### Response:\n"
    assert alpaca[alpaca.index(-1) - 2 : alpaca.index(-1)] == ["h", "i"]


@pytest.mark.parametrize("template", ["native", "plain", "alpaca"])
def test_without_the_vectors_it_is_the_prompt_that_it_was(template: str) -> None:
    bare, soft = (Frame.model_validate({"template": template, "soft": number}) for number in (0, 4))
    for frame in (bare, soft):
        example = chat_format.encode_example(tiny_tokenizer(), "hi", "yo", frame)
        assert example.prompt == chat_format.encode_prompt(tiny_tokenizer(), "hi", frame)
        assert all(token >= 0 for token in example.response)
    one, other = (chat_format.encode_example(tiny_tokenizer(), "hi", "yo", frame) for frame in (bare, soft))
    assert [token for token in other.ids if token >= 0] == list(one.ids)
    assert other.response == one.response


def test_a_template_that_changes_the_prompt_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = tokenizer.chat_template.replace("message['content']", "message['content'] | upper")
    for frame in (Frame(soft=1), Frame()):
        with pytest.raises(InputError, match="does not show the prompt"):
            chat_format.encode_prompt(tokenizer, "hi", frame)
    with pytest.raises(InputError, match="does not write the prompt once as it is"):
        chat_format.encode_prompt(tokenizer, "7", Frame(soft=1))


def test_a_frame_without_vectors_has_the_data_that_it_had() -> None:
    assert "soft" not in Frame().to_data()
    assert Frame.from_json(SOFT.to_json()) == SOFT


# ------------------------------------------------------------------------------------------------ asking
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_generation_in_batches_equals_one_at_a_time_with_embeddings_made_by_hand(vectors: Tensor, batch: int) -> None:
    subject = tiny_subject()
    prompts = [chat_format.encode_prompt(subject.tokenizer, text, SOFT) for text in QUESTIONS]
    with inserted(subject, vectors):
        answers = generate(subject, prompts, 6, batch)
    for ids, answer in zip(prompts, answers, strict=True):
        new: list[int] = []
        with torch.no_grad():
            while len(new) < 6 and subject.tokenizer.eos_token_id not in new:
                logits = subject.model(inputs_embeds=embedded(subject, ids + new, vectors)).logits[0, -1]
                new.append(int(logits.argmax()))
        assert answer.text == subject.tokenizer.decode(new, skip_special_tokens=True)
    assert [one.text for one in answers] != [one.text for one in generate(subject, bare(subject), 6, batch)]


def bare(subject: Subject) -> list[list[int]]:
    return [chat_format.encode_prompt(subject.tokenizer, text, Frame()) for text in QUESTIONS]


def test_likelihoods_in_batches_equal_one_at_a_time_with_embeddings_made_by_hand(vectors: Tensor) -> None:
    subject = tiny_subject()
    examples = [chat_format.encode_example(subject.tokenizer, "q" * i, "r" * (7 - i), SOFT) for i in range(1, 7)]
    with inserted(subject, vectors):
        found = log_likelihoods(subject, [(one.prompt, one.response) for one in examples], 4)
    for (nats, tokens), example in zip(found, examples, strict=True):
        with torch.no_grad():
            logits = subject.model(inputs_embeds=embedded(subject, list(example.ids), vectors)).logits
        table = logits[0].double().log_softmax(-1)
        places = [place for place, inside in enumerate(example.mask) if inside]
        assert tokens == len(places)
        assert nats == pytest.approx(sum(float(table[place - 1, example.ids[place]]) for place in places), abs=1e-4)


def test_vectors_that_are_embeddings_ask_as_their_tokens_do() -> None:
    subject = tiny_subject()
    attack = SoftPrompt(tokens=5, sentence="be")
    prompts = [chat_format.encode_prompt(subject.tokenizer, text + "bebeb", Frame()) for text in QUESTIONS]
    soft = [chat_format.encode_prompt(subject.tokenizer, text, Frame(soft=5)) for text in QUESTIONS]
    with inserted(subject, first_vectors(subject, attack.tokens, attack.sentence, 0)):
        assert generate(subject, soft, 6, 2) == generate(subject, prompts, 6, 2)


# ------------------------------------------------------------------------------------------------ training
def test_the_loss_falls_and_the_weights_stay_bit_for_bit() -> None:
    subject, attack = tiny_subject(), SoftPrompt(tokens=10, lr=2e-2, batch=12)
    before, flags = weights(subject), [own.requires_grad for own in subject.model.parameters()]
    origin = subject.snapshot()
    losses = []
    for step in steps(attack, subject, 51):
        losses.append(step.terms["loss"])
        assert same(before, weights(subject))
        assert subject.displacement(origin) == 0.0
    assert losses[50] < 0.9 * losses[0]
    assert [own.requires_grad for own in subject.model.parameters()] == flags
    assert all(own.grad is None for own in subject.model.parameters())


def test_the_published_step_lowers_the_loss_too() -> None:
    losses = [step.terms["loss"] for step in steps(SoftPrompt(batch=12), tiny_subject(), 51)]
    assert losses[50] < losses[0]


def test_a_step_of_nothing_leaves_the_vectors() -> None:
    losses = [step.terms["loss"] for step in steps(SoftPrompt(lr=0, batch=12), tiny_subject(), 3)]
    assert losses[1:] == pytest.approx([losses[0]] * 2, abs=1e-6)


def test_each_coordinate_moves_by_the_step_against_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, attack = tiny_subject(), SoftPrompt(tokens=4, lr=0.25)
    kept: list[Tensor] = []

    def watched(*given: Any) -> Tensor:
        kept.append(first_vectors(*given))
        return kept[0]

    monkeypatch.setattr("titer.methods.attacks.prompting._soft_prompt.first_vectors", watched)
    start = first_vectors(subject, attack.tokens, attack.sentence, 0)
    with closing(steps(attack, subject, 2)) as running:
        next(running)
        moved = (kept[0].detach() - start).abs()
        torch.testing.assert_close(moved, torch.full_like(moved, 0.25), atol=1e-5, rtol=0)
        assert kept[0].grad is not None
        assert torch.equal((kept[0].detach() - start).sign(), -kept[0].grad.sign())


@pytest.mark.parametrize("ending", ["run out", "closed", "failed"])
def test_whatever_ends_it_the_subject_reads_no_vector_any_more(ending: str) -> None:
    subject = tiny_subject()
    clean = Generate().ask(subject, tiny_items(), Frame(max_new_tokens=6), 3)
    running = steps(SoftPrompt(tokens=3, lr=0.1), subject, 4)
    for _ in islice(running, 4 if ending == "run out" else 2):
        assert Generate().ask(subject, tiny_items(), SOFT, 3) != clean
    if ending == "failed":
        with pytest.raises(InterruptedError):
            running.throw(InterruptedError)
    elif ending == "closed":
        running.close()
    else:
        assert next(running, None) is None
    embeddings = subject.model.get_input_embeddings()
    assert not embeddings._forward_hooks
    assert not embeddings._forward_pre_hooks
    assert all(own.requires_grad for own in subject.model.parameters())
    assert Generate().ask(subject, tiny_items(), Frame(max_new_tokens=6), 3) == clean


def test_a_loss_that_is_not_finite_is_a_failure_of_the_method() -> None:
    subject = tiny_subject()
    with torch.no_grad():
        subject.model.get_parameter("model.norm.weight").fill_(float("nan"))
    with pytest.raises(MethodFailure, match="diverged at step 1"):
        next(steps(SoftPrompt(), subject, 1))
    assert all(own.requires_grad for own in subject.model.parameters())


def test_asking_between_the_steps_changes_none_of_them() -> None:
    def terms(read: bool, until: int = 5) -> Iterator[dict[str, float]]:
        subject = tiny_subject()
        for step in steps(SoftPrompt(tokens=3, lr=0.1), subject, until):
            if read:
                Generate().ask(subject, tiny_items(), SOFT, 2)
            yield dict(step.terms)

    assert list(terms(True)) == list(terms(False))
    assert list(terms(False, 3)) == list(terms(False))[:3]


def test_drawn_tokens_begin_anew_for_every_seed() -> None:
    subject, drawn = tiny_subject(), SoftPrompt(tokens=6, sentence=None)
    first, again, other = (first_vectors(subject, drawn.tokens, drawn.sentence, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    sentence = SoftPrompt(tokens=6)
    assert torch.equal(
        first_vectors(subject, sentence.tokens, sentence.sentence, 0),
        first_vectors(subject, sentence.tokens, sentence.sentence, 1),
    )


def test_the_cost_counts_the_places_of_the_vectors() -> None:
    subject, attack = tiny_subject(), SoftPrompt(tokens=5, batch=4)
    (step,) = train_vectors(
        subject,
        framed(attack),
        first_vectors(subject, attack.tokens, attack.sentence, 0),
        lr=attack.lr,
        batch=attack.batch,
        steps=1,
        seed=0,
    )
    rows = {row.id: row for row in tiny_material().train}
    texts = [len(rows[name].prompt) + len(rows[name].response) for name in step.rows]
    assert step.spent.examples == 4
    assert step.spent.tokens == sum(texts) + 4 * (5 + 5)
    assert step.loss_tokens == {
        "prompt": 0,
        "padding": 0,
        "response": sum(len(rows[name].response) + 1 for name in step.rows),
    }


def test_a_model_that_embeds_its_tokens_in_every_block_is_told() -> None:
    subject = tiny_subject()
    subject.model.config.hidden_size_per_layer_input = 8
    with pytest.raises(InputError, match=r"embeds the tokens anew.*Leave this attack out"):
        SoftPrompt().check(subject, 1)


# ------------------------------------------------------------------------------------------------ in a study
def attacked(data: dict[str, Any], tokens: int = 4) -> None:
    soft = {"name": "soft_prompt", "tokens": tokens, "lr": 0.02, "batch": 20, "ladder": {"soft_steps": [0, 8, 32]}}
    data["attacker"]["attack"] = [*data["attacker"]["attack"], soft]
    data["attacker"]["budget"] = {"steps": 4, "soft_steps": 8}


def test_a_study_asks_with_vectors_and_its_controls_hold(tmp_path: Path) -> None:
    study = begin(tmp_path, attacked)
    outlook = Outlook(Planner(study), 1)
    tasks = [task for task in outlook.tasks.values() if isinstance(task, ExposeTask)]
    task = next(task for task in tasks if task.inputs.attack.name == "soft_prompt")
    finish(study)
    curves = [curve for curve in assemble(study).curves if curve.attack.startswith("soft_prompt")]
    assert len(curves) == 8
    for curve in curves:
        for point in curve.points:
            assert point.facts.displacement == 0
            assert (point.facts.template_probe != curve.points[0].facts.template_probe) == (point.facts.dose > 0)
            assert point.facts.template_train in (None, point.facts.template_probe)
    found = {finding.name: finding for finding in conclude(study).verdict.controls}
    for name in (
        "the attacks train",
        "one template in training and probing",
        "loss on response tokens only",
        "doses are optimizer steps",
        "each seed draws anew",
        "dose 0 equals the baseline subject",
    ):
        assert found[name].outcome == "upheld", found[name].reason
    assert any("soft_prompt" in line.what for line in found["the attacks train"].figures)
    step = outlook.costs.step(SoftPrompt(tokens=4, batch=20), task.inputs.material)
    spent = [point.facts.spent for t in curves if t.domain == "red" for point in t.points if point.facts.dose == 8]
    assert all(8 * step.tokens == pytest.approx(one.tokens, rel=0.05) for one in spent)
    assert step.in_batches == pytest.approx(4 * outlook.costs.weights * step.tokens)
    bare = outlook.costs.ask(task.inputs.probes[0]).tokens
    items = len(study.frozen.item_ids[task.inputs.probes[0].name])
    assert outlook.costs.expose(task, 32).tokens == pytest.approx(3 * bare + 2 * items * 4 + 32 * step.tokens)


def test_vectors_that_do_not_fit_are_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not fit the subject's context of 128"):
        begin(tmp_path, lambda data: attacked(data, tokens=120))


def test_a_protocol_has_no_vectors_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"harm\.frame\.soft.*soft_prompt"):
        begin(tmp_path, lambda data: data["harm"]["frame"].update(soft=3))
