"""What was read of a made model, for the terminal and for its card."""

from __future__ import annotations

from titer.analysis.made_model import KEPT, LOST_NATS, MadeModel, ModelReading
from titer.report.escape import escape, sentence, table


def rows_of(made: MadeModel) -> list[dict[str, str]]:
    """The readings as rows of equal keys."""
    return [
        {
            "reading": reading.what,
            "undefended": _value(reading, reading.undefended),
            "made": _value(reading, reading.made),
            "kept": _kept(reading),
            "shows": reading.word,
        }
        for reading in made.readings
    ]


def caution(made: MadeModel) -> list[str]:
    """What whoever takes the model must know, in lines: damage, costs, or that nothing could be read."""
    lines = []
    if damaged := made.of("damaged"):
        kept = ", ".join(f"{one.what} {_kept(one)}" for one in damaged)
        lines.append(
            f"the made model is damaged. Of what the undefended model has right it keeps: {kept}. "
            f"Each is shown below {KEPT:.0%}"
        )
    if costs := made.of("costs"):
        changes = ", ".join(
            f"{one.what} from {_value(one, one.undefended)} to {_value(one, one.made)}" for one in costs
        )
        lines.append(f"the made model costs more than the margin of stability ({made.margin:g}): {changes}")
    if all(one.word == "shown only" for one in made.readings):
        lines.append("nothing could be read by which a damaged model would be seen: the protocol has no `select` rows")
    return lines


def made_section(made: MadeModel) -> str:
    """The section of a model card, as Markdown under a heading."""
    head = ("reading", "undefended model", "this model", "kept", "shows")
    rows = [tuple(escape(cell) for cell in row.values()) for row in rows_of(made)]
    notes = [
        f"Weights moved by {made.displacement:.2g} of their norm.",
        f"*Kept*: of what the undefended model has right, how much this model has right. *damaged*: shown below "
        f"{KEPT:.0%}; a right answer whose loss is read is lost above {LOST_NATS:g} nat per token more. *costs*: shown "
        f"lower by more than {made.margin:g}. Each reading is tested "
        f"for both at level {made.level:.2g}. *undecided*: too few prompts to tell; a study decides.",
        *(f"Not looked at: {escape(one)}." for one in made.missing),
    ]
    parts = [
        "## What it costs",
        *(f"**{escape(sentence(line[:1].upper() + line[1:]))}**" for line in caution(made)),
        "Both models were asked the protocol's `select` rows, before any attack, and its judges read the answers.",
        table(head, rows) if rows else "",
        "\n".join(f"- {note}" for note in notes),
    ]
    return "\n\n".join(part for part in parts if part)


def _kept(reading: ModelReading) -> str:
    unjudged = f", {reading.unjudged} not judged" if reading.unjudged else ""
    return "" if reading.kept is None else f"{reading.kept} of {reading.of}{unjudged}"


def _value(reading: ModelReading, value: float | None) -> str:
    if value is None:
        return "not judged"
    return f"{value:.1%}" if reading.unit == "rate" else f"{value:.3g} nats"
