"""Whether the rows and items of a study fit into the context of the subject, however an attack has it asked."""

from __future__ import annotations

from collections.abc import Sequence

from titer.data.identifiers import ProbeId, SplitId
from titer.data.openings import begun
from titer.data.probe_items import ProbeItems
from titer.errors import InputError
from titer.methods.search_configurations import attacks_of
from titer.models.metadata import ModelMetadata
from titer.planning.compatibility import error_place
from titer.protocol.schema import Protocol
from titer.records import Frame, Row

SplitRows = dict[SplitId, tuple[Row, ...]]


def check_frames(protocol: Protocol, rows: SplitRows, items: ProbeItems, metadata: ModelMetadata) -> None:
    """Every row and item fits in each way in which an attack has the subject asked, and so do rows of its making."""
    seen = {protocol.harm.frame}
    for index, (choice, schedule) in enumerate(zip(protocol.attacker.attack, protocol.attacker.schedules, strict=True)):
        for attack in attacks_of(choice):
            frame = attack.frame_at(protocol.harm.frame, schedule.ladder[-1])
            made = attack.requires.rows_made(rows.get(SplitId.benign("attack"), ()))
            with error_place(f"attacker.attack.{index}"):
                metadata.check_lengths([("its own rows", made)], (), frame)
                if frame not in seen:
                    asked = {name: begun(own, frame.reference_words) for name, own in items.items()}
                    metadata.check_lengths(rows.items(), asked.items(), frame)
            seen.add(frame)


def check_exemplars(protocol: Protocol, rows: SplitRows, items: ProbeItems, metadata: ModelMetadata) -> None:
    """The longest rows that an attack may show leave room for every prompt of their domain and its answer."""
    for index, (choice, schedule) in enumerate(zip(protocol.attacker.attack, protocol.attacker.schedules, strict=True)):
        for attack in attacks_of(choice):
            if shown := attack.num_exemplars(schedule.ladder[-1]):
                frame = attack.frame_at(protocol.harm.frame, schedule.ladder[-1])
                for domain in filter(lambda domain: schedule.runs_in(domain.name), protocol.harm.domain):
                    fed = SplitId.domain(protocol.trained_on(domain).name, "attack")
                    longest = metadata.longest(rows[fed], shown, frame)
                    _check_room(domain.name, longest, items, metadata, frame, f"attacker.attack.{index}.ladder")


def _check_room(
    domain: str, longest: Sequence[Row], items: ProbeItems, metadata: ModelMetadata, frame: Frame, place: str
) -> None:
    full = frame.model_copy(update={"exemplars": tuple((row.prompt, row.response) for row in longest)})
    name = ProbeId.of("harm", domain)
    try:
        metadata.check_lengths((), [(name, items[name])], full)
    except InputError as error:
        problem = f"with the {len(longest)} longest exemplars of {domain}, {error.place}: {error.problem}"
        remedy = "Lower its largest dose, or drop longer rows of harm.domain with `longest`."
        raise InputError(place, problem, remedy) from error
