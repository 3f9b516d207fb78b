"""Whether each attack fits its study: the axis and rungs it is given, the rows, the modules of the subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from titer import catalogue
from titer.attacker import Dosing
from titer.axes import STEPS
from titer.errors import InputError
from titer.interfaces import Attack, Need
from titer.protocol import Protocol
from titer.records import Row
from titer.sources import Domain
from titer.spaces import attacks_of
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
        for attack in attacks_of(choice, place):
            _check_doses(attack, dosing, place)
            for number, domain in enumerate(protocol.harm.domain):
                shown = attack.shown(dosing.ladder[-1])
                _check_rows(attack, domain, rows, shown, (place, f"harm.domain.{number}"))
            with placed(place):
                attack.check(shell)
    if protocol.trainability is not None:
        place = "trainability.attack"
        attack = catalogue.attack(protocol.trainability.attack, place)
        _check_lesson(attack, place)
        with placed(place):
            attack.check(shell)


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
    with placed(place):
        attack.check_horizon(dosing.ladder[-1])


def _check_rows(attack: Attack, domain: Domain, rows: Rows, shown: int, places: tuple[str, str]) -> None:
    """There are as many rows of each kind as the attack takes; `shown` of the harmful ones are exemplars."""
    place, of_domain = places
    harmful = rows.get(f"domain/{domain.name}/attack", ())
    bare = [row.id for row in harmful if row.refusal is None]
    if bare and Need.PAIRS in attack.rows():
        remedy = "Name a column `columns.refusal`, or list texts in `refusals`."
        raise InputError(f"{of_domain}.refusals", f"row {bare[0]} has no refusal, which {attack.name} learns", remedy)
    given = {
        Need.HARMFUL: (domain.draw or len(harmful), f"Enlarge {of_domain}.splits.attack, and draw."),
        Need.SELECT: (len(rows.get(f"domain/{domain.name}/select", ())), f"Enlarge {of_domain}.splits.select."),
        Need.BENIGN: (len(rows.get("benign/attack", ())), "Give [benign] a larger attack split."),
    }
    wanted_rows = dict(attack.rows())
    wanted_rows[Need.HARMFUL] = max(wanted_rows.get(Need.HARMFUL, 0), shown)
    for need, wanted in wanted_rows.items():
        found, remedy = given.get(need, (wanted, ""))
        if found < wanted:
            problem = f"{attack.name} takes {wanted} {need.value}, and {domain.name} has {found} for it"
            raise InputError(place, problem, remedy)


def _check_lesson(attack: Attack, place: str) -> None:
    """A benign task is learned in steps, from its own rows, which take the place of harmful ones."""
    if attack.axis != STEPS:
        problem = f"{attack.name} is dosed in {attack.axis.unit}, and a benign task is learned in steps"
        raise InputError(place, problem, "Name an attack that trains.")
    if attack.needs != {Need.HARMFUL}:
        problem = f"{attack.name} does not train on the rows of a task alone"
        raise InputError(place, problem, "Name an attack that trains on what it is given, as direct.")


@contextmanager
def placed(place: str) -> Iterator[None]:
    """What an attack says of a parameter of its own, with the place of the attack in the protocol."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}, {error.place}", error.problem, error.remedy) from error
