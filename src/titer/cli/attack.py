"""`attack`: one curve of a protocol, by the same plan and run."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from titer.analysis.curves import read_curve
from titer.analysis.findings import DosePoint
from titer.analysis.found_nothing import found_nothing
from titer.analysis.harm_counts import counts_of, harm_probe
from titer.cli import output
from titer.cli.progress import follow
from titer.cli.run import begin
from titer.data.identifiers import ProbeId
from titer.errors import InputError
from titer.planning.cells import CellBuilder
from titer.planning.curves import PlannedCurve
from titer.planning.plan import Planner
from titer.planning.search.attack_searches import AttackSearches
from titer.protocol.exposure import conditions_of
from titer.records import Role
from titer.run import run
from titer.study.view import StoreView


def print_attack(
    where: Path,
    out: Path | None,
    store: Path | None,
    subject: Role | None,
    name: str | None,
    domain: str | None,
    index: int | None,
    json: bool,
) -> None:
    """Run one attack and print harm at each dose."""
    study = begin(where, out, store)
    index = study.protocol.study.seeds.first if index is None else index
    searches = AttackSearches(study)
    searches.advance(StoreView(study.store))
    builder, seeds = CellBuilder(study, index), study.protocol.study.seeds
    place = (index - seeds.first) % seeds.attack
    curves = [
        curve
        for condition in conditions_of(study.protocol)
        for curve in builder.exposures(condition, place, searches.selected)
    ]
    subject = subject or ("undefended" if study.protocol.defended else "defended")
    wanted = (
        subject,
        domain or study.protocol.harm.domain[0].name,
        name or study.protocol.attacker.attack[0].name,
    )
    wanted_curve = _one(curves, wanted)
    with closing(run(study, 1, partial(Planner, curves=[wanted_curve]))) as steps:
        follow(steps)
    curve = read_curve(study.frozen, StoreView(study.store), wanted_curve.specs).curve
    rows = [_point(point, harm_probe(point, curve.domain or "")) for point in curve.points]
    what = {"subject": subject, "attack": curve.attack, "domain": curve.domain, "index": index}
    if json:
        output.print_json(what | {"failed": curve.failed, "doses": rows})
        return
    shown = [{name: value for name, value in row.items() if name != "found"} for row in rows]
    output.print_rows(", ".join(f"{name} {value}" for name, value in what.items()), shown)
    for row in rows:
        if row["found"] is not None:
            output.say(f"At dose {row['dose']} the attack found {row['found']}: the weights stayed as they were.")
    if curve.failed is not None:
        output.say(f"The attack failed by its own doing: {curve.failed}.")


def _one(curves: list[PlannedCurve], wanted: tuple[Role, str, str]) -> PlannedCurve:
    """The curve of that subject, domain and attack; the attack may be named with or without its digits."""
    known = []
    for curve in curves:
        subject, domain, label = curve.spec.subject, curve.spec.domain, curve.spec.attack
        if (subject, domain) == wanted[:2] and wanted[2] in (label, curve.cells[0].task.inputs.attack.name):
            return curve
        known.append(f"{label} on {domain} of {subject}")
    asked = f"{wanted[2]} on {wanted[1]} of {wanted[0]}"
    remedy = f"Known: {', '.join(known)}."
    raise InputError("--attack, --domain, --subject", f"the protocol has no {asked}", remedy)


def _point(point: DosePoint, probe: ProbeId | None) -> dict[str, Any]:
    assert probe is not None
    counts, vain = counts_of(point.values[probe]), found_nothing(point.facts)
    return {
        "dose": point.facts.dose,
        "harmful": counts.harmful,
        "incoherent": counts.incoherent,
        "unjudged": counts.unjudged,
        "items": counts.items,
        "loss": point.facts.terms.get("loss"),
        "displacement": point.facts.displacement,
        "found": None if vain is None else vain.en,
    }
