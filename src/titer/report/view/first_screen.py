"""The first screen: question, answer, the decisive picture, what was not tested, the doubt, the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from titer.analysis.findings import Assay, Finding, Verdict
from titer.analysis.sentences.text import Text, same
from titer.protocol.attack_families import FAMILIES
from titer.protocol.exposure import EXPOSED, domains_of
from titer.records import Outcome
from titer.report.dose_response import worst_within
from titer.report.view.condition_lines import ConditionLine, condition_lines, finding_place
from titer.report.view.findings import breaks_said
from titer.report.view.naming import attacks_said, budgets_said, domains_said, is_stand_in, names_said, shares_said
from titer.report.view.panels import PanelView
from titer.report.view.said import Fact, Given, Said, Sentence, count, percentage, pointer, quoted, several
from titer.report.words import first_screen as said
from titer.report.words import names

FEW, SHORT = 3, 100
"""How many kinds of attack that were not run are named, and how long a reason may be; all stands below."""


@dataclass(frozen=True, kw_only=True)
class FirstScreen:
    """What a reader sees without scrolling."""

    question: Said
    stand_in: Text | None
    outcome: Outcome
    answer: Said
    remarks: tuple[Said, ...]
    conditions: tuple[ConditionLine, ...]
    checks: ConditionLine
    picture: tuple[PanelView, ...]
    parent: Said | None
    untested: tuple[Said, ...]
    doubts: tuple[Said, ...]
    steps: tuple[Said, ...]


def first_screen(verdict: Verdict, assay: Assay, panels: Sequence[PanelView]) -> FirstScreen:
    """Draw it up.

    Args:
        verdict: what was concluded.
        assay: what it rests on.
        panels: all panels of harm, of which the decisive ones are shown.
    """
    return FirstScreen(
        question=_question(assay),
        stand_in=said.STAND_IN if is_stand_in(assay.protocol) else None,
        outcome=verdict.outcome,
        answer=_answer(verdict, assay),
        remarks=tuple(
            quoted(pointer("verdict", "remarks", place, "said"), one.said, one.said_zh)
            for place, one in enumerate(verdict.remarks)
        ),
        conditions=condition_lines(verdict, assay),
        checks=_checks(verdict),
        picture=tuple(_decisive(assay, panels)),
        parent=parent_said(verdict),
        untested=tuple(_untested(verdict, assay)),
        doubts=tuple(_doubts(verdict, assay)),
        steps=tuple(_steps(verdict, assay)),
    )


def parent_said(verdict: Verdict) -> Said | None:
    """What the verdict says of the model that the defense began with, which an attacker may take instead."""
    return quoted("/verdict/parent", verdict.parent, verdict.parent_zh) if verdict.parent else None


def _question(assay: Assay) -> Sentence:
    protocol = assay.protocol
    besides = said.BESIDES if protocol.defended and (protocol.stability or protocol.trainability) else Text("", "")
    fields: dict[str, Said] = {
        "model": Given(text=protocol.subject.model),
        "defense": several((Given(text=choice.name) for choice in protocol.defense), Text(" + ", " + ")),
        "attacks": attacks_said(assay, [choice.label for choice in protocol.attacker.attack]),
        "budgets": budgets_said(protocol),
        "besides": besides,
    }
    return Sentence(template=said.QUESTION if protocol.defended else said.QUESTION_ALONE, fields=fields)


def _answer(verdict: Verdict, assay: Assay) -> Sentence:
    failed = [finding for finding in verdict.controls if finding.outcome == "void"]
    found = sorted(
        verdict.conditions, key=lambda finding: finding.outcome != verdict.outcome
    )  # what decides comes first
    parts = [part for finding in found if (part := _part(finding, assay)) is not None]
    if verdict.outcome == "void":
        template, about = said.FAILED_CHECKS, [names.CONTROLS.get(f.name, Given(text=f.name)) for f in failed]
        if not failed:
            void = [finding.name for finding in verdict.conditions if finding.outcome == "void"]
            template, about = said.NO_RESULT_OF, [names.CONDITIONS.get(name, Given(text=name)) for name in void]
        parts = [Sentence(template=template, fields={"names": several(about)})]
    elif verdict.outcome == "undecided":
        unsure = [f for f in verdict.controls if f.outcome == "undecided"]
        checks = several(names.CONTROLS.get(f.name, Given(text=f.name)) for f in unsure)
        parts += [Sentence(template=said.OPEN_CHECKS, fields={"names": checks})] if unsure else []
    confidence = percentage(pointer("protocol", "study", "confidence"), assay.protocol.study.confidence)
    fields: dict[str, Said] = {"parts": several(parts, Text("; ", "；")), "confidence": confidence}
    return Sentence(template=said.ANSWERS[verdict.outcome], fields=fields)


def _part(finding: Finding, assay: Assay) -> Said | None:
    """What one condition adds to the answer."""
    protocol = assay.protocol
    if finding.name not in EXPOSED:
        return said.KEPT.get((finding.name, finding.outcome))
    if finding.outcome == "not applicable":
        return None
    where = said.ON_OWN if finding.name == "resistance" else said.ON_OTHER
    if not protocol.defended:
        where = said.ON_ALL
    fields: dict[str, Said] = {
        "where": Sentence(template=where, fields={"domains": domains_said(protocol, finding.name)}),
        **shares_said(protocol),
        "threshold": percentage(pointer("protocol", "harm", "threshold"), protocol.harm.threshold),
    }
    known = {"void": said.EXPOSED_VOID, **said.EXPOSED[protocol.study.claim]}
    return Sentence(template=known.get(finding.outcome, said.EXPOSED_OPEN), fields=fields)


def _decisive(assay: Assay, panels: Sequence[PanelView]) -> Iterator[PanelView]:
    """Of each condition the panel whose attack got furthest within its budget; of equals the longest ladder."""
    for condition in EXPOSED:
        about = {domain.name for domain in domains_of(assay.protocol, condition)}
        own = [view for view in panels if view.panel.about in about and view.panel.of("defended")]
        if own:
            yield max(own, key=lambda view: worst_within(view.panel))


def _untested(verdict: Verdict, assay: Assay) -> Iterator[Said]:
    run = {family for facts in assay.attacks.values() for family in facts.families}
    missing = [names.FAMILIES[family] for family in FAMILIES if family not in run]
    if missing:
        yield Sentence(template=said.OTHER_FAMILIES, fields={"families": several(missing[:FEW])})
    for place, text in enumerate(verdict.unchecked):
        other = verdict.unchecked_zh[place] if place < len(verdict.unchecked_zh) else None
        at, at_zh = (pointer("verdict", name, place) for name in ("unchecked", "unchecked_zh"))
        known = quoted(at, text, other, place_zh=at_zh)
        yield Sentence(template=said.UNCHECKED, fields={"what": known})
    domains = names_said(domain.name for domain in assay.protocol.harm.domain)
    yield Sentence(template=said.BEYOND, fields={"domains": domains})


def _doubts(verdict: Verdict, assay: Assay) -> Iterator[Said]:
    study = assay.protocol.study
    for place, finding in enumerate(verdict.controls):
        if finding.outcome in ("void", "undecided", "refuted"):
            at = pointer("verdict", "controls", place, "reason")
            name = names.CONTROLS.get(finding.name, Given(text=finding.name))
            reason = quoted(at, finding.reason, finding.reason_zh)
            yield Sentence(template=said.DOUBT_CHECK, fields={"name": name, "reason": reason})
    for place, finding in enumerate(verdict.conditions):
        if finding.provisional and finding.name in EXPOSED:
            at = finding_place("conditions", place, "provisional")
            reason = quoted(at, finding.provisional, finding.provisional_zh)
            short = len(finding.provisional) <= SHORT
            yield Sentence(template=said.DOUBT_SEARCH, fields={"reason": reason}) if short else said.DOUBT_SEARCH_MANY
            break
    yield from _beyond(verdict, assay)
    judge = Given(text=assay.protocol.harm.grading.harm.name)
    yield Sentence(template=said.DOUBT_JUDGE, fields={"judge": judge})
    if assay.protocol.defended:
        yield said.DOUBT_PARENT[assay.protocol.subject.public]
    fields: dict[str, Said] = {
        "confidence": percentage(pointer("protocol", "study", "confidence"), study.confidence),
        "seeds": count(pointer("protocol", "study", "seeds", "attack"), study.seeds.attack),
    }
    yield Sentence(template=said.DOUBT_CONFIDENCE, fields=fields)


def _beyond(verdict: Verdict, assay: Assay) -> Iterator[Said]:
    """Where what holds within the budget breaks beyond it, as far as that was tried."""
    budgets = {axis.name: budget for axis, budget in assay.protocol.attacker.budgets.items()}
    for place, finding in enumerate(verdict.conditions):
        if finding.outcome == "upheld" and finding.name in EXPOSED:
            for order, figure in enumerate(finding.figures):
                titer = figure.high if figure.what == "titer" and figure.subject == "defended" else None
                if titer is not None and titer > budgets[figure.unit]:
                    breaks = breaks_said(finding_place("conditions", place, "figures", order), figure)
                    fields = {"domains": domains_said(assay.protocol, finding.name), "breaks": breaks}
                    yield Sentence(template=said.DOUBT_BEYOND, fields=fields)


def _checks(verdict: Verdict) -> ConditionLine:
    """The controls in one line, beside the conditions."""
    outcomes = {finding.outcome for finding in verdict.controls}
    outcome: Outcome = "void" if "void" in outcomes else "undecided" if "undecided" in outcomes else "upheld"
    return ConditionLine(
        key="controls",
        outcome=outcome,
        asked=said.CHECKS_ASKED,
        came_out=names.CONTROL_OUTCOMES[outcome],
        number=_checks_passed(verdict),
    )


def _checks_passed(verdict: Verdict) -> Sentence:
    """How many of the controls passed, of those that were asked."""
    asked = [finding for finding in verdict.controls if finding.outcome != "not applicable"]
    passed = sum(finding.outcome == "upheld" for finding in asked)
    place = same(pointer("verdict", "controls"))
    fields: dict[str, Said] = {
        "passed": Fact(place=place, shown=same(passed), form="passed"),
        "asked": Fact(place=place, shown=same(len(asked)), form="asked"),
    }
    return Sentence(template=said.CHECKS, fields=fields)


def _steps(verdict: Verdict, assay: Assay) -> Iterator[Said]:
    for part, findings in (("controls", verdict.controls), ("conditions", verdict.conditions)):
        for place, finding in enumerate(findings):
            if part == "conditions" and finding.outcome == "refuted":
                domains = domains_said(assay.protocol, "resistance")
                alone = finding.name == "resistance" and not assay.protocol.defended
                template = said.NEXT_REFUTED_ALONE if alone else said.NEXT_REFUTED[finding.name]
                yield Sentence(template=template, fields={"domains": domains})
            elif finding.remedy and finding.outcome != "not applicable":
                yield quoted(finding_place(part, place, "remedy"), finding.remedy, finding.remedy_zh)
    run = {family for facts in assay.attacks.values() for family in facts.families}
    if any(finding.provisional for finding in verdict.conditions if finding.name in EXPOSED):
        yield said.NEXT_SEARCH
    if not run.issuperset(FAMILIES):
        yield said.NEXT_FAMILIES
    yield said.NEXT_VERIFY
