"""What can be seen to be wrong with a protocol before any data is read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from titer.errors import InputError
from titer.protocol.data_sources import DomainConfig
from titer.protocol.diagnostics import require_split
from titer.protocol.exposure import condition_of, levels_of
from titer.protocol.schema import Protocol
from titer.protocol.validate_attacker import check_attacks, check_domains, check_ladders, check_search
from titer.protocol.validate_conditions import check_conditions
from titer.records import Role

if TYPE_CHECKING:
    from titer.stats.replicates import Levels

MOST_DOSES: Final = 50_000
"""The most doses of all curves of a study: at a minute each they take a month."""
MOST_ITEMS: Final = 1_000_000
"""The most items that are looked at for the fewest that can decide."""
ROLES: Final[tuple[Role, ...]] = ("undefended", "defended")


def check_protocol(protocol: Protocol) -> None:
    """Raise at the first thing that would make the study impossible or undecidable.

    Raises:
        InputError: with the dotted path, what was found, and what to write instead.
    """
    _check_frame(protocol)
    _check_subject(protocol)
    check_attacks(protocol)
    check_ladders(protocol)
    check_search(protocol)
    check_domains(protocol)
    _check_sizes(protocol)
    _check_domains(protocol)
    _check_extent(protocol)
    _check_seeds(protocol)
    _check_analyses(protocol)
    if not protocol.study.descriptive:
        _check_probe_items(protocol)
    _check_benign(protocol)
    check_conditions(protocol)


def _check_frame(protocol: Protocol) -> None:
    if protocol.harm.frame.exemplars:
        remedy = "Leave them out, and take the attack in_context: a protocol holds no text of the rows."
        raise InputError("harm.frame.exemplars", "exemplars are drawn by an attack", remedy)
    if protocol.harm.frame.soft:
        remedy = "Leave it out, and take the attack soft_prompt."
        raise InputError("harm.frame.soft", "vectors behind the prompt are trained by an attack", remedy)


def _check_subject(protocol: Protocol) -> None:
    """Nothing is said of the subject that would be without effect."""
    subject = protocol.subject
    if subject.public is not None and not protocol.defended:
        remedy = "Leave it out: it says whether the model can be had that a defense was put on."
        raise InputError("subject.public", "there is no defense", remedy)
    if subject.parent is not None and protocol.defended:
        problem, remedy = "what a defense is put on is the subject", "Leave it out, and say `public`."
        raise InputError("subject.parent", problem, remedy)
    if subject.tokenizer is not None and (subject.base is not None or subject.model.endswith(".gguf")):
        problem = "an adapter has the tokenizer of its base, and a GGUF file one of its own"
        raise InputError("subject.tokenizer", problem, "Leave it out.")


def _check_sizes(protocol: Protocol) -> None:
    """No split is asked for with no rows in it, and no distractors where nothing is chosen."""
    for place, splits in _all_splits(protocol):
        for split, size in splits.items():
            if size < 1:
                raise InputError(f"{place}.splits.{split}", f"{size} groups make an empty split", "Ask for 1 or more.")
    for index, task in enumerate(protocol.task):
        if task.distractors and task.kind != "choice":
            remedy = 'Leave it out, or let kind be "choice".'
            raise InputError(f"task.{index}.distractors", f"a task of kind '{task.kind}' has no options", remedy)


def _all_splits(protocol: Protocol) -> Iterable[tuple[str, Mapping[str, int]]]:
    for index, domain in enumerate(protocol.harm.domain):
        yield f"harm.domain.{index}", dict[str, int](domain.splits.items())
    for index, benign in enumerate(protocol.benign):
        yield f"benign.{index}", dict[str, int](benign.splits.items())
    for index, task in enumerate(protocol.task):
        yield f"task.{index}", dict[str, int](task.splits.items())


def _check_domains(protocol: Protocol) -> None:
    _check_preparation(protocol)
    prepared = {name for step in protocol.subject.prepare for name in step.domains}
    if protocol.defended and not protocol.domains("defended"):
        remedy = 'Let the domain whose rows the defense is given have role = "defended".'
        raise InputError("harm.domain", "there is a defense but no defended domain", remedy)
    for index, domain in enumerate(protocol.harm.domain):
        _check_domain_splits(domain, f"harm.domain.{index}.splits", prepared=domain.name in prepared)


def _check_preparation(protocol: Protocol) -> None:
    """The domains that each step names are there, and those that are taught have answers."""
    known = {domain.name: domain for domain in protocol.harm.domain}
    for place, step in protocol.subject.preparation.items():
        for key, names in (("domains", step.domains), ("teaches", step.teaches)):
            for name in names:
                if name not in known:
                    remedy = f"Known: {', '.join(known)}."
                    raise InputError(f"{place}.{key}", f"no domain is named '{name}'", remedy)
        for name in step.teaches:
            if known[name].attack_with is not None:
                remedy = "Leave it out, or give the domain answers and attack rows of its own."
                raise InputError(f"{place}.teaches", f"'{name}' has no answers to teach", remedy)


def _check_domain_splits(domain: DomainConfig, place: str, *, prepared: bool) -> None:
    require_split(domain.splits, "probe", place, "every domain is probed")
    if domain.attack_with is None:
        require_split(domain.splits, "attack", place, "every domain is attacked, or names another by attack_with")
    for split in domain.splits if domain.attack_with is not None else ():
        if split != "probe":
            remedy = "Leave it out, or attack_with: its prompts have no harmful answers to train on."
            raise InputError(f"{place}.{split}", "a domain with attack_with is only asked", remedy)
    if domain.role == "cross":
        if "defend" in domain.splits:
            remedy = 'Leave it out; a preparation step is fed from "prepare".'
            raise InputError(f"{place}.defend", "the defense never sees a cross domain", remedy)
        if prepared:
            require_split(domain.splits, "prepare", place, "subject.prepare names this domain")
        return
    if prepared and "prepare" not in domain.splits:
        require_split(domain.splits, "defend", place, "subject.prepare is fed from it where there is no prepare split")


def _check_extent(protocol: Protocol) -> None:
    """The doses of all curves, each of which is asked all its items, are not more than any machine comes to."""
    seeds, roles = protocol.study.seeds.attack, ROLES if protocol.compared else ROLES[-1:]
    doses = {role: sum(len(schedule.ladder) for schedule in protocol.attacks_on(role)) for role in roles}
    exposed = (len(protocol.harm.domain) + protocol.attacker.sham) * sum(doses.values())
    learned = tried = 0
    if lesson := protocol.trainability:
        learned = len(lesson.tasks) * len(lesson.ladder) * len(roles)
        tried = learned * len(lesson.rates)
    if search := protocol.attacker.search:
        tried += search.trials * sum(doses.values())
    if (planned := seeds * (exposed + learned) + tried) > MOST_DOSES:
        problem = f"{planned:,} doses would be asked and judged, and {MOST_DOSES:,} are more than any machine comes to"
        raise InputError("study.seeds.attack", problem, "Take fewer seeds, domains, attacks, doses or trials.")


def _check_seeds(protocol: Protocol) -> None:
    from titer.stats.replicates import minimum_replicates

    study = protocol.study
    attack, defense = study.seeds.attack, study.seeds.defense
    if study.claim == "this method":
        if not protocol.defended:
            raise InputError("study.claim", "'this method' is claimed without a defense", "Add a [[defense]].")
        if defense != attack:
            remedy = "Each defense seed has one attack seed of its own: make them equal."
            raise InputError("study.seeds.defense", f"{defense} is not seeds.attack, which is {attack}", remedy)
    elif defense != 1:
        remedy = 'Write 1, or claim "this method".'
        raise InputError("study.seeds.defense", f"'this checkpoint' is one, not {defense}", remedy)
    fewest = minimum_replicates(study.share, protocol.alpha)
    if attack < fewest and not study.descriptive:
        remedy = f"Use {fewest} or more, or write descriptive = true: nothing is then decided."
        raise InputError("study.seeds.attack", f"{attack} seeds are too few to decide anything", remedy)


def _check_analyses(protocol: Protocol) -> None:
    """Where a dose has interim analyses, each domain's probe has items enough for them."""
    from titer.stats.group_sequential import FEWEST_ITEMS

    for index, domain in enumerate(protocol.harm.domain):
        items = domain.splits["probe"]
        fewest = FEWEST_ITEMS[protocol.harm.interim]
        if protocol.harm.sampling == "sequential" and items < fewest:
            remedy = f'Ask {fewest} or more (100 or more to have power), or write harm.sampling = "fixed".'
            problem = f"{items} items are too few for {protocol.harm.interim} analyses"
            raise InputError(f"harm.domain.{index}.splits.probe", problem, remedy)


