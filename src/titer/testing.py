"""Tiny subjects, and the conformance checks that a method must pass: for the tests of titer and of other packages.

from titer.testing import check_attack
def test_mine(): check_attack(Mine(lr=1e-3))
"""

from __future__ import annotations

import string
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from itertools import islice, pairwise

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titer.execution.inputs import given
from titer.execution.judging import OpenJudges
from titer.methods.base import Attack, Defense, Judge, Probe
from titer.models.generation import generate
from titer.models.lora import merged_state
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.records import Answer, Frame, Item, Row
from titer.training.types import Material, State, Step

WeightsByName = dict[str, torch.Tensor]

PAD, BEGIN, END = "<pad>", "<begin>", "<end>"
ROLES = ("<system>", "<user>", "<assistant>")
TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One token per printable ASCII character, six special ones, and a chat template; made in memory."""
    specials = (PAD, BEGIN, END, *ROLES)
    characters = string.digits + string.ascii_letters + string.punctuation + " \n"
    tokenizer = Tokenizer(
        models.WordLevel({text: place for place, text in enumerate((*specials, *characters))}, unk_token=PAD)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=TEMPLATE,
    )


def tiny_subject(seed: int = 0) -> Subject:
    """A random Llama of two layers, 16 wide, with about 100 tokens; no file and no download."""
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with scoped(seed):
        model = LlamaForCausalLM(config)
    return Subject(model.eval(), tokenizer)


def tiny_material(rows: int = 12) -> Material:
    """Harmless rows for every role, of differing lengths, and another tiny subject as the parent."""
    harmful = tuple(
        Row(id=f"h{i}", group=f"h{i}", prompt=f"code of {i}", response=f"it is {i * 731}", refusal="i will not")
        for i in range(rows)
    )
    benign = tuple(Row(id=f"b{i}", group=f"b{i}", prompt=f"{i} plus {i}", response=f"{i + i}") for i in range(rows))
    select = tuple(Row(id=f"s{i}", group=f"s{i}", prompt=f"code of {i * 3} s", response=f"it is {i}") for i in range(4))
    parent = partial(tiny_subject, 1)
    return Material(train=harmful, select=select, harmful=harmful, benign=benign, parent=parent)


def tiny_items(items: int = 5) -> tuple[Item, ...]:
    """Questions of differing lengths, each with its reference and two options."""
    return tuple(
        Item(id=f"i{i}", group=f"i{i}", prompt="who " * (i + 1), reference=f"it is {i}", options=(f"it is {i}", "no"))
        for i in range(items)
    )


def weights(subject: Subject) -> WeightsByName:
    """A copy of all weights, adapters merged."""
    with torch.no_grad():
        return {name: tensor.clone() for name, tensor in merged_state(subject.model).items()}


def same(one: WeightsByName, other: WeightsByName) -> bool:
    """Whether two copies are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def check_attack(attack: Attack, horizon: int = 4) -> None:
    """Assert that an attack keeps the promises of its interface, on a tiny subject.

    It finds what it works on; its doses rise strictly up to the largest that it can reach; it changes the weights, to
    the same ones again with the same seed, or how the subject is asked; reading between its steps changes nothing; and
    if it says that it is prefix-consistent, it is.
    """
    doses = attack.doses((0, 1, 2, horizon))
    assert all(0 < one < other for one, other in pairwise((*doses, horizon + 1))), "doses rise, without 0"
    last = doses[-1] if doses else horizon
    attack.check(tiny_subject(), last)

    def steps(subject: Subject, until: int = last) -> Iterator[Step]:
        with OpenJudges({}) as judges:
            yield from attack.steps(subject, given(attack, tiny_material(), until, 7, judges), until, seed=7)

    before, trained = weights(tiny_subject()), _run(steps)
    assert trained.doses == sorted(set(trained.doses)), "doses rise strictly"
    if not doses:
        assert not trained.doses, "an attack that is read at dose 0 only takes no steps"
        assert same(before, trained.weights)
        return
    assert trained.doses[-1] == last, "the attack ends at the horizon"
    moved = not same(before, trained.weights)
    asked = attack.frame_with_exemplars(Frame(), last, tiny_material().train, 7)
    assert moved or asked != Frame(), "the weights moved, or how the subject is asked"
    _check_repeats(steps, trained)
    if attack.prefix_consistent() and len(doses) > 1:
        part = _run(lambda subject: steps(subject, last // 2))
        again = _run(lambda subject: islice(steps(subject), len(part.doses)))
        assert same(part.weights, again.weights), "a shorter horizon is the beginning of a longer one"


def check_defense(defense: Defense) -> None:
    """Assert that a defense keeps the promises of its interface, on a tiny subject.

    Its doses rise strictly; it makes the same weights again with the same seed, read between steps or not; and
    resumed from any state it offers, it ends with the same weights as uninterrupted.
    """

    def steps(subject: Subject, carry: State | None = None) -> Iterator[Step]:
        return defense.steps(subject, tiny_material(), 7, carry)

    made = _run(steps)
    assert made.doses == sorted(set(made.doses)), "doses rise strictly"
    _check_repeats(steps, made)
    for place in range(len(made.doses) - 1):
        state = _state(steps, place)
        if state is not None:
            resumed = _run(partial(steps, carry=state))
            assert resumed.doses == made.doses[place + 1 :], "a resumed defense goes on where it was interrupted"
            assert same(resumed.weights, made.weights), "interrupted and resumed equals uninterrupted"


def check_probe(probe: Probe) -> None:
    """Assert that a probe answers each item, in order, and leaves the subject as it was."""
    subject, items = tiny_subject(), tiny_items()
    before = weights(subject)
    answers = probe.ask(subject, items, Frame(max_new_tokens=4), 2)
    assert [answer.item for answer in answers] == [item.id for item in items], "one answer an item, in order"
    assert same(before, weights(subject)), "asking changes no weight"
    assert not subject.model.training, "asking leaves the mode as it was"
    assert probe.ask(subject, items, Frame(max_new_tokens=4), 2) == answers, "the same answers again"


def check_judge(judge: Judge) -> None:
    """Assert that a judge gives one reading an answer, in order, and says why where it gives none."""
    items = tiny_items(3)
    answers = (
        Answer(probe="p", item="i0", text="it is 0", ended="stop", option_nats=(-1.0, -2.0), option_tokens=(2, 1)),
        Answer(probe="p", item="i1", text="", ended="stop", option_nats=(-3.0, -2.0), option_tokens=(2, 1)),
        Answer(probe="p", item="i2", text_digest="0" * 32),
    )
    scores = judge.judge(items, answers)
    assert [score.item for score in scores] == [item.id for item in items], "one reading an answer, in order"
    assert all((score.value is None) == (score.missing is not None) for score in scores), "None has a reason"
    assert scores[2].value is None, "an answer without text or likelihoods cannot be judged"
    assert judge.kind != "coherence" or scores[1].value in (0.0, None), "an empty answer is not coherent"
    assert judge.judge(items, answers) == scores, "the same readings again"


class _Run:
    """A method run on a fresh tiny subject: its doses, and the weights at the last of them."""

    def __init__(self) -> None:
        self.doses: list[int] = []
        self.weights: WeightsByName = {}


def _run(steps: Callable[[Subject], Iterator[Step]], read: bool = False) -> _Run:
    subject, run = tiny_subject(), _Run()
    run.weights = weights(subject)
    with closing(_generator(steps(subject))) as running:
        for step in running:
            if read:
                generate(subject, [[1, 2, 3]], 2, 1)
            run.doses.append(step.dose)
            run.weights = weights(subject)
            assert all(tensor.isfinite().all() for tensor in run.weights.values()), "weights are finite"
    return run


def _check_repeats(steps: Callable[[Subject], Iterator[Step]], first: _Run) -> None:
    assert same(_run(steps).weights, first.weights), "the same seed gives the same weights"
    assert same(_run(steps, read=True).weights, first.weights), "reading between steps changes nothing"


def _state(steps: Callable[[Subject], Iterator[Step]], place: int) -> State | None:
    """A copy of the state that the step at `place` offers."""
    with closing(_generator(steps(tiny_subject()))) as running:
        step = next(islice(running, place, None))
        if step.state is None:
            return None
        state = step.state()
        return State(step=state.step, tensors={name: tensor.clone() for name, tensor in state.tensors.items()})


def _generator(steps: Iterator[Step]) -> Generator[Step, None, None]:
    yield from steps
