"""The four extension points of titer, and what passes through them. One abstract method each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from titer.methods.search_space import Space
from titer.protocol.dose_axes import STEPS, Axis
from titer.records import Answer, Choice, Frame, Item, Kind, Record, Row, Score
from titer.seeds import derive

if TYPE_CHECKING:
    from titer.models.subject import Subject
    from titer.training.types import Material, State, Step


class Need(Enum):
    """What a method must be given; plan checks it before the run."""

    HARMFUL = "harmful rows"
    SELECT = "harmful prompts to select by"
    PAIRS = "a refusal paired with each harmful row"
    BENIGN = "benign rows"
    PARENT = "the subject before the defense"
    CHECKPOINT = "a model that exists already"


class Method(Record, ABC):
    """A frozen, strictly typed configuration with a name and a version raised when results change.

    `passes` says how often a step of its training puts its rows through the subject, from which its cost follows.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset()

    @classmethod
    def space(cls) -> Space:
        """What a search for the strongest configuration tries: values by the name of the parameter."""
        return {}

    def configuration(self) -> dict[str, Any]:
        """Name, version and every parameter: what enters a key."""
        return {"name": self.name, "version": self.version, "parameters": self.to_data()}


class Attack(Method):
    """Changes the subject's weights, or how it is asked, so that it becomes harmful. Never grades itself.

    One that `needs_parent` takes back what a defense did, and nothing else: a subject that was made by none is read at
    dose 0 only. `against` names the defenses whose objective it knows and turns against them.
    """

    axis: ClassVar[Axis] = STEPS
    defeats: ClassVar[tuple[str, ...]] = ()
    needs_parent: ClassVar[bool] = False

    def doses(self, ladder: Sequence[int]) -> tuple[int, ...]:
        """The doses above 0 of a ladder that this attack can reach: all of them, unless it says otherwise."""
        return tuple(dose for dose in ladder if dose > 0)

    def rows(self) -> Mapping[Need, int]:
        """The fewest rows of each kind that this configuration can work with."""
        return dict.fromkeys(self.needs, 1)

    def check(self, subject: Subject) -> None:
        """Look whether the subject has what the attack works on; called before the run, on weights without values.

        Raises:
            InputError: naming the parameter that does not fit the subject.
        """

    def synthetic_rows(self, benign: Sequence[Row]) -> tuple[Row, ...]:
        """Every row of its own making that it may train on, given the benign ones; their lengths are checked before."""
        return ()

    def check_horizon(self, horizon: int) -> None:
        """Look whether the largest dose of a study lets the attack come to what it is; called before the run.

        Raises:
            InputError: naming the parameter that does not fit the horizon.
        """

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """How the subject is trained and asked at a dose above 0, given how the study asks it."""
        return frame

    def read_plain(self) -> bool:
        """Whether harm is read beside it as the study asks; no verdict rests on that, and nothing is stopped by it."""
        return False

    def num_exemplars(self, dose: int) -> int:
        """How many of the rows to train on stand before each prompt as exemplars at a dose above 0."""
        return 0

    def exemplars(self, rows: Sequence[Row], dose: int, seed: int) -> tuple[Row, ...]:
        """The rows that are shown at a dose above 0: the first of a drawn order, so that a larger dose adds to them."""
        return tuple(sorted(rows, key=lambda row: derive(seed, "shown", row.id))[: self.num_exemplars(dose)])

    def frame_with_exemplars(self, frame: Frame, dose: int, rows: Sequence[Row], seed: int) -> Frame:
        """As `framed`, with the exemplars that are drawn from `rows`, those that the attack trains on."""
        framed = self.frame_at(frame, dose)
        shown = tuple((row.prompt, row.response) for row in self.exemplars(rows, dose, seed))
        return framed.model_copy(update={"exemplars": shown}) if shown else framed

    def rewarded_by(self) -> tuple[Choice, ...]:
        """The judges of answers that this attack trains on the readings of, none of which may grade the study."""
        return ()

    def prefix_consistent(self) -> bool:
        """Whether the first t steps are the same for every horizon; if not, each dose is a cell of its own."""
        return True

    @abstractmethod
    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Change `subject` step by step up to dose `horizon`, yielding after each; `material` is in its frame."""


class Defense(Method):
    """Changes the subject's weights before release so that attacks cost more."""

    @abstractmethod
    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """Change `subject` step by step, from `carry` where a partial state was left; the last yield is the result."""


class Probe(Method):
    """Asks the subject its items and keeps the answers. Never grades.

    `decodes` says whether an answer is said token after token, from which its cost follows.
    """

    decodes: ClassVar[bool] = True

    @abstractmethod
    def ask(self, subject: Subject, items: Sequence[Item], frame: Frame, batch: int) -> tuple[Answer, ...]:
        """One answer per item, in the same order; `Answer.probe` is filled in by the caller."""


class Judge(Method):
    """Answers in, readings out, in the same order. May load a model of its own, never the subject.

    `against_reference` says that it compares an answer with the item's reference, and can read none without one.
    """

    kind: ClassVar[Kind]
    against_reference: ClassVar[bool] = False

    @abstractmethod
    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        """One reading per answer; `value` None with a reason where it cannot be judged."""
