"""Batches for training on series: changed a little each time, and windows of units that wear out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel, Scales

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from ostinato.data.batch import Batch

_BENDS = 2


class Varied:
    """Batches of another source, changed a little at random: noise, size, and the pace of time.

    What happens to the batch k of the epoch e follows from the seed, e and k. ``jitter`` is the deviation of noise on
    every value, ``stretch`` that of a factor 1 + n for each channel of a series, and ``warp`` bends time t in [0, 1]
    to t + n sin(pi k t) / k with k of 1 or 2, where n has the deviation ``warp``; values between steps are
    interpolated.

    >>> from ostinato.data.series import read_series, WholeSeries
    >>> panel = read_series([[1.0, 2.0, 3.0]])
    >>> source = WholeSeries(panel, Features.fit(panel, calendar=(), scaling="none"), [1], size=1)
    >>> [batch] = Varied(source, seed=1, warp=0.1).epoch(0)
    >>> batch.inputs.shape, float(batch.inputs[0, 0, 0]), float(batch.inputs[0, 2, 0])
    (torch.Size([1, 3, 1]), 1.0, 3.0)
    """

    continuous = False

    def __init__(self, source: Any, *, seed: int, jitter: float = 0.0, stretch: float = 0.0, warp: float = 0.0) -> None:
        self.source, self.seed = source, seed
        self.jitter, self.stretch, self.warp = jitter, stretch, warp

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        import torch

        for index, batch in enumerate(self.source.epoch(number, start), start):
            bits = int(np.random.PCG64([self.seed, number, index]).random_raw() >> 1)
            yield dataclasses.replace(batch, inputs=self._varied(batch, torch.Generator().manual_seed(bits)))

    def _varied(self, batch: Batch, draws: Generator) -> Tensor:
        import torch

        x: Tensor = batch.inputs
        rows, steps, columns = x.shape
        lengths = torch.full((rows,), steps) if batch.lengths is None else batch.lengths
        if self.warp:
            x = _bent(x, lengths, self.warp, draws)
        if self.stretch:
            x = x * (1 + self.stretch * torch.randn(rows, 1, columns, generator=draws))
        if self.jitter:
            x = x + self.jitter * torch.randn(x.shape, generator=draws)
        return x


def _bent(x: Tensor, lengths: Tensor, warp: float, draws: Generator) -> Tensor:
    """Each row of x [B, T, D] read at times that are bent, its ends in place."""
    import torch

    from ostinato.sequence import gather_steps

    rows, steps, _ = x.shape
    last = (lengths - 1).clamp(min=1)[:, None].float()
    time = (torch.arange(steps)[None] / last).clamp(max=1.0)
    waves = torch.randint(1, _BENDS + 1, (rows, 1), generator=draws)
    height = warp * torch.randn(rows, 1, generator=draws) / waves
    place = (time + height * torch.sin(math.pi * waves * time)).clamp(0.0, 1.0) * (lengths - 1)[:, None]
    low = place.floor().long()
    high = torch.minimum(low + 1, (lengths - 1)[:, None])
    share = (place - low)[..., None]
    return torch.lerp(gather_steps(x, low), gather_steps(x, high), share)


class LifeWindows:
    """Windows of units that ran to failure, each with what was left of its unit's life after its last step.

    >>> from ostinato.data.series import read_series
    >>> panel = read_series([[1.0, 2.0, 3.0, 4.0]])
    >>> features = Features.fit(panel, calendar=(), scaling="none")
    >>> windows = LifeWindows(panel, features, window=2, first=2, cap=1, size=4, shuffle=False)
    >>> [(batch.inputs[..., 0].tolist(), batch.target[:, 0].tolist()) for batch in windows.epoch(0)]
    [([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], [1.0, 1.0, 0.0])]

    A window ends at every step of a unit from the step ``first`` on (at its last one, if it has fewer), and reads at
    most ``window`` steps. ``cap`` is the most life that is told. With a ``stride`` above 1 an epoch has only one of so
    many windows, drawn anew each time.
    """

    continuous = False

    def __init__(
        self,
        panel: Panel,
        features: Features,
        *,
        window: int,
        first: int,
        cap: int | None,
        size: int,
        stride: int = 1,
        scales: Scales | None = None,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        from ostinato.data.series import SeriesBatches

        self.panel, self.cap = panel, cap
        origins = moments(panel, first)
        self.windows = SeriesBatches(
            panel,
            features,
            context=window,
            horizon=0,
            size=size,
            origins=origins,
            per_epoch=None if stride == 1 else -(-len(origins) // stride),
            scales=scales,
            seed=seed,
            shuffle=shuffle,
        )

    def __len__(self) -> int:
        return len(self.windows)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on."""
        import torch

        for at in range(start, len(self)):
            origins = self.windows.origins(number, at)
            target = torch.from_numpy(remaining(self.panel, origins, self.cap).astype(np.float32))[:, None]
            yield dataclasses.replace(self.windows.batch(origins), target=target, mask=None)


def moments(panel: Panel, first: int) -> NDArray[np.int64]:
    """The row after each step of each unit from its step ``first`` on: int64 [W]."""
    spans = zip(panel.starts[:-1].tolist(), panel.ends.tolist(), strict=True)
    return np.concatenate([np.arange(min(begin + first, end), end + 1) for begin, end in spans])


def remaining(panel: Panel, origins: NDArray[np.int64], cap: int | None) -> NDArray[np.int64]:
    """How many steps of its unit come from each row on, at most ``cap``: int64 [W]."""
    left = panel.ends[panel.series_of(origins - 1)] - origins
    return left if cap is None else np.minimum(left, cap)
