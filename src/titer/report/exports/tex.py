"""The conditions as a table for a paper: LaTeX with booktabs."""

from __future__ import annotations

from titer.analysis.sentences.text import Text
from titer.report.escape import tex
from titer.report.view.report_view import ReportView
from titer.report.view.said import Language, Said, plain
from titer.report.words import first_screen, sections

_USE = Text("% \\usepackage{booktabs}", "% \\usepackage{booktabs, ctex}")


def render_tex(view: ReportView, lang: Language) -> str:
    """One row a condition: what was asked, what came out, and the number that says most.

    Args:
        view: the report.
        lang: its language.
    """

    def say(said: Said | None) -> str:
        return "" if said is None else tex(plain(said, lang))

    rows = [(say(line.asked), say(line.came_out), say(line.number)) for line in view.first.conditions]
    head = (say(first_screen.CONDITIONS_HEAD), say(sections.OUTCOME), say(sections.COUNT))
    body = "\n".join(f"    {' & '.join(row)} \\\\" for row in rows)
    return "\n".join(
        (
            plain(_USE, lang),
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{say(view.title)}}}",
            "  \\begin{tabular}{p{0.4\\linewidth}lp{0.4\\linewidth}}",
            "    \\toprule",
            f"    {' & '.join(head)} \\\\",
            "    \\midrule",
            body,
            "    \\bottomrule",
            "  \\end{tabular}",
            "\\end{table}",
            "",
        )
    )
