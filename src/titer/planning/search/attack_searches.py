"""All searches of a study: one per searched attack and subject, each as far as it has come."""

from __future__ import annotations

from titer.analysis.conditions.attack_searches import search_settings
from titer.planning.cells import SelectedAttacks
from titer.planning.curves import PlannedCurve
from titer.planning.search.attack_search import AttackSearch
from titer.planning.search.sampler import check_sampler
from titer.planning.search.trials import TrialBuilder
from titer.records import Choice, Role
from titer.study.folder import Study
from titer.study.view import StoreView


class AttackSearches:
    """Every search of a study, as far as it has come: per searched attack, by its label, that on each subject.

    Args:
        study: the study.

    Raises:
        InputError: if another Optuna is installed than that which it began with.
    """

    def __init__(self, study: Study) -> None:
        check_sampler(study.frozen.optuna)
        self.study = study
        self.builder = TrialBuilder(study)
        attacker = study.protocol.attacker
        self.searched = {
            choice.label: (choice, schedule)
            for choice, schedule in zip(attacker.attack, attacker.schedules, strict=True)
            if choice.search is not None
        }
        self.found: dict[str, dict[Role, AttackSearch]] = {label: {} for label in self.searched}

    def advance(self, view: StoreView) -> None:
        """Bring every search up to date; with a warm start that on the defended begins with the other's winner."""
        for label, (choice, schedule) in self.searched.items():
            own = self.found[label]
            for role in self.builder.subjects:
                warm: Choice | None = None
                first = own.get("undefended")
                if role == "defended" and first is not None and search_settings(self.study.protocol).warm_start:
                    if not first.finished:
                        break
                    warm = first.winner
                if role not in own:
                    own[role] = AttackSearch(self.builder, choice, schedule, role, warm)
                own[role].advance(view)

    @property
    def curves(self) -> list[PlannedCurve]:
        """The curves of all trials."""
        return [curve for own in self.found.values() for search in own.values() for curve in search.curves]

    @property
    def settled(self) -> bool:
        """Whether every search has come to its end."""
        roles: tuple[Role, ...] = ("undefended", "defended") if self.study.protocol.compared else ("defended",)
        return all(role in own and own[role].finished for own in self.found.values() for role in roles)

    @property
    def selected(self) -> SelectedAttacks:
        """The selected attacks of the searches that have come to their end."""
        return {
            label: {role: search.winner for role, search in own.items() if search.winner is not None}
            for label, own in self.found.items()
        }
