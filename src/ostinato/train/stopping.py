"""Which epoch was the best, and when to give up waiting for a better one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Best:
    """Keeps the weights of the best epoch and counts the epochs since.

    >>> best = Best(monitor="loss", patience=2)
    >>> model = nn.Linear(1, 1)
    >>> [best.observe(epoch, value, model) for epoch, value in enumerate([0.9, 0.5, 0.6, 0.5])]
    [True, True, False, False]
    >>> best.epoch, best.value, best.exhausted
    (1, 0.5, True)

    Better is lower for the loss and higher for everything else; an equal value is not better.
    """

    def __init__(self, *, monitor: str, patience: int) -> None:
        self.monitor = monitor
        self.patience = patience
        self.epoch = -1
        self.value = float("nan")
        self.waited = 0
        self.weights: dict[str, Tensor] = {}

    def observe(self, epoch: int, value: float, model: nn.Module) -> bool:
        """Take note of an epoch's value, and of the model's weights if it is the best so far."""
        better = self.epoch < 0 or (value < self.value if self.monitor == "loss" else value > self.value)
        if better:
            self.epoch, self.value, self.waited = epoch, value, 0
            self.weights = {name: t.detach().clone() for name, t in model.state_dict().items()}
        else:
            self.waited += 1
        return better

    @property
    def exhausted(self) -> bool:
        """Whether ``patience`` epochs have passed without a better one."""
        return self.patience > 0 and self.waited >= self.patience

    @torch.no_grad()
    def apply(self, model: nn.Module) -> None:
        """Put the best weights into the model."""
        if self.weights:
            model.load_state_dict(self.weights)

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The best weights, and which epoch had them."""
        value = self.value if self.epoch >= 0 else None
        return self.weights, {"epoch": self.epoch, "value": value, "waited": self.waited}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take them back."""
        self.weights = tensors
        self.epoch, self.waited = int(facts["epoch"]), int(facts["waited"])
        self.value = float("nan") if facts["value"] is None else float(facts["value"])
