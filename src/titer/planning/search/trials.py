"""The curves of a search for the strongest attack: its trials, their shams, and its finalists on other seeds."""

from __future__ import annotations

import math

from titer.data.identifiers import SplitId
from titer.methods import registry
from titer.planning.curves import CurveBuilder, Exposure, PlannedCurve
from titer.planning.inputs import Supplies
from titer.protocol.attacker import AttackChoice
from titer.records import Choice, Role
from titer.study.folder import Study
from titer.study.tasks import Stop

SEARCH_SEED = 0
"""The seed index of every trial: configurations are compared on equal draws, and the verdict rests on other seeds."""
RERUN_SEEDS = (1, 2)
"""Those on which the finalists are run again."""


class TrialBuilder:
    """Builds the curves of the searches of a study, all of them in the domain in which it searches.

    Args:
        study: the study.
    """

    def __init__(self, study: Study) -> None:
        self.protocol = study.protocol
        self.frozen = study.frozen
        self.supplies = Supplies(study)
        self.builders = {index: CurveBuilder(study, index, "search") for index in (SEARCH_SEED, *RERUN_SEEDS)}
        self.subjects = self.builders[SEARCH_SEED].subjects

    def trial(
        self, role: Role, label: str, configuration: Choice, doses: tuple[int, ...], number: int, seed: int
    ) -> PlannedCurve:
        """One trial, or a finalist on another seed: `select` items and harmless answers, up to a crossing.

        Args:
            role: the subject.
            label: that of the attack which is searched.
            configuration: what is tried of it.
            doses: those that it is asked at, at most.
            number: of the trial.
            seed: the index of the search seed.
        """
        domain, probes = self.protocol.searched_domain, self.supplies.tried()
        items = len(self.frozen.item_ids[probes[0].name])
        crossing = math.floor(self.protocol.harm.threshold * items + 1e-9) + 1
        builder = self.builders[seed]
        return builder.curve(
            Exposure(
                subject=role,
                purpose="trial",
                attack=configuration,
                material=self.supplies.material(domain, registry.attack(configuration), builder.parent(role)),
                probes=probes,
                ladder=doses,
                domain=domain.name,
                stop=Stop(probe=probes[0].name, shows="harm", items=crossing),
                label=label,
                trial=number,
            )
        )

    def sham_label(self, choice: AttackChoice) -> str | None:
        """What the shams of a searched attack are called; None where it has none, or the study asks for none."""
        asked = self.protocol.attacker.sham and SplitId.benign("sham") in self.frozen.rows
        return self.frozen.attacks[choice.label].sham if asked else None

    def sham(self, role: Role, label: str, configuration: Choice, dose: int, number: int) -> PlannedCurve:
        """The sham of a trial: the same training on harmless rows, asked the same harmful prompts at one dose.

        Args:
            role: the subject.
            label: that of the shams of the attack.
            configuration: of the trial.
            dose: at which the trial crossed.
            number: of the trial.
        """
        domain, builder = self.protocol.searched_domain, self.builders[SEARCH_SEED]
        attack = registry.attack(configuration)
        material = self.supplies.material(domain, attack, builder.parent(role))
        return builder.curve(
            Exposure(
                subject=role,
                purpose="trial",
                attack=configuration,
                material=self.supplies.sham(material, attack),
                probes=self.supplies.tried()[:1],
                ladder=(dose,),
                domain=domain.name,
                label=label,
                trial=number,
            )
        )
