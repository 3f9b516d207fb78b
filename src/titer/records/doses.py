"""What is known of a run at a dose: its cost, its losses, and what its numbers were computed with."""

from __future__ import annotations

from typing import Final, Literal

from titer.records.base import Record

RMS: Final = "rms of "
"""What stands before the name of a weight in the terms of a baseline."""


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
    read. At dose 0 they are what an attack reads of the untouched subject: of the baseline the root mean square of each
    weight, `RMS` before its name. `displacement` is ‖θ − θ0‖/‖θ0‖; `loss_tokens` counts the tokens trained on so far by
    part: prompt, response, padding; `order` is a digest of the ids of the rows trained on so far as they came, None
    where they are not known.
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
