"""Means over an epoch: of the loss and of whatever a model measures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor


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

    def means(self) -> dict[str, float]:
        """Every mean over the examples."""
        self.flush()
        return {name: total / max(self.count, 1) for name, total in self.sums.items()}

    def clear(self) -> None:
        """Begin again."""
        self.sums, self.count, self.steps = {}, 0, 0
        self._pending.clear()

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The sums, for checkpoints."""
        self.flush()
        # Pairs, because a file sorts the keys of a mapping, and people want the loss first.
        return {}, {
            "sums": [[name, total] for name, total in self.sums.items()],
            "count": self.count,
            "steps": self.steps,
        }

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take them back."""
        self.sums = {name: float(total) for name, total in facts["sums"]}
        self.count, self.steps = int(facts["count"]), int(facts["steps"])
