"""Splits cut by group, and the items asked: from the sources of a protocol to the rows and items of a study."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scipy.cluster.hierarchy import DisjointSet

from titer.data.near_duplicates import group_numbers, link_near, normalized
from titer.data.readers import Raw, rows
from titer.data.splits import Part, Splits
from titer.errors import InputError
from titer.protocol.data_sources import BenignConfig, DomainConfig, TaskConfig
from titer.protocol.schema import Protocol
from titer.records import Item, Row
from titer.seeds import derive

__all__ = ["Question", "Splits", "cut_all", "items"]

ASKED = ("probe", "verdict", "over_refusal", "usable", "select")
"""Splits whose rows become items: one row of each group."""
SPARE = ("spare", "spare_attack")
"""Groups that are left out, since another study asks or attacks with them."""
ORDER = ("spare", *ASKED, "sham", "spare_attack", "attack", "train", "defend", "prepare")
"""The order in which splits are cut, so that what the verdict asks does not depend on what is trained on."""


class Question(Row):
    """A row that is asked, with the answers to choose from."""

    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _User:
    """What wants rows of a source, and what it makes of a row that is trained on or asked."""

    name: str
    place: str
    source: DomainConfig | BenignConfig | TaskConfig
    row: Callable[[Raw, str], Row]
    asked: Callable[[Raw, str], Row]
    required: tuple[str, ...] = ("prompt", "response")
    """The fields that its rows must have."""
    times: int = 1
    """How often the groups that the verdict asks are wanted: once for each replicate that has items of its own."""

    @property
    def sizes(self) -> dict[str, int]:
        """Groups wanted for each split, in the order in which they are cut."""
        sizes = dict[str, int](self.source.splits.items())
        for split in sizes.keys() & {"probe", "verdict"}:
            sizes[split] *= self.times
        return {split: sizes[split] for split in sorted(sizes, key=ORDER.index)}

    @property
    def grouping(self) -> str | None:
        """The source with its group column, None where none is named."""
        return None if self.source.group is None else f"{self.source.source}#{self.source.group}"


def cut_all(protocol: Protocol) -> Splits:
    """Read every source and cut its splits; what reads the same source gets disjoint groups of it.

    Rows of one source are one group if they have the same prompt, the same value in the group column, or, where no
    group column is named, near-duplicate prompts. Each user of a source takes whole groups in an order drawn from
    its own name, skipping those taken by users before it: domains, benign rows, tasks, as in the protocol.

    Raises:
        InputError: if a source cannot be read, or has too few groups.
    """
    users = tuple(_users(protocol))
    parts: dict[str, tuple[Part, ...]] = {}
    whole: dict[str, tuple[Row, ...]] = {}
    for pool in dict.fromkeys(user.source.source for user in users):
        sharing = tuple(user for user in users if user.source.source == pool)
        raws = tuple(rows(user.source, user.place, user.required) for user in sharing)
        taken: set[int] = set()
        for user, own, numbers in zip(sharing, raws, _numbers(sharing, raws), strict=True):
            parts[user.name] = tuple(_cut(user, own, numbers, taken))
            whole[user.name] = tuple(user.row(raw, raw.label or raw.id) for raw in own)
    splits = Splits(
        parts=tuple(part for user in users for part in parts[user.name]),
        knowledge={name: whole[f"domain/{name}"] for name in protocol.taught},
    )
    for index, domain in enumerate(protocol.harm.domain):
        available = len(splits.domain[domain.name].get("attack", ()))
        _check_draw(domain, available, f"harm.domain.{index}.draw")
    return splits


def _users(protocol: Protocol) -> Iterable[_User]:
    for index, domain in enumerate(protocol.harm.domain):
        row = _harmful(domain.refusals)
        name, place = f"domain/{domain.name}", f"harm.domain.{index}"
        needed, sets = domain.required, protocol.probe_sets
        yield _User(name=name, place=place, source=domain, row=row, asked=row, required=needed, times=sets)
    for index, benign in enumerate(protocol.benign):
        yield _User(name=f"benign/{index}", place=f"benign.{index}", source=benign, row=_plain, asked=_plain)
    for index, task in enumerate(protocol.task):
        asked = _question if task.kind == "choice" else _plain
        name, place, sets = f"task/{task.name}", f"task.{index}", protocol.task_sets(task)
        yield _User(name=name, place=place, source=task, row=_plain, asked=asked, times=sets)


def _plain(raw: Raw, group: str) -> Row:
    return Row(id=raw.id, group=group, prompt=raw.prompt, response=raw.response, reference=raw.reference)


def _question(raw: Raw, group: str) -> Row:
    row = _plain(raw, group)
    return Question(**dict(row), options=raw.options)


def _harmful(refusals: Sequence[str]) -> Callable[[Raw, str], Row]:
    """Rows with the refusal of their own column, or else one of `refusals`, drawn by the row's id."""

    def row(raw: Raw, group: str) -> Row:
        drawn = refusals[derive(0, "refusal", raw.id) % len(refusals)] if refusals else None
        return _plain(raw, group).model_copy(update={"refusal": raw.refusal or drawn})

    return row


