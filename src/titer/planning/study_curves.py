"""Which curves a study has, from what was read so far: in their order, with the seed indices that gave way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from titer.analysis.curves import read_curve
from titer.analysis.seed_indices import IndexFailure, Replacing, SeedIndices, index_failure, place_indices
from titer.data.identifiers import SplitId
from titer.planning.cells import CellBuilder, Endings
from titer.planning.curves import PlannedCurve
from titer.planning.learning_rate_search import RateSearches
from titer.planning.missing import CurveState, broken_at
from titer.planning.search.attack_searches import AttackSearches
from titer.protocol.attacker import AttackChoice
from titer.protocol.exposure import condition_of, conditions_of
from titer.records import Role
from titer.study.folder import Study
from titer.study.view import StoreView

CurveName = tuple[str, ...]
"""What tells a curve apart."""
States = Mapping[CurveName, CurveState]


class StudyCurves:
    """The curves of a whole study: baselines, trials of searches, those of the verdict at every seed index, shams."""

    def __init__(self, study: Study, view: StoreView) -> None:
        self.study = study
        self.view = view
        self.searches = AttackSearches(study)
        self.rates = RateSearches(study)
        self.replaced: tuple[str, ...] = ()
        conditions: tuple[Replacing, ...] = conditions_of(study.protocol)
        self.purposes: tuple[Replacing, ...] = (
            (*conditions, "trainability") if study.protocol.trainability else conditions
        )
        self._endings = Endings(study.protocol)
        self._builders: dict[int, CellBuilder] = {}
        self._of_index: dict[tuple[int, Replacing, int, str], list[PlannedCurve]] = {}
        self._awaited: list[set[CurveName]] = []
        """Groups of curves, of each of which the last that is finished may change which curves there are."""

    def arranged(self, states: States) -> list[PlannedCurve]:
        """Every curve that can be asked for so far.

        Args:
            states: how far each curve is that was looked at.
        """
        self.searches.advance(self.view)
        self.rates.advance(self.view)
        self._awaited = []
        seeds = {purpose: self._seed_indices(purpose, states) for purpose in self.purposes}
        self.replaced = tuple(f"{purpose}: {reason}" for purpose, found in seeds.items() for reason in found.reasons)
        used = sorted({index for found in seeds.values() for index in found.used})
        fixed = self.study.protocol.study.claim == "this checkpoint"
        curves = [curve for index in used[: 1 if fixed else None] for curve in self._builder(index).baseline()]
        curves += [*self.rates.curves, *self.searches.curves]
        exposed = [curve for index in used for curve in self._listed(index, seeds)]
        return [*curves, *exposed, *self._shams(states, exposed, seeds)]

    def changed_by(self, read: Iterable[tuple[PlannedCurve, CurveState]]) -> bool:
        """Whether what was read of some curves may change which curves there are."""
        for curve, state in read:
            if state.failed is not None or (curve.spec.purpose == "trial" and not state.tasks):
                return True
            if not state.tasks and self._is_unmade(curve):
                return True
            for group in self._awaited if not state.tasks else ():
                group.discard(curve.name)
                if not group:
                    return True
        return False

    def _builder(self, index: int) -> CellBuilder:
        if index not in self._builders:
            self._builders[index] = CellBuilder(self.study, index, endings=self._endings)
        return self._builders[index]

    # ------------------------------------------------------------------ the replicates
    def _curves_at(self, index: int, purpose: Replacing, place: int) -> list[PlannedCurve]:
        """The curves of one replicate and condition, as the searches have settled them so far."""
        selected, rates = self.searches.selected, self.rates.chosen
        key = (index, purpose, place, repr((selected, rates)))
        if key not in self._of_index:
            builder = self._builder(index)
            if purpose == "trainability":
                trainings = (builder.trainings(task, place, chosen) for task, chosen in rates.items())
                self._of_index[key] = [curve for of_task in trainings for curve in of_task]
            else:
                self._of_index[key] = list(builder.exposures(purpose, place, selected))
        return self._of_index[key]

    def _listed(self, index: int, seeds: Mapping[Replacing, SeedIndices]) -> Iterator[PlannedCurve]:
        """The curves of one seed index, in each condition that it belongs to or gave way in."""
        for purpose, found in seeds.items():
            if index in found.of_place:
                yield from self._curves_at(index, purpose, found.of_place.index(index))
            for gone in found.replaced:
                if gone.index == index:
                    yield from self._curves_at(index, purpose, gone.place)

    def _seed_indices(self, purpose: Replacing, states: States) -> SeedIndices:
        """The seed indices of a condition: one at which an attack failed may give way to the next after the last."""
        seeds = self.study.protocol.study.seeds
        failed: dict[int, IndexFailure] = {}
        while True:
            found = place_indices(seeds.first, seeds.attack, failed)
            new = {
                index: failure
                for place, index in enumerate(found.of_place)
                if index not in failed
                if (failure := self._failure(index, purpose, place, states)) is not None
            }
            if not new:
                return found
            failed |= new

    def _failure(self, index: int, purpose: Replacing, place: int, states: States) -> IndexFailure | None:
        """Why this index gives way, once all its curves are finished; None if it does not, or is not known to.

        An index whose defended model could not be made stays, whatever else failed there.
        """
        curves = self._curves_at(index, purpose, place)
        if any(self._is_unmade(curve) for curve in curves):
            return None
        known = [states[curve.name] for curve in curves if curve.name in states]
        if all(state.failed is None for state in known):
            return None
        if pending := {curve.name for curve in curves if curve.name not in states or states[curve.name].tasks}:
            self._awaited.append(pending)
            return None
        read = (read_curve(self.study.frozen, self.view, curve.specs).curve for curve in curves)
        return index_failure(self.study.protocol, purpose, read)

    def _is_unmade(self, curve: PlannedCurve) -> bool:
        return any(self.view.failure(key) is not None for key in curve.spec.makes)

    # ------------------------------------------------------------------ the shams
    def _shams(
        self, states: States, exposed: Iterable[PlannedCurve], seeds: Mapping[Replacing, SeedIndices]
    ) -> list[PlannedCurve]:
        """The shams of each attack on each subject that it broke, up to the last dose that broke it.

        None of an attack before its search is settled and all curves of the subject under it are finished; up to the
        end of the ladder where one of them did not break.
        """
        protocol = self.study.protocol
        asked = protocol.attacker.sham and SplitId.benign("sham") in self.study.frozen.rows
        with_sham = [
            choice for choice in protocol.attacker.attack if asked and self.study.frozen.attacks[choice.label].sham
        ]
        known = list(exposed)
        found: list[PlannedCurve] = []
        for choice in with_sham if self.searches.settled else ():
            for role in self._builder(protocol.study.seeds.first).subjects:
                leading = [c for c in known if (c.spec.subject, c.spec.attack) == (role, choice.label)]
                pending = {c.name for c in leading if c.name not in states or states[c.name].tasks}
                if pending:
                    self._awaited.append(pending)
                else:
                    found += self._shams_of(choice, role, leading, seeds)
        return found

    def _shams_of(
        self,
        choice: AttackChoice,
        role: Role,
        leading: Iterable[PlannedCurve],
        seeds: Mapping[Replacing, SeedIndices],
    ) -> list[PlannedCurve]:
        protocol = self.study.protocol
        ends = [broken_at(self.view, protocol, curve) for curve in leading]
        if not any(ends):
            return []
        limit = max(protocol.attacker.schedule_of(choice.label).ladder[-1] if end is None else end for end in ends)
        found: list[PlannedCurve] = []
        for index in sorted({index for condition in conditions_of(protocol) for index in seeds[condition].of_place}):
            places = {
                domain.name: seeds[condition_of(protocol, domain.name)].of_place.index(index)
                for domain in protocol.harm.domain
                if index in seeds[condition_of(protocol, domain.name)].of_place
            }
            found += self._builder(index).sham(role, choice, limit, places, self.searches.selected)
        return found
