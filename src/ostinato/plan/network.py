"""A network as a plan: its inputs, its steps in order, its outputs, and what turns them into answers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from ostinato.data.language.tokens import Tokens
from ostinato.data.words import Vocabulary
from ostinato.errors import PlanError
from ostinato.plan.expansion import program_of
from ostinato.plan.program import Ids, Program
from ostinato.plan.series import Reading
from ostinato.plan.steps import Recur, Step

# Tables of products may grow to so many numbers where a network is streamed: 16 MiB each.
_ROOM = 1 << 22


@dataclass(frozen=True)
class Answers:
    """How probabilities become a label: the names of the classes, the one for what is outside, the threshold."""

    names: tuple[str, ...]
    outside: str | None = None
    threshold: float = 0.0


@dataclass(frozen=True, eq=False)
class Plan:
    """What a network computes, without torch: typed steps over named values.

    ``numbers`` are inputs and their widths, ``ids`` inputs of whole numbers; ``outputs`` maps each output's name ("y",
    "probabilities" or "log_probabilities") to the value that it shows. ``digest`` names the weights and everything else
    in the model; ``task`` is the one it was trained for. ``vocabulary`` makes ids of texts and ``answers`` labels of
    probabilities, where the model has them; ``series`` says how a model of series reads them and what its numbers mean;
    ``tokens`` are what a language model reads and writes.
    :func:`~ostinato.plan.reading.plan_of` makes plans.
    """

    numbers: Mapping[str, int]
    ids: Mapping[str, Ids]
    steps: tuple[Step, ...]
    outputs: Mapping[str, str]
    digest: str
    task: str | None = None
    vocabulary: Vocabulary | None = None
    answers: Answers | None = None
    series: Reading | None = None
    tokens: Tokens | None = None

    @property
    def backwards(self) -> tuple[Recur, ...]:
        """The steps that read a sequence from its end."""
        return tuple(step for step in self.steps if isinstance(step, Recur) and step.reverse)

    def step(self, name: str) -> Step:
        """The step that writes a value."""
        return next(step for step in self.steps if step.writes == name)

    @functools.cached_property
    def program(self) -> Program:
        """One step of the whole network for one row.

        Raises :class:`~ostinato.errors.PlanError` where a layer needs the end of the sequence first.
        """
        return self._written(0)

    @functools.cached_property
    def quick(self) -> Program:
        """The same with larger tables: products of embeddings are looked up where there are not too many of them."""
        return self._written(_ROOM)

    def _written(self, room: int) -> Program:
        if self.backwards:
            names = ", ".join(step.writes for step in self.backwards)
            raise PlanError(
                f"this network cannot run step by step: {names} read the sequence from its end, not come yet; "
                "train it with bidirectional=False, or export whole sequences"
            )
        return program_of(self.steps, self.numbers, self.ids, self.outputs, room=room)
