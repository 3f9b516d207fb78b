"""What others' forms ask beside the measurement: who the attacker is thought to be, and what the results decide."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from titer.records import Record

Said = Annotated[str, Field(min_length=1, max_length=2_000)]


class ActorProfile(Record):
    """The attacker that the study stands for, in words.

    Attributes:
        skill: what they know and can do.
        data: what data they can have.
        compute: what machines they can use.
        money: what they can spend.
    """

    skill: Said | None = None
    data: Said | None = None
    compute: Said | None = None
    money: Said | None = None


class Disclosure(Record):
    """Statements that a form asks of a study and no measurement answers; no cell and no verdict depends on them.

    Attributes:
        actor: the attacker that the study stands for.
        marginal_risk: what the released model adds to what attackers have anyhow.
        safety_margin: how far the threshold and the budget lie from where harm would begin.
        retest: what makes the study be done again: a new attack, a new use, a date.
    """

    actor: ActorProfile = ActorProfile()
    marginal_risk: Said | None = None
    safety_margin: Said | None = None
    retest: tuple[Said, ...] = ()
