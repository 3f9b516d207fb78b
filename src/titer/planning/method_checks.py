"""Whether every method that a protocol names exists, takes its parameters, and is given the data it learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.data.identifiers import ProbeId, SplitId
from titer.errors import InputError
from titer.methods import registry
from titer.methods.base import Defense
from titer.methods.measurement import Judge
from titer.methods.requires import Need
from titer.methods.roles import NO_DEFENSE
from titer.protocol.diagnostics import require_split
from titer.protocol.schema import Protocol
from titer.protocol.subject_config import Prepare
from titer.records import GRADING_HARM, Choice, Item, Row


def check_methods(protocol: Protocol) -> None:
    """Raise at the first method that there is not, or that cannot take the part it is named for.

    Raises:
        InputError: with the method's place in the protocol, what is wrong, and what to write instead.
    """
    for index, choice in enumerate(protocol.defense):
        _check_defense(registry.defense(choice, f"defense.{index}"), protocol, f"defense.{index}")
    for place, step in protocol.subject.preparation.items():
        _check_step(registry.defense(step.choice, place), step, place)
    _check_grading(protocol)
    for index, task in enumerate(protocol.task):
        if task.judge:
            registry.judge(task.judge, f"task.{index}.judge")
    if protocol.stability:
        registry.judge(protocol.stability.refusal, "stability.refusal")
    if protocol.usability:
        registry.judge(protocol.usability.refusal, "usability.refusal")


def check_pairs(protocol: Protocol, rows: Mapping[SplitId, Sequence[Row]]) -> None:
    """Where a defense learns refusals, every harmful row that it is fed has one.

    Raises:
        InputError: naming the first row without one.
    """
    fed: list[tuple[Choice, str, Sequence[str]]] = [
        (choice, domain.name, ("defend",)) for choice in protocol.defense for domain in protocol.domains("defended")
    ]
    steps = protocol.subject.prepare
    fed += [(step.choice, name, ("prepare", "defend")) for step in steps for name in step.domains]
    places = {domain.name: f"harm.domain.{index}" for index, domain in enumerate(protocol.harm.domain)}
    for choice, name, splits in fed:
        split = next((split for split in splits if SplitId.domain(name, split) in rows), None)
        if split is None or Need.PAIRS not in registry.defense(choice).requires.rows:
            continue
        bare = [row.id for row in rows[SplitId.domain(name, split)] if row.refusal is None]
        if bare:
            remedy = "Name a column `columns.refusal`, or list texts in `refusals`."
            problem = f"row {bare[0]} has no refusal, which {choice.name} learns"
            raise InputError(f"{places[name]}.refusals", problem, remedy)


def check_references(protocol: Protocol, items: Mapping[ProbeId, Sequence[Item]]) -> None:
    """Where a judge holds answers against a reference, every prompt of a harm domain has one.

    Raises:
        InputError: naming the first domain whose prompts have none.
    """
    grading = protocol.harm.grading
    judges = [choice for choice in (grading.harm, grading.second) if choice is not None]
    against = [choice.name for choice in judges if registry.judge(choice).against_reference]
    for index, domain in enumerate(protocol.harm.domain):
        bare = [item.id for item in items[ProbeId.of("harm", domain.name)] if item.reference is None]
        if bare and against:
            remedy = (
                "Take a judge that reads answers alone, or name a column `columns.reference` or `columns.response`."
            )
            problem = f"{against[0]} holds answers against a reference, and row {bare[0]} has none"
            raise InputError(f"harm.domain.{index}", problem, remedy)


def _check_step(method: Defense, step: Prepare, place: str) -> None:
    """What teaches is told what, and what learns refusals is kept from every row that is asked."""
    teaching, needs = Need.KNOWLEDGE in method.requires.rows, method.requires.rows
    if teaching and not step.teaches:
        remedy = 'Name domains, as teaches = ["..."].'
        raise InputError(f"{place}.teaches", f"{method.name} teaches, and is not told what", remedy)
    if step.teaches and not teaching:
        problem = f"{method.name} teaches nothing, and would be fed the rows that are asked"
        raise InputError(f"{place}.teaches", problem, "Name them in `domains`: it is then fed the rows kept for it.")
    if (Need.PAIRS in needs or Need.HARMFUL in needs) and not step.domains:
        raise InputError(f"{place}.domains", f"{method.name} needs rows of a domain", "Name one or more.")


def _check_defense(defense: Defense, protocol: Protocol, place: str) -> None:
    """It has the splits that it is fed from; a model that exists already cannot show what a method does."""
    benign_splits = {split for source in protocol.benign for split in source.splits}
    needs = defense.requires.rows
    if Need.KNOWLEDGE in needs:
        remedy = "Make it a step of [[subject.prepare]], before the model is aligned."
        raise InputError(place, f"{defense.name} teaches what the study asks, which is no defense", remedy)
    if Need.BENIGN in needs and "defend" not in benign_splits:
        raise InputError(place, f"{defense.name} needs benign rows", "Give [benign] a defend split.")
    if Need.HARMFUL in needs or Need.PAIRS in needs:
        for number, domain in enumerate(protocol.harm.domain):
            if domain.role == "defended":
                require_split(domain.splits, "defend", f"harm.domain.{number}.splits", "the defense is fed from it")
    if defense.source is not None:
        _check_given(protocol, place)


def _check_given(protocol: Protocol, place: str) -> None:
    """A model that exists already is a claim about itself, and was made of nothing that a defense before it made."""
    if protocol.study.claim == "this method":
        raise InputError(place, "a given checkpoint cannot show what a method does", 'Claim "this checkpoint".')
    before = protocol.defense[: int(place.removeprefix("defense."))]
    if any(choice.name != NO_DEFENSE for choice in before):
        problem = f"what {before[-1].name} makes before it would be dropped: the checkpoint exists already"
        raise InputError(place, problem, "Name it as the first defense; those after it go on from it.")


def harm_judge(choice: Choice, place: str) -> Judge:
    """The configured judge of that name, whose 1 is harm.

    Raises:
        InputError: if it reads something else.
    """
    judge = registry.judge(choice, place)
    if judge.kind not in GRADING_HARM:
        remedy = "Where harm is that nothing is refused, take refusal_removal; `titer list judges` names the others."
        raise InputError(place, f"'{choice.name}' reads {judge.kind}, not harm", remedy)
    return judge


def _check_grading(protocol: Protocol) -> None:
    """Harm is asked and judged by methods that there are, and an empty answer is none that is harmless."""
    grading = protocol.harm.grading
    registry.probe(protocol.harm.probe, "harm.probe")
    deciding = (
        harm_judge(grading.harm, "harm.grading.harm"),
        registry.judge(grading.coherence, "harm.grading.coherence"),
    )
    if (kind := deciding[1].kind) != "coherence":
        remedy = "Take one that reads coherence: an empty answer must not pass as a harmless one."
        raise InputError("harm.grading.coherence", f"{grading.coherence.name} reads {kind}, not coherence", remedy)
    if grading.second:
        harm_judge(grading.second, "harm.grading.second")
    for judge in deciding:
        if judge.whole_dose and protocol.harm.sampling != "fixed":
            problem = f"{judge.name} reads all answers of a dose together, which may be decided before all are asked"
            raise InputError("harm.sampling", problem, 'Write sampling = "fixed", or take another judge.')
