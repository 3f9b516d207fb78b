"""Whether each attack fits its study: the axis and rungs it is given, the rows, the modules of the subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer import catalogue
from titer.attacker import Dosing
from titer.axes import STEPS
from titer.delta import check_same_shape
from titer.errors import InputError
from titer.interfaces import Attack, Need
from titer.protocol import Protocol
from titer.records import Row
from titer.sources import Domain
from titer.subject import Subject

Rows = Mapping[str, Sequence[Row]]


def check_attacks(protocol: Protocol, rows: Rows, shell: Subject, released: Subject | None = None) -> None:
    """Raise at the first attack that cannot be run as the study has it.

    Args:
        protocol: the study.
        rows: the rows of every split, by its name in the frozen study.
        shell: the modules of the subject; the weights need no values.
        released: those of the defended model, where it is a checkpoint.

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
        _check_parent(attack, protocol, shell, released, place)
    if protocol.trainability is not None:
        place = "trainability.attack"
        attack = catalogue.attack(protocol.trainability.attack, place)
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
    paired = sum(row.refusal is not None for row in harmful)
    given = {
        Need.HARMFUL: (domain.draw or len(harmful), f"Enlarge {of_domain}.splits.attack, and draw."),
        Need.PAIRS: (paired, f"List texts in {of_domain}.refusals, or name a column of them."),
        Need.SELECT: (len(rows.get(f"domain/{domain.name}/select", ())), f"Enlarge {of_domain}.splits.select."),
        Need.BENIGN: (len(rows.get("benign/attack", ())), "Give [benign] a larger attack split."),
    }
    if Need.PAIRS in attack.needs and paired < len(harmful):
        problem = f"{attack.name} takes a refusal with every harmful row, and {len(harmful) - paired} of {domain.name}"
        raise InputError(place, f"{problem} have none", given[Need.PAIRS][1])
    for need, wanted in attack.rows().items():
        found, remedy = given.get(need, (wanted, ""))
        if found < wanted:
            problem = f"{attack.name} takes {wanted} {need.value}, and {domain.name} has {found} for it"
            raise InputError(place, problem, remedy)


def _check_parent(attack: Attack, protocol: Protocol, shell: Subject, released: Subject | None, place: str) -> None:
    """What takes a defense back is given one; the subject before it has the same weights but for their values."""
    if attack.undoes and not protocol.defended:
        problem = f"{attack.name} takes a defense back, and the study has none"
        raise InputError(
            place, problem, "Leave it out, or name the released model as a defense, its parent as subject."
        )
    if Need.PARENT in attack.needs and released is not None:
        check_same_shape(released, shell)


def _check_modules(attack: Attack, shell: Subject, place: str) -> None:
    try:
        attack.check(shell)
    except InputError as error:
        raise InputError(f"{place}, {error.place}", error.problem, error.remedy) from error
