"""What is seen of all attacks at once: the matrix, the worst of all, the families, the cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from titer.analysis.findings import Assay
from titer.analysis.sentences.text import Text
from titer.protocol.attack_families import FAMILIES, AttackFacts
from titer.protocol.dose_axes import named
from titer.records import Role
from titer.report.summary import ROLES, MatrixCell, Summary, WorstSoFar
from titer.report.view.naming import (
    attack_labeled,
    attacks_said,
    axis_said,
    dose_said,
    names_said,
    series_names,
)
from titer.report.view.said import Given, Said, Sentence, count, percentage, pointer, several, verbatim
from titer.report.view.tables import Marked, TableView, Tone, table_view
from titer.report.words import first_screen, names, sections

TONES: dict[str, Tone] = {"intact": "good", "broken": "bad", "unclear": "open"}


@dataclass(frozen=True, kw_only=True)
class WorstView:
    """The worst of all attacks on one axis in one domain, for each subject that was attacked."""

    key: str
    title: Said
    axis: Said
    names: dict[Role, Text]
    worst: tuple[WorstSoFar, ...]
    rule: Said
    threshold: float
    table: TableView

    @property
    def shown(self) -> tuple[Role, ...]:
        """The subjects that it has lines of."""
        return tuple(worst.subject for worst in self.worst)


def matrix_tables(assay: Assay, summary: Summary) -> Iterator[tuple[Said, TableView]]:
    """For each subject a heat map: one row an attack, one column a domain."""
    for role in ROLES:
        cells = {(c.attack, c.domain): (place, c) for place, c in enumerate(summary.matrix) if c.subject == role}
        if not cells:
            continue
        attacks = dict.fromkeys(attack for attack, _ in cells)
        domains = [domain for domain in assay.protocol.harm.domain if any(domain.name == d for _, d in cells)]
        head = [sections.ATTACK, *(_domain(domain.name, domain.role == "cross", assay) for domain in domains)]
        rows = [
            (attack_labeled(assay, attack), *(_matrix_cell(cells.get((attack, domain.name))) for domain in domains))
            for attack in attacks
        ]
        yield series_names(assay.protocol)[role], table_view(sections.MATRIX_HEAD, head, rows)


def _domain(name: str, unseen: bool, assay: Assay) -> Said:
    if unseen and assay.protocol.defended:
        return Sentence(template=sections.UNSEEN, fields={"domain": Given(text=name)})
    return Given(text=name)


def _matrix_cell(found: tuple[int, MatrixCell] | None) -> Marked | None:
    if found is None:
        return None
    place, cell = found
    at = pointer("summary", "matrix", place)
    first = None
    if cell.first_broken is not None:
        first = dose_said(cell.axis, count(f"{at}/first_broken", cell.first_broken))
    if cell.state == "broken" and first is not None:
        runs = {"broken": count(f"{at}/broken_runs", cell.broken_runs), "runs": count(f"{at}/runs", cell.runs)}
        broken = Sentence(template=sections.MATRIX["broken"], fields={"dose": first})
        where = broken if cell.first_broken else sections.MATRIX_AT_ONCE
        parts: list[Said] = [where, Sentence(template=sections.MATRIX_RUNS, fields=runs)]
    else:
        intact = dose_said(cell.axis, count(f"{at}/intact_up_to", cell.intact_up_to))
        parts = [Sentence(template=sections.MATRIX[cell.state], fields={"dose": intact})]
        parts += [Sentence(template=sections.MATRIX_LATER, fields={"dose": first})] if first is not None else []
    return Marked(said=several(parts, Text("", "")), tone=TONES[cell.state])


def worst_views(assay: Assay, summary: Summary) -> Iterator[WorstView]:
    """For each domain and axis with more than one dose above 0 the worst of all attacks so far."""
    threshold = assay.protocol.harm.threshold
    groups: dict[tuple[str, str], list[tuple[int, WorstSoFar]]] = {}
    for place, worst in enumerate(summary.worst):
        if len(worst.doses) > 2:
            groups.setdefault((worst.domain, worst.axis), []).append((place, worst))
    lines = series_names(assay.protocol)
    for order, ((domain, axis), own) in enumerate(groups.items()):
        doses = own[0][1].doses
        head: list[Said] = [
            sections.LINE,
            *(count(pointer("summary", "worst", own[0][0], "doses", i), d) for i, d in enumerate(doses)),
        ]
        rows = [(lines[worst.subject], *_means(place, worst)) for place, worst in own]
        attacks = attacks_said(assay, [attack for _, worst in own for attack in worst.attacks])
        share = percentage(pointer("protocol", "harm", "threshold"), threshold)
        yield WorstView(
            key=f"worst-{order}",
            title=Sentence(template=sections.WORST_PANEL, fields={"domain": Given(text=domain), "attacks": attacks}),
            axis=axis_said(named(axis)),
            names={role: lines[role] for role in ROLES},
            worst=tuple(worst for _, worst in own),
            rule=Sentence(template=first_screen.THRESHOLD, fields={"share": share}),
            threshold=threshold,
            table=table_view(sections.WORST_TABLE, head, rows, range(1, len(head))),
        )


def _means(place: int, worst: WorstSoFar) -> Iterator[Said | None]:
    for order, mean in enumerate(worst.mean):
        yield None if mean is None else percentage(pointer("summary", "worst", place, "mean", order), mean)


def coverage_table(assay: Assay) -> TableView:
    """Every known family of attacks: whether it was run, searched or as configured, and under which labels."""
    run = [
        (choice, assay.attacks.get(choice.label, AttackFacts()).families) for choice in assay.protocol.attacker.attack
    ]
    families = dict.fromkeys((*FAMILIES, *(family for _, own in run for family in own)))
    rows = []
    for family in families:
        own = [choice for choice, found in run if family in found]
        searched = any(choice.search is not None for choice in own)
        how = sections.SEARCHED if searched else sections.CONFIGURED if own else sections.NOT_RUN
        mark = Marked(said=how, tone="good" if own else "quiet")
        rows.append((names.FAMILIES.get(family, Given(text=family)), mark, names_said(choice.label for choice in own)))
    rows += [
        (names.NO_FAMILY, Marked(said=sections.CONFIGURED, tone="good"), names_said([choice.label]))
        for choice, found in run
        if not found
    ]
    return table_view(sections.COVERAGE_HEAD, (sections.FAMILY, sections.HOW, sections.ATTACKS), rows)


def cost_table(assay: Assay, summary: Summary) -> TableView:
    """What was counted of each attack on each subject."""
    lines = series_names(assay.protocol)
    rows = []
    for place, line in enumerate(summary.cost):
        at = pointer("summary", "cost", place)
        counts = [count(f"{at}/{name}", amount) for name, amount in (("runs", line.runs), ("examples", line.examples))]
        counts.append(count(f"{at}/tokens", line.tokens))
        flops = verbatim(f"{at}/flops", f"{line.flops:.3g}")
        purpose = names.PURPOSES.get(line.purpose, Given(text=line.purpose))
        rows.append((purpose, lines[line.subject], Given(text=line.attack), *counts, flops))
    return table_view(sections.COST_HEAD, sections.COST, rows, range(3, 7))
