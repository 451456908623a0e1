"""How the learning rate moves: it rises through warm-up, then follows a schedule.

A schedule is a function of the progress p in epochs, taken at the middle of a step: step b of B in epoch e has
p = e + (b + 1/2) / B. So it needs no memory, and a resumed run finds its place by arithmetic; only ``plateau``
remembers how often it has lowered the rate.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from torch import Tensor

from ostinato.train.options import TrainOptions


class Schedule(Protocol):
    """A rule for the learning rate."""

    def rate(self, progress: float) -> float:
        """The learning rate at a progress, in epochs."""

    def observe(self, better: bool) -> None:
        """Learn at the end of an epoch whether it was the best so far."""

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What the schedule remembers, for checkpoints."""

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take back what it remembered."""


class Constant:
    """The rate stays where warm-up brought it.

    >>> [Constant(lr=0.1, warmup=2.0).rate(p) for p in (0.0, 1.0, 2.0, 9.0)]
    [0.0, 0.05, 0.1, 0.1]
    """

    def __init__(self, *, lr: float, warmup: float = 0.0) -> None:
        self.lr = lr
        self.warmup = warmup

    def rate(self, progress: float) -> float:
        """lr * min(1, p / warmup)."""
        return self.lr * progress / self.warmup if progress < self.warmup else self.lr

    def observe(self, better: bool) -> None:
        """Nothing to learn."""

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Nothing to remember."""
        return {}, {}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Nothing to take back."""


class Cosine(Constant):
    """After warm-up the rate falls to zero along half a cosine, at the last epoch's end.

    >>> schedule = Cosine(lr=0.1, warmup=1.0, epochs=3)
    >>> [round(schedule.rate(p), 4) for p in (0.5, 1.0, 2.0, 3.0)]
    [0.05, 0.1, 0.05, 0.0]

    Source: Loshchilov & Hutter, 2017 (arXiv:1608.03983), without restarts.
    """

    def __init__(self, *, lr: float, warmup: float = 0.0, epochs: int) -> None:
        super().__init__(lr=lr, warmup=warmup)
        self.epochs = epochs

    def rate(self, progress: float) -> float:
        """lr * (1 + cos(pi * (p - warmup) / (epochs - warmup))) / 2 after warm-up."""
        if progress < self.warmup:
            return super().rate(progress)
        way = (progress - self.warmup) / (self.epochs - self.warmup)
        return self.lr * 0.5 * (1.0 + math.cos(math.pi * min(way, 1.0)))


class Slanted(Constant):
    """The rate rises from a 32nd in a straight line through warm-up, and falls back to it by the last epoch's end.

    >>> schedule = Slanted(lr=0.32, warmup=1.0, epochs=3)
    >>> [round(schedule.rate(p), 4) for p in (0.0, 0.5, 1.0, 2.0, 3.0)]
    [0.01, 0.165, 0.32, 0.165, 0.01]

    Source: Howard & Ruder, 2018 (arXiv:1801.06146), where warm-up is a tenth of the training.
    """

    lowest = 1 / 32

    def __init__(self, *, lr: float, warmup: float = 0.0, epochs: int) -> None:
        super().__init__(lr=lr, warmup=warmup)
        self.epochs = epochs

    def rate(self, progress: float) -> float:
        """lr * (1/32 + 31/32 s), with s = p / warmup first and (epochs - p) / (epochs - warmup) then."""
        rises = progress < self.warmup
        share = progress / self.warmup if rises else (self.epochs - progress) / max(self.epochs - self.warmup, 1e-12)
        return self.lr * (self.lowest + (1.0 - self.lowest) * max(share, 0.0))


class Plateau(Constant):
    """The rate halves whenever two epochs in a row bring nothing better.

    >>> schedule = Plateau(lr=0.1)
    >>> for better in (True, False, False):
    ...     schedule.observe(better)
    >>> schedule.rate(3.0)
    0.05
    """

    factor = 0.5
    wait = 2

    def __init__(self, *, lr: float, warmup: float = 0.0) -> None:
        super().__init__(lr=lr, warmup=warmup)
        self.drops = 0
        self.waited = 0

    def rate(self, progress: float) -> float:
        """The constant schedule's rate, times 1/2 for every drop."""
        return super().rate(progress) * self.factor**self.drops

    def observe(self, better: bool) -> None:
        """Count the epochs since the last better one or the last drop."""
        self.waited = 0 if better else self.waited + 1
        if self.waited == self.wait:
            self.drops += 1
            self.waited = 0

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The number of drops, and of epochs waited since."""
        return {}, {"drops": self.drops, "waited": self.waited}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take both numbers back."""
        self.drops, self.waited = int(facts["drops"]), int(facts["waited"])


def make_schedule(options: TrainOptions) -> Schedule:
    """The schedule that the options name."""
    if options.schedule == "cosine":
        return Cosine(lr=options.lr, warmup=options.warmup, epochs=options.epochs)
    if options.schedule == "slanted":
        return Slanted(lr=options.lr, warmup=options.warmup, epochs=options.epochs)
    if options.schedule == "plateau":
        return Plateau(lr=options.lr, warmup=options.warmup)
    return Constant(lr=options.lr, warmup=options.warmup)
