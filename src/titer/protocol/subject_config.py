"""The part of a protocol that names the model under study, and the steps by which it is prepared."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_serializer

from titer.protocol.allowed_code import AllowedCode
from titer.records import Choice, Record, tupled


class Prepare(Record):
    """A step by which the model is prepared before the study: a defense, or a method that teaches.

    A defense is fed the rows that its `domains` keep for it, and never one that is asked. A method that teaches is fed
    every row of the domains that it `teaches`, those that are asked too: what is to be withheld must be known first.
    """

    defense: str
    """The name of the method."""
    domains: tuple[str, ...] = ()
    """The domains whose rows it is fed: those of `prepare`, or of `defend` where there is no such split."""
    teaches: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    """The domains that it is taught whole, for a method that teaches, such as `sft`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Those of the method; they may stand beside its name."""

    @property
    def choice(self) -> Choice:
        """The method with its parameters."""
        return Choice(name=self.defense, parameters=self.parameters)


def _flatten_step(value: Any) -> Any:
    if isinstance(value, dict) and "parameters" not in value:
        own = {"defense", "domains", "teaches"}
        return {k: tupled(v) for k, v in value.items() if k in own} | {
            "parameters": {k: v for k, v in value.items() if k not in own}
        }
    return tupled(value)


def _flatten_steps(value: Any) -> Any:
    """One `[subject.prepare]` table is a preparation of one step, `[[subject.prepare]]` tables one of several."""
    steps = () if value is None else value if isinstance(value, list | tuple) else (value,)
    return tuple(_flatten_step(step) for step in steps)


class SubjectConfig(Record):
    """The model that is studied, and how it is prepared."""

    model: str
    """A hub id, a folder, an adapter over `base`, a GGUF file, or `organism`, the built-in one."""
    revision: str | None = None
    """Of a model of the hub: the commit, branch or tag."""
    base: str | None = None
    """The model that an adapter belongs to."""
    tokenizer: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """A model whose tokenizer is taken, where this one was published without."""
    reference: str | None = None
    """For a gate without a defense: a model that the attacks should break, and that stability compares with."""
    trust_remote_code: AllowedCode = False
    """By name what the model's files may ask to be run beside transformers' own code. `true` is refused."""
    prepare: Annotated[tuple[Prepare, ...], BeforeValidator(_flatten_steps)] = ()
    """One step or several, each run on what the one before made. What the last one makes is the undefended model."""
    public: bool | None = Field(default=None, exclude_if=lambda public: public is None)
    """Whether others can take the undefended model, even if they must agree to a license: they need no attack."""
    parent: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """Of a model that is assayed without a defense: the public one that it was made from, for who takes that."""

    @property
    def preparation(self) -> dict[str, Prepare]:
        """The steps of the preparation in order, by their places in the protocol."""
        if len(self.prepare) == 1:
            return {"subject.prepare": self.prepare[0]}
        return {f"subject.prepare.{index}": step for index, step in enumerate(self.prepare)}

    @field_serializer("prepare")
    def _as_tables(self, steps: tuple[Prepare, ...]) -> Any:
        """One step is one table, so that a protocol of one has the digest that it had before there were several."""
        tables = [step.to_data() for step in steps]
        return tables if len(tables) > 1 else next(iter(tables), None)
