"""Why a claim on exposure is decided as it is, and what to do about it, in words."""

from __future__ import annotations

from titer.analysis.conditions import remedies
from titer.analysis.conditions.exposure_evidence import ExposureEvidence
from titer.analysis.conditions.harm_decisions import DecidedCurve, Replicate, num_failing
from titer.analysis.conditions.sham_results import sham_results
from titer.analysis.found_nothing import in_vain
from titer.analysis.sentences import exposure, whole
from titer.analysis.sentences.text import NOTHING, Text, clauses, fill, listed, percent, same, sentences
from titer.analysis.wording import budgets_said, confidence, other_said, subject_said
from titer.protocol.dose_axes import Axis
from titer.records import Outcome
from titer.stats import replicates
from titer.stats.binomial import Counts
from titer.stats.replicates import minimum_replicates

_OPEN = (exposure.OPEN_NONE, exposure.OPEN_ONE, exposure.OPEN)
_FAILS = (exposure.FAIL_NONE, exposure.FAIL_ONE, exposure.FAIL)


def reason(claim: ExposureEvidence, outcome: Outcome, instead: Text | None) -> Text:
    """Why it is decided so.

    Args:
        claim: what the outcome follows from.
        outcome: the outcome.
        instead: what is shown instead of an undecided claim.
    """
    if claim.unequal:
        reasons = tuple(f"{label}: {why}" for label, why in claim.unequal.items())
        return fill(exposure.UNEQUAL, {"reasons": clauses(map(same, reasons))})
    if claim.seeds.exhausted:
        fields = {"seeds": same(claim.levels.replicates), "reasons": listed(claim.seeds.reasons)}
        return fill(exposure.EXHAUSTED, fields)
    undecided = outcome == "undecided" and claim.levels.decidable
    return sentences(
        (
            exposure.NOT_DECIDED if undecided else NOTHING,
            fill(exposure.HOLDS_AS_CONFIGURED, {"lacks": lacks(claim)}) if claim.as_configured else NOTHING,
            _no_decision(claim),
            _states(claim),
            _harmless_too(claim) if outcome == "refuted" else NOTHING,
            _in_vain(claim),
            instead or NOTHING,
            _limit(claim) if outcome == "undecided" and not instead and not claim.as_configured else NOTHING,
            _unmade(claim),
            _other(claim),
        )
    )


def lacks(claim: ExposureEvidence) -> Text:
    """Which attacks were not searched by rate, and what each lacks."""
    by_lack: dict[Text, list[str]] = {}
    for one in claim.unsearched:
        by_lack.setdefault(exposure.LACKS[one.lack], []).append(one.attack)
    return clauses(fill(lack, {"attacks": listed(attacks)}) for lack, attacks in by_lack.items())


def remedy(claim: ExposureEvidence, outcome: Outcome) -> Text | None:
    """What to do where it is undecided."""
    if outcome != "undecided":
        return None
    if claim.unequal:
        return exposure.REMEDY_UNEQUAL
    if claim.seeds.exhausted:
        return exposure.REMEDY_DIVERGED
    if not claim.levels.decidable:
        needed = minimum_replicates(claim.levels.share, claim.levels.alpha)
        return fill(exposure.REMEDY_SEEDS, {"needed": same(needed)}) if claim.levels.replicates < needed else None
    if claim.as_configured:
        return exposure.REMEDY_SEARCH
    return remedies.remedy(claim.protocol, claim.levels, claim.defended) or exposure.REMEDY_OPEN


def _no_decision(claim: ExposureEvidence) -> Text:
    levels = claim.levels
    if levels.decidable:
        return NOTHING
    every = exposure.EVERY_RUN_BROKE if num_failing(claim.defended) == levels.replicates else NOTHING
    needed = minimum_replicates(levels.share, levels.alpha)
    if levels.replicates >= needed:
        return sentences((whole.DESCRIPTIVE, every))
    too_few = fill(exposure.TOO_FEW, {"seeds": same(levels.replicates), "needed": same(needed)})
    return sentences((too_few, every))


def _states(claim: ExposureEvidence) -> Text:
    tally, protocol = claim.facts.tally, claim.protocol
    rates = _open_rates(claim.defended, collapse_counts=protocol.harm.collapse_counts)
    close = sum(_is_close(replicate) for replicate in claim.defended)
    unread = tally.open - close
    unclear = {"count": same(close), "rates": rates}
    broken = {"count": same(tally.fails), "first": _first_break(claim.defended)}
    return fill(
        exposure.STATES,
        {
            "budget": budgets_said(claim.schedules),
            "count": same(tally.holds),
            "seeds": same(claim.levels.replicates),
            "open": fill(_OPEN[min(close, 2)], unclear),
            "unread": fill(exposure.UNREAD, {"count": same(unread)}) if unread else NOTHING,
            "fails": fill(_FAILS[min(tally.fails, 2)], broken),
            "threshold": percent(protocol.harm.threshold),
            "domains": listed(claim.domains),
        },
    )


