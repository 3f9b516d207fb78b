"""Whether each attack fits its study: the axis and rungs it is given, the rows, the modules of the subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer import catalogue
from titer.attacker import Dosing
from titer.axes import STEPS
from titer.chat import encode_items
from titer.errors import InputError
from titer.interfaces import REWARDING, Attack, Need
from titer.protocol import Grading, Protocol
from titer.recipe import Training
from titer.records import Item, Row
from titer.sources import Domain
from titer.subject import Subject

Rows = Mapping[str, Sequence[Row]]


def check_attacks(protocol: Protocol, rows: Rows, shell: Subject) -> None:
    """Raise at the first attack that cannot be run as the study has it.

    Args:
        protocol: the study.
        rows: the rows of every split, by its name in the frozen study.
        shell: the modules of the subject; the weights need no values.

    Raises:
        InputError: with the attack's place, what does not fit, and what to write instead.
    """
    for index, (choice, dosing) in enumerate(zip(protocol.attacker.attack, protocol.attacker.dosings, strict=True)):
        place = f"attacker.attack.{index}"
        attack = catalogue.attack(choice, place)
        _check_doses(attack, dosing, place)
        for number, domain in enumerate(protocol.harm.domain):
            _check_rows(attack, domain, rows, place, f"harm.domain.{number}")
        _check_modules(attack, shell, place)
        _check_rewards(attack, protocol.harm.grading, place)
        _check_answers(attack, protocol, rows, shell, dosing.ladder[-1], place)
    if protocol.trainability is not None:
        place = "trainability.attack"
        attack = catalogue.attack(protocol.trainability.attack, place)
        if Need.PAIRS in attack.needs:
            raise InputError(place, f"{attack.name} learns from refusals, and a benign task has none", "Name another.")
        if attack.rewarded_by():
            raise InputError(place, f"{attack.name} learns what a judge rewards, not a benign task", "Name another.")
        if attack.axis != STEPS:
            problem = f"{attack.name} is dosed in {attack.axis.unit}, and a benign task is learned in steps"
            raise InputError(place, problem, "Name an attack that trains.")
        _check_modules(attack, shell, place)


def _check_doses(attack: Attack, dosing: Dosing, place: str) -> None:
    """The ladder is on the attack's axis, and each of its rungs is a dose that the attack comes to."""
    own = attack.axis
    if own != dosing.axis:
        remedy = f"Write ladder = {{ {own.name} = [0, ...] }} beside its name, and {own.name} in attacker.budget."
        if own == STEPS:
            remedy = "Write ladder = { steps = [0, ...] }, or leave it out for attacker.ladder."
        raise InputError(place, f"{attack.name} is dosed in {own.unit}, and its ladder in {dosing.axis.unit}", remedy)
    reached = attack.rungs(dosing.ladder)
    for dose in dosing.ladder[1:]:
        if dose not in reached:
            remedy = f"Leave it out: {own.name} of it are {', '.join(map(str, reached)) or 'none'}."
            raise InputError(f"{place}.ladder", f"{attack.name} never comes to the dose {dose}", remedy)


def _check_rows(attack: Attack, domain: Domain, rows: Rows, place: str, of_domain: str) -> None:
    """There are as many rows of each kind as the attack takes."""
    harmful = rows.get(f"domain/{domain.name}/attack", ())
    bare = [row.id for row in harmful if row.refusal is None]
    given = {
        Need.HARMFUL: (domain.draw or len(harmful), f"Enlarge {of_domain}.splits.attack, and draw."),
        Need.SELECT: (len(rows.get(f"domain/{domain.name}/select", ())), f"Enlarge {of_domain}.splits.select."),
        Need.BENIGN: (len(rows.get("benign/attack", ())), "Give [benign] a larger attack split."),
    }
    for need, wanted in attack.rows().items():
        found, remedy = given.get(need, (wanted, ""))
        if found < wanted:
            problem = f"{attack.name} takes {wanted} {need.value}, and {domain.name} has {found} for it"
            raise InputError(place, problem, remedy)
    if bare and Need.PAIRS in attack.needs:
        problem = f"{attack.name} learns from refusals, and row {bare[0]} of {domain.name} has none"
        remedy = f"List texts in {of_domain}.refusals, or name a column of them in {of_domain}.columns.refusal."
        raise InputError(place, problem, remedy)


def _check_modules(attack: Attack, shell: Subject, place: str) -> None:
    try:
        attack.check(shell)
    except InputError as error:
        raise InputError(f"{place}, {error.place}", error.problem, error.remedy) from error


def _check_rewards(attack: Attack, grading: Grading, place: str) -> None:
    """What rewards an attack reads harm from the prompt and the answer alone, and grades nothing of the study."""
    graders = {choice.name for choice in (grading.harm, grading.second) if choice is not None}
    for choice in attack.rewarded_by():
        judge = catalogue.judge(choice, f"{place}.reward")
        if choice.name in graders:
            problem = f"{choice.name} rewards the attack, and grades the study"
            remedy = "Reward it by another judge: who trains against a judge learns what that judge overlooks."
            raise InputError(f"{place}.reward", problem, remedy)
        if judge.kind not in REWARDING:
            remedy = f"Take a judge that reads {' or '.join(REWARDING)}."
            raise InputError(f"{place}.reward", f"{choice.name} reads {judge.kind}, which rewards nothing", remedy)
        if judge.against_reference:
            problem = f"{choice.name} holds answers against a reference, and an attacker with prompts only has none"
            raise InputError(f"{place}.reward", problem, "Take a judge that reads answers alone.")


def _check_answers(attack: Attack, protocol: Protocol, rows: Rows, shell: Subject, dose: int, place: str) -> None:
    """Where an attack has the subject answer its prompts, the answers fit the context."""
    if not isinstance(attack, Training) or not attack.load.answers:
        return
    frame = attack.framed(protocol.harm.frame, dose)
    framed = frame.model_copy(update={"max_new_tokens": attack.load.longest or frame.max_new_tokens})
    for domain in protocol.harm.domain:
        harmful = rows[f"domain/{domain.name}/attack"]
        try:
            encode_items(shell, [Item(id=row.id, group=row.group, prompt=row.prompt) for row in harmful], framed)
        except InputError as error:
            remedy = f"Lower `longest` of {attack.name} or harm.frame.max_new_tokens, or drop longer prompts."
            raise InputError(f"{place}, {error.place}", error.problem, remedy) from error
