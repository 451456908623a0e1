"""Several networks that answer as one: trained side by side on the same batches, and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from ostinato.heads.classify import Classify
from ostinato.heads.forecast import Forecasted
from ostinato.model import Activity, Model, Step

if TYPE_CHECKING:
    from ostinato.data.batch import Batch


class Members(nn.Module):
    """Networks of one architecture whose answers are averaged: probabilities, numbers, or the quantiles of forecasts.

    Each learns from its own loss, so that they stay different; outside training the loss is that of their common
    answer, for forecasts the mean of theirs. It is called as a :class:`~ostinato.model.Model` is.

    >>> parts = {"embed": {"kind": "numbers", "width": 2}, "body": {"cell": "gru", "hidden": 3}, "pool": ["last"],
    ...          "head": {"kind": "classify", "classes": 2}}
    >>> Members([Model(parts), Model(parts)]).decode(torch.zeros(1, 4, 2)).shape
    torch.Size([1, 2])
    """

    def __init__(self, members: list[Model]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def first(self) -> Model:
        """The first member, whose parts are like those of all."""
        return cast("Model", self.members[0])

    @property
    def architecture(self) -> dict[str, Any]:
        """The architecture of each member."""
        return self.first.architecture

    @property
    def embed(self) -> Any:
        """What the first member reads by."""
        return self.first.embed

    @property
    def body(self) -> Any:
        """The recurrence of the first member."""
        return self.first.body

    def depths(self) -> list[list[nn.Parameter]]:
        """The weights from the top down, of all members together."""
        parts = zip(*(member.depths() for member in self._each()), strict=True)
        return [[parameter for group in groups for parameter in group] for groups in parts]

    def loss(self, batch: Any, state: Any = None) -> Step:
        """The mean of the members' losses in training, the loss of their common answer otherwise."""
        del state
        if not self.training and not self.first.foretells:
            head, scores = self.first.head, self._common(batch)
            loss = head.loss(scores, batch.target, batch.weight)
            return Step(loss, None, batch.target.numel(), head.measure(scores, batch.target))
        steps = [member.loss(batch) for member in self._each()]
        shown = [step.activity for step in steps if step.activity is not None]
        activity = Activity(torch.cat([each.y for each in shown], dim=-1), shown[0].lengths, shown[0].reset)
        measures = {
            name: torch.stack([step.measures[name].float() for step in steps]).mean() for name in steps[0].measures
        }
        each = torch.stack([step.loss for step in steps])
        # The value is the mean; the gradient of each member is that of its own loss alone.
        loss = each.sum() - (each.sum() - each.mean()).detach()
        return Step(loss, None, steps[0].count, measures, activity)

    @torch.inference_mode()
    def decode(self, batch: Any) -> Tensor:
        """The mean of the members' answers."""
        return torch.stack([member.decode(batch) for member in self._each()]).mean(0)

    @torch.inference_mode()
    def foresee(self, batch: Batch, levels: Sequence[float] = ()) -> Forecasted:
        """The mean of the members' means [B, h, K] and of their quantiles [B, h, K, L], which cannot cross either."""
        told = [member.foresee(batch, levels) for member in self._each()]
        return Forecasted(*(torch.stack(parts).mean(0) for parts in zip(*told, strict=True)))

    @torch.inference_mode()
    def draw(self, batch: Batch, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n draws of each step after the windows of a batch, an equal share from each member: [B, n, h, K]."""
        parts = [member.draw(batch, share, generator) for member, share in self.shares(n) if share]
        return torch.cat(parts, 1)

    def shares(self, n: int) -> list[tuple[Model, int]]:
        """How many of n draws come from each member, the first ones giving what is left over."""
        count = len(self.members)
        return [(member, n // count + (place < n % count)) for place, member in enumerate(self._each())]

    def _common(self, batch: Any) -> Tensor:
        """Scores of the common answer, as the head of one member takes them."""
        scores = torch.stack([member.head(member.features(batch)[0]) for member in self._each()])
        if not isinstance(self.first.head, Classify):
            return scores.mean(0)
        shares = scores.softmax(-1).mean(0)
        # A class that all are sure to be wrong has the probability 0, whose logarithm is no loss to average.
        return shares.clamp(min=torch.finfo(shares.dtype).tiny).log()

    def _each(self) -> list[Model]:
        return [cast("Model", member) for member in self.members]
