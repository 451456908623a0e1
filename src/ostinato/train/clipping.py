"""Limits on the gradient: on each entry, and on the norm of all."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Clip:
    """Cuts each entry to [-value, value], then shortens the whole gradient to a norm; 0 turns either off.

    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> weight.grad = torch.tensor([3.0, 4.0])
    >>> Clip([weight], norm=1.0)()
    >>> weight.grad
    tensor([0.6000, 0.8000])

    Source: Pascanu et al., 2013 (arXiv:1211.5063).
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], *, norm: float = 0.0, value: float = 0.0) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.norm = norm
        self.value = value

    def __call__(self) -> None:
        """Limit the gradients in place."""
        if self.value:
            torch.nn.utils.clip_grad_value_(self.parameters, self.value, foreach=True)
        if self.norm:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.norm, foreach=True)
