"""Whether attacks and defenses fit their study: axes and doses, rows, modules of the subject, what they go on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from titer.data.identifiers import SplitId
from titer.errors import InputError
from titer.methods import registry
from titer.methods.base import Attack
from titer.methods.requires import Need
from titer.methods.roles import UNCHANGING
from titer.methods.search_configurations import attacks_of
from titer.models.chat_format import encode_items
from titer.models.metadata import ModelMetadata
from titer.models.subject import Subject
from titer.models.weight_difference import check_same_kind, check_same_shape
from titer.protocol.attacker import DoseSchedule
from titer.protocol.data_sources import DomainConfig
from titer.protocol.dose_axes import STEPS
from titer.protocol.harm_config import Grading
from titer.protocol.schema import Protocol
from titer.records import REWARDING, Item, Row
from titer.training.recipe import Training

RowsBySplit = Mapping[SplitId, Sequence[Row]]


def check_attacks(protocol: Protocol, rows: RowsBySplit, shell: Subject, released: Subject | None = None) -> None:
    """Raise at the first attack that cannot be run as the study has it.

    Args:
        protocol: the study.
        rows: the rows of every split, by its name in the frozen study.
        shell: the modules of the subject; the weights need no values.
        released: those of the defended model, where it is a checkpoint.

    Raises:
        InputError: with the attack's place, what does not fit, and what to write instead.
    """
    for index, (choice, schedule) in enumerate(zip(protocol.attacker.attack, protocol.attacker.schedules, strict=True)):
        place = f"attacker.attack.{index}"
        for attack in attacks_of(choice, place):
            _check_doses(attack, schedule, place)
            for number, domain in enumerate(protocol.harm.domain):
                shown = attack.num_exemplars(schedule.ladder[-1])
                if domain.attack_with is None and schedule.runs_in(domain.name):
                    _check_rows(attack, domain, rows, shown, (place, f"harm.domain.{number}"))
            with error_place(place):
                attack.check(shell, schedule.ladder[-1])
            _check_parent(attack, protocol, shell, released, place)
            _check_rewards(attack, protocol.harm.grading, place)
            _check_answers(attack, protocol, rows, shell, schedule.ladder[-1], place)
    if protocol.trainability is not None:
        place = "trainability.attack"
        attack = registry.attack(protocol.trainability.attack, place)
        _check_lesson(attack, place)
        with error_place(place):
            attack.check(shell, protocol.trainability.ladder[-1])


def check_defenses(
    protocol: Protocol,
    model: ModelMetadata,
    checkpoints: Mapping[str, ModelMetadata],
    bases: Mapping[str, ModelMetadata],
) -> None:
    """Raise at the first step of the preparation, or defense, that cannot work on the subject it is given.

    Args:
        protocol: the study.
        model: the model that it begins with.
        checkpoints: the defended models that are given, by their place in the chain.
        bases: by its place the model that a defense names as the one its subject was aligned from.

    Raises:
        InputError: with the defense's place, what does not fit, and what to write instead.
    """
    subject, changed = model.shell, False
    for place, choice in protocol.stages.items():
        defense = registry.defense(choice, place)
        if (given := checkpoints.get(place.removeprefix("defense."))) is not None:
            subject = given.shell
        with error_place(place):
            defense.check(Subject(subject.model, subject.tokenizer, dtype=protocol.compute.dtype))
            if defense.requires.parent != "unused":
                if place not in bases and not changed:
                    problem = f"{defense.name} goes on from what aligned its subject, which is the study's model itself"
                    raise InputError("base", problem, "Name it, or align the subject in [[subject.prepare]].")
                check_same_kind(subject, bases.get(place, model).shell)
        changed = changed or choice.name not in UNCHANGING


def _check_doses(attack: Attack, schedule: DoseSchedule, place: str) -> None:
    """The ladder is on the attack's axis, and each of its doses is a dose that the attack comes to."""
    own = attack.axis
    if own.name != schedule.axis.name:
        remedy = f"Write ladder = {{ {own.name} = [0, ...] }} beside its name, and {own.name} in attacker.budget."
        if own.name == STEPS.name:
            remedy = "Write ladder = { steps = [0, ...] }, or leave it out for attacker.ladder."
        raise InputError(place, f"{attack.name} is dosed in {own.unit}, and its ladder in {schedule.axis.unit}", remedy)
    reached = attack.doses(schedule.ladder)
    for dose in schedule.ladder[1:]:
        if dose not in reached:
            remedy = f"Leave it out: {own.name} of it are {', '.join(map(str, reached)) or 'none'}."
            raise InputError(f"{place}.ladder", f"{attack.name} never comes to the dose {dose}", remedy)


