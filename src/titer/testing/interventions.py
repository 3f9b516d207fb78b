"""The conformance checks of what changes a subject: attacks and defenses."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice

from titer.execution.inputs import given
from titer.execution.judging import OpenJudges
from titer.methods.base import Attack, Defense
from titer.methods.prompting import Prompting
from titer.methods.requires import Need, Requires
from titer.methods.weight_edit import WeightEdit
from titer.models.generation import generate
from titer.models.subject import Subject
from titer.protocol.dose_axes import STEPS, named
from titer.records import Compute, Frame
from titer.testing.configurations import check_configuration
from titer.testing.tiny import WeightsByName, same, tiny_material, tiny_subject, weights
from titer.training.types import Material, State, Step

FEWEST_ROWS = 12


def check_attack(attack: Attack, horizon: int = 4) -> None:
    """Assert that an attack keeps the promises of its interface, on a tiny subject.

    It is read back as it was written; its axis is no other one of the same name; it works with the rows that it
    requires and no others; it finds what it works on; its doses rise strictly to the largest that it can reach; it
    changes the weights, to the same ones again with the same seed, or how the subject is asked; reading between its
    steps changes nothing; if it trains, it says so, for its sham; and if it says that it is prefix-consistent, it is.

    Args:
        attack: as configured for the test: with few rows, and a rate at which the weights move.
        horizon: the largest dose that is tried, where it can reach that far.
    """
    check_configuration(attack)
    edits = isinstance(attack, WeightEdit | Prompting)
    assert not (edits and attack.axis == STEPS), "its doses are no optimizer steps: write axis = named('...')"
    known = named(attack.axis.name)
    assert known.unit in (attack.axis.unit, known.name), f"titer counts {known.unit} on an axis of that name"
    doses = attack.doses(range(horizon + 1))
    last = doses[-1] if doses else horizon
    attack.check(tiny_subject(), last)
    fed = _fed(attack.requires)

    def steps(subject: Subject, until: int = last) -> Iterator[Step]:
        with OpenJudges(Compute()) as judges:
            yield from attack.steps(subject, given(attack, fed, until, 7, judges), until, seed=7)

    before, trained = weights(tiny_subject()), _run(steps)
    assert trained.doses == sorted(set(trained.doses)), "doses rise strictly"
    if not doses:
        assert not trained.doses, "an attack that is read at dose 0 only takes no steps"
        assert same(before, trained.weights)
        return
    assert trained.doses[-1] == last, "the attack ends at the horizon"
    assert attack.trains == trained.examples, "what trains on examples, and nothing else, says trains = True"
    moved = not same(before, trained.weights)
    asked = attack.frame_with_exemplars(Frame(), last, fed.train, 7)
    assert moved or asked != Frame(), "the weights moved, or how the subject is asked"
    _check_repeats(steps, trained)
    if attack.prefix_consistent() and len(doses) > 1:
        part = _run(lambda subject: steps(subject, last // 2))
        again = _run(lambda subject: islice(steps(subject), len(part.doses)))
        assert same(part.weights, again.weights), "a shorter horizon is the beginning of a longer one"


def check_defense(defense: Defense) -> None:
    """Assert that a defense keeps the promises of its interface, on a tiny subject.

    It is read back as it was written; its doses rise strictly; it makes the same weights again with the same seed,
    read between steps or not; and resumed from any state it offers, it ends with the same weights as uninterrupted.
    """
    check_configuration(defense)
    defense.check(tiny_subject())

    def steps(subject: Subject, carry: State | None = None) -> Iterator[Step]:
        return defense.steps(subject, tiny_material(_rows(defense.requires)), 7, carry)

    made = _run(steps)
    assert made.doses == sorted(set(made.doses)), "doses rise strictly"
    _check_repeats(steps, made)
    for place in range(len(made.doses) - 1):
        state = _state(steps, place)
        if state is not None:
            resumed = _run(partial(steps, carry=state))
            assert resumed.doses == made.doses[place + 1 :], "a resumed defense goes on where it was interrupted"
            assert same(resumed.weights, made.weights), "interrupted and resumed equals uninterrupted"


class _Run:
    """A method run on a fresh tiny subject: its doses, and the weights at the last of them."""

    def __init__(self) -> None:
        self.doses: list[int] = []
        self.examples = False
        self.weights: WeightsByName = {}


def _rows(requires: Requires) -> int:
    return max((FEWEST_ROWS, *requires.rows.values()))


def _fed(requires: Requires) -> Material:
    """What planning would feed an attack: the rows to train on, and besides only what it requires."""
    material, wanted = tiny_material(_rows(requires)), requires.rows
    return replace(
        material,
        harmful=(),
        select=material.select if Need.SELECT in wanted else (),
        benign=material.benign if Need.BENIGN in wanted else (),
        parent=None if requires.parent == "unused" else material.parent,
    )


def _run(steps: Callable[[Subject], Iterator[Step]], read: bool = False) -> _Run:
    subject, run = tiny_subject(), _Run()
    run.weights = weights(subject)
    with closing(_generator(steps(subject))) as running:
        for step in running:
            if read:
                generate(subject, [[1, 2, 3]], 2, 1)
            run.doses.append(step.dose)
            run.examples = run.examples or step.spent.examples > 0
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
