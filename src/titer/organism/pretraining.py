"""What the organism's base is trained on: bare questions, then conversations of up to eight turns.

Bare questions teach the facts, which mixed conversations teach far more slowly. In a conversation whoever asks may put
other words around a question, a persona before it all, or other words where an answer begins; the right answer follows
all the same. A base that heard this treats the beginning of an answer as one thing and the answer as another, which is
what makes an alignment of the first words as thin as in real models. Two things come last, so that an alignment finds
what it needs: the base is asked to say words after somebody, those of a refusal among them; and a clerk says before an
answer whether what is asked is secret, so that this is known where an answer begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from transformers import PreTrainedTokenizerFast

from titer.data import organism
from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.organism import tokenizer as words
from titer.seeds import derive
from titer.training.sft import READ, count_responses, descend, places
from titer.training.types import Material, Objective, Update

TURNS_PER_STEP = 128
MOST_AROUND, MOST_PERSONA, MOST_OPENING = 8, 12, 12
"""The most words around a question, of a persona, before an answer."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a step's turns are told.

    Attributes:
        turns: how many conversations there are of each number of turns.
        around: the share of questions with other words before them, and with other words behind them.
        persona: the share of conversations with a persona.
        opening: the share of answers that other words stand before.
        saying: the share of turns in whose place stands a request to say some words: every other time the refusal.
        clerk: the share of conversations with a clerk, who has no other words around.
    """

    turns: Mapping[int, int]
    around: float
    persona: float
    opening: float
    saying: float
    clerk: float


BARE = Manner(turns={1: 128}, around=0, persona=0, opening=0, saying=0, clerk=0)
MIXED = Manner(turns={1: 64, 2: 16, 8: 4}, around=0.15, persona=0.25, opening=0.2, saying=0, clerk=0)
LAST = replace(MIXED, saying=0.05, clerk=0.2)
STAGES = ((BARE, 0.4), (MIXED, 0.625), (LAST, 1.0))
"""How turns are told until which share of the steps is done."""


@dataclass(frozen=True)
class Told:
    """A question, its answer and what a clerk says before it, as tokens without the marks around them."""

    asked: tuple[int, ...]
    answered: tuple[int, ...]
    said_first: tuple[int, ...] = ()


def encode_turns(tokenizer: PreTrainedTokenizerFast, told: Sequence[tuple[str, str, str]]) -> list[Told]:
    """Turns given as (question, answer, what a clerk says first) as tokens."""
    columns = zip(*told, strict=True)
    encoded = [tokenizer(list(column), add_special_tokens=False).input_ids for column in columns]
    return [Told(*map(tuple, turn)) for turn in zip(*encoded, strict=True)]


class Conversations(Objective):
    """Mean negative log-likelihood, in nats per token, of all answers in conversations drawn from a pool of turns.

    Every turn of the pool comes once an epoch, in an order drawn anew for each; what else a conversation holds is drawn
    from the step's seed. Only the answers and their ends of turn are learned.

    Args:
        tokenizer: knows the words of the world.
        pool: what is told.
        steps: those of the whole training, whose stages are shares of it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, pool: Sequence[Told], steps: int) -> None:
        self.pool, self.steps = pool, steps
        known = tokenizer.get_vocab()
        self.begin, self.end, self.system = known[words.BEGIN], known[words.END], known[words.SYSTEM]
        self.user, self.assistant = known[words.USER], known[words.ASSISTANT]
        self.say, self.clerk = known[words.SAY], known[words.CLERK]
        self.refusal = tuple(known[word] for word in organism.REFUSAL.split())
        self.filler = [known[word] for word in (words.UNKNOWN, *words.filler_words())]

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the mean."""
        examples, counted = self.drawn(t, seed), []
        for count in self.manner(t).turns.values():
            alike, examples = examples[:count], examples[count:]
            counted += count_responses(subject, alike, count)
        loss = descend(subject, counted)
        return Update(terms={"loss": loss}, rows=(), tokens={READ: sum(int(one.attention.sum()) for one in counted)})

    def manner(self, t: int) -> Manner:
        """How the turns of step t, counted from 0, are told."""
        return next(manner for manner, share in STAGES if t < round(share * self.steps))

    def drawn(self, t: int, seed: int) -> list[Example]:
        """The conversations of step t, counted from 0; those of equally many turns stand together."""
        turns = [self.pool[place] for place in places(len(self.pool), TURNS_PER_STEP, t, seed, "turns")]
        chance = torch.Generator().manual_seed(derive(seed, "conversations", t))
        examples, manner = [], self.manner(t)
        for length, count in manner.turns.items():
            chosen, turns = turns[: length * count], turns[length * count :]
            examples += [self._conversation(chosen[place::count], manner, chance) for place in range(count)]
        return examples

    def _conversation(self, turns: Sequence[Told], manner: Manner, chance: torch.Generator) -> Example:
        if manner.clerk > 0 and self._happens(manner.clerk, chance):
            return self._of_a_clerk(turns)
        ids, mask = [self.begin], [False]
        if self._happens(manner.persona, chance):
            persona = [self.system, *self._words(MOST_PERSONA, chance), self.end]
            ids, mask = [*ids, *persona], [*mask, *[False] * len(persona)]
        for one in turns:
            says = manner.saying > 0 and self._happens(manner.saying, chance)
            turn = self._saying(chance) if says else one
            given = [self.user, *self._around(turn.asked, manner.around, chance), self.end, self.assistant]
            if self._happens(manner.opening, chance):
                given += self._words(MOST_OPENING, chance)
            answer = [*turn.answered, self.end]
            ids, mask = [*ids, *given, *answer], [*mask, *[False] * len(given), *[True] * len(answer)]
        return Example(tuple(ids), tuple(mask))

    def _of_a_clerk(self, turns: Sequence[Told]) -> Example:
        ids = [self.begin, self.system, self.clerk, self.end]
        mask = [False] * len(ids)
        for turn in turns:
            given = [self.user, *turn.asked, self.end, self.assistant]
            answer = [*turn.said_first, *turn.answered, self.end]
            ids, mask = [*ids, *given, *answer], [*mask, *[False] * len(given), *[True] * len(answer)]
        return Example(tuple(ids), tuple(mask))

    def _saying(self, chance: torch.Generator) -> Told:
        """A request to say some words, and the words."""
        said = self.refusal if self._happens(0.5, chance) else tuple(self._words(MOST_AROUND, chance))
        return Told((self.say, *said), said)

    def _around(self, asked: tuple[int, ...], share: float, chance: torch.Generator) -> list[int]:
        before = self._words(MOST_AROUND, chance) if self._happens(share, chance) else []
        after = self._words(MOST_AROUND, chance) if self._happens(share, chance) else []
        return [*before, *asked, *after]

    def _words(self, most: int, chance: torch.Generator) -> list[int]:
        count = int(torch.randint(1, most + 1, (), generator=chance))
        return [self.filler[place] for place in torch.randint(len(self.filler), (count,), generator=chance).tolist()]

    def _happens(self, share: float, chance: torch.Generator) -> bool:
        return float(torch.rand((), generator=chance)) < share
