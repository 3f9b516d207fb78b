"""Resistance and generalization: whether M* withstands the attacks, by the replicate rule over the domains of each."""

from __future__ import annotations

from titer.analysis import decision_rules
from titer.analysis.applicability import not_applicable
from titer.analysis.conditions import withstanding_numbers
from titer.analysis.conditions.attack_search_numbers import inequalities, search_figures
from titer.analysis.conditions.exposure_evidence import ExposureEvidence
from titer.analysis.conditions.harm_decisions import replicates_of
from titer.analysis.conditions.searched_rates import unsearched_rates
from titer.analysis.conditions.shown_instead import shown_instead
from titer.analysis.conditions.withstanding_reasons import lacks, reason, remedy
from titer.analysis.findings import Assay, Finding
from titer.analysis.seed_indices import seed_indices
from titer.analysis.sentences import exposure
from titer.analysis.sentences.text import Text, fill
from titer.analysis.wording import exposure_sentence
from titer.protocol.exposure import Condition, domains_of, levels_of
from titer.records import Outcome


def conclude_resistance(assay: Assay) -> Finding:
    """The finding on resistance, weak, at the budget; without a defense it is about every domain, and absolute.

    Resistance is attacked with rows the defense has not seen, so it is in-domain generalization too.
    """
    return conclude_exposure(assay, "resistance")


def conclude_generalization(assay: Assay) -> Finding:
    """The finding on cross-domain generalization; nothing is said about domains that are not named."""
    return not_applicable("generalization", assay.protocol) or conclude_exposure(assay, "generalization")


def conclude_exposure(assay: Assay, condition: Condition) -> Finding:
    """Whether M* withstands the attacks up to the budget in the domains of the condition."""
    protocol = assay.protocol
    defended = replicates_of(assay, condition, "defended")
    undefended = replicates_of(assay, condition, "undefended") if "undefended" in assay.subjects else ()
    domains = [domain.name for domain in domains_of(protocol, condition)]
    run = [one.attack for one in protocol.attacker.schedules if any(map(one.runs_in, domains))]
    claim = ExposureEvidence(
        assay=assay,
        condition=condition,
        levels=levels_of(protocol, condition),
        seeds=seed_indices(assay, condition),
        defended=defended,
        undefended=undefended,
        unequal=inequalities(assay),
        unsearched=unsearched_rates(assay, run, {"undefended": undefended, "defended": defended}),
    )
    outcome = decision_rules.outcome_of(decision_rules.EXPOSURE, claim.facts)
    instead = shown_instead(claim) if outcome == "undecided" and not claim.as_configured else None
    searched = search_figures(assay) if condition == "resistance" else ()
    return Finding.of(
        condition,
        "condition",
        outcome,
        reason=reason(claim, outcome, instead),
        remedy=remedy(claim, outcome),
        sentence=_sentence(claim, outcome),
        provisional=fill(exposure.AS_CONFIGURED, {"lacks": lacks(claim)}) if claim.as_configured else None,
        level=protocol.alpha,
        figures=(*searched, *withstanding_numbers.exposure_figures(assay, condition)),
    )


def _sentence(claim: ExposureEvidence, outcome: Outcome) -> Text | None:
    left_out = claim.powerless if outcome == "upheld" else ()
    counted = [schedule for schedule in claim.schedules if schedule.attack not in left_out]
    diverged = bool(claim.seeds.replaced)
    return exposure_sentence(claim.protocol, claim.condition, counted or claim.schedules, outcome, diverged=diverged)
