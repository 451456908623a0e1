"""What the loss adds for outputs of the recurrence that are large, or that change fast."""

from __future__ import annotations

import torch
from torch import Tensor

from ostinato.errors import OptionError
from ostinato.model import Activity
from ostinato.sequence import valid_steps
from ostinato.train.options import TrainOptions


def penalty(activity: Activity | None, options: TrainOptions) -> Tensor | None:
    """What the options add to the loss of one batch; None where they add nothing.

    A model whose loss does not tell what its body showed raises :class:`~ostinato.errors.OptionError`.
    """
    asked = {name: getattr(options, name) for name in ("activation_penalty", "temporal_penalty")}
    if not any(asked.values()):
        return None
    if activity is None:
        name = next(name for name, weight in asked.items() if weight)
        raise OptionError(
            f"{name} looks at the recurrent outputs, and this model's loss does not tell them; leave it out, or "
            "return Step(..., activity=Activity(y, lengths, reset))"
        )
    total = activity.y.new_zeros((), dtype=torch.promote_types(activity.y.dtype, torch.float32))
    if options.activation_penalty:
        total = total + options.activation_penalty * mean_square(activity)
    if options.temporal_penalty:
        total = total + options.temporal_penalty * mean_square_change(activity)
    return total


def mean_square(activity: Activity) -> Tensor:
    """The mean of y^2 over all units of the valid steps.

    >>> mean_square(Activity(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([2]))).item()
    5.0

    Dropout on what the head reads would divide its expectation by 1 - share and change nothing else, so that y is
    taken as the body shows it. No valid step gives 0. Merity et al., 2018 (arXiv:1708.02182).
    """
    valid = _valid(activity)[..., None]
    return _square_sum(torch.where(valid, activity.y, 0.0)) / (valid.sum() * activity.y.shape[2]).clamp(min=1)


def mean_square_change(activity: Activity) -> Tensor:
    """The mean of (y_(t + 1) - y_t)^2 over all units of neighbouring valid steps that no reset parts.

    >>> y, reset = torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[False, False, True]])
    >>> mean_square_change(Activity(y)).item(), mean_square_change(Activity(y, reset=reset)).item()
    (20.0, 4.0)

    No neighbours give 0. Merity et al., 2018 (arXiv:1708.02182).
    """
    y, width = activity.y, activity.y.shape[2]
    pair = _valid(activity)[:, 1:]
    if activity.reset is not None:
        pair = pair & ~activity.reset[:, 1:]
    pair = pair[..., None]
    change = torch.where(pair, y[:, 1:], 0.0) - torch.where(pair, y[:, :-1], 0.0)
    return _square_sum(change) / (pair.sum() * width).clamp(min=1)


def _valid(activity: Activity) -> Tensor:
    rows, steps = activity.y.shape[:2]
    if activity.lengths is None:
        return torch.ones(rows, steps, dtype=torch.bool, device=activity.y.device)
    return valid_steps(activity.lengths, steps)


def _square_sum(values: Tensor) -> Tensor:
    # Numbers of half size would overflow.
    return values.to(torch.promote_types(values.dtype, torch.float32)).square().sum()
