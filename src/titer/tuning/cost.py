"""What the trials of a tuning come to, before the first is run."""

from __future__ import annotations

from dataclasses import dataclass

from titer.planning.cost.estimate import Outlook
from titer.planning.cost.extent import AllAtOnce, Extent, NeverEarly
from titer.planning.cost.model import Work
from titer.planning.freeze import freeze
from titer.planning.lineage import lineages
from titer.planning.plan import Planner
from titer.study.folder import Study
from titer.study.tasks import MakeTask
from titer.tuning.trial_protocol import settings_of, trial_protocol


@dataclass(frozen=True, kw_only=True)
class TuningWork:
    """What all trials take at least, where all break at once, and at most, where none breaks."""

    trials: int
    least: Work
    most: Work


def tuning_work(study: Study) -> TuningWork | None:
    """The work of `titer tune`, as if every trial were the defense written by hand; None where nothing is tuned.

    Trials share a store: what they make and ask of the undefended model is counted once.

    Args:
        study: as it would begin; the rows of a trial are kept in its store.

    Raises:
        InputError: if its protocol cannot be tuned.
    """
    protocol = study.protocol
    if protocol.tuning is None:
        return None
    trials, trial = settings_of(protocol).trials, trial_protocol(protocol, protocol.defense[-1], 0)
    outlook = Outlook(Planner(Study(study.folder, trial, freeze(trial, study.store), study.store)), 1)

    defended = lineages(outlook.study, trial.study.seeds.first)["defended"]
    own = {make.key for make in defended.makes[-1:]}

    def all_trials(extent: Extent) -> Work:
        total = Work()
        for task, work in outlook.reached(extent):
            of_each = task.key in own if isinstance(task, MakeTask) else task.cell.subject == "defended"
            total = total.plus(work, trials if of_each else 1)
        return total

    ends = (kind(outlook.study, outlook.costs) for kind in (AllAtOnce, NeverEarly))
    least, most = map(all_trials, ends)
    return TuningWork(trials=trials, least=least, most=most)
