"""Refusal ablation with a strength for every block and component, as people run it with a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import EDITS, Axis
from titer.records import Spent
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class AblationKernel(WeightEdit):
    """The refusal direction is weakened, block by block: W ← W − s · r rᵀ W, with s by the block and the component.

    Threat model: the attacker has the weights and prompts of both kinds, no response and no training, and tries many
    configurations. In block l of L a component (what ends the attention, what ends the feed-forward part) has the
    strength `peak` · (1 + (`floor` − 1) · distance / width) where the distance |l − position · (L − 1)| is at most
    width = `width` · L, and 0 elsewhere: `floor` is a share of the peak; a strength above 1 turns the direction round.
    The matrix is weakened with its rows at length 1, which are then as long again as they were (`keep_norms` "rows");
    or as it is, its columns as long again as they were, or neither. The direction is the difference
    of the mean states after the last token of harmful and benign prompts, between blocks: at the share `layer` of the
    way from the first such place to the last, the two nearest ones mixed; or for each block that behind it (None), the
    last block taking that before it. Where nothing tells the two kinds of prompts apart there is no direction, and with
    none at all (`directions` is 0) the subject stays as it is.

    Source: the practice of p-e-w/heretic (as of July 2026), whose search this leaves to the study and
    whose cut of the edit to rank 3 this leaves out; directions as in Arditi et al. 2024, arXiv 2406.11717, without its
    filters. Shares of the depth in place of layer numbers are ours.
    """

    name: ClassVar[str] = "ablation_kernel"
    version: ClassVar[int] = 2
    family: ClassVar[str] = "refusal ablation"
    axis: ClassVar[Axis] = EDITS

    layer: float | None = Field(default=0.6, ge=0, le=1)
    attention_peak: float = Field(default=1.0, ge=0, le=2)
    attention_position: float = Field(default=0.6, ge=0, le=1)
    attention_floor: float = Field(default=0.5, ge=0, le=1)
    attention_width: float = Field(default=0.6, gt=0, le=1)
    mlp_peak: float = Field(default=1.0, ge=0, le=2)
    mlp_position: float = Field(default=0.6, ge=0, le=1)
    mlp_floor: float = Field(default=0.5, ge=0, le=1)
    mlp_width: float = Field(default=0.6, gt=0, le=1)
    keep_norms: Literal["rows", "columns", "none"] = "rows"
    prompts: int = Field(default=128, ge=1)
    batch: int = Field(default=32, ge=1)

    @classmethod
    def space(cls) -> Space:
        """Every part of both kernels, and where the direction comes from."""
        found: dict[str, Options] = {"layer": Options(values=(None, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9))}
        for component in ("attention", "mlp"):
            found |= {
                f"{component}_peak": Options(values=(0.5, 0.8, 1.0, 1.2, 1.5)),
                f"{component}_position": Options(values=(0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
                f"{component}_floor": Options(values=(0.0, 0.25, 0.5, 0.75, 1.0)),
                f"{component}_width": Options(values=(0.1, 0.2, 0.4, 0.6)),
            }
        return {**found, "keep_norms": Options(values=("rows", "columns", "none"))}

    @property
    def last_dose(self) -> int:
        """One edit."""
        return 1

    @property
    def requires(self) -> Requires:
        """One prompt of each kind."""
        return Requires(rows={Need.HARMFUL: 1, Need.BENIGN: 1})

    def check(self, subject: Subject, horizon: int) -> None:
        """Everything that writes to the residual stream must be found."""
        from titer.models.modules import writers

        writers(subject.model)

    def strengths(self, block: int, blocks: int) -> tuple[float, float]:
        """Those of what ends the attention and the feed-forward part of one of so many blocks."""
        attention = self.attention_peak, self.attention_position, self.attention_floor, self.attention_width
        mlp = self.mlp_peak, self.mlp_position, self.mlp_floor, self.mlp_width
        return _strength(block, blocks, *attention), _strength(block, blocks, *mlp)

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> Step:
        """The direction is weakened wherever the kernels say so."""
        from titer.methods.attacks.weight_edits._activations import differences_between_blocks, interpolated
        from titer.models.modules import blocks, weaken, writers_of_block

        count = len(blocks(subject.model)[1])
        differences, tokens = differences_between_blocks(subject, material, self.prompts, self.batch, seed)
        edited, last = 0, len(differences) - 1
        places = [min(block, last) if self.layer is None else self.layer * last for block in range(count)]
        directions = {place: found for place in places if (found := interpolated(differences, place)).any()}
        for block in (block for block, place in enumerate(places) if place in directions):
            components = zip(writers_of_block(subject.model, block), self.strengths(block, count), strict=True)
            for module, share in ((module, s) for modules, s in components for module in modules.values() if s):
                weaken(module, directions[places[block]], share, keep_norms=self.keep_norms)
                edited += 1
        flops = 2 * subject.parameters_total * tokens
        terms = {"directions": float(len(directions)), "edited": float(edited)}
        return Step(dose=1, spent=Spent(tokens=tokens, flops=flops), terms=terms)


def _strength(block: int, blocks: int, peak: float, position: float, floor: float, width: float) -> float:
    distance, reach = abs(block - position * (blocks - 1)), width * blocks
    return 0.0 if distance > reach else peak * (1 + (floor - 1) * distance / reach)
