"""Which curves a study has, from what was read so far: in their order, with the seed indices that gave way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from titer.data.identifiers import SplitId
from titer.planning.attack_search import AttackSearches
from titer.planning.cells import CellBuilder, Endings, SelectedAttacks
from titer.planning.curves import PlannedCurve
from titer.planning.learning_rate_search import RateSearches
from titer.planning.missing import CurveState, ended_at
from titer.protocol.dose_axes import STEPS
from titer.records import Role
from titer.study.folder import Study
from titer.study.view import StoreView

States = Mapping[tuple[str, ...], CurveState]
EXPOSED = ("resistance", "generalization")


class StudyCurves:
    """The curves of a whole study: baselines, trials of searches, those of the verdict at every seed index, shams."""

    def __init__(self, study: Study, view: StoreView) -> None:
        self.study = study
        self.view = view
        self.searches = AttackSearches(study)
        self.rates = RateSearches(study)
        self.replaced: tuple[str, ...] = ()
        self._endings = Endings(study.protocol)
        self._builders: dict[int, CellBuilder] = {}
        self._of_index: dict[tuple[int, str], list[PlannedCurve]] = {}
        self._undefended: set[tuple[str, ...]] = set()
        self._shams: list[PlannedCurve] | None = None

    def arranged(self, states: States) -> list[PlannedCurve]:
        """Every curve that can be asked for so far.

        Args:
            states: how far each curve is that was looked at.
        """
        self.searches.advance(self.view)
        self.rates.advance(self.view)
        indices, self.replaced = self._indices(states)
        fixed = self.study.protocol.study.claim == "this checkpoint"
        curves = [curve for index in indices[: 1 if fixed else None] for curve in self._builder(index).baseline()]
        curves += [*self.rates.curves, *self.searches.curves]
        exposed = [curve for index in indices for curve in self._verdict_curves(index)]
        leading = (curve.name for curve in exposed if self._leads_the_sham(curve))
        self._undefended = {name for name in leading if name not in states or states[name].tasks}
        return [*curves, *exposed, *self._sham_curves(states, exposed, indices)]

    def changed_by(self, read: Iterable[tuple[PlannedCurve, CurveState]]) -> bool:
        """Whether what was read of some curves may change which curves there are."""
        for curve, state in read:
            if state.failed is not None or (curve.spec.purpose == "trial" and not state.tasks):
                return True
            if not state.tasks and curve.name in self._undefended:
                self._undefended.discard(curve.name)
                if not self._undefended and self._shams is None and self._has_sham:
                    return True
        return False

    def _builder(self, index: int) -> CellBuilder:
        if index not in self._builders:
            self._builders[index] = CellBuilder(self.study, index, endings=self._endings)
        return self._builders[index]

    def _verdict_curves(self, index: int) -> list[PlannedCurve]:
        """The attacks and benign fine-tunings of one replicate, as the searches have settled them so far."""
        selected, rates = self.searches.selected, self.rates.chosen
        key = (index, repr((selected, rates)))
        if key not in self._of_index:
            self._of_index[key] = list(_curves_at(self._builder(index), selected, rates))
        return self._of_index[key]

    def _indices(self, states: States) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The seed indices of the replicates: one at which a curve failed gives way to the next after the last.

        At most as many are replaced as there are replicates.
        """
        seeds = self.study.protocol.study.seeds
        active = list(range(seeds.first, seeds.first + seeds.attack))
        following = seeds.first + seeds.attack
        replaced: list[str] = []
        position = 0
        while position < len(active):
            reason = self._failure(active[position], states)
            if reason is None or len(replaced) >= seeds.attack:
                position += 1
                continue
            replaced.append(f"index {active[position]}: {reason}")
            active[position] = following
            following += 1
        return tuple(active), tuple(replaced)

    def _failure(self, index: int, states: States) -> str | None:
        """Why the first curve of this index that fails does so, once all before it are finished; None if none does.

        The first in the order of the plan, not in time: so the reason is the same whatever was interrupted.
        """
        for curve in self._verdict_curves(index):
            state = states.get(curve.name)
            if state is None or (state.tasks and state.failed is None):
                return None
            if state.failed is not None:
                return state.failed
        return None

    # ------------------------------------------------------------------ the sham
    @property
    def _has_sham(self) -> bool:
        return self.study.protocol.attacker.sham and SplitId.benign("sham") in self.study.frozen.rows

    def _leads_the_sham(self, curve: PlannedCurve) -> bool:
        """Whether the sham goes as far as this curve: one of the undefended subject, in steps."""
        in_steps = {own.attack for own in self.study.protocol.attacker.schedules if own.axis == STEPS}
        spec = curve.spec
        return spec.subject == "undefended" and spec.purpose in EXPOSED and spec.attack in in_steps

    def _sham_curves(
        self, states: States, exposed: Iterable[PlannedCurve], indices: tuple[int, ...]
    ) -> list[PlannedCurve]:
        """The shams, up to the latest step at which a replicate of the undefended broke, or else the horizon.

        None before all searches are settled and all curves of the undefended in steps are finished.
        """
        leading = [curve for curve in exposed if self._leads_the_sham(curve)]
        waits = any(states[curve.name].tasks if curve.name in states else True for curve in leading)
        if not self._has_sham or not leading or waits or not self.searches.settled:
            self._shams = None
            return []
        horizon = self.study.protocol.attacker.ladder[-1]
        ends = [ended_at(self.view, curve) for curve in leading]
        limit = max(horizon if end is None else end for end in ends)
        selected = self.searches.selected
        self._shams = [curve for index in indices for curve in self._builder(index).shams(limit, selected)]
        return self._shams


def _curves_at(
    builder: CellBuilder, selected: SelectedAttacks, rates: Mapping[str, Mapping[Role, Sequence[float]]]
) -> Iterator[PlannedCurve]:
    """The attacks and benign fine-tunings of one replicate."""
    yield from builder.exposures(selected)
    for task, chosen in rates.items():
        yield from builder.trainings(task, chosen)
