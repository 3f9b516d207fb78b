"""What the parts of a study are called on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from titer.analysis.findings import Assay
from titer.analysis.sentences.text import Text, share_of
from titer.data.lines import ORGANISM
from titer.protocol.attack_families import AttackFacts
from titer.protocol.attacker import winner_of_m
from titer.protocol.dose_axes import Axis, named
from titer.protocol.schema import Protocol
from titer.report.series import Series
from titer.report.view.said import Fact, Given, Said, Sentence, count, pointer, several
from titer.report.words import first_screen as said
from titer.report.words import names

FEW: Final = 4
"""How many kinds of attack, or limits, are named in one sentence; all of them stand below."""
SERIES: Final[tuple[Series, ...]] = ("undefended", "defended", "undefended sham", "defended sham")


def series_names(protocol: Protocol) -> Mapping[Series, Text]:
    """What each line of a chart is called."""
    other, own = (said.UNPROTECTED, said.PROTECTED) if protocol.defended else (said.REFERENCE, said.ASSAYED)
    shams = [Text(said.SHAM.en.format(subject=one.en), said.SHAM.zh.format(subject=one.zh)) for one in (other, own)]
    return dict(zip(SERIES, (other, own, *shams), strict=True))


def attack_said(assay: Assay, label: str) -> Said:
    """What an attack does, by its families; one that names none is called by its label."""
    own = _winners(assay.protocol).get(label)
    if own is not None:
        return Sentence(template=said.AT_OTHERS_BEST, fields={"attack": attack_said(assay, own)})
    return several(_kinds(assay, label), Text(" or ", " 或 "))


def attack_labeled(assay: Assay, label: str) -> Said:
    """What an attack does, with its label, unless it is called by that alone."""
    known = label in _winners(assay.protocol) or assay.attacks.get(label, AttackFacts()).families
    what = attack_said(assay, label)
    return several((what, Given(text=label)), Text(": ", "：")) if known else what


def attacks_said(assay: Assay, labels: Iterable[str]) -> Said:
    """What some attacks do, each kind once, and of many kinds a few."""
    winners = _winners(assay.protocol)
    kinds = list(dict.fromkeys(kind for label in labels for kind in _kinds(assay, winners.get(label, label))))
    return _few(kinds, said.OTHER_KINDS, Text("; ", "；"))


def _winners(protocol: Protocol) -> Mapping[str, str]:
    """The attack that was searched, by the label under which the winner of M is run on M*."""
    return {winner_of_m(choice.label): choice.label for choice in protocol.attacker.attack if choice.search is not None}


def _kinds(assay: Assay, label: str) -> tuple[Said, ...]:
    """The families of an attack in words; one that names none by its label."""
    families = assay.attacks.get(label, AttackFacts()).families
    if not families:
        return (several((names.AN_ATTACK, Given(text=label)), Text(" ", " ")),)
    return tuple(names.FAMILIES.get(family, Given(text=family)) for family in families)


def _few(parts: Sequence[Said], others: Text, between: Text) -> Said:
    """All parts, or of many the first, and that there are others."""
    return several(parts if len(parts) <= FEW else [*parts[: FEW - 1], others], between)


def axis_said(axis: Axis) -> Said:
    """What is laid off along the doses."""
    return names.AXES.get(axis.name) or Given(text=axis.unit)


def dose_said(axis: str, dose: Fact) -> Said:
    """A dose in words.

    Args:
        axis: the name of its axis.
        dose: the dose.
    """
    template = (names.ONE_DOSE.get(axis) if dose.shown.en == "1" else None) or names.DOSES.get(axis)
    if template is None:
        return several((dose, Given(text=named(axis).unit)), Text(" ", " "))
    return Sentence(template=template, fields={"dose": dose})


def budgets_said(protocol: Protocol) -> Said:
    """What the attacker may spend, on each axis that an attack is dosed on."""
    budgets = protocol.attacker.budgets.items()
    doses = [dose_said(a.name, count(pointer("protocol", "attacker", "budget", a.name), b)) for a, b in budgets]
    return _few(doses, said.OTHER_LIMITS, Text(" or ", " 或 "))


def names_said(given: Iterable[str]) -> Said:
    """Names from outside, in a row."""
    return several(Given(text=name) for name in given)


def domains_said(protocol: Protocol, condition: str) -> Said:
    """The domains of resistance or generalization."""
    if not protocol.defended:
        return names_said(domain.name for domain in protocol.harm.domain)
    role = "defended" if condition == "resistance" else "cross"
    return names_said(domain.name for domain in protocol.harm.domain if domain.role == role)


def shares_said(protocol: Protocol) -> dict[str, Said]:
    """The share of attackers, or of models, that the claim allows to break, and that of the rest."""
    share = protocol.study.share
    return {"share": share_of(share), "rest": share_of(1 - share)}


def is_stand_in(protocol: Protocol) -> bool:
    """Whether all that is called harm is of the built-in organism, and harmless."""
    return all(domain.source.startswith(ORGANISM) for domain in protocol.harm.domain)