def _harmless_too(claim: ExposureEvidence) -> Text:
    """Whether harmless training at the same dose breaks the model of the claim as well, where an attack has a sham."""
    if not claim.assay.protocol.attacker.sham:
        return NOTHING
    broken = {
        curve.attack
        for replicate in claim.defended
        for curve in replicate.curves
        if curve.state == "fails" and curve.decisions[0] != "broken"
    }
    shams = [one for one in sham_results(claim.assay, "defended") if one.condition == claim.condition]
    read = [one for one in shams if one.attack in broken and one.state != "not read"]
    alone = listed(one.attack for one in read if one.state == "passes")
    too = listed(one.attack for one in read if one.state != "passes")
    return sentences(
        (
            fill(exposure.HARMFUL_BREAKS, {"attacks": alone}) if alone != NOTHING else NOTHING,
            fill(exposure.HARMLESS_BREAKS, {"attacks": too}) if too != NOTHING else NOTHING,
        )
    )


def _in_vain(claim: ExposureEvidence) -> Text:
    """Where an attack on the model of the claim found nothing to do."""
    found = in_vain(claim.assay, claim.condition, "defended")
    said = [
        fill(
            exposure.FOUND_NOTHING,
            {
                "attack": same(vain.attack),
                "what": vain.looked_for,
                "domain": same(vain.domain),
                "count": same(vain.count),
                "seeds": same(claim.levels.replicates),
            },
        )
        for vain in found
    ]
    fields = {"subject": subject_said(claim.protocol), "attacks": clauses(said)}
    return fill(exposure.IN_VAIN, fields) if found else NOTHING


def _is_close(replicate: Replicate) -> bool:
    """Whether a replicate is open for a dose that was read and could not be called, and not for one that was not."""
    return replicate.state == "open" and any(_unclear_counts(curve) for curve in replicate.curves)


def _open_rates(found: tuple[Replicate, ...], *, collapse_counts: bool) -> Text:
    """From how many to how many of the prompts may be harmful at the doses that leave replicates open."""
    opened = [[c for curve in one.curves for c in _unclear_counts(curve)] for one in found if one.state == "open"]
    worst = [max(counts, key=lambda c: c.high(collapse_counts=collapse_counts)) for counts in opened if counts]
    if len({counts.items for counts in worst}) != 1:
        return NOTHING
    highs = [counts.high(collapse_counts=collapse_counts) for counts in worst]
    unread = any(high > counts.low for high, counts in zip(highs, worst, strict=True))
    ends = (min(counts.low for counts in worst) if unread else min(highs), max(highs))
    low, most = (f"{100 * count / worst[0].items:.0f}" for count in ends)
    template = exposure.OPEN_RATE if low == most else exposure.OPEN_UNREAD if unread else exposure.OPEN_RATES
    return fill(template, {"low": same(low), "high": same(most), "items": same(worst[0].items)})


def _unclear_counts(curve: DecidedCurve) -> list[Counts]:
    read = zip(curve.doses, curve.counts, curve.decisions, strict=True)
    return [counts for dose, counts, decision in read if dose <= curve.budget and counts and decision == "unclear"]


def _first_break(found: tuple[Replicate, ...]) -> Text:
    """The earliest break on each axis, in words."""
    broken: dict[Axis, list[tuple[int, str, str]]] = {}
    for curve in (curve for replicate in found for curve in replicate.curves if curve.state == "fails"):
        here = (curve.doses[curve.decisions.index("broken")], curve.domain, curve.attack)
        broken.setdefault(curve.axis, []).append(here)
    said = []
    for axis, places in broken.items():
        dose, domain, attack = min(places)
        fields = {"dose": Text(axis.said(dose), axis.said_zh(dose)), "attack": same(attack), "domain": same(domain)}
        said.append(fill(exposure.FIRST_BREAK if dose > 0 else exposure.FIRST_AT_ONCE, fields))
    return clauses(dict.fromkeys(said))


def _limit(claim: ExposureEvidence) -> Text:
    tally, levels = claim.facts.tally, claim.levels
    limit = replicates.break_share_limit(tally.fails + tally.open, levels)
    if limit is None or limit >= 1:
        return exposure.NO_LIMIT
    return fill(exposure.LIMIT, {"confidence": confidence(claim.protocol), "share": percent(limit)})


def _unmade(claim: ExposureEvidence) -> Text:
    made = claim.assay.failed_makes
    if not made:
        return NOTHING
    named = listed(f"index {failed.index}: {failed.reason}" for failed in made)
    return fill(exposure.UNMADE, {"count": same(len(made)), "reasons": named})


def _other(claim: ExposureEvidence) -> Text:
    """How often the model beside it broke, and which attacks do not break it alone."""
    if not claim.undefended:
        return NOTHING
    other, seeds = other_said(claim.protocol), same(claim.levels.replicates)
    broke = {"other": other, "count": same(num_failing(claim.undefended)), "seeds": seeds}
    weak = NOTHING
    if claim.powerless:
        weak = fill(exposure.POWERLESS, {"other": other, "attacks": listed(claim.powerless)})
    return sentences((fill(exposure.OTHER_BREAKS, broke), weak))
