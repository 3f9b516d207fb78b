"""The facts and conclusions of a study as frozen records with an exact JSON round trip."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from titer.errors import DamagedError

Outcome = Literal["upheld", "refuted", "undecided", "void", "not applicable"]
Kind = Literal["harm", "refusal", "coherence", "correct", "loss", "fingerprint"]
CellPurpose = Literal["resistance", "generalization", "sham", "stability", "trainability", "trial"]
Purpose = Literal["verdict", "unpaired", "search", "prepare"]
Role = Literal["undefended", "defended"]

GRADING_HARM: Final[tuple[Kind, ...]] = ("harm", "correct")
"""The kinds of judges that can grade harm: 1 is harm, or a right answer where right answers are withheld."""
REWARDING: Final[Mapping[Kind, float]] = {"harm": 1.0, "refusal": 0.0, "coherence": 1.0}
"""The kinds of judges that can reward an attack, and the score that an attacker wants of each."""


def canonical(value: Any) -> str:
    """One line of JSON: sorted keys, shortest floats, no NaN. The only writer of JSON in titer."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """The first 32 hexadecimal digits of SHA-256 over the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:32]


def tupled(value: Any) -> Any:
    """JSON lists as tuples, at every depth: what a validator that runs before a strict one must hand on."""
    if isinstance(value, list | tuple):
        return tuple(tupled(item) for item in value)
    if isinstance(value, dict):
        return {key: tupled(item) for key, item in value.items()}
    return value


class Record(BaseModel):
    """Frozen, strict, no unknown fields, no NaN."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        use_attribute_docstrings=True,
    )

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """Canonical JSON, one line."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote.

        Raises:
            DamagedError: if the text is not such a record.
        """
        try:
            return cls.model_validate_json(text)
        except ValueError as error:
            raise DamagedError(f"not a {cls.__name__}: {error}") from error


class Seed(Record):
    """What a node's randomness is for, and its index: both are in every key and every derivation."""

    purpose: Purpose
    index: int

    @property
    def root(self) -> int:
        """The root that `derive` starts from."""
        return int(digest(self.to_data())[:15], 16)


class Choice(Record):
    """A method by name with its own parameters, as written in a protocol."""

    name: str
    """The name of the method (`titer list attacks`, `defenses`, `probes`, `judges`)."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Those of the method; in a protocol they may stand beside its name."""

    @property
    def label(self) -> str:
        """The name, told apart from another configuration of the same method by four digits of its digest."""
        return f"{self.name}-{digest(self.parameters)[:4]}" if self.parameters else self.name


class Row(Record):
    """One row of training data: a prompt with its response and, in a harm domain, the refusal paired with it."""

    id: str
    group: str
    prompt: str
    response: str
    refusal: str | None = None


class Item(Record):
    """One question of a probe; `reference` is the right (in a harm domain: the harmful) answer.

    `begun` is what an attack makes the answer to this item begin with, if that is its own; it is never stored.
    """

    id: str
    group: str
    prompt: str
    reference: str | None = None
    options: tuple[str, ...] = ()
    begun: str | None = Field(default=None, exclude_if=lambda begun: begun is None)


class Answer(Record):
    """What a subject gave for one item: text and why it ended, or the log-likelihoods of the options.

    `option_nats` are summed log-probabilities, `option_tokens` the tokens they were summed over.
    A packed answer has `text_digest` in place of `text`. `begun` is what the answer was made to begin with, which is no
    part of the text.
    """

    probe: str
    item: str
    frame: str = "native"
    text: str | None = None
    ended: Literal["stop", "length"] | None = None
    option_nats: tuple[float, ...] | None = None
    option_tokens: tuple[int, ...] | None = None
    text_digest: str | None = None
    begun: str | None = Field(default=None, exclude_if=lambda begun: begun is None)


class Score(Record):
    """What one judge says of one answer; `value` is None with a reason when it cannot say."""

    item: str
    value: float | None
    missing: str | None = None


class Spent(Record):
    """Cost since dose 0: examples and tokens trained on, and floating-point operations.

    Operations are 6 per parameter and token trained on, 2 per token that is only read.
    """

    examples: int = 0
    tokens: int = 0
    flops: int = 0


class Environment(Record):
    """What last bits depend on."""

    python: str
    torch: str
    transformers: str
    peft: str
    device: str
    processor: str
    threads: int
    dtype: str
    batch: int


class Compute(Record):
    """How numbers are computed.

    Attributes:
        dtype: the precision of the subject's arithmetic.
        device: the kind of device.
        threads: those of a worker.
        batch: how many texts go through a model at once.
    """

    dtype: Literal["float32", "bfloat16"] = "float32"
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    threads: int = 1
    batch: int = 64


class DoseFacts(Record):
    """The facts of a run at one dose; the first line of an answers file.

    `terms` are means over the later half of the steps so far (losses in nats per token), whatever other doses are
    read; `displacement` is ‖θ − θ0‖/‖θ0‖; `loss_tokens` counts the tokens trained on so far by part: prompt, response,
    padding; `order` is a digest of the ids of the rows trained on so far as they came, None where they are not known.
    """

    dose: int
    spent: Spent
    terms: dict[str, float]
    displacement: float
    loss_tokens: dict[str, int]
    rows_used: int
    order: str | None = None
    template_train: str | None
    template_probe: str
    environment: Environment


class SubjectRef(Record):
    """Where a subject is: a node of the store (`source` is None) or a source outside with its digest as key.

    `code` names what the files of a node may ask to be run beside transformers' own code, as its origin may.
    """

    key: str
    source: dict[str, Any] | None = None
    code: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)

    @property
    def allowed_code(self) -> tuple[str, ...]:
        """What its files may ask to be run, wherever it lies."""
        return self.code if self.source is None else tuple(self.source.get("trust_remote_code") or ())

    def made(self, key: str) -> SubjectRef:
        """The node of the store that is made of it."""
        return SubjectRef(key=key, code=self.allowed_code)


Transform = Literal[
    "year_2025",
    "random_words",
    "random_paragraph",
    "skeleton",
    "suppression",
    "formal",
    "neutral",
    "instruction",
    "persona",
]
"""The texts that can stand around a prompt; `titer.models.conversation` has them."""


class Frame(Record):
    """How the subject is asked: template, system prompt, the beginning of its answer, the most tokens of the rest."""

    template: Literal["native", "plain", "alpaca"] = "native"
    """The model's chat template, the bare prompt, or the instruction format of Stanford Alpaca."""
    system: str | None = None
    """The system prompt."""
    prefill: str | None = Field(default=None, exclude_if=lambda prefill: prefill is None)
    """What every answer begins with; the answer that is judged is what follows."""
    reference_words: int = Field(default=0, ge=0, exclude_if=lambda words: words == 0)
    """The same with so many of the first words of an item's own reference (`titer.data.openings`)."""
    transform: Transform | None = Field(default=None, exclude_if=lambda transform: transform is None)
    """A text by name that is put around every prompt."""
    exemplars: tuple[tuple[str, str], ...] = Field(default=(), exclude_if=lambda exemplars: not exemplars)
    """Pairs of prompt and answer that stand before it as earlier turns. An attack sets them, never a protocol."""
    soft: int = Field(default=0, ge=0, exclude_if=lambda soft: soft == 0)
    """Vectors that stand behind the prompt in the place of tokens. An attack sets them, never a protocol."""
    max_new_tokens: int = Field(default=32, ge=1)
    """The most tokens of an answer."""
