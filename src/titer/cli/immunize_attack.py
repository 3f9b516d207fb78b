"""`immunize` and `attack`: one part of a protocol's work, by the same plan and run."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from titer.analysis.concluding import conclude
from titer.analysis.curves import read_curve
from titer.analysis.findings import DosePoint
from titer.analysis.found_nothing import found_nothing
from titer.analysis.harm_counts import counts_of, harm_probe
from titer.cli import output
from titer.cli.output import check_free
from titer.cli.progress import follow
from titer.cli.run import begin
from titer.data.identifiers import ProbeId
from titer.errors import InputError, UnfinishedError
from titer.methods import registry
from titer.planning.attack_search import AttackSearches
from titer.planning.cells import CellBuilder
from titer.planning.cost.model import Costs
from titer.planning.cost.speed import RunLog
from titer.planning.curves import PlannedCurve
from titer.planning.lineage import lineages
from titer.planning.plan import Planner
from titer.protocol.exposure import conditions_of
from titer.records import Role
from titer.report.exports.markdown import render_first_screen
from titer.report.model_card import MakeCost, model_card
from titer.report.view.report_view import report_view
from titer.run import run
from titer.study.atomic_files import MANIFEST, write_text, write_whole
from titer.study.folder import Study
from titer.study.tasks import MakeTask
from titer.study.view import StoreView


def write_immunized(where: Path, folder: Path, out: Path | None, store: Path | None, jobs: int) -> None:
    """Make M* and copy it, with its card, to `folder`."""
    check_free(folder)
    study = begin(where, out, store)
    if not study.protocol.defended:
        raise InputError("defense", "the protocol has no defense", "Add a [[defense]].")
    lineage = lineages(study, study.protocol.study.seeds.first)["defended"]
    if not lineage.makes:
        raise InputError("defense", "this defense makes no model", "Choose one that trains.")

    with closing(run(study, jobs, partial(Planner, curves=(), makes=lineage.makes))) as steps:
        follow(steps)

    costs = [_cost(study, task) for task in lineage.makes]
    card = model_card(study.protocol.study.name, lineage.makes, costs, _measured(study))

    def fill(temporary: Path) -> None:
        made = study.store.read_subject(lineage.ref.key)
        shutil.copytree(made, temporary, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        write_text(temporary / "README.md", card)

    write_whole(folder, fill)
    output.say(f"Wrote {folder}: load it with AutoModelForCausalLM.from_pretrained.")


def _cost(study: Study, task: MakeTask) -> MakeCost:
    """What a make took; time and memory only where this machine did it, the last time that it was done."""
    work = Costs(study).make(task)
    done = [one for one in RunLog(study.store.runs).new() if one.key == task.key]
    method = None if task.defense is None else registry.defense(task.defense).configuration()
    counted = MakeCost(method=method, tokens=work.tokens, operations=work.in_batches + work.in_decoding)
    if not done:
        return counted
    last = done[-1]
    return replace(counted, seconds=last.wall_seconds, since=last.resumed_at, peak_bytes=last.peak_bytes)


def _measured(study: Study) -> str | None:
    """The first screen of the report on a study that is finished."""
    try:
        found = conclude(study)
    except UnfinishedError:
        return None
    view = report_view(found.verdict, found.assay, found.root)
    check = f"    titer verify STUDY --digest {view.root.shown.en} --registration {view.registration.shown.en}"
    return "\n\n".join([render_first_screen(view, "en", level=2).rstrip(), "Whoever has the study checks it by", check])


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
