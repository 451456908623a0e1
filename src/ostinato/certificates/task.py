"""What a task of a certificate is: a sentence, a way to draw sequences from a seed, and lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Sequences of one length and their labels.

    ``inputs`` are ids [B, T], several at a step [B, T, S], or numbers [B, T, D]; ``target`` are classes or numbers
    [B, T]. ``labelled`` [T] are the steps that are trained on, ``judged`` [T] those that are counted: the end, where a
    state is followed.
    """

    inputs: Tensor
    target: Tensor
    labelled: Tensor
    judged: Tensor


@dataclass(frozen=True)
class Task:
    """One thing that a recurrent network may be asked to remember.

    ``draw(chance, rows, length)`` makes a :class:`Batch`; the same generator state gives the same batch. ``inputs`` is
    the number of symbols (or of numbers at each step, where ``classes`` is 0 and the answer is a number). ``chance`` is
    the accuracy of a network that ignores its inputs. Training begins at the length ``start`` and grows to ``train``;
    ``tests`` are longer. ``rows`` are drawn at once and ``lr`` is the first learning rate, both found with lstm and gru
    and the same for every cell. ``timescale`` is how many steps a memory must last, where that is the point.
    """

    name: str
    sentence: str
    inputs: int
    classes: int
    chance: float
    draw: Callable[[torch.Generator, int, int], Batch]
    start: int
    train: int
    tests: tuple[int, ...]
    unit: str = "steps"
    rows: int = 64
    lr: float = 1e-2
    timescale: float | None = None

    @property
    def lengths(self) -> tuple[int, ...]:
        """All lengths at which the trained network is judged, the one of training first."""
        return (self.train, *self.tests)


def every(steps: int) -> Tensor:
    """All steps.

    >>> every(3).tolist()
    [True, True, True]
    """
    return torch.ones(steps, dtype=torch.bool)


def last(count: int, steps: int) -> Tensor:
    """The last steps of so many.

    >>> last(2, 5).tolist()
    [False, False, False, True, True]
    """
    return torch.arange(steps) >= steps - count
