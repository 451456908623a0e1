"""From a sequence of features to one: what a whole sentence says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, nearest
from ostinato.sequence import valid_steps


class Pooling(nn.Module):
    """Summaries of y [B, T, D] over the valid steps, side by side: [B, width].

    >>> pool = Pooling(["mean", "max"], 2)
    >>> y = torch.tensor([[[1., 2.], [3., 0.], [9., 9.]]])
    >>> pool(y, torch.tensor([2])).tolist()
    [[2.0, 1.0, 3.0, 2.0]]

    ``kinds``: ``last`` (the last valid step), ``mean``, ``max``, ``attention`` (a learned weighted mean, Bahdanau's
    score v . tanh(W y)). What stands past a length never matters; a row of length 0 gives zeros.
    """

    def __init__(self, kinds: Sequence[str], inputs: int) -> None:
        super().__init__()
        if isinstance(kinds, str):
            raise OptionError(f"pooling wanted a list of kinds, got '{kinds}'; write ['{kinds}']")
        self.kinds = tuple(kinds)
        if not self.kinds or len(set(self.kinds)) != len(self.kinds):
            raise OptionError(f"pooling wanted different kinds, got {list(self.kinds)}; {nearest('', POOLINGS)}")
        for kind in self.kinds:
            if kind not in POOLINGS:
                raise OptionError(f"unknown pooling '{kind}'; {nearest(kind, POOLINGS)}")
        self.score = nn.Sequential(nn.Linear(inputs, inputs), nn.Tanh(), nn.Linear(inputs, 1, bias=False))
        if "attention" not in self.kinds:
            self.score = nn.Sequential()
        self.width = inputs * len(self.kinds)

    def forward(self, y: Tensor, lengths: Tensor | None = None) -> Tensor:
        """One summary of the given kinds for each row."""
        rows, steps = y.shape[:2]
        if lengths is None:
            lengths = torch.full((rows,), steps, dtype=torch.int64, device=y.device)
        if steps == 0:
            return y.new_zeros(rows, self.width)
        valid = valid_steps(lengths, steps)[..., None]  # [B, T, 1]
        return torch.cat([POOLINGS[kind](self, y, valid, lengths) for kind in self.kinds], dim=-1)

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return "+".join(self.kinds)


def _last(pool: Pooling, y: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
    place = (lengths.long() - 1).clamp(min=0)[:, None, None].expand(-1, 1, y.shape[-1])
    return torch.where((lengths > 0)[:, None], torch.gather(y, 1, place)[:, 0], 0.0)


def _mean(pool: Pooling, y: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
    return torch.where(valid, y, 0.0).sum(1) / lengths.clamp(min=1)[:, None].to(y.dtype)


def _max(pool: Pooling, y: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
    highest = torch.where(valid, y, -torch.inf).amax(1)
    return torch.where((lengths > 0)[:, None], highest, 0.0)


def _attention(pool: Pooling, y: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
    clean = torch.where(valid, y, 0.0)
    scores = torch.where(valid, pool.score(clean), torch.finfo(y.dtype).min)
    weights = torch.where(valid, scores.softmax(1), 0.0)
    return (weights * clean).sum(1)


POOLINGS: dict[str, Callable[[Pooling, Tensor, Tensor, Tensor], Tensor]] = {
    "last": _last,
    "mean": _mean,
    "max": _max,
    "attention": _attention,
}
