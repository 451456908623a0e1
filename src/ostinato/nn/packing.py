"""Packed sequences laid out as a rectangle and lengths, and back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class Layout:
    """Where the steps of a packed batch stand in a rectangle [T, B], longest sequence first.

    >>> layout = Layout(torch.tensor([2, 2, 1]))
    >>> layout.lengths.tolist(), layout.places.tolist()
    ([3, 2], [0, 1, 2, 3, 4])
    >>> layout.spread(torch.tensor([[1.], [2.], [3.], [4.], [5.]])).tolist()
    [[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [0.0]]]

    ``batch_sizes`` [T] is how many sequences still run at each step. ``lengths`` [B] and ``places``, one for each step
    of the packed data, are None where all sequences are equally long: the data are a rectangle already.
    """

    def __init__(self, batch_sizes: Tensor) -> None:
        self.steps, self.rows = batch_sizes.shape[0], int(batch_sizes[0])
        self.lengths: Tensor | None = None
        self.places: Tensor | None = None
        if int(batch_sizes[-1]) != self.rows:
            valid = torch.arange(self.rows, device=batch_sizes.device) < batch_sizes[:, None]  # [T, B]
            self.lengths = valid.sum(0)
            self.places = valid.view(-1).nonzero()[:, 0]

    def spread(self, data: Tensor) -> Tensor:
        """Packed data [N, D] as [T, B, D], zeros past each length."""
        if self.places is not None:
            data = _spread(data, self.places, self.steps * self.rows)
        return data.view(self.steps, self.rows, data.shape[1])

    def gather(self, padded: Tensor) -> Tensor:
        """[T, B, H] as packed data [N, H], without what stands past each length."""
        flat = padded.reshape(self.steps * self.rows, padded.shape[2])
        return flat if self.places is None else _gather(flat, self.places)


class _Spread(Function):
    """Rows written to their places; backward, the rows at these places."""

    @staticmethod
    def forward(ctx: Any, data: Tensor, places: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(places)
        return data.new_zeros(rows, data.shape[1]).index_copy_(0, places, data)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _gather(gradients[0], ctx.saved_tensors[0]), None, None


class _Gather(Function):
    """Rows read from their places, no two the same; backward, rows written there."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.rows = padded.shape[0]
        return padded.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return _spread(gradients[0], ctx.saved_tensors[0], ctx.rows), None


def _spread(data: Tensor, places: Tensor, rows: int) -> Tensor:
    spread: Tensor = _Spread.apply(data, places, rows)  # type: ignore[no-untyped-call]
    return spread


def _gather(padded: Tensor, places: Tensor) -> Tensor:
    gathered: Tensor = _Gather.apply(padded, places)  # type: ignore[no-untyped-call]
    return gathered
