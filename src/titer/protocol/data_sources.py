"""The parts of a protocol that name data: harmless rows, harm domains and tasks, each with its splits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from titer.records import Choice, Record


def flatten_choice(value: Any) -> Any:
    """`{name = "direct", lr = 1e-4}` or `"direct"` becomes a name with its parameters."""
    if isinstance(value, str):
        return {"name": value, "parameters": {}}
    if isinstance(value, dict) and "name" in value and "parameters" not in value:
        return {"name": value["name"], "parameters": {k: v for k, v in value.items() if k != "name"}}
    return value


MethodChoice = Annotated[Choice, BeforeValidator(flatten_choice)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Share = Annotated[float, Field(gt=0, lt=1)]


class Source(Record):
    """Where rows come from: `organism:NAME`, a CSV or JSONL file, or a data set of the hub.

    `columns` maps prompt, response, refusal, options, id to a column, a dotted path (`instances.0.output`) or a text
    with columns in braces (`Sure, here is {prompt}`). `where` keeps the rows whose column has one of the values;
    `longest` drops rows whose prompt or response has more characters; before that, `cut` shortens a response to its
    last whole sentence, or where there is none its last whole word, within so many characters.
    """

    source: str
    columns: dict[Literal["id", "prompt", "response", "refusal", "options"], str] = Field(default_factory=dict)
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    longest: dict[Literal["prompt", "response"], int] = Field(default_factory=dict)
    cut: dict[Literal["response"], Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    group: str | None = None
    revision: str | None = None
    subset: str | None = None
    split: str | None = None


class BenignConfig(Source):
    """Harmless instructions, cut into disjoint splits by group; the same split of several sources is joined."""

    splits: dict[Literal["prepare", "defend", "attack", "sham", "select", "over_refusal", "usable", "spare"], int]


class DomainConfig(Source):
    """A harm domain and the sizes, in groups, of its disjoint splits. `draw` attack rows are drawn per seed.

    A preparation step is fed from `prepare`, or from `defend` where there is no `prepare`; a defense only from
    `defend`, which a cross domain has none of. A domain of prompts without harmful answers is asked alone: the attacks
    on it train on the rows of another one, which `attack_with` names. What is `spare` is cut first, `spare_attack`
    before the attack's rows, and neither is used: there a trial of a tuning keeps what its study asks and attacks with.
    """

    name: Name
    role: Literal["defended", "cross"]
    refusals: tuple[str, ...] = ()
    splits: dict[Literal["prepare", "defend", "attack", "select", "probe", "spare", "spare_attack"], int]
    draw: int | None = Field(default=None, ge=1)
    attack_with: Name | None = Field(default=None, exclude_if=lambda name: name is None)

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that each of its rows must have: a domain that is only asked has no harmful answers."""
        return ("prompt", "response") if self.attack_with is None else ("prompt",)


class TaskConfig(Source):
    """A benign task; `splits` in groups. `kind` says how it is asked, `judge` how it is scored."""

    name: Name
    kind: Literal["generate", "choice", "loss"]
    judge: MethodChoice | None = None
    splits: dict[Literal["train", "select", "verdict", "spare"], int]
    distractors: int = Field(default=0, ge=0)
    descriptive: bool = False
    max_new_tokens: int = Field(default=16, ge=1)
