"""The word for an outcome that people read: a condition is upheld, a control has passed. Data keep the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from titer.analysis.findings import Finding
from titer.analysis.sentences.text import Text
from titer.records import Outcome

OF_CONDITIONS: Final[Mapping[Outcome, Text]] = {
    "upheld": Text("upheld", "成立"),
    "refuted": Text("refuted", "被否定"),
    "undecided": Text("undecided", "未决"),
    "void": Text("void", "无效"),
    "not applicable": Text("not applicable", "不适用"),
}
OF_CONTROLS: Final[Mapping[Outcome, Text]] = {
    "upheld": Text("passed", "通过"),
    "refuted": Text("failed", "未通过"),
    "undecided": Text("not shown", "未能证明"),
    "void": Text("failed", "未通过"),
    "not applicable": Text("not applicable", "不适用"),
}


def outcome_word(finding: Finding) -> Text:
    """What a finding's outcome is called."""
    words = OF_CONTROLS if finding.kind == "control" else OF_CONDITIONS
    return words[finding.outcome]
