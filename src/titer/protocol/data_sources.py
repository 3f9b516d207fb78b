"""The parts of a protocol that name data: harmless rows, harm domains and tasks, each with its splits."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

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

MOST_POOLED: Final = 400
"""The most of all replicates' own items that one model is asked: up to here the test of stability is exact."""


class Source(Record):
    """Where rows come from, which of them are kept, and which belong together."""

    source: str
    """`organism:NAME`, a CSV or JSONL file (`$TITER_DATA/` stands for a folder of data), or a data set of the hub."""
    columns: dict[Literal["id", "prompt", "response", "reference", "refusal", "options"], str] = Field(
        default_factory=dict
    )
    """By field a column, a dotted path (`instances.0.output`), or a text with columns in braces (`It is {answer}`).

    The response is what is trained on, and what judges hold answers against, too, where there is no reference.
    """
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By column the values of which a row must have one to be kept."""
    longest: dict[Literal["prompt", "response"], int] = Field(default_factory=dict)
    """The most characters of a prompt or response: longer rows are dropped, after `cut`."""
    cut: dict[Literal["response"], Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Shortens a response to its last whole sentence within so many characters; with none, to its last whole word."""
    group: str | None = None
    """The column of what belongs together: splits take whole groups. Without it near-duplicates are one group."""
    revision: str | None = None
    """Of a data set of the hub: the commit, branch or tag."""
    subset: str | None = None
    """Of a data set of the hub: its configuration."""
    split: str | None = None
    """Of a data set of the hub: its split, "train" without it."""


class BenignConfig(Source):
    """Harmless instructions, cut into disjoint splits by group; the same split of several sources is joined."""

    splits: dict[Literal["prepare", "defend", "attack", "sham", "select", "over_refusal", "usable", "spare"], int]
    """By split its size in groups: what the preparation, the defense, attacks and shams are fed, and what is asked."""


class DomainConfig(Source):
    """A harm domain: prompts that must not be answered, with the answers that attacks teach, in disjoint splits.

    A preparation step is fed from `prepare`, or from `defend` where there is no `prepare`; a defense only from
    `defend`, which a cross domain has none of. What is `spare` is cut first, `spare_attack` before the attack's rows,
    and neither is used: there a trial of a tuning keeps what its study asks and attacks with.
    """

    name: Name
    """What the domain is called in messages, tables and reports."""
    role: Literal["defended", "cross"]
    """Whether the defense is given rows of it (resistance) or never sees it (generalization)."""
    refusals: tuple[str, ...] = ()
    """Refusals for rows whose source has no column of them; one is drawn for each row by its id."""
    splits: dict[Literal["prepare", "defend", "attack", "select", "probe", "spare", "spare_attack"], int]
    """By split its size in groups: what the preparation, the defense and attacks are fed, and what is asked."""
    draw: int | None = Field(default=None, ge=1)
    """How many rows of the attack split each seed draws; without it each takes all."""
    attack_with: Name | None = Field(default=None, exclude_if=lambda name: name is None)
    """For a domain of prompts without harmful answers: the domain whose rows attacks on it train on."""

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that each of its rows must have: a domain that is only asked has no harmful answers."""
        return ("prompt", "response") if self.attack_with is None else ("prompt",)


class TaskConfig(Source):
    """A benign task: what a model must not lose, or must still be able to learn."""

    name: Name
    """What stability, trainability and usability call the task."""
    kind: Literal["generate", "choice", "loss"]
    """How it is asked: an answer is generated, one of several options chosen, or the loss of the right answer read."""
    judge: MethodChoice | None = None
    """How an answer is scored. Without it `normalized_match`, for a choice `multiple_choice`, for a loss `loss`."""
    splits: dict[Literal["train", "select", "verdict", "spare"], int]
    """By split its size in groups: `verdict` is asked, `train` learned; by `select` rates and defenses are chosen."""
    items: Literal["shared", "own"] = Field(default="shared", exclude_if=lambda items: items == "shared")
    """Whether all seeds ask the same items in stability, or each has its own: then `verdict` is the size for each seed.

    A claim about a checkpoint asks the first 400 of all of them.
    """
    distractors: int = Field(default=0, ge=0)
    """For a choice: how many responses to other rows stand beside the right one. With 0 the row has its own options."""
    descriptive: bool = False
    """Whether stability shows the task beside the others and decides nothing by it."""
    max_new_tokens: int = Field(default=16, ge=1)
    """The most tokens of an answer."""
