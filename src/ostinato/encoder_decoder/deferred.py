"""Products inside a loop whose weights learn once, after the loop: one large product instead of many small ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Deferred:
    """A weight [N, D] that many steps of one call multiply; its gradient is made at the end of the way back.

    >>> weight = torch.ones(2, 3, requires_grad=True)
    >>> product = Deferred(weight)
    >>> sum(product(torch.ones(4, 3)).sum() for _ in range(5)).backward()
    >>> weight.grad.tolist()
    [[20.0, 20.0, 20.0], [20.0, 20.0, 20.0]]

    x W' [+ share] for x [B, D] and a share [B, N]. Each step's way back makes the gradient of x alone and keeps that of
    the product; sum over steps dy_t' x_t is then one product over all of them, whatever the loop did between. The
    gradients cannot be differentiated again.
    """

    def __init__(self, weight: Tensor) -> None:
        self._seen: list[tuple[Tensor, Tensor]] = []
        self._learns = torch.is_grad_enabled() and weight.requires_grad
        self._weight = _Gather.apply(weight, self._seen) if self._learns else weight  # type: ignore[no-untyped-call]

    def __call__(self, x: Tensor, share: Tensor | None = None) -> Tensor:
        """x W' [B, N], on top of a share where there is one."""
        if self._learns:
            product: Tensor = _Product.apply(x, self._weight, share, self._seen)  # type: ignore[no-untyped-call]
            return product
        return torch.addmm(share, x, self._weight.t()) if share is not None else x @ self._weight.t()


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, share: Tensor | None, seen: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.shared, ctx.seen = share is not None, seen
        return torch.addmm(share, x, weight.t()) if share is not None else x @ weight.t()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        ctx.seen.append((x, dy))
        return (dy @ weight if ctx.needs_input_grad[0] else None), None, (dy if ctx.shared else None), None


class _Gather(torch.autograd.Function):
    """The weight as it is; on the way back, after all its products, their gradients as one."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, seen: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.seen = seen
        ctx.set_materialize_grads(False)
        return weight.view_as(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, nothing: Any) -> Any:
        if not ctx.seen:
            return None, None
        # The order of the way back follows from the graph, so that equal runs have equal bits.
        x, dy = (torch.cat(parts) for parts in zip(*ctx.seen, strict=True))
        ctx.seen.clear()
        return dy.t() @ x, None
