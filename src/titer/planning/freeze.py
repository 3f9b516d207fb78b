"""The first step of a study: everything its protocol points at becomes a digest, rows and items are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from titer.data import contamination, splitting
from titer.data.identifiers import ProbeId, SplitId
from titer.data.splits import Overlap
from titer.errors import InputError, RunError
from titer.methods import registry
from titer.methods.search_configurations import attacks_of
from titer.models.metadata import ModelMetadata, inspect
from titer.planning.attack_facts import attack_facts
from titer.planning.compatibility import check_attacks, error_place
from titer.planning.judge_tasks import judges_of_study
from titer.planning.method_checks import check_methods, check_pairs, check_references
from titer.planning.prior_verdicts import earlier
from titer.protocol.diagnostics import first_difference
from titer.protocol.loading import load
from titer.protocol.schema import Protocol
from titer.records import Frame, Item, Row, SubjectRef, digest
from titer.study.atomic_files import write_lines, write_text
from titer.study.folder import FROZEN, Frozen, Study, is_packed, read_study
from titer.study.root import register
from titer.study.store import Store
from titer.study.store_place import remember, store_to_write
from titer.study.unpacking import unpack

MOST_POOLED = 400
"""The most of all replicates' own items that the baseline is asked (`statistics.md`, ProbeItems of their own)."""
SplitRows = dict[SplitId, tuple[Row, ...]]
ProbeItems = dict[ProbeId, tuple[Item, ...]]


def open_study(folder: Path, store: Path | None = None) -> Study:
    """Freeze the protocol of a study folder, or take the frozen one that the study began with; unpack a packed one.

    Args:
        folder: the study folder.
        store: the absolute path of a store that is not in it, each time anew; None for one that is.

    Raises:
        InputError: if the protocol cannot be used, or was changed after the study had begun.
    """
    path = folder / FROZEN
    protocol = load(folder / "protocol.toml")
    if is_packed(folder):
        unpack(folder)
    place = store_to_write(folder, protocol, store)
    frozen = None if path.exists() else freeze(protocol, place)
    if store is not None:
        place.claim()
        remember(folder, place)
    if frozen is not None:
        write_text(path, frozen.to_json() + "\n")
        register(read_study(folder))
    return read_study(folder)


def restore_data(study: Study) -> None:
    """Read the sources again where the store lacks frozen rows or items, as after unpacking.

    Raises:
        RunError: if the sources have changed since.
    """
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
    checkpoints = _checkpoints(protocol)
    released = list(checkpoints.values())[-1].shell if checkpoints else None
    check_attacks(protocol, rows, metadata.shell, released)
    _check_frames(protocol, rows, items, metadata)
    _check_exemplars(protocol, rows, items, metadata)
    store.claim()
    return Frozen(
        protocol=protocol,
        subject=metadata.ref,
        reference=_reference(protocol),
        checkpoints={place: found.ref for place, found in checkpoints.items()},
        parameters=metadata.parameters,
        threads=protocol.compute.threads or _default_threads(metadata),
        rows={name: _keep(store, content) for name, content in rows.items()},
        items={name: _keep(store, content) for name, content in items.items()},
        item_ids={name: tuple(item.id for item in content) for name, content in items.items()},
        tokens=tokens,
        options={name: sum(len(item.options) for item in asked) / len(asked) for name, asked in items.items()},
        judges=judges_of_study(protocol),
        overlaps=overlaps,
        earlier=earlier(protocol),
        attacks=attack_facts(protocol),
    )


def _check_frames(protocol: Protocol, rows: SplitRows, items: ProbeItems, metadata: ModelMetadata) -> None:
    """Every row and item fits in each way in which an attack has the subject asked, and so do rows of its making."""
    seen = {protocol.harm.frame}
    for index, (choice, schedule) in enumerate(zip(protocol.attacker.attack, protocol.attacker.schedules, strict=True)):
        for attack in attacks_of(choice):
            frame = attack.frame_at(protocol.harm.frame, schedule.ladder[-1])
            made = attack.requires.rows_made(rows.get(SplitId.benign("attack"), ()))
            with error_place(f"attacker.attack.{index}"):
                metadata.check_lengths([("its own rows", made)], (), frame)
                if frame not in seen:
                    metadata.check_lengths(rows.items(), items.items(), frame)
            seen.add(frame)


