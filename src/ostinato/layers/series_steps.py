"""What a network reads of a series at each step: what was observed, what is known ahead, what never changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError
from ostinato.sequence import gather_steps


class Joined(NamedTuple):
    """One sequence x [B, T, width], its lengths [B] (None: all T), and where its last ``steps`` begin [B]."""

    x: Tensor
    lengths: Tensor | None
    begin: Tensor | int
    steps: int


class SeriesSteps(nn.Module):
    """Joins the steps that are read and the steps ahead to one sequence, each step before what it foretells.

    >>> layer = SeriesSteps(observed=1, ahead=1)
    >>> joined = layer(torch.tensor([[[5.0, 0.1], [6.0, 0.2]]]), future=torch.tensor([[[0.3], [0.4]]]))
    >>> joined.x[0, :, 1:].mul(10).round().tolist(), joined.begin, joined.steps
    ([[2.0, 0.0], [3.0, 0.0], [4.0, 10.0]], 1, 2)

    The step that foretells t reads the ``observed`` columns of t - 1 and the columns of t that are known ``ahead``: a
    network may be stopped anywhere, and go on from there. Where nothing is observed any more these columns are 0, and
    one more column is 1. ``static`` numbers [B, Q] and a vector of width ``vector`` for each of ``categories`` (so many
    words each; 0 is an unknown one) [B, C] stand at every step. Inputs are [B, C, observed + ahead], padded on the
    right to ``lengths``; ``future`` is [B, h, ahead]. Without a future the sequence are the inputs themselves. With
    ``flagged=False`` the column that says what is not observed is left out.
    """

    def __init__(
        self,
        observed: int,
        ahead: int,
        *,
        static: int = 0,
        categories: Sequence[int] = (),
        vector: int = 8,
        flagged: bool = True,
    ) -> None:
        super().__init__()
        sizes = {"observed": observed, "ahead": ahead, "static": static}
        if any(isinstance(size, bool) or not isinstance(size, int) or size < 0 for size in sizes.values()):
            raise OptionError(f"columns of a series wanted whole numbers from 0 on, got {sizes}")
        self.observed, self.ahead, self.static, self.flagged = observed, ahead, static, flagged
        self.vectors = nn.ModuleList(nn.Embedding(count + 1, vector, padding_idx=0) for count in categories)
        self.width = observed + ahead + static + len(self.vectors) * vector + flagged

    def forward(
        self,
        inputs: Tensor,
        lengths: Tensor | None = None,
        future: Tensor | None = None,
        static: Tensor | None = None,
        categories: Tensor | None = None,
    ) -> Joined:
        """The sequence, and where in it the steps ahead begin."""
        if inputs.dim() != 3 or inputs.shape[2] != self.observed + self.ahead:
            raise ShapeError(f"wanted inputs [B, T, {self.observed + self.ahead}], got {list(inputs.shape)}")
        if future is None:
            x = torch.cat([inputs, inputs.new_zeros(*inputs.shape[:2], 1)], -1) if self.flagged else inputs
            joined = Joined(x, lengths, 0, inputs.shape[1])
        else:
            if future.dim() != 3 or future.shape[2] != self.ahead or len(future) != len(inputs):
                raise ShapeError(f"wanted a future [{len(inputs)}, h, {self.ahead}], got {list(future.shape)}")
            joined = self._joined(inputs, lengths, future)
        same = self._same(static, categories)
        if same is None:
            return joined
        spread = same[:, None].expand(-1, joined.x.shape[1], -1)
        return joined._replace(x=torch.cat([joined.x, spread], -1))

    def _joined(self, inputs: Tensor, lengths: Tensor | None, future: Tensor) -> Joined:
        rows, context, steps = len(inputs), inputs.shape[1], future.shape[1]
        seen, known = inputs[..., : self.observed], inputs[..., self.observed :]
        total = context - 1 + steps
        ends = context if lengths is None else lengths[:, None]
        place = torch.arange(total, device=inputs.device).expand(rows, total)
        unseen = place >= ends
        seen = torch.cat([seen, seen.new_zeros(rows, 1, self.observed)], 1)
        known = torch.cat([known, future], 1)
        if lengths is None:
            seen = torch.cat([seen, seen.new_zeros(rows, max(total - context - 1, 0), self.observed)], 1)[:, :total]
            known = known[:, 1:]
        else:
            seen = gather_steps(seen, torch.where(unseen, context, place))
            # Past the end of a row's sequence any step will do: lengths keep it from being read.
            ahead = (context + place + 1 - ends).clamp(max=context + steps - 1)
            known = gather_steps(known, torch.where(place + 1 < ends, place + 1, ahead))
        parts = [seen, known, unseen[..., None].to(seen.dtype)] if self.flagged else [seen, known]
        if lengths is None:
            return Joined(torch.cat(parts, -1), None, context - 1, steps)
        return Joined(torch.cat(parts, -1), lengths - 1 + steps, lengths - 1, steps)

    def _same(self, static: Tensor | None, categories: Tensor | None) -> Tensor | None:
        """What stands at every step, [B, Q + C vector]; None where nothing does."""
        parts = []
        if self.static:
            if static is None or static.shape[-1] != self.static:
                raise ShapeError(f"wanted {self.static} static numbers for each series, got none or others")
            parts.append(static)
        if len(self.vectors):
            if categories is None or categories.shape[-1] != len(self.vectors):
                raise ShapeError(f"wanted {len(self.vectors)} categories for each series, got none or others")
            parts += [table(categories[:, k]) for k, table in enumerate(self.vectors)]
        return torch.cat(parts, -1) if parts else None


def ahead_of(y: Tensor, joined: Joined) -> Tensor:
    """The steps ahead of y [B, T, W], which a network made of a joined sequence: [B, steps, W]."""
    if isinstance(joined.begin, int):
        return y[:, joined.begin : joined.begin + joined.steps]
    place = joined.begin[:, None] + torch.arange(joined.steps, device=y.device)
    return gather_steps(y, place)
