"""The rows of every split and the items of every probe: cut from the sources, kept under their digest, restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from titer.data import contamination, splitting
from titer.data.identifiers import ProbeId, ProbeKind, SplitId
from titer.data.probe_items import ProbeItems, probe_items
from titer.data.splits import Overlap
from titer.errors import DamagedError, RunError
from titer.methods.search_configurations import attacks_of
from titer.planning.attack_facts import reframes
from titer.planning.length_checks import SplitRows
from titer.protocol.diagnostics import first_difference
from titer.protocol.schema import Protocol
from titer.records import Item, Row, digest
from titer.study.atomic_files import read_lines, write_lines
from titer.study.folder import Study
from titer.study.store import Store


def cut(protocol: Protocol) -> tuple[SplitRows, ProbeItems, tuple[Overlap, ...]]:
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


def keep(store: Store, content: Sequence[Row | Item]) -> str:
    """Keep rows or items in the store, and give the name under which they lie there."""
    name = _digest(content)
    if not store.data(name).exists():
        write_lines(store.data(name), content)
    return name


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
    rows, items, _ = cut(study.protocol)
    again = {"rows": _named(rows), "items": _named(items)}
    if place := first_difference({"rows": study.frozen.rows, "items": study.frozen.items}, again):
        raise RunError(f"{place} is not what the study was frozen with: its source has changed since")
    contents: tuple[Sequence[Row | Item], ...] = (*rows.values(), *items.values())
    for content in contents:
        keep(study.store, content)


def _named(contents: Mapping[SplitId, Sequence[Row]] | Mapping[ProbeId, Sequence[Item]]) -> dict[str, str]:
    """The name that each content has in the store."""
    return {name: _digest(content) for name, content in contents.items()}


def _digest(content: Sequence[Row | Item]) -> str:
    return digest([record.to_data() for record in content])
