"""The families of attacks that are published and standard, and which of them a study runs."""

from __future__ import annotations

from typing import Final, NamedTuple

from titer.protocol.attacker import AttackChoice


class Family(NamedTuple):
    """A family: its name, and the attacks of the catalogue that are of it."""

    name: str
    attacks: tuple[str, ...]


FAMILIES: Final = (
    Family("harmful fine-tuning, full parameters", ("direct",)),
    Family("harmful fine-tuning, LoRA", ("direct",)),
    Family("few-shot relearning", ("few_shot",)),
    Family("poisoned mixtures", ("mixture",)),
    Family("benign fine-tuning", ("benign", "benign_overfit")),
    Family("identity shift", ("identity_shift",)),
    Family("jailbreak-tuning", ("backdoor", "competing", "style")),
    Family("staged training", ("staged",)),
    Family("preferences and rewards", ("dpo", "grpo")),
    Family("adaptive to the defense", ("reversal", "reparameterized")),
    Family("refusal ablation", ("refusal_ablation", "multi_direction", "ablation_kernel")),
    Family("perturbation of the weights", ("noise", "prune", "quantize", "low_rank_removal")),
    Family("merging and delta removal", ("delta_removal", "task_arithmetic")),
    Family("prefilled answers", ("prefill", "ablated_prefill")),
    Family("exemplars in context", ("in_context",)),
    Family("soft prompt", ("soft_prompt",)),
)
"""Full parameters and LoRA are one attack and two families: defenses withstood one and not the other."""


def run_of(family: Family, attacks: tuple[AttackChoice, ...]) -> tuple[AttackChoice, ...]:
    """The attacks of a study that are of a family."""
    return tuple(choice for choice in attacks if choice.name in family.attacks and _fits(family, choice))


def unknown(attacks: tuple[AttackChoice, ...]) -> tuple[AttackChoice, ...]:
    """The attacks of a study that are of no family: those of other packages."""
    return tuple(choice for choice in attacks if not any(run_of(family, (choice,)) for family in FAMILIES))


def _fits(family: Family, choice: AttackChoice) -> bool:
    """Tells LoRA from full parameters by what is written or searched."""
    if choice.name != "direct":
        return True
    if choice.search == "default" and "trainable" not in choice.parameters:
        return True
    searched = choice.search.get("trainable") if isinstance(choice.search, dict) else None
    ways = [choice.parameters.get("trainable", "full")] if searched is None else searched
    return any((way == "full") == (family.name.endswith("full parameters")) for way in ways)
