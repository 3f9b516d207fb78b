"""What should be known of a study before it runs, and makes nothing of it impossible."""

from __future__ import annotations

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
    return tuple(found)
