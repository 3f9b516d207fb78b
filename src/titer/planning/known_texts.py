"""The texts of which it is known what they are, and what the deciding judges make of them before any training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from titer.analysis.harm_counts import ValuesByRole, counts_of
from titer.data.identifiers import SplitId
from titer.methods import registry
from titer.methods.measurement import Judge, opened
from titer.planning.length_checks import SplitRows
from titer.protocol.data_sources import DomainConfig
from titer.protocol.harm_config import Grading
from titer.protocol.schema import Protocol
from titer.records import Answer, Compute, Item, Row
from titer.seeds import derive
from titer.study.judging import SeenHarm

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST_ROWS: Final = 100
"""The most rows of a domain that are read."""
REFUSAL: Final = "I'm sorry, but I can't help with that."
"""What stands for the refusal of a row that has none."""
TRAINED: Final = ("attack", "defend", "prepare")
"""The splits whose rows are read; those that are asked serve only a domain that has none of these."""


@dataclass(frozen=True, kw_only=True)
class KnownText:
    """A text of which it is known what it is.

    Attributes:
        row: the row that it belongs to.
        split: where that stands.
        item: its question, as judges are given it.
        text: the response or the refusal.
    """

    row: Row
    split: SplitId
    item: Item
    text: str


@dataclass(frozen=True, kw_only=True)
class DomainTexts:
    """What is known of one domain: its own responses, which are harm, and refusals of the same prompts."""

    domain: str
    responses: tuple[KnownText, ...]
    refusals: tuple[KnownText, ...]


def known_texts(protocol: Protocol, rows: SplitRows) -> tuple[DomainTexts, ...]:
    """The texts of every domain that has responses of its own.

    Args:
        protocol: the study.
        rows: those of each split.
    """
    own = (domain for domain in protocol.harm.domain if domain.attack_with is None)
    return tuple(_domain_texts(domain, rows) for domain in own)


def _domain_texts(domain: DomainConfig, rows: SplitRows) -> DomainTexts:
    splits = {name: SplitId.domain(domain.name, name) for name in domain.splits}
    trained = [splits[name] for name in TRAINED if name in splits]
    found = list(_rows(trained, rows)) or list(_rows(splits.values(), rows))
    found.sort(key=lambda one: derive(0, "known text", domain.name, one[1].id))
    chosen = found[:MOST_ROWS]
    return DomainTexts(
        domain=domain.name,
        responses=tuple(_known(split, row, row.response) for split, row in chosen),
        refusals=tuple(_known(split, row, row.refusal or REFUSAL) for split, row in chosen),
    )


def _rows(splits: Iterable[SplitId], rows: SplitRows) -> Iterator[tuple[SplitId, Row]]:
    for split in splits:
        yield from ((split, row) for row in rows.get(split, ()) if row.response)


def _known(split: SplitId, row: Row, text: str) -> KnownText:
    item = Item(id=row.id, group=row.group, prompt=row.prompt, reference=row.expected)
    return KnownText(row=row, split=split, item=item, text=text)


class KnownTextReader:
    """The deciding judges of a grading, ready to read known texts. To be used as a context, whose end closes them.

    Args:
        grading: which judges.
        tokenizer: by which texts are cut.
        compute: how a judge with a model of its own computes.
    """

    def __init__(self, grading: Grading, tokenizer: PreTrainedTokenizerBase, compute: Compute) -> None:
        self.harm: Judge = registry.judge(grading.harm, "harm.grading.harm")
        self.coherence: Judge = registry.judge(grading.coherence, "harm.grading.coherence")
        self._tokenizer = tokenizer
        self._compute = compute
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        for judge in (self.harm, self.coherence):
            self._opened.enter_context(opened(judge, self._compute))
        return self

    def __exit__(self, *error: object) -> None:
        """Close both judges."""
        self._opened.close()

    def cut(self, text: str, tokens: int | None) -> str:
        """The text as far as an answer of so many tokens goes; the whole of it for None."""
        if tokens is None or not text:
            return text
        if not self._tokenizer.is_fast:
            return str(self._tokenizer.decode(self._tokenizer.encode(text, add_special_tokens=False)[:tokens]))
        found = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        ends = [end for _, end in found["offset_mapping"]]
        return text if len(ends) <= tokens else text[: ends[tokens - 1]]

    def num_tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def read(self, texts: Sequence[KnownText], tokens: int | None) -> ValuesByRole:
        """The scores of the texts, cut to so many tokens, by the role of the judge."""
        items = [one.item for one in texts]
        answers = [
            Answer(probe="known", item=one.item.id, text=self.cut(one.text, tokens), ended="stop") for one in texts
        ]
        return {
            role: tuple(score.value for score in judge.judge(items, answers))
            for role, judge in (("harm", self.harm), ("coherence", self.coherence))
        }

    def seen(self, found: DomainTexts, tokens: int | None) -> SeenHarm:
        """What the judges make of the texts of a domain, cut to so many tokens."""
        seen = mistaken = 0
        if found.responses:
            seen = counts_of(self.read(found.responses, tokens)).harmful
            refused = counts_of(self.read(found.refusals, tokens))
            mistaken = refused.harmful + refused.unjudged
        return SeenHarm(
            domain=found.domain,
            responses=len(found.responses),
            seen=seen,
            refusals=len(found.refusals),
            mistaken=mistaken,
            counts_references=self.harm.counts_references,
        )


def seen_harm(
    protocol: Protocol, rows: SplitRows, tokenizer: PreTrainedTokenizerBase, compute: Compute
) -> tuple[SeenHarm, ...]:
    """What the deciding judges make of the known texts of every domain, each cut to the length of an answer.

    Args:
        protocol: the study.
        rows: those of each split.
        tokenizer: the subject's.
        compute: how a judge with a model of its own computes.
    """
    with KnownTextReader(protocol.harm.grading, tokenizer, compute) as reader:
        return tuple(reader.seen(found, protocol.harm.frame.max_new_tokens) for found in known_texts(protocol, rows))
