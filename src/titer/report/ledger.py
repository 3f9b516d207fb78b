"""The ledger of a study, one Markdown file: every number, in the words of titer. No answer of a model is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from titer.analysis.findings import Assay, Figure, Finding, Verdict
from titer.analysis.sentences import whole
from titer.analysis.sentences.text import NOTHING, Text, fill, sentences
from titer.records import canonical
from titer.report.attack_coverage import coverage
from titer.report.escape import escape, number, sentence, table
from titer.report.outcome_words import outcome_word
from titer.report.provenance import provenance
from titer.report.role_names import role_names
from titer.report.score_tables import scores
from titer.report.search_tables import search_tables
from titer.report.series import Series
from titer.study.root import Root

MEANINGS = {
    "upheld": "shown, at the level named",
    "refuted": "the contrary is shown, at the level named",
    "undecided": "the scores show neither",
    "void": "the scores cannot be believed or say nothing, for the reason named",
    "not applicable": "the study has no cells for it",
}
CAPTIONS = {
    "harm": "Share of harmful answers against the dose of the attack, per domain, defended and undefended.",
    "searches": "Best dose that each search found against the number of completed trials, defended and undefended.",
    "trainability": "Rate of each benign task against the dose of training on it, defended and undefended.",
    "stability": "Difference of each stability task, defended minus undefended, with limits and the margin.",
}


def render_ledger(verdict: Verdict, assay: Assay, root: Root, charts: Mapping[str, str]) -> str:
    """The whole ledger.

    Args:
        verdict: what was concluded.
        assay: what it rests on.
        root: the digests of all that.
        charts: file name of each chart's SVG by its name, beside the report, as `charts` wrote them.
    """
    protocol, names = assay.protocol, role_names(assay.protocol)
    parts = [
        f"# titer: {escape(verdict.study)}",
        *_outcome(verdict),
        _overview(verdict),
        _earlier(verdict),
        *(_condition(finding, names) for finding in verdict.conditions),
        _controls(verdict, names),
        *_charts(charts),
        *coverage(protocol, assay.attacks),
        *search_tables(assay),
        *scores(protocol, assay),
        _scope(verdict),
        _meaning(verdict),
        *provenance(protocol, assay, root),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _outcome(verdict: Verdict) -> list[str]:
    """The outcome, what it means, the remarks, what is said of the parent, what was not checked; in both languages."""
    lacking = Text("; ".join(verdict.unchecked), "；".join(verdict.unchecked_zh))
    said = fill(whole.NOT_CHECKED, {"what": lacking}) if verdict.unchecked else NOTHING
    parent = Text(verdict.parent or "", verdict.parent_zh or "")
    remarks = (Text(one.said, one.said_zh) for one in verdict.remarks)
    whole_said = sentences((Text(verdict.reason, verdict.reason_zh), *remarks, parent, said))
    return [f"**{verdict.outcome.upper()}**. {escape(whole_said.en)}".rstrip(), escape(whole_said.zh)]


def _overview(verdict: Verdict) -> str:
    rows = [
        (
            escape(finding.name),
            finding.outcome + ("\\*" if finding.provisional else ""),
            escape(finding.reason),
            number(finding.level),
        )
        for finding in verdict.conditions
    ]
    note = "\n\n\\* provisional: see below." if any(f.provisional for f in verdict.conditions) else ""
    return "## Conditions\n\n" + table(["condition", "outcome", "reason", "level"], rows) + note


def _earlier(verdict: Verdict) -> str:
    if not verdict.earlier:
        return ""
    rows = [
        (
            escape(one.study),
            one.digest[:8],
            one.outcome,
            escape(one.reason),
            f"{one.first} to {one.first + one.indices - 1}",
        )
        for one in verdict.earlier
    ]
    said = "This study was planned after these verdicts, oldest first; it uses none of their seeds."
    return f"## Earlier verdicts\n\n{said}\n\n" + table(["study", "protocol", "outcome", "reason", "seeds"], rows)


def _condition(finding: Finding, names: Mapping[Series, str]) -> str:
    parts = [f"### {escape(finding.name.capitalize())}: {finding.outcome}"]
    if finding.sentence:
        parts.append(f"> {escape(finding.sentence)}")
    if finding.sentence_zh:
        parts.append(f"> {escape(finding.sentence_zh)}")
    parts += [f"Reason: {escape(sentence(finding.reason))}", escape(finding.reason_zh)]
    if finding.remedy:
        parts.append(f"Remedy: {escape(finding.remedy)} {escape(finding.remedy_zh or '')}")
    if finding.figures:
        parts.append(lines_table(finding.figures, names))
    return "\n\n".join(parts)


def _controls(verdict: Verdict, names: Mapping[Series, str]) -> str:
    rows = [
        (escape(finding.name), outcome_word(finding).en, escape(finding.reason), escape(finding.remedy or ""))
        for finding in verdict.controls
    ]
    parts = [
        "## Controls",
        "May this assay be believed?",
        table(["control", "outcome", "reason", "remedy"], rows),
    ]
    for finding in verdict.controls:
        if finding.figures:
            parts += [f"### Control: {escape(finding.name)}", lines_table(finding.figures, names)]
    return "\n\n".join(parts)


def lines_table(lines: Iterable[Figure], names: Mapping[Series, str]) -> str:
    """The numbers of a finding.

    Args:
        lines: the numbers.
        names: what the subjects are called, by role.
    """
    rows = [
        (
            escape(line.what),
            escape(names[line.subject]) if line.subject else "",
            number(line.value),
            _limits(line.low, line.high),
            escape(line.unit),
            "" if line.count is None else f"{line.count}" if line.of is None else f"{line.count} of {line.of}",
            escape(line.outcome),
            escape(line.note),
        )
        for line in lines
    ]
    return table(["what", "subject", "value", "limits", "unit", "count", "outcome", "note"], rows)


def _charts(charts: Mapping[str, str]) -> list[str]:
    if not charts:
        return []
    shown = [f"![{CAPTIONS[name]}]({file})" for name, file in charts.items()]
    return ["## Charts", *shown, "`titer report` writes each chart as PNG, too."]


def _scope(verdict: Verdict) -> str:
    rows = [
        (escape(what), escape(value if isinstance(value, str) else canonical(value)))
        for what, value in sorted(verdict.scope.items())
    ]
    return "## Scope\n\nNothing is claimed beyond this.\n\n" + table(["what", "value"], rows)


def _meaning(verdict: Verdict) -> str:
    parts = ["## What the outcomes mean", table(["outcome", "meaning"], list(MEANINGS.items()))]
    lacking = [finding for finding in (*verdict.conditions, *verdict.controls) if finding.provisional]
    if lacking:
        parts.append(
            "A provisional outcome was reached by a procedure that still lacks something; its error level may "
            "not be the one named:"
        )
        parts.append("\n".join(f"- {escape(f.name)}: {escape(f.provisional or '')}" for f in lacking))
    return "\n\n".join(parts)


def _limits(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"from {number(low)}"
    return f"up to {number(high)}" if low is None else f"{number(low)} to {number(high)}"
