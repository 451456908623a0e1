"""Means over an epoch: of the loss and of whatever a model measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ostinato.train.placement import Placement


class Meter:
    """Adds up losses and measures as double-precision numbers, in the order of the steps.

    >>> import torch
    >>> meter = Meter()
    >>> meter.add(torch.tensor(2.0), 3, {"accuracy": torch.tensor(1.0)})
    >>> meter.add(torch.tensor(4.0), 1, {"accuracy": torch.tensor(1.0)})
    >>> meter.means()
    {'loss': 2.5, 'accuracy': 0.5}

    On the CPU a number is read at once. Elsewhere reading makes the processor wait for the device, so numbers are
    read ``every`` so many steps; the sums are the same, whenever they are read.
    """

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self.sums: dict[str, float] = {}
        self.count = 0
        self.steps = 0
        # The first step whose loss is not finite, counted from 1, and that loss.
        self.bad = 0
        self.bad_value = 0.0
        self._pending: list[tuple[Tensor, int, Mapping[str, Tensor]]] = []

    def add(self, loss: Tensor, count: int, measures: Mapping[str, Tensor]) -> None:
        """Count one step: the mean loss over ``count`` examples, and sums over them."""
        self._pending.append((loss.detach(), count, measures))
        if len(self._pending) >= self.every:
            self.flush()

    def flush(self) -> None:
        """Read what is pending."""
        for loss, count, measures in self._pending:
            value = float(loss)
            if not math.isfinite(value) and not self.bad:
                self.bad, self.bad_value = self.steps + 1, value
            self._sum("loss", value * count)
            for name, total in measures.items():
                self._sum(name, float(total))
            self.count += count
            self.steps += 1
        self._pending.clear()

    def _sum(self, name: str, amount: float) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + amount

    @property
    def loss(self) -> float:
        """The mean loss of all that was read."""
        return self.sums.get("loss", math.nan) / self.count if self.count else math.nan

    def means(self, totals: Callable[[list[float]], list[float]] = list) -> dict[str, float]:
        """Every mean over the examples; ``totals`` may add up what several processes have."""
        self.flush()
        *sums, count = totals([*self.sums.values(), float(self.count)])
        return {name: total / max(count, 1.0) for name, total in zip(self.sums, sums, strict=True)}

    def clear(self) -> None:
        """Begin again."""
        self.sums, self.count, self.steps = {}, 0, 0
        self._pending.clear()


class MeterPart:
    """The sums of every process, for checkpoints."""

    def __init__(self, meter: Meter, placement: Placement) -> None:
        self.meter = meter
        self.placement = placement

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Sums, examples and steps as doubles [P, n + 2], and the names of the sums in their order."""
        meter = self.meter
        meter.flush()
        numbers = torch.tensor([*meter.sums.values(), meter.count, meter.steps], dtype=torch.float64)
        return {"numbers": self.placement.all_of(numbers)}, {"names": list(meter.sums)}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take back what this process had."""
        *sums, count, steps = tensors["numbers"][self.placement.process].tolist()
        self.meter.sums = dict(zip(facts["names"], sums, strict=True))
        self.meter.count, self.meter.steps = int(count), int(steps)
