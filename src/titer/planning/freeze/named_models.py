"""The models that a protocol names, and what is known of each without its weights."""

from __future__ import annotations

from titer.methods import registry
from titer.models.metadata import ModelMetadata, inspect
from titer.protocol.schema import Protocol
from titer.records import SubjectRef


def subject_of(protocol: Protocol) -> ModelMetadata:
    """The model that is measured."""
    subject = protocol.subject
    source = {
        "model": subject.model,
        "revision": subject.revision,
        "base": subject.base,
        "trust_remote_code": subject.trust_remote_code and list(subject.trust_remote_code),
        **({} if subject.tokenizer is None else {"tokenizer": subject.tokenizer}),
    }
    return inspect(source, "subject.model")


def reference_of(protocol: Protocol) -> SubjectRef | None:
    """The model that the measured one is compared with, if any is named."""
    name = protocol.subject.reference
    if name is None:
        return None
    source = {"model": name, "revision": None, "base": None, "trust_remote_code": False}
    return inspect(source, "subject.reference").ref


def checkpoints_of(protocol: Protocol) -> dict[str, ModelMetadata]:
    """The defenses that are models already, by their place."""
    found: dict[str, ModelMetadata] = {}
    for index, choice in enumerate(protocol.defense):
        defense = registry.defense(choice, f"defense.{index}")
        if defense.source is not None:
            found[str(index)] = inspect(defense.source, f"defense.{index}.model")
    return found


def bases_of(protocol: Protocol) -> dict[str, ModelMetadata]:
    """The models that defenses name as those their subjects were aligned from, by the place of the defense."""
    named = {place: registry.defense(choice, place).parent_source for place, choice in protocol.stages.items()}
    return {place: inspect(source, f"{place}.base") for place, source in named.items() if source is not None}
