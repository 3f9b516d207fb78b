"""`immunize`: make the defended model, look at what that did to it, and write it with its card."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from titer.analysis.concluding import conclude
from titer.analysis.curves import read_curve
from titer.analysis.made_model import MadeModel, judge_made_model
from titer.cli import output
from titer.cli.output import check_free
from titer.cli.progress import Watch, follow
from titer.cli.run import begin
from titer.errors import InputError, UnfinishedError
from titer.execution.inputs import open_subject
from titer.methods import registry
from titer.planning.cost.model import Costs
from titer.planning.cost.speed import RunLog
from titer.planning.lineage import lineages
from titer.planning.plan import Planner
from titer.planning.select_readings import select_curves, select_study
from titer.report.exports.markdown import render_first_screen
from titer.report.made_model import caution, rows_of
from titer.report.model_card import MakeCost, model_card
from titer.report.view.report_view import report_view
from titer.run import run
from titer.study.atomic_files import MANIFEST, write_text, write_whole
from titer.study.folder import Study
from titer.study.tasks import MakeTask
from titer.study.view import StoreView

READINGS = "readings.json"
"""What was read of the made model, beside its card."""


def write_immunized(where: Path, folder: Path, out: Path | None, store: Path | None, jobs: int, keep: bool) -> bool:
    """Make M*, look at it, and copy it with its card to `folder`; whether it is damaged.

    A damaged one goes to the folder of that name with `-damaged` at its end, unless the name is to be kept.
    """
    damaged = folder if keep else folder.resolve().with_name(f"{folder.resolve().name}-damaged")
    for free in {folder, damaged}:
        check_free(free)
    study = begin(where, out, store)
    if not study.protocol.defended:
        raise InputError("defense", "the protocol has no defense", "Add a [[defense]].")
    lineage = lineages(study, study.protocol.study.seeds.first)["defended"]
    if not lineage.makes:
        raise InputError("defense", "this defense makes no model", "Choose one that trains.")
    with closing(run(study, jobs, partial(Planner, curves=(), makes=lineage.makes))) as steps:
        follow(steps)

    made = _look(study, jobs)
    costs = [_cost(study, task) for task in lineage.makes]
    card = model_card(study.protocol.study.name, lineage.makes, costs, made, _measured(study))

    def fill(temporary: Path) -> None:
        weights = study.store.read_subject(lineage.ref.key)
        shutil.copytree(weights, temporary, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
        write_text(temporary / "README.md", card)
        write_text(temporary / READINGS, made.to_json() + "\n")

    is_damaged = made.outcome == "damaged"
    place = damaged if is_damaged else folder
    write_whole(place, fill)
    _say(made)
    load = "the model is damaged" if is_damaged else "load it with AutoModelForCausalLM.from_pretrained"
    output.say(f"Wrote {place}: {load}.")
    return is_damaged


def _look(study: Study, jobs: int) -> MadeModel:
    """What both models give on the `select` rows, by the asking and the judges of the study."""
    asking = select_study(study)
    curves = select_curves(asking)
    with closing(run(study, jobs, lambda _: Planner(asking, curves=curves))) as steps:
        follow(steps)
    view = StoreView(study.store)
    points = [read_curve(asking.frozen, view, curve.specs).curve.points[0] for curve in curves]
    with Watch("comparing the weights"):
        displacement = _displacement(study)
    return judge_made_model(study.protocol, points, displacement)


def _displacement(study: Study) -> float:
    """How far the weights of the made model are from those of the undefended one, as a share of their norm."""
    subjects, compute = lineages(study, study.protocol.study.seeds.first), study.frozen.compute
    origin = open_subject(subjects["undefended"].ref, study.store, compute).snapshot()
    return open_subject(subjects["defended"].ref, study.store, compute).displacement(origin)


def _say(made: MadeModel) -> None:
    """Print what was read, what could not be, and on stderr what to be careful about."""
    output.print_rows("What making it did, read on `select` rows before any attack", rows_of(made))
    output.say(f"Weights moved by {made.displacement:.2g} of their norm.")
    for lacking in made.missing:
        output.say(f"Not looked at: {lacking}.")
    for line in caution(made):
        output.say(f"titer: {line}", err=True)


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
