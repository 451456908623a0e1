"""Attention of a sequence to its own last steps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import OptionError
from ostinato.layers.steps import Steps, checked_state, positive
from ostinato.sequence import Sequences
from ostinato.state import State

# The slowest rotation takes so many steps for one radian.
_SLOWEST = 10_000.0
# Queries that are asked at once, at least: more of them are fewer calls, and scores for more places that they ignore.
_LEAST_STRETCH = 64


class LocalAttention(nn.Module):
    """Each step looks at itself and the steps just before it: sliding-window, multi-query attention.

    >>> layer = LocalAttention(8, heads=2, window=4)
    >>> y, state = layer(torch.zeros(2, 7, 8))
    >>> y.shape, state.key.shape, state.seen.shape
    (torch.Size([2, 7, 8]), torch.Size([2, 3, 4]), torch.Size([2, 3]))

    All ``heads`` share one set of keys and values (Shazeer, 2019, arXiv:1911.02150), which are turned by their distance
    (rotary, Su et al., 2021, arXiv:2104.09864) unless ``rotary=False``. A step sees the last ``window`` steps, itself
    among them, and nothing from before a reset; so the state is the last window - 1 keys and values, and which of them
    there are. Time and memory grow with T times window. x and y are [B, T, D]; D / heads must be a whole number, and
    with ``rotary`` an even one.
    """

    def __init__(self, inputs: int, *, heads: int = 4, window: int = 128, rotary: bool = True) -> None:
        super().__init__()
        self.inputs, self.heads, self.window = inputs, positive("heads", heads), positive("window", window)
        if positive("inputs", inputs) % heads:
            raise OptionError(f"heads wanted a divisor of the width {inputs}, got {heads}")
        if not isinstance(rotary, bool):
            raise OptionError(f"rotary wanted True or False, got {rotary!r}")
        self.rotary, self.size = rotary, inputs // heads
        if rotary and self.size % 2:
            raise OptionError(f"rotary turns pairs and wanted an even width / heads, got {self.size}; change heads")
        self.query = nn.Linear(inputs, inputs, bias=False)
        self.key = nn.Linear(inputs, self.size, bias=False)
        self.value = nn.Linear(inputs, self.size, bias=False)
        self.out = nn.Linear(inputs, inputs)

    def forward(
        self,
        x: Tensor | Sequences,
        state: State | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """x [B, T, D] to y [B, T, D] and the last keys and values."""
        steps = Steps.of("LocalAttention", x, self.inputs, lengths, reset)
        x, before = steps.x, self.window - 1
        rows = len(x)
        kept = (rows, before, self.size)
        shapes = {"key": kept, "value": kept, "seen": (rows, before)}
        given = checked_state("LocalAttention", state, x, shapes, marks=("seen",))
        if given is None:
            given = State(key=x.new_zeros(kept), value=x.new_zeros(kept), seen=x.new_zeros(rows, before).bool())
        keys = torch.cat([given.key, self.key(steps.x)], dim=1)  # [B, window - 1 + T, size]
        values = torch.cat([given.value, self.value(steps.x)], dim=1)
        there = torch.cat([given.seen, steps.valid], dim=1)
        y = self._looked(steps, keys, values, there)
        last = State(key=steps.last(keys, before), value=steps.last(values, before), seen=steps.last(there, before))
        return steps.closed(self.out(y)), last

    def _looked(self, steps: Steps, keys: Tensor, values: Tensor, there: Tensor) -> Tensor:
        """What each step finds, all heads side by side: [B, T, D]; stretch by stretch of the queries."""
        # 0 * NaN is NaN: what must not be seen would show, so it is taken out and put back where it is seen.
        soiled = ~(torch.isfinite(keys).all(-1) & torch.isfinite(values).all(-1))  # [B, window - 1 + T]
        keys, values = (torch.where(soiled[..., None], 0.0, part) for part in (keys, values))
        queries = self.query(steps.x).unflatten(-1, (self.heads, self.size)).transpose(1, 2)  # [B, heads, T, size]
        segment = steps.together(self.window - 1)
        length, stretch = steps.x.shape[1], max(self.window, _LEAST_STRETCH)
        found = []
        for start in range(0, length, stretch):
            end = min(start + stretch, length)
            seen = slice(start, end + self.window - 1)
            visible = self._visible(there[:, seen], None if segment is None else segment[:, seen], end - start)
            looked = self._attended(queries[:, :, start:end], keys[:, seen], values[:, seen], visible)
            bad = (visible & soiled[:, None, seen]).any(-1)  # [B, C]
            found.append(torch.where(bad[..., None], torch.nan, looked))
        return torch.cat(found, dim=1) if found else steps.x

    def _visible(self, there: Tensor, segment: Tensor | None, count: int) -> Tensor:
        """Which of C + window - 1 places each of C queries sees: [B, C, C + window - 1]."""
        place = torch.arange(count + self.window - 1, device=there.device)
        ahead = place - torch.arange(count, device=there.device)[:, None]  # [C, C + window - 1]
        itself = ahead == self.window - 1
        visible = ((ahead >= 0) & (ahead < self.window)) & there[:, None]
        if segment is not None:
            visible = visible & (segment[:, None] == segment[:, self.window - 1 :, None])
        # Padding sees its own zeros, because a mean over nothing is no number.
        return visible | itself

    def _attended(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor) -> Tensor:
        """Means of values [B, L, size] by queries [B, heads, C, size]: [B, C, D]."""
        if self.rotary:
            cos, sin = _turns(keys.shape[1], self.size, keys)
            queries = _turned(queries, cos[self.window - 1 :], sin[self.window - 1 :])
            keys = _turned(keys, cos, sin)
        keys, values = (part[:, None].expand(-1, self.heads, -1, -1) for part in (keys, values))
        means = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=visible[:, None])
        return means.transpose(1, 2).flatten(2)

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"{self.inputs}, heads={self.heads}, window={self.window}"


def _turns(places: int, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles of each place and pair: [places, size / 2] each."""
    kind = torch.promote_types(like.dtype, torch.float32)
    rates = _SLOWEST ** -(torch.arange(0, size, 2, dtype=kind, device=like.device) / size)
    angles = torch.arange(places, dtype=kind, device=like.device)[:, None] * rates
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _turned(vectors: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Vectors [..., places, size] with each pair of numbers turned by its place's angle."""
    left, right = vectors.chunk(2, dim=-1)
    return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)
