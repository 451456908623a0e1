"""What a model reads in one step of training: one batch of examples as tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from ostinato.errors import DataError, OptionError
from ostinato.forest import Forest


class TokenTable(NamedTuple):
    """The distinct tokens of a batch of texts, each embedded once: what a subword embedding reads.

    ``words`` int64 [U] are ids of words, ``grams`` int64 [M] buckets of n-grams; those of the token k start at
    ``offsets[k]``, with ``offsets`` int64 [U].
    """

    words: Tensor
    grams: Tensor
    offsets: Tensor

    def to(self, device: Any) -> TokenTable:
        """The same table on another device."""
        return TokenTable(*(part.to(device) for part in self))


class SeriesPart(NamedTuple):
    """Which series the examples of a batch are of, where each stands, and what is known of it.

    ``series`` int64 [B] are numbers of series in the panel, ``row`` int64 [B] the panel's row that follows a window's
    last step. ``offset`` and ``scale`` float32 [B, K]: a target t in the batch is t * scale + offset in the data's own
    units. ``static`` float32 [B, Q] are scaled, ``categories`` int64 [B, C] number words, 0 an unknown one.
    """

    series: Tensor
    row: Tensor
    offset: Tensor
    scale: Tensor
    static: Tensor
    categories: Tensor

    def to(self, device: Any) -> SeriesPart:
        """The same part on another device."""
        return SeriesPart(*(part.to(device) for part in self))


@dataclass(frozen=True, eq=False)
class Batch:
    """B examples side by side, padded on the right to T steps.

    >>> import torch
    >>> batch = Batch(torch.tensor([[1, 2, 3]]), target=torch.tensor([[2, 3, 4]]))
    >>> [window.inputs.tolist() for window in batch.windows(2)]
    [[[1, 2]], [[3]]]

    ``inputs`` are numbers [B, T, D] or ids int64 [B, T], into ``table`` where there is one. ``lengths`` int64 [B]
    counts the valid steps (None: all). ``target`` is int64 [B], one a sequence, or [B, T] or [B, T, K], one a step.
    ``label`` int64 [B] is one for the whole of each sequence where ``target`` has one a step.
    ``weight`` float32 [B] says how much each example counts, ``reset`` bool [B, T] which steps start from the zero
    state. With a ``forest`` the examples are B trees: ``inputs`` are [N] or [N, D], one for each node in the forest's
    order, and ``target`` int64 [N] has a class at every node that has one, and -1 elsewhere.

    For series, ``future`` float32 [B, h, F'] is what is known of the h steps that follow the inputs, ``target`` is
    [B, h, K], ``mask`` bool of the shape of ``target`` says where there is one, and ``part`` whose windows these are.

    ``pace`` is the share of the learning rate that this batch's step takes: a shorter window's step is shorter.
    """

    inputs: Any
    lengths: Tensor | None = None
    target: Tensor | None = None
    weight: Tensor | None = None
    reset: Tensor | None = None
    table: TokenTable | None = None
    forest: Forest | None = None
    future: Tensor | None = None
    mask: Tensor | None = None
    part: SeriesPart | None = None
    label: Tensor | None = None
    pace: float = 1.0

    def __len__(self) -> int:
        return len(self.inputs if self.forest is None else self.forest)

    def to(self, device: Any) -> Batch:
        """The same batch on another device."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        moved = {name: part.to(device) for name, part in fields.items() if part is not None and name != "pace"}
        return dataclasses.replace(self, **moved)

    def windows(self, steps: int, start: int = 0) -> Iterator[Batch]:
        """Cut the time axis into windows of some steps, from the window ``start`` on: truncated backpropagation.

        The state of a window's end is the next one's start. A sequence that has ended has the length 0 in the windows
        that follow, which leave its state as it is. A batch with one target a sequence is refused: only its last window
        could learn from it.
        """
        if self.forest is not None:
            raise DataError("trees have no time axis to be cut; train them with truncate=0")
        if self.future is not None:
            raise DataError("steps ahead belong to the end of a window, which cannot be cut; train with truncate=0")
        if self.label is not None:
            raise DataError("a label is one for a whole sequence, which cannot be cut; train with truncate=0")
        if steps < 1:
            raise OptionError(f"a window wanted a whole number of steps from 1 on, got {steps}")
        time = self.inputs.shape[1]
        if self.target is not None and (self.target.dim() < 2 or self.target.shape[1] != time):
            raise DataError(
                f"this batch has one target a sequence (target {list(self.target.shape)}) and cannot be cut into "
                "windows: truncated backpropagation wants a target at every step; train it with truncate=0"
            )
        return (self._window(begin, min(begin + steps, time)) for begin in range(start * steps, time, steps))

    def _window(self, begin: int, end: int) -> Batch:
        cut = slice(begin, end)
        return Batch(
            inputs=self.inputs[:, cut],
            lengths=None if self.lengths is None else (self.lengths - begin).clamp(0, end - begin),
            target=None if self.target is None else self.target[:, cut],
            weight=self.weight,
            reset=None if self.reset is None else self.reset[:, cut],
            table=self.table,
            mask=None if self.mask is None else self.mask[:, cut],
            part=self.part,
            pace=self.pace,
        )
