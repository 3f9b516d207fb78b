"""Text that tries to be more than text, and a study that has it in every field that takes one."""

from __future__ import annotations

from support.report_assays import assay, verdict
from titer.analysis.findings import Assay, Remark, Verdict
from titer.protocol.schema import Protocol

MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>]]><!--"
MARKDOWN = "| [a](javascript:alert(1)) `b` *c* <b>d</b> ~e~ $f$ # ![x](http://x.test/p.png)"
PAINT = "\x1b[31mred\x1b[0m \x07\x00 [bold]loud[/bold] \u202egnp.exe\u2066 \r\nsecond line\u2028third\x85fourth"
FORMULA = "=cmd|' /C calc'!A0,\"x\"\n@SUM(A1)"
COMMAND = r"\input{/etc/passwd} \write18{id} % & # _ ^^41 ~ {"
LONG = "x" * 1_000_000
HOSTILE = {"markup": MARKUP, "markdown": MARKDOWN, "paint": PAINT, "formula": FORMULA, "command": COMMAND, "long": LONG}


def poisoned(evil: str) -> tuple[Verdict, Assay]:
    """The made-up study with a hostile text in every field that takes one."""
    conditions = tuple(
        one.model_copy(
            update={
                "reason": evil,
                "reason_zh": evil,
                "sentence": evil,
                "sentence_zh": evil,
                "remedy": evil,
                "remedy_zh": evil,
                "provisional": evil,
                "figures": tuple(
                    figure.model_copy(update={"what": evil, "note": evil, "unit": evil, "outcome": evil})
                    if figure.subject
                    else figure.model_copy(update={"note": evil, "outcome": evil})
                    for figure in one.figures
                ),
            }
        )
        for one in verdict().conditions
    )
    controls = tuple(
        one.model_copy(update={"name": evil, "reason": evil, "remedy": evil}) for one in verdict().controls
    )
    told = verdict().model_copy(
        update={
            "study": evil,
            "reason": evil,
            "reason_zh": evil,
            "parent": evil,
            "parent_zh": evil,
            "unchecked": (evil,),
            "unchecked_zh": (evil,),
            "remarks": (Remark(code="one run", about=evil, said=evil, said_zh=evil, numbers={evil: 5}),),
            "conditions": conditions,
            "controls": controls,
            "scope": {evil: evil, "list": [evil]},
        }
    )
    return told, renamed(evil)


def renamed(evil: str) -> Assay:
    """The made-up assay whose domain, attack, model, method and failures are named so.

    A protocol allows letters, digits and three signs in the name of a domain: what stands there is the worst case of
    what a later format may allow.
    """
    made, name = assay(), evil[:60]
    domain = made.protocol.harm.domain[0].model_copy(update={"name": name, "source": evil})
    attack = made.protocol.attacker.attack[0].model_copy(update={"name": name})
    protocol: Protocol = made.protocol.model_copy(
        update={
            "study": made.protocol.study.model_copy(update={"name": evil}),
            "subject": made.protocol.subject.model_copy(update={"model": evil}),
            "defense": tuple(one.model_copy(update={"name": evil}) for one in made.protocol.defense),
            "attacker": made.protocol.attacker.model_copy(update={"attack": (attack,)}),
            "harm": made.protocol.harm.model_copy(update={"domain": (domain, *made.protocol.harm.domain[1:])}),
        }
    )
    curves = []
    for curve in made.curves:
        cell = curve.cells[0].model_copy(
            update={"attack": attack.label, "domain": name if curve.domain == "rivers" else curve.domain}
        )
        points = tuple(
            point.model_copy(
                update={"values": {type(p)(str(p).replace("rivers", name)): v for p, v in point.values.items()}}
            )
            for point in curve.points
        )
        curves.append(curve.model_copy(update={"cells": (cell,), "failed": curve.failed and evil, "points": points}))
    kinds = {type(p)(str(p).replace("rivers", name)): k for p, k in made.kinds.items()}
    return made.model_copy(update={"protocol": protocol, "curves": tuple(curves), "kinds": kinds})
