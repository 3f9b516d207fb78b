"""What a method is, and two of the extension points: attacks and defenses, one abstract method each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from titer.methods.drawing import drawn
from titer.methods.requires import Requires
from titer.methods.search_space import Space
from titer.protocol.dose_axes import STEPS, Axis
from titer.records import Frame, Record, Row

if TYPE_CHECKING:
    from titer.models.subject import Subject
    from titer.training.types import Material, State, Step


class Method(Record, ABC):
    """A method with its parameters: a frozen, strictly typed configuration, each parameter a field.

    `version` is raised by hand when results change: name, version and parameters are all that a key knows of it.
    `passes` says how many conversations go through the subject for each row that a step trains on, from which its cost
    follows, and `copies` from what the memory that it takes does. `example` has the parameters of a run of seconds on a
    dozen short rows, where the defaults are not such a run; the conformance table of the tests runs it.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {}

    @property
    def requires(self) -> Requires:
        """What it must be given: nothing, unless it says otherwise."""
        return Requires()

    @property
    def copies(self) -> int:
        """How many copies of the weights that it changes it holds at most, beside these, one gradient and moments.

        None, unless it says otherwise. The parent that it requires is not among them.
        """
        return 0

    @classmethod
    def space(cls) -> Space:
        """What a search for the strongest configuration tries: values by the name of the parameter."""
        return {}

    def configuration(self) -> dict[str, Any]:
        """Name, version and every parameter: what enters a key."""
        return {"name": self.name, "version": self.version, "parameters": self.to_data()}


class Attack(Method):
    """A way to change the subject's weights, or how it is asked, so that it becomes harmful. Never grades itself.

    One that fits none of the bases `FineTuning`, `WeightEdit` and `Prompting` says all of its `steps`. `axis` is what
    its doses count. `family` is that of published attacks which it is of (`titer.protocol.attack_families`); a control
    has none. `trains` says that it is a training: with harmless rows in the place of harmful ones it is its own sham.
    `rescales` says that it gives the weights another scale before it trains, and so finds models that were only scaled.
    `defeats` names the defenses whose objective it knows and turns against them.

    >>> from titer.protocol.dose_axes import named
    >>> from titer.testing import check_attack
    >>> from titer.training.types import Step
    >>> class Fade(Attack):
    ...     '''Every weight loses a tenth at each dose.'''
    ...     name = "fade"
    ...     axis = named("fadings")
    ...
    ...     def steps(self, subject, material, horizon, seed):
    ...         for dose in range(1, horizon + 1):
    ...             for weight in subject.model.parameters():
    ...                 weight.data.mul_(0.9)
    ...             yield Step(dose=dose)
    >>> check_attack(Fade())
    """

    axis: ClassVar[Axis] = STEPS
    family: ClassVar[str] = ""
    trains: ClassVar[bool] = False
    rescales: ClassVar[bool] = False
    defeats: ClassVar[tuple[str, ...]] = ()

    @property
    def last_dose(self) -> int | None:
        """The largest dose that it can reach; None where it can reach any."""
        return None

    def prefix_consistent(self) -> bool:
        """Whether the first t steps are the same for every horizon; if not, each dose is a cell of its own."""
        return True

    def check(self, subject: Subject, horizon: int) -> None:
        """Look whether the attack works on this subject, and comes to what it is by the largest dose of its study.

        Args:
            subject: its weights may have no values.
            horizon: the largest dose.

        Raises:
            InputError: naming the parameter that does not fit.
        """

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """How the subject is trained and asked at a dose above 0, given how the study asks it."""
        return frame

    def at_rest(self, subject: Subject) -> dict[str, float]:
        """What is read of the subject before the first step, as terms of dose 0: nothing, unless it says otherwise."""
        return {}

    @abstractmethod
    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Change `subject` step by step up to dose `horizon`, yielding after each.

        Args:
            subject: is changed in place; between the yields it is asked, which changes nothing.
            material: the rows that it requires, in the frame that it is asked in.
            horizon: the dose to end at, above 0.
            seed: draws whatever is random: equal seeds give equal weights.
        """

    @final
    def doses(self, ladder: Sequence[int]) -> tuple[int, ...]:
        """The doses above 0 of a ladder that it can reach."""
        last = self.last_dose
        return tuple(dose for dose in ladder if dose > 0 and (last is None or dose <= last))

    @final
    def num_exemplars(self, dose: int) -> int:
        """How many of the rows to train on stand before each prompt at a dose above 0."""
        return self.requires.exemplars * dose

    @final
    def exemplars(self, rows: Sequence[Row], dose: int, seed: int) -> tuple[Row, ...]:
        """The rows that stand before each prompt at a dose: a larger dose adds to them.

        Args:
            rows: those that the attack is fed.
            dose: above 0.
            seed: draws them.
        """
        return drawn(rows, self.num_exemplars(dose), seed, "shown")

    @final
    def frame_with_exemplars(self, frame: Frame, dose: int, rows: Sequence[Row], seed: int) -> Frame:
        """How the subject is asked at a dose above 0, exemplars included.

        Args:
            frame: how the study asks it.
            dose: above 0.
            rows: those that the attack is fed, from which exemplars are drawn.
            seed: draws them.
        """
        framed = self.frame_at(frame, dose)
        shown = tuple((row.prompt, row.response) for row in self.exemplars(rows, dose, seed))
        return framed.model_copy(update={"exemplars": shown}) if shown else framed


class Defense(Method):
    """A way to change the subject's weights before release so that attacks cost more.

    `first_stage_of` names the defense of which it is the first stage, by its source: where that comes next in a chain,
    it refers to the subject before both, as its parent.

    >>> from titer.testing import check_defense
    >>> from titer.training.types import Step
    >>> class Soften(Defense):
    ...     '''The head says everything with less certainty.'''
    ...     name = "soften"
    ...
    ...     def steps(self, subject, material, seed, carry):
    ...         subject.untie()
    ...         subject.model.get_output_embeddings().weight.data.mul_(0.9)
    ...         yield Step(dose=1)
    >>> check_defense(Soften())
    """

    first_stage_of: ClassVar[str] = ""

    def check(self, subject: Subject) -> None:
        """Look whether the defense works on this subject, whose weights may have no values; as a rule it does.

        Raises:
            InputError: naming the parameter that does not fit.
        """

    @property
    def source(self) -> dict[str, Any] | None:
        """What the defended model is loaded from where it exists already; None where it is made."""
        return None

    @property
    def parent_source(self) -> dict[str, Any] | None:
        """What the parent that it requires is loaded from; None for the study's model before its preparation."""
        return None

    def notices(self, vocabulary: int) -> tuple[str, ...]:
        """What should be known before it is run on a subject with so many tokens, as sentences; as a rule nothing."""
        return ()

    @abstractmethod
    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """Change `subject` step by step; the last yield is the result.

        Args:
            subject: is changed in place.
            material: the rows that it requires, harmful ones as `harmful` with their paired refusals.
            seed: draws whatever is random.
            carry: the state that an interrupted run left; None to begin, and always where no step offers a state.
        """
