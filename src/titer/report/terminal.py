"""The first screen of a verdict for a terminal: question, answer, conditions, controls, doubt, next step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from titer.analysis.findings import Verdict
from titer.analysis.sentences import whole
from titer.analysis.wording import budgets_said, confidence, listed, subject_said
from titer.errors import LONGEST, shown
from titer.protocol.schema import Protocol
from titer.records import Outcome
from titer.report.escape import sentence
from titer.report.outcome_words import outcome_word

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    "upheld": "bold green",
    "refuted": "bold red",
    "undecided": "bold yellow",
    "void": "bold magenta",
    "not applicable": "dim",
}
ANSWERS: dict[Outcome, str] = {
    "upheld": "Yes, as far as was tested.",
    "refuted": "No, not in every respect.",
    "undecided": "Not shown, neither yes nor no.",
    "void": "This study cannot say.",
}
MOST_LINES, LABEL, OUTCOME = 4, 16, 10
"""Lines of a paragraph, and the columns before a reason."""


class FindingLine(NamedTuple):
    """One line of the screen: what is judged, its outcome as data and in a word, and why."""

    name: str
    outcome: Outcome
    word: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FirstScreen:
    """What someone reads first, and perhaps alone."""

    study: str
    outcome: Outcome
    question: str
    answer: str
    lines: tuple[FindingLine, ...]
    doubt: str
    next_step: str


def first_screen(verdict: Verdict, protocol: Protocol, folder: str) -> FirstScreen:
    """The first screen of a verdict, from the sentences that the verdict already has.

    Args:
        verdict: what was concluded.
        protocol: what the study asked.
        folder: the study, as it was named on the command line.
    """
    return FirstScreen(
        study=verdict.study,
        outcome=verdict.outcome,
        question=_question(protocol),
        answer=f"{ANSWERS[verdict.outcome]} {sentence(verdict.reason)}",
        lines=tuple(_lines(verdict, budgets_said(protocol.attacks_on("defended")).en)),
        doubt=" ".join(_doubts(verdict)),
        next_step=" ".join(_next(verdict, folder)),
    )


def _question(protocol: Protocol) -> str:
    """Which model, which defense, which attackers, up to what."""
    by = f", defended by {listed(choice.name for choice in protocol.defense)}," if protocol.defended else ""
    domains = listed(f"{one.name} ({'unseen' if one.role == 'cross' else one.role})" for one in protocol.harm.domain)
    return (
        f"Does {protocol.subject.model}{by} stay below {100 * protocol.harm.threshold:g} % harmful answers up to "
        f"{budgets_said(protocol.attacks_on('defended')).en} of "
        f"{listed(dict.fromkeys(choice.name for choice in protocol.attacker.attack))}, in {domains}; and does "
        f"{subject_said(protocol).en} stay of use? (at {confidence(protocol).en} confidence)"
    )


def _lines(verdict: Verdict, budget: str) -> Iterator[FindingLine]:
    """The conditions that apply, how many controls passed, and each that did not; the question has the budget."""
    for finding in verdict.conditions:
        if finding.outcome != "not applicable":
            reason = sentence(finding.reason.removeprefix(f"Up to {budget} "))
            yield FindingLine(finding.name, finding.outcome, outcome_word(finding).en, reason)
    said = [finding for finding in verdict.controls if finding.outcome != "not applicable"]
    doubtful = [finding for finding in said if finding.outcome != "upheld"]
    worst: Outcome = "void" if any(one.outcome == "void" for one in doubtful) else "undecided"
    passed = len(said) - len(doubtful)
    word = "passed" if not doubtful else "not all"
    yield FindingLine("controls", worst if doubtful else "upheld", word, f"{passed} of {len(said)} passed.")
    for finding in doubtful:
        yield FindingLine("  control", finding.outcome, outcome_word(finding).en, f"{finding.name}: {finding.reason}")


def _doubts(verdict: Verdict) -> Iterator[str]:
    """What was not checked, what is said of the model without the defense, and what is provisional."""
    if verdict.unchecked:
        yield whole.NOT_CHECKED.en.format(what="; ".join(verdict.unchecked))
    if verdict.parent:
        yield verdict.parent
    for said in dict.fromkeys(finding.provisional for finding in verdict.conditions if finding.provisional):
        yield sentence(f"Provisional: {said}")


def _next(verdict: Verdict, folder: str) -> Iterator[str]:
    """The remedies of what is not decided, or what to do with what is; then where the rest is."""
    open_findings = [one for one in (*verdict.controls, *verdict.conditions) if one.outcome in ("void", "undecided")]
    yield from dict.fromkeys(sentence(one.remedy) for one in open_findings if one.remedy)
    if verdict.outcome == "upheld":
        yield f"Publish the line that `titer verify {folder}` prints, so that others can check it."
    elif verdict.outcome == "refuted":
        yield "Look at the attack and the dose that break it; a stronger defense needs fresh seeds."


def screen_text(screen: FirstScreen, console: Console) -> Iterator[Text]:
    """The lines of a first screen, none wider than the console; nothing in them is read as markup.

    Args:
        screen: what is shown.
        console: the terminal that it is shown on.
    """
    from rich.text import Text

    name = Text(shown(screen.study, LONGEST))
    name.truncate(console.width - len(": ") - len(screen.outcome), overflow="ellipsis")
    yield name.append(": ").append(screen.outcome, style=STYLES[screen.outcome])
    yield Text()
    yield from _paragraph("Question", screen.question, console)
    yield from _paragraph("Answer", screen.answer, console)
    yield Text()
    for line in screen.lines:
        row = Text()
        for cell, width, own in ((line.name, LABEL, ""), (line.word, OUTCOME, STYLES[line.outcome])):
            part = Text(shown(cell, LONGEST), style=own)
            part.truncate(width - 1, overflow="ellipsis", pad=True)
            row.append_text(part).append(" ")
        row.append(shown(line.reason, LONGEST))
        row.truncate(console.width, overflow="ellipsis")
        yield row
    yield Text()
    for label, said in (("Doubt", screen.doubt), ("Next", screen.next_step)):
        if said:
            yield from _paragraph(label, said, console)


def _paragraph(label: str, said: str, console: Console) -> Iterator[Text]:
    """A paragraph with a label before it, of a few lines at most."""
    from rich.text import Text

    before = len("Question  ")
    lines = Text(shown(said, LONGEST)).wrap(console, console.width - before)
    for number, line in enumerate(lines[:MOST_LINES]):
        line.rstrip()
        if number == MOST_LINES - 1 and len(lines) > MOST_LINES:
            line.truncate(console.width - before - 2)
            line.append(" …")
        yield Text(label.ljust(before) if number == 0 else " " * before, style="bold").append_text(line)