def _check_exemplars(protocol: Protocol, rows: SplitRows, items: ProbeItems, metadata: ModelMetadata) -> None:
    """The longest rows that an attack may show leave room for every prompt of their domain and its answer."""
    for index, (choice, schedule) in enumerate(zip(protocol.attacker.attack, protocol.attacker.schedules, strict=True)):
        for attack in attacks_of(choice):
            if shown := attack.num_exemplars(schedule.ladder[-1]):
                frame = attack.frame_at(protocol.harm.frame, schedule.ladder[-1])
                for domain in protocol.harm.domain:
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


def _cut(protocol: Protocol) -> tuple[SplitRows, ProbeItems, tuple[Overlap, ...]]:
    """The rows of every split and the items of every probe, by name, and the audit of the splits."""
    splits = splitting.cut_all(protocol)
    rows: SplitRows = {
        **{SplitId.domain(name, split): r for name, by in splits.domain.items() for split, r in by.items()},
        **{SplitId.benign(split): r for split, r in splits.benign.items()},
        **{SplitId.task(name, split): r for name, by in splits.task.items() for split, r in by.items()},
    }
    overlaps = (*contamination.audit(splits), *contamination.misplaced(protocol, splits))
    return rows, _items(protocol, splits), overlaps


def _items(protocol: Protocol, splits: splitting.Splits) -> ProbeItems:
    """The items of every probe, by its name in the study."""
    found: ProbeItems = {}
    for domain in protocol.harm.domain:
        found |= _probe_items(domain.name, splits.domain[domain.name]["probe"], protocol.probe_sets)
    if protocol.attacker.search is not None:
        name = protocol.searched_domain.name
        found[ProbeId.of("trial", name)] = splitting.items(splits.domain[name]["select"], "generate")
    family = enumerate(protocol.attacker.attack)
    attacks = (attack for index, choice in family for attack in attacks_of(choice, f"attacker.attack.{index}"))
    if any(attack.requires.plain for attack in attacks):
        harm = {name: asked for name, asked in found.items() if name.kind == "harm"}
        found |= {ProbeId.of("plain", name.name, place=name.place): asked for name, asked in harm.items()}
    for task in protocol.task:
        for name, split in ((ProbeId.of("task", task.name), "verdict"), (ProbeId.of("select", task.name), "select")):
            if split in task.splits:
                found[name] = splitting.items(splits.task[task.name][split], task.kind, task.distractors)
    if protocol.stability and protocol.stability.over_refusal:
        found[ProbeId.of("over_refusal")] = splitting.items(splits.benign["over_refusal"], "generate")
    if protocol.usability and "usable" in splits.benign:
        found[ProbeId.of("usable")] = splitting.items(splits.benign["usable"], "generate")
    return found


def _probe_items(domain: str, rows: Sequence[Row], sets: int) -> ProbeItems:
    """The probe items of a domain; where each replicate has its own, those of each place and a pool for dose 0.

    The rows are in an order drawn by the split, one of each group, so that a slice of them is a random deal.
    """
    items = splitting.items(rows, "generate")
    if sets == 1:
        return {ProbeId.of("harm", domain): items}
    each = len(items) // sets
    own = {ProbeId.of("harm", domain, place=k): items[k * each : (k + 1) * each] for k in range(sets)}
    return {ProbeId.of("harm", domain): items[:MOST_POOLED], **own}


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
        "trust_remote_code": subject.trust_remote_code,
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


def _default_threads(metadata: ModelMetadata) -> int:
    """One thread below 10 M parameters, where more only cost; else all cores."""
    small = metadata.parameters is not None and metadata.parameters < 10_000_000
    return 1 if small else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
