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
    domains: tuple[str, ...] = ()
    teaches: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    parameters: dict[str, Any] = Field(default_factory=dict)

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
    """The model that is studied: a hub id with its revision, a folder, an adapter over `base`, GGUF, `organism`.

    `tokenizer` names a model whose tokenizer it takes, where it was published without one. `trust_remote_code` lists by
    name what its files may ask to be run beside transformers' own code. The steps of
    `prepare` are each run on what the one before made: the result of the last is the undefended M. `public` says
    whether others than its owner can take M, be it after agreeing to a license: they need not attack the defense.
    """

    model: str
    revision: str | None = None
    base: str | None = None
    tokenizer: str | None = Field(default=None, exclude_if=lambda name: name is None)
    reference: str | None = None
    trust_remote_code: AllowedCode = False
    prepare: Annotated[tuple[Prepare, ...], BeforeValidator(_flatten_steps)] = ()
    public: bool | None = Field(default=None, exclude_if=lambda public: public is None)

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
