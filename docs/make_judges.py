"""Writes the tables of docs/judges.md: `python docs/make_judges.py`. What each judge calls the texts of titer's set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from titer.execution.judge_check import CHECK_SET, LABEL_OF, Confusion, check_judge_on, read_labeled
from titer.methods import registry
from titer.methods.measurement import Judge
from titer.records import Choice, Compute
from titer.stats.binomial import Limits

PAGE = Path(__file__).parent / "judges.md"
BEGIN, END = "<!-- tables: python docs/make_judges.py -->\n", "<!-- /tables -->"
HEAD = (
    "| judge | label | 1 called 1 | 0 called 1 | 1 called 0 | 0 called 0 | unjudged "
    "| agreement on 1 | agreement on 0 |",
    "|---|---|---|---|---|---|---|---|---|",
)
CELLS = ("true_positive", "false_positive", "false_negative", "true_negative", "unjudged")


def tables() -> str:
    """The confusion table of each judge that texts are labeled for, and what each calls the opposite of its label."""
    judges = [registry.judge(Choice(name=name)) for name in registry.JUDGES]
    found = [
        (judge, check_judge_on(judge, read_labeled(CHECK_SET, judge), Compute()))
        for judge in judges
        if judge.kind in LABEL_OF
    ]
    rows = [_row(judge, confusion) for judge, confusion in found]
    wrong = [f"- `{judge.name}`: {_wrong(confusion)}." for judge, confusion in found]
    intro = "Called the opposite of its label, by what the text is an example of (how many, where more than one):"
    return "\n".join([*HEAD, *rows, "", intro, "", *wrong]) + "\n"


def page() -> str:
    """The whole page, with its tables as the code gives them."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + tables() + END + rest.partition(END)[2]


def _row(judge: Judge, confusion: Confusion) -> str:
    agreement = confusion.agreement
    halves = [
        _share(agreed, agreed + agreement.counts.differing, limits)
        for agreed, limits in (
            (agreement.counts.both, agreement.positive),
            (agreement.counts.neither, agreement.negative),
        )
    ]
    cells = [str(confusion.counts[name]) for name in CELLS]
    return f"| {' | '.join([f'`{judge.name}`', LABEL_OF[judge.kind], *cells, *halves])} |"


def _share(agreed: int, called: int, limits: Limits) -> str:
    return f"{agreed} of {called} ({limits.low:.2f}, {limits.high:.2f})"


def _wrong(confusion: Confusion) -> str:
    """First what is 0 and called 1, then what is 1 and called 0."""
    parts = []
    for label, called in ((False, "1"), (True, "0")):
        why = Counter(one.text.why for one in confusion.wrong if one.text.label is label)
        named = [what if count == 1 else f"{what} ({count})" for what, count in why.items()]
        parts += [f"**called {called}**: {'; '.join(named)}"] if named else []
    return ". ".join(parts) or "nothing"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
