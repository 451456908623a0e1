"""The network of every certificate: one recurrent layer between its inputs and a linear answer, and nothing else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.cells import Cell
from ostinato.certificates.task import Batch, Task
from ostinato.layers import Recurrent


class Network(nn.Module):
    """Symbols as one-hot vectors, a recurrent layer, and one linear map to the classes or to the number.

    >>> from ostinato.certificates.tracking import parity
    >>> batch = parity.draw(torch.Generator(), 3, 5)
    >>> Network("gru", parity, hidden=8)(batch.inputs, batch.labelled).shape
    torch.Size([3, 5, 2])
    """

    def __init__(
        self, cell: str | Cell, task: Task, *, hidden: int, layers: int = 1, timescale: float | None = None
    ) -> None:
        super().__init__()
        self.task = task
        self.body = Recurrent(cell, task.inputs, hidden, layers=layers, timescale=timescale)
        if not self.body.cell.trained:
            # A reservoir: only what reads it learns.
            self.body.requires_grad_(False)
        self.answer = nn.Linear(self.body.width, task.classes or 1)

    def forward(self, inputs: Tensor, asked: Tensor) -> Tensor:
        """The answers [B, A, N] at the A steps that are ``asked`` [T]."""
        y, _ = self.body(self._numbers(inputs), **self._extra(inputs))
        answers: Tensor = self.answer(y[:, asked])
        return answers

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The mean loss over labelled steps, and the answers there."""
        answers = self(batch.inputs, batch.labelled)
        target = batch.target[:, batch.labelled]
        if self.task.classes:
            return functional.cross_entropy(answers.flatten(0, 1), target.flatten()), answers
        return functional.mse_loss(answers[..., 0], target), answers

    def engine(self, batch: Batch) -> Any:
        """Which engine runs such a batch, and why others refuse it."""
        return self.body.engine(self._numbers(batch.inputs), **self._extra(batch.inputs))

    def _numbers(self, inputs: Tensor) -> Tensor:
        if not self.task.classes:
            return inputs
        marks = functional.one_hot(inputs, self.task.inputs).float()
        return marks if inputs.dim() == 2 else marks.sum(2)

    def _extra(self, inputs: Tensor) -> dict[str, Any]:
        """What the cell is given at every step besides x: here time gaps, all of one."""
        names = self.body.cell.inputs
        return {"inputs": {name: torch.ones(inputs.shape[:2]) for name in names}} if names else {}


def right(task: Task, answers: Tensor, target: Tensor) -> Tensor:
    """Which answers are right: the likeliest class is the true one, or the number is within 0.1."""
    if task.classes:
        return answers.argmax(-1) == target
    return (answers[..., 0] - target).abs() < 0.1
