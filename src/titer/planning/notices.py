"""What should be known of a study before it runs, and makes nothing of it impossible."""

from __future__ import annotations

from collections.abc import Iterator

from titer.analysis.conditions.searched_rates import unsearched_by_plan
from titer.analysis.sentences import exposure
from titer.methods import registry
from titer.models.metadata import inspect
from titer.study.folder import Study


def notices(study: Study) -> tuple[str, ...]:
    """One sentence or more for each thing that a study should not be run without knowing."""
    protocol = study.protocol
    found = []
    if protocol.defense:
        model = inspect(study.frozen.subject.source or {}, "subject.model").shell.model
        vocabulary = int(model.config.get_text_config().vocab_size)
        for place, choice in enumerate(protocol.defense):
            defense = registry.defense(choice, f"defense.{place}")
            found += [f"defense.{place}: {notice}" for notice in defense.notices(vocabulary)]
    if twice := protocol.defended_as_prepared:
        found.append(
            f"subject.prepare and the defense are fed the same rows of {', '.join(twice)}: what the defense adds to "
            "rows of its own is not seen. Give these domains a prepare split."
        )
    return (*found, *_fixed_rates(study), *_openings(study))


def _fixed_rates(study: Study) -> Iterator[str]:
    """That nothing can be upheld where an attack that trains runs at a rate that is not searched."""
    labels = [choice.label for choice in study.protocol.attacker.attack]
    lacking = list(unsearched_by_plan(study.protocol, study.frozen.attacks, labels))
    if lacking:
        yield (
            f"The learning rate of {', '.join(one.attack for one in lacking)} is not searched: against these attacks "
            "this study can be refuted or undecided, never upheld. "
            f"{exposure.REMEDY_SEARCH.en}"
        )


def _openings(study: Study) -> Iterator[str]:
    """Where an attack that begins answers with words of their references has fewer of these than its doses say."""
    for schedule in study.protocol.attacker.schedules:
        for one in study.frozen.attacks[schedule.attack].openings:
            if one.begun < one.items or one.words < schedule.ladder[-1]:
                yield (
                    f"{schedule.attack} makes {one.begun} of {one.items} answers in {one.domain} begin with words of "
                    f"their reference, {one.words} at most: where those of other items part, the answer may begin. "
                    "Larger doses ask the same again."
                )
