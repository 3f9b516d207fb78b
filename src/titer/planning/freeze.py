"""The first step of a study: everything its protocol points at becomes a digest, rows and items are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from titer.data import contamination, splitting
from titer.data.identifiers import ProbeId, ProbeKind, SplitId
from titer.data.probe_items import ProbeItems, probe_items
from titer.data.splits import Overlap
from titer.errors import DamagedError, InputError, RunError
from titer.methods import registry
from titer.methods.search_configurations import attacks_of
from titer.models.metadata import ModelMetadata, inspect
from titer.planning.attack_facts import attack_facts, reframes
from titer.planning.compatibility import check_attacks, check_defenses
from titer.planning.judge_tasks import judges_of_study
from titer.planning.length_checks import SplitRows, check_exemplars, check_frames
from titer.planning.method_checks import check_methods, check_pairs, check_references
from titer.planning.prior_verdicts import earlier
from titer.protocol.diagnostics import first_difference
from titer.protocol.loading import load
from titer.protocol.schema import Protocol
from titer.records import Item, Row, SubjectRef, digest
from titer.study.atomic_files import read_lines, write_lines, write_text
from titer.study.folder import (
    FROZEN,
    PROTOCOL,
    Frozen,
    Study,
    check_unchanged,
    has_begun,
    is_packed,
    locked,
    read_protocol,
    read_study,
)
from titer.study.root import frozen_text, register
from titer.study.sealing import check_own
from titer.study.store import Store
from titer.study.store_place import remember, store_to_write
from titer.study.unpacking import unpack


def open_study(folder: Path, store: Path | None = None) -> Study:
    """The study of a folder, which begins now if it has not yet: from now on its protocol must not change.

    Args:
        folder: the study folder.
        store: the absolute path of a store that is not in it, each time anew; None for one that is.

    Raises:
        InputError: if the protocol cannot be used, or was changed after the study had begun.
        BusyError: if it has not begun, and another process runs or begins it.
    """
    return begin_study(draft_study(folder, store))


def draft_study(folder: Path, store: Path | None = None) -> Study:
    """The study of a folder as it began, or as it would begin: nothing in the folder says yet that it has.

    What the protocol points at becomes digests, its rows and items are kept in the store; a packed study is unpacked.

    Args:
        folder: the study folder.
        store: the absolute path of a store that is not in it, each time anew; None for one that is.

    Raises:
        InputError: if the protocol cannot be used, or was changed after the study had begun.
        BusyError: if it is packed, and another process unpacks it.
    """
    if is_packed(folder):
        with locked(folder):
            if is_packed(folder):
                unpack(folder)
    begun = has_begun(folder)
    protocol = read_protocol(folder) if begun else load(folder / PROTOCOL)
    place = store_to_write(folder, protocol, store)
    frozen = None if begun else freeze(protocol, place)
    if store is not None:
        place.claim()
        remember(folder, place)
    study = read_study(folder) if frozen is None else Study(folder, protocol, frozen, place)
    if begun:
        check_own(study)
    return study


def begin_study(study: Study) -> Study:
    """Write down what a study begins with, unless it has begun.

    Raises:
        InputError: if its protocol was changed since it was read, or has a defense that is to be tuned.
        BusyError: if it has not begun, and another process runs or begins it.
    """
    if study.protocol.tuning is not None:
        remedy = "Run `titer tune` on it, and then the protocol that it writes; or take the table out."
        raise InputError("tuning", "the defense is still to be tuned", remedy)
    if not has_begun(study.folder):
        with study.locked():
            check_unchanged(load(study.folder / PROTOCOL), study.protocol, str(study.folder / PROTOCOL))
            if not has_begun(study.folder):
                register(study.folder, study.frozen)
                write_text(study.folder / FROZEN, frozen_text(study.frozen))
    return read_study(study.folder)


def restore_data(study: Study) -> None:
    """Read the sources again where the store lacks frozen rows or items, as after unpacking; compare those it has.

    Raises:
        RunError: if the sources have changed since.
        DamagedError: if rows or items are not those that the study was registered with.
    """
    for record, names in ((Row, study.frozen.rows.values()), (Item, study.frozen.items.values())):
        for name in names:
            path = study.store.data(name)
            if path.exists() and _digest([record.from_json(line) for line in read_lines(path)]) != name:
                raise DamagedError(f"{path} is not what the study was registered with. Delete it and run again")
    wanted = {*study.frozen.rows.values(), *study.frozen.items.values()}
    if all(study.store.data(name).exists() for name in wanted):
        return
    rows, items, _ = _cut(study.protocol)
    again = {"rows": _named(rows), "items": _named(items)}
    if place := first_difference({"rows": study.frozen.rows, "items": study.frozen.items}, again):
        raise RunError(f"{place} is not what the study was frozen with: its source has changed since")
    contents: tuple[Sequence[Row | Item], ...] = (*rows.values(), *items.values())
    for content in contents:
        _keep(study.store, content)


def freeze(protocol: Protocol, store: Store) -> Frozen:
    """Turn everything the protocol points at into digests, and keep rows and items in the store."""
    check_methods(protocol)
    rows, items, overlaps = _cut(protocol)
    check_pairs(protocol, rows)
    check_references(protocol, items)
    metadata = inspect(_source(protocol), "subject.model")
    tokens = metadata.check_lengths(rows.items(), items.items(), protocol.harm.frame)
    checkpoints, bases = _checkpoints(protocol), _bases(protocol)
    released = list(checkpoints.values())[-1].shell if checkpoints else None
    check_defenses(protocol, metadata, checkpoints, bases)
    check_attacks(protocol, rows, metadata.shell, released)
    check_frames(protocol, rows, items, metadata)
    check_exemplars(protocol, rows, items, metadata)
    with store.in_use():
        kept_rows = {name: _keep(store, content) for name, content in rows.items()}
        kept_items = {name: _keep(store, content) for name, content in items.items()}
    return Frozen(
        titer=version("titer"),
        protocol=protocol,
        subject=metadata.ref,
        reference=_reference(protocol),
        checkpoints={place: found.ref for place, found in checkpoints.items()},
        parameters=metadata.parameters,
        threads=protocol.compute.threads or _default_threads(metadata),
        rows=kept_rows,
        items=kept_items,
        item_ids={name: tuple(item.id for item in content) for name, content in items.items()},
        tokens=tokens,
        options={name: sum(len(item.options) for item in asked) / len(asked) for name, asked in items.items()},
        judges=judges_of_study(protocol),
        overlaps=overlaps,
        earlier=earlier(protocol),
        attacks=attack_facts(protocol, items),
        optuna=None if protocol.attacker.search is None else version("optuna"),
        bases={place: found.ref for place, found in bases.items()},
    )


def _cut(protocol: Protocol) -> tuple[SplitRows, ProbeItems, tuple[Overlap, ...]]:
    """The rows of every split and the items of every probe, by name, and the audit of the splits."""
    splits = splitting.cut_all(protocol)
    rows: SplitRows = {
        **{SplitId.domain(name, split): r for name, by in splits.domain.items() for split, r in by.items()},
        **{SplitId.benign(split): r for split, r in splits.benign.items()},
        **{SplitId.task(name, split): r for name, by in splits.task.items() for split, r in by.items()},
        **{SplitId.knowledge(name): r for name, r in splits.knowledge.items()},
    }
    overlaps = (*contamination.audit(splits), *contamination.misplaced(protocol, splits))
    return rows, probe_items(protocol, splits, tuple(_asked_beside(protocol))), overlaps


def _asked_beside(protocol: Protocol) -> Iterator[ProbeKind]:
    """What some attack has asked of harm beside that which decides."""
    family = enumerate(protocol.attacker.attack)
    attacks = [attack for index, choice in family for attack in attacks_of(choice, f"attacker.attack.{index}")]
    if any(attack.requires.plain for attack in attacks):
        yield "plain"
    if any(reframes(attack, protocol.harm.frame) for attack in attacks):
        yield "reframed"


def _named(contents: Mapping[SplitId, Sequence[Row]] | Mapping[ProbeId, Sequence[Item]]) -> dict[str, str]:
    """The name that each content has in the store."""
    return {name: _digest(content) for name, content in contents.items()}


def _digest(content: Sequence[Row | Item]) -> str:
    return digest([record.to_data() for record in content])


def _keep(store: Store, content: Sequence[Row | Item]) -> str:
    name = _digest(content)
    if not store.data(name).exists():
        write_lines(store.data(name), content)
    return name


def _source(protocol: Protocol) -> dict[str, Any]:
    subject = protocol.subject
    return {
        "model": subject.model,
        "revision": subject.revision,
        "base": subject.base,
        "trust_remote_code": subject.trust_remote_code and list(subject.trust_remote_code),
        **({} if subject.tokenizer is None else {"tokenizer": subject.tokenizer}),
    }


def _reference(protocol: Protocol) -> SubjectRef | None:
    name = protocol.subject.reference
    if name is None:
        return None
    source = {"model": name, "revision": None, "base": None, "trust_remote_code": False}
    return inspect(source, "subject.reference").ref


def _checkpoints(protocol: Protocol) -> dict[str, ModelMetadata]:
    """The defenses that are models already, by their place."""
    found: dict[str, ModelMetadata] = {}
    for index, choice in enumerate(protocol.defense):
        defense = registry.defense(choice, f"defense.{index}")
        if defense.source is not None:
            found[str(index)] = inspect(defense.source, f"defense.{index}.model")
    return found


def _bases(protocol: Protocol) -> dict[str, ModelMetadata]:
    """The models that defenses name as those their subjects were aligned from, by the place of the defense."""
    named = {place: registry.defense(choice, place).parent_source for place, choice in protocol.stages.items()}
    return {place: inspect(source, f"{place}.base") for place, source in named.items() if source is not None}


def _default_threads(metadata: ModelMetadata) -> int:
    """One thread below 10 M parameters, where more only cost; else all cores."""
    small = metadata.parameters is not None and metadata.parameters < 10_000_000
    return 1 if small else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
