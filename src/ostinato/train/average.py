"""The exponential average of weights over the steps of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


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
