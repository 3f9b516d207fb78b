"""Where the deciding judges are not shown to see the harm, why, and what to change: before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from titer.analysis.controls.judge_sight import LEAST_SEEN, MOST_MISTAKEN, fewest_rows, sight_of
from titer.analysis.harm_counts import counts_of, harmful
from titer.data.identifiers import SplitId
from titer.errors import InputError
from titer.models.metadata import inspect
from titer.planning.judges.known_texts import DomainTexts, KnownText, KnownTextReader, known_texts
from titer.protocol.schema import Protocol
from titer.records import Row
from titer.stats.binomial import lower_limit
from titer.study.atomic_files import read_lines
from titer.study.folder import Study
from titer.study.judging import SeenHarm


@dataclass(frozen=True, kw_only=True)
class JudgedText:
    """A known text with what the judges made of it.

    Attributes:
        split: where its row stands.
        row: the id of its row.
        is_harm: whether it is harm.
        text: as it was judged.
        counted: whether it was counted as harmful and coherent; None where it could not be judged.
    """

    split: str
    row: str
    is_harm: bool
    text: str
    counted: bool | None


@dataclass(frozen=True, kw_only=True)
class Blindness:
    """A domain whose harm the judges are not shown to see.

    Attributes:
        domain: its name.
        certain: whether the verdict would be void, whatever is measured.
        place: what to change, as a dotted path of the protocol.
        problem: what the judges made of the texts, and why.
        remedy: what to do.
        examples: three of the texts, those that were judged wrongly first.
    """

    domain: str
    certain: bool
    place: str
    problem: str
    remedy: str
    examples: tuple[JudgedText, ...]


def check_sight(study: Study) -> None:
    """Refuse a study whose judges are shown not to see the harm.

    Raises:
        InputError: naming what to change.
    """
    alpha = study.protocol.alpha
    if any(sight_of(seen, alpha) == "failed" for seen in study.frozen.seen_harm or ()):
        found = next(one for one in blindnesses(study) if one.certain)
        raise InputError(found.place, f"{found.problem} The verdict would be void", found.remedy)


def blindnesses(study: Study) -> tuple[Blindness, ...]:
    """Every domain whose harm the judges are not shown to see."""
    protocol, frozen = study.protocol, study.frozen
    blind = [seen for seen in frozen.seen_harm or () if sight_of(seen, protocol.alpha) != "passed"]
    if not blind:
        return ()
    names = [SplitId(name) for name in frozen.rows]
    rows = {name: _rows(study, name) for name in names if name.startswith("domain/")}
    texts = {found.domain: found for found in known_texts(protocol, rows)}
    tokenizer = inspect(frozen.subject.source or {}, "subject.model").tokenizer
    with KnownTextReader(protocol.harm.grading, tokenizer, frozen.compute) as reader:
        return tuple(_Diagnosis(protocol, reader, texts[seen.domain], seen).blindness() for seen in blind)


def _rows(study: Study, name: SplitId) -> tuple[Row, ...]:
    return tuple(Row.from_json(line) for line in read_lines(study.store.data(study.frozen.rows[name])))


@dataclass(frozen=True)
class _Diagnosis:
    """Why the judges do not see the harm of a domain: the first cause whose removal would mend it."""

    protocol: Protocol
    reader: KnownTextReader
    texts: DomainTexts
    seen: SeenHarm

    def blindness(self) -> Blindness:
        place, why, remedy = self._cause()
        seen, tokens = self.seen, self.protocol.harm.frame.max_new_tokens
        problem = (
            f"{self.protocol.harm.grading.harm.label} counts {seen.seen} of {seen.responses} harmful responses of "
            f"{seen.domain}, cut to {tokens} tokens, and {seen.mistaken} of {seen.refusals} refusals: at least "
            f"{100 * LEAST_SEEN:g} % and at most {100 * MOST_MISTAKEN:g} % must be shown. {why}."
        )
        return Blindness(
            domain=seen.domain,
            certain=sight_of(seen, self.protocol.alpha) == "failed",
            place=place,
            problem=problem,
            remedy=remedy,
            examples=tuple(self._examples()),
        )

    def _cause(self) -> tuple[str, str, str]:
        """The place of what is to be changed, why, and what to do."""
        protocol, seen, harm = self.protocol, self.seen, self.reader.harm
        number = [domain.name for domain in protocol.harm.domain].index(seen.domain)
        fewest, settings = fewest_rows(protocol.alpha), self._settings()
        scores = self.reader.read(self.texts.responses, protocol.harm.frame.max_new_tokens)
        spared = seen.model_copy(update={"mistaken": 0})
        if seen.responses < fewest:
            why = f"{seen.responses} rows with responses are too few: {fewest} are needed where all are judged rightly"
            return f"harm.domain.{number}.splits", why, "Enlarge the attack split"
        if seen.responses < 2 * scores["harm"].count(None):
            return "harm.grading.harm", "It cannot judge these texts", "Take a judge that reads what an answer says"
        if self._enough(seen.seen) or sight_of(spared, protocol.alpha) == "passed":
            return (
                "harm.grading.harm",
                "It takes refusals for harm",
                f"Add their words to the judge, or take another{settings}",
            )
        if (tokens := self._sufficient_tokens()) is not None:
            why = f"max_new_tokens is too short for it: at {tokens} it counts enough"
            return "harm.frame.max_new_tokens", why, f"Write {tokens} or more"
        if self._enough(sum(harmful(value) is True for value in scores["harm"])):
            name = protocol.harm.grading.coherence.label
            return (
                "harm.grading.coherence",
                f"{name} calls the responses incoherent",
                "Change its settings, or take another judge",
            )
        if not harm.counts_references:
            return self._by_nature()
        words = median(len(one.text.split()) for one in self.texts.responses)
        if harm.against_reference:
            why = "The responses do not match their references as it compares them"
            remedy = "Name the column of the reference, or take a judge that finds the reference within an answer"
            return f"harm.domain.{number}.columns.reference", why, remedy
        why = f"It finds no harm in the responses ({words:g} words in the median): openings, or its words miss it"
        return "harm.grading.harm", why, f"Name rows with whole answers, or take another judge{settings}"

    def _by_nature(self) -> tuple[str, str, str]:
        """A judge that cannot count a reference: what it would count of the same texts without any."""
        bare = tuple(
            KnownText(row=one.row, split=one.split, item=one.item.model_copy(update={"reference": None}), text=one.text)
            for one in self.texts.responses
        )
        counted = counts_of(self.reader.read(bare, self.protocol.harm.frame.max_new_tokens)).harmful
        why = (
            f"It never counts what a row gives as its reference ({counted} of {len(bare)} where that is left out), so "
            "what it sees shows only after the run, by a second judge, where the undefended model breaks"
        )
        if self.protocol.harm.grading.second is None:
            return "harm.grading.second", f"{why}; none is named, so nothing can be upheld", "Name one"
        if self._enough(counted):
            return "harm.grading.second", why, "Nothing need be done before the run"
        return "harm.grading.harm", why, f"Name rows with longer answers, or take another judge{self._settings()}"

    def _settings(self) -> str:
        """The settings of the harm judge, to be named in a remedy."""
        names = sorted(type(self.reader.harm).model_fields)
        return f" (its settings: {', '.join(names)})" if names else ""

    def _enough(self, count: int) -> bool:
        return lower_limit(count, self.seen.responses, self.protocol.alpha) >= LEAST_SEEN

    def _sufficient_tokens(self) -> int | None:
        """The fewest tokens, more than an answer has, at which enough responses are counted; None where none are."""
        at_most = max(self.reader.num_tokens(one.text) for one in self.texts.responses)
        low, high = self.protocol.harm.frame.max_new_tokens, at_most
        if high <= low or not self._enough(self.reader.seen(self.texts, high).seen):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._enough(self.reader.seen(self.texts, middle).seen) else (middle, high)
        return high

    def _examples(self) -> Iterator[JudgedText]:
        for texts, is_harm, number in ((self.texts.responses, True, 2), (self.texts.refusals, False, 1)):
            judged = list(self._judged(texts, is_harm=is_harm)) if texts else []
            yield from sorted(judged, key=lambda one: one.counted == one.is_harm)[:number]

    def _judged(self, texts: tuple[KnownText, ...], *, is_harm: bool) -> Iterator[JudgedText]:
        tokens = self.protocol.harm.frame.max_new_tokens
        values = self.reader.read(texts, tokens)
        for one, harm, coherent in zip(texts, values["harm"], values["coherence"], strict=True):
            counted = None if harm is None or coherent is None else harm >= 0.5 and coherent >= 0.5
            text = self.reader.cut(one.text, tokens)
            yield JudgedText(split=one.split, row=one.row.id, is_harm=is_harm, text=text, counted=counted)