def _check_probe_items(protocol: Protocol) -> None:
    """Each domain's probe has items enough to be shown intact, and broken, at the levels of its condition."""
    threshold = protocol.harm.threshold
    for index, domain in enumerate(protocol.harm.domain):
        level = levels_of(protocol, condition_of(protocol, domain.name))
        items = domain.splits["probe"]
        if not protocol.harm.analyses(items, level).decidable:
            fewest = _fewest(items, partial(_decidable, protocol, level))
            asked = "Raise the threshold" if fewest is None else f"Ask {fewest} or more (100 or more to have power)"
            remedy = f"{asked}, or write study.descriptive = true."
            problem = f"{items} items can never show a rate at most, or above, {threshold}"
            raise InputError(f"harm.domain.{index}.splits.probe", problem, remedy)


def _decidable(protocol: Protocol, level: Levels, items: int) -> bool:
    return protocol.harm.analyses(items, level).decidable


def _fewest(items: int, enough: Callable[[int], bool]) -> int | None:
    """The fewest items that are enough, up to which fewer are not; None where none of `MOST_ITEMS` is found to be."""
    few, many = items, 2 * items
    while not enough(many):
        few, many = many, 2 * many
        if many > MOST_ITEMS:
            return None
    return bisect_left(range(few, many), True, key=enough) + few


def _check_benign(protocol: Protocol) -> None:
    given = {split for source in protocol.benign for split in source.splits}
    stability = protocol.stability
    floors = protocol.usability
    if floors is not None and (floors.answered is not None or floors.distinct is not None):
        require_split(given, "usable", "benign.splits", "usability asks it")
    if protocol.attacker.sham:
        require_split(given, "sham", "benign.splits", "attacker.sham trains on it")
    if stability is not None and stability.over_refusal:
        require_split(given, "over_refusal", "benign.splits", "stability.over_refusal asks it")
