"""The loss of choosing one of many words: scores, probabilities and their gradient in one buffer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Scores that are worked on at once: so many numbers stay in the cache.
_AT_ONCE = 1 << 17


def choice_loss(
    features: Tensor, table: Tensor, bias: Tensor | None, target: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The mean of - log p(target) over N choices, and how many were right: two numbers.

    >>> loss, right = choice_loss(torch.zeros(2, 3), torch.ones(4, 3), None, torch.tensor([0, 3]))
    >>> round(loss.item(), 4), right.item()
    (1.3863, 1)

    p = softmax(features table' + bias) of features [N, E] and a table [V, E]; ``target`` int64 [N]. ``smoothing`` e
    mixes in the mean of - log p over all V: (1 - e) (- log p_target) + e mean_v (- log p_v), as in Szegedy et al., 2016
    (arXiv:1512.00567). The scores [N, V] are turned into their own gradient in place, a few rows at a time, so that
    they cross the memory twice and not six times; gradients cannot be differentiated again.
    """
    learns = torch.is_grad_enabled()
    total, right = _Choice.apply(features, table, bias, target, float(smoothing), learns)  # type: ignore[no-untyped-call]
    return total / max(len(target), 1), right


class _Choice(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, table: Tensor, bias: Tensor | None, target: Tensor, smoothing: float, learns: bool
    ) -> tuple[Tensor, Tensor]:
        scores = features @ table.t() if bias is None else torch.addmm(bias, features, table.t())  # [N, V]
        wanted = learns and any(ctx.needs_input_grad[:3])
        rows, size = scores.shape
        total, right = scores.new_zeros((), dtype=torch.float64), target.new_zeros(())
        at_once = max(1, _AT_ONCE // size)
        for begin in range(0, rows, at_once):
            part, goal = scores[begin : begin + at_once], target[begin : begin + at_once, None]
            best, place = part.max(1, keepdim=True)
            right += (place == goal).sum()
            chosen = part.gather(1, goal)
            spread = (part.sum(1, keepdim=True) / size) if smoothing else 0.0
            part.sub_(best).exp_()
            mass = part.sum(1, keepdim=True)
            scale = mass.log() + best
            total += (scale - (1 - smoothing) * chosen - smoothing * spread).sum(dtype=torch.float64)
            if wanted:
                part.div_(mass)
                if smoothing:
                    part.sub_(smoothing / size)
                part.scatter_add_(1, goal, part.new_full(goal.shape, smoothing - 1.0))
        if wanted:
            ctx.save_for_backward(features, table, scores)
            ctx.biased = bias is not None
        ctx.mark_non_differentiable(right)
        return total.to(features.dtype), right

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dloss: Tensor, _: Any) -> Any:
        features, table, slope = ctx.saved_tensors
        need = ctx.needs_input_grad
        # Scaling the small factors is cheaper than scaling [N, V].
        dfeatures = (slope @ table).mul_(dloss) if need[0] else None
        dtable = slope.t() @ (features * dloss) if need[1] else None
        dbias = slope.sum(0).mul_(dloss) if ctx.biased and need[2] else None
        return dfeatures, dtable, dbias, None, None, None
