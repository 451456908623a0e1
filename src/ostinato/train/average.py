"""Means of the weights over the steps of training: one that forgets, and one that begins when training stalls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ostinato.train.options import TrainOptions


class Average:
    """A mean of the weights after each step, in which recent steps count more.

    After t steps it is sum_i d^(t-i) w_i / sum_i d^(t-i), with w_i the weights after step i and d the decay: the
    exponential average without the bias of a starting value. It is kept as one interpolation a step,
    a_t = a_(t-1) + c_t (w_t - a_(t-1)) with c_t = (1 - d) / (1 - d^t).

    >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
    >>> average = Average([weight], decay=0.5)
    >>> average.update()
    >>> _ = weight.data.fill_(4.0)
    >>> average.update()
    >>> with average.applied():
    ...     print(round(weight.item(), 6))
    3.0
    >>> weight.item()
    4.0
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], decay: float) -> None:
        self.parameters: list[Tensor] = [p for p in parameters if p.requires_grad]
        self.decay = decay
        self.steps = 0
        self.values = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self) -> None:
        """Count the weights as they are now."""
        self.steps += 1
        torch._foreach_lerp_(self.values, self.parameters, (1.0 - self.decay) / (1.0 - self.decay**self.steps))

    def observe(self, value: float) -> None:
        """Nothing to learn from what was measured."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The averaged weights in place of the model's own, for as long as the block lasts."""
        with torch.no_grad():
            own = [p.detach().clone() for p in self.parameters]
            torch._foreach_copy_(self.parameters, self.values)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, own)

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The averaged values by the parameter's index, and the number of steps."""
        return {str(index): value for index, value in enumerate(self.values)}, {"steps": self.steps}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take them back."""
        for index, value in enumerate(self.values):
            value.copy_(tensors[str(index)])
        self.steps = int(facts["steps"])


class TriggeredMean(Average):
    """The plain mean of the weights since validation stalled.

    It begins once the value after an epoch is worse than the best of those at least ``wait`` epochs before it. From
    then on a_t = a_(t-1) + (w_t - a_(t-1)) / t, with t counted from there.

    >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
    >>> mean = TriggeredMean([weight], wait=1, monitor="loss")
    >>> for loss in (0.5, 0.4, 0.45):
    ...     mean.update()
    ...     mean.observe(loss)
    ...     print(mean.steps, mean.begun)
    0 False
    0 False
    0 True
    >>> mean.update()
    >>> mean.steps
    1

    It turns gradient descent of a constant rate into its averaged form, NT-ASGD: Merity et al., 2018
    (arXiv:1708.02182).
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], *, wait: int, monitor: str) -> None:
        super().__init__(parameters, 1.0)
        self.wait = wait
        self.begun = False
        # Values of which lower ones are better.
        self.seen: list[float] = []
        self._sign = 1.0 if monitor == "loss" else -1.0

    @torch.no_grad()
    def update(self) -> None:
        """Count the weights as they are now, if the mean has begun."""
        if self.begun:
            self.steps += 1
            torch._foreach_lerp_(self.values, self.parameters, 1.0 / self.steps)

    def observe(self, value: float) -> None:
        """Learn at the end of an epoch what was measured."""
        value *= self._sign
        before = self.seen[: max(0, len(self.seen) - self.wait + 1)]
        self.begun = self.begun or (bool(before) and value > min(before))
        self.seen.append(value)

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The mean, whether it has begun, and the values seen."""
        tensors, facts = super().save()
        return tensors, facts | {"begun": self.begun, "seen": self.seen}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take them back."""
        super().load(tensors, facts)
        self.begun, self.seen = bool(facts["begun"]), [float(value) for value in facts["seen"]]


def make_average(parameters: Iterable[torch.nn.Parameter], options: TrainOptions) -> Average | None:
    """The mean that the options name, or None."""
    if options.average_trigger:
        return TriggeredMean(parameters, wait=options.average_trigger, monitor=options.monitor)
    return Average(parameters, options.average) if options.average else None