def _numbers(users: Sequence[_User], raws: Sequence[Sequence[Raw]]) -> list[list[int]]:
    """A number for each row of each user, the same for rows that are one group in the source they share."""
    members = [(user, raw) for user, own in zip(users, raws, strict=True) for raw in own]
    links = DisjointSet(range(len(members)))
    first_with: dict[tuple[str, str], int] = {}
    unnamed: list[int] = []
    for member, (user, raw) in enumerate(members):
        links.merge(member, first_with.setdefault(("prompt", normalized(raw.prompt)), member))
        if user.source.group is None:
            unnamed.append(member)
        elif raw.label is not None:
            links.merge(member, first_with.setdefault((user.source.group, raw.label), member))
    link_near(links, unnamed, [members[member][1].prompt for member in unnamed])
    numbers = iter(group_numbers(links))
    return [list(itertools.islice(numbers, len(own))) for own in raws]


def _cut(user: _User, raws: Sequence[Raw], numbers: Sequence[int], taken: set[int]) -> Iterable[Part]:
    """The splits of one user from the groups that are not yet taken; adds those it uses to `taken`."""
    groups: dict[int, list[Raw]] = {}
    for raw, number in zip(raws, numbers, strict=True):
        groups.setdefault(number, []).append(raw)
    labels = {number: own[0].label or own[0].id for number, own in groups.items()}
    free = [number for number in groups if number not in taken]
    free.sort(key=lambda number: derive(0, "split", user.name, labels[number]))
    needed = sum(user.sizes.values())
    if needed > len(free):
        raise _too_few(user, needed=needed, free=len(free), groups=len(groups), rows=len(raws))
    drawn = iter(free)
    for split, size in user.sizes.items():
        cut: list[Row] = []
        for number in itertools.islice(drawn, size):
            taken.add(number)
            if split in ASKED:
                one = min(groups[number], key=lambda raw: derive(0, "one of", user.name, raw.id))
                cut.append(user.asked(one, labels[number]))
            else:
                cut.extend(user.row(raw, labels[number]) for raw in groups[number])
        if split not in SPARE:
            yield Part(user=user.name, split=split, rows=tuple(cut), grouping=user.grouping)


def _too_few(user: _User, *, needed: int, free: int, groups: int, rows: int) -> InputError:
    sizes = ", ".join(f"{split} {size}" for split, size in user.sizes.items())
    used = f", of which {groups - free} serve other parts of the study" if free < groups else ""
    remedy = "Ask for fewer, add rows, or name a `group` column if near-duplicates are to be told apart."
    problem = f"{needed} groups are needed ({sizes}), but {rows} rows make {groups} groups{used}"
    return InputError(f"{user.place}.splits", problem, remedy)


def _check_draw(domain: DomainConfig, available: int, place: str) -> None:
    if domain.draw is not None and domain.draw > available:
        problem = f"{domain.draw} rows are to be drawn, but the attack split has {available}"
        raise InputError(place, problem, "Draw fewer, or enlarge the split.")


def items(rows: Sequence[Row], kind: str, distractors: int = 0, place: str = "task") -> tuple[Item, ...]:
    """The questions that rows become, in the same order.

    Args:
        rows: one row a question.
        kind: `generate` (no options), `choice` (the row's options, or its response with responses to other rows,
            shuffled by the row's id) or `loss` (the response is the one option).
        distractors: for `choice`, how many responses to other rows to add; 0 takes the row's own options.
        place: where the task stands in its protocol, for messages.

    Raises:
        InputError: if a choice has fewer than two options.
    """
    pool = tuple(sorted({row.response for row in rows}))
    if distractors and len(pool) <= distractors:
        problem = f"{distractors} are wanted, but the task has {len(pool)} different responses"
        raise InputError(f"{place}.distractors", problem, "Ask for fewer, or enlarge the split.")
    return tuple(
        Item(
            id=row.id, group=row.group, prompt=row.prompt,
            reference=row.expected if kind == "generate" else row.response or None,
            options=_options(row, kind, distractors, pool, place),
        )
        for row in rows
    )  # fmt: skip


def _options(row: Row, kind: str, distractors: int, pool: Sequence[str], place: str) -> tuple[str, ...]:
    if kind == "generate":
        return ()
    if kind == "loss":
        return (row.response,)
    if distractors:
        found = [row.response]
        for number in itertools.count():
            text = pool[derive(0, "distractor", row.id, number) % len(pool)]
            if text not in found:
                found.append(text)
            if len(found) > distractors:
                break
    else:
        found = list(row.options) if isinstance(row, Question) else []
    if len(found) < 2:
        remedy = "Name `columns.options`, or ask for `distractors`."
        raise InputError(f"{place}.columns.options", f"row {row.id} has no options to choose from", remedy)
    return tuple(sorted(found, key=lambda text: derive(0, "option", row.id, text)))
