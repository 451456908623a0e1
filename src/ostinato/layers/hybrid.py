"""A recurrence and a stack of convolutions beside it, both over the same steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.cells import Cell
from ostinato.errors import OptionError
from ostinato.layers.convolution import Convolution
from ostinato.layers.recurrent import Recurrent
from ostinato.layers.steps import Steps, alike, positive
from ostinato.sequence import Sequences


class Filters(nn.Module):
    """Three centred convolutions, each normalised and cut off below zero: shapes of a series, wherever they stand.

    z_k = relu(norm(convolution_k(z_(k - 1)))), with F, 2 F and F channels.

    >>> Filters(2, 8)(torch.zeros(3, 7, 2)).shape
    torch.Size([3, 7, 8])

    x is [B, T, D], y [B, T, channels]. The norm is over the valid steps of a batch in training, and over the running
    mean of that afterwards. Wang et al., 2017 (arXiv:1611.06455).
    """

    def __init__(self, inputs: int, channels: int, widths: Sequence[int] = (9, 5, 3)) -> None:
        super().__init__()
        self.inputs, self.channels = positive("inputs", inputs), positive("channels", channels)
        if len(widths) != 3:
            raise OptionError(f"widths wanted three numbers of steps, got {list(widths)}")
        sizes = (inputs, channels, 2 * channels, channels)
        self.convolutions = nn.ModuleList(
            Convolution(sizes[k], sizes[k + 1], width, causal=False) for k, width in enumerate(widths)
        )
        self.norms = nn.ModuleList(StepNorm(size) for size in sizes[1:])

    def forward(self, x: Tensor | Sequences, *, lengths: Tensor | None = None, reset: Tensor | None = None) -> Tensor:
        """x [B, T, D] to y [B, T, channels]; zeros past each length."""
        steps = Steps.of("Filters", x, self.inputs, lengths, reset)
        valid = None if steps.lengths is None or bool((steps.lengths == steps.x.shape[1]).all()) else steps.valid
        y = steps.x.transpose(1, 2)  # [B, D, T]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            y = functional.relu(norm(_seen(convolution, y, steps), valid))
            if valid is not None:
                y = y * valid[:, None]
        return y.transpose(1, 2)


def _seen(convolution: nn.Module, y: Tensor, steps: Steps) -> Tensor:
    """A centred convolution of y [B, D, T]; across a reset nothing is seen."""
    if steps.reset is not None or not y.shape[2]:
        seen, _ = convolution(y.transpose(1, 2), **steps.call)
        return torch.as_tensor(seen).transpose(1, 2)
    kernel: Any = convolution.kernel
    return functional.conv1d(y, kernel.weight, kernel.bias, padding=kernel.weight.shape[2] // 2)


class StepNorm(nn.Module):
    """Each feature with mean 0 and deviation 1 over all valid steps of a batch, then a learned gain and shift.

    >>> norm = StepNorm(1)
    >>> x = torch.tensor([[[1.0, 3.0, 99.0]]])
    >>> [round(v, 3) for v in norm(x, torch.tensor([[True, True, False]]))[0, 0, :2].tolist()]
    [-1.0, 1.0]

    Outside training the running means of ``mean`` and ``variance`` stand for those of the batch, so that no row sees
    another. What stands past a length is 0 when it comes, and never matters. Ioffe & Szegedy, 2015 (arXiv:1502.03167).
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.gain, self.shift = nn.Parameter(torch.ones(features)), nn.Parameter(torch.zeros(features))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("variance", torch.ones(features))

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """x [B, D, T] and which steps are valid [B, T] (None: all) to y [B, D, T]."""
        count = x.shape[0] * x.shape[2] if valid is None else int(valid.sum())
        learns = self.training and count > 1
        if valid is None or not learns:
            state = (self.mean, self.variance, self.gain, self.shift)
            return functional.batch_norm(x, *state, learns, self.momentum, self.epsilon)
        kept = valid[:, None]
        mean = torch.where(kept, x, 0.0).sum((0, 2)) / count
        variance = torch.where(kept, x - mean[:, None], 0.0).square().sum((0, 2)) / count
        with torch.no_grad():
            self.mean.lerp_(mean.to(self.mean.dtype), self.momentum)
            self.variance.lerp_(variance.to(self.mean.dtype) * count / (count - 1), self.momentum)
        scale = self.gain * torch.rsqrt(variance + self.epsilon)
        return x * scale[:, None] + (self.shift - mean * scale)[:, None]


class Hybrid(nn.Module):
    """A recurrence and convolutions side by side: what came in which order, and which shapes there were.

    y_t = [recurrence(x)_t, filters(x)_t]

    >>> layer = Hybrid("lstm", 3, 5, filters=8)
    >>> y, state = layer(torch.zeros(2, 7, 3), lengths=torch.tensor([7, 4]))
    >>> y.shape, state
    (torch.Size([2, 7, 13]), None)

    With ``every`` above 1 the recurrence is slow: it reads the mean of so many successive steps as one, and what it
    shows is held for as many. All other options are those of :class:`~ostinato.layers.Recurrent`. Convolutions see
    ahead, so there is no state to go on from: None is returned, and a state that is given raises
    :class:`~ostinato.errors.OptionError`; so does a reset with a slow recurrence.

    Karim et al., 2017 (arXiv:1709.05206).
    """

    # What is shown at a step depends on steps to come.
    bidirectional = True

    def __init__(
        self,
        cell: str | Cell,
        inputs: int,
        hidden: int,
        *,
        filters: int,
        widths: Sequence[int] = (9, 5, 3),
        every: int = 1,
        **recurrent: Any,
    ) -> None:
        super().__init__()
        self.inputs, self.every = inputs, positive("every", every)
        self.recurrence = Recurrent(cell, inputs, hidden, **recurrent)
        self.filters = Filters(inputs, filters, widths)
        self.width = self.recurrence.width + filters

    @property
    def cell(self) -> Cell:
        """The cell of the recurrence."""
        return self.recurrence.cell

    def forward(
        self,
        x: Tensor | Sequences,
        state: Any = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """x [B, T, D] to y [B, T, width], and None."""
        if state is not None:
            raise OptionError("convolutions see what comes and have no state to go on from; pass None")
        steps = Steps.of("Hybrid", x, self.inputs, lengths, reset)
        seen = alike(steps.x, self.recurrence)
        if self.every > 1:
            shown = self._slow(seen, steps)
        else:
            shown, _ = self.recurrence(seen, **steps.call)
        return steps.closed(torch.cat([shown, self.filters(steps.x, **steps.call)], dim=-1)), None

    def _slow(self, x: Tensor, steps: Steps) -> Tensor:
        """What the recurrence shows of means over some steps, held for as many."""
        if steps.reset is not None:
            raise OptionError(f"a recurrence over means of {self.every} steps knows no reset; set every=1")
        rows, time, features = x.shape
        coarse = -(-time // self.every)
        parts = functional.pad(x, (0, 0, 0, coarse * self.every - time)).reshape(rows, coarse, self.every, features)
        valid = functional.pad(steps.valid, (0, coarse * self.every - time)).reshape(rows, coarse, self.every)
        means = parts.sum(2) / valid.sum(2, keepdim=False).clamp(min=1)[..., None]
        lengths = None if steps.lengths is None else (steps.lengths + self.every - 1) // self.every
        y, _ = self.recurrence(means, lengths=lengths)
        held: Tensor = y.repeat_interleave(self.every, dim=1)[:, :time]
        return held