def _check_rows(attack: Attack, domain: DomainConfig, rows: RowsBySplit, shown: int, places: tuple[str, str]) -> None:
    """There are as many rows of each kind as the attack takes; `shown` of the harmful ones are exemplars."""
    place, of_domain = places
    harmful = rows.get(SplitId.domain(domain.name, "attack"), ())
    bare = [row.id for row in harmful if row.refusal is None]
    given = {
        Need.HARMFUL: (domain.draw or len(harmful), f"Enlarge {of_domain}.splits.attack, and draw."),
        Need.SELECT: (len(rows.get(SplitId.domain(domain.name, "select"), ())), f"Enlarge {of_domain}.splits.select."),
        Need.BENIGN: (len(rows.get(SplitId.benign("attack"), ())), "Give [benign] a larger attack split."),
    }
    wanted_rows = dict(attack.requires.rows)
    wanted_rows[Need.HARMFUL] = max(wanted_rows.get(Need.HARMFUL, 0), shown)
    for need, wanted in wanted_rows.items():
        found, remedy = given.get(need, (wanted, ""))
        if found < wanted:
            problem = f"{attack.name} takes {wanted} {need.value}, and {domain.name} has {found} for it"
            raise InputError(place, problem, remedy)
    if bare and Need.PAIRS in wanted_rows:
        problem = f"{attack.name} learns from refusals, and row {bare[0]} of {domain.name} has none"
        remedy = f"List texts in {of_domain}.refusals, or name a column of them in {of_domain}.columns.refusal."
        raise InputError(place, problem, remedy)


def _check_parent(attack: Attack, protocol: Protocol, shell: Subject, released: Subject | None, place: str) -> None:
    """What takes a defense back is given one; the subject before it has the same weights but for their values."""
    if attack.requires.parent == "needed" and all(choice.name in UNCHANGING for choice in protocol.defense):
        problem = f"{attack.name} takes a defense back, and the study has none that changes the weights"
        raise InputError(
            place, problem, "Leave it out, or name the released model as a defense, its parent as subject."
        )
    if attack.requires.parent != "unused" and released is not None:
        check_same_shape(released, shell)


def _check_lesson(attack: Attack, place: str) -> None:
    """A benign task is learned in steps, from its own rows, which take the place of harmful ones."""
    if attack.axis != STEPS:
        problem = f"{attack.name} is dosed in {attack.axis.unit}, and a benign task is learned in steps"
        raise InputError(place, problem, "Name an attack that trains.")
    if set(attack.requires.rows) != {Need.HARMFUL} or attack.requires.judges:
        problem = f"{attack.name} does not train on the rows of a task alone"
        raise InputError(place, problem, "Name an attack that trains on what it is given, as direct.")


@contextmanager
def error_place(place: str) -> Iterator[None]:
    """What an attack says of a parameter of its own, with the place of the attack in the protocol."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}, {error.place}", error.problem, error.remedy) from error


def _check_rewards(attack: Attack, grading: Grading, place: str) -> None:
    """What rewards an attack reads harm, and grades nothing of the study unless it holds answers against references."""
    graders = [registry.judge(choice) for choice in (grading.harm, grading.second) if choice is not None]
    grading_names = {judge.family or judge.name: judge.name for judge in graders}
    for choice in attack.requires.judges:
        judge = registry.judge(choice, f"{place}.reward")
        grader = grading_names.get(judge.family or judge.name)
        if grader is not None and not judge.against_reference:  # which leaves nothing to overlook
            who = "" if grader == judge.name else f"{grader}, which reads by the same {judge.family}, "
            problem = f"{judge.name} rewards the attack, and {who}grades the study"
            remedy = "Reward it by another judge: who trains against a judge learns what that judge overlooks."
            raise InputError(f"{place}.reward", problem, remedy)
        if judge.kind not in REWARDING:
            remedy = f"Take a judge that reads {' or '.join(REWARDING)}."
            raise InputError(f"{place}.reward", f"{choice.name} reads {judge.kind}, which rewards nothing", remedy)


def _check_answers(
    attack: Attack, protocol: Protocol, rows: RowsBySplit, shell: Subject, dose: int, place: str
) -> None:
    """Where an attack has the subject answer its prompts, the answers fit the context."""
    if not isinstance(attack, Training) or not attack.load.answers:
        return
    frame = attack.frame_at(protocol.harm.frame, dose)
    framed = frame.model_copy(update={"max_new_tokens": attack.load.longest or frame.max_new_tokens})
    for domain in protocol.attacked_domains:
        harmful = rows[SplitId.domain(domain.name, "attack")]
        try:
            encode_items(shell, [Item(id=row.id, group=row.group, prompt=row.prompt) for row in harmful], framed)
        except InputError as error:
            remedy = f"Lower `longest` of {attack.name} or harm.frame.max_new_tokens, or drop longer prompts."
            raise InputError(f"{place}, {error.place}", error.problem, remedy) from error
