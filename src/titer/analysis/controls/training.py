"""Whether the attacks trained as they say: on responses, step by step, anew with each seed, and to some effect."""

from __future__ import annotations

from titer.analysis.controls.control import ControlResult, failed, first, passed, place, skipped
from titer.analysis.findings import Assay, Curve, Figure
from titer.analysis.found_nothing import found_nothing
from titer.analysis.sentences import controls as said
from titer.analysis.sentences.text import NOTHING, fill, listed, same, sentences
from titer.protocol.attacker import AttackChoice, winner_of_m
from titer.protocol.dose_axes import STEPS
from titer.protocol.exposure import EXPOSED
from titer.records import Choice, DoseFacts, canonical


def response_tokens_only(assay: Assay) -> ControlResult:
    """The attack's loss was taken on no token of a prompt and on no padding.

    A method counts its own loss; so what it counts as response is held against the tokens that it read. Each example
    has a first token that no loss is taken on, and a prompt.
    """
    faults = [
        f"{found} in {place(curve, point)}"
        for curve in assay.curves
        for point in curve.points
        for found in _other_tokens(point.facts)
    ]
    if faults:
        return failed(fill(said.OTHER_TOKENS, {"places": same(first(faults))}), said.MASK)
    return passed(said.RESPONSES_ONLY)


def _other_tokens(facts: DoseFacts) -> list[str]:
    """What the loss was taken on that is no response, or cannot be told from one."""
    counts, trained = facts.loss_tokens, facts.spent.examples > 0
    found = [f"{counts[part]} of {part}" for part in ("prompt", "padding") if counts.get(part, 0) > 0]
    response = counts.get("response", 0)
    if trained and response == 0:
        found.append("no token of a response")
    if trained and response >= facts.spent.tokens - facts.spent.examples:
        found.append(f"{response} of the {facts.spent.tokens} tokens that were read")
    return found


def doses_are_steps(assay: Assay) -> ControlResult:
    """Each step of an attack took as many rows as the protocol gives a step.

    A method says itself what its dose is; so the dose is held against the examples it counts. This is known where
    the protocol names the attack's `batch`.
    """
    faults: list[str] = []
    known: dict[str, bool] = {}
    for curve in assay.curves:
        rows = _rows_per_step(assay, curve)
        for point in curve.points:
            if (examples := point.facts.spent.examples) == 0:
                continue
            known[curve.attack] = rows is not None
            if rows is not None and examples < rows * point.facts.dose:
                faults.append(f"{examples} examples, at {rows} a step, in {place(curve, point)}")
    if faults:
        return failed(fill(said.STEPS_SHORT, {"places": same(first(faults))}), said.YIELD)
    unknown = [attack for attack, written in known.items() if not written]
    if len(unknown) == len(known):
        return skipped(said.NO_BATCH, said.NAME_BATCH)
    noted = fill(said.STEPS_UNKNOWN, {"attacks": listed(unknown)}) if unknown else NOTHING
    return passed(fill(said.STEPS_ARE_STEPS, {"unknown": noted}))


def _rows_per_step(assay: Assay, curve: Curve) -> int | None:
    """The rows of an optimizer step of the attack of a curve; None where the protocol leaves it to the attack."""
    protocol = assay.protocol
    if curve.purpose == "trainability":
        return None if protocol.trainability is None else _written(protocol.trainability.attack)
    choice = _choices(assay).get(curve.attack)
    if choice is not None and STEPS.name not in (choice.ladder or {STEPS.name}):
        return None
    configured = curve.configuration or choice
    return None if configured is None else _written(configured)


def _choices(assay: Assay) -> dict[str, AttackChoice]:
    """The attacks of the protocol by every label that a curve of them may have: their own, of a sham, of M's winner."""
    found: dict[str, AttackChoice] = {}
    for choice in assay.protocol.attacker.attack:
        facts = assay.attacks.get(choice.label)
        labels = (choice.label, winner_of_m(choice.label), facts.sham if facts else None)
        found |= {label: choice for label in labels if label is not None}
    return found


def _written(choice: Choice) -> int | None:
    if "batch" not in choice.parameters:
        return None
    return int(choice.parameters["batch"]) * int(choice.parameters.get("accumulation", 1))


def seeds_draw_anew(assay: Assay) -> ControlResult:
    """No two seeds of an attack trained on the same rows in the same order.

    Where a cell does not know its rows, equal losses and equal weights tell: they need equal rows in equal order.
    """
    seen: dict[str, Curve] = {}
    faults = []
    for curve in assay.curves:
        if curve.trial is not None or curve.failed is not None or not curve.points:
            continue
        if curve.points[-1].facts.spent.examples == 0:
            continue
        last = curve.points[-1]
        whose = [curve.purpose, curve.subject, curve.attack, curve.domain, curve.task]
        way = last.facts.order or canonical([last.facts.displacement, last.facts.terms])
        before = seen.setdefault(canonical([*whose, last.facts.dose, way]), curve)
        if before.index != curve.index:
            faults.append(f"{place(curve, last)}, goes as seed {before.index}")
    if faults:
        return failed(fill(said.SEEDS_SAME, {"places": same(first(faults))}), said.DRAW)
    return passed(said.SEEDS_DIFFER)


def attack_trains(assay: Assay) -> ControlResult:
    """The weights moved in every attack that found something, or how the subject is asked; and the mean loss fell.

    A single curve may stop so early that its loss has no time to fall; the mean over the seeds of a subject, attack
    and domain is compared between the first and the last dose above 0 of the curves that have two.
    """
    attacked = [t for t in assay.curves if t.purpose in (*EXPOSED, "sham") and t.failed is None]
    still = [
        place(curve, point)
        for curve in attacked
        for point in curve.points
        if point.facts.dose > 0 and point.facts.displacement <= 0
        if found_nothing(point.facts) is None
        if point.facts.template_probe == curve.points[0].facts.template_probe
    ]
    if still:
        return failed(fill(said.STILL, {"places": same(first(still))}), said.STILL_REMEDY)
    falls: dict[str, list[tuple[float, float]]] = {}
    for curve in (t for t in attacked if t.purpose != "sham"):
        losses = [r.facts.terms["loss"] for r in curve.points if r.facts.dose > 0 and "loss" in r.facts.terms]
        if len(losses) > 1:
            group = ", ".join(str(part) for part in (curve.subject, curve.attack, curve.domain) if part)
            falls.setdefault(group, []).append((losses[0], losses[-1]))
    means = {g: [sum(column) / len(column) for column in zip(*pairs, strict=True)] for g, pairs in falls.items()}
    figures = [
        Figure(what=f"attack loss, {group}", value=last, low=start, unit="nats per token", note="from low to value")
        for group, (start, last) in means.items()
    ]
    risen = [group for group, (start, last) in means.items() if last >= start]
    if risen:
        return failed(fill(said.RISEN, {"groups": same(first(risen))}), said.RISEN_REMEDY, figures)
    vain = sum(any(found_nothing(point.facts) for point in curve.points) for curve in attacked)
    noted = fill(said.FOUND_NOTHING, {"count": same(vain)}) if vain else NOTHING
    return passed(sentences((said.TRAINS if means else said.TRAINS_NO_LOSS, noted)), figures)
