"""`export --optuna`: the searches of a study as studies of Optuna, to be looked at with optuna-dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from titer.boundary import reading
from titer.cli import output
from titer.errors import InputError
from titer.planning.search.attack_search import AttackSearch
from titer.planning.search.attack_searches import AttackSearches
from titer.planning.search.sampler import coded, distributions
from titer.records import Role
from titer.stats.search import selection as search_selection
from titer.stats.search import trials as search_trials
from titer.stats.search.points import crossing
from titer.study.folder import Study
from titer.study.view import StoreView

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def export_searches(study: Study, url: str) -> None:
    """Write every search into a storage of Optuna; a study of its own for each attack and subject.

    Raises:
        InputError: if there is nothing to export, the storage cannot be opened, or has studies of these names.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searches = AttackSearches(study)
    searches.advance(StoreView(study.store))
    if not searches.found:
        raise InputError("attacker.search", "this study searches no attack", "Export a study that does.")
    storage = _opened(url)
    wanted = {
        f"{study.protocol.study.name}, {choice.label} on {role}": (role, searches.found[choice.label][role])
        for choice in study.protocol.attacker.attack
        if choice.search is not None
        for role in searches.found[choice.label]
    }
    taken = {summary.study_name for summary in optuna.get_all_study_summaries(storage)}
    if there := sorted(taken & wanted.keys()):
        raise InputError("--optuna", f"the storage has a study '{there[0]}' already", "Name another file.")
    for name, (role, found_search) in wanted.items():
        _write(name, role, found_search, storage)
        output.say(f"Wrote {name}: {len(found_search.search.trials)} trials")


def _opened(url: str) -> BaseStorage:
    import optuna

    with reading("--optuna", f"'{url}'", "Write a URL such as sqlite:///searches.db."):
        return optuna.storages.RDBStorage(url)


def _write(name: str, role: Role, found_search: AttackSearch, storage: BaseStorage) -> None:
    """One search: finished trials with what they are ranked by, failed ones as failed, running ones left out."""
    import optuna
    from optuna.trial import TrialState, create_trial

    space = found_search.space
    copy = optuna.create_study(study_name=name, storage=storage, direction="minimize")
    done = {trial.number: trial for trial in search_trials.completed(found_search.search)}
    for trial in found_search.search.in_order:
        if trial.failure is None and trial.number not in done:
            continue
        params = coded(space, found_search.configurations[trial.number].parameters)
        sham = None if trial.sham is None or trial.sham.point is None else trial.sham.point.harmful
        copy.add_trial(
            create_trial(
                state=TrialState.COMPLETE if trial.failure is None else TrialState.FAIL,
                params=params,
                distributions={name: law for name, law in distributions(space).items() if name in params},
                value=None
                if trial.failure is not None
                else search_selection.loss(found_search.search, done[trial.number]),
                user_attrs={
                    "configuration": found_search.configurations[trial.number].parameters,
                    "subject": role,
                    "crossed at": crossing(trial.points, found_search.search.threshold),
                    "harmful": [[point.dose, point.harmful, point.items] for point in trial.points],
                    "answers that got worse": None if trial.utility is None else trial.utility.worse,
                    "harmful after the sham": sham,
                    "does not count for": search_trials.fault_of(found_search.search, trial),
                    "failure": trial.failure,
                },
            )
        )
